/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed hypercalls.  0 or a positive errno; Xen's numbers are converted in
 * xen_errno(), here and nowhere else.  Any context.
 *
 * hypercallN() is the raw instruction: `syscall` (PV), VMCALL or VMMCALL (PVH),
 * chosen once in the entry code by storing xen_hypercall_entry.
 */
#ifndef _XEN_HYPERCALL_H_
#define	_XEN_HYPERCALL_H_

#include <sys/types.h>
#include <xen/public/xen.h>
#include <xen/public/event_channel.h>
#include <xen/public/grant_table.h>
#include <xen/public/memory.h>
#include <xen/public/sched.h>
#include <xen/public/vcpu.h>
#include <xen/public/version.h>
#include <xen/public/hvm/params.h>
#include <xen/public/physdev.h>
#include <xen/types.h>

/* Assembly: op in %eax, arguments in the hypercall registers. */
long	xen_hypercall(unsigned long op, unsigned long a1, unsigned long a2,
	    unsigned long a3, unsigned long a4, unsigned long a5);
extern void (*xen_hypercall_entry)(void);

int	xen_errno(long);

int	hypercall_console_write(const char *, size_t);
int	hypercall_evtchn_op(int cmd, void *);
int	hypercall_grant_table_op(unsigned int cmd, void *, unsigned int count);
int	hypercall_memory_op(unsigned int cmd, void *, long *result);
int	hypercall_sched_op(int cmd, void *);
int	hypercall_vcpu_op(int cmd, unsigned int vcpu, void *);
/* ENOENT: the domain has no such vCPU. */
int	hypercall_vcpu_is_up(unsigned int vcpu, bool *up);
int	hypercall_xen_version(int cmd, void *, long *result);
int	hypercall_multicall(struct multicall_entry *, unsigned int n);
int	hypercall_set_timer(uint64_t raw_ns);
int	hypercall_physdev_op(int cmd, void *);
/* HVM only */
int	hypercall_hvm_get_param(unsigned int index, uint64_t *);
int	hypercall_hvm_set_param(unsigned int index, uint64_t);
int	hypercall_hvm_op(int cmd, void *);
/* PV only */
int	hypercall_mmu_update(struct mmu_update *, unsigned int n,
	    unsigned int *done, domid_t);
int	hypercall_mmuext_op(struct mmuext_op *, unsigned int n,
	    unsigned int *done, domid_t);
int	hypercall_update_va_mapping(vaddr_t, uint64_t pte, unsigned long flags);
int	hypercall_set_gdt(unsigned long *frames, unsigned int entries);
int	hypercall_set_trap_table(struct trap_info *);
int	hypercall_set_callbacks(unsigned long event, unsigned long failsafe,
	    unsigned long syscall);
int	hypercall_callback_op(int cmd, void *);
int	hypercall_set_segment_base(unsigned int which, unsigned long base);
int	hypercall_stack_switch(unsigned long ss, unsigned long esp);
int	hypercall_fpu_taskswitch(bool set);
int	hypercall_update_descriptor(uint64_t maddr, uint64_t desc);
int	hypercall_vm_assist(unsigned int cmd, unsigned int type);
/*
 * SCHEDOP_shutdown(SUSPEND): 0 = woke as a new domain, 1 = cancelled; another
 * value is -errno.  start_info_mfn only matters to PV.
 */
long	hypercall_suspend(unsigned long start_info_mfn);

#endif /* !_XEN_HYPERCALL_H_ */
