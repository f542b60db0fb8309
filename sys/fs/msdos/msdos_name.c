/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT: names, the short ones of 8 + 3 bytes and the long ones.
 *
 * Overview: names are compared without regard to the case of ASCII letters and
 * to dots at their end.  Bytes of a short name beyond ASCII are of code page
 * 437, as everywhere where nothing else was said.
 */
#include <sys/errno.h>
#include <sys/utf16.h>
#include <fs/msdos/msdos.h>

/* Code page 437 from 0x80 on. */
static const uint16_t cp437[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7,
	0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5,
	0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
	0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192,
	0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba,
	0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
	0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556,
	0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
	0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
	0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
	0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4,
	0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
	0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
	0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* n bytes of a short name; the length. */
static size_t
short_part(const uint8_t *p, size_t n, bool lower, char *out)
{
	unsigned char u[2];
	size_t at = 0, i;
	uint16_t w;
	uint8_t c;

	while (n > 0 && p[n - 1] == ' ')
		n--;
	for (i = 0; i < n; i++) {
		c = p[i];
		if (c >= 0x80) {
			w = cp437[c - 0x80];
			if (lower && w >= 0xc0 && w < 0xdf)
				w += 0x20;
			u[0] = (unsigned char)w;
			u[1] = (unsigned char)(w >> 8);
			at += utf16_to_utf8(u, 1, false, out + at, 4);
		} else if (c < ' ' || c == '/') {
			out[at++] = '_';
		} else {
			out[at++] = (char)(lower ? tolower(c) : c);
		}
	}
	return at;
}

/* The longest is 11 letters of three bytes: longer than `out`, so cut. */
void
msdos_short_text(const struct fat_dirent *de, char out[14])
{
	char base[8 * 3 + 1], ext[3 * 3 + 1];
	uint8_t raw[8];
	size_t n, m;

	memcpy(raw, de->d_name, 8);
	if (raw[0] == 0x05)		/* what stands for SLOT_FREE */
		raw[0] = 0xe5;
	n = short_part(raw, 8, (de->d_case & 8) != 0, base);
	m = short_part(de->d_name + 8, 3, (de->d_case & 16) != 0, ext);
	if (n + 1 + m > 13) {		/* no room: in ASCII then */
		for (n = 0; n < 8 && raw[n] != ' '; n++)
			base[n] = (char)(raw[n] >= 0x80 ? '_' : raw[n]);
		for (m = 0; m < 3 && de->d_name[8 + m] != ' '; m++)
			ext[m] = (char)(de->d_name[8 + m] >= 0x80 ? '_' :
			    de->d_name[8 + m]);
	}
	if (n == 0)
		base[n++] = '_';
	memcpy(out, base, n);
	if (m > 0) {
		out[n++] = '.';
		memcpy(out + n, ext, m);
		n += m;
	}
	out[n] = '\0';
	for (m = 0; m < n; m++)
		if (out[m] == '/' || (unsigned char)out[m] < ' ')
			out[m] = '_';
}

uint8_t
msdos_short_sum(const uint8_t *name)
{
	uint8_t sum = 0;
	unsigned int i;

	for (i = 0; i < 11; i++)
		sum = (uint8_t)((uint8_t)(sum << 7 | sum >> 1) + name[i]);
	return sum;
}

/* Without the dots at the end, which do not count. */
size_t
msdos_trim(const char *name, size_t len)
{
	while (len > 0 && name[len - 1] == '.')
		len--;
	return len;
}

bool
msdos_same_name(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t i;

	alen = msdos_trim(a, alen);
	blen = msdos_trim(b, blen);
	if (alen != blen)
		return false;
	for (i = 0; i < alen; i++)
		if (tolower((unsigned char)a[i]) !=
		    tolower((unsigned char)b[i]))
			return false;
	return true;
}

/* May a file be called so?  EINVAL. */
int
msdos_name_check(const char *name, size_t len)
{
	size_t i;

	len = msdos_trim(name, len);
	if (len == 0 || name[len - 1] == ' ')
		return EINVAL;
	for (i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' ||
		    strchr("\"*/:<>?\\|", name[i]) != NULL)
			return EINVAL;
	return 0;
}

/* A byte as a short name can have it; false: something was lost. */
static bool
short_char(unsigned char c, uint8_t *out)
{
	if (c >= 0x80 || strchr("+,;=[]. ", c) != NULL) {
		*out = '_';
		return false;
	}
	*out = (uint8_t)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
	return *out == c;
}

/* Up to max bytes of [s, e); blanks and dots are left out. */
static bool
short_fill(const char *s, const char *e, uint8_t *out, unsigned int max)
{
	unsigned int n = 0;
	bool exact = true;

	for (; s < e; s++) {
		if (*s == ' ' || *s == '.') {
			exact = false;
			continue;
		}
		/* What goes on a character of several bytes. */
		if (((unsigned char)*s & 0xc0) == 0x80)
			continue;
		if (n == max)
			return false;
		exact &= short_char((unsigned char)*s, &out[n++]);
	}
	return exact;
}

bool
msdos_short_make(const char *name, size_t len, uint8_t out[11])
{
	const char *end, *dot;
	bool exact;

	len = msdos_trim(name, len);
	end = name + len;
	while (name < end && *name == '.')	/* ".profile" */
		name++;
	for (dot = end; dot > name && dot[-1] != '.'; dot--)
		continue;
	dot = dot == name ? end : dot - 1;
	memset(out, ' ', 11);
	exact = len == (size_t)(end - name);
	exact &= short_fill(name, dot, out, 8);
	if (dot < end)
		exact &= short_fill(dot + 1, end, out + 8, 3);
	if (out[0] == ' ') {
		out[0] = '_';
		exact = false;
	}
	return exact;
}

/* ~1 to ~9; then four digits of a hash before it. */
void
msdos_short_tail(const char *name, size_t len, unsigned int n,
    uint8_t out[11])
{
	uint32_t h = hash32(name, len) + n;
	unsigned int at, i;

	(void)msdos_short_make(name, len, out);
	for (at = 0; at < 8 && out[at] != ' '; at++)
		continue;
	if (n < 10) {
		at = MIN(at, 6U);
		out[at + 1] = (uint8_t)('0' + n);
	} else {
		at = MIN(at, 2U);
		for (i = 0; i < 4; i++, h >>= 4)
			out[at++] = (uint8_t)"0123456789ABCDEF"[h & 15];
		out[at + 1] = '1';
	}
	out[at] = '~';
}
