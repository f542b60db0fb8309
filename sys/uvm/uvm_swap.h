/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap: places on disks for the pages of anons (uvm_swap.c), and the choice of
 * the pages that go there (uvm_swapout.c).
 */
#ifndef _UVM_UVM_SWAP_H_
#define	_UVM_UVM_SWAP_H_

#include <uvm/uvm.h>

struct disk;
struct swap_area;

#define	SWAP_AREAS	29		/* at the same time, at most */
#define	SWAP_MAXPAGES	(1U << 27)	/* of an area */
/* In an_slot: has no place, and gets none while it has several owners. */
#define	SWAP_PINNED	UINT32_MAX

/* Pages [se_page, se_page + se_npages) of an area are at that sector. */
struct swap_extent {
	uint32_t	se_page, se_npages;
	uint64_t	se_sector;
};

/* -- areas; thread context, the caller lets in one at a time -- */

struct swap_args {
	struct disk	*sa_disk;	/* stays until uvm_swap_remove() */
	struct swap_extent *sa_extents;	/* by page; taken over on success */
	unsigned int	sa_nextents, sa_maxextents;
	uint32_t	sa_npages;
	int		sa_prio;
};
/*
 * Pages that no extent has, and page 0, are not used.  ENOMEM.
 */
int	uvm_swap_add(const struct swap_args *, struct swap_area **);
/* For the time between: pages that cannot be used. */
void	uvm_swap_bad_page(struct swap_area *, uint32_t page);
/* From now on it is used.  EPERM: there are too many. */
int	uvm_swap_enable(struct swap_area *);
/*
 * Bring everything back and forget the area.  ENOMEM: there is no room; EINTR;
 * EIO: a page cannot be read.  After an error it is in use as before.
 */
int	uvm_swap_remove(struct swap_area *);
/* One that was not enabled. */
void	uvm_swap_discard(struct swap_area *);
/* Its pages that can be used, and those that are. */
void	uvm_swap_usage(const struct swap_area *, size_t *total, size_t *used);

/* -- for sys/uvm -- */

void	uvm_swap_sysinit(void);
/*
 * Make the page at that place, which an anon has, be in memory.  0 also if
 * somebody else did, or the anon is gone: look again.  ENOMEM: no page now;
 * EIO.  Thread context, no lock, sleeps.
 */
int	uvm_swap_in(uint32_t slot);
/*
 * The anon has, or will have, another content than its place, or is no more.
 * Its owners' locks are held, or nobody knows it.
 */
void	uvm_swap_drop_slow(struct vm_anon *);
static inline void
uvm_swap_drop(struct vm_anon *an)
{
	if (atomic_load_acquire(&an->an_slot) != 0)
		uvm_swap_drop_slow(an);
}
bool	uvm_swap_full(void);		/* or there is none */
/* It stays in memory while it has more than one owner. */
void	uvm_swap_pin(struct vm_anon *);

/*
 * Pages on their way out.  One begins, adds, unmaps what was added, writes
 * (again and again), ends.
 */
#define	SWAP_BATCH	64
struct swap_batch;
struct swap_batch *uvm_swap_begin(void);	/* sleeps; NULL: no swap */
void	uvm_swap_end(struct swap_batch *);
unsigned int uvm_swap_room(const struct swap_batch *);
/*
 * Take the page from an anon, whose owners' locks are held.  NULL: swap is full
 * or the batch is.
 */
struct vm_page *uvm_swap_take(struct swap_batch *, struct vm_anon *);
/* Write; how many pages came free.  Sleeps, no locks. */
size_t	uvm_swap_write(struct swap_batch *);

#endif /* !_UVM_UVM_SWAP_H_ */
