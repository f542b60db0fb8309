/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heap sort: in place, without recursion, never worse than n log n.
 */
#include <sys/libkern.h>

static void
swap_elements(char *a, char *b, size_t size)
{
	char t;

	for (; size > 0; a++, b++, size--) {
		t = *a;
		*a = *b;
		*b = t;
	}
}

/* Let element i of the heap of n sink to its place. */
static void
sift_down(char *base, size_t i, size_t n, size_t size,
    int (*cmp)(const void *, const void *))
{
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && cmp(base + child * size,
		    base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + i * size, base + child * size) >= 0)
			return;
		swap_elements(base + i * size, base + child * size, size);
		i = child;
	}
}

void
kheapsort(void *vbase, size_t n, size_t size,
    int (*cmp)(const void *, const void *))
{
	char *base = vbase;
	size_t i;

	for (i = n / 2; i > 0; i--)
		sift_down(base, i - 1, n, size, cmp);
	for (i = n; i > 1; i--) {
		swap_elements(base, base + (i - 1) * size, size);
		sift_down(base, 0, i - 1, size, cmp);
	}
}
