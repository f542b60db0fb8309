/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks of a kernel with one thread: a lock that is held when it is wanted
 * would never come free, so that is a panic.
 */
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/intr.h>

#include <ktest.h>

#define	OWNER	((struct lwp *)1)	/* the thread, if it is not given */

bool (*shim_sleep_hook)(const char *);
bool shim_signal_pending;

static unsigned int wakeups;

static struct lwp *
self(void)
{
	return curlwp != NULL ? curlwp : OWNER;
}

static void
assert_may_sleep(const char *name)
{
	if (curcpu()->ci_spin_depth != 0)
		panic("%s: sleeps with a spin lock held", name);
	if (curcpu()->ci_preempt_off != 0)
		panic("%s: sleeps with preemption off", name);
}

void
spin_init(struct spinlock *sl, const char *name)
{
	*sl = (struct spinlock)SPINLOCK_INITIALIZER(name);
}

void
spin_enter(struct spinlock *sl)
{
	struct cpu_info *ci = curcpu();
	bool on = intr_disable();

	if (sl->sl_held)
		panic("spin lock %s: taken twice", sl->sl_name);
	if (ci->ci_spin_depth++ == 0)
		ci->ci_spin_intr = on;
	sl->sl_held = 1;
	sl->sl_owner = ci;
}

bool
spin_tryenter(struct spinlock *sl)
{
	if (sl->sl_held)
		return false;
	spin_enter(sl);
	return true;
}

void
spin_exit(struct spinlock *sl)
{
	struct cpu_info *ci = curcpu();

	if (!sl->sl_held)
		panic("spin lock %s: released while free", sl->sl_name);
	sl->sl_held = 0;
	sl->sl_owner = NULL;
	if (--ci->ci_spin_depth == 0)
		intr_restore(ci->ci_spin_intr);
}

bool
spin_owned(const struct spinlock *sl)
{
	return sl->sl_held != 0;
}

void
mutex_init(struct mutex *m, const char *name)
{
	memset(m, 0, sizeof(*m));
	m->mtx_name = name;
}

void
mutex_destroy(struct mutex *m)
{
	if (m->mtx_owner != 0)
		panic("mutex %s: destroyed while held", m->mtx_name);
}

void
mutex_enter(struct mutex *m)
{
	assert_may_sleep(m->mtx_name);
	if (m->mtx_owner != 0)
		panic("mutex %s: taken twice", m->mtx_name);
	m->mtx_owner = (__typeof__(m->mtx_owner))self();
}

bool
mutex_tryenter(struct mutex *m)
{
	if (m->mtx_owner != 0)
		return false;
	m->mtx_owner = (__typeof__(m->mtx_owner))self();
	return true;
}

void
mutex_exit(struct mutex *m)
{
	if (m->mtx_owner == 0)
		panic("mutex %s: released while free", m->mtx_name);
	m->mtx_owner = 0;
}

bool
mutex_owned(const struct mutex *m)
{
	return m->mtx_owner == (__typeof__(m->mtx_owner))self();
}

void
rw_init(struct rwlock *rw, const char *name)
{
	memset(rw, 0, sizeof(*rw));
	rw->rw_name = name;
}

void
rw_destroy(struct rwlock *rw)
{
	if (rw_lock_held(rw))
		panic("rwlock %s: destroyed while held", rw->rw_name);
}

bool
rw_tryenter(struct rwlock *rw, enum rw_mode mode)
{
	if (rw->rw_writer != NULL)
		return false;
	if (mode == RW_READER) {
		rw->rw_readers++;
		return true;
	}
	if (rw->rw_readers > 0)
		return false;
	rw->rw_writer = self();
	return true;
}

void
rw_enter(struct rwlock *rw, enum rw_mode mode)
{
	assert_may_sleep(rw->rw_name);
	if (!rw_tryenter(rw, mode))
		panic("rwlock %s: taken twice", rw->rw_name);
}

void
rw_exit(struct rwlock *rw)
{
	if (rw->rw_writer != NULL)
		rw->rw_writer = NULL;
	else if (rw->rw_readers > 0)
		rw->rw_readers--;
	else
		panic("rwlock %s: released while free", rw->rw_name);
}

void
rw_downgrade(struct rwlock *rw)
{
	if (rw->rw_writer == NULL)
		panic("rwlock %s: downgraded while not written", rw->rw_name);
	rw->rw_writer = NULL;
	rw->rw_readers = 1;
}

bool
rw_write_held(const struct rwlock *rw)
{
	return rw->rw_writer != NULL;
}

bool
rw_lock_held(const struct rwlock *rw)
{
	return rw->rw_writer != NULL || rw->rw_readers > 0;
}

/*
 * Sleep: the hook plays the others; without their help only a signal or the
 * deadline can end it.  The interlock is given up by the callers.
 */
static int
shim_sleep(const char *wchan, bool sig, nsec_t deadline)
{
	unsigned int before = wakeups;

	assert_may_sleep(wchan);
	if (sig && shim_signal_pending)
		return ERESTARTSYS;
	if (shim_sleep_hook != NULL && shim_sleep_hook(wchan))
		return sig && shim_signal_pending ? ERESTARTSYS : 0;
	if (wakeups != before)
		return 0;
	if (deadline == 0)
		panic("%s: sleeps and nobody would wake it", wchan);
	if (nanouptime() < deadline)
		shim_set_time(deadline);
	return ETIMEDOUT;
}

void
cv_init(struct condvar *cv, const char *name)
{
	memset(cv, 0, sizeof(*cv));
	cv->cv_name = name;
}

void
cv_destroy(struct condvar *cv)
{
	cv->cv_name = NULL;
}

static int
cv_sleep_mutex(struct condvar *cv, struct mutex *m, bool sig, nsec_t deadline)
{
	int error;

	KASSERT(mutex_owned(m));
	mutex_exit(m);
	error = shim_sleep(cv->cv_name, sig, deadline);
	mutex_enter(m);
	return error;
}

static int
cv_sleep_spin(struct condvar *cv, struct spinlock *sl, bool sig,
    nsec_t deadline)
{
	int error;

	KASSERT(spin_owned(sl));
	spin_exit(sl);
	error = shim_sleep(cv->cv_name, sig, deadline);
	spin_enter(sl);
	return error;
}

void
cv_wait(struct condvar *cv, struct mutex *m)
{
	(void)cv_sleep_mutex(cv, m, false, 0);
}

int
cv_wait_sig(struct condvar *cv, struct mutex *m)
{
	return cv_sleep_mutex(cv, m, true, 0);
}

int
cv_timedwait(struct condvar *cv, struct mutex *m, nsec_t deadline)
{
	return cv_sleep_mutex(cv, m, false, deadline);
}

int
cv_timedwait_sig(struct condvar *cv, struct mutex *m, nsec_t deadline)
{
	return cv_sleep_mutex(cv, m, true, deadline);
}

void
cv_wait_spin(struct condvar *cv, struct spinlock *sl)
{
	(void)cv_sleep_spin(cv, sl, false, 0);
}

int
cv_wait_spin_sig(struct condvar *cv, struct spinlock *sl)
{
	return cv_sleep_spin(cv, sl, true, 0);
}

int
cv_timedwait_spin(struct condvar *cv, struct spinlock *sl, nsec_t deadline)
{
	return cv_sleep_spin(cv, sl, false, deadline);
}

int
cv_timedwait_spin_sig(struct condvar *cv, struct spinlock *sl,
    nsec_t deadline)
{
	return cv_sleep_spin(cv, sl, true, deadline);
}

void
cv_signal(struct condvar *cv)
{
	KASSERT(cv->cv_name != NULL);
	wakeups++;
}

void
cv_broadcast(struct condvar *cv)
{
	KASSERT(cv->cv_name != NULL);
	wakeups++;
}

bool
cv_has_waiters(struct condvar *cv)
{
	(void)cv;		/* the one thread there is runs */
	return false;
}

int
kpause(const char *wchan, bool sig, nsec_t deadline)
{
	int error = shim_sleep(wchan, sig, deadline);

	return error == ETIMEDOUT ? 0 : error;
}
