/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps in directories that all may write to: a link or a file that somebody
 * has put there where another user's program expects its own.
 *
 * The rules are those of Linux's fs.protected_* settings, on from the start as
 * in Debian; there is no capability that lifts the first and the last.
 */
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/proc.h>
#include <sys/protect.h>
#include <sys/vnode.h>

#define	S_IWGRP		0020
#define	S_IXGRP		0010
#define	S_IWOTH		0002

unsigned int protected_symlinks = 1, protected_hardlinks = 1;
unsigned int protected_fifos, protected_regular;

int
protect_symlink(const struct vnode *dir, const struct vnode *link,
    const struct cred *cr)
{
	if (atomic_load_relaxed(&protected_symlinks) == 0 ||
	    (dir->v_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) ||
	    link->v_uid == cr->cr_fsuid || link->v_uid == dir->v_uid)
		return 0;
	return EACCES;
}

/* One who may read and write it could as well make a copy. */
int
protect_hardlink(struct vnode *vp, const struct cred *cr)
{
	if (atomic_load_relaxed(&protected_hardlinks) == 0 ||
	    vp->v_uid == cr->cr_fsuid || cred_capable(cr, CAP_FOWNER) == 0)
		return 0;
	if (!S_ISREG(vp->v_mode) || (vp->v_mode & S_ISUID) != 0 ||
	    (vp->v_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
	    vnode_access(vp, R_OK | W_OK, cr) != 0)
		return EPERM;
	return 0;
}

int
protect_open(const struct vnode *dir, const struct vnode *vp,
    const struct cred *cr)
{
	unsigned int level;

	if (S_ISFIFO(vp->v_mode))
		level = atomic_load_relaxed(&protected_fifos);
	else if (S_ISREG(vp->v_mode))
		level = atomic_load_relaxed(&protected_regular);
	else
		return 0;
	if (level == 0 || (dir->v_mode & S_ISVTX) == 0 ||
	    vp->v_uid == dir->v_uid || vp->v_uid == cr->cr_fsuid)
		return 0;
	if ((dir->v_mode & S_IWOTH) != 0 ||
	    (level >= 2 && (dir->v_mode & S_IWGRP) != 0))
		return EACCES;
	return 0;
}
