/* SPDX-License-Identifier: BSD-2-Clause */
/* The random number generator: ChaCha20 against RFC 8439, and its use. */
/* sources: sys/kern/kern_random.c sys/kern/chacha20.c */
#include <sys/boot.h>
#include <sys/cpu.h>
#include <sys/systm.h>
#include <machine/clock.h>

#include <host.h>
#include <ktest.h>

#include "../../../sys/kern/chacha20.h"

struct bootinfo bootinfo;
static bool have_rdseed, have_rdrand;
static uint64_t cpu_word;
static nsec_t raw;

bool
cpu_rdseed(uint64_t *v)
{
	*v = cpu_word++;
	return have_rdseed;
}

bool
cpu_rdrand(uint64_t *v)
{
	*v = cpu_word++;
	return have_rdrand;
}

nsec_t
clock_raw(void)
{
	return raw += 10;
}

nsec_t
clock_wall_base(void)
{
	return 1234567890LL * NSEC_PER_SEC;
}

/* RFC 8439, 2.3.2. */
TEST(block_function)
{
	static const uint8_t want[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
		0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
		0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03,
		0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
		0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09,
		0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
		0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9,
		0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	static const uint32_t nonce[3] = { 0x09000000, 0x4a000000, 0 };
	uint32_t key[8], out[16];
	unsigned int i;

	for (i = 0; i < 32; i++)
		((uint8_t *)key)[i] = (uint8_t)i;
	chacha20_block(key, 1, nonce, out);
	CHECK(memcmp(out, want, sizeof(want)) == 0);
}

/* RFC 8439, A.1, test vectors 1 and 4. */
TEST(block_vectors)
{
	static const uint8_t zero_key[16] = {
		0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
		0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28,
	};
	static const uint8_t ff_key[16] = {
		0x72, 0xd5, 0x4d, 0xfb, 0xf1, 0x2e, 0xc4, 0x4b,
		0x36, 0x26, 0x92, 0xdf, 0x94, 0x13, 0x7f, 0x32,
	};
	static const uint32_t nonce[3];
	uint32_t key[8] = { 0 }, out[16];

	chacha20_block(key, 0, nonce, out);
	CHECK(memcmp(out, zero_key, 16) == 0);
	((uint8_t *)key)[1] = 0xff;
	chacha20_block(key, 2, nonce, out);
	CHECK(memcmp(out, ff_key, 16) == 0);
}

/* Every length, and no two outputs alike. */
TEST(lengths)
{
	uint8_t a[2100], b[2100];
	size_t n, i;
	unsigned int same, ones;

	random_init();
	for (n = 0; n < sizeof(a); n += n < 100 ? 1 : 97) {
		memset(a, 0xaa, sizeof(a));
		memset(b, 0xaa, sizeof(b));
		random_bytes(a, n);
		random_bytes(b, n);
		for (same = 0, i = 0; i < n; i++)
			same += a[i] == b[i];
		CHECK(n < 32 || same < n / 8);
		for (i = n; i < sizeof(a); i++)
			CHECK_EQ(a[i], 0xaa);
	}
	random_bytes(a, 2048);
	for (ones = 0, i = 0; i < 2048 * 8; i++)
		ones += a[i / 8] >> i % 8 & 1;
	CHECK(ones > 7800 && ones < 8584);	/* 6 sigma */
}

/* What makes the outcome differ: seeds, reseeding, the CPU. */
static void
first_bytes(uint8_t out[32])
{
	random_init();
	random_bytes(out, 32);
}

TEST(seeds_matter)
{
	uint8_t a[32], b[32];

	cpu_word = 0x1111;
	have_rdseed = true;
	first_bytes(a);
	have_rdseed = false;
	have_rdrand = true;
	first_bytes(b);
	CHECK(memcmp(a, b, 32) != 0);
}

static uint8_t twin[2][32];

/* Both twins restored from one save: only the clocks differ. */
TEST(resume_as_a_new_domain)
{
	nsec_t saved;

	random_init();
	random_bytes(twin[0], 32);
	saved = raw;
	random_resume(false);		/* cancelled: costs nothing */
	CHECK_EQ(raw, saved);
	random_resume(true);
	CHECK(raw != saved);
	random_bytes(twin[1], 32);
	CHECK(memcmp(twin[0], twin[1], 32) != 0);
}

TEST(cpus_have_their_own)
{
	struct cpu_info *ci = host_alloc(64, sizeof(*ci));
	uint8_t a[32], b[32];

	memset(ci, 0, sizeof(*ci));
	ci->ci_self = ci;
	ci->ci_index = 3;
	random_init();
	random_bytes(a, 32);
	shim_curcpu = ci;
	random_bytes(b, 32);
	shim_curcpu = &cpu_info_primary;
	CHECK(memcmp(a, b, 32) != 0);
	host_free(ci);
}

TEST(reseeds_by_itself)
{
	uint64_t before;
	uint8_t a[8];

	have_rdseed = true;
	random_init();
	before = cpu_word;
	random_bytes(a, sizeof(a));
	CHECK_EQ(cpu_word, before);
	shim_advance(301 * NSEC_PER_SEC);
	random_bytes(a, sizeof(a));
	CHECK(cpu_word > before);
}
