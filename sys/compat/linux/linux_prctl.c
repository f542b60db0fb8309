/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prctl(2), arch_prctl(2) and personality(2).
 *
 * Untrusted input: options nobody knows are EINVAL: programs probe for them.
 */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/personality.h>
#include <sys/seccomp.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	PR_SET_PDEATHSIG	1
#define	PR_GET_PDEATHSIG	2
#define	PR_GET_DUMPABLE		3
#define	PR_SET_DUMPABLE		4
#define	PR_GET_KEEPCAPS		7
#define	PR_SET_KEEPCAPS		8
#define	PR_GET_TIMING		13
#define	PR_SET_TIMING		14
#define	PR_SET_NAME		15
#define	PR_GET_NAME		16
#define	PR_GET_SECCOMP		21
#define	PR_SET_SECCOMP		22
#define	PR_CAPBSET_READ		23
#define	PR_CAPBSET_DROP		24
#define	PR_GET_TSC		25
#define	PR_GET_SECUREBITS	27
#define	PR_SET_SECUREBITS	28
#define	PR_SET_TIMERSLACK	29
#define	PR_GET_TIMERSLACK	30
#define	PR_SET_CHILD_SUBREAPER	36
#define	PR_GET_CHILD_SUBREAPER	37
#define	PR_SET_NO_NEW_PRIVS	38
#define	PR_GET_NO_NEW_PRIVS	39
#define	PR_GET_TID_ADDRESS	40
#define	PR_GET_THP_DISABLE	42
#define	PR_CAP_AMBIENT		47
#define	PR_CAP_AMBIENT_IS_SET	1
#define	PR_CAP_AMBIENT_RAISE	2
#define	PR_CAP_AMBIENT_LOWER	3
#define	PR_CAP_AMBIENT_CLEAR_ALL 4

#define	TIMER_SLACK_DEFAULT	50000	/* ns; what Linux tells */

#define	ARCH_SET_GS		0x1001
#define	ARCH_SET_FS		0x1002
#define	ARCH_GET_FS		0x1003
#define	ARCH_GET_GS		0x1004
#define	ARCH_GET_CPUID		0x1011
#define	ARCH_SET_CPUID		0x1012

static bool
cap_bit(uint64_t set, unsigned long cap)
{
	return (set >> cap & 1) != 0;
}

static int
prctl_ambient(struct lwp *l, const struct linux_prctl_args *uap,
    register_t *retval)
{
	unsigned int cap = (unsigned int)uap->arg3;

	if (uap->arg4 != 0 || uap->arg5 != 0)
		return EINVAL;
	if (uap->arg2 == PR_CAP_AMBIENT_CLEAR_ALL)
		return uap->arg3 != 0 ? EINVAL : do_cap_ambient_clear(l);
	if (uap->arg3 > CAP_LAST_CAP)
		return EINVAL;
	switch (uap->arg2) {
	case PR_CAP_AMBIENT_IS_SET:
		*retval = cap_bit(l->l_cred->cr_cap_ambient, cap);
		return 0;
	case PR_CAP_AMBIENT_RAISE:
		return do_cap_ambient(l, cap, true);
	case PR_CAP_AMBIENT_LOWER:
		return do_cap_ambient(l, cap, false);
	default:
		return EINVAL;
	}
}

static int
prctl_caps(struct lwp *l, const struct linux_prctl_args *uap,
    register_t *retval)
{
	unsigned int bits = l->l_cred->cr_securebits;
	struct cred *cr;

	switch (uap->option) {
	case PR_GET_KEEPCAPS:
		*retval = (bits & SECBIT_KEEP_CAPS) != 0;
		return 0;
	case PR_SET_KEEPCAPS:
		if (uap->arg2 > 1)
			return EINVAL;
		if ((bits & SECBIT_KEEP_CAPS << 1) != 0)
			return EPERM;
		if ((cr = cred_dup(l->l_cred)) == NULL)
			return ENOMEM;
		cr->cr_securebits = uap->arg2 != 0 ?
		    bits | SECBIT_KEEP_CAPS : bits & ~SECBIT_KEEP_CAPS;
		cred_commit(l, cr);
		return 0;
	case PR_CAPBSET_READ:
		if (uap->arg2 > CAP_LAST_CAP)
			return EINVAL;
		*retval = cap_bit(l->l_cred->cr_cap_bset, uap->arg2);
		return 0;
	case PR_CAPBSET_DROP:
		if (uap->arg2 > CAP_LAST_CAP)
			return EINVAL;
		return do_capbset_drop(l, (unsigned int)uap->arg2);
	case PR_GET_SECUREBITS:
		*retval = (register_t)bits;
		return 0;
	case PR_SET_SECUREBITS:
		return do_setsecurebits(l, (unsigned int)uap->arg2);
	default:
		return prctl_ambient(l, uap, retval);
	}
}

static int
prctl_name(struct lwp *l, const struct linux_prctl_args *uap)
{
	char name[MAXCOMLEN];
	struct proc *p = l->l_proc;
	size_t done;
	int error;

	memset(name, 0, sizeof(name));
	if (uap->option == PR_GET_NAME) {
		memcpy(name, l->l_name, sizeof(name));
		return copyout(name, (void *)uap->arg2, sizeof(name));
	}
	error = copyinstr((const void *)uap->arg2, name, sizeof(name), &done);
	if (error != 0 && error != ENAMETOOLONG)
		return error;
	name[sizeof(name) - 1] = '\0';
	spin_enter(&p->p_lock);
	memcpy(l->l_name, name, sizeof(name));
	if (l == p->p_leader)
		memcpy(p->p_comm, name, sizeof(name));
	spin_exit(&p->p_lock);
	return 0;
}

static int
prctl_process(struct lwp *l, const struct linux_prctl_args *uap,
    register_t *retval)
{
	struct proc *p = l->l_proc;
	int value;

	switch (uap->option) {
	case PR_SET_PDEATHSIG:
		if (uap->arg2 > NSIG)
			return EINVAL;
		p->p_pdeathsig = (int)uap->arg2;
		return 0;
	case PR_GET_PDEATHSIG:
		value = p->p_pdeathsig;
		return copyout(&value, (void *)uap->arg2, sizeof(value));
	case PR_GET_DUMPABLE:
		*retval = p->p_dumpable;
		return 0;
	case PR_SET_DUMPABLE:
		if (uap->arg2 > 1)
			return EINVAL;
		p->p_dumpable = (int)uap->arg2;
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		p->p_subreaper = uap->arg2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		value = p->p_subreaper;
		return copyout(&value, (void *)uap->arg2, sizeof(value));
	case PR_SET_NO_NEW_PRIVS:
		if (uap->arg2 != 1 || uap->arg3 != 0 || uap->arg4 != 0 ||
		    uap->arg5 != 0)
			return EINVAL;
		p->p_nonewprivs = true;
		return 0;
	default:	/* PR_GET_NO_NEW_PRIVS */
		if (uap->arg2 != 0 || uap->arg3 != 0 || uap->arg4 != 0 ||
		    uap->arg5 != 0)
			return EINVAL;
		*retval = p->p_nonewprivs;
		return 0;
	}
}

int
linux_sys_prctl(struct lwp *l, const struct linux_prctl_args *uap,
    register_t *retval)
{
	uint64_t tidaddr = l->l_clear_child_tid;
	int tsc = 1;

	switch (uap->option) {
	case PR_SET_PDEATHSIG:
	case PR_GET_PDEATHSIG:
	case PR_GET_DUMPABLE:
	case PR_SET_DUMPABLE:
	case PR_SET_CHILD_SUBREAPER:
	case PR_GET_CHILD_SUBREAPER:
	case PR_SET_NO_NEW_PRIVS:
	case PR_GET_NO_NEW_PRIVS:
		return prctl_process(l, uap, retval);
	case PR_SET_NAME:
	case PR_GET_NAME:
		return prctl_name(l, uap);
	case PR_GET_KEEPCAPS:
	case PR_SET_KEEPCAPS:
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
	case PR_GET_SECUREBITS:
	case PR_SET_SECUREBITS:
	case PR_CAP_AMBIENT:
		return prctl_caps(l, uap, retval);
	case PR_GET_SECCOMP:
		*retval = seccomp_mode(l);
		return 0;
	case PR_SET_SECCOMP:
		return linux_prctl_seccomp(l, uap->arg2, uap->arg3, retval);
	case PR_GET_TIMING:
	case PR_GET_THP_DISABLE:
		return 0;
	case PR_SET_TIMING:
		return uap->arg2 != 0 ? EINVAL : 0;
	case PR_GET_TSC:
		return copyout(&tsc, (void *)uap->arg2, sizeof(tsc));
	case PR_GET_TIMERSLACK:
		*retval = TIMER_SLACK_DEFAULT;
		return 0;
	case PR_SET_TIMERSLACK:
		return 0;	/* only an allowance: timers are exact */
	case PR_GET_TID_ADDRESS:
		return copyout(&tidaddr, (void *)uap->arg2, sizeof(tidaddr));
	default:
		return EINVAL;
	}
}

int
linux_sys_arch_prctl(struct lwp *l, const struct linux_arch_prctl_args *uap,
    register_t *retval)
{
	uint64_t base;

	switch (uap->option) {
	case ARCH_SET_FS:
		return cpu_set_base(l, 0, uap->arg);
	case ARCH_SET_GS:
		return cpu_set_base(l, 1, uap->arg);
	case ARCH_GET_FS:
		base = cpu_get_base(l, 0);
		break;
	case ARCH_GET_GS:
		base = cpu_get_base(l, 1);
		break;
	case ARCH_GET_CPUID:
		*retval = 1;		/* it does not trap */
		return 0;
	case ARCH_SET_CPUID:
		return ENODEV;		/* as where the CPU cannot */
	default:
		return EINVAL;
	}
	return copyout(&base, (void *)uap->arg, sizeof(base));
}

int
linux_sys_personality(struct lwp *l,
    const struct linux_personality_args *uap, register_t *retval)
{
	*retval = (register_t)l->l_proc->p_personality;
	if (uap->persona != 0xffffffffU)
		l->l_proc->p_personality = uap->persona;
	return 0;
}
