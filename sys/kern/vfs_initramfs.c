/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The initramfs: unpack the boot module into the root file system.
 *
 * Overview: the module is a row of cpio archives, plain or gzipped, with zeros
 * between them, as Linux's boot protocol has it.  A gzipped part is unpacked
 * into pages; if it was the last, the module's own memory is free from then
 * on.  As files are made, the pages already dealt with are freed, in that
 * buffer or, for a plain archive, in the module itself, so that the contents
 * are in memory twice only for one file.
 *
 * Untrusted input: the module.  The parser checks the archive; here names that
 * cannot be made are counted, told once, and left out.  What was unpacked
 * before a fault stays: init may be among it.
 */
#include <sys/boot.h>
#include <sys/cpio.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>
#include <uvm/uvm.h>

#define	LINK_BUCKETS	64
#define	RELEASE_PAGES	8		/* freed at a time */
#define	MAP_BATCH	32
#define	GZIP_RATIO	1032		/* deflate cannot do better */
#define	KEEP_PAGES	64		/* left for everything else */

/* Memory in pages that can be given back from its start. */
struct pagebuf {
	vaddr_t		pb_va;
	size_t		pb_npages;
	size_t		pb_freed;	/* pages */
	struct vm_page	**pb_pages;
};

struct hardlink {
	LIST_ENTRY(hardlink) hl_link;
	uint32_t	hl_ino, hl_major, hl_minor;
	char		*hl_name;
};

struct unpack {
	struct lwp	*up_lwp;
	struct pagebuf	*up_buf;	/* the archive is in it; NULL: module */
	size_t		up_base;	/* of the archive in that */
	size_t		up_freed;	/* bytes of the module */
	size_t		up_files;
	uint64_t	up_bytes;
	size_t		up_failed;
	LIST_HEAD(, hardlink) up_links[LINK_BUCKETS];
};

/* -- buffers -- */

static void
pagebuf_release(struct pagebuf *pb, size_t upto)
{
	size_t n = upto - pb->pb_freed, i;

	if (n == 0)
		return;
	pmap_kremove(pb->pb_va + pb->pb_freed * PAGE_SIZE, n * PAGE_SIZE);
	for (i = pb->pb_freed; i < upto; i++)
		uvm_pagefree(pb->pb_pages[i]);
	pb->pb_freed = upto;
}

static void
pagebuf_free(struct pagebuf *pb)
{
	pagebuf_release(pb, pb->pb_npages);
	uvm_km_free(pb->pb_va, pb->pb_npages * PAGE_SIZE, UVM_KM_VAONLY);
	kmem_free(pb->pb_pages, pb->pb_npages * sizeof(*pb->pb_pages));
}

static int
pagebuf_alloc(struct pagebuf *pb, size_t size)
{
	size_t npages = atop(round_page(size)), i, n;

	memset(pb, 0, sizeof(*pb));
	if (npages == 0 || npages >= uvmexp.free)
		return ENOMEM;
	pb->pb_pages = kmem_zalloc(npages * sizeof(*pb->pb_pages), KM_SLEEP);
	if (pb->pb_pages == NULL)
		return ENOMEM;
	pb->pb_va = uvm_km_alloc(npages * PAGE_SIZE, UVM_KM_VAONLY);
	if (pb->pb_va == 0) {
		kmem_free(pb->pb_pages, npages * sizeof(*pb->pb_pages));
		return ENOMEM;
	}
	for (i = 0; i < npages; i++) {
		pb->pb_pages[i] = uvm_pagealloc(0);
		if (pb->pb_pages[i] == NULL)
			goto fail;
	}
	for (i = 0; i < npages; i += n) {
		n = MIN(npages - i, MAP_BATCH);
		if (pmap_kenter_pages(pb->pb_va + i * PAGE_SIZE,
		    pb->pb_pages + i, (unsigned int)n,
		    PROT_READ | PROT_WRITE) != 0) {
			pmap_kremove(pb->pb_va, i * PAGE_SIZE);
			i = npages;
			goto fail;
		}
	}
	pb->pb_npages = npages;
	return 0;
fail:
	while (i-- > 0)
		uvm_pagefree(pb->pb_pages[i]);
	uvm_km_free(pb->pb_va, npages * PAGE_SIZE, UVM_KM_VAONLY);
	kmem_free(pb->pb_pages, npages * sizeof(*pb->pb_pages));
	return ENOMEM;
}

/* -- entries -- */

static void
set_attributes(struct unpack *up, const struct path *p,
    const struct cpio_entry *ce)
{
	struct setattr sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_UID | SETATTR_GID | SETATTR_ATIME |
	    SETATTR_MTIME;
	sa.sa_uid = ce->ce_uid;
	sa.sa_gid = ce->ce_gid;
	sa.sa_mtim.tv_sec = ce->ce_mtime;
	sa.sa_atim = sa.sa_mtim;
	/* The owner first: changing it takes set-id bits away. */
	(void)do_setattr(up->up_lwp, p, &sa);
	if (S_ISLNK(ce->ce_mode))
		return;
	memset(&sa, 0, sizeof(sa));
	sa.sa_valid = SETATTR_MODE;
	sa.sa_mode = ce->ce_mode & ALLPERMS;
	(void)do_setattr(up->up_lwp, p, &sa);
}

static void
set_attributes_of(struct unpack *up, const char *name,
    const struct cpio_entry *ce)
{
	struct path p;

	if (namei(up->up_lwp, &rootpath, name, 0, &p) == 0) {
		set_attributes(up, &p, ce);
		path_put(&p);
	}
}

/* Something else may have the name: a later archive replaces it. */
static int
make_way(struct unpack *up, const char *name, const struct cpio_entry *ce)
{
	struct path p;
	bool isdir;
	int error;

	error = namei(up->up_lwp, &rootpath, name, 0, &p);
	if (error != 0)
		return error == ENOENT ? 0 : error;
	isdir = S_ISDIR(path_vnode(&p)->v_mode);
	path_put(&p);
	if (isdir && S_ISDIR(ce->ce_mode))
		return EEXIST;		/* stays as it is */
	return do_unlink(up->up_lwp, &rootpath, name,
	    isdir ? AT_REMOVEDIR : 0);
}

static struct hardlink *
link_find(struct unpack *up, const struct cpio_entry *ce)
{
	struct hardlink *hl;

	LIST_FOREACH(hl, &up->up_links[ce->ce_ino % LINK_BUCKETS], hl_link)
		if (hl->hl_ino == ce->ce_ino &&
		    hl->hl_major == ce->ce_devmajor &&
		    hl->hl_minor == ce->ce_devminor)
			return hl;
	return NULL;
}

static int
link_remember(struct unpack *up, const char *name, const struct cpio_entry *ce)
{
	struct hardlink *hl;

	hl = kmem_zalloc(sizeof(*hl), KM_SLEEP);
	if (hl == NULL)
		return ENOMEM;
	hl->hl_name = kmem_strdup(name, KM_SLEEP);
	if (hl->hl_name == NULL) {
		kmem_free(hl, sizeof(*hl));
		return ENOMEM;
	}
	hl->hl_ino = ce->ce_ino;
	hl->hl_major = ce->ce_devmajor;
	hl->hl_minor = ce->ce_devminor;
	LIST_INSERT_HEAD(&up->up_links[ce->ce_ino % LINK_BUCKETS], hl,
	    hl_link);
	return 0;
}

static void
links_free(struct unpack *up)
{
	struct hardlink *hl;
	size_t i;

	for (i = 0; i < LINK_BUCKETS; i++)
		while ((hl = LIST_FIRST(&up->up_links[i])) != NULL) {
			LIST_REMOVE(hl, hl_link);
			kmem_strfree(hl->hl_name);
			kmem_free(hl, sizeof(*hl));
		}
}

static int
write_data(struct unpack *up, struct file *fp, const struct cpio_entry *ce)
{
	struct iovec iov;
	struct uio uio;
	size_t done, put;
	int error;

	for (done = 0; done < ce->ce_size; done += put) {
		uio_kernel(&uio, &iov,
		    (void *)(uintptr_t)(ce->ce_data + done),
		    ce->ce_size - done, 0, UIO_WRITE);
		error = do_writev(up->up_lwp, fp, &uio, NULL, &put);
		if (error != 0)
			return error;
	}
	up->up_bytes += ce->ce_size;
	return 0;
}

static int
unpack_file(struct unpack *up, const char *name, const struct cpio_entry *ce)
{
	struct hardlink *hl = NULL;
	struct file *fp;
	int error;

	if (ce->ce_nlink > 1)
		hl = link_find(up, ce);
	if (hl != NULL) {
		error = do_link(up->up_lwp, &rootpath, hl->hl_name, &rootpath,
		    name, 0);
		/* Only one of the names has the contents. */
		if (error != 0 || ce->ce_size == 0)
			return error;
	} else if (ce->ce_nlink > 1) {
		error = link_remember(up, name, ce);
		if (error != 0)
			return error;
	}
	error = do_open(up->up_lwp, &rootpath, name,
	    O_WRONLY | O_CREAT | O_TRUNC, ce->ce_mode & 0777, &fp);
	if (error != 0)
		return error;
	error = write_data(up, fp, ce);
	if (error == 0)
		set_attributes(up, fp->f_path, ce);
	file_put(fp);
	return error;
}

static int
unpack_symlink(struct unpack *up, const char *name,
    const struct cpio_entry *ce)
{
	char *target;
	int error;

	if (ce->ce_size >= MAXPATHLEN)
		return ENAMETOOLONG;
	target = kmem_alloc(ce->ce_size + 1, KM_SLEEP);
	if (target == NULL)
		return ENOMEM;
	memcpy(target, ce->ce_data, ce->ce_size);
	target[ce->ce_size] = '\0';
	error = do_symlink(up->up_lwp, target, &rootpath, name);
	kmem_free(target, ce->ce_size + 1);
	return error;
}

static int
unpack_kind(struct unpack *up, const char *name, const struct cpio_entry *ce)
{
	int error;

	error = make_way(up, name, ce);
	if (error != 0 && error != EEXIST)
		return error;
	switch (ce->ce_mode & S_IFMT) {
	case S_IFREG:
		return unpack_file(up, name, ce);
	case S_IFDIR:
		if (error == 0)
			error = do_mkdir(up->up_lwp, &rootpath, name, 0755);
		else
			error = 0;
		break;
	case S_IFLNK:
		error = unpack_symlink(up, name, ce);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		error = do_mknod(up->up_lwp, &rootpath, name, ce->ce_mode,
		    makedev(ce->ce_rdevmajor, ce->ce_rdevminor & 0xfffff));
		break;
	default:
		return EINVAL;
	}
	if (error == 0)
		set_attributes_of(up, name, ce);
	return error;
}

/* All in front of that byte has been dealt with. */
static void
release_before(struct unpack *up, size_t pos)
{
	if (up->up_buf != NULL) {
		if (atop(pos) >= up->up_buf->pb_freed + RELEASE_PAGES)
			pagebuf_release(up->up_buf, atop(pos));
	} else if (pos >= up->up_freed + RELEASE_PAGES * PAGE_SIZE) {
		boot_module_free_head(pos - up->up_freed);
		up->up_freed = pos;
	}
}

static int
unpack_entry(void *ctx, const struct cpio_entry *ce)
{
	struct unpack *up = ctx;
	const char *name = ce->ce_name;
	int error;

	release_before(up, up->up_base + ce->ce_offset);
	while (name[0] == '.' && name[1] == '/')
		for (name += 2; *name == '/'; name++)
			continue;
	if (name[0] == '\0' || strcmp(name, ".") == 0) {
		set_attributes(up, &rootpath, ce);
		return 0;
	}
	error = unpack_kind(up, name, ce);
	if (error == 0) {
		up->up_files++;
		return 0;
	}
	if (error == ENOMEM || error == ENOSPC) {
		printf("initramfs: out of memory at %s\n", name);
		return error;
	}
	if (up->up_failed++ == 0)
		printf("initramfs: %s: error %d\n", name, error);
	return 0;
}

/* -- the module -- */

/*
 * Parse the archives in [p, p + len), which is `base` bytes into its buffer;
 * *used is where it stopped.
 */
static int
unpack_archives(struct unpack *up, const unsigned char *p, size_t base,
    size_t len, size_t *used)
{
	struct cpio_result cr;
	size_t pos = 0;
	int error = 0;

	for (;;) {
		while (pos < len && p[pos] == 0)
			pos++;
		if (pos == len || !cpio_probe(p + pos, len - pos))
			break;
		up->up_base = base + pos;
		error = cpio_parse(p + pos, len - pos, unpack_entry, up, &cr);
		pos += cr.cr_used;
		if (cr.cr_refused != 0)
			printf("initramfs: %zu names refused: they lead out "
			    "of the tree\n", cr.cr_refused);
		if (cr.cr_fault != NULL)
			printf("initramfs: %s (byte %zu)\n", cr.cr_fault, pos);
		if (error != 0)
			break;
	}
	*used = pos;
	return error;
}

static bool
rest_is_zero(const unsigned char *p, size_t len)
{
	while (len > 0 && *p == 0) {
		p++;
		len--;
	}
	return len == 0;
}

/* The most bytes that can be had for a buffer and still leave something. */
static size_t
most_memory(void)
{
	size_t avail = uvmexp.free - MIN(uvmexp.free, KEEP_PAGES);

	return (size_t)MIN(ptoa(avail), SIZE_MAX / 2);
}

/*
 * Decompress the gzip member at p into pages.  The size its trailer claims is
 * a hint: too small, and more is tried; too large for the memory there is,
 * and what there is shows whether it is true or the trailer is garbage.
 */
static int
gunzip_part(const unsigned char *p, size_t len, struct pagebuf *pb,
    size_t *size, size_t *used)
{
	size_t cap, most = most_memory();
	int error;

	if (len < most / GZIP_RATIO)
		most = len * GZIP_RATIO;
	if (gunzip_size(p, len, &cap) != 0 || cap == 0 ||
	    cap / GZIP_RATIO > len)
		cap = 4 * len;
	for (;;) {
		cap = MIN(cap, most);
		error = pagebuf_alloc(pb, cap);
		if (error != 0)
			break;
		error = gunzip_member(p, len, (void *)pb->pb_va,
		    pb->pb_npages * PAGE_SIZE, size, used);
		if (error == 0)
			return 0;
		pagebuf_free(pb);
		if (error != ENOSPC || cap == most)
			break;
		cap *= 2;
	}
	if (error == EINVAL)
		printf("initramfs: the gzip data is corrupt or truncated\n");
	else
		printf("initramfs: too large: unpacked it needs more than the "
		    "%zu KiB that are free\n",
		    (size_t)(uvmexp.free * (PAGE_SIZE / 1024)));
	return error;
}

static const char *
other_format(const unsigned char *p, size_t len)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *name;
	} known[] = {
		{ "\375" "7zXZ", 5, "xz" }, { "\x28\xb5\x2f\xfd", 4, "zstd" },
		{ "BZh", 3, "bzip2" }, { "\x5d\x00\x00", 3, "lzma" },
		{ "\x02\x21\x4c\x18", 4, "lz4" }, { "\x89LZO", 4, "lzo" },
		{ "\x04\x22\x4d\x18", 4, "lz4" },
	};
	size_t i;

	for (i = 0; i < __arraycount(known); i++)
		if (len >= known[i].n &&
		    memcmp(p, known[i].magic, known[i].n) == 0)
			return known[i].name;
	return NULL;
}

static void
complain(const unsigned char *p, size_t len, size_t at)
{
	const char *name = other_format(p, len);

	if (name != NULL)
		printf("initramfs: compressed with %s; this kernel reads "
		    "gzip and plain cpio\n", name);
	else
		printf("initramfs: neither cpio nor gzip (byte %zu)\n", at);
}

/*
 * Unpack all of it; the module is released.  What went wrong has been
 * printed.
 */
void
initramfs_unpack(struct lwp *l)
{
	const unsigned char *p = boot_module_map();
	size_t len = (size_t)bootinfo.bi_module_len, pos = 0, used, size;
	struct unpack up = { .up_lwp = l };
	struct pagebuf pb;
	bool freed = false;
	int error = 0;

	if (p == NULL || len == 0) {
		printf("initramfs: none\n");
		return;
	}
	while (error == 0 && !freed) {
		error = unpack_archives(&up, p + pos, pos, len - pos, &used);
		pos += used;
		if (error != 0 || pos == len)
			break;
		if (!gunzip_probe(p + pos, len - pos)) {
			complain(p + pos, len - pos, pos);
			break;
		}
		error = gunzip_part(p + pos, len - pos, &pb, &size, &used);
		if (error != 0)
			break;
		pos += used;
		if (rest_is_zero(p + pos, len - pos)) {
			boot_module_free();
			freed = true;
		}
		up.up_buf = &pb;
		error = unpack_archives(&up, (unsigned char *)pb.pb_va, 0,
		    size, &used);
		if (error == 0 && used != size)
			complain((unsigned char *)pb.pb_va + used,
			    size - used, used);
		up.up_buf = NULL;
		pagebuf_free(&pb);
	}
	if (!freed)
		boot_module_free();
	printf("initramfs: %zu files, %llu KiB from %zu KiB", up.up_files,
	    (unsigned long long)up.up_bytes / 1024, len / 1024);
	if (up.up_failed != 0)
		printf(", %zu could not be made", up.up_failed);
	printf("\n");
	links_free(&up);
}
