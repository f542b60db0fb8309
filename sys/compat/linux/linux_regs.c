/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's registers as ptrace(2) and core dumps show them.
 *
 * The number of a system call is in the frame's tf_err while the frame is one
 * of a call, and is shown as orig_rax; -1 says there is none.
 *
 * Untrusted input: whole register sets; what would be more than a program may
 * have is refused (selectors, bases) or left as it was (flags).  The CPU itself
 * refuses what else is wrong when the thread goes on.
 */
#include <sys/errno.h>
#include <sys/proc.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_regs.h>
#include <compat/linux/linux_sigframe.h>

static bool
in_call(const struct trapframe *tf)
{
	return tf->tf_trapno == TF_SYSCALL || tf->tf_trapno == TF_INT80;
}

void
linux_regs_get(const struct lwp *l, struct linux_user_regs *r)
{
	const struct trapframe *tf = l->l_tf;
	const struct pcb *pcb = &l->l_pcb;

	r->r15 = tf->tf_r15;
	r->r14 = tf->tf_r14;
	r->r13 = tf->tf_r13;
	r->r12 = tf->tf_r12;
	r->rbp = tf->tf_rbp;
	r->rbx = tf->tf_rbx;
	r->r11 = tf->tf_r11;
	r->r10 = tf->tf_r10;
	r->r9 = tf->tf_r9;
	r->r8 = tf->tf_r8;
	r->rax = tf->tf_rax;
	r->rcx = tf->tf_rcx;
	r->rdx = tf->tf_rdx;
	r->rsi = tf->tf_rsi;
	r->rdi = tf->tf_rdi;
	r->orig_rax = in_call(tf) ? tf->tf_err : ~(uint64_t)0;
	r->rip = tf->tf_rip;
	r->cs = (uint16_t)tf->tf_cs;
	r->eflags = tf->tf_rflags;
	r->rsp = tf->tf_rsp;
	r->ss = (uint16_t)tf->tf_ss;
	r->fs_base = cpu_get_base(l, 0);
	r->gs_base = cpu_get_base(l, 1);
	r->ds = pcb->pcb_ds;
	r->es = pcb->pcb_es;
	r->fs = pcb->pcb_fs;
	r->gs = pcb->pcb_gs;
}

/* Null, or of user privilege. */
static bool
selector_ok(uint64_t sel)
{
	return sel <= 0xffff && (sel == 0 || (sel & 3) == 3);
}

static bool
regs_ok(const struct linux_user_regs *r)
{
	return selector_ok(r->cs) && r->cs != 0 && selector_ok(r->ss) &&
	    r->ss != 0 && r->fs_base < VM_MAX_ADDRESS &&
	    r->gs_base < VM_MAX_ADDRESS && selector_ok(r->ds) &&
	    selector_ok(r->es) && selector_ok(r->fs) && selector_ok(r->gs);
}

int
linux_regs_put(struct lwp *l, const struct linux_user_regs *r)
{
	struct trapframe *tf = l->l_tf;
	struct pcb *pcb = &l->l_pcb;

	if (!regs_ok(r))
		return EIO;
	tf->tf_r15 = r->r15;
	tf->tf_r14 = r->r14;
	tf->tf_r13 = r->r13;
	tf->tf_r12 = r->r12;
	tf->tf_rbp = r->rbp;
	tf->tf_rbx = r->rbx;
	tf->tf_r11 = r->r11;
	tf->tf_r10 = r->r10;
	tf->tf_r9 = r->r9;
	tf->tf_r8 = r->r8;
	tf->tf_rax = r->rax;
	tf->tf_rcx = r->rcx;
	tf->tf_rdx = r->rdx;
	tf->tf_rsi = r->rsi;
	tf->tf_rdi = r->rdi;
	if (in_call(tf))
		tf->tf_err = r->orig_rax;
	tf->tf_rip = r->rip;
	tf->tf_cs = r->cs;
	tf->tf_rflags = (tf->tf_rflags & ~(uint64_t)FIX_RFLAGS) |
	    (r->eflags & FIX_RFLAGS);
	tf->tf_rsp = r->rsp;
	tf->tf_ss = r->ss;
	pcb->pcb_fsbase = r->fs_base;
	pcb->pcb_gsbase = r->gs_base;
	pcb->pcb_ds = (uint16_t)r->ds;
	pcb->pcb_es = (uint16_t)r->es;
	pcb->pcb_fs = (uint16_t)r->fs;
	pcb->pcb_gs = (uint16_t)r->gs;
	return 0;
}

void
linux32_regs_get(const struct lwp *l, struct linux32_user_regs *r)
{
	struct linux_user_regs full;

	linux_regs_get(l, &full);
	r->ebx = (uint32_t)full.rbx;
	r->ecx = (uint32_t)full.rcx;
	r->edx = (uint32_t)full.rdx;
	r->esi = (uint32_t)full.rsi;
	r->edi = (uint32_t)full.rdi;
	r->ebp = (uint32_t)full.rbp;
	r->eax = (uint32_t)full.rax;
	r->ds = (uint32_t)full.ds;
	r->es = (uint32_t)full.es;
	r->fs = (uint32_t)full.fs;
	r->gs = (uint32_t)full.gs;
	r->orig_eax = (uint32_t)full.orig_rax;
	r->eip = (uint32_t)full.rip;
	r->cs = (uint32_t)full.cs;
	r->eflags = (uint32_t)full.eflags;
	r->esp = (uint32_t)full.rsp;
	r->ss = (uint32_t)full.ss;
}

int
linux32_regs_put(struct lwp *l, const struct linux32_user_regs *r)
{
	struct linux_user_regs full;

	linux_regs_get(l, &full);
	full.rbx = r->ebx;
	full.rcx = r->ecx;
	full.rdx = r->edx;
	full.rsi = r->esi;
	full.rdi = r->edi;
	full.rbp = r->ebp;
	/* An error stays a negative number, for restarts. */
	full.rax = (uint64_t)(int64_t)(int32_t)r->eax;
	full.ds = (uint16_t)r->ds;
	full.es = (uint16_t)r->es;
	full.fs = (uint16_t)r->fs;
	full.gs = (uint16_t)r->gs;
	full.orig_rax = (uint64_t)(int64_t)(int32_t)r->orig_eax;
	full.rip = r->eip;
	full.cs = (uint16_t)r->cs;
	full.eflags = r->eflags;
	full.rsp = r->esp;
	full.ss = (uint16_t)r->ss;
	return linux_regs_put(l, &full);
}

void
linux_xstate_get(struct lwp *l, void *buf)
{
	uint64_t features = cpu_fpstate_features();

	cpu_fpstate_get(l, buf);
	memset((char *)buf + FPX_SW_OFFSET, 0, sizeof(struct linux_fpx_sw));
	memcpy((char *)buf + FPX_SW_OFFSET, &features, sizeof(features));
}
