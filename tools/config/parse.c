/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading of kernel configurations and of the files.* lists they rest on.
 *
 * Overview: both languages are line based; a line is cut into words (quotes
 * keep blanks together, `#` starts a comment, a line that starts with a blank
 * continues the one before) and the first word selects the statement.  A
 * configuration starts with `machine NAME`, which reads conf/files and
 * arch/NAME/conf/files.NAME: they declare every name, and using an undeclared
 * one is an error.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define	MAXWORDS	128
#define	MAXLINE		4096
#define	MAXDEPTH	16

struct stmt {
	struct config *cf;
	struct where where;
	int n;
	char *w[MAXWORDS];
	const char *tail2;	/* the text from the third word on, or NULL */
	bool isconf;
};

typedef void (*stmt_fn)(struct stmt *);

static int depth;

static void
stmt_error(struct stmt *st, const char *what)
{
	error_at(st->cf, st->where, "%s: %s", st->w[0], what);
}

static bool
stmt_words(struct stmt *st, int min, int max, const char *usage)
{
	if (st->n >= min && st->n <= max)
		return true;
	error_at(st->cf, st->where, "usage: %s", usage);
	return false;
}

/* Is this a name of letters, digits, `_` and `-` that starts with no digit? */
static bool
name_ok(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && *s != '-')
			return false;
	return true;
}

static struct sym *
declare(struct stmt *st, const char *name, enum symkind kind)
{
	struct config *cf = st->cf;
	struct sym *s = sym_find(cf, name);

	if (!name_ok(name)) {
		error_at(cf, st->where, "`%s' is no name", name);
		return NULL;
	}
	if (s != NULL) {
		error_at(cf, st->where, "`%s' was declared at %s:%d", name,
		    s->declared.file, s->declared.line);
		return NULL;
	}
	s = xalloc(sizeof(*s));
	s->name = xstrdup(name);
	s->kind = kind;
	s->declared = st->where;
	*cf->symtail = s;
	cf->symtail = &s->next;
	return s;
}

/* The symbol of that name, if it is declared and of one of two kinds. */
static struct sym *
lookup(struct stmt *st, const char *name, const char *what, enum symkind k1,
    enum symkind k2)
{
	struct sym *s = sym_find(st->cf, name);

	if (s == NULL || (s->kind != k1 && s->kind != k2)) {
		error_at(st->cf, st->where, "undeclared %s `%s'", what, name);
		return NULL;
	}
	return s;
}

static void
s_include(struct stmt *st)
{
	if (stmt_words(st, 2, 2, "include \"path\""))
		parse_file(st->cf, st->w[1], st->where, st->isconf);
}

/* ----- statements of files.* ----- */

static void
s_defflag(struct stmt *st)
{
	int i;

	if (!stmt_words(st, 2, MAXWORDS, "defflag NAME ..."))
		return;
	for (i = 1; i < st->n; i++)
		declare(st, st->w[i], SYM_FLAG);
}

static void
s_defparam(struct stmt *st)
{
	int i;

	if (!stmt_words(st, 2, MAXWORDS, "defparam NAME ..."))
		return;
	for (i = 1; i < st->n; i++)
		declare(st, st->w[i], SYM_PARAM);
}

static void
s_define(struct stmt *st)
{
	if (stmt_words(st, 2, 2, "define ATTRIBUTE"))
		declare(st, st->w[1], SYM_ATTR);
}

/* device NAME [: attribute ...], and the same for defpseudo */
static void
s_device(struct stmt *st)
{
	bool pseudo = strcmp(st->w[0], "defpseudo") == 0;
	char *colon;
	struct sym *s;
	int i = 2;

	if (!stmt_words(st, 2, MAXWORDS, "device NAME [: ATTRIBUTE ...]"))
		return;
	colon = strchr(st->w[1], ':');
	if (colon != NULL && colon[1] == '\0') {
		*colon = '\0';
	} else if (st->n > 2) {
		if (strcmp(st->w[2], ":") != 0) {
			stmt_error(st, "`:' expected after the name");
			return;
		}
		i = 3;
	}
	s = declare(st, st->w[1], pseudo ? SYM_PSEUDO : SYM_DEVICE);
	for (; s != NULL && i < st->n; i++)
		if (lookup(st, st->w[i], "attribute", SYM_ATTR, SYM_ATTR))
			namelist_add(&s->attrs, xstrdup(st->w[i]));
}

static void
s_attach(struct stmt *st)
{
	struct sym *s;

	if (!stmt_words(st, 4, 4, "attach NAME at PARENT"))
		return;
	if (strcmp(st->w[2], "at") != 0) {
		stmt_error(st, "`at' expected");
		return;
	}
	s = lookup(st, st->w[1], "device", SYM_DEVICE, SYM_DEVICE);
	if (s == NULL)
		return;
	if (strcmp(st->w[3], "root") != 0 &&
	    lookup(st, st->w[3], "device", SYM_DEVICE, SYM_DEVICE) == NULL)
		return;
	namelist_add(&s->parents, xstrdup(st->w[3]));
}

static void
s_file(struct stmt *st)
{
	struct config *cf = st->cf;
	struct fileent *f;

	if (!stmt_words(st, 2, MAXWORDS, "file PATH [condition]"))
		return;
	f = xalloc(sizeof(*f));
	f->path = xstrdup(st->w[1]);
	f->cond = st->tail2 != NULL ? xstrdup(st->tail2) : NULL;
	f->where = st->where;
	f->isdir = strcmp(st->w[0], "dir") == 0;
	*cf->filetail = f;
	cf->filetail = &f->next;
}

/* ----- statements of a configuration ----- */

static void
s_machine(struct stmt *st)
{
	struct config *cf = st->cf;

	if (!stmt_words(st, 2, 2, "machine NAME"))
		return;
	if (cf->machine != NULL) {
		stmt_error(st, "given twice");
		return;
	}
	if (!name_ok(st->w[1])) {
		stmt_error(st, "not a machine's name");
		return;
	}
	cf->machine = xstrdup(st->w[1]);
	parse_file(cf, "conf/files", st->where, false);
	parse_file(cf, xprintf("arch/%s/conf/files.%s", cf->machine,
	    cf->machine), st->where, false);
}

static void
option_set(struct stmt *st, char *word)
{
	char *value = strchr(word, '=');
	struct sym *s;

	if (value != NULL)
		*value++ = '\0';
	s = lookup(st, word, "option", SYM_FLAG, SYM_PARAM);
	if (s == NULL)
		return;
	if (s->set) {
		error_at(st->cf, st->where, "option `%s' was set at %s:%d",
		    word, s->chosen.file, s->chosen.line);
		return;
	}
	if (s->kind == SYM_FLAG && value != NULL) {
		error_at(st->cf, st->where, "option `%s' takes no value", word);
		return;
	}
	if (s->kind == SYM_PARAM && (value == NULL || *value == '\0')) {
		error_at(st->cf, st->where, "option `%s' needs a value", word);
		return;
	}
	s->set = true;
	s->chosen = st->where;
	s->value = value != NULL ? xstrdup(value) : NULL;
}

static void
option_clear(struct stmt *st, const char *name)
{
	struct sym *s = lookup(st, name, "option", SYM_FLAG, SYM_PARAM);

	if (s == NULL)
		return;
	if (!s->set)
		error_at(st->cf, st->where, "option `%s' is not set", name);
	s->set = false;
}

static void
s_options(struct stmt *st)
{
	int i;

	if (!stmt_words(st, 2, MAXWORDS, "options NAME[=value] ..."))
		return;
	for (i = 1; i < st->n; i++)
		option_set(st, st->w[i]);
}

static void
s_makeoptions(struct stmt *st)
{
	struct config *cf = st->cf;
	struct makeopt *m;
	char *eq;

	if (!stmt_words(st, 2, 2, "makeoptions NAME=\"value\""))
		return;
	eq = strchr(st->w[1], '=');
	if (eq == NULL) {
		stmt_error(st, "`=' expected");
		return;
	}
	*eq++ = '\0';
	if (!name_ok(st->w[1])) {
		stmt_error(st, "not a variable's name");
		return;
	}
	m = xalloc(sizeof(*m));
	m->name = xstrdup(st->w[1]);
	m->value = xstrdup(eq);
	m->where = st->where;
	*cf->makeopttail = m;
	cf->makeopttail = &m->next;
}

static void
device_choose(struct stmt *st, struct sym *s)
{
	struct namelist *a;

	s->set = true;
	s->chosen = st->where;
	for (a = s->attrs; a != NULL; a = a->next)
		sym_find(st->cf, a->name)->set = true;
	if (!namelist_has(st->cf->devices, s->name))
		namelist_add(&st->cf->devices, s->name);
}

static void
s_pseudo(struct stmt *st)
{
	struct sym *s;

	if (!stmt_words(st, 2, 2, "pseudo-device NAME"))
		return;
	s = lookup(st, st->w[1], "pseudo-device", SYM_PSEUDO, SYM_PSEUDO);
	if (s == NULL)
		return;
	if (s->set)
		error_at(st->cf, st->where, "`%s' was configured at %s:%d",
		    s->name, s->chosen.file, s->chosen.line);
	device_choose(st, s);
}

/* Cut an instance (`*`, `?` or a number) off a device's name. */
static void
strip_instance(char *s)
{
	size_t n = strlen(s);

	if (n > 1 && (s[n - 1] == '*' || s[n - 1] == '?')) {
		s[n - 1] = '\0';
		return;
	}
	while (n > 1 && isdigit((unsigned char)s[n - 1]))
		s[--n] = '\0';
}

/* DEV at PARENT */
static void
s_instance(struct stmt *st)
{
	struct config *cf = st->cf;
	struct sym *s, *p = NULL;

	strip_instance(st->w[0]);
	strip_instance(st->w[2]);
	s = lookup(st, st->w[0], "device", SYM_DEVICE, SYM_DEVICE);
	if (s == NULL)
		return;
	if (strcmp(st->w[2], "root") != 0) {
		p = lookup(st, st->w[2], "device", SYM_DEVICE, SYM_DEVICE);
		if (p == NULL)
			return;
	}
	if (!namelist_has(s->parents, st->w[2])) {
		error_at(cf, st->where, "`%s' does not attach at `%s'",
		    s->name, st->w[2]);
		return;
	}
	if (s->set) {
		error_at(cf, st->where, "`%s' was configured at %s:%d",
		    s->name, s->chosen.file, s->chosen.line);
		return;
	}
	s->parent = p;
	device_choose(st, s);
}

/* no options NAME ..., no makeoptions NAME, no pseudo-device NAME, no DEV */
static void
s_no(struct stmt *st)
{
	struct makeopt **mp;
	struct sym *s;
	int i;

	if (!stmt_words(st, 2, MAXWORDS, "no STATEMENT"))
		return;
	if (strcmp(st->w[1], "options") == 0) {
		for (i = 2; i < st->n; i++)
			option_clear(st, st->w[i]);
		return;
	}
	if (strcmp(st->w[1], "makeoptions") == 0) {
		if (!stmt_words(st, 3, 3, "no makeoptions NAME"))
			return;
		for (mp = &st->cf->makeopts; *mp != NULL; mp = &(*mp)->next)
			if (strcmp((*mp)->name, st->w[2]) == 0)
				break;
		if (*mp == NULL) {
			stmt_error(st, "no such makeoption");
			return;
		}
		if ((*mp)->next == NULL)
			st->cf->makeopttail = mp;
		*mp = (*mp)->next;
		return;
	}
	i = strcmp(st->w[1], "pseudo-device") == 0 ? 2 : 1;
	if (i >= st->n) {
		stmt_error(st, "a name is missing");
		return;
	}
	strip_instance(st->w[i]);
	s = lookup(st, st->w[i], "device", SYM_DEVICE, SYM_PSEUDO);
	if (s == NULL)
		return;
	if (!s->set)
		error_at(st->cf, st->where, "`%s' is not configured", s->name);
	s->set = false;
}

static const struct {
	const char *word;
	stmt_fn fn;
	bool conf;		/* belongs to configurations, not to files.* */
} stmts[] = {
	{ "defflag", s_defflag, false },
	{ "defparam", s_defparam, false },
	{ "define", s_define, false },
	{ "device", s_device, false },
	{ "defpseudo", s_device, false },
	{ "attach", s_attach, false },
	{ "file", s_file, false },
	{ "dir", s_file, false },
	{ "machine", s_machine, true },
	{ "options", s_options, true },
	{ "makeoptions", s_makeoptions, true },
	{ "pseudo-device", s_pseudo, true },
	{ "no", s_no, true },
};

static void
stmt_run(struct stmt *st)
{
	size_t i;

	if (strcmp(st->w[0], "include") == 0) {
		s_include(st);
		return;
	}
	if (st->isconf && st->cf->machine == NULL &&
	    strcmp(st->w[0], "machine") != 0) {
		stmt_error(st, "a configuration starts with `machine'");
		return;
	}
	for (i = 0; i < sizeof(stmts) / sizeof(stmts[0]); i++)
		if (strcmp(st->w[0], stmts[i].word) == 0 &&
		    stmts[i].conf == st->isconf) {
			stmts[i].fn(st);
			return;
		}
	if (st->isconf && st->n == 3 && strcmp(st->w[1], "at") == 0) {
		s_instance(st);
		return;
	}
	error_at(st->cf, st->where, "unknown statement `%s'", st->w[0]);
}

/*
 * Cut a line into words in place.  Quotes are removed and protect blanks and
 * `#`.  Returns false after reporting a line that cannot be cut.
 */
static bool
split(struct stmt *st, char *p)
{
	static char tail[MAXLINE];
	char *out;
	bool quoted;

	st->n = 0;
	st->tail2 = NULL;
	for (;;) {
		while (isspace((unsigned char)*p))
			p++;
		if (*p == '\0')
			return true;
		if (st->n == MAXWORDS) {
			error_at(st->cf, st->where, "too many words");
			return false;
		}
		if (st->n == 2) {
			snprintf(tail, sizeof(tail), "%s", p);
			st->tail2 = tail;
		}
		st->w[st->n++] = out = p;
		quoted = false;
		for (; *p != '\0' && (quoted || !isspace((unsigned char)*p));
		    p++) {
			if (*p == '"')
				quoted = !quoted;
			else
				*out++ = *p;
		}
		if (quoted) {
			error_at(st->cf, st->where, "closing quote missing");
			return false;
		}
		if (*p != '\0')
			p++;
		*out = '\0';
	}
}

static void
strip_comment(char *line)
{
	bool quoted = false;

	for (; *line != '\0'; line++) {
		if (*line == '"')
			quoted = !quoted;
		if ((*line == '#' && !quoted) || *line == '\n') {
			*line = '\0';
			return;
		}
	}
}

static void
parse_logical(struct config *cf, struct where w, char *line, bool isconf)
{
	struct stmt st = { .cf = cf, .where = w, .isconf = isconf };

	if (split(&st, line) && st.n > 0)
		stmt_run(&st);
}

/*
 * Read one file; a path that is not absolute is relative to sys/.  `from`
 * names the line that asked for it (file NULL: the command line).
 */
void
parse_file(struct config *cf, const char *path, struct where from, bool isconf)
{
	char line[MAXLINE], pending[MAXLINE] = "";
	struct where w = { 0 }, start = { 0 };
	const char *full;
	FILE *fp;

	full = path[0] == '/' ? path : xprintf("%s/%s", cf->sysdir, path);
	fp = depth < MAXDEPTH ? fopen(full, "r") : NULL;
	if (fp == NULL) {
		if (from.file == NULL)
			fatal("cannot read %s", full);
		error_at(cf, from, "%s `%s'", depth < MAXDEPTH ?
		    "cannot read" : "includes nest too deep at", path);
		return;
	}
	depth++;
	w.file = xstrdup(full);
	while (fgets(line, sizeof(line), fp) != NULL) {
		w.line++;
		if (strchr(line, '\n') == NULL && !feof(fp)) {
			error_at(cf, w, "line too long");
			break;
		}
		strip_comment(line);
		if (isspace((unsigned char)line[0]) && pending[0] != '\0') {
			if (strlen(pending) + strlen(line) + 1 >
			    sizeof(pending)) {
				error_at(cf, w, "statement too long");
				break;
			}
			strcat(pending, line);
			continue;
		}
		parse_logical(cf, start, pending, isconf);
		strcpy(pending, line);
		start = w;
	}
	parse_logical(cf, start, pending, isconf);
	fclose(fp);
	depth--;
}
