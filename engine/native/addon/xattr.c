/* Extended attributes of what a directory's descriptor holds. */
#include "addon.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

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
	return result_freeing(env, rc, path, key);
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

void register_xattr(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "setxattrAt", call_setxattr },
		{ "getxattrAt", call_getxattr },
		{ "listxattrAt", call_listxattr },
	};

	DEFINE(env, exports, methods);
}
