/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables: what is found in them, and what is refused.
 */
/* sources: sys/dev/disk_part.c */
#include <sys/errno.h>
#include <sys/systm.h>
#include <dev/disk_part.h>

#include <ktest.h>

#include "part_make.h"

static unsigned char image[8192 * 512];
static uint32_t bsize = 512;
static uint64_t bad_block = UINT64_MAX;
static struct disk_part p[DISK_MAXPART];
static unsigned int n;

static int
read_block(void *ctx __unused, uint64_t block, void *buf)
{
	CHECK((block + 1) * bsize <= sizeof(image));
	if (block == bad_block)
		return EIO;
	memcpy(buf, image + block * bsize, bsize);
	return 0;
}

static int
scan(void)
{
	struct part_source src = {
		.ps_read = read_block, .ps_blocks = sizeof(image) / bsize,
		.ps_bsize = bsize
	};

	return part_parse(&src, p, DISK_MAXPART, &n);
}

static void
is(unsigned int i, unsigned int number, uint64_t start, uint64_t sectors)
{
	CHECK(i < n);
	CHECK_EQ(p[i].dp_number, number);
	CHECK_EQ(p[i].dp_start, start);
	CHECK_EQ(p[i].dp_sectors, sectors);
}

TEST(nothing)
{
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 0);
	image[510] = 0x55;
	image[511] = 0xaa;
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 0);
	bad_block = 0;
	CHECK_EQ(scan(), EIO);
}

TEST(mbr)
{
	put_mbr(image, 0, 0, 0x83, 64, 1000);
	put_mbr(image, 0, 2, 0x82, 2048, 99999);
	put32(image + 440, 0x12ab34cd);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 2);
	is(0, 1, 64, 1000);
	is(1, 3, 2048, 8192 - 2048);	/* cut */
	CHECK_STR(p[0].dp_uuid, "12ab34cd-01");
	CHECK_STR(p[1].dp_uuid, "12ab34cd-03");
	/* A boot sector has the same signature. */
	image[446] = 0x41;
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 0);
}

TEST(logical)
{
	put_mbr(image, 0, 0, 0x83, 64, 100);
	put_mbr(image, 0, 1, 0x05, 1000, 4000);
	put_mbr(image, 1000, 0, 0x83, 10, 500);
	put_mbr(image, 1000, 1, 0x05, 1000, 1000);
	put_mbr(image, 2000, 0, 0x82, 20, 100);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 4);
	is(1, 2, 1000, 2);
	is(2, 5, 1010, 500);
	is(3, 6, 2020, 100);
	/* A chain that comes back. */
	put_mbr(image, 2000, 1, 0x05, 0, 1000);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 4);
	put_mbr(image, 2000, 1, 0x05, 1000, 1000);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 4);
	/* One that leaves its place. */
	put_mbr(image, 2000, 1, 0x05, 4001, 1000);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 4);
	bad_block = 2000;
	CHECK_EQ(scan(), EIO);
}

TEST(gpt)
{
	unsigned int i;

	put_gpt(image, 512, 8192, false);
	put_gpt_entry(image, 512, 8192, 0, 2048, 4095, "root");
	put_gpt_entry(image, 512, 8192, 6, 5000, 5999, "Da\xc3ten");
	put_gpt_entry(image, 512, 8192, 7, 6000, 8191, "beyond the end");
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 2);
	is(0, 1, 2048, 2048);
	is(1, 7, 5000, 1000);
	CHECK_STR(p[0].dp_name, "root");
	CHECK_STR(p[1].dp_name, "Da!ten");
	CHECK_STR(p[0].dp_uuid, "03020100-0504-0706-0809-0a0b0c0d0e0f");
	/* Without the protective MBR it is none. */
	image[450] = 0;
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 0);
	image[450] = 0xee;
	/* The copy at the end. */
	image[512 + 60] ^= 1;
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 2);
	image[8191 * 512 + 60] ^= 1;
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 1);			/* the protective entry itself */
	image[512 + 60] ^= 1;
	/* No bit of header or table may be wrong. */
	for (i = 0; i < 92; i++) {
		image[512 + i] ^= 0x10;
		CHECK_EQ(scan(), 0);
		CHECK_EQ(n, 1);
		image[512 + i] ^= 0x10;
	}
	for (i = 0; i < 128; i++) {
		image[1024 + i] ^= 0x10;
		CHECK_EQ(scan(), 0);
		CHECK_EQ(n, 1);
		image[1024 + i] ^= 0x10;
	}
}

TEST(gpt_on_4k)
{
	bsize = 4096;
	put_gpt(image, 4096, 1024, false);
	put_gpt_entry(image, 4096, 1024, 1, 256, 511, "x");
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 1);
	is(0, 2, 2048, 2048);
}

TEST(bsd)
{
	put_mbr(image, 0, 1, 0xa9, 1000, 5000);
	put_bsd(image, 1001 * 512, (const struct bsd_part[]){
	    { 100, 1000, 7 }, { 50, 1100, 1 }, { 5000, 1000, 1 },
	    { 8192, 0, 1 }, { 10, 5999, 7 }, { 4000, 2000, 7 } }, 6);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 4);
	is(0, 2, 1000, 5000);
	is(1, 5, 1000, 100);
	is(2, 6, 1100, 50);
	is(3, 7, 2000, 4000);
	/* Offsets from the start of the slice. */
	put_bsd(image, 1001 * 512, (const struct bsd_part[]){
	    { 100, 16, 7 }, { 0, 0, 0 }, { 5000, 0, 1 } }, 3);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 2);
	is(1, 5, 1016, 100);
	/* A wrong sum. */
	image[1001 * 512 + 20] ^= 1;
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 1);
}

TEST(bsd_alone)
{
	put_bsd(image, 512, (const struct bsd_part[]){ { 100, 16, 7 },
	    { 0, 0, 0 }, { 8192, 0, 1 }, { 0, 0, 0 }, { 200, 300, 7 } }, 5);
	CHECK_EQ(scan(), 0);
	CHECK_EQ(n, 3);
	is(0, 1, 16, 100);
	is(1, 3, 0, 8192);
	is(2, 5, 300, 200);
}

TEST(room_for_few)
{
	struct part_source src = { .ps_read = read_block,
	    .ps_blocks = 8192, .ps_bsize = 512 };

	put_gpt(image, 512, 8192, false);
	for (unsigned int i = 0; i < 10; i++)
		put_gpt_entry(image, 512, 8192, i, 100 * i + 100,
		    100 * i + 199, "p");
	CHECK_EQ(part_parse(&src, p, 4, &n), 0);
	CHECK_EQ(n, 4);
}

TEST(no_memory)
{
	put_gpt(image, 512, 8192, false);
	put_gpt_entry(image, 512, 8192, 0, 2048, 4095, "root");
	KTEST_NTH_FAIL(CHECK(scan() == (kmem_failed() ? ENOMEM : 0)));
	CHECK_EQ(n, 1);
	CHECK_EQ(kmem_outstanding(), 0);
}
