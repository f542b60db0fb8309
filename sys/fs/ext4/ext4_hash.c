/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: the hashes of names that directories are indexed by.
 *
 * Overview: "legacy" (a hash of its own), half of MD4 and TEA, each over signed
 * or unsigned characters, keyed by the superblock's seed.  Bit 0 of the result
 * is clear: the tree uses it.
 */
#include <sys/errno.h>
#include <fs/ext4/ext4.h>

#define	HASH_EOF	0xfffffffeU	/* taken: the end of a directory */

static inline uint32_t
rol(uint32_t v, unsigned int n)
{
	return v << n | v >> (32 - n);
}

static inline uint32_t
char_of(const char *p, bool uns)
{
	return uns ? (unsigned char)*p : (uint32_t)(int32_t)(signed char)*p;
}

static uint32_t
legacy(const char *name, size_t len, bool uns)
{
	uint32_t h, h0 = 0x12a3fe2d, h1 = 0x37abe8f9;

	for (; len > 0; len--, name++) {
		h = h1 + (h0 ^ char_of(name, uns) * 7152373);
		if ((h & 0x80000000U) != 0)
			h -= 0x7fffffff;
		h1 = h0;
		h0 = h;
	}
	return h0 << 1;
}

/* Up to n words of the name, filled up with its length. */
static void
words(const char *p, size_t len, uint32_t *out, unsigned int n, bool uns)
{
	uint32_t pad = (uint32_t)len | (uint32_t)len << 8, v;
	unsigned int i, k;

	pad |= pad << 16;
	len = MIN(len, n * 4);
	for (i = 0; i < n; i++) {
		v = pad;
		for (k = 0; k < 4 && len > 0; k++, len--)
			v = char_of(p++, uns) + (v << 8);
		out[i] = v;
	}
}

static void
tea(uint32_t buf[4], const uint32_t in[4])
{
	uint32_t sum = 0, b0 = buf[0], b1 = buf[1];
	unsigned int i;

	for (i = 0; i < 16; i++) {
		sum += 0x9e3779b9;
		b0 += ((b1 << 4) + in[0]) ^ (b1 + sum) ^ ((b1 >> 5) + in[1]);
		b1 += ((b0 << 4) + in[2]) ^ (b0 + sum) ^ ((b0 >> 5) + in[3]);
	}
	buf[0] += b0;
	buf[1] += b1;
}

/* Three rounds of eight steps; which word, and how far to rotate. */
static void
half_md4(uint32_t buf[4], const uint32_t in[8])
{
	static const uint8_t word[3][8] = { { 0, 1, 2, 3, 4, 5, 6, 7 },
	    { 1, 3, 5, 7, 0, 2, 4, 6 }, { 3, 7, 2, 6, 1, 5, 0, 4 } };
	static const uint8_t shift[3][4] = { { 3, 7, 11, 19 },
	    { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
	static const uint32_t add[3] = { 0, 0x5a827999, 0x6ed9eba1 };
	uint32_t v[4] = { buf[0], buf[1], buf[2], buf[3] }, f, b, c, d;
	unsigned int r, i, a;

	for (r = 0; r < 3; r++)
		for (i = 0; i < 8; i++) {
			a = (4 - i % 4) % 4;
			b = v[(a + 1) % 4];
			c = v[(a + 2) % 4];
			d = v[(a + 3) % 4];
			if (r == 0)
				f = d ^ (b & (c ^ d));
			else if (r == 1)
				f = (b & c) + ((b ^ c) & d);
			else
				f = b ^ c ^ d;
			v[a] = rol(v[a] + f + in[word[r][i]] + add[r],
			    shift[r][i % 4]);
		}
	for (i = 0; i < 4; i++)
		buf[i] += v[i];
}

/* EOPNOTSUPP: an unknown version. */
int
ext4_hash(const struct ext4_mount *em, unsigned int version,
    const char *name, size_t len, uint32_t *hash)
{
	uint32_t buf[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	const uint32_t *seed = em->em_sb.s_hash_seed;
	bool uns = version >= EXT4_HASH_UNSIGNED;
	uint32_t in[8], h;
	size_t step, n;

	if (uns)
		version -= EXT4_HASH_UNSIGNED;
	if (version > EXT4_HASH_TEA)
		return EOPNOTSUPP;
	if ((seed[0] | seed[1] | seed[2] | seed[3]) != 0)
		memcpy(buf, seed, sizeof(buf));
	step = version == EXT4_HASH_TEA ? 16 : 32;
	if (version == EXT4_HASH_LEGACY) {
		h = legacy(name, len, uns);
	} else {
		for (n = 0; n < len; n += step) {
			words(name + n, len - n, in,
			    (unsigned int)(step / 4), uns);
			if (version == EXT4_HASH_TEA)
				tea(buf, in);
			else
				half_md4(buf, in);
		}
		h = version == EXT4_HASH_TEA ? buf[0] : buf[1];
	}
	h &= ~1U;
	*hash = h == HASH_EOF ? HASH_EOF - 2 : h;
	return 0;
}
