/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls for asynchronous file I/O: io_setup(2) and so on.
 *
 * Untrusted input: every request is copied in once and then checked; counts
 * and iovecs are cut as read(2) cuts them.
 */
#include <sys/aio.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

#define	IOCB_CMD_PREAD		0
#define	IOCB_CMD_PWRITE		1
#define	IOCB_CMD_FSYNC		2
#define	IOCB_CMD_FDSYNC		3
#define	IOCB_CMD_PREADV		7
#define	IOCB_CMD_PWRITEV	8

#define	IOCB_FLAG_RESFD		0x1
#define	IOCB_FLAG_IOPRIO	0x2	/* all requests are alike here */

#define	EVENTS			16	/* copied out at a time */

/* The same for 32-bit programs. */
struct linux_iocb {
	uint64_t	aio_data;
	uint32_t	aio_key;
	int32_t		aio_rw_flags;
	uint16_t	aio_lio_opcode;
	int16_t		aio_reqprio;
	uint32_t	aio_fildes;
	uint64_t	aio_buf;
	uint64_t	aio_nbytes;
	int64_t		aio_offset;
	uint64_t	aio_reserved2;
	uint32_t	aio_flags;
	uint32_t	aio_resfd;
};
CTASSERT(sizeof(struct linux_iocb) == 64);
CTASSERT(sizeof(struct aio_event) == 32);

/* A long of the program's. */
static long
signed_long(long n)
{
	return linux_is32() ? (int32_t)n : n;
}

int
linux_sys_io_setup(struct lwp *l, const struct linux_io_setup_args *uap,
    register_t *retval __unused)
{
	unsigned long old;
	uint64_t id;
	int error;

	error = linux_ptr_in(uap->ctx, 0, &old);
	if (error != 0)
		return error;
	if (old != 0)
		return EINVAL;
	error = do_io_setup(l, uap->nr, &id);
	if (error != 0)
		return error;
	error = linux_long_out(id, uap->ctx);
	if (error != 0)
		(void)do_io_destroy(l, id);
	return error;
}

int
linux_sys_io_destroy(struct lwp *l, const struct linux_io_destroy_args *uap,
    register_t *retval __unused)
{
	return do_io_destroy(l, uap->ctx);
}

/* -- submission -- */

/* The operation and the memory it moves; linux_iov_done() afterwards. */
static int
op_in(const struct linux_iocb *cb, struct aio_args *aa, struct linux_iov *li)
{
	static const struct {
		enum aio_op op;
		bool moves, vector;
	} ops[] = {
		[IOCB_CMD_PREAD] = { AIO_READ, true, false },
		[IOCB_CMD_PWRITE] = { AIO_WRITE, true, false },
		[IOCB_CMD_FSYNC] = { AIO_FSYNC, false, false },
		[IOCB_CMD_FDSYNC] = { AIO_FDSYNC, false, false },
		[IOCB_CMD_PREADV] = { AIO_READ, true, true },
		[IOCB_CMD_PWRITEV] = { AIO_WRITE, true, true },
	};
	unsigned int op = cb->aio_lio_opcode;
	int error = 0;

	if (op >= __arraycount(ops) || (op > IOCB_CMD_FDSYNC &&
	    op < IOCB_CMD_PREADV))
		return EINVAL;
	aa->aa_op = ops[op].op;
	li->li_iov = li->li_few;
	li->li_count = 0;
	li->li_total = 0;
	if (!ops[op].moves) {
		if (cb->aio_buf != 0 || cb->aio_offset != 0 ||
		    cb->aio_nbytes != 0 || cb->aio_rw_flags != 0)
			return EINVAL;
	} else if (ops[op].vector) {
		error = linux_iov_in((const void *)(uintptr_t)cb->aio_buf,
		    (unsigned long)cb->aio_nbytes, li);
	} else {
		li->li_total = MIN((size_t)cb->aio_nbytes, LINUX_MAX_RW);
		li->li_count = 1;
		li->li_few[0].iov_base = (void *)(uintptr_t)cb->aio_buf;
		li->li_few[0].iov_len = li->li_total;
	}
	aa->aa_iov = li->li_iov;
	aa->aa_iovcnt = li->li_count;
	aa->aa_total = li->li_total;
	return error;
}

static int
submit_one(struct lwp *l, uint64_t ctx, struct linux_iocb *ucb)
{
	struct linux_iocb cb;
	struct linux_iov li;
	struct aio_args aa;
	uint32_t key = 0;
	int error;

	error = copyin(ucb, &cb, sizeof(cb));
	if (error != 0)
		return error;
	if (cb.aio_reserved2 != 0 || (int64_t)cb.aio_nbytes < 0 ||
	    cb.aio_buf != (unsigned long)cb.aio_buf ||
	    cb.aio_nbytes != (size_t)cb.aio_nbytes || cb.aio_offset < 0 ||
	    (cb.aio_flags & ~(IOCB_FLAG_RESFD | IOCB_FLAG_IOPRIO)) != 0)
		return EINVAL;
	error = linux_rwf_flags(cb.aio_rw_flags, &aa.aa_ioflags);
	if (error != 0)
		return error;
	error = copyout(&key, &ucb->aio_key, sizeof(key));
	if (error != 0)
		return error;
	aa.aa_fd = (int)cb.aio_fildes;
	aa.aa_eventfd = -1;
	if ((cb.aio_flags & IOCB_FLAG_RESFD) != 0) {
		aa.aa_eventfd = (int)cb.aio_resfd;
		if (aa.aa_eventfd < 0)
			return EBADF;
	}
	aa.aa_offset = cb.aio_offset;
	aa.aa_data = cb.aio_data;
	aa.aa_key = (uintptr_t)ucb;
	error = op_in(&cb, &aa, &li);
	if (error != 0)
		return error;
	error = do_io_submit(l, ctx, &aa);
	linux_iov_done(&li);
	return error;
}

int
linux_sys_io_submit(struct lwp *l, const struct linux_io_submit_args *uap,
    register_t *retval)
{
	long nr = signed_long(uap->nr), i;
	unsigned long ucb;
	int error = 0;

	if (nr < 0)
		return EINVAL;
	if (!io_exists(l, uap->ctx))
		return EINVAL;
	for (i = 0; i < nr && error == 0; i++) {
		error = linux_ptr_in(uap->iocbs, (size_t)i, &ucb);
		if (error == 0)
			error = submit_one(l, uap->ctx,
			    (struct linux_iocb *)ucb);
	}
	*retval = error == 0 ? i : i - 1;
	return *retval > 0 ? 0 : error;
}

int
linux_sys_io_cancel(struct lwp *l, const struct linux_io_cancel_args *uap,
    register_t *retval __unused)
{
	uint32_t key;
	int error;

	error = copyin(&((struct linux_iocb *)uap->iocb)->aio_key, &key,
	    sizeof(key));
	if (error != 0)
		return error;
	return key != 0 ? EINVAL :
	    do_io_cancel(l, uap->ctx, (uintptr_t)uap->iocb);
}

/* -- events -- */

static int
getevents(struct lwp *l, uint64_t ctx, long min, long nr, void *uev,
    nsec_t deadline, register_t *retval)
{
	struct aio_event ev[EVENTS];
	unsigned int got;
	long n = 0, want;
	int error;

	min = signed_long(min);
	nr = signed_long(nr);
	if (min < 0 || min > nr)
		return EINVAL;
	do {
		want = MIN(nr - n, EVENTS);
		error = do_io_getevents(l, ctx,
		    (unsigned int)MAX(MIN(min - n, want), 0),
		    (unsigned int)want, deadline, ev, &got);
		if (error == 0 && got > 0)
			error = copyout(ev, (struct aio_event *)uev + n,
			    got * sizeof(ev[0]));
		if (error != 0)
			break;
		n += (long)got;
	} while (n < nr && got > 0 && (n < min || got == EVENTS));
	*retval = n;
	return n > 0 ? 0 : error;
}

int
linux_sys_io_getevents(struct lwp *l, const struct linux_io_getevents_args *uap,
    register_t *retval)
{
	nsec_t deadline;
	int error;

	error = linux_deadline_in(uap->timeout, &deadline);
	if (error == 0)
		error = getevents(l, uap->ctx, uap->min, uap->nr, uap->events,
		    deadline, retval);
	return error == ERESTARTNOHAND ? EINTR : error;
}

int
linux_sys_io_pgetevents(struct lwp *l,
    const struct linux_io_pgetevents_args *uap, register_t *retval)
{
	nsec_t deadline;
	int error;

	error = linux_deadline_in(uap->timeout, &deadline);
	if (error == 0)
		error = linux_mask_pair_in(l, uap->sigmask);
	if (error != 0)
		return error;
	error = getevents(l, uap->ctx, uap->min, uap->nr, uap->events,
	    deadline, retval);
	linux_mask_done(l, error);
	return error;
}
