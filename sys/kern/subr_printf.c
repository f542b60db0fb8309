/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel messages: printf, log, the message buffer and the consoles.
 *
 * Overview: a message is formatted in pieces; each piece goes to the message
 * buffer, a ring of the last MSGBUF_SIZE bytes, and to every registered
 * console.  A line gets its level (in the buffer only) and the time in front.
 *
 * Locking: one lock, taken with interrupts off and held for a whole message,
 * so that lines do not mix.  It is no struct spinlock: the lock-order checker
 * prints too.  A CPU that holds it already (a fault inside a message, a panic)
 * goes on without; a panic waits for another CPU only a while.
 *
 * Suspend: nothing prints between the stop of the other CPUs and their
 * release; this is asserted.
 */
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/cons.h>
#include <sys/cpu.h>
#include <sys/systm.h>
#include <machine/intr.h>

#define	PIECE		128		/* bytes collected before output */
#define	PANIC_PATIENCE	(1U << 24)	/* turns a panic waits for the lock */

int cons_loglevel = 8;

static struct consdev *consoles;
static nsec_t (*cons_clock)(void);

static char msgbuf[MSGBUF_SIZE];
static uint64_t msgbuf_pos;		/* bytes ever written */
static bool msgbuf_midline;		/* the last byte was no newline */

static struct cpu_info *print_owner;	/* [a] */

struct hold {
	bool	intr;
	bool	locked;
};

/* A message on its way out. */
struct message {
	int	level;
	bool	shown;			/* on the consoles too */
	size_t	used;
	char	piece[PIECE];
};

static struct hold
print_enter(void)
{
	struct hold h = { .intr = intr_disable() };
	struct cpu_info *me = curcpu();
	unsigned int turns = 0;

	if (atomic_load(&print_owner) == me)
		return h;
	while (!atomic_cas(&print_owner, NULL, me)) {
		if (panicstr != NULL && ++turns > PANIC_PATIENCE)
			return h;
		cpu_relax();
	}
	h.locked = true;
	return h;
}

static void
print_exit(struct hold h)
{
	if (h.locked)
		atomic_store(&print_owner, NULL);
	intr_restore(h.intr);
}

static void
msgbuf_add(const char *s, size_t n)
{
	for (; n > 0; s++, n--)
		msgbuf[msgbuf_pos++ % MSGBUF_SIZE] = *s;
}

static void
cons_write(const char *s, size_t n)
{
	struct consdev *cn;

	for (cn = consoles; cn != NULL; cn = cn->cn_next)
		cn->cn_write(s, n);
}

static void
message_flush(struct message *m)
{
	if (m->used == 0)
		return;
	msgbuf_add(m->piece, m->used);
	if (m->shown)
		cons_write(m->piece, m->used);
	m->used = 0;
}

/* The level goes to the buffer only, the time to both. */
static void
message_start_line(struct message *m)
{
	char text[32];
	nsec_t now;

	message_flush(m);
	scnprintf(text, sizeof(text), "<%d>", m->level);
	msgbuf_add(text, 3);
	if (cons_clock == NULL)
		return;
	now = cons_clock();
	m->used = (size_t)scnprintf(m->piece, sizeof(m->piece),
	    "[%5lld.%06lld] ", (long long)(now / NSEC_PER_SEC),
	    (long long)(now % NSEC_PER_SEC / NSEC_PER_USEC));
}

static void
message_out(void *arg, const char *s, size_t n)
{
	struct message *m = arg;

	for (; n > 0; s++, n--) {
		if (!msgbuf_midline)
			message_start_line(m);
		if (m->used == sizeof(m->piece))
			message_flush(m);
		m->piece[m->used++] = *s;
		msgbuf_midline = *s != '\n';
	}
}

static void __printflike(2, 0)
vlog(int level, const char *fmt, va_list ap)
{
	struct message m;
	struct hold h;

	KASSERT(!cpu_others_stopped || panicstr != NULL);
	m.level = level;
	m.shown = level < cons_loglevel || panicstr != NULL;
	m.used = 0;
	h = print_enter();
	kvprintf(message_out, &m, fmt, ap);
	message_flush(&m);
	print_exit(h);
}

void
vprintf(const char *fmt, va_list ap)
{
	vlog(LOG_NOTICE, fmt, ap);
}

void
printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_NOTICE, fmt, ap);
	va_end(ap);
}

void
log(int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(level, fmt, ap);
	va_end(ap);
}

void
cons_set_clock(nsec_t (*uptime)(void))
{
	cons_clock = uptime;
}

BOOT_OPTION(opt_quiet, "quiet", "show only warnings and errors");
BOOT_OPTION(opt_debug, "debug", "show all messages");
BOOT_OPTION(opt_loglevel, "loglevel", "show messages below this level");

void
cons_options(void)
{
	char value[8];
	uint32_t level;

	if (boot_option("quiet", NULL, 0))
		cons_loglevel = LOG_WARNING + 1;
	if (boot_option("debug", NULL, 0))
		cons_loglevel = LOG_DEBUG + 1;
	if (boot_option("loglevel", value, sizeof(value))) {
		if (kstrtou32(value, 10, &level) == 0 && level <= 8)
			cons_loglevel = (int)level;
		else
			log(LOG_WARNING, "boot: loglevel=%s is not 0 to 8\n",
			    value);
	}
}

static uint64_t
msgbuf_start_locked(void)
{
	return msgbuf_pos > MSGBUF_SIZE ? msgbuf_pos - MSGBUF_SIZE : 0;
}

/* The rest of a line that lost its beginning is skipped. */
static uint64_t
msgbuf_skip(uint64_t pos)
{
	uint64_t start = msgbuf_start_locked();

	if (pos > msgbuf_pos)
		return msgbuf_pos;
	if (pos >= start)
		return pos;
	for (pos = start; pos < msgbuf_pos; pos++)
		if (msgbuf[pos % MSGBUF_SIZE] == '\n')
			return pos + 1;
	return start;
}

size_t
msgbuf_read(uint64_t *pos, char *buf, size_t len)
{
	struct hold h = print_enter();
	uint64_t p = msgbuf_skip(*pos);
	size_t n;

	for (n = 0; n < len && p < msgbuf_pos; n++)
		buf[n] = msgbuf[p++ % MSGBUF_SIZE];
	*pos = p;
	print_exit(h);
	return n;
}

uint64_t
msgbuf_start(void)
{
	struct hold h = print_enter();
	uint64_t pos = msgbuf_skip(0);

	print_exit(h);
	return pos;
}

uint64_t
msgbuf_end(void)
{
	struct hold h = print_enter();
	uint64_t pos = msgbuf_pos;

	print_exit(h);
	return pos;
}

/* Show a new console what the buffer holds, without the lines' levels. */
static void
cons_replay(struct consdev *cn)
{
	uint64_t p = msgbuf_skip(0);
	bool bol = true, hide = false;
	char piece[PIECE];
	size_t used = 0;

	for (; p < msgbuf_pos; p++) {
		if (bol && msgbuf_pos - p > 3) {
			hide = msgbuf[(p + 1) % MSGBUF_SIZE] - '0' >=
			    cons_loglevel;
			p += 3;
		}
		piece[used] = msgbuf[p % MSGBUF_SIZE];
		bol = piece[used] == '\n';
		if (!hide && ++used == sizeof(piece)) {
			cn->cn_write(piece, used);
			used = 0;
		}
	}
	if (used > 0)
		cn->cn_write(piece, used);
}

void
cons_register(struct consdev *cn, bool replay)
{
	struct hold h = print_enter();

	if (replay)
		cons_replay(cn);
	cn->cn_next = consoles;
	consoles = cn;
	print_exit(h);
}

void
cons_unregister(struct consdev *cn)
{
	struct hold h = print_enter();
	struct consdev **p;

	for (p = &consoles; *p != NULL; p = &(*p)->cn_next)
		if (*p == cn) {
			*p = cn->cn_next;
			break;
		}
	print_exit(h);
}
