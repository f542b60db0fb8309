/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adjtimex(2): who keeps the wall clock right, and how well.  Numbers are
 * Linux's.
 */
#ifndef _SYS_TIMEX_H_
#define	_SYS_TIMEX_H_

#include <sys/types.h>

#define	ADJ_OFFSET		0x0001
#define	ADJ_FREQUENCY		0x0002
#define	ADJ_MAXERROR		0x0004
#define	ADJ_ESTERROR		0x0008
#define	ADJ_STATUS		0x0010
#define	ADJ_TIMECONST		0x0020
#define	ADJ_TAI			0x0080
#define	ADJ_SETOFFSET		0x0100
#define	ADJ_MICRO		0x1000
#define	ADJ_NANO		0x2000
#define	ADJ_TICK		0x4000
/* These are for adjtime(3) and stand alone, with ADJ_OFFSET. */
#define	ADJ_ADJTIME		0x8000
#define	ADJ_OFFSET_READONLY	0x2000

#define	STA_PLL			0x0001
#define	STA_UNSYNC		0x0040
#define	STA_NANO		0x2000
#define	STA_RONLY		0xff00	/* cannot be set */

#define	TIME_OK			0
#define	TIME_ERROR		5

#define	TIMEX_TICK		10000	/* us; of USER_HZ */
#define	TIMEX_MAXFREQ		(500 << 16)	/* 2^-16 ppm */

struct timex_k {
	unsigned int	tx_modes;
	int64_t		tx_offset;	/* ns or us; single shot: us */
	int64_t		tx_freq;	/* 2^-16 ppm */
	int64_t		tx_maxerror, tx_esterror, tx_constant;
	int		tx_status;
	nsec_t		tx_step;	/* ADJ_SETOFFSET */
	nsec_t		tx_time;	/* result */
	int64_t		tx_tick;
	int		tx_tai;
};

struct lwp;

void	adjtime_init(void);
/* In and out; *state is TIME_*.  EINVAL, EPERM. */
int	do_adjtimex(struct lwp *, struct timex_k *, int *state);

#endif /* !_SYS_TIMEX_H_ */
