/* A process enters the cgroups of the container. */
#include "shim.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PATH_LEN 512

/* The v2 cgroup of a process as its line `0::/path` of /proc/[pid]/cgroup tells it, from the root of the hierarchy on. */
static int cgroup_of(pid_t pid, char *text, size_t size, const char **path)
{
	char file[40], *line, *end;
	size_t n = put_text(file, 6, "/proc/");
	ssize_t got;
	int fd;

	n += put_number(file + n, (uint64_t)pid);
	file[n + put_text(file + n, 8, "/cgroup")] = 0;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = RETRY(read(fd, text, size - 1));
	close(fd);
	if (got < 0)
		return -errno;
	text[got] = 0;
	line = !strncmp(text, "0::/", 4) ? text : strstr(text, "\n0::/");
	if (!line)
		return -ENOENT;
	*path = strchr(line, '/');
	end = strchr(*path, '\n');
	if (!end)
		return -ENAMETOOLONG;
	*end = 0;
	return 0;
}

/*
 * Below the container's own cgroup, where its init has gone: `procs` is <mount>/<container>/cgroup.procs and the init in
 * /<container>/<below>, of which neither names where the mount ends. Anywhere else is not the container's.
 */
static int below_with_init(const char *procs, const char *path, char out[PATH_LEN])
{
	const char *end = strrchr(procs, '/'), *from;

	for (from = procs; from && from < end; from = strchr(from + 1, '/')) {
		size_t own = (size_t)(end - from), rest;

		if (strncmp(path, from, own) || (path[own] != '/' && path[own] != 0))
			continue;
		rest = strlen(path + own);
		if ((size_t)(end - procs) + rest + strlen(end) >= PATH_LEN)
			return -ENAMETOOLONG;
		memcpy(out, procs, (size_t)(end - procs));
		memcpy(out + (end - procs), path + own, rest);
		strcpy(out + (end - procs) + rest, end);
		return 0;
	}
	return -EBUSY;
}

/*
 * A v2 cgroup that hands controllers down takes no process any more: an init such as systemd moves itself and its
 * services below and turns them on ("No Internal Process Constraint", cgroup-v2.rst). Who comes later goes where the
 * init is.
 */
int cgroup_enter(const char *procs, bool v2)
{
	char text[4096], below[PATH_LEN];
	const char *path = "";
	int rc = write_file(procs, "0");

	if (rc != -EBUSY || !v2 || shim.procs[0].pid <= 0)
		return rc;
	if (cgroup_of(shim.procs[0].pid, text, sizeof text, &path) < 0 || below_with_init(procs, path, below) < 0)
		return rc;
	return write_file(below, "0");
}
