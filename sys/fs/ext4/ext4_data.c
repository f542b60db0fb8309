/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: the contents of regular files, as the page cache asks for them.
 *
 * Overview: a write dirties pages and reserves blocks for them (ei_delayed);
 * nothing on the disk changes.  When pages are written, ext4_writemap() claims
 * blocks in memory, the page cache writes them, and ext4_writedone() gives them
 * to the file in one transaction, with the size that the data reaches.  So a
 * transaction never refers to data that is not on the disk: ordered mode needs
 * no more.  Space set aside by fallocate() is unwritten: the file has the
 * blocks, they read as zeros until ext4_writedone().
 *
 * Locking: v_lock (the callers') for ei_size; ei_maplock.  A handle is begun
 * before ei_maplock is taken.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/uio.h>
#include <uvm/uvm_vnode.h>
#include <fs/ext4/ext4.h>

#define	CLAIM_MAX	2048	/* blocks of one claim */
#define	CLAIM_IND	64	/* for a file with indirect blocks */
#define	META_SHARE	48	/* delayed blocks per block for their map */
#define	META_LEAST	6
#define	ATIME_SPAN	(24 * 3600)

/* -- delayed blocks -- */

static int
delayed_cmp(struct ext4_delayed *a, struct ext4_delayed *b)
{
	return a->d_lblk < b->d_lblk ? -1 : a->d_lblk > b->d_lblk;
}

RB_GENERATE_STATIC(ext4_delayeds, ext4_delayed, d_node, delayed_cmp)

/* The delayed run that has lblk, or the first behind it. */
static struct ext4_delayed *
delayed_at(struct ext4_inode *ei, uint32_t lblk)
{
	struct ext4_delayed *d = RB_ROOT(&ei->ei_delayed), *best = NULL;

	while (d != NULL) {
		if (d->d_end > lblk) {
			best = d;
			d = RB_LEFT(d, d_node);
		} else {
			d = RB_RIGHT(d, d_node);
		}
	}
	return best;
}

static uint32_t
meta_for(uint32_t ndelayed)
{
	return ndelayed == 0 ? 0 : ndelayed / META_SHARE + META_LEAST;
}

/* So many more, or fewer, delayed blocks: their map's share follows. */
static void
meta_settle(struct ext4_inode *ei)
{
	uint32_t want = meta_for(ei->ei_ndelayed);

	if (want < ei->ei_ndmeta) {
		ext4_bunreserve(ei->ei_em, ei->ei_ndmeta - want);
		ei->ei_ndmeta = want;
	}
}

/* Add [from, to), where nothing is delayed; maplock held, space reserved. */
static void
delayed_insert(struct ext4_inode *ei, uint32_t from, uint32_t to,
    struct ext4_delayed **spare)
{
	struct ext4_delayed *d, *next;

	ei->ei_ndelayed += to - from;
	d = from > 0 ? delayed_at(ei, from - 1) : NULL;
	if (d != NULL && d->d_end == from) {
		d->d_end = to;
	} else {
		d = *spare;
		*spare = NULL;
		d->d_lblk = from;
		d->d_end = to;
		(void)RB_INSERT(ext4_delayeds, &ei->ei_delayed, d);
	}
	next = RB_NEXT(ext4_delayeds, &ei->ei_delayed, d);
	if (next != NULL && next->d_lblk == d->d_end) {
		d->d_end = next->d_end;
		(void)RB_REMOVE(ext4_delayeds, &ei->ei_delayed, next);
		kmem_free(next, sizeof(*next));
	}
}

/* Take [from, to) of d out.  A middle piece needs a second node. */
static void
delayed_cut(struct ext4_inode *ei, struct ext4_delayed *d, uint32_t from,
    uint32_t to)
{
	struct ext4_delayed *tail;

	if (from > d->d_lblk && to < d->d_end) {
		tail = kmem_alloc(sizeof(*tail), KM_SLEEP);
		if (tail == NULL)
			return;		/* too much stays reserved */
		tail->d_lblk = to;
		tail->d_end = d->d_end;
		d->d_end = from;
		(void)RB_INSERT(ext4_delayeds, &ei->ei_delayed, tail);
	} else if (from > d->d_lblk) {
		d->d_end = from;
	} else if (to < d->d_end) {
		d->d_lblk = to;
	} else {
		(void)RB_REMOVE(ext4_delayeds, &ei->ei_delayed, d);
		kmem_free(d, sizeof(*d));
	}
	ei->ei_ndelayed -= to - from;
	ext4_bunreserve(ei->ei_em, to - from);
}

static void
delayed_drop_locked(struct ext4_inode *ei, uint32_t from, uint64_t to)
{
	struct ext4_delayed *d, *next;

	for (d = delayed_at(ei, from); d != NULL && d->d_lblk < to; d = next) {
		next = RB_NEXT(ext4_delayeds, &ei->ei_delayed, d);
		delayed_cut(ei, d, MAX(from, d->d_lblk),
		    (uint32_t)MIN(to, d->d_end));
	}
	meta_settle(ei);
}

void
ext4_delayed_drop(struct ext4_inode *ei, uint32_t from, uint64_t to)
{
	rw_enter(&ei->ei_maplock, RW_WRITER);
	delayed_drop_locked(ei, from, to);
	rw_exit(&ei->ei_maplock);
}

/* -- where things are -- */

static bool
is_inline(const struct ext4_inode *ei)
{
	return (ei->ei_flags & EXT4_FL_INLINE_DATA) != 0;
}

static uint32_t
blocks_of(const struct ext4_mount *em, uint64_t bytes)
{
	return (uint32_t)((bytes + em->em_bsize - 1) >> em->em_bshift);
}

int
ext4_bmap(struct vnode *vp, off_t off, off_t len, struct vnode_map *vm)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	uint32_t lblk, limit = ext4_map_limit(ei);
	struct ext4_map m;
	int error;

	memset(vm, 0, sizeof(*vm));
	vm->vm_off = off;
	vm->vm_len = len;
	if (is_inline(ei)) {
		vm->vm_kind = VM_INLINE;
		return 0;
	}
	vm->vm_kind = VM_HOLE;
	if ((uint64_t)off >> em->em_bshift >= limit)
		return 0;
	lblk = (uint32_t)(off >> em->em_bshift);
	rw_enter(&ei->ei_maplock, RW_READER);
	error = ext4_map_get(ei, lblk, (uint32_t)MIN((uint64_t)limit - lblk,
	    MAX((uint64_t)len >> em->em_bshift, 1)), &m);
	rw_exit(&ei->ei_maplock);
	if (error != 0)
		return error;
	vm->vm_len = (off_t)m.m_len << em->em_bshift;
	if (m.m_blk != 0) {
		vm->vm_kind = m.m_unwritten ? VM_UNWRITTEN : VM_MAPPED;
		vm->vm_disk = m.m_blk << em->em_bshift;
	}
	return 0;
}

/*
 * The next run of [*lblk, end) that has neither a place nor a reservation;
 * *n 0: there is none.  maplock held.
 */
static int
next_homeless(struct ext4_inode *ei, uint32_t *lblk, uint32_t end,
    uint32_t *n)
{
	struct ext4_delayed *d;
	struct ext4_map m;
	int error;

	*n = 0;
	while (*lblk < end) {
		d = delayed_at(ei, *lblk);
		if (d != NULL && d->d_lblk <= *lblk) {
			*lblk = d->d_end;
			continue;
		}
		error = ext4_map_get(ei, *lblk, MIN(end, d != NULL ?
		    d->d_lblk : UINT32_MAX) - *lblk, &m);
		if (error != 0)
			return error;
		if (m.m_blk == 0) {
			*n = m.m_len;
			return 0;
		}
		*lblk += m.m_len;
	}
	return 0;
}

/* One run; maplock held exclusively.  *lblk goes on behind it. */
static int
reserve_run(struct ext4_inode *ei, uint32_t *lblk, uint32_t end)
{
	struct ext4_delayed *spare;
	uint32_t n, meta;
	int error;

	error = next_homeless(ei, lblk, end, &n);
	if (error != 0 || n == 0) {
		*lblk = end;
		return error;
	}
	spare = kmem_alloc(sizeof(*spare), KM_SLEEP);
	if (spare == NULL)
		return ENOMEM;
	meta = meta_for(ei->ei_ndelayed + n);
	meta = meta > ei->ei_ndmeta ? meta - ei->ei_ndmeta : 0;
	error = ext4_breserve(ei->ei_em, (uint64_t)n + meta);
	if (error == 0) {
		ei->ei_ndmeta += meta;
		delayed_insert(ei, *lblk, *lblk + n, &spare);
		*lblk += n;
	}
	if (spare != NULL)
		kmem_free(spare, sizeof(*spare));
	return error;
}

int
ext4_reserve(struct vnode *vp, off_t off, off_t len)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	uint32_t lblk, end;
	unsigned int tries = 0;
	int error = 0;

	if (em->em_jnl == NULL || em->em_failed)
		return EROFS;
	if (is_inline(ei))
		return EOPNOTSUPP;
	if ((uint64_t)(off + len) > (uint64_t)ext4_map_limit(ei) <<
	    em->em_bshift)
		return EFBIG;
	lblk = (uint32_t)(off >> em->em_bshift);
	end = blocks_of(em, (uint64_t)(off + len));
	while (lblk < end && error == 0) {
		rw_enter(&ei->ei_maplock, RW_WRITER);
		error = reserve_run(ei, &lblk, end);
		rw_exit(&ei->ei_maplock);
		/* Space that a commit sets free? */
		if (error == ENOSPC && tries++ == 0 && ext4_jpending(em))
			error = ext4_jcommit_all(em);
	}
	return error;
}

/* A place for lblk that goes on from what is before it. */
static uint64_t
goal_for(struct ext4_inode *ei, uint32_t lblk)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_map m;

	if (lblk > 0 && ext4_map_get(ei, lblk - 1, 1, &m) == 0 &&
	    m.m_blk != 0)
		return m.m_blk + 1;
	if (ei->ei_goal != 0)
		return ei->ei_goal;
	return ext4_group_start(em, (ei->ei_ino - 1) / em->em_ipg);
}

/* Claim blocks for the hole m, which is to be written; maplock held. */
static int
claim(struct ext4_inode *ei, const struct ext4_map *m, struct vnode_map *vm)
{
	struct ext4_delayed *d = delayed_at(ei, m->m_lblk);
	uint32_t want = MIN(m->m_len, CLAIM_MAX), got;
	bool delayed = d != NULL && d->d_lblk <= m->m_lblk;
	uint64_t blk;
	int error;

	if ((ei->ei_flags & EXT4_FL_EXTENTS) == 0)
		want = MIN(want, CLAIM_IND);
	if (delayed)
		want = MIN(want, d->d_end - m->m_lblk);
	else if (d != NULL)
		want = MIN(want, d->d_lblk - m->m_lblk);
	error = ext4_bclaim(ei->ei_em, goal_for(ei, m->m_lblk), want, delayed,
	    &blk, &got);
	if (error != 0)
		return error;
	vm->vm_kind = VM_MAPPED;
	vm->vm_flags = VMF_NEW;
	vm->vm_disk = blk << ei->ei_em->em_bshift;
	vm->vm_len = (off_t)got << ei->ei_em->em_bshift;
	return 0;
}

int
ext4_writemap(struct vnode *vp, off_t off, off_t len, struct vnode_map *vm)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	uint32_t lblk = (uint32_t)(off >> em->em_bshift);
	uint32_t n = blocks_of(em, (uint64_t)len);
	struct ext4_map m;
	int error;

	memset(vm, 0, sizeof(*vm));
	vm->vm_off = off;
	if (em->em_jnl == NULL || em->em_failed)
		return EROFS;
	if (is_inline(ei))
		return EOPNOTSUPP;
	KASSERT(n > 0);
	rw_enter(&ei->ei_maplock, RW_READER);
	error = ext4_map_get(ei, lblk, n, &m);
	if (error == 0 && m.m_blk == 0) {
		error = claim(ei, &m, vm);
	} else if (error == 0) {
		vm->vm_kind = VM_MAPPED;
		vm->vm_flags = m.m_unwritten ? VMF_UNWRITTEN : 0;
		vm->vm_disk = m.m_blk << em->em_bshift;
		vm->vm_len = (off_t)m.m_len << em->em_bshift;
	}
	rw_exit(&ei->ei_maplock);
	return error;
}

/* Claimed blocks become the file's; maplock held. */
static int
take(struct ext4_handle *h, struct ext4_inode *ei, uint32_t lblk,
    uint64_t blk, uint32_t n, bool unwritten)
{
	int error;

	error = ext4_bcommit(h, blk, n);
	if (error != 0) {
		ext4_bunclaim(ei->ei_em, blk, n);
		return error;
	}
	error = ext4_map_set(h, ei, lblk, blk, n, unwritten);
	if (error != 0) {
		(void)ext4_bfree(h, blk, n, false);
		return error;
	}
	delayed_drop_locked(ei, lblk, (uint64_t)lblk + n);
	return 0;
}

static int
written(struct vnode *vp, const struct vnode_map *vm, uint64_t end)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	uint32_t lblk = (uint32_t)(vm->vm_off >> em->em_bshift);
	uint32_t n = (uint32_t)(vm->vm_len >> em->em_bshift);
	struct ext4_handle h;
	int error;

	error = ext4_jstart(em, ext4_map_credits(ei) + EXT4_CREDITS_ALLOC +
	    EXT4_CREDITS_INODE, &h);
	if (error != 0) {
		if ((vm->vm_flags & VMF_NEW) != 0)
			ext4_bunclaim(em, vm->vm_disk >> em->em_bshift, n);
		return error;
	}
	rw_enter(&ei->ei_maplock, RW_WRITER);
	if ((vm->vm_flags & VMF_NEW) != 0)
		error = take(&h, ei, lblk, vm->vm_disk >> em->em_bshift, n,
		    false);
	else if ((vm->vm_flags & VMF_UNWRITTEN) != 0)
		error = ext4_map_written(&h, ei, lblk, n);
	if (error == 0) {
		ei->ei_disksize = MAX(ei->ei_disksize, end);
		error = ext4_iwrite(&h, ei);
		atomic_store(&ei->ei_datatid, h.h_tid);
	}
	rw_exit(&ei->ei_maplock);
	ext4_jstop(&h);
	return error;
}

int
ext4_writedone(struct vnode *vp, const struct vnode_map *vm, int error)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	uint64_t end;

	if (error != 0) {
		if ((vm->vm_flags & VMF_NEW) != 0)
			ext4_bunclaim(em, vm->vm_disk >> em->em_bshift,
			    (uint32_t)(vm->vm_len >> em->em_bshift));
		return error;
	}
	end = MIN((uint64_t)(vm->vm_off + vm->vm_len), ei->ei_size);
	if (vm->vm_flags == 0 && end <= ei->ei_disksize)
		return 0;
	return written(vp, vm, end);
}

int
ext4_readinline(struct vnode *vp, off_t off, void *buf, size_t len)
{
	return ext4_inline_read(EXT4_I(vp), (uint64_t)off, buf, len);
}

/* The first part is in i_block, the rest an attribute; zeros behind the end. */
int
ext4_inline_read(struct ext4_inode *ei, uint64_t off, void *buf, size_t len)
{
	size_t cap = ei->ei_em->em_isize, got = 0, size;
	char *all;
	int error;

	memset(buf, 0, len);
	if (off >= ei->ei_size)
		return 0;
	len = (size_t)MIN(len, ei->ei_size - off);
	all = kmem_zalloc(EXT4_IBLOCK + cap, KM_SLEEP);
	if (all == NULL)
		return ENOMEM;
	memcpy(all, ei->ei_block, EXT4_IBLOCK);
	error = ei->ei_size <= EXT4_IBLOCK ? 0 : ext4_xattr_read(ei,
	    EXT4_XI_SYSTEM, "data", all + EXT4_IBLOCK, cap, &got);
	size = EXT4_IBLOCK + got;
	if (error == 0 && off < size)
		memcpy(buf, all + off, MIN(len, size - (size_t)off));
	kmem_free(all, EXT4_IBLOCK + cap);
	return error == ENODATA ? EIO : error;
}

void
ext4_extend(struct vnode *vp, off_t end)
{
	struct ext4_inode *ei = EXT4_I(vp);

	if ((uint64_t)end > ei->ei_size)
		ei->ei_size = (uint64_t)end;
	ext4_itouch(ei, true);
}

/* -- reading and writing -- */

/* relatime: only if it says something new. */
static void
access_time(struct vnode *vp, int ioflags)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_time now;

	if ((ioflags & IO_NOATIME) != 0 || ei->ei_em->em_jnl == NULL ||
	    (vp->v_mount->mnt_flags & MS_RDONLY) != 0 ||
	    (ei->ei_flags & EXT4_FL_NOATIME) != 0)
		return;
	ext4_now(ei, &now);
	if (ei->ei_atime.tm_sec > ei->ei_mtime.tm_sec &&
	    ei->ei_atime.tm_sec > ei->ei_ctime.tm_sec &&
	    now.tm_sec - ei->ei_atime.tm_sec <= ATIME_SPAN)
		return;
	ei->ei_atime = now;
	ext4_idirty(ei);
}

void
ext4_accessed(struct vnode *vp)
{
	access_time(vp, 0);
}

int
ext4_read(struct vnode *vp, struct uio *uio)
{
	int error;

	if (!S_ISREG(vp->v_mode))
		return EINVAL;
	error = uvm_vnode_read(vp, uio);
	access_time(vp, uio->uio_flags);
	return error;
}

int
ext4_write(struct vnode *vp, struct uio *uio)
{
	struct ext4_inode *ei = EXT4_I(vp);

	if (!S_ISREG(vp->v_mode))
		return EINVAL;
	if (ei->ei_em->em_failed)
		return EROFS;
	if ((ei->ei_flags & EXT4_FL_IMMUTABLE) != 0)
		return EPERM;
	return uvm_vnode_write(vp, uio);
}

int
ext4_mmap(struct vnode *vp, off_t off, size_t len, vm_prot_t *prot,
    struct uvm_object **uobj)
{
	(void)off;
	(void)len;
	(void)prot;
	if (!S_ISREG(vp->v_mode))
		return ENODEV;
	return uvm_vnode_mmap(vp, uobj);
}

/* -- size -- */

/* Blocks at and behind the size go; for a file that may be on the list. */
int
ext4_truncate_blocks(struct ext4_inode *ei, uint64_t size)
{
	uint32_t from = blocks_of(ei->ei_em, size);
	struct ext4_handle h;
	int error;

	ext4_delayed_drop(ei, from, UINT64_MAX);
	error = ext4_jstart(ei->ei_em, EXT4_CREDITS_REMOVE +
	    EXT4_CREDITS_INODE + EXT4_CREDITS_ORPHAN, &h);
	if (error != 0)
		return error;
	rw_enter(&ei->ei_maplock, RW_WRITER);
	error = ext4_map_remove(&h, ei, from, (uint64_t)EXT4_MAX_LBLK + 1);
	if (error == 0)
		error = ext4_iwrite(&h, ei);
	rw_exit(&ei->ei_maplock);
	ext4_jstop(&h);
	return error;
}

/* For a file without names, which is an orphan already. */
int
ext4_truncate_all(struct ext4_inode *ei)
{
	ei->ei_size = ei->ei_disksize = 0;
	return ext4_truncate_blocks(ei, 0);
}

static int
orphan_done(struct ext4_inode *ei)
{
	struct ext4_handle h;
	int error;

	if (!ei->ei_onorphan || ei->ei_nlink == 0)
		return 0;
	error = ext4_jstart(ei->ei_em, EXT4_CREDITS_ORPHAN +
	    EXT4_CREDITS_INODE, &h);
	if (error != 0)
		return error;
	error = ext4_orphan_del(&h, ei);
	if (error == 0)
		error = ext4_iwrite(&h, ei);
	ext4_jstop(&h);
	return error;
}

int
ext4_resize(struct ext4_inode *ei, uint64_t size)
{
	bool shrink = size < MAX(ei->ei_size, ei->ei_disksize);
	struct ext4_handle h;
	int error;

	if (is_inline(ei))
		return EOPNOTSUPP;
	if (size > (uint64_t)ext4_map_limit(ei) << ei->ei_em->em_bshift)
		return EFBIG;
	error = ext4_jstart(ei->ei_em, EXT4_CREDITS_ORPHAN +
	    EXT4_CREDITS_INODE, &h);
	if (error != 0)
		return error;
	if (shrink)
		error = ext4_orphan_add(&h, ei);
	if (error == 0) {
		ei->ei_size = ei->ei_disksize = size;
		error = ext4_iwrite(&h, ei);
		atomic_store(&ei->ei_datatid, h.h_tid);
	}
	ext4_jstop(&h);
	if (error != 0 || !shrink)
		return error;
	error = ext4_truncate_blocks(ei, size);
	return error != 0 ? error : orphan_done(ei);
}

/* -- fallocate -- */

/* Blocks for one hole of [*lblk, end), unwritten; *lblk goes on behind it. */
static int
allocate_run(struct ext4_inode *ei, uint32_t *lblk, uint32_t end)
{
	struct ext4_mount *em = ei->ei_em;
	struct ext4_handle h;
	struct ext4_map m;
	uint64_t blk;
	uint32_t got = 0;
	int error;

	error = ext4_jstart(em, ext4_map_credits(ei) + EXT4_CREDITS_ALLOC +
	    EXT4_CREDITS_INODE, &h);
	if (error != 0)
		return error;
	rw_enter(&ei->ei_maplock, RW_WRITER);
	error = ext4_map_get(ei, *lblk, end - *lblk, &m);
	if (error == 0 && m.m_blk != 0) {
		*lblk += m.m_len;
	} else if (error == 0) {
		error = ext4_bclaim(em, goal_for(ei, *lblk),
		    MIN(m.m_len, EXT4_EXT_INITLEN - 1), false, &blk, &got);
		if (error == 0)
			error = take(&h, ei, *lblk, blk, got, true);
		if (error == 0) {
			*lblk += got;
			error = ext4_iwrite(&h, ei);
		}
	}
	rw_exit(&ei->ei_maplock);
	ext4_jstop(&h);
	return error;
}

static int
allocate(struct ext4_inode *ei, uint64_t start, uint64_t end)
{
	struct ext4_mount *em = ei->ei_em;
	uint32_t lblk = (uint32_t)(start >> em->em_bshift);
	uint32_t last = blocks_of(em, end);
	bool again = false;
	int error = 0;

	while (lblk < last && error == 0) {
		error = allocate_run(ei, &lblk, last);
		if (error == ENOSPC && !again && ext4_jpending(em)) {
			again = true;
			error = ext4_jcommit_all(em);
		}
	}
	return error;
}

/* Zeros into part of a page. */
static int
zero_part(struct vnode *vp, uint64_t from, uint64_t to)
{
	static const char zeros[512];
	struct iovec iov;
	struct uio uio;
	size_t n;
	int error = 0;

	to = MIN(to, EXT4_I(vp)->ei_size);
	for (; from < to && error == 0; from += n) {
		n = (size_t)MIN(to - from, sizeof(zeros));
		uio_kernel(&uio, &iov, (void *)(uintptr_t)zeros, n,
		    (off_t)from, UIO_WRITE);
		error = uvm_vnode_write(vp, &uio);
	}
	return error;
}

/* [start, end) becomes a hole; whole pages leave, the edges are cleared. */
static int
punch(struct vnode *vp, uint64_t start, uint64_t end)
{
	struct ext4_inode *ei = EXT4_I(vp);
	unsigned int bs = (unsigned int)PAGE_SIZE;
	uint64_t first, last;
	struct ext4_handle h;
	int error;

	/* Behind the end of the file there may be blocks, but no data. */
	first = roundup2(start, (uint64_t)bs);
	last = end >= ei->ei_size ? MAX(end, roundup2(ei->ei_size,
	    (uint64_t)bs)) : end;
	last = rounddown2(last, (uint64_t)bs);
	if (first >= last)
		return zero_part(vp, start, end);
	error = zero_part(vp, start, first);
	if (error == 0)
		error = zero_part(vp, last, end);
	if (error != 0)
		return error;
	uvm_vnode_invalidate(vp, first, last);
	ext4_delayed_drop(ei, (uint32_t)(first >> ei->ei_em->em_bshift),
	    last >> ei->ei_em->em_bshift);
	error = ext4_jstart(ei->ei_em, EXT4_CREDITS_REMOVE +
	    EXT4_CREDITS_INODE, &h);
	if (error != 0)
		return error;
	rw_enter(&ei->ei_maplock, RW_WRITER);
	error = ext4_map_remove(&h, ei,
	    (uint32_t)(first >> ei->ei_em->em_bshift),
	    MIN(last >> ei->ei_em->em_bshift, (uint64_t)EXT4_MAX_LBLK + 1));
	if (error == 0)
		error = ext4_iwrite(&h, ei);
	rw_exit(&ei->ei_maplock);
	ext4_jstop(&h);
	return error;
}

int
ext4_fallocate(struct vnode *vp, int mode, off_t off, off_t len)
{
	struct ext4_inode *ei = EXT4_I(vp);
	uint64_t start = (uint64_t)off, end = start + (uint64_t)len;
	int error = 0;

	if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_ZERO_RANGE)) != 0 || is_inline(ei))
		return EOPNOTSUPP;
	if (ei->ei_em->em_jnl == NULL || ei->ei_em->em_failed)
		return EROFS;
	if ((ei->ei_flags & EXT4_FL_IMMUTABLE) != 0)
		return EPERM;
	if ((mode & FALLOC_FL_PUNCH_HOLE) == 0 &&
	    (ei->ei_flags & EXT4_FL_EXTENTS) == 0)
		return EOPNOTSUPP;
	if (end > (uint64_t)ext4_map_limit(ei) << ei->ei_em->em_bshift)
		return EFBIG;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
		error = punch(vp, start, end);
	if (error == 0 && (mode & FALLOC_FL_PUNCH_HOLE) == 0)
		error = allocate(ei, start, end);
	if (error == 0 && (mode & (FALLOC_FL_KEEP_SIZE |
	    FALLOC_FL_PUNCH_HOLE)) == 0 && end > ei->ei_size) {
		error = uvm_vnode_setsize(vp, end);
		if (error == 0)
			error = ext4_resize(ei, end);
	}
	ext4_itouch(ei, true);
	return error;
}

/* off is before the end.  What is delayed or set aside counts as data. */
int
ext4_seek(struct vnode *vp, off_t off, int whence, off_t *result)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	uint32_t lblk, end = blocks_of(em, ei->ei_size), n = 0;
	struct ext4_map m;
	bool data;
	int error = 0;

	if (is_inline(ei)) {
		*result = whence == SEEK_DATA ? off : (off_t)ei->ei_size;
		return 0;
	}
	rw_enter(&ei->ei_maplock, RW_READER);
	lblk = (uint32_t)(off >> em->em_bshift);
	for (; lblk < end && error == 0; lblk += n) {
		n = 0;
		m.m_lblk = lblk;
		if (delayed_at(ei, lblk) != NULL &&
		    delayed_at(ei, lblk)->d_lblk <= lblk) {
			data = true;
			n = delayed_at(ei, lblk)->d_end - lblk;
		} else {
			error = ext4_map_get(ei, lblk, end - lblk, &m);
			data = m.m_blk != 0;
			n = m.m_len;
			if (!data && delayed_at(ei, lblk) != NULL)
				n = MIN(n, delayed_at(ei, lblk)->d_lblk -
				    lblk);
		}
		if (error == 0 && data == (whence == SEEK_DATA))
			break;
	}
	rw_exit(&ei->ei_maplock);
	if (error != 0)
		return error;
	if (lblk >= end && whence == SEEK_DATA)
		return ENXIO;
	*result = MAX(off, (off_t)MIN((uint64_t)lblk << em->em_bshift,
	    ei->ei_size));
	return 0;
}

/* -- fsync -- */

int
ext4_fsync(struct vnode *vp, bool dataonly)
{
	struct ext4_inode *ei = EXT4_I(vp);
	struct ext4_mount *em = ei->ei_em;
	uint32_t tid;
	int error = 0, e;

	if (em->em_jnl == NULL)
		return 0;
	if (S_ISREG(vp->v_mode))
		error = uvm_vnode_sync(vp, 0, UINT64_MAX);
	if (!dataonly) {
		ext4_mapped_times(vp);
		e = ext4_iflush(ei);
		if (error == 0)
			error = e;
	}
	tid = dataonly ? ei->ei_datatid : ei->ei_tid;
	if (!ext4_jcommitted(em, tid)) {
		e = ext4_jcommit(em, tid);
		if (em->em_jinode == NULL && e == 0)
			e = bufcache_sync(em->em_bc);
		if (em->em_jinode == NULL && e == 0)
			e = bufdev_flush(em->em_dev);
	} else {
		e = em->em_failed ? EIO : bufdev_flush(em->em_dev);
	}
	if (e == EROFS)
		e = EIO;
	return error != 0 ? error : e;
}
