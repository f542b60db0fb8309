/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes (struct proc) and threads (struct lwp).
 *
 * A Linux thread group is a proc, each Linux task an lwp; thread ids share
 * the number space of process ids and the first lwp's id is the pid.
 *
 * Lock letters: [I] immutable, [a] atomic, [T] proctree_lock, [p] p_lock,
 * [s] the run queue lock of l_cpu (kern_sched.c), [o] only the thread itself.
 */
#ifndef _SYS_PROC_H_
#define	_SYS_PROC_H_

#include <sys/atomic.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/rwlock.h>
#include <sys/signal.h>
#include <sys/spinlock.h>
#include <machine/pcb.h>	/* struct pcb: saved registers, FPU, TLS */

struct vmspace;
struct filedesc;
struct cwdinfo;
struct tty;
struct vnode;
struct file;
struct path;
struct trapframe;
struct emul;

/* -- credentials: shared, copied on write (kern_cred.c) -- */
struct cred {
	refcount_t	cr_ref;		/* [a] */
	uid_t		cr_ruid, cr_euid, cr_suid, cr_fsuid;
	gid_t		cr_rgid, cr_egid, cr_sgid, cr_fsgid;
	uint64_t	cr_cap_inheritable, cr_cap_permitted,
			cr_cap_effective, cr_cap_bset, cr_cap_ambient;
	unsigned int	cr_securebits;
	unsigned int	cr_ngroups;	/* sorted */
	gid_t		*cr_groups;
	struct uidinfo	*cr_uidinfo;	/* of cr_ruid; referenced */
};
/* What one real user has in use, for RLIMIT_NPROC and RLIMIT_SIGPENDING. */
struct uidinfo {
	LIST_ENTRY(uidinfo) ui_link;	/* kern_resource.c */
	refcount_t	ui_ref;
	uid_t		ui_uid;		/* [I] */
	unsigned int	ui_nthreads;	/* [a] */
	unsigned int	ui_nsigqueue;	/* [a] */
	uint64_t	ui_mqbytes;	/* [a] of message queues */
};
struct uidinfo *uidinfo_get(uid_t);	/* NULL: no memory; may sleep */
void	uidinfo_ref(struct uidinfo *);
void	uidinfo_put(struct uidinfo *);	/* any context */
struct cred *cred_get(struct cred *);
void	cred_put(struct cred *);
struct cred *cred_dup(const struct cred *);	/* NULL: no memory */
/* 0 if the credential holds capability CAP_x (Linux numbers), else EPERM. */
int	cred_capable(const struct cred *, int cap);
bool	cred_in_group(const struct cred *, gid_t);
extern struct cred *cred_kernel;
void	cred_init(void);
/* Make it the calling thread's credential; takes the reference over. */
void	cred_commit(struct lwp *, struct cred *);
/* Another thread's credential, with a reference.  [T] held. */
struct cred *lwp_cred_ref(struct lwp *);
struct cred *proc_cred_ref(struct proc *);	/* its leader's */
#define	CAP_CHOWN		0
#define	CAP_DAC_OVERRIDE	1
#define	CAP_DAC_READ_SEARCH	2
#define	CAP_FOWNER		3
#define	CAP_FSETID		4
#define	CAP_KILL		5
#define	CAP_SETGID		6
#define	CAP_SETUID		7
#define	CAP_SETPCAP		8
#define	CAP_LINUX_IMMUTABLE	9
#define	CAP_NET_BIND_SERVICE	10
#define	CAP_NET_ADMIN		12
#define	CAP_NET_RAW		13
#define	CAP_IPC_LOCK		14
#define	CAP_IPC_OWNER		15
#define	CAP_SYS_RAWIO		17
#define	CAP_SYS_CHROOT		18
#define	CAP_SYS_PTRACE		19
#define	CAP_SYS_ADMIN		21
#define	CAP_SYS_BOOT		22
#define	CAP_SYS_NICE		23
#define	CAP_SYS_RESOURCE	24
#define	CAP_SYS_TIME		25
#define	CAP_SYS_TTY_CONFIG	26
#define	CAP_MKNOD		27
#define	CAP_SETFCAP		31
#define	CAP_SYSLOG		34
#define	CAP_LAST_CAP		40
#define	CAP_ALL			((1ULL << (CAP_LAST_CAP + 1)) - 1)

/* -- process groups and sessions -- */
struct session {
	refcount_t	s_ref;		/* [a] */
	pid_t		s_sid;		/* [I] */
	unsigned int	s_ngroups;	/* [T] with members */
	struct proc	*s_leader;	/* [T] */
	struct tty	*s_tty;		/* [T] controlling; referenced */
	struct pgrp	*s_oldpgrp;	/* [T] its foreground when it hung up */
};
struct pgrp {
	struct spinlock	pg_lock;
	/* Changes under [T] for writing and pg_lock; either one to read. */
	LIST_HEAD(, proc) pg_members;
	refcount_t	pg_ref;		/* [a] a tty may hold one */
	pid_t		pg_id;		/* [I] */
	struct session	*pg_session;	/* [I] referenced */
};
/* References; any context. */
struct pgrp *pgrp_get(struct pgrp *);
void	pgrp_put(struct pgrp *);
struct session *session_get(struct session *);
void	session_put(struct session *);

struct sigpend {			/* a queue of pending signals */
	sigset_t	sp_set;
	TAILQ_HEAD(, sigqueue) sp_queue; /* kern_sig.c */
};

struct sigacts {			/* shared by CLONE_SIGHAND */
	refcount_t	sa_ref;
	struct spinlock	sa_lock;
	struct sigaction sa_act[NSIG];
};

enum proc_state { PS_EMBRYO, PS_ACTIVE, PS_ZOMBIE };

struct sched_info {			/* how a thread is scheduled */
	int		si_policy, si_rtprio;
	bool		si_reset;
	uint64_t	si_affinity[MAXCPUS / 64];
};

struct proc {
	pid_t		p_pid;		/* [I] */
	enum proc_state	p_state;	/* [T] */
	LIST_ENTRY(proc) p_all;		/* [T] allproc */
	LIST_ENTRY(proc) p_sibling;	/* [T] */
	LIST_HEAD(, proc) p_children;	/* [T] */
	struct proc	*p_parent;	/* [T] */
	pid_t		p_ppid;		/* [a] its id; set with [T] */
	struct pgrp	*p_pgrp;	/* [T] */
	LIST_ENTRY(proc) p_pgrp_link;	/* [T] */

	struct spinlock	p_lock;
	LIST_HEAD(, lwp) p_lwps;	/* [p] */
	unsigned int	p_nlwps;	/* [p] alive */
	struct lwp	*p_leader;	/* [p] thread whose id is the pid */
	unsigned int	p_flags;	/* [p] P_* */
	int		p_xstat;	/* [p] wait status */
	int		p_exitsig;	/* [I] signal to the parent */
	struct condvar	p_waitcv;	/* waits for children, with p_lock */
	unsigned int	p_waitgen;	/* [p] a child changed its state */
	struct condvar	p_stopcv;	/* stopped threads, with p_lock */
	LIST_HEAD(, ptrace) p_tracees;	/* [T] whom it traces */
	struct ptrace	*p_ptleader;	/* [T] of its first thread, gone */
	unsigned int	p_ncore;	/* [p] threads in core_wait() */
	unsigned int	p_ntraced;	/* [p] threads that are traced */
	struct condvar	p_threadcv;	/* exec waits for the other threads */
	struct sigpend	p_sigpend;	/* [p] to the whole process */
	struct sigacts	*p_sigacts;	/* [p] */
	unsigned int	p_nstopped;	/* [p] threads stopped already */
	int		p_stopsig;	/* [p] what stopped it */
	int		p_contcode;	/* [p] CLD_* to tell the parent, or 0 */
	struct lwp	*p_execer;	/* [p] thread that does P_EXECING */

	struct vmspace	*p_vmspace;	/* [o] changes in exec/exit only */
	struct filedesc	*p_fd;		/* [o] */
	struct cwdinfo	*p_cwdi;	/* [o] root, cwd, umask */
	const struct emul *p_emul;	/* [I] until exec */
	struct path	*p_exe;		/* [p] the program file */
	struct cred	*p_zcred;	/* [p] whose it was, for a zombie */
	struct sched_info p_zsched;	/* [T] its first thread's, when gone */
	char		p_comm[MAXCOMLEN];	/* [p] */
	vaddr_t		p_argstart, p_argend, p_envstart, p_envend; /* [o] */
	vaddr_t		p_auxv, p_auxvlen;	/* [o] in user memory */
	struct rlimit	p_rlimit[RLIM_NLIMITS];	/* [p] */
	struct callout	p_cpulimit;	/* kern_cpulimit.c */
	bool		p_cpulimited;	/* [p] it has been armed */
	nsec_t		p_start;	/* [I] nanouptime() */
	struct rusage_ns p_ru;		/* [p] of exited threads */
	struct rusage_ns p_cru;		/* [p] of waited-for children */
	struct ptimer	*p_itimers[3];	/* [p] setitimer(2), kern_timer.c */
	struct ptimer	*p_ptimers;	/* [p] timer_create(2) */
	int		p_ptimer_next;	/* [p] next timer id */
	LIST_HEAD(, aio_ctx) p_aio;	/* kern/sys_aio.c, its lock */
	LIST_HEAD(, pidfd) p_pidfds;	/* [T] kern/sys_pidfd.c */
	LIST_HEAD(, semundo) p_semundo;	/* kern/sysv_sem.c */
	struct vforkdone *p_vfork;	/* [p] tell the vfork(2) parent */
	int		p_nice;		/* [p] -20..19 */
	unsigned int	p_personality;
	int		p_dumpable;
	int		p_oom_adj;
	int		p_pdeathsig;
	bool		p_subreaper, p_nonewprivs;
	volatile int	p_membarrier;	/* [a] registrations */
};
#define	P_EXITING	0x0001		/* exit has begun; threads must die */
#define	P_STOPPED	0x0002		/* by a stop signal: all threads */
#define	P_CONTINUED	0x0004		/* to be reported to WCONTINUED */
#define	P_STOPREPORT	0x0008		/* stop not yet reported to wait */
#define	P_VFORK		0x0010		/* still borrows the parent's memory */
#define	P_EXECED	0x0020
#define	P_SYSTEM	0x0040		/* kernel process */
#define	P_EXECING	0x0080		/* other threads must die for exec */
#define	P_STOPPING	0x0100		/* threads are to stop, or have */
#define	P_STOPDEQ	0x0200		/* a stop signal is being taken */
#define	P_COREDUMP	0x0800		/* threads wait for the core dump */
#define	P_UNKILLABLE	0x0400		/* init: defaults do not kill it */

enum lwp_state { LS_EMBRYO, LS_RUN, LS_ONCPU, LS_SLEEP, LS_STOP, LS_ZOMBIE };

struct lwp {
	struct pcb	l_pcb;		/* [o] first: assembly knows it */
	struct proc	*l_proc;	/* [I] */
	pid_t		l_tid;		/* [I] */
	LIST_ENTRY(lwp)	l_sibling;	/* [p] */
	enum lwp_state	l_state;	/* [s] */
	volatile unsigned int l_ast;	/* [a] L_AST_*: look before user mode */
	unsigned int	l_flags;	/* [o] */
	struct cpu_info	*l_cpu;		/* [s] runs or last ran here */
	TAILQ_ENTRY(lwp) l_runq;	/* [s] run queue */
	int		l_pri;		/* [s] effective, 0 best */
	uint64_t	l_affinity[MAXCPUS / 64];	/* [s] */
	struct sched_entity {		/* kern_sched.c; all [s] */
		RB_ENTRY(lwp) se_node;	/* in the fair queue */
		nsec_t	se_start;	/* time charged up to here */
		nsec_t	se_slice_end;
		nsec_t	se_queued;	/* since when it waits for a CPU */
		nsec_t	se_vruntime;
		nsec_t	se_unsplit;	/* run time not yet user or system */
		unsigned int se_nuser, se_nsys;	/* ticks in either mode */
		unsigned int se_weight;
		int	se_policy, se_rtprio;	/* SCHED_*, 0..99 */
		volatile int se_boost;	/* [a] sched_boost() */
		bool	se_bound;	/* l_affinity may not be changed */
		bool	se_reset;	/* children are not real-time */
		bool	se_onq;		/* in a run queue */
		bool	se_owner;	/* and in its rq_owners */
		volatile bool se_oncpu;	/* its stack is in use */
	} l_sched;
	/* sleeping */
	const char	*l_wchan;	/* [s] what it waits for */
	struct condvar	*l_waitcv;	/* [s] */
	struct callout	l_timeout;
	bool		l_timedout;	/* [s] */
	bool		l_sigwake;	/* [s] sleep ends on a signal */
	TAILQ_ENTRY(lwp) l_sleepq;	/* queue's lock; may be runnable, too */
	volatile bool	l_onsleepq;	/* queue's lock; reads by the thread */
	/* signals */
	sigset_t	l_sigmask;	/* [o] written; [p] read */
	sigset_t	l_oldmask;	/* restored after sigsuspend & co. */
	sigset_t	l_sigwait;	/* [p] what sigtimedwait() waits for */
	bool		l_stopped;	/* [p] counted in p_nstopped */
	struct sigpend	l_sigpend;	/* [p] */
	struct ptrace	*l_ptrace;	/* [T] and [p]: it is traced */
	int		l_xstat;	/* [o] wait status of its end */
	stack_t		l_sigstk;	/* [o] */
	/* ABI */
	int		l_ioprio;	/* [a] ioprio_set(2), inherited */
	struct trapframe *l_tf;		/* [o] user registers */
	unsigned int	l_callabi;	/* [o] the call at work: e_syscall's */
	struct cred	*l_cred;	/* [o]; others under p_lock */
	struct seccomp_filter *l_seccomp; /* kern_seccomp.c; NULL: none */
	uintptr_t	l_clear_child_tid; /* [o] user address */
	uintptr_t	l_set_child_tid; /* [o] user address, at the start */
	uintptr_t	l_robust_list;	/* [o] user address */
	LIST_HEAD(, pi_state) l_piheld;	/* these: kern_futex_pi.c */
	struct pi_waiter *l_piwait;
	bool		l_pidead;
	uintptr_t	l_rseq;		/* [o] user address */
	uint32_t	l_rseq_len, l_rseq_sig;
	struct {			/* restart_syscall() */
		int	(*rb_func)(struct lwp *, register_t *);
		uintptr_t rb_arg[5];
		nsec_t	rb_deadline;
		unsigned int rb_callabi;
	} l_restart;
	char		l_name[MAXCOMLEN];	/* [p] prctl PR_SET_NAME */
	struct rusage_ns l_ru;		/* [o] */
	nsec_t		l_cputime;	/* [s] total run time */
	vaddr_t		l_kstack;	/* [I] lowest address of the stack */
	/* lock-order checker (DEBUG) */
	struct held_lock { const void *hl_lock; const char *hl_name;
		uintptr_t hl_pc; } l_held[16];
	unsigned int	l_nheld;
	/* current user-copy recovery point; machine code */
	uintptr_t	l_onfault;
	/* threads waiting on a poll, see <sys/poll.h> */
	void		*l_poll;
};
#define	L_AST_SIGNAL	0x1		/* look for signals */
#define	L_AST_RESCHED	0x2
#define	L_AST_DIE	0x4		/* process exits or execs */
#define	L_AST_NOTIFY	0x8		/* rseq, task work */

#define	LF_RESTOREMASK	0x1		/* l_oldmask is valid */
#define	LF_SYSTEM	0x2		/* kernel thread */
#define	LF_EXITING	0x4
#define	LF_KILLONLY	0x8		/* only death ends this sleep */
#define	LF_MEMRESERVE	0x10		/* memory comes free by its work */

/*
 * A personality: how user programs talk to the kernel.  Linux's is the one
 * there is; the layer is what keeps kern/ free of ABI structures.
 */
struct exec_package;
struct emul {
	const char *e_name;
	/* The system call in the frame; sets the result in the frame. */
	void	(*e_syscall)(struct lwp *, struct trapframe *);
	/*
	 * Build a frame for a caught signal; on failure return an errno and
	 * the caller kills the process with SIGSEGV.
	 */
	int	(*e_sendsig)(struct lwp *, struct trapframe *,
		    const ksiginfo_t *, const struct sigaction *,
		    sigset_t returnmask);
	/* After a signal was taken or refused: settle an ERESTART* result. */
	void	(*e_restart)(struct lwp *, struct trapframe *, bool handled,
		    const struct sigaction *);
	/* More that belongs in a new address space: the vDSO. */
	int	(*e_mapextra)(struct vmspace *, struct exec_package *);
	/* Write argv, envp and auxv on the new stack; *sp is in and out. */
	int	(*e_copyargs)(struct lwp *, struct exec_package *, vaddr_t *sp);
	/* Initial registers of a fresh program. */
	void	(*e_setregs)(struct lwp *, struct exec_package *, vaddr_t sp);
	/* A thread is about to exit: robust futexes, clear_child_tid. */
	void	(*e_lwp_exit)(struct lwp *);
	/* Write the core file of curlwp's process, up to the limit. */
	int	(*e_coredump)(struct lwp *, struct file *, const ksiginfo_t *,
		    uint64_t limit);
	/* L_AST_NOTIFY was set: first words of a new thread, rseq. */
	void	(*e_notify)(struct lwp *, struct trapframe *);
};
extern const struct emul emul_linux;

#define	curproc	(curlwp->l_proc)

extern struct rwlock proctree_lock;	/* held while following [T] */
LIST_HEAD(proclist, proc);
extern struct proclist allproc;		/* [T] */
extern struct proc proc0;
extern struct lwp lwp0;
extern struct proc *initproc;
extern unsigned int nprocs, nthreads;	/* [a] */
extern unsigned int nforks;		/* [T] numbers given since boot */
pid_t	pid_latest(void);		/* the last one given */

/* kern_proc.c */
void	proc_init(void);
struct proc *proc_find(pid_t);		/* [T] held; zombies too */
struct lwp *lwp_find(pid_t tid);	/* [T] held */
/* A thread's; that of a first thread that has ended, too. [T] held. */
struct proc *proc_of_tid(pid_t tid);
struct pgrp *pgrp_find(pid_t);		/* [T] held */
int	proc_setsid(struct proc *, pid_t *sid);
int	proc_setpgid(struct proc *caller, pid_t pid, pid_t pgid);
bool	pgrp_orphaned(struct pgrp *);	/* [T] held */
/* A number for a new thread or process: EAGAIN, ENOMEM. [T] written. */
int	pid_alloc(pid_t *);
/* Give back what pid_alloc() gave and nothing was entered under. */
void	pid_abandon(pid_t);
void	pid_enter_lwp(pid_t, struct lwp *);	/* NULL: leaves; [T] written */
void	pid_enter_proc(pid_t, struct proc *);
/* Move p into the group; makes it when there is none. [T] written. ENOMEM */
int	pgrp_enter(struct proc *, pid_t pgid, struct session *);
void	pgrp_leave(struct proc *);		/* [T] written */
/* SIGHUP, SIGCONT for a stopped group that an exit leaves orphaned. [T] */
void	pgrp_fix_orphans(struct proc *, struct proc *father);
/* The address space of any process with a reference, NULL if it has none. */
struct vmspace *proc_vmspace_ref(struct proc *);
struct session *proc_session(const struct proc *);	/* [T] held */

/* kern_fork.c: flags are Linux's CLONE_*. */
struct clone_args_k {
	uint64_t	flags;
	int		exit_signal;
	uintptr_t	stack;		/* user sp, 0: the parent's */
	uintptr_t	tls;
	uintptr_t	parent_tid, child_tid;	/* user addresses */
	uintptr_t	pidfd;		/* user address: CLONE_PIDFD */
};
int	do_clone(struct lwp *, const struct clone_args_k *, pid_t *tid);
/* Own copies of what CLONE_* flags share.  EINVAL: not possible; ENOMEM. */
int	do_unshare(struct lwp *, uint64_t flags);
/*
 * A thread of p with its kernel stack and number, not yet runnable; `from`
 * gives scheduling class and affinity, NULL: the defaults.  Then
 * cpu_lwp_fork() and lwp_start().  EAGAIN, ENOMEM.  Thread context.
 */
int	lwp_alloc(struct proc *p, struct lwp *from, struct lwp **);
/* Enter it in its process and make it runnable. */
void	lwp_start(struct lwp *);
/* Free a thread that never ran, or one that never runs again. May sleep. */
void	lwp_free(struct lwp *);
void	fork_init_caches(void);
/* Process 1, a child of proc0, begins in fn(arg); fn ends with do_execve(). */
int	fork_init(void (*fn)(void *), void *arg);
/* The same for another process; the caller waits for it (kernel threads). */
int	fork_helper(void (*fn)(void *), void *arg, pid_t *);
/* kern_membarrier.c */
int	do_membarrier(struct lwp *, int cmd, unsigned int flags, int *result);
/* kern_exit.c */
void	do_exit_group(struct lwp *, int status) __dead;	/* wait status */
void	lwp_exit(struct lwp *, int status) __dead;	/* this thread */
/* A state of a child has changed: wait(2) looks again.  [T] held. */
void	proc_wake_parent(struct proc *);
/* Have all threads stopped?  Then the caller tells the parent. p_lock held. */
bool	proc_stop_complete(struct proc *);
/* Mark the threads of a process for death; p_lock held. */
void	proc_kill_threads(struct proc *, struct lwp *except);
/* vfork(2)'s child has left the borrowed memory: let the parent go on. */
void	vfork_done(struct proc *);
/* A process that has no lwps and that nobody finds any more. May sleep. */
void	proc_free(struct proc *);
int	do_wait(struct lwp *, int idtype, pid_t id, int options,
	    pid_t *pid, int *status, struct rusage_ns *, ksiginfo_t *);
/*
 * kern_exec.c: flags are namei()'s.  On success the new program's registers
 * are in l_tf.  When it fails beyond repair the thread is marked to die.
 * execfn: the program's name as it is told (AT_EXECFN, scripts).
 */
int	do_execve(struct lwp *, struct path *dir, const char *path,
	    char *const *argv, char *const *envp, int flags);
int	do_execve_named(struct lwp *, struct path *dir, const char *path,
	    const char *execfn, char *const *argv, char *const *envp,
	    int flags);
void	proc_exe_drop(struct proc *);	/* the program file is let go */
/* kern_resource.c */
struct rlimit proc_rlimit(struct proc *, int which);
#define	rlimit_cur(p, n)	atomic_load_relaxed(&(p)->p_rlimit[n].rlim_cur)
void	rusage_add(struct rusage_ns *, const struct rusage_ns *);
nsec_t	lwp_cputime(struct lwp *);	/* run time of a living thread */
/* Run time of a process, and what of it was in user mode; p_lock held. */
nsec_t	proc_cputime_locked(struct proc *);
nsec_t	proc_usertime_locked(struct proc *);
/* Of all threads, living and gone. */
void	proc_rusage(struct proc *, struct rusage_ns *);
int	do_prlimit(struct lwp *, struct proc *, int which,
	    const struct rlimit *new, struct rlimit *old);
/* Is it one of that user, and has not ended?  [T] held. */
bool	proc_of_user(struct proc *, uid_t);
int	do_getpriority(struct lwp *, int which, int who, int *nice);
int	do_setpriority(struct lwp *, int which, int who, int nice);
void	resource_init(void);
/*
 * kern_cpulimit.c: RLIMIT_CPU.  start: the limit has changed, or counts from
 * now on; p_lock held.  exit: all threads have ended; thread context.
 */
void	cpulimit_init(struct proc *);
void	cpulimit_start(struct proc *);
void	cpulimit_exit(struct proc *);
/*
 * Run a program as a child of init, with init's root, and wait for it until
 * the deadline.  0: it ended with status 0; ENOENT and so on: it could not be
 * run; EIO: it failed; ETIMEDOUT.  Kernel threads.
 */
int	proc_run_helper(const char *path, char *const *argv, char *const *envp,
	    nsec_t deadline);
/*
 * The last stop before user mode, called with interrupts on while l_ast is
 * not 0: signals, rescheduling, dying.
 */
void	userret(struct lwp *, struct trapframe *);

/* kern_sched.c */
void	sched_init(void);
void	sched_enqueue(struct lwp *);	/* a new thread becomes runnable */
void	sched_yield_cpu(void);
void	mi_switch(void);		/* for kern_sched.c and its like only */
/*
 * curlwp has ended: it becomes LS_ZOMBIE, is switched away from for good and
 * lwp_free() is called for it, later and on another stack.
 */
void	sched_exit(void) __dead;
void	sched_tick(void);		/* soft interrupt: slice used up */
/* The CPUs that threads run on now, as a set. */
uint64_t sched_cpu_set(void);
/* EINVAL: none of the CPUs is online.  proctree_lock held. */
int	sched_setaffinity_lwp(struct lwp *, const uint64_t *mask);
void	sched_setpriority_lwp(struct lwp *);	/* after nice/policy change */
/*
 * It runs as if its real-time priority were at least pri - 1; 0: no more.
 * False if that was so already.  Calls are serialised by the caller.
 */
bool	sched_boost(struct lwp *, int pri);
void	sched_loadavg(unsigned long avg[3]);	/* fixed point, FSHIFT */
#define	FSHIFT	16
/* Scheduling policies, Linux's numbers. */
#define	SCHED_OTHER	0
#define	SCHED_FIFO	1
#define	SCHED_RR	2
#define	SCHED_BATCH	3
#define	SCHED_IDLE	5
#define	SCHED_RR_SLICE	(100 * NSEC_PER_MSEC)
/*
 * While others wait, real-time threads get so many microseconds of a CPU in
 * each period; -1: all of it.  EINVAL: not a part of the period.
 */
extern int sched_rt_period, sched_rt_runtime;	/* [a] */
int	sched_rt_limit(int64_t period, int64_t runtime);
/* A new thread's class, weight and affinity, from `from` or the defaults. */
void	sched_lwp_init(struct lwp *, const struct lwp *from);
void	sched_getinfo(const struct lwp *, struct sched_info *);
/* A sleeping thread becomes runnable, any other stays as it is. Any context. */
void	sched_wakeup(struct lwp *);
void	sched_wakeup_owner(struct lwp *);	/* it was handed a lock */
/* Run time up to now, and its split into user and system time; any thread. */
void	sched_times(struct lwp *, nsec_t *user, nsec_t *sys);
unsigned int sched_nrunnable(void);
/* CPU times with the running stretch included, for /proc/stat. */
struct cpu_times {
	nsec_t	ct_user, ct_nice, ct_sys, ct_idle, ct_intr, ct_steal;
};
void	sched_cpu_times(struct cpu_info *, struct cpu_times *);
/* First code of a new thread on its stack, from the switch trampoline. */
void	lwp_startup(struct lwp *prev, struct lwp *new);
/* Wake a sleeping thread because of a signal; p_lock held. */
void	sleepq_signal(struct lwp *);

/* -- machine-dependent parts -- */
/*
 * After a fork the current thread is going to touch the page of its next
 * instruction and that of its stack: bring them in now, which costs less than
 * the traps.  Thread context; may sleep.
 */
void	cpu_lwp_touch(struct lwp *);
/*
 * Prepare `child`, whose kernel stack l_kstack lwp_alloc() has made and
 * lwp_free() frees, so that its first switch runs fn(arg) on it (when fn
 * returns, the thread enters user mode with the registers in l_tf); with
 * fn == NULL it returns to user mode with a copy of the parent's registers,
 * result 0, and (if not 0) the given user stack pointer and TLS base.
 */
int	cpu_lwp_fork(struct lwp *parent, struct lwp *child, uintptr_t stack,
	    bool set_tls, uintptr_t tls, void (*fn)(void *), void *arg);
void	cpu_lwp_free(struct lwp *);
/* Fresh user state for exec: FPU, TLS, segment bases, debug registers. */
void	cpu_exec_reset(struct lwp *);

#endif /* !_SYS_PROC_H_ */
