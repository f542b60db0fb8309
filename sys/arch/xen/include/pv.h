/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of sys/arch/xen/pv share: start-of-day information, frame
 * translation, special mappings, the memory side of suspend and balloon.
 */
#ifndef _XEN_PV_H_
#define	_XEN_PV_H_

#include <sys/types.h>
#include <xen/types.h>

struct pmap_backend;
struct start_info;

/*
 * The builder's (and after a restore the toolstack's) start_info page.  The
 * entry code sets it to the page's place in the builder's mapping,
 * pmap_bootstrap() moves it to the direct map.
 */
extern struct start_info *pv_start_info;

extern const struct pmap_backend pv_pmap_backend;

/* -- frames: pv_p2m.c; any context -- */

/* MFN_INVALID if there is no memory behind it. */
mfn_t	pv_pfn_to_mfn(pfn_t);
/* The frame number is checked both ways; pfn ~0 if it is not ours. */
pfn_t	pv_mfn_to_pfn(mfn_t);

/*
 * The p2m list as Xen and its tools see it.  Needs xen_shared_info mapped.
 * pv_p2m_publish() once at boot; the other two on CPU 0 around the suspend
 * hypercall, resume as soon as the shared info page is mapped again.
 */
void	pv_p2m_publish(void);
void	pv_p2m_suspend(void);
void	pv_p2m_resume(bool newdomain);

/* -- memory that is not the guest's own: pv_mem.c -- */

/*
 * Map one machine frame at an address of its own in the XENMAP region; 0 if
 * that is full.  From pmap_bootstrap() on; any context.  Such a mapping must
 * be gone (pv_unmap_special(), pmap_kremove()) when the domain is saved.
 */
vaddr_t	pv_map_special(mfn_t, vm_prot_t);
void	pv_unmap_special(vaddr_t);
/* Give an address from pv_map_special() another frame; for resume. */
void	pv_remap_special(vaddr_t, mfn_t, vm_prot_t);
/* xen_guest functions, see <xen/guest.h>. */
int	pv_map_grant_frames(vaddr_t, unsigned int first, unsigned int n,
	    bool status);
int	pv_balloon_out(pfn_t *, unsigned int n, unsigned int *done);
int	pv_balloon_in(pfn_t *, unsigned int n, unsigned int *done);

#endif /* !_XEN_PV_H_ */
