/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: what programs read there.
 */
#define	_GNU_SOURCE
#include <dirent.h>
#include <stdbool.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tap.h"

static char text[1 << 20];

static ssize_t
slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, total = 0;

	if (fd < 0)
		FAIL("%s: errno %d", name, errno);
	while ((n = read(fd, text + total, sizeof(text) - 1 -
	    (size_t)total)) > 0)
		total += n;
	text[total] = '\0';
	CHECK(n == 0);
	close(fd);
	return total;
}

static void
has(const char *name, const char *what)
{
	slurp(name);
	if (strstr(text, what) == NULL)
		FAIL("%s: no '%s' in: %.300s", name, what, text);
}

/* Policy 1 promises more than there is; it is not ours to keep. */
TEST(overcommit_memory)
{
	static const char file[] = "/proc/sys/vm/overcommit_memory";
	size_t size = (size_t)-1 >> 19;		/* 32 TB; i386: 8 KB */
	int fd = open(file, O_RDWR);
	char old[16];
	void *p;

	if (fd < 0) {
		CHECK_EQ(errno, geteuid() == 0 ? EROFS : EACCES);
		return;
	}
	slurp(file);
	snprintf(old, sizeof(old), "%.15s", text);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EINVAL);
	CHECK_ERR(pwrite(fd, "9", 1, 0), EINVAL);
	CHECK_EQ(pwrite(fd, "1\n", 2, 0), 2);
	slurp(file);
	CHECK(strcmp(text, "1\n") == 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	munmap(p, size);
	CHECK_EQ(pwrite(fd, "0", 1, 0), 1);
	if (sizeof(size) == 8) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(p == MAP_FAILED && errno == ENOMEM);
	}
	CHECK_EQ(pwrite(fd, old, strlen(old), 0), (ssize_t)strlen(old));
	close(fd);
}

static int
write_number(const char *file, const char *number)
{
	int fd = open(file, O_RDWR), error = 0;

	if (fd < 0)
		return errno;
	if (pwrite(fd, number, strlen(number), 0) < 0)
		error = errno;
	close(fd);
	return error;
}

TEST(the_part_of_real_time_threads)
{
	static const char period[] = "/proc/sys/kernel/sched_rt_period_us";
	static const char part[] = "/proc/sys/kernel/sched_rt_runtime_us";
	int error = write_number(part, "950000");

	slurp(period);
	CHECK(strcmp(text, "1000000\n") == 0);
	slurp(part);
	CHECK(strcmp(text, "950000\n") == 0);
	if (error != 0) {
		CHECK_EQ(error, geteuid() == 0 ? EROFS : EACCES);
		return;
	}
	CHECK_EQ(write_number(part, "1000001"), EINVAL);
	CHECK_EQ(write_number(part, "-2"), EINVAL);
	CHECK_EQ(write_number(period, "0"), EINVAL);
	CHECK_EQ(write_number(period, "-1"), EINVAL);
	CHECK_EQ(write_number(part, "x"), EINVAL);
	CHECK_EQ(write_number(part, "-1"), 0);
	slurp(part);
	CHECK(strcmp(text, "-1\n") == 0);
	CHECK_EQ(write_number(part, "950000"), 0);
}

TEST(comm_can_be_written)
{
	int fd = open("/proc/self/comm", O_WRONLY);
	char name[16];

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "another name that is long\n", 26), 26);
	close(fd);
	CHECK_EQ(prctl(PR_GET_NAME, name), 0);
	CHECK(strcmp(name, "another name th") == 0);
	slurp("/proc/self/comm");
	CHECK(strcmp(text, "another name th\n") == 0);
	has("/proc/self/status", "Name:\tanother name th\n");
	fd = open("/proc/1/comm", O_WRONLY);
	if (fd >= 0)
		CHECK_ERR(write(fd, "x", 1), EINVAL);
}

TEST(fdinfo)
{
	char name[64], line[64];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct dirent *de;
	bool found = false;
	DIR *d;

	CHECK(fd >= 0);
	CHECK_EQ(lseek(fd, 17, SEEK_SET), 17);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	has(name, "pos:\t17\n");
	has(name, "flags:\t");
	snprintf(name, sizeof(name), "%d", fd);
	d = opendir("/proc/self/fdinfo");
	CHECK(d != NULL);
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, name) == 0)
			found = true;
	CHECK(found);
	close(fd);
	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	CHECK_ERR(open(line, O_RDONLY), ENOENT);
}

TEST(smaps)
{
	size_t size = 64 * 4096;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), head[64], *at;
	unsigned long kb;

	CHECK(p != MAP_FAILED);
	CHECK_EQ(mprotect(p, 4096, PROT_NONE), 0);	/* an entry alone */
	memset(p + 4096, 1, 32 * 4096);
	slurp("/proc/self/smaps");
	snprintf(head, sizeof(head), "%lx-", (unsigned long)p + 4096);
	at = strstr(text, head);
	CHECK(at != NULL);
	at = strstr(at, "Size:");
	CHECK(at != NULL && sscanf(at, "Size: %lu kB", &kb) == 1);
	CHECK(kb >= 252);
	at = strstr(at, "Rss:");
	CHECK(at != NULL && sscanf(at, "Rss: %lu kB", &kb) == 1);
	CHECK(kb >= 128);
	CHECK(strstr(at, "Private_Dirty:") != NULL);
	CHECK(strstr(at, "VmFlags:") != NULL);
	has("/proc/self/smaps_rollup", "[rollup]\nRss:");
	/* Names begin in one column. */
	slurp("/proc/self/maps");
	at = strstr(text, "[stack]\n");
	CHECK(at - text >= 73);
	CHECK(at[-74] == '\n');
}

TEST(name_spaces_and_ids)
{
	char link[64];
	ssize_t n = readlink("/proc/self/ns/user", link, sizeof(link) - 1);

	CHECK(n > 0);
	link[n] = '\0';
	CHECK(strncmp(link, "user:[", 6) == 0);
	has("/proc/self/uid_map", " 0 ");
}

TEST(sockets_by_name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path + 1, 60, "domus-proc-%d", (int)getpid());
	CHECK_EQ(bind(s, (struct sockaddr *)&sun,
	    (socklen_t)(3 + strlen(sun.sun_path + 1))), 0);
	sun.sun_path[0] = '@';
	has("/proc/net/unix", sun.sun_path);
	has("/proc/net/unix", "RefCount Protocol Flags");
}

TEST(settings)
{
	CHECK(slurp("/proc/sys/net/core/somaxconn") > 0);
	CHECK(atoi(text) >= 128);
	CHECK(slurp("/proc/sys/kernel/pid_max") > 0);
	CHECK(slurp("/proc/sys/fs/inotify/max_user_watches") > 0);
	CHECK(atoi(text) >= 8192);
	CHECK(slurp("/proc/sys/kernel/random/boot_id") == 37);
	CHECK(slurp("/proc/sys/vm/overcommit_memory") > 0);
	CHECK(slurp("/proc/sys/kernel/ostype") > 0);
	CHECK(strcmp(text, "Linux\n") == 0);
	has("/proc/filesystems", "devpts\n");
	has("/proc/vmstat", "nr_free_pages ");
	has("/proc/self/limits", "Max open files");
	has("/proc/self/mountinfo", " / ");
}
