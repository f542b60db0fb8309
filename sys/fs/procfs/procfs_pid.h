/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the process behind a node, and the files that procfs_pid.c puts into
 * its directory.
 *
 * Locking: proctree_lock (shared) holds the process in place while numbers are
 * read; a vmspace, file or path is referenced and looked at after it is let go.
 */
#ifndef _FS_PROCFS_PID_H_
#define	_FS_PROCFS_PID_H_

#include <fs/procfs/procfs.h>

struct proc;

/* The process, with proctree_lock held until pfs_proc_done(); NULL: gone. */
struct proc *pfs_proc(const struct pfs_node *);
void	pfs_proc_done(void);

/*
 * The process, if the caller may see its memory and files, with p_lock held
 * until pfs_inspect_done(): an exec between the question and the taking would
 * give another program's away.  ESRCH, EACCES.
 */
int	pfs_inspect(const struct pfs_node *, struct proc **);
void	pfs_inspect_done(struct proc *);

/* procfs_status.c */
int	pfs_fill_stat(const struct pfs_node *, struct pbuf *);
int	pfs_fill_statm(const struct pfs_node *, struct pbuf *);
int	pfs_fill_status(const struct pfs_node *, struct pbuf *);
int	pfs_fill_wchan(const struct pfs_node *, struct pbuf *);
int	pfs_fill_comm(const struct pfs_node *, struct pbuf *);
int	pfs_store_comm(const struct pfs_node *, char *);
int	pfs_fill_oom(const struct pfs_node *, struct pbuf *);
int	pfs_store_oom(const struct pfs_node *, char *);

/* procfs_mem.c */
int	pfs_fill_cmdline(const struct pfs_node *, struct pbuf *);
int	pfs_fill_environ(const struct pfs_node *, struct pbuf *);
int	pfs_fill_auxv(const struct pfs_node *, struct pbuf *);
int	pfs_io_mem(const struct pfs_node *, struct uio *);
int	pfs_fill_maps(const struct pfs_node *, struct pbuf *);
int	pfs_fill_smaps(const struct pfs_node *, struct pbuf *);
int	pfs_fill_smaps_rollup(const struct pfs_node *, struct pbuf *);

#endif /* !_FS_PROCFS_PID_H_ */
