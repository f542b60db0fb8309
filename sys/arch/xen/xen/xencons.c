/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consoles: the ring console as /dev/hvc0 and kernel console, further ones as
 * /dev/hvcN.
 *
 * Overview: the first console's ring and port come with the domain (start_info
 * or HVM parameters); others are xenbus devices with a ring and a port of our
 * own.  Output goes through pump(): it moves bytes from the tty to the ring
 * until one is empty or the other full; the peer's event starts it again.
 * Input goes the other way by receive(), from a soft interrupt; a few bytes
 * the tty does not take wait in xc_in, the others in the ring.  Kernel messages
 * are written to the ring at once, from any context.
 *
 * A console that was unplugged stays as a hung-up terminal, since programs may
 * hold it open; when its device comes back it can be opened again.
 *
 * Locking: xc_lock (spin) guards the ring and the flags.  It is never held
 * while the tty is called; only one CPU pumps and only one receives at a time.
 * xc_gone is the xenwatch thread's (probe and remove).
 *
 * Suspend: bytes wait in the ring or the tty.  In a new domain the first
 * console gets its new port from the guest type; others reconnect as xenbus
 * devices.  The ring may have been emptied: no index is kept elsewhere.
 *
 * Untrusted input: the peer's indexes are read once and checked; while one is
 * impossible nothing moves in that direction.  One line in the log says so.
 */
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/cons.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/softint.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/tty.h>
#include <uvm/uvm.h>
#include <xen/guest.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>
#include <xen/xencons.h>
#include <xen/public/io/console.h>

#define	HVC_MAJOR	229
#define	XC_PEND		256
#define	XC_IN		128
/* How long a kernel message waits for room before it is dropped. */
#define	XC_WAIT		(20 * NSEC_PER_MSEC)

struct xencons {
	struct spinlock	xc_lock;
	struct xencons_interface *xc_ring;	/* [s] */
	struct evt_source *xc_evt;		/* [s] */
	struct tty	*xc_tty;		/* [I] */
	struct softint	*xc_softint;		/* [I] */
	bool		xc_pumping, xc_again;	/* [l] */
	bool		xc_receiving, xc_more;	/* [l] */
	bool		xc_stuck;		/* [l] nobody reads the ring */
	bool		xc_bad;			/* [l] the peer's index is */
	bool		xc_bad_told;		/* the soft interrupt's */
	unsigned int	xc_npend, xc_pendoff;	/* the pumping CPU's */
	char		xc_pend[XC_PEND];
	unsigned int	xc_nin, xc_inoff;	/* the receiving CPU's */
	char		xc_in[XC_IN];
	/* further consoles only */
	LIST_ENTRY(xencons) xc_link;
	struct vm_page	*xc_page;
	gref_t		xc_ref;
};

static struct xencons xencons0 = {
	.xc_lock = SPINLOCK_INITIALIZER("xencons")
};
/* Those whose device was unplugged. */
static LIST_HEAD(, xencons) xc_gone = LIST_HEAD_INITIALIZER(xc_gone);

/* ---- the ring ---- */

/* Room in the output ring; 0 too if the peer's index is impossible. */
static unsigned int
out_room(struct xencons *xc)
{
	struct xencons_interface *r = xc->xc_ring;
	uint32_t used;

	used = r->out_prod - atomic_load_acquire(&r->out_cons);
	if (used > sizeof(r->out)) {
		xc->xc_bad = true;
		return 0;
	}
	return sizeof(r->out) - used;
}

/* Put up to n bytes into the ring; how many went.  xc_lock held. */
static unsigned int
out_put(struct xencons *xc, const char *p, unsigned int n)
{
	struct xencons_interface *r = xc->xc_ring;
	uint32_t prod = r->out_prod;
	unsigned int i;

	n = MIN(n, out_room(xc));
	for (i = 0; i < n; i++)
		r->out[MASK_XENCONS_IDX(prod + i, r->out)] = p[i];
	atomic_store(&r->out_prod, prod + n);
	if (n > 0)
		xc->xc_stuck = false;
	return n;
}

static void
pump(struct xencons *xc)
{
	unsigned int n;
	bool wrote = false;

	spin_enter(&xc->xc_lock);
	if (xc->xc_pumping || xc->xc_ring == NULL) {
		xc->xc_again = true;
		spin_exit(&xc->xc_lock);
		return;
	}
	xc->xc_pumping = true;
	/* A further console may lose its ring while the lock is let go. */
	while (xc->xc_ring != NULL) {
		xc->xc_again = false;
		n = out_put(xc, xc->xc_pend + xc->xc_pendoff, xc->xc_npend);
		wrote |= n > 0;
		xc->xc_pendoff += n;
		xc->xc_npend -= n;
		if (xc->xc_npend > 0)
			break;		/* full: the peer's event goes on */
		spin_exit(&xc->xc_lock);
		n = (unsigned int)tty_output_get(xc->xc_tty, xc->xc_pend,
		    XC_PEND);
		spin_enter(&xc->xc_lock);
		xc->xc_pendoff = 0;
		xc->xc_npend = n;
		if (n == 0 && !xc->xc_again)
			break;
	}
	xc->xc_pumping = false;
	if (wrote && xc->xc_evt != NULL)
		evtchn_notify(xc->xc_evt);
	spin_exit(&xc->xc_lock);
}

/* Bytes from the ring to xc_in, which is empty; how many.  xc_lock held. */
static unsigned int
in_get(struct xencons *xc)
{
	struct xencons_interface *r = xc->xc_ring;
	uint32_t cons, avail;
	unsigned int i;

	if (r == NULL)
		return 0;
	cons = r->in_cons;
	avail = atomic_load_acquire(&r->in_prod) - cons;
	if (avail > sizeof(r->in)) {
		xc->xc_bad = true;
		return 0;
	}
	xc->xc_inoff = 0;
	xc->xc_nin = MIN(avail, (uint32_t)XC_IN);
	for (i = 0; i < xc->xc_nin; i++)
		xc->xc_in[i] = r->in[MASK_XENCONS_IDX(cons + i, r->in)];
	if (i > 0) {
		atomic_store(&r->in_cons, cons + i);
		evtchn_notify(xc->xc_evt);
	}
	return i;
}

static void
receive(struct xencons *xc)
{
	size_t taken;

	spin_enter(&xc->xc_lock);
	if (xc->xc_receiving) {
		xc->xc_more = true;
		spin_exit(&xc->xc_lock);
		return;
	}
	xc->xc_receiving = true;
	while (xc->xc_nin > 0 || in_get(xc) > 0) {
		xc->xc_more = false;
		spin_exit(&xc->xc_lock);
		taken = tty_input(xc->xc_tty, xc->xc_in + xc->xc_inoff,
		    xc->xc_nin);
		spin_enter(&xc->xc_lock);
		xc->xc_inoff += (unsigned int)taken;
		xc->xc_nin -= (unsigned int)taken;
		if (taken == 0 && !xc->xc_more)
			break;		/* the tty is full */
	}
	xc->xc_receiving = false;
	spin_exit(&xc->xc_lock);
}

static void
xencons_soft(void *arg)
{
	struct xencons *xc = arg;

	receive(xc);
	pump(xc);
	if (xc->xc_bad && !xc->xc_bad_told) {
		xc->xc_bad_told = true;
		printf("%s: impossible ring index by the backend\n",
		    xc->xc_tty->t_name);
	}
}

static void
xencons_event(void *arg)
{
	struct xencons *xc = arg;

	if (xc->xc_softint != NULL)
		softint_schedule(xc->xc_softint);
}

/* ---- tty driver ---- */

static void
xencons_start(struct tty *tp)
{
	pump(tp->t_priv);
}

static void
xencons_unthrottle(struct tty *tp)
{
	struct xencons *xc = tp->t_priv;

	softint_schedule(xc->xc_softint);
}

static const struct ttydrv xencons_ttydrv = {
	.td_start = xencons_start,
	.td_unthrottle = xencons_unthrottle,
};

/* ---- kernel messages ---- */

/* Put all of it, waiting a little for a reader. xc_lock held or panicking. */
static void
put_wait(struct xencons *xc, const char *p, unsigned int n)
{
	nsec_t deadline = 0;
	unsigned int k;

	for (;;) {
		k = out_put(xc, p, n);
		p += k;
		n -= k;
		if (n == 0 || xc->xc_stuck || xc->xc_bad)
			return;
		evtchn_notify(xc->xc_evt);
		if (deadline == 0)
			deadline = nanouptime() + XC_WAIT;
		else if (nanouptime() > deadline)
			xc->xc_stuck = true;
		cpu_spin_yield();
	}
}

static void
xencons_cnwrite(const char *s, size_t len)
{
	struct xencons *xc = &xencons0;
	const char *nl;
	size_t n;
	bool locked;

	/* A panic may have come from within. */
	locked = panicstr != NULL ? spin_tryenter(&xc->xc_lock) :
	    (spin_enter(&xc->xc_lock), true);
	while (len > 0) {
		nl = memchr(s, '\n', len);
		n = nl != NULL ? (size_t)(nl - s) : len;
		put_wait(xc, s, (unsigned int)n);
		s += n;
		len -= n;
		if (nl != NULL) {
			put_wait(xc, "\r\n", 2);
			s++;
			len--;
		}
	}
	if (locked)
		spin_exit(&xc->xc_lock);
	evtchn_notify(xc->xc_evt);
}

static struct consdev xencons_consdev = { .cn_write = xencons_cnwrite };

/* ---- the first console ---- */

int
xencons_init(void)
{
	struct xencons *xc = &xencons0;
	evtchn_t port;
	void *ring;
	int error;

	error = xen_guest->g_console(&port, &ring);
	if (error != 0)
		return error;
	error = tty_create("hvc0", makedev(HVC_MAJOR, 0), &xencons_ttydrv, xc,
	    &xc->xc_tty);
	if (error != 0)
		return error;
	xc->xc_softint = softint_establish(SOFTINT_SERIAL, xencons_soft, xc);
	if (xc->xc_softint == NULL)
		return ENOMEM;
	error = evtchn_bind_port(port, xencons_event, xc, "console",
	    &xc->xc_evt);
	if (error != 0)
		return error;
	/* The early console has written to the same ring until now. */
	xencons_early_done();
	xc->xc_ring = ring;
	cons_register(&xencons_consdev, false);
	tty_set_console(xc->xc_tty);
	softint_schedule(xc->xc_softint);
	return 0;
}

int
xencons_suspend(void)
{
	return 0;
}

void
xencons_resume(bool newdomain)
{
	struct xencons *xc = &xencons0;
	evtchn_t port;
	void *ring;

	if (xc->xc_evt == NULL)
		return;
	if (newdomain && xen_guest->g_console(&port, &ring) == 0) {
		spin_enter(&xc->xc_lock);
		xc->xc_ring = ring;
		xc->xc_bad = xc->xc_bad_told = xc->xc_stuck = false;
		spin_exit(&xc->xc_lock);
		(void)evtchn_rebind_port(xc->xc_evt, port);
	}
	softint_schedule(xc->xc_softint);
	evtchn_notify(xc->xc_evt);
}

/* ---- further consoles: device/console/N ---- */

/* A terminal of this number that was unplugged is taken up again. */
static struct xencons *
xencons_revive(dev_t dev)
{
	struct xencons *xc;

	LIST_FOREACH(xc, &xc_gone, xc_link)
		if (xc->xc_tty->t_dev == dev)
			break;
	if (xc == NULL)
		return NULL;
	LIST_REMOVE(xc, xc_link);
	spin_enter(&xc->xc_lock);
	if (!xc->xc_pumping)
		xc->xc_npend = 0;
	if (!xc->xc_receiving)
		xc->xc_nin = 0;
	spin_exit(&xc->xc_lock);
	tty_hangup_end(xc->xc_tty);
	return xc;
}

static int
xencons_create(unsigned int id, struct xencons **xcp)
{
	struct xencons *xc;
	char name[16];
	int error;

	xc = kmem_zalloc(sizeof(*xc), KM_SLEEP);
	if (xc == NULL)
		return ENOMEM;
	spin_init(&xc->xc_lock, "xencons");
	xc->xc_ref = GREF_INVALID;
	xc->xc_softint = softint_establish(SOFTINT_SERIAL, xencons_soft, xc);
	if (xc->xc_softint == NULL) {
		kmem_free(xc, sizeof(*xc));
		return ENOMEM;
	}
	snprintf(name, sizeof(name), "hvc%u", id);
	error = tty_create(name, makedev(HVC_MAJOR, id), &xencons_ttydrv, xc,
	    &xc->xc_tty);
	if (error != 0) {
		softint_disestablish(xc->xc_softint);
		kmem_free(xc, sizeof(*xc));
		return error;
	}
	*xcp = xc;
	return 0;
}

static int
xencons_probe(struct xenbus_device *xb)
{
	struct xencons *xc;
	int error = 0;

	/* The first one is not of this kind. */
	if (xb->xb_id == 0 || xb->xb_id > minor(~(dev_t)0))
		return ENODEV;
	xc = xencons_revive(makedev(HVC_MAJOR, xb->xb_id));
	if (xc == NULL)
		error = xencons_create(xb->xb_id, &xc);
	if (error == 0)
		xb->xb_priv = xc;
	return error;
}

static void
xencons_disconnect(struct xenbus_device *xb)
{
	struct xencons *xc = xb->xb_priv;
	struct evt_source *evt;

	spin_enter(&xc->xc_lock);
	xc->xc_ring = NULL;
	evt = xc->xc_evt;
	xc->xc_evt = NULL;
	spin_exit(&xc->xc_lock);
	if (evt != NULL)
		evtchn_unbind(evt);
	if (xc->xc_page != NULL)
		gnttab_end_free(xc->xc_ref, xc->xc_page);
	xc->xc_page = NULL;
}

static int
xencons_connect(struct xenbus_device *xb)
{
	struct xencons *xc = xb->xb_priv;
	struct vm_page *pg;
	int error;

	pg = uvm_pagealloc(UVM_PGA_ZERO);
	if (pg == NULL)
		return ENOMEM;
	error = xenbus_grant_ring(xb, pg, &xc->xc_ref);
	if (error != 0) {
		uvm_pagefree(pg);
		return error;
	}
	xc->xc_page = pg;
	error = evtchn_alloc_unbound(xb->xb_otherend_id, xencons_event, xc,
	    "console", &xc->xc_evt);
	if (error == 0)
		error = xs_printf(XST_NIL, xb->xb_path, "ring-ref", "%u",
		    xc->xc_ref.gref);
	if (error == 0)
		error = xs_printf(XST_NIL, xb->xb_path, "port", "%u",
		    evtchn_port(xc->xc_evt).port);
	if (error == 0)
		error = xenbus_switch_state(xb, XenbusStateConnected);
	if (error != 0) {
		xencons_disconnect(xb);
		return error;
	}
	spin_enter(&xc->xc_lock);
	xc->xc_ring = VM_PAGE_TO_KVA(pg);
	xc->xc_bad = xc->xc_bad_told = false;
	spin_exit(&xc->xc_lock);
	pump(xc);
	return 0;
}

static void
xencons_remove(struct xenbus_device *xb)
{
	struct xencons *xc = xb->xb_priv;

	tty_hangup(xc->xc_tty);
	LIST_INSERT_HEAD(&xc_gone, xc, xc_link);
}

static const struct xenbus_driver xencons_xenbus = {
	.xd_type = "console",
	.xd_probe = xencons_probe,
	.xd_connect = xencons_connect,
	.xd_disconnect = xencons_disconnect,
	.xd_remove = xencons_remove,
};
XENBUS_DRIVER(xencons_xenbus);
