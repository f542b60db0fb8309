/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of a unit test: runs the tests of one file, each in a process
 * of its own, and reports in TAP.
 *
 * The kernel side's symbols carry the prefix k_ here (regress/lib/unit adds
 * it), so that they do not meet the C library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

#define	TEST_SECONDS	120	/* a test that takes longer has failed */

struct ktest {
	const char *name;
	void (*func)(void);
};

void *
host_alloc(size_t align, size_t size)
{
	void *p;

	if (posix_memalign(&p, align, size) != 0)
		return NULL;
	return p;
}

void
host_free(void *p)
{
	free(p);
}

void
host_write(const char *s, size_t n)
{
	fwrite(s, 1, n, stderr);
}

void
host_abort(void)
{
	abort();
}

void
host_fail(void)
{
	fflush(NULL);
	_exit(1);
}

void
host_longjmp(void *env)
{
	_longjmp(*(jmp_buf *)env, 1);
}

void *
host_read_file(const char *path, size_t *size)
{
	const char *top = getenv("TOP");
	char full[4096];
	long n;
	FILE *fp;
	void *p;

	snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", path);
	fp = fopen(full, "rb");
	if (fp == NULL)
		return NULL;
	fseek(fp, 0, SEEK_END);
	n = ftell(fp);
	rewind(fp);
	p = malloc(n > 0 ? (size_t)n : 1);
	if (p == NULL || fread(p, 1, (size_t)n, fp) != (size_t)n)
		abort();
	fclose(fp);
	*size = (size_t)n;
	return p;
}

#ifdef HOST_FUZZ

int k_fuzz_one(const uint8_t *, size_t);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	k_fuzz_one(data, size);
	return 0;
}

#else

extern struct ktest *const __start_set_ktest[], *const __stop_set_ktest[];

/* The test in a child; true if it passed. What it printed goes to stderr. */
static bool
run(const struct ktest *t)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		alarm(TEST_SECONDS);
		t->func();
		exit(0);	/* leaks are looked for here */
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s: %s\n", t->name,
		    strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
main(int argc, char **argv)
{
	struct ktest *const *p;
	int failed = 0;
	bool ok;

	for (p = __start_set_ktest; p < __stop_set_ktest; p++) {
		if (argc > 1 && strcmp(argv[1], (*p)->name) != 0)
			continue;
		if (argc > 1) {	/* for a debugger: no child process */
			(*p)->func();
			return 0;
		}
		ok = run(*p);
		failed += !ok;
		printf("%s %s\n", ok ? "ok" : "not ok", (*p)->name);
		fflush(stdout);
	}
	return failed != 0;
}

#endif
