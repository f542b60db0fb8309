/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config: turns a kernel configuration (a subset of BSD's config(5)) into
 * the generated part of a kernel's build directory.
 *
 * Usage: config -s SYSDIR -b BUILDDIR CONFIGURATION
 *
 * Mistakes are reported as `file:line: message`, all of them in one run; the
 * exit status is 1 then and the build directory is left as it was.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

static void
usage(void)
{
	fatal("usage: config -s SYSDIR -b BUILDDIR CONFIGURATION");
}

int
main(int argc, char **argv)
{
	struct config cf = { 0 };
	char cwd[4096];
	char *slash;
	int c;

	while ((c = getopt(argc, argv, "s:b:")) != -1) {
		switch (c) {
		case 's':
			cf.sysdir = optarg;
			break;
		case 'b':
			cf.builddir = optarg;
			break;
		default:
			usage();
		}
	}
	if (cf.sysdir == NULL || cf.builddir == NULL || optind + 1 != argc)
		usage();
	cf.symtail = &cf.syms;
	cf.filetail = &cf.files;
	cf.makeopttail = &cf.makeopts;
	slash = strrchr(argv[optind], '/');
	cf.name = slash != NULL ? slash + 1 : argv[optind];
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		fatal("cannot tell the current directory");
	parse_file(&cf, argv[optind][0] == '/' ? argv[optind] :
	    xprintf("%s/%s", cwd, argv[optind]), (struct where){ 0 }, true);
	if (cf.machine == NULL && cf.errors == 0)
		fatal("%s: no `machine' statement", argv[optind]);
	if (cf.machine != NULL)
		emit_all(&cf);
	return cf.errors != 0;
}
