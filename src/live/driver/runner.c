/* runner.c: takes tests from stdin, drives the workers through them, and writes to stdout what was seen. */
#include <asm/ioctl.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include "driver.h"

#define MADV_COLD_NR 20
#define PR_SET_PDEATHSIG 1
#define SIGKILL_NR 9

struct op_result *result_of_op(void)
{
	/* Written by the runner just before it woke the worker. */
	return (void *)(S->results + S->result - sizeof(struct op_result));
}

struct page_result *new_page_result(void)
{
	struct op_result *result = (void *)(S->results + S->under_way);
	struct page_result *page = (void *)(S->results + S->result);

	S->result += sizeof(*page);
	if (S->result > RESULT_BYTES - PAGE)
		DIE("truncated result: the test touches too many pages");
	memset(page, 0, sizeof(*page));
	result->pages++;
	return page;
}

/*
 * Empties this CPU's LRU batches. Not everything that once did still does: from about 6.13 munmap(), MADV_DONTNEED and
 * exit leave them alone. MADV_COLD drains before it looks at any page; here there is none.
 */
static void drain(void)
{
	sys3(__NR_madvise, DRAIN_PAGE, PAGE, MADV_COLD_NR);
}

/* The modelled manager answers a write event by un-protecting that one page. */
static void answer_fault(s32 uffd)
{
	struct uffd_msg *msg = (void *)S->scratch[0];
	struct uffdio_writeprotect page = { { 0, PAGE }, 0 };

	if (sys3(__NR_read, uffd, msg, sizeof(*msg)) != (long)sizeof(*msg))
		return;
	page.range.start = msg->arg.pagefault.address & ~(PAGE - 1);
	sys3(__NR_ioctl, uffd, UFFDIO_WRITEPROTECT, &page);
}

/* The runner's own descriptor of a worker's userfaultfd, or -1. */
static s32 uffd_of(u32 index)
{
	long pidfd;

	if (!S->slots[index].uffd || S->uffds[index])
		return S->uffds[index] ? S->uffds[index] : -1;
	pidfd = sys2(__NR_pidfd_open, S->slots[index].pid, 0);
	S->uffds[index] = (s32)sys3(__NR_pidfd_getfd, pidfd, S->slots[index].uffd, 0);
	sys1(__NR_close, pidfd);
	return S->uffds[index];
}

static void forget_uffd(u32 index)
{
	if (S->uffds[index] > 0)
		sys1(__NR_close, S->uffds[index]);
	S->uffds[index] = 0;
	S->slots[index].uffd = 0;
}

static void await_reply(u32 index)
{
	struct pollfd fds[2] = { { FD_REPLY_READ, POLLIN, 0 }, { uffd_of(index), POLLIN, 0 } };
	char byte;

	for (;;) {
		sys5(__NR_ppoll, fds, 2, 0, 0, 8);
		if (fds[1].revents & POLLIN)
			answer_fault(fds[1].fd);
		if (fds[0].revents & POLLIN)
			break;
	}
	sys3(__NR_read, FD_REPLY_READ, &byte, 1);
}

static void wake(u32 index)
{
	char byte = 0;

	sys3(__NR_write, FD_WAKE + 2 * index + 1, &byte, 1);
}

static void reap(u32 index)
{
	sys4(__NR_wait4, S->slots[index].pid, 0, 0, 0);
	forget_uffd(index);
	S->slots[index].pid = 0;
}

static long spawn(u32 index)
{
	struct slot *slot = &S->slots[index];
	long pid;

	memset(slot, 0, sizeof(*slot));
	pid = clone_onto(17 /* SIGCHLD */, S->stacks[index + 2], worker, index);
	if (pid > 0)
		slot->pid = (s32)pid;
	return pid;
}

static u64 number_in(const char *file)
{
	char *text = (char *)S->scratch[0];
	long fd = sys4(__NR_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
	long n = sys3(__NR_read, fd, text, 32);
	u64 value = 0;

	sys1(__NR_close, fd);
	for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (u64)(text[i] - '0');
	return value;
}

static void set_number(const char *file, u64 value)
{
	char digit = (char)('0' + value);
	long fd = sys4(__NR_openat, AT_FDCWD, file, O_WRONLY | O_CLOEXEC, 0);

	sys3(__NR_write, fd, &digit, 1);
	sys1(__NR_close, fd);
}

/*
 * Lets ksmd go, which is held otherwise (src/live/ksmd.ts), until it has seen every page three times: once to find it, once
 * unchanged, once to merge it; the scan that it was in does not count.
 */
static void wait_for_ksm(void)
{
	static const char scans[] = "/sys/kernel/mm/ksm/full_scans";
	static const char run[] = "/sys/kernel/mm/ksm/run";
	u64 before = number_in(run), enough = number_in(scans) + 4, seen = 0;
	ul pause[2] = { 0, 2000000 };

	set_number(run, 1);
	/*
	 * It sleeps where no area is mergeable: the pages that it has scanned stay as many. Before 6.6 nobody counted them, and
	 * only the scans tell, which may be long.
	 */
	for (int i = 0, idle = 0; i < 5000 && idle < 300 && number_in(scans) < enough; i++) {
		u64 pages = number_in("/sys/kernel/mm/ksm/pages_scanned");
		u64 done = pages + number_in(scans);

		idle = done == seen ? idle + (pages > 0 ? 3 : 1) : 0;
		seen = done;
		sys2(__NR_nanosleep, pause, 0);
	}
	set_number(run, before);
}

static void step(struct op *op)
{
	struct op_result *result = (void *)(S->results + S->result);
	u32 drained = S->request.drained;

	memset(result, 0, sizeof(*result));
	S->under_way = S->result;
	S->result += sizeof(*result);
	if (drained)
		drain();
	switch (op->verb) {
	case OP_DRAIN:
		drain();
		return;
	case OP_KSM_WAIT:
		wait_for_ksm();
		return;
	case OP_SPAWN:
		result->status = spawn(op->slot) < 0 ? REFUSED : DONE;
		await_reply(op->slot);
		return;
	case OP_EXIT:
		wake(op->slot);
		reap(op->slot);
		return;
	case OP_EXEC:
		forget_uffd(op->slot);
		wake(op->slot);
		await_reply(op->slot);
		return;
	case OP_FORK:
		wake(op->slot);
		await_reply(op->slot);
		if (result->status == DONE)
			await_reply((u32)op->a);
		/* As the model has it: parent and child would at once copy pages of their own, and turn the batch over. */
		drain();
		return;
	default:
		wake(op->slot);
		await_reply(op->slot);
	}
}

/* Another driver on this CPU would fill our batches, and we its. All of them have this file open. */
static void alone(void)
{
	sys2(__NR_flock, FD_KPAGEFLAGS, LOCK_EX);
}

static void not_alone(void)
{
	sys2(__NR_flock, FD_KPAGEFLAGS, LOCK_UN);
}

static void run_test(void)
{
	static const struct op leaving = { .verb = OP_EXIT };

	S->result = 0;
	memset(S->pins, 0, sizeof(S->pins));
	alone();
	for (int i = 0; i < MAX_OBJECTS; i++)
		sys2(__NR_ftruncate, FD_OBJECTS + i, 0);
	drain();
	for (u32 i = 0; i < S->request.ops; i++) {
		S->current = i;
		step(&S->ops[i]);
	}
	for (u32 index = 0; index < MAX_SLOTS; index++) {
		if (!S->slots[index].pid)
			continue;
		S->ops[0] = leaving;
		S->current = 0;
		S->under_way = S->result;
		wake(index);
		reap(index);
	}
}

static int read_all(void *to, ul length)
{
	for (ul done = 0; done < length;) {
		long n = sys3(__NR_read, 0, (u8 *)to + done, length - done);

		if (n <= 0)
			return 0;
		done += (ul)n;
	}
	return 1;
}

static void write_all(const void *from, ul length)
{
	for (ul done = 0; done < length;) {
		long n = sys3(__NR_write, 1, (const u8 *)from + done, length - done);

		if (n <= 0)
			leave(1);
		done += (ul)n;
	}
}

void runner(ul unused)
{
	u32 header[2] = { MAGIC, 0 };

	(void)unused;
	sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL_NR);
	while (read_all(&S->request, sizeof(S->request))) {
		if (S->request.magic != MAGIC || S->request.ops > MAX_OPS)
			DIE("invalid request");
		if (!read_all(S->ops, S->request.ops * sizeof(struct op)))
			break;
		run_test();
		not_alone();
		header[1] = S->result;
		write_all(header, sizeof(header));
		write_all(S->results, S->result);
	}
	leave(0);
}
