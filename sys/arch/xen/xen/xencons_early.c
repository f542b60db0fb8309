/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Early console: kernel messages on the console ring, by polling, and on the
 * hypervisor's console.
 *
 * Overview: the ring page and the event channel to xenconsoled exist from the
 * domain's first instruction on, so that a panic during boot is seen with `xl
 * console`.  Input is left in the ring for the driver that takes over.
 *
 * Untrusted input: the backend's out_cons.  An impossible distance counts as a
 * full ring; a full ring is waited for a bounded time, then output is dropped.
 */
#include <sys/atomic.h>
#include <sys/cons.h>
#include <sys/systm.h>
#include <xen/hypercall.h>
#include <xen/public/io/console.h>
#include <xen/xencons.h>
#include <xen/xencons_early.h>

#define	FULL_TRIES	200		/* yields until output is dropped */

static struct xencons_interface *early_ring;
static evtchn_t early_port;

static void
ring_notify(void)
{
	struct evtchn_send op = { .port = early_port.port };

	(void)hypercall_evtchn_op(EVTCHNOP_send, &op);
}

/* Wait until a byte fits; false if the backend does not read. */
static bool
ring_room(struct xencons_interface *r, XENCONS_RING_IDX prod)
{
	for (int i = 0; i < FULL_TRIES; i++) {
		if (prod - atomic_load_acquire(&r->out_cons) < sizeof(r->out))
			return true;
		ring_notify();
		(void)hypercall_sched_op(SCHEDOP_yield, NULL);
	}
	return false;
}

static bool
ring_putc(struct xencons_interface *r, char c)
{
	XENCONS_RING_IDX prod = r->out_prod;

	if (!ring_room(r, prod))
		return false;
	r->out[MASK_XENCONS_IDX(prod, r->out)] = c;
	atomic_store_release(&r->out_prod, prod + 1);
	return true;
}

static void
early_write(const char *s, size_t len)
{
	struct xencons_interface *r = early_ring;

	(void)hypercall_console_write(s, len);
	if (r == NULL)
		return;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n' && !ring_putc(r, '\r'))
			break;
		if (!ring_putc(r, s[i]))
			break;
	}
	ring_notify();
}

static struct consdev early_cons = { .cn_write = early_write };

void
xencons_early_attach(void *ring, evtchn_t port)
{
	static bool registered;

	early_port = port;
	early_ring = ring;
	if (!registered) {
		registered = true;
		cons_register(&early_cons, true);
	}
}

void
xencons_early_done(void)
{
	cons_unregister(&early_cons);
	early_ring = NULL;
}
