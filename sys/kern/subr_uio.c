/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers between kernel memory and the memory a uio describes.
 *
 * Untrusted input: the addresses of a user uio; they go only to copyin() and
 * copyout().
 */
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/uio.h>

int
uiomove(void *kaddr, size_t n, struct uio *uio)
{
	struct iovec *iov;
	char *k = kaddr;
	size_t cnt;
	int error;

	n = MIN(n, uio->uio_resid);
	while (n > 0) {
		KASSERT(uio->uio_iovcnt > 0);
		iov = uio->uio_iov;
		cnt = MIN(iov->iov_len, n);
		if (cnt == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		error = 0;
		if (uio->uio_seg == UIO_USERSPACE)
			error = uio->uio_rw == UIO_READ ?
			    copyout(k, iov->iov_base, cnt) :
			    copyin(iov->iov_base, k, cnt);
		else if (uio->uio_rw == UIO_READ)
			memcpy(iov->iov_base, k, cnt);
		else
			memcpy(k, iov->iov_base, cnt);
		if (error != 0)
			return error;
		iov->iov_base = (char *)iov->iov_base + cnt;
		iov->iov_len -= cnt;
		uio->uio_resid -= cnt;
		uio->uio_offset += (off_t)cnt;
		k += cnt;
		n -= cnt;
	}
	return 0;
}

void
uio_kernel(struct uio *uio, struct iovec *iov, void *buf, size_t len,
    off_t offset, enum uio_rw rw)
{
	iov->iov_base = buf;
	iov->iov_len = len;
	uio->uio_iov = iov;
	uio->uio_iovcnt = 1;
	uio->uio_resid = len;
	uio->uio_offset = offset;
	uio->uio_rw = rw;
	uio->uio_seg = UIO_SYSSPACE;
	uio->uio_flags = 0;
}
