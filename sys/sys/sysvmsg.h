/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues.  Numbers are Linux's.
 */
#ifndef _SYS_SYSVMSG_H_
#define	_SYS_SYSVMSG_H_

#include <sys/queue.h>
#include <sys/sysvipc.h>

#define	MSG_NOERROR	010000		/* cut what is too long */
#define	MSG_EXCEPT	020000		/* any other type */
#define	MSG_COPY	040000		/* by place; it stays */
#define	MSGMAX_MAX	(1U << 20)	/* the highest limit that can be set */

struct msg_info_k {
	struct ipc_perm_k mi_perm;	/* first */
	uint64_t	mi_bytes, mi_n, mi_maxbytes;
	int64_t		mi_stime, mi_rtime, mi_ctime;	/* s */
	pid_t		mi_spid, mi_rpid;
};

struct sysvmsg {
	TAILQ_ENTRY(sysvmsg) sm_link;
	long		sm_type;
	size_t		sm_len;
	char		sm_data[];
};

/* [a] Linux's /proc/sys/kernel/msg*. */
extern unsigned int msg_max;		/* bytes of a message */
extern unsigned int msg_queue_bytes;	/* of a new queue */
extern unsigned int msg_nqueues;

struct lwp;

void	sysvmsg_init(void);
struct sysvmsg *sysvmsg_alloc(size_t len);	/* NULL; may sleep */
void	sysvmsg_free(struct sysvmsg *);
/* EACCES, EEXIST, ENOENT, ENOMEM, ENOSPC. */
int	do_msgget(struct lwp *, int key, int flags, int *id);
/*
 * The message is taken over if there is no error: EACCES, EAGAIN, EIDRM,
 * EINVAL, ERESTARTNOHAND.
 */
int	do_msgsnd(struct lwp *, int id, struct sysvmsg *, int flags);
/*
 * The message is the caller's then: E2BIG, EACCES, EIDRM, EINVAL, ENOMSG,
 * ERESTARTNOHAND; with MSG_COPY ENOMEM.
 */
int	do_msgrcv(struct lwp *, int id, size_t room, long type, int flags,
	    struct sysvmsg **);
/* EINVAL, EACCES; by_index: id is a place in the table. */
int	do_msg_stat(struct lwp *, int id, bool by_index, bool any,
	    struct msg_info_k *);
/* EINVAL, EPERM. */
int	do_msg_set(struct lwp *, int id, uid_t, gid_t, mode_t,
	    uint64_t maxbytes);
int	do_msg_remove(struct lwp *, int id);
void	msg_totals(unsigned int *nqueues, uint64_t *n, uint64_t *bytes,
	    unsigned int *highest);

#endif /* !_SYS_SYSVMSG_H_ */
