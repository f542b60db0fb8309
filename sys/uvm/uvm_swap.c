/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Swap: where on disks the pages of anons are, and their way there and back.
 *
 * Overview: an area is a row of page-sized places, on a disk or in a file whose
 * blocks were looked up once.  For each place the area knows the anon that has
 * it, and the anon its place, so that pages can be found from both sides: by a
 * fault, by read-ahead (the next places hold what was next in memory), and
 * when the area is to be given up.  A place belongs to one anon, however many
 * owners that one has.
 *
 * States of an anon	an_page	an_slot	its place
 *	in memory	page	0	-
 *	on its way	NULL	set	BUSY; the page is with the transfer
 *	in swap		NULL	set	not BUSY
 *	both		page	set	not BUSY; same content
 *	pinned		page	PINNED	-
 *
 * An anon that ends while its place is BUSY leaves the place without an owner;
 * who does the transfer cleans up.  Somebody who needs a page that is on its
 * way out says WANTED and gets it back when it is written.
 *
 * Memory: writing needs none.  There is one batch, with everything in it; one
 * thread at a time has it.  Reading needs the page and some stack.
 *
 * Errors: a page that cannot be read is a SIGBUS for who needs it.  One that
 * cannot be written stays in memory, and the area gets no more.
 *
 * Locking: swap_lock (spin) for areas, places and an_slot; batch_lock for the
 * batch.  An area is not freed while a place of it is taken.
 *
 * Suspend: nothing to do; disks replay what was under way.
 */
#include <sys/bitops.h>
#include <sys/condvar.h>
#include <sys/disk.h>
#include <sys/time.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

#define	AREA_SHIFT	27		/* log2(SWAP_MAXPAGES) */
#define	AHEAD		16		/* pages read at once; a power of two */
#define	SPREAD		64		/* places in one area of several */
#define	OFF_TRIES	20		/* times 50 ms without memory */
#define	PAGE_SECTORS	(PAGE_SIZE >> SECTOR_SHIFT)

/* A place's owner: the anon, and in the low bits: */
#define	OWN_BUSY	1UL		/* a transfer is under way */
#define	OWN_WANTED	2UL		/* and somebody waits for its end */
#define	OWN_FLAGS	3UL

struct swap_area {
	TAILQ_ENTRY(swap_area) sw_link;	/* [s] by priority */
	struct disk	*sw_disk;	/* [I] */
	struct swap_extent *sw_extents;	/* [I] */
	unsigned int	sw_nextents, sw_maxextents;	/* [I] */
	unsigned int	sw_index;	/* [I] in areas[] */
	uint32_t	sw_npages;	/* [I] */
	int		sw_prio;	/* [I] */
	size_t		sw_usable, sw_used;	/* [s] */
	size_t		sw_next;	/* [s] the next place to give out */
	bool		sw_off;		/* [s] no more are given out */
	bool		sw_failed;	/* [s] the same: writing failed */
	bool		sw_told;	/* [s] reading failed */
	unsigned long	*sw_map;	/* [s] places taken or not usable */
	uintptr_t	*sw_owner;	/* [s] */
};

/* A page on its way out. */
struct out {
	struct vm_anon	*o_anon;	/* only compared with the owner */
	struct vm_page	*o_page;
	uint32_t	o_slot;
	bool		o_clean;	/* it is there already */
	struct bio	*o_bio;
};

struct swap_batch {
	struct out	sb_out[SWAP_BATCH];
	unsigned int	sb_n;
	struct bio	sb_bios[SWAP_BATCH];
	struct bio_seg	sb_segs[SWAP_BATCH];
	unsigned int	sb_left;	/* [s] transfers under way */
};

/* Pages on their way in. */
struct in {
	struct swap_area *i_area;
	uint32_t	i_first;	/* place */
	unsigned int	i_n;
	struct vm_page	*i_page[AHEAD];
	struct bio	i_bio;
	struct bio_seg	i_segs[AHEAD];
};

static struct spinlock swap_lock = SPINLOCK_INITIALIZER("uvm_swap");
static struct condvar swap_cv;		/* transfers have ended */
static struct mutex batch_lock;
static struct swap_batch batch;		/* [batch_lock] */
static struct swap_area *areas[SWAP_AREAS + 1];	/* [s] 0 is not used */
static TAILQ_HEAD(, swap_area) area_list =
    TAILQ_HEAD_INITIALIZER(area_list);		/* [s] */

void
uvm_swap_sysinit(void)
{
	cv_init(&swap_cv, "swap");
	mutex_init(&batch_lock, "uvm_swapbatch");
}

/* -- places; swap_lock held -- */

static inline uint32_t
slot_make(const struct swap_area *sw, size_t page)
{
	return (uint32_t)sw->sw_index << AREA_SHIFT | (uint32_t)page;
}

/* The area of a place that somebody has. */
static inline struct swap_area *
slot_area(uint32_t slot)
{
	return areas[slot >> AREA_SHIFT];
}

static inline uintptr_t *
slot_owner(uint32_t slot)
{
	return &slot_area(slot)->sw_owner[slot & (SWAP_MAXPAGES - 1)];
}

static inline struct vm_anon *
owner_anon(uintptr_t owner)
{
	return (struct vm_anon *)(owner & ~OWN_FLAGS);
}

static void
slot_free(uint32_t slot)
{
	struct swap_area *sw = slot_area(slot);

	*slot_owner(slot) = 0;
	bit_clear(sw->sw_map, slot & (SWAP_MAXPAGES - 1));
	sw->sw_used--;
	if (!sw->sw_off)
		uvmexp.swused--;
}

/* A free place of an area that has one. */
static size_t
area_find(struct swap_area *sw)
{
	size_t page = bit_find_clear(sw->sw_map, sw->sw_npages, sw->sw_next);

	if (page >= sw->sw_npages)
		page = bit_find_clear(sw->sw_map, sw->sw_npages, 0);
	KASSERT(page < sw->sw_npages);
	return page;
}

/* Areas of one priority take turns, with runs of places. */
static void
area_turn(struct swap_area *sw)
{
	struct swap_area *last = sw, *next;

	while ((next = TAILQ_NEXT(last, sw_link)) != NULL &&
	    next->sw_prio == sw->sw_prio)
		last = next;
	if (last == sw)
		return;
	TAILQ_REMOVE(&area_list, sw, sw_link);
	TAILQ_INSERT_AFTER(&area_list, last, sw, sw_link);
}

/* The area whose turn it is; NULL: swap is full. */
static struct swap_area *
area_choose(void)
{
	struct swap_area *sw;

	TAILQ_FOREACH(sw, &area_list, sw_link)
		if (sw->sw_used < sw->sw_usable && !sw->sw_off &&
		    !sw->sw_failed)
			break;
	return sw;
}

/* A place for an anon that has none, BUSY.  False: swap is full. */
static bool
slot_alloc(struct vm_anon *an)
{
	struct swap_area *sw = area_choose();
	size_t page;

	if (sw == NULL)
		return false;
	page = area_find(sw);
	bit_set(sw->sw_map, page);
	sw->sw_used++;
	uvmexp.swused++;
	sw->sw_next = page + 1;
	sw->sw_owner[page] = (uintptr_t)an | OWN_BUSY;
	an->an_slot = slot_make(sw, page);
	if (sw->sw_next % SPREAD == 0)
		area_turn(sw);
	return true;
}

/* The anon has its place no more. */
static void
slot_release(struct vm_anon *an)
{
	uint32_t slot = an->an_slot;
	uintptr_t *owner = slot_owner(slot);

	if ((*owner & OWN_BUSY) != 0)
		*owner &= OWN_FLAGS;
	else
		slot_free(slot);
	atomic_store_release(&an->an_slot, 0);
}

void
uvm_swap_drop_slow(struct vm_anon *an)
{
	spin_enter(&swap_lock);
	if (an->an_slot == SWAP_PINNED)
		an->an_slot = 0;
	else if (an->an_slot != 0)
		slot_release(an);
	spin_exit(&swap_lock);
}

void
uvm_swap_pin(struct vm_anon *an)
{
	spin_enter(&swap_lock);
	if (an->an_page != NULL) {
		if (an->an_slot != 0 && an->an_slot != SWAP_PINNED)
			slot_release(an);
		an->an_slot = SWAP_PINNED;
	}
	spin_exit(&swap_lock);
}

/* -- where places are -- */

/* The extent of a page, or NULL. */
static const struct swap_extent *
extent_of(const struct swap_area *sw, uint32_t page)
{
	unsigned int lo = 0, hi = sw->sw_nextents, mid;
	const struct swap_extent *se;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		se = &sw->sw_extents[mid];
		if (page < se->se_page)
			hi = mid;
		else if (page - se->se_page >= se->se_npages)
			lo = mid + 1;
		else
			return se;
	}
	return NULL;
}

static uint64_t
page_sector(const struct swap_area *sw, uint32_t page)
{
	const struct swap_extent *se = extent_of(sw, page);

	KASSERT(se != NULL);
	return se->se_sector + (uint64_t)(page - se->se_page) * PAGE_SECTORS;
}

/* -- in -- */

/* Can the place be read along with its neighbour?  swap_lock held. */
static bool
ahead_ok(const struct swap_area *sw, uint32_t page, uint32_t next)
{
	uintptr_t owner = sw->sw_owner[page];

	return owner_anon(owner) != NULL && (owner & OWN_BUSY) == 0 &&
	    owner_anon(owner)->an_page == NULL &&
	    extent_of(sw, page) == extent_of(sw, next);
}

/*
 * Make a transfer of the place, and of those around it while memory is not
 * short; all are BUSY.  swap_lock held.
 */
static int
in_gather(struct in *in, struct swap_area *sw, uint32_t page, bool alone)
{
	uint32_t start = rounddown2(page, AHEAD), first = page, next = page + 1;
	bool plenty = !alone && uvm_page_enough(4 * AHEAD);
	struct vm_page *pg;

	while (plenty && first > start && ahead_ok(sw, first - 1, page))
		first--;
	while (plenty && next < MIN(start + AHEAD, sw->sw_npages) &&
	    ahead_ok(sw, next, page))
		next++;
	in->i_area = sw;
	in->i_first = first;
	for (in->i_n = 0; in->i_n < next - first; in->i_n++) {
		pg = uvm_pagealloc(UVM_PGA_NOSLEEP);
		if (pg == NULL)
			break;
		in->i_page[in->i_n] = pg;
	}
	/* All or one. */
	while (in->i_n > 1 && in->i_n < next - first)
		uvm_pagefree(in->i_page[--in->i_n]);
	if (in->i_n == 0)
		return ENOMEM;
	if (in->i_n < next - first)
		in->i_first = page;
	for (unsigned int i = 0; i < in->i_n; i++)
		sw->sw_owner[in->i_first + i] |= OWN_BUSY;
	return 0;
}

/* One place has been read.  The page is used, or given back. swap_lock held. */
static void
in_finish_one(struct swap_area *sw, uint32_t page, struct vm_page *pg,
    int error)
{
	uint32_t slot = slot_make(sw, page);
	struct vm_anon *an = owner_anon(sw->sw_owner[page]);

	sw->sw_owner[page] &= ~OWN_FLAGS;
	if (an == NULL) {
		slot_free(slot);
		uvm_pagefree(pg);
		return;
	}
	if (error != 0) {
		uvm_pagefree(pg);
		return;
	}
	pg->pg_anon = an;
	uvmexp.swapins++;
	(void)atomic_add(&uvmexp.anon, 1);
	atomic_store_release(&an->an_page, pg);
	/* A copy there saves writing it again; but not when places are few. */
	if (sw->sw_off || uvmexp.swused > uvmexp.swtotal / 2)
		slot_release(an);
}

static void
in_finish(struct in *in, uint32_t page)
{
	int error = in->i_bio.b_error;
	struct swap_area *sw = in->i_area;

	spin_enter(&swap_lock);
	for (unsigned int i = 0; i < in->i_n; i++) {
		/* Not to be taken for unused before it was ever mapped. */
		if (in->i_first + i == page)
			in->i_page[i]->pg_flags |= PG_REFERENCED;
		in_finish_one(sw, in->i_first + i, in->i_page[i], error);
	}
	if (error != 0 && in->i_n == 1 && !sw->sw_told) {
		sw->sw_told = true;
		printf("uvm: swap on %s: page %u cannot be read, error %d\n",
		    sw->sw_disk->d_name, page, error);
	}
	spin_exit(&swap_lock);
	cv_broadcast(&swap_cv);
}

static void
in_read(struct in *in)
{
	bio_init(&in->i_bio, in->i_area->sw_disk, BIO_READ, BIO_SYNC,
	    page_sector(in->i_area, in->i_first), in->i_segs, AHEAD);
	for (unsigned int i = 0; i < in->i_n; i++)
		if (!bio_add(&in->i_bio, in->i_page[i], 0, PAGE_SIZE))
			panic("uvm: a page too many to be read");
	in->i_bio.b_error = bio_wait(&in->i_bio);
}

/* The first step of uvm_swap_in(); EALREADY: nothing is to be read. */
static int
in_begin(struct in *in, uint32_t slot, bool alone)
{
	struct swap_area *sw;
	struct vm_anon *an;
	uint32_t page = slot & (SWAP_MAXPAGES - 1);
	int error = EALREADY;

	spin_enter(&swap_lock);
	sw = slot >> AREA_SHIFT > SWAP_AREAS ? NULL : slot_area(slot);
	if (sw == NULL || page >= sw->sw_npages)
		goto out;
	if ((sw->sw_owner[page] & OWN_BUSY) != 0) {
		sw->sw_owner[page] |= OWN_WANTED;
		cv_wait_spin(&swap_cv, &swap_lock);
		goto out;
	}
	an = owner_anon(sw->sw_owner[page]);
	if (an != NULL && an->an_page == NULL)
		error = in_gather(in, sw, page, alone);
out:
	spin_exit(&swap_lock);
	return error;
}

int
uvm_swap_in(uint32_t slot)
{
	uint32_t page = slot & (SWAP_MAXPAGES - 1);
	bool alone = false;
	struct in in;
	int error;

	for (;;) {
		error = in_begin(&in, slot, alone);
		if (error != 0)
			return error == EALREADY ? 0 : error;
		in_read(&in);
		error = in.i_bio.b_error == 0 ? 0 : EIO;
		in_finish(&in, page);
		/* It may have been a neighbour's fault. */
		if (error == 0 || in.i_n == 1)
			return error;
		alone = true;
	}
}

/* -- out -- */

bool
uvm_swap_full(void)
{
	bool full;

	spin_enter(&swap_lock);
	full = area_choose() == NULL;
	spin_exit(&swap_lock);
	return full;
}

struct swap_batch *
uvm_swap_begin(void)
{
	if (atomic_load_relaxed(&uvmexp.swtotal) == 0)
		return NULL;
	mutex_enter(&batch_lock);
	return &batch;
}

void
uvm_swap_end(struct swap_batch *sb)
{
	KASSERT(sb->sb_n == 0);
	mutex_exit(&batch_lock);
}

unsigned int
uvm_swap_room(const struct swap_batch *sb)
{
	return SWAP_BATCH - sb->sb_n;
}

struct vm_page *
uvm_swap_take(struct swap_batch *sb, struct vm_anon *an)
{
	struct out *o = &sb->sb_out[sb->sb_n];

	if (sb->sb_n == SWAP_BATCH)
		return NULL;
	spin_enter(&swap_lock);
	if (an->an_slot == SWAP_PINNED)
		an->an_slot = 0;
	o->o_clean = an->an_slot != 0;
	if (o->o_clean)
		*slot_owner(an->an_slot) |= OWN_BUSY;
	else if (!slot_alloc(an)) {
		spin_exit(&swap_lock);
		return NULL;
	}
	o->o_slot = an->an_slot;
	o->o_anon = an;
	o->o_page = an->an_page;
	o->o_bio = NULL;
	atomic_store(&an->an_page, NULL);
	spin_exit(&swap_lock);
	sb->sb_n++;
	return o->o_page;
}

static void
out_done(struct bio *b)
{
	struct swap_batch *sb = b->b_arg;

	spin_enter(&swap_lock);
	if (--sb->sb_left == 0)
		cv_broadcast(&swap_cv);
	spin_exit(&swap_lock);
}

/* Transfers of pages whose places follow each other; how many. */
static unsigned int
out_prepare(struct swap_batch *sb)
{
	struct bio_seg *seg = sb->sb_segs;
	struct swap_area *sw;
	struct bio *b = NULL;
	unsigned int n = 0;
	uint64_t sector, end = 0;

	for (struct out *o = sb->sb_out; o < &sb->sb_out[sb->sb_n]; o++) {
		if (o->o_clean)
			continue;
		sw = slot_area(o->o_slot);
		sector = page_sector(sw, o->o_slot & (SWAP_MAXPAGES - 1));
		if (b == NULL || b->b_disk != sw->sw_disk || sector != end) {
			b = &sb->sb_bios[n++];
			bio_init(b, sw->sw_disk, BIO_WRITE, BIO_SYNC, sector,
			    seg, (unsigned int)(&sb->sb_segs[SWAP_BATCH] -
			    seg));
			b->b_done = out_done;
			b->b_arg = sb;
		}
		if (!bio_add(b, o->o_page, 0, PAGE_SIZE))
			panic("uvm: a page too many to be written");
		seg++;
		end = sector + PAGE_SECTORS;
		o->o_bio = b;
	}
	return n;
}

/* One page is there.  True: it is free now.  swap_lock held. */
static bool
out_finish_one(struct out *o)
{
	uintptr_t *owner = slot_owner(o->o_slot), old = *owner;
	int error = o->o_bio == NULL ? 0 : o->o_bio->b_error;
	struct vm_anon *an = owner_anon(old);

	*owner &= ~OWN_FLAGS;
	if (error != 0 && !slot_area(o->o_slot)->sw_failed) {
		slot_area(o->o_slot)->sw_failed = true;
		printf("uvm: swap on %s: write failed, error %d: it gets no "
		    "more pages\n", slot_area(o->o_slot)->sw_disk->d_name,
		    error);
	}
	if (an == NULL) {
		slot_free(o->o_slot);
		return true;
	}
	KASSERT(an == o->o_anon && an->an_page == NULL);
	if (error == 0 && (old & OWN_WANTED) == 0)
		return true;
	/* The last that is done to an anon whose place is released. */
	atomic_store_release(&an->an_page, o->o_page);
	if (error != 0)
		slot_release(an);
	return false;
}

size_t
uvm_swap_write(struct swap_batch *sb)
{
	struct vm_page *tofree[SWAP_BATCH];
	unsigned int n = out_prepare(sb), nfree = 0, i;

	sb->sb_left = n;
	for (i = 0; i < n; i++)
		bio_submit(&sb->sb_bios[i]);
	spin_enter(&swap_lock);
	while (sb->sb_left != 0)
		cv_wait_spin(&swap_cv, &swap_lock);
	for (i = 0; i < sb->sb_n; i++) {
		uvmexp.swapouts += !sb->sb_out[i].o_clean;
		if (out_finish_one(&sb->sb_out[i]))
			tofree[nfree++] = sb->sb_out[i].o_page;
	}
	spin_exit(&swap_lock);
	cv_broadcast(&swap_cv);
	(void)atomic_sub(&uvmexp.anon, nfree);
	(void)atomic_add(&uvm_reclaimed, nfree);
	for (i = 0; i < nfree; i++) {
		tofree[i]->pg_anon = NULL;
		uvm_pagefree(tofree[i]);
	}
	sb->sb_n = 0;
	return nfree;
}

/* -- areas -- */

static size_t
map_bytes(uint32_t npages)
{
	return howmany(npages, BITMAP_WORD_BITS) * sizeof(unsigned long);
}

static void
area_free(struct swap_area *sw)
{
	if (sw->sw_owner != NULL)
		kmem_free(sw->sw_owner, sw->sw_npages * sizeof(uintptr_t));
	if (sw->sw_map != NULL)
		kmem_free(sw->sw_map, map_bytes(sw->sw_npages));
	kmem_free(sw->sw_extents,
	    sw->sw_maxextents * sizeof(struct swap_extent));
	kmem_free(sw, sizeof(*sw));
}

int
uvm_swap_add(const struct swap_args *sa, struct swap_area **res)
{
	struct swap_area *sw = kmem_zalloc(sizeof(*sw), KM_SLEEP);
	const struct swap_extent *se;

	if (sw == NULL)
		return ENOMEM;
	sw->sw_disk = sa->sa_disk;
	sw->sw_npages = MIN(sa->sa_npages, SWAP_MAXPAGES);
	sw->sw_prio = sa->sa_prio;
	sw->sw_map = kmem_alloc(map_bytes(sw->sw_npages), KM_SLEEP);
	sw->sw_owner = kmem_zalloc(sw->sw_npages * sizeof(uintptr_t),
	    KM_SLEEP);
	if (sw->sw_map == NULL || sw->sw_owner == NULL) {
		sw->sw_extents = NULL;
		area_free(sw);
		return ENOMEM;
	}
	memset(sw->sw_map, 0xff, map_bytes(sw->sw_npages));
	sw->sw_extents = sa->sa_extents;
	sw->sw_nextents = sa->sa_nextents;
	sw->sw_maxextents = sa->sa_maxextents;
	for (se = sa->sa_extents; se < &sa->sa_extents[sa->sa_nextents]; se++)
		for (uint32_t i = 0; i < se->se_npages &&
		    se->se_page + i < sw->sw_npages; i++) {
			bit_clear(sw->sw_map, se->se_page + i);
			sw->sw_usable++;
		}
	uvm_swap_bad_page(sw, 0);
	*res = sw;
	return 0;
}

void
uvm_swap_bad_page(struct swap_area *sw, uint32_t page)
{
	if (page >= sw->sw_npages || bit_test(sw->sw_map, page))
		return;
	bit_set(sw->sw_map, page);
	sw->sw_usable--;
}

void
uvm_swap_discard(struct swap_area *sw)
{
	area_free(sw);
}

int
uvm_swap_enable(struct swap_area *sw)
{
	struct swap_area *after;
	unsigned int i;

	spin_enter(&swap_lock);
	for (i = 1; i <= SWAP_AREAS && areas[i] != NULL; i++)
		continue;
	if (i > SWAP_AREAS) {
		spin_exit(&swap_lock);
		return EPERM;
	}
	areas[i] = sw;
	sw->sw_index = i;
	TAILQ_FOREACH(after, &area_list, sw_link)
		if (after->sw_prio < sw->sw_prio)
			break;
	if (after != NULL)
		TAILQ_INSERT_BEFORE(after, sw, sw_link);
	else
		TAILQ_INSERT_TAIL(&area_list, sw, sw_link);
	uvmexp.swtotal += sw->sw_usable;
	spin_exit(&swap_lock);
	return 0;
}

void
uvm_swap_usage(const struct swap_area *sw, size_t *total, size_t *used)
{
	spin_enter(&swap_lock);
	*total = sw->sw_usable;
	*used = sw->sw_used;
	spin_exit(&swap_lock);
}

/* -- giving an area up -- */

/* No, or no more, places of it count.  swap_lock held. */
static void
area_switch(struct swap_area *sw, bool off)
{
	sw->sw_off = off;
	if (off) {
		uvmexp.swtotal -= sw->sw_usable;
		uvmexp.swused -= sw->sw_used;
	} else {
		uvmexp.swtotal += sw->sw_usable;
		uvmexp.swused += sw->sw_used;
	}
}

/*
 * Is there room elsewhere for what it holds?  What follows would else end with
 * processes being killed.
 */
static bool
area_fits(const struct swap_area *sw)
{
	return sw->sw_used <= uvmexp.free + uvmexp.active + uvmexp.inactive +
	    (uvmexp.swtotal - uvmexp.swused);
}

/* The page that has that place leaves it, or EALREADY: it must be read. */
static int
leave_place(struct swap_area *sw, uint32_t page)
{
	uintptr_t *owner = &sw->sw_owner[page];
	int error = 0;

	spin_enter(&swap_lock);
	while ((*owner & OWN_BUSY) != 0) {
		*owner |= OWN_WANTED;
		cv_wait_spin(&swap_cv, &swap_lock);
	}
	if (*owner != 0) {
		if (owner_anon(*owner)->an_page != NULL)
			slot_release(owner_anon(*owner));
		else
			error = EALREADY;
	}
	spin_exit(&swap_lock);
	return error;
}

static int
bring_back(struct swap_area *sw, uint32_t page)
{
	unsigned int tries = 0;
	int error;

	while (leave_place(sw, page) != 0) {
		if (sig_pending(curlwp))
			return EINTR;
		error = uvm_swap_in(slot_make(sw, page));
		if (error == ENOMEM && ++tries <= OFF_TRIES) {
			uvm_pdaemon_kick();
			(void)kpause("swapoff", false, nanouptime() +
			    50 * NSEC_PER_MSEC);
		} else if (error != 0) {
			return error;
		}
	}
	return 0;
}

int
uvm_swap_remove(struct swap_area *sw)
{
	uint32_t page;
	int error;

	spin_enter(&swap_lock);
	area_switch(sw, true);
	error = area_fits(sw) ? 0 : ENOMEM;
	spin_exit(&swap_lock);
	for (page = 1; page < sw->sw_npages && error == 0; page++)
		error = bring_back(sw, page);
	spin_enter(&swap_lock);
	KASSERT(error != 0 || sw->sw_used == 0);
	if (error != 0) {
		area_switch(sw, false);
	} else {
		TAILQ_REMOVE(&area_list, sw, sw_link);
		areas[sw->sw_index] = NULL;
	}
	spin_exit(&swap_lock);
	if (error == 0)
		area_free(sw);
	return error;
}
