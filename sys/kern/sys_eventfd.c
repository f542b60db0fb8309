/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd(2): a counter as a file.
 *
 * Locking: ev_lock (sleeping) guards the counter.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>

#define	EFD_SEMAPHORE	1
#define	EVENT_MAX	(UINT64_MAX - 1)

struct eventfd {
	struct mutex	ev_lock;
	struct condvar	ev_cv;
	struct pollhead	ev_poll;
	uint64_t	ev_count;	/* [l] */
	bool		ev_semaphore;	/* [I] */
};

static int
eventfd_read(struct file *fp, struct uio *uio)
{
	struct eventfd *ev = fp->f_data;
	uint64_t v;
	int error = 0;

	if (uio->uio_resid < sizeof(v))
		return EINVAL;
	mutex_enter(&ev->ev_lock);
	while (ev->ev_count == 0 && error == 0) {
		if ((uio->uio_flags & IO_NONBLOCK) != 0)
			error = EAGAIN;
		else
			error = cv_wait_sig(&ev->ev_cv, &ev->ev_lock);
	}
	if (error == 0) {
		v = ev->ev_semaphore ? 1 : ev->ev_count;
		ev->ev_count -= v;
		cv_broadcast(&ev->ev_cv);
		pollwakeup(&ev->ev_poll, POLLOUT | POLLWRNORM);
	}
	mutex_exit(&ev->ev_lock);
	return error != 0 ? error : uiomove(&v, sizeof(v), uio);
}

static int
eventfd_write(struct file *fp, struct uio *uio)
{
	struct eventfd *ev = fp->f_data;
	uint64_t v;
	int error;

	if (uio->uio_resid < sizeof(v))
		return EINVAL;
	error = uiomove(&v, sizeof(v), uio);
	if (error != 0)
		return error;
	if (v > EVENT_MAX)
		error = EINVAL;
	mutex_enter(&ev->ev_lock);
	while (error == 0 && EVENT_MAX - ev->ev_count < v) {
		if ((uio->uio_flags & IO_NONBLOCK) != 0)
			error = EAGAIN;
		else
			error = cv_wait_sig(&ev->ev_cv, &ev->ev_lock);
	}
	if (error == 0) {
		ev->ev_count += v;
		cv_broadcast(&ev->ev_cv);
		pollwakeup(&ev->ev_poll, POLLIN | POLLRDNORM);
	} else {
		uio->uio_resid += sizeof(v);	/* nothing was written */
	}
	mutex_exit(&ev->ev_lock);
	return error;
}

static unsigned int
eventfd_poll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct eventfd *ev = fp->f_data;
	unsigned int r = 0;

	(void)events;
	poll_record(&ev->ev_poll, pe);
	mutex_enter(&ev->ev_lock);
	if (ev->ev_count > 0)
		r |= POLLIN | POLLRDNORM;
	if (ev->ev_count < EVENT_MAX)
		r |= POLLOUT | POLLWRNORM;
	mutex_exit(&ev->ev_lock);
	return r;
}

static void
eventfd_close(struct file *fp)
{
	struct eventfd *ev = fp->f_data;

	pollhead_destroy(&ev->ev_poll);
	cv_destroy(&ev->ev_cv);
	mutex_destroy(&ev->ev_lock);
	kmem_free(ev, sizeof(*ev));
}

static const struct fileops eventfd_fileops = {
	.fo_name = "anon_inode:[eventfd]",
	.fo_read = eventfd_read,
	.fo_write = eventfd_write,
	.fo_poll = eventfd_poll,
	.fo_stat = file_stat_anon,
	.fo_close = eventfd_close,
};

int
eventfd_get(struct lwp *l, int fd, struct file **fpp)
{
	int error = fd_get(l, fd, fpp);

	if (error == 0 && (*fpp)->f_ops != &eventfd_fileops) {
		file_put(*fpp);
		*fpp = NULL;
		error = EINVAL;
	}
	return error;
}

void
eventfd_add(struct file *fp, uint64_t n)
{
	struct eventfd *ev = fp->f_data;

	mutex_enter(&ev->ev_lock);
	ev->ev_count += MIN(n, EVENT_MAX - ev->ev_count);
	cv_broadcast(&ev->ev_cv);
	pollwakeup(&ev->ev_poll, POLLIN | POLLRDNORM);
	mutex_exit(&ev->ev_lock);
}

int
do_eventfd(struct lwp *l, unsigned int initval, int flags, int *fd)
{
	struct eventfd *ev;
	struct file *fp;
	int error;

	if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	error = fd_reserve(l, 0, fd);
	if (error != 0)
		return error;
	ev = kmem_zalloc(sizeof(*ev), KM_SLEEP);
	if (ev == NULL) {
		error = ENOMEM;
		goto fail_fd;
	}
	error = file_alloc(&eventfd_fileops, ev,
	    O_RDWR | ((unsigned int)flags & O_NONBLOCK), &fp);
	if (error != 0)
		goto fail_ev;
	mutex_init(&ev->ev_lock, "eventfd");
	cv_init(&ev->ev_cv, "eventfd");
	pollhead_init(&ev->ev_poll);
	ev->ev_count = initval;
	ev->ev_semaphore = (flags & EFD_SEMAPHORE) != 0;
	fd_install(l, *fd, fp, (flags & O_CLOEXEC) != 0);
	return 0;
fail_ev:
	kmem_free(ev, sizeof(*ev));
fail_fd:
	fd_abandon(l, *fd);
	return error;
}
