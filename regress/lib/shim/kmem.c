/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel allocator on the host's, with failures on demand: ASan watches
 * the memory, a header the sizes given back.
 */
#include <sys/kmem.h>
#include <sys/systm.h>

#include <host.h>
#include <ktest.h>

#define	HEADER	16		/* in front of small blocks: their size */

struct kmem_cache {
	size_t size;
	size_t align;
};

static int fail_after = -1;
static bool failed;
static size_t outstanding;

void
kmem_fail_after(int n)
{
	fail_after = n;
	failed = false;
}

bool
kmem_failed(void)
{
	return failed;
}

size_t
kmem_outstanding(void)
{
	return outstanding;
}

static bool
fails_now(void)
{
	if (fail_after < 0 || fail_after-- > 0)
		return false;
	failed = true;
	return true;
}

/* The size is kept in front; what is aligned more gets more space there. */
static void *
block_alloc(size_t align, size_t size)
{
	size_t space = MAX(align, (size_t)HEADER);
	char *p;

	KASSERT(size > 0 && size < (size_t)1 << 31);
	if (fails_now())
		return NULL;
	p = host_alloc(space, space + size);
	if (p == NULL)
		panic("the host is out of memory");
	p += space;
	((size_t *)(void *)p)[-1] = size;
	((size_t *)(void *)p)[-2] = space;
	outstanding += size;
	return p;
}

static void
block_free(void *vp, size_t size)
{
	char *p = vp;
	size_t had = ((size_t *)vp)[-1];

	if (had != size)
		panic("kmem_free of %zu bytes as %zu", had, size);
	outstanding -= size;
	host_free(p - ((size_t *)vp)[-2]);
}

void *
kmem_alloc(size_t size, int flags)
{
	KASSERT(flags == KM_SLEEP || flags == KM_NOSLEEP);
	return block_alloc(size % PAGE_SIZE == 0 ? PAGE_SIZE : HEADER, size);
}

void *
kmem_zalloc(size_t size, int flags)
{
	void *p = kmem_alloc(size, flags);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void
kmem_free(void *p, size_t size)
{
	KASSERT(p != NULL);
	block_free(p, size);
}

struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align)
{
	static struct kmem_cache caches[64];
	static unsigned int used;
	struct kmem_cache *kc;

	KASSERT(name != NULL && used < __arraycount(caches));
	kc = &caches[used++];
	kc->size = size;
	kc->align = MAX(align, (size_t)HEADER);
	return kc;
}

void *
kmem_cache_alloc(struct kmem_cache *kc, int flags)
{
	KASSERT(flags == KM_SLEEP || flags == KM_NOSLEEP);
	return block_alloc(kc->align, kc->size);
}

void
kmem_cache_free(struct kmem_cache *kc, void *p)
{
	block_free(p, kc->size);
}

char *
kmem_strdup(const char *s, int flags)
{
	size_t n = strlen(s) + 1;
	char *p = kmem_alloc(n, flags);

	if (p != NULL)
		memcpy(p, s, n);
	return p;
}

void
kmem_strfree(char *s)
{
	if (s != NULL)
		kmem_free(s, strlen(s) + 1);
}

char *
kmem_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = kmem_alloc((size_t)n + 1, KM_SLEEP);
	if (p == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void
shrinker_register(struct shrinker *sh)
{
	KASSERT(sh->sh_func != NULL);
}
