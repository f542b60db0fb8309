/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions, system calls and event upcalls: from the entry assembly's
 * trapframe to whoever deals with it.
 *
 * Overview: the assembly of each guest type makes a struct trapframe, calls
 * trap(), syscall_entry() or upcall_entry() with interrupts off, then
 * trap_exit_user() or trap_exit_kernel(), and leaves by its own instruction.
 * A fault of a user program becomes a signal with Linux's code and address.  A
 * fault of the kernel is allowed in the instructions listed in the exception
 * table: user copies, whose page faults are resolved like the program's own,
 * and loads of user selectors.  Anything else is a bug: registers and panic.
 *
 * Untrusted input: all registers of a user frame.  None is used here but as a
 * number in a signal.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <machine/frame.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <uvm/uvm.h>
#include <x86/fpu.h>
#include <xen/evtchn.h>
#include <xen/guest.h>
#include <xen/hypercall.h>

struct ex_entry {
	uintptr_t	ex_from, ex_to;
};
extern const struct ex_entry __start___ex_table[], __stop___ex_table[];

static const char *const trap_names[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow",
	"bound range", "invalid opcode", "device not available",
	"double fault", "coprocessor segment", "invalid TSS",
	"segment not present", "stack segment", "general protection",
	"page fault", "reserved", "x87 error", "alignment check",
	"machine check", "SIMD error",
};

static const char *
trap_name(uint64_t trapno)
{
	return trapno < __arraycount(trap_names) ? trap_names[trapno] :
	    "unknown trap";
}

/* Registers of a frame on the console. */
void
trapframe_print(const struct trapframe *tf)
{
	printf("rip %016lx rflags %08lx cs %04lx ss %04lx err %lx\n",
	    tf->tf_rip, tf->tf_rflags, tf->tf_cs & 0xffff, tf->tf_ss & 0xffff,
	    tf->tf_err);
	printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", tf->tf_rax,
	    tf->tf_rbx, tf->tf_rcx, tf->tf_rdx);
	printf("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", tf->tf_rsi,
	    tf->tf_rdi, tf->tf_rbp, tf->tf_rsp);
	printf("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", tf->tf_r8,
	    tf->tf_r9, tf->tf_r10, tf->tf_r11);
	printf("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", tf->tf_r12,
	    tf->tf_r13, tf->tf_r14, tf->tf_r15);
}

/* A trap that must not happen: say what is known and stop. */
void
trap_panic(const struct trapframe *tf, uintptr_t addr)
{
	struct lwp *l = curlwp;

	printf("trap: %s (%lu) in %s mode, cpu%u, thread %d\n",
	    trap_name(tf->tf_trapno), tf->tf_trapno,
	    TF_USERMODE(tf) ? "user" : "kernel", curcpu()->ci_index,
	    l != NULL ? l->l_tid : -1);
	trapframe_print(tf);
	if (tf->tf_trapno == T_PF)
		panic("page fault at 0x%lx (error %lx)", addr, tf->tf_err);
	panic("%s", trap_name(tf->tf_trapno));
}

static vm_prot_t
fault_access(const struct trapframe *tf)
{
	if (tf->tf_err & PFERR_W)
		return PROT_WRITE;
	return (tf->tf_err & PFERR_I) ? PROT_EXEC : PROT_READ;
}

/* ---- exceptions in user mode ---- */

static void
user_signal(struct lwp *l, int signo, int code, uintptr_t addr, int trapno)
{
	ksiginfo_t ksi;

	memset(&ksi, 0, sizeof(ksi));
	ksi.ksi_signo = signo;
	ksi.ksi_code = code;
	ksi.ksi_addr = addr;
	ksi.ksi_status = trapno;
	trapsignal(l, &ksi);
}

static void
user_page_fault(struct lwp *l, struct trapframe *tf, uintptr_t addr)
{
	int error;

	if (addr < VM_MAX_ADDRESS)
		error = uvm_fault(l->l_proc->p_vmspace, trunc_page(addr),
		    fault_access(tf));
	else
		error = EFAULT;
	switch (error) {
	case 0:
		break;
	case EACCES:
		user_signal(l, SIGSEGV, SEGV_ACCERR, addr, T_PF);
		break;
	case EFAULT:
		user_signal(l, SIGSEGV, SEGV_MAPERR, addr, T_PF);
		break;
	case ENOMEM:
		if (uvm_being_killed(l))
			break;
		printf("uvm: out of memory: killing process %d (%s)\n",
		    l->l_proc->p_pid, l->l_proc->p_comm);
		psignal(l->l_proc, SIGKILL);
		break;
	default:
		user_signal(l, SIGBUS, BUS_ADRERR, addr, T_PF);
		break;
	}
}

static void
trap_user(struct lwp *l, struct trapframe *tf, uintptr_t addr)
{
	int trapno = (int)tf->tf_trapno;

	switch (trapno) {
	case T_PF:
		user_page_fault(l, tf, addr);
		break;
	case T_DE:
		user_signal(l, SIGFPE, FPE_INTDIV, tf->tf_rip, trapno);
		break;
	case T_DB:
		user_signal(l, SIGTRAP, (addr & DR6_HITS) != 0 ? TRAP_HWBKPT :
		    TRAP_TRACE, tf->tf_rip, trapno);
		break;
	case T_BP:
		user_signal(l, SIGTRAP, SI_KERNEL, 0, trapno);
		break;
	case T_UD:
		user_signal(l, SIGILL, ILL_ILLOPN, tf->tf_rip, trapno);
		break;
	case T_NP:
	case T_SS:
		user_signal(l, SIGBUS, SI_KERNEL, 0, trapno);
		break;
	case T_MF:
	case T_XM:
		user_signal(l, SIGFPE, fpu_sigcode(l, trapno == T_XM),
		    tf->tf_rip, trapno);
		break;
	case T_AC:
		user_signal(l, SIGBUS, BUS_ADRALN, 0, trapno);
		break;
	case T_DF:
	case T_MC:
		trap_panic(tf, addr);
		break;
	default:	/* T_GP, T_TS, T_OF, T_BR, T_NM and what may come */
		user_signal(l, SIGSEGV, SI_KERNEL, 0, trapno);
		break;
	}
}

/* ---- exceptions in the kernel ---- */

static uintptr_t
ex_lookup(uintptr_t rip)
{
	const struct ex_entry *e;

	for (e = __start___ex_table; e < __stop___ex_table; e++) {
		if (e->ex_from == rip)
			return e->ex_to;
	}
	return 0;
}

/*
 * A page fault of a user copy.  With interrupts off or a spin lock held the
 * page cannot be fetched: the copy fails, as callers in such a state expect.
 */
static bool
copy_page_fault(struct lwp *l, struct trapframe *tf, uintptr_t addr)
{
	int error;

	if (addr >= VM_MAX_ADDRESS || !(tf->tf_rflags & RFLAGS_IF) ||
	    curcpu()->ci_spin_depth != 0 || curcpu()->ci_intr_depth != 0 ||
	    curcpu()->ci_in_softint || l->l_proc->p_vmspace == NULL)
		return false;
	intr_enable();
	error = uvm_fault(l->l_proc->p_vmspace, trunc_page(addr),
	    fault_access(tf));
	(void)intr_disable();
	return error == 0;
}

static void
trap_kernel(struct lwp *l, struct trapframe *tf, uintptr_t addr)
{
	uintptr_t fixup;

	if (tf->tf_trapno == T_DB) {
		/* A stray single step or watch point of a program. */
		tf->tf_rflags &= ~(uint64_t)RFLAGS_TF;
		return;
	}
	fixup = ex_lookup(tf->tf_rip);
	if (fixup != 0 && tf->tf_trapno == T_PF &&
	    copy_page_fault(l, tf, addr))
		return;
	if (fixup == 0)
		trap_panic(tf, addr);
	tf->tf_rip = fixup;
}

/*
 * Somebody wants to know where this CPU is (`xl trigger nmi`).  It may have
 * interrupted anything: only the hypervisor's console, no locks.
 */
void
trap_nmi(const struct trapframe *tf)
{
	char buf[80];
	int len;

	len = scnprintf(buf, sizeof(buf), "cpu%u: NMI at %016lx (%s)\n",
	    curcpu()->ci_index, tf->tf_rip,
	    TF_USERMODE(tf) ? "user" : "kernel");
	(void)hypercall_console_write(buf, (size_t)len);
}

/*
 * A debug register of the thread's has hit its instruction, which has not run
 * yet: at the next try it has to.
 */
static void
pass_breakpoint(const struct pcb *pcb, struct trapframe *tf, uintptr_t dr6)
{
	uintptr_t dr7 = pcb->pcb_dr[7];

	for (unsigned int i = 0; i < 4; i++) {
		if ((dr6 >> i & 1) != 0 && (dr7 >> 2 * i & 3) != 0 &&
		    (dr7 >> (16 + 4 * i) & 3) == 0)
			tf->tf_rflags |= RFLAGS_RF;
	}
}

void
trap(struct trapframe *tf)
{
	struct lwp *l = curlwp;
	uintptr_t addr = 0;

	if (tf->tf_trapno == T_NMI) {
		trap_nmi(tf);
		return;
	}
	if (tf->tf_trapno == T_PF) {
		addr = xen_guest->g_fault_addr();
		curcpu()->ci_nfault++;
	}
	if (tf->tf_trapno == T_DB) {
		addr = xen_guest->g_debug_status();
		if (TF_USERMODE(tf)) {
			l->l_pcb.pcb_dr[6] = addr;
			pass_breakpoint(&l->l_pcb, tf, addr);
		}
	}
	/* A reserved bit in a page table is not the program's doing. */
	if (tf->tf_trapno == T_PF && (tf->tf_err & PFERR_RSVD) != 0)
		trap_panic(tf, addr);
	if (!TF_USERMODE(tf)) {
		trap_kernel(l, tf, addr);
		return;
	}
	KASSERT(tf == l->l_tf);
	intr_enable();
	trap_user(l, tf, addr);
	(void)intr_disable();
}

/* ---- system calls and events ---- */

void
syscall_entry(struct trapframe *tf)
{
	struct lwp *l = curlwp;

	curcpu()->ci_nsyscall++;
	KASSERT(tf == l->l_tf);
	intr_enable();
	l->l_proc->p_emul->e_syscall(l, tf);
	(void)intr_disable();
}

void
upcall_entry(struct trapframe *tf)
{
	cpu_intr_enter(TF_USERMODE(tf));
	evtchn_upcall();
	cpu_intr_exit();
}

void
trap_exit_user(struct trapframe *tf)
{
	struct lwp *l = curlwp;

	for (;;) {
		sched_preempt();
		if (l->l_ast == 0)
			break;
		intr_enable();
		userret(l, tf);
		(void)intr_disable();
	}
}

/* A fresh thread goes to user mode, interrupts still on. */
void
trap_enter_user(struct trapframe *tf)
{
	cpu_lwp_touch(curlwp);
	(void)intr_disable();
	trap_exit_user(tf);
}

void
trap_exit_kernel(struct trapframe *tf)
{
	if (tf->tf_rflags & RFLAGS_IF)
		sched_preempt();
}
