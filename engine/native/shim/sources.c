/*
 * What is bound into a container: a tree of the host by its name, a part of one, or an image.
 *
 * Who writes in a volume may change what a path in it leads to at any moment, also while it is being mounted. So a part is
 * resolved once, beneath the volume's own root, to a descriptor, and what the descriptor is open on gets mounted: no name
 * is walked a second time (as with CVE-2021-30465, where one was). An image is an overlay of its layers with nothing to
 * write to; no name of the host ever stands for it.
 *
 * All of these are detached mounts, which are gone with their descriptors.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Whether it is something that is there already, and gets seen in a second place. */
bool is_bound(const struct mount_step *m)
{
	return m->kind == MOUNT_KIND_BIND || m->kind == MOUNT_KIND_IMAGE;
}

/* Whether a name of the host says it all, so that mount(2) can bind it. */
bool source_is_path(const struct mount_step *m)
{
	return m->kind == MOUNT_KIND_BIND && !*m->below;
}

/* A detached copy of what is mounted at dir/path. */
int tree_clone(int dir, const char *path, bool recursive)
{
	int fd = (int)syscall(SYS_open_tree, dir, path,
			      K_OPEN_TREE_CLONE | O_CLOEXEC | (*path ? 0 : AT_EMPTY_PATH) | (recursive ? K_AT_RECURSIVE : 0));

	return fd < 0 ? -errno : fd;
}

/* The whole name, for the report. */
static void name_part(struct child *c, const struct mount_step *m)
{
	static char name[PATH_MAX];
	size_t n = put_text(name, sizeof name - 2, m->source);

	name[n++] = '/';
	n += put_text(name + n, sizeof name - 1 - n, m->below);
	name[n] = 0;
	c->step = "access";
	c->path = name;
}

/* A detached copy of the part of what `base` is open on. */
static int part_clone(struct child *c, const struct mount_step *m, int base)
{
	int part, fd;

	name_part(c, m);
	part = beneath(base, m->below, O_PATH);
	if (part < 0)
		return part;
	fd = tree_clone(part, "", m->flags & MS_REC);
	close(part);
	return fd;
}

static int part_of_tree(struct child *c, const struct mount_step *m)
{
	int base = open(m->source, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (base < 0)
		return -errno;
	fd = part_clone(c, m, base);
	close(base);
	return fd;
}

/* Over the place of the root, which is in a mount that nobody else sees, for as long as it takes to get hold of it. */
static int image_clone(struct child *c, const struct mount_step *m, const char *place)
{
	struct overlay overlay = {.layers_root = c->plan->overlay.layers_root, .data = m->data, .lower = m->lower};
	int base, fd, rc = overlay_mount(c, &overlay, place);

	if (rc < 0)
		return rc;
	base = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return -errno;
	fd = *m->below ? part_clone(c, m, base) : tree_clone(base, "", false);
	close(base);
	if (umount2(place, MNT_DETACH) < 0 && fd >= 0)
		return -errno;
	return fd;
}

static int image_open(struct child *c, const struct mount_step *m)
{
	int fd, here;

	if (!c->plan->overlay_target)
		return -EINVAL;
	/* with a user namespace it is where the root is going to be put */
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0)
		return -errno;
	fd = image_clone(c, m, c->plan->overlay_target);
	if (fchdir(here) < 0 && fd >= 0)
		fd = -errno;
	close(here);
	return fd;
}

/* A detached mount of what is to be bound; it is the caller's. */
int source_open(struct child *c, const struct mount_step *m)
{
	c->step = "mount";
	c->path = m->source;
	if (m->kind == MOUNT_KIND_IMAGE)
		return image_open(c, m);
	return *m->below ? part_of_tree(c, m) : tree_clone(AT_FDCWD, m->source, m->flags & MS_REC);
}

static int source_place(struct child *c, const struct mount_step *m)
{
	int from = source_open(c, m), at = -1, rc = 0;
	struct stat st;

	if (from < 0)
		return from;
	c->step = "mount";
	c->path = m->target;
	if (fstat(from, &st) < 0)
		return -errno;
	/* of a start before, when it may have been the other kind */
	if (unlink(m->target) < 0 && rmdir(m->target) < 0 && errno != ENOENT)
		return -errno;
	if (S_ISDIR(st.st_mode))
		rc = mkdir(m->target, 0700);
	else
		at = rc = open(m->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (rc < 0)
		return -errno;
	fd_close(&at);
	at = open(m->target, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return -errno;
	rc = mount_attach(from, at) < 0 ? -errno : 0;
	close(from);
	close(at);
	return rc;
}

/* For another runtime, which binds by name: puts each source where only it sees them, in our mount namespace. */
int sources_place(struct child *c)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;
	int rc = 0;

	while (rc == 0 && plan_next(c->plan, &offset, &r)) {
		struct mount_step m;

		if (r.type != REC_MOUNT)
			continue;
		m = mount_read(&r.fields);
		rc = source_place(c, &m);
	}
	return rc;
}
