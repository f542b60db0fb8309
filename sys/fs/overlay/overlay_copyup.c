/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: copying files to the upper layer.
 *
 * Overview: the copy is made in the work directory, with contents, attributes
 * and times, and then gets its name in one step.  A directory is made without
 * its contents.
 */
#include <sys/errno.h>
#include <sys/uio.h>
#include <fs/overlay/overlay.h>

#define	CHUNK		65536
#define	XATTRS		65536

static struct cred root_cred = { .cr_ref = 1, .cr_cap_effective = CAP_ALL };

/* A name that nobody has in the work directory; om_work held. */
int
overlay_tmp_name(struct overlay_mount *om, char *buf, size_t size)
{
	struct vnode *vp;
	unsigned int n;
	int error = 0;

	for (n = 0; n < 10000 && error == 0; n++) {
		snprintf(buf, size, "#%x", om->om_nexttmp++);
		error = overlay_real_lookup(om->om_workvp, buf, strlen(buf),
		    &vp);
		if (error == 0)
			vrele(vp);
	}
	return error == ENOENT ? 0 : error == 0 ? EEXIST : error;
}

int
overlay_set_opaque(struct vnode *real)
{
	int error;

	if (real->v_ops->vop_setxattr == NULL)
		return EOPNOTSUPP;
	rw_enter(&real->v_lock, RW_WRITER);
	error = real->v_ops->vop_setxattr(real, OVERLAY_OPAQUE, "y", 1, 0);
	rw_exit(&real->v_lock);
	return error;
}

/* -- contents -- */

static int
copy_chunk(struct vnode *from, struct vnode *to, char *buf, off_t off,
    size_t *n)
{
	struct iovec iov;
	struct uio uio;
	int error;

	uio_kernel(&uio, &iov, buf, CHUNK, off, UIO_READ);
	rw_enter(&from->v_lock, RW_READER);
	error = from->v_ops->vop_read(from, &uio);
	rw_exit(&from->v_lock);
	*n = CHUNK - uio.uio_resid;
	if (error != 0 || *n == 0)
		return error;
	uio_kernel(&uio, &iov, buf, *n, off, UIO_WRITE);
	rw_enter(&to->v_lock, RW_WRITER);
	error = to->v_ops->vop_write(to, &uio);
	rw_exit(&to->v_lock);
	return error;
}

static int
copy_data(struct vnode *from, struct vnode *to)
{
	char *buf = kmem_alloc(CHUNK, KM_SLEEP);
	off_t off = 0;
	size_t n;
	int error;

	if (buf == NULL)
		return ENOMEM;
	if (from->v_ops->vop_read == NULL || to->v_ops->vop_write == NULL)
		error = EIO;
	else
		do {
			error = copy_chunk(from, to, buf, off, &n);
			off += (off_t)n;
		} while (error == 0 && n > 0);
	kmem_free(buf, CHUNK);
	return error;
}

static int
copy_xattr(struct vnode *from, struct vnode *to, const char *name, char *buf)
{
	size_t len;
	int error;

	if (strncmp(name, "trusted.overlay.", 16) == 0)
		return 0;
	error = from->v_ops->vop_getxattr(from, name, buf, XATTRS, &len);
	if (error != 0)
		return error;
	rw_enter(&to->v_lock, RW_WRITER);
	error = to->v_ops->vop_setxattr == NULL ? EOPNOTSUPP :
	    to->v_ops->vop_setxattr(to, name, buf, len, 0);
	rw_exit(&to->v_lock);
	/* The upper layer may know fewer kinds. */
	return error == EOPNOTSUPP ? 0 : error;
}

static int
copy_xattrs(struct vnode *from, struct vnode *to)
{
	char *names, *value, *p;
	size_t len = 0;
	int error;

	if (from->v_ops->vop_listxattr == NULL ||
	    from->v_ops->vop_getxattr == NULL)
		return 0;
	names = kmem_alloc(XATTRS, KM_SLEEP);
	value = kmem_alloc(XATTRS, KM_SLEEP);
	error = names == NULL || value == NULL ? ENOMEM : 0;
	if (error == 0) {
		rw_enter(&from->v_lock, RW_READER);
		error = from->v_ops->vop_listxattr(from, names, XATTRS, &len);
		for (p = names; error == 0 && p < names + len;
		    p += strlen(p) + 1)
			error = copy_xattr(from, to, p, value);
		rw_exit(&from->v_lock);
	}
	if (names != NULL)
		kmem_free(names, XATTRS);
	if (value != NULL)
		kmem_free(value, XATTRS);
	return error == EOPNOTSUPP ? 0 : error;
}

static int
copy_attrs(struct vnode *from, struct vnode *to)
{
	struct setattr sa;
	struct stat_k st;
	int error;

	error = vnode_stat(from, &st);
	if (error != 0)
		return error;
	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_UID | SETATTR_GID | SETATTR_ATIME |
	    SETATTR_MTIME;
	if (!S_ISLNK(from->v_mode))
		sa.sa_valid |= SETATTR_MODE;
	sa.sa_mode = st.st_mode & ALLPERMS;
	sa.sa_uid = st.st_uid;
	sa.sa_gid = st.st_gid;
	sa.sa_atim = st.st_atim;
	sa.sa_mtim = st.st_mtim;
	if (to->v_ops->vop_setattr == NULL)
		return 0;
	rw_enter(&to->v_lock, RW_WRITER);
	error = to->v_ops->vop_setattr(to, &sa, &root_cred);
	rw_exit(&to->v_lock);
	return error;
}

/* -- the copy -- */

static int
make_like(struct vnode *dvp, const char *name, struct vnode *from,
    struct vnode **vpp)
{
	const struct vops *o = dvp->v_ops;
	size_t len = strlen(name), n;
	mode_t mode = from->v_mode;
	char *text;
	int error;

	if (S_ISREG(mode))
		return o->vop_create(dvp, name, len, mode, &root_cred, vpp);
	if (S_ISDIR(mode))
		return o->vop_mkdir(dvp, name, len, mode, &root_cred, vpp);
	if (!S_ISLNK(mode))
		return o->vop_mknod(dvp, name, len, mode, from->v_rdev,
		    &root_cred, vpp);
	text = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	if (text == NULL)
		return ENOMEM;
	rw_enter(&from->v_lock, RW_READER);
	error = from->v_ops->vop_readlink(from, text, MAXPATHLEN - 1, &n);
	rw_exit(&from->v_lock);
	if (error == 0) {
		text[n] = '\0';
		error = o->vop_symlink(dvp, name, len, text, &root_cred, vpp);
	}
	kmem_free(text, MAXPATHLEN);
	return error;
}

/* Give the finished copy its name; om_work held. */
static int
put_in_place(struct overlay_node *on, const char *tmp, struct vnode *copy,
    struct vnode *updir)
{
	struct vnode *work = on->on_om->om_workvp;
	int error;

	rw_enter(&work->v_lock, RW_WRITER);
	rw_enter(&updir->v_lock, RW_WRITER);
	rw_enter(&copy->v_lock, RW_WRITER);
	error = work->v_ops->vop_rename(work, tmp, strlen(tmp), copy, updir,
	    on->on_name, strlen(on->on_name), NULL, 0);
	rw_exit(&copy->v_lock);
	rw_exit(&updir->v_lock);
	rw_exit(&work->v_lock);
	return error;
}

static void
discard(struct overlay_mount *om, const char *tmp, struct vnode *copy)
{
	struct vnode *work = om->om_workvp;

	rw_enter(&work->v_lock, RW_WRITER);
	rw_enter(&copy->v_lock, RW_WRITER);
	(void)(S_ISDIR(copy->v_mode) ? work->v_ops->vop_rmdir :
	    work->v_ops->vop_unlink)(work, tmp, strlen(tmp), copy);
	rw_exit(&copy->v_lock);
	rw_exit(&work->v_lock);
}

/* on_lock held; the directory has an upper one. */
static int
copy(struct overlay_node *on, struct vnode *updir)
{
	struct overlay_mount *om = on->on_om;
	struct vnode *from = on->on_lowers[0], *to, *work = om->om_workvp;
	char tmp[16];
	int error;

	mutex_enter(&om->om_work);
	error = overlay_tmp_name(om, tmp, sizeof(tmp));
	if (error == 0) {
		rw_enter(&work->v_lock, RW_WRITER);
		error = make_like(work, tmp, from, &to);
		rw_exit(&work->v_lock);
	}
	if (error != 0) {
		mutex_exit(&om->om_work);
		return error;
	}
	if (S_ISREG(from->v_mode))
		error = copy_data(from, to);
	if (error == 0)
		error = copy_xattrs(from, to);
	if (error == 0)
		error = copy_attrs(from, to);
	if (error == 0)
		error = put_in_place(on, tmp, to, updir);
	if (error != 0)
		discard(om, tmp, to);
	mutex_exit(&om->om_work);
	if (error != 0) {
		vrele(to);
		return error;
	}
	return overlay_add_upper(on, to);
}

/* The parent, referenced. */
static struct vnode *
parent_of(struct overlay_node *on)
{
	struct vnode *parent;

	mutex_enter(&on->on_lock);
	parent = vref(on->on_parent);
	mutex_exit(&on->on_lock);
	return parent;
}

/* Its directory has an upper one; EAGAIN: it has another directory now. */
static int
copy_one(struct vnode *vp)
{
	struct overlay_node *on = OVERLAY_NODE(vp);
	struct vnode *updir;
	int error = 0;

	mutex_enter(&on->on_lock);
	updir = atomic_load(&OVERLAY_NODE(on->on_parent)->on_upper);
	if (on->on_upper == NULL)
		error = (vp->v_flags & VV_DELETED) != 0 ? ENOENT :
		    updir == NULL ? EAGAIN : copy(on, updir);
	mutex_exit(&on->on_lock);
	return error;
}

/* The directories above it first, from the top down: no recursion. */
int
overlay_copy_up(struct vnode *vp)
{
	struct vnode *cur, *parent;
	int error = 0;

	if (!OVERLAY_NODE(vp)->on_om->om_hasupper)
		return EROFS;
	while (atomic_load(&OVERLAY_NODE(vp)->on_upper) == NULL &&
	    (error == 0 || error == EAGAIN)) {
		cur = vref(vp);
		for (;;) {
			parent = parent_of(OVERLAY_NODE(cur));
			if (atomic_load(&OVERLAY_NODE(parent)->on_upper) !=
			    NULL)
				break;
			vrele(cur);
			cur = parent;
		}
		error = copy_one(cur);
		vrele(parent);
		vrele(cur);
	}
	return error;
}
