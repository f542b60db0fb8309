/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel threads and task queues.
 *
 * Locking: tq_lock guards a queue's list and counters.  Tasks run without it.
 */
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>

struct kthread_start {
	void	(*ks_func)(void *);
	void	*ks_arg;
};

struct taskq {
	struct spinlock	tq_lock;
	struct condvar	tq_cv;			/* work, or work done */
	TAILQ_HEAD(, task) tq_tasks;		/* [l] */
	const char	*tq_name;		/* [I] */
};

struct barrier {
	struct task	b_task;
	struct spinlock	b_lock;
	struct condvar	b_cv;
	bool		b_done;			/* [l] */
};

struct taskq *systq;

static void
kthread_main(void *arg)
{
	struct kthread_start ks = *(struct kthread_start *)arg;

	kmem_free(arg, sizeof(ks));
	ks.ks_func(ks.ks_arg);
	kthread_exit();
}

int
kthread_create(const char *name, struct cpu_info *ci, void (*fn)(void *),
    void *arg, struct lwp **lp)
{
	struct kthread_start *ks;
	struct lwp *l;
	int error;

	ks = kmem_alloc(sizeof(*ks), KM_SLEEP);
	if (ks == NULL)
		return ENOMEM;
	ks->ks_func = fn;
	ks->ks_arg = arg;
	error = lwp_alloc(&proc0, NULL, &l);
	if (error != 0)
		goto fail;
	(void)strlcpy(l->l_name, name, sizeof(l->l_name));
	l->l_flags |= LF_SYSTEM;
	if (ci != NULL) {
		memset(l->l_affinity, 0, sizeof(l->l_affinity));
		l->l_affinity[ci->ci_index / 64] =
		    (uint64_t)1 << ci->ci_index % 64;
		l->l_sched.se_bound = true;
	}
	error = cpu_lwp_fork(&lwp0, l, 0, false, 0, kthread_main, ks);
	if (error != 0) {
		lwp_free(l);
		goto fail;
	}
	if (lp != NULL)
		*lp = l;
	lwp_start(l);
	return 0;
fail:
	kmem_free(ks, sizeof(*ks));
	return error;
}

void
kthread_exit(void)
{
	lwp_exit(curlwp, 0);
}

/* ---- task queues ---- */

static void
taskq_main(void *arg)
{
	struct taskq *tq = arg;
	struct task *t;
	void (*func)(void *);
	void *farg;

	spin_enter(&tq->tq_lock);
	for (;;) {
		while ((t = TAILQ_FIRST(&tq->tq_tasks)) == NULL)
			cv_wait_spin(&tq->tq_cv, &tq->tq_lock);
		TAILQ_REMOVE(&tq->tq_tasks, t, t_link);
		t->t_queued = false;
		func = t->t_func;
		farg = t->t_arg;
		spin_exit(&tq->tq_lock);
		func(farg);		/* may free t, or add it again */
		spin_enter(&tq->tq_lock);
	}
}

struct taskq *
taskq_create(const char *name)
{
	struct taskq *tq;

	tq = kmem_zalloc(sizeof(*tq), KM_SLEEP);
	if (tq == NULL)
		return NULL;
	spin_init(&tq->tq_lock, "taskq");
	cv_init(&tq->tq_cv, "taskq");
	TAILQ_INIT(&tq->tq_tasks);
	tq->tq_name = name;
	if (kthread_create(name, NULL, taskq_main, tq, NULL) != 0) {
		kmem_free(tq, sizeof(*tq));
		return NULL;
	}
	return tq;
}

void
task_set(struct task *t, void (*func)(void *), void *arg)
{
	t->t_func = func;
	t->t_arg = arg;
	t->t_queued = false;
}

bool
task_add(struct taskq *tq, struct task *t)
{
	bool added;

	spin_enter(&tq->tq_lock);
	added = !t->t_queued;
	if (added) {
		t->t_queued = true;
		TAILQ_INSERT_TAIL(&tq->tq_tasks, t, t_link);
		cv_signal(&tq->tq_cv);
	}
	spin_exit(&tq->tq_lock);
	return added;
}

bool
task_del(struct taskq *tq, struct task *t)
{
	bool queued;

	spin_enter(&tq->tq_lock);
	queued = t->t_queued;
	if (queued) {
		TAILQ_REMOVE(&tq->tq_tasks, t, t_link);
		t->t_queued = false;
	}
	spin_exit(&tq->tq_lock);
	return queued;
}

static void
barrier_reached(void *arg)
{
	struct barrier *b = arg;

	spin_enter(&b->b_lock);
	b->b_done = true;
	cv_signal(&b->b_cv);
	spin_exit(&b->b_lock);
}

/* One thread runs the tasks in order: when this one runs, all is done. */
void
taskq_barrier(struct taskq *tq)
{
	struct barrier b = { .b_done = false };

	spin_init(&b.b_lock, "taskq barrier");
	cv_init(&b.b_cv, "taskqbar");
	task_set(&b.b_task, barrier_reached, &b);
	(void)task_add(tq, &b.b_task);
	spin_enter(&b.b_lock);
	while (!b.b_done)
		cv_wait_spin(&b.b_cv, &b.b_lock);
	spin_exit(&b.b_lock);
}

void
kthread_init(void)
{
	systq = taskq_create("systq");
	if (systq == NULL)
		panic("no memory for the system task queue");
}
