/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks.  Kernel code counts in nanoseconds (nsec_t).
 *
 * nanouptime() is CLOCK_MONOTONIC: since boot, never back, stands still
 * while the domain is saved.  nanoboottime() also counts that gap
 * (CLOCK_BOOTTIME).  nanotime() is CLOCK_REALTIME, corrected on every resume.
 * Any context.
 */
#ifndef _SYS_TIME_H_
#define	_SYS_TIME_H_

#include <sys/param.h>

nsec_t	nanouptime(void);
nsec_t	nanoboottime(void);
nsec_t	nanotime(void);
int	time_set_realtime(nsec_t);		/* clock_settime */
/*
 * adjtimex(2), all of the wall clock only.  rate: 2^-32 ns a ns faster, at most
 * a fifth.  time_slew(): so much more, 500 us each second, instead of what is
 * left of the last one.
 */
void	time_step(nsec_t);
void	time_set_rate(int64_t rate);
void	time_slew(nsec_t);
nsec_t	time_slew_left(void);
/*
 * The wall clock has been set, or CLOCK_BOOTTIME has jumped: tell the timers,
 * those of processes (kern_timer.c) and timerfds.
 */
void	clock_was_set(void);
void	timerfd_clock_changed(void);
void	time_init(void);
nsec_t	time_to_raw(nsec_t uptime);	/* what clock_raw() will say then */

/*
 * Called by the suspend table: on the way down with all other CPUs stopped,
 * and on the way up (newdomain: the hypervisor's clock started anew).
 */
void	time_suspend(void);
void	time_resume(bool newdomain);

struct timespec {
	time_t		tv_sec;
	int64_t		tv_nsec;
};
struct timeval {
	time_t		tv_sec;
	int64_t		tv_usec;
};

static inline struct timespec
nsec_to_timespec(nsec_t ns)
{
	struct timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	return ts;
}

/* EINVAL if out of range; saturates far futures. */
/* A span after a time that is not negative; as late as there is at most. */
static inline nsec_t
nsec_after(nsec_t t, nsec_t span)
{
	return span > INT64_MAX - t ? INT64_MAX : t + span;
}
int	timespec_to_nsec(const struct timespec *, nsec_t *);

#define	CLOCK_REALTIME			0
#define	CLOCK_MONOTONIC			1
#define	CLOCK_PROCESS_CPUTIME_ID	2
#define	CLOCK_THREAD_CPUTIME_ID		3
#define	CLOCK_MONOTONIC_RAW		4
#define	CLOCK_REALTIME_COARSE		5
#define	CLOCK_MONOTONIC_COARSE		6
#define	CLOCK_BOOTTIME			7

#endif /* !_SYS_TIME_H_ */
