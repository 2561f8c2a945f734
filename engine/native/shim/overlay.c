/*
 * overlayfs over an image's layers, with a writable layer or without. Layers are named relative to their common directory,
 * which keeps 128 of them within the one page that mount(2) takes.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>

/* Gives the options, which stand one a line, to a file system that is being made. */
static int options_set(int fs, const char *lines)
{
	char options[PATH_MAX], *at = options, *next, *value;

	if (strlen(lines) >= sizeof options)
		return -ENAMETOOLONG;
	memcpy(options, lines, strlen(lines) + 1);
	for (; at && *at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = 0;
		value = strchr(at, '=');
		if (!value)
			return -EINVAL;
		*value++ = 0;
		if (syscall(SYS_fsconfig, fs, K_FSCONFIG_SET_STRING, at, value, 0) < 0)
			return -errno;
	}
	return 0;
}

/* More lower directories than a page of mount options can name; lowerdir+ is there since Linux 6.5. */
static int mount_by_fsconfig(struct child *c, const struct overlay *overlay, const char *target)
{
	struct fields f = overlay->lower.fields;
	int fs, fd, rc = 0;
	uint32_t i;

	fs = (int)syscall(SYS_fsopen, "overlay", 1 /* FSOPEN_CLOEXEC */);
	if (fs < 0)
		return -errno;
	for (i = 0; i < overlay->lower.n && rc == 0; i++) {
		const char *lower = field_str(&f, NULL);

		c->path = lower;
		if (syscall(SYS_fsconfig, fs, K_FSCONFIG_SET_STRING, "lowerdir+", lower, 0) < 0)
			rc = -errno;
	}
	c->path = overlay->layers_root;
	if (rc == 0)
		rc = options_set(fs, overlay->data);
	if (rc == 0 && syscall(SYS_fsconfig, fs, K_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		rc = -errno;
	fd = rc == 0 ? (int)syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */, 0) : -1;
	if (rc == 0 && fd < 0)
		rc = -errno;
	if (rc == 0 && syscall(SYS_move_mount, fd, "", AT_FDCWD, target, K_MOVE_MOUNT_F_EMPTY_PATH) < 0)
		rc = -errno;
	fd_close(&fd);
	close(fs);
	return rc;
}

/* Leaves us in the directory of the layers. */
int overlay_mount(struct child *c, const struct overlay *overlay, const char *target)
{
	c->path = overlay->layers_root;
	if (chdir(overlay->layers_root) < 0)
		return -errno;
	if (overlay->lower.n > 0)
		return mount_by_fsconfig(c, overlay, target);
	c->path = target;
	return mount("overlay", target, "overlay", 0, overlay->data) < 0 ? -errno : 0;
}
