/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapon(2) and swapoff(2): from a name to a swap area, and back.
 *
 * Overview: a disk is claimed as a mount claims one.  A file must have all its
 * blocks; where they are is looked up once, so that a page can be written with
 * no help of the file system, and until swapoff(2) nobody may write to the
 * file, cut it or remove it.  The first page of either is checked
 * (swap_header.c), then uvm/uvm_swap.c gets the area.
 *
 * Discard: SWAP_FLAG_DISCARD tells the disk at the beginning that nothing in
 * the area is needed.  Pages that come free later are not told, which is a
 * hint only: SWAP_FLAG_DISCARD_PAGES does nothing.
 *
 * Locking: swaps_lock for the list.
 */
#include <sys/cred.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/swap.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include <kern/vfs_private.h>
#include <uvm/uvm_swap.h>

#define	FLAGS_VALID	(SWAP_FLAG_PRIO_MASK | SWAP_FLAG_PREFER |	\
			SWAP_FLAG_DISCARD | SWAP_FLAG_DISCARD_ONCE |	\
			SWAP_FLAG_DISCARD_PAGES)
#define	EXTENTS_FIRST	16		/* then twice as many */

struct swapdev {
	TAILQ_ENTRY(swapdev) sd_link;	/* [l] */
	struct path	sd_path;	/* [I] referenced */
	struct disk	*sd_disk;	/* [I] referenced */
	struct disk_holder sd_holder;	/* of a disk, not of a file */
	bool		sd_file;	/* [I] */
	bool		sd_leaving;	/* [l] */
	int		sd_prio;	/* [I] */
	struct swap_area *sd_area;	/* [I] */
};

static struct mutex swaps_lock = MUTEX_INITIALIZER(swaps_lock, "swaps");
static TAILQ_HEAD(, swapdev) swaps = TAILQ_HEAD_INITIALIZER(swaps); /* [l] */

/* -- a disk -- */

static int
claim_disk(struct swapdev *sd, struct vnode *vp)
{
	int error;

	if ((path_mntflags(&sd->sd_path) & MS_NODEV) != 0)
		return EACCES;
	sd->sd_disk = disk_lookup_dev(vp->v_rdev);
	if (sd->sd_disk == NULL)
		return ENXIO;
	sd->sd_holder.dh_name = "swap";
	error = disk_open(sd->sd_disk, &sd->sd_holder, DISK_READ |
	    DISK_WRITE | DISK_EXCL, sd);
	if (error != 0)
		disk_put(sd->sd_disk);
	return error;
}

/* -- a file -- */

/* Nobody may write to it or remove it from now on. */
static int
claim_vnode(struct vnode *vp)
{
	int error = EBUSY;

	rw_enter(&vp->v_lock, RW_WRITER);
	if ((vp->v_flags & VV_SWAP) == 0 && vnode_deny_write(vp) == 0) {
		vp->v_flags |= VV_SWAP;
		error = 0;
	}
	rw_exit(&vp->v_lock);
	return error;
}

static void
unclaim_vnode(struct vnode *vp)
{
	rw_enter(&vp->v_lock, RW_WRITER);
	vp->v_flags &= ~(unsigned int)VV_SWAP;
	rw_exit(&vp->v_lock);
	vnode_allow_write(vp);
}

static int
claim_file(struct swapdev *sd, struct vnode *vp)
{
	int error;

	if (vp->v_ops->vop_bmap == NULL || vp->v_ops->vop_fsync == NULL ||
	    vp->v_bsize == 0)
		return EINVAL;
	sd->sd_disk = disk_lookup_dev(vp->v_mount->mnt_dev);
	if (sd->sd_disk == NULL)
		return EINVAL;
	error = mount_write_enter(&sd->sd_path);
	if (error != 0)
		goto fail;
	error = claim_vnode(vp);
	if (error != 0)
		goto fail_mount;
	/* All blocks get their places, and the disk what was written. */
	rw_enter(&vp->v_lock, RW_WRITER);
	error = vp->v_ops->vop_fsync(vp, false);
	rw_exit(&vp->v_lock);
	if (error == 0)
		return 0;
	unclaim_vnode(vp);
fail_mount:
	mount_write_exit(&sd->sd_path);
fail:
	disk_put(sd->sd_disk);
	return error;
}

/* -- either -- */

static int
claim(struct lwp *l, struct swapdev *sd)
{
	struct vnode *vp = path_vnode(&sd->sd_path);
	int error = vnode_access(vp, R_OK | W_OK, l->l_cred);

	if (S_ISDIR(vp->v_mode))
		return EISDIR;
	if (error != 0)
		return error;
	sd->sd_file = S_ISREG(vp->v_mode);
	return sd->sd_file ? claim_file(sd, vp) : S_ISBLK(vp->v_mode) ?
	    claim_disk(sd, vp) : EINVAL;
}

static void
unclaim(struct swapdev *sd)
{
	if (sd->sd_file) {
		unclaim_vnode(path_vnode(&sd->sd_path));
		mount_write_exit(&sd->sd_path);
	} else {
		disk_close(&sd->sd_holder);
	}
	disk_put(sd->sd_disk);
}

/* Bytes [off, end) of the area are at that place of the disk. */
static int
add_run(struct swap_args *sa, uint64_t off, uint64_t end, uint64_t disk)
{
	uint64_t first = round_page(off), last = trunc_page(end);
	struct swap_extent *new;
	unsigned int max;

	if (first >= last)
		return 0;
	if (sa->sa_nextents == sa->sa_maxextents) {
		max = sa->sa_maxextents == 0 ? EXTENTS_FIRST :
		    2 * sa->sa_maxextents;
		new = kmem_alloc(max * sizeof(*new), KM_SLEEP);
		if (new == NULL)
			return ENOMEM;
		if (sa->sa_nextents != 0) {
			memcpy(new, sa->sa_extents,
			    sa->sa_nextents * sizeof(*new));
			kmem_free(sa->sa_extents,
			    sa->sa_maxextents * sizeof(*new));
		}
		sa->sa_extents = new;
		sa->sa_maxextents = max;
	}
	new = &sa->sa_extents[sa->sa_nextents++];
	new->se_page = (uint32_t)(first >> PAGE_SHIFT);
	new->se_npages = (uint32_t)((last - first) >> PAGE_SHIFT);
	new->se_sector = (disk + (first - off)) >> SECTOR_SHIFT;
	return 0;
}

/* Where the file's blocks are, those that follow each other in one run. */
static int
map_file(struct swap_args *sa, struct vnode *vp, uint64_t size)
{
	uint64_t start = 0, off = 0, disk = 0;
	struct vnode_map m;
	int error;

	while (off < size) {
		error = vp->v_ops->vop_bmap(vp, (off_t)off,
		    (off_t)(size - off), &m);
		if (error != 0)
			return error;
		if ((m.vm_kind != VM_MAPPED && m.vm_kind != VM_UNWRITTEN) ||
		    m.vm_len <= 0 || m.vm_disk % SECTOR_SIZE != 0)
			return EINVAL;
		if (off == start || m.vm_disk != disk + (off - start)) {
			error = add_run(sa, start, off, disk);
			if (error != 0)
				return error;
			start = off;
			disk = m.vm_disk;
		}
		off += (uint64_t)m.vm_len;
	}
	return add_run(sa, start, MIN(off, size), disk);
}

/* How large it is, and where on the disk. */
static int
map_area(struct swapdev *sd, struct swap_args *sa, uint64_t *size)
{
	struct vnode *vp = path_vnode(&sd->sd_path);
	struct stat_k st;
	int error;

	memset(sa, 0, sizeof(*sa));
	sa->sa_disk = sd->sd_disk;
	if (sd->sd_file) {
		error = vnode_stat(vp, &st);
		if (error != 0)
			return error;
		*size = (uint64_t)st.st_size;
	} else {
		*size = sd->sd_disk->d_sectors << SECTOR_SHIFT;
	}
	*size = MIN(*size, (uint64_t)SWAP_MAXPAGES << PAGE_SHIFT);
	*size = trunc_page(*size);
	error = sd->sd_file ? map_file(sa, vp, *size) :
	    add_run(sa, 0, *size, 0);
	if (error == 0 && (sa->sa_nextents == 0 ||
	    sa->sa_extents[0].se_page != 0))
		error = EINVAL;		/* no whole page there, or no first */
	return error;
}

/* Read the first page: what cannot be used of the area. */
static int
read_header(struct swap_args *sa, uint64_t size, struct swap_header *sh)
{
	void *page = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	int error;

	if (page == NULL)
		return ENOMEM;
	error = disk_rw(sa->sa_disk, BIO_READ, BIO_SYNC,
	    sa->sa_extents[0].se_sector, page, PAGE_SIZE);
	if (error == 0)
		error = swap_header_parse(page, size >> PAGE_SHIFT, sh);
	kmem_free(page, PAGE_SIZE);
	return error;
}

static void
discard_area(const struct swap_args *sa)
{
	const struct swap_extent *se = sa->sa_extents;
	const unsigned int per = PAGE_SIZE >> SECTOR_SHIFT;
	uint32_t skip;
	struct bio b;

	if (sa->sa_disk->d_whole->d_limits.dl_maxdiscard == 0)
		return;
	for (; se < &sa->sa_extents[sa->sa_nextents]; se++) {
		skip = se->se_page == 0;	/* the header */
		if (se->se_page >= sa->sa_npages || se->se_npages == skip)
			continue;
		bio_init(&b, sa->sa_disk, BIO_DISCARD, BIO_SYNC,
		    se->se_sector + skip * per, NULL, 0);
		b.b_len = (uint64_t)(MIN(se->se_npages, sa->sa_npages -
		    se->se_page) - skip) << PAGE_SHIFT;
		if (b.b_len != 0 && bio_wait(&b) != 0)
			break;
	}
}

/* Map, read and check; sd_area is there on success, not in use yet. */
static int
make_area(struct swapdev *sd, int flags)
{
	struct swap_header *sh = kmem_alloc(sizeof(*sh), KM_SLEEP);
	struct swap_args sa;
	uint64_t size = 0;
	int error;

	if (sh == NULL)
		return ENOMEM;
	error = map_area(sd, &sa, &size);
	if (error == 0)
		error = read_header(&sa, size, sh);
	/* mkswap looks for bad pages of disks only. */
	if (error == 0 && sd->sd_file && sh->sh_nbad != 0)
		error = EINVAL;
	if (error == 0) {
		sa.sa_npages = sh->sh_npages;
		sa.sa_prio = sd->sd_prio;
		if ((flags & SWAP_FLAG_DISCARD) != 0 &&
		    (flags & (SWAP_FLAG_DISCARD_ONCE |
		    SWAP_FLAG_DISCARD_PAGES)) != SWAP_FLAG_DISCARD_PAGES)
			discard_area(&sa);
		error = uvm_swap_add(&sa, &sd->sd_area);
	}
	if (error == 0)
		for (uint32_t i = 0; i < sh->sh_nbad; i++)
			uvm_swap_bad_page(sd->sd_area, sh->sh_bad[i]);
	else if (sa.sa_extents != NULL)
		kmem_free(sa.sa_extents,
		    sa.sa_maxextents * sizeof(struct swap_extent));
	kmem_free(sh, sizeof(*sh));
	return error;
}

/* Priorities nobody chose go down from -2. */
static int
next_priority(void)
{
	struct swapdev *sd;
	int prio = -1;

	mutex_enter(&swaps_lock);
	TAILQ_FOREACH(sd, &swaps, sd_link)
		prio = MIN(prio, sd->sd_prio);
	mutex_exit(&swaps_lock);
	return prio - 1;
}

static int
swap_begin(struct lwp *l, struct swapdev *sd, int flags)
{
	size_t total, used;
	int error;

	sd->sd_prio = (flags & SWAP_FLAG_PREFER) != 0 ?
	    flags & SWAP_FLAG_PRIO_MASK : next_priority();
	error = claim(l, sd);
	if (error != 0)
		return error;
	error = make_area(sd, flags);
	if (error == 0) {
		uvm_swap_usage(sd->sd_area, &total, &used);
		error = total == 0 ? EINVAL : uvm_swap_enable(sd->sd_area);
		if (error != 0)
			uvm_swap_discard(sd->sd_area);
	}
	if (error != 0)
		unclaim(sd);
	return error;
}

int
do_swapon(struct lwp *l, const char *name, int flags)
{
	struct swapdev *sd;
	int error;

	if ((flags & ~FLAGS_VALID) != 0)
		return EINVAL;
	if (cred_capable(l->l_cred, CAP_SYS_ADMIN) != 0)
		return EPERM;
	sd = kmem_zalloc(sizeof(*sd), KM_SLEEP);
	if (sd == NULL)
		return ENOMEM;
	error = namei(l, NULL, name, LOOKUP_FOLLOW, &sd->sd_path);
	if (error == 0) {
		error = swap_begin(l, sd, flags);
		if (error != 0)
			path_put(&sd->sd_path);
	}
	if (error != 0) {
		kmem_free(sd, sizeof(*sd));
		return error;
	}
	mutex_enter(&swaps_lock);
	TAILQ_INSERT_TAIL(&swaps, sd, sd_link);
	mutex_exit(&swaps_lock);
	return 0;
}

/* The area of that disk or file; it is the caller's to end. */
static struct swapdev *
swap_find(const struct path *p)
{
	struct vnode *vp = path_vnode(p), *its;
	struct swapdev *sd;

	mutex_enter(&swaps_lock);
	TAILQ_FOREACH(sd, &swaps, sd_link) {
		its = path_vnode(&sd->sd_path);
		if (!sd->sd_leaving && (its == vp || (!sd->sd_file &&
		    S_ISBLK(vp->v_mode) && vp->v_rdev == its->v_rdev)))
			break;
	}
	if (sd != NULL)
		sd->sd_leaving = true;
	mutex_exit(&swaps_lock);
	return sd;
}

int
do_swapoff(struct lwp *l, const char *name)
{
	struct swapdev *sd;
	struct path p;
	int error;

	if (cred_capable(l->l_cred, CAP_SYS_ADMIN) != 0)
		return EPERM;
	error = namei(l, NULL, name, LOOKUP_FOLLOW, &p);
	if (error != 0)
		return error;
	sd = swap_find(&p);
	path_put(&p);
	if (sd == NULL)
		return EINVAL;
	error = uvm_swap_remove(sd->sd_area);
	mutex_enter(&swaps_lock);
	sd->sd_leaving = false;
	if (error == 0)
		TAILQ_REMOVE(&swaps, sd, sd_link);
	mutex_exit(&swaps_lock);
	if (error != 0)
		return error;
	unclaim(sd);
	path_put(&sd->sd_path);
	kmem_free(sd, sizeof(*sd));
	return 0;
}

/* -- /proc/swaps -- */

static void
swap_line(struct swapdev *sd, char *line, size_t size)
{
	size_t total, used, len;

	if (path_name(&sd->sd_path, NULL, line, MAXPATHLEN) != 0)
		strlcpy(line, "?", size);
	len = strlen(line);
	uvm_swap_usage(sd->sd_area, &total, &used);
	total *= PAGE_SIZE / 1024;
	used *= PAGE_SIZE / 1024;
	snprintf(line + len, size - len, "%*s%s\t%zu\t%s%zu\t%s%d\n",
	    len < 40 ? 40 - (int)len : 1, " ",
	    sd->sd_file ? "file\t" : "partition", total,
	    total < 10000000 ? "\t" : "", used, used < 10000000 ? "\t" : "",
	    sd->sd_prio);
}

void
vfs_swaps_format(void (*out)(void *, const char *, size_t), void *ctx)
{
	static const char head[] =
	    "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
	const size_t size = MAXPATHLEN + 128;
	struct swapdev *sd;
	char *line;

	out(ctx, head, sizeof(head) - 1);
	line = kmem_alloc(size, KM_SLEEP);
	if (line == NULL)
		return;
	mutex_enter(&swaps_lock);
	/* The area of one that is leaving may go at any moment. */
	TAILQ_FOREACH(sd, &swaps, sd_link) {
		if (sd->sd_leaving)
			continue;
		swap_line(sd, line, size);
		out(ctx, line, strlen(line));
	}
	mutex_exit(&swaps_lock);
	kmem_free(line, size);
}
