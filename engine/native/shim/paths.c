/*
 * Paths of a container, which are its own to make: a symbolic link, absolute or full of `..`, ends inside of its root, and
 * what was resolved is held by a descriptor, so that no path is walked a second time.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40

const char *fd_path(int fd, char out[32])
{
	size_t n = put_text(out, 20, "/proc/self/fd/");

	n += put_number(out + n, (uint64_t)fd);
	out[n] = 0;
	return out;
}

static int resolve(int root, const char *path, uint64_t flags, uint64_t how_resolved)
{
	struct k_open_how how = {.flags = flags | O_CLOEXEC, .resolve = how_resolved};
	int tries, fd = -1;

	/* EAGAIN: a rename or mount elsewhere on the host raced with a `..`; see openat2(2) */
	for (tries = 0; tries < 64; tries++) {
		fd = (int)syscall(SYS_openat2, root, *path ? path : "/", &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* An fd of what `path` is inside the root, or -errno. */
int in_root(int root, const char *path, uint64_t flags)
{
	return resolve(root, path, flags, K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS);
}

/* The same below a directory that is nobody's root: what leads out of it, if only on the way, is refused by -EXDEV. */
int beneath(int dir, const char *path, uint64_t flags)
{
	return resolve(dir, path, flags, K_RESOLVE_BENEATH | K_RESOLVE_NO_MAGICLINKS);
}

/* Puts what the link at parent/name points to, and the rest of the path, in place of path. */
static int follow(int dir, const char *name, const char *rest, char *path, size_t parent)
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof target - 1);
	size_t at = 0, tail = strlen(rest);

	if (n < 0)
		return -errno;
	if (target[0] != '/') {
		memcpy(joined, path, parent);
		at = parent;
		joined[at++] = '/';
	}
	if (at + (size_t)n + tail + 2 > sizeof joined)
		return -ENAMETOOLONG;
	memcpy(joined + at, target, (size_t)n);
	at += (size_t)n;
	joined[at++] = '/';
	memcpy(joined + at, rest, tail);
	joined[at + tail] = 0;
	memcpy(path, joined, at + tail + 1);
	return 0;
}

static int make_one(int dir, const char *name, bool directory)
{
	int fd;

	if (directory)
		return mkdirat(dir, name, 0755) < 0 ? -errno : 0;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* As make_in_root where all is there but the last name, as it mostly is; anything else is an error. */
static int make_last(int root, char *path, bool directory)
{
	char *name = strrchr(path, '/');
	int dir, rc;

	if (!name || !name[1])
		return -EINVAL;
	*name = 0;
	dir = in_root(root, path, O_PATH | O_DIRECTORY);
	*name++ = '/';
	if (dir < 0)
		return dir;
	rc = make_one(dir, name, directory);
	close(dir);
	return rc < 0 ? rc : in_root(root, path, O_PATH);
}

/*
 * An O_PATH fd of `wanted` inside the root, made with its parents where missing. Links that dangle are followed by hand
 * and their targets made, as an image's /var/run -> /run without /run needs it.
 */
int make_in_root(int root, const char *wanted, bool directory)
{
	char path[PATH_MAX];
	int links = 0, fd = in_root(root, wanted, O_PATH);
	size_t at, end;

	if (fd != -ENOENT)
		return fd;
	if (strlen(wanted) >= sizeof path)
		return -ENAMETOOLONG;
	memcpy(path, wanted, strlen(wanted) + 1);
	fd = make_last(root, path, directory);
	if (fd >= 0)
		return fd;
	/* a parent is missing, or the name is a link that dangles */
restart:
	for (at = 0; path[at]; at = end) {
		int dir, rc;
		char *name, kept;
		bool last;

		while (path[at] == '/')
			at++;
		end = at + strcspn(path + at, "/");
		if (end == at)
			break;
		last = path[end + strspn(path + end, "/")] == 0;
		kept = path[end];
		path[end] = 0;
		fd = in_root(root, path, O_PATH);
		path[end] = kept;
		if (fd >= 0) {
			close(fd);
			continue;
		}
		if (fd != -ENOENT)
			return fd;
		/* the parent is there: the step before saw or made it */
		kept = path[at];
		path[at] = 0;
		dir = in_root(root, path, O_PATH | O_DIRECTORY);
		path[at] = kept;
		if (dir < 0)
			return dir;
		kept = path[end];
		path[end] = 0;
		name = path + at;
		rc = make_one(dir, name, directory || !last);
		if (rc == -EEXIST && ++links <= LINKS_MAX) {
			char rest[PATH_MAX], copy[NAME_MAX + 1];

			path[end] = kept;
			memcpy(rest, path + end, strlen(path + end) + 1);
			if (end - at > NAME_MAX) {
				close(dir);
				return -ENAMETOOLONG;
			}
			memcpy(copy, path + at, end - at);
			copy[end - at] = 0;
			rc = follow(dir, copy, rest, path, at);
			close(dir);
			if (rc < 0)
				return rc;
			goto restart;
		}
		path[end] = kept;
		close(dir);
		if (rc < 0)
			return rc == -EEXIST ? -ELOOP : rc;
	}
	return in_root(root, path, O_PATH);
}

/* The directory of that very name, no link on the way, made where missing. */
int plain_in_root(int root, const char *path)
{
	int fd = make_in_root(root, path, true);

	if (fd < 0)
		return fd;
	close(fd);
	return resolve(root, path, O_PATH | O_DIRECTORY, K_RESOLVE_IN_ROOT | K_RESOLVE_NO_SYMLINKS);
}

/* Opens the directory of `path`, made where missing, and gives the last name. */
int parent_in_root(int root, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	*name = slash ? slash + 1 : path;
	if (slash && (size_t)(slash - path) >= sizeof dir)
		return -ENAMETOOLONG;
	if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
		return -EINVAL;
	memcpy(dir, path, slash ? (size_t)(slash - path) : 0);
	dir[slash ? slash - path : 0] = 0;
	return make_in_root(root, dir, true);
}
