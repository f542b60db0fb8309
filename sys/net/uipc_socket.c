/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: what all address families have in common.
 *
 * Overview: f_data of an open file is the socket.  Creating, options of
 * SOL_SOCKET, time-outs and pending errors are here; the rest goes to the
 * family's operations.
 *
 * Locking: so_lock for options and errors.  It is not held over the family's
 * operations.
 *
 * Untrusted input: option values come with their length from the caller, who
 * has copied them in; numbers are limited here.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/termios.h>
#include <sys/time.h>

#define	SOCK_BUF_MIN	2304

SET_DECLARE(sockfamily, const struct sockfamily);

static unsigned long next_ino = 1;		/* [a] */
static const struct fileops socket_fileops;

void
socket_init(void)
{
	const struct sockfamily *const *sf;

	SET_FOREACH(sf, sockfamily)
		if ((*sf)->sf_init != NULL)
			(*sf)->sf_init();
}

/* ---- life ---- */

int
socket_alloc(int family, int type, int proto, const struct sockops *ops,
    void *pcb, struct socket **sop)
{
	struct socket *so;

	so = kmem_zalloc(sizeof(*so), KM_SLEEP);
	if (so == NULL)
		return ENOMEM;
	so->so_ref = 1;
	so->so_family = family;
	so->so_type = type;
	so->so_proto = proto;
	so->so_ops = ops;
	so->so_pcb = pcb;
	so->so_ino = atomic_add(&next_ino, 1);
	mutex_init(&so->so_lock, "socket");
	cv_init(&so->so_rcv, "sockrcv");
	cv_init(&so->so_snd, "socksnd");
	pollhead_init(&so->so_poll);
	so->so_sndbuf = so->so_rcvbuf = SOCK_BUFSIZE;
	so->so_rcvlowat = 1;
	*sop = so;
	return 0;
}

struct socket *
socket_ref(struct socket *so)
{
	refcount_get(&so->so_ref);
	return so;
}

void
socket_unref(struct socket *so)
{
	if (!refcount_put(&so->so_ref))
		return;
	if (so->so_ops->so_free != NULL)
		so->so_ops->so_free(so);
	pollhead_destroy(&so->so_poll);
	cv_destroy(&so->so_rcv);
	cv_destroy(&so->so_snd);
	mutex_destroy(&so->so_lock);
	kmem_free(so, sizeof(*so));
}

void
sockctl_fini(struct sockctl *sc)
{
	unsigned int i;

	for (i = 0; i < sc->sc_nfiles; i++)
		file_put(sc->sc_files[i]);
	if (sc->sc_files != NULL)
		kmem_free(sc->sc_files, sc->sc_nfiles * sizeof(struct file *));
	sc->sc_files = NULL;
	sc->sc_nfiles = 0;
}

/* ---- for families ---- */

int
socket_wait(struct socket *so, struct condvar *cv, nsec_t deadline)
{
	int error;

	error = cv_timedwait_sig(cv, &so->so_lock, deadline);
	if (error == ETIMEDOUT)
		return EAGAIN;
	/* With a time-out the call is not begun anew. */
	return error == ERESTARTSYS && deadline != 0 ? EINTR : error;
}

nsec_t
socket_deadline(nsec_t timeo)
{
	return timeo == 0 ? 0 : nanouptime() + timeo;
}

int
socket_take_error(struct socket *so)
{
	int error = so->so_error;

	so->so_error = 0;
	return error;
}

bool
socket_option(const struct socket *so, int opt)
{
	return (atomic_load_relaxed(&so->so_options) >> opt & 1) != 0;
}

void
socket_raise_sigpipe(struct lwp *l)
{
	ksiginfo_t ksi;

	memset(&ksi, 0, sizeof(ksi));
	ksi.ksi_signo = SIGPIPE;
	ksi.ksi_code = SI_USER;
	ksi.ksi_pid = l->l_proc->p_pid;
	ksi.ksi_uid = l->l_cred->cr_ruid;
	lwp_signal(l, &ksi);
}

struct socket *
file_socket(struct file *fp)
{
	return fp->f_ops == &socket_fileops ? fp->f_data : NULL;
}

/* ---- the open file ---- */

static bool
is_nonblock(const struct file *fp, int flags)
{
	return (flags & MSG_DONTWAIT) != 0 ||
	    (atomic_load_relaxed(&fp->f_flags) & O_NONBLOCK) != 0;
}

int
do_sendmsg(struct lwp *l, struct file *fp, struct uio *uio,
    struct sockmsg *sm, size_t *done)
{
	struct socket *so = fp->f_data;
	size_t want = uio->uio_resid;
	int error;

	uio->uio_rw = UIO_WRITE;
	if (so->so_ops->so_send == NULL)
		return EOPNOTSUPP;
	error = so->so_ops->so_send(so, uio, sm,
	    is_nonblock(fp, sm->sm_flags));
	*done = want - uio->uio_resid;
	if (*done > 0)
		return 0;
	if (error == EPIPE && so->so_type != SOCK_DGRAM &&
	    (sm->sm_flags & MSG_NOSIGNAL) == 0)
		socket_raise_sigpipe(l);
	return error;
}

int
do_recvmsg(struct lwp *l, struct file *fp, struct uio *uio,
    struct sockmsg *sm, size_t *done)
{
	struct socket *so = fp->f_data;
	size_t want = uio->uio_resid;
	int error;

	(void)l;
	uio->uio_rw = UIO_READ;
	if (so->so_ops->so_recv == NULL)
		return EOPNOTSUPP;
	sm->sm_outflags = 0;
	sm->sm_fullen = 0;
	error = so->so_ops->so_recv(so, uio, sm,
	    is_nonblock(fp, sm->sm_flags));
	*done = want - uio->uio_resid;
	if (*done > 0)
		error = 0;
	if ((sm->sm_flags & MSG_TRUNC) != 0 && sm->sm_fullen > *done)
		*done = sm->sm_fullen;
	return error;
}

static int
socket_read(struct file *fp, struct uio *uio)
{
	struct sockmsg sm = { .sm_flags = 0 };
	size_t done;

	if (uio->uio_resid == 0 &&
	    ((struct socket *)fp->f_data)->so_type == SOCK_STREAM)
		return 0;
	return do_recvmsg(curlwp, fp, uio, &sm, &done);
}

static int
socket_write(struct file *fp, struct uio *uio)
{
	struct sockmsg sm = { .sm_flags = 0 };
	size_t done;

	return do_sendmsg(curlwp, fp, uio, &sm, &done);
}

static int
socket_ioctl(struct file *fp, unsigned long cmd, uintptr_t uarg,
    register_t *retval)
{
	struct socket *so = fp->f_data;

	(void)retval;
	return so->so_ops->so_ioctl == NULL ? ENOTTY :
	    so->so_ops->so_ioctl(so, cmd, uarg);
}

static unsigned int
socket_poll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct socket *so = fp->f_data;

	(void)events;
	poll_record(&so->so_poll, pe);
	return so->so_ops->so_ready(so);
}

static int
socket_stat(struct file *fp, struct stat_k *st)
{
	struct socket *so = fp->f_data;

	memset(st, 0, sizeof(*st));
	st->st_ino = so->so_ino;
	st->st_mode = S_IFSOCK | 0777;
	st->st_uid = fp->f_cred->cr_fsuid;
	st->st_gid = fp->f_cred->cr_fsgid;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static void
socket_close(struct file *fp)
{
	struct socket *so = fp->f_data;

	so->so_ops->so_close(so);
	socket_unref(so);
}

static const struct fileops socket_fileops = {
	.fo_name = "socket",
	.fo_read = socket_read,
	.fo_write = socket_write,
	.fo_ioctl = socket_ioctl,
	.fo_poll = socket_poll,
	.fo_stat = socket_stat,
	.fo_close = socket_close,
};

/* ---- creating ---- */

static int
create(struct lwp *l, int family, int type, int proto, struct socket **sop)
{
	const struct sockfamily *const *sf;

	if (family < 0 || family >= AF_MAX)
		return EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_MAX)
		return EINVAL;
	SET_FOREACH(sf, sockfamily)
		if ((*sf)->sf_family == family)
			return (*sf)->sf_create(l, type, proto, sop);
	return EAFNOSUPPORT;
}

/* Put a socket into a descriptor; its reference goes to the file. */
static int
install(struct lwp *l, struct socket *so, int flags, int *fd)
{
	struct file *fp;
	int error;

	error = file_alloc(&socket_fileops, so,
	    O_RDWR | ((unsigned int)flags & O_NONBLOCK), &fp);
	if (error != 0) {
		so->so_ops->so_close(so);
		socket_unref(so);
		return error;
	}
	error = fd_reserve(l, 0, fd);
	if (error != 0) {
		file_put(fp);
		return error;
	}
	fd_install(l, *fd, fp, (flags & O_CLOEXEC) != 0);
	return 0;
}

int
do_socket(struct lwp *l, int family, int type, int flags, int proto, int *fd)
{
	struct socket *so;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	error = create(l, family, type, proto, &so);
	return error != 0 ? error : install(l, so, flags, fd);
}

int
do_socketpair(struct lwp *l, int family, int type, int flags, int proto,
    int fds[2])
{
	struct socket *a, *b;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	error = create(l, family, type, proto, &a);
	if (error != 0)
		return error;
	error = create(l, family, type, proto, &b);
	if (error != 0) {
		a->so_ops->so_close(a);
		socket_unref(a);
		return error;
	}
	error = a->so_ops->so_pair == NULL ? EOPNOTSUPP :
	    a->so_ops->so_pair(a, b);
	if (error == 0)
		error = install(l, a, flags, &fds[0]);
	else {
		a->so_ops->so_close(a);
		socket_unref(a);
	}
	if (error != 0) {
		b->so_ops->so_close(b);
		socket_unref(b);
		return error;
	}
	error = install(l, b, flags, &fds[1]);
	if (error != 0)
		(void)fd_close(l, fds[0]);
	return error;
}

int
do_accept(struct lwp *l, struct file *fp, int flags, struct sockaddr_k *addr,
    int *fd)
{
	struct socket *so = fp->f_data, *new;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	if (so->so_ops->so_accept == NULL)
		return EOPNOTSUPP;
	error = so->so_ops->so_accept(so, is_nonblock(fp, 0), &new);
	if (error != 0)
		return error;
	if (addr != NULL &&
	    new->so_ops->so_getname(new, true, addr) != 0)
		addr->sk_len = 0;
	return install(l, new, flags, fd);
}

/* ---- options ---- */

struct timeval_k {
	int64_t		tv_sec, tv_usec;
};

static int
set_timeout(nsec_t *timeo, const void *val, size_t len)
{
	struct timeval_k tv;

	if (len < sizeof(tv))
		return EINVAL;
	memcpy(&tv, val, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return EDOM;
	if (tv.tv_sec < 0)
		*timeo = 1;		/* as Linux: no time at all */
	else if (tv.tv_sec >= INT32_MAX)
		*timeo = 0;
	else
		*timeo = tv.tv_sec * NSEC_PER_SEC +
		    tv.tv_usec * NSEC_PER_USEC;
	return 0;
}

/* As Linux: twice what was asked for, within limits. */
static size_t
buffer_size(int v, bool force)
{
	unsigned int n = (unsigned int)v;

	if (!force || v < 0)
		n = MIN(n, SOCK_BUFSIZE);
	return MAX((size_t)MIN(n, INT32_MAX / 2) * 2, (size_t)SOCK_BUF_MIN);
}

/* Switches that are only kept. */
static bool
is_switch(int opt)
{
	switch (opt) {
	case SO_DEBUG:
	case SO_REUSEADDR:
	case SO_DONTROUTE:
	case SO_BROADCAST:
	case SO_KEEPALIVE:
	case SO_OOBINLINE:
	case SO_REUSEPORT:
	case SO_PASSCRED:
	case SO_TIMESTAMP:
		return true;
	default:
		return false;
	}
}

static int
set_linger(struct socket *so, const void *val, size_t len)
{
	int v[2];

	if (len < sizeof(v))
		return EINVAL;
	memcpy(v, val, sizeof(v));
	so->so_lingeron = v[0] != 0;
	so->so_linger = v[1];
	return 0;
}

static int
setopt_locked(struct lwp *l, struct socket *so, int opt, const void *val,
    size_t len)
{
	int v;

	switch (opt) {
	case SO_LINGER:
		return set_linger(so, val, len);
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return set_timeout(&so->so_rcvtimeo, val, len);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return set_timeout(&so->so_sndtimeo, val, len);
	}
	if (len < sizeof(v))
		return EINVAL;
	memcpy(&v, val, sizeof(v));
	if (is_switch(opt)) {
		if (opt == SO_DEBUG && v != 0 &&
		    cred_capable(l->l_cred, CAP_NET_ADMIN) != 0)
			return EACCES;
		so->so_options = (so->so_options & ~(1U << opt)) |
		    (unsigned int)(v != 0) << opt;
		return 0;
	}
	switch (opt) {
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (cred_capable(l->l_cred, CAP_NET_ADMIN) != 0)
			return EPERM;
		/* FALLTHROUGH */
	case SO_SNDBUF:
	case SO_RCVBUF:
		if (opt == SO_SNDBUF || opt == SO_SNDBUFFORCE)
			so->so_sndbuf = buffer_size(v, opt == SO_SNDBUFFORCE);
		else
			so->so_rcvbuf = buffer_size(v, opt == SO_RCVBUFFORCE);
		return 0;
	case SO_RCVLOWAT:
		so->so_rcvlowat = v < 0 ? INT32_MAX : MAX(v, 1);
		return 0;
	case SO_PRIORITY:
		if ((v < 0 || v > 6) &&
		    cred_capable(l->l_cred, CAP_NET_ADMIN) != 0)
			return EPERM;
		so->so_priority = v;
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

int
do_setsockopt(struct lwp *l, struct socket *so, int level, int opt,
    const void *val, size_t len)
{
	int error = ENOPROTOOPT;

	if (so->so_ops->so_setopt != NULL)
		error = so->so_ops->so_setopt(so, level, opt, val, len);
	if (error != ENOPROTOOPT || level != SOL_SOCKET)
		return error;
	mutex_enter(&so->so_lock);
	error = setopt_locked(l, so, opt, val, len);
	mutex_exit(&so->so_lock);
	return error;
}

/* An option that is a number. */
static int
number_of(struct socket *so, int opt, int *v)
{
	if (is_switch(opt)) {
		*v = socket_option(so, opt);
		return 0;
	}
	switch (opt) {
	case SO_TYPE:
		*v = so->so_type;
		return 0;
	case SO_DOMAIN:
		*v = so->so_family;
		return 0;
	case SO_PROTOCOL:
		*v = so->so_proto;
		return 0;
	case SO_ERROR:
		*v = socket_take_error(so);
		return 0;
	case SO_SNDBUF:
		*v = (int)so->so_sndbuf;
		return 0;
	case SO_RCVBUF:
		*v = (int)so->so_rcvbuf;
		return 0;
	case SO_RCVLOWAT:
		*v = so->so_rcvlowat;
		return 0;
	case SO_SNDLOWAT:
		*v = 1;
		return 0;
	case SO_PRIORITY:
		*v = so->so_priority;
		return 0;
	case SO_ACCEPTCONN:
		*v = so->so_listening;
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

static int
getopt_locked(struct socket *so, int opt, void *val, size_t *len)
{
	struct timeval_k tv;
	int v[2], error;
	nsec_t t;

	switch (opt) {
	case SO_LINGER:
		v[0] = so->so_lingeron;
		v[1] = so->so_linger;
		*len = MIN(*len, sizeof(v));
		memcpy(val, v, *len);
		return 0;
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		t = opt == SO_RCVTIMEO || opt == SO_RCVTIMEO_NEW ?
		    so->so_rcvtimeo : so->so_sndtimeo;
		tv.tv_sec = t / NSEC_PER_SEC;
		tv.tv_usec = t % NSEC_PER_SEC / NSEC_PER_USEC;
		*len = MIN(*len, sizeof(tv));
		memcpy(val, &tv, *len);
		return 0;
	}
	error = number_of(so, opt, v);
	if (error != 0)
		return error;
	*len = MIN(*len, sizeof(v[0]));
	memcpy(val, v, *len);
	return 0;
}

int
do_getsockopt(struct lwp *l, struct socket *so, int level, int opt, void *val,
    size_t *len)
{
	int error = ENOPROTOOPT;

	(void)l;
	if (so->so_ops->so_getopt != NULL)
		error = so->so_ops->so_getopt(so, level, opt, val, len);
	if (error != ENOPROTOOPT || level != SOL_SOCKET)
		return error;
	mutex_enter(&so->so_lock);
	error = getopt_locked(so, opt, val, len);
	mutex_exit(&so->so_lock);
	return error;
}
