/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PV entry point and its ELF notes.
 *
 * Overview: the domain builder starts the boot CPU in 64-bit mode on its page
 * tables, events masked, %rsi = start_info.  Everything from start_info on is
 * mapped at VIRT_BASE + physical address; the p2m list is at INIT_P2M; the
 * initramfs is not mapped (MOD_START_PFN).
 */
#include <machine/asm.h>
#include <machine/asm_offsets.h>
#include <xen/notes.h>
#include <xen/public/features.h>

	XEN_NOTE(XEN_ELFNOTE_XEN_VERSION,	.asciz "xen-3.0")
	XEN_NOTE(XEN_ELFNOTE_LOADER,		.asciz "generic")
	XEN_NOTE(XEN_ELFNOTE_VIRT_BASE,		.quad ASM_KERNBASE)
	XEN_NOTE(XEN_ELFNOTE_PADDR_OFFSET,	.quad 0)
	XEN_NOTE(XEN_ELFNOTE_ENTRY,		.quad pv_start)
	XEN_NOTE(XEN_ELFNOTE_INIT_P2M,		.quad ASM_P2M_BASE)
	XEN_NOTE(XEN_ELFNOTE_MOD_START_PFN,	.long 1)
	XEN_NOTE(XEN_ELFNOTE_HV_START_LOW,	.quad 0xffff800000000000)
	XEN_NOTE(XEN_ELFNOTE_PAE_MODE,		.asciz "yes")
	/* A present entry holds a machine frame: mask, value. */
	XEN_NOTE(XEN_ELFNOTE_L1_MFN_VALID,	.quad 1, 1)
	XEN_NOTE(XEN_ELFNOTE_FEATURES,
	    .asciz "!writable_page_tables|pae_pgdir_above_4gb")
	XEN_NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES,
	    .long 1 << XENFEAT_pae_pgdir_above_4gb)

	.section .text.entry, "ax", @progbits
	.globl	pv_start
	.type	pv_start, @function
pv_start:
	cld
	movq	$boot_stack + ASM_USPACE, %rsp
	xorl	%ebp, %ebp
	movq	%rsi, %rdi
	call	pv_boot
	ud2
	.size	pv_start, . - pv_start
