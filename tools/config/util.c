/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory, messages and name lists of config; the program is short-lived, so
 * nothing is ever freed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

void *
xalloc(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		fatal("out of memory");
	return p;
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xalloc(n), s, n);
}

char *
xprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		fatal("cannot format");
	s = xalloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

/* Report a mistake in the input and go on, so that one run shows them all. */
void
error_at(struct config *cf, struct where w, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", w.file, w.line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	cf->errors++;
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("config: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

struct sym *
sym_find(struct config *cf, const char *name)
{
	struct sym *s;

	for (s = cf->syms; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

void
namelist_add(struct namelist **head, const char *name)
{
	struct namelist *n = xalloc(sizeof(*n));

	while (*head != NULL)
		head = &(*head)->next;
	n->name = name;
	*head = n;
}

bool
namelist_has(const struct namelist *n, const char *name)
{
	for (; n != NULL; n = n->next)
		if (strcmp(n->name, name) == 0)
			return true;
	return false;
}
