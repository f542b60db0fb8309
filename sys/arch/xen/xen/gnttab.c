/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables, version 1 and 2: who may touch which of our pages.
 *
 * Overview: a reference is an index into a table that Xen shares with us.  Free
 * references form a list through gnt_next[].  What the two versions do
 * differently is in struct gnttab_ops; version 1 is taken unless machine
 * frames do not fit its 32 bits (or `domus.gnttab=2` asks for version 2 and
 * Xen has it).
 *
 * States of a reference: free (in the list) -> allocated -> granted ->
 * allocated or, when the peer still has the page mapped at the end, deferred:
 * it is tried again once a second and freed with its page when the peer let go.
 * Ending is one atomic step, never "look, then end": a peer could map between.
 *
 * Locking: gnt_lock (spin) guards the list, the deferred queue and growth.
 *
 * Suspend: the frames are mapped again afterwards.  A new domain starts with
 * an empty table, possibly of the other version: allocated references stay
 * allocated and are granted anew by their owners' connect(); deferred ones
 * are free, since their peer saw the old domain go.
 */
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/callout.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/spinlock.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>
#include <xen/gnttab.h>
#include <xen/guest.h>
#include <xen/hypercall.h>
#include <xen/machdep.h>

#define	GNT_MAX_FRAMES	256U
/* A version 2 entry has 16 bytes, its status 2. */
#define	GNT_STATUS_FRAMES (GNT_MAX_FRAMES / 8)
#define	GNT_RESERVED	GNTTAB_NR_RESERVED_ENTRIES
#define	GNT_NONE	0U			/* end of the free list */
#define	GNT_RETRY	NSEC_PER_SEC

struct gnttab_ops {
	unsigned int go_version;
	unsigned int go_per_frame;
	void	(*go_grant)(uint32_t, domid_t, uint64_t frame, uint16_t flags);
	bool	(*go_end)(uint32_t);
};

struct deferred {
	LIST_ENTRY(deferred) d_link;
	gref_t		d_ref;
	struct vm_page	*d_page;
};

static struct spinlock gnt_lock = SPINLOCK_INITIALIZER("gnttab");
static const struct gnttab_ops *gnt_ops;	/* [s] */
static vaddr_t gnt_table, gnt_status;		/* [I] */
static unsigned int gnt_frames;			/* [l] mapped now */
static unsigned int gnt_max_frames;		/* [s] Xen's limit */
static uint32_t *gnt_next;			/* [l] */
static unsigned int gnt_nrefs;			/* [l] covered by gnt_next */
static uint32_t gnt_free_head = GNT_NONE;	/* [l] */
static unsigned int gnt_nfree;			/* [l] */
static LIST_HEAD(, deferred) gnt_deferred = LIST_HEAD_INITIALIZER(gnt_deferred);
static struct callout gnt_retry;

BOOT_OPTION(opt_gnttab, "domus.gnttab", "grant table version: 1 or 2");

/* ---- version 1 ---- */

static void
v1_grant(uint32_t ref, domid_t domid, uint64_t frame, uint16_t flags)
{
	struct grant_entry_v1 *e = &((struct grant_entry_v1 *)gnt_table)[ref];

	e->frame = (uint32_t)frame;
	e->domid = domid;
	atomic_store_release(&e->flags, flags);
}

static bool
v1_end(uint32_t ref)
{
	struct grant_entry_v1 *e = &((struct grant_entry_v1 *)gnt_table)[ref];
	uint16_t flags;

	do {
		flags = atomic_load(&e->flags);
		if ((flags & (GTF_reading | GTF_writing)) != 0)
			return false;
	} while (!atomic_cas(&e->flags, flags, 0));
	return true;
}

static const struct gnttab_ops gnttab_v1 = {
	.go_version = 1,
	.go_per_frame = PAGE_SIZE / sizeof(struct grant_entry_v1),
	.go_grant = v1_grant,
	.go_end = v1_end,
};

/* ---- version 2: use is reported in a table of its own ---- */

static void
v2_grant(uint32_t ref, domid_t domid, uint64_t frame, uint16_t flags)
{
	union grant_entry_v2 *e = &((union grant_entry_v2 *)gnt_table)[ref];

	e->full_page.frame = frame;
	e->hdr.domid = domid;
	atomic_store_release(&e->hdr.flags, GTF_permit_access | flags);
}

static bool
v2_end(uint32_t ref)
{
	union grant_entry_v2 *e = &((union grant_entry_v2 *)gnt_table)[ref];
	volatile uint16_t *status = &((uint16_t *)gnt_status)[ref];

	/* Nobody can begin to use it after this; somebody may still be. */
	atomic_store(&e->hdr.flags, 0);
	membar_full();
	return (*status & (GTF_reading | GTF_writing)) == 0;
}

static const struct gnttab_ops gnttab_v2 = {
	.go_version = 2,
	.go_per_frame = PAGE_SIZE / sizeof(union grant_entry_v2),
	.go_grant = v2_grant,
	.go_end = v2_end,
};

/* ---- choosing and mapping ---- */

static int
set_version(unsigned int version)
{
	struct gnttab_set_version v = { .version = version };

	return hypercall_grant_table_op(GNTTABOP_set_version, &v, 1);
}

static void
choose_version(void)
{
	long maxmfn = 0;
	char val[8];
	bool want2;

	(void)hypercall_memory_op(XENMEM_maximum_ram_page, NULL, &maxmfn);
	want2 = (uint64_t)maxmfn >> 32 != 0 ||
	    (boot_option("domus.gnttab", val, sizeof(val)) &&
	    strcmp(val, "2") == 0);
	if (want2 && set_version(2) == 0) {
		gnt_ops = &gnttab_v2;
		return;
	}
	/* A Xen that knows no versions has version 1. */
	(void)set_version(1);
	gnt_ops = &gnttab_v1;
}

static unsigned int
query_max_frames(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };

	if (hypercall_grant_table_op(GNTTABOP_query_size, &q, 1) != 0 ||
	    q.status != GNTST_okay)
		return 4;		/* what the oldest Xen gave */
	return MIN(q.max_nr_frames, GNT_MAX_FRAMES);
}

static int
map_frames(unsigned int first, unsigned int n)
{
	unsigned int s0, s1;
	int error;

	error = xen_guest->g_map_grant_frames(gnt_table + first * PAGE_SIZE,
	    first, n, false);
	if (error != 0 || gnt_ops->go_version == 1)
		return error;
	s0 = howmany(first * gnt_ops->go_per_frame * sizeof(uint16_t),
	    PAGE_SIZE);
	s1 = howmany((first + n) * gnt_ops->go_per_frame * sizeof(uint16_t),
	    PAGE_SIZE);
	if (s1 == s0)
		return 0;
	return xen_guest->g_map_grant_frames(gnt_status + s0 * PAGE_SIZE,
	    s0, s1 - s0, true);
}

/* Put references [from, to) into the free list.  Lock held. */
static void
list_add_range(uint32_t from, uint32_t to)
{
	uint32_t ref;

	for (ref = MAX(from, (uint32_t)GNT_RESERVED + 1); ref < to; ref++) {
		gnt_next[ref] = gnt_free_head;
		gnt_free_head = ref;
		gnt_nfree++;
	}
}

/* One more frame of references.  Thread context or boot. */
static int
grow(void)
{
	unsigned int nrefs, oldn;
	uint32_t *next, *old;
	int error;

	spin_enter(&gnt_lock);
	if (gnt_frames >= gnt_max_frames) {
		spin_exit(&gnt_lock);
		return ENOSPC;
	}
	nrefs = (gnt_frames + 1) * gnt_ops->go_per_frame;
	spin_exit(&gnt_lock);

	next = kmem_alloc(nrefs * sizeof(*next), KM_NOSLEEP);
	if (next == NULL)
		return ENOMEM;
	spin_enter(&gnt_lock);
	/* Somebody else, or a resume with another version, was faster. */
	error = nrefs == (gnt_frames + 1) * gnt_ops->go_per_frame ?
	    map_frames(gnt_frames, 1) : EAGAIN;
	if (error != 0) {
		spin_exit(&gnt_lock);
		kmem_free(next, nrefs * sizeof(*next));
		return error == EAGAIN ? 0 : error;
	}
	old = gnt_next;
	oldn = gnt_nrefs;
	if (old != NULL)
		memcpy(next, old, oldn * sizeof(*next));
	gnt_next = next;
	gnt_nrefs = nrefs;
	gnt_frames++;
	list_add_range(oldn, nrefs);
	spin_exit(&gnt_lock);
	if (old != NULL)
		kmem_free(old, oldn * sizeof(*old));
	return 0;
}

static void retry_deferred(void *);

int
gnttab_init(void)
{
	gnt_table = uvm_km_alloc(ptoa(GNT_MAX_FRAMES), UVM_KM_VAONLY);
	gnt_status = uvm_km_alloc(ptoa(GNT_STATUS_FRAMES), UVM_KM_VAONLY);
	if (gnt_table == 0 || gnt_status == 0)
		return ENOMEM;
	choose_version();
	gnt_max_frames = query_max_frames();
	callout_init(&gnt_retry, retry_deferred, NULL);
	return grow();
}

unsigned int
gnttab_version(void)
{
	return gnt_ops->go_version;
}

/* ---- references ---- */

static bool
take(gref_t *refs, unsigned int n)
{
	unsigned int i;
	bool ok;

	spin_enter(&gnt_lock);
	ok = gnt_nfree >= n;
	for (i = 0; ok && i < n; i++) {
		refs[i] = MKGREF(gnt_free_head);
		gnt_free_head = gnt_next[gnt_free_head];
		gnt_nfree--;
	}
	spin_exit(&gnt_lock);
	return ok;
}

int
gnttab_alloc(gref_t *refs, unsigned int n)
{
	int error;

	while (!take(refs, n)) {
		error = grow();
		if (error != 0)
			return error;
	}
	return 0;
}

void
gnttab_free(gref_t ref)
{
	spin_enter(&gnt_lock);
	KASSERT(ref.gref > GNT_RESERVED && ref.gref < gnt_nrefs);
	gnt_next[ref.gref] = gnt_free_head;
	gnt_free_head = ref.gref;
	gnt_nfree++;
	spin_exit(&gnt_lock);
}

void
gnttab_grant(gref_t ref, xdomid_t dom, pfn_t pfn, bool readonly)
{
	KASSERT(ref.gref > GNT_RESERVED && ref.gref < gnt_nrefs);
	gnt_ops->go_grant(ref.gref, dom.domid,
	    xen_guest->g_pfn_to_mfn(pfn).mfn,
	    GTF_permit_access | (readonly ? GTF_readonly : 0));
}

int
gnttab_grant_page(xdomid_t dom, struct vm_page *pg, bool readonly, gref_t *ref)
{
	int error;

	error = gnttab_alloc(ref, 1);
	if (error == 0)
		gnttab_grant(*ref, dom, MKPFN(VM_PAGE_TO_PFN(pg)), readonly);
	return error;
}

bool
gnttab_end(gref_t ref)
{
	KASSERT(ref.gref > GNT_RESERVED && ref.gref < gnt_nrefs);
	return gnt_ops->go_end(ref.gref);
}

static void
defer(gref_t ref, struct vm_page *pg)
{
	struct deferred *d;

	d = kmem_alloc(sizeof(*d), KM_NOSLEEP);
	if (d == NULL) {
		printf("gnttab: reference %u lost: peer keeps it, no memory\n",
		    ref.gref);
		return;
	}
	d->d_ref = ref;
	d->d_page = pg;
	spin_enter(&gnt_lock);
	LIST_INSERT_HEAD(&gnt_deferred, d, d_link);
	spin_exit(&gnt_lock);
	callout_schedule(&gnt_retry, nanouptime() + GNT_RETRY);
}

void
gnttab_end_free(gref_t ref, struct vm_page *pg)
{
	if (!gnttab_end(ref)) {
		defer(ref, pg);
		return;
	}
	gnttab_free(ref);
	if (pg != NULL)
		uvm_pagefree(pg);
}

/* Take the first deferred entry that has ended (or any, with force). */
static struct deferred *
deferred_take(bool force)
{
	struct deferred *d;

	spin_enter(&gnt_lock);
	LIST_FOREACH(d, &gnt_deferred, d_link)
		if (force || gnttab_end(d->d_ref)) {
			LIST_REMOVE(d, d_link);
			break;
		}
	spin_exit(&gnt_lock);
	return d;
}

static void
free_deferred(bool force)
{
	struct deferred *d;

	while ((d = deferred_take(force)) != NULL) {
		gnttab_free(d->d_ref);
		if (d->d_page != NULL)
			uvm_pagefree(d->d_page);
		kmem_free(d, sizeof(*d));
	}
}

static void
retry_deferred(void *arg __unused)
{
	free_deferred(false);
	if (!LIST_EMPTY(&gnt_deferred))
		callout_schedule(&gnt_retry, nanouptime() + GNT_RETRY);
}

/* ---- suspend ---- */

void
gnttab_suspend(void)
{
	/* The guest type unmaps the frames: they are not ours to save. */
	xen_guest->g_unmap_grant_frames(gnt_table, gnt_frames);
	if (gnt_ops->go_version == 2)
		xen_guest->g_unmap_grant_frames(gnt_status,
		    howmany(gnt_nrefs * sizeof(uint16_t), PAGE_SIZE));
}

int
gnttab_resume(bool newdomain)
{
	unsigned int need;

	if (newdomain) {
		choose_version();
		gnt_max_frames = query_max_frames();
		need = howmany(gnt_nrefs, gnt_ops->go_per_frame);
		if (need > gnt_max_frames)
			return ENOSPC;
		/*
		 * A frame of version 1 holds more: references beyond the old
		 * count stay unused until grow() adds the next frame.
		 */
		gnt_frames = need;
	}
	return map_frames(0, gnt_frames);
}

void
gnttab_resume_late(bool newdomain)
{
	if (newdomain)
		free_deferred(true);
}
