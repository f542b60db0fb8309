/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: extended attributes, a list in memory.
 *
 * Locking: v_lock, held by the VFS.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <fs/tmpfs/tmpfs.h>

#define	XATTRS_MAX	(128 * 1024)	/* bytes of one file, all together */

static size_t
xattr_bytes(const struct tmpfs_xattr *x)
{
	return sizeof(*x) + strlen(x->x_name) + 1 + x->x_size;
}

static struct tmpfs_xattr *
find(struct tmpfs_node *tn, const char *name)
{
	struct tmpfs_xattr *x;

	SLIST_FOREACH(x, &tn->tn_xattrs, x_link)
		if (strcmp(x->x_name, name) == 0)
			return x;
	return NULL;
}

static void
drop(struct tmpfs_node *tn, struct tmpfs_xattr *x)
{
	SLIST_REMOVE(&tn->tn_xattrs, x, tmpfs_xattr, x_link);
	kmem_free(x, xattr_bytes(x));
}

int
tmpfs_getxattr(struct vnode *vp, const char *name, void *buf, size_t size,
    size_t *len)
{
	struct tmpfs_xattr *x = find(TMPFS_NODE(vp), name);

	if (x == NULL)
		return ENODATA;
	*len = x->x_size;
	if (size == 0)
		return 0;
	if (size < x->x_size)
		return ERANGE;
	memcpy(buf, x->x_value, x->x_size);
	return 0;
}

int
tmpfs_setxattr(struct vnode *vp, const char *name, const void *value,
    size_t size, int flags)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	struct tmpfs_xattr *old = find(tn, name), *x;
	size_t namesize = strlen(name) + 1, total = 0;

	if (old != NULL && (flags & XATTR_CREATE) != 0)
		return EEXIST;
	if (old == NULL && (flags & XATTR_REPLACE) != 0)
		return ENODATA;
	SLIST_FOREACH(x, &tn->tn_xattrs, x_link)
		total += xattr_bytes(x);
	if (total + sizeof(*x) + namesize + size > XATTRS_MAX)
		return ENOSPC;
	x = kmem_alloc(sizeof(*x) + namesize + size, KM_SLEEP);
	if (x == NULL)
		return ENOMEM;
	x->x_size = size;
	x->x_value = x->x_name + namesize;
	memcpy(x->x_name, name, namesize);
	memcpy(x->x_value, value, size);
	if (old != NULL)
		drop(tn, old);
	SLIST_INSERT_HEAD(&tn->tn_xattrs, x, x_link);
	tn->tn_ctime = nanotime();
	return 0;
}

int
tmpfs_listxattr(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct tmpfs_xattr *x;
	size_t n, out = 0;

	SLIST_FOREACH(x, &TMPFS_NODE(vp)->tn_xattrs, x_link) {
		n = strlen(x->x_name) + 1;
		if (out + n > size)
			return E2BIG;
		memcpy(buf + out, x->x_name, n);
		out += n;
	}
	*len = out;
	return 0;
}

int
tmpfs_removexattr(struct vnode *vp, const char *name)
{
	struct tmpfs_node *tn = TMPFS_NODE(vp);
	struct tmpfs_xattr *x = find(tn, name);

	if (x == NULL)
		return ENODATA;
	drop(tn, x);
	tn->tn_ctime = nanotime();
	return 0;
}

void
tmpfs_xattr_free(struct tmpfs_node *tn)
{
	struct tmpfs_xattr *x;

	while ((x = SLIST_FIRST(&tn->tn_xattrs)) != NULL)
		drop(tn, x);
}
