/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracing: one process watches and steers threads of others (ptrace(2)).
 *
 * A traced thread has a struct ptrace, which lies in its tracer's p_tracees.
 * The record outlives the thread until the tracer has waited for its end.
 */
#ifndef _SYS_PTRACE_H_
#define	_SYS_PTRACE_H_

#include <sys/proc.h>

/* Options and the events they ask for: Linux's numbers. */
#define	PTRACE_O_TRACESYSGOOD		0x00000001
#define	PTRACE_O_TRACEFORK		0x00000002
#define	PTRACE_O_TRACEVFORK		0x00000004
#define	PTRACE_O_TRACECLONE		0x00000008
#define	PTRACE_O_TRACEEXEC		0x00000010
#define	PTRACE_O_TRACEVFORKDONE		0x00000020
#define	PTRACE_O_TRACEEXIT		0x00000040
#define	PTRACE_O_EXITKILL		0x00100000
#define	PTRACE_O_ALL			0x0010007f
#define	PTRACE_EVENT_FORK		1
#define	PTRACE_EVENT_VFORK		2
#define	PTRACE_EVENT_CLONE		3
#define	PTRACE_EVENT_EXEC		4
#define	PTRACE_EVENT_VFORK_DONE		5
#define	PTRACE_EVENT_EXIT		6
#define	PTRACE_EVENT_STOP		128
#define	PTRACE_EVENT_CODE(e)		((e) << 8 | SIGTRAP)

/* Where a stop is, as PTRACE_GET_SYSCALL_INFO tells. */
#define	PTRACE_AT_OTHER		0
#define	PTRACE_AT_ENTRY		1
#define	PTRACE_AT_EXIT		2

enum ptrace_state {
	PTS_RUNNING,
	PTS_STOPPED,
	PTS_LISTENING,			/* stopped by PTRACE_LISTEN */
	PTS_DETACHED,			/* the thread frees the record */
	PTS_LEADERGONE,			/* its end is told with the process' */
	PTS_ENDED			/* pt_code is the wait status */
};

/* Letters: [T] proctree_lock, [p] p_lock of the thread's process. */
struct ptrace {
	LIST_ENTRY(ptrace) pt_link;	/* [T] */
	struct proc	*pt_tracer;	/* [T] written with p_lock too */
	struct lwp	*pt_lwp;	/* [T] NULL: it has ended */
	pid_t		pt_tid;		/* [T] */
	pid_t		pt_pgid;	/* [T] of a thread that has ended */
	unsigned int	pt_options;	/* [p] */
	bool		pt_seized;	/* [I] */
	bool		pt_told;	/* [p] wait has reported this state */
	bool		pt_jobstop;	/* [p] this job stop was told */
	bool		pt_trap;	/* [p] is to stop: INTERRUPT, SIGCONT */
	bool		pt_syscalls;	/* [p] stops at system calls */
	bool		pt_sysemu;	/* [p] and does not make them */
	bool		pt_step;	/* [p] single-steps */
	bool		pt_inside;	/* [p] the thread is in ptrace_stop() */
	bool		pt_hasinfo;	/* [p] pt_info is there */
	enum ptrace_state pt_state;	/* [p] */
	unsigned int	pt_busy;	/* [p] requests at work */
	int		pt_code;	/* [p] signal | event << 8 */
	int		pt_signo;	/* [p] what the tracer sends along */
	unsigned int	pt_at;		/* [p] PTRACE_AT_* */
	unsigned long	pt_msg;		/* [p] */
	ksiginfo_t	pt_info;	/* [p] */
};

enum ptrace_go {
	PTG_CONT, PTG_SYSCALL, PTG_STEP, PTG_SYSEMU, PTG_SYSEMU_STEP
};

/* ---- the tracer's side: requests ---- */
int	do_ptrace_traceme(struct lwp *);
/* ESRCH, EPERM, ENOMEM. */
int	do_ptrace_attach(struct lwp *, pid_t, bool seize, unsigned int options);
int	do_ptrace_detach(struct lwp *, pid_t, int signo);
/*
 * A thread the caller traces, which stays as it is until ptrace_release();
 * `stopped': it has to be.  ESRCH.
 */
int	ptrace_hold(struct lwp *, pid_t, bool stopped, struct ptrace **);
void	ptrace_release(struct ptrace *);
/* Requests on what is held. */
int	ptrace_resume(struct ptrace *, enum ptrace_go, int signo);
int	ptrace_interrupt(struct ptrace *);
int	ptrace_listen(struct ptrace *);
/* May the caller look into that process?  EPERM.  [T] held. */
int	ptrace_may_access(struct lwp *, struct proc *);

/* ---- the traced thread's side; the current thread ---- */
/* p_lock held, and let go meanwhile: the signal to take instead, or 0. */
int	ptrace_signal(struct lwp *, int signo, ksiginfo_t *);
void	ptrace_trap(struct lwp *);
void	ptrace_jobctl(struct lwp *);
/* p_lock held. */
bool	ptrace_job_told(const struct lwp *);
void	ptrace_continued(struct lwp *);		/* any thread: SIGCONT */
/* No locks held. */
void	ptrace_event(struct lwp *, int event, unsigned long msg);
void	ptrace_exec(struct lwp *, pid_t oldtid);
/* False, at the entry: the tracer makes the call itself. */
bool	ptrace_syscall(struct lwp *, unsigned int at);
void	ptrace_handler(struct lwp *);		/* a handler's frame is made */
/* Does the tracer want to know of this event?  _locked: p_lock held. */
bool	ptrace_wants(const struct lwp *, int event);
bool	ptrace_wants_locked(const struct lwp *, int event);
/* The event of a fork; 0: none. */
int	ptrace_fork_event(const struct lwp *, uint64_t flags, int exitsig);

/* ---- life and death; [T] written ---- */
/* A record for ptrace_inherit(), which takes it over; no locks. */
int	ptrace_alloc(struct ptrace **);
void	ptrace_free(struct ptrace *);
/* The new thread, linked in its process, is traced as its maker is. */
void	ptrace_inherit(struct lwp *, struct lwp *child, struct ptrace *);
void	ptrace_lwp_exit(struct lwp *);
void	ptrace_proc_exit(struct proc *);	/* it is a zombie now */
void	ptrace_tracer_exit(struct proc *);
/* Another number for the thread; its own record is pt_tid's from now on. */
void	ptrace_renumber(struct lwp *);
pid_t	ptrace_tracer_pid(const struct lwp *);	/* [T] held; 0: none */
/* Does that process trace the process' first thread? */
bool	ptrace_is_tracer(const struct proc *tracer, const struct proc *);

struct ptrace_report {
	pid_t		pr_tid;
	uid_t		pr_uid;
	int		pr_status, pr_code, pr_sigstatus;
	bool		pr_ended;
	struct rusage_ns pr_ru;
};
/* Anything new to tell of this record?  `keep': it stays untold. */
bool	ptrace_look(struct ptrace *, bool ends, bool keep,
	    struct ptrace_report *);

#endif /* !_SYS_PTRACE_H_ */
