/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: O_DIRECT, which goes past it.
 *
 * Overview: bytes go between the disk and pages of our own, and from there to
 * the caller: his pages are never given to a device, so a fork or an unmapping
 * in the middle is of no concern.  Chunk by chunk the file system is asked
 * where the bytes are.
 *
 * Reading: what is dirty is written first, then the disk is read.
 *
 * Writing: only blocks that the file has already are written this way.  What
 * lies in a hole, is set aside, or makes the file longer goes through the
 * cache and is written from there before the call returns: so allocation and
 * size stay with the one way that knows how.
 *
 * The cache stays right: bytes are copied to the pages that are in it, too,
 * before the transfer and once more after it, for a page that was read
 * meanwhile.  A page that was on its way to the disk then is written again.
 *
 * Locking: the caller holds v_lock, shared at least, so blocks stay the file's.
 */
#include <sys/condvar.h>
#include <sys/disk.h>
#include <sys/file.h>
#include <uvm/uvm_vnode_impl.h>

#define	CHUNK_PAGES	64

/* One chunk: its pages lie to each other as the file's do. */
struct direct {
	struct vm_page	*d_pages[CHUNK_PAGES];
	unsigned int	d_n;
	uint64_t	d_base;		/* the first page's place in the file */
	struct spinlock	d_lock;
	struct condvar	d_cv;
	unsigned int	d_left;		/* [l] transfers under way */
	int		d_error;	/* [l] */
};

static struct direct *
direct_get(size_t bytes)
{
	struct direct *d = kmem_zalloc(sizeof(*d), KM_SLEEP);
	size_t want = MIN(atop(bytes) + 2, CHUNK_PAGES);

	if (d == NULL)
		return NULL;
	for (; d->d_n < want; d->d_n++) {
		d->d_pages[d->d_n] = uvm_pagealloc(0);
		if (d->d_pages[d->d_n] == NULL)
			break;
	}
	if (d->d_n == 0) {
		kmem_free(d, sizeof(*d));
		return NULL;
	}
	spin_init(&d->d_lock, "uvm_direct");
	cv_init(&d->d_cv, "direct");
	return d;
}

static void
direct_put(struct direct *d)
{
	for (unsigned int i = 0; i < d->d_n; i++)
		uvm_pagefree(d->d_pages[i]);
	cv_destroy(&d->d_cv);
	kmem_free(d, sizeof(*d));
}

/* The chunk is to begin at off: how many bytes does it have room for? */
static uint64_t
direct_begin(struct direct *d, uint64_t off)
{
	d->d_base = trunc_page(off);
	d->d_error = 0;
	return d->d_base + ptoa((uint64_t)d->d_n) - off;
}

static char *
direct_kva(struct direct *d, uint64_t off)
{
	return (char *)VM_PAGE_TO_KVA(d->d_pages[(off - d->d_base) >>
	    PAGE_SHIFT]) + (off & PAGE_MASK);
}

/* Bytes of a range that begins at off and are in off's page. */
static size_t
in_page(uint64_t off, uint64_t end)
{
	return (size_t)MIN(end - off, PAGE_SIZE - (off & PAGE_MASK));
}

/* Between the chunk and the caller; up to where it came. */
static int
direct_uiomove(struct direct *d, uint64_t off, uint64_t end, struct uio *uio)
{
	size_t n;
	int error = 0;

	for (; off < end && error == 0; off += n) {
		n = in_page(off, end);
		error = uiomove(direct_kva(d, off), n, uio);
	}
	return error;
}

/* -- transfers -- */

static void
direct_biodone(struct bio *b)
{
	struct direct *d = b->b_arg;

	spin_enter(&d->d_lock);
	if (b->b_error != 0)
		d->d_error = b->b_error;
	if (--d->d_left == 0)
		cv_signal(&d->d_cv);
	spin_exit(&d->d_lock);
	bio_free(b);
}

static int
direct_start(struct uvm_vnode *un, struct direct *d, enum bio_op op,
    const struct vnode_map *m)
{
	uint64_t off = (uint64_t)m->vm_off, end = off + (uint64_t)m->vm_len;
	struct bio *b;
	size_t n;

	b = bio_alloc(un->un_disk, op, BIO_SYNC, m->vm_disk >> SECTOR_SHIFT,
	    d->d_n, KM_SLEEP);
	if (b == NULL)
		return ENOMEM;
	for (; off < end; off += n) {
		n = in_page(off, end);
		if (!bio_add(b, d->d_pages[(off - d->d_base) >> PAGE_SHIFT],
		    (unsigned int)(off & PAGE_MASK), (unsigned int)n))
			panic("uvm: chunk does not fit into its transfer");
	}
	b->b_done = direct_biodone;
	b->b_arg = d;
	spin_enter(&d->d_lock);
	d->d_left++;
	spin_exit(&d->d_lock);
	bio_submit(b);
	return 0;
}

static int
direct_wait(struct direct *d)
{
	int error;

	spin_enter(&d->d_lock);
	while (d->d_left != 0)
		cv_wait_spin(&d->d_cv, &d->d_lock);
	error = d->d_error;
	spin_exit(&d->d_lock);
	return error;
}

/* Where the bytes at off are: a run that begins there and ends by `end`. */
static int
map_at(struct uvm_vnode *un, uint64_t off, uint64_t end, struct vnode_map *m)
{
	struct vnode *vp = un->un_vnode;
	uint64_t bs = vp->v_bsize, start = rounddown2(off, bs);
	uint64_t in = off - start;
	int error;

	error = vp->v_ops->vop_bmap(vp, (off_t)start,
	    (off_t)(roundup2(end, bs) - start), m);
	if (error != 0)
		return error;
	m->vm_off = (off_t)off;
	m->vm_disk += in;
	m->vm_len = (off_t)MIN((uint64_t)m->vm_len - in, end - off);
	return 0;
}

/*
 * May the transfer be done this way?  EINVAL: not in units of the disk's
 * blocks, or memory that no disk could reach.
 */
static int
check_aligned(const struct uvm_vnode *un, const struct uio *uio)
{
	size_t mask = un->un_disk->d_whole->d_limits.dl_lbs - 1;

	if (((uint64_t)uio->uio_offset & mask) != 0)
		return EINVAL;
	for (unsigned int i = 0; i < uio->uio_iovcnt; i++)
		if ((uio->uio_iov[i].iov_len & mask) != 0 ||
		    ((uintptr_t)uio->uio_iov[i].iov_base &
		    (SECTOR_SIZE - 1)) != 0)
			return EINVAL;
	return 0;
}

/* -- reading -- */

/* Fill the chunk with [off, end).  EAGAIN: it is in no block of its own. */
static int
read_chunk(struct uvm_vnode *un, struct direct *d, uint64_t off, uint64_t end)
{
	struct vnode_map m;
	int error = 0, error2;
	size_t n;

	while (off < end && error == 0) {
		error = map_at(un, off, end, &m);
		if (error != 0)
			break;
		if (m.vm_kind == VM_INLINE) {
			error = EAGAIN;
		} else if (m.vm_kind == VM_MAPPED) {
			error = direct_start(un, d, BIO_READ, &m);
			off += (uint64_t)m.vm_len;
		} else for (uint64_t to = off + (uint64_t)m.vm_len; off < to;
		    off += n) {
			n = in_page(off, to);
			memset(direct_kva(d, off), 0, n);
		}
	}
	error2 = direct_wait(d);
	return error != 0 ? error : error2;
}

/* [off, size) as far as the caller wants it; size is the file's. */
static int
read_chunks(struct uvm_vnode *un, struct direct *d, uint64_t size,
    struct uio *uio)
{
	size_t mask = un->un_disk->d_whole->d_limits.dl_lbs - 1;
	uint64_t off, end;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0 &&
	    (uint64_t)uio->uio_offset < size) {
		off = (uint64_t)uio->uio_offset;
		end = MIN(off + MIN(uio->uio_resid, direct_begin(d, off)),
		    size);
		error = read_chunk(un, d, off, (end + mask) & ~(uint64_t)mask);
		if (error == 0)
			error = direct_uiomove(d, off, end, uio);
		if (error == 0 && uvm_being_killed(curlwp))
			error = EINTR;
	}
	return error;
}

int
uvn_direct_read(struct uvm_vnode *un, uint64_t size, struct uio *uio)
{
	uint64_t start = (uint64_t)uio->uio_offset;
	uint64_t end = MIN(size, start + uio->uio_resid);
	struct direct *d;
	int error;

	error = check_aligned(un, uio);
	if (error != 0)
		return error;
	d = direct_get((size_t)(end - start));
	if (d == NULL)
		return ENOMEM;
	error = uvn_flush(un, start, end);
	if (error == 0)
		error = read_chunks(un, d, size, uio);
	direct_put(d);
	return error;
}

/* -- writing -- */

/*
 * The chunk's bytes [off, end) into the pages that are in the cache.  After
 * the transfer: what went out meanwhile with other bytes has to go again.
 */
static void
update_cached(struct uvm_vnode *un, struct direct *d, uint64_t off,
    uint64_t end, bool after)
{
	struct uvm_object *uo = &un->un_obj;
	uint32_t waitfor = after ? PG_BUSY : PG_BUSY | PG_WRITEBACK;
	size_t idx = (size_t)(off >> PAGE_SHIFT), n;
	struct vm_page *pg;
	uint64_t at;

	mutex_enter(&uo->uo_lock);
	while ((pg = uvm_radix_next(&uo->uo_pages, &idx)) != NULL &&
	    pg->pg_offset < end) {
		if ((pg->pg_flags & PG_ERROR) != 0) {
			uvn_page_free(un, pg);
			continue;
		}
		if ((pg->pg_flags & waitfor) != 0) {
			uvn_page_wait(uo, pg, waitfor);
			continue;
		}
		at = MAX(off, pg->pg_offset);
		n = in_page(at, end);
		memcpy((char *)VM_PAGE_TO_KVA(pg) + (at & PAGE_MASK),
		    direct_kva(d, at), n);
		if ((pg->pg_flags & PG_WRITEBACK) != 0)
			uvn_page_dirty(un, pg);
		idx++;
	}
	mutex_exit(&uo->uo_lock);
}

/* Over blocks that the file has: the run m, or what fits into the chunk. */
static int
write_mapped(struct uvm_vnode *un, struct direct *d, struct vnode_map *m,
    struct uio *uio)
{
	size_t mask = un->un_disk->d_whole->d_limits.dl_lbs - 1;
	uint64_t off = (uint64_t)m->vm_off, end = off + (uint64_t)m->vm_len;
	size_t resid = uio->uio_resid;
	int error, error2;

	error = direct_uiomove(d, off, end, uio);
	if (error != 0) {
		/* Whole blocks of what came are written. */
		end = off + ((resid - uio->uio_resid) & ~mask);
		uio->uio_resid = resid - (size_t)(end - off);
		uio->uio_offset = (off_t)end;
		if (end == off)
			return error;
		m->vm_len = (off_t)(end - off);
	}
	update_cached(un, d, off, end, false);
	error2 = direct_start(un, d, BIO_WRITE, m);
	if (error2 == 0)
		error2 = direct_wait(d);
	if (error2 == 0) {
		update_cached(un, d, off, end, true);
		return error;
	}
	/* What is on the disk now nobody knows; the cache must not either. */
	(void)uvn_flush(un, off, end);
	uvm_vnode_invalidate(un->un_vnode, trunc_page(off), round_page(end));
	uio->uio_resid = resid;
	uio->uio_offset = (off_t)off;
	return error2;
}

/* n bytes through the cache, and on to the disk. */
static int
write_through(struct vnode *vp, uint64_t n, struct uio *uio)
{
	uint64_t start = (uint64_t)uio->uio_offset;
	size_t left = uio->uio_resid - (size_t)n;
	int error, error2;

	uio->uio_resid = (size_t)n;
	error = uvn_write_cached(vp, uio);
	uio->uio_resid += left;
	if ((uint64_t)uio->uio_offset == start)
		return error;
	error2 = uvm_vnode_sync(vp, start, (uint64_t)uio->uio_offset);
	if (error2 == 0)
		return error;
	uio->uio_resid += (size_t)((uint64_t)uio->uio_offset - start);
	uio->uio_offset = (off_t)start;
	return error2;
}

/* One step: a run over blocks that are there, or what is between such. */
static int
write_step(struct uvm_vnode *un, struct direct *d, struct uio *uio)
{
	struct vnode *vp = un->un_vnode;
	size_t mask = un->un_disk->d_whole->d_limits.dl_lbs - 1;
	uint64_t off = (uint64_t)uio->uio_offset, end;
	struct vnode_map m;
	int error;

	mutex_enter(&un->un_obj.uo_lock);
	end = MIN(off + uio->uio_resid, un->un_size) & ~(uint64_t)mask;
	mutex_exit(&un->un_obj.uo_lock);
	if (off >= end)
		return write_through(vp, uio->uio_resid, uio);
	error = map_at(un, off, end, &m);
	if (error != 0)
		return error;
	if (m.vm_kind != VM_MAPPED)
		return write_through(vp, (uint64_t)m.vm_len, uio);
	m.vm_len = (off_t)MIN((uint64_t)m.vm_len, direct_begin(d, off));
	return write_mapped(un, d, &m, uio);
}

int
uvn_direct_write(struct uvm_vnode *un, struct uio *uio)
{
	struct vnode *vp = un->un_vnode;
	off_t start = uio->uio_offset;
	struct direct *d;
	int error;

	error = check_aligned(un, uio);
	if (error != 0)
		return error;
	/* No block is wanted; may the file be written to at all? */
	error = vp->v_ops->vop_reserve(vp, 0, 0);
	if (error != 0)
		return error;
	d = direct_get(uio->uio_resid);
	if (d == NULL)
		return ENOMEM;
	while (error == 0 && uio->uio_resid > 0) {
		error = write_step(un, d, uio);
		if (error == 0 && uio->uio_resid > 0 &&
		    uvm_being_killed(curlwp))
			error = EINTR;
	}
	if (uio->uio_offset > start)
		vp->v_ops->vop_extend(vp, uio->uio_offset);
	direct_put(d);
	return error;
}

bool
uvm_vnode_overwrites(struct vnode *vp, uint64_t off, uint64_t len)
{
	struct uvm_vnode *un;
	uint64_t end = off + len;
	struct vnode_map m;

	if (vp->v_uobj == NULL || vp->v_bsize == 0 || end < off)
		return false;
	un = uvm_vnode_of(vp->v_uobj);
	/* v_lock keeps the size as it is. */
	if (end > un->un_size)
		return false;
	for (; off < end; off += (uint64_t)m.vm_len)
		if (map_at(un, off, end, &m) != 0 || m.vm_kind != VM_MAPPED)
			return false;
	return true;
}
