/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt flag as unit tests see it: functions of the shims.
 */
#ifndef _MACHINE_INTR_H_
#define	_MACHINE_INTR_H_

#include <sys/types.h>

bool	intr_disable(void);
void	intr_enable(void);
bool	intr_enabled(void);

static inline void
intr_restore(bool on)
{
	if (on)
		intr_enable();
}

#endif /* !_MACHINE_INTR_H_ */
