/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake Xen, see fake_xen.h.
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <xen/evtchn.h>
#include <xen/machdep.h>

#include <ktest.h>

#include "fake_xen.h"

enum fake_port fake_ports[FAKE_PORTS];
unsigned int fake_sends[FAKE_PORTS];
int fake_fail;
unsigned int fake_max_grant_version = 2;
bool fake_owned[FAKE_FRAMES];
size_t fake_tot_pages, fake_max_pages = FAKE_FRAMES;
unsigned int fake_max_order = 9, fake_mem_calls;
int fake_mem_budget = -1;
bool (*fake_mem_hook)(unsigned int, unsigned long);
void (*xen_hypercall_entry)(void);

static struct shared_info shared[2];
static unsigned int generation;

enum fake_vcpu fake_vcpus[FAKE_VCPUS] = { FV_UP };
bool fake_vcpu_info[FAKE_VCPUS];
struct fake_vcpu_fail fake_vcpu_fail;
long fake_suspend_result;
unsigned int fake_suspends;

/* The kernel's own, where a test has them, or a simulated machine's. */
struct shared_info *xen_shared_info __attribute__((__weak__)) = &shared[0];

__attribute__((__weak__)) void
cpu_spin_yield(void)
{
}

__attribute__((__weak__)) void
fake_vcpu_started(unsigned int vcpu __unused)
{
}

__attribute__((__weak__)) void
cpu_ipi_dispatch(struct cpu_info *ci)
{
	KASSERT(ci != NULL);
}

void
fake_xen_new_domain(void)
{
	unsigned int i;

	for (i = 0; i < FAKE_PORTS; i++)
		fake_ports[i] = FP_CLOSED;
	for (i = 0; i < FAKE_VCPUS; i++) {
		fake_vcpu_info[i] = false;
		if (fake_vcpus[i] == FV_DOWN)
			fake_vcpus[i] = FV_NONE;
	}
	xen_shared_info = &shared[++generation % 2];
	memset(xen_shared_info, 0, sizeof(*xen_shared_info));
	for (i = 0; i < ncpu_possible; i++)
		if (cpu_infos[i] != NULL)
			cpu_infos[i]->ci_md.md_vcpu =
			    &xen_shared_info->vcpu_info[i];
}

static long
new_port(enum fake_port kind, uint32_t *port)
{
	uint32_t p;

	for (p = 1; p < FAKE_PORTS; p++)
		if (fake_ports[p] == FP_CLOSED) {
			fake_ports[p] = kind;
			*port = p;
			return 0;
		}
	return -ENOSPC;
}

uint32_t
fake_peer_port(void)
{
	uint32_t p = 0;

	(void)new_port(FP_PEER, &p);
	return p;
}

void
fake_set_bit(uint32_t port)
{
	unsigned long *pend = (unsigned long *)xen_shared_info->evtchn_pending;
	struct vcpu_info *v = cpu_info_primary.ci_md.md_vcpu;

	(void)atomic_test_and_set_bit(port, pend);
	(void)atomic_test_and_set_bit(port / __LBITS,
	    (unsigned long *)&v->evtchn_pending_sel);
	v->evtchn_upcall_pending = 1;
}

static bool
masked(uint32_t port)
{
	unsigned long *mask = (unsigned long *)xen_shared_info->evtchn_mask;

	return (mask[port / __LBITS] >> (port % __LBITS) & 1) != 0;
}

void
fake_raise(uint32_t port)
{
	unsigned long *pend = (unsigned long *)xen_shared_info->evtchn_pending;

	if (fake_ports[port] == FP_CLOSED)
		return;
	if (masked(port))
		(void)atomic_test_and_set_bit(port, pend);
	else
		fake_set_bit(port);
}

void
fake_upcall(void)
{
	unsigned int looks = 0;

	while (cpu_info_primary.ci_md.md_vcpu->evtchn_upcall_pending != 0) {
		if (++looks > 100000)
			panic("upcalls without end");
		evtchn_upcall();
	}
}

static void
unmask(uint32_t port)
{
	unsigned long *pend = (unsigned long *)xen_shared_info->evtchn_pending;
	unsigned long *mask = (unsigned long *)xen_shared_info->evtchn_mask;

	if (atomic_test_and_clear_bit(port, mask) &&
	    (pend[port / __LBITS] >> (port % __LBITS) & 1) != 0)
		fake_set_bit(port);
}

static long
evtchn_op(unsigned long cmd, void *arg)
{
	struct evtchn_bind_virq *virq = arg;
	struct evtchn_bind_ipi *ipi = arg;
	struct evtchn_alloc_unbound *un = arg;
	struct evtchn_close *cl = arg;
	struct evtchn_send *send = arg;
	struct evtchn_unmask *um = arg;

	switch (cmd) {
	case EVTCHNOP_bind_virq:
		return new_port(FP_VIRQ, &virq->port);
	case EVTCHNOP_bind_ipi:
		return new_port(FP_IPI, &ipi->port);
	case EVTCHNOP_alloc_unbound:
		return new_port(FP_UNBOUND, &un->port);
	case EVTCHNOP_close:
		if (cl->port >= FAKE_PORTS ||
		    fake_ports[cl->port] == FP_CLOSED)
			return -EINVAL;
		fake_ports[cl->port] = FP_CLOSED;
		return 0;
	case EVTCHNOP_send:
		if (send->port >= FAKE_PORTS ||
		    fake_ports[send->port] == FP_CLOSED)
			return -EINVAL;
		fake_sends[send->port]++;
		return 0;
	case EVTCHNOP_unmask:
		if (um->port >= FAKE_PORTS)
			return -EINVAL;
		unmask(um->port);
		return 0;
	case EVTCHNOP_bind_vcpu:
		return 0;
	default:
		return -ENOSYS;
	}
}

static long
vcpu_op(int cmd, unsigned int n)
{
	if (n >= FAKE_VCPUS)
		return -ENOENT;
	if (fake_vcpu_fail.error != 0 && fake_vcpu_fail.op == cmd &&
	    fake_vcpu_fail.vcpu == n)
		return -fake_vcpu_fail.error;
	switch (cmd) {
	case VCPUOP_initialise:
		if (fake_vcpus[n] != FV_NONE)
			return -EEXIST;
		fake_vcpus[n] = FV_DOWN;
		return 0;
	case VCPUOP_up:
		if (fake_vcpus[n] == FV_NONE || !fake_vcpu_info[n])
			return -EINVAL;
		if (fake_vcpus[n] == FV_DOWN) {
			fake_vcpus[n] = FV_UP;
			fake_vcpu_started(n);
		}
		return 0;
	case VCPUOP_down:
		if (fake_vcpus[n] == FV_UP)
			fake_vcpus[n] = FV_DOWN;
		return 0;
	case VCPUOP_is_up:
		return fake_vcpus[n] == FV_UP;
	case VCPUOP_register_vcpu_info:
		if (fake_vcpu_info[n] ||
		    (fake_vcpus[n] == FV_UP && n != curcpu()->ci_index))
			return -EINVAL;
		fake_vcpu_info[n] = true;
		return 0;
	default:
		return -ENOSYS;
	}
}

/* -- memory -- */

/* One extent; false: Xen stops here. */
static bool
mem_extent(unsigned int cmd, unsigned long pfn, unsigned long n)
{
	bool out = cmd == XENMEM_decrease_reservation;
	unsigned long i;

	if (pfn % n != 0 || (!out && fake_tot_pages + n > fake_max_pages))
		return false;
	if (fake_mem_hook != NULL && !fake_mem_hook(cmd, pfn))
		return false;
	for (i = pfn; i < pfn + n; i++) {
		CHECK(i < FAKE_FRAMES);
		CHECK_EQ(fake_owned[i], out);
		fake_owned[i] = !out;
	}
	fake_tot_pages = out ? fake_tot_pages - n : fake_tot_pages + n;
	return true;
}

static long
mem_reservation(unsigned int cmd, struct xen_memory_reservation *r)
{
	const xen_pfn_t *frames = *(xen_pfn_t **)&r->extent_start;
	long i;

	fake_mem_calls++;
	if (r->extent_order > fake_max_order)
		return 0;
	for (i = 0; i < (long)r->nr_extents; i++) {
		if (fake_mem_budget == 0 ||
		    !mem_extent(cmd, frames[i], 1UL << r->extent_order))
			break;
		if (fake_mem_budget > 0)
			fake_mem_budget--;
	}
	return i;
}

static long
memory_op(unsigned int cmd, void *arg)
{
	switch (cmd) {
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return mem_reservation(cmd, arg);
	case XENMEM_current_reservation:
		return (long)fake_tot_pages;
	case XENMEM_maximum_ram_page:
		return 0x100000;
	default:
		return -ENOSYS;
	}
}

static long
sched_op(unsigned long cmd, const struct sched_shutdown *sd)
{
	if (cmd != SCHEDOP_shutdown || sd->reason != SHUTDOWN_suspend)
		return -ENOSYS;
	fake_suspends++;
	return fake_suspend_result;
}

/* -- grants: the table is the test's memory, see t_gnttab.c -- */

extern long fake_grant_op(unsigned long, void *);
__attribute__((__weak__)) long
fake_grant_op(unsigned long cmd __unused, void *arg __unused)
{
	return -ENOSYS;
}

long
xen_hypercall(unsigned long op, unsigned long a1, unsigned long a2,
    unsigned long a3 __unused, unsigned long a4 __unused,
    unsigned long a5 __unused)
{
	if (fake_fail != 0)
		return -fake_fail;
	switch (op) {
	case __HYPERVISOR_event_channel_op:
		return evtchn_op(a1, (void *)a2);
	case __HYPERVISOR_vcpu_op:
		return vcpu_op((int)a1, (unsigned int)a2);
	case __HYPERVISOR_sched_op:
		return sched_op(a1, (const void *)a2);
	case __HYPERVISOR_grant_table_op:
		return fake_grant_op(a1, (void *)a2);
	case __HYPERVISOR_xen_version:
		return 4 << 16 | 17;
	case __HYPERVISOR_memory_op:
		return memory_op((unsigned int)a1, (void *)a2);
	default:
		return -ENOSYS;
	}
}
