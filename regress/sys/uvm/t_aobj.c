/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous objects, transfers, and the sparse arrays below them.
 */
/* sources: sys/uvm/uvm_page.c sys/uvm/uvm_pdaemon.c sys/uvm/uvm_kmem.c
 * sys/uvm/uvm_kmem_debug.c sys/uvm/uvm_km.c sys/uvm/uvm_radix.c
 * sys/uvm/uvm_amap.c
 * sys/uvm/uvm_swap.c sys/uvm/uvm_swapout.c
 * sys/uvm/uvm_map.c sys/uvm/uvm_mmap.c
 * sys/uvm/uvm_madvise.c sys/uvm/uvm_fault.c sys/uvm/uvm_object.c
 * sys/uvm/uvm_aobj.c sys/uvm/uvm_vmspace.c regress/sys/uvm/fake_pmap.c */
/* cflags: -DFAKE_PMAP -DDEBUG */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <uvm/uvm.h>

#include <ktest.h>

static uint32_t seed = 7;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static int
transfer(struct uvm_object *uo, uint64_t off, void *buf, size_t len,
    enum uio_rw rw)
{
	struct iovec iov = { buf, len };
	struct uio uio = { .uio_iov = &iov, .uio_iovcnt = 1, .uio_resid = len,
	    .uio_offset = (off_t)off, .uio_rw = rw, .uio_seg = UIO_SYSSPACE };
	int error = uvm_obj_uiomove(uo, off, len, &uio);

	if (error == 0)
		CHECK_EQ(uio.uio_resid, 0);
	return error;
}

#define	FILESIZE	(300 * 1024)

TEST(random_transfers_and_resizes_like_a_byte_array)
{
	static unsigned char model[FILESIZE], buf[FILESIZE];
	struct uvm_object *uo;
	size_t size = 0, file;

	fake_init(0, 4000);
	file = uvmexp.file;
	uo = uvm_aobj_create(0);
	for (int step = 0; step < 5000; step++) {
		size_t off = rnd(FILESIZE), n = rnd(20000);

		n = MIN(n, FILESIZE - off);
		switch (rnd(4)) {
		case 0:
			for (size_t i = 0; i < n; i++)
				buf[i] = (unsigned char)rnd(256);
			if (off + n > size) {
				size = off + n;
				CHECK_EQ(uvm_aobj_resize(uo, size), 0);
			}
			CHECK_EQ(transfer(uo, off, buf, n, UIO_WRITE), 0);
			memcpy(model + off, buf, n);
			break;
		case 1:
			if (rnd(10) != 0)
				break;
			if (off < size)
				memset(model + off, 0, size - off);
			size = off;
			CHECK_EQ(uvm_aobj_resize(uo, size), 0);
			break;
		default:
			if (off >= size)
				break;
			n = MIN(n, size - off);
			CHECK_EQ(transfer(uo, off, buf, n, UIO_READ), 0);
			CHECK(memcmp(buf, model + off, n) == 0);
			break;
		}
		CHECK_EQ(uvm_aobj_size(uo), size);
		CHECK_EQ(uvmexp.file - file, uo->uo_npages);
		CHECK(uo->uo_npages <= howmany(size, PAGE_SIZE));
	}
	uo->uo_ops->pgo_detach(uo);
	CHECK_EQ(uvmexp.file, file);
}

TEST(holes_read_as_zeros_and_cost_nothing)
{
	struct uvm_object *uo;
	unsigned char c = 1;
	uint64_t end = (uint64_t)1 << 42;

	fake_init(0, 1000);
	uo = uvm_aobj_create(end);
	CHECK_EQ(transfer(uo, end / 2, &c, 1, UIO_READ), 0);
	CHECK_EQ(c, 0);
	CHECK_EQ(uo->uo_npages, 0);
	c = 77;
	CHECK_EQ(transfer(uo, end - 1, &c, 1, UIO_WRITE), 0);
	CHECK_EQ(uo->uo_npages, 1);
	CHECK_EQ(transfer(uo, end, &c, 1, UIO_WRITE), EFAULT);
	uo->uo_ops->pgo_detach(uo);
}

static struct uvm_object *victim;
static void
truncate_it(void)
{
	CHECK_EQ(uvm_aobj_resize(victim, 0), 0);
}

TEST(truncation_under_a_transfer_frees_the_page_later)
{
	unsigned char buf[100] = { 1 };
	size_t free;

	fake_init(0, 1000);
	victim = uvm_aobj_create(PAGE_SIZE);
	free = uvmexp.free;
	fake_uiomove_hook = truncate_it;
	CHECK_EQ(transfer(victim, 0, buf, sizeof(buf), UIO_WRITE), 0);
	fake_uiomove_hook = NULL;
	CHECK_EQ(victim->uo_npages, 0);
	CHECK_EQ(uvmexp.free, free);
	victim->uo_ops->pgo_detach(victim);
}

TEST(without_memory_a_write_fails_and_loses_nothing)
{
	static unsigned char buf[64 * 4096];
	struct uvm_object *uo;
	uint64_t off = 0;

	fake_init(0, 1000);
	uo = uvm_aobj_create((uint64_t)1 << 30);
	while (transfer(uo, off, buf, sizeof(buf), UIO_WRITE) == 0)
		off += sizeof(buf);
	CHECK_EQ(transfer(uo, off + sizeof(buf), buf, 1, UIO_WRITE), ENOMEM);
	CHECK(off >= sizeof(buf));
	CHECK_EQ(uvm_aobj_resize(uo, 0), 0);
	CHECK_EQ(uvmexp.file, 0);
	CHECK_EQ(transfer(uo, 0, buf, 0, UIO_WRITE), 0);
	uo->uo_ops->pgo_detach(uo);
}

#define	NITEMS	400

TEST(sparse_array_against_a_list)
{
	static size_t idx[NITEMS], items[NITEMS * 2];
	static size_t *val[NITEMS];
	struct uvm_radix r = { 0 };
	size_t k, n, last;

	fake_init(0, 4000);
	for (int i = 0; i < NITEMS; i++)
		idx[i] = i < 100 ? (size_t)i : i < 200 ?
		    SIZE_MAX - (size_t)i * 13 : i < 300 ?
		    (size_t)rnd(1 << 20) * 64 + 777 :
		    ((size_t)rnd(1 << 24) << 8) + 5;
	for (int i = 0; i < NITEMS; i++)
		for (int j = 0; j < i; j++)
			if (idx[i] == idx[j])
				idx[i] = 1000000 + (size_t)i;
	for (int step = 0; step < 40000; step++) {
		int i = (int)rnd(NITEMS);

		if (rnd(2) != 0) {
			val[i] = &items[rnd(NITEMS * 2)];
			CHECK_EQ(uvm_radix_set(&r, idx[i], val[i]), 0);
		} else {
			CHECK(uvm_radix_remove(&r, idx[i]) == val[i]);
			val[i] = NULL;
		}
		i = (int)rnd(NITEMS);
		CHECK(uvm_radix_get(&r, idx[i]) == val[i]);
		if (step % 500 != 0)
			continue;
		/* In order, and all of them. */
		n = 0;
		last = 0;
		for (k = 0; uvm_radix_next(&r, &k) != NULL; k++) {
			CHECK(n == 0 || k > last);
			last = k;
			n++;
			if (k == SIZE_MAX)
				break;
		}
		for (i = 0; i < NITEMS; i++)
			n -= val[i] != NULL;
		CHECK_EQ(n, 0);
	}
	for (int i = 0; i < NITEMS; i++)
		CHECK(uvm_radix_remove(&r, idx[i]) == val[i]);
	CHECK_EQ(r.r_root, 0);
}
