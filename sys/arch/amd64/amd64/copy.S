/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between kernel and user memory: <sys/systm.h>.
 *
 * Overview: every instruction that touches user memory has an entry in the
 * exception table.  A page fault on it goes to uvm_fault() first; if that
 * fails, trap() continues at the fixup, which returns EFAULT.  String
 * instructions can be restarted where they stopped.
 *
 * Untrusted input: each function checks that the user range lies below
 * VM_MAX_ADDRESS before the first access.
 */
#include <machine/asm.h>
#include <machine/asm_offsets.h>

/* Fault unless [\base, \base + \len) is in user space.  Clobbers rax, r8. */
.macro	CHECK_RANGE base, len
	movq	\base, %rax
	addq	\len, %rax
	jc	user_fault
	movabsq	$ASM_VM_MAX_ADDRESS, %r8
	cmpq	%r8, %rax
	ja	user_fault
.endm

/* rdi to rsi... both set, rdx bytes; the exceptions at 1 and 2. */
.macro	COPY_BYTES
	USER_ACCESS_BEGIN
	movq	%rdx, %rcx
	shrq	$3, %rcx
1:	rep movsq
	movl	%edx, %ecx
	andl	$7, %ecx
2:	rep movsb
	USER_ACCESS_END
	xorl	%eax, %eax
	popq	%rbp
	ret
	EX_TABLE(1b, user_fault_pop)
	EX_TABLE(2b, user_fault_pop)
.endm

	.section .text.user_fault, "ax", @progbits
user_fault_pop:
	popq	%rbp
user_fault:
	USER_ACCESS_END
	movl	$ASM_EFAULT, %eax
	ret

/* int copyin(const void *uaddr, void *kaddr, size_t len) */
ENTRY(copyin)
	CHECK_RANGE %rdi, %rdx
	pushq	%rbp
	movq	%rsp, %rbp
	xchgq	%rdi, %rsi
	COPY_BYTES
END(copyin)

/* int copyout(const void *kaddr, void *uaddr, size_t len) */
ENTRY(copyout)
	CHECK_RANGE %rsi, %rdx
	pushq	%rbp
	movq	%rsp, %rbp
	xchgq	%rdi, %rsi
	COPY_BYTES
END(copyout)

/*
 * int copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done)
 * r9 = bytes that may be read: the buffer's or up to the end of user space.
 */
ENTRY(copyinstr)
	movabsq	$ASM_VM_MAX_ADDRESS, %r9
	subq	%rdi, %r9
	jbe	user_fault
	movq	%rdx, %r8
	cmpq	%rdx, %r9
	cmovaq	%rdx, %r9
	xorl	%eax, %eax
	USER_ACCESS_BEGIN
1:	cmpq	%r9, %rax
	je	3f
2:	movb	(%rdi,%rax), %dl
	movb	%dl, (%rsi,%rax)
	incq	%rax
	testb	%dl, %dl
	jnz	1b
	USER_ACCESS_END
	testq	%rcx, %rcx
	jz	4f
	movq	%rax, (%rcx)
4:	xorl	%eax, %eax
	ret
3:	/* Out of room, or out of user space. */
	cmpq	%r8, %rax
	jne	user_fault
	USER_ACCESS_END
	movl	$ASM_ENAMETOOLONG, %eax
	ret
	EX_TABLE(2b, user_fault)
END(copyinstr)

/* int ufetch_32(const uint32_t *uaddr, uint32_t *val) */
ENTRY(ufetch_32)
	CHECK_RANGE %rdi, $4
	USER_ACCESS_BEGIN
1:	movl	(%rdi), %eax
	USER_ACCESS_END
	movl	%eax, (%rsi)
	xorl	%eax, %eax
	ret
	EX_TABLE(1b, user_fault)
END(ufetch_32)

/* int ufetch_long(const unsigned long *uaddr, unsigned long *val) */
ENTRY(ufetch_long)
	CHECK_RANGE %rdi, $8
	USER_ACCESS_BEGIN
1:	movq	(%rdi), %rax
	USER_ACCESS_END
	movq	%rax, (%rsi)
	xorl	%eax, %eax
	ret
	EX_TABLE(1b, user_fault)
END(ufetch_long)

/* int ustore_32(uint32_t *uaddr, uint32_t val) */
ENTRY(ustore_32)
	CHECK_RANGE %rdi, $4
	USER_ACCESS_BEGIN
1:	movl	%esi, (%rdi)
	USER_ACCESS_END
	xorl	%eax, %eax
	ret
	EX_TABLE(1b, user_fault)
END(ustore_32)

/* int ustore_long(unsigned long *uaddr, unsigned long val) */
ENTRY(ustore_long)
	CHECK_RANGE %rdi, $8
	USER_ACCESS_BEGIN
1:	movq	%rsi, (%rdi)
	USER_ACCESS_END
	xorl	%eax, %eax
	ret
	EX_TABLE(1b, user_fault)
END(ustore_long)

/*
 * int ucas_32(uint32_t *uaddr, uint32_t expected, uint32_t new,
 *     uint32_t *old)
 */
ENTRY(ucas_32)
	CHECK_RANGE %rdi, $4
	movl	%esi, %eax
	USER_ACCESS_BEGIN
1:	lock cmpxchgl %edx, (%rdi)
	USER_ACCESS_END
	movl	%eax, (%rcx)
	xorl	%eax, %eax
	ret
	EX_TABLE(1b, user_fault)
END(ucas_32)
