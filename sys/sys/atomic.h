/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Atomic operations, on the compiler's builtins.  All are sequentially
 * consistent unless the name says otherwise; every width the CPU has.
 */
#ifndef _SYS_ATOMIC_H_
#define	_SYS_ATOMIC_H_

#include <sys/types.h>

#define	atomic_load(p)		__atomic_load_n((p), __ATOMIC_SEQ_CST)
#define	atomic_load_relaxed(p)	__atomic_load_n((p), __ATOMIC_RELAXED)
#define	atomic_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define	atomic_store(p, v)	__atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define	atomic_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define	atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define	atomic_add(p, v)	__atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define	atomic_sub(p, v)	__atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST)
#define	atomic_or(p, v)		__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define	atomic_and(p, v)	__atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
#define	atomic_swap(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
/* Store n if *p is o; true when it did. */
#define	atomic_cas(p, o, n)	__extension__({				\
	__typeof__((__typeof__(*(p)))0) __o = (o);	/* unqualified */ \
	__atomic_compare_exchange_n((p), &__o, (n), false,		\
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); })
#define	compiler_barrier()	__asm__ volatile("" ::: "memory")
#define	membar_full()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define	membar_acquire()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define	membar_release()	__atomic_thread_fence(__ATOMIC_RELEASE)

/* Bit n of a bitmap of unsigned longs, atomically; the old value. */
#define	__LBITS			(8 * sizeof(unsigned long))
static inline bool
atomic_test_and_set_bit(unsigned int n, unsigned long *map)
{
	unsigned long m = 1UL << (n % __LBITS);

	return (atomic_or(&map[n / __LBITS], m) & m) != 0;
}

static inline bool
atomic_test_and_clear_bit(unsigned int n, unsigned long *map)
{
	unsigned long m = 1UL << (n % __LBITS);

	return (atomic_and(&map[n / __LBITS], ~m) & m) != 0;
}

/* Reference counts: start at 1; refcount_put() is true at the last one. */
typedef unsigned int	refcount_t;

static inline void
refcount_get(refcount_t *r)
{
	(void)atomic_add(r, 1);
}

static inline bool
refcount_put(refcount_t *r)
{
	return atomic_sub(r, 1) == 0;
}

#endif /* !_SYS_ATOMIC_H_ */
