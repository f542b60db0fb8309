/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of partition tables on anything: it ends, stays inside, and what
 * it finds lies on the disk.  The sums in GPT headers are made right, as no
 * fuzzer finds them.
 */
/* sources: sys/dev/disk_part.c */
#include <sys/errno.h>
#include <sys/systm.h>
#include <dev/disk_part.h>

#include <ktest.h>

#include "part_make.h"

#define	BLOCKS		512U
#define	MAXPARTS	64U

int	fuzz_one(const uint8_t *, size_t);

static unsigned char image[BLOCKS * 512];
static unsigned int reads;

static int
read_block(void *ctx, uint64_t block, void *buf)
{
	const struct part_source *src = ctx;

	KASSERT(block < src->ps_blocks);
	if (++reads > 20000)
		panic("reads without end");
	memcpy(buf, image + block * src->ps_bsize, src->ps_bsize);
	return 0;
}

/*
 * Input: a byte of options, then pieces: sector, offset / 2, length, bytes.
 */
static void
build(const uint8_t *data, size_t size)
{
	size_t at, len;

	while (size > 4) {
		at = (size_t)(data[0] | (data[1] & 1) << 8) * 512 +
		    (size_t)data[2] * 2;
		len = MIN((size_t)data[3], MIN(size - 4, sizeof(image) - at));
		memcpy(image + at, data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
}

int
fuzz_one(const uint8_t *data, size_t size)
{
	struct disk_part p[MAXPARTS];
	struct part_source src = { .ps_read = read_block, .ps_ctx = &src };
	unsigned int n, i;
	uint8_t opt;

	if (size < 1)
		return 0;
	opt = data[0];
	src.ps_bsize = (opt & 1) != 0 ? 4096 : 512;
	src.ps_blocks = sizeof(image) / src.ps_bsize;
	memset(image, 0, sizeof(image));
	if ((opt & 2) != 0)
		put_gpt(image, src.ps_bsize, src.ps_blocks, false);
	build(data + 1, size - 1);
	if ((opt & 2) != 0)
		put_gpt(image, src.ps_bsize, src.ps_blocks, true);
	reads = 0;
	KASSERT(part_parse(&src, p, MAXPARTS, &n) == 0);
	KASSERT(n <= MAXPARTS);
	for (i = 0; i < n; i++) {
		KASSERT(p[i].dp_number >= 1 && p[i].dp_number <= DISK_MAXPART);
		KASSERT(p[i].dp_sectors != 0);
		KASSERT(p[i].dp_start < BLOCKS &&
		    p[i].dp_sectors <= BLOCKS - p[i].dp_start);
		KASSERT(strnlen(p[i].dp_uuid, 40) < 40);
		KASSERT(strnlen(p[i].dp_name, 40) < 40);
	}
	return 0;
}
