/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on extended attributes.
 *
 * Untrusted input: names and values are bounded by Linux's own limits before
 * anything is allocated for them.
 */
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

static int
xattr_name_in(const char *uname, char name[XATTR_NAME_MAX + 1])
{
	size_t len;
	int error;

	error = copyinstr(uname, name, XATTR_NAME_MAX + 1, &len);
	if (error == ENAMETOOLONG || (error == 0 && len == 1))
		return ERANGE;
	return error;
}

/* The file that a descriptor stands for. */
static int
xattr_fd(struct lwp *l, int fd, struct path *p)
{
	struct file *fp;
	int error;

	error = fd_get(l, fd, &fp);
	if (error != 0)
		return error;
	if (fp->f_path == NULL) {
		error = EOPNOTSUPP;
	} else {
		*p = *fp->f_path;
		path_get(p);
	}
	file_put(fp);
	return error;
}

/* Each of these puts the path. */
static int
set_on(struct lwp *l, struct path *p, const char *uname, const void *uvalue,
    size_t size, int flags)
{
	char name[XATTR_NAME_MAX + 1];
	void *value = NULL;
	int error;

	error = xattr_name_in(uname, name);
	if (error == 0 && ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0 ||
	    flags == (XATTR_CREATE | XATTR_REPLACE)))
		error = EINVAL;
	if (error == 0 && size > XATTR_SIZE_MAX)
		error = E2BIG;
	if (error == 0) {
		value = kmem_alloc(size + 1, KM_SLEEP);
		error = value == NULL ? ENOMEM : copyin(uvalue, value, size);
	}
	if (error == 0)
		error = do_setxattr(l, p, name, value, size, flags);
	if (value != NULL)
		kmem_free(value, size + 1);
	path_put(p);
	return error;
}

static int
get_on(struct lwp *l, struct path *p, const char *uname, void *uvalue,
    size_t size, register_t *retval)
{
	char name[XATTR_NAME_MAX + 1];
	void *value = NULL;
	size_t len;
	int error;

	size = MIN(size, XATTR_SIZE_MAX);
	error = xattr_name_in(uname, name);
	if (error == 0) {
		value = kmem_alloc(size + 1, KM_SLEEP);
		if (value == NULL)
			error = ENOMEM;
	}
	if (error == 0)
		error = do_getxattr(l, p, name, value, size, &len);
	if (error == 0) {
		*retval = (register_t)len;
		if (size != 0)
			error = copyout(value, uvalue, len);
	}
	if (value != NULL)
		kmem_free(value, size + 1);
	path_put(p);
	return error;
}

static int
list_on(struct lwp *l, struct path *p, char *ulist, size_t size,
    register_t *retval)
{
	char *list;
	size_t len;
	int error;

	size = MIN(size, XATTR_LIST_MAX);
	list = kmem_alloc(size + 1, KM_SLEEP);
	if (list == NULL) {
		path_put(p);
		return ENOMEM;
	}
	error = do_listxattr(l, p, list, size, &len);
	if (error == 0) {
		*retval = (register_t)len;
		if (size != 0)
			error = copyout(list, ulist, len);
	}
	kmem_free(list, size + 1);
	path_put(p);
	return error;
}

static int
remove_on(struct lwp *l, struct path *p, const char *uname)
{
	char name[XATTR_NAME_MAX + 1];
	int error;

	error = xattr_name_in(uname, name);
	if (error == 0)
		error = do_removexattr(l, p, name);
	path_put(p);
	return error;
}

int
linux_sys_setxattr(struct lwp *l, const struct linux_setxattr_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &p);
	return error != 0 ? error : set_on(l, &p, uap->name, uap->value,
	    uap->size, uap->flags);
}

int
linux_sys_lsetxattr(struct lwp *l, const struct linux_lsetxattr_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, 0, &p);
	return error != 0 ? error : set_on(l, &p, uap->name, uap->value,
	    uap->size, uap->flags);
}

int
linux_sys_fsetxattr(struct lwp *l, const struct linux_fsetxattr_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error;

	error = xattr_fd(l, uap->fd, &p);
	return error != 0 ? error : set_on(l, &p, uap->name, uap->value,
	    uap->size, uap->flags);
}

int
linux_sys_getxattr(struct lwp *l, const struct linux_getxattr_args *uap,
    register_t *retval)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &p);
	return error != 0 ? error : get_on(l, &p, uap->name, uap->value,
	    uap->size, retval);
}

int
linux_sys_lgetxattr(struct lwp *l, const struct linux_lgetxattr_args *uap,
    register_t *retval)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, 0, &p);
	return error != 0 ? error : get_on(l, &p, uap->name, uap->value,
	    uap->size, retval);
}

int
linux_sys_fgetxattr(struct lwp *l, const struct linux_fgetxattr_args *uap,
    register_t *retval)
{
	struct path p;
	int error;

	error = xattr_fd(l, uap->fd, &p);
	return error != 0 ? error : get_on(l, &p, uap->name, uap->value,
	    uap->size, retval);
}

int
linux_sys_listxattr(struct lwp *l, const struct linux_listxattr_args *uap,
    register_t *retval)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &p);
	return error != 0 ? error : list_on(l, &p, uap->list, uap->size,
	    retval);
}

int
linux_sys_llistxattr(struct lwp *l, const struct linux_llistxattr_args *uap,
    register_t *retval)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, 0, &p);
	return error != 0 ? error : list_on(l, &p, uap->list, uap->size,
	    retval);
}

int
linux_sys_flistxattr(struct lwp *l, const struct linux_flistxattr_args *uap,
    register_t *retval)
{
	struct path p;
	int error;

	error = xattr_fd(l, uap->fd, &p);
	return error != 0 ? error : list_on(l, &p, uap->list, uap->size,
	    retval);
}

int
linux_sys_removexattr(struct lwp *l, const struct linux_removexattr_args *uap,
    register_t *retval __unused)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, LOOKUP_FOLLOW, &p);
	return error != 0 ? error : remove_on(l, &p, uap->name);
}

int
linux_sys_lremovexattr(struct lwp *l,
    const struct linux_lremovexattr_args *uap, register_t *retval __unused)
{
	struct path p;
	int error;

	error = linux_path_in(l, AT_FDCWD, uap->path, 0, &p);
	return error != 0 ? error : remove_on(l, &p, uap->name);
}

int
linux_sys_fremovexattr(struct lwp *l,
    const struct linux_fremovexattr_args *uap, register_t *retval __unused)
{
	struct path p;
	int error;

	error = xattr_fd(l, uap->fd, &p);
	return error != 0 ? error : remove_on(l, &p, uap->name);
}
