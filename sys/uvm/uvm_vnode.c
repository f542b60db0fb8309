/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: finding pages of a file and reading them from the disk.
 *
 * Overview: a page that is not there is put into the object as BUSY, with those
 * behind it that are likely to be wanted, and one batch of transfers is
 * started; the file system says where the bytes are.  Whoever wants a BUSY page
 * waits for that page only.  Access in ascending order is seen by hitting the
 * last batch: then the next one, twice as long, is started before it is needed.
 * Mappings are used in any order, but what is wanted lies close together: their
 * batch is the largest one, with the page in its middle.
 *
 * A batch that fails leaves its pages as BUSY | ERROR; the first who wants one
 * frees it and reads it alone, so that the error is the right page's.
 *
 * Locking: uo_lock for what is in the object.  Batches end in soft interrupt
 * context and change page flags only, under wait_lock.  No file system
 * operation is called with a lock of this directory held.
 */
#include <sys/disk.h>
#include <uvm/uvm_vnode_impl.h>

#define	RA_MIN		4		/* pages of a first batch */
#define	RA_MAX		32
#define	WILLNEED_MAX	2048		/* pages of one advice */
#define	NWAIT		16		/* a power of two */
#define	RUNS_MAX	(RA_MAX * (PAGE_SIZE / SECTOR_SIZE))

/* One batch of pages that are read. */
struct pagein {
	volatile unsigned int pi_left;	/* [a] transfers, and the starter */
	volatile int	pi_error;	/* [a] */
	unsigned int	pi_n;		/* [I] */
	unsigned int	pi_valid;	/* [I] bytes of the last page, the rest
					 * is beyond the end */
	struct vm_page	*pi_pages[RA_MAX]; /* [I] */
};

static struct kmem_cache *uvn_cache;
static struct kmem_cache *pagein_cache;
static struct spinlock wait_lock = SPINLOCK_INITIALIZER("uvm_pagewait");
static struct condvar wait_cv[NWAIT];

static void	uvn_reference(struct uvm_object *);
static void	uvn_detach(struct uvm_object *);
static void	uvn_around(struct uvm_object *, uint64_t);

static const struct uvm_pagerops uvn_ops = {
	.pgo_reference = uvn_reference,
	.pgo_detach = uvn_detach,
	.pgo_get = uvn_get,
	.pgo_around = uvn_around,
	.pgo_put = uvn_put,
};

struct uvm_vnode *
uvm_vnode_of(struct uvm_object *uo)
{
	KASSERT(uo->uo_ops == &uvn_ops);
	return container_of(uo, struct uvm_vnode, un_obj);
}

static void
uvn_reference(struct uvm_object *uo)
{
	(void)vref(uvm_vnode_of(uo)->un_vnode);
}

static void
uvn_detach(struct uvm_object *uo)
{
	vrele(uvm_vnode_of(uo)->un_vnode);
}

/* -- waiting for pages -- */

static struct condvar *
page_cv(const struct vm_page *pg)
{
	return &wait_cv[VM_PAGE_TO_PFN(pg) & (NWAIT - 1)];
}

void
uvn_page_done(struct vm_page *pg, uint32_t flags)
{
	spin_enter(&wait_lock);
	(void)atomic_and(&pg->pg_flags, ~flags);
	cv_broadcast(page_cv(pg));
	spin_exit(&wait_lock);
}

void
uvn_page_wait(struct uvm_object *uo, struct vm_page *pg, uint32_t flags)
{
	uvm_page_hold(pg);
	mutex_exit(&uo->uo_lock);
	spin_enter(&wait_lock);
	while ((pg->pg_flags & flags) != 0 && (pg->pg_flags & PG_ERROR) == 0)
		cv_wait_spin(page_cv(pg), &wait_lock);
	spin_exit(&wait_lock);
	mutex_enter(&uo->uo_lock);
	uvm_page_unhold(pg);
}

void
uvn_page_free(struct uvm_vnode *un, struct vm_page *pg)
{
	KASSERT((pg->pg_flags & PG_WRITEBACK) == 0);
	if ((pg->pg_flags & PG_DIRTY) != 0)
		uvn_page_undirty(un, pg);
	uvn_lru_remove(pg);
	(void)atomic_and(&pg->pg_flags, ~(uint32_t)(PG_BUSY | PG_ERROR));
	uvm_obj_free_range(&un->un_obj, pg->pg_offset,
	    pg->pg_offset + PAGE_SIZE);
}

/* -- reading -- */

/* All of a batch has arrived, or failed.  Soft interrupt or thread. */
static void
pagein_end(struct pagein *pi)
{
	struct vm_page *pg;
	bool failed = pi->pi_error != 0;

	if (!failed && pi->pi_valid < PAGE_SIZE)
		memset((char *)VM_PAGE_TO_KVA(pi->pi_pages[pi->pi_n - 1]) +
		    pi->pi_valid, 0, PAGE_SIZE - pi->pi_valid);
	for (unsigned int i = 0; i < pi->pi_n; i++) {
		pg = pi->pi_pages[i];
		if (failed) {
			(void)atomic_or(&pg->pg_flags, PG_ERROR);
			uvn_page_done(pg, 0);
		} else {
			uvn_lru_add(pg);
			uvn_page_done(pg, PG_BUSY);
		}
	}
	kmem_cache_free(pagein_cache, pi);
}

static void
pagein_put(struct pagein *pi)
{
	if (atomic_sub(&pi->pi_left, 1) == 0)
		pagein_end(pi);
}

static void
pagein_biodone(struct bio *b)
{
	struct pagein *pi = b->b_arg;

	if (b->b_error != 0)
		atomic_store(&pi->pi_error, b->b_error);
	bio_free(b);
	pagein_put(pi);
}

/* Fill [off, off + len) of a batch that starts at `base` with zeros. */
static void
pagein_zero(struct pagein *pi, uint64_t base, uint64_t off, uint64_t len)
{
	struct vm_page *pg;
	size_t in, n;

	for (; len > 0; off += n, len -= n) {
		pg = pi->pi_pages[(off - base) >> PAGE_SHIFT];
		in = (size_t)(off & PAGE_MASK);
		n = (size_t)MIN(len, PAGE_SIZE - in);
		memset((char *)VM_PAGE_TO_KVA(pg) + in, 0, n);
	}
}

/* A transfer of one run. */
static int
pagein_run(struct uvm_vnode *un, struct pagein *pi, uint64_t base,
    const struct vnode_map *m, unsigned int bioflags)
{
	uint64_t off = (uint64_t)m->vm_off, end = off + (uint64_t)m->vm_len;
	struct vm_page *pg;
	struct bio *b;
	size_t in, n;

	b = bio_alloc(un->un_disk, BIO_READ, bioflags,
	    m->vm_disk >> SECTOR_SHIFT,
	    (unsigned int)(((end - trunc_page(off)) >> PAGE_SHIFT) + 1),
	    KM_SLEEP);
	if (b == NULL)
		return ENOMEM;
	for (; off < end; off += n) {
		pg = pi->pi_pages[(off - base) >> PAGE_SHIFT];
		in = (size_t)(off & PAGE_MASK);
		n = (size_t)MIN(end - off, PAGE_SIZE - in);
		if (!bio_add(b, pg, (unsigned int)in, (unsigned int)n))
			panic("uvm: page does not fit into its transfer");
	}
	b->b_done = pagein_biodone;
	b->b_arg = pi;
	(void)atomic_add(&pi->pi_left, 1);
	bio_submit(b);
	return 0;
}

static int
pagein_inline(struct vnode *vp, struct pagein *pi, uint64_t base,
    const struct vnode_map *m)
{
	uint64_t off = (uint64_t)m->vm_off;
	size_t in = (size_t)(off & PAGE_MASK);
	size_t n = (size_t)MIN((uint64_t)m->vm_len, PAGE_SIZE - in);

	pagein_zero(pi, base, off, (uint64_t)m->vm_len);
	return vp->v_ops->vop_readinline(vp, (off_t)off, (char *)
	    VM_PAGE_TO_KVA(pi->pi_pages[(off - base) >> PAGE_SHIFT]) + in, n);
}

/* Start the transfers of a batch.  Nothing locked. */
static void
pagein_start(struct uvm_vnode *un, struct pagein *pi, uint64_t base,
    unsigned int bioflags)
{
	struct vnode *vp = un->un_vnode;
	uint64_t off = base, end = base + ptoa((uint64_t)pi->pi_n);
	struct vnode_map m;
	int error = 0;

	for (; off < end && error == 0; off += (uint64_t)m.vm_len) {
		error = vp->v_ops->vop_bmap(vp, (off_t)off, (off_t)(end - off),
		    &m);
		if (error != 0)
			break;
		KASSERT(m.vm_len > 0 && (uint64_t)m.vm_len <= end - off);
		m.vm_off = (off_t)off;
		if (m.vm_kind == VM_MAPPED)
			error = pagein_run(un, pi, base, &m, bioflags);
		else if (m.vm_kind == VM_INLINE)
			error = pagein_inline(vp, pi, base, &m);
		else
			pagein_zero(pi, base, off, (uint64_t)m.vm_len);
	}
	if (error != 0)
		atomic_store(&pi->pi_error, error);
	pagein_put(pi);
}

/*
 * Put up to n new pages from off on into the object, BUSY, and start reading
 * them.  Object locked; unlocked meanwhile.  ENOMEM: not even one.
 */
static int
pagein(struct uvm_vnode *un, uint64_t off, unsigned int n,
    unsigned int bioflags)
{
	struct uvm_object *uo = &un->un_obj;
	uint64_t at = off, left;
	struct pagein *pi;
	struct vm_page *pg;

	pi = kmem_cache_alloc(pagein_cache, KM_NOSLEEP);
	if (pi == NULL)
		return ENOMEM;
	pi->pi_left = 1;
	pi->pi_error = 0;
	for (pi->pi_n = 0; pi->pi_n < n && at < un->un_size;
	    pi->pi_n++, at += PAGE_SIZE) {
		if (uvm_obj_lookup(uo, at) != NULL)
			break;
		pg = uvm_pagealloc(UVM_PGA_NOSLEEP);
		if (pg == NULL)
			break;
		pg->pg_flags = PG_BUSY;
		if (uvm_obj_insert(uo, pg, at) != 0) {
			pg->pg_flags = 0;
			uvm_pagefree(pg);
			break;
		}
		pi->pi_pages[pi->pi_n] = pg;
	}
	if (pi->pi_n == 0) {
		kmem_cache_free(pagein_cache, pi);
		return ENOMEM;
	}
	left = un->un_size - (at - PAGE_SIZE);
	pi->pi_valid = (unsigned int)MIN(left, PAGE_SIZE);
	mutex_exit(&uo->uo_lock);
	pagein_start(un, pi, off, bioflags);
	mutex_enter(&uo->uo_lock);
	return 0;
}

/* The page at off is missing: how many to read? */
static unsigned int
readahead_miss(struct uvm_vnode *un, size_t idx)
{
	size_t next = un->un_rastart + un->un_ralen;
	unsigned int n = RA_MIN;

	if (un->un_ralen != 0 && idx == next)
		n = MIN(2 * un->un_ralen, RA_MAX);
	un->un_rastart = idx;
	un->un_ralen = n;
	return n;
}

/* The page is there: is it the first of the last batch?  Start the next. */
static void
readahead_hit(struct uvm_vnode *un, size_t idx)
{
	size_t next = un->un_rastart + un->un_ralen;

	if (un->un_ralen == 0 || idx != un->un_rastart ||
	    (uint64_t)next << PAGE_SHIFT >= un->un_size ||
	    !uvm_page_enough(4 * RA_MAX))
		return;
	un->un_rastart = next;
	un->un_ralen = MIN(2 * un->un_ralen, RA_MAX);
	(void)pagein(un, (uint64_t)next << PAGE_SHIFT, un->un_ralen,
	    BIO_RAHEAD);
}

/*
 * A mapping misses the page at off.  One that goes on where the last batch
 * ended is read in ascending order: uvn_get() does that.
 */
static void
uvn_around(struct uvm_object *uo, uint64_t off)
{
	struct uvm_vnode *un = uvm_vnode_of(uo);
	size_t idx = (size_t)(off >> PAGE_SHIFT), first = idx;

	if (off >= un->un_size || uvm_obj_lookup(uo, off) != NULL ||
	    (un->un_ralen != 0 && idx == un->un_rastart + un->un_ralen) ||
	    !uvm_page_enough(4 * RA_MAX))
		return;
	while (first > 0 && idx - first < RA_MAX / 2 &&
	    uvm_obj_lookup(uo, (uint64_t)(first - 1) << PAGE_SHIFT) == NULL)
		first--;
	un->un_rastart = first;
	un->un_ralen = RA_MAX;
	(void)pagein(un, (uint64_t)first << PAGE_SHIFT, RA_MAX, 0);
}

void
uvm_vnode_willneed(struct vnode *vp, uint64_t off, uint64_t len)
{
	struct uvm_vnode *un;
	uint64_t end;

	if (vp->v_uobj == NULL)
		return;
	un = uvm_vnode_of(vp->v_uobj);
	mutex_enter(&un->un_obj.uo_lock);
	end = off < un->un_size ? off + MIN(len, un->un_size - off) : off;
	/* Advice has its limit: nobody fills the memory with it. */
	end = MIN(end, off + ptoa((uint64_t)WILLNEED_MAX));
	for (off = trunc_page(off); off < end; off += PAGE_SIZE) {
		if (uvm_obj_lookup(&un->un_obj, off) != NULL)
			continue;
		if (!uvm_page_enough(4 * RA_MAX) ||
		    pagein(un, off, (unsigned int)MIN(RA_MAX,
		    atop(end - off + PAGE_MASK)), BIO_RAHEAD) != 0)
			break;
	}
	mutex_exit(&un->un_obj.uo_lock);
}

/*
 * May the page be dirtied: is there space for it?  Object locked, unlocked
 * meanwhile.  EAGAIN: look again.
 */
static int
reserve_page(struct uvm_vnode *un, struct vm_page *pg)
{
	struct uvm_object *uo = &un->un_obj;
	struct vnode *vp = un->un_vnode;
	uint64_t off = pg->pg_offset;
	uint64_t len = MIN(PAGE_SIZE, un->un_size - off);
	int error;

	uvm_page_hold(pg);
	mutex_exit(&uo->uo_lock);
	uvn_write_throttle();
	error = vp->v_ops->vop_reserve(vp, (off_t)off, (off_t)len);
	mutex_enter(&uo->uo_lock);
	if (error == 0 && (uvm_obj_lookup(uo, off) != pg ||
	    (pg->pg_flags & (PG_BUSY | PG_WRITEBACK)) != 0))
		error = EAGAIN;
	uvm_page_unhold(pg);
	return error;
}

/*
 * The page at off, read if need be, and DIRTY if for_write.  Object locked,
 * unlocked while it sleeps.  EFAULT: beyond the end; EIO; ENOSPC, EROFS (for
 * writing); ENOMEM: wait for memory and ask again.
 */
int
uvn_get(struct uvm_object *uo, uint64_t off, bool for_write,
    struct vm_page **res)
{
	struct uvm_vnode *un = uvm_vnode_of(uo);
	size_t idx = (size_t)(off >> PAGE_SHIFT);
	bool failed = false;
	struct vm_page *pg;
	int error;

	for (;;) {
		if (off >= un->un_size)
			return EFAULT;
		pg = uvm_obj_lookup(uo, off);
		if (pg == NULL) {
			error = pagein(un, off, failed ? 1 :
			    readahead_miss(un, idx), 0);
			if (error != 0)
				return error;
		} else if ((pg->pg_flags & PG_ERROR) != 0) {
			uvn_page_free(un, pg);
			if (failed)
				return EIO;
			failed = true;
		} else if ((pg->pg_flags & PG_BUSY) != 0) {
			uvn_page_wait(uo, pg, PG_BUSY);
		} else if (for_write && (pg->pg_flags & PG_WRITEBACK) != 0) {
			uvn_page_wait(uo, pg, PG_WRITEBACK);
		} else if (for_write && (pg->pg_flags & PG_DIRTY) == 0) {
			error = reserve_page(un, pg);
			if (error == 0) {
				uvn_page_dirty(un, pg);
				break;
			}
			if (error != EAGAIN)
				return error;
		} else {
			break;
		}
	}
	uvn_lru_touch(pg);
	*res = pg;
	uvm_page_hold(pg);		/* read-ahead unlocks */
	readahead_hit(un, idx);
	uvm_page_unhold(pg);
	return 0;
}

/* -- the object's life -- */

int
uvm_vnode_attach(struct vnode *vp, struct disk *d, uint64_t size)
{
	struct uvm_vnode *un = kmem_cache_alloc(uvn_cache, KM_SLEEP);

	KASSERT(vp->v_uobj == NULL && vp->v_bsize >= SECTOR_SIZE &&
	    vp->v_bsize <= PAGE_SIZE);
	if (un == NULL)
		return ENOMEM;
	memset(un, 0, sizeof(*un));
	uvm_obj_init(&un->un_obj, &uvn_ops);
	TAILQ_INIT(&un->un_dirty);
	un->un_vnode = vp;
	un->un_disk = d;
	un->un_size = size;
	vp->v_uobj = &un->un_obj;
	return 0;
}

/* Throw away what is in [start, end); waits for transfers.  Locked. */
static void
discard(struct uvm_vnode *un, uint64_t start, uint64_t end)
{
	struct uvm_object *uo = &un->un_obj;
	size_t idx = (size_t)(start >> PAGE_SHIFT);
	struct vm_page *pg;

	while ((pg = uvm_radix_next(&uo->uo_pages, &idx)) != NULL &&
	    pg->pg_offset < end) {
		if ((pg->pg_flags & (PG_BUSY | PG_WRITEBACK)) != 0 &&
		    (pg->pg_flags & PG_ERROR) == 0)
			uvn_page_wait(uo, pg, PG_BUSY | PG_WRITEBACK);
		else
			uvn_page_free(un, pg);
	}
}

void
uvm_vnode_detach(struct vnode *vp)
{
	struct uvm_vnode *un;

	if (vp->v_uobj == NULL)
		return;
	un = uvm_vnode_of(vp->v_uobj);
	mutex_enter(&un->un_obj.uo_lock);
	discard(un, 0, UINT64_MAX);
	mutex_exit(&un->un_obj.uo_lock);
	KASSERT(!un->un_queued);
	vp->v_uobj = NULL;
	uvm_obj_fini(&un->un_obj);
	kmem_cache_free(uvn_cache, un);
}

void
uvm_vnode_invalidate(struct vnode *vp, uint64_t start, uint64_t end)
{
	struct uvm_vnode *un = uvm_vnode_of(vp->v_uobj);

	mutex_enter(&un->un_obj.uo_lock);
	discard(un, round_page(start), trunc_page(end));
	mutex_exit(&un->un_obj.uo_lock);
}

/* Zeros from byte `from` to the end of its page, if the page is here. */
void
uvn_clear_tail(struct uvm_vnode *un, uint64_t from)
{
	size_t in = (size_t)(from & PAGE_MASK);
	struct vm_page *pg;

	if (in == 0)
		return;
	pg = uvm_obj_lookup(&un->un_obj, trunc_page(from));
	if (pg != NULL && (pg->pg_flags & PG_BUSY) == 0)
		memset((char *)VM_PAGE_TO_KVA(pg) + in, 0, PAGE_SIZE - in);
}

int
uvn_grow(struct uvm_vnode *un, uint64_t size)
{
	struct uvm_object *uo = &un->un_obj;
	struct vnode *vp = un->un_vnode;
	uint64_t old = un->un_size, start = trunc_page(old);
	struct vm_page *pg;
	int error = 0;

	if (size <= old || old == start)
		return 0;
	uvn_clear_tail(un, old);
	pg = uvm_obj_lookup(uo, start);
	if (pg != NULL && (pg->pg_flags & PG_DIRTY) != 0 &&
	    vp->v_bsize < PAGE_SIZE) {
		mutex_exit(&uo->uo_lock);
		error = vp->v_ops->vop_reserve(vp, (off_t)start,
		    (off_t)(MIN(size, start + PAGE_SIZE) - start));
		mutex_enter(&uo->uo_lock);
	}
	return error;
}

int
uvm_vnode_setsize(struct vnode *vp, uint64_t size)
{
	struct uvm_vnode *un = uvm_vnode_of(vp->v_uobj);
	struct uvm_object *uo = &un->un_obj;
	struct vm_page *pg;
	int error;

	mutex_enter(&uo->uo_lock);
	error = uvn_grow(un, size);
	/* What is cut off of the last page must become zero on the disk. */
	if (size < un->un_size && (size & PAGE_MASK) != 0) {
		while ((error = uvn_get(uo, trunc_page(size), true, &pg)) ==
		    ENOMEM) {
			mutex_exit(&uo->uo_lock);
			error = uvm_wait(1);
			mutex_enter(&uo->uo_lock);
			if (error != 0)
				break;
		}
	}
	if (error == 0) {
		uvn_clear_tail(un, MIN(size, un->un_size));
		un->un_size = size;
		discard(un, round_page(size), UINT64_MAX);
	}
	mutex_exit(&uo->uo_lock);
	return error;
}

void
uvm_vnode_init(void)
{
	uvn_cache = kmem_cache_create("uvm_vnode", sizeof(struct uvm_vnode),
	    0);
	pagein_cache = kmem_cache_create("pagein", sizeof(struct pagein), 0);
	if (uvn_cache == NULL || pagein_cache == NULL)
		panic("uvm: no memory for the page cache");
	for (unsigned int i = 0; i < NWAIT; i++)
		cv_init(&wait_cv[i], "pagewait");
	uvn_lru_init();
	uvn_write_init();
}
