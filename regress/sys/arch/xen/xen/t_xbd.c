/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk frontend against a backend that the test plays: of every kind that
 * there is, restarted, replaced by lesser ones, and evil.
 */
/* sources: sys/arch/xen/xen/xbd.c sys/arch/xen/xen/xbd_ring.c
 * sys/kern/subr_bio.c sys/kern/subr_disk.c
 * regress/sys/arch/xen/xen/fake_blkback.c */
/* cflags: -DFAKE_PMAP */
/* variants: gcc64 clang64 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#include <host.h>
#include <ktest.h>

#include "fake_blkback.h"

static uint32_t seed = 3;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* A page of memory for transfers, with a pattern. */
static char *
buffer(size_t n, int c)
{
	char *p = fake_page_run(n);

	memset(p, c, n * PAGE_SIZE);
	return p;
}

/* Write and read back through the whole stack. */
static void
exercise(struct disk *d, uint64_t sector, size_t pages, int c)
{
	char *p = buffer(pages, c), *q = buffer(pages, 0);

	CHECK_EQ(disk_rw(d, BIO_WRITE, 0, sector, p, pages * PAGE_SIZE), 0);
	CHECK(memcmp(be.media + sector * 512, p, pages * PAGE_SIZE) == 0);
	CHECK_EQ(disk_rw(d, BIO_READ, 0, sector, q, pages * PAGE_SIZE), 0);
	CHECK(memcmp(p, q, pages * PAGE_SIZE) == 0);
	fake_page_run_free(p, pages);
	fake_page_run_free(q, pages);
}

static struct disk *
up(uint32_t vdev)
{
	fb_probe(vdev);
	fb_connect();
	fb_attach();
	CHECK_EQ(fb_state(), XenbusStateConnected);
	return fb_disk();
}

static void
down(void)
{
	fb_remove();
	fb_check_empty();
}

TEST(the_oldest_backend)
{
	struct disk *d = up(51712);

	CHECK_STR(d->d_name, "xvda");
	CHECK_EQ(d->d_dev, makedev(202, 0));
	CHECK_EQ(d->d_sectors, FB_SECTORS);
	CHECK_EQ(d->d_limits.dl_maxsegs, 11);
	CHECK_EQ(be.nrings, 1);
	CHECK_EQ(be.ring[0].npages, 1);
	CHECK(fb_node("device/vbd/51712/ring-ref") != NULL);
	CHECK(fb_node("device/vbd/51712/ring-ref0") == NULL);
	CHECK_STR(fb_node("device/vbd/51712/protocol"), "x86_64-abi");
	exercise(d, 16, 1, 0x41);
	exercise(d, 100, 40, 0x42);
	/* No cache: nothing is asked of the backend. */
	CHECK_EQ(disk_flush(d), 0);
	CHECK_EQ(be.flushes, 0);
	CHECK_EQ(fb_mapped_refs(), 0);
	down();
}

static void
all_features(void)
{
	fb_offer("max-ring-page-order", 4);
	fb_offer("multi-queue-max-queues", 4);
	fb_offer("feature-max-indirect-segments", 256);
	fb_offer("feature-flush-cache", 1);
	fb_offer("feature-barrier", 1);
	fb_offer("feature-discard", 1);
	fb_offer("discard-granularity", 4096);
}

TEST(all_that_it_can)
{
	struct disk *d;
	unsigned int i;

	all_features();
	d = up(51728);
	CHECK_STR(d->d_name, "xvdb");
	CHECK_EQ(be.nrings, 2);
	CHECK_EQ(be.ring[1].npages, 4);
	CHECK_STR(fb_node("device/vbd/51728/ring-page-order"), "2");
	CHECK_EQ(d->d_limits.dl_maxsegs, 64);
	for (i = 0; i < 2; i++) {
		fake_cpu(i);
		exercise(d, 64 * i, 64, 0x30 + (int)i);
		CHECK(be.ring[i].served != 0);
	}
	CHECK(be.indirect != 0);
	CHECK_EQ(disk_flush(d), 0);
	CHECK_EQ(be.flushes, 1);
	CHECK_EQ(be.last_op, BLKIF_OP_FLUSH_DISKCACHE);
	CHECK_EQ(fb_mapped_refs(), 0);
	down();
}

TEST(the_other_spelling_of_large_rings)
{
	fb_offer("max-ring-pages", 3);
	exercise(up(51712), 8, 20, 1);
	CHECK_STR(fb_node("device/vbd/51712/num-ring-pages"), "2");
	CHECK(fb_node("device/vbd/51712/ring-page-order") == NULL);
	CHECK_EQ(be.ring[0].npages, 2);
	down();
}

TEST(persistent_grants)
{
	struct disk *d;
	unsigned int i;

	all_features();
	fb_offer("feature-persistent", 1);
	d = up(51712);
	CHECK_EQ(d->d_limits.dl_maxsegs, 32);
	for (i = 0; i < 50; i++)
		exercise(d, 8 * rnd(400), 1 + rnd(60), (int)i);
	/* The backend keeps them mapped, and no others are made. */
	CHECK(fb_mapped_refs() > 0);
	CHECK(fb_mapped_refs() <= 2 * 352 + 256);
	fb_remove();
	fb_unmap_all();
	fb_check_empty();
}

TEST(barriers_where_there_are_no_flushes)
{
	struct disk *d;
	struct bio b;
	struct bio_seg s;
	char *p;

	fb_offer("feature-barrier", 1);
	d = up(51712);
	CHECK_EQ(disk_flush(d), 0);
	CHECK_EQ(be.last_op, BLKIF_OP_WRITE_BARRIER);
	bio_init(&b, d, BIO_WRITE, BIO_FUA | BIO_PREFLUSH, 0, &s, 1);
	p = buffer(1, 0);
	CHECK(bio_add_kva(&b, p, 512));
	CHECK_EQ(bio_wait(&b), 0);
	CHECK_EQ(be.flushes, 3);
	fake_page_run_free(p, 1);
	down();
}

TEST(what_was_offered_is_refused)
{
	struct disk *d;
	struct bio b;

	fb_offer("feature-flush-cache", 1);
	fb_offer("feature-discard", 1);
	d = up(51712);
	bio_init(&b, d, BIO_DISCARD, 0, 8, NULL, 0);
	b.b_len = 4096;
	CHECK_EQ(bio_wait(&b), 0);
	CHECK_EQ(be.discarded, 8);
	be.refuse = true;
	CHECK_EQ(disk_flush(d), 0);
	CHECK(!d->d_limits.dl_flush);
	CHECK_EQ(bio_wait(&b), EOPNOTSUPP);
	CHECK_EQ(bio_wait(&b), EOPNOTSUPP);
	CHECK_EQ(be.discarded, 8);
	exercise(d, 0, 3, 5);
	down();
}

TEST(an_error_of_the_medium)
{
	struct disk *d = up(51712);
	char *p = buffer(1, 0);

	be.fail_sector = 80;
	CHECK_EQ(disk_rw(d, BIO_READ, 0, 80, p, PAGE_SIZE), EIO);
	CHECK_EQ(disk_rw(d, BIO_READ, 0, 88, p, PAGE_SIZE), 0);
	CHECK(!fb.quarantined);
	fake_page_run_free(p, 1);
	down();
}

static void
name_is(uint32_t vdev, const char *name, unsigned int min)
{
	struct disk *d = up(vdev);

	CHECK_STR(d->d_name, name);
	CHECK_EQ(d->d_dev, makedev(202, min));
	down();
}

TEST(names_and_numbers)
{
	struct disk *d;

	name_is(51712 + 15 * 16, "xvdp", 240);
	name_is(1 << 28 | 16 << 8, "xvdq", 4096);
	name_is(1 << 28 | 26 << 8, "xvdaa", 6656);
	name_is(1 << 28 | 727 << 8, "xvdaaz", 727 * 256);
	name_is(0x300, "xvda", 0);
	name_is(0x1640, "xvdd", 48);
	name_is(0x810, "xvdb", 16);
	CHECK_EQ(fb_try_probe(0x900), EINVAL);
	CHECK_EQ(fb_try_probe(1U << 28 | 5000 << 8), EINVAL);
	/* A partition as a disk: no table is looked for. */
	d = up(51713);
	CHECK_STR(d->d_name, "xvda1");
	CHECK_EQ(d->d_dev, makedev(202, 1));
	CHECK((d->d_flags & DISK_NOPART) != 0);
	CHECK_EQ(be.ring[0].served, 0);
	down();
}

static int
try_rw(struct disk *d, enum bio_op op, uint64_t sector)
{
	char *p = buffer(1, 0);
	int error = disk_rw(d, op, 0, sector, p, PAGE_SIZE);

	fake_page_run_free(p, 1);
	return error;
}

TEST(kinds_of_disks)
{
	struct disk *d;

	fb_offer("info", VDISK_READONLY);
	d = up(51712);
	CHECK(disk_readonly(d));
	CHECK_EQ(try_rw(d, BIO_WRITE, 0), EROFS);
	down();
	fb_offer("info", VDISK_CDROM);
	fb_offer("sectors", 0);
	d = up(51760);
	CHECK(disk_readonly(d));
	CHECK_EQ(d->d_flags & (DISK_CDROM | DISK_REMOVABLE | DISK_NOMEDIUM),
	    DISK_CDROM | DISK_REMOVABLE | DISK_NOMEDIUM);
	CHECK_EQ(try_rw(d, BIO_READ, 0), ENOMEDIUM);
	/* A disc is put in. */
	fb_offer("sectors", 1000);
	fb_otherend(XenbusStateConnected);
	CHECK_EQ(d->d_sectors, 1000);
	CHECK_EQ(d->d_changes, 1);
	CHECK_EQ(try_rw(d, BIO_READ, 0), 0);
	down();
	fb_offer("info", 0);
	fb_offer("sectors", FB_SECTORS);
	fb_offer("sector-size", 4096);
	d = up(51712);
	CHECK_EQ(d->d_limits.dl_lbs, 4096);
	CHECK_EQ(try_rw(d, BIO_READ, 1), EINVAL);
	exercise(d, 8, 30, 9);
	down();
}

TEST(nonsense_in_the_store)
{
	fb_offer("sector-size", 1000);
	fb_probe(51712);
	fb_connect();
	CHECK_EQ(fb_state(), XenbusStateInitialised);
	fb_offer("sector-size", 512);
	fb_offer("sectors", UINT64_MAX);
	fb_otherend(XenbusStateConnected);
	CHECK_EQ(fb_state(), XenbusStateInitialised);
	fb_offer("sectors", FB_SECTORS);
	fb_offer("feature-max-indirect-segments", UINT64_MAX);
	fb_offer("discard-granularity", UINT64_MAX);
	fb_offer("feature-discard", UINT64_MAX);
	fb_otherend(XenbusStateConnected);
	CHECK_EQ(fb_state(), XenbusStateConnected);
	fb_attach();
	exercise(fb_disk(), 0, 70, 1);
	down();
	fb_offer("multi-queue-max-queues", UINT64_MAX);
	fb_offer("max-ring-page-order", UINT64_MAX);
	(void)up(51712);
	CHECK_EQ(be.nrings, 2);
	down();
	fb_offer("multi-queue-max-queues", 0);
	fb_offer("max-ring-page-order", 0);
	fb_offer("max-ring-pages", UINT64_MAX);
	(void)up(51712);
	CHECK_EQ(be.nrings, 1);
	CHECK_EQ(be.ring[0].npages, 4);
	down();
}

TEST(it_grows_and_shrinks)
{
	struct disk *d = up(51712);

	fb_offer("sectors", 2 * FB_SECTORS);
	fb_otherend(XenbusStateConnected);
	CHECK_EQ(d->d_sectors, 2 * FB_SECTORS);
	fb_offer("sectors", FB_SECTORS / 2);
	fb_otherend(XenbusStateConnected);
	CHECK_EQ(d->d_sectors, FB_SECTORS / 2);
	/* A backend that changes the node only. */
	fb_offer("sectors", 640);
	fb_sectors_written();
	CHECK_EQ(fb.rechecks, 1);
	fb_otherend(XenbusStateConnected);
	CHECK_EQ(d->d_sectors, 640);
	down();
}

/* ---- coming and going ---- */

TEST(it_is_not_given_back_while_in_use)
{
	struct disk_holder h = { .dh_name = "test" };
	struct disk *d = up(51712);

	CHECK_EQ(disk_open(d, &h, DISK_READ | DISK_EXCL, &h), 0);
	fb_otherend(XenbusStateClosing);
	CHECK_EQ(fb_state(), XenbusStateConnected);
	CHECK_EQ(fb.errors, 1);
	fb_otherend(XenbusStateClosing);
	CHECK_EQ(fb.errors, 1);
	exercise(d, 0, 2, 7);
	CHECK_EQ(fb.rechecks, 0);
	disk_close(&h);
	CHECK_EQ(fb.rechecks, 1);
	fb_otherend(XenbusStateClosing);
	CHECK_EQ(fb_state(), XenbusStateClosed);
	CHECK(disk_lookup("xvda") == NULL);
	down();
}

static unsigned int ndone;
static int last_error;

static void
count(struct bio *b)
{
	ndone++;
	last_error = b->b_error;
}

static struct bio *
make(struct disk *d, enum bio_op op, uint64_t sector, char *p, size_t pages)
{
	struct bio *b = bio_alloc(d, op, 0, sector, (unsigned int)pages,
	    KM_SLEEP);

	CHECK(bio_add_kva(b, p, pages * PAGE_SIZE));
	b->b_done = count;
	return b;
}

TEST(it_vanishes_with_requests_under_way)
{
	struct disk_holder h = { .dh_name = "test" };
	struct disk *d = up(51712);
	char *p = buffer(100, 1);
	struct bio *b;

	CHECK_EQ(disk_open(d, &h, DISK_READ, NULL), 0);
	b = make(d, BIO_READ, 0, p, 100);
	bio_submit(b);
	CHECK_EQ(ndone, 0);
	fb_remove();
	CHECK_EQ(ndone, 1);
	CHECK_EQ(last_error, EIO);
	bio_submit(b);
	CHECK_EQ(ndone, 2);
	CHECK_EQ(last_error, EIO);
	disk_close(&h);
	bio_free(b);
	fake_page_run_free(p, 100);
	fb_check_empty();
}

/* ---- other backends ---- */

TEST(what_was_under_way_is_done_by_the_next_backend)
{
	struct bio *b[20];
	struct disk *d;
	unsigned int i;
	char *p;

	all_features();
	d = up(51712);
	p = buffer(20 * 30, 0);
	be.nlog = 0;
	for (i = 0; i < 20; i++) {
		memset(p + i * 30 * PAGE_SIZE, (int)i + 1, 30 * PAGE_SIZE);
		b[i] = make(d, BIO_WRITE, 300 * i, p + i * 30 * PAGE_SIZE, 30);
		bio_submit(b[i]);
	}
	/* The old one has done some of them, in its own order. */
	fb_serve_some(&be.ring[0], 3, rnd);
	CHECK_EQ(ndone, 3);
	be.stopped = true;
	fb_suspend();
	be.stopped = false;
	fb_withdraw_all();		/* 11 segments, one page, one ring */
	fb_resume_new();
	CHECK_EQ(ndone, 3);
	be.nlog = 0;
	fb_connect();
	CHECK_EQ(d->d_limits.dl_maxsegs, 11);
	fb_serve_all();
	CHECK_EQ(ndone, 20);
	CHECK_EQ(last_error, 0);
	/* In their order, each in three pieces. */
	CHECK_EQ(be.nlog, 17 * 3);
	for (i = 1; i < be.nlog; i++)
		CHECK(be.log[i] > be.log[i - 1]);
	for (i = 0; i < 20; i++) {
		CHECK_EQ(be.media[300 * 512 * i], i + 1);
		CHECK_EQ(be.media[300 * 512 * i + 30 * PAGE_SIZE - 1], i + 1);
		bio_free(b[i]);
	}
	exercise(d, 0, 60, 3);
	fake_page_run_free(p, 20 * 30);
	down();
}

TEST(a_suspend_waits_for_answers)
{
	struct disk *d = up(51712);
	char *p = buffer(1, 1);
	struct bio *b = make(d, BIO_WRITE, 0, p, 1);

	bio_submit(b);
	fb_suspend();			/* serves while it sleeps */
	CHECK_EQ(ndone, 1);
	bio_submit(b);
	CHECK_EQ(ndone, 1);
	fb_resume_cancelled();
	fb_serve_all();
	CHECK_EQ(ndone, 2);
	bio_free(b);
	fake_page_run_free(p, 1);
	down();
}

/* A backend of random abilities takes over again and again. */
TEST(any_backend_after_any_other)
{
	unsigned int round, i, j, n, total = 0, pages;
	unsigned char *want = host_alloc(16, FB_SECTORS * 512);
	struct bio *b[30];
	struct disk *d;
	uint64_t sector;
	char *p;

	d = up(51712);
	memcpy(want, be.media, FB_SECTORS * 512);
	for (round = 0; round < 60; round++) {
		sector = 0;
		ndone = 0;
		p = buffer(30 * 12, 0);
		for (n = 0; n < 30; n++) {
			pages = 1 + rnd(12);
			memset(p + n * 12 * PAGE_SIZE, (int)(round * 7 + n),
			    pages * PAGE_SIZE);
			b[n] = make(d, BIO_WRITE, sector,
			    p + n * 12 * PAGE_SIZE, pages);
			memcpy(want + sector * 512, p + n * 12 * PAGE_SIZE,
			    pages * PAGE_SIZE);
			sector += pages * 8 + rnd(3) * 8;
		}
		for (i = 0; i < n; i++) {
			fake_cpu(rnd(2));
			bio_submit(b[i]);
			if (rnd(3) == 0)
				fb_serve_some(&be.ring[rnd(be.nrings)],
				    rnd(5), rnd);
		}
		fb_withdraw_all();
		if (rnd(2))
			fb_offer("feature-persistent", 1);
		if (rnd(2))
			fb_offer("feature-max-indirect-segments", 4 + rnd(60));
		if (rnd(2))
			fb_offer("multi-queue-max-queues", 1 + rnd(5));
		if (rnd(2))
			fb_offer("max-ring-page-order", rnd(4));
		if (rnd(2))
			fb_restart();
		else
			fb_resume_new();
		fb_connect();
		fb_serve_all();
		CHECK_EQ(ndone, n);
		total += n;
		CHECK(memcmp(want, be.media, FB_SECTORS * 512) == 0);
		for (j = 0; j < n; j++)
			bio_free(b[j]);
		fake_page_run_free(p, 30 * 12);
		exercise(d, 8000, 1 + rnd(90), 0x55);
		memcpy(want, be.media, FB_SECTORS * 512);
	}
	CHECK_EQ(total, 60 * 30);
	host_free(want);
	fb_remove();
	fb_unmap_all();
	fb_check_empty();
}

/* ---- evil ones ---- */

/* One request under way, one answer of the test's making: what comes of it. */
static void
evil(void (*answer)(void), const char *why)
{
	struct disk *d = up(51712);
	char *p = buffer(1, 1);
	struct bio *b = make(d, BIO_READ, 0, p, 1);

	bio_submit(b);
	answer();
	fb_event(0);
	CHECK(fb.quarantined);
	CHECK(strstr(fb.why, why) != NULL);
	fb_quarantine_close();
	CHECK_EQ(ndone, 1);
	CHECK_EQ(last_error, EIO);
	bio_submit(b);
	CHECK_EQ(ndone, 2);
	CHECK_EQ(last_error, EIO);
	CHECK(disk_lookup("xvda") == d);
	disk_put(d);
	/* Another domain, another backend: it works again. */
	fb_resume_new();
	fb_connect();
	exercise(d, 0, 20, 4);
	bio_free(b);
	fake_page_run_free(p, 1);
	fb_remove();
	fb_unmap_all();
	fb_check_empty();
	ndone = 0;
}

static void
bad_id(void)
{
	fb_answer(&be.ring[0], 77777, BLKIF_OP_READ, 0);
}

static void
free_id(void)
{
	fb_answer(&be.ring[0], 5, BLKIF_OP_READ, 0);
}

static void
bad_op(void)
{
	fb_answer(&be.ring[0], 0, BLKIF_OP_WRITE, 0);
}

static void
bad_indirect(void)
{
	fb_answer(&be.ring[0], 0, BLKIF_OP_INDIRECT, 0);
}

static void
bad_status(void)
{
	fb_answer(&be.ring[0], 0, BLKIF_OP_READ, 17);
}

static void
jump_ahead(void)
{
	be.ring[0].ring.sring->rsp_prod += 2;
}

static void
jump_back(void)
{
	be.ring[0].ring.sring->rsp_prod -= 1;
}

static void
jump_far(void)
{
	be.ring[0].ring.sring->rsp_prod += 0x80000000U;
}

static void
holds_on(void)
{
	be.keep_mapped = true;
	fb_serve_some(&be.ring[0], 1, NULL);
}

static void
no_answer(void)
{
	unsigned int i;

	for (i = 0; i < 40 && !fb.quarantined; i++)
		shim_advance(10 * NSEC_PER_SEC);
	CHECK(i >= 29);
}

TEST(evil_backends)
{
	evil(bad_id, "id");
	evil(free_id, "answer to nothing");
	evil(bad_op, "operation");
	evil(bad_indirect, "operation");
	evil(bad_status, "status");
	evil(jump_ahead, "producer");
	evil(jump_back, "producer");
	evil(jump_far, "producer");
	evil(holds_on, "mapped");
	evil(no_answer, "no answer");
}

TEST(an_answer_twice)
{
	struct disk *d = up(51712);
	char *p = buffer(1, 1);
	struct bio *b = make(d, BIO_READ, 0, p, 1);
	struct bio *c = make(d, BIO_READ, 80, p, 1);

	bio_submit(b);
	bio_submit(c);
	fb_answer(&be.ring[0], 0, BLKIF_OP_READ, 0);
	fb_answer(&be.ring[0], 0, BLKIF_OP_READ, 0);
	fb_event(0);
	CHECK_EQ(ndone, 1);
	CHECK(fb.quarantined);
	fb_quarantine_close();
	CHECK_EQ(ndone, 2);
	bio_free(b);
	bio_free(c);
	fake_page_run_free(p, 1);
	fb_remove();
	fb_unmap_all();
	fb_check_empty();
}

TEST(events_without_meaning)
{
	struct disk *d = up(51712);
	unsigned int i;

	for (i = 0; i < 1000; i++)
		fb_event(0);
	CHECK(!fb.quarantined);
	exercise(d, 0, 3, 3);
	down();
}

/* ---- shortages ---- */

TEST(grants_run_out)
{
	struct bio *b[40];
	struct disk *d = up(51712);
	char *p = buffer(40 * 8, 6);
	unsigned int i;

	fake_grants_left(20);
	for (i = 0; i < 40; i++) {
		b[i] = make(d, BIO_WRITE, 100 * i, p + i * 8 * PAGE_SIZE, 8);
		bio_submit(b[i]);
	}
	fb_serve_all();
	CHECK_EQ(ndone, 40);
	/* With none at all, time helps. */
	fake_grants_left(0);
	ndone = 0;
	bio_submit(b[0]);
	fb_serve_all();
	CHECK_EQ(ndone, 0);
	shim_advance(NSEC_PER_SEC);
	CHECK_EQ(ndone, 0);
	fake_grants_left(1000);
	shim_advance(NSEC_PER_SEC);
	fb_serve_all();
	CHECK_EQ(ndone, 1);
	for (i = 0; i < 40; i++)
		bio_free(b[i]);
	fake_page_run_free(p, 40 * 8);
	down();
}

/* Or memory would never come back. */
static void
write_without_memory(void)
{
	struct bio *b[10];
	struct disk *d = up(51712);
	char *p = buffer(10 * 32, 7);
	unsigned int i;

	ndone = 0;
	fake_pages_short = true;
	for (i = 0; i < 10; i++) {
		b[i] = make(d, BIO_WRITE, 256 * i, p + i * 32 * PAGE_SIZE, 32);
		bio_submit(b[i]);
	}
	for (i = 0; i < 100 && ndone < 10; i++) {
		fb_serve_all();
		shim_advance(10 * NSEC_PER_MSEC);
	}
	CHECK_EQ(ndone, 10);
	fake_pages_short = false;
	for (i = 0; i < 10; i++)
		bio_free(b[i]);
	fake_page_run_free(p, 10 * 32);
	fb_remove();
	fb_unmap_all();
	fb_check_empty();
}

TEST(pages_go_out_when_memory_is_used_up)
{
	all_features();
	write_without_memory();
}

TEST(pages_go_out_by_persistent_grants_when_memory_is_used_up)
{
	all_features();
	fb_offer("feature-persistent", 1);
	write_without_memory();
}

static void
attempt(void)
{
	if (fb_try_probe(51712) != 0)
		return;
	fb_try_connect();
	fb_remove();
}

TEST(no_memory)
{
	all_features();
	KTEST_NTH_FAIL(attempt());
	fb_check_empty();
}
