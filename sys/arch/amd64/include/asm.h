/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Helpers for assembly files of amd64.
 */
#ifndef _MACHINE_ASM_H_
#define	_MACHINE_ASM_H_

#ifdef __ASSEMBLER__

/* A function, in a section of its own like the compiler's. */
#define	ENTRY(name)							\
	.section .text.name, "ax", @progbits;				\
	.balign 16;							\
	.globl name;							\
	.type name, @function;						\
name:
#define	END(name)	.size name, . - name

/* If the instruction at `from` faults, go on at `to`. */
#define	EX_TABLE(from, to)						\
	.pushsection __ex_table, "a", @progbits;			\
	.balign 8;							\
	.quad from, to;							\
	.popsection

/*
 * Open and close user memory to the kernel (SMAP).  Three bytes of nothing
 * until the entry code finds the feature and writes the instruction there.
 */
#define	USER_ACCESS_BEGIN						\
661:	.byte 0x0f, 0x1f, 0x00;						\
	.pushsection smap_stac_sites, "a", @progbits;			\
	.balign 8;							\
	.quad 661b;							\
	.popsection
#define	USER_ACCESS_END							\
662:	.byte 0x0f, 0x1f, 0x00;						\
	.pushsection smap_clac_sites, "a", @progbits;			\
	.balign 8;							\
	.quad 662b;							\
	.popsection

#endif /* __ASSEMBLER__ */
#endif /* !_MACHINE_ASM_H_ */
