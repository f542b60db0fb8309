/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of the tool stack: which are honoured, what they lead to, and a
 * store that fails.
 */
/* sources: sys/arch/xen/xen/shutdown.c */
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/sysrq.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vnode.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>

#include <ktest.h>

/* ---- the store ---- */

static struct xs_watch *watch_shutdown, *watch_sysrq;
static char request[64], sysrq_node[8];
static unsigned int starts, ends, aborts, acks, sysrq_acks, features;
static int start_error, read_error, write_error;
static unsigned int eagain;		/* so many transactions fail so */
static bool in_tx;

int
xs_watch(struct xs_watch *xw)
{
	CHECK(xw->xw_func != NULL);
	if (strcmp(xw->xw_node, "control/shutdown") == 0)
		watch_shutdown = xw;
	else if (strcmp(xw->xw_node, "control/sysrq") == 0)
		watch_sysrq = xw;
	else
		return EINVAL;
	return 0;
}

int
xs_transaction_start(xs_transaction_t *tx)
{
	CHECK(!in_tx);
	if (start_error != 0)
		return start_error;
	starts++;
	in_tx = true;
	*tx = 7;
	return 0;
}

static char taken[64];			/* what was written in it */
static bool was_taken;

int
xs_transaction_end(xs_transaction_t tx, bool aborted)
{
	CHECK(in_tx && tx == 7);
	in_tx = false;
	ends++;
	if (aborted) {
		aborts++;
		return 0;
	}
	if (eagain > 0) {
		eagain--;
		was_taken = false;
		return EAGAIN;
	}
	if (was_taken) {
		acks++;
		(void)strlcpy(request, taken, sizeof(request));
	}
	was_taken = false;
	return 0;
}

int
xs_read(xs_transaction_t tx, const char *dir, const char *node, char **val)
{
	CHECK_STR(dir, "control");
	if (read_error != 0)
		return read_error;
	if (strcmp(node, "sysrq") == 0) {
		*val = kmem_strdup(sysrq_node, KM_SLEEP);
	} else {
		CHECK_STR(node, "shutdown");
		CHECK(in_tx && tx == 7);
		*val = kmem_strdup(request, KM_SLEEP);
	}
	return *val != NULL ? 0 : ENOMEM;
}

int
xs_write(xs_transaction_t tx, const char *dir, const char *node,
    const char *val)
{
	CHECK_STR(dir, "control");
	if (write_error != 0)
		return write_error;
	if (strcmp(node, "shutdown") == 0) {
		CHECK(in_tx && tx == 7);
		(void)strlcpy(taken, val, sizeof(taken));
		was_taken = true;
	} else if (strcmp(node, "sysrq") == 0) {
		CHECK_STR(val, "");
		sysrq_acks++;
	} else {
		CHECK(strncmp(node, "feature-", 8) == 0);
		CHECK_STR(val, "1");
		features++;
	}
	return 0;
}

/* ---- the rest of the kernel ---- */

struct rwlock proctree_lock;
struct proclist allproc = LIST_HEAD_INITIALIZER(allproc);
struct proc *initproc;

static struct proc init_proc, daemon, kernel;
static struct sigacts init_acts;
static unsigned int suspends, threads, synced, terms, kills, conts;
static void (*thread_fn)(void *);
static void *thread_arg;
static int thread_error, program_error, ended = -1;
static const char *program;
static bool daemon_obeys, init_ends;
static unsigned int steps;		/* that init is going to take */
unsigned int nforks;
static char keys[8];

void
xen_suspend_request(void)
{
	suspends++;
}

int
kthread_create(const char *name, struct cpu_info *ci, void (*fn)(void *),
    void *arg, struct lwp **lp)
{
	CHECK_STR(name, "shutdown");
	CHECK(ci == NULL && lp == NULL);
	if (thread_error != 0)
		return thread_error;
	threads++;
	thread_fn = fn;
	thread_arg = arg;
	return 0;
}

void
kthread_exit(void)
{
	panic("the thread has ended");
}

int
proc_run_helper(const char *path, char *const *argv, char *const *envp,
    nsec_t deadline)
{
	CHECK(argv[0] == path && argv[1] == NULL && envp[0] != NULL);
	CHECK(deadline > nanouptime());
	program = path;
	return program_error;
}

void
psignal(struct proc *p, int signo)
{
	CHECK(p == &daemon);
	if (signo == SIGTERM)
		terms++;
	else if (signo == SIGCONT)
		conts++;
	else if (signo == SIGKILL)
		kills++;
	else
		CHECK(false);
	if (signo == SIGKILL || (signo == SIGTERM && daemon_obeys))
		p->p_state = PS_ZOMBIE;
}

void
vfs_shutdown(void)
{
	synced++;
}

/* The machine is down: out of everything, as a panic is. */
void
cpu_reboot(enum reboot_how how)
{
	ended = (int)how;
	panic("the end");
}

void
sysrq(char key)
{
	size_t n = strlen(keys);

	KASSERT(n < sizeof(keys) - 1);
	keys[n] = key;
}

/* init does what it was told while the thread gives it time. */
static bool
init_acts_hook(const char *wchan)
{
	CHECK_STR(wchan, "shutdown");
	if (steps > 0) {
		steps--;
		nforks++;
	} else if (init_ends && ended < 0)
		cpu_reboot(RB_HALT);
	return false;
}

/* What it says on the console; the last line is looked at. */
static char said[256];

static void
out(void *arg, const char *text, size_t n)
{
	size_t have = strlen(said);

	KASSERT(arg == said && have + n < sizeof(said));
	memcpy(said + have, text, n);
}

void
printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(out, said, fmt, ap);
	va_end(ap);
}

static bool
says(const char *text)
{
	size_t n = strlen(text), i;

	for (i = 0; said[i] != '\0'; i++)
		if (strncmp(said + i, text, n) == 0)
			return true;
	return false;
}

/* ---- tests ---- */

static void
setup(void)
{
	spin_init(&init_acts.sa_lock, "sigacts");
	init_proc.p_sigacts = &init_acts;
	init_proc.p_state = daemon.p_state = kernel.p_state = PS_ACTIVE;
	kernel.p_flags = P_SYSTEM;
	initproc = &init_proc;
	LIST_INSERT_HEAD(&allproc, &kernel, p_all);
	LIST_INSERT_HEAD(&allproc, &init_proc, p_all);
	LIST_INSERT_HEAD(&allproc, &daemon, p_all);
	CHECK_EQ(xen_shutdown_init(), 0);
	CHECK(watch_shutdown != NULL && watch_sysrq != NULL);
}

/* The tool stack writes a word and the watch fires. */
static void
ask(const char *word)
{
	(void)strlcpy(request, word, sizeof(request));
	watch_shutdown->xw_func(watch_shutdown, "control/shutdown", "1");
	CHECK(!in_tx && starts == ends);
}

static void
run_thread(void)
{
	CHECK_EQ(threads, 1);
	CHECK_PANIC(thread_fn(thread_arg));
}

TEST(features_are_announced)
{
	setup();
	CHECK_EQ(features, 5);		/* poweroff reboot halt suspend sysrq */
	xen_shutdown_announce();	/* a new domain's store */
	CHECK_EQ(features, 10);
	write_error = EACCES;		/* not ours to write: never mind */
	xen_shutdown_announce();
}

TEST(no_memory_for_watches)
{
	kmem_fail_after(0);
	CHECK_EQ(xen_shutdown_init(), ENOMEM);
}

TEST(suspend_is_passed_on)
{
	setup();
	ask("suspend");
	CHECK_EQ(suspends, 1);
	CHECK_EQ(acks, 1);
	CHECK_STR(request, "");
	CHECK_EQ(threads, 0);
	ask("suspend");
	CHECK_EQ(suspends, 2);
}

/* Nothing was asked, or nothing we know. */
TEST(other_words_are_left_alone)
{
	setup();
	ask("");
	CHECK_STR(said, "");
	ask("suspend ");
	CHECK(says("unknown request \"suspend \""));
	ask("Poweroff");
	ask("\x01\xff");
	ask("poweroffpoweroffpoweroffpoweroffpoweroffpoweroff");
	CHECK_EQ(acks, 0);
	CHECK_EQ(suspends + threads + synced, 0);
	CHECK_STR(request, "poweroffpoweroffpoweroffpoweroffpoweroffpoweroff");
	CHECK_EQ(starts, 5);
}

static void
whole_way(const char *word, const char *path, enum reboot_how how)
{
	setup();
	program_error = ENOENT;
	daemon_obeys = true;
	ask(word);
	CHECK_EQ(acks, 1);
	CHECK_STR(request, "");
	run_thread();
	CHECK_STR(program, path);
	CHECK(says("there is no /sbin/"));
	CHECK_EQ(terms, 1);
	CHECK_EQ(kills, 0);
	CHECK_EQ(synced, 1);
	CHECK_EQ(ended, how);
}

TEST(poweroff)
{
	whole_way("poweroff", "/sbin/poweroff", RB_POWEROFF);
}

TEST(reboot)
{
	whole_way("reboot", "/sbin/reboot", RB_RESTART);
}

TEST(halt)
{
	whole_way("halt", "/sbin/halt", RB_HALT);
}

TEST(crash)
{
	setup();
	CHECK_PANIC(ask("crash"));
	CHECK_EQ(acks, 1);
	CHECK_EQ(ended, -1);
}

TEST(who_ignores_term_is_killed)
{
	nsec_t start = nanouptime();

	setup();
	program_error = ENOENT;
	ask("poweroff");
	run_thread();
	CHECK_EQ(terms, 1);
	CHECK_EQ(conts, 1);		/* a stopped one must see it, too */
	CHECK_EQ(kills, 1);
	CHECK_EQ(synced, 1);
	CHECK_EQ(ended, RB_POWEROFF);
	CHECK(nanouptime() - start < 60 * NSEC_PER_SEC);
}

TEST(a_program_that_fails)
{
	setup();
	program_error = EIO;
	daemon_obeys = true;
	ask("reboot");
	run_thread();
	CHECK(says("/sbin/reboot has failed: error 5"));
	CHECK_EQ(ended, RB_RESTART);
}

TEST(an_init_that_listens_is_given_time)
{
	setup();
	init_acts.sa_act[SIGUSR2 - 1].sa_handler = 0x1000;
	init_ends = true;
	shim_sleep_hook = init_acts_hook;
	ask("poweroff");
	run_thread();
	CHECK_EQ(ended, RB_HALT);	/* by init, not by us */
	CHECK_EQ(terms + kills + synced, 0);
}

TEST(an_init_that_is_slow)
{
	setup();
	init_acts.sa_act[SIGUSR2 - 1].sa_handler = 0x1000;
	steps = 5;
	init_ends = true;
	shim_sleep_hook = init_acts_hook;
	ask("poweroff");
	run_thread();
	CHECK_EQ(ended, RB_HALT);
	CHECK_EQ(terms + kills + synced, 0);
}

TEST(an_init_that_never_comes_to_an_end)
{
	nsec_t start = nanouptime();

	setup();
	daemon_obeys = true;
	init_acts.sa_act[SIGUSR2 - 1].sa_handler = 0x1000;
	steps = 1000;
	shim_sleep_hook = init_acts_hook;
	ask("poweroff");
	run_thread();
	CHECK(nanouptime() - start >= 1800 * NSEC_PER_SEC);
	CHECK(steps > 0);
	CHECK_EQ(ended, RB_POWEROFF);
	CHECK_EQ(synced, 1);
}

TEST(an_init_that_does_not_act)
{
	nsec_t start = nanouptime();

	setup();
	daemon_obeys = true;
	init_acts.sa_act[SIGTERM - 1].sa_handler = 0x1000;
	ask("poweroff");
	run_thread();
	CHECK(nanouptime() - start >= 120 * NSEC_PER_SEC);
	CHECK(says("init does not act"));
	CHECK_EQ(ended, RB_POWEROFF);
}

TEST(an_init_that_cannot_act)
{
	nsec_t start = nanouptime();

	setup();
	daemon_obeys = true;
	init_acts.sa_act[SIGTERM - 1].sa_handler = SIG_IGN;
	ask("poweroff");
	run_thread();
	CHECK(nanouptime() - start < 60 * NSEC_PER_SEC);
	CHECK(says("init does not act"));
}

/* The second one waits for the first, but the domain can still be saved. */
TEST(requests_while_one_is_under_way)
{
	setup();
	ask("poweroff");
	CHECK_EQ(threads, 1);
	ask("reboot");
	CHECK_EQ(threads, 1);
	CHECK_EQ(acks, 1);
	CHECK_STR(request, "reboot");
	ask("suspend");
	CHECK_EQ(suspends, 1);
	CHECK_EQ(acks, 2);
}

TEST(no_memory_for_the_thread)
{
	setup();
	thread_error = ENOMEM;
	CHECK_PANIC(ask("reboot"));
	CHECK_EQ(ended, RB_RESTART);
}

/* ---- a store that fails ---- */

TEST(no_transaction)
{
	setup();
	start_error = EIO;
	ask("poweroff");
	CHECK_EQ(threads + acks, 0);
	start_error = 0;
	ask("poweroff");
	CHECK_EQ(threads, 1);
}

TEST(nothing_to_read)
{
	setup();
	read_error = ENOENT;
	ask("poweroff");
	CHECK_EQ(threads + acks, 0);
	CHECK_EQ(aborts, 1);
}

/* Not acknowledged: not done, or the tools would ask twice. */
TEST(no_acknowledgement)
{
	setup();
	write_error = EACCES;
	ask("poweroff");
	CHECK_EQ(threads + acks, 0);
	CHECK_EQ(aborts, 1);
	ask("suspend");
	CHECK_EQ(suspends, 0);
	CHECK_EQ(aborts, 2);
}

TEST(a_transaction_that_has_to_be_repeated)
{
	setup();
	eagain = 3;
	ask("suspend");
	CHECK_EQ(starts, 4);
	CHECK_EQ(acks, 1);
	CHECK_EQ(suspends, 1);
}

TEST(no_memory_for_the_word)
{
	size_t before;

	setup();
	before = kmem_outstanding();
	kmem_fail_after(0);
	ask("suspend");
	CHECK(kmem_failed());
	CHECK_EQ(suspends + acks, 0);
	CHECK_EQ(aborts, 1);
	kmem_fail_after(-1);
	ask("suspend");
	CHECK_EQ(suspends, 1);
	CHECK_EQ(kmem_outstanding(), before);
}

/* ---- sysrq ---- */

static void
press(const char *key)
{
	(void)strlcpy(sysrq_node, key, sizeof(sysrq_node));
	watch_sysrq->xw_func(watch_sysrq, "control/sysrq", "2");
}

TEST(sysrq_keys)
{
	setup();
	press("");
	CHECK_EQ(sysrq_acks, 0);
	press("h");
	press("st");			/* one key at a time */
	CHECK_EQ(sysrq_acks, 2);
	CHECK_STR(keys, "hs");
	read_error = ENOENT;
	press("c");
	CHECK_STR(keys, "hs");
}
