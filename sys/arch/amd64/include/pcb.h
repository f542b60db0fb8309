/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64: what a thread keeps while it is not running.  First member of lwp.
 */
#ifndef _MACHINE_PCB_H_
#define	_MACHINE_PCB_H_

#include <sys/types.h>

struct cpu_info;

#define	PCB_NTLS	3

struct pcb {
	uintptr_t	pcb_rsp;	/* while off the CPU */
	uintptr_t	pcb_kstack_top;	/* trap frames start below it */
	uintptr_t	pcb_fsbase;	/* user TLS */
	uintptr_t	pcb_gsbase;	/* user %gs base */
	uint16_t	pcb_ds, pcb_es, pcb_fs, pcb_gs;	/* user selectors */
	uint32_t	pcb_flags;
	void		*pcb_fpu;	/* XSAVE area, 64-byte aligned */
	struct cpu_info	*pcb_fpu_cpu;	/* whose registers were last loaded */
	uint64_t	pcb_tls[PCB_NTLS]; /* GDT entries of its own */
	uintptr_t	pcb_dr[8];
};
#define	PCB_FPU_USED	0x1
#define	PCB_COMPAT32	0x2
#define	PCB_FPU_PARKED	0x4	/* in pcb_fpu only, for a tracer */
#define	PCB_STEP	0x8	/* RFLAGS.TF is a tracer's */

#endif /* !_MACHINE_PCB_H_ */
