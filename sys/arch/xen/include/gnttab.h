/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant table: permissions for other domains to touch our pages.
 *
 * v1 and v2 behind one interface, chosen at boot and again on each resume.
 * A grant the peer still maps cannot end: gnttab_end() then keeps the reference
 * and page on a deferred list and frees both when the peer lets go.
 */
#ifndef _XEN_GNTTAB_H_
#define	_XEN_GNTTAB_H_

#include <xen/types.h>

struct vm_page;

int	gnttab_init(void);
/* Reserve references. ENOSPC. Any context (allocation of frames: thread). */
int	gnttab_alloc(gref_t *, unsigned int n);
void	gnttab_free(gref_t);			/* unused or ended */
/* Make it valid: domid may access the frame. */
void	gnttab_grant(gref_t, xdomid_t, pfn_t, bool readonly);
/* alloc + grant of one page. */
int	gnttab_grant_page(xdomid_t, struct vm_page *, bool readonly, gref_t *);
/* End access now: true if it ended, false if the peer still uses it. */
bool	gnttab_end(gref_t);
/*
 * End access and free the reference and, if not NULL, the page - now or as
 * soon as the peer lets go. Any context.
 */
void	gnttab_end_free(gref_t, struct vm_page *);
unsigned int gnttab_version(void);

void	gnttab_suspend(void);
int	gnttab_resume(bool newdomain);
/* With threads running again: free what the old domain's peers held. */
void	gnttab_resume_late(bool newdomain);

#endif /* !_XEN_GNTTAB_H_ */
