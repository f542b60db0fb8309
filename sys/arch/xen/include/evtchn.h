/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels: Xen's interrupts.
 *
 * An evt_source stays what it is for its whole life; the port behind it is
 * bound anew after a resume.  Handlers run in hard interrupt context on the
 * CPU the port is bound to, interrupts off; the port is cleared before and
 * unmasked after the handler.  A port that fires without pause is throttled.
 */
#ifndef _XEN_EVTCHN_H_
#define	_XEN_EVTCHN_H_

#include <sys/cpu.h>
#include <sys/queue.h>
#include <xen/types.h>

struct evt_source;

void	evtchn_init(void);			/* boot CPU */
/* Each CPU, before its upcalls. */
void	evtchn_cpu_init(struct cpu_info *);
void	evtchn_cpu_fini(struct cpu_info *);
/* From upcall_entry(): handle all pending on this CPU. */
void	evtchn_upcall(void);

/* Thread context, may allocate. On error *srcp is untouched. */
int	evtchn_bind_virq(unsigned int virq, struct cpu_info *,
	    void (*)(void *), void *, const char *name, struct evt_source **);
int	evtchn_bind_ipi(struct cpu_info *, void (*)(void *), void *,
	    const char *name, struct evt_source **);
/* A port that already exists (store, console): taken over as bound. */
int	evtchn_bind_port(evtchn_t, void (*)(void *), void *, const char *name,
	    struct evt_source **);
/* A new unbound port for a peer domain to bind to. */
int	evtchn_alloc_unbound(xdomid_t remote, void (*)(void *), void *,
	    const char *name, struct evt_source **);
/* Close the port, wait for a running handler, free. */
void	evtchn_unbind(struct evt_source *);
/* After a resume as a new domain: give a source its new port. */
int	evtchn_rebind_port(struct evt_source *, evtchn_t);
int	evtchn_rebind_unbound(struct evt_source *, xdomid_t remote);
/*
 * The VIRQ or IPI of a CPU that goes offline gives its port up, and gets a new
 * one when the CPU returns.  Meanwhile evtchn_notify() does nothing.
 */
void	evtchn_close(struct evt_source *);
int	evtchn_reopen(struct evt_source *);

evtchn_t evtchn_port(const struct evt_source *);
void	evtchn_notify(struct evt_source *);	/* any context */
void	evtchn_mask(struct evt_source *);
void	evtchn_unmask(struct evt_source *);	/* delivers what is pending */
int	evtchn_set_cpu(struct evt_source *, struct cpu_info *);

/* Suspend table. Resume binds VIRQs and IPIs itself, others wait for owners. */
void	evtchn_suspend(void);
void	evtchn_resume(bool newdomain);

#endif /* !_XEN_EVTCHN_H_ */
