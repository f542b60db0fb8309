/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of files.
 */
#include <sys/boot.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <uvm/uvm_impl.h>
#include <uvm/uvm_vnode.h>
#include <host.h>
#include <ktest.h>

#include "vfs_env.h"

struct proc proc0;
struct lwp lwp0;
struct rwlock proctree_lock;
struct proclist allproc = LIST_HEAD_INITIALIZER(allproc);
struct bootinfo bootinfo;
struct cred *cred_kernel = &env_root;
struct cred env_root = { .cr_ref = 1, .cr_cap_effective = CAP_ALL,
    .cr_cap_permitted = CAP_ALL };
struct cred env_user = { .cr_ref = 1, .cr_ruid = 1000, .cr_euid = 1000,
    .cr_suid = 1000, .cr_fsuid = 1000, .cr_rgid = 1000, .cr_egid = 1000,
    .cr_sgid = 1000, .cr_fsgid = 1000 };
int env_signal;
size_t env_pages, env_pages_most;
const void *env_module;
bool env_module_freed;

/* -- the page cache: no file is on a disk -- */

void
uvm_vnode_detach(struct vnode *vp)
{
	KASSERT(vp->v_uobj == NULL);
}

void
uvm_vnode_idle(void)
{
}

bool
uvm_vnode_overwrites(struct vnode *vp __unused, uint64_t off __unused,
    uint64_t len __unused)
{
	return false;
}

int
uvm_vnode_sync_all(struct mount *mp __unused)
{
	return 0;
}

/* -- credentials, signals -- */

struct cred *
cred_get(struct cred *cr)
{
	cr->cr_ref++;
	return cr;
}

void
cred_put(struct cred *cr)
{
	KASSERT(cr->cr_ref > 1);
	cr->cr_ref--;
}

int
cred_capable(const struct cred *cr, int cap)
{
	return (cr->cr_cap_effective >> cap & 1) != 0 ? 0 : EPERM;
}

bool
cred_in_group(const struct cred *cr, gid_t gid)
{
	unsigned int i;

	for (i = 0; i < cr->cr_ngroups; i++)
		if (cr->cr_groups[i] == gid)
			return true;
	return gid == cr->cr_fsgid;
}

void
lwp_signal(struct lwp *l, const ksiginfo_t *ksi)
{
	CHECK(l == &lwp0);
	env_signal = ksi->ksi_signo;
}

bool
sig_pending(struct lwp *l __unused)
{
	return shim_signal_pending;
}

/* -- anonymous objects: each page is a vm_page and its bytes -- */

struct uvmexp uvmexp = { .total = 4096, .free = 4000 };

struct fake_page {
	struct vm_page	fp_page;
	char		fp_data[PAGE_SIZE];
};

struct fake_aobj {
	struct uvm_object fa_obj;
	uint64_t	fa_size;
};

static void
aobj_reference(struct uvm_object *uo)
{
	refcount_get(&uo->uo_ref);
}

void
uvm_obj_free_range(struct uvm_object *uo, uint64_t start, uint64_t end)
{
	size_t idx = (size_t)(start >> PAGE_SHIFT);
	struct fake_page *fp;

	CHECK(mutex_owned(&uo->uo_lock));
	CHECK((start & PAGE_MASK) == 0);
	while ((fp = uvm_radix_next(&uo->uo_pages, &idx)) != NULL &&
	    fp->fp_page.pg_offset < end) {
		(void)uvm_radix_remove(&uo->uo_pages, idx);
		kmem_free(fp, sizeof(*fp));
		uo->uo_npages--;
		idx++;
	}
}

static void
aobj_detach(struct uvm_object *uo)
{
	if (!refcount_put(&uo->uo_ref))
		return;
	mutex_enter(&uo->uo_lock);
	uvm_obj_free_range(uo, 0, UINT64_MAX);
	mutex_exit(&uo->uo_lock);
	mutex_destroy(&uo->uo_lock);
	kmem_free(container_of(uo, struct fake_aobj, fa_obj),
	    sizeof(struct fake_aobj));
}

static int
aobj_get(struct uvm_object *uo, uint64_t off, bool for_write __unused,
    struct vm_page **pg)
{
	struct fake_page *fp;

	CHECK(mutex_owned(&uo->uo_lock));
	if (off >= container_of(uo, struct fake_aobj, fa_obj)->fa_size)
		return EFAULT;
	fp = uvm_radix_get(&uo->uo_pages, (size_t)(off >> PAGE_SHIFT));
	if (fp == NULL) {
		fp = kmem_zalloc(sizeof(*fp), KM_SLEEP);
		if (fp == NULL)
			return ENOMEM;
		fp->fp_page.pg_offset = off;
		if (uvm_radix_set(&uo->uo_pages, (size_t)(off >> PAGE_SHIFT),
		    fp) != 0) {
			kmem_free(fp, sizeof(*fp));
			return ENOMEM;
		}
		uo->uo_npages++;
	}
	*pg = &fp->fp_page;
	return 0;
}

static const struct uvm_pagerops aobj_ops = {
	.pgo_reference = aobj_reference,
	.pgo_detach = aobj_detach,
	.pgo_get = aobj_get,
};

struct uvm_object *
uvm_aobj_create(uint64_t size)
{
	struct fake_aobj *fa = kmem_zalloc(sizeof(*fa), KM_SLEEP);

	if (fa == NULL)
		return NULL;
	mutex_init(&fa->fa_obj.uo_lock, "uvm_object");
	fa->fa_obj.uo_ops = &aobj_ops;
	fa->fa_obj.uo_ref = 1;
	fa->fa_size = size;
	return &fa->fa_obj;
}

int
uvm_aobj_resize(struct uvm_object *uo, uint64_t size)
{
	struct fake_aobj *fa = container_of(uo, struct fake_aobj, fa_obj);
	uint64_t from = MIN(size, fa->fa_size);
	struct fake_page *fp;

	mutex_enter(&uo->uo_lock);
	fp = uvm_radix_get(&uo->uo_pages, (size_t)(from >> PAGE_SHIFT));
	if (fp != NULL && (from & PAGE_MASK) != 0)
		memset(fp->fp_data + (from & PAGE_MASK), 0,
		    PAGE_SIZE - (size_t)(from & PAGE_MASK));
	if (size < fa->fa_size)
		uvm_obj_free_range(uo, roundup2(size, (uint64_t)PAGE_SIZE),
		    UINT64_MAX);
	fa->fa_size = size;
	mutex_exit(&uo->uo_lock);
	return 0;
}

struct vm_page *
uvm_obj_lookup(struct uvm_object *uo, uint64_t off)
{
	CHECK(mutex_owned(&uo->uo_lock));
	return uvm_radix_get(&uo->uo_pages, (size_t)(off >> PAGE_SHIFT));
}

int
uvm_obj_uiomove(struct uvm_object *uo, uint64_t off, size_t len,
    struct uio *uio)
{
	static char zeros[PAGE_SIZE];
	struct vm_page *pg;
	size_t n, in;
	int error = 0;

	for (; len > 0 && error == 0; off += n, len -= n) {
		in = (size_t)(off & PAGE_MASK);
		n = MIN(len, PAGE_SIZE - in);
		mutex_enter(&uo->uo_lock);
		pg = uvm_obj_lookup(uo, off);
		if (pg == NULL && uio->uio_rw == UIO_WRITE)
			error = aobj_get(uo, off & ~(uint64_t)PAGE_MASK, true,
			    &pg);
		mutex_exit(&uo->uo_lock);
		if (error == 0)
			error = uiomove((pg == NULL ? zeros :
			    ((struct fake_page *)pg)->fp_data) + in, n, uio);
	}
	return error;
}

/* -- pages and kernel addresses, for the initramfs -- */

vaddr_t
uvm_km_alloc(vsize_t size, int flags)
{
	CHECK((flags & UVM_KM_VAONLY) != 0 && (size & PAGE_MASK) == 0);
	return (vaddr_t)kmem_alloc(size, KM_SLEEP);
}

void
uvm_km_free(vaddr_t va, vsize_t size, int flags __unused)
{
	kmem_free((void *)va, size);
}

struct vm_page *
uvm_pagealloc(int flags __unused)
{
	struct vm_page *pg = kmem_zalloc(sizeof(*pg), KM_SLEEP);

	if (pg != NULL) {
		env_pages++;
		env_pages_most = MAX(env_pages, env_pages_most);
	}
	return pg;
}

void
uvm_pagefree(struct vm_page *pg)
{
	env_pages--;
	kmem_free(pg, sizeof(*pg));
}

int
pmap_kenter_pages(vaddr_t va, struct vm_page *const *pgs, unsigned int n,
    vm_prot_t prot __unused)
{
	for (unsigned int i = 0; i < n; i++)
		CHECK(pgs[i] != NULL);
	memset((void *)va, 0xdf, n * PAGE_SIZE);
	return 0;
}

void
pmap_kremove(vaddr_t va, vsize_t size)
{
	memset((void *)va, 0xdf, size);	/* whoever still reads it notices */
}

const void *
boot_module_map(void)
{
	return env_module;
}

void
boot_module_free_head(size_t n)
{
	CHECK(!env_module_freed && n <= bootinfo.bi_module_len);
	memset((void *)(uintptr_t)env_module, 0xdf, n);
	env_module = (const char *)env_module + n;
	bootinfo.bi_module_len -= n;
}

void
boot_module_free(void)
{
	CHECK(!env_module_freed);
	env_module_freed = true;
}

/* -- the process -- */

void
env_become(struct cred *cr)
{
	lwp0.l_cred = cr;
}

void
env_init(void)
{
	int i;

	rw_init(&proctree_lock, "proctree");
	spin_init(&proc0.p_lock, "proc");
	proc0.p_pid = 1;
	for (i = 0; i < RLIM_NLIMITS; i++)
		proc0.p_rlimit[i].rlim_cur = RLIM_INFINITY;
	LIST_INSERT_HEAD(&allproc, &proc0, p_all);
	lwp0.l_proc = &proc0;
	lwp0.l_cred = &env_root;
	shim_set_curlwp(&lwp0);
	shim_set_time(1000 * NSEC_PER_SEC);
	uvm_radix_init();
	fd_init();
	vfs_init();
	proc0.p_fd = fd_table_create();
}

int
env_mkdir(const char *name, mode_t mode)
{
	return do_mkdir(&lwp0, NULL, name, mode);
}

int
env_open(const char *name, int oflags, struct file **fpp)
{
	return do_open(&lwp0, NULL, name, oflags, 0644, fpp);
}

int
env_create(const char *name, const char *text)
{
	struct iovec iov;
	struct file *fp;
	struct uio uio;
	size_t done;
	int error;

	error = env_open(name, O_WRONLY | O_CREAT | O_TRUNC, &fp);
	if (error != 0)
		return error;
	uio_kernel(&uio, &iov, (void *)(uintptr_t)text, strlen(text), 0,
	    UIO_WRITE);
	error = do_writev(&lwp0, fp, &uio, NULL, &done);
	file_put(fp);
	return error;
}

const char *
env_read(const char *name)
{
	static char buf[8192];
	struct iovec iov;
	struct file *fp;
	struct uio uio;
	size_t done = 0;
	int error;

	error = env_open(name, O_RDONLY, &fp);
	if (error == 0) {
		uio_kernel(&uio, &iov, buf, sizeof(buf) - 1, 0, UIO_READ);
		error = do_readv(&lwp0, fp, &uio, NULL, &done);
		file_put(fp);
	}
	buf[done] = '\0';
	if (error != 0)
		snprintf(buf, sizeof(buf), "error %d", error);
	return buf;
}

int
env_lookup(const char *name, int flags, struct path *p)
{
	return namei(&lwp0, NULL, name, flags, p);
}

int
env_walk(const char *name, int flags)
{
	struct path p;
	int error;

	error = env_lookup(name, flags, &p);
	if (error == 0)
		path_put(&p);
	return error;
}

int
env_stat(const char *name, struct stat_k *st)
{
	struct path p;
	int error;

	error = env_lookup(name, 0, &p);
	if (error == 0) {
		error = vnode_stat(path_vnode(&p), st);
		path_put(&p);
	}
	return error;
}

struct listing {
	char	names[64][64];
	int	n;
};

static bool
list_name(void *ctx, const char *name, size_t len, ino_t ino,
    unsigned int type, off_t next)
{
	struct listing *li = ctx;

	CHECK(ino != 0 && type != 0 && next != 0 && len < 64);
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	CHECK(li->n < 64);
	memcpy(li->names[li->n], name, len);
	li->names[li->n++][len] = '\0';
	return true;
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *
env_ls(const char *dir)
{
	static char out[64 * 65];
	static struct listing li;
	struct file *fp;
	int error, i;

	memset(&li, 0, sizeof(li));
	out[0] = '\0';
	error = env_open(dir, O_RDONLY | O_DIRECTORY, &fp);
	if (error == 0) {
		error = file_readdir(fp, list_name, &li);
		file_put(fp);
	}
	if (error != 0) {
		snprintf(out, sizeof(out), "error %d", error);
		return out;
	}
	kheapsort(li.names, (size_t)li.n, sizeof(li.names[0]), name_cmp);
	for (i = 0; i < li.n; i++) {
		if (i > 0)
			(void)strlcat(out, " ", sizeof(out));
		(void)strlcat(out, li.names[i], sizeof(out));
	}
	return out;
}

const char *
env_pathname(const char *name)
{
	static char buf[MAXPATHLEN];
	struct path p;
	int error;

	error = env_lookup(name, LOOKUP_FOLLOW, &p);
	if (error == 0) {
		error = path_name(&p, NULL, buf, sizeof(buf));
		path_put(&p);
	}
	if (error != 0)
		snprintf(buf, sizeof(buf), "error %d", error);
	return buf;
}

static char mounts_text[16384];

static void
mounts_out(void *ctx __unused, const char *s, size_t len)
{
	size_t n = strlen(mounts_text);

	CHECK(n + len < sizeof(mounts_text));
	memcpy(mounts_text + n, s, len);
	mounts_text[n + len] = '\0';
}

const char *
env_mounts(enum mounts_format how)
{
	struct path root;

	mounts_text[0] = '\0';
	cwd_get_root(&lwp0, &root);
	CHECK_EQ(vfs_mounts_format(&root, how, mounts_out, NULL), 0);
	path_put(&root);
	return mounts_text;
}

bool
uvm_mapped_for_writing(const struct vnode *vp __unused)
{
	return false;
}

/* No disks here, unless a test has some. */
__attribute__((__weak__)) struct disk *
disk_lookup_dev(dev_t dev __unused)
{
	return NULL;
}
