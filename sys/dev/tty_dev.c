/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals as programs see them: open, read, write, ioctl, poll, job control,
 * and the names /dev/tty and /dev/console.
 *
 * Overview: a tty is created by its driver and stays for good.  A session
 * leader without a terminal gets the one it opens as controlling terminal.
 * Background processes are stopped when they read (SIGTTIN), write with TOSTOP
 * or change settings (SIGTTOU).
 *
 * Locking: t_lock for the tty's members.  The tie of session and tty (s_tty,
 * t_session) changes with proctree_lock held for writing and t_lock; either is
 * enough to read it.  Order: proctree_lock, t_lock.  User memory is touched
 * with neither.
 *
 * Source: termios(3), ioctl_tty(2) of the Linux man-pages.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/tty.h>

#define	TTYAUX_MAJOR	5
#define	DECISEC		(NSEC_PER_SEC / 10)

static struct tty *tty_console;		/* [a] */

/* ---- creation ---- */

static unsigned char *
queue_alloc(void)
{
	return kmem_alloc(TTY_QSIZE, KM_SLEEP);
}

int
tty_create(const char *name, dev_t dev, const struct ttydrv *drv, void *priv,
    struct tty **tpp)
{
	struct tty *tp;
	int error;

	tp = kmem_zalloc(sizeof(*tp), KM_SLEEP);
	if (tp == NULL)
		return ENOMEM;
	tp->t_inq.tq_buf = queue_alloc();
	tp->t_outq.tq_buf = queue_alloc();
	spin_init(&tp->t_lock, "tty");
	cv_init(&tp->t_incv, "ttyin");
	cv_init(&tp->t_outcv, "ttyout");
	pollhead_init(&tp->t_poll);
	tty_set_default(&tp->t_termios);
	tp->t_drv = drv;
	tp->t_priv = priv;
	tp->t_dev = dev;
	strlcpy(tp->t_name, name, sizeof(tp->t_name));
	/* The driver may be called as soon as the name is there. */
	*tpp = tp;
	error = tp->t_inq.tq_buf == NULL || tp->t_outq.tq_buf == NULL ?
	    ENOMEM : dev_register(name, S_IFCHR | 0600, dev, &tty_devops, tp);
	if (error == 0)
		return 0;
	if (tp->t_inq.tq_buf != NULL)
		kmem_free(tp->t_inq.tq_buf, TTY_QSIZE);
	if (tp->t_outq.tq_buf != NULL)
		kmem_free(tp->t_outq.tq_buf, TTY_QSIZE);
	kmem_free(tp, sizeof(*tp));
	*tpp = NULL;
	return error;
}

void
tty_set_console(struct tty *tp)
{
	atomic_store(&tty_console, tp);
}

bool
tty_console_name(char *buf, size_t len)
{
	const struct tty *tp = atomic_load(&tty_console);

	if (tp != NULL)
		strlcpy(buf, tp->t_name, len);
	return tp != NULL;
}

/* The controlling terminal of the caller, or NULL. */
static struct tty *
tty_of_caller(void)
{
	struct tty *tp;

	rw_enter(&proctree_lock, RW_READER);
	tp = proc_session(curproc)->s_tty;
	rw_exit(&proctree_lock);
	return tp;
}

/* Which tty a device number means.  ENXIO: no such or none now. */
static int
tty_lookup(dev_t dev, struct tty **tpp)
{
	void *priv;

	if (dev == makedev(TTYAUX_MAJOR, 0))
		*tpp = tty_of_caller();
	else if (dev == makedev(TTYAUX_MAJOR, 1))
		*tpp = atomic_load(&tty_console);
	else if (dev_lookup(dev, S_IFCHR, &priv) != NULL)
		*tpp = priv;
	else
		*tpp = NULL;
	return *tpp != NULL ? 0 : ENXIO;
}

/* ---- sessions ---- */

/* Tie the terminal to the caller's session.  proctree_lock held, written. */
static int
session_attach(struct tty *tp, struct proc *p)
{
	struct session *s = proc_session(p), *old;
	struct pgrp *oldpg;

	if (s->s_leader != p || s->s_tty != NULL)
		return EPERM;
	spin_enter(&tp->t_lock);
	if (tp->t_session != NULL) {
		spin_exit(&tp->t_lock);
		return EPERM;
	}
	old = tp->t_session;
	oldpg = tp->t_pgrp;
	tp->t_session = session_get(s);
	tp->t_pgrp = pgrp_get(p->p_pgrp);
	spin_exit(&tp->t_lock);
	s->s_tty = tp;
	if (old != NULL)
		session_put(old);
	if (oldpg != NULL)
		pgrp_put(oldpg);
	return 0;
}

/* Cut the tie.  proctree_lock held, written. */
static void
session_detach(struct tty *tp)
{
	struct session *s;
	struct pgrp *pg;

	spin_enter(&tp->t_lock);
	s = tp->t_session;
	pg = tp->t_pgrp;
	tp->t_session = NULL;
	tp->t_pgrp = NULL;
	spin_exit(&tp->t_lock);
	if (pg != NULL)
		pgrp_put(pg);
	if (s != NULL) {
		s->s_tty = NULL;
		session_put(s);
	}
}

void
tty_session_exit(struct session *s)
{
	struct tty *tp = s->s_tty;
	struct pgrp *pg = NULL;

	if (tp == NULL)
		return;
	spin_enter(&tp->t_lock);
	if (tp->t_pgrp != NULL)
		pg = pgrp_get(tp->t_pgrp);
	spin_exit(&tp->t_lock);
	session_detach(tp);
	if (pg != NULL) {
		pgsignal(pg, SIGHUP);
		pgsignal(pg, SIGCONT);
		pgrp_put(pg);
	}
}

void
tty_hangup(struct tty *tp)
{
	struct session *s;

	spin_enter(&tp->t_lock);
	tp->t_flags |= TF_HUNGUP;
	tty_flush(tp, true, true);
	cv_broadcast(&tp->t_incv);
	cv_broadcast(&tp->t_outcv);
	pollwakeup(&tp->t_poll, POLLIN | POLLOUT | POLLHUP | POLLERR);
	spin_exit(&tp->t_lock);
	rw_enter(&proctree_lock, RW_WRITER);
	s = tp->t_session;
	if (s != NULL) {
		if (s->s_leader != NULL)
			psignal(s->s_leader, SIGHUP);
		tty_session_exit(s);
	}
	rw_exit(&proctree_lock);
}

/* ---- job control ---- */

static bool
signal_refused(struct lwp *l, int signo)
{
	struct sigacts *sa = l->l_proc->p_sigacts;

	return (l->l_sigmask & sigmask(signo)) != 0 ||
	    atomic_load(&sa->sa_act[signo - 1].sa_handler) == SIG_IGN;
}

/*
 * May the caller do this to its terminal now?  0: yes.  A process in the
 * background gets the signal (ERESTARTSYS) or, where it cannot, EIO.
 */
static int
check_foreground(struct tty *tp, int signo)
{
	struct lwp *l = curlwp;
	struct pgrp *pg = NULL;
	int error = 0;

	rw_enter(&proctree_lock, RW_READER);
	if (proc_session(l->l_proc)->s_tty == tp && tp->t_pgrp != NULL &&
	    l->l_proc->p_pgrp != tp->t_pgrp) {
		pg = pgrp_get(l->l_proc->p_pgrp);
		if (signal_refused(l, signo))
			error = signo == SIGTTIN ? EIO : 0;
		else if (pgrp_orphaned(pg))
			error = EIO;
		else
			error = ERESTARTSYS;
	}
	rw_exit(&proctree_lock);
	if (error == ERESTARTSYS)
		pgsignal(pg, signo);
	if (pg != NULL)
		pgrp_put(pg);
	return error;
}

/* ---- open, close ---- */

static int
ttydev_open(dev_t dev, struct file *f)
{
	struct tty *tp;
	int error;

	error = tty_lookup(dev, &tp);
	if (error != 0)
		return error;
	spin_enter(&tp->t_lock);
	if ((tp->t_flags & TF_HUNGUP) != 0)
		error = EIO;
	else if ((tp->t_flags & TF_EXCL) != 0 &&
	    cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) != 0)
		error = EBUSY;
	else
		tp->t_opens++;
	spin_exit(&tp->t_lock);
	if (error != 0)
		return error;
	/* As on Linux /dev/console itself never becomes a controlling tty. */
	if ((f->f_flags & O_NOCTTY) == 0 && FREAD(f) &&
	    major(dev) != TTYAUX_MAJOR) {
		rw_enter(&proctree_lock, RW_WRITER);
		(void)session_attach(tp, curproc);
		rw_exit(&proctree_lock);
	}
	return 0;
}

static void
ttydev_close(dev_t dev, struct file *f __unused)
{
	struct tty *tp;
	bool last;

	if (tty_lookup(dev, &tp) != 0)
		return;
	spin_enter(&tp->t_lock);
	last = tp->t_opens > 0 && --tp->t_opens == 0;
	if (last)
		tp->t_flags &= ~TF_EXCL;
	spin_exit(&tp->t_lock);
	if (last && tp->t_drv->td_close != NULL)
		tp->t_drv->td_close(tp);
}

/* ---- read ---- */

/* Wait for input in raw mode as VMIN and VTIME say. t_lock held. */
static int
wait_raw(struct tty *tp, size_t want, size_t got, nsec_t *deadline)
{
	unsigned int vmin = tp->t_termios.c_cc[VMIN];
	unsigned int vtime = tp->t_termios.c_cc[VTIME];
	size_t need = MIN((size_t)vmin, want);

	if (got > 0 && got >= need)
		return ECANCELED;	/* enough */
	if (vmin == 0 && vtime == 0)
		return ECANCELED;
	/* The clock starts at once without VMIN, else with the first byte. */
	if (vtime != 0 && *deadline == 0 && (vmin == 0 || got > 0))
		*deadline = nanouptime() + vtime * DECISEC;
	return 0;
}

/*
 * Some input into buf; 0 bytes is the end of file.  *got counts over calls of
 * one read(2).  ECANCELED: return what there is.
 */
static int
read_some(struct tty *tp, unsigned char *buf, size_t n, size_t want,
    size_t *got, size_t *k, nsec_t *deadline, bool nonblock)
{
	bool canon, eol = false, raw_again = false;
	int error = 0;

	*k = 0;
	spin_enter(&tp->t_lock);
	for (;;) {
		canon = (tp->t_termios.c_lflag & ICANON) != 0;
		if (tty_inq_readable(tp) > 0) {
			*k = tty_inq_read(tp, buf, n, &eol);
			*got += *k;
			/* Each byte starts the clock between bytes anew. */
			if (!canon && tp->t_termios.c_cc[VMIN] != 0)
				*deadline = 0;
			if (canon && (eol || *got == want))
				error = ECANCELED;
			break;
		}
		if ((tp->t_flags & TF_HUNGUP) != 0 || (canon && *got > 0)) {
			error = ECANCELED;
			break;
		}
		if (!canon && (raw_again || *got > 0 || !nonblock) &&
		    (error = wait_raw(tp, want, *got, deadline)) != 0)
			break;
		if (nonblock) {
			error = *got > 0 ? ECANCELED : EAGAIN;
			break;
		}
		raw_again = true;
		error = cv_timedwait_spin_sig(&tp->t_incv, &tp->t_lock,
		    canon ? 0 : *deadline);
		if (error == ETIMEDOUT)
			error = ECANCELED;
		if (error != 0)
			break;
	}
	spin_exit(&tp->t_lock);
	return error;
}

static void
unthrottle(struct tty *tp)
{
	bool was;

	spin_enter(&tp->t_lock);
	was = (tp->t_flags & TF_THROTTLED) != 0;
	tp->t_flags &= ~TF_THROTTLED;
	spin_exit(&tp->t_lock);
	if (was && tp->t_drv->td_unthrottle != NULL)
		tp->t_drv->td_unthrottle(tp);
}

static int
ttydev_read(dev_t dev, struct file *f __unused, struct uio *uio)
{
	unsigned char buf[256];
	size_t got = 0, k, want = uio->uio_resid;
	nsec_t deadline = 0;
	struct tty *tp;
	int error, stop;

	error = tty_lookup(dev, &tp);
	if (error == 0)
		error = check_foreground(tp, SIGTTIN);
	if (error != 0 || want == 0)
		return error;
	do {
		stop = read_some(tp, buf, MIN(sizeof(buf), uio->uio_resid),
		    want, &got, &k, &deadline,
		    (uio->uio_flags & IO_NONBLOCK) != 0);
		if (k > 0) {
			error = uiomove(buf, k, uio);
			unthrottle(tp);
		}
	} while (stop == 0 && error == 0 && uio->uio_resid > 0);
	if (error == 0 && stop != 0 && stop != ECANCELED && got == 0)
		error = stop;
	return error;
}

/* ---- write ---- */

static int
wait_room(struct tty *tp, bool nonblock)
{
	if ((tp->t_flags & TF_HUNGUP) != 0)
		return EIO;
	if (nonblock)
		return EAGAIN;
	return cv_wait_spin_sig(&tp->t_outcv, &tp->t_lock);
}

/* All of buf, or as much as *done says on an error. */
static int
write_some(struct tty *tp, const unsigned char *buf, size_t n, bool nonblock,
    size_t *done)
{
	int error = 0;

	*done = 0;
	spin_enter(&tp->t_lock);
	while (*done < n && error == 0) {
		if ((tp->t_flags & TF_HUNGUP) == 0 &&
		    tty_output_char(tp, buf[*done])) {
			(*done)++;
			continue;
		}
		/* Full: let the driver take some, then wait for it. */
		spin_exit(&tp->t_lock);
		tp->t_drv->td_start(tp);
		spin_enter(&tp->t_lock);
		if (tp->t_outq.tq_count >= TTY_QSIZE / 2 ||
		    (tp->t_flags & TF_HUNGUP) != 0)
			error = wait_room(tp, nonblock);
	}
	spin_exit(&tp->t_lock);
	tp->t_drv->td_start(tp);
	return error;
}

static int
ttydev_write(dev_t dev, struct file *f __unused, struct uio *uio)
{
	unsigned char buf[256];
	size_t n, done, total = 0;
	struct tty *tp;
	int error;

	error = tty_lookup(dev, &tp);
	if (error == 0 && (tp->t_termios.c_lflag & TOSTOP) != 0)
		error = check_foreground(tp, SIGTTOU);
	while (error == 0 && uio->uio_resid > 0) {
		n = MIN(sizeof(buf), uio->uio_resid);
		error = uiomove(buf, n, uio);
		if (error != 0)
			break;
		error = write_some(tp, buf, n,
		    (uio->uio_flags & IO_NONBLOCK) != 0, &done);
		total += done;
		uio->uio_resid += n - done;
	}
	/* What went out counts, whatever stopped the rest. */
	return total > 0 ? 0 : error;
}

static unsigned int
ttydev_poll(dev_t dev, struct file *f __unused, unsigned int events,
    struct pollentry *pe)
{
	unsigned int r = 0;
	struct tty *tp;

	if (tty_lookup(dev, &tp) != 0)
		return POLLERR;
	poll_record(&tp->t_poll, pe);
	spin_enter(&tp->t_lock);
	if (tty_inq_readable(tp) > 0)
		r |= POLLIN | POLLRDNORM;
	if (tp->t_outq.tq_count < TTY_QSIZE / 2)
		r |= POLLOUT | POLLWRNORM;
	if ((tp->t_flags & TF_HUNGUP) != 0)
		r |= POLLIN | POLLHUP;
	spin_exit(&tp->t_lock);
	return r & (events | POLLHUP | POLLERR);
}

/* ---- ioctl ---- */

/* Wait until all output has reached the driver. */
static int
drain(struct tty *tp)
{
	int error = 0;

	tp->t_drv->td_start(tp);
	spin_enter(&tp->t_lock);
	while (tp->t_outq.tq_count > 0 && error == 0 &&
	    (tp->t_flags & TF_HUNGUP) == 0) {
		error = cv_timedwait_spin_sig(&tp->t_outcv, &tp->t_lock,
		    nanouptime() + 50 * NSEC_PER_MSEC);
		if (error == ETIMEDOUT)
			error = 0;
	}
	spin_exit(&tp->t_lock);
	return error;
}

static int
set_termios(struct tty *tp, unsigned long cmd, const void *uarg)
{
	struct ktermios t;
	bool recanon;
	int error;

	error = copyin(uarg, &t, sizeof(t));
	if (error == 0)
		error = check_foreground(tp, SIGTTOU);
	if (error == 0 && cmd != TCSETS)
		error = drain(tp);
	if (error != 0)
		return error;
	spin_enter(&tp->t_lock);
	if (cmd == TCSETSF)
		tty_flush(tp, true, false);
	recanon = ((tp->t_termios.c_lflag ^ t.c_lflag) & ICANON) != 0;
	tp->t_termios = t;
	if ((t.c_iflag & IXON) == 0)
		tp->t_flags &= ~TF_STOPPED;
	if (recanon)
		tty_recanon(tp);
	spin_exit(&tp->t_lock);
	if (tp->t_drv->td_settermios != NULL)
		tp->t_drv->td_settermios(tp);
	tp->t_drv->td_start(tp);
	return 0;
}

static int
set_winsize(struct tty *tp, const void *uarg)
{
	struct kwinsize w;
	struct pgrp *pg = NULL;
	int error;

	error = copyin(uarg, &w, sizeof(w));
	if (error != 0)
		return error;
	spin_enter(&tp->t_lock);
	if (memcmp(&tp->t_winsize, &w, sizeof(w)) != 0 && tp->t_pgrp != NULL)
		pg = pgrp_get(tp->t_pgrp);
	tp->t_winsize = w;
	spin_exit(&tp->t_lock);
	if (pg != NULL) {
		pgsignal(pg, SIGWINCH);
		pgrp_put(pg);
	}
	return 0;
}

static int
get_pgrp(struct tty *tp, int *id, bool session)
{
	int error = 0;

	rw_enter(&proctree_lock, RW_READER);
	if (proc_session(curproc)->s_tty != tp)
		error = ENOTTY;
	else if (session)
		*id = tp->t_session->s_sid;
	else
		*id = tp->t_pgrp != NULL ? tp->t_pgrp->pg_id : 0;
	rw_exit(&proctree_lock);
	return error;
}

static int
set_pgrp(struct tty *tp, const void *uarg)
{
	struct pgrp *pg, *old = NULL;
	int error, id;

	error = copyin(uarg, &id, sizeof(id));
	if (error == 0)
		error = check_foreground(tp, SIGTTOU);
	if (error != 0)
		return error;
	if (id < 0)
		return EINVAL;
	rw_enter(&proctree_lock, RW_READER);
	pg = pgrp_find(id);
	if (proc_session(curproc)->s_tty != tp)
		error = ENOTTY;
	else if (pg == NULL)
		error = ESRCH;
	else if (pg->pg_session != proc_session(curproc))
		error = EPERM;
	if (error == 0) {
		spin_enter(&tp->t_lock);
		old = tp->t_pgrp;
		tp->t_pgrp = pgrp_get(pg);
		spin_exit(&tp->t_lock);
	}
	rw_exit(&proctree_lock);
	if (old != NULL)
		pgrp_put(old);
	return error;
}

static int
set_ctty(struct tty *tp, uintptr_t steal)
{
	struct session *s;
	int error;

	rw_enter(&proctree_lock, RW_WRITER);
	s = proc_session(curproc);
	if (s->s_leader == curproc && s->s_tty == tp) {
		rw_exit(&proctree_lock);
		return 0;
	}
	error = session_attach(tp, curproc);
	if (error == EPERM && steal == 1 && s->s_leader == curproc &&
	    s->s_tty == NULL &&
	    cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) == 0) {
		session_detach(tp);
		error = session_attach(tp, curproc);
	}
	rw_exit(&proctree_lock);
	return error;
}

static int
give_up_ctty(struct tty *tp)
{
	struct session *s;
	int error = 0;

	rw_enter(&proctree_lock, RW_WRITER);
	s = proc_session(curproc);
	if (s->s_tty != tp)
		error = ENOTTY;
	else if (s->s_leader == curproc)
		tty_session_exit(s);
	rw_exit(&proctree_lock);
	return error;
}

static int
flow(struct tty *tp, uintptr_t arg)
{
	if (arg > 3)
		return EINVAL;
	spin_enter(&tp->t_lock);
	if (arg == 0)			/* TCOOFF */
		tp->t_flags |= TF_STOPPED;
	else if (arg == 1)		/* TCOON */
		tp->t_flags &= ~TF_STOPPED;
	spin_exit(&tp->t_lock);
	tp->t_drv->td_start(tp);
	return 0;			/* TCIOFF, TCION: no line to tell */
}

static int
simulate_input(struct tty *tp, const void *uarg)
{
	unsigned char c;
	int error;

	if (tty_of_caller() != tp &&
	    cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) != 0)
		return EPERM;
	error = copyin(uarg, &c, 1);
	if (error == 0)
		(void)tty_input(tp, &c, 1);
	return error;
}

static int
put_int(int v, void *uarg)
{
	return copyout(&v, uarg, sizeof(v));
}

static int
set_excl(struct tty *tp, bool on)
{
	spin_enter(&tp->t_lock);
	if (on)
		tp->t_flags |= TF_EXCL;
	else
		tp->t_flags &= ~TF_EXCL;
	spin_exit(&tp->t_lock);
	return 0;
}

static int
flush_arg(struct tty *tp, uintptr_t arg)
{
	int error;

	if (arg > 2)
		return EINVAL;
	error = check_foreground(tp, SIGTTOU);
	if (error != 0)
		return error;
	spin_enter(&tp->t_lock);
	tty_flush(tp, arg != 1, arg != 0);	/* TCIFLUSH, TCO, TCIO */
	spin_exit(&tp->t_lock);
	unthrottle(tp);
	return 0;
}

static int
ttydev_ioctl(dev_t dev, struct file *f __unused, unsigned long cmd,
    uintptr_t arg, register_t *retval __unused)
{
	void *uarg = (void *)arg;
	struct ktermios t;
	struct kwinsize w;
	struct tty *tp;
	int error, id;

	error = tty_lookup(dev, &tp);
	if (error != 0)
		return error;
	switch (cmd) {
	case TCGETS:
		spin_enter(&tp->t_lock);
		t = tp->t_termios;
		spin_exit(&tp->t_lock);
		return copyout(&t, uarg, sizeof(t));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(tp, cmd, uarg);
	case TIOCGWINSZ:
		spin_enter(&tp->t_lock);
		w = tp->t_winsize;
		spin_exit(&tp->t_lock);
		return copyout(&w, uarg, sizeof(w));
	case TIOCSWINSZ:
		return set_winsize(tp, uarg);
	case TIOCGPGRP:
	case TIOCGSID:
		error = get_pgrp(tp, &id, cmd == TIOCGSID);
		return error != 0 ? error : put_int(id, uarg);
	case TIOCSPGRP:
		return set_pgrp(tp, uarg);
	case TIOCSCTTY:
		return set_ctty(tp, arg);
	case TIOCNOTTY:
		return give_up_ctty(tp);
	case FIONREAD:
		return put_int((int)tty_inq_readable(tp), uarg);
	case TIOCOUTQ:
		return put_int((int)tty_output_pending(tp), uarg);
	case TCXONC:
		return flow(tp, arg);
	case TCFLSH:
		return flush_arg(tp, arg);
	case TCSBRK:
	case TCSBRKP:
		return drain(tp);	/* there is no line to break */
	case TIOCSTI:
		return simulate_input(tp, uarg);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_excl(tp, cmd == TIOCEXCL);
	case TIOCGETD:
		return put_int(0, uarg);	/* N_TTY */
	default:
		return ENOTTY;
	}
}

const struct devops tty_devops = {
	.d_open = ttydev_open,
	.d_close = ttydev_close,
	.d_read = ttydev_read,
	.d_write = ttydev_write,
	.d_ioctl = ttydev_ioctl,
	.d_poll = ttydev_poll,
	.d_flags = D_STREAM,
};

/* /dev/tty and /dev/console: other terminals by another name. */
void
tty_init(void)
{
	if (dev_register("tty", S_IFCHR | 0666, makedev(TTYAUX_MAJOR, 0),
	    &tty_devops, NULL) != 0 ||
	    dev_register("console", S_IFCHR | 0600, makedev(TTYAUX_MAJOR, 1),
	    &tty_devops, NULL) != 0)
		printf("tty: no /dev/tty or /dev/console: out of memory\n");
}
