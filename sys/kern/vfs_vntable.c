/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of the files of a file system that are in memory.
 *
 * Overview: a file system finds the vnode of a file by a key that its disk
 * gives (an inode's number, the place of a directory entry).  A vnode whose
 * last reference is going stays in the table until vop_reclaim, so that nobody
 * loads the file a second time before the first has been written.
 *
 * Locking: vt_lock for a table; no other lock is taken with it held.
 */
#include <sys/diskfs.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#define	HEADS		256

int
vntable_init(struct vntable *vt, uint64_t (*key)(const struct vnode *))
{
	unsigned int i;

	vt->vt_heads = kmem_alloc(HEADS * sizeof(*vt->vt_heads), KM_SLEEP);
	if (vt->vt_heads == NULL)
		return ENOMEM;
	for (i = 0; i < HEADS; i++)
		LIST_INIT(&vt->vt_heads[i]);
	vt->vt_n = HEADS;
	vt->vt_key = key;
	mutex_init(&vt->vt_lock, "vntable");
	cv_init(&vt->vt_cv, "vntable");
	return 0;
}

void
vntable_fini(struct vntable *vt)
{
	unsigned int i;

	for (i = 0; i < vt->vt_n; i++)
		KASSERT(LIST_EMPTY(&vt->vt_heads[i]));
	kmem_free(vt->vt_heads, HEADS * sizeof(*vt->vt_heads));
	cv_destroy(&vt->vt_cv);
	mutex_destroy(&vt->vt_lock);
}

static struct vnhead *
head_of(struct vntable *vt, uint64_t key)
{
	return &vt->vt_heads[(key ^ key >> 11 ^ key >> 23) & (vt->vt_n - 1)];
}

/* vt_lock held, let go while it waits. */
static struct vnode *
find_locked(struct vntable *vt, uint64_t key)
{
	struct vnode *vp;

again:
	LIST_FOREACH(vp, head_of(vt, key), v_hash) {
		if (vt->vt_key(vp) != key)
			continue;
		if (vref_tryget(vp))
			return vp;
		cv_wait(&vt->vt_cv, &vt->vt_lock);
		goto again;
	}
	return NULL;
}

struct vnode *
vntable_find(struct vntable *vt, uint64_t key)
{
	struct vnode *vp;

	mutex_enter(&vt->vt_lock);
	vp = find_locked(vt, key);
	mutex_exit(&vt->vt_lock);
	return vp;
}

static void
insert(struct vntable *vt, struct vnode *vp)
{
	LIST_INSERT_HEAD(head_of(vt, vt->vt_key(vp)), vp, v_hash);
}

struct vnode *
vntable_enter(struct vntable *vt, struct vnode *vp)
{
	struct vnode *other;

	mutex_enter(&vt->vt_lock);
	other = find_locked(vt, vt->vt_key(vp));
	if (other == NULL)
		insert(vt, vp);
	mutex_exit(&vt->vt_lock);
	return other;
}

void
vntable_leave(struct vntable *vt, struct vnode *vp)
{
	struct vnode *v;

	mutex_enter(&vt->vt_lock);
	LIST_FOREACH(v, head_of(vt, vt->vt_key(vp)), v_hash)
		if (v == vp) {
			LIST_REMOVE(vp, v_hash);
			break;
		}
	cv_broadcast(&vt->vt_cv);
	mutex_exit(&vt->vt_lock);
}

void
vntable_walk(struct vntable *vt, bool (*fn)(void *, struct vnode *),
    void *ctx)
{
	struct vnode *vp;
	unsigned int i;
	bool more = true;

	mutex_enter(&vt->vt_lock);
	for (i = 0; i < vt->vt_n && more; i++)
		LIST_FOREACH(vp, &vt->vt_heads[i], v_hash)
			if (!(more = fn(ctx, vp)))
				break;
	mutex_exit(&vt->vt_lock);
}

void
vntable_rekey_begin(struct vntable *vt, struct vnode *vp)
{
	mutex_enter(&vt->vt_lock);
	LIST_REMOVE(vp, v_hash);
}

void
vntable_rekey_end(struct vntable *vt, struct vnode *vp)
{
	insert(vt, vp);
	mutex_exit(&vt->vt_lock);
}
