/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readiness: who waits for an object to become readable or writable.
 *
 * A pollable object embeds a struct pollhead and calls pollwakeup() when its
 * state changes (any context).  fo_poll() returns what is ready now and, given
 * a pollentry, hooks it in *first*; the entry's callback then runs at each
 * pollwakeup() (with the head's spin lock held: it may only wake or queue).
 * poll, select and epoll are all built on this.  A pollhead lives at least as
 * long as the files that hook entries in.
 */
#ifndef _SYS_POLL_H_
#define	_SYS_POLL_H_

#include <sys/queue.h>
#include <sys/spinlock.h>

#define	POLLIN		0x0001
#define	POLLPRI		0x0002
#define	POLLOUT		0x0004
#define	POLLERR		0x0008
#define	POLLHUP		0x0010
#define	POLLNVAL	0x0020
#define	POLLRDNORM	0x0040
#define	POLLRDBAND	0x0080
#define	POLLWRNORM	0x0100
#define	POLLWRBAND	0x0200
#define	POLLMSG		0x0400
#define	POLLRDHUP	0x2000

struct pollhead;

struct pollentry {
	TAILQ_ENTRY(pollentry) pe_link;	/* [l] ph_lock */
	struct pollhead	*pe_head;	/* NULL: not hooked in */
	void		(*pe_func)(struct pollentry *, unsigned int events);
};

struct pollhead {
	struct spinlock	ph_lock;
	TAILQ_HEAD(, pollentry) ph_entries;
};

void	pollhead_init(struct pollhead *);
/* The object goes away: everybody is told POLLHUP and unhooked. */
void	pollhead_destroy(struct pollhead *);
void	pollwakeup(struct pollhead *, unsigned int events);
/* Hook in (pe may be NULL: nothing happens) / out. */
void	poll_record(struct pollhead *, struct pollentry *);
void	poll_unrecord(struct pollentry *);

struct pollfd_k {
	int		fd;
	short		events, revents;
};
struct lwp;
/* poll(2) on kernel copies; deadline 0 = none, <0 = do not wait. */
int	do_poll(struct lwp *, struct pollfd_k *, unsigned int nfds,
	    nsec_t deadline, int *nready);

#endif /* !_SYS_POLL_H_ */
