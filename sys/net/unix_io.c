/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX: sending and receiving.
 *
 * Overview: a send makes a message of what the program gives, with no lock
 * held, and puts it into the queue of the socket at the other end.  A stream's
 * reader takes bytes out of messages, the others take them whole.  A message
 * carries who sent it, and maybe open files.
 *
 * How much may wait in a queue is the sender's SO_SNDBUF, counted with some
 * room for each message; who sends more waits on the receiver's so_snd.
 *
 * Locking: up_rxlock makes readers one at a time and so keeps the message
 * they look at; senders need so_lock only.  Nobody sleeps for data or room
 * with up_rxlock.  User memory is touched with so_lock released.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/termios.h>
#include <sys/uio.h>
#include <net/unix.h>

#define	CHUNK		(4 * PAGE_SIZE - sizeof(struct unixmsg))
#define	OVERHEAD	768		/* what Linux reckons for one, too */
#define	DGRAM_QLEN	10		/* from those who are not our peer */

/* ---- messages ---- */

void
unix_own_cred(struct ucred_k *uc, bool effective)
{
	const struct cred *cr = curlwp->l_cred;

	uc->pid = curproc->p_pid;
	uc->uid = effective ? cr->cr_euid : cr->cr_ruid;
	uc->gid = effective ? cr->cr_egid : cr->cr_rgid;
}

/* May the caller say that it is this? */
static int
check_cred(const struct ucred_k *uc)
{
	const struct cred *cr = curlwp->l_cred;

	if (uc->pid != curproc->p_pid &&
	    cred_capable(cr, CAP_SYS_ADMIN) != 0)
		return EPERM;
	if (uc->uid != cr->cr_ruid && uc->uid != cr->cr_euid &&
	    uc->uid != cr->cr_suid && cred_capable(cr, CAP_SETUID) != 0)
		return EPERM;
	if (uc->gid != cr->cr_rgid && uc->gid != cr->cr_egid &&
	    uc->gid != cr->cr_sgid && cred_capable(cr, CAP_SETGID) != 0)
		return EPERM;
	return 0;
}

/* A message of the next n bytes; control data of sm are taken over. */
static int
msg_make(struct socket *so, struct uio *uio, size_t n, struct sockmsg *sm,
    struct unixmsg **mp)
{
	struct sockctl *sc = sm->sm_ctl;
	struct unixmsg *m;
	size_t left = uio->uio_resid;
	int error;

	m = kmem_alloc(sizeof(*m) + n, KM_SLEEP);
	if (m == NULL)
		return ENOBUFS;
	memset(m, 0, sizeof(*m));
	m->um_len = n;
	error = uiomove(m->um_data, n, uio);
	if (error != 0) {
		uio->uio_resid = left;
		kmem_free(m, sizeof(*m) + n);
		return error;
	}
	m->um_ctl.sc_hascred = true;
	if (sc != NULL && sc->sc_hascred)
		m->um_ctl.sc_cred = sc->sc_cred;
	else
		unix_own_cred(&m->um_ctl.sc_cred, false);
	if (sc != NULL && sc->sc_nfiles > 0) {
		m->um_ctl.sc_files = sc->sc_files;
		m->um_ctl.sc_nfiles = sc->sc_nfiles;
		sc->sc_files = NULL;
		sc->sc_nfiles = 0;
	}
	mutex_enter(&so->so_lock);
	if (unixpcb(so)->up_name != NULL)
		m->um_from = unixname_ref(unixpcb(so)->up_name);
	mutex_exit(&so->so_lock);
	*mp = m;
	return 0;
}

void
unixmsg_free(struct unixmsg *m)
{
	unix_gc_leave(m);
	unix_drop_files(&m->um_ctl);
	unixname_unref(m->um_from);
	kmem_free(m, sizeof(*m) + m->um_len);
}

/* Queue it. [l] */
static void
enqueue(struct socket *to, struct unixmsg *m)
{
	struct unixpcb *up = unixpcb(to);

	TAILQ_INSERT_TAIL(&up->up_msgs, m, um_link);
	up->up_charged += m->um_len + OVERHEAD;
	up->up_bytes += m->um_len;
	up->up_count++;
	cv_broadcast(&to->so_rcv);
	pollwakeup(&to->so_poll, POLLIN | POLLRDNORM);
}

/* It has been read: out of the queue.  True: tell who waits for room. [l] */
static bool
dequeue(struct socket *so, struct unixmsg *m)
{
	struct unixpcb *up = unixpcb(so);

	TAILQ_REMOVE(&up->up_msgs, m, um_link);
	up->up_charged -= m->um_len + OVERHEAD;
	up->up_bytes -= m->um_len - m->um_off;
	up->up_count--;
	if (!up->up_wanted || up->up_charged > so->so_sndbuf / 4)
		return false;
	up->up_wanted = false;
	cv_broadcast(&so->so_snd);
	return true;
}

static void
tell_writers(struct socket *so)
{
	struct unixpcb *r;

	mutex_enter(&unix_mutex);
	LIST_FOREACH(r, &unixpcb(so)->up_refs, up_reflink)
		pollwakeup(&r->up_so->so_poll, POLLOUT | POLLWRNORM);
	mutex_exit(&unix_mutex);
}

/* ---- sending ---- */

/*
 * May `so` put another message into that queue?  0, EAGAIN, EPIPE,
 * ECONNREFUSED (a datagram socket that is closed), EPERM.  The receiver's [l]
 */
static int
may_enqueue(const struct socket *so, size_t sndbuf, const struct socket *to,
    size_t len)
{
	const struct unixpcb *up = unixpcb(to);
	bool dgram = to->so_type == SOCK_DGRAM;
	bool back = up->up_peer == so;

	if (up->up_dead)
		return dgram ? ECONNREFUSED : EPIPE;
	if (dgram && up->up_peer != NULL && !back)
		return EPERM;
	if (up->up_rcvshut)
		return EPIPE;
	if (dgram && !back && to != so && up->up_count > DGRAM_QLEN)
		return EAGAIN;
	if (up->up_count == 0)
		return 0;
	/* A message that has to go in whole may need most of the room. */
	if (to->so_type == SOCK_STREAM)
		len = 0;
	return up->up_charged + len >= sndbuf ? EAGAIN : 0;
}

struct sender {				/* one send(2) */
	struct socket	*sn_so, *sn_to;	/* sn_to is referenced */
	size_t		sn_sndbuf;
	bool		sn_nonblock;
	nsec_t		sn_deadline;
};

/*
 * Wait for room; with m, put it in.  Files are in the queue and counted as
 * being there in one step: unix_gc() must not see one without the other.
 */
static int
wait_and_enqueue(struct sender *sn, size_t len, struct unixmsg *m)
{
	bool files = m != NULL && m->um_ctl.sc_nfiles > 0;
	struct socket *to = sn->sn_to;
	int error = 0;

	while (error == 0) {
		if (files)
			mutex_enter(&unix_mutex);
		mutex_enter(&to->so_lock);
		error = may_enqueue(sn->sn_so, sn->sn_sndbuf, to, len);
		if (error == 0 && m != NULL) {
			enqueue(to, m);
			if (files)
				unix_gc_enter(m);
		}
		if (files)
			mutex_exit(&unix_mutex);
		/* Who does not wait here waits in poll or epoll. */
		if (error == EAGAIN)
			unixpcb(to)->up_wanted = true;
		if (error != EAGAIN || sn->sn_nonblock) {
			mutex_exit(&to->so_lock);
			break;
		}
		error = socket_wait(to, &to->so_snd, sn->sn_deadline);
		mutex_exit(&to->so_lock);
	}
	return error;
}

/* To whom, and how; EDESTADDRREQ and so on. */
static int
sender_init(struct sender *sn, struct socket *so, struct sockmsg *sm,
    bool nonblock)
{
	struct unixpcb *up = unixpcb(so);
	bool toaddr = sm->sm_addr != NULL && sm->sm_addr->sk_len != 0 &&
	    so->so_type != SOCK_SEQPACKET;
	int error;

	sn->sn_so = so;
	sn->sn_to = NULL;
	sn->sn_nonblock = nonblock;
	mutex_enter(&so->so_lock);
	sn->sn_sndbuf = so->so_sndbuf;
	sn->sn_deadline = socket_deadline(so->so_sndtimeo);
	error = socket_take_error(so);
	if (error == 0 && up->up_sndshut)
		error = EPIPE;
	else if (error == 0 && toaddr && so->so_type == SOCK_STREAM)
		error = up->up_peer != NULL ? EISCONN : EOPNOTSUPP;
	else if (error == 0 && !toaddr && up->up_peer == NULL)
		error = ENOTCONN;
	else if (error == 0 && !toaddr)
		sn->sn_to = socket_ref(up->up_peer);
	mutex_exit(&so->so_lock);
	if (error == 0 && toaddr)
		error = unix_lookup(sm->sm_addr, SOCK_DGRAM, &sn->sn_to);
	return error;
}

static int
send_stream(struct sender *sn, struct uio *uio, struct sockmsg *sm)
{
	struct unixmsg *m;
	size_t n;
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		n = MIN(uio->uio_resid, CHUNK);
		error = wait_and_enqueue(sn, n, NULL);
		if (error != 0)
			break;
		error = msg_make(sn->sn_so, uio, n, sm, &m);
		if (error != 0)
			break;
		error = wait_and_enqueue(sn, n, m);
		if (error != 0) {
			unixmsg_free(m);
			uio->uio_resid += n;
		}
	}
	return error;
}

static int
send_packet(struct sender *sn, struct uio *uio, struct sockmsg *sm)
{
	size_t n = uio->uio_resid;
	struct unixmsg *m;
	int error;

	if (n > sn->sn_sndbuf - 32)
		return EMSGSIZE;
	error = wait_and_enqueue(sn, n, NULL);
	if (error != 0)
		return error;
	error = msg_make(sn->sn_so, uio, n, sm, &m);
	if (error != 0)
		return error;
	error = wait_and_enqueue(sn, n, m);
	if (error != 0) {
		unixmsg_free(m);
		uio->uio_resid += n;
	}
	return error;
}

int
unix_send(struct socket *so, struct uio *uio, struct sockmsg *sm,
    bool nonblock)
{
	struct sender sn;
	int error = 0;

	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	if (sm->sm_ctl != NULL && sm->sm_ctl->sc_hascred)
		error = check_cred(&sm->sm_ctl->sc_cred);
	if (error == 0)
		error = sender_init(&sn, so, sm, nonblock);
	if (error != 0)
		return error;
	if (so->so_type == SOCK_STREAM)
		error = send_stream(&sn, uio, sm);
	else
		error = send_packet(&sn, uio, sm);
	socket_unref(sn.sn_to);
	return error;
}

/* ---- receiving ---- */

/* The files of a message go to the receiver; with peek, copies. */
static int
take_files(struct unixmsg *m, struct sockmsg *sm, bool peek)
{
	struct sockctl *from = &m->um_ctl, *to = sm->sm_ctl, drop;
	unsigned int i;

	if (from->sc_nfiles == 0)
		return 0;
	if (to == NULL) {
		sm->sm_outflags |= MSG_CTRUNC;
		if (peek)
			return 0;
		unix_gc_leave(m);
		drop = *from;
		from->sc_files = NULL;
		from->sc_nfiles = 0;
		unix_drop_files(&drop);
		return 0;
	}
	if (!peek) {
		unix_gc_leave(m);
		to->sc_files = from->sc_files;
		to->sc_nfiles = from->sc_nfiles;
		from->sc_files = NULL;
		from->sc_nfiles = 0;
		return 0;
	}
	to->sc_files = kmem_alloc(from->sc_nfiles * sizeof(struct file *),
	    KM_SLEEP);
	if (to->sc_files == NULL)
		return ENOBUFS;
	for (i = 0; i < from->sc_nfiles; i++)
		to->sc_files[i] = file_get(from->sc_files[i]);
	to->sc_nfiles = from->sc_nfiles;
	return 0;
}

static void
take_cred(struct socket *so, const struct unixmsg *m, struct sockmsg *sm)
{
	if (sm->sm_ctl == NULL || !socket_option(so, SO_PASSCRED))
		return;
	sm->sm_ctl->sc_hascred = true;
	sm->sm_ctl->sc_cred = m->um_ctl.sc_cred;
}

static void
take_addr(const struct unixmsg *m, struct sockmsg *sm)
{
	if (sm->sm_addr == NULL)
		return;
	if (m->um_from != NULL)
		*sm->sm_addr = m->um_from->un_addr;
	else
		sm->sm_addr->sk_len = 0;
}

struct receiver {			/* one recv(2) */
	struct socket	*rc_so;
	bool		rc_nonblock;
	nsec_t		rc_deadline;
};

/*
 * The message behind `after` (NULL: the first), with up_rxlock held; it is
 * let go while we sleep.  With wait there is one, or an error; ESHUTDOWN: no
 * more will come.
 */
static int
next_msg(struct receiver *rc, struct unixmsg *after, bool wait,
    struct unixmsg **mp)
{
	struct socket *so = rc->rc_so;
	struct unixpcb *up = unixpcb(so);
	int error = 0;

	for (;;) {
		mutex_enter(&so->so_lock);
		*mp = after == NULL ? TAILQ_FIRST(&up->up_msgs) :
		    TAILQ_NEXT(after, um_link);
		if (*mp != NULL || !wait)
			break;
		error = socket_take_error(so);
		if (error == 0 && up->up_rcvshut)
			error = ESHUTDOWN;
		else if (error == 0 && rc->rc_nonblock)
			error = EAGAIN;
		if (error != 0)
			break;
		mutex_exit(&up->up_rxlock);
		error = socket_wait(so, &so->so_rcv, rc->rc_deadline);
		mutex_exit(&so->so_lock);
		mutex_enter(&up->up_rxlock);
		if (error != 0)
			return error;
	}
	mutex_exit(&so->so_lock);
	return error;
}

/* k bytes of it have been read. */
static void
consume(struct socket *so, struct unixmsg *m, size_t k)
{
	bool gone, tell = false;

	mutex_enter(&so->so_lock);
	gone = m->um_off + k == m->um_len;
	if (gone) {
		tell = dequeue(so, m);
	} else {
		m->um_off += k;
		unixpcb(so)->up_bytes -= k;
	}
	mutex_exit(&so->so_lock);
	if (tell)
		tell_writers(so);
	if (gone)
		unixmsg_free(m);
}

static bool
same_cred(const struct ucred_k *a, const struct ucred_k *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/*
 * Bytes of one message after another, up to what is wanted.  Messages of
 * different senders are not put together where credentials are asked for;
 * files end a read.
 */
static int
recv_stream(struct receiver *rc, struct uio *uio, struct sockmsg *sm)
{
	bool peek = (sm->sm_flags & MSG_PEEK) != 0, first = true, files;
	struct socket *so = rc->rc_so;
	size_t want = uio->uio_resid, target, k;
	struct unixmsg *m, *seen = NULL;
	int error = 0;

	target = (sm->sm_flags & MSG_WAITALL) != 0 && !peek ? want :
	    MIN(want, (size_t)so->so_rcvlowat);
	while (uio->uio_resid > 0 && error == 0) {
		error = next_msg(rc, seen, want - uio->uio_resid < target,
		    &m);
		if (error != 0 || m == NULL)
			break;
		if (!first && sm->sm_ctl != NULL && sm->sm_ctl->sc_hascred &&
		    !same_cred(&m->um_ctl.sc_cred, &sm->sm_ctl->sc_cred))
			break;
		k = MIN(m->um_len - m->um_off, uio->uio_resid);
		error = uiomove(m->um_data + m->um_off, k, uio);
		if (error != 0)
			break;
		if (first) {
			take_addr(m, sm);
			take_cred(so, m, sm);
		}
		first = false;
		files = m->um_ctl.sc_nfiles > 0;
		error = take_files(m, sm, peek);
		if (peek)
			seen = m;
		else
			consume(so, m, k);
		if (files)
			break;
	}
	return error == ESHUTDOWN ? 0 : error;
}

static int
recv_packet(struct receiver *rc, struct uio *uio, struct sockmsg *sm)
{
	bool peek = (sm->sm_flags & MSG_PEEK) != 0;
	struct socket *so = rc->rc_so;
	struct unixmsg *m;
	size_t k;
	int error;

	error = next_msg(rc, NULL, true, &m);
	if (error != 0)
		return error == ESHUTDOWN ? 0 : error;
	k = MIN(m->um_len, uio->uio_resid);
	error = uiomove(m->um_data, k, uio);
	if (error != 0)
		return error;
	if (k < m->um_len)
		sm->sm_outflags |= MSG_TRUNC;
	sm->sm_fullen = m->um_len;
	take_addr(m, sm);
	take_cred(so, m, sm);
	error = take_files(m, sm, peek);
	if (!peek)
		consume(so, m, m->um_len);
	return error;
}

int
unix_recv(struct socket *so, struct uio *uio, struct sockmsg *sm,
    bool nonblock)
{
	struct unixpcb *up = unixpcb(so);
	struct receiver rc = { .rc_so = so, .rc_nonblock = nonblock };
	int error;

	if ((sm->sm_flags & MSG_OOB) != 0)
		return so->so_type == SOCK_STREAM ? EINVAL : EOPNOTSUPP;
	if (sm->sm_addr != NULL)
		sm->sm_addr->sk_len = 0;
	if (so->so_type != SOCK_DGRAM && up->up_state != UNIX_CONNECTED)
		return so->so_type == SOCK_STREAM ? EINVAL : ENOTCONN;
	rc.rc_deadline = socket_deadline(so->so_rcvtimeo);
	mutex_enter(&up->up_rxlock);
	if (so->so_type == SOCK_STREAM)
		error = recv_stream(&rc, uio, sm);
	else
		error = recv_packet(&rc, uio, sm);
	mutex_exit(&up->up_rxlock);
	return error;
}

/* ---- poll and ioctl ---- */

/* Could a message be sent to the peer?  If not, its readers will tell. */
static bool
writable(const struct socket *so, size_t sndbuf, struct socket *to)
{
	struct unixpcb *up = unixpcb(to);
	int error;

	mutex_enter(&to->so_lock);
	error = may_enqueue(so, sndbuf / 4, to, 0);
	if (error == EAGAIN)
		up->up_wanted = true;
	mutex_exit(&to->so_lock);
	return error != EAGAIN;
}

unsigned int
unix_ready(struct socket *so)
{
	struct unixpcb *up = unixpcb(so);
	bool dgram = so->so_type == SOCK_DGRAM;
	struct socket *peer;
	unsigned int r = 0;
	size_t sndbuf;

	mutex_enter(&so->so_lock);
	if (so->so_error != 0)
		r |= POLLERR;
	if (!TAILQ_EMPTY(&up->up_msgs) || !TAILQ_EMPTY(&up->up_acceptq))
		r |= POLLIN | POLLRDNORM;
	if (up->up_rcvshut)
		r |= POLLIN | POLLRDNORM | POLLRDHUP;
	if ((up->up_rcvshut && up->up_sndshut) ||
	    (!dgram && up->up_state == UNIX_NEW))
		r |= POLLHUP;
	peer = up->up_peer == NULL ? NULL : socket_ref(up->up_peer);
	sndbuf = so->so_sndbuf;
	if (up->up_state == UNIX_LISTEN) {
		mutex_exit(&so->so_lock);
		return r;
	}
	mutex_exit(&so->so_lock);
	if (peer == NULL || writable(so, sndbuf, peer))
		r |= POLLOUT | POLLWRNORM;
	if (peer != NULL)
		socket_unref(peer);
	return r;
}

int
unix_ioctl(struct socket *so, unsigned long cmd, uintptr_t uarg)
{
	struct unixpcb *up = unixpcb(so);
	struct socket *peer = NULL;
	struct unixmsg *m;
	int n = 0;

	switch (cmd) {
	case FIONREAD:
		mutex_enter(&so->so_lock);
		m = TAILQ_FIRST(&up->up_msgs);
		if (so->so_type == SOCK_STREAM)
			n = (int)up->up_bytes;
		else if (m != NULL)
			n = (int)m->um_len;
		if (up->up_state == UNIX_LISTEN)
			n = -1;
		mutex_exit(&so->so_lock);
		if (n < 0)
			return EINVAL;
		break;
	case TIOCOUTQ:
		mutex_enter(&so->so_lock);
		if (up->up_peer != NULL)
			peer = socket_ref(up->up_peer);
		mutex_exit(&so->so_lock);
		if (peer != NULL) {
			mutex_enter(&peer->so_lock);
			n = (int)unixpcb(peer)->up_charged;
			mutex_exit(&peer->so_lock);
			socket_unref(peer);
		}
		break;
	default:
		return ENOTTY;
	}
	return copyout(&n, (void *)uarg, sizeof(n));
}
