/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables made by tests.
 */
#ifndef _PART_MAKE_H_
#define	_PART_MAKE_H_

#include <sys/systm.h>

static inline void
put16(unsigned char *b, uint32_t v)
{
	b[0] = (unsigned char)v;
	b[1] = (unsigned char)(v >> 8);
}

static inline void
put32(unsigned char *b, uint32_t v)
{
	put16(b, v);
	put16(b + 2, v >> 16);
}

static inline void
put64(unsigned char *b, uint64_t v)
{
	put32(b, (uint32_t)v);
	put32(b + 4, (uint32_t)(v >> 32));
}

/* Entry i of the MBR, or extended table, in that 512-byte sector. */
static inline void
put_mbr(unsigned char *image, size_t sector, unsigned int i,
    unsigned int type, uint32_t start, uint32_t n)
{
	unsigned char *b = image + sector * 512;

	b[446 + 16 * i + 4] = (unsigned char)type;
	put32(b + 446 + 16 * i + 8, start);
	put32(b + 446 + 16 * i + 12, n);
	put16(b + 510, 0xaa55);
}

static inline void
gpt_seal(unsigned char *image, uint32_t bs, uint64_t lba, uint64_t table)
{
	unsigned char *h = image + lba * bs;

	put32(h + 88, crc32(0, image + table * bs, 128 * 128));
	put32(h + 16, 0);
	put32(h + 16, crc32(0, h, 92));
}

static inline void
gpt_header(unsigned char *image, uint32_t bs, uint64_t blocks, uint64_t lba,
    uint64_t table)
{
	unsigned char *h = image + lba * bs;
	uint64_t tabblocks = 128 * 128 / bs;

	memset(h, 0, bs);
	memcpy(h, "EFI PART", 8);
	put32(h + 8, 0x10000);
	put32(h + 12, 92);
	put64(h + 24, lba);
	put64(h + 32, lba == 1 ? blocks - 1 : 1);
	put64(h + 40, 2 + tabblocks);
	put64(h + 48, blocks - 2 - tabblocks);
	put64(h + 72, table);
	put32(h + 80, 128);
	put32(h + 84, 128);
}

/* Both copies of an empty table of 128 entries; or only seal them again. */
static inline void
put_gpt(unsigned char *image, uint32_t bs, uint64_t blocks, bool seal)
{
	uint64_t tabblocks = 128 * 128 / bs, copy = blocks - 1 - tabblocks;

	if (!seal) {
		put_mbr(image, 0, 0, 0xee, 1, (uint32_t)blocks - 1);
		gpt_header(image, bs, blocks, 1, 2);
		gpt_header(image, bs, blocks, blocks - 1, copy);
	}
	gpt_seal(image, bs, 1, 2);
	gpt_seal(image, bs, blocks - 1, copy);
}

static inline void
put_gpt_entry(unsigned char *image, uint32_t bs, uint64_t blocks,
    unsigned int i, uint64_t first, uint64_t last, const char *name)
{
	uint64_t copy = blocks - 1 - 128 * 128 / bs;
	unsigned char *e = image + 2 * bs + 128 * (size_t)i;
	unsigned int j;

	for (j = 0; j < 16; j++) {
		e[j] = (unsigned char)(0xf0 + j);
		e[16 + j] = (unsigned char)j;
	}
	put64(e + 32, first);
	put64(e + 40, last);
	for (j = 0; name[j] != '\0'; j++)
		put16(e + 56 + 2 * j, (unsigned char)name[j]);
	memcpy(image + copy * bs + 128 * (size_t)i, e, 128);
	put_gpt(image, bs, blocks, true);
}

struct bsd_part {
	uint32_t	size, offset;
	unsigned int	type;
};

/* A label of n entries at that byte. */
static inline void
put_bsd(unsigned char *image, size_t at, const struct bsd_part *p,
    unsigned int n)
{
	unsigned char *l = image + at;
	unsigned int i, sum = 0;

	memset(l, 0, 512);
	put32(l, 0x82564557);
	put32(l + 132, 0x82564557);
	put16(l + 138, n);
	for (i = 0; i < n; i++) {
		put32(l + 148 + 16 * i, p[i].size);
		put32(l + 148 + 16 * i + 4, p[i].offset);
		l[148 + 16 * i + 12] = (unsigned char)p[i].type;
	}
	for (i = 0; i < 148 + 16 * n; i += 2)
		sum ^= l[i] | (unsigned int)l[i + 1] << 8;
	put16(l + 136, sum);
}

#endif /* !_PART_MAKE_H_ */
