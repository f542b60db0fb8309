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
	struct evt_source *xc_timer;
	struct evt_source *xc_ipi;
};

/* [s] Mapped by the guest type before main(); moves never, content changes. */
extern struct shared_info *xen_shared_info;

/* Event sources of a CPU: cpu.c.  ENOMEM or Xen's errors. */
int	xen_cpu_attach(struct cpu_info *);
void	xen_cpu_detach(struct cpu_info *);

/* clock.c */
int	xen_clock_cpu_init(struct cpu_info *);
void	xen_clock_suspend(void);
void	xen_clock_resume(bool newdomain);

#endif /* !_XEN_MACHDEP_H_ */
