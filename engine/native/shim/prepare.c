/*
 * What a container in a user namespace cannot mount itself is mounted before it enters: its root, its device nodes and
 * what is bound from the host, each a detached mount that the container's init puts in place.
 *
 * Layers and volumes keep the container's own ids on disk. An id-mapped mount shows them as the ids that the user
 * namespace has on the host, and writes them back the other way (mount_setattr(2), "ID-mapped mounts"), so nothing is
 * ever chowned and a container may change to the host's user namespace and back.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int idmap(struct child *c, int fd, const char *path, int userns, bool recursive)
{
	struct k_mount_attr attr = {.attr_set = K_ATTR_IDMAP, .userns_fd = (uint64_t)userns};

	c->step = "id-map";
	c->path = path;
	return mount_change(fd, "", AT_EMPTY_PATH | (recursive ? K_AT_RECURSIVE : 0), &attr);
}

/* Covers a directory with an id-mapped mount of itself: overlayfs takes its layers by name. */
static int idmap_over(struct child *c, const char *path, int userns)
{
	int fd, rc;

	c->step = "mount root";
	c->path = path;
	fd = tree_clone(AT_FDCWD, path, false);
	if (fd < 0)
		return fd;
	rc = idmap(c, fd, path, userns, false);
	if (rc == 0 && syscall(SYS_move_mount, fd, "", AT_FDCWD, path, K_MOVE_MOUNT_F_EMPTY_PATH) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/*
 * overlayfs works in its upper layer as whoever mounted it, and through an id-mapped mount the host's root has no id to
 * make files with: it is to be the container's root, with all powers.
 */
static int root_mount_mapped(struct child *c)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	int rc = 0, i;

	setfsuid(c->plan->host_uid);
	setfsgid(c->plan->host_gid);
	/* with the file system's root go the powers over files, which are permitted still */
	c->step = "set capabilities";
	c->path = NULL;
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	if (syscall(SYS_capset, &head, data) < 0)
		return -errno;
	rc = root_mount(c);
	setfsuid(0);
	setfsgid(0);
	return rc;
}

/* Leaves us in the directory that the root is to be put on: the container's init may not walk there by name. */
static int root_prepare(struct child *c, const char *target, int userns)
{
	const struct plan *plan = c->plan;
	const char *slash;
	static char parent[PATH_MAX];
	int fd, rc;

	c->step = "mount root";
	if (!target || !(slash = strrchr(target, '/')) || (size_t)(slash - target) >= sizeof parent)
		return -EINVAL;
	if (plan->overlay_target) {
		/* the upper directory, which is the target, and the work directory have to be on one mount */
		memcpy(parent, target, (size_t)(slash - target));
		if ((rc = idmap_over(c, plan->overlay.layers_root, userns)) < 0 || (rc = idmap_over(c, parent, userns)) < 0)
			return rc;
	}
	rc = plan->overlay_target ? root_mount_mapped(c) : root_mount(c);
	if (rc < 0)
		return rc;
	fd_close(&c->root);
	fd = tree_clone(AT_FDCWD, target, true);
	if (fd < 0)
		return fd;
	rc = plan->overlay_target ? 0 : idmap(c, fd, target, userns, true);
	c->step = "mount root";
	c->path = target;
	if (rc == 0 && (umount2(target, MNT_DETACH) < 0 || chdir(target) < 0))
		rc = -errno;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* An image's layers are id-mapped already. */
static int source_prepare(struct child *c, const struct mount_step *m, int userns)
{
	int fd = source_open(c, m), rc = 0;

	if (fd >= 0 && m->kind == MOUNT_KIND_BIND && m->opts & MOUNT_OPT_IDMAP)
		rc = idmap(c, fd, m->source, userns, m->flags & MS_REC);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* A user namespace may make no nodes, and may use none of a file system that it has mounted itself. */
static int device_prepare(struct child *c, struct fields *f, int dir, uint32_t n)
{
	uint32_t mode = field_u32(f), major_no = field_u32(f), minor_no = field_u32(f), uid = field_u32(f), gid = field_u32(f);
	char name[16];

	c->step = "make device";
	c->path = field_str(f, NULL);
	name[put_number(name, n)] = 0;
	if (mknodat(dir, name, mode, makedev(major_no, minor_no)) < 0 ||
	    fchownat(dir, name, host_id(c->plan->host_uid, c->plan->ids, uid), host_id(c->plan->host_gid, c->plan->ids, gid),
		     AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return tree_clone(dir, name, false);
}

/* A file system for device nodes, over the directory below the root to come: only we see it. */
static int devices_open(struct child *c, const char *target)
{
	int fd;

	c->step = "mount devices on";
	c->path = target;
	if (mount("devices", c->path, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755") < 0)
		return -errno;
	fd = open(c->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int prepare_all(struct child *c, int userns, int devices)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;

	while (plan_next(c->plan, &offset, &r)) {
		struct mount_step m;
		int fd;

		if (r.type == REC_DEVICE) {
			fd = device_prepare(c, &r.fields, devices, c->nprepared);
		} else if (r.type == REC_MOUNT) {
			m = mount_read(&r.fields);
			if (!is_bound(&m))
				continue;
			fd = source_prepare(c, &m, userns);
		} else {
			continue;
		}
		if (fd < 0)
			return fd;
		c->prepared[c->nprepared++] = fd;
	}
	return 0;
}

static size_t prepare_count(const struct plan *plan)
{
	struct record_at r;
	size_t offset = PLAN_HEADER, n = 1;

	while (plan_next(plan, &offset, &r))
		n += r.type == REC_MOUNT || r.type == REC_DEVICE;
	return n;
}

/* Makes them all, in a mount namespace of our own, the root first. */
int mounts_prepare(struct child *c)
{
	const char *target = c->plan->overlay_target ? c->plan->overlay_target : c->plan->bind_root;
	int userns, devices, root, rc;

	c->step = "open";
	c->path = c->plan->userns;
	userns = open(c->path, O_RDONLY | O_CLOEXEC);
	if (userns < 0)
		return -errno;
	c->prepared = pages(prepare_count(c->plan) * sizeof *c->prepared);
	if (!c->prepared)
		return -ENOMEM;
	umask(0);
	if ((rc = tree_propagation(c)) < 0)
		return rc;
	root = root_prepare(c, target, userns);
	if (root < 0)
		return root;
	c->prepared[c->nprepared++] = root;
	devices = devices_open(c, target);
	if (devices < 0)
		return devices;
	rc = prepare_all(c, userns, devices);
	if (rc == 0 && umount2(target, MNT_DETACH) < 0)
		rc = -errno;
	close(devices);
	close(userns);
	return rc;
}

/* The next of them, in the plan's order; it is the caller's. */
int prepared_take(struct child *c)
{
	return c->next < c->nprepared ? c->prepared[c->next++] : -EBADMSG;
}
