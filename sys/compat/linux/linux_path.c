/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on names: making, removing, renaming, linking; access;
 * working directory and root.
 *
 * Untrusted input: names are copied in once, bounded by PATH_MAX, and then
 * only the copy is used.
 */
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

/* -- names -- */

/* The place of an open file; `nowhere` if it has none. */
static int
fd_path(struct lwp *l, int fd, int nowhere, struct path *p)
{
	struct file *fp;
	int error;

	error = fd_get_any(l, fd, &fp);
	if (error != 0)
		return error;
	if (fp->f_path == NULL) {
		error = nowhere;
	} else {
		*p = *fp->f_path;
		path_get(p);
	}
	file_put(fp);
	return error;
}

int
linux_fdpath(struct lwp *l, int fd, struct path *p)
{
	return fd_path(l, fd, EBADF, p);
}

int
linux_name_in(struct lwp *l, int dirfd, const char *uname, int flags,
    struct linux_name *ln)
{
	int error;

	ln->ln_dir = NULL;
	error = copyin_path(uname, &ln->ln_name);
	if (error != 0)
		return error;
	if (ln->ln_name[0] == '\0' && (flags & LOOKUP_EMPTY) == 0) {
		error = ENOENT;
	} else if (ln->ln_name[0] != '/' && dirfd != AT_FDCWD) {
		error = fd_path(l, dirfd, ENOTDIR, &ln->ln_start);
		if (error == 0)
			ln->ln_dir = &ln->ln_start;
	}
	if (error != 0)
		kmem_strfree(ln->ln_name);
	return error;
}

void
linux_name_done(struct linux_name *ln)
{
	if (ln->ln_dir != NULL)
		path_put(ln->ln_dir);
	kmem_strfree(ln->ln_name);
}

/* Two names at once, for calls that lead from one to the other. */
struct two_names {
	struct linux_name from, to;
};

static int
two_names_in(struct lwp *l, int olddirfd, const char *oldpath, int flags,
    int newdirfd, const char *newpath, struct two_names *tn)
{
	int error;

	error = linux_name_in(l, olddirfd, oldpath, flags, &tn->from);
	if (error != 0)
		return error;
	error = linux_name_in(l, newdirfd, newpath, 0, &tn->to);
	if (error != 0)
		linux_name_done(&tn->from);
	return error;
}

static void
two_names_done(struct two_names *tn)
{
	linux_name_done(&tn->to);
	linux_name_done(&tn->from);
}

int
linux_path_in(struct lwp *l, int dirfd, const char *uname, int flags,
    struct path *p)
{
	struct linux_name ln;
	int error;

	error = linux_name_in(l, dirfd, uname, flags, &ln);
	if (error != 0)
		return error;
	error = namei(l, ln.ln_dir, ln.ln_name, flags, p);
	linux_name_done(&ln);
	return error;
}

/* -- making -- */

static int
mkdir_at(struct lwp *l, int dirfd, const char *path, mode_t mode)
{
	struct linux_name ln;
	int error;

	error = linux_name_in(l, dirfd, path, 0, &ln);
	if (error != 0)
		return error;
	error = do_mkdir(l, ln.ln_dir, ln.ln_name, mode);
	linux_name_done(&ln);
	return error;
}

int
linux_sys_mkdir(struct lwp *l, const struct linux_mkdir_args *uap,
    register_t *retval __unused)
{
	return mkdir_at(l, AT_FDCWD, uap->path, uap->mode);
}

int
linux_sys_mkdirat(struct lwp *l, const struct linux_mkdirat_args *uap,
    register_t *retval __unused)
{
	return mkdir_at(l, uap->dirfd, uap->path, uap->mode);
}

static int
mknod_at(struct lwp *l, int dirfd, const char *path, mode_t mode,
    unsigned int dev)
{
	struct linux_name ln;
	int error;

	error = linux_name_in(l, dirfd, path, 0, &ln);
	if (error != 0)
		return error;
	error = do_mknod(l, ln.ln_dir, ln.ln_name, mode, linux_dev_in(dev));
	linux_name_done(&ln);
	return error;
}

int
linux_sys_mknod(struct lwp *l, const struct linux_mknod_args *uap,
    register_t *retval __unused)
{
	return mknod_at(l, AT_FDCWD, uap->path, uap->mode, uap->dev);
}

int
linux_sys_mknodat(struct lwp *l, const struct linux_mknodat_args *uap,
    register_t *retval __unused)
{
	return mknod_at(l, uap->dirfd, uap->path, uap->mode, uap->dev);
}

static int
symlink_at(struct lwp *l, const char *utarget, int dirfd, const char *path)
{
	struct linux_name ln;
	char *target;
	int error;

	error = copyin_path(utarget, &target);
	if (error != 0)
		return error;
	error = linux_name_in(l, dirfd, path, 0, &ln);
	if (error == 0) {
		error = do_symlink(l, target, ln.ln_dir, ln.ln_name);
		linux_name_done(&ln);
	}
	kmem_strfree(target);
	return error;
}

int
linux_sys_symlink(struct lwp *l, const struct linux_symlink_args *uap,
    register_t *retval __unused)
{
	return symlink_at(l, uap->target, AT_FDCWD, uap->path);
}

int
linux_sys_symlinkat(struct lwp *l, const struct linux_symlinkat_args *uap,
    register_t *retval __unused)
{
	return symlink_at(l, uap->target, uap->dirfd, uap->path);
}

static int
link_at(struct lwp *l, int olddirfd, const char *oldpath, int newdirfd,
    const char *newpath, int flags)
{
	struct two_names tn;
	int error;

	if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	error = two_names_in(l, olddirfd, oldpath,
	    (flags & AT_EMPTY_PATH) != 0 ? LOOKUP_EMPTY : 0, newdirfd,
	    newpath, &tn);
	if (error != 0)
		return error;
	error = do_link(l, tn.from.ln_dir, tn.from.ln_name, tn.to.ln_dir,
	    tn.to.ln_name, flags);
	two_names_done(&tn);
	return error;
}

int
linux_sys_link(struct lwp *l, const struct linux_link_args *uap,
    register_t *retval __unused)
{
	return link_at(l, AT_FDCWD, uap->oldpath, AT_FDCWD, uap->newpath, 0);
}

int
linux_sys_linkat(struct lwp *l, const struct linux_linkat_args *uap,
    register_t *retval __unused)
{
	return link_at(l, uap->olddirfd, uap->oldpath, uap->newdirfd,
	    uap->newpath, uap->flags);
}

/* -- removing and renaming -- */

static int
unlink_at(struct lwp *l, int dirfd, const char *path, int flags)
{
	struct linux_name ln;
	int error;

	if ((flags & ~AT_REMOVEDIR) != 0)
		return EINVAL;
	error = linux_name_in(l, dirfd, path, 0, &ln);
	if (error != 0)
		return error;
	error = do_unlink(l, ln.ln_dir, ln.ln_name, flags);
	linux_name_done(&ln);
	return error;
}

int
linux_sys_unlink(struct lwp *l, const struct linux_unlink_args *uap,
    register_t *retval __unused)
{
	return unlink_at(l, AT_FDCWD, uap->path, 0);
}

int
linux_sys_rmdir(struct lwp *l, const struct linux_rmdir_args *uap,
    register_t *retval __unused)
{
	return unlink_at(l, AT_FDCWD, uap->path, AT_REMOVEDIR);
}

int
linux_sys_unlinkat(struct lwp *l, const struct linux_unlinkat_args *uap,
    register_t *retval __unused)
{
	return unlink_at(l, uap->dirfd, uap->path, uap->flags);
}

static int
rename_at(struct lwp *l, int olddirfd, const char *oldpath, int newdirfd,
    const char *newpath, unsigned int flags)
{
	struct two_names tn;
	int error;

	error = two_names_in(l, olddirfd, oldpath, 0, newdirfd, newpath, &tn);
	if (error != 0)
		return error;
	error = do_rename(l, tn.from.ln_dir, tn.from.ln_name, tn.to.ln_dir,
	    tn.to.ln_name, flags);
	two_names_done(&tn);
	return error;
}

int
linux_sys_rename(struct lwp *l, const struct linux_rename_args *uap,
    register_t *retval __unused)
{
	return rename_at(l, AT_FDCWD, uap->oldpath, AT_FDCWD, uap->newpath, 0);
}

int
linux_sys_renameat(struct lwp *l, const struct linux_renameat_args *uap,
    register_t *retval __unused)
{
	return rename_at(l, uap->olddirfd, uap->oldpath, uap->newdirfd,
	    uap->newpath, 0);
}

int
linux_sys_renameat2(struct lwp *l, const struct linux_renameat2_args *uap,
    register_t *retval __unused)
{
	return rename_at(l, uap->olddirfd, uap->oldpath, uap->newdirfd,
	    uap->newpath, uap->flags);
}

/* -- reading links, access -- */

static int
readlink_at(struct lwp *l, int dirfd, const char *path, char *ubuf, int size,
    register_t *retval)
{
	struct linux_name ln;
	struct path p;
	size_t len;
	char *buf;
	bool empty;
	int error;

	if (size <= 0)
		return EINVAL;
	error = linux_name_in(l, dirfd, path, LOOKUP_EMPTY, &ln);
	if (error != 0)
		return error;
	empty = ln.ln_name[0] == '\0';
	error = namei(l, ln.ln_dir, ln.ln_name, LOOKUP_EMPTY, &p);
	linux_name_done(&ln);
	if (error != 0)
		return error;
	buf = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	if (buf == NULL) {
		path_put(&p);
		return ENOMEM;
	}
	error = do_readlink(l, &p, buf, MAXPATHLEN, &len);
	path_put(&p);
	if (error == EINVAL && empty)
		error = ENOENT;
	if (error == 0) {
		len = MIN(len, (size_t)size);
		error = copyout(buf, ubuf, len);
		*retval = (register_t)len;
	}
	kmem_free(buf, MAXPATHLEN);
	return error;
}

int
linux_sys_readlink(struct lwp *l, const struct linux_readlink_args *uap,
    register_t *retval)
{
	return readlink_at(l, AT_FDCWD, uap->path, uap->buf, uap->size, retval);
}

int
linux_sys_readlinkat(struct lwp *l, const struct linux_readlinkat_args *uap,
    register_t *retval)
{
	return readlink_at(l, uap->dirfd, uap->path, uap->buf, uap->size,
	    retval);
}

static int
access_at(struct lwp *l, int dirfd, const char *path, int mode, int flags)
{
	struct path p;
	int lookup = LOOKUP_FOLLOW, error;

	if ((mode & ~(R_OK | W_OK | X_OK)) != 0 ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	if ((flags & AT_SYMLINK_NOFOLLOW) != 0)
		lookup &= ~LOOKUP_FOLLOW;
	if ((flags & AT_EMPTY_PATH) != 0)
		lookup |= LOOKUP_EMPTY;
	error = linux_path_in(l, dirfd, path, lookup, &p);
	if (error != 0)
		return error;
	error = do_access(l, &p, mode, (flags & AT_EACCESS) != 0);
	path_put(&p);
	return error;
}

int
linux_sys_access(struct lwp *l, const struct linux_access_args *uap,
    register_t *retval __unused)
{
	return access_at(l, AT_FDCWD, uap->path, uap->mode, 0);
}

int
linux_sys_faccessat(struct lwp *l, const struct linux_faccessat_args *uap,
    register_t *retval __unused)
{
	return access_at(l, uap->dirfd, uap->path, uap->mode, 0);
}

int
linux_sys_faccessat2(struct lwp *l, const struct linux_faccessat2_args *uap,
    register_t *retval __unused)
{
	return access_at(l, uap->dirfd, uap->path, uap->mode, uap->flags);
}

/* -- where the process is -- */

int
linux_sys_getcwd(struct lwp *l, const struct linux_getcwd_args *uap,
    register_t *retval)
{
	struct path cwd;
	size_t len;
	char *buf;
	int error;

	buf = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	cwd_get_cwd(l, &cwd);
	error = path_deleted(&cwd) ? ENOENT :
	    path_name(&cwd, NULL, buf, MAXPATHLEN);
	path_put(&cwd);
	if (error == 0) {
		len = strlen(buf) + 1;
		error = len > uap->size ? ERANGE : copyout(buf, uap->buf, len);
		*retval = (register_t)len;
	}
	kmem_free(buf, MAXPATHLEN);
	return error;
}

/* A directory by its name, for func. */
static int
with_dir(struct lwp *l, const char *upath,
    int (*func)(struct lwp *, const struct path *))
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, upath,
	    LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (error != 0)
		return error;
	error = func(l, &p);
	path_put(&p);
	return error;
}

int
linux_sys_chdir(struct lwp *l, const struct linux_chdir_args *uap,
    register_t *retval __unused)
{
	return with_dir(l, uap->path, do_chdir);
}

int
linux_sys_fchdir(struct lwp *l, const struct linux_fchdir_args *uap,
    register_t *retval __unused)
{
	struct file *fp;
	int error;

	error = fd_get_any(l, uap->fd, &fp);
	if (error != 0)
		return error;
	error = fp->f_path == NULL ? ENOTDIR : do_chdir(l, fp->f_path);
	file_put(fp);
	return error;
}

int
linux_sys_chroot(struct lwp *l, const struct linux_chroot_args *uap,
    register_t *retval __unused)
{
	return with_dir(l, uap->path, do_chroot);
}

int
linux_sys_umask(struct lwp *l, const struct linux_umask_args *uap,
    register_t *retval)
{
	struct cwdinfo *c = l->l_proc->p_cwdi;

	*retval = (register_t)atomic_swap(&c->cwd_umask, uap->mask & 0777);
	return 0;
}

/* There is nobody who could make a handle: the path is looked at, no more. */
int
linux_sys_name_to_handle_at(struct lwp *l,
    const struct linux_name_to_handle_at_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error, lookup = 0;

	if ((uap->flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	if ((uap->flags & AT_SYMLINK_FOLLOW) != 0)
		lookup |= LOOKUP_FOLLOW;
	if ((uap->flags & AT_EMPTY_PATH) != 0)
		lookup |= LOOKUP_EMPTY;
	error = linux_path_in(l, uap->dirfd, uap->path, lookup, &p);
	if (error != 0)
		return error;
	path_put(&p);
	return EOPNOTSUPP;
}
