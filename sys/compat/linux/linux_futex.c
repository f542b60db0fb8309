/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's futex(2), and the robust futexes of threads that end.
 *
 * Untrusted input: a robust list is user memory that may be anything: it is
 * walked a bounded number of steps, and a fault ends the walk.
 */
#include <sys/errno.h>
#include <sys/futex.h>
#include <sys/kmem.h>
#include <uvm/uvm.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>

#define	FUTEX_WAIT		0
#define	FUTEX_WAKE		1
#define	FUTEX_FD		2
#define	FUTEX_REQUEUE		3
#define	FUTEX_CMP_REQUEUE	4
#define	FUTEX_WAKE_OP		5
#define	FUTEX_LOCK_PI		6
#define	FUTEX_UNLOCK_PI		7
#define	FUTEX_TRYLOCK_PI	8
#define	FUTEX_WAIT_BITSET	9
#define	FUTEX_WAKE_BITSET	10
#define	FUTEX_LOCK_PI2		13
#define	FUTEX_PRIVATE_FLAG	128
#define	FUTEX_CLOCK_REALTIME	256

#define	FUTEX_32		2
#define	FUTEX_WAITV_MAX		128

struct linux_futex_waitv {
	uint64_t	val, uaddr;
	uint32_t	flags, reserved;
};
CTASSERT(sizeof(struct linux_futex_waitv) == 24);

#define	ROBUST_LIST_LIMIT	2048

/* restart_syscall(2) of a wait with a timeout. */
static int
futex_wait_again(struct lwp *l, register_t *retval)
{
	int error;

	*retval = 0;
	error = do_futex_wait(l, l->l_restart.rb_arg[0],
	    l->l_restart.rb_arg[1] != 0, (uint32_t)l->l_restart.rb_arg[2],
	    (uint32_t)l->l_restart.rb_arg[3], l->l_restart.rb_deadline);
	return error == ERESTARTSYS ? ERESTARTBLOCK : error;
}

static int
futex_wait(struct lwp *l, const struct linux_futex_args *uap, bool shared,
    uint32_t bitset, nsec_t deadline)
{
	uintptr_t uaddr = (uintptr_t)uap->uaddr;
	int error;

	error = do_futex_wait(l, uaddr, shared, uap->val, bitset, deadline);
	if (error != ERESTARTSYS || deadline == 0)
		return error;
	l->l_restart.rb_func = futex_wait_again;
	l->l_restart.rb_arg[0] = uaddr;
	l->l_restart.rb_arg[1] = shared;
	l->l_restart.rb_arg[2] = uap->val;
	l->l_restart.rb_arg[3] = bitset;
	l->l_restart.rb_deadline = deadline;
	return ERESTARTBLOCK;
}

/*
 * FUTEX_WAIT's timeout is a span, the others' a time, of CLOCK_REALTIME for
 * FUTEX_LOCK_PI in any case.
 */
static int
futex_deadline(const struct linux_futex_args *uap, int cmd, nsec_t *deadline)
{
	nsec_t when;
	int error;

	*deadline = 0;
	if (uap->timeout == NULL)
		return 0;
	if ((error = linux_timespec_in(uap->timeout, &when)) != 0)
		return error;
	if (cmd == FUTEX_WAIT)
		return linux_clock_deadline(-1, when, deadline);
	return linux_clock_deadline((uap->op & FUTEX_CLOCK_REALTIME) != 0 ||
	    cmd == FUTEX_LOCK_PI ? CLOCK_REALTIME : CLOCK_MONOTONIC, when,
	    deadline);
}

static int32_t
sign_extend12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

static int
futex_wake_op(struct lwp *l, const struct linux_futex_args *uap, bool shared,
    unsigned int nwake2, unsigned int *n)
{
	struct futex_op op = {
		.fo_op = uap->val3 >> 28 & 7,
		.fo_cmp = uap->val3 >> 24 & 15,
		.fo_oparg = (uint32_t)sign_extend12(uap->val3 >> 12 & 0xfff),
		.fo_cmparg = (uint32_t)sign_extend12(uap->val3 & 0xfff),
	};

	if ((uap->val3 & 0x80000000U) != 0)
		op.fo_oparg = 1U << (op.fo_oparg & 31);
	return do_futex_wake_op(l, (uintptr_t)uap->uaddr,
	    (uintptr_t)uap->uaddr2, shared, MAX(uap->val, 1U), nwake2, &op,
	    n);
}

static int
futex_requeue(struct lwp *l, const struct linux_futex_args *uap, bool shared,
    bool compare, unsigned int nmove, register_t *retval)
{
	unsigned int woken, moved;
	int error;

	if ((int)uap->val < 0 || (int)nmove < 0)
		return EINVAL;
	error = do_futex_requeue(l, (uintptr_t)uap->uaddr,
	    (uintptr_t)uap->uaddr2, shared, uap->val, nmove,
	    compare ? &uap->val3 : NULL, &woken, &moved);
	*retval = (register_t)woken + (register_t)moved;
	return error;
}

static int
futex_lock_pi(struct lwp *l, const struct linux_futex_args *uap, bool shared,
    int cmd)
{
	uintptr_t uaddr = (uintptr_t)uap->uaddr;
	nsec_t deadline;
	int error;

	if (cmd == FUTEX_UNLOCK_PI)
		return do_futex_unlock_pi(l, uaddr, shared);
	if (cmd == FUTEX_TRYLOCK_PI)
		return do_futex_lock_pi(l, uaddr, shared, true, 0);
	if ((error = futex_deadline(uap, cmd, &deadline)) != 0)
		return error;
	return do_futex_lock_pi(l, uaddr, shared, false, deadline);
}

int
linux_sys_futex(struct lwp *l, const struct linux_futex_args *uap,
    register_t *retval)
{
	int cmd = uap->op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	bool shared = (uap->op & FUTEX_PRIVATE_FLAG) == 0;
	unsigned int val2 = (unsigned int)(uintptr_t)uap->timeout, n = 0;
	uint32_t bitset = FUTEX_BITSET_ANY;
	nsec_t deadline;
	int error;

	if ((uap->op & FUTEX_CLOCK_REALTIME) != 0 &&
	    cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2)
		return ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT_BITSET:
		bitset = uap->val3;
		/* FALLTHROUGH */
	case FUTEX_WAIT:
		if ((error = futex_deadline(uap, cmd, &deadline)) != 0)
			return error;
		return futex_wait(l, uap, shared, bitset, deadline);
	case FUTEX_WAKE_BITSET:
		bitset = uap->val3;
		/* FALLTHROUGH */
	case FUTEX_WAKE:
		/* As Linux: zero and less wake one. */
		error = do_futex_wake(l, (uintptr_t)uap->uaddr, shared,
		    (int)uap->val < 1 ? 1 : uap->val, bitset, &n);
		break;
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(l, uap, shared,
		    cmd == FUTEX_CMP_REQUEUE, val2, retval);
	case FUTEX_WAKE_OP:
		error = futex_wake_op(l, uap, shared, val2, &n);
		break;
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_TRYLOCK_PI:
	case FUTEX_UNLOCK_PI:
		return futex_lock_pi(l, uap, shared, cmd);
	default:
		return ENOSYS;
	}
	*retval = (register_t)n;
	return error;
}

static int
waitv_in(const struct linux_futex_waitv *uv, struct futex_wait *fw)
{
	struct linux_futex_waitv v;
	int error;

	if ((error = copyin(uv, &v, sizeof(v))) != 0)
		return error;
	if ((v.flags & ~(uint32_t)FUTEX_PRIVATE_FLAG) != FUTEX_32 ||
	    v.reserved != 0)
		return EINVAL;
	fw->fw_uaddr = (uintptr_t)v.uaddr;
	fw->fw_val = (uint32_t)v.val;
	fw->fw_shared = (v.flags & FUTEX_PRIVATE_FLAG) == 0;
	return 0;
}

/* Its time is a 64-bit one for i386 programs, too. */
static int
waitv_deadline(const struct linux_futex_waitv_args *uap, nsec_t *deadline)
{
	struct timespec ts;
	nsec_t when;
	int error;

	*deadline = 0;
	if (uap->timeout == NULL)
		return 0;
	if (uap->clock != CLOCK_REALTIME && uap->clock != CLOCK_MONOTONIC)
		return EINVAL;
	if ((error = copyin(uap->timeout, &ts, sizeof(ts))) != 0 ||
	    (error = timespec_to_nsec(&ts, &when)) != 0)
		return error;
	return linux_clock_deadline(uap->clock, when, deadline);
}

int
linux_sys_futex_waitv(struct lwp *l, const struct linux_futex_waitv_args *uap,
    register_t *retval)
{
	const struct linux_futex_waitv *uv = uap->waiters;
	struct futex_wait *fw;
	nsec_t deadline;
	int which = -1, error;

	if (uap->flags != 0 || uap->n == 0 || uap->n > FUTEX_WAITV_MAX ||
	    uv == NULL)
		return EINVAL;
	if ((error = waitv_deadline(uap, &deadline)) != 0)
		return error;
	if ((fw = kmem_alloc(uap->n * sizeof(*fw), KM_SLEEP)) == NULL)
		return ENOMEM;
	for (unsigned int i = 0; error == 0 && i < uap->n; i++)
		error = waitv_in(&uv[i], &fw[i]);
	if (error == 0)
		error = do_futex_waitv(l, fw, uap->n, deadline, &which);
	kmem_free(fw, uap->n * sizeof(*fw));
	*retval = which;
	return error;
}

/* -- threads that end -- */

/* The owner of a robust futex ends: say so in the word, wake one waiter. */
static int
robust_death(struct lwp *l, uintptr_t uaddr, bool pi, bool pending)
{
	uint32_t word, seen, new;
	unsigned int n;
	int error;

	if (uaddr % sizeof(uint32_t) != 0)
		return EINVAL;
	if ((error = ufetch_32((uint32_t *)uaddr, &word)) != 0)
		return error;
	/* It was about to be unlocked: somebody may wait already. */
	if (pending && !pi && word == 0)
		return do_futex_wake(l, uaddr, true, 1, FUTEX_BITSET_ANY, &n);
	for (;;) {
		if ((word & FUTEX_TID_MASK) != (uint32_t)l->l_tid)
			return 0;
		new = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		error = ucas_32((uint32_t *)uaddr, word, new, &seen);
		if (error != 0)
			return error;
		if (seen == word)
			break;
		word = seen;
	}
	if ((word & FUTEX_WAITERS) == 0 || pi)
		return 0;
	return do_futex_wake(l, uaddr, true, 1, FUTEX_BITSET_ANY, &n);
}

/* The list's head, by the width of the program. */
static int
robust_head_in(struct lwp *l, struct linux_robust_list_head *head)
{
	const void *uaddr = (const void *)l->l_robust_list;
	struct linux32_robust_list_head h32;
	int error;

	if (!cpu_is_compat32(l))
		return copyin(uaddr, head, sizeof(*head));
	error = copyin(uaddr, &h32, sizeof(h32));
	head->list = h32.list;
	head->futex_offset = h32.futex_offset;
	head->pending = h32.pending;
	return error;
}

static int
robust_next_in(struct lwp *l, uintptr_t at, uint64_t *next)
{
	uint32_t next32;
	int error;

	if (!cpu_is_compat32(l))
		return copyin((const void *)at, next, sizeof(*next));
	error = ufetch_32((const uint32_t *)at, &next32);
	*next = next32;
	return error;
}

/* Bit 0 of a list pointer marks a priority-inheritance futex. */
static void
robust_exit(struct lwp *l)
{
	struct linux_robust_list_head head;
	uintptr_t entry, pending;
	uint64_t next;
	bool more;

	if (robust_head_in(l, &head) != 0)
		return;
	entry = head.list;
	pending = head.pending & ~(uintptr_t)1;
	for (unsigned int i = 0; i < ROBUST_LIST_LIMIT; i++) {
		uintptr_t at = entry & ~(uintptr_t)1;

		if (at == l->l_robust_list)
			break;
		/* The entry may be reused as soon as its futex is free. */
		more = robust_next_in(l, at, &next) == 0;
		if (at != pending && robust_death(l,
		    at + (uintptr_t)head.futex_offset, (entry & 1) != 0,
		    false) != 0)
			return;
		if (!more)
			return;
		entry = (uintptr_t)next;
	}
	if (pending != 0)
		(void)robust_death(l, pending + (uintptr_t)head.futex_offset,
		    (head.pending & 1) != 0, true);
}

/*
 * The thread ends, or gives its memory up in exec: what it has promised to do
 * for others that use the memory.
 */
void
linux_lwp_exit(struct lwp *l)
{
	uintptr_t tidptr = l->l_clear_child_tid;
	unsigned int n;

	if (l->l_robust_list != 0) {
		robust_exit(l);
		l->l_robust_list = 0;
	}
	futex_pi_exit(l);
	if (tidptr == 0)
		return;
	l->l_clear_child_tid = 0;
	/* Nobody left who could look: spare the copy of the page. */
	if (l->l_proc->p_vmspace == NULL ||
	    (atomic_load(&l->l_proc->p_vmspace->vm_ref) == 1 &&
	    atomic_load_relaxed(&l->l_proc->p_nlwps) == 1))
		return;
	if (ustore_32((uint32_t *)tidptr, 0) == 0)
		(void)do_futex_wake(l, tidptr, true, 1, FUTEX_BITSET_ANY, &n);
}

int
linux_sys_set_robust_list(struct lwp *l,
    const struct linux_set_robust_list_args *uap,
    register_t *retval __unused)
{
	if (uap->len != (linux_is32() ?
	    sizeof(struct linux32_robust_list_head) :
	    sizeof(struct linux_robust_list_head)))
		return EINVAL;
	l->l_robust_list = (uintptr_t)uap->head;
	return 0;
}

int
linux_sys_get_robust_list(struct lwp *l,
    const struct linux_get_robust_list_args *uap,
    register_t *retval __unused)
{
	uint64_t head = l->l_robust_list;
	uint64_t len = linux_is32() ? sizeof(struct linux32_robust_list_head) :
	    sizeof(struct linux_robust_list_head);
	struct lwp *l2;
	int error = 0;

	if (uap->pid != 0) {
		rw_enter(&proctree_lock, RW_READER);
		if ((l2 = lwp_find(uap->pid)) == NULL)
			error = ESRCH;
		else if (l2->l_proc != l->l_proc &&
		    cred_capable(l->l_cred, CAP_SYS_PTRACE) != 0)
			error = EPERM;
		else
			head = l2->l_robust_list;
		rw_exit(&proctree_lock);
	}
	if (error == 0)
		error = linux_long_out(len, uap->len);
	if (error == 0)
		error = linux_long_out(head, uap->head);
	return error;
}

int
linux_sys_set_tid_address(struct lwp *l,
    const struct linux_set_tid_address_args *uap, register_t *retval)
{
	l->l_clear_child_tid = (uintptr_t)uap->tidptr;
	*retval = l->l_tid;
	return 0;
}
