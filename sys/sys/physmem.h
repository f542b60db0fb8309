/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory the domain booted with, in page frame numbers: what the entry
 * code tells pmap_bootstrap().
 */
#ifndef _SYS_PHYSMEM_H_
#define	_SYS_PHYSMEM_H_

#include <sys/types.h>

struct phys_range {
	uintptr_t	pr_start, pr_end;	/* frames [start, end) */
};

struct physmem {
	struct phys_range pm_ram[32];		/* sorted, disjoint */
	unsigned int	pm_nram;
	/* In use at boot: kernel image, module, boot tables, p2m list ... */
	struct phys_range pm_reserved[32];	/* sorted, disjoint */
	unsigned int	pm_nreserved;
	/* RAM by the memory map, but there is no memory behind it yet. */
	struct phys_range pm_later[32];		/* sorted, disjoint */
	unsigned int	pm_nlater;
	uintptr_t	pm_max_pfn;		/* where all that ends */
};
extern struct physmem physmem;

void	physmem_add_ram(uintptr_t start, uintptr_t end);
void	physmem_reserve(uintptr_t start, uintptr_t end);	/* merges */
/*
 * Make the n highest frames that are not reserved come later; how many of them
 * could not be.  When all that is reserved has been entered.
 */
size_t	physmem_defer(size_t n);
size_t	physmem_ram_pages(void);

/*
 * Build the kernel's page tables: direct map of all RAM, vm_page array, kernel
 * image with W^X, room for KVA; then hand all free frames to
 * uvm_page_addrange().  Boot CPU, interrupts off, once.
 */
void	pmap_bootstrap(void);

#endif /* !_SYS_PHYSMEM_H_ */
