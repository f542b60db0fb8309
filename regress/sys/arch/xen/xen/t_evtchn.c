/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels over a fake Xen: binding, delivery, masks, storms, resume.
 */
/* sources: sys/arch/xen/xen/evtchn.c sys/arch/xen/xen/hypercall.c
 * regress/sys/arch/xen/xen/fake_xen.c */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <xen/evtchn.h>
#include <xen/machdep.h>

#include <ktest.h>

#include "fake_xen.h"

static unsigned int hits;

static void
hit(void *arg)
{
	KASSERT(arg == &hits);
	hits++;
}

static void
setup(void)
{
	fake_xen_new_domain();
	evtchn_init();
	fake_upcall();
}

static struct evt_source *
virq(void)
{
	struct evt_source *es = NULL;

	CHECK_EQ(evtchn_bind_virq(VIRQ_TIMER, curcpu(), hit, &hits, "virq",
	    &es), 0);
	return es;
}

static struct evt_source *
unbound(void)
{
	struct evt_source *es = NULL;

	CHECK_EQ(evtchn_alloc_unbound(MKDOMID(0), hit, &hits, "peer", &es),
	    0);
	return es;
}

TEST(delivery)
{
	struct evt_source *es;

	setup();
	es = virq();
	fake_raise(evtchn_port(es).port);
	fake_upcall();
	CHECK_EQ(hits, 1);
	fake_raise(evtchn_port(es).port);
	fake_raise(evtchn_port(es).port);
	fake_upcall();
	CHECK_EQ(hits, 2);
	evtchn_unbind(es);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(what_came_while_masked_is_not_lost)
{
	struct evt_source *es;

	setup();
	es = unbound();
	evtchn_mask(es);
	fake_raise(evtchn_port(es).port);
	fake_upcall();
	CHECK_EQ(hits, 0);
	evtchn_unmask(es);
	fake_upcall();
	CHECK_EQ(hits, 1);
}

TEST(closed_ports_are_free_again)
{
	struct evt_source *es;
	uint32_t port;

	setup();
	es = unbound();
	port = evtchn_port(es).port;
	evtchn_unbind(es);
	CHECK_EQ(fake_ports[port], FP_CLOSED);
	fake_set_bit(port);
	fake_upcall();
	CHECK_EQ(hits, 0);
	es = unbound();
	CHECK_EQ(evtchn_port(es).port, port);
	evtchn_notify(es);
	CHECK_EQ(fake_sends[port], 1);
}

TEST(foreign_bits_do_no_harm)
{
	uint32_t p;

	setup();
	(void)virq();
	for (p = 0; p < sizeof(unsigned long) * sizeof(unsigned long) * 64;
	    p += 7)
		fake_set_bit(p);
	xen_shared_info->vcpu_info[0].evtchn_pending_sel = ~(xen_ulong_t)0;
	fake_upcall();
	CHECK(hits <= 1);
}

TEST(bad_port_numbers)
{
	struct evt_source *es = NULL;

	setup();
	CHECK_EQ(evtchn_bind_port(MKEVTCHN(0), hit, &hits, "x", &es), EINVAL);
	CHECK_EQ(evtchn_bind_port(MKEVTCHN(1U << 30), hit, &hits, "x", &es),
	    EINVAL);
	CHECK(es == NULL);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(failures_leave_nothing)
{
	struct evt_source *es;
	int error = 0;

	setup();
	KTEST_NTH_FAIL({
		es = NULL;
		error = evtchn_alloc_unbound(MKDOMID(0), hit, &hits, "x",
		    &es);
		if (error == 0)
			evtchn_unbind(es);
		else
			CHECK(error == ENOMEM && es == NULL);
	});
	fake_fail = EPERM;
	CHECK_EQ(evtchn_alloc_unbound(MKDOMID(0), hit, &hits, "x", &es),
	    EPERM);
	fake_fail = 0;
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(resume_rebinds_and_owners_rebind)
{
	struct evt_source *v, *u, *p;

	setup();
	v = virq();
	u = unbound();
	CHECK_EQ(evtchn_bind_port(MKEVTCHN(fake_peer_port()), hit, &hits,
	    "console", &p), 0);
	evtchn_suspend();
	fake_xen_new_domain();
	(void)fake_peer_port();		/* so that numbers differ */
	evtchn_resume(true);
	CHECK(evtchn_port(v).port != 0);
	CHECK_EQ(evtchn_port(u).port, 0);
	evtchn_notify(u);		/* nothing to notify: no harm */
	CHECK_EQ(evtchn_rebind_unbound(u, MKDOMID(0)), 0);
	CHECK_EQ(evtchn_rebind_port(p, MKEVTCHN(fake_peer_port())), 0);
	fake_upcall();
	hits = 0;
	fake_raise(evtchn_port(v).port);
	fake_raise(evtchn_port(u).port);
	fake_raise(evtchn_port(p).port);
	fake_upcall();
	CHECK_EQ(hits, 3);
}

TEST(closed_and_reopened)
{
	struct evt_source *es, *other;
	uint32_t port;

	setup();
	es = virq();
	other = virq();
	port = evtchn_port(es).port;
	evtchn_close(es);
	CHECK_EQ(evtchn_port(es).port, 0);
	CHECK_EQ(fake_ports[port], FP_CLOSED);
	fake_set_bit(port);
	fake_upcall();
	CHECK_EQ(hits, 0);
	evtchn_notify(es);		/* somebody is late: no harm */
	CHECK_EQ(fake_sends[port], 0);
	/* Its CPU is offline in the new domain, too. */
	evtchn_suspend();
	fake_xen_new_domain();
	evtchn_resume(true);
	CHECK_EQ(evtchn_port(es).port, 0);
	CHECK(evtchn_port(other).port != 0);
	fake_fail = EPERM;
	CHECK_EQ(evtchn_reopen(es), EPERM);
	fake_fail = 0;
	CHECK_EQ(evtchn_reopen(es), 0);
	CHECK(evtchn_port(es).port != 0);
	fake_raise(evtchn_port(es).port);
	fake_upcall();
	CHECK_EQ(hits, 1);
}

TEST(cancelled_suspend_keeps_ports)
{
	struct evt_source *v, *u;
	uint32_t port;

	setup();
	v = virq();
	u = unbound();
	port = evtchn_port(u).port;
	evtchn_suspend();
	fake_raise(port);		/* while everything is masked */
	evtchn_resume(false);
	fake_upcall();
	CHECK_EQ(evtchn_port(u).port, port);
	CHECK_EQ(hits, 1);
	fake_raise(evtchn_port(v).port);
	fake_upcall();
	CHECK_EQ(hits, 2);
}

TEST(a_storm_is_throttled_and_ends)
{
	struct evt_source *es;
	unsigned int i, before;

	setup();
	es = unbound();
	for (i = 0; i < 100000; i++) {
		fake_raise(evtchn_port(es).port);
		fake_upcall();
	}
	CHECK(hits < 10000);
	before = hits;
	fake_raise(evtchn_port(es).port);
	shim_advance(NSEC_PER_SEC);
	fake_upcall();
	CHECK_EQ(hits, before + 1);	/* the last one is not lost */
}

TEST(timers_are_never_throttled)
{
	struct evt_source *es;
	unsigned int i;

	setup();
	es = virq();
	for (i = 0; i < 10000; i++) {
		fake_raise(evtchn_port(es).port);
		fake_upcall();
	}
	CHECK_EQ(hits, 10000);
}
