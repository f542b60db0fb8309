/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of function names that tools/ksyms makes for the final link; the
 * format is described there.
 */
#ifndef _SYS_KSYMS_TABLE_H_
#define	_SYS_KSYMS_TABLE_H_

#define	KSYMS_BLOCK	32	/* symbols in a block; as in tools/ksyms */
#define	KSYMS_NAMELEN	128	/* of an unpacked name, with its NUL */

struct ksyms_block {
	unsigned int	kb_offset;	/* of the first symbol */
	unsigned int	kb_pos;		/* in ksyms_stream */
};

extern const unsigned int ksyms_count;
extern const unsigned char ksyms_stream[];
extern const unsigned char ksyms_pairs[256][2];	/* {0,0}: a plain byte */
extern const struct ksyms_block ksyms_blocks[];	/* and one that ends them */

#endif /* !_SYS_KSYMS_TABLE_H_ */
