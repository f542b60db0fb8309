/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of metadata blocks: what a file system knows its disk by.
 *
 * Overview: a bufcache is made per mounted device and block size.  A buf is one
 * block of it; bread() and bgetblk() give a reference, brelse() takes it back.
 * Referenced, dirty and pinned bufs stay in memory; the others are a cache that
 * shrinks from its cold end.  File data never comes here: it belongs to the
 * page cache of the file's vnode.
 *
 * Writing.  A file system without a journal changes b_data and calls bdirty().
 * A journal pins a block before it changes it (bpin(), which also waits for a
 * write under way), and unpins it with bunpin(dirty) when the change is in the
 * log: a pinned block is never written to its place.  bufcache_sync() writes
 * what is dirty and not pinned.  While a write is under way a block that is
 * pinned does not change; others may, and are dirty again then.
 *
 * Who changes the bytes of a block, and when, is the file system's business:
 * there is no lock of the contents here.
 *
 * Lock letters: [I] immutable, [c] bc_lock.
 */
#ifndef _SYS_BUF_H_
#define	_SYS_BUF_H_

#include <sys/condvar.h>
#include <sys/queue.h>
#include <sys/spinlock.h>
#include <sys/types.h>

struct bufdev;
struct disk;

/* One transfer of a batch; off and len in bytes, whole sectors. */
struct bufio {
	uint64_t	bi_off;
	void		*bi_data;
	size_t		bi_len;
	int		bi_error;	/* the result */
};

/* What the cache needs of a disk; all may sleep.  0, EIO, ENOMEM, EROFS. */
struct bufdev_ops {
	/* All of them, in any order; the first error, if any. */
	int	(*bdo_io)(struct bufdev *, bool write, struct bufio *,
		    unsigned int n);
	/* What was written before is durable. */
	int	(*bdo_flush)(struct bufdev *);
	/* The bytes are not needed any more: EOPNOTSUPP. */
	int	(*bdo_discard)(struct bufdev *, uint64_t off, uint64_t len);
};

struct bufdev {
	const struct bufdev_ops *bd_ops;	/* [I] */
	uint64_t	bd_size;		/* [I] bytes */
	unsigned int	bd_sector;		/* [I] bytes */
	bool		bd_readonly;		/* [I] */
	const char	*bd_name;		/* [I] for messages */
	struct disk	*bd_disk;		/* [I] NULL: a test's */
};

/* A device of the cache on an open disk; the file system opened it. */
int	bufdev_disk_create(struct disk *, struct bufdev **);
void	bufdev_disk_destroy(struct bufdev *);
/* Any range in whole sectors, past the cache. */
int	bufdev_rw(struct bufdev *, bool write, uint64_t off, void *, size_t);
int	bufdev_flush(struct bufdev *);

struct bufcache;

struct buf {
	LIST_ENTRY(buf)	b_hash;		/* [c] */
	TAILQ_ENTRY(buf) b_lru;		/* [c] while nobody uses it */
	TAILQ_ENTRY(buf) b_dirtyq;	/* [c] while B_DIRTY */
	struct bufcache	*b_cache;	/* [I] */
	uint64_t	b_blkno;	/* [I] in blocks of the cache */
	char		*b_data;	/* [I] */
	unsigned int	b_ref;		/* [c] */
	unsigned int	b_pins;		/* [c] */
	volatile unsigned int b_flags;	/* [c] B_* */
	void		*b_private;	/* the journal's; pinned meanwhile */
};
#define	B_VALID		0x01	/* b_data is the block */
#define	B_DIRTY		0x02	/* newer than the disk */
#define	B_BUSY		0x04	/* a transfer is under way */
#define	B_ERROR		0x08	/* the last write failed */
#define	B_CHECKED	0x10	/* the file system has verified it */
#define	B_ONLRU		0x20

void	bufcache_init(void);		/* once */
/* bsize: a power of two from 512 to PAGE_SIZE.  NULL: no memory. */
struct bufcache *bufcache_create(struct bufdev *, unsigned int bsize);
/* Nothing is referenced or pinned; what is dirty is lost. */
void	bufcache_destroy(struct bufcache *);

/*
 * The block, read if need be: EIO, ENOMEM, EINVAL (beyond the end).  Thread
 * context, sleeps.
 */
int	bread(struct bufcache *, uint64_t blkno, struct buf **) __must_check;
/* The block without reading: unless B_VALID the caller fills all of it. */
int	bgetblk(struct bufcache *, uint64_t blkno, struct buf **) __must_check;
/* The block if it is in memory already; NULL: it is not. */
struct buf *bpeek(struct bufcache *, uint64_t blkno);
/* As bgetblk(), filled with zeros, whatever it was. */
int	bgetzero(struct bufcache *, uint64_t blkno, struct buf **)
	    __must_check;
void	bref(struct buf *);
void	brelse(struct buf *);		/* NULL: nothing */
void	bvalid(struct buf *);		/* the caller has filled it */
void	bchecked(struct buf *);
/* Bring blocks in that will be wanted soon; errors do not matter. */
void	breadahead(struct bufcache *, uint64_t blkno, unsigned int n);

void	bdirty(struct buf *);
int	bwrite(struct buf *) __must_check;	/* now, and wait */
void	bpin(struct buf *);		/* sleeps */
void	bunpin(struct buf *, bool dirty);
bool	bpinned(struct buf *);
/* Write those of the n blocks that are dirty and not pinned; waits. */
int	bwrite_many(struct buf **, unsigned int n) __must_check;
/* Write all that is dirty and not pinned, and wait.  No flush. */
int	bufcache_sync(struct bufcache *) __must_check;
size_t	bufcache_ndirty(struct bufcache *);
/* The blocks are somebody else's now: forget them, dirty or not. */
void	binval(struct bufcache *, uint64_t blkno, uint64_t n);
/* Drop all that nobody uses and that is clean; e.g. the disk changed. */
void	bufcache_purge(struct bufcache *);

#endif /* !_SYS_BUF_H_ */
