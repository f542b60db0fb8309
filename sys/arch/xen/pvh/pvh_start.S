/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH entry point and its ELF notes.
 *
 * Overview: Xen (or a boot loader) starts the boot CPU in 32-bit protected mode
 * with flat segments and no paging, %ebx = physical address of hvm_start_info.
 * Page tables made here map the first 4 GiB one to one and in the direct map,
 * and the first GiB at KERNBASE, with 2 MiB pages; pmap_bootstrap() replaces
 * them.
 */
#include <machine/asm.h>
#include <machine/asm_offsets.h>
#include <xen/notes.h>
#include <xen/public/features.h>

#include "pvh_private.h"

	XEN_NOTE(XEN_ELFNOTE_PHYS32_ENTRY, .quad pvh_start - ASM_KERNBASE)
	XEN_NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES,
	    .long 1 << XENFEAT_hvm_callback_vector |
	    1 << XENFEAT_auto_translated_physmap |
	    1 << XENFEAT_supervisor_mode_kernel)

#define	PHYS(sym)	((sym) - ASM_KERNBASE)
#define	PTE_RW		0x3
#define	PTE_RW_PS	0x83		/* 2 MiB */

	.section .text.entry, "ax", @progbits
	.code32
	.globl	pvh_start
	.type	pvh_start, @function
pvh_start:
	cld
	cli
	movl	$PHYS(boot_stack) + ASM_USPACE, %esp

	/* Level 2: 4 x 512 entries of 2 MiB. */
	movl	$PHYS(pvh_l2), %edi
	movl	$PTE_RW_PS, %eax
	movl	$2048, %ecx
1:	movl	%eax, (%edi)
	movl	$0, 4(%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	1b
	/* Level 3: the four tables; and the first GiB for KERNBASE. */
	movl	$PHYS(pvh_l2) + PTE_RW, %eax
	movl	%eax, PHYS(pvh_l3k) + 510 * 8
	movl	$PHYS(pvh_l3), %edi
	movl	$4, %ecx
2:	movl	%eax, (%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	loop	2b
	/* Level 4. */
	movl	$PHYS(pvh_l3) + PTE_RW, %eax
	movl	%eax, PHYS(pvh_l4)
	movl	%eax, PHYS(pvh_l4) + ASM_DMAP_L4SLOT * 8
	movl	$PHYS(pvh_l3k) + PTE_RW, %eax
	movl	%eax, PHYS(pvh_l4) + 511 * 8

	movl	$CR4_KERNEL, %eax
	movl	%eax, %cr4
	movl	$PHYS(pvh_l4), %eax
	movl	%eax, %cr3
	/* ebx is needed: keep it from CPUID. */
	movl	%ebx, %esi
	movl	$0x80000001, %eax
	cpuid
	movl	$EFER_LME, %edi
	btl	$20, %edx
	jnc	3f
	orl	$EFER_NXE, %edi
3:	movl	$MSR_EFER, %ecx
	rdmsr
	orl	%edi, %eax
	wrmsr
	movl	$CR0_KERNEL, %eax
	movl	%eax, %cr0
	lgdt	PHYS(pvh_gdtr)
	ljmp	$0x10, $PHYS(4f)

	.code64
4:	movl	$0x18, %eax
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack + ASM_USPACE, %rsp
	xorl	%ebp, %ebp
	movl	%esi, %edi
	movq	$5f, %rax
	jmp	*%rax
5:	call	pvh_boot
	ud2
	.size	pvh_start, . - pvh_start

	.section .rodata.pvh_gdt, "a", @progbits
	.balign	8
pvh_gdt:
	.quad	0, 0
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */
pvh_gdtr:
	.word	4 * 8 - 1
	.long	PHYS(pvh_gdt)
	.long	0

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
pvh_l4:	.skip	4096
pvh_l3:	.skip	4096
pvh_l3k: .skip	4096
pvh_l2:	.skip	4 * 4096
