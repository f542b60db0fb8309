/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: numbers and structures as in the Linux ABI (signal(7)), and the
 * kernel's interface to raise and take them.
 */
#ifndef _SYS_SIGNAL_H_
#define	_SYS_SIGNAL_H_

#include <sys/types.h>

#define	SIGHUP		1
#define	SIGINT		2
#define	SIGQUIT		3
#define	SIGILL		4
#define	SIGTRAP		5
#define	SIGABRT		6
#define	SIGBUS		7
#define	SIGFPE		8
#define	SIGKILL		9
#define	SIGUSR1		10
#define	SIGSEGV		11
#define	SIGUSR2		12
#define	SIGPIPE		13
#define	SIGALRM		14
#define	SIGTERM		15
#define	SIGSTKFLT	16
#define	SIGCHLD		17
#define	SIGCONT		18
#define	SIGSTOP		19
#define	SIGTSTP		20
#define	SIGTTIN		21
#define	SIGTTOU		22
#define	SIGURG		23
#define	SIGXCPU		24
#define	SIGXFSZ		25
#define	SIGVTALRM	26
#define	SIGPROF		27
#define	SIGWINCH	28
#define	SIGIO		29
#define	SIGPWR		30
#define	SIGSYS		31
#define	SIGRTMIN	32
#define	NSIG		64

typedef uint64_t sigset_t;		/* bit n-1: signal n */
#define	sigmask(n)	((sigset_t)1 << ((n) - 1))
#define	SIGSET_CANTMASK	(sigmask(SIGKILL) | sigmask(SIGSTOP))

#define	SIG_DFL		((uintptr_t)0)
#define	SIG_IGN		((uintptr_t)1)

#define	SA_NOCLDSTOP	0x00000001
#define	SA_NOCLDWAIT	0x00000002
#define	SA_SIGINFO	0x00000004
#define	SA_RESTORER	0x04000000
#define	SA_ONSTACK	0x08000000
#define	SA_RESTART	0x10000000
#define	SA_NODEFER	0x40000000
#define	SA_RESETHAND	0x80000000

struct sigaction {			/* in the kernel; not the ABI's */
	uintptr_t	sa_handler;
	uintptr_t	sa_restorer;
	uint64_t	sa_flags;
	sigset_t	sa_mask;
};

typedef struct sigaltstack {
	uintptr_t	ss_sp;
	int		ss_flags;
	size_t		ss_size;
} stack_t;
#define	SS_ONSTACK	1
#define	SS_DISABLE	2
#define	SS_AUTODISARM	(1U << 31)
#define	MINSIGSTKSZ	2048

#define	SI_USER		0
#define	SI_KERNEL	0x80
#define	SI_QUEUE	(-1)
#define	SI_TIMER	(-2)
#define	SI_MESGQ	(-3)
#define	SI_ASYNCIO	(-4)
#define	SI_SIGIO	(-5)
#define	SI_TKILL	(-6)
#define	ILL_ILLOPC	1
#define	ILL_ILLOPN	2
#define	FPE_INTDIV	1
#define	FPE_INTOVF	2
#define	FPE_FLTDIV	3
#define	FPE_FLTOVF	4
#define	FPE_FLTUND	5
#define	FPE_FLTRES	6
#define	FPE_FLTINV	7
#define	FPE_FLTSUB	8
#define	SEGV_MAPERR	1
#define	SEGV_ACCERR	2
#define	BUS_ADRALN	1
#define	BUS_ADRERR	2
#define	BUS_OBJERR	3
#define	TRAP_BRKPT	1
#define	TRAP_TRACE	2
#define	TRAP_HWBKPT	4
#define	CLD_EXITED	1
#define	CLD_KILLED	2
#define	CLD_DUMPED	3
#define	CLD_TRAPPED	4
#define	CLD_STOPPED	5
#define	CLD_CONTINUED	6

typedef struct ksiginfo {		/* in the kernel; ABI code converts */
	int		ksi_signo;
	int		ksi_errno;
	int		ksi_code;
	pid_t		ksi_pid;
	uid_t		ksi_uid;
	int		ksi_status;	/* SIGCHLD; also si_trapno */
	uintptr_t	ksi_addr;	/* faults */
	uint64_t	ksi_value;	/* sigval */
	int64_t		ksi_utime, ksi_stime;
	int		ksi_timerid, ksi_overrun;
} ksiginfo_t;

struct proc;
struct lwp;
struct pgrp;
struct trapframe;

/* Raise.  Any thread or soft interrupt context; no p_lock held. */
void	psignal(struct proc *, int signo);		/* SI_KERNEL */
void	psignal_info(struct proc *, const ksiginfo_t *);
void	lwp_signal(struct lwp *, const ksiginfo_t *);	/* to one thread */
void	pgsignal(struct pgrp *, int signo);
/* A fault of the current thread: cannot be blocked or ignored away. */
void	trapsignal(struct lwp *, const ksiginfo_t *);

/*
 * Raise with an error: EAGAIN when RLIMIT_SIGPENDING is reached for a signal
 * that may not get lost (real-time, from sigqueue).
 */
int	psignal_queue(struct proc *, const ksiginfo_t *);
int	lwp_signal_queue(struct lwp *, const ksiginfo_t *);
/* The same with p_lock held; l NULL: to the process. *queued: it is there. */
int	psignal_locked(struct proc *, struct lwp *, const ksiginfo_t *,
	    bool *queued);

/*
 * True if a sleep of the thread (curlwp) has to end: a signal to take, a stop,
 * or death.  Looks at l_ast only, so that any lock may be held.
 */
bool	sig_pending(struct lwp *);
/*
 * Take what is pending before going back to user mode: stop, die, or have
 * the personality build a frame.  Thread context, interrupts on.
 */
void	sig_deliver(struct lwp *, struct trapframe *);

/* Set the calling thread's mask (sigprocmask). */
void	sig_setmask(struct lwp *, sigset_t);
/*
 * sigsuspend, ppoll, pselect, epoll_pwait: set a mask for the time of this
 * call.  When the call ends without ERESTARTNOHAND/EINTR, put the old one
 * back by sig_mask_restore(); otherwise sig_deliver() does it.
 */
void	sig_mask_temp(struct lwp *, sigset_t);
void	sig_mask_restore(struct lwp *);
/* What is pending for the thread and is blocked or not: sigpending(2). */
sigset_t sig_pending_set(struct lwp *);
/* sigaction(2); new or old may be NULL. */
int	do_sigaction(struct lwp *, int signo, const struct sigaction *new,
	    struct sigaction *old);
/* sigtimedwait(2); deadline 0: none, <0: do not wait. EAGAIN, EINTR. */
int	do_sigtimedwait(struct lwp *, sigset_t, nsec_t deadline, ksiginfo_t *);
int	do_sigaltstack(struct lwp *, const stack_t *new, stack_t *old,
	    uintptr_t sp, size_t minsize);
/* Take one signal of the set off the queues.  0: none.  p_lock held. */
int	sig_take_pending(struct lwp *, sigset_t, ksiginfo_t *);
/* All that is queued for the thread, blocked or not. */
sigset_t sig_queued_set(struct lwp *);
/* signalfd(2) (sys_signalfd.c): oldfd -1 makes a new one. */
int	do_signalfd(struct lwp *, int oldfd, sigset_t, int flags, int *fd);
extern unsigned int nsignalfds;		/* [a] */
void	signalfd_init(void);
void	signalfd_wake(void);			/* p_lock held */
/*
 * kill(2) and its relations: pid > 0, 0 (own group), -1 (everybody), < -1
 * (group); signo 0 only checks.  ksi carries the code and the sender.
 */
int	do_kill(struct lwp *, pid_t, const ksiginfo_t *);
int	do_tgkill(struct lwp *, pid_t tgid, pid_t tid, const ksiginfo_t *);
/* 0 or EPERM: may the thread send this to p?  [T] held. */
int	sig_permitted(struct lwp *, struct proc *, int signo);

struct sigacts;
struct sigpend;
void	sig_init(void);
struct sigacts *sigacts_alloc(const struct sigacts *from); /* NULL: new */
void	sigacts_put(struct sigacts *);
void	sigpend_init(struct sigpend *);
void	sigpend_flush(struct sigpend *);	/* drop all; p_lock held */
/* exec: caught signals get their default again. */
void	sigacts_exec(struct sigacts *);
/* Look again whether the thread (curlwp) has a signal; p_lock held. */
void	sig_recalc(struct lwp *);
/* SIGCHLD, if it is wanted, about a stop or an end.  [T] held. */
void	sig_child(struct proc *parent, const ksiginfo_t *, bool stop);
/* The thread is to look for signals, and wakes for that; p_lock held. */
void	sig_poke(struct lwp *);
/* Tell a parent about a child: SIGCHLD and waiters.  [T] held. */
void	proc_notify_parent(struct proc *child, int code);

#endif /* !_SYS_SIGNAL_H_ */
