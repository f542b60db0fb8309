/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU is and can do.
 */
#ifndef _X86_CPUID_H_
#define	_X86_CPUID_H_

#include <sys/types.h>

enum cpu_vendor {
	CPUV_UNKNOWN, CPUV_INTEL, CPUV_AMD, CPUV_HYGON, CPUV_ZHAOXIN
};

/*
 * [I] after cpu_md_init(); of the boot CPU: Xen gives all vCPUs the same.
 * cf_std and so on are the registers of the feature leaves, for /proc/cpuinfo
 * and AT_HWCAP.
 */
struct cpu_features {
	enum cpu_vendor	cf_vendor;
	char		cf_vendor_name[13];
	char		cf_brand[49];
	unsigned int	cf_family, cf_model, cf_stepping;
	uint32_t	cf_max_leaf, cf_max_ext;
	uint32_t	cf_1_edx, cf_1_ecx;		/* leaf 1 */
	uint32_t	cf_7_ebx, cf_7_ecx, cf_7_edx;	/* leaf 7.0 */
	uint32_t	cf_d1_eax;			/* leaf 0xd.1 */
	uint32_t	cf_80000001_edx, cf_80000001_ecx;
	uint32_t	cf_80000007_edx, cf_80000008_ebx;
	unsigned int	cf_phys_bits, cf_virt_bits;
	unsigned int	cf_clflush;		/* bytes */
	/* FPU state */
	bool		cf_xsave;
	uint64_t	cf_xcr0;		/* components switched on */
	size_t		cf_fpu_size;		/* bytes of an area for them */
};
extern struct cpu_features cpu_features;

/* Bits: name of the register's member, then the bit. */
#define	CPU_HAS(member, bit)	((cpu_features.member >> (bit) & 1) != 0)
#define	CPUID_1_EDX_FXSR	24
#define	CPUID_1_ECX_XSAVE	26
#define	CPUID_1_ECX_RDRAND	30
#define	CPUID_7_EBX_SMEP	7
#define	CPUID_7_EBX_RDSEED	18
#define	CPUID_7_EBX_SMAP	20
#define	CPUID_7_ECX_UMIP	2
#define	CPUID_D1_EAX_XSAVEOPT	0
#define	CPUID_80000001_EDX_NX	20

/* Fill cpu_features; boot CPU, once. */
void	cpuid_init(void);

static inline void
x86_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]),
	    "=d"(r[3]) : "a"(leaf), "c"(subleaf));
}

#endif /* !_X86_CPUID_H_ */
