/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpucheck - compute the same thing over and over until SIGTERM, in integer,
 * SSE and (where there is one) AVX registers; every round must give the
 * first round's result.
 *
 * Prints "cpucheck: ok N rounds" and exits 0, or says what differed.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef float v8f __attribute__((vector_size(32)));

static volatile sig_atomic_t done;

static void
stop(int sig)
{
	(void)sig;
	done = 1;
}

static uint64_t
round_int(void)
{
	uint64_t x = 0x9e3779b97f4a7c15ull, sum = 0;
	int i;

	for (i = 0; i < 200000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += x;
	}
	return sum;
}

static uint64_t
round_sse(void)
{
	double a = 1.0, b = 0.0;
	uint64_t bits;
	int i;

	for (i = 1; i < 100000; i++) {
		a = a * 1.0000001 + 1.0 / i;
		b += a;
	}
	memcpy(&bits, &b, sizeof(bits));
	return bits;
}

__attribute__((target("avx"))) static uint64_t
round_avx(void)
{
	v8f a = { 1, 2, 3, 4, 5, 6, 7, 8 }, b = { 0 };
	uint64_t bits[4], sum = 0;
	int i;

	for (i = 0; i < 50000; i++) {
		a = a * 0.999f + 0.5f;
		b += a;
		__asm__ volatile("" : "+x"(a), "+x"(b));
	}
	memcpy(bits, &b, sizeof(bits));
	for (i = 0; i < 4; i++)
		sum ^= bits[i] + (uint64_t)i;
	return sum;
}

int
main(void)
{
	uint64_t want[3], got[3];
	unsigned long rounds = 0;
	int avx, i;

	__builtin_cpu_init();
	avx = __builtin_cpu_supports("avx") != 0;
	signal(SIGTERM, stop);
	do {
		got[0] = round_int();
		got[1] = round_sse();
		got[2] = avx ? round_avx() : 0;
		if (rounds == 0)
			memcpy(want, got, sizeof(want));
		for (i = 0; i < 3; i++) {
			if (got[i] == want[i])
				continue;
			printf("cpucheck: FAILED kind %d round %lu: "
			    "%016llx, not %016llx\n", i, rounds,
			    (unsigned long long)got[i],
			    (unsigned long long)want[i]);
			return 1;
		}
		rounds++;
	} while (!done);
	printf("cpucheck: ok %lu rounds%s\n", rounds, avx ? " avx" : "");
	return 0;
}
