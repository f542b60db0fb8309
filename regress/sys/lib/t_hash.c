/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums and hashes against published values, and heap sort.
 */
/* sources: sys/lib/hash.c sys/lib/sort.c */
#include <sys/libkern.h>
#include <sys/systm.h>

#include <ktest.h>

TEST(crc)
{
	CHECK_EQ(crc32(0, "123456789", 9), 0xcbf43926U);
	CHECK_EQ(crc32c(0, "123456789", 9), 0xe3069283U);
	CHECK_EQ(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926U);
	CHECK_EQ(crc32(0, "", 0), 0);
}

TEST(siphash)
{
	uint64_t key[2] = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };
	unsigned char in[15];
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	CHECK(siphash24(key, in, 15) == 0xa129ca6149be45e5ULL);
	CHECK(siphash24(key, in, 0) == 0x726fdb47dd0e0e31ULL);
	CHECK(siphash24(key, in, 8) == 0x93f5f5799a932462ULL);
}

TEST(fnv)
{
	CHECK_EQ(hash32("", 0), 0x811c9dc5U);
	CHECK_EQ(hash32("foobar", 6), 0xbf9cf968U);
}

static int
cmp_u16(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

TEST(sort)
{
	uint16_t v[64];
	uint32_t before, after;
	size_t n, i;

	for (n = 0; n <= 64; n++) {
		random_bytes(v, sizeof(v));
		for (i = before = 0; i < n; i++)
			before += v[i] % 16;
		for (i = 0; i < n; i++)
			v[i] %= 16;
		kheapsort(v, n, sizeof(v[0]), cmp_u16);
		for (i = after = 0; i < n; i++) {
			after += v[i];
			CHECK(i == 0 || v[i - 1] <= v[i]);
		}
		CHECK_EQ(before, after);
	}
}
