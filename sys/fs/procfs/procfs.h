/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs inside: a tree of entries, each a name with a way to make its content.
 */
#ifndef _FS_PROCFS_H_
#define	_FS_PROCFS_H_

#include <sys/vnode.h>

/* Text under construction; grows, remembers the first error. */
struct pbuf {
	char		*pb_buf;
	size_t		pb_len, pb_cap;
	int		pb_error;
};
void	pbuf_printf(struct pbuf *, const char *, ...) __printflike(2, 3);
void	pbuf_write(void *pbuf, const char *, size_t);	/* as an `out` */
void	pbuf_fini(struct pbuf *);

struct pfs_node;
struct pfs_entry;

/*
 * Entries that come and go, each with a number >= 0: CPUs, disks.  A node and
 * what is below it have the number in pn_number.
 */
struct pfs_item {
	int		pi_number;
	char		pi_name[32];
	const struct pfs_entry *pi_entry;
};
struct pfs_numbered {
	/* The one with the lowest number above `after`; false: no more. */
	bool	(*nd_next)(const struct pfs_node *dir, int after,
		    struct pfs_item *);
	bool	(*nd_there)(int number);
};

struct pfs_entry {
	const char	*pe_name;
	mode_t		pe_mode;	/* with the type */
	/* A directory's fixed entries, NULL name at the end. */
	const struct pfs_entry *pe_dir;
	const struct pfs_numbered *pe_numbered;	/* and these */
	/* A file's content. */
	int		(*pe_fill)(const struct pfs_node *, struct pbuf *);
	/* Written text, NUL-terminated, without the final newline. */
	int		(*pe_store)(const struct pfs_node *, char *);
	/* Or bytes by position, both ways. */
	int		(*pe_io)(const struct pfs_node *, struct uio *);
	/* A link: its text, or where it leads. */
	int		(*pe_readlink)(const struct pfs_node *, char *, size_t);
	int		(*pe_follow)(const struct pfs_node *, struct path *);
	unsigned int	pe_flags;
};
/* Directories with entries of their own making: */
#define	PFS_PIDS	0x01		/* one for each process */
#define	PFS_TASKS	0x02		/* one for each thread of the process */
#define	PFS_FDS		0x04		/* one link for each descriptor */
#define	PFS_PERPID	0x08		/* gone when the process is */
#define	PFS_FDINFO	0x10		/* one file for each descriptor */

struct pfs_node {			/* v_data */
	const struct pfs_entry *pn_entry;
	pid_t		pn_pid;		/* 0: not of a process */
	pid_t		pn_tid;		/* 0: not of a thread */
	int		pn_fd;
	const struct pfs_numbered *pn_numbered;	/* NULL: not below one */
	int		pn_number;
};

/* For vfsops of procfs itself and sysfs.  The tree becomes the content. */
int	pfs_mount_tree(struct mount *, const struct pfs_entry *);
int	pfs_unmount(struct mount *, bool force);
int	pfs_statfs(struct statfs_k *, uint64_t magic);

extern const struct pfs_entry pfs_root;
extern const struct pfs_entry pfs_pid_dir, pfs_task_dir, pfs_fd_link;
extern const struct pfs_entry pfs_fdinfo_file;
extern const struct pfs_entry pfs_net_entries[];	/* procfs_net.c */
extern const struct pfs_entry pfs_sys_entries[];	/* procfs_sys.c */
extern const struct pfs_entry pfs_system_entries[];	/* procfs_system.c */
extern const struct pfs_entry pfs_sysvipc_entries[];	/* procfs_sysvipc.c */

#endif /* !_FS_PROCFS_H_ */
