/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sparse arrays of pointers.
 *
 * Overview: nodes of 64 slots; a node of level 0 holds items, one of level n
 * holds nodes of level n - 1.  The root is the only node without a parent; a
 * tree that has only item 0 has no node at all, so that an object of one page
 * costs nothing.  The tree grows upwards when an index does not fit and gives
 * a node back when its last slot is cleared.
 *
 * Locking: the caller's, for changes.  A slot and the root are published with
 * release and read with acquire order, so a look-up may run beside insertions;
 * it may not run beside removals.
 */
#include <uvm/uvm_impl.h>

#define	RADIX_BITS	6
#define	RADIX_SLOTS	(1U << RADIX_BITS)
#define	RADIX_MASK	(RADIX_SLOTS - 1)
#define	RADIX_LEVELS	howmany(8 * sizeof(size_t), RADIX_BITS)

struct radix_node {
	uint16_t	rn_level;
	uint16_t	rn_count;	/* slots in use */
	void		*rn_slot[RADIX_SLOTS];
};

static struct kmem_cache *radix_cache;

void
uvm_radix_init(void)
{
	radix_cache = kmem_cache_create("radix", sizeof(struct radix_node),
	    sizeof(void *));
	if (radix_cache == NULL)
		panic("uvm: no memory for the first cache");
}

static inline struct radix_node *
root_node(uintptr_t root)
{
	return (root & 1) != 0 ? (struct radix_node *)(root - 1) : NULL;
}

/* Does the index lie beyond what a tree of that level can hold? */
static inline bool
radix_beyond(size_t idx, unsigned int level)
{
	unsigned int bits = (level + 1) * RADIX_BITS;

	return bits < 8 * sizeof(size_t) && idx >> bits != 0;
}

static inline unsigned int
radix_slot(size_t idx, unsigned int level)
{
	return idx >> (level * RADIX_BITS) & RADIX_MASK;
}

static struct radix_node *
node_alloc(unsigned int level)
{
	struct radix_node *n = kmem_cache_alloc(radix_cache, KM_NOSLEEP);

	if (n == NULL)
		return NULL;
	memset(n, 0, sizeof(*n));
	n->rn_level = (uint16_t)level;
	return n;
}

void *
uvm_radix_get(const struct uvm_radix *r, size_t idx)
{
	uintptr_t root = atomic_load_acquire(&r->r_root);
	struct radix_node *n = root_node(root);
	unsigned int level;

	if (n == NULL)
		return idx == 0 ? (void *)root : NULL;
	if (radix_beyond(idx, n->rn_level))
		return NULL;
	for (level = n->rn_level; level > 0; level--) {
		n = atomic_load_acquire(&n->rn_slot[radix_slot(idx, level)]);
		if (n == NULL)
			return NULL;
	}
	return atomic_load_acquire(&n->rn_slot[radix_slot(idx, 0)]);
}

/*
 * A subtree of that level with one item.  It is complete before anybody sees
 * it: a look-up never meets a node that a failure would take back.
 */
static void *
radix_build(unsigned int level, size_t idx, void *item)
{
	struct radix_node *n, *sub = NULL;

	for (unsigned int l = 0; l <= level; l++) {
		n = node_alloc(l);
		if (n == NULL)
			goto fail;
		n->rn_slot[radix_slot(idx, l)] = l == 0 ? item : sub;
		n->rn_count = 1;
		sub = n;
	}
	return sub;
fail:
	while ((n = sub) != NULL) {
		sub = n->rn_level == 0 ? NULL :
		    n->rn_slot[radix_slot(idx, n->rn_level)];
		kmem_cache_free(radix_cache, n);
	}
	return NULL;
}

/* Put new roots above the old one until the index fits; not an empty tree. */
static int
radix_grow(struct uvm_radix *r, size_t idx)
{
	struct radix_node *n = root_node(r->r_root), *up;

	while (n == NULL || radix_beyond(idx, n->rn_level)) {
		up = node_alloc(n == NULL ? 0 : n->rn_level + 1U);
		if (up == NULL)
			return ENOMEM;
		up->rn_slot[0] = n == NULL ? (void *)r->r_root : n;
		up->rn_count = 1;
		atomic_store_release(&r->r_root, (uintptr_t)up | 1);
		n = up;
	}
	return 0;
}

/* The first item of an empty tree: a root that is just high enough. */
static int
radix_first(struct uvm_radix *r, size_t idx, void *item)
{
	unsigned int level = 0;
	void *n;

	while (radix_beyond(idx, level))
		level++;
	n = radix_build(level, idx, item);
	if (n == NULL)
		return ENOMEM;
	atomic_store_release(&r->r_root, (uintptr_t)n | 1);
	return 0;
}

/*
 * Free the nodes of a path that hold nothing, from the bottom up.  The index
 * fits into the tree.
 */
static void
radix_prune(struct uvm_radix *r, size_t idx)
{
	struct radix_node *path[RADIX_LEVELS + 1], *n = root_node(r->r_root);
	unsigned int depth = 0;

	for (; n != NULL; n = n->rn_slot[radix_slot(idx, n->rn_level)]) {
		path[depth++] = n;
		if (n->rn_level == 0)
			break;
	}
	while (depth > 0 && path[depth - 1]->rn_count == 0) {
		n = path[--depth];
		if (depth == 0) {
			r->r_root = 0;
		} else {
			path[depth - 1]->rn_slot[radix_slot(idx,
			    path[depth - 1]->rn_level)] = NULL;
			path[depth - 1]->rn_count--;
		}
		kmem_cache_free(radix_cache, n);
	}
}

int
uvm_radix_set(struct uvm_radix *r, size_t idx, void *item)
{
	struct radix_node *n;
	unsigned int level, s;
	void *sub = item;

	KASSERT(item != NULL && ((uintptr_t)item & 1) == 0);
	if (idx == 0 && root_node(r->r_root) == NULL) {
		atomic_store_release(&r->r_root, (uintptr_t)item);
		return 0;
	}
	if (r->r_root == 0)
		return radix_first(r, idx, item);
	if (radix_grow(r, idx) != 0)
		return ENOMEM;
	n = root_node(r->r_root);
	for (level = n->rn_level; level > 0; level--) {
		s = radix_slot(idx, level);
		if (n->rn_slot[s] == NULL) {
			sub = radix_build(level - 1, idx, item);
			if (sub == NULL)
				return ENOMEM;
			break;
		}
		n = n->rn_slot[s];
	}
	s = radix_slot(idx, level);
	if (n->rn_slot[s] == NULL)
		n->rn_count++;
	atomic_store_release(&n->rn_slot[s], sub);
	return 0;
}

void *
uvm_radix_remove(struct uvm_radix *r, size_t idx)
{
	struct radix_node *n = root_node(r->r_root);
	unsigned int level, s;
	void *item;

	if (n == NULL) {
		item = idx == 0 ? (void *)r->r_root : NULL;
		if (idx == 0)
			r->r_root = 0;
		return item;
	}
	if (radix_beyond(idx, n->rn_level))
		return NULL;
	for (level = n->rn_level; level > 0; level--) {
		n = n->rn_slot[radix_slot(idx, level)];
		if (n == NULL)
			return NULL;
	}
	s = radix_slot(idx, 0);
	item = n->rn_slot[s];
	if (item == NULL)
		return NULL;
	n->rn_slot[s] = NULL;
	if (--n->rn_count == 0)
		radix_prune(r, idx);
	return item;
}

/*
 * Step to the next slot in use.  Where a subtree is missing, the index skips
 * to the first one after it.
 */
void *
uvm_radix_next(const struct uvm_radix *r, size_t *idx)
{
	uintptr_t root = atomic_load_acquire(&r->r_root);
	struct radix_node *n, *top = root_node(root);
	size_t i = *idx, span;
	void *item;

	if (top == NULL)
		return i == 0 ? (void *)root : NULL;
	while (!radix_beyond(i, top->rn_level)) {
		n = top;
		for (;;) {
			item = atomic_load_acquire(
			    &n->rn_slot[radix_slot(i, n->rn_level)]);
			if (item == NULL || n->rn_level == 0)
				break;
			n = item;
		}
		while (item == NULL) {
			span = (size_t)1 << (n->rn_level * RADIX_BITS);
			i = (i & ~(span - 1)) + span;
			if (i == 0)
				return NULL;
			if (radix_slot(i, n->rn_level) == 0)
				break;		/* left this node */
			item = atomic_load_acquire(
			    &n->rn_slot[radix_slot(i, n->rn_level)]);
		}
		if (item != NULL && n->rn_level == 0) {
			*idx = i;
			return item;
		}
	}
	return NULL;
}
