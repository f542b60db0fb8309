/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel allocator.
 *
 * KM_SLEEP may wait for memory (thread context, no spin lock); it still
 * returns NULL when none can be had.  KM_NOSLEEP works in any context.  The
 * size given back must be the one asked for.  Memory is at least 16-byte
 * aligned; a whole number of pages is page aligned.  A DEBUG kernel adds red
 * zones and poisons what is freed.
 */
#ifndef _SYS_KMEM_H_
#define	_SYS_KMEM_H_

#include <sys/types.h>

#define	KM_SLEEP	0x1
#define	KM_NOSLEEP	0x2

void	kmem_init(void);
void	*kmem_alloc(size_t, int) __must_check;
void	*kmem_zalloc(size_t, int) __must_check;
void	kmem_free(void *, size_t);
/* Empty the magazines of a CPU that runs no more.  Thread context. */
void	kmem_cpu_drain(unsigned int cpu);

/* Objects of one size: per-CPU caches over slabs. */
struct kmem_cache;
struct kmem_cache *kmem_cache_create(const char *name, size_t size,
	    size_t align);
void	*kmem_cache_alloc(struct kmem_cache *, int) __must_check;
void	kmem_cache_free(struct kmem_cache *, void *);

char	*kmem_strdup(const char *, int);
void	kmem_strfree(char *);
char	*kmem_asprintf(const char *, ...) __printflike(1, 2);

/* Shrinkers: give pages back when memory is short; returns pages freed. */
struct shrinker {
	struct shrinker	*sh_next;
	size_t		(*sh_func)(size_t npages);
};
void	shrinker_register(struct shrinker *);
/* Run them all, and give back the allocator's own spare pages. */
size_t	shrinker_run(size_t npages);

#endif /* !_SYS_KMEM_H_ */
