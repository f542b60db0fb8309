/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs: disks and partitions.
 *
 * Overview: a disk's directory is /sys/devices/BUS/block/NAME, its partitions'
 * directories are in it.  Everything else is links to them: /sys/block,
 * /sys/class/block, /sys/dev/block.  The number of an entry is the device's.
 */
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/systm.h>
#include <fs/sysfs/sysfs.h>

static struct disk *
node_disk(const struct pfs_node *pn)
{
	return disk_lookup_dev((dev_t)pn->pn_number);
}

static bool
disk_valid(int num)
{
	struct disk *d = disk_lookup_dev((dev_t)num);

	if (d == NULL)
		return false;
	disk_put(d);
	return true;
}

/* ---- files ---- */

typedef unsigned long long (*value_fn)(const struct disk *);

static int
fill_value(const struct pfs_node *pn, struct pbuf *pb, value_fn fn)
{
	struct disk *d = node_disk(pn);

	if (d == NULL)
		return ENODEV;
	pbuf_printf(pb, "%llu\n", fn(d));
	disk_put(d);
	return 0;
}

/* A file fill_NAME with the number that an expression of the disk d gives. */
#define	VALUE(name, expr)						\
	static unsigned long long					\
	value_##name(const struct disk *d)				\
	{								\
		const struct disk_limits *dl = &d->d_whole->d_limits;	\
									\
		(void)dl;						\
		return (unsigned long long)(expr);			\
	}								\
	static int							\
	fill_##name(const struct pfs_node *pn, struct pbuf *pb)	\
	{								\
		return fill_value(pn, pb, value_##name);		\
	}

VALUE(zero, d == NULL)
VALUE(one, d != NULL)
VALUE(size, d->d_sectors)
VALUE(start, d->d_start)
VALUE(partition, d->d_partno)
VALUE(ro, disk_readonly(d))
VALUE(removable, (d->d_flags & DISK_REMOVABLE) != 0)
VALUE(range, d->d_minors)
VALUE(lbs, dl->dl_lbs)
VALUE(pbs, dl->dl_pbs)
VALUE(ioopt, dl->dl_ioopt)
VALUE(maxkb, dl->dl_maxsectors / 2)
VALUE(maxsegs, dl->dl_maxsegs)
VALUE(segsize, PAGE_SIZE)
VALUE(depth, d->d_whole->d_queues[0].dq_depth)
VALUE(readahead, 128)
VALUE(rotational, dl->dl_rotational)
VALUE(discardgran, dl->dl_maxdiscard != 0 ? dl->dl_discardgran : 0)
VALUE(maxdiscard, dl->dl_maxdiscard << SECTOR_SHIFT)
VALUE(fua, dl->dl_fua)

static int
fill_dev(const struct pfs_node *pn, struct pbuf *pb)
{
	dev_t dev = (dev_t)pn->pn_number;

	pbuf_printf(pb, "%u:%u\n", major(dev), minor(dev));
	return 0;
}

static int
fill_stat(const struct pfs_node *pn, struct pbuf *pb)
{
	struct disk *d = node_disk(pn);
	char line[256];

	if (d == NULL)
		return ENODEV;
	disk_stat_line(d, line, sizeof(line));
	pbuf_printf(pb, "%s\n", line);
	disk_put(d);
	return 0;
}

static int
fill_inflight(const struct pfs_node *pn, struct pbuf *pb)
{
	struct disk *d = node_disk(pn);

	if (d == NULL)
		return ENODEV;
	pbuf_printf(pb, "%8u %8u\n", d->d_stats.ds_inflight[0],
	    d->d_stats.ds_inflight[1]);
	disk_put(d);
	return 0;
}

static int
fill_uevent(const struct pfs_node *pn, struct pbuf *pb)
{
	struct disk *d = node_disk(pn);

	if (d == NULL)
		return ENODEV;
	pbuf_printf(pb, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n",
	    major(d->d_dev), minor(d->d_dev), d->d_name,
	    d->d_partno != 0 ? "partition" : "disk");
	if (d->d_partno != 0)
		pbuf_printf(pb, "PARTN=%u\n", d->d_partno);
	if (d->d_partuuid[0] != '\0')
		pbuf_printf(pb, "PARTUUID=%s\n", d->d_partuuid);
	if (d->d_partname[0] != '\0')
		pbuf_printf(pb, "PARTNAME=%s\n", d->d_partname);
	disk_put(d);
	return 0;
}

static int
fill_cache(const struct pfs_node *pn, struct pbuf *pb)
{
	struct disk *d = node_disk(pn);

	if (d == NULL)
		return ENODEV;
	pbuf_printf(pb, "%s\n", d->d_whole->d_limits.dl_flush ?
	    "write back" : "write through");
	disk_put(d);
	return 0;
}

static int
fill_none(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "none\n");
	return 0;
}

static int
fill_scheduler(const struct pfs_node *pn __unused, struct pbuf *pb)
{
	pbuf_printf(pb, "[none]\n");
	return 0;
}

/* A driver's own attribute. */
static int
fill_attr(const struct pfs_node *pn, struct pbuf *pb)
{
	struct disk *d = node_disk(pn);
	char buf[512];
	int error = ENOENT;

	if (d == NULL)
		return ENODEV;
	if (d->d_ops->do_attr != NULL)
		error = d->d_ops->do_attr(d, pn->pn_entry->pe_name, buf,
		    sizeof(buf));
	if (error == 0)
		pbuf_printf(pb, "%s\n", buf);
	disk_put(d);
	return error;
}

static int
link_class(const struct pfs_node *pn, char *buf, size_t size)
{
	struct disk *d = node_disk(pn);

	if (d == NULL)
		return ENODEV;
	/* From devices/BUS/block/NAME, or a partition's directory in it. */
	snprintf(buf, size, "../../../../%sclass/block",
	    d->d_partno != 0 ? "../" : "");
	disk_put(d);
	return 0;
}

/* ---- directories ---- */

#define	FILE_R(n, fill)	SYSFS_FILE(n, fill)
#define	DIR(n, d)	SYSFS_DIR(n, d)

static const struct pfs_entry nothing[] = { { 0 } };
static const struct pfs_entry queue_entries[] = {
	FILE_R("add_random", fill_zero),
	FILE_R("discard_granularity", fill_discardgran),
	FILE_R("discard_max_bytes", fill_maxdiscard),
	FILE_R("discard_max_hw_bytes", fill_maxdiscard),
	FILE_R("discard_zeroes_data", fill_zero),
	FILE_R("fua", fill_fua),
	FILE_R("hw_sector_size", fill_lbs),
	FILE_R("iostats", fill_one),
	FILE_R("logical_block_size", fill_lbs),
	FILE_R("max_hw_sectors_kb", fill_maxkb),
	FILE_R("max_sectors_kb", fill_maxkb),
	FILE_R("max_segment_size", fill_segsize),
	FILE_R("max_segments", fill_maxsegs),
	FILE_R("minimum_io_size", fill_pbs),
	FILE_R("nomerges", fill_zero),
	FILE_R("nr_requests", fill_depth),
	FILE_R("optimal_io_size", fill_ioopt),
	FILE_R("physical_block_size", fill_pbs),
	FILE_R("read_ahead_kb", fill_readahead),
	FILE_R("rotational", fill_rotational),
	FILE_R("scheduler", fill_scheduler),
	FILE_R("write_cache", fill_cache),
	FILE_R("zoned", fill_none),
	{ 0 }
};
static const struct pfs_entry loop_entries[] = {
	FILE_R("autoclear", fill_attr),
	FILE_R("backing_file", fill_attr),
	FILE_R("dio", fill_attr),
	FILE_R("offset", fill_attr),
	FILE_R("partscan", fill_attr),
	FILE_R("sizelimit", fill_attr),
	{ 0 }
};

#define	COMMON								\
	FILE_R("alignment_offset", fill_zero),				\
	FILE_R("dev", fill_dev),					\
	FILE_R("discard_alignment", fill_zero),				\
	DIR("holders", nothing),					\
	FILE_R("inflight", fill_inflight),				\
	FILE_R("ro", fill_ro),						\
	FILE_R("size", fill_size),					\
	FILE_R("stat", fill_stat),					\
	{ .pe_name = "subsystem", .pe_mode = S_IFLNK | 0777,		\
	    .pe_readlink = link_class },				\
	FILE_R("uevent", fill_uevent)

#define	WHOLE								\
	COMMON,								\
	FILE_R("capability", fill_zero),				\
	FILE_R("ext_range", fill_range),				\
	FILE_R("hidden", fill_zero),					\
	DIR("queue", queue_entries),					\
	FILE_R("range", fill_range),					\
	FILE_R("removable", fill_removable),				\
	DIR("slaves", nothing)

static const struct pfs_entry part_entries[] = {
	COMMON,
	FILE_R("partition", fill_partition),
	FILE_R("start", fill_start),
	{ 0 }
};
static const struct pfs_entry disk_entries[] = { WHOLE, { 0 } };
static const struct pfs_entry loopdisk_entries[] = {
	WHOLE, DIR("loop", loop_entries), { 0 }
};

/* Which disks a directory lists, and how. */
typedef bool (*want_fn)(const struct disk *, const struct disk *of);

/* The wanted one with the lowest number above `after`; referenced. */
static struct disk *
next_disk(int after, want_fn want, const struct disk *of)
{
	struct disk *d = NULL, *best = NULL;

	while ((d = disk_next_in_list(d)) != NULL) {
		if ((int)d->d_dev <= after || !want(d, of) ||
		    (best != NULL && best->d_dev < d->d_dev))
			continue;
		if (best != NULL)
			disk_put(best);
		best = disk_get(d);
	}
	return best;
}

static bool
want_all(const struct disk *d __unused, const struct disk *of __unused)
{
	return true;
}

static bool
want_whole(const struct disk *d, const struct disk *of __unused)
{
	return d->d_partno == 0;
}

static bool
want_bus(const struct disk *d, const struct disk *of __unused)
{
	return d->d_partno == 0 && d->d_bus[0] != '\0';
}

static bool
want_virtual(const struct disk *d, const struct disk *of __unused)
{
	return d->d_partno == 0 && d->d_bus[0] == '\0';
}

static bool
want_part(const struct disk *d, const struct disk *of)
{
	return d->d_partno != 0 && d->d_whole == of;
}

static bool
want_same(const struct disk *d, const struct disk *of)
{
	return d == of;
}

/* Fill the item for d, whose reference is taken over; false: NULL. */
static bool
item(struct disk *d, const struct pfs_entry *pe, struct pfs_item *pi)
{
	if (d == NULL)
		return false;
	pi->pi_number = (int)d->d_dev;
	strlcpy(pi->pi_name, d->d_name, sizeof(pi->pi_name));
	pi->pi_entry = pe;
	disk_put(d);
	return true;
}

/* "vbd-51712/block/xvda/xvda1", from /sys/devices on. */
static int
device_path(const struct pfs_node *pn, const char *up, char *buf, size_t size)
{
	struct disk *d = node_disk(pn), *w;
	bool part;

	if (d == NULL)
		return ENODEV;
	w = d->d_whole;
	part = d->d_partno != 0;
	snprintf(buf, size, "%sdevices/%s/block/%s%s%s", up,
	    w->d_bus[0] != '\0' ? w->d_bus : "virtual", w->d_name,
	    part ? "/" : "", part ? d->d_name : "");
	disk_put(d);
	return 0;
}

static int
link_block(const struct pfs_node *pn, char *buf, size_t size)
{
	return device_path(pn, "../", buf, size);
}

static int
link_block2(const struct pfs_node *pn, char *buf, size_t size)
{
	return device_path(pn, "../../", buf, size);
}

static const struct pfs_entry block_link = {
	.pe_mode = S_IFLNK | 0777, .pe_readlink = link_block
};
static const struct pfs_entry block2_link = {
	.pe_mode = S_IFLNK | 0777, .pe_readlink = link_block2
};

static bool
block_next(const struct pfs_node *dir __unused, int after,
    struct pfs_item *pi)
{
	return item(next_disk(after, want_whole, NULL), &block_link, pi);
}

static bool
class_next(const struct pfs_node *dir __unused, int after,
    struct pfs_item *pi)
{
	return item(next_disk(after, want_all, NULL), &block2_link, pi);
}

static bool
dev_next_item(const struct pfs_node *dir, int after, struct pfs_item *pi)
{
	if (!class_next(dir, after, pi))
		return false;
	snprintf(pi->pi_name, sizeof(pi->pi_name), "%u:%u",
	    major((dev_t)pi->pi_number), minor((dev_t)pi->pi_number));
	return true;
}

const struct pfs_numbered sysfs_block_dyn = { block_next, disk_valid };
const struct pfs_numbered sysfs_class_block_dyn = { class_next, disk_valid };
const struct pfs_numbered sysfs_dev_block_dyn = { dev_next_item, disk_valid };

/* The directory of a disk: its partitions beside its files. */
static const struct pfs_entry part_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = part_entries
};

static bool
part_next(const struct pfs_node *dir, int after, struct pfs_item *pi)
{
	struct disk *w = node_disk(dir), *p;

	if (w == NULL)
		return false;
	p = next_disk(after, want_part, w);
	disk_put(w);
	return item(p, &part_dir, pi);
}

static const struct pfs_numbered part_dyn = { part_next, disk_valid };
static const struct pfs_entry disk_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = disk_entries,
	.pe_numbered = &part_dyn
};
static const struct pfs_entry loopdisk_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = loopdisk_entries,
	.pe_numbered = &part_dyn
};

static bool
virtual_next(const struct pfs_node *dir __unused, int after,
    struct pfs_item *pi)
{
	struct disk *d = next_disk(after, want_virtual, NULL);

	return item(d, d != NULL && d->d_ops->do_attr != NULL ?
	    &loopdisk_dir : &disk_dir, pi);
}

const struct pfs_numbered sysfs_virtual_block_dyn = {
	virtual_next, disk_valid
};

/* /sys/devices/BUS/block/NAME: one disk for each bus. */
static bool
only_next(const struct pfs_node *dir, int after, struct pfs_item *pi)
{
	struct disk *d = node_disk(dir), *n;

	if (d == NULL)
		return false;
	n = next_disk(after, want_same, d);
	disk_put(d);
	return item(n, &disk_dir, pi);
}

static const struct pfs_numbered only_dyn = { only_next, disk_valid };
static const struct pfs_entry bus_entries[] = {
	SYSFS_DYN("block", &only_dyn), { 0 }
};
static const struct pfs_entry bus_dir = {
	.pe_mode = S_IFDIR | 0555, .pe_dir = bus_entries
};

static bool
bus_next(const struct pfs_node *dir __unused, int after, struct pfs_item *pi)
{
	struct disk *d = next_disk(after, want_bus, NULL);

	if (d == NULL)
		return false;
	disk_get(d);
	(void)item(d, &bus_dir, pi);
	strlcpy(pi->pi_name, d->d_bus, sizeof(pi->pi_name));
	disk_put(d);
	return true;
}

const struct pfs_numbered sysfs_bus_dyn = { bus_next, disk_valid };
