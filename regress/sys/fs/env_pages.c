/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page cache of the simplest kind: every page of a file in use stays in
 * memory; dirty ones are written when the test says so.
 */
#include <sys/buf.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/queue.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <uvm/uvm_object.h>
#include <uvm/uvm_vnode.h>
#include <ktest.h>

#include "env.h"

struct page {
	LIST_ENTRY(page) link;
	uint64_t	off;
	bool		dirty;
	char		data[PAGE_SIZE];
};

struct object {
	struct uvm_object uobj;		/* says only when it was written */
	LIST_ENTRY(object) link;
	struct vnode	*vp;
	uint64_t	size;
	LIST_HEAD(, page) pages;
};

static LIST_HEAD(, object) objects = LIST_HEAD_INITIALIZER(objects);

static struct object *
object_of(struct vnode *vp)
{
	struct object *o;

	LIST_FOREACH(o, &objects, link)
		if (o->vp == vp)
			return o;
	return NULL;
}

int
uvm_vnode_attach(struct vnode *vp, struct disk *d __unused, uint64_t size)
{
	struct object *o = kmem_zalloc(sizeof(*o), KM_SLEEP);

	if (o == NULL)
		return ENOMEM;
	mutex_init(&o->uobj.uo_lock, "uvm_object");
	vp->v_uobj = &o->uobj;
	o->vp = vp;
	o->size = size;
	LIST_INSERT_HEAD(&objects, o, link);
	return 0;
}

static void
drop(struct page *p)
{
	LIST_REMOVE(p, link);
	kmem_free(p, sizeof(*p));
}

void
uvm_vnode_detach(struct vnode *vp)
{
	struct object *o = object_of(vp);

	if (o == NULL)
		return;
	while (!LIST_EMPTY(&o->pages))
		drop(LIST_FIRST(&o->pages));
	LIST_REMOVE(o, link);
	vp->v_uobj = NULL;
	mutex_destroy(&o->uobj.uo_lock);
	kmem_free(o, sizeof(*o));
}

static int
fill(struct object *o, struct page *p)
{
	struct bufdev *bd = env_dev;
	struct vnode_map m;
	uint64_t off, n;
	int error = 0;

	for (off = 0; off < PAGE_SIZE && error == 0; off += n) {
		error = o->vp->v_ops->vop_bmap(o->vp, (off_t)(p->off + off),
		    (off_t)(PAGE_SIZE - off), &m);
		if (error != 0)
			break;
		CHECK(m.vm_len > 0);
		n = MIN((uint64_t)m.vm_len, PAGE_SIZE - off);
		if (m.vm_kind == VM_MAPPED)
			error = bufdev_rw(bd, false, m.vm_disk, p->data + off,
			    (size_t)n);
		else if (m.vm_kind == VM_INLINE)
			error = o->vp->v_ops->vop_readinline(o->vp,
			    (off_t)(p->off + off), p->data + off, (size_t)n);
	}
	if (error == 0 && p->off + PAGE_SIZE > o->size)
		memset(p->data + (o->size > p->off ? o->size - p->off : 0), 0,
		    (size_t)(p->off + PAGE_SIZE - MAX(o->size, p->off)));
	return error;
}

static struct page *
find(struct object *o, uint64_t off)
{
	struct page *p;

	LIST_FOREACH(p, &o->pages, link)
		if (p->off == off)
			return p;
	return NULL;
}

static int
get(struct object *o, uint64_t off, struct page **pp)
{
	struct page *p = find(o, off);
	int error;

	if (p == NULL) {
		p = kmem_zalloc(sizeof(*p), KM_SLEEP);
		if (p == NULL)
			return ENOMEM;
		p->off = off;
		error = fill(o, p);
		if (error != 0) {
			kmem_free(p, sizeof(*p));
			return error;
		}
		LIST_INSERT_HEAD(&o->pages, p, link);
	}
	*pp = p;
	return 0;
}

int
uvm_vnode_read(struct vnode *vp, struct uio *uio)
{
	struct object *o = object_of(vp);
	struct page *p;
	uint64_t off;
	size_t in, n;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0 &&
	    (off = (uint64_t)uio->uio_offset) < o->size) {
		in = (size_t)(off & PAGE_MASK);
		n = (size_t)MIN(MIN(uio->uio_resid, PAGE_SIZE - in),
		    o->size - off);
		error = get(o, off - in, &p);
		if (error == 0)
			error = uiomove(p->data + in, n, uio);
	}
	return error;
}

int
uvm_vnode_write(struct vnode *vp, struct uio *uio)
{
	struct object *o = object_of(vp);
	struct page *p;
	uint64_t off, old = o->size;
	size_t in, n;
	int error = 0;

	/* The rest of the last page has zeros, in the file, too. */
	if ((uint64_t)uio->uio_offset > old && (old & PAGE_MASK) != 0)
		error = uvm_vnode_setsize(vp, old);
	while (error == 0 && uio->uio_resid > 0) {
		off = (uint64_t)uio->uio_offset;
		in = (size_t)(off & PAGE_MASK);
		n = MIN(uio->uio_resid, PAGE_SIZE - in);
		error = vp->v_ops->vop_reserve(vp, (off_t)off, (off_t)n);
		if (error == 0)
			error = get(o, off - in, &p);
		if (error != 0)
			break;
		p->dirty = true;
		error = uiomove(p->data + in, n, uio);
		o->size = MAX(o->size, off + n);
		vp->v_ops->vop_extend(vp, (off_t)(off + n));
	}
	return error;
}

int
fs_mapped_write(const char *path, uint64_t off, const void *buf, size_t len)
{
	size_t in = (size_t)(off & PAGE_MASK);
	struct vnode *vp;
	struct page *p;
	int error = fs_walk(path, &vp);

	if (error != 0)
		return error;
	CHECK(in + len <= PAGE_SIZE);
	error = vp->v_ops->vop_reserve(vp, (off_t)off, (off_t)len);
	if (error == 0)
		error = get(object_of(vp), off - in, &p);
	if (error == 0) {
		p->dirty = true;
		memcpy(p->data + in, buf, len);
		mutex_enter(&vp->v_uobj->uo_lock);
		uvm_obj_mapwrite(vp->v_uobj, nanotime());
		mutex_exit(&vp->v_uobj->uo_lock);
	}
	vrele(vp);
	return error;
}

int
uvm_vnode_mmap(struct vnode *vp __unused, struct uvm_object **uo __unused)
{
	return ENODEV;
}

static int
write_page(struct object *o, struct page *p)
{
	struct bufdev *bd = env_dev;
	uint64_t bs = o->vp->v_bsize, off, n, end;
	struct vnode_map m;
	int error = 0;

	end = MIN(p->off + PAGE_SIZE, roundup2(o->size, bs));
	for (off = p->off; off < end && error == 0; off += n) {
		error = o->vp->v_ops->vop_writemap(o->vp, (off_t)off,
		    (off_t)(end - off), &m);
		if (error != 0)
			break;
		CHECK(m.vm_kind == VM_MAPPED && m.vm_len > 0 &&
		    (uint64_t)m.vm_len <= end - off);
		n = (uint64_t)m.vm_len;
		error = bufdev_rw(bd, true, m.vm_disk,
		    p->data + (off - p->off), (size_t)n);
		error = o->vp->v_ops->vop_writedone(o->vp, &m, error);
	}
	if (error == 0)
		p->dirty = false;
	return error;
}

int
uvm_vnode_sync(struct vnode *vp, uint64_t start, uint64_t end)
{
	struct object *o = object_of(vp);
	struct page *p;
	int error = 0, e;

	if (o == NULL)
		return 0;
	LIST_FOREACH(p, &o->pages, link) {
		if (!p->dirty || p->off >= end || p->off + PAGE_SIZE <= start)
			continue;
		e = write_page(o, p);
		if (e != 0) {		/* lost, and told */
			error = e;
			p->dirty = false;
		}
	}
	return error;
}

int
uvm_vnode_sync_all(struct mount *mp __unused)
{
	struct object *o;
	int error = 0, e;

	LIST_FOREACH(o, &objects, link) {
		e = uvm_vnode_sync(o->vp, 0, UINT64_MAX);
		if (error == 0)
			error = e;
	}
	return error;
}

void
fs_writeback(void)
{
	struct object *o;
	struct page *p;

	LIST_FOREACH(o, &objects, link)
		LIST_FOREACH(p, &o->pages, link)
			if (p->dirty && rnd(3) == 0)
				(void)write_page(o, p);
}

int
uvm_vnode_setsize(struct vnode *vp, uint64_t size)
{
	struct object *o = object_of(vp);
	uint64_t least = MIN(size, o->size), off = trunc_page(least);
	struct page *p, *next;
	int error;

	if (least > off) {
		error = vp->v_ops->vop_reserve(vp, (off_t)off,
		    (off_t)(least - off));
		if (error == 0)
			error = get(o, off, &p);
		if (error != 0)
			return error;
		memset(p->data + (least - off), 0,
		    (size_t)(off + PAGE_SIZE - least));
		p->dirty = true;
	}
	o->size = size;
	LIST_FOREACH_SAFE(p, &o->pages, link, next)
		if (p->off >= size)
			drop(p);
	return 0;
}

void
uvm_vnode_invalidate(struct vnode *vp, uint64_t start, uint64_t end)
{
	struct object *o = object_of(vp);
	struct page *p, *next;

	LIST_FOREACH_SAFE(p, &o->pages, link, next)
		if (p->off >= start && p->off + PAGE_SIZE <= end)
			drop(p);
}

void
uvm_vnode_idle(void)
{
}
