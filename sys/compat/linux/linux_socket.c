/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on sockets.
 *
 * Untrusted input: addresses are copied in up to their largest size, messages'
 * headers once; control data is parsed from a kernel copy, each element's
 * length checked against what is left.
 */
#include <sys/fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

#define	CONTROL_MAX	20480
#define	OPTVAL_MAX	1024
#define	MMSG_MAX	1024

#define	SCM_RIGHTS	1
#define	SCM_CREDENTIALS	2

struct linux_msghdr {
	uint64_t	msg_name;
	int32_t		msg_namelen, pad1;
	uint64_t	msg_iov, msg_iovlen;
	uint64_t	msg_control, msg_controllen;
	uint32_t	msg_flags, pad2;
};
CTASSERT(sizeof(struct linux_msghdr) == 56);

struct linux_mmsghdr {
	struct linux_msghdr hdr;
	uint32_t	len, pad;
};
CTASSERT(sizeof(struct linux_mmsghdr) == 64);

struct linux_cmsghdr {
	uint64_t	cmsg_len;
	int32_t		cmsg_level, cmsg_type;
};
CTASSERT(sizeof(struct linux_cmsghdr) == 16);

/* Where the structures' parts are differs for i386. */
static inline size_t
cmsg_align(size_t n)
{
	return roundup2(n, linux_is32() ? sizeof(uint32_t) : sizeof(uint64_t));
}

static inline size_t
cmsg_head(void)
{
	return linux_is32() ? sizeof(struct linux32_cmsghdr) :
	    sizeof(struct linux_cmsghdr);
}

static void
cmsg_get(const char *buf, struct linux_cmsghdr *ch)
{
	struct linux32_cmsghdr ch32;

	if (!linux_is32()) {
		memcpy(ch, buf, sizeof(*ch));
		return;
	}
	memcpy(&ch32, buf, sizeof(ch32));
	ch->cmsg_len = ch32.cmsg_len;
	ch->cmsg_level = ch32.cmsg_level;
	ch->cmsg_type = ch32.cmsg_type;
}

static int
cmsg_out(const struct linux_cmsghdr *ch, uintptr_t pos)
{
	struct linux32_cmsghdr ch32 = {
		(uint32_t)ch->cmsg_len, ch->cmsg_level, ch->cmsg_type
	};

	return linux_is32() ? copyout(&ch32, (void *)pos, sizeof(ch32)) :
	    copyout(ch, (void *)pos, sizeof(*ch));
}

/* ---- arguments ---- */

static int
socket_get(struct lwp *l, int fd, struct file **fpp, struct socket **sop)
{
	int error;

	error = fd_get(l, fd, fpp);
	if (error != 0)
		return error;
	*sop = file_socket(*fpp);
	if (*sop == NULL) {
		file_put(*fpp);
		return ENOTSOCK;
	}
	return 0;
}

static int
addr_in(const void *uaddr, int len, struct sockaddr_k *sk)
{
	if (len < 0 || len > SOCK_ADDR_MAX)
		return EINVAL;
	memset(sk, 0, sizeof(*sk));
	sk->sk_len = (unsigned int)len;
	return copyin(uaddr, sk->sk_data, (size_t)len);
}

/* A socket, with a reference to its file, and an address for it. */
static int
socket_addr_get(struct lwp *l, int fd, const void *uaddr, int len,
    struct file **fpp, struct socket **sop, struct sockaddr_k *sk)
{
	int error;

	error = socket_get(l, fd, fpp, sop);
	if (error != 0)
		return error;
	error = addr_in(uaddr, len, sk);
	if (error != 0)
		file_put(*fpp);
	return error;
}

/* As much as there is room for; the length says how much there was. */
static int
addr_out(const struct sockaddr_k *sk, void *uaddr, int *ulen)
{
	int error, len;

	error = copyin(ulen, &len, sizeof(len));
	if (error != 0)
		return error;
	if (len < 0)
		return EINVAL;
	error = copyout(sk->sk_data, uaddr, MIN((size_t)len, sk->sk_len));
	len = (int)sk->sk_len;
	return error != 0 ? error : copyout(&len, ulen, sizeof(len));
}

/* ---- making and connecting ---- */

#define	TYPE_MASK	0xf

int
linux_sys_socket(struct lwp *l, const struct linux_socket_args *uap,
    register_t *retval)
{
	int fd = -1, error;

	error = do_socket(l, uap->domain, uap->type & TYPE_MASK,
	    uap->type & ~TYPE_MASK, uap->protocol, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_socketpair(struct lwp *l, const struct linux_socketpair_args *uap,
    register_t *retval __unused)
{
	int fds[2], error;

	error = do_socketpair(l, uap->domain, uap->type & TYPE_MASK,
	    uap->type & ~TYPE_MASK, uap->protocol, fds);
	if (error != 0)
		return error;
	error = copyout(fds, uap->fds, sizeof(fds));
	if (error != 0) {
		(void)fd_close(l, fds[0]);
		(void)fd_close(l, fds[1]);
	}
	return error;
}

int
linux_sys_bind(struct lwp *l, const struct linux_bind_args *uap,
    register_t *retval __unused)
{
	struct sockaddr_k sk;
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_addr_get(l, uap->fd, uap->addr, uap->addrlen, &fp, &so,
	    &sk);
	if (error != 0)
		return error;
	error = so->so_ops->so_bind == NULL ? EOPNOTSUPP :
	    so->so_ops->so_bind(so, &sk);
	file_put(fp);
	return error;
}

int
linux_sys_connect(struct lwp *l, const struct linux_connect_args *uap,
    register_t *retval __unused)
{
	struct sockaddr_k sk;
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_addr_get(l, uap->fd, uap->addr, uap->addrlen, &fp, &so,
	    &sk);
	if (error != 0)
		return error;
	error = so->so_ops->so_connect == NULL ? EOPNOTSUPP :
	    so->so_ops->so_connect(so, &sk,
	    (fp->f_flags & O_NONBLOCK) != 0);
	file_put(fp);
	return error;
}

int
linux_sys_listen(struct lwp *l, const struct linux_listen_args *uap,
    register_t *retval __unused)
{
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_get(l, uap->fd, &fp, &so);
	if (error != 0)
		return error;
	error = so->so_ops->so_listen == NULL ? EOPNOTSUPP :
	    so->so_ops->so_listen(so, uap->backlog);
	file_put(fp);
	return error;
}

static int
accept_common(struct lwp *l, int lfd, void *uaddr, int *ulen, int flags,
    register_t *retval)
{
	struct sockaddr_k sk;
	struct socket *so;
	struct file *fp;
	int error, fd = -1;

	error = socket_get(l, lfd, &fp, &so);
	if (error != 0)
		return error;
	error = do_accept(l, fp, flags, uaddr != NULL ? &sk : NULL, &fd);
	file_put(fp);
	if (error == 0 && uaddr != NULL) {
		error = addr_out(&sk, uaddr, ulen);
		if (error != 0)
			(void)fd_close(l, fd);
	}
	*retval = fd;
	return error;
}

int
linux_sys_accept(struct lwp *l, const struct linux_accept_args *uap,
    register_t *retval)
{
	return accept_common(l, uap->fd, uap->addr, uap->addrlen, 0, retval);
}

int
linux_sys_accept4(struct lwp *l, const struct linux_accept4_args *uap,
    register_t *retval)
{
	return accept_common(l, uap->fd, uap->addr, uap->addrlen, uap->flags,
	    retval);
}

int
linux_sys_shutdown(struct lwp *l, const struct linux_shutdown_args *uap,
    register_t *retval __unused)
{
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_get(l, uap->fd, &fp, &so);
	if (error != 0)
		return error;
	if (uap->how < SHUT_RD || uap->how > SHUT_RDWR)
		error = EINVAL;
	else
		error = so->so_ops->so_shutdown == NULL ? EOPNOTSUPP :
		    so->so_ops->so_shutdown(so, uap->how);
	file_put(fp);
	return error;
}

static int
name_common(struct lwp *l, int fd, bool peer, void *uaddr, int *ulen)
{
	struct sockaddr_k sk;
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_get(l, fd, &fp, &so);
	if (error != 0)
		return error;
	error = so->so_ops->so_getname(so, peer, &sk);
	file_put(fp);
	return error != 0 ? error : addr_out(&sk, uaddr, ulen);
}

int
linux_sys_getsockname(struct lwp *l,
    const struct linux_getsockname_args *uap, register_t *retval __unused)
{
	return name_common(l, uap->fd, false, uap->addr, uap->addrlen);
}

int
linux_sys_getpeername(struct lwp *l,
    const struct linux_getpeername_args *uap, register_t *retval __unused)
{
	return name_common(l, uap->fd, true, uap->addr, uap->addrlen);
}

/* ---- options ---- */

/* A time-out of two 32-bit numbers, which is 64-bit ones in the kernel? */
static bool
sockopt_is_short(int level, int opt)
{
	return linux_is32() && level == SOL_SOCKET &&
	    (opt == SO_RCVTIMEO || opt == SO_SNDTIMEO);
}

int
linux_sys_setsockopt(struct lwp *l, const struct linux_setsockopt_args *uap,
    register_t *retval __unused)
{
	uint64_t val[OPTVAL_MAX / sizeof(uint64_t)];
	struct socket *so;
	struct file *fp;
	size_t len;
	int error;

	if (uap->len < 0)
		return EINVAL;
	error = socket_get(l, uap->fd, &fp, &so);
	if (error != 0)
		return error;
	if ((size_t)uap->len > sizeof(val))
		error = EINVAL;
	else
		error = copyin(uap->val, val, (size_t)uap->len);
	len = (size_t)uap->len;
	if (error == 0 && sockopt_is_short(uap->level, uap->opt) &&
	    len >= sizeof(struct linux32_timespec)) {
		error = linux_timevals_in(uap->val, (void *)val, 1);
		len = sizeof(struct linux_timeval);
	}
	if (error == 0)
		error = do_setsockopt(l, so, uap->level, uap->opt, val, len);
	file_put(fp);
	return error;
}

int
linux_sys_getsockopt(struct lwp *l, const struct linux_getsockopt_args *uap,
    register_t *retval __unused)
{
	uint64_t val[OPTVAL_MAX / sizeof(uint64_t)];
	struct socket *so;
	struct file *fp;
	int error, ulen;
	size_t len;

	error = socket_get(l, uap->fd, &fp, &so);
	if (error != 0)
		return error;
	error = copyin(uap->len, &ulen, sizeof(ulen));
	if (error == 0 && ulen < 0)
		error = EINVAL;
	if (error == 0) {
		len = MIN((size_t)ulen, sizeof(val));
		if (sockopt_is_short(uap->level, uap->opt))
			len = sizeof(struct linux_timeval);
		error = do_getsockopt(l, so, uap->level, uap->opt, val, &len);
	}
	file_put(fp);
	if (error != 0)
		return error;
	if (sockopt_is_short(uap->level, uap->opt)) {
		if ((size_t)ulen < sizeof(struct linux32_timespec))
			return EINVAL;
		len = sizeof(struct linux32_timespec);
		error = linux_timevals_out((void *)val, uap->val, 1);
	} else
		error = copyout(val, uap->val, len);
	ulen = (int)len;
	return error != 0 ? error : copyout(&ulen, uap->len, sizeof(ulen));
}

/* ---- control data ---- */

/* SCM_RIGHTS: the files behind the descriptors. */
static int
rights_in(struct lwp *l, const char *data, size_t len, struct sockctl *sc)
{
	unsigned int n = (unsigned int)(len / sizeof(int)), i;
	int fd, error = 0;

	if (n == 0)
		return 0;
	if (sc->sc_nfiles != 0 || n > SCM_MAX_FD)
		return EINVAL;
	sc->sc_files = kmem_zalloc(n * sizeof(struct file *), KM_SLEEP);
	if (sc->sc_files == NULL)
		return ENOMEM;
	for (i = 0; i < n && error == 0; i++) {
		memcpy(&fd, data + i * sizeof(int), sizeof(fd));
		error = fd_get_any(l, fd, &sc->sc_files[i]);
	}
	if (error == 0) {
		sc->sc_nfiles = n;
		return 0;
	}
	while (--i > 0)
		file_put(sc->sc_files[i - 1]);
	kmem_free(sc->sc_files, n * sizeof(struct file *));
	sc->sc_files = NULL;
	return error;
}

static int
control_parse(struct lwp *l, const char *buf, size_t len, struct sockctl *sc)
{
	struct linux_cmsghdr ch;
	size_t off, n;
	int error = 0;

	for (off = 0; off + cmsg_head() <= len && error == 0;
	    off += cmsg_align((size_t)ch.cmsg_len)) {
		cmsg_get(buf + off, &ch);
		if (ch.cmsg_len < cmsg_head() || ch.cmsg_len > len - off)
			return EINVAL;
		if (ch.cmsg_level != SOL_SOCKET)
			continue;
		n = (size_t)ch.cmsg_len - cmsg_head();
		if (ch.cmsg_type == SCM_RIGHTS) {
			error = rights_in(l, buf + off + cmsg_head(), n, sc);
		} else if (ch.cmsg_type == SCM_CREDENTIALS &&
		    n == sizeof(sc->sc_cred)) {
			memcpy(&sc->sc_cred, buf + off + cmsg_head(), n);
			sc->sc_hascred = true;
		} else {
			error = EINVAL;
		}
	}
	return error;
}

static int
control_in(struct lwp *l, const struct linux_msghdr *mh, struct sockctl *sc)
{
	size_t len = (size_t)mh->msg_controllen;
	char *buf;
	int error;

	memset(sc, 0, sizeof(*sc));
	if (mh->msg_controllen > CONTROL_MAX)
		return ENOBUFS;
	if (mh->msg_control == 0 || len == 0)
		return 0;
	buf = kmem_alloc(len, KM_SLEEP);
	if (buf == NULL)
		return ENOBUFS;
	error = copyin((const void *)(uintptr_t)mh->msg_control, buf, len);
	if (error == 0)
		error = control_parse(l, buf, len, sc);
	kmem_free(buf, len);
	if (error != 0)
		sockctl_fini(sc);
	return error;
}

struct control_out {			/* room in user memory */
	uintptr_t	co_pos;
	size_t		co_left;
	bool		co_trunc;
};

/* Advance behind an element of that length; its padding counts if it fits. */
static void
control_advance(struct control_out *co, size_t len)
{
	len = MIN(cmsg_align(len), co->co_left);
	co->co_pos += len;
	co->co_left -= len;
}

static int
put_cmsg(struct control_out *co, int type, const void *data, size_t n)
{
	struct linux_cmsghdr ch = {
		.cmsg_len = cmsg_head() + n, .cmsg_level = SOL_SOCKET,
		.cmsg_type = type
	};
	int error;

	if (co->co_left < cmsg_head()) {
		co->co_trunc = true;
		return 0;
	}
	if (co->co_left < ch.cmsg_len) {
		co->co_trunc = true;
		ch.cmsg_len = co->co_left;
	}
	error = cmsg_out(&ch, co->co_pos);
	if (error == 0)
		error = copyout(data, (char *)co->co_pos + cmsg_head(),
		    (size_t)ch.cmsg_len - cmsg_head());
	control_advance(co, (size_t)ch.cmsg_len);
	return error;
}

/* Give the files descriptors, as many as there is room for. */
static int
put_rights(struct lwp *l, struct control_out *co, struct sockctl *sc,
    bool cloexec)
{
	struct linux_cmsghdr ch = {
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS
	};
	size_t room;
	unsigned int i;
	int error = 0, fd;

	if (sc->sc_nfiles == 0)
		return 0;
	room = co->co_left < cmsg_head() ? 0 :
	    (co->co_left - cmsg_head()) / sizeof(int);
	for (i = 0; i < sc->sc_nfiles && i < room; i++) {
		error = fd_reserve(l, 0, &fd);
		if (error != 0)
			break;
		error = copyout(&fd, (char *)co->co_pos + cmsg_head() +
		    i * sizeof(int), sizeof(int));
		if (error != 0) {
			fd_abandon(l, fd);
			break;
		}
		fd_install(l, fd, file_get(sc->sc_files[i]), cloexec);
	}
	if (i < sc->sc_nfiles)
		co->co_trunc = true;
	if (i == 0)
		return error == EFAULT ? error : 0;
	ch.cmsg_len = cmsg_head() + i * sizeof(int);
	error = cmsg_out(&ch, co->co_pos);
	control_advance(co, (size_t)ch.cmsg_len);
	return error;
}

static int
control_out(struct lwp *l, struct linux_msghdr *mh, struct sockmsg *sm)
{
	struct sockctl *sc = sm->sm_ctl;
	struct control_out co = {
		.co_pos = (uintptr_t)mh->msg_control,
		.co_left = mh->msg_control == 0 ? 0 :
		    (size_t)mh->msg_controllen
	};
	int error = 0;

	if (sc->sc_hascred)
		error = put_cmsg(&co, SCM_CREDENTIALS, &sc->sc_cred,
		    sizeof(sc->sc_cred));
	if (error == 0)
		error = put_rights(l, &co, sc,
		    (sm->sm_flags & MSG_CMSG_CLOEXEC) != 0);
	if (co.co_trunc)
		sm->sm_outflags |= MSG_CTRUNC;
	mh->msg_controllen = co.co_pos - mh->msg_control;
	return error;
}

/* Element i of an array of mmsghdr, and its count of bytes. */
static void *
mmsg_at(void *msgs, unsigned int i)
{
	return (char *)msgs + i * (linux_is32() ?
	    sizeof(struct linux32_mmsghdr) : sizeof(struct linux_mmsghdr));
}

static int
mmsg_len_out(void *msgs, unsigned int i, register_t done)
{
	size_t off = linux_is32() ? __offsetof(struct linux32_mmsghdr, len) :
	    __offsetof(struct linux_mmsghdr, len);
	uint32_t len = (uint32_t)done;

	return copyout(&len, (char *)mmsg_at(msgs, i) + off, sizeof(len));
}

/* do_sendmsg() or do_recvmsg() with these buffers. */
static int
msg_iov(struct lwp *l, int fd, struct iovec *iov, unsigned int count,
    size_t total, struct sockmsg *sm, register_t *retval,
    int (*func)(struct lwp *, struct file *, struct uio *, struct sockmsg *,
    size_t *))
{
	struct socket *so;
	struct file *fp;
	struct uio uio;
	size_t done = 0;
	int error;

	error = socket_get(l, fd, &fp, &so);
	if (error != 0)
		return error;
	memset(&uio, 0, sizeof(uio));
	uio.uio_iov = iov;
	uio.uio_iovcnt = count;
	uio.uio_resid = total;
	uio.uio_seg = UIO_USERSPACE;
	error = func(l, fp, &uio, sm, &done);
	file_put(fp);
	*retval = (register_t)done;
	return error;
}

/* ---- sending ---- */

static int
send_iov(struct lwp *l, int fd, struct iovec *iov, unsigned int count,
    size_t total, struct sockmsg *sm, register_t *retval)
{
	return msg_iov(l, fd, iov, count, total, sm, retval, do_sendmsg);
}

int
linux_sys_sendto(struct lwp *l, const struct linux_sendto_args *uap,
    register_t *retval)
{
	struct sockmsg sm = { .sm_flags = (int)uap->flags };
	struct sockaddr_k sk;
	struct iovec iov;
	int error;

	if ((ssize_t)uap->len < 0)
		return EINVAL;
	if (uap->addr != NULL) {
		error = addr_in(uap->addr, uap->addrlen, &sk);
		if (error != 0)
			return error;
		sm.sm_addr = &sk;
	}
	iov.iov_base = (void *)(uintptr_t)uap->buf;
	iov.iov_len = MIN(uap->len, LINUX_MAX_RW);
	return send_iov(l, uap->fd, &iov, 1, iov.iov_len, &sm, retval);
}

static int
msghdr_copyin(const void *umsg, struct linux_msghdr *mh)
{
	struct linux32_msghdr mh32;
	int error;

	if (!linux_is32())
		return copyin(umsg, mh, sizeof(*mh));
	error = copyin(umsg, &mh32, sizeof(mh32));
	mh->msg_name = mh32.msg_name;
	mh->msg_namelen = mh32.msg_namelen;
	mh->msg_iov = mh32.msg_iov;
	mh->msg_iovlen = mh32.msg_iovlen;
	mh->msg_control = mh32.msg_control;
	mh->msg_controllen = mh32.msg_controllen;
	mh->msg_flags = mh32.msg_flags;
	return error;
}

static int
msghdr_in(const void *umsg, struct linux_msghdr *mh)
{
	int error;

	error = msghdr_copyin(umsg, mh);
	if (error != 0)
		return error;
	if (mh->msg_name == 0)
		mh->msg_namelen = 0;
	if (mh->msg_namelen < 0)
		return EINVAL;
	mh->msg_namelen = MIN(mh->msg_namelen, SOCK_ADDR_MAX);
	return mh->msg_iovlen > UIO_MAXIOV ? EMSGSIZE : 0;
}

static int
sendmsg_one(struct lwp *l, int fd, const void *umsg, unsigned int flags,
    register_t *retval)
{
	struct sockmsg sm = { .sm_flags = (int)flags };
	struct linux_msghdr mh;
	struct linux_iov li;
	struct sockaddr_k sk;
	struct sockctl sc;
	int error;

	error = msghdr_in(umsg, &mh);
	if (error != 0)
		return error;
	if (mh.msg_namelen != 0) {
		error = addr_in((const void *)(uintptr_t)mh.msg_name,
		    mh.msg_namelen, &sk);
		if (error != 0)
			return error;
		sm.sm_addr = &sk;
	}
	error = linux_iov_in((const struct iovec *)(uintptr_t)mh.msg_iov,
	    (unsigned long)mh.msg_iovlen, &li);
	if (error != 0)
		return error;
	error = control_in(l, &mh, &sc);
	if (error == 0) {
		sm.sm_ctl = &sc;
		error = send_iov(l, fd, li.li_iov, li.li_count, li.li_total,
		    &sm, retval);
		sockctl_fini(&sc);
	}
	linux_iov_done(&li);
	return error;
}

int
linux_sys_sendmsg(struct lwp *l, const struct linux_sendmsg_args *uap,
    register_t *retval)
{
	return sendmsg_one(l, uap->fd, uap->msg, uap->flags, retval);
}

int
linux_sys_sendmmsg(struct lwp *l, const struct linux_sendmmsg_args *uap,
    register_t *retval)
{
	unsigned int i, n = MIN(uap->n, MMSG_MAX);
	register_t done = 0;
	int error = 0;

	for (i = 0; i < n; i++) {
		error = sendmsg_one(l, uap->fd, mmsg_at(uap->msgs, i),
		    uap->flags, &done);
		if (error != 0)
			break;
		error = mmsg_len_out(uap->msgs, i, done);
		if (error != 0)
			break;
	}
	*retval = (register_t)i;
	return i > 0 ? 0 : error;
}

/* ---- receiving ---- */

static int
recv_iov(struct lwp *l, int fd, struct iovec *iov, unsigned int count,
    size_t total, struct sockmsg *sm, register_t *retval)
{
	return msg_iov(l, fd, iov, count, total, sm, retval, do_recvmsg);
}

int
linux_sys_recvfrom(struct lwp *l, const struct linux_recvfrom_args *uap,
    register_t *retval)
{
	struct sockmsg sm = { .sm_flags = (int)uap->flags };
	struct sockaddr_k sk = { .sk_len = 0 };
	struct iovec iov;
	int error;

	if ((ssize_t)uap->len < 0)
		return EINVAL;
	if (uap->addr != NULL)
		sm.sm_addr = &sk;
	iov.iov_base = uap->buf;
	iov.iov_len = MIN(uap->len, LINUX_MAX_RW);
	error = recv_iov(l, uap->fd, &iov, 1, iov.iov_len, &sm, retval);
	if (error == 0 && uap->addr != NULL)
		error = addr_out(&sk, uap->addr, uap->addrlen);
	return error;
}

/* The members of a msghdr that recvmsg(2) sets, by their places. */
static int
msghdr_out(const struct linux_msghdr *mh, char *umsg)
{
	bool is32 = linux_is32();
	size_t len = is32 ? __offsetof(struct linux32_msghdr, msg_controllen) :
	    __offsetof(struct linux_msghdr, msg_controllen);
	size_t flags = is32 ? __offsetof(struct linux32_msghdr, msg_flags) :
	    __offsetof(struct linux_msghdr, msg_flags);
	int error = linux_long_out(mh->msg_controllen, umsg + len);

	return error != 0 ? error : copyout(&mh->msg_flags, umsg + flags,
	    sizeof(mh->msg_flags));
}

/* What was received besides the bytes. */
static int
recvmsg_out(struct lwp *l, void *umsg, struct linux_msghdr *mh,
    struct sockmsg *sm)
{
	const struct sockaddr_k *sk = sm->sm_addr;
	size_t namelen = linux_is32() ?
	    __offsetof(struct linux32_msghdr, msg_namelen) :
	    __offsetof(struct linux_msghdr, msg_namelen);
	int error = 0, len;

	if (sk != NULL) {
		len = (int)sk->sk_len;
		error = copyout(sk->sk_data, (void *)(uintptr_t)mh->msg_name,
		    MIN((size_t)mh->msg_namelen, sk->sk_len));
		if (error == 0)
			error = copyout(&len, (char *)umsg + namelen,
			    sizeof(len));
	}
	if (error == 0)
		error = control_out(l, mh, sm);
	mh->msg_flags = (uint32_t)(sm->sm_outflags |
	    (sm->sm_flags & MSG_CMSG_CLOEXEC));
	return error != 0 ? error : msghdr_out(mh, umsg);
}

static int
recvmsg_one(struct lwp *l, int fd, void *umsg, unsigned int flags,
    register_t *retval)
{
	struct sockmsg sm = { .sm_flags = (int)flags };
	struct sockctl sc = { .sc_nfiles = 0 };
	struct sockaddr_k sk = { .sk_len = 0 };
	struct linux_msghdr mh;
	struct linux_iov li;
	int error;

	error = msghdr_in(umsg, &mh);
	if (error != 0)
		return error;
	error = linux_iov_in((const struct iovec *)(uintptr_t)mh.msg_iov,
	    (unsigned long)mh.msg_iovlen, &li);
	if (error != 0)
		return error;
	sm.sm_ctl = &sc;
	if (mh.msg_name != 0)
		sm.sm_addr = &sk;
	error = recv_iov(l, fd, li.li_iov, li.li_count, li.li_total, &sm,
	    retval);
	if (error == 0)
		error = recvmsg_out(l, umsg, &mh, &sm);
	sockctl_fini(&sc);
	linux_iov_done(&li);
	return error;
}

int
linux_sys_recvmsg(struct lwp *l, const struct linux_recvmsg_args *uap,
    register_t *retval)
{
	return recvmsg_one(l, uap->fd, uap->msg, uap->flags, retval);
}

/*
 * As on Linux the time-out is looked at between messages only; a wait for
 * one goes on as long as it takes.
 */
int
linux_sys_recvmmsg(struct lwp *l, const struct linux_recvmmsg_args *uap,
    register_t *retval)
{
	unsigned int i, n = MIN(uap->n, MMSG_MAX), flags = uap->flags;
	nsec_t deadline = 0, left;
	register_t done = 0;
	int error = 0;

	if (uap->timeout != NULL) {
		error = linux_timespec_in(uap->timeout, &left);
		if (error != 0)
			return error;
		deadline = nanouptime() + left;
	}
	for (i = 0; i < n; i++) {
		error = recvmsg_one(l, uap->fd, mmsg_at(uap->msgs, i),
		    flags & ~(unsigned int)MSG_WAITFORONE, &done);
		if (error != 0)
			break;
		error = mmsg_len_out(uap->msgs, i, done);
		if (error != 0)
			break;
		if ((flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
		if (deadline != 0 && nanouptime() >= deadline) {
			i++;
			break;
		}
	}
	if (i > 0 && deadline != 0) {
		left = MAX(deadline - nanouptime(), 0);
		(void)linux_timespec_out(left, uap->timeout);
	}
	*retval = (register_t)i;
	return i > 0 ? 0 : error;
}
