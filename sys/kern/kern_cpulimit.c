/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RLIMIT_CPU: a process that used up its CPU time gets SIGXCPU, and once more
 * every second after that (the soft limit goes up with it), and SIGKILL when it
 * is at the hard limit.
 *
 * Overview: a callout of the process fires when all its threads could have used
 * the rest, looks, and waits on.  Nothing runs for a process without a limit,
 * and its fork and exit take no lock for it.
 *
 * Locking: p_lock.  Sources: setrlimit(2).
 */
#include <sys/callout.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>

#define	CPULIMIT_MINPOLL	(10 * NSEC_PER_MSEC)	/* between two looks */

static nsec_t
cpulimit_nsec(uint64_t seconds)
{
	return seconds > INT64_MAX / NSEC_PER_SEC ? INT64_MAX :
	    (nsec_t)seconds * NSEC_PER_SEC;
}

void
cpulimit_start(struct proc *p)
{
	const struct rlimit *lim = &p->p_rlimit[RLIMIT_CPU];
	nsec_t left;

	KASSERT(spin_owned(&p->p_lock));
	/* The hard limit is never below the soft one. */
	if (p->p_nlwps == 0 || lim->rlim_cur == RLIM_INFINITY) {
		if (p->p_cpulimited)
			(void)callout_stop(&p->p_cpulimit);
		return;
	}
	p->p_cpulimited = true;
	left = cpulimit_nsec(lim->rlim_cur) - proc_cputime_locked(p);
	left = MAX(left / (nsec_t)p->p_nlwps, CPULIMIT_MINPOLL);
	callout_schedule(&p->p_cpulimit, nsec_after(nanouptime(), left));
}

static void
cpulimit_look(void *arg)
{
	struct proc *p = arg;
	struct rlimit *lim = &p->p_rlimit[RLIMIT_CPU];
	ksiginfo_t ksi = { .ksi_code = SI_KERNEL };
	nsec_t used;

	spin_enter(&p->p_lock);
	if (p->p_nlwps == 0)
		goto out;
	used = proc_cputime_locked(p);
	if (used >= cpulimit_nsec(lim->rlim_max)) {
		ksi.ksi_signo = SIGKILL;
	} else if (used >= cpulimit_nsec(lim->rlim_cur)) {
		ksi.ksi_signo = SIGXCPU;
		lim->rlim_cur = MIN((uint64_t)(used / NSEC_PER_SEC) + 1,
		    lim->rlim_max);
	}
	if (ksi.ksi_signo != 0)
		(void)psignal_locked(p, NULL, &ksi, NULL);
	if (ksi.ksi_signo != SIGKILL)
		cpulimit_start(p);
out:
	spin_exit(&p->p_lock);
}

void
cpulimit_init(struct proc *p)
{
	callout_init(&p->p_cpulimit, cpulimit_look, p);
}

void
cpulimit_exit(struct proc *p)
{
	KASSERT(p->p_nlwps == 0);
	if (p->p_cpulimited)
		(void)callout_halt(&p->p_cpulimit);
}
