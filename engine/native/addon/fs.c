/* File system calls relative to directory descriptors, for paths that come from others (layers, container roots). */
#include "addon.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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
	return result_freeing(env, rc, path, NULL);
}

/* mkdirat(dirfd, path, mode) */
static napi_value call_mkdirat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *path = arg_path(env, a[1]);

	return result_freeing(env, path ? mkdirat(arg_i32(env, a[0]), path, arg_u32(env, a[2])) : -1, path, NULL);
}

/* mknodat(dirfd, path, mode, major, minor) */
static napi_value call_mknodat(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *path = arg_path(env, a[1]);
	dev_t device = makedev(arg_u32(env, a[3]), arg_u32(env, a[4]));

	return result_freeing(env, path ? mknodat(arg_i32(env, a[0]), path, arg_u32(env, a[2]), device) : -1, path, NULL);
}

/* symlinkat(target, dirfd, path) */
static napi_value call_symlinkat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *target = arg_path(env, a[0]);
	char *path = target ? arg_path(env, a[2]) : NULL;

	return result_freeing(env, path ? symlinkat(target, arg_i32(env, a[1]), path) : -1, target, path);
}

/* linkat(oldDirfd, oldPath, newDirfd, newPath, flags) */
static napi_value call_linkat(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *from = arg_path(env, a[1]);
	char *to = from ? arg_path(env, a[3]) : NULL;
	int rc = to ? linkat(arg_i32(env, a[0]), from, arg_i32(env, a[2]), to, arg_i32(env, a[4])) : -1;

	return result_freeing(env, rc, from, to);
}

/* unlinkat(dirfd, path, flags) */
static napi_value call_unlinkat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *path = arg_path(env, a[1]);

	return result_freeing(env, path ? unlinkat(arg_i32(env, a[0]), path, arg_i32(env, a[2])) : -1, path, NULL);
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
	return result_freeing(env, rc, from, to);
}

/* fchownat(dirfd, path, uid, gid, flags) */
static napi_value call_fchownat(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *path = arg_path(env, a[1]);
	int rc = -1;

	if (path)
		rc = fchownat(arg_i32(env, a[0]), path, arg_u32(env, a[2]), arg_u32(env, a[3]), arg_i32(env, a[4]));
	return result_freeing(env, rc, path, NULL);
}

/* fchmodat(dirfd, path, mode); follows a symbolic link */
static napi_value call_fchmodat(napi_env env, napi_callback_info info)
{
	ARGS(3);
	char *path = arg_path(env, a[1]);

	return result_freeing(env, path ? fchmodat(arg_i32(env, a[0]), path, arg_u32(env, a[2]), 0) : -1, path, NULL);
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

	return result_freeing(env, path ? utimensat(arg_i32(env, a[0]), path, times, arg_i32(env, a[6])) : -1, path, NULL);
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
		return result_freeing(env, -1, path, NULL);
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
	return result_freeing(env, rc, path, NULL);
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
		return result_freeing(env, -1, NULL, NULL);
	if (!arg_buffer(env, a[2], &data, &length)) {
		errno = EINVAL;
		return result_freeing(env, -1, path, NULL);
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
	return result_freeing(env, rc, path, NULL);
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
		{ "createFile", call_create_file },
	};

	DEFINE(env, exports, methods);
}
