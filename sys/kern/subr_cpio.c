/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of newc cpio archives.
 *
 * Overview: an archive is a row of entries: a header of hexadecimal numbers,
 * the name, the data, both padded to four bytes; it ends with an entry named
 * TRAILER!!!.  A function is called for each entry with pointers into the
 * archive.
 *
 * Untrusted input: all of it.  Every length is checked against what is left
 * before it is used, in a way that cannot overflow.  Names that lead out of
 * the tree are not given to the callback.
 */
#include <sys/cpio.h>
#include <sys/errno.h>
#include <sys/libkern.h>
#include <sys/param.h>

#define	HEADER		110		/* magic and thirteen numbers */
#define	FIELDS		13
#define	TRAILER		"TRAILER!!!"

enum field {
	F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_FILESIZE, F_DEVMAJOR,
	F_DEVMINOR, F_RDEVMAJOR, F_RDEVMINOR, F_NAMESIZE, F_CHECK
};

bool
cpio_probe(const void *buf, size_t len)
{
	return len >= 6 && (memcmp(buf, "070701", 6) == 0 ||
	    memcmp(buf, "070702", 6) == 0);
}

static bool
parse_hex(const unsigned char *p, uint32_t *res)
{
	uint32_t v = 0;
	unsigned int i, c;

	for (i = 0; i < 8; i++) {
		c = p[i];
		if (!isxdigit((int)c))
			return false;
		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*res = v;
	return true;
}

/* Is ".." a component of it, or is it absolute? */
static bool
leads_out(const char *name)
{
	const char *p = name;

	if (*name == '/')
		return true;
	for (;;) {
		if (p[0] == '.' && p[1] == '.' &&
		    (p[2] == '/' || p[2] == '\0'))
			return true;
		p = strchr(p, '/');
		if (p == NULL)
			return false;
		p++;
	}
}

static uint32_t
checksum(const unsigned char *p, size_t n)
{
	uint32_t sum = 0;

	while (n-- > 0)
		sum += *p++;
	return sum;
}

/*
 * Decode the entry at the start of p.  NULL, or what is wrong; *total is the
 * size of the whole entry, cut off at the end of the archive.
 */
static const char *
decode(const unsigned char *p, size_t len, struct cpio_entry *ce,
    size_t *total)
{
	uint32_t f[FIELDS];
	size_t i, nameend, dataoff;

	if (len < HEADER)
		return "truncated in a header";
	if (!cpio_probe(p, len))
		return "no cpio header where one must be";
	for (i = 0; i < FIELDS; i++)
		if (!parse_hex(p + 6 + 8 * i, &f[i]))
			return "a number in a header is not hexadecimal";
	if (f[F_NAMESIZE] == 0 || f[F_NAMESIZE] > MAXPATHLEN)
		return "the length of a name is impossible";
	nameend = HEADER + (size_t)f[F_NAMESIZE];
	if (nameend > len)
		return "truncated in a name";
	ce->ce_name = (const char *)p + HEADER;
	if (strnlen(ce->ce_name, f[F_NAMESIZE]) != f[F_NAMESIZE] - 1)
		return "a name is not terminated where it must be";
	/* The padding may be missing at the very end. */
	dataoff = MIN(roundup2(nameend, (size_t)4), len);
	if (f[F_FILESIZE] > len - dataoff)
		return "truncated in a file";
	ce->ce_data = p + dataoff;
	ce->ce_size = f[F_FILESIZE];
	if (p[5] == '2' && (f[F_MODE] & 0170000) == 0100000 &&
	    checksum(ce->ce_data, ce->ce_size) != f[F_CHECK])
		return "the checksum of a file is wrong";
	ce->ce_ino = f[F_INO];
	ce->ce_mode = f[F_MODE];
	ce->ce_uid = f[F_UID];
	ce->ce_gid = f[F_GID];
	ce->ce_nlink = f[F_NLINK];
	ce->ce_mtime = f[F_MTIME];
	ce->ce_devmajor = f[F_DEVMAJOR];
	ce->ce_devminor = f[F_DEVMINOR];
	ce->ce_rdevmajor = f[F_RDEVMAJOR];
	ce->ce_rdevminor = f[F_RDEVMINOR];
	*total = dataoff + ce->ce_size;
	*total += MIN(-*total & 3, len - *total);
	return NULL;
}

int
cpio_parse(const void *buf, size_t len, cpio_fn *fn, void *ctx,
    struct cpio_result *cr)
{
	const unsigned char *p = buf;
	struct cpio_entry ce;
	size_t total;
	int error;

	memset(cr, 0, sizeof(*cr));
	for (;;) {
		if (cr->cr_used == len) {
			cr->cr_fault = "truncated: no trailer";
			return EINVAL;
		}
		cr->cr_fault = decode(p + cr->cr_used, len - cr->cr_used, &ce,
		    &total);
		if (cr->cr_fault != NULL)
			return EINVAL;
		if (strcmp(ce.ce_name, TRAILER) == 0) {
			cr->cr_used += total;
			return 0;
		}
		ce.ce_offset = cr->cr_used;
		if (leads_out(ce.ce_name)) {
			cr->cr_refused++;
		} else {
			cr->cr_entries++;
			error = fn(ctx, &ce);
			if (error != 0)
				return error;
		}
		cr->cr_used += total;
	}
}
