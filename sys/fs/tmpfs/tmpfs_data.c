/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: the contents of regular files.
 *
 * Overview: the bytes are in an anonymous memory object that read, write and
 * mmap share; holes have no pages.  Pages are charged to the mount: a write
 * reserves those it will add before it adds them, so that the limit holds.
 * Pages that a mapping touched into being are charged when the file is used
 * next; a mapping can so go over the limit a little, never a write.
 *
 * Locking: v_lock (exclusive for all that changes pages or size); uo_lock
 * inside it, for looking at pages.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/systm.h>
#include <uvm/uvm_object.h>
#include <fs/tmpfs/tmpfs.h>

#define	CHUNK_PAGES	64		/* of one step of a write */
#define	ATIME_SPAN	(24 * 3600 * NSEC_PER_SEC)

/* Reserve n pages of the mount's; false: over the limit. */
static bool
reserve(struct tmpfs_mount *tm, size_t n)
{
	size_t max = atomic_load_relaxed(&tm->tm_maxpages);

	if (n == 0)
		return true;
	if (atomic_add(&tm->tm_pages, n) > max && max != 0) {
		(void)atomic_sub(&tm->tm_pages, n);
		return false;
	}
	return true;
}

/* What the file has now is what it is charged; `reserved` pages are. */
static void
settle(struct vnode *vp, size_t reserved)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(vp->v_mount);
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	size_t now = tmpfs_data_pages(tn);

	(void)atomic_add(&tm->tm_pages, now - tn->tn_charged - reserved);
	tn->tn_charged = now;
}

size_t
tmpfs_data_pages(struct tmpfs_node *tn)
{
	size_t n;

	if (tn->tn_uobj == NULL)
		return 0;
	mutex_enter(&tn->tn_uobj->uo_lock);
	n = tn->tn_uobj->uo_npages;
	mutex_exit(&tn->tn_uobj->uo_lock);
	return n;
}

void
tmpfs_data_free(struct vnode *vp)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(vp->v_mount);
	struct tmpfs_node *tn = TMPFS_NODE(vp);

	if (tn->tn_uobj == NULL)
		return;
	tn->tn_uobj->uo_ops->pgo_detach(tn->tn_uobj);
	(void)atomic_sub(&tm->tm_pages, tn->tn_charged);
}

static int
need_object(struct tmpfs_node *tn)
{
	if (tn->tn_uobj == NULL)
		tn->tn_uobj = uvm_aobj_create(0);
	return tn->tn_uobj == NULL ? ENOMEM : 0;
}

static int
set_size(struct tmpfs_node *tn, off_t size)
{
	int error = 0;

	if (tn->tn_uobj != NULL)
		error = uvm_aobj_resize(tn->tn_uobj, (uint64_t)size);
	if (error == 0)
		tn->tn_size = size;
	return error;
}

int
tmpfs_resize(struct vnode *vp, off_t size)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	int error = 0;

	if (size > 0)
		error = need_object(tn);
	if (error == 0)
		error = set_size(tn, size);
	settle(vp, 0);
	return error;
}

static void
access_time(struct vnode *vp, struct tmpfs_node *tn, int ioflags)
{
	nsec_t now;

	if ((ioflags & IO_NOATIME) != 0 ||
	    (vp->v_mount->mnt_flags & MS_RDONLY) != 0)
		return;
	now = nanotime();
	if (tn->tn_atime <= tn->tn_mtime || tn->tn_atime <= tn->tn_ctime ||
	    now - tn->tn_atime > ATIME_SPAN)
		tn->tn_atime = now;
}

void
tmpfs_accessed(struct vnode *vp)
{
	access_time(vp, TMPFS_NODE(vp), 0);
}

void
tmpfs_mapped_times(struct vnode *vp)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	nsec_t t = 0;

	if (S_ISREG(vp->v_mode) && tn->tn_uobj != NULL)
		t = uvm_obj_wrote(tn->tn_uobj);
	if (t > tn->tn_mtime)
		tn->tn_mtime = t;
	if (t > tn->tn_ctime)
		tn->tn_ctime = t;
}

int
tmpfs_read(struct vnode *vp, struct uio *uio)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	size_t n;
	int error = 0;

	if (!S_ISREG(vp->v_mode))
		return EINVAL;
	if (uio->uio_offset < tn->tn_size && uio->uio_resid > 0) {
		n = (size_t)MIN((uint64_t)uio->uio_resid,
		    (uint64_t)(tn->tn_size - uio->uio_offset));
		error = uvm_obj_uiomove(tn->tn_uobj,
		    (uint64_t)uio->uio_offset, n, uio);
	}
	access_time(vp, tn, uio->uio_flags);
	return error;
}

/* How many pages of [off, off + len) are not there yet? */
static size_t
missing_pages(struct tmpfs_node *tn, uint64_t off, uint64_t len)
{
	uint64_t pg;
	size_t n = 0;

	mutex_enter(&tn->tn_uobj->uo_lock);
	for (pg = trunc_page(off); pg < off + len; pg += PAGE_SIZE)
		if (uvm_obj_lookup(tn->tn_uobj, pg) == NULL)
			n++;
	mutex_exit(&tn->tn_uobj->uo_lock);
	return n;
}

/* One step: at most CHUNK_PAGES, less if the space ends. */
static int
write_chunk(struct vnode *vp, struct uio *uio)
{
	struct tmpfs_mount *tm = TMPFS_MOUNT(vp->v_mount);
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	uint64_t off = (uint64_t)uio->uio_offset;
	size_t n, want;
	off_t oldsize = tn->tn_size;
	int error;

	n = MIN(uio->uio_resid, CHUNK_PAGES * PAGE_SIZE -
	    (size_t)(off & PAGE_MASK));
	want = missing_pages(tn, off, n);
	if (!reserve(tm, want)) {
		/* Page by page, as far as it goes. */
		n = MIN(n, PAGE_SIZE - (size_t)(off & PAGE_MASK));
		want = missing_pages(tn, off, n);
		if (!reserve(tm, want))
			return ENOSPC;
	}
	error = 0;
	if ((off_t)(off + n) > oldsize)
		error = set_size(tn, (off_t)(off + n));
	if (error == 0)
		error = uvm_obj_uiomove(tn->tn_uobj, off, n, uio);
	/* A copy that stopped short does not make the file longer. */
	if (error != 0 && tn->tn_size > oldsize)
		(void)set_size(tn, uio->uio_offset == (off_t)off ? oldsize :
		    MAX(oldsize, uio->uio_offset));
	settle(vp, want);
	return error;
}

int
tmpfs_write(struct vnode *vp, struct uio *uio)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	size_t resid = uio->uio_resid;
	int error;

	if (!S_ISREG(vp->v_mode))
		return EINVAL;
	if ((uint64_t)uio->uio_offset + resid > INT64_MAX - PAGE_SIZE)
		return EFBIG;
	error = need_object(tn);
	while (error == 0 && uio->uio_resid > 0)
		error = write_chunk(vp, uio);
	if (uio->uio_resid < resid)
		tmpfs_touch(tn);
	return error;
}

int
tmpfs_mmap(struct vnode *vp, off_t off, size_t len, vm_prot_t *prot,
    struct uvm_object **uobj)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	int error = 0;

	(void)off;
	(void)len;
	(void)prot;
	if (!S_ISREG(vp->v_mode))
		return ENODEV;
	rw_enter(&vp->v_lock, RW_WRITER);
	if (tn->tn_uobj == NULL) {
		error = need_object(tn);
		if (error == 0)
			error = set_size(tn, tn->tn_size);
	}
	if (error == 0) {
		tn->tn_uobj->uo_ops->pgo_reference(tn->tn_uobj);
		*uobj = tn->tn_uobj;
	}
	rw_exit(&vp->v_lock);
	return error;
}

/* off is before the end. */
int
tmpfs_seek(struct vnode *vp, off_t off, int whence, off_t *result)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	size_t idx = (size_t)(off >> PAGE_SHIFT), want = idx;
	uint64_t pos;
	void *pg;

	mutex_enter(&tn->tn_uobj->uo_lock);
	pg = uvm_radix_next(&tn->tn_uobj->uo_pages, &idx);
	if (whence == SEEK_HOLE)
		while (pg != NULL && idx == want) {
			want = ++idx;
			pg = uvm_radix_next(&tn->tn_uobj->uo_pages, &idx);
		}
	mutex_exit(&tn->tn_uobj->uo_lock);
	if (whence == SEEK_HOLE) {
		pos = MAX((uint64_t)want << PAGE_SHIFT, (uint64_t)off);
		*result = (off_t)MIN(pos, (uint64_t)tn->tn_size);
		return 0;
	}
	pos = MAX((uint64_t)idx << PAGE_SHIFT, (uint64_t)off);
	if (pg == NULL || pos >= (uint64_t)tn->tn_size)
		return ENXIO;
	*result = (off_t)pos;
	return 0;
}

/* Zeros over a part of one page, if the page is there. */
static int
zero_part(struct tmpfs_node *tn, uint64_t off, size_t len)
{
	static const char zeros[256];
	struct iovec iov;
	struct uio uio;
	size_t n;
	int error = 0;

	if (missing_pages(tn, off, len) != 0)
		return 0;
	for (; len > 0 && error == 0; off += n, len -= n) {
		n = MIN(len, sizeof(zeros));
		uio_kernel(&uio, &iov, (void *)(uintptr_t)zeros, n, 0,
		    UIO_WRITE);
		error = uvm_obj_uiomove(tn->tn_uobj, off, n, &uio);
	}
	return error;
}

static int
punch_hole(struct tmpfs_node *tn, uint64_t start, uint64_t end)
{
	uint64_t first = round_page(start), last = trunc_page(end);
	int error;

	if (tn->tn_uobj == NULL || start >= (uint64_t)tn->tn_size)
		return 0;
	end = MIN(end, (uint64_t)tn->tn_size);
	last = MIN(last, end == (uint64_t)tn->tn_size ? round_page(end) :
	    trunc_page(end));
	if (first > last)
		return zero_part(tn, start, (size_t)(end - start));
	error = 0;
	if (start < first)
		error = zero_part(tn, start, (size_t)(first - start));
	if (error == 0 && last < end)
		error = zero_part(tn, last, (size_t)(end - last));
	if (error == 0 && first < last) {
		mutex_enter(&tn->tn_uobj->uo_lock);
		uvm_obj_free_range(tn->tn_uobj, first, last);
		mutex_exit(&tn->tn_uobj->uo_lock);
	}
	return error;
}

/* Make every page of the range be there. */
static int
fill_range(struct vnode *vp, uint64_t start, uint64_t end)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	struct uvm_object *uo = tn->tn_uobj;
	struct vm_page *pg;
	uint64_t off;
	size_t want;
	int error = 0;

	for (off = trunc_page(start); off < end && error == 0;
	    off += PAGE_SIZE) {
		want = missing_pages(tn, off, 1);
		if (!reserve(TMPFS_MOUNT(vp->v_mount), want))
			return ENOSPC;
		if (want != 0) {
			mutex_enter(&uo->uo_lock);
			error = uo->uo_ops->pgo_get(uo, off, true, &pg);
			mutex_exit(&uo->uo_lock);
		}
		settle(vp, want);
		if (error == ENOMEM)
			error = ENOSPC;
	}
	return error;
}

int
tmpfs_fallocate(struct vnode *vp, int mode, off_t off, off_t len)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	off_t oldsize = tn->tn_size;
	uint64_t start = (uint64_t)off, end = start + (uint64_t)len;
	int error;

	if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) != 0)
		return EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) != 0) {
		error = punch_hole(tn, start, end);
		settle(vp, 0);
		if (error == 0)
			tmpfs_touch(tn);
		return error;
	}
	/* Pages behind the end cannot be kept. */
	if ((mode & FALLOC_FL_KEEP_SIZE) != 0 && (off_t)end > oldsize)
		return EOPNOTSUPP;
	error = need_object(tn);
	if (error == 0 && (off_t)end > oldsize)
		error = set_size(tn, (off_t)end);
	if (error == 0)
		error = fill_range(vp, start, end);
	if (error != 0 && tn->tn_size > oldsize) {
		(void)set_size(tn, oldsize);
		settle(vp, 0);
	}
	if (error == 0)
		tn->tn_ctime = nanotime();
	return error;
}
