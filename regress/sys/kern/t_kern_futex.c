/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: keys, wake-ups, moving waiters, operations.
 *
 * There is one thread: while it sleeps in do_futex_wait() the hook plays the
 * others.
 */
/* sources: sys/kern/kern_futex.c sys/lib/hash.c */
/* variants: gcc64 clang64 */
#include <sys/errno.h>
#include <sys/futex.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>

#include <host.h>
#include <ktest.h>

#include "../../../sys/kern/futex_impl.h"

/* The locks are tested in t_kern_futex_pi.c. */
void
futex_pi_init(void)
{
}

static struct vmspace vm, othervm;
static struct proc p = { .p_vmspace = &vm }, otherp = { .p_vmspace = &othervm };
static struct lwp l = { .l_proc = &p }, otherl = { .l_proc = &otherp };

static uint32_t word[4] __aligned(16);

/* A shared mapping of one object at word[], in both address spaces. */
static int refs;

static void
reference(struct uvm_object *uo)
{
	CHECK(uo != NULL);
	refs++;
}

static void
detach(struct uvm_object *uo)
{
	CHECK(uo != NULL);
	refs--;
}

static const struct uvm_pagerops ops = { .pgo_reference = reference,
	.pgo_detach = detach };
static struct uvm_object object = { .uo_ops = &ops };
static struct vm_map_entry entry;
static bool mapped_shared;

struct vm_map_entry *
uvm_map_lookup(struct vm_map *map, vaddr_t va)
{
	CHECK(map == &vm.vm_map || map == &othervm.vm_map);
	CHECK(rw_lock_held(&map->m_lock));
	if (va < (vaddr_t)word || va >= (vaddr_t)word + sizeof(word))
		return NULL;
	entry.e_start = (vaddr_t)word;
	entry.e_end = (vaddr_t)word + sizeof(word);
	entry.e_object = mapped_shared ? &object : NULL;
	entry.e_offset = 0x1000;
	entry.e_flags = mapped_shared ? ME_SHARED : 0;
	return &entry;
}

static uintptr_t
addr(unsigned int i)
{
	return (uintptr_t)&word[i];
}

static void
setup(void)
{
	futex_init();
	rw_init(&vm.vm_map.m_lock, "map");
	rw_init(&othervm.vm_map.m_lock, "map");
	shim_set_curlwp(&l);
}

TEST(value_and_arguments)
{
	setup();
	word[0] = 5;
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 6, ~0U, 0), EAGAIN);
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 5, 0, 0), EINVAL);
	CHECK_EQ(do_futex_wait(&l, addr(0) + 1, false, 5, ~0U, 0), EINVAL);
	CHECK_EQ(do_futex_wait(&l, VM_MAX_ADDRESS, false, 5, ~0U, 0), EFAULT);
	shim_fault_range(&word[1], 4);
	CHECK_EQ(do_futex_wait(&l, addr(1), false, 0, ~0U, 0), EFAULT);
	/* Nothing is left locked. */
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 6, ~0U, 0), EAGAIN);
}

TEST(timeout_leaves_no_waiter)
{
	unsigned int n;

	setup();
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 0, ~0U,
	    nanouptime() + 1000), ETIMEDOUT);
	CHECK_EQ(do_futex_wake(&l, addr(0), false, 9, ~0U, &n), 0);
	CHECK_EQ(n, 0);
}

TEST(signal_leaves_no_waiter)
{
	unsigned int n;

	setup();
	shim_signal_pending = true;
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 0, ~0U, 0), ERESTARTSYS);
	CHECK_EQ(do_futex_wake(&l, addr(0), false, 9, ~0U, &n), 0);
	CHECK_EQ(n, 0);
}

static unsigned int turns;

static bool
wake_it(const char *wchan)
{
	unsigned int n;

	CHECK_STR(wchan, "futex");
	turns++;
	/* Wrong word, wrong bit, then right. */
	CHECK_EQ(do_futex_wake(&l, addr(1), false, 9, ~0U, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(do_futex_wake(&l, addr(0), false, 9, 2, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(do_futex_wake(&l, addr(0), false, 9, 5, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(do_futex_wake(&l, addr(0), false, 9, 5, &n), 0);
	CHECK_EQ(n, 0);
	return true;
}

TEST(wake)
{
	setup();
	shim_sleep_hook = wake_it;
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 0, 4, 0), 0);
	CHECK_EQ(turns, 1);
}

static bool
wake_and_signal(const char *wchan)
{
	shim_signal_pending = true;
	return wake_it(wchan);
}

TEST(wake_wins_over_a_signal)
{
	setup();
	shim_sleep_hook = wake_and_signal;
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 0, 4, 0), 0);
}

/* First nothing (a spurious wake-up), then it is moved, then woken there. */
static bool
move_it(const char *wchan)
{
	unsigned int woken, moved;
	uint32_t val = word[0] + 1;

	CHECK(wchan != NULL);
	switch (turns++) {
	case 0:
		return true;
	case 1:
		CHECK_EQ(do_futex_requeue(&l, addr(0), addr(2), false, 0, 9,
		    &val, &woken, &moved), EAGAIN);
		val--;
		CHECK_EQ(do_futex_requeue(&l, addr(0), addr(2), false, 0, 9,
		    &val, &woken, &moved), 0);
		CHECK_EQ(woken, 0);
		CHECK_EQ(moved, 1);
		return true;
	default:
		CHECK_EQ(do_futex_wake(&l, addr(0), false, 9, ~0U, &woken), 0);
		CHECK_EQ(woken, 0);
		CHECK_EQ(do_futex_wake(&l, addr(2), false, 9, ~0U, &woken), 0);
		CHECK_EQ(woken, 1);
		return true;
	}
}

TEST(requeued_then_woken)
{
	setup();
	shim_sleep_hook = move_it;
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 0, ~0U, 0), 0);
	CHECK_EQ(turns, 3);
}

static bool
move_then_leave(const char *wchan)
{
	unsigned int woken, moved;

	CHECK(wchan != NULL);
	if (turns++ > 0)
		return false;
	CHECK_EQ(do_futex_requeue(&l, addr(0), addr(2), false, 0, 9, NULL,
	    &woken, &moved), 0);
	CHECK_EQ(moved, 1);
	return true;
}

TEST(requeued_then_timed_out)
{
	unsigned int n;

	setup();
	shim_sleep_hook = move_then_leave;
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 0, ~0U,
	    nanouptime() + 1000), ETIMEDOUT);
	shim_sleep_hook = NULL;
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(do_futex_wake(&l, addr(i), false, 9, ~0U, &n), 0);
		CHECK_EQ(n, 0);
	}
}

static bool
requeue_to_itself(const char *wchan)
{
	unsigned int woken, moved;

	CHECK(wchan != NULL);
	CHECK_EQ(do_futex_requeue(&l, addr(0), addr(0), false, 1, 9, NULL,
	    &woken, &moved), 0);
	CHECK_EQ(woken, 1);
	CHECK_EQ(moved, 0);
	return true;
}

TEST(requeue_on_one_word)
{
	setup();
	shim_sleep_hook = requeue_to_itself;
	CHECK_EQ(do_futex_wait(&l, addr(0), false, 0, ~0U, 0), 0);
}

static bool
other_process(const char *wchan)
{
	unsigned int n;

	CHECK(wchan != NULL);
	/* Its private word at the same address is another word. */
	CHECK_EQ(do_futex_wake(&otherl, addr(1), false, 9, ~0U, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(do_futex_wake(&otherl, addr(1), true, 9, ~0U, &n), 0);
	CHECK_EQ(n, mapped_shared ? 1 : 0);
	if (!mapped_shared) {
		CHECK_EQ(do_futex_wake(&l, addr(1), true, 9, ~0U, &n), 0);
		CHECK_EQ(n, 1);
	}
	return true;
}

TEST(shared_memory_has_one_key)
{
	setup();
	mapped_shared = true;
	shim_sleep_hook = other_process;
	CHECK_EQ(do_futex_wait(&l, addr(1), true, 0, ~0U, 0), 0);
	CHECK_EQ(refs, 0);
	CHECK_EQ(do_futex_wait(&l, addr(1), true, 1, ~0U, 0), EAGAIN);
	CHECK_EQ(refs, 0);
}

TEST(private_memory_is_not_shared)
{
	setup();
	shim_sleep_hook = other_process;
	CHECK_EQ(do_futex_wait(&l, addr(1), true, 0, ~0U, 0), 0);
	CHECK_EQ(refs, 0);
}

TEST(unmapped_shared_word)
{
	unsigned int n;

	setup();
	CHECK_EQ(do_futex_wake(&l, 0x1000, true, 1, ~0U, &n), EFAULT);
	/* A private one is only a name. */
	CHECK_EQ(do_futex_wake(&l, 0x1000, false, 1, ~0U, &n), 0);
}

static int
wake_op(unsigned int op, uint32_t oparg, unsigned int cmp, uint32_t cmparg)
{
	struct futex_op fo = { op, cmp, oparg, cmparg };
	unsigned int n;

	return do_futex_wake_op(&l, addr(0), addr(3), false, 1, 1, &fo, &n);
}

TEST(operations)
{
	setup();
	word[3] = 12;
	CHECK_EQ(wake_op(1, 5, 0, 0), 0);
	CHECK_EQ(word[3], 17);
	CHECK_EQ(wake_op(2, 6, 0, 0), 0);
	CHECK_EQ(word[3], 23);
	CHECK_EQ(wake_op(3, 3, 0, 0), 0);
	CHECK_EQ(word[3], 20);
	CHECK_EQ(wake_op(4, 0xff, 0, 0), 0);
	CHECK_EQ(word[3], 235);
	CHECK_EQ(wake_op(0, 1, 0, 0), 0);
	CHECK_EQ(word[3], 1);
	CHECK_EQ(wake_op(5, 1, 0, 0), ENOSYS);
	CHECK_EQ(wake_op(0, 1, 6, 0), ENOSYS);
	shim_fault_range(&word[3], 4);
	CHECK_EQ(wake_op(1, 1, 0, 0), EFAULT);
}

static struct futex_op compare;
static unsigned int expected;

static bool
compare_wakes(const char *wchan)
{
	unsigned int n;

	CHECK(wchan != NULL);
	word[3] = (uint32_t)-1;
	CHECK_EQ(do_futex_wake_op(&l, addr(0), addr(3), false, 1, 1, &compare,
	    &n), 0);
	CHECK_EQ(n, expected);
	/* Whoever is left there is woken by hand. */
	CHECK_EQ(do_futex_wake(&l, addr(3), false, 1, ~0U, &n), 0);
	CHECK_EQ(n, 1 - expected);
	return true;
}

TEST(comparisons_are_signed)
{
	/* The old value -1 against 0: ==, !=, <, <=, >, >=. */
	static const unsigned int result[] = { 0, 1, 1, 1, 0, 0 };

	setup();
	shim_sleep_hook = compare_wakes;
	for (unsigned int i = 0; i < __arraycount(result); i++) {
		compare = (struct futex_op){ .fo_op = 1, .fo_cmp = i };
		expected = result[i];
		CHECK_EQ(do_futex_wait(&l, addr(3), false, word[3], ~0U, 0),
		    0);
	}
}

/* -- one of several words -- */

static bool
wake_two(const char *wchan)
{
	unsigned int n;

	CHECK_STR(wchan, "futex");
	CHECK_EQ(do_futex_wake(&l, addr(1), false, 9, ~0U, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(do_futex_wake(&l, addr(2), false, 9, ~0U, &n), 0);
	CHECK_EQ(n, 1);
	return true;
}

TEST(one_of_several)
{
	struct futex_wait fw[] = { { addr(0), 0, false },
	    { addr(1), 1, false }, { addr(2), 2, false } };
	unsigned int n;
	int which;

	setup();
	word[1] = 1;
	CHECK_EQ(do_futex_waitv(&l, fw, 3, 0, &which), EAGAIN);
	word[2] = 2;
	CHECK_EQ(do_futex_waitv(&l, fw, 3, nanouptime() + 1000, &which),
	    ETIMEDOUT);
	CHECK_EQ(which, -1);
	shim_signal_pending = true;
	CHECK_EQ(do_futex_waitv(&l, fw, 3, 0, &which), ERESTARTSYS);
	shim_signal_pending = false;
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(do_futex_wake(&l, addr(i), false, 9, ~0U, &n), 0);
		CHECK_EQ(n, 0);
	}
	shim_sleep_hook = wake_two;
	CHECK_EQ(do_futex_waitv(&l, fw, 3, 0, &which), 0);
	CHECK_EQ(which, 2);
	kmem_fail_after(0);
	CHECK_EQ(do_futex_waitv(&l, fw, 3, 0, &which), ENOMEM);
	kmem_fail_after(-1);
	CHECK_EQ(kmem_outstanding(), 0);
}
