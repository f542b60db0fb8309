/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seccomp(2), its prctl(2) forms, and what a filter's answer does to a call.
 *
 * Overview: kern_seccomp.c holds the filters and runs them.  Here the call is
 * described to them in Linux's terms before it is made, behind the tracer's
 * stop (linux_emul.c).  There are no listeners (SECCOMP_RET_USER_NOTIF), and a
 * tracer is not asked (SECCOMP_RET_TRACE): such a call gives ENOSYS, as it does
 * on Linux when nobody listens.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/seccomp.h>
#include <sys/signal.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

/* seccomp(2): <linux/seccomp.h> */
#define	SECCOMP_SET_MODE_STRICT		0
#define	SECCOMP_SET_MODE_FILTER		1
#define	SECCOMP_GET_ACTION_AVAIL	2
#define	FLAG_TSYNC			0x1
#define	FLAG_LOG			0x2
#define	FLAG_SPEC_ALLOW			0x4
#define	FLAG_TSYNC_ESRCH		0x10

/* <linux/audit.h> */
#define	AUDIT_ARCH_X86_64		0xc000003e
#define	AUDIT_ARCH_I386			0x40000003

#define	SYS_SECCOMP			1	/* si_code of SIGSYS */
#define	MAX_ERRNO			4095

struct linux_sock_fprog {
	uint16_t	len;
	uint64_t	filter;
};
struct linux32_sock_fprog {
	uint16_t	len;
	uint32_t	filter;
};
CTASSERT(sizeof(struct linux_sock_fprog) == 16);
CTASSERT(sizeof(struct linux32_sock_fprog) == 8);

static int
fprog_in(const void *uaddr, struct linux_sock_fprog *fp)
{
	struct linux32_sock_fprog fp32;
	int error;

	if (!linux_is32())
		return copyin(uaddr, fp, sizeof(*fp));
	if ((error = copyin(uaddr, &fp32, sizeof(fp32))) != 0)
		return error;
	fp->len = fp32.len;
	fp->filter = fp32.filter;
	return 0;
}

static int
set_filter(struct lwp *l, unsigned int flags, const void *uaddr,
    register_t *retval)
{
	struct linux_sock_fprog fp;
	struct seccomp_insn *in;
	size_t size;
	pid_t bad;
	int error;

	if ((flags & ~(unsigned int)(FLAG_TSYNC | FLAG_LOG | FLAG_SPEC_ALLOW |
	    FLAG_TSYNC_ESRCH)) != 0)
		return EINVAL;
	if ((error = fprog_in(uaddr, &fp)) != 0)
		return error;
	if (fp.len == 0 || fp.len > SECCOMP_MAXINSNS || fp.filter == 0)
		return EINVAL;
	size = fp.len * sizeof(*in);
	if ((in = kmem_alloc(size, KM_SLEEP)) == NULL)
		return ENOMEM;
	error = copyin((const void *)(uintptr_t)fp.filter, in, size);
	if (error == 0)
		error = do_seccomp_filter(l, in, fp.len,
		    (flags & FLAG_TSYNC) != 0, &bad);
	kmem_free(in, size);
	if (error == 0 && bad != 0) {
		if ((flags & FLAG_TSYNC_ESRCH) != 0)
			return ESRCH;
		*retval = bad;
	}
	return error;
}

/* Does the kernel know the action? */
static int
action_known(const void *uaddr)
{
	uint32_t action;
	int error = copyin(uaddr, &action, sizeof(action));

	if (error != 0)
		return error;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return EOPNOTSUPP;
	}
}

int
linux_sys_seccomp(struct lwp *l, const struct linux_seccomp_args *uap,
    register_t *retval)
{
	switch (uap->op) {
	case SECCOMP_SET_MODE_STRICT:
		return uap->flags != 0 || uap->args != NULL ? EINVAL :
		    do_seccomp_strict(l);
	case SECCOMP_SET_MODE_FILTER:
		return set_filter(l, uap->flags, uap->args, retval);
	case SECCOMP_GET_ACTION_AVAIL:
		return uap->flags != 0 ? EINVAL : action_known(uap->args);
	default:
		return EINVAL;
	}
}

int
linux_prctl_seccomp(struct lwp *l, unsigned long mode, unsigned long arg,
    register_t *retval)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		return do_seccomp_strict(l);
	case SECCOMP_MODE_FILTER:
		return set_filter(l, 0, (const void *)arg, retval);
	default:
		return EINVAL;
	}
}

/* -- a call -- */

/* read, write, exit and sigreturn, in the numbers of either table. */
static bool
strict_allows(bool is32, uint32_t nr)
{
	return is32 ? nr == 3 || nr == 4 || nr == 1 || nr == 119 :
	    nr == 0 || nr == 1 || nr == 60 || nr == 15;
}

/* It ends as if by the signal, whatever is done about that. */
static void
die(struct lwp *l, bool process, int signo)
{
	ksiginfo_t ksi = { .ksi_signo = signo, .ksi_code = SI_KERNEL };
	struct proc *p = l->l_proc;

	if (!process && p->p_nlwps > 1)
		lwp_exit(l, signo);
	spin_enter(&p->p_lock);
	spin_enter(&p->p_sigacts->sa_lock);
	p->p_sigacts->sa_act[signo - 1].sa_handler = SIG_DFL;
	spin_exit(&p->p_sigacts->sa_lock);
	spin_exit(&p->p_lock);
	trapsignal(l, &ksi);
}

static void
tell_program(struct lwp *l, const struct seccomp_data *sd, uint32_t data)
{
	ksiginfo_t ksi = {
		.ksi_signo = SIGSYS,
		.ksi_code = SYS_SECCOMP,
		.ksi_errno = (int)data,
		.ksi_addr = (uintptr_t)sd->sd_ip,
		.ksi_status = sd->sd_nr,
		.ksi_value = sd->sd_arch,
	};

	trapsignal(l, &ksi);
}

bool
linux_seccomp_allows(struct lwp *l, struct trapframe *tf, uint32_t nr,
    const register_t *args)
{
	bool is32 = tf->tf_trapno != TF_SYSCALL;
	struct seccomp_data sd = {
		.sd_nr = (int32_t)nr,
		.sd_arch = is32 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64,
		.sd_ip = tf->tf_rip,
	};
	uint32_t said, data;

	if (seccomp_mode(l) == SECCOMP_MODE_STRICT) {
		if (strict_allows(is32, nr))
			return true;
		die(l, false, SIGKILL);
		return false;
	}
	for (int i = 0; i < 6; i++)
		sd.sd_args[i] = (uint64_t)args[i];
	said = seccomp_run(l, &sd);
	data = said & SECCOMP_RET_DATA;
	switch (said & SECCOMP_RET_ACTION) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_ERRNO:
		tf->tf_rax = (uint64_t)-(int64_t)MIN(data, MAX_ERRNO);
		break;
	case SECCOMP_RET_TRAP:
		tf->tf_rax = nr;	/* as before the call */
		tell_program(l, &sd, data);
		break;
	case SECCOMP_RET_KILL_THREAD:
		die(l, false, SIGSYS);
		break;
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		tf->tf_rax = (uint64_t)-ENOSYS;
		break;
	default:
		die(l, true, SIGSYS);
		break;
	}
	return false;
}
