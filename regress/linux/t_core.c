/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core dumps: when there is one, and what is in it.
 */
#define	_GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tap.h"

static volatile unsigned long mark = 0x600dc0de600dc0deUL;
static char dir[] = "/tmp/t_core.XXXXXX";

/* Are core files "core" in the current directory?  If not say so. */
static int
plain_pattern(void)
{
	char buf[128] = "";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);

	CHECK(fd != -1);
	CHECK(read(fd, buf, sizeof(buf) - 1) > 0);
	close(fd);
	if (strcmp(buf, "core\n") == 0)
		return 1;
	printf("# core_pattern here is %s", buf);
	return 0;
}

static int
crash(void (*fn)(void), rlim_t limit)
{
	struct rlimit rl = { limit, limit };
	int status;
	pid_t pid = fork();

	CHECK(pid != -1);
	if (pid == 0) {
		CHECK_EQ(setrlimit(RLIMIT_CORE, &rl), 0);
		fn();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	return status;
}

static void
go_there(void)
{
	CHECK(mkdtemp(dir) != NULL);
	CHECK_EQ(chdir(dir), 0);
}

static void
leave(void)
{
	unlink("core");
	CHECK_EQ(rmdir(dir), 0);
}

static void
fault(void)
{
	mark = 0x0dd1e0dd1e0dd1e0UL;
	*(volatile int *)8 = 1;
}

static void
by_term(void)
{
	raise(SIGTERM);
}

static void
by_abort(void)
{
	raise(SIGABRT);
}

TEST(no_dump_without_a_limit)
{
	int status;

	go_there();
	status = crash(fault, 0);
	CHECK(WTERMSIG(status) == SIGSEGV && !WCOREDUMP(status));
	status = crash(by_term, RLIM_INFINITY);
	CHECK(WTERMSIG(status) == SIGTERM && !WCOREDUMP(status));
	CHECK_ERR(access("core", F_OK), ENOENT);
	leave();
}

static void *
waits(void *arg)
{
	pause();
	return arg;
}

static void
fault_with_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t, NULL, waits, NULL), 0);
	sleep_ms(30 * tap_slow());
	fault();
}

static unsigned char *core;
static size_t core_len;

static void
load_core(void)
{
	struct stat st;
	int fd = open("core", O_RDONLY);

	CHECK(fd != -1);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	core_len = (size_t)st.st_size;
	CHECK((core = malloc(core_len)) != NULL);
	for (size_t at = 0; at < core_len; ) {
		ssize_t n = read(fd, core + at, core_len - at);
		CHECK(n > 0);
		at += (size_t)n;
	}
	close(fd);
}

/* The word at that address, by the program headers. */
static unsigned long
word_at(uintptr_t va)
{
	Elf64_Ehdr *eh = (void *)core;
	Elf64_Phdr *ph = (void *)(core + eh->e_phoff);
	unsigned long val;

	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && va >= ph[i].p_vaddr &&
		    va - ph[i].p_vaddr < ph[i].p_filesz) {
			memcpy(&val, core + ph[i].p_offset + va -
			    ph[i].p_vaddr, sizeof(val));
			return val;
		}
	FAIL("%#lx is not in the file", (unsigned long)va);
}

static void
check_notes(const Elf64_Phdr *ph, int *threads)
{
	unsigned int seen = 0;

	for (size_t at = ph->p_offset; at < ph->p_offset + ph->p_filesz; ) {
		Elf64_Nhdr *nh = (void *)(core + at);
		unsigned char *desc = core + at + sizeof(*nh) +
		    ((nh->n_namesz + 3U) & ~3U);
		if (nh->n_type == NT_PRSTATUS) {
			struct elf_prstatus *ps = (void *)desc;
			CHECK_EQ(nh->n_descsz, sizeof(*ps));
			CHECK(*threads != 0 || ps->pr_cursig == SIGSEGV);
			CHECK(ps->pr_reg[16] != 0 && ps->pr_reg[19] != 0);
			++*threads;
		} else if (nh->n_type == NT_PRPSINFO) {
			struct elf_prpsinfo *pi = (void *)desc;
			CHECK(strncmp(pi->pr_fname, "t_core", 6) == 0);
			seen |= 1;
		} else if (nh->n_type == NT_SIGINFO) {
			siginfo_t *si = (void *)desc;
			CHECK(si->si_signo == SIGSEGV &&
			    si->si_addr == (void *)8);
			seen |= 2;
		} else if (nh->n_type == NT_AUXV)
			seen |= 4;
		else if (nh->n_type == NT_FILE)
			seen |= 8;
		at = (size_t)(desc - core) + ((nh->n_descsz + 3U) & ~3U);
	}
	CHECK_EQ(seen, 15);
}

TEST(contents)
{
	int status, threads = 0;
	Elf64_Ehdr *eh;
	Elf64_Phdr *ph;

	if (!plain_pattern())
		return;
	go_there();
	status = crash(fault_with_threads, RLIM_INFINITY);
	CHECK(WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
	load_core();
	eh = (void *)core;
	CHECK(memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 &&
	    eh->e_type == ET_CORE && eh->e_machine == EM_X86_64);
	ph = (void *)(core + eh->e_phoff);
	CHECK_EQ(ph->p_type, PT_NOTE);
	check_notes(ph, &threads);
	CHECK_EQ(threads, 4);
	CHECK_EQ(word_at((uintptr_t)&mark), 0x0dd1e0dd1e0dd1e0UL);
	leave();
}

TEST(what_is_in_the_way)
{
	int status;

	if (!plain_pattern())
		return;
	go_there();
	CHECK_EQ(symlink("/tmp/t_core.elsewhere", "core"), 0);
	status = crash(by_abort, RLIM_INFINITY);
	/* Never what it leads to: the link makes room. */
	CHECK(WTERMSIG(status) == SIGABRT && WCOREDUMP(status));
	CHECK_ERR(access("/tmp/t_core.elsewhere", F_OK), ENOENT);
	leave();
}
