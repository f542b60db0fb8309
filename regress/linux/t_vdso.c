/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO: found by the auxiliary vector, its functions agree with the system
 * calls, its data cannot be written.
 */
#define	_GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "tap.h"

#ifndef CLOCK_TAI
#define	CLOCK_TAI	11
#endif

typedef int clock_fn(int, struct timespec *);
typedef int tod_fn(struct timeval *, void *);
typedef time_t time_fn(time_t *);
typedef int getcpu_fn(unsigned int *, unsigned int *, void *);

/* A function of the vDSO by name, or NULL; by its own dynamic section. */
static void *
vdso_sym(const char *name)
{
	unsigned long base = getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *eh = (const void *)base;
	const ElfW(Phdr) *ph = (const void *)(base + eh->e_phoff);
	const ElfW(Dyn) *dyn = NULL;
	const ElfW(Sym) *sym = NULL;
	const Elf32_Word *hash = NULL;
	const char *str = NULL;
	unsigned long bias = base;

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			bias = base + ph[i].p_offset - ph[i].p_vaddr;
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(base + ph[i].p_offset);
	}
	CHECK(dyn != NULL);
	for (; dyn->d_tag != DT_NULL; dyn++) {
		const void *p = (const void *)(bias + dyn->d_un.d_ptr);

		if (dyn->d_tag == DT_SYMTAB)
			sym = p;
		else if (dyn->d_tag == DT_STRTAB)
			str = p;
		else if (dyn->d_tag == DT_HASH)
			hash = p;
	}
	CHECK(sym != NULL && str != NULL && hash != NULL);
	for (Elf32_Word i = 1; i < hash[1]; i++)
		if (strcmp(str + sym[i].st_name, name) == 0)
			return (void *)(bias + sym[i].st_value);
	return NULL;
}

static long long
ns_of(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

TEST(is_there)
{
	unsigned long base = getauxval(AT_SYSINFO_EHDR);
	const unsigned char *id = (const void *)base;

	CHECK(base != 0 && base % 4096 == 0);
	CHECK(memcmp(id, ELFMAG, 4) == 0);
	CHECK(vdso_sym("__vdso_clock_gettime") != NULL);
	CHECK(vdso_sym("__vdso_gettimeofday") != NULL);
	CHECK(vdso_sym("__vdso_time") != NULL);
	CHECK(vdso_sym("__vdso_clock_getres") != NULL);
	CHECK(vdso_sym("__vdso_getcpu") != NULL);
}

/* System call, vDSO, system call: in this order, or not far from it. */
TEST(agrees_with_the_calls)
{
	static const struct {
		int	clock;
		long long slack;
	} clocks[] = {
		{ CLOCK_REALTIME, 0 }, { CLOCK_MONOTONIC, 0 },
		{ CLOCK_BOOTTIME, 0 }, { CLOCK_MONOTONIC_RAW, 0 },
		{ CLOCK_TAI, 0 }, { CLOCK_REALTIME_COARSE, 0 },
		{ CLOCK_MONOTONIC_COARSE, 0 },
		{ CLOCK_PROCESS_CPUTIME_ID, 0 }, { CLOCK_THREAD_CPUTIME_ID, 0 },
	};
	clock_fn *f = (clock_fn *)vdso_sym("__vdso_clock_gettime");
	struct timespec a, v, b;

	for (unsigned int i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		for (int n = 0; n < 2000; n++) {
			int c = clocks[i].clock;

			CHECK_EQ(syscall(SYS_clock_gettime, c, &a), 0);
			CHECK_EQ(f(c, &v), 0);
			CHECK_EQ(syscall(SYS_clock_gettime, c, &b), 0);
			CHECK(v.tv_nsec >= 0 && v.tv_nsec < 1000000000);
			if (ns_of(&v) < ns_of(&a) || ns_of(&b) < ns_of(&v))
				FAIL("clock %d: %lld %lld %lld", c, ns_of(&a),
				    ns_of(&v), ns_of(&b));
		}
	}
	CHECK_EQ(f(99, &v), -EINVAL);
}

TEST(never_back)
{
	clock_fn *f = (clock_fn *)vdso_sym("__vdso_clock_gettime");
	long long last = 0, now;
	struct timespec ts;
	long long end = now_ns(CLOCK_MONOTONIC) + 1000000000LL, calls = 0;

	do {
		CHECK_EQ(f(CLOCK_MONOTONIC, &ts), 0);
		now = ns_of(&ts);
		CHECK(now >= last);
		last = now;
		calls++;
	} while (now < end);
	printf("# %lld ns a call\n", 1000000000LL / calls);
}

TEST(time_of_day)
{
	tod_fn *f = (tod_fn *)vdso_sym("__vdso_gettimeofday");
	time_fn *t = (time_fn *)vdso_sym("__vdso_time");
	struct timeval a, v, b;
	int tz[2] = { -1, -1 };
	time_t now, s;

	for (int n = 0; n < 1000; n++) {
		CHECK_EQ(syscall(SYS_gettimeofday, &a, NULL), 0);
		CHECK_EQ(f(&v, NULL), 0);
		CHECK_EQ(syscall(SYS_gettimeofday, &b, NULL), 0);
		CHECK(v.tv_usec >= 0 && v.tv_usec < 1000000);
		CHECK(!timercmp(&v, &a, <) && !timercmp(&b, &v, <));
	}
	CHECK_EQ(f(&v, tz), 0);
	CHECK(tz[0] != -1);
	s = (time_t)(now_ns(CLOCK_REALTIME) / 1000000000);
	now = t(NULL);
	CHECK(now >= s - 1 && now <= s + 1);
	now = 0;
	CHECK(t(&now) == now && now >= s - 1);
}

TEST(resolution)
{
	clock_fn *f = (clock_fn *)vdso_sym("__vdso_clock_getres");
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
		CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE };
	struct timespec a, b;

	for (unsigned int i = 0; i < sizeof(clocks) / sizeof(int); i++) {
		CHECK_EQ(f(clocks[i], &a), 0);
		CHECK_EQ(syscall(SYS_clock_getres, clocks[i], &b), 0);
		CHECK_EQ(ns_of(&a), ns_of(&b));
	}
	CHECK_EQ(f(CLOCK_REALTIME, NULL), 0);
	CHECK_EQ(f(77, &a), -EINVAL);
}

TEST(which_cpu)
{
	getcpu_fn *f = (getcpu_fn *)vdso_sym("__vdso_getcpu");
	unsigned int cpu, node, sys;
	cpu_set_t all, one;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
		cpu = 999;
		CHECK_EQ(f(&cpu, &node, NULL), 0);
		CHECK_EQ(cpu, i);
		CHECK_EQ(syscall(SYS_getcpu, &sys, NULL, NULL), 0);
		CHECK_EQ(sys, i);
		CHECK_EQ(sched_getcpu(), i);
	}
	CHECK_EQ(f(NULL, NULL, NULL), 0);
}

TEST(in_the_map)
{
	unsigned long from, to, vdso = 0, vvar = 0, vvarend = 0;
	char line[256], perm[8];
	FILE *fp = fopen("/proc/self/maps", "r");

	CHECK(fp != NULL);
	while (fgets(line, sizeof(line), fp) != NULL) {
		CHECK_EQ(sscanf(line, "%lx-%lx %7s", &from, &to, perm), 3);
		if (strstr(line, "[vdso]") != NULL) {
			vdso = from;
			CHECK(strcmp(perm, "r-xp") == 0);
		} else if (strstr(line, "[vvar]") != NULL) {
			vvar = from;
			vvarend = to;
			CHECK(strcmp(perm, "r--p") == 0);
		}
	}
	CHECK_EQ(vdso, getauxval(AT_SYSINFO_EHDR));
	CHECK(vvar != 0 && vvarend <= vdso);
	CHECK_ERR(mprotect((void *)vvar, 4096, PROT_READ | PROT_WRITE),
	    EACCES);
}

/*
 * As a debugger does: a private copy that others do not see.  A kernel may
 * have sealed it.
 */
TEST(code_can_be_patched)
{
	volatile char *code = (volatile char *)getauxval(AT_SYSINFO_EHDR);
	char old = code[8];
	pid_t pid;

	if ((pid = fork()) == 0) {
		if (mprotect((void *)code, 4096, PROT_READ | PROT_WRITE |
		    PROT_EXEC) != 0)
			_exit(7);
		code[8] = (char)(old + 1);
		CHECK_EQ(code[8], (char)(old + 1));
		_exit(7);
	}
	reap(pid, 7);
	CHECK_EQ(code[8], old);
}
