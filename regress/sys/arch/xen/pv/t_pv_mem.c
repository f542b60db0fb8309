/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ballooning of a PV guest against a Xen that does only a part of what it is
 * asked for: list, direct map and Xen always agree, whatever the part is.
 */
/* cflags: -DFAKE_PMAP */
/* variants: gcc64 clang64 */
#include <machine/pmap.h>

#undef P2M_BASE
#define	P2M_BASE	((vaddr_t)fake_p2m)
static unsigned long fake_p2m[256];

#include "../../../../../sys/arch/xen/pv/pv_mem.c"

#include <ktest.h>

#define	FRAMES		200
#define	MFN_OF(pfn)	(0x1000UL + (pfn))

char *fake_memory, *fake_kva;
void *fake_vm_pages;
uintptr_t p2m_size = FRAMES, m2p_size;
struct pmap pmap_kernel_store = {
	.pm_lock = SPINLOCK_INITIALIZER("pmap_kernel"),
};

static uint64_t dmap[FRAMES];		/* direct-map entries */
static bool owned[FRAMES];
static unsigned int budget;		/* extents Xen will still do */
static bool refuse;

/* -- what pv_mem.c calls -- */

uint64_t *
pmap_pte(struct pmap *pm __unused, vaddr_t va)
{
	return &dmap[PMAP_DIRECT_UNMAP(va) >> PAGE_SHIFT];
}

void
pv_update(struct pmap *pm, enum pte_op op, struct pte_update *pu,
    unsigned int n, const struct pte_flush *pf)
{
	unsigned int i;
	uintptr_t pfn;

	CHECK(spin_owned(&pm->pm_lock) && op == PTE_OP_SET);
	for (i = 0; i < n; i++) {
		pfn = (uintptr_t)(pu[i].pu_slot - dmap);
		/* A mapping needs memory; taking one away needs a flush. */
		if (pu[i].pu_val != 0) {
			CHECK_EQ(fake_p2m[pfn], MFN_OF(pfn));
			CHECK(owned[pfn]);
		} else
			CHECK(pf != NULL);
		*pu[i].pu_slot = pu[i].pu_val;
	}
}

int
hypercall_memory_op(unsigned int cmd, void *arg, long *result)
{
	struct xen_memory_reservation *r = arg;
	unsigned long *frames = *(unsigned long **)&r->extent_start, pfn;
	unsigned int i;

	CHECK(!intr_enabled());
	if (refuse)
		return EPERM;
	for (i = 0; i < r->nr_extents && budget > 0; i++, budget--) {
		if (cmd == XENMEM_decrease_reservation) {
			pfn = frames[i] - 0x1000;
			CHECK(owned[pfn]);
			CHECK_EQ(dmap[pfn], 0);
			CHECK_EQ(fake_p2m[pfn], P2M_NONE);
		} else {
			pfn = frames[i];
			CHECK(!owned[pfn]);
			frames[i] = MFN_OF(pfn);
		}
		owned[pfn] = cmd != XENMEM_decrease_reservation;
	}
	*result = i;
	return 0;
}

/* Not reached by these tests. */
vaddr_t pmap_xenmap_alloc(void) { return 0; }
void pmap_xenmap_free(vaddr_t va __unused) { }
void pmap_kremove(vaddr_t va __unused, vsize_t size __unused) { }
void pv_must(int error, const char *what __unused) { CHECK_EQ(error, 0); }
int pv_p2m_grow(uintptr_t end __unused) { return 0; }

int
pmap_kset(vaddr_t va __unused, const paddr_t *pas __unused,
    paddr_t pa __unused, unsigned int n __unused, uint64_t flags __unused)
{
	return ENOMEM;
}

uint64_t *
pmap_pte_create(struct pmap *pm __unused, vaddr_t va __unused)
{
	return NULL;
}

pfn_t
pv_mfn_to_pfn(mfn_t mfn __unused)
{
	return MKPFN(~(uintptr_t)0);
}

int
hypercall_update_va_mapping(vaddr_t va __unused, uint64_t pte __unused,
    unsigned long flags __unused)
{
	return 0;
}

int
hypercall_grant_table_op(unsigned int cmd __unused, void *arg __unused,
    unsigned int count __unused)
{
	return ENOSYS;
}

/* -- the tests -- */

static pfn_t pfns[FRAMES];

static void
setup(void)
{
	unsigned int i;

	/* Nobody looks into it: an address without memory. */
	fake_memory = (char *)(16 * PAGE_SIZE);
	for (i = 0; i < FRAMES; i++) {
		pfns[i] = MKPFN(i);
		fake_p2m[i] = MFN_OF(i);
		dmap[i] = ptoa(i) | PTE_P | PTE_W;
		owned[i] = true;
	}
	refuse = false;
}

static void
consistent(unsigned int from, unsigned int to, bool mine)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		CHECK_EQ(owned[i], mine);
		CHECK_EQ(fake_p2m[i], mine ? MFN_OF(i) : P2M_NONE);
		CHECK_EQ((dmap[i] & PTE_P) != 0, mine);
		CHECK(!mine || (dmap[i] & PTE_FRAME) == ptoa(i));
	}
}

TEST(any_part_of_the_way)
{
	unsigned int part, done;

	for (part = 0; part <= FRAMES; part++) {
		setup();
		budget = part;
		CHECK_EQ(pv_balloon_out(pfns, FRAMES, &done),
		    part == FRAMES ? 0 : ENOMEM);
		CHECK_EQ(done, part);
		consistent(0, part, false);
		consistent(part, FRAMES, true);

		budget = part / 2;
		CHECK_EQ(pv_balloon_in(pfns, part, &done),
		    part == 0 ? 0 : ENOMEM);
		CHECK_EQ(done, part / 2);
		consistent(0, part / 2, true);
		consistent(part / 2, part, false);
		consistent(part, FRAMES, true);
		CHECK(intr_enabled());
	}
}

TEST(refusal)
{
	unsigned int done;

	setup();
	refuse = true;
	CHECK_EQ(pv_balloon_out(pfns, 5, &done), ENOMEM);
	CHECK_EQ(done, 0);
	consistent(0, FRAMES, true);
	CHECK_EQ(pv_balloon_out(pfns, 0, &done), 0);
	CHECK_EQ(done, 0);
}
