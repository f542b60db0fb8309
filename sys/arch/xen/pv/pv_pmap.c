/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of a PV guest: entries by hypercall, tables typed by Xen.
 *
 * Overview: Xen checks every change of a page table, so tables are read-only
 * for the guest in all their mappings and are changed by mmu_update, in
 * batches and together with the TLB flush in one multicall.  A page is a table
 * for Xen as long as another table, a CPU or a pin refers to it.  An address
 * space has two top-level tables, because kernel and user mode share a
 * privilege level: the user's lacks the kernel's half.  Both are pinned for
 * the pmap's life.
 *
 * Entries are kept with machine frames; the rest of the kernel never sees them.
 * Xen adds bits of its own to present entries (user, global, "guest kernel"),
 * which are taken off again when an entry is read.
 *
 * Making a page read-only and writable again costs Xen two type changes and us
 * two entries and a flush.  Pages that were tables are therefore cleared by
 * Xen, stay read-only and wait in a small store for the next one who needs a
 * table.
 *
 * Modified bits: an entry that is taken away is read first and then
 * overwritten.  Another CPU may set the bit in between; if one may have had
 * the pmap loaded, a writable entry counts as modified.
 *
 * Locking: the callers hold the pmap's lock; "pv_table" guards the store and is
 * taken after it.
 *
 * Suspend: tables are whole whenever interrupts are on; the tools rewrite all
 * frame numbers in them.  The pages in the store are ordinary zero pages.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <uvm/uvm.h>
#include <machine/intr.h>

#include "pv_impl.h"

#define	PTE_GUESTKERNEL	(1UL << 52)	/* Xen's: user bit is not ours */
#define	UPDATE_MAX	32
#define	INVLPG_LOCAL_MAX 8		/* more pages: flush everything */
#define	INVLPG_MULTI_MAX 2		/* each interrupts other CPUs */
#define	STORE_REFILL	4

void
pv_must(int error, const char *what)
{
	if (__predict_false(error != 0))
		panic("pv: Xen refuses %s: error %d", what, error);
}

/* -- entries -- */

static uint64_t
to_machine(uint64_t pte)
{
	unsigned long mfn;

	if ((pte & PTE_P) == 0)
		return 0;
	if ((pte & PTE_SW1) != 0)
		return pte;
	mfn = p2m_get((pte & PTE_FRAME) >> PAGE_SHIFT);
	if (__predict_false(mfn == P2M_NONE))
		panic("pv: no memory behind frame %#llx",
		    (unsigned long long)(pte & PTE_FRAME) >> PAGE_SHIFT);
	return (pte & ~PTE_FRAME) | (uint64_t)mfn << PAGE_SHIFT;
}

static uint64_t
pv_read(const uint64_t *slot)
{
	uint64_t pte = *(const volatile uint64_t *)slot;
	pfn_t pfn;

	if ((pte & PTE_P) == 0)
		return pte;
	if ((pte & PTE_GUESTKERNEL) != 0)
		pte &= ~(PTE_GUESTKERNEL | PTE_U);
	pte &= ~PTE_G;
	if ((pte & PTE_SW1) != 0)
		return pte;
	pfn = pv_mfn_to_pfn(MKMFN((pte & PTE_FRAME) >> PAGE_SHIFT));
	if (__predict_false(pfn.pfn == ~(uintptr_t)0))
		panic("pv: entry %#llx with a foreign frame",
		    (unsigned long long)pte);
	return (pte & ~PTE_FRAME) | ptoa(pfn.pfn);
}

/* -- flushes -- */

static inline uint64_t
self_bit(void)
{
	return (uint64_t)1 << curcpu()->ci_index;
}

/* Other CPUs that have the pmap loaded, as of now. */
static inline uint64_t
others(const struct pmap *pm)
{
	uint64_t cpus = atomic_load(&pm->pm_cpus) & ~self_bit();

	if (pm == pmap_kernel() && ncpu_possible <= 1)
		cpus = 0;
	return cpus;
}

/*
 * Operations for a flush; how many.  Xen looks at pm_cpus when it gets there.
 */
static unsigned int
flush_ops(struct pmap *pm, const struct pte_flush *pf, bool multi,
    struct mmuext_op *op)
{
	unsigned int i, max = multi ? INVLPG_MULTI_MAX : INVLPG_LOCAL_MAX;

	if (pf->pf_npages == 0 || pf->pf_npages > max) {
		op->cmd = multi ? MMUEXT_TLB_FLUSH_MULTI :
		    MMUEXT_TLB_FLUSH_LOCAL;
		set_xen_guest_handle(op->arg2.vcpumask,
		    (const void *)(uintptr_t)&pm->pm_cpus);
		return 1;
	}
	for (i = 0; i < pf->pf_npages; i++, op++) {
		op->cmd = multi ? MMUEXT_INVLPG_MULTI : MMUEXT_INVLPG_LOCAL;
		op->arg1.linear_addr = pf->pf_va + i * PAGE_SIZE;
		set_xen_guest_handle(op->arg2.vcpumask,
		    (const void *)(uintptr_t)&pm->pm_cpus);
	}
	return i;
}

static void
flush_multi(struct pmap *pm, const struct pte_flush *pf)
{
	struct mmuext_op op[INVLPG_LOCAL_MAX];
	unsigned int n = flush_ops(pm, pf, true, op);

	pv_must(hypercall_mmuext_op(op, n, NULL, DOMID_SELF), "a flush");
}

/* -- updates -- */

static void
update_and_flush(struct pmap *pm, struct mmu_update *req, unsigned int n,
    const struct pte_flush *pf, bool multi)
{
	struct mmuext_op op[INVLPG_LOCAL_MAX];
	struct multicall_entry mc[2];
	unsigned int nops = flush_ops(pm, pf, multi, op);

	mc[0].op = __HYPERVISOR_mmu_update;
	mc[0].args[0] = (unsigned long)req;
	mc[0].args[1] = n;
	mc[0].args[2] = 0;
	mc[0].args[3] = DOMID_SELF;
	mc[1].op = __HYPERVISOR_mmuext_op;
	mc[1].args[0] = (unsigned long)op;
	mc[1].args[1] = nops;
	mc[1].args[2] = 0;
	mc[1].args[3] = DOMID_SELF;
	pv_must(hypercall_multicall(mc, 2), "a multicall");
	pv_must((int)mc[0].result, "page-table entries");
	pv_must((int)mc[1].result, "a flush");
}

static void
update_chunk(struct pmap *pm, enum pte_op op, struct pte_update *pu,
    unsigned int n, const struct pte_flush *pf)
{
	bool here = pm == pmap_kernel() ||
	    (atomic_load(&pm->pm_cpus) & self_bit()) != 0;
	bool multi = pf != NULL && !pf->pf_local && others(pm) != 0;
	struct mmu_update req[UPDATE_MAX];
	unsigned int i;

	/* One hypercall; not where it might lose a modified bit. */
	if (n == 1 && pf != NULL && pf->pf_npages == 1 && here &&
	    others(pm) == 0 &&
	    (op != PTE_OP_KEEPAD || (*pu->pu_slot & PTE_W) == 0)) {
		pv_must(hypercall_update_va_mapping(pf->pf_va,
		    op == PTE_OP_KEEPAD ? pu->pu_val :
		    to_machine(pu->pu_val), UVMF_INVLPG | UVMF_LOCAL),
		    "a page-table entry");
		goto check;
	}
	for (i = 0; i < n; i++) {
		req[i].ptr = pv_maddr(pu[i].pu_slot) |
		    (op == PTE_OP_KEEPAD ? MMU_PT_UPDATE_PRESERVE_AD :
		    MMU_NORMAL_PT_UPDATE);
		req[i].val = op == PTE_OP_KEEPAD ? pu[i].pu_val :
		    to_machine(pu[i].pu_val);
	}
	if (pf != NULL && (here || multi))
		update_and_flush(pm, req, n, pf, multi);
	else
		pv_must(hypercall_mmu_update(req, n, NULL, DOMID_SELF),
		    "page-table entries");
check:
	/* Who loaded it meanwhile may have seen the old entries. */
	if (pf != NULL && !pf->pf_local && !multi && others(pm) != 0)
		flush_multi(pm, pf);
}

/*
 * A change of a table's place: Xen flushes all CPUs by itself, as the tables
 * are also what it walks.
 */
void
pv_update(struct pmap *pm, enum pte_op op, struct pte_update *pu,
    unsigned int n, const struct pte_flush *pf)
{
	uint64_t old[UPDATE_MAX];
	unsigned int i, m, loads = 0;
	bool shared = false;

	if (op == PTE_OP_TABLE)
		pf = NULL;
	for (; n > 0; n -= m, pu += m) {
		m = MIN(n, UPDATE_MAX);
		if (op == PTE_OP_SWAP) {
			loads = atomic_load(&pm->pm_loads);
			shared = others(pm) != 0;
			for (i = 0; i < m; i++)
				old[i] = *(volatile uint64_t *)pu[i].pu_slot;
		}
		update_chunk(pm, op, pu, m, pf);
		if (op != PTE_OP_SWAP)
			continue;
		shared |= loads != atomic_load(&pm->pm_loads);
		for (i = 0; i < m; i++)
			pu[i].pu_val = old[i] |
			    (shared && (old[i] & PTE_W) != 0 ? PTE_D : 0);
	}
}

/* -- tables -- */

static struct spinlock store_lock = SPINLOCK_INITIALIZER("pv_table");
static struct vm_page *store;		/* [l] chained by pp_ptnext */
static unsigned int store_count;	/* [l] */

static unsigned int
store_max(void)
{
	return MAX(STORE_REFILL, (unsigned int)MIN(uvmexp.total / 256, 64));
}

/* A direct-map entry as an argument of a multicall. */
static void
dmap_call(struct multicall_entry *mc, struct vm_page *pg, uint64_t bits,
    unsigned long flags)
{
	mc->op = __HYPERVISOR_update_va_mapping;
	mc->args[0] = (unsigned long)VM_PAGE_TO_KVA(pg);
	mc->args[1] = to_machine(VM_PAGE_TO_PHYS(pg) | PTE_P | PTE_A | PTE_D |
	    PTE_NX | bits);
	mc->args[2] = flags;
}

static void
dmap_calls(struct multicall_entry *mc, unsigned int n)
{
	unsigned int i;

	pv_must(hypercall_multicall(mc, n), "a multicall");
	for (i = 0; i < n; i++)
		pv_must((int)mc[i].result, "a page's protection");
}

/* Read-only for good: a writable entry in a TLB is Xen's business. */
static void
store_refill(void)
{
	struct multicall_entry mc[STORE_REFILL];
	int flags = UVM_PGA_NOSLEEP | UVM_PGA_ZERO | UVM_PGA_USERESERVE;
	struct vm_page *pg;
	unsigned int n;

	for (n = 0; n < STORE_REFILL; n++) {
		pg = uvm_pagealloc(flags);
		if (pg == NULL)
			break;
		flags &= ~UVM_PGA_USERESERVE;
		(void)atomic_or(&pg->pg_flags, PG_KMEM);
		dmap_call(&mc[n], pg, 0, UVMF_NONE);
		pg->pg_md.pp_ptnext = store;
		store = pg;
		store_count++;
	}
	if (n != 0)
		dmap_calls(mc, n);
}

/* Before there is an allocator: also in the builder's mapping. */
void
pv_boot_protect(uintptr_t pfn)
{
	uint64_t pte = to_machine(ptoa(pfn) | PTE_P | PTE_A | PTE_D | PTE_NX);

	if (ptoa(pfn) < boot_window_end)
		pv_must(hypercall_update_va_mapping(KERNBASE + ptoa(pfn), pte,
		    UVMF_NONE), "a boot table");
	if (pfn < boot_dmap_end)
		pv_must(hypercall_update_va_mapping(PMAP_DIRECT_MAP(
		    ptoa(pfn)), pte, UVMF_NONE), "a boot table");
}

static struct vm_page *
pv_table_get(void)
{
	struct vm_page *pg;
	uintptr_t pfn;

	if (pmap_booting) {
		pfn = boot_alloc_frame();
		pv_boot_protect(pfn);
		return VM_PAGE(pfn);
	}
	spin_enter(&store_lock);
	if (store == NULL)
		store_refill();
	pg = store;
	if (pg != NULL) {
		store = pg->pg_md.pp_ptnext;
		store_count--;
	}
	spin_exit(&store_lock);
	if (pg != NULL)
		memset(&pg->pg_md, 0, sizeof(pg->pg_md));
	return pg;
}

/* Writable again, for any use.  Stale read-only entries must go. */
static void
tables_release(struct vm_page **pg, unsigned int n)
{
	struct multicall_entry mc[UPDATE_MAX / 2];
	unsigned int i, m;

	for (; n > 0; n -= m, pg += m) {
		m = MIN(n, __arraycount(mc));
		for (i = 0; i < m; i++)
			dmap_call(&mc[i], pg[i], PTE_W, i == m - 1 ?
			    UVMF_TLB_FLUSH | UVMF_ALL : UVMF_NONE);
		dmap_calls(mc, m);
		for (i = 0; i < m; i++) {
			memset(&pg[i]->pg_md, 0, sizeof(pg[i]->pg_md));
			(void)atomic_and(&pg[i]->pg_flags, ~(uint32_t)PG_KMEM);
			uvm_pagefree(pg[i]);
		}
	}
}

static void
pv_table_put(struct vm_page **pg, unsigned int n)
{
	struct mmuext_op op[UPDATE_MAX];
	unsigned int i, keep, max;

	KASSERT(n <= UPDATE_MAX && !pmap_booting);
	spin_enter(&store_lock);
	max = store_max();
	keep = store_count >= max ? 0 : MIN(n, max - store_count);
	for (i = 0; i < keep; i++) {
		op[i].cmd = MMUEXT_CLEAR_PAGE;
		op[i].arg1.mfn =
		    pv_pfn_to_mfn(MKPFN(VM_PAGE_TO_PFN(pg[i]))).mfn;
		pg[i]->pg_md.pp_ptnext = store;
		store = pg[i];
	}
	store_count += keep;
	if (keep != 0)
		pv_must(hypercall_mmuext_op(op, keep, NULL, DOMID_SELF),
		    "to clear a table");
	spin_exit(&store_lock);
	tables_release(pg + keep, n - keep);
}

/* -- address spaces -- */

static unsigned int
both_tops(struct pmap *pm, unsigned int cmd, struct mmuext_op *op)
{
	op[0].cmd = op[1].cmd = cmd;
	op[0].arg1.mfn = pv_maddr(pm->pm_l4) >> PAGE_SHIFT;
	if (pm->pm_l4user == NULL)
		return 1;
	op[1].arg1.mfn = pv_maddr(pm->pm_l4user) >> PAGE_SHIFT;
	return 2;
}

static void
pv_pin(struct pmap *pm)
{
	struct mmuext_op op[2];
	unsigned int n = both_tops(pm, MMUEXT_PIN_L4_TABLE, op);

	pv_must(hypercall_mmuext_op(op, n, NULL, DOMID_SELF), "a pin");
}

static void
pv_unpin(struct pmap *pm)
{
	struct mmuext_op op[2];
	unsigned int n = both_tops(pm, MMUEXT_UNPIN_TABLE, op);

	pv_must(hypercall_mmuext_op(op, n, NULL, DOMID_SELF), "an unpin");
}

static void
pv_load(struct pmap *pm)
{
	struct mmuext_op op[2];

	if (both_tops(pm, MMUEXT_NEW_BASEPTR, op) == 1)
		op[1].arg1.mfn = 0;
	op[1].cmd = MMUEXT_NEW_USER_BASEPTR;
	pv_must(hypercall_mmuext_op(op, 2, NULL, DOMID_SELF),
	    "an address space");
}

const struct pmap_backend pv_pmap_backend = {
	.pb_split = true,
	.pb_global = false,
	.pb_bootstrap = pv_bootstrap,
	.pb_grow = pv_grow,
	.pb_update = pv_update,
	.pb_read = pv_read,
	.pb_table_get = pv_table_get,
	.pb_table_put = pv_table_put,
	.pb_pin = pv_pin,
	.pb_unpin = pv_unpin,
	.pb_load = pv_load,
};
