/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs of a PV guest: entry points, descriptor table, start, context
 * switch.
 *
 * Overview: Xen keeps for each vCPU what hardware keeps in registers and
 * tables: where exceptions go, the kernel stack, segment bases, the GDT.  The
 * boot CPU's is set by hypercalls, another's by the context it is initialised
 * with.  The GDT is a page of ours that Xen has typed as descriptors: mapped
 * read-only, freed never.
 *
 * Suspend: Xen's save carries all of it but the place of vcpu_info: cpu.c.
 */
#include <sys/atomic.h>
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
#include <x86/cpuid.h>
#include <x86/pmap_backend.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/public/callback.h>
#include <xen/pv.h>

#include "pv_private.h"

struct trap_info pv_trap_table[PV_NTRAPS];

/* ---- entry points ---- */

#define	TI_MASK_EVENTS	4

void
pv_trap_init(void)
{
	struct trap_info *ti = pv_trap_table;

	for (unsigned int i = 0; i < 20; i++) {
		if (pv_trap_entries[i] == 0)
			continue;
		ti->vector = (uint8_t)i;
		ti->flags = TI_MASK_EVENTS;
		/* The ones a program may raise with INT. */
		if (i == T_BP || i == T_OF)
			ti->flags |= 3;
		ti->cs = FLAT_KERNEL_CS;
		ti->address = pv_trap_entries[i];
		ti++;
	}
	ti->vector = 0x80;
	ti->flags = TI_MASK_EVENTS | 3;
	ti->cs = FLAT_KERNEL_CS;
	ti->address = (unsigned long)pv_int80;
	KASSERT(ti < &pv_trap_table[PV_NTRAPS - 1]);
	if (hypercall_set_trap_table(pv_trap_table) != 0)
		panic("pv: no trap table");
}

static void
callback_register(uint16_t type, void (*entry)(void), bool needed)
{
	struct callback_register cb = {
		.type = type, .flags = CALLBACKF_mask_events,
		.address = (unsigned long)entry
	};

	if (hypercall_callback_op(CALLBACKOP_register, &cb) != 0 && needed)
		panic("pv: callback %u refused", type);
}

void
pv_setup_upcall(void)
{
	callback_register(CALLBACKTYPE_event, pv_event, true);
	callback_register(CALLBACKTYPE_failsafe, pv_failsafe, true);
	callback_register(CALLBACKTYPE_syscall, pv_syscall, true);
	callback_register(CALLBACKTYPE_syscall32, pv_syscall32, false);
}

/* Called by the failsafe entry. */
void	pv_bad_selector(struct trapframe *);

void
pv_bad_selector(struct trapframe *tf __unused)
{
	static const char msg[] = "pv: Xen refuses a selector in use\n";
	static bool told;

	/* It may have interrupted printf(): the hypervisor's console only. */
	if (!told) {
		told = true;
		(void)hypercall_console_write(msg, sizeof(msg) - 1);
	}
}

/* ---- the descriptor table ---- */

static uint64_t *
gdt_create(const struct cpu_info *ci)
{
	uint64_t *gdt, pte;
	struct vm_page *pg;

	pg = uvm_pagealloc(UVM_PGA_ZERO | UVM_PGA_NOSLEEP);
	if (pg == NULL)
		return NULL;
	gdt = VM_PAGE_TO_KVA(pg);
	/* The kernel runs in ring 3 like its programs. */
	gdt[SEL_KCODE >> 3] = GDT_CODE64(3);
	gdt[SEL_KDATA >> 3] = GDT_DATA(3);
	gdt[SEL_UCODE32 >> 3] = GDT_CODE32(3);
	gdt[SEL_UDATA >> 3] = GDT_DATA(3);
	gdt[SEL_UCODE >> 3] = GDT_CODE64(3);
	gdt[SEL_CPU >> 3] = GDT_CPU(ci->ci_index);
	/* Its only mapping, in the direct map, loses the right to write. */
	pte = ptoa(pv_pfn_to_mfn(MKPFN(VM_PAGE_TO_PFN(pg))).mfn) | PTE_P |
	    PTE_A | PTE_D;
	if (CPU_HAS(cf_80000001_edx, CPUID_80000001_EDX_NX))
		pte |= PTE_NX;
	if (hypercall_update_va_mapping((vaddr_t)gdt, pte,
	    UVMF_INVLPG | UVMF_ALL) != 0) {
		uvm_pagefree(pg);
		return NULL;
	}
	return gdt;
}

static unsigned long
gdt_mfn(const struct cpu_info *ci)
{
	paddr_t pa = PMAP_DIRECT_UNMAP(ci->ci_md.md_gdt);

	return pv_pfn_to_mfn(MKPFN(atop(pa))).mfn;
}

#define	CR4_FSGSBASE	(1UL << 16)

/*
 * Programs change bases by system call only, as in a PVH guest: the bases are
 * not saved on a switch.  Xen lets a PV guest decide.
 */
static void
fsgsbase_disable(void)
{
	unsigned long cr4;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	if ((cr4 & CR4_FSGSBASE) != 0)
		__asm__ volatile("movq %0, %%cr4" : :
		    "r"(cr4 & ~CR4_FSGSBASE));
}

/* The boot CPU's; others have it from the context they start with. */
void
pv_cpu_init(struct cpu_info *ci)
{
	unsigned long frame;

	fsgsbase_disable();
	if (ci != &cpu_info_primary) {
		pv_setup_upcall();
		return;
	}
	ci->ci_md.md_gdt = gdt_create(ci);
	if (ci->ci_md.md_gdt == NULL)
		panic("pv: no memory for the GDT");
	frame = gdt_mfn(ci);
	if (hypercall_set_gdt(&frame, GDT_ENTRIES) != 0)
		panic("pv: GDT refused");
}

/* ---- start ---- */

static void
context_fill(struct vcpu_guest_context *ctx, struct cpu_info *ci)
{
	const struct trap_info *ti;
	paddr_t l4 = PMAP_DIRECT_UNMAP(pmap_kernel()->pm_l4);
	uintptr_t top = ci->ci_idlelwp->l_pcb.pcb_kstack_top;

	ctx->flags = VGCF_IN_KERNEL | VGCF_failsafe_disables_events |
	    VGCF_syscall_disables_events;
	ctx->user_regs.rip = (uintptr_t)cpu_hatch_entry;
	ctx->user_regs.rdi = (uintptr_t)ci;
	ctx->user_regs.rsp = top - 8;
	ctx->user_regs.rflags = RFLAGS_FIXED;
	ctx->user_regs.cs = FLAT_KERNEL_CS;
	ctx->user_regs.ss = FLAT_KERNEL_SS;
	for (ti = pv_trap_table; ti->address != 0; ti++)
		ctx->trap_ctxt[ti->vector] = *ti;
	ctx->gdt_frames[0] = gdt_mfn(ci);
	ctx->gdt_ents = GDT_ENTRIES;
	ctx->kernel_ss = FLAT_KERNEL_SS;
	ctx->kernel_sp = top;
	ctx->ctrlreg[3] = xen_pfn_to_cr3(pv_pfn_to_mfn(MKPFN(atop(l4))).mfn);
	ctx->event_callback_eip = (unsigned long)pv_event;
	ctx->failsafe_callback_eip = (unsigned long)pv_failsafe;
	ctx->syscall_callback_eip = (unsigned long)pv_syscall;
	ctx->gs_base_kernel = (uintptr_t)ci;
}

int
pv_cpu_initialise(struct cpu_info *ci)
{
	struct vcpu_guest_context *ctx;
	int error;

	if (ci->ci_md.md_gdt == NULL)
		ci->ci_md.md_gdt = gdt_create(ci);
	if (ci->ci_md.md_gdt == NULL)
		return ENOMEM;
	ctx = kmem_zalloc(sizeof(*ctx), KM_SLEEP);
	if (ctx == NULL)
		return ENOMEM;
	context_fill(ctx, ci);
	error = hypercall_vcpu_op(VCPUOP_initialise, ci->ci_index, ctx);
	kmem_free(ctx, sizeof(*ctx));
	return error;
}

/* ---- context switch ---- */

static inline void
call_add(struct multicall_entry *mc, unsigned int *n, unsigned long op,
    unsigned long a0, unsigned long a1)
{
	mc[*n].op = op;
	mc[*n].args[0] = a0;
	mc[*n].args[1] = a1;
	(*n)++;
}

static inline uint16_t
gs_selector(void)
{
	uint16_t sel;

	__asm__ volatile("movw %%gs, %0" : "=m"(sel));
	return sel;
}

static void
pv_gdt_set(struct cpu_info *ci, unsigned int entry, uint64_t desc)
{
	(void)hypercall_update_descriptor(ptoa((paddr_t)gdt_mfn(ci)) +
	    entry * sizeof(uint64_t), desc);
}

/*
 * The thread's descriptors.  Xen may load the selectors again at any time, so
 * none may be in use whose descriptor goes.
 */
static void
pv_tls(struct cpu_info *ci, const struct pcb *pcb)
{
	if (memcmp(ci->ci_md.md_tls, pcb->pcb_tls, sizeof(pcb->pcb_tls)) == 0)
		return;
	__asm__ volatile("movl %0, %%fs" : : "r"(0));
	(void)hypercall_set_segment_base(SEGBASE_GS_USER_SEL, 0);
	ci->ci_md.md_fsbase = ~pcb->pcb_fsbase;
	ci->ci_md.md_gsbase = ~pcb->pcb_gsbase;
	tls_load(ci, pcb, pv_gdt_set);
}

/*
 * What was loaded says nothing of what is there: a program changes its base by
 * loading a selector and then a null one.  Only a GS base of 0 stays, as long
 * as no descriptor has another one.
 */
static void
pv_bases_forget(struct cpu_md *md, const struct pcb *pcb)
{
	md->md_fsbase = ~pcb->pcb_fsbase;
	if ((md->md_gsbase | pcb->pcb_gsbase | md->md_tls[0] | md->md_tls[1] |
	    md->md_tls[2]) != 0)
		md->md_gsbase = ~pcb->pcb_gsbase;
}

/*
 * FS and GS: the selectors, then the bases of null ones.  The base of any
 * other is its descriptor's, which may have changed: it is loaded always.
 */
static void
pv_bases(struct cpu_md *md, const struct pcb *pcb, struct multicall_entry *mc,
    unsigned int *n)
{
	if (segs_load(pcb))
		md->md_fsbase = ~pcb->pcb_fsbase;
	if (SEL_IS_NULL(pcb->pcb_fs) && md->md_fsbase != pcb->pcb_fsbase) {
		md->md_fsbase = pcb->pcb_fsbase;
		call_add(mc, n, __HYPERVISOR_set_segment_base, SEGBASE_FS,
		    pcb->pcb_fsbase);
	}
	if (!SEL_IS_NULL(pcb->pcb_gs) || pcb->pcb_gs != gs_selector()) {
		md->md_gsbase = ~pcb->pcb_gsbase;
		call_add(mc, n, __HYPERVISOR_set_segment_base,
		    SEGBASE_GS_USER_SEL, pcb->pcb_gs);
	}
	if (SEL_IS_NULL(pcb->pcb_gs) && md->md_gsbase != pcb->pcb_gsbase) {
		md->md_gsbase = pcb->pcb_gsbase;
		call_add(mc, n, __HYPERVISOR_set_segment_base,
		    SEGBASE_GS_USER, pcb->pcb_gsbase);
	}
}

uintptr_t
pv_debug_status(void)
{
	uintptr_t dr6 = (uintptr_t)xen_hypercall(__HYPERVISOR_get_debugreg, 6,
	    0, 0, 0, 0);

	(void)xen_hypercall(__HYPERVISOR_set_debugreg, 6, DR6_NONE, 0, 0, 0);
	return dr6;
}

void
pv_debug_load(const uintptr_t dr[8])
{
	/* Off first: an address need not fit the old conditions. */
	(void)xen_hypercall(__HYPERVISOR_set_debugreg, 7, 0, 0, 0, 0);
	for (unsigned int i = 0; dr[7] != 0 && i < 4; i++)
		(void)xen_hypercall(__HYPERVISOR_set_debugreg, i, dr[i], 0, 0,
		    0);
	if (dr[7] != 0)
		(void)xen_hypercall(__HYPERVISOR_set_debugreg, 7, dr[7], 0, 0,
		    0);
}

void
pv_switch(struct cpu_info *ci, struct lwp *to)
{
	struct lwp *from = ci->ci_curlwp;
	struct pcb *pcb = &to->l_pcb;
	struct multicall_entry mc[4];
	unsigned int n = 0;

	if ((from->l_pcb.pcb_flags & PCB_FPU_USED) != 0 && from != to)
		segs_save(&from->l_pcb);
	/* Its stack may soon be another's. */
	if ((from->l_flags & LF_EXITING) != 0)
		ci->ci_md.md_kstack = 0;
	/* A kernel thread is not entered from user mode: leave it all. */
	if ((pcb->pcb_flags & PCB_FPU_USED) == 0)
		return;
	/* Nothing to do for the thread that was in user mode here last. */
	if (from == to || ci->ci_md.md_kstack != pcb->pcb_kstack_top)
		pv_bases_forget(&ci->ci_md, pcb);
	if (ci->ci_md.md_kstack != pcb->pcb_kstack_top) {
		ci->ci_md.md_kstack = pcb->pcb_kstack_top;
		call_add(mc, &n, __HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
		    pcb->pcb_kstack_top);
	}
	debug_switch(ci, pcb);
	pv_tls(ci, pcb);
	pv_bases(&ci->ci_md, pcb, mc, &n);
	if (n > 1)
		(void)hypercall_multicall(mc, n);
	else if (n == 1)
		(void)xen_hypercall(mc[0].op, mc[0].args[0], mc[0].args[1],
		    0, 0, 0);
}
