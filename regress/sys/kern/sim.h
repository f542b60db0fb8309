/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated machine with several CPUs for tests of the scheduler, locks and
 * timers.
 *
 * Overview: every thread is a context of its own on the host; every CPU is at
 * any time inside one of them.  Only one CPU really runs.  At each point
 * where the kernel touches the interrupt flag, spins, idles or reads the clock
 * the CPU's own time goes on a little, interrupts that are due come in, and the
 * CPU that is furthest behind goes on.  The steps are random, from a seed, so
 * each seed is another interleaving, and each run of a seed is the same.
 *
 * If all CPUs idle with no timer set, somebody has lost a wake-up: the test
 * fails.
 */
#ifndef _SIM_H_
#define	_SIM_H_

#include <sys/proc.h>

/* Run boot(arg) as the first thread of a machine; ends by sim_end(). */
void	sim_run(unsigned int ncpus, uint64_t seed, void (*boot)(void *),
	    void *arg);
/* The machine stops; sim_run() returns. */
void	sim_end(void) __dead;
struct lwp *sim_thread(void (*fn)(void *), void *arg);
/* Make a thread that is not yet started (sched_enqueue() does). */
struct lwp *sim_thread_new(void (*fn)(void *), void *arg);
/* The running thread ends. */
void	sim_exit(void) __dead;
/* The thread computes for this long, in user mode. */
void	sim_work(nsec_t);
uint64_t sim_random(uint64_t limit);	/* 0 .. limit - 1 */
nsec_t	sim_idle_time(unsigned int cpu);
void	sim_lose_timers(void);		/* as in a new domain */
/* After cpu_attach(): the CPU hatches, for the first time or again. */
void	sim_cpu_start(struct cpu_info *);
extern nsec_t sim_work_step;		/* ns, the longest in user mode */
extern unsigned int sim_timer_sets;	/* how often a timer was programmed */
extern unsigned int sim_ipis;
extern unsigned int sim_unloads;	/* CPUs that let their pmap go */
extern unsigned int sim_parks;		/* threads of stopped CPUs */
extern int sim_online_error;		/* what cpu_online() says */

#endif /* !_SIM_H_ */
