/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel threads, and task queues (a thread that runs queued functions).
 */
#ifndef _SYS_KTHREAD_H_
#define	_SYS_KTHREAD_H_

#include <sys/queue.h>
#include <sys/types.h>

struct lwp;
struct cpu_info;

/*
 * Start fn(arg) as a thread of proc0.  ci: bind to that CPU, or NULL.
 * It ends by kthread_exit().  Thread context; ENOMEM.
 */
int	kthread_create(const char *name, struct cpu_info *ci,
	    void (*fn)(void *), void *arg, struct lwp **lp);
void	kthread_exit(void) __dead;

struct task {
	TAILQ_ENTRY(task) t_link;
	void		(*t_func)(void *);
	void		*t_arg;
	bool		t_queued;
};

void	kthread_init(void);		/* makes systq */

struct taskq;
extern struct taskq *systq;		/* for short work of everybody */

struct taskq *taskq_create(const char *name);
void	task_set(struct task *, void (*)(void *), void *);
/* Queue it; false if it was queued already.  Any context. */
bool	task_add(struct taskq *, struct task *);
/* Take it back; true if it had not started.  Any context. */
bool	task_del(struct taskq *, struct task *);
/* Wait until all queued so far has run.  Thread context. */
void	taskq_barrier(struct taskq *);

#endif /* !_SYS_KTHREAD_H_ */
