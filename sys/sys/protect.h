/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is not done in directories where others can put files, though modes
 * would allow it: /proc/sys/fs/protected_*.
 */
#ifndef _SYS_PROTECT_H_
#define	_SYS_PROTECT_H_

struct cred;
struct vnode;

/* [a] 0: off, 1: on; of the last two 2: also where only a group may write. */
extern unsigned int protected_symlinks, protected_hardlinks, protected_fifos,
    protected_regular;

/* May the link be followed, as the last component of a path in dir?  EACCES. */
int	protect_symlink(const struct vnode *dir, const struct vnode *link,
	    const struct cred *);
/* May the file get another name?  EPERM. */
int	protect_hardlink(struct vnode *, const struct cred *);
/* May an O_CREAT open take the file that is there already?  EACCES. */
int	protect_open(const struct vnode *dir, const struct vnode *,
	    const struct cred *);

#endif /* !_SYS_PROTECT_H_ */
