/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers: a ChaCha20 generator with fast key erasure.
 *
 * Overview: the pool is one 256-bit key, `root`.  Entropy is mixed into it: 32
 * bytes at a time are added to the key by exclusive or, and the first half of
 * the ChaCha20 block under the sum is the new key.  Whoever does not know all
 * that went in does not know the key; going back needs to invert ChaCha20.
 *
 * Each CPU has a key of its own, drawn from the root when the root has changed
 * (generation).  A request encrypts zeros under it; the first 32 bytes become
 * the CPU's next key before anything is given out, so that what was given out
 * cannot be computed from what is left behind.
 *
 * Sources at boot: RDSEED or RDRAND, the jitter of the clock against the CPU,
 * and the boot data (clocks, command line).  RDSEED or RDRAND and the
 * clock are mixed in again every RESEED_PERIOD, when somebody asks.
 *
 * Suspend: a saved domain can be restored twice, with equal keys.  In a new
 * domain random_resume() mixes in fresh words and the clocks.
 *
 * Locking: root_lock; a CPU's key with interrupts off on that CPU.
 */
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/cpu.h>
#include <sys/spinlock.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <machine/clock.h>
#include <machine/intr.h>

#include "chacha20.h"

#define	KEY_BYTES	32
#define	BLOCK_BYTES	64
#define	CPU_WORDS	8		/* 64-bit words of RDSEED to mix in */
#define	JITTER_ROUNDS	1024		/* when there is nothing better ... */
#define	JITTER_FEW	64		/* ... and when there is */
#define	RESEED_PERIOD	(300 * NSEC_PER_SEC)

static struct spinlock root_lock = SPINLOCK_INITIALIZER("random");
static uint32_t root[KEY_BYTES / 4];		/* [l] */
static volatile uint32_t root_gen = 1;		/* [l]; [a] to peek */
static volatile nsec_t root_stale;		/* [a] then reseed */
static bool random_ready;

static struct cpu_key {
	uint32_t	ck_key[KEY_BYTES / 4];
	uint32_t	ck_gen;			/* of the root; 0: none yet */
} cpu_keys[MAXCPUS];				/* each its CPU's */

/* One block under the key; the key becomes its first half. */
static void
draw(uint32_t key[8], uint8_t out[KEY_BYTES])
{
	static const uint32_t nonce[3];
	uint32_t block[BLOCK_BYTES / 4];

	chacha20_block(key, 0, nonce, block);
	memcpy(key, block, KEY_BYTES);
	memcpy(out, (uint8_t *)block + KEY_BYTES, KEY_BYTES);
	explicit_memset(block, 0, sizeof(block));
}

/* Mix up to 32 bytes into the root.  root_lock held. */
static void
mix(const uint8_t *p, size_t n)
{
	static const uint32_t nonce[3] = { 1, 0, 0 };
	uint32_t block[BLOCK_BYTES / 4];
	uint8_t *key = (uint8_t *)root;
	size_t i;

	for (i = 0; i < n; i++)
		key[i] ^= p[i];
	chacha20_block(root, (uint32_t)n, nonce, block);
	memcpy(root, block, KEY_BYTES);
	explicit_memset(block, 0, sizeof(block));
}

void
random_reseed(const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t n;

	spin_enter(&root_lock);
	for (; len > 0; p += n, len -= n) {
		n = MIN(len, KEY_BYTES);
		mix(p, n);
	}
	if (++root_gen == 0)
		root_gen = 1;
	spin_exit(&root_lock);
}

/* What the CPU has: the name of the source, or NULL. */
static const char *
reseed_cpu(void)
{
	uint64_t w[CPU_WORDS];
	const char *name = "RDSEED";
	unsigned int n, tries;

	for (n = tries = 0; n < CPU_WORDS && tries < 10 * CPU_WORDS; tries++)
		if (cpu_rdseed(&w[n]))
			n++;
	if (n < CPU_WORDS) {
		name = "RDRAND";
		for (tries = 0; n < CPU_WORDS && tries < 10 * CPU_WORDS;
		    tries++)
			if (cpu_rdrand(&w[n]))
				n++;
	}
	if (n > 0)
		random_reseed(w, n * sizeof(w[0]));
	explicit_memset(w, 0, sizeof(w));
	return n == CPU_WORDS ? name : NULL;
}

static void
reseed_clocks(void)
{
	nsec_t t[3] = { clock_raw(), clock_wall_base(), nanouptime() };

	random_reseed(t, sizeof(t));
}

/*
 * How long the same work takes each time, to the nanosecond: caches, the
 * hypervisor and other guests make it differ.
 */
static void
reseed_jitter(unsigned int rounds)
{
	static volatile uint8_t work[4096];
	uint32_t times[64];
	unsigned int i, j;
	nsec_t last = clock_raw(), now;

	for (i = 0; i < rounds; i++) {
		for (j = 0; j < 16; j++)
			work[(i * 67 + j * 257 + work[j]) % sizeof(work)]++;
		now = clock_raw();
		times[i % 64] = (uint32_t)(now - last);
		last = now;
		if (i % 64 == 63)
			random_reseed(times, sizeof(times));
	}
}

void
random_init(void)
{
	const char *cpu;

	random_reseed(&bootinfo, sizeof(bootinfo));
	reseed_clocks();
	cpu = reseed_cpu();
	reseed_jitter(cpu != NULL ? JITTER_FEW : JITTER_ROUNDS);
	root_stale = nanouptime() + RESEED_PERIOD;
	random_ready = true;
	printf("random: seeded from %s%sclock jitter and boot data\n",
	    cpu != NULL ? cpu : "", cpu != NULL ? ", " : "");
	if (cpu == NULL)
		printf("random: this CPU has no RDSEED or RDRAND; "
		    "expect less entropy\n");
}

void
random_resume(bool newdomain)
{
	if (!newdomain)
		return;
	reseed_clocks();
	reseed_jitter(reseed_cpu() != NULL ? JITTER_FEW : JITTER_ROUNDS);
}

/* This CPU's key from the root.  Interrupts off. */
static void
cpu_key_renew(struct cpu_key *ck, unsigned int cpu)
{
	uint8_t fresh[KEY_BYTES];
	unsigned int i;

	spin_enter(&root_lock);
	draw(root, fresh);
	ck->ck_gen = root_gen;
	spin_exit(&root_lock);
	for (i = 0; i < KEY_BYTES; i++)
		((uint8_t *)ck->ck_key)[i] ^= fresh[i];
	ck->ck_key[0] ^= cpu;
	explicit_memset(fresh, 0, sizeof(fresh));
}

/* Up to 16 blocks less a key, without interrupts in between. */
static size_t
generate(uint8_t *out, size_t len)
{
	static const uint32_t nonce[3] = { 2, 0, 0 };
	uint32_t block[BLOCK_BYTES / 4], key[KEY_BYTES / 4];
	struct cpu_key *ck;
	struct cpu_info *ci;
	size_t n, done = 0;
	uint32_t count = 0;
	bool intr;

	intr = intr_disable();
	ci = curcpu();
	ck = &cpu_keys[ci->ci_index];
	if (ck->ck_gen != atomic_load_relaxed(&root_gen))
		cpu_key_renew(ck, ci->ci_index);
	memcpy(key, ck->ck_key, sizeof(key));
	chacha20_block(key, count++, nonce, block);
	memcpy(ck->ck_key, block, KEY_BYTES);
	n = MIN(len, BLOCK_BYTES - KEY_BYTES);
	memcpy(out, (uint8_t *)block + KEY_BYTES, n);
	for (done = n; done < len && count < 16; done += n) {
		chacha20_block(key, count++, nonce, block);
		n = MIN(len - done, BLOCK_BYTES);
		memcpy(out + done, block, n);
	}
	explicit_memset(key, 0, sizeof(key));
	explicit_memset(block, 0, sizeof(block));
	intr_restore(intr);
	return done;
}

void
random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;
	size_t n;
	nsec_t now;

	KASSERT(random_ready);
	now = nanouptime();
	if (now >= root_stale) {
		root_stale = now + RESEED_PERIOD;
		reseed_clocks();
		(void)reseed_cpu();
	}
	for (; len > 0; p += n, len -= n)
		n = generate(p, len);
}
