/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Linux program finds on its stack: strings, argv, envp and the
 * auxiliary vector; and execve(2) itself.
 *
 * Untrusted input: argv and envp are copied once, string by string, into
 * chunks of kernel memory, and counted against exec_argmax() as they come.
 */
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/vnode.h>
#include <machine/trap.h>
#include <compat/linux/linux_abi.h>
#include <compat/linux/linux_syscallargs.h>

#define	AT_NULL		0
#define	AT_PHDR		3
#define	AT_PHENT	4
#define	AT_PHNUM	5
#define	AT_PAGESZ	6
#define	AT_BASE		7
#define	AT_FLAGS	8
#define	AT_ENTRY	9
#define	AT_UID		11
#define	AT_EUID		12
#define	AT_GID		13
#define	AT_EGID		14
#define	AT_PLATFORM	15
#define	AT_HWCAP	16
#define	AT_CLKTCK	17
#define	AT_SECURE	23
#define	AT_RANDOM	25
#define	AT_HWCAP2	26
#define	AT_EXECFN	31
#define	AT_SYSINFO_EHDR	33
#define	AT_MINSIGSTKSZ	51
#define	AUXV_MAX	24

#define	CHUNK		(16 * 1024)

/* -- the new program's stack -- */

/* What the new program takes for a pointer, or a register's worth. */
static size_t
word_size(const struct exec_package *ep)
{
	return ep->ep_bits == 32 ? sizeof(uint32_t) : sizeof(uint64_t);
}

static int
put_word(size_t word, vaddr_t *at, uint64_t val)
{
	int error;

	if (word == sizeof(uint32_t))
		error = ustore_32((uint32_t *)*at, (uint32_t)val);
	else
		error = ustore_long((unsigned long *)*at, val);
	*at += word;
	return error;
}

/* Copy a string down to *sp. */
static int
push_string(vaddr_t *sp, const char *s)
{
	size_t len = strlen(s) + 1;

	*sp -= len;
	return copyout(s, (void *)*sp, len);
}

/* The strings of a vector, upwards from va; each one's address to table. */
static int
put_strings(char **strings, unsigned int n, size_t word, vaddr_t *va,
    vaddr_t *table)
{
	int error;

	for (unsigned int i = 0; i < n; i++) {
		size_t len = strlen(strings[i]) + 1;

		if ((error = copyout(strings[i], (void *)*va, len)) != 0 ||
		    (error = put_word(word, table, *va)) != 0)
			return error;
		*va += len;
	}
	return put_word(word, table, 0);
}

struct auxv {
	uint64_t	a_val[AUXV_MAX * 2];
	unsigned int	a_n;
};

static void
aux(struct auxv *a, uint64_t type, uint64_t value)
{
	KASSERT(a->a_n + 2 <= __arraycount(a->a_val));
	a->a_val[a->a_n++] = type;
	a->a_val[a->a_n++] = value;
}

static void
make_auxv(struct auxv *a, const struct exec_package *ep, vaddr_t execfn,
    vaddr_t platform, vaddr_t random)
{
	const struct cred *cr = ep->ep_cred;

	a->a_n = 0;
	if (ep->ep_vdso != 0)
		aux(a, AT_SYSINFO_EHDR, ep->ep_vdso);
	aux(a, AT_MINSIGSTKSZ, linux_sigframe_size());
	aux(a, AT_HWCAP, cpu_hwcap());
	aux(a, AT_PAGESZ, PAGE_SIZE);
	aux(a, AT_CLKTCK, LINUX_USER_HZ);
	aux(a, AT_PHDR, ep->ep_phdr);
	aux(a, AT_PHENT, ep->ep_phent);
	aux(a, AT_PHNUM, ep->ep_phnum);
	aux(a, AT_BASE, ep->ep_interp_base);
	aux(a, AT_FLAGS, 0);
	aux(a, AT_ENTRY, ep->ep_entry);
	aux(a, AT_UID, cr->cr_ruid);
	aux(a, AT_EUID, cr->cr_euid);
	aux(a, AT_GID, cr->cr_rgid);
	aux(a, AT_EGID, cr->cr_egid);
	aux(a, AT_SECURE, ep->ep_secure);
	aux(a, AT_RANDOM, random);
	aux(a, AT_HWCAP2, 0);
	aux(a, AT_EXECFN, execfn);
	aux(a, AT_PLATFORM, platform);
	aux(a, AT_NULL, 0);
}

/* argc, argv and its NULL, envp and its NULL, auxv; from table upwards. */
static int
put_tables(struct exec_package *ep, const struct auxv *a, vaddr_t table,
    vaddr_t va)
{
	size_t word = word_size(ep);
	int error;

	if ((error = put_word(word, &table, ep->ep_argc)) != 0)
		return error;
	ep->ep_argstart = va;
	error = put_strings(ep->ep_argv, ep->ep_argc, word, &va, &table);
	ep->ep_argend = ep->ep_envstart = va;
	if (error == 0)
		error = put_strings(ep->ep_envp, ep->ep_envc, word, &va,
		    &table);
	ep->ep_envend = va;
	ep->ep_auxv = table;
	ep->ep_auxvlen = a->a_n * word;
	for (unsigned int i = 0; error == 0 && i < a->a_n; i++)
		error = put_word(word, &table, a->a_val[i]);
	return error;
}

int
linux_copyargs(struct lwp *l __unused, struct exec_package *ep, vaddr_t *spp)
{
	uint8_t seed[16];
	struct auxv a;
	vaddr_t sp = *spp - sizeof(uint64_t), va, execfn, platform;
	size_t strbytes = ep->ep_strbytes - (strlen(ep->ep_execfn) + 1);
	int error;

	if ((error = push_string(&sp, ep->ep_execfn)) != 0)
		return error;
	execfn = sp;
	va = sp -= strbytes;
	sp &= ~(vaddr_t)15;
	error = push_string(&sp, ep->ep_bits == 32 ? "i686" : "x86_64");
	if (error != 0)
		return error;
	platform = sp;
	random_bytes(seed, sizeof(seed));
	sp = (sp - sizeof(seed)) & ~(vaddr_t)15;
	if ((error = copyout(seed, (void *)sp, sizeof(seed))) != 0)
		return error;
	make_auxv(&a, ep, execfn, platform, sp);
	sp -= (1 + ep->ep_argc + 1 + ep->ep_envc + 1 + a.a_n) * word_size(ep);
	*spp = sp &= ~(vaddr_t)15;
	return put_tables(ep, &a, sp, va);
}

void
linux_setregs(struct lwp *l, struct exec_package *ep, vaddr_t sp)
{
	struct trapframe *tf = l->l_tf;
	bool compat32 = ep->ep_bits == 32;

	memset(tf, 0, sizeof(*tf));
	tf->tf_trapno = compat32 ? TF_INT80 : TF_SYSCALL;
	tf->tf_err = ~(uint64_t)0;
	tf->tf_rip = ep->ep_start;
	tf->tf_cs = compat32 ? SEL_UCODE32 : SEL_UCODE;
	tf->tf_rflags = RFLAGS_IF | RFLAGS_FIXED;
	tf->tf_rsp = sp;
	tf->tf_ss = SEL_UDATA;
	if (compat32)
		cpu_set_compat32();
}

/* -- execve(2) -- */

struct chunk {
	struct chunk	*c_next;
	size_t		c_size, c_used;
	char		c_data[];
};

struct argbuf {
	struct chunk	*ab_chunks;	/* the first is being filled */
	size_t		ab_left;	/* of exec_argmax() */
	char		**ab_argv, **ab_envp;
	size_t		ab_argn, ab_envn; /* elements of the arrays */
};

static int
chunk_add(struct argbuf *ab, size_t size)
{
	struct chunk *c = kmem_alloc(size, KM_SLEEP);

	if (c == NULL)
		return ENOMEM;
	c->c_next = ab->ab_chunks;
	c->c_size = size;
	c->c_used = sizeof(*c);
	ab->ab_chunks = c;
	return 0;
}

/* Copy one string: into the chunk at hand, a fresh one, or a big one. */
static int
argbuf_string(struct argbuf *ab, const void *uaddr, char **result)
{
	static const size_t sizes[] = { 0, CHUNK,
	    sizeof(struct chunk) + ARG_STRMAX };
	struct chunk *c;
	size_t done;
	int error = ENAMETOOLONG;

	for (unsigned int i = 0; i < __arraycount(sizes); i++) {
		if (sizes[i] != 0 && (error = chunk_add(ab, sizes[i])) != 0)
			return error;
		c = ab->ab_chunks;
		if (c->c_size - c->c_used == 0)
			continue;
		error = copyinstr(uaddr, (char *)c + c->c_used,
		    c->c_size - c->c_used, &done);
		if (error != ENAMETOOLONG)
			break;
	}
	if (error != 0)
		return error == ENAMETOOLONG ? E2BIG : error;
	if (done > ab->ab_left)
		return E2BIG;
	ab->ab_left -= done;
	*result = (char *)c + c->c_used;
	c->c_used += done;
	return 0;
}

/* A pointer array of user space, NULL-terminated; NULL is an empty one. */
static int
argbuf_vector(struct argbuf *ab, const char *const *uvec, char ***vecp,
    size_t *np)
{
	size_t n = 0, size;
	unsigned long ptr;
	char **vec, **bigger;
	int error;

	size = 32;
	if ((vec = kmem_alloc(size * sizeof(*vec), KM_SLEEP)) == NULL)
		return ENOMEM;
	*vecp = vec;
	*np = size;
	for (;;) {
		ptr = 0;
		if (uvec != NULL &&
		    (error = linux_ptr_in(uvec, n, &ptr)) != 0)
			return error;
		if (ptr == 0)
			break;
		if (n + 1 == size) {
			bigger = kmem_alloc(2 * size * sizeof(*vec), KM_SLEEP);
			if (bigger == NULL)
				return ENOMEM;
			memcpy(bigger, vec, n * sizeof(*vec));
			kmem_free(vec, size * sizeof(*vec));
			size *= 2;
			*vecp = vec = bigger;
			*np = size;
		}
		/* As Linux: the pointers count too. */
		if (ab->ab_left < sizeof(*vec))
			return E2BIG;
		ab->ab_left -= sizeof(*vec);
		error = argbuf_string(ab, (const void *)ptr, &vec[n]);
		if (error != 0)
			return error;
		n++;
	}
	vec[n] = NULL;
	return 0;
}

static void
argbuf_free(struct argbuf *ab)
{
	struct chunk *c;

	while ((c = ab->ab_chunks) != NULL) {
		ab->ab_chunks = c->c_next;
		kmem_free(c, c->c_size);
	}
	if (ab->ab_argv != NULL)
		kmem_free(ab->ab_argv, ab->ab_argn * sizeof(char *));
	if (ab->ab_envp != NULL)
		kmem_free(ab->ab_envp, ab->ab_envn * sizeof(char *));
}

static int
execve_common(struct lwp *l, struct path *dir, const char *path,
    const char *execfn, const char *const *argv, const char *const *envp,
    int lookup)
{
	struct argbuf ab = { .ab_left = exec_argmax(l) };
	int error;

	if ((error = chunk_add(&ab, CHUNK)) == 0 &&
	    (error = argbuf_vector(&ab, argv, &ab.ab_argv,
	    &ab.ab_argn)) == 0 &&
	    (error = argbuf_vector(&ab, envp, &ab.ab_envp,
	    &ab.ab_envn)) == 0)
		error = do_execve_named(l, dir, path, execfn, ab.ab_argv,
		    ab.ab_envp, lookup);
	argbuf_free(&ab);
	return error == 0 ? EJUSTRETURN : error;
}

int
linux_sys_execve(struct lwp *l, const struct linux_execve_args *uap,
    register_t *retval __unused)
{
	char *path;
	int error;

	if ((error = copyin_path(uap->path, &path)) != 0)
		return error;
	error = execve_common(l, NULL, path, path, uap->argv, uap->envp,
	    LOOKUP_FOLLOW);
	kmem_strfree(path);
	return error;
}

int
linux_sys_execveat(struct lwp *l, const struct linux_execveat_args *uap,
    register_t *retval __unused)
{
	int lookup = LOOKUP_FOLLOW, error;
	struct file *fp = NULL;
	char *path, *name;

	if ((uap->flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0)
		return EINVAL;
	if ((uap->flags & AT_SYMLINK_NOFOLLOW) != 0)
		lookup &= ~LOOKUP_FOLLOW;
	if ((uap->flags & AT_EMPTY_PATH) != 0)
		lookup |= LOOKUP_EMPTY;
	if ((error = copyin_path(uap->path, &path)) != 0)
		return error;
	if (path[0] == '/' || uap->dirfd == AT_FDCWD) {
		error = execve_common(l, NULL, path, path, uap->argv,
		    uap->envp, lookup);
		goto out;
	}
	if ((error = fd_get_any(l, uap->dirfd, &fp)) != 0)
		goto out;
	if (fp->f_path == NULL) {
		error = path[0] != '\0' ? ENOTDIR : EACCES;
		goto out;
	}
	name = kmem_asprintf(path[0] != '\0' ? "/dev/fd/%d/%s" :
	    "/dev/fd/%d%s", uap->dirfd, path);
	if (name == NULL) {
		error = ENOMEM;
		goto out;
	}
	error = execve_common(l, fp->f_path, path, name, uap->argv,
	    uap->envp, lookup);
	kmem_strfree(name);
out:
	if (fp != NULL)
		file_put(fp);
	kmem_strfree(path);
	return error;
}
