/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF notes for Xen's domain builder, in assembly.
 */
#ifndef _XEN_NOTES_H_
#define	_XEN_NOTES_H_

#ifdef __ASSEMBLER__
#include <xen/public/elfnote.h>

#define	XEN_NOTE(type, ...)						\
	.pushsection .note.Xen, "a", @note;				\
	.balign 4;							\
	.long 772f - 771f;						\
	.long 774f - 773f;						\
	.long type;							\
771:	.asciz "Xen";							\
772:	.balign 4;							\
773:	__VA_ARGS__;							\
774:	.balign 4;							\
	.popsection

#endif /* __ASSEMBLER__ */
#endif /* !_XEN_NOTES_H_ */
