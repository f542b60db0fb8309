/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a personality may ask of the CPU for the current thread: segment bases,
 * FPU state, features.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <machine/intr.h>
#include <machine/pmap.h>
#include <x86/cpuid.h>
#include <x86/fpu.h>
#include <xen/guest.h>

int
cpu_set_base(struct lwp *l, int which, uintptr_t base)
{
	bool on;

	if (base >= VM_MAX_ADDRESS)
		return EPERM;
	on = intr_disable();
	if (which == 0)
		l->l_pcb.pcb_fsbase = base;
	else
		l->l_pcb.pcb_gsbase = base;
	if (l == curlwp)
		xen_guest->g_set_base(which, base);
	intr_restore(on);
	return 0;
}

uintptr_t
cpu_get_base(struct lwp *l, int which)
{
	return which == 0 ? l->l_pcb.pcb_fsbase : l->l_pcb.pcb_gsbase;
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
