/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a personality may ask of the CPU for the current thread: segment bases,
 * FPU state, features.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/frame.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <x86/cpuid.h>
#include <x86/fpu.h>
#include <xen/guest.h>

#define	MSR_FSBASE		0xc0000100
#define	MSR_KERNELGSBASE	0xc0000102

int
cpu_set_base(struct lwp *l, int which, uintptr_t base)
{
	bool on;

	if (base >= VM_MAX_ADDRESS)
		return EPERM;
	/* As on Linux the selector becomes null: a base is the thread's own. */
	on = intr_disable();
	if (l == curlwp)
		segs_save(&l->l_pcb);
	if (which == 0) {
		l->l_pcb.pcb_fsbase = base;
		l->l_pcb.pcb_fs = 0;
	} else {
		l->l_pcb.pcb_gsbase = base;
		l->l_pcb.pcb_gs = 0;
	}
	if (l == curlwp)
		xen_guest->g_switch(curcpu(), l);
	intr_restore(on);
	return 0;
}

/*
 * The running thread may have changed it by loading a selector, and so the CPU
 * is asked: the program's GS base is the other one while the kernel runs.
 */
uintptr_t
cpu_get_base(const struct lwp *l, int which)
{
	const struct pcb *pcb = &l->l_pcb;
	unsigned int sel = which == 0 ? pcb->pcb_fs : pcb->pcb_gs;
	unsigned int slot = (sel >> 3) - CPU_TLS_FIRST;
	uint32_t lo, hi;
	uint64_t desc;

	if (l == curlwp) {
		__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) :
		    "c"(which == 0 ? MSR_FSBASE : MSR_KERNELGSBASE));
		return (uintptr_t)hi << 32 | lo;
	}
	if (slot < PCB_NTLS) {
		desc = pcb->pcb_tls[slot];
		return (desc >> 16 & 0xffffff) | (desc >> 56) << 24;
	}
	return which == 0 ? pcb->pcb_fsbase : pcb->pcb_gsbase;
}

/* ---- 32-bit programs ---- */

void
cpu_set_compat32(void)
{
	struct pcb *pcb = &curlwp->l_pcb;
	bool on = intr_disable();

	pcb->pcb_flags |= PCB_COMPAT32;
	pcb->pcb_ds = pcb->pcb_es = SEL_UDATA;
	xen_guest->g_switch(curcpu(), curlwp);
	intr_restore(on);
}

bool
cpu_is_compat32(const struct lwp *l)
{
	return (l->l_pcb.pcb_flags & PCB_COMPAT32) != 0;
}

void
cpu_get_selectors(struct pcb *now)
{
	segs_save(now);
}

void
cpu_set_selectors(struct lwp *l, const struct pcb *sel)
{
	struct pcb *pcb = &l->l_pcb;
	bool on = intr_disable();

	/* Only user privilege, or null. */
	pcb->pcb_ds = sel->pcb_ds > 3 ? sel->pcb_ds | 3 : 0;
	pcb->pcb_es = sel->pcb_es > 3 ? sel->pcb_es | 3 : 0;
	pcb->pcb_fs = sel->pcb_fs > 3 ? sel->pcb_fs | 3 : 0;
	pcb->pcb_gs = sel->pcb_gs > 3 ? sel->pcb_gs | 3 : 0;
	xen_guest->g_switch(curcpu(), l);
	intr_restore(on);
}

/*
 * A present data segment of user privilege, or nothing.  "Accessed" has to be
 * set: the CPU must not write to the table.
 */
static bool
tls_ok(uint64_t desc)
{
	return desc == 0 || (desc >> 40 & 0xf9) == 0xf1;
}

/* No selector of a descriptor that goes stays loaded. */
static void
tls_forget(struct pcb *pcb, unsigned int slot)
{
	uint16_t *const sels[] = {
		&pcb->pcb_ds, &pcb->pcb_es, &pcb->pcb_fs, &pcb->pcb_gs
	};

	for (unsigned int i = 0; i < __arraycount(sels); i++) {
		if (*sels[i] >> 3 == CPU_TLS_FIRST + slot)
			*sels[i] = 0;
	}
}

int
cpu_set_tls(struct lwp *l, unsigned int slot, uint64_t desc)
{
	bool on;

	if (slot >= PCB_NTLS || !tls_ok(desc))
		return EINVAL;
	on = intr_disable();
	l->l_pcb.pcb_tls[slot] = desc;
	if (l == curlwp) {
		segs_save(&l->l_pcb);
		if (desc == 0)
			tls_forget(&l->l_pcb, slot);
		xen_guest->g_switch(curcpu(), l);
	}
	intr_restore(on);
	return 0;
}

uint64_t
cpu_get_tls(const struct lwp *l, unsigned int slot)
{
	return l->l_pcb.pcb_tls[slot];
}

/* ---- tracing ---- */

void
cpu_trace_nostep(struct lwp *l)
{
	if ((l->l_pcb.pcb_flags & PCB_STEP) == 0)
		return;
	l->l_pcb.pcb_flags &= ~(uint32_t)PCB_STEP;
	l->l_tf->tf_rflags &= ~(uint64_t)RFLAGS_TF;
}

/* Without PCB_FPU_USED no switch saves or loads anything of the user's. */
void
cpu_trace_stop(struct lwp *l)
{
	bool on = intr_disable();

	KASSERT(l == curlwp);
	cpu_trace_nostep(l);
	fpu_park(l);
	segs_save(&l->l_pcb);
	intr_restore(on);
}

void
cpu_trace_go(struct lwp *l, bool step)
{
	bool on = intr_disable();

	KASSERT(l == curlwp);
	/* A program that has set the flag itself keeps it. */
	if (step && (l->l_tf->tf_rflags & RFLAGS_TF) == 0) {
		l->l_tf->tf_rflags |= RFLAGS_TF;
		l->l_pcb.pcb_flags |= PCB_STEP;
	}
	fpu_unpark(l);
	xen_guest->g_switch(curcpu(), l);
	intr_restore(on);
}

uintptr_t
cpu_dr_get(const struct lwp *l, unsigned int n)
{
	return n < 8 ? l->l_pcb.pcb_dr[n] : 0;
}

/* Conditions are instruction, write, read or write; those on I/O are not. */
static bool
dr7_ok(uintptr_t dr7, const uintptr_t dr[8])
{
	if ((dr7 & ~0xffff03ffUL) != 0)
		return false;
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int cond = (unsigned int)(dr7 >> (16 + 4 * i)) & 15;

		if ((dr7 >> 2 * i & 3) == 0)
			continue;
		if ((cond & 3) == 2 || ((cond & 3) == 0 && cond != 0) ||
		    dr[i] >= VM_MAX_ADDRESS)
			return false;
	}
	return true;
}

int
cpu_dr_set(struct lwp *l, unsigned int n, uintptr_t val)
{
	uintptr_t *dr = l->l_pcb.pcb_dr;

	switch (n) {
	case 0:
	case 1:
	case 2:
	case 3:
		if (val >= VM_MAX_ADDRESS)
			return EINVAL;
		break;
	case 6:
		break;
	case 7:
		if (!dr7_ok(val, dr))
			return EINVAL;
		/* Only what is on is worth loading. */
		if ((val & 0xff) == 0)
			val = 0;
		break;
	default:
		return EIO;
	}
	dr[n] = val;
	return 0;
}

uintptr_t
cpu_trace_pc(const struct lwp *l)
{
	return l->l_tf->tf_rip;
}

size_t
cpu_fpstate_size(void)
{
	return fpu_state_size();
}

uint64_t
cpu_fpstate_features(void)
{
	return cpu_features.cf_xsave ? cpu_features.cf_xcr0 : 3;
}

void
cpu_fpstate_get(struct lwp *l, void *buf)
{
	fpu_get_state(l, buf);
}

int
cpu_fpstate_set(struct lwp *l, const void *buf, size_t size)
{
	if (buf == NULL) {
		fpu_reset(l);
		return 0;
	}
	return fpu_set_state(l, buf, size);
}

unsigned long
cpu_hwcap(void)
{
	return cpu_features.cf_1_edx;
}
