/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlayfs: the names of a directory.
 *
 * Overview: one that is in one layer only is that layer's, without whiteouts. A
 * merged one is read as a whole when somebody begins to: names of an upper
 * layer hide those of lower ones, whiteouts hide and are not shown.  The list
 * is kept until the next begins; a cookie is a place in it.
 */
#include <sys/errno.h>
#include <fs/overlay/overlay.h>

#define	BUCKETS		256
#define	NAMES_MAX	1000000		/* of one directory */

/* -- a directory of one layer -- */

struct through {
	readdir_fn	t_fn;
	void		*t_ctx;
	struct vnode	*t_dir;
	const struct overlay_node *t_on;
};

/* Is the name a whiteout?  The directory's lock is held. */
static bool
hidden(struct vnode *dvp, const char *name, size_t len, unsigned int type)
{
	struct vnode *vp;
	bool yes;

	if ((type != DT_CHR && type != DT_UNKNOWN) ||
	    dvp->v_ops->vop_lookup(dvp, name, len, &vp) != 0)
		return false;
	yes = overlay_is_whiteout(vp);
	vrele(vp);
	return yes;
}

static bool
is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool
pass(void *ctx, const char *name, size_t len, ino_t ino, unsigned int type,
    off_t next)
{
	struct through *t = ctx;

	if (t->t_on->on_upper == NULL)
		ino ^= ((ino_t)t->t_on->on_layer + 1) << 26;
	if (!is_dots(name, len) && hidden(t->t_dir, name, len, type))
		return true;
	return t->t_fn(t->t_ctx, name, len, ino, type, next);
}

static int
read_through(struct overlay_node *on, struct vnode *real, off_t *cookie,
    readdir_fn fn, void *ctx)
{
	struct through t = { .t_fn = fn, .t_ctx = ctx, .t_dir = real,
	    .t_on = on };
	int error;

	rw_enter(&real->v_lock, RW_READER);
	error = real->v_ops->vop_readdir(real, cookie, pass, &t);
	rw_exit(&real->v_lock);
	return error;
}

/* -- a merged one -- */

struct gather {
	struct overlay_name **g_buckets;
	struct overlay_name **g_list;
	size_t		g_n, g_max;
	struct vnode	*g_dir;
	unsigned int	g_layer;	/* 0: the upper */
	int		g_error;
};

void
overlay_list_drop(struct overlay_node *on)
{
	struct overlay_name *n;
	size_t i;

	for (i = 0; i < on->on_nlist; i++) {
		n = on->on_list[i];
		kmem_free(n, sizeof(*n) + n->n_len + 1);
	}
	if (on->on_list != NULL)
		kmem_free(on->on_list, on->on_nlist * sizeof(*on->on_list));
	on->on_list = NULL;
	on->on_nlist = 0;
}

static int
gather_room(struct gather *g)
{
	size_t max = MAX(g->g_max * 2, 64);
	struct overlay_name **more;

	if (g->g_n < g->g_max)
		return 0;
	if (max > NAMES_MAX)
		return ENOMEM;
	more = kmem_alloc(max * sizeof(*more), KM_SLEEP);
	if (more == NULL)
		return ENOMEM;
	if (g->g_list != NULL) {
		memcpy(more, g->g_list, g->g_n * sizeof(*more));
		kmem_free(g->g_list, g->g_max * sizeof(*more));
	}
	g->g_list = more;
	g->g_max = max;
	return 0;
}

static bool
take_name(void *ctx, const char *name, size_t len, ino_t ino,
    unsigned int type, off_t next __unused)
{
	struct gather *g = ctx;
	uint32_t h = hash32(name, len) % BUCKETS;
	struct overlay_name *n;

	if (g->g_layer != 0)
		ino ^= (ino_t)g->g_layer << 26;
	for (n = g->g_buckets[h]; n != NULL; n = n->n_next)
		if (n->n_len == len && memcmp(n->n_name, name, len) == 0)
			return true;
	g->g_error = gather_room(g);
	if (g->g_error != 0)
		return false;
	n = kmem_alloc(sizeof(*n) + len + 1, KM_SLEEP);
	if (n == NULL) {
		g->g_error = ENOMEM;
		return false;
	}
	n->n_ino = ino;
	n->n_type = type;
	n->n_len = len;
	memcpy(n->n_name, name, len);
	n->n_name[len] = '\0';
	n->n_whiteout = !is_dots(name, len) && hidden(g->g_dir, name, len,
	    type);
	n->n_next = g->g_buckets[h];
	g->g_buckets[h] = n;
	g->g_list[g->g_n++] = n;
	return true;
}

static int
gather_layer(struct gather *g, struct vnode *real, unsigned int layer)
{
	off_t cookie = 0, before;
	int error;

	g->g_dir = real;
	g->g_layer = layer;
	rw_enter(&real->v_lock, RW_READER);
	do {
		before = cookie;
		error = real->v_ops->vop_readdir(real, &cookie, take_name, g);
	} while (error == 0 && g->g_error == 0 && cookie != before);
	rw_exit(&real->v_lock);
	return error != 0 ? error : g->g_error;
}

/* on_lock held. */
static int
gather_all(struct overlay_node *on)
{
	struct gather g;
	unsigned int i;
	int error = 0;

	overlay_list_drop(on);
	memset(&g, 0, sizeof(g));
	g.g_buckets = kmem_zalloc(BUCKETS * sizeof(*g.g_buckets), KM_SLEEP);
	if (g.g_buckets == NULL)
		return ENOMEM;
	if (on->on_upper != NULL)
		error = gather_layer(&g, on->on_upper, 0);
	for (i = 0; i < on->on_nlowers && error == 0; i++)
		error = gather_layer(&g, on->on_lowers[i],
		    on->on_layer + i + 1);
	kmem_free(g.g_buckets, BUCKETS * sizeof(*g.g_buckets));
	/* An array of exactly that many: its owner frees it by their number. */
	if (g.g_n > 0) {
		on->on_list = kmem_alloc(g.g_n * sizeof(*g.g_list), KM_SLEEP);
		if (on->on_list == NULL && error == 0)
			error = ENOMEM;
	}
	for (i = 0; i < g.g_n; i++)
		if (on->on_list != NULL)
			on->on_list[i] = g.g_list[i];
		else
			kmem_free(g.g_list[i], sizeof(**g.g_list) +
			    g.g_list[i]->n_len + 1);
	on->on_nlist = on->on_list != NULL ? g.g_n : 0;
	if (g.g_list != NULL)
		kmem_free(g.g_list, g.g_max * sizeof(*g.g_list));
	if (error != 0)
		overlay_list_drop(on);
	return error;
}

static int
read_merged(struct overlay_node *on, off_t *cookie, readdir_fn fn, void *ctx)
{
	struct overlay_name *n;
	int error = 0;

	mutex_enter(&on->on_lock);
	if (*cookie == 0 || on->on_list == NULL)
		error = gather_all(on);
	for (; error == 0 && (uint64_t)*cookie < on->on_nlist; ++*cookie) {
		n = on->on_list[*cookie];
		if (!n->n_whiteout && !fn(ctx, n->n_name, n->n_len, n->n_ino,
		    n->n_type, *cookie + 1))
			break;
	}
	mutex_exit(&on->on_lock);
	return error;
}

int
overlay_readdir(struct vnode *dvp, off_t *cookie, readdir_fn fn, void *ctx)
{
	struct overlay_node *on = OVERLAY_NODE(dvp);

	if (on->on_nlowers + (on->on_upper != NULL ? 1 : 0) == 1)
		return read_through(on, overlay_real(dvp), cookie, fn, ctx);
	return read_merged(on, cookie, fn, ctx);
}

/* -- empty ones -- */

static bool
see_name(void *ctx, const char *name, size_t len, ino_t ino __unused,
    unsigned int type __unused, off_t next __unused)
{
	bool *any = ctx;

	*any |= !is_dots(name, len);
	return !*any;
}

int
overlay_dir_empty(struct vnode *dvp)
{
	off_t cookie = 0;
	bool any = false;
	int error;

	error = overlay_readdir(dvp, &cookie, see_name, &any);
	return error != 0 ? error : any ? ENOTEMPTY : 0;
}

struct first {
	char		f_name[MAXNAMLEN + 1];
	size_t		f_len;
};

static bool
take_first(void *ctx, const char *name, size_t len, ino_t ino __unused,
    unsigned int type __unused, off_t next __unused)
{
	struct first *f = ctx;

	if (is_dots(name, len) || len > MAXNAMLEN)
		return true;
	memcpy(f->f_name, name, len);
	f->f_len = len;
	return false;
}

int
overlay_clear(struct vnode *real)
{
	struct first *f = kmem_alloc(sizeof(*f), KM_SLEEP);
	struct vnode *vp;
	off_t cookie;
	int error = 0;

	if (f == NULL)
		return ENOMEM;
	rw_enter(&real->v_lock, RW_WRITER);
	while (error == 0) {
		cookie = 0;
		f->f_len = 0;
		error = real->v_ops->vop_readdir(real, &cookie, take_first,
		    f);
		if (error != 0 || f->f_len == 0)
			break;
		error = real->v_ops->vop_lookup(real, f->f_name, f->f_len,
		    &vp);
		if (error != 0)
			break;
		if (!overlay_is_whiteout(vp)) {
			error = ENOTEMPTY;
		} else {
			rw_enter(&vp->v_lock, RW_WRITER);
			error = real->v_ops->vop_unlink(real, f->f_name,
			    f->f_len, vp);
			rw_exit(&vp->v_lock);
		}
		vrele(vp);
	}
	rw_exit(&real->v_lock);
	kmem_free(f, sizeof(*f));
	return error;
}
