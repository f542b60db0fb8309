/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioprio_set and ioprio_get: the priority of a thread's disk transfers.
 *
 * Overview: it is kept, inherited and told.  Disks here take transfers in their
 * order, whoever they are for, as Linux does for a disk without a scheduler.
 *
 * Sources: ioprio_set(2), Linux's <linux/ioprio.h>.
 */
#include <sys/errno.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	CLASS_SHIFT	13
#define	CLASS_NONE	0
#define	CLASS_RT	1
#define	CLASS_BE	2
#define	CLASS_IDLE	3
#define	LEVELS		8

#define	WHO_PROCESS	1	/* one thread */
#define	WHO_PGRP	2
#define	WHO_USER	3

#define	PRIO(class, level)	((class) << CLASS_SHIFT | (level))

struct ioprio_op {
	struct lwp	*o_lwp;		/* who calls */
	bool		o_set;
	bool		o_found;
	int		o_prio;		/* to be set; or the best one found */
};

static int
ioprio_check(struct lwp *l, int prio)
{
	int level = prio & ((1 << CLASS_SHIFT) - 1);

	switch (prio >> CLASS_SHIFT) {
	case CLASS_RT:
		if (cred_capable(l->l_cred, CAP_SYS_ADMIN) != 0 &&
		    cred_capable(l->l_cred, CAP_SYS_NICE) != 0)
			return EPERM;
		return level < LEVELS ? 0 : EINVAL;
	case CLASS_BE:
		return level < LEVELS ? 0 : EINVAL;
	case CLASS_IDLE:
		return 0;
	case CLASS_NONE:
		return level == 0 ? 0 : EINVAL;
	default:
		return EINVAL;
	}
}

/* What counts for a thread: without one of its own that of its scheduling. */
static int
ioprio_effective(const struct lwp *l)
{
	int policy = l->l_sched.se_policy;

	if (l->l_ioprio != 0)
		return l->l_ioprio;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return PRIO(CLASS_RT, 4);
	if (policy == SCHED_IDLE)
		return PRIO(CLASS_IDLE, 0);
	return PRIO(CLASS_BE, (l->l_proc->p_nice + 20) / 5);
}

/* p_lock of its process held. */
static int
ioprio_thread(struct ioprio_op *o, struct lwp *target)
{
	const struct cred *cr = o->o_lwp->l_cred, *tcr = target->l_cred;

	if (!o->o_set) {
		o->o_prio = o->o_found ? MIN(o->o_prio,
		    ioprio_effective(target)) : ioprio_effective(target);
		o->o_found = true;
		return 0;
	}
	o->o_found = true;
	if (tcr->cr_ruid != cr->cr_euid && tcr->cr_ruid != cr->cr_ruid &&
	    cred_capable(cr, CAP_SYS_NICE) != 0)
		return EPERM;
	atomic_store_relaxed(&target->l_ioprio, o->o_prio);
	return 0;
}

static int
ioprio_process(struct ioprio_op *o, struct proc *p)
{
	struct lwp *l;
	int error = 0;

	spin_enter(&p->p_lock);
	LIST_FOREACH(l, &p->p_lwps, l_sibling)
		if ((error = ioprio_thread(o, l)) != 0)
			break;
	spin_exit(&p->p_lock);
	return error;
}

/* For each thread that is meant; ESRCH: there is none. */
static int
ioprio_each(struct ioprio_op *o, int which, int who)
{
	struct lwp *l = o->o_lwp, *l2;
	struct pgrp *pg;
	struct proc *p;
	uid_t uid = who == 0 ? l->l_cred->cr_ruid : (uid_t)who;
	int error = 0;

	rw_enter(&proctree_lock, RW_READER);
	if (which == WHO_PROCESS) {
		l2 = who == 0 ? l : lwp_find(who);
		if (l2 != NULL && !o->o_set) {
			o->o_prio = l2->l_ioprio;
			o->o_found = true;
		} else if (l2 != NULL) {
			spin_enter(&l2->l_proc->p_lock);
			error = ioprio_thread(o, l2);
			spin_exit(&l2->l_proc->p_lock);
		}
	} else if (which == WHO_PGRP) {
		pg = who == 0 ? l->l_proc->p_pgrp : pgrp_find(who);
		if (pg != NULL)
			LIST_FOREACH(p, &pg->pg_members, p_pgrp_link)
				if ((error = ioprio_process(o, p)) != 0)
					break;
	} else {
		LIST_FOREACH(p, &allproc, p_all)
			if (proc_of_user(p, uid) &&
			    (error = ioprio_process(o, p)) != 0)
				break;
	}
	rw_exit(&proctree_lock);
	return o->o_found ? error : ESRCH;
}

int
linux_sys_ioprio_set(struct lwp *l, const struct linux_ioprio_set_args *uap,
    register_t *retval __unused)
{
	struct ioprio_op o = { .o_lwp = l, .o_set = true,
		.o_prio = uap->prio };
	int error = ioprio_check(l, uap->prio);

	if (error != 0)
		return error;
	if (uap->which < WHO_PROCESS || uap->which > WHO_USER)
		return EINVAL;
	return ioprio_each(&o, uap->which, uap->who);
}

int
linux_sys_ioprio_get(struct lwp *l, const struct linux_ioprio_get_args *uap,
    register_t *retval)
{
	struct ioprio_op o = { .o_lwp = l };
	int error;

	if (uap->which < WHO_PROCESS || uap->which > WHO_USER)
		return EINVAL;
	error = ioprio_each(&o, uap->which, uap->who);
	if (error == 0)
		*retval = (register_t)o.o_prio;
	return error;
}
