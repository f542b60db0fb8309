/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of metadata blocks.
 *
 * Overview: see <sys/buf.h>.  Bufs are found by block number in a hash.  A buf
 * that nobody references, and that is neither dirty nor pinned, is on the LRU
 * list, and is freed from its head when memory is short or the cache is over
 * its limit.
 *
 * States of a buf:
 *	!VALID			made, nothing read yet
 *	BUSY			one thread reads or writes it; others wait
 *	VALID			a copy of the disk
 *	VALID DIRTY		newer; on the dirty list
 *	pinned			the journal changes it; may be dirty too, from a
 *				change that is in the log already
 *
 * Locking: bc_lock, a spin lock, for all states; transfers run without it, with
 * B_BUSY set.  bc_cv: a buf stopped being busy.
 */
#include <sys/buf.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#define	HASH_MIN	256
#define	BATCH		64		/* blocks written at once */
#define	LIMIT_SHARE	4		/* a cache keeps memory / this */

LIST_HEAD(bufhash, buf);
TAILQ_HEAD(buflist, buf);

struct bufcache {
	struct spinlock	bc_lock;
	struct condvar	bc_cv;
	struct bufdev	*bc_dev;	/* [I] */
	unsigned int	bc_bsize;	/* [I] */
	uint64_t	bc_nblocks;	/* [I] */
	unsigned int	bc_nhash;	/* [I] a power of two */
	struct bufhash	*bc_hash;	/* [c] */
	struct buflist	bc_lru;		/* [c] coldest first */
	struct buflist	bc_dirty;	/* [c] oldest first */
	size_t		bc_nbufs;	/* [c] */
	size_t		bc_ndirty;	/* [c] */
	size_t		bc_limit;	/* [I] bufs */
	LIST_ENTRY(bufcache) bc_link;	/* caches_lock */
};

static struct spinlock caches_lock = SPINLOCK_INITIALIZER("bufcaches");
static LIST_HEAD(, bufcache) caches = LIST_HEAD_INITIALIZER(caches);
static struct kmem_cache *buf_cache, *data_caches[3];	/* 512, 1024, 2048 */

static size_t	bufs_shrink(size_t);
static struct shrinker buf_shrinker = { .sh_func = bufs_shrink };

void
bufcache_init(void)
{
	static const char *const names[3] = { "buf512", "buf1k", "buf2k" };
	unsigned int i;

	buf_cache = kmem_cache_create("buf", sizeof(struct buf), 0);
	for (i = 0; i < 3; i++) {
		data_caches[i] = kmem_cache_create(names[i], 512U << i,
		    512U << i);
		if (data_caches[i] == NULL)
			break;
	}
	if (buf_cache == NULL || i < 3)
		panic("vfs: no memory for buffers");
	shrinker_register(&buf_shrinker);
}

static void *
data_alloc(size_t size)
{
	if (size >= PAGE_SIZE)
		return kmem_alloc(size, KM_SLEEP);
	return kmem_cache_alloc(data_caches[size / 1024], KM_SLEEP);
}

static void
data_free(void *p, size_t size)
{
	if (size >= PAGE_SIZE)
		kmem_free(p, size);
	else
		kmem_cache_free(data_caches[size / 1024], p);
}

/* -- the device -- */

int
bufdev_rw(struct bufdev *bd, bool write, uint64_t off, void *data, size_t len)
{
	struct bufio io = { .bi_off = off, .bi_data = data, .bi_len = len };

	if (off > bd->bd_size || len > bd->bd_size - off)
		return EINVAL;
	if (write && bd->bd_readonly)
		return EROFS;
	return bd->bd_ops->bdo_io(bd, write, &io, 1);
}

int
bufdev_flush(struct bufdev *bd)
{
	return bd->bd_readonly ? 0 : bd->bd_ops->bdo_flush(bd);
}

/* -- the cache -- */

struct bufcache *
bufcache_create(struct bufdev *bd, unsigned int bsize)
{
	struct bufcache *bc;
	unsigned int n = HASH_MIN, i;

	KASSERT(bsize >= 512 && bsize <= PAGE_SIZE &&
	    (bsize & (bsize - 1)) == 0);
	bc = kmem_zalloc(sizeof(*bc), KM_SLEEP);
	if (bc == NULL)
		return NULL;
	bc->bc_limit = MAX(uvmexp.total / LIMIT_SHARE * (PAGE_SIZE / bsize),
	    1024);
	while (n < bc->bc_limit / 4 && n < 65536)
		n *= 2;
	bc->bc_hash = kmem_alloc(n * sizeof(*bc->bc_hash), KM_SLEEP);
	if (bc->bc_hash == NULL) {
		kmem_free(bc, sizeof(*bc));
		return NULL;
	}
	for (i = 0; i < n; i++)
		LIST_INIT(&bc->bc_hash[i]);
	bc->bc_nhash = n;
	spin_init(&bc->bc_lock, "bufcache");
	cv_init(&bc->bc_cv, "buf");
	TAILQ_INIT(&bc->bc_lru);
	TAILQ_INIT(&bc->bc_dirty);
	bc->bc_dev = bd;
	bc->bc_bsize = bsize;
	bc->bc_nblocks = bd->bd_size / bsize;
	spin_enter(&caches_lock);
	LIST_INSERT_HEAD(&caches, bc, bc_link);
	spin_exit(&caches_lock);
	return bc;
}

static struct bufhash *
hash_of(struct bufcache *bc, uint64_t blkno)
{
	uint64_t h = blkno * 0x9e3779b97f4a7c15ULL;

	return &bc->bc_hash[(h >> 32) & (bc->bc_nhash - 1)];
}

/* [c] held. */
static void
lru_update(struct bufcache *bc, struct buf *bp)
{
	bool idle = bp->b_ref == 0 && bp->b_pins == 0 &&
	    (bp->b_flags & (B_DIRTY | B_BUSY)) == 0;

	if (idle && (bp->b_flags & B_ONLRU) == 0) {
		bp->b_flags |= B_ONLRU;
		if ((bp->b_flags & B_VALID) != 0)
			TAILQ_INSERT_TAIL(&bc->bc_lru, bp, b_lru);
		else
			TAILQ_INSERT_HEAD(&bc->bc_lru, bp, b_lru);
	} else if (!idle && (bp->b_flags & B_ONLRU) != 0) {
		bp->b_flags &= ~B_ONLRU;
		TAILQ_REMOVE(&bc->bc_lru, bp, b_lru);
	}
}

static void
set_dirty(struct bufcache *bc, struct buf *bp, bool dirty)
{
	if (dirty && (bp->b_flags & B_DIRTY) == 0) {
		bp->b_flags |= B_DIRTY;
		TAILQ_INSERT_TAIL(&bc->bc_dirty, bp, b_dirtyq);
		bc->bc_ndirty++;
	} else if (!dirty && (bp->b_flags & B_DIRTY) != 0) {
		bp->b_flags &= ~B_DIRTY;
		TAILQ_REMOVE(&bc->bc_dirty, bp, b_dirtyq);
		bc->bc_ndirty--;
	}
	lru_update(bc, bp);
}

static void
buf_free(struct bufcache *bc, struct buf *bp)
{
	data_free(bp->b_data, bc->bc_bsize);
	kmem_cache_free(buf_cache, bp);
}

/* Take up to n idle bufs out of the cache; [c] held; the caller frees them. */
static void
lru_take(struct bufcache *bc, size_t n, struct buflist *out)
{
	struct buf *bp;

	while (n-- > 0 && (bp = TAILQ_FIRST(&bc->bc_lru)) != NULL) {
		TAILQ_REMOVE(&bc->bc_lru, bp, b_lru);
		LIST_REMOVE(bp, b_hash);
		bc->bc_nbufs--;
		TAILQ_INSERT_TAIL(out, bp, b_lru);
	}
}

static size_t
free_list(struct bufcache *bc, struct buflist *list)
{
	struct buf *bp;
	size_t n = 0;

	while ((bp = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, bp, b_lru);
		buf_free(bc, bp);
		n++;
	}
	return n;
}

/* The shrinker: a share of every cache.  The lists keep a cache alive. */
static size_t
bufs_shrink(size_t npages)
{
	struct buflist out = TAILQ_HEAD_INITIALIZER(out);
	struct bufcache *bc;
	size_t bytes = 0;

	spin_enter(&caches_lock);
	LIST_FOREACH(bc, &caches, bc_link) {
		spin_enter(&bc->bc_lock);
		lru_take(bc, npages * (PAGE_SIZE / bc->bc_bsize), &out);
		spin_exit(&bc->bc_lock);
		bytes += free_list(bc, &out) * bc->bc_bsize;
		if (bytes >= npages * PAGE_SIZE)
			break;
	}
	spin_exit(&caches_lock);
	return bytes / PAGE_SIZE;
}

void
bufcache_purge(struct bufcache *bc)
{
	struct buflist out = TAILQ_HEAD_INITIALIZER(out);

	spin_enter(&bc->bc_lock);
	lru_take(bc, SIZE_MAX, &out);
	spin_exit(&bc->bc_lock);
	(void)free_list(bc, &out);
}

void
bufcache_destroy(struct bufcache *bc)
{
	struct buf *bp;

	spin_enter(&caches_lock);
	LIST_REMOVE(bc, bc_link);
	spin_exit(&caches_lock);
	spin_enter(&bc->bc_lock);
	while ((bp = TAILQ_FIRST(&bc->bc_dirty)) != NULL) {
		KASSERT(bp->b_ref == 0 && bp->b_pins == 0);
		set_dirty(bc, bp, false);
	}
	spin_exit(&bc->bc_lock);
	bufcache_purge(bc);
	KASSERT(bc->bc_nbufs == 0);
	cv_destroy(&bc->bc_cv);
	kmem_free(bc->bc_hash, bc->bc_nhash * sizeof(*bc->bc_hash));
	kmem_free(bc, sizeof(*bc));
}

/* [c] held; a reference if it is there. */
static struct buf *
lookup(struct bufcache *bc, uint64_t blkno)
{
	struct buf *bp;

	LIST_FOREACH(bp, hash_of(bc, blkno), b_hash)
		if (bp->b_blkno == blkno) {
			bp->b_ref++;
			lru_update(bc, bp);
			return bp;
		}
	return NULL;
}

struct buf *
bpeek(struct bufcache *bc, uint64_t blkno)
{
	struct buf *bp;

	spin_enter(&bc->bc_lock);
	bp = lookup(bc, blkno);
	spin_exit(&bc->bc_lock);
	return bp;
}

int
bgetblk(struct bufcache *bc, uint64_t blkno, struct buf **bpp)
{
	struct buflist out = TAILQ_HEAD_INITIALIZER(out);
	struct buf *bp, *new;

	if (blkno >= bc->bc_nblocks)
		return EINVAL;
	bp = bpeek(bc, blkno);
	if (bp != NULL) {
		*bpp = bp;
		return 0;
	}
	new = kmem_cache_alloc(buf_cache, KM_SLEEP);
	if (new == NULL)
		return ENOMEM;
	memset(new, 0, sizeof(*new));
	new->b_data = data_alloc(bc->bc_bsize);
	if (new->b_data == NULL) {
		kmem_cache_free(buf_cache, new);
		return ENOMEM;
	}
	new->b_cache = bc;
	new->b_blkno = blkno;
	new->b_ref = 1;
	spin_enter(&bc->bc_lock);
	bp = lookup(bc, blkno);		/* somebody was first? */
	if (bp == NULL) {
		bp = new;
		new = NULL;
		LIST_INSERT_HEAD(hash_of(bc, blkno), bp, b_hash);
		if (++bc->bc_nbufs > bc->bc_limit)
			lru_take(bc, 2, &out);
	}
	spin_exit(&bc->bc_lock);
	if (new != NULL)
		buf_free(bc, new);
	(void)free_list(bc, &out);
	*bpp = bp;
	return 0;
}

/* Wait until nobody has it under way; [c] held. */
static void
wait_idle(struct bufcache *bc, struct buf *bp)
{
	while ((bp->b_flags & B_BUSY) != 0)
		cv_wait_spin(&bc->bc_cv, &bc->bc_lock);
}

static void
io_begin(struct bufcache *bc, struct buf *bp)
{
	bp->b_flags |= B_BUSY;
	lru_update(bc, bp);
}

static void
io_end(struct bufcache *bc, struct buf *bp)
{
	bp->b_flags &= ~B_BUSY;
	lru_update(bc, bp);
	cv_broadcast(&bc->bc_cv);
}

int
bread(struct bufcache *bc, uint64_t blkno, struct buf **bpp)
{
	struct buf *bp;
	int error;

	error = bgetblk(bc, blkno, &bp);
	if (error != 0)
		return error;
	spin_enter(&bc->bc_lock);
	if ((bp->b_flags & B_VALID) == 0)
		wait_idle(bc, bp);
	if ((bp->b_flags & B_VALID) == 0) {
		io_begin(bc, bp);
		spin_exit(&bc->bc_lock);
		error = bufdev_rw(bc->bc_dev, false, blkno * bc->bc_bsize,
		    bp->b_data, bc->bc_bsize);
		spin_enter(&bc->bc_lock);
		if (error == 0)
			bp->b_flags |= B_VALID;
		bp->b_flags &= ~B_CHECKED;
		io_end(bc, bp);
	}
	spin_exit(&bc->bc_lock);
	if (error != 0) {
		brelse(bp);
		return error;
	}
	*bpp = bp;
	return 0;
}

int
bgetzero(struct bufcache *bc, uint64_t blkno, struct buf **bpp)
{
	struct buf *bp;
	int error;

	error = bgetblk(bc, blkno, &bp);
	if (error != 0)
		return error;
	spin_enter(&bc->bc_lock);
	wait_idle(bc, bp);
	spin_exit(&bc->bc_lock);
	memset(bp->b_data, 0, bc->bc_bsize);
	bvalid(bp);
	bchecked(bp);
	*bpp = bp;
	return 0;
}

void
bref(struct buf *bp)
{
	struct bufcache *bc = bp->b_cache;

	spin_enter(&bc->bc_lock);
	bp->b_ref++;
	lru_update(bc, bp);
	spin_exit(&bc->bc_lock);
}

void
brelse(struct buf *bp)
{
	struct bufcache *bc;

	if (bp == NULL)
		return;
	bc = bp->b_cache;
	spin_enter(&bc->bc_lock);
	KASSERT(bp->b_ref > 0);
	bp->b_ref--;
	lru_update(bc, bp);
	spin_exit(&bc->bc_lock);
}

static void
set_flags(struct buf *bp, unsigned int flags)
{
	struct bufcache *bc = bp->b_cache;

	spin_enter(&bc->bc_lock);
	bp->b_flags |= flags;
	spin_exit(&bc->bc_lock);
}

void
bvalid(struct buf *bp)
{
	set_flags(bp, B_VALID);
}

void
bchecked(struct buf *bp)
{
	set_flags(bp, B_CHECKED);
}

/* One transfer for all of them that are not there; the order is the disk's. */
void
breadahead(struct bufcache *bc, uint64_t blkno, unsigned int n)
{
	struct buf *bufs[16], *bp;
	struct bufio ios[16];
	unsigned int got = 0, i;

	for (; n > 0 && got < __arraycount(bufs); n--, blkno++) {
		if (bgetblk(bc, blkno, &bp) != 0)
			break;
		spin_enter(&bc->bc_lock);
		if ((bp->b_flags & (B_VALID | B_BUSY)) == 0) {
			io_begin(bc, bp);
			ios[got] = (struct bufio){ .bi_data = bp->b_data,
			    .bi_off = blkno * bc->bc_bsize,
			    .bi_len = bc->bc_bsize };
			bufs[got++] = bp;
			bp = NULL;
		}
		spin_exit(&bc->bc_lock);
		brelse(bp);
	}
	if (got == 0)
		return;
	(void)bc->bc_dev->bd_ops->bdo_io(bc->bc_dev, false, ios, got);
	for (i = 0; i < got; i++) {
		spin_enter(&bc->bc_lock);
		if (ios[i].bi_error == 0)
			bufs[i]->b_flags |= B_VALID;
		io_end(bc, bufs[i]);
		spin_exit(&bc->bc_lock);
		brelse(bufs[i]);
	}
}

void
bdirty(struct buf *bp)
{
	struct bufcache *bc = bp->b_cache;

	spin_enter(&bc->bc_lock);
	KASSERT((bp->b_flags & B_VALID) != 0);
	set_dirty(bc, bp, true);
	spin_exit(&bc->bc_lock);
}

void
bpin(struct buf *bp)
{
	struct bufcache *bc = bp->b_cache;

	spin_enter(&bc->bc_lock);
	wait_idle(bc, bp);
	bp->b_pins++;
	lru_update(bc, bp);
	spin_exit(&bc->bc_lock);
}

void
bunpin(struct buf *bp, bool dirty)
{
	struct bufcache *bc = bp->b_cache;

	spin_enter(&bc->bc_lock);
	KASSERT(bp->b_pins > 0);
	bp->b_pins--;
	if (dirty)
		set_dirty(bc, bp, true);
	lru_update(bc, bp);
	spin_exit(&bc->bc_lock);
}

bool
bpinned(struct buf *bp)
{
	return atomic_load_relaxed(&bp->b_pins) != 0;
}

/*
 * Write a batch; they are busy and clean already.  A block whose write fails
 * is dirty again.
 */
static int
write_batch(struct bufcache *bc, struct buf **bufs, unsigned int n)
{
	struct bufio ios[BATCH];
	unsigned int i;
	int error;

	if (n == 0)
		return 0;
	for (i = 0; i < n; i++)
		ios[i] = (struct bufio){ .bi_data = bufs[i]->b_data,
		    .bi_off = bufs[i]->b_blkno * bc->bc_bsize,
		    .bi_len = bc->bc_bsize };
	if (bc->bc_dev->bd_readonly) {
		error = EROFS;
		for (i = 0; i < n; i++)
			ios[i].bi_error = EROFS;
	} else {
		error = bc->bc_dev->bd_ops->bdo_io(bc->bc_dev, true, ios, n);
	}
	spin_enter(&bc->bc_lock);
	for (i = 0; i < n; i++) {
		bufs[i]->b_flags &= ~B_ERROR;
		if (ios[i].bi_error != 0) {
			bufs[i]->b_flags |= B_ERROR;
			set_dirty(bc, bufs[i], true);
		}
		io_end(bc, bufs[i]);
	}
	spin_exit(&bc->bc_lock);
	return error;
}

/* Make it ours for a write, unless there is nothing to do; [c] held. */
static bool
write_claim(struct bufcache *bc, struct buf *bp)
{
	wait_idle(bc, bp);
	if ((bp->b_flags & B_DIRTY) == 0 || bp->b_pins != 0)
		return false;
	io_begin(bc, bp);
	set_dirty(bc, bp, false);
	return true;
}

int
bwrite_many(struct buf **list, unsigned int n)
{
	struct buf *batch[BATCH];
	struct bufcache *bc;
	unsigned int i, got;
	int error = 0, e;

	for (i = 0; i < n;) {
		bc = list[i]->b_cache;
		spin_enter(&bc->bc_lock);
		/*
		 * Waiting with others claimed could meet a thread that waits
		 * for those: wait only while there are none.
		 */
		for (got = 0; i < n && got < BATCH; i++) {
			if (got > 0 && (list[i]->b_flags & B_BUSY) != 0)
				break;
			if (write_claim(bc, list[i]))
				batch[got++] = list[i];
		}
		spin_exit(&bc->bc_lock);
		e = write_batch(bc, batch, got);
		if (error == 0)
			error = e;
	}
	return error;
}

int
bwrite(struct buf *bp)
{
	bdirty(bp);
	return bwrite_many(&bp, 1);
}

static int
blkno_cmp(const void *a, const void *b)
{
	const struct buf *x = *(struct buf *const *)a;
	const struct buf *y = *(struct buf *const *)b;

	return x->b_blkno < y->b_blkno ? -1 : x->b_blkno > y->b_blkno;
}

/*
 * What was dirty when it began is written when it returns, but for pinned
 * blocks.  They go to the tail of the list as they are met.
 */
int
bufcache_sync(struct bufcache *bc)
{
	struct buf *batch[BATCH], *bp;
	unsigned int got;
	size_t left;
	int error = 0, e;

	spin_enter(&bc->bc_lock);
	left = bc->bc_ndirty;
	while (left > 0 && error == 0) {
		for (got = 0; got < BATCH && left > 0; left--) {
			bp = TAILQ_FIRST(&bc->bc_dirty);
			if (bp == NULL) {
				left = 0;
				break;
			}
			TAILQ_REMOVE(&bc->bc_dirty, bp, b_dirtyq);
			TAILQ_INSERT_TAIL(&bc->bc_dirty, bp, b_dirtyq);
			bp->b_ref++;
			batch[got++] = bp;
		}
		spin_exit(&bc->bc_lock);
		kheapsort(batch, got, sizeof(batch[0]), blkno_cmp);
		e = bwrite_many(batch, got);
		if (error == 0)
			error = e;
		while (got > 0)
			brelse(batch[--got]);
		spin_enter(&bc->bc_lock);
	}
	spin_exit(&bc->bc_lock);
	return error;
}

size_t
bufcache_ndirty(struct bufcache *bc)
{
	return atomic_load_relaxed(&bc->bc_ndirty);
}

void
binval(struct bufcache *bc, uint64_t blkno, uint64_t n)
{
	struct buf *bp;

	for (; n > 0; n--, blkno++) {
		spin_enter(&bc->bc_lock);
		bp = lookup(bc, blkno);
		if (bp != NULL) {
			wait_idle(bc, bp);
			if (bp->b_pins == 0) {
				set_dirty(bc, bp, false);
				bp->b_flags &= ~(B_VALID | B_CHECKED);
			}
			bp->b_ref--;
			lru_update(bc, bp);
		}
		spin_exit(&bc->bc_lock);
	}
}
