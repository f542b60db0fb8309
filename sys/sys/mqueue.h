/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues.
 */
#ifndef _SYS_MQUEUE_H_
#define	_SYS_MQUEUE_H_

#include <sys/signal.h>

#define	MQ_PRIO_MAX		32768
#define	MQ_NAME_MAX		255
#define	MQ_QUEUES_MAX		256
#define	MQ_MSG_DEFAULT		10	/* the most without privilege, too */
#define	MQ_MSGSIZE_DEFAULT	8192
#define	MQ_MSG_HARD		65536
#define	MQ_MSGSIZE_HARD		(16U << 20)

struct mq_attr_k {
	long		mq_maxmsg, mq_msgsize, mq_curmsgs;
	bool		mq_nonblock;
};

struct lwp;
struct file;

void	mqueue_init(void);
/* attr NULL: the defaults; cloexec always. */
int	do_mq_open(struct lwp *, const char *name, int oflags, mode_t,
	    const struct mq_attr_k *, int *fd);
int	do_mq_unlink(struct lwp *, const char *name);
/* EBADF: the file is no queue. */
int	mq_get_attr(struct file *, struct mq_attr_k *);
/*
 * deadline 0: none.  send takes the buffer over, which is kmem_alloc(len), if
 * there is no error.  receive gives one away the same way.
 */
int	do_mq_send(struct file *, char *msg, size_t len, unsigned int prio,
	    nsec_t deadline);
int	do_mq_receive(struct file *, size_t room, nsec_t deadline, char **msg,
	    size_t *len, unsigned int *prio);
/* signo 0: no signal, but the one registration is taken. NULL: give it up. */
int	do_mq_notify(struct lwp *, struct file *, const ksiginfo_t *);

#endif /* !_SYS_MQUEUE_H_ */
