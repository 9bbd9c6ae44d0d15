/*
 * like-for-like: the simulator's work on a simple trace, in C: the same segments, the same policy (anon-exclusive on
 * pages of order 0, LRU batch included), the same oracle that checks each page once between two events that show it to
 * somebody else. What plain C reaches is the yardstick for JavaScript.
 */
#include "../../src/live/replay/trace.h"

enum { PRESENT = 1, WRITE = 2, CHECKED = 4, DIRTY = 8, PFN_SHIFT = 8 };
enum { STORE_HIT = PRESENT | WRITE | CHECKED };
enum { MAPCOUNT = 0x3ffff, ANON = 1 << 18, EXCLUSIVE = 1 << 19, LRU_BATCH = 1 << 21 };
enum { LRU_BATCH_PAGES = 31, MAX_PROCESSES = 1 << 20 };

struct process {
	int32_t *ptes;
	/* What the oracle expects: the token that was last stored to each page. */
	int32_t *expected;
	/* Tokens from here on were stored after the last fork: nobody else can have them. */
	int32_t own;
};

static struct process *processes;
static int32_t *living, alive;
static size_t pages;

static int32_t *words, *tokens, *free_frames;
static int32_t next_frame = 1, frames_free;
static int32_t batch[LRU_BATCH_PAGES];
static int batched;

static int32_t next_token = 1;
static long faults, copies, reuses, needed, missed, unsafe, mismatches;

static void *zeroed(size_t count)
{
	void *memory = mmap(NULL, count * sizeof(int32_t), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void free_if_unused(int32_t pfn)
{
	if (words[pfn] & (MAPCOUNT | LRU_BATCH))
		return;
	words[pfn] = tokens[pfn] = 0;
	free_frames[frames_free++] = pfn;
}

static void drain(void)
{
	for (int i = 0; i < batched; i++) {
		words[batch[i]] &= ~LRU_BATCH;
		free_if_unused(batch[i]);
	}
	batched = 0;
}

static int32_t new_page(void)
{
	int32_t pfn = frames_free > 0 ? free_frames[--frames_free] : next_frame++;
	words[pfn] = (ANON | EXCLUSIVE | LRU_BATCH) + 1;
	return pfn;
}

static void lru_add(int32_t pfn)
{
	batch[batched++] = pfn;
	if (batched == LRU_BATCH_PAGES)
		drain();
}

static int may_reuse(int32_t pfn)
{
	if (words[pfn] & EXCLUSIVE)
		return 1;
	if ((words[pfn] & MAPCOUNT) != 1)
		return 0;
	if (words[pfn] & LRU_BATCH)
		drain();
	return 1;
}

static int is_sole(const struct process *p, int32_t vpn)
{
	int32_t token = p->expected[vpn];
	if (token >= p->own)
		return 1;
	for (int32_t i = 0; i < alive; i++) {
		const struct process *other = &processes[living[i]];
		if (other != p && other->expected[vpn] == token)
			return 0;
	}
	return 1;
}

static void judge(const struct process *p, int32_t vpn, int reuse)
{
	int sole = is_sole(p, vpn);
	if (reuse) {
		reuses++;
		unsafe += !sole;
	} else {
		copies++;
		needed += !sole;
		missed += sole;
	}
}

static __attribute__((noinline)) void store(struct process *p, int32_t vpn)
{
	int32_t pte = p->ptes[vpn], pfn = pte >> PFN_SHIFT;
	if (!(pte & WRITE)) {
		faults++;
		if (!(pte & PRESENT)) {
			pfn = new_page();
			lru_add(pfn);
		} else {
			int reuse = may_reuse(pfn);
			judge(p, vpn, reuse);
			if (reuse) {
				words[pfn] |= EXCLUSIVE;
			} else {
				int32_t old = pfn;
				pfn = new_page();
				lru_add(pfn);
				words[old]--;
				free_if_unused(old);
			}
		}
	}
	p->ptes[vpn] = pfn << PFN_SHIFT | STORE_HIT | DIRTY;
	tokens[pfn] = p->expected[vpn] = next_token++;
}

static __attribute__((noinline)) void load(struct process *p, int32_t vpn)
{
	int32_t pte = p->ptes[vpn];
	if (!(pte & PRESENT)) {
		fprintf(stderr, "unsupported load: page %d was never stored to\n", vpn);
		exit(1);
	}
	mismatches += tokens[pte >> PFN_SHIFT] != p->expected[vpn];
}

static void start(int32_t mm)
{
	struct process *p = &processes[mm];
	p->ptes = zeroed(pages);
	p->expected = zeroed(pages);
	p->own = next_token;
	living[alive++] = mm;
}

static void fork_process(struct process *parent, int32_t child_mm)
{
	struct process *child = &processes[child_mm];
	start(child_mm);
	parent->own = next_token;
	for (size_t vpn = 0; vpn < pages; vpn++) {
		int32_t pte = parent->ptes[vpn];
		if (!(pte & PRESENT))
			continue;
		int32_t *word = &words[pte >> PFN_SHIFT];
		*word = (*word + 1) & ~EXCLUSIVE;
		parent->ptes[vpn] = child->ptes[vpn] = pte & ~(WRITE | CHECKED);
	}
	memcpy(child->expected, parent->expected, pages * sizeof(int32_t));
	drain();
}

static void exit_process(int32_t mm)
{
	struct process *p = &processes[mm];
	for (size_t vpn = 0; vpn < pages; vpn++) {
		int32_t pte = p->ptes[vpn];
		if (!(pte & PRESENT))
			continue;
		words[pte >> PFN_SHIFT]--;
		free_if_unused(pte >> PFN_SHIFT);
	}
	munmap(p->ptes, pages * sizeof(int32_t));
	munmap(p->expected, pages * sizeof(int32_t));
	int32_t i = 0;
	while (living[i] != mm)
		i++;
	living[i] = living[--alive];
}

static void map(size_t heap)
{
	if (pages != 0) {
		fprintf(stderr, "unsupported trace: more than one mapping\n");
		exit(1);
	}
	pages = heap;
	/* Every living process and its batch may hold frames of its own. */
	size_t frames = 8 * pages + 1024;
	words = zeroed(frames);
	tokens = zeroed(frames);
	free_frames = zeroed(frames);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: like-for-like TRACE\n");
		return 2;
	}
	struct trace t = read_trace(argv[1]);
	processes = zeroed(MAX_PROCESSES * sizeof(*processes) / sizeof(int32_t));
	living = zeroed(MAX_PROCESSES);
	double fork_ms = 0;
	long forked = 0;
	double started = cpu_ms();
	for (const int32_t *s = t.segments; s < t.end; s += SEGMENT) {
		const int32_t *a = t.args + s[SEG_LO], *end = t.args + s[SEG_HI];
		struct process *p = &processes[s[SEG_MM]];
		const int32_t *ptes = p->ptes, *expected = p->expected;
		switch (s[SEG_OP]) {
		case OP_STORE:
			for (; a < end; a++)
				if ((ptes[*a] & STORE_HIT) != STORE_HIT)
					store(p, *a);
			break;
		case OP_LOAD:
			for (; a < end; a++)
				if (!(ptes[*a] & PRESENT) ||
				    tokens[ptes[*a] >> PFN_SHIFT] != expected[*a])
					load(p, *a);
			break;
		case OP_MMAP:
			map(a[1]);
			start(s[SEG_MM]);
			break;
		case OP_FORK: {
			double before = cpu_ms();
			fork_process(p, a[0]);
			fork_ms += cpu_ms() - before;
			forked += pages;
			break;
		}
		case OP_EXIT:
			exit_process(s[SEG_MM]);
			break;
		case OP_SPAWN:
			break;
		default:
			fprintf(stderr, "unsupported operation: %d\n", s[SEG_OP]);
			return 1;
		}
	}
	double spent = cpu_ms() - started;
	if (copies != needed + missed || mismatches != 0 || unsafe != 0)
		fprintf(stderr, "mismatch: %ld loads, %ld unsafe reuses\n", mismatches, unsafe);
	printf("{\"cpuMs\":%.3f,\"faults\":%ld,\"copies\":%ld,\"reuses\":%ld,\"forkNsPerPte\":%.2f}\n",
	       spent, faults, copies, reuses, forked > 0 ? fork_ms * 1e6 / forked : 0);
	return 0;
}
