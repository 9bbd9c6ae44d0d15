/* worker.c: one simulated process. It does what the runner says, one operation at a time, and notes what it saw. */
#include <asm/ioctl.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <linux/userfaultfd.h>
#include "driver.h"

#define SIGSEGV_NR 11
#define SIGBUS_NR 7
#define PR_SET_PDEATHSIG 1
#define SIGKILL_NR 9

extern void restore_rt(void);
/* DONE, or NOT_PERMITTED by way of on_fault(). */
extern u32 load_word(u64 addr, u64 *to);
extern u32 store_word(u64 addr, u64 value);
extern void access_denied(void);

static const u32 advice_of[] = { 4, 8, 21, 25, 14, 15, 12, 10 }; /* MADV_* by the numbers of src/trace/ops.ts */

static void on_fault(int signal, void *info, void *context)
{
	struct ucontext *at = context;

	(void)signal, (void)info;
#if defined(__x86_64__)
	at->uc_mcontext.rip = (u64)access_denied;
#else
	at->uc_mcontext.pc = (u64)access_denied;
#endif
}

static void catch_faults(void)
{
	struct {
		void (*handler)(int, void *, void *);
		ul flags;
		void (*restorer)(void);
		u64 mask;
	} action = { on_fault, SA_SIGINFO | 0x04000000 /* SA_RESTORER */, restore_rt, 0 };

	sys4(__NR_rt_sigaction, SIGSEGV_NR, &action, 0, 8);
	sys4(__NR_rt_sigaction, SIGBUS_NR, &action, 0, 8);
}

static u64 faults_so_far(struct slot *me)
{
	sys2(__NR_getrusage, 0, me->rusage);
	return me->rusage[RU_MINFLT] + me->rusage[RU_MAJFLT];
}

static int force_store(u64 addr, u64 *token)
{
	long fd = sys4(__NR_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC, 0);
	long n = sys4(__NR_pwrite64, fd, token, 8, addr);

	sys1(__NR_close, fd);
	return n == 8 ? 0 : (int)n;
}

static void touch_pages(struct slot *me, struct op *op)
{
	/* clear_refs has protected the driver's memory too: a fault on it is taken now, as in serve(). */
	faults_so_far(me);
	for (u64 i = 0; i < op->pages; i++) {
		struct page_result *page = new_page_result();
		u64 addr = op->addr + i * PAGE;
		u64 faults;

		page->token = op->verb == OP_STORE_SAME ? op->token : op->token + i;
		page->before = look(me, addr);
		faults = faults_so_far(me);
		if (op->verb == OP_POKE)
			page->status = force_store(addr, &page->token) < 0 ? REFUSED : DONE;
		else
			page->status = op->verb == OP_LOAD ? load_word(addr, &page->token) : store_word(addr, page->token);
		page->faults = (u32)(faults_so_far(me) - faults);
		page->after = look(me, addr);
	}
}

static void show_pages(struct slot *me, struct op *op)
{
	for (u64 i = 0; i < op->pages; i++) {
		struct page_result *page = new_page_result();

		page->before = page->after = look(me, op->addr + i * PAGE);
	}
}

/* Files and shared memory outlive the test's mappings: to free their pages would drain the batches. */
static long map_object(struct op *op)
{
	int fd = FD_OBJECTS + (int)op->c;
	int flags = op->b == MAP_KIND_SHARED ? MAP_SHARED : MAP_PRIVATE;
	long at;

	sys2(__NR_ftruncate, fd, op->pages * PAGE);
	at = sys6(__NR_mmap, op->addr, op->pages * PAGE, PROT_READ | PROT_WRITE, (ul)(flags | MAP_FIXED), (ul)fd, 0);
	return at < 0 ? at : 0;
}

static long map_area(struct op *op)
{
	long at = sys6(__NR_mmap, op->addr, op->pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (ul)-1, 0);

	if (at < 0 || !op->c)
		return at < 0 ? at : 0;
	return sys3(__NR_madvise, op->addr, op->pages * PAGE, op->c);
}

static int open_uffd(struct slot *me)
{
	struct uffdio_api api = { UFFD_API, UFFD_FEATURE_PAGEFAULT_FLAG_WP, 0 };
	long fd = sys1(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	/* Until 5.10 the manager is asked about the kernel's own stores too: reasonToSkip() keeps tests from making any. */
	if (fd == -EINVAL)
		fd = sys1(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return (int)fd;
	me->uffd = (s32)fd;
	return (int)sys3(__NR_ioctl, fd, UFFDIO_API, &api);
}

static long protect_pages(struct slot *me, struct op *op)
{
	struct uffdio_register all = { { op->b, op->c * PAGE }, UFFDIO_REGISTER_MODE_WP, 0 };
	struct uffdio_writeprotect pages = { { op->addr, op->pages * PAGE }, op->a ? UFFDIO_WRITEPROTECT_MODE_WP : 0 };
	long error;

	if (!me->uffd) {
		error = open_uffd(me);
		if (error < 0)
			return error;
	}
	if (op->a) {
		error = sys3(__NR_ioctl, me->uffd, UFFDIO_REGISTER, &all);
		if (error < 0)
			return error;
	}
	return sys3(__NR_ioctl, me->uffd, UFFDIO_WRITEPROTECT, &pages);
}

static long clear_refs(void)
{
	long fd = sys4(__NR_openat, AT_FDCWD, "/proc/self/clear_refs", O_WRONLY | O_CLOEXEC, 0);
	long n = sys3(__NR_write, fd, "4", 1);

	sys1(__NR_close, fd);
	return n == 1 ? 0 : n;
}

static long fork_worker(struct op *op)
{
	struct slot *child = &S->slots[op->a];
	long pid;

	memset(child, 0, sizeof(*child));
	pid = clone_onto(CLONE_PARENT | 17 /* SIGCHLD */, S->stacks[op->a + 2], worker, op->a);
	if (pid > 0)
		child->pid = (s32)pid;
	return pid < 0 ? pid : 0;
}

static void exec_worker(u32 index)
{
	char slot[3] = { (char)('0' + index / 10), (char)('0' + index % 10), 0 };
	const char *argv[] = { "cowbench-live", slot, 0 };
	const char *envp[] = { 0 };

	sys3(__NR_execve, "/proc/self/exe", argv, envp);
}

#define PM_SOFT_DIRTY (1ULL << 55)

/* Does the kernel track soft-dirty pages at all? Fresh pages are dirty where it does. */
static long soft_dirty_works(struct slot *me, u64 addr)
{
	long at = sys6(__NR_mmap, addr, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (ul)-1, 0);

	if (at < 0)
		return at;
	*(volatile u64 *)at = 1;
	me->word[0] = 0;
	sys4(__NR_pread64, me->pagemap, &me->word[0], 8, (u64)at / PAGE * 8);
	return me->word[0] & PM_SOFT_DIRTY ? 0 : -1;
}

static long probe(struct slot *me, struct op *op)
{
	switch (op->a) {
	case PROBE_PAGEMAP:
		return look(me, (u64)me).pfn && look(me, (u64)me).flags ? 0 : -1;
	case PROBE_UFFD_WP:
		return me->uffd ? 0 : open_uffd(me);
	case PROBE_SOFT_DIRTY:
		return soft_dirty_works(me, op->addr);
	case PROBE_KSM_FLAG:
		return S->all_ksm ? -1 : 0;
	case PROBE_DEVICE:
		return S->has_device ? 0 : -1;
	default:
		return io_uring_works(me) ? 0 : -1;
	}
}

/* What is not done page by page; 0, or an error number below 0. */
static long whole(struct slot *me, u32 index, struct op *op)
{
	ul length = op->pages * PAGE;

	switch (op->verb) {
	case OP_FORK:
		return fork_worker(op);
	case OP_EXIT:
		drop_pins(me, index);
		leave(0);
	case OP_EXEC:
		drop_pins(me, index);
		exec_worker(index);
		return -1;
	case OP_MMAP:
		return op->b == MAP_KIND_ANON ? map_area(op) : map_object(op);
	case OP_MUNMAP:
		return sys2(__NR_munmap, op->addr, length);
	case OP_MPROTECT:
		return sys3(__NR_mprotect, op->addr, length, op->a);
	case OP_MREMAP:
		op->c = (u64)sys5(__NR_mremap, op->addr, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, op->a);
		if (op->c != op->a)
			return (long)op->c;
		move_pins(index, op->addr, length, op->a);
		return 0;
	case OP_MADVISE:
		return sys3(__NR_madvise, op->addr, length, advice_of[op->a]);
	case OP_UNPIN:
		if (S->pins[op->pin].held)
			drop_pin(me, &S->pins[op->pin]);
		return 0;
	case OP_DEVREAD:
	case OP_DEVWRITE:
		if (!S->pins[op->pin].held)
			return -9; /* EBADF */
		return op->verb == OP_DEVREAD ? device_read(me, op) : device_write(me, op);
	case OP_UFFD_WP:
		return protect_pages(me, op);
	case OP_CLEAR_REFS:
		return clear_refs();
	case OP_PROBE:
		return probe(me, op);
	default:
		return -38; /* ENOSYS */
	}
}

static long swap_out(struct slot *me, struct op *op)
{
	struct page_result *first = 0;
	long error = 0;

	for (u64 i = 0; i < op->pages; i++) {
		struct page_result *page = new_page_result();

		first = first ? first : page;
		page->before = look(me, op->addr + i * PAGE);
	}
	/* The first pass only finds out what was stored to since MADV_FREE. */
	for (int pass = 0; pass < 2; pass++)
		error = sys3(__NR_madvise, op->addr, op->pages * PAGE, MADV_PAGEOUT);
	if (S->has_device)
		reclaim_pages(me, first, op->pages);
	for (u64 i = 0; i < op->pages; i++)
		first[i].after = look(me, op->addr + i * PAGE);
	return error;
}

static void execute(struct slot *me, u32 index, struct op *op)
{
	struct op_result *result = result_of_op();
	long error = 0;

	switch (op->verb) {
	case OP_STORE:
	case OP_STORE_SAME:
	case OP_LOAD:
	case OP_POKE:
		touch_pages(me, op);
		break;
	case OP_SHOW:
		show_pages(me, op);
		break;
	case OP_SWAPOUT:
		error = swap_out(me, op);
		break;
	case OP_PIN: {
		struct page_result *page = new_page_result();

		page->before = look(me, op->addr);
		error = take_pin(me, op);
		page->after = look(me, op->addr);
		for (u64 i = 1; i < op->pages && error >= 0; i++)
			new_page_result()->after = look(me, op->addr + i * PAGE);
		break;
	}
	default:
		error = whole(me, index, op);
	}
	result->status = error < 0 ? REFUSED : DONE;
	result->error = error < 0 ? (u32)-error : 0;
}

static void serve(ul index) __attribute__((noreturn));
static void serve(ul index)
{
	struct slot *me = &S->slots[index];

	/* Faults on the pages that the driver itself needs are taken now. */
	faults_so_far(me);
	look(me, (u64)me);
	*(volatile u8 *)(S->stacks[index + 2] - 2 * PAGE) = 0;
	for (u64 at = 0; at < (u64)S->result; at += PAGE)
		(void)*(volatile u8 *)(S->results + at);
	for (;;) {
		sys3(__NR_write, FD_REPLY_WRITE, me->word, 1);
		if (sys3(__NR_read, FD_WAKE + 2 * index, me->word, 1) != 1)
			leave(0);
		execute(me, (u32)index, &S->ops[S->current]);
	}
}

void worker(ul index)
{
	struct slot *me = &S->slots[index];

	sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL_NR);
	/* The parent's pins, userfaultfd and pagemap are not ours. */
	close_from(FD_FIRST_FREE);
	me->pagemap = (s32)sys4(__NR_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	catch_faults();
	serve(index);
}

/* As worker(), in a new image: what the old one knew is gone. */
void worker_after_exec(ul index)
{
	struct slot *me = &S->slots[index];
	s32 pid = me->pid;

	memset(me, 0, sizeof(*me));
	me->pid = pid;
	worker(index);
}
