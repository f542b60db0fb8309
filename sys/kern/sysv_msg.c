/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues.
 *
 * Overview: a queue is a list of messages, the oldest first.  Who finds no
 * message for him, or no room, sleeps and looks again after each change.  A
 * queue that is removed leaves the table and is freed by the last sleeper.
 *
 * Locking: msg_lock (sleeping) guards the table and all queues.  Messages are
 * copied to and from user memory by the callers, without it.
 */
#include <sys/condvar.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/sysvmsg.h>

struct msgqueue {
	struct msg_info_k mq_info;	/* first */
	TAILQ_HEAD(, sysvmsg) mq_msgs;
	struct condvar	mq_rcv, mq_snd;
	unsigned int	mq_sleepers;
	bool		mq_removed;
};

unsigned int msg_max = 8192;
unsigned int msg_queue_bytes = 16384;
unsigned int msg_nqueues = 32000;

static struct mutex msg_lock;
static struct ipc_table msg_table;

void
sysvmsg_init(void)
{
	mutex_init(&msg_lock, "sysvmsg");
}

static struct msgqueue *
queue_of(struct ipc_perm_k *ip)
{
	return (struct msgqueue *)ip;
}

struct sysvmsg *
sysvmsg_alloc(size_t len)
{
	struct sysvmsg *sm = kmem_alloc(sizeof(*sm) + len, KM_SLEEP);

	if (sm != NULL)
		sm->sm_len = len;
	return sm;
}

void
sysvmsg_free(struct sysvmsg *sm)
{
	kmem_free(sm, sizeof(*sm) + sm->sm_len);
}

/* -- queues -- */

static int
queue_create(struct lwp *l, int key, int flags, int *id)
{
	struct msgqueue *mq = kmem_zalloc(sizeof(*mq), KM_SLEEP);
	int error;

	if (mq == NULL)
		return ENOMEM;
	if ((error = ipc_enter(l, &msg_table, &mq->mq_info.mi_perm, key, flags,
	    atomic_load_relaxed(&msg_nqueues))) != 0) {
		kmem_free(mq, sizeof(*mq));
		return error;
	}
	mq->mq_info.mi_maxbytes = atomic_load_relaxed(&msg_queue_bytes);
	mq->mq_info.mi_ctime = ipc_now();
	TAILQ_INIT(&mq->mq_msgs);
	cv_init(&mq->mq_rcv, "msgrcv");
	cv_init(&mq->mq_snd, "msgsnd");
	*id = mq->mq_info.mi_perm.ip_id;
	return 0;
}

int
do_msgget(struct lwp *l, int key, int flags, int *id)
{
	struct ipc_perm_k *ip;
	int error;

	mutex_enter(&msg_lock);
	error = ipc_open(l, &msg_table, key, flags, &ip);
	if (error == 0 && ip == NULL)
		error = queue_create(l, key, flags, id);
	else if (error == 0)
		*id = ip->ip_id;
	mutex_exit(&msg_lock);
	return error;
}

static void
queue_free(struct msgqueue *mq)
{
	struct sysvmsg *sm;

	while ((sm = TAILQ_FIRST(&mq->mq_msgs)) != NULL) {
		TAILQ_REMOVE(&mq->mq_msgs, sm, sm_link);
		sysvmsg_free(sm);
	}
	cv_destroy(&mq->mq_rcv);
	cv_destroy(&mq->mq_snd);
	kmem_free(mq, sizeof(*mq));
}

static void
queue_wake(struct msgqueue *mq)
{
	cv_broadcast(&mq->mq_rcv);
	cv_broadcast(&mq->mq_snd);
}

int
do_msg_remove(struct lwp *l, int id)
{
	struct ipc_perm_k *ip;
	struct msgqueue *mq;
	int error = EINVAL;

	mutex_enter(&msg_lock);
	if ((ip = ipc_find(&msg_table, id)) != NULL &&
	    (error = ipc_owner(l, ip)) == 0) {
		ipc_leave(&msg_table, ip);
		mq = queue_of(ip);
		mq->mq_removed = true;
		queue_wake(mq);
		if (mq->mq_sleepers == 0)
			queue_free(mq);
	}
	mutex_exit(&msg_lock);
	return error;
}

/*
 * Sleep for a change of the queue: EIDRM (it may be freed), ERESTARTNOHAND,
 * EACCES: the rights have changed.
 */
static int
queue_wait(struct lwp *l, struct msgqueue *mq, struct condvar *cv, mode_t want)
{
	int error;

	mq->mq_sleepers++;
	error = cv_wait_sig(cv, &msg_lock);
	mq->mq_sleepers--;
	if (mq->mq_removed) {
		if (mq->mq_sleepers == 0)
			queue_free(mq);
		return EIDRM;
	}
	if (error != 0)
		return ERESTARTNOHAND;
	return ipc_access(l, &mq->mq_info.mi_perm, want);
}

/* By id, with the right to `want': EINVAL, EACCES. msg_lock held. */
static int
queue_get(struct lwp *l, int id, mode_t want, struct msgqueue **mqp)
{
	struct ipc_perm_k *ip = ipc_find(&msg_table, id);

	*mqp = queue_of(ip);
	return ip == NULL ? EINVAL : ipc_access(l, ip, want);
}

/* -- messages -- */

int
do_msgsnd(struct lwp *l, int id, struct sysvmsg *sm, int flags)
{
	struct msgqueue *mq;
	struct msg_info_k *mi;
	int error;

	mutex_enter(&msg_lock);
	error = queue_get(l, id, IPC_WRITE, &mq);
	/* Empty messages count as one byte here, or there is no end to them. */
	while (error == 0 && (sm->sm_len + mq->mq_info.mi_bytes >
	    mq->mq_info.mi_maxbytes ||
	    mq->mq_info.mi_n + 1 > mq->mq_info.mi_maxbytes))
		error = (flags & IPC_NOWAIT) != 0 ? EAGAIN :
		    queue_wait(l, mq, &mq->mq_snd, IPC_WRITE);
	if (error == 0) {
		mi = &mq->mq_info;
		TAILQ_INSERT_TAIL(&mq->mq_msgs, sm, sm_link);
		mi->mi_n++;
		mi->mi_bytes += sm->sm_len;
		mi->mi_spid = l->l_proc->p_pid;
		mi->mi_stime = ipc_now();
		cv_broadcast(&mq->mq_rcv);
	}
	mutex_exit(&msg_lock);
	return error;
}

/* The message that msgrcv(2) means; NULL. */
static struct sysvmsg *
message_find(struct msgqueue *mq, long type, int flags)
{
	struct sysvmsg *sm, *best = NULL;
	long place = 0;

	TAILQ_FOREACH(sm, &mq->mq_msgs, sm_link) {
		if ((flags & MSG_COPY) != 0) {
			if (place++ == type)
				return sm;
		} else if (type == 0) {
			return sm;
		} else if (type > 0) {
			if ((sm->sm_type == type) ==
			    ((flags & MSG_EXCEPT) == 0))
				return sm;
		} else if (sm->sm_type + type <= 0 &&
		    (best == NULL || sm->sm_type < best->sm_type)) {
			best = sm;
		}
	}
	return best;
}

/* Take it off the queue, or with MSG_COPY a copy: ENOMEM. */
static int
message_take(struct lwp *l, struct msgqueue *mq, int flags,
    struct sysvmsg **smp)
{
	struct msg_info_k *mi = &mq->mq_info;
	struct sysvmsg *sm = *smp, *copy;

	if ((flags & MSG_COPY) != 0) {
		if ((copy = sysvmsg_alloc(sm->sm_len)) == NULL)
			return ENOMEM;
		copy->sm_type = sm->sm_type;
		memcpy(copy->sm_data, sm->sm_data, sm->sm_len);
		*smp = copy;
		return 0;
	}
	TAILQ_REMOVE(&mq->mq_msgs, sm, sm_link);
	mi->mi_n--;
	mi->mi_bytes -= sm->sm_len;
	mi->mi_rpid = l->l_proc->p_pid;
	mi->mi_rtime = ipc_now();
	cv_broadcast(&mq->mq_snd);
	return 0;
}

int
do_msgrcv(struct lwp *l, int id, size_t room, long type, int flags,
    struct sysvmsg **smp)
{
	struct sysvmsg *sm = NULL;
	struct msgqueue *mq;
	int error;

	if ((flags & MSG_COPY) != 0 &&
	    (flags & (IPC_NOWAIT | MSG_EXCEPT)) != IPC_NOWAIT)
		return EINVAL;
	mutex_enter(&msg_lock);
	error = queue_get(l, id, IPC_READ, &mq);
	while (error == 0 && (sm = message_find(mq, type, flags)) == NULL)
		error = (flags & IPC_NOWAIT) != 0 ? ENOMSG :
		    queue_wait(l, mq, &mq->mq_rcv, IPC_READ);
	if (error == 0 && sm->sm_len > room && (flags & MSG_NOERROR) == 0)
		error = E2BIG;
	if (error == 0)
		error = message_take(l, mq, flags, &sm);
	mutex_exit(&msg_lock);
	*smp = sm;
	return error;
}

/* -- control -- */

int
do_msg_stat(struct lwp *l, int id, bool by_index, bool any,
    struct msg_info_k *mi)
{
	struct ipc_perm_k *ip;
	int error = EINVAL;

	mutex_enter(&msg_lock);
	ip = by_index ? ipc_at(&msg_table, (unsigned int)id) :
	    ipc_find(&msg_table, id);
	if (ip != NULL &&
	    (error = any ? 0 : ipc_access(l, ip, IPC_READ)) == 0)
		*mi = queue_of(ip)->mq_info;
	mutex_exit(&msg_lock);
	return error;
}

int
do_msg_set(struct lwp *l, int id, uid_t uid, gid_t gid, mode_t mode,
    uint64_t maxbytes)
{
	struct ipc_perm_k *ip;
	int error = EINVAL;

	mutex_enter(&msg_lock);
	if ((ip = ipc_find(&msg_table, id)) != NULL &&
	    (error = ipc_owner(l, ip)) == 0 &&
	    maxbytes > atomic_load_relaxed(&msg_queue_bytes))
		error = cred_capable(l->l_cred, CAP_SYS_RESOURCE);
	if (error == 0 && (error = ipc_set(l, ip, uid, gid, mode)) == 0) {
		queue_of(ip)->mq_info.mi_maxbytes = maxbytes;
		queue_of(ip)->mq_info.mi_ctime = ipc_now();
		queue_wake(queue_of(ip));
	}
	mutex_exit(&msg_lock);
	return error;
}

void
msg_totals(unsigned int *nqueues, uint64_t *n, uint64_t *bytes,
    unsigned int *highest)
{
	struct msgqueue *mq;

	*n = *bytes = 0;
	mutex_enter(&msg_lock);
	*nqueues = msg_table.it_used;
	*highest = ipc_highest(&msg_table);
	for (unsigned int i = 0; i < msg_table.it_nslots; i++)
		if ((mq = queue_of(ipc_at(&msg_table, i))) != NULL) {
			*n += mq->mq_info.mi_n;
			*bytes += mq->mq_info.mi_bytes;
		}
	mutex_exit(&msg_lock);
}
