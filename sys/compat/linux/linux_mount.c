/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls on mounts.
 *
 * Untrusted input: strings, bounded by a page each.
 */
#include <sys/swap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>
#include <compat/linux/linux_vfs.h>

/* A string of up to a page, or NULL for NULL. */
static int
string_in(const char *ustr, char **str)
{
	size_t len;
	char *buf;
	int error;

	*str = NULL;
	if (ustr == NULL)
		return 0;
	buf = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	error = copyinstr(ustr, buf, PAGE_SIZE, &len);
	if (error == 0) {
		*str = kmem_strdup(buf, KM_SLEEP);
		if (*str == NULL)
			error = ENOMEM;
	}
	kmem_free(buf, PAGE_SIZE);
	return error == ENAMETOOLONG ? EINVAL : error;
}

static void
string_done(char *str)
{
	if (str != NULL)
		kmem_strfree(str);
}

int
linux_sys_mount(struct lwp *l, const struct linux_mount_args *uap,
    register_t *retval __unused)
{
	char *source = NULL, *fstype = NULL, *data = NULL, *target;
	int error;

	error = copyin_path(uap->target, &target);
	if (error != 0)
		return error;
	error = string_in(uap->fstype, &fstype);
	if (error == 0)
		error = string_in(uap->source, &source);
	/* Without a file system of its own there is no data to look at. */
	if (error == 0 && (uap->flags & (MS_BIND | MS_MOVE)) == 0)
		error = string_in(uap->data, &data);
	if (error == 0)
		error = do_mount(l, source, target, fstype, uap->flags, data);
	string_done(data);
	string_done(source);
	string_done(fstype);
	kmem_strfree(target);
	return error;
}

int
linux_sys_umount2(struct lwp *l, const struct linux_umount2_args *uap,
    register_t *retval __unused)
{
	char *target;
	int error;

	error = copyin_path(uap->target, &target);
	if (error != 0)
		return error;
	error = do_umount(l, target, uap->flags);
	kmem_strfree(target);
	return error;
}

int
linux_sys_swapon(struct lwp *l, const struct linux_swapon_args *uap,
    register_t *retval __unused)
{
	char *name;
	int error;

	error = copyin_path(uap->path, &name);
	if (error != 0)
		return error;
	error = do_swapon(l, name, uap->flags);
	kmem_strfree(name);
	return error;
}

int
linux_sys_swapoff(struct lwp *l, const struct linux_swapoff_args *uap,
    register_t *retval __unused)
{
	char *name;
	int error;

	error = copyin_path(uap->path, &name);
	if (error != 0)
		return error;
	error = do_swapoff(l, name);
	kmem_strfree(name);
	return error;
}

int
linux_sys_pivot_root(struct lwp *l, const struct linux_pivot_root_args *uap,
    register_t *retval __unused)
{
	char *newroot, *putold;
	int error;

	error = copyin_path(uap->newroot, &newroot);
	if (error != 0)
		return error;
	error = copyin_path(uap->putold, &putold);
	if (error == 0) {
		error = do_pivot_root(l, newroot, putold);
		kmem_strfree(putold);
	}
	kmem_strfree(newroot);
	return error;
}
