/* Removal of whole trees, however deep, without following a link or leaving their file system. */
#include "addon.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Directories nested deeper than MAX_DEPTH are moved up to the top one and found there again: a
 * container can nest more of them than there are descriptors and stack.
 */
enum { MAX_DEPTH = 128 };

struct removal {
	int top;
	dev_t device;
	unsigned long moved;
	bool guarded; /* the tree may be in use: mounts over parts of it are told from what is theirs */
};

/*
 * Something is mounted over this name. In another mount namespace than ours unlinking it would succeed, and take the mount
 * away there.
 */
static bool is_mount_point(int parent, const char *name)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };
	int fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));

	if (fd < 0)
		return errno == EXDEV;
	close(fd);
	return false;
}

/* Removes what a directory holds; never follows links nor enters what is mounted there. Takes fd. 0 or -errno. */
static int empty_directory(struct removal *removal, int fd, int depth);

static int remove_entry(struct removal *removal, int parent, const char *name, int depth)
{
	struct stat st;
	char moved[32];
	int fd, rc;

	if (removal->guarded && is_mount_point(parent, name))
		return -EBUSY;
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (depth >= MAX_DEPTH) {
		do {
			snprintf(moved, sizeof(moved), ".moved-%lu", removal->moved++);
			rc = (int)syscall(SYS_renameat2, parent, name, removal->top, moved, RENAME_NOREPLACE);
		} while (rc != 0 && errno == EEXIST);
		return rc == 0 ? 0 : -errno;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) != 0 || st.st_dev != removal->device) {
		close(fd);
		return -EBUSY;
	}
	rc = empty_directory(removal, fd, depth + 1);
	if (rc == 0 && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		rc = -errno;
	return rc;
}

static int empty_directory(struct removal *removal, int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	int rc = 0;

	if (!dir) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while (rc == 0) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			rc = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = remove_entry(removal, fd, entry->d_name, depth);
	}
	closedir(dir);
	return rc;
}

static int remove_at(int parent, const char *name, bool guarded)
{
	struct removal removal = { .guarded = guarded };
	struct stat st;
	int rc = 0;

	if (guarded && is_mount_point(parent, name))
		return -EBUSY;
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	removal.top = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (removal.top < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(removal.top, &st) != 0)
		rc = -errno;
	removal.device = st.st_dev;
	/* what was moved up during one round is removed in the next */
	while (rc == 0) {
		int fd = openat(removal.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		rc = fd < 0 ? -errno : empty_directory(&removal, fd, 0);
		if (rc != 0)
			break;
		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			break;
		if (errno != ENOTEMPTY)
			rc = -errno;
	}
	close(removal.top);
	return rc;
}

int remove_tree(const char *path)
{
	return remove_at(AT_FDCWD, path, false);
}

int remove_tree_at(int parent, const char *name)
{
	return remove_at(parent, name, true);
}
