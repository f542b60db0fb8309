/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls that wait for files: poll, select, epoll and their
 * variants with signal masks.
 *
 * Untrusted input: arrays, bounded by the limit on descriptors, copied in
 * before anything is looked at.
 */
#include <sys/epoll.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

#define	SELECT_IN	(POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define	SELECT_OUT	(POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define	SELECT_EX	POLLPRI

#define	EPOLL_FEW	64		/* events for which the stack will do */

/* Milliseconds, negative: no end; as do_poll()'s deadline. */
static nsec_t
deadline_ms(int timeout)
{
	nsec_t deadline = 0;

	if (timeout == 0)
		return -1;
	if (timeout > 0)
		(void)linux_clock_deadline(-1, timeout * NSEC_PER_MSEC,
		    &deadline);
	return deadline;
}

/* A span in a user timespec; NULL: no end. */
int
linux_deadline_in(const void *uts, nsec_t *deadline)
{
	nsec_t span;
	int error;

	*deadline = 0;
	if (uts == NULL)
		return 0;
	error = linux_timespec_in(uts, &span);
	if (error == 0 && span == 0)
		*deadline = -1;
	else if (error == 0)
		error = linux_clock_deadline(-1, span, deadline);
	return error;
}

static nsec_t
time_left(nsec_t deadline)
{
	return deadline < 0 ? 0 : MAX(deadline - nanouptime(), 0);
}

/* Block as the caller's mask says for the time of the call; NULL: no change. */
int
linux_mask_in(struct lwp *l, const void *umask, size_t size)
{
	sigset_t set;
	int error;

	if (umask == NULL)
		return 0;
	error = linux_sigset_in(umask, size, &set);
	if (error == 0)
		sig_mask_temp(l, set);
	return error;
}

int
linux_mask_pair_in(struct lwp *l, const void *upair)
{
	unsigned long mask, size;
	int error;

	if (upair == NULL)
		return 0;
	error = linux_ptr_in(upair, 0, &mask);
	if (error == 0)
		error = linux_ptr_in(upair, 1, &size);
	return error != 0 ? error : linux_mask_in(l, (const void *)mask, size);
}

/* With a signal to take, its handler runs under the call's mask. */
void
linux_mask_done(struct lwp *l, int error)
{
	if (error != ERESTARTNOHAND)
		sig_mask_restore(l);
}

/* -- poll -- */

static int
poll_common(struct lwp *l, struct pollfd_k *ufds, unsigned int n,
    nsec_t deadline, register_t *retval)
{
	struct pollfd_k few[16], *fds = few;
	size_t size = n * sizeof(*fds);
	unsigned int i;
	int error, ready = 0;

	if (n > l->l_proc->p_rlimit[RLIMIT_NOFILE].rlim_cur)
		return EINVAL;
	if (n > __arraycount(few)) {
		fds = kmem_alloc(size, KM_SLEEP);
		if (fds == NULL)
			return ENOMEM;
	}
	error = copyin(ufds, fds, size);
	if (error == 0)
		error = do_poll(l, fds, n, deadline, &ready);
	/* Only revents is written back. */
	for (i = 0; i < n && error == 0; i++)
		error = copyout(&fds[i].revents, &ufds[i].revents,
		    sizeof(fds[i].revents));
	if (fds != few)
		kmem_free(fds, size);
	*retval = ready;
	return error;
}

static int
poll_again(struct lwp *l, register_t *retval)
{
	int error;

	error = poll_common(l, (struct pollfd_k *)l->l_restart.rb_arg[0],
	    (unsigned int)l->l_restart.rb_arg[1], l->l_restart.rb_deadline,
	    retval);
	return error == ERESTARTNOHAND ? ERESTARTBLOCK : error;
}

int
linux_sys_poll(struct lwp *l, const struct linux_poll_args *uap,
    register_t *retval)
{
	nsec_t deadline = deadline_ms(uap->timeout);
	int error;

	error = poll_common(l, (struct pollfd_k *)(void *)uap->fds, uap->nfds,
	    deadline, retval);
	if (error != ERESTARTNOHAND)
		return error;
	l->l_restart.rb_func = poll_again;
	l->l_restart.rb_arg[0] = (uintptr_t)uap->fds;
	l->l_restart.rb_arg[1] = uap->nfds;
	l->l_restart.rb_deadline = deadline;
	return ERESTARTBLOCK;
}

int
linux_sys_ppoll(struct lwp *l, const struct linux_ppoll_args *uap,
    register_t *retval)
{
	nsec_t deadline;
	int error;

	error = linux_deadline_in(uap->timeout, &deadline);
	if (error == 0)
		error = linux_mask_in(l, uap->sigmask, uap->setsize);
	if (error != 0)
		return error;
	error = poll_common(l, (struct pollfd_k *)(void *)uap->fds, uap->nfds,
	    deadline, retval);
	linux_mask_done(l, error);
	if (uap->timeout != NULL)
		(void)!linux_timespec_out(time_left(deadline), uap->timeout);
	return error;
}

/* -- select -- */

struct selection {
	unsigned int	s_n;		/* descriptors looked at */
	size_t		s_bytes;	/* of one set */
	size_t		s_ubytes;	/* of them in user memory */
	unsigned long	*s_bits;	/* in, out, ex; then the results */
	struct pollfd_k	*s_fds;
	unsigned int	s_nfds;
};

static unsigned long *
sel_set(struct selection *s, unsigned int which)
{
	return s->s_bits + which * (s->s_bytes / sizeof(unsigned long));
}

static bool
sel_test(struct selection *s, unsigned int which, unsigned int fd)
{
	return (sel_set(s, which)[fd / 64] >> fd % 64 & 1) != 0;
}

static int
select_in(struct selection *s, void *const usets[3])
{
	static const short events[3] = { SELECT_IN, SELECT_OUT, SELECT_EX };
	unsigned int fd, i;
	int error = 0;
	short want;

	for (i = 0; i < 3 && error == 0; i++)
		if (usets[i] != NULL)
			error = copyin(usets[i], sel_set(s, i),
			    s->s_ubytes);
	for (fd = 0; fd < s->s_n && error == 0; fd++) {
		for (want = 0, i = 0; i < 3; i++)
			if (sel_test(s, i, fd))
				want |= events[i];
		if (want == 0)
			continue;
		s->s_fds[s->s_nfds].fd = (int)fd;
		s->s_fds[s->s_nfds++].events = want;
	}
	return error;
}

static int
select_out(struct selection *s, void *const usets[3], register_t *retval)
{
	static const short events[3] = { SELECT_IN, SELECT_OUT, SELECT_EX };
	struct pollfd_k *p;
	unsigned int i, fd;
	int error = 0;

	*retval = 0;
	for (p = s->s_fds; p < s->s_fds + s->s_nfds; p++) {
		fd = (unsigned int)p->fd;
		if ((p->revents & POLLNVAL) != 0)
			return EBADF;
		for (i = 0; i < 3; i++)
			if ((p->revents & events[i]) != 0 &&
			    sel_test(s, i, fd)) {
				sel_set(s, 3 + i)[fd / 64] |= 1UL << fd % 64;
				(*retval)++;
			}
	}
	for (i = 0; i < 3 && error == 0; i++)
		if (usets[i] != NULL)
			error = copyout(sel_set(s, 3 + i), usets[i],
			    s->s_ubytes);
	return error;
}

static int
select_common(struct lwp *l, int n, void *const usets[3], nsec_t deadline,
    register_t *retval)
{
	struct selection s;
	size_t fdbytes;
	int error, ready;

	if (n < 0)
		return EINVAL;
	memset(&s, 0, sizeof(s));
	s.s_n = MIN((unsigned int)n, fd_table_size(l->l_proc->p_fd));
	/* Whole words of the program's width; ours are longer at most. */
	s.s_bytes = howmany(s.s_n, 64U) * 8;
	s.s_ubytes = linux_is32() ? howmany(s.s_n, 32U) * 4 : s.s_bytes;
	fdbytes = (s.s_n + 1) * sizeof(*s.s_fds);
	s.s_bits = kmem_zalloc(6 * s.s_bytes + 8, KM_SLEEP);
	s.s_fds = kmem_zalloc(fdbytes, KM_SLEEP);
	error = s.s_bits == NULL || s.s_fds == NULL ? ENOMEM :
	    select_in(&s, usets);
	if (error == 0)
		error = do_poll(l, s.s_fds, s.s_nfds, deadline, &ready);
	if (error == 0)
		error = select_out(&s, usets, retval);
	if (s.s_bits != NULL)
		kmem_free(s.s_bits, 6 * s.s_bytes + 8);
	if (s.s_fds != NULL)
		kmem_free(s.s_fds, fdbytes);
	return error;
}

int
linux_sys_select(struct lwp *l, const struct linux_select_args *uap,
    register_t *retval)
{
	void *const usets[3] = { uap->readfds, uap->writefds, uap->exceptfds };
	struct linux_timeval tv;
	nsec_t deadline = 0, left;
	int error = 0;

	if (uap->timeout != NULL) {
		error = linux_timevals_in(uap->timeout, &tv, 1);
		if (error != 0)
			return error;
		/* More than a second of microseconds is fine here. */
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return EINVAL;
		if (tv.tv_sec == 0 && tv.tv_usec == 0)
			deadline = -1;
		else
			error = linux_clock_deadline(-1,
			    MIN(tv.tv_sec, 1LL << 32) * NSEC_PER_SEC +
			    MIN(tv.tv_usec, 1LL << 52) * NSEC_PER_USEC,
			    &deadline);
		if (error != 0)
			return error;
	}
	error = select_common(l, uap->nfds, usets, deadline, retval);
	if (uap->timeout != NULL) {
		left = time_left(deadline);
		tv.tv_sec = left / NSEC_PER_SEC;
		tv.tv_usec = left % NSEC_PER_SEC / NSEC_PER_USEC;
		(void)!linux_timevals_out(&tv, uap->timeout, 1);
	}
	return error;
}

int
linux_sys_pselect6(struct lwp *l, const struct linux_pselect6_args *uap,
    register_t *retval)
{
	void *const usets[3] = { uap->readfds, uap->writefds, uap->exceptfds };
	nsec_t deadline;
	int error;

	error = linux_deadline_in(uap->timeout, &deadline);
	if (error == 0)
		error = linux_mask_pair_in(l, uap->sigmask);
	if (error != 0)
		return error;
	error = select_common(l, uap->nfds, usets, deadline, retval);
	linux_mask_done(l, error);
	if (uap->timeout != NULL)
		(void)!linux_timespec_out(time_left(deadline), uap->timeout);
	return error;
}

/* -- epoll -- */

static int
epoll_create_common(struct lwp *l, int flags, register_t *retval)
{
	int fd = -1, error;

	error = do_epoll_create(l, flags, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_epoll_create(struct lwp *l, const struct linux_epoll_create_args *uap,
    register_t *retval)
{
	return uap->size <= 0 ? EINVAL : epoll_create_common(l, 0, retval);
}

int
linux_sys_epoll_create1(struct lwp *l,
    const struct linux_epoll_create1_args *uap, register_t *retval)
{
	return epoll_create_common(l, uap->flags, retval);
}

int
linux_sys_epoll_ctl(struct lwp *l, const struct linux_epoll_ctl_args *uap,
    register_t *retval __unused)
{
	struct linux_epoll_event le = { 0, 0 };
	struct epoll_event_k ev;
	int error;

	if (uap->op != EPOLL_CTL_DEL) {
		error = copyin(uap->event, &le, sizeof(le));
		if (error != 0)
			return error;
	}
	ev.events = le.events;
	ev.data = le.data;
	return do_epoll_ctl(l, uap->epfd, uap->op, uap->fd, &ev);
}

static int
epoll_into(struct lwp *l, int epfd, struct epoll_event_k *ev,
    unsigned int max, void *uevents, nsec_t deadline, register_t *retval)
{
	struct linux_epoll_event le;
	unsigned int i, n;
	int error;

	error = do_epoll_wait(l, epfd, ev, max, deadline, &n);
	for (i = 0; error == 0 && i < n; i++) {
		le.events = ev[i].events;
		le.data = ev[i].data;
		error = copyout(&le, (char *)uevents + i * sizeof(le),
		    sizeof(le));
	}
	*retval = (register_t)n;
	return error;
}

/* As many at a time as there can be and the caller wants, memory permitting. */
static int
epoll_common(struct lwp *l, int epfd, void *uevents, int max, nsec_t deadline,
    register_t *retval)
{
	struct epoll_event_k few[EPOLL_FEW], *ev = NULL;
	size_t n = (size_t)max;
	int error;

	if (max <= 0 || n > INT32_MAX / sizeof(struct linux_epoll_event))
		return EINVAL;
	if (n > EPOLL_FEW)
		n = MIN(n, epoll_nitems(l, epfd));
	if (n > EPOLL_FEW)
		ev = kmem_alloc(n * sizeof(*ev), KM_SLEEP);
	if (ev == NULL)
		return epoll_into(l, epfd, few, (unsigned int)MIN((size_t)max,
		    EPOLL_FEW), uevents, deadline, retval);
	error = epoll_into(l, epfd, ev, (unsigned int)n, uevents, deadline,
	    retval);
	kmem_free(ev, n * sizeof(*ev));
	return error;
}

int
linux_sys_epoll_wait(struct lwp *l, const struct linux_epoll_wait_args *uap,
    register_t *retval)
{
	int error;

	error = epoll_common(l, uap->epfd, uap->events, uap->maxevents,
	    deadline_ms(uap->timeout), retval);
	return error == ERESTARTNOHAND ? EINTR : error;
}

int
linux_sys_epoll_pwait(struct lwp *l, const struct linux_epoll_pwait_args *uap,
    register_t *retval)
{
	int error;

	error = linux_mask_in(l, uap->sigmask, uap->setsize);
	if (error != 0)
		return error;
	error = epoll_common(l, uap->epfd, uap->events, uap->maxevents,
	    deadline_ms(uap->timeout), retval);
	linux_mask_done(l, error);
	return error;
}

int
linux_sys_epoll_pwait2(struct lwp *l,
    const struct linux_epoll_pwait2_args *uap, register_t *retval)
{
	nsec_t deadline;
	int error;

	error = linux_deadline_in(uap->timeout, &deadline);
	if (error == 0)
		error = linux_mask_in(l, uap->sigmask, uap->setsize);
	if (error != 0)
		return error;
	error = epoll_common(l, uap->epfd, uap->events, uap->maxevents,
	    deadline, retval);
	linux_mask_done(l, error);
	return error;
}
