/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleeper - sleep 50 ms at a time until SIGTERM; no sleep may be short or
 * lost: the number of sleeps must fit the time that passed.
 *
 * Prints "sleeper: ok N sleeps, slowest M ms" and exits 0.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define STEP 50000000ll

static volatile sig_atomic_t done;

static void
stop(int sig)
{
	(void)sig;
	done = 1;
}

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

int
main(void)
{
	struct timespec req = { 0, STEP };
	int64_t t0, t, slowest = 0;
	unsigned long n = 0;

	signal(SIGTERM, stop);
	while (!done) {
		t0 = now();
		if (nanosleep(&req, NULL) != 0) {
			if (errno == EINTR && done)
				break;
			perror("sleeper: FAILED nanosleep");
			return 1;
		}
		t = now() - t0;
		if (t < STEP) {
			printf("sleeper: FAILED slept %lld ns\n", (long long)t);
			return 1;
		}
		if (t > slowest)
			slowest = t;
		n++;
	}
	printf("sleeper: ok %lu sleeps, slowest %lld ms\n", n,
	    (long long)(slowest / 1000000));
	return 0;
}
