/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The POSIX clocks over the machine's raw clock.
 *
 * Overview:
 *	CLOCK_MONOTONIC = clock_raw() + mono_offset
 *	CLOCK_BOOTTIME  = CLOCK_MONOTONIC + gap_total
 *	CLOCK_REALTIME  = CLOCK_MONOTONIC + real_offset + real_user + adjusted
 * real_offset follows the hypervisor's wall clock as of boot or the last
 * resume; real_user is what clock_settime(2) added to it.  Adjusted is what
 * adjtimex(2) makes the wall clock run faster or slower, since the last time
 * it was asked; it is put into real_user then.  CLOCK_MONOTONIC
 * never goes back because the raw clock does not, on whatever CPU it is read.
 *
 * Suspend: time_suspend() remembers the clocks.  In a new domain the raw clock
 * starts from somewhere else: mono_offset is set so that CLOCK_MONOTONIC goes
 * on where it stopped, and real_offset is taken from the hypervisor's wall
 * clock.  By how much that clock went on is the gap, which CLOCK_BOOTTIME
 * counts; if it went back (two hosts' clocks differ) the gap is 0.
 * The user's difference stays - he may run the guest in a time of his own, or
 * chrony may know better than the host - unless the result is implausible:
 * earlier than when the domain was suspended, or off by more than a day.  Then
 * the hypervisor's clock is believed.  After a cancelled suspend the raw clock
 * has run on and nothing changes.
 *
 * The vDSO computes the same from the same words (<sys/vdso.h>): what changes
 * here changes there.
 *
 * Locking: [s] changes only with all other CPUs stopped, so a reader in the
 * kernel with interrupts off sees either all of it or nothing.  adj_lock
 * (spin) for writing the rest; vt_seq is odd meanwhile and readers try again.
 */
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/spinlock.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vdso.h>
#include <machine/clock.h>
#include <machine/intr.h>

#define	REAL_USER_MAX	(86400 * NSEC_PER_SEC)
#define	NSEC_MAX	INT64_MAX
#define	SLEW_RATE	(((int64_t)1 << 32) / 2000)

/* A page of its own, which programs can read. */
struct vdso_time vdso_time __aligned(VDSO_PAGE_SIZE)
    __section(".bss.page_aligned");
CTASSERT(VDSO_PAGE_SIZE == PAGE_SIZE && sizeof(vdso_time) <= PAGE_SIZE);

#define	mono_offset	vdso_time.vt_mono_offset
#define	gap_total	vdso_time.vt_gap_total
#define	real_offset	vdso_time.vt_real_offset
#define	real_user	vdso_time.vt_real_user

static struct spinlock adj_lock = SPINLOCK_INITIALIZER("adjtime");

static struct {				/* [s] taken by time_suspend() */
	nsec_t	mono;
	nsec_t	wall;			/* the hypervisor's */
	nsec_t	real;
} saved;

nsec_t
nanouptime(void)
{
	/* With interrupts off no suspend comes between the two. */
	bool intr = intr_disable();
	nsec_t now = clock_raw() + mono_offset;

	intr_restore(intr);
	return now;
}

nsec_t
nanoboottime(void)
{
	return nanouptime() + gap_total;
}

nsec_t
nanotime(void)
{
	const struct vdso_time *vt = &vdso_time;
	nsec_t now, real;
	uint32_t seq;
	bool intr;

	do {
		intr = intr_disable();
		seq = atomic_load_acquire(&vt->vt_seq);
		now = clock_raw() + mono_offset;
		real = now + real_offset + real_user + vdso_adjusted(vt, now);
		membar_acquire();
		intr_restore(intr);
	} while ((seq & 1) != 0 || atomic_load_relaxed(&vt->vt_seq) != seq);
	return real;
}

nsec_t
time_to_raw(nsec_t uptime)
{
	return uptime - mono_offset;
}

/* What was adjusted up to now is put into real_user.  adj_lock held. */
static void
adjust_fold(nsec_t now)
{
	real_user += vdso_adjusted(&vdso_time, now);
	vdso_time.vt_adj_since = now;
}

/* Begin to change how the wall clock runs, from now on. */
static void
adjust_enter(nsec_t *now)
{
	spin_enter(&adj_lock);
	(void)atomic_add(&vdso_time.vt_seq, 1);
	*now = nanouptime();
	adjust_fold(*now);
}

static void
adjust_exit(void)
{
	(void)atomic_add(&vdso_time.vt_seq, 1);
	spin_exit(&adj_lock);
}

int
time_set_realtime(nsec_t now)
{
	nsec_t mono;

	if (now < 0)
		return EINVAL;
	adjust_enter(&mono);
	vdso_time.vt_adj_until = mono;
	real_user = now - mono - real_offset;
	adjust_exit();
	return 0;
}

void
time_step(nsec_t delta)
{
	nsec_t mono;

	adjust_enter(&mono);
	real_user += delta;
	adjust_exit();
}

void
time_set_rate(int64_t rate)
{
	nsec_t mono;

	adjust_enter(&mono);
	vdso_time.vt_adj_rate = rate;
	adjust_exit();
}

void
time_slew(nsec_t delta)
{
	nsec_t mono, span = delta < 0 ? -delta : delta;

	adjust_enter(&mono);
	/* It is 1 / 2000: 500 us a second. */
	span = MIN(span, NSEC_MAX / 4000) * 2000;
	vdso_time.vt_adj_slew = delta < 0 ? -SLEW_RATE : SLEW_RATE;
	vdso_time.vt_adj_until = mono + span;
	adjust_exit();
}

nsec_t
time_slew_left(void)
{
	nsec_t mono, left;

	adjust_enter(&mono);
	left = MAX(vdso_time.vt_adj_until - mono, (nsec_t)0) / 2000;
	if (vdso_time.vt_adj_slew < 0)
		left = -left;
	adjust_exit();
	return left;
}

/* The hypervisor's wall clock now. */
static nsec_t
wall_now(void)
{
	return clock_wall_base() + clock_raw();
}

/* CLOCK_MONOTONIC is 0 now. */
void
time_init(void)
{
	mono_offset = -clock_raw();
	gap_total = 0;
	real_user = 0;
	real_offset = wall_now() - nanouptime();
}

void
time_suspend(void)
{
	saved.mono = nanouptime();
	saved.wall = wall_now();
	saved.real = nanotime();
}

void
time_resume(bool newdomain)
{
	nsec_t raw, wall, user;

	if (!newdomain)
		return;
	raw = clock_raw();
	wall = clock_wall_base() + raw;
	(void)atomic_add(&vdso_time.vt_seq, 1);
	mono_offset = saved.mono - raw;
	real_offset = wall - saved.mono;
	if (wall > saved.wall)
		gap_total += wall - saved.wall;
	adjust_fold(saved.mono);
	user = real_user;
	if (user > REAL_USER_MAX || user < -REAL_USER_MAX ||
	    (user != 0 && wall + user < saved.real))
		real_user = 0;
	(void)atomic_add(&vdso_time.vt_seq, 1);
}

int
timespec_to_nsec(const struct timespec *ts, nsec_t *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return EINVAL;
	if (ts->tv_sec >= NSEC_MAX / NSEC_PER_SEC)
		*ns = NSEC_MAX;
	else
		*ns = ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
	return 0;
}
