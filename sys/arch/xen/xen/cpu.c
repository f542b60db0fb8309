/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs: their event sources, kicks between them, bringing them up and
 * down.  What differs between the guest types is behind xen_guest.
 *
 * Overview: each online CPU has two sources of its own, the timer VIRQ and one
 * IPI; the IPI asks the CPU to look at its pending bits (kern_cpu.c): switch
 * threads, run a cross call, stop.  TLB flushes need no IPI: the hypervisor
 * does them.  The words that Xen shares with a vCPU are in its cpu_info.
 *
 * States of a vCPU, as Xen has them: not initialised; down; up.  An offline one
 * that has been up (md_started) waits in cpu_dead(), down.
 *
 * Suspend: in a new domain Xen has forgotten where vcpu_info is, and a vCPU
 * has to be down to be told.  A vCPU that was down at the save is not
 * initialised there.  The sources of online CPUs are bound again by
 * evtchn_resume().
 */
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <xen/evtchn.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>

CTASSERT(sizeof(struct vcpu_info) ==
    sizeof(((struct cpu_info *)0)->ci_md.md_shared));

#define	LOOKS		1000		/* before a wait sleeps */
#define	PATIENCE	(10 * NSEC_PER_SEC)	/* before it is reported */

struct shared_info *xen_shared_info;
static struct xen_cpu xen_cpus[MAXCPUS];

static void
ipi_event(void *arg)
{
	cpu_ipi_dispatch(arg);
}

/* Give a CPU its event sources.  Thread context (boot: early main). */
int
xen_cpu_attach(struct cpu_info *ci)
{
	struct xen_cpu *xc = &xen_cpus[ci->ci_index];
	int error;

	ci->ci_md.md_xen = xc;
	if (xc->xc_ipi == NULL)
		error = evtchn_bind_ipi(ci, ipi_event, ci, "ipi",
		    &xc->xc_ipi);
	else
		error = evtchn_reopen(xc->xc_ipi);
	if (error != 0)
		return error;
	error = xen_clock_cpu_init(ci);
	if (error != 0)
		evtchn_close(xc->xc_ipi);
	return error;
}

void
xen_cpu_detach(struct cpu_info *ci)
{
	struct xen_cpu *xc = ci->ci_md.md_xen;

	/* Somebody may be about to notify them: they stay, without ports. */
	evtchn_close(xc->xc_timer);
	evtchn_close(xc->xc_ipi);
	evtchn_cpu_fini(ci);
}

void
cpu_ipi_send(struct cpu_info *ci)
{
	struct xen_cpu *xc = ci->ci_md.md_xen;

	if (xc != NULL && xc->xc_ipi != NULL)
		evtchn_notify(xc->xc_ipi);
}

void
cpu_spin_yield(void)
{
	(void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

/* -- interrupts -- */

/* An event came in while they were masked: any hypercall delivers it. */
void
intr_deliver(void)
{
	(void)hypercall_xen_version(XENVER_version, NULL, NULL);
}

void
cpu_idle(void)
{
	xen_guest->g_idle();
}

/* -- the words shared with Xen -- */

int
xen_cpu_info_at(struct cpu_info *ci, mfn_t mfn)
{
	struct vcpu_register_vcpu_info reg = {
		.mfn = mfn.mfn,
		.offset = (uint32_t)((uintptr_t)ci->ci_md.md_shared &
		    PAGE_MASK),
	};
	int error;

	error = hypercall_vcpu_op(VCPUOP_register_vcpu_info, ci->ci_index,
	    &reg);
	if (error == 0)
		xen_cpus[ci->ci_index].xc_info = true;
	return error;
}

int
xen_cpu_info(struct cpu_info *ci)
{
	paddr_t pa;

	if (xen_cpus[ci->ci_index].xc_info)
		return 0;
	if (!pmap_extract(pmap_kernel(), (vaddr_t)ci->ci_md.md_shared, &pa,
	    NULL))
		return EFAULT;
	return xen_cpu_info_at(ci, xen_guest->g_pfn_to_mfn(MKPFN(atop(pa))));
}

/* -- up and down -- */

static bool
is_online(struct cpu_info *ci)
{
	return atomic_load(&ci->ci_online);
}

static bool
is_down(struct cpu_info *ci)
{
	bool up;

	return hypercall_vcpu_is_up(ci->ci_index, &up) != 0 || !up;
}

/*
 * It is a matter of microseconds, unless the hypervisor has other things to do.
 */
static void
wait_until(bool (*done)(struct cpu_info *), struct cpu_info *ci,
    const char *what)
{
	nsec_t late = nanouptime() + PATIENCE;
	unsigned int looks;
	bool told = false;

	for (looks = 0; !done(ci); looks++) {
		if (looks < LOOKS) {
			cpu_spin_yield();
			continue;
		}
		(void)kpause("vcpu", false, nanouptime() + NSEC_PER_MSEC);
		if (!told && nanouptime() > late) {
			printf("cpu%u: Xen takes long to %s it\n",
			    ci->ci_index, what);
			told = true;
		}
	}
}

static int
vcpu_start(struct cpu_info *ci)
{
	int error;

	if (!ci->ci_md.md_started) {
		cpu_hatch_prepare(ci);
		error = xen_cpu_info(ci);
		if (error == 0)
			error = xen_guest->g_cpu_initialise(ci);
		if (error != 0)
			return error;
		ci->ci_md.md_started = true;
	}
	atomic_store(&ci->ci_md.md_wanted, true);
	return hypercall_vcpu_op(VCPUOP_up, ci->ci_index, NULL);
}

int
cpu_online(struct cpu_info *ci)
{
	int error;

	error = cpu_attach(ci);
	if (error == 0)
		error = xen_cpu_attach(ci);
	if (error != 0)
		return error;
	error = vcpu_start(ci);
	if (error != 0) {
		xen_cpu_detach(ci);
		return error;
	}
	/* It reports itself in cpu_hatch(). */
	wait_until(is_online, ci, "start");
	return 0;
}

int
cpu_offline(struct cpu_info *ci)
{
	int error;

	error = cpu_detach(ci);
	if (error != 0)
		return error;
	wait_until(is_down, ci, "stop");
	xen_cpu_detach(ci);
	return 0;
}

/* -- in a new domain -- */

static int
vcpu_resume(struct cpu_info *ci)
{
	int error;

	if (ci == curcpu())
		return xen_cpu_info(ci);
	error = hypercall_vcpu_op(VCPUOP_down, ci->ci_index, NULL);
	if (error == 0)
		error = xen_cpu_info(ci);
	if (error == 0)
		error = hypercall_vcpu_op(VCPUOP_up, ci->ci_index, NULL);
	return error;
}

void
xen_cpus_resume(void)
{
	struct cpu_info *ci;
	struct xen_cpu *xc;
	int error;

	CPU_FOREACH(ci) {
		xc = &xen_cpus[ci->ci_index];
		xc->xc_info = false;
		if (!ci->ci_online) {
			ci->ci_md.md_started = false;
			continue;
		}
		error = vcpu_resume(ci);
		if (error == 0)
			continue;
		if (ci == curcpu())
			panic("cpu%u: no vcpu_info after resume: error %d",
			    ci->ci_index, error);
		xc->xc_lost = error;
		ci->ci_md.md_started = false;
		cpu_lost(ci);
	}
}

void
xen_cpus_resume_late(void)
{
	struct cpu_info *ci;
	struct xen_cpu *xc;

	CPU_FOREACH(ci) {
		xc = &xen_cpus[ci->ci_index];
		if (xc->xc_lost == 0)
			continue;
		printf("cpu%u: Xen does not run it any more: error %d, taken "
		    "offline\n", ci->ci_index, xc->xc_lost);
		xc->xc_lost = 0;
		cpu_evacuate(ci);
		xen_cpu_detach(ci);
	}
}
