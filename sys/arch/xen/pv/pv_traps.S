/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries from and returns to the hypervisor's exception frames (PV).
 *
 * Overview: Xen pushes rcx, r11, perhaps an error code, then the hardware's
 * five words; it has switched to the kernel stack and GS base if it came from
 * user mode, and masked events.  The code selector's word also holds the old
 * mask; its privilege level is 0 for kernel frames although the kernel runs in
 * ring 3.  Programs entered by SYSRET run on Xen's flat selectors: they are
 * renamed to ours, so that the rest of the kernel sees one kind of frame.
 *
 * Every return is the iret hypercall: it unmasks events and switches the mode
 * in one step, so nothing is lost between the last look at l_ast and user mode.
 */
#include <machine/frameasm.h>
#define	__ASSEMBLY__
#include <xen/public/arch-x86/xen-x86_64.h>

#define	HYPERVISOR_IRET		23
#define	FLAT_CS			0xe033
#define	FLAT_SS			0xe02b

/* After SAVE_REGS: make the selectors ordinary.  Clobbers eax. */
.macro	FIX_SELECTORS
	movzwl	TF_CS(%rsp), %eax
	cmpl	$FLAT_CS, %eax
	jne	888f
	movl	$ASM_SEL_UCODE, %eax
888:	movq	%rax, TF_CS(%rsp)
	testb	$3, %al
	jz	889f
	cmpw	$FLAT_SS, TF_SS(%rsp)
	jne	889f
	movq	$ASM_SEL_UDATA, TF_SS(%rsp)
889:
.endm

.macro	TRAP_ENTRY num, haserr
	.balign	16
pv_trap_\num:
	popq	%rcx
	popq	%r11
	.if	!\haserr
	pushq	$0
	.endif
	pushq	$\num
	jmp	pv_alltraps
.endm

	.section .text.pv_traps, "ax", @progbits

	TRAP_ENTRY 0, 0
	TRAP_ENTRY 1, 0
	TRAP_ENTRY 2, 0
	TRAP_ENTRY 3, 0
	TRAP_ENTRY 4, 0
	TRAP_ENTRY 5, 0
	TRAP_ENTRY 6, 0
	TRAP_ENTRY 7, 0
	TRAP_ENTRY 8, 1
	TRAP_ENTRY 10, 1
	TRAP_ENTRY 11, 1
	TRAP_ENTRY 12, 1
	TRAP_ENTRY 13, 1
	TRAP_ENTRY 14, 1
	TRAP_ENTRY 16, 0
	TRAP_ENTRY 17, 1
	TRAP_ENTRY 18, 0
	TRAP_ENTRY 19, 0

	.balign	16
	.type	pv_alltraps, @function
pv_alltraps:
	SAVE_REGS
	FIX_SELECTORS
	call	trap
	movq	%rsp, %rdi
	testb	$3, TF_CS(%rsp)
	jz	pv_kernel_exit
	call	trap_exit_user
	jmp	pv_user_return
pv_kernel_exit:
	call	trap_exit_kernel
	jmp	pv_frame_return
	.size	pv_alltraps, . - pv_alltraps

/* The event upcall. */
	.balign	16
	.globl	pv_event
	.type	pv_event, @function
pv_event:
	popq	%rcx
	popq	%r11
	pushq	$0
	pushq	$ASM_TF_EVENT
	SAVE_REGS
	FIX_SELECTORS
	call	upcall_entry
	movq	%rsp, %rdi
	testb	$3, TF_CS(%rsp)
	jz	pv_kernel_exit
	call	trap_exit_user
	jmp	pv_user_return
	.size	pv_event, . - pv_event

/*
 * Xen could not load what it was told to; the frame carries the four data
 * selectors it had.  If one of them is another now, Xen has made it null while
 * it scheduled this vCPU: the thread goes on, and what it cannot do with it is
 * its own fault.  If none is, the return to user mode failed, because of the
 * program's rip, cs or ss: a general protection fault of the program's.
 */
	.balign	16
	.globl	pv_failsafe
	.type	pv_failsafe, @function
pv_failsafe:
	popq	%rcx
	popq	%r11
	pushq	%rax
	movl	%ds, %eax
	cmpw	%ax, 8(%rsp)
	jne	1f
	movl	%es, %eax
	cmpw	%ax, 16(%rsp)
	jne	1f
	movl	%fs, %eax
	cmpw	%ax, 24(%rsp)
	jne	1f
	movl	%gs, %eax
	cmpw	%ax, 32(%rsp)
	jne	1f
	popq	%rax
	addq	$32, %rsp
	pushq	$0
	pushq	$13
	jmp	pv_alltraps
1:	popq	%rax
	addq	$32, %rsp
	pushq	$0
	pushq	$ASM_TF_EVENT
	SAVE_REGS
	FIX_SELECTORS
	call	pv_bad_selector
	movq	%rsp, %rdi
	testb	$3, TF_CS(%rsp)
	jz	pv_kernel_exit
	call	trap_exit_user
	jmp	pv_user_return
	.size	pv_failsafe, . - pv_failsafe

/* System calls: `syscall`; int $0x80; `syscall` of 32-bit code. */
	.balign	16
	.globl	pv_syscall
	.type	pv_syscall, @function
pv_syscall:
	popq	%rcx
	popq	%r11
	pushq	%rax
	pushq	$ASM_TF_SYSCALL
	jmp	pv_allsyscalls
	.balign	16
	.globl	pv_int80
pv_int80:
	popq	%rcx
	popq	%r11
	pushq	%rax
	pushq	$ASM_TF_INT80
	jmp	pv_allsyscalls
	.balign	16
	.globl	pv_syscall32
pv_syscall32:
	popq	%rcx
	popq	%r11
	movq	$ASM_SEL_UCODE32, 8(%rsp)
	pushq	%rax
	pushq	$ASM_TF_INT80
pv_allsyscalls:
	SAVE_REGS
	FIX_SELECTORS
	call	syscall_entry
	movq	%rsp, %rdi
	call	trap_exit_user
	/* FALLTHROUGH */

/*
 * To user mode, rsp = trapframe, events masked.  SYSRET is used where it
 * gives the same result: it leaves rip in rcx and rflags in r11.
 */
	.globl	pv_user_return
	.type	pv_user_return, @function
pv_user_return:
	xorl	%ecx, %ecx
	cmpq	$ASM_TF_SYSCALL, TF_TRAPNO(%rsp)
	jne	1f
	movq	TF_RIP(%rsp), %rax
	cmpq	%rax, TF_RCX(%rsp)
	jne	1f
	movq	TF_RFLAGS(%rsp), %rax
	cmpq	%rax, TF_R11(%rsp)
	jne	1f
	testl	$ASM_RFLAGS_NOSYSRET, %eax
	jnz	1f
	cmpq	$ASM_SEL_UCODE, TF_CS(%rsp)
	jne	1f
	cmpq	$ASM_SEL_UDATA, TF_SS(%rsp)
	jne	1f
	movl	$VGCF_in_syscall, %ecx
	jmp	1f

/*
 * struct iret_context is rax, r11, rcx, flags and the hardware's five words:
 * it is built over the frame's rsi, rdi, trapno and err.
 */
	.type	pv_frame_return, @function
pv_frame_return:
	xorl	%ecx, %ecx
1:	movq	%rcx, TF_ERR(%rsp)
	movq	TF_RCX(%rsp), %rax
	movq	%rax, TF_TRAPNO(%rsp)
	RESTORE_MOST
	movq	TF_R11(%rsp), %rax
	movq	%rax, TF_RDI(%rsp)
	movq	TF_RAX(%rsp), %rax
	movq	%rax, TF_RSI(%rsp)
	addq	$TF_RSI, %rsp
	movl	$HYPERVISOR_IRET, %eax
	syscall
	ud2
	.size	pv_frame_return, . - pv_frame_return

/* Addresses of the exception entries, 0: none. */
	.section .rodata.pv_trap_entries, "a", @progbits
	.balign	8
	.globl	pv_trap_entries
pv_trap_entries:
	.quad	pv_trap_0, pv_trap_1, pv_trap_2, pv_trap_3, pv_trap_4
	.quad	pv_trap_5, pv_trap_6, pv_trap_7, pv_trap_8, 0
	.quad	pv_trap_10, pv_trap_11, pv_trap_12, pv_trap_13, pv_trap_14
	.quad	0, pv_trap_16, pv_trap_17, pv_trap_18, pv_trap_19
