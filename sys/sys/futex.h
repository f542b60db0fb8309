/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: wait for a word of user memory to change, futex(2).
 *
 * All are for the calling thread and its memory, in thread context; they may
 * sleep.  shared: the word may be mapped by other processes too.  EFAULT,
 * EINVAL (not aligned), ENOMEM.
 */
#ifndef _SYS_FUTEX_H_
#define	_SYS_FUTEX_H_

#include <sys/types.h>

struct lwp;

#define	FUTEX_BITSET_ANY	0xffffffffU
/* A word that names its owner. */
#define	FUTEX_WAITERS		0x80000000U
#define	FUTEX_OWNER_DIED	0x40000000U
#define	FUTEX_TID_MASK		0x3fffffffU

/* How FUTEX_WAKE_OP changes the second word, and what it then compares. */
struct futex_op {
	unsigned int	fo_op;		/* 0 set, 1 add, 2 or, 3 andn, 4 xor */
	unsigned int	fo_cmp;		/* 0 ==, 1 !=, 2 <, 3 <=, 4 >, 5 >= */
	uint32_t	fo_oparg, fo_cmparg;
};

void	futex_init(void);
/*
 * Sleep until woken through a common bit of `bitset`, if the word is val:
 * EAGAIN if it is not, ETIMEDOUT at the nanouptime() deadline (0: none),
 * ERESTARTSYS.
 */
int	do_futex_wait(struct lwp *, uintptr_t uaddr, bool shared, uint32_t val,
	    uint32_t bitset, nsec_t deadline);
/* For one of several words; *which was woken. As do_futex_wait(), ENOMEM. */
struct futex_wait {
	uintptr_t	fw_uaddr;
	uint32_t	fw_val;
	bool		fw_shared;
};
int	do_futex_waitv(struct lwp *, const struct futex_wait *,
	    unsigned int n, nsec_t deadline, int *which);
int	do_futex_wake(struct lwp *, uintptr_t uaddr, bool shared,
	    unsigned int n, uint32_t bitset, unsigned int *woken);
/*
 * Wake up to nwake, let up to nmove of the rest wait for uaddr2 instead.
 * With val the first word must have that value: EAGAIN.
 */
int	do_futex_requeue(struct lwp *, uintptr_t uaddr, uintptr_t uaddr2,
	    bool shared, unsigned int nwake, unsigned int nmove,
	    const uint32_t *val, unsigned int *woken, unsigned int *moved);
int	do_futex_wake_op(struct lwp *, uintptr_t uaddr, uintptr_t uaddr2,
	    bool shared, unsigned int nwake, unsigned int nwake2,
	    const struct futex_op *, unsigned int *woken);

/*
 * Locks with priority inheritance.  try: EAGAIN instead of waiting.  EDEADLK,
 * EINVAL: the word and what is known of the lock differ, EPERM, ERESTARTNOINTR,
 * ESRCH: nobody is the owner it names, ETIMEDOUT.
 */
int	do_futex_lock_pi(struct lwp *, uintptr_t uaddr, bool shared, bool try,
	    nsec_t deadline);
int	do_futex_unlock_pi(struct lwp *, uintptr_t uaddr, bool shared);
/* The thread ends or leaves its memory: others get the locks it holds. */
void	futex_pi_exit(struct lwp *);

#endif /* !_SYS_FUTEX_H_ */
