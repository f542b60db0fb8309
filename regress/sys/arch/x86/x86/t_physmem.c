/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of RAM and of reserved frames: sorted, disjoint, merged.
 */
/* sources: sys/arch/x86/x86/physmem.c */
#include <sys/physmem.h>
#include <sys/systm.h>

#include <host.h>
#include <ktest.h>

#define	FRAMES	64

static void
reset(void)
{
	memset(&physmem, 0, sizeof(physmem));
}

static void
expect(unsigned int i, uintptr_t start, uintptr_t end)
{
	CHECK(i < physmem.pm_nreserved);
	CHECK(physmem.pm_reserved[i].pr_start == start);
	CHECK(physmem.pm_reserved[i].pr_end == end);
}

TEST(ranges_that_touch_become_one)
{
	reset();
	physmem_reserve(10, 20);
	physmem_reserve(30, 40);
	physmem_reserve(5, 6);
	CHECK(physmem.pm_nreserved == 3);
	expect(0, 5, 6);
	expect(2, 30, 40);
	physmem_reserve(20, 30);
	CHECK(physmem.pm_nreserved == 2);
	expect(1, 10, 40);
	physmem_reserve(0, 100);
	CHECK(physmem.pm_nreserved == 1);
	expect(0, 0, 100);
}

TEST(an_empty_range_changes_nothing)
{
	reset();
	physmem_reserve(7, 7);
	physmem_reserve(9, 8);
	CHECK(physmem.pm_nreserved == 0);
}

TEST(ram_sets_the_highest_frame)
{
	reset();
	physmem_add_ram(256, 1000);
	physmem_add_ram(0, 160);
	CHECK(physmem.pm_nram == 2);
	CHECK(physmem.pm_ram[0].pr_end == 160);
	CHECK(physmem.pm_max_pfn == 1000);
}

static size_t
pages(const struct phys_range *r, unsigned int n)
{
	size_t sum = 0;

	while (n-- > 0)
		sum += r[n].pr_end - r[n].pr_start;
	return sum;
}

/* What comes later is taken off the top, around what is reserved. */
TEST(the_highest_frames_come_later)
{
	reset();
	physmem_add_ram(0, 160);
	physmem_add_ram(256, 1000);
	physmem_reserve(0, 20);
	physmem_reserve(900, 910);
	physmem_reserve(1000, 1010);
	CHECK(physmem_defer(0) == 0);
	CHECK(physmem.pm_nlater == 0 && physmem_ram_pages() == 904);
	CHECK(physmem_defer(100) == 0);
	CHECK(physmem_ram_pages() == 804);
	CHECK(physmem.pm_nlater == 2 && physmem.pm_nram == 3);
	CHECK(physmem.pm_later[0].pr_start == 890);
	CHECK(physmem.pm_later[0].pr_end == 900);
	CHECK(physmem.pm_later[1].pr_start == 910);
	CHECK(physmem.pm_later[1].pr_end == 1000);
	CHECK(physmem.pm_ram[2].pr_start == 900);
	CHECK(physmem.pm_ram[2].pr_end == 910);
	CHECK(physmem.pm_max_pfn == 1000);
	/* All of it: what is reserved stays. */
	CHECK(physmem_defer(10000) == 10000 - (804 - 30));
	CHECK(physmem_ram_pages() == 30);
	CHECK(physmem.pm_ram[0].pr_start == 0);
	CHECK(physmem.pm_ram[0].pr_end == 20);
	CHECK(pages(physmem.pm_later, physmem.pm_nlater) == 904 - 30);
}

TEST(deferred_and_left_are_all_there_was)
{
	unsigned int seed = 1, round, i, n;
	int map[FRAMES];		/* 1 RAM, 2 later, 4 reserved */

	for (round = 0; round < 3000; round++) {
		size_t before, want, left;
		int lowest = FRAMES;

		reset();
		memset(map, 0, sizeof(map));
		for (n = 0; n < 12; n++) {
			uintptr_t start, end;

			seed = seed * 1103515245 + 12345;
			start = (seed >> 16) % FRAMES;
			seed = seed * 1103515245 + 12345;
			end = MIN(start + 1 + (seed >> 16) % 12, FRAMES);
			if (n % 3 == 0) {
				physmem_reserve(start, end);
				for (i = start; i < end; i++)
					map[i] |= 4;
			} else {
				physmem_add_ram(start, end);
			}
		}
		before = physmem_ram_pages();
		want = (seed >> 8) % FRAMES;
		left = physmem_defer(want);
		CHECK(left <= want);
		CHECK(physmem_ram_pages() == before - (want - left));
		for (n = 0; n < physmem.pm_nram; n++)
			for (i = physmem.pm_ram[n].pr_start;
			    i < physmem.pm_ram[n].pr_end; i++) {
				CHECK((map[i] & 3) == 0);
				map[i] |= 1;
			}
		for (n = 0; n < physmem.pm_nlater; n++)
			for (i = physmem.pm_later[n].pr_start;
			    i < physmem.pm_later[n].pr_end; i++) {
				CHECK(map[i] == 0);
				map[i] |= 2;
				lowest = MIN(lowest, (int)i);
			}
		CHECK(pages(physmem.pm_later, physmem.pm_nlater) ==
		    want - left);
		/* Above the lowest of them only what is reserved is left. */
		for (i = 0; i < FRAMES; i++) {
			CHECK((int)i < lowest || map[i] != 1);
			CHECK(left == 0 || map[i] != 1);
		}
	}
}

/* Random ranges against a map of single frames. */
TEST(agrees_with_a_bitmap)
{
	unsigned int seed = 1, round, i, n;
	bool map[FRAMES];

	for (round = 0; round < 2000; round++) {
		reset();
		memset(map, 0, sizeof(map));
		for (n = 0; n < 12; n++) {
			uintptr_t start, end;

			seed = seed * 1103515245 + 12345;
			start = (seed >> 16) % FRAMES;
			seed = seed * 1103515245 + 12345;
			end = MIN(start + (seed >> 16) % 6, FRAMES);
			physmem_reserve(start, end);
			for (i = start; i < end; i++)
				map[i] = true;
		}
		for (i = 0; i < physmem.pm_nreserved; i++) {
			const struct phys_range *r = &physmem.pm_reserved[i];
			uintptr_t f;

			CHECK(r->pr_start < r->pr_end);
			CHECK(i == 0 || r[-1].pr_end < r->pr_start);
			for (f = r->pr_start; f < r->pr_end; f++) {
				CHECK(map[f]);
				map[f] = false;
			}
		}
		for (i = 0; i < FRAMES; i++)
			CHECK(!map[i]);
	}
}
