/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify(7), and the hooks by which the name space tells what happens.
 *
 * Masks are Linux's.  The hooks cost a look at one word while nobody watches
 * anything.  Thread context; v_locks may be held.
 */
#ifndef _SYS_INOTIFY_H_
#define	_SYS_INOTIFY_H_

#include <sys/atomic.h>
#include <sys/types.h>

struct dentry;
struct file;
struct lwp;
struct mount;
struct path;
struct vnode;

#define	IN_ACCESS		0x00000001
#define	IN_MODIFY		0x00000002
#define	IN_ATTRIB		0x00000004
#define	IN_CLOSE_WRITE		0x00000008
#define	IN_CLOSE_NOWRITE	0x00000010
#define	IN_OPEN			0x00000020
#define	IN_MOVED_FROM		0x00000040
#define	IN_MOVED_TO		0x00000080
#define	IN_CREATE		0x00000100
#define	IN_DELETE		0x00000200
#define	IN_DELETE_SELF		0x00000400
#define	IN_MOVE_SELF		0x00000800
#define	IN_ALL_EVENTS		0x00000fff
#define	IN_UNMOUNT		0x00002000
#define	IN_Q_OVERFLOW		0x00004000
#define	IN_IGNORED		0x00008000
#define	IN_ONLYDIR		0x01000000
#define	IN_DONT_FOLLOW		0x02000000
#define	IN_EXCL_UNLINK		0x04000000
#define	IN_MASK_CREATE		0x10000000
#define	IN_MASK_ADD		0x20000000
#define	IN_ISDIR		0x40000000
#define	IN_ONESHOT		0x80000000U

#define	INOTIFY_MAX_WATCHES	65536
#define	INOTIFY_MAX_INSTANCES	128
#define	INOTIFY_MAX_EVENTS	16384

extern unsigned int inotify_nwatches;	/* [a] */

void	inotify_init(void);
int	do_inotify_init(struct lwp *, int flags, int *fd);
int	do_inotify_add_watch(struct lwp *, int fd, const char *path,
	    uint32_t mask, int *wd);
int	do_inotify_rm_watch(struct lwp *, int fd, int wd);

/* Something was done with the file of that name: it and its directory. */
void	inotify_dentry_event(struct dentry *, uint32_t);
/* The same by an open file; those without a name have nobody to tell. */
void	inotify_file_event(struct file *, uint32_t);
/* A name in the directory came or went. */
void	inotify_name_event(struct vnode *dir, const char *, size_t,
	    uint32_t, uint32_t cookie);
void	inotify_vnode_event(struct vnode *, uint32_t);
uint32_t inotify_cookie(void);
/* A name that was removed is forgotten: was it the file's last? */
void	inotify_forgotten(struct vnode *);
void	inotify_unmount(struct mount *);

static inline bool
inotify_on(void)
{
	return __predict_false(atomic_load_relaxed(&inotify_nwatches) != 0);
}
#define	notify_dentry(d, m) do {					\
	if (inotify_on())						\
		inotify_dentry_event(d, m);				\
} while (0)
#define	notify_name(vp, n, l, m, c) do {				\
	if (inotify_on())						\
		inotify_name_event(vp, n, l, m, c);			\
} while (0)
#define	notify_vnode(vp, m) do {					\
	if (inotify_on())						\
		inotify_vnode_event(vp, m);				\
} while (0)

#endif /* !_SYS_INOTIFY_H_ */
