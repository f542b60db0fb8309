/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look-up of function names for backtraces.
 *
 * Overview: tools/ksyms packs the names of all functions into the stream
 * described there.  A look-up finds the block by binary search in the index
 * and walks its at most KSYMS_BLOCK symbols.
 *
 * Locking: none; the table is constant and the result buffers are handed out
 * in turn by an atomic counter, so that it works in a panic on several CPUs.
 */
#include <sys/atomic.h>
#include <sys/ksyms.h>
#include <sys/ksyms_table.h>

#define	KSYMS_BUFS	16

extern const char __text_start[], __text_end[];

static const unsigned char *
leb128(const unsigned char *p, unsigned int *v)
{
	unsigned int shift = 0;

	*v = 0;
	do {
		*v |= (*p & 0x7fU) << shift;
		shift += 7;
	} while ((*p++ & 0x80) != 0 && shift < 32);
	return p;
}

/* Undo the pairs: a token on the stack is replaced by the two it stands for. */
static const char *
unpack(const unsigned char *p, unsigned int len)
{
	static char bufs[KSYMS_BUFS][KSYMS_NAMELEN];
	static unsigned int next;
	unsigned char stack[KSYMS_NAMELEN], c;
	unsigned int depth, out = 0;
	char *buf = bufs[atomic_add(&next, 1) % KSYMS_BUFS];

	for (; len > 0; len--) {
		stack[0] = *p++;
		depth = 1;
		while (depth > 0 && out + 1 < KSYMS_NAMELEN) {
			c = stack[--depth];
			if (ksyms_pairs[c][0] == 0) {
				buf[out++] = (char)c;
			} else if (depth + 2 <= sizeof(stack)) {
				stack[depth++] = ksyms_pairs[c][1];
				stack[depth++] = ksyms_pairs[c][0];
			}
		}
	}
	buf[out] = '\0';
	return buf;
}

/* The last block that starts at or before the offset. */
static unsigned int
find_block(unsigned int offset)
{
	unsigned int lo = 0, hi = (ksyms_count - 1) / KSYMS_BLOCK, mid;

	while (lo < hi) {
		mid = (lo + hi + 1) / 2;
		if (ksyms_blocks[mid].kb_offset <= offset)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

const char *
ksyms_lookup(uintptr_t va, uintptr_t *offset)
{
	uintptr_t start = (uintptr_t)__text_start;
	const unsigned char *p, *name;
	unsigned int at, b, delta, i, len;

	*offset = 0;
	if (ksyms_count == 0 || va < start || va >= (uintptr_t)__text_end)
		return NULL;
	b = find_block((unsigned int)(va - start));
	at = ksyms_blocks[b].kb_offset;
	p = leb128(ksyms_stream + ksyms_blocks[b].kb_pos, &delta);
	len = *p++;
	name = p;
	for (i = b * KSYMS_BLOCK + 1;
	    i < ksyms_count && i % KSYMS_BLOCK != 0; i++) {
		p = leb128(name + len, &delta);
		if (start + at + delta > va)
			break;
		at += delta;
		len = *p++;
		name = p;
	}
	*offset = va - start - at;
	return unpack(name, len);
}
