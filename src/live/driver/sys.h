/*
 * sys.h: system calls without a C library. A library keeps data of its own (errno, thread state), and each write to
 * it after fork() would be one more copied page beside those that a test is about.
 */
#ifndef COWBENCH_SYS_H
#define COWBENCH_SYS_H

#include <asm/unistd.h>
#include <linux/types.h>

/* One number on every processor; older headers lack them. */
#ifndef __NR_pidfd_open
#define __NR_pidfd_open 434
#endif
#ifndef __NR_close_range
#define __NR_close_range 436
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif

typedef __u8 u8;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef unsigned long ul;

#if defined(__x86_64__)
static inline long sys6(long n, ul a, ul b, ul c, ul d, ul e, ul f)
{
	long ret;
	register ul r10 __asm__("r10") = d;
	register ul r8 __asm__("r8") = e;
	register ul r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sys6(long n, ul a, ul b, ul c, ul d, ul e, ul f)
{
	register long x8 __asm__("x8") = n;
	register ul x0 __asm__("x0") = a;
	register ul x1 __asm__("x1") = b;
	register ul x2 __asm__("x2") = c;
	register ul x3 __asm__("x3") = d;
	register ul x4 __asm__("x4") = e;
	register ul x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return (long)x0;
}
#else
#error "no system calls for this processor yet"
#endif

#define sys5(n, a, b, c, d, e) sys6(n, (ul)(a), (ul)(b), (ul)(c), (ul)(d), (ul)(e), 0)
#define sys4(n, a, b, c, d) sys5(n, a, b, c, d, 0)
#define sys3(n, a, b, c) sys4(n, a, b, c, 0)
#define sys2(n, a, b) sys3(n, a, b, 0)
#define sys1(n, a) sys2(n, a, 0)
#define sys0(n) sys1(n, 0)

/* clone() onto a stack of its own: `fn(arg)` in the child, the child's pid in the parent. */
long clone_onto(ul flags, void *stack_top, void (*fn)(ul), ul arg);
/* Goes on as `fn(arg)` on another stack, for good. */
void run_on(void *stack_top, void (*fn)(ul), ul arg) __attribute__((noreturn));

/* From 5.9 on there is one call for this; the driver never has more than a few hundred. */
static inline void close_from(int first)
{
	if (sys3(__NR_close_range, first, ~0U, 0) >= 0)
		return;
	for (int fd = first; fd < 1024; fd++)
		sys1(__NR_close, fd);
}

static inline void leave(int code) __attribute__((noreturn));
static inline void leave(int code)
{
	for (;;)
		sys1(__NR_exit_group, code);
}

#endif
