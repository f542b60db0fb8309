/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which vCPUs the tools want: cpu/N/availability in the store.
 *
 * Overview: a domain has `maxvcpus` of them; those whose node says "online" are
 * present, those with "offline" are not.  At boot the nodes are read before
 * another vCPU is started.  Later a watch sees what `xl vcpu-set` writes; a
 * vCPU that became present is brought up, one that ceased to be is taken
 * down (cpu_set_present()).  What is present already is left alone, also when
 * somebody in the guest has taken it offline.  cpu 0 stays.
 *
 * Suspend: the watch fires again in a new domain; its store has the nodes as
 * the old one had them.
 *
 * Untrusted input: the number in the path and the two words are checked;
 * what is something else is ignored, unknown words are reported.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <xen/machdep.h>
#include <xen/xenbus.h>

static struct xs_watch cpu_watch;

static int
availability(const struct cpu_info *ci, bool *wanted)
{
	char dir[16], *word;
	int error;

	snprintf(dir, sizeof(dir), "cpu/%u", ci->ci_index);
	error = xs_read(XST_NIL, dir, "availability", &word);
	if (error != 0)
		return error;
	*wanted = strcmp(word, "online") == 0;
	if (!*wanted && strcmp(word, "offline") != 0) {
		printf("cpu%u: unknown availability \"%.32s\"\n",
		    ci->ci_index, word);
		error = EINVAL;
	}
	kmem_strfree(word);
	return error;
}

/* Come or go, and say so. */
static void
follow(struct cpu_info *ci, bool wanted)
{
	int error;

	if (ci->ci_present == wanted)
		return;
	error = cpu_set_present(ci, wanted);
	if (error != 0)
		printf("cpu%u: cannot be taken %s: error %d\n", ci->ci_index,
		    wanted ? "online" : "offline", error);
	else
		printf("cpu%u: %s\n", ci->ci_index,
		    wanted ? "online" : "offline");
}

static void
look_again(struct cpu_info *ci)
{
	bool wanted;

	if (ci != &cpu_info_primary && availability(ci, &wanted) == 0)
		follow(ci, wanted);
}

/* The vCPU a path is about: "cpu/N" and perhaps more. */
static struct cpu_info *
cpu_of(const char *path)
{
	const char *end;
	uint64_t n;

	if (strncmp(path, "cpu/", 4) != 0 ||
	    kstrtou64_prefix(path + 4, 10, &n, &end) != 0 ||
	    (*end != '\0' && *end != '/') || n >= MAXCPUS)
		return NULL;
	return cpu_infos[n];
}

/* Thread xenwatch. */
static void
cpu_changed(struct xs_watch *xw __unused, const char *path,
    const char *token __unused)
{
	struct cpu_info *ci;

	if (strcmp(path, "cpu") != 0) {
		ci = cpu_of(path);
		if (ci != NULL)
			look_again(ci);
		return;
	}
	CPU_FOREACH(ci)
		look_again(ci);
}

int
xen_cpus_init(void)
{
	struct cpu_info *ci;
	bool wanted;
	int error;

	CPU_FOREACH(ci) {
		if (ci == &cpu_info_primary)
			continue;
		/* Nobody says anything: all that there are. */
		if (availability(ci, &wanted) != 0)
			wanted = true;
		error = wanted ? cpu_set_present(ci, true) : 0;
		if (error != 0)
			printf("cpu%u: does not start: error %d\n",
			    ci->ci_index, error);
	}
	if (ncpu_possible == 1)
		return 0;
	cpu_watch.xw_node = kmem_strdup("cpu", KM_SLEEP);
	if (cpu_watch.xw_node == NULL)
		return ENOMEM;
	cpu_watch.xw_func = cpu_changed;
	return xs_watch(&cpu_watch);
}
