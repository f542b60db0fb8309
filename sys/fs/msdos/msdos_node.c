/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT: files in memory, and their directory entries.
 *
 * Overview: what changes of a file is put into its entry by msdos_flush(): with
 * fsync and sync, every few seconds, and when the vnode goes.  The inode number
 * is the place of the entry; a file that was moved or removed keeps the number
 * it had, and is on the list of odd ones, so that no other gets it meanwhile.
 */
#include <sys/errno.h>
#include <sys/time.h>
#include <uvm/uvm_vnode.h>
#include <fs/msdos/msdos.h>

#define	ODD_INO		0x80000000ULL	/* numbers that no place gives */
#define	ROOT_INO	1

/* -- times: in UTC, from 1980 to 2107 -- */

static int64_t
days_of(unsigned int y, unsigned int m, unsigned int d)
{
	static const unsigned short before[12] = { 0, 31, 59, 90, 120, 151,
	    181, 212, 243, 273, 304, 334 };
	int64_t n = 3652 + 365 * (int64_t)y + (y + 3) / 4;

	if (m > 2 && y % 4 == 0)
		n++;
	if (y > 120 || (y == 120 && m > 2))
		n--;			/* 2100 is no leap year */
	return n + before[m - 1] + (int64_t)d - 1;
}

static struct timespec
time_decode(uint16_t date, uint16_t time, uint8_t cs)
{
	unsigned int m = date >> 5 & 15, d = date & 31;
	struct timespec ts;

	m = MIN(MAX(m, 1U), 12U);
	d = MAX(d, 1U);
	ts.tv_sec = days_of(date >> 9, m, d) * 86400 +
	    (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2;
	cs = MIN(cs, 199);
	ts.tv_sec += cs / 100;
	ts.tv_nsec = cs % 100 * 10000000;
	return ts;
}

static void
time_encode(const struct timespec *ts, uint16_t *date, uint16_t *time,
    uint8_t *cs)
{
	int64_t days = ts->tv_sec / 86400;
	uint32_t secs = (uint32_t)(ts->tv_sec % 86400);
	unsigned int y = 0, m = 1;

	if (ts->tv_sec < days_of(0, 1, 1) * 86400) {
		*date = 1 << 5 | 1;
		*time = 0;
		if (cs != NULL)
			*cs = 0;
		return;
	}
	while (y < 127 && days_of(y + 1, 1, 1) <= days)
		y++;
	while (m < 12 && days_of(y, m + 1, 1) <= days)
		m++;
	*date = (uint16_t)(y << 9 | m << 5 |
	    (unsigned int)MIN(days - days_of(y, m, 1) + 1, 31));
	*time = (uint16_t)(secs / 3600 << 11 | secs / 60 % 60 << 5 |
	    secs % 60 / 2);
	if (cs != NULL)
		*cs = (uint8_t)(secs % 2 * 100 +
		    (uint32_t)ts->tv_nsec / 10000000);
}

void
msdos_touch(struct msdos_node *fn)
{
	nsec_t now = nanotime();

	fn->fn_mtime.tv_sec = now / NSEC_PER_SEC;
	fn->fn_mtime.tv_nsec = 0;
	fn->fn_mtime.tv_sec &= ~(int64_t)1;	/* as the disk has it */
	atomic_store(&fn->fn_dirty, true);
}

/* -- entries -- */

mode_t
msdos_mode(const struct msdos_mount *fm, uint8_t attr)
{
	if ((attr & ATTR_DIR) != 0)
		return S_IFDIR | (0777 & ~fm->fm_dmask);
	return S_IFREG | (((attr & ATTR_RO) != 0 ? 0555 : 0777) &
	    ~fm->fm_fmask);
}

/* All but the name. */
void
msdos_encode(const struct msdos_node *fn, struct fat_dirent *de)
{
	uint16_t unused;

	de->d_attr = fn->fn_attr;
	time_encode(&fn->fn_ctime, &de->d_cdate, &de->d_ctime, &de->d_ccs);
	time_encode(&fn->fn_mtime, &de->d_mdate, &de->d_mtime, NULL);
	time_encode(&fn->fn_atime, &de->d_adate, &unused, NULL);
	de->d_clushi = fn->fn_fm->fm_bits == 32 ?
	    (uint16_t)(fn->fn_start >> 16) : 0;
	de->d_cluslo = (uint16_t)fn->fn_start;
	de->d_size = (fn->fn_attr & ATTR_DIR) != 0 ? 0 :
	    (uint32_t)fn->fn_size;
}

int
msdos_flush(struct msdos_node *fn)
{
	struct msdos_mount *fm = fn->fn_fm;
	struct fat_dirent *de;
	struct buf *bp;
	int error = 0;

	if (!atomic_load(&fn->fn_dirty) || fn->fn_pos == 0)
		return 0;
	if (fm->fm_failed)
		return EIO;
	mutex_enter(&fn->fn_lock);
	atomic_store(&fn->fn_dirty, false);
	if (!fn->fn_deleted) {
		error = msdos_entry_get(fm, fn->fn_pos, &bp, &de);
		if (error == 0) {
			msdos_encode(fn, de);
			bdirty(bp);
			brelse(bp);
		} else {
			atomic_store(&fn->fn_dirty, true);
		}
	}
	mutex_exit(&fn->fn_lock);
	return error;
}

static bool
take_dirty(void *ctx, struct vnode *vp)
{
	struct vnode **res = ctx;

	if (atomic_load(&MSDOS_NODE(vp)->fn_dirty) && vref_tryget(vp))
		*res = vp;
	return *res == NULL;
}

int
msdos_flush_all(struct msdos_mount *fm)
{
	struct vnode *vp;
	unsigned int n;
	int error = 0;

	/* Bounded: somebody may make them dirty again and again. */
	for (n = 0; n < 100000 && error == 0; n++) {
		vp = NULL;
		vntable_walk(&fm->fm_table, take_dirty, &vp);
		if (vp == NULL)
			break;
		error = msdos_flush(MSDOS_NODE(vp));
		vrele(vp);
	}
	return error;
}

/* -- numbers -- */

/* fm_lock held. */
static void
odd_add(struct msdos_node *fn)
{
	if (!fn->fn_isodd)
		LIST_INSERT_HEAD(&fn->fn_fm->fm_odd, fn, fn_odd);
	fn->fn_isodd = true;
}

static ino_t
number_for(struct msdos_node *fn)
{
	struct msdos_mount *fm = fn->fn_fm;
	ino_t ino = fn->fn_pos / MSDOS_SLOT;
	struct msdos_node *o;

	if (fn->fn_pos == 0)
		return ROOT_INO;
	mutex_enter(&fm->fm_lock);
	LIST_FOREACH(o, &fm->fm_odd, fn_odd)
		if (o->fn_vnode->v_ino == ino)
			break;
	if (o != NULL) {
		ino = ODD_INO + fm->fm_nextino++;
		odd_add(fn);
	}
	mutex_exit(&fm->fm_lock);
	return ino;
}

/* The number of the file whose entry is there. */
ino_t
msdos_ino_of(struct msdos_mount *fm, uint64_t pos)
{
	struct msdos_node *o;
	ino_t ino;

	mutex_enter(&fm->fm_lock);
	LIST_FOREACH(o, &fm->fm_odd, fn_odd)
		if (o->fn_pos == pos && !o->fn_deleted)
			break;
	ino = o != NULL ? o->fn_vnode->v_ino : pos / MSDOS_SLOT;
	mutex_exit(&fm->fm_lock);
	return ino;
}

/* -- vnodes -- */

static void
node_free(struct msdos_node *fn)
{
	msdos_map_forget(fn);
	if (fn->fn_name != NULL)
		kmem_strfree(fn->fn_name);
	mutex_destroy(&fn->fn_lock);
	kmem_free(fn, sizeof(*fn));
}

static struct msdos_node *
node_alloc(struct msdos_mount *fm)
{
	struct msdos_node *fn = kmem_zalloc(sizeof(*fn), KM_SLEEP);

	if (fn == NULL)
		return NULL;
	fn->fn_fm = fm;
	mutex_init(&fn->fn_lock, "msdos_node");
	return fn;
}

static int
decode(struct msdos_node *fn, const struct msdos_entry *e)
{
	const struct fat_dirent *de = &e->e_de;
	struct msdos_mount *fm = fn->fn_fm;

	fn->fn_attr = de->d_attr;
	fn->fn_start = de->d_cluslo;
	if (fm->fm_bits == 32)
		fn->fn_start |= (uint32_t)de->d_clushi << 16;
	fn->fn_size = (de->d_attr & ATTR_DIR) != 0 ? 0 : de->d_size;
	fn->fn_mtime = time_decode(de->d_mdate, de->d_mtime, 0);
	fn->fn_ctime = time_decode(de->d_cdate, de->d_ctime, de->d_ccs);
	fn->fn_atime = time_decode(de->d_adate, 0, 0);
	if (fn->fn_start != 0 && !msdos_clus_ok(fm, fn->fn_start))
		return msdos_error(fm, "a file begins outside of the disk");
	if ((de->d_attr & ATTR_DIR) != 0 && fn->fn_start == 0)
		return msdos_error(fm, "a directory without a place");
	return 0;
}

static int
vnode_make(struct msdos_node *fn)
{
	struct msdos_mount *fm = fn->fn_fm;
	struct vnode *vp;
	int error;

	error = vnode_alloc(fm->fm_mp, &msdos_vops, fn, &vp);
	if (error != 0) {
		node_free(fn);
		return error;
	}
	fn->fn_vnode = vp;
	vp->v_mode = msdos_mode(fm, fn->fn_attr);
	vp->v_uid = fm->fm_uid;
	vp->v_gid = fm->fm_gid;
	vp->v_ino = number_for(fn);
	if (S_ISREG(vp->v_mode)) {
		vp->v_bsize = (unsigned int)MIN(1UL << fm->fm_cshift,
		    PAGE_SIZE);
		error = uvm_vnode_attach(vp, fm->fm_dev->bd_disk,
		    fn->fn_size);
		if (error != 0)
			vrele(vp);	/* which frees fn */
	}
	return error;
}

/* The file of an entry in dir, whose v_lock is held.  Sleeps. */
int
msdos_node_get(struct msdos_node *dir, const struct msdos_entry *e,
    struct vnode **vpp)
{
	struct msdos_mount *fm = dir->fn_fm;
	struct msdos_node *fn;
	struct vnode *vp;
	int error;

	vp = vntable_find(&fm->fm_table, e->e_pos);
	if (vp != NULL) {
		*vpp = vp;
		return 0;
	}
	fn = node_alloc(fm);
	if (fn == NULL)
		return ENOMEM;
	fn->fn_pos = e->e_pos;
	fn->fn_dir = dir->fn_start;
	memcpy(fn->fn_short, e->e_short, sizeof(fn->fn_short));
	fn->fn_name = kmem_strdup(e->e_name, KM_SLEEP);
	error = fn->fn_name == NULL ? ENOMEM : decode(fn, e);
	if (error != 0) {
		node_free(fn);
		return error;
	}
	error = vnode_make(fn);
	if (error != 0)
		return error;
	vp = vntable_enter(&fm->fm_table, fn->fn_vnode);
	if (vp != NULL)			/* somebody was first */
		vrele(fn->fn_vnode);
	*vpp = vp != NULL ? vp : fn->fn_vnode;
	return 0;
}

int
msdos_root_get(struct msdos_mount *fm, struct vnode **vpp)
{
	struct msdos_node *fn = node_alloc(fm);
	int error;

	if (fn == NULL)
		return ENOMEM;
	fn->fn_attr = ATTR_DIR;
	fn->fn_start = fm->fm_rootclus;
	fn->fn_mtime = fn->fn_ctime = fn->fn_atime = time_decode(0, 0, 0);
	error = vnode_make(fn);
	if (error == 0) {
		(void)vntable_enter(&fm->fm_table, fn->fn_vnode);
		*vpp = fn->fn_vnode;
	}
	return error;
}

/* The file has another entry now.  ENOMEM: nothing has changed. */
int
msdos_node_move(struct msdos_node *fn, struct msdos_node *dir,
    const struct msdos_entry *e)
{
	struct msdos_mount *fm = fn->fn_fm;
	char *name = kmem_strdup(e->e_name, KM_SLEEP);

	if (name == NULL)
		return ENOMEM;
	vntable_rekey_begin(&fm->fm_table, fn->fn_vnode);
	mutex_enter(&fn->fn_lock);
	kmem_strfree(fn->fn_name);
	fn->fn_name = name;
	memcpy(fn->fn_short, e->e_short, sizeof(fn->fn_short));
	fn->fn_pos = e->e_pos;
	fn->fn_dir = dir->fn_start;
	mutex_exit(&fn->fn_lock);
	vntable_rekey_end(&fm->fm_table, fn->fn_vnode);
	mutex_enter(&fm->fm_lock);
	odd_add(fn);
	mutex_exit(&fm->fm_lock);
	atomic_store(&fn->fn_dirty, true);
	return 0;
}

/* Its entry is gone; the clusters go with the last reference. */
void
msdos_node_delete(struct msdos_node *fn)
{
	struct msdos_mount *fm = fn->fn_fm;

	fn->fn_vnode->v_flags |= VV_DELETED;
	vntable_leave(&fm->fm_table, fn->fn_vnode);
	mutex_enter(&fn->fn_lock);
	fn->fn_deleted = true;
	mutex_exit(&fn->fn_lock);
	mutex_enter(&fm->fm_lock);
	odd_add(fn);
	mutex_exit(&fm->fm_lock);
}

/* Nobody has a reference, so nobody else is here. */
void
msdos_inactive(struct vnode *vp)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	int error = 0;

	if (!fn->fn_fm->fm_writing || fn->fn_fm->fm_failed)
		return;
	if (fn->fn_deleted)
		error = msdos_shrink(fn, 0);
	else if (fn->fn_dirty)
		error = msdos_flush(fn);
	if (error != 0)
		printf("vfat: %s: file %ju: error %d at its end\n",
		    fn->fn_fm->fm_dev->bd_name, (uintmax_t)vp->v_ino, error);
}

void
msdos_reclaim(struct vnode *vp)
{
	struct msdos_node *fn = MSDOS_NODE(vp);
	struct msdos_mount *fm = fn->fn_fm;

	if (!fn->fn_deleted)
		vntable_leave(&fm->fm_table, vp);
	mutex_enter(&fm->fm_lock);
	if (fn->fn_isodd)
		LIST_REMOVE(fn, fn_odd);
	mutex_exit(&fm->fm_lock);
	node_free(fn);
}
