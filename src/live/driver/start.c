/* start.c: the few instructions that C has no words for: where a process begins, and how it changes stacks. */
#include "driver.h"

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call begin\n"

	".globl clone_onto\n" /* flags, stack top, fn, arg */
	"clone_onto:\n"
	"	mov %rdx, %r8\n"
	"	mov %rcx, %r9\n"
	"	xor %edx, %edx\n"
	"	xor %r10d, %r10d\n"
	"	mov $56, %eax\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	xor %ebp, %ebp\n"
	"	mov %r9, %rdi\n"
	"	call *%r8\n"
	"	ud2\n"

	".globl run_on\n" /* stack top, fn, arg */
	"run_on:\n"
	"	mov %rdi, %rsp\n"
	"	mov %rdx, %rdi\n"
	"	call *%rsi\n"
	"	ud2\n"

	".globl restore_rt\n"
	"restore_rt:\n"
	"	mov $15, %eax\n"
	"	syscall\n"

	".globl load_word, store_word, access_denied\n"
	"load_word:\n" /* address, where to put it */
	"	mov (%rdi), %rax\n"
	"	mov %rax, (%rsi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	"store_word:\n" /* address, value */
	"	mov %rsi, (%rdi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	"access_denied:\n" /* on_fault() goes on here, as if the access had been a call that failed */
	"	mov $1, %eax\n"
	"	ret\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x0, sp\n"
	"	bl begin\n"

	".globl clone_onto\n" /* flags, stack top, fn, arg; clone(flags, stack, ptid, tls, ctid) */
	"clone_onto:\n"
	"	mov x6, x2\n"
	"	mov x7, x3\n"
	"	mov x2, #0\n"
	"	mov x3, #0\n"
	"	mov x4, #0\n"
	"	mov x8, #220\n"
	"	svc 0\n"
	"	cbz x0, 1f\n"
	"	ret\n"
	"1:	mov x29, #0\n"
	"	mov x0, x7\n"
	"	blr x6\n"
	"	brk #1\n"

	".globl run_on\n"
	"run_on:\n"
	"	mov sp, x0\n"
	"	mov x0, x2\n"
	"	blr x1\n"
	"	brk #1\n"

	".globl restore_rt\n"
	"restore_rt:\n"
	"	mov x8, #139\n"
	"	svc 0\n"

	".globl load_word, store_word, access_denied\n"
	"load_word:\n"
	"	ldr x2, [x0]\n"
	"	str x2, [x1]\n"
	"	mov w0, #0\n"
	"	ret\n"
	"store_word:\n"
	"	str x1, [x0]\n"
	"	mov w0, #0\n"
	"	ret\n"
	"access_denied:\n"
	"	mov w0, #1\n"
	"	ret\n");
#endif

/* The compiler calls these two by itself. */
void *memset(void *to, int byte, ul n)
{
	volatile u8 *p = to;

	while (n--)
		*p++ = (u8)byte;
	return to;
}

void *memcpy(void *to, const void *from, ul n)
{
	volatile u8 *p = to;
	const u8 *q = from;

	while (n--)
		*p++ = *q++;
	return to;
}
