/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disk frontend: the device, from the store's nodes to the block layer's disk.
 *
 * Overview: xbd_connect() reads what the backend offers for the transport,
 * makes rings and tells the backend of them; when that is Connected, go_live()
 * reads what the disk is like and lets requests flow.  That is the same after a
 * probe, in a new domain and when a backend was restarted; only the first time
 * the disk is attached to the block layer, by a thread of its own as its
 * partition table is read then.
 *
 * States of ours	rings	requests
 *	Initialising	none	wait in the block layer
 *	Initialised	made	wait
 *	Connected	live	flow
 *	Closed		none	wait; fail after a bad backend, or if it is gone
 *
 * A backend that is Closing gets its disk back when nobody has it open; until
 * then the toolstack reads that it is in use.
 *
 * Locking: [x] xenbus_lock, which is held around the driver's functions, for
 * the members of struct xbd that say so; xd_lock (spin) for what other contexts
 * share with them.
 *
 * Suspend: requests are held and those under way awaited for a moment, as the
 * old backend could still write after the new domain has begun.  What is not
 * answered by then is put into the new rings, in order, cut to what the new
 * backend can do.
 *
 * Untrusted input: numbers from the store are checked against what is possible;
 * xbd_ring.c says what is checked of answers.  A backend that breaks its
 * protocol, or does not answer for XBD_TIMEOUT, is quarantined: the disk fails
 * with EIO until another backend comes.
 */
#include <sys/cpu.h>
#include <sys/dev.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <xen/public/io/protocols.h>

#include "xbd_impl.h"

#define	XVD_MAJOR	202
#define	VDEV_EXTENDED	(1U << 28)
#define	XVD_PARTS	16		/* minors of a disk */
#define	XVD_PARTS_EXT	256		/* the same, extended numbers */

#define	DRAIN_TIME	(2 * NSEC_PER_SEC)
#define	TIMER_PERIOD	(10 * NSEC_PER_SEC)
#define	XBD_SLOW	(30 * NSEC_PER_SEC)
#define	XBD_TIMEOUT	(300 * NSEC_PER_SEC)

/* As on Linux; the values are <linux/cdrom.h>'s. */
#define	CDROMEJECT		0x5309
#define	CDROMCLOSETRAY		0x5319
#define	CDROM_DRIVE_STATUS	0x5326
#define	CDROM_LOCKDOOR		0x5329
#define	CDROM_GET_CAPABILITY	0x5331
#define	CDS_TRAY_OPEN		2
#define	CDS_DISC_OK		4
#define	CDC_OPEN_TRAY		0x2
#define	CDC_CLOSE_TRAY		0x1
#define	CDC_DRIVE_STATUS	0x800

/* ---- what a device number means ---- */

/* 0: xvda, 25: xvdz, 26: xvdaa ... */
static void
disk_letters(unsigned int n, char *buf, size_t size)
{
	char tmp[8];
	unsigned int i = sizeof(tmp);

	tmp[--i] = '\0';
	for (n++; n > 0 && i > 0; n = (n - 1) / 26)
		tmp[--i] = (char)('a' + (n - 1) % 26);
	snprintf(buf, size, "xvd%s", tmp + i);
}

/*
 * The number of a disk among the disks, and of the partition it stands for (0:
 * none).  Numbers of IDE and SCSI disks count from xvda on.
 */
static int
decode_vdev(uint32_t v, unsigned int *unit, unsigned int *part)
{
	unsigned int major = v >> 8, minor = v & 0xff;

	if ((v & VDEV_EXTENDED) != 0) {
		v &= ~VDEV_EXTENDED;
		*unit = v >> 8;
		*part = v & 0xff;
		return *unit < (1U << 20) / XVD_PARTS_EXT ? 0 : EINVAL;
	}
	switch (major) {
	case 3:				/* hda, hdb */
	case 22:			/* hdc, hdd */
		*unit = minor / 64 + (major == 22 ? 2 : 0);
		*part = minor % 64;
		return 0;
	case 8:				/* sda and so on */
	case XVD_MAJOR:
		*unit = minor / XVD_PARTS;
		*part = minor % XVD_PARTS;
		return 0;
	default:
		return EINVAL;
	}
}

static int
name_disk(struct xbd *xd, uint32_t vdev, dev_t *dev, bool *whole)
{
	unsigned int unit, part, per;
	char name[DISK_NAMELEN];
	int error;

	error = decode_vdev(vdev, &unit, &part);
	if (error != 0)
		return error;
	disk_letters(unit, name, sizeof(name));
	if (part == 0)
		strlcpy(xd->xd_name, name, sizeof(xd->xd_name));
	else
		snprintf(xd->xd_name, sizeof(xd->xd_name), "%s%u", name, part);
	per = (vdev & VDEV_EXTENDED) != 0 ? XVD_PARTS_EXT : XVD_PARTS;
	*dev = makedev(XVD_MAJOR, unit * per + part);
	*whole = part == 0;
	return 0;
}

/* ---- for xbd_ring.c ---- */

void
xbd_bad(struct xbd *xd, const char *fmt, ...)
{
	char msg[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	spin_enter(&xd->xd_lock);
	if (xd->xd_xb != NULL)
		xenbus_quarantine(xd->xd_xb, "%s: %s", xd->xd_name, msg);
	spin_exit(&xd->xd_lock);
}

void
xbd_inflight(struct xbd *xd, int change)
{
	spin_enter(&xd->xd_lock);
	xd->xd_inflight += (unsigned int)change;
	if (xd->xd_inflight == 0)
		cv_broadcast(&xd->xd_cv);
	spin_exit(&xd->xd_lock);
}

void
xbd_refused(struct xbd *xd, enum bio_op op)
{
	struct disk_limits *dl = &xd->xd_disk->d_limits;

	if (op == BIO_FLUSH && (xd->xd_flush || xd->xd_barrier)) {
		printf("%s: the backend refuses to flush\n", xd->xd_name);
		xd->xd_flush = xd->xd_barrier = false;
		dl->dl_flush = false;
	} else if (op == BIO_DISCARD && dl->dl_maxdiscard != 0) {
		printf("%s: the backend refuses to discard\n", xd->xd_name);
		dl->dl_maxdiscard = 0;
	}
}

/* ---- the block layer's side ---- */

static void
xbd_start(struct disk_queue *dq)
{
	struct xbd *xd = dq->dq_disk->d_priv;
	unsigned int n = atomic_load_acquire(&xd->xd_nrings);

	if (n != 0)
		xbd_ring_run(&xd->xd_rings[dq->dq_index % n], dq);
}

static void
xbd_closed(struct disk *d)
{
	struct xbd *xd = d->d_priv;

	spin_enter(&xd->xd_lock);
	if (xd->xd_closing && xd->xd_xb != NULL)
		xenbus_recheck(xd->xd_xb);
	spin_exit(&xd->xd_lock);
}

static void
xbd_free(struct disk *d)
{
	struct xbd *xd = d->d_priv;

	if (xd == NULL)
		return;
	(void)callout_halt(&xd->xd_timer);
	cv_destroy(&xd->xd_cv);
	kmem_free(xd, sizeof(*xd));
}

/* Take the medium out, as far as the guest is concerned, or put it back. */
static int
set_medium(struct disk *d, bool in)
{
	if (!in && disk_openers(d) > 1)
		return EBUSY;
	if (in)
		(void)atomic_and(&d->d_flags, ~(unsigned int)DISK_NOMEDIUM);
	else
		(void)atomic_or(&d->d_flags, DISK_NOMEDIUM);
	disk_media_changed(d);
	return 0;
}

static int
xbd_ioctl(struct disk *d, struct file *fp __unused, unsigned long cmd,
    uintptr_t uarg __unused, register_t *retval)
{
	if ((d->d_flags & DISK_CDROM) == 0)
		return ENOTTY;
	switch (cmd) {
	case CDROM_GET_CAPABILITY:
		*retval = CDC_OPEN_TRAY | CDC_CLOSE_TRAY | CDC_DRIVE_STATUS;
		return 0;
	case CDROM_DRIVE_STATUS:
		*retval = (d->d_flags & DISK_NOMEDIUM) != 0 ? CDS_TRAY_OPEN :
		    CDS_DISC_OK;
		return 0;
	case CDROM_LOCKDOOR:
		return 0;
	case CDROMEJECT:
		return set_medium(d, false);
	case CDROMCLOSETRAY:
		return d->d_sectors == 0 ? ENOMEDIUM : set_medium(d, true);
	default:
		return ENOTTY;
	}
}

static const struct disk_ops xbd_ops = {
	.do_start = xbd_start,
	.do_close = xbd_closed,
	.do_free = xbd_free,
	.do_ioctl = xbd_ioctl,
};

/* ---- connecting ---- */

/* A number of the backend's; what is not there, or is none, is def. */
static uint64_t
offered(struct xenbus_device *xb, const char *node, uint64_t def)
{
	uint64_t v;

	return xs_read_u64(XST_NIL, xb->xb_otherend, node, &v) == 0 ? v : def;
}

static void
queues_stop(struct xbd *xd)
{
	unsigned int i;

	for (i = 0; i < xd->xd_disk->d_nqueues; i++)
		disk_queue_stop(&xd->xd_disk->d_queues[i]);
}

static void
queues_start(struct xbd *xd)
{
	unsigned int i;

	for (i = 0; i < xd->xd_disk->d_nqueues; i++)
		disk_queue_start(&xd->xd_disk->d_queues[i]);
}

/* The nodes of one ring, below prefix ("" or "queue-N/"). */
static int
write_ring(xs_transaction_t tx, struct xenbus_device *xb,
    const struct xbd_ring *xr, const char *prefix)
{
	char node[48];
	unsigned int i;
	int error = 0;

	if (xr->xr_npages == 1) {
		snprintf(node, sizeof(node), "%sring-ref", prefix);
		error = xs_printf(tx, xb->xb_path, node, "%u",
		    xr->xr_refs[0].gref);
	}
	for (i = 0; i < xr->xr_npages && xr->xr_npages > 1 && error == 0;
	    i++) {
		snprintf(node, sizeof(node), "%sring-ref%u", prefix, i);
		error = xs_printf(tx, xb->xb_path, node, "%u",
		    xr->xr_refs[i].gref);
	}
	if (error != 0)
		return error;
	snprintf(node, sizeof(node), "%sevent-channel", prefix);
	return xs_printf(tx, xb->xb_path, node, "%u",
	    evtchn_port(xr->xr_evt).port);
}

struct transport {
	unsigned int	t_rings, t_order;
	bool		t_oldstyle;	/* num-ring-pages */
};

static int
write_nodes(xs_transaction_t tx, struct xbd *xd, const struct transport *t)
{
	struct xenbus_device *xb = xd->xd_xb;
	unsigned int i;
	char prefix[24];
	int error = 0;

	if (t->t_order > 0)
		error = t->t_oldstyle ?
		    xs_printf(tx, xb->xb_path, "num-ring-pages", "%u",
		    1U << t->t_order) :
		    xs_printf(tx, xb->xb_path, "ring-page-order", "%u",
		    t->t_order);
	if (error == 0 && t->t_rings > 1)
		error = xs_printf(tx, xb->xb_path, "multi-queue-num-queues",
		    "%u", t->t_rings);
	for (i = 0; i < t->t_rings && error == 0; i++) {
		prefix[0] = '\0';
		if (t->t_rings > 1)
			snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		error = write_ring(tx, xb, &xd->xd_rings[i], prefix);
	}
	if (error == 0)
		error = xs_write(tx, xb->xb_path, "protocol",
		    XEN_IO_PROTO_ABI_NATIVE);
	if (error == 0)
		error = xs_write(tx, xb->xb_path, "feature-persistent", "1");
	return error;
}

/* Nodes of an earlier connection that this one does not have. */
static void
remove_stale(xs_transaction_t tx, struct xenbus_device *xb,
    const struct transport *t)
{
	static const char *const single[] = { "ring-ref", "event-channel" };
	char node[32];
	unsigned int i;

	(void)xs_rm(tx, xb->xb_path, "num-ring-pages");
	(void)xs_rm(tx, xb->xb_path, "ring-page-order");
	(void)xs_rm(tx, xb->xb_path, "multi-queue-num-queues");
	for (i = 0; i < __arraycount(single); i++)
		(void)xs_rm(tx, xb->xb_path, single[i]);
	for (i = 0; i < XBD_MAXPAGES; i++) {
		snprintf(node, sizeof(node), "ring-ref%u", i);
		(void)xs_rm(tx, xb->xb_path, node);
	}
	for (i = 0; i < XBD_MAXRINGS; i++) {
		snprintf(node, sizeof(node), "queue-%u", i);
		if (t->t_rings == 1 || i >= t->t_rings)
			(void)xs_rm(tx, xb->xb_path, node);
	}
}

static int
publish(struct xbd *xd, const struct transport *t, bool again)
{
	xs_transaction_t tx;
	int error;

	do {
		error = xs_transaction_start(&tx);
		if (error != 0)
			return error;
		if (again)
			remove_stale(tx, xd->xd_xb, t);
		error = write_nodes(tx, xd, t);
		if (error != 0) {
			(void)xs_transaction_end(tx, true);
			return error;
		}
		error = xs_transaction_end(tx, false);
	} while (error == EAGAIN);
	return error;
}

static void
choose_transport(struct xbd *xd, struct transport *t)
{
	struct xenbus_device *xb = xd->xd_xb;
	uint64_t pages, order, rings;

	rings = offered(xb, "multi-queue-max-queues", 1);
	rings = MIN(rings, xd->xd_disk->d_nqueues);
	t->t_rings = (unsigned int)MAX(rings, 1U);
	order = offered(xb, "max-ring-page-order", 0);
	t->t_order = (unsigned int)MIN(order, XBD_MAXORDER);
	t->t_oldstyle = false;
	if (t->t_order == 0) {
		pages = offered(xb, "max-ring-pages", 1);
		while (t->t_order < XBD_MAXORDER &&
		    (uint64_t)2 << t->t_order <= pages)
			t->t_order++;
		t->t_oldstyle = t->t_order > 0;
	}
}

static void
rings_destroy(struct xbd *xd, unsigned int n, bool fail)
{
	while (n-- > 0)
		xbd_ring_destroy(&xd->xd_rings[n], fail);
}

static int
xbd_connect(struct xenbus_device *xb)
{
	struct xbd *xd = xb->xb_priv;
	struct transport t;
	unsigned int i;
	int error = 0;

	if ((xd->xd_disk->d_flags & DISK_GONE) != 0)
		return ENXIO;		/* it was given back */
	choose_transport(xd, &t);
	xd->xd_domid = xb->xb_otherend_id;
	for (i = 0; i < t.t_rings && error == 0; i++) {
		error = xbd_ring_create(xd, i, t.t_order);
		/* Memory in one piece is rare: a smaller one will do. */
		while (error == ENOMEM && t.t_order > 0 && i == 0)
			error = xbd_ring_create(xd, i, --t.t_order);
	}
	if (error != 0) {
		rings_destroy(xd, i - 1, false);
		return error;
	}
	error = publish(xd, &t, xd->xd_published);
	if (error == 0)
		error = xenbus_switch_state(xb, XenbusStateInitialised);
	if (error != 0) {
		rings_destroy(xd, t.t_rings, false);
		return error;
	}
	xd->xd_published = true;
	atomic_store_release(&xd->xd_nrings, t.t_rings);
	return 0;
}

/* ---- the backend is connected ---- */

static void
timer(void *arg)
{
	struct xbd *xd = arg;
	unsigned int i, n = atomic_load_acquire(&xd->xd_nrings);
	nsec_t now = nanouptime(), oldest = 0, since;

	for (i = 0; i < n; i++) {
		since = xbd_ring_oldest(&xd->xd_rings[i]);
		if (since != 0 && (oldest == 0 || since < oldest))
			oldest = since;
	}
	if (oldest != 0 && now - oldest >= XBD_TIMEOUT) {
		xbd_bad(xd, "no answer for %d s",
		    (int)((now - oldest) / NSEC_PER_SEC));
		return;
	}
	if (oldest != 0 && now - oldest >= XBD_SLOW && !xd->xd_slow)
		printf("%s: the backend has not answered for %d s\n",
		    xd->xd_name, (int)((now - oldest) / NSEC_PER_SEC));
	xd->xd_slow = oldest != 0 && now - oldest >= XBD_SLOW;
	callout_schedule(&xd->xd_timer, now + TIMER_PERIOD);
}

static void
attach_thread(void *arg)
{
	struct disk *d = arg;
	int error;

	error = disk_attach(d);
	if (error != 0)
		printf("%s: not attached: error %d\n", d->d_name, error);
	disk_settle_end();
	disk_put(d);
	kthread_exit();
}

/* Size, media and rights.  Queues may be running. */
static int
read_size(struct xbd *xd, uint64_t *sectors, unsigned int *info)
{
	struct xenbus_device *xb = xd->xd_xb;
	int error;

	error = xs_read_u64(XST_NIL, xb->xb_otherend, "sectors", sectors);
	if (error != 0)
		return error;
	if (*sectors > (uint64_t)INT64_MAX >> SECTOR_SHIFT)
		return EINVAL;
	*info = (unsigned int)offered(xb, "info", 0);
	return 0;
}

/* The flags that the backend's word stands for. */
static void
apply_info(struct disk *d, uint64_t sectors, unsigned int info)
{
	unsigned int set = 0, all = DISK_RDONLY | DISK_REMOVABLE | DISK_CDROM;

	if ((info & VDISK_CDROM) != 0)
		set |= DISK_CDROM | DISK_REMOVABLE | DISK_RDONLY;
	if ((info & VDISK_REMOVABLE) != 0)
		set |= DISK_REMOVABLE;
	if ((info & VDISK_READONLY) != 0)
		set |= DISK_RDONLY;
	if (sectors == 0 && (set & DISK_REMOVABLE) != 0)
		set |= DISK_NOMEDIUM;
	(void)atomic_or(&d->d_flags, set);
	(void)atomic_and(&d->d_flags, ~(all & ~set));
	if (sectors != 0)
		(void)atomic_and(&d->d_flags, ~(unsigned int)DISK_NOMEDIUM);
}

static int
read_limits(struct xbd *xd)
{
	struct xenbus_device *xb = xd->xd_xb;
	struct disk_limits *dl = &xd->xd_disk->d_limits;
	uint64_t lbs, pbs, gran, indirect;
	unsigned int segs;

	lbs = offered(xb, "sector-size", SECTOR_SIZE);
	pbs = offered(xb, "physical-sector-size", lbs);
	if (lbs < SECTOR_SIZE || lbs > PAGE_SIZE || (lbs & (lbs - 1)) != 0)
		return EINVAL;
	if (pbs < lbs || pbs > 1 << 20 || (pbs & (pbs - 1)) != 0)
		pbs = lbs;
	xd->xd_persistent = offered(xb, "feature-persistent", 0) != 0;
	xd->xd_flush = offered(xb, "feature-flush-cache", 0) != 0;
	xd->xd_barrier = offered(xb, "feature-barrier", 0) != 0;
	indirect = offered(xb, "feature-max-indirect-segments", 0);
	segs = (unsigned int)MIN(indirect,
	    xd->xd_persistent ? XBD_POOLSEGS : XBD_MAXSEGS);
	xd->xd_maxsegs = MAX(segs, BLKIF_MAX_SEGMENTS_PER_REQUEST);
	dl->dl_lbs = (uint32_t)lbs;
	dl->dl_pbs = (uint32_t)pbs;
	dl->dl_maxsegs = xd->xd_maxsegs;
	dl->dl_maxsectors = xd->xd_maxsegs * (PAGE_SIZE >> SECTOR_SHIFT);
	dl->dl_flush = xd->xd_flush || xd->xd_barrier;
	dl->dl_fua = false;
	dl->dl_maxdiscard = 0;
	if (offered(xb, "feature-discard", 0) != 0) {
		gran = offered(xb, "discard-granularity", lbs);
		dl->dl_discardgran = (uint32_t)MIN(gran, 1U << 30);
		dl->dl_maxdiscard = 1 << 22;
	}
	return 0;
}

/* Backends that only write the new size are heard, too. */
static void
size_changed(struct xs_watch *xw, const char *path __unused,
    const char *token __unused)
{
	struct xbd *xd = xw->xw_arg;

	spin_enter(&xd->xd_lock);
	if (xd->xd_xb != NULL)
		xenbus_recheck(xd->xd_xb);
	spin_exit(&xd->xd_lock);
}

static void
size_unwatch(struct xbd *xd)
{
	if (xd->xd_sizewatch.xw_node == NULL)
		return;
	xs_unwatch_nowait(&xd->xd_sizewatch);
	kmem_strfree(xd->xd_sizewatch.xw_node);
	xd->xd_sizewatch.xw_node = NULL;
}

/* Without it the disk works all the same. */
static void
size_watch(struct xbd *xd)
{
	struct xs_watch *xw = &xd->xd_sizewatch;

	size_unwatch(xd);
	xw->xw_node = kmem_asprintf("%s/sectors", xd->xd_xb->xb_otherend);
	xw->xw_func = size_changed;
	xw->xw_arg = xd;
	if (xw->xw_node != NULL && xs_watch(xw) != 0) {
		kmem_strfree(xw->xw_node);
		xw->xw_node = NULL;
	}
}

/* The first time: into the block layer. */
static int
attach(struct xbd *xd)
{
	int error;

	error = kthread_create("xbd attach", NULL, attach_thread,
	    disk_get(xd->xd_disk), NULL);
	if (error != 0) {
		disk_put(xd->xd_disk);
		return error;
	}
	xd->xd_attached = true;
	return 0;
}

static void
describe(const struct xbd *xd)
{
	const struct disk *d = xd->xd_disk;

	printf("%s: %llu MiB, %u ring%s of %u pages, %u segments%s%s%s%s%s\n",
	    xd->xd_name, (unsigned long long)(d->d_sectors >> 11),
	    xd->xd_nrings, xd->xd_nrings == 1 ? "" : "s",
	    xd->xd_rings[0].xr_npages, xd->xd_maxsegs,
	    xd->xd_persistent ? ", persistent grants" : "",
	    xd->xd_flush ? ", flush" : xd->xd_barrier ? ", barrier" : "",
	    d->d_limits.dl_maxdiscard != 0 ? ", discard" : "",
	    (d->d_flags & DISK_RDONLY) != 0 ? ", read-only" : "",
	    (d->d_flags & DISK_CDROM) != 0 ? ", CD-ROM" :
	    (d->d_flags & DISK_REMOVABLE) != 0 ? ", removable" : "");
}

static int
go_live(struct xbd *xd)
{
	struct disk *d = xd->xd_disk;
	unsigned int i, info;
	uint64_t sectors;
	int error;

	error = read_size(xd, &sectors, &info);
	if (error == 0)
		error = read_limits(xd);
	for (i = 0; i < xd->xd_nrings && error == 0; i++)
		error = xbd_ring_open(&xd->xd_rings[i], xd->xd_maxsegs);
	if (error == 0)
		error = xenbus_switch_state(xd->xd_xb, XenbusStateConnected);
	if (error != 0)
		return error;
	apply_info(d, sectors, info);
	xd->xd_live = true;
	xd->xd_slow = false;
	callout_schedule(&xd->xd_timer, nanouptime() + TIMER_PERIOD);
	if (!xd->xd_attached)
		d->d_sectors = sectors;
	else if (d->d_sectors != sectors)
		disk_resize(d, sectors);
	size_watch(xd);
	describe(xd);
	disk_set_failed(d, false);
	queues_start(xd);
	return xd->xd_attached ? 0 : attach(xd);
}

/* Connected once more: the backend has something new to say. */
static void
look_again(struct xbd *xd)
{
	struct disk *d = xd->xd_disk;
	unsigned int info, old = d->d_flags;
	uint64_t sectors;

	if (read_size(xd, &sectors, &info) != 0)
		return;
	if (sectors == d->d_sectors)
		return;
	printf("%s: now %llu sectors\n", xd->xd_name,
	    (unsigned long long)sectors);
	apply_info(d, sectors, info);
	disk_resize(d, sectors);
	if (((old ^ d->d_flags) & DISK_NOMEDIUM) != 0)
		(void)atomic_add(&d->d_changes, 1);
}

static void
disconnect(struct xbd *xd, bool fail)
{
	unsigned int n = xd->xd_nrings;

	queues_stop(xd);
	if (fail)
		disk_set_failed(xd->xd_disk, true);
	size_unwatch(xd);
	(void)callout_halt(&xd->xd_timer);
	atomic_store(&xd->xd_nrings, 0);
	rings_destroy(xd, n, fail);
	xd->xd_live = false;
}

/* The toolstack wants the disk back. */
static void
closing(struct xbd *xd)
{
	atomic_store(&xd->xd_closing, true);
	if (disk_busy(xd->xd_disk)) {
		if (!xd->xd_told)
			xenbus_error(xd->xd_xb, EBUSY,
			    "%s is in use and stays", xd->xd_name);
		xd->xd_told = true;
		return;
	}
	disk_gone(xd->xd_disk);
	disconnect(xd, true);
	(void)xenbus_switch_state(xd->xd_xb, XenbusStateClosed);
}

static void
xbd_otherend(struct xenbus_device *xb, enum xenbus_state state)
{
	struct xbd *xd = xb->xb_priv;
	int error;

	switch (state) {
	case XenbusStateConnected:
		if (xd->xd_live) {
			look_again(xd);
		} else if (xd->xd_nrings != 0) {
			error = go_live(xd);
			if (error != 0)
				xenbus_error(xb, error, "connect");
		}
		break;
	case XenbusStateClosing:
		closing(xd);
		break;
	default:
		if (state != XenbusStateUnknown && state != XenbusStateClosed)
			atomic_store(&xd->xd_closing, false);
		break;
	}
}

/* ---- life ---- */

static int
xbd_probe(struct xenbus_device *xb)
{
	struct disk *d;
	struct xbd *xd;
	dev_t dev = 0;
	bool whole = true;
	int error;

	xd = kmem_zalloc(sizeof(*xd), KM_SLEEP);
	if (xd == NULL)
		return ENOMEM;
	error = name_disk(xd, xb->xb_id, &dev, &whole);
	if (error == 0)
		error = disk_create(xd->xd_name, &xbd_ops,
		    MIN(ncpu_possible, (unsigned int)XBD_MAXRINGS), XBD_DEPTH,
		    &d);
	if (error != 0) {
		kmem_free(xd, sizeof(*xd));
		return error;
	}
	for (unsigned int i = 0; i < XBD_MAXRINGS; i++)
		spin_init(&xd->xd_rings[i].xr_lock, "xbd_ring");
	spin_init(&xd->xd_lock, "xbd");
	cv_init(&xd->xd_cv, "xbd");
	callout_init(&xd->xd_timer, timer, xd);
	xd->xd_xb = xb;
	xd->xd_handle = xb->xb_id;
	xd->xd_disk = d;
	d->d_priv = xd;
	d->d_dev = dev;
	snprintf(d->d_bus, sizeof(d->d_bus), "vbd-%u", xb->xb_id);
	d->d_minors = !whole ? 1 : (xb->xb_id & VDEV_EXTENDED) != 0 ?
	    XVD_PARTS_EXT : XVD_PARTS;
	if (!whole)
		d->d_flags |= DISK_NOPART;
	xb->xb_priv = xd;
	queues_stop(xd);
	disk_settle_begin();
	return 0;
}

static void
xbd_disconnect(struct xenbus_device *xb)
{
	disconnect(xb->xb_priv, xb->xb_quarantined);
}

/* Wait until the backend has answered all, but not for ever. */
static int
xbd_suspend(struct xenbus_device *xb)
{
	struct xbd *xd = xb->xb_priv;
	nsec_t deadline = nanouptime() + DRAIN_TIME;
	unsigned int left;

	if (!xd->xd_live)
		return 0;
	queues_stop(xd);
	spin_enter(&xd->xd_lock);
	while (xd->xd_inflight != 0 &&
	    cv_timedwait_spin(&xd->xd_cv, &xd->xd_lock, deadline) == 0)
		continue;
	left = xd->xd_inflight;
	spin_exit(&xd->xd_lock);
	if (left != 0)
		printf("%s: %u requests not answered before the suspend\n",
		    xd->xd_name, left);
	return 0;
}

static void
xbd_resume(struct xenbus_device *xb, bool newdomain)
{
	struct xbd *xd = xb->xb_priv;

	/* In a new domain go_live() starts the queues. */
	if (!newdomain && xd->xd_live)
		queues_start(xd);
}

static void
xbd_remove(struct xenbus_device *xb)
{
	struct xbd *xd = xb->xb_priv;

	disk_gone(xd->xd_disk);
	disconnect(xd, true);
	spin_enter(&xd->xd_lock);
	xd->xd_xb = NULL;
	spin_exit(&xd->xd_lock);
	if (!xd->xd_attached)
		disk_settle_end();
	xb->xb_priv = NULL;
	disk_put(xd->xd_disk);
}

static const struct xenbus_driver xbd_driver = {
	.xd_type = "vbd",
	.xd_probe = xbd_probe,
	.xd_connect = xbd_connect,
	.xd_otherend = xbd_otherend,
	.xd_disconnect = xbd_disconnect,
	.xd_suspend = xbd_suspend,
	.xd_resume = xbd_resume,
	.xd_remove = xbd_remove,
};
XENBUS_DRIVER(xbd_driver);
