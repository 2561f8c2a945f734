/* Paths that are not to be seen, and paths that are not to be written to; those that are not there need nothing. */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Hides a file behind /dev/null and a directory behind an empty one; one tmpfs serves all directories. */
int path_mask(struct child *c, const char *path, int *empty)
{
	struct stat st;
	char at[32], from[32];
	int fd = in_root(c->root, path, O_PATH), rc = 0;

	c->step = "mask";
	c->path = path;
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		rc = -errno;
	} else if (!S_ISDIR(st.st_mode)) {
		if (mount(fd_path(c->null, from), fd_path(fd, at), NULL, MS_BIND, NULL) < 0)
			rc = -errno;
	} else if (*empty >= 0) {
		if (mount(fd_path(*empty, from), fd_path(fd, at), NULL, MS_BIND, NULL) < 0)
			rc = -errno;
	} else if (mount("tmpfs", fd_path(fd, at), "tmpfs", MS_RDONLY, "size=0k,nr_blocks=1,nr_inodes=2") < 0) {
		rc = -errno;
	} else {
		*empty = in_root(c->root, path, O_PATH);
		rc = *empty < 0 ? *empty : 0;
	}
	close(fd);
	return rc;
}

int path_readonly(struct child *c, const char *path)
{
	char at[32];
	int fd = in_root(c->root, path, O_PATH), rc = 0;

	c->step = "make read-only";
	c->path = path;
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return fd;
	fd_path(fd, at);
	if (mount(at, at, NULL, MS_BIND | MS_REC, NULL) < 0)
		rc = -errno;
	close(fd);
	if (rc < 0)
		return rc;
	fd = in_root(c->root, path, O_PATH);
	if (fd < 0)
		return fd;
	rc = mount_flags(fd, K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV | K_ATTR_NOEXEC, 0, false);
	close(fd);
	return rc;
}
