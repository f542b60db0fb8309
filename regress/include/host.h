/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel side of a unit test may ask of the host; implemented with
 * the C library in regress/lib/host.c.
 */
#ifndef _HOST_H_
#define	_HOST_H_

#include <stddef.h>
#include <stdint.h>

void	*host_alloc(size_t align, size_t size);
void	host_free(void *);
void	host_write(const char *, size_t);
void	host_abort(void) __attribute__((__noreturn__));
/* End the running test as failed. */
void	host_fail(void) __attribute__((__noreturn__));
void	host_longjmp(void *) __attribute__((__noreturn__));
/*
 * Contexts of execution with stacks of their own, for simulated threads and
 * CPUs.  host_context_new(NULL, ...) makes one for the caller to leave.
 */
struct host_context;
struct host_context *host_context_new(void (*fn)(void *), void *arg);
void	host_context_switch(struct host_context *from,
	    struct host_context *to);
void	host_context_free(struct host_context *);
/* Read a whole file, relative to the tree; NULL if there is none. */
void	*host_read_file(const char *path, size_t *size);
void	host_write_file(const char *path, const void *, size_t size);
/* Run a shell command; its exit status. */
int	host_system(const char *);
/* A name in the directory for temporary files that no other process has. */
void	host_tmpname(const char *suffix, char *, size_t);
/* How long a test may go on: UNIT_CYCLES, 1 if it is not set. */
unsigned int host_cycles(void);

#endif /* !_HOST_H_ */
