/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores.
 *
 * Overview: a call's operations are done all or not at all.  Who cannot goes
 * to the end of the set's list and sleeps; whoever changes a value goes over
 * that list and does for the sleepers, in their order, what has become
 * possible.  What a process wants undone at its end is kept as one list of
 * adjustments for each set, found from the process and from the set.
 *
 * Locking: sem_lock (sleeping) guards everything here, p_semundo too.  A
 * waiter is on its thread's stack and out of the list before it is woken for
 * good; its set may be gone then.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/sysvsem.h>

#define	WAITING		(-1)

struct sem {
	int		s_value;
	pid_t		s_pid;		/* of the last operation */
};

struct semundo {
	LIST_ENTRY(semundo) su_setlink, su_proclink;
	struct semset	*su_set;
	int16_t		su_adjust[];	/* one for each semaphore */
};

struct semwait {
	TAILQ_ENTRY(semwait) sw_link;
	struct condvar	sw_cv;
	const struct sembuf_k *sw_ops;
	unsigned int	sw_nops, sw_blocking;	/* which of them */
	struct semundo	*sw_undo;
	pid_t		sw_pid;
	int		sw_error;	/* WAITING, then the result */
};

struct semset {
	struct sem_info_k ss_info;	/* first */
	TAILQ_HEAD(, semwait) ss_waiters;
	LIST_HEAD(, semundo) ss_undos;
	struct sem	ss_sems[];
};

struct sem_limits sem_limits = { 32000, 1024000000, 500, 32000 };

static struct mutex sem_lock;
static struct ipc_table sem_table;
static unsigned int sem_count;		/* semaphores in all sets */

void
sysvsem_init(void)
{
	mutex_init(&sem_lock, "sysvsem");
}

static struct semset *
set_of(struct ipc_perm_k *ip)
{
	return (struct semset *)ip;
}

static size_t
set_size(unsigned int nsems)
{
	return sizeof(struct semset) + nsems * sizeof(struct sem);
}

static size_t
undo_size(const struct semset *ss)
{
	return sizeof(struct semundo) + ss->ss_info.si_nsems * sizeof(int16_t);
}

/* -- sets -- */

static int
set_create(struct lwp *l, int key, unsigned int nsems, int flags, int *id)
{
	struct semset *ss;
	int error;

	if (nsems == 0)
		return EINVAL;
	if (sem_count + nsems > atomic_load_relaxed(&sem_limits.sl_total))
		return ENOSPC;
	if ((ss = kmem_zalloc(set_size(nsems), KM_SLEEP)) == NULL)
		return ENOMEM;
	if ((error = ipc_enter(l, &sem_table, &ss->ss_info.si_perm, key, flags,
	    atomic_load_relaxed(&sem_limits.sl_nsets))) != 0) {
		kmem_free(ss, set_size(nsems));
		return error;
	}
	ss->ss_info.si_nsems = nsems;
	ss->ss_info.si_ctime = ipc_now();
	TAILQ_INIT(&ss->ss_waiters);
	LIST_INIT(&ss->ss_undos);
	sem_count += nsems;
	*id = ss->ss_info.si_perm.ip_id;
	return 0;
}

int
do_semget(struct lwp *l, int key, int nsems, int flags, int *id)
{
	struct ipc_perm_k *ip;
	int error;

	if (nsems < 0 ||
	    (unsigned int)nsems > atomic_load_relaxed(&sem_limits.sl_nsems))
		return EINVAL;
	mutex_enter(&sem_lock);
	error = ipc_open(l, &sem_table, key, flags, &ip);
	if (error == 0 && ip == NULL)
		error = set_create(l, key, (unsigned int)nsems, flags, id);
	else if (error == 0 &&
	    (unsigned int)nsems > set_of(ip)->ss_info.si_nsems)
		error = EINVAL;
	else if (error == 0)
		*id = ip->ip_id;
	mutex_exit(&sem_lock);
	return error;
}

static void
undo_free(struct semundo *su)
{
	LIST_REMOVE(su, su_setlink);
	LIST_REMOVE(su, su_proclink);
	kmem_free(su, undo_size(su->su_set));
}

/* The waiter has its result and does not look at the set again. */
static void
waiter_done(struct semset *ss, struct semwait *sw, int error)
{
	TAILQ_REMOVE(&ss->ss_waiters, sw, sw_link);
	sw->sw_error = error;
	cv_signal(&sw->sw_cv);
}

int
do_sem_remove(struct lwp *l, int id)
{
	struct ipc_perm_k *ip;
	struct semset *ss;
	struct semwait *sw;
	struct semundo *su;
	int error = EINVAL;

	mutex_enter(&sem_lock);
	if ((ip = ipc_find(&sem_table, id)) != NULL &&
	    (error = ipc_owner(l, ip)) == 0) {
		ipc_leave(&sem_table, ip);
		ss = set_of(ip);
		while ((sw = TAILQ_FIRST(&ss->ss_waiters)) != NULL)
			waiter_done(ss, sw, EIDRM);
		while ((su = LIST_FIRST(&ss->ss_undos)) != NULL)
			undo_free(su);
		sem_count -= ss->ss_info.si_nsems;
		kmem_free(ss, set_size(ss->ss_info.si_nsems));
	}
	mutex_exit(&sem_lock);
	return error;
}

/* -- operations -- */

/* One of them; 0, WAITING, ERANGE. */
static int
op_do(struct sem *s, const struct sembuf_k *op, struct semundo *su)
{
	int value = s->s_value + op->sb_op, adjust;

	if (value < 0 || (op->sb_op == 0 && s->s_value != 0))
		return WAITING;
	if (value > SEMVMX)
		return ERANGE;
	if ((op->sb_flags & SEM_UNDO) != 0) {
		adjust = su->su_adjust[op->sb_num] - op->sb_op;
		if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
			return ERANGE;
		su->su_adjust[op->sb_num] = (int16_t)adjust;
	}
	s->s_value = value;
	return 0;
}

/* All or none; WAITING: sw_blocking says for which. */
static int
ops_try(struct semset *ss, struct semwait *sw)
{
	const struct sembuf_k *op = NULL;
	unsigned int i;
	int error = 0;

	for (i = 0; i < sw->sw_nops; i++) {
		op = &sw->sw_ops[i];
		error = op_do(&ss->ss_sems[op->sb_num], op, sw->sw_undo);
		if (error != 0)
			break;
	}
	if (error == 0) {
		for (i = 0; i < sw->sw_nops; i++)
			ss->ss_sems[sw->sw_ops[i].sb_num].s_pid = sw->sw_pid;
		ss->ss_info.si_otime = ipc_now();
		return 0;
	}
	sw->sw_blocking = i;
	if (error == WAITING && (op->sb_flags & IPC_NOWAIT) != 0)
		error = EAGAIN;
	while (i-- > 0) {
		op = &sw->sw_ops[i];
		ss->ss_sems[op->sb_num].s_value -= op->sb_op;
		if ((op->sb_flags & SEM_UNDO) != 0)
			sw->sw_undo->su_adjust[op->sb_num] += op->sb_op;
	}
	return error;
}

static bool
ops_alter(const struct sembuf_k *ops, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (ops[i].sb_op != 0)
			return true;
	return false;
}

/* Values have changed: who can go on now? */
static void
set_changed(struct semset *ss)
{
	struct semwait *sw, *next;
	int error;

	for (sw = TAILQ_FIRST(&ss->ss_waiters); sw != NULL; sw = next) {
		error = ops_try(ss, sw);
		if (error == WAITING) {
			next = TAILQ_NEXT(sw, sw_link);
			continue;
		}
		/* That is a change again, for those before it, too. */
		waiter_done(ss, sw, error);
		next = TAILQ_FIRST(&ss->ss_waiters);
	}
}

/* The process' adjustments for the set. */
static int
undo_get(struct lwp *l, struct semset *ss, struct semundo **sup)
{
	struct proc *p = l->l_proc;
	struct semundo *su;

	LIST_FOREACH(su, &p->p_semundo, su_proclink)
		if (su->su_set == ss)
			break;
	if (su == NULL) {
		su = kmem_zalloc(undo_size(ss), KM_SLEEP);
		if (su == NULL)
			return ENOMEM;
		su->su_set = ss;
		LIST_INSERT_HEAD(&p->p_semundo, su, su_proclink);
		LIST_INSERT_HEAD(&ss->ss_undos, su, su_setlink);
	}
	*sup = su;
	return 0;
}

/* Are they for this set, and may the caller? */
static int
ops_check(struct lwp *l, struct semset *ss, struct semwait *sw)
{
	bool undo = false;
	int error;

	for (unsigned int i = 0; i < sw->sw_nops; i++) {
		if (sw->sw_ops[i].sb_num >= ss->ss_info.si_nsems)
			return EFBIG;
		if ((sw->sw_ops[i].sb_flags & SEM_UNDO) != 0)
			undo = true;
	}
	error = ipc_access(l, &ss->ss_info.si_perm,
	    ops_alter(sw->sw_ops, sw->sw_nops) ? IPC_WRITE : IPC_READ);
	if (error == 0 && undo)
		error = undo_get(l, ss, &sw->sw_undo);
	return error;
}

static int
ops_wait(struct semset *ss, struct semwait *sw, nsec_t deadline)
{
	int error = 0;

	sw->sw_error = WAITING;
	cv_init(&sw->sw_cv, "semop");
	TAILQ_INSERT_TAIL(&ss->ss_waiters, sw, sw_link);
	while (sw->sw_error == WAITING && error == 0)
		error = cv_timedwait_sig(&sw->sw_cv, &sem_lock, deadline);
	if (sw->sw_error == WAITING) {
		TAILQ_REMOVE(&ss->ss_waiters, sw, sw_link);
		sw->sw_error = error == ETIMEDOUT ? EAGAIN : EINTR;
	}
	cv_destroy(&sw->sw_cv);
	return sw->sw_error;
}

int
do_semop(struct lwp *l, int id, const struct sembuf_k *ops, unsigned int nops,
    nsec_t deadline)
{
	struct semwait sw = { .sw_ops = ops, .sw_nops = nops,
	    .sw_pid = l->l_proc->p_pid };
	struct semset *ss;
	int error = EINVAL;

	mutex_enter(&sem_lock);
	if ((ss = set_of(ipc_find(&sem_table, id))) != NULL &&
	    (error = ops_check(l, ss, &sw)) == 0) {
		error = ops_try(ss, &sw);
		if (error == WAITING)
			error = ops_wait(ss, &sw, deadline);
		else if (error == 0 && ops_alter(ops, nops))
			set_changed(ss);
	}
	mutex_exit(&sem_lock);
	return error;
}

void
sem_exit(struct proc *p)
{
	struct semundo *su;
	struct semset *ss;
	struct sem *s;

	/* Only this process, which has one thread by now, puts any there. */
	if (LIST_EMPTY(&p->p_semundo))
		return;
	mutex_enter(&sem_lock);
	while ((su = LIST_FIRST(&p->p_semundo)) != NULL) {
		ss = su->su_set;
		for (unsigned int i = 0; i < ss->ss_info.si_nsems; i++) {
			if (su->su_adjust[i] == 0)
				continue;
			s = &ss->ss_sems[i];
			s->s_value += su->su_adjust[i];
			s->s_value = MIN(MAX(s->s_value, 0), SEMVMX);
			s->s_pid = p->p_pid;
		}
		ss->ss_info.si_otime = ipc_now();
		undo_free(su);
		set_changed(ss);
	}
	mutex_exit(&sem_lock);
}

/* -- control -- */

int
do_sem_stat(struct lwp *l, int id, bool by_index, bool any,
    struct sem_info_k *si)
{
	struct ipc_perm_k *ip;
	int error = EINVAL;

	mutex_enter(&sem_lock);
	ip = by_index ? ipc_at(&sem_table, (unsigned int)id) :
	    ipc_find(&sem_table, id);
	if (ip != NULL &&
	    (error = any ? 0 : ipc_access(l, ip, IPC_READ)) == 0)
		*si = set_of(ip)->ss_info;
	mutex_exit(&sem_lock);
	return error;
}

int
do_sem_set(struct lwp *l, int id, uid_t uid, gid_t gid, mode_t mode)
{
	struct ipc_perm_k *ip;
	int error = EINVAL;

	mutex_enter(&sem_lock);
	if ((ip = ipc_find(&sem_table, id)) != NULL &&
	    (error = ipc_set(l, ip, uid, gid, mode)) == 0)
		set_of(ip)->ss_info.si_ctime = ipc_now();
	mutex_exit(&sem_lock);
	return error;
}

/* How many wait for that semaphore to rise, or to become 0? */
static int
count_waiters(const struct semset *ss, unsigned int num, bool zero)
{
	const struct sembuf_k *op;
	struct semwait *sw;
	int n = 0;

	TAILQ_FOREACH(sw, &ss->ss_waiters, sw_link) {
		op = &sw->sw_ops[sw->sw_blocking];
		if (op->sb_num == num && (op->sb_op == 0) == zero)
			n++;
	}
	return n;
}

/* By id, with the right to `want': EINVAL, EACCES. sem_lock held. */
static int
set_get(struct lwp *l, int id, mode_t want, struct semset **ssp)
{
	struct ipc_perm_k *ip = ipc_find(&sem_table, id);

	*ssp = set_of(ip);
	return ip == NULL ? EINVAL : ipc_access(l, ip, want);
}

int
do_sem_get(struct lwp *l, int id, int num, enum sem_what what, int *value)
{
	struct semset *ss;
	int error;

	mutex_enter(&sem_lock);
	error = set_get(l, id, IPC_READ, &ss);
	if (error == 0 && (num < 0 || (unsigned int)num >=
	    ss->ss_info.si_nsems))
		error = EINVAL;
	else if (error == 0 && what == SEM_VALUE)
		*value = ss->ss_sems[num].s_value;
	else if (error == 0 && what == SEM_PID)
		*value = ss->ss_sems[num].s_pid;
	else if (error == 0)
		*value = count_waiters(ss, (unsigned int)num,
		    what == SEM_ZCNT);
	mutex_exit(&sem_lock);
	return error;
}

int
do_sem_getall(struct lwp *l, int id, uint16_t *values, unsigned int n)
{
	struct semset *ss;
	int error;

	mutex_enter(&sem_lock);
	error = set_get(l, id, IPC_READ, &ss);
	if (error == 0 && n != ss->ss_info.si_nsems)
		error = EINVAL;
	for (unsigned int i = 0; error == 0 && i < n; i++)
		values[i] = (uint16_t)ss->ss_sems[i].s_value;
	mutex_exit(&sem_lock);
	return error;
}

/* A value set by hand: nobody undoes anything there. */
static void
value_set(struct lwp *l, struct semset *ss, unsigned int num, int value)
{
	struct semundo *su;

	LIST_FOREACH(su, &ss->ss_undos, su_setlink)
		su->su_adjust[num] = 0;
	ss->ss_sems[num].s_value = value;
	ss->ss_sems[num].s_pid = l->l_proc->p_pid;
}

int
do_sem_setval(struct lwp *l, int id, int num, int value)
{
	struct semset *ss;
	int error;

	if (value < 0 || value > SEMVMX)
		return ERANGE;
	mutex_enter(&sem_lock);
	error = set_get(l, id, IPC_WRITE, &ss);
	if (ss != NULL && (num < 0 || (unsigned int)num >=
	    ss->ss_info.si_nsems))
		error = EINVAL;
	if (error == 0) {
		value_set(l, ss, (unsigned int)num, value);
		ss->ss_info.si_ctime = ipc_now();
		set_changed(ss);
	}
	mutex_exit(&sem_lock);
	return error;
}

int
do_sem_setall(struct lwp *l, int id, const uint16_t *values, unsigned int n)
{
	struct semset *ss;
	int error;

	for (unsigned int i = 0; i < n; i++)
		if (values[i] > SEMVMX)
			return ERANGE;
	mutex_enter(&sem_lock);
	error = set_get(l, id, IPC_WRITE, &ss);
	if (error == 0 && n != ss->ss_info.si_nsems)
		error = EINVAL;
	if (error == 0) {
		for (unsigned int i = 0; i < n; i++)
			value_set(l, ss, i, values[i]);
		ss->ss_info.si_ctime = ipc_now();
		set_changed(ss);
	}
	mutex_exit(&sem_lock);
	return error;
}

void
sem_totals(unsigned int *nsets, unsigned int *nsems, unsigned int *highest)
{
	mutex_enter(&sem_lock);
	*nsets = sem_table.it_used;
	*nsems = sem_count;
	*highest = ipc_highest(&sem_table);
	mutex_exit(&sem_lock);
}
