/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables of both versions over a fake Xen: references, peers that do not
 * let go, growth, resume with another version.
 */
/* sources: sys/arch/xen/xen/gnttab.c sys/arch/xen/xen/evtchn.c
 * sys/arch/xen/xen/hypercall.c regress/sys/arch/xen/xen/fake_xen.c */
/* variants: gcc64 clang64 */
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>
#include <xen/gnttab.h>
#include <xen/guest.h>

#include <ktest.h>

#include "fake_xen.h"

#define	FRAMES	4U

static char fake_grant_table[FRAMES * PAGE_SIZE] __aligned(4096);
static char fake_grant_status[PAGE_SIZE] __aligned(4096);
static unsigned int gnt_version, mapped, pages_freed;

struct uvmexp uvmexp;

void
uvm_pagefree(struct vm_page *pg)
{
	KASSERT(pg != NULL);
	pages_freed++;
}

vaddr_t
uvm_km_alloc(vsize_t size, int flags)
{
	static unsigned int calls;

	CHECK_EQ(flags, UVM_KM_VAONLY);
	CHECK(size != 0);
	return (vaddr_t)(calls++ == 0 ? fake_grant_table : fake_grant_status);
}

long	fake_grant_op(unsigned long, void *);

long
fake_grant_op(unsigned long cmd, void *arg)
{
	struct gnttab_set_version *sv = arg;
	struct gnttab_query_size *q = arg;

	switch (cmd) {
	case GNTTABOP_set_version:
		if (sv->version > fake_max_grant_version)
			return -ENOSYS;
		gnt_version = sv->version;
		return 0;
	case GNTTABOP_query_size:
		q->max_nr_frames = FRAMES;
		q->nr_frames = mapped;
		q->status = GNTST_okay;
		return 0;
	default:
		return -ENOSYS;
	}
}

static mfn_t
pfn_to_mfn(pfn_t pfn)
{
	return MKMFN(pfn.pfn + 1000);
}

static int
map_frames(vaddr_t va, unsigned int first, unsigned int n, bool status)
{
	if (!status) {
		CHECK_EQ(va, (vaddr_t)fake_grant_table + first * PAGE_SIZE);
		CHECK(first + n <= FRAMES);
		mapped = first + n;
	}
	return 0;
}

static void
unmap_frames(vaddr_t va __unused, unsigned int n __unused)
{
	mapped = 0;
}

static const struct xen_guest guest = {
	.g_pfn_to_mfn = pfn_to_mfn,
	.g_map_grant_frames = map_frames,
	.g_unmap_grant_frames = unmap_frames,
};
const struct xen_guest *xen_guest = &guest;

static struct grant_entry_v1 *
v1(gref_t ref)
{
	return &((struct grant_entry_v1 *)fake_grant_table)[ref.gref];
}

static union grant_entry_v2 *
v2(gref_t ref)
{
	return &((union grant_entry_v2 *)fake_grant_table)[ref.gref];
}

/* The peer maps the page for writing / lets go. */
static void
peer_holds(gref_t ref, bool on)
{
	uint16_t bits = GTF_reading | GTF_writing, *w;

	w = gnt_version == 2 ? &((uint16_t *)fake_grant_status)[ref.gref] :
	    &v1(ref)->flags;
	if (on)
		*w |= bits;
	else
		*w &= (uint16_t)~bits;
}

static void
setup(void)
{
	fake_xen_new_domain();
	CHECK_EQ(gnttab_init(), 0);
}

static gref_t
grant_one(void)
{
	gref_t ref;

	CHECK_EQ(gnttab_alloc(&ref, 1), 0);
	CHECK(ref.gref >= GNTTAB_NR_RESERVED_ENTRIES);
	gnttab_grant(ref, MKDOMID(7), MKPFN(5), false);
	return ref;
}

TEST(version_1_entry)
{
	gref_t ref;

	setup();
	CHECK_EQ(gnttab_version(), 1);
	ref = grant_one();
	CHECK_EQ(v1(ref)->flags, GTF_permit_access);
	CHECK_EQ(v1(ref)->domid, 7);
	CHECK_EQ(v1(ref)->frame, 1005);
	CHECK(gnttab_end(ref));
	CHECK_EQ(v1(ref)->flags, 0);
	gnttab_free(ref);
}

TEST(version_2_entry)
{
	gref_t ref;

	shim_cmdline = "domus.gnttab=2";
	setup();
	CHECK_EQ(gnttab_version(), 2);
	ref = grant_one();
	CHECK_EQ(v2(ref)->hdr.flags, GTF_permit_access);
	CHECK_EQ(v2(ref)->full_page.frame, 1005);
	peer_holds(ref, true);
	CHECK(!gnttab_end(ref));
	peer_holds(ref, false);
	CHECK(gnttab_end(ref));
}

TEST(no_version_2)
{
	shim_cmdline = "domus.gnttab=2";
	fake_max_grant_version = 1;
	setup();
	CHECK_EQ(gnttab_version(), 1);
}

TEST(references_are_unique_and_run_out)
{
	static bool seen[FAKE_REFS * FRAMES];
	unsigned int n = 0;
	gref_t ref;

	setup();
	while (gnttab_alloc(&ref, 1) == 0) {
		CHECK(ref.gref < FRAMES * PAGE_SIZE / 8 && !seen[ref.gref]);
		seen[ref.gref] = true;
		n++;
	}
	CHECK_EQ(mapped, FRAMES);
	CHECK_EQ(n, FRAMES * PAGE_SIZE / 8 - GNTTAB_NR_RESERVED_ENTRIES - 1);
	CHECK_EQ(gnttab_alloc(&ref, 1), ENOSPC);
	gnttab_free(MKGREF(100));
	CHECK_EQ(gnttab_alloc(&ref, 1), 0);
	CHECK_EQ(ref.gref, 100);
}

TEST(a_peer_that_keeps_the_page)
{
	static struct vm_page pg;
	gref_t ref;

	setup();
	ref = grant_one();
	peer_holds(ref, true);
	CHECK(!gnttab_end(ref));
	gnttab_end_free(ref, &pg);
	CHECK_EQ(pages_freed, 0);
	shim_advance(5 * NSEC_PER_SEC);
	CHECK_EQ(pages_freed, 0);
	peer_holds(ref, false);
	shim_advance(2 * NSEC_PER_SEC);
	CHECK_EQ(pages_freed, 1);
	CHECK_EQ(v1(ref)->flags, 0);
}

TEST(a_new_domain_frees_what_the_old_peer_held)
{
	static struct vm_page pg;
	gref_t ref, kept;

	setup();
	kept = grant_one();
	ref = grant_one();
	peer_holds(ref, true);
	gnttab_end_free(ref, &pg);
	gnttab_suspend();
	CHECK_EQ(mapped, 0);
	memset(fake_grant_table, 0, sizeof(fake_grant_table));
	CHECK_EQ(gnttab_resume(true), 0);
	gnttab_resume_late(true);
	CHECK_EQ(mapped, 1);
	CHECK_EQ(pages_freed, 1);
	/* Still ours, to be granted anew. */
	gnttab_grant(kept, MKDOMID(0), MKPFN(1), true);
	CHECK_EQ(v1(kept)->flags, GTF_permit_access | GTF_readonly);
}

TEST(another_version_after_migration)
{
	gref_t ref, more;
	unsigned int i;

	shim_cmdline = "domus.gnttab=2";
	setup();
	ref = grant_one();
	for (i = 0; i < 300; i++)
		CHECK_EQ(gnttab_alloc(&more, 1), 0);
	CHECK_EQ(mapped, 2);
	gnttab_suspend();
	memset(fake_grant_table, 0, sizeof(fake_grant_table));
	fake_max_grant_version = 1;
	CHECK_EQ(gnttab_resume(true), 0);
	CHECK_EQ(gnttab_version(), 1);
	gnttab_grant(ref, MKDOMID(3), MKPFN(9), false);
	CHECK_EQ(v1(ref)->domid, 3);
	/* Growth goes on where the references end. */
	for (i = 0; i < 400; i++) {
		CHECK_EQ(gnttab_alloc(&more, 1), 0);
		CHECK(more.gref < mapped * PAGE_SIZE / 8);
	}
}

TEST(cancelled_suspend_keeps_grants)
{
	gref_t ref;

	setup();
	ref = grant_one();
	gnttab_suspend();
	CHECK_EQ(gnttab_resume(false), 0);
	CHECK_EQ(mapped, 1);
	CHECK_EQ(v1(ref)->frame, 1005);
}

TEST(no_memory)
{
	static struct vm_page pg;
	gref_t ref;

	setup();
	KTEST_NTH_FAIL({
		if (gnttab_alloc(&ref, 1) == 0)
			gnttab_free(ref);
	});
	/* Not even the note of it: the reference is lost, nothing else. */
	ref = grant_one();
	peer_holds(ref, true);
	kmem_fail_after(0);
	gnttab_end_free(ref, &pg);
	kmem_fail_after(-1);
	CHECK_EQ(pages_freed, 0);
}
