/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ioctls of terminals: settings, window size, job control, queues.
 *
 * Overview: tty_dev.c and the drivers come here with the tty that is meant;
 * for the master of a pty that is the slave's.
 *
 * Locking: as in tty_dev.c.
 *
 * Source: termios(3), ioctl_tty(2) of the Linux man-pages.
 */
#include <sys/assert.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/tty.h>

/* Wait until all output has reached the driver. */
static int
drain(struct tty *tp)
{
	unsigned int gen;
	int error = 0;

	tp->t_drv->td_start(tp);
	if ((tp->t_drv->td_flags & TD_NODRAIN) != 0)
		return 0;
	spin_enter(&tp->t_lock);
	gen = tp->t_gen;
	while (tp->t_outq.tq_count > 0 && error == 0 && tp->t_gen == gen) {
		error = cv_timedwait_spin_sig(&tp->t_outcv, &tp->t_lock,
		    nanouptime() + 50 * NSEC_PER_MSEC);
		if (error == ETIMEDOUT)
			error = 0;
	}
	spin_exit(&tp->t_lock);
	return error;
}

/* What both forms of struct termios have in common. */
static int
set_termios(struct tty *tp, const struct ktermios *t, bool wait, bool flush)
{
	bool recanon;
	int error;

	error = tty_check_foreground(tp, SIGTTOU);
	if (error == 0 && wait)
		error = drain(tp);
	if (error != 0)
		return error;
	spin_enter(&tp->t_lock);
	if (flush)
		tty_flush(tp, true, false);
	recanon = ((tp->t_termios.c_lflag ^ t->c_lflag) & ICANON) != 0;
	tp->t_termios = *t;
	if ((t->c_iflag & IXON) == 0)
		tty_stop_output(tp, false);
	if (recanon)
		tty_recanon(tp);
	spin_exit(&tp->t_lock);
	if (flush)
		tty_unthrottle(tp);
	if (tp->t_drv->td_settermios != NULL)
		tp->t_drv->td_settermios(tp);
	tp->t_drv->td_start(tp);
	return 0;
}

static void
get_termios(struct tty *tp, struct ktermios *t)
{
	spin_enter(&tp->t_lock);
	*t = tp->t_termios;
	spin_exit(&tp->t_lock);
}

struct ktermios2 {			/* TCGETS2: and the speeds */
	struct ktermios	t;
	uint32_t	c_ispeed, c_ospeed;
};
CTASSERT(sizeof(struct ktermios2) == 44);
CTASSERT(sizeof(struct ktermio) == 18);

#define	CBAUD	0010017U
#define	BOTHER	0010000U

/* The speed that the bits of c_cflag mean. */
static uint32_t
speed_of(tcflag_k cflag)
{
	static const uint32_t low[16] = { 0, 50, 75, 110, 134, 150, 200, 300,
	    600, 1200, 1800, 2400, 4800, 9600, 19200, 38400 };
	static const uint32_t high[16] = { 0, 57600, 115200, 230400, 460800,
	    500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000,
	    2500000, 3000000, 3500000, 4000000 };

	return (cflag & BOTHER) != 0 ? high[cflag & 15] : low[cflag & 15];
}

static int
get_termios2(struct tty *tp, void *uarg)
{
	struct ktermios2 t2;

	get_termios(tp, &t2.t);
	t2.c_ispeed = t2.c_ospeed = speed_of(t2.t.c_cflag);
	return copyout(&t2, uarg, sizeof(t2));
}

static int
get_termio(struct tty *tp, void *uarg)
{
	struct ktermios t;
	struct ktermio old;

	get_termios(tp, &t);
	memset(&old, 0, sizeof(old));
	old.c_iflag = (uint16_t)t.c_iflag;
	old.c_oflag = (uint16_t)t.c_oflag;
	old.c_cflag = (uint16_t)t.c_cflag;
	old.c_lflag = (uint16_t)t.c_lflag;
	old.c_line = t.c_line;
	memcpy(old.c_cc, t.c_cc, sizeof(old.c_cc));
	return copyout(&old, uarg, sizeof(old));
}

/* TCSETA, TCSETAW, TCSETAF. */
static int
set_termio(struct tty *tp, unsigned long cmd, const void *uarg)
{
	const uint32_t keep = 0xffff0000;
	struct ktermio old;
	struct ktermios t;
	int error;

	error = copyin(uarg, &old, sizeof(old));
	if (error != 0)
		return error;
	get_termios(tp, &t);
	t.c_iflag = (t.c_iflag & keep) | old.c_iflag;
	t.c_oflag = (t.c_oflag & keep) | old.c_oflag;
	t.c_cflag = (t.c_cflag & keep) | old.c_cflag;
	t.c_lflag = (t.c_lflag & keep) | old.c_lflag;
	t.c_line = old.c_line;
	memcpy(t.c_cc, old.c_cc, sizeof(old.c_cc));
	return set_termios(tp, &t, cmd != TCSETA, cmd == TCSETAF);
}

/* The speeds of the longer form mean nothing here: there is no line. */
static int
set_termios_in(struct tty *tp, const void *uarg, bool wait, bool flush)
{
	struct ktermios t;
	int error;

	error = copyin(uarg, &t, sizeof(t));
	return error != 0 ? error : set_termios(tp, &t, wait, flush);
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
get_pgrp(struct tty *tp, bool farside, int *id, bool session)
{
	int error = 0;

	rw_enter(&proctree_lock, RW_READER);
	if ((!farside && proc_session(curproc)->s_tty != tp) ||
	    (session && tp->t_session == NULL))
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
		error = tty_check_foreground(tp, SIGTTOU);
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
	struct pgrp *pg;
	int error;

	rw_enter(&proctree_lock, RW_WRITER);
	s = proc_session(curproc);
	if (s->s_leader == curproc && s->s_tty == tp) {
		rw_exit(&proctree_lock);
		return 0;
	}
	error = tty_session_attach(tp, curproc);
	if (error == EPERM && steal == 1 && s->s_leader == curproc &&
	    s->s_tty == NULL &&
	    cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) == 0) {
		pg = tty_session_detach(tp);
		if (pg != NULL)
			pgrp_put(pg);
		error = tty_session_attach(tp, curproc);
	}
	rw_exit(&proctree_lock);
	return error;
}

static int
give_up_ctty(struct tty *tp)
{
	struct session *s;
	bool leader;
	int error = 0;

	rw_enter(&proctree_lock, RW_READER);
	s = session_get(proc_session(curproc));
	leader = s->s_leader == curproc;
	if (s->s_tty != tp)
		error = ENOTTY;
	rw_exit(&proctree_lock);
	if (error == 0 && leader)
		tty_session_exit(s);
	session_put(s);
	return error;
}

static int
flow(struct tty *tp, uintptr_t arg)
{
	if (arg > 3)
		return EINVAL;
	spin_enter(&tp->t_lock);
	if (arg <= 1)			/* TCOOFF, TCOON */
		tty_stop_output(tp, arg == 0);
	spin_exit(&tp->t_lock);
	tp->t_drv->td_start(tp);
	return 0;			/* TCIOFF, TCION: no line to tell */
}

static int
simulate_input(struct tty *tp, const void *uarg)
{
	unsigned char c;
	bool own;
	int error;

	rw_enter(&proctree_lock, RW_READER);
	own = proc_session(curproc)->s_tty == tp;
	rw_exit(&proctree_lock);
	if (!own &&
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
	error = tty_check_foreground(tp, SIGTTOU);
	if (error != 0)
		return error;
	spin_enter(&tp->t_lock);
	tty_flush(tp, arg != 1, arg != 0);	/* TCIFLUSH, TCO, TCIO */
	spin_exit(&tp->t_lock);
	tty_unthrottle(tp);
	return 0;
}

static int
set_discipline(const void *uarg)
{
	int error, n;

	error = copyin(uarg, &n, sizeof(n));
	return error != 0 ? error : n == 0 ? 0 : EINVAL;	/* N_TTY */
}

/* Settings in their several forms.  ENOTTY: another command. */
static int
ioctl_settings(struct tty *tp, unsigned long cmd, void *uarg)
{
	struct ktermios t;

	switch (cmd) {
	case TCGETS:
		get_termios(tp, &t);
		return copyout(&t, uarg, sizeof(t));
	case TCGETS2:
		return get_termios2(tp, uarg);
	case TCGETA:
		return get_termio(tp, uarg);
	case TCSETS:
	case TCSETS2:
		return set_termios_in(tp, uarg, false, false);
	case TCSETSW:
	case TCSETSW2:
		return set_termios_in(tp, uarg, true, false);
	case TCSETSF:
	case TCSETSF2:
		return set_termios_in(tp, uarg, true, true);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termio(tp, cmd, uarg);
	case TIOCGETD:
		return put_int(0, uarg);	/* N_TTY */
	case TIOCSETD:
		return set_discipline(uarg);
	default:
		return ENOTTY;
	}
}

static int
ioctl_jobs(struct tty *tp, bool farside, unsigned long cmd, uintptr_t arg)
{
	int error, id;

	switch (cmd) {
	case TIOCGPGRP:
	case TIOCGSID:
		error = get_pgrp(tp, farside, &id, cmd == TIOCGSID);
		return error != 0 ? error : put_int(id, (void *)arg);
	case TIOCSPGRP:
		return set_pgrp(tp, (const void *)arg);
	case TIOCSCTTY:
		return farside ? EIO : set_ctty(tp, arg);
	case TIOCNOTTY:
		return give_up_ctty(tp);
	case TIOCVHANGUP:
		if (cred_capable(curlwp->l_cred, CAP_SYS_ADMIN) != 0)
			return EPERM;
		tty_revoke(tp);
		return 0;
	default:
		return ENOTTY;
	}
}

static int
outq_count(struct tty *tp)
{
	return (tp->t_drv->td_flags & TD_NODRAIN) != 0 ? 0 :
	    (int)tty_output_pending(tp);
}

int
tty_ioctl(struct tty *tp, bool farside, unsigned long cmd, uintptr_t arg)
{
	void *uarg = (void *)arg;
	struct kwinsize w;
	int error;

	switch (cmd) {
	case TIOCGWINSZ:
		spin_enter(&tp->t_lock);
		w = tp->t_winsize;
		spin_exit(&tp->t_lock);
		return copyout(&w, uarg, sizeof(w));
	case TIOCSWINSZ:
		return set_winsize(tp, uarg);
	case FIONREAD:
		return put_int((int)tty_inq_readable(tp), uarg);
	case TIOCOUTQ:
		return put_int(outq_count(tp), uarg);
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
	case TIOCGEXCL:
		return put_int((tp->t_flags & TF_EXCL) != 0, uarg);
	case TIOCGDEV:
		return put_int((int)(minor(tp->t_dev) & 0xff) |
		    (int)(major(tp->t_dev) << 8) |
		    (int)(minor(tp->t_dev) & ~0xffU) << 12, uarg);
	default:
		error = ioctl_settings(tp, cmd, uarg);
		return error != ENOTTY ? error :
		    ioctl_jobs(tp, farside, cmd, arg);
	}
}
