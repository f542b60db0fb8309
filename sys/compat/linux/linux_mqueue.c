/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's POSIX message queue calls.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mqueue.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

#define	SIGEV_SIGNAL	0
#define	SIGEV_NONE	1

struct linux_mq_attr {
	int64_t		mq_flags, mq_maxmsg, mq_msgsize, mq_curmsgs;
	int64_t		mq_reserved[4];
};
CTASSERT(sizeof(struct linux_mq_attr) == 64);

/* Without the leading slash, which the C library takes off. */
static int
name_in(const char *uname, char *name)
{
	size_t len;

	return copyinstr(uname, name, MQ_NAME_MAX + 1, &len);
}

int
linux_sys_mq_open(struct lwp *l, const struct linux_mq_open_args *uap,
    register_t *retval)
{
	char name[MQ_NAME_MAX + 1];
	struct mq_attr_k attr;
	struct linux_mq_attr la;
	int fd = -1, error;

	if (uap->attr != NULL) {
		if ((error = copyin(uap->attr, &la, sizeof(la))) != 0)
			return error;
		attr.mq_maxmsg = la.mq_maxmsg;
		attr.mq_msgsize = la.mq_msgsize;
	}
	if ((error = name_in(uap->name, name)) != 0)
		return error;
	error = do_mq_open(l, name, uap->flags, uap->mode,
	    uap->attr != NULL ? &attr : NULL, &fd);
	*retval = fd;
	return error;
}

int
linux_sys_mq_unlink(struct lwp *l, const struct linux_mq_unlink_args *uap,
    register_t *retval __unused)
{
	char name[MQ_NAME_MAX + 1];
	int error = name_in(uap->name, name);

	return error != 0 ? error : do_mq_unlink(l, name);
}

/* A time of CLOCK_REALTIME, or none. */
static int
deadline_in(const void *utimeout, nsec_t *deadline)
{
	nsec_t when;
	int error;

	*deadline = 0;
	if (utimeout == NULL)
		return 0;
	if ((error = linux_timespec_in(utimeout, &when)) != 0)
		return error;
	return linux_clock_deadline(CLOCK_REALTIME, when, deadline);
}

int
linux_sys_mq_timedsend(struct lwp *l,
    const struct linux_mq_timedsend_args *uap, register_t *retval __unused)
{
	struct mq_attr_k attr;
	struct file *fp;
	nsec_t deadline;
	size_t size = MAX(uap->len, (size_t)1);
	char *msg;
	int error;

	if (uap->prio >= MQ_PRIO_MAX)
		return EINVAL;
	if ((error = deadline_in(uap->timeout, &deadline)) != 0 ||
	    (error = fd_get(l, uap->fd, &fp)) != 0)
		return error;
	if ((error = mq_get_attr(fp, &attr)) == 0 && !FWRITE(fp))
		error = EBADF;
	if (error == 0 && uap->len > (size_t)attr.mq_msgsize)
		error = EMSGSIZE;
	if (error == 0 && (msg = kmem_alloc(size, KM_SLEEP)) == NULL)
		error = ENOMEM;
	if (error == 0) {
		error = copyin(uap->msg, msg, uap->len);
		if (error == 0)
			error = do_mq_send(fp, msg, uap->len, uap->prio,
			    deadline);
		if (error != 0)
			kmem_free(msg, size);
	}
	file_put(fp);
	return error;
}

int
linux_sys_mq_timedreceive(struct lwp *l,
    const struct linux_mq_timedreceive_args *uap, register_t *retval)
{
	unsigned int prio = 0;
	nsec_t deadline;
	struct file *fp;
	size_t len;
	char *msg;
	int error;

	if ((error = deadline_in(uap->timeout, &deadline)) != 0 ||
	    (error = fd_get(l, uap->fd, &fp)) != 0)
		return error;
	error = do_mq_receive(fp, uap->len, deadline, &msg, &len, &prio);
	file_put(fp);
	if (error != 0)
		return error;
	*retval = (register_t)len;
	error = copyout(msg, uap->msg, len);
	kmem_free(msg, MAX(len, (size_t)1));
	if (error == 0 && uap->prio != NULL)
		error = ustore_32(uap->prio, prio);
	return error;
}

int
linux_sys_mq_notify(struct lwp *l, const struct linux_mq_notify_args *uap,
    register_t *retval __unused)
{
	ksiginfo_t ksi = { .ksi_code = SI_MESGQ };
	struct linux_sigevent ev;
	struct file *fp;
	int error;

	if (uap->event != NULL) {
		if ((error = linux_sigevent_in(uap->event, &ev)) != 0)
			return error;
		if (ev.sigev_notify == SIGEV_SIGNAL) {
			/* 0: a place held, and nobody told. */
			if (ev.sigev_signo < 0 || ev.sigev_signo > NSIG)
				return EINVAL;
			ksi.ksi_signo = ev.sigev_signo;
		} else if (ev.sigev_notify != SIGEV_NONE)
			return EINVAL;
		ksi.ksi_value = ev.sigev_value;
	}
	if ((error = fd_get(l, uap->fd, &fp)) != 0)
		return error;
	error = do_mq_notify(l, fp, uap->event != NULL ? &ksi : NULL);
	file_put(fp);
	return error;
}

int
linux_sys_mq_getsetattr(struct lwp *l,
    const struct linux_mq_getsetattr_args *uap, register_t *retval __unused)
{
	struct linux_mq_attr new, old;
	struct mq_attr_k attr;
	struct file *fp;
	int error;

	if (uap->attr != NULL) {
		if ((error = copyin(uap->attr, &new, sizeof(new))) != 0)
			return error;
		if ((new.mq_flags & ~(int64_t)O_NONBLOCK) != 0)
			return EINVAL;
	}
	if ((error = fd_get(l, uap->fd, &fp)) != 0)
		return error;
	error = mq_get_attr(fp, &attr);
	if (error == 0 && uap->attr != NULL)
		error = do_fcntl_setfl(l, fp, (fp->f_flags & ~O_NONBLOCK) |
		    ((unsigned int)new.mq_flags & O_NONBLOCK));
	file_put(fp);
	if (error != 0 || uap->oattr == NULL)
		return error;
	memset(&old, 0, sizeof(old));
	old.mq_flags = attr.mq_nonblock ? O_NONBLOCK : 0;
	old.mq_maxmsg = attr.mq_maxmsg;
	old.mq_msgsize = attr.mq_msgsize;
	old.mq_curmsgs = attr.mq_curmsgs;
	return copyout(&old, uap->oattr, sizeof(old));
}
