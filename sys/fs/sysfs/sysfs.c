/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: the few parts of Linux's /sys that programs ask for.
 *
 * Overview: the same engine as procfs with another tree: CPUs, the console's
 * terminal, the hypervisor.  What is not here does not exist (ENOENT), which is
 * what programs are prepared for.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <fs/procfs/procfs.h>

#define	SYSFS_MAGIC	0x62656572

/* "0-3,5": the CPUs for which the bit is set. */
static void
cpu_list(struct pbuf *pb, bool online)
{
	unsigned int i, first = 0;
	bool in = false, on, any = false;

	for (i = 0; i <= MAXCPUS; i++) {
		on = i < MAXCPUS && cpu_infos[i] != NULL &&
		    (!online || cpu_infos[i]->ci_online);
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
}

static int
fill_online(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	cpu_list(pb, true);
	return 0;
}

static int
fill_possible(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	cpu_list(pb, false);
	return 0;
}

static int
fill_kernel_max(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "%d\n", MAXCPUS - 1);
	return 0;
}

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

static const struct pfs_entry cpu_entries[] = {
	FILE_R("kernel_max", fill_kernel_max),
	FILE_R("online", fill_online),
	FILE_R("possible", fill_possible),
	FILE_R("present", fill_possible),
	{ 0 }
};
static const struct pfs_entry system_entries[] = {
	DIR("cpu", cpu_entries), { 0 }
};
static const struct pfs_entry devices_entries[] = {
	DIR("system", system_entries), { 0 }
};
static const struct pfs_entry console_entries[] = {
	FILE_R("active", fill_console), { 0 }
};
static const struct pfs_entry tty_entries[] = {
	DIR("console", console_entries), { 0 }
};
static const struct pfs_entry class_entries[] = {
	DIR("tty", tty_entries), { 0 }
};
static const struct pfs_entry hypervisor_entries[] = {
	FILE_R("guest_type", fill_guest_type),
	FILE_R("type", fill_type),
	{ 0 }
};
static const struct pfs_entry root_entries[] = {
	DIR("class", class_entries),
	DIR("devices", devices_entries),
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
sysfs_unmount(struct mount *mp __unused, bool force __unused)
{
	return 0;
}

static int
sysfs_statfs(struct mount *mp __unused, struct statfs_k *sf)
{
	memset(sf, 0, sizeof(*sf));
	sf->f_type = SYSFS_MAGIC;
	sf->f_bsize = sf->f_frsize = PAGE_SIZE;
	sf->f_namelen = MAXNAMLEN;
	return 0;
}

static const struct vfsops sysfs_vfsops = {
	.vfs_name = "sysfs",
	.vfs_flags = VFS_NODEVSRC,
	.vfs_mount = sysfs_mount,
	.vfs_unmount = sysfs_unmount,
	.vfs_statfs = sysfs_statfs,
};
VFS_REGISTER(sysfs_vfsops);
