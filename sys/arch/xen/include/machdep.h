/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of sys/arch/xen share among themselves.
 */
#ifndef _XEN_MACHDEP_H_
#define	_XEN_MACHDEP_H_

#include <sys/cpu.h>
#include <xen/public/xen.h>
#include <xen/types.h>

struct evt_source;

struct xen_cpu {			/* ci_md.md_xen */
	/* Made once, never freed; without a port while the CPU is offline. */
	struct evt_source *xc_timer;
	struct evt_source *xc_ipi;
	bool		xc_info;	/* [s] vcpu_info is in cpu_info */
	int		xc_lost;	/* [s] errno: not back after suspend */
};

/* [s] Mapped by the guest type before main(); moves never, content changes. */
extern struct shared_info *xen_shared_info;

/* -- cpu.c -- */

/* Event sources of a CPU.  ENOMEM or Xen's errors. */
int	xen_cpu_attach(struct cpu_info *);
void	xen_cpu_detach(struct cpu_info *);
/*
 * The words shared with Xen are in cpu_info from now on; mfn is their frame.
 * Not before that: xen_cpu_info() finds the frame by the page tables; it does
 * nothing if that has been done.
 */
int	xen_cpu_info_at(struct cpu_info *, mfn_t);
int	xen_cpu_info(struct cpu_info *);
/*
 * In a new domain, others stopped: vcpu_info again, the online vCPUs up again.
 * Then, with threads running: take those out of use that did not come.
 */
void	xen_cpus_resume(void);
void	xen_cpus_resume_late(void);
/* cpu_hotplug.c: start the vCPUs the tools want, and watch. */
int	xen_cpus_init(void);

/* clock.c */
int	xen_clock_cpu_init(struct cpu_info *);
void	xen_clock_suspend(void);
void	xen_clock_resume(bool newdomain);

#endif /* !_XEN_MACHDEP_H_ */
