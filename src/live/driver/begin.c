/* begin.c: what the program does, by its arguments; and where everything that it shares comes from. */
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/time.h>
#include "driver.h"

#define SCHED_FIFO_NR 1

void die(const char *what, ul length)
{
	sys3(__NR_write, 2, what, length);
	leave(1);
}

/* The last CPU that we may run on: nothing else runs there while a test is under way. */
void pin_to_one_cpu(void)
{
	u64 mask[16] = { 0 };
	int priority = 1;

	sys3(__NR_sched_getaffinity, 0, sizeof(mask), mask);
	for (int i = 15; i >= 0; i--) {
		if (!mask[i])
			continue;
		u64 top = 1ULL << (63 - __builtin_clzll(mask[i]));

		memset(mask, 0, sizeof(mask));
		mask[i] = top;
		break;
	}
	sys3(__NR_sched_setaffinity, 0, sizeof(mask), mask);
	sys3(__NR_sched_setscheduler, 0, SCHED_FIFO_NR, &priority);
}

/* MAP_POPULATE drains the batches: before the first test that is no harm. */
static void share(int fd, int populate)
{
	long at = sys6(__NR_mmap, (ul)S, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED | (populate ? MAP_POPULATE : 0), (ul)fd, 0);

	if (at < 0)
		DIE("missing memory");
}

static void place(long fd, int at)
{
	if (fd < 0)
		DIE("missing file descriptor");
	if (fd == at)
		return;
	sys3(__NR_dup3, fd, at, 0);
	sys1(__NR_close, fd);
}

static void begin_runner(void)
{
	s32 fds[2];
	long fd;

	close_from(FD_SHARED);
	fd = sys2(__NR_memfd_create, "cowbench", 0);

	sys2(__NR_ftruncate, fd, sizeof(struct shared));
	place(fd, FD_SHARED);
	share(FD_SHARED, 1);
	place(sys4(__NR_openat, AT_FDCWD, "/proc/kpageflags", O_RDONLY, 0), FD_KPAGEFLAGS);
	look_at_ksm_flag();
	for (int at = FD_REPLY_READ; at < FD_OBJECTS; at += 2) {
		if (sys2(__NR_pipe2, fds, 0) < 0)
			DIE("missing pipe");
		/* Both ends come at the lowest numbers, which are these. */
		if (fds[0] != at || fds[1] != at + 1)
			DIE("invalid file descriptor");
	}
	for (int at = FD_OBJECTS; at < FD_DEVICE; at++)
		place(sys2(__NR_memfd_create, "cowbench", 0), at);
	fd = sys4(__NR_openat, AT_FDCWD, "/dev/cowbench", O_RDWR, 0);
	S->has_device = fd >= 0;
	place(fd >= 0 ? fd : sys4(__NR_openat, AT_FDCWD, "/dev/null", O_RDWR, 0), FD_DEVICE);
	sys6(__NR_mmap, DRAIN_PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (ul)-1, 0);
	pin_to_one_cpu();
	if (clone_onto(17 /* SIGCHLD */, S->stacks[1], runner, 0) < 0)
		DIE("missing process");
	sys4(__NR_wait4, -1, fds, 0, 0);
	leave((fds[0] >> 8) & 255);
}

/* A line of a name and a number. */
void print(long fd, const char *name, u64 number)
{
	char text[64];
	char *at = text + sizeof(text);
	ul length = 0;

	*--at = '\n';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	*--at = ' ';
	while (name[length])
		length++;
	at -= length;
	memcpy(at, name, length);
	sys3(__NR_write, fd, at, text + sizeof(text) - at);
}

/* What the kernel has counted in the whole system since boot, by its name in /proc/vmstat: "\nNAME ". */
static u64 vmstat(const char *line)
{
	enum { BYTES = 64 << 10 };
	char *text = (char *)sys6(__NR_mmap, 0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, (ul)-1, 0);
	long fd = sys4(__NR_openat, AT_FDCWD, "/proc/vmstat", O_RDONLY | O_CLOEXEC, 0);
	long bytes = 0, got;
	u64 number = 0;

	while ((got = sys3(__NR_read, fd, text + bytes, BYTES - 1 - bytes)) > 0)
		bytes += got;
	sys1(__NR_close, fd);
	for (const char *at = text; at < text + bytes; at++) {
		ul same = 0;

		while (line[same] && at[same] == line[same])
			same++;
		if (line[same])
			continue;
		for (at += same; *at >= '0' && *at <= '9'; at++)
			number = 10 * number + (u64)(*at - '0');
		break;
	}
	sys2(__NR_munmap, text, BYTES);
	return number;
}

u64 now(void)
{
	struct __kernel_timespec at;

	sys2(__NR_clock_gettime, CLOCK_MONOTONIC, &at);
	return (u64)at.tv_sec * 1000000000 + (u64)at.tv_nsec;
}

/*
 * Runs a program, and writes down how many page faults it and the children that it waited for have taken, what the
 * whole system has reused meanwhile, and from when to when that was.
 */
static void count_faults(const char *file, const char **argv, const char **envp)
{
	u64 rusage[18] = { 0 };
	u64 start = now(), reuses = vmstat("\npgreuse "), end;
	s32 status = 0;
	long fd, pid = sys5(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0);

	if (pid == 0) {
		argv[0] = "env";
		sys3(__NR_execve, "/usr/bin/env", argv, envp);
		leave(127);
	}
	sys4(__NR_wait4, pid, &status, 0, rusage);
	reuses = vmstat("\npgreuse ") - reuses;
	end = now();
	fd = sys4(__NR_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	print(fd, "faults", rusage[RU_MINFLT] + rusage[RU_MAJFLT]);
	print(fd, "pgreuse", reuses);
	print(fd, "start", start);
	print(fd, "end", end);
	leave(status & 127 ? 128 + (status & 127) : (status >> 8) & 255);
}

/* Runs a program with one CPU to itself. */
static void run_alone(const char **argv, const char **envp)
{
	pin_to_one_cpu();
	argv[0] = "env";
	sys3(__NR_execve, "/usr/bin/env", argv, envp);
	leave(127);
}

/* Without arguments the runner; `measure`; `count FILE COMMAND...`; `alone COMMAND...`; or a worker's slot, after the worker's exec(). */
void begin(ul *stack) __attribute__((used));
void begin(ul *stack)
{
	const char *slot = (const char *)stack[2];

	if (stack[0] < 2)
		begin_runner();
	if (slot[0] == 'm')
		calibrate();
	if (stack[0] > 3 && slot[0] == 'c')
		count_faults((const char *)stack[3], (const char **)&stack[3], (const char **)&stack[stack[0] + 2]);
	if (stack[0] > 2 && slot[0] == 'a')
		run_alone((const char **)&stack[2], (const char **)&stack[stack[0] + 2]);
	share(FD_SHARED, 0);
	ul index = (ul)(slot[0] - '0') * 10 + (ul)(slot[1] - '0');

	run_on(S->stacks[index + 2], worker_after_exec, index);
}
