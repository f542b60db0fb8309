/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu/N/availability in the store: what it makes of the vCPUs, at boot, when it
 * changes, and when it is nonsense.
 */
/* sources: sys/arch/xen/xen/cpu_hotplug.c */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <xen/machdep.h>
#include <xen/xenbus.h>

#include <ktest.h>

#define	NCPUS	4

static struct cpu_info others[NCPUS];
static const char *nodes[NCPUS];	/* NULL: there is none */
static struct xs_watch *watch;
static unsigned int reads, changes;
static int set_error, watch_error;

int
xs_read(xs_transaction_t tx, const char *dir, const char *node, char **val)
{
	unsigned int n;

	CHECK_EQ(tx, XST_NIL);
	CHECK_STR(node, "availability");
	CHECK(strncmp(dir, "cpu/", 4) == 0);
	CHECK_EQ(kstrtou32(dir + 4, 10, &n), 0);
	CHECK(n > 0 && n < NCPUS);
	reads++;
	if (nodes[n] == NULL)
		return ENOENT;
	*val = kmem_strdup(nodes[n], KM_SLEEP);
	return *val != NULL ? 0 : ENOMEM;
}

int
xs_watch(struct xs_watch *xw)
{
	CHECK_STR(xw->xw_node, "cpu");
	watch = xw;
	return watch_error;
}

int
cpu_set_present(struct cpu_info *ci, bool present)
{
	CHECK(ci != &cpu_info_primary);
	changes++;
	if (set_error != 0)
		return set_error;
	ci->ci_present = ci->ci_online = present;
	return 0;
}

static void
setup(void)
{
	ncpu_possible = NCPUS;
	for (unsigned int i = 1; i < NCPUS; i++) {
		others[i].ci_index = i;
		cpu_infos[i] = &others[i];
	}
}

static void
fire(const char *path)
{
	watch->xw_func(watch, path, "3");
}

/* Which of 1, 2, 3 are present, as digits. */
static unsigned int
present(void)
{
	return others[1].ci_present * 100U + others[2].ci_present * 10U +
	    others[3].ci_present;
}

TEST(boots_with_those_that_are_wanted)
{
	setup();
	nodes[1] = "online";
	nodes[2] = "offline";
	nodes[3] = "online";
	CHECK_EQ(xen_cpus_init(), 0);
	CHECK_EQ(present(), 101);
	CHECK(watch != NULL);
	/* The first event comes by itself and changes nothing. */
	changes = 0;
	fire("cpu");
	CHECK_EQ(changes, 0);
	CHECK_EQ(present(), 101);
}

TEST(boots_with_all_when_nobody_says)
{
	setup();
	nodes[2] = "perhaps";
	watch_error = ENXIO;		/* no store at all */
	CHECK_EQ(xen_cpus_init(), ENXIO);
	CHECK_EQ(present(), 111);
}

TEST(one_vcpu_needs_no_watch)
{
	CHECK_EQ(xen_cpus_init(), 0);
	CHECK(watch == NULL);
}

TEST(no_memory)
{
	setup();
	kmem_fail_after(0);
	CHECK_EQ(xen_cpus_init(), ENOMEM);
	CHECK_EQ(present(), 111);
}

TEST(one_that_does_not_start)
{
	setup();
	set_error = EIO;
	CHECK_EQ(xen_cpus_init(), 0);
	CHECK_EQ(changes, 3);
	CHECK_EQ(present(), 0);
	/* It is tried again when the tools say so again. */
	set_error = 0;
	nodes[1] = nodes[2] = nodes[3] = "online";
	fire("cpu/2/availability");
	CHECK_EQ(present(), 10);
}

TEST(follows_what_is_written)
{
	setup();
	nodes[1] = nodes[2] = nodes[3] = "online";
	CHECK_EQ(xen_cpus_init(), 0);
	nodes[3] = "offline";
	fire("cpu/3/availability");
	CHECK_EQ(present(), 110);
	nodes[1] = nodes[2] = "offline";
	fire("cpu/2/availability");	/* that one only */
	CHECK_EQ(present(), 100);
	fire("cpu/1");
	CHECK_EQ(present(), 0);
	nodes[1] = nodes[3] = "online";
	fire("cpu");
	CHECK_EQ(present(), 101);
}

/* Somebody in the guest has taken it offline; the tools say nothing new. */
TEST(what_the_guest_did_is_left_alone)
{
	setup();
	nodes[1] = nodes[2] = nodes[3] = "online";
	CHECK_EQ(xen_cpus_init(), 0);
	others[2].ci_online = false;
	fire("cpu/2/availability");
	fire("cpu");
	CHECK(!others[2].ci_online && others[2].ci_present);
}

TEST(one_that_cannot_go)
{
	setup();
	CHECK_EQ(xen_cpus_init(), 0);
	set_error = EBUSY;
	nodes[2] = "offline";
	fire("cpu/2/availability");
	CHECK(others[2].ci_online && others[2].ci_present);
	set_error = 0;
	fire("cpu/2/availability");
	CHECK_EQ(present(), 101);
}

TEST(nonsense)
{
	static const char *const paths[] = {
		"", "c", "cpu/", "cpu//availability", "cpu/x", "cpu/-1",
		"cpu/1x/availability", "cpu/64/availability",
		"cpu/99999999999999999999/availability", "cpu/4", "cpus/1",
		"/local/domain/1/cpu/1", "cpu/0/availability", "cpu/0"
	};
	static const char *const words[] = {
		"", "ONLINE", "offline ", "1", "\x80\xff"
	};
	unsigned int i;

	setup();
	CHECK_EQ(xen_cpus_init(), 0);
	nodes[1] = nodes[2] = nodes[3] = "offline";
	reads = changes = 0;
	for (i = 0; i < __arraycount(paths); i++)
		fire(paths[i]);
	CHECK_EQ(reads + changes, 0);
	for (i = 0; i < __arraycount(words); i++) {
		nodes[1] = words[i];
		fire("cpu/1/availability");
	}
	nodes[1] = NULL;
	fire("cpu/1/availability");
	CHECK_EQ(changes, 0);
	CHECK_EQ(present(), 111);
}

TEST(memory_is_given_back)
{
	size_t before;

	setup();
	CHECK_EQ(xen_cpus_init(), 0);
	before = kmem_outstanding();
	nodes[1] = "offline";
	nodes[2] = "what?";
	fire("cpu");
	CHECK_EQ(present(), 11);
	CHECK_EQ(kmem_outstanding(), before);
}
