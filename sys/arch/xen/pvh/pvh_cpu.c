/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs of a PVH guest: descriptor tables, system call entry, event upcalls,
 * start, context switch.
 *
 * Overview: the hardware is the CPU's, the interrupt controller is Xen: events
 * come in as one vector, set for all vCPUs by HVM_PARAM_CALLBACK_IRQ.  (There
 * is a per-vCPU way by the local APIC, but the tools take a guest whose
 * parameter is 0 for one that cannot be resumed after a cancelled suspend.)
 *
 * Suspend: Xen's save carries all registers, but not the place of vcpu_info:
 * cpu.c.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/frame.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <machine/trap.h>
#include <uvm/uvm.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/public/hvm/hvm_vcpu.h>
#include <xen/pvh.h>

#include "pvh_private.h"

#define	EXC_STACK	4096		/* of each of the four below */
enum { IST_NONE, IST_DF, IST_NMI, IST_DB, IST_MC, IST_COUNT };

struct tss {
	uint32_t	tss_reserved0;
	uint64_t	tss_rsp[3];
	uint64_t	tss_reserved1;
	uint64_t	tss_ist[7];
	uint64_t	tss_reserved2;
	uint16_t	tss_reserved3, tss_iomap;
} __packed;
CTASSERT(sizeof(struct tss) == 104);

struct gate {
	uint16_t	g_offset0, g_selector;
	uint8_t		g_ist, g_type;
	uint16_t	g_offset1;
	uint32_t	g_offset2, g_zero;
};

/* A CPU's tables and exception stacks. */
struct pvh_cpu {
	char		pc_stack[IST_COUNT - 1][EXC_STACK];
	struct tss	pc_tss __aligned(64);
	uint64_t	pc_gdt[GDT_ENTRIES] __aligned(64);
};

static struct pvh_cpu pvh_cpu0 __aligned(PAGE_SIZE);
static struct gate pvh_idt[256] __aligned(PAGE_SIZE);	/* [I] */
unsigned long pvh_cr4;

/* ---- tables ---- */

static void
gate_set(unsigned int vec, uintptr_t entry, unsigned int dpl, unsigned int ist)
{
	struct gate *g = &pvh_idt[vec];

	g->g_offset0 = (uint16_t)entry;
	g->g_offset1 = (uint16_t)(entry >> 16);
	g->g_offset2 = (uint32_t)(entry >> 32);
	g->g_selector = SEL_KCODE;
	g->g_ist = (uint8_t)ist;
	g->g_type = (uint8_t)(0x8e | dpl << 5);	/* interrupt gate */
}

static void
idt_init(void)
{
	static const uint8_t ist[20] = {
		[T_DF] = IST_DF, [T_NMI] = IST_NMI, [T_DB] = IST_DB,
		[T_MC] = IST_MC
	};

	for (unsigned int i = 0; i < 256; i++)
		gate_set(i, (uintptr_t)pvh_spurious, 0, IST_NONE);
	for (unsigned int i = 0; i < 20; i++) {
		if (pvh_trap_entries[i] != 0)
			gate_set(i, pvh_trap_entries[i],
			    i == T_BP || i == T_OF ? 3 : 0, ist[i]);
	}
	gate_set(0x80, (uintptr_t)pvh_int80, 3, IST_NONE);
	gate_set(PVH_VECTOR_EVENT, (uintptr_t)pvh_event, 0, IST_NONE);
}

static void
tables_fill(struct pvh_cpu *pc, unsigned int cpu)
{
	uint64_t *gdt = pc->pc_gdt;
	uint64_t tss = (uintptr_t)&pc->pc_tss;

	gdt[SEL_KCODE >> 3] = GDT_CODE64(0);
	gdt[SEL_KDATA >> 3] = GDT_DATA(0);
	gdt[SEL_UCODE32 >> 3] = GDT_CODE32(3);
	gdt[SEL_UDATA >> 3] = GDT_DATA(3);
	gdt[SEL_UCODE >> 3] = GDT_CODE64(3);
	gdt[SEL_CPU >> 3] = GDT_CPU(cpu);
	gdt[SEL_TSS >> 3] = (sizeof(struct tss) - 1) |
	    (tss & 0xffffff) << 16 | 0x89ULL << 40 | (tss >> 24 & 0xff) << 56;
	gdt[(SEL_TSS >> 3) + 1] = tss >> 32;
	pc->pc_tss.tss_iomap = sizeof(struct tss);
	for (unsigned int i = 1; i < IST_COUNT; i++)
		pc->pc_tss.tss_ist[i - 1] =
		    (uintptr_t)(pc->pc_stack[i - 1] + EXC_STACK);
}

struct table_reg {
	uint16_t	tr_limit;
	uint64_t	tr_base;
} __packed;

/* Use the tables, on this CPU; the GS base is lost by it, so set it. */
static void
tables_load(struct cpu_info *ci)
{
	struct table_reg gdt = {
		GDT_ENTRIES * 8 - 1, (uintptr_t)ci->ci_md.md_gdt
	};
	struct table_reg idt = { sizeof(pvh_idt) - 1, (uintptr_t)pvh_idt };

	__asm__ volatile(
	    "lgdt %0\n"
	    "lidt %1\n"
	    "pushq %2\n"
	    "leaq 1f(%%rip), %%rax\n"
	    "pushq %%rax\n"
	    "lretq\n"
	    "1: movl %3, %%ss\n"
	    "xorl %%eax, %%eax\n"
	    "movl %%eax, %%ds; movl %%eax, %%es\n"
	    "movl %%eax, %%fs; movl %%eax, %%gs\n"
	    "ltr %w4"
	    : : "m"(gdt), "m"(idt), "i"(SEL_KCODE), "r"(SEL_KDATA),
	    "r"(SEL_TSS) : "rax", "memory");
	wrmsr(MSR_FSBASE, 0);
	wrmsr(MSR_GSBASE, (uintptr_t)ci);
	wrmsr(MSR_KERNELGSBASE, 0);
}

static void
tables_assign(struct cpu_info *ci, struct pvh_cpu *pc)
{
	tables_fill(pc, ci->ci_index);
	ci->ci_md.md_gdt = pc->pc_gdt;
	ci->ci_md.md_tss = &pc->pc_tss;
	pc->pc_tss.tss_rsp[0] = ci->ci_md.md_kstack;
}

void
pvh_cpu_early(struct cpu_info *ci)
{
	idt_init();
	tables_assign(ci, &pvh_cpu0);
	tables_load(ci);
}

/* System call entry, both widths. */
void
pvh_cpu_init(struct cpu_info *ci __unused)
{
	wrmsr(MSR_STAR, (uint64_t)SEL_UCODE32 << 48 |
	    (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uintptr_t)pvh_syscall);
	wrmsr(MSR_CSTAR, (uintptr_t)pvh_syscall32);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC |
	    RFLAGS_NT | RFLAGS_IOPL);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
}

/* ---- exceptions that come in by their own ways ---- */

void	pvh_ist_trap(struct trapframe *);
struct trapframe *pvh_bad_iret(struct trapframe *);

/* In kernel mode, on an exception stack. */
void
pvh_ist_trap(struct trapframe *tf)
{
	switch (tf->tf_trapno) {
	case T_NMI:
		trap_nmi(tf);
		break;
	case T_DB:
		tf->tf_rflags &= ~(uint64_t)RFLAGS_TF;
		break;
	default:
		trap_panic(tf, 0);
	}
}

/*
 * The IRET to user mode failed: make the frame it would have been if the
 * exception had come in user mode.  The five words are still at the top of
 * the stack.
 */
struct trapframe *
pvh_bad_iret(struct trapframe *tf)
{
	struct trapframe new = *tf, *to = curlwp->l_tf;

	memcpy(&new.tf_rip, &to->tf_rip, 5 * sizeof(uint64_t));
	*to = new;
	return to;
}

/* ---- event upcalls ---- */

int
pvh_callback_register(void)
{
	return hypercall_hvm_set_param(HVM_PARAM_CALLBACK_IRQ,
	    (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | PVH_VECTOR_EVENT);
}

/* ---- start ---- */

/* First code of another CPU, on its idle stack; no GS base yet. */
static void __dead
pvh_hatch(struct cpu_info *ci)
{
	tables_load(ci);
	cpu_hatch_entry(ci);
}

int
pvh_cpu_initialise(struct cpu_info *ci)
{
	struct vcpu_hvm_context ctx = { .mode = VCPU_HVM_MODE_64B };
	struct vcpu_hvm_x86_64 *r = &ctx.cpu_regs.x86_64;
	struct pvh_cpu *pc;

	if (ci->ci_md.md_tss != NULL)
		pc = container_of(ci->ci_md.md_tss, struct pvh_cpu, pc_tss);
	else
		pc = (struct pvh_cpu *)uvm_km_alloc(round_page(sizeof(*pc)),
		    UVM_KM_ZERO);
	if (pc == NULL)
		return ENOMEM;
	/* Each time anew: LTR marks a TSS busy, and then refuses it. */
	tables_assign(ci, pc);
	r->rip = (uintptr_t)pvh_hatch;
	r->rdi = (uintptr_t)ci;
	r->rsp = ci->ci_idlelwp->l_pcb.pcb_kstack_top - 8;
	r->rflags = RFLAGS_FIXED;
	r->cr0 = CR0_KERNEL;
	r->cr3 = PMAP_DIRECT_UNMAP(pmap_kernel()->pm_l4);
	r->cr4 = pvh_cr4;
	r->efer = rdmsr(MSR_EFER);	/* the same for all; LMA is set */
	return hypercall_vcpu_op(VCPUOP_initialise, ci->ci_index, &ctx);
}

/* ---- context switch ---- */

static inline uint16_t
gs_selector(void)
{
	uint16_t sel;

	__asm__ volatile("movw %%gs, %0" : "=m"(sel));
	return sel;
}

static void
pvh_gdt_set(struct cpu_info *ci, unsigned int entry, uint64_t desc)
{
	((uint64_t *)ci->ci_md.md_gdt)[entry] = desc;
}

/*
 * Load the user's %gs, which must not fault here: only what is known to be in
 * the GDT, with user privilege.
 */
static void
gs_load(const struct pcb *pcb)
{
	uint32_t val = pcb->pcb_gs;
	unsigned int slot = (val >> 3) - CPU_TLS_FIRST;

	if (val != SEL_UDATA && val != SEL_UCODE && val != SEL_UCODE32 &&
	    !((val & 7) == 3 && slot < PCB_NTLS && pcb->pcb_tls[slot] != 0))
		val = 0;
	__asm__ volatile("swapgs; movl %0, %%gs; swapgs" : : "r"(val)
	    : "memory");
}

/*
 * FS and GS: the selectors, then the bases of null ones.  A program may have
 * changed what its own selectors say is there, by loading another one and then
 * the null selector: nothing that was loaded before can be relied on.
 */
static void
pvh_bases(const struct pcb *pcb)
{
	(void)segs_load(pcb);
	if (SEL_IS_NULL(pcb->pcb_fs))
		wrmsr(MSR_FSBASE, pcb->pcb_fsbase);
	if (!SEL_IS_NULL(pcb->pcb_gs) || pcb->pcb_gs != gs_selector())
		gs_load(pcb);
	if (SEL_IS_NULL(gs_selector()))
		wrmsr(MSR_KERNELGSBASE, pcb->pcb_gsbase);
}

uintptr_t
pvh_debug_status(void)
{
	uintptr_t dr6;

	__asm__ volatile("movq %%db6, %0" : "=r"(dr6));
	__asm__ volatile("movq %0, %%db6" : : "r"(DR6_NONE));
	return dr6;
}

void
pvh_debug_load(const uintptr_t dr[8])
{
	/* Off first: an address need not fit the old conditions. */
	__asm__ volatile("movq %0, %%db7" : : "r"(DR7_FIXED));
	if (dr[7] == 0)
		return;
	__asm__ volatile("movq %0, %%db0" : : "r"(dr[0]));
	__asm__ volatile("movq %0, %%db1" : : "r"(dr[1]));
	__asm__ volatile("movq %0, %%db2" : : "r"(dr[2]));
	__asm__ volatile("movq %0, %%db3" : : "r"(dr[3]));
	__asm__ volatile("movq %0, %%db7" : : "r"(dr[7] | DR7_FIXED));
}

void
pvh_switch(struct cpu_info *ci, struct lwp *to)
{
	struct lwp *from = ci->ci_curlwp;
	struct cpu_md *md = &ci->ci_md;
	struct pcb *pcb = &to->l_pcb;

	if ((from->l_pcb.pcb_flags & PCB_FPU_USED) != 0 && from != to)
		segs_save(&from->l_pcb);
	/* A kernel thread is not entered from user mode: leave it all. */
	if ((pcb->pcb_flags & PCB_FPU_USED) == 0)
		return;
	md->md_kstack = pcb->pcb_kstack_top;
	((struct tss *)md->md_tss)->tss_rsp[0] = pcb->pcb_kstack_top;
	debug_switch(ci, pcb);
	tls_load(ci, pcb, pvh_gdt_set);
	pvh_bases(pcb);
}
