/*
 * driver.h: what the parts of the driver share, and the requests and answers that they exchange with driver.ts.
 *
 * One runner takes tests from stdin, one after the other, and drives one worker per simulated process, strictly in
 * order: a byte through a pipe wakes the worker, a byte comes back. Everything that any of them writes, stacks
 * included, is in one shared mapping, so that no page but those of the test is ever private, copied, or put into an
 * LRU batch.
 */
#ifndef COWBENCH_DRIVER_H
#define COWBENCH_DRIVER_H

#include "sys.h"

/* Operations, by the numbers of src/trace/ops.ts; SHOW as in src/litmus/language.ts. */
enum {
	OP_LOAD, OP_STORE, OP_SPAWN, OP_FORK, OP_EXEC, OP_EXIT, OP_MMAP, OP_MUNMAP, OP_MPROTECT, OP_MREMAP,
	OP_MADVISE, OP_PIN, OP_UNPIN, OP_DEVREAD, OP_DEVWRITE, OP_SWAPOUT, OP_DRAIN, OP_UFFD_WP, OP_CLEAR_REFS,
	OP_KSM_WAIT, OP_POKE = 23, OP_STORE_SAME, OP_SHOW = 100,
	/* Asked before any test: `a` names a feature, DONE says that it is there. */
	OP_PROBE = 200,
};

enum { DONE, NOT_PERMITTED, REFUSED };

/* What a page holds, as in src/litmus/machine-shape.ts. */
enum { PAGE_NONE, PAGE_SWAP, PAGE_ZERO, PAGE_HUGE_ZERO, PAGE_KSM, PAGE_HUGE, PAGE_SMALL };

enum { MAP_KIND_ANON, MAP_KIND_FILE, MAP_KIND_SHARED };
/* The others are kinds of the device. */
enum { PIN_VMSPLICE, PIN_IOURING, PIN_ODIRECT };
enum { PROBE_PAGEMAP, PROBE_UFFD_WP, PROBE_SOFT_DIRTY, PROBE_IO_URING, PROBE_KSM_FLAG, PROBE_DEVICE };

#define PAGE 4096UL
#define HUGE (2UL << 20)

struct op {
	u32 verb;
	u32 slot;	/* worker */
	u64 addr;
	u64 pages;
	u64 a;		/* protection, advice, target address, child's slot, on or off, first page within the pin */
	u64 b;		/* MMAP: MAP_KIND_*; UFFD_WP: the area's address */
	u64 c;		/* MMAP: the kernel's MADV_* for all of it, or 0; or the object's number; UFFD_WP: the area's pages */
	u64 token;	/* of the first page; the next page's is one more, unless STORE_SAME */
	s32 pin;
	u32 kind;	/* PIN: PIN_* */
};

struct seen {
	u64 pfn;
	u32 kind;	/* PAGE_* */
	u32 flags;	/* the low 32 bits of /proc/kpageflags */
};

struct page_result {
	struct seen before;
	struct seen after;
	u64 token;	/* what was loaded, or read by a device */
	u32 faults;
	u32 status;	/* DONE, NOT_PERMITTED, REFUSED */
};

struct op_result {
	u32 status;
	u32 error;	/* errno, where there was one */
	u64 pages;	/* struct page_result that follow */
};

struct request {
	u32 magic;
	u32 ops;
	u32 drained;	/* drain the batches before every operation */
	u32 zero;
};

/* struct rusage in longs: two timevals, then ru_maxrss and three others. */
#define RU_MINFLT 8
#define RU_MAJFLT 9

#define MAGIC 0x6c776f63U	/* "cowl" */
#define MAX_SLOTS 32
#define MAX_PINS 64
#define MAX_OBJECTS 8
#define MAX_OPS 4096
#define STACK_BYTES (64UL << 10)
#define RESULT_BYTES (24UL << 20)
#define PIPE_PAGES 256UL	/* the largest pipe that needs no privilege */
#define PIN_PIPES 8

struct ring {
	s32 fd;
	u32 free;
	u8 *rings;
	u8 *sqes;
	u32 sq_tail, sq_array, cq_head, cq_mask, cqes;
};

struct pin {
	u32 held;
	u32 kind;
	u64 addr, pages;
	u64 at;		/* where the owner has the pages now */
	s32 pipes[PIN_PIPES][2];
	u32 ring;
};

/* A worker's own state. */
struct slot {
	s32 pid;
	s32 pagemap;
	s32 uffd;
	s32 tee[2];	/* for devread of a vmspliced page */
	s32 bytes[2];	/* for io_uring to read from and write to */
	u32 rings;
	struct ring ring[MAX_PINS];
	u64 rusage[18];
	u64 word[8];
};

struct shared {
	u32 current;	/* operation under way */
	u32 result;	/* end of the results so far */
	struct request request;
	struct slot slots[MAX_SLOTS];
	struct pin pins[MAX_PINS];
	s32 uffds[MAX_SLOTS];	/* the runner's own descriptors */
	u32 under_way;	/* where the result of that operation begins */
	u32 has_device;
	u32 all_ksm;	/* the kernel shows every anonymous page as merged by KSM */
	struct op ops[MAX_OPS];
	u8 scratch[MAX_SLOTS][PAGE] __attribute__((aligned(4096)));
	u8 stacks[MAX_SLOTS + 1][STACK_BYTES] __attribute__((aligned(4096)));
	u8 results[RESULT_BYTES] __attribute__((aligned(4096)));
};

#define S ((struct shared *)0x200000000000UL)
#define DRAIN_PAGE 0x1fff00000000UL

/* Descriptors that every worker has, at fixed numbers. */
enum {
	FD_SHARED = 3,
	FD_KPAGEFLAGS,
	FD_REPLY_READ,
	FD_REPLY_WRITE,
	FD_WAKE,
	FD_OBJECTS = FD_WAKE + 2 * MAX_SLOTS,
	FD_DEVICE = FD_OBJECTS + MAX_OBJECTS,	/* /dev/cowbench, if the kernel has it */
	FD_FIRST_FREE
};

void *memset(void *to, int byte, ul n);
void *memcpy(void *to, const void *from, ul n);

void runner(ul unused) __attribute__((noreturn));
/* Says why on stderr, and ends the program. */
void die(const char *what, ul length) __attribute__((noreturn));
#define DIE(what) die(what "\n", sizeof(what))
void pin_to_one_cpu(void);
void print(long fd, const char *name, u64 number);
/* Nanoseconds of CLOCK_MONOTONIC. */
u64 now(void);
void calibrate(void) __attribute__((noreturn));
void worker(ul slot) __attribute__((noreturn));
void worker_after_exec(ul slot) __attribute__((noreturn));

struct seen look(struct slot *me, u64 addr);
void look_at_ksm_flag(void);
struct op_result *result_of_op(void);
struct page_result *new_page_result(void);

int take_pin(struct slot *me, struct op *op);
void drop_pin(struct slot *me, struct pin *pin);
void drop_pins(struct slot *me, u32 index);
/* The pages at [from, from + bytes) of the worker are at `to` now. */
void move_pins(u32 index, u64 from, u64 bytes, u64 to);
int device_read(struct slot *me, struct op *op);
int device_write(struct slot *me, struct op *op);
int io_uring_works(struct slot *me);
/* Has the device reclaim what was there before, whoever maps it now. */
void reclaim_pages(struct slot *me, const struct page_result *pages, u64 n);

#endif
