/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: files in memory, and finding them in the layers.
 *
 * A file is known by the real one: in a table, so that everybody who finds it
 * gets the same vnode, also after it was copied up.
 */
#include <sys/errno.h>
#include <fs/overlay/overlay.h>

/* -- the layers -- */

int
overlay_real_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	int error;

	if (dvp->v_ops->vop_lookup == NULL)
		return ENOTDIR;
	rw_enter(&dvp->v_lock, RW_READER);
	error = (dvp->v_flags & VV_DEAD) != 0 ? ENOENT :
	    dvp->v_ops->vop_lookup(dvp, name, len, vpp);
	rw_exit(&dvp->v_lock);
	return error;
}

bool
overlay_is_opaque(struct vnode *vp)
{
	char value[2];
	size_t len = 0;
	int error;

	if (vp->v_ops->vop_getxattr == NULL)
		return false;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_ops->vop_getxattr(vp, OVERLAY_OPAQUE, value,
	    sizeof(value), &len);
	rw_exit(&vp->v_lock);
	return error == 0 && len == 1 && value[0] == 'y';
}

/* What a name leads to in the layers. */
struct found {
	struct vnode	*f_upper;
	struct vnode	*f_lowers[OVERLAY_LAYERS];
	unsigned int	f_n, f_layer;
	bool		f_stop;		/* layers below are hidden */
};

static void
found_put(struct found *f)
{
	if (f->f_upper != NULL)
		vrele(f->f_upper);
	while (f->f_n > 0)
		vrele(f->f_lowers[--f->f_n]);
}

/* vp, whose reference is taken, is what the next layer has. */
static void
found_add(struct found *f, struct vnode *vp, bool upper)
{
	bool first = f->f_upper == NULL && f->f_n == 0;
	bool dir = S_ISDIR(vp->v_mode);

	if (overlay_is_whiteout(vp) || (!first && !dir)) {
		f->f_stop = true;
		vrele(vp);
		return;
	}
	f->f_stop = !dir || overlay_is_opaque(vp);
	if (upper)
		f->f_upper = vp;
	else
		f->f_lowers[f->f_n++] = vp;
}

static int
find(struct overlay_node *dir, const char *name, size_t len,
    struct found *f)
{
	struct vnode *vp, *up = atomic_load(&dir->on_upper);
	unsigned int i;
	int error;

	memset(f, 0, sizeof(*f));
	error = up == NULL ? ENOENT :
	    overlay_real_lookup(up, name, len, &vp);
	if (error == 0)
		found_add(f, vp, true);
	for (i = 0; i < dir->on_nlowers && !f->f_stop &&
	    (error == 0 || error == ENOENT); i++) {
		error = overlay_real_lookup(dir->on_lowers[i], name, len,
		    &vp);
		if (error != 0)
			continue;
		if (f->f_n == 0)
			f->f_layer = dir->on_layer + i;
		found_add(f, vp, false);
	}
	if (error == ENOENT || error == 0)
		error = f->f_upper == NULL && f->f_n == 0 ? ENOENT : 0;
	if (error != 0)
		found_put(f);
	return error;
}

int
overlay_lookup(struct vnode *dvp, const char *name, size_t len,
    struct vnode **vpp)
{
	struct overlay_node *dir = OVERLAY_NODE(dvp);
	struct found *f = kmem_alloc(sizeof(*f), KM_SLEEP);
	int error;

	if (f == NULL)
		return ENOMEM;
	error = find(dir, name, len, f);
	if (error == 0)
		error = overlay_node_get(dir->on_om, dvp, name, len,
		    f->f_upper, f->f_lowers, f->f_n, f->f_layer, vpp);
	kmem_free(f, sizeof(*f));
	return error;
}

int
overlay_in_lower(struct vnode *dvp, const char *name, size_t len, bool *yes)
{
	struct overlay_node *dir = OVERLAY_NODE(dvp);
	struct vnode *vp;
	unsigned int i;
	int error = ENOENT;

	*yes = false;
	for (i = 0; i < dir->on_nlowers && error == ENOENT; i++)
		error = overlay_real_lookup(dir->on_lowers[i], name, len,
		    &vp);
	if (error == 0) {
		*yes = !overlay_is_whiteout(vp);
		vrele(vp);
	}
	return error == ENOENT ? 0 : error;
}

/* -- vnodes -- */

static void
node_free(struct overlay_node *on)
{
	unsigned int i;

	overlay_list_drop(on);
	for (i = 0; i < on->on_nlowers; i++)
		vrele(on->on_lowers[i]);
	if (on->on_lowers != NULL)
		kmem_free(on->on_lowers, on->on_nlowers *
		    sizeof(*on->on_lowers));
	if (on->on_upper != NULL)
		vrele(on->on_upper);
	if (on->on_parent != NULL)
		vrele(on->on_parent);
	if (on->on_name != NULL)
		kmem_strfree(on->on_name);
	mutex_destroy(&on->on_lock);
	kmem_free(on, sizeof(*on));
}

/* Owner and mode are the real file's. */
void
overlay_attr_sync(struct vnode *vp)
{
	struct vnode *real = overlay_real(vp);

	vp->v_mode = real->v_mode;
	vp->v_uid = real->v_uid;
	vp->v_gid = real->v_gid;
}

static char *
name_dup(const char *name, size_t len)
{
	char *copy, *buf = kmem_alloc(len + 1, KM_SLEEP);

	if (buf == NULL)
		return NULL;
	memcpy(buf, name, len);
	buf[len] = '\0';
	copy = kmem_strdup(buf, KM_SLEEP);
	kmem_free(buf, len + 1);
	return copy;
}

static struct overlay_node *
node_make(struct overlay_mount *om, struct vnode *parent, const char *name,
    size_t len, struct vnode *up, struct vnode **lowers,
    unsigned int nlowers, unsigned int layer)
{
	struct overlay_node *on = kmem_zalloc(sizeof(*on), KM_SLEEP);
	unsigned int i;

	if (on == NULL)
		goto fail;
	mutex_init(&on->on_lock, "overlay");
	on->on_om = om;
	on->on_layer = layer;
	if (nlowers > 0)
		on->on_lowers = kmem_alloc(nlowers * sizeof(*on->on_lowers),
		    KM_SLEEP);
	on->on_name = name_dup(name, len);
	if ((nlowers > 0 && on->on_lowers == NULL) || on->on_name == NULL) {
		node_free(on);
		goto fail;
	}
	if (nlowers > 0)
		memcpy(on->on_lowers, lowers, nlowers * sizeof(*lowers));
	on->on_nlowers = nlowers;
	on->on_upper = up;
	on->on_parent = parent != NULL ? vref(parent) : NULL;
	return on;
fail:
	for (i = 0; i < nlowers; i++)
		vrele(lowers[i]);
	if (up != NULL)
		vrele(up);
	return NULL;
}

/* The numbers of several layers must not meet, as far as that goes. */
static ino_t
number_for(const struct overlay_node *on)
{
	if (on->on_upper != NULL)
		return on->on_upper->v_ino;
	return on->on_lowers[0]->v_ino ^ ((ino_t)on->on_layer + 1) << 26;
}

int
overlay_node_get(struct overlay_mount *om, struct vnode *parent,
    const char *name, size_t len, struct vnode *up, struct vnode **lowers,
    unsigned int nlowers, unsigned int layer, struct vnode **vpp)
{
	struct vnode *real = up != NULL ? up : lowers[0], *vp, *other;
	struct overlay_node *on;
	int error;

	other = vntable_find(&om->om_table, (uintptr_t)real);
	on = node_make(om, parent, name, len, up, lowers, nlowers, layer);
	if (on == NULL || other != NULL) {
		if (on != NULL)
			node_free(on);
		*vpp = other;
		return other != NULL ? 0 : ENOMEM;
	}
	error = vnode_alloc(om->om_mp, &overlay_vops, on, &vp);
	if (error != 0) {
		node_free(on);
		return error;
	}
	on->on_vnode = vp;
	/* Real files' locks are taken while it is held: another class. */
	rw_destroy(&vp->v_lock);
	rw_init(&vp->v_lock, "overlay_vnode");
	/* Names come and go in it that the layer's own cache does not know. */
	if (up != NULL && S_ISDIR(up->v_mode))
		(void)atomic_or(&up->v_flags, VV_NOCACHE);
	overlay_attr_sync(vp);
	vp->v_rdev = real->v_rdev;
	vp->v_ino = number_for(on);
	other = vntable_enter(&om->om_table, vp);
	if (other != NULL) {		/* somebody was first */
		vrele(vp);
		vp = other;
	}
	*vpp = vp;
	return 0;
}

int
overlay_node_rename(struct vnode *vp, struct vnode *parent, const char *name,
    size_t len)
{
	struct overlay_node *on = OVERLAY_NODE(vp);
	char *copy = name_dup(name, len);
	struct vnode *old;

	if (copy == NULL)
		return ENOMEM;
	mutex_enter(&on->on_lock);
	kmem_strfree(on->on_name);
	on->on_name = copy;
	old = on->on_parent;
	on->on_parent = vref(parent);
	mutex_exit(&on->on_lock);
	vrele(old);
	return 0;
}

/* The file has an upper one from now on; takes the reference. */
int
overlay_add_upper(struct overlay_node *on, struct vnode *up)
{
	struct vntable *vt = &on->on_om->om_table;

	if (S_ISDIR(up->v_mode))
		(void)atomic_or(&up->v_flags, VV_NOCACHE);
	vntable_rekey_begin(vt, on->on_vnode);
	atomic_store(&on->on_upper, up);
	vntable_rekey_end(vt, on->on_vnode);
	return 0;
}

void
overlay_reclaim(struct vnode *vp)
{
	struct overlay_node *on = OVERLAY_NODE(vp);

	vntable_leave(&on->on_om->om_table, vp);
	node_free(on);
}
