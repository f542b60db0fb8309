/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs read in /proc about the system.
 */
#define	_GNU_SOURCE
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tap.h"

/* The driver of a kind and major number by /proc/devices; false: none. */
static int
driver(const char *kind, unsigned int want, const char *name)
{
	FILE *fp = fopen("/proc/devices", "r");
	char line[128], found[64];
	int here = 0, ok = 0;
	unsigned int maj;

	CHECK(fp != NULL);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strstr(line, "devices:") != NULL) {
			here = strncmp(line, kind, strlen(kind)) == 0;
			continue;
		}
		if (line[0] == '\n')
			continue;
		CHECK(sscanf(line, "%u %63s", &maj, found) == 2);
		if (here && maj == want && strcmp(found, name) == 0)
			ok = 1;
	}
	fclose(fp);
	return ok;
}

TEST(devices)
{
	struct stat st;

	CHECK_EQ(stat("/dev/null", &st), 0);
	CHECK(driver("Character", major(st.st_rdev), "mem"));
	CHECK(!driver("Block", major(st.st_rdev), "mem"));
	CHECK(driver("Character", 136, "pts"));
}
