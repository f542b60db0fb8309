/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed hypercalls: arguments by name in, 0 or a positive errno out.
 *
 * Overview: xen_hypercall() (assembly) makes the raw call with the instruction
 * that the entry code chose.  Xen answers with a negative errno whose numbers
 * are Linux's; xen_errno() turns it around, and nothing outside this file sees
 * a raw result.
 */
#include <sys/errno.h>
#include <sys/systm.h>
#include <xen/hypercall.h>

#define	A(x)		((unsigned long)(x))
#define	CALL0(op)	xen_hypercall((op), 0, 0, 0, 0, 0)
#define	CALL1(op, a)	xen_hypercall((op), A(a), 0, 0, 0, 0)
#define	CALL2(op, a, b)	xen_hypercall((op), A(a), A(b), 0, 0, 0)
#define	CALL3(op, a, b, c) xen_hypercall((op), A(a), A(b), A(c), 0, 0)
#define	CALL4(op, a, b, c, d) xen_hypercall((op), A(a), A(b), A(c), A(d), 0)

int
xen_errno(long rc)
{
	if (rc >= 0)
		return 0;
	return rc > -ERESTARTSYS ? (int)-rc : EIO;
}

static int
with_result(long rc, long *result)
{
	if (result != NULL)
		*result = rc < 0 ? 0 : rc;
	return xen_errno(rc);
}

int
hypercall_console_write(const char *s, size_t len)
{
	return xen_errno(CALL3(__HYPERVISOR_console_io, CONSOLEIO_write, len,
	    s));
}

int
hypercall_evtchn_op(int cmd, void *arg)
{
	return xen_errno(CALL2(__HYPERVISOR_event_channel_op, cmd, arg));
}

int
hypercall_grant_table_op(unsigned int cmd, void *arg, unsigned int count)
{
	return xen_errno(CALL3(__HYPERVISOR_grant_table_op, cmd, arg, count));
}

int
hypercall_memory_op(unsigned int cmd, void *arg, long *result)
{
	return with_result(CALL2(__HYPERVISOR_memory_op, cmd, arg), result);
}

int
hypercall_sched_op(int cmd, void *arg)
{
	return xen_errno(CALL2(__HYPERVISOR_sched_op, cmd, arg));
}

int
hypercall_vcpu_op(int cmd, unsigned int vcpu, void *arg)
{
	return xen_errno(CALL3(__HYPERVISOR_vcpu_op, cmd, vcpu, arg));
}

int
hypercall_vcpu_is_up(unsigned int vcpu, bool *up)
{
	long rc = CALL3(__HYPERVISOR_vcpu_op, VCPUOP_is_up, vcpu, 0);

	*up = rc > 0;
	return xen_errno(rc);
}

int
hypercall_xen_version(int cmd, void *arg, long *result)
{
	return with_result(CALL2(__HYPERVISOR_xen_version, cmd, arg), result);
}

int
hypercall_multicall(struct multicall_entry *calls, unsigned int n)
{
	return xen_errno(CALL2(__HYPERVISOR_multicall, calls, n));
}

int
hypercall_set_timer(uint64_t raw_ns)
{
	return xen_errno(CALL1(__HYPERVISOR_set_timer_op, raw_ns));
}

int
hypercall_physdev_op(int cmd, void *arg)
{
	return xen_errno(CALL2(__HYPERVISOR_physdev_op, cmd, arg));
}

int
hypercall_hvm_op(int cmd, void *arg)
{
	return xen_errno(CALL2(__HYPERVISOR_hvm_op, cmd, arg));
}

int
hypercall_hvm_get_param(unsigned int index, uint64_t *val)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };
	int error;

	error = hypercall_hvm_op(HVMOP_get_param, &p);
	if (error == 0)
		*val = p.value;
	return error;
}

int
hypercall_hvm_set_param(unsigned int index, uint64_t val)
{
	struct xen_hvm_param p = {
		.domid = DOMID_SELF, .index = index, .value = val
	};

	return hypercall_hvm_op(HVMOP_set_param, &p);
}

int
hypercall_mmu_update(struct mmu_update *req, unsigned int n,
    unsigned int *done, domid_t domid)
{
	return xen_errno(CALL4(__HYPERVISOR_mmu_update, req, n, done, domid));
}

int
hypercall_mmuext_op(struct mmuext_op *op, unsigned int n, unsigned int *done,
    domid_t domid)
{
	return xen_errno(CALL4(__HYPERVISOR_mmuext_op, op, n, done, domid));
}

int
hypercall_update_va_mapping(vaddr_t va, uint64_t pte, unsigned long flags)
{
	return xen_errno(CALL3(__HYPERVISOR_update_va_mapping, va, pte,
	    flags));
}

int
hypercall_set_gdt(unsigned long *frames, unsigned int entries)
{
	return xen_errno(CALL2(__HYPERVISOR_set_gdt, frames, entries));
}

int
hypercall_set_trap_table(struct trap_info *table)
{
	return xen_errno(CALL1(__HYPERVISOR_set_trap_table, table));
}

int
hypercall_set_callbacks(unsigned long event, unsigned long failsafe,
    unsigned long syscall)
{
	return xen_errno(CALL3(__HYPERVISOR_set_callbacks, event, failsafe,
	    syscall));
}

int
hypercall_callback_op(int cmd, void *arg)
{
	return xen_errno(CALL2(__HYPERVISOR_callback_op, cmd, arg));
}

int
hypercall_set_segment_base(unsigned int which, unsigned long base)
{
	return xen_errno(CALL2(__HYPERVISOR_set_segment_base, which, base));
}

int
hypercall_stack_switch(unsigned long ss, unsigned long esp)
{
	return xen_errno(CALL2(__HYPERVISOR_stack_switch, ss, esp));
}

int
hypercall_fpu_taskswitch(bool set)
{
	return xen_errno(CALL1(__HYPERVISOR_fpu_taskswitch, set));
}

int
hypercall_update_descriptor(uint64_t maddr, uint64_t desc)
{
	return xen_errno(CALL2(__HYPERVISOR_update_descriptor, maddr, desc));
}

int
hypercall_vm_assist(unsigned int cmd, unsigned int type)
{
	return xen_errno(CALL2(__HYPERVISOR_vm_assist, cmd, type));
}

long
hypercall_suspend(unsigned long start_info_mfn)
{
	struct sched_shutdown s = { .reason = SHUTDOWN_suspend };

	return CALL3(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s,
	    start_info_mfn);
}
