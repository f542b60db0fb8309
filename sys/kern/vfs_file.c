/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files that are vnodes: regular files and directories; and what an
 * O_PATH descriptor can do.
 *
 * Overview: f_data is the vnode, kept by the file's path.  A read holds
 * v_lock shared, a write exclusively: writes are atomic against each other and
 * against truncation, and O_APPEND finds the end and writes there in one step.
 * The file systems see offsets only; limits, set-id bits and O_SYNC are here.
 *
 * Locking: f_lock (taken by do_readv() and friends around the offset), then
 * v_lock.  User memory is touched with v_lock held; page faults never take it.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/mman.h>
#include <sys/systm.h>
#include <sys/termios.h>
#include <uvm/uvm_vnode.h>
#include <kern/vfs_private.h>

/* Ioctls of files in general; not in the UAPI header of terminals. */
#define	FIGETBSZ	2
#define	FIOQSIZE	0x5460

struct vnode *
file_vnode(struct file *fp)
{
	return fp->f_path == NULL ? NULL : path_vnode(fp->f_path);
}

bool
vnode_has_direct(const struct vnode *vp)
{
	return S_ISBLK(vp->v_mode) || (S_ISREG(vp->v_mode) &&
	    vp->v_bsize != 0);
}

static off_t
vnode_size(struct vnode *vp)
{
	struct stat_k st;

	memset(&st, 0, sizeof(st));
	return vp->v_ops->vop_getattr(vp, &st) == 0 ? st.st_size : 0;
}

/*
 * RLIMIT_FSIZE: cut *len so that it fits, or EFBIG and SIGXFSZ.  With len
 * NULL: may a file be that large?
 */
int
check_fsize(struct lwp *l, off_t off, size_t *len)
{
	uint64_t limit = atomic_load_relaxed(
	    &l->l_proc->p_rlimit[RLIMIT_FSIZE].rlim_cur);
	ksiginfo_t ksi;

	if (limit == RLIM_INFINITY)
		return 0;
	if (len == NULL ? (uint64_t)off <= limit : (uint64_t)off < limit) {
		if (len != NULL)
			*len = (size_t)MIN((uint64_t)*len,
			    limit - (uint64_t)off);
		return 0;
	}
	memset(&ksi, 0, sizeof(ksi));
	ksi.ksi_signo = SIGXFSZ;
	ksi.ksi_code = SI_USER;
	ksi.ksi_pid = l->l_proc->p_pid;
	ksi.ksi_uid = l->l_cred->cr_ruid;
	lwp_signal(l, &ksi);
	return EFBIG;
}

static int
vnfile_read(struct file *fp, struct uio *uio)
{
	struct vnode *vp = fp->f_data;
	int error;

	if (S_ISDIR(vp->v_mode))
		return EISDIR;
	if (vp->v_ops->vop_read == NULL)
		return EINVAL;
	if ((path_mntflags(fp->f_path) & (MS_NOATIME | MS_RDONLY)) != 0)
		uio->uio_flags |= IO_NOATIME;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_ops->vop_read(vp, uio);
	rw_exit(&vp->v_lock);
	return error;
}

/* Do the file's seals forbid a change of that range? */
static int
write_sealed(struct vnode *vp, off_t off, uint64_t len)
{
	unsigned int forbid = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

	if ((uint64_t)off + len > (uint64_t)vnode_size(vp))
		forbid |= F_SEAL_GROW;
	return vnode_sealed(vp, forbid);
}

/* Do they forbid that size? */
static int
resize_sealed(struct vnode *vp, off_t size)
{
	off_t old = vnode_size(vp);

	return size == old ? 0 : vnode_sealed(vp,
	    size > old ? F_SEAL_GROW : F_SEAL_SHRINK);
}

/* v_lock held. */
static int
write_locked(struct vnode *vp, struct uio *uio)
{
	size_t want = uio->uio_resid, len = want, left;
	int error = 0;

	if (vp->v_seals != 0)
		error = write_sealed(vp, uio->uio_offset, want);
	if (error == 0 && S_ISREG(vp->v_mode))
		error = check_fsize(curlwp, uio->uio_offset, &len);
	if (error != 0)
		return error;
	vnode_killpriv(vp, curlwp);
	uio->uio_resid = len;
	error = vp->v_ops->vop_write(vp, uio);
	left = uio->uio_resid;
	uio->uio_resid = want - (len - left);
	return error;
}

/*
 * Direct writes to blocks that the file has may go on side by side.  False: it
 * is not such a write.
 */
static bool
write_shared(struct vnode *vp, struct uio *uio, int *error)
{
	bool done = false;

	if ((uio->uio_flags & (IO_DIRECT | IO_APPEND)) != IO_DIRECT ||
	    !S_ISREG(vp->v_mode))
		return false;
	rw_enter(&vp->v_lock, RW_READER);
	if ((vp->v_mode & (S_ISUID | S_ISGID)) == 0 &&
	    uvm_vnode_overwrites(vp, (uint64_t)uio->uio_offset,
	    uio->uio_resid)) {
		*error = write_locked(vp, uio);
		done = true;
	}
	rw_exit(&vp->v_lock);
	return done;
}

/* What O_SYNC and O_DSYNC promise, or the write does not count. */
static int
write_sync(struct vnode *vp, struct uio *uio, off_t start, size_t want)
{
	int error;

	error = vp->v_ops->vop_fsync(vp, (uio->uio_flags & IO_SYNC) == 0);
	if (error != 0) {
		uio->uio_resid = want;
		uio->uio_offset = start;
	}
	return error;
}

static int
vnfile_write(struct file *fp, struct uio *uio)
{
	struct vnode *vp = fp->f_data;
	size_t want = uio->uio_resid;
	bool sync = (uio->uio_flags & (IO_SYNC | IO_DSYNC)) != 0 &&
	    vp->v_ops->vop_fsync != NULL;
	off_t start = uio->uio_offset;
	int error = 0;

	if (vp->v_ops->vop_write == NULL)
		return EINVAL;
	if (want == 0)
		return 0;
	if (write_shared(vp, uio, &error)) {
		if (!sync || uio->uio_resid == want)
			return error;
		rw_enter(&vp->v_lock, RW_WRITER);
	} else {
		rw_enter(&vp->v_lock, RW_WRITER);
		if ((uio->uio_flags & IO_APPEND) != 0 && S_ISREG(vp->v_mode))
			uio->uio_offset = vnode_size(vp);
		error = write_locked(vp, uio);
	}
	if (sync && uio->uio_resid != want)
		error = write_sync(vp, uio, start, want);
	rw_exit(&vp->v_lock);
	return error;
}

int
vnode_file_stat(struct file *fp, struct stat_k *st)
{
	return vnode_stat(fp->f_data, st);
}

/* Data from here on, or a hole? */
static int
seek_sparse(struct vnode *vp, off_t off, int whence, off_t *result)
{
	off_t size = vnode_size(vp);

	if (off < 0 || off >= size)
		return ENXIO;
	if (vp->v_ops->vop_seek != NULL)
		return vp->v_ops->vop_seek(vp, off, whence, result);
	*result = whence == SEEK_DATA ? off : size;
	return 0;
}

static int
seek_target(struct file *fp, struct vnode *vp, off_t off, int whence,
    off_t *result)
{
	off_t base;
	int error;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = fp->f_offset;
		break;
	case SEEK_END:
		if (S_ISDIR(vp->v_mode))
			return EINVAL;
		rw_enter(&vp->v_lock, RW_READER);
		base = vnode_size(vp);
		rw_exit(&vp->v_lock);
		break;
	default:
		if (S_ISDIR(vp->v_mode))
			return EINVAL;
		rw_enter(&vp->v_lock, RW_READER);
		error = seek_sparse(vp, off, whence, result);
		rw_exit(&vp->v_lock);
		return error;
	}
	if (off > 0 && base > INT64_MAX - off)
		return EOVERFLOW;
	if (base + off < 0)
		return EINVAL;
	*result = base + off;
	return 0;
}

static int
vnfile_seek(struct file *fp, off_t off, int whence, off_t *result)
{
	int error;

	mutex_enter(&fp->f_lock);
	error = seek_target(fp, fp->f_data, off, whence, result);
	if (error == 0)
		fp->f_offset = *result;
	mutex_exit(&fp->f_lock);
	return error;
}

static int
vnfile_truncate(struct file *fp, off_t size)
{
	struct vnode *vp = fp->f_data;
	int error;

	if (size < 0 || !S_ISREG(vp->v_mode) || !FWRITE(fp))
		return EINVAL;
	error = check_fsize(curlwp, size, NULL);
	if (error != 0)
		return error;
	rw_enter(&vp->v_lock, RW_WRITER);
	error = vp->v_seals == 0 ? 0 : resize_sealed(vp, size);
	if (error == 0)
		error = vnode_truncate_locked(vp, curlwp, size);
	rw_exit(&vp->v_lock);
	if (error == 0 && inotify_on())
		inotify_file_event(fp, IN_MODIFY);
	return error;
}

static int
vnfile_mmap(struct file *fp, off_t off, size_t len, vm_prot_t *maxprot,
    int flags, struct uvm_object **uobj)
{
	struct vnode *vp = fp->f_data;
	int error;

	if (vp->v_ops->vop_mmap == NULL)
		return ENODEV;
	if (!FREAD(fp))
		return EACCES;
	if ((flags & MAP_TYPE) != MAP_PRIVATE && !FWRITE(fp))
		*maxprot &= ~(vm_prot_t)PROT_WRITE;
	if ((flags & MAP_TYPE) != MAP_PRIVATE && file_write_sealed(fp))
		*maxprot &= ~(vm_prot_t)PROT_WRITE;
	if ((path_mntflags(fp->f_path) & MS_NOEXEC) != 0)
		*maxprot &= ~(vm_prot_t)PROT_EXEC;
	error = vp->v_ops->vop_mmap(vp, off, len, maxprot, uobj);
	if (error == 0 && vp->v_ops->vop_accessed != NULL &&
	    (fp->f_flags & O_NOATIME) == 0 &&
	    (path_mntflags(fp->f_path) & (MS_NOATIME | MS_RDONLY)) == 0) {
		rw_enter(&vp->v_lock, RW_READER);
		vp->v_ops->vop_accessed(vp);
		rw_exit(&vp->v_lock);
	}
	return error;
}

static int
vnfile_ioctl(struct file *fp, unsigned long cmd, uintptr_t uarg,
    register_t *retval)
{
	struct vnode *vp = fp->f_data;
	int64_t size;
	int n;

	switch (cmd) {
	case FIONREAD:
		if (!S_ISREG(vp->v_mode))
			break;
		rw_enter(&vp->v_lock, RW_READER);
		n = (int)(vnode_size(vp) - fp->f_offset);
		rw_exit(&vp->v_lock);
		return copyout(&n, (void *)uarg, sizeof(n));
	case FIGETBSZ:
		n = PAGE_SIZE;
		return copyout(&n, (void *)uarg, sizeof(n));
	case FIOQSIZE:
		rw_enter(&vp->v_lock, RW_READER);
		size = vnode_size(vp);
		rw_exit(&vp->v_lock);
		return copyout(&size, (void *)uarg, sizeof(size));
	}
	if (vp->v_ops->vop_ioctl == NULL)
		return ENOTTY;
	return vp->v_ops->vop_ioctl(vp, fp, cmd, uarg, retval);
}

static unsigned int
vnfile_poll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct vnode *vp = fp->f_data;

	if (vp->v_ops->vop_poll != NULL)
		return vp->v_ops->vop_poll(vp, fp, events, pe);
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

static int
vnfile_sync(struct file *fp, bool dataonly)
{
	struct vnode *vp = fp->f_data;
	int error = 0;

	if (vp->v_ops->vop_fsync != NULL) {
		rw_enter(&vp->v_lock, RW_WRITER);
		error = vp->v_ops->vop_fsync(vp, dataonly);
		rw_exit(&vp->v_lock);
	}
	return error;
}

static void
vnfile_close(struct file *fp)
{
	vnode_file_release(fp);
}

const struct fileops vnode_fileops = {
	.fo_name = "file",
	.fo_read = vnfile_read,
	.fo_write = vnfile_write,
	.fo_ioctl = vnfile_ioctl,
	.fo_poll = vnfile_poll,
	.fo_stat = vnode_file_stat,
	.fo_seek = vnfile_seek,
	.fo_truncate = vnfile_truncate,
	.fo_mmap = vnfile_mmap,
	.fo_sync = vnfile_sync,
	.fo_close = vnfile_close,
	.fo_flags = FOF_SEEKABLE,
};

const struct fileops path_fileops = {
	.fo_name = "path",
	.fo_stat = vnode_file_stat,
};

/*
 * The entries of an open directory from its offset on.  ENOTDIR; ENOENT once
 * it was removed.
 */
int
file_readdir(struct file *fp, readdir_fn fn, void *ctx)
{
	struct vnode *vp = file_vnode(fp);
	int error;

	if (vp == NULL || !S_ISDIR(vp->v_mode) ||
	    vp->v_ops->vop_readdir == NULL)
		return ENOTDIR;
	mutex_enter(&fp->f_lock);
	rw_enter(&vp->v_lock, RW_READER);
	if ((vp->v_flags & VV_DEAD) != 0)
		error = ENOENT;
	else
		error = vp->v_ops->vop_readdir(vp, &fp->f_offset, fn, ctx);
	rw_exit(&vp->v_lock);
	mutex_exit(&fp->f_lock);
	if (error == 0 && inotify_on())
		inotify_file_event(fp, IN_ACCESS);
	return error;
}

static int
fallocate_sealed(struct vnode *vp, int mode, off_t end)
{
	if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
		return vnode_sealed(vp, F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	return end > vnode_size(vp) ? vnode_sealed(vp, F_SEAL_GROW) : 0;
}

/* fallocate(2). */
int
file_fallocate(struct lwp *l, struct file *fp, int mode, off_t off, off_t len)
{
	struct vnode *vp = file_vnode(fp);
	int error;

	if (off < 0 || len <= 0)
		return EINVAL;
	if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |
	    FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)) != 0)
		return EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) != 0 &&
	    (mode & FALLOC_FL_KEEP_SIZE) == 0)
		return EOPNOTSUPP;
	if (!FWRITE(fp))
		return EBADF;
	if (vp == NULL || S_ISFIFO(vp->v_mode))
		return ESPIPE;
	if (S_ISDIR(vp->v_mode))
		return EISDIR;
	if (!S_ISREG(vp->v_mode))
		return ENODEV;
	if (off > INT64_MAX - len)
		return EFBIG;
	if (vp->v_ops->vop_fallocate == NULL)
		return EOPNOTSUPP;
	if ((mode & FALLOC_FL_KEEP_SIZE) == 0) {
		error = check_fsize(l, off + len, NULL);
		if (error != 0)
			return error;
	}
	rw_enter(&vp->v_lock, RW_WRITER);
	error = vp->v_seals == 0 ? 0 : fallocate_sealed(vp, mode, off + len);
	if (error != 0) {
		rw_exit(&vp->v_lock);
		return error;
	}
	vnode_killpriv(vp, l);
	error = vp->v_ops->vop_fallocate(vp, mode, off, len);
	rw_exit(&vp->v_lock);
	if (error == 0 && inotify_on())
		inotify_file_event(fp, IN_MODIFY);
	return error;
}

/*
 * sendfile and copy_file_range: through a kernel buffer.  With done > 0 an
 * error is left for the next call to find.
 */
int
do_copy_file(struct lwp *l, struct file *in, off_t *inoff, struct file *out,
    off_t *outoff, size_t len, size_t *done)
{
	const size_t bufsize = 16 * PAGE_SIZE;
	struct iovec iov;
	struct uio uio;
	size_t n, got, put;
	off_t *unread;
	char *buf;
	int error = 0;

	*done = 0;
	buf = kmem_alloc(bufsize, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	while (len > 0) {
		n = MIN(len, bufsize);
		uio_kernel(&uio, &iov, buf, n, 0, UIO_READ);
		error = do_readv(l, in, &uio, inoff, &got);
		if (error != 0 || got == 0)
			break;
		uio_kernel(&uio, &iov, buf, got, 0, UIO_WRITE);
		error = do_writev(l, out, &uio, outoff, &put);
		*done += put;
		len -= put;
		if (error != 0 || put < got) {
			/* What was read and not written is read again. */
			mutex_enter(&in->f_lock);
			unread = inoff != NULL ? inoff : &in->f_offset;
			*unread -= (off_t)(got - put);
			mutex_exit(&in->f_lock);
			break;
		}
		if (got < n || sig_pending(l))
			break;
	}
	kmem_free(buf, bufsize);
	return *done > 0 ? 0 : error;
}
