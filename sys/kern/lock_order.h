/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock-order checker's entry points, called by the lock code of a DEBUG
 * kernel.
 */
#ifndef _KERN_LOCK_ORDER_H_
#define	_KERN_LOCK_ORDER_H_

#include <sys/types.h>

/* What kind of wait the lock means. */
enum lock_kind { LOCK_SPIN, LOCK_SLEEP };

/* One class of the declared order; outermost first in lock_order[]. */
struct lock_class {
	const char	*lc_name;
	bool		lc_nests;	/* several of it at once are fine */
};

extern const struct lock_class lock_order[];
extern const unsigned int lock_order_count;

#ifdef DEBUG
/*
 * The caller takes the lock, having waited or about to wait for it (tried: has
 * got it without waiting), at address pc.
 */
void	lockorder_enter(const void *lock, const char *name, enum lock_kind,
	    bool tried, uintptr_t pc);
void	lockorder_exit(const void *lock);
/* The thread is about to sleep: it may hold no spin lock. */
void	lockorder_sleep(const char *wchan);
/* Reports since boot, for tests. */
extern unsigned int lockorder_reports;
#else
static inline void
lockorder_enter(const void *lock __unused, const char *name __unused,
    enum lock_kind kind __unused, bool tried __unused, uintptr_t pc __unused)
{
}

static inline void
lockorder_exit(const void *lock __unused)
{
}

static inline void
lockorder_sleep(const char *wchan __unused)
{
}
#endif

#define	lockorder_caller()	((uintptr_t)__builtin_return_address(0))

#endif /* !_KERN_LOCK_ORDER_H_ */
