/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice(2), tee(2), vmsplice(2): from and to pipes inside the kernel.
 *
 * Overview: bytes are copied through a buffer.  What leaves a pipe is borrowed
 * first - other readers wait - and only what the other side took is gone, so
 * that a short write loses nothing.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pipe.h>
#include <sys/proc.h>
#include <sys/systm.h>

#define	SPLICE_BUF	(16 * PAGE_SIZE)
#define	SPLICE_F_ALL	0x0f

static bool
pipe_nonblock(const struct file *fp, unsigned int flags)
{
	return (flags & SPLICE_F_NONBLOCK) != 0 ||
	    (atomic_load_relaxed(&fp->f_flags) & O_NONBLOCK) != 0;
}

/* A pipe's bytes into any file that can be written. */
static int
from_pipe(struct lwp *l, struct file *in, struct file *out, off_t *outoff,
    char *buf, size_t len, unsigned int flags, size_t *done)
{
	struct pipe *pi = file_pipe(in);
	struct iovec iov;
	struct uio uio;
	size_t got, put;
	int error = 0;

	while (len > 0 && error == 0) {
		error = pipe_borrow(pi, buf, MIN(len, SPLICE_BUF),
		    *done > 0 || pipe_nonblock(in, flags), &got);
		if (error != 0 || got == 0)
			break;
		uio_kernel(&uio, &iov, buf, got, 0, UIO_WRITE);
		if (file_pipe(out) != NULL && (flags & SPLICE_F_NONBLOCK) != 0)
			uio.uio_flags |= IO_NONBLOCK;
		put = 0;
		error = do_writev(l, out, &uio, outoff, &put);
		pipe_return(pi, put);
		*done += put;
		len -= put;
		if (put < got)
			break;
	}
	return *done > 0 ? 0 : error;
}

/* Any file that can be read into a pipe. */
static int
to_pipe(struct lwp *l, struct file *in, off_t *inoff, struct file *out,
    char *buf, size_t len, unsigned int flags, size_t *done)
{
	struct pipe *pi = file_pipe(out);
	struct iovec iov;
	struct uio uio;
	size_t room, got, put;
	int error = 0;

	while (len > 0 && error == 0) {
		error = pipe_wait_room(pi,
		    *done > 0 || pipe_nonblock(out, flags), &room);
		if (error != 0)
			break;
		room = MIN(MIN(room, len), SPLICE_BUF);
		uio_kernel(&uio, &iov, buf, room, 0, UIO_READ);
		if (*done > 0)
			uio.uio_flags |= IO_NONBLOCK;
		error = do_readv(l, in, &uio, inoff, &got);
		if (error != 0 || got == 0)
			break;
		uio_kernel(&uio, &iov, buf, got, 0, UIO_WRITE);
		error = do_writev(l, out, &uio, NULL, &put);
		*done += put;
		len -= put;
		if (got < room || put < got)
			break;
	}
	return *done > 0 ? 0 : error;
}

static int
check_ends(const struct file *in, const struct file *out, unsigned int flags)
{
	if ((flags & ~SPLICE_F_ALL) != 0)
		return EINVAL;
	if (!FREAD(in) || !FWRITE(out))
		return EBADF;
	return 0;
}

int
do_splice(struct lwp *l, struct file *in, off_t *inoff, struct file *out,
    off_t *outoff, size_t len, unsigned int flags, size_t *done)
{
	struct pipe *ip = file_pipe(in), *op = file_pipe(out);
	char *buf;
	int error;

	*done = 0;
	error = check_ends(in, out, flags);
	if (error != 0)
		return error;
	if ((ip != NULL && inoff != NULL) || (op != NULL && outoff != NULL))
		return ESPIPE;
	if ((ip == NULL && op == NULL) || ip == op)
		return EINVAL;
	if (op == NULL && (out->f_flags & O_APPEND) != 0)
		return EINVAL;
	if (in->f_ops->fo_read == NULL || out->f_ops->fo_write == NULL)
		return EINVAL;
	if (len == 0)
		return 0;
	buf = kmem_alloc(SPLICE_BUF, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	if (ip != NULL)
		error = from_pipe(l, in, out, outoff, buf, len, flags, done);
	else
		error = to_pipe(l, in, inoff, out, buf, len, flags, done);
	kmem_free(buf, SPLICE_BUF);
	return error;
}

int
do_tee(struct lwp *l, struct file *in, struct file *out, size_t len,
    unsigned int flags, size_t *done)
{
	struct pipe *ip = file_pipe(in), *op = file_pipe(out);
	struct iovec iov;
	struct uio uio;
	size_t got, room;
	char *buf;
	int error;

	*done = 0;
	error = check_ends(in, out, flags);
	if (error != 0)
		return error;
	if (ip == NULL || op == NULL || ip == op)
		return EINVAL;
	if (len == 0)
		return 0;
	buf = kmem_alloc(SPLICE_BUF, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	error = pipe_wait_room(op, pipe_nonblock(out, flags), &room);
	if (error == 0)
		error = pipe_borrow(ip, buf, MIN(MIN(len, room), SPLICE_BUF),
		    pipe_nonblock(in, flags), &got);
	if (error == 0 && got > 0) {
		pipe_return(ip, 0);
		uio_kernel(&uio, &iov, buf, got, 0, UIO_WRITE);
		error = do_writev(l, out, &uio, NULL, done);
	}
	kmem_free(buf, SPLICE_BUF);
	return error;
}

int
do_vmsplice(struct lwp *l, struct file *fp, struct uio *uio,
    unsigned int flags, size_t *done)
{
	*done = 0;
	if ((flags & ~SPLICE_F_ALL) != 0)
		return EINVAL;
	if (file_pipe(fp) == NULL)
		return EBADF;
	if ((flags & SPLICE_F_NONBLOCK) != 0)
		uio->uio_flags |= IO_NONBLOCK;
	/* Into the pipe if that is the end it is. */
	return FWRITE(fp) ? do_writev(l, fp, uio, NULL, done) :
	    do_readv(l, fp, uio, NULL, done);
}
