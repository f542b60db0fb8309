/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block I/O over a driver that the test plays: splitting, merging, flushes,
 * errors, requests given back, disks that vanish, partitions, claims.
 */
/* sources: sys/kern/subr_bio.c sys/kern/subr_disk.c */
/* cflags: -DFAKE_PMAP */
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#include <host.h>
#include <ktest.h>

#define	SECTORS		4096U
#define	PAGES		600U
#define	MAXREQS		64

char *fake_memory, *fake_kva;
void *fake_vm_pages;
struct pmap pmap_kernel_store;

static unsigned char media[SECTORS * SECTOR_SIZE];
static struct disk *dk;
static struct disk_req *out[MAXREQS];	/* what the driver has */
static unsigned int nout, nflushes, nreqs, added, removed, claimed;
static bool lazy;			/* requests wait for drive() */
static struct disk_part table[4];
static unsigned int ntable;

bool
pmap_extract(struct pmap *pm __unused, vaddr_t va, paddr_t *pa,
    vm_prot_t *prot __unused)
{
	*pa = PMAP_DIRECT_UNMAP(va);
	return true;
}

static int
parts(struct disk *d __unused, struct disk_part *p, unsigned int max,
    unsigned int *n)
{
	CHECK(max >= 4);
	memcpy(p, table, sizeof(table));
	*n = ntable;
	return 0;
}

static void
note_added(struct disk *d __unused)
{
	added++;
}

static void
note_removed(struct disk *d __unused)
{
	removed++;
}

static void
note_claimed(struct disk *d)
{
	CHECK(d->d_ref > 0);
	claimed++;
}

const struct disk_class disk_class = {
	parts, note_added, note_removed, note_claimed
};

/* -- the driver -- */

static void
perform(struct disk_req *r)
{
	const struct disk_limits *dl = &dk->d_limits;
	uint64_t off = r->dr_sector << SECTOR_SHIFT;
	struct disk_cursor c = { 0 };
	struct bio_seg s;
	unsigned int n = 0;
	char *mem;

	nreqs++;
	if (r->dr_op == BIO_FLUSH) {
		CHECK(dl->dl_flush);
		nflushes++;
		return;
	}
	CHECK(r->dr_len != 0 && r->dr_len % dl->dl_lbs == 0);
	CHECK(off + r->dr_len <= sizeof(media));
	if (r->dr_op == BIO_DISCARD) {
		CHECK(r->dr_len <= dl->dl_maxdiscard << SECTOR_SHIFT);
		memset(media + off, 0xdd, (size_t)r->dr_len);
		return;
	}
	CHECK(r->dr_len <= (uint64_t)dl->dl_maxsectors << SECTOR_SHIFT);
	while (disk_req_segs(r, &c, &s, 1) == 1) {
		n++;
		mem = (char *)VM_PAGE_TO_KVA(s.bs_page) + s.bs_off;
		if (r->dr_op == BIO_READ)
			memcpy(mem, media + off, s.bs_len);
		else
			memcpy(media + off, mem, s.bs_len);
		off += s.bs_len;
	}
	CHECK_EQ(off, (r->dr_sector << SECTOR_SHIFT) + r->dr_len);
	CHECK_EQ(n, r->dr_nsegs);
	CHECK(n <= dl->dl_maxsegs);
}

/* Finish the i-th request the driver has. */
static void
finish(unsigned int i, int error)
{
	struct disk_req *r = out[i];

	out[i] = out[--nout];
	if (error == 0)
		perform(r);
	disk_done(r, error);
}

static void
drv_start(struct disk_queue *dq)
{
	struct disk_req *r;

	while ((r = disk_next(dq)) != NULL) {
		CHECK(nout < MAXREQS);
		out[nout++] = r;
		if (!lazy)
			finish(nout - 1, 0);
	}
}

static const struct disk_ops drv_ops = { .do_start = drv_start };

/* Finish all, in that order. */
static void
drive(uint32_t (*pick)(uint32_t))
{
	for (drv_start(&dk->d_queues[0]); nout > 0;
	    drv_start(&dk->d_queues[0]))
		finish(pick != NULL ? pick(nout) : 0, 0);
}

static uint32_t seed = 1;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
setup(unsigned int depth)
{
	fake_memory = host_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
	fake_kva = host_alloc(PAGE_SIZE, PAGE_SIZE);
	fake_vm_pages = host_alloc(PAGE_SIZE, PAGES * sizeof(struct vm_page));
	disk_init();
	CHECK_EQ(disk_create("xvda", &drv_ops, 1, depth, &dk), 0);
	dk->d_dev = makedev(202, 0);
	dk->d_minors = 16;
	dk->d_sectors = SECTORS;
	dk->d_limits.dl_maxsectors = 64;
	dk->d_limits.dl_maxsegs = 11;
	CHECK_EQ(disk_attach(dk), 0);
}

static void
teardown(void)
{
	disk_gone(dk);
	disk_put(dk);
	host_free(fake_memory);
	host_free(fake_kva);
	host_free(fake_vm_pages);
	CHECK_EQ(kmem_outstanding(), 0);
	CHECK_EQ(added, removed);
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
make(enum bio_op op, unsigned int flags, uint64_t sector, unsigned int page,
    unsigned int npages)
{
	struct bio *b = bio_alloc(dk, op, flags, sector, MAX(npages, 1U),
	    KM_SLEEP);
	unsigned int i;

	for (i = 0; i < npages; i++)
		CHECK(bio_add(b, VM_PAGE(page + i), 0, PAGE_SIZE));
	b->b_done = count;
	return b;
}

TEST(a_large_transfer_is_cut)
{
	struct bio *b;

	setup(4);
	memset(fake_memory, 0x41, 100 * PAGE_SIZE);
	lazy = true;
	b = make(BIO_WRITE, 0, 8, 0, 100);
	bio_submit(b);
	CHECK_EQ(nout, 4);
	drive(rnd);
	CHECK_EQ(ndone, 1);
	CHECK_EQ(last_error, 0);
	CHECK_EQ(nreqs, 13);		/* of 64 sectors each */
	CHECK_EQ(media[8 * 512 - 1], 0);
	CHECK_EQ(media[8 * 512], 0x41);
	CHECK_EQ(media[8 * 512 + 100 * PAGE_SIZE - 1], 0x41);
	CHECK_EQ(media[8 * 512 + 100 * PAGE_SIZE], 0);
	CHECK_EQ(dk->d_stats.ds_ios[1], 1);
	CHECK_EQ(dk->d_stats.ds_sectors[1], 800);
	CHECK_EQ(dk->d_stats.ds_inflight[1], 0);
	bio_free(b);
	teardown();
}

TEST(neighbours_are_merged)
{
	struct bio *b[8];
	unsigned int i;

	setup(1);
	lazy = true;
	/* The first occupies the driver. */
	for (i = 0; i < 8; i++) {
		b[i] = make(BIO_WRITE, 0, i == 0 ? 1000 : 8 * i, i, 1);
		memset(fake_memory + i * PAGE_SIZE, (int)i, PAGE_SIZE);
		bio_submit(b[i]);
	}
	drive(NULL);
	CHECK_EQ(nreqs, 2);
	CHECK_EQ(ndone, 8);
	CHECK_EQ(dk->d_stats.ds_merges[1], 6);
	for (i = 1; i < 8; i++)
		CHECK_EQ(media[8 * 512 * i], i);
	for (i = 0; i < 8; i++)
		bio_free(b[i]);
	teardown();
}

TEST(flushes_are_made_where_there_is_a_cache)
{
	struct bio *b;

	setup(4);
	/* No cache: nothing to do. */
	CHECK_EQ(disk_flush(dk), 0);
	b = make(BIO_WRITE, BIO_PREFLUSH | BIO_FUA, 0, 0, 1);
	bio_submit(b);
	CHECK_EQ(nflushes, 0);
	CHECK_EQ(nreqs, 1);
	/* Before and after. */
	dk->d_limits.dl_flush = true;
	bio_submit(b);
	CHECK_EQ(nflushes, 2);
	CHECK_EQ(nreqs, 4);
	dk->d_limits.dl_fua = true;
	bio_submit(b);
	CHECK_EQ(nflushes, 3);
	CHECK_EQ(nreqs, 6);
	CHECK_EQ(disk_flush(dk), 0);
	CHECK_EQ(nflushes, 4);
	CHECK_EQ(ndone, 3);
	/* An empty write is a flush. */
	bio_init(b, dk, BIO_WRITE, BIO_PREFLUSH, 0, b->b_segs, b->b_maxsegs);
	b->b_done = count;
	bio_submit(b);
	CHECK_EQ(nflushes, 5);
	CHECK_EQ(ndone, 4);
	bio_free(b);
	teardown();
}

TEST(a_failed_flush_fails_the_write)
{
	struct bio *b;

	setup(4);
	lazy = true;
	dk->d_limits.dl_flush = true;
	b = make(BIO_WRITE, BIO_PREFLUSH, 0, 0, 1);
	bio_submit(b);
	CHECK_EQ(nout, 1);
	finish(0, EIO);
	CHECK_EQ(ndone, 1);
	CHECK_EQ(last_error, EIO);
	CHECK_EQ(nreqs, 0);
	bio_free(b);
	teardown();
}

TEST(an_error_ends_the_rest)
{
	struct bio *b;

	setup(2);
	lazy = true;
	b = make(BIO_READ, 0, 0, 0, 100);
	bio_submit(b);
	CHECK_EQ(nout, 2);
	finish(0, EIO);
	CHECK_EQ(ndone, 0);		/* one is still under way */
	finish(0, 0);
	CHECK_EQ(ndone, 1);
	CHECK_EQ(last_error, EIO);
	drv_start(&dk->d_queues[0]);
	CHECK_EQ(nout, 0);
	bio_free(b);
	teardown();
}

TEST(what_cannot_be_is_refused)
{
	struct bio *b;

	setup(2);
	b = make(BIO_READ, 0, SECTORS - 4, 0, 1);
	CHECK_EQ(bio_wait(b), EIO);
	b->b_sector = UINT64_MAX - 3;
	CHECK_EQ(bio_wait(b), EIO);
	dk->d_limits.dl_lbs = 4096;
	b->b_sector = 4;
	CHECK_EQ(bio_wait(b), EINVAL);
	b->b_sector = 8;
	CHECK_EQ(bio_wait(b), 0);
	b->b_op = BIO_DISCARD;
	CHECK_EQ(bio_wait(b), EOPNOTSUPP);
	b->b_op = BIO_WRITE;
	dk->d_flags |= DISK_RDONLY;
	CHECK_EQ(bio_wait(b), EROFS);
	dk->d_flags |= DISK_NOMEDIUM;
	CHECK_EQ(bio_wait(b), ENOMEDIUM);
	disk_gone(dk);
	CHECK_EQ(bio_wait(b), EIO);
	bio_free(b);
	teardown();
}

TEST(a_discard_is_cut_too)
{
	struct bio b;

	setup(2);
	dk->d_limits.dl_maxdiscard = 100;
	bio_init(&b, dk, BIO_DISCARD, 0, 16, NULL, 0);
	b.b_len = 250 * 512;
	CHECK_EQ(bio_wait(&b), 0);
	CHECK_EQ(nreqs, 3);
	CHECK_EQ(media[16 * 512 - 1], 0);
	CHECK_EQ(media[16 * 512], 0xdd);
	CHECK_EQ(media[266 * 512 - 1], 0xdd);
	CHECK_EQ(media[266 * 512], 0);
	teardown();
}

TEST(a_disk_that_vanishes_ends_what_waits)
{
	struct bio *b[6];
	unsigned int i;

	setup(2);
	lazy = true;
	for (i = 0; i < 6; i++) {
		b[i] = make(BIO_WRITE, 0, 100 * i, i, 1);
		bio_submit(b[i]);
	}
	CHECK_EQ(nout, 2);
	disk_gone(dk);
	CHECK_EQ(ndone, 4);
	CHECK_EQ(last_error, EIO);
	disk_requeue(out[--nout]);	/* there is no later */
	CHECK_EQ(ndone, 5);
	finish(0, 0);
	CHECK_EQ(ndone, 6);
	CHECK_EQ(last_error, 0);
	for (i = 0; i < 6; i++)
		bio_free(b[i]);
	teardown();
}

/*
 * Bios that touch each sector once at most, with limits that change and
 * requests that are given back: every byte gets where it belongs.
 */
static void
shuffle_round(unsigned int round)
{
	struct bio *b[40];
	unsigned int i, j, n = 0, page = 0, sector = 0, pages, k, off;
	unsigned char *want = host_alloc(16, sizeof(media));

	memcpy(want, media, sizeof(media));
	ndone = 0;
	while (n < 40 && page < PAGES - 20) {
		pages = 1 + rnd(12);
		sector += rnd(3) == 0 ? rnd(40) : 0;
		if (sector + pages * 8 > SECTORS)
			break;
		b[n] = bio_alloc(dk, rnd(4) == 0 ? BIO_READ : BIO_WRITE,
		    (rnd(2) ? BIO_SYNC : 0) | (rnd(9) ? 0 : BIO_FUA) |
		    (rnd(9) ? 0 : BIO_PREFLUSH), sector, pages * 2, KM_SLEEP);
		if (b[n]->b_op == BIO_READ)
			b[n]->b_flags = 0;
		b[n]->b_done = count;
		for (i = 0; i < pages; i++, page++) {
			k = 1 + rnd(8);
			off = rnd(9 - k) * 512;
			memset(fake_memory + page * PAGE_SIZE,
			    (int)(round + page), PAGE_SIZE);
			CHECK(bio_add(b[n], VM_PAGE(page), off, k * 512));
			for (j = 0; j < k * 512 && b[n]->b_op == BIO_WRITE; j++)
				want[(size_t)sector * 512 + b[n]->b_len -
				    k * 512 + j] = (unsigned char)(round +
				    page);
		}
		sector += (unsigned int)(b[n]->b_len >> 9);
		n++;
	}
	for (i = n; i > 0; i--) {
		j = rnd(i);
		bio_submit(b[j]);
		/* Not in their order: swapped with the last. */
		struct bio *t = b[j];
		b[j] = b[i - 1];
		b[i - 1] = t;
		if (rnd(4) == 0 && nout > 0)
			finish(rnd(nout), 0);
		if (rnd(10) == 0) {
			/* Back with them; other limits. */
			disk_queue_stop(&dk->d_queues[0]);
			while (nout > 0) {
				k = rnd(nout);
				disk_requeue(out[k]);
				out[k] = out[--nout];
			}
			dk->d_limits.dl_maxsectors = 8 + rnd(200);
			dk->d_limits.dl_maxsegs = 1 + rnd(40);
			disk_queue_start(&dk->d_queues[0]);
		}
	}
	drive(rnd);
	CHECK_EQ(ndone, n);
	CHECK(memcmp(media, want, sizeof(media)) == 0);
	for (i = 0; i < n; i++) {
		CHECK_EQ(b[i]->b_error, 0);
		if (b[i]->b_op == BIO_READ) {
			off = 0;
			for (j = 0; j < b[i]->b_nsegs; j++) {
				CHECK(memcmp((char *)VM_PAGE_TO_KVA(
				    b[i]->b_segs[j].bs_page) +
				    b[i]->b_segs[j].bs_off, want +
				    b[i]->b_sector * 512 + off,
				    b[i]->b_segs[j].bs_len) == 0);
				off += b[i]->b_segs[j].bs_len;
			}
		}
		bio_free(b[i]);
	}
	host_free(want);
}

TEST(every_byte_gets_where_it_belongs)
{
	unsigned int round;

	setup(5);
	lazy = true;
	for (round = 0; round < 300; round++) {
		dk->d_limits.dl_flush = rnd(2) != 0;
		dk->d_limits.dl_fua = rnd(2) != 0;
		shuffle_round(round);
	}
	CHECK_EQ(dk->d_stats.ds_inflight[0] + dk->d_stats.ds_inflight[1], 0);
	teardown();
}

TEST(kernel_memory_of_any_length)
{
	char *p;

	setup(3);
	memset(media, 0x77, sizeof(media));
	p = fake_memory + 1024;
	memset(p, 0x22, 300 * 512);
	CHECK_EQ(disk_rw(dk, BIO_WRITE, 0, 7, p, 300 * 512), 0);
	CHECK_EQ(media[7 * 512 - 1], 0x77);
	CHECK_EQ(media[7 * 512], 0x22);
	CHECK_EQ(media[307 * 512 - 1], 0x22);
	CHECK_EQ(media[307 * 512], 0x77);
	CHECK_EQ(disk_rw(dk, BIO_READ, 0, 1000, p, 2000 * 512), 0);
	CHECK_EQ(p[2000 * 512 - 1], 0x77);
	teardown();
}

/* ---- partitions and openers ---- */

static void
two_parts(void)
{
	memset(table, 0, sizeof(table));
	table[0].dp_number = 1;
	table[0].dp_start = 64;
	table[0].dp_sectors = 1000;
	table[1].dp_number = 20;	/* beyond the disk's own minors */
	table[1].dp_start = 2048;
	table[1].dp_sectors = 2048;
	ntable = 2;
	CHECK_EQ(disk_rescan(dk), 0);
}

TEST(a_partition_is_a_piece_of_the_disk)
{
	struct disk *p, *q;

	setup(2);
	two_parts();
	CHECK_EQ(added, 3);
	p = disk_lookup("/dev/xvda1");
	q = disk_lookup("xvda20");
	CHECK(p != NULL && q != NULL);
	CHECK_EQ(p->d_dev, makedev(202, 1));
	CHECK_EQ(major(q->d_dev), 259);
	CHECK(disk_lookup("xvda2") == NULL);
	memset(fake_memory, 0x66, PAGE_SIZE);
	CHECK_EQ(disk_rw(p, BIO_WRITE, 0, 992, fake_memory, 4096), 0);
	CHECK_EQ(media[(64 + 992) * 512], 0x66);
	CHECK_EQ(disk_rw(p, BIO_WRITE, 0, 993, fake_memory, 4096), EIO);
	CHECK_EQ(p->d_stats.ds_ios[1], 1);
	CHECK_EQ(dk->d_stats.ds_ios[1], 1);
	/* It shrinks under the second. */
	disk_resize(dk, 3000);
	CHECK_EQ(disk_rw(q, BIO_READ, 0, 0, fake_memory, 4096), 0);
	CHECK_EQ(disk_rw(q, BIO_READ, 0, 1000, fake_memory, 4096), EIO);
	disk_put(p);
	disk_put(q);
	teardown();
}

static unsigned int told_size, told_gone;

static void
size_changed(struct disk_holder *dh)
{
	CHECK(dh->dh_disk != NULL);
	told_size++;
}

static void
went(struct disk_holder *dh __unused)
{
	told_gone++;
}

TEST(claims_exclude_each_other)
{
	struct disk_holder a = { .dh_resized = size_changed, .dh_gone = went };
	struct disk_holder b = { 0 }, c = { 0 };
	struct disk *p, *q;

	setup(2);
	two_parts();
	p = disk_lookup("xvda1");
	q = disk_lookup("xvda20");
	CHECK_EQ(disk_open(p, &a, DISK_READ | DISK_EXCL, &a), 0);
	CHECK_EQ(disk_open(p, &b, DISK_READ | DISK_EXCL, &b), EBUSY);
	CHECK_EQ(disk_open(dk, &b, DISK_READ | DISK_EXCL, &b), EBUSY);
	CHECK_EQ(disk_open(q, &b, DISK_READ | DISK_EXCL, &b), 0);
	CHECK_EQ(disk_open(p, &c, DISK_READ | DISK_EXCL, &a), 0);
	disk_close(&c);
	CHECK_EQ(disk_open(p, &c, DISK_READ, NULL), 0);
	CHECK(disk_busy(dk) && disk_claimed(dk));
	CHECK_EQ(disk_rescan(dk), EBUSY);
	CHECK_EQ(disk_part_del(dk, 1), EBUSY);
	disk_close(&c);
	disk_close(&b);
	disk_resize(dk, 5000);
	CHECK_EQ(told_size, 1);
	disk_gone(dk);
	CHECK_EQ(told_gone, 1);
	CHECK_EQ(disk_open(p, &b, DISK_READ, NULL), ENXIO);
	disk_close(&a);
	CHECK(!disk_busy(dk) && !disk_claimed(dk));
	disk_put(p);
	disk_put(q);
	CHECK(disk_lookup("xvda") == NULL);
	teardown();
}

TEST(partitions_by_hand)
{
	struct disk_part dp = { .dp_number = 3, .dp_start = 10,
	    .dp_sectors = 20 };
	static const char *const order[] = {
		"xvda", "xvda1", "xvda3", "xvda20"
	};
	struct disk *d;
	unsigned int n = 0;

	setup(2);
	two_parts();
	CHECK_EQ(disk_part_add(dk, &dp), 0);
	CHECK_EQ(disk_part_add(dk, &dp), EBUSY);
	dp.dp_number = 4;
	CHECK_EQ(disk_part_add(dk, &dp), EBUSY);	/* overlaps */
	dp.dp_start = SECTORS;
	CHECK_EQ(disk_part_add(dk, &dp), EINVAL);
	CHECK_EQ(disk_part_resize(dk, 3, 54), 0);
	CHECK_EQ(disk_part_resize(dk, 3, 55), EBUSY);
	CHECK_EQ(disk_part_resize(dk, 5, 55), ENXIO);
	/* Listed behind their disk, by number. */
	for (d = disk_next_in_list(NULL); d != NULL;
	    d = disk_next_in_list(d))
		CHECK_STR(d->d_name, order[n++]);
	CHECK_EQ(n, 4);
	CHECK_EQ(disk_part_del(dk, 3), 0);
	CHECK_EQ(disk_part_del(dk, 3), ENXIO);
	teardown();
}

static void
attempt(void)
{
	struct disk *d;

	if (disk_create("sda", &drv_ops, 3, 4, &d) != 0)
		return;
	d->d_dev = makedev(8, 0);
	d->d_sectors = SECTORS;
	CHECK_EQ(disk_attach(d), 0);
	disk_gone(d);
	disk_put(d);
}

TEST(no_memory)
{
	setup(2);
	two_parts();
	KTEST_NTH_FAIL(attempt());
	CHECK_EQ(disk_attach(dk), EEXIST);
	disk_put(dk);
	dk->d_ref++;
	teardown();
}
