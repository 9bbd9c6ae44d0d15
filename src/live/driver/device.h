/* SPDX-License-Identifier: GPL-2.0 */
/* device.h: what is asked of /dev/cowbench (scripts/other-kernel/device), where there is one. */
#ifndef COWBENCH_DEVICE_H
#define COWBENCH_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* As PIN_* of src/trace/ops.ts. */
#define COWBENCH_ODIRECT 2
#define COWBENCH_DMAPIN 3
#define COWBENCH_ROPIN 4

#define COWBENCH_PINS 64	/* as MAX_PINS */
#define COWBENCH_MOST_PAGES 4096

struct cowbench_request {
	__u64 addr;	/* of the caller's pages; RECLAIM: of their frame numbers, 8 bytes each, 0 for none */
	__u64 pages;
	__u64 index;	/* READ, STORE: the page within the pin */
	__u64 token;	/* READ, STORE: its first 8 bytes */
	__u32 id;	/* of the pin, chosen by the caller */
	__u32 kind;
};

#define COWBENCH_PIN _IOWR('c', 0, struct cowbench_request)
#define COWBENCH_UNPIN _IOWR('c', 1, struct cowbench_request)
#define COWBENCH_READ _IOWR('c', 2, struct cowbench_request)
#define COWBENCH_STORE _IOWR('c', 3, struct cowbench_request)
#define COWBENCH_RECLAIM _IOWR('c', 4, struct cowbench_request)

#endif
