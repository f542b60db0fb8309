/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX: names, connections, ends.  What is sent is in unix_io.c.
 *
 * Overview: each socket has a queue of messages that were sent to it.  A
 * stream or seqpacket socket has a peer for its life; a datagram socket may
 * have one and change it.  A name is a file (a socket node, whose vnode finds
 * the socket) or, with a NUL in front, just a string.
 *
 * States (up_state; streams and seqpackets):
 *	NEW		made, maybe bound
 *	LISTEN		listen(2); connections wait in up_acceptq
 *	CONNECTED	has a peer, or had one that is closed by now (up_dead)
 * up_rcvshut and up_sndshut are the two halves that shutdown(2), here or at
 * the peer, has ended.
 *
 * Locking: unix_mutex for who is connected to whom and for names; so_lock for
 * a socket's queue and state.  Order: unix_mutex, so_lock; never two so_locks.
 *
 * Untrusted input: addresses; lengths are checked here.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <net/unix.h>

#define	BUCKETS		64

struct mutex unix_mutex;
struct unixpcbs unix_all = LIST_HEAD_INITIALIZER(unix_all);
static struct unixpcbs bound[BUCKETS];		/* [u] */
static unsigned int next_auto;			/* [u] */

/* ---- names ---- */

struct unixname *
unixname_ref(struct unixname *un)
{
	refcount_get(&un->un_ref);
	return un;
}

void
unixname_unref(struct unixname *un)
{
	if (un != NULL && refcount_put(&un->un_ref))
		kmem_free(un, sizeof(*un));
}

static struct unixname *
name_alloc(const struct sockaddr_k *sk)
{
	struct unixname *un;

	un = kmem_zalloc(sizeof(*un), KM_SLEEP);
	if (un == NULL)
		return NULL;
	un->un_ref = 1;
	un->un_addr = *sk;
	return un;
}

static bool
is_abstract(const struct sockaddr_k *sk)
{
	return sk->sk_len > SUN_OFFSET && sk->sk_data[SUN_OFFSET] == '\0';
}

static struct unixpcbs *
bucket_of_name(const struct sockaddr_k *sk)
{
	return &bound[hash32(sk->sk_data, sk->sk_len) % BUCKETS];
}

static struct unixpcbs *
bucket_of_vnode(const struct vnode *vp)
{
	return &bound[((uintptr_t)vp >> 6) % BUCKETS];
}

/* Each type of socket has strings of its own. [u] */
static struct unixpcb *
find_abstract(const struct sockaddr_k *sk, int type)
{
	struct unixpcb *up;

	LIST_FOREACH(up, bucket_of_name(sk), up_bound)
		if (up->up_vnode == NULL && up->up_so->so_type == type &&
		    up->up_name->un_addr.sk_len == sk->sk_len &&
		    memcmp(up->up_name->un_addr.sk_data, sk->sk_data,
		    sk->sk_len) == 0)
			return up;
	return NULL;
}

static struct unixpcb *
find_vnode(const struct vnode *vp)
{
	struct unixpcb *up;

	LIST_FOREACH(up, bucket_of_vnode(vp), up_bound)
		if (up->up_vnode == vp)
			return up;
	return NULL;
}

static int
check_addr(const struct sockaddr_k *sk)
{
	if (sk->sk_len <= SUN_OFFSET || sk->sk_len > SUN_OFFSET + SUN_PATH_MAX)
		return EINVAL;
	return sk->sk_family == AF_UNIX ? 0 : EINVAL;
}

/* The path name in an address; it need not be terminated there. */
static void
path_of(const struct sockaddr_k *sk, char buf[SUN_PATH_MAX + 1])
{
	memcpy(buf, sk->sk_data + SUN_OFFSET, sk->sk_len - SUN_OFFSET);
	buf[sk->sk_len - SUN_OFFSET] = '\0';
}

int
unix_lookup(const struct sockaddr_k *sk, int type, struct socket **sop)
{
	char name[SUN_PATH_MAX + 1];
	struct path p = { NULL, NULL };
	struct unixpcb *up;
	int error;

	error = check_addr(sk);
	if (error != 0)
		return error;
	if (!is_abstract(sk)) {
		path_of(sk, name);
		error = namei(curlwp, NULL, name, LOOKUP_FOLLOW, &p);
		if (error != 0)
			return error;
		if (!S_ISSOCK(path_vnode(&p)->v_mode))
			error = ECONNREFUSED;
		else
			error = vnode_access(path_vnode(&p), W_OK,
			    curlwp->l_cred);
	}
	mutex_enter(&unix_mutex);
	if (error == 0) {
		up = p.p_mnt == NULL ? find_abstract(sk, type) :
		    find_vnode(path_vnode(&p));
		if (up == NULL)
			error = ECONNREFUSED;
		else if (up->up_so->so_type != type)
			error = EPROTOTYPE;
		else
			*sop = socket_ref(up->up_so);
	}
	mutex_exit(&unix_mutex);
	if (p.p_mnt != NULL)
		path_put(&p);
	return error;
}

/* ---- bind ---- */

/* Give the socket its name; *un is taken over.  vp NULL: abstract. */
static int
bind_name(struct unixpcb *up, struct unixname *un, struct vnode *vp)
{
	int error = 0;

	mutex_enter(&unix_mutex);
	if (up->up_name != NULL) {
		error = EINVAL;
	} else if (vp == NULL && find_abstract(&un->un_addr,
	    up->up_so->so_type) != NULL) {
		error = EADDRINUSE;
	} else {
		LIST_INSERT_HEAD(vp == NULL ? bucket_of_name(&un->un_addr) :
		    bucket_of_vnode(vp), up, up_bound);
		up->up_vnode = vp == NULL ? NULL : vref(vp);
		mutex_enter(&up->up_so->so_lock);
		up->up_name = un;
		mutex_exit(&up->up_so->so_lock);
	}
	mutex_exit(&unix_mutex);
	if (error != 0)
		unixname_unref(un);
	return error;
}

/* bind(2) with a family alone: some free abstract name of five digits. */
static int
autobind(struct unixpcb *up)
{
	struct sockaddr_k sk = { .sk_len = SUN_OFFSET + 6 };
	struct unixname *un;
	unsigned int tries;
	char digits[8];
	int error = ENOSPC;

	if (up->up_name != NULL)
		return 0;
	for (tries = 0; tries <= 0xfffff; tries++) {
		mutex_enter(&unix_mutex);
		next_auto = (next_auto + 1) & 0xfffff;
		snprintf(digits, sizeof(digits), "%05x", next_auto);
		mutex_exit(&unix_mutex);
		sk.sk_family = AF_UNIX;
		sk.sk_data[SUN_OFFSET] = '\0';
		memcpy(sk.sk_data + SUN_OFFSET + 1, digits, 5);
		un = name_alloc(&sk);
		if (un == NULL)
			return ENOMEM;
		error = bind_name(up, un, NULL);
		if (error != EADDRINUSE)
			break;
	}
	return error;
}

static int
bind_path(struct unixpcb *up, const struct sockaddr_k *sk)
{
	char name[SUN_PATH_MAX + 1];
	struct sockaddr_k full = *sk;
	struct unixname *un;
	struct path p;
	int error;

	path_of(sk, name);
	full.sk_len = SUN_OFFSET + (unsigned int)strlen(name) + 1;
	memset(full.sk_data + SUN_OFFSET, 0, sizeof(full.sk_data) -
	    SUN_OFFSET);
	memcpy(full.sk_data + SUN_OFFSET, name, strlen(name));
	un = name_alloc(&full);
	if (un == NULL)
		return ENOMEM;
	error = do_mknod(curlwp, NULL, name, S_IFSOCK | 0777, 0);
	if (error == EEXIST)
		error = EADDRINUSE;
	if (error == 0)
		error = namei(curlwp, NULL, name, 0, &p);
	if (error != 0) {
		unixname_unref(un);
		return error;
	}
	error = bind_name(up, un, path_vnode(&p));
	path_put(&p);
	return error;
}

static int
unix_bind(struct socket *so, const struct sockaddr_k *sk)
{
	struct unixpcb *up = unixpcb(so);
	struct unixname *un;
	int error;

	if (sk->sk_len == SUN_OFFSET && sk->sk_family == AF_UNIX)
		return autobind(up);
	error = check_addr(sk);
	if (error != 0)
		return error;
	if (up->up_name != NULL)
		return EINVAL;
	if (!is_abstract(sk))
		return bind_path(up, sk);
	un = name_alloc(sk);
	return un == NULL ? ENOMEM : bind_name(up, un, NULL);
}

static int
unix_getname(struct socket *so, bool peer, struct sockaddr_k *sk)
{
	struct unixpcb *up = unixpcb(so);
	struct socket *who;

	mutex_enter(&so->so_lock);
	who = peer ? up->up_peer : so;
	if (who != NULL)
		(void)socket_ref(who);
	mutex_exit(&so->so_lock);
	if (who == NULL)
		return ENOTCONN;
	sk->sk_len = SUN_OFFSET;
	sk->sk_family = AF_UNIX;
	mutex_enter(&who->so_lock);
	if (unixpcb(who)->up_name != NULL)
		*sk = unixpcb(who)->up_name->un_addr;
	mutex_exit(&who->so_lock);
	socket_unref(who);
	return 0;
}

/* ---- connections ---- */

/* a's peer is b from now on, with a reference. [u] */
static void
set_peer(struct socket *a, struct socket *b)
{
	struct unixpcb *up = unixpcb(a);

	LIST_INSERT_HEAD(&unixpcb(b)->up_refs, up, up_reflink);
	mutex_enter(&a->so_lock);
	up->up_peer = socket_ref(b);
	if (a->so_type != SOCK_DGRAM)
		up->up_state = UNIX_CONNECTED;
	mutex_exit(&a->so_lock);
}

/* The peer a had, whose reference is the caller's; NULL: none. [u] */
static struct socket *
drop_peer(struct socket *a)
{
	struct unixpcb *up = unixpcb(a);
	struct socket *peer;

	mutex_enter(&a->so_lock);
	peer = up->up_peer;
	up->up_peer = NULL;
	mutex_exit(&a->so_lock);
	if (peer != NULL)
		LIST_REMOVE(up, up_reflink);
	return peer;
}

static int
connect_dgram(struct socket *so, const struct sockaddr_k *sk)
{
	struct socket *to = NULL, *old, *back;
	int error;

	if (sk->sk_len >= SUN_OFFSET && sk->sk_family != AF_UNSPEC) {
		error = unix_lookup(sk, SOCK_DGRAM, &to);
		if (error != 0)
			return error;
	}
	mutex_enter(&unix_mutex);
	if (to != NULL && to != so) {
		mutex_enter(&to->so_lock);
		back = unixpcb(to)->up_peer;
		mutex_exit(&to->so_lock);
		if (back != NULL && back != so) {
			mutex_exit(&unix_mutex);
			socket_unref(to);
			return EPERM;
		}
	}
	old = drop_peer(so);
	if (to != NULL)
		set_peer(so, to);
	mutex_exit(&unix_mutex);
	if (old != NULL)
		socket_unref(old);
	if (to != NULL)
		socket_unref(to);
	pollwakeup(&so->so_poll, POLLOUT | POLLWRNORM);
	return 0;
}

/* Can a connection be queued?  EAGAIN: not now. Listener's [l] */
static int
listener_check(const struct unixpcb *lp)
{
	if (lp->up_state != UNIX_LISTEN || lp->up_dead || lp->up_rcvshut)
		return ECONNREFUSED;
	return lp->up_nacceptq > lp->up_backlog ? EAGAIN : 0;
}

/* Wait until the listener has room; it may be taken again meanwhile. */
static int
wait_for_listener(struct socket *ls, nsec_t deadline)
{
	int error;

	mutex_enter(&ls->so_lock);
	for (;;) {
		error = listener_check(unixpcb(ls));
		if (error != EAGAIN)
			break;
		error = socket_wait(ls, &ls->so_snd, deadline);
		if (error != 0)
			break;
	}
	mutex_exit(&ls->so_lock);
	return error;
}

/* Everything is there: make the connection. [u] */
static void
connect_commit(struct socket *so, struct socket *ls, struct socket *new)
{
	struct unixpcb *up = unixpcb(so), *lp = unixpcb(ls);
	struct unixpcb *np = unixpcb(new);
	struct ucred_k cred;

	set_peer(new, so);
	set_peer(so, new);
	unix_own_cred(&np->up_peercred, true);
	mutex_enter(&ls->so_lock);
	np->up_name = lp->up_name == NULL ? NULL : unixname_ref(lp->up_name);
	new->so_options = ls->so_options & 1U << SO_PASSCRED;
	cred = lp->up_peercred;
	TAILQ_INSERT_TAIL(&lp->up_acceptq, np, up_acceptlink);
	lp->up_nacceptq++;
	cv_broadcast(&ls->so_rcv);
	pollwakeup(&ls->so_poll, POLLIN | POLLRDNORM);
	mutex_exit(&ls->so_lock);
	mutex_enter(&so->so_lock);
	up->up_peercred = cred;
	mutex_exit(&so->so_lock);
	pollwakeup(&so->so_poll, POLLOUT | POLLWRNORM);
}

static int	unix_alloc(int type, struct socket **);

static int
connect_stream(struct socket *so, const struct sockaddr_k *sk, bool nonblock)
{
	nsec_t deadline = socket_deadline(so->so_sndtimeo);
	struct unixpcb *up = unixpcb(so);
	struct socket *ls, *new;
	int error;

	error = unix_alloc(so->so_type, &new);
	if (error != 0)
		return error;
	for (;;) {
		error = unix_lookup(sk, so->so_type, &ls);
		if (error != 0)
			break;
		mutex_enter(&unix_mutex);
		if (up->up_state == UNIX_CONNECTED)
			error = EISCONN;
		else if (up->up_state == UNIX_LISTEN)
			error = EINVAL;
		else {
			mutex_enter(&ls->so_lock);
			error = listener_check(unixpcb(ls));
			mutex_exit(&ls->so_lock);
		}
		if (error == 0)
			connect_commit(so, ls, new);
		mutex_exit(&unix_mutex);
		if (error != EAGAIN || nonblock) {
			socket_unref(ls);
			break;
		}
		error = wait_for_listener(ls, deadline);
		socket_unref(ls);
		if (error != 0)
			break;
	}
	if (error != 0) {
		new->so_ops->so_close(new);
		socket_unref(new);
	}
	return error;
}

static int
unix_connect(struct socket *so, const struct sockaddr_k *sk, bool nonblock)
{
	if (sk->sk_len < SUN_OFFSET)
		return EINVAL;
	if (so->so_type == SOCK_DGRAM)
		return connect_dgram(so, sk);
	return connect_stream(so, sk, nonblock);
}

static int
unix_listen(struct socket *so, int backlog)
{
	struct unixpcb *up = unixpcb(so);
	int error = 0;

	if (so->so_type == SOCK_DGRAM)
		return EOPNOTSUPP;
	mutex_enter(&unix_mutex);
	mutex_enter(&so->so_lock);
	if (up->up_name == NULL || up->up_state == UNIX_CONNECTED) {
		error = EINVAL;
	} else {
		up->up_state = UNIX_LISTEN;
		so->so_listening = true;
		up->up_backlog = MIN((unsigned int)backlog, SOMAXCONN);
		unix_own_cred(&up->up_peercred, true);
		cv_broadcast(&so->so_snd);
	}
	mutex_exit(&so->so_lock);
	mutex_exit(&unix_mutex);
	return error;
}

static int
unix_accept(struct socket *so, bool nonblock, struct socket **newp)
{
	nsec_t deadline = socket_deadline(so->so_rcvtimeo);
	struct unixpcb *up = unixpcb(so), *np = NULL;
	int error = 0;

	if (so->so_type == SOCK_DGRAM)
		return EOPNOTSUPP;
	mutex_enter(&so->so_lock);
	while (error == 0) {
		np = TAILQ_FIRST(&up->up_acceptq);
		if (up->up_state != UNIX_LISTEN)
			error = EINVAL;
		else if (np != NULL)
			break;
		else if (up->up_rcvshut)
			error = EINVAL;
		else if (nonblock)
			error = EAGAIN;
		else
			error = socket_wait(so, &so->so_rcv, deadline);
	}
	if (error == 0) {
		TAILQ_REMOVE(&up->up_acceptq, np, up_acceptlink);
		up->up_nacceptq--;
		cv_broadcast(&so->so_snd);
		*newp = np->up_so;
	}
	mutex_exit(&so->so_lock);
	return error;
}

static int
unix_pair(struct socket *a, struct socket *b)
{
	mutex_enter(&unix_mutex);
	set_peer(a, b);
	set_peer(b, a);
	mutex_exit(&unix_mutex);
	unix_own_cred(&unixpcb(a)->up_peercred, true);
	unix_own_cred(&unixpcb(b)->up_peercred, true);
	return 0;
}

/* ---- ends ---- */

/* Nothing more comes in or goes out there; everybody looks again. */
static void
shut(struct socket *so, bool rcv, bool snd, int error)
{
	struct unixpcb *up = unixpcb(so);

	mutex_enter(&so->so_lock);
	up->up_rcvshut |= rcv;
	up->up_sndshut |= snd;
	if (error != 0)
		so->so_error = error;
	cv_broadcast(&so->so_rcv);
	cv_broadcast(&so->so_snd);
	mutex_exit(&so->so_lock);
	pollwakeup(&so->so_poll, 0);
}

static int
unix_shutdown(struct socket *so, int how)
{
	bool rcv = how != SHUT_WR, snd = how != SHUT_RD;
	struct unixpcb *up = unixpcb(so), *r;

	mutex_enter(&unix_mutex);
	shut(so, rcv, snd, 0);
	if (so->so_type != SOCK_DGRAM && up->up_peer != NULL)
		shut(up->up_peer, snd, rcv, 0);
	/* Who sends to us without being our peer. */
	LIST_FOREACH(r, &up->up_refs, up_reflink)
		pollwakeup(&r->up_so->so_poll, 0);
	mutex_exit(&unix_mutex);
	return 0;
}

/* Out of the table of names; the vnode is the caller's to release. [u] */
static struct vnode *
unbind(struct unixpcb *up)
{
	struct vnode *vp = up->up_vnode;

	/* An accepted socket shows its listener's name but is not bound. */
	if (up->up_bound.le_prev != NULL)
		LIST_REMOVE(up, up_bound);
	up->up_vnode = NULL;
	return vp;
}

/* Those that have us as peer learn that we are gone. [u] */
static void
tell_peers(struct socket *so, bool unread)
{
	struct unixpcb *r;

	LIST_FOREACH(r, &unixpcb(so)->up_refs, up_reflink) {
		if (so->so_type == SOCK_DGRAM)
			pollwakeup(&r->up_so->so_poll, 0);
		else
			shut(r->up_so, true, true, unread ? ECONNRESET : 0);
	}
}

static void
unix_close(struct socket *so)
{
	struct unixpcb *up = unixpcb(so), *np;
	struct unixmsgs msgs = TAILQ_HEAD_INITIALIZER(msgs);
	struct unixmsg *m;
	struct socket *peer;
	struct vnode *vp;

	mutex_enter(&unix_mutex);
	vp = unbind(up);
	LIST_REMOVE(up, up_all);
	mutex_enter(&so->so_lock);
	up->up_dead = up->up_rcvshut = up->up_sndshut = true;
	TAILQ_CONCAT(&msgs, &up->up_msgs, um_link);
	up->up_bytes = up->up_charged = up->up_count = 0;
	cv_broadcast(&so->so_rcv);
	cv_broadcast(&so->so_snd);
	mutex_exit(&so->so_lock);
	tell_peers(so, !TAILQ_EMPTY(&msgs));
	peer = drop_peer(so);
	mutex_exit(&unix_mutex);

	while ((np = TAILQ_FIRST(&up->up_acceptq)) != NULL) {
		TAILQ_REMOVE(&up->up_acceptq, np, up_acceptlink);
		mutex_enter(&unix_mutex);
		tell_peers(np->up_so, true);
		mutex_exit(&unix_mutex);
		unix_close(np->up_so);
		socket_unref(np->up_so);
	}
	while ((m = TAILQ_FIRST(&msgs)) != NULL) {
		TAILQ_REMOVE(&msgs, m, um_link);
		unixmsg_free(m);
	}
	if (peer != NULL)
		socket_unref(peer);
	if (vp != NULL)
		vrele(vp);
	unix_gc();
}

static void
unix_free(struct socket *so)
{
	struct unixpcb *up = unixpcb(so);

	unixname_unref(up->up_name);
	mutex_destroy(&up->up_rxlock);
	kmem_free(up, sizeof(*up));
}

/* ---- options ---- */

static int
unix_getopt(struct socket *so, int level, int opt, void *val, size_t *len)
{
	struct ucred_k cred;

	if (level != SOL_SOCKET)
		return EOPNOTSUPP;
	if (opt != SO_PEERCRED)
		return ENOPROTOOPT;
	mutex_enter(&so->so_lock);
	cred = unixpcb(so)->up_peercred;
	mutex_exit(&so->so_lock);
	*len = MIN(*len, sizeof(cred));
	memcpy(val, &cred, *len);
	return 0;
}

static int
unix_setopt(struct socket *so, int level, int opt, const void *val, size_t len)
{
	(void)so;
	(void)opt;
	(void)val;
	(void)len;
	return level == SOL_SOCKET ? ENOPROTOOPT : EOPNOTSUPP;
}

const struct sockops unix_sockops = {
	.so_bind = unix_bind,
	.so_connect = unix_connect,
	.so_listen = unix_listen,
	.so_accept = unix_accept,
	.so_pair = unix_pair,
	.so_getname = unix_getname,
	.so_shutdown = unix_shutdown,
	.so_send = unix_send,
	.so_recv = unix_recv,
	.so_ready = unix_ready,
	.so_setopt = unix_setopt,
	.so_getopt = unix_getopt,
	.so_ioctl = unix_ioctl,
	.so_close = unix_close,
	.so_free = unix_free,
};

/* ---- for /proc ---- */

/* Linux's numbers: 1 unconnected, 3 connected; a listener is the former. */
static void
list_one(const struct unixpcb *up, void (*out)(void *, const char *, size_t),
    void *ctx)
{
	const struct socket *so = up->up_so;
	char line[2 * SUN_PATH_MAX], *p;
	int n, i;

	n = scnprintf(line, sizeof(line),
	    "%016lx: %08X %08X %08X %04X %02X %5llu", (unsigned long)0,
	    so->so_ref, 0, so->so_listening ? 1 << 16 : 0, so->so_type,
	    up->up_state == UNIX_CONNECTED ? 3 : 1,
	    (unsigned long long)so->so_ino);
	out(ctx, line, (size_t)n);
	if (up->up_name != NULL && up->up_name->un_addr.sk_len > SUN_OFFSET) {
		n = (int)up->up_name->un_addr.sk_len - SUN_OFFSET;
		line[0] = ' ';
		memcpy(line + 1, up->up_name->un_addr.sk_data + SUN_OFFSET,
		    (size_t)n);
		p = line + 1;
		if (p[0] != '\0')
			n = (int)strlen(p);
		for (i = 0; i < n; i++)
			if (p[i] == '\0')
				p[i] = '@';
		out(ctx, line, (size_t)n + 1);
	}
	out(ctx, "\n", 1);
}

void
unix_list(void (*out)(void *, const char *, size_t), void *ctx)
{
	struct unixpcb *up;

	mutex_enter(&unix_mutex);
	LIST_FOREACH(up, &unix_all, up_all)
		list_one(up, out, ctx);
	mutex_exit(&unix_mutex);
}

/* ---- creating ---- */

static int
unix_alloc(int type, struct socket **sop)
{
	struct unixpcb *up;
	int error;

	up = kmem_zalloc(sizeof(*up), KM_SLEEP);
	if (up == NULL)
		return ENOMEM;
	error = socket_alloc(AF_UNIX, type, 0, &unix_sockops, up, sop);
	if (error != 0) {
		kmem_free(up, sizeof(*up));
		return error;
	}
	up->up_so = *sop;
	LIST_INIT(&up->up_refs);
	mutex_init(&up->up_rxlock, "unix_rx");
	TAILQ_INIT(&up->up_msgs);
	TAILQ_INIT(&up->up_acceptq);
	up->up_peercred.uid = up->up_peercred.gid = ~0U;
	mutex_enter(&unix_mutex);
	LIST_INSERT_HEAD(&unix_all, up, up_all);
	mutex_exit(&unix_mutex);
	return 0;
}

static int
unix_create(struct lwp *l, int type, int proto, struct socket **sop)
{
	(void)l;
	if (proto != 0 && proto != AF_UNIX)
		return EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;	/* as BSD believed and Linux does */
	if (type != SOCK_STREAM && type != SOCK_DGRAM &&
	    type != SOCK_SEQPACKET)
		return ESOCKTNOSUPPORT;
	return unix_alloc(type, sop);
}

static void
unix_init(void)
{
	mutex_init(&unix_mutex, "unix");
	unix_gc_init();
}

static const struct sockfamily unix_family = {
	.sf_family = AF_UNIX,
	.sf_init = unix_init,
	.sf_create = unix_create,
};
SOCKET_FAMILY(unix_family);
