/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator against a model: who owns which page.
 */
/* sources: sys/uvm/uvm_page.c sys/uvm/uvm_pdaemon.c sys/uvm/uvm_kmem.c
 * sys/uvm/uvm_kmem_debug.c sys/uvm/uvm_km.c sys/uvm/uvm_radix.c
 * sys/uvm/uvm_amap.c
 * sys/uvm/uvm_swap.c sys/uvm/uvm_swapout.c
 * sys/uvm/uvm_map.c sys/uvm/uvm_mmap.c
 * sys/uvm/uvm_madvise.c sys/uvm/uvm_fault.c sys/uvm/uvm_object.c
 * sys/uvm/uvm_aobj.c sys/uvm/uvm_vmspace.c regress/sys/uvm/fake_pmap.c */
/* cflags: -DFAKE_PMAP -DDEBUG */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#include <ktest.h>

#define	MAXBLOCKS	3000

static uint32_t seed = 12345;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Random blocks, checked for overlap, alignment and contents. */
TEST(random_blocks_do_not_overlap_and_all_come_back)
{
	static struct { struct vm_page *pg; unsigned int order; } b[MAXBLOCKS];
	static unsigned char owned[FAKE_PAGES];
	unsigned int n = 0, i, step;
	size_t before;

	fake_init(3, 4000);
	uvm_page_addrange(4500, 8000);
	uvm_page_addrange(4003, 4500);		/* closes the gap */
	before = uvmexp.free;
	CHECK_EQ(uvmexp.total, 7997);
	for (step = 0; step < 40000; step++) {
		if (n < MAXBLOCKS && rnd(100) < (step < 20000 ? 60 : 40)) {
			unsigned int order = rnd(8) != 0 ? 0 : rnd(8);
			struct vm_page *pg = uvm_pagealloc_order(order,
			    UVM_PGA_NOSLEEP | (rnd(2) ? UVM_PGA_ZERO : 0));

			if (pg == NULL)
				continue;
			CHECK_EQ(VM_PAGE_TO_PFN(pg) & ((1U << order) - 1), 0);
			for (i = 0; i < 1U << order; i++) {
				uintptr_t pfn = VM_PAGE_TO_PFN(pg + i);

				CHECK(pfn >= 3 && pfn < 8000);
				CHECK(!owned[pfn]);
				owned[pfn] = 1;
				memset(VM_PAGE_TO_KVA(pg + i), 0xee, 64);
			}
			b[n].pg = pg;
			b[n++].order = order;
		} else if (n > 0) {
			unsigned int k = rnd(n);

			for (i = 0; i < 1U << b[k].order; i++)
				owned[VM_PAGE_TO_PFN(b[k].pg + i)] = 0;
			uvm_pagefree_order(b[k].pg, b[k].order);
			b[k] = b[--n];
		}
	}
	while (n > 0) {
		n--;
		uvm_pagefree_order(b[n].pg, b[n].order);
	}
	CHECK_EQ(uvmexp.free, before);
	/* All is one piece again: the largest block can be had. */
	(void)shrinker_run(0);
	CHECK(uvm_pagealloc_order(10, UVM_PGA_NOSLEEP) != NULL);
}

TEST(zeroed_pages_are_zero)
{
	struct vm_page *pg;

	fake_init(0, 400);
	pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_USERESERVE);
	CHECK(pg != NULL);
	memset(VM_PAGE_TO_KVA(pg), 0xff, PAGE_SIZE);
	uvm_pagefree(pg);
	for (int i = 0; i < 100; i++) {
		const unsigned char *p;

		pg = uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ZERO |
		    UVM_PGA_USERESERVE);
		CHECK(pg != NULL);
		p = VM_PAGE_TO_KVA(pg);
		for (size_t k = 0; k < PAGE_SIZE; k++)
			CHECK_EQ(p[k], 0);
	}
}

TEST(reserve_is_kept_for_those_who_may)
{
	size_t got = 0, atomic = 0, reserve = 0;

	fake_init(0, 2000);
	while (uvm_pagealloc(UVM_PGA_NOSLEEP) != NULL)
		got++;
	CHECK_EQ(uvmexp.free, uvmexp.reserve);
	while (uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_ATOMIC) != NULL)
		atomic++;
	CHECK_EQ(atomic, uvmexp.reserve - uvmexp.reserve / 2);
	while (uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_USERESERVE) != NULL)
		reserve++;
	CHECK_EQ(reserve, uvmexp.reserve / 2);
	CHECK_EQ(uvmexp.free, 0);
	/* Nobody could free anything: waiting ends at once. */
	CHECK(uvm_pagealloc(0) == NULL);
}

TEST(reserve_for_a_thread_that_makes_memory_free)
{
	size_t got = 0;

	fake_init(0, 2000);
	while (uvm_pagealloc(UVM_PGA_NOSLEEP) != NULL)
		continue;
	curlwp->l_flags |= LF_MEMRESERVE;
	while (uvm_pagealloc(0) != NULL)
		got++;
	curlwp->l_flags &= ~(unsigned int)LF_MEMRESERVE;
	CHECK_EQ(got, uvmexp.reserve);
	CHECK_EQ(uvmexp.free, 0);
}

TEST(write_to_a_free_page_is_found)
{
	struct vm_page *pg;

	fake_init(0, 1000);
	pg = uvm_pagealloc(UVM_PGA_NOSLEEP);
	uvm_pagefree(pg);
	((char *)VM_PAGE_TO_KVA(pg))[100] = 1;
	CHECK_PANIC(while (uvm_pagealloc(UVM_PGA_NOSLEEP) != NULL) continue);
}

TEST(double_free_is_found)
{
	struct vm_page *pg;

	fake_init(0, 1000);
	pg = uvm_pagealloc(UVM_PGA_NOSLEEP);
	uvm_pagefree(pg);
	CHECK_PANIC(uvm_pagefree(pg));
	pg = uvm_pagealloc_order(3, UVM_PGA_NOSLEEP);
	uvm_pagefree_order(pg, 3);
	CHECK_PANIC(uvm_pagefree_order(pg, 3));
}

TEST(balloon_takes_and_returns)
{
	struct vm_page *pgs[500];
	size_t free, total;

	fake_init(0, 4000);
	free = uvmexp.free;
	total = uvmexp.total;
	for (int i = 0; i < 500; i++) {
		pgs[i] = uvm_balloon_take();
		CHECK(pgs[i] != NULL);
	}
	CHECK_EQ(uvmexp.free, free - 500);
	CHECK_EQ(uvmexp.total, total - 500);
	CHECK_PANIC(uvm_pagefree(pgs[0]));
	for (int i = 0; i < 500; i++)
		uvm_balloon_return(pgs[i]);
	CHECK_EQ(uvmexp.free, free);
	CHECK_EQ(uvmexp.total, total);
	/* Pages that the domain never had: every third one. */
	for (uintptr_t pfn = 5000; pfn < 6500; pfn += 3) {
		VM_PAGE(pfn)->pg_flags = PG_ABSENT;
		uvm_balloon_return(VM_PAGE(pfn));
	}
	CHECK_EQ(uvmexp.free, free + 500);
	CHECK_EQ(uvmexp.maxpages, 4500);
}

/* Only what nobody has had since the hypervisor gave it counts as fresh. */
TEST(fresh_until_taken)
{
	struct vm_page *pg, *big;
	bool used[FAKE_PAGES] = { false };
	unsigned int fresh = 0, stale = 0;

	fake_init(0, 1024);
	for (uintptr_t pfn = 2048; pfn < 3072; pfn++)
		VM_PAGE(pfn)->pg_flags = PG_FRESH | PG_RESERVED;
	uvm_page_addrange(2048, 3072);
	big = uvm_pagealloc_order(9, UVM_PGA_NOSLEEP);
	CHECK(big != NULL && (big[511].pg_flags & PG_FRESH) == 0);
	for (uintptr_t i = 0; i < 512; i++)
		used[VM_PAGE_TO_PFN(big) + i] = true;
	uvm_pagefree_order(big, 9);
	while ((pg = uvm_balloon_take()) != NULL) {
		CHECK(pg->pg_flags == PG_ABSENT ||
		    pg->pg_flags == (PG_ABSENT | PG_FRESH));
		if ((pg->pg_flags & PG_FRESH) == 0) {
			stale++;
			continue;
		}
		fresh++;
		CHECK(VM_PAGE_TO_PFN(pg) >= 2048);
		CHECK(!used[VM_PAGE_TO_PFN(pg)]);
	}
	CHECK(fresh >= 512 && stale >= 512);
	/* What comes back from the hypervisor is fresh, until it is used. */
	pg = VM_PAGE(3072);
	pg->pg_flags = PG_ABSENT;
	uvm_balloon_return(pg);
	CHECK_EQ(pg->pg_flags & PG_FRESH, PG_FRESH);
	CHECK(uvm_pagealloc(UVM_PGA_NOSLEEP | UVM_PGA_USERESERVE) != NULL);
	CHECK(uvm_balloon_take() == NULL);
}

static size_t
shrink_some(size_t n)
{
	CHECK_EQ(n, 7);
	for (uintptr_t pfn = 4000; pfn < 4100; pfn++) {
		VM_PAGE(pfn)->pg_flags = PG_ABSENT;
		uvm_balloon_return(VM_PAGE(pfn));
	}
	return 100;
}

TEST(what_a_shrinker_gives_can_be_had)
{
	static struct shrinker sh = { .sh_func = shrink_some };
	size_t n = 0;

	fake_init(0, 1000);
	shrinker_register(&sh);
	while (uvm_pagealloc(UVM_PGA_NOSLEEP) != NULL)
		n++;
	CHECK(uvm_pagealloc(0) == NULL);
	CHECK(shrinker_run(7) >= 100);
	for (n = 0; uvm_pagealloc(0) != NULL; n++)
		continue;
	CHECK(n >= 100);
}
