/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel messages, put out on the test's standard error.
 */
#include <sys/cons.h>
#include <sys/systm.h>

#include <host.h>

static void
out(void *arg, const char *s, size_t n)
{
	(void)arg;
	host_write(s, n);
}

void
vprintf(const char *fmt, va_list ap)
{
	kvprintf(out, NULL, fmt, ap);
}

void
printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(out, NULL, fmt, ap);
	va_end(ap);
}

void
log(int level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	kvprintf(out, NULL, fmt, ap);
	va_end(ap);
}
