/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on clocks, sleeping and timers.
 *
 * Untrusted input: times are checked for range once, here; clock numbers below
 * zero name the CPU clock of a process or thread.
 */
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/ptimer.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_abi32.h>
#include <compat/linux/linux_syscallargs.h>

#define	CLOCK_REALTIME_ALARM	8
#define	CLOCK_BOOTTIME_ALARM	9
#define	CLOCK_TAI		11
#define	TIMER_ABSTIME		1

#define	SIGEV_SIGNAL		0
#define	SIGEV_NONE		1
#define	SIGEV_THREAD		2
#define	SIGEV_THREAD_ID		4

struct linux_timezone {
	int32_t		tz_minuteswest, tz_dsttime;
};
static struct linux_timezone linux_tz;

/* -- conversions -- */

int
linux_timespec_in(const void *uaddr, nsec_t *ns)
{
	struct timespec ts;
	int error = linux_timespecs_in(uaddr, &ts, 1);

	return error != 0 ? error : timespec_to_nsec(&ts, ns);
}

int
linux_timespec_out(nsec_t ns, void *uaddr)
{
	struct timespec ts = nsec_to_timespec(ns);

	return linux_timespecs_out(&ts, uaddr, 1);
}

static struct linux_timeval
to_timeval(nsec_t ns)
{
	struct linux_timeval tv = {
		ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC
	};

	return tv;
}

static int
from_timeval(const struct linux_timeval *tv, nsec_t *ns)
{
	struct timespec ts = { tv->tv_sec, tv->tv_usec * NSEC_PER_USEC };

	if (tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return EINVAL;
	return timespec_to_nsec(&ts, ns);
}

/*
 * The nanouptime() at which a clock shows a time; clock -1: `when` is a span
 * from now.  Never 0, which would mean no deadline.
 */
int
linux_clock_deadline(int clock, nsec_t when, nsec_t *deadline)
{
	nsec_t now = nanouptime();

	switch (clock) {
	case -1:
		break;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		when -= nanotime();
		break;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		when -= nanoboottime();
		break;
	case CLOCK_MONOTONIC:
		when -= now;
		break;
	default:
		return EINVAL;
	}
	*deadline = MAX(nsec_after(now, when), 1);
	return 0;
}

/* -- clocks -- */

/*
 * CPU clock numbers: ~pid << 3 | kind, kind 2 (scheduler time, which is what
 * all kinds are here), bit 2: a thread's.
 */
static int
cpu_clock(struct lwp *l, int clock, nsec_t *ns)
{
	pid_t id = ~(clock >> 3);
	bool thread = (clock & 4) != 0;
	struct lwp *l2;
	struct proc *p;
	int error = 0;

	if ((clock & 3) == 3)
		return EINVAL;
	rw_enter(&proctree_lock, RW_READER);
	if (thread) {
		l2 = id == 0 ? l : lwp_find(id);
		if (l2 != NULL && l2->l_proc == l->l_proc)
			*ns = lwp_cputime(l2);
		else
			error = EINVAL;
	} else if ((p = id == 0 ? l->l_proc : proc_find(id)) != NULL) {
		spin_enter(&p->p_lock);
		*ns = proc_cputime_locked(p);
		spin_exit(&p->p_lock);
	} else
		error = EINVAL;
	rw_exit(&proctree_lock);
	return error;
}

static int
clock_read(struct lwp *l, int clock, nsec_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = nanotime();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*ns = nanouptime();
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = nanoboottime();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		spin_enter(&l->l_proc->p_lock);
		*ns = proc_cputime_locked(l->l_proc);
		spin_exit(&l->l_proc->p_lock);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = lwp_cputime(l);
		return 0;
	default:
		return clock < 0 ? cpu_clock(l, clock, ns) : EINVAL;
	}
}

int
linux_sys_clock_gettime(struct lwp *l,
    const struct linux_clock_gettime_args *uap, register_t *retval __unused)
{
	nsec_t ns;
	int error = clock_read(l, uap->clock, &ns);

	return error != 0 ? error : linux_timespec_out(ns, uap->ts);
}

int
linux_sys_clock_getres(struct lwp *l,
    const struct linux_clock_getres_args *uap, register_t *retval __unused)
{
	nsec_t ns;
	int error = clock_read(l, uap->clock, &ns);

	if (error != 0 || uap->ts == NULL)
		return error;
	ns = uap->clock == CLOCK_REALTIME_COARSE ||
	    uap->clock == CLOCK_MONOTONIC_COARSE ? 4 * NSEC_PER_MSEC : 1;
	return linux_timespec_out(ns, uap->ts);
}

static int
set_realtime(struct lwp *l, nsec_t ns)
{
	int error;

	if (cred_capable(l->l_cred, CAP_SYS_TIME) != 0)
		return EPERM;
	error = time_set_realtime(ns);
	if (error == 0)
		clock_was_set();
	return error;
}

int
linux_sys_clock_settime(struct lwp *l,
    const struct linux_clock_settime_args *uap, register_t *retval __unused)
{
	nsec_t ns;
	int error;

	if (uap->clock != CLOCK_REALTIME)
		return EINVAL;
	if ((error = linux_timespec_in(uap->ts, &ns)) != 0)
		return error;
	return set_realtime(l, ns);
}

int
linux_sys_gettimeofday(struct lwp *l __unused,
    const struct linux_gettimeofday_args *uap, register_t *retval __unused)
{
	struct linux_timeval tv = to_timeval(nanotime());
	int error = 0;

	if (uap->tv != NULL)
		error = linux_timevals_out(&tv, uap->tv, 1);
	if (error == 0 && uap->tz != NULL)
		error = copyout(&linux_tz, uap->tz, sizeof(linux_tz));
	return error;
}

int
linux_sys_settimeofday(struct lwp *l,
    const struct linux_settimeofday_args *uap, register_t *retval __unused)
{
	struct linux_timeval tv;
	struct linux_timezone tz;
	nsec_t ns = 0;
	int error;

	if (uap->tv != NULL) {
		if ((error = linux_timevals_in(uap->tv, &tv, 1)) != 0 ||
		    (error = from_timeval(&tv, &ns)) != 0)
			return error;
	}
	if (uap->tz != NULL &&
	    (error = copyin(uap->tz, &tz, sizeof(tz))) != 0)
		return error;
	if (cred_capable(l->l_cred, CAP_SYS_TIME) != 0)
		return EPERM;
	if (uap->tz != NULL) {
		if (tz.tz_minuteswest > 15 * 60 || tz.tz_minuteswest < -15 * 60)
			return EINVAL;
		linux_tz = tz;
	}
	return uap->tv != NULL ? set_realtime(l, ns) : 0;
}

int
linux_sys_time(struct lwp *l __unused, const struct linux_time_args *uap,
    register_t *retval)
{
	int64_t now = nanotime() / NSEC_PER_SEC;

	*retval = (register_t)now;
	return uap->t != NULL ? linux_long_out((uint64_t)now, uap->t) : 0;
}

/* -- sleeping -- */

/* Sleep until l_restart.rb_deadline; the rest goes to rb_arg[0]. */
static int
sleep_again(struct lwp *l, register_t *retval)
{
	nsec_t deadline = l->l_restart.rb_deadline, left;
	void *urem = (void *)l->l_restart.rb_arg[0];
	int error = 0;

	*retval = 0;
	while (error == 0 && nanouptime() < deadline) {
		error = kpause("nanosleep", true, deadline);
		if (error == ETIMEDOUT)
			error = 0;
	}
	if (error == 0)
		return 0;
	left = MAX(deadline - nanouptime(), 1);
	if (urem != NULL && (error = linux_timespec_out(left, urem)) != 0)
		return error;
	return ERESTARTBLOCK;
}

static int
sleep_span(struct lwp *l, nsec_t span, void *urem, register_t *retval)
{
	int error;

	error = linux_clock_deadline(-1, span, &l->l_restart.rb_deadline);
	if (error != 0)
		return error;
	l->l_restart.rb_func = sleep_again;
	l->l_restart.rb_arg[0] = (uintptr_t)urem;
	return sleep_again(l, retval);
}

int
linux_sys_nanosleep(struct lwp *l, const struct linux_nanosleep_args *uap,
    register_t *retval)
{
	nsec_t span;
	int error = linux_timespec_in(uap->req, &span);

	return error != 0 ? error : sleep_span(l, span, uap->rem, retval);
}

/*
 * Until the CPU clock rb_arg[1] shows rb_deadline: when all CPUs could have
 * brought it there, look.  The rest goes to rb_arg[0].
 */
static int
sleep_cpu(struct lwp *l, register_t *retval)
{
	int clock = (int)l->l_restart.rb_arg[1];
	nsec_t when = l->l_restart.rb_deadline, now, left;
	void *urem = (void *)l->l_restart.rb_arg[0];
	int error, slept = 0;

	*retval = 0;
	for (;;) {
		if ((error = clock_read(l, clock, &now)) != 0)
			return error;
		if (now >= when)
			return 0;
		left = when - now;
		if (slept == ERESTARTSYS)
			break;
		slept = kpause("nanosleep", true, nsec_after(nanouptime(),
		    MAX(left / (nsec_t)ncpu, NSEC_PER_MSEC)));
	}
	if (urem != NULL && (error = linux_timespec_out(left, urem)) != 0)
		return error;
	return ERESTARTBLOCK;
}

/* Until a clock shows a time; it may be set meanwhile, so look often. */
static int
sleep_until(int clock, nsec_t when)
{
	nsec_t deadline;
	int error;

	for (;;) {
		error = linux_clock_deadline(clock, when, &deadline);
		if (error != 0 || deadline <= nanouptime())
			return error;
		if (clock != CLOCK_MONOTONIC)
			deadline = MIN(deadline, nanouptime() + NSEC_PER_SEC);
		error = kpause("nanosleep", true, deadline);
		if (error == ERESTARTSYS)
			return ERESTARTNOHAND;
	}
}

static int
cpu_nanosleep(struct lwp *l, const struct linux_clock_nanosleep_args *uap,
    nsec_t when, register_t *retval)
{
	bool absolute = (uap->flags & TIMER_ABSTIME) != 0;
	pid_t id = ~(uap->clock >> 3);
	nsec_t now;
	int error;

	/* One's own would never get there. */
	if (uap->clock < 0 && (uap->clock & 4) != 0 &&
	    (id == 0 || id == l->l_tid))
		return EINVAL;
	if ((error = clock_read(l, uap->clock, &now)) != 0)
		return error;
	l->l_restart.rb_func = sleep_cpu;
	l->l_restart.rb_arg[0] = absolute ? 0 : (uintptr_t)uap->rem;
	l->l_restart.rb_arg[1] = (uintptr_t)uap->clock;
	l->l_restart.rb_deadline = absolute ? when : nsec_after(now, when);
	error = sleep_cpu(l, retval);
	return error == ERESTARTBLOCK && absolute ? ERESTARTNOHAND : error;
}

int
linux_sys_clock_nanosleep(struct lwp *l,
    const struct linux_clock_nanosleep_args *uap, register_t *retval)
{
	nsec_t when, now, deadline;
	int error;

	if ((error = clock_read(l, uap->clock, &now)) != 0)
		return error;
	if ((error = linux_timespec_in(uap->req, &when)) != 0)
		return error;
	if (uap->clock < 0 || uap->clock == CLOCK_PROCESS_CPUTIME_ID)
		return cpu_nanosleep(l, uap, when, retval);
	if (linux_clock_deadline(uap->clock, 0, &deadline) != 0)
		return EOPNOTSUPP;	/* a clock only to be read */
	if ((uap->flags & TIMER_ABSTIME) == 0)
		return sleep_span(l, when, uap->rem, retval);
	return sleep_until(uap->clock, when);
}

/* -- interval timers -- */

static void
to_itimerval(nsec_t value, nsec_t interval, struct linux_itimerval *it)
{
	/* A timer that is on never shows as off. */
	if (value > 0)
		value = MAX(value, NSEC_PER_USEC);
	it->it_value = to_timeval(value);
	it->it_interval = to_timeval(interval);
}

static int
itimerval_in(const void *uaddr, struct linux_itimerval *it)
{
	struct linux_timeval tv[2];
	int error = linux_timevals_in(uaddr, tv, 2);

	it->it_interval = tv[0];
	it->it_value = tv[1];
	return error;
}

static int
itimerval_out(const struct linux_itimerval *it, void *uaddr)
{
	struct linux_timeval tv[2] = { it->it_interval, it->it_value };

	return linux_timevals_out(tv, uaddr, 2);
}

int
linux_sys_getitimer(struct lwp *l, const struct linux_getitimer_args *uap,
    register_t *retval __unused)
{
	struct linux_itimerval it;
	nsec_t value, interval;
	int error;

	error = do_getitimer(l, uap->which, &value, &interval);
	if (error != 0)
		return error;
	to_itimerval(value, interval, &it);
	return itimerval_out(&it, uap->val);
}

int
linux_sys_setitimer(struct lwp *l, const struct linux_setitimer_args *uap,
    register_t *retval __unused)
{
	struct linux_itimerval it;
	nsec_t value = 0, interval = 0, oldvalue, oldinterval;
	int error;

	if (uap->val != NULL) {
		if ((error = itimerval_in(uap->val, &it)) != 0 ||
		    (error = from_timeval(&it.it_value, &value)) != 0 ||
		    (error = from_timeval(&it.it_interval, &interval)) != 0)
			return error;
	}
	error = do_setitimer(l, uap->which, value, interval, &oldvalue,
	    &oldinterval);
	if (error != 0 || uap->old == NULL)
		return error;
	to_itimerval(oldvalue, oldinterval, &it);
	return itimerval_out(&it, uap->old);
}

int
linux_sys_alarm(struct lwp *l, const struct linux_alarm_args *uap,
    register_t *retval)
{
	nsec_t oldvalue, oldinterval;
	int error;

	error = do_setitimer(l, ITIMER_REAL,
	    (nsec_t)uap->seconds * NSEC_PER_SEC, 0, &oldvalue, &oldinterval);
	/* Rounded, but an alarm that is set is at least one second. */
	if (oldvalue > 0)
		*retval = (register_t)MAX((oldvalue + NSEC_PER_SEC / 2) /
		    NSEC_PER_SEC, 1);
	return error;
}

/* -- POSIX timers -- */

int
linux_sigevent_in(const void *uaddr, struct linux_sigevent *ev)
{
	struct linux32_sigevent ev32;
	int error;

	if (!linux_is32())
		return copyin(uaddr, ev, sizeof(*ev));
	error = copyin(uaddr, &ev32, sizeof(ev32));
	ev->sigev_value = ev32.sigev_value;
	ev->sigev_signo = ev32.sigev_signo;
	ev->sigev_notify = ev32.sigev_notify;
	ev->sigev_tid = ev32.sigev_tid;
	return error;
}

int
linux_sys_timer_create(struct lwp *l,
    const struct linux_timer_create_args *uap, register_t *retval __unused)
{
	struct linux_sigevent ev = { .sigev_signo = SIGALRM };
	int clock = uap->clock, id, error;
	pid_t tid = 0, clocktid = l->l_tid;

	if (uap->event != NULL &&
	    (error = linux_sigevent_in(uap->event, &ev)) != 0)
		return error;
	/* CPU clocks: only those of the caller's process. */
	if (clock < 0) {
		if (~(clock >> 3) != 0)
			clocktid = ~(clock >> 3);
		if ((clock & 4) == 0 && clocktid != l->l_proc->p_pid &&
		    clocktid != l->l_tid)
			return EINVAL;
		clock = (clock & 4) != 0 ? CLOCK_THREAD_CPUTIME_ID :
		    CLOCK_PROCESS_CPUTIME_ID;
	}
	if (clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM)
		clock = CLOCK_REALTIME;
	else if (clock == CLOCK_BOOTTIME_ALARM)
		clock = CLOCK_BOOTTIME;
	if (clock > CLOCK_THREAD_CPUTIME_ID && clock != CLOCK_BOOTTIME)
		return clock <= CLOCK_MONOTONIC_COARSE ? EOPNOTSUPP : EINVAL;
	switch (ev.sigev_notify) {
	case SIGEV_NONE:
		ev.sigev_signo = 0;
		break;
	case SIGEV_THREAD_ID:
	case SIGEV_THREAD_ID | SIGEV_THREAD:
		tid = ev.sigev_tid;
		if (tid <= 0)
			return EINVAL;
		/* FALLTHROUGH */
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		if (ev.sigev_signo < 1 || ev.sigev_signo > NSIG)
			return EINVAL;
		break;
	default:
		return EINVAL;
	}
	error = do_timer_create(l, clock, clocktid, ev.sigev_signo,
	    ev.sigev_value, uap->event != NULL, tid, &id);
	if (error != 0)
		return error;
	if ((error = copyout(&id, uap->timerid, sizeof(id))) != 0)
		(void)do_timer_delete(l, id);
	return error;
}

/* A user itimerspec: interval, then value. */
static int
itimerspec_in(const void *uaddr, nsec_t *value, nsec_t *interval)
{
	struct timespec its[2];
	int error;

	if ((error = linux_timespecs_in(uaddr, its, 2)) != 0 ||
	    (error = timespec_to_nsec(&its[1], value)) != 0)
		return error;
	return timespec_to_nsec(&its[0], interval);
}

static int
itimerspec_out(nsec_t value, nsec_t interval, void *uaddr)
{
	struct timespec its[2] = {
		nsec_to_timespec(interval), nsec_to_timespec(value)
	};

	return linux_timespecs_out(its, uaddr, 2);
}

int
linux_sys_timer_settime(struct lwp *l,
    const struct linux_timer_settime_args *uap, register_t *retval __unused)
{
	nsec_t value, interval, oldvalue, oldinterval;
	int error;

	if ((error = itimerspec_in(uap->val, &value, &interval)) != 0)
		return error;
	error = do_timer_settime(l, uap->timerid,
	    (uap->flags & TIMER_ABSTIME) != 0, value, interval, &oldvalue,
	    &oldinterval);
	if (error != 0 || uap->old == NULL)
		return error;
	return itimerspec_out(oldvalue, oldinterval, uap->old);
}

int
linux_sys_timerfd_create(struct lwp *l,
    const struct linux_timerfd_create_args *uap, register_t *retval)
{
	int fd = -1, clock = uap->clock, error;

	if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) {
		/* Nothing here can be woken: as on Linux without the right. */
		return EPERM;
	}
	error = do_timerfd_create(l, clock, uap->flags, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_timerfd_settime(struct lwp *l,
    const struct linux_timerfd_settime_args *uap,
    register_t *retval __unused)
{
	nsec_t value, interval, oldvalue, oldinterval;
	int error;

	if ((error = itimerspec_in(uap->val, &value, &interval)) != 0)
		return error;
	error = do_timerfd_settime(l, uap->fd, uap->flags, value, interval,
	    &oldvalue, &oldinterval);
	if (error != 0 || uap->old == NULL)
		return error;
	return itimerspec_out(oldvalue, oldinterval, uap->old);
}

int
linux_sys_timerfd_gettime(struct lwp *l,
    const struct linux_timerfd_gettime_args *uap,
    register_t *retval __unused)
{
	nsec_t value, interval;
	int error;

	error = do_timerfd_gettime(l, uap->fd, &value, &interval);
	if (error != 0)
		return error;
	return itimerspec_out(value, interval, uap->val);
}

int
linux_sys_timer_gettime(struct lwp *l,
    const struct linux_timer_gettime_args *uap, register_t *retval __unused)
{
	nsec_t value, interval;
	int error;

	error = do_timer_gettime(l, uap->timerid, &value, &interval);
	if (error != 0)
		return error;
	return itimerspec_out(value, interval, uap->val);
}

int
linux_sys_timer_getoverrun(struct lwp *l,
    const struct linux_timer_getoverrun_args *uap, register_t *retval)
{
	int n, error = do_timer_getoverrun(l, uap->timerid, &n);

	if (error == 0)
		*retval = n;
	return error;
}

int
linux_sys_timer_delete(struct lwp *l,
    const struct linux_timer_delete_args *uap, register_t *retval __unused)
{
	return do_timer_delete(l, uap->timerid);
}
