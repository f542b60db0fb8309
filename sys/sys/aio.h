/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous file I/O: io_setup(2) and its companions.
 *
 * A context belongs to a process and is known by an address of it, where
 * io_setup() has put a page.  It has room for a number of requests: each takes
 * its place from io_submit() until its event has been fetched.
 */
#ifndef _SYS_AIO_H_
#define	_SYS_AIO_H_

#include <sys/uio.h>

struct lwp;
struct proc;

enum aio_op { AIO_READ, AIO_WRITE, AIO_FSYNC, AIO_FDSYNC };

struct aio_event {
	uint64_t	ae_data;	/* the submitter's word */
	uint64_t	ae_key;		/* where his request is */
	int64_t		ae_res;		/* bytes, or a negative errno */
	int64_t		ae_res2;	/* 0 */
};

/* What io_submit() is asked to do. */
struct aio_args {
	enum aio_op	aa_op;
	int		aa_fd;
	int		aa_eventfd;	/* told at the end; -1: none */
	const struct iovec *aa_iov;	/* user memory; copied */
	unsigned int	aa_iovcnt;
	size_t		aa_total;	/* their sum */
	off_t		aa_offset;
	int		aa_ioflags;	/* IO_* beyond the file's own */
	uint64_t	aa_data, aa_key;
};

#define	AIO_MAX_NR	65536		/* requests of all contexts together */
extern unsigned int aio_nr;		/* [a] of it in use */

/* EINVAL (nr), EAGAIN (too many), ENOMEM.  Thread context, all of these. */
int	do_io_setup(struct lwp *, unsigned int nr, uint64_t *id);
bool	io_exists(struct lwp *, uint64_t id);
/* EINVAL: no such context.  Waits for its requests. */
int	do_io_destroy(struct lwp *, uint64_t id);
/*
 * EINVAL, EBADF, EAGAIN (no room), ENOMEM: nothing was begun.  Errors of the
 * transfer are in its event.  O_DIRECT transfers and syncing are done by
 * threads of the kernel; others, as on Linux, before this returns.
 */
int	do_io_submit(struct lwp *, uint64_t id, const struct aio_args *);
/* EINPROGRESS: it was, its event says ECANCELED.  EINVAL: none, or too late. */
int	do_io_cancel(struct lwp *, uint64_t id, uint64_t key);
/*
 * Fetch up to max events, wait for min.  deadline: 0 none, negative: do not
 * wait.  0, and *got may be less than min at the deadline or after a signal;
 * ERESTARTNOHAND: a signal, and none was there.
 */
int	do_io_getevents(struct lwp *, uint64_t id, unsigned int min,
	    unsigned int max, nsec_t deadline, struct aio_event *,
	    unsigned int *got);
/* The process exits or gets another program: all its contexts. */
void	aio_exit(struct proc *);
void	aio_init(void);

#endif /* !_SYS_AIO_H_ */
