/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: a buffer of pages between readers and writers.
 *
 * The object under pipe(2) and named pipes; it knows no files.
 */
#ifndef _SYS_PIPE_H_
#define	_SYS_PIPE_H_

#include <sys/condvar.h>
#include <sys/poll.h>
#include <sys/types.h>

struct uio;

#define	PIPE_DEFSIZE	65536
#define	PIPE_MAXSIZE	1048576		/* without CAP_SYS_RESOURCE */

struct pipe {
	struct mutex	pi_lock;
	struct condvar	pi_rcv, pi_wcv;	/* data or end; room or end */
	struct condvar	pi_opencv;	/* named pipes: the other end came */
	struct pollhead	pi_poll;
	unsigned int	pi_readers;	/* [l] open ends */
	unsigned int	pi_writers;	/* [l] */
	unsigned int	pi_ropens;	/* [l] ever opened: for open(2) */
	unsigned int	pi_wopens;	/* [l] */
	size_t		pi_size;	/* [l] capacity, whole pages */
	size_t		pi_head;	/* [l] where reading goes on */
	size_t		pi_count;	/* [l] bytes in it */
	char		**pi_pages;	/* [l] a ring; NULL: no page yet */
	char		*pi_spare;	/* [l] kept for the next write */
	bool		pi_borrowed;	/* [l] pipe_borrow(): readers wait */
};

int	pipe_create(struct pipe **);		/* ENOMEM */
void	pipe_destroy(struct pipe *);		/* no ends open */
/*
 * 0, EAGAIN, ERESTARTSYS, EFAULT; write also EPIPE (SIGPIPE is the caller's)
 * and ENOMEM.  What was moved is gone from uio_resid.  Thread context.
 */
int	pipe_read(struct pipe *, struct uio *, bool nonblock);
int	pipe_write(struct pipe *, struct uio *, bool nonblock);
unsigned int pipe_poll(struct pipe *, bool reader, bool writer,
	    struct pollentry *);
size_t	pipe_count(struct pipe *);
/*
 * Copy what is there without taking it; nobody reads until pipe_return() says
 * how much of it is gone.  *got 0: the end, and nothing is borrowed.
 */
int	pipe_borrow(struct pipe *, char *, size_t, bool nonblock, size_t *got);
void	pipe_return(struct pipe *, size_t used);
/* Wait until something can be written, as far as one can tell. */
int	pipe_wait_room(struct pipe *, bool nonblock, size_t *);
struct file;
struct pipe *file_pipe(struct file *);		/* NULL: it is none */
/* Rounded up to a power of two pages. EBUSY: more than that is in it. */
int	pipe_resize(struct pipe *, size_t, size_t *result);
/*
 * Open one end or both.  wait (for one end, named pipes): until the other end
 * is open or was opened since.  An error is cv_wait_sig()'s: nothing is open.
 */
int	pipe_open_end(struct pipe *, bool reader, bool writer, bool wait);
void	pipe_close_end(struct pipe *, bool reader, bool writer);

#endif /* !_SYS_PIPE_H_ */
