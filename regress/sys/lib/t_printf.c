/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted text: each conversion with its flags, as ISO C says.
 */
/* sources: sys/lib/printf.c */
/* cflags: -Wno-format -Wno-format-security */
#include <sys/libkern.h>

#include <ktest.h>

#define	CHECK_FMT(want, ...)	do {					\
	char __buf[256];						\
	int __n = snprintf(__buf, sizeof(__buf), __VA_ARGS__);		\
	CHECK_STR(__buf, want);						\
	CHECK_EQ(__n, sizeof(want) - 1);				\
} while (0)

/* Formats that are no constants. */
static const char *volatile fmt;

TEST(integers)
{
	CHECK_FMT("0 -1 42", "%d %i %u", 0, -1, 42);
	CHECK_FMT("-2147483648", "%d", INT32_MIN);
	CHECK_FMT("-9223372036854775808", "%lld", (long long)INT64_MIN);
	CHECK_FMT("18446744073709551615", "%llu", ~0ULL);
	CHECK_FMT("1777777777777777777777", "%llo", ~0ULL);
	CHECK_FMT("ffffffffffffffff", "%jx", UINTMAX_MAX);
	CHECK_FMT("beef BEEF 0xbeef 0XBEEF", "%x %X %#x %#X", 0xbeef, 0xbeef,
	    0xbeef, 0xbeef);
	CHECK_FMT("0 0", "%#x %#o", 0, 0);
	CHECK_FMT("010", "%#o", 8);
	CHECK_FMT("-1 255 -1 65535", "%hhd %hhu %hd %hu", 0xff, 0xff, 0xffff,
	    0xffff);
	CHECK_FMT("7 -7 9", "%zu %td %ld", (size_t)7, (ptrdiff_t)-7, 9L);
}

TEST(width_and_precision)
{
	CHECK_FMT("[   42][42   ][00042]", "[%5d][%-5d][%05d]", 42, 42, 42);
	CHECK_FMT("[  -42][-0042][-42  ]", "[%5d][%05d][%-05d]", -42, -42,
	    -42);
	CHECK_FMT("[+42][ 42][-42]", "[%+d][% d][%+d]", 42, 42, -42);
	CHECK_FMT("[  042][042  ]", "[%5.3d][%-5.3d]", 42, 42);
	CHECK_FMT("[   42]", "[%*d]", 5, 42);
	CHECK_FMT("[42   ]", "[%*d]", -5, 42);
	CHECK_FMT("[00042]", "[%.*d]", 5, 42);
	CHECK_FMT("[]", "[%.0d]", 0);
	CHECK_FMT("[0x0000002a][  0x2a]", "[%#010x][%#6x]", 42, 42);
	CHECK_FMT("[0042]", "[%.4x]", 0x42);
	CHECK_FMT("                    x", "%21s", "x");
}

TEST(text)
{
	CHECK_FMT("a%b", "%c%%%c", 'a', 'b');
	CHECK_FMT("[abc][  abc][abc  ][ab]", "[%s][%5s][%-5s][%.2s]", "abc",
	    "abc", "abc", "abc");
	CHECK_FMT("[ab]", "[%.*s]", 2, "abc");
	CHECK_FMT("(null)", "%s", (char *)(uintptr_t)(fmt != NULL));
	CHECK_FMT("0x1234", "%p", (void *)0x1234);
}

TEST(strange_formats_stay)
{
	char buf[32];

	fmt = "100%";
	snprintf(buf, sizeof(buf), fmt);
	CHECK_STR(buf, "100%");
	fmt = "%q|";
	snprintf(buf, sizeof(buf), fmt);
	CHECK_STR(buf, "%q|");
}

TEST(limits)
{
	char buf[8] = "unused";

	CHECK_EQ(snprintf(buf, 0, "%d", 123456), 6);
	CHECK_STR(buf, "unused");
	CHECK_EQ(snprintf(NULL, 0, "%s", "four"), 4);
	CHECK_EQ(snprintf(buf, 4, "%d", 123456), 6);
	CHECK_STR(buf, "123");
	CHECK_EQ(scnprintf(buf, 4, "%d", 123456), 3);
	CHECK_EQ(scnprintf(buf, sizeof(buf), "%d", 12), 2);
	CHECK_EQ(scnprintf(buf, 0, "%d", 12), 0);
	CHECK_EQ(snprintf(buf, 1, "x"), 1);
	CHECK_STR(buf, "");
}
