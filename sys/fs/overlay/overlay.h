/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: directories of one upper and several lower layers seen as one.
 *
 * Overview: a file of an overlay stands for a file of one layer, the real one;
 * a directory for those of that name in all layers down to one that is no
 * directory, or opaque.  Lower layers are never changed.  What is to change is
 * copied to the upper layer first (copy-up), with the directories above it.
 * What is removed leaves a whiteout, a character device 0:0, in the upper layer
 * if a lower one has the name; a new directory over one is opaque, which the
 * attribute trusted.overlay.opaque says.  The formats are Linux's.
 *
 * Changes of the layers behind the overlay's back are seen late or never, as on
 * Linux; its own changes of the upper layer are seen there at once.
 *
 * Locking, outermost first: v_lock of the overlay's files; on_lock of a file,
 * its directory's after it; om_work; v_lock of real files, the work directory's
 * first.
 */
#ifndef _FS_OVERLAY_H_
#define	_FS_OVERLAY_H_

#include <sys/diskfs.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#define	OVERLAY_LAYERS	64
#define	OVERLAY_OPAQUE	"trusted.overlay.opaque"

struct overlay_mount {
	struct mount	*om_mp;
	struct path	om_upper, om_workdir;	/* [I] om_hasupper */
	bool		om_hasupper;
	struct path	om_lower[OVERLAY_LAYERS]; /* [I] topmost first */
	unsigned int	om_nlower;
	char		*om_options;	/* [I] for /proc/mounts */
	struct vnode	*om_workvp;	/* [I] workdir/work */
	struct mutex	om_work;	/* names in it */
	unsigned int	om_nexttmp;	/* [om_work] */
	struct vntable	om_table;	/* by the real file */
	struct vnode	*om_root;
};
#define	OVERLAY_MOUNT(mp)	((struct overlay_mount *)(mp)->mnt_data)

/* A name of a merged directory. */
struct overlay_name {
	struct overlay_name *n_next;
	ino_t		n_ino;
	unsigned int	n_type;
	bool		n_whiteout;
	size_t		n_len;
	char		n_name[];
};

struct overlay_node {
	struct overlay_mount *on_om;
	struct vnode	*on_vnode;
	struct mutex	on_lock;
	struct vnode	*on_parent;	/* [l] referenced; NULL: the root */
	char		*on_name;	/* [l] */
	/* Referenced; once set it stays. */
	struct vnode	*on_upper;	/* [l] or NULL */
	struct vnode	**on_lowers;	/* [I] a directory's may be many */
	unsigned int	on_nlowers;
	unsigned int	on_layer;	/* [I] of the first of them */
	/* What readdir shows of a merged directory. [l] */
	struct overlay_name **on_list;
	size_t		on_nlist;
};
#define	OVERLAY_NODE(vp)	((struct overlay_node *)(vp)->v_data)

/* The file that is read: the upper one, or the topmost of the lower ones. */
static inline struct vnode *
overlay_real(struct vnode *vp)
{
	struct overlay_node *on = OVERLAY_NODE(vp);
	struct vnode *up = atomic_load(&on->on_upper);

	return up != NULL ? up : on->on_lowers[0];
}

static inline bool
overlay_is_whiteout(const struct vnode *vp)
{
	return S_ISCHR(vp->v_mode) && vp->v_rdev == 0;
}

/* overlay_node.c */
/* A name in a real directory, referenced; takes and leaves its lock. */
int	overlay_real_lookup(struct vnode *dvp, const char *, size_t,
	    struct vnode **);
bool	overlay_is_opaque(struct vnode *);
int	overlay_lookup(struct vnode *dvp, const char *, size_t,
	    struct vnode **);
/* Takes the references of up and of what is in lowers. */
int	overlay_node_get(struct overlay_mount *, struct vnode *parent,
	    const char *, size_t, struct vnode *up, struct vnode **lowers,
	    unsigned int nlowers, unsigned int layer, struct vnode **);
/* Is the name in a lower layer of the directory, and no whiteout? */
int	overlay_in_lower(struct vnode *dvp, const char *, size_t, bool *);
void	overlay_attr_sync(struct vnode *);
int	overlay_node_rename(struct vnode *, struct vnode *parent,
	    const char *, size_t);
void	overlay_list_drop(struct overlay_node *);
void	overlay_reclaim(struct vnode *);

/* overlay_copyup.c */
/* EROFS: there is no upper layer. */
int	overlay_copy_up(struct vnode *);
int	overlay_tmp_name(struct overlay_mount *, char *, size_t);
int	overlay_set_opaque(struct vnode *real);
int	overlay_add_upper(struct overlay_node *, struct vnode *up);

/* overlay_readdir.c */
int	overlay_readdir(struct vnode *, off_t *, readdir_fn, void *);
int	overlay_dir_empty(struct vnode *);
/* Remove the whiteouts from a real directory that has nothing else. */
int	overlay_clear(struct vnode *real);

extern const struct vops overlay_vops;

#endif /* !_FS_OVERLAY_H_ */
