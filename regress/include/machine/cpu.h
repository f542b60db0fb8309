/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU as unit tests see it: the machine's own structures, but one CPU
 * that is found through a variable.
 */
#ifndef _REGRESS_MACHINE_CPU_H_
#define	_REGRESS_MACHINE_CPU_H_

#include_next <machine/cpu.h>

extern struct cpu_info *shim_curcpu;
struct lwp *shim_curlwp(void);

#undef curcpu
#undef curlwp
#undef cpu_inc
#undef cpu_dec
#define	curcpu()	shim_curcpu
#define	curlwp		shim_curlwp()
#define	cpu_inc(field)	((void)shim_curcpu->field++)
#define	cpu_dec(field)	((void)shim_curcpu->field--)

#endif /* !_REGRESS_MACHINE_CPU_H_ */
