/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: what the system calls ask of them, and what an address family
 * gives.
 *
 * Overview: a family registers itself with SOCKET_FAMILY(); its sf_create()
 * makes sockets with operations of its own.  net/uipc_socket.c is what they
 * have in common: the open file, options, time-outs, errors.  Addresses and
 * messages are in kernel memory here; control data is a struct sockctl, which
 * the system-call layer makes from and into the ABI's form.
 *
 * Lock letters: [I] immutable, [a] atomic, [l] so_lock, [f] the family's.
 */
#ifndef _SYS_SOCKET_H_
#define	_SYS_SOCKET_H_

#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/linkset.h>
#include <sys/poll.h>
#include <sys/types.h>

struct cred;
struct file;
struct lwp;
struct proc;
struct socket;
struct stat_k;
struct uio;

#define	AF_UNSPEC	0
#define	AF_UNIX		1
#define	AF_INET		2
#define	AF_INET6	10
#define	AF_NETLINK	16
#define	AF_PACKET	17
#define	AF_MAX		46

#define	SOCK_STREAM	1
#define	SOCK_DGRAM	2
#define	SOCK_RAW	3
#define	SOCK_SEQPACKET	5
#define	SOCK_MAX	11

#define	SOL_SOCKET	1
#define	SO_DEBUG	1
#define	SO_REUSEADDR	2
#define	SO_TYPE		3
#define	SO_ERROR	4
#define	SO_DONTROUTE	5
#define	SO_BROADCAST	6
#define	SO_SNDBUF	7
#define	SO_RCVBUF	8
#define	SO_KEEPALIVE	9
#define	SO_OOBINLINE	10
#define	SO_PRIORITY	12
#define	SO_LINGER	13
#define	SO_REUSEPORT	15
#define	SO_PASSCRED	16
#define	SO_PEERCRED	17
#define	SO_RCVLOWAT	18
#define	SO_SNDLOWAT	19
#define	SO_RCVTIMEO	20
#define	SO_SNDTIMEO	21
#define	SO_TIMESTAMP	29
#define	SO_ACCEPTCONN	30
#define	SO_PEERSEC	31
#define	SO_SNDBUFFORCE	32
#define	SO_RCVBUFFORCE	33
#define	SO_PROTOCOL	38
#define	SO_DOMAIN	39
#define	SO_RCVTIMEO_NEW	66
#define	SO_SNDTIMEO_NEW	67

#define	MSG_OOB		0x1
#define	MSG_PEEK	0x2
#define	MSG_DONTROUTE	0x4
#define	MSG_CTRUNC	0x8
#define	MSG_TRUNC	0x20
#define	MSG_DONTWAIT	0x40
#define	MSG_EOR		0x80
#define	MSG_WAITALL	0x100
#define	MSG_NOSIGNAL	0x4000
#define	MSG_MORE	0x8000
#define	MSG_WAITFORONE	0x10000
#define	MSG_CMSG_CLOEXEC 0x40000000

#define	SHUT_RD		0
#define	SHUT_WR		1
#define	SHUT_RDWR	2

#define	SOMAXCONN	4096
#define	SOCK_BUFSIZE	212992		/* default and most of both buffers */
#define	SOCK_ADDR_MAX	128
#define	SCM_MAX_FD	253

struct sockaddr_k {			/* an address and how long it is */
	unsigned int	sk_len;		/* 0: none */
	union {
		uint16_t sk_family;
		char	sk_data[SOCK_ADDR_MAX];
	};
};

struct ucred_k {			/* as in the Linux ABI */
	int32_t		pid;
	uint32_t	uid, gid;
};

struct sockctl {			/* control data of one message */
	struct file	**sc_files;	/* referenced; SCM_RIGHTS */
	unsigned int	sc_nfiles;
	bool		sc_hascred;	/* SCM_CREDENTIALS */
	struct ucred_k	sc_cred;
};
void	sockctl_fini(struct sockctl *);	/* drops the files */

struct sockmsg {
	struct sockaddr_k *sm_addr;	/* to, or room for from; may be NULL */
	struct sockctl	*sm_ctl;	/* in or out; may be NULL */
	int		sm_flags;	/* MSG_* of the call */
	int		sm_outflags;	/* MSG_* of the result */
	size_t		sm_fullen;	/* out, with MSG_TRUNC: the length */
};

/*
 * nonblock is that of the call.  All run in thread context with no locks and
 * may sleep.  An operation that is NULL gives EOPNOTSUPP.
 */
struct sockops {
	int	(*so_bind)(struct socket *, const struct sockaddr_k *);
	int	(*so_connect)(struct socket *, const struct sockaddr_k *,
		    bool nonblock);
	int	(*so_listen)(struct socket *, int backlog);
	/* A new socket, connected, with one reference. */
	int	(*so_accept)(struct socket *, bool nonblock, struct socket **);
	int	(*so_pair)(struct socket *, struct socket *);
	int	(*so_getname)(struct socket *, bool peer, struct sockaddr_k *);
	int	(*so_shutdown)(struct socket *, int how);
	int	(*so_send)(struct socket *, struct uio *, struct sockmsg *,
		    bool nonblock);
	int	(*so_recv)(struct socket *, struct uio *, struct sockmsg *,
		    bool nonblock);
	unsigned int (*so_ready)(struct socket *);	/* POLL* */
	/* SOL_SOCKET comes here first; ENOPROTOOPT: the common code's turn. */
	int	(*so_setopt)(struct socket *, int level, int opt,
		    const void *, size_t);
	/* *len: the room in, what there is out. */
	int	(*so_getopt)(struct socket *, int level, int opt, void *,
		    size_t *len);
	int	(*so_ioctl)(struct socket *, unsigned long, uintptr_t);
	/* The file is closed; the last reference went. */
	void	(*so_close)(struct socket *);
	void	(*so_free)(struct socket *);
};

struct socket {
	refcount_t	so_ref;		/* [a] the file's, the family's */
	int		so_family, so_type, so_proto;	/* [I] */
	const struct sockops *so_ops;	/* [I] */
	void		*so_pcb;	/* [I] the family's */
	ino_t		so_ino;		/* [I] */
	struct mutex	so_lock;
	struct condvar	so_rcv, so_snd;	/* with so_lock */
	struct pollhead	so_poll;
	unsigned int	so_options;	/* [l] 1 << SO_*: those on and off */
	int		so_error;	/* [l] to be told once */
	size_t		so_sndbuf, so_rcvbuf;	/* [l] bytes */
	int		so_rcvlowat;	/* [l] */
	nsec_t		so_rcvtimeo, so_sndtimeo;	/* [l] 0: none */
	int		so_lingeron, so_linger;	/* [l] seconds */
	int		so_priority;	/* [l] */
	bool		so_listening;	/* [l] */
};

struct sockfamily {
	int		sf_family;
	void		(*sf_init)(void);	/* once, at boot; or NULL */
	/* EPROTONOSUPPORT, ESOCKTNOSUPPORT, ENOMEM, EPERM. */
	int		(*sf_create)(struct lwp *, int type, int proto,
			    struct socket **);
};
#define	SOCKET_FAMILY(f)	SET_ENTRY(sockfamily, f)

void	socket_init(void);			/* main(), once */
/* For families: a socket with one reference, so_ops and so_pcb set. */
int	socket_alloc(int family, int type, int proto, const struct sockops *,
	    void *pcb, struct socket **);
struct socket *socket_ref(struct socket *);
void	socket_unref(struct socket *);
/* Sleep on so_rcv or so_snd with so_lock; EAGAIN when the deadline passes. */
int	socket_wait(struct socket *, struct condvar *, nsec_t deadline);
/* When a wait that begins now is to end; 0: never. */
nsec_t	socket_deadline(nsec_t timeo);
/* The pending error, which is told once; so_lock held. */
int	socket_take_error(struct socket *);
bool	socket_option(const struct socket *, int opt);
/* Is it a socket's file, and which? */
struct socket *file_socket(struct file *);
void	socket_raise_sigpipe(struct lwp *);

/* The lines of /proc/net/unix. */
void	unix_list(void (*out)(void *, const char *, size_t), void *ctx);

/* Bodies of the system calls; flags are SOCK_CLOEXEC and SOCK_NONBLOCK. */
int	do_socket(struct lwp *, int family, int type, int flags, int proto,
	    int *fd);
int	do_socketpair(struct lwp *, int family, int type, int flags, int proto,
	    int fds[2]);
int	do_accept(struct lwp *, struct file *, int flags, struct sockaddr_k *,
	    int *fd);
int	do_sendmsg(struct lwp *, struct file *, struct uio *,
	    struct sockmsg *, size_t *done);
int	do_recvmsg(struct lwp *, struct file *, struct uio *,
	    struct sockmsg *, size_t *done);
int	do_setsockopt(struct lwp *, struct socket *, int level, int opt,
	    const void *, size_t);
int	do_getsockopt(struct lwp *, struct socket *, int level, int opt,
	    void *, size_t *len);

#endif /* !_SYS_SOCKET_H_ */
