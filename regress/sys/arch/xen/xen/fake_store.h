/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store for unit tests on the simulated machine (sim.h): the server behind
 * the ring, as a thread, which also delivers the guest's events on CPU 0.
 *
 * The tools' side (fake_store_set() ...) may be used from any thread of the
 * test.  A test plays an evil server by fake_store_evil.
 */
#ifndef _FAKE_STORE_H_
#define	_FAKE_STORE_H_

#include <xen/public/io/xs_wire.h>

/* The ring and port of start of day, as the guest type tells them. */
extern struct xenstore_domain_interface *fake_store_ring;
extern uint32_t fake_store_port;

/* Start the server and its thread; fake_xen_new_domain() came before. */
void	fake_store_start(void);
/*
 * Another server: with a fresh ring and port it knows no watch and no
 * transaction, and answers nothing the old one was asked.
 */
void	fake_store_new_domain(void);

/* The tools: nodes come, change and go, with their watches. */
void	fake_store_set(const char *path, const char *val);
void	fake_store_rm(const char *path);		/* with all below */
const char *fake_store_get(const char *path);		/* NULL: no node */

/* How many watches and open transactions the server knows. */
unsigned int fake_store_watches(void);
unsigned int fake_store_transactions(void);
extern unsigned int fake_store_requests;	/* how many came in */
/* So many transactions will not be committed: EAGAIN. */
extern unsigned int fake_store_conflicts;
/* Requests of this type fail with this error; NULL: none. */
extern const char *fake_store_fail;
extern uint32_t fake_store_fail_type;
extern bool fake_store_stopped;			/* reads and answers nothing */

/*
 * Called for each request; true: it is done with.  Replies go out in order of
 * fake_store_reply(), raw bytes by fake_store_put().
 */
extern bool (*fake_store_evil)(const struct xsd_sockmsg *, const char *body);
void	fake_store_reply(uint32_t type, uint32_t id, const void *body,
	    uint32_t len);
void	fake_store_put(const void *, size_t);
void	fake_store_event(const char *path, const char *token);

/* Wait until what the server has to say was read and acted on. */
void	fake_store_settle(void);

#endif /* !_FAKE_STORE_H_ */
