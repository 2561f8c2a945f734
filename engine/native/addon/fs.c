/*
 * File system calls relative to directory descriptors, for paths that come from others (layers, container roots), and
 * the few that work on whole trees, on a thread of their own.
 */
#include "addon.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A path given as a Buffer (any bytes but NUL) or as a string, malloc'ed; NULL with errno set when it is neither. */
static char *arg_path(napi_env env, napi_value value)
{
	void *data;
	size_t length;
	char *text;

	if (!arg_buffer(env, value, &data, &length)) {
		text = arg_string(env, value);
		if (!text)
			errno = EINVAL;
		return text;
	}
	if (memchr(data, 0, length)) {
		errno = EINVAL;
		return NULL;
	}
	text = malloc(length + 1);
	if (!text) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(text, data, length);
	text[length] = 0;
	return text;
}

/* Keeps errno over free(), and turns a NULL path into the failure arg_path told. */
static napi_value done(napi_env env, long rc, char *first, char *second)
{
	int saved = errno;

	free(first);
	free(second);
	errno = saved;
	return RESULT_OF(env, rc);
}

/* openat2(dirfd, path, flags, mode, resolve) */
static napi_value call_openat2(napi_env env, napi_callback_info info)
{
	ARGS(5);
	struct open_how how = {
		.flags = (uint64_t)arg_i64(env, a[2]) | O_CLOEXEC,
		.mode = (uint64_t)arg_i64(env, a[3]),
		.resolve = (uint64_t)arg_i64(env, a[4]),
	};
	char *path = arg_path(env, a[1]);
	long rc = -1;

	/* EAGAIN: something was renamed or mounted while `..` was walked, and the kernel could not be sure */
	for (int tries = 0; path && tries < 64; tries++) {
		rc = syscall(SYS_openat2, arg_i32(env, a[0]), path, &how, sizeof(how));
		if (rc >= 0 || errno != EAGAIN)
			break;
	}
	return done(env, rc, path, NULL);
}

/* mkdirat(dirfd, path, mode) */
static napi_value call_mkdirat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *path = arg_path(env, a[1]);

	return done(env, path ? mkdirat(arg_i32(env, a[0]), path, arg_u32(env, a[2])) : -1, path, NULL);
}

/* mknodat(dirfd, path, mode, major, minor) */
static napi_value call_mknodat(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *path = arg_path(env, a[1]);
	dev_t device = makedev(arg_u32(env, a[3]), arg_u32(env, a[4]));

	return done(env, path ? mknodat(arg_i32(env, a[0]), path, arg_u32(env, a[2]), device) : -1, path, NULL);
}

/* symlinkat(target, dirfd, path) */
static napi_value call_symlinkat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *target = arg_path(env, a[0]);
	char *path = target ? arg_path(env, a[2]) : NULL;

	return done(env, path ? symlinkat(target, arg_i32(env, a[1]), path) : -1, target, path);
}

/* linkat(oldDirfd, oldPath, newDirfd, newPath, flags) */
static napi_value call_linkat(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *from = arg_path(env, a[1]);
	char *to = from ? arg_path(env, a[3]) : NULL;
	int rc = to ? linkat(arg_i32(env, a[0]), from, arg_i32(env, a[2]), to, arg_i32(env, a[4])) : -1;

	return done(env, rc, from, to);
}

/* unlinkat(dirfd, path, flags) */
static napi_value call_unlinkat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *path = arg_path(env, a[1]);

	return done(env, path ? unlinkat(arg_i32(env, a[0]), path, arg_i32(env, a[2])) : -1, path, NULL);
}

/* renameat2(oldDirfd, oldPath, newDirfd, newPath, flags) */
static napi_value call_renameat2(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *from = arg_path(env, a[1]);
	char *to = from ? arg_path(env, a[3]) : NULL;
	long rc = -1;

	if (to)
		rc = syscall(SYS_renameat2, arg_i32(env, a[0]), from, arg_i32(env, a[2]), to, arg_u32(env, a[4]));
	return done(env, rc, from, to);
}

/* fchownat(dirfd, path, uid, gid, flags) */
static napi_value call_fchownat(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *path = arg_path(env, a[1]);
	int rc = -1;

	if (path)
		rc = fchownat(arg_i32(env, a[0]), path, arg_u32(env, a[2]), arg_u32(env, a[3]), arg_i32(env, a[4]));
	return done(env, rc, path, NULL);
}

/* fchmodat(dirfd, path, mode); follows a symbolic link */
static napi_value call_fchmodat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *path = arg_path(env, a[1]);

	return done(env, path ? fchmodat(arg_i32(env, a[0]), path, arg_u32(env, a[2]), 0) : -1, path, NULL);
}

/* utimensat(dirfd, path, atimeSeconds, atimeNanos, mtimeSeconds, mtimeNanos, flags) */
static napi_value call_utimensat(napi_env env, napi_callback_info info)
{
	ARGS(7);
	struct timespec times[2] = {
		{ .tv_sec = arg_i64(env, a[2]), .tv_nsec = arg_i32(env, a[3]) },
		{ .tv_sec = arg_i64(env, a[4]), .tv_nsec = arg_i32(env, a[5]) },
	};
	char *path = arg_path(env, a[1]);

	return done(env, path ? utimensat(arg_i32(env, a[0]), path, times, arg_i32(env, a[6])) : -1, path, NULL);
}

/*
 * statat(dirfd, path, flags, out): fills the Float64Array `out` with mode, uid, gid, size, dev, ino, nlink, rdev major,
 * rdev minor, mtime seconds, mtime nanos, 512-byte blocks
 */
enum { STAT_FIELDS = 12 };

static napi_value call_statat(napi_env env, napi_callback_info info)
{
	ARGS(4);
	char *path = arg_path(env, a[1]);
	struct stat st;
	void *data;
	size_t length;
	napi_typedarray_type type;
	int rc;

	if (napi_get_typedarray_info(env, a[3], &type, &length, &data, NULL, NULL) != napi_ok ||
	    type != napi_float64_array || length < STAT_FIELDS) {
		errno = EINVAL;
		return done(env, -1, path, NULL);
	}
	rc = path ? fstatat(arg_i32(env, a[0]), path, &st, arg_i32(env, a[2])) : -1;
	if (rc == 0) {
		double *out = data;

		out[0] = st.st_mode;
		out[1] = st.st_uid;
		out[2] = st.st_gid;
		out[3] = (double)st.st_size;
		out[4] = (double)st.st_dev;
		out[5] = (double)st.st_ino;
		out[6] = (double)st.st_nlink;
		out[7] = major(st.st_rdev);
		out[8] = minor(st.st_rdev);
		out[9] = (double)st.st_mtim.tv_sec;
		out[10] = (double)st.st_mtim.tv_nsec;
		out[11] = (double)st.st_blocks;
	}
	return done(env, rc, path, NULL);
}

/* A new Buffer, or the negative errno as a number when rc is negative. */
static napi_value bytes_or_errno(napi_env env, ssize_t rc, const void *data)
{
	napi_value buffer;

	if (rc < 0)
		return RESULT_OF(env, rc);
	if (napi_create_buffer_copy(env, (size_t)rc, data, NULL, &buffer) != napi_ok)
		return result(env, -ENOMEM);
	return buffer;
}

/* readlinkat(dirfd, path) -> Buffer; an empty path reads the link that dirfd itself (O_PATH) is */
static napi_value call_readlinkat(napi_env env, napi_callback_info info)
{
	ARGS(2);
	char *path = arg_path(env, a[1]);
	char target[PATH_MAX];
	ssize_t rc = path ? readlinkat(arg_i32(env, a[0]), path, target, sizeof(target)) : -1;
	int saved = errno;

	free(path);
	errno = saved;
	return bytes_or_errno(env, rc, target);
}

/*
 * There are no xattr *at calls before Linux 6.13: the directory is named by its descriptor in /proc. With an empty name
 * it is the descriptor's own file, whose magic link has to be followed then.
 */
static char *proc_path(napi_env env, napi_value dirfd, napi_value name, bool *is_self)
{
	char *last = arg_path(env, name);
	char *path = NULL;

	if (!last)
		return NULL;
	if (strchr(last, '/')) {
		errno = EINVAL;
	} else {
		*is_self = last[0] == 0;
		if (asprintf(&path, *is_self ? "/proc/self/fd/%d" : "/proc/self/fd/%d/%s", arg_i32(env, dirfd), last) < 0)
			path = NULL;
	}
	free(last);
	return path;
}

/* setxattrAt(dirfd, name, key, value) */
static napi_value call_setxattr(napi_env env, napi_callback_info info)
{
	ARGS(4);
	bool is_self = false;
	char *path = proc_path(env, a[0], a[1], &is_self);
	char *key = path ? arg_path(env, a[2]) : NULL;
	void *value;
	size_t length;
	int rc = -1;

	if (key && arg_buffer(env, a[3], &value, &length))
		rc = (is_self ? setxattr : lsetxattr)(path, key, value, length, 0);
	else if (key)
		errno = EINVAL;
	return done(env, rc, path, key);
}

/* getxattrAt(dirfd, name, key) -> Buffer */
static napi_value call_getxattr(napi_env env, napi_callback_info info)
{
	ARGS(3);
	bool is_self = false;
	char *path = proc_path(env, a[0], a[1], &is_self);
	char *key = path ? arg_path(env, a[2]) : NULL;
	char *value = malloc(XATTR_SIZE_MAX);
	ssize_t rc = -1;
	napi_value answer;

	if (key && value)
		rc = (is_self ? getxattr : lgetxattr)(path, key, value, XATTR_SIZE_MAX);
	answer = bytes_or_errno(env, rc, value);
	free(path);
	free(key);
	free(value);
	return answer;
}

/* listxattrAt(dirfd, name) -> Buffer of NUL-terminated keys; 0 when there are none, as most files have */
static napi_value call_listxattr(napi_env env, napi_callback_info info)
{
	ARGS(2);
	bool is_self = false;
	char *path = proc_path(env, a[0], a[1], &is_self);
	char *keys = malloc(XATTR_LIST_MAX);
	ssize_t rc = -1;
	napi_value answer;

	/* the descriptor itself, unless it is O_PATH: that only has its name in /proc, which takes longer */
	if (path && keys && is_self)
		rc = flistxattr(arg_i32(env, a[0]), keys, XATTR_LIST_MAX);
	if (path && keys && (!is_self || (rc < 0 && errno == EBADF)))
		rc = (is_self ? listxattr : llistxattr)(path, keys, XATTR_LIST_MAX);
	answer = rc == 0 ? result(env, 0) : bytes_or_errno(env, rc, keys);
	free(path);
	free(keys);
	return answer;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Most files are root's and have got their mode already: a look is a tenth of what a change costs the file system. */
static int set_owner_and_mode(int fd, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -1;
	/* chown takes setuid bits away, so the mode is looked at behind it */
	if (st.st_uid != uid || st.st_gid != gid) {
		if (fchown(fd, uid, gid) != 0)
			return -1;
	} else if ((st.st_mode & 07777) == (mode & 07777)) {
		return 0;
	}
	return fchmod(fd, mode);
}

/*
 * createFile(dirfd, path, data, mode, uid, gid, mtimeSeconds, mtimeNanos): a whole small file in one call; it must not
 * exist. Layers hold tens of thousands of them.
 */
static napi_value call_create_file(napi_env env, napi_callback_info info)
{
	ARGS(8);
	struct timespec times[2] = {
		{ .tv_sec = arg_i64(env, a[6]), .tv_nsec = arg_i32(env, a[7]) },
		{ .tv_sec = arg_i64(env, a[6]), .tv_nsec = arg_i32(env, a[7]) },
	};
	char *path = arg_path(env, a[1]);
	mode_t mode = arg_u32(env, a[3]);
	void *data;
	size_t length;
	int fd, rc = -1;

	if (!path)
		return done(env, -1, NULL, NULL);
	if (!arg_buffer(env, a[2], &data, &length)) {
		errno = EINVAL;
		return done(env, -1, path, NULL);
	}
	fd = openat(arg_i32(env, a[0]), path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0777);
	if (fd >= 0) {
		int saved;

		rc = write_all(fd, data, length);
		if (rc == 0)
			rc = set_owner_and_mode(fd, arg_u32(env, a[4]), arg_u32(env, a[5]), mode);
		if (rc == 0)
			rc = futimens(fd, times);
		saved = errno;
		if (close(fd) != 0 && rc == 0)
			rc = -1;
		else
			errno = saved;
	}
	return done(env, rc, path, NULL);
}

/*
 * Removal of a tree. Directories nested deeper than MAX_DEPTH are moved up to the top one and found there again: a
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

/* removeTreeAt(dirfd, name): -EBUSY when something is mounted there or below; blocks: for worker threads */
static napi_value call_remove_tree_at(napi_env env, napi_callback_info info)
{
	ARGS(2);
	char *name = arg_path(env, a[1]);
	int rc = name ? remove_at(arg_i32(env, a[0]), name, true) : -errno;

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
	napi_async_work work;
	napi_deferred deferred;
	enum { REMOVE_TREE, TREE_SIZE, SYNC_FS } kind;
	char *path;
	int64_t result;
};

static void tree_execute(napi_env env, void *data)
{
	struct tree_work *work = data;
	struct inode_set seen = { 0 };
	int64_t bytes = 0;
	int fd;

	(void)env;
	switch (work->kind) {
	case REMOVE_TREE:
		work->result = remove_tree(work->path);
		break;
	case TREE_SIZE:
		work->result = tree_size(AT_FDCWD, work->path, &seen, &bytes, 0);
		if (work->result == 0)
			work->result = bytes;
		free(seen.slots);
		break;
	case SYNC_FS:
		fd = open(work->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syncfs(fd) != 0)
			work->result = -errno;
		if (fd >= 0)
			close(fd);
		break;
	}
}

static void tree_complete(napi_env env, napi_status status, void *data)
{
	struct tree_work *work = data;

	(void)status;
	napi_resolve_deferred(env, work->deferred, result(env, work->result));
	napi_delete_async_work(env, work->work);
	free(work->path);
	free(work);
}

static napi_value tree_start(napi_env env, napi_callback_info info, int kind)
{
	ARGS(1);
	napi_value promise, name;
	struct tree_work *work = calloc(1, sizeof(*work));

	if (!work)
		return result(env, -ENOMEM);
	work->kind = kind;
	work->path = arg_path(env, a[0]);
	if (!work->path) {
		free(work);
		return RESULT_OF(env, -1);
	}
	napi_create_promise(env, &work->deferred, &promise);
	napi_create_string_utf8(env, "gantry:tree", NAPI_AUTO_LENGTH, &name);
	napi_create_async_work(env, NULL, name, tree_execute, tree_complete, work, &work->work);
	napi_queue_async_work(env, work->work);
	return promise;
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

/*
 * readCached(fd, buffer, offset, length, position): what of it is in the page cache; -EAGAIN when the disk would have
 * to be waited for, -EOPNOTSUPP where the file system cannot tell. @see preadv2(2), RWF_NOWAIT
 */
static napi_value call_read_cached(napi_env env, napi_callback_info info)
{
	ARGS(5);
	void *data;
	size_t size;
	uint32_t offset = arg_u32(env, a[2]), length = arg_u32(env, a[3]);
	struct iovec into;

	if (!arg_buffer(env, a[1], &data, &size) || offset > size || length > size - offset)
		return result(env, -EINVAL);
	into = (struct iovec){(char *)data + offset, length};
	return RESULT_OF(env, preadv2(arg_i32(env, a[0]), &into, 1, arg_i64(env, a[4]), RWF_NOWAIT));
}

/*
 * readCounters(fds, buffer, at, ends): the files of some descriptors from their start, one behind the other. `ends`, an
 * Int32Array as `fds` is, takes where each ends, or the negative errno: -EFBIG for one that may not have fitted.
 */
static napi_value call_read_counters(napi_env env, napi_callback_info info)
{
	ARGS(4);
	napi_typedarray_type types[2] = {napi_uint8_array, napi_uint8_array};
	size_t count = 0, size, at = arg_u32(env, a[2]), i, ends_count = 0;
	int32_t *fds, *ends;
	void *data;

	napi_get_typedarray_info(env, a[0], &types[0], &count, (void **)&fds, NULL, NULL);
	napi_get_typedarray_info(env, a[3], &types[1], &ends_count, (void **)&ends, NULL, NULL);
	if (types[0] != napi_int32_array || types[1] != napi_int32_array || ends_count < count ||
	    !arg_buffer(env, a[1], &data, &size) || at > size || size > INT32_MAX)
		return result(env, -EINVAL);
	for (i = 0; i < count; i++) {
		size_t room = size - at;
		ssize_t n = pread(fds[i], (char *)data + at, room, 0);

		if (n < 0) {
			ends[i] = -errno;
		} else if ((size_t)n == room) {
			ends[i] = -EFBIG;
		} else {
			at += (size_t)n;
			ends[i] = (int32_t)at;
		}
	}
	return result(env, 0);
}

struct mount_job {
	char *directory, *source, *target, *type, *data;
	unsigned long flags;
	int rc;
};

static void *mount_thread(void *arg)
{
	struct mount_job *job = arg;

	/* a working directory of its own: the process's is shared by all threads otherwise */
	if (unshare(CLONE_FS) != 0 || chdir(job->directory) != 0 ||
	    mount(job->source, job->target, job->type, job->flags, job->data) != 0)
		job->rc = -errno;
	return NULL;
}

/*
 * mountFrom(directory, source, target, type, flags, data): mount(2) with `directory` as working directory, so that many
 * layers, named relative to it, fit into the one page of mount data
 */
static napi_value call_mount_from(napi_env env, napi_callback_info info)
{
	ARGS(6);
	struct mount_job job = {
		.directory = arg_path(env, a[0]),
		.source = arg_path(env, a[1]),
		.target = arg_path(env, a[2]),
		.type = arg_path(env, a[3]),
		.flags = (unsigned long)arg_i64(env, a[4]),
		.data = arg_path(env, a[5]),
	};
	pthread_t thread;

	if (!job.directory || !job.source || !job.target || !job.type || !job.data) {
		job.rc = -EINVAL;
	} else {
		job.rc = -pthread_create(&thread, NULL, mount_thread, &job);
		if (job.rc == 0)
			pthread_join(thread, NULL);
	}
	free(job.directory);
	free(job.source);
	free(job.target);
	free(job.type);
	free(job.data);
	return result(env, job.rc);
}

void register_fs(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "openat2", call_openat2 },
		{ "mkdirat", call_mkdirat },
		{ "mknodat", call_mknodat },
		{ "symlinkat", call_symlinkat },
		{ "linkat", call_linkat },
		{ "unlinkat", call_unlinkat },
		{ "renameat2", call_renameat2 },
		{ "fchownat", call_fchownat },
		{ "fchmodat", call_fchmodat },
		{ "utimensat", call_utimensat },
		{ "statat", call_statat },
		{ "readlinkat", call_readlinkat },
		{ "setxattrAt", call_setxattr },
		{ "getxattrAt", call_getxattr },
		{ "listxattrAt", call_listxattr },
		{ "createFile", call_create_file },
		{ "readCached", call_read_cached },
		{ "readCounters", call_read_counters },
		{ "removeTreeAt", call_remove_tree_at },
		{ "removeTree", call_remove_tree },
		{ "treeSize", call_tree_size },
		{ "syncFs", call_sync_fs },
		{ "setTopDirectory", call_set_top_directory },
		{ "mountFrom", call_mount_from },
	};

	DEFINE(env, exports, methods);
}
