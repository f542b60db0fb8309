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
	/* The driver; NULL: the device's name without its number. */
	const char *d_name;
	/* May be NULL.  f_flags has O_EXCL here, if the caller gave it. */
	int	(*d_open)(dev_t, struct file *);
	void	(*d_close)(dev_t, struct file *);
	int	(*d_read)(dev_t, struct file *, struct uio *);
	int	(*d_write)(dev_t, struct file *, struct uio *);
	int	(*d_ioctl)(dev_t, struct file *, unsigned long, uintptr_t,
		    register_t *);
	unsigned int (*d_poll)(dev_t, struct file *, unsigned int,
		    struct pollentry *);
	int	(*d_mmap)(dev_t, struct file *, off_t, size_t, vm_prot_t *,
		    struct uvm_object **);
	/* A block device: what was written is durable; its size in bytes. */
	int	(*d_sync)(dev_t, struct file *, bool dataonly);
	uint64_t (*d_size)(dev_t, struct file *);
	unsigned int d_flags;
};
#define	D_STREAM	0x1	/* no offsets: lseek and pread give ESPIPE */
#define	D_SEEK		0x2	/* lseek works; else the offset stays 0 */

/* Thread context.  mode: S_IFCHR or S_IFBLK with permissions. EEXIST, ENOMEM */
int	dev_register(const char *name, mode_t mode, dev_t,
	    const struct devops *, void *priv);
/* n numbers from dev on, without names: nodes are somebody else's. */
int	dev_register_range(mode_t type, dev_t, unsigned int n,
	    const struct devops *);
void	dev_unregister(dev_t, mode_t type);
const struct devops *dev_lookup(dev_t, mode_t type, void **priv);
/* The next device after (type, dev), in order of kind and number. */
struct dev_info {
	char		di_name[32];		/* empty: not shown in /dev */
	char		di_driver[32];
	mode_t		di_mode;
	dev_t		di_dev;
};
/* 0, 0: the first. */
bool	dev_next(mode_t *type, dev_t *, struct dev_info *);
bool	dev_find(const char *name, size_t len, struct dev_info *);
/* Counts registrations, to notice changes. */
extern volatile unsigned int dev_generation;

/* Called after each change, in the thread that made it; set by devtmpfs. */
extern void (*dev_changed_hook)(const struct dev_info *, bool added);

#endif /* !_SYS_DEV_H_ */
