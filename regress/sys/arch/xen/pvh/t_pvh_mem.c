/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PVH domain whose memory map shows more than it owns: what is too much
 * comes later, and Xen is told, whatever part of that it does.
 */
/* sources: sys/arch/xen/pvh/pvh_mem.c sys/arch/xen/xen/hypercall.c
 * sys/arch/xen/xen/evtchn.c sys/arch/x86/x86/physmem.c
 * regress/sys/arch/xen/xen/fake_xen.c */
/* variants: gcc64 clang64 */
#include <sys/errno.h>
#include <sys/physmem.h>
#include <sys/systm.h>
#include <machine/pmap.h>
#include <xen/pvh.h>

#include <ktest.h>

#include "../xen/fake_xen.h"

#define	MAP	12000U		/* frames by the map, from 0 on */
#define	MODULE	11000U		/* one frame that is in use */

struct pmap pmap_kernel_store;

vaddr_t pmap_xenmap_alloc(void) { return 0; }
void pmap_xenmap_free(vaddr_t va __unused) { }

bool
pmap_extract(struct pmap *pm __unused, vaddr_t va __unused,
    paddr_t *pa __unused, vm_prot_t *prot __unused)
{
	return false;
}

int
pmap_kset(vaddr_t va __unused, const paddr_t *pas __unused,
    paddr_t pa __unused, unsigned int n __unused, uint64_t flags __unused)
{
	return ENOMEM;
}

/* The map promises more than there is: Xen would populate on demand. */
static void
setup(size_t owned)
{
	memset(&physmem, 0, sizeof(physmem));
	memset(fake_owned, 0, sizeof(fake_owned));
	memset(fake_owned, 1, MAP);
	physmem_add_ram(0, MAP);
	physmem_reserve(0, 600);
	physmem_reserve(MODULE, MODULE + 1);
	fake_tot_pages = owned;
	fake_mem_calls = 0;
}

/* Frames that Xen knows and that are not RAM. */
static size_t
unclaimed(void)
{
	size_t i, n = 0, ram = physmem_ram_pages();

	for (i = 0; i < MAP; i++)
		n += fake_owned[i];
	CHECK(n >= ram);
	for (i = 0; i < physmem.pm_nram; i++)
		for (uintptr_t p = physmem.pm_ram[i].pr_start;
		    p < physmem.pm_ram[i].pr_end; p++)
			CHECK(fake_owned[p]);
	return n - ram;
}

TEST(all_there_or_unknown_changes_nothing)
{
	setup(MAP + 11);
	pvh_surplus_init();
	CHECK_EQ(physmem_ram_pages(), MAP);
	setup(MAP);
	pvh_surplus_init();
	CHECK_EQ(physmem_ram_pages(), MAP);
	setup(20);			/* no sense in that */
	pvh_surplus_init();
	CHECK_EQ(physmem_ram_pages(), MAP);
	setup(3000);
	fake_fail = EPERM;
	pvh_surplus_init();
	fake_fail = 0;
	CHECK_EQ(physmem_ram_pages(), MAP);
	CHECK_EQ(fake_mem_calls, 0);
}

TEST(the_surplus_comes_later)
{
	size_t owned;

	for (owned = 1000; owned < MAP; owned += 997) {
		setup(owned);
		pvh_surplus_init();
		CHECK(physmem_ram_pages() < owned);
		CHECK(physmem_ram_pages() + 256 > owned);
		CHECK_EQ(unclaimed(), 0);
		CHECK(fake_owned[MODULE]);
		/* In large blocks, not page by page. */
		CHECK(fake_mem_calls < 40);
	}
}

static bool
refuse_some(unsigned int cmd, unsigned long pfn)
{
	CHECK_EQ(cmd, XENMEM_decrease_reservation);
	return pfn % 1024 != 0;
}

TEST(xen_does_a_part)
{
	setup(3000);
	fake_max_order = 8;		/* no large blocks */
	pvh_surplus_init();
	CHECK_EQ(unclaimed(), 0);

	setup(3000);
	fake_max_order = 9;
	fake_mem_hook = refuse_some;	/* some frames never */
	pvh_surplus_init();
	CHECK_EQ(unclaimed(), 9);

	setup(3000);
	fake_mem_hook = NULL;
	fake_mem_budget = 7;
	pvh_surplus_init();
	CHECK(physmem_ram_pages() < 3000);
	CHECK(unclaimed() > 0);
}
