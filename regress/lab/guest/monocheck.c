/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * monocheck - CLOCK_MONOTONIC and CLOCK_BOOTTIME never go back, seen from
 * several processes (and so from several CPUs) at once, until SIGTERM.
 *
 * usage: monocheck PROCESSES
 *
 * Overview: each process takes the newest value any of them has published,
 * reads the clock, and complains when the clock is behind it. It also sleeps
 * for 10 ms every so often: the sleep must not end early.
 * Prints "monocheck: ok N readings, longest gap M ms" and exits 0.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SEC 1000000000ll

struct shared {
	_Atomic int64_t newest[2];	/* ns; monotonic, boottime */
	_Atomic int64_t readings;
	_Atomic int64_t gap;		/* ns; longest between two readings */
	_Atomic int failed;
	_Atomic int done;
};

static const clockid_t clocks[2] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };
static struct shared *sh;

static void
stop(int sig)
{
	(void)sig;
	sh->done = 1;
}

static int64_t
now(clockid_t c)
{
	struct timespec ts;

	clock_gettime(c, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void
publish(_Atomic int64_t *where, int64_t v)
{
	int64_t old = *where;

	while (old < v && !atomic_compare_exchange_weak(where, &old, v))
		continue;
}

static void
fail(const char *what, int64_t was, int64_t is)
{
	sh->failed = 1;
	printf("monocheck: FAILED %s: %lld, then %lld (%lld ns back)\n", what,
	    (long long)was, (long long)is, (long long)(was - is));
	fflush(stdout);
}

static void
check(void)
{
	int64_t prev[2] = { 0, 0 }, seen, t, t0;
	struct timespec req = { 0, 10000000 };
	unsigned long n;
	int i;

	for (n = 0; !sh->done && !sh->failed; n++) {
		for (i = 0; i < 2; i++) {
			seen = sh->newest[i];
			t = now(clocks[i]);
			if (t < seen)
				fail(i ? "boottime" : "monotonic", seen, t);
			if (prev[i] != 0 && i == 0)
				publish(&sh->gap, t - prev[i]);
			prev[i] = t;
			publish(&sh->newest[i], t);
		}
		sh->readings++;
		if (n % 200 != 0)
			continue;
		t0 = now(CLOCK_MONOTONIC);
		if (clock_nanosleep(CLOCK_MONOTONIC, 0, &req, NULL) == 0 &&
		    (t = now(CLOCK_MONOTONIC)) - t0 < 10000000)
			fail("sleep of 10 ms", t0 + 10000000, t);
	}
}

int
main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1, i;
	pid_t pid;

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED) {
		perror("monocheck: mmap");
		return 1;
	}
	signal(SIGTERM, stop);
	for (i = 0; i < n; i++) {
		pid = fork();
		if (pid == 0) {
			check();
			_exit(0);
		}
		if (pid < 0) {
			perror("monocheck: fork");
			sh->done = 1;
			return 1;
		}
	}
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	if (sh->failed)
		return 1;
	printf("monocheck: ok %lld readings, longest gap %lld ms\n",
	    (long long)sh->readings, (long long)(sh->gap / 1000000));
	return 0;
}
