/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts on or off on this CPU.  Nested use: keep what intr_disable()
 * returned and give it to intr_restore().  Enabling takes events that came in
 * meanwhile at once.
 */
#ifndef _MACHINE_INTR_H_
#define	_MACHINE_INTR_H_

#include <sys/types.h>

bool	intr_disable(void);		/* true: they were on */
void	intr_enable(void);
bool	intr_enabled(void);

static inline void
intr_restore(bool on)
{
	if (on)
		intr_enable();
}

#endif /* !_MACHINE_INTR_H_ */
