/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap: transfers that fail, or that end when nobody wants the page any more;
 * areas that are full, come and go.  (Random use: t_map.c.)
 */
/* sources: sys/uvm/uvm_page.c sys/uvm/uvm_pdaemon.c sys/uvm/uvm_kmem.c
 * sys/uvm/uvm_kmem_debug.c sys/uvm/uvm_km.c sys/uvm/uvm_radix.c
 * sys/uvm/uvm_amap.c
 * sys/uvm/uvm_swap.c sys/uvm/uvm_swapout.c
 * sys/uvm/uvm_map.c sys/uvm/uvm_mmap.c
 * sys/uvm/uvm_madvise.c sys/uvm/uvm_fault.c sys/uvm/uvm_object.c
 * sys/uvm/uvm_aobj.c sys/uvm/uvm_vmspace.c regress/sys/uvm/fake_pmap.c */
/* cflags: -DFAKE_PMAP -DDEBUG */
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

#include <ktest.h>

#define	BASE	0x40000000UL
#define	PER	(PAGE_SIZE >> SECTOR_SHIFT)

static struct vmspace *vm;

/* Pages [first, first + n) of the disk are an area. */
static struct swap_area *
area_on(uint32_t first, uint32_t n, int prio)
{
	struct swap_args sa = { .sa_disk = &fake_disk, .sa_nextents = 1,
	    .sa_maxextents = 1, .sa_npages = n, .sa_prio = prio };
	struct swap_area *sw;

	sa.sa_extents = kmem_alloc(sizeof(struct swap_extent), KM_SLEEP);
	sa.sa_extents[0] = (struct swap_extent){ 0, n, first * PER };
	CHECK_EQ(uvm_swap_add(&sa, &sw), 0);
	CHECK_EQ(uvm_swap_enable(sw), 0);
	return sw;
}

static size_t
area_used(const struct swap_area *sw)
{
	size_t total, used;

	uvm_swap_usage(sw, &total, &used);
	return used;
}

static void
map_pages(unsigned int n)
{
	struct uvm_mapargs a = { .va = BASE, .size = n * PAGE_SIZE,
	    .prot = PROT_READ | PROT_WRITE,
	    .maxprot = PROT_READ | PROT_WRITE,
	    .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	vaddr_t va;

	vm = vmspace_alloc();
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
}

static uint32_t *
cpu_word(struct vmspace *v, unsigned int page, bool write, int *error)
{
	vaddr_t va = BASE + page * PAGE_SIZE + 16;
	uint32_t *p;

	*error = 0;
	while ((p = (uint32_t *)fake_mmu(v->vm_map.m_pmap, va, write)) ==
	    NULL) {
		*error = uvm_fault(v, va, write ? PROT_WRITE : PROT_READ);
		if (*error != 0)
			return NULL;
	}
	return p;
}

static void
put(unsigned int page, uint32_t val)
{
	int error;

	*cpu_word(vm, page, true, &error) = val;
}

static uint32_t
get(struct vmspace *v, unsigned int page)
{
	uint32_t *p;
	int error;

	p = cpu_word(v, page, false, &error);
	CHECK_EQ(error, 0);
	return *p;
}

static void
page_out(unsigned int first, unsigned int n)
{
	CHECK_EQ(uvm_madvise(vm, BASE + first * PAGE_SIZE, n * PAGE_SIZE,
	    MADV_PAGEOUT), 0);
}

static bool
resident(unsigned int page)
{
	unsigned char c = 7;

	CHECK_EQ(uvm_mincore(vm, BASE + page * PAGE_SIZE, PAGE_SIZE, &c), 0);
	return c != 0;
}

static void
begin(unsigned int npages)
{
	fake_init(0, 4000);
	map_pages(npages);
	for (unsigned int i = 0; i < npages; i++)
		put(i, 1000 + i);
	CHECK_EQ(uvmexp.anon, npages);
}

static void
finish(void)
{
	vmspace_put(vm);
	CHECK_EQ(uvmexp.anon, 0);
	CHECK_EQ(uvmexp.swused, 0);
	CHECK_EQ(fake_mappings(), 0);
}

TEST(a_page_goes_and_comes_and_a_clean_one_is_not_written_again)
{
	struct swap_area *sw;
	uint64_t outs;

	begin(40);
	page_out(0, 40);		/* no swap: nothing happens */
	CHECK(resident(3));
	sw = area_on(0, 500, 5);
	page_out(0, 40);
	CHECK_EQ(uvmexp.anon, 0);
	CHECK_EQ(uvmexp.swused, 40);
	CHECK_EQ(vmspace_swapped(vm, BASE, BASE + 10 * PAGE_SIZE), 10);
	CHECK(!resident(3));
	CHECK_EQ(fake_disk_transfers, 1);
	CHECK_EQ(get(vm, 11), 1011);
	CHECK_EQ(fake_disk_transfers, 2);
	/* Read-ahead, in the order of the places. */
	CHECK(resident(11) && resident(12));
	CHECK_EQ(get(vm, 12), 1012);
	CHECK_EQ(fake_disk_transfers, 2);
	fake_check();
	outs = uvmexp.swapouts;
	page_out(11, 1);
	CHECK(!resident(11));
	CHECK_EQ(uvmexp.swapouts, outs);
	/* A write takes the place away. */
	CHECK_EQ(get(vm, 11), 1011);
	CHECK_EQ(uvmexp.swused, 40);
	put(11, 5);
	CHECK_EQ(uvmexp.swused, 39);
	page_out(11, 1);
	CHECK_EQ(uvmexp.swapouts, outs + 1);
	CHECK_EQ(get(vm, 11), 5);
	CHECK_EQ(uvm_swap_remove(sw), 0);
	CHECK_EQ(uvmexp.anon, 40);
	for (unsigned int i = 0; i < 40; i++)
		CHECK_EQ(get(vm, i), i == 11 ? 5 : 1000 + i);
	finish();
}

TEST(the_daemon_takes_what_was_not_used_and_leaves_what_is_locked)
{
	begin(100);
	(void)area_on(0, 500, 5);
	CHECK_EQ(uvm_mlock(vm, BASE + 10 * PAGE_SIZE, 5 * PAGE_SIZE, true), 0);
	CHECK(uvm_swapout(30) >= 30);
	CHECK(uvm_swapout(1000) >= 30);
	CHECK_EQ(uvmexp.anon, 5);
	for (unsigned int i = 0; i < 100; i++)
		CHECK_EQ(resident(i), i >= 10 && i < 15);
	CHECK_EQ(uvm_swapout(1000), 0);
	for (unsigned int i = 0; i < 100; i++)
		CHECK_EQ(get(vm, i), 1000 + i);
	finish();
}

TEST(what_two_share_goes_once_unless_one_has_it_locked)
{
	struct vmspace *child;

	begin(20);
	(void)area_on(0, 500, 5);
	CHECK_EQ(uvm_mlock(vm, BASE, 4 * PAGE_SIZE, true), 0);
	CHECK_EQ(vmspace_fork(vm, &child), 0);
	CHECK_EQ(get(child, 9), 1009);
	CHECK_EQ(uvm_madvise(child, BASE, 20 * PAGE_SIZE, MADV_PAGEOUT), 0);
	CHECK_EQ(uvmexp.swused, 16);
	CHECK_EQ(uvmexp.anon, 4);
	CHECK(resident(0) && !resident(4));
	CHECK_EQ(vmspace_swapped(child, BASE, BASE + 20 * PAGE_SIZE), 16);
	put(9, 7);
	CHECK_EQ(get(child, 9), 1009);
	CHECK_EQ(get(vm, 9), 7);
	put(2, 8);
	CHECK_EQ(get(child, 2), 1002);
	fake_check();
	vmspace_put(child);
	finish();
}

TEST(a_page_that_cannot_be_read_is_an_error_of_its_own)
{
	int error;

	begin(30);
	(void)area_on(0, 500, 5);
	page_out(0, 30);
	/* The first place is 1, so page 8 is at 9. */
	fake_disk_bad = 9;
	(void)cpu_word(vm, 8, false, &error);
	CHECK_EQ(error, EIO);
	CHECK_EQ(get(vm, 9), 1009);
	CHECK_EQ(get(vm, 7), 1007);
	(void)cpu_word(vm, 8, true, &error);
	CHECK_EQ(error, EIO);
	fake_disk_bad = UINT64_MAX;
	CHECK_EQ(get(vm, 8), 1008);
	finish();
}

TEST(a_page_that_cannot_be_written_stays_and_the_area_gets_no_more)
{
	begin(30);
	(void)area_on(0, 500, 5);
	fake_disk_bad = 3;
	page_out(0, 30);
	CHECK_EQ(uvmexp.anon, 30);
	CHECK_EQ(uvmexp.swused, 0);
	CHECK(uvm_swap_full());
	fake_disk_bad = UINT64_MAX;
	page_out(0, 30);
	CHECK_EQ(uvmexp.anon, 30);
	/* Another one is used in its place. */
	(void)area_on(600, 100, 1);
	page_out(0, 30);
	CHECK_EQ(uvmexp.anon, 0);
	for (unsigned int i = 0; i < 30; i++)
		CHECK_EQ(get(vm, i), 1000 + i);
	finish();
}

/* -- in the middle of a transfer -- */

static unsigned int leaving;		/* four pages from there on */
static uint32_t wanted_slot;

static bool
nobody_wakes(const char *wchan __unused)
{
	return true;
}

static void
unmap_meanwhile(struct bio *b __unused)
{
	fake_disk_hook = NULL;
	CHECK_EQ(uvm_unmap(vm, BASE + leaving * PAGE_SIZE, 4 * PAGE_SIZE), 0);
}

static void
want_meanwhile(struct bio *b __unused)
{
	fake_disk_hook = NULL;
	shim_sleep_hook = nobody_wakes;
	CHECK_EQ(uvm_swap_in(wanted_slot), 0);
	CHECK(!resident(6));
}

TEST(pages_whose_owner_goes_on_their_way_out_or_in_are_forgotten)
{
	struct swap_area *sw;
	int error;

	begin(30);
	sw = area_on(0, 500, 5);
	leaving = 5;
	fake_disk_hook = unmap_meanwhile;
	CHECK_EQ(uvm_madvise(vm, BASE, 30 * PAGE_SIZE, MADV_PAGEOUT), ENOMEM);
	CHECK_EQ(uvmexp.swused, 26);
	CHECK_EQ(uvmexp.anon, 0);
	/* Its place is 16, and 16 to 30 are read at once. */
	leaving = 17;
	fake_disk_hook = unmap_meanwhile;
	CHECK_EQ(get(vm, 15), 1015);
	CHECK(fake_disk_hook == NULL);
	CHECK_EQ(uvmexp.swused, 22);
	CHECK_EQ(uvmexp.anon, 11);
	(void)cpu_word(vm, 17, false, &error);
	CHECK_EQ(error, EFAULT);
	CHECK_EQ(get(vm, 21), 1021);
	CHECK_EQ(uvm_swap_remove(sw), 0);
	finish();
}

TEST(a_page_that_is_wanted_on_its_way_out_is_given_back)
{
	struct vm_anon *an;
	uint64_t outs;

	begin(30);
	(void)area_on(0, 500, 5);
	page_out(6, 1);
	an = uvm_amap_get(&vm->vm_amap, BASE + 6 * PAGE_SIZE);
	CHECK_EQ(get(vm, 6), 1006);
	wanted_slot = an->an_slot;
	CHECK(wanted_slot != 0);
	fake_disk_hook = want_meanwhile;
	page_out(0, 30);
	CHECK(resident(6) && !resident(7));
	CHECK_EQ(uvmexp.anon, 1);
	/* It is there, too. */
	outs = uvmexp.swapouts;
	page_out(6, 1);
	CHECK(!resident(6));
	CHECK_EQ(uvmexp.swapouts, outs);
	CHECK_EQ(get(vm, 6), 1006);
	finish();
}

/* -- areas -- */

TEST(areas_are_used_by_priority_and_in_turn)
{
	struct swap_area *a, *b, *c;

	begin(300);
	a = area_on(0, 200, 5);
	b = area_on(200, 200, 5);
	c = area_on(400, 11, 9);
	page_out(0, 8);
	CHECK_EQ(area_used(c), 8);
	page_out(8, 200);
	CHECK_EQ(area_used(c), 10);
	CHECK(area_used(a) > 60 && area_used(b) > 60);
	CHECK_EQ(area_used(a) + area_used(b), 198);
	page_out(0, 300);
	CHECK_EQ(uvm_swap_remove(c), 0);
	CHECK_EQ(uvm_swap_remove(a), 0);
	CHECK(area_used(b) <= 199);
	CHECK_EQ(uvm_swap_remove(b), 0);
	CHECK_EQ(uvmexp.anon, 300);
	for (unsigned int i = 0; i < 300; i++)
		CHECK_EQ(get(vm, i), 1000 + i);
	finish();
}

TEST(a_full_area_refuses_and_its_bad_pages_are_never_used)
{
	struct swap_args sa = { .sa_disk = &fake_disk, .sa_nextents = 1,
	    .sa_maxextents = 1, .sa_npages = 20 };
	struct swap_area *sw;

	begin(40);
	sa.sa_extents = kmem_alloc(sizeof(struct swap_extent), KM_SLEEP);
	sa.sa_extents[0] = (struct swap_extent){ 0, 20, 0 };
	CHECK_EQ(uvm_swap_add(&sa, &sw), 0);
	uvm_swap_bad_page(sw, 0);
	uvm_swap_bad_page(sw, 4);
	uvm_swap_bad_page(sw, 4);
	uvm_swap_bad_page(sw, 19);
	uvm_swap_bad_page(sw, 20);
	CHECK_EQ(uvm_swap_enable(sw), 0);
	CHECK_EQ(uvmexp.swtotal, 17);
	fake_disk_bad = 4;
	page_out(0, 40);
	CHECK_EQ(uvmexp.swused, 17);
	CHECK_EQ(uvmexp.anon, 23);
	CHECK(uvm_swap_full());
	for (unsigned int i = 0; i < 40; i++)
		CHECK_EQ(get(vm, i), 1000 + i);
	finish();
}

TEST(swapoff_refuses_what_does_not_fit_and_can_be_interrupted)
{
	static struct vm_page *hog[FAKE_PAGES];
	unsigned int n = 0;
	struct swap_area *sw;

	begin(400);
	sw = area_on(0, 500, 5);
	page_out(0, 400);
	while (uvmexp.free > uvmexp.reserve + 10) {
		hog[n] = uvm_pagealloc(UVM_PGA_NOSLEEP);
		CHECK(hog[n++] != NULL);
	}
	CHECK_EQ(uvm_swap_remove(sw), ENOMEM);
	CHECK_EQ(uvmexp.swused, 400);
	CHECK_EQ(uvmexp.swtotal, 499);
	while (n > 0)
		uvm_pagefree(hog[--n]);
	shim_signal_pending = true;
	CHECK_EQ(uvm_swap_remove(sw), EINTR);
	shim_signal_pending = false;
	fake_disk_bad = 300;
	CHECK_EQ(uvm_swap_remove(sw), EIO);
	CHECK(uvmexp.swused > 0 && uvmexp.swused < 400);
	CHECK_EQ(uvmexp.swtotal, 499);
	fake_disk_bad = UINT64_MAX;
	CHECK_EQ(uvm_swap_remove(sw), 0);
	CHECK_EQ(uvmexp.swtotal, 0);
	for (unsigned int i = 0; i < 400; i++)
		CHECK_EQ(get(vm, i), 1000 + i);
	finish();
}

TEST(no_more_areas_than_there_is_room_for)
{
	struct swap_args sa = { .sa_disk = &fake_disk, .sa_npages = 10 };
	struct swap_area *sw;

	begin(1);
	for (unsigned int i = 0; i < SWAP_AREAS; i++)
		(void)area_on(i * 10, 10, (int)i);
	sa.sa_extents = kmem_alloc(sizeof(struct swap_extent), KM_SLEEP);
	sa.sa_extents[0] = (struct swap_extent){ 0, 10, 0 };
	sa.sa_nextents = sa.sa_maxextents = 1;
	CHECK_EQ(uvm_swap_add(&sa, &sw), 0);
	CHECK_EQ(uvm_swap_enable(sw), EPERM);
	uvm_swap_discard(sw);
	CHECK_EQ(uvmexp.swtotal, 9 * SWAP_AREAS);
	finish();
}
