/*
 * trace.h: a trace file in memory (src/trace/format.ts), and the CPU time of this thread.
 */
#ifndef TRACE_H
#define TRACE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* src/trace/ops.ts: the operations that these programs know. */
enum { OP_LOAD = 0, OP_STORE = 1, OP_SPAWN = 2, OP_FORK = 3, OP_EXIT = 5, OP_MMAP = 6 };

enum { SEG_OP, SEG_MM, SEG_LO, SEG_HI, SEGMENT };

struct trace {
	const int32_t *segments;
	const int32_t *end;
	const int32_t *args;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The file's bytes lie in memory of their own, which a forked child does not get. */
static struct trace read_trace(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 32)
		die(path);
	char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		die("mmap");
	madvise(bytes, size, MADV_DONTFORK);
	for (off_t at = 0; at < size;) {
		ssize_t got = pread(fd, bytes + at, size - at, at);
		if (got <= 0)
			die(path);
		at += got;
	}
	close(fd);
	const uint32_t *fixed = (const uint32_t *)bytes;
	if (memcmp(bytes, "COWTRACE", 8) != 0 || fixed[2] != 1) {
		fprintf(stderr, "unsupported trace: %s\n", path);
		exit(1);
	}
	struct trace t;
	t.segments = (const int32_t *)(bytes + 32 + fixed[3]);
	t.end = t.segments + fixed[4];
	t.args = t.end;
	return t;
}

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

#endif
