/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: the few parts of Linux's /sys that programs ask for.
 *
 * Overview: the same engine as procfs with another tree: CPUs, disks, the
 * console's terminal, the hypervisor.  What is not here does not exist
 * (ENOENT), which is what programs are prepared for.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <fs/sysfs/sysfs.h>

#define	SYSFS_MAGIC	0x62656572

/* ---- CPUs ---- */

typedef bool cpu_test(const struct cpu_info *);

static bool
cpu_possible_p(const struct cpu_info *ci __unused)
{
	return true;
}

static bool
cpu_present_p(const struct cpu_info *ci)
{
	return ci->ci_present;
}

static bool
cpu_online_p(const struct cpu_info *ci)
{
	return ci->ci_online;
}

static bool
cpu_offline_p(const struct cpu_info *ci)
{
	return !ci->ci_online;
}

static uint64_t
cpu_set(cpu_test *test)
{
	struct cpu_info *ci;
	uint64_t set = 0;

	CPU_FOREACH(ci)
		if (test(ci))
			set |= (uint64_t)1 << ci->ci_index;
	return set;
}
CTASSERT(MAXCPUS <= 64);

/* A set in words, "0-3,5". */
static int
cpu_list(struct pbuf *pb, uint64_t set)
{
	unsigned int i, first = 0;
	bool in = false, on, any = false;

	for (i = 0; i <= MAXCPUS; i++) {
		on = i < MAXCPUS && (set >> i & 1) != 0;
		if (on && !in)
			first = i;
		if (!on && in) {
			pbuf_printf(pb, any ? ",%u" : "%u", first);
			if (i - 1 > first)
				pbuf_printf(pb, "-%u", i - 1);
			any = true;
		}
		in = on;
	}
	pbuf_printf(pb, "\n");
	return 0;
}

/* A set as a number, with as many digits as there could be CPUs. */
static int
cpu_mask(struct pbuf *pb, uint64_t set)
{
	unsigned int low = MIN(ncpu_possible, 32U);

	if (ncpu_possible > 32)
		pbuf_printf(pb, "%0*x,", (int)howmany(ncpu_possible - 32, 4),
		    (unsigned int)(set >> 32));
	pbuf_printf(pb, "%0*x\n", (int)howmany(low, 4), (unsigned int)set);
	return 0;
}

static int
fill_online(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	return cpu_list(pb, cpu_set(cpu_online_p));
}

static int
fill_offline(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	return cpu_list(pb, cpu_set(cpu_offline_p));
}

static int
fill_possible(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	return cpu_list(pb, cpu_set(cpu_possible_p));
}

static int
fill_present(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	return cpu_list(pb, cpu_set(cpu_present_p));
}

/* ---- one CPU: cpuN ---- */

static bool
cpu_there(int n)
{
	return n < MAXCPUS && cpu_infos[n] != NULL && cpu_infos[n]->ci_present;
}

static int
fill_cpu_online(const struct pfs_node *pn, struct pbuf *pb)
{
	pbuf_printf(pb, "%d\n", cpu_infos[pn->pn_number]->ci_online);
	return 0;
}

static int
store_cpu_online(const struct pfs_node *pn, char *text)
{
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return EINVAL;
	return cpu_set_online(cpu_infos[pn->pn_number], text[0] == '1');
}

static int
fill_core_id(const struct pfs_node *pn, struct pbuf *pb)
{
	pbuf_printf(pb, "%d\n", pn->pn_number);
	return 0;
}

static int
fill_zero(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "0\n");
	return 0;
}

static int
fill_self_list(const struct pfs_node *pn, struct pbuf *pb)
{
	return cpu_list(pb, (uint64_t)1 << pn->pn_number);
}

static int
fill_self_mask(const struct pfs_node *pn, struct pbuf *pb)
{
	return cpu_mask(pb, (uint64_t)1 << pn->pn_number);
}

static int
fill_all_mask(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	return cpu_mask(pb, cpu_set(cpu_online_p));
}

static int
fill_kernel_max(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "%d\n", MAXCPUS - 1);
	return 0;
}

/* ---- the rest ---- */

static int
fill_console(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	char name[16];

	if (tty_console_name(name, sizeof(name)))
		pbuf_printf(pb, "%s\n", name);
	return 0;
}

static int
fill_type(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "xen\n");
	return 0;
}

static int
fill_guest_type(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	/* "Xen PV" to the machine, "PV" here. */
	const char *name = machine_name(), *last = strrchr(name, ' ');

	pbuf_printf(pb, "%s\n", last != NULL ? last + 1 : name);
	return 0;
}

#define	FILE_R(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444,	\
	    .pe_fill = (fill) }
#define	DIR(n, d)	{ .pe_name = (n), .pe_mode = S_IFDIR | 0555,	\
	    .pe_dir = (d) }

/* Each vCPU is a core of its own in the one package. */
static const struct pfs_entry topology_entries[] = {
	FILE_R("core_cpus", fill_self_mask),
	FILE_R("core_cpus_list", fill_self_list),
	FILE_R("core_id", fill_core_id),
	FILE_R("core_siblings", fill_all_mask),
	FILE_R("core_siblings_list", fill_online),
	FILE_R("die_id", fill_zero),
	FILE_R("package_cpus", fill_all_mask),
	FILE_R("package_cpus_list", fill_online),
	FILE_R("physical_package_id", fill_zero),
	FILE_R("thread_siblings", fill_self_mask),
	FILE_R("thread_siblings_list", fill_self_list),
	{ 0 }
};
/* The boot CPU has no switch. */
static const struct pfs_entry boot_cpu_entries[] = {
	DIR("topology", topology_entries), { 0 }
};
static const struct pfs_entry one_cpu_entries[] = {
	{ .pe_name = "online", .pe_mode = S_IFREG | 0644,
	    .pe_fill = fill_cpu_online, .pe_store = store_cpu_online },
	DIR("topology", topology_entries), { 0 }
};
static const struct pfs_entry boot_cpu_dir = DIR(NULL, boot_cpu_entries);
static const struct pfs_entry one_cpu_dir = DIR(NULL, one_cpu_entries);

static bool
next_cpu(const struct pfs_node *dir __unused, int after, struct pfs_item *pi)
{
	int n;

	for (n = after + 1; n < MAXCPUS; n++)
		if (cpu_there(n))
			break;
	if (n >= MAXCPUS)
		return false;
	pi->pi_number = n;
	snprintf(pi->pi_name, sizeof(pi->pi_name), "cpu%d", n);
	pi->pi_entry = n == 0 ? &boot_cpu_dir : &one_cpu_dir;
	return true;
}

static const struct pfs_numbered cpu_dirs = { next_cpu, cpu_there };

static const struct pfs_entry cpu_entries[] = {
	FILE_R("kernel_max", fill_kernel_max),
	FILE_R("offline", fill_offline),
	FILE_R("online", fill_online),
	FILE_R("possible", fill_possible),
	FILE_R("present", fill_present),
	{ 0 }
};
static const struct pfs_entry system_entries[] = {
	{ .pe_name = "cpu", .pe_mode = S_IFDIR | 0555, .pe_dir = cpu_entries,
	    .pe_numbered = &cpu_dirs },
	{ 0 }
};
static const struct pfs_entry virtual_entries[] = {
	SYSFS_DYN("block", &sysfs_virtual_block_dyn), { 0 }
};
static const struct pfs_entry devices_entries[] = {
	DIR("system", system_entries),
	DIR("virtual", virtual_entries),
	{ 0 }
};
static const struct pfs_entry dev_entries[] = {
	SYSFS_DYN("block", &sysfs_dev_block_dyn), { 0 }
};
static const struct pfs_entry console_entries[] = {
	FILE_R("active", fill_console), { 0 }
};
static const struct pfs_entry tty_entries[] = {
	DIR("console", console_entries), { 0 }
};
static const struct pfs_entry class_entries[] = {
	SYSFS_DYN("block", &sysfs_class_block_dyn),
	DIR("tty", tty_entries),
	{ 0 }
};
static const struct pfs_entry hypervisor_entries[] = {
	FILE_R("guest_type", fill_guest_type),
	FILE_R("type", fill_type),
	{ 0 }
};
static const struct pfs_entry root_entries[] = {
	SYSFS_DYN("block", &sysfs_block_dyn),
	DIR("class", class_entries),
	DIR("dev", dev_entries),
	{ .pe_name = "devices", .pe_mode = S_IFDIR | 0555,
	    .pe_dir = devices_entries, .pe_numbered = &sysfs_bus_dyn },
	DIR("hypervisor", hypervisor_entries),
	{ 0 }
};
static const struct pfs_entry sysfs_root = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = root_entries
};

static int
sysfs_mount(struct mount *mp, const char *source __unused,
    const char *options __unused)
{
	return pfs_mount_tree(mp, &sysfs_root);
}

static int
sysfs_statfs(struct mount *mp __unused, struct statfs_k *sf)
{
	return pfs_statfs(sf, SYSFS_MAGIC);
}

static const struct vfsops sysfs_vfsops = {
	.vfs_name = "sysfs",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = sysfs_mount,
	.vfs_unmount = pfs_unmount,
	.vfs_statfs = sysfs_statfs,
};
VFS_REGISTER(sysfs_vfsops);
