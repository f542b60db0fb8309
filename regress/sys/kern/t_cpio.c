/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpio parser: what it finds, what it refuses, and an archive cut and
 * bent in every place.
 */
/* sources: sys/kern/subr_cpio.c */
#include <sys/cpio.h>
#include <sys/errno.h>

#include <ktest.h>
#include "cpio_make.h"

struct seen {
	int	n, stop;
	char	names[8][32];
	struct cpio_entry last;
};

static int
note(void *ctx, const struct cpio_entry *ce)
{
	struct seen *s = ctx;

	CHECK(s->n < 8 && strlen(ce->ce_name) < 32);
	(void)strlcpy(s->names[s->n++], ce->ce_name, 32);
	s->last = *ce;
	return s->n == s->stop ? EIO : 0;
}

static void
sample(struct archive *a)
{
	memset(a, 0, sizeof(*a));
	archive_add(a, (struct member){ .name = ".", .mode = S_IFDIR | 0755 });
	archive_add(a, (struct member){ .name = "a-file", .data = "contents",
	    .mode = S_IFREG | 04755, .ino = 7, .uid = 1, .gid = 2,
	    .mtime = 0x5f000000 });
	archive_add(a, (struct member){ .name = "link", .data = "a-file",
	    .mode = S_IFLNK | 0777 });
	archive_add(a, (struct member){ .name = "dev/console",
	    .mode = S_IFCHR | 0600, .rmajor = 5, .rminor = 1 });
	archive_end(a);
}

TEST(entries_come_in_order)
{
	static struct archive a;
	struct cpio_result cr;
	struct seen s = { .n = 0 };

	sample(&a);
	CHECK(cpio_probe(a.a_buf, a.a_len));
	CHECK(!cpio_probe("070707", 6));
	CHECK(!cpio_probe("07070", 5));
	CHECK_EQ(cpio_parse(a.a_buf, a.a_len, note, &s, &cr), 0);
	CHECK_EQ(cr.cr_used, a.a_len);
	CHECK_EQ(cr.cr_entries, 4);
	CHECK_EQ(s.n, 4);
	CHECK_STR(s.names[1], "a-file");
	CHECK_EQ(s.last.ce_mode, S_IFCHR | 0600);
	CHECK(s.last.ce_rdevmajor == 5 && s.last.ce_rdevminor == 1);
	/* The callback can stop it at any entry. */
	s.n = 0;
	s.stop = 2;
	CHECK_EQ(cpio_parse(a.a_buf, a.a_len, note, &s, &cr), EIO);
	CHECK(cr.cr_fault == NULL);
	CHECK_EQ(s.last.ce_size, 8);
	CHECK_EQ(memcmp(s.last.ce_data, "contents", 8), 0);
	CHECK_EQ(s.last.ce_mtime, 0x5f000000);
}

TEST(what_follows_the_trailer_is_left)
{
	static struct archive a;
	struct cpio_result cr;
	struct seen s = { .n = 0 };
	size_t len;

	sample(&a);
	len = a.a_len;
	memcpy(a.a_buf + a.a_len, "070701 rubbish", 14);
	CHECK_EQ(cpio_parse(a.a_buf, a.a_len + 14, note, &s, &cr), 0);
	CHECK_EQ(cr.cr_used, len);
}

TEST(names_that_lead_out_are_refused)
{
	static const char *const bad[] = {
		"/etc/passwd", "..", "../x", "a/../../x", "a/..", "./../x",
	};
	static const char *const good[] = {
		"..x", "x..", "a/..b", "...", "./x", "a//b",
	};
	static struct archive a;
	struct cpio_result cr;
	struct seen s = { .n = 0 };
	size_t i;

	for (i = 0; i < __arraycount(bad); i++)
		archive_add(&a, (struct member){ .name = bad[i],
		    .mode = S_IFREG });
	for (i = 0; i < __arraycount(good); i++)
		archive_add(&a, (struct member){ .name = good[i],
		    .mode = S_IFREG });
	archive_end(&a);
	CHECK_EQ(cpio_parse(a.a_buf, a.a_len, note, &s, &cr), 0);
	CHECK_EQ(cr.cr_refused, __arraycount(bad));
	CHECK_EQ(s.n, __arraycount(good));
}

static const char *
fault_of(struct archive *a)
{
	struct cpio_result cr;
	struct seen s = { .n = 0 };

	if (cpio_parse(a->a_buf, a->a_len, note, &s, &cr) == 0)
		return "none";
	return cr.cr_fault;
}

TEST(faults_are_named)
{
	static struct archive a;

	sample(&a);
	a.a_buf[3] = 'x';
	CHECK_STR(fault_of(&a), "no cpio header where one must be");
	sample(&a);
	a.a_buf[10] = 'g';
	CHECK_STR(fault_of(&a), "a number in a header is not hexadecimal");
	sample(&a);
	memcpy(a.a_buf + 94, "00000000", 8);
	CHECK_STR(fault_of(&a), "the length of a name is impossible");
	sample(&a);
	memcpy(a.a_buf + 94, "ffffffff", 8);
	CHECK_STR(fault_of(&a), "the length of a name is impossible");
	sample(&a);
	memcpy(a.a_buf + 94, "00000003", 8);
	CHECK_STR(fault_of(&a), "a name is not terminated where it must be");
	sample(&a);
	memcpy(a.a_buf + 54, "ffffffff", 8);
	CHECK_STR(fault_of(&a), "truncated in a file");
	sample(&a);
	a.a_len -= 124;		/* the trailer is not there */
	CHECK_STR(fault_of(&a), "truncated: no trailer");
	memset(&a, 0, sizeof(a));
	archive_add(&a, (struct member){ .name = "f", .mode = S_IFREG,
	    .magic = "070702", .data = "ab", .check = 'a' + 'b' });
	archive_end(&a);
	CHECK_STR(fault_of(&a), "none");
	a.a_buf[112] ^= 1;
	CHECK_STR(fault_of(&a), "the checksum of a file is wrong");
}

TEST(cut_anywhere)
{
	static struct archive a;
	struct cpio_result cr;
	struct seen s;
	size_t len, full;

	sample(&a);
	full = a.a_len;
	for (len = 0; len < full; len++) {
		/* In memory of its own, so that reading on is noticed. */
		unsigned char copy[len + 1];

		memcpy(copy, a.a_buf, len);
		memset(&s, 0, sizeof(s));
		if (len >= full - 3) {
			CHECK_EQ(cpio_parse(copy, len, note, &s, &cr), 0);
			continue;	/* only padding was cut */
		}
		CHECK_EQ(cpio_parse(copy, len, note, &s, &cr), EINVAL);
		CHECK(cr.cr_fault != NULL && cr.cr_used <= len);
	}
}

TEST(bent_anywhere)
{
	static struct archive a;
	struct cpio_result cr;
	struct seen s;
	unsigned int v;
	size_t i;

	for (i = 0; ; i++) {
		sample(&a);
		if (i == a.a_len)
			break;
		for (v = 0; v < 256; v += 5) {
			a.a_buf[i] = (unsigned char)v;
			memset(&s, 0, sizeof(s));
			(void)cpio_parse(a.a_buf, a.a_len, note, &s, &cr);
			CHECK(cr.cr_used <= a.a_len);
		}
	}
}
