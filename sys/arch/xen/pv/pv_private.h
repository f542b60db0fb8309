/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the entry side of a PV guest shares: pv_start, pv_guest, pv_cpu and
 * pv_traps.
 */
#ifndef _PV_PRIVATE_H_
#define	_PV_PRIVATE_H_

#include <sys/types.h>
#include <xen/public/xen.h>

struct cpu_info;
struct lwp;

extern const struct xen_guest pv_guest;

/* pv_traps.S */
extern const unsigned long pv_trap_entries[20];
void	pv_event(void);
void	pv_failsafe(void);
void	pv_syscall(void);
void	pv_syscall32(void);
void	pv_int80(void);
void	pv_user_return(void);

/* pv_cpu.c */
#define	PV_NTRAPS	22
extern struct trap_info pv_trap_table[PV_NTRAPS];
void	pv_trap_init(void);			/* boot CPU, first thing */
void	pv_setup_upcall(void);			/* this CPU's entry points */
void	pv_cpu_init(struct cpu_info *);
int	pv_cpu_initialise(struct cpu_info *);
void	pv_switch(struct cpu_info *, struct lwp *);
uintptr_t pv_debug_status(void);
void	pv_debug_load(const uintptr_t dr[8]);

void	pv_boot(struct start_info *) __dead;

#endif /* !_PV_PRIVATE_H_ */
