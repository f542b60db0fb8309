/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables: GPT, MBR (with extended and BSD partitions), BSD labels.
 *
 * Overview: numbers are those of Linux.  MBR: 1 to 4 are the entries of the
 * first sector, logical partitions follow from 5 on, then what BSD labels in
 * primary partitions name.  GPT: the number of the entry.  A BSD label without
 * an MBR: a is 1, b is 2 and so on.
 *
 * Untrusted input: everything.  Sizes and counts are checked against the disk,
 * chains are followed MAX_LOGICAL steps at the most; a table that makes no
 * sense is none.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <dev/disk_part.h>

#define	MBR_ENTRIES	446		/* offset of the four entries */
#define	MBR_DISKID	440
#define	MBR_SIGNATURE	510
#define	MBR_GPT		0xee
#define	MAX_LOGICAL	100

#define	GPT_MINHEADER	92U
#define	GPT_MAXENTRIES	1024U
#define	GPT_MAXENTRY	4096U

#define	BSD_MAGIC	0x82564557U
#define	BSD_PARTS	148		/* offset of the entries */
#define	BSD_ENTRY	16
#define	BSD_MAXPARTS	((512 - BSD_PARTS) / BSD_ENTRY)

struct scan {
	const struct part_source *s_src;
	struct disk_part *s_parts;
	unsigned int	s_max, s_n;
	unsigned int	s_next;		/* number of the next logical one */
	unsigned char	*s_buf;		/* one block */
	uint32_t	s_diskid;	/* of the MBR */
};

static uint32_t
le16(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t
le32(const unsigned char *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static uint64_t
le64(const unsigned char *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static int
read_block(struct scan *s, uint64_t block, void *buf)
{
	if (block >= s->s_src->ps_blocks)
		return ENXIO;
	return s->s_src->ps_read(s->s_src->ps_ctx, block, buf);
}

/* start and n in blocks; cut to what the disk has.  NULL: there is no room. */
static struct disk_part *
add(struct scan *s, unsigned int number, uint64_t start, uint64_t n)
{
	uint64_t per = s->s_src->ps_bsize >> SECTOR_SHIFT;
	struct disk_part *p;

	if (s->s_n == s->s_max || number == 0 || number > DISK_MAXPART ||
	    start >= s->s_src->ps_blocks || n == 0)
		return NULL;
	p = &s->s_parts[s->s_n++];
	memset(p, 0, sizeof(*p));
	p->dp_number = number;
	p->dp_start = start * per;
	p->dp_sectors = MIN(n, s->s_src->ps_blocks - start) * per;
	return p;
}

/* ---- GPT ---- */

static void
guid(const unsigned char *g, char *out, size_t size)
{
	snprintf(out, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	    le32(g), le16(g + 4), le16(g + 6), g[8], g[9], g[10], g[11],
	    g[12], g[13], g[14], g[15]);
}

static void
gpt_name(const unsigned char *u16, char *out, size_t size)
{
	size_t i;
	uint32_t c;

	for (i = 0; i < 36 && i + 1 < size; i++) {
		c = le16(u16 + 2 * i);
		if (c == 0)
			break;
		out[i] = c < 0x80 && isprint((int)c) ? (char)c : '!';
	}
	out[i] = '\0';
}

struct gpt {
	uint64_t	g_first, g_last;	/* usable blocks */
	uint64_t	g_table;
	uint32_t	g_entries, g_entsize, g_tablecrc;
};

/* The header at that block; 0, EINVAL if it is none, or a read error. */
static int
gpt_header(struct scan *s, uint64_t lba, struct gpt *g)
{
	unsigned char *h = s->s_buf, zero[4] = { 0 };
	uint32_t size, crc;
	int error;

	error = read_block(s, lba, h);
	if (error != 0)
		return error == ENXIO ? EINVAL : error;
	size = le32(h + 12);
	if (memcmp(h, "EFI PART", 8) != 0 || size < GPT_MINHEADER ||
	    size > s->s_src->ps_bsize || le64(h + 24) != lba)
		return EINVAL;
	crc = crc32(0, h, 16);
	crc = crc32(crc, zero, sizeof(zero));
	crc = crc32(crc, h + 20, size - 20);
	if (crc != le32(h + 16))
		return EINVAL;
	g->g_first = le64(h + 40);
	g->g_last = le64(h + 48);
	g->g_table = le64(h + 72);
	g->g_entries = le32(h + 80);
	g->g_entsize = le32(h + 84);
	g->g_tablecrc = le32(h + 88);
	if (g->g_first > g->g_last || g->g_last >= s->s_src->ps_blocks ||
	    g->g_entries == 0 || g->g_entries > GPT_MAXENTRIES ||
	    g->g_entsize < 128 || g->g_entsize > GPT_MAXENTRY ||
	    g->g_entsize % 128 != 0)
		return EINVAL;
	return 0;
}

static void
gpt_entry(struct scan *s, const struct gpt *g, unsigned int number,
    const unsigned char *e)
{
	static const unsigned char none[16];
	uint64_t start = le64(e + 32), end = le64(e + 40);
	struct disk_part *p;

	if (memcmp(e, none, sizeof(none)) == 0 || start > end ||
	    start < g->g_first || end > g->g_last)
		return;
	p = add(s, number, start, end - start + 1);
	if (p == NULL)
		return;
	guid(e + 16, p->dp_uuid, sizeof(p->dp_uuid));
	gpt_name(e + 56, p->dp_name, sizeof(p->dp_name));
}

/* Header and table that stand the checks, or EINVAL. */
static int
gpt_read(struct scan *s, uint64_t lba)
{
	uint32_t bsize = s->s_src->ps_bsize, i;
	unsigned char *table;
	size_t len, blocks;
	struct gpt g;
	int error;

	error = gpt_header(s, lba, &g);
	if (error != 0)
		return error;
	len = (size_t)g.g_entries * g.g_entsize;
	blocks = howmany(len, bsize);
	table = kmem_alloc(round_page(blocks * bsize), KM_SLEEP);
	if (table == NULL)
		return ENOMEM;
	for (i = 0; i < blocks && error == 0; i++)
		error = read_block(s, g.g_table + i, table + (size_t)i * bsize);
	if (error == ENXIO ||
	    (error == 0 && crc32(0, table, len) != g.g_tablecrc))
		error = EINVAL;
	for (i = 0; i < g.g_entries && error == 0; i++)
		gpt_entry(s, &g, i + 1, table + (size_t)i * g.g_entsize);
	kmem_free(table, round_page(blocks * bsize));
	return error;
}

/* ---- BSD labels ---- */

/* The label in the buffer, if it is one: its number of entries, or 0. */
static unsigned int
bsd_label(const unsigned char *l)
{
	unsigned int n, i;
	uint32_t sum = 0;

	if (le32(l) != BSD_MAGIC || le32(l + 132) != BSD_MAGIC)
		return 0;
	n = le16(l + 138);
	if (n > BSD_MAXPARTS)
		return 0;
	for (i = 0; i < BSD_PARTS + n * BSD_ENTRY; i += 2)
		sum ^= le16(l + i);
	return sum == 0 ? n : 0;
}

/*
 * The label in the blocks [start, start + len); first: number of its first
 * partition, 0: as they come, from s_next on.
 */
static int
bsd_read(struct scan *s, uint64_t start, uint64_t len, unsigned int first)
{
	const unsigned char *e;
	uint64_t off, n, base = 0;
	unsigned int i, entries;
	int error;

	error = read_block(s, start + 1, s->s_buf);
	if (error != 0)
		return error == ENXIO ? 0 : error;
	entries = bsd_label(s->s_buf);
	/* Offsets count from the slice if that of c, the whole of it, is 0. */
	if (entries > 2 && le32(s->s_buf + BSD_PARTS + 2 * BSD_ENTRY + 4) == 0)
		base = start;
	for (i = 0; i < entries; i++) {
		e = s->s_buf + BSD_PARTS + (size_t)i * BSD_ENTRY;
		n = le32(e);
		off = le32(e + 4) + base;
		/* Unused; the whole slice or disk; outside. */
		if (e[12] == 0 || n == 0 || off < start ||
		    off - start > len || n > len - (off - start) ||
		    (off == start && n == len && first == 0))
			continue;
		(void)add(s, first != 0 ? first + i : s->s_next++, off, n);
	}
	return 0;
}

/* ---- MBR ---- */

static bool
is_extended(unsigned int type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

static bool
is_bsd(unsigned int type)
{
	return type == 0xa5 || type == 0xa6 || type == 0xa9;
}

static void
mbr_uuid(const struct scan *s, struct disk_part *p)
{
	if (p != NULL && s->s_diskid != 0)
		snprintf(p->dp_uuid, sizeof(p->dp_uuid), "%08x-%02x",
		    s->s_diskid, p->dp_number);
}

/* Logical partitions: a chain of tables within [first, first + len). */
static int
mbr_extended(struct scan *s, uint64_t first, uint64_t len)
{
	const unsigned char *e;
	unsigned int step, i, type;
	uint64_t here = first, next, start, n;
	int error;

	for (step = 0; step < MAX_LOGICAL; step++) {
		error = read_block(s, here, s->s_buf);
		if (error != 0)
			return error == ENXIO ? 0 : error;
		if (le16(s->s_buf + MBR_SIGNATURE) != 0xaa55)
			return 0;
		next = 0;
		for (i = 0; i < 4; i++) {
			e = s->s_buf + MBR_ENTRIES + 16 * i;
			type = e[4];
			start = le32(e + 8);
			n = le32(e + 12);
			if (type == 0 || n == 0)
				continue;
			if (is_extended(type)) {
				if (next == 0)
					next = first + start;
			} else if (here + start - first < len) {
				mbr_uuid(s, add(s, s->s_next, here + start,
				    n));
				s->s_next++;
			}
		}
		/* Chains lead onward; the others lead nowhere. */
		if (next <= here || next - first >= len)
			return 0;
		here = next;
	}
	return 0;
}

/* Is the first block an MBR?  A boot sector of a file system is none. */
static bool
mbr_plausible(const unsigned char *b)
{
	unsigned int i;

	if (le16(b + MBR_SIGNATURE) != 0xaa55)
		return false;
	for (i = 0; i < 4; i++)
		if ((b[MBR_ENTRIES + 16 * i] & 0x7f) != 0)
			return false;
	return true;
}

struct primary {
	unsigned int	type;
	uint64_t	start, n;
};

static int
mbr_read(struct scan *s, const struct primary *t)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < 4; i++) {
		if (t[i].type == 0 || t[i].n == 0)
			continue;
		/* An extended one only has its loader's blocks. */
		mbr_uuid(s, add(s, i + 1, t[i].start, is_extended(t[i].type) ?
		    MIN(t[i].n, MAX(1024 / s->s_src->ps_bsize, 1U)) : t[i].n));
	}
	for (i = 0; i < 4 && error == 0; i++)
		if (is_extended(t[i].type) && t[i].n != 0)
			error = mbr_extended(s, t[i].start, t[i].n);
	for (i = 0; i < 4 && error == 0; i++)
		if (is_bsd(t[i].type) && t[i].n != 0)
			error = bsd_read(s, t[i].start, t[i].n, 0);
	return error;
}

static int
parse(struct scan *s)
{
	const unsigned char *e;
	struct primary t[4];
	bool gpt = false;
	unsigned int i;
	int error;

	error = read_block(s, 0, s->s_buf);
	if (error != 0)
		return error == ENXIO ? 0 : error;
	if (!mbr_plausible(s->s_buf))
		return bsd_read(s, 0, s->s_src->ps_blocks, 1);
	s->s_diskid = le32(s->s_buf + MBR_DISKID);
	for (i = 0; i < 4; i++) {
		e = s->s_buf + MBR_ENTRIES + 16 * i;
		t[i].type = e[4];
		t[i].start = le32(e + 8);
		t[i].n = le32(e + 12);
		gpt = gpt || e[4] == MBR_GPT;
	}
	if (gpt) {
		error = gpt_read(s, 1);
		if (error == EINVAL)
			error = gpt_read(s, s->s_src->ps_blocks - 1);
		if (error != EINVAL)
			return error;
	}
	return mbr_read(s, t);
}

int
part_parse(const struct part_source *src, struct disk_part *parts,
    unsigned int max, unsigned int *n)
{
	struct scan s = {
		.s_src = src, .s_parts = parts, .s_max = max, .s_next = 5
	};
	int error;

	*n = 0;
	s.s_buf = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (s.s_buf == NULL)
		return ENOMEM;
	error = parse(&s);
	kmem_free(s.s_buf, PAGE_SIZE);
	if (error == 0)
		*n = s.s_n;
	return error;
}
