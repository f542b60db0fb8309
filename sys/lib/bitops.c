/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Searching and filling bitmaps, a word at a time.
 */
#include <sys/bitops.h>

/* The first bit in [from, nbits) that is set in the map XOR flip. */
static size_t
find_bit(const unsigned long *map, size_t nbits, size_t from,
    unsigned long flip)
{
	size_t i = from / BITMAP_WORD_BITS, n;
	unsigned long w;

	if (from >= nbits)
		return nbits;
	w = (map[i] ^ flip) & ~0UL << from % BITMAP_WORD_BITS;
	while (w == 0) {
		if (++i >= BITMAP_WORDS(nbits))
			return nbits;
		w = map[i] ^ flip;
	}
	n = i * BITMAP_WORD_BITS + (size_t)__builtin_ctzl(w);
	return n < nbits ? n : nbits;
}

size_t
bit_find_set(const unsigned long *map, size_t nbits, size_t from)
{
	return find_bit(map, nbits, from, 0);
}

size_t
bit_find_clear(const unsigned long *map, size_t nbits, size_t from)
{
	return find_bit(map, nbits, from, ~0UL);
}

size_t
bit_find_clear_run(const unsigned long *map, size_t nbits, size_t from,
    size_t n)
{
	size_t end;

	for (;;) {
		from = bit_find_clear(map, nbits, from);
		if (n > nbits - from)
			return nbits;
		end = bit_find_set(map, from + n, from);
		if (end == from + n)
			return from;
		from = end;
	}
}

void
bit_set_range(unsigned long *map, size_t from, size_t n)
{
	for (; n > 0 && from % BITMAP_WORD_BITS != 0; n--)
		bit_set(map, from++);
	for (; n >= BITMAP_WORD_BITS; n -= BITMAP_WORD_BITS) {
		map[from / BITMAP_WORD_BITS] = ~0UL;
		from += BITMAP_WORD_BITS;
	}
	for (; n > 0; n--)
		bit_set(map, from++);
}

void
bit_clear_range(unsigned long *map, size_t from, size_t n)
{
	for (; n > 0 && from % BITMAP_WORD_BITS != 0; n--)
		bit_clear(map, from++);
	for (; n >= BITMAP_WORD_BITS; n -= BITMAP_WORD_BITS) {
		map[from / BITMAP_WORD_BITS] = 0;
		from += BITMAP_WORD_BITS;
	}
	for (; n > 0; n--)
		bit_clear(map, from++);
}

size_t
bit_count(const unsigned long *map, size_t nbits)
{
	size_t count = 0, i;

	for (i = 0; i < nbits / BITMAP_WORD_BITS; i++)
		count += popcount64(map[i]);
	if (nbits % BITMAP_WORD_BITS != 0)
		count += popcount64(map[i] &
		    ((1UL << nbits % BITMAP_WORD_BITS) - 1));
	return count;
}
