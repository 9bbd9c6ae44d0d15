/* look.c: what a page holds, as the kernel shows it: /proc/PID/pagemap, and /proc/kpageflags for its frame. */
#include <linux/fcntl.h>
#include <linux/mman.h>
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
	if (flags & KPF_KSM && !S->all_ksm)
		return PAGE_KSM;
	return flags & KPF_THP ? PAGE_HUGE : PAGE_SMALL;
}

/* An anonymous page that KSM cannot have merged. 6.12 sets KPF_KSM for it too (stable_page_flags()). */
void look_at_ksm_flag(void)
{
	long page = sys6(__NR_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (ul)-1, 0);
	long fd = sys4(__NR_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY, 0);
	u64 entry = 0, flags = 0;

	*(volatile u64 *)page = 1;
	sys4(__NR_pread64, fd, &entry, 8, (u64)page / PAGE * 8);
	if (entry & PM_PFN)
		sys4(__NR_pread64, FD_KPAGEFLAGS, &flags, 8, (entry & PM_PFN) * 8);
	S->all_ksm = !!(flags & KPF_KSM);
	sys1(__NR_close, fd);
	sys2(__NR_munmap, page, PAGE);
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
