/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of futexes share: which word is meant, and access to it.
 */
#ifndef _KERN_FUTEX_IMPL_H_
#define	_KERN_FUTEX_IMPL_H_

#include <sys/futex.h>

#define	FUTEX_BUCKETS	256		/* a power of two */

struct uvm_object;

struct futex_key {
	const void	*fk_space;	/* vmspace or object */
	uint64_t	fk_offset;	/* address or offset */
	struct uvm_object *fk_object;	/* referenced, or NULL */
};

/* EINVAL, EFAULT. */
int	futex_key_get(struct lwp *, uintptr_t uaddr, bool shared,
	    struct futex_key *);
void	futex_key_put(struct futex_key *);
unsigned int futex_key_hash(const struct futex_key *);	/* a bucket */
/* Make the page of the word present and writable: EFAULT. */
int	futex_fault_in(uintptr_t uaddr);

static inline bool
futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->fk_space == b->fk_space && a->fk_offset == b->fk_offset;
}

/* kern_futex_pi.c */
void	futex_pi_init(void);

#endif /* !_KERN_FUTEX_IMPL_H_ */
