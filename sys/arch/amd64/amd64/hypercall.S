/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercall instruction, one function for each kind.
 *
 * Register interface of Xen on amd64: number in rax, arguments in rdi, rsi,
 * rdx, r10, r8, result in rax.  `syscall` also destroys rcx and r11.
 */
#include <machine/asm.h>

/* long xen_hypercall(op, a1, a2, a3, a4, a5) */
ENTRY(xen_hypercall)
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	jmp	*xen_hypercall_entry(%rip)
END(xen_hypercall)

ENTRY(hypercall_syscall)
	syscall
	ret
END(hypercall_syscall)

ENTRY(hypercall_vmcall)
	vmcall
	ret
END(hypercall_vmcall)

ENTRY(hypercall_vmmcall)
	vmmcall
	ret
END(hypercall_vmmcall)

	.section .data.xen_hypercall_entry, "aw", @progbits
	.balign 8
	.globl	xen_hypercall_entry
xen_hypercall_entry:
	.quad	0
