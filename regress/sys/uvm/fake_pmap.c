/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pmap without a machine, and what sys/uvm needs from the rest of the
 * kernel, for its tests.
 *
 * Overview: memory is an array of the host's, user mappings are records in a
 * hash table.  What a real pmap could not survive - mapping a free page, for
 * instance - is a panic.
 */
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/ksyms.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <uvm/uvm.h>

#include <host.h>
#include <ktest.h>

#define	NBUCKETS	1024

struct mapping {
	struct mapping	*next;
	vaddr_t		va;
	struct vm_page	*pg;
	vm_prot_t	prot;
	bool		special;
};

struct fpmap {
	struct pmap	pm;		/* first */
	struct fpmap	*next;
	struct mapping	*buckets[NBUCKETS];
	size_t		n;
};

char *fake_memory, *fake_kva;
void *fake_vm_pages;
int fake_enter_fails = -1;
void (*fake_uiomove_hook)(void);
void (*fake_uiomove_done)(void);		/* when the bytes are there */
size_t fake_uiomove_most = SIZE_MAX;	/* then EFAULT */
bool fake_threads;			/* can be created; do not run */

static struct fpmap *all;
static unsigned int mapcount[FAKE_PAGES];
static bool kmapped[FAKE_KVA_PAGES];

struct pmap pmap_kernel_store;
struct rwlock proctree_lock;
struct proclist allproc;
struct proc proc0;
struct lwp lwp0;
struct proc *initproc;

void
fake_init(uintptr_t first, uintptr_t n)
{
	fake_memory = host_alloc(PAGE_SIZE << 10, FAKE_PAGES * PAGE_SIZE);
	fake_kva = host_alloc(PAGE_SIZE, FAKE_KVA_PAGES * PAGE_SIZE);
	fake_vm_pages = host_alloc(PAGE_SIZE,
	    FAKE_PAGES * sizeof(struct vm_page));
	memset(fake_vm_pages, 0, FAKE_PAGES * sizeof(struct vm_page));
	memset(fake_memory, 0x5a, FAKE_PAGES * PAGE_SIZE);
	lwp0.l_proc = &proc0;
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		proc0.p_rlimit[i].rlim_cur = RLIM_INFINITY;
		proc0.p_rlimit[i].rlim_max = RLIM_INFINITY;
	}
	spin_init(&proc0.p_lock, "proc");
	rw_init(&proctree_lock, "proctree");
	shim_set_curlwp(&lwp0);
	uvm_page_addrange(first, first + n);
	uvm_init();
}

/* -- the table -- */

static struct mapping **
find(struct pmap *pm, vaddr_t va)
{
	struct fpmap *f = (struct fpmap *)pm;
	struct mapping **m = &f->buckets[atop(va) % NBUCKETS];

	while (*m != NULL && (*m)->va != va)
		m = &(*m)->next;
	return m;
}

static void
drop(struct pmap *pm, struct mapping **mp)
{
	struct mapping *m = *mp;

	*mp = m->next;
	if (!m->special)
		mapcount[VM_PAGE_TO_PFN(m->pg)]--;
	((struct fpmap *)pm)->n--;
	host_free(m);
}

static void
enter(struct pmap *pm, vaddr_t va, struct vm_page *pg, vm_prot_t prot,
    bool special)
{
	struct mapping **mp = find(pm, va), *m;

	if (va < VM_MIN_ADDRESS || va >= VM_MAX_ADDRESS ||
	    (va & PAGE_MASK) != 0)
		panic("pmap_enter at %#zx", (size_t)va);
	if ((pg->pg_flags & (PG_FREE | PG_CACHED | PG_ABSENT)) != 0)
		panic("pmap_enter of a free page");
	if (*mp != NULL)
		drop(pm, mp);
	m = host_alloc(16, sizeof(*m));
	m->next = *mp;
	m->va = va;
	m->pg = pg;
	m->prot = prot;
	m->special = special;
	*mp = m;
	if (!special)
		mapcount[VM_PAGE_TO_PFN(pg)]++;
	((struct fpmap *)pm)->n++;
}

char *
fake_mmu(struct pmap *pm, vaddr_t va, bool write)
{
	struct mapping *m = *find(pm, trunc_page(va));

	if (m == NULL || m->prot == 0 ||
	    (write && (m->prot & PROT_WRITE) == 0))
		return NULL;
	return (char *)VM_PAGE_TO_KVA(m->pg) + (va & PAGE_MASK);
}

size_t
fake_mappings(void)
{
	size_t n = 0;

	for (struct fpmap *f = all; f != NULL; f = f->next)
		n += f->n;
	return n;
}

void
fake_check(void)
{
	for (struct fpmap *f = all; f != NULL; f = f->next) {
		for (unsigned int b = 0; b < NBUCKETS; b++) {
			struct mapping *m;

			for (m = f->buckets[b]; m != NULL; m = m->next) {
				if ((m->pg->pg_flags & (PG_FREE | PG_CACHED |
				    PG_RELEASED)) != 0)
					panic("a free page is mapped");
				if (m->pg->pg_anon != NULL &&
				    m->pg->pg_anon->an_ref > 1 &&
				    (m->prot & PROT_WRITE) != 0)
					panic("a shared anon can be written");
				if (m->pg->pg_anon != NULL &&
				    m->pg->pg_anon->an_slot != 0 &&
				    m->pg->pg_anon->an_slot != UINT32_MAX &&
				    (m->prot & PROT_WRITE) != 0)
					panic("what is in swap can be written");
			}
		}
	}
}

/* -- the interface -- */

int
pmap_create(struct pmap **pm)
{
	struct fpmap *f = host_alloc(16, sizeof(*f));

	memset(f, 0, sizeof(*f));
	f->next = all;
	all = f;
	*pm = &f->pm;
	return 0;
}

void
pmap_remove_all(struct pmap *pm)
{
	pmap_remove(pm, 0, VM_MAX_ADDRESS);
}

void
pmap_destroy(struct pmap *pm)
{
	struct fpmap **f = &all;

	pmap_remove(pm, 0, VM_MAX_ADDRESS);
	while (&(*f)->pm != pm)
		f = &(*f)->next;
	*f = (*f)->next;
	host_free(pm);
}

int
pmap_enter_pages(struct pmap *pm, vaddr_t va, struct vm_page *const *pgs,
    unsigned int n, vm_prot_t prot, int flags)
{
	for (unsigned int i = 0; i < n; i++, va += PAGE_SIZE) {
		if (pgs[i] == NULL ||
		    ((flags & PMAP_IFEMPTY) != 0 && *find(pm, va) != NULL))
			continue;
		if (fake_enter_fails >= 0 && fake_enter_fails-- == 0)
			return ENOMEM;
		enter(pm, va, pgs[i], prot, false);
	}
	return 0;
}

int
pmap_enter(struct pmap *pm, vaddr_t va, struct vm_page *pg, vm_prot_t prot,
    int flags)
{
	return pmap_enter_pages(pm, va, &pg, 1, prot, flags);
}

bool
pmap_upgrade(struct pmap *pm, vaddr_t va, struct vm_page *const *pgs,
    unsigned int n, vm_prot_t prot, unsigned int which)
{
	bool done = false;

	for (unsigned int i = 0; i < n; i++, va += PAGE_SIZE) {
		struct mapping *m = *find(pm, va);

		if (m == NULL || m->special || m->pg != pgs[i])
			continue;
		m->prot |= prot;
		done |= i == which;
	}
	return done;
}

int
pmap_enter_special(struct pmap *pm, vaddr_t va, paddr_t pa, vm_prot_t prot)
{
	if ((prot & PROT_WRITE) != 0)
		panic("a special page can be written");
	enter(pm, va, PHYS_TO_VM_PAGE(pa), prot, true);
	return 0;
}

/* Every mapping in the range; protect to prot, 0 removes. */
static void
sweep(struct pmap *pm, vaddr_t start, vaddr_t end, vm_prot_t prot)
{
	for (unsigned int b = 0; b < NBUCKETS; b++) {
		struct mapping **m = &((struct fpmap *)pm)->buckets[b];

		while (*m != NULL) {
			if ((*m)->va >= start && (*m)->va < end) {
				(*m)->prot &= prot;
				if (prot == 0) {
					drop(pm, m);
					continue;
				}
			}
			m = &(*m)->next;
		}
	}
}

void
pmap_remove(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	sweep(pm, start, end, 0);
}

void
pmap_protect(struct pmap *pm, vaddr_t start, vaddr_t end, vm_prot_t prot)
{
	if (prot == 0)
		panic("pmap_protect to nothing");
	sweep(pm, start, end, prot);
}

bool
pmap_extract(struct pmap *pm, vaddr_t va, paddr_t *pa, vm_prot_t *prot)
{
	struct mapping *m = *find(pm, va);

	if (m == NULL)
		return false;
	if (pa != NULL)
		*pa = VM_PAGE_TO_PHYS(m->pg);
	if (prot != NULL)
		*prot = m->prot;
	return true;
}

void
pmap_page_protect(struct vm_page *pg, vm_prot_t prot)
{
	for (struct fpmap *f = all; f != NULL; f = f->next) {
		for (unsigned int b = 0; b < NBUCKETS; b++) {
			struct mapping **m = &f->buckets[b];

			while (*m != NULL) {
				if ((*m)->pg == pg && !(*m)->special) {
					(*m)->prot &= prot;
					if (prot == 0) {
						drop(&f->pm, m);
						continue;
					}
				}
				m = &(*m)->next;
			}
		}
	}
}

/* Mappings count as used every other time. */
bool
pmap_clear_reference(struct vm_page *pg __unused)
{
	static unsigned int n;

	return n++ % 2 == 0;
}

bool
pmap_page_mapped(struct vm_page *pg)
{
	return mapcount[VM_PAGE_TO_PFN(pg)] != 0;
}

size_t
pmap_resident_count(struct pmap *pm)
{
	return ((struct fpmap *)pm)->n;
}

void
pmap_zero_page(struct vm_page *pg)
{
	memset(VM_PAGE_TO_KVA(pg), 0, PAGE_SIZE);
}

void
pmap_copy_page(struct vm_page *from, struct vm_page *to)
{
	memcpy(VM_PAGE_TO_KVA(to), VM_PAGE_TO_KVA(from), PAGE_SIZE);
}

/* Kernel addresses have memory of their own: only the calls are checked. */
int
pmap_kenter_pages(vaddr_t va, struct vm_page *const *pgs, unsigned int n,
    vm_prot_t prot __unused)
{
	for (unsigned int i = 0; i < n; i++) {
		size_t k = atop(va - KVA_BASE) + i;

		if (k >= FAKE_KVA_PAGES || kmapped[k] || pgs[i] == NULL)
			panic("pmap_kenter_pages at %#zx", (size_t)va);
		kmapped[k] = true;
	}
	return 0;
}

void
pmap_kremove(vaddr_t va, vsize_t size)
{
	for (size_t k = atop(va - KVA_BASE); size > 0; k++,
	    size -= PAGE_SIZE) {
		if (k >= FAKE_KVA_PAGES)
			panic("pmap_kremove at %#zx", (size_t)va);
		kmapped[k] = false;
	}
}

void
pmap_activate(struct lwp *l __unused)
{
}

void
pmap_deactivate(struct lwp *l __unused)
{
}

/* -- the rest of the kernel -- */

const char *
ksyms_lookup(uintptr_t va __unused, uintptr_t *offset)
{
	*offset = 0;
	return NULL;
}

struct file *
file_get(struct file *fp)
{
	refcount_get(&fp->f_ref);
	return fp;
}

void
file_put(struct file *fp)
{
	if (refcount_put(&fp->f_ref))
		panic("a file was put too often");
}

__attribute__((__weak__)) int
kthread_create(const char *name __unused, struct cpu_info *ci __unused,
    void (*fn)(void *) __unused, void *arg __unused, struct lwp **lp __unused)
{
	return fake_threads ? 0 : ENOMEM;
}

struct proc *
proc_find(pid_t pid __unused)
{
	return NULL;
}

struct vmspace *
proc_vmspace_ref(struct proc *p __unused)
{
	return NULL;
}

void
psignal(struct proc *p __unused, int signo __unused)
{
}

/* One segment in kernel memory. */
int
uiomove(void *kaddr, size_t n, struct uio *uio)
{
	struct iovec *iov = uio->uio_iov;
	int error = 0;

	if (fake_uiomove_hook != NULL)
		fake_uiomove_hook();
	n = MIN(n, uio->uio_resid);
	if (n > fake_uiomove_most) {
		n = fake_uiomove_most;
		error = EFAULT;
	}
	fake_uiomove_most -= fake_uiomove_most == SIZE_MAX ? 0 : n;
	if (uio->uio_rw == UIO_READ)
		memcpy(iov->iov_base, kaddr, n);
	else
		memcpy(kaddr, iov->iov_base, n);
	iov->iov_base = (char *)iov->iov_base + n;
	iov->iov_len -= n;
	uio->uio_resid -= n;
	uio->uio_offset += (off_t)n;
	if (fake_uiomove_done != NULL)
		fake_uiomove_done();
	return error;
}

int
cred_capable(const struct cred *cr __unused, int cap __unused)
{
	return 0;
}

/* -- a disk, for swap; the tests of the page cache have their own -- */

struct disk fake_disk = {
	.d_name = "fake", .d_whole = &fake_disk, .d_limits.dl_lbs = 512,
};
unsigned int fake_disk_fails;		/* one of so many transfers; 0: none */
uint64_t fake_disk_bad = UINT64_MAX;	/* every one with that page */
unsigned int fake_disk_transfers;
void (*fake_disk_hook)(struct bio *);	/* before each */

static char *media;

__attribute__((__weak__)) void
bio_init(struct bio *b, struct disk *d, enum bio_op op, unsigned int flags,
    uint64_t sector, struct bio_seg *segs, unsigned int maxsegs)
{
	memset(b, 0, sizeof(*b));
	b->b_disk = d;
	b->b_op = op;
	b->b_flags = flags;
	b->b_sector = sector;
	b->b_segs = segs;
	b->b_maxsegs = maxsegs;
}

__attribute__((__weak__)) bool
bio_add(struct bio *b, struct vm_page *pg, unsigned int off, unsigned int len)
{
	if (b->b_nsegs == b->b_maxsegs)
		return false;
	b->b_segs[b->b_nsegs++] = (struct bio_seg){ pg, (uint16_t)off,
	    (uint16_t)len };
	b->b_len += len;
	return true;
}

__attribute__((__weak__)) void
bio_submit(struct bio *b)
{
	static unsigned int seed = 3;
	uint64_t at = b->b_sector << SECTOR_SHIFT;
	unsigned int i;
	char *p;

	if (media == NULL)
		media = host_alloc(PAGE_SIZE, FAKE_DISK_PAGES * PAGE_SIZE);
	if (b->b_nsegs == 0 || at + b->b_len > FAKE_DISK_PAGES * PAGE_SIZE)
		panic("a transfer at %#llx", (unsigned long long)at);
	if (fake_disk_hook != NULL)
		fake_disk_hook(b);
	seed = seed * 1664525 + 1013904223;
	if ((fake_disk_fails != 0 && (seed >> 8) % fake_disk_fails == 0) ||
	    (fake_disk_bad != UINT64_MAX && fake_disk_bad * PAGE_SIZE >= at &&
	    fake_disk_bad * PAGE_SIZE < at + b->b_len))
		b->b_error = EIO;
	for (i = 0; i < b->b_nsegs && b->b_error == 0; i++) {
		p = (char *)VM_PAGE_TO_KVA(b->b_segs[i].bs_page) +
		    b->b_segs[i].bs_off;
		if (b->b_op == BIO_READ)
			memcpy(p, media + at, b->b_segs[i].bs_len);
		else
			memcpy(media + at, p, b->b_segs[i].bs_len);
		at += b->b_segs[i].bs_len;
	}
	fake_disk_transfers++;
	b->b_done(b);
}

static void
wait_done(struct bio *b)
{
	*(bool *)b->b_arg = true;
}

__attribute__((__weak__)) int
bio_wait(struct bio *b)
{
	bool done = false;

	b->b_done = wait_done;
	b->b_arg = &done;
	bio_submit(b);
	while (!done)
		if (shim_sleep_hook == NULL || !shim_sleep_hook("biowait"))
			panic("a transfer never ends");
	return b->b_error;
}

bool
sig_pending(struct lwp *l __unused)
{
	return shim_signal_pending;
}
