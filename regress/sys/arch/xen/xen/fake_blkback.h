/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk backend for unit tests, and the world the frontend lives in: store
 * nodes, grants, event channels, pages.  One thread; the backend works when the
 * test says so, or when the code under test sleeps.
 */
#ifndef _FAKE_BLKBACK_H_
#define	_FAKE_BLKBACK_H_

#include <sys/disk.h>
#include <xen/ring.h>
#include <xen/xenbus.h>
#include <xen/public/io/blkif.h>

#define	FB_SECTORS	16384U
#define	FB_RINGS	8
#define	FB_LOG		4096

struct fb_ring {
	unsigned int	npages;
	blkif_back_ring_t ring;
	uint32_t	port;
	unsigned int	served;
};

/* The backend. */
struct fake_backend {
	unsigned char	*media;			/* FB_SECTORS of them */
	unsigned int	nrings;			/* 0: not connected */
	struct fb_ring	ring[FB_RINGS];
	unsigned int	flushes, discarded, indirect, last_op;
	bool		refuse;			/* flush and discard */
	bool		keep_mapped;
	bool		stopped;		/* serves nobody who sleeps */
	uint64_t	fail_sector;		/* 0: none */
	uint64_t	log[FB_LOG];		/* sectors of writes */
	unsigned int	nlog;
};
extern struct fake_backend be;

/* What the frontend did to its bus. */
struct fake_bus {
	bool		quarantined;
	char		why[128];
	unsigned int	errors, rechecks;
};
extern struct fake_bus fb;

/* -- the world -- */
char	*fake_page_run(size_t npages);		/* memory for transfers */
void	fake_page_run_free(char *, size_t npages);
extern bool fake_pages_short;	/* there is nothing but the reserve */
void	fake_cpu(unsigned int index);		/* who submits; 0 or 1 */
void	fake_grants_left(unsigned int);
unsigned int fb_mapped_refs(void);
void	fb_unmap_all(void);
/* All memory, grants, ports are given back. */
void	fb_check_empty(void);

/* -- the store -- */
void	fb_offer(const char *node, uint64_t);	/* by the backend */
void	fb_withdraw_all(void);
void	fb_sectors_written(void);		/* its watch fires */
const char *fb_node(const char *path);

/* -- the device -- */
void	fb_probe(uint32_t vdev);
int	fb_try_probe(uint32_t vdev);
void	fb_connect(void);		/* the whole handshake */
void	fb_try_connect(void);
void	fb_attach(void);		/* run the thread that attaches */
void	fb_otherend(enum xenbus_state);
enum xenbus_state fb_state(void);	/* of the frontend */
struct disk *fb_disk(void);
void	fb_suspend(void);
void	fb_resume_new(void);		/* a new domain: all grants are gone */
void	fb_resume_cancelled(void);
void	fb_restart(void);		/* another backend, same domain */
void	fb_quarantine_close(void);
void	fb_remove(void);

/* -- the backend -- */
/* Up to n requests of a ring, answered in an order that pick chooses. */
void	fb_serve_some(struct fb_ring *, unsigned int n,
	    uint32_t (*pick)(uint32_t));
void	fb_serve_all(void);
/* Raw: an answer of any content; an event. */
void	fb_answer(struct fb_ring *, uint64_t id, unsigned int op, int status);
void	fb_event(unsigned int ring);

#endif /* !_FAKE_BLKBACK_H_ */
