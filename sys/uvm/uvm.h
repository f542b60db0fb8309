/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual memory: physical pages, kernel memory, address spaces, faults.
 *
 * Overview: every page of guest-physical memory the domain may ever own has a
 * vm_page.  Private memory is kept in anons (a page, a place in swap, or both).
 * An address space has one amap: a sparse tree from page number to anon.  Fork
 * copies the tree and shares the anons copy-on-write.  A map entry says what
 * lies below: an object, or nothing, which reads as zeros.
 *
 * Locking: in this order, each optional.
 *	m_lock		the map's entries; a fault holds it as reader
 *	am_block	one of an amap's locks: a hash over blocks of 16 pages;
 *			held while a fault changes a slot in such a block.
 *			The holder of m_lock as writer needs none of them
 *	uo_lock		an object's pages; may be held alone
 *	share locks	uvm_amap_share(): held by a fault that uses the page of
 *			an anon with several owners
 *	uvm_swap	(spin) where anons are in swap
 *	am_lock		(spin) the shape of an amap's tree
 *	pm_lock		(spin) the pmap's
 *	the kernel allocator's and the page allocator's spin locks
 * References to objects and files are dropped after m_lock: the last one may
 * need a vnode's lock, which is before m_lock (a file system faults in
 * uiomove()).  Memory is waited for with none of these held, but for the
 * writer of m_lock.  A page with pg_hold is not freed by its object.
 */
#ifndef _UVM_UVM_H_
#define	_UVM_UVM_H_

#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/uio.h>
#include <machine/pmap.h>
#include <uvm/uvm_object.h>

struct kmem_cache;
struct shrinker;
struct uio;

/*
 * Private memory: one page, shared after fork.  [a] atomic; [s] uvm_swap.c.
 * Both a page and a place in swap: they are the same, and no mapping of the
 * page can be written.
 */
struct vm_anon {
	refcount_t	an_ref;			/* [a] slots that refer to it */
	uint32_t	an_slot;		/* [s] in swap; 0: none */
	struct vm_page	*an_page;		/* [a] NULL: only in swap, or
						 * on its way there */
};

struct vm_page {
	union {
		TAILQ_ENTRY(vm_page) pg_list;	/* [q] free, slab or LRU list */
		struct {
			void	*slab, *freelist; /* owner's use when PG_KMEM */
		} pg_kmem;
	};
	union {
		struct {
			struct uvm_object *pg_object;	/* [l] */
			struct vm_anon	*pg_anon;	/* [l] */
			uint64_t	pg_offset;	/* [l] in bytes */
		};
		struct {			/* PG_KMEM of uvm_kmem.c */
			struct kmem_cache *pg_cache; /* NULL: a page run */
			void	*pg_freelist;	/* [l] */
			size_t	pg_inuse;	/* [l] objects, or pages */
		};
	};
	volatile uint32_t pg_flags;		/* [a] PG_* */
	uint16_t	pg_wire;		/* [l] */
	union {
		uint16_t pg_order;		/* [q] PG_FREE: of the block */
		uint16_t pg_hold;		/* [l] transfers under way */
	};
	struct pmap_page pg_md;			/* the pmap's */
};
#define	PG_FREE		0x0001
#define	PG_ABSENT	0x0002	/* no memory behind it: ballooned out, a hole */
#define	PG_DIRTY	0x0004
#define	PG_BUSY		0x0008
#define	PG_KMEM		0x0010	/* kernel memory, page tables, stacks */
#define	PG_RESERVED	0x0020	/* boot-time, never freed */
#define	PG_ZERO		0x0040	/* known to be zero */
#define	PG_ACTIVE	0x0080
#define	PG_INACTIVE	0x0100
#define	PG_REFERENCED	0x0200
#define	PG_CACHED	0x0400	/* free, in a CPU's cache */
#define	PG_POISONED	0x0800	/* DEBUG: filled when it was freed */
#define	PG_RELEASED	0x1000	/* left its object while held */
#define	PG_WRITEBACK	0x2000	/* on its way to the disk */
#define	PG_ERROR	0x4000	/* could not be read */
#define	PG_FRESH	0x8000	/* not used since the hypervisor gave it */

/* Page descriptors: a virtual array from machine/pmap.h VM_PAGES_BASE. */
#define	VM_PAGE(pfn)		(&((struct vm_page *)VM_PAGES_BASE)[pfn])
#define	PHYS_TO_VM_PAGE(pa)	VM_PAGE((pa) >> PAGE_SHIFT)
#define	VM_PAGE_TO_PFN(pg)						\
	((uintptr_t)((pg) - (struct vm_page *)VM_PAGES_BASE))
#define	VM_PAGE_TO_PHYS(pg)	ptoa(VM_PAGE_TO_PFN(pg))
#define	VM_PAGE_TO_KVA(pg)	((void *)PMAP_DIRECT_MAP(VM_PAGE_TO_PHYS(pg)))

struct uvmexp {				/* counters, in pages; [a] */
	volatile size_t	total;		/* pages the domain owns now */
	volatile size_t	free;
	volatile size_t	kmem, anon, file, pagetables, active, inactive, wired;
	volatile size_t	dirty, writeback; /* of files on disks */
	volatile size_t	reserve;	/* kept for the kernel's needs */
	volatile size_t	maxpages;	/* the most it has owned so far */
	volatile size_t	swtotal, swused; /* pages of swap */
	volatile uint64_t faults __aligned(8);
	volatile uint64_t cow, pageins, swapins, swapouts, oomkills;
};
extern struct uvmexp uvmexp;

/* -- boot -- */
/*
 * Give free memory [start, end) pfns to the allocator; vm_pages exist.  Of
 * their flags PG_FRESH stays, the others are dropped.
 */
void	uvm_page_addrange(uintptr_t startpfn, uintptr_t endpfn);
void	uvm_init(void);			/* after the machine's addranges */
void	uvm_pdaemon_init(void);		/* once kernel threads work */

/* -- pages (uvm_page.c) -- */
#define	UVM_PGA_ZERO		0x1
#define	UVM_PGA_NOSLEEP		0x2	/* any context */
#define	UVM_PGA_USERESERVE	0x4	/* page tables, the pager, suspend */
#define	UVM_PGA_ATOMIC		0x8	/* may use half of the reserve */
struct vm_page *uvm_pagealloc(int flags);	/* NULL: none to be had */
void	uvm_pagefree(struct vm_page *);		/* any context */
/* Empty the page cache of a CPU that runs no more. */
void	uvm_page_cpu_drain(unsigned int cpu);
/* 2^order pages, physically contiguous (guest-physical), aligned. */
struct vm_page *uvm_pagealloc_order(unsigned int order, int flags);
void	uvm_pagefree_order(struct vm_page *, unsigned int order);
/* Nothing is refused as too much in one call (vm.overcommit_memory = 1). [a] */
extern unsigned int uvm_overcommit_always;
/*
 * Get so many pages free: caches first, then by writing to swap.  Those that
 * came free.  Thread context, no lock that a fault or the disk may want.
 */
size_t	uvm_reclaim(size_t npages);
/* Called when free memory is low; set by the balloon: wants n pages back. */
extern void (*uvm_lowmem_hook)(size_t npages);
/*
 * Give a page out of the system for good / take it back (balloon).  What is
 * taken is PG_ABSENT then, and PG_FRESH if nobody has ever written to it.
 * Any context; NULL: none to be had.
 */
struct vm_page *uvm_balloon_take(void);
void	uvm_balloon_return(struct vm_page *);
/*
 * Wait until so many pages can be had: 0, or ENOMEM when waiting did not help
 * or the caller is being killed.  Thread context, no spin lock.
 */
int	uvm_wait(size_t npages) __must_check;
/* Has SIGKILL been sent to the thread?  Then it gets no memory by waiting. */
bool	uvm_being_killed(const struct lwp *);

/* -- kernel address space (uvm_km.c) -- */
#define	UVM_KM_NOSLEEP	0x1
#define	UVM_KM_ZERO	0x2
#define	UVM_KM_GUARD	0x4		/* unmapped page below and above */
#define	UVM_KM_VAONLY	0x8		/* address space without memory */
vaddr_t	uvm_km_alloc(vsize_t size, int flags);	/* 0: failed */
void	uvm_km_free(vaddr_t, vsize_t size, int flags);

/* -- address spaces (uvm_map.c) -- */
struct vm_map_entry {
	RB_ENTRY(vm_map_entry) e_node;
	vaddr_t		e_start, e_end;
	struct uvm_object *e_object;	/* or NULL */
	uint64_t	e_offset;	/* in the object */
	vm_prot_t	e_prot, e_maxprot;
	unsigned int	e_flags;
	struct file	*e_file;	/* for /proc/PID/maps; referenced */
	/* of the subtree below: lowest and highest address, largest gap */
	vaddr_t		e_submin, e_submax;
	vsize_t		e_maxgap;
};
#define	ME_SHARED	0x01
#define	ME_GROWSDOWN	0x04
#define	ME_STACK	0x08
#define	ME_HEAP		0x10
#define	ME_WIRED	0x20
#define	ME_DONTFORK	0x40
#define	ME_WIPEONFORK	0x80
#define	ME_NORESERVE	0x100
#define	ME_VDSO		0x200
#define	ME_DONTDUMP	0x400
#define	ME_VVAR		0x800	/* the vDSO's data */
#define	ME_SHM		0x1000	/* made by shmat(2) */

RB_HEAD(vm_map_tree, vm_map_entry);

#define	UVM_MAP_ENTRIES	65530	/* a program shall not fill our memory */

struct vm_map {
	struct rwlock	m_lock;
	struct vm_map_tree m_entries;	/* [l] */
	unsigned int	m_nentries;	/* [l] UVM_MAP_ENTRIES at most */
	vaddr_t		m_min, m_max;	/* [I] */
	struct pmap	*m_pmap;	/* [I] */
	size_t		m_size;		/* [l] bytes mapped */
	size_t		m_data;		/* [l] of them private and writable */
	uint64_t	m_generation;	/* [l] */
};

/* The private pages of an address space (uvm_amap.c). */
#define	AMAP_NLOCKS	16
struct uvm_amap {
	struct spinlock	am_lock;
	struct uvm_radix am_tree;	/* anons by page number */
	struct mutex	am_block[AMAP_NLOCKS];
};

struct vmspace {
	refcount_t	vm_ref;		/* [a] */
	struct vm_map	vm_map;
	struct uvm_amap	vm_amap;
	vaddr_t		vm_brk_start, vm_brk;	/* [l] */
	vaddr_t		vm_stack_top;
	vaddr_t		vm_mmap_top;	/* searches go down from here */
	vaddr_t		vm_code_start, vm_code_end, vm_data_start, vm_data_end;
	size_t		vm_rss_max;	/* pages */
	size_t		vm_locked;	/* [l] pages */
	int		vm_mlock_future; /* [l] MCL_* for new mappings */
	/* uvm_swapout.c, which looks at one after the other */
	TAILQ_ENTRY(vmspace) vm_scanlink;
	unsigned int	vm_scanners;	/* look at it now */
	vaddr_t		vm_scanva;	/* where to go on */
	size_t		vm_scanleft;	/* pages to look at in this turn */
};

struct vmspace *vmspace_alloc(void);		/* NULL: no memory */
struct vmspace *vmspace_get(struct vmspace *);
void	vmspace_put(struct vmspace *);		/* last: tears down; sleeps */
/* Has any process a shared mapping through which it could be written? */
bool	uvm_mapped_for_writing(const struct vnode *);
/* A copy-on-write copy for fork. */
int	vmspace_fork(struct vmspace *, struct vmspace **);
/* Make curlwp's process use it; puts the old one. */
void	vmspace_switch(struct lwp *, struct vmspace *);
size_t	vmspace_rss(struct vmspace *);		/* pages */

struct uvm_mapargs {
	vaddr_t		va;		/* hint, or exact with MAP_FIXED */
	vsize_t		size;		/* bytes, page multiple */
	vm_prot_t	prot, maxprot;
	int		flags;		/* MAP_* */
	unsigned int	eflags;		/* extra ME_* */
	struct uvm_object *object;	/* reference is taken over on success */
	uint64_t	offset;
	struct file	*file;		/* for the maps file; gets a ref */
};
/* Pages of private memory in [start, end) that are only in swap. Map locked. */
size_t	vmspace_swapped(struct vmspace *, vaddr_t start, vaddr_t end);
/* How many maps have the start of the object in them; thread context. */
unsigned int uvm_object_mapped(const struct uvm_object *);
/* mmap: place, replace (MAP_FIXED), record. EINVAL, ENOMEM, EEXIST. */
int	uvm_mmap(struct vmspace *, const struct uvm_mapargs *, vaddr_t *va);
int	uvm_unmap(struct vmspace *, vaddr_t, vsize_t);
int	uvm_protect(struct vmspace *, vaddr_t, vsize_t, vm_prot_t);
int	uvm_mremap(struct vmspace *, vaddr_t old, vsize_t oldsz, vsize_t newsz,
	    int flags, vaddr_t newva, vaddr_t *va);
int	uvm_madvise(struct vmspace *, vaddr_t, vsize_t, int advice);
int	uvm_msync(struct vmspace *, vaddr_t, vsize_t, int flags);
int	uvm_mincore(struct vmspace *, vaddr_t, vsize_t, unsigned char *vec);
int	uvm_mlock(struct vmspace *, vaddr_t, vsize_t, bool lock);
int	uvm_mlockall(struct vmspace *, int flags);	/* MCL_*; 0: unlock */
/* Set the break; *brk is in and out (unchanged on failure, as brk(2)). */
void	uvm_brk(struct vmspace *, vaddr_t *brk);
/* Map locked: the entry that holds va or NULL; the first that ends above. */
struct vm_map_entry *uvm_map_lookup(struct vm_map *, vaddr_t);
struct vm_map_entry *uvm_map_lookup_ge(struct vm_map *, vaddr_t);
struct vm_map_entry *uvm_map_next(struct vm_map_entry *);

/*
 * Resolve a fault at va in a user map. access: PROT_* wanted. 0, or EFAULT
 * (no mapping: SEGV_MAPERR), EACCES (SEGV_ACCERR), EIO (SIGBUS), ENOMEM.
 * Thread context, may sleep, interrupts on.
 */
int	uvm_fault(struct vmspace *, vaddr_t, vm_prot_t access);
/*
 * Fault in what is missing; map unlocked.  access 0: as each entry allows, for
 * writing where that makes a private page.  Stops at the first error.
 */
int	uvm_populate(struct vmspace *, vaddr_t start, vaddr_t end,
	    vm_prot_t access);
/* Read or write another process' memory (ptrace, /proc/PID/mem). */
int	uvm_io(struct vmspace *, vaddr_t, void *buf, size_t, enum uio_rw,
	    bool force);

#endif /* !_UVM_UVM_H_ */
