/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU as unit tests see it: one, found through a variable.
 */
#ifndef _MACHINE_CPU_H_
#define	_MACHINE_CPU_H_

#include <sys/types.h>

struct cpu_info;
struct lwp;
struct vcpu_info;
struct vcpu_time_info;
struct pmap;

struct cpu_md {
	struct vcpu_info *md_vcpu;
	uintptr_t	md_kstack;
	uintptr_t	md_scratch;
	struct pmap	*md_pmap;
	void		*md_gdt;
	void		*md_tss;
	struct lwp	*md_fpu_lwp;
	struct vcpu_time_info *md_time;
	void		*md_xen;
	void		*md_mmuq;
	volatile bool	md_stop;
	volatile bool	md_stopped;
	volatile uint32_t md_ipi_pending;
	bool		md_started;
	uintptr_t	md_fsbase, md_gsbase;
};

extern struct cpu_info *shim_curcpu;
struct lwp	*shim_curlwp(void);

#define	curcpu()	shim_curcpu
#define	curlwp		shim_curlwp()
#define	cpu_relax()	__asm__ volatile("" ::: "memory")

#endif /* !_MACHINE_CPU_H_ */
