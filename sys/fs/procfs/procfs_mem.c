/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the memory of a process: mem, cmdline, environ, auxv, maps, smaps.
 * Formats: proc(5).
 *
 * A vmspace is referenced while the process is held in place, and looked at
 * after it is let go: reading foreign memory may sleep.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <fs/procfs/procfs_pid.h>
#include <uvm/uvm.h>

/* Its memory as it is now, referenced; NULL: none any more. */
static struct vmspace *
vm_take(struct proc *p)
{
	return p->p_vmspace != NULL ? vmspace_get(p->p_vmspace) : NULL;
}

/* The same if the caller may see it. */
static int
vm_inspect(const struct pfs_node *pn, struct vmspace **vmp)
{
	struct proc *p;
	int error;

	error = pfs_inspect(pn, &p);
	if (error == 0) {
		*vmp = vm_take(p);
		pfs_inspect_done(p);
	}
	return error;
}

/* The reference to vm is given up. */
static int
fill_memory(struct vmspace *vm, struct pbuf *pb, vaddr_t from, vaddr_t to)
{
	char *page;
	size_t n;
	int error = 0;

	if (vm == NULL)
		return 0;		/* a zombie: empty */
	page = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (page == NULL)
		error = ENOMEM;
	for (; error == 0 && from < to; from += n) {
		n = MIN(to - from, PAGE_SIZE);
		error = uvm_io(vm, from, page, n, UIO_READ, true);
		if (error == 0)
			pbuf_write(pb, page, n);
	}
	if (page != NULL)
		kmem_free(page, PAGE_SIZE);
	vmspace_put(vm);
	/* Memory that is not there (any more) ends the text. */
	return error == ENOMEM ? error : 0;
}

int
pfs_fill_cmdline(const struct pfs_node *pn, struct pbuf *pb)
{
	struct proc *p = pfs_proc(pn);
	struct vmspace *vm;
	vaddr_t from, to;

	if (p == NULL)
		return ESRCH;
	spin_enter(&p->p_lock);
	from = p->p_argstart;
	to = p->p_argend;
	vm = vm_take(p);
	spin_exit(&p->p_lock);
	pfs_proc_done();
	return fill_memory(vm, pb, from, to);
}

int
pfs_fill_environ(const struct pfs_node *pn, struct pbuf *pb)
{
	struct vmspace *vm;
	struct proc *p;
	vaddr_t from, to;
	int error;

	error = pfs_inspect(pn, &p);
	if (error != 0)
		return error;
	from = p->p_envstart;
	to = p->p_envend;
	vm = vm_take(p);
	pfs_inspect_done(p);
	return fill_memory(vm, pb, from, to);
}

int
pfs_fill_auxv(const struct pfs_node *pn, struct pbuf *pb)
{
	struct vmspace *vm;
	struct proc *p;
	vaddr_t from, len;
	int error;

	error = pfs_inspect(pn, &p);
	if (error != 0)
		return error;
	from = p->p_auxv;
	len = p->p_auxvlen;
	vm = vm_take(p);
	pfs_inspect_done(p);
	return fill_memory(vm, pb, from, from + len);
}

/* A part of a page of the process' memory. */
static int
io_page(struct vmspace *vm, char *page, size_t n, struct uio *uio)
{
	vaddr_t va = (vaddr_t)uio->uio_offset;
	int error;

	if (uio->uio_rw == UIO_READ) {
		if (uvm_io(vm, va, page, n, UIO_READ, true) != 0)
			return EIO;
		return uiomove(page, n, uio);
	}
	if ((error = uiomove(page, n, uio)) != 0)
		return error;
	if (uvm_io(vm, va, page, n, UIO_WRITE, true) == 0)
		return 0;
	uio->uio_resid += n;		/* it did not arrive */
	uio->uio_offset -= (off_t)n;
	return EIO;
}

/* The process' memory, at the addresses it has there. */
int
pfs_io_mem(const struct pfs_node *pn, struct uio *uio)
{
	size_t start = uio->uio_resid, n;
	struct vmspace *vm;
	char *page;
	int error;

	if ((error = vm_inspect(pn, &vm)) != 0)
		return error;
	if (vm == NULL)
		return 0;
	if ((page = kmem_alloc(PAGE_SIZE, KM_SLEEP)) == NULL)
		error = ENOMEM;
	while (error == 0 && uio->uio_resid > 0) {
		n = MIN(uio->uio_resid, PAGE_SIZE -
		    ((size_t)uio->uio_offset & PAGE_MASK));
		error = uio->uio_offset < 0 ||
		    (uint64_t)uio->uio_offset >= VM_MAX_ADDRESS ? EIO :
		    io_page(vm, page, n, uio);
	}
	if (page != NULL)
		kmem_free(page, PAGE_SIZE);
	vmspace_put(vm);
	return uio->uio_resid != start ? 0 : error;
}

/* ---- maps ---- */

/* The name of a mapping, in the column of all names of the line from start. */
static void
name_column(struct pbuf *pb, size_t start, const char *name)
{
	size_t width = pb->pb_len - start;

	if (width < 73)
		pbuf_printf(pb, "%*s", (int)(73 - width), "");
	pbuf_write(pb, name, strlen(name));
}

static void
map_line(struct pbuf *pb, struct vmspace *vm __unused,
    const struct vm_map_entry *e, char *name)
{
	struct stat_k st = { 0 };
	struct vnode *vp;
	const char *label = "";
	size_t start = pb->pb_len;

	if (e->e_file != NULL) {
		vp = file_vnode(e->e_file);
		if (vp != NULL && vp->v_ops->vop_getattr != NULL)
			(void)vp->v_ops->vop_getattr(vp, &st);
		if (e->e_file->f_path != NULL &&
		    path_name(e->e_file->f_path, NULL, name, MAXPATHLEN) == 0)
			label = name;
	} else if ((e->e_flags & ME_HEAP) != 0) {
		label = "[heap]";
	} else if ((e->e_flags & ME_STACK) != 0) {
		label = "[stack]";
	} else if ((e->e_flags & ME_VDSO) != 0) {
		label = "[vdso]";
	} else if ((e->e_flags & ME_VVAR) != 0) {
		label = "[vvar]";
	}
	pbuf_printf(pb, "%08lx-%08lx %c%c%c%c %08llx %02x:%02x %llu ",
	    e->e_start, e->e_end, (e->e_prot & PROT_READ) != 0 ? 'r' : '-',
	    (e->e_prot & PROT_WRITE) != 0 ? 'w' : '-',
	    (e->e_prot & PROT_EXEC) != 0 ? 'x' : '-',
	    (e->e_flags & ME_SHARED) != 0 ? 's' : 'p',
	    (unsigned long long)(e->e_file != NULL ? e->e_offset : 0),
	    major(st.st_dev), minor(st.st_dev),
	    (unsigned long long)st.st_ino);
	if (*label != '\0')
		name_column(pb, start, label);
	pbuf_printf(pb, "\n");
}

/* Every mapping of the process by func, which has a buffer for its name. */
static int
each_mapping(const struct pfs_node *pn, struct pbuf *pb,
    void (*func)(struct pbuf *, struct vmspace *, const struct vm_map_entry *,
    char *))
{
	struct vm_map_entry *e;
	struct vmspace *vm;
	char *name;
	int error;

	error = vm_inspect(pn, &vm);
	if (error != 0)
		return error;
	if (vm == NULL)
		return 0;
	name = kmem_alloc(MAXPATHLEN, KM_SLEEP);
	if (name != NULL) {
		rw_enter(&vm->vm_map.m_lock, RW_READER);
		for (e = uvm_map_lookup_ge(&vm->vm_map, 0); e != NULL;
		    e = uvm_map_next(e))
			func(pb, vm, e, name);
		rw_exit(&vm->vm_map.m_lock);
		kmem_free(name, MAXPATHLEN);
	} else {
		error = ENOMEM;
	}
	vmspace_put(vm);
	return error;
}

int
pfs_fill_maps(const struct pfs_node *pn, struct pbuf *pb)
{
	return each_mapping(pn, pb, map_line);
}

/* ---- smaps ---- */

struct counts {				/* bytes */
	size_t		size, rss, shared, private, dirty, anon, locked, swap;
};

/* What of the entry is mapped now; the map is locked. */
static void
count_entry(struct vmspace *vm, const struct vm_map_entry *e,
    struct counts *c)
{
	bool shared = (e->e_flags & ME_SHARED) != 0;
	vm_prot_t prot;
	vaddr_t va;

	memset(c, 0, sizeof(*c));
	c->size = e->e_end - e->e_start;
	for (va = e->e_start; va < e->e_end && e->e_prot != PROT_NONE;
	    va += PAGE_SIZE) {
		if (!pmap_extract(vm->vm_map.m_pmap, va, NULL, &prot))
			continue;
		c->rss += PAGE_SIZE;
		if (shared)
			c->shared += PAGE_SIZE;
		else
			c->private += PAGE_SIZE;
		if ((prot & PROT_WRITE) != 0)
			c->dirty += PAGE_SIZE;
		if (e->e_object == NULL)
			c->anon += PAGE_SIZE;
	}
	if ((e->e_flags & ME_WIRED) != 0)
		c->locked = c->rss;
	if (!shared)
		c->swap = ptoa(vmspace_swapped(vm, e->e_start, e->e_end));
}

static void
counts_add(struct counts *sum, const struct counts *c)
{
	sum->size += c->size;
	sum->rss += c->rss;
	sum->shared += c->shared;
	sum->private += c->private;
	sum->dirty += c->dirty;
	sum->anon += c->anon;
	sum->locked += c->locked;
	sum->swap += c->swap;
}

/* A page that can be written counts as dirty; who shares is not known. */
static void
print_counts(struct pbuf *pb, const struct counts *c, bool shared, bool all)
{
	size_t sd = shared ? c->dirty : 0, pd = shared ? 0 : c->dirty;
	const struct {
		bool rollup;		/* only in the sum of all */
		const char *name;
		size_t bytes;
	} rows[] = {
		{ false, "Rss:", c->rss }, { false, "Pss:", c->rss },
		{ false, "Pss_Dirty:", c->dirty },
		{ true, "Pss_Anon:", c->anon },
		{ true, "Pss_File:", c->rss - c->anon },
		{ true, "Pss_Shmem:", 0 },
		{ false, "Shared_Clean:", c->shared - sd },
		{ false, "Shared_Dirty:", sd },
		{ false, "Private_Clean:", c->private - pd },
		{ false, "Private_Dirty:", pd },
		{ false, "Referenced:", c->rss },
		{ false, "Anonymous:", c->anon }, { false, "LazyFree:", 0 },
		{ false, "AnonHugePages:", 0 }, { false, "ShmemPmdMapped:", 0 },
		{ false, "FilePmdMapped:", 0 }, { false, "Shared_Hugetlb:", 0 },
		{ false, "Private_Hugetlb:", 0 }, { false, "Swap:", c->swap },
		{ false, "SwapPss:", c->swap }, { false, "Locked:", c->locked },
	};
	unsigned int i;

	for (i = 0; i < __arraycount(rows); i++)
		if (all || !rows[i].rollup)
			pbuf_printf(pb, "%-16s%8zu kB\n", rows[i].name,
			    rows[i].bytes / 1024);
}

static void
smap_entry(struct pbuf *pb, struct vmspace *vm, const struct vm_map_entry *e,
    char *name)
{
	struct counts c;

	map_line(pb, vm, e, name);
	count_entry(vm, e, &c);
	pbuf_printf(pb, "%-16s%8zu kB\n%-16s%8lu kB\n%-16s%8lu kB\n", "Size:",
	    c.size / 1024, "KernelPageSize:", PAGE_SIZE / 1024,
	    "MMUPageSize:", PAGE_SIZE / 1024);
	print_counts(pb, &c, (e->e_flags & ME_SHARED) != 0, false);
	pbuf_printf(pb, "VmFlags:%s%s%s%s%s%s \n",
	    (e->e_prot & PROT_READ) != 0 ? " rd" : "",
	    (e->e_prot & PROT_WRITE) != 0 ? " wr" : "",
	    (e->e_prot & PROT_EXEC) != 0 ? " ex" : "",
	    (e->e_flags & ME_SHARED) != 0 ? " sh" : "",
	    (e->e_flags & ME_GROWSDOWN) != 0 ? " gd" : "",
	    (e->e_flags & ME_WIRED) != 0 ? " lo" : "");
}

int
pfs_fill_smaps(const struct pfs_node *pn, struct pbuf *pb)
{
	return each_mapping(pn, pb, smap_entry);
}

int
pfs_fill_smaps_rollup(const struct pfs_node *pn, struct pbuf *pb)
{
	struct counts sum = { 0 }, c;
	struct vm_map_entry *e;
	struct vmspace *vm;
	vaddr_t from = 0, to = 0;
	size_t start = pb->pb_len;
	int error;

	error = vm_inspect(pn, &vm);
	if (error != 0)
		return error;
	if (vm == NULL)
		return ESRCH;
	rw_enter(&vm->vm_map.m_lock, RW_READER);
	for (e = uvm_map_lookup_ge(&vm->vm_map, 0); e != NULL;
	    e = uvm_map_next(e)) {
		if (to == 0)
			from = e->e_start;
		to = e->e_end;
		count_entry(vm, e, &c);
		counts_add(&sum, &c);
	}
	rw_exit(&vm->vm_map.m_lock);
	vmspace_put(vm);
	pbuf_printf(pb, "%08lx-%08lx ---p 00000000 00:00 0 ", from, to);
	name_column(pb, start, "[rollup]\n");
	print_counts(pb, &sum, false, true);
	return 0;
}
