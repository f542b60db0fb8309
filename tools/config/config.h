/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data that config collects while it reads a kernel configuration.
 */
#ifndef TOOLS_CONFIG_H
#define TOOLS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* What a declared name stands for. */
enum symkind {
	SYM_FLAG,		/* defflag: an option without a value */
	SYM_PARAM,		/* defparam: an option with a value */
	SYM_ATTR,		/* define: selected by devices */
	SYM_DEVICE,		/* device: attaches at a parent */
	SYM_PSEUDO,		/* defpseudo: a device without a parent */
};

struct where {
	const char *file;
	int line;
};

struct sym {
	struct sym *next;
	const char *name;
	enum symkind kind;
	struct where declared;
	bool set;		/* chosen by the configuration */
	struct where chosen;
	const char *value;	/* SYM_PARAM: the text after '=' */
	struct sym *parent;	/* SYM_DEVICE: where the configuration put it */
	struct namelist *attrs;	/* attributes a device selects */
	struct namelist *parents; /* allowed by attach, or "root" */
	bool visited;		/* for the ordering walk */
};

struct namelist {
	struct namelist *next;
	const char *name;
};

/* `file PATH [condition]` or `dir PATTERN [condition]`. */
struct fileent {
	struct fileent *next;
	const char *path;	/* relative to sys/ */
	const char *cond;	/* NULL: always */
	struct where where;
	bool isdir;
};

struct makeopt {
	struct makeopt *next;
	const char *name;
	const char *value;
	struct where where;
};

struct config {
	const char *sysdir;
	const char *builddir;
	const char *name;	/* the configuration's file name */
	const char *machine;
	struct sym *syms, **symtail;
	struct fileent *files, **filetail;
	struct makeopt *makeopts, **makeopttail;
	struct namelist *devices;	/* in configuration order */
	int errors;
};

/* util.c */
void *xalloc(size_t);
char *xstrdup(const char *);
char *xprintf(const char *, ...) __attribute__((format(printf, 1, 2)));
void error_at(struct config *, struct where, const char *, ...)
    __attribute__((format(printf, 3, 4)));
void fatal(const char *, ...)
    __attribute__((format(printf, 1, 2), noreturn));
struct sym *sym_find(struct config *, const char *);
void namelist_add(struct namelist **, const char *);
bool namelist_has(const struct namelist *, const char *);

/* parse.c */
void parse_file(struct config *, const char *path, struct where from,
    bool isconf);

/* cond.c */
bool cond_true(struct config *, const char *cond, struct where);

/* emit.c */
void emit_all(struct config *);

#endif /* !TOOLS_CONFIG_H */
