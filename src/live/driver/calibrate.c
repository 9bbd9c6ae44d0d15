/*
 * calibrate.c: what this machine's page faults, forks and exits take. Each line of output is a name and the
 * nanoseconds of one of them, measured once; calibrate.ts asks again and again, and makes a cost profile out of these.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include "driver.h"

/*
 * A heap that is larger than the caches, as those of the programs that costs are wanted for: 256 MiB by 4 KiB pages, in
 * 128 page tables.
 */
#define HEAP_PAGES 65536UL
#define HALF (HEAP_PAGES / 2)
#define SMALL_PAGES 4096UL	/* 16 MiB by 4 KiB pages */
#define HUGE_PAGES 16UL		/* 32 MiB by huge folios */
#define HUGE_FORKED 64UL
#define SPARSE_TABLES 256UL	/* one page in each */
#define BASE 0x300000000000UL

static void map(u64 bytes, int advice)
{
	sys6(__NR_mmap, BASE, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (ul)-1, 0);
	if (advice)
		sys3(__NR_madvise, BASE, bytes, advice);
}

static void unmap(u64 bytes)
{
	sys2(__NR_munmap, BASE, bytes);
}

static void touch(u64 pages, u64 step)
{
	for (u64 i = 0; i < pages; i++)
		*(volatile u64 *)(BASE + i * step) = i;
}

static u64 timed_touch(u64 pages, u64 step)
{
	u64 start = now();

	touch(pages, step);
	return (now() - start) / pages;
}

/* Pages of the heap from the `from`-th, every `stride`-th one; an odd stride comes to each page once. */
static u64 timed_stores(u64 from, u64 to, u64 stride)
{
	u64 start = now();

	for (u64 i = from; i < to; i++)
		*(volatile u64 *)(BASE + i * stride % HEAP_PAGES * PAGE) = i;
	return now() - start;
}

static u64 timed_loads(u64 stride)
{
	u64 start = now();

	for (u64 i = 0; i < HEAP_PAGES; i++)
		(void)*(volatile u64 *)(BASE + i * stride % HEAP_PAGES * PAGE);
	return now() - start;
}

/* A child that waits for a byte, or leaves at once; the time of fork() alone goes to `took`. */
static long child(int waits, s32 *pipe, u64 *took)
{
	u64 start;
	long pid;
	char byte;

	sys2(__NR_pipe2, pipe, 0);
	start = now();
	pid = sys5(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0);
	if (pid == 0) {
		sys1(__NR_close, pipe[1]);
		if (waits)
			sys3(__NR_read, pipe[0], &byte, 1);
		leave(0);
	}
	*took = now() - start;
	return pid;
}

/* Lets the child go; the time until it is gone. */
static u64 release(long pid, s32 *pipe)
{
	u64 start = now();

	sys1(__NR_close, pipe[1]);
	sys4(__NR_wait4, pid, 0, 0, 0);
	sys1(__NR_close, pipe[0]);
	return now() - start;
}

static u64 huge_fill(void)
{
	map(HUGE_PAGES * HUGE, MADV_HUGEPAGE);
	return timed_touch(HUGE_PAGES, HUGE);
}

/* 2 MiB from one huge folio into another. */
static u64 huge_copy(void)
{
	u64 start;

	map(2 * HUGE, MADV_HUGEPAGE);
	touch(2, HUGE);
	start = now();
	for (u64 i = 0; i < HUGE; i += 8)
		*(volatile u64 *)(BASE + HUGE + i) = *(volatile u64 *)(BASE + i);
	return now() - start;
}

static u64 fork_of(u64 bytes, int advice, u64 touched, u64 step, int is_exit)
{
	s32 pipe[2];
	u64 forked, left;
	long pid;

	if (bytes) {
		map(bytes, advice);
		touch(touched, step);
	}
	pid = child(1, pipe, &forked);
	left = release(pid, pipe);
	return is_exit ? left : forked;
}

static u64 fork_empty(void) { return fork_of(0, 0, 0, 0, 0); }
static u64 exit_empty(void) { return fork_of(0, 0, 0, 0, 1); }
static u64 fork_sparse(void) { return fork_of(SPARSE_TABLES * HUGE, MADV_NOHUGEPAGE, SPARSE_TABLES, HUGE, 0); }
static u64 exit_sparse(void) { return fork_of(SPARSE_TABLES * HUGE, MADV_NOHUGEPAGE, SPARSE_TABLES, HUGE, 1); }
static u64 fork_huge(void) { return fork_of(HUGE_FORKED * HUGE, MADV_HUGEPAGE, HUGE_FORKED, HUGE, 0); }

static u64 timed_protect(u64 pages, int protection)
{
	u64 start = now();

	sys3(__NR_mprotect, BASE, pages * PAGE, protection);
	return now() - start;
}

static u64 protect_many(void)
{
	map(SMALL_PAGES * PAGE, MADV_NOHUGEPAGE);
	touch(SMALL_PAGES, PAGE);
	return timed_protect(SMALL_PAGES, PROT_READ);
}

/* One page with a stale TLB entry, and the same without a page: the difference is the flush. */
static u64 protect_one(void)
{
	map(PAGE, MADV_NOHUGEPAGE);
	touch(1, PAGE);
	return timed_protect(1, PROT_READ);
}

static u64 protect_none(void)
{
	map(PAGE, MADV_NOHUGEPAGE);
	return timed_protect(1, PROT_READ);
}

static u64 split(void)
{
	u64 start, took = 0;

	map(HUGE_PAGES * HUGE, MADV_HUGEPAGE);
	touch(HUGE_PAGES, HUGE);
	for (u64 i = 0; i < HUGE_PAGES; i++) {
		start = now();
		sys3(__NR_mprotect, BASE + i * HUGE, PAGE, PROT_READ);
		took += now() - start;
	}
	return took / HUGE_PAGES;
}

static u64 drain_of(u64 pages)
{
	u64 start;

	map(64 * PAGE, MADV_NOHUGEPAGE);
	sys3(__NR_madvise, BASE + 63 * PAGE, PAGE, MADV_COLD);
	touch(pages, PAGE);
	start = now();
	sys3(__NR_madvise, BASE + 63 * PAGE, PAGE, MADV_COLD);
	return now() - start;
}

static u64 drain_full(void) { return drain_of(14); }
static u64 drain_empty(void) { return drain_of(0); }

static u64 pin(void)
{
	struct {
		u64 base, bytes;
	} span = { BASE, PIPE_PAGES * PAGE };
	s32 pipe[2];
	u64 start, took;

	map(PIPE_PAGES * PAGE, MADV_NOHUGEPAGE);
	touch(PIPE_PAGES, PAGE);
	sys2(__NR_pipe2, pipe, 0);
	sys3(__NR_fcntl, pipe[1], F_SETPIPE_SZ, PIPE_PAGES * PAGE);
	start = now();
	sys4(__NR_vmsplice, pipe[1], &span, 1, 0);
	took = (now() - start) / PIPE_PAGES;
	sys1(__NR_close, pipe[0]);
	sys1(__NR_close, pipe[1]);
	return took;
}

static const struct {
	const char *name;
	u64 (*measure)(void);
} MEASURES[] = {
	{ "huge-fill", huge_fill },	{ "huge-copy", huge_copy },	{ "fork-empty", fork_empty },
	{ "fork-sparse", fork_sparse }, { "fork-huge", fork_huge },	{ "exit-empty", exit_empty },
	{ "exit-sparse", exit_sparse }, { "protect-many", protect_many }, { "protect-one", protect_one },
	{ "protect-none", protect_none }, { "split", split },		{ "drain-full", drain_full },
	{ "drain-empty", drain_empty }, { "pin", pin },
};

/* The life of a heap, its pages stored to in one order: what faults, forks and exits of real programs consist of. */
enum { FILL, PLAIN, FORK, COPY, EXIT_FREEING, REUSE, EXIT_SHARED, ZERO_PAGE, LIFE };

static const char *const IN_SEQUENCE[LIFE] = {
	"sequence-fill", "sequence-plain", "sequence-fork", "sequence-copy", "sequence-exit-freeing",
	"sequence-reuse", "sequence-exit-shared", "sequence-zero-page",
};
static const char *const SHUFFLED[LIFE] = {
	"shuffled-fill", "shuffled-plain", "shuffled-fork", "shuffled-copy", "shuffled-exit-freeing",
	"shuffled-reuse", "shuffled-exit-shared", "shuffled-zero-page",
};

static void life(const char *const *names, u64 stride)
{
	u64 took[LIFE], unused;
	s32 pipe[2];
	long pid;

	map(HEAP_PAGES * PAGE, MADV_NOHUGEPAGE);
	took[FILL] = timed_stores(0, HEAP_PAGES, stride);
	took[PLAIN] = timed_stores(0, HEAP_PAGES, stride);
	pid = child(1, pipe, &took[FORK]);
	took[COPY] = timed_stores(0, HALF, stride);
	/* The child is alone with the pages that were copied, and frees them. */
	took[EXIT_FREEING] = release(pid, pipe);
	took[REUSE] = timed_stores(HALF, HEAP_PAGES, stride);
	took[EXIT_SHARED] = release(child(1, pipe, &unused), pipe);
	unmap(HEAP_PAGES * PAGE);
	/* The least that a fault can do: an entry for the zero page, in a table that is there. */
	map(HEAP_PAGES * PAGE, MADV_NOHUGEPAGE);
	for (u64 at = 0; at < HEAP_PAGES * PAGE; at += HUGE)
		(void)*(volatile u64 *)(BASE + at);
	took[ZERO_PAGE] = timed_loads(stride);
	unmap(HEAP_PAGES * PAGE);
	for (u32 i = 0; i < LIFE; i++)
		print(1, names[i], took[i]);
}

void calibrate(void)
{
	pin_to_one_cpu();
	life(IN_SEQUENCE, 1);
	life(SHUFFLED, 40503);
	for (u32 i = 0; i < sizeof(MEASURES) / sizeof(MEASURES[0]); i++) {
		u64 took = MEASURES[i].measure();

		unmap(SPARSE_TABLES * HUGE);
		print(1, MEASURES[i].name, took);
	}
	leave(0);
}
