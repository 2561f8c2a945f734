/* Device nodes and links: made, or bound where this process may not make nodes. */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A user namespace may not make device nodes: what was made outside is put over an empty file. */
static int device_attach(struct child *c, const char *path)
{
	int from = prepared_take(c), fd, rc = 0;

	if (from < 0)
		return from;
	fd = make_in_root(c->root, path, false);
	if (fd < 0)
		return fd;
	if (mount_attach(from, fd) < 0)
		rc = -errno;
	close(from);
	close(fd);
	return rc;
}

/* An engine that may not make nodes itself binds those of the host, where they have the same name. */
static int device_bind(struct child *c, const char *path, dev_t dev)
{
	char at[32];
	struct stat st;
	int fd, rc = 0;

	if (stat(path, &st) < 0 || st.st_rdev != dev)
		return -EPERM;
	fd = make_in_root(c->root, path, false);
	if (fd < 0)
		return fd;
	if (mount(path, fd_path(fd, at), NULL, MS_BIND, NULL) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int device_make(struct child *c, struct fields *f)
{
	uint32_t mode = field_u32(f), major_no = field_u32(f), minor_no = field_u32(f);
	uid_t uid = field_u32(f);
	gid_t gid = field_u32(f);
	const char *path = field_str(f, NULL), *name;
	dev_t dev = makedev(major_no, minor_no);
	struct stat st;
	int dir, rc = 0;

	c->step = "make device";
	c->path = path;
	if (c->prepared)
		return device_attach(c, path);
	dir = parent_in_root(c->root, path, &name);
	if (dir < 0)
		return dir;
	if (mknodat(dir, name, mode, dev) < 0)
		rc = -errno;
	if (rc == -EEXIST && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_rdev == dev &&
	    (st.st_mode & S_IFMT) == (mode & S_IFMT)) {
		close(dir);
		return 0;
	}
	if (rc == 0 && (uid || gid) && fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		rc = -errno;
	close(dir);
	return rc == -EPERM ? device_bind(c, path, dev) : rc;
}

int link_make(struct child *c, struct fields *f)
{
	const char *target = field_str(f, NULL), *path = field_str(f, NULL), *name;
	int dir, rc = 0;

	c->step = "make link";
	c->path = path;
	dir = parent_in_root(c->root, path, &name);
	if (dir < 0)
		return dir;
	/* an image or a bound /dev may bring its own */
	if (symlinkat(target, dir, name) < 0 && errno != EEXIST)
		rc = -errno;
	close(dir);
	return rc;
}
