/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One CPU with one thread; interrupts and preemption are only counted.
 */
#include <sys/cpu.h>
#include <sys/systm.h>
#include <machine/intr.h>

#include <ktest.h>

struct cpu_info cpu_info_primary = { .ci_self = &cpu_info_primary,
    .ci_online = true };
struct cpu_info *cpu_infos[MAXCPUS] = { &cpu_info_primary };
struct cpu_info *shim_curcpu = &cpu_info_primary;
unsigned int ncpu = 1, ncpu_possible = 1;
volatile bool cpu_others_stopped;

static bool intr_on = true;

struct lwp *
shim_curlwp(void)
{
	return shim_curcpu->ci_curlwp;
}

void
shim_set_curlwp(struct lwp *l)
{
	shim_curcpu->ci_curlwp = l;
}

bool
intr_disable(void)
{
	bool was = intr_on;

	intr_on = false;
	return was;
}

void
intr_enable(void)
{
	intr_on = true;
}

bool
intr_enabled(void)
{
	return intr_on;
}

void
preempt_disable(void)
{
	shim_curcpu->ci_preempt_off++;
}

void
preempt_enable(void)
{
	KASSERT(shim_curcpu->ci_preempt_off > 0);
	shim_curcpu->ci_preempt_off--;
}

void
cpu_kick(struct cpu_info *ci)
{
	ci->ci_resched = true;
}

void
cpu_cross_call(void (*fn)(void *), void *arg)
{
	(void)fn;		/* there is no other CPU */
	(void)arg;
}

void
cpu_stop_others(void)
{
	KASSERT(!cpu_others_stopped);
	cpu_others_stopped = true;
}

void
cpu_start_others(void)
{
	KASSERT(cpu_others_stopped);
	cpu_others_stopped = false;
}
