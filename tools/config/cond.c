/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conditions of file lists: names joined by `|` and `&`, negated by `!`,
 * grouped by parentheses; `&` binds tighter than `|`.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

struct cond {
	struct config *cf;
	struct where where;
	const char *text;
	const char *p;
	bool bad;
};

static bool cond_or(struct cond *);

static void
cond_error(struct cond *c, const char *what, const char *name)
{
	if (!c->bad)
		error_at(c->cf, c->where, "%s%s in condition `%s'", what, name,
		    c->text);
	c->bad = true;
}

static char
cond_peek(struct cond *c)
{
	while (isspace((unsigned char)*c->p))
		c->p++;
	return *c->p;
}

static bool
cond_name(struct cond *c)
{
	char name[64];
	size_t n = 0;
	struct sym *s;

	while (isalnum((unsigned char)*c->p) || *c->p == '_' ||
	    *c->p == '-') {
		if (n + 1 < sizeof(name))
			name[n++] = *c->p;
		c->p++;
	}
	name[n] = '\0';
	if (n == 0) {
		cond_error(c, "a name is missing", "");
		return false;
	}
	s = sym_find(c->cf, name);
	if (s == NULL) {
		cond_error(c, "undeclared name ", name);
		return false;
	}
	return s->set;
}

static bool
cond_factor(struct cond *c)
{
	bool v;

	switch (cond_peek(c)) {
	case '!':
		c->p++;
		return !cond_factor(c);
	case '(':
		c->p++;
		v = cond_or(c);
		if (cond_peek(c) != ')')
			cond_error(c, "`)' is missing", "");
		else
			c->p++;
		return v;
	default:
		return cond_name(c);
	}
}

static bool
cond_and(struct cond *c)
{
	bool v = cond_factor(c), w;

	while (!c->bad && cond_peek(c) == '&') {
		c->p++;
		w = cond_factor(c);
		v = v && w;
	}
	return v;
}

static bool
cond_or(struct cond *c)
{
	bool v = cond_and(c), w;

	while (!c->bad && cond_peek(c) == '|') {
		c->p++;
		w = cond_and(c);
		v = v || w;
	}
	return v;
}

bool
cond_true(struct config *cf, const char *cond, struct where where)
{
	struct cond c = { .cf = cf, .where = where, .text = cond, .p = cond };
	bool v;

	if (cond == NULL)
		return true;
	v = cond_or(&c);
	if (!c.bad && cond_peek(&c) != '\0')
		cond_error(&c, "unexpected ", c.p);
	return v && !c.bad;
}
