/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals: the pair, its settings, job control, hangup, packet mode.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "tap.h"

#ifndef TIOCGPTPEER
#define	TIOCGPTPEER	0x5441
#endif

/* devpts is there, or is put there: a guest's init may not have done so. */
__attribute__((__constructor__)) static void
setup(void)
{
	if (access("/dev/pts/ptmx", F_OK) == 0)
		return;
	(void)mkdir("/dev/pts", 0755);
	if (mount("devpts", "/dev/pts", "devpts", 0,
	    "newinstance,gid=5,mode=620,ptmxmode=666") != 0)
		printf("# no devpts: errno %d\n", errno);
}

static int
master_open(char *name, size_t size)
{
	int m, n, zero = 0;

	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	CHECK(m >= 0);
	CHECK_EQ(ioctl(m, TIOCGPTN, &n), 0);
	CHECK_EQ(ioctl(m, TIOCSPTLCK, &zero), 0);
	snprintf(name, size, "/dev/pts/%d", n);
	return m;
}

static void
pair(int *m, int *s)
{
	char name[32];

	*m = master_open(name, sizeof(name));
	*s = open(name, O_RDWR | O_NOCTTY);
	CHECK(*s >= 0);
}

static void
raw(int fd)
{
	struct termios t;

	CHECK_EQ(tcgetattr(fd, &t), 0);
	cfmakeraw(&t);
	CHECK_EQ(tcsetattr(fd, TCSANOW, &t), 0);
}

static int
ready(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* Read until n bytes are there. */
static void
read_all(int fd, char *buf, size_t n)
{
	size_t got = 0;
	ssize_t k;

	while (got < n) {
		k = read(fd, buf + got, n - got);
		CHECK(k > 0);
		got += (size_t)k;
	}
}

TEST(both_directions_and_echo)
{
	char buf[64];
	int m, s;

	pair(&m, &s);
	CHECK_EQ(isatty(s), 1);
	CHECK_EQ(isatty(m), 1);
	CHECK_EQ(write(m, "hello\n", 6), 6);
	CHECK_EQ(read(s, buf, sizeof(buf)), 6);
	CHECK(memcmp(buf, "hello\n", 6) == 0);
	read_all(m, buf, 7);
	CHECK(memcmp(buf, "hello\r\n", 7) == 0);
	CHECK_EQ(write(s, "a\nb", 3), 3);
	read_all(m, buf, 4);
	CHECK(memcmp(buf, "a\r\nb", 4) == 0);
	CHECK_ERR(lseek(m, 0, SEEK_CUR), ESPIPE);
	CHECK_ERR(lseek(s, 0, SEEK_CUR), ESPIPE);
	close(s);
	close(m);
}

TEST(names_and_nodes)
{
	struct stat st;
	char name[32], link[64], fd[32];
	int m, s, n, lock, dev;
	ssize_t k;

	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	CHECK(m >= 0);
	CHECK_EQ(ioctl(m, TIOCGPTN, &n), 0);
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	CHECK_EQ(ioctl(m, TIOCGPTLCK, &lock), 0);
	CHECK_EQ(lock, 1);
	CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
	lock = 0;
	CHECK_EQ(ioctl(m, TIOCSPTLCK, &lock), 0);
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	CHECK_EQ(fstat(s, &st), 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(major(st.st_rdev), 136);
	CHECK_EQ(minor(st.st_rdev), n);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_EQ(ioctl(s, TIOCGDEV, &dev), 0);
	CHECK_EQ(dev, (int)st.st_rdev);
	CHECK_EQ(fchmod(s, 0640), 0);
	CHECK_EQ(stat(name, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0640);
	snprintf(fd, sizeof(fd), "/proc/self/fd/%d", s);
	k = readlink(fd, link, sizeof(link) - 1);
	CHECK(k > 0);
	link[k] = '\0';
	CHECK(strcmp(link, name) == 0);
	CHECK_ERR(ioctl(s, TIOCGPTN, &n), ENOTTY);
	close(s);
	close(m);
	CHECK_ERR(stat(name, &st), ENOENT);
	CHECK_ERR(open("/dev/pts/no", O_RDONLY), ENOENT);
	CHECK_ERR(open("/dev/pts/x", O_CREAT | O_RDWR, 0600), EACCES);
}

TEST(the_peer_by_ioctl)
{
	char name[32], link[64], fd[32], c;
	int m, s;
	ssize_t k;

	m = master_open(name, sizeof(name));
	s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(s >= 0);
	CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(s, F_GETFL) & (O_ACCMODE | O_NOCTTY), O_RDWR);
	snprintf(fd, sizeof(fd), "/proc/self/fd/%d", s);
	k = readlink(fd, link, sizeof(link) - 1);
	CHECK(k > 0);
	link[k] = '\0';
	CHECK(strcmp(link, name) == 0);
	raw(s);
	CHECK_EQ(write(m, "x", 1), 1);
	CHECK_EQ(read(s, &c, 1), 1);
	CHECK_EQ(c, 'x');
}

TEST(settings_from_both_sides)
{
	struct termios t, u;
	struct winsize w = { .ws_row = 25, .ws_col = 132 }, v;
	int m, s, n;

	pair(&m, &s);
	CHECK_EQ(tcgetattr(s, &t), 0);
	CHECK((t.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));
	t.c_lflag &= ~(tcflag_t)ECHO;
	CHECK_EQ(tcsetattr(m, TCSANOW, &t), 0);
	CHECK_EQ(tcgetattr(s, &u), 0);
	CHECK((u.c_lflag & ECHO) == 0);
	CHECK_EQ(ioctl(s, TIOCGWINSZ, &v), 0);
	CHECK_EQ(v.ws_row, 0);
	CHECK_EQ(ioctl(m, TIOCSWINSZ, &w), 0);
	CHECK_EQ(ioctl(s, TIOCGWINSZ, &v), 0);
	CHECK_EQ(v.ws_col, 132);
	CHECK_EQ(ioctl(s, TIOCGETD, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(tcdrain(s), 0);	/* nobody reads, and it does not wait */
	CHECK_EQ(write(s, "out", 3), 3);
	CHECK_EQ(tcdrain(s), 0);
	for (n = 0; n != 3;)		/* Linux brings it a little later */
		CHECK_EQ(ioctl(m, FIONREAD, &n), 0);
	CHECK_EQ(tcflush(m, TCIFLUSH), 0);
	CHECK_EQ(ioctl(m, FIONREAD, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_ERR(ioctl(s, 0x54fe, 0), ENOTTY);
}

TEST(poll_and_nonblocking)
{
	static char big[70000];
	int m, s;
	char c;

	pair(&m, &s);
	raw(s);
	CHECK_EQ(fcntl(m, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_EQ(fcntl(s, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	CHECK_ERR(read(m, &c, 1), EAGAIN);
	CHECK_ERR(read(s, &c, 1), EAGAIN);
	CHECK_EQ(ready(m, POLLIN | POLLOUT), POLLOUT);
	CHECK_EQ(ready(s, POLLIN | POLLOUT), POLLOUT);
	CHECK_EQ(write(s, "x", 1), 1);
	CHECK_EQ(ready(m, POLLIN | POLLOUT), POLLIN | POLLOUT);
	CHECK_EQ(write(m, "y", 1), 1);
	CHECK_EQ(ready(s, POLLIN), POLLIN);
	/* Full in both directions. */
	while (write(s, big, sizeof(big)) > 0)
		continue;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(ready(s, POLLOUT), 0);
	while (write(m, big, sizeof(big)) > 0)
		continue;
	CHECK_EQ(errno, EAGAIN);
	while (read(m, big, sizeof(big)) > 0)
		continue;
	while (read(s, big, sizeof(big)) > 0)
		sleep_ms(1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(ready(s, POLLIN | POLLOUT) & POLLOUT, POLLOUT);
}

TEST(much_data_through_a_raw_pair)
{
	enum { SIZE = 200000 };
	static unsigned char buf[4096];
	int m, s, i, n, sum = 0, want = 0;
	pid_t pid;

	pair(&m, &s);
	raw(s);
	if ((pid = fork()) == 0) {
		close(m);
		for (i = 0; i < SIZE; i += n) {
			n = SIZE - i < 4096 ? SIZE - i : 4096;
			for (int k = 0; k < n; k++)
				buf[k] = (unsigned char)((i + k) * 7);
			n = (int)write(s, buf, (size_t)n);
			CHECK(n > 0);
		}
		_exit(0);
	}
	close(s);
	for (i = 0; i < SIZE; i += n) {
		n = (int)read(m, buf, sizeof(buf));
		CHECK(n > 0);
		for (int k = 0; k < n; k++) {
			sum += buf[k];
			want += (unsigned char)((i + k) * 7);
		}
	}
	CHECK_EQ(sum, want);
	reap(pid, 0);
	CHECK_ERR(read(m, buf, 1), EIO);
}

TEST(the_slave_closes)
{
	char name[32], buf[16];
	int m, s;

	m = master_open(name, sizeof(name));
	CHECK_EQ(ready(m, POLLIN), 0);		/* never opened: no hangup */
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	CHECK_EQ(write(s, "last", 4), 4);
	close(s);
	CHECK_EQ(ready(m, POLLIN), POLLIN | POLLHUP);
	CHECK_EQ(read(m, buf, sizeof(buf)), 4);
	CHECK_ERR(read(m, buf, sizeof(buf)), EIO);
	CHECK((ready(m, POLLIN) & POLLHUP) != 0);
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	CHECK_EQ(ready(m, POLLIN), 0);
	CHECK_EQ(write(s, "on", 2), 2);
	CHECK_EQ(read(m, buf, sizeof(buf)), 2);
}

TEST(the_master_closes)
{
	struct termios t;
	char name[32], buf[16];
	int m, s;

	m = master_open(name, sizeof(name));
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	CHECK_EQ(write(m, "lost\n", 5), 5);
	close(m);
	CHECK_EQ(read(s, buf, sizeof(buf)), 0);
	CHECK_ERR(write(s, "x", 1), EIO);
	CHECK_ERR(tcgetattr(s, &t), EIO);
	CHECK((ready(s, POLLIN) & (POLLHUP | POLLERR)) == (POLLHUP | POLLERR));
	CHECK_ERR(open(name, O_RDWR | O_NOCTTY), ENOENT);
}

static volatile sig_atomic_t hups, conts;

static void
on_signal(int signo)
{
	if (signo == SIGHUP)
		hups++;
	else
		conts++;
}

/* A session with the slave as its terminal, in a child; the child's pid. */
static pid_t
session(int m, const char *name, void (*body)(int s))
{
	pid_t pid;
	int s;

	if ((pid = fork()) != 0)
		return pid;
	close(m);
	CHECK(setsid() > 0);
	s = open(name, O_RDWR);
	CHECK(s >= 0);
	body(s);
	_exit(0);
}

static void
wait_hangup(int s)
{
	char c;
	ssize_t n;

	signal(SIGHUP, on_signal);
	signal(SIGCONT, on_signal);
	CHECK_EQ(write(s, "go\n", 3), 3);
	while (hups == 0)
		pause();
	sleep_ms(1);
	n = read(s, &c, 1);
	CHECK(n == 0 || (n == -1 && errno == EIO));
	CHECK(conts > 0);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
}

TEST(the_session_leader_hears_of_it)
{
	char name[32], buf[8];
	int m = master_open(name, sizeof(name));
	pid_t pid = session(m, name, wait_hangup);

	read_all(m, buf, 4);
	close(m);
	reap(pid, 0);
}

static void
controlling(int s)
{
	struct winsize w;
	int t, sid;

	CHECK_EQ(tcgetsid(s), getpid());
	CHECK_EQ(tcgetpgrp(s), getpgrp());
	t = open("/dev/tty", O_RDWR);
	CHECK(t >= 0);
	CHECK_EQ(ioctl(t, TIOCGSID, &sid), 0);
	CHECK_EQ(sid, getpid());
	CHECK_EQ(ioctl(t, TIOCGWINSZ, &w), 0);
	CHECK_EQ(write(t, "tty\n", 4), 4);
	CHECK_EQ(ioctl(t, TIOCSCTTY, 0), 0);	/* it is already */
	signal(SIGHUP, SIG_IGN);
	CHECK_EQ(ioctl(s, TIOCNOTTY), 0);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
	CHECK_ERR(tcgetpgrp(s), ENOTTY);
	CHECK_EQ(ioctl(s, TIOCSCTTY, 0), 0);
	CHECK_EQ(tcgetpgrp(s), getpgrp());
}

TEST(controlling_terminal)
{
	char name[32], buf[8];
	int m = master_open(name, sizeof(name)), fg;
	pid_t pid;

	CHECK_EQ(ioctl(m, TIOCGPGRP, &fg), 0);
	CHECK_EQ(fg, 0);
	CHECK_ERR(ioctl(m, TIOCGSID, &fg), ENOTTY);
	pid = session(m, name, controlling);
	read_all(m, buf, 5);
	CHECK(memcmp(buf, "tty\r\n", 5) == 0);
	reap(pid, 0);
}

static volatile sig_atomic_t last;

static void
on_any(int signo)
{
	last = signo;
}

static void
signals(int s)
{
	static const int expect[] = { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH };

	for (unsigned int i = 0; i < 4; i++)
		signal(expect[i], on_any);
	for (unsigned int i = 0; i < 4; i++) {
		last = 0;
		CHECK_EQ(write(s, "next\n", 5), 5);
		while (last == 0)
			sleep_ms(1);
		CHECK_EQ(last, expect[i]);
	}
	CHECK_EQ(write(s, "next\n", 5), 5);
	last = 0;
	while (last == 0)
		sleep_ms(1);
	CHECK_EQ(last, SIGINT);			/* TIOCSIG */
}

TEST(signals_from_the_keyboard)
{
	struct winsize w = { .ws_row = 1, .ws_col = 2 };
	char name[32], buf[64];
	int m = master_open(name, sizeof(name));
	pid_t pid = session(m, name, signals);

	read_all(m, buf, 6);
	sleep_ms(50 * tap_slow());
	CHECK_EQ(write(m, "\003", 1), 1);
	read_all(m, buf, 8);			/* ^C, next */
	sleep_ms(50 * tap_slow());
	CHECK_EQ(write(m, "\034", 1), 1);
	read_all(m, buf, 8);
	sleep_ms(50 * tap_slow());
	CHECK_EQ(write(m, "\032", 1), 1);
	read_all(m, buf, 8);
	sleep_ms(50 * tap_slow());
	CHECK_EQ(ioctl(m, TIOCSWINSZ, &w), 0);
	read_all(m, buf, 6);
	sleep_ms(50 * tap_slow());
	CHECK_ERR(ioctl(m, _IOW('T', 0x36, int), 77), EINVAL);
	CHECK_EQ(ioctl(m, _IOW('T', 0x36, int), SIGINT), 0);
	reap(pid, 0);
}

static void
background(int s)
{
	int status;
	pid_t pid;
	char c;

	signal(SIGTTOU, SIG_IGN);
	if ((pid = fork()) == 0) {
		CHECK_EQ(setpgid(0, 0), 0);
		(void)read(s, &c, 1);
		CHECK_EQ(c, 'k');
		_exit(7);
	}
	(void)setpgid(pid, pid);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGTTIN);
	CHECK_EQ(tcsetpgrp(s, pid), 0);
	CHECK_EQ(tcgetpgrp(s), pid);
	CHECK_EQ(kill(-pid, SIGCONT), 0);
	CHECK_EQ(write(s, "fg\n", 3), 3);
	reap(pid, 7);
	CHECK_EQ(tcsetpgrp(s, getpgrp()), 0);
	CHECK_ERR(tcsetpgrp(s, getpgid(getppid())), EPERM);
}

TEST(a_background_reader_stops)
{
	char name[32], buf[8];
	int m = master_open(name, sizeof(name));
	pid_t pid = session(m, name, background);

	read_all(m, buf, 4);
	CHECK_EQ(write(m, "k\n", 2), 2);
	reap(pid, 0);
}

TEST(packet_mode)
{
	int m, s, on = 1, v;
	struct termios t;
	char buf[16];

	pair(&m, &s);
	CHECK_EQ(ioctl(m, TIOCPKT, &on), 0);
	CHECK_EQ(ioctl(m, TIOCGPKT, &v), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(write(s, "ab", 2), 2);
	CHECK_EQ(read(m, buf, sizeof(buf)), 3);
	CHECK_EQ(buf[0], TIOCPKT_DATA);
	CHECK_EQ(buf[1], 'a');
	CHECK_EQ(tcflow(s, TCOOFF), 0);
	CHECK((ready(m, POLLIN | POLLPRI) & POLLPRI) != 0);
	CHECK_EQ(read(m, buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], TIOCPKT_STOP);
	CHECK_EQ(tcflow(s, TCOON), 0);
	CHECK_EQ(read(m, buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], TIOCPKT_START);
	CHECK_EQ(tcflush(s, TCIFLUSH), 0);
	CHECK_EQ(read(m, buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], TIOCPKT_FLUSHREAD);
	CHECK_EQ(tcgetattr(s, &t), 0);
	t.c_iflag &= ~(tcflag_t)IXON;
	CHECK_EQ(tcsetattr(s, TCSANOW, &t), 0);
	CHECK_EQ(read(m, buf, sizeof(buf)), 1);
	CHECK_EQ(buf[0], TIOCPKT_NOSTOP);
	CHECK_EQ(ready(m, POLLIN | POLLPRI), 0);
}

static void
revoked(int s)
{
	char c;

	signal(SIGHUP, SIG_IGN);
	CHECK_EQ(write(s, "a\n", 2), 2);
	if (vhangup() != 0) {
		CHECK_EQ(errno, EPERM);
		return;
	}
	CHECK_EQ(read(s, &c, 1), 0);
	CHECK_ERR(write(s, &c, 1), EIO);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
}

TEST(vhangup_cuts_the_terminal_off)
{
	char name[32], buf[8];
	int m = master_open(name, sizeof(name)), s;
	pid_t pid = session(m, name, revoked);

	reap(pid, 0);
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	CHECK_EQ(write(s, "b", 1), 1);
	CHECK(read(m, buf, sizeof(buf)) > 0);
}

TEST(o_noctty_is_heeded)
{
	char name[32];
	int m = master_open(name, sizeof(name));
	pid_t pid;

	if ((pid = fork()) == 0) {
		CHECK(setsid() > 0);
		CHECK(open(name, O_RDWR | O_NOCTTY) >= 0);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		_exit(0);
	}
	reap(pid, 0);
	close(m);
}

TEST(exclusive_use)
{
	char name[32];
	int m = master_open(name, sizeof(name)), s, v;

	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	CHECK_EQ(ioctl(s, TIOCEXCL), 0);
	CHECK_EQ(ioctl(s, TIOCGEXCL, &v), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(ioctl(s, TIOCNXCL), 0);
	CHECK_EQ(ioctl(s, TIOCGEXCL, &v), 0);
	CHECK_EQ(v, 0);
	close(m);
}
