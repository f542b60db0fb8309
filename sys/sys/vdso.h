/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every program can read to tell the time without a system call: two pages
 * below the vDSO, which is the code that reads them (sys/compat/linux/vdso).
 * The layout is the same for 32- and 64-bit code, and private to one kernel.
 *
 * struct vdso_time holds kern_time.c's state.  Its writer changes it between
 * two increments of vt_seq, [s] members only with all other CPUs stopped: a
 * program may have been stopped in the middle of reading.
 * struct vdso_tsc, one for each CPU, is the hypervisor's: how to make time of
 * the TSC.  vc_version is odd while it is written.
 */
#ifndef _SYS_VDSO_H_
#define	_SYS_VDSO_H_

#include <sys/cdefs.h>
#include <stdbool.h>
#include <stdint.h>

struct vdso_time {
	volatile uint32_t vt_seq;
	uint32_t	vt_pad;
	int64_t		vt_mono_offset __aligned(8);	/* [s] */
	int64_t		vt_gap_total;			/* [s] */
	int64_t		vt_real_offset;			/* [s] */
	volatile int64_t vt_real_user;		/* [a] at vt_adj_since */
	/* adjtimex(2); written with vt_seq odd, as is vt_real_user. */
	int64_t		vt_adj_since;	/* CLOCK_MONOTONIC */
	int64_t		vt_adj_rate;	/* 2^-32 ns a ns, from then on */
	int64_t		vt_adj_until;	/* and as much more ... */
	int64_t		vt_adj_slew;	/* ... until then */
};

struct vdso_tsc {
	volatile uint32_t vc_version;
	uint32_t	vc_pad;
	volatile uint64_t vc_stamp;		/* TSC at ... */
	volatile uint64_t vc_nsec;		/* ... this raw time */
	volatile uint32_t vc_mul;		/* 2^32 ns a shifted tick */
	volatile int8_t	vc_shift;
	volatile uint8_t vc_flags;
	uint8_t		vc_pad2[2];
};
/* The same TSC and scale on all CPUs. */
#define	VDSO_TSC_STABLE	0x01

#define	VDSO_CPUS	64
/* Pages, counted from the vDSO's first byte downwards. */
#define	VDSO_PAGE_SIZE	4096
#define	VDSO_TSC_PAGE	1
#define	VDSO_TIME_PAGE	2
#define	VDSO_DATA_PAGES	2

/* The GDT entry whose limit is the CPU's number. */
#define	VDSO_CPU_SEL	0x7b

extern struct vdso_time vdso_time;		/* kern_time.c; page aligned */
extern struct vdso_tsc vdso_tsc[VDSO_CPUS];	/* the machine's clock; same */

/* delta ticks in ns: (delta shifted) * mul / 2^32, without overflow. */
static inline uint64_t
vdso_tsc_scale(uint64_t delta, uint32_t mul, int shift)
{
	uint64_t hi, lo;

	if (shift < 0)
		delta >>= -shift;
	else
		delta <<= shift;
	hi = (delta >> 32) * mul;
	lo = (delta & 0xffffffff) * mul;
	return hi + (lo >> 32);
}

/* A span of ns at a rate of at most a fifth, in 2^-32 parts. */
static inline int64_t
vdso_rate(int64_t span, int64_t rate)
{
	if (span <= 0 || rate == 0)
		return 0;
	return (span >> 32) * rate + (((span & 0xffffffff) * rate) >> 32);
}

/* What adjtimex(2) has added to the wall clock since vt_adj_since. */
static inline int64_t
vdso_adjusted(const struct vdso_time *vt, int64_t mono)
{
	int64_t end = mono < vt->vt_adj_until ? mono : vt->vt_adj_until;

	return vdso_rate(mono - vt->vt_adj_since, vt->vt_adj_rate) +
	    vdso_rate(end - vt->vt_adj_since, vt->vt_adj_slew);
}

/*
 * The raw time at a TSC.  One behind the stamp (of another CPU, or from before
 * a migration) says that no time has passed.
 */
static inline uint64_t
vdso_tsc_nsec(const struct vdso_tsc *vc, uint64_t tsc)
{
	uint64_t stamp = vc->vc_stamp;

	if ((int64_t)(tsc - stamp) < 0)
		return vc->vc_nsec;
	return vc->vc_nsec + vdso_tsc_scale(tsc - stamp, vc->vc_mul,
	    vc->vc_shift);
}

#endif /* !_SYS_VDSO_H_ */
