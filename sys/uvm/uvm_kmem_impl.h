/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel allocator's checks; between uvm_kmem.c and uvm_kmem_debug.c.
 */
#ifndef _UVM_UVM_KMEM_IMPL_H_
#define	_UVM_UVM_KMEM_IMPL_H_

#include <uvm/uvm_impl.h>

/* pc: of the call that noticed; alloc_pc: of the owner, 0 if unknown. */
void	kmem_panic(const char *what, const void *, size_t size,
	    uintptr_t alloc_pc, uintptr_t pc) __dead;

#ifdef DEBUG
struct kmem_tag {			/* at the end of each object */
	uint32_t	kt_magic;	/* first: meets an overrun */
	uint32_t	kt_size;	/* asked for */
	uintptr_t	kt_alloc_pc, kt_free_pc;
	void		*kt_next;	/* free list */
};
#define	KMEM_TAG_SIZE	sizeof(struct kmem_tag)

static inline struct kmem_tag *
kmem_tag(void *obj, size_t stride)
{
	return (struct kmem_tag *)((char *)obj + stride) - 1;
}

void	kmem_debug_context(int flags);	/* may this caller sleep? */
void	kmem_debug_init(void *, size_t stride);
void	kmem_debug_alloc(void *, size_t size, size_t stride, uintptr_t pc);
void	kmem_debug_free(void *, size_t size, size_t stride, uintptr_t pc);
void	kmem_debug_tail(void *, size_t size, size_t room, uintptr_t pc);
void	kmem_debug_tail_check(void *, size_t size, size_t room, uintptr_t pc);
#else
#define	KMEM_TAG_SIZE	((size_t)0)
#define	kmem_debug_context(flags)		((void)0)
#define	kmem_debug_init(p, stride)		((void)0)
#define	kmem_debug_alloc(p, size, stride, pc)	((void)(pc))
#define	kmem_debug_free(p, size, stride, pc)	((void)(pc))
#define	kmem_debug_tail(p, size, room, pc)	((void)(pc))
#define	kmem_debug_tail_check(p, size, room, pc) ((void)(pc))
#endif

#endif /* !_UVM_UVM_KMEM_IMPL_H_ */
