/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86 exception numbers and the trap entry points called from assembly.
 */
#ifndef _MACHINE_TRAP_H_
#define	_MACHINE_TRAP_H_

#define	T_DE	0
#define	T_DB	1
#define	T_NMI	2
#define	T_BP	3
#define	T_OF	4
#define	T_BR	5
#define	T_UD	6
#define	T_NM	7
#define	T_DF	8
#define	T_TS	10
#define	T_NP	11
#define	T_SS	12
#define	T_GP	13
#define	T_PF	14
#define	T_MF	16
#define	T_AC	17
#define	T_MC	18
#define	T_XM	19

#define	PFERR_P		0x01
#define	PFERR_W		0x02
#define	PFERR_U		0x04
#define	PFERR_RSVD	0x08
#define	PFERR_I		0x10

#ifndef __ASSEMBLER__
#include <machine/frame.h>

/* All from the entry assembly, interrupts off. */
void	trap(struct trapframe *);
void	syscall_entry(struct trapframe *);
void	upcall_entry(struct trapframe *);	/* event channel upcall */
/* Before every return to user mode: runs userret() while there is work. */
void	trap_exit_user(struct trapframe *);
/* The same for a fresh thread; interrupts on. */
void	trap_enter_user(struct trapframe *);
/* Before every return to kernel mode from an interrupt: preemption. */
void	trap_exit_kernel(struct trapframe *);
void	trap_nmi(const struct trapframe *);
/* Registers on the console; and then panic. */
void	trapframe_print(const struct trapframe *);
void	trap_panic(const struct trapframe *, unsigned long addr)
	    __attribute__((__noreturn__));
#endif

#endif /* !_MACHINE_TRAP_H_ */
