/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every kernel file may use: messages, panic, user copies, the boot
 * command line.
 */
#ifndef _SYS_SYSTM_H_
#define	_SYS_SYSTM_H_

#include <stdarg.h>

#include <sys/assert.h>
#include <sys/libkern.h>
#include <sys/param.h>

/*
 * Print to the console and the message buffer.  Any context, any lock held.
 * A line is one call; start it with "subsystem: ".
 */
void	printf(const char *, ...) __printflike(1, 2);
void	vprintf(const char *, va_list) __printflike(1, 0);

/*
 * Stop because of a kernel bug: message, symbolised backtrace, all other
 * vCPUs stopped, SHUTDOWN_crash.  Any context.
 */
void	panic(const char *, ...) __printflike(1, 2) __dead;
extern const char *panicstr;	/* not NULL once a panic has begun */

/*
 * User copies.  Thread context, may sleep (page faults), no spin lock held.
 * 0 or EFAULT; copyinstr() also ENAMETOOLONG, *done counts the NUL.
 * Source of the idea: BSD copy(9).
 */
int	copyin(const void *uaddr, void *kaddr, size_t len) __must_check;
int	copyout(const void *kaddr, void *uaddr, size_t len) __must_check;
int	copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done)
	    __must_check;
/* Naturally aligned words, atomically; for futexes and robust lists. */
int	ufetch_32(const uint32_t *uaddr, uint32_t *val) __must_check;
int	ustore_32(uint32_t *uaddr, uint32_t val) __must_check;
/* *old is what was there; the store happened iff *old == expected. */
int	ucas_32(uint32_t *uaddr, uint32_t expected, uint32_t new,
	    uint32_t *old) __must_check;
int	ufetch_long(const unsigned long *uaddr, unsigned long *val)
	    __must_check;
int	ustore_long(unsigned long *uaddr, unsigned long val) __must_check;

/* From the entry code: boot CPU, interrupts off.  init_main.c */
void	main(void) __dead;

/* Who made the kernel: generated at link time. */
extern const char ostype[], osrelease[], version[];
extern const char linux_release[];	/* what uname(2) tells programs */
extern unsigned int ncpu;		/* vCPUs running now */

/*
 * Random bytes from the kernel's ChaCha20 generator; any context.
 * Seeded early; reseeded on resume as a new domain.
 */
void	random_bytes(void *buf, size_t len);
/* Mix something in; it need not be random. Any context. */
void	random_reseed(const void *, size_t);
void	random_init(void);
void	random_resume(bool newdomain);

#endif /* !_SYS_SYSTM_H_ */
