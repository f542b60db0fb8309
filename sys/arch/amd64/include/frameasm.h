/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assembly macros that make a struct trapframe and take it apart.
 */
#ifndef _MACHINE_FRAMEASM_H_
#define	_MACHINE_FRAMEASM_H_

#ifdef __ASSEMBLER__
#include <machine/asm.h>
#include <machine/asm_offsets.h>

/*
 * With tf_trapno and everything above it on the stack: save the rest, leave
 * %rsp = %rdi = the trapframe.  The odd frame pointer tells the backtrace that
 * a trapframe, not a stack frame, is there.
 */
.macro	SAVE_REGS
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	cld
	leaq	1(%rsp), %rbp
	movq	%rsp, %rdi
.endm

/* Registers that a return by system call may leave to the caller's ABI. */
.macro	RESTORE_CALLEE
	movq	TF_R15(%rsp), %r15
	movq	TF_R14(%rsp), %r14
	movq	TF_R13(%rsp), %r13
	movq	TF_R12(%rsp), %r12
	movq	TF_RBP(%rsp), %rbp
	movq	TF_RBX(%rsp), %rbx
.endm

/* All but rax, rcx, r11. */
.macro	RESTORE_MOST
	RESTORE_CALLEE
	movq	TF_R10(%rsp), %r10
	movq	TF_R9(%rsp), %r9
	movq	TF_R8(%rsp), %r8
	movq	TF_RDX(%rsp), %rdx
	movq	TF_RSI(%rsp), %rsi
	movq	TF_RDI(%rsp), %rdi
.endm

#endif /* __ASSEMBLER__ */
#endif /* !_MACHINE_FRAMEASM_H_ */
