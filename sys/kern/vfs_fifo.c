/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes as files: pipe(2), and named pipes of any file system.
 *
 * Overview: both are vnodes of kind S_IFIFO whose v_fifo is the pipe.  Those
 * of pipe(2) live in an internal file system that is mounted nowhere, so that
 * they have attributes and a path and can be opened again through
 * /proc/PID/fd.  A named pipe gets its buffer when it is first opened and
 * loses it with the vnode.
 *
 * Locking: fifo_lock makes one buffer for a vnode; the rest is pi_lock.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pipe.h>
#include <sys/systm.h>
#include <sys/termios.h>
#include <kern/vfs_private.h>

static struct mutex fifo_lock;
static struct mount *pipe_mount;	/* [I] */
static struct vfsmount *pipe_vfsmount;	/* [I] */
static unsigned long next_pipe = 1;		/* [a] inode numbers */

static int
fifo_get(struct vnode *vp, struct pipe **pip)
{
	int error = 0;

	mutex_enter(&fifo_lock);
	if (vp->v_fifo == NULL) {
		struct pipe *pi;

		error = pipe_create(&pi);
		if (error == 0)
			vp->v_fifo = pi;
	}
	*pip = vp->v_fifo;
	mutex_exit(&fifo_lock);
	return error;
}

void
fifo_reclaim(struct vnode *vp)
{
	if (vp->v_fifo != NULL) {
		pipe_destroy(vp->v_fifo);
		vp->v_fifo = NULL;
	}
}

/*
 * A named pipe's open waits for the other end.  One of pipe(2), opened again
 * through /proc, does not: whoever had the other end may be gone for good.
 */
int
fifo_open(struct file *fp, struct vnode *vp)
{
	bool r = FREAD(fp), w = FWRITE(fp), named = vp->v_mount != pipe_mount;
	struct pipe *pi;
	int error;

	error = fifo_get(vp, &pi);
	if (error != 0)
		return error;
	if (named && w && !r && (fp->f_flags & O_NONBLOCK) != 0) {
		mutex_enter(&pi->pi_lock);
		error = pi->pi_readers == 0 ? ENXIO : 0;
		mutex_exit(&pi->pi_lock);
		if (error != 0)
			return error;
	}
	return pipe_open_end(pi, r, w,
	    named && r != w && (fp->f_flags & O_NONBLOCK) == 0);
}

struct pipe *
file_pipe(struct file *fp)
{
	return fp->f_ops == &fifo_fileops ?
	    ((struct vnode *)fp->f_data)->v_fifo : NULL;
}

static int
fifo_read(struct file *fp, struct uio *uio)
{
	return pipe_read(file_pipe(fp), uio,
	    (uio->uio_flags & IO_NONBLOCK) != 0);
}

static int
fifo_write(struct file *fp, struct uio *uio)
{
	ksiginfo_t ksi;
	int error;

	error = pipe_write(file_pipe(fp), uio,
	    (uio->uio_flags & IO_NONBLOCK) != 0);
	if (error == EPIPE) {
		memset(&ksi, 0, sizeof(ksi));
		ksi.ksi_signo = SIGPIPE;
		ksi.ksi_code = SI_USER;
		ksi.ksi_pid = curproc->p_pid;
		ksi.ksi_uid = curlwp->l_cred->cr_ruid;
		lwp_signal(curlwp, &ksi);
	}
	return error;
}

static int
fifo_ioctl(struct file *fp, unsigned long cmd, uintptr_t uarg,
    register_t *retval)
{
	int n;

	(void)retval;
	if (cmd != FIONREAD)
		return ENOTTY;
	n = (int)pipe_count(file_pipe(fp));
	return copyout(&n, (void *)uarg, sizeof(n));
}

static unsigned int
fifo_poll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	(void)events;
	return pipe_poll(file_pipe(fp), FREAD(fp), FWRITE(fp), pe);
}

static void
fifo_close(struct file *fp)
{
	pipe_close_end(file_pipe(fp), FREAD(fp), FWRITE(fp));
	vnode_file_release(fp);
}

const struct fileops fifo_fileops = {
	.fo_name = "pipe",
	.fo_read = fifo_read,
	.fo_write = fifo_write,
	.fo_ioctl = fifo_ioctl,
	.fo_poll = fifo_poll,
	.fo_stat = vnode_file_stat,
	.fo_close = fifo_close,
};

/* -- pipe(2) -- */

static int
pipefs_getattr(struct vnode *vp, struct stat_k *st)
{
	st->st_size = 0;
	st->st_atim = st->st_mtim = st->st_ctim =
	    nsec_to_timespec((nsec_t)(uintptr_t)vp->v_data);
	return 0;
}

static int
pipefs_setattr(struct vnode *vp, const struct setattr *sa, struct cred *cr)
{
	(void)cr;
	if ((sa->sa_valid & SETATTR_MODE) != 0)
		vp->v_mode = (vp->v_mode & S_IFMT) | (sa->sa_mode & ALLPERMS);
	if ((sa->sa_valid & SETATTR_UID) != 0)
		vp->v_uid = sa->sa_uid;
	if ((sa->sa_valid & SETATTR_GID) != 0)
		vp->v_gid = sa->sa_gid;
	return 0;
}

static const struct vops pipefs_vops = {
	.vop_getattr = pipefs_getattr,
	.vop_setattr = pipefs_setattr,
};

static int
pipefs_mount(struct mount *mp, const char *source, const char *options)
{
	int error;

	(void)source;
	(void)options;
	error = vnode_alloc(mp, &pipefs_vops, NULL, &mp->mnt_rootvp);
	if (error == 0)
		mp->mnt_rootvp->v_mode = S_IFDIR | 0500;
	return error;
}

static int
pipefs_statfs(struct mount *mp, struct statfs_k *sf)
{
	(void)mp;
	sf->f_type = 0x50495045;
	return 0;
}

static const struct vfsops pipefs_vfsops = {
	.vfs_name = "pipefs",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = pipefs_mount,
	.vfs_statfs = pipefs_statfs,
};

void
fifo_init(void)
{
	mutex_init(&fifo_lock, "fifo");
	if (mount_internal(&pipefs_vfsops, "pipefs", "", &pipe_mount,
	    &pipe_vfsmount) != 0)
		panic("vfs: no memory for pipes");
}

/* A path to a new pipe, with references. */
static int
pipe_path(struct path *p)
{
	struct vnode *vp;
	struct pipe *pi;
	char name[32];
	int error;

	error = vnode_alloc(pipe_mount, &pipefs_vops,
	    (void *)(uintptr_t)nanotime(), &vp);
	if (error != 0)
		return error;
	vp->v_mode = S_IFIFO | 0600;
	vp->v_uid = curlwp->l_cred->cr_fsuid;
	vp->v_gid = curlwp->l_cred->cr_fsgid;
	vp->v_ino = atomic_add(&next_pipe, 1);
	error = pipe_create(&pi);
	if (error != 0) {
		vrele(vp);
		return error;
	}
	vp->v_fifo = pi;
	snprintf(name, sizeof(name), "pipe:[%llu]",
	    (unsigned long long)vp->v_ino);
	p->p_dentry = dcache_unnamed(pipe_vfsmount->vm_root, name, vp);
	if (p->p_dentry == NULL)
		return ENOMEM;
	p->p_mnt = vfsmount_get(pipe_vfsmount);
	return 0;
}

/* Both ends, without descriptors. */
static int
pipe_files(int flags, struct file **rfp, struct file **wfp)
{
	unsigned int status = (unsigned int)flags & O_NONBLOCK;
	struct path p;
	int error;

	error = pipe_path(&p);
	if (error != 0)
		return error;
	error = file_alloc_path(&fifo_fileops, path_vnode(&p),
	    O_RDONLY | status, &p, rfp);
	if (error != 0)
		goto out;
	error = file_alloc_path(&fifo_fileops, path_vnode(&p),
	    O_WRONLY | status, &p, wfp);
	if (error != 0) {
		file_abort(*rfp);
		goto out;
	}
	(void)pipe_open_end(file_pipe(*rfp), true, true, false);
out:
	path_put(&p);
	return error;
}

int
do_pipe(struct lwp *l, int flags, int fds[2])
{
	bool cloexec = (flags & O_CLOEXEC) != 0;
	struct file *rfp, *wfp;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	error = pipe_files(flags, &rfp, &wfp);
	if (error != 0)
		return error;
	error = fd_reserve(l, 0, &fds[0]);
	if (error != 0)
		goto fail;
	error = fd_reserve(l, 0, &fds[1]);
	if (error != 0) {
		fd_abandon(l, fds[0]);
		goto fail;
	}
	fd_install(l, fds[0], rfp, cloexec);
	fd_install(l, fds[1], wfp, cloexec);
	return 0;
fail:
	file_put(rfp);
	file_put(wfp);
	return error;
}

int
pipe_set_size(struct lwp *l, struct file *fp, size_t size, size_t *result)
{
	if (fp->f_ops != &fifo_fileops)
		return EBADF;
	if (size > PIPE_MAXSIZE &&
	    cred_capable(l->l_cred, CAP_SYS_RESOURCE) != 0)
		return EPERM;
	if (size > (size_t)1 << 31)
		return EINVAL;
	return pipe_resize(file_pipe(fp), size, result);
}

int
pipe_get_size(struct file *fp, size_t *size)
{
	if (fp->f_ops != &fifo_fileops)
		return EBADF;
	*size = file_pipe(fp)->pi_size;
	return 0;
}
