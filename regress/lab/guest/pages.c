/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages MB KEY: memory whose every page says which it is.  Fills it, says
 * "full", and from then on checks and changes one page after the other until
 * SIGTERM; then once more all of them.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define	WORDS	512			/* of a page */
#define	STEP	31

static volatile sig_atomic_t stop;

static void
on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static uint64_t
value(uint64_t key, uint64_t page, uint64_t word, uint64_t round)
{
	return (key << 56 ^ page << 32 ^ word << 20 ^ round) *
	    0x9e3779b97f4a7c15ULL;
}

static void
fill(uint64_t *p, uint64_t key, uint64_t page, uint64_t round)
{
	for (uint64_t w = 0; w < WORDS; w += STEP)
		p[w] = value(key, page, w, round);
}

static void
check(const uint64_t *p, uint64_t key, uint64_t page, uint64_t round)
{
	for (uint64_t w = 0; w < WORDS; w += STEP) {
		if (p[w] == value(key, page, w, round))
			continue;
		printf("pages: FAILED: page %llu word %llu round %llu: %#llx\n",
		    (unsigned long long)page, (unsigned long long)w,
		    (unsigned long long)round, (unsigned long long)p[w]);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	uint64_t n, key, *mem, round, i;

	if (argc != 3)
		return 2;
	n = (uint64_t)atoi(argv[1]) << 8;
	key = (uint64_t)atoi(argv[2]);
	signal(SIGTERM, on_term);
	setvbuf(stdout, NULL, _IOLBF, 0);
	mem = mmap(NULL, n * WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED) {
		perror("pages: mmap");
		return 2;
	}
	for (i = 0; i < n; i++)
		fill(mem + i * WORDS, key, i, 0);
	printf("pages: full\n");
	for (round = 0, i = 0; !stop; i++) {
		if (i == n) {
			i = 0;
			round++;
		}
		check(mem + i * WORDS, key, i, round);
		fill(mem + i * WORDS, key, i, round + 1);
	}
	for (uint64_t k = 0; k < n; k++)
		check(mem + k * WORDS, key, k, k < i ? round + 1 : round);
	printf("pages: ok\n");
	return 0;
}
