/* look.c: what a page holds, as the kernel shows it: /proc/PID/pagemap, and /proc/kpageflags for its frame. */
#include "driver.h"

#define PM_PRESENT (1ULL << 63)
#define PM_SWAPPED (1ULL << 62)
#define PM_PFN ((1ULL << 55) - 1)

/* linux/kernel-page-flags.h */
#define KPF_KSM (1ULL << 21)
#define KPF_THP (1ULL << 22)
#define KPF_ZERO_PAGE (1ULL << 24)

static u32 kind_of(u64 flags)
{
	if (flags & KPF_ZERO_PAGE)
		return flags & KPF_THP ? PAGE_HUGE_ZERO : PAGE_ZERO;
	if (flags & KPF_KSM)
		return PAGE_KSM;
	return flags & KPF_THP ? PAGE_HUGE : PAGE_SMALL;
}

struct seen look(struct slot *me, u64 addr)
{
	struct seen seen = { 0, PAGE_NONE, 0 };

	me->word[0] = 0;
	sys4(__NR_pread64, me->pagemap, &me->word[0], 8, addr / PAGE * 8);
	if (me->word[0] & PM_PRESENT) {
		seen.pfn = me->word[0] & PM_PFN;
		me->word[1] = 0;
		sys4(__NR_pread64, FD_KPAGEFLAGS, &me->word[1], 8, seen.pfn * 8);
		seen.kind = kind_of(me->word[1]);
		seen.flags = (u32)me->word[1];
	} else if (me->word[0] & PM_SWAPPED) {
		seen.kind = PAGE_SWAP;
	}
	return seen;
}
