/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64: address space layout and the pmap interface.
 *
 * Overview: the machine-independent half of the pmap (sys/arch/x86/x86/pmap.c)
 * walks and accounts; a backend per guest type (<x86/pmap_backend.h>) writes
 * page-table entries, in batches, and flushes TLBs.  Every function is complete
 * when it returns: entries written, all TLBs that matter flushed.
 *
 * Contexts: pmap_enter() and the creation of tables allocate (ENOMEM; they use
 * the page reserve, never sleep).  All take the pmap's spin lock: no faulting,
 * no sleeping while in here.  Page tables change only with interrupts off.
 */
#ifndef _MACHINE_PMAP_H_
#define	_MACHINE_PMAP_H_

#include <sys/param.h>
#include <sys/queue.h>
#include <sys/spinlock.h>

/*
 * User: one page .. 128 TiB less a page.  Xen keeps 0xffff8000... to
 * 0xffff87ff... for itself in a PV guest; ours begins above.
 */
#define	VM_MIN_ADDRESS		0x10000UL
#define	VM_MAX_ADDRESS		0x00007ffffffff000UL
#define	VM_MAX_ADDRESS32	0x00000000ffffe000UL	/* 32-bit programs */
#define	DMAP_BASE		0xffff888000000000UL	/* all guest-physical */
#define	DMAP_FRAMES		(1UL << 27)	/* one top-level slot */
#define	VM_PAGES_BASE		0xffffa00000000000UL	/* struct vm_page[] */
#define	P2M_BASE		0xffffb00000000000UL	/* pv: p2m list */
#define	KVA_BASE		0xffffc00000000000UL	/* uvm_km */
#define	KVA_END			0xffffc07fffffffffUL
/* Single pages of Xen: shared info, rings; pmap_xenmap_alloc(). */
#define	XENMAP_BASE		0xffffd00000000000UL
#define	KERNBASE		0xffffffff80000000UL	/* kernel image */
#define	PMAP_DIRECT_MAP(pa)	(DMAP_BASE + (vaddr_t)(pa))
#define	PMAP_DIRECT_UNMAP(va)	((paddr_t)((vaddr_t)(va) - DMAP_BASE))

struct lwp;
struct pmap;
struct pv_entry;
struct vm_page;

/*
 * The pmap's part of a vm_page.  A managed page: who maps it, the first
 * mapping without a pv_entry; pp_va's low bits are PPA_*.  All [p], a lock
 * hashed from the page.  A page-table page: [l] of its pmap.
 */
struct pmap_page {
	union {
		struct {
			struct pv_entry	*pp_pvlist;	/* mappings but one */
			struct pmap	*pp_pmap;	/* NULL: none */
			uintptr_t	pp_va;
		};
		struct {
			struct vm_page	*pp_ptnext;	/* chain of tables */
			uint32_t	pp_ptcount;	/* entries present */
			uint32_t	pp_ptlevel;	/* 1..4 */
		};
	};
};
#define	PPA_REFERENCED	0x1UL
#define	PPA_MODIFIED	0x2UL

struct pmap {
	struct spinlock	pm_lock;
	uint64_t	*pm_l4;		/* [I] kernel table, direct map addr */
	uint64_t	*pm_l4user;	/* [I] pv: for user mode */
	volatile uint64_t pm_cpus;	/* [a] CPUs that have it loaded */
	volatile uint32_t pm_loads;	/* [a] how often one loaded it */
	size_t		pm_resident;	/* [l] pages mapped */
	size_t		pm_ptpages;	/* [l] page-table pages */
	unsigned int	pm_ptempty;	/* [l] lowest tables without entries */
	bool		pm_alive;	/* [l] has tables */
	LIST_ENTRY(pmap) pm_link;	/* [pool] free ones; never unmapped */
};

extern struct pmap pmap_kernel_store;
#define	pmap_kernel()	(&pmap_kernel_store)

/* pmap_enter() flags */
#define	PMAP_DIRTY	0x1		/* will be written: set D now */
#define	PMAP_IFEMPTY	0x2		/* leave present entries as they are */

int	pmap_create(struct pmap **);	/* ENOMEM */
/*
 * The address space ends: everything is unmapped, at no cost per table, and all
 * tables are freed.  The pmap stays empty; only pmap_remove(), pmap_protect(),
 * pmap_extract() and pmap_destroy() may follow.  No thread runs on it; CPUs
 * that have it loaded without use let go.  Thread context, interrupts on.
 */
void	pmap_remove_all(struct pmap *);
void	pmap_destroy(struct pmap *);	/* pmap_remove_all() if not done */
/* Map a managed page in a user pmap. Replaces what was there. */
int	pmap_enter(struct pmap *, vaddr_t, struct vm_page *, vm_prot_t,
	    int flags);
/* n pages at consecutive addresses; NULL entries are skipped. One batch. */
int	pmap_enter_pages(struct pmap *, vaddr_t, struct vm_page *const *,
	    unsigned int n, vm_prot_t, int flags);
/*
 * Add rights in one batch to those of the n <= 32 entries from va on that map
 * that very page already; the others stay as they are.  True if the entry with
 * index `which` has the rights now.
 */
bool	pmap_upgrade(struct pmap *, vaddr_t, struct vm_page *const *,
	    unsigned int n, vm_prot_t, unsigned int which);
/* Map pages that are no managed memory (vDSO data, shared info). */
int	pmap_enter_special(struct pmap *, vaddr_t, paddr_t, vm_prot_t);
void	pmap_remove(struct pmap *, vaddr_t start, vaddr_t end);
/* Take rights away (never adds): write-protect for COW, mprotect. */
void	pmap_protect(struct pmap *, vaddr_t start, vaddr_t end, vm_prot_t);
bool	pmap_extract(struct pmap *, vaddr_t, paddr_t *, vm_prot_t *);
/* In all pmaps: PROT_NONE unmaps, PROT_READ write-protects. */
void	pmap_page_protect(struct vm_page *, vm_prot_t);
bool	pmap_is_modified(struct vm_page *);	/* and clear_: was it? */
bool	pmap_clear_modify(struct vm_page *);
bool	pmap_clear_reference(struct vm_page *);
bool	pmap_page_mapped(struct vm_page *);
size_t	pmap_resident_count(struct pmap *);

/* Kernel mappings: unmanaged, n pages of any kind, nothing there before. */
int	pmap_kenter_pages(vaddr_t, struct vm_page *const *, unsigned int n,
	    vm_prot_t);
void	pmap_kremove(vaddr_t, vsize_t);
/* Extend direct map and page descriptors to cover [start, end) pfns. */
int	pmap_grow_physmem(uintptr_t startpfn, uintptr_t endpfn);

void	pmap_zero_page(struct vm_page *);
void	pmap_copy_page(struct vm_page *from, struct vm_page *to);

/* Scheduler: the thread's address space becomes / ceases to be current. */
void	pmap_activate(struct lwp *);
void	pmap_deactivate(struct lwp *);
/* This CPU goes offline: let go of the user pmap it may still have loaded. */
void	pmap_unload(void);
/* A CPU that is stopped runs no more: it has nothing loaded. */
void	pmap_cpu_lost(struct cpu_info *);
#ifdef DEBUG
/* Compare a pmap's tables with the lists of its pages; panics. */
void	pmap_check(struct pmap *);
#endif

#endif /* !_MACHINE_PMAP_H_ */
