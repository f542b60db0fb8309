/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offsets and numbers that assembly uses; amd64/machdep.c asserts each.
 */
#ifndef _MACHINE_ASM_OFFSETS_H_
#define	_MACHINE_ASM_OFFSETS_H_

/* struct trapframe */
#define	TF_R15		0
#define	TF_R14		8
#define	TF_R13		16
#define	TF_R12		24
#define	TF_RBP		32
#define	TF_RBX		40
#define	TF_R11		48
#define	TF_R10		56
#define	TF_R9		64
#define	TF_R8		72
#define	TF_RAX		80
#define	TF_RCX		88
#define	TF_RDX		96
#define	TF_RSI		104
#define	TF_RDI		112
#define	TF_TRAPNO	120
#define	TF_ERR		128
#define	TF_RIP		136
#define	TF_CS		144
#define	TF_RFLAGS	152
#define	TF_RSP		160
#define	TF_SS		168
#define	TF_SIZE		176

/* struct cpu_info, by %gs */
#define	CI_SELF		0
#define	CI_CURLWP	8
#define	CI_UPCALL_PENDING	64	/* in the PV vcpu_info */
#define	CI_UPCALL_MASK	65
#define	CI_MD_KSTACK	128
#define	CI_MD_SCRATCH	136

/* struct lwp: the pcb is first */
#define	PCB_RSP		0
#define	PCB_KSTACK_TOP	8

#define	ASM_VM_MAX_ADDRESS	0x00007ffffffff000
#define	ASM_KERNBASE		0xffffffff80000000
#define	ASM_P2M_BASE		0xffffb00000000000
#define	ASM_DMAP_L4SLOT		273
#define	ASM_USPACE		16384

/* numbers of <machine/frame.h> and <sys/errno.h> */
#define	ASM_TF_SYSCALL		256
#define	ASM_TF_INT80		257
#define	ASM_TF_EVENT		258
/*
 * TF and RF: SYSRET traps at once with TF, where IRET goes on for one
 * instruction first, so stepping would not get on; and it cannot set RF.
 */
#define	ASM_RFLAGS_NOSYSRET	0x10100
#define	ASM_SEL_UCODE32		0x23
#define	ASM_SEL_UDATA		0x2b
#define	ASM_SEL_UCODE		0x33
#define	ASM_EFAULT		14
#define	ASM_ENAMETOOLONG	36

#endif /* !_MACHINE_ASM_OFFSETS_H_ */
