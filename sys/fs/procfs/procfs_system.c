/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the files about the whole system, and the root directory.
 * Formats: proc(5).
 */
#include <sys/boot.h>
#include <sys/dev.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/filelock.h>
#include <sys/proc.h>
#include <sys/swap.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <fs/procfs/procfs.h>
#include <uvm/uvm.h>

#define	TICK_NS		(NSEC_PER_SEC / 100)
#define	KIB(pages)	((pages) * (PAGE_SIZE / 1024))

static int
fill_meminfo(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	/* The page cache's pages are on its lists, or on their way. */
	size_t cache = uvmexp.active + uvmexp.inactive + uvmexp.dirty;
	size_t shmem = uvmexp.file - MIN(uvmexp.file, cache +
	    uvmexp.writeback);
	size_t swused = MIN(uvmexp.swused, uvmexp.swtotal);
	size_t swfree = uvmexp.swtotal - swused;
	const struct {
		const char	*name;
		const volatile size_t *pages;
	} rows[] = {
		{ "Cached", &uvmexp.file }, { "SwapCached", NULL },
		{ "Active", &uvmexp.active }, { "Inactive", &uvmexp.inactive },
		{ "Unevictable", NULL }, { "Mlocked", &uvmexp.wired },
		{ "SwapTotal", &uvmexp.swtotal }, { "SwapFree", &swfree },
		{ "Dirty", &uvmexp.dirty }, { "Writeback", &uvmexp.writeback },
		{ "AnonPages", &uvmexp.anon }, { "Mapped", NULL },
		{ "Shmem", &shmem }, { "Slab", &uvmexp.kmem },
		{ "SReclaimable", NULL }, { "SUnreclaim", &uvmexp.kmem },
		{ "PageTables", &uvmexp.pagetables },
	};
	unsigned int i;

	pbuf_printf(pb, "MemTotal:       %8zu kB\n", KIB(uvmexp.total));
	pbuf_printf(pb, "MemFree:        %8zu kB\n", KIB(uvmexp.free));
	pbuf_printf(pb, "MemAvailable:   %8zu kB\n", KIB(cache +
	    uvmexp.free - MIN(uvmexp.reserve, uvmexp.free)));
	pbuf_printf(pb, "Buffers:        %8u kB\n", 0);
	for (i = 0; i < __arraycount(rows); i++)
		pbuf_printf(pb, "%s:%*s%8zu kB\n", rows[i].name,
		    (int)(15 - strlen(rows[i].name)), "",
		    rows[i].pages != NULL ? KIB(*rows[i].pages) : 0);
	pbuf_printf(pb, "CommitLimit:    %8zu kB\n",
	    KIB(uvmexp.total + uvmexp.swtotal));
	pbuf_printf(pb, "Committed_AS:   %8zu kB\n",
	    KIB(uvmexp.anon + swused));
	return 0;
}

static void
stat_cpu(struct pbuf *pb, const char *name, const struct cpu_times *t)
{
	pbuf_printf(pb, "%s %lld %lld %lld %lld 0 %lld 0 %lld 0 0\n", name,
	    (long long)(t->ct_user / TICK_NS),
	    (long long)(t->ct_nice / TICK_NS),
	    (long long)(t->ct_sys / TICK_NS),
	    (long long)(t->ct_idle / TICK_NS),
	    (long long)(t->ct_intr / TICK_NS),
	    (long long)(t->ct_steal / TICK_NS));
}

static int
fill_stat(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	struct cpu_times sum = { 0 }, t;
	uint64_t nintr = 0, nswitch = 0;
	struct cpu_info *ci;
	char name[16];

	CPU_FOREACH(ci) {
		sched_cpu_times(ci, &t);
		sum.ct_user += t.ct_user;
		sum.ct_nice += t.ct_nice;
		sum.ct_sys += t.ct_sys;
		sum.ct_idle += t.ct_idle;
		sum.ct_intr += t.ct_intr;
		sum.ct_steal += t.ct_steal;
		nintr += ci->ci_nintr;
		nswitch += ci->ci_nswitch;
	}
	stat_cpu(pb, "cpu ", &sum);
	CPU_FOREACH(ci) {
		if (!ci->ci_online)
			continue;
		sched_cpu_times(ci, &t);
		snprintf(name, sizeof(name), "cpu%u", ci->ci_index);
		stat_cpu(pb, name, &t);
	}
	pbuf_printf(pb, "intr %llu\nctxt %llu\nbtime %lld\nprocesses %u\n"
	    "procs_running %u\nprocs_blocked 0\n", (unsigned long long)nintr,
	    (unsigned long long)nswitch,
	    (long long)((nanotime() - nanoboottime()) / NSEC_PER_SEC),
	    nforks, MAX(sched_nrunnable(), 1U));
	return 0;
}

static int
fill_uptime(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	nsec_t up = nanoboottime(), idle = 0;
	struct cpu_info *ci;
	struct cpu_times t;

	CPU_FOREACH(ci) {
		sched_cpu_times(ci, &t);
		idle += t.ct_idle;
	}
	pbuf_printf(pb, "%lld.%02lld %lld.%02lld\n",
	    (long long)(up / NSEC_PER_SEC),
	    (long long)(up % NSEC_PER_SEC / TICK_NS),
	    (long long)(idle / NSEC_PER_SEC),
	    (long long)(idle % NSEC_PER_SEC / TICK_NS));
	return 0;
}

static int
fill_loadavg(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	unsigned long avg[3];
	unsigned int i;

	sched_loadavg(avg);
	for (i = 0; i < 3; i++)
		pbuf_printf(pb, "%lu.%02lu ", avg[i] >> FSHIFT,
		    ((avg[i] & ((1UL << FSHIFT) - 1)) * 100) >> FSHIFT);
	pbuf_printf(pb, "%u/%u %d\n", sched_nrunnable(), nthreads,
	    pid_latest());
	return 0;
}

static int
fill_version(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "Linux version %s (%s) %s\n", linux_release, ostype,
	    version);
	return 0;
}

static int
fill_cmdline(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_write(pb, bootinfo.bi_cmdline, strlen(bootinfo.bi_cmdline));
	pbuf_write(pb, "\n", 1);
	return 0;
}

static int
fill_cpuinfo(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	struct cpu_info *ci;

	CPU_FOREACH(ci)
		if (ci->ci_online)
			cpu_describe(ci, pbuf_write, pb);
	return 0;
}

static int
fill_filesystems(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	vfs_filesystems_format(pbuf_write, pb);
	return 0;
}

static void
lock_line(void *pb, const struct lock_info *li)
{
	static const char *const class[] = {
		[LOCK_POSIX] = "POSIX ", [LOCK_OFD] = "OFDLCK",
		[LOCK_FLOCK] = "FLOCK "
	};

	pbuf_printf(pb, "%u: %s%s ADVISORY  %s %d %02x:%02x:%llu %lld ",
	    li->li_id, li->li_waits ? "-> " : "", class[li->li_class],
	    li->li_type == F_WRLCK ? "WRITE" : "READ ", li->li_pid,
	    major(li->li_dev), minor(li->li_dev),
	    (unsigned long long)li->li_ino, (long long)li->li_start);
	if (li->li_end == INT64_MAX)
		pbuf_printf(pb, "EOF\n");
	else
		pbuf_printf(pb, "%lld\n", (long long)li->li_end);
}

static int
fill_locks(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	lock_list(lock_line, pb);
	return 0;
}

static int
fill_swaps(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	vfs_swaps_format(pbuf_write, pb);
	return 0;
}

/* What all disks have read (0) or written (1), in KiB. */
static uint64_t
disks_moved(unsigned int dir)
{
	struct disk *d = NULL;
	uint64_t sectors = 0;

	while ((d = disk_next_in_list(d)) != NULL)
		if (d->d_whole == d)
			sectors += atomic_load(&d->d_stats.ds_sectors[dir]);
	return sectors / 2;
}

static int
fill_vmstat(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "nr_free_pages %zu\nnr_anon_pages %zu\n"
	    "nr_file_pages %zu\nnr_page_table_pages %zu\n"
	    "pgpgin %llu\npgpgout %llu\n"
	    "pswpin %llu\npswpout %llu\npgfault %llu\npgmajfault %llu\n"
	    "oom_kill %llu\n",
	    uvmexp.free, uvmexp.anon, uvmexp.file, uvmexp.pagetables,
	    (unsigned long long)disks_moved(0),
	    (unsigned long long)disks_moved(1),
	    (unsigned long long)uvmexp.swapins,
	    (unsigned long long)uvmexp.swapouts,
	    (unsigned long long)uvmexp.faults,
	    (unsigned long long)(uvmexp.pageins + uvmexp.swapins),
	    (unsigned long long)uvmexp.oomkills);
	return 0;
}

static int
fill_partitions(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	struct disk *d = NULL;

	pbuf_printf(pb, "major minor  #blocks  name\n\n");
	while ((d = disk_next_in_list(d)) != NULL)
		if (d->d_sectors != 0)
			pbuf_printf(pb, "%4u  %7u %10llu %s\n",
			    major(d->d_dev), minor(d->d_dev),
			    (unsigned long long)d->d_sectors / 2, d->d_name);
	return 0;
}

static int
fill_diskstats(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	struct disk *d = NULL;
	char line[256];

	while ((d = disk_next_in_list(d)) != NULL) {
		disk_stat_line(d, line, sizeof(line));
		pbuf_printf(pb, "%4u %7u %s %s\n", major(d->d_dev),
		    minor(d->d_dev), d->d_name, line);
	}
	return 0;
}

/* A line for each driver of a major number. */
static void
list_drivers(struct pbuf *pb, mode_t kind)
{
	struct dev_info di;
	char last[sizeof(di.di_driver)] = "";
	mode_t type = 0;
	dev_t dev = 0, lastdev = 0;

	while (dev_next(&type, &dev, &di)) {
		if (type != kind || (major(dev) == major(lastdev) &&
		    strcmp(di.di_driver, last) == 0))
			continue;
		pbuf_printf(pb, "%3u %s\n", major(dev), di.di_driver);
		lastdev = dev;
		strlcpy(last, di.di_driver, sizeof(last));
	}
}

static int
fill_devices(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "Character devices:\n");
	list_drivers(pb, S_IFCHR);
	pbuf_printf(pb, "\nBlock devices:\n");
	list_drivers(pb, S_IFBLK);
	return 0;
}

static int
link_self(const struct pfs_node *pn __unused, char *buf, size_t size)
{
	snprintf(buf, size, "%d", curproc->p_pid);
	return 0;
}

static int
link_thread_self(const struct pfs_node *pn __unused, char *buf, size_t size)
{
	snprintf(buf, size, "%d/task/%d", curproc->p_pid, curlwp->l_tid);
	return 0;
}

static int
link_mounts(const struct pfs_node *pn __unused, char *buf, size_t size)
{
	strlcpy(buf, "self/mounts", size);
	return 0;
}

static int
fill_cgroups(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	return 0;
}

static int
link_net(const struct pfs_node *pn __unused, char *buf, size_t size)
{
	strlcpy(buf, "self/net", size);
	return 0;
}

#define	FILE_R(n, fill)	{ .pe_name = (n), .pe_mode = S_IFREG | 0444,	\
	    .pe_fill = (fill) }
#define	LINK(n, f)	{ .pe_name = (n), .pe_mode = S_IFLNK | 0777,	\
	    .pe_readlink = (f) }

const struct pfs_entry pfs_system_entries[] = {
	FILE_R("cgroups", fill_cgroups),
	FILE_R("cmdline", fill_cmdline),
	FILE_R("cpuinfo", fill_cpuinfo),
	FILE_R("devices", fill_devices),
	FILE_R("diskstats", fill_diskstats),
	FILE_R("filesystems", fill_filesystems),
	FILE_R("loadavg", fill_loadavg),
	FILE_R("locks", fill_locks),
	FILE_R("meminfo", fill_meminfo),
	FILE_R("partitions", fill_partitions),
	FILE_R("stat", fill_stat),
	FILE_R("swaps", fill_swaps),
	FILE_R("uptime", fill_uptime),
	FILE_R("version", fill_version),
	FILE_R("vmstat", fill_vmstat),
	LINK("mounts", link_mounts),
	LINK("net", link_net),
	LINK("self", link_self),
	LINK("thread-self", link_thread_self),
	{ .pe_name = "sys", .pe_mode = S_IFDIR | 0555,
	    .pe_dir = pfs_sys_entries },
	{ .pe_name = "sysvipc", .pe_mode = S_IFDIR | 0555,
	    .pe_dir = pfs_sysvipc_entries },
	{ 0 }
};

const struct pfs_entry pfs_root = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = pfs_system_entries,
	.pe_flags = PFS_PIDS
};
