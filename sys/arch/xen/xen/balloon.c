/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon: the domain's memory follows memory/target in the store.
 *
 * Overview: one thread compares what we own with the target and moves pages in
 * batches.  Out: free pages are taken from the allocator, scrubbed, unmapped
 * and given to Xen (by the guest type).  In: frames that were given away are
 * asked for again; when all are back and the target is higher still, the
 * domain grows into frames it never had, up to its static maximum.  Partial
 * results are normal: the rest is tried again, less and less often.
 *
 * Counting: for PVH, memory/target also counts pages that are not RAM to us
 * (what static-max holds beyond our memory map); that difference is found once
 * and subtracted.  A PVH domain started with memory < maxmem has a map of
 * maxmem that Xen populates on demand: the first target lets the surplus go
 * untouched.
 *
 * Memory pressure: when the allocator runs short, uvm_lowmem_hook asks the
 * thread to deflate beyond the target, as far as Xen allows, before a process
 * must be killed; the target counts again after a while.
 *
 * Locking: balloon_lock (mutex) is held over each batch.
 *
 * Suspend: the lock is held from balloon_suspend() to balloon_resume(), so the
 * frame lists do not change under the save.  In a new domain the target watch
 * fires again.
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
#define	RETRY_MIN	(100 * NSEC_PER_MSEC)
#define	RETRY_MAX	(30 * NSEC_PER_SEC)
#define	PRESSURE_TIME	(10 * NSEC_PER_SEC)

static struct mutex balloon_lock;
static struct spinlock balloon_spin = SPINLOCK_INITIALIZER("balloon_want");
static struct condvar balloon_cv;
static TAILQ_HEAD(, vm_page) balloon_out =
    TAILQ_HEAD_INITIALIZER(balloon_out);	/* [m] given to Xen */
static size_t balloon_nout;			/* [m] */
static size_t balloon_current;			/* [m] pages we own */
static uintptr_t balloon_grown;		/* [m] frames known up to here */
static size_t balloon_target;			/* [l] 0: not told yet */
static size_t balloon_pressure;			/* [l] pages wanted beyond it */
static nsec_t balloon_pressure_end;		/* [l] */
static bool balloon_wake;			/* [l] */
static bool balloon_offset_known;
static size_t balloon_offset;		/* pages of the target, not RAM */
static struct xs_watch balloon_watch;
static pfn_t balloon_pfns[BATCH];		/* [m] */
static struct vm_page *balloon_pages[BATCH];	/* [m] */

/* ---- one batch; each returns pages moved ---- */

static size_t
inflate(size_t want)
{
	unsigned int i, n, done = 0;

	for (n = 0; n < MIN(want, (size_t)BATCH); n++) {
		if (uvmexp.free < uvmexp.reserve + FLOOR)
			break;
		balloon_pages[n] = uvm_balloon_take(UVM_PGA_NOSLEEP);
		if (balloon_pages[n] == NULL)
			break;
		balloon_pfns[n] = MKPFN(VM_PAGE_TO_PFN(balloon_pages[n]));
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
	balloon_nout += done;
	balloon_current -= done;
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
	balloon_nout -= done;
	balloon_current += done;
	return done;
}

/*
 * Frames the domain never had become absent pages: as if they had been
 * ballooned out.  deflate() then asks for them.
 */
static size_t
grow(size_t want)
{
	uintptr_t start = balloon_grown, end, pfn;

	end = MIN(start + MIN(want, (size_t)BATCH), physmem.pm_max_pfn);
	if (start >= end || pmap_grow_physmem(start, end) != 0)
		return 0;
	for (pfn = start; pfn < end; pfn++) {
		TAILQ_INSERT_TAIL(&balloon_out, VM_PAGE(pfn), pg_list);
		balloon_nout++;
	}
	balloon_grown = end;
	return end - start;
}

static size_t
step(size_t target)
{
	size_t want;

	if (balloon_current > target)
		return inflate(balloon_current - target);
	want = target - balloon_current;
	if (balloon_nout == 0 && grow(want) == 0)
		return 0;
	return deflate(want);
}

/* ---- the thread ---- */

static size_t
target_now(void)
{
	size_t t;

	spin_enter(&balloon_spin);
	t = balloon_target;
	if (t != 0 && balloon_pressure != 0) {
		if (nanouptime() < balloon_pressure_end)
			t += balloon_pressure;
		else
			balloon_pressure = 0;
	}
	balloon_wake = false;
	spin_exit(&balloon_spin);
	return t;
}

static void
balloon_sleep(nsec_t deadline)
{
	spin_enter(&balloon_spin);
	while (!balloon_wake &&
	    cv_timedwait_spin(&balloon_cv, &balloon_spin, deadline) == 0)
		;
	spin_exit(&balloon_spin);
}

static void
balloon_thread(void *arg __unused)
{
	nsec_t retry = RETRY_MIN;
	size_t target, moved;
	bool there;

	for (;;) {
		target = target_now();
		mutex_enter(&balloon_lock);
		there = target == 0 || target == balloon_current;
		moved = there ? 0 : step(target);
		mutex_exit(&balloon_lock);
		if (moved > 0) {
			retry = RETRY_MIN;
			continue;
		}
		if (there) {
			/* Pressure lapses by time: look again then. */
			balloon_sleep(balloon_pressure != 0 ?
			    balloon_pressure_end : 0);
			retry = RETRY_MIN;
		} else {
			balloon_sleep(nanouptime() + retry);
			retry = MIN(retry * 2, RETRY_MAX);
		}
	}
}

static void
wake_thread(void)
{
	balloon_wake = true;
	cv_signal(&balloon_cv);
}

/* The allocator is short of memory.  Any context. */
static void
balloon_lowmem(size_t npages)
{
	spin_enter(&balloon_spin);
	if (balloon_target != 0 && balloon_nout > 0) {
		balloon_pressure = MIN(balloon_pressure + npages,
		    balloon_nout + balloon_pressure);
		balloon_pressure_end = nanouptime() + PRESSURE_TIME;
		wake_thread();
	}
	spin_exit(&balloon_spin);
}

static void
find_offset(size_t target)
{
	uint64_t kib;
	size_t max;

	if (balloon_offset_known)
		return;
	balloon_offset_known = true;
	if (!xen_guest->g_auto_translated)
		return;
	if (xs_read_u64(XST_NIL, "memory", "static-max", &kib) == 0)
		max = (size_t)(kib / (PAGE_SIZE / 1024));
	else
		max = target;
	if (max > balloon_current)
		balloon_offset = max - balloon_current;
}

static void
target_changed(struct xs_watch *xw __unused, const char *path __unused,
    const char *token __unused)
{
	uint64_t kib;
	size_t target;

	if (xs_read_u64(XST_NIL, "memory", "target", &kib) != 0)
		return;			/* not there, or no number: as it is */
	target = (size_t)(kib / (PAGE_SIZE / 1024));
	find_offset(target);
	if (target <= balloon_offset)
		return;
	spin_enter(&balloon_spin);
	balloon_target = target - balloon_offset;
	wake_thread();
	spin_exit(&balloon_spin);
}

int
balloon_init(void)
{
	unsigned int i;
	int error;

	mutex_init(&balloon_lock, "balloon");
	cv_init(&balloon_cv, "balloon");
	for (i = 0; i < physmem.pm_nram; i++) {
		balloon_current += physmem.pm_ram[i].pr_end -
		    physmem.pm_ram[i].pr_start;
		balloon_grown = MAX(balloon_grown, physmem.pm_ram[i].pr_end);
	}
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
