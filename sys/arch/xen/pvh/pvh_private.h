/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the entry side of a PVH guest shares: pvh_start, pvh_guest, pvh_cpu and
 * pvh_traps.
 */
#ifndef _PVH_PRIVATE_H_
#define	_PVH_PRIVATE_H_

#define	PVH_VECTOR_EVENT	0xf3	/* event upcalls */

#define	MSR_EFER		0xc0000080
#define	EFER_SCE		0x001
#define	EFER_LME		0x100
#define	EFER_NXE		0x800
#define	MSR_STAR		0xc0000081
#define	MSR_LSTAR		0xc0000082
#define	MSR_CSTAR		0xc0000083
#define	MSR_SFMASK		0xc0000084
#define	MSR_FSBASE		0xc0000100
#define	MSR_GSBASE		0xc0000101
#define	MSR_KERNELGSBASE	0xc0000102

#define	CR0_PE			0x00000001
#define	CR0_MP			0x00000002
#define	CR0_ET			0x00000010
#define	CR0_NE			0x00000020
#define	CR0_WP			0x00010000
#define	CR0_AM			0x00040000
#define	CR0_PG			0x80000000
#define	CR0_KERNEL		(CR0_PE | CR0_MP | CR0_ET | CR0_NE |	\
				    CR0_WP | CR0_AM | CR0_PG)
#define	CR4_PAE			0x00000020
#define	CR4_PGE			0x00000080
#define	CR4_OSFXSR		0x00000200
#define	CR4_OSXMMEXCPT		0x00000400
#define	CR4_UMIP		0x00000800
#define	CR4_OSXSAVE		0x00040000
#define	CR4_SMEP		0x00100000
#define	CR4_SMAP		0x00200000
/* What every amd64 CPU has; the rest is added when CPUID says so. */
#define	CR4_KERNEL		(CR4_PAE | CR4_PGE | CR4_OSFXSR | \
				 CR4_OSXMMEXCPT)

#ifndef __ASSEMBLER__
#include <sys/types.h>

struct cpu_info;
struct lwp;
struct trapframe;
struct xen_guest;

extern const struct xen_guest pvh_guest;

/* pvh_traps.S */
extern const unsigned long pvh_trap_entries[20];
void	pvh_event(void);
void	pvh_int80(void);
void	pvh_spurious(void);
void	pvh_syscall(void);
void	pvh_syscall32(void);
void	pvh_user_return(void);

/* pvh_cpu.c */
void	pvh_cpu_early(struct cpu_info *);	/* boot CPU, first thing */
int	pvh_callback_register(void);
void	pvh_cpu_init(struct cpu_info *);
int	pvh_cpu_initialise(struct cpu_info *);
void	pvh_switch(struct cpu_info *, struct lwp *);
uintptr_t pvh_debug_status(void);
void	pvh_debug_load(const uintptr_t dr[8]);
extern unsigned long pvh_cr4;			/* [I] of all CPUs */

/* The start info, a copy of what matters after boot. */
extern uint32_t pvh_start_flags;

/* pvh_intr.c: boot, while the text can be written, before any lock is used. */
void	pvh_intr_patch(void);

void	pvh_boot(paddr_t start_info) __dead;

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
wrmsr(uint32_t msr, uint64_t val)
{
	__asm__ volatile("wrmsr" : : "a"((uint32_t)val),
	    "d"((uint32_t)(val >> 32)), "c"(msr) : "memory");
}
#endif /* !__ASSEMBLER__ */

#endif /* !_PVH_PRIVATE_H_ */
