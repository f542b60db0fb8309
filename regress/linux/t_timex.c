/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adjtimex(2) without changing anything; regress/sys/kern/t_time.c steers.
 */
#define	_GNU_SOURCE
#include <sys/timex.h>

#include "tap.h"

static struct timex
state_of_clock(void)
{
	struct timex tx = { 0 };

	CHECK(adjtimex(&tx) >= 0);
	return tx;
}

TEST(clock_steering)
{
	struct timex tx = state_of_clock();
	long long us;

	CHECK(tx.tick >= 9000 && tx.tick <= 11000 && tx.precision >= 1 &&
	    tx.tolerance == 500 << 16);
	us = tx.time.tv_sec * 1000000LL + tx.time.tv_usec /
	    ((tx.status & STA_NANO) != 0 ? 1000 : 1);
	CHECK(llabs(us - now_ns(CLOCK_REALTIME) / 1000) < 10000000);
	memset(&tx, 0, sizeof(tx));
	CHECK(clock_adjtime(CLOCK_REALTIME, &tx) >= 0);
	CHECK_ERR(clock_adjtime(CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
	CHECK_ERR(clock_adjtime(77, &tx), EINVAL);
	if (geteuid() == 0)
		CHECK_EQ(setuid(4711), 0);
	tx.modes = ADJ_STATUS;
	CHECK_ERR(adjtimex(&tx), EPERM);
	tx.modes = ADJ_OFFSET_SINGLESHOT;
	CHECK_ERR(adjtimex(&tx), EPERM);
	tx.modes = ADJ_OFFSET_SS_READ;
	CHECK(adjtimex(&tx) >= 0);
	tx.modes = 0x8000;
	CHECK_ERR(adjtimex(&tx), EINVAL);
}
