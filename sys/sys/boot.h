/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader (Xen's domain builder, GRUB) handed over, in a form
 * that does not depend on the guest type, and access to the command line.
 */
#ifndef _SYS_BOOT_H_
#define	_SYS_BOOT_H_

#include <sys/types.h>

struct bootinfo {
	char		bi_cmdline[4096];	/* NUL-terminated copy */
	size_t		bi_cmdline_max;	/* what the protocol carries; 0: all */
	paddr_t		bi_module;	/* initramfs; 0 length: none */
	uint64_t	bi_module_len;	/* bytes */
};
extern struct bootinfo bootinfo;

/*
 * Look for `name` or `name=value` among the words of the command line before
 * "--"; the last one wins.  Quotes group.  True if present; *val (if val is
 * not NULL) gets the value, NUL-terminated in buf ("" for a bare word).
 */
bool	boot_option(const char *name, char *buf, size_t len);
/*
 * Declare an option the kernel knows, so that unknown `domus.*` words and
 * misspelt values can be reported once at boot; words the kernel does not
 * know are passed to init like Linux does (KEY=VALUE to its environment,
 * others as arguments).
 */
struct boot_option_desc {
	const char	*bo_name;
	const char	*bo_help;
};
#include <sys/linkset.h>
#define	BOOT_OPTION(sym, name, help)					\
	static const struct boot_option_desc sym = { name, help };	\
	SET_ENTRY(boot_options, sym)

/* The next word of a command line; quotes group and are taken away. */
bool	boot_next_word(const char **line, char *buf, size_t len);
/* Report what nobody knows; make init's words.  Once, early in main(). */
void	boot_options_init(void);
/* Words for init, NULL-terminated; argv[0] is the caller's to set. */
extern char *boot_init_argv[];
extern char *boot_init_envp[];

/* Release the module's pages to the page allocator. Once. */
void	boot_module_free(void);
/*
 * Its first n bytes are done with: their whole pages are released, and it
 * begins behind them from now on.
 */
void	boot_module_free_head(size_t n);
/* A kernel mapping of the module (read-only use); NULL if there is none. */
const void *boot_module_map(void);

#endif /* !_SYS_BOOT_H_ */
