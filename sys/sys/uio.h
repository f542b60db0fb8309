/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A description of a transfer: where the bytes are, how many remain, at which
 * file offset.  uiomove() moves and advances.
 */
#ifndef _SYS_UIO_H_
#define	_SYS_UIO_H_

#include <sys/types.h>

struct iovec {
	void		*iov_base;
	size_t		iov_len;
};
#define	UIO_MAXIOV	1024

enum uio_rw { UIO_READ, UIO_WRITE };
enum uio_seg { UIO_USERSPACE, UIO_SYSSPACE };

struct uio {
	struct iovec	*uio_iov;
	unsigned int	uio_iovcnt;
	size_t		uio_resid;
	off_t		uio_offset;
	enum uio_rw	uio_rw;
	enum uio_seg	uio_seg;
	int		uio_flags;	/* IO_* of <sys/file.h> */
};

/* Move up to n bytes between kaddr and the uio. 0 or EFAULT. May sleep. */
int	uiomove(void *kaddr, size_t n, struct uio *) __must_check;
/* A one-segment uio over kernel memory. */
void	uio_kernel(struct uio *, struct iovec *, void *, size_t, off_t,
	    enum uio_rw);

#endif /* !_SYS_UIO_H_ */
