/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory management of the PV guest: what its own files share.
 */
#ifndef _XEN_PV_IMPL_H_
#define	_XEN_PV_IMPL_H_

#include <sys/atomic.h>
#include <sys/param.h>
#include <sys/systm.h>
#include <machine/pmap.h>
#include <x86/pmap_backend.h>
#include <xen/hypercall.h>
#include <xen/pv.h>

#define	P2M_NONE	(~0UL)
#define	P2M_PERPAGE	(PAGE_SIZE / sizeof(unsigned long))

/* Entries of the list that are mapped; grows with memory. */
extern uintptr_t p2m_size;
/* Machine frames the hypervisor's reverse list covers.  [s] */
extern uintptr_t m2p_size;

static inline unsigned long
p2m_get(uintptr_t pfn)
{
	return pfn < p2m_size ?
	    ((const volatile unsigned long *)P2M_BASE)[pfn] : P2M_NONE;
}

/* Elements change by single stores only: the tools may be reading. */
static inline void
p2m_set(uintptr_t pfn, unsigned long mfn)
{
	KASSERT(pfn < p2m_size);
	atomic_store_relaxed(&((volatile unsigned long *)P2M_BASE)[pfn], mfn);
}

/* The machine address of a direct-map address. */
static inline uint64_t
pv_maddr(const void *p)
{
	uintptr_t pa = PMAP_DIRECT_UNMAP(p);

	return (uint64_t)p2m_get(pa >> PAGE_SHIFT) << PAGE_SHIFT |
	    (pa & PAGE_MASK);
}

void	pv_p2m_init(void);
int	pv_p2m_grow(uintptr_t end);
void	pv_bootstrap(void);
/* The frame becomes a table: read-only wherever it is mapped. */
void	pv_boot_protect(uintptr_t pfn);
int	pv_grow(uintptr_t start, uintptr_t end);
void	pv_update(struct pmap *, enum pte_op, struct pte_update *,
	    unsigned int n, const struct pte_flush *);
/* A hypercall that only our own mistake can make fail. */
void	pv_must(int error, const char *what);

#endif /* !_XEN_PV_IMPL_H_ */
