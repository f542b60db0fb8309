/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iso9660: Rock Ridge, what a Unix file has beside its name.
 *
 * Overview: behind the name of a directory record are entries with two letters
 * each (SUSP); CE leads to more of them elsewhere.  They give a file its name
 * (NM), owner and mode (PX), device (PN), link text (SL), times (TF), and say
 * where a directory that lies too deep for the standard really is (CL, PL, RE).
 *
 * Untrusted input: all of it.  An entry is looked at when it is whole; a chain
 * of CE ends after AREAS areas.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/cd9660/cd9660.h>

#define	AREAS		32

/* Where the reader of entries is. */
struct susp {
	struct cd_mount	*s_cm;
	struct cd_entry	*s_e;
	bool		s_probe;	/* only look for Rock Ridge */
	bool		s_end;
	uint32_t	s_block, s_off, s_len; /* CE, if s_len != 0 */
	bool		s_nmdone, s_slash;
	bool		s_named;
};

static void
take_name(struct susp *s, const uint8_t *p, unsigned int len)
{
	struct cd_entry *e = s->s_e;
	unsigned int i;

	if (len < 5 || s->s_nmdone || (p[4] & 6) != 0)	/* ".", ".." */
		return;
	if (!s->s_named)
		e->e_namelen = 0;
	s->s_named = true;
	s->s_nmdone = (p[4] & 1) == 0;
	for (i = 5; i < len && e->e_namelen < CD_NAMEMAX; i++)
		e->e_name[e->e_namelen++] = (char)(p[i] == '/' || p[i] == 0 ?
		    '_' : p[i]);
	e->e_name[e->e_namelen] = '\0';
}

static void
link_add(struct cd_entry *e, const char *text, unsigned int len)
{
	if (e->e_linklen + len > CD_LINKMAX) {
		e->e_longlink = true;
		return;
	}
	memcpy(e->e_link + e->e_linklen, text, len);
	e->e_linklen += len;
	e->e_link[e->e_linklen] = '\0';
}

/* Components of a link's text: flags, length, bytes. */
static void
take_link(struct susp *s, const uint8_t *p, unsigned int len)
{
	struct cd_entry *e = s->s_e;
	unsigned int i, n;

	for (i = 5; i + 2 <= len; i += 2 + n) {
		n = p[i + 1];
		if (i + 2 + n > len)
			break;
		if (s->s_slash)
			link_add(e, "/", 1);
		s->s_slash = false;
		if ((p[i] & 8) != 0) {
			link_add(e, "/", 1);
		} else {
			if ((p[i] & 2) != 0)
				link_add(e, ".", 1);
			else if ((p[i] & 4) != 0)
				link_add(e, "..", 2);
			else
				link_add(e, (const char *)p + i + 2, n);
			s->s_slash = (p[i] & 1) == 0;
		}
	}
}

static struct timespec
time17(const uint8_t *p)
{
	uint8_t b[7];
	unsigned int year;

	year = (p[0] & 15U) * 1000 + (p[1] & 15U) * 100 + (p[2] & 15U) * 10 +
	    (p[3] & 15U);
	b[0] = (uint8_t)(year > 1900 ? MIN(year - 1900, 255U) : 0);
	for (unsigned int i = 1; i < 6; i++)
		b[i] = (uint8_t)((p[2 * i + 2] & 15) * 10 +
		    (p[2 * i + 3] & 15));
	b[6] = p[16];
	return cd9660_time7(b);
}

/* Creation, modification, access, attributes: those that are there. */
static void
take_times(struct cd_entry *e, const uint8_t *p, unsigned int len)
{
	unsigned int size = (p[4] & 0x80) != 0 ? 17 : 7, i, at = 5;
	struct timespec t;

	for (i = 0; i < 7; i++) {
		if ((p[4] & 1U << i) == 0)
			continue;
		if (at + size > len)
			break;
		t = size == 17 ? time17(p + at) : cd9660_time7(p + at);
		if (i == 1)
			e->e_mtime = t;
		else if (i == 2)
			e->e_atime = t;
		else if (i == 3)
			e->e_ctime = t;
		at += size;
	}
}

static void
take_posix(struct susp *s, const uint8_t *p, unsigned int len)
{
	struct cd_entry *e = s->s_e;
	mode_t mode = cd_le32(p + 4), type = mode & S_IFMT;

	if (len < 36)
		return;
	s->s_cm->cm_rock |= s->s_probe;
	if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK &&
	    type != S_IFCHR && type != S_IFBLK && type != S_IFIFO &&
	    type != S_IFSOCK)
		return;
	/* The record itself says what is a directory. */
	if (((e->e_flags & CD_DIR) != 0) == (type == S_IFDIR))
		e->e_mode = mode & (S_IFMT | ALLPERMS);
	e->e_nlink = cd_le32(p + 12);
	e->e_uid = cd_le32(p + 20);
	e->e_gid = cd_le32(p + 28);
}

static void
take_dev(struct cd_entry *e, const uint8_t *p)
{
	uint32_t high = cd_le32(p + 4), low = cd_le32(p + 12);

	if ((low & ~0xffU) != 0 && high == 0)
		e->e_rdev = makedev(low >> 8, low & 0xff);
	else
		e->e_rdev = makedev(high, low);
}

static void
relocated(struct susp *s, uint32_t block)
{
	struct cd_entry *e = s->s_e;

	e->e_block = block;
	e->e_flags |= CD_DIR;
	e->e_flags &= (uint8_t)~CD_MULTI;
	e->e_mode = S_IFDIR | (e->e_mode & ALLPERMS);
}

/* One entry of len bytes, len >= 4. */
static void
take(struct susp *s, const uint8_t *p, unsigned int len)
{
	switch (p[0] << 8 | p[1]) {
	case 'C' << 8 | 'E':
		if (len >= 28) {
			s->s_block = cd_le32(p + 4);
			s->s_off = cd_le32(p + 12);
			s->s_len = cd_le32(p + 20);
		}
		break;
	case 'S' << 8 | 'P':
		if (s->s_probe && len >= 7 && p[4] == 0xbe && p[5] == 0xef)
			s->s_cm->cm_skip = p[6];
		break;
	case 'S' << 8 | 'T':
		s->s_end = true;
		break;
	case 'N' << 8 | 'M':
		take_name(s, p, len);
		break;
	case 'P' << 8 | 'X':
		take_posix(s, p, len);
		break;
	case 'P' << 8 | 'N':
		if (len >= 20)
			take_dev(s->s_e, p);
		break;
	case 'S' << 8 | 'L':
		take_link(s, p, len);
		break;
	case 'T' << 8 | 'F':
		if (len >= 5)
			take_times(s->s_e, p, len);
		break;
	case 'C' << 8 | 'L':
		if (len >= 12)
			relocated(s, cd_le32(p + 4));
		break;
	case 'P' << 8 | 'L':
		if (len >= 12)
			s->s_e->e_parent = cd_le32(p + 4);
		break;
	case 'R' << 8 | 'E':
		s->s_e->e_moved = true;
		break;
	}
}

static void
area(struct susp *s, const uint8_t *p, size_t len)
{
	s->s_len = 0;
	while (len >= 4 && !s->s_end && p[2] >= 4 && p[2] <= len) {
		take(s, p, p[2]);
		len -= p[2];
		p += p[2];
	}
}

static int
walk(struct susp *s, const struct cd_record *r)
{
	const uint8_t *p = (const void *)r;
	size_t at = sizeof(*r) + r->r_namelen + (r->r_namelen % 2 == 0);
	struct buf *bp;
	int n, error = 0;

	at += s->s_cm->cm_skip;
	if (at < r->r_len)
		area(s, p + at, r->r_len - at);
	for (n = 0; n < AREAS && s->s_len != 0 && !s->s_end; n++) {
		if (s->s_off >= CD_SECTOR || s->s_len > CD_SECTOR - s->s_off)
			break;
		error = bread(s->s_cm->cm_bc, s->s_block, &bp);
		if (error != 0)
			break;
		area(s, (const uint8_t *)bp->b_data + s->s_off, s->s_len);
		brelse(bp);
	}
	return error == EINVAL ? EIO : error;
}

int
cd9660_rock(struct cd_mount *cm, const struct cd_record *r,
    struct cd_entry *e)
{
	struct susp s = { .s_cm = cm, .s_e = e };

	return walk(&s, r);
}

int
cd9660_rock_probe(struct cd_mount *cm, const struct cd_record *r)
{
	struct cd_entry *e = kmem_zalloc(sizeof(*e), KM_SLEEP);
	struct susp s = { .s_cm = cm, .s_e = e, .s_probe = true };
	int error;

	if (e == NULL)
		return ENOMEM;
	e->e_flags = CD_DIR;
	error = walk(&s, r);
	if (!cm->cm_rock)
		cm->cm_skip = 0;
	kmem_free(e, sizeof(*e));
	return error;
}
