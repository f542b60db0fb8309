/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums and hashes.
 *
 * Overview: both CRCs are reflected ones and go four bits at a time through
 * a table of sixteen words, which is small enough for every kernel; SipHash
 * is the one of Aumasson and Bernstein with 2 and 4 rounds.
 */
#include <sys/libkern.h>

static const uint32_t crc32_table[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
	0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

static const uint32_t crc32c_table[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
	0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t
crc_update(const uint32_t *table, uint32_t crc, const void *data, size_t n)
{
	const unsigned char *p = data;

	crc = ~crc;
	for (; n > 0; p++, n--) {
		crc ^= *p;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

uint32_t
crc32(uint32_t crc, const void *data, size_t n)
{
	return crc_update(crc32_table, crc, data, n);
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t n)
{
	return crc_update(crc32c_table, crc, data, n);
}

uint32_t
hash32(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint32_t h = 2166136261U;

	for (; n > 0; p++, n--)
		h = (h ^ *p) * 16777619U;
	return h;
}

static inline uint64_t
rotl64(uint64_t v, unsigned int n)
{
	return v << n | v >> (64 - n);
}

static void
sip_rounds(uint64_t v[4], int rounds)
{
	for (; rounds > 0; rounds--) {
		v[0] += v[1];
		v[1] = rotl64(v[1], 13) ^ v[0];
		v[0] = rotl64(v[0], 32);
		v[2] += v[3];
		v[3] = rotl64(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotl64(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotl64(v[1], 17) ^ v[2];
		v[2] = rotl64(v[2], 32);
	}
}

uint64_t
siphash24(const uint64_t key[2], const void *data, size_t n)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL,
	};
	const unsigned char *p = data;
	uint64_t m, last = (uint64_t)n << 56;
	unsigned int shift = 0;

	for (; n >= sizeof(m); p += sizeof(m), n -= sizeof(m)) {
		memcpy(&m, p, sizeof(m));
		v[3] ^= m;
		sip_rounds(v, 2);
		v[0] ^= m;
	}
	for (; n > 0; p++, n--, shift += 8)
		last |= (uint64_t)*p << shift;
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
