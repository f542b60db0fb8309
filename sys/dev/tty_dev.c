/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals as programs see them: open, read, write, poll, job control, and
 * the names /dev/tty and /dev/console.  Their ioctls are in tty_ioctl.c.
 *
 * Overview: an open file refers to its tty and remembers the generation it
 * belongs to.  A hangup begins another one: files of earlier ones read the end
 * of the file and cannot write any more.  A session leader without a terminal
 * gets the one it opens as controlling terminal.  Background processes are
 * stopped when they read (SIGTTIN), write with TOSTOP or change settings
 * (SIGTTOU).
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

static void
tty_free(struct tty *tp)
{
	if (tp->t_inq.tq_buf != NULL)
		kmem_free(tp->t_inq.tq_buf, TTY_QSIZE);
	if (tp->t_outq.tq_buf != NULL)
		kmem_free(tp->t_outq.tq_buf, TTY_QSIZE);
	pollhead_destroy(&tp->t_poll);
	cv_destroy(&tp->t_incv);
	cv_destroy(&tp->t_outcv);
	kmem_free(tp, sizeof(*tp));
}

int
tty_alloc(const char *name, dev_t dev, const struct ttydrv *drv, void *priv,
    struct tty **tpp)
{
	struct tty *tp;

	tp = kmem_zalloc(sizeof(*tp), KM_SLEEP);
	if (tp == NULL)
		return ENOMEM;
	tp->t_ref = 1;
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
	if (tp->t_inq.tq_buf == NULL || tp->t_outq.tq_buf == NULL) {
		tty_free(tp);
		return ENOMEM;
	}
	*tpp = tp;
	return 0;
}

/* The driver may be called as soon as the name is there. */
int
tty_create(const char *name, dev_t dev, const struct ttydrv *drv, void *priv,
    struct tty **tpp)
{
	int error;

	error = tty_alloc(name, dev, drv, priv, tpp);
	if (error != 0)
		return error;
	error = dev_register(name, S_IFCHR | 0600, dev, &tty_devops, *tpp);
	if (error != 0) {
		tty_free(*tpp);
		*tpp = NULL;
	}
	return error;
}

struct tty *
tty_get(struct tty *tp)
{
	refcount_get(&tp->t_ref);
	return tp;
}

void
tty_put(struct tty *tp)
{
	if (!refcount_put(&tp->t_ref))
		return;
	if (tp->t_drv->td_free != NULL)
		tp->t_drv->td_free(tp);
	tty_free(tp);
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

/* The controlling terminal of the caller with a reference, or NULL. */
static struct tty *
tty_of_caller(void)
{
	struct tty *tp;

	rw_enter(&proctree_lock, RW_READER);
	tp = proc_session(curproc)->s_tty;
	if (tp != NULL)
		(void)tty_get(tp);
	rw_exit(&proctree_lock);
	return tp;
}

/* Which tty a device number means, referenced.  ENXIO: none now. */
static int
tty_lookup(dev_t dev, struct tty **tpp)
{
	void *priv;

	if (dev == makedev(TTYAUX_MAJOR, 0)) {
		*tpp = tty_of_caller();
		return *tpp != NULL ? 0 : ENXIO;
	}
	if (dev == makedev(TTYAUX_MAJOR, 1))
		*tpp = atomic_load(&tty_console);
	else if (dev_lookup(dev, S_IFCHR, &priv) != NULL)
		*tpp = priv;
	else
		*tpp = NULL;
	if (*tpp == NULL)
		return ENXIO;
	(void)tty_get(*tpp);		/* those of drivers stay for good */
	return 0;
}

/* ---- sessions ---- */

/* Tie the terminal to the caller's session.  proctree_lock held, written. */
int
tty_session_attach(struct tty *tp, struct proc *p)
{
	struct session *s = proc_session(p);
	struct pgrp *oldpg;

	if (s->s_leader != p || s->s_tty != NULL)
		return EPERM;
	spin_enter(&tp->t_lock);
	if (tp->t_session != NULL) {
		spin_exit(&tp->t_lock);
		return EPERM;
	}
	oldpg = tp->t_pgrp;
	tp->t_session = session_get(s);
	tp->t_pgrp = pgrp_get(p->p_pgrp);
	spin_exit(&tp->t_lock);
	s->s_tty = tty_get(tp);
	if (oldpg != NULL)
		pgrp_put(oldpg);
	if (s->s_oldpgrp != NULL)
		pgrp_put(s->s_oldpgrp);
	s->s_oldpgrp = NULL;
	return 0;
}

/*
 * Cut the tie; the group that was in the foreground, referenced, or NULL.
 * proctree_lock held, written.
 */
struct pgrp *
tty_session_detach(struct tty *tp)
{
	struct session *s;
	struct pgrp *pg;

	spin_enter(&tp->t_lock);
	s = tp->t_session;
	pg = tp->t_pgrp;
	tp->t_session = NULL;
	tp->t_pgrp = NULL;
	spin_exit(&tp->t_lock);
	if (s != NULL) {
		s->s_tty = NULL;
		session_put(s);
		tty_put(tp);
	}
	return pg;
}

/* The foreground is told that the terminal is gone, once. */
void
tty_session_exit(struct session *s)
{
	struct pgrp *pg;

	rw_enter(&proctree_lock, RW_WRITER);
	pg = s->s_oldpgrp;
	s->s_oldpgrp = NULL;
	if (s->s_tty != NULL) {
		if (pg != NULL)
			pgrp_put(pg);
		pg = tty_session_detach(s->s_tty);
	}
	if (pg != NULL) {
		pgsignal(pg, SIGHUP);
		pgsignal(pg, SIGCONT);
		pgrp_put(pg);
	}
	rw_exit(&proctree_lock);
}

/*
 * All files that are open are cut off.  The session leader gets SIGHUP; the
 * foreground gets it when the leader ends.
 */
static void
hangup(struct tty *tp, unsigned int flag)
{
	struct session *s;
	bool wasopen;

	spin_enter(&tp->t_lock);
	tp->t_flags |= flag;
	tp->t_flags &= ~TF_EXCL;
	tp->t_gen++;
	wasopen = tp->t_opens > 0;
	tp->t_opens = 0;
	tty_stop_output(tp, false);
	tty_flush(tp, true, true);
	cv_broadcast(&tp->t_incv);
	cv_broadcast(&tp->t_outcv);
	pollwakeup(&tp->t_poll, POLLIN | POLLOUT | POLLHUP | POLLERR);
	spin_exit(&tp->t_lock);
	rw_enter(&proctree_lock, RW_WRITER);
	s = tp->t_session;
	if (s != NULL) {
		if (s->s_leader != NULL) {
			psignal(s->s_leader, SIGHUP);
			psignal(s->s_leader, SIGCONT);
		}
		(void)session_get(s);
		KASSERT(s->s_oldpgrp == NULL);
		s->s_oldpgrp = tty_session_detach(tp);
		session_put(s);
	}
	rw_exit(&proctree_lock);
	if (wasopen && tp->t_drv->td_close != NULL)
		tp->t_drv->td_close(tp);
}

void
tty_hangup(struct tty *tp)
{
	hangup(tp, TF_HUNGUP);
}

void
tty_revoke(struct tty *tp)
{
	hangup(tp, 0);
}

int
do_vhangup(struct lwp *l)
{
	struct tty *tp;

	if (cred_capable(l->l_cred, CAP_SYS_TTY_CONFIG) != 0)
		return EPERM;
	tp = tty_of_caller();
	if (tp != NULL) {
		tty_revoke(tp);
		tty_put(tp);
	}
	return 0;
}

void
tty_hangup_end(struct tty *tp)
{
	spin_enter(&tp->t_lock);
	tp->t_flags &= ~TF_HUNGUP;
	spin_exit(&tp->t_lock);
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
int
tty_check_foreground(struct tty *tp, int signo)
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

struct ttyfile {			/* f_private of an open file */
	struct tty	*tf_tty;	/* [I] referenced */
	unsigned int	tf_gen;		/* [I] */
};

static struct ttyfile *
ttyfile_of(struct file *f)
{
	return f->f_private;
}

/* Was the file cut off by a hangup?  t_lock held, or racy. */
static bool
is_cut(const struct ttyfile *tf)
{
	return tf->tf_gen != atomic_load_relaxed(&tf->tf_tty->t_gen);
}

int
ttydev_attach(struct tty *tp, struct file *f, bool ctty)
{
	struct ttyfile *tf;
	int error = 0;

	tf = kmem_alloc(sizeof(*tf), KM_SLEEP);
	if (tf == NULL)
		return ENOMEM;
	spin_enter(&tp->t_lock);
	if ((tp->t_flags & TF_HUNGUP) != 0)
		error = EIO;
	else if ((tp->t_flags & TF_EXCL) != 0 &&
	    cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) != 0)
		error = EBUSY;
	else
		tp->t_opens++;
	tf->tf_gen = tp->t_gen;
	spin_exit(&tp->t_lock);
	if (error != 0) {
		kmem_free(tf, sizeof(*tf));
		return error;
	}
	tf->tf_tty = tty_get(tp);
	f->f_private = tf;
	if (ctty && (f->f_flags & O_NOCTTY) == 0 && FREAD(f)) {
		rw_enter(&proctree_lock, RW_WRITER);
		(void)tty_session_attach(tp, curproc);
		rw_exit(&proctree_lock);
	}
	return 0;
}

static int
ttydev_open(dev_t dev, struct file *f)
{
	struct tty *tp;
	int error;

	error = tty_lookup(dev, &tp);
	if (error != 0)
		return error;
	/* As on Linux /dev/console itself never becomes a controlling tty. */
	error = ttydev_attach(tp, f, major(dev) != TTYAUX_MAJOR);
	tty_put(tp);
	return error;
}

void
ttydev_close(dev_t dev __unused, struct file *f)
{
	struct ttyfile *tf = ttyfile_of(f);
	struct tty *tp = tf->tf_tty;
	bool last = false;

	spin_enter(&tp->t_lock);
	if (!is_cut(tf))
		last = --tp->t_opens == 0;
	if (last)
		tp->t_flags &= ~TF_EXCL;
	spin_exit(&tp->t_lock);
	if (last && tp->t_drv->td_close != NULL)
		tp->t_drv->td_close(tp);
	f->f_private = NULL;
	kmem_free(tf, sizeof(*tf));
	tty_put(tp);
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
read_some(struct ttyfile *tf, unsigned char *buf, size_t n, size_t want,
    size_t *got, size_t *k, nsec_t *deadline, bool nonblock)
{
	struct tty *tp = tf->tf_tty;
	bool canon, eol = false, raw_again = false;
	int error = 0;

	*k = 0;
	spin_enter(&tp->t_lock);
	for (;;) {
		if (is_cut(tf)) {
			error = ECANCELED;
			break;
		}
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
		if (canon && *got > 0) {
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

void
tty_unthrottle(struct tty *tp)
{
	bool was;

	spin_enter(&tp->t_lock);
	was = (tp->t_flags & TF_THROTTLED) != 0;
	tp->t_flags &= ~TF_THROTTLED;
	spin_exit(&tp->t_lock);
	if (was && tp->t_drv->td_unthrottle != NULL)
		tp->t_drv->td_unthrottle(tp);
}

int
ttydev_read(dev_t dev __unused, struct file *f, struct uio *uio)
{
	struct ttyfile *tf = ttyfile_of(f);
	struct tty *tp = tf->tf_tty;
	unsigned char buf[256];
	size_t got = 0, k, want = uio->uio_resid;
	nsec_t deadline = 0;
	int error, stop;

	if (is_cut(tf))
		return 0;
	error = tty_check_foreground(tp, SIGTTIN);
	if (error != 0 || want == 0)
		return error;
	do {
		stop = read_some(tf, buf, MIN(sizeof(buf), uio->uio_resid),
		    want, &got, &k, &deadline,
		    (uio->uio_flags & IO_NONBLOCK) != 0);
		if (k > 0) {
			error = uiomove(buf, k, uio);
			tty_unthrottle(tp);
		}
	} while (stop == 0 && error == 0 && uio->uio_resid > 0);
	if (error == 0 && stop != 0 && stop != ECANCELED && got == 0)
		error = stop;
	return error;
}

/* ---- write ---- */

static int
wait_room(struct ttyfile *tf, bool nonblock)
{
	if (is_cut(tf))
		return EIO;
	if (nonblock)
		return EAGAIN;
	return cv_wait_spin_sig(&tf->tf_tty->t_outcv, &tf->tf_tty->t_lock);
}

/* All of buf, or as much as *done says on an error. */
static int
write_some(struct ttyfile *tf, const unsigned char *buf, size_t n,
    bool nonblock, size_t *done)
{
	struct tty *tp = tf->tf_tty;
	int error = 0;

	*done = 0;
	spin_enter(&tp->t_lock);
	while (*done < n && error == 0) {
		if (!is_cut(tf) && tty_output_char(tp, buf[*done])) {
			(*done)++;
			continue;
		}
		/* Full: let the driver take some, then wait for it. */
		spin_exit(&tp->t_lock);
		tp->t_drv->td_start(tp);
		spin_enter(&tp->t_lock);
		if (tp->t_outq.tq_count >= TTY_QSIZE / 2 || is_cut(tf))
			error = wait_room(tf, nonblock);
	}
	spin_exit(&tp->t_lock);
	tp->t_drv->td_start(tp);
	return error;
}

int
ttydev_write(dev_t dev __unused, struct file *f, struct uio *uio)
{
	struct ttyfile *tf = ttyfile_of(f);
	struct tty *tp = tf->tf_tty;
	unsigned char buf[256];
	size_t n, done, left;
	int error = 0;

	if (is_cut(tf))
		return EIO;
	if ((tp->t_termios.c_lflag & TOSTOP) != 0)
		error = tty_check_foreground(tp, SIGTTOU);
	while (error == 0 && uio->uio_resid > 0) {
		left = uio->uio_resid;
		n = MIN(sizeof(buf), left);
		done = 0;
		error = uiomove(buf, n, uio);
		if (error == 0)
			error = write_some(tf, buf, n,
			    (uio->uio_flags & IO_NONBLOCK) != 0, &done);
		/* What went out counts, whatever stopped the rest. */
		uio->uio_resid = left - done;
	}
	return error;
}

unsigned int
ttydev_poll(dev_t dev __unused, struct file *f, unsigned int events,
    struct pollentry *pe)
{
	struct ttyfile *tf = ttyfile_of(f);
	struct tty *tp = tf->tf_tty;
	unsigned int r = 0;

	poll_record(&tp->t_poll, pe);
	spin_enter(&tp->t_lock);
	if (is_cut(tf)) {
		r = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR |
		    POLLHUP;
	} else {
		if (tty_inq_readable(tp) > 0)
			r |= POLLIN | POLLRDNORM;
		if (tp->t_outq.tq_count < TTY_QSIZE / 2)
			r |= POLLOUT | POLLWRNORM;
	}
	spin_exit(&tp->t_lock);
	return r & (events | POLLHUP | POLLERR);
}

int
ttydev_ioctl(dev_t dev __unused, struct file *f, unsigned long cmd,
    uintptr_t arg, register_t *retval __unused)
{
	struct ttyfile *tf = ttyfile_of(f);

	if (is_cut(tf))
		return cmd == TIOCSPGRP ? ENOTTY : EIO;
	return tty_ioctl(tf->tf_tty, false, cmd, arg);
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
	    &tty_devops, NULL) != 0 || pty_init() != 0)
		printf("tty: no memory for /dev/tty, console or ptmx\n");
}
