/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first page of a swap area: what mkswap(8) makes, and what it never would.
 */
/* sources: sys/kern/swap_header.c */
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/swap.h>
#include <sys/systm.h>

#include <ktest.h>

static unsigned char page[PAGE_SIZE];
static struct swap_header sh;

static void
word(size_t off, uint32_t v)
{
	memcpy(page + off, &v, sizeof(v));
}

static void
make(uint32_t last, uint32_t nbad)
{
	memset(page, 0xee, sizeof(page));
	memcpy(page + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	word(1024, 1);
	word(1028, last);
	word(1032, nbad);
	for (uint32_t i = 0; i < MIN(nbad, SWAP_MAXBAD); i++)
		word(1536 + 4 * i, 1 + i);
}

TEST(what_is_right)
{
	make(99, 0);
	CHECK_EQ(swap_header_parse(page, 100, &sh), 0);
	CHECK_EQ(sh.sh_npages, 100);
	CHECK_EQ(sh.sh_nbad, 0);
	CHECK_EQ(swap_header_parse(page, UINT64_MAX, &sh), 0);
	CHECK_EQ(sh.sh_npages, 100);
	make(1000, SWAP_MAXBAD);
	CHECK_EQ(swap_header_parse(page, 2000, &sh), 0);
	CHECK_EQ(sh.sh_nbad, SWAP_MAXBAD);
	CHECK_EQ(sh.sh_bad[0], 1);
	CHECK_EQ(sh.sh_bad[SWAP_MAXBAD - 1], SWAP_MAXBAD);
}

TEST(what_is_wrong)
{
	make(99, 0);
	CHECK_EQ(swap_header_parse(page, 99, &sh), EINVAL);
	CHECK_EQ(swap_header_parse(page, 0, &sh), EINVAL);
	page[PAGE_SIZE - 1] = '1';
	CHECK_EQ(swap_header_parse(page, 100, &sh), EINVAL);
	make(99, 0);
	word(1024, 0);
	CHECK_EQ(swap_header_parse(page, 100, &sh), EINVAL);
	word(1024, 0x01000000);			/* the other byte order */
	CHECK_EQ(swap_header_parse(page, 100, &sh), EINVAL);
	make(0, 0);
	CHECK_EQ(swap_header_parse(page, 100, &sh), EINVAL);
	make(UINT32_MAX, 0);
	CHECK_EQ(swap_header_parse(page, UINT64_MAX, &sh), EINVAL);
	make(1000, SWAP_MAXBAD + 1);
	CHECK_EQ(swap_header_parse(page, 2000, &sh), EINVAL);
	make(1000, UINT32_MAX);
	CHECK_EQ(swap_header_parse(page, 2000, &sh), EINVAL);
	make(10, 11);
	CHECK_EQ(swap_header_parse(page, 2000, &sh), EINVAL);
	make(10, 3);
	word(1536, 0);
	CHECK_EQ(swap_header_parse(page, 2000, &sh), EINVAL);
}
