/* SPDX-License-Identifier: BSD-2-Clause */
/* The POSIX clocks, above all across a suspend. */
/* sources: sys/kern/kern_time.c sys/kern/kern_adjtime.c */
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <machine/clock.h>
#include <machine/intr.h>

#include <ktest.h>

#define	SEC	NSEC_PER_SEC
#define	DAY	(86400 * SEC)

/* Nobody sleeps here: in place of the shim's clock, which is not wanted. */
void
shim_set_time(nsec_t uptime)
{
	panic("sleep until %lld", (long long)uptime);
}

/* The hypervisor: its clock and its idea of the time of day. */
static nsec_t raw = 5000 * SEC, wall_base = 1600000000 * SEC;

static bool in_one_piece;

nsec_t
clock_raw(void)
{
	/* A suspend in between would add what does not belong together. */
	CHECK(!in_one_piece || !intr_enabled());
	return raw;
}

nsec_t
clock_wall_base(void)
{
	return wall_base;
}

/* Save here, restore on a host with these clocks. */
static void
migrate(nsec_t newraw, nsec_t newwall)
{
	time_suspend();
	raw = newraw;
	wall_base = newwall - newraw;
	time_resume(true);
}

static nsec_t
wall(void)
{
	return wall_base + raw;
}

TEST(starts_at_zero)
{
	time_init();
	CHECK_EQ(nanouptime(), 0);
	CHECK_EQ(nanotime(), wall());
	raw += 3;
	CHECK_EQ(nanouptime(), 3);
	CHECK_EQ(nanoboottime(), 3);
	CHECK_EQ(nanotime(), wall());
	CHECK_EQ(time_to_raw(nanouptime()), raw);
	CHECK_EQ(time_to_raw(10), raw + 7);
}

TEST(a_suspend_does_not_come_between)
{
	time_init();
	in_one_piece = true;
	CHECK_EQ(nanouptime(), 0);
	CHECK_EQ(nanotime(), wall());
	CHECK(intr_enabled());
}

TEST(to_a_younger_host)
{
	nsec_t later = wall() + 600 * SEC;

	time_init();
	raw += 100 * SEC;
	CHECK_EQ(nanouptime(), 100 * SEC);
	migrate(7 * SEC, later);
	CHECK_EQ(nanouptime(), 100 * SEC);
	CHECK_EQ(nanotime(), wall());
	CHECK_EQ(nanoboottime(), 100 * SEC + 500 * SEC);
	raw += SEC;
	CHECK_EQ(nanouptime(), 101 * SEC);
	CHECK_EQ(nanotime(), wall());
	CHECK_EQ(time_to_raw(nanouptime()), raw);
}

TEST(to_an_older_host)
{
	time_init();
	raw += 10 * SEC;
	migrate(900000 * SEC, wall() + SEC);
	CHECK_EQ(nanouptime(), 10 * SEC);
	CHECK_EQ(nanoboottime(), 11 * SEC);
	CHECK_EQ(nanotime(), wall());
}

TEST(host_with_a_slow_clock)
{
	time_init();
	raw += 10 * SEC;
	migrate(5, wall() - 3600 * SEC);
	CHECK_EQ(nanouptime(), 10 * SEC);
	CHECK_EQ(nanoboottime(), 10 * SEC);	/* no negative gap */
	CHECK_EQ(nanotime(), wall());
}

TEST(cancelled)
{
	nsec_t real;

	time_init();
	raw += 10 * SEC;
	time_set_realtime(nanotime() + 5 * SEC);
	real = nanotime();
	time_suspend();
	raw += SEC;
	time_resume(false);
	CHECK_EQ(nanouptime(), 11 * SEC);
	CHECK_EQ(nanoboottime(), 11 * SEC);
	CHECK_EQ(nanotime(), real + SEC);
}

TEST(user_time_stays)
{
	time_init();
	raw += SEC;
	CHECK_EQ(time_set_realtime(wall() + 2 * SEC), 0);
	CHECK_EQ(nanotime(), wall() + 2 * SEC);
	migrate(1, wall() + 60 * SEC);
	CHECK_EQ(nanotime(), wall() + 2 * SEC);
	/* Behind the host, but not behind the time of the suspend. */
	CHECK_EQ(time_set_realtime(wall() - 5 * SEC), 0);
	migrate(1, wall() + 60 * SEC);
	CHECK_EQ(nanotime(), wall() - 5 * SEC);
}

TEST(user_time_is_dropped)
{
	time_init();
	CHECK_EQ(time_set_realtime(wall() + 2 * DAY), 0);
	migrate(1, wall() + SEC);
	CHECK_EQ(nanotime(), wall());		/* more than a day off */

	/* The old host was an hour ahead, which the user corrected. */
	CHECK_EQ(time_set_realtime(wall() - 3600 * SEC), 0);
	migrate(1, wall() - 3600 * SEC + SEC);
	CHECK_EQ(nanotime(), wall());
	CHECK_EQ(time_set_realtime(-1), EINVAL);
}

TEST(a_hundred_cycles)
{
	nsec_t mono = 0, boot = 0, now;
	unsigned int i;

	time_init();
	for (i = 0; i < 100; i++) {
		raw += 12345;
		mono += 12345;
		boot += 12345;
		CHECK_EQ(nanouptime(), mono);
		if (i % 3 == 0) {
			time_suspend();
			time_resume(false);
		} else {
			now = wall();
			migrate((nsec_t)(i * 7919 % 100) * SEC, now + SEC);
			boot += SEC;
		}
		CHECK_EQ(nanouptime(), mono);
		CHECK_EQ(nanoboottime(), boot);
		CHECK_EQ(nanotime(), wall());
	}
}

TEST(timespecs)
{
	struct timespec ts = { 1, 5 };
	nsec_t ns = 0;

	CHECK_EQ(timespec_to_nsec(&ts, &ns), 0);
	CHECK_EQ(ns, SEC + 5);
	ts.tv_nsec = SEC;
	CHECK_EQ(timespec_to_nsec(&ts, &ns), EINVAL);
	ts.tv_nsec = -1;
	CHECK_EQ(timespec_to_nsec(&ts, &ns), EINVAL);
	ts = (struct timespec){ -1, 0 };
	CHECK_EQ(timespec_to_nsec(&ts, &ns), EINVAL);
	ts = (struct timespec){ INT64_MAX, 999999999 };
	CHECK_EQ(timespec_to_nsec(&ts, &ns), 0);
	CHECK_EQ(ns, INT64_MAX);
	ts = (struct timespec){ INT64_MAX / SEC, 0 };
	CHECK_EQ(timespec_to_nsec(&ts, &ns), 0);
	CHECK_EQ(ns, INT64_MAX);
}

/* -- adjtimex(2) -- */

static struct cred cred = { .cr_cap_effective = CAP_ALL };
static struct lwp lwp = { .l_cred = &cred };
static unsigned int clock_sets;

int
cred_capable(const struct cred *cr, int cap)
{
	return (cr->cr_cap_effective >> cap & 1) != 0 ? 0 : EPERM;
}

void
clock_was_set(void)
{
	clock_sets++;
}

static struct timex_k
adjust(struct timex_k tx)
{
	int state = -1;

	adjtime_init();
	shim_set_curlwp(&lwp);
	CHECK_EQ(do_adjtimex(&lwp, &tx, &state), 0);
	CHECK_EQ(state, (tx.tx_status & STA_UNSYNC) != 0 ? TIME_ERROR :
	    TIME_OK);
	return tx;
}

/*
 * In so many seconds the wall clock gains that on the host's; rates are in
 * parts of 2^32, which is a quarter of a nanosecond each second.
 */
static void
gains(int64_t sec, nsec_t ns)
{
	nsec_t before = nanotime() - wall(), mono = nanouptime(), gain;

	raw += sec * SEC;
	gain = nanotime() - wall() - before;
	CHECK(gain - ns <= 2 + sec && ns - gain <= 2 + sec);
	CHECK_EQ(nanouptime(), mono + sec * SEC);
}

TEST(steering)
{
	struct timex_k tx;

	time_init();
	tx = adjust((struct timex_k){ 0 });
	CHECK(tx.tx_tick == 10000 && tx.tx_freq == 0 &&
	    tx.tx_status == STA_UNSYNC && tx.tx_time == nanotime());
	/* 100 ppm, over more than a turn of 32 bits of ns. */
	(void)adjust((struct timex_k){ .tx_modes = ADJ_FREQUENCY | ADJ_STATUS,
	    .tx_freq = 100 << 16 });
	gains(1, 100000);
	gains(1000000, 100 * SEC);
	/* And a tick that is 1 % short, instead; then both. */
	(void)adjust((struct timex_k){ .tx_modes = ADJ_FREQUENCY | ADJ_TICK,
	    .tx_tick = 9900 });
	gains(1, -10000000);
	(void)adjust((struct timex_k){ .tx_modes = ADJ_FREQUENCY,
	    .tx_freq = -(500 << 16) });
	gains(1, -10500000);
	/* It goes on as it was over a migration. */
	migrate(77 * SEC, wall());
	gains(1, -10500000);
	tx = adjust((struct timex_k){ .tx_modes = ADJ_FREQUENCY | ADJ_TICK,
	    .tx_tick = 10000, .tx_freq = 501 << 16 });
	CHECK_EQ(tx.tx_freq, 500 << 16);
	gains(2, 1000000);
	/* Set to another time, the clock is as fast as before. */
	CHECK_EQ(time_set_realtime(wall()), 0);
	CHECK_EQ(nanotime(), wall());
	gains(1, 500000);
}

TEST(offsets)
{
	struct timex_k tx;

	time_init();
	tx = adjust((struct timex_k){ .tx_modes = ADJ_ADJTIME | ADJ_OFFSET,
	    .tx_offset = 1000 });
	CHECK_EQ(tx.tx_offset, 0);
	gains(1, 500000);
	tx = adjust((struct timex_k){ .tx_modes = ADJ_ADJTIME | ADJ_OFFSET |
	    ADJ_OFFSET_READONLY });
	CHECK_EQ(tx.tx_offset, 500);
	gains(10, 500000);
	tx = adjust((struct timex_k){ .tx_modes = ADJ_ADJTIME | ADJ_OFFSET,
	    .tx_offset = -300 });
	CHECK_EQ(tx.tx_offset, 0);
	gains(10, -300000);
	/* One that is given up for a new one. */
	(void)adjust((struct timex_k){ .tx_modes = ADJ_ADJTIME | ADJ_OFFSET,
	    .tx_offset = 100000 });
	tx = adjust((struct timex_k){ .tx_modes = ADJ_ADJTIME | ADJ_OFFSET });
	CHECK_EQ(tx.tx_offset, 100000);
	gains(10, 0);
	(void)adjust((struct timex_k){ .tx_modes = ADJ_SETOFFSET,
	    .tx_step = -3 * SEC });
	CHECK(nanotime() >= wall() + 699990 - 3 * SEC &&
	    nanotime() <= wall() + 700010 - 3 * SEC);
	CHECK_EQ(clock_sets, 1);
}

TEST(who_may_steer)
{
	struct timex_k tx = { .tx_modes = ADJ_TICK, .tx_tick = 8999 };
	int state;

	time_init();
	adjtime_init();
	shim_set_curlwp(&lwp);
	CHECK_EQ(do_adjtimex(&lwp, &tx, &state), EINVAL);
	tx.tx_modes = ADJ_ADJTIME;
	CHECK_EQ(do_adjtimex(&lwp, &tx, &state), EINVAL);
	cred.cr_cap_effective = 0;
	tx.tx_modes = ADJ_ADJTIME | ADJ_OFFSET;
	CHECK_EQ(do_adjtimex(&lwp, &tx, &state), EPERM);
	tx.tx_modes |= ADJ_OFFSET_READONLY;
	CHECK_EQ(do_adjtimex(&lwp, &tx, &state), 0);
	tx.tx_modes = ADJ_STATUS;
	CHECK_EQ(do_adjtimex(&lwp, &tx, &state), EPERM);
	tx.tx_modes = 0;
	CHECK_EQ(do_adjtimex(&lwp, &tx, &state), 0);
}
