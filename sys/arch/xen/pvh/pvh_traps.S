/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries from and returns to hardware's exception frames (PVH).
 *
 * Overview: a trap in user mode comes in on the thread's kernel stack with the
 * user's GS base, which SWAPGS exchanges for the kernel's.  Three entries
 * cannot tell by the code selector which base is there: NMI, machine check
 * and debug exceptions may hit the first or last instructions of the kernel.
 * They have stacks of their own (IST) and look at the base itself; if they came
 * from user mode they continue on the thread's stack like any other trap.
 *
 * Untrusted input: the user's rip, selectors and flags, which IRET may refuse:
 * the exception is then the program's.  SYSRET is used only with a canonical
 * rip, since it would fault in kernel mode with the user's stack.
 */
#include <machine/frameasm.h>

#include "pvh_private.h"

/* The kernel's accesses to user memory are off from here on. */
#define	ENTRY_CLAC	USER_ACCESS_END

.macro	TRAP_ENTRY num, haserr
	.balign	16
pvh_trap_\num:
	.if	!\haserr
	pushq	$0
	.endif
	pushq	$\num
	jmp	pvh_alltraps
.endm

/* The exceptions an IRET to a bad user frame can raise. */
.macro	TRAP_ENTRY_IRET num
	.balign	16
pvh_trap_\num:
	pushq	$\num
	jmp	pvh_iret_traps
.endm

.macro	TRAP_ENTRY_IST num, haserr
	.balign	16
pvh_trap_\num:
	.if	!\haserr
	pushq	$0
	.endif
	pushq	$\num
	jmp	pvh_ist_traps
.endm

	.section .text.pvh_traps, "ax", @progbits

	TRAP_ENTRY 0, 0
	TRAP_ENTRY_IST 1, 0
	TRAP_ENTRY_IST 2, 0
	TRAP_ENTRY 3, 0
	TRAP_ENTRY 4, 0
	TRAP_ENTRY 5, 0
	TRAP_ENTRY 6, 0
	TRAP_ENTRY 7, 0
	TRAP_ENTRY_IST 8, 1
	TRAP_ENTRY 10, 1
	TRAP_ENTRY_IRET 11
	TRAP_ENTRY_IRET 12
	TRAP_ENTRY_IRET 13
	TRAP_ENTRY 14, 1
	TRAP_ENTRY 16, 0
	TRAP_ENTRY 17, 1
	TRAP_ENTRY_IST 18, 0
	TRAP_ENTRY 19, 0

/* Before SAVE_REGS: the frame has trapno and err. */
#define	EARLY_RIP	16
#define	EARLY_CS	24

	.balign	16
	.type	pvh_iret_traps, @function
pvh_iret_traps:
	testb	$3, EARLY_CS(%rsp)
	jnz	pvh_alltraps
	cmpq	$pvh_user_iretq, EARLY_RIP(%rsp)
	jne	pvh_alltraps
	/* The kernel's, but with the user's registers and GS base. */
	swapgs
	ENTRY_CLAC
	SAVE_REGS
	call	pvh_bad_iret
	movq	%rax, %rsp
	movq	%rax, %rdi
	leaq	1(%rsp), %rbp
	call	trap
	movq	%rsp, %rdi
	call	trap_exit_user
	jmp	pvh_user_return
	.size	pvh_iret_traps, . - pvh_iret_traps

	.balign	16
	.type	pvh_alltraps, @function
pvh_alltraps:
	testb	$3, EARLY_CS(%rsp)
	jz	1f
	swapgs
1:	ENTRY_CLAC
	SAVE_REGS
pvh_trap_body:
	call	trap
	movq	%rsp, %rdi
	testb	$3, TF_CS(%rsp)
	jz	pvh_kernel_exit
	call	trap_exit_user
	jmp	pvh_user_return
pvh_kernel_exit:
	call	trap_exit_kernel
pvh_kernel_return:
	RESTORE_MOST
	movq	TF_R11(%rsp), %r11
	movq	TF_RCX(%rsp), %rcx
	movq	TF_RAX(%rsp), %rax
	addq	$TF_RIP, %rsp
	iretq
	.size	pvh_alltraps, . - pvh_alltraps

	.balign	16
	.type	pvh_ist_traps, @function
pvh_ist_traps:
	ENTRY_CLAC
	SAVE_REGS
	testb	$3, TF_CS(%rsp)
	jnz	2f
	movl	$MSR_GSBASE, %ecx
	rdmsr
	movl	%edx, %ebx
	testl	%ebx, %ebx
	js	1f
	swapgs
1:	movq	%rsp, %rdi
	call	pvh_ist_trap
	testl	%ebx, %ebx
	js	pvh_kernel_return
	swapgs
	jmp	pvh_kernel_return
2:	/* From user mode: move the frame to the thread's stack. */
	swapgs
	movq	%rsp, %rsi
	movq	%gs:CI_MD_KSTACK, %rdi
	subq	$TF_SIZE, %rdi
	movq	%rdi, %rax
	movl	$TF_SIZE / 8, %ecx
	rep movsq
	movq	%rax, %rsp
	movq	%rax, %rdi
	leaq	1(%rsp), %rbp
	jmp	pvh_trap_body
	.size	pvh_ist_traps, . - pvh_ist_traps

/* The event upcall. */
	.balign	16
	.globl	pvh_event
	.type	pvh_event, @function
pvh_event:
	pushq	$0
	pushq	$ASM_TF_EVENT
	testb	$3, EARLY_CS(%rsp)
	jz	2f
	swapgs
1:	ENTRY_CLAC
	SAVE_REGS
	call	upcall_entry
	movq	%rsp, %rdi
	testb	$3, TF_CS(%rsp)
	jz	pvh_kernel_exit
	call	trap_exit_user
	jmp	pvh_user_return
	/*
	 * SVM as QEMU emulates it may deliver an event a second time before the
	 * first instruction above, with interrupts off.  Drop it: the GS base
	 * may still be the user's, and the first one finds all that is pending.
	 */
2:	cmpq	$pvh_event, EARLY_RIP(%rsp)
	jne	1b
	addq	$16, %rsp
	iretq
	.size	pvh_event, . - pvh_event

/* Any other vector: nothing of ours; return. */
	.balign	16
	.globl	pvh_spurious
	.type	pvh_spurious, @function
pvh_spurious:
	iretq
	.size	pvh_spurious, . - pvh_spurious

	.balign	16
	.globl	pvh_int80
	.type	pvh_int80, @function
pvh_int80:
	pushq	%rax
	pushq	$ASM_TF_INT80
	swapgs
	jmp	pvh_allsyscalls
	.size	pvh_int80, . - pvh_int80

/*
 * `syscall`: rcx = rip, r11 = rflags, the stack is still the user's.
 * Interrupts are off by SFMASK.
 */
	.balign	16
	.globl	pvh_syscall32
	.type	pvh_syscall32, @function
pvh_syscall32:
	swapgs
	movq	%rsp, %gs:CI_MD_SCRATCH
	movq	%gs:CI_MD_KSTACK, %rsp
	pushq	$ASM_SEL_UDATA
	pushq	%gs:CI_MD_SCRATCH
	pushq	%r11
	pushq	$ASM_SEL_UCODE32
	pushq	%rcx
	pushq	%rax
	pushq	$ASM_TF_INT80
	jmp	pvh_allsyscalls
	.size	pvh_syscall32, . - pvh_syscall32

	.balign	16
	.globl	pvh_syscall
	.type	pvh_syscall, @function
pvh_syscall:
	swapgs
	movq	%rsp, %gs:CI_MD_SCRATCH
	movq	%gs:CI_MD_KSTACK, %rsp
	pushq	$ASM_SEL_UDATA
	pushq	%gs:CI_MD_SCRATCH
	pushq	%r11
	pushq	$ASM_SEL_UCODE
	pushq	%rcx
	pushq	%rax
	pushq	$ASM_TF_SYSCALL
pvh_allsyscalls:
	ENTRY_CLAC
	SAVE_REGS
	call	syscall_entry
	movq	%rsp, %rdi
	call	trap_exit_user
	/* FALLTHROUGH */
	.size	pvh_syscall, . - pvh_syscall

/* To user mode, rsp = trapframe, interrupts off. */
	.globl	pvh_user_return
	.type	pvh_user_return, @function
pvh_user_return:
	cmpq	$ASM_TF_SYSCALL, TF_TRAPNO(%rsp)
	jne	1f
	movq	TF_RIP(%rsp), %rcx
	cmpq	%rcx, TF_RCX(%rsp)
	jne	1f
	movabsq	$ASM_VM_MAX_ADDRESS, %rax
	cmpq	%rax, %rcx
	jae	1f
	movq	TF_RFLAGS(%rsp), %r11
	cmpq	%r11, TF_R11(%rsp)
	jne	1f
	testl	$ASM_RFLAGS_NOSYSRET, %r11d
	jnz	1f
	cmpq	$ASM_SEL_UCODE, TF_CS(%rsp)
	jne	1f
	cmpq	$ASM_SEL_UDATA, TF_SS(%rsp)
	jne	1f
	RESTORE_MOST
	movq	TF_RAX(%rsp), %rax
	movq	TF_RSP(%rsp), %rsp
	swapgs
	sysretq
1:	RESTORE_MOST
	movq	TF_R11(%rsp), %r11
	movq	TF_RCX(%rsp), %rcx
	movq	TF_RAX(%rsp), %rax
	addq	$TF_RIP, %rsp
	swapgs
pvh_user_iretq:
	iretq
	.size	pvh_user_return, . - pvh_user_return

/* Addresses of the exception entries, 0: none. */
	.section .rodata.pvh_trap_entries, "a", @progbits
	.balign	8
	.globl	pvh_trap_entries
pvh_trap_entries:
	.quad	pvh_trap_0, pvh_trap_1, pvh_trap_2, pvh_trap_3, pvh_trap_4
	.quad	pvh_trap_5, pvh_trap_6, pvh_trap_7, pvh_trap_8, 0
	.quad	pvh_trap_10, pvh_trap_11, pvh_trap_12, pvh_trap_13
	.quad	pvh_trap_14, 0, pvh_trap_16, pvh_trap_17, pvh_trap_18
	.quad	pvh_trap_19
