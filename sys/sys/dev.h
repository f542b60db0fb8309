/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device nodes: a driver registers (name, number, operations); devfs shows
 * them under /dev and any file system's device files reach them by number.
 */
#ifndef _SYS_DEV_H_
#define	_SYS_DEV_H_

#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

struct file;
struct uvm_object;

struct devops {
	int	(*d_open)(dev_t, struct file *);	/* may be NULL */
	void	(*d_close)(dev_t, struct file *);
	int	(*d_read)(dev_t, struct file *, struct uio *);
	int	(*d_write)(dev_t, struct file *, struct uio *);
	int	(*d_ioctl)(dev_t, struct file *, unsigned long, uintptr_t,
		    register_t *);
	unsigned int (*d_poll)(dev_t, struct file *, unsigned int,
		    struct pollentry *);
	int	(*d_mmap)(dev_t, struct file *, off_t, size_t, vm_prot_t *,
		    struct uvm_object **);
};

/* Thread context.  mode: S_IFCHR or S_IFBLK with permissions. EEXIST, ENOMEM */
int	dev_register(const char *name, mode_t mode, dev_t,
	    const struct devops *, void *priv);
void	dev_unregister(dev_t, mode_t type);
const struct devops *dev_lookup(dev_t, mode_t type, void **priv);

#endif /* !_SYS_DEV_H_ */
