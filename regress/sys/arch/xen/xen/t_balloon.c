/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon's thread over a fake Xen that does a part of what it is asked,
 * or nothing, while targets change, the domain is saved, and the store says
 * anything it likes.
 */
/* sources: sys/arch/xen/pvh/pvh_mem.c sys/arch/xen/xen/hypercall.c
 * sys/arch/xen/xen/evtchn.c sys/arch/xen/xen/xs_wire.c
 * sys/arch/x86/x86/physmem.c regress/sys/arch/xen/xen/fake_xen.c
 * sys/uvm/uvm_page.c sys/uvm/uvm_pdaemon.c sys/uvm/uvm_kmem.c
 * sys/uvm/uvm_kmem_debug.c sys/uvm/uvm_km.c sys/uvm/uvm_radix.c
 * sys/uvm/uvm_amap.c
 * sys/uvm/uvm_swap.c sys/uvm/uvm_swapout.c
 * sys/uvm/uvm_map.c sys/uvm/uvm_mmap.c
 * sys/uvm/uvm_madvise.c sys/uvm/uvm_fault.c sys/uvm/uvm_object.c
 * sys/uvm/uvm_aobj.c sys/uvm/uvm_vmspace.c regress/sys/uvm/fake_pmap.c */
/* cflags: -DFAKE_PMAP */
/* variants: gcc64 clang64 */
#include "../../../../../sys/arch/xen/xen/balloon.c"

#include <xen/hypercall.h>
#include <xen/pvh.h>
#include <xen/xs_wire.h>

#include <host.h>
#include <ktest.h>

#include "fake_xen.h"

#define	BOOT	3000U			/* pages the domain starts with */
#define	FRESH	2000U			/* of them from here on never used */
#define	KIB(pages)	((pages) * (PAGE_SIZE / 1024))
#define	OLD	0x5a			/* what memory holds: fake_init() */

static const struct xen_guest guest = {
	.g_auto_translated = true,
	.g_balloon_out = pvh_balloon_out,
	.g_balloon_in = pvh_balloon_in,
	.g_grow_from = { 6000 },
};
const struct xen_guest *xen_guest = &guest;

static char store_target[64];		/* "": no such node */
static bool grow_fails;
static unsigned int untouched;		/* pages that left as they came */
static size_t shrinkable;		/* pages that a cache can give */
static struct vm_page *cached[BOOT];
static uint64_t env[64];
static nsec_t run_end;
static void (*at_sleep)(void);
static uint32_t seed = 1;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* -- what the balloon stands on -- */

int
xs_read_u64(xs_transaction_t tx __unused, const char *dir, const char *node,
    uint64_t *val)
{
	CHECK_STR(dir, "memory");
	CHECK_STR(node, "target");
	return store_target[0] == '\0' ? ENOENT :
	    xs_parse_u64(store_target, val);
}

int
xs_watch(struct xs_watch *xw)
{
	CHECK_STR(xw->xw_node, "memory/target");
	xw->xw_func(xw, xw->xw_node, "");	/* it fires at once */
	return 0;
}

int
kthread_create(const char *name, struct cpu_info *ci __unused,
    void (*fn)(void *), void *arg __unused, struct lwp **lp __unused)
{
	CHECK_STR(name, "balloon");
	CHECK(fn == balloon_thread);
	return 0;
}

int
pmap_grow_physmem(uintptr_t start, uintptr_t end)
{
	CHECK(mutex_owned(&balloon_lock));
	if (grow_fails)
		return ENOMEM;
	for (; start < end; start++) {
		CHECK_EQ(VM_PAGE(start)->pg_flags, 0);
		VM_PAGE(start)->pg_flags = PG_ABSENT;
	}
	return 0;
}

vaddr_t pmap_xenmap_alloc(void) { return 0; }
void pmap_xenmap_free(vaddr_t va __unused) { }

int
pmap_kset(vaddr_t va __unused, const paddr_t *pas __unused,
    paddr_t pa __unused, unsigned int n __unused, uint64_t flags __unused)
{
	return ENOMEM;
}

/* Nothing of ours leaves; what was never used need not be touched. */
static bool
look_at(unsigned int cmd, unsigned long pfn)
{
	unsigned char *p = VM_PAGE_TO_KVA(VM_PAGE(pfn));
	bool fresh = (VM_PAGE(pfn)->pg_flags & PG_FRESH) != 0;

	CHECK(mutex_owned(&balloon_lock));
	if (cmd != XENMEM_decrease_reservation) {
		memset(p, OLD, PAGE_SIZE);
		return true;
	}
	untouched += p[0] == OLD;
	CHECK(p[0] == 0 || (fresh && p[0] == OLD));
	CHECK_EQ(p[PAGE_SIZE / 2], p[0]);
	CHECK_EQ(p[PAGE_SIZE - 1], p[0]);
	return true;
}

static size_t
shrink(size_t n)
{
	size_t done = 0;

	CHECK(!mutex_owned(&balloon_lock));
	while (done < n && shrinkable > 0) {
		uvm_pagefree(cached[--shrinkable]);
		done++;
	}
	return done;
}

/* -- running the thread -- */

static void
set_target(const char *value)
{
	(void)strlcpy(store_target, value, sizeof(store_target));
	target_changed(NULL, NULL, NULL);
}

static void
set_target_pages(size_t n)
{
	char buf[32];

	(void)scnprintf(buf, sizeof(buf), "%zu", KIB(n));
	set_target(buf);
}

static bool
on_sleep(const char *wchan)
{
	void (*fn)(void) = at_sleep;

	CHECK_STR(wchan, "balloon");
	CHECK(!mutex_owned(&balloon_lock));
	if (fn != NULL) {
		at_sleep = NULL;
		fn();
		return true;
	}
	/* Nothing to wait for, or the time is up. */
	if (balloon_target == 0 || nanouptime() >= run_end ||
	    balloon_current == MAX(balloon_target, balloon_wanted))
		host_longjmp(env);
	return false;
}

static void
run(nsec_t span)
{
	run_end = nanouptime() + span;
	shim_sleep_hook = on_sleep;
	if (ktest_setjmp(env) == 0)
		balloon_thread(NULL);
	shim_sleep_hook = NULL;
}

/* The counters, the lists and Xen agree. */
static void
check_state(void)
{
	struct vm_page *pg;
	size_t n = 0;

	TAILQ_FOREACH(pg, &balloon_out, pg_list) {
		CHECK((pg->pg_flags & PG_ABSENT) != 0);
		CHECK(!fake_owned[VM_PAGE_TO_PFN(pg)]);
		n++;
	}
	CHECK_EQ(balloon_nout, n);
	CHECK_EQ(balloon_current, fake_tot_pages);
	CHECK_EQ(uvmexp.total, balloon_current);
}

static void
is_at(size_t pages)
{
	check_state();
	CHECK_EQ(balloon_current, pages);
}

static void
setup(void)
{
	static struct shrinker sh = { .sh_func = shrink };
	uintptr_t pfn;

	fake_init(0, FRESH);
	for (pfn = FRESH; pfn < BOOT; pfn++)
		VM_PAGE(pfn)->pg_flags = PG_FRESH;
	uvm_page_addrange(FRESH, BOOT);
	for (pfn = 0; pfn < BOOT; pfn++)
		fake_owned[pfn] = true;
	fake_tot_pages = BOOT;
	physmem_add_ram(0, BOOT);
	fake_mem_hook = look_at;
	shrinker_register(&sh);
	CHECK_EQ(balloon_init(), 0);
	run(NSEC_PER_SEC);
	is_at(BOOT);			/* no target yet: as it is */
}

/* -- the tests -- */

TEST(follows_the_target)
{
	setup();
	for (unsigned int i = 0; i < 20; i++) {
		size_t t = 1200 + rnd(1700);

		set_target_pages(t);
		run(NSEC_PER_SEC);
		is_at(t);
	}
	set_target_pages(BOOT);
	run(NSEC_PER_SEC);
	is_at(BOOT);
	CHECK_EQ(balloon_nout, 0);
}

TEST(fresh_pages_leave_untouched)
{
	size_t pages;

	setup();
	set_target("0");
	run(NSEC_PER_SEC);
	check_state();
	pages = balloon_nout;
	CHECK(pages > 2000);
	/* A part of them: blocks that straddle the border got used. */
	CHECK(untouched > 500 && untouched < pages);
	/* All that comes back is fresh. */
	set_target_pages(BOOT);
	run(NSEC_PER_SEC);
	untouched = 0;
	set_target_pages(1000);
	run(NSEC_PER_SEC);
	is_at(1000);
	CHECK_EQ(untouched, BOOT - 1000);
}

TEST(parts_are_enough)
{
	setup();
	for (unsigned int i = 0; i < 200; i++) {
		size_t t = 1200 + rnd(3000);

		set_target_pages(t);
		for (unsigned int k = 0; balloon_current != t; k++) {
			CHECK(k < 5000);
			fake_mem_budget = (int)rnd(300);
			run(10 * NSEC_PER_MSEC);
			check_state();
		}
		fake_mem_budget = -1;
		is_at(t);
	}
}

/* Refused for ten minutes: tried less and less often, then it goes on. */
TEST(patience)
{
	setup();
	for (unsigned int down = 0; down < 2; down++) {
		set_target_pages(down ? 1500 : 3500);
		fake_mem_calls = 0;
		fake_mem_budget = 0;
		run(600 * NSEC_PER_SEC);
		is_at(down ? 3500 : BOOT);
		CHECK(fake_mem_calls >= 15 && fake_mem_calls < 60);
		/* All hypercalls fail. */
		fake_fail = EFAULT;
		run(600 * NSEC_PER_SEC);
		is_at(down ? 3500 : BOOT);
		fake_fail = 0;
		fake_mem_budget = -1;
		run(31 * NSEC_PER_SEC);
		is_at(down ? 1500 : 3500);
	}
}

/* A new target is tried at once, however patient the thread has become. */
static void
new_target_now(void)
{
	fake_mem_budget = -1;
	set_target_pages(3300);
}

TEST(a_new_target_is_news)
{
	nsec_t start;

	setup();
	set_target_pages(3500);
	fake_mem_budget = 0;
	run(300 * NSEC_PER_SEC);
	at_sleep = new_target_now;
	start = nanouptime();
	run(300 * NSEC_PER_SEC);
	is_at(3300);
	CHECK_EQ(nanouptime(), start);
}

static unsigned int turns;

static bool
turn_around(unsigned int cmd, unsigned long pfn)
{
	if (rnd(400) == 0 && turns > 0) {
		turns--;
		set_target_pages(turns == 0 ? 2222 : 1200 + rnd(2500));
	}
	return look_at(cmd, pfn);
}

TEST(the_target_changes_meanwhile)
{
	setup();
	turns = 300;
	fake_mem_hook = turn_around;
	while (turns > 0) {
		set_target_pages(1200 + rnd(2500));
		run(NSEC_PER_SEC);
		check_state();
	}
	run(NSEC_PER_SEC);
	is_at(2222);
}

/* Saved while waiting for Xen; the new domain may be larger. */
static void
saved(void)
{
	CHECK_EQ(balloon_suspend(), 0);
	CHECK(mutex_owned(&balloon_lock));
	check_state();
	/* The watch may fire and memory may be short, lock or not. */
	target_changed(NULL, NULL, NULL);
	uvm_lowmem_hook(5);
	fake_max_pages = FAKE_FRAMES;
	balloon_resume(true);
}

TEST(suspend_in_between)
{
	setup();
	fake_max_pages = BOOT + 77;
	set_target_pages(3500);
	run(NSEC_PER_SEC);
	is_at(BOOT + 77);
	at_sleep = saved;
	run(60 * NSEC_PER_SEC);
	is_at(3500);
	/* Cancelled in the middle of the way down; the shortage is over. */
	shim_advance(11 * NSEC_PER_SEC);
	fake_mem_budget = 100;
	set_target_pages(2000);
	run(NSEC_PER_MSEC);
	is_at(3400);
	CHECK_EQ(balloon_suspend(), 0);
	balloon_resume(false);
	fake_mem_budget = -1;
	run(60 * NSEC_PER_SEC);
	is_at(2000);
}

TEST(what_is_no_number_is_ignored)
{
	static const char *const bad[] = {
		"", "garbage", "-5", "-1", "12MB", " 4000", "4000 ", "0x1000",
		"99999999999999999999999999", "18446744073709551616", "\xff",
	};

	setup();
	set_target_pages(2500);
	run(NSEC_PER_SEC);
	for (unsigned int i = 0; i < __arraycount(bad); i++) {
		set_target(bad[i]);
		run(60 * NSEC_PER_SEC);
		is_at(2500);
	}
}

/* As large as Xen lets it, as small as it can be, and back. */
TEST(any_number_will_do)
{
	static const char *const huge[] = {
		"18446744073709551615", "9223372036854775807",
		"9223372036854775808", "17592186044416", "4294967296",
	};

	setup();
	fake_max_pages = 3700;
	for (unsigned int i = 0; i < __arraycount(huge); i++) {
		set_target(huge[i]);
		run(100 * NSEC_PER_SEC);
		is_at(3700);
		set_target(i % 2 == 0 ? "0" : "1");
		run(100 * NSEC_PER_SEC);
		check_state();
		CHECK(balloon_current < 1000);
		CHECK(uvmexp.free >= uvmexp.reserve + FLOOR);
		set_target_pages(2000);
		run(NSEC_PER_SEC);
		is_at(2000);
	}
	/* To the end of what can be addressed, not beyond. */
	fake_max_pages = FAKE_FRAMES;
	set_target(huge[0]);
	run(100 * NSEC_PER_SEC);
	check_state();
	CHECK_EQ(balloon_current, BOOT + FAKE_PAGES - 6000);
}

/* Frames that came later than the boot, in order, then those above. */
TEST(grows_into_every_range)
{
	setup();
	physmem.pm_later[0] = (struct phys_range){ 3100, 3200 };
	physmem.pm_later[1] = (struct phys_range){ 3500, 4000 };
	physmem.pm_nlater = 2;
	physmem.pm_max_pfn = 4000;
	set_target_pages(BOOT + 500);
	grow_fails = true;
	run(100 * NSEC_PER_SEC);
	is_at(BOOT);
	grow_fails = false;
	run(NSEC_PER_SEC);
	is_at(BOOT + 500);
	CHECK(!fake_owned[3099] && fake_owned[3100] && fake_owned[3199]);
	CHECK(!fake_owned[3200] && !fake_owned[3499] && fake_owned[3500]);
	CHECK(fake_owned[3899] && !fake_owned[3900]);
	set_target_pages(1500);
	run(NSEC_PER_SEC);
	is_at(1500);
	set_target_pages(BOOT + 600 + 50);
	run(NSEC_PER_SEC);
	is_at(BOOT + 600 + 50);
	CHECK(!fake_owned[4000] && fake_owned[6000] && fake_owned[6049]);
	CHECK_EQ(balloon_nout, 0);
}

/* The same shortage, told again and again, is one shortage. */
TEST(pressure_is_not_added_up)
{
	setup();
	set_target_pages(1500);
	run(NSEC_PER_SEC);
	for (unsigned int i = 0; i < 50; i++)
		uvm_lowmem_hook(100);
	run(NSEC_PER_SEC);
	is_at(1600);
	shim_advance(11 * NSEC_PER_SEC);
	run(NSEC_PER_SEC);
	is_at(1500);			/* it has passed */
	/* More than was ever given away is not to be had. */
	uvm_lowmem_hook(SIZE_MAX / 2);
	run(NSEC_PER_SEC);
	is_at(BOOT);
	CHECK_EQ(balloon_nout, 0);
	uvm_lowmem_hook(100);
	shim_advance(11 * NSEC_PER_SEC);
	run(NSEC_PER_SEC);
	is_at(1500);
}

/* Xen gives nothing: no storm of calls, and no way down meanwhile. */
TEST(pressure_and_no_memory)
{
	setup();
	set_target_pages(1500);
	run(NSEC_PER_SEC);
	fake_max_pages = 1500;
	fake_mem_calls = 0;
	for (unsigned int i = 0; i < 50; i++) {
		uvm_lowmem_hook(100);
		run(100 * NSEC_PER_MSEC);
	}
	is_at(1500);
	CHECK(fake_mem_calls <= 150);
	set_target_pages(1400);
	run(5 * NSEC_PER_SEC);
	is_at(1500);
	run(10 * NSEC_PER_SEC);
	is_at(1400);
}

TEST(caches_make_room)
{
	setup();
	while (shrinkable < 2500)
		cached[shrinkable++] = uvm_pagealloc(UVM_PGA_NOSLEEP);
	set_target_pages(1200);
	run(60 * NSEC_PER_SEC);
	is_at(1200);
	CHECK(shrinkable < 1000);
}
