/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine: see sim.h.
 */
#include <sys/boot.h>
#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/softint.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/clock.h>
#include <machine/intr.h>
#include <machine/pmap.h>

#include <host.h>
#include <ktest.h>

#include "../../../sys/kern/sched_impl.h"
#include "sim.h"

#define	STEP		400	/* ns, the longest step of a CPU */
#define	NEVER		INT64_MAX

struct sim_cpu {
	struct cpu_info	*sc_ci;
	nsec_t		sc_time;	/* its own clock */
	nsec_t		sc_timer;	/* when it fires, or NEVER */
	struct host_context *sc_context; /* where it is while others run */
	bool		sc_intr;	/* interrupts on */
	bool		sc_ipi;
	bool		sc_parked;	/* waits for an interrupt */
	bool		sc_user;	/* in sim_work() */
	bool		sc_off;
};

struct sim_lwp {
	struct lwp	sl_lwp;
	struct host_context *sl_context;
	void		(*sl_func)(void *);
	void		*sl_arg;
};

struct cpu_info *shim_curcpu = &cpu_info_primary;
struct proc proc0;
struct lwp lwp0;
struct rwlock proctree_lock;
struct proclist allproc = LIST_HEAD_INITIALIZER(allproc);
unsigned int sim_timer_sets, sim_ipis, sim_unloads, sim_parks;
nsec_t sim_work_step = 20000;
int sim_online_error;

static struct sim_cpu cpus[MAXCPUS];
static unsigned int ncpus;
static uint64_t rng;
static struct host_context *outside, *boot_context;
static bool running, ended;
static nsec_t mono_last;

static struct sim_cpu *
self(void)
{
	return &cpus[shim_curcpu->ci_index];
}

uint64_t
sim_random(uint64_t limit)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 11) % limit;
}

/* ---- time passes ---- */

static bool
wanted(const struct sim_cpu *sc)
{
	return sc->sc_ipi || sc->sc_timer <= sc->sc_time;
}

/* Take the interrupts that are due, like upcall_entry() and the exit path. */
static void
interrupts(void)
{
	struct sim_cpu *sc = self();

	while (sc->sc_intr && wanted(sc)) {
		sc->sc_intr = false;
		cpu_intr_enter(sc->sc_user);
		sc->sc_user = false;
		if (sc->sc_timer <= sc->sc_time) {
			sc->sc_timer = NEVER;
			callout_intr();
		}
		if (sc->sc_ipi) {
			sc->sc_ipi = false;
			cpu_ipi_dispatch(sc->sc_ci);
		}
		cpu_intr_exit();
		sched_preempt();
		sc = self();		/* the thread may have moved */
		sc->sc_intr = true;
	}
}

/* The CPU that is furthest behind; parked ones wait for their timers. */
static struct sim_cpu *
next_cpu(void)
{
	struct sim_cpu *best = NULL, *sc;
	nsec_t t, bestt = NEVER;
	unsigned int i;

	for (i = 0; i < ncpus; i++) {
		sc = &cpus[i];
		if (sc->sc_off)
			continue;
		t = sc->sc_parked && !wanted(sc) ? sc->sc_timer : sc->sc_time;
		if (t < bestt) {
			bestt = t;
			best = sc;
		}
	}
	if (best == NULL)
		ktest_fail(__FILE__, __LINE__,
		    "all CPUs idle and no timer set: a wake-up was lost");
	if (best->sc_parked && bestt > best->sc_time)
		best->sc_time = bestt;
	return best;
}

/* Let the others catch up. */
static void
others(void)
{
	struct sim_cpu *me = self(), *sc = next_cpu();

	if (ended)
		host_context_switch(me->sc_context, outside);
	if (sc == me)
		return;
	shim_curcpu = sc->sc_ci;
	host_context_switch(me->sc_context, sc->sc_context);
}

static void
step(nsec_t most)
{
	self()->sc_time += 1 + (nsec_t)sim_random((uint64_t)most);
	others();
	interrupts();
}

void
sim_work(nsec_t span)
{
	struct lwp *l = curlwp;
	struct runqueue *rq;
	nsec_t used, target;

	/* CPU time of the thread counts, not time. */
	for (target = -1;;) {
		rq = curcpu()->ci_runqueue;
		used = l->l_cputime + self()->sc_time - l->l_sched.se_start;
		if (rq->rq_cur != l)
			panic("a thread runs that is not current");
		if (target < 0)
			target = used + span;
		if (used >= target)
			break;
		self()->sc_user = true;
		step(MIN(sim_work_step, target - used));
		self()->sc_user = false;
	}
}

/* ---- what the kernel asks of the machine ---- */

struct lwp *
shim_curlwp(void)
{
	return shim_curcpu->ci_curlwp;
}

bool
intr_disable(void)
{
	bool was;

	if (running)
		step(STEP / 4);
	was = self()->sc_intr;
	self()->sc_intr = false;
	return was;
}

void
intr_enable(void)
{
	self()->sc_intr = true;
	step(STEP);
}

bool
intr_enabled(void)
{
	return self()->sc_intr;
}

void
cpu_spin_yield(void)
{
	step(STEP);
}

void
cpu_idle(void)
{
	struct sim_cpu *sc = self();

	KASSERT(!sc->sc_intr);
	sc->sc_intr = true;
	if (!wanted(sc)) {
		sc->sc_parked = true;
		others();
		sc = self();
		sc->sc_parked = false;
	}
	interrupts();
	self()->sc_intr = false;
}

void
cpu_dead(void)
{
	self()->sc_off = true;
	others();
	panic("a dead CPU runs");
}

void
cpu_halt(void)
{
	panic("cpu_halt");
}

void
cpu_ipi_send(struct cpu_info *ci)
{
	struct sim_cpu *sc = &cpus[ci->ci_index];

	sim_ipis++;
	sc->sc_ipi = true;
	/* An idle CPU's clock has stood still. */
	if (sc->sc_parked && sc->sc_time < self()->sc_time)
		sc->sc_time = self()->sc_time + 1;
}

nsec_t
clock_raw(void)
{
	return self()->sc_time;
}

void
clock_set_timer(nsec_t t)
{
	sim_timer_sets++;
	self()->sc_timer = t;
}

nsec_t
clock_steal(void)
{
	return 0;
}

nsec_t
nanouptime(void)
{
	mono_last = MAX(mono_last, self()->sc_time);
	return mono_last;
}

nsec_t
time_to_raw(nsec_t t)
{
	return t;
}

void
sim_lose_timers(void)
{
	unsigned int i;

	for (i = 0; i < ncpus; i++)
		cpus[i].sc_timer = NEVER;
}

void
pmap_activate(struct lwp *l __unused)
{
}

void
pmap_deactivate(struct lwp *l __unused)
{
}

void
pmap_unload(void)
{
	sim_unloads++;
}

void
pmap_cpu_lost(struct cpu_info *ci)
{
	KASSERT(!ci->ci_online);
	cpus[ci->ci_index].sc_off = true;
}

void
cpu_lwp_park(struct lwp *l)
{
	KASSERT(l == curlwp);
	sim_parks++;
}

static void	thread_main(void *);

/* Where it was is forgotten, as registers are: it begins anew. */
void
cpu_lwp_restart(struct lwp *l)
{
	struct sim_lwp *sl = container_of(l, struct sim_lwp, sl_lwp);

	host_context_free(sl->sl_context);
	sl->sl_context = host_context_new(thread_main, sl);
}

void
kmem_cpu_drain(unsigned int cpu)
{
	KASSERT(!cpu_infos[cpu]->ci_online);
}

void
uvm_page_cpu_drain(unsigned int cpu)
{
	KASSERT(!cpu_infos[cpu]->ci_online);
}

/* ---- threads ---- */

static struct host_context **
context_of(struct lwp *l)
{
	return l == &lwp0 ? &boot_context :
	    &container_of(l, struct sim_lwp, sl_lwp)->sl_context;
}

void
cpu_switchto(struct lwp *from, struct lwp *to)
{
	KASSERT(!intr_enabled());
	curcpu()->ci_curlwp = to;
	/* From now on the CPU is wherever the new thread is. */
	self()->sc_context = *context_of(to);
	host_context_switch(*context_of(from), *context_of(to));
}

static void
thread_main(void *arg)
{
	struct sim_lwp *sl = arg;

	lwp_startup(curcpu()->ci_runqueue->rq_prev, curlwp);
	sl->sl_func(sl->sl_arg);
	sim_exit();
}

int
lwp_alloc(struct proc *p, struct lwp *from __unused, struct lwp **lp)
{
	struct sim_lwp *sl = kmem_zalloc(sizeof(*sl), KM_SLEEP);
	static pid_t tid;

	if (sl == NULL)
		return ENOMEM;
	sl->sl_lwp.l_proc = p;
	sl->sl_lwp.l_tid = ++tid;
	memset(sl->sl_lwp.l_affinity, 0xff, sizeof(sl->sl_lwp.l_affinity));
	sl->sl_lwp.l_cpu = curcpu();
	LIST_INSERT_HEAD(&p->p_lwps, &sl->sl_lwp, l_sibling);
	*lp = &sl->sl_lwp;
	return 0;
}

void
lwp_free(struct lwp *l)
{
	struct sim_lwp *sl = container_of(l, struct sim_lwp, sl_lwp);

	KASSERT(l != curlwp && !l->l_sched.se_oncpu);
	LIST_REMOVE(l, l_sibling);
	if (sl->sl_context != NULL)
		host_context_free(sl->sl_context);
	kmem_free(sl, sizeof(*sl));
}

void
lwp_start(struct lwp *l)
{
	sched_enqueue(l);
}

void
lwp_exit(struct lwp *l __unused, int status __unused)
{
	sched_exit();
}

int
cpu_lwp_fork(struct lwp *parent __unused, struct lwp *l,
    uintptr_t stack __unused, bool set_tls __unused, uintptr_t tls __unused,
    void (*fn)(void *), void *arg)
{
	struct sim_lwp *sl = container_of(l, struct sim_lwp, sl_lwp);

	sl->sl_func = fn;
	sl->sl_arg = arg;
	sl->sl_context = host_context_new(thread_main, sl);
	return 0;
}

bool
sig_pending(struct lwp *l)
{
	return (l->l_ast & (L_AST_SIGNAL | L_AST_DIE)) != 0;
}

struct lwp *
sim_thread_new(void (*fn)(void *), void *arg)
{
	struct lwp *l;

	if (lwp_alloc(&proc0, NULL, &l) != 0 ||
	    cpu_lwp_fork(&lwp0, l, 0, false, 0, fn, arg) != 0)
		panic("sim: no thread");
	return l;
}

struct lwp *
sim_thread(void (*fn)(void *), void *arg)
{
	struct lwp *l = sim_thread_new(fn, arg);

	sched_enqueue(l);
	return l;
}

void
sim_exit(void)
{
	sched_exit();
}

nsec_t
sim_idle_time(unsigned int cpu)
{
	return cpus[cpu].sc_ci->ci_time_idle;
}

/* ---- the machine ---- */

struct boot {
	void	(*func)(void *);
	void	*arg;
};

/* A secondary CPU begins in its idle thread. */
static void
hatch(void *arg)
{
	cpu_hatch(arg);
}

int
cpu_online(struct cpu_info *ci)
{
	int error = sim_online_error;

	if (error == 0)
		error = cpu_attach(ci);
	if (error == 0)
		sim_cpu_start(ci);
	return error;
}

int
cpu_offline(struct cpu_info *ci)
{
	int error = cpu_detach(ci);

	while (error == 0 && !cpus[ci->ci_index].sc_off)
		cpu_spin_yield();
	return error;
}

void
sim_cpu_start(struct cpu_info *ci)
{
	struct sim_cpu *sc = &cpus[ci->ci_index];
	struct host_context **idle = context_of(ci->ci_idlelwp);

	host_context_free(*idle);
	*idle = sc->sc_context = host_context_new(hatch, ci);
	sc->sc_time = self()->sc_time;
	sc->sc_intr = sc->sc_ipi = sc->sc_parked = sc->sc_off = false;
	while (!atomic_load(&ci->ci_online))
		cpu_spin_yield();
}

static void
cpu_setup(unsigned int i)
{
	struct cpu_info *ci = cpu_infos[i];
	struct sim_cpu *sc = &cpus[i];

	memset(sc, 0, sizeof(*sc));
	sc->sc_ci = ci;
	sc->sc_timer = NEVER;
	if (i == 0)
		sc->sc_context = boot_context;
	else
		sc->sc_off = true;
}

static void
reaper(void *arg __unused)
{
	sched_reaper();
}

static void
boot_main(void *arg)
{
	struct boot *b = arg;
	unsigned int i;

	proc0.p_pid = 0;
	spin_init(&proc0.p_lock, "proc");
	LIST_INIT(&proc0.p_lwps);
	LIST_INSERT_HEAD(&allproc, &proc0, p_all);
	rw_init(&proctree_lock, "proctree");
	lwp0.l_proc = &proc0;
	sched_init();
	if (callout_init_cpu(&cpu_info_primary) != 0 ||
	    cpu_attach(&cpu_info_primary) != 0)
		panic("sim: boot CPU");
	intr_enable();
	ncpu_possible = ncpus;
	cpu_create_secondaries();
	for (i = 1; i < ncpus; i++) {
		cpu_setup(i);
		cpu_infos[i]->ci_present = true;
		sim_cpu_start(cpu_infos[i]);
	}
	running = true;
	sim_thread(reaper, NULL);
	b->func(b->arg);
	sim_end();
}

void
sim_run(unsigned int n, uint64_t seed, void (*func)(void *), void *arg)
{
	struct boot b = { func, arg };

	rng = seed * 0x9e3779b97f4a7c15ULL | 1;
	ncpus = 1;
	outside = host_context_new(NULL, NULL);
	boot_context = host_context_new(boot_main, &b);
	cpu_setup(0);
	ncpu_possible = n;
	/* Secondaries are off until they are set up. */
	for (unsigned int i = 1; i < n; i++)
		cpus[i].sc_off = true;
	ncpus = n;
	cpu_info_primary.ci_curlwp = &lwp0;
	host_context_switch(outside, boot_context);
}

void
sim_end(void)
{
	running = false;
	ended = true;
	(void)intr_disable();
	host_context_switch(self()->sc_context, outside);
	panic("the machine runs on");
}
