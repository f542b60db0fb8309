/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues.
 *
 * Overview: queues are found by name in one list; each open is a file that
 * holds a reference, the name another.  Messages lie in a list, the highest
 * priority and of these the oldest first.  A queue counts against
 * RLIMIT_MSGQUEUE of who made it with all that may ever be in it.
 *
 * Locking: table_lock (sleeping) guards list, names and references; mq_lock
 * (sleeping) a queue's content.  The process to be notified is known by its
 * number and start, and looked for with neither lock held.
 */
#include <sys/condvar.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mqueue.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#define	MESSAGE_COST	96		/* as Linux counts each */

struct mqmsg {
	TAILQ_ENTRY(mqmsg) mm_link;
	char		*mm_data;
	size_t		mm_len;
	unsigned int	mm_prio;
};

struct mqueue {
	LIST_ENTRY(mqueue) mq_link;	/* [t] table_lock */
	unsigned int	mq_ref;		/* [t] */
	bool		mq_named;	/* [t] */
	char		mq_name[MQ_NAME_MAX + 1];	/* [I] */
	mode_t		mq_mode;	/* [I] */
	uid_t		mq_uid;		/* [I] */
	gid_t		mq_gid;		/* [I] */
	struct uidinfo	*mq_payer;	/* [I] referenced */
	uint64_t	mq_cost;	/* [I] */
	size_t		mq_maxmsg, mq_msgsize;	/* [I] */
	struct mutex	mq_lock;
	TAILQ_HEAD(mm_head, mqmsg) mq_msgs;	/* [l] */
	size_t		mq_n, mq_bytes;	/* [l] */
	unsigned int	mq_receivers;	/* [l] that wait */
	struct condvar	mq_rcv, mq_snd;
	struct pollhead	mq_poll;
	struct timespec	mq_time;	/* [l] of the last change */
	pid_t		mq_pid;		/* [l] to be notified, 0: nobody */
	nsec_t		mq_pidstart;	/* [l] */
	ksiginfo_t	mq_ksi;		/* [l] */
};

static struct mutex table_lock;
static LIST_HEAD(, mqueue) queues = LIST_HEAD_INITIALIZER(queues);
static unsigned int nqueues;		/* [t] */

void
mqueue_init(void)
{
	mutex_init(&table_lock, "mqueue table");
}

/* -- life -- */

static void
mq_destroy(struct mqueue *mq)
{
	struct mqmsg *m;

	while ((m = TAILQ_FIRST(&mq->mq_msgs)) != NULL) {
		TAILQ_REMOVE(&mq->mq_msgs, m, mm_link);
		kmem_free(m->mm_data, MAX(m->mm_len, (size_t)1));
		kmem_free(m, sizeof(*m));
	}
	(void)atomic_sub(&mq->mq_payer->ui_mqbytes, mq->mq_cost);
	uidinfo_put(mq->mq_payer);
	pollhead_destroy(&mq->mq_poll);
	cv_destroy(&mq->mq_rcv);
	cv_destroy(&mq->mq_snd);
	mutex_destroy(&mq->mq_lock);
	kmem_free(mq, sizeof(*mq));
}

static void
mq_put(struct mqueue *mq)
{
	bool last;

	mutex_enter(&table_lock);
	if ((last = --mq->mq_ref == 0))
		nqueues--;
	mutex_exit(&table_lock);
	if (last)
		mq_destroy(mq);
}

/* table_lock held. */
static struct mqueue *
mq_find(const char *name)
{
	struct mqueue *mq;

	LIST_FOREACH(mq, &queues, mq_link)
		if (strcmp(mq->mq_name, name) == 0)
			return mq;
	return NULL;
}

static int
attr_check(struct lwp *l, const struct mq_attr_k *attr)
{
	bool may = cred_capable(l->l_cred, CAP_SYS_RESOURCE) == 0;

	if (attr->mq_maxmsg <= 0 || attr->mq_msgsize <= 0 ||
	    attr->mq_maxmsg > (may ? MQ_MSG_HARD : MQ_MSG_DEFAULT) ||
	    attr->mq_msgsize > (long)(may ? MQ_MSGSIZE_HARD :
	    MQ_MSGSIZE_DEFAULT))
		return EINVAL;
	return 0;
}

/* Its payer is charged; EMFILE. */
static int
mq_charge(struct lwp *l, struct mqueue *mq)
{
	struct uidinfo *ui = l->l_cred->cr_uidinfo;

	mq->mq_cost = mq->mq_maxmsg * (uint64_t)(mq->mq_msgsize + MESSAGE_COST);
	if (atomic_add(&ui->ui_mqbytes, mq->mq_cost) >
	    rlimit_cur(l->l_proc, RLIMIT_MSGQUEUE)) {
		(void)atomic_sub(&ui->ui_mqbytes, mq->mq_cost);
		return EMFILE;
	}
	uidinfo_ref(ui);
	mq->mq_payer = ui;
	return 0;
}

/* A new queue in the table; table_lock held. */
static int
mq_create(struct lwp *l, const char *name, mode_t mode,
    const struct mq_attr_k *attr, struct mqueue **mqp)
{
	struct mqueue *mq;
	int error;

	if (attr != NULL && (error = attr_check(l, attr)) != 0)
		return error;
	if (nqueues >= MQ_QUEUES_MAX &&
	    cred_capable(l->l_cred, CAP_SYS_RESOURCE) != 0)
		return ENOSPC;
	if ((mq = kmem_zalloc(sizeof(*mq), KM_SLEEP)) == NULL)
		return ENOMEM;
	mq->mq_maxmsg = attr != NULL ? (size_t)attr->mq_maxmsg :
	    MQ_MSG_DEFAULT;
	mq->mq_msgsize = attr != NULL ? (size_t)attr->mq_msgsize :
	    MQ_MSGSIZE_DEFAULT;
	if ((error = mq_charge(l, mq)) != 0) {
		kmem_free(mq, sizeof(*mq));
		return error;
	}
	(void)strlcpy(mq->mq_name, name, sizeof(mq->mq_name));
	mq->mq_mode = mode & 0777 & ~cwd_umask(l);
	mq->mq_uid = l->l_cred->cr_fsuid;
	mq->mq_gid = l->l_cred->cr_fsgid;
	mutex_init(&mq->mq_lock, "mqueue");
	cv_init(&mq->mq_rcv, "mq_receive");
	cv_init(&mq->mq_snd, "mq_send");
	pollhead_init(&mq->mq_poll);
	TAILQ_INIT(&mq->mq_msgs);
	mq->mq_time = nsec_to_timespec(nanotime());
	mq->mq_named = true;
	mq->mq_ref = 2;			/* the name and the file to be */
	LIST_INSERT_HEAD(&queues, mq, mq_link);
	nqueues++;
	*mqp = mq;
	return 0;
}

static int
mq_access(struct lwp *l, const struct mqueue *mq, int accmode)
{
	const struct cred *cr = l->l_cred;
	mode_t want = accmode == O_RDONLY ? 4 : accmode == O_WRONLY ? 2 : 6;
	mode_t have = mq->mq_mode;

	if (cr->cr_fsuid == mq->mq_uid)
		have >>= 6;
	else if (cred_in_group(cr, mq->mq_gid))
		have >>= 3;
	if ((have & want) == want || cred_capable(cr, CAP_DAC_OVERRIDE) == 0)
		return 0;
	return EACCES;
}

/* Find or make it; a reference.  table_lock held. */
static int
mq_obtain(struct lwp *l, const char *name, int oflags, mode_t mode,
    const struct mq_attr_k *attr, struct mqueue **mqp)
{
	struct mqueue *mq = mq_find(name);
	int error;

	if (mq == NULL)
		return (oflags & O_CREAT) == 0 ? ENOENT :
		    mq_create(l, name, mode, attr, mqp);
	if ((oflags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return EEXIST;
	if ((error = mq_access(l, mq, oflags & O_ACCMODE)) != 0)
		return error;
	mq->mq_ref++;
	*mqp = mq;
	return 0;
}

static int
name_check(const char *name)
{
	if (*name == '\0')
		return ENOENT;
	if (strlen(name) > MQ_NAME_MAX)
		return ENAMETOOLONG;
	return strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0 ? EACCES : 0;
}

int
do_mq_unlink(struct lwp *l, const char *name)
{
	struct mqueue *mq;
	int error;

	if ((error = name_check(name)) != 0)
		return error;
	mutex_enter(&table_lock);
	if ((mq = mq_find(name)) == NULL)
		error = ENOENT;
	/* As in a sticky directory. */
	else if (l->l_cred->cr_fsuid != mq->mq_uid &&
	    cred_capable(l->l_cred, CAP_FOWNER) != 0)
		error = EPERM;
	else {
		LIST_REMOVE(mq, mq_link);
		mq->mq_named = false;
	}
	mutex_exit(&table_lock);
	if (error == 0)
		mq_put(mq);
	return error;
}

/* -- files -- */

static unsigned int
mq_fpoll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct mqueue *mq = fp->f_data;
	unsigned int r = 0;

	(void)events;
	poll_record(&mq->mq_poll, pe);
	mutex_enter(&mq->mq_lock);
	if (mq->mq_n > 0)
		r |= POLLIN | POLLRDNORM;
	if (mq->mq_n < mq->mq_maxmsg)
		r |= POLLOUT | POLLWRNORM;
	mutex_exit(&mq->mq_lock);
	return r;
}

/* What a queue says of itself. */
static int
mq_fread(struct file *fp, struct uio *uio)
{
	struct mqueue *mq = fp->f_data;
	char buf[100];
	int len;

	mutex_enter(&mq->mq_lock);
	len = scnprintf(buf, sizeof(buf),
	    "QSIZE:%-10zu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
	    mq->mq_bytes, 0, mq->mq_pid != 0 ? mq->mq_ksi.ksi_signo : 0,
	    mq->mq_pid);
	mutex_exit(&mq->mq_lock);
	if (uio->uio_offset < 0 || uio->uio_offset >= len)
		return 0;
	return uiomove(buf + uio->uio_offset,
	    (size_t)(len - uio->uio_offset), uio);
}

static int
mq_fstat(struct file *fp, struct stat_k *st)
{
	struct mqueue *mq = fp->f_data;

	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFREG | mq->mq_mode;
	st->st_nlink = mq->mq_named ? 1 : 0;
	st->st_uid = mq->mq_uid;
	st->st_gid = mq->mq_gid;
	st->st_size = 80;
	st->st_blksize = PAGE_SIZE;
	mutex_enter(&mq->mq_lock);
	st->st_atim = st->st_mtim = st->st_ctim = mq->mq_time;
	mutex_exit(&mq->mq_lock);
	return 0;
}

/* With any of its descriptors a process gives up being notified. */
static void
mq_fdclose(struct file *fp)
{
	struct mqueue *mq = fp->f_data;

	mutex_enter(&mq->mq_lock);
	if (mq->mq_pid == curproc->p_pid)
		mq->mq_pid = 0;
	mutex_exit(&mq->mq_lock);
}

static void
mq_fclose(struct file *fp)
{
	mq_put(fp->f_data);
}

static const struct fileops mqueue_fileops = {
	.fo_name = "mqueue",
	.fo_read = mq_fread,
	.fo_poll = mq_fpoll,
	.fo_stat = mq_fstat,
	.fo_fdclose = mq_fdclose,
	.fo_close = mq_fclose,
	.fo_flags = FOF_SEEKABLE | FOF_PREAD,
};

int
do_mq_open(struct lwp *l, const char *name, int oflags, mode_t mode,
    const struct mq_attr_k *attr, int *fd)
{
	struct mqueue *mq;
	struct file *fp;
	int error;

	if ((oflags & O_ACCMODE) == O_ACCMODE)
		return EINVAL;
	if ((error = name_check(name)) != 0 ||
	    (error = fd_reserve(l, 0, fd)) != 0)
		return error;
	mutex_enter(&table_lock);
	error = mq_obtain(l, name, oflags, mode, attr, &mq);
	mutex_exit(&table_lock);
	if (error != 0)
		goto fail;
	error = file_alloc(&mqueue_fileops, mq, (unsigned int)oflags &
	    (O_ACCMODE | O_NONBLOCK), &fp);
	if (error != 0) {
		mq_put(mq);
		goto fail;
	}
	fd_install(l, *fd, fp, true);
	return 0;
fail:
	fd_abandon(l, *fd);
	return error;
}

static struct mqueue *
mq_of(struct file *fp)
{
	return fp->f_ops == &mqueue_fileops ? fp->f_data : NULL;
}

int
mq_get_attr(struct file *fp, struct mq_attr_k *attr)
{
	struct mqueue *mq = mq_of(fp);

	if (mq == NULL)
		return EBADF;
	attr->mq_maxmsg = (long)mq->mq_maxmsg;
	attr->mq_msgsize = (long)mq->mq_msgsize;
	mutex_enter(&mq->mq_lock);
	attr->mq_curmsgs = (long)mq->mq_n;
	mutex_exit(&mq->mq_lock);
	attr->mq_nonblock = (fp->f_flags & O_NONBLOCK) != 0;
	return 0;
}

/* -- messages -- */

static void
mq_tell(pid_t pid, nsec_t start, const ksiginfo_t *ksi)
{
	struct proc *p;

	rw_enter(&proctree_lock, RW_READER);
	if ((p = proc_find(pid)) != NULL && p->p_start == start &&
	    ksi->ksi_signo != 0)
		psignal_info(p, ksi);
	rw_exit(&proctree_lock);
}

static void
mq_insert(struct mqueue *mq, struct mqmsg *m)
{
	struct mqmsg *o;

	TAILQ_FOREACH_REVERSE(o, &mq->mq_msgs, mm_head, mm_link)
		if (o->mm_prio >= m->mm_prio)
			break;
	if (o != NULL)
		TAILQ_INSERT_AFTER(&mq->mq_msgs, o, m, mm_link);
	else
		TAILQ_INSERT_HEAD(&mq->mq_msgs, m, mm_link);
	mq->mq_n++;
	mq->mq_bytes += m->mm_len;
	mq->mq_time = nsec_to_timespec(nanotime());
}

int
do_mq_send(struct file *fp, char *msg, size_t len, unsigned int prio,
    nsec_t deadline)
{
	struct mqueue *mq = mq_of(fp);
	pid_t pid = 0;
	nsec_t start = 0;
	ksiginfo_t ksi;
	struct mqmsg *m;
	int error = 0;

	if (mq == NULL || !FWRITE(fp))
		return EBADF;
	if (len > mq->mq_msgsize)
		return EMSGSIZE;
	if ((m = kmem_zalloc(sizeof(*m), KM_SLEEP)) == NULL)
		return ENOMEM;
	m->mm_data = msg;
	m->mm_len = len;
	m->mm_prio = prio;
	mutex_enter(&mq->mq_lock);
	while (mq->mq_n >= mq->mq_maxmsg && error == 0)
		error = (fp->f_flags & O_NONBLOCK) != 0 ? EAGAIN :
		    cv_timedwait_sig(&mq->mq_snd, &mq->mq_lock, deadline);
	if (error == 0) {
		/* Only the first message, and only if nobody waits for it. */
		if (mq->mq_n == 0 && mq->mq_receivers == 0 &&
		    mq->mq_pid != 0) {
			pid = mq->mq_pid;
			start = mq->mq_pidstart;
			ksi = mq->mq_ksi;
			ksi.ksi_pid = curproc->p_pid;
			ksi.ksi_uid = curlwp->l_cred->cr_ruid;
			mq->mq_pid = 0;
		}
		mq_insert(mq, m);
		cv_signal(&mq->mq_rcv);
		pollwakeup(&mq->mq_poll, POLLIN | POLLRDNORM);
	}
	mutex_exit(&mq->mq_lock);
	if (error != 0)
		kmem_free(m, sizeof(*m));
	else if (pid != 0)
		mq_tell(pid, start, &ksi);
	return error;
}

int
do_mq_receive(struct file *fp, size_t room, nsec_t deadline, char **msg,
    size_t *len, unsigned int *prio)
{
	struct mqueue *mq = mq_of(fp);
	struct mqmsg *m = NULL;
	int error = 0;

	if (mq == NULL || !FREAD(fp))
		return EBADF;
	if (room < mq->mq_msgsize)
		return EMSGSIZE;
	mutex_enter(&mq->mq_lock);
	while ((m = TAILQ_FIRST(&mq->mq_msgs)) == NULL && error == 0) {
		mq->mq_receivers++;
		error = (fp->f_flags & O_NONBLOCK) != 0 ? EAGAIN :
		    cv_timedwait_sig(&mq->mq_rcv, &mq->mq_lock, deadline);
		mq->mq_receivers--;
	}
	if (m != NULL) {
		error = 0;
		TAILQ_REMOVE(&mq->mq_msgs, m, mm_link);
		mq->mq_n--;
		mq->mq_bytes -= m->mm_len;
		mq->mq_time = nsec_to_timespec(nanotime());
		cv_signal(&mq->mq_snd);
		pollwakeup(&mq->mq_poll, POLLOUT | POLLWRNORM);
	}
	mutex_exit(&mq->mq_lock);
	if (m == NULL)
		return error;
	*msg = m->mm_data;
	*len = m->mm_len;
	*prio = m->mm_prio;
	kmem_free(m, sizeof(*m));
	return 0;
}

/* Is the process that asked for notice still there? */
static bool
pid_alive(pid_t pid, nsec_t start)
{
	struct proc *p;
	bool alive;

	rw_enter(&proctree_lock, RW_READER);
	p = proc_find(pid);
	alive = p != NULL && p->p_start == start && p->p_state == PS_ACTIVE;
	rw_exit(&proctree_lock);
	return alive;
}

int
do_mq_notify(struct lwp *l, struct file *fp, const ksiginfo_t *ksi)
{
	struct mqueue *mq = mq_of(fp);
	struct proc *p = l->l_proc;
	int error = 0;

	if (mq == NULL)
		return EBADF;
	mutex_enter(&mq->mq_lock);
	if (ksi == NULL) {
		if (mq->mq_pid == p->p_pid)
			mq->mq_pid = 0;
	} else if (mq->mq_pid != 0 && pid_alive(mq->mq_pid, mq->mq_pidstart)) {
		error = EBUSY;
	} else {
		mq->mq_pid = p->p_pid;
		mq->mq_pidstart = p->p_start;
		mq->mq_ksi = *ksi;
	}
	mutex_exit(&mq->mq_lock);
	return error;
}
