/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU data and the CPU operations that machine-independent code uses.
 *
 * A cpu_info never moves and is never freed.  A field without a lock letter
 * belongs to its CPU: touch it with preemption off, on that CPU.
 */
#ifndef _SYS_CPU_H_
#define	_SYS_CPU_H_

#include <sys/param.h>
#include <sys/queue.h>

struct lwp;
struct runqueue;
struct callout_queue;

#include <machine/cpu.h>	/* struct cpu_md, curcpu(), curlwp */

struct cpu_info {
	struct cpu_info	*ci_self;	/* [I] first: found through %gs:0 */
	struct lwp	*ci_curlwp;	/* second: read through %gs:8 */
	struct cpu_md	ci_md;		/* the machine's; asm knows it */
	unsigned int	ci_index;	/* [I] vCPU number */
	unsigned int	ci_spin_depth;	/* spin locks held */
	bool		ci_spin_intr;	/* interrupts were on before */
	volatile bool	ci_resched;	/* [a] switch at the next chance */
	volatile bool	ci_online;	/* [a] scheduled on and interrupted */
	volatile bool	ci_present;	/* [a] the machine offers it now */
	unsigned int	ci_preempt_off;	/* preempt_disable() depth */
	unsigned int	ci_intr_depth;	/* hard interrupts being handled */
	uint32_t	ci_softints;	/* pending levels, a bitmap */
	bool		ci_in_softint;
	bool		ci_intr_user;	/* the interrupt came in user mode */
	struct lwp	*ci_idlelwp;	/* [I] */
	struct runqueue	*ci_runqueue;	/* [I] kern_sched.c */
	struct callout_queue *ci_callouts; /* [I] kern_callout.c */
	void		*ci_softint_list[8]; /* kern_softint.c */
	void		*ci_kmem;	/* per-CPU caches, uvm */
	void		*ci_pagecache;	/* free pages, uvm */
	nsec_t		ci_acct_last;	/* kern_time accounting: */
	nsec_t		ci_time_user, ci_time_nice, ci_time_sys, ci_time_idle,
			ci_time_intr, ci_time_steal;
	uint64_t	ci_nswitch, ci_nintr, ci_nsyscall, ci_nfault;
};

extern struct cpu_info *cpu_infos[MAXCPUS];	/* [I] NULL: not present */
extern unsigned int ncpu_possible;
extern struct cpu_info cpu_info_primary;

#define	CPU_FOREACH(ci)							\
	for (unsigned int ci##_i = 0; ci##_i < MAXCPUS; ci##_i++)	\
		if (((ci) = cpu_infos[ci##_i]) != NULL)

/*
 * Preemption.  While disabled the thread stays on its CPU and the scheduler
 * does not run; interrupts and soft interrupts do.  Nests.  No sleeping.
 */
void	preempt_disable(void);
void	preempt_enable(void);
/*
 * Run pending soft interrupts and switch threads if that is wanted, as far as
 * the context allows; returns soon if not.  Interrupts off, and off again
 * afterwards, perhaps on another CPU.  From trap_exit_kernel(), and from
 * trap_exit_user() before it looks at l_ast.
 */
void	sched_preempt(void);
/*
 * Around the handlers of a hard interrupt, interrupts off; user: it came in
 * user mode.  Soft interrupts run in sched_preempt() afterwards.
 */
void	cpu_intr_enter(bool user);
void	cpu_intr_exit(void);
/*
 * Give a CPU what the kernel proper needs before it can hatch: run queue,
 * callout queue, idle thread.  Thread context; ENOMEM.  Again: no effect.
 */
int	cpu_attach(struct cpu_info *);
/*
 * Take a CPU out of service: its threads, callouts and cached memory move
 * away.  Thread context.  The CPU ends in cpu_dead().  EBUSY: the last one or
 * not online.
 */
int	cpu_detach(struct cpu_info *);
/* sys/arch: the idle thread of a detached CPU ends here, interrupts off. */
void	cpu_dead(void) __dead;

/*
 * CPUs come and go while the system runs: whether the machine offers one
 * (present), and whether a present one is in use (online).  One change at a
 * time.  Thread context, sleeps.  ENODEV: not present.  EBUSY: the boot CPU,
 * which stays.  What is so already is no error.
 */
int	cpu_set_online(struct cpu_info *, bool);
int	cpu_set_present(struct cpu_info *, bool); /* and on- or offline, too */
/* Suspend table: no CPU comes or goes in between.  EBUSY: one does now. */
int	cpu_hotplug_hold(void);
void	cpu_hotplug_release(void);
/*
 * The machine cannot bring a stopped CPU back: while all others are stopped,
 * cpu_lost() takes it out of use; afterwards, in thread context, its work is
 * moved away by cpu_evacuate().
 */
void	cpu_lost(struct cpu_info *);
void	cpu_evacuate(struct cpu_info *);

/* -- what the machine provides (sys/arch) -- */

/* Set up by main(), boot CPU: CPU features and FPU, before threads ... */
void	cpu_md_init(void);
/* ... the boot CPU's interrupts and timer, with the allocator working ... */
void	cpu_intr_init(void);
/* ... how many vCPUs there could be; and everything that needs threads. */
unsigned int cpu_possible(void);
void	machine_init(void);
/* What we run on, for the banner: "Xen PV". */
const char *machine_name(void);

/*
 * Bring a CPU up by cpu_attach() and cpu_hatch(), take one down by
 * cpu_detach() and cpu_dead(); for cpu_set_online().  machine_init() says which
 * CPUs are present.
 */
int	cpu_online(struct cpu_info *);
int	cpu_offline(struct cpu_info *);
/*
 * Entry of a secondary CPU into the kernel proper (kern_cpu.c); does not
 * return.
 */
void	cpu_hatch(struct cpu_info *) __dead;

/* Make that CPU look at ci_resched / leave idle. Any context. */
void	cpu_kick(struct cpu_info *);
/* Run fn(arg) on all other online CPUs in interrupt context and wait. */
void	cpu_cross_call(void (*fn)(void *), void *arg);
/*
 * Stop all other CPUs in a known loop with interrupts off / let them go.
 * Between the two interrupts are off here, too, and nothing may sleep, allocate
 * or print (asserted).  Thread context.
 */
void	cpu_stop_others(void);
void	cpu_start_others(void);
extern volatile bool cpu_others_stopped;
/* The same for a panic: whoever does not come soon is left. Any context. */
void	cpu_stop_for_panic(void);
/* Make a cpu_info for each possible CPU; none is present yet. */
void	cpu_create_secondaries(void);
/* Never returns: stop this CPU for good (panic, halt). */
void	cpu_halt(void) __dead;
/*
 * Pending work of a CPU: cpu_ipi_send() interrupts it (sys/arch), its handler
 * calls cpu_ipi_dispatch() (kern_cpu.c). Hard interrupt context.
 */
void	cpu_ipi_send(struct cpu_info *);
void	cpu_ipi_dispatch(struct cpu_info *);
/* A spin lock is held elsewhere: let other vCPUs run. Any context. */
void	cpu_spin_yield(void);
/* Wait for an interrupt; entered and left with interrupts off. */
void	cpu_idle(void);

/* Switch kernel contexts. Interrupts off. Returns on `from`'s next turn. */
void	cpu_switchto(struct lwp *from, struct lwp *to);

/*
 * The CPU that runs the thread is about to be stopped: save what is only in its
 * registers.  If that CPU is lost, restart lets a thread that it ran in user
 * mode go on there, at its next switch.
 */
void	cpu_lwp_park(struct lwp *);
void	cpu_lwp_restart(struct lwp *);

/* How the machine ends. */
enum reboot_how { RB_POWEROFF, RB_RESTART, RB_HALT, RB_CRASH };
void	cpu_reboot(enum reboot_how) __dead;

/* The CPU's part of /proc/cpuinfo, in pieces. Thread context. */
void	cpu_describe(struct cpu_info *, void (*out)(void *, const char *,
	    size_t), void *ctx);

/* Stack trace of the caller (or from a frame pointer) on the console. */
void	backtrace_print(void);
void	backtrace_print_from(uintptr_t fp, uintptr_t pc);

#endif /* !_SYS_CPU_H_ */
