/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX: sockets that nobody can reach any more.
 *
 * Overview: a socket can be sent over a socket, and so be referred to by
 * nothing but messages, in the end by one that waits in its own queue.  Each
 * socket counts the references to its file that are in messages; if its file
 * has others, it is in use.  Whatever can be received from a socket in use,
 * directly or over several steps, is so, too.  The others' messages lose their
 * files, which closes them.
 *
 * A reference leaves the count before it leaves the queue, and enters it in
 * one step with the queue, so that a socket never looks unused when it is not.
 *
 * Files of messages that nobody has read are put by a thread of ours: closing
 * one may close others, to any depth.
 *
 * Locking: unix_mutex for counts and marks; so_lock inside it for queues.
 * drop_lock (spin) for the list of files to put.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/systm.h>
#include <net/unix.h>

struct dropped {
	TAILQ_ENTRY(dropped) d_link;
	struct sockctl	d_ctl;
};

static int total_inflight;			/* [a] [u] */
static struct spinlock drop_lock = SPINLOCK_INITIALIZER("unix_drop");
static TAILQ_HEAD(, dropped) drops = TAILQ_HEAD_INITIALIZER(drops);
static struct task drop_task;

/* The socket of our family behind a file, or NULL. */
static struct unixpcb *
file_unixpcb(struct file *fp)
{
	struct socket *so = file_socket(fp);

	return so != NULL && so->so_family == AF_UNIX ? unixpcb(so) : NULL;
}

/* Of each file that is one of our sockets there are n more in flight. [u] */
static void
count(struct unixmsg *m, int n)
{
	struct unixpcb *up;
	unsigned int i;

	for (i = 0; i < m->um_ctl.sc_nfiles; i++) {
		up = file_unixpcb(m->um_ctl.sc_files[i]);
		if (up == NULL)
			continue;
		up->up_file = m->um_ctl.sc_files[i];
		up->up_inflight += n;
		atomic_store_relaxed(&total_inflight, total_inflight + n);
	}
}

void
unix_gc_enter(struct unixmsg *m)
{
	m->um_inflight = true;
	count(m, 1);
}

void
unix_gc_leave(struct unixmsg *m)
{
	if (m->um_ctl.sc_nfiles == 0)
		return;
	mutex_enter(&unix_mutex);
	if (m->um_inflight)
		count(m, -1);
	m->um_inflight = false;
	mutex_exit(&unix_mutex);
}

/* ---- putting files ---- */

static void
drop_some(void *arg)
{
	struct dropped *d;

	(void)arg;
	for (;;) {
		spin_enter(&drop_lock);
		d = TAILQ_FIRST(&drops);
		if (d != NULL)
			TAILQ_REMOVE(&drops, d, d_link);
		spin_exit(&drop_lock);
		if (d == NULL)
			return;
		sockctl_fini(&d->d_ctl);
		kmem_free(d, sizeof(*d));
	}
}

void
unix_drop_files(struct sockctl *sc)
{
	struct dropped *d = NULL;
	bool ours = false;
	unsigned int i;

	for (i = 0; i < sc->sc_nfiles && !ours; i++)
		ours = file_unixpcb(sc->sc_files[i]) != NULL;
	if (ours)
		d = kmem_alloc(sizeof(*d), KM_SLEEP);
	if (d == NULL) {
		sockctl_fini(sc);
		return;
	}
	d->d_ctl = *sc;
	sc->sc_files = NULL;
	sc->sc_nfiles = 0;
	spin_enter(&drop_lock);
	TAILQ_INSERT_TAIL(&drops, d, d_link);
	spin_exit(&drop_lock);
	(void)task_add(systq, &drop_task);
}

/* ---- who is in use ---- */

/* Mark what can be received from it; true if there was something new. [u] */
static bool
mark_queue(struct unixpcb *from)
{
	struct unixpcb *up;
	struct unixmsg *m;
	unsigned int i;
	bool new = false;

	mutex_enter(&from->up_so->so_lock);
	TAILQ_FOREACH(m, &from->up_msgs, um_link) {
		if (!m->um_inflight)
			continue;
		for (i = 0; i < m->um_ctl.sc_nfiles; i++) {
			up = file_unixpcb(m->um_ctl.sc_files[i]);
			if (up != NULL && !up->up_marked)
				new = up->up_marked = true;
		}
	}
	mutex_exit(&from->up_so->so_lock);
	return new;
}

static void
mark(void)
{
	struct unixpcb *up;
	bool again = true;

	LIST_FOREACH(up, &unix_all, up_all)
		up->up_marked = up->up_inflight <= 0 ||
		    (int)atomic_load(&up->up_file->f_ref) > up->up_inflight;
	while (again) {
		again = false;
		LIST_FOREACH(up, &unix_all, up_all)
			if (up->up_marked && mark_queue(up))
				again = true;
	}
}

/* Take the messages of one that is not in use. [u] */
static void
sweep(struct unixpcb *up, struct unixmsgs *garbage)
{
	mutex_enter(&up->up_so->so_lock);
	TAILQ_CONCAT(garbage, &up->up_msgs, um_link);
	up->up_bytes = up->up_charged = up->up_count = 0;
	mutex_exit(&up->up_so->so_lock);
}

void
unix_gc(void)
{
	struct unixmsgs garbage = TAILQ_HEAD_INITIALIZER(garbage);
	struct unixpcb *up;
	struct unixmsg *m;

	if (atomic_load_relaxed(&total_inflight) == 0)
		return;
	mutex_enter(&unix_mutex);
	mark();
	LIST_FOREACH(up, &unix_all, up_all)
		if (!up->up_marked)
			sweep(up, &garbage);
	mutex_exit(&unix_mutex);
	while ((m = TAILQ_FIRST(&garbage)) != NULL) {
		TAILQ_REMOVE(&garbage, m, um_link);
		unixmsg_free(m);
	}
}

void
unix_gc_init(void)
{
	task_set(&drop_task, drop_some, NULL);
}
