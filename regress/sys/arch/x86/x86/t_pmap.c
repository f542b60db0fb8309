/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pmap against a backend of plain memory with a TLB that forgets nothing
 * by itself: random operations compared with a model, stale TLB entries,
 * allocation failures.
 */
/* sources: sys/arch/x86/x86/pmap.c sys/arch/x86/x86/pmap_pv.c */
/* cflags: -DFAKE_PMAP -DDEBUG */
/* variants: gcc64 clang64 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <uvm/uvm.h>
#include <x86/pmap_backend.h>

#include <host.h>
#include <ktest.h>

#define	NPAGES		48		/* managed pages: the first frames */
#define	NPMAPS		3
#define	NSLOTS		64		/* pages in each group */
#define	TLBSIZE		4096

char *fake_memory, *fake_kva;
void *fake_vm_pages;
struct uvmexp uvmexp;

/* Addresses that differ in each level of the tables; four make a run. */
static const vaddr_t groups[] = {
	0x10000, 0x1f0000, 0x400000 - 8 * PAGE_SIZE, 0x40000000 - 4 * PAGE_SIZE,
	0x8000000000 - 16 * PAGE_SIZE, 0x7ffffff00000,
};
#define	NGROUPS		__arraycount(groups)

/* -- physical pages -- */

static unsigned char used[FAKE_PAGES];
static size_t nused;
static int fail_after = -1;
static bool failed;

struct vm_page *
uvm_pagealloc(int flags)
{
	static uintptr_t next = NPAGES;
	struct vm_page *pg;

	KASSERT((flags & UVM_PGA_NOSLEEP) != 0);
	if (fail_after == 0) {
		fail_after = -1;
		failed = true;
		return NULL;
	}
	if (fail_after > 0)
		fail_after--;
	while (used[next])
		if (++next == FAKE_PAGES)
			next = NPAGES;
	used[next] = 1;
	nused++;
	pg = VM_PAGE(next);
	memset(VM_PAGE_TO_KVA(pg), (flags & UVM_PGA_ZERO) != 0 ? 0 : 0xa5,
	    PAGE_SIZE);
	return pg;
}

void
uvm_pagefree(struct vm_page *pg)
{
	CHECK(used[VM_PAGE_TO_PFN(pg)] == 1);
	CHECK(!pmap_page_mapped(pg));
	memset(VM_PAGE_TO_KVA(pg), 0xda, PAGE_SIZE);
	used[VM_PAGE_TO_PFN(pg)] = 0;
	nused--;
}

/* -- a TLB, of another CPU -- */

static struct tlb_entry {
	struct pmap	*pm;
	vaddr_t		va;
	uint64_t	pte;
	uint64_t	*slot;
} tlb[TLBSIZE];
static unsigned int ntlb;

static void
tlb_drop(unsigned int i)
{
	tlb[i] = tlb[--ntlb];
}

static void
tlb_flush(struct pmap *pm, const struct pte_flush *pf)
{
	unsigned int i;

	if (pf->pf_local)
		return;
	for (i = ntlb; i-- > 0; )
		if (tlb[i].pm == pm && (pf->pf_npages == 0 ||
		    (tlb[i].va >= pf->pf_va && tlb[i].va < pf->pf_va +
		    pf->pf_npages * PAGE_SIZE)))
			tlb_drop(i);
}

/* No TLB entry may allow what its page-table entry does not. */
static void
tlb_check(void)
{
	const uint64_t rights = PTE_P | PTE_W;
	uint64_t *slot, now;
	unsigned int i;

	for (i = 0; i < ntlb; i++) {
		slot = pmap_pte(tlb[i].pm, tlb[i].va);
		now = slot == NULL ? 0 : *slot;
		CHECK_EQ(tlb[i].pte & rights & ~now, 0);
		CHECK_EQ((tlb[i].pte ^ now) & PTE_FRAME, 0);
		CHECK((tlb[i].pte & PTE_NX) != 0 || (now & PTE_NX) == 0);
	}
}

/* -- the backend -- */

static void
fake_update(struct pmap *pm, enum pte_op op, struct pte_update *pu,
    unsigned int n, const struct pte_flush *pf)
{
	uint64_t old;
	unsigned int i;

	CHECK(spin_owned(&pm->pm_lock));
	for (i = 0; i < n; i++) {
		old = *pu[i].pu_slot;
		CHECK(used[PMAP_DIRECT_UNMAP(pu[i].pu_slot) >> PAGE_SHIFT]);
		switch (op) {
		case PTE_OP_TABLE:
			CHECK(pu[i].pu_val != 0 || pf != NULL);
			CHECK(pu[i].pu_val != 0 || pf->pf_npages == 0);
			/* FALLTHROUGH */
		case PTE_OP_SET:
			*pu[i].pu_slot = pu[i].pu_val;
			break;
		case PTE_OP_SWAP:
			*pu[i].pu_slot = pu[i].pu_val;
			pu[i].pu_val = old ^ PTE_FRAME;
			break;
		case PTE_OP_KEEPAD:
			CHECK_EQ((old ^ pu[i].pu_val) & ~(PTE_W | PTE_NX), 0);
			*pu[i].pu_slot = pu[i].pu_val |
			    (old & (PTE_A | PTE_D));
			break;
		}
	}
	if (pf != NULL)
		tlb_flush(pm, pf);
}

static uint64_t
fake_read(const uint64_t *slot)
{
	CHECK(used[PMAP_DIRECT_UNMAP(slot) >> PAGE_SHIFT]);
	return *slot;
}

static struct vm_page *
fake_table_get(void)
{
	struct vm_page *pg;

	pg = uvm_pagealloc(UVM_PGA_ZERO | UVM_PGA_NOSLEEP);
	if (pg != NULL)
		memset(&pg->pg_md, 0, sizeof(pg->pg_md));
	return pg;
}

static void
fake_table_put(struct vm_page **pg, unsigned int n)
{
	while (n-- > 0)
		uvm_pagefree(pg[n]);
}

static void
fake_pin(struct pmap *pm)
{
	CHECK(spin_owned(&pm->pm_lock));
}

static void
fake_load(struct pmap *pm __unused)
{
}

static const struct pmap_backend fake_backend = {
	.pb_split = true,
	.pb_update = fake_update,
	.pb_read = fake_read,
	.pb_table_get = fake_table_get,
	.pb_table_put = fake_table_put,
	.pb_pin = fake_pin,
	.pb_unpin = fake_pin,
	.pb_load = fake_load,
};

static void
setup(void)
{
	fake_memory = host_alloc(PAGE_SIZE, FAKE_PAGES * PAGE_SIZE);
	fake_vm_pages = host_alloc(64, FAKE_PAGES * sizeof(struct vm_page));
	memset(fake_vm_pages, 0, FAKE_PAGES * sizeof(struct vm_page));
	memset(used, 2, NPAGES);
	pmap_backend = &fake_backend;
	pv_init();
	pmap_kernel()->pm_l4 = VM_PAGE_TO_KVA(fake_table_get());
	pmap_kernel()->pm_l4[300] = ptoa(1) | PTE_P;
	pmap_kernel()->pm_l4[511] = ptoa(2) | PTE_P;
}

/* -- the model -- */

static struct mpage {
	struct vm_page	*page;
	vm_prot_t	prot;
} model[NPMAPS][NGROUPS][NSLOTS];
static bool dirty[NPAGES];
static struct pmap *pm[NPMAPS];

static uint64_t seed = 1;

static unsigned int
rnd(unsigned int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(seed >> 33) % n;
}

static vaddr_t
va_of(unsigned int g, unsigned int i)
{
	return groups[g] + i * PAGE_SIZE;
}

/* What a program may do there it does, and the MMU takes note. */
static void
touch(unsigned int p, unsigned int g, unsigned int i)
{
	vaddr_t va = va_of(g, i);
	uint64_t *slot = pmap_pte(pm[p], va);
	unsigned int t;

	if (slot == NULL || (*slot & PTE_P) == 0)
		return;
	*slot |= PTE_A;
	if ((*slot & PTE_W) != 0 && rnd(2) == 0) {
		*slot |= PTE_D;
		dirty[VM_PAGE_TO_PFN(model[p][g][i].page)] = true;
	}
	for (t = 0; t < ntlb; t++)
		if (tlb[t].pm == pm[p] && tlb[t].va == va)
			tlb_drop(t--);
	if (ntlb < TLBSIZE)
		tlb[ntlb++] = (struct tlb_entry){ pm[p], va, *slot, slot };
}

static void
compare(unsigned int p)
{
	size_t n = 0;
	unsigned int g, i;
	vm_prot_t prot;
	paddr_t pa;
	bool there;

	for (g = 0; g < NGROUPS; g++)
		for (i = 0; i < NSLOTS; i++) {
			there = pmap_extract(pm[p], va_of(g, i) + 5, &pa,
			    &prot);
			CHECK_EQ(there, model[p][g][i].page != NULL);
			if (!there)
				continue;
			n++;
			CHECK_EQ(pa,
			    VM_PAGE_TO_PHYS(model[p][g][i].page) + 5);
			CHECK_EQ(prot, model[p][g][i].prot | PROT_READ);
		}
	CHECK_EQ(pmap_resident_count(pm[p]), n);
	CHECK(memcmp(pm[p]->pm_l4, pm[p]->pm_l4user, PAGE_SIZE / 2) == 0);
	CHECK_EQ(pm[p]->pm_l4[511], pmap_kernel()->pm_l4[511]);
	CHECK_EQ(pm[p]->pm_l4user[511], 0);
	pmap_check(pm[p]);
}

static void
compare_pages(void)
{
	unsigned int p, g, i, k;
	bool mapped;

	for (k = 0; k < NPAGES; k++) {
		mapped = false;
		for (p = 0; p < NPMAPS; p++)
			for (g = 0; g < NGROUPS; g++)
				for (i = 0; i < NSLOTS; i++)
					mapped |= model[p][g][i].page ==
					    VM_PAGE(k);
		CHECK_EQ(pmap_page_mapped(VM_PAGE(k)), mapped);
		CHECK_EQ(pmap_is_modified(VM_PAGE(k)), dirty[k]);
	}
}

static vm_prot_t
random_prot(void)
{
	static const vm_prot_t prots[] = {
		PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};

	return prots[rnd(__arraycount(prots))];
}

static void
op_enter(unsigned int p)
{
	unsigned int g = rnd(NGROUPS), i = rnd(NSLOTS), j;
	unsigned int n = 1 + rnd(40);
	struct vm_page *pages[NSLOTS];
	vm_prot_t prot = random_prot();
	int flags = rnd(4) == 0 ? PMAP_DIRTY : 0;

	n = rnd(2) == 0 ? 1 : MIN(n, NSLOTS - i);
	for (j = 0; j < n; j++) {
		pages[j] = rnd(5) == 0 ? NULL : VM_PAGE(rnd(NPAGES));
		if (pages[j] == NULL)
			continue;
		if (flags != 0 && (prot & PROT_WRITE) != 0)
			dirty[VM_PAGE_TO_PFN(pages[j])] = true;
		model[p][g][i + j].page = pages[j];
		model[p][g][i + j].prot = prot;
	}
	CHECK_EQ(pmap_enter_pages(pm[p], va_of(g, i), pages, n, prot, flags),
	    0);
}

static void
op_upgrade(unsigned int p)
{
	unsigned int g = rnd(NGROUPS), i = rnd(NSLOTS), j, n, which;
	struct vm_page *pages[NSLOTS];
	vm_prot_t prot = random_prot();
	struct mpage *m;
	bool there = false;

	n = 1 + rnd(16);
	n = MIN(n, NSLOTS - i);
	which = rnd(n);
	for (j = 0; j < n; j++) {
		m = &model[p][g][i + j];
		pages[j] = rnd(5) == 0 ? VM_PAGE(rnd(NPAGES)) : m->page;
		if (pages[j] == NULL || pages[j] != m->page)
			continue;
		m->prot |= prot;
		there |= j == which;
	}
	CHECK_EQ(pmap_upgrade(pm[p], va_of(g, i), pages, n, prot, which),
	    there);
}

/* A range from one address to another, of any group. */
static void
op_range(unsigned int p, bool protect)
{
	vaddr_t a = va_of(rnd(NGROUPS), rnd(NSLOTS));
	vaddr_t b = va_of(rnd(NGROUPS), rnd(NSLOTS)), va;
	vm_prot_t prot = random_prot();
	unsigned int g, i;

	if (rnd(3) != 0)
		b = a + (1 + rnd(20)) * PAGE_SIZE;
	if (a > b) {
		va = a;
		a = b;
		b = va;
	}
	if (rnd(8) == 0)
		a &= ~0x1fffffUL;
	if (rnd(8) == 0)
		b |= 0x1fffff, b++;
	b = MIN(b, VM_MAX_ADDRESS);
	for (g = 0; g < NGROUPS; g++)
		for (i = 0; i < NSLOTS; i++) {
			va = va_of(g, i);
			if (va < a || va >= b)
				continue;
			if (protect)
				model[p][g][i].prot &= prot;
			else
				model[p][g][i].page = NULL;
		}
	if (protect)
		pmap_protect(pm[p], a, b, prot);
	else
		pmap_remove(pm[p], a, b);
}

static void
op_page(void)
{
	struct vm_page *pg = VM_PAGE(rnd(NPAGES));
	unsigned int p, g, i, what = rnd(4);

	if (what == 2) {
		CHECK_EQ(pmap_clear_modify(pg), dirty[VM_PAGE_TO_PFN(pg)]);
		CHECK(!pmap_is_modified(pg));
		dirty[VM_PAGE_TO_PFN(pg)] = false;
		return;
	}
	if (what == 3) {
		(void)pmap_clear_reference(pg);
		CHECK(!pmap_clear_reference(pg));
		return;
	}
	for (p = 0; p < NPMAPS; p++)
		for (g = 0; g < NGROUPS; g++)
			for (i = 0; i < NSLOTS; i++) {
				if (model[p][g][i].page != pg)
					continue;
				if (what == 0)
					model[p][g][i].page = NULL;
				else
					model[p][g][i].prot &= ~PROT_WRITE;
			}
	pmap_page_protect(pg, what == 0 ? PROT_NONE : PROT_READ);
}

static void
op_again(unsigned int p)
{
	if (rnd(2) == 0) {
		pmap_remove_all(pm[p]);
		pmap_remove(pm[p], VM_MIN_ADDRESS, VM_MAX_ADDRESS);
		pmap_protect(pm[p], VM_MIN_ADDRESS, VM_MAX_ADDRESS, PROT_READ);
		CHECK(!pmap_extract(pm[p], groups[0], NULL, NULL));
	}
	pmap_destroy(pm[p]);
	memset(model[p], 0, sizeof(model[p]));
	tlb_flush(pm[p], &(struct pte_flush){ .pf_npages = 0 });
	CHECK_EQ(pmap_create(&pm[p]), 0);
}

TEST(random_operations)
{
	unsigned int n, p, k;
	size_t before;

	setup();
	before = nused;
	for (p = 0; p < NPMAPS; p++)
		CHECK_EQ(pmap_create(&pm[p]), 0);
	for (n = 0; n < 20000; n++) {
		p = rnd(NPMAPS);
		k = rnd(100);
		if (k < 40)
			op_enter(p);
		else if (k < 45)
			op_upgrade(p);
		else if (k < 60)
			op_range(p, false);
		else if (k < 75)
			op_range(p, true);
		else if (k < 98)
			op_page();
		else
			op_again(p);
		tlb_check();
		for (k = 0; k < 10; k++)
			touch(rnd(NPMAPS), rnd(NGROUPS), rnd(NSLOTS));
		if (n % 8 == 0)
			compare(p);
		if (n % 64 == 0)
			compare_pages();
	}
	for (p = 0; p < NPMAPS; p++)
		pmap_destroy(pm[p]);
	for (k = 0; k < NPAGES; k++)
		CHECK(!pmap_page_mapped(VM_PAGE(k)));
	/* What is kept: a page of pmaps, a page of pv entries. */
	CHECK(nused <= before + 2);
	CHECK_EQ(uvmexp.pagetables, 0);
}

/* Every allocation fails in its turn: ENOMEM, and all accounts are right. */
TEST(allocation_failure)
{
	struct vm_page *pages[6];
	unsigned int i, n;
	int error;

	setup();
	for (i = 0; i < __arraycount(pages); i++)
		pages[i] = VM_PAGE(i % 2);	/* each more than once */
	for (n = 0; ; n++) {
		fail_after = (int)n;
		failed = false;
		error = pmap_create(&pm[0]);
		if (error == 0) {
			/* Across the border of two of everything. */
			error = pmap_enter_pages(pm[0], 0x8000000000 -
			    3 * PAGE_SIZE, pages, 6, PROT_READ, 0);
			pmap_check(pm[0]);
			if (error == 0)
				CHECK_EQ(pmap_resident_count(pm[0]), 6);
			pmap_destroy(pm[0]);
		}
		CHECK(!pmap_page_mapped(VM_PAGE(0)));
		CHECK(!pmap_page_mapped(VM_PAGE(1)));
		CHECK_EQ(uvmexp.pagetables, 0);
		if (!failed)
			break;
		CHECK_EQ(error, ENOMEM);
	}
	CHECK(n >= 8);
	fail_after = -1;
}

TEST(kernel_mappings)
{
	struct vm_page *pages[70];
	unsigned int i;
	size_t before;
	vm_prot_t prot;
	paddr_t pa;
	vaddr_t va = KERNBASE - 1024 * PAGE_SIZE;

	setup();
	for (i = 0; i < __arraycount(pages); i++)
		pages[i] = VM_PAGE(i % NPAGES);
	pmap_kernel()->pm_l4[511] = 0;
	CHECK_EQ(pmap_kenter_pages(va, pages, 70, PROT_READ | PROT_WRITE), 0);
	for (i = 0; i < 70; i++) {
		CHECK(pmap_extract(pmap_kernel(), va + i * PAGE_SIZE, &pa,
		    &prot));
		CHECK_EQ(pa, VM_PAGE_TO_PHYS(pages[i]));
		CHECK_EQ(prot, PROT_READ | PROT_WRITE);
	}
	pmap_kremove(va + PAGE_SIZE, 68 * PAGE_SIZE);
	CHECK(pmap_extract(pmap_kernel(), va, NULL, NULL));
	CHECK(!pmap_extract(pmap_kernel(), va + PAGE_SIZE, NULL, NULL));
	CHECK(pmap_extract(pmap_kernel(), va + 69 * PAGE_SIZE, NULL, NULL));
	CHECK(!pmap_page_mapped(pages[0]));
	pmap_kremove(va, 70 * PAGE_SIZE);

	/* No memory for a table: nothing is mapped. */
	before = nused;
	fail_after = 0;
	CHECK_EQ(pmap_kenter_pages(va + 512 * PAGE_SIZE - 5 * PAGE_SIZE, pages,
	    40, PROT_READ), ENOMEM);
	CHECK_EQ(nused, before);
	CHECK(!pmap_extract(pmap_kernel(), va + 510 * PAGE_SIZE, NULL, NULL));
}

TEST(special_mapping)
{
	vm_prot_t prot;
	paddr_t pa;

	setup();
	CHECK_EQ(pmap_create(&pm[0]), 0);
	CHECK_EQ(pmap_enter(pm[0], 0x10000, VM_PAGE(1), PROT_READ, 0), 0);
	CHECK_EQ(pmap_enter_special(pm[0], 0x10000, ptoa(77), PROT_READ |
	    PROT_EXEC), 0);
	CHECK(!pmap_page_mapped(VM_PAGE(1)));
	CHECK_EQ(pmap_enter_special(pm[0], 0x11000, ptoa(78), PROT_READ), 0);
	CHECK(pmap_extract(pm[0], 0x10000, &pa, &prot));
	CHECK_EQ(pa, ptoa(77));
	CHECK_EQ(prot, PROT_READ | PROT_EXEC);
	CHECK_EQ(pmap_resident_count(pm[0]), 2);
	CHECK_EQ(pmap_enter(pm[0], 0x11000, VM_PAGE(2), PROT_READ, 0), 0);
	pmap_check(pm[0]);
	pmap_destroy(pm[0]);
	CHECK(!pmap_page_mapped(VM_PAGE(2)));
}

TEST(large_space_goes_away)
{
	struct vm_page *pages[512];
	unsigned int i;

	setup();
	for (i = 0; i < __arraycount(pages); i++)
		pages[i] = VM_PAGE(i % NPAGES);
	CHECK_EQ(pmap_create(&pm[0]), 0);
	for (i = 0; i < 20; i++)
		CHECK_EQ(pmap_enter_pages(pm[0], 0x40000000 - 10 * 0x200000 +
		    i * 0x200000UL, pages, 512, PROT_READ | PROT_WRITE, 0), 0);
	CHECK_EQ(pmap_resident_count(pm[0]), 20 * 512);
	pmap_check(pm[0]);
	pmap_remove(pm[0], 0x40000000 - 3 * 0x200000 - PAGE_SIZE,
	    0x40000000 + 3 * 0x200000 + PAGE_SIZE);
	CHECK_EQ(pmap_resident_count(pm[0]), 14 * 512 - 2);
	pmap_check(pm[0]);
	pmap_destroy(pm[0]);
	CHECK_EQ(uvmexp.pagetables, 0);
	for (i = 0; i < NPAGES; i++)
		CHECK(!pmap_page_mapped(VM_PAGE(i)));
}

TEST(loading)
{
	struct vmspace vm;
	struct proc pr = { .p_vmspace = &vm };
	struct lwp l = { .l_proc = &pr }, kl = { .l_proc = NULL };

	setup();
	curcpu()->ci_md.md_pmap = pmap_kernel();
	CHECK_EQ(pmap_create(&pm[0]), 0);
	CHECK_EQ(pmap_create(&pm[1]), 0);
	vm.vm_map.m_pmap = pm[0];
	pmap_activate(&l);
	CHECK_EQ(pm[0]->pm_cpus, 1);
	pmap_activate(&kl);
	CHECK_EQ(pm[0]->pm_cpus, 1);
	vm.vm_map.m_pmap = pm[1];
	pmap_activate(&l);
	CHECK_EQ(pm[0]->pm_cpus, 0);
	CHECK_EQ(pm[1]->pm_cpus, 1);
	pmap_destroy(pm[1]);
	CHECK(curcpu()->ci_md.md_pmap == pmap_kernel());
	pmap_destroy(pm[0]);
}
