/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: read(2) and write(2).
 *
 * Overview: bytes are copied between the caller's memory and a page while the
 * page is held, not busy, and nothing is locked: the copy may fault, on a
 * mapping of this very page even.  So a copy may stop half-way, and a page must
 * have its right contents before the copy begins: it is read first, unless it
 * lies beyond the end, where all is zero.  A page that is overwritten as a
 * whole is not read; the bytes are gathered in a page of their own and moved
 * when they are all there.
 *
 * A page is marked DIRTY after the copy, as it may have been written in
 * between.
 */
#include <sys/file.h>
#include <uvm/uvm_vnode_impl.h>

#define	CHUNK		(64 * PAGE_SIZE)	/* of one reservation */

int
uvm_vnode_mmap(struct vnode *vp, struct uvm_object **uo)
{
	(void)vref(vp);
	*uo = vp->v_uobj;
	return 0;
}

int
uvm_vnode_read(struct vnode *vp, struct uio *uio)
{
	struct uvm_vnode *un = uvm_vnode_of(vp->v_uobj);
	uint64_t off = (uint64_t)uio->uio_offset, size;
	int error;

	mutex_enter(&un->un_obj.uo_lock);
	size = un->un_size;
	mutex_exit(&un->un_obj.uo_lock);
	if (off >= size || uio->uio_resid == 0)
		return 0;
	if ((uio->uio_flags & IO_DIRECT) != 0) {
		error = uvn_direct_read(un, size, uio);
		if (error != EAGAIN)
			return error;
	}
	return uvm_obj_uiomove(&un->un_obj, off,
	    (size_t)MIN(uio->uio_resid, size - off), uio);
}

/* Object locked, unlocked meanwhile. */
static int
wait_memory(struct uvm_object *uo)
{
	int error;

	mutex_exit(&uo->uo_lock);
	error = uvm_wait(1);
	mutex_enter(&uo->uo_lock);
	return error;
}

/*
 * The page at off as it is to be before it is written to; NULL: it is not
 * there and need not be.  Object locked, unlocked meanwhile.
 */
static int
page_to_write(struct uvm_vnode *un, uint64_t off, bool whole,
    struct vm_page **res)
{
	struct uvm_object *uo = &un->un_obj;
	struct vm_page *pg;
	int error;

	for (;;) {
		error = 0;
		pg = uvm_obj_lookup(uo, off);
		if (pg != NULL && (pg->pg_flags & PG_ERROR) != 0) {
			uvn_page_free(un, pg);
			continue;
		}
		if (pg != NULL && (pg->pg_flags & (PG_BUSY |
		    PG_WRITEBACK)) != 0) {
			uvn_page_wait(uo, pg, PG_BUSY | PG_WRITEBACK);
			continue;
		}
		if (pg != NULL || (whole && off < un->un_size)) {
			*res = pg;
			return 0;
		}
		if (off < un->un_size) {
			error = uvn_get(uo, off, false, &pg);
		} else {
			pg = uvm_pagealloc(UVM_PGA_ZERO | UVM_PGA_NOSLEEP);
			if (pg == NULL || uvm_obj_insert(uo, pg, off) != 0) {
				if (pg != NULL)
					uvm_pagefree(pg);
				error = ENOMEM;
			} else {
				uvn_lru_add(pg);
			}
		}
		if (error == ENOMEM)
			error = wait_memory(uo);
		if (error != 0)
			return error;
	}
}

/*
 * Bytes up to `end` are in their page: the file is at least that long.  Said
 * before the page is dirty: who writes it takes what is behind the end for
 * nothing.  Object locked.
 */
static void
extend_locked(struct uvm_vnode *un, uint64_t end)
{
	struct vnode *vp = un->un_vnode;

	if (end <= un->un_size)
		return;
	un->un_size = end;
	vp->v_ops->vop_extend(vp, (off_t)end);
}

/* Copy into a page that is in the cache.  Object locked, also afterwards. */
static int
write_cached(struct uvm_vnode *un, struct vm_page *pg, size_t in, size_t n,
    struct uio *uio)
{
	uint64_t end = (uint64_t)uio->uio_offset + n;
	bool longer = end > un->un_size;
	size_t resid = uio->uio_resid;
	int error;

	if (longer)
		un->un_copyend = end;
	uvm_page_hold(pg);
	mutex_exit(&un->un_obj.uo_lock);
	error = uiomove((char *)VM_PAGE_TO_KVA(pg) + in, n, uio);
	mutex_enter(&un->un_obj.uo_lock);
	if (longer)
		un->un_copyend = 0;
	if (uio->uio_resid != resid) {
		extend_locked(un, (uint64_t)uio->uio_offset);
		uvn_page_dirty(un, pg);
		uvn_lru_touch(pg);
	}
	uvm_page_unhold(pg);
	return error;
}

/*
 * Put n bytes of a page of our own at off.  If that is a whole page and there
 * is none, it becomes the file's and *own is NULL.  Object locked, unlocked
 * meanwhile.
 */
static int
write_own(struct uvm_vnode *un, struct vm_page **own, uint64_t off, size_t n)
{
	struct vm_page *pg;
	int error;

	for (;;) {
		error = page_to_write(un, off, n == PAGE_SIZE, &pg);
		if (error != 0)
			return error;
		if (pg != NULL) {
			memcpy(VM_PAGE_TO_KVA(pg), VM_PAGE_TO_KVA(*own), n);
			break;
		}
		pg = *own;
		if (uvm_obj_insert(&un->un_obj, pg, off) == 0) {
			*own = NULL;
			break;
		}
		error = wait_memory(&un->un_obj);
		if (error != 0)
			return error;
	}
	extend_locked(un, off + n);
	uvn_page_dirty(un, pg);
	return 0;
}

/* Overwrite a page that is not in the cache.  Object locked. */
static int
write_whole(struct uvm_vnode *un, uint64_t off, struct uio *uio)
{
	struct uvm_object *uo = &un->un_obj;
	size_t resid = uio->uio_resid, n;
	struct vm_page *own;
	int error, error2;

	mutex_exit(&uo->uo_lock);
	own = uvm_pagealloc(0);
	error = own == NULL ? ENOMEM :
	    uiomove(VM_PAGE_TO_KVA(own), PAGE_SIZE, uio);
	mutex_enter(&uo->uo_lock);
	n = resid - uio->uio_resid;
	if (n != 0) {
		error2 = write_own(un, &own, off, n);
		if (error2 != 0) {
			/* Not written after all. */
			uio->uio_resid += n;
			uio->uio_offset -= (off_t)n;
			error = error2;
		}
	}
	if (own != NULL)
		uvm_pagefree(own);
	return error;
}

/* n bytes at off, within a page. */
static int
write_page(struct uvm_vnode *un, uint64_t off, size_t n, struct uio *uio)
{
	struct uvm_object *uo = &un->un_obj;
	struct vm_page *pg;
	int error;

	mutex_enter(&uo->uo_lock);
	error = page_to_write(un, trunc_page(off), n == PAGE_SIZE, &pg);
	if (error == 0)
		error = pg == NULL ? write_whole(un, off, uio) :
		    write_cached(un, pg, (size_t)(off & PAGE_MASK), n, uio);
	mutex_exit(&uo->uo_lock);
	return error;
}

/* One reservation's worth. */
static int
write_chunk(struct vnode *vp, struct uio *uio)
{
	struct uvm_vnode *un = uvm_vnode_of(vp->v_uobj);
	uint64_t off = (uint64_t)uio->uio_offset, start = trunc_page(off);
	size_t left = (size_t)MIN(uio->uio_resid, start + CHUNK - off), n;
	uint64_t end = off + left;
	int error;

	uvn_write_throttle();
	/* Whole pages will be written, as far as the file goes. */
	end = MAX(end, MIN(round_page(end), un->un_size));
	error = vp->v_ops->vop_reserve(vp, (off_t)start, (off_t)(end - start));
	for (; left > 0 && error == 0; left -= n) {
		off = (uint64_t)uio->uio_offset;
		n = MIN(left, PAGE_SIZE - (size_t)(off & PAGE_MASK));
		error = write_page(un, off, n, uio);
	}
	return error;
}

int
uvn_write_cached(struct vnode *vp, struct uio *uio)
{
	struct uvm_vnode *un = uvm_vnode_of(vp->v_uobj);
	off_t start;
	int error;

	mutex_enter(&un->un_obj.uo_lock);
	error = uvn_grow(un, (uint64_t)uio->uio_offset + uio->uio_resid);
	mutex_exit(&un->un_obj.uo_lock);
	while (error == 0 && uio->uio_resid > 0) {
		start = uio->uio_offset;
		error = write_chunk(vp, uio);
		if (uio->uio_offset > start)
			vp->v_ops->vop_extend(vp, uio->uio_offset);
	}
	return error;
}

int
uvm_vnode_write(struct vnode *vp, struct uio *uio)
{
	if ((uint64_t)uio->uio_offset + uio->uio_resid >
	    INT64_MAX - PAGE_SIZE)
		return EFBIG;
	return (uio->uio_flags & IO_DIRECT) != 0 ?
	    uvn_direct_write(uvm_vnode_of(vp->v_uobj), uio) :
	    uvn_write_cached(vp, uio);
}
