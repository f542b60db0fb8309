/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd(2): pending signals as a file to read.
 *
 * Overview: the file is a mask; what it reads are the signals of whoever
 * reads.  So there is one poll head for all of them: a signal that is queued
 * wakes everybody who waits for a signalfd, and he looks at his own queues.
 *
 * Locking: sf_mask is one word, read and written as a whole.  A reader waits
 * with his p_lock, which the one who queues a signal holds: no wake-up is lost.
 */
#include <sys/assert.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>

struct signalfd {
	sigset_t	sf_mask;		/* [a] */
};

/* What a program reads for each signal. */
struct signalfd_siginfo {
	uint32_t	ssi_signo;
	int32_t		ssi_errno, ssi_code;
	uint32_t	ssi_pid, ssi_uid;
	int32_t		ssi_fd;
	uint32_t	ssi_tid, ssi_band, ssi_overrun, ssi_trapno;
	int32_t		ssi_status, ssi_int;
	uint64_t	ssi_ptr, ssi_utime, ssi_stime, ssi_addr;
	uint16_t	ssi_addr_lsb, pad2;
	int32_t		ssi_syscall;
	uint64_t	ssi_call_addr;
	uint32_t	ssi_arch;
	uint8_t		pad[28];
};
CTASSERT(sizeof(struct signalfd_siginfo) == 128);

#define	CLOCK_TICK	(NSEC_PER_SEC / 100)

unsigned int nsignalfds;			/* [a] */
static struct pollhead signalfd_poll;
static struct condvar signalfd_cv;
static const struct fileops signalfd_fileops;

void
signalfd_init(void)
{
	pollhead_init(&signalfd_poll);
	cv_init(&signalfd_cv, "signalfd");
}

/* A signal has been queued; p_lock held. */
void
signalfd_wake(void)
{
	cv_broadcast(&signalfd_cv);
	pollwakeup(&signalfd_poll, POLLIN | POLLRDNORM);
}

static void
siginfo_from(struct signalfd_siginfo *ssi, const ksiginfo_t *ksi)
{
	memset(ssi, 0, sizeof(*ssi));
	ssi->ssi_signo = (uint32_t)ksi->ksi_signo;
	ssi->ssi_errno = ksi->ksi_errno;
	ssi->ssi_code = ksi->ksi_code;
	if (ksi->ksi_code == SI_TIMER) {
		ssi->ssi_tid = (uint32_t)ksi->ksi_timerid;
		ssi->ssi_overrun = (uint32_t)ksi->ksi_overrun;
	} else {
		ssi->ssi_pid = (uint32_t)ksi->ksi_pid;
		ssi->ssi_uid = ksi->ksi_uid;
	}
	if (ksi->ksi_code < 0) {
		ssi->ssi_ptr = ksi->ksi_value;
		ssi->ssi_int = (int32_t)ksi->ksi_value;
	} else if (ksi->ksi_signo == SIGCHLD) {
		ssi->ssi_status = ksi->ksi_status;
		ssi->ssi_utime = (uint64_t)(ksi->ksi_utime / CLOCK_TICK);
		ssi->ssi_stime = (uint64_t)(ksi->ksi_stime / CLOCK_TICK);
	} else if (ksi->ksi_code > 0 && ksi->ksi_signo == SIGIO) {
		ssi->ssi_band = (uint32_t)ksi->ksi_value;
		ssi->ssi_fd = ksi->ksi_status;
	} else if (ksi->ksi_code > 0 && ksi->ksi_code != SI_KERNEL) {
		ssi->ssi_addr = ksi->ksi_addr;
	}
}

/* Take one signal; with wait, sleep for it.  EAGAIN, ERESTARTSYS. */
static int
take(struct signalfd *sf, ksiginfo_t *ksi, bool wait)
{
	struct proc *p = curproc;
	int error = 0;

	spin_enter(&p->p_lock);
	while (sig_take_pending(curlwp, atomic_load(&sf->sf_mask), ksi) == 0 &&
	    error == 0)
		error = wait ? cv_wait_spin_sig(&signalfd_cv, &p->p_lock) :
		    EAGAIN;
	spin_exit(&p->p_lock);
	return error;
}

static int
signalfd_read(struct file *fp, struct uio *uio)
{
	bool wait = (uio->uio_flags & IO_NONBLOCK) == 0;
	struct signalfd_siginfo ssi;
	ksiginfo_t ksi;
	int error;

	if (uio->uio_resid < sizeof(ssi))
		return EINVAL;
	while (uio->uio_resid >= sizeof(ssi)) {
		error = take(fp->f_data, &ksi, wait);
		if (error != 0)
			return error;
		wait = false;
		siginfo_from(&ssi, &ksi);
		error = uiomove(&ssi, sizeof(ssi), uio);
		if (error != 0)
			return error;
	}
	return 0;
}

static unsigned int
signalfd_fpoll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct signalfd *sf = fp->f_data;

	(void)events;
	poll_record(&signalfd_poll, pe);
	return (sig_queued_set(curlwp) & atomic_load(&sf->sf_mask)) != 0 ?
	    POLLIN | POLLRDNORM : 0;
}

static void
signalfd_close(struct file *fp)
{
	(void)atomic_sub(&nsignalfds, 1);
	kmem_free(fp->f_data, sizeof(struct signalfd));
}

static const struct fileops signalfd_fileops = {
	.fo_name = "anon_inode:[signalfd]",
	.fo_read = signalfd_read,
	.fo_poll = signalfd_fpoll,
	.fo_stat = file_stat_anon,
	.fo_close = signalfd_close,
};

/* signalfd4(2) on a descriptor that is one: another mask. */
static int
change_mask(struct lwp *l, int fd, sigset_t mask)
{
	struct file *fp;
	int error;

	error = fd_get(l, fd, &fp);
	if (error != 0)
		return error;
	if (fp->f_ops == &signalfd_fileops) {
		atomic_store(&((struct signalfd *)fp->f_data)->sf_mask, mask);
		pollwakeup(&signalfd_poll, POLLIN | POLLRDNORM);
	} else {
		error = EINVAL;
	}
	file_put(fp);
	return error;
}

int
do_signalfd(struct lwp *l, int oldfd, sigset_t mask, int flags, int *fd)
{
	struct signalfd *sf;
	struct file *fp;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	mask &= ~SIGSET_CANTMASK;
	if (oldfd != -1) {
		*fd = oldfd;
		return change_mask(l, oldfd, mask);
	}
	error = fd_reserve(l, 0, fd);
	if (error != 0)
		return error;
	sf = kmem_zalloc(sizeof(*sf), KM_SLEEP);
	error = sf == NULL ? ENOMEM : file_alloc(&signalfd_fileops, sf,
	    O_RDWR | ((unsigned int)flags & O_NONBLOCK), &fp);
	if (error != 0) {
		if (sf != NULL)
			kmem_free(sf, sizeof(*sf));
		fd_abandon(l, *fd);
		return error;
	}
	sf->sf_mask = mask;
	(void)atomic_add(&nsignalfds, 1);
	fd_install(l, *fd, fp, (flags & O_CLOEXEC) != 0);
	return 0;
}
