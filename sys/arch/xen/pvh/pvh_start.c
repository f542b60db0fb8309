/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first C code of a PVH guest: from hvm_start_info to main().
 *
 * Overview: everything of the start information is copied before the page
 * allocator can reuse its memory; only the first module, the initramfs, stays
 * and is entered as reserved, like the kernel image.
 *
 * Untrusted input: the start information comes from the domain builder or a
 * boot loader.  Addresses outside the 4 GiB that are mapped here are ignored.
 */
#include <sys/boot.h>
#include <sys/cpu.h>
#include <sys/physmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <x86/cpuid.h>
#include <x86/pmap_backend.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>
#include <xen/public/arch-x86/cpuid.h>
#include <xen/public/arch-x86/hvm/start_info.h>
#include <xen/pvh.h>
#include <xen/xencons_early.h>

#include "pvh_private.h"

void	main(void);
void	hypercall_vmcall(void);
void	hypercall_vmmcall(void);

#define	BOOT_MAPPED	(1ULL << 32)	/* bytes mapped by pvh_start.S */
#define	MEMMAP_MAX	128

/* Memory of the boot loader's, or NULL. */
static const void *
boot_ptr(uint64_t pa, uint64_t size)
{
	if (pa == 0 || pa >= BOOT_MAPPED || size > BOOT_MAPPED - pa)
		return NULL;
	return (const void *)PMAP_DIRECT_MAP(pa);
}

/* ---- the hypervisor ---- */

static bool
on_xen(void)
{
	uint32_t r[4];

	for (uint32_t leaf = XEN_CPUID_FIRST_LEAF;
	    leaf < XEN_CPUID_FIRST_LEAF + 0x10000; leaf += 0x100) {
		x86_cpuid(leaf, 0, r);
		if (r[1] == XEN_CPUID_SIGNATURE_EBX &&
		    r[2] == XEN_CPUID_SIGNATURE_ECX &&
		    r[3] == XEN_CPUID_SIGNATURE_EDX)
			return true;
	}
	return false;
}

static void
hypercall_init(void)
{
	uint32_t r[4];

	if (!on_xen()) {
		for (;;)
			__asm__ volatile("cli; hlt");
	}
	x86_cpuid(0, 0, r);
	/* AuthenticAMD and HygonGenuine have VMMCALL. */
	if ((r[1] == 0x68747541 && r[2] == 0x444d4163) ||
	    (r[1] == 0x6f677948 && r[2] == 0x656e6975))
		xen_hypercall_entry = hypercall_vmmcall;
	else
		xen_hypercall_entry = hypercall_vmcall;
}

static void
early_console(void)
{
	uint64_t pfn, port;

	if (hypercall_hvm_get_param(HVM_PARAM_CONSOLE_PFN, &pfn) != 0 ||
	    hypercall_hvm_get_param(HVM_PARAM_CONSOLE_EVTCHN, &port) != 0 ||
	    pfn == 0 || port == 0 || pfn >= atop(BOOT_MAPPED))
		xencons_early_attach(NULL, EVTCHN_INVALID);
	else
		xencons_early_attach((void *)PMAP_DIRECT_MAP(ptoa(pfn)),
		    MKEVTCHN((uint32_t)port));
}

/* ---- CPU protections ---- */

extern unsigned char *__start_smap_stac_sites[], *__stop_smap_stac_sites[];
extern unsigned char *__start_smap_clac_sites[], *__stop_smap_clac_sites[];

static void
patch_sites(unsigned char **from, unsigned char **to, unsigned char last)
{
	const unsigned char insn[3] = { 0x0f, 0x01, last };

	for (; from < to; from++)
		memcpy(*from, insn, sizeof(insn));
}

/*
 * Keep the kernel from executing (SMEP) and, outside the user copies, from
 * reaching (SMAP) user memory; keep programs from reading the tables (UMIP).
 */
static void
protection_init(void)
{
	uint32_t r[4];

	pvh_cr4 = CR4_KERNEL;
	x86_cpuid(0, 0, r);
	if (r[0] >= 7) {
		x86_cpuid(7, 0, r);
		if (r[1] >> CPUID_7_EBX_SMEP & 1)
			pvh_cr4 |= CR4_SMEP;
		if (r[2] >> CPUID_7_ECX_UMIP & 1)
			pvh_cr4 |= CR4_UMIP;
		if (r[1] >> CPUID_7_EBX_SMAP & 1) {
			pvh_cr4 |= CR4_SMAP;
			patch_sites(__start_smap_stac_sites,
			    __stop_smap_stac_sites, 0xcb);
			patch_sites(__start_smap_clac_sites,
			    __stop_smap_clac_sites, 0xca);
		}
	}
	__asm__ volatile("movq %0, %%cr4" : : "r"(pvh_cr4) : "memory");
}

/* ---- memory ---- */

static void
add_ram(uint64_t addr, uint64_t size)
{
	if (size != 0 && addr + size > addr)
		physmem_add_ram(atop(round_page(addr)), atop(addr + size));
}

/* The memory map by hypercall: version 0 of the start info has none. */
static void
memory_map_ask(void)
{
	static struct {
		uint64_t addr, size;
		uint32_t type;
	} __packed map[MEMMAP_MAX];
	struct xen_memory_map op = { .nr_entries = MEMMAP_MAX };

	set_xen_guest_handle(op.buffer, map);
	if (hypercall_memory_op(XENMEM_memory_map, &op, NULL) != 0)
		panic("pvh: no memory map");
	for (unsigned int i = 0; i < op.nr_entries && i < MEMMAP_MAX; i++) {
		if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
			add_ram(map[i].addr, map[i].size);
	}
}

static void
memory_init(const struct hvm_start_info *si)
{
	const struct hvm_memmap_table_entry *map = NULL;
	uint32_t n = 0;

	if (si->version >= 1 && si->memmap_entries != 0) {
		n = MIN(si->memmap_entries, MEMMAP_MAX);
		map = boot_ptr(si->memmap_paddr, n * sizeof(*map));
	}
	if (map == NULL)
		memory_map_ask();
	for (uint32_t i = 0; map != NULL && i < n; i++) {
		if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
			add_ram(map[i].addr, map[i].size);
	}
	/* A frame number of 0 shall mean "none". */
	physmem_reserve(0, 1);
	physmem_reserve(atop((uintptr_t)__kernel_start - KERNBASE),
	    atop(round_page((uintptr_t)__kernel_end - KERNBASE)));
}

static void
module_init(const struct hvm_start_info *si)
{
	const struct hvm_modlist_entry *mod;
	const char *line;

	line = boot_ptr(si->cmdline_paddr, 1);
	if (line != NULL)
		strlcpy(bootinfo.bi_cmdline, line,
		    MIN(sizeof(bootinfo.bi_cmdline),
		    BOOT_MAPPED - si->cmdline_paddr));
	if (si->nr_modules == 0)
		return;
	mod = boot_ptr(si->modlist_paddr, sizeof(*mod));
	if (mod == NULL || mod->size == 0)
		return;
	if (mod->paddr >= ptoa(physmem.pm_max_pfn) ||
	    mod->size > ptoa(physmem.pm_max_pfn) - mod->paddr) {
		printf("boot: module outside memory ignored\n");
		return;
	}
	bootinfo.bi_module = mod->paddr;
	bootinfo.bi_module_len = mod->size;
	physmem_reserve(atop(mod->paddr),
	    atop(round_page(mod->paddr + mod->size)));
}

void
pvh_boot(paddr_t start_info)
{
	struct cpu_info *ci = &cpu_info_primary;
	const struct hvm_start_info *si;
	evtchn_t port;
	void *ring;

	ci->ci_self = ci;
	ci->ci_curlwp = &lwp0;
	xen_guest = &pvh_guest;
	cpu_user_return = pvh_user_return;
	wrmsr(MSR_GSBASE, (uintptr_t)ci);
	pvh_intr_patch();
	hypercall_init();
	cpu_md_early();
	pvh_cpu_early(ci);
	early_console();
	protection_init();
	if (xen_cpu_info_at(ci,
	    MKMFN(atop((uintptr_t)ci->ci_md.md_shared - KERNBASE))) != 0 ||
	    pvh_callback_register() != 0)
		panic("pvh: no event upcalls");
	si = boot_ptr(start_info, sizeof(*si));
	if (si == NULL || si->magic != XEN_HVM_START_MAGIC_VALUE)
		panic("pvh: no start info");
	pvh_start_flags = si->flags;
	memory_init(si);
	module_init(si);
	pvh_surplus_init();
	pmap_bootstrap();
	if (xen_guest->g_console(&port, &ring) == 0)
		xencons_early_attach(ring, port);
	xen_shared_info = xen_guest->g_map_shared_info();
	main();
	panic("main returned");
}
