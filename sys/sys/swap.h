/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap areas as programs know them: swapon(2), swapoff(2), /proc/swaps, and the
 * first page of an area, which mkswap(8) writes.
 */
#ifndef _SYS_SWAP_H_
#define	_SYS_SWAP_H_

#include <sys/types.h>

struct lwp;

#define	SWAP_FLAG_PRIO_MASK	0x7fff
#define	SWAP_FLAG_PREFER	0x8000	/* a priority is given */
#define	SWAP_FLAG_DISCARD	0x10000	/* tell the disk what is not used */
#define	SWAP_FLAG_DISCARD_ONCE	0x20000	/* ... only now: all of it */
#define	SWAP_FLAG_DISCARD_PAGES	0x40000	/* ... only when it comes free */

/*
 * EINVAL (flags, kind of file, first page, holes in the file), EPERM, EBUSY,
 * ENOMEM, EROFS, EIO, the walk's and the disk's.  Thread context.
 */
int	do_swapon(struct lwp *, const char *name, int flags);
/* EINVAL: no swap area; EPERM, ENOMEM (no room for what is there), EINTR. */
int	do_swapoff(struct lwp *, const char *name);
/* The text of /proc/swaps; thread context. */
void	vfs_swaps_format(void (*out)(void *, const char *, size_t), void *ctx);

/* What the first page says.  In it: */
#define	SWAP_MAXBAD	637
struct swap_header {
	uint32_t	sh_npages;	/* of the area, this one included */
	uint32_t	sh_nbad;
	uint32_t	sh_bad[SWAP_MAXBAD]; /* pages that cannot be used */
};
/*
 * Check and decode it, for a disk or file of so many pages.  EINVAL: it is
 * none, of another version or byte order, or contradicts itself.
 */
int	swap_header_parse(const void *page, uint64_t npages,
	    struct swap_header *);

#endif /* !_SYS_SWAP_H_ */
