/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two halves of the disk frontend: xbd.c (the device) and xbd_ring.c (its
 * rings, requests and grants).
 */
#ifndef _XEN_XBD_IMPL_H_
#define	_XEN_XBD_IMPL_H_

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/disk.h>
#include <sys/softint.h>
#include <xen/ring.h>
#include <xen/xenbus.h>
#include <xen/public/io/blkif.h>

#define	XBD_MAXRINGS	8
#define	XBD_MAXORDER	2		/* of a ring's pages */
#define	XBD_MAXPAGES	(1U << XBD_MAXORDER)
#define	XBD_DEPTH	128		/* requests of a queue */
#define	XBD_MAXSEGS	64		/* of a request, with indirection */
#define	XBD_POOLSEGS	32		/* the same with persistent grants */
#define	XBD_MAXPOOL	352		/* pages of a ring's pool */

/* A page of ours that the backend may keep mapped. */
struct xbd_page {
	SLIST_ENTRY(xbd_page) xp_link;	/* [r] while free */
	struct vm_page	*xp_page;	/* [I] */
	gref_t		xp_ref;		/* [I] */
};

union xbd_mem {
	gref_t		xm_ref;		/* of the requester's page */
	struct xbd_page	*xm_page;	/* with persistent grants */
};

/* What a request id stands for; all [r]. */
struct xbd_slot {
	struct disk_req	*xs_req;	/* NULL: free */
	uint8_t		xs_op;		/* what the response must say */
	unsigned int	xs_nsegs;
	union xbd_mem	*xs_mem;	/* room for the ring's maxsegs */
	struct vm_page	*xs_indirect;	/* page of segments, or NULL */
	gref_t		xs_indref;	/* its grant */
	nsec_t		xs_since;
	unsigned int	xs_next;	/* of the free list */
};

struct xbd;

struct xbd_ring {
	struct spinlock	xr_lock;	/* [r] */
	struct xbd	*xr_xbd;	/* [I] */
	unsigned int	xr_index;	/* [I] */
	bool		xr_up;		/* [r] requests may be put in */
	bool		xr_broken;	/* [r] the backend broke the protocol */
	bool		xr_short;	/* [r] of memory or grants: try again */
	blkif_front_ring_t xr_ring;	/* [r] */
	unsigned int	xr_npages;
	struct vm_page	*xr_pages;	/* contiguous */
	gref_t		xr_refs[XBD_MAXPAGES];
	struct evt_source *xr_evt;
	struct softint	*xr_softint;
	struct callout	xr_retry;
	unsigned int	xr_nslots, xr_maxsegs;
	unsigned int	xr_free;	/* [r] first free slot, or xr_nslots */
	unsigned int	xr_busy;	/* [r] slots in use */
	struct xbd_slot	*xr_slots;
	union xbd_mem	*xr_mem;	/* of all slots */
	SLIST_HEAD(, xbd_page) xr_pool;	/* [r] */
	unsigned int	xr_npool;	/* [r] all of them */
	struct disk_req	*xr_held;	/* [r] for which there was no room */
};

struct xbd {
	struct xenbus_device *xd_xb;	/* [x] NULL: gone */
	struct disk	*xd_disk;	/* [I] */
	char		xd_name[DISK_NAMELEN];	/* [I] */
	unsigned int	xd_handle;	/* [I] the virtual device number */
	xdomid_t	xd_domid;	/* [x] the backend's */
	struct xbd_ring	xd_rings[XBD_MAXRINGS];
	volatile unsigned int xd_nrings; /* [a] set up; 0: not connected */
	/* Of the backend; [x]. */
	bool		xd_persistent, xd_flush, xd_barrier;
	unsigned int	xd_maxsegs;
	bool		xd_published;	/* [x] nodes were written */
	bool		xd_live;	/* [x] Connected */
	bool		xd_attached;	/* [x] disk_attach() was begun */
	struct xs_watch	xd_sizewatch;	/* [x] of the backend's "sectors" */
	volatile bool	xd_closing;	/* [a] wanted back when unused */
	bool		xd_told;	/* [x] that it is in use */
	struct callout	xd_timer;
	struct spinlock	xd_lock;	/* [d] */
	struct condvar	xd_cv;
	unsigned int	xd_inflight;	/* [d] requests with the backend */
	bool		xd_slow;	/* [a] told that it does not answer */
};

/* xbd_ring.c; thread context unless stated. */

/* Memory, grants and port of a ring; requests do not flow yet. */
int	xbd_ring_create(struct xbd *, unsigned int index, unsigned int order);
/*
 * End it: what was in flight goes back to the block layer, or with fail is done
 * with EIO.
 */
void	xbd_ring_destroy(struct xbd_ring *, bool fail);
/* The backend is there: requests of up to maxsegs segments flow.  ENOMEM. */
int	xbd_ring_open(struct xbd_ring *, unsigned int maxsegs);
/* Any context but hard interrupts: put in what fits. */
void	xbd_ring_run(struct xbd_ring *, struct disk_queue *);
/* When the oldest request was put in; 0: there is none.  Any context. */
nsec_t	xbd_ring_oldest(struct xbd_ring *);

/* xbd.c; any context. */
void	xbd_bad(struct xbd *, const char *fmt, ...) __printflike(2, 3);
void	xbd_inflight(struct xbd *, int change);
/* The backend refuses an operation it offered. */
void	xbd_refused(struct xbd *, enum bio_op);

#endif /* !_XEN_XBD_IMPL_H_ */
