/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel messages: message buffer, levels, consoles, replay.
 */
/* sources: sys/kern/subr_printf.c */
#include <sys/boot.h>
#include <sys/cons.h>
#include <sys/cpu.h>
#include <sys/systm.h>
#include <machine/intr.h>

#include <ktest.h>

static char shown[4096];
static size_t nshown;
static bool nested;

static void
show(const char *s, size_t n)
{
	CHECK(!intr_enabled());
	CHECK(nshown + n < sizeof(shown));
	memcpy(shown + nshown, s, n);
	nshown += n;
	shown[nshown] = '\0';
	if (nested) {
		nested = false;
		printf("inner\n");
	}
}

static struct consdev console = { .cn_write = show };

static const char *
dmesg(void)
{
	static char text[4096];
	uint64_t pos = 0;
	size_t n = msgbuf_read(&pos, text, sizeof(text) - 1);

	text[n] = '\0';
	CHECK(pos == msgbuf_end());
	return text;
}

static nsec_t
clock(void)
{
	return 12345678000LL;
}

TEST(levels_and_lines)
{
	cons_register(&console, true);
	cons_loglevel = LOG_WARNING + 1;
	printf("quiet %d\n", 1);
	log(LOG_ERR, "loud\nand ");
	log(LOG_ERR, "more\n");
	CHECK_STR(shown, "loud\nand more\n");
	CHECK_STR(dmesg(), "<5>quiet 1\n<3>loud\n<3>and more\n");
	CHECK(intr_enabled());
}

TEST(clock_in_front)
{
	cons_register(&console, false);
	cons_set_clock(clock);
	printf("x\n");
	CHECK_STR(shown, "[   12.345678] x\n");
	CHECK_STR(dmesg(), "<5>[   12.345678] x\n");
}

TEST(replay)
{
	printf("early\n");
	log(LOG_DEBUG, "hidden\n");
	log(LOG_ERR, "bad\n");
	cons_loglevel = LOG_DEBUG;
	cons_register(&console, true);
	CHECK_STR(shown, "early\nbad\n");
	cons_unregister(&console);
	printf("gone\n");
	CHECK_STR(shown, "early\nbad\n");
}

TEST(long_lines_and_many)
{
	static char big[300], buf[MSGBUF_SIZE];
	uint64_t pos = 0;
	size_t n, i;

	for (i = 0; i < sizeof(big) - 1; i++)
		big[i] = (char)('a' + i % 26);
	for (i = 0; i < 1000; i++)
		printf("%zu %s\n", i, big);
	CHECK(msgbuf_start() > 0);
	n = msgbuf_read(&pos, buf, sizeof(buf));
	CHECK(n <= MSGBUF_SIZE && n > MSGBUF_SIZE - 400);
	CHECK_EQ(memcmp(buf, "<5>", 3), 0);	/* starts with a whole line */
	CHECK_EQ(buf[n - 1], '\n');
	CHECK_EQ(msgbuf_read(&pos, buf, sizeof(buf)), 0);
	pos = UINT64_MAX;			/* a position of no use */
	CHECK_EQ(msgbuf_read(&pos, buf, sizeof(buf)), 0);
	CHECK(pos == msgbuf_end());
}

TEST(message_inside_a_message)
{
	cons_register(&console, false);
	nested = true;
	printf("outer\n");
	CHECK(strstr(shown, "outer\n") != NULL);
	CHECK(strstr(shown, "inner\n") != NULL);
}

TEST(panic_shows_all)
{
	cons_register(&console, false);
	cons_loglevel = 0;
	printf("unseen\n");
	panicstr = "test";
	printf("seen\n");
	CHECK_STR(shown, "seen\n");
}

TEST(no_message_while_others_are_stopped)
{
	cpu_stop_others();
	CHECK_PANIC(printf("x\n"));
	cpu_start_others();
	printf("x\n");
}

TEST(options)
{
	shim_cmdline = "ro quiet";
	cons_options();
	CHECK_EQ(cons_loglevel, LOG_WARNING + 1);
	shim_cmdline = "debug";
	cons_options();
	CHECK_EQ(cons_loglevel, LOG_DEBUG + 1);
	shim_cmdline = "loglevel=3";
	cons_options();
	CHECK_EQ(cons_loglevel, 3);
	shim_cmdline = "loglevel=9";
	cons_options();
	CHECK_EQ(cons_loglevel, 3);
}
