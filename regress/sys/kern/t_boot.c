/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line. */
/* sources: sys/kern/subr_boot.c */
#include <sys/boot.h>
#include <sys/systm.h>

#include <host.h>
#include <ktest.h>

BOOT_OPTION(opt_root, "root", "a known option");
BOOT_OPTION(opt_quiet, "quiet", "another");
BOOT_OPTION(opt_ours, "domus.known", "one of ours");

static char printed[4096];

void
printf(const char *fmt, ...)
{
	size_t n = strlen(printed);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(printed + n, sizeof(printed) - n, fmt, ap);
	va_end(ap);
}

static void
line(const char *s)
{
	strlcpy(bootinfo.bi_cmdline, s, sizeof(bootinfo.bi_cmdline));
}

static void
sort_line(const char *s)
{
	line(s);
	boot_options_init();
}

TEST(options)
{
	char v[64];

	line("root=/dev/xvda1 ro  quiet\tlog=\"two words\" empty= "
	    "root=/dev/xvdb -- after=1");
	CHECK(boot_option("root", v, sizeof(v)));
	CHECK_STR(v, "/dev/xvdb");		/* the last one wins */
	CHECK(boot_option("ro", v, sizeof(v)));
	CHECK_STR(v, "");
	CHECK(boot_option("quiet", NULL, 0));
	CHECK(boot_option("log", v, sizeof(v)));
	CHECK_STR(v, "two words");
	CHECK(boot_option("empty", v, sizeof(v)));
	CHECK_STR(v, "");
	CHECK(!boot_option("after", v, sizeof(v)));
	CHECK(!boot_option("roo", v, sizeof(v)));
	CHECK(!boot_option("root=", v, sizeof(v)));
}

TEST(dash_is_underscore)
{
	char v[8];

	line("a-b=1 c_d=2");
	CHECK(boot_option("a_b", v, sizeof(v)));
	CHECK_STR(v, "1");
	CHECK(boot_option("c-d", v, sizeof(v)));
	CHECK_STR(v, "2");
}

TEST(value_is_cut_to_the_buffer)
{
	char v[4] = "xxx";

	line("name=abcdef");
	CHECK(boot_option("name", v, sizeof(v)));
	CHECK_STR(v, "abc");
}

TEST(quotes_hold_the_name_too)
{
	char v[32];

	line("\"init=/bin/my init\" unclosed=\"to the end");
	CHECK(boot_option("init", v, sizeof(v)));
	CHECK_STR(v, "/bin/my init");
	CHECK(boot_option("unclosed", v, sizeof(v)));
	CHECK_STR(v, "to the end");
}

TEST(words_for_init)
{
	sort_line("root=/dev/xvda1 single FOO=bar mod.opt=1 quiet -b "
	    "TERM=vt100 -- --flag KEY=val root=x");
	CHECK_STR(boot_init_argv[1], "single");
	CHECK_STR(boot_init_argv[2], "-b");
	CHECK_STR(boot_init_argv[3], "--flag");
	CHECK_STR(boot_init_argv[4], "KEY=val");
	CHECK_STR(boot_init_argv[5], "root=x");
	CHECK(boot_init_argv[6] == NULL);
	CHECK_STR(boot_init_envp[0], "HOME=/");
	CHECK_STR(boot_init_envp[1], "TERM=vt100");	/* replaced */
	CHECK_STR(boot_init_envp[2], "FOO=bar");
	CHECK(boot_init_envp[3] == NULL);
	CHECK_STR(printed, "boot: passed to init: single FOO=bar -b "
	    "TERM=vt100 --flag KEY=val root=x\n");
}

TEST(nothing_for_init)
{
	sort_line("root=/dev/xvda1 roo=1.5 earlyprintk=xen net.ifnames=0");
	CHECK(boot_init_argv[1] == NULL);
	CHECK_STR(boot_init_envp[2], "roo=1.5");
}

TEST(unknown_domus_option)
{
	sort_line("domus.known=1 domus.unkown=2");
	CHECK_STR(printed, "boot: unknown option: domus.unkown=2\n");
	CHECK(boot_init_argv[1] == NULL && boot_init_envp[2] == NULL);
}

TEST(too_many_words)
{
	char s[1024] = "";
	unsigned int i;

	for (i = 0; i < 200; i++)
		strlcat(s, "w ", sizeof(s));
	sort_line(s);
	CHECK(boot_init_argv[32] != NULL && boot_init_argv[33] == NULL);
	CHECK(strstr(printed, "too many words") != NULL);
}

TEST(cut_off_line)
{
	char s[1100];

	memset(s, 'a', sizeof(s));
	s[1023] = '\0';
	bootinfo.bi_cmdline_max = 1024;
	sort_line(s);
	CHECK(strstr(printed, "cut off after 1023 bytes") != NULL);
	printed[0] = '\0';
	s[1000] = '\0';
	sort_line(s);
	CHECK(strstr(printed, "cut off") == NULL);
}

TEST(full_buffer)
{
	memset(bootinfo.bi_cmdline, 'x', sizeof(bootinfo.bi_cmdline) - 1);
	boot_options_init();
	CHECK(strstr(printed, "cut off after 4095 bytes") != NULL);
}
