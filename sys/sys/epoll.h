/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll(7): sets of files, and waiting for any of them.
 */
#ifndef _SYS_EPOLL_H_
#define	_SYS_EPOLL_H_

#include <sys/types.h>

struct lwp;

#define	EPOLLEXCLUSIVE	(1U << 28)
#define	EPOLLWAKEUP	(1U << 29)
#define	EPOLLONESHOT	(1U << 30)
#define	EPOLLET		(1U << 31)

#define	EPOLL_CTL_ADD	1
#define	EPOLL_CTL_DEL	2
#define	EPOLL_CTL_MOD	3

struct epoll_event_k {
	uint32_t	events;
	uint64_t	data;
};

int	do_epoll_create(struct lwp *, int flags, int *fd);
int	do_epoll_ctl(struct lwp *, int epfd, int op, int fd,
	    const struct epoll_event_k *);
/* How many things the set has just now; 0 also if it is none. */
unsigned int	epoll_nitems(struct lwp *, int epfd);
/* deadline as do_poll(). 0 with *n (0: it passed), ERESTARTNOHAND. */
int	do_epoll_wait(struct lwp *, int epfd, struct epoll_event_k *,
	    unsigned int max, nsec_t deadline, unsigned int *n);

#endif /* !_SYS_EPOLL_H_ */
