/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks and their partitions: who they are, who has them open, and what a
 * driver does for them.
 *
 * Overview: a driver makes a disk with disk_create() and disk_attach()es it:
 * its partition table is read, /dev, /proc/partitions and /sys/block show it.
 * A partition is a struct disk too, with d_whole and d_start; it is used like a
 * whole one.  Everybody who uses a disk opens it with a disk_holder, which is
 * also told of changes.
 *
 * Life: referenced by the registry, by each holder and by each disk_get().
 * When the device goes away the driver calls disk_gone(): what is queued and
 * what comes later fails with EIO, holders are told, names vanish.  The
 * structure stays until the last reference goes.
 *
 * Locking: disk_lock (mutex) for the registry, the lists of holders and
 * partitions; nothing of the block layer is called with it held from outside.
 * dq_lock (spin) for a queue.  d_sectors and d_flags are read without a lock:
 * they change while the disk is in use.
 */
#ifndef _SYS_DISK_H_
#define	_SYS_DISK_H_

#include <sys/atomic.h>
#include <sys/bio.h>
#include <sys/mutex.h>
#include <sys/spinlock.h>

#define	DISK_NAMELEN	32
#define	DISK_MAXPART	255		/* highest partition number */

struct disk;
struct disk_queue;
struct file;

/* What transfers may look like; the block layer splits by it. */
struct disk_limits {
	uint32_t	dl_lbs;		/* logical block size, bytes >= 512 */
	uint32_t	dl_pbs;		/* physical */
	uint32_t	dl_maxsectors;	/* of a request, 512 bytes each */
	uint32_t	dl_maxsegs;	/* of a request */
	uint32_t	dl_ioopt;	/* best size of a transfer, or 0 */
	uint64_t	dl_maxdiscard;	/* sectors of a request; 0: cannot */
	uint32_t	dl_discardgran;	/* bytes */
	bool		dl_flush;	/* has a volatile cache: wants FLUSH */
	bool		dl_fua;		/* BIO_FUA on the wire */
	bool		dl_rotational;
};

/* -- for drivers -- */

/*
 * What a driver gets: consecutive sectors of one operation, from one or more
 * bios.  It has no memory of its own to walk: see disk_req_segs().
 */
struct disk_req {
	TAILQ_ENTRY(disk_req) dr_link;	/* the driver's */
	struct disk_queue *dr_queue;	/* [I] */
	enum bio_op	dr_op;
	unsigned int	dr_flags;	/* BIO_FUA */
	uint64_t	dr_sector;	/* of the whole disk, 512 bytes */
	uint64_t	dr_len;		/* bytes */
	unsigned int	dr_nsegs;
	int		dr_error;	/* the driver's use */
	void		*dr_priv;	/* the driver's */
	uint64_t	dr_seq;		/* order of disk_next() in this queue */
	struct bio	*dr_bio;	/* first; by b_next ... */
	unsigned int	dr_seg, dr_segoff; /* ... and where in it */
};

TAILQ_HEAD(disk_reqs, disk_req);

struct disk_ops {
	/*
	 * There is work: take requests with disk_next() while there is room.
	 * Thread or soft interrupt context, no lock held; on several CPUs at
	 * once.
	 */
	void	(*do_start)(struct disk_queue *);
	/* First opener and last closer; thread, disk_lock held.  May be NULL.*/
	int	(*do_open)(struct disk *, unsigned int mode);
	void	(*do_close)(struct disk *);
	/* The last reference has gone: d_priv can.  Thread.  May be NULL. */
	void	(*do_free)(struct disk *);
	/*
	 * An attribute in /sys/block/NAME/loop; ENOENT: there is none of that
	 * name now.  NULL: no such directory.
	 */
	int	(*do_attr)(struct disk *, const char *name, char *, size_t);
	/* What the block layer does not know.  NULL: ENOTTY. */
	int	(*do_ioctl)(struct disk *, struct file *, unsigned long cmd,
		    uintptr_t uarg, register_t *retval);
};

struct disk_queue {
	struct spinlock	dq_lock;
	struct disk	*dq_disk;	/* [I] */
	unsigned int	dq_index;	/* [I] */
	/* [q] Not, or not all, handed out: somebody waits for it; the rest. */
	struct bio_list	dq_bios[2];
	unsigned int	dq_streak;	/* [q] taken while others wait */
	struct disk_reqs dq_free;	/* [q] */
	struct disk_reqs dq_retry; /* [q] given back; by dr_seq */
	struct disk_req	*dq_reqs;	/* [I] all of them */
	unsigned int	dq_depth;	/* [I] */
	unsigned int	dq_busy;	/* [q] handed out or given back */
	uint64_t	dq_seq;		/* [q] */
	bool		dq_stopped;	/* [q] disk_queue_stop() */
	void		*dq_priv;	/* [I] the driver's */
};

struct disk_stats {			/* [a] */
	volatile uint64_t ds_ios[3] __aligned(8); /* reads, writes, discards */
	volatile uint64_t ds_merges[3];
	volatile uint64_t ds_sectors[3];
	volatile uint64_t ds_ns[3];
	volatile uint64_t ds_flushes, ds_flushns;
	volatile uint64_t ds_busyns, ds_queuens;
	volatile uint64_t ds_stamp;
	volatile unsigned int ds_inflight[2];
};

struct disk {
	char		d_name[DISK_NAMELEN];	/* [I] "xvda", "xvda1" */
	dev_t		d_dev;		/* [I] whole: the driver's */
	const struct disk_ops *d_ops;	/* [I] a whole disk's */
	void		*d_priv;	/* [I] the driver's */
	volatile uint64_t d_sectors __aligned(8); /* [a] size in units of 512 */
	volatile unsigned int d_flags;	/* [a] DISK_* */
	char		d_bus[24];	/* [I] in /sys/devices: "vbd-51712" */
	struct disk_limits d_limits;	/* [s] whole; changes while stopped */
	refcount_t	d_ref;		/* [a] */
	/* A partition. */
	struct disk	*d_whole;	/* [I] itself if it is none */
	uint64_t	d_start;	/* [I] first sector */
	bool		d_extended;	/* [I] d_dev was ours to choose */
	unsigned int	d_partno;	/* [I] 0: whole */
	char		d_partuuid[40];	/* [I] "" if the table has none */
	char		d_partname[40];	/* [I] GPT: in ASCII */
	/* A whole disk. */
	LIST_HEAD(, disk) d_parts;	/* [l] by number */
	struct disk_queue *d_queues;	/* [I] */
	unsigned int	d_nqueues;	/* [I] */
	unsigned int	d_minors;	/* [I] of them with its own major */
	struct mutex	d_scan;		/* one reads the table at a time */
	volatile unsigned int d_changes; /* [a] media changes seen */
	/* Both. */
	TAILQ_ENTRY(disk) d_link;	/* [l] the registry */
	TAILQ_ENTRY(disk) d_change;	/* d_scan: subr_disk.c */
	LIST_ENTRY(disk) d_plink;	/* [l] */
	LIST_HEAD(, disk_holder) d_holders; /* [l] */
	const void	*d_claim;	/* [l] who has it for itself */
	unsigned int	d_nclaims;	/* [l] */
	unsigned int	d_partclaims;	/* [l] whole: of its partitions */
	struct disk_stats d_stats;
	void		*d_cache;	/* the page cache's, if it has any */
};
#define	DISK_RDONLY	0x01		/* [a] */
#define	DISK_REMOVABLE	0x02
#define	DISK_CDROM	0x04
#define	DISK_NOMEDIUM	0x08		/* [a] the drive is empty: ENOMEDIUM */
#define	DISK_GONE	0x10		/* [a] the device does not exist */
#define	DISK_FAILED	0x100		/* [a] disk_set_failed() */
#define	DISK_HIDDEN	0x20		/* not in the lists: a free loop */
#define	DISK_ROSET	0x80		/* [a] read-only by BLKROSET */
#define	DISK_NOPART	0x40		/* is not looked at for partitions */

/*
 * A whole disk that nobody sees yet, with one reference; d_dev, d_flags,
 * d_limits, d_sectors, d_priv are to be filled in.  depth: requests the driver
 * can have at once per queue.  Thread context.  ENOMEM.
 */
int	disk_create(const char *name, const struct disk_ops *,
	    unsigned int nqueues, unsigned int depth, struct disk **);
/*
 * Make it known: reads the partition table, so the driver must work, and the
 * driver holds no lock.  Thread context, sleeps.  EEXIST, ENXIO (gone).
 */
int	disk_attach(struct disk *);
/*
 * The device is gone for good.  Fails what is queued; requests the driver has
 * are its own to finish.  The driver puts its reference when it is done.
 * Thread context, no lock held.
 */
void	disk_gone(struct disk *);
/*
 * Fail everything with EIO, now and from now on: the device does not work.  Or
 * it works again.  Thread context, no lock held.
 */
void	disk_set_failed(struct disk *, bool);
/* A new size or read-only state; holders are told.  Thread context. */
void	disk_resize(struct disk *, uint64_t sectors);
/* Another medium, or none: d_flags and d_sectors are the new ones already. */
void	disk_media_changed(struct disk *);
/* Does anybody have it, or one of its partitions, open? */
bool	disk_busy(struct disk *);
/* The same, but only claims (mounts, swap) count. */
bool	disk_claimed(struct disk *);
unsigned int disk_openers(struct disk *);	/* not of its partitions */

/*
 * The next request, merged and split by d_limits; NULL: none, or all requests
 * of the queue are taken.  Any context but hard interrupts.
 */
struct disk_req *disk_next(struct disk_queue *);
/* It is done with this result.  Thread or soft interrupt context. */
void	disk_done(struct disk_req *, int error);
/*
 * Give a request back: disk_next() returns it again, before what is new and by
 * dr_seq, cut by d_limits as they are then.
 */
void	disk_requeue(struct disk_req *);
/* Hand out nothing until disk_queue_start(); what is out stays out. */
void	disk_queue_stop(struct disk_queue *);
void	disk_queue_start(struct disk_queue *);
/*
 * Walk the memory of a request: fills up to max segments from the position in
 * *cursor (start with 0), and advances it; 0: the end.
 */
struct disk_cursor {
	struct bio	*dc_bio;
	unsigned int	dc_seg, dc_off;
	uint64_t	dc_left;
	bool		dc_started;
};
unsigned int disk_req_segs(const struct disk_req *, struct disk_cursor *,
	    struct bio_seg *, unsigned int max);
/* Copy between a request's memory and a flat buffer at byte `off` in it. */
void	disk_req_copy(const struct disk_req *, uint64_t off, void *,
	    size_t len, bool toreq);
/* Clear it from byte `off` on. */
void	disk_req_zero(const struct disk_req *, uint64_t off);

/*
 * A driver has begun to look for disks, or has found one whose partitions are
 * not known yet; and when that is over.  Any context.
 */
void	disk_settle_begin(void);
void	disk_settle_end(void);

/* -- for users -- */

/*
 * Wait until all disks that were there at boot are known, with their
 * partitions; ETIMEDOUT at the deadline (nanouptime()).  Thread context.
 */
int	disk_settle_wait(nsec_t deadline);

void	disk_init(void);			/* once, from main() */
/* Disks without hardware (sys/dev): once threads work, before the others. */
void	disk_soft_init(void);
/* By name, with or without "/dev/"; by number.  Referenced; NULL: none. */
struct disk *disk_lookup(const char *name);
struct disk *disk_lookup_dev(dev_t);
struct disk *disk_get(struct disk *);
void	disk_put(struct disk *);		/* thread context */
/* The next one after it, for lists: takes over the reference; NULL: first. */
struct disk *disk_next_in_list(struct disk *);

/* The 17 numbers of /proc/diskstats and /sys/block/NAME/stat. */
void	disk_stat_line(struct disk *, char *, size_t);

/* Who has a disk open; the opener's memory. */
struct disk_holder {
	const char	*dh_name;	/* "ext4", "swap", "loop" */
	/*
	 * Thread context, disk_lock held: note it, wake somebody; no call of
	 * disk_*() but disk_readonly() and what d_sectors says.  May be NULL.
	 */
	void		(*dh_resized)(struct disk_holder *);
	void		(*dh_gone)(struct disk_holder *);
	struct disk	*dh_disk;	/* set by disk_open() */
	const void	*dh_claim;
	unsigned int	dh_mode;
	LIST_ENTRY(disk_holder) dh_link;
};
#define	DISK_READ	0x1
#define	DISK_WRITE	0x2
#define	DISK_EXCL	0x4
#define	DISK_NONBLOCK	0x8	/* also without a medium */

/*
 * Open.  With DISK_EXCL nobody else may have it that way: a mount, swap, a
 * loop device, an open(2) with O_EXCL; claims of a whole disk and of its
 * partitions exclude each other.  `claim` is who: the same one may claim again.
 * Plain openers are not hindered.  Takes a reference.  Thread context.
 * EBUSY, EROFS (wanted to write), ENOMEDIUM, ENXIO (gone), EINVAL.
 */
int	disk_open(struct disk *, struct disk_holder *, unsigned int mode,
	    const void *claim);
void	disk_close(struct disk_holder *);

static inline bool
disk_readonly(const struct disk *d)
{
	return ((d->d_flags | d->d_whole->d_flags) &
	    (DISK_RDONLY | DISK_ROSET)) != 0;
}

/* -- partitions -- */

struct disk_part {
	unsigned int	dp_number;	/* 1 .. DISK_MAXPART */
	uint64_t	dp_start, dp_sectors;
	char		dp_uuid[40], dp_name[40];
};
/* Throw the partitions away and read the table again.  EBUSY: one is open. */
int	disk_rescan(struct disk *);
/* BLKPG: EBUSY, EINVAL, ENXIO, ENOMEM. */
int	disk_part_add(struct disk *, const struct disk_part *);
int	disk_part_del(struct disk *, unsigned int number);
int	disk_part_resize(struct disk *, unsigned int number, uint64_t sectors);

/*
 * What sys/dev adds to kern/subr_disk.c; thread context.
 * parts: read the table of a whole disk; up to max partitions, their number in
 * *n, 0 also if there is no table.  EIO.  No lock held.
 * claimed: a DISK_EXCL holder has come or gone; no lock held.
 * added, removed: a disk or partition has come into or left the lists: its
 * node; d_scan of the whole disk is held.
 */
struct disk_class {
	int	(*dc_parts)(struct disk *, struct disk_part *,
		    unsigned int max, unsigned int *n);
	void	(*dc_added)(struct disk *);
	void	(*dc_removed)(struct disk *);
	void	(*dc_claimed)(struct disk *);
};
extern const struct disk_class disk_class;	/* sys/dev/disk_dev.c */

#endif /* !_SYS_DISK_H_ */
