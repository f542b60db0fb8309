/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for many files at once: poll heads, and the body of poll(2).
 *
 * Overview: a poller hooks an entry into the head of every object, then asks
 * for the state; whoever changes a state calls pollwakeup() afterwards.  So
 * either the poller sees the new state, or its entry is there to be called.
 *
 * Locking: ph_lock (spin, [l]) guards a head's list; entry functions run with
 * it held.  do_poll()'s own lock comes after it.  An entry belongs to its
 * thread; pe_head is read without a lock only by that thread.
 */
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/systm.h>

void
pollhead_init(struct pollhead *ph)
{
	spin_init(&ph->ph_lock, "pollhead");
	TAILQ_INIT(&ph->ph_entries);
}

void
pollhead_destroy(struct pollhead *ph)
{
	struct pollentry *pe;

	spin_enter(&ph->ph_lock);
	while ((pe = TAILQ_FIRST(&ph->ph_entries)) != NULL) {
		TAILQ_REMOVE(&ph->ph_entries, pe, pe_link);
		pe->pe_head = NULL;
		pe->pe_func(pe, POLLHUP);
	}
	spin_exit(&ph->ph_lock);
}

/* Any context. */
void
pollwakeup(struct pollhead *ph, unsigned int events)
{
	struct pollentry *pe, *next;

	/*
	 * Nobody there: the common case, without the lock.  The barriers here
	 * and in poll_record() order "state, then list" against "list, then
	 * state".
	 */
	membar_full();
	if (atomic_load_relaxed(&TAILQ_FIRST(&ph->ph_entries)) == NULL)
		return;
	spin_enter(&ph->ph_lock);
	TAILQ_FOREACH_SAFE(pe, &ph->ph_entries, pe_link, next)
		pe->pe_func(pe, events);
	spin_exit(&ph->ph_lock);
}

void
poll_record(struct pollhead *ph, struct pollentry *pe)
{
	if (pe == NULL)
		return;
	KASSERT(pe->pe_head == NULL);
	spin_enter(&ph->ph_lock);
	TAILQ_INSERT_TAIL(&ph->ph_entries, pe, pe_link);
	pe->pe_head = ph;
	spin_exit(&ph->ph_lock);
	membar_full();
}

void
poll_unrecord(struct pollentry *pe)
{
	struct pollhead *ph = pe->pe_head;

	if (ph == NULL)
		return;
	spin_enter(&ph->ph_lock);
	if (pe->pe_head != NULL) {
		TAILQ_REMOVE(&ph->ph_entries, pe, pe_link);
		pe->pe_head = NULL;
	}
	spin_exit(&ph->ph_lock);
}

/* -- poll(2) -- */

struct pollwait {			/* one thread in do_poll() */
	struct spinlock	pw_lock;
	struct condvar	pw_cv;
	bool		pw_awake;	/* [l] */
};

struct pollslot {			/* one descriptor of it */
	struct pollentry ps_entry;
	struct pollwait	*ps_wait;
	struct file	*ps_file;	/* referenced while hooked in */
	unsigned int	ps_want;
};

#define	POLL_STACK	6		/* so many without an allocation */

/* Head's lock held, any context. */
static void
poll_event(struct pollentry *pe, unsigned int events)
{
	struct pollslot *ps = container_of(pe, struct pollslot, ps_entry);
	struct pollwait *pw = ps->ps_wait;

	if (events != 0 && (events & ps->ps_want) == 0)
		return;
	spin_enter(&pw->pw_lock);
	pw->pw_awake = true;
	cv_signal(&pw->pw_cv);
	spin_exit(&pw->pw_lock);
}

static unsigned int
file_poll(struct file *fp, unsigned int want, struct pollentry *pe)
{
	if (fp->f_ops->fo_poll == NULL)
		return want & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	return fp->f_ops->fo_poll(fp, want, pe) & want;
}

/*
 * First pass: look at all, hooking in until one is ready.  Returns how many
 * are.
 */
static int
poll_start(struct lwp *l, struct pollfd_k *fds, struct pollslot *slots,
    unsigned int n, struct pollwait *pw)
{
	struct pollslot *ps;
	unsigned int i;
	int ready = 0;

	for (i = 0; i < n; i++) {
		ps = &slots[i];
		memset(ps, 0, sizeof(*ps));
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		if (fd_get(l, fds[i].fd, &ps->ps_file) != 0) {
			fds[i].revents = POLLNVAL;
			ready++;
			continue;
		}
		ps->ps_want = (unsigned short)fds[i].events;
		ps->ps_want |= POLLERR | POLLHUP;
		ps->ps_wait = pw;
		ps->ps_entry.pe_func = poll_event;
		fds[i].revents = (short)file_poll(ps->ps_file, ps->ps_want,
		    pw != NULL && ready == 0 ? &ps->ps_entry : NULL);
		if (fds[i].revents != 0)
			ready++;
	}
	return ready;
}

/* Later passes: the entries are in place. */
static int
poll_again(struct pollfd_k *fds, struct pollslot *slots, unsigned int n)
{
	unsigned int i;
	int ready = 0;

	for (i = 0; i < n; i++) {
		if (slots[i].ps_file == NULL)
			continue;
		fds[i].revents = (short)file_poll(slots[i].ps_file,
		    slots[i].ps_want, NULL);
		if (fds[i].revents != 0)
			ready++;
	}
	return ready;
}

static int
poll_sleep(struct pollwait *pw, nsec_t deadline)
{
	int error = 0;

	spin_enter(&pw->pw_lock);
	while (!pw->pw_awake && error == 0)
		error = cv_timedwait_spin_sig(&pw->pw_cv, &pw->pw_lock,
		    deadline);
	pw->pw_awake = false;
	spin_exit(&pw->pw_lock);
	return error;
}

/*
 * Thread context.  0 with *nready (0: the deadline passed), ERESTARTNOHAND
 * for a signal, ENOMEM.
 */
int
do_poll(struct lwp *l, struct pollfd_k *fds, unsigned int n, nsec_t deadline,
    int *nready)
{
	struct pollslot few[POLL_STACK], *slots = few;
	struct pollwait pw;
	unsigned int i;
	int error = 0;

	if (n > POLL_STACK) {
		slots = kmem_alloc(n * sizeof(*slots), KM_SLEEP);
		if (slots == NULL)
			return ENOMEM;
	}
	spin_init(&pw.pw_lock, "pollwait");
	cv_init(&pw.pw_cv, "poll");
	pw.pw_awake = false;
	*nready = poll_start(l, fds, slots, n, deadline < 0 ? NULL : &pw);
	while (*nready == 0 && deadline >= 0 && error == 0) {
		error = poll_sleep(&pw, deadline);
		/* What became ready meanwhile counts more than the error. */
		*nready = poll_again(fds, slots, n);
	}
	for (i = 0; i < n; i++) {
		if (slots[i].ps_file == NULL)
			continue;
		poll_unrecord(&slots[i].ps_entry);
		file_put(slots[i].ps_file);
	}
	cv_destroy(&pw.pw_cv);
	if (slots != few)
		kmem_free(slots, n * sizeof(*slots));
	if (*nready > 0 || error == ETIMEDOUT)
		return 0;
	return error == ERESTARTSYS ? ERESTARTNOHAND : error;
}
