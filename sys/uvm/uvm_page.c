/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The physical page allocator.
 *
 * Overview: free memory is kept in naturally aligned blocks of 2^order pages
 * (the buddy system).  Each CPU keeps some single pages of its own, so that
 * most allocations touch no shared lock.  uvmexp.free counts every free page,
 * wherever it lies; taking pages off that count is what admits a request, so
 * an admitted single page is always found.
 *
 * Below the reserve only page tables, the pager and the suspend code are
 * admitted, and the threads that others wait for then (LF_MEMRESERVE: the page
 * daemon, those that connect disks again after a resume); half of it also
 * serves interrupts.  A thread that may sleep then waits in uvm_wait().
 *
 * States of a page	flags			where
 *	free		PG_FREE on the head	a free list; pg_order
 *	cached		PG_CACHED		a CPU's list
 *	in use		neither			its owner's
 *	absent		PG_ABSENT		given to the hypervisor
 *
 * A page has PG_FRESH from the time the hypervisor gives it until it is taken
 * for the first time: nothing of ours is in it.
 *
 * Descriptors exist only for the ranges that were added; a block's buddy is
 * looked at only after a look at the table of ranges.
 *
 * Locking: pcpu_lock of one CPU's cache, then page_lock: the lists and ranges.
 * Both are spin locks; everything here but waiting works in any context.
 */
#include <sys/bitops.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

#define	NORDERS		11
#define	NRANGES		128
#define	PCPU_MAX	64		/* a CPU's cache gives back above */
#define	PCPU_BATCH	16
#define	POISON		0xd5d5d5d5d5d5d5d5ULL

TAILQ_HEAD(pagelist, vm_page);

struct pagecache {
	struct spinlock	pc_lock;
	struct pagelist	pc_list;	/* [l] */
	unsigned int	pc_count;	/* [l] */
} __aligned(64);

struct uvmexp uvmexp;
void (*uvm_lowmem_hook)(size_t);
struct vm_page *uvm_zeropage;

static struct spinlock page_lock = SPINLOCK_INITIALIZER("uvm_page");
static struct pagelist freelist[NORDERS];	/* [l] */
static struct range {
	uintptr_t	start, end;
} ranges[NRANGES];				/* [l] sorted, disjoint */
static unsigned int nranges;			/* [l] */
static struct pagecache caches[MAXCPUS];
static bool inited;

static void
page_bootstrap(void)
{
	for (unsigned int i = 0; i < NORDERS; i++)
		TAILQ_INIT(&freelist[i]);
	for (unsigned int i = 0; i < MAXCPUS; i++) {
		spin_init(&caches[i].pc_lock, "uvm_pcpu");
		TAILQ_INIT(&caches[i].pc_list);
	}
	inited = true;
}

/* -- ranges; page_lock held -- */

/* The first range that ends above pfn. */
static unsigned int
range_index(uintptr_t pfn)
{
	unsigned int lo = 0, hi = nranges, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (ranges[mid].end <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
range_holds(uintptr_t pfn)
{
	unsigned int i = range_index(pfn);

	return i < nranges && ranges[i].start <= pfn;
}

/*
 * Remember that [start, end) has descriptors.  With the table full the pages
 * are used all the same, they only are not merged into larger blocks.
 */
static void
range_add(uintptr_t start, uintptr_t end)
{
	unsigned int i = 0, j;

	while (i < nranges && ranges[i].end < start)
		i++;
	for (j = i; j < nranges && ranges[j].start <= end; j++) {
		start = MIN(start, ranges[j].start);
		end = MAX(end, ranges[j].end);
	}
	if (i == j) {
		if (nranges == NRANGES)
			return;
		memmove(&ranges[i + 1], &ranges[i],
		    (nranges - i) * sizeof(ranges[0]));
		nranges++;
	} else if (j - i > 1) {
		memmove(&ranges[i + 1], &ranges[j],
		    (nranges - j) * sizeof(ranges[0]));
		nranges -= j - i - 1;
	}
	ranges[i].start = start;
	ranges[i].end = end;
}

/* -- free blocks; page_lock held -- */

static void
block_put(uintptr_t pfn, unsigned int order)
{
	struct vm_page *pg, *buddy;
	uintptr_t other;

	for (; order < NORDERS - 1; order++) {
		other = pfn ^ ((uintptr_t)1 << order);
		if (!range_holds(other))
			break;
		buddy = VM_PAGE(other);
		if ((buddy->pg_flags & PG_FREE) == 0 ||
		    buddy->pg_order != order)
			break;
		TAILQ_REMOVE(&freelist[order], buddy, pg_list);
		buddy->pg_flags &= ~PG_FREE;
		pfn &= ~((uintptr_t)1 << order);
	}
	pg = VM_PAGE(pfn);
	pg->pg_flags |= PG_FREE;
	pg->pg_order = (uint16_t)order;
	TAILQ_INSERT_HEAD(&freelist[order], pg, pg_list);
}

static struct vm_page *
block_take(unsigned int order)
{
	struct vm_page *pg, *half;
	unsigned int o;

	for (o = order; o < NORDERS && TAILQ_EMPTY(&freelist[o]); o++)
		continue;
	if (o == NORDERS)
		return NULL;
	pg = TAILQ_FIRST(&freelist[o]);
	TAILQ_REMOVE(&freelist[o], pg, pg_list);
	KASSERT((pg->pg_flags & PG_FREE) != 0 && pg->pg_order == o);
	pg->pg_flags &= ~PG_FREE;
	while (o > order) {
		o--;
		half = pg + ((size_t)1 << o);
		half->pg_flags |= PG_FREE;
		half->pg_order = (uint16_t)o;
		TAILQ_INSERT_HEAD(&freelist[o], half, pg_list);
	}
	return pg;
}

/* -- the CPUs' caches -- */

static struct pagecache *
pcpu_cache(void)
{
	struct cpu_info *ci = curcpu();

	if (ci->ci_pagecache == NULL)
		ci->ci_pagecache = &caches[ci->ci_index];
	return ci->ci_pagecache;
}

/* Move n pages of a cache to the free lists; pc_lock held. */
static void
pcpu_flush(struct pagecache *pc, unsigned int n)
{
	struct vm_page *pg;

	spin_enter(&page_lock);
	for (; n > 0 && (pg = TAILQ_LAST(&pc->pc_list, pagelist)) != NULL;
	    n--) {
		TAILQ_REMOVE(&pc->pc_list, pg, pg_list);
		pc->pc_count--;
		pg->pg_flags &= ~PG_CACHED;
		block_put(VM_PAGE_TO_PFN(pg), 0);
	}
	spin_exit(&page_lock);
}

static void
pcpu_fill(struct pagecache *pc)
{
	struct vm_page *pg;
	unsigned int n;

	spin_enter(&page_lock);
	for (n = 0; n < PCPU_BATCH && (pg = block_take(0)) != NULL; n++) {
		pg->pg_flags |= PG_CACHED;
		TAILQ_INSERT_TAIL(&pc->pc_list, pg, pg_list);
		pc->pc_count++;
	}
	spin_exit(&page_lock);
}

void
uvm_page_cpu_drain(unsigned int cpu)
{
	if (atomic_load_relaxed(&caches[cpu].pc_count) == 0)
		return;
	spin_enter(&caches[cpu].pc_lock);
	pcpu_flush(&caches[cpu], UINT32_MAX);
	spin_exit(&caches[cpu].pc_lock);
}

void
uvm_page_drain(void)
{
	for (unsigned int i = 0; i < MAXCPUS; i++)
		uvm_page_cpu_drain(i);
}

/* A page that page_admit() has granted. */
static struct vm_page *
page_take(void)
{
	struct pagecache *pc;
	struct vm_page *pg;

	for (;;) {
		pc = pcpu_cache();
		spin_enter(&pc->pc_lock);
		if (pc->pc_count == 0)
			pcpu_fill(pc);
		pg = TAILQ_FIRST(&pc->pc_list);
		if (pg != NULL) {
			TAILQ_REMOVE(&pc->pc_list, pg, pg_list);
			pc->pc_count--;
			pg->pg_flags &= ~PG_CACHED;
		}
		spin_exit(&pc->pc_lock);
		if (pg != NULL)
			return pg;
		/* It is in another CPU's cache. */
		uvm_page_drain();
	}
}

/* -- admission -- */

static bool
page_admit(size_t n, int flags)
{
	size_t keep = uvmexp.reserve, old, new;

	if ((flags & UVM_PGA_USERESERVE) != 0 ||
	    (curlwp->l_flags & LF_MEMRESERVE) != 0)
		keep = 0;
	else if ((flags & UVM_PGA_ATOMIC) != 0)
		keep /= 2;
	do {
		old = atomic_load_relaxed(&uvmexp.free);
		if (old < n + keep) {
			uvm_pdaemon_kick();
			return false;
		}
		new = old - n;
	} while (!atomic_cas(&uvmexp.free, old, new));
	if (new < uvm_page_low())
		uvm_pdaemon_kick();
	return true;
}

static void
page_readmit(size_t n)
{
	(void)atomic_add(&uvmexp.free, n);
	if (atomic_load_relaxed(&uvm_nwaiting) != 0 && uvm_page_enough(1))
		uvm_pdaemon_freed();
}

bool
uvm_page_enough(size_t n)
{
	return atomic_load_relaxed(&uvmexp.free) >= n + uvmexp.reserve;
}

size_t
uvm_page_low(void)
{
	return 2 * uvmexp.reserve;
}

/* -- checks of a DEBUG kernel -- */

#ifdef DEBUG
static void
page_poison(struct vm_page *pg, size_t n)
{
	for (; n > 0; n--, pg++) {
		uint64_t *p = VM_PAGE_TO_KVA(pg);

		for (size_t i = 0; i < PAGE_SIZE / sizeof(*p); i++)
			p[i] = POISON;
		pg->pg_flags |= PG_POISONED;
	}
}

static void
page_unpoison(struct vm_page *pg, size_t n)
{
	for (; n > 0; n--, pg++) {
		const uint64_t *p = VM_PAGE_TO_KVA(pg);

		if ((pg->pg_flags & PG_POISONED) == 0)
			continue;
		for (size_t i = 0; i < PAGE_SIZE / sizeof(*p); i++) {
			if (p[i] != POISON)
				panic("uvm: free page %#zx written at %#zx: "
				    "%#llx", (size_t)VM_PAGE_TO_PFN(pg),
				    i * sizeof(*p), (unsigned long long)p[i]);
		}
		pg->pg_flags &= ~PG_POISONED;
	}
}
#else
#define	page_poison(pg, n)	((void)0)
#define	page_unpoison(pg, n)	((void)0)
#endif

static void
page_reset(struct vm_page *pg, size_t n)
{
	page_unpoison(pg, n);
	for (; n > 0; n--, pg++) {
		KASSERT((pg->pg_flags & ~(PG_POISONED | PG_FRESH)) == 0);
		pg->pg_flags = 0;
		pg->pg_object = NULL;
		pg->pg_anon = NULL;
		pg->pg_offset = 0;
		pg->pg_wire = 0;
		pg->pg_hold = 0;
	}
}

static void
page_check_free(struct vm_page *pg, size_t n)
{
	for (; n > 0; n--, pg++) {
		if ((pg->pg_flags & (PG_FREE | PG_CACHED | PG_ABSENT |
		    PG_RESERVED | PG_BUSY)) != 0)
			panic("uvm: freeing page %#zx with flags %#x",
			    (size_t)VM_PAGE_TO_PFN(pg), pg->pg_flags);
		KASSERT(!pmap_page_mapped(pg));
		pg->pg_flags = 0;
	}
}

/* -- what everybody calls -- */

static struct vm_page *
pages_try(unsigned int order, int flags)
{
	size_t n = (size_t)1 << order;
	struct vm_page *pg;

	if (!page_admit(n, flags))
		return NULL;
	if (order == 0) {
		pg = page_take();
	} else {
		spin_enter(&page_lock);
		pg = block_take(order);
		spin_exit(&page_lock);
		if (pg == NULL) {
			uvm_page_drain();
			spin_enter(&page_lock);
			pg = block_take(order);
			spin_exit(&page_lock);
		}
		if (pg == NULL) {
			page_readmit(n);
			return NULL;
		}
	}
	page_reset(pg, n);
	return pg;
}

/*
 * Pages in one block.  With the memory there but in pieces, waiting does not
 * help; the slab allocator's empty slabs may.
 */
struct vm_page *
uvm_pagealloc_order(unsigned int order, int flags)
{
	size_t n = (size_t)1 << order;
	bool reaped = false;
	struct vm_page *pg;

	if (order >= NORDERS)
		return NULL;
	while ((pg = pages_try(order, flags)) == NULL) {
		if ((flags & UVM_PGA_NOSLEEP) != 0)
			return NULL;
		if (uvm_page_enough(n) && order > 0) {
			if (reaped)
				return NULL;
			kmem_reap();
			reaped = true;
			continue;
		}
		if (uvm_wait(n) != 0)
			return NULL;
	}
	if ((flags & UVM_PGA_ZERO) != 0) {
		for (size_t i = 0; i < n; i++)
			pmap_zero_page(&pg[i]);
	}
	return pg;
}

struct vm_page *
uvm_pagealloc(int flags)
{
	return uvm_pagealloc_order(0, flags);
}

void
uvm_pagefree(struct vm_page *pg)
{
	struct pagecache *pc;

	page_check_free(pg, 1);
	page_poison(pg, 1);
	pc = pcpu_cache();
	spin_enter(&pc->pc_lock);
	pg->pg_flags |= PG_CACHED;
	TAILQ_INSERT_HEAD(&pc->pc_list, pg, pg_list);
	if (++pc->pc_count > PCPU_MAX)
		pcpu_flush(pc, PCPU_BATCH);
	spin_exit(&pc->pc_lock);
	page_readmit(1);
}

void
uvm_pagefree_order(struct vm_page *pg, unsigned int order)
{
	size_t n = (size_t)1 << order;

	if (order == 0) {
		uvm_pagefree(pg);
		return;
	}
	KASSERT((VM_PAGE_TO_PFN(pg) & (n - 1)) == 0);
	page_check_free(pg, n);
	page_poison(pg, n);
	spin_enter(&page_lock);
	block_put(VM_PAGE_TO_PFN(pg), order);
	spin_exit(&page_lock);
	page_readmit(n);
}

/* -- memory that comes and goes -- */

/* What is kept back: 1/128 of the memory, 256 KB to 8 MB. */
static void
page_set_reserve(void)
{
	uvmexp.reserve = MIN(MAX(uvmexp.total / 128, (size_t)64),
	    (size_t)2048);
}

static void
page_add_total(size_t n)
{
	(void)atomic_add(&uvmexp.total, n);
	if (uvmexp.maxpages < uvmexp.total)
		uvmexp.maxpages = uvmexp.total;
	page_set_reserve();
}

void
uvm_page_addrange(uintptr_t start, uintptr_t end)
{
	struct vm_page *pg;
	uintptr_t pfn;
	unsigned int order;

	KASSERT(start <= end);
	if (start >= end)
		return;
	if (!inited)
		page_bootstrap();
	for (pfn = start; pfn < end; pfn++) {
		pg = VM_PAGE(pfn);
		pg->pg_flags &= PG_FRESH;
		pg->pg_wire = 0;
	}
	spin_enter(&page_lock);
	range_add(start, end);
	for (pfn = start; pfn < end; pfn += (uintptr_t)1 << order) {
		order = pfn == 0 ? NORDERS - 1 :
		    MIN(ffs64(pfn) - 1, NORDERS - 1);
		while (pfn + ((uintptr_t)1 << order) > end)
			order--;
		block_put(pfn, order);
	}
	spin_exit(&page_lock);
	page_add_total(end - start);
	page_readmit(end - start);
}

struct vm_page *
uvm_balloon_take(void)
{
	struct vm_page *pg;
	uint32_t fresh;

	if (!page_admit(1, UVM_PGA_NOSLEEP))
		return NULL;
	pg = page_take();
	fresh = pg->pg_flags & PG_FRESH;
	page_reset(pg, 1);
	pg->pg_flags = PG_ABSENT | fresh;
	(void)atomic_sub(&uvmexp.total, 1);
	page_set_reserve();
	return pg;
}

/* Also for a page that the domain has never owned so far. */
void
uvm_balloon_return(struct vm_page *pg)
{
	KASSERT((pg->pg_flags & PG_ABSENT) != 0);
	spin_enter(&page_lock);
	if (!range_holds(VM_PAGE_TO_PFN(pg)))
		range_add(VM_PAGE_TO_PFN(pg), VM_PAGE_TO_PFN(pg) + 1);
	pg->pg_flags = PG_FRESH;
	block_put(VM_PAGE_TO_PFN(pg), 0);
	spin_exit(&page_lock);
	page_add_total(1);
	page_readmit(1);
}

/*
 * All of sys/uvm that needs memory of its own.  Boot, once, one CPU.
 */
void
uvm_init(void)
{
	kmem_init();
	uvm_radix_init();
	uvm_km_init();
	uvm_swap_sysinit();
	uvm_swapout_sysinit();
	uvm_amap_sysinit();
	uvm_map_sysinit();
	uvm_aobj_sysinit();
	uvm_vmspace_sysinit();
	uvm_zeropage = uvm_pagealloc(UVM_PGA_ZERO | UVM_PGA_NOSLEEP);
	if (uvm_zeropage == NULL)
		panic("uvm: no memory at all");
}
