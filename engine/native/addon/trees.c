/* Whole trees of files: removed, measured, written to the disk, and where their file system puts them. */
#include "addon.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* removeTreeAt(dirfd, name): -EBUSY when something is mounted there or below; blocks: for worker threads */
static napi_value call_remove_tree_at(napi_env env, napi_callback_info info)
{
	ARGS(2);
	char *name = arg_path(env, a[1]);
	int rc = name ? remove_tree_at(arg_i32(env, a[0]), name) : -errno;

	free(name);
	return result(env, rc);
}

/* Inodes with several links that were counted already: open addressing, doubled when half full. */
struct inode_set {
	uint64_t *slots;
	size_t capacity, used;
};

static bool inode_set_add(struct inode_set *set, uint64_t ino)
{
	if (set->used * 2 >= set->capacity) {
		struct inode_set bigger = { .capacity = set->capacity ? set->capacity * 2 : 256 };

		bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
		if (!bigger.slots)
			return true;
		for (size_t i = 0; i < set->capacity; i++)
			if (set->slots[i])
				inode_set_add(&bigger, set->slots[i]);
		free(set->slots);
		*set = bigger;
	}
	for (size_t i = (ino * 0x9e3779b97f4a7c15ULL) & (set->capacity - 1);; i = (i + 1) & (set->capacity - 1)) {
		if (set->slots[i] == ino)
			return false;
		if (set->slots[i] == 0) {
			set->slots[i] = ino;
			set->used++;
			return true;
		}
	}
}

/* Deeper directories are left out: each level holds a descriptor. */
enum { MAX_SIZE_DEPTH = 512 };

/* Bytes of the regular files and links in a tree, hard links once. Adds to *bytes; 0 or -errno. */
static int tree_size(int parent, const char *name, struct inode_set *seen, int64_t *bytes, int depth)
{
	struct dirent *entry;
	DIR *dir;
	int rc = 0;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while (rc == 0) {
		struct stat st;

		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			rc = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			/* a running container removes files while we look */
			rc = errno == ENOENT ? 0 : -errno;
			continue;
		}
		if (S_ISDIR(st.st_mode) && depth < MAX_SIZE_DEPTH)
			rc = tree_size(dirfd(dir), entry->d_name, seen, bytes, depth + 1);
		else if ((S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) &&
			 (st.st_nlink < 2 || inode_set_add(seen, st.st_ino)))
			*bytes += st.st_size;
	}
	closedir(dir);
	return rc;
}

/* Work on a tree that may take long, on one of libuv's threads; its promise resolves to the result or -errno. */
struct tree_work {
	struct work work;
	enum { REMOVE_TREE, TREE_SIZE, SYNC_FS } kind;
	char *path;
	int64_t result;
};

static void tree_execute(napi_env env, void *data)
{
	struct tree_work *tree = data;
	struct inode_set seen = { 0 };
	int64_t bytes = 0;
	int fd;

	(void)env;
	switch (tree->kind) {
	case REMOVE_TREE:
		tree->result = remove_tree(tree->path);
		break;
	case TREE_SIZE:
		tree->result = tree_size(AT_FDCWD, tree->path, &seen, &bytes, 0);
		if (tree->result == 0)
			tree->result = bytes;
		free(seen.slots);
		break;
	case SYNC_FS:
		fd = open(tree->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syncfs(fd) != 0)
			tree->result = -errno;
		if (fd >= 0)
			close(fd);
		break;
	}
}

static void tree_complete(napi_env env, napi_status status, void *data)
{
	struct tree_work *tree = data;

	work_end(env, &tree->work, result(env, status == napi_ok ? tree->result : -ECANCELED));
	free(tree->path);
	free(tree);
}

static napi_value tree_start(napi_env env, napi_callback_info info, int kind)
{
	ARGS(1);
	struct tree_work *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return result(env, -ENOMEM);
	tree->kind = kind;
	tree->path = arg_path(env, a[0]);
	if (!tree->path) {
		free(tree);
		return RESULT_OF(env, -1);
	}
	return work_begin(env, &tree->work, "gantry:tree", tree_execute, tree_complete);
}

/* removeTree(path) -> Promise */
static napi_value call_remove_tree(napi_env env, napi_callback_info info)
{
	return tree_start(env, info, REMOVE_TREE);
}

/* treeSize(path) -> Promise */
static napi_value call_tree_size(napi_env env, napi_callback_info info)
{
	return tree_start(env, info, TREE_SIZE);
}

/* syncFs(path) -> Promise */
static napi_value call_sync_fs(napi_env env, napi_callback_info info)
{
	return tree_start(env, info, SYNC_FS);
}

/*
 * setTopDirectory(path): marks a directory as one whose subdirectories have nothing to do with each other. The flags are an
 * int to the kernel, whatever the numbers of the requests say. @see ioctl_iflags(2), FS_TOPDIR_FL
 */
static napi_value call_set_top_directory(napi_env env, napi_callback_info info)
{
	ARGS(1);
	char *path = arg_path(env, a[0]);
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int flags = 0, rc = -1;

	if (fd >= 0)
		rc = ioctl(fd, FS_IOC_GETFLAGS, &flags);
	if (rc == 0 && !(flags & FS_TOPDIR_FL)) {
		flags |= FS_TOPDIR_FL;
		rc = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	rc = rc < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	free(path);
	return result(env, rc);
}

void register_trees(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "removeTreeAt", call_remove_tree_at },
		{ "removeTree", call_remove_tree },
		{ "treeSize", call_tree_size },
		{ "syncFs", call_sync_fs },
		{ "setTopDirectory", call_set_top_directory },
	};

	DEFINE(env, exports, methods);
}
