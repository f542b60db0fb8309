/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon: the domain's memory follows memory/target in the store.
 *
 * Overview: one thread compares what we own with the target and moves pages in
 * batches.  Out: free pages are taken from the allocator, scrubbed unless they
 * were never used, and given to Xen (by the guest type).  In: frames that were
 * given away are asked for again; when all are back and the target is higher
 * still, the domain grows into frames it never had: those that came later than
 * the boot (physmem), then any above the memory map.  How far is for the target
 * and Xen to say.  Partial results are normal: the rest is tried again, less
 * and less often.
 *
 * Processes keep what they need: pages go out only while there is more free
 * than the page daemon is content with; caches are shrunk to get there.
 *
 * Memory pressure: when the allocator runs short, uvm_lowmem_hook says how many
 * pages more it wants, and the thread takes that many back beyond the target,
 * as far as Xen allows, before a process must be killed; the target counts
 * again after a while.
 *
 * Locking: balloon_lock (mutex) is held over each batch, then balloon_spin
 * around each change of the counters: [ml] is written with both and read with
 * either, [m] and [l] belong to one.
 *
 * Suspend: the lock is held from balloon_suspend() to balloon_resume(), so the
 * frame lists do not change under the save.  In a new domain the target watch
 * fires again.
 *
 * Untrusted input: the store's target is a number or ignored; any number will
 * do, as the bounds are our own needs and what Xen gives.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/physmem.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>
#include <xen/guest.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>

#define	BATCH		256U
/* Free pages that stay, whatever the target: processes want to live. */
#define	FLOOR		512U
#define	SHRINK_MAX	4096U		/* pages asked of the caches at once */
#define	RETRY_MIN	(100 * NSEC_PER_MSEC)
#define	RETRY_MAX	(30 * NSEC_PER_SEC)
#define	PRESSURE_TIME	(10 * NSEC_PER_SEC)

static struct mutex balloon_lock;
static struct spinlock balloon_spin = SPINLOCK_INITIALIZER("balloon_want");
static struct condvar balloon_cv;
static TAILQ_HEAD(, vm_page) balloon_out =
    TAILQ_HEAD_INITIALIZER(balloon_out);	/* [m] given to Xen */
static size_t balloon_nout;			/* [ml] */
static size_t balloon_current;			/* [ml] pages we own */
static uintptr_t balloon_grown;		/* [m] new frames: above this */
static size_t balloon_target;			/* [l] 0: not told yet */
static size_t balloon_wanted;			/* [l] under pressure, or 0 */
static nsec_t balloon_wanted_end;		/* [l] */
static bool balloon_wake;			/* [l] */
static struct xs_watch balloon_watch;
static pfn_t balloon_pfns[BATCH];		/* [m] */
static struct vm_page *balloon_pages[BATCH];	/* [m] */

/* ---- one batch; each returns pages moved ---- */

/* n pages have come in (or, negative, gone out). */
static void
moved_in(ssize_t n)
{
	spin_enter(&balloon_spin);
	balloon_nout -= (size_t)n;
	balloon_current += (size_t)n;
	spin_exit(&balloon_spin);
}

/* Does the allocator have more than it needs?  The page daemon wants 4. */
static bool
can_spare(void)
{
	size_t keep = MAX(uvmexp.reserve + FLOOR, 4 * uvmexp.reserve);

	return uvmexp.free > keep;
}

static size_t
inflate(size_t want)
{
	struct vm_page *pg;
	unsigned int i, n, done = 0;

	for (n = 0; n < MIN(want, (size_t)BATCH) && can_spare(); n++) {
		pg = uvm_balloon_take();
		if (pg == NULL)
			break;
		if ((pg->pg_flags & PG_FRESH) == 0)
			pmap_zero_page(pg);
		balloon_pages[n] = pg;
		balloon_pfns[n] = MKPFN(VM_PAGE_TO_PFN(pg));
	}
	if (n > 0)
		(void)xen_guest->g_balloon_out(balloon_pfns, n, &done);
	for (i = 0; i < n; i++) {
		if (i < done)
			TAILQ_INSERT_HEAD(&balloon_out, balloon_pages[i],
			    pg_list);
		else
			uvm_balloon_return(balloon_pages[i]);
	}
	moved_in(-(ssize_t)done);
	return done;
}

static size_t
deflate(size_t want)
{
	struct vm_page *pg;
	unsigned int i, n = 0, done = 0;

	TAILQ_FOREACH(pg, &balloon_out, pg_list) {
		if (n == MIN(want, (size_t)BATCH))
			break;
		balloon_pages[n] = pg;
		balloon_pfns[n++] = MKPFN(VM_PAGE_TO_PFN(pg));
	}
	if (n > 0)
		(void)xen_guest->g_balloon_in(balloon_pfns, n, &done);
	for (i = 0; i < done; i++) {
		TAILQ_REMOVE(&balloon_out, balloon_pages[i], pg_list);
		uvm_balloon_return(balloon_pages[i]);
	}
	moved_in((ssize_t)done);
	return done;
}

/* The lowest frames the domain never had. */
static void
next_frames(uintptr_t *start, uintptr_t *end)
{
	const struct phys_range *r;
	unsigned int i;

	for (i = 0; i < physmem.pm_nlater; i++) {
		r = &physmem.pm_later[i];
		if (balloon_grown < r->pr_end) {
			*start = MAX(balloon_grown, r->pr_start);
			*end = r->pr_end;
			return;
		}
	}
	*start = MAX(balloon_grown, MAX(physmem.pm_max_pfn,
	    xen_guest->g_grow_from.pfn));
	*end = DMAP_FRAMES;
}

/*
 * Frames the domain never had become absent pages: as if they had been
 * ballooned out.  deflate() then asks for them.
 */
static size_t
grow(size_t want)
{
	uintptr_t start, end, pfn;

	next_frames(&start, &end);
	if (start >= end)
		return 0;
	end = MIN(end, start + MIN(want, (size_t)BATCH));
	if (pmap_grow_physmem(start, end) != 0)
		return 0;
	for (pfn = start; pfn < end; pfn++)
		TAILQ_INSERT_TAIL(&balloon_out, VM_PAGE(pfn), pg_list);
	balloon_grown = end;
	spin_enter(&balloon_spin);
	balloon_nout += end - start;
	spin_exit(&balloon_spin);
	return end - start;
}

/* ---- what is to be done ---- */

struct goal {
	size_t	g_pages;	/* be that large; 0: as it is */
	bool	g_grow;		/* into frames we never had, if need be */
	nsec_t	g_until;	/* then look again; 0: it lasts */
};

static void
goal_now(struct goal *g)
{
	spin_enter(&balloon_spin);
	if (balloon_wanted != 0 && nanouptime() >= balloon_wanted_end)
		balloon_wanted = 0;
	g->g_pages = MAX(balloon_target, balloon_wanted);
	g->g_grow = g->g_pages == balloon_target;
	g->g_until = balloon_wanted != 0 ? balloon_wanted_end : 0;
	balloon_wake = false;
	spin_exit(&balloon_spin);
}

/* One batch towards it.  *left: pages still to go, negative: to come. */
static size_t
step(const struct goal *g, ssize_t *left)
{
	size_t moved = 0, want;

	mutex_enter(&balloon_lock);
	if (g->g_pages == 0) {
		;
	} else if (balloon_current > g->g_pages) {
		moved = inflate(balloon_current - g->g_pages);
	} else if (balloon_current < g->g_pages) {
		want = g->g_pages - balloon_current;
		if (balloon_nout > 0 || (g->g_grow && grow(want) > 0))
			moved = deflate(want);
	}
	*left = g->g_pages == 0 ? 0 :
	    (ssize_t)(balloon_current - g->g_pages);
	mutex_exit(&balloon_lock);
	return moved;
}

/* True: woken before the deadline (0: none). */
static bool
balloon_sleep(nsec_t deadline)
{
	bool woken;

	spin_enter(&balloon_spin);
	while (!balloon_wake &&
	    cv_timedwait_spin(&balloon_cv, &balloon_spin, deadline) == 0)
		continue;
	woken = balloon_wake;
	spin_exit(&balloon_spin);
	return woken;
}

static void
balloon_thread(void *arg __unused)
{
	nsec_t retry = RETRY_MIN, until;
	struct goal g;
	ssize_t left;

	for (;;) {
		goal_now(&g);
		if (step(&g, &left) > 0) {
			retry = RETRY_MIN;
			continue;
		}
		if (left > 0)
			(void)uvm_reclaim((size_t)MIN(left,
			    (ssize_t)SHRINK_MAX));
		until = g.g_until;
		if (left != 0) {
			until = nanouptime() + retry;
			if (g.g_until != 0)
				until = MIN(until, g.g_until);
			retry = MIN(retry * 2, RETRY_MAX);
		}
		if (balloon_sleep(until))
			retry = RETRY_MIN;
	}
}

static void
wake_thread(void)
{
	balloon_wake = true;
	cv_signal(&balloon_cv);
}

/*
 * The allocator is short of so many pages.  Any context.  It says so again
 * until it has them: only a larger want is news.
 */
static void
balloon_lowmem(size_t npages)
{
	size_t want;
	nsec_t now;

	spin_enter(&balloon_spin);
	if (balloon_target != 0 && balloon_nout > 0) {
		now = nanouptime();
		want = balloon_current + MIN(npages, balloon_nout);
		if (want > balloon_wanted || now >= balloon_wanted_end)
			wake_thread();
		balloon_wanted = want;
		balloon_wanted_end = now + PRESSURE_TIME;
	}
	spin_exit(&balloon_spin);
}

static void
target_changed(struct xs_watch *xw __unused, const char *path __unused,
    const char *token __unused)
{
	const uint64_t unit = PAGE_SIZE / 1024;
	uint64_t kib;

	if (xs_read_u64(XST_NIL, "memory", "target", &kib) != 0)
		return;			/* not there, or no number: as it is */
	spin_enter(&balloon_spin);
	balloon_target = (size_t)MIN(MAX(kib / unit, 1), DMAP_FRAMES);
	wake_thread();
	spin_exit(&balloon_spin);
}

int
balloon_init(void)
{
	int error;

	mutex_init(&balloon_lock, "balloon");
	cv_init(&balloon_cv, "balloon");
	balloon_current = physmem_ram_pages();
	error = kthread_create("balloon", NULL, balloon_thread, NULL, NULL);
	if (error != 0)
		return error;
	uvm_lowmem_hook = balloon_lowmem;
	balloon_watch.xw_node = kmem_strdup("memory/target", KM_SLEEP);
	if (balloon_watch.xw_node == NULL)
		return ENOMEM;
	balloon_watch.xw_func = target_changed;
	return xs_watch(&balloon_watch);
}

int
balloon_suspend(void)
{
	mutex_enter(&balloon_lock);
	return 0;
}

void
balloon_resume(bool newdomain __unused)
{
	mutex_exit(&balloon_lock);
}
