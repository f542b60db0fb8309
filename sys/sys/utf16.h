/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text in UTF-16, as CDs and FAT have it.
 */
#ifndef _SYS_UTF16_H_
#define	_SYS_UTF16_H_

#include <sys/types.h>

/*
 * n units of UTF-16 (big: the high byte comes first) as UTF-8, with a NUL;
 * ends at a unit of zero.  What is no character becomes U+FFFD.  The length,
 * which is less than size: whole characters only.
 */
size_t	utf16_to_utf8(const unsigned char *, size_t n, bool big, char *,
	    size_t size);
/* The other way, to at most max units: EILSEQ, ENAMETOOLONG. */
int	utf8_to_utf16(const char *, size_t len, uint16_t *, size_t max,
	    size_t *n);

#endif /* !_SYS_UTF16_H_ */
