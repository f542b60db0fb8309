/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When memory is short: the thread that gets some back.
 *
 * Overview: an allocation that finds memory low kicks the page daemon.  It asks
 * the shrinkers, writes private memory to swap, and, when swap is full or there
 * is none, asks the balloon through uvm_lowmem_hook.  When threads wait and
 * none has given anything for a while, the process with most memory is killed,
 * weighted by its oom_score_adj.
 *
 * Threads wait in uvm_wait() with no lock of this directory held, for a bounded
 * time.  One that is being killed does not wait at all: its exit is what
 * everybody else waits for.
 *
 * Locking: pd_lock, a spin lock, around the two condition variables.  A waker
 * may find it held elsewhere for no longer than a queue operation.
 */
#include <sys/kthread.h>
#include <sys/time.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_swap.h>

#define	WAIT_MAX	(10 * NSEC_PER_SEC)	/* then an allocation fails */
#define	WAIT_MAX_SWAP	(120 * NSEC_PER_SEC)	/* with room in swap */
#define	WAIT_ROUND	(100 * NSEC_PER_MSEC)
#define	ROUNDS_TO_OOM	5		/* without progress: 500 ms */
#define	OOM_PATIENCE	(5 * NSEC_PER_SEC)	/* for the victim to go */
#define	OOM_ADJ_NEVER	(-1000)
#define	CACHE_SHARE	16		/* of memory: less is little */

volatile unsigned int uvm_nwaiting;
volatile size_t uvm_reclaimed;

static struct spinlock pd_lock = SPINLOCK_INITIALIZER("uvm_pdaemon");
static struct condvar pd_cv;			/* the daemon sleeps here */
static struct condvar free_cv;			/* and those who wait here */
static volatile bool pd_kicked;
static struct lwp *pd_lwp;			/* [I] once not NULL */
static pid_t oom_pid;				/* last victim; daemon only */
static nsec_t oom_when;

void
uvm_pdaemon_kick(void)
{
	if (atomic_load_relaxed(&pd_lwp) == NULL ||
	    atomic_load_relaxed(&pd_kicked))
		return;
	atomic_store(&pd_kicked, true);
	cv_signal(&pd_cv);
}

void
uvm_pdaemon_freed(void)
{
	if (atomic_load_relaxed(&pd_lwp) != NULL)
		cv_broadcast(&free_cv);
}

bool
uvm_being_killed(const struct lwp *l)
{
	sigset_t kill = sigmask(SIGKILL);

	return (atomic_load_relaxed(&l->l_ast) & L_AST_DIE) != 0 ||
	    (l->l_sigpend.sp_set & kill) != 0 ||
	    (l->l_proc->p_sigpend.sp_set & kill) != 0;
}

int
uvm_wait(size_t n)
{
	struct lwp *l = curlwp;
	size_t seen = atomic_load_relaxed(&uvm_reclaimed);
	nsec_t now, deadline, patience;
	int error = 0;

	if (atomic_load_relaxed(&pd_lwp) == NULL) {
		/* Boot: nobody else could free anything. */
		kmem_reap();
		return uvm_page_enough(n) ? 0 : ENOMEM;
	}
	if (l == pd_lwp || uvm_being_killed(l))
		return ENOMEM;
	KASSERT(curcpu()->ci_spin_depth == 0);
	patience = uvm_swap_full() ? WAIT_MAX : WAIT_MAX_SWAP;
	deadline = nanouptime() + patience;
	(void)atomic_add(&uvm_nwaiting, 1);
	spin_enter(&pd_lock);
	while (!uvm_page_enough(n)) {
		now = nanouptime();
		/* Others were faster: that is no reason to give up. */
		if (seen != atomic_load_relaxed(&uvm_reclaimed)) {
			seen = atomic_load_relaxed(&uvm_reclaimed);
			deadline = now + patience;
		}
		if (now >= deadline || uvm_being_killed(l)) {
			error = ENOMEM;
			break;
		}
		uvm_pdaemon_kick();
		(void)cv_timedwait_spin(&free_cv, &pd_lock,
		    MIN(deadline, now + WAIT_ROUND));
	}
	spin_exit(&pd_lock);
	(void)atomic_sub(&uvm_nwaiting, 1);
	return error;
}

/*
 * How much killing it would bring, in pages; 0: not to be killed.  As on
 * Linux, 1000 units of oom_score_adj weigh as much as all memory.
 */
static size_t
oom_score(struct proc *p, size_t *rss)
{
	struct vmspace *vm;
	int64_t score;

	if (p == initproc || p->p_pid <= 1 || (p->p_flags & P_SYSTEM) != 0 ||
	    p->p_state != PS_ACTIVE || p->p_oom_adj <= OOM_ADJ_NEVER)
		return 0;
	vm = proc_vmspace_ref(p);
	if (vm == NULL)
		return 0;
	*rss = vmspace_rss(vm);
	if (rw_tryenter(&vm->vm_map.m_lock, RW_READER)) {
		*rss += vmspace_swapped(vm, 0, vm->vm_map.m_max);
		rw_exit(&vm->vm_map.m_lock);
	}
	vmspace_put(vm);
	score = (int64_t)*rss +
	    (int64_t)(uvmexp.total / 1000) * p->p_oom_adj;
	return score > 0 ? (size_t)score : 1;
}

/*
 * The last victim is still on its way out: give it time before the next.
 * proctree_lock held.
 */
static bool
oom_in_progress(void)
{
	struct proc *p;

	if (oom_pid == 0 || nanouptime() - oom_when > OOM_PATIENCE)
		return false;
	p = proc_find(oom_pid);
	return p != NULL && p->p_state == PS_ACTIVE;
}

static unsigned long
kbytes(size_t npages)
{
	return (unsigned long)npages * (PAGE_SIZE / 1024);
}

static void
oom_kill(void)
{
	struct proc *p, *victim = NULL;
	size_t score, rss = 0, best = 0, bestrss = 0;

	rw_enter(&proctree_lock, RW_READER);
	if (oom_in_progress()) {
		rw_exit(&proctree_lock);
		return;
	}
	LIST_FOREACH(p, &allproc, p_all) {
		score = oom_score(p, &rss);
		/* A second shot at the same process would be wasted. */
		if (score > best && p->p_pid != oom_pid) {
			best = score;
			bestrss = rss;
			victim = p;
		}
	}
	if (victim != NULL) {
		oom_pid = victim->p_pid;
		oom_when = nanouptime();
		(void)atomic_add(&uvmexp.oomkills, 1);
		printf("uvm: out of memory: killed process %d (%s), %lu kB "
		    "used, oom_score_adj %d; %lu of %lu kB free\n",
		    victim->p_pid, victim->p_comm, kbytes(bestrss),
		    victim->p_oom_adj, kbytes(uvmexp.free),
		    kbytes(uvmexp.total));
		psignal(victim, SIGKILL);
	}
	rw_exit(&proctree_lock);
}

size_t
uvm_reclaim(size_t want)
{
	size_t freed = 0, cached;

	/* What is left of the cache then are programs that run. */
	if (uvmexp.active + uvmexp.inactive < uvmexp.total / CACHE_SHARE)
		freed = uvm_swapout(want);
	if (freed < want) {
		cached = shrinker_run(want - freed);
		(void)atomic_add(&uvm_reclaimed, cached);
		freed += cached;
	}
	if (freed < want)
		freed += uvm_swapout(want - freed);
	return freed;
}

/*
 * One round: what can be had until twice the low mark is free.  True: it goes
 * well, and there should be another one soon.
 */
static bool
reclaim(void)
{
	size_t want = 2 * uvm_page_low(), have = uvmexp.free, freed;

	if (have >= want)
		return false;
	want -= have;
	freed = uvm_reclaim(want);
	if (uvm_lowmem_hook != NULL && uvm_swap_full())
		uvm_lowmem_hook(want);
	return freed >= want / 2;
}

static void
pdaemon(void *arg __unused)
{
	unsigned int rounds = 0;
	size_t before, owned = uvmexp.total;
	bool well;

	curlwp->l_flags |= LF_MEMRESERVE;
	for (;;) {
		spin_enter(&pd_lock);
		while (!atomic_load(&pd_kicked))
			cv_wait_spin(&pd_cv, &pd_lock);
		spin_exit(&pd_lock);

		before = uvmexp.free;
		well = reclaim();
		uvm_pdaemon_freed();
		/* What came may be in use already. */
		if (uvmexp.free > before || uvm_page_enough(1) ||
		    uvmexp.total > owned || well) {
			rounds = 0;
		} else if (atomic_load(&uvm_nwaiting) != 0 &&
		    ++rounds >= ROUNDS_TO_OOM) {
			oom_kill();
			rounds = 0;
		}
		owned = uvmexp.total;
		/*
		 * The balloon and a victim's exit take a moment; kicks that
		 * come meanwhile count for the next round.
		 */
		if (!well)
			(void)kpause("pdaemon", false,
			    nanouptime() + WAIT_ROUND);
		atomic_store(&pd_kicked, uvmexp.free < uvm_page_low() &&
		    (well || atomic_load(&uvm_nwaiting) != 0));
	}
}

void
uvm_pdaemon_init(void)
{
	struct lwp *l;

	cv_init(&pd_cv, "pdaemon");
	cv_init(&free_cv, "lowmem");
	if (kthread_create("pagedaemon", NULL, pdaemon, NULL, &l) != 0)
		panic("uvm: cannot start the page daemon");
	atomic_store(&pd_lwp, l);
}
