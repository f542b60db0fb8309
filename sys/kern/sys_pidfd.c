/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfd_open(2) and its like: a file stands for a process, whatever becomes of
 * its number.
 *
 * Overview: a process has a list of the pidfds that mean it.  They can be read
 * (poll) when it is a zombie, and mean nobody when it has been reaped.
 *
 * Locking: proctree_lock [T] for the list and pf_proc.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pidfd.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/systm.h>

struct pidfd {
	LIST_ENTRY(pidfd) pf_link;	/* [T] of its process */
	struct proc	*pf_proc;	/* [T] NULL: reaped, or none yet */
	struct pollhead	pf_poll;
};

static const struct fileops pidfd_fileops;

static unsigned int
pidfd_fpoll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct pidfd *pf = fp->f_data;
	unsigned int r = 0;

	(void)events;
	poll_record(&pf->pf_poll, pe);
	rw_enter(&proctree_lock, RW_READER);
	if (pf->pf_proc == NULL || pf->pf_proc->p_state == PS_ZOMBIE)
		r = POLLIN | POLLRDNORM;
	rw_exit(&proctree_lock);
	return r;
}

static void
pidfd_close(struct file *fp)
{
	struct pidfd *pf = fp->f_data;

	rw_enter(&proctree_lock, RW_WRITER);
	if (pf->pf_proc != NULL)
		LIST_REMOVE(pf, pf_link);
	rw_exit(&proctree_lock);
	pollhead_destroy(&pf->pf_poll);
	kmem_free(pf, sizeof(*pf));
}

static const struct fileops pidfd_fileops = {
	.fo_name = "anon_inode:[pidfd]",
	.fo_poll = pidfd_fpoll,
	.fo_stat = file_stat_anon,
	.fo_close = pidfd_close,
};

int
pidfd_prepare(struct lwp *l, int *fd, struct file **fpp)
{
	struct pidfd *pf;
	int error;

	error = fd_reserve(l, 0, fd);
	if (error != 0)
		return error;
	pf = kmem_zalloc(sizeof(*pf), KM_SLEEP);
	error = pf == NULL ? ENOMEM : file_alloc(&pidfd_fileops, pf, O_RDWR,
	    fpp);
	if (error != 0) {
		if (pf != NULL)
			kmem_free(pf, sizeof(*pf));
		fd_abandon(l, *fd);
		return error;
	}
	pollhead_init(&pf->pf_poll);
	return 0;
}

void
pidfd_abort(struct lwp *l, int fd, struct file *fp)
{
	fd_abandon(l, fd);
	file_put(fp);
}

/* [T] written. */
static void
attach(struct file *fp, struct proc *p)
{
	struct pidfd *pf = fp->f_data;

	pf->pf_proc = p;
	LIST_INSERT_HEAD(&p->p_pidfds, pf, pf_link);
}

void
pidfd_commit(struct lwp *l, int fd, struct file *fp, struct proc *p)
{
	rw_enter(&proctree_lock, RW_WRITER);
	attach(fp, p);
	rw_exit(&proctree_lock);
	fd_install(l, fd, fp, true);
}

void
pidfd_wake(struct proc *p)
{
	struct pidfd *pf;

	LIST_FOREACH(pf, &p->p_pidfds, pf_link)
		pollwakeup(&pf->pf_poll, POLLIN | POLLRDNORM);
}

void
pidfd_forget(struct proc *p)
{
	struct pidfd *pf;

	while ((pf = LIST_FIRST(&p->p_pidfds)) != NULL) {
		LIST_REMOVE(pf, pf_link);
		pf->pf_proc = NULL;
		pollwakeup(&pf->pf_poll, POLLIN | POLLRDNORM);
	}
}

int
do_pidfd_open(struct lwp *l, pid_t pid, unsigned int flags, int *fd)
{
	struct file *fp;
	struct proc *p;
	int error;

	if ((flags & ~(unsigned int)O_NONBLOCK) != 0 || pid <= 0)
		return EINVAL;
	error = pidfd_prepare(l, fd, &fp);
	if (error != 0)
		return error;
	fp->f_flags |= flags;
	rw_enter(&proctree_lock, RW_WRITER);
	p = proc_find(pid);
	if (p != NULL)
		attach(fp, p);
	else
		error = lwp_find(pid) != NULL ? EINVAL : ESRCH;
	rw_exit(&proctree_lock);
	if (error != 0)
		pidfd_abort(l, *fd, fp);
	else
		fd_install(l, *fd, fp, true);
	return error;
}

static int
pidfd_get(struct lwp *l, int fd, struct file **fpp)
{
	int error;

	error = fd_get(l, fd, fpp);
	if (error == 0 && (*fpp)->f_ops != &pidfd_fileops) {
		file_put(*fpp);
		error = EBADF;
	}
	return error;
}

int
do_pidfd_send_signal(struct lwp *l, int pidfd, const ksiginfo_t *ksi)
{
	struct pidfd *pf;
	struct file *fp;
	int error;

	error = pidfd_get(l, pidfd, &fp);
	if (error != 0)
		return error;
	pf = fp->f_data;
	rw_enter(&proctree_lock, RW_READER);
	if (ksi->ksi_signo < 0 || ksi->ksi_signo > NSIG)
		error = EINVAL;
	else if (pf->pf_proc == NULL)
		error = ESRCH;
	else
		error = sig_permitted(l, pf->pf_proc, ksi->ksi_signo);
	if (error == 0 && ksi->ksi_signo != 0)
		error = psignal_queue(pf->pf_proc, ksi);
	rw_exit(&proctree_lock);
	file_put(fp);
	return error;
}

int
do_pidfd_getfd(struct lwp *l, int pidfd, int theirs, int *fd)
{
	struct filedesc *table = NULL;
	struct file *fp, *theirfp;
	struct pidfd *pf;
	int error;

	if ((error = pidfd_get(l, pidfd, &fp)) != 0)
		return error;
	pf = fp->f_data;
	rw_enter(&proctree_lock, RW_READER);
	if (pf->pf_proc == NULL)
		error = ESRCH;
	else if ((error = ptrace_may_access(l, pf->pf_proc)) == 0 &&
	    pf->pf_proc->p_fd == NULL)
		error = ESRCH;
	else if (error == 0)
		table = fd_table_get(pf->pf_proc->p_fd);
	rw_exit(&proctree_lock);
	file_put(fp);
	if (error != 0)
		return error;
	error = fd_table_file(table, theirs, &theirfp);
	fd_table_put(table);
	if (error != 0)
		return error;
	if ((error = fd_reserve(l, 0, fd)) == 0)
		fd_install(l, *fd, theirfp, true);
	else
		file_put(theirfp);
	return error;
}

int
pidfd_pid(struct lwp *l, int pidfd, pid_t *pid, bool *nonblock)
{
	struct pidfd *pf;
	struct file *fp;
	int error;

	error = pidfd_get(l, pidfd, &fp);
	if (error != 0)
		return error;
	pf = fp->f_data;
	rw_enter(&proctree_lock, RW_READER);
	*pid = pf->pf_proc == NULL ? 0 : pf->pf_proc->p_pid;
	rw_exit(&proctree_lock);
	*nonblock = (fp->f_flags & O_NONBLOCK) != 0;
	file_put(fp);
	return 0;
}
