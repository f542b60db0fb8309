/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk as the cache of metadata blocks sees it.
 *
 * Overview: a batch becomes one bio per transfer, all submitted together; the
 * block layer merges neighbours.  The caller waits for the last.
 *
 * Locking: io_lock, a spin lock of the batch, on the caller's stack: b_done
 * does not touch the batch after it let go of it.
 */
#include <sys/bio.h>
#include <sys/buf.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

struct batch {
	struct spinlock	ba_lock;
	struct condvar	ba_cv;
	unsigned int	ba_left;	/* [l] */
};

static void
io_done(struct bio *b)
{
	struct batch *ba = b->b_arg;

	spin_enter(&ba->ba_lock);
	if (--ba->ba_left == 0)
		cv_signal(&ba->ba_cv);
	spin_exit(&ba->ba_lock);
}

static int
make_bio(struct disk *d, bool write, struct bufio *io, struct bio **bp)
{
	unsigned int nsegs = (unsigned int)(io->bi_len / PAGE_SIZE + 2);

	*bp = bio_alloc(d, write ? BIO_WRITE : BIO_READ, BIO_META | BIO_SYNC,
	    io->bi_off >> SECTOR_SHIFT, nsegs, KM_SLEEP);
	if (*bp == NULL)
		return ENOMEM;
	if (!bio_add_kva(*bp, io->bi_data, io->bi_len)) {
		bio_free(*bp);
		*bp = NULL;
		return EINVAL;
	}
	(*bp)->b_done = io_done;
	return 0;
}

static int
disk_io(struct bufdev *bd, bool write, struct bufio *ios, unsigned int n)
{
	struct bio_list list = TAILQ_HEAD_INITIALIZER(list);
	struct bio *small[4], **bios = small, *b;
	struct batch ba;
	unsigned int i;
	int error = 0;

	if (n > __arraycount(small)) {
		bios = kmem_alloc(n * sizeof(*bios), KM_SLEEP);
		if (bios == NULL)
			return ENOMEM;
	}
	spin_init(&ba.ba_lock, "bufio");
	cv_init(&ba.ba_cv, "bufio");
	ba.ba_left = 0;
	for (i = 0; i < n; i++) {
		ios[i].bi_error = make_bio(bd->bd_disk, write, &ios[i], &b);
		bios[i] = b;
		if (b == NULL)
			continue;
		b->b_arg = &ba;
		ba.ba_left++;
		TAILQ_INSERT_TAIL(&list, b, b_link);
	}
	bio_submit_list(&list);
	spin_enter(&ba.ba_lock);
	while (ba.ba_left > 0)
		cv_wait_spin(&ba.ba_cv, &ba.ba_lock);
	spin_exit(&ba.ba_lock);
	for (i = 0; i < n; i++) {
		if (bios[i] != NULL) {
			ios[i].bi_error = bios[i]->b_error;
			bio_free(bios[i]);
		}
		if (error == 0)
			error = ios[i].bi_error;
	}
	cv_destroy(&ba.ba_cv);
	if (bios != small)
		kmem_free(bios, n * sizeof(*bios));
	return error;
}

static int
disk_do_flush(struct bufdev *bd)
{
	return disk_flush(bd->bd_disk);
}

static int
disk_discard(struct bufdev *bd, uint64_t off, uint64_t len)
{
	struct bio *b;
	int error;

	if (bd->bd_disk->d_whole->d_limits.dl_maxdiscard == 0)
		return EOPNOTSUPP;
	b = bio_alloc(bd->bd_disk, BIO_DISCARD, 0, off >> SECTOR_SHIFT, 1,
	    KM_SLEEP);
	if (b == NULL)
		return ENOMEM;
	b->b_len = len;
	error = bio_wait(b);
	bio_free(b);
	return error;
}

static const struct bufdev_ops disk_bufdev_ops = {
	.bdo_io = disk_io,
	.bdo_flush = disk_do_flush,
	.bdo_discard = disk_discard,
};

/* Thread context.  ENOMEM. */
int
bufdev_disk_create(struct disk *d, struct bufdev **bdp)
{
	struct bufdev *bd;

	bd = kmem_zalloc(sizeof(*bd), KM_SLEEP);
	if (bd == NULL)
		return ENOMEM;
	bd->bd_ops = &disk_bufdev_ops;
	bd->bd_size = d->d_sectors << SECTOR_SHIFT;
	bd->bd_sector = d->d_whole->d_limits.dl_lbs;
	bd->bd_readonly = disk_readonly(d);
	bd->bd_name = d->d_name;
	bd->bd_disk = d;
	*bdp = bd;
	return 0;
}

void
bufdev_disk_destroy(struct bufdev *bd)
{
	kmem_free(bd, sizeof(*bd));
}
