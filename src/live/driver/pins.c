/*
 * pins.c: references on a process's pages, and the devices behind them. vmsplice() leaves the pages in a pipe, and
 * tee() shows what a reader of the pipe would get; a fixed buffer of io_uring is written to, and read from, by I/O
 * with a pipe at the other end. All other kinds are held by /dev/cowbench.
 */
#include <linux/fcntl.h>
#include <linux/io_uring.h>
#include <linux/mman.h>
#include "device.h"
#include "driver.h"

struct span {
	u64 base, len;
};

static int new_pipe(s32 *fds, u64 pages)
{
	if (sys2(__NR_pipe2, fds, O_CLOEXEC) < 0)
		return -1;
	if (sys3(__NR_fcntl, fds[1], F_SETPIPE_SZ, pages * PAGE) < 0)
		return -1;
	return 0;
}

static int splice_pages(struct pin *pin)
{
	u64 done = 0;

	for (u32 i = 0; done < pin->pages; i++) {
		u64 pages = pin->pages - done < PIPE_PAGES ? pin->pages - done : PIPE_PAGES;
		u64 bytes = 0;

		if (i == PIN_PIPES || new_pipe(pin->pipes[i], pages) < 0)
			return -1;
		while (bytes < pages * PAGE) {
			struct span span = { pin->addr + done * PAGE + bytes, pages * PAGE - bytes };
			long n = sys4(__NR_vmsplice, pin->pipes[i][1], &span, 1, 2 /* SPLICE_F_NONBLOCK */);

			if (n <= 0)
				return (int)n;
			bytes += (u64)n;
		}
		done += pages;
	}
	return 0;
}

/* One more ring, kept until the worker leaves. (MAP_POPULATE and, on older kernels, munmap() drain the batches.) */
static int new_ring(struct slot *me)
{
	struct io_uring_params *params = (void *)S->scratch[me - S->slots];
	struct ring *ring;
	long at;

	if (me->rings == MAX_PINS)
		return -1;
	ring = &me->ring[me->rings];
	memset(params, 0, sizeof(*params));
	ring->fd = (s32)sys2(__NR_io_uring_setup, 4, params);
	if (ring->fd < 0)
		return -1;
	sys3(__NR_fcntl, ring->fd, F_SETFD, FD_CLOEXEC);
	at = sys6(__NR_mmap, 0, params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED, (ul)ring->fd, IORING_OFF_SQ_RING);
	if (at < 0)
		return -1;
	ring->rings = (u8 *)at;
	at = sys6(__NR_mmap, 0, params->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		  MAP_SHARED, (ul)ring->fd, IORING_OFF_SQES);
	if (at < 0)
		return -1;
	ring->sqes = (u8 *)at;
	ring->sq_tail = params->sq_off.tail;
	ring->sq_array = params->sq_off.array;
	ring->cq_head = params->cq_off.head;
	ring->cq_mask = params->cq_off.ring_mask;
	ring->cqes = params->cq_off.cqes;
	ring->free = 1;
	me->rings++;
	return 0;
}

static struct ring *free_ring(struct slot *me)
{
	for (u32 i = 0; i < me->rings; i++)
		if (me->ring[i].free)
			return &me->ring[i];
	return new_ring(me) < 0 ? 0 : &me->ring[me->rings - 1];
}

/* One transfer of 8 bytes between the fixed buffer and the pipe; its result. */
static int transfer(struct ring *ring, u8 opcode, int fd, u64 addr)
{
	struct io_uring_sqe *sqe = (void *)ring->sqes;
	volatile u32 *tail = (void *)(ring->rings + ring->sq_tail);
	volatile u32 *head = (void *)(ring->rings + ring->cq_head);
	u32 mask = *(u32 *)(ring->rings + ring->cq_mask);
	struct io_uring_cqe *cqes = (void *)(ring->rings + ring->cqes);
	int result;
	long n;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = opcode;
	sqe->fd = fd;
	sqe->addr = addr;
	sqe->len = 8;
	((volatile u32 *)(ring->rings + ring->sq_array))[*tail & 3] = 0;
	__atomic_store_n((u32 *)tail, *tail + 1, __ATOMIC_RELEASE);
	n = sys6(__NR_io_uring_enter, (ul)ring->fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
	if (n < 0)
		return (int)n;
	result = cqes[*head & mask].res;
	__atomic_store_n((u32 *)head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static int register_pages(struct slot *me, struct pin *pin)
{
	struct span span = { pin->addr, pin->pages * PAGE };
	struct ring *ring = free_ring(me);
	long error;

	if (!ring)
		return -1;
	error = sys4(__NR_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &span, 1);
	if (error < 0)
		return (int)error;
	ring->free = 0;
	pin->ring = (u32)(ring - me->ring);
	return 0;
}

/* Page `index` of the pin, and what its owner maps there now. */
static struct page_result *result_of_page(struct slot *me, struct pin *pin, u64 index)
{
	struct page_result *result = new_page_result();

	result->after = look(me, pin->at + index * PAGE);
	return result;
}

/* The request is where the worker may write without a page of its own. */
static long ask_device(struct slot *me, ul command, struct cowbench_request request)
{
	struct cowbench_request *shared = (void *)me->word;

	*shared = request;
	return sys3(__NR_ioctl, FD_DEVICE, command, shared);
}

void reclaim_pages(struct slot *me, const struct page_result *pages, u64 n)
{
	u64 *pfns = (u64 *)S->scratch[me - S->slots];
	u64 room = PAGE / sizeof(*pfns);

	for (u64 done = 0; done < n; done += room) {
		u64 part = n - done < room ? n - done : room;

		for (u64 i = 0; i < part; i++)
			pfns[i] = pages[done + i].before.pfn;
		ask_device(me, COWBENCH_RECLAIM, (struct cowbench_request){ .addr = (u64)pfns, .pages = part });
	}
}

int take_pin(struct slot *me, struct op *op)
{
	struct pin *pin = &S->pins[op->pin];
	int error;

	memset(pin, 0, sizeof(*pin));
	pin->kind = op->kind;
	pin->addr = pin->at = op->addr;
	pin->pages = op->pages;
	pin->held = (u32)(me - S->slots) + 1;
	if (op->kind == PIN_VMSPLICE)
		error = splice_pages(pin);
	else if (op->kind == PIN_IOURING)
		error = register_pages(me, pin);
	else
		error = (int)ask_device(me, COWBENCH_PIN,
					(struct cowbench_request){ .addr = pin->addr, .pages = pin->pages,
								   .id = (u32)op->pin, .kind = pin->kind });
	if (error < 0) {
		if (op->kind != PIN_VMSPLICE)
			pin->held = 0;
		else
			drop_pin(me, pin);
	}
	return error;
}

void drop_pin(struct slot *me, struct pin *pin)
{
	pin->held = 0;
	if (pin->kind == PIN_IOURING) {
		sys4(__NR_io_uring_register, me->ring[pin->ring].fd, IORING_UNREGISTER_BUFFERS, 0, 0);
		me->ring[pin->ring].free = 1;
		return;
	}
	if (pin->kind >= PIN_ODIRECT) {
		ask_device(me, COWBENCH_UNPIN, (struct cowbench_request){ .id = (u32)(pin - S->pins) });
		return;
	}
	for (u32 i = 0; i < PIN_PIPES; i++) {
		for (u32 end = 0; end < 2; end++)
			if (pin->pipes[i][end] > 0)
				sys1(__NR_close, pin->pipes[i][end]);
	}
}

/* A pin belongs to the process that took it. */
void drop_pins(struct slot *me, u32 index)
{
	for (u32 i = 0; i < MAX_PINS; i++)
		if (S->pins[i].held == index + 1)
			drop_pin(me, &S->pins[i]);
}

/* A pin of which only a part has moved stays where it is: nothing is there any more. */
void move_pins(u32 index, u64 from, u64 bytes, u64 to)
{
	for (u32 i = 0; i < MAX_PINS; i++) {
		struct pin *pin = &S->pins[i];

		if (pin->held != index + 1 || pin->at < from || pin->at + pin->pages * PAGE > from + bytes)
			continue;
		pin->at += to - from;
	}
}

static int read_spliced(struct slot *me, struct op *op, struct pin *pin)
{
	u8 *page = S->scratch[me - S->slots];

	if (!me->tee[0] && new_pipe(me->tee, PIPE_PAGES) < 0)
		return -1;
	for (u64 i = 0; i < pin->pages; i += PIPE_PAGES) {
		u64 pages = pin->pages - i < PIPE_PAGES ? pin->pages - i : PIPE_PAGES;
		s32 *pipe = pin->pipes[i / PIPE_PAGES];

		if (op->a >= i + pages || op->a + op->pages <= i)
			continue;
		if (sys4(__NR_tee, pipe[0], me->tee[1], pages * PAGE, 0) != (long)(pages * PAGE))
			return -1;
		for (u64 j = i; j < i + pages; j++) {
			if (sys3(__NR_read, me->tee[0], page, PAGE) != (long)PAGE)
				return -1;
			if (j >= op->a && j < op->a + op->pages)
				result_of_page(me, pin, j)->token = *(u64 *)page;
		}
	}
	return 0;
}

static int transfer_by_device(struct slot *me, struct op *op)
{
	struct cowbench_request *done = (void *)me->word;
	struct pin *pin = &S->pins[op->pin];
	int store = op->verb == OP_DEVWRITE;

	for (u64 i = 0; i < op->pages; i++) {
		long error = ask_device(me, store ? COWBENCH_STORE : COWBENCH_READ,
					(struct cowbench_request){ .id = (u32)op->pin, .index = op->a + i,
								   .token = op->token + i });

		if (error < 0)
			return (int)error;
		u64 token = done->token;

		result_of_page(me, pin, op->a + i)->token = token;
	}
	return 0;
}

int device_read(struct slot *me, struct op *op)
{
	struct pin *pin = &S->pins[op->pin];

	if (pin->kind == PIN_VMSPLICE)
		return read_spliced(me, op, pin);
	if (pin->kind >= PIN_ODIRECT)
		return transfer_by_device(me, op);
	if (!me->bytes[0] && new_pipe(me->bytes, 1) < 0)
		return -1;
	for (u64 i = op->a; i < op->a + op->pages; i++) {
		int n = transfer(&me->ring[pin->ring], IORING_OP_WRITE_FIXED, me->bytes[1], pin->addr + i * PAGE);

		if (n != 8 || sys3(__NR_read, me->bytes[0], me->word, 8) != 8)
			return n < 0 ? n : -1;
		u64 token = me->word[0];

		result_of_page(me, pin, i)->token = token;
	}
	return 0;
}

int device_write(struct slot *me, struct op *op)
{
	struct pin *pin = &S->pins[op->pin];

	if (pin->kind == PIN_VMSPLICE)
		return -1;
	if (pin->kind >= PIN_ODIRECT)
		return transfer_by_device(me, op);
	if (!me->bytes[0] && new_pipe(me->bytes, 1) < 0)
		return -1;
	for (u64 i = 0; i < op->pages; i++) {
		int n;

		me->word[0] = op->token + i;
		if (sys3(__NR_write, me->bytes[1], me->word, 8) != 8)
			return -1;
		n = transfer(&me->ring[pin->ring], IORING_OP_READ_FIXED, me->bytes[0], pin->addr + (op->a + i) * PAGE);
		if (n != 8)
			return n < 0 ? n : -1;
		result_of_page(me, pin, op->a + i);
	}
	return 0;
}

int io_uring_works(struct slot *me)
{
	return free_ring(me) != 0;
}
