/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/kmsg: one record a read, with level, sequence number and time.
 */
#define	_GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static int
kmsg_open(int flags)
{
	int fd = open("/dev/kmsg", flags);

	if (fd < 0)
		FAIL("/dev/kmsg: errno %d", errno);
	return fd;
}

static void
say(const char *text)
{
	int fd = kmsg_open(O_WRONLY);

	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* The next record: its text is what follows ';'. False: there is no more. */
static bool
record(int fd, unsigned int *pri, unsigned long long *seq,
    unsigned long long *usec, char *text, size_t size)
{
	char buf[8192], *semi, *nl;
	ssize_t n;

	do {			/* EPIPE: records were overwritten */
		n = read(fd, buf, sizeof(buf) - 1);
	} while (n < 0 && errno == EPIPE);
	if (n < 0) {
		CHECK_EQ(errno, EAGAIN);
		return false;
	}
	buf[n] = '\0';
	CHECK_EQ(sscanf(buf, "%u,%llu,%llu,", pri, seq, usec), 3);
	semi = strchr(buf, ';');
	CHECK(semi != NULL);
	nl = strchr(semi, '\n');
	CHECK(nl != NULL);
	*nl = '\0';
	snprintf(text, size, "%s", semi + 1);
	return true;
}

TEST(records_are_whole_and_in_order)
{
	int fd = kmsg_open(O_RDONLY | O_NONBLOCK);
	unsigned long long seq, last = 0, usec, before = 0;
	unsigned int pri, found = 0, all = 0;
	char text[1024], one[64], two[64];

	snprintf(one, sizeof(one), "kmsg test %d one", getpid());
	snprintf(two, sizeof(two), "kmsg test %d, two", getpid());
	snprintf(text, sizeof(text), "<4>%s", one);
	say(text);
	snprintf(text, sizeof(text), "<3>%s\n", two);
	say(text);
	while (record(fd, &pri, &seq, &usec, text, sizeof(text))) {
		if (all++ > 0)
			CHECK(seq > last);
		last = seq;
		if (strcmp(text, one) == 0) {
			CHECK_EQ(pri & 7, 4);
			CHECK_EQ(found++, 0);
			CHECK(usec > 0);
			before = usec;
		} else if (strcmp(text, two) == 0) {
			CHECK_EQ(pri & 7, 3);
			CHECK_EQ(found++, 1);
			CHECK(usec >= before);
		}
	}
	CHECK_EQ(found, 2);
	CHECK_ERR(read(fd, text, 10), EAGAIN);
	close(fd);
}

TEST(a_record_that_does_not_fit)
{
	int fd = kmsg_open(O_RDONLY | O_NONBLOCK);
	char c[4];

	say("kmsg test, something to read\n");
	/* EPIPE: what was next has made room for newer records. */
	while (read(fd, c, sizeof(c)) == -1 && errno == EPIPE)
		continue;
	CHECK_ERR(read(fd, c, sizeof(c)), EINVAL);
	close(fd);
}

TEST(a_reader_waits_for_the_next_record)
{
	int fd = kmsg_open(O_RDONLY), status;
	char buf[8192], what[64];
	pid_t pid;

	snprintf(what, sizeof(what), "kmsg test %d waits", getpid());
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		/* Linux takes ten lines in five seconds and drops the rest. */
		for (;;) {
			usleep(200000);
			say(what);
		}
	}
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf) - 1);

		if (n < 0 && errno == EPIPE)
			continue;
		CHECK(n > 0);
		buf[n] = '\0';
		if (strstr(buf, what) != NULL)
			break;
	}
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	close(fd);
}
