/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs: their event sources, kicks between them, bringing them up and
 * down.  What differs between the guest types is behind xen_guest.
 *
 * Overview: each online CPU has two sources of its own, the timer VIRQ and one
 * IPI; the IPI asks the CPU to look at its pending bits (kern_cpu.c): switch
 * threads, run a cross call, stop.  TLB flushes need no IPI: the hypervisor
 * does them.
 *
 * Suspend: the sources of all online CPUs are bound again by evtchn_resume().
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <machine/intr.h>
#include <xen/evtchn.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>

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
	if (xc->xc_ipi == NULL) {
		error = evtchn_bind_ipi(ci, ipi_event, ci, "ipi",
		    &xc->xc_ipi);
		if (error != 0)
			return error;
	}
	return xen_clock_cpu_init(ci);
}

void
xen_cpu_detach(struct cpu_info *ci)
{
	struct xen_cpu *xc = ci->ci_md.md_xen;

	if (xc->xc_timer != NULL)
		evtchn_unbind(xc->xc_timer);
	if (xc->xc_ipi != NULL)
		evtchn_unbind(xc->xc_ipi);
	xc->xc_timer = xc->xc_ipi = NULL;
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

/* -- interrupts: by guest type -- */

bool
intr_disable(void)
{
	return xen_guest->g_intr_disable();
}

void
intr_enable(void)
{
	xen_guest->g_intr_enable();
}

bool
intr_enabled(void)
{
	return xen_guest->g_intr_enabled();
}

void
cpu_idle(void)
{
	xen_guest->g_idle();
}

/* -- up and down -- */

int
cpu_online(struct cpu_info *ci)
{
	int error;

	error = xen_cpu_attach(ci);
	if (error != 0)
		return error;
	error = xen_guest->g_cpu_start(ci);
	if (error != 0) {
		xen_cpu_detach(ci);
		return error;
	}
	/* It reports itself in cpu_hatch(). */
	while (!atomic_load(&ci->ci_online))
		cpu_spin_yield();
	return 0;
}

void
cpu_boot_secondaries(void)
{
	struct cpu_info *ci;
	int error;

	CPU_FOREACH(ci) {
		if (ci == &cpu_info_primary)
			continue;
		error = cpu_online(ci);
		if (error != 0)
			printf("cpu%u: does not start: error %d\n",
			    ci->ci_index, error);
	}
}
