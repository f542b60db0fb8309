/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What file systems on disks have in common: the disk of a mount, the table of
 * the files in memory, mount options.
 *
 * Overview: a file system finds the vnode of a file by a key that its disk
 * gives (an inode's number, the place of a directory entry).  A vnode whose
 * last reference is going stays in the table until vop_reclaim, so that nobody
 * loads the file a second time before the first has been written.
 *
 * Locking: vt_lock for a table; no other lock is taken with it held.
 */
#include <sys/buf.h>
#include <sys/diskfs.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#define	HEADS		256

/* -- the disk of a mount -- */

static int
open_disk(struct mount *mp, struct diskfs *df, bool write)
{
	bool ro = (mp->mnt_flags & MS_RDONLY) != 0;
	int error = EROFS;

	if (write && !(ro && disk_readonly(df->df_disk)))
		error = disk_open(df->df_disk, &df->df_holder, DISK_READ |
		    DISK_WRITE | DISK_EXCL, mp);
	if (error == EROFS && (ro || !write))
		error = disk_open(df->df_disk, &df->df_holder, DISK_READ |
		    DISK_EXCL, mp);
	return error;
}

int
diskfs_open(struct mount *mp, const char *source, const char *fstype,
    bool write, struct diskfs **dfp)
{
	struct diskfs *df;
	int error;

	df = kmem_zalloc(sizeof(*df), KM_SLEEP);
	if (df == NULL)
		return ENOMEM;
	error = vfs_source_disk(source, &df->df_disk);
	if (error != 0)
		goto fail;
	mp->mnt_dev = df->df_disk->d_dev;
	df->df_holder.dh_name = fstype;
	error = open_disk(mp, df, write);
	if (error != 0)
		goto fail_disk;
	error = bufdev_disk_create(df->df_disk, &df->df_dev);
	if (error == 0) {
		*dfp = df;
		return 0;
	}
	disk_close(&df->df_holder);
fail_disk:
	disk_put(df->df_disk);
fail:
	kmem_free(df, sizeof(*df));
	return error;
}

void
diskfs_close(struct diskfs *df)
{
	bufdev_disk_destroy(df->df_dev);
	disk_close(&df->df_holder);
	disk_put(df->df_disk);
	kmem_free(df, sizeof(*df));
}

/* -- the files in memory -- */

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

/* -- mount options -- */

int
mount_options(const char *options, int (*fn)(void *, const char *,
    const char *), void *ctx)
{
	size_t len = strlen(options) + 1;
	char *copy, *p, *next, *value;
	int error = 0;

	copy = kmem_strdup(options, KM_SLEEP);
	if (copy == NULL)
		return ENOMEM;
	for (p = copy; p != NULL && error == 0; p = next) {
		next = strchr(p, ',');
		if (next != NULL)
			*next++ = '\0';
		value = strchr(p, '=');
		if (value != NULL)
			*value++ = '\0';
		if (*p != '\0')
			error = fn(ctx, p, value != NULL ? value : "");
	}
	kmem_free(copy, len);		/* it is in pieces now */
	return error;
}

bool
mount_option_in(const char *key, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(key, list[i]) == 0)
			return true;
	return false;
}
