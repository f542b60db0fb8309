/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions.
 *
 * Overview: the memory functions move words through the compiler's unaligned
 * accesses; the block instructions of x86 beat that only for large blocks, so
 * those go to machine code (`rep movsb` and `rep stosb` are the fast ones on
 * every CPU that runs Xen).
 */
#include <sys/libkern.h>

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp

#define	ONES	((unsigned long)-1 / 255)	/* 0x01 in each byte */

typedef unsigned long __attribute__((__may_alias__, __aligned__(1))) uword;

void *
memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : :
	    "memory");
	return dst;
}

void *
memmove(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	/* Forward is right unless dst lies inside the source. */
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	while (n >= sizeof(uword)) {
		n -= sizeof(uword);
		*(uword *)(d + n) = *(const uword *)(s + n);
	}
	while (n > 0) {
		n--;
		d[n] = s[n];
	}
	return dst;
}

void *
memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

int
memcmp(const void *va, const void *vb, size_t n)
{
	const unsigned char *a = va, *b = vb;

	while (n >= sizeof(uword) &&
	    *(const uword *)a == *(const uword *)b) {
		a += sizeof(uword);
		b += sizeof(uword);
		n -= sizeof(uword);
	}
	for (; n > 0; a++, b++, n--)
		if (*a != *b)
			return *a - *b;
	return 0;
}

void *
memchr(const void *vs, int c, size_t n)
{
	const unsigned char *s = vs;

	for (; n > 0; s++, n--)
		if (*s == (unsigned char)c)
			return (void *)(uintptr_t)s;
	return NULL;
}

/* Reads whole aligned words, which never reach into another page. */
__attribute__((__no_sanitize__("address"))) size_t
strlen(const char *s)
{
	const char *p = s;
	unsigned long w;

	for (; (uintptr_t)p % sizeof(w) != 0; p++)
		if (*p == '\0')
			return (size_t)(p - s);
	for (;; p += sizeof(w)) {
		w = *(const uword *)p;
		w = (w - ONES) & ~w & (ONES << 7);
		if (w != 0)
			return (size_t)(p - s) +
			    (size_t)__builtin_ctzl(w) / 8;
	}
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n;

	for (n = 0; n < max && s[n] != '\0'; n++)
		continue;
	return n;
}

int
strcmp(const char *a, const char *b)
{
	for (; *a != '\0' && *a == *b; a++, b++)
		continue;
	return (unsigned char)*a - (unsigned char)*b;
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; a++, b++, n--)
		if (*a != *b || *a == '\0')
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *
strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *
strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (*s == '\0')
			return (char *)(uintptr_t)found;
	}
}

char *
strstr(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (;; s++) {
		if (strncmp(s, what, n) == 0)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}
