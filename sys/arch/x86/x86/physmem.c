/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of RAM and of what is taken at boot, as the entry code finds them.
 *
 * All lists are kept sorted and disjoint; ranges that touch become one.
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

/*
 * Take [start, end) out of range i, which holds it.  False: no room for what is
 * left of it.
 */
static bool
ram_cut(unsigned int i, uintptr_t start, uintptr_t end)
{
	struct phys_range *r = &physmem.pm_ram[i];
	unsigned int after = physmem.pm_nram - i - 1;

	if (start > r->pr_start && end < r->pr_end) {
		if (physmem.pm_nram == __arraycount(physmem.pm_ram))
			return false;
		memmove(r + 2, r + 1, after * sizeof(*r));
		physmem.pm_nram++;
		r[1].pr_start = end;
		r[1].pr_end = r->pr_end;
		r->pr_end = start;
	} else if (start > r->pr_start) {
		r->pr_end = start;
	} else if (end < r->pr_end) {
		r->pr_start = end;
	} else {
		memmove(r, r + 1, after * sizeof(*r));
		physmem.pm_nram--;
	}
	return true;
}

/* The highest frames in RAM range i below limit that are not reserved. */
static bool
highest_free(unsigned int i, uintptr_t limit, uintptr_t *startp,
    uintptr_t *endp)
{
	const struct phys_range *res;
	uintptr_t start = physmem.pm_ram[i].pr_start;
	uintptr_t end = MIN(limit, physmem.pm_ram[i].pr_end);
	unsigned int j;

	for (j = physmem.pm_nreserved; j > 0 && start < end; j--) {
		res = &physmem.pm_reserved[j - 1];
		if (res->pr_start >= end)
			continue;
		if (res->pr_end < end) {
			start = MAX(start, res->pr_end);
			break;
		}
		end = res->pr_start;
	}
	*startp = start;
	*endp = end;
	return start < end;
}

size_t
physmem_defer(size_t n)
{
	uintptr_t start, end, limit = UINTPTR_MAX;
	unsigned int i = physmem.pm_nram;

	while (n > 0 && i > 0) {
		if (!highest_free(i - 1, limit, &start, &end)) {
			i--;
			continue;
		}
		start = MAX(start, end - MIN(n, end));
		if (physmem.pm_nlater == __arraycount(physmem.pm_later) ||
		    !ram_cut(i - 1, start, end))
			break;
		range_add(physmem.pm_later, &physmem.pm_nlater,
		    __arraycount(physmem.pm_later), start, end);
		n -= end - start;
		limit = start;
		i = MIN(i, physmem.pm_nram);
	}
	return n;
}

size_t
physmem_ram_pages(void)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < physmem.pm_nram; i++)
		n += physmem.pm_ram[i].pr_end - physmem.pm_ram[i].pr_start;
	return n;
}

void
physmem_reserve(uintptr_t start, uintptr_t end)
{
	range_add(physmem.pm_reserved, &physmem.pm_nreserved,
	    __arraycount(physmem.pm_reserved), start, end);
}
