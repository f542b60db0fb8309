/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of AF_UNIX inside: what their sources share.
 *
 * Lock letters: [u] unix_mutex, [l] the socket's so_lock, [r] up_rxlock,
 * [I] immutable, [a] atomic.
 */
#ifndef _NET_UNIX_H_
#define	_NET_UNIX_H_

#include <sys/queue.h>
#include <sys/socket.h>

struct vnode;

#define	SUN_PATH_MAX	108
#define	SUN_OFFSET	2		/* of sun_path in struct sockaddr_un */

struct unixname {			/* what a socket is bound to */
	refcount_t	un_ref;		/* [a] */
	struct sockaddr_k un_addr;	/* [I] */
};

struct unixmsg {			/* one send, or a part of it */
	TAILQ_ENTRY(unixmsg) um_link;	/* [l] */
	size_t		um_len;		/* [I] */
	size_t		um_off;		/* [r] read so far; streams */
	struct sockctl	um_ctl;		/* [r] */
	bool		um_inflight;	/* [u] its files are counted */
	struct unixname	*um_from;	/* [I] referenced, or NULL */
	char		um_data[];
};
TAILQ_HEAD(unixmsgs, unixmsg);

enum unix_state { UNIX_NEW, UNIX_LISTEN, UNIX_CONNECTED };

struct unixpcb {
	struct socket	*up_so;		/* [I] */
	enum unix_state	up_state;	/* [l] written with [u] too */
	struct socket	*up_peer;	/* [l] written with [u] too; ref'd */
	LIST_ENTRY(unixpcb) up_reflink;	/* [u] of the peer's up_refs */
	LIST_HEAD(, unixpcb) up_refs;	/* [u] who has us as peer */
	struct unixname	*up_name;	/* [l] written with [u] too */
	struct vnode	*up_vnode;	/* [u] referenced: bound to a file */
	LIST_ENTRY(unixpcb) up_bound;	/* [u] of the table of names */
	LIST_ENTRY(unixpcb) up_all;	/* [u] all sockets */
	bool		up_rcvshut, up_sndshut;	/* [l] */
	bool		up_dead;	/* [l] closed */
	bool		up_wanted;	/* [l] somebody waits for room here */
	struct ucred_k	up_peercred;	/* [l] */
	/* What was sent to us. */
	struct mutex	up_rxlock;	/* one reader at a time */
	struct unixmsgs	up_msgs;	/* [l] out: [r] too */
	size_t		up_charged;	/* [l] memory of up_msgs */
	size_t		up_bytes;	/* [l] to be read */
	unsigned int	up_count;	/* [l] messages */
	/* Connections to be accepted; a listener's. */
	TAILQ_HEAD(, unixpcb) up_acceptq;	/* [l] */
	TAILQ_ENTRY(unixpcb) up_acceptlink;	/* listener's [l] */
	unsigned int	up_nacceptq, up_backlog;	/* [l] */
	/* unix_gc.c */
	struct file	*up_file;	/* [u] in flight: its file */
	int		up_inflight;	/* [u] references in messages */
	bool		up_marked;	/* [u] */
};

extern struct mutex unix_mutex;
extern const struct sockops unix_sockops;
LIST_HEAD(unixpcbs, unixpcb);
extern struct unixpcbs unix_all;	/* [u] */

static inline struct unixpcb *
unixpcb(const struct socket *so)
{
	return so->so_pcb;
}

/* uipc_unix.c */
struct unixname *unixname_ref(struct unixname *);
void	unixname_unref(struct unixname *);	/* NULL: nothing */
/* The socket with that address, referenced; ECONNREFUSED ... */
int	unix_lookup(const struct sockaddr_k *, int type, struct socket **);

/* unix_io.c */
int	unix_send(struct socket *, struct uio *, struct sockmsg *, bool);
int	unix_recv(struct socket *, struct uio *, struct sockmsg *, bool);
unsigned int unix_ready(struct socket *);
int	unix_ioctl(struct socket *, unsigned long, uintptr_t);
void	unixmsg_free(struct unixmsg *);
/* The credentials of the caller as a message carries them. */
void	unix_own_cred(struct ucred_k *, bool effective);

/* unix_gc.c: sockets that only messages refer to */
void	unix_gc_init(void);
void	unix_gc_enter(struct unixmsg *);	/* it is queued; [u] */
void	unix_gc_leave(struct unixmsg *);	/* its files come out */
void	unix_gc(void);
/* Put files of a message that nobody has read. */
void	unix_drop_files(struct sockctl *);

#endif /* !_NET_UNIX_H_ */
