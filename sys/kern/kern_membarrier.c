/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * membarrier(2): a memory barrier on all CPUs that run a process' threads, so
 * that the threads' own fast paths need none.
 *
 * Overview: an interrupt is a barrier, so a cross call is all there is to do.
 * "Expedited" commands want to be registered first, as on Linux; whether a CPU
 * runs one of the process' threads is not looked at: it may change meanwhile.
 *
 * Locking: p_membarrier is atomic.
 */
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>

#define	CMD_GLOBAL		0x001
#define	CMD_GLOBAL_EXP		0x002
#define	CMD_REG_GLOBAL_EXP	0x004
#define	CMD_PRIVATE_EXP		0x008
#define	CMD_REG_PRIVATE_EXP	0x010
#define	CMD_SYNC_CORE		0x020
#define	CMD_REG_SYNC_CORE	0x040
#define	CMD_RSEQ		0x080
#define	CMD_REG_RSEQ		0x100
#define	CMD_ALL			0x1ff
#define	FLAG_CPU		0x1

static void
barrier_only(void *arg __unused)
{
	membar_full();
}

/* Code that another CPU has changed is fetched anew. */
static void
barrier_core(void *arg __unused)
{
	cpu_serialize();
}

/* Threads of the process leave their restartable sequences. */
static void
barrier_rseq(void *arg)
{
	struct lwp *l = curlwp;

	membar_full();
	if (l->l_proc == arg)
		(void)atomic_or(&l->l_ast, L_AST_NOTIFY);
}

static void
barrier_all(void (*fn)(void *), struct proc *p)
{
	membar_full();
	if (ncpu > 1)
		cpu_cross_call(fn, p);
	membar_full();
}

/* The registration that a command needs, 0: none. */
static int
registration(int cmd)
{
	switch (cmd) {
	case CMD_PRIVATE_EXP:
		return CMD_REG_PRIVATE_EXP;
	case CMD_SYNC_CORE:
		return CMD_REG_SYNC_CORE;
	case CMD_RSEQ:
		return CMD_REG_RSEQ;
	default:
		return 0;
	}
}

/* *result is the answer to cmd 0, else 0.  EINVAL, EPERM: not registered. */
int
do_membarrier(struct lwp *l, int cmd, unsigned int flags, int *result)
{
	struct proc *p = l->l_proc;
	int reg = registration(cmd);

	*result = 0;
	if (flags != 0 && (flags != FLAG_CPU || cmd != CMD_RSEQ))
		return EINVAL;
	if (reg != 0 && (atomic_load(&p->p_membarrier) & reg) == 0)
		return EPERM;
	switch (cmd) {
	case 0:
		*result = CMD_ALL;
		break;
	case CMD_REG_GLOBAL_EXP:
	case CMD_REG_PRIVATE_EXP:
	case CMD_REG_SYNC_CORE:
	case CMD_REG_RSEQ:
		(void)atomic_or(&p->p_membarrier, cmd);
		break;
	case CMD_GLOBAL:
	case CMD_GLOBAL_EXP:
	case CMD_PRIVATE_EXP:
		barrier_all(barrier_only, p);
		break;
	case CMD_SYNC_CORE:
		barrier_all(barrier_core, p);
		break;
	case CMD_RSEQ:
		barrier_all(barrier_rseq, p);
		break;
	default:
		return EINVAL;
	}
	return 0;
}
