/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame list while it grows: whoever saves the domain finds the same in the
 * list and in the tree, also after growth that ran out of memory.
 */
/* cflags: -DFAKE_PMAP */
/* variants: gcc64 clang64 */
#include <machine/pmap.h>

#undef P2M_BASE
#define	P2M_BASE	((vaddr_t)fake_p2m)
#define	LEAVES		1200U
static unsigned long fake_p2m[LEAVES * 512] __aligned(4096);

#include "../../../../../sys/arch/xen/pv/pv_p2m.c"

#include <xen/public/arch-x86/xen.h>

#include <host.h>
#include <ktest.h>

#define	BOOT		1000U		/* frames at start of day */
#define	MFN_OF(pfn)	(0x5000UL + (pfn))

char *fake_memory, *fake_kva;
void *fake_vm_pages;
struct pmap pmap_kernel_store;
static struct shared_info info;
struct shared_info *xen_shared_info = &info;
static struct start_info start = { .nr_pages = BOOT };
struct start_info *pv_start_info = &start;

static uint64_t ptes[LEAVES];		/* of the list */
static unsigned int next_page;
static int alloc_left;			/* allocations that succeed; -1: all */

struct vm_page *
uvm_pagealloc(int flags)
{
	struct vm_page *pg;

	if (alloc_left == 0)
		return NULL;
	if (alloc_left > 0)
		alloc_left--;
	CHECK(next_page < BOOT);
	pg = VM_PAGE(next_page++);
	memset(VM_PAGE_TO_KVA(pg), (flags & UVM_PGA_ZERO) != 0 ? 0 : 0x5a,
	    PAGE_SIZE);
	return pg;
}

void
uvm_pagefree(struct vm_page *pg __unused)
{
}

uint64_t *
pmap_pte(struct pmap *pm __unused, vaddr_t va)
{
	return &ptes[(va - P2M_BASE) / PAGE_SIZE];
}

/* The page becomes a part of the list; it may lack a table for that. */
int
pmap_kset(vaddr_t va, const paddr_t *pas, paddr_t pa __unused, unsigned int n,
    uint64_t flags)
{
	uint64_t *slot = pmap_pte(NULL, va);

	CHECK_EQ(n, 1);
	CHECK((flags & PTE_W) != 0 && (*slot & PTE_P) == 0);
	if (alloc_left == 0)
		return ENOMEM;
	memcpy((void *)va, (char *)fake_memory + *pas, PAGE_SIZE);
	*slot = ptoa(MFN_OF(atop(*pas))) | PTE_P | flags;
	return 0;
}

int
hypercall_memory_op(unsigned int cmd __unused, void *arg __unused,
    long *result __unused)
{
	return ENOSYS;
}

/* -- the saver's view -- */

static const unsigned long *
page_of(unsigned long mfn)
{
	CHECK(mfn >= MFN_OF(0) && mfn < MFN_OF(BOOT));
	return (const unsigned long *)(fake_memory + ptoa(mfn - MFN_OF(0)));
}

static void
look(void)
{
	const struct arch_shared_info *a = &info.arch;
	const unsigned long *top, *mid;
	uintptr_t i;

	CHECK_EQ(a->p2m_generation & 1, 0);
	CHECK_EQ(a->max_pfn, p2m_size);
	CHECK_EQ(a->p2m_vaddr, (unsigned long)P2M_BASE);
	top = page_of(a->pfn_to_mfn_frame_list_list);
	for (i = 0; i < howmany(p2m_size, P2M_PERPAGE); i++) {
		mid = page_of(top[i / P2M_PERPAGE]);
		CHECK((ptes[i] & PTE_P) != 0);
		CHECK_EQ(mid[i % P2M_PERPAGE], atop(ptes[i] & PTE_FRAME));
	}
	for (i = 0; i < p2m_size; i++)
		CHECK_EQ(fake_p2m[i], i < BOOT ? MFN_OF(i) : P2M_NONE);
	CHECK_EQ(p2m_get(p2m_size), P2M_NONE);
}

static void
setup(void)
{
	uintptr_t i;

	fake_memory = host_alloc(PAGE_SIZE, BOOT * PAGE_SIZE);
	fake_vm_pages = host_alloc(PAGE_SIZE, BOOT * sizeof(struct vm_page));
	memset(fake_vm_pages, 0, BOOT * sizeof(struct vm_page));
	/* The builder leaves anything behind the last entry. */
	memset(fake_p2m, 0x77, sizeof(fake_p2m));
	for (i = 0; i < BOOT; i++)
		fake_p2m[i] = MFN_OF(i);
	for (i = 0; i < howmany(BOOT, P2M_PERPAGE); i++)
		ptes[i] = ptoa(MFN_OF(i)) | PTE_P | PTE_W;
	next_page = howmany(BOOT, P2M_PERPAGE);
	pmap_kernel_store.pm_l4 = (uint64_t *)fake_memory;
	alloc_left = -1;
	pv_p2m_init();
	pv_p2m_publish();
	look();
}

TEST(grows_in_few_steps)
{
	uintptr_t end;

	setup();
	for (end = BOOT; end <= 250000; end += 256) {
		CHECK_EQ(pv_p2m_grow(end), 0);
		CHECK(p2m_size >= end);
	}
	look();
	CHECK(p2m_size < 300000);
	/* Each step would end a live migration. */
	CHECK(info.arch.p2m_generation / 2 < 60);
	/* What is there already is no step. */
	end = info.arch.p2m_generation;
	CHECK_EQ(pv_p2m_grow(p2m_size), 0);
	CHECK_EQ(info.arch.p2m_generation, end);
}

TEST(out_of_memory_at_any_point)
{
	uintptr_t end;
	unsigned int failed = 0;
	int n;

	setup();
	for (n = 0; n < 25; n++) {
		end = p2m_size + 256 + (uintptr_t)n * 300;
		alloc_left = n / 2;
		if (pv_p2m_grow(end) != 0) {
			failed++;
			CHECK(p2m_size < end);
			look();
			alloc_left = n / 4;
			(void)pv_p2m_grow(end);
			look();
			alloc_left = -1;
			CHECK_EQ(pv_p2m_grow(end), 0);
		}
		CHECK(p2m_size >= end);
		look();
	}
	CHECK(failed > 5);
}
