/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/cpuinfo: the CPU in Linux's words, which programs and people parse.
 */
#include <sys/cpu.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/clock.h>
#include <x86/cpuid.h>

typedef void out_fn(void *, const char *, size_t);

/* Flag names by register and bit; NULL: Linux shows none. */
static const char *const flags_1_edx[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic",
	NULL, "sep", "mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn",
	"clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss",
	"ht", "tm", "ia64", "pbe"
};
static const char *const flags_1_ecx[32] = {
	"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est",
	"tm2", "ssse3", "cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", NULL,
	"pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
	"tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c", "rdrand",
	"hypervisor"
};
static const char *const flags_80000001_edx[32] = {
	[11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt",
	[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm"
};
static const char *const flags_80000001_ecx[32] = {
	[0] = "lahf_lm", [1] = "cmp_legacy", [2] = "svm", [3] = "extapic",
	[4] = "cr8_legacy", [5] = "abm", [6] = "sse4a", [7] = "misalignsse",
	[8] = "3dnowprefetch", [9] = "osvw", [11] = "xop", [16] = "fma4"
};
static const char *const flags_7_ebx[32] = {
	[0] = "fsgsbase", [3] = "bmi1", [5] = "avx2", [7] = "smep",
	[8] = "bmi2", [9] = "erms", [10] = "invpcid", [16] = "avx512f",
	[17] = "avx512dq", [18] = "rdseed", [19] = "adx", [20] = "smap",
	[23] = "clflushopt", [24] = "clwb", [29] = "sha_ni",
	[30] = "avx512bw", [31] = "avx512vl"
};

static void
show_flags(out_fn *out, void *ctx, uint32_t reg, const char *const names[32])
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		if ((reg >> i & 1) != 0 && names[i] != NULL) {
			out(ctx, " ", 1);
			out(ctx, names[i], strlen(names[i]));
		}
}

void
cpu_describe(struct cpu_info *ci, out_fn *out, void *ctx)
{
	const struct cpu_features *f = &cpu_features;
	unsigned int khz = clock_tsc_khz();
	char buf[512];
	int n;

	n = snprintf(buf, sizeof(buf), "processor\t: %u\nvendor_id\t: %s\n"
	    "cpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
	    "stepping\t: %u\ncpu MHz\t\t: %u.%03u\nphysical id\t: 0\n"
	    "siblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\nfpu\t\t: yes\n"
	    "fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
	    ci->ci_index, f->cf_vendor_name, f->cf_family, f->cf_model,
	    f->cf_brand, f->cf_stepping, khz / 1000, khz % 1000, ncpu,
	    ci->ci_index, ncpu, f->cf_max_leaf);
	out(ctx, buf, (size_t)n);
	show_flags(out, ctx, f->cf_1_edx, flags_1_edx);
	show_flags(out, ctx, f->cf_80000001_edx, flags_80000001_edx);
	show_flags(out, ctx, f->cf_1_ecx, flags_1_ecx);
	show_flags(out, ctx, f->cf_80000001_ecx, flags_80000001_ecx);
	show_flags(out, ctx, f->cf_7_ebx, flags_7_ebx);
	n = snprintf(buf, sizeof(buf), "\nbogomips\t: %u.%02u\n"
	    "clflush size\t: %u\ncache_alignment\t: %u\n"
	    "address sizes\t: %u bits physical, %u bits virtual\n\n",
	    khz / 500, khz / 5 % 100, f->cf_clflush, f->cf_clflush,
	    f->cf_phys_bits, f->cf_virt_bits);
	out(ctx, buf, (size_t)n);
}
