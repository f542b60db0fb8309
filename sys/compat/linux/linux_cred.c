/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on user and group ids and capabilities.
 */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	CAP_VERSION_1	0x19980330U
#define	CAP_VERSION_2	0x20071026U
#define	CAP_VERSION_3	0x20080522U

struct linux_cap_header {
	uint32_t	version;
	int32_t		pid;
};
struct linux_cap_data {
	uint32_t	effective, permitted, inheritable;
};

/* -- user ids -- */

int
linux_sys_getuid(struct lwp *l, const struct linux_getuid_args *uap __unused,
    register_t *retval)
{
	*retval = l->l_cred->cr_ruid;
	return 0;
}

int
linux_sys_geteuid(struct lwp *l,
    const struct linux_geteuid_args *uap __unused, register_t *retval)
{
	*retval = l->l_cred->cr_euid;
	return 0;
}

int
linux_sys_getgid(struct lwp *l, const struct linux_getgid_args *uap __unused,
    register_t *retval)
{
	*retval = l->l_cred->cr_rgid;
	return 0;
}

int
linux_sys_getegid(struct lwp *l,
    const struct linux_getegid_args *uap __unused, register_t *retval)
{
	*retval = l->l_cred->cr_egid;
	return 0;
}

int
linux_sys_getresuid(struct lwp *l, const struct linux_getresuid_args *uap,
    register_t *retval __unused)
{
	const struct cred *cr = l->l_cred;
	int error;

	if ((error = copyout(&cr->cr_ruid, uap->ruid, sizeof(uid_t))) != 0 ||
	    (error = copyout(&cr->cr_euid, uap->euid, sizeof(uid_t))) != 0)
		return error;
	return copyout(&cr->cr_suid, uap->suid, sizeof(uid_t));
}

int
linux_sys_getresgid(struct lwp *l, const struct linux_getresgid_args *uap,
    register_t *retval __unused)
{
	const struct cred *cr = l->l_cred;
	int error;

	if ((error = copyout(&cr->cr_rgid, uap->rgid, sizeof(gid_t))) != 0 ||
	    (error = copyout(&cr->cr_egid, uap->egid, sizeof(gid_t))) != 0)
		return error;
	return copyout(&cr->cr_sgid, uap->sgid, sizeof(gid_t));
}

int
linux_sys_setuid(struct lwp *l, const struct linux_setuid_args *uap,
    register_t *retval __unused)
{
	return do_setuid(l, uap->uid);
}

int
linux_sys_setreuid(struct lwp *l, const struct linux_setreuid_args *uap,
    register_t *retval __unused)
{
	return do_setreuid(l, uap->ruid, uap->euid);
}

int
linux_sys_setresuid(struct lwp *l, const struct linux_setresuid_args *uap,
    register_t *retval __unused)
{
	return do_setresuid(l, uap->ruid, uap->euid, uap->suid);
}

int
linux_sys_setfsuid(struct lwp *l, const struct linux_setfsuid_args *uap,
    register_t *retval)
{
	uid_t old;
	int error = do_setfsuid(l, uap->uid, &old);

	*retval = old;
	return error;
}

int
linux_sys_setgid(struct lwp *l, const struct linux_setgid_args *uap,
    register_t *retval __unused)
{
	return do_setgid(l, uap->gid);
}

int
linux_sys_setregid(struct lwp *l, const struct linux_setregid_args *uap,
    register_t *retval __unused)
{
	return do_setregid(l, uap->rgid, uap->egid);
}

int
linux_sys_setresgid(struct lwp *l, const struct linux_setresgid_args *uap,
    register_t *retval __unused)
{
	return do_setresgid(l, uap->rgid, uap->egid, uap->sgid);
}

int
linux_sys_setfsgid(struct lwp *l, const struct linux_setfsgid_args *uap,
    register_t *retval)
{
	gid_t old;
	int error = do_setfsgid(l, uap->gid, &old);

	*retval = old;
	return error;
}

int
linux_sys_getgroups(struct lwp *l, const struct linux_getgroups_args *uap,
    register_t *retval)
{
	const struct cred *cr = l->l_cred;

	if (uap->size < 0)
		return EINVAL;
	*retval = (register_t)cr->cr_ngroups;
	if (uap->size == 0)
		return 0;
	if (cr->cr_ngroups > (unsigned int)uap->size)
		return EINVAL;
	return copyout(cr->cr_groups, uap->list,
	    cr->cr_ngroups * sizeof(gid_t));
}

int
linux_sys_setgroups(struct lwp *l, const struct linux_setgroups_args *uap,
    register_t *retval __unused)
{
	gid_t *groups = NULL;
	unsigned int n = (unsigned int)uap->size;
	int error;

	if (cred_capable(l->l_cred, CAP_SETGID) != 0)
		return EPERM;
	if (n > NGROUPS_MAX)
		return EINVAL;
	if (n != 0) {
		groups = kmem_alloc(n * sizeof(*groups), KM_SLEEP);
		if (groups == NULL)
			return ENOMEM;
		error = copyin(uap->list, groups, n * sizeof(*groups));
		if (error != 0) {
			kmem_free(groups, n * sizeof(*groups));
			return error;
		}
	}
	return do_setgroups(l, groups, n);
}

/* -- capabilities -- */

/* The header: which version, and so how many words of data. */
static int
cap_header_in(void *uhdr, struct linux_cap_header *hdr, unsigned int *words)
{
	int error = copyin(uhdr, hdr, sizeof(*hdr));

	if (error != 0)
		return error;
	switch (hdr->version) {
	case CAP_VERSION_1:
		*words = 1;
		return 0;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		*words = 2;
		return 0;
	default:
		/* The program asks which version to use. */
		hdr->version = CAP_VERSION_3;
		error = copyout(hdr, uhdr, sizeof(hdr->version));
		return error != 0 ? error : EINVAL;
	}
}

int
linux_sys_capget(struct lwp *l, const struct linux_capget_args *uap,
    register_t *retval __unused)
{
	struct linux_cap_header hdr;
	struct linux_cap_data data[2];
	struct cred *cr = NULL;
	struct proc *p;
	struct lwp *l2;
	unsigned int words;
	int error;

	error = cap_header_in(uap->hdr, &hdr, &words);
	if (error != 0)
		return uap->data == NULL && error == EINVAL ? 0 : error;
	if (hdr.pid < 0)
		return EINVAL;
	rw_enter(&proctree_lock, RW_READER);
	l2 = hdr.pid == 0 ? l : lwp_find(hdr.pid);
	if (l2 != NULL)
		cr = lwp_cred_ref(l2);
	else if ((p = proc_find(hdr.pid)) != NULL)
		cr = proc_cred_ref(p);	/* its first thread has ended */
	rw_exit(&proctree_lock);
	if (cr == NULL)
		return ESRCH;
	for (unsigned int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(cr->cr_cap_effective >> 32 * i);
		data[i].permitted = (uint32_t)(cr->cr_cap_permitted >> 32 * i);
		data[i].inheritable =
		    (uint32_t)(cr->cr_cap_inheritable >> 32 * i);
	}
	cred_put(cr);
	return uap->data == NULL ? 0 :
	    copyout(data, uap->data, words * sizeof(data[0]));
}

int
linux_sys_capset(struct lwp *l, const struct linux_capset_args *uap,
    register_t *retval __unused)
{
	struct linux_cap_header hdr;
	struct linux_cap_data data[2];
	unsigned int words;
	int error;

	if ((error = cap_header_in(uap->hdr, &hdr, &words)) != 0)
		return error;
	if (hdr.pid != 0 && hdr.pid != l->l_tid)
		return EPERM;
	memset(data, 0, sizeof(data));
	error = copyin(uap->data, data, words * sizeof(data[0]));
	if (error != 0)
		return error;
	return do_capset(l,
	    data[0].effective | (uint64_t)data[1].effective << 32,
	    data[0].permitted | (uint64_t)data[1].permitted << 32,
	    data[0].inheritable | (uint64_t)data[1].inheritable << 32);
}
