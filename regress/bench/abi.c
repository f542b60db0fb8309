/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long the operations of a Unix take: a line `NAME NANOSECONDS' for each.
 *
 * usage: abi [-p PROCESSES] [-t MILLISECONDS] [-n COUNT] [NAME...]
 *
 * A benchmark does an operation N times and says how long that took.  N is
 * chosen so that it takes about a hundredth of a second; the figure is that of
 * the fastest of as many runs as the time allows, because whatever disturbs
 * the machine only makes it slower.  With -p that many processes do the same
 * at once, all the time, and the figure is the time by the operations that
 * all of them did.  With -n it is one run of that many operations, for a
 * profile.
 */
#define	_GNU_SOURCE
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define	BATCH_NS	10000000	/* what a run is to take */
#define	RING		8		/* processes of the ring */
#define	FAULTS		256		/* pages of a mapping */

static char file[64];		/* a file of 64 KiB, in memory */
static const char *self;	/* this program */
static unsigned count;		/* -n */
static char page[4096];

static void __attribute__((__noreturn__))
die(const char *what)
{
	perror(what);
	_exit(1);
}

#define	MUST(e) do {							\
	if ((long)(e) == -1)						\
		die(#e);						\
} while (0)

static uint64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* The time that N times BODY takes. */
#define	LOOP(n, body) do {						\
	uint64_t start_ = now();					\
									\
	for (unsigned i_ = 0; i_ < (n); i_++) {				\
		body;							\
	}								\
	return now() - start_;						\
} while (0)

static uint64_t
b_null(unsigned n)
{
	LOOP(n, syscall(SYS_getppid));
}

static int
open_once(int *fd, const char *name, int flags)
{
	if (*fd == 0)
		MUST(*fd = open(name, flags));
	return *fd;
}

static uint64_t
b_read(unsigned n)
{
	static int zero;
	int fd = open_once(&zero, "/dev/zero", O_RDONLY);

	LOOP(n, MUST(read(fd, page, 1)));
}

static uint64_t
b_write(unsigned n)
{
	static int null;
	int fd = open_once(&null, "/dev/null", O_WRONLY);

	LOOP(n, MUST(write(fd, page, 1)));
}

static uint64_t
b_fileread(unsigned n)
{
	static int f;
	int fd = open_once(&f, file, O_RDONLY);

	LOOP(n, MUST(pread(fd, page, sizeof(page), (i_ % 16) * 4096)));
}

static uint64_t
b_stat(unsigned n)
{
	struct stat st;

	LOOP(n, MUST(stat(file, &st)));
}

static uint64_t
b_open(unsigned n)
{
	int fd;

	LOOP(n, MUST(fd = open(file, O_RDONLY)); close(fd));
}

/* The other end: gives each byte back until there are no more. */
static pid_t
echo(int in, int out, int unwanted)
{
	pid_t pid = fork();
	char c;

	MUST(pid);
	if (pid != 0)
		return pid;
	close(unwanted);
	while (read(in, &c, 1) == 1)
		MUST(write(out, &c, 1));
	_exit(0);
}

static uint64_t
b_pipe(unsigned n)
{
	static int to[2], from[2];
	char c = 0;

	if (to[1] == 0) {
		MUST(pipe(to));
		MUST(pipe(from));
		echo(to[0], from[1], to[1]);
	}
	LOOP(n, MUST(write(to[1], &c, 1)); MUST(read(from[0], &c, 1)));
}

static uint64_t
b_unix(unsigned n)
{
	static int s[2];
	char c = 0;

	if (s[1] == 0) {
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		echo(s[0], s[0], s[1]);
	}
	LOOP(n, MUST(write(s[1], &c, 1)); MUST(read(s[1], &c, 1)));
}

/* A byte goes round a ring of processes, on one CPU: a hop is a switch. */
static uint64_t
b_switch(unsigned n)
{
	static int p[RING][2];
	unsigned rounds = (n + RING - 1) / RING;
	cpu_set_t all, one;
	uint64_t start;
	char c = 0;

	if (p[0][1] == 0) {
		MUST(sched_getaffinity(0, sizeof(all), &all));
		CPU_ZERO(&one);
		CPU_SET(getpid() % CPU_COUNT(&all), &one);
		MUST(sched_setaffinity(0, sizeof(one), &one));
		for (int i = 0; i < RING; i++)
			MUST(pipe(p[i]));
		for (int i = 1; i < RING; i++)
			echo(p[i - 1][0], p[i][1], p[0][1]);
	}
	start = now();
	for (unsigned i = 0; i < rounds; i++) {
		MUST(write(p[0][1], &c, 1));
		MUST(read(p[RING - 1][0], &c, 1));
	}
	return (now() - start) / (rounds * RING) * n;
}

static uint64_t
b_fork(unsigned n)
{
	pid_t pid;

	LOOP(n,
		MUST(pid = fork());
		if (pid == 0)
			_exit(0);
		MUST(waitpid(pid, NULL, 0)));
}

static uint64_t
b_exec(unsigned n)
{
	pid_t pid;

	LOOP(n,
		MUST(pid = fork());
		if (pid == 0) {
			execl(self, self, "-x", NULL);
			_exit(1);
		}
		MUST(waitpid(pid, NULL, 0)));
}

static volatile char *
map(void)
{
	void *m = mmap(NULL, FAULTS * 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(m);
	return m;
}

/* 1 MiB mapped, each page written, and unmapped. */
static uint64_t
b_mmap(unsigned n)
{
	LOOP(n,
		volatile char *m = map();
		for (int i = 0; i < FAULTS; i++)
			m[i * 4096] = 1;
		munmap((void *)m, FAULTS * 4096));
}

/* A page is written for the first time; the order defeats guesses. */
static uint64_t
b_fault(unsigned n)
{
	uint64_t start, sum = 0;

	for (unsigned done = 0; done < n; done += FAULTS) {
		volatile char *m = map();

		start = now();
		for (unsigned i = 0; i < FAULTS; i++)
			m[(i * 149 + 7) % FAULTS * 4096] = 1;
		sum += now() - start;
		munmap((void *)m, FAULTS * 4096);
	}
	return sum * n / ((n + FAULTS - 1) / FAULTS * FAULTS);
}

/* 16 pages of a file in memory mapped, each read, and unmapped. */
static uint64_t
b_mapfile(unsigned n)
{
	static int f;
	int fd = open_once(&f, file, O_RDONLY);

	LOOP(n,
		volatile char *m = mmap(NULL, 65536, PROT_READ, MAP_SHARED,
		    fd, 0);
		MUST(m);
		for (int i = 0; i < 16; i++)
			(void)m[i * 4096];
		munmap((void *)m, 65536));
}

static void
handler(int sig)
{
	(void)sig;
}

static uint64_t
b_signal(unsigned n)
{
	struct sigaction sa = { .sa_handler = handler };
	pid_t me = getpid();

	MUST(sigaction(SIGUSR1, &sa, NULL));
	LOOP(n, MUST(kill(me, SIGUSR1)));
}

static void *
no_work(void *arg)
{
	return arg;
}

static uint64_t
b_thread(unsigned n)
{
	pthread_t t;

	LOOP(n,
		if (pthread_create(&t, NULL, no_work, NULL) != 0)
			die("pthread_create");
		pthread_join(t, NULL));
}

static _Atomic int turn;

/* Wait until it is WHOSE turn, then give it to the other. */
static void
take_turn(int whose)
{
	int t;

	while ((t = atomic_load(&turn)) != whose)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, t, NULL);
	atomic_store(&turn, !whose);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
}

static void *
partner(void *arg)
{
	for (;;)
		take_turn(1);
	return arg;
}

static uint64_t
b_futex(unsigned n)
{
	static pthread_t t;

	if (t == 0 && pthread_create(&t, NULL, partner, NULL) != 0)
		die("pthread_create");
	LOOP(n, take_turn(0));
}

static const struct bench {
	const char	*name;
	uint64_t	(*func)(unsigned);
} benches[] = {
	{ "getppid",		b_null },
	{ "read-zero",		b_read },
	{ "write-null",		b_write },
	{ "read-file-4k",	b_fileread },
	{ "stat",		b_stat },
	{ "open-close",		b_open },
	{ "pipe-round-trip",	b_pipe },
	{ "unix-round-trip",	b_unix },
	{ "context-switch",	b_switch },
	{ "fork-exit",		b_fork },
	{ "fork-exec",		b_exec },
	{ "mmap-touch-unmap",	b_mmap },
	{ "page-fault",		b_fault },
	{ "map-file-read",	b_mapfile },
	{ "signal",		b_signal },
	{ "thread-create",	b_thread },
	{ "futex-ping-pong",	b_futex },
};
#define	NBENCHES	(sizeof(benches) / sizeof(benches[0]))

/* The better of two runs. */
static uint64_t
run_twice(const struct bench *b, unsigned n)
{
	uint64_t one = b->func(n), two = b->func(n);

	return one < two ? one : two;
}

/* How often an operation fits into a run. */
static unsigned
calibrate(const struct bench *b)
{
	unsigned n = 1;
	uint64_t ns;

	b->func(n);
	while ((ns = run_twice(b, n)) < BATCH_NS / 4 && n < 1 << 24)
		n *= 2;
	ns /= n;
	return ns >= BATCH_NS ? 1 : ns == 0 ? n : BATCH_NS / ns;
}

static double
alone(const struct bench *b, uint64_t limit)
{
	unsigned n = count != 0 ? count : calibrate(b);
	uint64_t ns, best = UINT64_MAX, end = now() + limit;

	if (count != 0)
		return (double)b->func(n) / n;
	do {
		ns = b->func(n);
		if (ns < best)
			best = ns;
	} while (now() < end);
	return (double)best / n;
}

struct crowd {
	_Atomic unsigned	ready;
	_Atomic unsigned	go;
	_Atomic uint64_t	rate;	/* operations in 1000 seconds */
};

/* One of several: operations between `go' and the end. */
static void
member(const struct bench *b, uint64_t limit, struct crowd *c)
{
	unsigned n = calibrate(b);
	uint64_t start, ns, done = 0;

	n = n > 8 ? n / 8 : 1;
	atomic_fetch_add(&c->ready, 1);
	while (!atomic_load(&c->go))
		sched_yield();
	start = now();
	do {
		b->func(n);
		done += n;
		ns = now() - start;
	} while (ns < limit);
	atomic_fetch_add(&c->rate, (uint64_t)(1e12 / ns * done));
}

static double
together(const struct bench *b, uint64_t limit, unsigned procs)
{
	struct crowd *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	MUST(c);
	for (unsigned i = 0; i < procs; i++) {
		MUST(pid = fork());
		if (pid == 0) {
			member(b, limit, c);
			_exit(0);
		}
	}
	while (atomic_load(&c->ready) < procs)
		usleep(1000);
	atomic_store(&c->go, 1);
	while (wait(NULL) > 0)
		continue;
	if (c->rate == 0)
		exit(1);
	return 1e12 / c->rate;
}

/* A benchmark leaves processes and files: it has a process of its own. */
static void
run(const struct bench *b, uint64_t limit, unsigned procs)
{
	pid_t pid;

	MUST(pid = fork());
	if (pid == 0) {
		printf("%s %.1f\n", b->name, procs > 1 ?
		    together(b, limit, procs) : alone(b, limit));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
make_file(void)
{
	int fd;

	snprintf(file, sizeof(file), "/tmp/bench.%d", (int)getpid());
	MUST(fd = open(file, O_CREAT | O_TRUNC | O_RDWR, 0600));
	for (int i = 0; i < 16; i++)
		MUST(write(fd, page, sizeof(page)));
	close(fd);
}

int
main(int argc, char **argv)
{
	unsigned procs = 1;
	uint64_t limit = 300;
	int c;

	self = argv[0];
	while ((c = getopt(argc, argv, "n:p:t:x")) != -1) {
		switch (c) {
		case 'n': count = atoi(optarg); break;
		case 'p': procs = atoi(optarg); break;
		case 't': limit = atoi(optarg); break;
		case 'x': return 0;
		default: return 2;
		}
	}
	limit *= 1000000;
	make_file();
	for (size_t i = 0; i < NBENCHES; i++) {
		for (c = optind; c < argc; c++)
			if (strstr(benches[i].name, argv[c]) != NULL)
				break;
		if (optind == argc || c < argc)
			run(&benches[i], limit, procs);
	}
	unlink(file);
	return 0;
}
