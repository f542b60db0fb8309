/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A clock that moves only when the test moves it, and the callouts on it.
 */
#include <sys/callout.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/time.h>

#include <ktest.h>

#define	REALTIME_AT_BOOT	(1700000000LL * NSEC_PER_SEC)
#define	MAXCALLOUTS		256

struct callout_queue {
	struct callout *armed[MAXCALLOUTS];
	unsigned int n;
};

static nsec_t now = NSEC_PER_SEC;
static nsec_t realtime = REALTIME_AT_BOOT;
static struct callout_queue queue;

nsec_t
nanouptime(void)
{
	return now;
}

nsec_t
nanoboottime(void)
{
	return now;
}

nsec_t
nanotime(void)
{
	return realtime + now;
}

int
time_set_realtime(nsec_t t)
{
	realtime = t - now;
	return 0;
}

int
timespec_to_nsec(const struct timespec *ts, nsec_t *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return EINVAL;
	if (ts->tv_sec >= INT64_MAX / NSEC_PER_SEC)
		*ns = INT64_MAX;
	else
		*ns = ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
	return 0;
}

void
shim_set_time(nsec_t uptime)
{
	now = uptime;
}

/* The armed callout that is due first, up to a time. */
static struct callout *
first_due(nsec_t until)
{
	struct callout *c, *best = NULL;
	unsigned int i;

	for (i = 0; i < queue.n; i++) {
		c = queue.armed[i];
		if (c->c_deadline <= until &&
		    (best == NULL || c->c_deadline < best->c_deadline))
			best = c;
	}
	return best;
}

void
shim_advance(nsec_t span)
{
	nsec_t until = now + span;
	struct callout *c;

	while ((c = first_due(until)) != NULL) {
		now = MAX(now, c->c_deadline);
		callout_stop(c);
		c->c_func(c->c_arg);
	}
	now = until;
}

void
callout_init(struct callout *c, void (*func)(void *), void *arg)
{
	memset(c, 0, sizeof(*c));
	c->c_func = func;
	c->c_arg = arg;
}

bool
callout_stop(struct callout *c)
{
	unsigned int i;

	for (i = 0; i < queue.n; i++)
		if (queue.armed[i] == c) {
			queue.armed[i] = queue.armed[--queue.n];
			c->c_queue = NULL;
			return true;
		}
	return false;
}

bool
callout_halt(struct callout *c)
{
	return callout_stop(c);
}

bool
callout_pending(const struct callout *c)
{
	return c->c_queue != NULL;
}

void
callout_schedule(struct callout *c, nsec_t deadline)
{
	callout_stop(c);
	KASSERT(queue.n < MAXCALLOUTS);
	c->c_deadline = deadline;
	c->c_queue = &queue;
	queue.armed[queue.n++] = c;
}
