/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks in the page cache: what programs read and write of a block device.
 *
 * Overview: a disk or partition that a file is open on has a vnode of its own,
 * without a name, whose bytes are the disk's; the page cache does the rest.
 * It lives as long as somebody has the device open or mapped, or has left dirty
 * pages.  A file system or swap area has its own ways to the disk: when one
 * claims the disk, and when it lets go, what is cached here is written and
 * forgotten.  In between a look at the device shows what was on the disk when
 * it was read.
 *
 * Locking: cache_lock for d_cache.  v_lock of the vnode is taken around
 * transfers, as for any file.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <uvm/uvm_vnode.h>
#include <dev/disk_dev.h>

struct diskcache {			/* v_data */
	struct disk	*dc_disk;	/* [I] referenced */
	uint64_t	dc_size;	/* [v] bytes that the vnode has */
};

static struct mutex cache_lock;

void
disk_cache_init(void)
{
	mutex_init(&cache_lock, "diskcache");
}

/* ---- the vnode ---- */

/* Bytes are where they are; behind the end there is nothing. */
static int
cache_bmap(struct vnode *vp, off_t off, off_t len, struct vnode_map *m)
{
	struct diskcache *dc = vp->v_data;
	uint64_t size = dc->dc_disk->d_sectors << SECTOR_SHIFT;

	memset(m, 0, sizeof(*m));
	m->vm_off = off;
	m->vm_kind = VM_MAPPED;
	m->vm_disk = (uint64_t)off;
	m->vm_len = len;
	if ((uint64_t)off >= size)
		m->vm_kind = VM_HOLE;
	else if ((uint64_t)len > size - (uint64_t)off)
		m->vm_len = (off_t)(size - (uint64_t)off);
	return 0;
}

static int
cache_reserve(struct vnode *vp, off_t off __unused, off_t len __unused)
{
	struct diskcache *dc = vp->v_data;

	return disk_readonly(dc->dc_disk) ? EROFS : 0;
}

static int
cache_writemap(struct vnode *vp, off_t off, off_t len, struct vnode_map *m)
{
	(void)cache_bmap(vp, off, len, m);
	return m->vm_kind == VM_MAPPED ? 0 : EIO;
}

static int
cache_writedone(struct vnode *vp __unused, const struct vnode_map *m __unused,
    int error __unused)
{
	return 0;
}

static void
cache_extend(struct vnode *vp __unused, off_t end __unused)
{
}

static void
cache_reclaim(struct vnode *vp)
{
	struct diskcache *dc = vp->v_data;
	struct disk *d = dc->dc_disk;

	mutex_enter(&cache_lock);
	if (d->d_cache == vp)
		d->d_cache = NULL;
	mutex_exit(&cache_lock);
	kmem_free(dc, sizeof(*dc));
	disk_put(d);
}

static const struct vops cache_vops = {
	.vop_bmap = cache_bmap,
	.vop_reserve = cache_reserve,
	.vop_writemap = cache_writemap,
	.vop_writedone = cache_writedone,
	.vop_extend = cache_extend,
	.vop_reclaim = cache_reclaim,
};

static int
cache_create(struct disk *d, struct vnode **vpp)
{
	struct diskcache *dc;
	struct vnode *vp;
	int error;

	dc = kmem_zalloc(sizeof(*dc), KM_SLEEP);
	if (dc == NULL)
		return ENOMEM;
	error = vnode_alloc(NULL, &cache_vops, dc, &vp);
	if (error != 0) {
		kmem_free(dc, sizeof(*dc));
		return error;
	}
	dc->dc_disk = disk_get(d);
	dc->dc_size = d->d_sectors << SECTOR_SHIFT;
	vp->v_mode = S_IFBLK | 0600;
	vp->v_rdev = d->d_dev;
	vp->v_bsize = d->d_whole->d_limits.dl_lbs;
	error = uvm_vnode_attach(vp, d, dc->dc_size);
	if (error != 0) {
		vrele(vp);
		return error;
	}
	*vpp = vp;
	return 0;
}

int
disk_cache_get(struct disk *d, struct vnode **vpp)
{
	struct vnode *vp, *mine = NULL;
	int error = 0;

	/* Made without the lock, as giving one back takes it. */
	mutex_enter(&cache_lock);
	vp = d->d_cache;
	if (vp != NULL && !vref_tryget(vp))
		vp = NULL;
	mutex_exit(&cache_lock);
	if (vp == NULL)
		error = cache_create(d, &mine);
	if (error != 0)
		return error;
	if (mine != NULL) {
		mutex_enter(&cache_lock);
		vp = d->d_cache;
		if (vp == NULL || !vref_tryget(vp))
			d->d_cache = vp = mine;
		mutex_exit(&cache_lock);
		if (vp != mine)
			vrele(mine);
	}
	*vpp = vp;
	return 0;
}

/* The cache, if there is one now; referenced. */
static struct vnode *
cache_find(struct disk *d)
{
	struct vnode *vp;

	mutex_enter(&cache_lock);
	vp = d->d_cache;
	if (vp != NULL && !vref_tryget(vp))
		vp = NULL;
	mutex_exit(&cache_lock);
	return vp;
}

/* ---- transfers ---- */

/* The disk may have another size than when it was opened. */
static void
follow_size(struct vnode *vp)
{
	struct diskcache *dc = vp->v_data;
	uint64_t size = dc->dc_disk->d_sectors << SECTOR_SHIFT;

	if (atomic_load_relaxed(&dc->dc_size) == size)
		return;
	rw_enter(&vp->v_lock, RW_WRITER);
	if (dc->dc_size != size && uvm_vnode_setsize(vp, size) == 0)
		dc->dc_size = size;
	rw_exit(&vp->v_lock);
}

int
disk_cache_read(struct vnode *vp, struct uio *uio)
{
	int error;

	follow_size(vp);
	rw_enter(&vp->v_lock, RW_READER);
	error = uvm_vnode_read(vp, uio);
	rw_exit(&vp->v_lock);
	return error;
}

int
disk_cache_mmap(struct vnode *vp, struct uvm_object **uo)
{
	follow_size(vp);
	return uvm_vnode_mmap(vp, uo);
}

int
disk_cache_write(struct vnode *vp, struct uio *uio)
{
	struct diskcache *dc = vp->v_data;
	uint64_t off = (uint64_t)uio->uio_offset;
	size_t want = uio->uio_resid, cut = 0;
	bool direct = (uio->uio_flags & IO_DIRECT) != 0;
	int error;

	follow_size(vp);
	/* A disk has all its blocks: direct writes need no turns. */
	rw_enter(&vp->v_lock, direct ? RW_READER : RW_WRITER);
	if (off >= dc->dc_size) {
		rw_exit(&vp->v_lock);
		return ENOSPC;
	}
	if (want > dc->dc_size - off)
		cut = want - (size_t)(dc->dc_size - off);
	uio->uio_resid -= cut;
	error = uvm_vnode_write(vp, uio);
	uio->uio_resid += cut;
	rw_exit(&vp->v_lock);
	if (error == 0 && (uio->uio_flags & (IO_SYNC | IO_DSYNC)) != 0) {
		error = disk_cache_sync(vp, off, (uint64_t)uio->uio_offset);
		if (error != 0) {
			/* It does not count. */
			uio->uio_resid = want;
			uio->uio_offset = (off_t)off;
		}
	}
	return error;
}

int
disk_cache_sync(struct vnode *vp, uint64_t start, uint64_t end)
{
	struct diskcache *dc = vp->v_data;
	int error, error2;

	error = uvm_vnode_sync(vp, start, end);
	error2 = disk_flush(dc->dc_disk);
	return error != 0 ? error : error2;
}

/* [start, end) is going to be read or written past the cache. */
int
disk_cache_bypass(struct vnode *vp, uint64_t start, uint64_t end)
{
	return uvm_vnode_sync(vp, start, end);
}

/* It has been written past the cache. */
void
disk_cache_forget(struct vnode *vp, uint64_t start, uint64_t end)
{
	if (end > start)
		uvm_vnode_invalidate(vp, trunc_page(start), round_page(end));
}

void
disk_cache_close(struct vnode *vp)
{
	struct diskcache *dc = vp->v_data;
	struct disk *d = disk_get(dc->dc_disk);

	/* The last file: others would find old bytes when they look again. */
	if (disk_openers(d) <= 1) {
		(void)uvm_vnode_sync(vp, 0, INT64_MAX);
		uvm_vnode_invalidate(vp, 0, INT64_MAX);
	}
	vrele(vp);
	disk_put(d);
}

static void
purge(struct disk *d)
{
	struct vnode *vp = cache_find(d);

	if (vp == NULL)
		return;
	if (uvm_vnode_sync(vp, 0, INT64_MAX) != 0)
		printf("%s: what was written to it is lost\n", d->d_name);
	uvm_vnode_invalidate(vp, 0, INT64_MAX);
	vrele(vp);
}

void
disk_cache_claimed(struct disk *d)
{
	purge(d);
	if (d->d_whole != d)
		purge(d->d_whole);
}
