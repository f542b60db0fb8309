/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names in UTF-16, as CDs, FAT and partition tables have them, to and from the
 * UTF-8 of everything else.
 *
 * Untrusted input: both sides; what is no character is replaced or refused.
 */
#include <sys/errno.h>
#include <sys/utf16.h>

#define	REPLACEMENT	0xfffdU

static uint32_t
unit(const unsigned char *p, size_t i, bool big)
{
	return (uint32_t)p[2 * i + (big ? 0 : 1)] << 8 |
	    p[2 * i + (big ? 1 : 0)];
}

static unsigned int
put(uint32_t c, unsigned char *b)
{
	unsigned int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	unsigned int i;

	for (i = n - 1; i > 0; i--, c >>= 6)
		b[i] = (unsigned char)(0x80 | (c & 0x3f));
	b[0] = (unsigned char)(n == 1 ? c : (0xf00U >> n & 0xff) | c);
	return n;
}

size_t
utf16_to_utf8(const unsigned char *p, size_t n, bool big, char *out,
    size_t size)
{
	unsigned char b[4];
	size_t i, at = 0;
	unsigned int k, len;
	uint32_t c, low;

	for (i = 0; i < n; i++) {
		c = unit(p, i, big);
		if (c == 0)
			break;
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < n &&
		    ((low = unit(p, i + 1, big)) & 0xfc00) == 0xdc00) {
			c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
			i++;
		} else if ((c & 0xf800) == 0xd800) {
			c = REPLACEMENT;
		}
		len = put(c, b);
		if (at + len >= size)
			break;
		for (k = 0; k < len; k++)
			out[at++] = (char)b[k];
	}
	out[at] = '\0';
	return at;
}

/* One character at s; its length in bytes, 0: there is none. */
static unsigned int
get(const unsigned char *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int n, i;
	uint32_t c = s[0];

	n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 :
	    c < 0xf8 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	if (n > 1)
		c &= 0x7fU >> n;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c & 0xfffff800) == 0xd800)
		return 0;
	*cp = c;
	return n;
}

int
utf8_to_utf16(const char *s, size_t len, uint16_t *out, size_t max,
    size_t *np)
{
	size_t n = 0;
	unsigned int k;
	uint32_t c;

	for (; len > 0; s += k, len -= k) {
		k = get((const unsigned char *)s, len, &c);
		if (k == 0)
			return EILSEQ;
		if (n + (c >= 0x10000 ? 2 : 1) > max)
			return ENAMETOOLONG;
		if (c >= 0x10000) {
			c -= 0x10000;
			out[n++] = (uint16_t)(0xd800 | c >> 10);
			c = 0xdc00 | (c & 0x3ff);
		}
		out[n++] = (uint16_t)c;
	}
	*np = n;
	return 0;
}
