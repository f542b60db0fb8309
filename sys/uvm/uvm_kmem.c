/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel allocator: slabs with per-CPU magazines.
 *
 * Overview: a cache holds objects of one size.  A slab is a block of 2^order
 * pages of the direct map cut into objects; its free objects are linked through
 * themselves (or through their tags in a DEBUG kernel).  The descriptor of a
 * slab is the vm_page of its first page; every page of it names the cache.
 * Each CPU has a magazine of free objects per cache.
 *
 * kmem_alloc() takes up to half a page from one of the size classes, more from
 * whole pages: contiguous in the direct map up to MAXORDER, else mapped by
 * uvm_km_alloc().
 *
 * DEBUG: see uvm_kmem_debug.c.
 *
 * Locking: a magazine's lock, then its cache's, both spin locks; caches_lock
 * for the list of caches and the shrinkers, which are never removed.
 */
#include <sys/bitops.h>
#include <uvm/uvm_kmem_impl.h>

#define	MAG_SIZE	30
#define	MAXORDER	3		/* of page runs in the direct map */
#define	MAXEMPTY	1		/* empty slabs a cache keeps */
#define	CLASS_ALIGN	16
#define	CLASS_MAX	2048

TAILQ_HEAD(slablist, vm_page);

struct magazine {
	struct spinlock	m_lock;
	unsigned int	m_count;		/* [l] */
	void		*m_obj[MAG_SIZE];	/* [l] */
};

struct kmem_cache {
	struct spinlock	kc_lock;
	const char	*kc_name;	/* [I] */
	size_t		kc_size;	/* [I] of an object, for its user */
	size_t		kc_stride;	/* [I] from one to the next */
	unsigned int	kc_order;	/* [I] of a slab */
	unsigned int	kc_perslab;	/* [I] */
	bool		kc_nomag;	/* [I] no magazines */
	struct slablist	kc_partial;	/* [l] some objects free */
	struct slablist	kc_empty;	/* [l] all free */
	unsigned int	kc_nempty;	/* [l] */
	struct kmem_cache *kc_next;	/* [I] */
	struct magazine	*kc_mag[MAXCPUS]; /* [a] set once */
};

static const uint16_t class_sizes[] = {
	16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448,
	512, 640, 768, 1024, 1360, 2048
};
static const char *const class_names[] = {
	"kmem-16", "kmem-32", "kmem-48", "kmem-64", "kmem-80", "kmem-96",
	"kmem-112", "kmem-128", "kmem-160", "kmem-192", "kmem-224",
	"kmem-256", "kmem-320", "kmem-384", "kmem-448", "kmem-512",
	"kmem-640", "kmem-768", "kmem-1024", "kmem-1360", "kmem-2048"
};
CTASSERT(__arraycount(class_sizes) == __arraycount(class_names));

static struct kmem_cache class_cache[__arraycount(class_sizes)];
static struct kmem_cache mag_cache;		/* the magazines themselves */
static uint8_t class_of[CLASS_MAX / CLASS_ALIGN + 1];	/* [I] */
static bool kmem_ready;

static struct spinlock caches_lock = SPINLOCK_INITIALIZER("kmem_caches");
static struct kmem_cache *caches;		/* [l] */
static struct shrinker *shrinkers;		/* [l] */

/* -- slabs; kc_lock held unless said otherwise -- */

static void **
obj_link(struct kmem_cache *kc, void *obj)
{
#ifdef DEBUG
	return &kmem_tag(obj, kc->kc_stride)->kt_next;
#else
	(void)kc;
	return obj;
#endif
}

static struct vm_page *
slab_of(struct kmem_cache *kc, void *obj)
{
	uintptr_t pfn = atop(PMAP_DIRECT_UNMAP(obj));

	return VM_PAGE(pfn & ~(((uintptr_t)1 << kc->kc_order) - 1));
}

/* A new slab, all objects free; no lock held. */
static struct vm_page *
slab_create(struct kmem_cache *kc, int flags)
{
	int pgaflags = (flags & KM_NOSLEEP) != 0 ?
	    UVM_PGA_NOSLEEP | UVM_PGA_ATOMIC : 0;
	struct vm_page *slab;
	char *p;
	void *obj;

	slab = uvm_pagealloc_order(kc->kc_order, pgaflags);
	if (slab == NULL)
		return NULL;
	for (size_t i = 0; i < (size_t)1 << kc->kc_order; i++) {
		slab[i].pg_flags |= PG_KMEM;
		slab[i].pg_cache = kc;
	}
	(void)atomic_add(&uvmexp.kmem, (size_t)1 << kc->kc_order);
	slab->pg_freelist = NULL;
	slab->pg_inuse = 0;
	p = VM_PAGE_TO_KVA(slab);
	for (unsigned int i = kc->kc_perslab; i-- > 0;) {
		obj = p + i * kc->kc_stride;
		kmem_debug_init(obj, kc->kc_stride);
		*obj_link(kc, obj) = slab->pg_freelist;
		slab->pg_freelist = obj;
	}
	return slab;
}

/* No lock held. */
static void
slab_destroy(struct kmem_cache *kc, struct vm_page *slab)
{
	for (size_t i = 0; i < (size_t)1 << kc->kc_order; i++) {
		slab[i].pg_flags &= ~PG_KMEM;
		slab[i].pg_cache = NULL;
	}
	(void)atomic_sub(&uvmexp.kmem, (size_t)1 << kc->kc_order);
	uvm_pagefree_order(slab, kc->kc_order);
}

static void *
slab_get(struct kmem_cache *kc)
{
	struct vm_page *slab = TAILQ_FIRST(&kc->kc_partial);
	void *obj;

	if (slab == NULL) {
		slab = TAILQ_FIRST(&kc->kc_empty);
		if (slab == NULL)
			return NULL;
		TAILQ_REMOVE(&kc->kc_empty, slab, pg_list);
		kc->kc_nempty--;
		TAILQ_INSERT_HEAD(&kc->kc_partial, slab, pg_list);
	}
	obj = slab->pg_freelist;
	slab->pg_freelist = *obj_link(kc, obj);
	slab->pg_inuse++;
	if (slab->pg_freelist == NULL)
		TAILQ_REMOVE(&kc->kc_partial, slab, pg_list);
	return obj;
}

/* Put an object back; a slab too many goes on `dead`. */
static void
slab_put(struct kmem_cache *kc, void *obj, struct slablist *dead)
{
	struct vm_page *slab = slab_of(kc, obj);

	if (slab->pg_freelist == NULL)
		TAILQ_INSERT_HEAD(&kc->kc_partial, slab, pg_list);
	*obj_link(kc, obj) = slab->pg_freelist;
	slab->pg_freelist = obj;
	if (--slab->pg_inuse != 0)
		return;
	TAILQ_REMOVE(&kc->kc_partial, slab, pg_list);
	if (kc->kc_nempty < MAXEMPTY) {
		TAILQ_INSERT_HEAD(&kc->kc_empty, slab, pg_list);
		kc->kc_nempty++;
	} else {
		TAILQ_INSERT_HEAD(dead, slab, pg_list);
	}
}

static void
slabs_destroy(struct kmem_cache *kc, struct slablist *dead)
{
	struct vm_page *slab;

	while ((slab = TAILQ_FIRST(dead)) != NULL) {
		TAILQ_REMOVE(dead, slab, pg_list);
		slab_destroy(kc, slab);
	}
}

/* -- magazines -- */

static struct magazine *
mag_get(struct kmem_cache *kc)
{
	unsigned int cpu = curcpu()->ci_index;
	struct magazine *m = atomic_load_acquire(&kc->kc_mag[cpu]);

	if (m != NULL || kc->kc_nomag)
		return m;
	m = kmem_cache_alloc(&mag_cache, KM_NOSLEEP);
	if (m == NULL)
		return NULL;
	spin_init(&m->m_lock, "kmem_mag");
	m->m_count = 0;
	if (!atomic_cas(&kc->kc_mag[cpu], NULL, m)) {
		kmem_cache_free(&mag_cache, m);
		m = atomic_load_acquire(&kc->kc_mag[cpu]);
	}
	return m;
}

/* Fill half of a magazine from the slabs there are; m_lock held. */
static void
mag_fill(struct kmem_cache *kc, struct magazine *m)
{
	void *obj;

	spin_enter(&kc->kc_lock);
	while (m->m_count < MAG_SIZE / 2 && (obj = slab_get(kc)) != NULL)
		m->m_obj[m->m_count++] = obj;
	spin_exit(&kc->kc_lock);
}

/* Put n objects back into their slabs; m_lock held. */
static void
mag_flush(struct kmem_cache *kc, struct magazine *m, unsigned int n,
    struct slablist *dead)
{
	spin_enter(&kc->kc_lock);
	while (n-- > 0 && m->m_count > 0)
		slab_put(kc, m->m_obj[--m->m_count], dead);
	spin_exit(&kc->kc_lock);
}

/* -- caches -- */

static void
cache_init(struct kmem_cache *kc, const char *name, size_t size, size_t align)
{
	size_t bytes, used;

	align = MAX(align, (size_t)CLASS_ALIGN);
	KASSERT(powerof2(align) && align <= PAGE_SIZE);
	memset(kc, 0, sizeof(*kc));
	spin_init(&kc->kc_lock, "kmem_cache");
	TAILQ_INIT(&kc->kc_partial);
	TAILQ_INIT(&kc->kc_empty);
	kc->kc_name = name;
	kc->kc_size = size;
	kc->kc_stride = roundup2(MAX(size, sizeof(void *)) + KMEM_TAG_SIZE,
	    align);
	/* The smallest slab that wastes no more than an eighth. */
	for (;; kc->kc_order++) {
		bytes = PAGE_SIZE << kc->kc_order;
		used = bytes / kc->kc_stride * kc->kc_stride;
		if (used >= bytes - bytes / 8 ||
		    (used != 0 && kc->kc_order == MAXORDER))
			break;
	}
	kc->kc_perslab = (unsigned int)(bytes / kc->kc_stride);
	spin_enter(&caches_lock);
	kc->kc_next = caches;
	caches = kc;
	spin_exit(&caches_lock);
}

/*
 * A cache, for good: they are never destroyed.  align 0 means 16.  Boot or
 * thread context; NULL: no memory.
 */
struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align)
{
	struct kmem_cache *kc = kmem_alloc(sizeof(*kc), KM_NOSLEEP);

	if (kc != NULL)
		cache_init(kc, name, size, align);
	return kc;
}

static void *
cache_get(struct kmem_cache *kc, int flags)
{
	struct magazine *m = mag_get(kc);
	struct vm_page *slab;
	void *obj = NULL;

	kmem_debug_context(flags);
	for (;;) {
		if (m != NULL) {
			spin_enter(&m->m_lock);
			if (m->m_count == 0)
				mag_fill(kc, m);
			if (m->m_count > 0)
				obj = m->m_obj[--m->m_count];
			spin_exit(&m->m_lock);
		} else {
			spin_enter(&kc->kc_lock);
			obj = slab_get(kc);
			spin_exit(&kc->kc_lock);
		}
		if (obj != NULL)
			return obj;
		slab = slab_create(kc, flags);
		if (slab == NULL)
			return NULL;
		spin_enter(&kc->kc_lock);
		TAILQ_INSERT_TAIL(&kc->kc_empty, slab, pg_list);
		kc->kc_nempty++;
		spin_exit(&kc->kc_lock);
	}
}

static void
cache_put(struct kmem_cache *kc, void *obj)
{
	struct slablist dead = TAILQ_HEAD_INITIALIZER(dead);
	struct magazine *m = mag_get(kc);

	if (m != NULL) {
		spin_enter(&m->m_lock);
		if (m->m_count == MAG_SIZE)
			mag_flush(kc, m, MAG_SIZE / 2, &dead);
		m->m_obj[m->m_count++] = obj;
		spin_exit(&m->m_lock);
	} else {
		spin_enter(&kc->kc_lock);
		slab_put(kc, obj, &dead);
		spin_exit(&kc->kc_lock);
	}
	slabs_destroy(kc, &dead);
}

/* Is it an object of that cache? */
static void
cache_check(struct kmem_cache *kc, void *obj)
{
	struct vm_page *pg = PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(obj));
	size_t off = (size_t)((char *)obj -
	    (char *)VM_PAGE_TO_KVA(slab_of(kc, obj)));

	if ((pg->pg_flags & PG_KMEM) == 0 || pg->pg_cache != kc ||
	    off % kc->kc_stride != 0)
		panic("kmem: %p freed to %s, but it is of %s", obj,
		    kc->kc_name, (pg->pg_flags & PG_KMEM) == 0 ? "no cache" :
		    pg->pg_cache == NULL ? "a page run" :
		    pg->pg_cache->kc_name);
}

void *
kmem_cache_alloc(struct kmem_cache *kc, int flags)
{
	void *obj = cache_get(kc, flags);

	if (obj != NULL)
		kmem_debug_alloc(obj, kc->kc_size, kc->kc_stride,
		    (uintptr_t)__builtin_return_address(0));
	return obj;
}

void
kmem_cache_free(struct kmem_cache *kc, void *obj)
{
	cache_check(kc, obj);
	kmem_debug_free(obj, kc->kc_size, kc->kc_stride,
	    (uintptr_t)__builtin_return_address(0));
	cache_put(kc, obj);
}

/* -- memory of any size -- */

/* The smallest order whose block holds n pages. */
static unsigned int
run_order(size_t n)
{
	return n <= 1 ? 0 : fls64(n - 1);
}

/* Give back [from, from + n) of a page run in the largest blocks. */
static void
run_free(struct vm_page *pg, size_t n)
{
	uintptr_t pfn = VM_PAGE_TO_PFN(pg);
	unsigned int order;

	while (n > 0) {
		order = pfn == 0 ? MAXORDER :
		    MIN(ffs64(pfn) - 1, (unsigned int)MAXORDER);
		while ((size_t)1 << order > n)
			order--;
		uvm_pagefree_order(VM_PAGE(pfn), order);
		pfn += (uintptr_t)1 << order;
		n -= (size_t)1 << order;
	}
}

static void *
run_alloc(size_t npages, int flags)
{
	bool nosleep = (flags & KM_NOSLEEP) != 0;
	unsigned int order = run_order(npages);
	struct vm_page *pg = NULL;

	if (order <= MAXORDER)
		pg = uvm_pagealloc_order(order, UVM_PGA_NOSLEEP |
		    (nosleep ? UVM_PGA_ATOMIC : 0));
	if (pg == NULL && order == 0 && !nosleep)
		pg = uvm_pagealloc(0);
	if (pg == NULL)
		return (void *)uvm_km_alloc(npages * PAGE_SIZE,
		    nosleep ? UVM_KM_NOSLEEP : 0);
	run_free(pg + npages, ((size_t)1 << order) - npages);
	for (size_t i = 0; i < npages; i++) {
		pg[i].pg_flags |= PG_KMEM;
		pg[i].pg_cache = NULL;
		pg[i].pg_inuse = i == 0 ? npages : 0;
	}
	(void)atomic_add(&uvmexp.kmem, npages);
	return VM_PAGE_TO_KVA(pg);
}

static void
run_release(void *p, size_t npages, uintptr_t pc)
{
	struct vm_page *pg;

	if ((vaddr_t)p >= KVA_BASE && (vaddr_t)p < KVA_END) {
		uvm_km_free((vaddr_t)p, npages * PAGE_SIZE, 0);
		return;
	}
	pg = PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(p));
	if (((uintptr_t)p & PAGE_MASK) != 0 || (pg->pg_flags & PG_KMEM) == 0 ||
	    pg->pg_cache != NULL || pg->pg_inuse != npages)
		kmem_panic("freed with a wrong size or address", p,
		    npages * PAGE_SIZE, 0, pc);
	for (size_t i = 0; i < npages; i++)
		pg[i].pg_flags &= ~PG_KMEM;
	(void)atomic_sub(&uvmexp.kmem, npages);
	run_free(pg, npages);
}

static void *
alloc_from(size_t size, int flags, uintptr_t pc)
{
	struct kmem_cache *kc;
	void *p;

	KASSERT(flags == KM_SLEEP || flags == KM_NOSLEEP);
	if (__predict_false(!kmem_ready))
		kmem_init();
	size = MAX(size, (size_t)1);
	if (size <= CLASS_MAX) {
		kc = &class_cache[class_of[howmany(size, CLASS_ALIGN)]];
		p = cache_get(kc, flags);
		if (p != NULL)
			kmem_debug_alloc(p, size, kc->kc_stride, pc);
		return p;
	}
	kmem_debug_context(flags);
	if (size > SIZE_MAX - PAGE_SIZE)
		return NULL;
	p = run_alloc(howmany(size, PAGE_SIZE), flags);
	if (p != NULL)
		kmem_debug_tail(p, size, round_page(size), pc);
	return p;
}

void *
kmem_alloc(size_t size, int flags)
{
	return alloc_from(size, flags, (uintptr_t)__builtin_return_address(0));
}

void *
kmem_zalloc(size_t size, int flags)
{
	void *p = alloc_from(size, flags,
	    (uintptr_t)__builtin_return_address(0));

	return p == NULL ? NULL : memset(p, 0, size);
}

void
kmem_free(void *p, size_t size)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);
	struct kmem_cache *kc;

	if (p == NULL)
		return;
	size = MAX(size, (size_t)1);
	if (size <= CLASS_MAX) {
		kc = &class_cache[class_of[howmany(size, CLASS_ALIGN)]];
		if ((vaddr_t)p >= KVA_BASE && (vaddr_t)p < KVA_END)
			kmem_panic("freed with a wrong size", p, size, 0, pc);
		cache_check(kc, p);
		kmem_debug_free(p, size, kc->kc_stride, pc);
		cache_put(kc, p);
		return;
	}
	kmem_debug_tail_check(p, size, round_page(size), pc);
	run_release(p, howmany(size, PAGE_SIZE), pc);
}

void
kmem_init(void)
{
	unsigned int c = 0;

	if (kmem_ready)
		return;
	kmem_ready = true;
	cache_init(&mag_cache, "magazine", sizeof(struct magazine), 64);
	mag_cache.kc_nomag = true;
	for (unsigned int i = 0; i < __arraycount(class_sizes); i++)
		cache_init(&class_cache[i], class_names[i], class_sizes[i],
		    0);
	for (size_t i = 0; i < __arraycount(class_of); i++) {
		if (i * CLASS_ALIGN > class_sizes[c])
			c++;
		class_of[i] = (uint8_t)c;
	}
}

/* -- memory that can be given back -- */

/* Put what a CPU's magazine holds back into slabs. */
static void
mag_empty(struct kmem_cache *kc, unsigned int cpu, struct slablist *dead)
{
	struct magazine *m = atomic_load_acquire(&kc->kc_mag[cpu]);

	if (m == NULL)
		return;
	spin_enter(&m->m_lock);
	mag_flush(kc, m, MAG_SIZE, dead);
	spin_exit(&m->m_lock);
}

static struct kmem_cache *
caches_first(void)
{
	struct kmem_cache *kc;

	spin_enter(&caches_lock);
	kc = caches;
	spin_exit(&caches_lock);
	return kc;
}

/*
 * Empty all magazines and free all empty slabs.
 */
void
kmem_reap(void)
{
	struct slablist dead = TAILQ_HEAD_INITIALIZER(dead);
	struct kmem_cache *kc;

	for (kc = caches_first(); kc != NULL; kc = kc->kc_next) {
		for (unsigned int i = 0; i < MAXCPUS; i++)
			mag_empty(kc, i, &dead);
		spin_enter(&kc->kc_lock);
		TAILQ_CONCAT(&dead, &kc->kc_empty, pg_list);
		kc->kc_nempty = 0;
		spin_exit(&kc->kc_lock);
		slabs_destroy(kc, &dead);
	}
}

void
kmem_cpu_drain(unsigned int cpu)
{
	struct slablist dead = TAILQ_HEAD_INITIALIZER(dead);
	struct kmem_cache *kc;

	for (kc = caches_first(); kc != NULL; kc = kc->kc_next) {
		mag_empty(kc, cpu, &dead);
		slabs_destroy(kc, &dead);
	}
}

void
shrinker_register(struct shrinker *sh)
{
	spin_enter(&caches_lock);
	sh->sh_next = shrinkers;
	shrinkers = sh;
	spin_exit(&caches_lock);
}

/* Thread context, no spin lock; returns the pages that came free. */
size_t
shrinker_run(size_t npages)
{
	size_t before = uvmexp.free, after;
	struct shrinker *sh;

	spin_enter(&caches_lock);
	sh = shrinkers;
	spin_exit(&caches_lock);
	for (; sh != NULL; sh = sh->sh_next)
		(void)sh->sh_func(npages);
	kmem_reap();
	uvm_page_drain();
	after = uvmexp.free;
	return after > before ? after - before : 0;
}

/* -- strings -- */

char *
kmem_strdup(const char *s, int flags)
{
	size_t n = strlen(s) + 1;
	char *p = alloc_from(n, flags, (uintptr_t)__builtin_return_address(0));

	return p == NULL ? NULL : memcpy(p, s, n);
}

void
kmem_strfree(char *s)
{
	if (s != NULL)
		kmem_free(s, strlen(s) + 1);
}

/* Thread context; NULL: no memory.  kmem_strfree() takes it back. */
char *
kmem_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = alloc_from((size_t)n + 1, KM_SLEEP,
	    (uintptr_t)__builtin_return_address(0));
	if (s == NULL)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}
