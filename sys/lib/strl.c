/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String functions that ISO C does not have.
 */
#include <sys/libkern.h>

void
explicit_memset(void *dst, int c, size_t n)
{
	memset(dst, c, n);
	__asm__ volatile("" : : "r"(dst) : "memory");
}

size_t
strlcpy(char *restrict dst, const char *restrict src, size_t size)
{
	size_t n = strlen(src), m = n < size ? n : size - 1;

	if (size > 0) {
		memcpy(dst, src, m);
		dst[m] = '\0';
	}
	return n;
}

size_t
strlcat(char *restrict dst, const char *restrict src, size_t size)
{
	size_t n = strnlen(dst, size);

	if (n == size)
		return n + strlen(src);
	return n + strlcpy(dst + n, src, size - n);
}
