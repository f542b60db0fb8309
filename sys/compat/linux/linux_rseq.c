/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences, rseq(2), and membarrier(2).
 *
 * Overview: a thread registers a structure in its memory.  Whenever it has been
 * switched to, or gets a signal, the kernel writes the CPU's number there on
 * the way to user mode; and if the thread is inside the critical section that
 * the structure points to, it goes on at that section's abort address.
 * mi_switch() sets L_AST_NOTIFY, so nothing that happens between this and the
 * return is missed.
 *
 * Untrusted input: the structure and the section's description; a bad one is
 * SIGSEGV.
 */
#include <sys/errno.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	RSEQ_FLAG_UNREGISTER	1
#define	RSEQ_CPU_UNINITIALIZED	((uint32_t)-1)

struct linux_rseq {
	uint32_t	rs_cpu_id_start, rs_cpu_id;
	uint64_t	rs_cs;		/* struct linux_rseq_cs, or 0 */
	uint32_t	rs_flags, rs_pad[3];
};
CTASSERT(sizeof(struct linux_rseq) == 32);

struct linux_rseq_cs {
	uint32_t	rc_version, rc_flags;
	uint64_t	rc_start, rc_size, rc_abort;
};
CTASSERT(sizeof(struct linux_rseq_cs) == 32);

/* Is the thread inside its section?  Then let it go on at the abort address. */
static int
rseq_abort(struct lwp *l, struct trapframe *tf)
{
	uintptr_t where = l->l_rseq + __offsetof(struct linux_rseq, rs_cs);
	struct linux_rseq_cs cs;
	uint64_t ptr, zero = 0;
	uint32_t sig;

	if (copyin((void *)where, &ptr, sizeof(ptr)) != 0)
		return EFAULT;
	if (ptr == 0)
		return 0;
	if (ptr >= VM_MAX_ADDRESS ||
	    copyin((void *)(uintptr_t)ptr, &cs, sizeof(cs)) != 0)
		return EFAULT;
	if (cs.rc_version != 0 || cs.rc_start >= VM_MAX_ADDRESS ||
	    cs.rc_size > VM_MAX_ADDRESS - cs.rc_start ||
	    cs.rc_abort >= VM_MAX_ADDRESS ||
	    cs.rc_abort - cs.rc_start < cs.rc_size)
		return EINVAL;
	/* The signature before it says that it is meant to be jumped to. */
	if (copyin((void *)(uintptr_t)(cs.rc_abort - sizeof(sig)), &sig,
	    sizeof(sig)) != 0)
		return EFAULT;
	if (sig != l->l_rseq_sig)
		return EINVAL;
	/* A section it has left behind needs no second look. */
	if (copyout(&zero, (void *)where, sizeof(zero)) != 0)
		return EFAULT;
	if (tf->tf_rip - cs.rc_start < cs.rc_size)
		tf->tf_rip = cs.rc_abort;
	return 0;
}

static void
rseq_bad(struct lwp *l)
{
	ksiginfo_t ksi = { .ksi_signo = SIGSEGV, .ksi_code = SI_KERNEL };

	l->l_rseq = 0;
	trapsignal(l, &ksi);
}

/* On the way to user mode after a switch. */
void
linux_rseq_notify(struct lwp *l, struct trapframe *tf)
{
	uint32_t cpu[2];

	if (l->l_rseq == 0)
		return;
	/* A switch from here on leads here again. */
	cpu[0] = cpu[1] = curcpu()->ci_index;
	if (rseq_abort(l, tf) != 0 ||
	    copyout(cpu, (void *)l->l_rseq, sizeof(cpu)) != 0)
		rseq_bad(l);
}

/* A handler is about to interrupt the program where it is. */
int
linux_rseq_signal(struct lwp *l, struct trapframe *tf)
{
	return l->l_rseq == 0 ? 0 : rseq_abort(l, tf);
}

static int
rseq_unregister(struct lwp *l, const struct linux_rseq_args *uap)
{
	struct linux_rseq rs = { .rs_cpu_id = RSEQ_CPU_UNINITIALIZED };
	int error;

	if (uap->flags != RSEQ_FLAG_UNREGISTER || l->l_rseq == 0 ||
	    (uintptr_t)uap->rseq != l->l_rseq || uap->len != l->l_rseq_len)
		return EINVAL;
	if (uap->sig != l->l_rseq_sig)
		return EPERM;
	error = copyout(&rs, uap->rseq, 2 * sizeof(uint32_t));
	if (error == 0)
		l->l_rseq = 0;
	return error;
}

int
linux_sys_rseq(struct lwp *l, const struct linux_rseq_args *uap,
    register_t *retval __unused)
{
	uintptr_t va = (uintptr_t)uap->rseq;

	if ((uap->flags & RSEQ_FLAG_UNREGISTER) != 0)
		return rseq_unregister(l, uap);
	if (uap->flags != 0)
		return EINVAL;
	if (l->l_rseq != 0) {
		if (va != l->l_rseq || uap->len != l->l_rseq_len)
			return EINVAL;
		return uap->sig != l->l_rseq_sig ? EPERM : EBUSY;
	}
	if (uap->len != sizeof(struct linux_rseq) ||
	    va % sizeof(struct linux_rseq) != 0)
		return EINVAL;
	if (va >= VM_MAX_ADDRESS - sizeof(struct linux_rseq))
		return EFAULT;
	l->l_rseq_len = uap->len;
	l->l_rseq_sig = uap->sig;
	l->l_rseq = va;
	/* The first numbers are there before the program goes on. */
	(void)atomic_or(&l->l_ast, L_AST_NOTIFY);
	return 0;
}

int
linux_sys_membarrier(struct lwp *l, const struct linux_membarrier_args *uap,
    register_t *retval)
{
	int cmds;
	int error = do_membarrier(l, uap->cmd, uap->flags, &cmds);

	if (error == 0)
		*retval = cmds;
	return error;
}
