/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM disks: /dev/ram0 and so on, memory that is used like a disk.
 *
 * Overview: none, unless the command line says ramdisk_size=KIB; then there are
 * RAM_DISKS of that size.  Their pages come when they are first written; what
 * was not written reads as zeros.  A discard frees pages.
 *
 * Locking: rd_lock (mutex) of a disk; its requests are done by a task.
 */
#include <sys/boot.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/systm.h>
#include <uvm/uvm.h>
#include <dev/disk_dev.h>

#define	RAM_MAJOR	1
#define	RAM_DISKS	2

BOOT_OPTION(opt_ramdisk, "ramdisk_size", "size of /dev/ram* in KiB");

struct ramdisk {
	struct disk	*rd_disk;	/* [I] */
	struct mutex	rd_lock;
	struct uvm_radix rd_pages;	/* [l] */
	struct taskq	*rd_taskq;	/* [I] */
	struct task	rd_task;
};

/* One segment to or from consecutive bytes of the disk.  Locked. */
static int
move(struct ramdisk *rd, uint64_t off, const struct bio_seg *s, bool write)
{
	char *mem = (char *)VM_PAGE_TO_KVA(s->bs_page) + s->bs_off;
	size_t left = s->bs_len, n, in;
	struct vm_page *pg;

	for (; left > 0; left -= n, off += n, mem += n) {
		in = (size_t)(off & PAGE_MASK);
		n = MIN(left, PAGE_SIZE - in);
		pg = uvm_radix_get(&rd->rd_pages, (size_t)(off >> PAGE_SHIFT));
		if (pg == NULL && !write) {
			memset(mem, 0, n);
			continue;
		}
		if (pg == NULL) {
			pg = uvm_pagealloc(UVM_PGA_ZERO);
			if (pg == NULL)
				return ENOSPC;
			if (uvm_radix_set(&rd->rd_pages,
			    (size_t)(off >> PAGE_SHIFT), pg) != 0) {
				uvm_pagefree(pg);
				return ENOSPC;
			}
		}
		if (write)
			memcpy((char *)VM_PAGE_TO_KVA(pg) + in, mem, n);
		else
			memcpy(mem, (char *)VM_PAGE_TO_KVA(pg) + in, n);
	}
	return 0;
}

/* Whole pages go, parts are cleared.  Locked. */
static void
discard(struct ramdisk *rd, uint64_t off, uint64_t len)
{
	struct vm_page *pg;
	uint64_t end = off + len, n;
	size_t idx;

	for (; off < end; off += n) {
		idx = (size_t)(off >> PAGE_SHIFT);
		n = MIN(end - off, PAGE_SIZE - (off & PAGE_MASK));
		pg = uvm_radix_get(&rd->rd_pages, idx);
		if (pg == NULL)
			continue;
		if (n == PAGE_SIZE)
			uvm_pagefree(uvm_radix_remove(&rd->rd_pages, idx));
		else
			memset((char *)VM_PAGE_TO_KVA(pg) + (off & PAGE_MASK),
			    0, (size_t)n);
	}
}

static int
request(struct ramdisk *rd, struct disk_req *r)
{
	uint64_t off = r->dr_sector << SECTOR_SHIFT;
	struct disk_cursor c = { 0 };
	struct bio_seg s;
	int error = 0;

	mutex_enter(&rd->rd_lock);
	if (r->dr_op == BIO_DISCARD)
		discard(rd, off, r->dr_len);
	while (error == 0 && disk_req_segs(r, &c, &s, 1) == 1) {
		error = move(rd, off, &s, r->dr_op == BIO_WRITE);
		off += s.bs_len;
	}
	mutex_exit(&rd->rd_lock);
	return error;
}

static void
ram_task(void *arg)
{
	struct ramdisk *rd = arg;
	struct disk_req *r;

	while ((r = disk_next(&rd->rd_disk->d_queues[0])) != NULL)
		disk_done(r, request(rd, r));
}

static void
ram_start(struct disk_queue *dq)
{
	struct ramdisk *rd = dq->dq_disk->d_priv;

	(void)task_add(rd->rd_taskq, &rd->rd_task);
}

static const struct disk_ops ram_ops = {
	.do_start = ram_start,
};

static int
ram_create(unsigned int unit, uint64_t kib)
{
	struct ramdisk *rd;
	struct disk *d;
	char name[DISK_NAMELEN];
	int error;

	rd = kmem_zalloc(sizeof(*rd), KM_SLEEP);
	if (rd == NULL)
		return ENOMEM;
	snprintf(name, sizeof(name), "ram%u", unit);
	mutex_init(&rd->rd_lock, "ramdisk");
	task_set(&rd->rd_task, ram_task, rd);
	rd->rd_taskq = taskq_create(name);
	error = rd->rd_taskq == NULL ? ENOMEM :
	    disk_create(name, &ram_ops, 1, 16, &d);
	if (error != 0) {
		kmem_free(rd, sizeof(*rd));
		return error;
	}
	rd->rd_disk = d;
	d->d_priv = rd;
	d->d_dev = makedev(RAM_MAJOR, unit);
	d->d_sectors = kib * 2;
	d->d_limits.dl_pbs = PAGE_SIZE;
	d->d_limits.dl_maxdiscard = 1 << 20;
	d->d_limits.dl_discardgran = PAGE_SIZE;
	return disk_attach(d);
}

void
ram_init(void)
{
	char val[24];
	unsigned int i;
	uint64_t kib;
	int error;

	if (!boot_option("ramdisk_size", val, sizeof(val)))
		return;
	if (kstrtou64(val, 10, &kib) != 0 || kib == 0 || kib > 1ULL << 40) {
		printf("ram: ramdisk_size=%s is not a size\n", val);
		return;
	}
	for (i = 0; i < RAM_DISKS; i++) {
		error = ram_create(i, kib);
		if (error != 0)
			printf("ram: no ram%u: error %d\n", i, error);
	}
}
