/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the machine's own files share: amd64, x86 and the entry code.
 */
#ifndef _MACHINE_MACHDEP_H_
#define	_MACHINE_MACHDEP_H_

#include <sys/types.h>

struct cpu_info;
struct lwp;

/* lwp0's kernel stack: where the boot CPU starts. */
extern char boot_stack[];

/* switch.S */
void	cpu_switch_stack(struct lwp *, struct lwp *);
void	lwp_trampoline(void);
void	cpu_call_on_stack(uintptr_t top, void (*)(void *), void *) __dead;

/* First C of the boot CPU: %gs is set. Fills lwp0's machine part. */
void	cpu_md_early(void);
/* A secondary CPU: before its start; its first C, on its idle stack. */
void	cpu_hatch_prepare(struct cpu_info *);
void	cpu_hatch_entry(void *) __dead;

/* Selectors of user programs, saved and loaded on a switch. */
struct pcb;
void	segs_save(struct pcb *);
/* True if %fs was loaded, so that a null selector's base is lost. */
bool	segs_load(const struct pcb *);
/*
 * The thread's own descriptors go to this CPU's GDT, those that differ, by
 * set().  Before the selectors are loaded.
 */
void	tls_load(struct cpu_info *, const struct pcb *,
	    void (*set)(struct cpu_info *, unsigned int entry, uint64_t));
/* The thread's debug registers to this CPU, if there are any to load. */
void	debug_switch(struct cpu_info *, const struct pcb *);
#define	DR6_NONE	0xffff0ff0UL
#define	DR6_HITS	0xfUL
#define	DR7_FIXED	0x400UL
/* A selector that has no descriptor: then the base is the thread's own. */
#define	SEL_IS_NULL(sel)	(((sel) & ~3U) == 0)

/* The descriptors both guest types have. */
#define	GDT_ENTRIES	16
#define	GDT_CODE64(dpl)	(0x00af9b000000ffffULL | (uint64_t)(dpl) << 45)
#define	GDT_CODE32(dpl)	(0x00cf9b000000ffffULL | (uint64_t)(dpl) << 45)
/* Its limit tells user mode the number of the CPU. */
#define	GDT_CPU(n)	(0x0040f10000000000ULL | (uint64_t)(n))
#define	GDT_DATA(dpl)	(0x00cf93000000ffffULL | (uint64_t)(dpl) << 45)

#endif /* !_MACHINE_MACHDEP_H_ */
