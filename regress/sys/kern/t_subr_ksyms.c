/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look-up of function names in the table that tools/ksyms makes.  The table
 * is made up; regress/tools/ksyms/t_ksyms.sh has a real one.
 */
/* sources: sys/kern/subr_ksyms.c */
#include <sys/ksyms.h>
#include <sys/ksyms_table.h>
#include <sys/libkern.h>

#include <ktest.h>

/*
 * Three functions at 0x10 ("ab"), 0x20 ("xxab": pairs inside pairs) and
 * 0x120 ("q").  Token 1 is "ab", token 2 is "x" and token 3, 3 is "x" "ab".
 */
const unsigned int ksyms_count = 3;
const unsigned char ksyms_stream[] = {
	0, 1, 1,
	0x10, 2, 'x', 3,
	0x80, 2, 1, 'q',
	0,
};
const unsigned char ksyms_pairs[256][2] = {
	[1] = { 'a', 'b' }, [3] = { 'x', 1 },
};
const struct ksyms_block ksyms_blocks[] = { { 0x10, 0 }, { ~0U, 11 } };

const char __text_start[0x200] = { 0 };
__asm__(".globl __text_end\n.set __text_end, __text_start + 0x200");

TEST(look_up)
{
	uintptr_t start = (uintptr_t)__text_start, off;

	CHECK_STR(ksyms_lookup(start + 0x10, &off), "ab");
	CHECK_EQ(off, 0);
	CHECK_STR(ksyms_lookup(start + 0x1f, &off), "ab");
	CHECK_EQ(off, 0xf);
	CHECK_STR(ksyms_lookup(start + 0x20, &off), "xxab");
	CHECK_EQ(off, 0);
	CHECK_STR(ksyms_lookup(start + 0x11f, &off), "xxab");
	CHECK_EQ(off, 0xff);
	CHECK_STR(ksyms_lookup(start + 0x120, &off), "q");
	CHECK_STR(ksyms_lookup(start + 0x1ff, &off), "q");
	CHECK_EQ(off, 0xdf);
}

TEST(outside_the_text)
{
	uintptr_t off = 9;

	CHECK(ksyms_lookup(0, &off) == NULL);
	CHECK_EQ(off, 0);
	CHECK(ksyms_lookup((uintptr_t)__text_start - 1, &off) == NULL);
	CHECK(ksyms_lookup(UINTPTR_MAX, &off) == NULL);
}

TEST(several_names_at_once)
{
	uintptr_t start = (uintptr_t)__text_start, off;
	const char *a = ksyms_lookup(start + 0x10, &off);
	const char *b = ksyms_lookup(start + 0x20, &off);

	CHECK_STR(a, "ab");
	CHECK_STR(b, "xxab");
}
