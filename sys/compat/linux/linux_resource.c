/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on limits and usage.
 */
#include <sys/errno.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>

#define	RUSAGE_SELF	0
#define	RUSAGE_CHILDREN	(-1)
#define	RUSAGE_THREAD	1

static struct linux_timeval
to_timeval(nsec_t ns)
{
	struct linux_timeval tv = {
		ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC
	};

	return tv;
}

static int
rusage32_out(const struct linux_rusage *lru, void *uaddr)
{
	struct linux32_rusage lru32;
	const int64_t *from = &lru->lru_maxrss;
	int32_t *to = &lru32.lru_maxrss;

	lru32.lru_utime.tv_sec = (int32_t)lru->lru_utime.tv_sec;
	lru32.lru_utime.tv_frac = (int32_t)lru->lru_utime.tv_usec;
	lru32.lru_stime.tv_sec = (int32_t)lru->lru_stime.tv_sec;
	lru32.lru_stime.tv_frac = (int32_t)lru->lru_stime.tv_usec;
	/* The rest are fourteen numbers in the same order. */
	for (unsigned int i = 0; i < 14; i++)
		to[i] = (int32_t)from[i];
	return copyout(&lru32, uaddr, sizeof(lru32));
}

int
linux_rusage_out(const struct rusage_ns *ru, void *uaddr)
{
	struct linux_rusage lru;

	memset(&lru, 0, sizeof(lru));
	lru.lru_utime = to_timeval(ru->ru_utime);
	lru.lru_stime = to_timeval(ru->ru_stime);
	lru.lru_maxrss = (int64_t)ru->ru_maxrss;
	lru.lru_minflt = (int64_t)ru->ru_minflt;
	lru.lru_majflt = (int64_t)ru->ru_majflt;
	lru.lru_inblock = (int64_t)ru->ru_inblock;
	lru.lru_oublock = (int64_t)ru->ru_oublock;
	lru.lru_nvcsw = (int64_t)ru->ru_nvcsw;
	lru.lru_nivcsw = (int64_t)ru->ru_nivcsw;
	return linux_is32() ? rusage32_out(&lru, uaddr) :
	    copyout(&lru, uaddr, sizeof(lru));
}

/* Of children that were waited for. */
static void
children_rusage(struct proc *p, struct rusage_ns *ru)
{
	spin_enter(&p->p_lock);
	*ru = p->p_cru;
	spin_exit(&p->p_lock);
}

int
linux_sys_getrusage(struct lwp *l, const struct linux_getrusage_args *uap,
    register_t *retval __unused)
{
	struct rusage_ns ru;

	switch (uap->who) {
	case RUSAGE_SELF:
		proc_rusage(l->l_proc, &ru);
		break;
	case RUSAGE_CHILDREN:
		children_rusage(l->l_proc, &ru);
		break;
	case RUSAGE_THREAD:
		(void)lwp_cputime(l);	/* brings l_ru up to date */
		ru = l->l_ru;
		break;
	default:
		return EINVAL;
	}
	return linux_rusage_out(&ru, uap->ru);
}

int
linux_sys_times(struct lwp *l, const struct linux_times_args *uap,
    register_t *retval)
{
	struct rusage_ns ru, cru;
	struct linux_tms tms;
	struct linux32_tms tms32;

	*retval = (register_t)(nanoboottime() / LINUX_CLOCK_TICK);
	if (uap->buf == NULL)
		return 0;
	proc_rusage(l->l_proc, &ru);
	children_rusage(l->l_proc, &cru);
	if (linux_is32()) {
		tms32.tms_utime = (int32_t)(ru.ru_utime / LINUX_CLOCK_TICK);
		tms32.tms_stime = (int32_t)(ru.ru_stime / LINUX_CLOCK_TICK);
		tms32.tms_cutime = (int32_t)(cru.ru_utime / LINUX_CLOCK_TICK);
		tms32.tms_cstime = (int32_t)(cru.ru_stime / LINUX_CLOCK_TICK);
		return copyout(&tms32, uap->buf, sizeof(tms32));
	}
	tms.tms_utime = ru.ru_utime / LINUX_CLOCK_TICK;
	tms.tms_stime = ru.ru_stime / LINUX_CLOCK_TICK;
	tms.tms_cutime = cru.ru_utime / LINUX_CLOCK_TICK;
	tms.tms_cstime = cru.ru_stime / LINUX_CLOCK_TICK;
	return copyout(&tms, uap->buf, sizeof(tms));
}

/* May the caller see and change the limits of p?  [T] held. */
static bool
rlimit_permitted(struct lwp *l, struct proc *p)
{
	const struct cred *cr = l->l_cred;
	struct cred *pcr;
	bool same;

	if (p == l->l_proc)
		return true;
	pcr = proc_cred_ref(p);
	same = cr->cr_ruid == pcr->cr_ruid && cr->cr_ruid == pcr->cr_euid &&
	    cr->cr_ruid == pcr->cr_suid && cr->cr_rgid == pcr->cr_rgid &&
	    cr->cr_rgid == pcr->cr_egid && cr->cr_rgid == pcr->cr_sgid;
	cred_put(pcr);
	return same || cred_capable(cr, CAP_SYS_RESOURCE) == 0;
}

/* `narrow': the 32-bit form of getrlimit(2), whose largest number is "none". */
static int
rlimit_in(const void *uaddr, bool narrow, struct linux_rlimit *lim)
{
	struct linux32_rlimit lim32;
	int error;

	if (!narrow)
		return copyin(uaddr, lim, sizeof(*lim));
	error = copyin(uaddr, &lim32, sizeof(lim32));
	lim->rlim_cur = lim32.rlim_cur == UINT32_MAX ? RLIM_INFINITY :
	    lim32.rlim_cur;
	lim->rlim_max = lim32.rlim_max == UINT32_MAX ? RLIM_INFINITY :
	    lim32.rlim_max;
	return error;
}

static int
rlimit_out(const struct linux_rlimit *lim, bool narrow, void *uaddr)
{
	struct linux32_rlimit lim32 = {
		(uint32_t)MIN(lim->rlim_cur, (uint64_t)UINT32_MAX),
		(uint32_t)MIN(lim->rlim_max, (uint64_t)UINT32_MAX)
	};

	return narrow ? copyout(&lim32, uaddr, sizeof(lim32)) :
	    copyout(lim, uaddr, sizeof(*lim));
}

static int
prlimit_common(struct lwp *l, pid_t pid, unsigned int which,
    const void *unew, void *uold, bool narrow)
{
	struct linux_rlimit lim;
	struct rlimit new, old;
	struct proc *p;
	int error = 0;

	if (which >= RLIM_NLIMITS)
		return EINVAL;
	if (unew != NULL) {
		if ((error = rlimit_in(unew, narrow, &lim)) != 0)
			return error;
		new.rlim_cur = lim.rlim_cur;
		new.rlim_max = lim.rlim_max;
	}
	rw_enter(&proctree_lock, RW_READER);
	p = pid == 0 ? l->l_proc : proc_of_tid(pid);
	if (p == NULL)
		error = ESRCH;
	else if (!rlimit_permitted(l, p))
		error = EPERM;
	else
		error = do_prlimit(l, p, (int)which,
		    unew != NULL ? &new : NULL, &old);
	rw_exit(&proctree_lock);
	if (error != 0 || uold == NULL)
		return error;
	lim.rlim_cur = old.rlim_cur;
	lim.rlim_max = old.rlim_max;
	return rlimit_out(&lim, narrow, uold);
}

int
linux_sys_prlimit64(struct lwp *l, const struct linux_prlimit64_args *uap,
    register_t *retval __unused)
{
	return prlimit_common(l, uap->pid, uap->resource, uap->new, uap->old,
	    false);
}

int
linux_sys_getrlimit(struct lwp *l, const struct linux_getrlimit_args *uap,
    register_t *retval __unused)
{
	if (uap->rlim == NULL)
		return EFAULT;
	return prlimit_common(l, 0, uap->resource, NULL, uap->rlim,
	    linux_is32());
}

int
linux_sys_setrlimit(struct lwp *l, const struct linux_setrlimit_args *uap,
    register_t *retval __unused)
{
	if (uap->rlim == NULL)
		return EFAULT;
	return prlimit_common(l, 0, uap->resource, uap->rlim, NULL,
	    linux_is32());
}
