/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of RAM and of what is taken at boot, as the entry code finds them.
 *
 * Both lists are kept sorted and disjoint; ranges that touch become one.
 */
#include <sys/physmem.h>
#include <sys/systm.h>

struct physmem physmem;

static void
range_add(struct phys_range *list, unsigned int *count, unsigned int max,
    uintptr_t start, uintptr_t end)
{
	unsigned int i, j;

	if (start >= end)
		return;
	/* [i, j) are the ranges that touch the new one. */
	for (i = 0; i < *count && list[i].pr_end < start; i++)
		continue;
	for (j = i; j < *count && list[j].pr_start <= end; j++)
		continue;
	if (i == j) {
		if (*count == max)
			panic("physmem: too many ranges");
		memmove(&list[i + 1], &list[i], (*count - i) * sizeof(*list));
		(*count)++;
	} else {
		start = MIN(start, list[i].pr_start);
		end = MAX(end, list[j - 1].pr_end);
		memmove(&list[i + 1], &list[j], (*count - j) * sizeof(*list));
		*count -= j - i - 1;
	}
	list[i].pr_start = start;
	list[i].pr_end = end;
}

void
physmem_add_ram(uintptr_t start, uintptr_t end)
{
	range_add(physmem.pm_ram, &physmem.pm_nram,
	    __arraycount(physmem.pm_ram), start, end);
	physmem.pm_max_pfn = MAX(physmem.pm_max_pfn, end);
}

void
physmem_reserve(uintptr_t start, uintptr_t end)
{
	range_add(physmem.pm_reserved, &physmem.pm_nreserved,
	    __arraycount(physmem.pm_reserved), start, end);
}
