/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd(2): a timer as a file that can be read when it has expired.
 *
 * Overview: tf_when is the next expiry as its clock shows it.  The callout
 * fires once and notes it; how often a periodic timer has expired meanwhile
 * is reckoned when the file is read, which also arms it again: nobody pays
 * for expiries that nobody reads.  When a clock jumps (it was set, or the
 * domain was saved) the timers that follow it are armed anew.
 *
 * Locking: tf_lock (spin, [l]) for a timer; list_lock (spin) for the list of
 * all, taken first.
 */
#include <sys/atomic.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/time.h>

#define	TFD_TIMER_ABSTIME	1
#define	TFD_TIMER_CANCEL_ON_SET	2

struct timerfd {
	LIST_ENTRY(timerfd) tf_link;	/* list_lock */
	struct spinlock	tf_lock;
	struct condvar	tf_cv;
	struct pollhead	tf_poll;
	struct callout	tf_callout;
	int		tf_clock;	/* [I] */
	int		tf_base;	/* [l] the clock of tf_when */
	nsec_t		tf_when;	/* [l] 0: off */
	nsec_t		tf_interval;	/* [l] 0: once */
	uint64_t	tf_ticks;	/* [l] expiries not yet read */
	bool		tf_expired;	/* [l] not armed since it expired */
	bool		tf_cancel;	/* [l] TFD_TIMER_CANCEL_ON_SET */
	bool		tf_cancelled;	/* [l] the clock was set */
};

static struct spinlock list_lock = SPINLOCK_INITIALIZER("timerfd_list");
static LIST_HEAD(, timerfd) timerfds = LIST_HEAD_INITIALIZER(timerfds);

static nsec_t
clock_now(int base)
{
	switch (base) {
	case CLOCK_REALTIME:
		return nanotime();
	case CLOCK_BOOTTIME:
		return nanoboottime();
	default:
		return nanouptime();
	}
}

/* [l] */
static void
arm(struct timerfd *tf)
{
	nsec_t left = tf->tf_when - clock_now(tf->tf_base);
	nsec_t now = nanouptime();

	callout_schedule(&tf->tf_callout, nsec_after(now, MAX(left, 0)));
}

static void
timerfd_fire(void *arg)
{
	struct timerfd *tf = arg;

	spin_enter(&tf->tf_lock);
	/* It may have been set to another time just before we came. */
	if (tf->tf_when != 0 && !tf->tf_expired) {
		if (tf->tf_when > clock_now(tf->tf_base)) {
			arm(tf);
		} else {
			tf->tf_expired = true;
			tf->tf_ticks++;
			cv_broadcast(&tf->tf_cv);
			pollwakeup(&tf->tf_poll, POLLIN | POLLRDNORM);
		}
	}
	spin_exit(&tf->tf_lock);
}

/*
 * A periodic timer has expired: count what came since, and go on.  A timer
 * that expires once is off then.  [l]
 */
static void
go_on(struct timerfd *tf)
{
	nsec_t late;

	if (!tf->tf_expired)
		return;
	tf->tf_expired = false;
	if (tf->tf_interval == 0) {
		tf->tf_when = 0;
		return;
	}
	late = MAX(clock_now(tf->tf_base) - tf->tf_when, 0) / tf->tf_interval;
	tf->tf_ticks += (uint64_t)late;
	tf->tf_when += (late + 1) * tf->tf_interval;
	arm(tf);
}

/* Time to the next expiry; 0: off. [l] */
static nsec_t
left_of(struct timerfd *tf)
{
	if (tf->tf_expired && tf->tf_interval != 0)
		go_on(tf);
	if (tf->tf_when == 0 || tf->tf_expired)
		return 0;
	return MAX(tf->tf_when - clock_now(tf->tf_base), 1);
}

/* CLOCK_REALTIME or CLOCK_BOOTTIME has jumped.  Any context that may spin. */
void
timerfd_clock_changed(void)
{
	struct timerfd *tf;

	spin_enter(&list_lock);
	LIST_FOREACH(tf, &timerfds, tf_link) {
		spin_enter(&tf->tf_lock);
		if (tf->tf_cancel) {
			tf->tf_cancelled = true;
			cv_broadcast(&tf->tf_cv);
			pollwakeup(&tf->tf_poll, POLLIN | POLLRDNORM);
		}
		if (tf->tf_when != 0 && !tf->tf_expired &&
		    tf->tf_base != CLOCK_MONOTONIC)
			arm(tf);
		spin_exit(&tf->tf_lock);
	}
	spin_exit(&list_lock);
}

static int
timerfd_read(struct file *fp, struct uio *uio)
{
	struct timerfd *tf = fp->f_data;
	uint64_t ticks = 0;
	int error = 0;

	if (uio->uio_resid < sizeof(ticks))
		return EINVAL;
	spin_enter(&tf->tf_lock);
	while (tf->tf_ticks == 0 && !tf->tf_cancelled && error == 0) {
		if ((uio->uio_flags & IO_NONBLOCK) != 0)
			error = EAGAIN;
		else
			error = cv_wait_spin_sig(&tf->tf_cv, &tf->tf_lock);
	}
	if (error == 0 && tf->tf_cancelled) {
		tf->tf_cancelled = false;
		tf->tf_ticks = 0;
		error = ECANCELED;
		go_on(tf);
	} else if (error == 0) {
		go_on(tf);
		ticks = tf->tf_ticks;
		tf->tf_ticks = 0;
	}
	spin_exit(&tf->tf_lock);
	return error != 0 ? error : uiomove(&ticks, sizeof(ticks), uio);
}

static unsigned int
timerfd_fpoll(struct file *fp, unsigned int events, struct pollentry *pe)
{
	struct timerfd *tf = fp->f_data;
	unsigned int r;

	(void)events;
	poll_record(&tf->tf_poll, pe);
	spin_enter(&tf->tf_lock);
	r = tf->tf_ticks != 0 || tf->tf_cancelled ? POLLIN | POLLRDNORM : 0;
	spin_exit(&tf->tf_lock);
	return r;
}

static void
timerfd_close(struct file *fp)
{
	struct timerfd *tf = fp->f_data;

	spin_enter(&list_lock);
	LIST_REMOVE(tf, tf_link);
	spin_exit(&list_lock);
	/* Nobody arms it any more, but it may be firing. */
	spin_enter(&tf->tf_lock);
	tf->tf_when = 0;
	spin_exit(&tf->tf_lock);
	(void)callout_halt(&tf->tf_callout);
	pollhead_destroy(&tf->tf_poll);
	cv_destroy(&tf->tf_cv);
	kmem_free(tf, sizeof(*tf));
}

static const struct fileops timerfd_fileops = {
	.fo_name = "anon_inode:[timerfd]",
	.fo_read = timerfd_read,
	.fo_poll = timerfd_fpoll,
	.fo_stat = file_stat_anon,
	.fo_close = timerfd_close,
};

int
do_timerfd_create(struct lwp *l, int clock, int flags, int *fd)
{
	struct timerfd *tf;
	struct file *fp;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0 ||
	    (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME))
		return EINVAL;
	error = fd_reserve(l, 0, fd);
	if (error != 0)
		return error;
	tf = kmem_zalloc(sizeof(*tf), KM_SLEEP);
	error = tf == NULL ? ENOMEM : file_alloc(&timerfd_fileops, tf,
	    O_RDWR | ((unsigned int)flags & O_NONBLOCK), &fp);
	if (error != 0) {
		if (tf != NULL)
			kmem_free(tf, sizeof(*tf));
		fd_abandon(l, *fd);
		return error;
	}
	spin_init(&tf->tf_lock, "timerfd");
	cv_init(&tf->tf_cv, "timerfd");
	pollhead_init(&tf->tf_poll);
	callout_init(&tf->tf_callout, timerfd_fire, tf);
	tf->tf_clock = tf->tf_base = clock;
	spin_enter(&list_lock);
	LIST_INSERT_HEAD(&timerfds, tf, tf_link);
	spin_exit(&list_lock);
	fd_install(l, *fd, fp, (flags & O_CLOEXEC) != 0);
	return 0;
}

/* The file behind the descriptor if it is a timer.  EBADF, EINVAL. */
static int
timerfd_get(struct lwp *l, int fd, struct file **fpp)
{
	int error;

	error = fd_get(l, fd, fpp);
	if (error == 0 && (*fpp)->f_ops != &timerfd_fileops) {
		file_put(*fpp);
		error = EINVAL;
	}
	return error;
}

/* [l] */
static void
set_locked(struct timerfd *tf, int flags, nsec_t value, nsec_t interval)
{
	bool absolute = (flags & TFD_TIMER_ABSTIME) != 0;

	(void)callout_stop(&tf->tf_callout);
	tf->tf_ticks = 0;
	tf->tf_expired = tf->tf_cancelled = false;
	tf->tf_cancel = absolute && tf->tf_clock == CLOCK_REALTIME &&
	    (flags & TFD_TIMER_CANCEL_ON_SET) != 0;
	tf->tf_interval = interval;
	/* Spans do not depend on what the wall clock shows. */
	tf->tf_base = !absolute && tf->tf_clock == CLOCK_REALTIME ?
	    CLOCK_MONOTONIC : tf->tf_clock;
	tf->tf_when = value;
	if (value == 0)
		return;
	if (!absolute)
		tf->tf_when = nsec_after(clock_now(tf->tf_base), value);
	arm(tf);
}

int
do_timerfd_settime(struct lwp *l, int fd, int flags, nsec_t value,
    nsec_t interval, nsec_t *oldvalue, nsec_t *oldinterval)
{
	struct timerfd *tf;
	struct file *fp;
	int error;

	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0)
		return EINVAL;
	error = timerfd_get(l, fd, &fp);
	if (error != 0)
		return error;
	tf = fp->f_data;
	spin_enter(&tf->tf_lock);
	*oldvalue = left_of(tf);
	*oldinterval = tf->tf_interval;
	set_locked(tf, flags, value, interval);
	spin_exit(&tf->tf_lock);
	file_put(fp);
	return 0;
}

int
do_timerfd_gettime(struct lwp *l, int fd, nsec_t *value, nsec_t *interval)
{
	struct timerfd *tf;
	struct file *fp;
	int error;

	error = timerfd_get(l, fd, &fp);
	if (error != 0)
		return error;
	tf = fp->f_data;
	spin_enter(&tf->tf_lock);
	*value = left_of(tf);
	*interval = tf->tf_interval;
	spin_exit(&tf->tf_lock);
	file_put(fp);
	return 0;
}
