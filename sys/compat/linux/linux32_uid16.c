/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The i386 calls with user and group ids of 16 bits.
 *
 * An id that does not fit reads as 65534; -1 (65535) given means what -1 means
 * in the call of today, which does the work.
 */
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	OVERFLOW_ID	65534

static inline uint32_t
id_in(register_t id)
{
	return (uint16_t)id == 0xffff ? (uint32_t)-1 : (uint16_t)id;
}

static inline uint16_t
id_out(uint32_t id)
{
	return id > 0xffff ? OVERFLOW_ID : (uint16_t)id;
}

/* -- asking -- */

#define	GET_ID(name, member)						\
int									\
linux32_sys_##name(struct lwp *l, const struct linux32_args *uap __unused, \
    register_t *retval)							\
{									\
	*retval = id_out(l->l_cred->member);				\
	return 0;							\
}

GET_ID(getuid, cr_ruid)
GET_ID(geteuid, cr_euid)
GET_ID(getgid, cr_rgid)
GET_ID(getegid, cr_egid)

static int
three_out(const struct linux32_args *uap, uint32_t r, uint32_t e, uint32_t s)
{
	const uint32_t ids[3] = { r, e, s };
	uint16_t id;
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < 3; i++) {
		id = id_out(ids[i]);
		error = copyout(&id, (void *)uap->a[i], sizeof(id));
	}
	return error;
}

int
linux32_sys_getresuid(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	const struct cred *cr = l->l_cred;

	return three_out(uap, cr->cr_ruid, cr->cr_euid, cr->cr_suid);
}

int
linux32_sys_getresgid(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	const struct cred *cr = l->l_cred;

	return three_out(uap, cr->cr_rgid, cr->cr_egid, cr->cr_sgid);
}

int
linux32_sys_getgroups(struct lwp *l, const struct linux32_args *uap,
    register_t *retval)
{
	const struct cred *cr = l->l_cred;
	uint16_t *to = (uint16_t *)uap->a[1], id;
	int size = (int)uap->a[0], error = 0;

	if (size < 0)
		return EINVAL;
	*retval = (register_t)cr->cr_ngroups;
	if (size == 0)
		return 0;
	if (cr->cr_ngroups > (unsigned int)size)
		return EINVAL;
	for (unsigned int i = 0; error == 0 && i < cr->cr_ngroups; i++) {
		id = id_out(cr->cr_groups[i]);
		error = copyout(&id, to + i, sizeof(id));
	}
	return error;
}

/* -- setting: one to three ids, in the order of the call of today -- */

#define	SET_ONE(name, member)						\
int									\
linux32_sys_##name(struct lwp *l, const struct linux32_args *uap,	\
    register_t *retval)							\
{									\
	struct linux_##name##_args args = { .member = id_in(uap->a[0]) }; \
									\
	return linux_sys_##name(l, &args, retval);			\
}
#define	SET_TWO(name, m0, m1)						\
int									\
linux32_sys_##name(struct lwp *l, const struct linux32_args *uap,	\
    register_t *retval)							\
{									\
	struct linux_##name##_args args = {				\
		.m0 = id_in(uap->a[0]), .m1 = id_in(uap->a[1])		\
	};								\
									\
	return linux_sys_##name(l, &args, retval);			\
}
#define	SET_THREE(name, m0, m1, m2)					\
int									\
linux32_sys_##name(struct lwp *l, const struct linux32_args *uap,	\
    register_t *retval)							\
{									\
	struct linux_##name##_args args = {				\
		.m0 = id_in(uap->a[0]), .m1 = id_in(uap->a[1]),		\
		.m2 = id_in(uap->a[2])					\
	};								\
									\
	return linux_sys_##name(l, &args, retval);			\
}
#define	SET_OWNER(name, member, value)					\
int									\
linux32_sys_##name(struct lwp *l, const struct linux32_args *uap,	\
    register_t *retval)							\
{									\
	struct linux_##name##_args args = {				\
		.member = value, .uid = id_in(uap->a[1]),		\
		.gid = id_in(uap->a[2])					\
	};								\
									\
	return linux_sys_##name(l, &args, retval);			\
}

SET_ONE(setuid, uid)
SET_ONE(setgid, gid)
SET_ONE(setfsuid, uid)
SET_ONE(setfsgid, gid)
SET_TWO(setreuid, ruid, euid)
SET_TWO(setregid, rgid, egid)
SET_THREE(setresuid, ruid, euid, suid)
SET_THREE(setresgid, rgid, egid, sgid)
SET_OWNER(chown, path, (const char *)uap->a[0])
SET_OWNER(lchown, path, (const char *)uap->a[0])
SET_OWNER(fchown, fd, (int)uap->a[0])

int
linux32_sys_setgroups(struct lwp *l, const struct linux32_args *uap,
    register_t *retval __unused)
{
	const uint16_t *from = (const uint16_t *)uap->a[1];
	unsigned int n = (unsigned int)uap->a[0];
	gid_t *groups = NULL;
	uint16_t id;
	int error = 0;

	if (cred_capable(l->l_cred, CAP_SETGID) != 0)
		return EPERM;
	if (n > NGROUPS_MAX)
		return EINVAL;
	if (n != 0 && (groups = kmem_alloc(n * sizeof(*groups),
	    KM_SLEEP)) == NULL)
		return ENOMEM;
	for (unsigned int i = 0; error == 0 && i < n; i++) {
		error = copyin(from + i, &id, sizeof(id));
		groups[i] = id_in(id);
	}
	if (error != 0) {
		kmem_free(groups, n * sizeof(*groups));
		return error;
	}
	return do_setgroups(l, groups, n);
}
