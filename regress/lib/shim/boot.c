/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot options from a string the test sets: words and word=value, no quotes.
 */
#include <sys/boot.h>
#include <sys/systm.h>

#include <ktest.h>

const char *shim_cmdline = "";

bool
boot_option(const char *name, char *buf, size_t len)
{
	const char *p = shim_cmdline, *end;
	size_t n = strlen(name);
	bool found = false;

	while (*p != '\0') {
		for (; *p == ' '; p++)
			continue;
		for (end = p; *end != '\0' && *end != ' '; end++)
			continue;
		if (strncmp(p, name, n) == 0 &&
		    (p + n == end || p[n] == '=')) {
			found = true;
			p += n + (p[n] == '=');
			if (buf != NULL)
				scnprintf(buf, len, "%.*s", (int)(end - p), p);
		}
		p = end;
	}
	return found;
}
