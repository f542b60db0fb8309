/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip: what `gzip -9n` made of known texts, cut and bent in every place.
 */
/* sources: sys/lib/gunzip.c libdeflate/lib/deflate_decompress.c
 * libdeflate/lib/gzip_decompress.c libdeflate/lib/crc32.c
 * libdeflate/lib/utils.c */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/libkern.h>

#include <ktest.h>

/* "hello hello hello hello\n" */
static const unsigned char hello[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48,
	0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9, 0x00, 0x00, 0x88, 0x59,
	0x0b, 0x18, 0x00, 0x00, 0x00,
};
static const char text[] = "hello hello hello hello\n";
#define	TEXTLEN	(sizeof(text) - 1)

TEST(probe_and_size)
{
	size_t size = 0;

	CHECK(gunzip_probe(hello, sizeof(hello)));
	CHECK(!gunzip_probe(hello, 17));
	CHECK(!gunzip_probe("070701xxxxxxxxxxxxxxxxxx", 24));
	CHECK_EQ(gunzip_size(hello, sizeof(hello), &size), 0);
	CHECK_EQ(size, 24);
	CHECK_EQ(gunzip_size(hello, 10, &size), EINVAL);
}

TEST(whole)
{
	char out[64];
	size_t n = 99, used;

	CHECK_EQ(gunzip_member(hello, sizeof(hello), out, sizeof(out),
	    &n, &used), 0);
	CHECK_EQ(n, TEXTLEN);
	CHECK_EQ(memcmp(out, text, n), 0);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(exact_and_too_small)
{
	char out[TEXTLEN];
	size_t n = 99, used, cap;

	CHECK_EQ(gunzip_member(hello, sizeof(hello), out, TEXTLEN, &n,
	    &used), 0);
	CHECK_EQ(n, TEXTLEN);
	for (cap = 0; cap < TEXTLEN; cap++)
		CHECK_EQ(gunzip_member(hello, sizeof(hello), out, cap, &n,
		    &used), ENOSPC);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(what_follows_is_left)
{
	unsigned char in[2 * sizeof(hello)];
	char out[64];
	size_t n, used;

	memcpy(in, hello, sizeof(hello));
	memset(in + sizeof(hello), 0xaa, sizeof(hello));
	CHECK_EQ(gunzip_member(in, sizeof(in), out, sizeof(out), &n, &used),
	    0);
	CHECK_EQ(n, TEXTLEN);
	CHECK_EQ(used, sizeof(hello));
}

TEST(every_cut_and_flip_is_noticed)
{
	unsigned char in[sizeof(hello)];
	char out[64];
	size_t i, n, used, bit;

	for (i = 0; i < sizeof(hello); i++) {
		memcpy(in, hello, sizeof(in));
		CHECK(gunzip_member(in, i, out, sizeof(out), &n,
		    &used) != 0);
		/* Time, flags of the compressor and its system are no data. */
		if (i >= 4 && i < 10)
			continue;
		for (bit = 0; bit < 8; bit++) {
			in[i] = hello[i] ^ (unsigned char)(1 << bit);
			if (gunzip_member(in, sizeof(in), out, sizeof(out),
			    &n, &used) == 0) {
				CHECK_EQ(n, TEXTLEN);
				CHECK_EQ(memcmp(out, text, n), 0);
			}
		}
	}
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(no_memory)
{
	char out[64];
	size_t n = 0, used;
	int error;

	KTEST_NTH_FAIL(
		error = gunzip_member(hello, sizeof(hello), out,
		    sizeof(out), &n, &used);
		CHECK_EQ(error, kmem_failed() ? ENOMEM : 0);
	);
	CHECK_EQ(n, TEXTLEN);
	CHECK_EQ(kmem_outstanding(), 0);
}
