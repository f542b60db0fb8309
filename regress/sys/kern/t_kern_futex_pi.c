/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes with priority inheritance: taking, handing over, lending.
 *
 * There is one thread; while it sleeps the hook plays the others.
 */
/* sources: sys/kern/kern_futex.c sys/kern/kern_futex_pi.c sys/lib/hash.c */
/* variants: gcc64 clang64 */
#include <sys/errno.h>
#include <sys/futex.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <uvm/uvm.h>

#include <host.h>
#include <ktest.h>

struct rwlock proctree_lock;

static struct vmspace vm;
static struct proc p = { .p_vmspace = &vm };
/* The one that runs has real-time priority 9, the others none. */
static struct lwp me = { .l_proc = &p, .l_tid = 100, .l_pri = 90 },
    x = { .l_proc = &p, .l_tid = 101, .l_pri = 120 },
    y = { .l_proc = &p, .l_tid = 102, .l_pri = 120 };
static uint32_t word[3] __aligned(16);
static unsigned int turns;

struct vm_map_entry *
uvm_map_lookup(struct vm_map *map, vaddr_t va)
{
	CHECK(map != NULL && va != 0);
	return NULL;
}

struct lwp *
lwp_find(pid_t tid)
{
	CHECK(rw_lock_held(&proctree_lock));
	return tid == 100 ? &me : tid == 101 ? &x : tid == 102 ? &y : NULL;
}

bool
sched_boost(struct lwp *l, int pri)
{
	if (l->l_sched.se_boost == pri)
		return false;
	l->l_sched.se_boost = pri;
	return true;
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
	rw_init(&proctree_lock, "proctree");
	shim_set_curlwp(&me);
}

static int
lock(unsigned int i, nsec_t deadline)
{
	return do_futex_lock_pi(&me, addr(i), false, false, deadline);
}

TEST(free_lock)
{
	setup();
	CHECK_EQ(lock(0, 0), 0);
	CHECK_EQ(word[0], 100);
	CHECK_EQ(lock(0, 0), EDEADLK);
	CHECK_EQ(do_futex_lock_pi(&x, addr(0), false, true, 0), EAGAIN);
	CHECK_EQ(word[0], 100);
	CHECK_EQ(do_futex_unlock_pi(&x, addr(0), false), EPERM);
	CHECK_EQ(do_futex_unlock_pi(&me, addr(0), false), 0);
	CHECK_EQ(word[0], 0);
	CHECK_EQ(lock(0, 0), 0);
	CHECK_EQ(lock(1, 0), 0);
	word[1] = 999;
	CHECK_EQ(lock(1, 0), ESRCH);
	CHECK_EQ(kmem_outstanding(), 0);
}

static bool
unlock_it(const char *wchan)
{
	CHECK_STR(wchan, "futex_pi");
	turns++;
	CHECK_EQ(word[0], 101 | FUTEX_WAITERS);
	CHECK_EQ(x.l_sched.se_boost, 10);
	CHECK_EQ(do_futex_unlock_pi(&x, addr(0), false), 0);
	CHECK_EQ(x.l_sched.se_boost, 0);
	return true;
}

TEST(waits_and_gets_it)
{
	setup();
	word[0] = 101;
	shim_sleep_hook = unlock_it;
	CHECK_EQ(lock(0, 0), 0);
	CHECK_EQ(turns, 1);
	CHECK_EQ(word[0], 100);
	CHECK(me.l_piwait == NULL && LIST_EMPTY(&me.l_piheld));
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(gives_up)
{
	setup();
	word[0] = 101;
	CHECK_EQ(lock(0, nanouptime() + 1000), ETIMEDOUT);
	CHECK_EQ(x.l_sched.se_boost, 0);
	CHECK(me.l_piwait == NULL && LIST_EMPTY(&x.l_piheld));
	/* Its bit stays; the owner finds nobody. */
	CHECK_EQ(word[0], 101 | FUTEX_WAITERS);
	CHECK_EQ(do_futex_unlock_pi(&x, addr(0), false), 0);
	CHECK_EQ(word[0], 0);
	word[0] = 101;
	shim_signal_pending = true;
	CHECK_EQ(lock(0, 0), ERESTARTNOINTR);
	CHECK_EQ(kmem_outstanding(), 0);
}

static bool
owner_ends(const char *wchan)
{
	CHECK_STR(wchan, "futex_pi");
	x.l_flags |= LF_EXITING;
	futex_pi_exit(&x);
	CHECK(x.l_pidead && LIST_EMPTY(&x.l_piheld));
	/* The word says nothing yet, but is not to be taken. */
	word[0] = FUTEX_OWNER_DIED;
	CHECK_EQ(do_futex_lock_pi(&y, addr(0), false, true, 0), EAGAIN);
	return true;
}

TEST(owner_that_ends)
{
	setup();
	word[0] = 101;
	shim_sleep_hook = owner_ends;
	CHECK_EQ(lock(0, 0), 0);
	CHECK_EQ(word[0], 100 | FUTEX_OWNER_DIED);
	CHECK(LIST_EMPTY(&me.l_piheld));
	/* Nobody waits for one that is gone. */
	shim_sleep_hook = NULL;
	word[1] = 101;
	CHECK_EQ(lock(1, 0), ESRCH);
	CHECK_EQ(kmem_outstanding(), 0);
}

static bool
chain(const char *wchan)
{
	CHECK_STR(wchan, "futex_pi");
	if (++turns == 1) {
		/* x waits for y: what x is lent goes on to y. */
		word[1] = 102;
		CHECK_EQ(y.l_sched.se_boost, 0);
		CHECK_EQ(do_futex_lock_pi(&x, addr(1), false, false, 0), 0);
		CHECK_EQ(word[1], 101);
		CHECK_EQ(do_futex_unlock_pi(&x, addr(0), false), 0);
		return true;
	}
	/* While x sleeps: y may not wait for what x holds, or who waits. */
	word[2] = 100;
	CHECK_EQ(do_futex_lock_pi(&x, addr(2), false, false, 0), EDEADLK);
	CHECK_EQ(do_futex_lock_pi(&y, addr(0), false, false, 0), EDEADLK);
	CHECK_EQ(do_futex_unlock_pi(&y, addr(1), false), 0);
	return true;
}

TEST(chains)
{
	setup();
	word[0] = 101;
	shim_sleep_hook = chain;
	CHECK_EQ(lock(0, 0), 0);
	CHECK_EQ(turns, 2);
	CHECK_EQ(word[0], 100);
	CHECK_EQ(kmem_outstanding(), 0);
}

TEST(no_memory_and_faults)
{
	setup();
	word[0] = 101;
	kmem_fail_after(0);
	CHECK_EQ(lock(0, nanouptime() + 1), ENOMEM);
	kmem_fail_after(-1);
	shim_fault_range(&word[0], 4);
	CHECK_EQ(lock(0, nanouptime() + 1), EFAULT);
	CHECK_EQ(do_futex_unlock_pi(&me, addr(0), false), EFAULT);
	CHECK_EQ(kmem_outstanding(), 0);
}
