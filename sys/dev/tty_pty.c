/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals: /dev/ptmx and the slaves in /dev/pts.
 *
 * Overview: the slave is a tty whose line is the master's file: what programs
 * write to the terminal is what the master reads, and what the master writes
 * is input.  Opening ptmx makes a pair; its slave has a node in the devpts
 * instance that belongs to that ptmx.  Closing the master hangs the slave up.
 *
 * States of a pair:
 *	locked			the slave cannot be opened (TIOCSPTLCK)
 *	never opened		the master's reads wait
 *	slave open		both work
 *	slave closed		the master reads what is left, then EIO
 *	master closed		the slave is hung up for good, its node gone
 *
 * Locking: the members of a pty are under its tty's t_lock; pty_lock (spin)
 * for the table of numbers.  A number is in use until the tty is freed.
 *
 * Source: pty(7), ioctl_tty(2), devpts of the Linux documentation.
 */
#include <sys/bitops.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/vnode.h>
#include <fs/devpts/devpts.h>

#define	PTY_MAX		4096

struct pty {
	struct tty	*pt_tty;	/* [I] the slave */
	unsigned int	pt_index;	/* [I] */
	struct devpts	*pt_dir;	/* [I] referenced by the master */
	struct condvar	pt_rcv;		/* the master waits for output */
	struct condvar	pt_wcv;		/* ... for room */
	struct pollhead	pt_poll;	/* of the master */
	bool		pt_locked;	/* [l] */
	bool		pt_slavegone;	/* [l] was open, is no longer */
	bool		pt_packet;	/* [l] TIOCPKT */
	bool		pt_flow;	/* [l] ^S and ^Q are the terminal's */
	uint8_t		pt_status;	/* [l] TIOCPKT_*: not yet told */
};

static struct spinlock pty_lock = SPINLOCK_INITIALIZER("pty");
static unsigned long pty_used[BITMAP_WORDS(PTY_MAX)];	/* [p] pty_lock */
static struct pty *ptys[PTY_MAX];	/* [p] those with an open master */

/* ---- the slave's driver: called by the line discipline ---- */

/* The master has something to read. */
static void
wake_reader(struct pty *pt, unsigned int events)
{
	cv_broadcast(&pt->pt_rcv);
	pollwakeup(&pt->pt_poll, events);
}

static void
pty_start(struct tty *tp)
{
	struct pty *pt = tp->t_priv;

	if (tty_output_pending(tp) > 0)
		wake_reader(pt, POLLIN | POLLRDNORM);
}

static void
pty_unthrottle(struct tty *tp)
{
	struct pty *pt = tp->t_priv;

	cv_broadcast(&pt->pt_wcv);
	pollwakeup(&pt->pt_poll, POLLOUT | POLLWRNORM);
}

/* Note what packet mode tells.  t_lock held. */
static void
note(struct pty *pt, unsigned int clear, unsigned int set)
{
	if (!pt->pt_packet)
		return;
	pt->pt_status = (uint8_t)((pt->pt_status & ~clear) | set);
	wake_reader(pt, POLLIN | POLLRDNORM | POLLPRI);
}

static void
pty_event(struct tty *tp, unsigned int ev)
{
	struct pty *pt = tp->t_priv;

	if ((ev & TTYEV_FLUSHIN) != 0)
		note(pt, 0, TIOCPKT_FLUSHREAD);
	if ((ev & TTYEV_FLUSHOUT) != 0)
		note(pt, 0, TIOCPKT_FLUSHWRITE);
	if ((ev & TTYEV_STOP) != 0)
		note(pt, TIOCPKT_START, TIOCPKT_STOP);
	if ((ev & TTYEV_START) != 0)
		note(pt, TIOCPKT_STOP, TIOCPKT_START);
}

static bool
flow_is_usual(const struct ktermios *t)
{
	return (t->c_iflag & IXON) != 0 && t->c_cc[VSTOP] == 0x13 &&
	    t->c_cc[VSTART] == 0x11;
}

static void
pty_settermios(struct tty *tp)
{
	struct pty *pt = tp->t_priv;
	bool flow;

	spin_enter(&tp->t_lock);
	flow = flow_is_usual(&tp->t_termios);
	if (flow != pt->pt_flow)
		note(pt, TIOCPKT_DOSTOP | TIOCPKT_NOSTOP,
		    flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	pt->pt_flow = flow;
	spin_exit(&tp->t_lock);
}

/* The slave's last file went. */
static void
pty_slave_closed(struct tty *tp)
{
	struct pty *pt = tp->t_priv;

	spin_enter(&tp->t_lock);
	if (tp->t_opens == 0)
		pt->pt_slavegone = true;
	spin_exit(&tp->t_lock);
	wake_reader(pt, POLLIN | POLLHUP);
}

static void
pty_free(struct tty *tp)
{
	struct pty *pt = tp->t_priv;

	spin_enter(&pty_lock);
	bit_clear(pty_used, pt->pt_index);
	spin_exit(&pty_lock);
	pollhead_destroy(&pt->pt_poll);
	cv_destroy(&pt->pt_rcv);
	cv_destroy(&pt->pt_wcv);
	kmem_free(pt, sizeof(*pt));
}

static const struct ttydrv pty_drv = {
	.td_start = pty_start,
	.td_unthrottle = pty_unthrottle,
	.td_settermios = pty_settermios,
	.td_close = pty_slave_closed,
	.td_event = pty_event,
	.td_free = pty_free,
	.td_flags = TD_NODRAIN,
};

/* ---- the slave's node ---- */

static int
pts_open(dev_t dev, struct file *f)
{
	unsigned int index = minor(dev);
	struct tty *tp = NULL;
	struct pty *pt = NULL;
	bool locked;
	int error;

	spin_enter(&pty_lock);
	if (index < PTY_MAX && ptys[index] != NULL) {
		pt = ptys[index];
		tp = tty_get(pt->pt_tty);
	}
	spin_exit(&pty_lock);
	if (tp == NULL)
		return EIO;
	spin_enter(&tp->t_lock);
	locked = pt->pt_locked;
	spin_exit(&tp->t_lock);
	error = locked ? EIO : ttydev_attach(tp, f, true);
	if (error == 0) {
		spin_enter(&tp->t_lock);
		pt->pt_slavegone = false;
		spin_exit(&tp->t_lock);
	}
	tty_put(tp);
	return error;
}

static const struct devops pts_devops = {
	.d_name = "pts",
	.d_open = pts_open,
	.d_close = ttydev_close,
	.d_read = ttydev_read,
	.d_write = ttydev_write,
	.d_ioctl = ttydev_ioctl,
	.d_poll = ttydev_poll,
	.d_flags = D_STREAM,
};

/* ---- the master ---- */

/* A free number, taken.  ENOSPC. */
static int
take_number(unsigned int *index)
{
	size_t n;

	spin_enter(&pty_lock);
	n = bit_find_clear(pty_used, PTY_MAX, 0);
	if (n < PTY_MAX)
		bit_set(pty_used, n);
	spin_exit(&pty_lock);
	*index = (unsigned int)n;
	return n < PTY_MAX ? 0 : ENOSPC;
}

/* A pair; the tty's reference is the master's. */
static int
pty_create(struct devpts *dir, struct pty **ptp)
{
	struct pty *pt;
	char name[16];
	int error;

	pt = kmem_zalloc(sizeof(*pt), KM_SLEEP);
	if (pt == NULL)
		return ENOMEM;
	error = take_number(&pt->pt_index);
	if (error != 0)
		goto fail;
	snprintf(name, sizeof(name), "pts/%u", pt->pt_index);
	error = tty_alloc(name, makedev(PTS_MAJOR, pt->pt_index), &pty_drv, pt,
	    &pt->pt_tty);
	if (error != 0)
		goto fail_number;
	cv_init(&pt->pt_rcv, "ptyout");
	cv_init(&pt->pt_wcv, "ptyin");
	pollhead_init(&pt->pt_poll);
	pt->pt_dir = dir;
	pt->pt_locked = true;
	pt->pt_flow = true;
	*ptp = pt;
	return 0;
fail_number:
	spin_enter(&pty_lock);
	bit_clear(pty_used, pt->pt_index);
	spin_exit(&pty_lock);
fail:
	kmem_free(pt, sizeof(*pt));
	return error;
}

static int
ptmx_open(dev_t dev, struct file *f)
{
	struct devpts *dir;
	struct pty *pt;
	int error;

	(void)dev;
	error = devpts_find(curlwp, f->f_path, &dir, NULL);
	if (error != 0)
		return error;
	error = pty_create(dir, &pt);
	if (error != 0)
		goto fail;
	error = devpts_enter(dir, pt->pt_index, curlwp->l_cred);
	if (error != 0) {
		tty_put(pt->pt_tty);
		goto fail;
	}
	spin_enter(&pty_lock);
	ptys[pt->pt_index] = pt;
	spin_exit(&pty_lock);
	f->f_private = pt;
	return 0;
fail:
	devpts_put(dir);
	return error;
}

static void
ptmx_close(dev_t dev, struct file *f)
{
	struct pty *pt = f->f_private;
	struct tty *tp = pt->pt_tty;
	struct devpts *dir = pt->pt_dir;

	(void)dev;
	spin_enter(&pty_lock);
	ptys[pt->pt_index] = NULL;
	spin_exit(&pty_lock);
	devpts_remove(dir, pt->pt_index);
	devpts_put(dir);
	tty_hangup(tp);
	f->f_private = NULL;
	tty_put(tp);
}

/* Can a read of the master give something now?  t_lock held. */
static bool
master_readable(const struct pty *pt)
{
	const struct tty *tp = pt->pt_tty;

	return (pt->pt_packet && pt->pt_status != 0) ||
	    (tp->t_outq.tq_count > 0 && (tp->t_flags & TF_STOPPED) == 0);
}

/*
 * Some output into buf, or in packet mode what happened (*status).  With
 * `first` it waits.
 */
static int
master_take(struct pty *pt, unsigned char *buf, size_t n, bool first,
    bool nonblock, size_t *got, int *status)
{
	struct tty *tp = pt->pt_tty;
	int error = 0;

	*got = 0;
	*status = -1;
	spin_enter(&tp->t_lock);
	while (!master_readable(pt) && error == 0 && first) {
		if (pt->pt_slavegone)
			error = EIO;
		else if (nonblock)
			error = EAGAIN;
		else
			error = cv_wait_spin_sig(&pt->pt_rcv, &tp->t_lock);
	}
	if (error == 0 && pt->pt_packet && first) {
		*status = pt->pt_status;
		pt->pt_status = 0;
	}
	if (error == 0 && *status <= 0)
		*got = tty_output_take(tp, buf, n);
	spin_exit(&tp->t_lock);
	return error;
}

static int
ptmx_read(dev_t dev, struct file *f, struct uio *uio)
{
	bool nonblock = (uio->uio_flags & IO_NONBLOCK) != 0, first = true;
	struct pty *pt = f->f_private;
	unsigned char buf[257];
	size_t n;
	int error, status;

	(void)dev;
	while (uio->uio_resid > 0) {
		error = master_take(pt, buf + 1, MIN(uio->uio_resid, 256),
		    first, nonblock, &n, &status);
		if (error != 0)
			return error;
		if (status > 0) {
			buf[0] = (unsigned char)status;
			return uiomove(buf, 1, uio);
		}
		if (status == 0) {		/* TIOCPKT_DATA */
			buf[0] = 0;
			error = uiomove(buf, 1, uio);
		}
		if (error == 0)
			error = uiomove(buf + 1, n, uio);
		if (error != 0 || n == 0)
			return error;
		first = false;
	}
	return 0;
}

/* Wait until the slave has read some of its input. */
static int
master_wait_room(struct pty *pt, bool nonblock)
{
	struct tty *tp = pt->pt_tty;
	int error = 0;

	spin_enter(&tp->t_lock);
	while ((tp->t_flags & TF_THROTTLED) != 0 && error == 0) {
		if (nonblock)
			error = EAGAIN;
		else
			error = cv_wait_spin_sig(&pt->pt_wcv, &tp->t_lock);
	}
	spin_exit(&tp->t_lock);
	return error;
}

static int
ptmx_write(dev_t dev, struct file *f, struct uio *uio)
{
	bool nonblock = (uio->uio_flags & IO_NONBLOCK) != 0;
	struct pty *pt = f->f_private;
	size_t n, done, left;
	unsigned char buf[256];
	int error = 0;

	(void)dev;
	while (error == 0 && uio->uio_resid > 0) {
		left = uio->uio_resid;
		n = MIN(sizeof(buf), left);
		error = uiomove(buf, n, uio);
		for (done = 0; error == 0 && done < n;) {
			done += tty_input(pt->pt_tty, buf + done, n - done);
			if (done < n)
				error = master_wait_room(pt, nonblock);
		}
		uio->uio_resid = left - done;
	}
	return error;
}

static unsigned int
ptmx_poll(dev_t dev, struct file *f, unsigned int events,
    struct pollentry *pe)
{
	struct pty *pt = f->f_private;
	struct tty *tp = pt->pt_tty;
	unsigned int r = 0;

	(void)dev;
	poll_record(&pt->pt_poll, pe);
	spin_enter(&tp->t_lock);
	if (master_readable(pt))
		r |= POLLIN | POLLRDNORM;
	if (pt->pt_packet && pt->pt_status != 0)
		r |= POLLPRI;
	if ((tp->t_flags & TF_THROTTLED) == 0)
		r |= POLLOUT | POLLWRNORM;
	if (pt->pt_slavegone)
		r |= POLLHUP;
	spin_exit(&tp->t_lock);
	return r & (events | POLLHUP | POLLERR);
}

/* TIOCGPTPEER: open the slave, whatever the process' names lead to. */
static int
open_peer(struct file *f, unsigned int flags, register_t *retval)
{
	const unsigned int known = O_ACCMODE | O_NOCTTY | O_NONBLOCK |
	    O_CLOEXEC | O_LARGEFILE;
	struct pty *pt = f->f_private;
	struct lwp *l = curlwp;
	struct devpts *dir;
	struct path root;
	struct file *fp;
	char name[12];
	int error, fd;

	if ((flags & ~known) != 0)
		return EINVAL;
	error = devpts_find(l, f->f_path, &dir, &root);
	if (error != 0)
		return error;
	snprintf(name, sizeof(name), "%u", pt->pt_index);
	error = dir != pt->pt_dir ? ENODEV : fd_reserve(l, 0, &fd);
	if (error == 0) {
		error = do_open(l, &root, name, (int)flags, 0, &fp);
		if (error != 0)
			fd_abandon(l, fd);
	}
	if (error == 0) {
		fd_install(l, fd, fp, (flags & O_CLOEXEC) != 0);
		*retval = fd;
	}
	devpts_put(dir);
	path_put(&root);
	return error;
}

static int
set_flag(struct pty *pt, bool *which, const void *uarg)
{
	struct tty *tp = pt->pt_tty;
	int error, on;

	error = copyin(uarg, &on, sizeof(on));
	if (error != 0)
		return error;
	spin_enter(&tp->t_lock);
	if (which == &pt->pt_packet && on != 0 && !pt->pt_packet)
		pt->pt_status = 0;
	*which = on != 0;
	spin_exit(&tp->t_lock);
	return 0;
}

static int
send_signal(struct tty *tp, uintptr_t signo)
{
	struct pgrp *pg = NULL;

	if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
		return EINVAL;
	spin_enter(&tp->t_lock);
	if (tp->t_pgrp != NULL)
		pg = pgrp_get(tp->t_pgrp);
	spin_exit(&tp->t_lock);
	if (pg != NULL) {
		pgsignal(pg, (int)signo);
		pgrp_put(pg);
	}
	return 0;
}

/* What waits to be read is the slave's output, and the other way round. */
static int
flush_queues(struct pty *pt, uintptr_t arg)
{
	struct tty *tp = pt->pt_tty;

	if (arg > 2)
		return EINVAL;
	spin_enter(&tp->t_lock);
	tty_flush(tp, arg != 0, arg != 1);
	spin_exit(&tp->t_lock);
	tty_unthrottle(tp);
	return 0;
}

static int
ptmx_ioctl(dev_t dev, struct file *f, unsigned long cmd, uintptr_t arg,
    register_t *retval)
{
	struct pty *pt = f->f_private;
	struct tty *tp = pt->pt_tty;
	int v;

	(void)dev;
	switch (cmd) {
	case TIOCGPTN:
		v = (int)pt->pt_index;
		break;
	case TIOCGPTLCK:
		v = pt->pt_locked;
		break;
	case TIOCGPKT:
		v = pt->pt_packet;
		break;
	case FIONREAD:
		v = (int)tty_output_pending(tp);
		break;
	case TIOCOUTQ:
		v = 0;
		break;
	case TIOCSPTLCK:
		return set_flag(pt, &pt->pt_locked, (const void *)arg);
	case TIOCPKT:
		return set_flag(pt, &pt->pt_packet, (const void *)arg);
	case TIOCSIG:
		return send_signal(tp, arg);
	case TIOCGPTPEER:
		return open_peer(f, (unsigned int)arg, retval);
	case TCFLSH:
		return flush_queues(pt, arg);
	case TCXONC:
	case TIOCSTI:
	case TIOCVHANGUP:
		return ENOTTY;
	default:
		return tty_ioctl(tp, true, cmd, arg);
	}
	return copyout(&v, (void *)arg, sizeof(v));
}

static const struct devops ptmx_devops = {
	.d_open = ptmx_open,
	.d_close = ptmx_close,
	.d_read = ptmx_read,
	.d_write = ptmx_write,
	.d_ioctl = ptmx_ioctl,
	.d_poll = ptmx_poll,
	.d_flags = D_STREAM,
};

int
pty_init(void)
{
	int error;

	error = dev_register_range(S_IFCHR, makedev(PTS_MAJOR, 0), PTY_MAX,
	    &pts_devops);
	if (error == 0)
		error = dev_register("ptmx", S_IFCHR | 0666, makedev(5, 2),
		    &ptmx_devops, NULL);
	return error;
}
