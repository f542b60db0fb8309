/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failure of a check, and panics: expected ones return to CHECK_PANIC, others
 * end the test.
 */
#include <sys/systm.h>

#include <host.h>
#include <ktest.h>

const char *panicstr;

static uint64_t panic_env[64];		/* holds a jmp_buf */
static bool panic_expected;

static void
out(void *arg, const char *s, size_t n)
{
	(void)arg;
	host_write(s, n);
}

static void __printflike(1, 2)
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(out, NULL, fmt, ap);
	va_end(ap);
}

void
ktest_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	say("%s:%d: ", file, line);
	va_start(ap, fmt);
	kvprintf(out, NULL, fmt, ap);
	va_end(ap);
	say("\n");
	host_fail();
}

bool
ktest_streq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void *
ktest_panic_jmp(void)
{
	panic_expected = true;
	return panic_env;
}

void
ktest_panic_done(void)
{
	panic_expected = false;
	panicstr = NULL;
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	if (panic_expected)
		host_longjmp(panic_env);
	panicstr = fmt;
	say("panic: ");
	va_start(ap, fmt);
	kvprintf(out, NULL, fmt, ap);
	va_end(ap);
	say("\n");
	host_abort();
}

void
kassert_fail(const char *what, const char *func, const char *file, int line)
{
	panic("%s:%d: %s(): KASSERT(%s)", file, line, func, what);
}
