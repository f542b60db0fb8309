/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adjtimex(2): programs like chrony steer the wall clock.
 *
 * Overview: how fast the clock runs is the sum of a frequency and of a tick,
 * which is how long the hundredth part of a second is to last; both become one
 * rate of kern_time.c.  An offset is worked off at 500 us a second.  Linux'
 * phase-locked loop, which would learn the frequency from offsets, is not
 * here: who sets STA_PLL and gives offsets has the phase moved, and no more.
 *
 * Locking: adjtime_lock (sleeping) guards all of this.
 */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/timex.h>

#define	ERROR_MAX	16000000	/* us */

static struct mutex adjtime_lock;

/* [l] What was set, to be told again. */
static struct {
	int64_t	freq, maxerror, esterror, constant, tick;
	int	status, tai;
} ntp = { .maxerror = ERROR_MAX, .esterror = ERROR_MAX, .constant = 2,
    .tick = TIMEX_TICK, .status = STA_UNSYNC };

void
adjtime_init(void)
{
	mutex_init(&adjtime_lock, "adjtime state");
}

static int
check(struct lwp *l, const struct timex_k *tx)
{
	unsigned int modes = tx->tx_modes;

	if ((modes & ADJ_ADJTIME) != 0) {
		if ((modes & ADJ_OFFSET) == 0)
			return EINVAL;
		if ((modes & ADJ_OFFSET_READONLY) != 0)
			return 0;
		return cred_capable(l->l_cred, CAP_SYS_TIME);
	}
	if (modes != 0 && cred_capable(l->l_cred, CAP_SYS_TIME) != 0)
		return EPERM;
	if ((modes & ADJ_TICK) != 0 && (tx->tx_tick < TIMEX_TICK * 9 / 10 ||
	    tx->tx_tick > TIMEX_TICK * 11 / 10))
		return EINVAL;
	return 0;
}

/* adjtime(3): gives what was left, and maybe takes a new one; in us. */
static void
single_shot(struct timex_k *tx)
{
	int64_t left = time_slew_left() / 1000, max = INT64_MAX / 4000000;

	if ((tx->tx_modes & ADJ_OFFSET_READONLY) == 0)
		time_slew(MAX(-max, MIN(tx->tx_offset, max)) * 1000);
	tx->tx_offset = left;
}

static void
rate_changed(void)
{
	int64_t parts = (ntp.tick - TIMEX_TICK) * ((int64_t)1 << 32) /
	    TIMEX_TICK;

	time_set_rate(parts + ntp.freq * 65536 / 1000000);
}

static void
offset_set(int64_t offset)
{
	int64_t unit = (ntp.status & STA_NANO) != 0 ? 1 : 1000;
	int64_t max = NSEC_PER_SEC / 2 / unit;

	if ((ntp.status & STA_PLL) != 0)
		time_slew(MAX(-max, MIN(offset, max)) * unit);
}

static void
set(const struct timex_k *tx)
{
	unsigned int modes = tx->tx_modes;

	if ((modes & ADJ_STATUS) != 0)
		ntp.status = (ntp.status & STA_RONLY) |
		    (tx->tx_status & ~STA_RONLY);
	if ((modes & ADJ_NANO) != 0)
		ntp.status |= STA_NANO;
	if ((modes & ADJ_MICRO) != 0)
		ntp.status &= ~STA_NANO;
	if ((modes & ADJ_FREQUENCY) != 0)
		ntp.freq = MAX(-(int64_t)TIMEX_MAXFREQ,
		    MIN(tx->tx_freq, (int64_t)TIMEX_MAXFREQ));
	if ((modes & ADJ_MAXERROR) != 0)
		ntp.maxerror = tx->tx_maxerror;
	if ((modes & ADJ_ESTERROR) != 0)
		ntp.esterror = tx->tx_esterror;
	if ((modes & ADJ_TIMECONST) != 0)
		ntp.constant = MAX((int64_t)0,
		    MIN(tx->tx_constant, (int64_t)10));
	if ((modes & ADJ_TAI) != 0 && tx->tx_constant >= 0 &&
	    tx->tx_constant <= 100000)
		ntp.tai = (int)tx->tx_constant;
	if ((modes & ADJ_TICK) != 0)
		ntp.tick = tx->tx_tick;
	if ((modes & (ADJ_TICK | ADJ_FREQUENCY)) != 0)
		rate_changed();
	if ((modes & ADJ_OFFSET) != 0)
		offset_set(tx->tx_offset);
	if ((modes & ADJ_SETOFFSET) != 0) {
		time_step(tx->tx_step);
		clock_was_set();
	}
}

int
do_adjtimex(struct lwp *l, struct timex_k *tx, int *state)
{
	int error = check(l, tx);

	if (error != 0)
		return error;
	mutex_enter(&adjtime_lock);
	if ((tx->tx_modes & ADJ_ADJTIME) != 0) {
		single_shot(tx);
	} else {
		set(tx);
		tx->tx_offset = (ntp.status & STA_PLL) != 0 ?
		    time_slew_left() : 0;
		if ((ntp.status & STA_NANO) == 0)
			tx->tx_offset /= 1000;
	}
	tx->tx_freq = ntp.freq;
	tx->tx_maxerror = ntp.maxerror;
	tx->tx_esterror = ntp.esterror;
	tx->tx_constant = ntp.constant;
	tx->tx_status = ntp.status;
	tx->tx_tick = ntp.tick;
	tx->tx_tai = ntp.tai;
	tx->tx_time = nanotime();
	*state = (ntp.status & STA_UNSYNC) != 0 ? TIME_ERROR : TIME_OK;
	mutex_exit(&adjtime_lock);
	return 0;
}
