/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions.
 *
 * Overview: the memory functions move words through the compiler's unaligned
 * accesses; the block instructions of x86 beat that only for large blocks.
 * Those move words, too: a CPU with fast string instructions does not care,
 * one without, or an emulated one, is several times as fast as with bytes.
 * The last word of a block overlaps the one before it where the size is odd.
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

#ifdef __LP64__
#define	REP_MOVS	"rep movsq"
#define	REP_STOS	"rep stosq"
#else
#define	REP_MOVS	"rep movsl"
#define	REP_STOS	"rep stosl"
#endif

/* Forward, so dst may lie in front of src and overlap it. */
void *
memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;
	size_t words = n / sizeof(uword);
	uword last;

	if (words == 0) {
		for (; n > 0; n--) {
			*d++ = *s++;
			__asm__ volatile("" : : : "memory"); /* no memcpy() */
		}
		return dst;
	}
	last = *(const uword *)(s + n - sizeof(uword));
	__asm__ volatile(REP_MOVS : "+D"(d), "+S"(s), "+c"(words) : :
	    "memory");
	*(uword *)((unsigned char *)dst + n - sizeof(uword)) = last;
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
	unsigned char *d = dst;
	size_t words = n / sizeof(uword);
	uword w = ONES * (unsigned char)c;

	if (words == 0) {
		for (; n > 0; n--) {
			*d++ = (unsigned char)c;
			__asm__ volatile("" : : : "memory"); /* no memset() */
		}
		return dst;
	}
	*(uword *)(d + n - sizeof(uword)) = w;
	__asm__ volatile(REP_STOS : "+D"(d), "+c"(words) : "a"(w) : "memory");
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
