/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels: ports to handlers, per-CPU upcalls, masking, throttling.
 *
 * Overview: a driver holds an evt_source; the port number behind it is an
 * index into evt_by_port and changes across a resume as a new domain.  How
 * pending ports are kept is the business of an evtchn_abi: the 2-level bitmaps
 * of struct shared_info now, FIFO queues can be slotted in.
 *
 * States of a source:
 *	DEAD	no port: before its owner has rebound it after a resume; that
 *		of a CPU, while the CPU is offline
 *	BOUND	evt_by_port[port] is the source
 *	CLOSING	unbind under way: upcalls ignore it
 *
 * Locking: evt_lock (spin) guards evt_by_port and the list of sources.  An
 * upcall reads evt_by_port without it; unbind waits until no CPU is inside the
 * handler (es_running) before it frees.
 *
 * Suspend: all ports die with the old domain.  evtchn_resume(true) binds
 * VIRQs and IPIs that had a port again itself; interdomain ports are rebound
 * by their owners when they reconnect.  A cancelled suspend leaves all ports as
 * they were.
 *
 * Untrusted input: a peer can notify as often as it likes.  A port that fires
 * more than EVT_STORM_MAX times within EVT_STORM_WINDOW stays masked until a
 * callout opens it again, so a storm costs bounded time and loses no event.
 */
#include <sys/atomic.h>
#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/spinlock.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/intr.h>
#include <xen/evtchn.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>

#define	EVT_PORTS	(sizeof(unsigned long) * sizeof(unsigned long) * 64)
#define	EVT_STORM_WINDOW (10 * NSEC_PER_MSEC)
#define	EVT_STORM_MAX	2000
#define	EVT_STORM_PAUSE	(20 * NSEC_PER_MSEC)

enum evt_type { EVT_VIRQ, EVT_IPI, EVT_PORT, EVT_UNBOUND };

struct evt_source {
	LIST_ENTRY(evt_source) es_link;		/* [l] */
	enum evt_type	es_type;		/* [I] */
	unsigned int	es_virq;		/* [I] EVT_VIRQ */
	struct cpu_info	*es_cpu;		/* [l] where upcalls go */
	evtchn_t	es_port;		/* [l] 0: DEAD */
	void		(*es_func)(void *);	/* [I] */
	void		*es_arg;		/* [I] */
	const char	*es_name;		/* [I] */
	volatile unsigned int es_running;	/* [a] CPUs in the handler */
	volatile bool	es_closing;		/* [a] */
	bool		es_masked;		/* [l] by the owner */
	volatile bool	es_throttled;		/* [a] by the storm guard */
	bool		es_storm_told;		/* one CPU at a time */
	unsigned int	es_storm_count;
	nsec_t		es_storm_start;
	uint64_t	es_count;
	struct callout	es_unthrottle;
};

static struct spinlock evt_lock = SPINLOCK_INITIALIZER("evtchn");
static LIST_HEAD(, evt_source) evt_sources = LIST_HEAD_INITIALIZER(evt_sources);
static struct evt_source *evt_by_port[EVT_PORTS];

/* Which ports this CPU looks at; bit set = bound here. */
static unsigned long evt_cpu_ports[MAXCPUS][EVT_PORTS / __LBITS];

/* ---- the 2-level ABI ---- */

static inline unsigned long *
evt_pending_map(void)
{
	return (unsigned long *)xen_shared_info->evtchn_pending;
}

static inline unsigned long *
evt_mask_map(void)
{
	return (unsigned long *)xen_shared_info->evtchn_mask;
}

static void
port_mask(uint32_t port)
{
	(void)atomic_test_and_set_bit(port, evt_mask_map());
}

/*
 * Open a port on the CPU it is bound to.  An event that came while it was
 * masked must still be seen: let Xen raise it again if the port belongs to
 * another CPU, else mark it here as Xen would.
 */
static void
port_unmask(uint32_t port, struct cpu_info *owner)
{
	struct evtchn_unmask op = { .port = port };
	struct vcpu_info *v;
	bool on;

	on = intr_disable();
	if (owner != curcpu()) {
		(void)hypercall_evtchn_op(EVTCHNOP_unmask, &op);
		intr_restore(on);
		return;
	}
	v = curcpu()->ci_md.md_vcpu;
	(void)atomic_test_and_clear_bit(port, evt_mask_map());
	if ((atomic_load(&evt_pending_map()[port / __LBITS]) >>
	    (port % __LBITS) & 1) != 0 &&
	    !atomic_test_and_set_bit(port / __LBITS,
	    (unsigned long *)&v->evtchn_pending_sel)) {
		atomic_store(&v->evtchn_upcall_pending, 1);
		/* PVH only looks at it on an entry to the guest: make one. */
		(void)hypercall_xen_version(XENVER_version, NULL, NULL);
	}
	intr_restore(on);
}

/* ---- upcalls ---- */

static void
storm_over(void *arg)
{
	struct evt_source *es = arg;

	spin_enter(&evt_lock);
	es->es_throttled = false;
	if (es->es_port.port != 0 && !es->es_masked && !es->es_closing)
		port_unmask(es->es_port.port, es->es_cpu);
	spin_exit(&evt_lock);
}

/* Count an event; true if the source must be closed for a while. */
static bool
storm_check(struct evt_source *es)
{
	nsec_t now;

	if (es->es_type == EVT_VIRQ || es->es_type == EVT_IPI)
		return false;
	if (++es->es_storm_count < EVT_STORM_MAX)
		return false;
	now = nanouptime();
	es->es_storm_count = 0;
	if (now - es->es_storm_start > EVT_STORM_WINDOW) {
		es->es_storm_start = now;
		return false;
	}
	es->es_throttled = true;
	if (!es->es_storm_told) {
		es->es_storm_told = true;
		printf("evtchn: %s: event storm, throttled\n", es->es_name);
	}
	callout_schedule(&es->es_unthrottle, now + EVT_STORM_PAUSE);
	return true;
}

/* Open the port after its handler, unless somebody wants it closed. */
static void
reopen(struct evt_source *es, uint32_t port)
{
	bool storm = storm_check(es);

	spin_enter(&evt_lock);
	if (!storm && !es->es_masked && !es->es_closing &&
	    es->es_port.port == port)
		port_unmask(port, es->es_cpu);
	spin_exit(&evt_lock);
}

static void
handle_port(struct cpu_info *ci, uint32_t port)
{
	struct evt_source *es;

	port_mask(port);
	(void)atomic_test_and_clear_bit(port, evt_pending_map());
	es = atomic_load(&evt_by_port[port]);
	if (es == NULL)
		return;			/* nobody's: it stays masked */
	(void)atomic_add(&es->es_running, 1);
	if (!atomic_load(&es->es_closing)) {
		es->es_count++;
		ci->ci_nintr++;
		es->es_func(es->es_arg);
		reopen(es, port);
	}
	(void)atomic_sub(&es->es_running, 1);
}

void
evtchn_upcall(void)
{
	struct cpu_info *ci = curcpu();
	struct vcpu_info *v = ci->ci_md.md_vcpu;
	unsigned long sel, bits;
	unsigned int i, b;

	do {
		atomic_store(&v->evtchn_upcall_pending, 0);
		sel = atomic_swap(&v->evtchn_pending_sel, 0);
		while (sel != 0) {
			i = __builtin_ctzl(sel);
			sel &= sel - 1;
			bits = atomic_load(&evt_pending_map()[i]) &
			    ~atomic_load(&evt_mask_map()[i]) &
			    evt_cpu_ports[ci->ci_index][i];
			while (bits != 0) {
				b = __builtin_ctzl(bits);
				bits &= bits - 1;
				handle_port(ci, i * __LBITS + b);
			}
		}
	} while (atomic_load(&v->evtchn_upcall_pending));
}

/* ---- binding ---- */

static void
route(uint32_t port, struct cpu_info *from, struct cpu_info *to)
{
	if (from != NULL)
		(void)atomic_test_and_clear_bit(port,
		    evt_cpu_ports[from->ci_index]);
	if (to != NULL)
		(void)atomic_test_and_set_bit(port,
		    evt_cpu_ports[to->ci_index]);
}

/* Install a fresh port for the source and open it.  evt_lock held. */
static int
attach_port(struct evt_source *es, uint32_t port)
{
	if (port == 0 || port >= EVT_PORTS || evt_by_port[port] != NULL)
		return EINVAL;
	es->es_port = MKEVTCHN(port);
	es->es_closing = false;
	es->es_throttled = false;
	route(port, NULL, es->es_cpu);
	atomic_store(&evt_by_port[port], es);
	if (!es->es_masked)
		port_unmask(port, es->es_cpu);
	return 0;
}

static int
new_port(struct evt_source *es, xdomid_t remote, uint32_t *port)
{
	int error;

	switch (es->es_type) {
	case EVT_VIRQ: {
		struct evtchn_bind_virq op = {
			.virq = es->es_virq, .vcpu = es->es_cpu->ci_index
		};
		error = hypercall_evtchn_op(EVTCHNOP_bind_virq, &op);
		*port = op.port;
		return error;
	}
	case EVT_IPI: {
		struct evtchn_bind_ipi op = { .vcpu = es->es_cpu->ci_index };

		error = hypercall_evtchn_op(EVTCHNOP_bind_ipi, &op);
		*port = op.port;
		return error;
	}
	case EVT_UNBOUND: {
		struct evtchn_alloc_unbound op = {
			.dom = DOMID_SELF, .remote_dom = remote.domid
		};
		error = hypercall_evtchn_op(EVTCHNOP_alloc_unbound, &op);
		*port = op.port;
		return error;
	}
	case EVT_PORT:
		break;
	}
	return EINVAL;
}

static void
close_port(uint32_t port)
{
	struct evtchn_close op = { .port = port };

	(void)hypercall_evtchn_op(EVTCHNOP_close, &op);
}

static int
source_create(const struct evt_source *tmpl, xdomid_t remote, uint32_t port,
    struct evt_source **esp)
{
	struct evt_source *es;
	int error;

	es = kmem_zalloc(sizeof(*es), KM_SLEEP);
	if (es == NULL)
		return ENOMEM;
	*es = *tmpl;
	if (es->es_cpu == NULL)
		es->es_cpu = &cpu_info_primary;
	callout_init(&es->es_unthrottle, storm_over, es);
	if (port == 0 && (error = new_port(es, remote, &port)) != 0) {
		kmem_free(es, sizeof(*es));
		return error;
	}
	/* Before the port opens: its handler may look at *esp. */
	*esp = es;
	spin_enter(&evt_lock);
	error = attach_port(es, port);
	if (error == 0)
		LIST_INSERT_HEAD(&evt_sources, es, es_link);
	spin_exit(&evt_lock);
	if (error != 0) {
		if (es->es_type != EVT_PORT)
			close_port(port);
		*esp = NULL;
		kmem_free(es, sizeof(*es));
	}
	return error;
}

int
evtchn_bind_virq(unsigned int virq, struct cpu_info *ci, void (*func)(void *),
    void *arg, const char *name, struct evt_source **esp)
{
	struct evt_source t = {
		.es_type = EVT_VIRQ, .es_virq = virq, .es_cpu = ci,
		.es_func = func, .es_arg = arg, .es_name = name
	};

	return source_create(&t, MKDOMID(0), 0, esp);
}

int
evtchn_bind_ipi(struct cpu_info *ci, void (*func)(void *), void *arg,
    const char *name, struct evt_source **esp)
{
	struct evt_source t = {
		.es_type = EVT_IPI, .es_cpu = ci, .es_func = func,
		.es_arg = arg, .es_name = name
	};

	return source_create(&t, MKDOMID(0), 0, esp);
}

int
evtchn_bind_port(evtchn_t port, void (*func)(void *), void *arg,
    const char *name, struct evt_source **esp)
{
	struct evt_source t = {
		.es_type = EVT_PORT, .es_func = func, .es_arg = arg,
		.es_name = name
	};

	if (port.port == 0 || port.port >= EVT_PORTS)
		return EINVAL;
	return source_create(&t, MKDOMID(0), port.port, esp);
}

int
evtchn_alloc_unbound(xdomid_t remote, void (*func)(void *), void *arg,
    const char *name, struct evt_source **esp)
{
	struct evt_source t = {
		.es_type = EVT_UNBOUND, .es_func = func, .es_arg = arg,
		.es_name = name
	};

	return source_create(&t, remote, 0, esp);
}

/* Take the source off its port.  Upcalls under way may still be running. */
static void
detach_port(struct evt_source *es)
{
	uint32_t port;

	spin_enter(&evt_lock);
	port = es->es_port.port;
	atomic_store(&es->es_closing, true);
	if (port != 0) {
		port_mask(port);
		atomic_store(&evt_by_port[port], (struct evt_source *)NULL);
		route(port, es->es_cpu, NULL);
		es->es_port = EVTCHN_INVALID;
	}
	spin_exit(&evt_lock);
	if (port != 0)
		close_port(port);
}

static void
no_op(void *arg __unused)
{
}

void
evtchn_unbind(struct evt_source *es)
{
	detach_port(es);
	/*
	 * A CPU may have found the source before it was detached and not yet
	 * counted itself in es_running.  Upcalls run with interrupts off: when
	 * every CPU has taken a call, none is there any more.
	 */
	cpu_cross_call(no_op, NULL);
	while (atomic_load(&es->es_running) != 0)
		cpu_relax();
	(void)callout_halt(&es->es_unthrottle);
	spin_enter(&evt_lock);
	LIST_REMOVE(es, es_link);
	spin_exit(&evt_lock);
	kmem_free(es, sizeof(*es));
}

int
evtchn_rebind_port(struct evt_source *es, evtchn_t port)
{
	int error;

	KASSERT(es->es_type == EVT_PORT);
	if (es->es_port.port == port.port)
		return 0;
	detach_port(es);
	spin_enter(&evt_lock);
	error = attach_port(es, port.port);
	spin_exit(&evt_lock);
	return error;
}

/* A new port from Xen for a source that has none. */
static int
rebind_new(struct evt_source *es, xdomid_t remote)
{
	uint32_t port;
	int error;

	error = new_port(es, remote, &port);
	if (error != 0)
		return error;
	spin_enter(&evt_lock);
	error = attach_port(es, port);
	spin_exit(&evt_lock);
	if (error != 0)
		close_port(port);
	return error;
}

int
evtchn_rebind_unbound(struct evt_source *es, xdomid_t remote)
{
	KASSERT(es->es_type == EVT_UNBOUND);
	detach_port(es);
	return rebind_new(es, remote);
}

void
evtchn_close(struct evt_source *es)
{
	KASSERT(es->es_type == EVT_VIRQ || es->es_type == EVT_IPI);
	detach_port(es);
}

int
evtchn_reopen(struct evt_source *es)
{
	KASSERT(es->es_type == EVT_VIRQ || es->es_type == EVT_IPI);
	KASSERT(es->es_port.port == 0);
	return rebind_new(es, MKDOMID(0));
}

evtchn_t
evtchn_port(const struct evt_source *es)
{
	return es->es_port;
}

void
evtchn_notify(struct evt_source *es)
{
	struct evtchn_send op = { .port = es->es_port.port };

	if (op.port != 0)
		(void)hypercall_evtchn_op(EVTCHNOP_send, &op);
}

void
evtchn_mask(struct evt_source *es)
{
	spin_enter(&evt_lock);
	es->es_masked = true;
	if (es->es_port.port != 0)
		port_mask(es->es_port.port);
	spin_exit(&evt_lock);
}

void
evtchn_unmask(struct evt_source *es)
{
	spin_enter(&evt_lock);
	es->es_masked = false;
	if (es->es_port.port != 0 && !es->es_throttled && !es->es_closing)
		port_unmask(es->es_port.port, es->es_cpu);
	spin_exit(&evt_lock);
}

/* evt_lock held. */
static int
set_cpu_locked(struct evt_source *es, struct cpu_info *ci)
{
	struct evtchn_bind_vcpu op = { .vcpu = ci->ci_index };
	int error = 0;

	if (es->es_type == EVT_VIRQ || es->es_type == EVT_IPI)
		return EINVAL;
	if (es->es_port.port != 0) {
		op.port = es->es_port.port;
		port_mask(op.port);
		error = hypercall_evtchn_op(EVTCHNOP_bind_vcpu, &op);
		if (error == 0) {
			route(op.port, es->es_cpu, ci);
			es->es_cpu = ci;
		}
		if (!es->es_masked && !es->es_throttled)
			port_unmask(op.port, es->es_cpu);
	}
	return error;
}

int
evtchn_set_cpu(struct evt_source *es, struct cpu_info *ci)
{
	int error;

	spin_enter(&evt_lock);
	error = set_cpu_locked(es, ci);
	spin_exit(&evt_lock);
	return error;
}

/* ---- boot and suspend ---- */

void
evtchn_init(void)
{
	unsigned int i;

	for (i = 0; i < EVT_PORTS / __LBITS; i++)
		evt_mask_map()[i] = ~0UL;
	evtchn_cpu_init(&cpu_info_primary);
}

void
evtchn_cpu_init(struct cpu_info *ci)
{
	struct vcpu_info *v = ci->ci_md.md_vcpu;

	/* What was raised before somebody could listen is looked at. */
	atomic_store(&v->evtchn_pending_sel, ~0UL);
	atomic_store(&v->evtchn_upcall_pending, 1);
}

void
evtchn_cpu_fini(struct cpu_info *ci)
{
	struct evt_source *es;

	/* VIRQs and IPIs of the CPU were unbound by their owners. */
	spin_enter(&evt_lock);
	LIST_FOREACH(es, &evt_sources, es_link)
		if (es->es_cpu == ci)
			(void)set_cpu_locked(es, &cpu_info_primary);
	spin_exit(&evt_lock);
}

void
evtchn_suspend(void)
{
	unsigned int i;

	for (i = 0; i < EVT_PORTS / __LBITS; i++)
		evt_mask_map()[i] = ~0UL;
}

/* Forget every port of the old domain; then bind what we can by ourselves. */
static void
resume_new(void)
{
	struct evt_source *es;
	uint32_t port;
	bool had;
	int error;

	for (port = 0; port < EVT_PORTS; port++)
		evt_by_port[port] = NULL;
	memset(evt_cpu_ports, 0, sizeof(evt_cpu_ports));
	LIST_FOREACH(es, &evt_sources, es_link) {
		had = es->es_port.port != 0;
		es->es_port = EVTCHN_INVALID;
		if (!had ||
		    (es->es_type != EVT_VIRQ && es->es_type != EVT_IPI))
			continue;
		error = new_port(es, MKDOMID(0), &port);
		if (error == 0)
			error = attach_port(es, port);
		if (error != 0)
			panic("evtchn: %s: no port after resume: error %d",
			    es->es_name, error);
	}
}

void
evtchn_resume(bool newdomain)
{
	struct evt_source *es;
	struct cpu_info *ci;
	unsigned int i;

	if (newdomain) {
		for (i = 0; i < EVT_PORTS / __LBITS; i++)
			evt_mask_map()[i] = ~0UL;
		resume_new();
	} else {
		LIST_FOREACH(es, &evt_sources, es_link)
			if (es->es_port.port != 0 && !es->es_masked &&
			    !es->es_throttled)
				port_unmask(es->es_port.port, es->es_cpu);
	}
	CPU_FOREACH(ci)
		if (ci->ci_online)
			evtchn_cpu_init(ci);
}
