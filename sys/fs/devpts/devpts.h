/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts: the directory of pseudo-terminals.  The driver, sys/dev/tty_pty.c,
 * enters each slave in the instance that its master was opened through.
 */
#ifndef _FS_DEVPTS_H_
#define	_FS_DEVPTS_H_

#include <sys/types.h>

struct cred;
struct devpts;
struct lwp;
struct path;

#define	PTS_MAJOR	136

/*
 * The instance that belongs to a ptmx node: the one it is in, or what is
 * mounted on "pts" beside it.  *root, if not NULL, is its directory,
 * referenced.  ENODEV: there is none.  A reference to the instance.
 */
int	devpts_find(struct lwp *, const struct path *ptmx, struct devpts **,
	    struct path *root);
void	devpts_put(struct devpts *);
/* Enter a terminal's node, owned by the opener; take it out again. */
int	devpts_enter(struct devpts *, unsigned int index, const struct cred *);
void	devpts_remove(struct devpts *, unsigned int index);

#endif /* !_FS_DEVPTS_H_ */
