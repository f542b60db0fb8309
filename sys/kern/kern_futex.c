/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes.
 *
 * Overview: a key says which word is meant: memory that others may map is
 * named by object and offset, anything else by address space and address.
 * Waiters hang in hash buckets by key.  The word is compared under the
 * bucket's lock, which a waker takes too, so that no wake-up gets lost; a page
 * that is not there is brought in without the lock, and then all is tried
 * again.
 *
 * Locking: a bucket's spin lock guards its queue and the waiters in it.  Two
 * buckets are locked in the order of their addresses.  fw_bucket changes under
 * the lock of the bucket it is moved from; NULL says woken, and is the last
 * a waker writes to a waiter, whose memory is the sleeper's stack.
 *
 * A thread that waits for several words has a waiter for each, all of one
 * group, whose condition variable it sleeps on; fg_lock is held from the store
 * of NULL to the end of the waking, and taken before a group is given up.
 *
 * Untrusted input: addresses and words of user memory; no assumption on them.
 */
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#include "futex_impl.h"
#include "sched_impl.h"

struct futex_bucket {
	struct spinlock	fb_lock;
	TAILQ_HEAD(futex_waiters, futex_waiter) fb_queue; /* [l] */
} __aligned(64);

struct futex_group {
	struct spinlock	fg_lock;
	struct condvar	fg_cv;
};

struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) fw_link;
	struct futex_bucket *volatile fw_bucket;
	struct futex_key fw_key;
	uint32_t	fw_bitset;
	int		fw_pri;		/* PRI_RT_LEVELS: not real-time */
	struct futex_group *fw_group;	/* or NULL: it sleeps on fw_cv */
	struct condvar	fw_cv;
};

static struct futex_bucket futex_table[FUTEX_BUCKETS];
static uint64_t futex_secret[2];

void
futex_init(void)
{
	random_bytes(futex_secret, sizeof(futex_secret));
	for (unsigned int i = 0; i < FUTEX_BUCKETS; i++) {
		spin_init(&futex_table[i].fb_lock, "futex");
		TAILQ_INIT(&futex_table[i].fb_queue);
	}
	futex_pi_init();
}

/* -- keys -- */

int
futex_key_get(struct lwp *l, uintptr_t uaddr, bool shared,
    struct futex_key *key)
{
	struct vmspace *vm = l->l_proc->p_vmspace;
	struct vm_map_entry *e;
	int error = 0;

	if (uaddr % sizeof(uint32_t) != 0)
		return EINVAL;
	if (uaddr >= VM_MAX_ADDRESS)
		return EFAULT;
	key->fk_space = vm;
	key->fk_offset = uaddr;
	key->fk_object = NULL;
	if (!shared)
		return 0;
	rw_enter(&vm->vm_map.m_lock, RW_READER);
	e = uvm_map_lookup(&vm->vm_map, uaddr);
	if (e == NULL)
		error = EFAULT;
	else if ((e->e_flags & ME_SHARED) != 0 && e->e_object != NULL) {
		key->fk_space = key->fk_object = e->e_object;
		key->fk_offset = e->e_offset + (uaddr - e->e_start);
		e->e_object->uo_ops->pgo_reference(e->e_object);
	}
	rw_exit(&vm->vm_map.m_lock);
	return error;
}

void
futex_key_put(struct futex_key *key)
{
	if (key->fk_object != NULL)
		key->fk_object->uo_ops->pgo_detach(key->fk_object);
	key->fk_object = NULL;
}

unsigned int
futex_key_hash(const struct futex_key *key)
{
	uint64_t in[2] = { (uintptr_t)key->fk_space, key->fk_offset };

	return siphash24(futex_secret, in, sizeof(in)) % FUTEX_BUCKETS;
}

static struct futex_bucket *
key_bucket(const struct futex_key *key)
{
	return &futex_table[futex_key_hash(key)];
}

static void
buckets_lock(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a > b) {
		struct futex_bucket *t = a;

		a = b;
		b = t;
	}
	spin_enter(&a->fb_lock);
	if (a != b)
		spin_enter(&b->fb_lock);
}

static void
buckets_unlock(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a != b)
		spin_exit(&b->fb_lock);
	spin_exit(&a->fb_lock);
}

/* -- waiters -- */

/* The waiter may be gone as soon as fw_bucket is NULL. Bucket locked. */
static void
waiter_wake(struct futex_bucket *b, struct futex_waiter *w)
{
	struct futex_group *g = w->fw_group;

	TAILQ_REMOVE(&b->fb_queue, w, fw_link);
	if (g == NULL) {
		cv_signal(&w->fw_cv);
		atomic_store_release(&w->fw_bucket, NULL);
		return;
	}
	spin_enter(&g->fg_lock);
	cv_signal(&g->fg_cv);
	atomic_store_release(&w->fw_bucket, NULL);
	spin_exit(&g->fg_lock);
}

/* Lock the bucket the waiter is in now; NULL: it was woken. */
static struct futex_bucket *
waiter_lock(struct futex_waiter *w)
{
	struct futex_bucket *b;

	while ((b = atomic_load_acquire(&w->fw_bucket)) != NULL) {
		spin_enter(&b->fb_lock);
		if (w->fw_bucket == b)
			break;
		spin_exit(&b->fb_lock);
	}
	return b;
}

/* In the order they are woken: by real-time priority, then as they came. */
static void
waiter_insert(struct futex_bucket *b, struct futex_waiter *w)
{
	struct futex_waiter *at = NULL;

	if (w->fw_pri < PRI_RT_LEVELS)
		TAILQ_FOREACH(at, &b->fb_queue, fw_link)
			if (at->fw_pri > w->fw_pri)
				break;
	if (at != NULL)
		TAILQ_INSERT_BEFORE(at, w, fw_link);
	else
		TAILQ_INSERT_TAIL(&b->fb_queue, w, fw_link);
	atomic_store_release(&w->fw_bucket, b);
}

/* Sleep until woken; the waiter is in the queue of b, which is locked. */
static int
waiter_sleep(struct futex_bucket *b, struct futex_waiter *w, nsec_t deadline)
{
	int error;

	for (;;) {
		error = cv_timedwait_spin_sig(&w->fw_cv, &b->fb_lock,
		    deadline);
		/* It may have been moved to another bucket meanwhile. */
		spin_exit(&b->fb_lock);
		if ((b = waiter_lock(w)) == NULL)
			return 0;
		if (error != 0)
			break;
	}
	TAILQ_REMOVE(&b->fb_queue, w, fw_link);
	spin_exit(&b->fb_lock);
	return error;
}

static unsigned int
bucket_wake(struct futex_bucket *b, const struct futex_key *key,
    unsigned int n, uint32_t bitset)
{
	struct futex_waiter *w, *next;
	unsigned int woken = 0;

	for (w = TAILQ_FIRST(&b->fb_queue); w != NULL && woken < n;
	    w = next) {
		next = TAILQ_NEXT(w, fw_link);
		if (futex_key_equal(&w->fw_key, key) &&
		    (w->fw_bitset & bitset) != 0) {
			waiter_wake(b, w);
			woken++;
		}
	}
	return woken;
}

/*
 * Lock the bucket with the word read under the lock.  Without memory behind
 * the word nothing is locked: EFAULT.
 */
static int
bucket_lock_read(struct futex_bucket *b, uintptr_t uaddr, uint32_t *cur)
{
	for (;;) {
		spin_enter(&b->fb_lock);
		if (ufetch_32((const uint32_t *)uaddr, cur) == 0)
			return 0;
		spin_exit(&b->fb_lock);
		if (ufetch_32((const uint32_t *)uaddr, cur) != 0)
			return EFAULT;
	}
}

int
do_futex_wait(struct lwp *l, uintptr_t uaddr, bool shared, uint32_t val,
    uint32_t bitset, nsec_t deadline)
{
	struct futex_waiter w;
	struct futex_bucket *b;
	uint32_t cur;
	int error;

	if (bitset == 0)
		return EINVAL;
	if ((error = futex_key_get(l, uaddr, shared, &w.fw_key)) != 0)
		return error;
	b = key_bucket(&w.fw_key);
	w.fw_bitset = bitset;
	w.fw_group = NULL;
	cv_init(&w.fw_cv, "futex");
	if ((error = bucket_lock_read(b, uaddr, &cur)) != 0)
		goto out;
	if (cur != val) {
		spin_exit(&b->fb_lock);
		error = EAGAIN;
		goto out;
	}
	w.fw_pri = MIN(l->l_pri, PRI_RT_LEVELS);
	waiter_insert(b, &w);
	error = waiter_sleep(b, &w, deadline);
out:
	cv_destroy(&w.fw_cv);
	futex_key_put(&w.fw_key);
	return error;
}

/* -- several at once -- */

/* Who was woken, the last of them; -1: nobody yet. */
static int
group_woken(const struct futex_waiter *w, unsigned int n)
{
	while (n > 0)
		if (atomic_load_acquire(&w[--n].fw_bucket) == NULL)
			return (int)n;
	return -1;
}

/* Put the waiters into their queues, *queued of them: EAGAIN, EFAULT... */
static int
group_enter(struct lwp *l, const struct futex_wait *fw,
    struct futex_waiter *w, unsigned int n, struct futex_group *g,
    unsigned int *queued)
{
	struct futex_bucket *b;
	uint32_t cur;
	int error;

	for (*queued = 0; *queued < n; ++*queued, fw++, w++) {
		error = futex_key_get(l, fw->fw_uaddr, fw->fw_shared,
		    &w->fw_key);
		if (error != 0)
			return error;
		b = key_bucket(&w->fw_key);
		w->fw_bitset = FUTEX_BITSET_ANY;
		w->fw_group = g;
		w->fw_pri = MIN(l->l_pri, PRI_RT_LEVELS);
		error = bucket_lock_read(b, fw->fw_uaddr, &cur);
		if (error == 0 && cur != fw->fw_val) {
			spin_exit(&b->fb_lock);
			error = EAGAIN;
		}
		if (error != 0) {
			futex_key_put(&w->fw_key);
			return error;
		}
		waiter_insert(b, w);
		spin_exit(&b->fb_lock);
	}
	return 0;
}

/* Take those not woken out of their queues; who was woken, or -1. */
static int
group_leave(struct futex_waiter *w, unsigned int n, struct futex_group *g)
{
	struct futex_bucket *b;
	int woken = -1;

	for (unsigned int i = 0; i < n; i++) {
		if ((b = waiter_lock(&w[i])) != NULL) {
			TAILQ_REMOVE(&b->fb_queue, &w[i], fw_link);
			spin_exit(&b->fb_lock);
		} else
			woken = (int)i;
		futex_key_put(&w[i].fw_key);
	}
	/* A waker may be about to let go of it. */
	spin_enter(&g->fg_lock);
	spin_exit(&g->fg_lock);
	return woken;
}

int
do_futex_waitv(struct lwp *l, const struct futex_wait *fw, unsigned int n,
    nsec_t deadline, int *which)
{
	struct futex_waiter *w = kmem_alloc(n * sizeof(*w), KM_SLEEP);
	struct futex_group g;
	unsigned int queued;
	int error;

	if (w == NULL)
		return ENOMEM;
	spin_init(&g.fg_lock, "futex_group");
	cv_init(&g.fg_cv, "futex");
	error = group_enter(l, fw, w, n, &g, &queued);
	spin_enter(&g.fg_lock);
	while (error == 0 && group_woken(w, n) < 0)
		error = cv_timedwait_spin_sig(&g.fg_cv, &g.fg_lock, deadline);
	spin_exit(&g.fg_lock);
	if ((*which = group_leave(w, queued, &g)) >= 0)
		error = 0;
	cv_destroy(&g.fg_cv);
	kmem_free(w, n * sizeof(*w));
	return error;
}

int
do_futex_wake(struct lwp *l, uintptr_t uaddr, bool shared, unsigned int n,
    uint32_t bitset, unsigned int *woken)
{
	struct futex_key key;
	struct futex_bucket *b;
	int error;

	if (bitset == 0)
		return EINVAL;
	if ((error = futex_key_get(l, uaddr, shared, &key)) != 0)
		return error;
	b = key_bucket(&key);
	spin_enter(&b->fb_lock);
	*woken = bucket_wake(b, &key, n, bitset);
	spin_exit(&b->fb_lock);
	futex_key_put(&key);
	return 0;
}

/* Move waiters from one key to another; both buckets locked. */
static unsigned int
bucket_move(struct futex_bucket *from, const struct futex_key *key,
    struct futex_bucket *to, struct futex_key *newkey, unsigned int n)
{
	struct futex_waiter *w, *next, *last;
	unsigned int moved = 0;

	/* Those put behind the present end are not looked at again. */
	last = TAILQ_LAST(&from->fb_queue, futex_waiters);
	for (w = TAILQ_FIRST(&from->fb_queue); w != NULL && moved < n;
	    w = next) {
		next = w == last ? NULL : TAILQ_NEXT(w, fw_link);
		if (!futex_key_equal(&w->fw_key, key))
			continue;
		TAILQ_REMOVE(&from->fb_queue, w, fw_link);
		/* The waiter keeps its reference on the old object too. */
		w->fw_key.fk_space = newkey->fk_space;
		w->fw_key.fk_offset = newkey->fk_offset;
		waiter_insert(to, w);
		moved++;
	}
	return moved;
}

int
do_futex_requeue(struct lwp *l, uintptr_t uaddr, uintptr_t uaddr2,
    bool shared, unsigned int nwake, unsigned int nmove, const uint32_t *val,
    unsigned int *woken, unsigned int *moved)
{
	struct futex_key key, key2;
	struct futex_bucket *b, *b2;
	uint32_t cur;
	int error;

	*woken = *moved = 0;
	if ((error = futex_key_get(l, uaddr, shared, &key)) != 0)
		return error;
	if ((error = futex_key_get(l, uaddr2, shared, &key2)) != 0) {
		futex_key_put(&key);
		return error;
	}
	b = key_bucket(&key);
	b2 = key_bucket(&key2);
	for (;;) {
		buckets_lock(b, b2);
		if (val == NULL || ufetch_32((uint32_t *)uaddr, &cur) == 0)
			break;
		buckets_unlock(b, b2);
		if ((error = ufetch_32((uint32_t *)uaddr, &cur)) != 0)
			goto out;
	}
	if (val != NULL && cur != *val)
		error = EAGAIN;
	else {
		*woken = bucket_wake(b, &key, nwake, FUTEX_BITSET_ANY);
		if (!futex_key_equal(&key, &key2))
			*moved = bucket_move(b, &key, b2, &key2, nmove);
	}
	buckets_unlock(b, b2);
out:
	futex_key_put(&key);
	futex_key_put(&key2);
	return error;
}

static uint32_t
futex_op_apply(const struct futex_op *op, uint32_t old)
{
	switch (op->fo_op) {
	case 0:
		return op->fo_oparg;
	case 1:
		return old + op->fo_oparg;
	case 2:
		return old | op->fo_oparg;
	case 3:
		return old & ~op->fo_oparg;
	default:
		return old ^ op->fo_oparg;
	}
}

static bool
futex_op_compare(const struct futex_op *op, uint32_t old)
{
	int32_t a = (int32_t)old, b = (int32_t)op->fo_cmparg;

	switch (op->fo_cmp) {
	case 0:
		return a == b;
	case 1:
		return a != b;
	case 2:
		return a < b;
	case 3:
		return a <= b;
	case 4:
		return a > b;
	default:
		return a >= b;
	}
}

/* Change the word by the operation; *old is what was there. */
static int
futex_op_word(const struct futex_op *op, uintptr_t uaddr, uint32_t *old)
{
	uint32_t seen;
	int error;

	if ((error = ufetch_32((uint32_t *)uaddr, old)) != 0)
		return error;
	for (;;) {
		error = ucas_32((uint32_t *)uaddr, *old,
		    futex_op_apply(op, *old), &seen);
		if (error != 0 || seen == *old)
			return error;
		*old = seen;
	}
}

int
futex_fault_in(uintptr_t uaddr)
{
	uint32_t cur, seen;
	int error;

	if ((error = ufetch_32((uint32_t *)uaddr, &cur)) != 0)
		return error;
	return ucas_32((uint32_t *)uaddr, cur, cur, &seen);
}

int
do_futex_wake_op(struct lwp *l, uintptr_t uaddr, uintptr_t uaddr2,
    bool shared, unsigned int nwake, unsigned int nwake2,
    const struct futex_op *op, unsigned int *woken)
{
	struct futex_key key, key2;
	struct futex_bucket *b, *b2;
	uint32_t old = 0;
	int error;

	*woken = 0;
	if (op->fo_op > 4 || op->fo_cmp > 5)
		return ENOSYS;
	if ((error = futex_key_get(l, uaddr, shared, &key)) != 0)
		return error;
	if ((error = futex_key_get(l, uaddr2, shared, &key2)) != 0) {
		futex_key_put(&key);
		return error;
	}
	b = key_bucket(&key);
	b2 = key_bucket(&key2);
	for (;;) {
		buckets_lock(b, b2);
		if (futex_op_word(op, uaddr2, &old) == 0)
			break;
		buckets_unlock(b, b2);
		if ((error = futex_fault_in(uaddr2)) != 0)
			goto out;
	}
	*woken = bucket_wake(b, &key, nwake, FUTEX_BITSET_ANY);
	if (futex_op_compare(op, old))
		*woken += bucket_wake(b2, &key2, nwake2, FUTEX_BITSET_ANY);
	buckets_unlock(b, b2);
out:
	futex_key_put(&key);
	futex_key_put(&key2);
	return error;
}
