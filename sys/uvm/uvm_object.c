/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: what is common to all kinds.
 *
 * Overview: an object's pages are in a tree by page number.  Where bytes have
 * to be copied from or to user memory, which can fault and so take any
 * object's lock, the page is held instead and the object unlocked; a page that
 * leaves its object meanwhile is freed by the last holder.
 *
 * Locking: uo_lock for the tree, the pages' identity and pg_hold.  A released
 * page has no object any more: its holders go by release_lock.
 */
#include <uvm/uvm_impl.h>

static struct spinlock release_lock = SPINLOCK_INITIALIZER("uvm_release");

void
uvm_obj_init(struct uvm_object *uo, const struct uvm_pagerops *ops)
{
	mutex_init(&uo->uo_lock, "uvm_object");
	uo->uo_ops = ops;
	uo->uo_pages.r_root = 0;
	uo->uo_npages = 0;
	uo->uo_ref = 1;
	uo->uo_mapwrite = false;
}

void
uvm_obj_fini(struct uvm_object *uo)
{
	KASSERT(uo->uo_npages == 0 && uo->uo_pages.r_root == 0);
	mutex_destroy(&uo->uo_lock);
}

struct vm_page *
uvm_obj_lookup(struct uvm_object *uo, uint64_t off)
{
	return uvm_radix_get(&uo->uo_pages, (size_t)(off >> PAGE_SHIFT));
}

int
uvm_obj_insert(struct uvm_object *uo, struct vm_page *pg, uint64_t off)
{
	int error;

	KASSERT(mutex_owned(&uo->uo_lock));
	error = uvm_radix_set(&uo->uo_pages, (size_t)(off >> PAGE_SHIFT), pg);
	if (error != 0)
		return error;
	pg->pg_object = uo;
	pg->pg_offset = trunc_page(off);
	uo->uo_npages++;
	(void)atomic_add(&uvmexp.file, 1);
	return 0;
}

void
uvm_page_hold(struct vm_page *pg)
{
	KASSERT(mutex_owned(&pg->pg_object->uo_lock));
	spin_enter(&release_lock);
	pg->pg_hold++;
	spin_exit(&release_lock);
}

/* The object may be locked or not. */
void
uvm_page_unhold(struct vm_page *pg)
{
	bool last;

	spin_enter(&release_lock);
	last = --pg->pg_hold == 0 && (pg->pg_flags & PG_RELEASED) != 0;
	spin_exit(&release_lock);
	if (last)
		uvm_pagefree(pg);
}

/* Take a page out of its object and free it, now or when it is let go. */
static void
obj_page_free(struct uvm_object *uo, struct vm_page *pg)
{
	bool held;

	pmap_page_protect(pg, PROT_NONE);
	(void)uvm_radix_remove(&uo->uo_pages,
	    (size_t)(pg->pg_offset >> PAGE_SHIFT));
	uo->uo_npages--;
	(void)atomic_sub(&uvmexp.file, 1);
	spin_enter(&release_lock);
	held = pg->pg_hold != 0;
	pg->pg_flags = held ? PG_RELEASED : 0;
	pg->pg_object = NULL;
	spin_exit(&release_lock);
	if (!held)
		uvm_pagefree(pg);
}

void
uvm_obj_free_range(struct uvm_object *uo, uint64_t start, uint64_t end)
{
	struct vm_page *pg;
	size_t idx = (size_t)(start >> PAGE_SHIFT);

	KASSERT(mutex_owned(&uo->uo_lock));
	for (;; idx++) {
		pg = uvm_radix_next(&uo->uo_pages, &idx);
		if (pg == NULL || pg->pg_offset >= end)
			break;
		obj_page_free(uo, pg);
	}
}

/*
 * Find the page for one step of a transfer.  *pg is NULL for a hole that is
 * being read.  Object locked; may be unlocked meanwhile.
 */
static int
move_page(struct uvm_object *uo, uint64_t off, enum uio_rw rw,
    struct vm_page **pg)
{
	int error;

	for (;;) {
		if ((uo->uo_ops->pgo_flags & PGOF_ANON) != 0) {
			*pg = uvm_obj_lookup(uo, off);
			if (*pg != NULL || rw == UIO_READ)
				return 0;
		}
		error = uo->uo_ops->pgo_get(uo, off, rw == UIO_WRITE, pg);
		if (error != ENOMEM)
			return error;
		mutex_exit(&uo->uo_lock);
		error = uvm_wait(1);
		mutex_enter(&uo->uo_lock);
		if (error != 0)
			return error;
	}
}

/*
 * The caller has checked the range against the file's size.  Thread context,
 * no lock that a page fault may want; may sleep.  0, EFAULT (user memory, or
 * beyond the end), EIO, ENOMEM; the uio tells how far it came.
 */
int
uvm_obj_uiomove(struct uvm_object *uo, uint64_t off, size_t len,
    struct uio *uio)
{
	struct vm_page *pg;
	size_t n, in;
	char *kva;
	int error = 0;

	while (len > 0 && error == 0) {
		in = (size_t)(off & PAGE_MASK);
		n = MIN(len, PAGE_SIZE - in);
		mutex_enter(&uo->uo_lock);
		error = move_page(uo, trunc_page(off), uio->uio_rw, &pg);
		if (error == 0 && pg != NULL)
			uvm_page_hold(pg);
		mutex_exit(&uo->uo_lock);
		if (error != 0)
			break;
		kva = VM_PAGE_TO_KVA(pg == NULL ? uvm_zeropage : pg);
		error = uiomove(kva + in, n, uio);
		if (pg != NULL)
			uvm_page_unhold(pg);
		off += n;
		len -= n;
	}
	return error;
}
