/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits, usage and priorities of processes, and the per-user counters.
 *
 * Overview: what a thread used is counted in its own l_ru by the clock and the
 * fault code; it moves to p_ru when the thread ends and to the parent's p_cru
 * when the process is waited for.
 *
 * Locking: limits and sums are under p_lock; the table of users under
 * uidinfo_lock, its counters are atomic.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>

#define	UIDHASH		64
#define	NR_OPEN		1048576		/* the most RLIMIT_NOFILE may be */

#define	PRIO_PROCESS	0
#define	PRIO_PGRP	1
#define	PRIO_USER	2

static struct spinlock uidinfo_lock = SPINLOCK_INITIALIZER("uidinfo");
static LIST_HEAD(, uidinfo) uidinfo_hash[UIDHASH];

static struct uidinfo *
uidinfo_lookup_locked(uid_t uid)
{
	struct uidinfo *ui;

	LIST_FOREACH(ui, &uidinfo_hash[uid % UIDHASH], ui_link) {
		if (ui->ui_uid == uid) {
			refcount_get(&ui->ui_ref);
			return ui;
		}
	}
	return NULL;
}

/* The record of a user, with a reference; NULL without memory. Sleeps. */
struct uidinfo *
uidinfo_get(uid_t uid)
{
	struct uidinfo *ui, *new;

	spin_enter(&uidinfo_lock);
	ui = uidinfo_lookup_locked(uid);
	spin_exit(&uidinfo_lock);
	if (ui != NULL)
		return ui;
	if ((new = kmem_zalloc(sizeof(*new), KM_SLEEP)) == NULL)
		return NULL;
	new->ui_ref = 1;
	new->ui_uid = uid;
	spin_enter(&uidinfo_lock);
	if ((ui = uidinfo_lookup_locked(uid)) == NULL)
		LIST_INSERT_HEAD(&uidinfo_hash[uid % UIDHASH], new, ui_link);
	spin_exit(&uidinfo_lock);
	if (ui != NULL) {
		kmem_free(new, sizeof(*new));
		return ui;
	}
	return new;
}

void
uidinfo_ref(struct uidinfo *ui)
{
	refcount_get(&ui->ui_ref);
}

void
uidinfo_put(struct uidinfo *ui)
{
	bool last;

	spin_enter(&uidinfo_lock);
	last = refcount_put(&ui->ui_ref);
	if (last)
		LIST_REMOVE(ui, ui_link);
	spin_exit(&uidinfo_lock);
	if (last)
		kmem_free(ui, sizeof(*ui));
}

/* Limits of the first process, from which all others have theirs. */
void
resource_init(void)
{
	static const struct rlimit inf = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit *lim = proc0.p_rlimit;
	uint64_t threads = MIN((uint64_t)uvmexp.total / 64, PID_MAX / 2);

	for (unsigned int i = 0; i < RLIM_NLIMITS; i++)
		lim[i] = inf;
	lim[RLIMIT_STACK].rlim_cur = 8 << 20;
	lim[RLIMIT_CORE].rlim_cur = 0;
	lim[RLIMIT_NPROC].rlim_cur = lim[RLIMIT_NPROC].rlim_max =
	    MAX(threads, 64);
	lim[RLIMIT_SIGPENDING] = lim[RLIMIT_NPROC];
	lim[RLIMIT_NOFILE] = (struct rlimit){ 1024, 4096 };
	lim[RLIMIT_MEMLOCK] = (struct rlimit){ 8 << 20, 8 << 20 };
	lim[RLIMIT_MSGQUEUE] = (struct rlimit){ 819200, 819200 };
	lim[RLIMIT_NICE] = (struct rlimit){ 0, 0 };
	lim[RLIMIT_RTPRIO] = (struct rlimit){ 0, 0 };
}

struct rlimit
proc_rlimit(struct proc *p, int which)
{
	struct rlimit lim;

	KASSERT(which >= 0 && which < RLIM_NLIMITS);
	spin_enter(&p->p_lock);
	lim = p->p_rlimit[which];
	spin_exit(&p->p_lock);
	return lim;
}

/* prlimit(2) on a process that cannot go away; new, old may be NULL. */
int
do_prlimit(struct lwp *l, struct proc *p, int which,
    const struct rlimit *new, struct rlimit *old)
{
	int error = 0;
	bool priv = cred_capable(l->l_cred, CAP_SYS_RESOURCE) == 0;

	if (which < 0 || which >= RLIM_NLIMITS)
		return EINVAL;
	if (new != NULL && new->rlim_cur > new->rlim_max)
		return EINVAL;
	if (new != NULL && which == RLIMIT_NOFILE && new->rlim_max > NR_OPEN)
		return EPERM;
	spin_enter(&p->p_lock);
	if (old != NULL)
		*old = p->p_rlimit[which];
	if (new != NULL) {
		if (new->rlim_max > p->p_rlimit[which].rlim_max && !priv)
			error = EPERM;
		else
			p->p_rlimit[which] = *new;
		if (error == 0 && which == RLIMIT_CPU)
			cpulimit_start(p);
	}
	spin_exit(&p->p_lock);
	return error;
}

void
rusage_add(struct rusage_ns *to, const struct rusage_ns *ru)
{
	to->ru_utime += ru->ru_utime;
	to->ru_stime += ru->ru_stime;
	to->ru_maxrss = MAX(to->ru_maxrss, ru->ru_maxrss);
	to->ru_minflt += ru->ru_minflt;
	to->ru_majflt += ru->ru_majflt;
	to->ru_inblock += ru->ru_inblock;
	to->ru_oublock += ru->ru_oublock;
	to->ru_nvcsw += ru->ru_nvcsw;
	to->ru_nivcsw += ru->ru_nivcsw;
}

nsec_t
lwp_cputime(struct lwp *l)
{
	nsec_t user, sys;

	sched_times(l, &user, &sys);
	return user + sys;
}

nsec_t
proc_cputime_locked(struct proc *p)
{
	nsec_t sum = p->p_ru.ru_utime + p->p_ru.ru_stime;
	struct lwp *l;

	LIST_FOREACH(l, &p->p_lwps, l_sibling)
		sum += lwp_cputime(l);
	return sum;
}

nsec_t
proc_usertime_locked(struct proc *p)
{
	nsec_t sum = p->p_ru.ru_utime, user, sys;
	struct lwp *l;

	LIST_FOREACH(l, &p->p_lwps, l_sibling) {
		sched_times(l, &user, &sys);
		sum += user;
	}
	return sum;
}

/* The whole process so far: threads that ended and those that run. */
void
proc_rusage(struct proc *p, struct rusage_ns *ru)
{
	struct vmspace *vm = proc_vmspace_ref(p);
	struct lwp *l;
	nsec_t user, sys;

	spin_enter(&p->p_lock);
	*ru = p->p_ru;
	LIST_FOREACH(l, &p->p_lwps, l_sibling) {
		sched_times(l, &user, &sys);	/* brings l_ru up to date */
		rusage_add(ru, &l->l_ru);
	}
	spin_exit(&p->p_lock);
	if (vm != NULL) {
		ru->ru_maxrss = MAX(ru->ru_maxrss,
		    vm->vm_rss_max * (PAGE_SIZE / 1024));
		vmspace_put(vm);
	}
}

/* May the thread change the nice value of p to that? */
static int
nice_permitted(struct lwp *l, struct proc *p, int nice)
{
	const struct cred *cr = l->l_cred;
	struct cred *pcr = proc_cred_ref(p);
	bool own = pcr->cr_ruid == cr->cr_euid || pcr->cr_euid == cr->cr_euid;

	cred_put(pcr);
	if (cred_capable(cr, CAP_SYS_NICE) == 0)
		return 0;
	if (!own)
		return EPERM;
	if (nice < p->p_nice && 20 - nice > (int)MIN(40,
	    rlimit_cur(p, RLIMIT_NICE)))
		return EACCES;
	return 0;
}

/* Set, or with set == false find the best, nice value of one process. */
static int
nice_one(struct lwp *l, struct proc *p, bool set, int *nice)
{
	struct lwp *l2;
	int error;

	if (!set) {
		*nice = MIN(*nice, p->p_nice);
		return 0;
	}
	if ((error = nice_permitted(l, p, *nice)) != 0)
		return error;
	spin_enter(&p->p_lock);
	p->p_nice = *nice;
	LIST_FOREACH(l2, &p->p_lwps, l_sibling)
		sched_setpriority_lwp(l2);
	spin_exit(&p->p_lock);
	return 0;
}

bool
proc_of_user(struct proc *p, uid_t uid)
{
	struct cred *cr;
	bool match;

	if (p->p_state != PS_ACTIVE)
		return false;
	cr = proc_cred_ref(p);
	match = cr->cr_ruid == uid;
	cred_put(cr);
	return match;
}

static int
nice_user(struct lwp *l, uid_t uid, bool set, int *nice, bool *found)
{
	struct proc *p;
	int error = 0;

	LIST_FOREACH(p, &allproc, p_all) {
		if (proc_of_user(p, uid)) {
			*found = true;
			error = nice_one(l, p, set, nice);
		}
	}
	return error;
}

static int
do_nice(struct lwp *l, int which, int who, bool set, int *nice)
{
	struct proc *p;
	struct pgrp *pg;
	int error = 0;
	bool found = false;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return EINVAL;
	rw_enter(&proctree_lock, RW_READER);
	switch (which) {
	case PRIO_PROCESS:
		p = who == 0 ? l->l_proc : proc_of_tid(who);
		if (p != NULL) {
			found = true;
			error = nice_one(l, p, set, nice);
		}
		break;
	case PRIO_PGRP:
		pg = who == 0 ? l->l_proc->p_pgrp : pgrp_find(who);
		if (pg == NULL)
			break;
		LIST_FOREACH(p, &pg->pg_members, p_pgrp_link) {
			found = true;
			error = nice_one(l, p, set, nice);
		}
		break;
	case PRIO_USER:
		error = nice_user(l, who == 0 ? l->l_cred->cr_ruid :
		    (uid_t)who, set, nice, &found);
		break;
	}
	rw_exit(&proctree_lock);
	return found ? error : ESRCH;
}

int
do_getpriority(struct lwp *l, int which, int who, int *nice)
{
	*nice = 19;
	return do_nice(l, which, who, false, nice);
}

int
do_setpriority(struct lwp *l, int which, int who, int nice)
{
	nice = MAX(-20, MIN(19, nice));
	return do_nice(l, which, who, true, &nice);
}
