/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest type does for the pmap: writing entries, page-table life cycle,
 * loading tables, flushing TLBs.
 *
 * A pte is always in guest-physical form here; the PV backend translates to
 * machine frames.  Interrupts are off in every call but pb_init.
 */
#ifndef _X86_PMAP_BACKEND_H_
#define	_X86_PMAP_BACKEND_H_

#include <sys/types.h>

struct pmap;
struct vm_page;

#define	PTE_P	0x001UL
#define	PTE_W	0x002UL
#define	PTE_U	0x004UL
#define	PTE_PWT	0x008UL
#define	PTE_PCD	0x010UL
#define	PTE_A	0x020UL
#define	PTE_D	0x040UL
#define	PTE_PS	0x080UL
#define	PTE_G	0x100UL
#define	PTE_SW0	0x200UL		/* software: managed page (has a vm_page) */
#define	PTE_SW1	0x400UL
#define	PTE_NX	(1UL << 63)
#define	PTE_FRAME 0x000ffffffffff000UL

struct pte_update {
	uint64_t	*pu_slot;	/* direct map address of the entry */
	uint64_t	pu_val;		/* new value, guest-physical */
};

struct pmap_backend {
	/* Write n entries (any level), in order. */
	void	(*pb_write)(struct pmap *, const struct pte_update *,
		    unsigned int n);
	/* Read an entry, in guest-physical form. */
	uint64_t (*pb_read)(const uint64_t *slot);
	/* Swap one entry for 0 and return the old one with its A/D bits. */
	uint64_t (*pb_clear)(struct pmap *, uint64_t *slot);
	/* Write one leaf of the pmap now loaded here (fault path). */
	void	(*pb_write_va)(struct pmap *, vaddr_t, uint64_t *slot,
		    uint64_t val);
	/* A zeroed page becomes a table of that level (1..4) / is one no more. */
	void	(*pb_table_alloc)(struct vm_page *, int level);
	void	(*pb_table_free)(struct vm_page *, int level);
	/* A new pmap's top tables are complete: pin / before freeing: unpin. */
	void	(*pb_pin)(struct pmap *);
	void	(*pb_unpin)(struct pmap *);
	/* Load on this CPU. */
	void	(*pb_load)(struct pmap *);
	/* Flush on the CPUs in the mask (this one included if set). */
	void	(*pb_flush_all)(uint64_t cpumask);
	void	(*pb_flush_range)(uint64_t cpumask, vaddr_t, unsigned int npages);
};

#endif /* !_X86_PMAP_BACKEND_H_ */
