/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirty - keep MEGABYTES of memory changing until SIGTERM, and check every
 * page against what was last written to it before it is written again.
 *
 * usage: dirty MEGABYTES
 * Prints "dirty: ok N passes" and exits 0, or says which page was wrong.
 */
#include <sys/mman.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE 4096
#define WORDS (PAGE / sizeof(uint64_t))

static volatile sig_atomic_t done;

static void
stop(int sig)
{
	(void)sig;
	done = 1;
}

static uint64_t
pattern(size_t page, uint64_t pass, size_t word)
{
	uint64_t x = page * 0x9e3779b97f4a7c15ull + pass * 0xbf58476d1ce4e5b9ull
	    + word;

	x ^= x >> 29;
	return x * 0x94d049bb133111ebull;
}

int
main(int argc, char **argv)
{
	size_t mb = argc > 1 ? strtoul(argv[1], NULL, 0) : 8;
	size_t npage = mb * 256, p, w;
	uint64_t *m, *q, pass = 0;

	m = mmap(NULL, npage * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED) {
		perror("dirty: mmap");
		return 1;
	}
	signal(SIGTERM, stop);
	for (pass = 0; !done; pass++) {
		for (p = 0; p < npage && (!done || pass == 0); p++) {
			q = m + p * WORDS;
			for (w = 0; w < WORDS; w += 8) {
				uint64_t want = pass == 0 ? 0 :
				    pattern(p, pass - 1, w);

				if (q[w] != want) {
					printf("dirty: FAILED page %zu word "
					    "%zu pass %llu: %016llx, not "
					    "%016llx\n", p, w,
					    (unsigned long long)pass,
					    (unsigned long long)q[w],
					    (unsigned long long)want);
					return 1;
				}
				q[w] = pattern(p, pass, w);
			}
		}
	}
	printf("dirty: ok %llu passes\n", (unsigned long long)pass);
	return 0;
}
