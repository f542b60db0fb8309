/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O: from a bio to the requests a driver works on, and back.
 *
 * Overview: bio_submit() checks a bio, moves it from its partition to the whole
 * disk, and queues it at the CPU's queue of the disk.  disk_next() makes a
 * request of what is queued: a part of a large bio, or several bios that follow
 * each other on the disk.  A request is a range of bytes in a chain of bios; it
 * needs no memory but its own, so nothing here allocates.  disk_done() takes
 * the bytes off the bios again; a bio with none left is done.
 *
 * Where the disk has a volatile cache, a write is done in up to three steps:
 *	PH_PRE	a flush, if BIO_PREFLUSH
 *	PH_DATA	the data, if any; BIO_FUA is on the request if the driver can
 *	PH_POST	a flush, if BIO_FUA and the driver cannot
 *
 * Order: what somebody waits for (reads, BIO_SYNC, flushes) goes before the
 * rest, STREAK of them at the most while others wait.
 *
 * Locking: dq_lock for a queue and the [q] members of all bios in it; no
 * function of a driver and no b_done is called with it held.
 */
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>
#include <kern/disk_impl.h>

#define	STREAK		16
#define	MERGE_LOOK	32	/* bios that are looked at for a neighbour */
#define	RW_MAXPAGES	256	/* of a disk_rw() step */

enum { PH_PRE, PH_DATA, PH_POST };

/* ---- bios ---- */

void
bio_init(struct bio *b, struct disk *d, enum bio_op op, unsigned int flags,
    uint64_t sector, struct bio_seg *segs, unsigned int maxsegs)
{
	memset(b, 0, sizeof(*b));
	b->b_disk = d;
	b->b_op = op;
	b->b_flags = flags;
	b->b_sector = sector;
	b->b_segs = segs;
	b->b_maxsegs = maxsegs;
}

static size_t
bio_size(unsigned int maxsegs)
{
	return sizeof(struct bio) + maxsegs * sizeof(struct bio_seg);
}

struct bio *
bio_alloc(struct disk *d, enum bio_op op, unsigned int flags, uint64_t sector,
    unsigned int maxsegs, int kmflags)
{
	struct bio *b = kmem_alloc(bio_size(maxsegs), kmflags);

	if (b != NULL)
		bio_init(b, d, op, flags, sector, (struct bio_seg *)(b + 1),
		    maxsegs);
	return b;
}

void
bio_free(struct bio *b)
{
	kmem_free(b, bio_size(b->b_maxsegs));
}

bool
bio_add(struct bio *b, struct vm_page *pg, unsigned int off, unsigned int len)
{
	struct bio_seg *s;

	KASSERT(off % SECTOR_SIZE == 0 && len % SECTOR_SIZE == 0 && len != 0);
	KASSERT(off + len <= PAGE_SIZE);
	if (b->b_nsegs > 0) {
		s = &b->b_segs[b->b_nsegs - 1];
		if (s->bs_page == pg && s->bs_off + s->bs_len == off) {
			s->bs_len = (uint16_t)(s->bs_len + len);
			b->b_len += len;
			return true;
		}
	}
	if (b->b_nsegs == b->b_maxsegs)
		return false;
	s = &b->b_segs[b->b_nsegs++];
	s->bs_page = pg;
	s->bs_off = (uint16_t)off;
	s->bs_len = (uint16_t)len;
	b->b_len += len;
	return true;
}

/* The page behind a kernel address. */
static struct vm_page *
kva_page(vaddr_t va)
{
	paddr_t pa;

	if (va < KVA_BASE || va >= KVA_END)
		return PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(va));
	if (!pmap_extract(pmap_kernel(), va, &pa, NULL))
		panic("bio: no memory at %#zx", (size_t)va);
	return PHYS_TO_VM_PAGE(pa);
}

bool
bio_add_kva(struct bio *b, void *kva, size_t len)
{
	vaddr_t va = (vaddr_t)kva;
	size_t n;

	KASSERT(va % SECTOR_SIZE == 0 && len % SECTOR_SIZE == 0);
	if (atop(va + len - 1) - atop(va) >= b->b_maxsegs - b->b_nsegs)
		return false;
	for (; len > 0; len -= n, va += n) {
		n = MIN(len, PAGE_SIZE - (va & PAGE_MASK));
		(void)bio_add(b, kva_page(va),
		    (unsigned int)(va & PAGE_MASK), (unsigned int)n);
	}
	return true;
}

/* ---- accounting ---- */

static unsigned int
stat_class(const struct bio *b)
{
	return b->b_op == BIO_READ ? 0 : b->b_op == BIO_DISCARD ? 2 : 1;
}

/* Time during which anything was under way, and the queue's length in time. */
static void
stat_clock(struct disk_stats *ds, uint64_t now)
{
	uint64_t stamp = ds->ds_stamp;
	unsigned int n = ds->ds_inflight[0] + ds->ds_inflight[1];

	if (now <= stamp || !atomic_cas(&ds->ds_stamp, stamp, now) || n == 0)
		return;
	(void)atomic_add(&ds->ds_busyns, now - stamp);
	(void)atomic_add(&ds->ds_queuens, (now - stamp) * n);
}

static void
stat_begin(struct disk_stats *ds, const struct bio *b)
{
	stat_clock(ds, (uint64_t)b->b_since);
	(void)atomic_add(&ds->ds_inflight[b->b_op != BIO_READ], 1);
}

static void
stat_end(struct disk_stats *ds, const struct bio *b, uint64_t now)
{
	unsigned int c = stat_class(b);
	uint64_t ns = now - (uint64_t)b->b_since;

	stat_clock(ds, now);
	(void)atomic_sub(&ds->ds_inflight[b->b_op != BIO_READ], 1);
	if (b->b_op == BIO_FLUSH) {
		(void)atomic_add(&ds->ds_flushes, 1);
		(void)atomic_add(&ds->ds_flushns, ns);
		return;
	}
	(void)atomic_add(&ds->ds_ios[c], 1);
	(void)atomic_add(&ds->ds_ns[c], ns);
	(void)atomic_add(&ds->ds_sectors[c], b->b_len >> SECTOR_SHIFT);
}

static void
stat_merge(const struct bio *b)
{
	unsigned int c = stat_class(b);

	(void)atomic_add(&b->b_whole->d_stats.ds_merges[c], 1);
	if (b->b_disk != b->b_whole)
		(void)atomic_add(&b->b_disk->d_stats.ds_merges[c], 1);
}

#define	MSEC(ns)	((unsigned long long)((ns) / NSEC_PER_MSEC))

void
disk_stat_line(struct disk *d, char *buf, size_t size)
{
	struct disk_stats *ds = &d->d_stats;
	int n;

	stat_clock(ds, (uint64_t)nanouptime());
	n = scnprintf(buf, size, "%llu %llu %llu %llu %llu %llu %llu %llu "
	    "%u %llu %llu ", (unsigned long long)ds->ds_ios[0],
	    (unsigned long long)ds->ds_merges[0],
	    (unsigned long long)ds->ds_sectors[0], MSEC(ds->ds_ns[0]),
	    (unsigned long long)ds->ds_ios[1],
	    (unsigned long long)ds->ds_merges[1],
	    (unsigned long long)ds->ds_sectors[1], MSEC(ds->ds_ns[1]),
	    ds->ds_inflight[0] + ds->ds_inflight[1], MSEC(ds->ds_busyns),
	    MSEC(ds->ds_queuens));
	(void)scnprintf(buf + n, size - (size_t)n,
	    "%llu %llu %llu %llu %llu %llu",
	    (unsigned long long)ds->ds_ios[2],
	    (unsigned long long)ds->ds_merges[2],
	    (unsigned long long)ds->ds_sectors[2], MSEC(ds->ds_ns[2]),
	    (unsigned long long)ds->ds_flushes, MSEC(ds->ds_flushns));
}

/* It is done, and was accounted for if it was queued. */
static void
finish(struct bio *b)
{
	uint64_t now;

	if (b->b_whole != NULL) {
		now = (uint64_t)nanouptime();
		stat_end(&b->b_whole->d_stats, b, now);
		if (b->b_disk != b->b_whole)
			stat_end(&b->b_disk->d_stats, b, now);
	}
	b->b_done(b);
}

static void
finish_list(struct bio_list *list)
{
	struct bio *b;

	while ((b = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, b, b_link);
		finish(b);
	}
}

/* ---- submission ---- */

static int
check(const struct bio *b)
{
	const struct disk *d = b->b_disk, *w = d->d_whole;
	uint64_t n = b->b_len >> SECTOR_SHIFT, mask, size;

	if (((d->d_flags | w->d_flags) & (DISK_GONE | DISK_FAILED)) != 0)
		return EIO;
	if ((w->d_flags & DISK_NOMEDIUM) != 0)
		return ENOMEDIUM;
	if (b->b_op == BIO_FLUSH)
		return b->b_len == 0 ? 0 : EINVAL;
	if (b->b_op != BIO_READ && disk_readonly(d))
		return EROFS;
	if (b->b_op == BIO_DISCARD && w->d_limits.dl_maxdiscard == 0)
		return EOPNOTSUPP;
	/* An empty write is a flush by its flags. */
	if (b->b_len == 0)
		return b->b_op == BIO_WRITE ? 0 : EINVAL;
	mask = w->d_limits.dl_lbs - 1;
	if ((b->b_len & mask) != 0 ||
	    (((b->b_sector + d->d_start) << SECTOR_SHIFT) & mask) != 0)
		return EINVAL;
	size = d->d_sectors;
	if (b->b_sector > size || n > size - b->b_sector)
		return EIO;
	/* The disk may have shrunk. */
	size = w->d_sectors;
	if (d->d_start > size || b->b_sector + n > size - d->d_start)
		return EIO;
	return 0;
}

static void
set_phase(struct bio *b)
{
	const struct disk_limits *dl = &b->b_whole->d_limits;

	b->b_phase = PH_DATA;
	if (b->b_op == BIO_WRITE && (b->b_flags & BIO_PREFLUSH) != 0 &&
	    dl->dl_flush)
		b->b_phase = PH_PRE;
	else if (b->b_op == BIO_WRITE && b->b_len == 0)
		b->b_phase = PH_POST;
}

static bool
is_flush(const struct bio *b)
{
	return b->b_op == BIO_FLUSH || b->b_phase != PH_DATA;
}

/* Which of a queue's lists it is for: 1 if nobody waits. */
static unsigned int
list_of(const struct bio *b)
{
	switch (b->b_op) {
	case BIO_READ:
		return (b->b_flags & BIO_RAHEAD) != 0;
	case BIO_WRITE:
		return (b->b_flags & (BIO_SYNC | BIO_PREFLUSH | BIO_FUA)) == 0;
	case BIO_DISCARD:
		return 1;
	default:
		return 0;
	}
}

static void
enqueue(struct disk_queue *dq, struct bio *b, bool head)
{
	KASSERT(!b->b_queued);
	b->b_queued = true;
	if (head)
		TAILQ_INSERT_HEAD(&dq->dq_bios[list_of(b)], b, b_link);
	else
		TAILQ_INSERT_TAIL(&dq->dq_bios[list_of(b)], b, b_link);
}

static void
dequeue(struct disk_queue *dq, struct bio *b)
{
	KASSERT(b->b_queued);
	b->b_queued = false;
	TAILQ_REMOVE(&dq->dq_bios[list_of(b)], b, b_link);
}

/* Queue it here; false: it is done already. */
static bool
queue_bio(struct disk_queue *dq, struct bio *b)
{
	struct disk *w = b->b_disk->d_whole;
	bool flush;

	b->b_whole = w;
	b->b_start = b->b_sector + b->b_disk->d_start;
	b->b_taken = 0;
	b->b_left = b->b_len;
	b->b_seg = b->b_segoff = 0;
	b->b_queued = false;
	b->b_error = 0;
	b->b_since = nanouptime();
	set_phase(b);
	flush = b->b_op == BIO_FLUSH || b->b_len == 0;
	stat_begin(&w->d_stats, b);
	if (b->b_disk != w)
		stat_begin(&b->b_disk->d_stats, b);
	if (flush && !w->d_limits.dl_flush) {
		finish(b);
		return false;
	}
	spin_enter(&dq->dq_lock);
	if ((w->d_flags & (DISK_GONE | DISK_FAILED)) != 0) {
		spin_exit(&dq->dq_lock);
		b->b_error = EIO;
		finish(b);
		return false;
	}
	enqueue(dq, b, false);
	spin_exit(&dq->dq_lock);
	return true;
}

/* The queue of this CPU; it does not matter if the thread moves on. */
static struct disk_queue *
queue_here(struct disk *w)
{
	return &w->d_queues[curcpu()->ci_index % w->d_nqueues];
}

static struct disk_queue *
submit(struct bio *b)
{
	struct disk_queue *dq;
	int error;

	KASSERT(b->b_done != NULL);
	error = check(b);
	if (error != 0) {
		b->b_whole = NULL;
		b->b_error = error;
		finish(b);
		return NULL;
	}
	dq = queue_here(b->b_disk->d_whole);
	return queue_bio(dq, b) ? dq : NULL;
}

static void
start(struct disk_queue *dq)
{
	dq->dq_disk->d_ops->do_start(dq);
}

void
bio_submit(struct bio *b)
{
	struct disk_queue *dq = submit(b);

	if (dq != NULL)
		start(dq);
}

void
bio_submit_list(struct bio_list *list)
{
	struct disk_queue *dq, *last = NULL;
	struct bio *b;

	while ((b = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, b, b_link);
		dq = submit(b);
		if (dq == NULL)
			continue;
		if (last != NULL && last != dq)
			start(last);
		last = dq;
	}
	if (last != NULL)
		start(last);
}

/* ---- requests ---- */

/* The bio whose turn it is.  Locked. */
static struct bio *
pick(struct disk_queue *dq)
{
	struct bio *sync = TAILQ_FIRST(&dq->dq_bios[0]);
	struct bio *async = TAILQ_FIRST(&dq->dq_bios[1]);

	if (sync == NULL || (async != NULL && dq->dq_streak >= STREAK)) {
		dq->dq_streak = 0;
		return async;
	}
	dq->dq_streak = async != NULL ? dq->dq_streak + 1 : 0;
	return sync;
}

/* Where in its segments b_taken is. */
static void
seek(struct bio *b)
{
	uint64_t left = b->b_taken;
	unsigned int i;

	b->b_seg = b->b_segoff = 0;
	if (b->b_op == BIO_DISCARD)
		return;
	for (i = 0; i < b->b_nsegs && left >= b->b_segs[i].bs_len; i++)
		left -= b->b_segs[i].bs_len;
	b->b_seg = i;
	b->b_segoff = (unsigned int)left;
}

/*
 * Add as many bytes of the bio to the request as it has room for; the bio
 * leaves the queue when nothing of it is left.  False: nothing was added.
 */
static bool
take(struct disk_queue *dq, struct disk_req *r, struct bio *b)
{
	const struct disk_limits *dl = &dq->dq_disk->d_limits;
	uint64_t max, n = 0, len = b->b_len - b->b_taken;
	unsigned int segs = 0, seg = b->b_seg, off = b->b_segoff;

	max = r->dr_op == BIO_DISCARD ? dl->dl_maxdiscard : dl->dl_maxsectors;
	max = (max << SECTOR_SHIFT) - r->dr_len;
	if (r->dr_op == BIO_DISCARD) {
		n = MIN(len, max);
	} else while (n < MIN(len, max) &&
	    r->dr_nsegs + segs < dl->dl_maxsegs) {
		n += b->b_segs[seg++].bs_len - off;
		off = 0;
		segs++;
	}
	n = MIN(n, max);
	n -= n % dl->dl_lbs;
	if (n == 0)
		return false;
	/* Only the first and the last of a request may be a part. */
	if (r->dr_len != 0 && n != len && r->dr_op == BIO_DISCARD)
		return false;
	r->dr_nsegs += segs;
	r->dr_len += n;
	b->b_taken += n;
	if (b->b_taken == b->b_len) {
		dequeue(dq, b);
		return true;
	}
	seek(b);
	return true;
}

static unsigned int
wire_flags(const struct disk_queue *dq, const struct bio *b)
{
	return b->b_op == BIO_WRITE && dq->dq_disk->d_limits.dl_fua &&
	    dq->dq_disk->d_limits.dl_flush ? b->b_flags & BIO_FUA : 0;
}

/* A bio that goes on where the request ends. */
static struct bio *
neighbour(struct disk_queue *dq, const struct disk_req *r, unsigned int list)
{
	uint64_t end = r->dr_sector + (r->dr_len >> SECTOR_SHIFT);
	unsigned int looked = 0;
	struct bio *b;

	TAILQ_FOREACH(b, &dq->dq_bios[list], b_link) {
		if (++looked > MERGE_LOOK)
			break;
		if (b->b_op == r->dr_op && !is_flush(b) && b->b_taken == 0 &&
		    b->b_start == end && (b->b_flags & BIO_NOMERGE) == 0 &&
		    wire_flags(dq, b) == r->dr_flags)
			return b;
	}
	return NULL;
}

static void
fill(struct disk_queue *dq, struct disk_req *r, struct bio *b)
{
	struct bio *last = b, *next;
	unsigned int list;

	r->dr_bio = b;
	r->dr_sector = b->b_start + (b->b_taken >> SECTOR_SHIFT);
	r->dr_seg = b->b_seg;
	r->dr_segoff = b->b_segoff;
	r->dr_len = 0;
	r->dr_nsegs = 0;
	r->dr_flags = 0;
	b->b_next = NULL;
	if (is_flush(b)) {
		r->dr_op = BIO_FLUSH;
		dequeue(dq, b);
		return;
	}
	r->dr_op = b->b_op;
	r->dr_flags = wire_flags(dq, b);
	if (!take(dq, r, b))
		panic("disk %s: limits allow no request",
		    dq->dq_disk->d_name);
	if (b->b_queued || (b->b_flags & BIO_NOMERGE) != 0)
		return;
	for (list = 0; list < 2 && !last->b_queued; ) {
		next = neighbour(dq, r, list);
		if (next == NULL) {
			list++;
			continue;
		}
		if (!take(dq, r, next))
			break;
		next->b_next = NULL;
		last->b_next = next;
		last = next;
		stat_merge(next);
	}
}

/*
 * How many bytes from the start of a request that was given back fit in one
 * now.
 */
static uint64_t
fitting(const struct disk_limits *dl, const struct disk_req *r)
{
	uint64_t max = (uint64_t)dl->dl_maxsectors << SECTOR_SHIFT, n = 0;
	struct disk_cursor c = { 0 };
	unsigned int segs;
	struct bio_seg s;

	if (r->dr_op == BIO_FLUSH)
		return 0;
	if (r->dr_op == BIO_DISCARD)
		return dl->dl_maxdiscard == 0 ? r->dr_len :
		    MIN(r->dr_len, dl->dl_maxdiscard << SECTOR_SHIFT);
	for (segs = 0; segs < dl->dl_maxsegs && n < max &&
	    disk_req_segs(r, &c, &s, 1) == 1; segs++)
		n += s.bs_len;
	n = MIN(MIN(n, max), r->dr_len);
	n -= n % dl->dl_lbs;
	if (n == 0)
		panic("disk: limits allow no request");
	return n;
}

/* Let it begin n bytes later. */
static void
advance(struct disk_req *r, uint64_t n)
{
	struct bio *b = r->dr_bio;
	struct disk_cursor c = { 0 };
	uint64_t in;
	struct bio_seg s;

	r->dr_sector += n >> SECTOR_SHIFT;
	r->dr_len -= n;
	while (r->dr_sector >= b->b_start + (b->b_len >> SECTOR_SHIFT))
		b = b->b_next;
	r->dr_bio = b;
	in = (r->dr_sector - b->b_start) << SECTOR_SHIFT;
	r->dr_seg = r->dr_segoff = r->dr_nsegs = 0;
	if (r->dr_op == BIO_DISCARD)
		return;
	while (in >= b->b_segs[r->dr_seg].bs_len)
		in -= b->b_segs[r->dr_seg++].bs_len;
	r->dr_segoff = (unsigned int)in;
	while (disk_req_segs(r, &c, &s, 1) == 1)
		r->dr_nsegs++;
}

static struct disk_req *
get_req(struct disk_queue *dq)
{
	struct disk_req *r = TAILQ_FIRST(&dq->dq_free);

	TAILQ_REMOVE(&dq->dq_free, r, dr_link);
	dq->dq_busy++;
	r->dr_error = 0;
	return r;
}

/*
 * The first request that was given back, or as much of it as the limits allow
 * now; for that there is one request more than the depth.  NULL: that one is
 * under way.  Locked.
 */
static struct disk_req *
retry(struct disk_queue *dq)
{
	const struct disk_limits *dl = &dq->dq_disk->d_limits;
	struct disk_req *r = TAILQ_FIRST(&dq->dq_retry), *part;
	uint64_t n = fitting(dl, r);

	if (!dl->dl_fua || !dl->dl_flush)
		r->dr_flags &= ~(unsigned int)BIO_FUA;
	r->dr_error = 0;
	if (n == r->dr_len) {
		TAILQ_REMOVE(&dq->dq_retry, r, dr_link);
		return r;
	}
	if (TAILQ_EMPTY(&dq->dq_free))
		return NULL;
	part = get_req(dq);
	part->dr_op = r->dr_op;
	part->dr_flags = r->dr_flags;
	part->dr_sector = r->dr_sector;
	part->dr_seq = r->dr_seq;
	part->dr_bio = r->dr_bio;
	part->dr_seg = r->dr_seg;
	part->dr_segoff = r->dr_segoff;
	part->dr_len = r->dr_len;
	part->dr_nsegs = r->dr_nsegs;
	advance(r, n);
	part->dr_len = n;
	advance(part, 0);
	return part;
}

struct disk_req *
disk_next(struct disk_queue *dq)
{
	struct disk_req *r = NULL;
	struct bio *b;

	spin_enter(&dq->dq_lock);
	if (dq->dq_stopped) {
		r = NULL;
	} else if (!TAILQ_EMPTY(&dq->dq_retry)) {
		r = retry(dq);
	} else if (dq->dq_busy < dq->dq_depth && (b = pick(dq)) != NULL) {
		r = get_req(dq);
		r->dr_seq = ++dq->dq_seq;
		fill(dq, r, b);
	}
	spin_exit(&dq->dq_lock);
	return r;
}

/* ---- completion ---- */

/*
 * A step of a bio is done: the next one, or it goes to the list of those that
 * are.  Locked.
 */
static void
step(struct disk_queue *dq, struct bio *b, struct bio_list *done)
{
	const struct disk_limits *dl = &dq->dq_disk->d_limits;
	bool more = false;

	if (b->b_op == BIO_WRITE && b->b_error == 0) {
		switch (b->b_phase) {
		case PH_PRE:
			more = b->b_len != 0;
			b->b_phase = PH_DATA;
			break;
		case PH_DATA:
			more = (b->b_flags & BIO_FUA) != 0 && dl->dl_flush &&
			    !dl->dl_fua;
			b->b_phase = PH_POST;
			break;
		default:
			break;
		}
	}
	if (more && (dq->dq_disk->d_flags & (DISK_GONE | DISK_FAILED)) != 0) {
		b->b_error = EIO;
		more = false;
	}
	if (more)
		enqueue(dq, b, true);
	else
		TAILQ_INSERT_TAIL(done, b, b_link);
}

/* What a queued bio has left will not be done.  Locked. */
static void
cancel(struct disk_queue *dq, struct bio *b, struct bio_list *done)
{
	dequeue(dq, b);
	b->b_error = EIO;
	if (!is_flush(b))
		b->b_left -= b->b_len - b->b_taken;
	b->b_taken = b->b_len;
	if (is_flush(b) || b->b_left == 0)
		TAILQ_INSERT_TAIL(done, b, b_link);
}

static void
free_req(struct disk_queue *dq, struct disk_req *r)
{
	KASSERT(dq->dq_busy > 0);
	dq->dq_busy--;
	r->dr_bio = NULL;
	r->dr_priv = NULL;
	TAILQ_INSERT_HEAD(&dq->dq_free, r, dr_link);
}

void
disk_done(struct disk_req *r, int error)
{
	struct disk_queue *dq = r->dr_queue;
	struct bio_list done = TAILQ_HEAD_INITIALIZER(done);
	struct bio *b, *next;
	uint64_t left = r->dr_len, n, pos = r->dr_sector;

	spin_enter(&dq->dq_lock);
	b = r->dr_bio;
	if (r->dr_op == BIO_FLUSH) {
		if (error != 0)
			b->b_error = error;
		step(dq, b, &done);
		left = 0;
	}
	for (; left > 0; left -= n, b = next) {
		/* Bytes of this bio that are in the request. */
		n = b->b_start + (b->b_len >> SECTOR_SHIFT) - pos;
		n = MIN(n << SECTOR_SHIFT, left);
		pos += n >> SECTOR_SHIFT;
		next = b->b_next;
		if (error != 0)
			b->b_error = error;
		b->b_left -= n;
		/* No use to read or write the rest of it. */
		if (b->b_error != 0 && b->b_queued)
			cancel(dq, b, &done);
		else if (b->b_left == 0)
			step(dq, b, &done);
	}
	free_req(dq, r);
	spin_exit(&dq->dq_lock);
	finish_list(&done);
}

/* Does b go on where a, a part of the same request, ends? */
static bool
adjacent(const struct disk_req *a, const struct disk_req *b)
{
	return a != NULL && b != NULL && a->dr_seq == b->dr_seq &&
	    a->dr_sector + (a->dr_len >> SECTOR_SHIFT) == b->dr_sector;
}

/* b, in the list, takes over what a is to do; a is free again. */
static void
rejoin(struct disk_queue *dq, struct disk_req *a, struct disk_req *b)
{
	b->dr_sector = a->dr_sector;
	b->dr_len += a->dr_len;
	b->dr_bio = a->dr_bio;
	b->dr_seg = a->dr_seg;
	b->dr_segoff = a->dr_segoff;
	advance(b, 0);
	free_req(dq, a);
}

/*
 * Parts are joined again, so that there is a free request for cutting whenever
 * nothing is with the driver.
 */
void
disk_requeue(struct disk_req *r)
{
	struct disk_queue *dq = r->dr_queue;
	struct disk_req *next, *prev;

	spin_enter(&dq->dq_lock);
	TAILQ_FOREACH(next, &dq->dq_retry, dr_link)
		if (next->dr_seq > r->dr_seq || (next->dr_seq == r->dr_seq &&
		    next->dr_sector > r->dr_sector))
			break;
	prev = next != NULL ? TAILQ_PREV(next, disk_reqs, dr_link) :
	    TAILQ_LAST(&dq->dq_retry, disk_reqs);
	if (adjacent(r, next)) {
		rejoin(dq, r, next);
		r = next;
	} else if (next != NULL) {
		TAILQ_INSERT_BEFORE(next, r, dr_link);
	} else {
		TAILQ_INSERT_TAIL(&dq->dq_retry, r, dr_link);
	}
	if (adjacent(prev, r)) {
		TAILQ_REMOVE(&dq->dq_retry, prev, dr_link);
		rejoin(dq, prev, r);
	}
	spin_exit(&dq->dq_lock);
	if ((dq->dq_disk->d_flags & (DISK_GONE | DISK_FAILED)) != 0)
		disk_queue_abort(dq);
}

/* ---- queues ---- */

int
disk_queue_init(struct disk_queue *dq, struct disk *d, unsigned int index,
    unsigned int depth)
{
	unsigned int i;

	spin_init(&dq->dq_lock, "diskq");
	dq->dq_disk = d;
	dq->dq_index = index;
	dq->dq_depth = depth;
	TAILQ_INIT(&dq->dq_bios[0]);
	TAILQ_INIT(&dq->dq_bios[1]);
	TAILQ_INIT(&dq->dq_free);
	TAILQ_INIT(&dq->dq_retry);
	dq->dq_reqs = kmem_zalloc((depth + 1) * sizeof(*dq->dq_reqs),
	    KM_SLEEP);
	if (dq->dq_reqs == NULL)
		return ENOMEM;
	for (i = 0; i <= depth; i++) {
		dq->dq_reqs[i].dr_queue = dq;
		TAILQ_INSERT_TAIL(&dq->dq_free, &dq->dq_reqs[i], dr_link);
	}
	return 0;
}

void
disk_queue_fini(struct disk_queue *dq)
{
	if (dq->dq_reqs == NULL)
		return;
	KASSERT(dq->dq_busy == 0);
	kmem_free(dq->dq_reqs, (dq->dq_depth + 1) * sizeof(*dq->dq_reqs));
}

void
disk_queue_abort(struct disk_queue *dq)
{
	struct bio_list done = TAILQ_HEAD_INITIALIZER(done);
	struct disk_req *r;
	struct bio *b;
	unsigned int i;

	spin_enter(&dq->dq_lock);
	for (i = 0; i < 2; i++)
		while ((b = TAILQ_FIRST(&dq->dq_bios[i])) != NULL)
			cancel(dq, b, &done);
	while ((r = TAILQ_FIRST(&dq->dq_retry)) != NULL) {
		TAILQ_REMOVE(&dq->dq_retry, r, dr_link);
		spin_exit(&dq->dq_lock);
		disk_done(r, EIO);
		spin_enter(&dq->dq_lock);
	}
	spin_exit(&dq->dq_lock);
	finish_list(&done);
}

void
disk_queue_stop(struct disk_queue *dq)
{
	spin_enter(&dq->dq_lock);
	dq->dq_stopped = true;
	spin_exit(&dq->dq_lock);
}

void
disk_queue_start(struct disk_queue *dq)
{
	spin_enter(&dq->dq_lock);
	dq->dq_stopped = false;
	spin_exit(&dq->dq_lock);
	start(dq);
}

/* ---- a request's memory ---- */

unsigned int
disk_req_segs(const struct disk_req *r, struct disk_cursor *c,
    struct bio_seg *segs, unsigned int max)
{
	struct bio_seg *s;
	unsigned int n = 0;

	if (!c->dc_started) {
		c->dc_started = true;
		c->dc_bio = r->dr_bio;
		c->dc_seg = r->dr_seg;
		c->dc_off = r->dr_segoff;
		c->dc_left = r->dr_op == BIO_DISCARD ? 0 : r->dr_len;
	}
	while (n < max && c->dc_left > 0) {
		if (c->dc_seg == c->dc_bio->b_nsegs) {
			c->dc_bio = c->dc_bio->b_next;
			c->dc_seg = c->dc_off = 0;
			continue;
		}
		s = &segs[n++];
		*s = c->dc_bio->b_segs[c->dc_seg++];
		s->bs_off = (uint16_t)(s->bs_off + c->dc_off);
		s->bs_len = (uint16_t)MIN(s->bs_len - c->dc_off, c->dc_left);
		c->dc_off = 0;
		c->dc_left -= s->bs_len;
	}
	return n;
}

void
disk_req_copy(const struct disk_req *r, uint64_t off, void *buf, size_t len,
    bool toreq)
{
	struct disk_cursor c = { 0 };
	struct bio_seg s;
	char *mem, *p = buf;
	size_t n, skip;

	while (len > 0 && disk_req_segs(r, &c, &s, 1) == 1) {
		skip = (size_t)MIN(off, (uint64_t)s.bs_len);
		off -= skip;
		n = MIN(len, s.bs_len - skip);
		mem = (char *)VM_PAGE_TO_KVA(s.bs_page) + s.bs_off + skip;
		if (toreq)
			memcpy(mem, p, n);
		else
			memcpy(p, mem, n);
		p += n;
		len -= n;
	}
}

void
disk_req_zero(const struct disk_req *r, uint64_t off)
{
	struct disk_cursor c = { 0 };
	struct bio_seg s;
	size_t skip;

	while (disk_req_segs(r, &c, &s, 1) == 1) {
		skip = (size_t)MIN(off, (uint64_t)s.bs_len);
		off -= skip;
		memset((char *)VM_PAGE_TO_KVA(s.bs_page) + s.bs_off + skip, 0,
		    s.bs_len - skip);
	}
}

/* ---- waiting ---- */

struct bio_waiter {
	struct spinlock	bw_lock;
	struct condvar	bw_cv;
	bool		bw_done;	/* [l] */
};

static void
wait_done(struct bio *b)
{
	struct bio_waiter *bw = b->b_arg;

	spin_enter(&bw->bw_lock);
	bw->bw_done = true;
	cv_signal(&bw->bw_cv);
	/* From here on the waiter may have returned. */
	spin_exit(&bw->bw_lock);
}

int
bio_wait(struct bio *b)
{
	struct bio_waiter bw = { .bw_done = false };

	spin_init(&bw.bw_lock, "biowait");
	cv_init(&bw.bw_cv, "biowait");
	b->b_flags |= BIO_SYNC;
	b->b_done = wait_done;
	b->b_arg = &bw;
	bio_submit(b);
	spin_enter(&bw.bw_lock);
	while (!bw.bw_done)
		cv_wait_spin(&bw.bw_cv, &bw.bw_lock);
	spin_exit(&bw.bw_lock);
	cv_destroy(&bw.bw_cv);
	return b->b_error;
}

int
disk_rw(struct disk *d, enum bio_op op, unsigned int flags, uint64_t sector,
    void *buf, size_t len)
{
	unsigned int maxsegs;
	char *p = buf;
	struct bio *b;
	size_t n;
	int error = 0;

	maxsegs = (unsigned int)MIN(atop(len) + 2, RW_MAXPAGES + 1);
	b = bio_alloc(d, op, flags, sector, maxsegs, KM_SLEEP);
	if (b == NULL)
		return ENOMEM;
	while (len > 0 && error == 0) {
		n = MIN(len, RW_MAXPAGES * PAGE_SIZE);
		bio_init(b, d, op, flags, sector, b->b_segs, maxsegs);
		if (!bio_add_kva(b, p, n))
			panic("disk_rw: more pages than counted");
		error = bio_wait(b);
		p += n;
		len -= n;
		sector += n >> SECTOR_SHIFT;
	}
	bio_free(b);
	return error;
}

int
disk_flush(struct disk *d)
{
	struct bio b;

	bio_init(&b, d, BIO_FLUSH, 0, 0, NULL, 0);
	return bio_wait(&b);
}
