/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: the line discipline - what happens to bytes on their way from the
 * driver to the reader and from the writer to the driver.
 *
 * Overview: input goes through input_char(): signals, flow control, editing of
 * the line not yet ended (t_partial bytes at the queue's tail), echo.  A line
 * end is a bit in t_delim, so that reading knows where lines stop whatever
 * bytes are in them; an end of file is a line end whose byte is dropped.
 * Output goes through tty_output_char() into t_outq, where the driver fetches
 * it.  tty_dev.c holds open, read, write, ioctl and job control.
 *
 * Locking: t_lock (spin) for all of a tty.  Signals are sent and the driver is
 * called with it released.
 *
 * Untrusted input: any byte at any rate; queues are bounded, and what does not
 * fit is left with the driver (or, in canonical mode with a full line, dropped
 * with a bell as IMAXBEL says).
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>

#define	QMASK		(TTY_QSIZE - 1)
/* Echo must never lose against output: some room is kept for it. */
#define	ECHO_ROOM	64

/* ---- queues ---- */

static bool
q_put(struct ttyq *q, unsigned char c)
{
	if (q->tq_count == TTY_QSIZE)
		return false;
	q->tq_buf[(q->tq_head + q->tq_count++) & QMASK] = c;
	return true;
}

static unsigned int
q_tail(const struct ttyq *q)
{
	return (q->tq_head + q->tq_count) & QMASK;
}

static bool
delim_at(const struct tty *tp, unsigned int pos)
{
	pos &= QMASK;
	return (tp->t_delim[pos / __LBITS] >> (pos % __LBITS) & 1) != 0;
}

static void
delim_set(struct tty *tp, unsigned int pos, bool on)
{
	unsigned long m;

	pos &= QMASK;
	m = 1UL << (pos % __LBITS);
	if (on)
		tp->t_delim[pos / __LBITS] |= m;
	else
		tp->t_delim[pos / __LBITS] &= ~m;
}

/* ---- output ---- */

static inline bool
flag(tcflag_k set, tcflag_k f)
{
	return (set & f) != 0;
}

static unsigned int
out_room(const struct tty *tp)
{
	return TTY_QSIZE - tp->t_outq.tq_count;
}

static void
track_column(struct tty *tp, unsigned char c)
{
	switch (c) {
	case '\r':
		tp->t_column = 0;
		break;
	case '\b':
		if (tp->t_column > 0)
			tp->t_column--;
		break;
	case '\t':
		tp->t_column = (tp->t_column | 7) + 1;
		break;
	default:
		/* Control bytes and UTF-8 continuations have no width. */
		if (c >= ' ' && c != 0x7f && (c & 0xc0) != 0x80)
			tp->t_column++;
		break;
	}
}

static bool
out_raw(struct tty *tp, unsigned char c)
{
	if (!q_put(&tp->t_outq, c))
		return false;
	track_column(tp, c);
	return true;
}

/* One byte with OPOST applied; needs up to 8 places. */
static void
out_cooked(struct tty *tp, unsigned char c)
{
	tcflag_k o = tp->t_termios.c_oflag;
	unsigned int n;

	if (!flag(o, OPOST)) {
		(void)out_raw(tp, c);
		return;
	}
	if (c == '\n' && flag(o, ONLRET))
		tp->t_column = 0;
	if (c == '\n' && flag(o, ONLCR)) {
		(void)out_raw(tp, '\r');
	} else if (c == '\r') {
		if (flag(o, ONOCR) && tp->t_column == 0)
			return;
		if (flag(o, OCRNL))
			c = '\n';
	} else if (c == '\t' && (o & TABDLY) == XTABS) {
		for (n = 8 - (tp->t_column & 7); n > 0; n--)
			(void)out_raw(tp, ' ');
		return;
	} else if (flag(o, OLCUC) && c >= 'a' && c <= 'z') {
		c -= 'a' - 'A';
	}
	(void)out_raw(tp, c);
}

bool
tty_output_char(struct tty *tp, unsigned char c)
{
	if (out_room(tp) < ECHO_ROOM + 8)
		return false;
	out_cooked(tp, c);
	return true;
}

size_t
tty_output_take(struct tty *tp, void *buf, size_t n)
{
	struct ttyq *q = &tp->t_outq;
	unsigned char *p = buf;
	size_t i = 0;

	if (!flag(tp->t_flags, TF_STOPPED)) {
		while (i < n && q->tq_count > 0) {
			p[i++] = q->tq_buf[q->tq_head++ & QMASK];
			q->tq_count--;
		}
	}
	if (i > 0 && out_room(tp) >= TTY_QSIZE / 2) {
		cv_broadcast(&tp->t_outcv);
		pollwakeup(&tp->t_poll, POLLOUT | POLLWRNORM);
	}
	return i;
}

size_t
tty_output_get(struct tty *tp, void *buf, size_t n)
{
	size_t got;

	spin_enter(&tp->t_lock);
	got = tty_output_take(tp, buf, n);
	spin_exit(&tp->t_lock);
	return got;
}

/* The driver wants to know, maybe.  t_lock held. */
static void
tell_driver(struct tty *tp, unsigned int ev)
{
	if (ev != 0 && tp->t_drv->td_event != NULL)
		tp->t_drv->td_event(tp, ev);
}

void
tty_stop_output(struct tty *tp, bool stop)
{
	if (flag(tp->t_flags, TF_STOPPED) == stop)
		return;
	tp->t_flags ^= TF_STOPPED;
	tell_driver(tp, stop ? TTYEV_STOP : TTYEV_START);
}

size_t
tty_output_pending(struct tty *tp)
{
	return tp->t_outq.tq_count;
}

/* ---- echo ---- */

static bool
shown_as_caret(const struct tty *tp, unsigned char c)
{
	return flag(tp->t_termios.c_lflag, ECHOCTL) &&
	    (c < ' ' || c == 0x7f) && c != '\t' && c != '\n';
}

static void
echo_char(struct tty *tp, unsigned char c)
{
	if (out_room(tp) < 8)
		return;
	if (shown_as_caret(tp, c)) {
		(void)out_raw(tp, '^');
		(void)out_raw(tp, c ^ 0x40);
	} else {
		out_cooked(tp, c);
	}
}

static void
echo(struct tty *tp, unsigned char c)
{
	tcflag_k l = tp->t_termios.c_lflag;

	if (flag(l, ECHO) || (c == '\n' && flag(l, ECHONL) &&
	    flag(l, ICANON)))
		echo_char(tp, c);
}

/* ---- editing the partial line ---- */

static unsigned char
partial_at(const struct tty *tp, unsigned int i)
{
	const struct ttyq *q = &tp->t_inq;

	return q->tq_buf[(q->tq_head + q->tq_count - tp->t_partial + i) &
	    QMASK];
}

/* The screen column behind the partial line. */
static unsigned int
partial_column(const struct tty *tp)
{
	unsigned int col = tp->t_linecol, i;
	unsigned char c;

	for (i = 0; i < tp->t_partial; i++) {
		c = partial_at(tp, i);
		if (c == '\t')
			col = (col | 7) + 1;
		else if (shown_as_caret(tp, c))
			col += 2;
		else if (c >= ' ' && (c & 0xc0) != 0x80)
			col++;
	}
	return col;
}

static void
drop_last(struct tty *tp)
{
	tp->t_inq.tq_count--;
	tp->t_partial--;
}

/* Take one character (of several bytes with IUTF8) off the line's end. */
static void
erase_one(struct tty *tp, bool show)
{
	unsigned int before, after;
	unsigned char c;

	if (tp->t_partial == 0)
		return;
	before = partial_column(tp);
	do {
		c = partial_at(tp, tp->t_partial - 1);
		drop_last(tp);
	} while (flag(tp->t_termios.c_iflag, IUTF8) && (c & 0xc0) == 0x80 &&
	    tp->t_partial > 0);
	if (!show || !flag(tp->t_termios.c_lflag, ECHO))
		return;
	if (!flag(tp->t_termios.c_lflag, ECHOE)) {
		echo_char(tp, tp->t_termios.c_cc[VERASE]);
		return;
	}
	after = partial_column(tp);
	for (; before > after && out_room(tp) >= 8; before--) {
		(void)out_raw(tp, '\b');
		if (c != '\t') {
			(void)out_raw(tp, ' ');
			(void)out_raw(tp, '\b');
		}
	}
}

static bool
is_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static void
erase_word(struct tty *tp)
{
	while (tp->t_partial > 0 &&
	    !is_word(partial_at(tp, tp->t_partial - 1)))
		erase_one(tp, true);
	while (tp->t_partial > 0 && is_word(partial_at(tp, tp->t_partial - 1)))
		erase_one(tp, true);
}

static void
erase_line(struct tty *tp)
{
	tcflag_k l = tp->t_termios.c_lflag;
	bool rub = flag(l, ECHOKE) && flag(l, ECHOE);

	while (tp->t_partial > 0)
		erase_one(tp, rub);
	if (rub || !flag(l, ECHO))
		return;
	echo_char(tp, tp->t_termios.c_cc[VKILL]);
	if (flag(l, ECHOK))
		echo_char(tp, '\n');
}

static void
reprint(struct tty *tp)
{
	unsigned int i;

	echo_char(tp, tp->t_termios.c_cc[VREPRINT]);
	echo_char(tp, '\n');
	tp->t_linecol = tp->t_column;
	for (i = 0; i < tp->t_partial; i++)
		echo_char(tp, partial_at(tp, i));
}

/* ---- input ---- */

static void
input_wake(struct tty *tp)
{
	cv_broadcast(&tp->t_incv);
	pollwakeup(&tp->t_poll, POLLIN | POLLRDNORM);
}

/* The partial line is complete with this byte. */
static void
end_line(struct tty *tp, unsigned char c)
{
	delim_set(tp, q_tail(&tp->t_inq), true);
	(void)q_put(&tp->t_inq, c);
	tp->t_nlines++;
	tp->t_partial = 0;
	tp->t_linecol = tp->t_column;
	input_wake(tp);
}

static void
store(struct tty *tp, unsigned char c)
{
	/* A place stays free for the line's end. */
	if (tp->t_inq.tq_count >= TTY_QSIZE - 1) {
		if (flag(tp->t_termios.c_iflag, IMAXBEL))
			(void)out_raw(tp, '\a');
		return;
	}
	if (tp->t_partial == 0)
		tp->t_linecol = tp->t_column;
	delim_set(tp, q_tail(&tp->t_inq), false);
	(void)q_put(&tp->t_inq, c);
	tp->t_partial++;
	echo(tp, c);
}

static bool
is_cc(const struct tty *tp, unsigned int which, unsigned char c)
{
	/* 0 is _POSIX_VDISABLE. */
	return c != 0 && tp->t_termios.c_cc[which] == c;
}

/* Canonical mode; true if the byte was an editing one. */
static bool
edit(struct tty *tp, unsigned char c)
{
	bool ext = flag(tp->t_termios.c_lflag, IEXTEN);

	if (is_cc(tp, VERASE, c))
		erase_one(tp, true);
	else if (is_cc(tp, VKILL, c))
		erase_line(tp);
	else if (ext && is_cc(tp, VWERASE, c))
		erase_word(tp);
	else if (ext && is_cc(tp, VREPRINT, c))
		reprint(tp);
	else
		return false;
	return true;
}

static void
input_canon(struct tty *tp, unsigned char c)
{
	if (edit(tp, c))
		return;
	if (c == '\n' || is_cc(tp, VEOL, c) || is_cc(tp, VEOL2, c)) {
		echo(tp, c);
		end_line(tp, c);
	} else if (is_cc(tp, VEOF, c)) {
		end_line(tp, '\0');
	} else {
		store(tp, c);
	}
}

static int
signal_of(const struct tty *tp, unsigned char c)
{
	if (!flag(tp->t_termios.c_lflag, ISIG))
		return 0;
	if (is_cc(tp, VINTR, c))
		return SIGINT;
	if (is_cc(tp, VQUIT, c))
		return SIGQUIT;
	if (is_cc(tp, VSUSP, c))
		return SIGTSTP;
	return 0;
}

/* ^S and ^Q; true if that was all about the byte. */
static bool
flow_control(struct tty *tp, unsigned char c)
{
	if (!flag(tp->t_termios.c_iflag, IXON))
		return false;
	if (is_cc(tp, VSTART, c)) {
		tty_stop_output(tp, false);
		return true;
	}
	if (is_cc(tp, VSTOP, c)) {
		tty_stop_output(tp, true);
		return true;
	}
	if (flag(tp->t_termios.c_iflag, IXANY))
		tty_stop_output(tp, false);
	return false;
}

/* One byte from the line; the signal it means, or 0.  t_lock held. */
static int
input_char(struct tty *tp, unsigned char c)
{
	tcflag_k i = tp->t_termios.c_iflag, l = tp->t_termios.c_lflag;
	int sig;

	if (flag(i, ISTRIP))
		c &= 0x7f;
	if (flag(tp->t_flags, TF_LNEXT)) {
		tp->t_flags &= ~TF_LNEXT;
		store(tp, c);
		return 0;
	}
	if (c == '\r') {
		if (flag(i, IGNCR))
			return 0;
		if (flag(i, ICRNL))
			c = '\n';
	} else if (c == '\n' && flag(i, INLCR)) {
		c = '\r';
	}
	if (flow_control(tp, c))
		return 0;
	sig = signal_of(tp, c);
	if (sig != 0) {
		if (!flag(l, NOFLSH))
			tty_flush(tp, true, true);
		if (flag(l, ECHO))
			echo_char(tp, c);
		return sig;
	}
	if (flag(l, ICANON) && flag(l, IEXTEN) && is_cc(tp, VLNEXT, c)) {
		tp->t_flags |= TF_LNEXT;
		return 0;
	}
	if (flag(l, ICANON)) {
		input_canon(tp, c);
	} else {
		store(tp, c);
		input_wake(tp);
	}
	return 0;
}

size_t
tty_input(struct tty *tp, const void *buf, size_t n)
{
	const unsigned char *p = buf;
	struct pgrp *pg;
	size_t i;
	int sig;

	spin_enter(&tp->t_lock);
	for (i = 0; i < n; i++) {
		/*
		 * Full of lines nobody reads yet: let the driver keep the
		 * rest.  A full partial line must go on, or its end never
		 * comes.
		 */
		if (tp->t_inq.tq_count >= TTY_QSIZE - 1 &&
		    (tp->t_nlines > 0 ||
		    !flag(tp->t_termios.c_lflag, ICANON))) {
			tp->t_flags |= TF_THROTTLED;
			break;
		}
		sig = input_char(tp, p[i]);
		if (sig == 0 || tp->t_pgrp == NULL)
			continue;
		pg = pgrp_get(tp->t_pgrp);
		spin_exit(&tp->t_lock);
		pgsignal(pg, sig);
		pgrp_put(pg);
		spin_enter(&tp->t_lock);
	}
	spin_exit(&tp->t_lock);
	tp->t_drv->td_start(tp);	/* echo, and what ^Q released */
	return i;
}

/* ---- for readers ---- */

size_t
tty_inq_readable(struct tty *tp)
{
	if (flag(tp->t_termios.c_lflag, ICANON))
		return tp->t_nlines > 0 ?
		    tp->t_inq.tq_count - tp->t_partial : 0;
	return tp->t_inq.tq_count;
}

size_t
tty_inq_read(struct tty *tp, unsigned char *buf, size_t n, bool *eol)
{
	bool canon = flag(tp->t_termios.c_lflag, ICANON);
	struct ttyq *q = &tp->t_inq;
	unsigned char c;
	size_t got = 0;
	bool end;

	*eol = false;
	while (got < n && tty_inq_readable(tp) > 0 && !*eol) {
		end = delim_at(tp, q->tq_head);
		c = q->tq_buf[q->tq_head++ & QMASK];
		q->tq_count--;
		if (end) {
			delim_set(tp, q->tq_head - 1, false);
			tp->t_nlines--;
			*eol = canon;
			if (c == '\0')
				continue;	/* end of file: no byte */
		} else if (!canon && tp->t_partial > q->tq_count) {
			tp->t_partial = q->tq_count;
		}
		buf[got++] = c;
	}
	return got;
}

void
tty_flush(struct tty *tp, bool in, bool out)
{
	if (in) {
		memset(tp->t_delim, 0, sizeof(tp->t_delim));
		tp->t_inq.tq_count = 0;
		tp->t_nlines = tp->t_partial = 0;
		tp->t_linecol = tp->t_column;
	}
	if (out) {
		tp->t_outq.tq_count = 0;
		cv_broadcast(&tp->t_outcv);
		pollwakeup(&tp->t_poll, POLLOUT | POLLWRNORM);
	}
	tell_driver(tp, (in ? TTYEV_FLUSHIN : 0) | (out ? TTYEV_FLUSHOUT : 0));
}

void
tty_recanon(struct tty *tp)
{
	/*
	 * To canonical: what came before counts as one complete line.  To
	 * raw: all that is queued can be read at once.
	 */
	if (flag(tp->t_termios.c_lflag, ICANON)) {
		if (tp->t_partial > 0) {
			delim_set(tp, q_tail(&tp->t_inq) - 1, true);
			tp->t_nlines++;
			tp->t_partial = 0;
		}
	}
	if (tty_inq_readable(tp) > 0)
		input_wake(tp);
}

void
tty_set_default(struct ktermios *t)
{
	static const uint8_t cc[NCCS_K] = {
		[VINTR] = 0x03, [VQUIT] = 0x1c, [VERASE] = 0x7f,
		[VKILL] = 0x15, [VEOF] = 0x04, [VMIN] = 1, [VSTART] = 0x11,
		[VSTOP] = 0x13, [VSUSP] = 0x1a, [VREPRINT] = 0x12,
		[VDISCARD] = 0x0f, [VWERASE] = 0x17, [VLNEXT] = 0x16,
	};

	t->c_iflag = ICRNL | IXON;
	t->c_oflag = OPOST | ONLCR;
	t->c_cflag = B38400 | CS8 | CREAD | HUPCL;
	t->c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
	    IEXTEN;
	t->c_line = 0;
	memcpy(t->c_cc, cc, sizeof(cc));
}
