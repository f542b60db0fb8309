/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O: one transfer between a disk and pages of memory.
 *
 * Overview: the caller owns a struct bio from bio_init() or bio_alloc() until
 * bio_submit(), and again from the call of b_done on.  In between it belongs to
 * the block layer, which may split it and may merge it with its neighbours.
 * Bytes in the pages must not change while a write is under way if the caller
 * cares which of them reach the disk.
 *
 * Order: none between bios that are under way at the same time.  A write is
 * durable when a FLUSH, or another bio with BIO_PREFLUSH, that was submitted
 * after the write's completion, has completed without error; or when the write
 * itself had BIO_FUA.  A disk without a volatile cache completes flushes at
 * once.
 *
 * Contexts: bio_submit() neither sleeps nor allocates: thread or soft interrupt
 * context, no spin lock that b_done might take.  b_done runs in soft interrupt
 * or thread context, also before bio_submit() has returned; it does not sleep.
 * What it may do: wake somebody, bio_submit() another, free the bio.
 *
 * Errors: EIO (the device; it is gone; beyond its end), EINVAL (not in units of
 * the logical block size), EROFS, ENOMEDIUM, EOPNOTSUPP (discard), ENOSPC
 * (loop).
 */
#ifndef _SYS_BIO_H_
#define	_SYS_BIO_H_

#include <sys/queue.h>
#include <sys/types.h>

struct disk;
struct vm_page;

#define	SECTOR_SHIFT	9
#define	SECTOR_SIZE	(1UL << SECTOR_SHIFT)

enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD };

/* Flags; FUA and PREFLUSH are for writes. */
#define	BIO_FUA		0x01	/* durable before it completes */
#define	BIO_PREFLUSH	0x02	/* flush the cache first */
#define	BIO_SYNC	0x04	/* somebody waits for it */
#define	BIO_META	0x08	/* a file system's structure */
#define	BIO_RAHEAD	0x10	/* nobody waits for it; may fail */
#define	BIO_NOMERGE	0x20

/* Bytes [bs_off, bs_off + bs_len) of a page; both in units of 512. */
struct bio_seg {
	struct vm_page	*bs_page;
	uint16_t	bs_off, bs_len;
};

TAILQ_HEAD(bio_list, bio);

struct bio {
	/* The caller's; [I] while submitted. */
	struct disk	*b_disk;	/* a whole disk or a partition */
	uint64_t	b_sector;	/* of 512 bytes, in b_disk */
	enum bio_op	b_op;
	unsigned int	b_flags;
	struct bio_seg	*b_segs;
	unsigned int	b_nsegs, b_maxsegs;
	uint64_t	b_len;		/* bytes: of the segments; a discard's
					 * is set by the caller */
	void		(*b_done)(struct bio *);
	void		*b_arg;
	int		b_error;	/* valid in b_done */
	TAILQ_ENTRY(bio) b_link;	/* the owner's at the time */
	/* The block layer's. */
	struct disk	*b_whole;	/* where it goes, and from which ... */
	uint64_t	b_start;	/* ... sector there */
	uint64_t	b_taken;	/* [q] bytes handed to the driver */
	uint64_t	b_left;		/* [q] bytes not completed */
	unsigned int	b_seg;		/* [q] segment b_taken lies in ... */
	unsigned int	b_segoff;	/* [q] ... bytes into it */
	unsigned int	b_phase;	/* [q] of a write with flushes */
	bool		b_queued;	/* [q] */
	int64_t		b_since;	/* nanouptime() of the submission */
	struct bio	*b_next;	/* [q] of a chain the driver works on */
};

/* A bio in the caller's memory with room for maxsegs segments. */
void	bio_init(struct bio *, struct disk *, enum bio_op, unsigned int flags,
	    uint64_t sector, struct bio_seg *, unsigned int maxsegs);
/* One with its segments in one allocation; NULL: no memory.  bio_free(). */
struct bio *bio_alloc(struct disk *, enum bio_op, unsigned int flags,
	    uint64_t sector, unsigned int maxsegs, int kmflags);
void	bio_free(struct bio *);
/*
 * Append bytes of a page (off and len in units of 512, off + len <= PAGE_SIZE);
 * joins the last segment if it goes on there.  False: no room.
 */
bool	bio_add(struct bio *, struct vm_page *, unsigned int off,
	    unsigned int len);
/*
 * The same for kernel memory of any length, 512-byte aligned: uvm_km, or kmem
 * in whole pages (which alone are aligned).  False if there is no room for all
 * of it; then nothing is added.
 */
bool	bio_add_kva(struct bio *, void *, size_t len);

void	bio_submit(struct bio *);
/* All of the list, in its order, with a better chance of being merged. */
void	bio_submit_list(struct bio_list *);
/*
 * Submit and wait; b_done and b_arg are used for that.  The result is b_error.
 * Thread context, sleeps.
 */
int	bio_wait(struct bio *) __must_check;

/*
 * Read or write kernel memory (512-byte aligned, whole logical blocks; any
 * length) and wait.  Thread context, sleeps.  ENOMEM, or as above.
 */
int	disk_rw(struct disk *, enum bio_op, unsigned int flags,
	    uint64_t sector, void *, size_t len) __must_check;
/* All writes that have completed become durable.  Sleeps. */
int	disk_flush(struct disk *) __must_check;

#endif /* !_SYS_BIO_H_ */
