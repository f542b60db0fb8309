/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and CPUs as amd64 sees them: context switch, fresh threads, exec,
 * the end of the machine.
 *
 * Overview: a thread that is not running has its callee-saved registers on its
 * kernel stack and the stack pointer in its pcb.  Its user registers are in the
 * trapframe at the top of that stack (l_tf), its user FPU state in pcb_fpu, the
 * FS and GS bases in the pcb.
 *
 * Locking: a switch runs with interrupts off.
 */
#include <sys/atomic.h>
#include <sys/cons.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vdso.h>
#include <machine/asm_offsets.h>
#include <machine/frame.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <uvm/uvm.h>
#include <x86/cpuid.h>
#include <x86/fpu.h>
#include <xen/guest.h>
#include <xen/hypercall.h>

const struct xen_guest *xen_guest;
void	(*cpu_user_return)(void);

/* What assembly believes. */
#define	ASSERT_TF(off, member)						\
	CTASSERT((off) == __offsetof(struct trapframe, member))
ASSERT_TF(TF_R15, tf_r15);
ASSERT_TF(TF_R14, tf_r14);
ASSERT_TF(TF_R13, tf_r13);
ASSERT_TF(TF_R12, tf_r12);
ASSERT_TF(TF_RBP, tf_rbp);
ASSERT_TF(TF_RBX, tf_rbx);
ASSERT_TF(TF_R11, tf_r11);
ASSERT_TF(TF_R10, tf_r10);
ASSERT_TF(TF_R9, tf_r9);
ASSERT_TF(TF_R8, tf_r8);
ASSERT_TF(TF_RAX, tf_rax);
ASSERT_TF(TF_RCX, tf_rcx);
ASSERT_TF(TF_RDX, tf_rdx);
ASSERT_TF(TF_RSI, tf_rsi);
ASSERT_TF(TF_RDI, tf_rdi);
ASSERT_TF(TF_TRAPNO, tf_trapno);
ASSERT_TF(TF_ERR, tf_err);
ASSERT_TF(TF_RIP, tf_rip);
ASSERT_TF(TF_CS, tf_cs);
ASSERT_TF(TF_RFLAGS, tf_rflags);
ASSERT_TF(TF_RSP, tf_rsp);
ASSERT_TF(TF_SS, tf_ss);
CTASSERT(TF_SIZE == sizeof(struct trapframe) && TF_SIZE % 16 == 0);
#define	CI_VCPU(member)							\
	(__offsetof(struct cpu_info, ci_md.md_shared) +			\
	    __offsetof(struct vcpu_info, member))
CTASSERT(CI_SELF == __offsetof(struct cpu_info, ci_self));
CTASSERT(CI_CURLWP == __offsetof(struct cpu_info, ci_curlwp));
CTASSERT(CI_UPCALL_PENDING == CI_VCPU(evtchn_upcall_pending));
CTASSERT(CI_UPCALL_MASK == CI_VCPU(evtchn_upcall_mask));
CTASSERT(CI_MD_KSTACK == __offsetof(struct cpu_info, ci_md.md_kstack));
CTASSERT(CI_MD_SCRATCH == __offsetof(struct cpu_info, ci_md.md_scratch));
CTASSERT(__offsetof(struct lwp, l_pcb) == 0);
CTASSERT(PCB_RSP == __offsetof(struct pcb, pcb_rsp));
CTASSERT(PCB_KSTACK_TOP == __offsetof(struct pcb, pcb_kstack_top));
CTASSERT(ASM_VM_MAX_ADDRESS == VM_MAX_ADDRESS);
CTASSERT(ASM_KERNBASE == KERNBASE && ASM_P2M_BASE == P2M_BASE);
CTASSERT(ASM_DMAP_L4SLOT == (DMAP_BASE >> 39 & 511));
CTASSERT(ASM_USPACE == USPACE);
CTASSERT(ASM_TF_SYSCALL == TF_SYSCALL && ASM_TF_INT80 == TF_INT80);
CTASSERT(ASM_TF_EVENT == TF_EVENT);
CTASSERT(ASM_SEL_UDATA == SEL_UDATA && ASM_SEL_UCODE == SEL_UCODE);
CTASSERT(ASM_SEL_UCODE32 == SEL_UCODE32);
CTASSERT(ASM_RFLAGS_NOSYSRET == (RFLAGS_TF | RFLAGS_RF));
CTASSERT(SEL_CPU == VDSO_CPU_SEL && SEL_CPU >> 3 < GDT_ENTRIES);
CTASSERT(SEL_TLS(0) >> 3 == CPU_TLS_FIRST && PCB_NTLS == CPU_TLS_COUNT);
CTASSERT(__arraycount(((struct cpu_md *)0)->md_tls) == PCB_NTLS);
CTASSERT(ASM_EFAULT == EFAULT && ASM_ENAMETOOLONG == ENAMETOOLONG);

/* The callee-saved registers on the stack of a thread not running. */
struct switchframe {
	uint64_t	sf_r15, sf_r14, sf_r13, sf_r12, sf_rbx, sf_rbp, sf_rip;
};

char	boot_stack[USPACE] __aligned(PAGE_SIZE) __section(".bss.page_aligned");

/* ---- boot ---- */

static void
stack_assign(struct lwp *l, vaddr_t stack)
{
	l->l_kstack = stack;
	l->l_pcb.pcb_kstack_top = stack + USPACE;
	l->l_tf = (struct trapframe *)(stack + USPACE) - 1;
}

void
cpu_md_early(void)
{
	struct cpu_info *ci = &cpu_info_primary;

	stack_assign(&lwp0, (vaddr_t)boot_stack);
	ci->ci_md.md_vcpu = (struct vcpu_info *)ci->ci_md.md_shared;
	ci->ci_md.md_kstack = lwp0.l_pcb.pcb_kstack_top;
	ci->ci_md.md_started = true;
}

void
cpu_md_init(void)
{
	struct cpu_features *cf = &cpu_features;

	cpuid_init();
	fpu_init();
	xen_guest->g_cpu_init(curcpu());
	printf("cpu0: %s, family %u model %u stepping %u\n",
	    cf->cf_brand[0] != '\0' ? cf->cf_brand : cf->cf_vendor_name,
	    cf->cf_family, cf->cf_model, cf->cf_stepping);
	log(LOG_DEBUG, "cpu0: %zu bytes of FPU state, XCR0 0x%lx\n",
	    cf->cf_fpu_size, cf->cf_xcr0);
}

/* ---- context switch ---- */

static inline void
selectors_read(struct pcb *pcb)
{
	__asm__ volatile("movw %%ds, %0" : "=m"(pcb->pcb_ds));
	__asm__ volatile("movw %%es, %0" : "=m"(pcb->pcb_es));
	__asm__ volatile("movw %%fs, %0" : "=m"(pcb->pcb_fs));
	__asm__ volatile("movw %%gs, %0" : "=m"(pcb->pcb_gs));
}

/*
 * A program that has loaded %fs or %gs itself has its descriptor's base, or,
 * with one of the null selectors 1 to 3, none.
 */
void
segs_save(struct pcb *pcb)
{
	selectors_read(pcb);
	if (pcb->pcb_fs != 0)
		pcb->pcb_fsbase = 0;
	if (pcb->pcb_gs != 0)
		pcb->pcb_gsbase = 0;
}

/* Load a selector; one the CPU refuses becomes the null selector. */
#define	LOAD_SELECTOR(reg, val)	do {					\
	uint32_t sel_ = (val);						\
	__asm__ volatile(						\
	    "1: movl %0, %%" reg "; jmp 3f\n"				\
	    "2: xorl %0, %0; jmp 1b\n"					\
	    "3:\n"							\
	    ".pushsection __ex_table, \"a\", @progbits\n"		\
	    ".balign 8; .quad 1b, 2b\n"					\
	    ".popsection" : "+r"(sel_));				\
} while (0)

void
tls_load(struct cpu_info *ci, const struct pcb *pcb,
    void (*set)(struct cpu_info *, unsigned int, uint64_t))
{
	for (unsigned int i = 0; i < PCB_NTLS; i++) {
		if (ci->ci_md.md_tls[i] == pcb->pcb_tls[i])
			continue;
		ci->ci_md.md_tls[i] = pcb->pcb_tls[i];
		set(ci, CPU_TLS_FIRST + i, pcb->pcb_tls[i]);
	}
}

void
debug_switch(struct cpu_info *ci, const struct pcb *pcb)
{
	if (__predict_true((pcb->pcb_dr[7] | ci->ci_md.md_dr7) == 0))
		return;
	ci->ci_md.md_dr7 = pcb->pcb_dr[7];
	xen_guest->g_debug_load(pcb->pcb_dr);
}

bool
segs_load(const struct pcb *pcb)
{
	struct pcb now;

	selectors_read(&now);
	if (now.pcb_ds != pcb->pcb_ds)
		LOAD_SELECTOR("ds", pcb->pcb_ds);
	if (now.pcb_es != pcb->pcb_es)
		LOAD_SELECTOR("es", pcb->pcb_es);
	if ((now.pcb_fs | pcb->pcb_fs) == 0)
		return false;
	LOAD_SELECTOR("fs", pcb->pcb_fs);
	return true;
}

void
cpu_switchto(struct lwp *from, struct lwp *to)
{
	struct cpu_info *ci = curcpu();

	KASSERT(!intr_enabled());
	KASSERT(ci->ci_curlwp == from);
	fpu_switch(from, to);
	xen_guest->g_switch(ci, to);
	cpu_switch_stack(from, to);
}

/* ---- threads ---- */

/* At its next switch the thread begins with fn, or goes to user mode. */
static void
start_at(struct lwp *l, void (*fn)(void *), void *arg)
{
	struct switchframe *sf = (struct switchframe *)l->l_tf - 1;

	memset(sf, 0, sizeof(*sf));
	sf->sf_r12 = (uintptr_t)fn;
	sf->sf_r13 = (uintptr_t)arg;
	sf->sf_rip = (uintptr_t)lwp_trampoline;
	l->l_pcb.pcb_rsp = (uintptr_t)sf;
}

/* CLONE_SETTLS: a base, or for a 32-bit thread a struct cpu_tls. */
static void
tls_inherit(struct lwp *child, bool compat32, uintptr_t tls)
{
	const struct cpu_tls *ct = (const struct cpu_tls *)tls;

	if (compat32) {
		child->l_pcb.pcb_tls[ct->ct_slot] = ct->ct_desc;
	} else {
		child->l_pcb.pcb_fsbase = tls;
		child->l_pcb.pcb_fs = 0;
	}
}

int
cpu_lwp_fork(struct lwp *parent, struct lwp *child, uintptr_t stack,
    bool set_tls, uintptr_t tls, void (*fn)(void *), void *arg)
{
	vaddr_t kstack;
	int error;

	memset(&child->l_pcb, 0, sizeof(child->l_pcb));
	kstack = child->l_kstack;	/* from lwp_alloc() */
	KASSERT(kstack != 0);
	if (set_tls && !cpu_is_compat32(parent) && tls >= VM_MAX_ADDRESS)
		return EPERM;
	error = fpu_alloc(child);
	if (error != 0)
		return error;
	stack_assign(child, kstack);
	memset(child->l_tf, 0, sizeof(*child->l_tf));
	if (fn == NULL) {
		*child->l_tf = *parent->l_tf;
		child->l_tf->tf_rax = 0;
		if (stack != 0)
			child->l_tf->tf_rsp = stack;
		if (parent == curlwp)
			segs_save(&parent->l_pcb);
		child->l_pcb.pcb_ds = parent->l_pcb.pcb_ds;
		child->l_pcb.pcb_es = parent->l_pcb.pcb_es;
		child->l_pcb.pcb_fs = parent->l_pcb.pcb_fs;
		child->l_pcb.pcb_gs = parent->l_pcb.pcb_gs;
		memcpy(child->l_pcb.pcb_tls, parent->l_pcb.pcb_tls,
		    sizeof(child->l_pcb.pcb_tls));
		child->l_pcb.pcb_fsbase = parent->l_pcb.pcb_fsbase;
		if (set_tls)
			tls_inherit(child, cpu_is_compat32(parent), tls);
		child->l_pcb.pcb_gsbase = parent->l_pcb.pcb_gsbase;
		child->l_pcb.pcb_flags = parent->l_pcb.pcb_flags &
		    PCB_COMPAT32;
		fpu_fork(parent, child);
	}
	start_at(child, fn, arg);
	return 0;
}

/* What fails here fails again as the program's own fault, and is told. */
static void
touch(struct lwp *l, vaddr_t va, vm_prot_t access)
{
	if (va < VM_MAX_ADDRESS)
		(void)uvm_populate(l->l_proc->p_vmspace, trunc_page(va),
		    trunc_page(va) + PAGE_SIZE, access);
}

void
cpu_lwp_touch(struct lwp *l)
{
	touch(l, l->l_tf->tf_rip, PROT_EXEC);
	touch(l, l->l_tf->tf_rsp, PROT_WRITE);
}

void
cpu_lwp_park(struct lwp *l)
{
	if ((l->l_pcb.pcb_flags & PCB_FPU_USED) == 0)
		return;
	fpu_sync(l);
	segs_save(&l->l_pcb);
}

void
cpu_lwp_restart(struct lwp *l)
{
	KASSERT(TF_USERMODE(l->l_tf));
	l->l_pcb.pcb_fpu_cpu = NULL;
	start_at(l, NULL, NULL);
}

void
cpu_lwp_free(struct lwp *l)
{
	fpu_free(l);
}

void
cpu_exec_reset(struct lwp *l)
{
	struct pcb *pcb = &l->l_pcb;
	bool on;

	KASSERT(l == curlwp);
	fpu_reset(l);
	on = intr_disable();
	pcb->pcb_ds = pcb->pcb_es = pcb->pcb_fs = pcb->pcb_gs = 0;
	pcb->pcb_flags &= ~(uint32_t)PCB_COMPAT32;
	memset(pcb->pcb_tls, 0, sizeof(pcb->pcb_tls));
	memset(pcb->pcb_dr, 0, sizeof(pcb->pcb_dr));
	pcb->pcb_fsbase = pcb->pcb_gsbase = 0;
	/* It was a kernel thread perhaps: its stack is now an entry stack. */
	xen_guest->g_switch(curcpu(), l);
	intr_restore(on);
}

/* ---- CPUs that come and go ---- */

/* A CPU comes up, on its idle thread's stack, for the first time or again. */
void
cpu_hatch_entry(void *arg)
{
	struct cpu_info *ci = arg;

	xen_guest->g_cpu_init(ci);
	fpu_init_cpu();
	cpu_hatch(ci);
}

/* What of a cpu_info has to be there before the CPU starts. */
void
cpu_hatch_prepare(struct cpu_info *ci)
{
	struct lwp *l = ci->ci_idlelwp;

	KASSERT(((uintptr_t)ci->ci_md.md_shared & 63) == 0);
	ci->ci_self = ci;
	ci->ci_curlwp = l;
	ci->ci_md.md_vcpu = (struct vcpu_info *)ci->ci_md.md_shared;
	ci->ci_md.md_kstack = l->l_pcb.pcb_kstack_top;
	/* What a vCPU that was up before has loaded is not known: no base. */
	ci->ci_md.md_fsbase = ci->ci_md.md_gsbase = ~(uintptr_t)0;
	ci->ci_md.md_fpu_lwp = NULL;
	ci->ci_md.md_dr7 = 0;
}

/*
 * Out of service: wait in the hypervisor until somebody brings this vCPU up
 * again, then begin anew.
 */
void
cpu_dead(void)
{
	struct cpu_info *ci = curcpu();

	KASSERT(!intr_enabled());
	atomic_store(&ci->ci_md.md_wanted, false);
	do {
		(void)hypercall_vcpu_op(VCPUOP_down, ci->ci_index, NULL);
	} while (!atomic_load(&ci->ci_md.md_wanted));
	cpu_hatch_prepare(ci);
	cpu_call_on_stack(ci->ci_idlelwp->l_pcb.pcb_kstack_top,
	    cpu_hatch_entry, ci);
}

/* ---- the end ---- */

void
cpu_reboot(enum reboot_how how)
{
	static const unsigned int reasons[] = {
		[RB_POWEROFF] = SHUTDOWN_poweroff,
		[RB_RESTART] = SHUTDOWN_reboot,
		[RB_HALT] = SHUTDOWN_poweroff,
		[RB_CRASH] = SHUTDOWN_crash,
	};
	struct sched_shutdown s = { .reason = reasons[how] };

	(void)intr_disable();
	(void)hypercall_sched_op(SCHEDOP_shutdown, &s);
	for (;;)
		cpu_halt();
}

void
cpu_halt(void)
{
	(void)intr_disable();
	for (;;) {
		/* The last one that does it ends the domain, as power-off. */
		(void)hypercall_vcpu_op(VCPUOP_down, curcpu()->ci_index, NULL);
		cpu_relax();
	}
}
