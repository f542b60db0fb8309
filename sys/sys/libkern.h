/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The freestanding library: memory, strings, numbers, checksums, sorting.
 * Every function works in any context and takes no lock.
 */
#ifndef _SYS_LIBKERN_H_
#define	_SYS_LIBKERN_H_

#include <stdarg.h>

#include <sys/types.h>

/* Memory and strings as in ISO C and POSIX; strl*() as in BSD. */
void	*memcpy(void *restrict, const void *restrict, size_t);
void	*memmove(void *, const void *, size_t);
void	*memset(void *, int, size_t);
int	memcmp(const void *, const void *, size_t);
void	*memchr(const void *, int, size_t);
size_t	strlen(const char *);
size_t	strnlen(const char *, size_t);
int	strcmp(const char *, const char *);
int	strncmp(const char *, const char *, size_t);
char	*strchr(const char *, int);
char	*strrchr(const char *, int);
char	*strstr(const char *, const char *);
size_t	strlcpy(char *restrict, const char *restrict, size_t);
size_t	strlcat(char *restrict, const char *restrict, size_t);

/* Cleared for good: the compiler may not leave it out. */
void	explicit_memset(void *, int, size_t);

/*
 * The compiler's own versions: constant sizes and strings cost no call.  The
 * functions are what is left to call.
 */
#define	memcpy(d, s, n)		__builtin_memcpy((d), (s), (n))
#define	memmove(d, s, n)	__builtin_memmove((d), (s), (n))
#define	memset(d, c, n)		__builtin_memset((d), (c), (n))
#define	memcmp(a, b, n)		__builtin_memcmp((a), (b), (n))
#define	strlen(s)		__builtin_strlen(s)
#define	strcmp(a, b)		__builtin_strcmp((a), (b))

/*
 * Numbers: the whole string is one number in that base (2 to 36; 0 means as
 * in C: 0x, 0, decimal).  EINVAL if it is not, ERANGE if it does not fit;
 * the result is unchanged then.
 */
int	kstrtou64(const char *, int base, uint64_t *) __must_check;
int	kstrtoi64(const char *, int base, int64_t *) __must_check;
int	kstrtou32(const char *, int base, uint32_t *) __must_check;
/* The number at the start; *end is what follows.  EINVAL if there is none. */
int	kstrtou64_prefix(const char *, int base, uint64_t *, const char **end)
	    __must_check;

/*
 * Formatted text.  Conversions d i u x X o p s c % with the flags - # 0 + and
 * space, width and precision (also `*`), lengths hh h l ll z j t.  Always
 * terminated when size > 0; the result is the length without the limit.
 */
int	snprintf(char *, size_t, const char *, ...) __printflike(3, 4);
int	vsnprintf(char *, size_t, const char *, va_list) __printflike(3, 0);
/* The same into a buffer known to be large enough: the length that is there. */
int	scnprintf(char *, size_t, const char *, ...) __printflike(3, 4);
/* The engine: out(arg, text, length) is called for each piece. */
int	kvprintf(void (*out)(void *, const char *, size_t), void *,
	    const char *, va_list) __printflike(3, 0);

/* Is it a letter, a digit...: ASCII only. */
static inline bool isdigit(int c) { return c >= '0' && c <= '9'; }
static inline bool isupper(int c) { return c >= 'A' && c <= 'Z'; }
static inline bool islower(int c) { return c >= 'a' && c <= 'z'; }
static inline bool isalpha(int c) { return isupper(c) || islower(c); }
static inline bool isalnum(int c) { return isalpha(c) || isdigit(c); }
static inline bool isprint(int c) { return c >= ' ' && c <= '~'; }
static inline bool
isspace(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool
isxdigit(int c)
{
	return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
static inline int tolower(int c) { return isupper(c) ? c + ('a' - 'A') : c; }
static inline int toupper(int c) { return islower(c) ? c - ('a' - 'A') : c; }

/* CRC-32 (IEEE 802.3) and CRC-32C; start with 0, chain by the result. */
uint32_t crc32(uint32_t crc, const void *, size_t);
uint32_t crc32c(uint32_t crc, const void *, size_t);

/* SipHash-2-4: a hash that is safe against chosen input with a secret key. */
uint64_t siphash24(const uint64_t key[2], const void *, size_t);
/* FNV-1a, for input that nobody attacks. */
uint32_t hash32(const void *, size_t);

/* In place, not stable, O(n log n) always, no memory. */
void	kheapsort(void *, size_t n, size_t size,
	    int (*cmp)(const void *, const void *));

/* n * mul / div without losing the product's high half; div != 0. */
uint64_t muldiv64(uint64_t n, uint64_t mul, uint64_t div);

/*
 * gzip (RFC 1952).  gunzip_member() decompresses the member at the start of
 * the input; *used is its length there.  EINVAL if it is corrupt or not gzip,
 * ENOSPC if outcap is too small, ENOMEM.  Thread context, may sleep.
 * gunzip_size() tells the size modulo 2^32 that the trailer at the input's end
 * claims; untrusted.
 */
bool	gunzip_probe(const void *, size_t);
int	gunzip_member(const void *in, size_t inlen, void *out, size_t outcap,
	    size_t *outlen, size_t *used) __must_check;
int	gunzip_size(const void *in, size_t inlen, size_t *size) __must_check;

#endif /* !_SYS_LIBKERN_H_ */
