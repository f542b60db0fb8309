/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry of disks and partitions: names, openers, claims, change.
 *
 * Overview: disks are in one list, each whole disk before its partitions.
 * A partition is made by disk_rescan() from the table on the disk, or by
 * BLKPG; it has a reference on its whole disk.
 *
 * Numbers: a partition within the disk's own range of minors has the disk's
 * major and the next minors; others get a minor of the major 259, as on Linux.
 *
 * Locking: disk_lock for everything here but I/O and nodes.  d_scan, taken
 * before it, lets one thread at a time change a disk's partitions: from the
 * look at the table to the nodes in /dev, which are made with no other lock
 * held as that takes locks of file systems.
 */
#include <sys/bitops.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <kern/disk_impl.h>

#define	EXT_MAJOR	259
#define	EXT_MINORS	4096

static struct mutex disk_lock;
static struct spinlock settle_lock = SPINLOCK_INITIALIZER("disksettle");
static struct condvar settle_cv;
static unsigned int settling;			/* settle_lock */
static TAILQ_HEAD(, disk) disks = TAILQ_HEAD_INITIALIZER(disks);  /* [l] */
static unsigned long ext_minors[EXT_MINORS / __LBITS];		/* [a] */

void
disk_init(void)
{
	mutex_init(&disk_lock, "disk");
	cv_init(&settle_cv, "disks");
}

void
disk_settle_begin(void)
{
	spin_enter(&settle_lock);
	settling++;
	spin_exit(&settle_lock);
}

void
disk_settle_end(void)
{
	spin_enter(&settle_lock);
	KASSERT(settling > 0);
	if (--settling == 0)
		cv_broadcast(&settle_cv);
	spin_exit(&settle_lock);
}

int
disk_settle_wait(nsec_t deadline)
{
	int error = 0;

	spin_enter(&settle_lock);
	while (settling != 0 && error == 0)
		error = cv_timedwait_spin(&settle_cv, &settle_lock, deadline);
	spin_exit(&settle_lock);
	return error;
}

/* ---- life ---- */

int
disk_create(const char *name, const struct disk_ops *ops,
    unsigned int nqueues, unsigned int depth, struct disk **dp)
{
	struct disk *d;
	unsigned int i;
	int error = 0;

	KASSERT(nqueues > 0 && depth > 0);
	d = kmem_zalloc(sizeof(*d), KM_SLEEP);
	if (d == NULL)
		return ENOMEM;
	strlcpy(d->d_name, name, sizeof(d->d_name));
	d->d_ops = ops;
	d->d_ref = 1;
	d->d_whole = d;
	d->d_minors = 1;
	mutex_init(&d->d_scan, "diskscan");
	LIST_INIT(&d->d_parts);
	LIST_INIT(&d->d_holders);
	d->d_limits.dl_lbs = d->d_limits.dl_pbs = SECTOR_SIZE;
	d->d_limits.dl_maxsectors = 256;
	d->d_limits.dl_maxsegs = 32;
	d->d_queues = kmem_zalloc(nqueues * sizeof(*d->d_queues), KM_SLEEP);
	d->d_nqueues = nqueues;
	if (d->d_queues == NULL)
		error = ENOMEM;
	for (i = 0; i < nqueues && error == 0; i++)
		error = disk_queue_init(&d->d_queues[i], d, i, depth);
	if (error != 0) {
		disk_put(d);
		return error;
	}
	*dp = d;
	return 0;
}

struct disk *
disk_get(struct disk *d)
{
	refcount_get(&d->d_ref);
	return d;
}

void
disk_put(struct disk *d)
{
	unsigned int i;

	if (!refcount_put(&d->d_ref))
		return;
	if (d->d_extended)
		(void)atomic_test_and_clear_bit(minor(d->d_dev), ext_minors);
	if (d->d_whole != d) {
		disk_put(d->d_whole);
	} else {
		if (d->d_ops->do_free != NULL)
			d->d_ops->do_free(d);
		if (d->d_queues != NULL) {
			for (i = 0; i < d->d_nqueues; i++)
				disk_queue_fini(&d->d_queues[i]);
			kmem_free(d->d_queues,
			    d->d_nqueues * sizeof(*d->d_queues));
		}
		mutex_destroy(&d->d_scan);
	}
	kmem_free(d, sizeof(*d));
}

/* Disks that came and went: what is to be done with disk_lock let go. */
struct changes {
	TAILQ_HEAD(, disk) c_added, c_removed;
};
#define	CHANGES(name)	struct changes name = {				\
	TAILQ_HEAD_INITIALIZER((name).c_added),				\
	TAILQ_HEAD_INITIALIZER((name).c_removed) }

/* Into the registry, behind `prev` if there is one.  Locked. */
static void
enlist(struct disk *d, struct disk *prev, struct changes *c)
{
	if (prev != NULL)
		TAILQ_INSERT_AFTER(&disks, prev, d, d_link);
	else
		TAILQ_INSERT_TAIL(&disks, d, d_link);
	TAILQ_INSERT_TAIL(&c->c_added, d, d_change);
}

/* Out of it; the reference goes to the changes.  Locked. */
static void
delist(struct disk *d, struct changes *c)
{
	TAILQ_REMOVE(&disks, d, d_link);
	TAILQ_INSERT_TAIL(&c->c_removed, d, d_change);
}

/* d_scan held, disk_lock not. */
static void
publish(struct changes *c)
{
	struct disk *d;

	while ((d = TAILQ_FIRST(&c->c_removed)) != NULL) {
		TAILQ_REMOVE(&c->c_removed, d, d_change);
		disk_class.dc_removed(d);
		disk_put(d);
	}
	while ((d = TAILQ_FIRST(&c->c_added)) != NULL) {
		TAILQ_REMOVE(&c->c_added, d, d_change);
		disk_class.dc_added(d);
	}
}

int
disk_attach(struct disk *d)
{
	CHANGES(c);
	struct disk *o;
	bool gone;

	mutex_enter(&d->d_scan);
	mutex_enter(&disk_lock);
	TAILQ_FOREACH(o, &disks, d_link)
		if (o->d_dev == d->d_dev || strcmp(o->d_name, d->d_name) == 0)
			break;
	gone = (d->d_flags & DISK_GONE) != 0;
	if (o == NULL && !gone)
		enlist(disk_get(d), NULL, &c);
	mutex_exit(&disk_lock);
	publish(&c);
	mutex_exit(&d->d_scan);
	if (o != NULL || gone)
		return gone ? ENXIO : EEXIST;
	if ((d->d_flags & (DISK_NOMEDIUM | DISK_NOPART)) == 0)
		(void)disk_rescan(d);
	return 0;
}

/* Locked. */
static void
tell(struct disk *d, bool gone)
{
	struct disk_holder *dh;

	LIST_FOREACH(dh, &d->d_holders, dh_link) {
		if (gone && dh->dh_gone != NULL)
			dh->dh_gone(dh);
		if (!gone && dh->dh_resized != NULL)
			dh->dh_resized(dh);
	}
}

/* Locked. */
static void
drop_parts(struct disk *d, struct changes *c)
{
	struct disk *p;

	while ((p = LIST_FIRST(&d->d_parts)) != NULL) {
		LIST_REMOVE(p, d_plink);
		(void)atomic_or(&p->d_flags, DISK_GONE);
		tell(p, true);
		delist(p, c);
	}
}

void
disk_gone(struct disk *d)
{
	CHANGES(c);
	struct disk *o;
	unsigned int i;

	(void)atomic_or(&d->d_flags, DISK_GONE);
	for (i = 0; i < d->d_nqueues; i++)
		disk_queue_abort(&d->d_queues[i]);
	mutex_enter(&d->d_scan);
	mutex_enter(&disk_lock);
	drop_parts(d, &c);
	tell(d, true);
	TAILQ_FOREACH(o, &disks, d_link)
		if (o == d)
			break;
	if (o != NULL)
		delist(d, &c);
	mutex_exit(&disk_lock);
	publish(&c);
	mutex_exit(&d->d_scan);
}

void
disk_set_failed(struct disk *d, bool failed)
{
	unsigned int i;

	if (!failed) {
		(void)atomic_and(&d->d_flags, ~(unsigned int)DISK_FAILED);
		return;
	}
	(void)atomic_or(&d->d_flags, DISK_FAILED);
	for (i = 0; i < d->d_nqueues; i++)
		disk_queue_abort(&d->d_queues[i]);
}

void
disk_resize(struct disk *d, uint64_t sectors)
{
	struct disk *p;

	mutex_enter(&disk_lock);
	atomic_store(&d->d_sectors, sectors);
	tell(d, false);
	LIST_FOREACH(p, &d->d_parts, d_plink)
		tell(p, false);
	mutex_exit(&disk_lock);
}

void
disk_media_changed(struct disk *d)
{
	(void)atomic_add(&d->d_changes, 1);
	disk_resize(d, d->d_sectors);
	if ((d->d_flags & DISK_NOPART) == 0)
		(void)disk_rescan(d);
}

/* ---- look-up ---- */

struct disk *
disk_lookup(const char *name)
{
	struct disk *d;

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	mutex_enter(&disk_lock);
	TAILQ_FOREACH(d, &disks, d_link)
		if (strcmp(d->d_name, name) == 0)
			break;
	if (d != NULL)
		disk_get(d);
	mutex_exit(&disk_lock);
	return d;
}

struct disk *
disk_lookup_dev(dev_t dev)
{
	struct disk *d;

	mutex_enter(&disk_lock);
	TAILQ_FOREACH(d, &disks, d_link)
		if (d->d_dev == dev)
			break;
	if (d != NULL)
		disk_get(d);
	mutex_exit(&disk_lock);
	return d;
}

struct disk *
disk_next_in_list(struct disk *d)
{
	struct disk *n;

	mutex_enter(&disk_lock);
	n = d == NULL ? TAILQ_FIRST(&disks) : TAILQ_NEXT(d, d_link);
	/* It has left the list: that is its end. */
	if (d != NULL && (d->d_flags & DISK_GONE) != 0)
		n = NULL;
	if (n != NULL)
		disk_get(n);
	mutex_exit(&disk_lock);
	if (d != NULL)
		disk_put(d);
	return n;
}

/* ---- openers ---- */

/* Locked. */
static bool
busy(struct disk *d)
{
	struct disk *p;

	if (!LIST_EMPTY(&d->d_holders))
		return true;
	LIST_FOREACH(p, &d->d_parts, d_plink)
		if (!LIST_EMPTY(&p->d_holders))
			return true;
	return false;
}

bool
disk_busy(struct disk *d)
{
	bool yes;

	mutex_enter(&disk_lock);
	yes = busy(d);
	mutex_exit(&disk_lock);
	return yes;
}

bool
disk_claimed(struct disk *d)
{
	bool yes;

	mutex_enter(&disk_lock);
	yes = d->d_nclaims != 0 || d->d_partclaims != 0;
	mutex_exit(&disk_lock);
	return yes;
}

unsigned int
disk_openers(struct disk *d)
{
	struct disk_holder *dh;
	unsigned int n = 0;

	mutex_enter(&disk_lock);
	LIST_FOREACH(dh, &d->d_holders, dh_link)
		n++;
	mutex_exit(&disk_lock);
	return n;
}

/* May the claimer have it?  Locked. */
static bool
claimable(const struct disk *d, const void *claim)
{
	const struct disk *w = d->d_whole;

	if (d->d_nclaims != 0)
		return d->d_claim == claim;
	if (d == w)
		return d->d_partclaims == 0;
	return w->d_nclaims == 0;
}

static int
open_check(const struct disk *d, unsigned int mode, const void *claim)
{
	if (((d->d_flags | d->d_whole->d_flags) & DISK_GONE) != 0)
		return ENXIO;
	if ((mode & DISK_WRITE) != 0 && disk_readonly(d))
		return EROFS;
	if ((mode & DISK_EXCL) != 0 && !claimable(d, claim))
		return EBUSY;
	return 0;
}

int
disk_open(struct disk *d, struct disk_holder *dh, unsigned int mode,
    const void *claim)
{
	struct disk *w = d->d_whole;
	int error;

	KASSERT((mode & DISK_EXCL) == 0 || claim != NULL);
	mutex_enter(&disk_lock);
	error = open_check(d, mode, claim);
	if (error == 0 && w->d_ops->do_open != NULL)
		error = w->d_ops->do_open(w, mode);
	if (error == 0 && (w->d_flags & DISK_NOMEDIUM) != 0 &&
	    (mode & DISK_NONBLOCK) == 0) {
		error = ENOMEDIUM;
		if (w->d_ops->do_close != NULL && !busy(w))
			w->d_ops->do_close(w);
	}
	if (error == 0) {
		dh->dh_disk = disk_get(d);
		dh->dh_mode = mode;
		dh->dh_claim = claim;
		LIST_INSERT_HEAD(&d->d_holders, dh, dh_link);
		if ((mode & DISK_EXCL) != 0) {
			d->d_claim = claim;
			d->d_nclaims++;
			if (d != w)
				w->d_partclaims++;
		}
	}
	mutex_exit(&disk_lock);
	if (error == 0 && (mode & DISK_EXCL) != 0)
		disk_class.dc_claimed(d);
	return error;
}

void
disk_close(struct disk_holder *dh)
{
	struct disk *d = dh->dh_disk, *w = d->d_whole;

	mutex_enter(&disk_lock);
	LIST_REMOVE(dh, dh_link);
	if ((dh->dh_mode & DISK_EXCL) != 0) {
		KASSERT(d->d_nclaims > 0);
		if (--d->d_nclaims == 0)
			d->d_claim = NULL;
		if (d != w)
			w->d_partclaims--;
	}
	if (!busy(w) && w->d_ops->do_close != NULL)
		w->d_ops->do_close(w);
	mutex_exit(&disk_lock);
	if ((dh->dh_mode & DISK_EXCL) != 0)
		disk_class.dc_claimed(d);
	dh->dh_disk = NULL;
	disk_put(d);
}

/* ---- partitions ---- */

/* xvda -> xvda1, loop0 -> loop0p1. */
static void
part_name(const struct disk *w, unsigned int number, char *buf, size_t size)
{
	size_t n = strlen(w->d_name);

	snprintf(buf, size, "%s%s%u", w->d_name,
	    n > 0 && isdigit(w->d_name[n - 1]) ? "p" : "", number);
}

static int
part_dev(const struct disk *w, struct disk *p)
{
	unsigned int m;

	if (p->d_partno < w->d_minors) {
		p->d_dev = w->d_dev + p->d_partno;
		return 0;
	}
	for (m = 0; m < EXT_MINORS; m++)
		if (!atomic_test_and_set_bit(m, ext_minors)) {
			p->d_dev = makedev(EXT_MAJOR, m);
			p->d_extended = true;
			return 0;
		}
	return ENOSPC;
}

/* Into the list of its disk, by number, and the registry.  Locked. */
static void
part_insert(struct disk *w, struct disk *p, struct changes *c)
{
	struct disk *o, *prev = NULL;

	LIST_FOREACH(o, &w->d_parts, d_plink) {
		if (o->d_partno > p->d_partno)
			break;
		prev = o;
	}
	if (prev == NULL)
		LIST_INSERT_HEAD(&w->d_parts, p, d_plink);
	else
		LIST_INSERT_AFTER(prev, p, d_plink);
	enlist(p, prev != NULL ? prev : w, c);
}

/* Checked against the disk and its other partitions.  Locked. */
static int
part_add(struct disk *w, const struct disk_part *dp, struct changes *c)
{
	struct disk *p;
	int error;

	p = kmem_zalloc(sizeof(*p), KM_SLEEP);
	if (p == NULL)
		return ENOMEM;
	part_name(w, dp->dp_number, p->d_name, sizeof(p->d_name));
	strlcpy(p->d_partuuid, dp->dp_uuid, sizeof(p->d_partuuid));
	strlcpy(p->d_partname, dp->dp_name, sizeof(p->d_partname));
	p->d_ref = 1;
	p->d_partno = dp->dp_number;
	p->d_start = dp->dp_start;
	p->d_sectors = dp->dp_sectors;
	p->d_whole = disk_get(w);
	p->d_ops = w->d_ops;
	p->d_priv = w->d_priv;
	LIST_INIT(&p->d_holders);
	LIST_INIT(&p->d_parts);
	error = part_dev(w, p);
	if (error != 0) {
		disk_put(p);
		return error;
	}
	part_insert(w, p, c);
	return 0;
}

static struct disk *
part_find(struct disk *w, unsigned int number)
{
	struct disk *p;

	LIST_FOREACH(p, &w->d_parts, d_plink)
		if (p->d_partno == number)
			return p;
	return NULL;
}

/* Sectors that no other partition has, and that exist.  Locked. */
static int
part_check(struct disk *w, unsigned int number, uint64_t start, uint64_t n)
{
	struct disk *p;

	if (number == 0 || number > DISK_MAXPART || n == 0 ||
	    start > w->d_sectors || n > w->d_sectors - start)
		return EINVAL;
	LIST_FOREACH(p, &w->d_parts, d_plink)
		if (p->d_partno != number && start < p->d_start +
		    p->d_sectors && p->d_start < start + n)
			return EBUSY;
	return 0;
}

int
disk_part_add(struct disk *w, const struct disk_part *dp)
{
	CHANGES(c);
	int error;

	mutex_enter(&w->d_scan);
	mutex_enter(&disk_lock);
	error = (w->d_flags & DISK_GONE) != 0 ? ENXIO :
	    part_find(w, dp->dp_number) != NULL ? EBUSY :
	    part_check(w, dp->dp_number, dp->dp_start, dp->dp_sectors);
	if (error == 0)
		error = part_add(w, dp, &c);
	mutex_exit(&disk_lock);
	publish(&c);
	mutex_exit(&w->d_scan);
	return error;
}

int
disk_part_del(struct disk *w, unsigned int number)
{
	CHANGES(c);
	struct disk *p;
	int error = 0;

	mutex_enter(&w->d_scan);
	mutex_enter(&disk_lock);
	p = part_find(w, number);
	if (p == NULL)
		error = ENXIO;
	else if (!LIST_EMPTY(&p->d_holders))
		error = EBUSY;
	if (error == 0) {
		LIST_REMOVE(p, d_plink);
		(void)atomic_or(&p->d_flags, DISK_GONE);
		delist(p, &c);
	}
	mutex_exit(&disk_lock);
	publish(&c);
	mutex_exit(&w->d_scan);
	return error;
}

int
disk_part_resize(struct disk *w, unsigned int number, uint64_t sectors)
{
	struct disk *p;
	int error;

	mutex_enter(&disk_lock);
	p = part_find(w, number);
	error = p == NULL ? ENXIO :
	    part_check(w, number, p->d_start, sectors);
	if (error == 0) {
		atomic_store(&p->d_sectors, sectors);
		tell(p, false);
	}
	mutex_exit(&disk_lock);
	return error;
}

/* The table was read: make it so.  Locked. */
static int
apply(struct disk *w, const struct disk_part *parts, unsigned int n,
    struct changes *c)
{
	unsigned int i;
	struct disk *p;
	int error = 0;

	if ((w->d_flags & DISK_GONE) != 0)
		return ENXIO;
	LIST_FOREACH(p, &w->d_parts, d_plink)
		if (!LIST_EMPTY(&p->d_holders))
			return EBUSY;
	drop_parts(w, c);
	for (i = 0; i < n && error == 0; i++) {
		/* Tables in the field overlap, and end behind the disk. */
		if (parts[i].dp_sectors == 0 ||
		    part_find(w, parts[i].dp_number) != NULL)
			continue;
		error = part_add(w, &parts[i], c);
	}
	return error;
}

int
disk_rescan(struct disk *w)
{
	CHANGES(c);
	struct disk_part *parts;
	unsigned int n = 0;
	int error = 0;

	parts = kmem_alloc(DISK_MAXPART * sizeof(*parts), KM_SLEEP);
	if (parts == NULL)
		return ENOMEM;
	mutex_enter(&w->d_scan);
	if ((w->d_flags & DISK_NOMEDIUM) == 0)
		error = disk_class.dc_parts(w, parts, DISK_MAXPART, &n);
	mutex_enter(&disk_lock);
	if (error == 0)
		error = apply(w, parts, n, &c);
	mutex_exit(&disk_lock);
	publish(&c);
	mutex_exit(&w->d_scan);
	kmem_free(parts, DISK_MAXPART * sizeof(*parts));
	return error;
}
