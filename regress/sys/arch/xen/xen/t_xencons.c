/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consoles on a machine with several CPUs: the first one's ring, further ones
 * as devices, with honest and with evil peers.
 */
/* sources: sys/arch/xen/xen/xencons.c sys/arch/xen/xen/evtchn.c
 * sys/arch/xen/xen/hypercall.c sys/kern/kern_sched.c sys/kern/kern_runq.c
 * sys/kern/sched_acct.c sys/kern/kern_sleepq.c sys/kern/kern_condvar.c
 * sys/kern/kern_mutex.c sys/kern/kern_rwlock.c sys/kern/kern_spinlock.c
 * sys/kern/kern_cpu.c sys/kern/kern_callout.c sys/kern/kern_softint.c
 * regress/sys/kern/sim.c regress/sys/arch/xen/xen/fake_xen.c */
/* cflags: -DFAKE_PMAP */
#include <sys/cons.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/softint.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/tty.h>
#include <machine/intr.h>
#include <uvm/uvm.h>
#include <xen/guest.h>
#include <xen/machdep.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>
#include <xen/xencons.h>
#include <xen/public/io/console.h>

#include <host.h>
#include <ktest.h>

#include "../../../kern/sim.h"
#include "fake_xen.h"

#define	US	NSEC_PER_USEC
#define	MS	NSEC_PER_MSEC
#define	STREAM	20000		/* bytes in a long test */
#define	CONSOLES 4

/* ---- the terminals ---- */

static struct terminal {
	struct tty tt;			/* first */
	unsigned int room;		/* it takes so many more */
	unsigned int got;		/* bytes that came in */
	bool	bad;			/* not in order */
	unsigned int left;		/* output not yet fetched */
	unsigned int sent;
	bool	hungup;
} terminals[CONSOLES];

static unsigned int nterminals;
static struct consdev *kernel_console;
static void (*input_hook)(void);
static int create_error;

/* The nth byte of a stream. */
static char
byte(unsigned int n)
{
	return (char)(n * 7 + n / 251);
}

int
tty_create(const char *name, dev_t dev, const struct ttydrv *drv, void *priv,
    struct tty **tpp)
{
	struct terminal *t = &terminals[nterminals];

	if (create_error != 0)
		return create_error;
	KASSERT(nterminals < CONSOLES);
	nterminals++;
	spin_init(&t->tt.t_lock, "tty");
	strlcpy(t->tt.t_name, name, sizeof(t->tt.t_name));
	t->tt.t_dev = dev;
	t->tt.t_drv = drv;
	t->tt.t_priv = priv;
	*tpp = &t->tt;
	return 0;
}

size_t
tty_input(struct tty *tp, const void *buf, size_t n)
{
	struct terminal *t = container_of(tp, struct terminal, tt);
	const char *p = buf;
	size_t i;

	if (input_hook != NULL)
		input_hook();
	spin_enter(&tp->t_lock);
	n = MIN(n, (size_t)t->room);
	t->room -= (unsigned int)n;
	for (i = 0; i < n; i++)
		t->bad |= p[i] != byte(t->got++);
	spin_exit(&tp->t_lock);
	return n;
}

size_t
tty_output_get(struct tty *tp, void *buf, size_t n)
{
	struct terminal *t = container_of(tp, struct terminal, tt);
	char *p = buf;
	size_t i;

	spin_enter(&tp->t_lock);
	n = MIN(n, (size_t)t->left);
	t->left -= (unsigned int)n;
	for (i = 0; i < n; i++)
		p[i] = byte(t->sent++);
	spin_exit(&tp->t_lock);
	return n;
}

void
tty_hangup(struct tty *tp)
{
	container_of(tp, struct terminal, tt)->hungup = true;
}

void
tty_hangup_end(struct tty *tp)
{
	container_of(tp, struct terminal, tt)->hungup = false;
}

void
tty_set_console(struct tty *tp)
{
	CHECK(tp == &terminals[0].tt);
}

void
cons_register(struct consdev *cd, bool replay)
{
	CHECK(!replay);
	kernel_console = cd;
}

void
xencons_early_done(void)
{
}

/* ---- pages, grants, the store ---- */

static char memory[16 * PAGE_SIZE] __aligned(PAGE_SIZE);
static struct vm_page pages[16];
static bool page_used[16];
char *fake_memory = memory, *fake_kva;
void *fake_vm_pages = pages;
static unsigned int fail_at = ~0U;	/* the so-manieth step of a connect */

static bool
fails(void)
{
	return fail_at-- == 0;
}

struct vm_page *
uvm_pagealloc(int flags)
{
	unsigned int i;

	CHECK((flags & UVM_PGA_ZERO) != 0);
	if (fails())
		return NULL;
	for (i = 1; page_used[i]; i++)
		KASSERT(i < 15);
	page_used[i] = true;
	memset(memory + i * PAGE_SIZE, 0, PAGE_SIZE);
	return &pages[i];
}

void
uvm_pagefree(struct vm_page *pg)
{
	KASSERT(page_used[pg - pages]);
	page_used[pg - pages] = false;
}

static unsigned int
pages_used(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < 16; i++)
		n += page_used[i];
	return n;
}

int
xenbus_grant_ring(struct xenbus_device *xb, struct vm_page *pg, gref_t *ref)
{
	CHECK(xb != NULL);
	if (fails())
		return ENOSPC;
	*ref = MKGREF(100 + (uint32_t)(pg - pages));
	return 0;
}

void
gnttab_end_free(gref_t ref, struct vm_page *pg)
{
	CHECK_EQ(ref.gref, 100 + (uint32_t)(pg - pages));
	uvm_pagefree(pg);
}

int
xs_printf(xs_transaction_t tx, const char *dir, const char *node,
    const char *fmt, ...)
{
	CHECK(tx == XST_NIL && dir != NULL && node != NULL && fmt != NULL);
	return fails() ? EIO : 0;
}

int
xenbus_switch_state(struct xenbus_device *xb, enum xenbus_state state)
{
	if (fails())
		return EIO;
	xb->xb_state = state;
	return 0;
}

/* ---- the machine ---- */

static struct xencons_interface ring0;
static uint32_t port0;

static int
g_console(evtchn_t *port, void **ring)
{
	*port = MKEVTCHN(port0);
	*ring = &ring0;
	return 0;
}

static const struct xen_guest guest = { .g_console = g_console };
const struct xen_guest *xen_guest = &guest;

extern const struct xenbus_driver *const __start_set_xenbus_drivers[];
#define	driver	(__start_set_xenbus_drivers[0])

/* Events come to CPU 0. */
static void
upcalls(void *arg)
{
	bool intr;

	(void)arg;
	for (;;) {
		intr = intr_disable();
		if (cpu_info_primary.ci_md.md_vcpu->evtchn_upcall_pending) {
			cpu_intr_enter(false);
			evtchn_upcall();
			cpu_intr_exit();
			sched_preempt();
		}
		intr_restore(intr);
		(void)kpause("xen", false, nanouptime() + 5 * US);
	}
}

static void
booted(void *arg)
{
	struct lwp *l = sim_thread_new(upcalls, NULL);
	void (*test)(void) = (void (*)(void))arg;

	memset(l->l_affinity, 0, sizeof(l->l_affinity));
	l->l_affinity[0] = 1;
	l->l_sched.se_bound = true;
	sched_enqueue(l);
	fake_xen_new_domain();
	evtchn_init();
	port0 = fake_peer_port();
	terminals[0].room = ~0U;
	CHECK_EQ(xencons_init(), 0);
	test();
}

static void
run(unsigned int ncpus, uint64_t seed, void (*test)(void))
{
	sim_run(ncpus, seed, booted, (void *)test);
}

static void
wait(void)
{
	(void)kpause("test", false, nanouptime() + 30 * US);
}

/* ---- the peer ---- */

static unsigned int typed, shown;
static bool shown_bad;

/* Up to n bytes more from whoever types. */
static void
type(unsigned int n)
{
	n = MIN(n, sizeof(ring0.in) - (ring0.in_prod - ring0.in_cons));
	while (n-- > 0) {
		ring0.in[MASK_XENCONS_IDX(ring0.in_prod, ring0.in)] =
		    byte(typed++);
		ring0.in_prod++;
	}
	fake_raise(port0);
}

static void
show(unsigned int n)
{
	n = MIN(n, ring0.out_prod - ring0.out_cons);
	if (n == 0)
		return;
	while (n-- > 0) {
		shown_bad |= ring0.out[MASK_XENCONS_IDX(ring0.out_cons,
		    ring0.out)] != byte(shown++);
		ring0.out_cons++;
	}
	fake_raise(port0);
}

/* ---- bytes in ---- */

/* A reader that makes room and says so, on any CPU. */
static void
reader(void *arg)
{
	struct terminal *t = arg;

	while (t->got < STREAM) {
		spin_enter(&t->tt.t_lock);
		t->room += (unsigned int)sim_random(200);
		spin_exit(&t->tt.t_lock);
		t->tt.t_drv->td_unthrottle(&t->tt);
		(void)kpause("reader", false, nanouptime() +
		    (nsec_t)sim_random(20) * US);
	}
	sim_exit();
}

static void
input(void)
{
	struct terminal *t = &terminals[0];
	unsigned int i, n;

	t->room = 100;
	for (i = 0; i < 3; i++)
		sim_thread(reader, t);
	while (t->got < STREAM) {
		n = (unsigned int)sim_random(600);
		type(MIN(n, STREAM - typed));
		(void)kpause("type", false, nanouptime() +
		    (nsec_t)sim_random(20) * US);
	}
	CHECK_EQ(t->got, STREAM);
	CHECK(!t->bad);
	CHECK_EQ(ring0.in_cons, ring0.in_prod);
	CHECK(fake_sends[port0] > 20);
}

/* Several CPUs are told of input and room at the same time. */
TEST(each_byte_comes_once)
{
	run(4, 1, input);
}

TEST(each_byte_comes_once_other_seed)
{
	run(3, 2, input);
}

static void
full(void)
{
	struct terminal *t = &terminals[0];

	t->room = 10;
	type(500);
	wait();
	CHECK_EQ(t->got, 10);
	CHECK(ring0.in_prod - ring0.in_cons >= 500 - 10 - 128);
	type(2000);			/* the ring is full */
	CHECK_EQ(ring0.in_prod - ring0.in_cons, sizeof(ring0.in));
	wait();
	CHECK_EQ(t->got, 10);
	t->room = ~0U;
	t->tt.t_drv->td_unthrottle(&t->tt);
	wait();
	CHECK_EQ(t->got, typed);
	CHECK(!t->bad);
}

TEST(what_the_tty_does_not_take_waits)
{
	run(2, 3, full);
}

/* ---- bytes out ---- */

static void
writer(void *arg)
{
	struct terminal *t = arg;
	unsigned int i;

	for (i = 0; i < STREAM / 100; i++) {
		spin_enter(&t->tt.t_lock);
		t->left += 50;
		spin_exit(&t->tt.t_lock);
		t->tt.t_drv->td_start(&t->tt);
		(void)kpause("writer", false, nanouptime() +
		    (nsec_t)sim_random(10) * US);
	}
	sim_exit();
}

static void
output(void)
{
	struct terminal *t = &terminals[0];

	sim_thread(writer, t);
	sim_thread(writer, t);
	while (shown < STREAM) {
		show((unsigned int)sim_random(300));
		(void)kpause("show", false, nanouptime() +
		    (nsec_t)sim_random(30) * US);
	}
	CHECK(!shown_bad);
	CHECK_EQ(t->left, 0);
	CHECK_EQ(ring0.out_prod, ring0.out_cons);
}

TEST(output_through_a_small_ring)
{
	run(4, 4, output);
}

static void
nobody_reads(void)
{
	static char line[3000];
	nsec_t start;

	memset(line, 'm', sizeof(line));
	start = nanouptime();
	kernel_console->cn_write(line, sizeof(line));
	CHECK(nanouptime() - start < 30 * MS);
	CHECK_EQ(ring0.out_prod - ring0.out_cons, sizeof(ring0.out));
	/* It was waited for once. */
	start = nanouptime();
	kernel_console->cn_write(line, sizeof(line));
	CHECK(nanouptime() - start < MS);
	ring0.out_cons = ring0.out_prod;
	kernel_console->cn_write("a\n", 2);
	CHECK_EQ(ring0.out_prod - ring0.out_cons, 3);
	CHECK_EQ(ring0.out[MASK_XENCONS_IDX(ring0.out_prod - 2, ring0.out)],
	    '\r');
}

TEST(messages_with_no_reader)
{
	run(2, 5, nobody_reads);
}

/* ---- an evil peer ---- */

static void
jumping(void)
{
	struct terminal *t = &terminals[0];
	uint32_t good_prod, good_cons;
	unsigned int i;
	nsec_t start;

	type(10);
	wait();
	CHECK_EQ(t->got, 10);
	good_prod = ring0.in_prod;
	good_cons = ring0.out_cons;
	for (i = 0; i < 100; i++) {
		ring0.in_prod = good_prod + (uint32_t)sizeof(ring0.in) + 1 +
		    (uint32_t)sim_random(0xfffff000);
		ring0.out_cons = good_cons + 1 +
		    (uint32_t)sim_random(0xfffff000);
		t->left += 10;
		t->tt.t_drv->td_start(&t->tt);
		fake_raise(port0);
		wait();
		start = nanouptime();
		kernel_console->cn_write("message\n", 8);
		CHECK(nanouptime() - start < MS);
	}
	CHECK_EQ(t->got, 10);
	CHECK_EQ(ring0.in_cons, good_prod);
	CHECK_EQ(ring0.out_prod, good_cons);
	/* With possible indexes it goes on. */
	ring0.in_prod = good_prod;
	ring0.out_cons = good_cons;
	type(10);
	wait();
	CHECK_EQ(t->got, 20);
	show(~0U);
	wait();
	show(~0U);
	CHECK_EQ(shown, 1000);
	CHECK(!t->bad && !shown_bad);
}

TEST(indexes_that_jump)
{
	run(2, 6, jumping);
}

/* The index goes on while the bytes are taken out. */
static void
shove(void)
{
	ring0.in_prod += (uint32_t)sizeof(ring0.in) * 3;
}

static void
shoving(void)
{
	input_hook = shove;
	type(300);
	wait();
	input_hook = NULL;
	CHECK(terminals[0].got <= 2 * sizeof(ring0.in));
	ring0.in_prod = ring0.in_cons;
	typed = terminals[0].got;
	terminals[0].bad = false;
	type(20);
	wait();
	CHECK_EQ(terminals[0].got, typed);
	CHECK(!terminals[0].bad);
}

TEST(an_index_that_moves_meanwhile)
{
	run(2, 7, shoving);
}

/* ---- resume ---- */

/* A new domain, in the middle of input; a PVH guest's ring is a fresh one. */
static void
resumed(void)
{
	input_hook = NULL;
	fake_xen_new_domain();
	evtchn_resume(true);
	memset(&ring0, 0, sizeof(ring0));
	(void)fake_peer_port();
	port0 = fake_peer_port();
}

static void
resume(void)
{
	struct terminal *t = &terminals[0];
	unsigned int i;

	for (i = 0; i < 5; i++) {
		input_hook = resumed;
		type(50);
		wait();
		CHECK(input_hook == NULL);
		xencons_resume(true);
		typed = t->got;
		type(70);
		wait();
		CHECK_EQ(t->got, typed);
		CHECK_EQ(ring0.in_cons, ring0.in_prod);
		CHECK(!t->bad);
		t->left = 10;
		t->tt.t_drv->td_start(&t->tt);
		show(~0U);
		CHECK_EQ(shown, 10 * (i + 1));
		/* Cancelled: nothing changes. */
		CHECK_EQ(xencons_suspend(), 0);
		evtchn_suspend();
		evtchn_resume(false);
		xencons_resume(false);
		type(5);
		wait();
		CHECK_EQ(t->got, typed);
	}
	CHECK(!shown_bad);
}

TEST(a_new_domain_while_bytes_come_in)
{
	run(1, 8, resume);
}

/* ---- further consoles ---- */

static char path[] = "device/console/N";

static struct xencons_interface *
ring_of(unsigned int page)
{
	return (struct xencons_interface *)(void *)(memory +
	    page * PAGE_SIZE);
}

/* The peer's end of the port the device made last. */
static uint32_t
last_port(void)
{
	uint32_t p = FAKE_PORTS - 1;

	while (p > 0 && fake_ports[p] != FP_UNBOUND)
		p--;
	return p;
}

static void
further(void)
{
	struct xenbus_device xb[2] = {
		{ .xb_id = 1, .xb_path = path },
		{ .xb_id = 2, .xb_path = path }
	};
	struct xencons_interface *r;
	uint32_t port[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		CHECK_EQ(driver->xd_probe(&xb[i]), 0);
		CHECK_EQ(driver->xd_connect(&xb[i]), 0);
		CHECK_EQ(xb[i].xb_state, XenbusStateConnected);
		port[i] = last_port();
		terminals[1 + i].room = 1000;
	}
	CHECK_EQ(nterminals, 3);
	CHECK_STR(terminals[2].tt.t_name, "hvc2");
	CHECK_EQ(pages_used(), 2);
	CHECK(port[0] != port[1]);
	for (i = 0; i < 2; i++) {
		r = ring_of(1 + i);
		r->in[0] = byte(0);
		r->in_prod = 1;
		fake_raise(port[i]);
		wait();
		CHECK_EQ(terminals[1 + i].got, 1);
		CHECK_EQ(terminals[2 - i].got, i);
		terminals[1 + i].left = 7;
		terminals[1 + i].tt.t_drv->td_start(&terminals[1 + i].tt);
		CHECK_EQ(r->out_prod, 7);
		/* An impossible index of one does nothing to the other. */
		r->in_prod = ~0U - 5;
		fake_raise(port[i]);
		wait();
		CHECK_EQ(terminals[1 + i].got, 1);
	}
	CHECK_EQ(terminals[0].got, 0);
	driver->xd_disconnect(&xb[0]);
	CHECK_EQ(pages_used(), 1);
	CHECK_EQ(fake_ports[port[0]], FP_CLOSED);
	/* Output meanwhile waits; the next backend gets it. */
	terminals[1].left = 9;
	terminals[1].tt.t_drv->td_start(&terminals[1].tt);
	CHECK_EQ(driver->xd_connect(&xb[0]), 0);
	CHECK_EQ(ring_of(1)->out_prod, 9);
	driver->xd_disconnect(&xb[0]);
	driver->xd_disconnect(&xb[1]);
	CHECK_EQ(pages_used(), 0);
}

TEST(several_consoles)
{
	run(2, 9, further);
}

static void
replugged(void)
{
	struct xenbus_device xb = { .xb_id = 1, .xb_path = path };
	size_t before = 0;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		CHECK_EQ(driver->xd_probe(&xb), 0);
		CHECK(!terminals[1].hungup);
		CHECK_EQ(driver->xd_connect(&xb), 0);
		terminals[1].left = 5;
		terminals[1].tt.t_drv->td_start(&terminals[1].tt);
		CHECK_EQ(ring_of(1)->out_prod, 5);
		driver->xd_disconnect(&xb);
		driver->xd_remove(&xb);
		CHECK(terminals[1].hungup);
		if (i == 0)
			before = kmem_outstanding();
	}
	CHECK_EQ(nterminals, 2);
	CHECK_EQ(kmem_outstanding(), before);
	CHECK_EQ(pages_used(), 0);
	/* No number of ours. */
	xb.xb_id = 0;
	CHECK_EQ(driver->xd_probe(&xb), ENODEV);
	xb.xb_id = 0x100000;
	CHECK_EQ(driver->xd_probe(&xb), ENODEV);
}

TEST(unplugged_and_plugged_in_again)
{
	run(2, 10, replugged);
}

static void
failing(void)
{
	struct xenbus_device xb = { .xb_id = 1, .xb_path = path };
	size_t before = kmem_outstanding();
	unsigned int i, n = 0;
	int error;

	create_error = EEXIST;
	CHECK_EQ(driver->xd_probe(&xb), EEXIST);
	CHECK_EQ(kmem_outstanding(), before);
	create_error = 0;
	/* The first two allocations of a probe. */
	for (i = 0; i < 2; i++) {
		kmem_fail_after((int)i);
		CHECK_EQ(driver->xd_probe(&xb), ENOMEM);
		CHECK(kmem_failed());
		CHECK_EQ(kmem_outstanding(), before);
	}
	kmem_fail_after(-1);
	CHECK_EQ(driver->xd_probe(&xb), 0);
	before = kmem_outstanding();
	do {
		fail_at = n++;
		error = driver->xd_connect(&xb);
		CHECK_EQ(error == 0, n == 6);	/* the sixth is past all */
		if (error == 0)
			driver->xd_disconnect(&xb);
		CHECK_EQ(pages_used(), 0);
		CHECK_EQ(last_port(), 0);
		CHECK_EQ(kmem_outstanding(), before);
	} while (error != 0);
	fail_at = ~0U;
	kmem_fail_after(0);
	CHECK_EQ(driver->xd_connect(&xb), ENOMEM);
	kmem_fail_after(-1);
	CHECK_EQ(pages_used(), 0);
	CHECK_EQ(driver->xd_connect(&xb), 0);
}

TEST(what_fails_leaves_nothing)
{
	run(2, 11, failing);
}
