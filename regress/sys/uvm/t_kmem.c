/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel allocator: sizes, alignment, what a DEBUG kernel notices, and
 * running out of memory.
 */
/* sources: sys/uvm/uvm_page.c sys/uvm/uvm_pdaemon.c sys/uvm/uvm_kmem.c
 * sys/uvm/uvm_kmem_debug.c sys/uvm/uvm_km.c sys/uvm/uvm_radix.c
 * sys/uvm/uvm_amap.c
 * sys/uvm/uvm_swap.c sys/uvm/uvm_swapout.c
 * sys/uvm/uvm_map.c sys/uvm/uvm_mmap.c
 * sys/uvm/uvm_madvise.c sys/uvm/uvm_fault.c sys/uvm/uvm_object.c
 * sys/uvm/uvm_aobj.c sys/uvm/uvm_vmspace.c regress/sys/uvm/fake_pmap.c */
/* cflags: -DFAKE_PMAP -DDEBUG */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#include <ktest.h>

static uint32_t seed = 99;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static size_t
random_size(void)
{
	switch (rnd(8)) {
	case 0:
		return 1 + rnd(40000);
	case 1:
		return PAGE_SIZE * (1 + rnd(12));
	default:
		return 1 + rnd(2500);
	}
}

static void
fill(unsigned char *p, size_t n, unsigned char v)
{
	memset(p, v, n);
}

static void
verify(const unsigned char *p, size_t n, unsigned char v)
{
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(p[i], v);
}

TEST(random_sizes_do_not_overlap)
{
	static struct { unsigned char *p; size_t n; unsigned char v; } m[600];
	unsigned int i, step, have = 0;
	size_t free;

	fake_init(0, 8000);
	(void)shrinker_run(0);
	free = uvmexp.free;
	for (step = 0; step < 20000; step++) {
		if (have < 600 && rnd(100) < 55) {
			size_t n = random_size();
			unsigned char *p = rnd(2) != 0 ?
			    kmem_alloc(n, KM_NOSLEEP) :
			    kmem_zalloc(n, KM_SLEEP);

			if (p == NULL)
				continue;
			CHECK_EQ((uintptr_t)p & 15, 0);
			if ((n & PAGE_MASK) == 0)
				CHECK_EQ((uintptr_t)p & PAGE_MASK, 0);
			m[have].p = p;
			m[have].n = n;
			m[have].v = (unsigned char)step;
			fill(p, n, m[have++].v);
		} else if (have > 0) {
			i = rnd(have);
			verify(m[i].p, m[i].n, m[i].v);
			kmem_free(m[i].p, m[i].n);
			m[i] = m[--have];
		}
	}
	while (have-- > 0)
		kmem_free(m[have].p, m[have].n);
	(void)shrinker_run(0);
	/* What is left are magazines, empty ones. */
	CHECK(uvmexp.free + 24 >= free);
}

TEST(zalloc_zeroes)
{
	fake_init(0, 2000);
	for (size_t n = 1; n < 6000; n += 37) {
		unsigned char *p = kmem_alloc(n, KM_SLEEP);

		fill(p, n, 0xff);
		kmem_free(p, n);
		p = kmem_zalloc(n, KM_SLEEP);
		verify(p, n, 0);
		kmem_free(p, n);
	}
}

TEST(caches_align_and_reuse)
{
	struct kmem_cache *kc;
	void *p[200];

	fake_init(0, 2000);
	kc = kmem_cache_create("test", 200, 64);
	CHECK(kc != NULL);
	for (int i = 0; i < 200; i++) {
		p[i] = kmem_cache_alloc(kc, KM_SLEEP);
		CHECK(p[i] != NULL);
		CHECK_EQ((uintptr_t)p[i] & 63, 0);
		for (int k = 0; k < i; k++)
			CHECK(p[k] != p[i]);
		memset(p[i], i, 200);
	}
	for (int i = 0; i < 200; i++)
		kmem_cache_free(kc, p[i]);
}

TEST(overrun_is_found_when_freed)
{
	static const size_t sizes[] = { 5, 16, 100, 504, 1003, 2048, 3000 };
	static volatile unsigned int i;
	char *p;

	fake_init(0, 2000);
	for (i = 0; i < __arraycount(sizes); i++) {
		const size_t n = sizes[i];

		p = kmem_alloc(n, KM_SLEEP);
		((volatile char *)p)[n] = 1;
		CHECK_PANIC(kmem_free(p, n));
	}
}

TEST(double_free_is_found)
{
	char *p;

	fake_init(0, 2000);
	p = kmem_alloc(100, KM_SLEEP);
	kmem_free(p, 100);
	CHECK_PANIC(kmem_free(p, 100));
}

TEST(wrong_size_is_found)
{
	char *p;

	fake_init(0, 2000);
	p = kmem_alloc(100, KM_SLEEP);
	CHECK_PANIC(kmem_free(p, 99));
	CHECK_PANIC(kmem_free(p, 300));
	CHECK_PANIC(kmem_free(p, 5000));
	kmem_free(p, 100);
	p = kmem_alloc(3 * PAGE_SIZE, KM_SLEEP);
	CHECK_PANIC(kmem_free(p, 2 * PAGE_SIZE));
	CHECK_PANIC(kmem_free(p + 1, 3 * PAGE_SIZE));
	CHECK_PANIC(kmem_free(p, 100));
	kmem_free(p, 3 * PAGE_SIZE);
}

TEST(write_after_free_is_found_when_reused)
{
	char *p;

	fake_init(0, 2000);
	p = kmem_alloc(64, KM_SLEEP);
	kmem_free(p, 64);
	((volatile char *)p)[10] = 1;
	CHECK_PANIC(p = kmem_alloc(64, KM_SLEEP));
}

TEST(running_out_gives_null_and_loses_nothing)
{
	static void *p[200000];
	size_t n = 0, free;

	fake_init(0, 1500);
	(void)shrinker_run(0);
	free = uvmexp.free;
	for (int round = 0; round < 3; round++) {
		static const size_t sizes[3] = { 24, 1000, 20000 };
		size_t size = sizes[round];

		for (n = 0; (p[n] = kmem_alloc(size, KM_NOSLEEP)) != NULL; n++)
			continue;
		CHECK(n > 20);
		CHECK(kmem_alloc(size, KM_SLEEP) == NULL);
		while (n-- > 0)
			kmem_free(p[n], size);
		(void)shrinker_run(0);
		CHECK(uvmexp.free + 24 >= free);
	}
}

TEST(strings)
{
	char *s;

	fake_init(0, 1000);
	s = kmem_strdup("hello", KM_SLEEP);
	CHECK_STR(s, "hello");
	kmem_strfree(s);
	s = kmem_asprintf("%s-%d", "xvda", 12);
	CHECK_STR(s, "xvda-12");
	kmem_strfree(s);
	kmem_strfree(NULL);
}

TEST(kernel_address_space)
{
	static struct { vaddr_t va; vsize_t n; int flags; } m[100];
	unsigned int have = 0, i, step;
	size_t free, kmem;

	fake_init(0, 8000);
	free = uvmexp.free;
	kmem = uvmexp.kmem;
	for (step = 0; step < 5000; step++) {
		if (have < 100 && rnd(100) < 52) {
			int flags = UVM_KM_NOSLEEP |
			    (rnd(2) ? UVM_KM_GUARD : 0) |
			    (rnd(3) ? 0 : UVM_KM_VAONLY);
			vsize_t n = PAGE_SIZE * (1 + rnd(60));
			vaddr_t va = uvm_km_alloc(n, flags);

			if (va == 0)
				continue;
			CHECK(va >= KVA_BASE && va + n <= KVA_END);
			for (i = 0; i < have; i++)
				CHECK(va + n <= m[i].va ||
				    m[i].va + m[i].n <= va);
			m[have].va = va;
			m[have].n = n;
			m[have++].flags = flags;
		} else if (have > 0) {
			i = rnd(have);
			uvm_km_free(m[i].va, m[i].n, m[i].flags);
			m[i] = m[--have];
		}
	}
	while (have-- > 0)
		uvm_km_free(m[have].va, m[have].n, m[have].flags);
	(void)shrinker_run(0);
	CHECK(uvmexp.free + 24 >= free);
	CHECK(uvmexp.kmem <= kmem + 24);
	/* In one piece again. */
	m[0].va = uvm_km_alloc((FAKE_KVA_PAGES - 4) * PAGE_SIZE,
	    UVM_KM_VAONLY | UVM_KM_NOSLEEP);
	CHECK(m[0].va != 0);
	CHECK_EQ(uvm_km_alloc(64 * PAGE_SIZE, UVM_KM_NOSLEEP), 0);
}
