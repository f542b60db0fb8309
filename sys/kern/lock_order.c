/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which locks are taken, and the checker a DEBUG kernel runs.
 *
 * Overview: every lock belongs to a class, its name.  lock_order[] lists
 * classes, outermost first: while a lock of a class is held only locks of
 * later classes may be waited for.  Classes that are not in the list are
 * learned: the first order seen between two of them, with everything that
 * follows from it, is the order from then on.  Each thread keeps the locks it
 * holds in l_held; what an interrupt takes is stacked on top.
 *
 * A pair of classes taken against the order is reported once, with the places
 * where both locks were taken.  Locks got by trying are held, but are no
 * report: they cannot deadlock.
 *
 * Locking: a raw word with interrupts off; the checker cannot check itself.
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/ksyms.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <machine/intr.h>

#include "lock_order.h"

const struct lock_class lock_order[] = {
	/* Locks that sleep.  Drivers: attaching one reaches nearly all. */
	{ "xenbus",	false },
	{ "balloon",	false },
	/* Partitions come and go: their nodes are made meanwhile. */
	{ "diskscan",	false },
	{ "devtmpfs",	false },
	/* Files: a rename holds several vnodes. */
	{ "mnt_rename",	false },
	{ "file",	false },
	{ "epoll",	true },		/* a set in a set */
	/* An overlay's files, and the real ones below them. */
	{ "overlay_vnode", true },
	{ "overlay",	false },
	{ "overlay_work", false },
	{ "vnode",	true },
	{ "mount",	false },
	{ "dcache_tree", false },
	/* ext4: a commit writes files, whose maps want blocks of groups. */
	{ "ext4_commit", false },
	{ "ext4_map",	false },
	{ "ext4_orphans", false },
	{ "ext4_inode",	false },
	{ "ext4_group",	false },
	{ "ext4_sb",	false },
	{ "ext4_vnodes", false },
	{ "ext4_jnl",	false },
	{ "vntable",	false },
	{ "disk",	false },
	/* CPUs that come and go; processes; their address spaces. */
	{ "hotplug",	false },
	{ "proctree",	false },
	{ "uvm_map",	false },
	{ "uvm_swapbatch", false },
	{ "uvm_block",	false },
	{ "uvm_batch",	false },
	{ "uvm_object",	false },
	{ "uvm_share",	false },
	/* A talk to the store. */
	{ "xenstore watches", false },
	{ "xenstore tx", false },
	{ "xenstore rx", false },
	/* Spin locks.  Files, terminals and processes. */
	{ "dcache",	true },
	{ "tty",	false },
	{ "pgrp",	false },
	{ "ptimers",	false },
	{ "proc",	false },
	{ "sigacts",	false },
	{ "uidinfo",	false },
	{ "futex",	true },		/* two buckets, by address */
	{ "futex_group", false },
	{ "futex_pi",	false },
	{ "pollhead",	false },
	{ "epoll_head",	true },		/* those of sets, in sets */
	{ "epoll_ready", false },
	{ "pollwait",	false },
	{ "aio",	false },
	{ "xenstore",	false },
	/* Memory: maps of pages, page tables, allocators. */
	{ "uvm_dirty",	false },
	{ "uvm_lru",	false },
	{ "uvm_pagewait", false },
	{ "uvm_write",	false },
	{ "uvm_direct",	false },
	{ "uvm_scan",	false },
	{ "uvm_swap",	false },
	{ "uvm_amap",	false },
	/* Disks: a queue starts its driver with no lock held. */
	{ "bufcache",	false },
	{ "xbd_ring",	false },
	{ "xbd",	false },
	{ "diskq",	false },
	{ "gnttab",	false },
	{ "pvh_hole",	false },
	{ "xenmap",	false },
	{ "pmap",	false },
	{ "pmap_kernel", false },
	{ "pmap_page",	false },
	{ "pv_table",	false },
	{ "pmap_pool",	false },
	{ "kmem_mag",	false },
	{ "kmem_cache",	false },
	{ "uvm_pcpu",	false },
	{ "uvm_page",	false },
	{ "balloon_want", false },
	{ "suspend",	false },
	/* Inside sleeping locks; then the scheduler's and the timers'. */
	{ "mutex",	false },
	{ "rwlock",	false },
	{ "condvar",	false },
	{ "runq",	false },
	{ "callout",	false },
	/* Events, and what a message may be printed with: anything. */
	{ "evtchn",	false },
	{ "xencons",	false },
};
const unsigned int lock_order_count = __arraycount(lock_order);

#ifdef DEBUG
#define	CLASSES		192		/* declared and learned */
#define	POINTERS	512		/* a power of two */
#define	MAP_WORDS	(CLASSES / 64)

unsigned int lockorder_reports;

static volatile uint32_t lo_lock;
static bool lo_off;			/* out of classes, or a panic */
static unsigned int lo_nclasses;	/* [l] */
static const char *lo_names[CLASSES];	/* [l] */
/* Bit b of after[a]: b is taken while a is held, directly or in between. */
static uint64_t lo_after[CLASSES][MAP_WORDS];	/* [l] */
static uint64_t lo_told[CLASSES][MAP_WORDS];	/* [l] reported pairs */
static struct {
	const char	*name;		/* by address: most names are shared */
	unsigned int	class;
} lo_cache[POINTERS];			/* [l] */

static inline bool
map_test(const uint64_t *map, unsigned int n)
{
	return (map[n / 64] >> n % 64 & 1) != 0;
}

static inline void
map_set(uint64_t *map, unsigned int n)
{
	map[n / 64] |= (uint64_t)1 << n % 64;
}

static bool
lo_enter(void)
{
	bool intr = intr_disable();

	while (atomic_swap(&lo_lock, 1) != 0)
		cpu_relax();
	return intr;
}

static void
lo_exit(bool intr)
{
	atomic_store_release(&lo_lock, 0);
	intr_restore(intr);
}

/* The class of a name, CLASSES when there is no room for it. */
static unsigned int
class_find(const char *name)
{
	unsigned int h = ((uintptr_t)name >> 3) % POINTERS, c;

	if (lo_cache[h].name == name)
		return lo_cache[h].class;
	if (lo_nclasses == 0)
		for (; lo_nclasses < lock_order_count; lo_nclasses++)
			lo_names[lo_nclasses] =
			    lock_order[lo_nclasses].lc_name;
	for (c = 0; c < lo_nclasses; c++)
		if (strcmp(lo_names[c], name) == 0)
			break;
	if (c == CLASSES) {
		lo_off = true;
		return c;
	}
	if (c == lo_nclasses)
		lo_names[lo_nclasses++] = name;
	lo_cache[h].name = name;
	lo_cache[h].class = c;
	return c;
}

/* b was taken with a held: so was it with everything before a. */
static void
order_learn(unsigned int a, unsigned int b)
{
	unsigned int c, w;

	for (c = 0; c < lo_nclasses; c++) {
		if (c != a && !map_test(lo_after[c], a))
			continue;
		map_set(lo_after[c], b);
		for (w = 0; w < MAP_WORDS; w++)
			lo_after[c][w] |= lo_after[b][w];
	}
}

/* May b be waited for while a is held?  Learns. */
static bool
order_ok(unsigned int a, unsigned int b)
{
	if (a == b)
		return a < lock_order_count && lock_order[a].lc_nests;
	if (a < lock_order_count && b < lock_order_count)
		return a < b;
	if (map_test(lo_after[a], b))
		return true;
	if (map_test(lo_after[b], a))
		return false;
	order_learn(a, b);
	return true;
}

static void
report(const struct held_lock *held, const char *name, uintptr_t pc)
{
	uintptr_t off1, off2;
	const char *f1 = ksyms_lookup(held->hl_pc, &off1);
	const char *f2 = ksyms_lookup(pc, &off2);

	lockorder_reports++;
	printf("lock order: \"%s\" wanted at %s+0x%lx while \"%s\" is held "
	    "since %s+0x%lx\n", name, f2 != NULL ? f2 : "?",
	    (unsigned long)off2, held->hl_name, f1 != NULL ? f1 : "?",
	    (unsigned long)off1);
	backtrace_print();
}

/* The first held lock that forbids waiting for the class; NULL: none. */
static const struct held_lock *
order_check(const struct lwp *l, const char *name)
{
	const struct held_lock *hl, *bad = NULL;
	unsigned int i, a, b = class_find(name);

	for (i = 0; i < l->l_nheld && !lo_off; i++) {
		hl = &l->l_held[i];
		a = class_find(hl->hl_name);
		if (lo_off || order_ok(a, b) || map_test(lo_told[a], b))
			continue;
		map_set(lo_told[a], b);
		if (bad == NULL)
			bad = hl;
	}
	return bad;
}

void
lockorder_enter(const void *lock, const char *name, enum lock_kind kind,
    bool tried, uintptr_t pc)
{
	struct lwp *l = curlwp;
	const struct held_lock *bad = NULL;
	struct held_lock *hl, copy;
	bool intr;

	if (l == NULL || lo_off || panicstr != NULL)
		return;
	if (kind == LOCK_SLEEP && !tried)
		lockorder_sleep(name);
	intr = lo_enter();
	if (!tried && l->l_nheld > 0) {
		bad = order_check(l, name);
		if (bad != NULL)
			copy = *bad;
	}
	if (l->l_nheld < __arraycount(l->l_held)) {
		hl = &l->l_held[l->l_nheld++];
		hl->hl_lock = lock;
		hl->hl_name = name;
		hl->hl_pc = pc;
	}
	lo_exit(intr);
	if (bad != NULL)
		report(&copy, name, pc);
}

void
lockorder_exit(const void *lock)
{
	struct lwp *l = curlwp;
	unsigned int i;
	bool intr;

	if (l == NULL)
		return;
	intr = intr_disable();
	for (i = l->l_nheld; i-- > 0; ) {
		if (l->l_held[i].hl_lock != lock)
			continue;
		for (l->l_nheld--; i < l->l_nheld; i++)
			l->l_held[i] = l->l_held[i + 1];
		break;
	}
	intr_restore(intr);
}

void
lockorder_sleep(const char *wchan)
{
	struct cpu_info *ci;
	bool intr;

	if (panicstr != NULL)
		return;
	intr = intr_disable();
	ci = curcpu();
	if (ci->ci_spin_depth != 0 || ci->ci_intr_depth != 0 ||
	    ci->ci_in_softint)
		panic("\"%s\": may not sleep here", wchan);
	intr_restore(intr);
}
#endif /* DEBUG */
