/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name cache: dentries, the names of vnodes in their directories.
 *
 * Overview: a hash over (parent, name) finds the dentry of a component without
 * asking the file system; a dentry without a vnode remembers that there is
 * none ("negative").  A dentry holds its vnode and its parent, so whoever has
 * a dentry has the chain up to the root of its file system.  Unused dentries
 * (d_ref 0) stay in the hash until a clock hand that runs over the buckets
 * finds them unused twice: when there are too many, or memory is short.
 *
 * States:
 *	hashed			can be found; d_ref may be 0
 *	unhashed, DF_DELETED	the file was removed under this name
 *	unhashed		replaced, or dropped; freed with d_ref
 * A dentry never changes its vnode: when a name gets a file or loses it, its
 * dentry is taken out and another one is entered.
 *
 * Locking: every dentry belongs to the bucket of its hash value, also while
 * it is unhashed.  The bucket's spin lock guards the chain, d_parent, the
 * name, d_flags, and the step of d_ref from 0.  Renames hold both buckets
 * (in the order of their addresses) and dcache_tree_lock as writer, so that
 * who has it as reader sees a tree that stands still.  A name is entered with
 * its directory's v_lock held, in any mode; names change with it held
 * exclusively: what is in the cache is what the file system has.
 */
#include <sys/errno.h>
#include <sys/inotify.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <kern/vfs_private.h>
#include <uvm/uvm.h>

struct dbucket {
	struct spinlock	b_lock;
	LIST_HEAD(, dentry) b_chain;
};

#define	DCACHE_BUCKETS_MIN	256
#define	DCACHE_BUCKETS_MAX	16384

static struct dbucket *buckets;
static uint32_t bucket_mask;
static unsigned int clock_hand;			/* [a] */
static unsigned int ndentries;			/* [a] */
static unsigned int dentries_max;		/* [I] */
static struct kmem_cache *dentry_cache;
static struct shrinker dcache_shrinker;

struct rwlock dcache_tree_lock;

static struct dbucket *
bucket_of(uint32_t hashval)
{
	return &buckets[hashval & bucket_mask];
}

static uint32_t
hash_name(const struct dentry *parent, const struct dname *dn)
{
	uintptr_t p = (uintptr_t)parent;
	uint32_t h = (uint32_t)(p >> 6) * 0x9e3779b1u;
	size_t i;

	for (i = 0; i < dn->dn_len; i++)
		h = (h ^ (unsigned char)dn->dn_name[i]) * 0x01000193u;
	return h ^ h >> 15;
}

/* Lock the bucket that d belongs to now: a rename may be moving it. */
static struct dbucket *
bucket_enter(struct dentry *d)
{
	struct dbucket *b;

	for (;;) {
		b = bucket_of(atomic_load_relaxed(&d->d_hashval));
		spin_enter(&b->b_lock);
		if (b == bucket_of(d->d_hashval))
			return b;
		spin_exit(&b->b_lock);
	}
}

static void
bucket_enter_two(struct dbucket *a, struct dbucket *b)
{
	if (a == b) {
		spin_enter(&a->b_lock);
	} else if (a < b) {
		spin_enter(&a->b_lock);
		spin_enter(&b->b_lock);
	} else {
		spin_enter(&b->b_lock);
		spin_enter(&a->b_lock);
	}
}

static void
bucket_exit_two(struct dbucket *a, struct dbucket *b)
{
	spin_exit(&a->b_lock);
	if (a != b)
		spin_exit(&b->b_lock);
}

/* Free d, on which nobody has a reference and which is unhashed. */
static struct dentry *
dentry_free(struct dentry *d)
{
	struct dentry *parent = d->d_parent == d ? NULL : d->d_parent;

	KASSERT(d->d_ref == 0 && (d->d_flags & DF_HASHED) == 0);
	if (d->d_vnode != NULL) {
		if ((d->d_flags & DF_DELETED) != 0 && inotify_on())
			inotify_forgotten(d->d_vnode);
		vrele(d->d_vnode);
	}
	if (d->d_name != d->d_iname)
		kmem_free(d->d_name, d->d_namelen + 1);
	kmem_cache_free(dentry_cache, d);
	(void)atomic_sub(&ndentries, 1);
	return parent;
}

static void
unhash(struct dentry *d)
{
	LIST_REMOVE(d, d_hash);
	d->d_flags &= ~DF_HASHED;
}

/*
 * A dentry for (parent, name), unhashed, with one reference.  Takes over the
 * reference to the vnode; makes its own to the parent.  NULL: no memory, and
 * the vnode's reference stays the caller's.
 */
static struct dentry *
dentry_alloc(struct dentry *parent, struct mount *mp, const struct dname *dn,
    uint32_t hashval, struct vnode *vp)
{
	struct dentry *d;

	d = kmem_cache_alloc(dentry_cache, KM_SLEEP);
	if (d == NULL)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->d_name = d->d_iname;
	if (dn->dn_len >= DNAME_INLINE) {
		d->d_name = kmem_alloc(dn->dn_len + 1, KM_SLEEP);
		if (d->d_name == NULL) {
			kmem_cache_free(dentry_cache, d);
			return NULL;
		}
	}
	memcpy(d->d_name, dn->dn_name, dn->dn_len);
	d->d_name[dn->dn_len] = '\0';
	d->d_namelen = (uint32_t)dn->dn_len;
	d->d_hashval = hashval;
	d->d_parent = parent == NULL ? d : dentry_get(parent);
	d->d_mount = mp;
	d->d_vnode = vp;
	d->d_ref = 1;
	(void)atomic_add(&ndentries, 1);
	return d;
}

struct dentry *
dentry_get(struct dentry *d)
{
	refcount_get(&d->d_ref);
	return d;
}

/* Drop a reference.  May sleep: the vnode may go with it. */
void
dentry_put(struct dentry *d)
{
	struct dbucket *b;
	unsigned int n;
	bool keep;

	while (d != NULL) {
		n = atomic_load_relaxed(&d->d_ref);
		if (n > 1) {
			if (atomic_cas(&d->d_ref, n, n - 1))
				return;
			continue;
		}
		b = bucket_enter(d);
		if (atomic_sub(&d->d_ref, 1) != 0) {
			spin_exit(&b->b_lock);
			return;
		}
		keep = (d->d_flags & (DF_HASHED | DF_NOKEEP)) == DF_HASHED;
		if (!keep && (d->d_flags & DF_HASHED) != 0)
			unhash(d);
		spin_exit(&b->b_lock);
		if (keep)
			return;
		d = dentry_free(d);
	}
}

struct dentry *
dentry_parent(struct dentry *d)
{
	struct dbucket *b = bucket_enter(d);
	struct dentry *p = dentry_get(d->d_parent);

	spin_exit(&b->b_lock);
	return p;
}

bool
dentry_deleted(struct dentry *d)
{
	return (d->d_flags & DF_DELETED) != 0;
}

/* The root of a file system: takes its own reference to the vnode. */
struct dentry *
dcache_root(struct mount *mp, struct vnode *vp)
{
	static const struct dname slash = { "/", 1 };
	struct dentry *d;

	d = dentry_alloc(NULL, mp, &slash, (uint32_t)(uintptr_t)vp >> 4,
	    vref(vp));
	if (d == NULL)
		vrele(vp);
	return d;
}

/*
 * A dentry for a file without a name: it shows as deleted and is not found.
 * The vnode's reference is taken over.  NULL: no memory.
 */
struct dentry *
dcache_unnamed(struct dentry *parent, const char *name, struct vnode *vp)
{
	struct dname dn = { name, strlen(name) };
	struct dentry *d;

	d = dentry_alloc(parent, parent->d_mount, &dn, hash_name(parent, &dn),
	    vp);
	if (d == NULL)
		vrele(vp);
	else
		d->d_flags = DF_DELETED;
	return d;
}

static bool
dentry_is(const struct dentry *d, const struct dentry *parent, uint32_t h,
    const struct dname *dn)
{
	return d->d_hashval == h && d->d_parent == parent &&
	    d->d_namelen == dn->dn_len &&
	    memcmp(d->d_name, dn->dn_name, dn->dn_len) == 0;
}

static struct dentry *
chain_find(struct dbucket *b, const struct dentry *parent, uint32_t h,
    const struct dname *dn)
{
	struct dentry *d;

	LIST_FOREACH(d, &b->b_chain, d_hash)
		if (dentry_is(d, parent, h, dn))
			return d;
	return NULL;
}

/* What the cache knows of that name, with a reference; NULL: nothing. */
struct dentry *
dcache_lookup(struct dentry *parent, const struct dname *dn)
{
	uint32_t h = hash_name(parent, dn);
	struct dbucket *b = bucket_of(h);
	struct dentry *d;

	spin_enter(&b->b_lock);
	d = chain_find(b, parent, h, dn);
	if (d != NULL) {
		refcount_get(&d->d_ref);
		if ((d->d_flags & DF_REFERENCED) == 0)
			d->d_flags |= DF_REFERENCED;
	}
	spin_exit(&b->b_lock);
	return d;
}

/*
 * Enter a name with its vnode (a reference is taken over, also on failure;
 * NULL: negative).  If another thread was first with the same vnode, its
 * dentry is the result; an entry that says something else is replaced: the
 * caller, who holds the directory's v_lock, has just asked the file system.
 * NULL: no memory.
 */
struct dentry *
dcache_enter(struct dentry *parent, const struct dname *dn, struct vnode *vp,
    unsigned int flags)
{
	uint32_t h = hash_name(parent, dn);
	struct dbucket *b = bucket_of(h);
	struct dentry *d, *old;
	bool same, dispose = false;

	if (atomic_load_relaxed(&ndentries) >= dentries_max)
		(void)dcache_reclaim(8);
	d = dentry_alloc(parent, parent->d_mount, dn, h, vp);
	if (d == NULL) {
		if (vp != NULL)
			vrele(vp);
		return NULL;
	}
	spin_enter(&b->b_lock);
	old = chain_find(b, parent, h, dn);
	same = old != NULL && old->d_vnode == vp;
	if (same) {
		refcount_get(&old->d_ref);
	} else {
		if (old != NULL) {
			unhash(old);
			dispose = atomic_load(&old->d_ref) == 0;
		}
		LIST_INSERT_HEAD(&b->b_chain, d, d_hash);
		d->d_flags |= DF_HASHED | flags;
	}
	spin_exit(&b->b_lock);
	if (same) {
		dentry_put(d);
		return old;
	}
	if (dispose)
		dentry_put(dentry_free(old));
	return d;
}

/*
 * The name is gone, or wrong (deleted: the file was removed).  The caller has
 * a reference.
 */
void
dcache_delete(struct dentry *d, bool deleted)
{
	struct dbucket *b = bucket_enter(d);

	if ((d->d_flags & DF_HASHED) != 0)
		unhash(d);
	if (deleted)
		d->d_flags |= DF_DELETED;
	spin_exit(&b->b_lock);
}

/* -- throwing away -- */

typedef bool (*victim_fn)(struct dentry *, void *);

/*
 * Take the unused dentries of a bucket that fn picks, at most n.  They are
 * freed outside of the lock; returns how many there were.
 */
static size_t
bucket_evict(struct dbucket *b, victim_fn fn, void *arg, size_t n)
{
	LIST_HEAD(, dentry) victims = LIST_HEAD_INITIALIZER(victims);
	struct dentry *d, *next;
	size_t done = 0;

	if (LIST_EMPTY(&b->b_chain))
		return 0;
	spin_enter(&b->b_lock);
	for (d = LIST_FIRST(&b->b_chain); d != NULL && done < n; d = next) {
		next = LIST_NEXT(d, d_hash);
		if (atomic_load(&d->d_ref) != 0 || !fn(d, arg))
			continue;
		unhash(d);
		LIST_INSERT_HEAD(&victims, d, d_hash);
		done++;
	}
	spin_exit(&b->b_lock);
	while ((d = LIST_FIRST(&victims)) != NULL) {
		LIST_REMOVE(d, d_hash);
		dentry_put(dentry_free(d));
	}
	return done;
}

static bool
victim_clock(struct dentry *d, void *arg)
{
	(void)arg;
	if ((d->d_flags & DF_REFERENCED) != 0) {
		d->d_flags &= ~DF_REFERENCED;
		return false;
	}
	return true;
}

/* Free up to n unused dentries, the least used ones.  Returns how many. */
size_t
dcache_reclaim(size_t n)
{
	size_t done = 0, turns = 2 * ((size_t)bucket_mask + 1);
	unsigned int hand;

	while (done < n && turns-- > 0) {
		hand = atomic_add(&clock_hand, 1);
		done += bucket_evict(bucket_of(hand), victim_clock, NULL,
		    n - done);
	}
	return done;
}

static bool
victim_negative(struct dentry *d, void *arg)
{
	return d->d_parent == arg && d->d_vnode == NULL;
}

static bool
victim_mount(struct dentry *d, void *arg)
{
	return d->d_mount == arg;
}

/*
 * The directory was removed: what is known not to be in it would keep it.
 * Costs a look at the whole hash, so only if somebody has it at all.
 */
void
dcache_prune_negative(struct dentry *dir)
{
	uint32_t i;

	for (i = 0; i <= bucket_mask; i++)
		(void)bucket_evict(&buckets[i], victim_negative, dir, SIZE_MAX);
}

/* The file system goes away: drop every name of it. */
void
dcache_purge(struct mount *mp)
{
	size_t n;
	uint32_t i;

	do {
		for (n = 0, i = 0; i <= bucket_mask; i++)
			n += bucket_evict(&buckets[i], victim_mount, mp,
			    SIZE_MAX);
	} while (n > 0);
}

unsigned int
dcache_count(void)
{
	return atomic_load(&ndentries);
}

/* -- renaming -- */

struct dcache_move {
	struct dname	dm_name;
	char		dm_buf[MAXNAMLEN + 1];
};

/* Everything about a rename that can fail, before the file system does it. */
int
dcache_move_prepare(const struct dname *dn, struct dcache_move **dmp)
{
	struct dcache_move *dm;

	dm = kmem_alloc(sizeof(*dm), KM_SLEEP);
	if (dm == NULL)
		return ENOMEM;
	KASSERT(dn->dn_len <= MAXNAMLEN);
	dm->dm_name.dn_len = dn->dn_len;
	dm->dm_name.dn_name = dm->dm_buf;
	if (dn->dn_len >= DNAME_INLINE) {
		dm->dm_name.dn_name = kmem_alloc(dn->dn_len + 1, KM_SLEEP);
		if (dm->dm_name.dn_name == NULL) {
			kmem_free(dm, sizeof(*dm));
			return ENOMEM;
		}
	}
	memcpy((char *)(uintptr_t)dm->dm_name.dn_name, dn->dn_name,
	    dn->dn_len);
	*dmp = dm;
	return 0;
}

void
dcache_move_abort(struct dcache_move *dm)
{
	if (dm->dm_name.dn_name != dm->dm_buf)
		kmem_free((void *)(uintptr_t)dm->dm_name.dn_name,
		    dm->dm_name.dn_len + 1);
	kmem_free(dm, sizeof(*dm));
}

/* Give d the name in dm, whose memory is taken over. [b] held. */
static void
set_name(struct dentry *d, const struct dname *dn, char **oldname,
    size_t *oldlen)
{
	*oldname = d->d_name == d->d_iname ? NULL : d->d_name;
	*oldlen = d->d_namelen;
	if (dn->dn_len < DNAME_INLINE) {
		memcpy(d->d_iname, dn->dn_name, dn->dn_len);
		d->d_name = d->d_iname;
	} else {
		d->d_name = (char *)(uintptr_t)dn->dn_name;
	}
	d->d_name[dn->dn_len] = '\0';
	d->d_namelen = (uint32_t)dn->dn_len;
}

/*
 * The file system has renamed: d is now that name of newparent.  The dentry
 * that was there before is the caller's to delete, first.  Cannot fail.
 */
void
dcache_move_commit(struct dcache_move *dm, struct dentry *d,
    struct dentry *newparent)
{
	uint32_t h = hash_name(newparent, &dm->dm_name);
	struct dbucket *to = bucket_of(h), *from;
	struct dentry *oldparent, *other;
	char *oldname;
	size_t oldlen;
	bool dispose = false;

	rw_enter(&dcache_tree_lock, RW_WRITER);
	from = bucket_of(d->d_hashval);	/* only renames change it */
	bucket_enter_two(from, to);
	if ((d->d_flags & DF_HASHED) != 0)
		unhash(d);
	other = chain_find(to, newparent, h, &dm->dm_name);
	if (other != NULL) {
		unhash(other);
		dispose = atomic_load(&other->d_ref) == 0;
	}
	set_name(d, &dm->dm_name, &oldname, &oldlen);
	oldparent = d->d_parent;
	d->d_parent = dentry_get(newparent);
	atomic_store_relaxed(&d->d_hashval, h);
	LIST_INSERT_HEAD(&to->b_chain, d, d_hash);
	d->d_flags |= DF_HASHED;
	bucket_exit_two(from, to);
	rw_exit(&dcache_tree_lock);

	if (oldname != NULL)
		kmem_free(oldname, oldlen + 1);
	kmem_free(dm, sizeof(*dm));
	if (dispose)
		dentry_put(dentry_free(other));
	dentry_put(oldparent);
}

/* Two names have changed places (RENAME_EXCHANGE).  Cannot fail. */
void
dcache_exchange(struct dentry *a, struct dentry *b)
{
	struct dbucket *ba, *bb;
	struct dentry *p;
	char tmp[DNAME_INLINE];
	char *na, *nb;
	uint32_t h, len;

	rw_enter(&dcache_tree_lock, RW_WRITER);
	ba = bucket_of(a->d_hashval);
	bb = bucket_of(b->d_hashval);
	bucket_enter_two(ba, bb);
	if ((a->d_flags & DF_HASHED) != 0)
		unhash(a);
	if ((b->d_flags & DF_HASHED) != 0)
		unhash(b);
	na = a->d_name == a->d_iname ? NULL : a->d_name;
	nb = b->d_name == b->d_iname ? NULL : b->d_name;
	memcpy(tmp, a->d_iname, sizeof(tmp));
	memcpy(a->d_iname, b->d_iname, sizeof(tmp));
	memcpy(b->d_iname, tmp, sizeof(tmp));
	a->d_name = nb == NULL ? a->d_iname : nb;
	b->d_name = na == NULL ? b->d_iname : na;
	len = a->d_namelen;
	a->d_namelen = b->d_namelen;
	b->d_namelen = len;
	p = a->d_parent;
	a->d_parent = b->d_parent;
	b->d_parent = p;
	h = a->d_hashval;
	atomic_store_relaxed(&a->d_hashval, b->d_hashval);
	atomic_store_relaxed(&b->d_hashval, h);
	LIST_INSERT_HEAD(&bb->b_chain, a, d_hash);
	LIST_INSERT_HEAD(&ba->b_chain, b, d_hash);
	a->d_flags |= DF_HASHED;
	b->d_flags |= DF_HASHED;
	bucket_exit_two(ba, bb);
	rw_exit(&dcache_tree_lock);
}

/* Is anc above d, or d itself?  The mount's rename mutex is held. */
bool
dcache_is_ancestor(struct dentry *anc, struct dentry *d)
{
	bool found = false;

	rw_enter(&dcache_tree_lock, RW_READER);
	for (;;) {
		if (d == anc) {
			found = true;
			break;
		}
		if (d->d_parent == d)
			break;
		d = d->d_parent;
	}
	rw_exit(&dcache_tree_lock);
	return found;
}

/* -- set up -- */

/* Memory is short.  About 16 dentries make up a page, with their vnodes 8. */
static size_t
dcache_shrink(size_t npages)
{
	return dcache_reclaim(npages * 8) / 8;
}

void
dcache_init(void)
{
	size_t n = uvmexp.total / 32, i;

	rw_init(&dcache_tree_lock, "dcache_tree");
	bucket_mask = DCACHE_BUCKETS_MIN - 1;
	while (bucket_mask + 1 < n && bucket_mask + 1 < DCACHE_BUCKETS_MAX)
		bucket_mask = 2 * bucket_mask + 1;
	dentries_max = (unsigned int)MIN(MAX(uvmexp.total / 4, 512), 1 << 20);
	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 0);
	buckets = kmem_zalloc((bucket_mask + 1) * sizeof(*buckets), KM_SLEEP);
	if (buckets == NULL || dentry_cache == NULL)
		panic("vfs: no memory for the name cache");
	for (i = 0; i <= bucket_mask; i++) {
		spin_init(&buckets[i].b_lock, "dcache");
		LIST_INIT(&buckets[i].b_chain);
	}
	dcache_shrinker.sh_func = dcache_shrink;
	shrinker_register(&dcache_shrinker);
}
