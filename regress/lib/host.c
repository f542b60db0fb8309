/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of a unit test: runs the tests of one file, each in a process
 * of its own, and reports in TAP.
 *
 * The kernel side's symbols carry the prefix k_ here (regress/lib/unit adds
 * it), so that they do not meet the C library's.
 */
#include <sanitizer/common_interface_defs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "host.h"

#define	TEST_SECONDS	60	/* a test that takes longer has failed */

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

	if (path[0] == '/')
		snprintf(full, sizeof(full), "%s", path);
	else
		snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".",
		    path);
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

void
host_write_file(const char *path, const void *p, size_t size)
{
	FILE *fp = fopen(path, "wb");

	if (fp == NULL || fwrite(p, 1, size, fp) != size || fclose(fp) != 0)
		abort();
}

int
host_system(const char *cmd)
{
	int status = system(cmd);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
host_tmpname(const char *suffix, char *buf, size_t size)
{
	const char *dir = getenv("TMPDIR");

	snprintf(buf, size, "%s/ktest.%ld%s", dir != NULL ? dir : "/tmp",
	    (long)getpid(), suffix);
}

unsigned int
host_cycles(void)
{
	const char *n = getenv("UNIT_CYCLES");

	return n != NULL && atoi(n) > 0 ? (unsigned int)atoi(n) : 1;
}

/* ---- contexts; the sanitizer is told about the stacks ---- */

#define	CONTEXT_STACK	(256 * 1024)

struct host_context {
	ucontext_t	uc;
	void		(*fn)(void *);
	void		*arg;
	char		*stack;		/* NULL: the program's own */
	const void	*bottom;
	size_t		size;
	void		*fake;
};

static struct host_context *context_from, *context_to;	/* during a switch */

static void
context_arrived(struct host_context *self)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(self->fake, &bottom, &size);
	if (context_from->stack == NULL) {
		context_from->bottom = bottom;
		context_from->size = size;
	}
}

static void
context_main(void)
{
	struct host_context *self = context_to;

	context_arrived(self);
	self->fn(self->arg);
	host_abort();
}

struct host_context *
host_context_new(void (*fn)(void *), void *arg)
{
	struct host_context *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	if (fn == NULL)
		return c;
	c->fn = fn;
	c->arg = arg;
	c->stack = malloc(CONTEXT_STACK);
	if (c->stack == NULL || getcontext(&c->uc) != 0)
		abort();
	c->bottom = c->stack;
	c->size = CONTEXT_STACK;
	c->uc.uc_stack.ss_sp = c->stack;
	c->uc.uc_stack.ss_size = CONTEXT_STACK;
	makecontext(&c->uc, context_main, 0);
	return c;
}

void
host_context_switch(struct host_context *from, struct host_context *to)
{
	context_from = from;
	context_to = to;
	__sanitizer_start_switch_fiber(&from->fake, to->bottom, to->size);
	swapcontext(&from->uc, &to->uc);
	context_arrived(from);
}

void
host_context_free(struct host_context *c)
{
	free(c->stack);
	free(c);
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
		alarm(TEST_SECONDS * host_cycles());
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
