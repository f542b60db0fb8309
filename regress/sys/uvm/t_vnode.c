/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache over a small file system whose disk is an array, and whose
 * transfers end late, in any order, or with an error.
 */
/* sources: sys/uvm/uvm_page.c sys/uvm/uvm_pdaemon.c sys/uvm/uvm_kmem.c
 * sys/uvm/uvm_kmem_debug.c sys/uvm/uvm_km.c sys/uvm/uvm_radix.c
 * sys/uvm/uvm_amap.c
 * sys/uvm/uvm_swap.c sys/uvm/uvm_swapout.c
 * sys/uvm/uvm_map.c sys/uvm/uvm_mmap.c
 * sys/uvm/uvm_madvise.c sys/uvm/uvm_fault.c sys/uvm/uvm_object.c
 * sys/uvm/uvm_aobj.c sys/uvm/uvm_vmspace.c sys/uvm/uvm_vnode.c
 * sys/uvm/uvm_vnode_io.c sys/uvm/uvm_vnode_lru.c sys/uvm/uvm_vnode_write.c
 * sys/uvm/uvm_vnode_direct.c regress/sys/uvm/fake_pmap.c */
/* cflags: -DFAKE_PMAP -DDEBUG */
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <uvm/uvm.h>
#include <uvm/uvm_vnode.h>

#include <ktest.h>

extern size_t fake_uiomove_most;
extern void (*fake_uiomove_hook)(void), (*fake_uiomove_done)(void);
extern bool fake_threads;

#define	FILESIZE	(400 * 1024)
#define	NBLOCKS		2048

static uint32_t seed = 11;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* -- the disk -- */

static unsigned char media[NBLOCKS * 4096];
static struct disk disk = {
	.d_name = "fake", .d_whole = &disk, .d_limits.dl_lbs = 512,
};
static struct bio *queue[256];
static unsigned int queued, transfers;
static unsigned int fail_one_in;	/* 0: never */
static uint64_t bad_byte = UINT64_MAX;	/* transfers of it fail */
static bool at_once;

void
bio_init(struct bio *b, struct disk *d, enum bio_op op, unsigned int flags,
    uint64_t sector, struct bio_seg *segs, unsigned int maxsegs)
{
	memset(b, 0, sizeof(*b));
	b->b_disk = d;
	b->b_op = op;
	b->b_flags = flags;
	b->b_sector = sector;
	b->b_segs = segs;
	b->b_maxsegs = maxsegs;
}

struct bio *
bio_alloc(struct disk *d, enum bio_op op, unsigned int flags, uint64_t sector,
    unsigned int maxsegs, int kmflags)
{
	struct bio *b = kmem_alloc(sizeof(*b) +
	    maxsegs * sizeof(struct bio_seg), kmflags);

	if (b != NULL)
		bio_init(b, d, op, flags, sector, (struct bio_seg *)(b + 1),
		    maxsegs);
	return b;
}

void
bio_free(struct bio *b)
{
	kmem_free(b, sizeof(*b) + b->b_maxsegs * sizeof(struct bio_seg));
}

bool
bio_add(struct bio *b, struct vm_page *pg, unsigned int off, unsigned int len)
{
	if (b->b_nsegs == b->b_maxsegs)
		return false;
	b->b_segs[b->b_nsegs++] = (struct bio_seg){ pg, (uint16_t)off,
	    (uint16_t)len };
	b->b_len += len;
	return true;
}

static void
transfer_end(struct bio *b)
{
	uint64_t at = b->b_sector << SECTOR_SHIFT;

	CHECK(at + b->b_len <= sizeof(media));
	if ((fail_one_in != 0 && rnd(fail_one_in) == 0) ||
	    (bad_byte >= at && bad_byte < at + b->b_len))
		b->b_error = EIO;
	for (unsigned int i = 0; i < b->b_nsegs && b->b_error == 0; i++) {
		struct bio_seg *s = &b->b_segs[i];
		char *p = (char *)VM_PAGE_TO_KVA(s->bs_page) + s->bs_off;

		if (b->b_op == BIO_READ)
			memcpy(p, media + at, s->bs_len);
		else
			memcpy(media + at, p, s->bs_len);
		at += s->bs_len;
	}
	transfers++;
	b->b_done(b);
}

void
bio_submit(struct bio *b)
{
	CHECK(b->b_nsegs > 0);
	if (at_once) {
		transfer_end(b);
		return;
	}
	CHECK(queued < __arraycount(queue));
	queue[queued++] = b;
}

static bool
finish_one(const char *wchan __unused)
{
	struct bio *b;
	unsigned int i;

	if (queued == 0)
		return false;
	i = rnd(queued);
	b = queue[i];
	queue[i] = queue[--queued];
	transfer_end(b);
	return true;
}

/* -- the file system -- */

static struct mount mnt;
static unsigned int bsize;
static uint32_t where[FILESIZE / 512 + 64];	/* by file block; 0: a hole */
static bool reserved[FILESIZE / 512 + 64];
static bool used[NBLOCKS * 4];
static size_t free_blocks;
static off_t inode_size;
static unsigned int writing;

static void
run_of(off_t off, off_t len, struct vnode_map *m)
{
	size_t b = (size_t)off / bsize, n = 1, max = (size_t)len / bsize;

	CHECK_EQ(off % bsize, 0);
	CHECK(len > 0 && len % bsize == 0);
	while (n < max && rnd(8) != 0 && (where[b] == 0 ? where[b + n] == 0 :
	    where[b + n] == where[b] + n))
		n++;
	m->vm_off = off;
	m->vm_len = (off_t)(n * bsize);
	m->vm_kind = where[b] == 0 ? VM_HOLE : VM_MAPPED;
	m->vm_disk = (uint64_t)where[b] * bsize;
	m->vm_flags = 0;
}

static int
fs_bmap(struct vnode *vp __unused, off_t off, off_t len, struct vnode_map *m)
{
	run_of(off, len, m);
	return 0;
}

static int
fs_reserve(struct vnode *vp __unused, off_t off, off_t len)
{
	size_t first = (size_t)off / bsize;
	size_t last = ((size_t)(off + len) + bsize - 1) / bsize, need = 0;

	for (size_t b = first; b < last; b++)
		need += where[b] == 0 && !reserved[b];
	if (need > free_blocks)
		return ENOSPC;
	free_blocks -= need;
	for (size_t b = first; b < last; b++)
		if (where[b] == 0)
			reserved[b] = true;
	return 0;
}

static uint32_t
new_block(void)
{
	uint32_t b = rnd(4) != 0 ? 8 : 8 + rnd(1000);

	while (used[b])
		b++;
	CHECK((uint64_t)b * bsize < sizeof(media));
	used[b] = true;
	return b;
}

static int
fs_writemap(struct vnode *vp __unused, off_t off, off_t len,
    struct vnode_map *m)
{
	size_t b = (size_t)off / bsize, n = (size_t)len / bsize;

	for (size_t i = b; i < b + n; i++) {
		if (where[i] != 0)
			continue;
		CHECK(reserved[i]);
		reserved[i] = false;
		where[i] = new_block();
	}
	run_of(off, len, m);
	writing++;
	return 0;
}

static int
fs_writedone(struct vnode *vp __unused, const struct vnode_map *m __unused,
    int error __unused)
{
	writing--;
	return 0;
}

static void
fs_extend(struct vnode *vp __unused, off_t end)
{
	inode_size = MAX(inode_size, end);
}

static const struct vops fs_vops = {
	.vop_bmap = fs_bmap,
	.vop_reserve = fs_reserve,
	.vop_writemap = fs_writemap,
	.vop_writedone = fs_writedone,
	.vop_extend = fs_extend,
};

static struct vnode file;

struct vnode *
vref(struct vnode *vp)
{
	vp->v_ref++;
	return vp;
}

void
vrele(struct vnode *vp)
{
	CHECK(vp->v_ref > 0);
	vp->v_ref--;
}

static void
setup(unsigned int blocksize, uintptr_t pages)
{
	fake_threads = true;
	shim_sleep_hook = finish_one;
	fake_init(0, pages);
	uvm_vnode_init();
	bsize = blocksize;
	free_blocks = NBLOCKS * 4096 / 2 / bsize;
	memset(media, 0xdb, sizeof(media));
	memset(&file, 0, sizeof(file));
	file.v_ref = 1;
	file.v_ops = &fs_vops;
	file.v_mount = &mnt;
	file.v_bsize = bsize;
	CHECK_EQ(uvm_vnode_attach(&file, &disk, 0), 0);
}

static int how;				/* IO_* of all transfers */

static int
move(size_t off, void *buf, size_t len, enum uio_rw rw, size_t *done)
{
	struct iovec iov = { buf, len };
	struct uio uio = { .uio_iov = &iov, .uio_iovcnt = 1, .uio_resid = len,
	    .uio_offset = (off_t)off, .uio_rw = rw, .uio_seg = UIO_SYSSPACE,
	    .uio_flags = how };
	int error = rw == UIO_READ ? uvm_vnode_read(&file, &uio) :
	    uvm_vnode_write(&file, &uio);

	*done = len - uio.uio_resid;
	return error;
}

/* Blocks the truncated file gives back. */
static void
fs_setsize(size_t size)
{
	CHECK_EQ(uvm_vnode_setsize(&file, size), 0);
	inode_size = (off_t)size;
	for (size_t b = (size + bsize - 1) / bsize; b < __arraycount(where);
	    b++) {
		free_blocks += reserved[b] || where[b] != 0;
		used[where[b]] = false;
		reserved[b] = false;
		where[b] = 0;
	}
}

/* Everything is forgotten but the disk; then it is read again. */
static void
forget(void)
{
	CHECK_EQ(uvm_vnode_sync_all(NULL), 0);
	CHECK_EQ(uvmexp.dirty, 0);
	CHECK_EQ(uvmexp.writeback, 0);
	CHECK_EQ(writing, 0);
	CHECK_EQ(file.v_ref, 1);
	uvm_vnode_detach(&file);
	CHECK_EQ(uvmexp.active + uvmexp.inactive, 0);
	CHECK_EQ(uvm_vnode_attach(&file, &disk, (uint64_t)inode_size), 0);
}

static unsigned char model[FILESIZE] __aligned(512);
static unsigned char buf[FILESIZE] __aligned(512);

static void
check_read(size_t off, size_t n, size_t size)
{
	size_t done, want = off >= size ? 0 : MIN(n, size - off);

	CHECK_EQ(move(off, buf, n, UIO_READ, &done), 0);
	CHECK_EQ(done, want);
	CHECK(memcmp(buf, model + off, done) == 0);
}

/* What was written past the cache is on the disk, whatever is in the cache. */
static void
check_media(size_t off, size_t n)
{
	for (; n > 0; off += 512, n -= 512) {
		CHECK(where[off / bsize] != 0);
		CHECK(memcmp(media + (size_t)where[off / bsize] * bsize +
		    off % bsize, model + off, MIN(n, 512)) == 0);
		if (n < 512)
			break;
	}
}

static size_t
write_direct(size_t off, size_t n)
{
	size_t done;

	for (size_t i = 0; i < n; i++)
		buf[i] = (unsigned char)rnd(256);
	if (rnd(10) == 0)
		fake_uiomove_most = rnd((uint32_t)n + 1);
	how = IO_DIRECT;
	(void)move(off, buf, n, UIO_WRITE, &done);
	how = 0;
	fake_uiomove_most = SIZE_MAX;
	memcpy(model + off, buf, done);
	check_media(off, done);
	return done;
}

static void
like_an_array(unsigned int blocksize)
{
	size_t size = 0, done;

	setup(blocksize, 4000);
	for (int step = 0; step < 4000; step++) {
		size_t off = rnd(FILESIZE), n = rnd(20000);

		n = MIN(n, FILESIZE - off);
		if (rnd(3) == 0)
			off = rounddown2(off, PAGE_SIZE);
		switch (rnd(16)) {
		case 0: case 1: case 2: case 3: case 4:
			for (size_t i = 0; i < n; i++)
				buf[i] = (unsigned char)rnd(256);
			if (rnd(10) == 0)
				fake_uiomove_most = rnd((uint32_t)n + 1);
			(void)move(off, buf, n, UIO_WRITE, &done);
			fake_uiomove_most = SIZE_MAX;
			memcpy(model + off, buf, done);
			if (done != 0)
				size = MAX(size, off + done);
			break;
		case 5:
			if (rnd(3) != 0)
				break;
			if (off < size)
				memset(model + off, 0, size - off);
			size = off;
			fs_setsize(off);
			break;
		case 6:
			CHECK_EQ(uvm_vnode_sync(&file, off, off + n), 0);
			break;
		case 7:
			if (rnd(6) == 0)
				forget();
			break;
		case 8:
			(void)shrinker_run(rnd(50));
			break;
		case 9:
			(void)finish_one(NULL);
			break;
		case 10:
			done = write_direct(rounddown2(off, 512),
			    rounddown2(n, 512));
			if (done != 0)
				size = MAX(size, rounddown2(off, 512) + done);
			break;
		case 11:
			how = IO_DIRECT;
			check_read(rounddown2(off, 512), rounddown2(n, 512),
			    size);
			how = 0;
			break;
		default:
			check_read(off, n, size);
		}
		CHECK_EQ(inode_size, size);
	}
	forget();
	check_read(0, FILESIZE, size);
	fs_setsize(0);
	CHECK_EQ(free_blocks, NBLOCKS * 4096 / 2 / bsize);
	forget();
	uvm_vnode_detach(&file);
	CHECK_EQ(uvmexp.file, 0);
}

TEST(random_use_like_a_byte_array)
{
	like_an_array(4096);
}

TEST(random_use_with_small_blocks)
{
	like_an_array(1024);
}

TEST(advice_reads_what_is_missing_and_does_not_wait)
{
	size_t done;

	setup(4096, 4000);
	memset(model, 1, sizeof(model));
	CHECK_EQ(move(0, model, FILESIZE, UIO_WRITE, &done), 0);
	forget();
	memset(where, 0, sizeof(where));
	for (unsigned int i = 0; i < FILESIZE / 4096; i++)
		where[i] = 8 + i;
	/* Beyond the end: nothing; across it: what there is. */
	uvm_vnode_willneed(&file, FILESIZE, UINT64_MAX);
	CHECK_EQ(queued, 0);
	uvm_vnode_willneed(&file, 5000, UINT64_MAX);
	CHECK(queued > 0);
	while (finish_one(NULL))
		;
	transfers = 0;
	CHECK_EQ(move(4096, buf, FILESIZE - 4096, UIO_READ, &done), 0);
	CHECK_EQ(transfers, 0);
	CHECK_EQ(move(0, buf, 4096, UIO_READ, &done), 0);
	CHECK(transfers > 0);
	while (finish_one(NULL))
		;
	uvm_vnode_detach(&file);
}

TEST(a_sequential_reader_is_read_ahead_for)
{
	size_t done;

	setup(4096, 4000);
	memset(model, 1, sizeof(model));
	CHECK_EQ(move(0, model, FILESIZE, UIO_WRITE, &done), 0);
	forget();
	memset(where, 0, sizeof(where));
	for (unsigned int i = 0; i < FILESIZE / 4096; i++)
		where[i] = 8 + i;
	transfers = 0;
	for (size_t off = 0; off < FILESIZE; off += 4096)
		CHECK_EQ(move(off, buf, 4096, UIO_READ, &done), 0);
	while (finish_one(NULL))
		;
	CHECK(transfers < FILESIZE / 4096 / 2);
	uvm_vnode_detach(&file);
}

TEST(a_bad_sector_is_an_error_where_it_is)
{
	size_t done;

	setup(4096, 4000);
	memset(model, 7, sizeof(model));
	CHECK_EQ(move(0, model, 20 * 4096, UIO_WRITE, &done), 0);
	forget();
	bad_byte = (uint64_t)where[5] * 4096 + 100;
	CHECK_EQ(move(0, buf, 20 * 4096, UIO_READ, &done), EIO);
	CHECK_EQ(done, 5 * 4096);
	CHECK_EQ(move(6 * 4096, buf, 14 * 4096, UIO_READ, &done), 0);
	CHECK_EQ(done, 14 * 4096);
	CHECK_EQ(buf[0], 7);
	CHECK_EQ(move(5 * 4096, buf, 10, UIO_READ, &done), EIO);
	bad_byte = UINT64_MAX;
	CHECK_EQ(move(5 * 4096, buf, 10, UIO_READ, &done), 0);
	while (finish_one(NULL))
		;
	uvm_vnode_detach(&file);
}

TEST(fsync_tells_of_a_failed_write_once)
{
	size_t done;

	setup(4096, 4000);
	fail_one_in = 1;
	CHECK_EQ(move(0, model, 4096, UIO_WRITE, &done), 0);
	CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), EIO);
	CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), 0);
	fail_one_in = 0;
	CHECK_EQ(uvm_vnode_sync_all(NULL), 0);
	CHECK_EQ(file.v_ref, 1);
	uvm_vnode_detach(&file);
}

TEST(direct_transfers_are_aligned)
{
	size_t done;

	setup(4096, 4000);
	CHECK_EQ(move(0, model, 8192, UIO_WRITE, &done), 0);
	how = IO_DIRECT;
	CHECK_EQ(move(100, buf, 512, UIO_WRITE, &done), EINVAL);
	CHECK_EQ(move(0, buf, 100, UIO_WRITE, &done), EINVAL);
	CHECK_EQ(move(0, buf + 8, 512, UIO_WRITE, &done), EINVAL);
	CHECK_EQ(move(100, buf, 512, UIO_READ, &done), EINVAL);
	CHECK_EQ(move(0, buf, 100, UIO_READ, &done), EINVAL);
	CHECK_EQ(move(0, buf + 8, 512, UIO_READ, &done), EINVAL);
	CHECK_EQ(done, 0);
	disk.d_limits.dl_lbs = 4096;
	CHECK_EQ(move(0, buf, 512, UIO_READ, &done), EINVAL);
	CHECK_EQ(move(4096, buf, 4096, UIO_READ, &done), 0);
	CHECK_EQ(done, 4096);
	disk.d_limits.dl_lbs = 512;
	how = 0;
	CHECK_EQ(uvm_vnode_sync_all(NULL), 0);
	uvm_vnode_detach(&file);
}

/* Blocks that the file has are written where they are, and not cached. */
TEST(direct_writes_leave_nothing_behind)
{
	size_t done;

	setup(4096, 4000);
	CHECK_EQ(move(0, model, 40 * 4096, UIO_WRITE, &done), 0);
	CHECK(!uvm_vnode_overwrites(&file, 0, 4096));
	forget();
	CHECK(uvm_vnode_overwrites(&file, 0, 40 * 4096));
	CHECK(!uvm_vnode_overwrites(&file, 0, 40 * 4096 + 1));
	memset(buf, 5, sizeof(buf));
	how = IO_DIRECT;
	CHECK_EQ(move(512, buf, 39 * 4096, UIO_WRITE, &done), 0);
	CHECK_EQ(done, 39 * 4096);
	CHECK_EQ(uvmexp.file, 0);
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(move(0, buf, 40 * 4096, UIO_READ, &done), 0);
	CHECK_EQ(uvmexp.file, 0);
	CHECK_EQ(buf[511], 0);
	CHECK_EQ(buf[512], 5);
	CHECK_EQ(buf[39 * 4096 + 511], 5);
	CHECK_EQ(buf[39 * 4096 + 512], 0);
	how = 0;
	uvm_vnode_detach(&file);
}

TEST(a_direct_write_that_fails_does_not_count)
{
	size_t done;

	setup(4096, 4000);
	memset(model, 7, sizeof(model));
	CHECK_EQ(move(0, model, 8 * 4096, UIO_WRITE, &done), 0);
	CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), 0);
	bad_byte = (uint64_t)where[0] * 4096;
	memset(buf, 8, sizeof(buf));
	how = IO_DIRECT;
	CHECK_EQ(move(0, buf, 4096, UIO_WRITE, &done), EIO);
	CHECK_EQ(done, 0);
	CHECK_EQ(move(0, buf, 4096, UIO_READ, &done), EIO);
	bad_byte = UINT64_MAX;
	how = 0;
	/* The cache says what the disk says. */
	CHECK_EQ(move(0, buf, 4096, UIO_READ, &done), 0);
	CHECK_EQ(buf[100], 7);
	/* Behind the end, too: nothing was written. */
	how = IO_DIRECT;
	fail_one_in = 1;
	CHECK_EQ(move(8 * 4096, buf, 4096, UIO_WRITE, &done), EIO);
	CHECK_EQ(done, 0);
	fail_one_in = 0;
	how = 0;
	CHECK_EQ(uvm_vnode_sync_all(NULL), 0);
	uvm_vnode_detach(&file);
}

TEST(no_space_is_known_at_the_write)
{
	size_t done;

	setup(4096, 4000);
	free_blocks = 70;
	CHECK_EQ(move(0, model, 100 * 4096, UIO_WRITE, &done), ENOSPC);
	CHECK_EQ(done, 64 * 4096);
	CHECK_EQ(inode_size, 64 * 4096);
	CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), 0);
	CHECK_EQ(uvm_vnode_sync_all(NULL), 0);
	uvm_vnode_detach(&file);
}

static void
sync_now(void)
{
	fake_uiomove_hook = fake_uiomove_done = NULL;
	CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), 0);
}

/* The second piece begins: the first is dirty. */
static void
sync_at_the_next(void)
{
	fake_uiomove_hook = sync_now;
}

static void
append_twice(void (*before)(void), void (*done)(void))
{
	size_t n;

	setup(1024, 4000);
	for (n = 0; n < 9000; n++)
		model[n] = (unsigned char)(rnd(255) + 1);
	CHECK_EQ(move(0, model, 3000, UIO_WRITE, &n), 0);
	fake_uiomove_hook = before;
	fake_uiomove_done = done;
	CHECK_EQ(move(3000, model + 3000, 6000, UIO_WRITE, &n), 0);
	CHECK_EQ(n, 6000);
	sync_now();
	check_read(0, 9000, 9000);
	CHECK_EQ(inode_size, 9000);
	forget();
	check_read(0, 9000, 9000);
	uvm_vnode_detach(&file);
}

/* Somebody's sync in the middle of a write that makes the file longer. */
TEST(a_sync_while_a_page_is_copied)
{
	append_twice(NULL, sync_now);
}

TEST(a_sync_between_two_pages)
{
	append_twice(sync_at_the_next, NULL);
}

/* Each page was used twice: none goes at the first look. */
TEST(a_cache_that_is_all_in_use_shrinks_at_once)
{
	size_t done;

	setup(4096, 4000);
	CHECK_EQ(move(0, model, 100 * 4096, UIO_WRITE, &done), 0);
	CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(move(0, buf, 100 * 4096, UIO_READ, &done), 0);
	CHECK_EQ(uvmexp.active, 100);
	CHECK_EQ(uvmexp.inactive, 0);
	CHECK_EQ(shrinker_run(5), 5);
	CHECK_EQ(uvm_vnode_sync_all(NULL), 0);
	uvm_vnode_detach(&file);
}

TEST(a_deleted_file_is_not_written)
{
	size_t done;

	setup(4096, 4000);
	CHECK_EQ(move(0, model, 50 * 4096, UIO_WRITE, &done), 0);
	file.v_flags |= VV_DELETED;
	file.v_ref--;			/* only the cache has it now */
	transfers = 0;
	CHECK_EQ(uvm_vnode_sync_all(NULL), 0);
	CHECK_EQ(transfers, 0);
	CHECK_EQ(uvmexp.dirty, 0);
}

/* A mapping: written, cleaned, written again. */
TEST(shared_mappings_and_files_are_one)
{
	struct vmspace *vm;
	struct uvm_mapargs ma;
	vaddr_t va = 0;
	size_t done;
	char c;

	setup(4096, 4000);
	memset(model, 3, 3 * 4096);
	CHECK_EQ(move(0, model, 2 * 4096 + 100, UIO_WRITE, &done), 0);
	forget();
	vm = vmspace_alloc();
	lwp0.l_proc->p_vmspace = vm;
	memset(&ma, 0, sizeof(ma));
	ma.size = 4 * PAGE_SIZE;
	ma.prot = ma.maxprot = PROT_READ | PROT_WRITE;
	ma.flags = MAP_SHARED;
	CHECK_EQ(uvm_vnode_mmap(&file, &ma.object), 0);
	CHECK_EQ(uvm_mmap(vm, &ma, &va), 0);
	CHECK_EQ(uvm_io(vm, va + 4096, "hello", 5, UIO_WRITE, false), 0);
	CHECK_EQ(move(4096, buf, 5, UIO_READ, &done), 0);
	CHECK(memcmp(buf, "hello", 5) == 0);
	/* Behind the end of the last page: zeros, and not for ever. */
	CHECK_EQ(uvm_io(vm, va + 8192 + 100, &c, 1, UIO_READ, false), 0);
	CHECK_EQ(c, 0);
	CHECK_EQ(uvm_io(vm, va + 8192 + 100, "x", 1, UIO_WRITE, false), 0);
	CHECK_EQ(move(8192 + 200, model, 1, UIO_WRITE, &done), 0);
	CHECK_EQ(move(8192 + 100, buf, 1, UIO_READ, &done), 0);
	CHECK_EQ(buf[0], 0);
	/* Beyond it: SIGBUS. */
	CHECK_EQ(uvm_fault(vm, va + 3 * 4096, PROT_READ), EIO);
	/* Once clean, the next write is noticed. */
	CHECK_EQ(uvm_fault(vm, va, PROT_WRITE), 0);
	CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), 0);
	CHECK_EQ(uvmexp.dirty, 0);
	CHECK_EQ(uvm_fault(vm, va, PROT_WRITE), 0);
	CHECK_EQ(uvmexp.dirty, 1);
	/* Truncation takes the mapping away. */
	fs_setsize(4096);
	CHECK_EQ(uvm_fault(vm, va + 4096, PROT_READ), EIO);
	CHECK_EQ(uvm_unmap(vm, va, 4 * PAGE_SIZE), 0);
	forget();
}

/* How many pages of the file are in the cache, of [first, first + n)? */
static unsigned int
cached(size_t first, size_t n)
{
	struct vm_page *pg;
	unsigned int found = 0;

	mutex_enter(&file.v_uobj->uo_lock);
	for (size_t i = first; i < first + n; i++) {
		pg = uvm_obj_lookup(file.v_uobj, i * PAGE_SIZE);
		found += pg != NULL && (pg->pg_flags & PG_BUSY) == 0;
	}
	mutex_exit(&file.v_uobj->uo_lock);
	return found;
}

/* A file of 100 pages, each filled with its number, none in the cache. */
static vaddr_t
map_file(struct vmspace *vm)
{
	struct uvm_mapargs ma = { .size = FILESIZE, .prot = PROT_READ,
	    .maxprot = PROT_READ, .flags = MAP_PRIVATE };
	vaddr_t va = 0;
	size_t done;

	for (size_t i = 0; i < FILESIZE; i++)
		model[i] = (unsigned char)(i / 4096);
	CHECK_EQ(move(0, model, FILESIZE, UIO_WRITE, &done), 0);
	forget();
	CHECK_EQ(uvm_vnode_mmap(&file, &ma.object), 0);
	CHECK_EQ(uvm_mmap(vm, &ma, &va), 0);
	return va;
}

TEST(a_fault_of_a_mapping_reads_what_is_around)
{
	struct vmspace *vm;
	unsigned int before;
	vaddr_t va;
	char c;

	setup(4096, 4000);
	vm = vmspace_alloc();
	lwp0.l_proc->p_vmspace = vm;
	va = map_file(vm);
	CHECK_EQ(uvm_fault(vm, va + 50 * 4096, PROT_READ), 0);
	CHECK_EQ(cached(34, 32), 32);
	CHECK_EQ(cached(0, 100), 32);
	/* What is there is not read again. */
	before = transfers;
	for (size_t i = 34; i < 66; i++)
		CHECK_EQ(uvm_fault(vm, va + i * 4096, PROT_READ), 0);
	CHECK_EQ(transfers, before);
	/* It ends at what is there already, and at the end of the file. */
	CHECK_EQ(uvm_fault(vm, va + 30 * 4096, PROT_READ), 0);
	CHECK_EQ(cached(14, 52), 52);
	CHECK_EQ(cached(0, 100), 52);
	CHECK_EQ(uvm_fault(vm, va + 99 * 4096, PROT_READ), 0);
	CHECK_EQ(cached(83, 17), 17);
	CHECK_EQ(cached(0, 100), 52 + 17);
	for (size_t i = 0; i < 100; i++) {
		CHECK_EQ(uvm_io(vm, va + i * 4096, &c, 1, UIO_READ, false), 0);
		CHECK_EQ(c, (char)i);
	}
	while (finish_one(NULL))
		;
	CHECK_EQ(uvm_unmap(vm, va, FILESIZE), 0);
	uvm_vnode_detach(&file);
}

TEST(a_fault_whose_neighbour_cannot_be_read)
{
	struct vmspace *vm;
	vaddr_t va;

	setup(4096, 4000);
	vm = vmspace_alloc();
	lwp0.l_proc->p_vmspace = vm;
	va = map_file(vm);
	bad_byte = (uint64_t)where[45] * 4096;
	CHECK_EQ(uvm_fault(vm, va + 50 * 4096, PROT_READ), 0);
	CHECK_EQ(uvm_fault(vm, va + 45 * 4096, PROT_READ), EIO);
	CHECK_EQ(uvm_fault(vm, va + 44 * 4096, PROT_READ), 0);
	bad_byte = UINT64_MAX;
	CHECK_EQ(uvm_fault(vm, va + 45 * 4096, PROT_READ), 0);
	while (finish_one(NULL))
		;
	CHECK_EQ(uvm_unmap(vm, va, FILESIZE), 0);
	uvm_vnode_detach(&file);
}

TEST(reading_more_than_memory)
{
	size_t done;

	setup(4096, 300);
	at_once = true;
	memset(model, 9, sizeof(model));
	free_blocks = 1000;
	for (size_t off = 0; off < FILESIZE; off += 4 * 4096) {
		CHECK_EQ(move(off, model, 4 * 4096, UIO_WRITE, &done), 0);
		CHECK_EQ(uvm_vnode_sync(&file, 0, UINT64_MAX), 0);
		(void)shrinker_run(4);
	}
	for (size_t off = 0; off < FILESIZE; off += 4096) {
		CHECK_EQ(move(off, buf, 4096, UIO_READ, &done), 0);
		CHECK_EQ(buf[4095], 9);
		(void)shrinker_run(2);
	}
	CHECK(uvmexp.file < 90);
	at_once = false;
	forget();
}
