/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening files: open(2) in all its forms.
 *
 * Overview: the walk ends at a place or, with O_CREAT, at a directory and a
 * last component.  What is found is checked against the flags, gets a struct
 * file with the operations of its kind, and only then is cut to nothing if
 * O_TRUNC asks for it.
 *
 * Locking: creation holds the directory's v_lock from the last look at the
 * name to its entry in the cache.  Files open for writing are counted in the
 * vnode (against programs that run) and the mount (against read-only).
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/protect.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>

/* Flags that say how to open, not what the file is like afterwards. */
#define	OPEN_ONLY	(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)
#define	OPEN_TMPFILE	(O_TMPFILE & ~O_DIRECTORY)

/* O_RDONLY, O_WRONLY, O_RDWR and 3 (both rights, neither use) as R_OK... */
static int
access_of(int oflags)
{
	static const int how[4] = { R_OK, W_OK, R_OK | W_OK, R_OK | W_OK };
	int h = how[oflags & O_ACCMODE];

	if ((oflags & O_TRUNC) != 0)
		h |= W_OK;
	return h;
}

/* May the thread open what is there, in that way? */
static int
open_permitted(struct lwp *l, const struct path *p, int oflags)
{
	struct vnode *vp = path_vnode(p);
	mode_t mode = vp->v_mode;
	int how = access_of(oflags), error;

	if (S_ISLNK(mode))
		return ELOOP;
	if (S_ISDIR(mode) && (how & W_OK) != 0)
		return EISDIR;
	if ((S_ISBLK(mode) || S_ISCHR(mode)) &&
	    (path_mntflags(p) & MS_NODEV) != 0)
		return EACCES;
	if ((how & W_OK) != 0 && S_ISREG(mode) && path_writable(p) != 0)
		return EROFS;
	error = vnode_access(vp, how, l->l_cred);
	if (error != 0)
		return error;
	if ((oflags & O_NOATIME) != 0)
		return vnode_owner_or_capable(vp, l->l_cred);
	return 0;
}

static const struct fileops *
fileops_of(struct vnode *vp, int oflags)
{
	if ((oflags & O_PATH) != 0)
		return &path_fileops;
	switch (vp->v_mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		return &vnode_fileops;
	case S_IFCHR:
		return &chr_fileops;
	case S_IFBLK:
		return &blk_fileops;
	case S_IFIFO:
		return &fifo_fileops;
	default:
		return NULL;
	}
}

static bool
counts_as_writer(const struct vnode *vp, unsigned int flags)
{
	return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY &&
	    S_ISREG(vp->v_mode);
}

static int
writer_enter(struct vnode *vp, const struct path *p)
{
	int n, error;

	error = mount_write_enter(p);
	if (error != 0)
		return error;
	do {
		n = atomic_load_relaxed(&vp->v_writers);
		if (n < 0) {
			mount_write_exit(p);
			return ETXTBSY;
		}
	} while (!atomic_cas(&vp->v_writers, n, n + 1));
	return 0;
}

static void
writer_exit(struct vnode *vp, const struct path *p)
{
	(void)atomic_sub(&vp->v_writers, 1);
	mount_write_exit(p);
}

void
vnode_file_release(struct file *fp)
{
	struct vnode *vp = fp->f_data;

	if (vp->v_ops->vop_close != NULL)
		vp->v_ops->vop_close(vp, fp);
	if (counts_as_writer(vp, fp->f_flags))
		writer_exit(vp, fp->f_path);
}

static int
open_kind(struct file *fp, struct vnode *vp, int oflags)
{
	int error = 0;

	if (vp->v_ops->vop_open != NULL)
		error = vp->v_ops->vop_open(vp, (unsigned int)oflags, fp);
	if (error != 0)
		return error;
	if (S_ISCHR(vp->v_mode) || S_ISBLK(vp->v_mode)) {
		/* Drivers want to know; these are no flags of the open file. */
		fp->f_flags |= (unsigned int)oflags & (O_NOCTTY | O_EXCL);
		error = device_open(fp, vp);
		fp->f_flags &= ~(unsigned int)(O_NOCTTY | O_EXCL);
	} else if (S_ISFIFO(vp->v_mode)) {
		error = fifo_open(fp, vp);
	}
	if (error != 0 && vp->v_ops->vop_close != NULL)
		vp->v_ops->vop_close(vp, fp);
	return error;
}

/* A struct file on what is at p; rights have been checked. */
static int
open_at(struct lwp *l, const struct path *p, int oflags, bool trunc,
    struct file **fpp)
{
	struct vnode *vp = path_vnode(p);
	const struct fileops *ops = fileops_of(vp, oflags);
	unsigned int flags = (unsigned int)(oflags & ~OPEN_ONLY);
	struct file *fp;
	bool writer;
	int error;

	if (ops == NULL)
		return S_ISSOCK(vp->v_mode) ? ENXIO : EINVAL;
	if ((oflags & (O_DIRECT | O_PATH)) == O_DIRECT &&
	    S_ISREG(vp->v_mode) && !vnode_has_direct(vp))
		return EINVAL;
	error = file_alloc_path(ops, vp, flags, p, &fp);
	if (error != 0)
		return error;
	if ((oflags & O_PATH) != 0) {
		*fpp = fp;
		return 0;
	}
	writer = counts_as_writer(vp, flags);
	if (writer) {
		error = writer_enter(vp, p);
		if (error != 0)
			goto fail;
	}
	error = open_kind(fp, vp, oflags);
	if (error != 0)
		goto fail_writer;
	if (trunc && S_ISREG(vp->v_mode)) {
		rw_enter(&vp->v_lock, RW_WRITER);
		error = vnode_truncate_locked(vp, l, 0);
		rw_exit(&vp->v_lock);
		if (error != 0) {
			file_put(fp);
			return error;
		}
		notify_dentry(p->p_dentry, IN_MODIFY);
	}
	notify_dentry(p->p_dentry, IN_OPEN);
	*fpp = fp;
	return 0;

fail_writer:
	if (writer)
		writer_exit(vp, p);
fail:
	file_abort(fp);
	return error;
}

int
do_open_path(struct lwp *l, const struct path *p, int oflags,
    struct file **fpp)
{
	int error;

	if ((oflags & O_PATH) == 0) {
		error = open_permitted(l, p, oflags);
		if (error != 0)
			return error;
	}
	return open_at(l, p, oflags, (oflags & O_TRUNC) != 0, fpp);
}

/*
 * The last component is not there: create it.  0 with *child replaced by the
 * new file's dentry; EEXIST if somebody was faster, with *child his.
 */
static int
create_last(struct nameidata *nd, mode_t mode, struct dentry **childp)
{
	const struct path *dir = &nd->nd_cur;
	struct lwp *l = nd->nd_lwp;
	struct dname dn = { nd->nd_last, nd->nd_lastlen };
	struct vnode *dvp = path_vnode(dir), *vp;
	struct dentry *child, *d;
	int error;

	error = mount_write_enter(dir);
	if (error != 0)
		return error;
	error = may_create(l, dir);
	if (error == 0)
		error = dir_enter(dir, dn.dn_name, dn.dn_len, &child);
	if (error != 0)
		goto out;
	dentry_put(*childp);
	*childp = child;
	if (child->d_vnode != NULL) {
		error = EEXIST;
	} else if (dvp->v_ops->vop_create == NULL) {
		error = EACCES;
	} else {
		error = dvp->v_ops->vop_create(dvp, dn.dn_name, dn.dn_len,
		    S_IFREG | (mode & ALLPERMS & ~cwd_umask(l)), l->l_cred,
		    &vp);
		if (error == 0) {
			d = dcache_enter(dir->p_dentry, &dn, vp, 0);
			if (d == NULL) {
				/* What the cache says is wrong now. */
				dcache_delete(child, false);
				error = ENOMEM;
			} else {
				dentry_put(child);
				*childp = d;
				notify_name(dvp, dn.dn_name, dn.dn_len,
				    IN_CREATE, 0);
			}
		}
	}
	rw_exit(&dvp->v_lock);
out:
	mount_write_exit(dir);
	return error;
}

/* O_CREAT has found a file (or a link) there. */
static int
may_take(const struct nameidata *nd, const struct dentry *child, int oflags)
{
	if ((oflags & O_EXCL) != 0)
		return EEXIST;
	return protect_open(path_vnode(&nd->nd_cur), child->d_vnode,
	    nd->nd_lwp->l_cred);
}

/*
 * The walk of an O_CREAT open.  On success nd_cur is the file and *created
 * says whether it is new.
 */
static int
open_creating(struct nameidata *nd, int oflags, mode_t mode, bool *created)
{
	struct dname dn;
	struct dentry *child;
	int error;

	*created = false;
	for (;;) {
		error = nd_parent(nd);
		if (error != 0)
			return error;
		/* "/", "." and "..", or a magic link has jumped. */
		if (nd->nd_last == NULL)
			break;
		if (nd->nd_last[0] == '.' && (nd->nd_lastlen == 1 ||
		    (nd->nd_lastlen == 2 && nd->nd_last[1] == '.')))
			return EISDIR;
		if (nd->nd_dirslash)
			return EISDIR;
		dn.dn_name = nd->nd_last;
		dn.dn_len = nd->nd_lastlen;
		error = dir_lookup(nd->nd_cur.p_dentry, &dn, false, &child);
		if (error != 0)
			return error;
		if (child->d_vnode == NULL) {
			error = create_last(nd, mode, &child);
			if (error == 0)
				*created = true;
			else if (error != EEXIST) {
				dentry_put(child);
				return error;
			}
		}
		if (!*created &&
		    (error = may_take(nd, child, oflags)) != 0) {
			dentry_put(child);
			return error;
		}
		if (S_ISLNK(child->d_vnode->v_mode) &&
		    (oflags & O_NOFOLLOW) == 0) {
			error = nd_followlink(nd, child);
			dentry_put(child);
			if (error != 0)
				return error;
			continue;
		}
		dentry_put(nd->nd_cur.p_dentry);
		nd->nd_cur.p_dentry = child;
		path_follow_mounts(&nd->nd_cur);
		break;
	}
	if (!*created && (oflags & O_EXCL) != 0)
		return EEXIST;
	if (S_ISDIR(path_vnode(&nd->nd_cur)->v_mode))
		return EISDIR;
	return 0;
}

/* O_TMPFILE: a file without a name in the directory. */
static int
open_tmpfile(struct lwp *l, const struct path *dir, int oflags, mode_t mode,
    struct file **fpp)
{
	struct vnode *dvp = path_vnode(dir), *vp;
	struct path p;
	char name[24];
	int error;

	if (dvp->v_ops->vop_tmpfile == NULL)
		return EOPNOTSUPP;
	error = mount_write_enter(dir);
	if (error != 0)
		return error;
	error = may_create(l, dir);
	if (error != 0)
		goto out;
	rw_enter(&dvp->v_lock, RW_WRITER);
	error = (dvp->v_flags & VV_DEAD) != 0 ? ENOENT :
	    dvp->v_ops->vop_tmpfile(dvp, S_IFREG | (mode & ALLPERMS &
	    ~cwd_umask(l)), l->l_cred, &vp);
	rw_exit(&dvp->v_lock);
	if (error != 0)
		goto out;
	if ((oflags & O_EXCL) == 0)
		vp->v_flags |= VV_LINKABLE;
	snprintf(name, sizeof(name), "#%llu", (unsigned long long)vp->v_ino);
	p.p_dentry = dcache_unnamed(dir->p_dentry, name, vp);
	if (p.p_dentry == NULL) {
		error = ENOMEM;
		goto out;
	}
	p.p_mnt = dir->p_mnt;
	error = open_at(l, &p, oflags, false, fpp);
	dentry_put(p.p_dentry);
out:
	mount_write_exit(dir);
	return error;
}

static int
check_oflags(int *oflags)
{
	if ((*oflags & O_PATH) != 0) {
		*oflags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		return 0;
	}
	if ((*oflags & OPEN_TMPFILE) != 0) {
		if ((*oflags & O_TMPFILE) != O_TMPFILE ||
		    (*oflags & O_CREAT) != 0 ||
		    (*oflags & O_ACCMODE) == O_RDONLY)
			return EINVAL;
		return 0;
	}
	if ((*oflags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return EINVAL;
	return 0;
}

int
do_open_resolve(struct lwp *l, const struct path *dir, const char *name,
    int oflags, mode_t mode, int lookup, struct file **fpp)
{
	struct nameidata nd;
	struct path p;
	bool created = false;
	int error;

	error = check_oflags(&oflags);
	if (error != 0)
		return error;
	if ((oflags & O_CREAT) == 0) {
		if ((oflags & O_NOFOLLOW) == 0)
			lookup |= LOOKUP_FOLLOW;
		if ((oflags & O_DIRECTORY) != 0)
			lookup |= LOOKUP_DIRECTORY;
		error = namei(l, dir, name, lookup, &p);
		if (error != 0)
			return error;
		if ((oflags & OPEN_TMPFILE) != 0)
			error = open_tmpfile(l, &p, oflags, mode, fpp);
		else
			error = do_open_path(l, &p, oflags, fpp);
		path_put(&p);
		return error;
	}
	error = nd_init(&nd, l, dir, name, lookup);
	if (error != 0)
		return error;
	error = open_creating(&nd, oflags, mode, &created);
	if (error == 0 && !created)
		error = do_open_path(l, &nd.nd_cur, oflags, fpp);
	else if (error == 0)
		/* Who made it may use it, whatever its mode says. */
		error = open_at(l, &nd.nd_cur, oflags, false, fpp);
	nd_fini(&nd);
	return error;
}

int
do_open(struct lwp *l, const struct path *dir, const char *name, int oflags,
    mode_t mode, struct file **fpp)
{
	return do_open_resolve(l, dir, name, oflags, mode, 0, fpp);
}
