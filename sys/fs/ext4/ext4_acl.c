/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: access control lists.
 *
 * Overview: on the disk a list is an attribute of a form of its own, shorter
 * than the one programs see (system.posix_acl_*).  A list for access that says
 * no more than the mode does is not kept.  New files get their directory's
 * default list, as far as the mode they are made with allows.
 *
 * The list for access is kept in memory with the inode: it is asked often.
 *
 * Untrusted input: both forms.
 */
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <fs/ext4/ext4.h>

#define	TAG_USER_OBJ	0x01
#define	TAG_USER	0x02
#define	TAG_GROUP_OBJ	0x04
#define	TAG_GROUP	0x08
#define	TAG_MASK	0x10
#define	TAG_OTHER	0x20

#define	XATTR_VERSION	2	/* of the form programs see */
#define	ENTRIES_MAX	256

struct acl_entry {		/* what programs see; in memory, too */
	uint16_t	ae_tag, ae_perm;
	uint32_t	ae_id;
};

struct acl {
	unsigned int	n;
	struct acl_entry e[ENTRIES_MAX];
};

struct ext4_acl {
	unsigned int	ea_n;
	struct acl_entry ea_e[];
};

static bool
has_id(uint16_t tag)
{
	return tag == TAG_USER || tag == TAG_GROUP;
}

static struct acl *
acl_alloc(void)
{
	return kmem_alloc(sizeof(struct acl), KM_SLEEP);
}

static void
acl_free(struct acl *acl)
{
	kmem_free(acl, sizeof(*acl));
}

static struct acl_entry *
entry_of(struct acl *acl, uint16_t tag)
{
	unsigned int i;

	for (i = 0; i < acl->n; i++)
		if (acl->e[i].ae_tag == tag)
			return &acl->e[i];
	return NULL;
}

/* The order and number of entries are what they must be. */
static bool
acl_valid(struct acl *acl)
{
	uint16_t last = 0;
	bool named = false;
	unsigned int i;

	for (i = 0; i < acl->n; i++) {
		if ((acl->e[i].ae_perm & ~7U) != 0 ||
		    acl->e[i].ae_tag < last ||
		    (acl->e[i].ae_tag == last && !has_id(last)))
			return false;
		last = acl->e[i].ae_tag;
		if ((last & (last - 1)) != 0 || last > TAG_OTHER)
			return false;
		named |= has_id(last);
	}
	return entry_of(acl, TAG_USER_OBJ) != NULL &&
	    entry_of(acl, TAG_GROUP_OBJ) != NULL &&
	    entry_of(acl, TAG_OTHER) != NULL &&
	    (!named || entry_of(acl, TAG_MASK) != NULL);
}

static int
from_xattr(const char *p, size_t size, struct acl *acl)
{
	uint32_t version;

	if (size < 4 || (size - 4) % sizeof(acl->e[0]) != 0 ||
	    (size - 4) / sizeof(acl->e[0]) > ENTRIES_MAX)
		return EINVAL;
	memcpy(&version, p, 4);
	if (version != XATTR_VERSION)
		return EOPNOTSUPP;
	acl->n = (unsigned int)((size - 4) / sizeof(acl->e[0]));
	memcpy(acl->e, p + 4, size - 4);
	return acl->n == 0 || acl_valid(acl) ? 0 : EINVAL;
}

static int
from_disk(const char *p, size_t size, struct acl *acl)
{
	struct acl_entry *e;
	uint32_t version;
	size_t off = 4;

	acl->n = 0;
	if (size < 4)
		return EIO;
	memcpy(&version, p, 4);
	if (version != EXT4_ACL_VERSION)
		return EIO;
	while (off + 4 <= size && acl->n < ENTRIES_MAX) {
		e = &acl->e[acl->n++];
		memcpy(&e->ae_tag, p + off, 2);
		memcpy(&e->ae_perm, p + off + 2, 2);
		e->ae_id = UINT32_MAX;
		off += 4;
		if (has_id(e->ae_tag)) {
			if (off + 4 > size)
				return EIO;
			memcpy(&e->ae_id, p + off, 4);
			off += 4;
		}
	}
	return off == size && acl_valid(acl) ? 0 : EIO;
}

static size_t
to_disk(const struct acl *acl, char *p)
{
	uint32_t version = EXT4_ACL_VERSION;
	size_t off = 4;
	unsigned int i;

	memcpy(p, &version, 4);
	for (i = 0; i < acl->n; i++) {
		memcpy(p + off, &acl->e[i], 4);
		off += 4;
		if (has_id(acl->e[i].ae_tag)) {
			memcpy(p + off, &acl->e[i].ae_id, 4);
			off += 4;
		}
	}
	return off;
}

/* ENODATA: there is none. */
static int
acl_read(struct ext4_inode *ei, unsigned int index, struct acl *acl)
{
	size_t cap = ei->ei_em->em_bsize, len;
	char *buf = kmem_alloc(cap, KM_SLEEP);
	int error;

	if (buf == NULL)
		return ENOMEM;
	error = ext4_xattr_read(ei, index, "", buf, cap, &len);
	if (error == 0)
		error = from_disk(buf, len, acl);
	kmem_free(buf, cap);
	return error;
}

static size_t
kept_size(unsigned int n)
{
	return sizeof(struct ext4_acl) + n * sizeof(struct acl_entry);
}

/* acl NULL: there is none any more. */
static int
keep(struct ext4_inode *ei, const struct acl *acl)
{
	struct ext4_acl *new = NULL, *old;

	if (acl != NULL) {
		new = kmem_alloc(kept_size(acl->n), KM_SLEEP);
		if (new == NULL)
			return ENOMEM;
		new->ea_n = acl->n;
		memcpy(new->ea_e, acl->e, acl->n * sizeof(acl->e[0]));
	}
	mutex_enter(&ei->ei_lock);
	old = ei->ei_acl;
	ei->ei_acl = new;
	mutex_exit(&ei->ei_lock);
	if (old != NULL)
		kmem_free(old, kept_size(old->ea_n));
	return 0;
}

void
ext4_acl_unload(struct ext4_inode *ei)
{
	(void)keep(ei, NULL);
}

int
ext4_acl_load(struct ext4_inode *ei)
{
	struct acl *acl;
	int error;

	if (!ei->ei_mayattr || S_ISLNK(ei->ei_mode))
		return 0;
	acl = acl_alloc();
	if (acl == NULL)
		return ENOMEM;
	error = acl_read(ei, EXT4_XI_ACL, acl);
	if (error == 0)
		error = keep(ei, acl);
	acl_free(acl);
	return error == ENODATA ? 0 : error;
}

/* The rules of acl(5); what capabilities allow is the VFS's business. */
static int
acl_check(const struct ext4_inode *ei, const struct ext4_acl *acl, int how,
    const struct cred *cr)
{
	const struct acl_entry *e, *other = NULL;
	uint16_t want = (uint16_t)(how & 7), mask = 7;
	bool group = false, granted = false;
	unsigned int i;

	for (i = 0; i < acl->ea_n; i++)
		if (acl->ea_e[i].ae_tag == TAG_MASK)
			mask = acl->ea_e[i].ae_perm;
	for (i = 0; i < acl->ea_n; i++) {
		e = &acl->ea_e[i];
		if (e->ae_tag == TAG_USER_OBJ && cr->cr_fsuid == ei->ei_uid)
			return (want & ~e->ae_perm) == 0 ? 0 : EACCES;
		if (e->ae_tag == TAG_USER && cr->cr_fsuid == e->ae_id)
			return (want & ~(e->ae_perm & mask)) == 0 ? 0 : EACCES;
		if ((e->ae_tag == TAG_GROUP_OBJ &&
		    cred_in_group(cr, ei->ei_gid)) ||
		    (e->ae_tag == TAG_GROUP && cred_in_group(cr, e->ae_id))) {
			group = true;
			granted |= (want & ~(e->ae_perm & mask)) == 0;
		}
		if (e->ae_tag == TAG_OTHER)
			other = e;
	}
	if (group)
		return granted ? 0 : EACCES;
	return other != NULL && (want & ~other->ae_perm) == 0 ? 0 : EACCES;
}

int
ext4_access(struct vnode *vp, int how, const struct cred *cr)
{
	struct ext4_inode *ei = EXT4_I(vp);
	int error = EOPNOTSUPP;

	if (atomic_load_relaxed(&ei->ei_acl) == NULL)
		return EOPNOTSUPP;
	mutex_enter(&ei->ei_lock);
	if (ei->ei_acl != NULL)
		error = acl_check(ei, ei->ei_acl, how, cr);
	mutex_exit(&ei->ei_lock);
	return error;
}

static int
acl_write(struct ext4_handle *h, struct ext4_inode *ei, unsigned int index,
    const struct acl *acl)
{
	size_t cap = 4 + ENTRIES_MAX * 8;
	char *buf = kmem_alloc(cap, KM_SLEEP);
	int error;

	if (buf == NULL)
		return ENOMEM;
	error = ext4_xattr_write(h, ei, index, "", buf, to_disk(acl, buf), 0);
	kmem_free(buf, cap);
	if (error == 0 && index == EXT4_XI_ACL)
		error = keep(ei, acl);
	return error;
}

int
ext4_acl_get(struct ext4_inode *ei, unsigned int index, void *buf,
    size_t size, size_t *len)
{
	uint32_t version = XATTR_VERSION;
	struct acl *acl = acl_alloc();
	int error;

	if (acl == NULL)
		return ENOMEM;
	error = acl_read(ei, index, acl);
	if (error == 0) {
		*len = 4 + acl->n * sizeof(acl->e[0]);
		if (size != 0 && size < *len) {
			error = ERANGE;
		} else if (size != 0) {
			memcpy(buf, &version, 4);
			memcpy((char *)buf + 4, acl->e, *len - 4);
		}
	}
	acl_free(acl);
	return error;
}

/* The mode's bits by the list; true if that is all the list says. */
static bool
acl_to_mode(struct acl *acl, mode_t *mode)
{
	struct acl_entry *mask = entry_of(acl, TAG_MASK);
	struct acl_entry *g = mask != NULL ? mask :
	    entry_of(acl, TAG_GROUP_OBJ);

	*mode = (*mode & ~(mode_t)0777) |
	    (mode_t)entry_of(acl, TAG_USER_OBJ)->ae_perm << 6 |
	    (mode_t)g->ae_perm << 3 | entry_of(acl, TAG_OTHER)->ae_perm;
	return acl->n == 3;
}

static int
drop(struct ext4_handle *h, struct ext4_inode *ei, unsigned int index)
{
	int error = ext4_xattr_write(h, ei, index, "", NULL, 0, 0);

	if (index == EXT4_XI_ACL && (error == 0 || error == ENODATA))
		(void)keep(ei, NULL);
	return error == ENODATA ? 0 : error;
}

/* value NULL or without entries: remove it. */
int
ext4_acl_set(struct ext4_handle *h, struct ext4_inode *ei,
    unsigned int index, const void *value, size_t size)
{
	mode_t mode = ei->ei_mode;
	struct acl *acl;
	int error = 0;

	if (index == EXT4_XI_DEFACL && !S_ISDIR(ei->ei_mode))
		return value == NULL ? 0 : EACCES;
	if (value == NULL)
		return drop(h, ei, index);
	acl = acl_alloc();
	if (acl == NULL)
		return ENOMEM;
	error = from_xattr(value, size, acl);
	if (error == 0 && acl->n == 0) {
		error = drop(h, ei, index);
	} else if (error == 0 && index == EXT4_XI_ACL) {
		if (acl_to_mode(acl, &mode))
			error = drop(h, ei, index);
		else
			error = acl_write(h, ei, index, acl);
		if (error == 0) {
			ei->ei_mode = (uint16_t)mode;
			ei->ei_vnode->v_mode = mode;
			ext4_itouch(ei, false);
			error = ext4_iwrite(h, ei);
		}
	} else if (error == 0) {
		error = acl_write(h, ei, index, acl);
	}
	acl_free(acl);
	return error;
}

/* chmod: the list follows the mode. */
int
ext4_acl_chmod(struct ext4_handle *h, struct ext4_inode *ei, mode_t mode)
{
	struct acl *acl;
	struct acl_entry *g;
	int error;

	if (ei->ei_acl == NULL)
		return 0;
	acl = acl_alloc();
	if (acl == NULL)
		return ENOMEM;
	error = acl_read(ei, EXT4_XI_ACL, acl);
	if (error == 0) {
		g = entry_of(acl, TAG_MASK);
		if (g == NULL)
			g = entry_of(acl, TAG_GROUP_OBJ);
		entry_of(acl, TAG_USER_OBJ)->ae_perm = mode >> 6 & 7;
		g->ae_perm = mode >> 3 & 7;
		entry_of(acl, TAG_OTHER)->ae_perm = mode & 7;
		error = acl_write(h, ei, EXT4_XI_ACL, acl);
	}
	acl_free(acl);
	return error == ENODATA ? 0 : error;
}

/* What the mode of creation leaves of a default list. */
static void
acl_restrict(struct acl *acl, mode_t mode)
{
	struct acl_entry *g = entry_of(acl, TAG_MASK);

	if (g == NULL)
		g = entry_of(acl, TAG_GROUP_OBJ);
	entry_of(acl, TAG_USER_OBJ)->ae_perm &= mode >> 6 & 7;
	g->ae_perm &= mode >> 3 & 7;
	entry_of(acl, TAG_OTHER)->ae_perm &= mode & 7;
}

/* A new file in a directory; its inode has been written. */
int
ext4_acl_inherit(struct ext4_handle *h, struct ext4_inode *dir,
    struct ext4_inode *ei)
{
	mode_t mode = ei->ei_mode;
	struct acl *acl;
	int error;

	if (S_ISLNK(mode))
		return 0;
	acl = acl_alloc();
	if (acl == NULL)
		return ENOMEM;
	error = acl_read(dir, EXT4_XI_DEFACL, acl);
	if (error == 0 && S_ISDIR(mode))
		error = acl_write(h, ei, EXT4_XI_DEFACL, acl);
	if (error == 0) {
		acl_restrict(acl, mode);
		if (!acl_to_mode(acl, &mode))
			error = acl_write(h, ei, EXT4_XI_ACL, acl);
		ei->ei_mode = (uint16_t)mode;
		ei->ei_vnode->v_mode = mode;
	}
	acl_free(acl);
	return error == ENODATA ? 0 : error;
}
