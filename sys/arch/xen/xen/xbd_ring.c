/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disk frontend: rings, requests and the grants behind them.
 *
 * Overview: a request of the block layer is one request in a ring; its id is
 * the number of a slot that keeps what belongs to it.  With persistent grants
 * its data goes through pages of a pool that the backend may keep mapped.
 * Without, the pages themselves are granted while the request lasts.  More than
 * 11 segments are listed in an indirect page, which stays with its slot.
 * Responses are taken in a soft interrupt.
 *
 * Locking: xr_lock for a ring; the block layer's queue lock may be taken inside
 * it.  disk_done() is called without it.
 *
 * Untrusted input: the response producer must lie between what was taken and
 * what was put in; responses are copied out before they are looked at; an id
 * must name a busy slot and the operation must be that slot's; a page must not
 * be mapped any more when its request has been answered.  The first breach ends
 * the disk (xbd_bad()).
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>
#include <xen/hypercall.h>

#include "xbd_impl.h"

#define	SHORT_RETRY	(10 * NSEC_PER_MSEC)
/* Requests, or answers, that are dealt with under one hold of the lock. */
#define	AT_ONCE		4
#define	INDIRECT_ROOM	(PAGE_SIZE / sizeof(struct blkif_request_segment))

CTASSERT(XBD_MAXSEGS <= INDIRECT_ROOM);

/* ---- the memory of a request ---- */

/* One page more for the pool; NULL: not now.  Locked. */
static struct xbd_page *
pool_make(struct xbd_ring *xr, int pgflags)
{
	struct xbd_page *xp;

	xp = kmem_alloc(sizeof(*xp), KM_NOSLEEP);
	if (xp == NULL)
		return NULL;
	xp->xp_page = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ZERO | pgflags);
	if (xp->xp_page == NULL ||
	    gnttab_grant_page(xr->xr_xbd->xd_domid, xp->xp_page, false,
	    &xp->xp_ref) != 0) {
		if (xp->xp_page != NULL)
			uvm_pagefree(xp->xp_page);
		kmem_free(xp, sizeof(*xp));
		return NULL;
	}
	xr->xr_npool++;
	return xp;
}

/* A page of the pool, made if there is room for one more.  Locked. */
static struct xbd_page *
pool_get(struct xbd_ring *xr)
{
	struct xbd_page *xp = SLIST_FIRST(&xr->xr_pool);

	if (xp != NULL)
		SLIST_REMOVE_HEAD(&xr->xr_pool, xp_link);
	else if (xr->xr_npool < XBD_MAXPOOL)
		xp = pool_make(xr, 0);
	return xp;
}

/*
 * What one request needs is there from the beginning: when memory is short,
 * swap and dirty pages can still be written, one request after the other.
 */
static void
pool_init(struct xbd_ring *xr)
{
	struct xbd_page *xp;

	spin_enter(&xr->xr_lock);
	while (xr->xr_npool < xr->xr_maxsegs &&
	    (xp = pool_make(xr, UVM_PGA_USERESERVE)) != NULL)
		SLIST_INSERT_HEAD(&xr->xr_pool, xp, xp_link);
	spin_exit(&xr->xr_lock);
}

static void
pool_fini(struct xbd_ring *xr)
{
	struct xbd_page *xp;

	while ((xp = SLIST_FIRST(&xr->xr_pool)) != NULL) {
		SLIST_REMOVE_HEAD(&xr->xr_pool, xp_link);
		gnttab_end_free(xp->xp_ref, xp->xp_page);
		kmem_free(xp, sizeof(*xp));
		xr->xr_npool--;
	}
	KASSERT(xr->xr_npool == 0);
}

/* Get what the segments need; ENOMEM: nothing is held then.  Locked. */
static int
mem_get(struct xbd_ring *xr, struct xbd_slot *xs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (xr->xr_xbd->xd_persistent) {
			xs->xs_mem[i].xm_page = pool_get(xr);
			if (xs->xs_mem[i].xm_page == NULL)
				break;
		} else if (gnttab_alloc(&xs->xs_mem[i].xm_ref, 1) != 0) {
			break;
		}
	}
	if (i == n)
		return 0;
	while (i-- > 0) {
		if (xr->xr_xbd->xd_persistent)
			SLIST_INSERT_HEAD(&xr->xr_pool, xs->xs_mem[i].xm_page,
			    xp_link);
		else
			gnttab_free(xs->xs_mem[i].xm_ref);
	}
	return ENOMEM;
}

/*
 * The request is answered: the data of a read moves to where it belongs, the
 * grants end.  EBUSY if the backend holds on to a page.  Locked.
 */
static int
mem_put(struct xbd_ring *xr, struct xbd_slot *xs, bool copy)
{
	struct disk_cursor c = { 0 };
	struct bio_seg s;
	struct xbd_page *xp;
	unsigned int i;
	int error = 0;

	for (i = 0; i < xs->xs_nsegs; i++) {
		if (!xr->xr_xbd->xd_persistent) {
			if (!gnttab_end(xs->xs_mem[i].xm_ref))
				error = EBUSY;
			gnttab_end_free(xs->xs_mem[i].xm_ref, NULL);
			continue;
		}
		xp = xs->xs_mem[i].xm_page;
		if (copy && disk_req_segs(xs->xs_req, &c, &s, 1) == 1)
			memcpy((char *)VM_PAGE_TO_KVA(s.bs_page) + s.bs_off,
			    (char *)VM_PAGE_TO_KVA(xp->xp_page) + s.bs_off,
			    s.bs_len);
		SLIST_INSERT_HEAD(&xr->xr_pool, xp, xp_link);
	}
	xs->xs_nsegs = 0;
	return error;
}

/* The page for lists of segments of this slot.  Locked. */
static int
indirect_get(struct xbd_ring *xr, struct xbd_slot *xs)
{
	if (xs->xs_indirect != NULL)
		return 0;
	/* No more of them than there are requests whose data has its grants. */
	xs->xs_indirect = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ZERO |
	    UVM_PGA_USERESERVE);
	if (xs->xs_indirect == NULL)
		return ENOMEM;
	/* What a backend maps for good it maps for writing, whatever it is. */
	if (gnttab_grant_page(xr->xr_xbd->xd_domid, xs->xs_indirect,
	    !xr->xr_xbd->xd_persistent, &xs->xs_indref) == 0)
		return 0;
	uvm_pagefree(xs->xs_indirect);
	xs->xs_indirect = NULL;
	return ENOMEM;
}

/* ---- requests ---- */

/* Describe the data, one element for each segment of the request.  Locked. */
static void
fill_segs(struct xbd_ring *xr, struct xbd_slot *xs,
    struct blkif_request_segment *out)
{
	bool write = xs->xs_req->dr_op == BIO_WRITE;
	struct disk_cursor c = { 0 };
	struct xbd_page *xp;
	struct bio_seg s;
	unsigned int i;

	for (i = 0; i < xs->xs_nsegs; i++) {
		if (disk_req_segs(xs->xs_req, &c, &s, 1) != 1)
			panic("xbd: fewer segments than counted");
		if (xr->xr_xbd->xd_persistent) {
			xp = xs->xs_mem[i].xm_page;
			out[i].gref = xp->xp_ref.gref;
			if (write)
				memcpy((char *)VM_PAGE_TO_KVA(xp->xp_page) +
				    s.bs_off, (char *)VM_PAGE_TO_KVA(
				    s.bs_page) + s.bs_off, s.bs_len);
		} else {
			gnttab_grant(xs->xs_mem[i].xm_ref,
			    xr->xr_xbd->xd_domid,
			    MKPFN(VM_PAGE_TO_PFN(s.bs_page)), write);
			out[i].gref = xs->xs_mem[i].xm_ref.gref;
		}
		out[i].first_sect = (uint8_t)(s.bs_off >> SECTOR_SHIFT);
		out[i].last_sect = (uint8_t)(((unsigned int)s.bs_off +
		    s.bs_len - 1) >> SECTOR_SHIFT);
	}
}

static void
fill_rw(struct xbd_ring *xr, struct xbd_slot *xs, unsigned int id)
{
	struct disk_req *r = xs->xs_req;
	blkif_request_t *rq;
	blkif_request_indirect_t *in;

	rq = RING_GET_REQUEST(&xr->xr_ring, xr->xr_ring.req_prod_pvt);
	xs->xs_op = r->dr_op == BIO_READ ? BLKIF_OP_READ : BLKIF_OP_WRITE;
	if (xs->xs_nsegs <= BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		rq->operation = xs->xs_op;
		rq->nr_segments = (uint8_t)xs->xs_nsegs;
		rq->handle = (blkif_vdev_t)xr->xr_xbd->xd_handle;
		rq->id = id;
		rq->sector_number = r->dr_sector;
		fill_segs(xr, xs, rq->seg);
		return;
	}
	in = (blkif_request_indirect_t *)rq;
	in->operation = BLKIF_OP_INDIRECT;
	in->indirect_op = xs->xs_op;
	in->nr_segments = (uint16_t)xs->xs_nsegs;
	in->id = id;
	in->sector_number = r->dr_sector;
	in->handle = (blkif_vdev_t)xr->xr_xbd->xd_handle;
	in->indirect_grefs[0] = xs->xs_indref.gref;
	fill_segs(xr, xs, VM_PAGE_TO_KVA(xs->xs_indirect));
}

static void
fill_other(struct xbd_ring *xr, struct xbd_slot *xs, unsigned int id)
{
	struct disk_req *r = xs->xs_req;
	blkif_request_discard_t *di;
	blkif_request_t *rq;

	rq = RING_GET_REQUEST(&xr->xr_ring, xr->xr_ring.req_prod_pvt);
	if (r->dr_op == BIO_DISCARD) {
		di = (blkif_request_discard_t *)rq;
		xs->xs_op = di->operation = BLKIF_OP_DISCARD;
		di->flag = 0;
		di->handle = (blkif_vdev_t)xr->xr_xbd->xd_handle;
		di->id = id;
		di->sector_number = r->dr_sector;
		di->nr_sectors = r->dr_len >> SECTOR_SHIFT;
		return;
	}
	/* An empty barrier does what a flush does. */
	xs->xs_op = xr->xr_xbd->xd_flush ? BLKIF_OP_FLUSH_DISKCACHE :
	    BLKIF_OP_WRITE_BARRIER;
	rq->operation = xs->xs_op;
	rq->nr_segments = 0;
	rq->handle = (blkif_vdev_t)xr->xr_xbd->xd_handle;
	rq->id = id;
	rq->sector_number = 0;
}

/*
 * Put one request into the ring, which has room and a free slot.  ENOMEM: not
 * now.  Locked.
 */
static int
put(struct xbd_ring *xr, struct disk_req *r)
{
	unsigned int id = xr->xr_free;
	struct xbd_slot *xs = &xr->xr_slots[id];
	bool rw = r->dr_op == BIO_READ || r->dr_op == BIO_WRITE;
	int error = 0;

	if (rw && r->dr_nsegs > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		error = indirect_get(xr, xs);
	if (rw && error == 0)
		error = mem_get(xr, xs, r->dr_nsegs);
	if (error != 0)
		return error;
	xr->xr_free = xs->xs_next;
	xr->xr_busy++;
	xs->xs_req = r;
	xs->xs_nsegs = rw ? r->dr_nsegs : 0;
	xs->xs_since = nanouptime();
	if (rw)
		fill_rw(xr, xs, id);
	else
		fill_other(xr, xs, id);
	xr->xr_ring.req_prod_pvt++;
	xbd_inflight(xr->xr_xbd, 1);
	return 0;
}

/* What the backend of today cannot do at all: the result, or EAGAIN. */
static int
unable(const struct xbd_ring *xr, const struct disk_req *r)
{
	const struct xbd *xd = xr->xr_xbd;

	if (r->dr_op == BIO_FLUSH && !xd->xd_flush && !xd->xd_barrier)
		return 0;		/* no cache to flush any more */
	if (r->dr_op == BIO_DISCARD &&
	    xd->xd_disk->d_limits.dl_maxdiscard == 0)
		return EOPNOTSUPP;
	return EAGAIN;
}

/* The next request to put in, with room for it; or NULL.  Locked. */
static struct disk_req *
next(struct xbd_ring *xr, struct disk_queue *dq)
{
	struct disk_req *r = xr->xr_held;

	if (!xr->xr_up || xr->xr_broken || xr->xr_free == xr->xr_nslots ||
	    RING_FULL(&xr->xr_ring))
		return NULL;
	xr->xr_held = NULL;
	return r != NULL ? r : disk_next(dq);
}

static void
finish(struct disk_reqs *done)
{
	struct disk_req *r;

	while ((r = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, r, dr_link);
		disk_done(r, r->dr_error);
	}
}

/* Put a few in; false: there is no more, or no room. */
static bool
run_some(struct xbd_ring *xr, struct disk_queue *dq)
{
	struct disk_reqs done = TAILQ_HEAD_INITIALIZER(done);
	struct disk_req *r = NULL;
	unsigned int n;
	int error, notify = 0;

	spin_enter(&xr->xr_lock);
	for (n = 0; n < AT_ONCE && (r = next(xr, dq)) != NULL; n++) {
		error = unable(xr, r);
		if (error != EAGAIN) {
			r->dr_error = error;
			TAILQ_INSERT_TAIL(&done, r, dr_link);
			continue;
		}
		if (put(xr, r) == 0)
			continue;
		/* An answer brings memory back, or else time does. */
		xr->xr_held = r;
		if (xr->xr_busy == 0)
			callout_schedule(&xr->xr_retry,
			    nanouptime() + SHORT_RETRY);
		r = NULL;
		break;
	}
	if (xr->xr_up)
		RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&xr->xr_ring, notify);
	if (notify)
		evtchn_notify(xr->xr_evt);
	spin_exit(&xr->xr_lock);
	finish(&done);
	return n == AT_ONCE && r != NULL;
}

void
xbd_ring_run(struct xbd_ring *xr, struct disk_queue *dq)
{
	while (run_some(xr, dq))
		continue;
}

/* Run all queues that this ring serves. */
static void
run_queues(struct xbd_ring *xr)
{
	struct disk *d = xr->xr_xbd->xd_disk;
	unsigned int i, n = atomic_load_acquire(&xr->xr_xbd->xd_nrings);

	for (i = xr->xr_index; n != 0 && i < d->d_nqueues; i += n)
		xbd_ring_run(xr, &d->d_queues[i]);
}

static void
short_retry(void *arg)
{
	run_queues(arg);
}

/* ---- responses ---- */

static void
slot_free(struct xbd_ring *xr, unsigned int id)
{
	xr->xr_slots[id].xs_req = NULL;
	xr->xr_slots[id].xs_next = xr->xr_free;
	xr->xr_free = id;
	xr->xr_busy--;
	xbd_inflight(xr->xr_xbd, -1);
}

static int
status_error(struct xbd_ring *xr, const struct disk_req *r, int status)
{
	switch (status) {
	case BLKIF_RSP_OKAY:
		return 0;
	case BLKIF_RSP_ERROR:
		return EIO;
	default:
		break;
	}
	/* EOPNOTSUPP: offered, yet refused; it will not be asked again. */
	xbd_refused(xr->xr_xbd, r->dr_op);
	if (r->dr_op == BIO_FLUSH)
		return 0;
	return r->dr_op == BIO_DISCARD ? EOPNOTSUPP : EIO;
}

/* What is wrong with it?  NULL: nothing.  Locked. */
static const char *
check(const struct xbd_ring *xr, const blkif_response_t *rs)
{
	const struct xbd_slot *xs;

	if (rs->id >= xr->xr_nslots)
		return "an impossible request id";
	xs = &xr->xr_slots[rs->id];
	if (xs->xs_req == NULL)
		return "an answer to nothing";
	if (rs->operation != xs->xs_op && (rs->operation != BLKIF_OP_INDIRECT ||
	    xs->xs_nsegs <= BLKIF_MAX_SEGMENTS_PER_REQUEST))
		return "an answer to another operation";
	if (rs->status != BLKIF_RSP_OKAY && rs->status != BLKIF_RSP_ERROR &&
	    rs->status != BLKIF_RSP_EOPNOTSUPP)
		return "an unknown status";
	return NULL;
}

/*
 * Take a few of the responses that are there; *more: others are.  What is
 * wrong, or NULL.  Locked.
 */
static const char *
take(struct xbd_ring *xr, struct disk_reqs *done, bool *more)
{
	blkif_front_ring_t *ring = &xr->xr_ring;
	const char *bad = NULL;
	struct xbd_slot *xs;
	blkif_response_t rs;
	unsigned int n;
	RING_IDX rp;

	rp = atomic_load_acquire(&ring->sring->rsp_prod);
	if (rp - ring->rsp_cons > ring->req_prod_pvt - ring->rsp_cons)
		return "an impossible producer index";
	for (n = 0; n < AT_ONCE && ring->rsp_cons != rp && bad == NULL; n++) {
		RING_COPY_RESPONSE(ring, ring->rsp_cons, &rs);
		bad = check(xr, &rs);
		if (bad != NULL)
			break;
		ring->rsp_cons++;
		xs = &xr->xr_slots[rs.id];
		xs->xs_req->dr_error = status_error(xr, xs->xs_req,
		    rs.status);
		if (mem_put(xr, xs, xs->xs_req->dr_error == 0 &&
		    xs->xs_req->dr_op == BIO_READ) != 0) {
			xs->xs_req->dr_error = EIO;
			bad = "a page still mapped after its request";
		}
		TAILQ_INSERT_TAIL(done, xs->xs_req, dr_link);
		slot_free(xr, (unsigned int)rs.id);
	}
	*more = ring->rsp_cons != rp;
	return bad;
}

/* A few answers; true: there are more. */
static bool
soft_some(struct xbd_ring *xr)
{
	struct disk_reqs done = TAILQ_HEAD_INITIALIZER(done);
	const char *bad = NULL;
	RING_IDX before;
	bool more = false;
	int late = 0;

	spin_enter(&xr->xr_lock);
	if (xr->xr_up && !xr->xr_broken) {
		before = xr->xr_ring.rsp_cons;
		bad = take(xr, &done, &more);
		/* An answer that comes now, or any later one, is an event. */
		if (bad == NULL && !more && xr->xr_ring.rsp_cons != before)
			RING_FINAL_CHECK_FOR_RESPONSES(&xr->xr_ring, late);
		xr->xr_broken = bad != NULL;
	}
	spin_exit(&xr->xr_lock);
	finish(&done);
	if (bad != NULL)
		xbd_bad(xr->xr_xbd, "%s", bad);
	return bad == NULL && (more || late != 0);
}

/* Soft interrupt. */
static void
ring_soft(void *arg)
{
	struct xbd_ring *xr = arg;

	while (soft_some(xr))
		continue;
	run_queues(xr);
}

static void
ring_event(void *arg)
{
	struct xbd_ring *xr = arg;

	softint_schedule(xr->xr_softint);
}

nsec_t
xbd_ring_oldest(struct xbd_ring *xr)
{
	nsec_t oldest = 0;
	unsigned int i;

	spin_enter(&xr->xr_lock);
	for (i = 0; xr->xr_busy > 0 && i < xr->xr_nslots; i++)
		if (xr->xr_slots[i].xs_req != NULL && (oldest == 0 ||
		    xr->xr_slots[i].xs_since < oldest))
			oldest = xr->xr_slots[i].xs_since;
	spin_exit(&xr->xr_lock);
	return oldest;
}

/* ---- life ---- */

static int
slots_create(struct xbd_ring *xr)
{
	unsigned int i;

	xr->xr_slots = kmem_zalloc(xr->xr_nslots * sizeof(*xr->xr_slots),
	    KM_SLEEP);
	xr->xr_mem = kmem_zalloc((size_t)xr->xr_nslots * xr->xr_maxsegs *
	    sizeof(*xr->xr_mem), KM_SLEEP);
	if (xr->xr_slots == NULL || xr->xr_mem == NULL)
		return ENOMEM;
	for (i = 0; i < xr->xr_nslots; i++) {
		xr->xr_slots[i].xs_mem = &xr->xr_mem[(size_t)i *
		    xr->xr_maxsegs];
		xr->xr_slots[i].xs_next = i + 1;
	}
	xr->xr_free = 0;
	xr->xr_busy = 0;
	return 0;
}

static void
slots_destroy(struct xbd_ring *xr)
{
	unsigned int i;

	for (i = 0; xr->xr_slots != NULL && i < xr->xr_nslots; i++)
		if (xr->xr_slots[i].xs_indirect != NULL)
			gnttab_end_free(xr->xr_slots[i].xs_indref,
			    xr->xr_slots[i].xs_indirect);
	if (xr->xr_slots != NULL)
		kmem_free(xr->xr_slots, xr->xr_nslots *
		    sizeof(*xr->xr_slots));
	if (xr->xr_mem != NULL)
		kmem_free(xr->xr_mem, (size_t)xr->xr_nslots *
		    xr->xr_maxsegs * sizeof(*xr->xr_mem));
	xr->xr_slots = NULL;
	xr->xr_mem = NULL;
}

/* Pages of the ring; granted, but for those that xr_npages does not count. */
static int
pages_create(struct xbd_ring *xr, unsigned int order)
{
	unsigned int i;
	int error;

	xr->xr_pages = uvm_pagealloc_order(order, 0);
	if (xr->xr_pages == NULL)
		return ENOMEM;
	for (i = 0; i < 1U << order; i++)
		pmap_zero_page(&xr->xr_pages[i]);
	for (i = 0; i < 1U << order; i++) {
		error = gnttab_grant_page(xr->xr_xbd->xd_domid,
		    &xr->xr_pages[i], false, &xr->xr_refs[i]);
		if (error != 0)
			break;
	}
	xr->xr_npages = i;
	for (; i < 1U << order; i++)
		uvm_pagefree(&xr->xr_pages[i]);
	return xr->xr_npages == 1U << order ? 0 : error;
}

static void
pages_destroy(struct xbd_ring *xr)
{
	unsigned int i;

	for (i = 0; i < xr->xr_npages; i++)
		gnttab_end_free(xr->xr_refs[i], &xr->xr_pages[i]);
	xr->xr_npages = 0;
	xr->xr_pages = NULL;
}

int
xbd_ring_create(struct xbd *xd, unsigned int index, unsigned int order)
{
	struct xbd_ring *xr = &xd->xd_rings[index];
	blkif_sring_t *sring;
	int error;

	xr->xr_xbd = xd;
	xr->xr_index = index;
	xr->xr_up = xr->xr_broken = false;
	xr->xr_busy = 0;
	xr->xr_held = NULL;
	SLIST_INIT(&xr->xr_pool);
	callout_init(&xr->xr_retry, short_retry, xr);
	error = pages_create(xr, order);
	if (error != 0)
		goto fail;
	sring = VM_PAGE_TO_KVA(xr->xr_pages);
	SHARED_RING_INIT(sring);
	FRONT_RING_INIT(&xr->xr_ring, sring, PAGE_SIZE << order);
	xr->xr_nslots = MIN(RING_SIZE(&xr->xr_ring), (unsigned int)XBD_DEPTH);
	xr->xr_softint = softint_establish(SOFTINT_BIO, ring_soft, xr);
	if (xr->xr_softint == NULL) {
		error = ENOMEM;
		goto fail;
	}
	error = evtchn_alloc_unbound(xd->xd_domid, ring_event, xr,
	    xd->xd_name, &xr->xr_evt);
	if (error != 0)
		goto fail;
	return 0;

fail:
	xbd_ring_destroy(xr, true);
	return error;
}

int
xbd_ring_open(struct xbd_ring *xr, unsigned int maxsegs)
{
	int error;

	xr->xr_maxsegs = maxsegs;
	error = slots_create(xr);
	if (error != 0) {
		slots_destroy(xr);
		return error;
	}
	if (xr->xr_xbd->xd_persistent)
		pool_init(xr);
	spin_enter(&xr->xr_lock);
	xr->xr_up = true;
	spin_exit(&xr->xr_lock);
	return 0;
}

/* What was in flight, and what was held, is no longer the ring's. */
static void
flight_end(struct xbd_ring *xr, bool fail)
{
	struct disk_req *r;
	unsigned int i;

	for (i = 0; xr->xr_slots != NULL && i < xr->xr_nslots; i++) {
		spin_enter(&xr->xr_lock);
		r = xr->xr_slots[i].xs_req;
		if (r != NULL) {
			(void)mem_put(xr, &xr->xr_slots[i], false);
			slot_free(xr, i);
		}
		spin_exit(&xr->xr_lock);
		if (r != NULL && fail)
			disk_done(r, EIO);
		else if (r != NULL)
			disk_requeue(r);
	}
	spin_enter(&xr->xr_lock);
	r = xr->xr_held;
	xr->xr_held = NULL;
	spin_exit(&xr->xr_lock);
	if (r != NULL && fail)
		disk_done(r, EIO);
	else if (r != NULL)
		disk_requeue(r);
}

void
xbd_ring_destroy(struct xbd_ring *xr, bool fail)
{
	spin_enter(&xr->xr_lock);
	xr->xr_up = false;
	spin_exit(&xr->xr_lock);
	if (xr->xr_evt != NULL)
		evtchn_unbind(xr->xr_evt);
	xr->xr_evt = NULL;
	if (xr->xr_softint != NULL)
		softint_disestablish(xr->xr_softint);
	xr->xr_softint = NULL;
	(void)callout_halt(&xr->xr_retry);
	flight_end(xr, fail);
	slots_destroy(xr);
	pool_fini(xr);
	pages_destroy(xr);
}
