/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on scheduling: classes, priorities, CPU sets.
 */
#include <sys/errno.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	SCHED_DEADLINE		6
#define	SCHED_RESET_ON_FORK	0x40000000
#define	FLAG_RESET_ON_FORK	0x1	/* of sched_setattr(2) */
#define	FLAG_KEEP_POLICY	0x8
#define	FLAG_KEEP_PARAMS	0x10

struct linux_sched_attr {
	uint32_t	size, policy;
	uint64_t	flags;
	int32_t		nice;
	uint32_t	priority;
	uint64_t	runtime, deadline, period;
};
CTASSERT(sizeof(struct linux_sched_attr) == 48);

int
linux_sys_sched_yield(struct lwp *l __unused,
    const struct linux_sched_yield_args *uap __unused,
    register_t *retval __unused)
{
	sched_yield_cpu();
	return 0;
}

/* The thread a call is about, 0: the caller. [T] held. */
static struct lwp *
sched_target(struct lwp *l, pid_t tid)
{
	return tid == 0 ? l : lwp_find(tid);
}

/* May the caller change how another thread is scheduled? [T] held. */
static bool
sched_permitted(struct lwp *l, struct lwp *target)
{
	struct cred *cr = lwp_cred_ref(target);
	bool own = l->l_cred->cr_euid == cr->cr_ruid ||
	    l->l_cred->cr_euid == cr->cr_euid;

	cred_put(cr);
	return own || cred_capable(l->l_cred, CAP_SYS_NICE) == 0;
}

static bool
is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int
policy_check(int policy, int prio)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return prio >= 1 && prio <= 99 ? 0 : EINVAL;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return prio == 0 ? 0 : EINVAL;
	default:
		return EINVAL;
	}
}

/* policy: with SCHED_RESET_ON_FORK, or < 0: keep both. */
static int
setscheduler(struct lwp *l, pid_t tid, int policy, int prio)
{
	bool nice = cred_capable(l->l_cred, CAP_SYS_NICE) == 0, reset;
	struct sched_entity *se;
	struct lwp *l2;
	uint64_t limit;
	int error = 0;

	if (tid < 0)
		return EINVAL;
	rw_enter(&proctree_lock, RW_READER);
	if ((l2 = sched_target(l, tid)) == NULL) {
		error = ESRCH;
		goto out;
	}
	se = &l2->l_sched;
	reset = policy < 0 ? se->se_reset : (policy & SCHED_RESET_ON_FORK) != 0;
	policy = policy < 0 ? se->se_policy : policy & ~SCHED_RESET_ON_FORK;
	if ((error = policy_check(policy, prio)) != 0)
		goto out;
	limit = rlimit_cur(l2->l_proc, RLIMIT_RTPRIO);
	if (!sched_permitted(l, l2) || (!nice && ((se->se_reset && !reset) ||
	    (is_rt(policy) && ((!is_rt(se->se_policy) && limit == 0) ||
	    (prio > se->se_rtprio && (uint64_t)prio > limit)))))) {
		error = EPERM;
		goto out;
	}
	spin_enter(&l2->l_proc->p_lock);
	se->se_policy = policy;
	se->se_rtprio = prio;
	se->se_reset = reset;
	sched_setpriority_lwp(l2);
	spin_exit(&l2->l_proc->p_lock);
out:
	rw_exit(&proctree_lock);
	return error;
}

int
linux_sys_sched_setscheduler(struct lwp *l,
    const struct linux_sched_setscheduler_args *uap,
    register_t *retval __unused)
{
	int32_t prio;
	int error;

	if (uap->policy < 0)
		return EINVAL;
	if ((error = copyin(uap->param, &prio, sizeof(prio))) != 0)
		return error;
	return setscheduler(l, uap->pid, uap->policy, prio);
}

int
linux_sys_sched_setparam(struct lwp *l,
    const struct linux_sched_setparam_args *uap, register_t *retval __unused)
{
	int32_t prio;
	int error;

	if (uap->param == NULL)
		return EINVAL;
	if ((error = copyin(uap->param, &prio, sizeof(prio))) != 0)
		return error;
	return setscheduler(l, uap->pid, -1, prio);
}

/* Of a thread, or of one that has ended and not been waited for. */
static int
getinfo(struct lwp *l, pid_t tid, struct sched_info *si, int *nice)
{
	struct lwp *l2;
	struct proc *p;

	rw_enter(&proctree_lock, RW_READER);
	p = tid == 0 ? l->l_proc : proc_of_tid(tid);
	if (p != NULL) {
		if ((l2 = sched_target(l, tid)) != NULL)
			sched_getinfo(l2, si);
		else
			*si = p->p_zsched;
		*nice = p->p_nice;
	}
	rw_exit(&proctree_lock);
	return p != NULL ? 0 : ESRCH;
}

/* Policy (with SCHED_RESET_ON_FORK), priority and nice. */
static int
getscheduler(struct lwp *l, pid_t tid, int *policy, int *prio, int *nice)
{
	struct sched_info si;
	int error;

	if (tid < 0)
		return EINVAL;
	if ((error = getinfo(l, tid, &si, nice)) != 0)
		return error;
	*policy = si.si_policy | (si.si_reset ? SCHED_RESET_ON_FORK : 0);
	*prio = si.si_rtprio;
	return 0;
}

int
linux_sys_sched_getscheduler(struct lwp *l,
    const struct linux_sched_getscheduler_args *uap, register_t *retval)
{
	int policy, prio, nice, error;

	error = getscheduler(l, uap->pid, &policy, &prio, &nice);
	if (error == 0)
		*retval = policy;
	return error;
}

int
linux_sys_sched_getparam(struct lwp *l,
    const struct linux_sched_getparam_args *uap, register_t *retval __unused)
{
	int policy, prio, nice, error;

	if (uap->param == NULL)
		return EINVAL;
	error = getscheduler(l, uap->pid, &policy, &prio, &nice);
	if (error != 0)
		return error;
	return copyout(&prio, uap->param, sizeof(int32_t));
}

int
linux_sys_sched_get_priority_max(struct lwp *l __unused,
    const struct linux_sched_get_priority_max_args *uap, register_t *retval)
{
	*retval = is_rt(uap->policy) ? 99 : 0;
	return uap->policy == SCHED_DEADLINE ||
	    policy_check(uap->policy, (int)*retval) == 0 ? 0 : EINVAL;
}

int
linux_sys_sched_get_priority_min(struct lwp *l __unused,
    const struct linux_sched_get_priority_min_args *uap, register_t *retval)
{
	*retval = is_rt(uap->policy) ? 1 : 0;
	return uap->policy == SCHED_DEADLINE ||
	    policy_check(uap->policy, (int)*retval) == 0 ? 0 : EINVAL;
}

int
linux_sys_sched_rr_get_interval(struct lwp *l,
    const struct linux_sched_rr_get_interval_args *uap,
    register_t *retval __unused)
{
	int policy, prio, nice, error;

	error = getscheduler(l, uap->pid, &policy, &prio, &nice);
	if (error != 0)
		return error;
	policy &= ~SCHED_RESET_ON_FORK;
	return linux_timespec_out(policy == SCHED_RR ? SCHED_RR_SLICE :
	    policy == SCHED_FIFO ? 0 : 4 * NSEC_PER_MSEC, uap->interval);
}

/* The user's structure, or E2BIG and our size in it. */
static int
attr_in(void *uattr, struct linux_sched_attr *a)
{
	const uint32_t ours = sizeof(*a);
	uint32_t size;
	int error = copyin(uattr, &size, sizeof(size));

	if (error == 0)
		error = size == 0 ? linux_struct_in(uattr, ours, a, ours) :
		    size < ours ? E2BIG :
		    linux_struct_in(uattr, size, a, ours);
	if (error == E2BIG && copyout(&ours, uattr, sizeof(ours)) != 0)
		return EFAULT;
	return error;
}

int
linux_sys_sched_setattr(struct lwp *l,
    const struct linux_sched_setattr_args *uap, register_t *retval __unused)
{
	int error, policy, prio, nice;
	struct linux_sched_attr a;

	if (uap->attr == NULL || uap->pid < 0 || uap->flags != 0)
		return EINVAL;
	if ((error = attr_in(uap->attr, &a)) != 0)
		return error;
	if ((a.flags & ~(uint64_t)(FLAG_RESET_ON_FORK | FLAG_KEEP_POLICY |
	    FLAG_KEEP_PARAMS)) != 0)
		return EINVAL;
	error = getscheduler(l, uap->pid, &policy, &prio, &nice);
	if (error != 0)
		return error;
	if ((a.flags & FLAG_KEEP_POLICY) == 0) {
		if (a.policy > SCHED_IDLE)
			return EINVAL;
		policy = (int)a.policy;
		if ((a.flags & FLAG_RESET_ON_FORK) != 0)
			policy |= SCHED_RESET_ON_FORK;
	}
	if ((a.flags & FLAG_KEEP_PARAMS) == 0) {
		prio = (int)a.priority;
		nice = a.nice;
	}
	error = setscheduler(l, uap->pid, policy, prio);
	if (error == 0 && !is_rt(policy & ~SCHED_RESET_ON_FORK))
		error = do_setpriority(l, 0, uap->pid, nice);
	return error;
}

int
linux_sys_sched_getattr(struct lwp *l,
    const struct linux_sched_getattr_args *uap, register_t *retval __unused)
{
	struct linux_sched_attr a = { .size = sizeof(a) };
	int policy, prio, error;

	if (uap->attr == NULL || uap->size < sizeof(a) ||
	    uap->size > PAGE_SIZE || uap->flags != 0)
		return EINVAL;
	error = getscheduler(l, uap->pid, &policy, &prio, &a.nice);
	if (error != 0)
		return error;
	if ((policy & SCHED_RESET_ON_FORK) != 0)
		a.flags = FLAG_RESET_ON_FORK;
	policy &= ~SCHED_RESET_ON_FORK;
	a.policy = (uint32_t)policy;
	a.priority = (uint32_t)prio;
	if (is_rt(policy))
		a.nice = 0;
	return copyout(&a, uap->attr, sizeof(a));
}

/* -- CPU sets: one word, as there are at most 64 CPUs -- */
CTASSERT(MAXCPUS == 64);

int
linux_sys_sched_setaffinity(struct lwp *l,
    const struct linux_sched_setaffinity_args *uap,
    register_t *retval __unused)
{
	uint64_t set = 0;
	struct lwp *l2;
	int error;

	error = copyin(uap->mask, &set, MIN(uap->len, sizeof(set)));
	if (error != 0)
		return error;
	rw_enter(&proctree_lock, RW_READER);
	if ((l2 = sched_target(l, uap->pid)) == NULL)
		error = ESRCH;
	else if (!sched_permitted(l, l2))
		error = EPERM;
	else if (l2->l_sched.se_bound)
		error = EINVAL;
	else
		error = sched_setaffinity_lwp(l2, &set);
	rw_exit(&proctree_lock);
	return error;
}

int
linux_sys_sched_getaffinity(struct lwp *l,
    const struct linux_sched_getaffinity_args *uap, register_t *retval)
{
	struct sched_info si;
	uint64_t set;
	int nice, error;

	if (uap->len * 8 < ncpu_possible ||
	    uap->len % (linux_is32() ? 4 : 8) != 0)
		return EINVAL;
	if ((error = getinfo(l, uap->pid, &si, &nice)) != 0)
		return error;
	set = si.si_affinity[0] & sched_cpu_set();
	error = copyout(&set, uap->mask, MIN(uap->len, sizeof(set)));
	*retval = (register_t)MIN(uap->len, sizeof(set));
	return error;
}

int
linux_sys_getcpu(struct lwp *l __unused,
    const struct linux_getcpu_args *uap, register_t *retval __unused)
{
	uint32_t cpu = curcpu()->ci_index, node = 0;
	int error = 0;

	if (uap->cpu != NULL)
		error = copyout(&cpu, uap->cpu, sizeof(cpu));
	if (error == 0 && uap->node != NULL)
		error = copyout(&node, uap->node, sizeof(node));
	return error;
}

/* -- nice -- */

int
linux_sys_getpriority(struct lwp *l,
    const struct linux_getpriority_args *uap, register_t *retval)
{
	int nice, error = do_getpriority(l, uap->which, uap->who, &nice);

	/* The raw call gives 40..1, so that it is never negative. */
	if (error == 0)
		*retval = 20 - nice;
	return error;
}

int
linux_sys_setpriority(struct lwp *l,
    const struct linux_setpriority_args *uap, register_t *retval __unused)
{
	return do_setpriority(l, uap->which, uap->who, uap->prio);
}
