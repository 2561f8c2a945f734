/* One mount of the plan: what is mounted, on what, and the flags it gets. */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

int mount_change(int fd, const char *path, unsigned int flags, const struct k_mount_attr *attr)
{
	return syscall(SYS_mount_setattr, fd, path, flags, attr, sizeof *attr) < 0 ? -errno : 0;
}

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
int mount_flags(int fd, uint64_t set, uint64_t clear, bool recursive)
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
int target_in_root(int root, const char *path, bool directory)
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

int mount_one(struct child *c, struct fields *f)
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
	else if (!strcmp(m.type, "proc") || !strcmp(m.type, "sysfs")) /* by a link elsewhere, what is masked below would be open */
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
	rc = mount_flags(fd, m.set, m.clear, m.opts & MOUNT_OPT_RECURSIVE);
	if (rc == 0 && m.propagation && mount(NULL, fd_path(fd, at), NULL, m.propagation, NULL) < 0)
		rc = -errno;
	close(fd);
	return rc;
}
