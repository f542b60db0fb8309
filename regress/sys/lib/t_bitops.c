/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bitmaps, compared with a plain array of booleans.
 */
/* sources: sys/lib/bitops.c */
#include <sys/bitops.h>
#include <sys/libkern.h>
#include <sys/systm.h>

#include <ktest.h>

#define	NBITS	200

TEST(words)
{
	CHECK_EQ(ffs32(0), 0);
	CHECK_EQ(ffs32(0x80000000U), 32);
	CHECK_EQ(ffs64(1ULL << 40), 41);
	CHECK_EQ(fls32(1), 1);
	CHECK_EQ(fls32(0), 0);
	CHECK_EQ(fls64(1ULL << 63), 64);
	CHECK_EQ(popcount64(0), 0);
	CHECK_EQ(popcount64(~0ULL), 64);
	CHECK_EQ(popcount64(0x8000000000000001ULL), 2);
	CHECK(powerof2(1) && powerof2(1ULL << 63));
	CHECK(!powerof2(0) && !powerof2(6));
}

static size_t
slow_find(const bool *ref, size_t from, bool what)
{
	while (from < NBITS && ref[from] != what)
		from++;
	return from;
}

static size_t
slow_run(const bool *ref, size_t from, size_t n)
{
	size_t i;

	for (; from + n <= NBITS; from++) {
		for (i = 0; i < n && !ref[from + i]; i++)
			continue;
		if (i == n)
			return from;
	}
	return NBITS;
}

TEST(random_operations)
{
	unsigned long map[BITMAP_WORDS(NBITS)] = { 0 };
	bool ref[NBITS] = { false };
	uint8_t r[4];
	size_t from, n, i, count;
	int turn;

	for (turn = 0; turn < 5000; turn++) {
		random_bytes(r, sizeof(r));
		from = r[0] % NBITS;
		n = MIN(r[1] % (turn % 3 == 0 ? 150U : 5U), NBITS - from);
		if (r[2] % 2 == 0)
			bit_set_range(map, from, n);
		else
			bit_clear_range(map, from, n);
		for (i = 0; i < n; i++)
			ref[from + i] = r[2] % 2 == 0;
		for (i = count = 0; i < NBITS; i++) {
			CHECK_EQ(bit_test(map, i), ref[i]);
			count += ref[i];
		}
		from = r[3] % NBITS;
		CHECK_EQ(bit_count(map, NBITS), count);
		CHECK_EQ(bit_find_set(map, NBITS, from),
		    slow_find(ref, from, true));
		CHECK_EQ(bit_find_clear(map, NBITS, from),
		    slow_find(ref, from, false));
		n = r[1] % 40 + 1;
		CHECK_EQ(bit_find_clear_run(map, NBITS, from, n),
		    slow_run(ref, from, n));
	}
	CHECK_EQ(bit_find_set(map, NBITS, NBITS), NBITS);
}
