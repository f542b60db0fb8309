/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Magic keys: what `xl sysrq DOMAIN LETTER` asks for.
 */
#ifndef _SYS_SYSRQ_H_
#define	_SYS_SYSRQ_H_

/*
 * Act on a letter, as in Linux's sysrq: b reboot, c crash, e TERM to all, i
 * KILL to all, m memory, o power off, p where this CPU is, s sync, t threads,
 * w sleeping threads.  An unknown one prints the list.
 * Thread context.
 */
void	sysrq(char key);

#endif /* !_SYS_SYSRQ_H_ */
