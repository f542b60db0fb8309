/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Xen for unit tests: event channels, a grant table and the memory of an
 * auto-translated domain behind xen_hypercall(), with a peer domain that a test
 * plays - also an evil one.
 */
#ifndef _FAKE_XEN_H_
#define	_FAKE_XEN_H_

#include <xen/hypercall.h>

#define	FAKE_PORTS	128
#define	FAKE_REFS	1024

enum fake_port { FP_CLOSED, FP_UNBOUND, FP_VIRQ, FP_IPI, FP_PEER };

extern enum fake_port fake_ports[FAKE_PORTS];
extern unsigned int fake_sends[FAKE_PORTS];	/* notifications by the guest */
extern int fake_fail;		/* the next calls fail with this errno */
extern unsigned int fake_max_grant_version;

/*
 * Fresh domain: no ports, empty grant table, another shared info page; vCPUs
 * that were down are not initialised, and nobody's vcpu_info is known.
 */
void	fake_xen_new_domain(void);
/* The peer (or Xen) raises a port, as Xen does it: bits, then upcall flag. */
void	fake_raise(uint32_t port);
/* An evil peer sets bits wherever it likes. */
void	fake_set_bit(uint32_t port);
/* Let the guest handle what is pending, as its upcall would. */
void	fake_upcall(void);
/* A port that exists already at start of day. */
uint32_t fake_peer_port(void);

/*
 * Memory: which frames are the domain's.  Taking what is there already and
 * giving what is not are mistakes of the guest, and fail the test.
 */
#define	FAKE_FRAMES	16384
extern bool	fake_owned[FAKE_FRAMES];
extern size_t	fake_tot_pages;		/* how many, or more: rings and such */
extern size_t	fake_max_pages;		/* no more than that */
extern unsigned int fake_max_order;	/* larger extents are refused */
extern int	fake_mem_budget;	/* extents that are done; -1: all */
extern unsigned int fake_mem_calls;	/* reservation calls so far */
/* Before each extent, if set.  False: it is not done. */
extern bool	(*fake_mem_hook)(unsigned int cmd, unsigned long pfn);

/* The peer maps / unmaps what the guest granted; false: not allowed. */
bool	fake_map(uint32_t ref);
void	fake_unmap(uint32_t ref);

/* vCPUs, with Xen's rules for what may be done to them. */
#define	FAKE_VCPUS	4
enum fake_vcpu { FV_NONE, FV_DOWN, FV_UP };
extern enum fake_vcpu fake_vcpus[FAKE_VCPUS];
extern bool fake_vcpu_info[FAKE_VCPUS];
/* This VCPUOP on this vCPU fails; errno 0: none does. */
extern struct fake_vcpu_fail { int op; unsigned int vcpu; int error; }
    fake_vcpu_fail;
/* A test's own: the vCPU begins to run. */
void	fake_vcpu_started(unsigned int vcpu);

/* What the suspend hypercall returns, and how often it was made. */
extern long fake_suspend_result;
extern unsigned int fake_suspends;

#endif /* !_FAKE_XEN_H_ */
