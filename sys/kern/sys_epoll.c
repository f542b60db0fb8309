/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll(7).
 *
 * Overview: a set has an item for each (file, descriptor).  The item's poll
 * entry stays hooked into the file; when that is woken, the item goes to the
 * ready list.  A waiter takes items off it, asks each file once more, and puts
 * level-triggered ones back at the end.
 *
 * An item has no reference to its file: the file's last file_put() takes it
 * out of all sets.  f_epoll, once set, is the list of its items.
 *
 * Locking: link_mutex (one for all) guards the lists of files and the question
 * who contains whom; ep_lock (sleeping) a set's items, and keeps their files
 * from being freed; ep_rlock (spin) the ready list, which pollwakeup() comes
 * to in any context.  Order: link_mutex, ep_lock of the outer set, of the
 * inner set, pollhead, ep_rlock, pollhead of the set.
 */
#include <sys/condvar.h>
#include <sys/dev.h>
#include <sys/epoll.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/tree.h>
#include <sys/vnode.h>

#define	EP_NEST		4		/* sets in sets in sets ... */
#define	EP_ALWAYS	(POLLERR | POLLHUP)
#define	EP_FLAGS	(EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)

struct epitem {
	RB_ENTRY(epitem) ei_node;	/* [e] ep_lock */
	TAILQ_ENTRY(epitem) ei_ready;	/* [r] ep_rlock */
	LIST_ENTRY(epitem) ei_oflink;	/* link_mutex: of its file */
	struct epoll	*ei_ep;		/* [I] */
	struct file	*ei_file;	/* [I] not referenced */
	int		ei_fd;		/* [I] */
	bool		ei_queued;	/* [r] on the ready list */
	uint32_t	ei_events;	/* [e] wanted; 0: ONESHOT went off */
	uint32_t	ei_flags;	/* [e] EPOLLET, EPOLLONESHOT */
	uint64_t	ei_data;	/* [e] */
	struct pollentry ei_entry;
};
RB_HEAD(epitems, epitem);
LIST_HEAD(epfile, epitem);		/* what f_epoll points to */

struct epoll {
	refcount_t	ep_ref;		/* [a] the file's, and visitors' */
	struct mutex	ep_lock;
	struct epitems	ep_items;	/* [e] */
	unsigned int	ep_nitems;	/* [e], [a] to read */
	bool		ep_dead;	/* [e] the set's file is closed */
	struct spinlock	ep_rlock;
	TAILQ_HEAD(, epitem) ep_ready;	/* [r] */
	struct condvar	ep_cv;		/* waits with ep_rlock */
	struct pollhead	ep_poll;
};

static struct mutex link_mutex;
static const struct fileops epoll_fileops;

static int
item_cmp(struct epitem *a, struct epitem *b)
{
	if (a->ei_file != b->ei_file)
		return (uintptr_t)a->ei_file < (uintptr_t)b->ei_file ? -1 : 1;
	return a->ei_fd < b->ei_fd ? -1 : a->ei_fd > b->ei_fd;
}

RB_GENERATE_STATIC(epitems, epitem, ei_node, item_cmp)

void
epoll_init(void)
{
	mutex_init(&link_mutex, "epoll_link");
}

static void
epoll_put(struct epoll *ep)
{
	if (!refcount_put(&ep->ep_ref))
		return;
	pollhead_destroy(&ep->ep_poll);
	cv_destroy(&ep->ep_cv);
	mutex_destroy(&ep->ep_lock);
	kmem_free(ep, sizeof(*ep));
}

/* Any context. */
static void
make_ready(struct epitem *ei)
{
	struct epoll *ep = ei->ei_ep;

	spin_enter(&ep->ep_rlock);
	if (!ei->ei_queued) {
		ei->ei_queued = true;
		TAILQ_INSERT_TAIL(&ep->ep_ready, ei, ei_ready);
	}
	cv_signal(&ep->ep_cv);
	spin_exit(&ep->ep_rlock);
	pollwakeup(&ep->ep_poll, POLLIN | POLLRDNORM);
}

static void
item_event(struct pollentry *pe, unsigned int events)
{
	struct epitem *ei = container_of(pe, struct epitem, ei_entry);
	uint32_t want = atomic_load_relaxed(&ei->ei_events);

	if (want != 0 && (events == 0 || (events & (want | EP_ALWAYS)) != 0))
		make_ready(ei);
}

/* What is ready of what the item wants. [e] */
static uint32_t
item_poll(struct epitem *ei, struct pollentry *pe)
{
	uint32_t want = ei->ei_events;

	if (want == 0 && pe == NULL)
		return 0;
	want |= EP_ALWAYS;
	return ei->ei_file->f_ops->fo_poll(ei->ei_file, want, pe) & want;
}

/* Take it out of the set: unhook, off all lists. [e] and link_mutex held. */
static void
item_remove(struct epoll *ep, struct epitem *ei)
{
	poll_unrecord(&ei->ei_entry);
	spin_enter(&ep->ep_rlock);
	if (ei->ei_queued)
		TAILQ_REMOVE(&ep->ep_ready, ei, ei_ready);
	spin_exit(&ep->ep_rlock);
	RB_REMOVE(epitems, &ep->ep_items, ei);
	atomic_store(&ep->ep_nitems, ep->ep_nitems - 1);
	LIST_REMOVE(ei, ei_oflink);
	kmem_free(ei, sizeof(*ei));
}

/* The last reference to a file went, and it is or was in sets. */
void
epoll_file_closed(struct file *fp)
{
	struct epfile *list = fp->f_epoll;
	struct epitem *ei;
	struct epoll *ep;

	mutex_enter(&link_mutex);
	while ((ei = LIST_FIRST(list)) != NULL) {
		ep = ei->ei_ep;
		mutex_enter(&ep->ep_lock);
		item_remove(ep, ei);
		mutex_exit(&ep->ep_lock);
	}
	mutex_exit(&link_mutex);
	fp->f_epoll = NULL;
	kmem_free(list, sizeof(*list));
}

/* -- the file of a set -- */

static void
epoll_close(struct file *fp)
{
	struct epoll *ep = fp->f_data;
	struct epitem *ei;

	mutex_enter(&link_mutex);
	mutex_enter(&ep->ep_lock);
	ep->ep_dead = true;
	while ((ei = RB_ROOT(&ep->ep_items)) != NULL)
		item_remove(ep, ei);
	mutex_exit(&ep->ep_lock);
	mutex_exit(&link_mutex);
	epoll_put(ep);
}

/* Is anything on the ready list really ready?  What is not, goes. [e] */
static bool
any_ready(struct epoll *ep)
{
	struct epitem *ei;

	for (;;) {
		spin_enter(&ep->ep_rlock);
		ei = TAILQ_FIRST(&ep->ep_ready);
		if (ei != NULL) {
			TAILQ_REMOVE(&ep->ep_ready, ei, ei_ready);
			ei->ei_queued = false;
		}
		spin_exit(&ep->ep_rlock);
		if (ei == NULL)
			return false;
		if (item_poll(ei, NULL) != 0) {
			spin_enter(&ep->ep_rlock);
			if (!ei->ei_queued) {
				ei->ei_queued = true;
				TAILQ_INSERT_HEAD(&ep->ep_ready, ei, ei_ready);
			}
			spin_exit(&ep->ep_rlock);
			return true;
		}
	}
}

static unsigned int
epoll_poll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct epoll *ep = fp->f_data;
	bool ready;

	(void)events;
	poll_record(&ep->ep_poll, pe);
	mutex_enter(&ep->ep_lock);
	ready = any_ready(ep);
	mutex_exit(&ep->ep_lock);
	return ready ? POLLIN | POLLRDNORM : 0;
}

static const struct fileops epoll_fileops = {
	.fo_name = "anon_inode:[eventpoll]",
	.fo_poll = epoll_poll,
	.fo_stat = file_stat_anon,
	.fo_close = epoll_close,
};

int
do_epoll_create(struct lwp *l, int flags, int *fd)
{
	struct epoll *ep;
	struct file *fp;
	int error;

	if ((flags & ~O_CLOEXEC) != 0)
		return EINVAL;
	ep = kmem_zalloc(sizeof(*ep), KM_SLEEP);
	if (ep == NULL)
		return ENOMEM;
	ep->ep_ref = 1;
	mutex_init(&ep->ep_lock, "epoll");
	spin_init(&ep->ep_rlock, "epoll_ready");
	cv_init(&ep->ep_cv, "epoll");
	pollhead_init(&ep->ep_poll);
	/* Woken with another file's head held: a class of its own. */
	spin_init(&ep->ep_poll.ph_lock, "epoll_head");
	RB_INIT(&ep->ep_items);
	TAILQ_INIT(&ep->ep_ready);
	error = file_alloc(&epoll_fileops, ep, O_RDWR, &fp);
	if (error != 0) {
		epoll_put(ep);
		return error;
	}
	error = fd_reserve(l, 0, fd);
	if (error != 0) {
		file_put(fp);
		return error;
	}
	fd_install(l, *fd, fp, (flags & O_CLOEXEC) != 0);
	return 0;
}

/* -- changing a set -- */

/* Files that are always ready are not for epoll: EPERM. */
static bool
can_poll(struct file *fp)
{
	struct vnode *vp = file_vnode(fp);

	if (fp->f_ops->fo_poll == NULL)
		return false;
	if (fp->f_devops != NULL && fp->f_devops->d_poll == NULL)
		return false;
	return vp == NULL || vp->v_ops->vop_poll != NULL ||
	    (!S_ISREG(vp->v_mode) && !S_ISDIR(vp->v_mode));
}

/*
 * Does the set contain `outer`, at any depth up to the limit?  Too deep
 * counts as yes.  link_mutex held: nothing is added meanwhile.
 */
static bool
contains(struct epoll *ep, const struct epoll *outer, unsigned int depth)
{
	struct epitem *ei;
	bool found = false;

	if (ep == outer || depth > EP_NEST)
		return true;
	mutex_enter(&ep->ep_lock);
	RB_FOREACH(ei, epitems, &ep->ep_items)
		if (ei->ei_file->f_ops == &epoll_fileops &&
		    contains(ei->ei_file->f_data, outer, depth + 1)) {
			found = true;
			break;
		}
	mutex_exit(&ep->ep_lock);
	return found;
}

static void
item_set(struct epitem *ei, const struct epoll_event_k *ev)
{
	ei->ei_flags = ev->events & EP_FLAGS;
	ei->ei_data = ev->data;
	atomic_store(&ei->ei_events, (ev->events & ~EP_FLAGS) | EP_ALWAYS);
}

/* The list of the file's items is made when the first comes. */
static int
need_list(struct file *fp)
{
	struct epfile *list;

	if (fp->f_epoll != NULL)
		return 0;
	list = kmem_zalloc(sizeof(*list), KM_SLEEP);
	if (list == NULL)
		return ENOMEM;
	LIST_INIT(list);
	atomic_store_release(&fp->f_epoll, list);
	return 0;
}

/* [e] and link_mutex held. */
static int
item_add(struct epoll *ep, struct file *fp, int fd,
    const struct epoll_event_k *ev)
{
	struct epitem *ei;

	ei = kmem_zalloc(sizeof(*ei), KM_SLEEP);
	if (ei == NULL)
		return ENOMEM;
	ei->ei_ep = ep;
	ei->ei_file = fp;
	ei->ei_fd = fd;
	ei->ei_entry.pe_func = item_event;
	item_set(ei, ev);
	RB_INSERT(epitems, &ep->ep_items, ei);
	atomic_store(&ep->ep_nitems, ep->ep_nitems + 1);
	LIST_INSERT_HEAD((struct epfile *)fp->f_epoll, ei, ei_oflink);
	if (item_poll(ei, &ei->ei_entry) != 0)
		make_ready(ei);
	return 0;
}

static int
ctl_locked(struct epoll *ep, int op, struct file *fp, int fd,
    const struct epoll_event_k *ev)
{
	struct epitem key, *ei;

	key.ei_file = fp;
	key.ei_fd = fd;
	ei = RB_FIND(epitems, &ep->ep_items, &key);
	switch (op) {
	case EPOLL_CTL_ADD:
		return ei != NULL ? EEXIST : item_add(ep, fp, fd, ev);
	case EPOLL_CTL_DEL:
		if (ei == NULL)
			return ENOENT;
		item_remove(ep, ei);
		return 0;
	default:
		if (ei == NULL)
			return ENOENT;
		if ((ei->ei_flags & EPOLLEXCLUSIVE) != 0)
			return EINVAL;
		item_set(ei, ev);
		if (item_poll(ei, NULL) != 0)
			make_ready(ei);
		return 0;
	}
}

static int
ctl_check(struct file *epfp, struct file *fp, int op,
    const struct epoll_event_k *ev)
{
	const uint32_t exclusive = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLET |
	    POLLIN | POLLOUT | POLLERR | POLLHUP;

	if (!can_poll(fp))
		return EPERM;
	if (epfp->f_ops != &epoll_fileops || fp == epfp)
		return EINVAL;
	if (op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
		return EINVAL;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE) != 0 &&
	    (op == EPOLL_CTL_MOD || fp->f_ops == &epoll_fileops ||
	    (ev->events & ~exclusive) != 0))
		return EINVAL;
	return 0;
}

int
do_epoll_ctl(struct lwp *l, int epfd, int op, int fd,
    const struct epoll_event_k *ev)
{
	struct file *epfp, *fp;
	struct epoll *ep;
	int error;

	error = fd_get(l, epfd, &epfp);
	if (error != 0)
		return error;
	error = fd_get(l, fd, &fp);
	if (error != 0)
		goto out;
	error = ctl_check(epfp, fp, op, ev);
	if (error != 0)
		goto out_fp;
	ep = epfp->f_data;
	mutex_enter(&link_mutex);
	if (op == EPOLL_CTL_ADD) {
		if (fp->f_ops == &epoll_fileops && contains(fp->f_data, ep, 0))
			error = ELOOP;
		else
			error = need_list(fp);
	}
	if (error == 0) {
		mutex_enter(&ep->ep_lock);
		error = ctl_locked(ep, op, fp, fd, ev);
		mutex_exit(&ep->ep_lock);
	}
	mutex_exit(&link_mutex);
out_fp:
	file_put(fp);
out:
	file_put(epfp);
	return error;
}

/* -- waiting -- */

/* Collect up to max events. */
static unsigned int
collect(struct epoll *ep, struct epoll_event_k *ev, unsigned int max)
{
	TAILQ_HEAD(, epitem) again = TAILQ_HEAD_INITIALIZER(again);
	struct epitem *ei;
	unsigned int n = 0;
	uint32_t events;

	mutex_enter(&ep->ep_lock);
	while (n < max) {
		spin_enter(&ep->ep_rlock);
		ei = TAILQ_FIRST(&ep->ep_ready);
		if (ei != NULL) {
			TAILQ_REMOVE(&ep->ep_ready, ei, ei_ready);
			ei->ei_queued = false;
		}
		spin_exit(&ep->ep_rlock);
		if (ei == NULL)
			break;
		events = item_poll(ei, NULL);
		if (events == 0)
			continue;
		ev[n].events = events;
		ev[n++].data = ei->ei_data;
		if ((ei->ei_flags & EPOLLONESHOT) != 0) {
			atomic_store(&ei->ei_events, 0);
		} else if ((ei->ei_flags & EPOLLET) == 0) {
			/* Level-triggered: to be asked again next time. */
			spin_enter(&ep->ep_rlock);
			if (!ei->ei_queued) {
				ei->ei_queued = true;
				TAILQ_INSERT_TAIL(&again, ei, ei_ready);
			}
			spin_exit(&ep->ep_rlock);
		}
	}
	spin_enter(&ep->ep_rlock);
	TAILQ_CONCAT(&ep->ep_ready, &again, ei_ready);
	if (n > 0 && !TAILQ_EMPTY(&ep->ep_ready))
		cv_signal(&ep->ep_cv);	/* there is work for another */
	spin_exit(&ep->ep_rlock);
	mutex_exit(&ep->ep_lock);
	return n;
}

unsigned int
epoll_nitems(struct lwp *l, int epfd)
{
	unsigned int n = 0;
	struct epoll *ep;
	struct file *fp;

	if (fd_get(l, epfd, &fp) != 0)
		return 0;
	if (fp->f_ops == &epoll_fileops) {
		ep = fp->f_data;
		n = atomic_load(&ep->ep_nitems);
	}
	file_put(fp);
	return n;
}

int
do_epoll_wait(struct lwp *l, int epfd, struct epoll_event_k *ev,
    unsigned int max, nsec_t deadline, unsigned int *n)
{
	struct file *fp;
	struct epoll *ep;
	int error;

	error = fd_get(l, epfd, &fp);
	if (error != 0)
		return error;
	if (fp->f_ops != &epoll_fileops) {
		file_put(fp);
		return EINVAL;
	}
	ep = fp->f_data;
	for (;;) {
		*n = collect(ep, ev, max);
		if (*n > 0 || deadline < 0 || error != 0)
			break;
		spin_enter(&ep->ep_rlock);
		while (TAILQ_EMPTY(&ep->ep_ready) && error == 0)
			error = cv_timedwait_spin_sig(&ep->ep_cv,
			    &ep->ep_rlock, deadline);
		spin_exit(&ep->ep_rlock);
	}
	file_put(fp);
	if (*n > 0 || error == ETIMEDOUT)
		return 0;
	return error == ERESTARTSYS ? ERESTARTNOHAND : error;
}
