/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With FAKE_PMAP, a machine of a few megabytes for the tests of sys/uvm:
 * regress/sys/uvm/fake_pmap.c.  Otherwise the machine's own header.
 */
#include_next <machine/pmap.h>

#if defined(FAKE_PMAP) && !defined(_REGRESS_MACHINE_PMAP_H_)
#define	_REGRESS_MACHINE_PMAP_H_

#undef VM_MIN_ADDRESS
#undef VM_MAX_ADDRESS
#undef DMAP_BASE
#undef DMAP_FRAMES
#undef VM_PAGES_BASE
#undef KVA_BASE
#undef KVA_END

#define	VM_MIN_ADDRESS		0x10000UL
#if __SIZEOF_POINTER__ == 8
#define	VM_MAX_ADDRESS		0x00007ffffffff000UL
#else
#define	VM_MAX_ADDRESS		0x7ffff000UL
#endif

#define	FAKE_PAGES		8192		/* of memory */
#define	FAKE_KVA_PAGES		4096

extern char *fake_memory, *fake_kva;
extern void *fake_vm_pages;

#define	DMAP_BASE		((vaddr_t)fake_memory)
#define	DMAP_FRAMES		((uintptr_t)FAKE_PAGES)
#define	VM_PAGES_BASE		((vaddr_t)fake_vm_pages)
#define	KVA_BASE		((vaddr_t)fake_kva)
#define	KVA_END			(KVA_BASE + FAKE_KVA_PAGES * PAGE_SIZE)

/* Set up the machine and sys/uvm with pages [first, first + n) of memory. */
void	fake_init(uintptr_t first, uintptr_t n);
/* The nth pmap_enter from now on fails, once; -1: none. */
extern int fake_enter_fails;
/*
 * What the MMU would find: the byte in memory, or NULL if the access is not
 * allowed by the mapping.
 */
char	*fake_mmu(struct pmap *, vaddr_t, bool write);
size_t	fake_mappings(void);	/* in all pmaps */
/* Called by uiomove() before it copies: somebody else's turn. */
extern void (*fake_uiomove_hook)(void);
/* A disk of memory: bio_submit() is a transfer at once. */
#define	FAKE_DISK_PAGES		2048
struct bio;
struct disk;
extern struct disk fake_disk;
extern unsigned int fake_disk_fails, fake_disk_transfers;
extern uint64_t fake_disk_bad;
extern void (*fake_disk_hook)(struct bio *);
/*
 * Panics unless every mapping is of a page in use, and none through which what
 * is in swap, too, could be written.
 */
void	fake_check(void);

#endif
