/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the kernel allocator.
 *
 * Overview: in a DEBUG kernel each object of a slab ends in a tag: whether it
 * is in use, the size asked for, who allocated and who freed it.  Between the
 * size asked for and the tag lies a red zone.  A free object is filled with
 * poison, which is checked when it is allocated again.  Memory of a page and
 * more has a red zone up to the end of its last page.  A violation panics and
 * names the callers.
 *
 * Locking: none; an object has one owner.
 */
#include <sys/ksyms.h>
#include <uvm/uvm_kmem_impl.h>

void
kmem_panic(const char *what, const void *p, size_t size, uintptr_t alloc_pc,
    uintptr_t pc)
{
	const char *aname, *name;
	uintptr_t aoff, off;

	aname = ksyms_lookup(alloc_pc, &aoff);
	name = ksyms_lookup(pc, &off);
	panic("kmem: %p (%zu bytes) %s; owner %s+%#zx (%#zx), found in "
	    "%s+%#zx (%#zx)", p, size, what, aname == NULL ? "?" : aname,
	    (size_t)aoff, (size_t)alloc_pc, name == NULL ? "?" : name,
	    (size_t)off, (size_t)pc);
}

#ifdef DEBUG

#define	TAG_FREE	0xf4eef4eeU
#define	TAG_USED	0xa110ca7eU
#define	FILL_FREE	0xdb
#define	FILL_NEW	0xc7
#define	FILL_RED	0xbb

/* All of [p, end) has that value? */
static bool
filled(const void *p, const void *end, unsigned char value)
{
	for (const unsigned char *c = p; c < (const unsigned char *)end; c++) {
		if (*c != value)
			return false;
	}
	return true;
}

void
kmem_debug_context(int flags)
{
	struct cpu_info *ci = curcpu();

	if ((flags & KM_NOSLEEP) == 0 && (ci->ci_spin_depth != 0 ||
	    ci->ci_intr_depth != 0 || ci->ci_in_softint))
		panic("kmem: KM_SLEEP where nobody may sleep");
}

void
kmem_debug_init(void *obj, size_t stride)
{
	struct kmem_tag *t = kmem_tag(obj, stride);

	memset(obj, FILL_FREE, (size_t)((char *)t - (char *)obj));
	t->kt_magic = TAG_FREE;
	t->kt_size = 0;
	t->kt_alloc_pc = t->kt_free_pc = 0;
}

void
kmem_debug_alloc(void *obj, size_t size, size_t stride, uintptr_t pc)
{
	struct kmem_tag *t = kmem_tag(obj, stride);

	if (t->kt_magic != TAG_FREE)
		kmem_panic("overran into a free object", obj, stride,
		    t->kt_free_pc, pc);
	if (!filled(obj, t, FILL_FREE))
		kmem_panic("written after it was freed", obj, stride,
		    t->kt_free_pc, pc);
	memset(obj, FILL_NEW, size);
	memset((char *)obj + size, FILL_RED,
	    (size_t)((char *)t - (char *)obj) - size);
	t->kt_magic = TAG_USED;
	t->kt_size = (uint32_t)size;
	t->kt_alloc_pc = pc;
}

void
kmem_debug_free(void *obj, size_t size, size_t stride, uintptr_t pc)
{
	struct kmem_tag *t = kmem_tag(obj, stride);

	if (t->kt_magic == TAG_FREE)
		kmem_panic("freed twice", obj, size, t->kt_free_pc, pc);
	if (t->kt_magic != TAG_USED)
		kmem_panic("overrun, or not allocated here", obj, size, 0, pc);
	if (t->kt_size != size)
		kmem_panic("freed with a wrong size", obj, size,
		    t->kt_alloc_pc, pc);
	if (!filled((char *)obj + size, t, FILL_RED))
		kmem_panic("overrun", obj, size, t->kt_alloc_pc, pc);
	memset(obj, FILL_FREE, (size_t)((char *)t - (char *)obj));
	t->kt_magic = TAG_FREE;
	t->kt_free_pc = pc;
}

/* Runs of pages: the owner's address is at the very end, if there is room. */
void
kmem_debug_tail(void *p, size_t size, size_t room, uintptr_t pc)
{
	char *end = (char *)p + room;

	memset((char *)p + size, FILL_RED, room - size);
	if (room - size >= 2 * sizeof(pc))
		memcpy(end - sizeof(pc), &pc, sizeof(pc));
}

void
kmem_debug_tail_check(void *p, size_t size, size_t room, uintptr_t pc)
{
	char *end = (char *)p + room;
	uintptr_t owner = 0;

	if (room - size >= 2 * sizeof(owner)) {
		end -= sizeof(owner);
		memcpy(&owner, end, sizeof(owner));
	}
	if (!filled((char *)p + size, end, FILL_RED))
		kmem_panic("overrun", p, size, owner, pc);
}

#endif /* DEBUG */
