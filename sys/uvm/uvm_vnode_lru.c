/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: which clean pages to give back when memory is short.
 *
 * Overview: two queues.  A page comes in at the inactive one's tail, and moves
 * to the active one when it is used again while it is there; so a file read
 * once goes through without pushing out what is used often.  Reclaim takes
 * from the inactive head, passes over what was used or whose mappings were,
 * and refills from the active head when that is the longer one.  Dirty pages
 * are not here: the writer is kicked when reclaim finds too little.
 *
 * Locking: lru_lock (spin), also from soft interrupts.  Reclaim goes from page
 * to object, against the order, so it only tries for the object's lock; the
 * object cannot go while one of its pages is on a queue and lru_lock is held.
 */
#include <uvm/uvm_vnode_impl.h>

static struct spinlock lru_lock = SPINLOCK_INITIALIZER("uvm_lru");
static struct vm_pagelist active = TAILQ_HEAD_INITIALIZER(active);
static struct vm_pagelist inactive = TAILQ_HEAD_INITIALIZER(inactive);

static void
enqueue(struct vm_page *pg, uint32_t flag)
{
	(void)atomic_or(&pg->pg_flags, flag);
	if (flag == PG_ACTIVE) {
		TAILQ_INSERT_TAIL(&active, pg, pg_list);
		uvmexp.active++;
	} else {
		TAILQ_INSERT_TAIL(&inactive, pg, pg_list);
		uvmexp.inactive++;
	}
}

static void
dequeue(struct vm_page *pg)
{
	if ((pg->pg_flags & PG_ACTIVE) != 0) {
		TAILQ_REMOVE(&active, pg, pg_list);
		uvmexp.active--;
	} else if ((pg->pg_flags & PG_INACTIVE) != 0) {
		TAILQ_REMOVE(&inactive, pg, pg_list);
		uvmexp.inactive--;
	}
	(void)atomic_and(&pg->pg_flags, ~(uint32_t)(PG_ACTIVE | PG_INACTIVE));
}

void
uvn_lru_add(struct vm_page *pg)
{
	spin_enter(&lru_lock);
	if ((pg->pg_flags & (PG_ACTIVE | PG_INACTIVE)) == 0)
		enqueue(pg, (pg->pg_flags & PG_REFERENCED) != 0 ? PG_ACTIVE :
		    PG_INACTIVE);
	spin_exit(&lru_lock);
}

void
uvn_lru_remove(struct vm_page *pg)
{
	spin_enter(&lru_lock);
	dequeue(pg);
	spin_exit(&lru_lock);
}

void
uvn_lru_touch(struct vm_page *pg)
{
	if ((pg->pg_flags & PG_REFERENCED) == 0) {
		(void)atomic_or(&pg->pg_flags, PG_REFERENCED);
		return;
	}
	if ((pg->pg_flags & PG_INACTIVE) == 0)
		return;
	spin_enter(&lru_lock);
	if ((pg->pg_flags & PG_INACTIVE) != 0) {
		dequeue(pg);
		enqueue(pg, PG_ACTIVE);
	}
	spin_exit(&lru_lock);
}

/* Was the page used since it was last asked?  lru_lock held. */
static bool
was_used(struct vm_page *pg)
{
	bool used = (pg->pg_flags & PG_REFERENCED) != 0;

	(void)atomic_and(&pg->pg_flags, ~(uint32_t)PG_REFERENCED);
	return used;
}

/* Let the active queue's head become inactive while it is the longer one. */
static void
deactivate(size_t n)
{
	struct vm_page *pg;

	for (; n > 0 && uvmexp.active > uvmexp.inactive; n--) {
		pg = TAILQ_FIRST(&active);
		dequeue(pg);
		enqueue(pg, was_used(pg) ? PG_ACTIVE : PG_INACTIVE);
	}
}

/* Free the inactive head, or pass it over.  lru_lock held; drops it. */
static bool
reclaim_one(struct vm_page *pg)
{
	struct uvm_object *uo = pg->pg_object;
	bool freed = false;

	if (!mutex_tryenter(&uo->uo_lock)) {
		dequeue(pg);
		enqueue(pg, PG_INACTIVE);
		spin_exit(&lru_lock);
		return false;
	}
	dequeue(pg);
	if (was_used(pg))
		enqueue(pg, PG_ACTIVE);
	spin_exit(&lru_lock);
	if ((pg->pg_flags & PG_ACTIVE) == 0) {
		if (pg->pg_hold != 0 || pg->pg_wire != 0 ||
		    (pg->pg_flags & PG_WRITEBACK) != 0 ||
		    (pmap_page_mapped(pg) && pmap_clear_reference(pg))) {
			uvn_lru_add(pg);
		} else {
			uvn_page_free(uvm_vnode_of(uo), pg);
			freed = true;
		}
	}
	mutex_exit(&uo->uo_lock);
	return freed;
}

static size_t
lru_shrink(size_t want)
{
	size_t freed = 0, looks = 4 * want + 64;
	struct vm_page *pg;
	bool more;

	while (freed < want && looks-- > 0) {
		spin_enter(&lru_lock);
		deactivate(32);
		pg = TAILQ_FIRST(&inactive);
		if (pg == NULL) {
			/* All the active ones had been used: the next ones. */
			more = uvmexp.active != 0;
			spin_exit(&lru_lock);
			if (!more)
				break;
			continue;
		}
		if (reclaim_one(pg))
			freed++;
	}
	if (freed < want)
		uvn_write_kick();
	return freed;
}

static struct shrinker lru_shrinker = { .sh_func = lru_shrink };

void
uvn_lru_init(void)
{
	shrinker_register(&lru_shrinker);
}
