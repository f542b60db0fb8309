/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console driver and its polled forerunner.
 */
#ifndef _XEN_XENCONS_H_
#define	_XEN_XENCONS_H_

/* Take the first console over as /dev/hvc0.  Thread context, once. */
int	xencons_init(void);
/* The early console (xencons_early.c) writes no more. */
void	xencons_early_done(void);

#endif /* !_XEN_XENCONS_H_ */
