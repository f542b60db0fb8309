/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on descriptors: open and close, duplicates, flags, locks,
 * ioctl, pipes and other files without a name.
 */
#include <sys/inotify.h>
#include <sys/termios.h>
#include <sys/tty.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

/* What open(2) knows; it ignores other bits, openat2(2) refuses them. */
#define	OPEN_KNOWN	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | \
    O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT |	\
    O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |	\
    O_PATH | O_TMPFILE)

#define	F_GETLK64		12
#define	F_SETLK64		13
#define	F_SETLKW64		14

#define	RESOLVE_NO_XDEV		0x01
#define	RESOLVE_NO_MAGICLINKS	0x02
#define	RESOLVE_NO_SYMLINKS	0x04
#define	RESOLVE_BENEATH		0x08
#define	RESOLVE_IN_ROOT		0x10
#define	RESOLVE_CACHED		0x20

/* -- opening -- */

static int
open_at(struct lwp *l, int dirfd, const char *path, int oflags, mode_t mode,
    int lookup, register_t *retval)
{
	struct linux_name ln;
	struct file *fp;
	int error, fd;

	error = linux_name_in(l, dirfd, path, 0, &ln);
	if (error != 0)
		return error;
	error = fd_reserve(l, 0, &fd);
	if (error != 0)
		goto out;
	error = do_open_resolve(l, ln.ln_dir, ln.ln_name, oflags, mode, lookup,
	    &fp);
	if (error != 0) {
		fd_abandon(l, fd);
		goto out;
	}
	fd_install(l, fd, fp, (oflags & O_CLOEXEC) != 0);
	*retval = fd;
out:
	linux_name_done(&ln);
	return error;
}

/* i386 programs say O_LARGEFILE, for the others it goes without saying. */
static int
open_flags(int flags)
{
	return (flags & OPEN_KNOWN) | (linux_is32() ? 0 : O_LARGEFILE);
}

int
linux_sys_open(struct lwp *l, const struct linux_open_args *uap,
    register_t *retval)
{
	return open_at(l, AT_FDCWD, uap->path,
	    open_flags(uap->flags), uap->mode, 0, retval);
}

int
linux_sys_openat(struct lwp *l, const struct linux_openat_args *uap,
    register_t *retval)
{
	return open_at(l, uap->dirfd, uap->path,
	    open_flags(uap->flags), uap->mode, 0, retval);
}

int
linux_sys_creat(struct lwp *l, const struct linux_creat_args *uap,
    register_t *retval)
{
	return open_at(l, AT_FDCWD, uap->path,
	    open_flags(O_CREAT | O_WRONLY | O_TRUNC), uap->mode, 0, retval);
}

int
linux_sys_openat2(struct lwp *l, const struct linux_openat2_args *uap,
    register_t *retval)
{
	static const struct {
		uint64_t resolve;
		int lookup;
	} map[] = {
		{ RESOLVE_NO_XDEV, LOOKUP_NOXDEV },
		{ RESOLVE_NO_MAGICLINKS, LOOKUP_NOMAGIC },
		{ RESOLVE_NO_SYMLINKS, LOOKUP_NOSYMLINKS | LOOKUP_NOMAGIC },
		{ RESOLVE_BENEATH, LOOKUP_BENEATH },
		{ RESOLVE_IN_ROOT, LOOKUP_INROOT },
	};
	struct linux_open_how how;
	int lookup = 0, error;
	size_t i;

	if (uap->size < sizeof(how))
		return EINVAL;
	error = linux_struct_in(uap->how, uap->size, &how, sizeof(how));
	if (error != 0)
		return error;
	if ((how.flags & ~(uint64_t)OPEN_KNOWN) != 0 ||
	    (how.resolve & ~(uint64_t)0x3f) != 0 ||
	    (how.mode & ~(uint64_t)ALLPERMS) != 0 ||
	    (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) ==
	    (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return EINVAL;
	if (how.mode != 0 && (how.flags & (O_CREAT |
	    (O_TMPFILE & ~O_DIRECTORY))) == 0)
		return EINVAL;
	if ((how.flags & O_PATH) != 0 && (how.flags & ~(uint64_t)(O_PATH |
	    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != 0)
		return EINVAL;
	if ((how.resolve & RESOLVE_CACHED) != 0)
		return EAGAIN;		/* "only if it need not wait" */
	for (i = 0; i < __arraycount(map); i++)
		if ((how.resolve & map[i].resolve) != 0)
			lookup |= map[i].lookup;
	return open_at(l, uap->dirfd, uap->path,
	    (int)how.flags | O_LARGEFILE, (mode_t)how.mode, lookup, retval);
}

int
linux_sys_close(struct lwp *l, const struct linux_close_args *uap,
    register_t *retval __unused)
{
	return fd_close(l, uap->fd);
}

int
linux_sys_close_range(struct lwp *l, const struct linux_close_range_args *uap,
    register_t *retval __unused)
{
	return fd_close_range(l, uap->first, uap->last, (int)uap->flags);
}

/* -- duplicates -- */

int
linux_sys_dup(struct lwp *l, const struct linux_dup_args *uap,
    register_t *retval)
{
	int fd, error;

	error = fd_dup(l, uap->fd, 0, false, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_dup2(struct lwp *l, const struct linux_dup2_args *uap,
    register_t *retval)
{
	struct file *fp;
	int error;

	*retval = uap->newfd;
	if (uap->fd != uap->newfd)
		return fd_dup2(l, uap->fd, uap->newfd, false);
	error = fd_get_any(l, uap->fd, &fp);
	if (error == 0)
		file_put(fp);
	return error;
}

int
linux_sys_dup3(struct lwp *l, const struct linux_dup3_args *uap,
    register_t *retval)
{
	if ((uap->flags & ~O_CLOEXEC) != 0 || uap->fd == uap->newfd)
		return EINVAL;
	*retval = uap->newfd;
	return fd_dup2(l, uap->fd, uap->newfd, (uap->flags & O_CLOEXEC) != 0);
}

/* -- fcntl -- */

static bool
flock_is_short(unsigned int cmd)
{
	return linux_is32() && (cmd == F_GETLK || cmd == F_SETLK ||
	    cmd == F_SETLKW);
}

static int
flock_in(unsigned int cmd, const void *uflock, struct linux_flock *lf)
{
	struct linux32_flock64 lf64;
	struct linux32_flock lf32;
	int error;

	if (!linux_is32())
		return copyin(uflock, lf, sizeof(*lf));
	if (flock_is_short(cmd)) {
		error = copyin(uflock, &lf32, sizeof(lf32));
		lf64 = (struct linux32_flock64){ lf32.l_type, lf32.l_whence,
		    lf32.l_start, lf32.l_len, lf32.l_pid };
	} else
		error = copyin(uflock, &lf64, sizeof(lf64));
	lf->l_type = lf64.l_type;
	lf->l_whence = lf64.l_whence;
	lf->l_start = lf64.l_start;
	lf->l_len = lf64.l_len;
	lf->l_pid = lf64.l_pid;
	return error;
}

static int
flock_out(unsigned int cmd, const struct linux_flock *lf, void *uflock)
{
	struct linux32_flock64 lf64 = { lf->l_type, lf->l_whence, lf->l_start,
	    lf->l_len, lf->l_pid };
	struct linux32_flock lf32 = { lf->l_type, lf->l_whence,
	    (int32_t)lf->l_start, (int32_t)lf->l_len, lf->l_pid };

	if (!linux_is32())
		return copyout(lf, uflock, sizeof(*lf));
	if (!flock_is_short(cmd))
		return copyout(&lf64, uflock, sizeof(lf64));
	if (lf32.l_start != lf->l_start || lf32.l_len != lf->l_len)
		return EOVERFLOW;
	return copyout(&lf32, uflock, sizeof(lf32));
}

static int
fcntl_lock(struct lwp *l, struct file *fp, unsigned int ucmd, void *uflock)
{
	int cmd = (int)ucmd;
	struct linux_flock lf;
	struct flock_k fk;
	int error;

	error = flock_in(ucmd, uflock, &lf);
	if (error != 0)
		return error;
	/* fcntl64's own numbers */
	if (linux_is32() && ucmd >= F_GETLK64 && ucmd <= F_SETLKW64)
		cmd = F_GETLK + (int)(ucmd - F_GETLK64);
	fk.l_type = lf.l_type;
	fk.l_whence = lf.l_whence;
	fk.l_start = lf.l_start;
	fk.l_len = lf.l_len;
	fk.l_pid = lf.l_pid;
	error = do_fcntl_lock(l, fp, cmd, &fk);
	if (error != 0 || (cmd != F_GETLK && cmd != F_OFD_GETLK))
		return error;
	lf.l_type = fk.l_type;
	if (fk.l_type != F_UNLCK) {
		lf.l_whence = fk.l_whence;
		lf.l_start = fk.l_start;
		lf.l_len = fk.l_len;
		lf.l_pid = fk.l_pid;
	}
	return flock_out(ucmd, &lf, uflock);
}

/* The commands that concern the descriptor; *handled says whether it was. */
static int
fcntl_fd(struct lwp *l, const struct linux_fcntl_args *uap,
    register_t *retval, bool *handled)
{
	bool cloexec = false;
	int fd = -1, error;

	*handled = true;
	switch (uap->cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (uap->arg > INT32_MAX)
			return EINVAL;
		error = fd_dup(l, uap->fd, (int)uap->arg,
		    uap->cmd == F_DUPFD_CLOEXEC, &fd);
		*retval = fd;
		return error;
	case F_GETFD:
		error = fd_get_cloexec(l, uap->fd, &cloexec);
		*retval = cloexec ? FD_CLOEXEC : 0;
		return error;
	case F_SETFD:
		return fd_set_cloexec(l, uap->fd,
		    (uap->arg & FD_CLOEXEC) != 0);
	default:
		*handled = false;
		return 0;
	}
}

static int
fcntl_file(struct lwp *l, struct file *fp, const struct linux_fcntl_args *uap,
    register_t *retval)
{
	unsigned int seals = 0;
	size_t size;
	int error;

	switch (uap->cmd) {
	case F_ADD_SEALS:
		return file_add_seals(fp, (unsigned int)uap->arg);
	case F_GET_SEALS:
		error = file_get_seals(fp, &seals);
		*retval = (register_t)seals;
		return error;
	case F_SETFL:
		return do_fcntl_setfl(l, fp, (unsigned int)uap->arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(l, fp, uap->cmd, (void *)uap->arg);
	case F_GETLK64:
	case F_SETLK64:
	case F_SETLKW64:
		/* fcntl64(2) of i386 */
		return linux_is32() && !linux_narrow() ?
		    fcntl_lock(l, fp, uap->cmd, (void *)uap->arg) : EINVAL;
	case F_SETOWN:
		fp->f_owner = (int)uap->arg;
		return 0;
	case F_GETOWN:
		*retval = fp->f_owner;
		return 0;
	case F_GETSIG:
		*retval = 0;
		return 0;
	case F_GETLEASE:
		*retval = F_UNLCK;
		return 0;
	case F_SETPIPE_SZ:
		error = pipe_set_size(l, fp, uap->arg, &size);
		*retval = (register_t)size;
		return error;
	case F_GETPIPE_SZ:
		error = pipe_get_size(fp, &size);
		*retval = (register_t)size;
		return error;
	default:
		return EINVAL;
	}
}

int
linux_sys_fcntl(struct lwp *l, const struct linux_fcntl_args *uap,
    register_t *retval)
{
	struct file *fp;
	bool handled;
	int error;

	error = fcntl_fd(l, uap, retval, &handled);
	if (handled)
		return error;
	error = fd_get_any(l, uap->fd, &fp);
	if (error != 0)
		return error;
	if (uap->cmd == F_GETFL)
		*retval = (register_t)fp->f_flags;
	else if ((fp->f_flags & O_PATH) != 0)
		error = EBADF;
	else
		error = fcntl_file(l, fp, uap, retval);
	file_put(fp);
	return error;
}

int
linux_sys_flock(struct lwp *l, const struct linux_flock_args *uap,
    register_t *retval __unused)
{
	struct file *fp;
	int error;

	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	error = do_flock(l, fp, uap->op);
	file_put(fp);
	return error;
}

/* -- ioctl -- */

static int
ioctl_file(struct lwp *l, struct file *fp, const struct linux_ioctl_args *uap,
    register_t *retval)
{
	int on, error;

	switch (uap->cmd) {
	case FIOCLEX:
		return fd_set_cloexec(l, uap->fd, true);
	case FIONCLEX:
		return fd_set_cloexec(l, uap->fd, false);
	case FIONBIO:
		error = copyin((const void *)uap->arg, &on, sizeof(on));
		if (error != 0)
			return error;
		return do_fcntl_setfl(l, fp, on ? fp->f_flags | O_NONBLOCK :
		    fp->f_flags & ~(unsigned int)O_NONBLOCK);
	}
	if (fp->f_ops->fo_ioctl == NULL)
		return ENOTTY;
	return fp->f_ops->fo_ioctl(fp, uap->cmd, uap->arg, retval);
}

int
linux_sys_ioctl(struct lwp *l, const struct linux_ioctl_args *uap,
    register_t *retval)
{
	struct file *fp;
	int error;

	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	error = ioctl_file(l, fp, uap, retval);
	file_put(fp);
	return error;
}

int
linux_sys_vhangup(struct lwp *l, const struct linux_vhangup_args *uap __unused,
    register_t *retval __unused)
{
	return do_vhangup(l);
}

/* -- files without a name -- */

static int
pipe_common(struct lwp *l, int *ufds, int flags)
{
	int fds[2], error;

	error = do_pipe(l, flags, fds);
	if (error != 0)
		return error;
	error = copyout(fds, ufds, sizeof(fds));
	if (error != 0) {
		(void)fd_close(l, fds[0]);
		(void)fd_close(l, fds[1]);
	}
	return error;
}

int
linux_sys_pipe(struct lwp *l, const struct linux_pipe_args *uap,
    register_t *retval __unused)
{
	return pipe_common(l, uap->fds, 0);
}

int
linux_sys_pipe2(struct lwp *l, const struct linux_pipe2_args *uap,
    register_t *retval __unused)
{
	return pipe_common(l, uap->fds, uap->flags);
}

static int
eventfd_common(struct lwp *l, unsigned int count, int flags,
    register_t *retval)
{
	int fd = -1, error;

	error = do_eventfd(l, count, flags, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_eventfd(struct lwp *l, const struct linux_eventfd_args *uap,
    register_t *retval)
{
	return eventfd_common(l, uap->count, 0, retval);
}

int
linux_sys_eventfd2(struct lwp *l, const struct linux_eventfd2_args *uap,
    register_t *retval)
{
	return eventfd_common(l, uap->count, uap->flags, retval);
}

int
linux_sys_memfd_create(struct lwp *l,
    const struct linux_memfd_create_args *uap, register_t *retval)
{
	char name[251];
	size_t len;
	int fd = -1, error;

	error = copyinstr(uap->name, name, sizeof(name), &len);
	if (error != 0)
		return error == ENAMETOOLONG ? EINVAL : error;
	error = do_memfd_create(l, name, uap->flags, &fd);
	*retval = fd;
	return error;
}

/* -- inotify -- */

static int
inotify_init_common(struct lwp *l, int flags, register_t *retval)
{
	int fd = -1, error;

	error = do_inotify_init(l, flags, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_inotify_init(struct lwp *l,
    const struct linux_inotify_init_args *uap __unused, register_t *retval)
{
	return inotify_init_common(l, 0, retval);
}

int
linux_sys_inotify_init1(struct lwp *l,
    const struct linux_inotify_init1_args *uap, register_t *retval)
{
	return inotify_init_common(l, uap->flags, retval);
}

int
linux_sys_inotify_add_watch(struct lwp *l,
    const struct linux_inotify_add_watch_args *uap, register_t *retval)
{
	char *name;
	int wd = -1, error;

	error = copyin_path(uap->path, &name);
	if (error != 0)
		return error;
	error = do_inotify_add_watch(l, uap->fd, name, uap->mask, &wd);
	kmem_strfree(name);
	*retval = wd;
	return error;
}

int
linux_sys_inotify_rm_watch(struct lwp *l,
    const struct linux_inotify_rm_watch_args *uap,
    register_t *retval __unused)
{
	return do_inotify_rm_watch(l, uap->fd, uap->wd);
}
