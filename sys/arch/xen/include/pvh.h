/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of sys/arch/xen/pvh share.
 *
 * The entry code runs pmap_bootstrap() on page tables that map the first GiB
 * (or all RAM, if that is less) at KERNBASE, with EFER.NXE, CR0.WP and CR4.PGE
 * set; every other CPU sets the same before it loads pmap_kernel()->pm_l4.
 */
#ifndef _XEN_PVH_H_
#define	_XEN_PVH_H_

#include <sys/types.h>
#include <xen/types.h>

struct pmap_backend;

extern const struct pmap_backend pvh_pmap_backend;

/*
 * n frames of guest-physical space where no memory is nor will be, for pages of
 * Xen's (shared info, grant table); pfn ~0 if there is no more.  Any time
 * after the memory map has been read; never given back.
 */
pfn_t	pvh_reserve_gpfns(unsigned int n);
/* Map such frames in the kernel; ENOMEM. From pmap_bootstrap() on. */
int	pvh_map_gpfns(vaddr_t, pfn_t, unsigned int n, vm_prot_t);
/* The same at an address of its own in the XENMAP region; 0: full. */
vaddr_t	pvh_map_special(pfn_t, vm_prot_t);

/* Leave out what the memory map has too much.  When all of it is known. */
void	pvh_surplus_init(void);

/* xen_guest functions, see <xen/guest.h>. */
int	pvh_map_grant_frames(vaddr_t, unsigned int first, unsigned int n,
	    bool status);
int	pvh_balloon_out(pfn_t *, unsigned int n, unsigned int *done);
int	pvh_balloon_in(pfn_t *, unsigned int n, unsigned int *done);

#endif /* !_XEN_PVH_H_ */
