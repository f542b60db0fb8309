/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: the journal on the disk, and what a crash left in it.
 *
 * Overview: the journal is a file; its blocks' places are looked up once
 * (struct ext4_jmap).  Recovery walks the log three times from its tail: to
 * find the last transaction whose commit block is there, to collect what was
 * revoked, and to copy the blocks to their places.  A block revoked by a
 * transaction is not copied from that one or an earlier one: it was freed, and
 * may be a file's data since.
 *
 * Untrusted input: all of it.  The walk visits at most as many blocks as the
 * log has; blocks go only to places inside the file system.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <fs/ext4/ext4.h>
#include <fs/ext4/ext4_jbd.h>

#define	RUNS_MAX	65536
#define	BATCH		32

struct revoked {
	RB_ENTRY(revoked) rv_node;
	uint64_t	rv_blk;
	uint32_t	rv_tid;
};
RB_HEAD(revokes, revoked);

static int
revoked_cmp(struct revoked *a, struct revoked *b)
{
	return a->rv_blk < b->rv_blk ? -1 : a->rv_blk > b->rv_blk;
}

RB_GENERATE_STATIC(revokes, revoked, rv_node, revoked_cmp)

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

struct recovery {
	struct ext4_mount *r_em;
	struct ext4_jmap *r_map;
	struct jbd_sb	*r_sb;
	uint32_t	r_seed;
	bool		r_csum;		/* blocks have checksums */
	unsigned int	r_tagsize;
	uint32_t	r_end;		/* the first transaction not to do */
	struct revokes	r_revokes;
	char		*r_block;	/* a log block */
	char		*r_data;	/* BATCH blocks on their way home */
	struct bufio	r_ios[BATCH];
	unsigned int	r_nios;
	uint32_t	r_copied, r_skipped;
};

/* -- where the journal is -- */

void
ext4_jmap_free(struct ext4_jmap *jm)
{
	if (jm->jm_runs != NULL)
		kmem_free(jm->jm_runs, jm->jm_nruns * sizeof(*jm->jm_runs));
	jm->jm_runs = NULL;
}

/* Go through the file's map; with runs NULL only count. */
static int
walk_map(struct ext4_inode *ei, uint32_t len, struct ext4_jrun *runs,
    uint32_t *nruns)
{
	struct ext4_map m;
	uint32_t lblk, n = 0;
	int error;

	for (lblk = 0; lblk < len; lblk += m.m_len) {
		error = ext4_map_get(ei, lblk, len - lblk, &m);
		if (error != 0)
			return error;
		if (m.m_blk == 0 || m.m_unwritten || n == RUNS_MAX)
			return EINVAL;
		if (runs != NULL && n < *nruns)
			runs[n] = (struct ext4_jrun){ lblk, m.m_len,
			    m.m_blk };
		n++;
	}
	if (runs != NULL && n != *nruns)
		return EINVAL;
	*nruns = n;
	return 0;
}

int
ext4_jmap_load(struct ext4_mount *em, struct ext4_jmap *jm)
{
	struct ext4_inode *ei = em->em_jinode;
	uint64_t len = ei->ei_size >> em->em_bshift;
	int error;

	memset(jm, 0, sizeof(*jm));
	if (len < 16 || len > UINT32_MAX / 2)
		return EINVAL;
	jm->jm_len = (uint32_t)len;
	rw_enter(&ei->ei_maplock, RW_READER);
	error = walk_map(ei, jm->jm_len, NULL, &jm->jm_nruns);
	if (error == 0) {
		jm->jm_runs = kmem_alloc(jm->jm_nruns * sizeof(*jm->jm_runs),
		    KM_SLEEP);
		error = jm->jm_runs == NULL ? ENOMEM :
		    walk_map(ei, jm->jm_len, jm->jm_runs, &jm->jm_nruns);
	}
	rw_exit(&ei->ei_maplock);
	if (error != 0)
		ext4_jmap_free(jm);
	return error;
}

uint64_t
ext4_jmap_block(const struct ext4_jmap *jm, uint32_t lblk)
{
	uint32_t lo = 0, hi = jm->jm_nruns, mid;

	KASSERT(lblk < jm->jm_len);
	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (jm->jm_runs[mid].jr_lblk <= lblk)
			lo = mid;
		else
			hi = mid;
	}
	return jm->jm_runs[lo].jr_blk + (lblk - jm->jm_runs[lo].jr_lblk);
}

static int
log_read(struct ext4_mount *em, const struct ext4_jmap *jm, uint32_t lblk,
    void *buf)
{
	return bufdev_rw(em->em_dev, false,
	    ext4_jmap_block(jm, lblk) << em->em_bshift, buf, em->em_bsize);
}

/* -- the journal's superblock -- */

static bool
jsb_has_csum(const struct jbd_sb *sb)
{
	return (sb->s_feature_incompat &
	    be32(JBD_INC_CSUM_V2 | JBD_INC_CSUM_V3)) != 0;
}

static uint32_t
jsb_csum(struct jbd_sb *sb)
{
	uint32_t old = sb->s_checksum, crc;

	sb->s_checksum = 0;
	crc = ext4_crc(~0U, sb, sizeof(*sb));
	sb->s_checksum = old;
	return crc;
}

uint32_t
ext4_jseed(const struct jbd_sb *sb)
{
	return ext4_crc(~0U, sb->s_uuid, sizeof(sb->s_uuid));
}

unsigned int
ext4_jtag_size(const struct jbd_sb *sb)
{
	uint32_t inc = be32(sb->s_feature_incompat);
	unsigned int n;

	if ((inc & JBD_INC_CSUM_V3) != 0)
		return sizeof(struct jbd_tag3);
	n = (inc & JBD_INC_64BIT) != 0 ? 12 : 8;
	return (inc & JBD_INC_CSUM_V2) != 0 ? n + 2 : n;
}

static const char *
jsb_fault(const struct ext4_mount *em, const struct ext4_jmap *jm,
    struct jbd_sb *sb)
{
	uint32_t type = be32(sb->s_header.h_blocktype), inc;

	if (sb->s_header.h_magic != be32(JBD_MAGIC) ||
	    (type != JBD_SUPER_V1 && type != JBD_SUPER_V2))
		return "has no superblock";
	if (type == JBD_SUPER_V1) {	/* what follows was not there then */
		sb->s_feature_compat = sb->s_feature_incompat = 0;
		sb->s_feature_ro_compat = 0;
	}
	inc = be32(sb->s_feature_incompat);
	if ((inc & JBD_INC_FAST_COMMIT) != 0)
		return "has feature fast_commit";
	if ((inc & ~(uint32_t)JBD_INC_SUPPORTED) != 0 ||
	    sb->s_feature_ro_compat != 0)
		return "has an unknown feature";
	if (jsb_has_csum(sb) && (sb->s_checksum_type != JBD_CSUM_CRC32C ||
	    be32(sb->s_checksum) != jsb_csum(sb)))
		return "has a wrong checksum";
	if (be32(sb->s_blocksize) != em->em_bsize ||
	    be32(sb->s_maxlen) > jm->jm_len || be32(sb->s_maxlen) < 16 ||
	    be32(sb->s_first) == 0 ||
	    be32(sb->s_first) > be32(sb->s_maxlen) / 2 ||
	    be32(sb->s_start) >= be32(sb->s_maxlen) || (sb->s_start != 0 &&
	    be32(sb->s_start) < be32(sb->s_first)))
		return "has impossible sizes";
	return NULL;
}

int
ext4_jsb_read(struct ext4_mount *em, const struct ext4_jmap *jm,
    struct jbd_sb **sbp)
{
	struct jbd_sb *sb = kmem_alloc(em->em_bsize, KM_SLEEP);
	const char *fault;
	int error;

	if (sb == NULL)
		return ENOMEM;
	error = log_read(em, jm, 0, sb);
	if (error == 0) {
		fault = jsb_fault(em, jm, sb);
		if (fault != NULL) {
			printf("ext4: %s: the journal %s\n",
			    em->em_dev->bd_name, fault);
			error = EINVAL;
		}
	}
	if (error != 0) {
		kmem_free(sb, em->em_bsize);
		return error;
	}
	*sbp = sb;
	return 0;
}

int
ext4_jsb_write(struct ext4_mount *em, const struct ext4_jmap *jm,
    struct jbd_sb *sb)
{
	if (jsb_has_csum(sb))
		sb->s_checksum = be32(jsb_csum(sb));
	return bufdev_rw(em->em_dev, true,
	    ext4_jmap_block(jm, 0) << em->em_bshift, sb, em->em_bsize);
}

/* -- checksums of log blocks -- */

static bool
tail_ok(const struct recovery *r, char *block)
{
	struct jbd_tail *t = (void *)(block + r->r_em->em_bsize - sizeof(*t));
	uint32_t had = t->t_checksum, crc;

	if (!r->r_csum)
		return true;
	t->t_checksum = 0;
	crc = ext4_crc(r->r_seed, block, r->r_em->em_bsize);
	t->t_checksum = had;
	return be32(had) == crc;
}

static bool
commit_ok(const struct recovery *r, char *block)
{
	struct jbd_commit *c = (void *)block;
	uint32_t had = c->c_chksum[0], crc;

	if (!r->r_csum)
		return true;
	c->c_chksum[0] = 0;
	crc = ext4_crc(r->r_seed, block, r->r_em->em_bsize);
	c->c_chksum[0] = had;
	return be32(had) == crc;
}

struct tag {
	uint64_t	blk;
	uint32_t	flags, csum;
};

/* The tag at *off of a descriptor block; false: there is no more. */
static bool
next_tag(const struct recovery *r, const char *block, unsigned int *off,
    struct tag *t)
{
	unsigned int end = r->r_em->em_bsize -
	    (r->r_csum ? (unsigned int)sizeof(struct jbd_tail) : 0);
	uint32_t inc = be32(r->r_sb->s_feature_incompat);
	struct jbd_tag3 t3;
	struct jbd_tag t1;

	if (*off + r->r_tagsize > end)
		return false;
	t->blk = 0;
	if ((inc & JBD_INC_CSUM_V3) != 0) {
		memcpy(&t3, block + *off, sizeof(t3));
		if ((inc & JBD_INC_64BIT) != 0)
			t->blk = (uint64_t)be32(t3.t_blocknr_hi) << 32;
		t->blk |= be32(t3.t_blocknr);
		t->flags = be32(t3.t_flags);
		t->csum = be32(t3.t_checksum);
	} else {
		memset(&t1, 0, sizeof(t1));
		memcpy(&t1, block + *off, MIN(r->r_tagsize, sizeof(t1)));
		if ((inc & JBD_INC_64BIT) != 0)
			t->blk = (uint64_t)be32(t1.t_blocknr_hi) << 32;
		t->blk |= be32(t1.t_blocknr);
		t->flags = be16(t1.t_flags);
		t->csum = be16(t1.t_checksum);
	}
	*off += r->r_tagsize;
	if ((t->flags & JBD_TAG_SAME_UUID) == 0)
		*off += 16;
	return true;
}

/* The checksum in a tag covers the block as it is in the log. */
static bool
data_ok(const struct recovery *r, const struct tag *t, uint32_t tid,
    const char *data)
{
	uint32_t seq = be32(tid), crc;

	if (!r->r_csum)
		return true;
	crc = ext4_crc(r->r_seed, &seq, sizeof(seq));
	crc = ext4_crc(crc, data, r->r_em->em_bsize);
	if ((r->r_sb->s_feature_incompat & be32(JBD_INC_CSUM_V3)) != 0)
		return crc == t->csum;
	return (crc & 0xffff) == t->csum;
}

/* -- the walk -- */

static uint32_t
next_lblk(const struct recovery *r, uint32_t lblk, uint32_t n)
{
	uint32_t max = be32(r->r_sb->s_maxlen), first = be32(r->r_sb->s_first);

	lblk += n;
	return lblk >= max ? lblk - max + first : lblk;
}

static bool
is_revoked(struct recovery *r, uint64_t blk, uint32_t tid)
{
	struct revoked key = { .rv_blk = blk }, *rv;

	rv = RB_FIND(revokes, &r->r_revokes, &key);
	return rv != NULL && (int32_t)(tid - rv->rv_tid) <= 0;
}

static int
add_revoked(struct recovery *r, uint64_t blk, uint32_t tid)
{
	struct revoked key = { .rv_blk = blk }, *rv;

	rv = RB_FIND(revokes, &r->r_revokes, &key);
	if (rv == NULL) {
		rv = kmem_alloc(sizeof(*rv), KM_SLEEP);
		if (rv == NULL)
			return ENOMEM;
		rv->rv_blk = blk;
		(void)RB_INSERT(revokes, &r->r_revokes, rv);
	}
	rv->rv_tid = tid;		/* the walk goes upwards */
	return 0;
}

static int
revoke_block(struct recovery *r, uint32_t tid)
{
	struct jbd_revoke *rb = (void *)r->r_block;
	unsigned int size = (be32(r->r_sb->s_feature_incompat) &
	    JBD_INC_64BIT) != 0 ? 8 : 4, off;
	uint32_t end = be32(rb->r_count), b4;
	uint64_t b8;
	int error = 0;

	if (end > r->r_em->em_bsize)
		return EIO;
	for (off = sizeof(*rb); error == 0 && off + size <= end; off += size) {
		if (size == 8) {
			memcpy(&b8, r->r_block + off, 8);
			error = add_revoked(r, be64(b8), tid);
		} else {
			memcpy(&b4, r->r_block + off, 4);
			error = add_revoked(r, be32(b4), tid);
		}
	}
	return error;
}

static int
flush_batch(struct recovery *r)
{
	int error = 0;

	if (r->r_nios > 0)
		error = r->r_em->em_dev->bd_ops->bdo_io(r->r_em->em_dev, true,
		    r->r_ios, r->r_nios);
	r->r_nios = 0;
	return error;
}

static int
replay_one(struct recovery *r, const struct tag *t, uint32_t tid,
    uint32_t lblk)
{
	struct ext4_mount *em = r->r_em;
	char *data = r->r_data + (size_t)r->r_nios * em->em_bsize;
	uint32_t magic = be32(JBD_MAGIC);
	int error;

	if (is_revoked(r, t->blk, tid)) {
		r->r_skipped++;
		return 0;
	}
	if (t->blk >= em->em_nblocks)
		return EIO;
	error = log_read(em, r->r_map, lblk, data);
	if (error != 0)
		return error;
	if (!data_ok(r, t, tid, data)) {
		printf("ext4: %s: journal block %u of transaction %u is "
		    "damaged: e2fsck is needed\n", em->em_dev->bd_name, lblk,
		    tid);
		return EIO;
	}
	if ((t->flags & JBD_TAG_ESCAPE) != 0)
		memcpy(data, &magic, sizeof(magic));
	r->r_ios[r->r_nios++] = (struct bufio){ .bi_data = data,
	    .bi_off = t->blk << em->em_bshift, .bi_len = em->em_bsize };
	r->r_copied++;
	return r->r_nios == BATCH ? flush_batch(r) : 0;
}

/* A descriptor block: what it describes follows; *n of it. */
static int
descriptor(struct recovery *r, enum pass pass, uint32_t tid, uint32_t lblk,
    uint32_t *n)
{
	unsigned int off = sizeof(struct jbd_header);
	struct tag t;
	int error = 0;

	*n = 0;
	while (error == 0 && next_tag(r, r->r_block, &off, &t)) {
		++*n;
		if (pass == PASS_REPLAY)
			error = replay_one(r, &t, tid, next_lblk(r, lblk, *n));
		if ((t.flags & JBD_TAG_LAST) != 0)
			break;
	}
	return error;
}

/* Is the block at lblk a valid part of transaction tid?  Its type or 0. */
static int
log_block(struct recovery *r, uint32_t lblk, uint32_t tid, uint32_t *type)
{
	struct jbd_header *h = (void *)r->r_block;
	int error = log_read(r->r_em, r->r_map, lblk, r->r_block);
	bool ok = false;

	*type = 0;
	if (error != 0 || h->h_magic != be32(JBD_MAGIC) ||
	    be32(h->h_sequence) != tid)
		return error;
	switch (be32(h->h_blocktype)) {
	case JBD_DESCRIPTOR:
	case JBD_REVOKE:
		ok = tail_ok(r, r->r_block);
		break;
	case JBD_COMMIT:
		ok = commit_ok(r, r->r_block);
		break;
	}
	if (ok)
		*type = be32(h->h_blocktype);
	return 0;
}

static int
walk(struct recovery *r, enum pass pass)
{
	uint32_t lblk = be32(r->r_sb->s_start);
	uint32_t tid = be32(r->r_sb->s_sequence);
	uint32_t left = be32(r->r_sb->s_maxlen), type, n;
	int error = 0;

	while (error == 0 && left > 0 && (pass == PASS_SCAN ||
	    tid != r->r_end)) {
		error = log_block(r, lblk, tid, &type);
		if (error != 0 || type == 0)
			break;
		n = 0;
		if (type == JBD_DESCRIPTOR)
			error = descriptor(r, pass, tid, lblk, &n);
		else if (type == JBD_REVOKE && pass == PASS_REVOKE)
			error = revoke_block(r, tid);
		else if (type == JBD_COMMIT) {
			tid++;
			error = flush_batch(r);
		}
		if (n + 1 > left)
			break;
		left -= n + 1;
		lblk = next_lblk(r, lblk, n + 1);
	}
	if (pass == PASS_SCAN)
		r->r_end = tid;
	return error;
}

static int
run_passes(struct recovery *r)
{
	struct ext4_mount *em = r->r_em;
	uint32_t first = be32(r->r_sb->s_sequence);
	int error;

	error = walk(r, PASS_SCAN);
	if (error == 0)
		error = walk(r, PASS_REVOKE);
	if (error == 0)
		error = walk(r, PASS_REPLAY);
	if (error == 0)
		error = bufdev_flush(em->em_dev);
	if (error != 0)
		return error;
	r->r_sb->s_start = 0;
	r->r_sb->s_sequence = be32(r->r_end + 1);
	error = ext4_jsb_write(em, r->r_map, r->r_sb);
	if (error == 0)
		error = bufdev_flush(em->em_dev);
	if (error == 0)
		printf("ext4: %s: recovered %u transactions, %u blocks "
		    "(%u revoked)\n", em->em_dev->bd_name, r->r_end - first,
		    r->r_copied, r->r_skipped);
	return error;
}

/*
 * Thread context, before anything else uses the cache; what is in the cache
 * already is old afterwards.  EROFS: the disk cannot be written.
 */
int
ext4_recover(struct ext4_mount *em)
{
	struct recovery *r;
	struct ext4_jmap map;
	struct revoked *rv;
	int error;

	error = ext4_jmap_load(em, &map);
	if (error != 0)
		return error;
	r = kmem_zalloc(sizeof(*r), KM_SLEEP);
	if (r == NULL) {
		ext4_jmap_free(&map);
		return ENOMEM;
	}
	r->r_em = em;
	r->r_map = &map;
	RB_INIT(&r->r_revokes);
	r->r_block = kmem_alloc(em->em_bsize, KM_SLEEP);
	r->r_data = kmem_alloc(BATCH * (size_t)em->em_bsize, KM_SLEEP);
	error = r->r_block == NULL || r->r_data == NULL ? ENOMEM :
	    ext4_jsb_read(em, &map, &r->r_sb);
	if (error == 0) {
		r->r_seed = ext4_jseed(r->r_sb);
		r->r_csum = jsb_has_csum(r->r_sb);
		r->r_tagsize = ext4_jtag_size(r->r_sb);
		if (r->r_sb->s_start != 0)
			error = em->em_dev->bd_readonly ? EROFS :
			    run_passes(r);
		kmem_free(r->r_sb, em->em_bsize);
	}
	while ((rv = RB_MIN(revokes, &r->r_revokes)) != NULL) {
		(void)RB_REMOVE(revokes, &r->r_revokes, rv);
		kmem_free(rv, sizeof(*rv));
	}
	if (r->r_block != NULL)
		kmem_free(r->r_block, em->em_bsize);
	if (r->r_data != NULL)
		kmem_free(r->r_data, BATCH * (size_t)em->em_bsize);
	kmem_free(r, sizeof(*r));
	ext4_jmap_free(&map);
	return error;
}
