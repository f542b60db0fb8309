/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake disk backend, see fake_blkback.h.
 */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/softint.h>
#include <sys/systm.h>
#include <uvm/uvm.h>

#include <host.h>
#include <ktest.h>

#include "fake_blkback.h"

#define	PAGES		4000U
#define	REFS		16384U
#define	NODES		200U
#define	PORTS		64U
#define	SOFTS		64U
#define	PENDING		1024U
#define	BE_PATH		"/local/domain/0/backend/vbd/1/51712"

struct fake_backend be;
struct fake_bus fb;
char *fake_memory, *fake_kva;
void *fake_vm_pages;
struct pmap pmap_kernel_store;

static bool page_used[PAGES];
static struct xenbus_device xb;
static struct xbd_drv { const struct xenbus_driver *d; } drv;
static blkif_request_t pending[FB_RINGS][PENDING];
static unsigned int npending[FB_RINGS];

static bool serve_hook(const char *);

SET_DECLARE(xenbus_drivers, const struct xenbus_driver);

static void
world_init(void)
{
	if (fake_memory != NULL)
		return;
	fake_memory = host_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
	fake_kva = host_alloc(PAGE_SIZE, PAGE_SIZE);
	fake_vm_pages = host_alloc(PAGE_SIZE, PAGES * sizeof(struct vm_page));
	be.media = host_alloc(PAGE_SIZE, FB_SECTORS * 512);
	memset(be.media, 0, FB_SECTORS * 512);
	drv.d = *SET_BEGIN(xenbus_drivers);
	ncpu_possible = 2;
	shim_sleep_hook = serve_hook;
	disk_init();
	fb_offer("sectors", FB_SECTORS);
	fb_offer("sector-size", 512);
}

/* ---- pages ---- */

static struct vm_page *
run_get(size_t n)
{
	size_t i, j;

	for (i = 0; i + n <= PAGES; i++) {
		for (j = 0; j < n && !page_used[i + j]; j++)
			continue;
		if (j == n) {
			memset(&page_used[i], true, n);
			return VM_PAGE(i);
		}
	}
	panic("no pages left");
}

static void
run_put(struct vm_page *pg, size_t n)
{
	size_t i = VM_PAGE_TO_PFN(pg);

	for (; n > 0; n--, i++) {
		CHECK(i < PAGES && page_used[i]);
		page_used[i] = false;
	}
}

bool fake_pages_short;

struct vm_page *
uvm_pagealloc(int flags)
{
	return uvm_pagealloc_order(0, flags);
}

struct vm_page *
uvm_pagealloc_order(unsigned int order, int flags)
{
	struct vm_page *pg;
	void *p;

	if (fake_pages_short && (flags & UVM_PGA_USERESERVE) == 0)
		return NULL;
	p = kmem_alloc(16, KM_NOSLEEP);		/* fails when it is to */
	if (p == NULL)
		return NULL;
	kmem_free(p, 16);
	pg = run_get((size_t)1 << order);
	memset(VM_PAGE_TO_KVA(pg), 0, PAGE_SIZE << order);
	return pg;
}

void
uvm_pagefree(struct vm_page *pg)
{
	/* Who uses it still is found out. */
	memset(VM_PAGE_TO_KVA(pg), 0xdb, PAGE_SIZE);
	run_put(pg, 1);
}

void
pmap_zero_page(struct vm_page *pg)
{
	memset(VM_PAGE_TO_KVA(pg), 0, PAGE_SIZE);
}

bool
pmap_extract(struct pmap *pm __unused, vaddr_t va, paddr_t *pa,
    vm_prot_t *prot __unused)
{
	*pa = PMAP_DIRECT_UNMAP(va);
	return true;
}

char *
fake_page_run(size_t n)
{
	world_init();
	return VM_PAGE_TO_KVA(run_get(n));
}

void
fake_page_run_free(char *p, size_t n)
{
	run_put(PHYS_TO_VM_PAGE(PMAP_DIRECT_UNMAP(p)), n);
}

void
fake_cpu(unsigned int index)
{
	shim_curcpu->ci_index = index;
}

/* ---- grants ---- */

static struct {
	bool		used, valid, ro, mapped;
	uintptr_t	pfn;
	bool		deferred;
	struct vm_page	*page;
} refs[REFS];
static unsigned int refs_left = REFS;

void
fake_grants_left(unsigned int n)
{
	refs_left = n;
}

int
gnttab_alloc(gref_t *ref, unsigned int n)
{
	unsigned int i, j;

	if (refs_left < n)
		return ENOSPC;
	for (i = 0, j = 8; i < n; i++, j++) {
		while (refs[j].used)
			j++;
		CHECK(j < REFS);
		refs[j].used = true;
		ref[i] = MKGREF(j);
	}
	refs_left -= n;
	return 0;
}

void
gnttab_free(gref_t ref)
{
	CHECK(refs[ref.gref].used && !refs[ref.gref].valid);
	refs[ref.gref].used = false;
	refs_left++;
}

void
gnttab_grant(gref_t ref, xdomid_t dom, pfn_t pfn, bool readonly)
{
	CHECK(refs[ref.gref].used && !refs[ref.gref].valid);
	CHECK_EQ(dom.domid, 7);
	CHECK(page_used[pfn.pfn]);
	refs[ref.gref].valid = true;
	refs[ref.gref].ro = readonly;
	refs[ref.gref].pfn = pfn.pfn;
}

int
gnttab_grant_page(xdomid_t dom, struct vm_page *pg, bool readonly, gref_t *ref)
{
	int error = gnttab_alloc(ref, 1);

	if (error == 0)
		gnttab_grant(*ref, dom, MKPFN(VM_PAGE_TO_PFN(pg)), readonly);
	return error;
}

bool
gnttab_end(gref_t ref)
{
	CHECK(refs[ref.gref].used);
	if (refs[ref.gref].mapped)
		return false;
	refs[ref.gref].valid = false;
	return true;
}

void
gnttab_end_free(gref_t ref, struct vm_page *pg)
{
	if (!gnttab_end(ref)) {
		refs[ref.gref].deferred = true;
		refs[ref.gref].page = pg;
		return;
	}
	gnttab_free(ref);
	if (pg != NULL)
		uvm_pagefree(pg);
}

static void
unmap(unsigned int i)
{
	refs[i].mapped = false;
	if (refs[i].deferred) {
		refs[i].deferred = false;
		gnttab_end_free(MKGREF(i), refs[i].page);
	}
}

unsigned int
fb_mapped_refs(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < REFS; i++)
		n += refs[i].mapped;
	return n;
}

void
fb_unmap_all(void)
{
	unsigned int i;

	for (i = 0; i < REFS; i++)
		unmap(i);
}

/* ---- events ---- */

struct evt_source {
	bool		used;
	void		(*func)(void *);
	void		*arg;
};
static struct evt_source ports[PORTS];

struct softint {
	bool		used, pending;
	void		(*func)(void *);
	void		*arg;
};
static struct softint softs[SOFTS];

int
evtchn_alloc_unbound(xdomid_t remote, void (*func)(void *), void *arg,
    const char *name, struct evt_source **es)
{
	void *p = kmem_alloc(16, KM_SLEEP);
	unsigned int i;

	CHECK(remote.domid == 7 && name != NULL);
	if (p == NULL)
		return ENOMEM;
	kmem_free(p, 16);
	for (i = 1; ports[i].used; i++)
		CHECK(i < PORTS - 1);
	ports[i] = (struct evt_source){ true, func, arg };
	*es = &ports[i];
	return 0;
}

void
evtchn_unbind(struct evt_source *es)
{
	CHECK(es->used);
	es->used = false;
}

evtchn_t
evtchn_port(const struct evt_source *es)
{
	return MKEVTCHN((uint32_t)(es - ports));
}

void
evtchn_notify(struct evt_source *es)
{
	CHECK(es->used);
}

struct softint *
softint_establish(enum softint_level level, void (*func)(void *), void *arg)
{
	void *p = kmem_alloc(16, KM_SLEEP);
	unsigned int i;

	CHECK_EQ(level, SOFTINT_BIO);
	if (p == NULL)
		return NULL;
	kmem_free(p, 16);
	for (i = 0; softs[i].used; i++)
		CHECK(i < SOFTS - 1);
	softs[i] = (struct softint){ true, false, func, arg };
	return &softs[i];
}

void
softint_disestablish(struct softint *si)
{
	CHECK(si->used);
	si->used = false;
}

void
softint_schedule(struct softint *si)
{
	CHECK(si->used);
	si->pending = true;
}

static void
run_softs(void)
{
	unsigned int i;

	for (i = 0; i < SOFTS; i++)
		if (softs[i].used && softs[i].pending) {
			softs[i].pending = false;
			softs[i].func(softs[i].arg);
			i = (unsigned int)-1;
		}
}

void
fb_event(unsigned int ring)
{
	struct evt_source *es = &ports[be.ring[ring].port];

	CHECK(es->used);
	es->func(es->arg);
	run_softs();
}

/* ---- threads ---- */

static void (*thread_func)(void *);
static void *thread_arg;

int
kthread_create(const char *name __unused, struct cpu_info *ci __unused,
    void (*func)(void *), void *arg, struct lwp **lp __unused)
{
	CHECK(thread_func == NULL);
	thread_func = func;
	thread_arg = arg;
	return 0;
}

void
kthread_exit(void)
{
	panic("a thread ends");
}

void
fb_attach(void)
{
	void (*func)(void *) = thread_func;

	CHECK(func != NULL);
	thread_func = NULL;
	CHECK_PANIC(func(thread_arg));
}

/* ---- the store ---- */

static struct {
	char	path[96], val[48];
} nodes[NODES];

static unsigned int
node_find(const char *path)
{
	unsigned int i;

	for (i = 0; i < NODES; i++)
		if (strcmp(nodes[i].path, path) == 0)
			break;
	return i;
}

static void
node_set(const char *path, const char *val)
{
	unsigned int i = node_find(path);

	if (i == NODES)
		i = node_find("");
	CHECK(i < NODES);
	strlcpy(nodes[i].path, path, sizeof(nodes[i].path));
	strlcpy(nodes[i].val, val, sizeof(nodes[i].val));
}

const char *
fb_node(const char *path)
{
	unsigned int i = node_find(path);

	return i == NODES ? NULL : nodes[i].val;
}

static void
node_rm(const char *path)
{
	size_t n = strlen(path);
	unsigned int i;

	for (i = 0; i < NODES; i++)
		if (strncmp(nodes[i].path, path, n) == 0 &&
		    (nodes[i].path[n] == '\0' || nodes[i].path[n] == '/'))
			nodes[i].path[0] = '\0';
}

void
fb_offer(const char *node, uint64_t v)
{
	char path[96], val[24];

	world_init();
	snprintf(path, sizeof(path), "%s/%s", BE_PATH, node);
	snprintf(val, sizeof(val), "%llu", (unsigned long long)v);
	node_set(path, val);
}

void
fb_withdraw_all(void)
{
	node_rm(BE_PATH);
	fb_offer("sectors", FB_SECTORS);
	fb_offer("sector-size", 512);
}

int
xs_read_u64(xs_transaction_t tx __unused, const char *dir, const char *node,
    uint64_t *v)
{
	char path[96];
	const char *val;

	snprintf(path, sizeof(path), "%s/%s", dir, node);
	val = fb_node(path);
	return val == NULL ? ENOENT : kstrtou64(val, 10, v);
}

int
xs_write(xs_transaction_t tx, const char *dir, const char *node,
    const char *val)
{
	char path[96];

	CHECK(tx != XST_NIL);
	snprintf(path, sizeof(path), "%s/%s", dir, node);
	node_set(path, val);
	return 0;
}

int
xs_printf(xs_transaction_t tx, const char *dir, const char *node,
    const char *fmt, ...)
{
	void *p = kmem_alloc(16, KM_SLEEP);
	char val[48];
	va_list ap;

	if (p == NULL)
		return ENOMEM;
	kmem_free(p, 16);
	va_start(ap, fmt);
	vsnprintf(val, sizeof(val), fmt, ap);
	va_end(ap);
	return xs_write(tx, dir, node, val);
}

int
xs_rm(xs_transaction_t tx, const char *dir, const char *node)
{
	char path[96];

	CHECK(tx != XST_NIL);
	snprintf(path, sizeof(path), "%s/%s", dir, node);
	node_rm(path);
	return 0;
}

int
xs_transaction_start(xs_transaction_t *tx)
{
	*tx = 1;
	return 0;
}

/* Every other one has to be done again. */
int
xs_transaction_end(xs_transaction_t tx __unused, bool abort)
{
	static unsigned int n;

	return !abort && ++n % 2 == 1 ? EAGAIN : 0;
}

static struct xs_watch *watch;		/* the one there may be */

int
xs_watch(struct xs_watch *xw)
{
	void *p = kmem_alloc(16, KM_SLEEP);

	CHECK(watch == NULL && xw->xw_node != NULL);
	if (p == NULL)
		return ENOMEM;
	kmem_free(p, 16);
	watch = xw;
	return 0;
}

void
xs_unwatch_nowait(struct xs_watch *xw)
{
	CHECK(watch == xw);
	watch = NULL;
}

void
fb_sectors_written(void)
{
	CHECK_STR(watch->xw_node, BE_PATH "/sectors");
	watch->xw_func(watch, watch->xw_node, "1");
}

int
xenbus_switch_state(struct xenbus_device *x, enum xenbus_state state)
{
	x->xb_state = state;
	return 0;
}

void
xenbus_error(struct xenbus_device *x __unused, int error,
    const char *fmt __unused, ...)
{
	CHECK(error != 0);
	fb.errors++;
}

void
xenbus_quarantine(struct xenbus_device *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fb.why, sizeof(fb.why), fmt, ap);
	va_end(ap);
	fb.quarantined = x->xb_quarantined = true;
}

void
xenbus_recheck(struct xenbus_device *x)
{
	CHECK(x == &xb);
	fb.rechecks++;
}

/* ---- the device ---- */

int
fb_try_probe(uint32_t vdev)
{
	static char path[32], otherend[] = BE_PATH;
	int error;

	world_init();
	memset(&xb, 0, sizeof(xb));
	memset(&fb, 0, sizeof(fb));
	snprintf(path, sizeof(path), "device/vbd/%u", vdev);
	node_rm(path);
	xb.xb_path = path;
	xb.xb_otherend = otherend;
	xb.xb_otherend_id = MKDOMID(7);
	xb.xb_id = vdev;
	xb.xb_driver = drv.d;
	xb.xb_state = XenbusStateInitialising;
	error = drv.d->xd_probe(&xb);
	if (error != 0)
		CHECK(xb.xb_priv == NULL);
	return error;
}

void
fb_probe(uint32_t vdev)
{
	CHECK_EQ(fb_try_probe(vdev), 0);
}

enum xenbus_state
fb_state(void)
{
	return xb.xb_state;
}

struct disk *
fb_disk(void)
{
	struct { struct xenbus_device *x; struct disk *d; } *xd = xb.xb_priv;

	return xd->d;
}

/* Find the rings by what the frontend wrote, as blkback does. */
static unsigned int
number(const char *fmt, ...)
{
	char node[64], path[96];
	const char *val;
	va_list ap;
	uint64_t v;

	va_start(ap, fmt);
	vsnprintf(node, sizeof(node), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s/%s", xb.xb_path, node);
	val = fb_node(path);
	if (val == NULL)
		return 0;
	CHECK_EQ(kstrtou64(val, 10, &v), 0);
	return (unsigned int)v;
}

static void
map_ring(unsigned int q, const char *prefix, unsigned int npages)
{
	struct fb_ring *r = &be.ring[q];
	blkif_sring_t *sring;
	unsigned int i, ref, first = 0;

	for (i = 0; i < npages; i++) {
		ref = npages == 1 ? number("%sring-ref", prefix) :
		    number("%sring-ref%u", prefix, i);
		CHECK(ref < REFS && refs[ref].valid && !refs[ref].ro);
		if (i == 0)
			first = ref;
		CHECK_EQ(refs[ref].pfn, refs[first].pfn + i);
	}
	r->npages = npages;
	r->port = number("%sevent-channel", prefix);
	CHECK(ports[r->port].used);
	sring = VM_PAGE_TO_KVA(VM_PAGE(refs[first].pfn));
	BACK_RING_INIT(&r->ring, sring, npages * PAGE_SIZE);
	CHECK_EQ(sring->rsp_event, 1);
	r->served = 0;
	npending[q] = 0;
}

static void
be_connect(void)
{
	unsigned int q, npages;
	char prefix[16];

	be.nrings = MAX(number("multi-queue-num-queues"), 1U);
	CHECK(be.nrings <= FB_RINGS);
	npages = MAX(number("num-ring-pages"), 1U << number("ring-page-order"));
	for (q = 0; q < be.nrings; q++) {
		snprintf(prefix, sizeof(prefix), "queue-%u/", q);
		map_ring(q, be.nrings > 1 ? prefix : "", npages);
	}
}

void
fb_connect(void)
{
	CHECK_EQ(drv.d->xd_connect(&xb), 0);
	xb.xb_connected = true;
	CHECK_EQ(xb.xb_state, XenbusStateInitialised);
	be_connect();
	fb_otherend(XenbusStateConnected);
}

void
fb_try_connect(void)
{
	if (drv.d->xd_connect(&xb) != 0)
		return;
	xb.xb_connected = true;
	be_connect();
	fb_otherend(XenbusStateConnected);
	if (thread_func != NULL)
		fb_attach();
}

void
fb_otherend(enum xenbus_state state)
{
	xb.xb_otherend_state = state;
	drv.d->xd_otherend(&xb, state);
}

static void
disconnect(void)
{
	be.nrings = 0;
	be.keep_mapped = false;
	if (xb.xb_connected)
		drv.d->xd_disconnect(&xb);
	xb.xb_connected = false;
}

void
fb_suspend(void)
{
	CHECK_EQ(drv.d->xd_suspend(&xb), 0);
}

void
fb_resume_cancelled(void)
{
	drv.d->xd_resume(&xb, false);
}

void
fb_resume_new(void)
{
	unsigned int i;

	fb_unmap_all();
	for (i = 0; i < REFS; i++)
		refs[i].valid = false;
	xb.xb_quarantined = fb.quarantined = false;
	disconnect();
	xb.xb_state = XenbusStateInitialising;
	drv.d->xd_resume(&xb, true);
}

void
fb_restart(void)
{
	fb_unmap_all();
	disconnect();
	xb.xb_state = XenbusStateInitialising;
}

void
fb_quarantine_close(void)
{
	disconnect();
	xb.xb_state = XenbusStateClosed;
}

void
fb_remove(void)
{
	disconnect();
	drv.d->xd_remove(&xb);
	CHECK(xb.xb_priv == NULL);
}

void
fb_check_empty(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (page_used[i])
			panic("page %u is lost", i);
	for (i = 0; i < REFS; i++)
		if (refs[i].used)
			panic("reference %u is lost", i);
	for (i = 0; i < PORTS; i++)
		CHECK(!ports[i].used);
	for (i = 0; i < SOFTS; i++)
		CHECK(!softs[i].used);
	CHECK(watch == NULL);
	CHECK_EQ(kmem_outstanding(), 0);
	CHECK_EQ(disk_settle_wait(1), 0);
}

/* ---- the block layer's other half ---- */

static int
no_parts(struct disk *d __unused, struct disk_part *p __unused,
    unsigned int max __unused, unsigned int *n)
{
	*n = 0;
	return 0;
}

static void
nothing(struct disk *d __unused)
{
}

const struct disk_class disk_class = { no_parts, nothing, nothing, nothing };

/* ---- serving ---- */

static bool
persistent(void)
{
	return fb_node(BE_PATH "/feature-persistent") != NULL &&
	    number("feature-persistent") == 1;
}

static int
move(const struct blkif_request_segment *sg, bool read, uint64_t *sector)
{
	unsigned int n = sg->last_sect - sg->first_sect + 1U;
	char *p;

	CHECK(sg->gref < REFS && refs[sg->gref].valid);
	CHECK(sg->first_sect <= sg->last_sect && sg->last_sect < 8);
	CHECK(!read || !refs[sg->gref].ro);
	CHECK(*sector + n <= FB_SECTORS);
	p = (char *)VM_PAGE_TO_KVA(VM_PAGE(refs[sg->gref].pfn)) +
	    sg->first_sect * 512;
	refs[sg->gref].mapped = true;
	if (read)
		memcpy(p, be.media + *sector * 512, n * 512);
	else
		memcpy(be.media + *sector * 512, p, n * 512);
	if (!persistent() && !be.keep_mapped)
		unmap(sg->gref);
	*sector += n;
	return 0;
}

static int
rw(uint64_t sector, bool read, const struct blkif_request_segment *sg,
    unsigned int n)
{
	CHECK(n != 0);
	if (sector != 0 && sector == be.fail_sector)
		return BLKIF_RSP_ERROR;
	if (!read) {
		CHECK(be.nlog < FB_LOG);
		be.log[be.nlog++ % FB_LOG] = sector;
		be.nlog %= FB_LOG;
	}
	for (; n > 0; n--, sg++)
		(void)move(sg, read, &sector);
	return BLKIF_RSP_OKAY;
}

static int
perform(blkif_request_t *rq, unsigned int *op)
{
	blkif_request_indirect_t *in = (blkif_request_indirect_t *)rq;
	blkif_request_discard_t *di = (blkif_request_discard_t *)rq;
	uint32_t ref;

	*op = be.last_op = rq->operation;
	switch (rq->operation) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
		CHECK(rq->nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST);
		CHECK_EQ(rq->handle, xb.xb_id & 0xffff);
		return rw(rq->sector_number, *op == BLKIF_OP_READ, rq->seg,
		    rq->nr_segments);
	case BLKIF_OP_INDIRECT:
		CHECK(fb_node(BE_PATH "/feature-max-indirect-segments"));
		be.indirect++;
		*op = in->indirect_op;
		ref = in->indirect_grefs[0];
		/* With persistent grants blkback maps all for writing. */
		CHECK(ref < REFS && refs[ref].valid &&
		    refs[ref].ro == !persistent());
		CHECK(in->nr_segments <= 512);
		if (persistent())
			refs[ref].mapped = true;
		return rw(in->sector_number, *op == BLKIF_OP_READ,
		    VM_PAGE_TO_KVA(VM_PAGE(refs[ref].pfn)), in->nr_segments);
	case BLKIF_OP_FLUSH_DISKCACHE:
	case BLKIF_OP_WRITE_BARRIER:
		CHECK_EQ(rq->nr_segments, 0);
		be.flushes++;
		return be.refuse ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_OKAY;
	case BLKIF_OP_DISCARD:
		CHECK(fb_node(BE_PATH "/feature-discard") != NULL);
		if (be.refuse)
			return BLKIF_RSP_EOPNOTSUPP;
		be.discarded += (unsigned int)di->nr_sectors;
		return BLKIF_RSP_OKAY;
	default:
		panic("operation %u", rq->operation);
	}
}

void
fb_answer(struct fb_ring *r, uint64_t id, unsigned int op, int status)
{
	blkif_response_t *rs;
	int notify;

	rs = RING_GET_RESPONSE(&r->ring, r->ring.rsp_prod_pvt);
	rs->id = id;
	rs->operation = (uint8_t)op;
	rs->status = (int16_t)status;
	r->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&r->ring, notify);
	(void)notify;
}

static void
fetch(unsigned int q)
{
	struct fb_ring *r = &be.ring[q];

	while (r->ring.req_cons != r->ring.sring->req_prod) {
		CHECK(!RING_REQUEST_CONS_OVERFLOW(&r->ring,
		    r->ring.req_cons));
		CHECK(npending[q] < PENDING);
		pending[q][npending[q]++] =
		    *RING_GET_REQUEST(&r->ring, r->ring.req_cons);
		r->ring.req_cons++;
	}
}

void
fb_serve_some(struct fb_ring *r, unsigned int n, uint32_t (*pick)(uint32_t))
{
	unsigned int q = (unsigned int)(r - be.ring), i, op;
	blkif_request_t rq;
	int status;

	fetch(q);
	for (; n > 0 && npending[q] > 0; n--) {
		i = pick != NULL ? pick(npending[q]) : 0;
		rq = pending[q][i];
		memmove(&pending[q][i], &pending[q][i + 1],
		    (--npending[q] - i) * sizeof(rq));
		status = perform(&rq, &op);
		r->served++;
		fb_answer(r, rq.operation == BLKIF_OP_DISCARD ?
		    ((blkif_request_discard_t *)&rq)->id :
		    rq.operation == BLKIF_OP_INDIRECT ?
		    ((blkif_request_indirect_t *)&rq)->id : rq.id, op, status);
	}
	if (!be.keep_mapped)
		fb_event(q);
}

void
fb_serve_all(void)
{
	unsigned int q;
	bool again;

	do {
		again = false;
		for (q = 0; q < be.nrings; q++) {
			fetch(q);
			if (npending[q] > 0) {
				fb_serve_some(&be.ring[q], npending[q], NULL);
				again = true;
			}
		}
	} while (again);
}

static bool
serve_hook(const char *wchan __unused)
{
	if (be.nrings == 0 || be.stopped)
		return false;
	fb_serve_all();
	return true;
}
