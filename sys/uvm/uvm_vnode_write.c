/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: which pages are newer than the disk, and writing them.
 *
 * Overview: a page that is changed becomes DIRTY, goes on its file's list, and
 * the file on the list of dirty files, which holds a reference to the vnode.
 * The writer, a thread, writes a file's pages when the first of them has been
 * dirty for AGE, or at once when too many are; fsync and its like do the same
 * in the caller's context.  Who makes pages dirty faster than they can be
 * written waits.
 *
 * Pages go out in batches of neighbours: each loses its DIRTY and the right to
 * be written through mappings, then the file system says, run by run, where
 * they go, and hears when they are there.  A page changed by write(2) while it
 * is on its way is DIRTY again.  What cannot be written stays in memory as if
 * it had been, and the file's next fsync says so: keeping it dirty would
 * fill memory with it.
 *
 * Memory: the writer must make progress when there is none, so everything a
 * batch needs is in one structure, and one of those is kept for the case that
 * no other can be had.
 *
 * Locking: uo_lock for a file's list, dirty_lock (spin) for the list of files,
 * write_lock (spin) for the transfers of batches.
 */
#include <sys/disk.h>
#include <sys/kthread.h>
#include <sys/time.h>
#include <uvm/uvm_vnode_impl.h>

#define	AGE		(30 * NSEC_PER_SEC)
#define	PERIOD		(5 * NSEC_PER_SEC)
#define	BATCH_PAGES	256
#define	BATCH_RUNS	32
#define	BATCH_SEGS	(2 * BATCH_PAGES)
#define	THROTTLE_STEP	(50 * NSEC_PER_MSEC)
#define	THROTTLE_MAX	(2 * NSEC_PER_SEC)

/* A run of a batch: one transfer. */
struct run {
	struct bio	r_bio;
	struct vnode_map r_map;
};

struct batch {
	struct vm_page	*ba_pages[BATCH_PAGES];
	unsigned int	ba_n;
	uint64_t	ba_off;		/* of the first page, bytes */
	uint64_t	ba_end;		/* where the file ends, in blocks */
	struct run	ba_runs[BATCH_RUNS];
	unsigned int	ba_nruns;
	struct bio_seg	ba_segs[BATCH_SEGS];
	unsigned int	ba_nsegs;
	unsigned int	ba_left;	/* [w] transfers under way */
	int		ba_error;
};

TAILQ_HEAD(unlist, uvm_vnode);

static struct spinlock dirty_lock = SPINLOCK_INITIALIZER("uvm_dirty");
static struct unlist dirty_files = TAILQ_HEAD_INITIALIZER(dirty_files);

static struct spinlock write_lock = SPINLOCK_INITIALIZER("uvm_write");
static struct condvar write_cv;			/* batches; the throttled */
static struct condvar writer_cv;		/* the writer sleeps here */
static bool kicked;				/* [write_lock] */
static bool idle_seen;				/* [write_lock] */

static struct batch *spare;			/* [spare_lock] */
static struct mutex spare_lock;

/* Pages the cache could have: what is free, and what it has. */
static size_t
available(void)
{
	return uvmexp.free + uvmexp.active + uvmexp.inactive +
	    uvmexp.dirty;
}

static bool
too_many(unsigned int percent)
{
	return uvmexp.dirty > available() / 100 * percent;
}

void
uvn_write_kick(void)
{
	spin_enter(&write_lock);
	kicked = true;
	cv_signal(&writer_cv);
	spin_exit(&write_lock);
}

void
uvm_vnode_idle(void)
{
	spin_enter(&write_lock);
	idle_seen = true;
	cv_signal(&writer_cv);
	spin_exit(&write_lock);
}

/* Nothing locked that the writer might want. */
void
uvn_write_throttle(void)
{
	nsec_t end;

	if (!too_many(10))
		return;
	uvn_write_kick();
	if (!too_many(20))
		return;
	end = nanouptime() + THROTTLE_MAX;
	spin_enter(&write_lock);
	while (too_many(20) && nanouptime() < end &&
	    !uvm_being_killed(curlwp))
		(void)cv_timedwait_spin(&write_cv, &write_lock,
		    nanouptime() + THROTTLE_STEP);
	spin_exit(&write_lock);
}

/* -- dirty pages and files; object locked -- */

void
uvn_page_dirty(struct uvm_vnode *un, struct vm_page *pg)
{
	KASSERT(mutex_owned(&un->un_obj.uo_lock));
	if ((pg->pg_flags & PG_DIRTY) != 0)
		return;
	uvn_lru_remove(pg);
	(void)atomic_or(&pg->pg_flags, PG_DIRTY);
	TAILQ_INSERT_TAIL(&un->un_dirty, pg, pg_list);
	un->un_ndirty++;
	(void)atomic_add(&uvmexp.dirty, 1);
	spin_enter(&dirty_lock);
	if (!un->un_queued) {
		(void)vref(un->un_vnode);
		un->un_queued = true;
		un->un_since = nanouptime();
		TAILQ_INSERT_TAIL(&dirty_files, un, un_link);
	}
	spin_exit(&dirty_lock);
}

void
uvn_page_undirty(struct uvm_vnode *un, struct vm_page *pg)
{
	TAILQ_REMOVE(&un->un_dirty, pg, pg_list);
	(void)atomic_and(&pg->pg_flags, ~(uint32_t)PG_DIRTY);
	un->un_ndirty--;
	(void)atomic_sub(&uvmexp.dirty, 1);
}

/* -- batches -- */

static struct batch *
batch_get(void)
{
	struct batch *ba = kmem_alloc(sizeof(*ba), KM_NOSLEEP);

	if (ba != NULL)
		return ba;
	mutex_enter(&spare_lock);
	return spare;
}

static void
batch_put(struct batch *ba)
{
	if (ba == spare)
		mutex_exit(&spare_lock);
	else
		kmem_free(ba, sizeof(*ba));
}

static bool
can_write(const struct uvm_vnode *un, const struct vm_page *pg)
{
	return pg != NULL && pg->pg_offset < un->un_size &&
	    (pg->pg_flags & (PG_DIRTY | PG_BUSY | PG_WRITEBACK)) == PG_DIRTY;
}

/* The next page of the file to begin with, in [start, end).  Locked. */
static struct vm_page *
next_dirty(struct uvm_vnode *un, uint64_t start, uint64_t end)
{
	struct vm_page *pg;

	TAILQ_FOREACH(pg, &un->un_dirty, pg_list)
		if (pg->pg_offset >= start && pg->pg_offset < end &&
		    can_write(un, pg))
			return pg;
	return NULL;
}

/* Make a batch of the page and its dirty neighbours.  Locked. */
static void
batch_gather(struct uvm_vnode *un, struct vm_page *pg, struct batch *ba)
{
	struct uvm_object *uo = &un->un_obj;
	/* Behind it there may be what was stored through a mapping. */
	uint64_t off = pg->pg_offset, end = MAX(un->un_size, un->un_copyend);
	unsigned int i;

	for (i = 0; i < BATCH_PAGES / 2 && off > 0 &&
	    can_write(un, uvm_obj_lookup(uo, off - PAGE_SIZE)); i++)
		off -= PAGE_SIZE;
	ba->ba_off = off;
	ba->ba_end = roundup2(un->un_size, (uint64_t)un->un_vnode->v_bsize);
	ba->ba_n = 0;
	for (; ba->ba_n < BATCH_PAGES; off += PAGE_SIZE) {
		pg = uvm_obj_lookup(uo, off);
		if (!can_write(un, pg))
			break;
		uvn_page_undirty(un, pg);
		(void)atomic_or(&pg->pg_flags, PG_WRITEBACK);
		pmap_page_protect(pg, PROT_READ | PROT_EXEC);
		if (end - off < PAGE_SIZE)
			memset((char *)VM_PAGE_TO_KVA(pg) + (end - off), 0,
			    PAGE_SIZE - (size_t)(end - off));
		ba->ba_pages[ba->ba_n++] = pg;
	}
	un->un_nwriting += ba->ba_n;
	(void)atomic_add(&uvmexp.writeback, ba->ba_n);
}

static void
batch_biodone(struct bio *b)
{
	struct batch *ba = b->b_arg;

	spin_enter(&write_lock);
	if (--ba->ba_left == 0)
		cv_broadcast(&write_cv);
	spin_exit(&write_lock);
}

/* Wait for the transfers, tell the file system. */
static void
batch_wait(struct uvm_vnode *un, struct batch *ba)
{
	struct vnode *vp = un->un_vnode;
	struct run *r;
	int error;

	spin_enter(&write_lock);
	while (ba->ba_left != 0)
		cv_wait_spin(&write_cv, &write_lock);
	spin_exit(&write_lock);
	for (r = ba->ba_runs; r < &ba->ba_runs[ba->ba_nruns]; r++) {
		error = vp->v_ops->vop_writedone(vp, &r->r_map,
		    r->r_bio.b_error);
		if (error == 0)
			error = r->r_bio.b_error;
		if (error != 0)
			ba->ba_error = error;
	}
	ba->ba_nruns = ba->ba_nsegs = 0;
}

/* Start the transfer of what the run's map says, or of its beginning. */
static void
run_start(struct uvm_vnode *un, struct batch *ba, struct run *r,
    unsigned int bioflags)
{
	uint64_t off = (uint64_t)r->r_map.vm_off;
	uint64_t end = off + (uint64_t)r->r_map.vm_len;
	struct bio *b = &r->r_bio;
	size_t in, n;

	bio_init(b, un->un_disk, BIO_WRITE, bioflags,
	    r->r_map.vm_disk >> SECTOR_SHIFT, &ba->ba_segs[ba->ba_nsegs],
	    BATCH_SEGS - ba->ba_nsegs);
	for (; off < end; off += n) {
		in = (size_t)(off & PAGE_MASK);
		n = (size_t)MIN(end - off, PAGE_SIZE - in);
		if (!bio_add(b, ba->ba_pages[(off - ba->ba_off) >> PAGE_SHIFT],
		    (unsigned int)in, (unsigned int)n))
			panic("uvm: run does not fit into its transfer");
	}
	ba->ba_nsegs += b->b_nsegs;
	b->b_done = batch_biodone;
	b->b_arg = ba;
	spin_enter(&write_lock);
	ba->ba_left++;
	spin_exit(&write_lock);
	ba->ba_nruns++;
	bio_submit(b);
}

/* Nothing locked. */
static void
batch_write(struct uvm_vnode *un, struct batch *ba, unsigned int bioflags)
{
	struct vnode *vp = un->un_vnode;
	uint64_t off = ba->ba_off;
	uint64_t end = MIN(ba->ba_end, off + ptoa((uint64_t)ba->ba_n));
	struct run *r;
	int error;

	ba->ba_left = ba->ba_nruns = ba->ba_nsegs = 0;
	ba->ba_error = 0;
	while (off < end) {
		if (ba->ba_nruns == BATCH_RUNS ||
		    BATCH_SEGS - ba->ba_nsegs < BATCH_PAGES)
			batch_wait(un, ba);
		r = &ba->ba_runs[ba->ba_nruns];
		error = vp->v_ops->vop_writemap(vp, (off_t)off,
		    (off_t)(end - off), &r->r_map);
		if (error != 0) {
			ba->ba_error = error;
			break;
		}
		KASSERT(r->r_map.vm_len > 0 &&
		    (uint64_t)r->r_map.vm_len <= end - off);
		r->r_map.vm_off = (off_t)off;
		off += (uint64_t)r->r_map.vm_len;
		run_start(un, ba, r, bioflags);
	}
	batch_wait(un, ba);
}

/* Locked. */
static void
batch_finish(struct uvm_vnode *un, struct batch *ba)
{
	struct vm_page *pg;

	for (unsigned int i = 0; i < ba->ba_n; i++) {
		pg = ba->ba_pages[i];
		/* No memory to say where it goes: it was not tried. */
		if (ba->ba_error == ENOMEM)
			uvn_page_dirty(un, pg);
		if ((pg->pg_flags & PG_DIRTY) == 0)
			uvn_lru_add(pg);
		uvn_page_done(pg, PG_WRITEBACK);
	}
	un->un_nwriting -= ba->ba_n;
	(void)atomic_sub(&uvmexp.writeback, ba->ba_n);
	if (ba->ba_error != 0 && ba->ba_error != ENOMEM) {
		if (un->un_error == 0)
			printf("uvm: file %ju on %s: write failed, error %d: "
			    "data is lost\n", (uintmax_t)un->un_vnode->v_ino,
			    un->un_disk->d_name, ba->ba_error);
		un->un_error = ba->ba_error;
	}
	spin_enter(&write_lock);
	cv_broadcast(&write_cv);
	spin_exit(&write_lock);
}

/*
 * Write what is dirty in [start, end) now; what becomes dirty meanwhile may
 * stay.  Object locked, unlocked meanwhile.
 */
static int
write_range(struct uvm_vnode *un, uint64_t start, uint64_t end,
    unsigned int bioflags)
{
	struct mutex *lock = &un->un_obj.uo_lock;
	size_t left = un->un_ndirty;
	struct batch *ba;
	struct vm_page *pg;
	int error = 0;

	if (next_dirty(un, start, end) == NULL)
		return 0;
	mutex_exit(lock);
	ba = batch_get();		/* its holder may want our lock */
	mutex_enter(lock);
	while (left > 0 && error != ENOMEM &&
	    (pg = next_dirty(un, start, end)) != NULL) {
		batch_gather(un, pg, ba);
		left -= MIN(left, ba->ba_n);
		mutex_exit(lock);
		batch_write(un, ba, bioflags);
		mutex_enter(lock);
		batch_finish(un, ba);
		error = ba->ba_error;
	}
	mutex_exit(lock);
	batch_put(ba);
	mutex_enter(lock);
	return error == ENOMEM ? ENOMEM : 0;
}

/* Wait until nothing of [start, end) is on its way.  Locked. */
static void
wait_range(struct uvm_vnode *un, uint64_t start, uint64_t end)
{
	struct uvm_object *uo = &un->un_obj;
	size_t idx = (size_t)(start >> PAGE_SHIFT);
	struct vm_page *pg;

	while (un->un_nwriting != 0 &&
	    (pg = uvm_radix_next(&uo->uo_pages, &idx)) != NULL &&
	    (uint64_t)idx << PAGE_SHIFT < end) {
		if ((pg->pg_flags & PG_WRITEBACK) != 0)
			uvn_page_wait(uo, pg, PG_WRITEBACK);
		else
			idx++;
	}
}

static int
flush_locked(struct uvm_vnode *un, uint64_t start, uint64_t end)
{
	int error;

	wait_range(un, start, end);
	error = write_range(un, start, end, BIO_SYNC);
	wait_range(un, start, end);
	return error;
}

static int
sync_locked(struct uvm_vnode *un, uint64_t start, uint64_t end)
{
	int error;

	error = flush_locked(un, start, end);
	if (error == 0) {
		error = un->un_error;
		un->un_error = 0;
	}
	return error;
}

int
uvn_put(struct uvm_object *uo, uint64_t start, uint64_t end,
    int flags __unused)
{
	return sync_locked(uvm_vnode_of(uo), trunc_page(start), end);
}

int
uvn_flush(struct uvm_vnode *un, uint64_t start, uint64_t end)
{
	int error;

	mutex_enter(&un->un_obj.uo_lock);
	error = flush_locked(un, trunc_page(start), end);
	mutex_exit(&un->un_obj.uo_lock);
	return error;
}

int
uvm_vnode_sync(struct vnode *vp, uint64_t start, uint64_t end)
{
	struct uvm_object *uo = vp->v_uobj;
	int error;

	mutex_enter(&uo->uo_lock);
	error = uvn_put(uo, start, end, 0);
	mutex_exit(&uo->uo_lock);
	return error;
}

/* -- the list of dirty files -- */

/* Take the file off the list if it is clean.  True: put its reference. */
static bool
dequeue_clean(struct uvm_vnode *un)
{
	bool clean;

	mutex_enter(&un->un_obj.uo_lock);
	spin_enter(&dirty_lock);
	clean = un->un_queued && un->un_ndirty == 0 && un->un_nwriting == 0;
	if (clean) {
		TAILQ_REMOVE(&dirty_files, un, un_link);
		un->un_queued = false;
	}
	spin_exit(&dirty_lock);
	mutex_exit(&un->un_obj.uo_lock);
	return clean;
}

/*
 * A dirty file that nobody has a name or another reference for: nobody will
 * ever read it.
 */
static void
forget_deleted(struct uvm_vnode *un)
{
	struct vnode *vp = un->un_vnode;

	if ((vp->v_flags & VV_DELETED) != 0 && vp->v_ref <= 2)
		uvm_vnode_invalidate(vp, 0, UINT64_MAX);
}

/* The next dirty file behind `un` (NULL: the first), referenced. */
static struct uvm_vnode *
next_file(struct uvm_vnode *un, nsec_t before, struct mount *mp)
{
	spin_enter(&dirty_lock);
	if (un == NULL || !un->un_queued)
		un = TAILQ_FIRST(&dirty_files);
	else
		un = TAILQ_NEXT(un, un_link);
	while (un != NULL && (un->un_since > before ||
	    (mp != NULL && un->un_vnode->v_mount != mp)))
		un = TAILQ_NEXT(un, un_link);
	if (un != NULL)
		(void)vref(un->un_vnode);
	spin_exit(&dirty_lock);
	return un;
}

/*
 * Write the files that are dirty since before then.  Ends, as each that is
 * left dirty is younger afterwards.
 */
static int
write_files(nsec_t before, struct mount *mp, bool wait)
{
	struct uvm_vnode *un = NULL, *next;
	int error, ret = 0;

	while ((next = next_file(un, before, mp)) != NULL) {
		if (un != NULL)
			vrele(un->un_vnode);
		un = next;
		forget_deleted(un);
		mutex_enter(&un->un_obj.uo_lock);
		spin_enter(&dirty_lock);
		un->un_since = nanouptime();
		spin_exit(&dirty_lock);
		error = write_range(un, 0, UINT64_MAX, wait ? BIO_SYNC : 0);
		if (wait)
			wait_range(un, 0, UINT64_MAX);
		mutex_exit(&un->un_obj.uo_lock);
		if (error != 0)
			ret = error;
		if (dequeue_clean(un))
			vrele(un->un_vnode);
	}
	if (un != NULL)
		vrele(un->un_vnode);
	return ret;
}

int
uvm_vnode_sync_all(struct mount *mp)
{
	return write_files(nanouptime(), mp, true);
}

static void
forget_all_deleted(void)
{
	struct uvm_vnode *un = NULL, *next;

	while ((next = next_file(un, INT64_MAX, NULL)) != NULL) {
		if (un != NULL)
			vrele(un->un_vnode);
		un = next;
		forget_deleted(un);
		if (dequeue_clean(un))
			vrele(un->un_vnode);
	}
	if (un != NULL)
		vrele(un->un_vnode);
}

static void
writer(void *arg __unused)
{
	nsec_t deadline = nanouptime() + PERIOD;
	bool now, idle;

	for (;;) {
		spin_enter(&write_lock);
		while (!kicked && !idle_seen && nanouptime() < deadline)
			(void)cv_timedwait_spin(&writer_cv, &write_lock,
			    deadline);
		now = kicked;
		idle = idle_seen;
		kicked = idle_seen = false;
		spin_exit(&write_lock);
		if (idle)
			forget_all_deleted();
		if (nanouptime() >= deadline)
			deadline = nanouptime() + PERIOD;
		(void)write_files(now ? nanouptime() : nanouptime() - AGE,
		    NULL, false);
	}
}

void
uvn_write_init(void)
{
	cv_init(&write_cv, "pageout");
	cv_init(&writer_cv, "writer");
	mutex_init(&spare_lock, "uvm_batch");
	spare = kmem_alloc(sizeof(*spare), KM_SLEEP);
	if (spare == NULL ||
	    kthread_create("writer", NULL, writer, NULL, NULL) != 0)
		panic("uvm: cannot start the writer of dirty pages");
}
