/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions, at every alignment and near page ends.
 */
/* sources: sys/lib/string.c */
#include <sys/libkern.h>
#include <sys/param.h>

#include <host.h>
#include <ktest.h>

/* The functions themselves, not what the compiler makes of the names. */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp

static unsigned char a[96], b[96];

static void
fill(unsigned char *p, size_t n, unsigned int seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (unsigned char)(seed + i * 7);
}

TEST(memcpy_all_offsets)
{
	size_t d, s, n, i;

	for (d = 0; d < 9; d++)
		for (s = 0; s < 9; s++)
			for (n = 0; n < 70; n++) {
				fill(a, sizeof(a), 1);
				fill(b, sizeof(b), 101);
				CHECK(memcpy(a + d, b + s, n) == a + d);
				for (i = 0; i < sizeof(a); i++)
					CHECK_EQ(a[i], i >= d && i < d + n ?
					    b[i - d + s] :
					    (unsigned char)(1 + i * 7));
			}
}

TEST(memmove_overlaps)
{
	size_t d, s, n, i;

	for (d = 0; d < 20; d++)
		for (s = 0; s < 20; s++)
			for (n = 0; n < 70; n++) {
				fill(a, sizeof(a), 3);
				CHECK(memmove(a + d, a + s, n) == a + d);
				for (i = 0; i < sizeof(a); i++)
					CHECK_EQ(a[i], (unsigned char)(3 +
					    (i >= d && i < d + n ?
					    i - d + s : i) * 7));
			}
}

TEST(memset_and_compare)
{
	size_t d, n, i;

	for (d = 0; d < 9; d++)
		for (n = 0; n < 70; n++) {
			fill(a, sizeof(a), 0);
			CHECK(memset(a + d, 0x1a5, n) == a + d);
			for (i = 0; i < sizeof(a); i++)
				CHECK_EQ(a[i], i >= d && i < d + n ? 0xa5 :
				    (unsigned char)(i * 7));
		}
	for (n = 0; n < 40; n++) {
		memset(a, 0x80, sizeof(a));
		memset(b, 0x80, sizeof(b));
		CHECK_EQ(memcmp(a + 1, b, 40), 0);
		a[1 + n] = 0x81;
		CHECK(memcmp(a + 1, b, 40) > 0);
		CHECK(memcmp(b, a + 1, 40) < 0);
		CHECK_EQ(memcmp(a + 1, b, n), 0);
	}
	CHECK(memchr("abc\0d", 'd', 5) != NULL);
	CHECK(memchr("abcd", 'd', 3) == NULL);
}

TEST(strlen_everywhere)
{
	char *page = host_alloc(PAGE_SIZE, PAGE_SIZE);
	size_t start, n;

	for (start = 0; start < 17; start++)
		for (n = 0; n < 40; n++) {
			memset(page, 0, 8);
			memset(page + start, 0xff, n);
			page[start + n] = '\0';
			CHECK_EQ(strlen(page + start), n);
			CHECK_EQ(strnlen(page + start, n / 2), n / 2);
			CHECK_EQ(strnlen(page + start, n + 5), n);
		}
	memset(page, 1, PAGE_SIZE);
	page[PAGE_SIZE - 1] = '\0';
	CHECK_EQ(strlen(page + PAGE_SIZE - 4), 3);
	host_free(page);
}

TEST(compare_strings)
{
	CHECK_EQ(strcmp("", ""), 0);
	CHECK(strcmp("a", "b") < 0);
	CHECK(strcmp("ab", "a") > 0);
	CHECK(strcmp("\xff", "a") > 0);
	CHECK_EQ(strncmp("abc", "abd", 2), 0);
	CHECK(strncmp("abc", "abd", 3) < 0);
	CHECK_EQ(strncmp("ab", "ab", 9), 0);
}

TEST(find_in_strings)
{
	const char *s = "/usr/bin/env";

	CHECK(strchr(s, '/') == s);
	CHECK(strrchr(s, '/') == s + 8);
	CHECK(strchr(s, 'z') == NULL);
	CHECK(strrchr(s, 'z') == NULL);
	CHECK(strchr(s, '\0') == s + 12);
	CHECK(strrchr(s, '\0') == s + 12);
	CHECK(strstr(s, "bin") == s + 5);
	CHECK(strstr(s, "") == s);
	CHECK(strstr(s, "binx") == NULL);
	CHECK(strstr("aab", "ab") != NULL);
}

TEST(bounded_copies)
{
	char buf[6];

	CHECK_EQ(strlcpy(buf, "hello", sizeof(buf)), 5);
	CHECK_STR(buf, "hello");
	CHECK_EQ(strlcpy(buf, "toolong", sizeof(buf)), 7);
	CHECK_STR(buf, "toolo");
	CHECK_EQ(strlcpy(buf, "x", 0), 1);
	CHECK_STR(buf, "toolo");
	strlcpy(buf, "ab", sizeof(buf));
	CHECK_EQ(strlcat(buf, "cd", sizeof(buf)), 4);
	CHECK_STR(buf, "abcd");
	CHECK_EQ(strlcat(buf, "efgh", sizeof(buf)), 8);
	CHECK_STR(buf, "abcde");
	CHECK_EQ(strlcat(buf, "x", 2), 3);
	CHECK_STR(buf, "abcde");
}
