/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What CPUID says, gathered once.
 *
 * Overview: the guest type decides how the instruction is executed: a PV kernel
 * has to ask for the hypervisor's answer, since the hardware's would show
 * features that Xen does not give to the domain.
 */
#include <sys/libkern.h>
#include <sys/systm.h>
#include <machine/cpu.h>
#include <x86/cpuid.h>
#include <xen/guest.h>

struct cpu_features cpu_features;

#define	RAND_TRIES	10

static void
vendor_init(struct cpu_features *cf)
{
	static const struct {
		char name[13];
		enum cpu_vendor vendor;
	} vendors[] = {
		{ "GenuineIntel", CPUV_INTEL },
		{ "AuthenticAMD", CPUV_AMD },
		{ "HygonGenuine", CPUV_HYGON },
		{ "CentaurHauls", CPUV_ZHAOXIN },
		{ "  Shanghai  ", CPUV_ZHAOXIN },
	};
	uint32_t r[4];

	xen_guest->g_cpuid(0, 0, r);
	cf->cf_max_leaf = r[0];
	memcpy(cf->cf_vendor_name, &r[1], 4);
	memcpy(cf->cf_vendor_name + 4, &r[3], 4);
	memcpy(cf->cf_vendor_name + 8, &r[2], 4);
	for (unsigned int i = 0; i < __arraycount(vendors); i++) {
		if (strcmp(cf->cf_vendor_name, vendors[i].name) == 0)
			cf->cf_vendor = vendors[i].vendor;
	}
}

static void
family_init(struct cpu_features *cf, uint32_t sig)
{
	cf->cf_stepping = sig & 0xf;
	cf->cf_model = sig >> 4 & 0xf;
	cf->cf_family = sig >> 8 & 0xf;
	if (cf->cf_family == 6 || cf->cf_family == 15)
		cf->cf_model |= sig >> 12 & 0xf0;
	if (cf->cf_family == 15)
		cf->cf_family += sig >> 20 & 0xff;
}

static void
extended_init(struct cpu_features *cf)
{
	uint32_t r[4];

	xen_guest->g_cpuid(0x80000000, 0, r);
	cf->cf_max_ext = r[0] >= 0x80000000 && r[0] < 0x80010000 ? r[0] : 0;
	if (cf->cf_max_ext >= 0x80000001) {
		xen_guest->g_cpuid(0x80000001, 0, r);
		cf->cf_80000001_ecx = r[2];
		cf->cf_80000001_edx = r[3];
	}
	if (cf->cf_max_ext >= 0x80000004) {
		for (uint32_t i = 0; i < 3; i++) {
			xen_guest->g_cpuid(0x80000002 + i, 0, r);
			memcpy(cf->cf_brand + 16 * i, r, 16);
		}
	}
	if (cf->cf_max_ext >= 0x80000007) {
		xen_guest->g_cpuid(0x80000007, 0, r);
		cf->cf_80000007_edx = r[3];
	}
	cf->cf_phys_bits = 36;
	cf->cf_virt_bits = 48;
	if (cf->cf_max_ext >= 0x80000008) {
		xen_guest->g_cpuid(0x80000008, 0, r);
		cf->cf_phys_bits = r[0] & 0xff;
		cf->cf_virt_bits = r[0] >> 8 & 0xff;
		cf->cf_80000008_ebx = r[1];
	}
}

void
cpuid_init(void)
{
	struct cpu_features *cf = &cpu_features;
	uint32_t r[4];

	vendor_init(cf);
	xen_guest->g_cpuid(1, 0, r);
	family_init(cf, r[0]);
	cf->cf_clflush = (r[1] >> 8 & 0xff) * 8;
	cf->cf_1_ecx = r[2];
	cf->cf_1_edx = r[3];
	if (cf->cf_max_leaf >= 7) {
		xen_guest->g_cpuid(7, 0, r);
		cf->cf_7_ebx = r[1];
		cf->cf_7_ecx = r[2];
		cf->cf_7_edx = r[3];
	}
	if (cf->cf_max_leaf >= 0xd) {
		xen_guest->g_cpuid(0xd, 1, r);
		cf->cf_d1_eax = r[0];
	}
	extended_init(cf);
}

bool
cpu_rdseed(uint64_t *val)
{
	bool ok = false;

	if (!CPU_HAS(cf_7_ebx, CPUID_7_EBX_RDSEED))
		return false;
	for (int i = 0; i < RAND_TRIES && !ok; i++)
		__asm__ volatile("rdseed %0" : "=r"(*val), "=@ccc"(ok));
	return ok;
}

bool
cpu_rdrand(uint64_t *val)
{
	bool ok = false;

	if (!CPU_HAS(cf_1_ecx, CPUID_1_ECX_RDRAND))
		return false;
	for (int i = 0; i < RAND_TRIES && !ok; i++)
		__asm__ volatile("rdrand %0" : "=r"(*val), "=@ccc"(ok));
	return ok;
}
