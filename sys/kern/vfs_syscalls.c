/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing directories: the bodies of mkdir, mknod, symlink, link, unlink,
 * rmdir, rename; and chdir, chroot.
 *
 * Overview: each walks to the parent directory, locks it, looks at the name
 * once more, checks rights and kinds, lets the file system do it, and tells
 * the name cache.
 *
 * Locking: directory, then the file that is removed or linked.  A rename
 * between two directories holds mnt_rename, which makes the question who is
 * above whom have one answer, and locks the upper directory first; then the
 * files in the order of their addresses.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/protect.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>

int
may_create(struct lwp *l, const struct path *dir)
{
	return vnode_access(path_vnode(dir), W_OK | X_OK, l->l_cred);
}

int
may_delete(struct lwp *l, const struct path *dir, struct vnode *vp, bool isdir)
{
	struct vnode *dvp = path_vnode(dir);
	const struct cred *cr = l->l_cred;
	int error;

	error = vnode_access(dvp, W_OK | X_OK, cr);
	if (error != 0)
		return error;
	if ((dvp->v_mode & S_ISVTX) != 0 && cr->cr_fsuid != vp->v_uid &&
	    cr->cr_fsuid != dvp->v_uid && cred_capable(cr, CAP_FOWNER) != 0)
		return EPERM;
	if ((vp->v_flags & VV_SWAP) != 0)
		return EPERM;
	if (isdir)
		return S_ISDIR(vp->v_mode) ? 0 : ENOTDIR;
	return S_ISDIR(vp->v_mode) ? EISDIR : 0;
}

static bool
is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* -- creating -- */

struct create_args {
	mode_t		mode;		/* with the type */
	dev_t		rdev;
	const char	*target;	/* of a symbolic link */
};

static int
create_entry(struct vnode *dvp, const struct dname *dn,
    const struct create_args *ca, struct cred *cr, struct vnode **vpp)
{
	const struct vops *ops = dvp->v_ops;

	switch (ca->mode & S_IFMT) {
	case S_IFDIR:
		return ops->vop_mkdir == NULL ? EPERM : ops->vop_mkdir(dvp,
		    dn->dn_name, dn->dn_len, ca->mode, cr, vpp);
	case S_IFLNK:
		return ops->vop_symlink == NULL ? EPERM : ops->vop_symlink(dvp,
		    dn->dn_name, dn->dn_len, ca->target, cr, vpp);
	case S_IFREG:
		return ops->vop_create == NULL ? EPERM : ops->vop_create(dvp,
		    dn->dn_name, dn->dn_len, ca->mode, cr, vpp);
	default:
		return ops->vop_mknod == NULL ? EPERM : ops->vop_mknod(dvp,
		    dn->dn_name, dn->dn_len, ca->mode, ca->rdev, cr, vpp);
	}
}

/* Make a name that must not exist yet. */
static int
do_create(struct lwp *l, const struct path *dir, const char *name,
    const struct create_args *ca)
{
	struct dentry *child, *d;
	struct path parent;
	struct dname dn;
	struct vnode *vp;
	bool slash;
	int error, ro;

	error = namei_parent(l, dir, name, &parent, &dn.dn_name, &dn.dn_len,
	    &slash);
	if (error != 0)
		return error;
	if (dn.dn_len == 0 || is_dots(dn.dn_name, dn.dn_len)) {
		error = EEXIST;
		goto out_parent;
	}
	ro = mount_write_enter(&parent);
	error = dir_enter(&parent, dn.dn_name, dn.dn_len, &child);
	if (error != 0)
		goto out_write;
	if (child->d_vnode != NULL)
		error = EEXIST;
	else if (slash && !S_ISDIR(ca->mode))
		error = ENOENT;
	else if (ro != 0)
		error = ro;
	else
		error = may_create(l, &parent);
	if (error == 0)
		error = create_entry(path_vnode(&parent), &dn, ca, l->l_cred,
		    &vp);
	if (error == 0) {
		d = dcache_enter(parent.p_dentry, &dn, vp, 0);
		if (d == NULL)		/* still negative in the cache */
			dcache_delete(child, false);
		notify_name(path_vnode(&parent), dn.dn_name, dn.dn_len,
		    IN_CREATE | (S_ISDIR(ca->mode) ? IN_ISDIR : 0), 0);
		dentry_put(d);
	}
	dir_exit(&parent, child);
out_write:
	if (ro == 0)
		mount_write_exit(&parent);
out_parent:
	path_put(&parent);
	return error;
}

int
do_mkdir(struct lwp *l, const struct path *dir, const char *name, mode_t mode)
{
	struct create_args ca = {
		.mode = S_IFDIR | (mode & (0777 | S_ISVTX) & ~cwd_umask(l)),
	};

	return do_create(l, dir, name, &ca);
}

int
do_mknod(struct lwp *l, const struct path *dir, const char *name, mode_t mode,
    dev_t dev)
{
	struct create_args ca = { .rdev = dev };

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (cred_capable(l->l_cred, CAP_MKNOD) != 0)
			return EPERM;
		break;
	case S_IFDIR:
		return EPERM;
	default:
		return EINVAL;
	}
	ca.mode = mode & (S_IFMT | (ALLPERMS & ~cwd_umask(l)));
	return do_create(l, dir, name, &ca);
}

int
do_symlink(struct lwp *l, const char *target, const struct path *dir,
    const char *name)
{
	struct create_args ca = { .mode = S_IFLNK | 0777, .target = target };

	if (target[0] == '\0')
		return ENOENT;
	return do_create(l, dir, name, &ca);
}

/* The second half of link(2): `from` gets the name. */
static int
link_at(struct lwp *l, const struct path *from, const struct path *parent,
    const struct dname *dn, bool slash)
{
	struct vnode *vp = path_vnode(from), *dvp = path_vnode(parent);
	struct dentry *child;
	int error, ro;

	ro = mount_write_enter(parent);
	error = dir_enter(parent, dn->dn_name, dn->dn_len, &child);
	if (error != 0)
		goto out;
	if (child->d_vnode != NULL)
		error = EEXIST;
	else if (slash)
		error = ENOENT;
	else if (ro != 0)
		error = ro;
	else if (from->p_mnt != parent->p_mnt)
		error = EXDEV;
	else
		error = protect_hardlink(vp, l->l_cred);
	if (error == 0)
		error = may_create(l, parent);
	if (error == 0 && (S_ISDIR(vp->v_mode) ||
	    dvp->v_ops->vop_link == NULL))
		error = EPERM;
	if (error == 0) {
		rw_enter(&vp->v_lock, RW_WRITER);
		error = dvp->v_ops->vop_link(dvp, dn->dn_name, dn->dn_len, vp);
		if (error == 0)
			vp->v_flags &= ~VV_LINKABLE;
		rw_exit(&vp->v_lock);
	}
	if (error == 0) {
		/* The new name is looked up when it is first used. */
		dcache_delete(child, false);
		notify_vnode(vp, IN_ATTRIB);
		notify_name(dvp, dn->dn_name, dn->dn_len, IN_CREATE, 0);
	}
	dir_exit(parent, child);
out:
	if (ro == 0)
		mount_write_exit(parent);
	return error;
}

int
do_link(struct lwp *l, const struct path *fdir, const char *from,
    const struct path *tdir, const char *to, int flags)
{
	struct path old, parent;
	struct dname dn;
	bool slash;
	int lookup = 0, error;

	if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	if ((flags & AT_EMPTY_PATH) != 0) {
		if (from[0] == '\0' &&
		    cred_capable(l->l_cred, CAP_DAC_READ_SEARCH) != 0)
			return ENOENT;
		lookup |= LOOKUP_EMPTY;
	}
	if ((flags & AT_SYMLINK_FOLLOW) != 0)
		lookup |= LOOKUP_FOLLOW;
	error = namei(l, fdir, from, lookup, &old);
	if (error != 0)
		return error;
	error = namei_parent(l, tdir, to, &parent, &dn.dn_name, &dn.dn_len,
	    &slash);
	if (error != 0)
		goto out;
	if (dn.dn_len == 0 || is_dots(dn.dn_name, dn.dn_len))
		error = EEXIST;
	else
		error = link_at(l, &old, &parent, &dn, slash);
	path_put(&parent);
out:
	path_put(&old);
	return error;
}

/* -- removing -- */

/* Directory and child are locked by the caller's dir_enter(). */
static int
remove_entry(struct lwp *l, const struct path *parent,
    const struct dname *dn, struct dentry *child, bool isdir)
{
	struct vnode *dvp = path_vnode(parent), *vp = child->d_vnode;
	int (*op)(struct vnode *, const char *, size_t, struct vnode *);
	int error;

	error = may_delete(l, parent, vp, isdir);
	if (error != 0)
		return error;
	if (atomic_load(&child->d_mounted) != 0)
		return EBUSY;
	op = isdir ? dvp->v_ops->vop_rmdir : dvp->v_ops->vop_unlink;
	if (op == NULL)
		return EPERM;
	rw_enter(&vp->v_lock, RW_WRITER);
	error = op(dvp, dn->dn_name, dn->dn_len, vp);
	if (error == 0 && isdir)
		vp->v_flags |= VV_DEAD;
	rw_exit(&vp->v_lock);
	if (error != 0)
		return error;
	notify_name(dvp, dn->dn_name, dn->dn_len,
	    IN_DELETE | (isdir ? IN_ISDIR : 0), 0);
	if (!isdir)
		notify_vnode(vp, IN_ATTRIB);
	dcache_delete(child, true);
	return 0;
}

/* unlink(2), and rmdir(2) with AT_REMOVEDIR. */
int
do_unlink(struct lwp *l, const struct path *dir, const char *name, int flags)
{
	bool isdir = (flags & AT_REMOVEDIR) != 0, slash;
	struct dentry *child;
	struct path parent;
	struct dname dn;
	int error;

	if ((flags & ~AT_REMOVEDIR) != 0)
		return EINVAL;
	error = namei_parent(l, dir, name, &parent, &dn.dn_name, &dn.dn_len,
	    &slash);
	if (error != 0)
		return error;
	if (dn.dn_len == 0)
		error = isdir ? EBUSY : EISDIR;
	else if (is_dots(dn.dn_name, dn.dn_len))
		error = !isdir ? EISDIR : dn.dn_len == 1 ? EINVAL : ENOTEMPTY;
	else
		error = mount_write_enter(&parent);
	if (error != 0)
		goto out;
	error = dir_enter(&parent, dn.dn_name, dn.dn_len, &child);
	if (error != 0)
		goto out_write;
	if (child->d_vnode == NULL)
		error = ENOENT;
	else if (slash && !isdir)
		error = S_ISDIR(child->d_vnode->v_mode) ? EISDIR : ENOTDIR;
	else
		error = remove_entry(l, &parent, &dn, child, isdir);
	rw_exit(&path_vnode(&parent)->v_lock);
	/* References beyond ours may be those of names it did not have. */
	if (error == 0 && isdir && atomic_load(&child->d_ref) > 1)
		dcache_prune_negative(child);
	dentry_put(child);
out_write:
	mount_write_exit(&parent);
out:
	path_put(&parent);
	return error;
}

/* -- rename(2) -- */

struct rename_end {			/* one of the two names */
	struct path	re_dir;
	struct dname	re_name;
	bool		re_slash;
	struct dentry	*re_child;
};

/* Lock both directories; mnt_rename is held if they are two. */
static void
rename_lock(struct rename_end *f, struct rename_end *t)
{
	struct vnode *fd = path_vnode(&f->re_dir), *td = path_vnode(&t->re_dir);

	if (fd == td) {
		rw_enter(&fd->v_lock, RW_WRITER);
	} else if (dcache_is_ancestor(t->re_dir.p_dentry, f->re_dir.p_dentry)) {
		rw_enter(&td->v_lock, RW_WRITER);
		rw_enter(&fd->v_lock, RW_WRITER);
	} else {
		rw_enter(&fd->v_lock, RW_WRITER);
		rw_enter(&td->v_lock, RW_WRITER);
	}
}

static void
rename_unlock(struct rename_end *f, struct rename_end *t)
{
	struct vnode *fd = path_vnode(&f->re_dir), *td = path_vnode(&t->re_dir);

	rw_exit(&fd->v_lock);
	if (fd != td)
		rw_exit(&td->v_lock);
}

/* Lock the files themselves, the lower address first. */
static void
rename_lock_files(struct vnode *a, struct vnode *b)
{
	if (b == NULL || a < b) {
		rw_enter(&a->v_lock, RW_WRITER);
		if (b != NULL)
			rw_enter(&b->v_lock, RW_WRITER);
	} else {
		rw_enter(&b->v_lock, RW_WRITER);
		rw_enter(&a->v_lock, RW_WRITER);
	}
}

/* All rights and kinds; the two files are not the same. */
static int
rename_permitted(struct lwp *l, struct rename_end *f, struct rename_end *t,
    unsigned int flags)
{
	struct vnode *src = f->re_child->d_vnode;
	struct vnode *dst = t->re_child->d_vnode;
	bool exchange = (flags & RENAME_EXCHANGE) != 0;
	bool isdir = S_ISDIR(src->v_mode);
	int error;

	error = may_delete(l, &f->re_dir, src, isdir);
	if (error != 0)
		return error;
	if (dst == NULL)
		error = may_create(l, &t->re_dir);
	else
		error = may_delete(l, &t->re_dir, dst, exchange ?
		    S_ISDIR(dst->v_mode) : isdir);
	if (error != 0)
		return error;
	/* A directory that gets another ".." must be writable. */
	if (f->re_dir.p_dentry != t->re_dir.p_dentry) {
		if (isdir)
			error = vnode_access(src, W_OK, l->l_cred);
		if (error == 0 && exchange && S_ISDIR(dst->v_mode))
			error = vnode_access(dst, W_OK, l->l_cred);
		if (error != 0)
			return error;
	}
	if (atomic_load(&f->re_child->d_mounted) != 0 ||
	    (dst != NULL && atomic_load(&t->re_child->d_mounted) != 0))
		return EBUSY;
	return 0;
}

/* Does the shape of the two names allow it?  Directories are locked. */
static int
rename_sane(struct rename_end *f, struct rename_end *t, unsigned int flags)
{
	struct vnode *src = f->re_child->d_vnode;
	struct vnode *dst = t->re_child->d_vnode;
	bool exchange = (flags & RENAME_EXCHANGE) != 0;

	if (src == NULL)
		return ENOENT;
	if (dst != NULL && (flags & RENAME_NOREPLACE) != 0)
		return EEXIST;
	if (exchange && dst == NULL)
		return ENOENT;
	if (exchange && t->re_slash && !S_ISDIR(dst->v_mode))
		return ENOTDIR;
	if (!S_ISDIR(src->v_mode) && (f->re_slash ||
	    (!exchange && t->re_slash)))
		return ENOTDIR;
	/* Into itself; or onto a directory that is above it. */
	if (dcache_is_ancestor(f->re_child, t->re_dir.p_dentry))
		return EINVAL;
	if (dst != NULL &&
	    dcache_is_ancestor(t->re_child, f->re_dir.p_dentry))
		return exchange ? EINVAL : ENOTEMPTY;
	return 0;
}

/* vp has gone from one name to the other. */
static void
rename_notify(const struct rename_end *f, const struct rename_end *t,
    struct vnode *vp)
{
	uint32_t dir = S_ISDIR(vp->v_mode) ? IN_ISDIR : 0;
	uint32_t cookie = inotify_cookie();

	notify_name(path_vnode(&f->re_dir), f->re_name.dn_name,
	    f->re_name.dn_len, IN_MOVED_FROM | dir, cookie);
	notify_name(path_vnode(&t->re_dir), t->re_name.dn_name,
	    t->re_name.dn_len, IN_MOVED_TO | dir, cookie);
	notify_vnode(vp, IN_MOVE_SELF);
}

/* Both directories locked, both names looked up. */
static int
rename_locked(struct lwp *l, struct rename_end *f, struct rename_end *t,
    unsigned int flags)
{
	struct vnode *fdvp = path_vnode(&f->re_dir);
	struct vnode *tdvp = path_vnode(&t->re_dir);
	struct vnode *src = f->re_child->d_vnode;
	struct vnode *dst = t->re_child->d_vnode;
	bool exchange = (flags & RENAME_EXCHANGE) != 0;
	struct dcache_move *dm = NULL;
	int error;

	error = rename_sane(f, t, flags);
	if (error != 0 || src == dst)
		return error;		/* two names of one file: done */
	error = rename_permitted(l, f, t, flags);
	if (error != 0)
		return error;
	if (fdvp->v_ops->vop_rename == NULL)
		return EPERM;
	if (!exchange) {
		error = dcache_move_prepare(&t->re_name, &dm);
		if (error != 0)
			return error;
	}
	rename_lock_files(src, dst);
	error = fdvp->v_ops->vop_rename(fdvp, f->re_name.dn_name,
	    f->re_name.dn_len, src, tdvp, t->re_name.dn_name,
	    t->re_name.dn_len, dst, flags & RENAME_EXCHANGE);
	if (error == 0 && !exchange && dst != NULL && S_ISDIR(dst->v_mode))
		dst->v_flags |= VV_DEAD;
	rw_exit(&src->v_lock);
	if (dst != NULL)
		rw_exit(&dst->v_lock);
	if (error != 0) {
		if (dm != NULL)
			dcache_move_abort(dm);
		return error;
	}
	if (exchange) {
		dcache_exchange(f->re_child, t->re_child);
	} else {
		dcache_delete(t->re_child, dst != NULL);
		dcache_move_commit(dm, f->re_child, t->re_dir.p_dentry);
	}
	if (inotify_on()) {
		rename_notify(f, t, src);
		if (exchange)
			rename_notify(t, f, dst);
		else if (dst != NULL && !S_ISDIR(dst->v_mode))
			notify_vnode(dst, IN_ATTRIB);
	}
	return 0;
}

static int
rename_ends(struct lwp *l, struct rename_end *f, struct rename_end *t,
    unsigned int flags)
{
	struct mount *mp = path_mount(&f->re_dir);
	bool cross = path_vnode(&f->re_dir) != path_vnode(&t->re_dir);
	int error = 0;

	if (cross)
		mutex_enter(&mp->mnt_rename);
	rename_lock(f, t);
	if (((path_vnode(&f->re_dir)->v_flags |
	    path_vnode(&t->re_dir)->v_flags) & VV_DEAD) != 0)
		error = ENOENT;
	if (error == 0)
		error = dir_lookup(f->re_dir.p_dentry, &f->re_name, true,
		    &f->re_child);
	if (error == 0) {
		error = dir_lookup(t->re_dir.p_dentry, &t->re_name, true,
		    &t->re_child);
		if (error == 0)
			error = rename_locked(l, f, t, flags);
	}
	rename_unlock(f, t);
	if (cross)
		mutex_exit(&mp->mnt_rename);
	if (t->re_child != NULL && error == 0 &&
	    t->re_child->d_vnode != NULL &&
	    (t->re_child->d_vnode->v_flags & VV_DEAD) != 0 &&
	    atomic_load(&t->re_child->d_ref) > 1)
		dcache_prune_negative(t->re_child);
	dentry_put(f->re_child);
	dentry_put(t->re_child);
	return error;
}

int
do_rename(struct lwp *l, const struct path *fdir, const char *from,
    const struct path *tdir, const char *to, unsigned int flags)
{
	struct rename_end f = { .re_child = NULL }, t = { .re_child = NULL };
	int error;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return EINVAL;
	error = namei_parent(l, fdir, from, &f.re_dir, &f.re_name.dn_name,
	    &f.re_name.dn_len, &f.re_slash);
	if (error != 0)
		return error;
	error = namei_parent(l, tdir, to, &t.re_dir, &t.re_name.dn_name,
	    &t.re_name.dn_len, &t.re_slash);
	if (error != 0)
		goto out_from;
	if (f.re_dir.p_mnt != t.re_dir.p_mnt)
		error = EXDEV;
	else if (f.re_name.dn_len == 0 ||
	    is_dots(f.re_name.dn_name, f.re_name.dn_len))
		error = EBUSY;
	else if (t.re_name.dn_len == 0 ||
	    is_dots(t.re_name.dn_name, t.re_name.dn_len))
		error = (flags & RENAME_NOREPLACE) != 0 ? EEXIST : EBUSY;
	else
		error = mount_write_enter(&f.re_dir);
	if (error == 0) {
		error = rename_ends(l, &f, &t, flags);
		mount_write_exit(&f.re_dir);
	}
	path_put(&t.re_dir);
out_from:
	path_put(&f.re_dir);
	return error;
}

/* -- where a process is -- */

static void
cwd_replace(struct cwdinfo *c, struct path *where, const struct path *p)
{
	struct path old, new = *p;

	path_get(&new);
	spin_enter(&c->cwd_lock);
	old = *where;
	*where = new;
	spin_exit(&c->cwd_lock);
	path_put(&old);
}

int
do_chdir(struct lwp *l, const struct path *p)
{
	struct cwdinfo *c = l->l_proc->p_cwdi;
	int error;

	if (!S_ISDIR(path_vnode(p)->v_mode))
		return ENOTDIR;
	error = vnode_access(path_vnode(p), X_OK, l->l_cred);
	if (error == 0)
		cwd_replace(c, &c->cwd_cwd, p);
	return error;
}

int
do_chroot(struct lwp *l, const struct path *p)
{
	struct cwdinfo *c = l->l_proc->p_cwdi;
	int error;

	if (!S_ISDIR(path_vnode(p)->v_mode))
		return ENOTDIR;
	error = vnode_access(path_vnode(p), X_OK, l->l_cred);
	if (error == 0)
		error = cred_capable(l->l_cred, CAP_SYS_CHROOT);
	if (error == 0)
		cwd_replace(c, &c->cwd_root, p);
	return error;
}
