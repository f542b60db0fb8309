/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: transactions.
 *
 * Overview: changes are grouped.  A handle (ext4_jstart() .. ext4_jstop()) is
 * one change that must be there as a whole; many handles make a transaction.
 * Each block a handle is about to change is named to ext4_jwrite(), which pins
 * it.  A commit waits until no handle is open, writes copies of the
 * transaction's blocks to the log, flushes, writes a commit block, flushes;
 * then the blocks may go to their places at leisure (checkpoint), and the log's
 * tail follows.  Without a journal (ext2) the same machinery runs; a commit
 * only lets the blocks go.
 *
 * While a commit copies, new handles run in the next transaction.  One that
 * wants a block the commit has not copied yet makes that copy first.
 *
 * States of a block's jbuf: in the running transaction (jb_run), in the one
 * being committed (jb_com), waiting to be written home (jb_chk), in any mix.
 * A freed block (jb_forget) stays until the transaction that freed it is
 * committed: only then may anybody get it, so its home may be written until
 * then.  Data that was written before its handle began is covered by the
 * commit's first flush: that is ordered mode.
 *
 * Locking: j_lock for the state; j_commit_lock for a commit or a checkpoint,
 * taken with no handle held.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/time.h>
#include <fs/ext4/ext4.h>
#include <fs/ext4/ext4_jbd.h>

#define	BATCH		32		/* log blocks written at once */
#define	REVOKES_CHUNK	62
#define	COMMIT_AGE	(5 * NSEC_PER_SEC)
#define	CHECKPOINT_AGE	(30 * NSEC_PER_SEC)
#define	TXN_MAX		2048		/* blocks of a transaction */

struct ext4_jbuf {
	struct buf	*jb_buf;	/* [I] referenced */
	struct ext4_txn	*jb_run;	/* [j] pinned once for it */
	struct ext4_txn	*jb_com;	/* [j] and for it */
	struct ext4_txn	*jb_chk;	/* [j] oldest that is not home */
	bool		jb_forget;	/* [j] freed by jb_run */
	bool		jb_comforget;	/* [j] freed by jb_com */
	bool		jb_copied;	/* [j] jb_com has its copy in the log */
	char		*jb_frozen;	/* [j] what jb_com will log */
	TAILQ_ENTRY(ext4_jbuf) jb_link[2]; /* [j] by parity of the txn */
	TAILQ_ENTRY(ext4_jbuf) jb_chklink; /* [j] */
};
TAILQ_HEAD(jbuflist, ext4_jbuf);

struct freed {
	SLIST_ENTRY(freed) f_link;
	uint64_t	f_blk;
	uint32_t	f_len;
};

struct revokes {
	SLIST_ENTRY(revokes) rv_link;
	unsigned int	rv_n;
	uint64_t	rv_blk[REVOKES_CHUNK];
};

struct ext4_txn {
	uint32_t	t_tid;		/* [I] */
	bool		t_locked;	/* [j] a commit waits: no new handles */
	unsigned int	t_handles;	/* [j] open */
	unsigned int	t_credits;	/* [j] theirs, unused */
	unsigned int	t_nbufs;	/* [j] */
	struct jbuflist	t_bufs;		/* [j] */
	struct jbuflist	t_chk;		/* [j] not home yet */
	SLIST_HEAD(, freed) t_freed;	/* [j] */
	SLIST_HEAD(, revokes) t_revokes; /* [j] */
	unsigned int	t_nrevokes;	/* [j] */
	uint32_t	t_start;	/* [c] first log block */
	uint32_t	t_blocks;	/* [c] log blocks */
	nsec_t		t_began;	/* [I] */
	TAILQ_ENTRY(ext4_txn) t_chkq;	/* [j] */
};
#define	LINK(t)	((t)->t_tid & 1)

struct ext4_jnl {
	struct ext4_mount *j_em;	/* [I] */
	bool		j_log;		/* [I] there is a journal */
	struct ext4_jmap j_map;		/* [I] */
	struct jbd_sb	*j_sb;		/* [c] */
	uint32_t	j_seed;		/* [I] */
	bool		j_csum, j_64;	/* [I] */
	unsigned int	j_tagsize;	/* [I] */
	uint32_t	j_first, j_max;	/* [I] the ring */
	uint32_t	j_head;		/* [c] where the next block goes */
	uint32_t	j_free;		/* [j] blocks of the ring */
	unsigned int	j_maxtxn;	/* [I] blocks of a transaction */
	char		*j_bounce;	/* [c] BATCH blocks */
	unsigned int	j_nbounce;	/* [c] */
	struct mutex	j_lock;
	struct mutex	j_commit_lock;
	struct condvar	j_cv;
	struct ext4_txn	*j_running;	/* [j] */
	struct ext4_txn	*j_committing;	/* [j] */
	uint32_t	j_nexttid;	/* [j] */
	volatile uint32_t j_done;	/* [a] all up to it are committed */
	TAILQ_HEAD(, ext4_txn) j_chkq;	/* [j] committed, not home */
	nsec_t		j_lastchk;	/* [c] */
	unsigned int	j_overruns;	/* [j] handles with too few credits */
	bool		j_closed;	/* [j] no more handles */
	struct ext4_jnl	*j_old;		/* [m] the one of the mount before */
};

static struct kmem_cache *jbuf_cache;

static bool
tid_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* -- the log's blocks -- */

/* Log blocks that a transaction of n blocks and so many revokes takes. */
static uint32_t
log_blocks(const struct ext4_jnl *j, uint32_t n, uint32_t nrevokes)
{
	uint32_t tags = (j->j_em->em_bsize - 32) / MAX(j->j_tagsize, 1);
	uint32_t revs = (j->j_em->em_bsize - 32) / 8;

	return n + n / tags + nrevokes / revs + 4;
}

static int
bounce_flush(struct ext4_jnl *j)
{
	struct ext4_mount *em = j->j_em;
	struct bufio ios[BATCH];
	unsigned int i, n = 0;
	uint64_t off;
	int error = 0;

	for (i = 0; i < j->j_nbounce; i++) {
		off = ext4_jmap_block(&j->j_map, j->j_head) << em->em_bshift;
		if (n > 0 && off == ios[n - 1].bi_off + ios[n - 1].bi_len)
			ios[n - 1].bi_len += em->em_bsize;
		else
			ios[n++] = (struct bufio){ .bi_off = off,
			    .bi_len = em->em_bsize, .bi_data = j->j_bounce +
			    (size_t)i * em->em_bsize };
		if (++j->j_head == j->j_max)
			j->j_head = j->j_first;
	}
	if (n > 0)
		error = em->em_dev->bd_ops->bdo_io(em->em_dev, true, ios, n);
	j->j_nbounce = 0;
	return error;
}

/* The next block of the log, to be filled in; in ring order. */
static int
bounce_next(struct ext4_jnl *j, struct ext4_txn *t, char **block)
{
	int error = 0;

	if (j->j_nbounce == BATCH)
		error = bounce_flush(j);
	if (error != 0)
		return error;
	KASSERT(t->t_blocks < j->j_free);
	*block = j->j_bounce + (size_t)j->j_nbounce++ * j->j_em->em_bsize;
	t->t_blocks++;
	memset(*block, 0, j->j_em->em_bsize);
	return 0;
}

static void
header_set(struct ext4_jnl *j, char *block, uint32_t type, uint32_t tid)
{
	struct jbd_header *h = (void *)block;

	(void)j;
	h->h_magic = be32(JBD_MAGIC);
	h->h_blocktype = be32(type);
	h->h_sequence = be32(tid);
}

static void
tail_set(struct ext4_jnl *j, char *block)
{
	struct jbd_tail *t = (void *)(block + j->j_em->em_bsize - sizeof(*t));

	if (j->j_csum)
		t->t_checksum = be32(ext4_crc(j->j_seed, block,
		    j->j_em->em_bsize));
}

static int
log_revokes(struct ext4_jnl *j, struct ext4_txn *t)
{
	unsigned int size = j->j_64 ? 8 : 4, i, off = 0;
	unsigned int end = j->j_em->em_bsize -
	    (j->j_csum ? (unsigned int)sizeof(struct jbd_tail) : 0);
	struct revokes *rv;
	struct jbd_revoke *rb = NULL;
	char *block = NULL;
	uint64_t b8;
	uint32_t b4;
	int error;

	SLIST_FOREACH(rv, &t->t_revokes, rv_link)
		for (i = 0; i < rv->rv_n; i++) {
			if (block == NULL || off + size > end) {
				if (block != NULL)
					tail_set(j, block);
				error = bounce_next(j, t, &block);
				if (error != 0)
					return error;
				header_set(j, block, JBD_REVOKE, t->t_tid);
				rb = (void *)block;
				off = sizeof(*rb);
			}
			b8 = be64(rv->rv_blk[i]);
			b4 = be32((uint32_t)rv->rv_blk[i]);
			memcpy(block + off, size == 8 ? (void *)&b8 :
			    (void *)&b4, size);
			off += size;
			rb->r_count = be32(off);
		}
	if (block != NULL)
		tail_set(j, block);
	return 0;
}

static void
tag_set(struct ext4_jnl *j, struct ext4_txn *t, char *where, uint64_t blk,
    uint32_t flags, const char *data)
{
	uint32_t seq = be32(t->t_tid), crc;
	struct jbd_tag3 t3;
	struct jbd_tag t1;

	if (j->j_csum) {
		crc = ext4_crc(j->j_seed, &seq, sizeof(seq));
		crc = ext4_crc(crc, data, j->j_em->em_bsize);
		t3.t_blocknr = be32((uint32_t)blk);
		t3.t_flags = be32(flags);
		t3.t_blocknr_hi = be32((uint32_t)(blk >> 32));
		t3.t_checksum = be32(crc);
		memcpy(where, &t3, sizeof(t3));
		return;
	}
	t1.t_blocknr = be32((uint32_t)blk);
	t1.t_checksum = 0;
	t1.t_flags = be16((uint16_t)flags);
	t1.t_blocknr_hi = be32((uint32_t)(blk >> 32));
	memcpy(where, &t1, j->j_tagsize);
}

/* The block as of the end of the transaction. */
static void
copy_block(struct ext4_jnl *j, struct ext4_jbuf *jb, char *to, bool *escape)
{
	uint32_t magic = be32(JBD_MAGIC);

	mutex_enter(&j->j_lock);
	memcpy(to, jb->jb_frozen != NULL ? jb->jb_frozen : jb->jb_buf->b_data,
	    j->j_em->em_bsize);
	jb->jb_copied = true;
	if (jb->jb_frozen != NULL) {
		kmem_free(jb->jb_frozen, j->j_em->em_bsize);
		jb->jb_frozen = NULL;
	}
	cv_broadcast(&j->j_cv);
	mutex_exit(&j->j_lock);
	*escape = memcmp(to, &magic, sizeof(magic)) == 0;
	if (*escape)
		memset(to, 0, sizeof(magic));
}

/* How many of the blocks from jb on go behind one descriptor. */
static unsigned int
group_size(struct ext4_jnl *j, struct ext4_txn *t, struct ext4_jbuf *jb)
{
	unsigned int n = 0, room;

	room = (j->j_em->em_bsize - (unsigned int)sizeof(struct jbd_header) -
	    16 - (unsigned int)sizeof(struct jbd_tail)) / j->j_tagsize;
	room = MIN(room, BATCH - 1);
	for (; jb != NULL && n < room; jb = TAILQ_NEXT(jb, jb_link[LINK(t)]))
		if (!jb->jb_comforget)
			n++;
	return n;
}

/* A descriptor and its blocks; both are in the bounce buffer at once. */
static int
log_group(struct ext4_jnl *j, struct ext4_txn *t, struct ext4_jbuf **next)
{
	unsigned int n = group_size(j, t, *next), i, off;
	struct ext4_jbuf *jb = *next;
	char *desc = NULL, *data;
	uint32_t flags;
	bool escape;
	int error;

	if (n > 0 && j->j_nbounce + n + 1 > BATCH) {
		error = bounce_flush(j);
		if (error != 0)
			return error;
	}
	if (n > 0) {
		error = bounce_next(j, t, &desc);
		if (error != 0)
			return error;
		header_set(j, desc, JBD_DESCRIPTOR, t->t_tid);
	}
	off = sizeof(struct jbd_header);
	for (i = 0; i < n; jb = TAILQ_NEXT(jb, jb_link[LINK(t)])) {
		if (jb->jb_comforget)
			continue;
		error = bounce_next(j, t, &data);
		if (error != 0)
			return error;
		copy_block(j, jb, data, &escape);
		flags = (i > 0 ? JBD_TAG_SAME_UUID : 0) |
		    (i + 1 == n ? JBD_TAG_LAST : 0) |
		    (escape ? JBD_TAG_ESCAPE : 0);
		i++;
		tag_set(j, t, desc + off, jb->jb_buf->b_blkno, flags, data);
		off += j->j_tagsize;
		if (i == 1) {
			memcpy(desc + off, j->j_sb->s_uuid, 16);
			off += 16;
		}
	}
	while (jb != NULL && jb->jb_comforget)
		jb = TAILQ_NEXT(jb, jb_link[LINK(t)]);
	if (n > 0)
		tail_set(j, desc);
	*next = jb;
	return 0;
}

static int
log_commit_block(struct ext4_jnl *j, struct ext4_txn *t)
{
	struct jbd_commit *c;
	nsec_t now = nanotime();
	char *block;
	int error;

	error = bounce_next(j, t, &block);
	if (error != 0)
		return error;
	header_set(j, block, JBD_COMMIT, t->t_tid);
	c = (void *)block;
	c->c_sec = be64((uint64_t)(now / NSEC_PER_SEC));
	c->c_nsec = be32((uint32_t)(now % NSEC_PER_SEC));
	if (j->j_csum)
		c->c_chksum[0] = be32(ext4_crc(j->j_seed, block,
		    j->j_em->em_bsize));
	error = bounce_flush(j);
	return error != 0 ? error : bufdev_flush(j->j_em->em_dev);
}

/* The whole transaction into the log, durable on return. */
static int
log_txn(struct ext4_jnl *j, struct ext4_txn *t)
{
	struct ext4_jbuf *jb;
	int error;

	t->t_start = j->j_head;
	t->t_blocks = 0;
	j->j_nbounce = 0;
	error = log_revokes(j, t);
	jb = TAILQ_FIRST(&t->t_bufs);
	while (error == 0 && jb != NULL)
		error = log_group(j, t, &jb);
	if (error == 0)
		error = bounce_flush(j);
	if (error == 0)
		error = bufdev_flush(j->j_em->em_dev);
	if (error == 0)
		error = log_commit_block(j, t);
	mutex_enter(&j->j_lock);
	j->j_free -= t->t_blocks;
	mutex_exit(&j->j_lock);
	return error;
}

/* -- commit -- */

/* [j] held.  Drop it if no transaction has it. */
static void
jbuf_put(struct ext4_jbuf *jb)
{
	if (jb->jb_run != NULL || jb->jb_com != NULL || jb->jb_chk != NULL)
		return;
	jb->jb_buf->b_private = NULL;
	brelse(jb->jb_buf);
	kmem_cache_free(jbuf_cache, jb);
}

static void
chk_remove(struct ext4_jbuf *jb)
{
	if (jb->jb_chk != NULL)
		TAILQ_REMOVE(&jb->jb_chk->t_chk, jb, jb_chklink);
	jb->jb_chk = NULL;
}

/* The running transaction becomes the committing one; false: there is none. */
static struct ext4_txn *
txn_close(struct ext4_jnl *j)
{
	struct ext4_txn *t;
	struct ext4_jbuf *jb;

	mutex_enter(&j->j_lock);
	t = j->j_running;
	if (t == NULL) {
		mutex_exit(&j->j_lock);
		return NULL;
	}
	t->t_locked = true;
	while (t->t_handles > 0)
		cv_wait(&j->j_cv, &j->j_lock);
	TAILQ_FOREACH(jb, &t->t_bufs, jb_link[LINK(t)]) {
		jb->jb_com = t;
		jb->jb_run = NULL;
		jb->jb_comforget = jb->jb_forget;
		jb->jb_forget = jb->jb_copied = false;
	}
	j->j_committing = t;
	j->j_running = NULL;
	cv_broadcast(&j->j_cv);
	mutex_exit(&j->j_lock);
	return t;
}

/* The blocks leave the transaction, for their places if it went well. */
static void
txn_release(struct ext4_jnl *j, struct ext4_txn *t, bool ok)
{
	struct ext4_jbuf *jb;
	struct buf *bp;
	bool forget;

	mutex_enter(&j->j_lock);
	while ((jb = TAILQ_FIRST(&t->t_bufs)) != NULL) {
		TAILQ_REMOVE(&t->t_bufs, jb, jb_link[LINK(t)]);
		bp = jb->jb_buf;
		forget = jb->jb_comforget;
		jb->jb_com = NULL;
		jb->jb_copied = true;
		if (jb->jb_frozen != NULL)
			kmem_free(jb->jb_frozen, j->j_em->em_bsize);
		jb->jb_frozen = NULL;
		if (ok) {
			chk_remove(jb);
			if (!forget && j->j_log) {
				TAILQ_INSERT_TAIL(&t->t_chk, jb, jb_chklink);
				jb->jb_chk = t;
			}
		}
		bref(bp);
		bunpin(bp, ok && !forget);
		jbuf_put(jb);
		if (ok && forget)
			binval(bp->b_cache, bp->b_blkno, 1);
		brelse(bp);
	}
	mutex_exit(&j->j_lock);
}

static void
txn_free(struct ext4_txn *t)
{
	struct revokes *rv;
	struct freed *f;

	while ((rv = SLIST_FIRST(&t->t_revokes)) != NULL) {
		SLIST_REMOVE_HEAD(&t->t_revokes, rv_link);
		kmem_free(rv, sizeof(*rv));
	}
	while ((f = SLIST_FIRST(&t->t_freed)) != NULL) {
		SLIST_REMOVE_HEAD(&t->t_freed, f_link);
		kmem_free(f, sizeof(*f));
	}
	kmem_free(t, sizeof(*t));
}

static void
freed_release(struct ext4_mount *em, struct ext4_txn *t)
{
	struct freed *f;

	SLIST_FOREACH(f, &t->t_freed, f_link)
		ext4_bfree_done(em, f->f_blk, f->f_len);
}

/* j_commit_lock held.  Commits what is running now, if anything. */
static int
commit_locked(struct ext4_jnl *j)
{
	struct ext4_mount *em = j->j_em;
	struct ext4_txn *t = txn_close(j);
	int error = 0;

	if (t == NULL)
		return em->em_failed ? EROFS : 0;
	if (em->em_failed)
		error = EROFS;
	else if (j->j_log)	/* an empty one too: numbers have no gaps */
		error = log_txn(j, t);
	if (error != 0 && error != EROFS)
		(void)ext4_error(em, 0, "the journal cannot be written "
		    "(error %d)", error);
	txn_release(j, t, error == 0);
	freed_release(em, t);
	mutex_enter(&j->j_lock);
	j->j_committing = NULL;
	atomic_store(&j->j_done, t->t_tid);
	if (error == 0 && j->j_log)
		TAILQ_INSERT_TAIL(&j->j_chkq, t, t_chkq);
	else
		txn_free(t);
	cv_broadcast(&j->j_cv);
	mutex_exit(&j->j_lock);
	return error;
}

bool
ext4_jcommitted(struct ext4_mount *em, uint32_t tid)
{
	return em->em_jnl == NULL || tid == 0 ||
	    !tid_after(tid, atomic_load(&em->em_jnl->j_done));
}

int
ext4_jcommit(struct ext4_mount *em, uint32_t tid)
{
	struct ext4_jnl *j = em->em_jnl;
	int error = 0;

	if (j == NULL)
		return 0;
	mutex_enter(&j->j_commit_lock);
	if (!ext4_jcommitted(em, tid))
		error = commit_locked(j);
	mutex_exit(&j->j_commit_lock);
	return em->em_failed ? EROFS : error;
}

int
ext4_jcommit_all(struct ext4_mount *em)
{
	struct ext4_jnl *j = em->em_jnl;
	int error;

	if (j == NULL)
		return 0;
	mutex_enter(&j->j_commit_lock);
	error = commit_locked(j);
	mutex_exit(&j->j_commit_lock);
	return error;
}

uint32_t
ext4_jcurrent(struct ext4_mount *em)
{
	struct ext4_jnl *j = em->em_jnl;
	uint32_t tid;

	if (j == NULL)
		return 0;
	mutex_enter(&j->j_lock);
	tid = j->j_nexttid - 1;
	mutex_exit(&j->j_lock);
	return tid;
}

bool
ext4_jpending(struct ext4_mount *em)
{
	struct ext4_jnl *j = em->em_jnl;
	bool pending;

	if (j == NULL)
		return false;
	mutex_enter(&j->j_lock);
	pending = (j->j_running != NULL &&
	    !SLIST_EMPTY(&j->j_running->t_freed)) ||
	    (j->j_committing != NULL &&
	    !SLIST_EMPTY(&j->j_committing->t_freed));
	mutex_exit(&j->j_lock);
	return pending;
}

/* -- checkpoint -- */

/* Up to n blocks that t waits for; true if one of them is being changed. */
static bool
chk_gather(struct ext4_jnl *j, struct ext4_txn *t, struct buf **bufs,
    unsigned int max, unsigned int *n)
{
	struct ext4_jbuf *jb, *next;
	bool pinned = false;

	*n = 0;
	mutex_enter(&j->j_lock);
	TAILQ_FOREACH_SAFE(jb, &t->t_chk, jb_chklink, next) {
		if ((jb->jb_buf->b_flags & (B_DIRTY | B_BUSY)) == 0) {
			chk_remove(jb);
			jbuf_put(jb);
		} else if (bpinned(jb->jb_buf)) {
			pinned = true;
		} else if (*n < max) {
			bref(jb->jb_buf);
			bufs[(*n)++] = jb->jb_buf;
		}
	}
	mutex_exit(&j->j_lock);
	return pinned;
}

static int
buf_cmp(const void *a, const void *b)
{
	const struct buf *x = *(struct buf *const *)a;
	const struct buf *y = *(struct buf *const *)b;

	return x->b_blkno < y->b_blkno ? -1 : x->b_blkno > y->b_blkno;
}

/* Bring all of t home.  j_commit_lock held. */
static int
chk_txn(struct ext4_jnl *j, struct ext4_txn *t)
{
	struct buf *bufs[64];
	unsigned int n, i;
	bool pinned;
	int error = 0;

	for (;;) {
		pinned = chk_gather(j, t, bufs, __arraycount(bufs), &n);
		if (n == 0 && !pinned)
			return 0;
		if (n > 0) {
			kheapsort(bufs, n, sizeof(bufs[0]), buf_cmp);
			error = bwrite_many(bufs, n);
		} else {
			error = commit_locked(j);
		}
		for (i = 0; i < n; i++)
			brelse(bufs[i]);
		if (error != 0)
			return error;
	}
}

/* What is in the log from the tail on is not needed any more. */
static int
tail_write(struct ext4_jnl *j, uint32_t start, uint32_t tid)
{
	int error;

	j->j_sb->s_start = be32(start);
	j->j_sb->s_sequence = be32(tid);
	error = ext4_jsb_write(j->j_em, &j->j_map, j->j_sb);
	return error != 0 ? error : bufdev_flush(j->j_em->em_dev);
}

/* Free at least `want` blocks of the log.  j_commit_lock held. */
static int
checkpoint_locked(struct ext4_jnl *j, uint32_t want)
{
	uint32_t freed = 0, start, tid;
	struct ext4_txn *t;
	int error = 0;

	while (j->j_log && (t = TAILQ_FIRST(&j->j_chkq)) != NULL &&
	    j->j_free + freed < want) {
		error = chk_txn(j, t);
		if (error != 0)
			break;
		mutex_enter(&j->j_lock);
		TAILQ_REMOVE(&j->j_chkq, t, t_chkq);
		mutex_exit(&j->j_lock);
		freed += t->t_blocks;
		txn_free(t);
	}
	if (freed > 0 && error == 0)
		error = bufdev_flush(j->j_em->em_dev);
	if (freed > 0 && error == 0) {
		t = TAILQ_FIRST(&j->j_chkq);
		start = t != NULL ? t->t_start : j->j_head;
		mutex_enter(&j->j_lock);
		tid = t != NULL ? t->t_tid : atomic_load(&j->j_done) + 1;
		mutex_exit(&j->j_lock);
		error = tail_write(j, start, tid);
		mutex_enter(&j->j_lock);
		j->j_free += freed;
		mutex_exit(&j->j_lock);
	}
	if (error != 0 && error != EROFS)
		(void)ext4_error(j->j_em, 0, "metadata cannot be written "
		    "(error %d)", error);
	return error;
}

int
ext4_jcheckpoint(struct ext4_mount *em)
{
	struct ext4_jnl *j = em->em_jnl;
	int error;

	if (j == NULL)
		return 0;
	mutex_enter(&j->j_commit_lock);
	error = commit_locked(j);
	if (error == 0)
		error = checkpoint_locked(j, UINT32_MAX);
	j->j_lastchk = nanouptime();
	mutex_exit(&j->j_commit_lock);
	return error;
}

/* Every few seconds: commit what is old, write home before the log is full. */
void
ext4_jperiodic(struct ext4_mount *em)
{
	struct ext4_jnl *j = em->em_jnl;
	nsec_t now = nanouptime();
	bool old;

	mutex_enter(&j->j_lock);
	old = j->j_running != NULL && now - j->j_running->t_began >=
	    COMMIT_AGE - NSEC_PER_SEC;
	mutex_exit(&j->j_lock);
	mutex_enter(&j->j_commit_lock);
	if (old)
		(void)commit_locked(j);
	if (!em->em_failed && (now - j->j_lastchk >= CHECKPOINT_AGE ||
	    j->j_free < (j->j_max - j->j_first) / 2)) {
		j->j_lastchk = now;
		if (j->j_log)
			(void)checkpoint_locked(j, UINT32_MAX);
		else if (bufcache_sync(em->em_bc) != 0)
			(void)ext4_error(em, 0, "metadata cannot be written");
	}
	mutex_exit(&j->j_commit_lock);
}

/* -- handles -- */

/* [j] held. */
static bool
room_for_txn(const struct ext4_jnl *j)
{
	uint32_t need;

	if (!j->j_log)
		return true;
	need = log_blocks(j, j->j_maxtxn, j->j_maxtxn) + 1;
	if (j->j_committing != NULL)
		need *= 2;
	return j->j_free >= need;
}

static int
make_room(struct ext4_jnl *j)
{
	int error = 0;

	mutex_enter(&j->j_commit_lock);
	if (!room_for_txn(j))
		error = checkpoint_locked(j, (j->j_max - j->j_first) / 2);
	mutex_exit(&j->j_commit_lock);
	return error;
}

/* A new running transaction; [j] held.  EAGAIN: it was let go meanwhile. */
static int
txn_open(struct ext4_jnl *j)
{
	struct ext4_txn *t;
	int error;

	if (!room_for_txn(j)) {
		mutex_exit(&j->j_lock);
		error = make_room(j);
		mutex_enter(&j->j_lock);
		return error != 0 ? error : EAGAIN;
	}
	t = kmem_zalloc(sizeof(*t), KM_SLEEP);
	if (t == NULL)
		return ENOMEM;
	t->t_tid = j->j_nexttid++;
	TAILQ_INIT(&t->t_bufs);
	TAILQ_INIT(&t->t_chk);
	t->t_began = nanouptime();
	j->j_running = t;
	return 0;
}

/* Does it take so many more?  [j] held. */
static bool
txn_takes(const struct ext4_jnl *j, const struct ext4_txn *t,
    unsigned int credits)
{
	return t->t_nbufs + t->t_credits + credits <= j->j_maxtxn &&
	    t->t_nrevokes <= j->j_maxtxn / 2;
}

int
ext4_jstart(struct ext4_mount *em, unsigned int credits,
    struct ext4_handle *h)
{
	struct ext4_jnl *j = em->em_jnl;
	struct ext4_txn *t;
	uint32_t tid;
	int error;

	if (j == NULL || em->em_failed)
		return EROFS;
	KASSERT(credits <= j->j_maxtxn);
	mutex_enter(&j->j_lock);
	for (;;) {
		if (em->em_failed || j->j_closed) {
			mutex_exit(&j->j_lock);
			return EROFS;
		}
		t = j->j_running;
		if (t == NULL) {
			error = txn_open(j);
			if (error != 0 && error != EAGAIN) {
				mutex_exit(&j->j_lock);
				return error;
			}
		} else if (t->t_locked) {
			cv_wait(&j->j_cv, &j->j_lock);
		} else if (txn_takes(j, t, credits)) {
			break;
		} else {
			tid = t->t_tid;
			mutex_exit(&j->j_lock);
			(void)ext4_jcommit(em, tid);
			mutex_enter(&j->j_lock);
		}
	}
	t->t_handles++;
	t->t_credits += credits;
	mutex_exit(&j->j_lock);
	h->h_em = em;
	h->h_txn = t;
	h->h_credits = credits;
	h->h_tid = t->t_tid;
	return 0;
}

void
ext4_jstop(struct ext4_handle *h)
{
	struct ext4_jnl *j = h->h_em->em_jnl;
	struct ext4_txn *t = h->h_txn;

	if (t == NULL)
		return;
	mutex_enter(&j->j_lock);
	KASSERT(t->t_handles > 0 && t->t_credits >= h->h_credits);
	t->t_credits -= h->h_credits;
	if (--t->t_handles == 0)
		cv_broadcast(&j->j_cv);
	mutex_exit(&j->j_lock);
	h->h_txn = NULL;
}

int
ext4_jrestart(struct ext4_handle *h, unsigned int credits)
{
	ext4_jstop(h);
	return ext4_jstart(h->h_em, credits, h);
}

/* The jbuf of a block, made if need be; [j] held. */
static int
jbuf_get(struct buf *bp, struct ext4_jbuf **jbp)
{
	struct ext4_jbuf *jb = bp->b_private;

	if (jb == NULL) {
		jb = kmem_cache_alloc(jbuf_cache, KM_SLEEP);
		if (jb == NULL)
			return ENOMEM;
		memset(jb, 0, sizeof(*jb));
		bref(bp);
		jb->jb_buf = bp;
		bp->b_private = jb;
	}
	*jbp = jb;
	return 0;
}

/* Keep what the commit under way has not copied yet; [j] held. */
static int
freeze(struct ext4_jnl *j, struct ext4_jbuf *jb)
{
	if (jb->jb_com == NULL || jb->jb_copied || jb->jb_comforget ||
	    jb->jb_frozen != NULL || !j->j_log)
		return 0;
	jb->jb_frozen = kmem_alloc(j->j_em->em_bsize, KM_SLEEP);
	if (jb->jb_frozen == NULL)
		return ENOMEM;
	memcpy(jb->jb_frozen, jb->jb_buf->b_data, j->j_em->em_bsize);
	return 0;
}

static int
join(struct ext4_handle *h, struct buf *bp, bool forget)
{
	struct ext4_jnl *j = h->h_em->em_jnl;
	struct ext4_txn *t = h->h_txn;
	struct ext4_jbuf *jb;
	bool joined = false;
	int error;

	bpin(bp);
	mutex_enter(&j->j_lock);
	error = jbuf_get(bp, &jb);
	if (error == 0 && jb->jb_run == NULL) {
		error = freeze(j, jb);
		if (error == 0) {
			jb->jb_run = t;
			jb->jb_forget = false;
			TAILQ_INSERT_TAIL(&t->t_bufs, jb, jb_link[LINK(t)]);
			t->t_nbufs++;
			if (h->h_credits > 0) {
				h->h_credits--;
				t->t_credits--;
			} else {
				j->j_overruns++;
			}
			joined = true;
		} else {
			jbuf_put(jb);
		}
	}
	if (error == 0 && forget)
		jb->jb_forget = true;
	mutex_exit(&j->j_lock);
	if (!joined)
		bunpin(bp, false);
	return error;
}

int
ext4_jwrite(struct ext4_handle *h, struct buf *bp)
{
	if (h->h_em->em_failed)
		return EROFS;
	return join(h, bp, false);
}

static int
add_revoke(struct ext4_jnl *j, struct ext4_txn *t, uint64_t blk)
{
	struct revokes *rv, *new = NULL;

	mutex_enter(&j->j_lock);
	rv = SLIST_FIRST(&t->t_revokes);
	if (rv == NULL || rv->rv_n == REVOKES_CHUNK) {
		new = kmem_alloc(sizeof(*new), KM_SLEEP);
		if (new == NULL) {
			mutex_exit(&j->j_lock);
			return ENOMEM;
		}
		new->rv_n = 0;
		SLIST_INSERT_HEAD(&t->t_revokes, new, rv_link);
		rv = new;
	}
	rv->rv_blk[rv->rv_n++] = blk;
	t->t_nrevokes++;
	mutex_exit(&j->j_lock);
	return 0;
}

int
ext4_jforget(struct ext4_handle *h, uint64_t blk, uint32_t n)
{
	struct ext4_jnl *j = h->h_em->em_jnl;
	struct buf *bp;
	int error = 0;

	for (; n > 0 && error == 0; n--, blk++) {
		if (j->j_log)
			error = add_revoke(j, h->h_txn, blk);
		bp = error == 0 ? bpeek(h->h_em->em_bc, blk) : NULL;
		if (bp == NULL)
			continue;
		error = join(h, bp, true);
		brelse(bp);
	}
	return error;
}

int
ext4_jfreed(struct ext4_handle *h, uint64_t blk, uint32_t n)
{
	struct ext4_jnl *j = h->h_em->em_jnl;
	struct freed *f = kmem_alloc(sizeof(*f), KM_SLEEP);

	if (f == NULL)
		return ENOMEM;
	f->f_blk = blk;
	f->f_len = n;
	mutex_enter(&j->j_lock);
	SLIST_INSERT_HEAD(&h->h_txn->t_freed, f, f_link);
	mutex_exit(&j->j_lock);
	return 0;
}

unsigned int
ext4_joverruns(struct ext4_mount *em)
{
	return em->em_jnl != NULL ? em->em_jnl->j_overruns : 0;
}

/* -- the beginning and the end -- */

/* The features that our log will have. */
static void
jsb_upgrade(struct ext4_mount *em, struct jbd_sb *sb)
{
	uint32_t inc = JBD_INC_REVOKE;

	if (em->em_csum)
		inc |= JBD_INC_CSUM_V3;
	if (ext4_incompat(em, EXT4_INC_64BIT))
		inc |= JBD_INC_64BIT;
	if (be32(sb->s_header.h_blocktype) == JBD_SUPER_V1) {
		sb->s_header.h_blocktype = be32(JBD_SUPER_V2);
		sb->s_nr_users = be32(1);
		memcpy(sb->s_uuid, em->em_sb.s_uuid, sizeof(sb->s_uuid));
	}
	sb->s_feature_compat = 0;
	sb->s_feature_incompat = be32(inc);
	sb->s_checksum_type = em->em_csum ? JBD_CSUM_CRC32C : 0;
	sb->s_checksum = 0;
}

static int
log_open(struct ext4_mount *em, struct ext4_jnl *j)
{
	int error;

	error = ext4_jmap_load(em, &j->j_map);
	if (error == 0)
		error = ext4_jsb_read(em, &j->j_map, &j->j_sb);
	if (error != 0)
		return error;
	if (j->j_sb->s_start != 0)
		return EINVAL;		/* not recovered: noload */
	jsb_upgrade(em, j->j_sb);
	j->j_log = true;
	j->j_seed = ext4_jseed(j->j_sb);
	j->j_csum = em->em_csum;
	j->j_64 = ext4_incompat(em, EXT4_INC_64BIT);
	j->j_tagsize = ext4_jtag_size(j->j_sb);
	j->j_first = be32(j->j_sb->s_first);
	j->j_max = be32(j->j_sb->s_maxlen);
	j->j_head = j->j_first;
	j->j_free = j->j_max - j->j_first - 1;
	j->j_maxtxn = MIN(j->j_free / 5, TXN_MAX);
	j->j_nexttid = be32(j->j_sb->s_sequence);
	if (j->j_nexttid == 0)
		j->j_nexttid = 1;
	j->j_bounce = kmem_alloc((size_t)BATCH * em->em_bsize, KM_SLEEP);
	if (j->j_bounce == NULL)
		return ENOMEM;
	return tail_write(j, j->j_head, j->j_nexttid);
}

static void
jnl_free(struct ext4_jnl *j)
{
	if (j->j_bounce != NULL)
		kmem_free(j->j_bounce, (size_t)BATCH * j->j_em->em_bsize);
	if (j->j_sb != NULL)
		kmem_free(j->j_sb, j->j_em->em_bsize);
	ext4_jmap_free(&j->j_map);
	cv_destroy(&j->j_cv);
	mutex_destroy(&j->j_lock);
	mutex_destroy(&j->j_commit_lock);
	kmem_free(j, sizeof(*j));
}

int
ext4_jopen(struct ext4_mount *em)
{
	struct ext4_jnl *j;
	int error = 0;

	if (jbuf_cache == NULL)
		jbuf_cache = kmem_cache_create("ext4_jbuf",
		    sizeof(struct ext4_jbuf), 0);
	j = jbuf_cache == NULL ? NULL : kmem_zalloc(sizeof(*j), KM_SLEEP);
	if (j == NULL)
		return ENOMEM;
	j->j_em = em;
	mutex_init(&j->j_lock, "ext4_jnl");
	mutex_init(&j->j_commit_lock, "ext4_commit");
	cv_init(&j->j_cv, "ext4jnl");
	TAILQ_INIT(&j->j_chkq);
	j->j_lastchk = nanouptime();
	j->j_nexttid = 1;
	j->j_maxtxn = TXN_MAX;
	if (em->em_jinode != NULL)
		error = log_open(em, j);
	if (error == 0 && j->j_log && j->j_maxtxn < 100)
		error = EINVAL;
	if (error != 0) {
		jnl_free(j);
		return error;
	}
	atomic_store(&j->j_done, j->j_nexttid - 1);
	em->em_jnl = j;
	return 0;
}

/*
 * No more writing.  After an error what is left is dropped.  Somebody may
 * still be about to begin a handle, so the structure stays until the end of
 * the mount.
 */
void
ext4_jclose(struct ext4_mount *em)
{
	struct ext4_jnl *j = em->em_jnl;
	struct ext4_jbuf *jb;
	struct ext4_txn *t;
	int error;

	mutex_enter(&j->j_lock);
	j->j_closed = true;
	mutex_exit(&j->j_lock);
	error = ext4_jcheckpoint(em);
	if (error == 0 && !j->j_log)
		error = bufcache_sync(em->em_bc);
	if (error == 0 && j->j_log)
		error = tail_write(j, 0, j->j_nexttid);
	if (error != 0 && !em->em_failed)
		(void)ext4_error(em, 0, "unmounting: error %d", error);
	mutex_enter(&j->j_lock);
	while ((t = TAILQ_FIRST(&j->j_chkq)) != NULL) {
		while ((jb = TAILQ_FIRST(&t->t_chk)) != NULL) {
			chk_remove(jb);
			jbuf_put(jb);
		}
		TAILQ_REMOVE(&j->j_chkq, t, t_chkq);
		txn_free(t);
	}
	mutex_exit(&j->j_lock);
	em->em_jnl = NULL;
	j->j_old = em->em_oldjnl;
	em->em_oldjnl = j;
}

/* At the end of the mount. */
void
ext4_jfree(struct ext4_mount *em)
{
	struct ext4_jnl *j;

	while ((j = em->em_oldjnl) != NULL) {
		em->em_oldjnl = j->j_old;
		jnl_free(j);
	}
}
