/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: options for the kernel, words for init.
 *
 * Overview: the line is split at white space; double quotes group and are
 * taken away.  Words up to `--` are the kernel's if it knows them.  Of the
 * others, as with Linux, KEY=VALUE goes to init's environment and the rest
 * to its arguments, but a word with a dot before its value (module.option) is
 * nobody's.  All words after `--` are init's arguments.
 *
 * So that a command line made for Linux works, words that Linux's kernel
 * takes and that mean nothing here are dropped silently.  A `domus.` word that
 * no BOOT_OPTION names is a mistake and is reported.
 *
 * Untrusted input: the line comes from who configures the guest, and may be cut
 * off by the loader.  It is never longer than bi_cmdline.
 */
#include <sys/boot.h>
#include <sys/systm.h>

#define	INIT_ARGS	32
#define	INIT_ENVS	32
#define	WORD_MAX	1024

struct bootinfo bootinfo;

char *boot_init_argv[INIT_ARGS + 2];
char *boot_init_envp[INIT_ENVS + 1];
static char init_text[sizeof(bootinfo.bi_cmdline) + 64];	/* the words */
static size_t init_used;

SET_DECLARE(boot_options, const struct boot_option_desc);

/*
 * Options of Linux's kernel.  Some mean something here, to whoever looks for
 * them; the others need not.
 */
static const char *const ignored[] = {
	"BOOT_IMAGE", "acpi", "apparmor", "apic", "audit", "biosdevname",
	"boot_delay", "clocksource", "console", "consoleblank",
	"cgroup_enable", "crashkernel", "earlycon", "earlyprintk", "edd",
	"elevator", "fbcon", "fips", "fsck", "hpet", "idle", "ima",
	"intel_iommu", "iommu", "ip", "isolcpus", "keep_bootcon", "lapic",
	"lockdown", "lsm", "mce", "mem", "mitigations", "net", "nfsroot",
	"noapic", "noacpi", "nofb", "noexec", "nohz", "nokaslr", "nolapic",
	"nomodeset", "nmi_watchdog", "noresume", "noswap", "notsc", "nopti",
	"nospectre_v1", "nospectre_v2", "numa", "panic", "panic_on_oops",
	"pci", "pcie_aspm", "preempt", "pti", "raid", "random", "resume",
	"ro", "root", "rootdelay", "rootflags", "rootfstype", "rootwait",
	"rw", "security", "selinux", "spectre_v2", "swapaccount", "swiotlb",
	"tsc", "vga", "video", "watchdog", "xen_blkfront", "xencons",
	"xen_emul_unplug", "zswap",
};

/*
 * Copy the next word; what does not fit is cut off.  False at the end.
 */
bool
boot_next_word(const char **line, char *buf, size_t len)
{
	const char *p = *line;
	bool quoted = false;
	size_t n = 0;

	while (isspace(*p))
		p++;
	if (*p == '\0')
		return false;
	for (; *p != '\0' && (quoted || !isspace(*p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (n + 1 < len)
			buf[n++] = *p;
	}
	if (len > 0)
		buf[n] = '\0';
	*line = p;
	return true;
}

/* Is the word `name` or `name=...`?  - and _ are the same, as in Linux. */
static bool
word_is(const char *word, const char *name, const char **val)
{
	for (; *name != '\0'; word++, name++)
		if (*word != *name && !(*word == '-' && *name == '_') &&
		    !(*word == '_' && *name == '-'))
			return false;
	if (*word == '=')
		*val = word + 1;
	else if (*word == '\0')
		*val = word;
	else
		return false;
	return true;
}

bool
boot_option(const char *name, char *buf, size_t len)
{
	const char *line = bootinfo.bi_cmdline, *val;
	char word[WORD_MAX];
	bool found = false;

	while (boot_next_word(&line, word, sizeof(word)) &&
	    strcmp(word, "--") != 0) {
		if (!word_is(word, name, &val))
			continue;
		found = true;
		if (buf != NULL && len > 0)
			(void)strlcpy(buf, val, len);
	}
	return found;
}

static bool
known(const char *word)
{
	const struct boot_option_desc *const *bo;
	const char *val;
	unsigned int i;

	SET_FOREACH(bo, boot_options)
		if (word_is(word, (*bo)->bo_name, &val))
			return true;
	for (i = 0; i < __arraycount(ignored); i++)
		if (word_is(word, ignored[i], &val))
			return true;
	return false;
}

/* A dot in the name: an option of a module. */
static bool
is_module_option(const char *word)
{
	const char *dot = strchr(word, '.'), *eq = strchr(word, '=');

	return dot != NULL && (eq == NULL || dot < eq);
}

/*
 * Add a word to an array of n; an environment variable replaces one of the
 * same name.  False: no room.
 */
static bool
init_add(char **array, unsigned int first, unsigned int n, const char *word,
    bool env)
{
	size_t len = strlen(word) + 1;
	const char *eq = strchr(word, '=');
	unsigned int i;

	for (i = first; i < n && array[i] != NULL; i++)
		if (env && eq != NULL && strncmp(array[i], word,
		    (size_t)(eq - word) + 1) == 0)
			break;
	if (i == n || len > sizeof(init_text) - init_used)
		return false;
	array[i] = memcpy(init_text + init_used, word, len);
	init_used += len;
	return true;
}

static bool
init_word(const char *word, bool after)
{
	if (!after && strchr(word, '=') != NULL)
		return init_add(boot_init_envp, 0, INIT_ENVS, word, true);
	return init_add(boot_init_argv, 1, INIT_ARGS + 1, word, false);
}

/* Sort one word; true if it went to init. */
static bool
sort_word(const char *word, bool after)
{
	if (!after) {
		if (known(word))
			return false;
		if (strncmp(word, "domus.", 6) == 0) {
			printf("boot: unknown option: %s\n", word);
			return false;
		}
		if (is_module_option(word))
			return false;
	}
	if (!init_word(word, after)) {
		printf("boot: too many words for init, left out: %s\n", word);
		return false;
	}
	return true;
}

void
boot_options_init(void)
{
	const char *line = bootinfo.bi_cmdline;
	size_t len = strnlen(line, sizeof(bootinfo.bi_cmdline)), used = 0;
	char word[WORD_MAX], passed[256];
	bool after = false;

	if (len + 1 >= sizeof(bootinfo.bi_cmdline) ||
	    (bootinfo.bi_cmdline_max != 0 &&
	    len + 1 >= bootinfo.bi_cmdline_max))
		printf("boot: the command line is cut off after %zu bytes\n",
		    len);
	(void)init_word("HOME=/", false);
	(void)init_word("TERM=linux", false);
	passed[0] = '\0';
	while (boot_next_word(&line, word, sizeof(word))) {
		if (!after && strcmp(word, "--") == 0) {
			after = true;
			continue;
		}
		if (sort_word(word, after))
			used += (size_t)scnprintf(passed + used,
			    sizeof(passed) - used, " %s", word);
	}
	if (used > 0)
		printf("boot: passed to init:%s\n", passed);
}
