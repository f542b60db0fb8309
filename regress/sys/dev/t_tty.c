/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline: editing, echo, signals, raw mode, flow control.
 */
/* sources: sys/dev/tty.c */
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>

#include <ktest.h>

static struct tty tt;
static unsigned char inbuf[TTY_QSIZE], outbuf[TTY_QSIZE];
static int signalled;
static unsigned int starts;
static struct pgrp group;
static char text[TTY_QSIZE + 1];

void
pgsignal(struct pgrp *pg, int signo)
{
	KASSERT(pg == &group);
	signalled = signo;
}

struct pgrp *
pgrp_get(struct pgrp *pg)
{
	return pg;
}

void
pgrp_put(struct pgrp *pg)
{
	KASSERT(pg == &group);
}

void
pollwakeup(struct pollhead *ph, unsigned int events)
{
	KASSERT(ph == &tt.t_poll && events != 0);
}

static void
drv_start(struct tty *tp)
{
	KASSERT(tp == &tt && !spin_owned(&tp->t_lock));
	starts++;
}

static const struct ttydrv drv = { .td_start = drv_start };

static void
setup(void)
{
	spin_init(&tt.t_lock, "tty");
	cv_init(&tt.t_incv, "in");
	cv_init(&tt.t_outcv, "out");
	tt.t_inq.tq_buf = inbuf;
	tt.t_outq.tq_buf = outbuf;
	tt.t_drv = &drv;
	tt.t_pgrp = &group;
	tty_set_default(&tt.t_termios);
}

static size_t
type(const char *s)
{
	return tty_input(&tt, s, strlen(s));
}

/* What the terminal shows since the last look. */
static const char *
screen(void)
{
	size_t n = tty_output_get(&tt, text, sizeof(text) - 1);

	text[n] = '\0';
	return text;
}

/* One read(2). */
static const char *
line(bool *eol)
{
	bool e;
	size_t n;

	spin_enter(&tt.t_lock);
	n = tty_inq_read(&tt, (unsigned char *)text, sizeof(text) - 1, &e);
	spin_exit(&tt.t_lock);
	text[n] = '\0';
	if (eol != NULL)
		*eol = e;
	return text;
}

TEST(a_line_and_its_echo)
{
	bool eol;

	setup();
	CHECK_EQ(type("ls\r"), 3);
	CHECK_STR(screen(), "ls\r\n");
	CHECK_STR(line(&eol), "ls\n");
	CHECK(eol);
	CHECK_STR(line(NULL), "");
	CHECK(starts > 0);
}

TEST(nothing_before_the_line_ends)
{
	setup();
	(void)type("abc");
	CHECK_EQ(tty_inq_readable(&tt), 0);
	(void)type("\n");
	CHECK_EQ(tty_inq_readable(&tt), 4);
}

TEST(erase_word_kill)
{
	setup();
	(void)type("abd\x7f" "c\n");
	CHECK_STR(screen(), "abd\b \bc\r\n");
	CHECK_STR(line(NULL), "abc\n");
	(void)type("one two  \x17" "x\n");
	CHECK_STR(line(NULL), "one x\n");
	(void)screen();
	(void)type("gone\x15kept\n");
	CHECK_STR(line(NULL), "kept\n");
	/* Nothing to erase: no harm. */
	(void)type("\x7f\x17\x15\n");
	CHECK_STR(line(NULL), "\n");
}

TEST(erase_utf8_and_tab)
{
	setup();
	tt.t_termios.c_iflag |= IUTF8;
	(void)type("a\xc3\xa9\x7f" "b\n");
	CHECK_STR(line(NULL), "ab\n");
	CHECK_STR(screen(), "a\xc3\xa9\b \bb\r\n");
	(void)type("ab\t\x7f");
	CHECK_STR(screen(), "ab\t\b\b\b\b\b\b");
	CHECK_EQ(tt.t_column, 2);
	(void)type("\x01\x7f");
	CHECK_STR(screen(), "^A\b \b\b \b");
}

TEST(signals_flush)
{
	setup();
	(void)type("half\x03");
	CHECK_EQ(signalled, SIGINT);
	CHECK_STR(screen(), "^C");
	(void)type("x\n");
	CHECK_STR(line(NULL), "x\n");
	(void)type("\x1a");
	CHECK_EQ(signalled, SIGTSTP);
	(void)type("\x1c");
	CHECK_EQ(signalled, SIGQUIT);
	signalled = 0;
	tt.t_termios.c_lflag &= ~(tcflag_k)ISIG;
	(void)type("\x03\n");
	CHECK_EQ(signalled, 0);
	CHECK_STR(line(NULL), "\x03\n");
}

TEST(end_of_file)
{
	bool eol;

	setup();
	(void)type("ab\x04");
	CHECK_STR(line(&eol), "ab");
	CHECK(eol);
	(void)type("\x04");
	CHECK_STR(line(&eol), "");
	CHECK(eol);
	CHECK_EQ(tt.t_nlines, 0);
	CHECK_EQ(tt.t_inq.tq_count, 0);
}

TEST(literal_next)
{
	setup();
	(void)type("\x16\x03\x16\x7f\n");
	CHECK_STR(line(NULL), "\x03\x7f\n");
	CHECK_EQ(signalled, 0);
}

TEST(raw_mode)
{
	setup();
	tt.t_termios.c_lflag &= ~(tcflag_k)(ICANON | ECHO | ISIG);
	tt.t_termios.c_iflag &= ~(tcflag_k)(ICRNL | IXON);
	(void)type("a\r\x03\x04\x13");
	CHECK_STR(line(NULL), "a\r\x03\x04\x13");
	CHECK_STR(screen(), "");
}

TEST(switching_modes_keeps_input)
{
	bool eol;

	setup();
	(void)type("whole\npart");
	tt.t_termios.c_lflag &= ~(tcflag_k)ICANON;
	tty_recanon(&tt);
	CHECK_EQ(tty_inq_readable(&tt), 10);
	CHECK_STR(line(NULL), "whole\npart");
	(void)type("raw");
	tt.t_termios.c_lflag |= ICANON;
	tty_recanon(&tt);
	CHECK_STR(line(&eol), "raw");
	CHECK(eol);
}

TEST(flow_control)
{
	setup();
	(void)type("\x13");
	CHECK(tty_output_char(&tt, 'x'));
	CHECK_STR(screen(), "");
	(void)type("\x11");
	CHECK_STR(screen(), "x");
}

TEST(full_of_lines_throttles)
{
	size_t i, taken = 0;

	setup();
	tt.t_termios.c_lflag &= ~(tcflag_k)ECHO;
	for (i = 0; i < 2 * TTY_QSIZE; i++)
		taken += tty_input(&tt, "\n", 1);
	CHECK_EQ(taken, TTY_QSIZE - 1);
	CHECK((tt.t_flags & TF_THROTTLED) != 0);
	CHECK_STR(line(NULL), "\n");
	CHECK_EQ(tty_input(&tt, "\n", 1), 1);
}

TEST(a_line_too_long_still_ends)
{
	size_t i;

	setup();
	tt.t_termios.c_lflag &= ~(tcflag_k)ECHO;
	for (i = 0; i < 2 * TTY_QSIZE; i++)
		CHECK_EQ(tty_input(&tt, "a", 1), 1);
	CHECK_EQ(tty_input(&tt, "\n", 1), 1);
	(void)line(NULL);
	CHECK_EQ(strlen(text), TTY_QSIZE);
	CHECK(text[TTY_QSIZE - 1] == '\n');
}

TEST(output_processing)
{
	setup();
	(void)tty_output_char(&tt, '\n');
	CHECK_STR(screen(), "\r\n");
	tt.t_termios.c_oflag |= XTABS;
	(void)tty_output_char(&tt, 'a');
	(void)tty_output_char(&tt, '\t');
	CHECK_STR(screen(), "a       ");
	tt.t_termios.c_oflag = 0;
	(void)tty_output_char(&tt, '\n');
	CHECK_STR(screen(), "\n");
}

TEST(output_is_bounded_and_echo_has_room)
{
	size_t n = 0;

	setup();
	while (tty_output_char(&tt, 'x'))
		n++;
	CHECK(n > TTY_QSIZE / 2 && n < TTY_QSIZE);
	(void)type("e");
	CHECK_EQ(tty_output_get(&tt, text, sizeof(text)), n + 1);
	CHECK(text[n] == 'e');
}
