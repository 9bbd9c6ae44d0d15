/*
 * kernel: does what a trace says, on the running kernel: real forks, stores to real pages. Prints the CPU time of the
 * parent and the minor faults that it took; and apart from these the CPU time of its children, and, if `plain` is
 * asked for, of the trace's loads and stores alone, when every page is there.
 *
 * The first process of the trace is this one; its children wait to be told to exit, and do nothing but that.
 */
#include "trace.h"
#include <sys/resource.h>
#include <sys/wait.h>

#define PAGE 4096L
#define MAX_CHILDREN (1 << 20)

struct child {
	pid_t pid;
	int tell;
};

static struct child *children;

static struct child start_child(void)
{
	int ends[2];
	if (pipe(ends) != 0)
		die("pipe");
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		char c;
		close(ends[1]);
		_exit(read(ends[0], &c, 1) != 0);
	}
	close(ends[0]);
	return (struct child){ pid, ends[1] };
}

static void end_child(struct child child)
{
	close(child.tell);
	if (waitpid(child.pid, NULL, 0) != child.pid)
		die("waitpid");
}

static char *map_arena(size_t bytes)
{
	char *arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED)
		die("mmap");
	/* Our traces are of 4 KiB pages. */
	madvise(arena, bytes, MADV_NOHUGEPAGE);
	return arena;
}

/* The children that were waited for, to the microsecond. */
static double children_ms(void)
{
	struct rusage usage;
	getrusage(RUSAGE_CHILDREN, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* The loads and stores of the trace on memory of its own that nobody shares. */
static double plain_ms(struct trace t, size_t bytes)
{
	volatile char *arena = map_arena(bytes);
	volatile char sink;
	for (size_t at = 0; at < bytes; at += PAGE)
		arena[at] = 1;
	double started = cpu_ms();
	for (const int32_t *s = t.segments; s < t.end; s += SEGMENT) {
		const int32_t *a = t.args + s[SEG_LO], *end = t.args + s[SEG_HI];
		if (s[SEG_OP] == OP_STORE)
			for (; a < end; a++)
				arena[*a * PAGE] = 1;
		else if (s[SEG_OP] == OP_LOAD)
			for (; a < end; a++)
				sink = arena[*a * PAGE];
	}
	(void)sink;
	return cpu_ms() - started;
}

static long minor_faults(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

int main(int argc, char **argv)
{
	int plain = argc == 3 && strcmp(argv[2], "plain") == 0;
	if (argc != 2 + plain) {
		fprintf(stderr, "usage: kernel TRACE [plain]\n");
		return 2;
	}
	struct trace t = read_trace(argv[1]);
	children = mmap(NULL, MAX_CHILDREN * sizeof(*children), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (children == MAP_FAILED)
		die("mmap");
	volatile char *arena = NULL;
	size_t bytes = 0;
	volatile char sink;
	double fork_ms = 0;
	long forked = 0;
	long faults = minor_faults();
	double started = cpu_ms();
	for (const int32_t *s = t.segments; s < t.end; s += SEGMENT) {
		const int32_t *a = t.args + s[SEG_LO], *end = t.args + s[SEG_HI];
		switch (s[SEG_OP]) {
		case OP_STORE:
			for (; a < end; a++)
				arena[*a * PAGE] = 1;
			break;
		case OP_LOAD:
			for (; a < end; a++)
				sink = arena[*a * PAGE];
			break;
		case OP_MMAP:
			bytes = a[1] * PAGE;
			arena = map_arena(bytes);
			break;
		case OP_FORK: {
			double before = cpu_ms();
			children[a[0]] = start_child();
			fork_ms += cpu_ms() - before;
			forked += bytes / PAGE;
			break;
		}
		case OP_EXIT:
			if (s[SEG_MM] == 0)
				munmap((void *)arena, bytes);
			else
				end_child(children[s[SEG_MM]]);
			break;
		case OP_SPAWN:
			break;
		default:
			fprintf(stderr, "unsupported operation: %d\n", s[SEG_OP]);
			return 1;
		}
	}
	double spent = cpu_ms() - started;
	(void)sink;
	faults = minor_faults() - faults;
	printf("{\"cpuMs\":%.3f,\"faults\":%ld,\"forkNsPerPte\":%.2f,\"childrenMs\":%.3f,\"plainMs\":%.3f}\n",
	       spent, faults, forked > 0 ? fork_ms * 1e6 / forked : 0, children_ms(),
	       plain ? plain_ms(t, bytes) : 0);
	return 0;
}
