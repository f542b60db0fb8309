/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's clock and one-shot timer, raw; kern/kern_time.c builds the
 * POSIX clocks on them.
 */
#ifndef _MACHINE_CLOCK_H_
#define	_MACHINE_CLOCK_H_

#include <sys/types.h>

/*
 * Nanoseconds since the domain was created; may start anew on resume.  Else it
 * never goes back, also when read on one CPU after another.
 */
nsec_t	clock_raw(void);
/* The hypervisor's wall clock: CLOCK_REALTIME at clock_raw() == 0. */
nsec_t	clock_wall_base(void);
/*
 * Ask for callout_intr() on this CPU when clock_raw() reaches the time; a
 * time that has passed gives it at once.  One request a CPU, the last wins.
 * Interrupts off.
 */
void	clock_set_timer(nsec_t raw);
void	clock_stop_timer(void);
/* Kernel callback: the timer fired.  Hard interrupt. kern_callout.c */
void	callout_intr(void);
/* The TSC's rate as the hypervisor tells it; may change on resume. */
unsigned int clock_tsc_khz(void);
/* Time this CPU's vCPU was runnable but did not run (steal), cumulative. */
nsec_t	clock_steal(void);

#endif /* !_MACHINE_CLOCK_H_ */
