/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Surroundings for the tests of file systems: a disk in memory that keeps a
 * record of what is written to it, a page cache of the simplest kind, and short
 * forms of the vnode operations.
 */
#ifndef _FS_ENV_H_
#define	_FS_ENV_H_

#include <sys/vnode.h>

struct bufdev;

extern struct mount env_mount;
extern struct cred env_cred;

/* The file system that is tested; ef_sync may be NULL. */
struct env_fs {
	int	(*ef_mount)(struct mount *, struct bufdev *, const char *);
	int	(*ef_unmount)(struct mount *);
	int	(*ef_sync)(struct mount *);
};
extern const struct env_fs env_fs;	/* the test's */
extern struct bufdev *const env_dev;

/* A disk of that size, all zeros. */
void	disk_blank(unsigned int kib);
/* Any bytes as the disk. */
void	disk_set(const void *, size_t);
void	disk_free(void);
char	*disk_bytes(void);
size_t	disk_size(void);
/* The nth transfer from now on fails with EIO, and all after it if `all`. */
void	disk_fail_after(int n, bool all);
bool	disk_failed(void);
/* A shell command on the image, whose name replaces each @. */
int	disk_command(const char *);

/* The record of writes. */
void	log_start(void);
unsigned int log_flushes(void);		/* flushes so far */
/*
 * Make the disk what it could be after a power cut just before flush n + 1: all
 * that was written before flush n, and of what came later each write with the
 * chance of `percent`.
 */
void	log_cut(unsigned int n, unsigned int percent);
void	log_stop(void);

uint32_t rnd(uint32_t n);
void	rnd_seed(uint32_t);

int	fs_mount(unsigned int flags, const char *options);
void	fs_unmount(void);
/* The machine stops: memory is lost, nothing is written. */
void	fs_crash(void);
int	fs_sync(void);

/* Names are absolute, plain (no "." or ".."); links are not followed. */
int	fs_walk(const char *, struct vnode **);
int	fs_make(const char *, mode_t);		/* regular files, directories */
int	fs_symlink(const char *target, const char *);
int	fs_link(const char *from, const char *to);
int	fs_remove(const char *);
int	fs_rename(const char *from, const char *to, unsigned int flags);
int	fs_write(const char *, uint64_t off, const void *, size_t);
int	fs_read(const char *, uint64_t off, void *, size_t, size_t *got);
int	fs_truncate(const char *, uint64_t);
int	fs_fsync(const char *);
int	fs_fallocate(const char *, int mode, uint64_t off, uint64_t len);
int	fs_stat(const char *, struct stat_k *);
/* How many names a directory has, but for "." and ".."; < 0: -error. */
int	fs_count(const char *);
/* As through a shared mapping, inside one page. */
int	fs_mapped_write(const char *, uint64_t off, const void *, size_t);
/* Write some of the dirty pages, as a thread of the page cache would. */
void	fs_writeback(void);

#endif /* !_FS_ENV_H_ */
