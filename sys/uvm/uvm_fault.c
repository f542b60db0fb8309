/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults.
 *
 * Overview: what a fault finds, in this order, and does:
 *
 *	found			read			write
 *	anon, sole owner	map it			map it
 *	anon, shared		map without write	copy, map the copy
 *	anon, also in swap	map without write	no more in swap, map it
 *	anon, only in swap	read it, look again	read it, look again
 *	object, shared entry	map (*)			mark dirty, map
 *	object, private entry	map without write	copy to an anon
 *	nothing			map the zero page	new anon
 *	(*) for writing too if the page is dirty already
 *
 * A fault costs the guest more than an ordinary machine, so each one that finds
 * its page not mapped also maps what is at hand in the same block of 16 pages,
 * in one batch; and zero-filled memory that is written in ascending order is
 * given out in growing steps.
 *
 * uvm_io() goes the same way and copies instead of mapping.
 *
 * Locking: m_lock as reader, so threads fault side by side; am_block of the
 * block for private entries; uo_lock while the object is looked at and until
 * its page is mapped, so that truncation finds every mapping.  No lock is held
 * while a page is read in, memory is waited for or a stack is extended: then
 * the fault starts anew.
 */
#include <sys/time.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

/* Answers besides errno. */
#define	FAULT_PAGEIN	(-1)	/* the object has to bring the page in */
#define	FAULT_GROW	(-2)	/* below a stack */
#define	FAULT_SWAPIN	(-3)	/* an anon's page is in swap */

/* New zeroed pages in one fault, and the memory that must be plenty for it. */
#define	ZERO_AHEAD_MAX	UVM_BLOCK_PAGES
#define	ZERO_AHEAD_FREE	(8 * uvm_page_low())

struct fault {
	struct vmspace	*f_vm;
	vaddr_t		f_va;		/* of the page */
	vm_prot_t	f_access;
	bool		f_write;
	bool		f_force;	/* against the entry's protection */
	bool		f_major;	/* a page had to be brought in */
	struct vm_map_entry *f_entry;
	struct mutex	*f_share;	/* held: uvm_amap_share() */
	/* uvm_io(): move these bytes instead of mapping */
	char		*f_buf;		/* NULL: map */
	size_t		f_off, f_len;	/* within the page */
	/* FAULT_PAGEIN */
	struct uvm_object *f_object;	/* referenced */
	uint64_t	f_objoff;
	bool		f_objwrite;
	/* FAULT_SWAPIN */
	uint32_t	f_slot;
};

/* Pages of one block to be mapped at once. */
struct ahead {
	vaddr_t		a_start;
	unsigned int	a_n;
	struct vm_page	*a_rw[UVM_BLOCK_PAGES];
	struct vm_page	*a_ro[UVM_BLOCK_PAGES];
	bool		a_anyrw, a_anyro;
};

static inline struct pmap *
fault_pmap(const struct fault *f)
{
	return f->f_vm->vm_map.m_pmap;
}

static inline uint64_t
object_offset(const struct vm_map_entry *e, vaddr_t va)
{
	return e->e_offset + (va - e->e_start);
}

/* A page of the object that can be used now; object locked. */
static struct vm_page *
resident_page(struct uvm_object *uo, uint64_t off)
{
	struct vm_page *pg = uvm_obj_lookup(uo, off);

	return pg != NULL && (pg->pg_flags & PG_BUSY) == 0 ? pg : NULL;
}

/*
 * The page of an anon of a locked block; NULL: it is not in memory.  *own: we
 * may write to it as it is.
 */
static struct vm_page *
anon_page(struct fault *f, struct vm_anon *an, bool *own)
{
	struct vm_page *pg;

	*own = atomic_load(&an->an_ref) == 1;
	if (!*own && f->f_share == NULL) {
		f->f_share = uvm_amap_share(&f->f_vm->vm_amap, f->f_va);
		mutex_enter(f->f_share);
	}
	pg = atomic_load(&an->an_page);
	if (atomic_load_relaxed(&an->an_slot) != 0)
		*own = false;
	return pg;
}

/* -- mapping, or copying -- */

static void
fault_copy(const struct fault *f, struct vm_page *pg)
{
	char *p = (char *)VM_PAGE_TO_KVA(pg) + f->f_off;

	if (f->f_write)
		memcpy(p, f->f_buf, f->f_len);
	else
		memcpy(f->f_buf, p, f->f_len);
}

static int
fault_enter(const struct fault *f, struct vm_page *pg, vm_prot_t prot)
{
	if (f->f_buf != NULL) {
		fault_copy(f, pg);
		return 0;
	}
	return pmap_enter(fault_pmap(f), f->f_va, pg, prot,
	    f->f_write ? PMAP_DIRTY : 0);
}

/* -- neighbours -- */

/* The part of the block around the fault that lies in the entry. */
static void
ahead_init(struct ahead *a, const struct fault *f)
{
	vaddr_t start = rounddown2(f->f_va, UVM_BLOCK_BYTES);
	vaddr_t end = MIN(start + UVM_BLOCK_BYTES, f->f_entry->e_end);

	memset(a, 0, sizeof(*a));
	a->a_start = MAX(start, f->f_entry->e_start);
	a->a_n = (unsigned int)((end - a->a_start) >> PAGE_SHIFT);
}

static void
ahead_add(struct ahead *a, const struct fault *f, unsigned int i,
    struct vm_page *pg, bool writable)
{
	/* An entry that is not writable needs no second batch. */
	if (writable && (f->f_entry->e_prot & PROT_WRITE) != 0) {
		a->a_rw[i] = pg;
		a->a_anyrw = true;
	} else {
		a->a_ro[i] = pg;
		a->a_anyro = true;
	}
}

/*
 * What is resident around the fault: anons of a private entry (block locked),
 * pages of the object (locked, or NULL).
 */
static void
ahead_gather(struct ahead *a, struct fault *f, struct uvm_object *uo)
{
	const struct vm_map_entry *e = f->f_entry;
	bool shared = (e->e_flags & ME_SHARED) != 0;
	vaddr_t va = a->a_start;
	struct vm_anon *an;
	struct vm_page *pg;
	bool own;

	for (unsigned int i = 0; i < a->a_n; i++, va += PAGE_SIZE) {
		an = shared ? NULL : uvm_amap_get(&f->f_vm->vm_amap, va);
		if (an != NULL) {
			pg = anon_page(f, an, &own);
			if (pg != NULL)
				ahead_add(a, f, i, pg, own);
			continue;
		}
		if (uo == NULL)
			continue;
		pg = resident_page(uo, object_offset(e, va));
		if (pg != NULL)
			ahead_add(a, f, i, pg, shared &&
			    (pg->pg_flags & PG_DIRTY) != 0);
	}
}

static int
ahead_enter(const struct ahead *a, const struct fault *f)
{
	vm_prot_t prot = f->f_entry->e_prot;
	int error = 0, error2 = 0;

	if (a->a_anyrw)
		error = pmap_enter_pages(fault_pmap(f), a->a_start, a->a_rw,
		    a->a_n, prot, PMAP_IFEMPTY | (f->f_write ? PMAP_DIRTY : 0));
	if (a->a_anyro)
		error2 = pmap_enter_pages(fault_pmap(f), a->a_start, a->a_ro,
		    a->a_n, prot & ~PROT_WRITE, PMAP_IFEMPTY);
	return error != 0 ? error : error2;
}

/*
 * Map the fault's page, which is in its final place, and its neighbours unless
 * there was a mapping: then they have had their turn.
 */
static int
fault_enter_around(struct fault *f, struct vm_page *pg, bool writable,
    struct uvm_object *uo)
{
	vm_prot_t prot = f->f_entry->e_prot;
	struct ahead a;

	if (f->f_buf != NULL ||
	    pmap_extract(fault_pmap(f), f->f_va, NULL, NULL))
		return fault_enter(f, pg, writable ? prot : prot & ~PROT_WRITE);
	ahead_init(&a, f);
	ahead_gather(&a, f, uo);
	return ahead_enter(&a, f);
}

/* -- private memory; block locked -- */

/* A new anon with a copy of a page.  NULL: no memory at the moment. */
static struct vm_anon *
anon_copy(struct vm_page *from)
{
	struct vm_page *pg = uvm_pagealloc(UVM_PGA_NOSLEEP);
	struct vm_anon *an;

	if (pg == NULL)
		return NULL;
	an = uvm_anon_alloc(pg);
	if (an == NULL) {
		uvm_pagefree(pg);
		return NULL;
	}
	pmap_copy_page(from, pg);
	return an;
}

/*
 * A page of our own that is mapped, but not for writing: so it is after fork
 * and after mprotect, and mostly not alone.  All of the block get their right
 * back at once.
 */
static bool
fault_upgrade(struct fault *f)
{
	struct ahead a;

	if (f->f_buf != NULL)
		return false;
	ahead_init(&a, f);
	ahead_gather(&a, f, NULL);
	return pmap_upgrade(fault_pmap(f), a.a_start, a.a_rw, a.a_n,
	    f->f_entry->e_prot,
	    (unsigned int)((f->f_va - a.a_start) >> PAGE_SHIFT));
}

static int
fault_anon(struct fault *f, struct vm_anon *an)
{
	vm_prot_t prot = f->f_entry->e_prot;
	struct vm_anon *copy;
	struct vm_page *pg;
	bool own;
	int error;

	pg = anon_page(f, an, &own);
	if (pg == NULL) {
		f->f_slot = atomic_load(&an->an_slot);
		f->f_major = true;
		return FAULT_SWAPIN;
	}
	if (f->f_write && !own && atomic_load(&an->an_ref) == 1) {
		uvm_swap_drop(an);
		own = true;
	}
	if (f->f_write && own && fault_upgrade(f))
		return 0;
	if (own || !f->f_write)
		return fault_enter_around(f, pg, own, NULL);
	copy = anon_copy(pg);
	if (copy == NULL)
		return ENOMEM;
	/* The slot is there: this needs no memory. */
	error = uvm_amap_set(&f->f_vm->vm_amap, f->f_va, copy);
	KASSERT(error == 0);
	error = fault_enter(f, copy->an_page, prot);
	/* Our mapping of the old page must be gone before our share in it. */
	if (error != 0 || f->f_buf != NULL)
		pmap_remove(fault_pmap(f), f->f_va, f->f_va + PAGE_SIZE);
	uvm_anon_put(an);
	(void)atomic_add(&uvmexp.cow, 1);
	return error;
}

/* Make an object's page private; object locked. */
static int
fault_promote(struct fault *f, struct vm_page *pg)
{
	struct vm_anon *an = anon_copy(pg);
	int error;

	if (an == NULL)
		return ENOMEM;
	error = uvm_amap_set(&f->f_vm->vm_amap, f->f_va, an);
	if (error != 0) {
		uvm_anon_put(an);
		return error;
	}
	(void)atomic_add(&uvmexp.cow, 1);
	error = fault_enter(f, an->an_page, f->f_entry->e_prot);
	if (error != 0 || f->f_buf != NULL)
		pmap_remove(fault_pmap(f), f->f_va, f->f_va + PAGE_SIZE);
	return error;
}

/* How many pages below the fault are there already: is it a sweep upwards? */
static unsigned int
zero_run(const struct fault *f)
{
	const struct vm_map_entry *e = f->f_entry;
	vaddr_t va = f->f_va;
	unsigned int n = 0;

	while (n < ZERO_AHEAD_MAX / 2 && va > e->e_start &&
	    uvm_amap_get(&f->f_vm->vm_amap, va - PAGE_SIZE) != NULL) {
		va -= PAGE_SIZE;
		n++;
	}
	return n;
}

/* One more zeroed private page. */
static int
zero_page(const struct fault *f, vaddr_t va, struct vm_page **res)
{
	struct vm_page *pg = uvm_pagealloc(UVM_PGA_ZERO | UVM_PGA_NOSLEEP);
	struct vm_anon *an;

	if (pg == NULL)
		return ENOMEM;
	an = uvm_anon_alloc(pg);
	if (an == NULL) {
		uvm_pagefree(pg);
		return ENOMEM;
	}
	if (uvm_amap_set(&f->f_vm->vm_amap, va, an) != 0) {
		uvm_anon_put(an);
		return ENOMEM;
	}
	*res = pg;
	return 0;
}

static int
fault_zero(struct fault *f)
{
	struct vm_page *pgs[ZERO_AHEAD_MAX];
	const struct vm_map_entry *e = f->f_entry;
	unsigned int n, want = 1;
	vaddr_t va = f->f_va, end;
	int error;

	if (!f->f_write) {
		if (f->f_buf != NULL)
			return fault_enter(f, uvm_zeropage, 0);
		return pmap_enter_special(fault_pmap(f), va,
		    VM_PAGE_TO_PHYS(uvm_zeropage), e->e_prot & ~PROT_WRITE);
	}
	error = zero_page(f, va, &pgs[0]);
	if (error != 0)
		return error;
	if (f->f_buf != NULL) {
		/* There may be a mapping of the zero page. */
		pmap_remove(fault_pmap(f), va, va + PAGE_SIZE);
		fault_copy(f, pgs[0]);
		return 0;
	}
	if (uvm_page_enough(ZERO_AHEAD_FREE))
		want += 2 * zero_run(f);
	end = MIN(rounddown2(va, UVM_BLOCK_BYTES) + UVM_BLOCK_BYTES, e->e_end);
	want = MIN(want, (unsigned int)((end - va) >> PAGE_SHIFT));
	for (n = 1; n < want; n++) {
		if (uvm_amap_get(&f->f_vm->vm_amap, va + n * PAGE_SIZE) !=
		    NULL || zero_page(f, va + n * PAGE_SIZE, &pgs[n]) != 0)
			break;
	}
	error = pmap_enter_pages(fault_pmap(f), va, pgs, n, e->e_prot,
	    PMAP_DIRTY);
	/* No mapping of the zero page may stay where there is an anon now. */
	if (error != 0)
		pmap_remove(fault_pmap(f), va, va + n * PAGE_SIZE);
	return error;
}

/* -- objects; locked -- */

/*
 * The page of the object at the fault: at once, or FAULT_PAGEIN.  for_write: it
 * has to be a dirty one.
 */
static int
object_page(struct fault *f, struct uvm_object *uo, bool for_write,
    struct vm_page **pg)
{
	uint64_t off = object_offset(f->f_entry, f->f_va);
	int error;

	*pg = resident_page(uo, off);
	if (*pg != NULL && (!for_write || ((*pg)->pg_flags & PG_DIRTY) != 0))
		return 0;
	if ((uo->uo_ops->pgo_flags & PGOF_ANON) == 0) {
		uo->uo_ops->pgo_reference(uo);
		f->f_object = uo;
		f->f_objoff = off;
		f->f_objwrite = for_write;
		f->f_major |= *pg == NULL;
		return FAULT_PAGEIN;
	}
	error = uo->uo_ops->pgo_get(uo, off, for_write, pg);
	return error == EFAULT ? EIO : error;
}

static int
fault_shared(struct fault *f, struct uvm_object *uo)
{
	struct vm_page *pg;
	int error;

	mutex_enter(&uo->uo_lock);
	error = object_page(f, uo, f->f_write, &pg);
	if (error == 0 && f->f_write)
		uvm_obj_mapwrite(uo, nanotime());
	if (error == 0)
		error = fault_enter_around(f, pg,
		    (pg->pg_flags & PG_DIRTY) != 0, uo);
	mutex_exit(&uo->uo_lock);
	return error;
}

/* Block locked. */
static int
fault_private_object(struct fault *f, struct uvm_object *uo)
{
	struct vm_page *pg;
	int error;

	mutex_enter(&uo->uo_lock);
	error = object_page(f, uo, false, &pg);
	if (error == 0 && f->f_write)
		error = fault_promote(f, pg);
	else if (error == 0)
		error = fault_enter_around(f, pg, false, uo);
	mutex_exit(&uo->uo_lock);
	return error;
}

/* -- the fault as a whole -- */

/* Does the entry allow the access?  What can be written can be read. */
static bool
access_allowed(const struct fault *f, const struct vm_map_entry *e)
{
	vm_prot_t prot = e->e_prot;

	if (f->f_force) {
		prot |= e->e_maxprot & PROT_READ;
		if ((e->e_flags & ME_SHARED) == 0)
			prot |= e->e_maxprot & PROT_WRITE;
	}
	if ((f->f_access & PROT_WRITE) != 0)
		return (prot & PROT_WRITE) != 0;
	if ((f->f_access & PROT_EXEC) != 0)
		return (prot & PROT_EXEC) != 0;
	return (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) != 0;
}

/* Map locked as reader. */
static int
fault_locked(struct fault *f)
{
	struct vm_map_entry *e;
	struct vm_anon *an;
	struct mutex *block;
	int error;

	e = uvm_map_lookup_ge(&f->f_vm->vm_map, f->f_va);
	if (e == NULL)
		return EFAULT;
	if (e->e_start > f->f_va)
		return (e->e_flags & ME_GROWSDOWN) != 0 ? FAULT_GROW : EFAULT;
	if (!access_allowed(f, e))
		return EACCES;
	f->f_entry = e;
	if ((e->e_flags & ME_SHARED) != 0)
		return fault_shared(f, e->e_object);
	block = uvm_amap_block(&f->f_vm->vm_amap, f->f_va);
	mutex_enter(block);
	an = uvm_amap_get(&f->f_vm->vm_amap, f->f_va);
	if (an != NULL)
		error = fault_anon(f, an);
	else if (e->e_object != NULL)
		error = fault_private_object(f, e->e_object);
	else
		error = fault_zero(f);
	if (f->f_share != NULL) {
		mutex_exit(f->f_share);
		f->f_share = NULL;
	}
	mutex_exit(block);
	return error;
}

/* Nothing locked: have the object bring the page in. */
static int
fault_pagein(struct fault *f)
{
	struct uvm_object *uo = f->f_object;
	struct vm_page *pg;
	int error;

	(void)atomic_add(&uvmexp.pageins, 1);
	mutex_enter(&uo->uo_lock);
	if (uo->uo_ops->pgo_around != NULL)
		uo->uo_ops->pgo_around(uo, f->f_objoff);
	error = uo->uo_ops->pgo_get(uo, f->f_objoff, f->f_objwrite, &pg);
	mutex_exit(&uo->uo_lock);
	uo->uo_ops->pgo_detach(uo);
	return error == EFAULT ? EIO : error;
}

static int
fault_run(struct fault *f)
{
	struct vm_map *map = &f->f_vm->vm_map;
	int error;

	for (;;) {
		rw_enter(&map->m_lock, RW_READER);
		error = fault_locked(f);
		rw_exit(&map->m_lock);
		if (error == FAULT_PAGEIN)
			error = fault_pagein(f);
		else if (error == FAULT_SWAPIN)
			error = uvm_swap_in(f->f_slot);
		else if (error == FAULT_GROW)
			error = uvm_map_growstack(f->f_vm, f->f_va) == 0 ?
			    0 : EFAULT;
		else if (error != ENOMEM)
			return error;
		if (error == ENOMEM)
			error = uvm_wait(1);
		if (error != 0)
			return error;
	}
}

int
uvm_fault(struct vmspace *vm, vaddr_t va, vm_prot_t access)
{
	struct fault f = {
		.f_vm = vm,
		.f_va = trunc_page(va),
		.f_access = access,
		.f_write = (access & PROT_WRITE) != 0,
	};
	size_t rss;
	int error;

	error = fault_run(&f);
	(void)atomic_add(&uvmexp.faults, 1);
	if (f.f_major)
		curlwp->l_ru.ru_majflt++;
	else
		curlwp->l_ru.ru_minflt++;
	rss = vmspace_rss(vm);
	if (rss > vm->vm_rss_max)
		vm->vm_rss_max = rss;
	return error;
}

/* EFAULT: not mapped, or not accessible; EIO; ENOMEM. */
int
uvm_io(struct vmspace *vm, vaddr_t va, void *buf, size_t len, enum uio_rw rw,
    bool force)
{
	struct fault f = { .f_vm = vm, .f_buf = buf, .f_force = force };
	int error;

	f.f_write = rw == UIO_WRITE;
	f.f_access = f.f_write ? PROT_WRITE : PROT_READ;
	while (len > 0) {
		f.f_va = trunc_page(va);
		f.f_off = (size_t)(va & PAGE_MASK);
		f.f_len = MIN(len, PAGE_SIZE - f.f_off);
		error = fault_run(&f);
		if (error != 0)
			return error == EACCES ? EFAULT : error;
		va += f.f_len;
		f.f_buf += f.f_len;
		len -= f.f_len;
	}
	return 0;
}

/* -- populating -- */

/* What to ask for at va, and how far that holds.  0: nothing. */
static vm_prot_t
populate_access(struct vmspace *vm, vaddr_t va, vaddr_t *end)
{
	struct vm_map_entry *e;
	vm_prot_t access = 0;

	rw_enter(&vm->vm_map.m_lock, RW_READER);
	e = uvm_map_lookup_ge(&vm->vm_map, va);
	if (e == NULL) {
		*end = VM_MAX_ADDRESS;
	} else if (e->e_start > va) {
		*end = e->e_start;
	} else {
		*end = e->e_end;
		if ((e->e_prot & PROT_WRITE) != 0 &&
		    (e->e_flags & ME_SHARED) == 0)
			access = PROT_WRITE;
		else if (e->e_prot != PROT_NONE)
			access = PROT_READ;
	}
	rw_exit(&vm->vm_map.m_lock);
	return access;
}

int
uvm_populate(struct vmspace *vm, vaddr_t start, vaddr_t end, vm_prot_t access)
{
	vaddr_t va = start, stop = end;
	vm_prot_t want = access, have;
	int error;

	while (va < end) {
		if (access == 0)
			want = populate_access(vm, va, &stop);
		stop = MIN(stop, end);
		if (want == 0) {
			va = stop;
			continue;
		}
		for (; va < stop; va += PAGE_SIZE) {
			if (pmap_extract(vm->vm_map.m_pmap, va, NULL, &have) &&
			    ((want & PROT_WRITE) == 0 ||
			    (have & PROT_WRITE) != 0))
				continue;
			if (uvm_being_killed(curlwp))
				return EINTR;
			error = uvm_fault(vm, va, want);
			if (error != 0)
				return error;
		}
	}
	return 0;
}
