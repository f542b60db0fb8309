/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first page of a swap area with anything in it: what is accepted stays
 * inside the area.
 */
/* sources: sys/kern/swap_header.c */
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/swap.h>
#include <sys/systm.h>

#include <ktest.h>

int	fuzz_one(const uint8_t *, size_t);

/* The size of the disk, then bytes from the version on. */
int
fuzz_one(const uint8_t *data, size_t size)
{
	static unsigned char page[PAGE_SIZE];
	struct swap_header sh;
	uint32_t npages;

	if (size < sizeof(npages))
		return 0;
	memcpy(&npages, data, sizeof(npages));
	data += sizeof(npages);
	size -= sizeof(npages);
	memset(page, 0, sizeof(page));
	memcpy(page + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	memcpy(page + 1024, data, MIN(size, PAGE_SIZE - 1024));
	if (swap_header_parse(page, npages, &sh) != 0)
		return 0;
	KASSERT(sh.sh_npages >= 2 && sh.sh_npages <= npages);
	KASSERT(sh.sh_nbad <= SWAP_MAXBAD);
	for (uint32_t i = 0; i < sh.sh_nbad; i++)
		KASSERT(sh.sh_bad[i] > 0 && sh.sh_bad[i] < sh.sh_npages);
	return 0;
}
