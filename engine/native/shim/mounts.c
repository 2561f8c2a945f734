/*
 * Builds the container's tree inside its own mount namespace, so that nothing of it is ever seen, or left, on the host: the
 * order of things. See paths.c for how names are resolved in it.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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
			rc = path_mask(c, field_str(&r.fields, NULL), &empty);
			break;
		case REC_READONLY:
			rc = path_readonly(c, field_str(&r.fields, NULL));
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
		return mount_flags(c->root, K_ATTR_RDONLY, 0, false);
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
