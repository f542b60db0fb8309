/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks, sleeping, timers.
 * Also for i386.
 */
#define	_GNU_SOURCE
#include <sys/resource.h>
#include <sys/time.h>

#include <limits.h>

#include "tap.h"

#define	MS	1000000LL

static volatile sig_atomic_t count;
static siginfo_t info;

static void
note_info(int signo, siginfo_t *si, void *uc)
{
	(void)signo;
	(void)uc;
	info = *si;
	count++;
}

static void
catch(int signo)
{
	struct sigaction sa = { .sa_sigaction = note_info,
		.sa_flags = SA_SIGINFO };

	CHECK_EQ(sigaction(signo, &sa, NULL), 0);
}

TEST(clocks_run)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
		CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE };
	struct timespec ts;

	for (unsigned int i = 0; i < sizeof(clocks) / sizeof(int); i++) {
		long long a, b;
		int tries = 3;		/* somebody may set the clock */

		do {
			a = now_ns(clocks[i]);
			sleep_ms(30);
			b = now_ns(clocks[i]);
		} while (b - a < 20 * MS && --tries > 0);
		CHECK(b - a >= 20 * MS);
		CHECK(b - a < 5000 * MS);
		CHECK_EQ(syscall(SYS_clock_getres, clocks[i], &ts), 0);
		CHECK(ts.tv_sec == 0 && ts.tv_nsec > 0);
	}
	CHECK_ERR(syscall(SYS_clock_gettime, 99, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_clock_gettime, 1, 8), EFAULT);
	CHECK_EQ(syscall(SYS_clock_getres, 1, NULL), 0);
}

TEST(monotonic_never_goes_back)
{
	long long last = 0, t;

	for (int i = 0; i < 200000; i++) {
		t = now_ns(CLOCK_MONOTONIC);
		CHECK(t >= last);
		last = t;
	}
}

TEST(cpu_clocks)
{
	long long p = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	long long t = now_ns(CLOCK_THREAD_CPUTIME_ID), end;
	clockid_t id;

	sleep_ms(100);
	CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - p < 90 * MS);
	end = now_ns(CLOCK_MONOTONIC) + 3000 * MS;
	while (now_ns(CLOCK_THREAD_CPUTIME_ID) - t < 100 * MS)
		CHECK(now_ns(CLOCK_MONOTONIC) < end);
	CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - p >= 100 * MS);
	CHECK_EQ(clock_getcpuclockid(getpid(), &id), 0);
	CHECK(now_ns(id) >= 100 * MS);
}

TEST(wall_clock)
{
	struct timeval tv;
	time_t t = time(NULL);

	CHECK_EQ(gettimeofday(&tv, NULL), 0);
	CHECK(tv.tv_sec - t <= 1);
	CHECK(t > 1600000000);
	time_t t2;
	CHECK_EQ(syscall(SYS_time, &t2), t2);
	CHECK(t2 - t <= 2);
}

TEST(nanosleep)
{
	struct timespec ts = { 0, 50 * MS };
	long long start = now_ns(CLOCK_MONOTONIC);

	CHECK_EQ(nanosleep(&ts, NULL), 0);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 50 * MS);
	ts.tv_nsec = 1000000000;
	CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
	ts.tv_nsec = -1;
	CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
	ts = (struct timespec){ -1, 0 };
	CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
	ts = (struct timespec){ 0, 0 };
	CHECK_EQ(nanosleep(&ts, NULL), 0);
	CHECK_ERR(syscall(SYS_nanosleep, 8, NULL), EFAULT);
}

static void
sleep_until(int clock)
{
	long long end = now_ns(clock) + 60 * MS;
	struct timespec ts = { end / 1000000000, end % 1000000000 };

	CHECK_EQ(syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &ts,
	    NULL), 0);
	CHECK(now_ns(clock) >= end);
	ts.tv_sec = 1;
	CHECK_EQ(syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &ts,
	    NULL), 0);
}

TEST(clock_nanosleep)
{
	struct timespec ts = { 0, 10 * MS };

	sleep_until(CLOCK_MONOTONIC);
	sleep_until(CLOCK_REALTIME);
	sleep_until(CLOCK_BOOTTIME);
	CHECK_EQ(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, &ts),
	    0);
	CHECK_ERR(syscall(SYS_clock_nanosleep, 99, 0, &ts, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0,
	    &ts, NULL), EOPNOTSUPP);
}

/* Wait for a signal that was blocked until now, so that it is not missed. */
static void
wait_for(int signo)
{
	sigset_t set;

	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &set), 0);
	sigdelset(&set, signo);
	CHECK_ERR(sigsuspend(&set), EINTR);
}

static void
block(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

TEST(itimer_once)
{
	struct itimerval it = { { 0, 0 }, { 0, 50000 } }, old;
	long long start = now_ns(CLOCK_MONOTONIC);

	catch(SIGALRM);
	block(SIGALRM);
	it.it_value.tv_usec *= tap_slow() < 10 ? tap_slow() : 10;
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
	CHECK(old.it_value.tv_sec == 0 &&
	    old.it_value.tv_usec <= it.it_value.tv_usec &&
	    old.it_value.tv_usec > 0);
	wait_for(SIGALRM);
	CHECK_EQ(count, 1);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 50 * MS);
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
	CHECK_EQ(old.it_value.tv_usec, 0);
	sleep_ms(100);
	CHECK_EQ(count, 1);
	it.it_value.tv_usec = 1000000;
	CHECK_ERR(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	CHECK_ERR(setitimer(9, &old, NULL), EINVAL);
}

TEST(itimer_periodic)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	struct itimerval off = { { 0, 0 }, { 0, 0 } }, old;

	catch(SIGALRM);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	while (count < 5)
		pause();
	CHECK_EQ(setitimer(ITIMER_REAL, &off, &old), 0);
	CHECK_EQ(old.it_interval.tv_usec, 20000);
	int before = count;
	sleep_ms(60);
	CHECK_EQ(count, before);
}

TEST(itimer_survives_exec_not_fork)
{
	struct itimerval it = { { 0, 0 }, { 0, 100000 } };
	int status;
	pid_t pid;

	signal(SIGALRM, SIG_DFL);
	if ((pid = fork()) == 0) {
		CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
		execl("/proc/self/exe", "t_time", "-sleep", NULL);
		_exit(126);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	it.it_value.tv_sec = 10;
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	if ((pid = fork()) == 0) {
		CHECK_EQ(getitimer(ITIMER_REAL, &it), 0);
		CHECK_EQ(it.it_value.tv_sec, 0);
		_exit(0);
	}
	reap(pid, 0);
}

TEST(alarm_call)
{
	CHECK_EQ(alarm(10), 0);
	CHECK_EQ(alarm(0), 10);
	CHECK_EQ(alarm(0), 0);
}

TEST(itimer_prof)
{
	struct itimerval it = { { 0, 0 }, { 0, 100000 } };
	long long end = now_ns(CLOCK_MONOTONIC) + 10000 * MS;
	long long cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	catch(SIGPROF);
	CHECK_EQ(setitimer(ITIMER_PROF, &it, NULL), 0);
	while (count == 0)
		CHECK(now_ns(CLOCK_MONOTONIC) < end);
	/* Linux counts ticks for this timer, which is not exact. */
	CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu >= 10 * MS);
}

/* Use CPU time, in the kernel if so wanted, until a signal has come. */
static void
use_cpu(bool kernel)
{
	long long end = now_ns(CLOCK_MONOTONIC) + 18000 * MS * tap_slow();

	while (count == 0) {
		for (int i = 0; i < 1000; i++)
			if (kernel)
				(void)syscall(SYS_getppid);
		CHECK(now_ns(CLOCK_MONOTONIC) < end);
	}
}

static long long
time_of(const struct timeval *tv)
{
	return tv->tv_sec * 1000 * MS + tv->tv_usec * 1000LL;
}

/* The timer of user time alone: what the kernel does is not counted. */
TEST(itimer_virtual)
{
	struct itimerval it = { { 0, 0 }, { 0, 200000 } };
	struct rusage ru;

	catch(SIGVTALRM);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
	use_cpu(true);
	CHECK_EQ(getrusage(RUSAGE_SELF, &ru), 0);
	CHECK(time_of(&ru.ru_utime) >= 100 * MS);
	CHECK(time_of(&ru.ru_utime) + time_of(&ru.ru_stime) >= 200 * MS);
}

/* SIGXCPU at the soft limit, which goes up with it; the end at the hard one. */
TEST(cpu_limit)
{
	struct rlimit rl = { 1, RLIM_INFINITY }, now;
	pid_t pid;
	int status;

	if ((pid = fork()) == 0) {
		catch(SIGXCPU);
		CHECK_EQ(setrlimit(RLIMIT_CPU, &rl), 0);
		use_cpu(false);
		/* Linux counts ticks here, too. */
		CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) >= 500 * MS);
		CHECK_EQ(getrlimit(RLIMIT_CPU, &now), 0);
		CHECK_EQ(now.rlim_cur, 2);
		rl.rlim_max = 1;
		CHECK_EQ(setrlimit(RLIMIT_CPU, &rl), 0);
		count = 0;
		use_cpu(false);
		_exit(1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGKILL);
}

/* A child begins anew, with the same limit. */
TEST(cpu_limit_of_a_child)
{
	struct rlimit rl = { 1, RLIM_INFINITY };
	pid_t pid;
	int status;

	CHECK_EQ(setrlimit(RLIMIT_CPU, &rl), 0);
	if ((pid = fork()) == 0)
		for (;;)
			(void)syscall(SYS_getppid);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGXCPU);
}

/* So much time that its end cannot be told is no time that is over. */
TEST(cpu_time_without_end)
{
	struct rlimit rl = { (rlim_t)1 << (8 * sizeof(rlim_t) - 2),
		RLIM_INFINITY };
	struct itimerval it = { { 0, 0 }, { LONG_MAX / 1000, 0 } };

	catch(SIGXCPU);
	catch(SIGPROF);
	CHECK_EQ(setrlimit(RLIMIT_CPU, &rl), 0);
	CHECK_EQ(setitimer(ITIMER_PROF, &it, NULL), 0);
	sleep_ms(50);
	CHECK_EQ(count, 0);
}

/* A sleep until another process has used so much time. */
TEST(sleep_on_a_cpu_clock)
{
	struct timespec ts = { 0, 200000000 }, rem = { 0, 0 };
	struct timespec never = { 1000, 0 };
	long long t0;
	clockid_t clock;
	pid_t pid;

	if ((pid = fork()) == 0)
		for (;;)
			(void)syscall(SYS_getppid);
	CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
	t0 = now_ns(clock);
	CHECK_EQ(syscall(SYS_clock_nanosleep, clock, 0, &ts, NULL), 0);
	CHECK(now_ns(clock) - t0 >= 200 * MS);
	CHECK_EQ(syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &ts, NULL),
	    0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);

	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts,
	    NULL), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts,
	    NULL), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_clock_nanosleep, 1234, 0, &ts, NULL), EINVAL);
	catch(SIGALRM);
	alarm(1);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0,
	    &never, &rem), EINTR);
	CHECK(rem.tv_sec >= 998 && rem.tv_sec <= 1000);
}

TEST(posix_timer)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGRTMIN + 3 };
	struct itimerspec its = { { 0, 20 * MS }, { 0, 20 * MS } };
	timer_t id;

	ev.sigev_value.sival_int = 77;
	catch(SIGRTMIN + 3);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
	CHECK_EQ(timer_settime(id, 0, &its, NULL), 0);
	while (count < 4)
		pause();
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_value.sival_int, 77);
	CHECK_EQ(timer_gettime(id, &its), 0);
	CHECK_EQ(its.it_interval.tv_nsec, 20 * MS);
	CHECK(its.it_value.tv_nsec > 0 && its.it_value.tv_nsec <= 20 * MS);
	CHECK_EQ(timer_delete(id), 0);
	CHECK(timer_delete(id) != 0);
	int before = count;
	sleep_ms(60);
	CHECK(count - before <= 1);
	CHECK_ERR(timer_create(99, &ev, &id), EINVAL);
	ev.sigev_signo = 99;
	CHECK_ERR(timer_create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
}

TEST(timer_of_a_threads_time)
{
	struct itimerspec its = { { 0, 0 }, { 0, 20 * MS } };
	timer_t id;

	/* Its signal, SIGALRM, goes to the process. */
	catch(SIGALRM);
	CHECK_EQ(timer_create(CLOCK_THREAD_CPUTIME_ID, NULL, &id), 0);
	CHECK_EQ(timer_settime(id, 0, &its, NULL), 0);
	while (count == 0)
		continue;
	CHECK(now_ns(CLOCK_THREAD_CPUTIME_ID) >= 20 * MS);
	CHECK_EQ(timer_delete(id), 0);
}

TEST(timer_overrun)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1 };
	struct itimerspec its = { { 0, 10 * MS }, { 0, 10 * MS } };
	sigset_t set;
	timer_t id;

	catch(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
	CHECK_EQ(timer_settime(id, 0, &its, NULL), 0);
	sleep_ms(105);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK(count >= 1);
	CHECK(timer_getoverrun(id) >= 0);
	CHECK(info.si_overrun >= 5 || timer_getoverrun(id) >= 0);
	timer_delete(id);
}

TEST(timer_absolute)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1 };
	long long end = now_ns(CLOCK_REALTIME) + 50 * MS;
	struct itimerspec its = { { 0, 0 },
		{ end / 1000000000, end % 1000000000 } };
	timer_t id;

	catch(SIGUSR1);
	block(SIGUSR1);
	CHECK_EQ(timer_create(CLOCK_REALTIME, &ev, &id), 0);
	CHECK_EQ(timer_settime(id, TIMER_ABSTIME, &its, NULL), 0);
	wait_for(SIGUSR1);
	CHECK(now_ns(CLOCK_REALTIME) >= end);
}

/*
 * A time of day is reached when the clock is set behind it; a span does not
 * depend on what the clock shows.
 */
TEST(timers_when_the_clock_is_set)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	struct itimerspec at = { 0 }, span = { 0 }, left;
	struct timespec start, before, now, set;
	timer_t day, rel;

	if (access("/sys/hypervisor/type", F_OK) != 0)
		SKIP("sets the clock: in guests only");
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &start), 0);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	if (clock_settime(CLOCK_REALTIME, &start) != 0)
		SKIP("the clock cannot be set: %s", strerror(errno));
	CHECK_EQ(timer_create(CLOCK_REALTIME, &ev, &rel), 0);
	ev.sigev_notify = SIGEV_SIGNAL;
	ev.sigev_signo = SIGUSR1;
	CHECK_EQ(timer_create(CLOCK_REALTIME, &ev, &day), 0);
	catch(SIGUSR1);
	at.it_value.tv_sec = start.tv_sec + 1000;
	span.it_value.tv_sec = 5000;
	CHECK_EQ(timer_settime(day, TIMER_ABSTIME, &at, NULL), 0);
	CHECK_EQ(timer_settime(rel, 0, &span, NULL), 0);
	set.tv_sec = start.tv_sec + 2000;
	set.tv_nsec = 0;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &set), 0);
	for (int i = 0; i < 100 && count == 0; i++)
		usleep(20000);
	CHECK_EQ(timer_gettime(rel, &left), 0);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	start.tv_sec += now.tv_sec - before.tv_sec;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &start), 0);
	CHECK_EQ(count, 1);
	CHECK(left.it_value.tv_sec > 4900 && left.it_value.tv_sec <= 5000);
	timer_delete(day);
	timer_delete(rel);
}

TEST(set_clock_needs_rights)
{
	struct timespec ts = { 1, 0 };

	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &ts), EINVAL);
	ts.tv_nsec = -1;
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts), EINVAL);
	if (getuid() == 0) {
		ts.tv_nsec = 0;
		CHECK_EQ(seteuid(1000), 0);
		CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts),
		    EPERM);
	}
}
