/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers from text, and multiplication with a wide product.
 */
/* sources: sys/lib/number.c */
#include <sys/errno.h>
#include <sys/libkern.h>

#include <ktest.h>

TEST(bases)
{
	uint64_t v;

	CHECK_EQ(kstrtou64("0", 10, &v), 0);
	CHECK_EQ(v, 0);
	CHECK_EQ(kstrtou64("42", 0, &v), 0);
	CHECK_EQ(v, 42);
	CHECK_EQ(kstrtou64("0x1F", 0, &v), 0);
	CHECK_EQ(v, 31);
	CHECK_EQ(kstrtou64("0x1F", 16, &v), 0);
	CHECK_EQ(v, 31);
	CHECK_EQ(kstrtou64("017", 0, &v), 0);
	CHECK_EQ(v, 15);
	CHECK_EQ(kstrtou64("zz", 36, &v), 0);
	CHECK_EQ(v, 35 * 36 + 35);
}

TEST(bad_numbers_change_nothing)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "x", "0x", "-1", "+1", "08", "1.5", "0xg",
	};
	uint64_t v = 7;
	size_t i;

	for (i = 0; i < __arraycount(bad); i++)
		CHECK_EQ(kstrtou64(bad[i], 0, &v), EINVAL);
	CHECK_EQ(kstrtou64("1", 1, &v), EINVAL);
	CHECK_EQ(kstrtou64("1", 37, &v), EINVAL);
	CHECK_EQ(v, 7);
}

TEST(range)
{
	uint64_t v = 7;
	uint32_t w = 7;
	int64_t i = 7;

	CHECK_EQ(kstrtou64("18446744073709551615", 10, &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_EQ(kstrtou64("18446744073709551616", 10, &v), ERANGE);
	CHECK_EQ(kstrtou64("0x10000000000000000", 0, &v), ERANGE);
	CHECK(v == UINT64_MAX);
	CHECK_EQ(kstrtou32("4294967295", 10, &w), 0);
	CHECK(w == UINT32_MAX);
	CHECK_EQ(kstrtou32("4294967296", 10, &w), ERANGE);
	CHECK_EQ(kstrtoi64("-9223372036854775808", 10, &i), 0);
	CHECK(i == INT64_MIN);
	CHECK_EQ(kstrtoi64("9223372036854775808", 10, &i), ERANGE);
	CHECK_EQ(kstrtoi64("-9223372036854775809", 10, &i), ERANGE);
	CHECK_EQ(kstrtoi64("+5", 10, &i), 0);
	CHECK_EQ(i, 5);
	CHECK_EQ(kstrtoi64("--5", 10, &i), EINVAL);
}

TEST(prefix)
{
	const char *end;
	uint64_t v;

	CHECK_EQ(kstrtou64_prefix("12,3", 10, &v, &end), 0);
	CHECK_EQ(v, 12);
	CHECK_STR(end, ",3");
	CHECK_EQ(kstrtou64_prefix("0xz", 0, &v, &end), 0);
	CHECK_EQ(v, 0);
	CHECK_STR(end, "xz");
}

TEST(muldiv)
{
	CHECK(muldiv64(0, 5, 7) == 0);
	CHECK(muldiv64(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
	CHECK(muldiv64(UINT64_MAX, 3, 4) == 13835058055282163711ULL);
	CHECK(muldiv64(1000000007ULL << 32, 1000000009, 1ULL << 33) ==
	    500000008000000031ULL);
	CHECK(muldiv64(UINT64_MAX, 1000000000, 2400000000ULL) ==
	    7686143364045646506ULL);
	CHECK(muldiv64(UINT64_MAX, 2, 1) == UINT64_MAX);	/* saturates */
}
