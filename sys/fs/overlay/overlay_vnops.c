/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: vnode operations.
 *
 * Overview: what only looks goes to the real file; what changes copies it up
 * first.  Names are made and removed in the upper layer.  Where a name is to
 * hide one of a lower layer, or to take a whiteout's place, the new thing is
 * made in the work directory and exchanged with the old one, so that at no
 * moment the hidden name is to be seen.
 *
 * Locking: the VFS holds v_lock of the overlay's vnodes; the real ones' are
 * taken here, the work directory's before that of an upper directory.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <fs/overlay/overlay.h>

static struct vnode *
upper_of(struct vnode *vp)
{
	return OVERLAY_NODE(vp)->on_upper;
}

static void
lock_pair(struct vnode *a, struct vnode *b)
{
	rw_enter(&a->v_lock, RW_WRITER);
	if (b != NULL && b != a)
		rw_enter(&b->v_lock, RW_WRITER);
}

static void
unlock_pair(struct vnode *a, struct vnode *b)
{
	if (b != NULL && b != a)
		rw_exit(&b->v_lock);
	rw_exit(&a->v_lock);
}

/* -- one real directory -- */

static int
real_remove(struct vnode *dvp, const char *name, size_t len,
    struct vnode *vp)
{
	int error;

	lock_pair(dvp, vp);
	error = (S_ISDIR(vp->v_mode) ? dvp->v_ops->vop_rmdir :
	    dvp->v_ops->vop_unlink)(dvp, name, len, vp);
	if (error == 0 && S_ISDIR(vp->v_mode))
		vp->v_flags |= VV_DEAD;
	unlock_pair(dvp, vp);
	return error;
}

struct making {
	mode_t		mk_mode;
	dev_t		mk_rdev;
	const char	*mk_target;
	struct cred	*mk_cred;
};

static int
real_make(struct vnode *dvp, const char *name, size_t len,
    const struct making *mk, struct vnode **vpp)
{
	const struct vops *o = dvp->v_ops;
	int error;

	rw_enter(&dvp->v_lock, RW_WRITER);
	if (S_ISREG(mk->mk_mode))
		error = o->vop_create == NULL ? EPERM : o->vop_create(dvp,
		    name, len, mk->mk_mode, mk->mk_cred, vpp);
	else if (S_ISDIR(mk->mk_mode))
		error = o->vop_mkdir == NULL ? EPERM : o->vop_mkdir(dvp,
		    name, len, mk->mk_mode, mk->mk_cred, vpp);
	else if (S_ISLNK(mk->mk_mode))
		error = o->vop_symlink == NULL ? EPERM : o->vop_symlink(dvp,
		    name, len, mk->mk_target, mk->mk_cred, vpp);
	else
		error = o->vop_mknod == NULL ? EPERM : o->vop_mknod(dvp,
		    name, len, mk->mk_mode, mk->mk_rdev, mk->mk_cred, vpp);
	rw_exit(&dvp->v_lock);
	return error;
}

/* A whiteout of a directory's own. */
static const struct making *
whiteout(void)
{
	static struct cred cr = { .cr_ref = 1, .cr_cap_effective = CAP_ALL };
	static const struct making mk = { .mk_mode = S_IFCHR,
	    .mk_cred = &cr };

	return &mk;
}

/* Exchange tmp of the work directory with name, which is `old` now. */
static int
exchange(struct overlay_mount *om, const char *tmp, struct vnode *new,
    struct vnode *updir, const char *name, size_t len, struct vnode *old)
{
	struct vnode *work = om->om_workvp;
	int error;

	lock_pair(work, updir);
	lock_pair(new, old);
	error = work->v_ops->vop_rename(work, tmp, strlen(tmp), new, updir,
	    name, len, old, RENAME_EXCHANGE);
	unlock_pair(new, old);
	unlock_pair(work, updir);
	return error;
}

/*
 * Make a thing and put it in the place of `old`, which is removed, as empty as
 * it is but for whiteouts.  *vpp (unless NULL): the thing.
 */
static int
make_instead(struct overlay_mount *om, struct vnode *updir, const char *name,
    size_t len, struct vnode *old, const struct making *mk,
    struct vnode **vpp)
{
	struct vnode *new;
	char tmp[16];
	int error;

	if (S_ISDIR(old->v_mode)) {
		error = overlay_clear(old);
		if (error != 0)
			return error;
	}
	mutex_enter(&om->om_work);
	error = overlay_tmp_name(om, tmp, sizeof(tmp));
	if (error == 0)
		error = real_make(om->om_workvp, tmp, strlen(tmp), mk, &new);
	if (error != 0)
		goto out;
	if (S_ISDIR(mk->mk_mode))
		error = overlay_set_opaque(new);
	if (error == 0)
		error = exchange(om, tmp, new, updir, name, len, old);
	/* What has the name in the work directory is not wanted. */
	(void)real_remove(om->om_workvp, tmp, strlen(tmp), error == 0 ? old :
	    new);
	if (error == 0 && vpp != NULL)
		*vpp = new;
	else
		vrele(new);
out:
	mutex_exit(&om->om_work);
	return error;
}

/* -- making -- */

static int
make(struct vnode *dvp, const char *name, size_t len,
    const struct making *mk, struct vnode **vpp)
{
	struct overlay_node *dir = OVERLAY_NODE(dvp);
	struct vnode *old = NULL, *new, *up;
	int error;

	error = overlay_copy_up(dvp);
	if (error != 0)
		return error;
	up = upper_of(dvp);
	error = overlay_real_lookup(up, name, len, &old);
	if (error == 0) {
		error = !overlay_is_whiteout(old) ? EEXIST :
		    make_instead(dir->on_om, up, name, len, old, mk, &new);
		vrele(old);
	} else if (error == ENOENT) {
		error = real_make(up, name, len, mk, &new);
	}
	return error != 0 ? error : overlay_node_get(dir->on_om, dvp, name,
	    len, new, NULL, 0, 0, vpp);
}

static int
overlay_create(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    struct cred *cr, struct vnode **vpp)
{
	struct making mk = { .mk_mode = mode, .mk_cred = cr };

	return make(dvp, name, len, &mk, vpp);
}

static int
overlay_mknod(struct vnode *dvp, const char *name, size_t len, mode_t mode,
    dev_t rdev, struct cred *cr, struct vnode **vpp)
{
	struct making mk = { .mk_mode = mode, .mk_rdev = rdev,
	    .mk_cred = cr };

	/* It could not be told from a whiteout. */
	if (S_ISCHR(mode) && rdev == 0)
		return EPERM;
	return make(dvp, name, len, &mk, vpp);
}

static int
overlay_symlink(struct vnode *dvp, const char *name, size_t len,
    const char *target, struct cred *cr, struct vnode **vpp)
{
	struct making mk = { .mk_mode = S_IFLNK | 0777, .mk_target = target,
	    .mk_cred = cr };

	return make(dvp, name, len, &mk, vpp);
}

/* If a whiteout has the name in the upper directory, it goes. */
static int
drop_whiteout(struct vnode *up, const char *name, size_t len)
{
	struct vnode *vp;
	int error;

	error = overlay_real_lookup(up, name, len, &vp);
	if (error != 0)
		return error == ENOENT ? 0 : error;
	if (overlay_is_whiteout(vp))
		error = real_remove(up, name, len, vp);
	vrele(vp);
	return error;
}

static int
overlay_link(struct vnode *dvp, const char *name, size_t len,
    struct vnode *vp)
{
	struct vnode *up, *file;
	int error;

	error = overlay_copy_up(dvp);
	if (error == 0)
		error = overlay_copy_up(vp);
	if (error != 0)
		return error;
	up = upper_of(dvp);
	file = upper_of(vp);
	if (up->v_ops->vop_link == NULL)
		return EPERM;
	error = drop_whiteout(up, name, len);
	if (error != 0)
		return error;
	lock_pair(up, file);
	error = up->v_ops->vop_link(up, name, len, file);
	unlock_pair(up, file);
	return error;
}

/* -- removing -- */

/* The node's on_lock is held: nobody copies it up meanwhile. */
static int
remove_locked(struct vnode *dvp, const char *name, size_t len)
{
	struct overlay_node *dir = OVERLAY_NODE(dvp);
	struct vnode *up = dir->on_upper, *old, *new;
	bool lower;
	int error;

	error = overlay_in_lower(dvp, name, len, &lower);
	if (error != 0)
		return error;
	error = overlay_real_lookup(up, name, len, &old);
	if (error == ENOENT) {
		error = real_make(up, name, len, whiteout(), &new);
		if (error == 0)
			vrele(new);
		return error;
	}
	if (error != 0)
		return error;
	if (lower) {
		error = make_instead(dir->on_om, up, name, len, old,
		    whiteout(), NULL);
	} else {
		if (S_ISDIR(old->v_mode))
			error = overlay_clear(old);
		if (error == 0)
			error = real_remove(up, name, len, old);
	}
	vrele(old);
	return error;
}

static int
overlay_unlink(struct vnode *dvp, const char *name, size_t len,
    struct vnode *vp)
{
	struct overlay_node *on = OVERLAY_NODE(vp);
	int error;

	error = overlay_copy_up(dvp);
	if (error != 0)
		return error;
	mutex_enter(&on->on_lock);
	error = remove_locked(dvp, name, len);
	if (error == 0 && (on->on_upper == NULL || S_ISDIR(vp->v_mode) ||
	    (on->on_upper->v_flags & VV_DELETED) != 0))
		vp->v_flags |= VV_DELETED;
	mutex_exit(&on->on_lock);
	return error;
}

static int
overlay_rmdir(struct vnode *dvp, const char *name, size_t len,
    struct vnode *vp)
{
	int error = overlay_dir_empty(vp);

	return error != 0 ? error : overlay_unlink(dvp, name, len, vp);
}

/* -- rename -- */

struct moving {
	struct vnode	*fdvp, *tdvp, *vp;	/* the overlay's */
	const char	*fname, *tname;
	size_t		flen, tlen;
	struct vnode	*old;			/* real, or NULL */
};

static int
real_rename(const struct moving *mv)
{
	struct vnode *fd = upper_of(mv->fdvp), *td = upper_of(mv->tdvp);
	struct vnode *vp = upper_of(mv->vp);
	int error;

	/* The VFS has the overlay's locked: nobody else locks these two. */
	lock_pair(fd, td);
	lock_pair(vp, mv->old);
	error = fd->v_ops->vop_rename == NULL ? EPERM :
	    fd->v_ops->vop_rename(fd, mv->fname, mv->flen, vp, td, mv->tname,
	    mv->tlen, mv->old, 0);
	if (error == 0 && mv->old != NULL && S_ISDIR(mv->old->v_mode))
		mv->old->v_flags |= VV_DEAD;
	unlock_pair(vp, mv->old);
	unlock_pair(fd, td);
	return error;
}

/* What is at the new name in the upper layer makes room. */
static int
make_room(struct moving *mv)
{
	struct vnode *td = upper_of(mv->tdvp);
	bool dir = S_ISDIR(mv->vp->v_mode);
	int error;

	error = overlay_real_lookup(td, mv->tname, mv->tlen, &mv->old);
	if (error == ENOENT) {
		mv->old = NULL;
		return 0;
	}
	if (error != 0)
		return error;
	if (S_ISDIR(mv->old->v_mode))
		error = overlay_clear(mv->old);
	/* A directory cannot replace a whiteout. */
	if (error == 0 && dir && !S_ISDIR(mv->old->v_mode)) {
		error = real_remove(td, mv->tname, mv->tlen, mv->old);
		vrele(mv->old);
		mv->old = NULL;
	}
	return error;
}

static int
move(struct moving *mv)
{
	struct vnode *new;
	bool lower, hides;
	int error;

	error = overlay_in_lower(mv->fdvp, mv->fname, mv->flen, &lower);
	if (error == 0)
		error = overlay_in_lower(mv->tdvp, mv->tname, mv->tlen,
		    &hides);
	if (error == 0 && hides && S_ISDIR(mv->vp->v_mode))
		error = overlay_set_opaque(upper_of(mv->vp));
	if (error == 0)
		error = make_room(mv);
	if (error == 0)
		error = real_rename(mv);
	if (error == 0 && lower) {
		error = real_make(upper_of(mv->fdvp), mv->fname, mv->flen,
		    whiteout(), &new);
		if (error == 0)
			vrele(new);
	}
	if (mv->old != NULL)
		vrele(mv->old);
	return error;
}

static int
overlay_rename(struct vnode *fdvp, const char *fname, size_t flen,
    struct vnode *vp, struct vnode *tdvp, const char *tname, size_t tlen,
    struct vnode *existing, unsigned int flags)
{
	struct moving mv = { .fdvp = fdvp, .tdvp = tdvp, .vp = vp,
	    .fname = fname, .tname = tname, .flen = flen, .tlen = tlen };
	int error;

	if (flags != 0)
		return EINVAL;
	/* What is in lower layers would have to move, too: copy it instead. */
	if (S_ISDIR(vp->v_mode) && OVERLAY_NODE(vp)->on_nlowers > 0)
		return EXDEV;
	if (existing != NULL && S_ISDIR(existing->v_mode)) {
		error = overlay_dir_empty(existing);
		if (error != 0)
			return error;
	}
	error = overlay_copy_up(fdvp);
	if (error == 0)
		error = overlay_copy_up(tdvp);
	if (error == 0)
		error = overlay_copy_up(vp);
	if (error == 0)
		error = move(&mv);
	if (error == 0)
		error = overlay_node_rename(vp, tdvp, tname, tlen);
	if (error == 0 && existing != NULL && (upper_of(existing) == NULL ||
	    S_ISDIR(existing->v_mode)))
		existing->v_flags |= VV_DELETED;
	return error;
}

/* -- attributes -- */

static int
overlay_getattr(struct vnode *vp, struct stat_k *st)
{
	struct vnode *real = overlay_real(vp);
	int error;

	rw_enter(&real->v_lock, RW_READER);
	error = real->v_ops->vop_getattr(real, st);
	rw_exit(&real->v_lock);
	if (S_ISDIR(vp->v_mode))
		st->st_nlink = 1;
	return error;
}

/* The copy above, made now if there is none, locked to be changed. */
static int
upper_enter(struct vnode *vp, struct vnode **upp)
{
	int error;

	error = overlay_copy_up(vp);
	if (error != 0)
		return error;
	*upp = upper_of(vp);
	rw_enter(&(*upp)->v_lock, RW_WRITER);
	return 0;
}

static int
overlay_setattr(struct vnode *vp, const struct setattr *sa, struct cred *cr)
{
	struct vnode *up;
	int error;

	error = upper_enter(vp, &up);
	if (error != 0)
		return error;
	error = up->v_ops->vop_setattr == NULL ? EPERM :
	    up->v_ops->vop_setattr(up, sa, cr);
	rw_exit(&up->v_lock);
	overlay_attr_sync(vp);
	return error;
}

static int
overlay_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct vnode *real = overlay_real(vp);
	int error;

	rw_enter(&real->v_lock, RW_READER);
	error = real->v_ops->vop_readlink == NULL ? EINVAL :
	    real->v_ops->vop_readlink(real, buf, size, len);
	rw_exit(&real->v_lock);
	return error;
}

static int
overlay_access(struct vnode *vp, int how, const struct cred *cr)
{
	struct vnode *real = overlay_real(vp);

	return real->v_ops->vop_access == NULL ? EOPNOTSUPP :
	    real->v_ops->vop_access(real, how, cr);
}

static bool
private_name(const char *name)
{
	return strncmp(name, "trusted.overlay.", 16) == 0;
}

static int
overlay_getxattr(struct vnode *vp, const char *name, void *buf, size_t size,
    size_t *len)
{
	struct vnode *real = overlay_real(vp);
	int error;

	if (real->v_ops->vop_getxattr == NULL || private_name(name))
		return EOPNOTSUPP;
	rw_enter(&real->v_lock, RW_READER);
	error = real->v_ops->vop_getxattr(real, name, buf, size, len);
	rw_exit(&real->v_lock);
	return error;
}

/* Without the overlay's own. */
static int
overlay_listxattr(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct vnode *real = overlay_real(vp);
	size_t at, to = 0, n;
	int error;

	if (real->v_ops->vop_listxattr == NULL)
		return EOPNOTSUPP;
	rw_enter(&real->v_lock, RW_READER);
	error = real->v_ops->vop_listxattr(real, buf, size, len);
	rw_exit(&real->v_lock);
	if (error != 0 || size == 0)
		return error;
	for (at = 0; at < *len; at += n) {
		n = strlen(buf + at) + 1;
		if (private_name(buf + at))
			continue;
		memmove(buf + to, buf + at, n);
		to += n;
	}
	*len = to;
	return 0;
}

static int
overlay_setxattr(struct vnode *vp, const char *name, const void *value,
    size_t len, int flags)
{
	struct vnode *up;
	int error;

	if (private_name(name))
		return EPERM;
	error = upper_enter(vp, &up);
	if (error != 0)
		return error;
	error = up->v_ops->vop_setxattr == NULL ? EOPNOTSUPP :
	    up->v_ops->vop_setxattr(up, name, value, len, flags);
	rw_exit(&up->v_lock);
	overlay_attr_sync(vp);
	return error;
}

static int
overlay_removexattr(struct vnode *vp, const char *name)
{
	struct vnode *up;
	int error;

	if (private_name(name))
		return EPERM;
	error = upper_enter(vp, &up);
	if (error != 0)
		return error;
	error = up->v_ops->vop_removexattr == NULL ? EOPNOTSUPP :
	    up->v_ops->vop_removexattr(up, name);
	rw_exit(&up->v_lock);
	overlay_attr_sync(vp);
	return error;
}

/* -- data -- */

/* Who opens to write has the copy from the beginning. */
static int
overlay_open(struct vnode *vp, unsigned int oflags, struct file *fp __unused)
{
	if (!S_ISREG(vp->v_mode) || ((oflags & O_ACCMODE) == O_RDONLY &&
	    (oflags & O_TRUNC) == 0))
		return 0;
	return overlay_copy_up(vp);
}

static int
overlay_read(struct vnode *vp, struct uio *uio)
{
	struct vnode *real = overlay_real(vp);
	int error;

	if (real->v_ops->vop_read == NULL || !S_ISREG(vp->v_mode))
		return EINVAL;
	rw_enter(&real->v_lock, RW_READER);
	error = real->v_ops->vop_read(real, uio);
	rw_exit(&real->v_lock);
	return error;
}

static int
overlay_write(struct vnode *vp, struct uio *uio)
{
	struct vnode *up;
	int error;

	error = upper_enter(vp, &up);
	if (error != 0)
		return error;
	error = up->v_ops->vop_write == NULL ? EINVAL :
	    up->v_ops->vop_write(up, uio);
	rw_exit(&up->v_lock);
	return error;
}

static int
overlay_mmap(struct vnode *vp, off_t off, size_t len, vm_prot_t *prot,
    struct uvm_object **uobj)
{
	struct vnode *real = overlay_real(vp);

	return real->v_ops->vop_mmap == NULL ? ENODEV :
	    real->v_ops->vop_mmap(real, off, len, prot, uobj);
}

static int
overlay_fsync(struct vnode *vp, bool dataonly)
{
	struct vnode *up = upper_of(vp);

	return up == NULL || up->v_ops->vop_fsync == NULL ? 0 :
	    up->v_ops->vop_fsync(up, dataonly);
}

static int
overlay_seek(struct vnode *vp, off_t off, int whence, off_t *res)
{
	struct vnode *real = overlay_real(vp);
	struct stat_k st;
	int error = 0;

	memset(&st, 0, sizeof(st));
	rw_enter(&real->v_lock, RW_READER);
	if (real->v_ops->vop_seek != NULL) {
		error = real->v_ops->vop_seek(real, off, whence, res);
	} else {
		error = real->v_ops->vop_getattr(real, &st);
		*res = whence == SEEK_DATA ? off : st.st_size;
	}
	rw_exit(&real->v_lock);
	return error;
}

static int
overlay_fallocate(struct vnode *vp, int mode, off_t off, off_t len)
{
	struct vnode *up;
	int error;

	error = upper_enter(vp, &up);
	if (error != 0)
		return error;
	error = up->v_ops->vop_fallocate == NULL ? EOPNOTSUPP :
	    up->v_ops->vop_fallocate(up, mode, off, len);
	rw_exit(&up->v_lock);
	return error;
}

const struct vops overlay_vops = {
	.vop_lookup = overlay_lookup,
	.vop_create = overlay_create,
	.vop_mkdir = overlay_create,
	.vop_mknod = overlay_mknod,
	.vop_symlink = overlay_symlink,
	.vop_link = overlay_link,
	.vop_unlink = overlay_unlink,
	.vop_rmdir = overlay_rmdir,
	.vop_rename = overlay_rename,
	.vop_readdir = overlay_readdir,
	.vop_getattr = overlay_getattr,
	.vop_setattr = overlay_setattr,
	.vop_readlink = overlay_readlink,
	.vop_access = overlay_access,
	.vop_open = overlay_open,
	.vop_read = overlay_read,
	.vop_write = overlay_write,
	.vop_mmap = overlay_mmap,
	.vop_fsync = overlay_fsync,
	.vop_getxattr = overlay_getxattr,
	.vop_setxattr = overlay_setxattr,
	.vop_listxattr = overlay_listxattr,
	.vop_removexattr = overlay_removexattr,
	.vop_seek = overlay_seek,
	.vop_fallocate = overlay_fallocate,
	.vop_reclaim = overlay_reclaim,
};
