/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred work, which a test runs when it likes: tasks and soft interrupts.
 */
#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/softint.h>
#include <sys/systm.h>

#include <ktest.h>

TAILQ_HEAD(tasklist, task);

struct taskq {
	const char *name;
};

struct softint {
	void (*func)(void *);
	void *arg;
	bool pending;
};

static struct taskq system_taskq = { "systq" };
struct taskq *systq = &system_taskq;

static struct tasklist tasks = TAILQ_HEAD_INITIALIZER(tasks);
static struct softint softints[32];
static unsigned int nsoftints;

struct taskq *
taskq_create(const char *name)
{
	KASSERT(name != NULL);
	return &system_taskq;
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
	KASSERT(tq != NULL);
	if (t->t_queued)
		return false;
	t->t_queued = true;
	TAILQ_INSERT_TAIL(&tasks, t, t_link);
	return true;
}

bool
task_del(struct taskq *tq, struct task *t)
{
	KASSERT(tq != NULL);
	if (!t->t_queued)
		return false;
	t->t_queued = false;
	TAILQ_REMOVE(&tasks, t, t_link);
	return true;
}

void
shim_run_tasks(void)
{
	struct task *t;

	while ((t = TAILQ_FIRST(&tasks)) != NULL) {
		TAILQ_REMOVE(&tasks, t, t_link);
		t->t_queued = false;
		t->t_func(t->t_arg);
	}
}

void
taskq_barrier(struct taskq *tq)
{
	KASSERT(tq != NULL);
	shim_run_tasks();
}

struct softint *
softint_establish(enum softint_level level, void (*func)(void *), void *arg)
{
	struct softint *si = &softints[nsoftints];

	KASSERT(level < SOFTINT_LEVELS && nsoftints < __arraycount(softints));
	nsoftints++;
	si->func = func;
	si->arg = arg;
	return si;
}

void
softint_disestablish(struct softint *si)
{
	KASSERT(si->func != NULL);
	memset(si, 0, sizeof(*si));
}

unsigned int
shim_softints(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < nsoftints; i++)
		n += softints[i].func != NULL;
	return n;
}

void
softint_schedule(struct softint *si)
{
	KASSERT(si->func != NULL);
	si->pending = true;
}

void
shim_run_softints(void)
{
	unsigned int i;

	for (i = 0; i < nsoftints; i++)
		if (softints[i].pending) {
			softints[i].pending = false;
			softints[i].func(softints[i].arg);
			i = (unsigned int)-1;	/* from the start again */
		}
}
