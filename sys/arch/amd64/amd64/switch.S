/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the kernel stack from one thread's to another's, and where fresh
 * threads begin.
 */
#include <machine/frameasm.h>

/*
 * void cpu_switch_stack(struct lwp *from, struct lwp *to)
 *
 * Interrupts off.  Both stay in rdi and rsi for the trampoline of a fresh
 * thread.
 */
ENTRY(cpu_switch_stack)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, PCB_RSP(%rdi)
	movq	PCB_RSP(%rsi), %rsp
	movq	%rsi, %gs:CI_CURLWP
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
END(cpu_switch_stack)

/*
 * A fresh thread's first instruction: r12 = function or 0, r13 = its argument,
 * rbp = 0, rsp = the thread's trapframe.  lwp_startup() finishes the switch and
 * turns interrupts on.  Without a function, or when it returns, the thread goes
 * to user mode with the registers of its trapframe.
 */
ENTRY(lwp_trampoline)
	call	lwp_startup
	testq	%r12, %r12
	jz	1f
	movq	%r13, %rdi
	call	*%r12
1:	movq	%rsp, %rdi
	call	trap_enter_user
	movq	cpu_user_return(%rip), %rax
	jmp	*%rax
END(lwp_trampoline)

/*
 * void cpu_call_on_stack(uintptr_t top, void (*fn)(void *), void *arg)
 *
 * Leave the present stack for good.
 */
ENTRY(cpu_call_on_stack)
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	movq	%rdx, %rdi
	call	*%rsi
	ud2
END(cpu_call_on_stack)
