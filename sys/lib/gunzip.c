/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip decompression, by libdeflate.
 *
 * Overview: the library decompresses from one buffer into another in one go
 * and keeps no state between members.
 *
 * Untrusted input: all of it; the library checks every length and the
 * checksum, and the size in the trailer is only a hint for the caller.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/libkern.h>

#include <libdeflate.h>

#define	GZIP_MIN	18	/* header and trailer of an empty member */

/* The library frees without a size: it is kept in front of the memory. */
static void *
deflate_alloc(size_t size)
{
	size_t *p;

	if (size > SIZE_MAX - 16)
		return NULL;
	p = kmem_alloc(size + 16, KM_SLEEP);
	if (p == NULL)
		return NULL;
	*p = size + 16;
	return (char *)p + 16;
}

static void
deflate_free(void *p)
{
	size_t *size;

	if (p == NULL)
		return;
	size = (size_t *)(void *)((char *)p - 16);
	kmem_free(size, *size);
}

bool
gunzip_probe(const void *in, size_t inlen)
{
	const unsigned char *p = in;

	return inlen >= GZIP_MIN && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

int
gunzip_size(const void *in, size_t inlen, size_t *size)
{
	const unsigned char *p = in;

	if (!gunzip_probe(in, inlen))
		return EINVAL;
	p += inlen - 4;
	*size = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
	    (size_t)p[3] << 24;
	return 0;
}

static int
result_errno(enum libdeflate_result result)
{
	switch (result) {
	case LIBDEFLATE_SUCCESS:
		return 0;
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return ENOSPC;
	default:
		return EINVAL;
	}
}

int
gunzip_member(const void *in, size_t inlen, void *out, size_t outcap,
    size_t *outlen, size_t *used)
{
	struct libdeflate_decompressor *d;
	int error;

	if (!gunzip_probe(in, inlen))
		return EINVAL;
	libdeflate_set_memory_allocator(deflate_alloc, deflate_free);
	d = libdeflate_alloc_decompressor();
	if (d == NULL)
		return ENOMEM;
	error = result_errno(libdeflate_gzip_decompress_ex(d, in, inlen, out,
	    outcap, used, outlen));
	libdeflate_free_decompressor(d);
	return error;
}
