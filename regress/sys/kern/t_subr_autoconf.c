/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drivers are set up in order, and not below a parent that failed.
 */
/* sources: sys/kern/subr_autoconf.c */
#include <sys/autoconf.h>
#include <sys/errno.h>
#include <sys/libkern.h>

#include <ktest.h>

static char order[32];
static int results[4];		/* of root, bus, disk, loop */

static int
init(char name, int i)
{
	char s[2] = { name, '\0' };

	strlcat(order, s, sizeof(order));
	return results[i];
}
static int root_init(void) { return init('r', 0); }
static int bus_init(void) { return init('b', 1); }
static int disk_init(void) { return init('d', 2); }
static int loop_init(void) { return init('l', 3); }

static const struct driver root = { "root", root_init };
static const struct driver bus = { "bus", bus_init };
static const struct driver disk = { "disk", disk_init };
static const struct driver loop = { "loop", loop_init };

const struct config_device config_devices[] = {
	{ &root, NULL }, { &bus, &root }, { &disk, &bus }, { &loop, NULL },
	{ NULL, NULL },
};

static const char *
run(int r, int b, int d)
{
	results[0] = r;
	results[1] = b;
	results[2] = d;
	order[0] = '\0';
	config_init();
	return order;
}

TEST(order)
{
	CHECK_STR(run(0, 0, 0), "rbdl");
}

TEST(failed_parents)
{
	CHECK_STR(run(0, ENXIO, 0), "rbl");
	CHECK_STR(run(EIO, 0, 0), "rl");
	CHECK_STR(run(0, 0, ENOMEM), "rbdl");
}
