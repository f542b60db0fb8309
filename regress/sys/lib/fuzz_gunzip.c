/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip: no input may write outside the buffer, loop or leak.
 */
/* sources: sys/lib/gunzip.c libdeflate/lib/deflate_decompress.c
 * libdeflate/lib/gzip_decompress.c libdeflate/lib/crc32.c
 * libdeflate/lib/utils.c */
#include <sys/kmem.h>
#include <sys/systm.h>

#include <ktest.h>

int	fuzz_one(const uint8_t *, size_t);

int
fuzz_one(const uint8_t *data, size_t size)
{
	static const size_t caps[] = { 1, 100, 4096 };
	size_t i, n = 0, used;
	char *out;

	for (i = 0; i < __arraycount(caps); i++) {
		out = kmem_alloc(caps[i], KM_SLEEP);
		if (gunzip_member(data, size, out, caps[i], &n, &used) == 0)
			KASSERT(n <= caps[i] && used <= size);
		kmem_free(out, caps[i]);
		KASSERT(kmem_outstanding() == 0);
	}
	return 0;
}
