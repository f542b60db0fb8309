/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's System V message queue calls.
 */
#include <sys/errno.h>
#include <sys/sysvmsg.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_ipc.h>
#include <compat/linux/linux_syscallargs.h>

#define	MSG_STAT	11
#define	MSG_INFO	12
#define	MSG_STAT_ANY	13

struct linux_msqid_ds {
	struct linux_ipc_perm perm;
	int64_t		stime, rtime, ctime;
	uint64_t	cbytes, qnum, qbytes;
	int32_t		lspid, lrpid;
	uint64_t	unused[2];
};
CTASSERT(sizeof(struct linux_msqid_ds) == 120);

struct linux32_msqid_ds {
	struct linux32_ipc_perm perm;
	uint32_t	stime, stime_high, rtime, rtime_high, ctime, ctime_high,
			cbytes, qnum, qbytes;
	int32_t		lspid, lrpid;
	uint32_t	unused[2];
};
CTASSERT(sizeof(struct linux32_msqid_ds) == 88);

struct linux_msginfo {
	int32_t		msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	uint16_t	msgseg, pad;
};
CTASSERT(sizeof(struct linux_msginfo) == 32);

int
linux_sys_msgget(struct lwp *l, const struct linux_msgget_args *uap,
    register_t *retval)
{
	int id = -1, error;

	error = do_msgget(l, uap->key, uap->flags, &id);
	*retval = id;
	return error;
}

/* The text comes behind the type, a long. */
static size_t
text_offset(void)
{
	return linux_is32() ? sizeof(int32_t) : sizeof(int64_t);
}

static int
type_in(const void *ubuf, long *type)
{
	unsigned long word;
	int error = linux_ptr_in(ubuf, 0, &word);

	if (error == 0)
		*type = linux_is32() ? (int32_t)word : (long)word;
	return error;
}

int
linux_sys_msgsnd(struct lwp *l, const struct linux_msgsnd_args *uap,
    register_t *retval __unused)
{
	struct sysvmsg *sm;
	long type = 0;
	int error;

	if ((error = type_in(uap->msg, &type)) != 0)
		return error;
	if (uap->size > atomic_load_relaxed(&msg_max) || uap->id < 0 ||
	    type < 1)
		return EINVAL;
	if ((sm = sysvmsg_alloc(uap->size)) == NULL)
		return ENOMEM;
	sm->sm_type = type;
	error = copyin((const char *)uap->msg + text_offset(), sm->sm_data,
	    sm->sm_len);
	if (error == 0)
		error = do_msgsnd(l, uap->id, sm, uap->flags);
	if (error != 0)
		sysvmsg_free(sm);
	return error;
}

int
linux_sys_msgrcv(struct lwp *l, const struct linux_msgrcv_args *uap,
    register_t *retval)
{
	long type = linux_is32() ? (int32_t)uap->type : uap->type;
	struct sysvmsg *sm;
	size_t len;
	int error;

	if (uap->size > (linux_is32() ? INT32_MAX : SIZE_MAX / 2) ||
	    uap->id < 0)
		return EINVAL;
	error = do_msgrcv(l, uap->id, uap->size, type, uap->flags, &sm);
	if (error != 0)
		return error;
	len = MIN(sm->sm_len, uap->size);
	if ((error = linux_long_out((uint64_t)sm->sm_type, uap->msg)) == 0)
		error = copyout(sm->sm_data, (char *)uap->msg + text_offset(),
		    len);
	sysvmsg_free(sm);
	*retval = (register_t)len;
	return error;
}

static void
ds32_from(struct linux32_msqid_ds *ds, const struct msg_info_k *mi)
{
	memset(ds, 0, sizeof(*ds));
	linux32_ipc_perm_from(&ds->perm, &mi->mi_perm);
	ds->stime = (uint32_t)mi->mi_stime;
	ds->stime_high = (uint32_t)(mi->mi_stime >> 32);
	ds->rtime = (uint32_t)mi->mi_rtime;
	ds->rtime_high = (uint32_t)(mi->mi_rtime >> 32);
	ds->ctime = (uint32_t)mi->mi_ctime;
	ds->ctime_high = (uint32_t)(mi->mi_ctime >> 32);
	ds->cbytes = (uint32_t)mi->mi_bytes;
	ds->qnum = (uint32_t)mi->mi_n;
	ds->qbytes = (uint32_t)mi->mi_maxbytes;
	ds->lspid = mi->mi_spid;
	ds->lrpid = mi->mi_rpid;
}

static int
stat_out(struct lwp *l, const struct linux_msgctl_args *uap,
    register_t *retval)
{
	bool by_index = uap->cmd != IPC_STAT;
	struct linux32_msqid_ds ds32;
	struct linux_msqid_ds ds;
	struct msg_info_k mi;
	int error;

	error = do_msg_stat(l, uap->id, by_index, uap->cmd == MSG_STAT_ANY,
	    &mi);
	if (error != 0)
		return error;
	if (by_index)
		*retval = mi.mi_perm.ip_id;
	if (linux_is32()) {
		ds32_from(&ds32, &mi);
		return copyout(&ds32, uap->buf, sizeof(ds32));
	}
	memset(&ds, 0, sizeof(ds));
	linux_ipc_perm_from(&ds.perm, &mi.mi_perm);
	ds.stime = mi.mi_stime;
	ds.rtime = mi.mi_rtime;
	ds.ctime = mi.mi_ctime;
	ds.cbytes = mi.mi_bytes;
	ds.qnum = mi.mi_n;
	ds.qbytes = mi.mi_maxbytes;
	ds.lspid = mi.mi_spid;
	ds.lrpid = mi.mi_rpid;
	return copyout(&ds, uap->buf, sizeof(ds));
}

static int
info_out(const struct linux_msgctl_args *uap, register_t *retval)
{
	int32_t bytes = (int32_t)msg_queue_bytes;
	struct linux_msginfo info = {
		.msgpool = (int32_t)(msg_nqueues *
		    ((uint64_t)msg_queue_bytes / 1024)),
		.msgmap = bytes, .msgmax = (int32_t)msg_max, .msgmnb = bytes,
		.msgmni = (int32_t)msg_nqueues, .msgssz = 16, .msgtql = bytes,
		.msgseg = 0xffff,
	};
	unsigned int nqueues, highest;
	uint64_t n, sum;

	msg_totals(&nqueues, &n, &sum, &highest);
	if (uap->cmd == MSG_INFO) {
		info.msgpool = (int32_t)nqueues;
		info.msgmap = (int32_t)MIN(n, (uint64_t)INT32_MAX);
		info.msgtql = (int32_t)MIN(sum, (uint64_t)INT32_MAX);
	}
	*retval = (register_t)highest;
	return copyout(&info, uap->buf, sizeof(info));
}

static int
set_in(struct lwp *l, const struct linux_msgctl_args *uap)
{
	struct linux32_msqid_ds ds32;
	struct linux_msqid_ds ds;
	uint64_t qbytes;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int error;

	if (linux_is32()) {
		error = copyin(uap->buf, &ds32, sizeof(ds32));
		qbytes = ds32.qbytes;
	} else {
		error = copyin(uap->buf, &ds, sizeof(ds));
		qbytes = ds.qbytes;
	}
	if (error == 0)
		error = linux_ipc_perm_in(uap->buf, &uid, &gid, &mode);
	return error != 0 ? error :
	    do_msg_set(l, uap->id, uid, gid, mode, qbytes);
}

int
linux_sys_msgctl(struct lwp *l, const struct linux_msgctl_args *uap,
    register_t *retval)
{
	switch (uap->cmd) {
	case IPC_RMID:
		return do_msg_remove(l, uap->id);
	case IPC_SET:
		return set_in(l, uap);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return stat_out(l, uap, retval);
	case IPC_INFO:
	case MSG_INFO:
		return info_out(uap, retval);
	default:
		return EINVAL;
	}
}
