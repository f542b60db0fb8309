/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64: the CPU's own part of struct cpu_info, and how to find it.
 *
 * %gs points to the cpu_info while in the kernel, for both guest types
 * (PV: the hypervisor swaps GS on entry; PVH: swapgs).  Offsets that assembly
 * uses are in <machine/asm_offsets.h>, checked by assertions in C.
 */
#ifndef _MACHINE_CPU_H_
#define	_MACHINE_CPU_H_

#include <sys/types.h>

struct cpu_info;
struct lwp;
struct vcpu_info;
struct pmap;

struct cpu_md {
	/*
	 * The words shared with Xen lie in here, so that one instruction
	 * relative to %gs reaches those of the CPU it runs on.  64-byte
	 * aligned: allocate a cpu_info accordingly.
	 */
	unsigned char	md_shared[64] __aligned(64);	/* [s] vcpu_info */
	uintptr_t	md_kstack;	/* top of the kernel stack: PVH */
	uintptr_t	md_scratch;	/* user %rsp during PVH syscall entry */
	struct vcpu_info *md_vcpu;	/* [I] md_shared: events, time */
	struct pmap	*md_pmap;	/* pmap now loaded */
	void		*md_gdt;	/* [I] this CPU's GDT page */
	void		*md_tss;	/* [I] PVH */
	struct lwp	*md_fpu_lwp;	/* whose FPU state the CPU holds */
	struct vcpu_time_info *md_time;	/* [s] */
	void		*md_xen;	/* sys/arch/xen's own per-CPU state */
	void		*md_mmuq;	/* pv: queued MMU updates */
	volatile bool	md_stop;	/* [a] asked to stop */
	volatile bool	md_stopped;	/* [a] is in the stop loop */
	volatile uint32_t md_ipi_pending; /* [a] */
	bool		md_started;	/* [a] vCPU has been up once */
	volatile bool	md_wanted;	/* [a] may leave cpu_dead() */
	uintptr_t	md_fsbase, md_gsbase;	/* PV: as they were loaded */
	uintptr_t	md_dr7;		/* 0: no debug registers are loaded */
	uint64_t	md_tls[3];	/* what is in the GDT's TLS entries */
};

#define	curcpu()	({						\
	struct cpu_info *__ci;						\
	__asm__ volatile("movq %%gs:0, %0" : "=r"(__ci));		\
	__ci; })
#define	curlwp		({						\
	struct lwp *__l;						\
	__asm__ volatile("movq %%gs:8, %0" : "=r"(__l));		\
	__l; })
/*
 * Add 1 to or take 1 from an unsigned int of this CPU's cpu_info in a single
 * instruction, so that no preemption can come in between.
 */
#define	cpu_inc(field)							\
	__asm__ volatile("incl %%gs:%c0" : :				\
	    "i"(__offsetof(struct cpu_info, field)) : "memory", "cc")
#define	cpu_dec(field)							\
	__asm__ volatile("decl %%gs:%c0" : :				\
	    "i"(__offsetof(struct cpu_info, field)) : "memory", "cc")
/*
 * Boot: CPUID, FPU, this CPU's descriptor tables.  Thread context on the boot
 * stack, once the kernel's allocators work; before any user thread.
 */
void	cpu_md_init(void);
/* Where threads leave for user mode (assembly, %rsp = trapframe). [I] */
extern void (*cpu_user_return)(void);
/* Random words from the CPU; false: it has none, or none now. cpuid.c */
bool	cpu_rdseed(uint64_t *);
bool	cpu_rdrand(uint64_t *);
/* Everything before is done, instructions are fetched anew. */
#define	cpu_serialize()	do {						\
	uint32_t a_ = 0, c_ = 0;					\
	__asm__ volatile("cpuid" : "+a"(a_), "+c"(c_) : : "ebx", "edx",	\
	    "memory");							\
} while (0)
#define	cpu_relax()	__asm__ volatile("pause" ::: "memory")

/* -- what the personality needs of the CPU (amd64/cpu_user.c) -- */

/* User FS (which 0) or GS (1) base; EPERM: no user address. */
int	cpu_set_base(struct lwp *, int which, uintptr_t base);
uintptr_t cpu_get_base(const struct lwp *, int which);
/*
 * The current thread is to run a 32-bit program: selectors, mode.  After
 * cpu_exec_reset().
 */
void	cpu_set_compat32(void);
bool	cpu_is_compat32(const struct lwp *);
/*
 * DS, ES, FS, GS of the current thread, in those members of a pcb.  set: what
 * the CPU refuses becomes null.
 */
struct pcb;
void	cpu_get_selectors(struct pcb *);
void	cpu_set_selectors(struct lwp *, const struct pcb *);
/*
 * GDT entries of a thread's own, for the TLS of 32-bit programs: first index,
 * number, descriptor of slot n.  EINVAL: not one for a data segment.
 */
#define	CPU_TLS_FIRST	12
#define	CPU_TLS_COUNT	3
int	cpu_set_tls(struct lwp *, unsigned int slot, uint64_t desc);
uint64_t cpu_get_tls(const struct lwp *, unsigned int slot);
/* What CLONE_SETTLS means to a 32-bit thread: cpu_lwp_fork()'s tls. */
struct cpu_tls {
	unsigned int	ct_slot;
	uint64_t	ct_desc;
};
/*
 * Tracing, for the current thread.  stop: its state goes to its pcb and may be
 * changed there by others; go: it is loaded again, to run on or for one
 * instruction.  nostep: it is not to stop after the next one after all.  May
 * be called with spin locks held.
 */
void	cpu_trace_stop(struct lwp *);
void	cpu_trace_go(struct lwp *, bool step);
void	cpu_trace_nostep(struct lwp *);
uintptr_t cpu_trace_pc(const struct lwp *);
/*
 * Debug registers of a thread that is stopped for a tracer.  EIO: there is
 * no such register; EINVAL: not for programs.
 */
uintptr_t cpu_dr_get(const struct lwp *, unsigned int n);
int	cpu_dr_set(struct lwp *, unsigned int n, uintptr_t);
/*
 * FPU state of a thread as it is in signal frames: FXSAVE layout, then, when
 * the size is more than 512, XSAVE's header and the components whose bits
 * cpu_fpstate_features() has.  set: EINVAL if the CPU would refuse it; NULL
 * gives the state of a fresh program.
 */
size_t	cpu_fpstate_size(void);
uint64_t cpu_fpstate_features(void);
void	cpu_fpstate_get(struct lwp *, void *buf);
int	cpu_fpstate_set(struct lwp *, const void *buf, size_t size);
/* AT_HWCAP. */
unsigned long cpu_hwcap(void);

#endif /* !_MACHINE_CPU_H_ */
