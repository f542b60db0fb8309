/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes: life, access rights, attributes.
 *
 * Overview: a file system makes a vnode with vnode_alloc() when somebody needs
 * the file; names (dentries) and the file system's own tables hold references.
 * With the last one the file system hears of it twice: vop_inactive() frees a
 * file without names, vop_reclaim() the file system's part of the vnode.
 *
 * Locking: v_ref is atomic.  Access checks read mode and owner without a lock:
 * each is one word, and a change at the same moment could have come later.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm_vnode.h>
#include <kern/vfs_private.h>

static struct kmem_cache *vnode_cache;

int
vnode_alloc(struct mount *mp, const struct vops *ops, void *data,
    struct vnode **vpp)
{
	struct vnode *vp;

	vp = kmem_cache_alloc(vnode_cache, KM_SLEEP);
	if (vp == NULL)
		return ENOMEM;
	memset(vp, 0, sizeof(*vp));
	vp->v_ref = 1;
	vp->v_ops = ops;
	vp->v_mount = mp;
	vp->v_data = data;
	rw_init(&vp->v_lock, "vnode");
	pollhead_init(&vp->v_pollhead);
	*vpp = vp;
	return 0;
}

struct vnode *
vref(struct vnode *vp)
{
	refcount_get(&vp->v_ref);
	return vp;
}

bool
vref_tryget(struct vnode *vp)
{
	unsigned int n;

	do {
		n = atomic_load_relaxed(&vp->v_ref);
		if (n == 0)
			return false;
	} while (!atomic_cas(&vp->v_ref, n, n + 1));
	return true;
}

void
vrele(struct vnode *vp)
{
	bool deleted = (vp->v_flags & VV_DELETED) != 0;

	if (!refcount_put(&vp->v_ref)) {
		/* The page cache may be the only one that has it now. */
		if (deleted)
			uvm_vnode_idle();
		return;
	}
	if (vp->v_ops->vop_inactive != NULL)
		vp->v_ops->vop_inactive(vp);
	uvm_vnode_detach(vp);
	fifo_reclaim(vp);
	lock_reclaim(vp);
	if (vp->v_ops->vop_reclaim != NULL)
		vp->v_ops->vop_reclaim(vp);
	pollhead_destroy(&vp->v_pollhead);
	rw_destroy(&vp->v_lock);
	kmem_cache_free(vnode_cache, vp);
}

/* The rights that the mode gives, in the lowest three bits. */
static mode_t
mode_rights(const struct vnode *vp, const struct cred *cr)
{
	mode_t mode = vp->v_mode;

	if (cr->cr_fsuid == vp->v_uid)
		return mode >> 6;
	if (((mode ^ mode >> 3) & 7) != 0 && cred_in_group(cr, vp->v_gid))
		return mode >> 3;
	return mode;
}

/*
 * The rules of path_resolution(7) and capabilities(7).  EROFS: a file or
 * directory of a read-only file system is to be written.
 */
int
vnode_access(struct vnode *vp, int how, const struct cred *cr)
{
	mode_t mode = vp->v_mode;
	int error = EOPNOTSUPP;

	if ((how & W_OK) != 0 && vp->v_mount != NULL &&
	    (vp->v_mount->mnt_flags & MS_RDONLY) != 0 &&
	    (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
		return EROFS;
	if (vp->v_ops->vop_access != NULL)
		error = vp->v_ops->vop_access(vp, how, cr);
	if (error == 0 || (error == EOPNOTSUPP &&
	    ((mode_t)how & ~mode_rights(vp, cr) & 7) == 0))
		return 0;
	if (S_ISDIR(mode)) {
		if ((how & W_OK) == 0 &&
		    cred_capable(cr, CAP_DAC_READ_SEARCH) == 0)
			return 0;
		return cred_capable(cr, CAP_DAC_OVERRIDE) == 0 ? 0 : EACCES;
	}
	if (how == R_OK && cred_capable(cr, CAP_DAC_READ_SEARCH) == 0)
		return 0;
	if (((how & X_OK) == 0 || (mode & 0111) != 0) &&
	    cred_capable(cr, CAP_DAC_OVERRIDE) == 0)
		return 0;
	return EACCES;
}

int
vnode_owner_or_capable(struct vnode *vp, const struct cred *cr)
{
	return cr->cr_fsuid == vp->v_uid ? 0 : cred_capable(cr, CAP_FOWNER);
}

int
vnode_stat(struct vnode *vp, struct stat_k *st)
{
	int error;

	memset(st, 0, sizeof(*st));
	rw_enter(&vp->v_lock, RW_READER);
	st->st_dev = vp->v_mount->mnt_dev;
	st->st_ino = vp->v_ino;
	st->st_mode = vp->v_mode;
	st->st_uid = vp->v_uid;
	st->st_gid = vp->v_gid;
	st->st_rdev = vp->v_rdev;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	error = vp->v_ops->vop_getattr(vp, st);
	rw_exit(&vp->v_lock);
	return error;
}

void
vnode_new_owner(const struct vnode *dir, const struct cred *cr, mode_t *mode,
    uid_t *uid, gid_t *gid)
{
	*uid = cr->cr_fsuid;
	*gid = cr->cr_fsgid;
	if ((dir->v_mode & S_ISGID) == 0)
		return;
	*gid = dir->v_gid;
	if (S_ISDIR(*mode))
		*mode |= S_ISGID;
	else if ((*mode & (S_ISGID | 0010)) == (S_ISGID | 0010) &&
	    !cred_in_group(cr, *gid) && cred_capable(cr, CAP_FSETID) != 0)
		*mode &= ~S_ISGID;
}

int
vnode_deny_write(struct vnode *vp)
{
	int n;

	do {
		n = atomic_load_relaxed(&vp->v_writers);
		if (n > 0)
			return ETXTBSY;
	} while (!atomic_cas(&vp->v_writers, n, n - 1));
	return 0;
}

void
vnode_allow_write(struct vnode *vp)
{
	(void)atomic_add(&vp->v_writers, 1);
}

/* Does a write by that thread take set-id bits away? */
void
vnode_killpriv(struct vnode *vp, struct lwp *l)
{
	struct setattr sa;
	mode_t mode = vp->v_mode;

	if (!S_ISREG(mode) || (mode & (S_ISUID | S_ISGID)) == 0 ||
	    cred_capable(l->l_cred, CAP_FSETID) == 0)
		return;
	mode &= ~S_ISUID;
	if ((mode & 0010) != 0)
		mode &= ~S_ISGID;
	if (mode == vp->v_mode || vp->v_ops->vop_setattr == NULL)
		return;
	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_MODE | SETATTR_KILLPRIV;
	sa.sa_mode = mode & ALLPERMS;
	(void)vp->v_ops->vop_setattr(vp, &sa, l->l_cred);
}

/* -- setattr: decode and check, then let the file system do it -- */

static int
check_chown(struct vnode *vp, const struct setattr *sa, const struct cred *cr)
{
	if ((sa->sa_valid & SETATTR_UID) != 0 &&
	    (cr->cr_fsuid != vp->v_uid || sa->sa_uid != vp->v_uid) &&
	    cred_capable(cr, CAP_CHOWN) != 0)
		return EPERM;
	if ((sa->sa_valid & SETATTR_GID) != 0 &&
	    (cr->cr_fsuid != vp->v_uid || (sa->sa_gid != vp->v_gid &&
	    !cred_in_group(cr, sa->sa_gid))) &&
	    cred_capable(cr, CAP_CHOWN) != 0)
		return EPERM;
	return 0;
}

/* A change of owner takes the set-id bits of a program away. */
static void
chown_killpriv(struct vnode *vp, struct setattr *sa, const struct cred *cr)
{
	mode_t mode = vp->v_mode;

	if (S_ISDIR(mode) || (sa->sa_valid & SETATTR_MODE) != 0)
		return;
	mode &= ~S_ISUID;
	if ((mode & 0010) != 0 || (!cred_in_group(cr, vp->v_gid) &&
	    cred_capable(cr, CAP_FSETID) != 0))
		mode &= ~S_ISGID;
	if (mode != vp->v_mode) {
		sa->sa_valid |= SETATTR_MODE;
		sa->sa_mode = mode & ALLPERMS;
	}
}

static int
check_setattr(struct vnode *vp, struct setattr *sa, const struct cred *cr)
{
	const unsigned int times = SETATTR_ATIME | SETATTR_MTIME;
	const unsigned int now = SETATTR_ATIME_NOW | SETATTR_MTIME_NOW;
	gid_t gid;
	int error;

	error = check_chown(vp, sa, cr);
	if (error != 0)
		return error;
	if ((sa->sa_valid & SETATTR_MODE) != 0) {
		error = vnode_owner_or_capable(vp, cr);
		if (error != 0)
			return error;
		gid = (sa->sa_valid & SETATTR_GID) != 0 ? sa->sa_gid :
		    vp->v_gid;
		sa->sa_mode &= ALLPERMS;
		if (!cred_in_group(cr, gid) &&
		    cred_capable(cr, CAP_FSETID) != 0)
			sa->sa_mode &= ~S_ISGID;
	}
	if ((sa->sa_valid & times) != 0 &&
	    vnode_owner_or_capable(vp, cr) != 0) {
		/* Both set to now: the right to write is enough. */
		if ((sa->sa_valid & now) != now)
			return EPERM;
		error = vnode_access(vp, W_OK, cr);
		if (error != 0)
			return error;
	}
	if ((sa->sa_valid & (SETATTR_UID | SETATTR_GID)) != 0)
		chown_killpriv(vp, sa, cr);
	return 0;
}

/*
 * chmod, chown, utimes.  The caller's rights are checked here; sa may be
 * changed.  EPERM, EROFS, the file system's errors.
 */
int
do_setattr(struct lwp *l, const struct path *p, struct setattr *sa)
{
	struct vnode *vp = path_vnode(p);
	int error;

	error = mount_write_enter(p);
	if (error != 0)
		return error;
	rw_enter(&vp->v_lock, RW_WRITER);
	error = check_setattr(vp, sa, l->l_cred);
	if (error == 0)
		error = vp->v_ops->vop_setattr == NULL ? EPERM :
		    vp->v_ops->vop_setattr(vp, sa, l->l_cred);
	rw_exit(&vp->v_lock);
	mount_write_exit(p);
	if (error == 0)
		notify_dentry(p->p_dentry, IN_ATTRIB);
	return error;
}

/* Set the size of a regular file; v_lock held exclusively. */
int
vnode_truncate_locked(struct vnode *vp, struct lwp *l, off_t size)
{
	struct setattr sa;

	if (vp->v_ops->vop_setattr == NULL)
		return EINVAL;
	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_SIZE;
	sa.sa_size = size;
	vnode_killpriv(vp, l);
	return vp->v_ops->vop_setattr(vp, &sa, l->l_cred);
}

int
do_truncate(struct lwp *l, const struct path *p, off_t size)
{
	struct vnode *vp = path_vnode(p);
	int error;

	if (size < 0)
		return EINVAL;
	if (S_ISDIR(vp->v_mode))
		return EISDIR;
	if (!S_ISREG(vp->v_mode))
		return EINVAL;
	error = mount_write_enter(p);
	if (error != 0)
		return error;
	error = vnode_access(vp, W_OK, l->l_cred);
	if (error == 0 && atomic_load(&vp->v_writers) < 0)
		error = ETXTBSY;
	if (error == 0)
		error = check_fsize(l, size, NULL);
	if (error == 0) {
		rw_enter(&vp->v_lock, RW_WRITER);
		error = vnode_truncate_locked(vp, l, size);
		rw_exit(&vp->v_lock);
	}
	mount_write_exit(p);
	if (error == 0)
		notify_dentry(p->p_dentry, IN_MODIFY);
	return error;
}

/*
 * access(2): with the real ids unless `effective`.  A set-user-id program of
 * root has no capabilities here, as on Linux.
 */
int
do_access(struct lwp *l, const struct path *p, int mode, bool effective)
{
	struct vnode *vp = path_vnode(p);
	struct cred cr;

	if (mode == F_OK)
		return 0;
	if ((mode & X_OK) != 0 && S_ISREG(vp->v_mode) &&
	    (path_mntflags(p) & MS_NOEXEC) != 0)
		return EACCES;
	if ((mode & W_OK) != 0 && path_writable(p) != 0 &&
	    (S_ISREG(vp->v_mode) || S_ISDIR(vp->v_mode) ||
	    S_ISLNK(vp->v_mode)))
		return EROFS;
	if (effective)
		return vnode_access(vp, mode, l->l_cred);
	cr = *l->l_cred;		/* its groups are borrowed */
	cr.cr_fsuid = cr.cr_ruid;
	cr.cr_fsgid = cr.cr_rgid;
	cr.cr_cap_effective = cr.cr_ruid == 0 ? cr.cr_cap_permitted : 0;
	return vnode_access(vp, mode, &cr);
}

int
do_readlink(struct lwp *l, const struct path *p, char *buf, size_t size,
    size_t *len)
{
	struct vnode *vp = path_vnode(p);
	struct path to;
	int error;

	(void)l;
	if (!S_ISLNK(vp->v_mode))
		return EINVAL;
	if (vp->v_ops->vop_readlink != NULL) {
		rw_enter(&vp->v_lock, RW_READER);
		error = vp->v_ops->vop_readlink(vp, buf, size, len);
		rw_exit(&vp->v_lock);
		return error;
	}
	if (vp->v_ops->vop_followlink == NULL)
		return EINVAL;
	/* A magic link shows the name of where it leads to. */
	error = vp->v_ops->vop_followlink(vp, &to);
	if (error != 0)
		return error;
	error = path_name(&to, NULL, buf, size);
	path_put(&to);
	if (error == 0)
		*len = strlen(buf);
	return error;
}

int
do_statfs(const struct path *p, struct statfs_k *sf)
{
	struct mount *mp = path_mount(p);
	unsigned int flags = path_mntflags(p);
	int error;

	if (mp->mnt_ops->vfs_statfs == NULL)
		return ENOSYS;
	memset(sf, 0, sizeof(*sf));
	sf->f_bsize = sf->f_frsize = PAGE_SIZE;
	sf->f_namelen = MAXNAMLEN;
	sf->f_fsid = mp->mnt_dev;
	error = mp->mnt_ops->vfs_statfs(mp, sf);
	/* ST_VALID, and the bits that are the same as MS_*. */
	sf->f_flags = 0x20 | (flags & (MS_RDONLY | MS_NOSUID | MS_NODEV |
	    MS_NOEXEC | MS_SYNCHRONOUS | MS_MANDLOCK | MS_NOATIME |
	    MS_NODIRATIME));
	if ((flags & MS_RELATIME) != 0)
		sf->f_flags |= 0x1000;
	return error;
}

/* -- extended attributes -- */

static bool
has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/*
 * May the thread read (how R_OK) or change (W_OK) that attribute?  ENODATA
 * hides trusted ones from who may not see them.
 */
static int
xattr_permitted(struct lwp *l, const struct path *p, const char *name, int how)
{
	struct vnode *vp = path_vnode(p);

	if (how == W_OK && path_writable(p) != 0)
		return EROFS;
	if (has_prefix(name, "security.")) {
		if (how == R_OK)
			return 0;
		return strcmp(name, "security.capability") == 0 ?
		    cred_capable(l->l_cred, CAP_SETFCAP) :
		    cred_capable(l->l_cred, CAP_SYS_ADMIN);
	}
	if (has_prefix(name, "trusted.")) {
		if (cred_capable(l->l_cred, CAP_SYS_ADMIN) == 0)
			return 0;
		return how == R_OK ? ENODATA : EPERM;
	}
	if (strcmp(name, "system.posix_acl_access") == 0 ||
	    strcmp(name, "system.posix_acl_default") == 0)
		return how == R_OK ? 0 : vnode_owner_or_capable(vp, l->l_cred);
	if (!has_prefix(name, "user."))
		return EOPNOTSUPP;
	if (!S_ISREG(vp->v_mode) && !S_ISDIR(vp->v_mode))
		return how == R_OK ? ENODATA : EPERM;
	if (how == W_OK && S_ISDIR(vp->v_mode) &&
	    (vp->v_mode & S_ISVTX) != 0 &&
	    vnode_owner_or_capable(vp, l->l_cred) != 0)
		return EPERM;
	return vnode_access(vp, how, l->l_cred);
}

int
do_getxattr(struct lwp *l, const struct path *p, const char *name, void *buf,
    size_t size, size_t *len)
{
	struct vnode *vp = path_vnode(p);
	int error;

	error = xattr_permitted(l, p, name, R_OK);
	if (error != 0)
		return error;
	if (vp->v_ops->vop_getxattr == NULL)
		return EOPNOTSUPP;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_ops->vop_getxattr(vp, name, buf, size, len);
	rw_exit(&vp->v_lock);
	return error;
}

/* Set an attribute, or with no value remove it. */
static int
xattr_change(struct lwp *l, const struct path *p, const char *name,
    const void *value, size_t size, int flags)
{
	struct vnode *vp = path_vnode(p);
	int error;

	error = xattr_permitted(l, p, name, W_OK);
	if (error != 0)
		return error;
	if (vp->v_ops->vop_setxattr == NULL)
		return EOPNOTSUPP;
	error = mount_write_enter(p);
	if (error != 0)
		return error;
	rw_enter(&vp->v_lock, RW_WRITER);
	error = value == NULL ? vp->v_ops->vop_removexattr(vp, name) :
	    vp->v_ops->vop_setxattr(vp, name, value, size, flags);
	rw_exit(&vp->v_lock);
	mount_write_exit(p);
	if (error == 0)
		notify_dentry(p->p_dentry, IN_ATTRIB);
	return error;
}

int
do_setxattr(struct lwp *l, const struct path *p, const char *name,
    const void *value, size_t size, int flags)
{
	return xattr_change(l, p, name, value, size, flags);
}

/* The list without what the thread may not see; size 0: only the length. */
int
do_listxattr(struct lwp *l, const struct path *p, char *buf, size_t size,
    size_t *len)
{
	struct vnode *vp = path_vnode(p);
	bool all = cred_capable(l->l_cred, CAP_SYS_ADMIN) == 0;
	char *list, *s;
	size_t full, n, out = 0;
	int error;

	*len = 0;
	if (vp->v_ops->vop_listxattr == NULL)
		return 0;
	list = kmem_alloc(XATTR_LIST_MAX, KM_SLEEP);
	if (list == NULL)
		return ENOMEM;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_ops->vop_listxattr(vp, list, XATTR_LIST_MAX, &full);
	rw_exit(&vp->v_lock);
	for (s = list; error == 0 && s < list + full; s += n) {
		n = strlen(s) + 1;
		if (!all && has_prefix(s, "trusted."))
			continue;
		if (size != 0 && out + n > size)
			error = ERANGE;
		else if (size != 0)
			memcpy(buf + out, s, n);
		out += n;
	}
	kmem_free(list, XATTR_LIST_MAX);
	*len = out;
	return error;
}

int
do_removexattr(struct lwp *l, const struct path *p, const char *name)
{
	return xattr_change(l, p, name, NULL, 0, 0);
}

void
vnode_init(void)
{
	vnode_cache = kmem_cache_create("vnode", sizeof(struct vnode), 0);
	if (vnode_cache == NULL)
		panic("vfs: no memory for vnodes");
}
