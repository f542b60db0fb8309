/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces against a model.
 *
 * Overview: a few processes do random mmap, munmap, mprotect, mremap, madvise,
 * fork, exit, reads and writes in a window of pages; the model is one record
 * for each page of each process.  Memory is accessed the way a CPU does it: by
 * what the fake pmap has, with a fault when that does not do.
 */
/* sources: sys/uvm/uvm_page.c sys/uvm/uvm_pdaemon.c sys/uvm/uvm_kmem.c
 * sys/uvm/uvm_kmem_debug.c sys/uvm/uvm_km.c sys/uvm/uvm_radix.c
 * sys/uvm/uvm_amap.c
 * sys/uvm/uvm_swap.c sys/uvm/uvm_swapout.c
 * sys/uvm/uvm_map.c sys/uvm/uvm_mmap.c
 * sys/uvm/uvm_madvise.c sys/uvm/uvm_fault.c sys/uvm/uvm_object.c
 * sys/uvm/uvm_aobj.c sys/uvm/uvm_vmspace.c regress/sys/uvm/fake_pmap.c */
/* cflags: -DFAKE_PMAP -DDEBUG */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/disk.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

#include <ktest.h>

#define	RWX	(PROT_READ | PROT_WRITE | PROT_EXEC)
#define	BASE	0x40000000UL
#define	NPG	80		/* pages in the window */
#define	NPROC	4
#define	NOBJ	40		/* shared objects ever, the first 2 are files */
#define	OBJPG	96

static uint32_t seed = 4711;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* -- the model -- */

struct mpage {
	bool		mapped, shared, own;	/* own: val is private */
	vm_prot_t	prot;
	int		obj;			/* -1: none */
	unsigned int	objpage;
	uint32_t	val;
};
static struct mproc {
	struct vmspace	*vm;
	struct mpage	page[NPG];
} procs[NPROC];
static uint32_t objval[NOBJ][OBJPG];
static int nobj;
static struct uvm_object *files[2];
static struct file fakefile = { .f_ref = 1000000 };

static uint32_t
model_value(const struct mpage *m)
{
	if (m->own || m->obj < 0)
		return m->own ? m->val : 0;
	return objval[m->obj][m->objpage];
}

/* -- swap: an area in two pieces of the disk -- */

#define	SWAPPG		200

static struct swap_area *area;

static void
swap_on(void)
{
	struct swap_args sa = { .sa_disk = &fake_disk, .sa_nextents = 2,
	    .sa_maxextents = 2, .sa_npages = SWAPPG };
	unsigned int per = PAGE_SIZE >> SECTOR_SHIFT;

	sa.sa_extents = kmem_alloc(2 * sizeof(struct swap_extent), KM_SLEEP);
	sa.sa_extents[0] = (struct swap_extent){ 0, 90, 500 * per };
	sa.sa_extents[1] = (struct swap_extent){ 95, 300, 10 * per };
	CHECK_EQ(uvm_swap_add(&sa, &area), 0);
	uvm_swap_bad_page(area, 7);
	CHECK_EQ(uvm_swap_enable(area), 0);
	CHECK_EQ(uvmexp.swtotal, SWAPPG - 5 - 1 - 1);
}

/* Private memory goes out, or all comes back. */
static void
op_swap(struct mproc *p, bool nomem)
{
	unsigned int i = rnd(NPG);
	int error;

	if (rnd(200) == 0) {
		error = uvm_swap_remove(area);
		if (nomem && error == ENOMEM)
			return;
		CHECK_EQ(error, 0);
		CHECK_EQ(uvmexp.swused, 0);
		CHECK_EQ(uvmexp.swtotal, 0);
		swap_on();
	} else if (rnd(4) == 0) {
		(void)uvm_madvise(p->vm, BASE + i * PAGE_SIZE,
		    rnd(NPG - i) * PAGE_SIZE, MADV_PAGEOUT);
	} else {
		(void)uvm_swapout(1 + rnd(50));
	}
	CHECK(uvmexp.swused <= uvmexp.swtotal);
}

/* -- the CPU -- */

static int
cpu_access(struct vmspace *vm, vaddr_t va, bool write, uint32_t *val)
{
	vm_prot_t want = write ? PROT_WRITE : PROT_READ;
	uint32_t *p;
	int error;

	while ((p = (uint32_t *)fake_mmu(vm->vm_map.m_pmap, va, write)) ==
	    NULL) {
		error = uvm_fault(vm, va, want);
		if (error != 0)
			return error;
	}
	if (write)
		*p = *val;
	else
		*val = *p;
	return 0;
}

/* Bytes at both ends of a page. */
static int
cpu_page(struct vmspace *vm, vaddr_t va, bool write, uint32_t *val)
{
	uint32_t v2 = ~*val;
	int error;

	error = cpu_access(vm, va + 8, write, val);
	if (error != 0)
		return error;
	CHECK_EQ(cpu_access(vm, va + PAGE_SIZE - 8, write, &v2), 0);
	CHECK(v2 == ~*val || (*val == 0 && v2 == 0));
	return 0;
}

static int
expected(const struct mpage *m, bool write)
{
	if (!m->mapped)
		return EFAULT;
	if (m->prot == PROT_NONE || (write && (m->prot & PROT_WRITE) == 0))
		return EACCES;
	return 0;
}

static void
check_page(struct mproc *p, unsigned int i, bool nomem)
{
	struct mpage *m = &p->page[i];
	uint32_t val = 0xdead;
	int error = cpu_page(p->vm, BASE + i * PAGE_SIZE, false, &val);

	if (nomem && error == ENOMEM)
		return;
	CHECK_EQ(error, expected(m, false));
	if (error == 0)
		CHECK_EQ(val, model_value(m));
}

/* -- operations -- */

static void
op_write(struct mproc *p, bool nomem)
{
	unsigned int i = rnd(NPG);
	struct mpage *m = &p->page[i];
	uint32_t val = seed | 1;
	int error;

	if (rnd(3) == 0 && m->mapped && m->prot != PROT_NONE) {
		/* As a debugger does it. */
		val = 0x77;
		error = uvm_io(p->vm, BASE + i * PAGE_SIZE + 8, &val, 4,
		    UIO_WRITE, false);
		if (error == 0) {
			val = ~val;
			error = uvm_io(p->vm, BASE + (i + 1) * PAGE_SIZE - 8,
			    &val, 4, UIO_WRITE, false);
			val = ~val;
		}
		if (error == EFAULT)
			error = EACCES;
	} else {
		error = cpu_page(p->vm, BASE + i * PAGE_SIZE, true, &val);
	}
	if (nomem && error == ENOMEM)
		return;
	CHECK_EQ(error, expected(m, true));
	if (error != 0)
		return;
	if (m->shared) {
		objval[m->obj][m->objpage] = val;
	} else {
		m->own = true;
		m->val = val;
	}
}

static void
op_mmap(struct mproc *p, bool nomem)
{
	struct uvm_mapargs a = { 0 };
	unsigned int i = rnd(NPG), n = 1 + rnd(24), k;
	vm_prot_t prot = rnd(5) == 0 ? PROT_READ : rnd(8) == 0 ? PROT_NONE :
	    PROT_READ | PROT_WRITE;
	int kind = (int)rnd(4), obj = -1, error;
	unsigned int objpage = 0;
	vaddr_t va;

	n = MIN(n, NPG - i);
	a.va = BASE + i * PAGE_SIZE;
	a.size = n * PAGE_SIZE;
	a.prot = prot;
	a.maxprot = RWX;
	a.flags = (kind >= 2 ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED |
	    (!nomem && rnd(10) == 0 ? MAP_POPULATE : 0);
	if (kind == 0 && nobj < NOBJ) {
		obj = nobj;			/* shared anonymous */
	} else if (kind == 1 || kind == 2) {
		obj = (int)rnd(2);
		objpage = rnd(OBJPG - n);
		a.object = files[obj];
		a.offset = objpage * PAGE_SIZE;
		a.object->uo_ops->pgo_reference(a.object);
		a.file = rnd(2) ? &fakefile : NULL;
	} else {
		a.flags = (a.flags & ~MAP_TYPE) | MAP_PRIVATE;
	}
	error = uvm_mmap(p->vm, &a, &va);
	if (error != 0) {
		CHECK(nomem && error == ENOMEM);
		if (a.object != NULL)
			a.object->uo_ops->pgo_detach(a.object);
		return;
	}
	CHECK_EQ(va, a.va);
	if (obj == nobj)
		memset(objval[nobj++], 0, sizeof(objval[0]));
	for (k = 0; k < n; k++) {
		struct mpage *m = &p->page[i + k];

		memset(m, 0, sizeof(*m));
		m->mapped = true;
		m->shared = (a.flags & MAP_TYPE) == MAP_SHARED;
		m->prot = prot;
		m->obj = obj;
		m->objpage = objpage + k;
		/* Populating for writing makes copies, as on Linux. */
		if ((a.flags & MAP_POPULATE) != 0 && kind == 2 &&
		    (prot & PROT_WRITE) != 0) {
			m->val = model_value(m);
			m->own = true;
		}
	}
}

static void
op_range(struct mproc *p, bool nomem)
{
	unsigned int i = rnd(NPG), n = 1 + rnd(20), k;
	vm_prot_t prot = (vm_prot_t)rnd(4);
	vaddr_t va;
	bool hole = false;
	int error, what = (int)rnd(4);

	n = MIN(n, NPG - i);
	va = BASE + i * PAGE_SIZE;
	for (k = i; k < i + n; k++)
		hole |= !p->page[k].mapped;
	switch (what) {
	case 0:
		error = uvm_unmap(p->vm, va, n * PAGE_SIZE);
		if (nomem && error == ENOMEM)
			return;
		CHECK_EQ(error, 0);
		for (k = i; k < i + n; k++)
			memset(&p->page[k], 0, sizeof(p->page[k]));
		break;
	case 1:
		if (prot == PROT_WRITE)
			prot |= PROT_READ;
		if (hole || nomem)
			break;		/* partial effects: not modelled */
		CHECK_EQ(uvm_protect(p->vm, va, n * PAGE_SIZE, prot), 0);
		for (k = i; k < i + n; k++)
			p->page[k].prot = prot;
		break;
	default:
		if (nomem)
			break;
		error = uvm_madvise(p->vm, va, n * PAGE_SIZE, MADV_DONTNEED);
		CHECK_EQ(error, hole ? ENOMEM : 0);
		for (k = i; k < i + n; k++)
			p->page[k].own = false;
		break;
	}
}

/* Move pages that belong to one entry. */
static void
op_mremap(struct mproc *p, bool nomem)
{
	static struct mpage tmp[NPG];
	unsigned int i = rnd(NPG), n = 1 + rnd(10), j, k;
	vaddr_t va;
	int error;

	n = MIN(n, NPG - i);
	j = rnd(NPG - n);
	if (j < i + n && i < j + n)
		return;
	error = uvm_mremap(p->vm, BASE + i * PAGE_SIZE, n * PAGE_SIZE,
	    n * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + j * PAGE_SIZE,
	    &va);
	if (error == EFAULT)
		return;			/* a hole, or several entries */
	if (nomem && error == ENOMEM) {
		/* The target may be gone already, as on Linux. */
		for (k = 0; k < n; k++)
			if (uvm_mincore(p->vm, BASE + (j + k) * PAGE_SIZE,
			    PAGE_SIZE, (unsigned char *)tmp) != 0)
				memset(&p->page[j + k], 0, sizeof(tmp[0]));
		return;
	}
	CHECK_EQ(error, 0);
	CHECK_EQ(va, BASE + j * PAGE_SIZE);
	memcpy(tmp, &p->page[i], n * sizeof(tmp[0]));
	memset(&p->page[i], 0, n * sizeof(tmp[0]));
	memcpy(&p->page[j], tmp, n * sizeof(tmp[0]));
}

static void
op_fork(bool nomem)
{
	struct mproc *p = &procs[rnd(NPROC)], *c = &procs[rnd(NPROC)];
	int error;

	if (p->vm == NULL || c == p)
		return;
	if (c->vm != NULL) {
		vmspace_put(c->vm);
		c->vm = NULL;
	}
	error = vmspace_fork(p->vm, &c->vm);
	if (error != 0) {
		CHECK(nomem && error == ENOMEM);
		c->vm = NULL;
		return;
	}
	memcpy(c->page, p->page, sizeof(p->page));
}

/* What the map's tree knows of itself. */
static void
check_map(struct vm_map *map)
{
	struct vm_map_entry *e, *next;
	size_t size = 0, data = 0;
	unsigned int n = 0;
	vsize_t gap = 0;

	rw_enter(&map->m_lock, RW_READER);
	for (e = uvm_map_lookup_ge(map, 0); e != NULL; e = next) {
		CHECK(e->e_start < e->e_end);
		size += e->e_end - e->e_start;
		if ((e->e_prot & PROT_WRITE) != 0 &&
		    (e->e_flags & (ME_SHARED | ME_GROWSDOWN)) == 0)
			data += e->e_end - e->e_start;
		n++;
		next = uvm_map_next(e);
		if (next != NULL) {
			CHECK(e->e_end <= next->e_start);
			gap = MAX(gap, next->e_start - e->e_end);
		}
	}
	CHECK_EQ(map->m_size, size);
	CHECK_EQ(map->m_data, data);
	CHECK_EQ(map->m_nentries, n);
	if (n > 0)
		CHECK_EQ(map->m_entries.rbh_root->e_maxgap, gap);
	rw_exit(&map->m_lock);
}

static void
drop_all(void)
{
	for (int i = 0; i < NPROC; i++) {
		if (procs[i].vm != NULL)
			vmspace_put(procs[i].vm);
		procs[i].vm = NULL;
	}
	for (int i = 0; i < 2; i++)
		files[i]->uo_ops->pgo_detach(files[i]);
}

/* nomem: memory is so short that every operation may fail. */
static void
run(int steps, bool nomem)
{
	static struct vm_page *hog[FAKE_PAGES];
	unsigned int nhog = 0;
	size_t free;

	for (int i = 0; i < 2; i++) {
		files[i] = uvm_aobj_create(OBJPG * PAGE_SIZE);
		CHECK(files[i] != NULL);
	}
	nobj = 2;
	memset(objval, 0, sizeof(objval));
	memset(procs, 0, sizeof(procs));
	procs[0].vm = vmspace_alloc();
	CHECK(procs[0].vm != NULL);
	while (nomem && uvmexp.free > uvmexp.reserve + 60) {
		hog[nhog] = uvm_pagealloc(UVM_PGA_NOSLEEP);
		CHECK(hog[nhog++] != NULL);
	}
	free = uvmexp.free;
	for (int step = 0; step < steps; step++) {
		struct mproc *p = &procs[rnd(NPROC)];

		if (p->vm == NULL || rnd(60) == 0) {
			op_fork(nomem);
			if (procs[0].vm == NULL)
				procs[0].vm = vmspace_alloc();
			CHECK(nomem || procs[0].vm != NULL);
			if (procs[0].vm != NULL &&
			    procs[0].vm->vm_map.m_nentries == 0)
				memset(procs[0].page, 0,
				    sizeof(procs[0].page));
			continue;
		}
		if (area != NULL && rnd(6) == 0)
			op_swap(p, nomem);
		if (!nomem && rnd(20) == 0)
			fake_enter_fails = (int)rnd(3);
		switch (rnd(10)) {
		case 0:
			op_mmap(p, nomem);
			break;
		case 1:
			op_range(p, nomem);
			break;
		case 2:
			op_mremap(p, nomem);
			break;
		case 3:
		case 4:
		case 5:
			check_page(p, rnd(NPG), nomem);
			break;
		default:
			op_write(p, nomem);
			break;
		}
		fake_enter_fails = -1;
		if (step % 200 == 0) {
			fake_check();
			check_map(&p->vm->vm_map);
			for (unsigned int i = 0; i < NPG; i++)
				check_page(p, i, nomem);
		}
	}
	(void)free;
	drop_all();
	while (nhog > 0)
		uvm_pagefree(hog[--nhog]);
	CHECK_EQ(fake_mappings(), 0);
	CHECK_EQ(uvmexp.anon, 0);
	CHECK_EQ(uvmexp.file, 0);
	CHECK_EQ(fakefile.f_ref, 1000000);
}

TEST(random_operations_like_the_model)
{
	size_t free;

	fake_init(0, 8000);
	(void)shrinker_run(0);
	free = uvmexp.free;
	for (int round = 0; round < 10; round++)
		run(8000, false);
	(void)shrinker_run(0);
	CHECK(uvmexp.free + 30 >= free);
}

TEST(random_operations_like_the_model_with_swap)
{
	fake_init(0, 8000);
	swap_on();
	for (int round = 0; round < 8; round++) {
		run(8000, false);
		CHECK_EQ(uvmexp.swused, 0);
	}
	CHECK(uvmexp.swapouts > 1000 && uvmexp.swapins > 1000);
	CHECK_EQ(uvm_swap_remove(area), 0);
}

TEST(without_memory_but_with_swap_operations_harm_nothing)
{
	fake_init(0, 4000);
	swap_on();
	for (int round = 0; round < 6; round++)
		run(6000, true);
	CHECK_EQ(uvm_swap_remove(area), 0);
}

TEST(without_memory_operations_fail_and_harm_nothing)
{
	size_t free;

	fake_init(0, 4000);
	(void)shrinker_run(0);
	free = uvmexp.free;
	for (int round = 0; round < 6; round++)
		run(6000, true);
	(void)shrinker_run(0);
	CHECK(uvmexp.free + 30 >= free);
}

/* -- single facts -- */

static vaddr_t
map_anon(struct vmspace *vm, vaddr_t va, size_t npages, int flags)
{
	struct uvm_mapargs a = { .va = va, .size = npages * PAGE_SIZE,
	    .prot = PROT_READ | PROT_WRITE, .maxprot = RWX,
	    .flags = MAP_PRIVATE | MAP_ANONYMOUS | flags };
	vaddr_t got;

	if (uvm_mmap(vm, &a, &got) != 0)
		return 0;
	return got;
}

TEST(copy_on_write_copies_once_and_reuses_the_last)
{
	struct vmspace *vm, *child;
	uint32_t v = 5;
	uint64_t cow;
	vaddr_t va;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	va = map_anon(vm, 0, 1, 0);
	CHECK_EQ(cpu_access(vm, va, true, &v), 0);
	CHECK_EQ(uvmexp.anon, 1);
	CHECK_EQ(vmspace_fork(vm, &child), 0);
	CHECK_EQ(uvmexp.anon, 1);
	cow = uvmexp.cow;
	v = 6;
	CHECK_EQ(cpu_access(child, va, true, &v), 0);
	CHECK_EQ(uvmexp.cow, cow + 1);
	CHECK_EQ(uvmexp.anon, 2);
	v = 7;
	CHECK_EQ(cpu_access(vm, va, true, &v), 0);	/* sole owner now */
	CHECK_EQ(uvmexp.cow, cow + 1);
	CHECK_EQ(cpu_access(child, va, false, &v), 0);
	CHECK_EQ(v, 6);
	vmspace_put(child);
	CHECK_EQ(uvmexp.anon, 1);
	vmspace_put(vm);
	CHECK_EQ(uvmexp.anon, 0);
}

TEST(huge_sparse_mapping_costs_what_is_touched)
{
	struct vmspace *vm;
	size_t size = sizeof(long) == 8 ? (size_t)1 << 40 : (size_t)1 << 29;
	struct uvm_mapargs a = { .size = size, .maxprot = RWX,
	    .prot = PROT_READ | PROT_WRITE,
	    .flags = MAP_PRIVATE | MAP_NORESERVE };
	uint32_t v = 1;
	size_t free;
	vaddr_t va;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	free = uvmexp.free;
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	for (size_t off = 0; off < size; off += size / 16)
		CHECK_EQ(cpu_access(vm, va + off, true, &v), 0);
	CHECK_EQ(uvmexp.anon, 16);
	/* Reading what was never written costs no page. */
	for (size_t off = PAGE_SIZE; off < size; off += size / 16) {
		CHECK_EQ(cpu_access(vm, va + off, false, &v), 0);
		CHECK_EQ(v, 0);
	}
	CHECK_EQ(uvmexp.anon, 16);
	CHECK(free - uvmexp.free < 16 + 40);
	a.flags &= ~MAP_NORESERVE;
	CHECK_EQ(uvm_mmap(vm, &a, &va), ENOMEM);	/* overcommit */
	vmspace_put(vm);
}

TEST(ascending_writes_fault_less_and_less)
{
	struct vmspace *vm;
	uint64_t faults;
	uint32_t v = 1;
	vaddr_t va;

	fake_init(0, 4000);
	vm = vmspace_alloc();
	va = map_anon(vm, 0x1000000, 256, MAP_FIXED);
	CHECK(va != 0);
	faults = uvmexp.faults;
	for (int i = 0; i < 256; i++)
		CHECK_EQ(cpu_access(vm, va + (unsigned)i * PAGE_SIZE, true,
		    &v), 0);
	CHECK(uvmexp.faults - faults <= 16 + 6);
	CHECK_EQ(uvmexp.anon, 256);
	vmspace_put(vm);
}

TEST(entries_have_a_limit)
{
	struct uvm_mapargs a = { .va = BASE, .prot = PROT_READ,
	    .maxprot = RWX, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    .size = 2 * UVM_MAP_ENTRIES * PAGE_SIZE };
	struct vmspace *vm;
	unsigned int n = 0;
	vaddr_t va;

	fake_init(0, 8000);
	vm = vmspace_alloc();
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	while (uvm_protect(vm, BASE + n * 2 * PAGE_SIZE, PAGE_SIZE,
	    n % 2 == 0 ? PROT_NONE : PROT_READ | PROT_EXEC) == 0)
		CHECK(++n < UVM_MAP_ENTRIES);
	CHECK_EQ(vm->vm_map.m_nentries, UVM_MAP_ENTRIES);
	a.size = PAGE_SIZE;
	a.va = BASE - 2 * PAGE_SIZE;
	CHECK_EQ(uvm_mmap(vm, &a, &va), ENOMEM);
	/* What takes none goes on. */
	CHECK_EQ(uvm_unmap(vm, BASE, PAGE_SIZE), 0);
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	vmspace_put(vm);
}

TEST(adjacent_mappings_become_one)
{
	struct vmspace *vm;
	vaddr_t va = 0x2000000;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	for (int i = 0; i < 20; i++)
		CHECK(map_anon(vm, va + (unsigned)(i * 7 % 20) * PAGE_SIZE, 1,
		    MAP_FIXED) != 0);
	CHECK_EQ(vm->vm_map.m_nentries, 1);
	CHECK_EQ(uvm_protect(vm, va + PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	CHECK_EQ(vm->vm_map.m_nentries, 3);
	CHECK_EQ(uvm_protect(vm, va + PAGE_SIZE, PAGE_SIZE,
	    PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(vm->vm_map.m_nentries, 1);
	vmspace_put(vm);
}

TEST(stack_grows_to_its_limit_and_keeps_a_gap)
{
	struct vmspace *vm;
	vaddr_t top, low, va;
	uint32_t v = 3;

	fake_init(0, 4000);
	proc0.p_rlimit[RLIMIT_STACK].rlim_cur = 1024 * PAGE_SIZE;
	vm = vmspace_alloc();
	top = trunc_page(VM_MAX_ADDRESS - PAGE_SIZE);
	va = map_anon(vm, top - 4 * PAGE_SIZE, 4, MAP_FIXED | MAP_GROWSDOWN);
	CHECK(va != 0);
	CHECK_EQ(cpu_access(vm, top - 100 * PAGE_SIZE, true, &v), 0);
	low = top - 1024 * PAGE_SIZE;
	CHECK_EQ(cpu_access(vm, low, true, &v), 0);
	CHECK_EQ(cpu_access(vm, low - PAGE_SIZE, true, &v), EFAULT);
	/* Something 300 pages below: the stack stops 256 pages above it. */
	proc0.p_rlimit[RLIMIT_STACK].rlim_cur = RLIM_INFINITY;
	CHECK(map_anon(vm, low - 300 * PAGE_SIZE, 1, MAP_FIXED) != 0);
	CHECK_EQ(cpu_access(vm, low - 43 * PAGE_SIZE, true, &v), 0);
	CHECK_EQ(cpu_access(vm, low - 44 * PAGE_SIZE, true, &v), EFAULT);
	/* And a new mapping keeps away from the stack. */
	vm->vm_mmap_top = top;
	va = map_anon(vm, 0, 1, 0);
	CHECK(va != 0 && va + PAGE_SIZE + 256 * PAGE_SIZE <=
	    low - 43 * PAGE_SIZE);
	vmspace_put(vm);
}

TEST(places_go_down_from_the_top_and_hints_are_taken)
{
	struct vmspace *vm;
	vaddr_t a, b;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	vm->vm_mmap_top = 0x50000000;
	a = map_anon(vm, 0, 4, 0);
	CHECK_EQ(a, 0x50000000 - 4 * PAGE_SIZE);
	b = map_anon(vm, 0, 4, 0);
	CHECK_EQ(b, a - 4 * PAGE_SIZE);
	CHECK_EQ(uvm_unmap(vm, a, 2 * PAGE_SIZE), 0);
	CHECK_EQ(map_anon(vm, 0, 2, 0), a);		/* the hole */
	CHECK_EQ(map_anon(vm, 0x30000123, 1, 0), 0x30001000);
	CHECK_EQ(map_anon(vm, 0x30001000, 1, 0), b - PAGE_SIZE);
	a = map_anon(vm, 0, 1, MAP_32BIT);
	CHECK(a >= 0x40000000 && a < 0x80000000);
	CHECK_EQ(map_anon(vm, a, 1, MAP_FIXED_NOREPLACE), 0);
	vmspace_put(vm);
}

TEST(brk_grows_shrinks_and_obeys_the_limit)
{
	struct vmspace *vm;
	vaddr_t brk = 0;
	uint32_t v = 9;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	vm->vm_brk_start = vm->vm_brk = 0x800123;
	uvm_brk(vm, &brk);
	CHECK_EQ(brk, 0x800123);
	brk = 0x810001;
	uvm_brk(vm, &brk);
	CHECK_EQ(brk, 0x810001);
	CHECK_EQ(cpu_access(vm, 0x810ff0, true, &v), 0);
	brk = 0x802000;
	uvm_brk(vm, &brk);
	CHECK_EQ(brk, 0x802000);
	CHECK_EQ(cpu_access(vm, 0x810ff0, true, &v), EFAULT);
	brk = 0x811000;
	uvm_brk(vm, &brk);
	CHECK_EQ(cpu_access(vm, 0x810ff0, false, &v), 0);
	CHECK_EQ(v, 0);			/* new memory is clear */
	proc0.p_rlimit[RLIMIT_DATA].rlim_cur = 0x20000;
	brk = 0x900000;
	uvm_brk(vm, &brk);
	CHECK_EQ(brk, 0x811000);
	proc0.p_rlimit[RLIMIT_DATA].rlim_cur = RLIM_INFINITY;
	CHECK(map_anon(vm, 0x820000, 1, MAP_FIXED) != 0);
	brk = 0x900000;
	uvm_brk(vm, &brk);
	CHECK_EQ(brk, 0x811000);	/* something is in the way */
	vmspace_put(vm);
}

TEST(mremap_grows_in_place_or_moves_with_contents)
{
	struct vmspace *vm;
	vaddr_t a, b;
	uint32_t v;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	a = map_anon(vm, 0x1000000, 4, MAP_FIXED);
	for (uint32_t i = 0; i < 4; i++) {
		v = i + 1;
		CHECK_EQ(cpu_access(vm, a + i * PAGE_SIZE, true, &v), 0);
	}
	CHECK_EQ(uvm_mremap(vm, a, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0, &b),
	    0);
	CHECK_EQ(b, a);
	CHECK(map_anon(vm, a + 8 * PAGE_SIZE, 1, MAP_FIXED) != 0);
	CHECK_EQ(uvm_mremap(vm, a, 8 * PAGE_SIZE, 9 * PAGE_SIZE, 0, 0, &b),
	    ENOMEM);
	CHECK_EQ(uvm_mremap(vm, a, 8 * PAGE_SIZE, 20 * PAGE_SIZE,
	    MREMAP_MAYMOVE, 0, &b), 0);
	CHECK(b != a);
	for (uint32_t i = 0; i < 20; i++) {
		CHECK_EQ(cpu_access(vm, b + i * PAGE_SIZE, false, &v), 0);
		CHECK_EQ(v, i < 4 ? i + 1 : 0);
	}
	CHECK_EQ(cpu_access(vm, a, false, &v), EFAULT);
	CHECK_EQ(uvm_mremap(vm, b, 20 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0, &a),
	    0);
	CHECK_EQ(cpu_access(vm, b + 2 * PAGE_SIZE, false, &v), EFAULT);
	CHECK_EQ(uvmexp.anon, 2);
	vmspace_put(vm);
}

TEST(debugger_writes_into_read_only_text_privately)
{
	struct uvm_object *uo;
	struct vmspace *vm;
	struct uvm_mapargs a = { .size = PAGE_SIZE, .prot = PROT_READ,
	    .maxprot = RWX, .flags = MAP_PRIVATE };
	uint32_t v = 0xcc, w = 1;
	vaddr_t va;

	fake_init(0, 2000);
	uo = uvm_aobj_create(PAGE_SIZE);
	uo->uo_ops->pgo_reference(uo);
	a.object = uo;
	vm = vmspace_alloc();
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	CHECK_EQ(cpu_access(vm, va, false, &w), 0);
	CHECK_EQ(uvm_io(vm, va, &v, 4, UIO_WRITE, false), EFAULT);
	CHECK_EQ(uvm_io(vm, va, &v, 4, UIO_WRITE, true), 0);
	CHECK_EQ(cpu_access(vm, va, false, &w), 0);
	CHECK_EQ(w, 0xcc);
	CHECK_EQ(cpu_access(vm, va, true, &w), EACCES);
	mutex_enter(&uo->uo_lock);
	CHECK_EQ(*(uint32_t *)VM_PAGE_TO_KVA(uvm_obj_lookup(uo, 0)), 0);
	mutex_exit(&uo->uo_lock);
	CHECK_EQ(uvm_io(vm, va + PAGE_SIZE, &v, 4, UIO_READ, true), EFAULT);
	vmspace_put(vm);
	uo->uo_ops->pgo_detach(uo);
}

/* -- an object whose pages come from elsewhere -- */

static struct uvm_object slow;

static void
slow_nothing(struct uvm_object *uo)
{
	KASSERT(uo == &slow);
}

static int
slow_get(struct uvm_object *uo, uint64_t off, bool for_write,
    struct vm_page **pgp)
{
	struct vm_page *pg = uvm_obj_lookup(uo, off);

	if (pg == NULL) {
		pg = uvm_pagealloc(UVM_PGA_ZERO);
		CHECK(pg != NULL);
		CHECK_EQ(uvm_obj_insert(uo, pg, off), 0);
	}
	if (for_write)
		(void)atomic_or(&pg->pg_flags, PG_DIRTY);
	*pgp = pg;
	return 0;
}

static const struct uvm_pagerops slow_ops = {
	.pgo_reference = slow_nothing,
	.pgo_detach = slow_nothing,
	.pgo_get = slow_get,
};

TEST(a_fault_is_major_or_minor)
{
	struct uvm_mapargs a = { .size = 4 * PAGE_SIZE,
	    .prot = PROT_READ | PROT_WRITE, .maxprot = RWX,
	    .flags = MAP_SHARED };
	struct rusage_ns *ru;
	struct vmspace *vm;
	vaddr_t va;

	fake_init(0, 2000);
	ru = &curlwp->l_ru;
	uvm_obj_init(&slow, &slow_ops);
	a.object = &slow;
	vm = vmspace_alloc();
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	CHECK_EQ(uvm_fault(vm, va, PROT_READ), 0);
	CHECK_EQ(ru->ru_majflt, 1);
	CHECK_EQ(ru->ru_minflt, 0);
	/* It is there, and only has to become dirty. */
	CHECK_EQ(uvm_fault(vm, va, PROT_WRITE), 0);
	CHECK_EQ(ru->ru_majflt, 1);
	CHECK_EQ(ru->ru_minflt, 1);
	a.object = NULL;
	a.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	CHECK_EQ(uvm_fault(vm, va, PROT_WRITE), 0);
	CHECK_EQ(ru->ru_majflt, 1);
	CHECK_EQ(ru->ru_minflt, 2);
	CHECK_EQ(uvmexp.faults, 3);
	vmspace_put(vm);
	mutex_enter(&slow.uo_lock);
	uvm_obj_free_range(&slow, 0, UINT64_MAX);
	mutex_exit(&slow.uo_lock);
}

TEST(beyond_the_end_of_a_file_is_a_bus_error)
{
	struct vmspace *vm;
	struct uvm_mapargs a = { .size = 4 * PAGE_SIZE,
	    .prot = PROT_READ | PROT_WRITE, .maxprot = RWX,
	    .flags = MAP_SHARED };
	uint32_t v = 1;
	vaddr_t va;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	a.object = uvm_aobj_create(4 * PAGE_SIZE);
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	CHECK_EQ(cpu_access(vm, va + 3 * PAGE_SIZE, true, &v), 0);
	CHECK_EQ(uvm_aobj_resize(a.object, PAGE_SIZE + 1), 0);
	CHECK_EQ(cpu_access(vm, va + 3 * PAGE_SIZE, false, &v), EIO);
	CHECK_EQ(cpu_access(vm, va + PAGE_SIZE, true, &v), 0);
	vmspace_put(vm);
	CHECK_EQ(uvmexp.file, 0);
}

/* The time of the last first write to a page through a shared mapping. */
TEST(an_object_knows_when_a_mapping_wrote)
{
	struct vmspace *vm;
	struct uvm_mapargs a = { .size = 2 * PAGE_SIZE,
	    .prot = PROT_READ | PROT_WRITE, .maxprot = RWX,
	    .flags = MAP_SHARED };
	struct uvm_object *uo;
	uint32_t v = 1;
	vaddr_t va, priv;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	a.object = uo = uvm_aobj_create(2 * PAGE_SIZE);
	CHECK_EQ(uvm_mmap(vm, &a, &va), 0);
	uo->uo_ops->pgo_reference(uo);
	a.object = uo;
	a.flags = MAP_PRIVATE;
	CHECK_EQ(uvm_mmap(vm, &a, &priv), 0);
	CHECK_EQ(cpu_access(vm, va, false, &v), 0);
	CHECK_EQ(cpu_access(vm, priv, true, &v), 0);
	CHECK_EQ(uvm_obj_wrote(uo), 0);
	CHECK_EQ(cpu_access(vm, va + PAGE_SIZE, true, &v), 0);
	shim_advance(NSEC_PER_SEC);
	CHECK_EQ(uvm_obj_wrote(uo), nanotime() - NSEC_PER_SEC);
	CHECK_EQ(uvm_obj_wrote(uo), 0);		/* once */
	/* A debugger's write is one, too. */
	CHECK_EQ(uvm_io(vm, va, &v, 4, UIO_WRITE, false), 0);
	CHECK_EQ(uvm_obj_wrote(uo), nanotime());
	vmspace_put(vm);
}

TEST(wiped_and_withheld_on_fork)
{
	struct vmspace *vm, *child;
	uint32_t v = 1;
	vaddr_t a;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	a = map_anon(vm, 0x1000000, 3, MAP_FIXED);
	for (unsigned int i = 0; i < 3; i++)
		CHECK_EQ(cpu_access(vm, a + i * PAGE_SIZE, true, &v), 0);
	CHECK_EQ(uvm_madvise(vm, a, PAGE_SIZE, MADV_WIPEONFORK), 0);
	CHECK_EQ(uvm_madvise(vm, a + PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK), 0);
	CHECK_EQ(vmspace_fork(vm, &child), 0);
	CHECK_EQ(cpu_access(child, a, false, &v), 0);
	CHECK_EQ(v, 0);
	CHECK_EQ(cpu_access(child, a + PAGE_SIZE, false, &v), EFAULT);
	CHECK_EQ(cpu_access(child, a + 2 * PAGE_SIZE, false, &v), 0);
	CHECK_EQ(v, 1);
	vmspace_put(child);
	CHECK_EQ(uvm_madvise(vm, a + 2 * PAGE_SIZE, PAGE_SIZE, 12345),
	    EINVAL);
	vmspace_put(vm);
}

TEST(mlock_counts_and_brings_in)
{
	struct vmspace *vm;
	unsigned char vec[8];
	vaddr_t a;

	fake_init(0, 2000);
	vm = vmspace_alloc();
	a = map_anon(vm, 0x1000000, 8, MAP_FIXED);
	CHECK_EQ(uvm_mlock(vm, a + 100, 2 * PAGE_SIZE, true), 0);
	CHECK_EQ(vm->vm_locked, 3);
	CHECK_EQ(uvm_mincore(vm, a, 8 * PAGE_SIZE, vec), 0);
	CHECK(vec[0] && vec[1] && vec[2] && !vec[7]);
	CHECK_EQ(uvm_mlockall(vm, MCL_CURRENT | MCL_FUTURE), 0);
	CHECK_EQ(vm->vm_locked, 8);
	CHECK_EQ(uvm_unmap(vm, a, PAGE_SIZE), 0);
	CHECK_EQ(vm->vm_locked, 7);
	CHECK(map_anon(vm, a, 1, MAP_FIXED) != 0);
	CHECK_EQ(vm->vm_locked, 8);
	CHECK_EQ(uvm_mlockall(vm, 0), 0);
	CHECK_EQ(vm->vm_locked, 0);
	CHECK_EQ(uvmexp.wired, 0);
	CHECK_EQ(vm->vm_map.m_nentries, 1);
	vmspace_put(vm);
}
