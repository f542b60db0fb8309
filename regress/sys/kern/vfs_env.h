/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of files: one process, the name space with an
 * empty tmpfs as its root, memory objects made of host memory.
 */
#ifndef _VFS_ENV_H_
#define	_VFS_ENV_H_

#include <sys/file.h>
#include <sys/proc.h>
#include <sys/vnode.h>

extern struct cred env_root, env_user;	/* all rights; user 1000 */
extern int env_signal;			/* the last one raised; 0: none */
extern size_t env_pages;		/* of buffers, allocated now */
extern size_t env_pages_most;
extern const void *env_module;		/* the initramfs */
extern bool env_module_freed;

void	env_init(void);			/* vfs_init() and all before it */
void	env_become(struct cred *);
/* Short forms of the calls, as the current user; an error or 0. */
int	env_mkdir(const char *, mode_t);
int	env_create(const char *, const char *text);
int	env_open(const char *, int oflags, struct file **);
/* The file's text, "error N" or "" . */
const char *env_read(const char *);
int	env_stat(const char *, struct stat_k *);	/* links not followed */
int	env_lookup(const char *, int flags, struct path *);
int	env_walk(const char *, int flags);
/* The names in a directory, sorted, with blanks between. */
const char *env_ls(const char *);
const char *env_pathname(const char *);	/* path_name() of what it leads to */
const char *env_mounts(enum mounts_format);

#endif /* !_VFS_ENV_H_ */
