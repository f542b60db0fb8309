/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bits in words and in bitmaps (arrays of unsigned long); not atomic, the
 * atomic ones are in <sys/atomic.h>.
 */
#ifndef _SYS_BITOPS_H_
#define	_SYS_BITOPS_H_

#include <sys/types.h>

#define	BITMAP_WORD_BITS	(8 * sizeof(unsigned long))
#define	BITMAP_WORDS(n)						\
	(((n) + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS)

/* The number of the lowest or highest set bit, from 1; 0: none is set. */
static inline unsigned int
ffs32(uint32_t v)
{
	return (unsigned int)__builtin_ffs((int)v);
}

static inline unsigned int
ffs64(uint64_t v)
{
	return (unsigned int)__builtin_ffsll((long long)v);
}

static inline unsigned int
fls32(uint32_t v)
{
	return v == 0 ? 0 : 32 - (unsigned int)__builtin_clz(v);
}

static inline unsigned int
fls64(uint64_t v)
{
	return v == 0 ? 0 : 64 - (unsigned int)__builtin_clzll(v);
}

/* The number of set bits, in a form that needs no compiler library. */
static inline unsigned int
popcount64(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555ULL;
	v = (v & 0x3333333333333333ULL) + (v >> 2 & 0x3333333333333333ULL);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (unsigned int)(v * 0x0101010101010101ULL >> 56);
}

static inline bool
powerof2(uint64_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

static inline bool
bit_test(const unsigned long *map, size_t n)
{
	return (map[n / BITMAP_WORD_BITS] >> n % BITMAP_WORD_BITS & 1) != 0;
}

static inline void
bit_set(unsigned long *map, size_t n)
{
	map[n / BITMAP_WORD_BITS] |= 1UL << n % BITMAP_WORD_BITS;
}

static inline void
bit_clear(unsigned long *map, size_t n)
{
	map[n / BITMAP_WORD_BITS] &= ~(1UL << n % BITMAP_WORD_BITS);
}

/* The first set or clear bit in [from, nbits), or nbits if there is none. */
size_t	bit_find_set(const unsigned long *, size_t nbits, size_t from);
size_t	bit_find_clear(const unsigned long *, size_t nbits, size_t from);
/* The start of the first run of n clear bits in [from, nbits), or nbits. */
size_t	bit_find_clear_run(const unsigned long *, size_t nbits, size_t from,
	    size_t n);
/* Set or clear the n bits from `from`. */
void	bit_set_range(unsigned long *, size_t from, size_t n);
void	bit_clear_range(unsigned long *, size_t from, size_t n);
size_t	bit_count(const unsigned long *, size_t nbits);

#endif /* !_SYS_BITOPS_H_ */
