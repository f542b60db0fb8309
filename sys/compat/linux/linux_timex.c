/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's adjtimex(2) and clock_adjtime(2).
 */
#include <sys/errno.h>
#include <sys/timex.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

struct linux_timex {			/* i386's 64-bit one is the same */
	uint32_t	modes, pad;
	int64_t		offset, freq, maxerror, esterror;
	int32_t		status, pad2;
	int64_t		constant, precision, tolerance;
	struct linux_timeval time;
	int64_t		tick, ppsfreq, jitter;
	int32_t		shift, pad3;
	int64_t		stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t		tai, pad4[11];
};
CTASSERT(sizeof(struct linux_timex) == 208);

/* The time that ADJ_SETOFFSET adds; its fraction is never negative. */
static int
step_in(const struct linux_timex *tx, nsec_t *step)
{
	bool nano = (tx->modes & ADJ_NANO) != 0;
	int64_t frac = tx->time.tv_usec;
	int64_t max = INT64_MAX / NSEC_PER_SEC / 4;

	if (frac < 0 || frac >= (nano ? NSEC_PER_SEC : 1000000) ||
	    tx->time.tv_sec > max || tx->time.tv_sec < -max)
		return EINVAL;
	*step = tx->time.tv_sec * NSEC_PER_SEC + frac * (nano ? 1 : 1000);
	return 0;
}

static int
adjust(struct lwp *l, void *utx, register_t *retval)
{
	struct linux_timex tx;
	struct timex_k k;
	int error, state = TIME_OK;

	if ((error = copyin(utx, &tx, sizeof(tx))) != 0)
		return error;
	k = (struct timex_k){ .tx_modes = tx.modes, .tx_offset = tx.offset,
	    .tx_freq = tx.freq, .tx_maxerror = tx.maxerror,
	    .tx_esterror = tx.esterror, .tx_constant = tx.constant,
	    .tx_status = tx.status, .tx_tick = tx.tick };
	if ((tx.modes & (ADJ_SETOFFSET | ADJ_ADJTIME)) == ADJ_SETOFFSET &&
	    (error = step_in(&tx, &k.tx_step)) != 0)
		return error;
	if ((error = do_adjtimex(l, &k, &state)) != 0)
		return error;
	tx.offset = k.tx_offset;
	tx.freq = k.tx_freq;
	tx.maxerror = k.tx_maxerror;
	tx.esterror = k.tx_esterror;
	tx.status = k.tx_status;
	tx.constant = k.tx_constant;
	tx.precision = 1;
	tx.tolerance = TIMEX_MAXFREQ;
	tx.time.tv_sec = k.tx_time / NSEC_PER_SEC;
	tx.time.tv_usec = k.tx_time % NSEC_PER_SEC;
	if ((k.tx_status & STA_NANO) == 0)
		tx.time.tv_usec /= 1000;
	tx.tick = k.tx_tick;
	tx.ppsfreq = tx.jitter = tx.stabil = 0;
	tx.jitcnt = tx.calcnt = tx.errcnt = tx.stbcnt = 0;
	tx.shift = 0;
	tx.tai = k.tx_tai;
	*retval = state;
	return copyout(&tx, utx, sizeof(tx));
}

int
linux_sys_adjtimex(struct lwp *l, const struct linux_adjtimex_args *uap,
    register_t *retval)
{
	return adjust(l, uap->buf, retval);
}

int
linux_sys_clock_adjtime(struct lwp *l,
    const struct linux_clock_adjtime_args *uap, register_t *retval)
{
	if (uap->clock != CLOCK_REALTIME)
		return uap->clock >= 0 && uap->clock <= 11 ? EOPNOTSUPP :
		    EINVAL;
	return adjust(l, uap->buf, retval);
}
