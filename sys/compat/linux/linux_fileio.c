/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls that move data: the read and write families, positions,
 * directory entries, sizes, syncing.
 *
 * Untrusted input: counts are cut to what Linux moves at most; iovecs are
 * copied in once, their sum checked.
 */
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>
#include <uvm/uvm_vnode.h>

#define	RWF_HIPRI	0x01
#define	RWF_DSYNC	0x02
#define	RWF_SYNC	0x04
#define	RWF_NOWAIT	0x08
#define	RWF_APPEND	0x10

#define	DIRENTS_BUF	32768

/* -- read and write -- */

static int
rw_fd(struct lwp *l, int fd, struct iovec *iov, unsigned int iovcnt,
    size_t total, off_t *offset, enum uio_rw rw, int ioflags,
    register_t *retval)
{
	struct file *fp;
	struct uio uio;
	size_t done;
	int error;

	error = fd_get(l, fd, &fp);
	if (error != 0)
		return error;
	uio.uio_iov = iov;
	uio.uio_iovcnt = iovcnt;
	uio.uio_resid = total;
	uio.uio_seg = UIO_USERSPACE;
	uio.uio_flags = ioflags;
	if (rw == UIO_READ)
		error = do_readv(l, fp, &uio, offset, &done);
	else
		error = do_writev(l, fp, &uio, offset, &done);
	file_put(fp);
	*retval = (register_t)done;
	return error;
}

static int
rw_buf(struct lwp *l, int fd, void *buf, size_t count, off_t *offset,
    enum uio_rw rw, register_t *retval)
{
	struct iovec iov;

	if ((ssize_t)count < 0)
		return EINVAL;
	iov.iov_base = buf;
	iov.iov_len = MIN(count, LINUX_MAX_RW);
	return rw_fd(l, fd, &iov, 1, iov.iov_len, offset, rw, 0, retval);
}

int
linux_sys_read(struct lwp *l, const struct linux_read_args *uap,
    register_t *retval)
{
	return rw_buf(l, uap->fd, uap->buf, uap->count, NULL, UIO_READ,
	    retval);
}

int
linux_sys_write(struct lwp *l, const struct linux_write_args *uap,
    register_t *retval)
{
	return rw_buf(l, uap->fd, (void *)(uintptr_t)uap->buf, uap->count,
	    NULL, UIO_WRITE, retval);
}

/* At a position of its own; the file's stays. */
static int
rw_buf_at(struct lwp *l, int fd, void *buf, size_t count, off_t off,
    enum uio_rw rw, register_t *retval)
{
	return off < 0 ? EINVAL : rw_buf(l, fd, buf, count, &off, rw, retval);
}

int
linux_sys_pread64(struct lwp *l, const struct linux_pread64_args *uap,
    register_t *retval)
{
	return rw_buf_at(l, uap->fd, uap->buf, uap->count, uap->offset,
	    UIO_READ, retval);
}

int
linux_sys_pwrite64(struct lwp *l, const struct linux_pwrite64_args *uap,
    register_t *retval)
{
	return rw_buf_at(l, uap->fd, (void *)(uintptr_t)uap->buf, uap->count,
	    uap->offset, UIO_WRITE, retval);
}

/* The array as it is: pointers and lengths of the program's width. */
static int
iov_copyin(const struct iovec *uiov, struct iovec *iov, size_t n)
{
	const struct linux32_iovec *u32 = (const void *)uiov;
	struct linux32_iovec one;
	int error = 0;

	if (!linux_is32())
		return copyin(uiov, iov, n * sizeof(*iov));
	for (size_t i = 0; error == 0 && i < n; i++) {
		if ((error = copyin(&u32[i], &one, sizeof(one))) != 0)
			break;
		iov[i].iov_base = (void *)(uintptr_t)one.iov_base;
		iov[i].iov_len = one.iov_len;
		if ((int32_t)one.iov_len < 0)
			error = EINVAL;
	}
	return error;
}

int
linux_iov_in(const struct iovec *uiov, unsigned long count,
    struct linux_iov *li)
{
	size_t size = count * sizeof(struct iovec);
	unsigned int i;
	int error;

	if (count > UIO_MAXIOV)
		return EINVAL;
	li->li_count = (unsigned int)count;
	li->li_iov = li->li_few;
	li->li_total = 0;
	if (count > LINUX_IOV_FEW) {
		li->li_iov = kmem_alloc(size, KM_SLEEP);
		if (li->li_iov == NULL)
			return ENOMEM;
	}
	error = iov_copyin(uiov, li->li_iov, count);
	for (i = 0; i < count && error == 0; i++) {
		if ((ssize_t)li->li_iov[i].iov_len < 0) {
			error = EINVAL;
			break;
		}
		li->li_iov[i].iov_len = MIN(li->li_iov[i].iov_len,
		    LINUX_MAX_RW - li->li_total);
		li->li_total += li->li_iov[i].iov_len;
	}
	if (error != 0)
		linux_iov_done(li);
	return error;
}

void
linux_iov_done(struct linux_iov *li)
{
	if (li->li_iov != li->li_few)
		kmem_free(li->li_iov, li->li_count * sizeof(struct iovec));
}

static int
rw_iov(struct lwp *l, int fd, const struct iovec *uiov, unsigned long count,
    off_t *offset, enum uio_rw rw, int ioflags, register_t *retval)
{
	struct linux_iov li;
	int error;

	error = linux_iov_in(uiov, count, &li);
	if (error != 0)
		return error;
	error = rw_fd(l, fd, li.li_iov, li.li_count, li.li_total, offset, rw,
	    ioflags, retval);
	/* uiomove() has advanced within the array only. */
	linux_iov_done(&li);
	return error;
}

int
linux_sys_readv(struct lwp *l, const struct linux_readv_args *uap,
    register_t *retval)
{
	return rw_iov(l, uap->fd, uap->iov, uap->iovcnt, NULL, UIO_READ, 0,
	    retval);
}

int
linux_sys_writev(struct lwp *l, const struct linux_writev_args *uap,
    register_t *retval)
{
	return rw_iov(l, uap->fd, uap->iov, uap->iovcnt, NULL, UIO_WRITE, 0,
	    retval);
}

static int
rw_iov_at(struct lwp *l, int fd, const struct iovec *uiov, unsigned long count,
    off_t off, enum uio_rw rw, register_t *retval)
{
	return off < 0 ? EINVAL : rw_iov(l, fd, uiov, count, &off, rw, 0,
	    retval);
}

/* On x86-64 the low half is the whole position. */
int
linux_sys_preadv(struct lwp *l, const struct linux_preadv_args *uap,
    register_t *retval)
{
	return rw_iov_at(l, uap->fd, uap->iov, uap->iovcnt,
	    (off_t)uap->poslow, UIO_READ, retval);
}

int
linux_sys_pwritev(struct lwp *l, const struct linux_pwritev_args *uap,
    register_t *retval)
{
	return rw_iov_at(l, uap->fd, uap->iov, uap->iovcnt,
	    (off_t)uap->poslow, UIO_WRITE, retval);
}

int
linux_rwf_flags(int flags, int *ioflags)
{
	*ioflags = 0;
	if ((flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND)) != 0)
		return EOPNOTSUPP;
	if ((flags & RWF_DSYNC) != 0)
		*ioflags |= IO_DSYNC;
	if ((flags & RWF_SYNC) != 0)
		*ioflags |= IO_SYNC;
	if ((flags & RWF_APPEND) != 0)
		*ioflags |= IO_APPEND;
	return 0;
}

/* -1: at the file's position. */
static int
rw_iov2(struct lwp *l, int fd, const struct iovec *uiov, unsigned long count,
    off_t off, int flags, enum uio_rw rw, register_t *retval)
{
	int ioflags, error;

	error = linux_rwf_flags(flags, &ioflags);
	if (error == 0 && off < -1)
		error = EINVAL;
	return error != 0 ? error : rw_iov(l, fd, uiov, count,
	    off == -1 ? NULL : &off, rw, ioflags, retval);
}

int
linux_sys_preadv2(struct lwp *l, const struct linux_preadv2_args *uap,
    register_t *retval)
{
	return rw_iov2(l, uap->fd, uap->iov, uap->iovcnt, (off_t)uap->poslow,
	    uap->flags, UIO_READ, retval);
}

int
linux_sys_pwritev2(struct lwp *l, const struct linux_pwritev2_args *uap,
    register_t *retval)
{
	return rw_iov2(l, uap->fd, uap->iov, uap->iovcnt, (off_t)uap->poslow,
	    uap->flags, UIO_WRITE, retval);
}

int
linux_sys_lseek(struct lwp *l, const struct linux_lseek_args *uap,
    register_t *retval)
{
	struct file *fp;
	off_t result = 0;
	int error;

	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	error = do_lseek(fp, uap->offset, uap->whence, &result);
	file_put(fp);
	*retval = (register_t)result;
	return error;
}

/* -- directory entries -- */

struct dirents {
	char		*d_buf;
	size_t		d_size, d_used;
	bool		d_old;		/* the format of getdents(2) */
	bool		d_full;
	int		d_error;
};

/* getdents(2) for i386: 32-bit inode and cookie. */
static bool
dirent_add32(struct dirents *d, const char *name, size_t len, ino_t ino,
    unsigned int type, off_t next)
{
	size_t reclen = roundup2(10 + len + 2, (size_t)4);
	char *p = d->d_buf + d->d_used;
	uint32_t head[2] = { (uint32_t)ino, (uint32_t)next };
	uint16_t reclen16 = (uint16_t)reclen;

	if (head[0] != ino || (int32_t)head[1] != next) {
		d->d_error = EOVERFLOW;
		return false;
	}
	if (reclen > d->d_size - d->d_used) {
		d->d_full = true;
		return false;
	}
	memset(p, 0, reclen);
	memcpy(p, head, sizeof(head));
	memcpy(p + 8, &reclen16, sizeof(reclen16));
	memcpy(p + 10, name, len);
	p[reclen - 1] = (char)type;
	d->d_used += reclen;
	return true;
}

/*
 * Both formats: inode, cookie, record length; then name and kind, or kind and
 * name.
 */
static bool
dirent_add(void *ctx, const char *name, size_t len, ino_t ino,
    unsigned int type, off_t next)
{
	struct dirents *d = ctx;
	size_t head = d->d_old ? 18 : 19;
	size_t reclen = roundup2(head + len + (d->d_old ? 2 : 1), (size_t)8);
	char *p = d->d_buf + d->d_used;
	uint16_t reclen16 = (uint16_t)reclen;
	uint64_t ino64 = ino;

	if (d->d_old && linux_is32())
		return dirent_add32(d, name, len, ino, type, next);
	if (reclen > d->d_size - d->d_used) {
		d->d_full = true;
		return false;
	}
	memset(p, 0, reclen);
	memcpy(p, &ino64, 8);
	memcpy(p + 8, &next, 8);
	memcpy(p + 16, &reclen16, 2);
	memcpy(p + head, name, len);
	p[d->d_old ? reclen - 1 : 18] = (char)type;
	d->d_used += reclen;
	return true;
}

static int
getdents_common(struct lwp *l, int fd, void *ubuf, unsigned int count,
    bool old, register_t *retval)
{
	struct dirents d = { .d_size = MIN(count, DIRENTS_BUF), .d_old = old };
	struct file *fp;
	int error;

	error = fd_get(l, fd, &fp);
	if (error != 0)
		return error;
	d.d_buf = kmem_alloc(DIRENTS_BUF, KM_SLEEP);
	if (d.d_buf == NULL) {
		error = ENOMEM;
		goto out;
	}
	error = file_readdir(fp, dirent_add, &d);
	if (error == 0 && d.d_used == 0)
		error = d.d_full ? EINVAL : d.d_error; /* not even one fits */
	if (error == 0)
		error = copyout(d.d_buf, ubuf, d.d_used);
	*retval = (register_t)d.d_used;
	kmem_free(d.d_buf, DIRENTS_BUF);
out:
	file_put(fp);
	return error;
}

int
linux_sys_getdents(struct lwp *l, const struct linux_getdents_args *uap,
    register_t *retval)
{
	return getdents_common(l, uap->fd, uap->buf, uap->count, true, retval);
}

int
linux_sys_getdents64(struct lwp *l, const struct linux_getdents64_args *uap,
    register_t *retval)
{
	return getdents_common(l, uap->fd, uap->buf, uap->count, false,
	    retval);
}

/* -- sizes -- */

int
linux_sys_truncate(struct lwp *l, const struct linux_truncate_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error;

	if (uap->length < 0)
		return EINVAL;
	error = linux_path_in(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &p);
	if (error != 0)
		return error;
	error = do_truncate(l, &p, uap->length);
	path_put(&p);
	return error;
}

int
linux_sys_ftruncate(struct lwp *l, const struct linux_ftruncate_args *uap,
    register_t *retval __unused)
{
	struct file *fp;
	int error;

	if (uap->length < 0)
		return EINVAL;
	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	error = fp->f_ops->fo_truncate == NULL ? EINVAL :
	    fp->f_ops->fo_truncate(fp, uap->length);
	file_put(fp);
	return error;
}

int
linux_sys_fallocate(struct lwp *l, const struct linux_fallocate_args *uap,
    register_t *retval __unused)
{
	struct file *fp;
	int error;

	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	error = file_fallocate(l, fp, uap->mode, uap->offset, uap->len);
	file_put(fp);
	return error;
}

/* -- syncing and advice -- */

static int
sync_fd(struct lwp *l, int fd, bool dataonly)
{
	struct file *fp;
	int error;

	error = fd_get(l, fd, &fp);
	if (error != 0)
		return error;
	error = fp->f_ops->fo_sync == NULL ? EINVAL :
	    fp->f_ops->fo_sync(fp, dataonly);
	file_put(fp);
	return error;
}

int
linux_sys_fsync(struct lwp *l, const struct linux_fsync_args *uap,
    register_t *retval __unused)
{
	return sync_fd(l, uap->fd, false);
}

int
linux_sys_fdatasync(struct lwp *l, const struct linux_fdatasync_args *uap,
    register_t *retval __unused)
{
	return sync_fd(l, uap->fd, true);
}

int
linux_sys_sync_file_range(struct lwp *l,
    const struct linux_sync_file_range_args *uap, register_t *retval __unused)
{
	int error;

	if ((uap->flags & ~7U) != 0 || uap->offset < 0 || uap->nbytes < 0 ||
	    uap->offset > INT64_MAX - uap->nbytes)
		return EINVAL;
	error = sync_fd(l, uap->fd, true);
	return error == EINVAL ? ESPIPE : error;	/* nothing to sync */
}

int
linux_sys_sync(struct lwp *l __unused,
    const struct linux_sync_args *uap __unused, register_t *retval __unused)
{
	vfs_sync_all();
	return 0;
}

int
linux_sys_syncfs(struct lwp *l, const struct linux_syncfs_args *uap,
    register_t *retval __unused)
{
	struct file *fp;
	struct mount *mp;
	int error;

	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	if (fp->f_path != NULL) {
		mp = path_mount(fp->f_path);
		if (mp->mnt_ops->vfs_sync != NULL)
			error = mp->mnt_ops->vfs_sync(mp);
	}
	file_put(fp);
	return error;
}

/* A regular file, referenced; `other` if it is something else. */
static int
regular_fd(struct lwp *l, int fd, int other, struct file **fpp)
{
	struct vnode *vp;
	int error;

	error = fd_get(l, fd, fpp);
	if (error != 0)
		return error;
	vp = file_vnode(*fpp);
	if (vp == NULL || !S_ISREG(vp->v_mode)) {
		error = vp != NULL && S_ISDIR(vp->v_mode) &&
		    other == EINVAL ? EISDIR : other;
		file_put(*fpp);
	}
	return error;
}

int
linux_sys_fadvise64(struct lwp *l, const struct linux_fadvise64_args *uap,
    register_t *retval __unused)
{
	struct vnode *vp;
	struct file *fp;
	int error;

	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	vp = file_vnode(fp);
	if (vp == NULL || S_ISFIFO(vp->v_mode))
		error = ESPIPE;
	else if (uap->advice < 0 || uap->advice > POSIX_FADV_NOREUSE ||
	    (ssize_t)uap->len < 0)
		error = EINVAL;
	else if (uap->advice == POSIX_FADV_WILLNEED && uap->offset >= 0)
		uvm_vnode_willneed(vp, (uint64_t)uap->offset,
		    uap->len == 0 ? UINT64_MAX : uap->len);
	file_put(fp);
	return error;
}

int
linux_sys_readahead(struct lwp *l, const struct linux_readahead_args *uap,
    register_t *retval __unused)
{
	struct file *fp;
	int error;

	error = regular_fd(l, uap->fd, EINVAL, &fp);
	if (error != 0)
		return error == EISDIR ? EINVAL : error;
	if (!FREAD(fp))
		error = EBADF;
	else if (uap->offset >= 0)
		uvm_vnode_willneed(file_vnode(fp), (uint64_t)uap->offset,
		    uap->count);
	file_put(fp);
	return error;
}

/* -- from file to file -- */

/* sendfile(2)'s position; sendfile64 has 64 bits. */
static int
offset_in(const off_t *uoff, off_t *off)
{
	int32_t off32;
	int error;

	if (!linux_narrow())
		return copyin(uoff, off, sizeof(*off));
	error = copyin(uoff, &off32, sizeof(off32));
	*off = off32;
	return error;
}

int
linux_sys_sendfile(struct lwp *l, const struct linux_sendfile_args *uap,
    register_t *retval)
{
	struct file *in, *out;
	size_t done = 0;
	off_t off = 0;
	int error;

	if (uap->offset != NULL) {
		error = offset_in(uap->offset, &off);
		if (error != 0)
			return error;
		if (off < 0)
			return EINVAL;
	}
	error = regular_fd(l, uap->infd, EINVAL, &in);
	if (error != 0)
		return error == EISDIR ? EINVAL : error;
	error = fd_get(l, uap->outfd, &out);
	if (error != 0)
		goto out_in;
	if ((out->f_flags & O_APPEND) != 0)
		error = EINVAL;
	else
		error = do_copy_file(l, in, uap->offset != NULL ? &off : NULL,
		    out, NULL, MIN(uap->count, LINUX_MAX_RW), &done);
	file_put(out);
	if (error == 0 && uap->offset != NULL)
		error = linux_narrow() ? linux_long_out((uint64_t)off,
		    uap->offset) : copyout(&off, uap->offset, sizeof(off));
	*retval = (register_t)done;
out_in:
	file_put(in);
	return error;
}

static int
copy_range(struct lwp *l, const struct linux_copy_file_range_args *uap,
    struct file *in, off_t *inoff, struct file *out, off_t *outoff,
    size_t *done)
{
	size_t len = MIN(uap->len, LINUX_MAX_RW);
	off_t a = inoff != NULL ? *inoff : in->f_offset;
	off_t b = outoff != NULL ? *outoff : out->f_offset;

	if ((out->f_flags & O_APPEND) != 0 || !FREAD(in) || !FWRITE(out))
		return EBADF;
	if (a < 0 || b < 0)
		return EINVAL;
	if ((uint64_t)a + len > INT64_MAX || (uint64_t)b + len > INT64_MAX)
		return EOVERFLOW;
	if (file_vnode(in) == file_vnode(out) && a < b + (off_t)len &&
	    b < a + (off_t)len)
		return EINVAL;
	return do_copy_file(l, in, inoff, out, outoff, len, done);
}

int
linux_sys_copy_file_range(struct lwp *l,
    const struct linux_copy_file_range_args *uap, register_t *retval)
{
	off_t inoff = 0, outoff = 0;
	struct file *in, *out;
	size_t done = 0;
	int error = 0;

	if (uap->flags != 0)
		return EINVAL;
	if (uap->inoff != NULL)
		error = copyin(uap->inoff, &inoff, sizeof(inoff));
	if (error == 0 && uap->outoff != NULL)
		error = copyin(uap->outoff, &outoff, sizeof(outoff));
	if (error != 0)
		return error;
	error = regular_fd(l, uap->infd, EINVAL, &in);
	if (error != 0)
		return error;
	error = regular_fd(l, uap->outfd, EINVAL, &out);
	if (error == 0) {
		error = copy_range(l, uap, in,
		    uap->inoff != NULL ? &inoff : NULL, out,
		    uap->outoff != NULL ? &outoff : NULL, &done);
		file_put(out);
	}
	file_put(in);
	if (error == 0 && uap->inoff != NULL)
		error = copyout(&inoff, uap->inoff, sizeof(inoff));
	if (error == 0 && uap->outoff != NULL)
		error = copyout(&outoff, uap->outoff, sizeof(outoff));
	*retval = (register_t)done;
	return error;
}

int
linux_sys_splice(struct lwp *l, const struct linux_splice_args *uap,
    register_t *retval)
{
	off_t inoff = 0, outoff = 0;
	struct file *in, *out;
	size_t done = 0;
	int error;

	error = fd_get(l, uap->infd, &in);
	if (error != 0)
		return error;
	error = fd_get(l, uap->outfd, &out);
	if (error != 0)
		goto out_in;
	if (uap->inoff != NULL)
		error = copyin(uap->inoff, &inoff, sizeof(inoff));
	if (error == 0 && uap->outoff != NULL)
		error = copyin(uap->outoff, &outoff, sizeof(outoff));
	if (error == 0)
		error = do_splice(l, in, uap->inoff != NULL ? &inoff : NULL,
		    out, uap->outoff != NULL ? &outoff : NULL,
		    MIN(uap->len, LINUX_MAX_RW), uap->flags, &done);
	if (error == 0 && uap->inoff != NULL)
		error = copyout(&inoff, uap->inoff, sizeof(inoff));
	if (error == 0 && uap->outoff != NULL)
		error = copyout(&outoff, uap->outoff, sizeof(outoff));
	file_put(out);
	*retval = (register_t)done;
out_in:
	file_put(in);
	return error;
}

int
linux_sys_tee(struct lwp *l, const struct linux_tee_args *uap,
    register_t *retval)
{
	struct file *in, *out;
	size_t done = 0;
	int error;

	error = fd_get(l, uap->infd, &in);
	if (error != 0)
		return error;
	error = fd_get(l, uap->outfd, &out);
	if (error == 0) {
		error = do_tee(l, in, out, MIN(uap->len, LINUX_MAX_RW),
		    uap->flags, &done);
		file_put(out);
	}
	file_put(in);
	*retval = (register_t)done;
	return error;
}

int
linux_sys_vmsplice(struct lwp *l, const struct linux_vmsplice_args *uap,
    register_t *retval)
{
	struct linux_iov li;
	struct file *fp;
	struct uio uio;
	size_t done = 0;
	int error;

	error = fd_get(l, uap->fd, &fp);
	if (error != 0)
		return error;
	error = linux_iov_in(uap->iov, uap->iovcnt, &li);
	if (error == 0) {
		memset(&uio, 0, sizeof(uio));
		uio.uio_iov = li.li_iov;
		uio.uio_iovcnt = li.li_count;
		uio.uio_resid = li.li_total;
		uio.uio_seg = UIO_USERSPACE;
		error = do_vmsplice(l, fp, &uio, uap->flags, &done);
		linux_iov_done(&li);
	}
	file_put(fp);
	*retval = (register_t)done;
	return error;
}
