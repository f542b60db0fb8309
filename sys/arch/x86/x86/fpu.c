/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point and vector registers of user threads.
 *
 * Overview: switching is eager.  The kernel never touches these registers, so
 * they stay in the CPU while a thread is in the kernel, are saved when another
 * thread gets the CPU, and are loaded before the switch to it.  A thread
 * without PCB_FPU_USED (kernel threads) has no state and leaves the previous
 * one in place: md_fpu_lwp says whose it is, and going back to that thread on
 * the same CPU loads nothing.  XSAVEOPT is used where the CPU has it.
 *
 * Locking: an area belongs to its thread; it is changed by the thread itself or
 * while the thread is stopped, and on a switch.
 *
 * Untrusted input: states from signal frames and ptrace are checked in
 * fpu_set_state() so that XRSTOR cannot fault.  A fault would be caught by the
 * exception table; the thread then gets the initial state.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <machine/intr.h>
#include <x86/cpuid.h>
#include <x86/fpu.h>
#include <xen/guest.h>

#define	FCW_DEFAULT	0x37f
#define	MXCSR_DEFAULT	0x1f80
#define	MXCSR_MASK_OLD	0xffbf		/* where the CPU reports none */

#define	XCR0_X87	0x01
#define	XCR0_SSE	0x02
#define	XCR0_AVX	0x04
#define	XCR0_AVX512	0xe0
/* What we switch on: x87, SSE, AVX, AVX-512. */
#define	XCR0_WANTED	(XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

CTASSERT(sizeof(struct fxsave_area) == FXSAVE_SIZE);

static struct kmem_cache *fpu_cache;
static uint32_t fpu_mxcsr_mask = MXCSR_MASK_OLD;
/* The state of a fresh program, as loaded by the CPU. */
static struct {
	struct fxsave_area fx;
	struct xsave_header xh;
} fpu_initial __aligned(64);

static inline struct xsave_header *
header_of(void *area)
{
	return (struct xsave_header *)((char *)area + FXSAVE_SIZE);
}

static void
state_save(void *area)
{
	if (!cpu_features.cf_xsave)
		__asm__ volatile("fxsaveq (%0)" : : "r"(area) : "memory");
	else if (CPU_HAS(cf_d1_eax, CPUID_D1_EAX_XSAVEOPT))
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(-1),
		    "d"(-1) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1),
		    "d"(-1) : "memory");
}

/* True if the CPU took it. */
static bool
state_load(const void *area)
{
	int ok = 1;

	/* The fixup is the next instruction with ok cleared. */
	if (cpu_features.cf_xsave)
		__asm__ volatile(
		    "1: xrstor64 (%1); jmp 3f\n"
		    "2: xorl %0, %0\n"
		    "3:\n"
		    ".pushsection __ex_table, \"a\", @progbits\n"
		    ".balign 8; .quad 1b, 2b\n"
		    ".popsection"
		    : "+r"(ok) : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile(
		    "1: fxrstorq (%1); jmp 3f\n"
		    "2: xorl %0, %0\n"
		    "3:\n"
		    ".pushsection __ex_table, \"a\", @progbits\n"
		    ".balign 8; .quad 1b, 2b\n"
		    ".popsection"
		    : "+r"(ok) : "r"(area) : "memory");
	return ok != 0;
}

static void
state_load_or_reset(struct lwp *l)
{
	if (!state_load(l->l_pcb.pcb_fpu))
		(void)state_load(&fpu_initial);
}

/* Components and size from leaf 0xd; false: no XSAVE. */
static bool
xsave_detect(void)
{
	struct cpu_features *cf = &cpu_features;
	uint32_t r[4];

	if (!CPU_HAS(cf_1_ecx, CPUID_1_ECX_XSAVE) || cf->cf_max_leaf < 0xd)
		return false;
	xen_guest->g_cpuid(0xd, 0, r);
	cf->cf_xcr0 = ((uint64_t)r[3] << 32 | r[0]) & XCR0_WANTED;
	if ((cf->cf_xcr0 & XCR0_AVX512) != XCR0_AVX512 ||
	    (cf->cf_xcr0 & XCR0_AVX) == 0)
		cf->cf_xcr0 &= ~(uint64_t)XCR0_AVX512;
	return (cf->cf_xcr0 & (XCR0_X87 | XCR0_SSE)) == (XCR0_X87 | XCR0_SSE);
}

void
fpu_init_cpu(void)
{
	if (cpu_features.cf_xsave)
		xen_guest->g_xsave_enable(cpu_features.cf_xcr0);
	curcpu()->ci_md.md_fpu_lwp = NULL;
	(void)state_load(&fpu_initial);
}

void
fpu_init(void)
{
	struct cpu_features *cf = &cpu_features;
	static struct fxsave_area fx __aligned(64);
	uint32_t r[4];

	cf->cf_xsave = xsave_detect();
	cf->cf_fpu_size = FXSAVE_SIZE;
	fpu_initial.fx.fx_fcw = FCW_DEFAULT;
	fpu_initial.fx.fx_mxcsr = MXCSR_DEFAULT;
	fpu_init_cpu();
	if (cf->cf_xsave) {
		/* EBX: the size for what is now switched on in XCR0. */
		xen_guest->g_cpuid(0xd, 0, r);
		cf->cf_fpu_size = r[1];
		KASSERT(cf->cf_fpu_size >= sizeof(fpu_initial));
	}
	__asm__ volatile("fxsaveq %0" : "=m"(fx));
	if (fx.fx_mxcsr_mask != 0)
		fpu_mxcsr_mask = fx.fx_mxcsr_mask;
	fpu_cache = kmem_cache_create("fpu", roundup2(cf->cf_fpu_size, 64),
	    64);
	if (fpu_cache == NULL)
		panic("fpu: no memory");
}

int
fpu_alloc(struct lwp *l)
{
	void *area = kmem_cache_alloc(fpu_cache, KM_SLEEP);

	if (area == NULL)
		return ENOMEM;
	memset(area, 0, cpu_features.cf_fpu_size);
	l->l_pcb.pcb_fpu = area;
	l->l_pcb.pcb_fpu_cpu = NULL;
	l->l_pcb.pcb_flags &= ~(uint32_t)PCB_FPU_USED;
	return 0;
}

void
fpu_free(struct lwp *l)
{
	/* A CPU may still hold it: a later owner has another pcb_fpu_cpu. */
	if (l->l_pcb.pcb_fpu != NULL)
		kmem_cache_free(fpu_cache, l->l_pcb.pcb_fpu);
	l->l_pcb.pcb_fpu = NULL;
}

void
fpu_sync(struct lwp *l)
{
	bool on = intr_disable();

	if (l == curlwp && (l->l_pcb.pcb_flags & PCB_FPU_USED) != 0)
		state_save(l->l_pcb.pcb_fpu);
	intr_restore(on);
}

void
fpu_switch(struct lwp *from, struct lwp *to)
{
	struct cpu_info *ci = curcpu();

	if ((from->l_pcb.pcb_flags & PCB_FPU_USED) != 0 &&
	    ci->ci_md.md_fpu_lwp == from)
		state_save(from->l_pcb.pcb_fpu);
	if ((to->l_pcb.pcb_flags & PCB_FPU_USED) == 0)
		return;
	/* Still in the registers, and not changed since on another CPU? */
	if (ci->ci_md.md_fpu_lwp != to || to->l_pcb.pcb_fpu_cpu != ci) {
		state_load_or_reset(to);
		ci->ci_md.md_fpu_lwp = to;
		to->l_pcb.pcb_fpu_cpu = ci;
	}
}

void
fpu_fork(struct lwp *parent, struct lwp *child)
{
	if ((parent->l_pcb.pcb_flags & PCB_FPU_USED) == 0)
		return;
	fpu_sync(parent);
	memcpy(child->l_pcb.pcb_fpu, parent->l_pcb.pcb_fpu,
	    cpu_features.cf_fpu_size);
	child->l_pcb.pcb_flags |= PCB_FPU_USED;
	child->l_pcb.pcb_fpu_cpu = NULL;
}

/* Load what the area of curlwp, or of a stopped thread, now holds. */
static void
fpu_reload(struct lwp *l)
{
	bool on = intr_disable();

	l->l_pcb.pcb_flags |= PCB_FPU_USED;
	if (l == curlwp) {
		state_load_or_reset(l);
		curcpu()->ci_md.md_fpu_lwp = l;
		l->l_pcb.pcb_fpu_cpu = curcpu();
	} else
		l->l_pcb.pcb_fpu_cpu = NULL;
	intr_restore(on);
}

void
fpu_park(struct lwp *l)
{
	if ((l->l_pcb.pcb_flags & PCB_FPU_USED) == 0)
		return;
	state_save(l->l_pcb.pcb_fpu);
	l->l_pcb.pcb_flags &= ~(uint32_t)PCB_FPU_USED;
	l->l_pcb.pcb_flags |= PCB_FPU_PARKED;
}

void
fpu_unpark(struct lwp *l)
{
	if ((l->l_pcb.pcb_flags & PCB_FPU_PARKED) == 0)
		return;
	l->l_pcb.pcb_flags &= ~(uint32_t)PCB_FPU_PARKED;
	fpu_reload(l);
}

void
fpu_reset(struct lwp *l)
{
	bool on = intr_disable();

	/* No save of the old registers may come in between. */
	l->l_pcb.pcb_flags &= ~(uint32_t)PCB_FPU_USED;
	memset(l->l_pcb.pcb_fpu, 0, cpu_features.cf_fpu_size);
	memcpy(l->l_pcb.pcb_fpu, &fpu_initial,
	    MIN(sizeof(fpu_initial), cpu_features.cf_fpu_size));
	fpu_reload(l);
	intr_restore(on);
}

size_t
fpu_state_size(void)
{
	return cpu_features.cf_fpu_size;
}

/* XSAVEOPT leaves out what is in its initial state: fill that in. */
static void
state_complete(struct fxsave_area *fx, const struct xsave_header *xh)
{
	if ((xh->xh_xstate_bv & XCR0_X87) == 0) {
		fx->fx_fcw = FCW_DEFAULT;
		fx->fx_fsw = fx->fx_fop = 0;
		fx->fx_ftw = 0;
		fx->fx_rip = fx->fx_rdp = 0;
		memset(fx->fx_st, 0, sizeof(fx->fx_st));
	}
	if ((xh->xh_xstate_bv & XCR0_SSE) == 0)
		memset(fx->fx_xmm, 0, sizeof(fx->fx_xmm));
}

void
fpu_get_state(struct lwp *l, void *buf)
{
	if ((l->l_pcb.pcb_flags & (PCB_FPU_USED | PCB_FPU_PARKED)) == 0) {
		memset(buf, 0, cpu_features.cf_fpu_size);
		memcpy(buf, &fpu_initial.fx, sizeof(fpu_initial.fx));
		return;
	}
	fpu_sync(l);
	memcpy(buf, l->l_pcb.pcb_fpu, cpu_features.cf_fpu_size);
	if (cpu_features.cf_xsave)
		state_complete(buf, header_of(buf));
}

static int
state_check(const struct fxsave_area *fx, const struct xsave_header *xh)
{
	if ((fx->fx_mxcsr & ~fpu_mxcsr_mask) != 0)
		return EINVAL;
	if (xh == NULL)
		return 0;
	if ((xh->xh_xstate_bv & ~cpu_features.cf_xcr0) != 0 ||
	    xh->xh_xcomp_bv != 0)
		return EINVAL;
	for (unsigned int i = 0; i < __arraycount(xh->xh_reserved); i++) {
		if (xh->xh_reserved[i] != 0)
			return EINVAL;
	}
	return 0;
}

int
fpu_set_state(struct lwp *l, const void *buf, size_t size)
{
	const struct xsave_header *xh = NULL;
	size_t full = cpu_features.cf_fpu_size;
	bool on, parked;

	if (size != FXSAVE_SIZE && size != full)
		return EINVAL;
	if (size > FXSAVE_SIZE)
		xh = (const struct xsave_header *)
		    ((const char *)buf + FXSAVE_SIZE);
	if (state_check(buf, xh) != 0)
		return EINVAL;
	on = intr_disable();
	parked = (l->l_pcb.pcb_flags & PCB_FPU_PARKED) != 0;
	l->l_pcb.pcb_flags &= ~(uint32_t)PCB_FPU_USED;
	memcpy(l->l_pcb.pcb_fpu, buf, size);
	memset((char *)l->l_pcb.pcb_fpu + size, 0, full - size);
	if (cpu_features.cf_xsave && size == FXSAVE_SIZE)
		header_of(l->l_pcb.pcb_fpu)->xh_xstate_bv =
		    XCR0_X87 | XCR0_SSE;
	if (!parked)
		fpu_reload(l);
	intr_restore(on);
	return 0;
}

int
fpu_sigcode(struct lwp *l, bool simd)
{
	const struct fxsave_area *fx = l->l_pcb.pcb_fpu;
	unsigned int raised, masked;

	fpu_sync(l);
	if (simd) {
		raised = fx->fx_mxcsr & 0x3f;
		masked = fx->fx_mxcsr >> 7 & 0x3f;
	} else {
		raised = fx->fx_fsw & 0x3f;
		masked = fx->fx_fcw & 0x3f;
	}
	raised &= ~masked;
	if (raised & 0x01)
		return FPE_FLTINV;
	if (raised & 0x04)
		return FPE_FLTDIV;
	if (raised & 0x08)
		return FPE_FLTOVF;
	if (raised & 0x12)
		return FPE_FLTUND;	/* underflow, denormal operand */
	if (raised & 0x20)
		return FPE_FLTRES;
	return 0;
}
