/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the programs of a public test suite, each with a time limit, and says
 * how each ended.
 *
 * usage: runner [-t SECONDS] [-j JOBS] [-b SECONDS] [-s FIRST] LIST
 *
 * Overview: a line of LIST is a name, a tab and a command, words between
 * blanks; lines are numbered from 0.  A command runs in the present directory,
 * in a session of its own, its output in a file.  For each one line appears:
 *	RESULT number status milliseconds name
 * where status is its exit status, 128 + the signal that ended it, `hung', or
 * `stuck' when even SIGKILL does not end it.  The last lines of what it said
 * follow unless the status is 0.  -j runs so many at once; -b starts no more
 * after that time; -s begins with that line.  At the end: `NEXT number', the
 * first line that was not run.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define	MAXJOBS		16
#define	MAXWORDS	32
#define	TAIL		600	/* bytes of output to show */
#define	KILL_WAIT	10	/* seconds for SIGKILL to be heeded */

struct job {
	pid_t	pid;		/* 0: free */
	int	number;
	char	*name;
	double	started;
	double	killed;		/* or 0 */
};

static struct job jobs[MAXJOBS];
static double limit = 60;
static int self;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void
output_name(const struct job *j, char *buf, size_t size)
{
	snprintf(buf, size, "/tmp/runner.%d.%d", self, j->number);
}

/* The end of its output, without what would confuse a terminal. */
static void
show_output(const struct job *j)
{
	char name[64], buf[TAIL];
	ssize_t n;
	int fd;

	output_name(j, name, sizeof(name));
	if ((fd = open(name, O_RDONLY)) < 0)
		return;
	if (lseek(fd, -TAIL, SEEK_END) < 0)
		lseek(fd, 0, SEEK_SET);
	n = read(fd, buf, sizeof(buf));
	close(fd);
	for (ssize_t i = 0; i < n; i++) {
		if (i == 0 || buf[i - 1] == '\n')
			fputs("\t", stdout);
		putchar(buf[i] == '\n' || (buf[i] >= ' ' && buf[i] < 127) ?
		    buf[i] : '?');
	}
	if (n > 0 && buf[n - 1] != '\n')
		putchar('\n');
}

static void
finish(struct job *j, const char *status)
{
	char name[64];

	printf("RESULT %d %s %.0f %s\n", j->number, status,
	    (now() - j->started) * 1e3, j->name);
	if (strcmp(status, "0") != 0)
		show_output(j);
	fflush(stdout);
	output_name(j, name, sizeof(name));
	unlink(name);
	free(j->name);
	memset(j, 0, sizeof(*j));
}

static struct job *
job_of(pid_t pid)
{
	for (int i = 0; i < MAXJOBS; i++)
		if (jobs[i].pid == pid)
			return &jobs[i];
	return NULL;
}

/* Whatever tests have left behind became our child: away with it. */
static void
kill_strays(void)
{
	char path[300], line[600], *p;
	DIR *d = opendir("/proc");
	struct dirent *de;
	int pid, parent;
	FILE *f;

	while (d != NULL && (de = readdir(d)) != NULL) {
		if ((pid = atoi(de->d_name)) <= 0 || job_of(pid) != NULL)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL &&
		    (p = strrchr(line, ')')) != NULL &&
		    sscanf(p, ") %*c %d", &parent) == 1 && parent == self)
			kill(pid, SIGKILL);
		fclose(f);
	}
	if (d != NULL)
		closedir(d);
}

/* In the child: never returns. */
static void
run(const struct job *j, char *command)
{
	char name[64], *words[MAXWORDS + 1];
	int n = 0, fd;

	output_name(j, name, sizeof(name));
	setsid();
	if ((fd = open("/dev/null", O_RDONLY)) >= 0)
		dup2(fd, 0);
	if ((fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND,
	    0600)) < 0)
		_exit(127);
	dup2(fd, 1);
	dup2(fd, 2);
	closefrom(3);
	for (char *w = strtok(command, " "); w != NULL && n < MAXWORDS;
	    w = strtok(NULL, " "))
		words[n++] = w;
	words[n] = NULL;
	execvp(words[0], words);
	warn("%s", words[0]);
	_exit(127);
}

static void
start(struct job *j, int number, char *line)
{
	char *tab = strchr(line, '\t');

	if (tab == NULL)
		errx(1, "line %d has no tab", number);
	*tab = '\0';
	j->number = number;
	j->name = strdup(line);
	j->started = now();
	if ((j->pid = fork()) == 0)
		run(j, tab + 1);
	if (j->pid < 0)
		err(1, "fork");
}

/* Take in who has ended, and end whose time is over. */
static void
look(void)
{
	char word[16];
	struct job *j;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if ((j = job_of(pid)) == NULL)
			continue;
		snprintf(word, sizeof(word), "%d", WIFSIGNALED(status) ?
		    128 + WTERMSIG(status) : WEXITSTATUS(status));
		kill(-pid, SIGKILL);
		finish(j, j->killed != 0 ? "hung" : word);
		kill_strays();
	}
	for (j = jobs; j < jobs + MAXJOBS; j++) {
		if (j->pid == 0)
			continue;
		if (j->killed == 0 && now() - j->started > limit) {
			j->killed = now();
			kill(-j->pid, SIGKILL);
			kill(j->pid, SIGKILL);
		} else if (j->killed != 0 &&
		    now() - j->killed > KILL_WAIT)
			finish(j, "stuck");
	}
}

static struct job *
wait_for_place(int njobs)
{
	const struct timespec ms = { 0, 5000000 };

	for (;;) {
		look();
		for (int i = 0; i < njobs; i++)
			if (jobs[i].pid == 0)
				return &jobs[i];
		nanosleep(&ms, NULL);
	}
}

static bool
idle(void)
{
	for (int i = 0; i < MAXJOBS; i++)
		if (jobs[i].pid != 0)
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	const struct timespec ms = { 0, 5000000 };
	double begun = now(), budget = 1e9;
	int c, njobs = 1, first = 0, number = 0;
	char line[4096];
	FILE *f;

	while ((c = getopt(argc, argv, "t:j:b:s:")) != -1) {
		switch (c) {
		case 't':	limit = atof(optarg); break;
		case 'j':	njobs = atoi(optarg); break;
		case 'b':	budget = atof(optarg); break;
		case 's':	first = atoi(optarg); break;
		default:	return 2;
		}
	}
	if (optind + 1 != argc || njobs < 1 || njobs > MAXJOBS)
		errx(2, "usage: runner [-t S] [-j N] [-b S] [-s FIRST] LIST");
	if ((f = fopen(argv[optind], "re")) == NULL)
		err(2, "%s", argv[optind]);
	self = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (; fgets(line, sizeof(line), f) != NULL; number++) {
		line[strcspn(line, "\n")] = '\0';
		if (number < first)
			continue;
		if (now() - begun > budget)
			break;
		start(wait_for_place(njobs), number, line);
	}
	while (!idle()) {
		look();
		nanosleep(&ms, NULL);
	}
	printf("NEXT %d\n", number);
	return 0;
}
