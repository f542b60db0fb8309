/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux ABI programs: small tests that first pass on Linux, then in the guest.
 *
 * A program t_NAME.c has functions marked TEST(name); each runs in a process
 * of its own, so that it may die, and has TAP_SECONDS to end; TAP_SLOW in the
 * environment multiplies that and the pauses that let others come first.
 * main() prints TAP.  An argument picks the tests whose name contains it.
 * The programs are static ones with musl; `C library: glibc' in the opening
 * comment of one asks for that.  regress/abi/run compiles and runs them.
 */
#ifndef _TAP_H_
#define	_TAP_H_

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define	TAP_SECONDS	(20 * tap_slow())

/* How much slower this machine is than it might be. */
static inline int
tap_slow(void)
{
	const char *s = getenv("TAP_SLOW");

	return s != NULL && atoi(s) > 0 ? atoi(s) : 1;
}

struct tap_test {
	const char	*name;
	void		(*func)(void);
	struct tap_test	*next;
};
static struct tap_test *tap_first, **tap_last = &tap_first;

#define	TEST(n)								\
	static void test_##n(void);					\
	static struct tap_test tap_##n = { #n, test_##n, NULL };	\
	__attribute__((__constructor__)) static void add_##n(void)	\
	{								\
		*tap_last = &tap_##n;					\
		tap_last = &tap_##n.next;				\
	}								\
	static void test_##n(void)

#define	FAIL(...) do {							\
	printf("# %s:%d: ", __FILE__, __LINE__);			\
	printf(__VA_ARGS__);						\
	printf("\n");							\
	fflush(stdout);							\
	_exit(1);							\
} while (0)

/* The machine has none of it, or does not let us: told apart from a pass. */
#define	TAP_SKIPPED	77
#define	SKIP(...) do {							\
	printf("# skipped: ");						\
	printf(__VA_ARGS__);						\
	printf("\n");							\
	fflush(stdout);							\
	_exit(TAP_SKIPPED);						\
} while (0)

/* For tests that set debug registers, where the machine cannot stand that. */
__attribute__((__unused__)) static void
need_debug_registers(void)
{
	if (getenv("TAP_NO_DEBUG_REGISTERS") != NULL)
		SKIP("no debug registers on this machine");
}

#define	CHECK(e) do {							\
	if (!(e))							\
		FAIL("CHECK(%s), errno %d", #e, errno);			\
} while (0)

#define	CHECK_EQ(a, b) do {						\
	long long a_ = (long long)(a), b_ = (long long)(b);		\
	if (a_ != b_)							\
		FAIL("%s is %lld (%#llx), not %s = %lld; errno %d",	\
		    #a, a_, (unsigned long long)a_, #b, b_, errno);	\
} while (0)

/* The call fails with that error. */
#define	CHECK_ERR(call, err) do {					\
	errno = 0;							\
	long long r_ = (long long)(call);				\
	if (r_ != -1 || errno != (err))					\
		FAIL("%s gives %lld, errno %d, not errno %d (%s)",	\
		    #call, r_, errno, (err), #err);			\
} while (0)

/* Root no more, for good. */
__attribute__((__unused__)) static void
become_user(void)
{
	CHECK_EQ(setgid(1000), 0);
	CHECK_EQ(setuid(1000), 0);
}

__attribute__((__unused__)) static long long
now_ns(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

__attribute__((__unused__)) static void
sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		continue;
}

/* Wait for a child that must exit with that code. */
__attribute__((__unused__)) static void
reap(pid_t pid, int code)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		FAIL("child %d: wait status %#x, not exit code %d", (int)pid,
		    status, code);
}

/* Its wait status, or -1. */
static int
tap_run(const struct tap_test *t)
{
	int status = 0, ms = 1;
	long long end = now_ns(CLOCK_MONOTONIC) + TAP_SECONDS * 1000000000LL;
	pid_t pid, got;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		t->func();
		fflush(stdout);
		_exit(0);
	}
	while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
		if (now_ns(CLOCK_MONOTONIC) > end) {
			printf("# does not end\n");
			kill(pid, SIGKILL);
			end += 1000000000000LL;
		}
		sleep_ms(ms = ms < 20 ? ms + 1 : 20);
	}
	if (pid == -1 || got != pid) {
		printf("# fork or wait: errno %d\n", errno);
		return -1;
	}
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	return status;
}

int
main(int argc, char **argv)
{
	int n = 0, failed = 0;

	/* What a test may execute to have a process that does nothing. */
	if (argc == 2 && strcmp(argv[1], "-sleep") == 0)
		for (;;)
			pause();
	for (struct tap_test *t = tap_first; t != NULL; t = t->next) {
		if (argc > 1 && strstr(t->name, argv[1]) == NULL)
			continue;
		int status = tap_run(t);
		bool skipped = status != -1 && WIFEXITED(status) &&
		    WEXITSTATUS(status) == TAP_SKIPPED;
		bool bad = status != 0 && !skipped;
		failed += bad;
		printf("%sok %d - %s%s\n", bad ? "not " : "", ++n, t->name,
		    skipped ? " # SKIP" : "");
		fflush(stdout);
	}
	printf("1..%d\n", n);
	return failed != 0;
}

#endif /* !_TAP_H_ */
