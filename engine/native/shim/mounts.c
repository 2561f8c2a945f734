/*
 * Builds the container's tree inside its own mount namespace, so that nothing of it is ever seen, or left, on the host.
 *
 * Every path of the container is resolved with RESOLVE_IN_ROOT against the new root before it is entered: a symbolic
 * link in the image, absolute or full of `..`, ends inside. Mounts go onto /proc/self/fd/N of what was resolved, so the
 * path is not walked a second time.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#define LINKS_MAX 40

int mount_change(int fd, const char *path, unsigned int flags, const struct k_mount_attr *attr)
{
	return syscall(SYS_mount_setattr, fd, path, flags, attr, sizeof *attr) < 0 ? -errno : 0;
}

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

/* ------------------------------------------------------------------ the root */

int root_mount(struct child *c)
{
	const struct plan *plan = c->plan;
	const char *target;

	c->step = "mount root";
	if (plan->overlay_target) {
		int rc = overlay_mount(c, &plan->overlay, plan->overlay_target);

		if (rc < 0)
			return rc;
		target = plan->overlay_target;
	} else {
		target = c->path = plan->bind_root;
		if (!target)
			return -EINVAL;
		/* pivot_root(2) wants a mount point; recursive, for a root that has file systems inside */
		if (mount(target, target, NULL, MS_BIND | MS_REC, NULL) < 0)
			return -errno;
	}
	c->path = target;
	c->root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->root < 0)
		return -errno;
	/* the root's own propagation stays out of the host's whatever the tree's is */
	if (mount(NULL, target, NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

/* Where the go-between has left us; see prepare.c. */
static int root_attach(struct child *c)
{
	c->step = "mount root";
	c->path = c->plan->overlay_target;
	c->root = prepared_take(c);
	if (c->root < 0)
		return c->root;
	return syscall(SYS_move_mount, c->root, "", AT_FDCWD, ".", K_MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

int tree_propagation(struct child *c)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;

	c->step = "set propagation of";
	c->path = "/";
	if (c->plan->tree_propagation && mount(NULL, "/", NULL, c->plan->tree_propagation, NULL) < 0)
		return -errno;
	while (plan_next(c->plan, &offset, &r)) {
		if (r.type != REC_PRIVATE)
			continue;
		c->path = field_str(&r.fields, NULL);
		if (mount(NULL, c->path, NULL, MS_PRIVATE, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* ------------------------------------------------------------------ mounts */

/* Before Linux 5.12: the flags of a bind mount change all together, so those not asked for are read back first. */
static int remount(int fd, const char *target, const struct k_mount_attr *attr)
{
	static const struct {
		uint64_t attr;
		unsigned long ms;
	} bits[] = {{K_ATTR_RDONLY, MS_RDONLY}, {K_ATTR_NOSUID, MS_NOSUID},   {K_ATTR_NODEV, MS_NODEV},
		    {K_ATTR_NOEXEC, MS_NOEXEC}, {K_ATTR_NOATIME, MS_NOATIME}, {K_ATTR_NODIRATIME, MS_NODIRATIME}};
	unsigned long flags;
	struct statfs s;
	size_t i;

	if (fstatfs(fd, &s) < 0)
		return -errno;
	flags = (unsigned long)s.f_flags &
		(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | 0x200000 /* MS_RELATIME */);
	for (i = 0; i < sizeof bits / sizeof *bits; i++) {
		if (attr->attr_clr & bits[i].attr)
			flags &= ~bits[i].ms;
		if (attr->attr_set & bits[i].attr)
			flags |= bits[i].ms;
	}
	return mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags, NULL) < 0 ? -errno : 0;
}

/* Changes what is mounted at fd; the fd must have been opened after the mount. */
static int change(int fd, uint64_t set, uint64_t clear, bool recursive)
{
	struct k_mount_attr attr = {.attr_set = set, .attr_clr = clear};
	char at[32];
	int rc;

	if (set == 0 && clear == 0)
		return 0;
	rc = mount_change(fd, "", AT_EMPTY_PATH | (recursive ? K_AT_RECURSIVE : 0), &attr);
	if (rc != -ENOSYS || recursive)
		return rc;
	return remount(fd, fd_path(fd, at), &attr);
}

/*
 * What is to be mounted on, made where missing. A link of the image may lead it elsewhere, but not into /proc: what is
 * put there could stand for files by which the kernel is told, or is asked, what confines the container. Only the plan
 * itself may name such a path.
 */
static int target_in_root(int root, const char *path, bool directory)
{
	int fd = make_in_root(root, path, directory), rc = 0;
	struct statfs fs;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0)
		rc = -errno;
	else if (fs.f_type == 0x9fa0 /* PROC_SUPER_MAGIC */ && strncmp(path, "/proc", 5))
		rc = -EPERM;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* Where /proc and /sys go: elsewhere than by their names, what is masked below these would be open. */
static int plain_in_root(int root, const char *path)
{
	int fd = make_in_root(root, path, true);

	if (fd < 0)
		return fd;
	close(fd);
	return resolve(root, path, O_PATH | O_DIRECTORY, K_RESOLVE_IN_ROOT | K_RESOLVE_NO_SYMLINKS);
}

/* Puts a detached mount on what fd is open on. */
int mount_attach(int from, int fd)
{
	return (int)syscall(SYS_move_mount, from, "", fd, "", K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH);
}

/* Gives a detached mount of what is to be bound, or leaves AT_FDCWD where its name will do. */
static int source_find(struct child *c, const struct mount_step *m, int *from, bool *directory)
{
	struct stat st;

	*from = c->prepared ? prepared_take(c) : source_is_path(m) ? AT_FDCWD : source_open(c, m);
	if (*from != AT_FDCWD && *from < 0)
		return *from;
	c->step = "mount";
	c->path = m->source;
	if (fstatat(*from, *from < 0 ? m->source : "", &st, *from < 0 ? 0 : AT_EMPTY_PATH) < 0)
		return -errno;
	*directory = S_ISDIR(st.st_mode);
	return 0;
}

/* Its name leads nowhere, or no longer beneath where it has to be. */
static bool is_gone(int rc)
{
	return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP || rc == -EXDEV;
}

static int mount_one(struct child *c, struct fields *f)
{
	struct mount_step m = mount_read(f);
	bool directory = true;
	int fd, rc, from = -1;
	struct stat st;
	char at[32];

	c->step = "mount";
	if (is_bound(&m)) {
		rc = source_find(c, &m, &from, &directory);
		if (rc < 0)
			return m.opts & MOUNT_OPT_OPTIONAL && is_gone(rc) ? 0 : rc;
	}
	c->path = m.target;
	if (m.kind == MOUNT_KIND_CHANGE)
		fd = in_root(c->root, m.target, O_PATH);
	else if (!strcmp(m.type, "proc") || !strcmp(m.type, "sysfs"))
		fd = plain_in_root(c->root, m.target);
	else
		fd = target_in_root(c->root, m.target, directory);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (m.kind != MOUNT_KIND_CHANGE && S_ISDIR(st.st_mode) != directory)
		return -ENOTDIR;
	if (m.kind == MOUNT_KIND_FS) {
		rc = mount(m.source, fd_path(fd, at), m.type, m.flags, *m.data ? m.data : NULL);
		/* a network that is joined shows its devices in a sysfs that only its owner may mount: the host's is seen */
		if (rc < 0 && errno == EPERM && !strcmp(m.type, "sysfs")) {
			rc = mount("/sys", fd_path(fd, at), NULL, MS_BIND | MS_REC, NULL);
			m.set |= K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV | K_ATTR_NOEXEC;
			m.opts |= MOUNT_OPT_RECURSIVE;
		}
		/* no file system goes onto itself, which the host's /sys may have there */
		if (rc < 0 && errno == EBUSY) {
			rc = mount("tmpfs", fd_path(fd, at), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k,mode=555");
			if (rc == 0) {
				close(fd);
				fd = in_root(c->root, m.target, O_PATH);
				if (fd < 0)
					return fd;
				rc = mount(m.source, fd_path(fd, at), m.type, m.flags, *m.data ? m.data : NULL);
			}
		}
	} else if (from >= 0) {
		rc = mount_attach(from, fd);
		close(from);
	} else if (m.kind == MOUNT_KIND_BIND) {
		rc = mount(m.source, fd_path(fd, at), NULL, MS_BIND | (m.flags & MS_REC), NULL);
	} else {
		rc = 0;
	}
	if (rc < 0)
		return -errno;
	close(fd);
	if (!m.propagation && !m.set && !m.clear)
		return 0;
	/* the fd from before is what now lies below the mount */
	fd = in_root(c->root, m.target, O_PATH);
	if (fd < 0)
		return fd;
	rc = change(fd, m.set, m.clear, m.opts & MOUNT_OPT_RECURSIVE);
	if (rc == 0 && m.propagation && mount(NULL, fd_path(fd, at), NULL, m.propagation, NULL) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* ------------------------------------------------------------------ devices and links */

/* Opens the directory of `path`, made where missing, and gives the last name. */
static int parent_in_root(struct child *c, const char *path, const char **name)
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
	return make_in_root(c->root, dir, true);
}

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

static int device_make(struct child *c, struct fields *f)
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
	dir = parent_in_root(c, path, &name);
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

static int link_make(struct child *c, struct fields *f)
{
	const char *target = field_str(f, NULL), *path = field_str(f, NULL), *name;
	int dir, rc = 0;

	c->step = "make link";
	c->path = path;
	dir = parent_in_root(c, path, &name);
	if (dir < 0)
		return dir;
	/* an image or a bound /dev may bring its own */
	if (symlinkat(target, dir, name) < 0 && errno != EEXIST)
		rc = -errno;
	close(dir);
	return rc;
}

/* ------------------------------------------------------------------ masked and read-only paths */

/* Hides a file behind /dev/null and a directory behind an empty one; one tmpfs serves all directories. */
static int mask(struct child *c, const char *path, int *empty)
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

static int readonly(struct child *c, const char *path)
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
	rc = change(fd, K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV | K_ATTR_NOEXEC, 0, false);
	close(fd);
	return rc;
}

/* ------------------------------------------------------------------ all of it, in order */

/* Gives the process the container's own /dev/null where it has a true one. */
static void null_inside(struct child *c)
{
	struct stat st;
	int fd = in_root(c->root, "/dev/null", O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) {
		fcntl(fd, F_SETFL, 0);
		close(c->null);
		c->null = fd;
	} else {
		close(fd);
	}
}

static int walk(struct child *c)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;
	int rc = 0, empty = -1;
	bool own_null = false;

	while (rc == 0 && plan_next(c->plan, &offset, &r)) {
		switch (r.type) {
		case REC_MOUNT:
			rc = mount_one(c, &r.fields);
			break;
		case REC_DEVICE:
			rc = device_make(c, &r.fields);
			break;
		case REC_SYMLINK:
			rc = link_make(c, &r.fields);
			break;
		case REC_MASK:
			if (!own_null)
				null_inside(c);
			own_null = true;
			rc = mask(c, field_str(&r.fields, NULL), &empty);
			break;
		case REC_READONLY:
			rc = readonly(c, field_str(&r.fields, NULL));
			break;
		default:
			break;
		}
	}
	fd_close(&empty);
	if (!own_null)
		null_inside(c);
	return rc;
}

/* The container's pty is also its /dev/console. */
static int console_bind(struct child *c)
{
	char at[32], from[32];
	int fd, rc = 0;

	c->step = "mount console on";
	c->path = "/dev/console";
	fd = target_in_root(c->root, c->path, false);
	if (fd < 0)
		return fd;
	if (mount(fd_path(c->slave, from), fd_path(fd, at), NULL, MS_BIND, NULL) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* The working directory is made when the image lacks it, as Docker does. */
static int cwd_make(struct child *c)
{
	int fd;

	c->step = "make working directory";
	c->path = c->plan->process.cwd;
	fd = make_in_root(c->root, c->path, true);
	/* what else may be wrong with it is told, in Docker's words, by chdir */
	if (fd >= 0)
		close(fd);
	return fd == -EROFS || fd == -ENOTDIR || fd == -EACCES || fd == -ELOOP || fd >= 0 ? 0 : fd;
}

int mounts_build(struct child *c)
{
	const struct plan *plan = c->plan;
	int rc;

	umask(0);
	if (c->prepared)
		rc = root_attach(c);
	else if ((rc = tree_propagation(c)) == 0)
		rc = root_mount(c);
	if (rc < 0 || (rc = walk(c)) < 0)
		return rc;
	if (plan->flags & LAUNCH_TTY) {
		if ((rc = tty_make(c, c->root)) < 0 || (rc = console_bind(c)) < 0)
			return rc;
	}
	if ((rc = cwd_make(c)) < 0)
		return rc;
	if (plan->root_readonly) {
		c->step = "make read-only";
		c->path = "/";
		return change(c->root, K_ATTR_RDONLY, 0, false);
	}
	return 0;
}

/* Makes the new tree the only one there is. */
int mounts_enter(struct child *c)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	c->step = "pivot_root";
	c->path = NULL;
	if (old < 0 || fchdir(c->root) < 0)
		return -errno;
	fd_close(&c->root);
	/* both names are the new root: the old one then lies above it, see pivot_root(2), NOTES */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(old) < 0)
		return -errno;
	close(old);
	/* in a shared tree the host would be unmounted with it */
	if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0 || umount2(".", MNT_DETACH) < 0)
		return -errno;
	if (chdir("/") < 0)
		return -errno;
	c->step = "set propagation of";
	c->path = "/";
	if (c->plan->root_propagation && mount(NULL, "/", NULL, c->plan->root_propagation, NULL) < 0)
		return -errno;
	return 0;
}
