/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest type does for the pmap: writing entries, page-table life cycle,
 * loading tables, flushing TLBs; and what the pmap's files share.
 *
 * A pte is always in guest-physical form here; the PV backend translates to
 * machine frames.  Interrupts are off in every call but pb_bootstrap.
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
#define	PTE_SW1	0x400UL		/* software: frame is not the guest's own */
#define	PTE_NX	(1UL << 63)
#define	PTE_FRAME 0x000ffffffffff000UL

#define	PT_SHIFT(level)		(PAGE_SHIFT + 9 * ((level) - 1))
#define	PT_SPAN(level)		(1UL << PT_SHIFT((level) + 1))	/* a table's */
#define	PT_INDEX(va, level)	((unsigned int)((va) >> PT_SHIFT(level)) & 511)
#define	PT_ENTRIES		512

struct pte_update {
	uint64_t	*pu_slot;	/* direct map address of the entry */
	uint64_t	pu_val;		/* new value, guest-physical */
};

enum pte_op {
	PTE_OP_SET,	/* leaf entries; what was there does not matter */
	PTE_OP_SWAP,	/* leaf entries; the old ones' bits (frame: undefined),
			   A/D included, to pu_val */
	PTE_OP_KEEPAD,	/* leaf entries: pu_val is what is in the slot now but
			   for PTE_W and PTE_NX; A/D stay as they are */
	PTE_OP_TABLE	/* entries that refer to tables */
};

/* What to flush from the TLBs after the update. */
struct pte_flush {
	vaddr_t		pf_va;
	unsigned int	pf_npages;	/* 0: everything */
	bool		pf_local;	/* this CPU only: more rights */
};

struct pmap_backend {
	/* User mode runs on a table of its own (pm_l4user). */
	bool	pb_split;
	/* Kernel leaf entries may be global. */
	bool	pb_global;

	/* pmap_bootstrap()'s own part: direct map, kernel image. */
	void	(*pb_bootstrap)(void);
	/* Page descriptors for [start, end) exist: prepare the rest. ENOMEM. */
	int	(*pb_grow)(uintptr_t startpfn, uintptr_t endpfn);

	/*
	 * Write n entries, in order, then flush them (flush not NULL) on the
	 * CPUs that have the pmap loaded: which is looked up after the writes,
	 * as a CPU enters itself in pm_cpus before it loads the pmap.
	 */
	void	(*pb_update)(struct pmap *, enum pte_op, struct pte_update *,
		    unsigned int n, const struct pte_flush *flush);
	/* Read an entry, in guest-physical form. */
	uint64_t (*pb_read)(const uint64_t *slot);

	/* A zeroed page, ready to be a table of any level; NULL: no memory. */
	struct vm_page *(*pb_table_get)(void);
	/* Tables that nothing refers to any more, any content. */
	void	(*pb_table_put)(struct vm_page **, unsigned int n);

	/* A new pmap's top tables are complete: pin / before freeing: unpin. */
	void	(*pb_pin)(struct pmap *);
	void	(*pb_unpin)(struct pmap *);
	/* Load on this CPU. */
	void	(*pb_load)(struct pmap *);
};

extern const struct pmap_backend *pmap_backend;	/* [I] from bootstrap on */

/* -- pmap.c, for the backends and pmap_boot.c -- */

/* The leaf slot for va; NULL if there is no table. pmap locked or boot. */
uint64_t *pmap_pte(struct pmap *, vaddr_t);
/* The same, tables made as needed; NULL: no memory. */
uint64_t *pmap_pte_create(struct pmap *, vaddr_t);
/*
 * Set n kernel leaf entries from va on: frame of ptes[i], or with pa and NULL
 * consecutive frames.  flags: PTE_W, PTE_NX, PTE_SW1...  ENOMEM: none is set.
 */
int	pmap_kset(vaddr_t, const paddr_t *ptes, paddr_t pa, unsigned int n,
	    uint64_t flags);
/* Addresses in the XENMAP region, one page each; 0: none left. */
vaddr_t	pmap_xenmap_alloc(void);
void	pmap_xenmap_free(vaddr_t);

/* -- pmap_pv.c: who maps a page -- */

struct pv_entry {
	struct pv_entry	*pv_next;
	struct pmap	*pv_pmap;
	vaddr_t		pv_va;
};

void	pv_init(void);
void	pv_lock(struct vm_page *);
void	pv_unlock(struct vm_page *);
int	pv_enter(struct vm_page *, struct pmap *, vaddr_t);	/* ENOMEM */
/* Also notes the A/D bits of the entry that went away. */
bool	pv_remove(struct vm_page *, struct pmap *, vaddr_t, uint64_t oldpte);
bool	pv_remove_locked(struct vm_page *, struct pmap *, vaddr_t,
	    uint64_t oldpte, struct pv_entry **tofree);
void	pv_free(struct pv_entry *);
/* Is it mapped there?  The page is locked. */
bool	pv_find_locked(struct vm_page *, struct pmap *, vaddr_t);
struct pv_cursor {
	bool		pc_started;	/* false: from the beginning */
	struct pv_entry	*pc_next;
};
bool	pv_iterate(struct vm_page *, struct pv_cursor *, struct pmap **,
	    vaddr_t *);
/* A struct pmap from memory that stays a struct pmap for ever; or NULL. */
struct pmap *pmap_store_get(void);
void	pmap_store_put(struct pmap *);

/* -- pmap_boot.c: before the page allocator works -- */

extern bool	pmap_booting;
/* Memory below this physical address is mapped at KERNBASE + address. */
extern paddr_t	boot_window_end;
/* RAM below this frame is in the direct map. */
extern uintptr_t boot_dmap_end;
/* Take a free frame and zero it; panics if there is none within reach. */
uintptr_t boot_alloc_frame(void);
void	*boot_frame_ptr(uintptr_t pfn);
/* Has boot_alloc_frame() given it out? */
bool	boot_frame_taken(uintptr_t pfn);
/* A reserved frame that is not needed any more. */
void	boot_release_frame(uintptr_t pfn);

/* Linker script. */
extern char __kernel_start[], __text_start[], __text_end[], __rodata_start[],
    __rodata_end[], __data_start[], __kernel_end[];

#endif /* !_X86_PMAP_BACKEND_H_ */
