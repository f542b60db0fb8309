/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of the tool stack: control/shutdown and control/sysrq.
 *
 * Overview: a watch reads the request in a transaction and acknowledges it by
 * writing "" - only if it is one that will be honoured.  Suspend goes to the
 * suspend thread (suspend.c), crash is a panic, and the others are orderly:
 *
 *	1. /sbin/poweroff, /sbin/reboot or /sbin/halt is run, as a Linux guest
 *	   does; init then takes the system down in its own time.
 *	2. Where there is no such program, where it fails, or where process 1
 *	   catches none of the signals by which such programs reach it, or when
 *	   nothing new was started for SHUTDOWN_WAIT: SIGTERM to all
 *	   processes, a while later SIGKILL, file systems are written and left
 *	   clean, the machine goes down.
 *
 * States: idle -> under way.  Requests that come while one is under way are
 * not acknowledged (a suspend request is: the domain is still there).
 *
 * Suspend: both watches are the store client's business.  The feature nodes
 * are written again in a new domain, whose store does not have them.
 *
 * Untrusted input: the request and the sysrq letter are compared with known
 * words; anything else is reported and left unacknowledged.
 */
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/sysrq.h>
#include <sys/time.h>
#include <sys/vnode.h>
#include <xen/suspend.h>
#include <xen/xenbus.h>

#define	SHUTDOWN_WAIT	(120 * NSEC_PER_SEC)	/* for init's next step */
#define	SHUTDOWN_MAX	(1800 * NSEC_PER_SEC)	/* for all of them */
#define	TERM_WAIT	(5 * NSEC_PER_SEC)	/* for processes after TERM */
#define	KILL_WAIT	(2 * NSEC_PER_SEC)

struct request {
	const char	*rq_word;
	const char	*rq_feature;	/* node that announces it */
	const char	*rq_program;
	enum reboot_how	rq_how;
};

static const struct request requests[] = {
	{ "poweroff", "feature-poweroff", "/sbin/poweroff", RB_POWEROFF },
	{ "reboot", "feature-reboot", "/sbin/reboot", RB_RESTART },
	{ "halt", "feature-halt", "/sbin/halt", RB_HALT },
	{ "suspend", "feature-suspend", NULL, RB_POWEROFF },
	{ "crash", NULL, NULL, RB_CRASH },
};

static struct xs_watch shutdown_watch, sysrq_watch;
static const struct request *shutdown_request;	/* xenwatch; then constant */

/* ---- orderly ---- */

/* Does process 1 catch any signal by which it could be asked to shut down? */
static bool
init_listens(void)
{
	static const sigset_t wanted = sigmask(SIGUSR1) | sigmask(SIGUSR2) |
	    sigmask(SIGTERM) | sigmask(SIGPWR) | sigmask(SIGINT) |
	    sigmask(SIGRTMIN + 3) | sigmask(SIGRTMIN + 4) |
	    sigmask(SIGRTMIN + 5);
	struct sigaction sa;
	bool listens = false;
	int signo;

	rw_enter(&proctree_lock, RW_READER);
	for (signo = 1; signo < NSIG && !listens && initproc != NULL; signo++) {
		if ((wanted & sigmask(signo)) == 0)
			continue;
		spin_enter(&initproc->p_sigacts->sa_lock);
		sa = initproc->p_sigacts->sa_act[signo - 1];
		spin_exit(&initproc->p_sigacts->sa_lock);
		listens = sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN;
	}
	rw_exit(&proctree_lock);
	return listens;
}

/* Signal every user process but init; how many there were. */
static unsigned int
signal_all(int signo)
{
	struct proc *p;
	unsigned int n = 0;

	rw_enter(&proctree_lock, RW_READER);
	LIST_FOREACH(p, &allproc, p_all) {
		if ((p->p_flags & P_SYSTEM) != 0 || p == initproc ||
		    p->p_state != PS_ACTIVE)
			continue;
		n++;
		if (signo != 0)
			psignal(p, signo);
	}
	rw_exit(&proctree_lock);
	return n;
}

/* Wait until all have gone, or for the span. */
static void
wait_gone(nsec_t span)
{
	nsec_t end = nanouptime() + span;

	while (signal_all(0) > 0 && nanouptime() < end)
		(void)kpause("shutdown", false,
		    nanouptime() + 50 * NSEC_PER_MSEC);
}

static void
take_down(enum reboot_how how)
{
	if (signal_all(SIGTERM) > 0) {
		(void)signal_all(SIGCONT);
		wait_gone(TERM_WAIT);
	}
	if (signal_all(SIGKILL) > 0)
		wait_gone(KILL_WAIT);
	vfs_shutdown();
	cpu_reboot(how);
}

/* Run the program and wait for it; 0 if it was there and succeeded. */
static int
run_program(const char *path)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	char *envp[] = {
		(char *)(uintptr_t)"HOME=/",
		(char *)(uintptr_t)"PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL
	};

	return proc_run_helper(path, argv, envp,
	    nanouptime() + SHUTDOWN_WAIT);
}

/* Its scripts are processes: as long as there are new ones, it is at work. */
static void
await_init(void)
{
	nsec_t end = nanouptime() + SHUTDOWN_MAX;
	unsigned int forks;

	do {
		forks = nforks;
		(void)kpause("shutdown", false, nanouptime() + SHUTDOWN_WAIT);
	} while (forks != nforks && nanouptime() < end);
}

static void
shutdown_thread(void *arg)
{
	const struct request *rq = arg;
	int error;

	printf("shutdown: %s requested\n", rq->rq_word);
	error = run_program(rq->rq_program);
	if (error == 0 && init_listens())
		await_init();
	/* Still here: nobody does it, so it is done. */
	if (error == ENOENT)
		printf("shutdown: there is no %s, stopping\n",
		    rq->rq_program);
	else if (error != 0)
		printf("shutdown: %s has failed: error %d, stopping\n",
		    rq->rq_program, error);
	else
		printf("shutdown: init does not act, stopping\n");
	take_down(rq->rq_how);
	kthread_exit();
}

/* ---- control/shutdown ---- */

static const struct request *
request_find(const char *word)
{
	unsigned int i;

	for (i = 0; i < __arraycount(requests); i++)
		if (strcmp(requests[i].rq_word, word) == 0)
			return &requests[i];
	return NULL;
}

static bool
honoured(const struct request *rq)
{
	return rq != NULL && (shutdown_request == NULL ||
	    strcmp(rq->rq_word, "suspend") == 0);
}

/* Read the request and acknowledge it in one transaction. */
static int
take_request(const struct request **rqp)
{
	const struct request *rq;
	xs_transaction_t tx;
	char *word;
	int error;

	do {
		error = xs_transaction_start(&tx);
		if (error != 0)
			return error;
		rq = NULL;
		error = xs_read(tx, "control", "shutdown", &word);
		if (error == 0) {
			rq = request_find(word);
			if (rq == NULL && word[0] != '\0')
				printf("shutdown: unknown request \"%.32s\"\n",
				    word);
			kmem_strfree(word);
			if (honoured(rq))
				error = xs_write(tx, "control", "shutdown",
				    "");
		}
		if (error != 0) {
			(void)xs_transaction_end(tx, true);
			return error;
		}
		error = xs_transaction_end(tx, false);
	} while (error == EAGAIN);
	*rqp = honoured(rq) ? rq : NULL;
	return error;
}

static void
shutdown_changed(struct xs_watch *xw __unused, const char *path __unused,
    const char *token __unused)
{
	const struct request *rq = NULL;

	if (take_request(&rq) != 0 || rq == NULL)
		return;
	if (strcmp(rq->rq_word, "suspend") == 0) {
		xen_suspend_request();
		return;
	}
	if (rq->rq_how == RB_CRASH)
		panic("crash requested by the tool stack");
	shutdown_request = rq;
	if (kthread_create("shutdown", NULL, shutdown_thread,
	    (void *)(uintptr_t)rq, NULL) != 0)
		cpu_reboot(rq->rq_how);		/* not even memory for that */
}

/* ---- control/sysrq ---- */

static void
sysrq_changed(struct xs_watch *xw __unused, const char *path __unused,
    const char *token __unused)
{
	char *val, key;

	if (xs_read(XST_NIL, "control", "sysrq", &val) != 0)
		return;
	key = val[0];
	kmem_strfree(val);
	if (key == '\0')
		return;
	/* Acknowledge first: the key may end us. */
	(void)xs_write(XST_NIL, "control", "sysrq", "");
	sysrq(key);
}

/* ---- start ---- */

void
xen_shutdown_announce(void)
{
	unsigned int i;

	/* The tools may not have made the nodes writable: never mind. */
	for (i = 0; i < __arraycount(requests); i++)
		if (requests[i].rq_feature != NULL)
			(void)xs_write(XST_NIL, "control",
			    requests[i].rq_feature, "1");
	(void)xs_write(XST_NIL, "control", "feature-sysrq", "1");
}

static int
watch(struct xs_watch *xw, const char *node,
    void (*func)(struct xs_watch *, const char *, const char *))
{
	xw->xw_node = kmem_strdup(node, KM_SLEEP);
	if (xw->xw_node == NULL)
		return ENOMEM;
	xw->xw_func = func;
	return xs_watch(xw);
}

int
xen_shutdown_init(void)
{
	int error;

	error = watch(&shutdown_watch, "control/shutdown", shutdown_changed);
	if (error == 0)
		error = watch(&sysrq_watch, "control/sysrq", sysrq_changed);
	xen_shutdown_announce();
	return error;
}
