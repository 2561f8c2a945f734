/* mount(2), umount2(2), and the root of another mount namespace */
#include "addon.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#define TREE_CLONE 1 /* OPEN_TREE_CLONE */

/* mount(source | null, target, type | null, flags, data | null) */
static napi_value call_mount(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *source = arg_string(env, a[0]);
	char *target = arg_string(env, a[1]);
	char *type = arg_string(env, a[2]);
	char *data = arg_string(env, a[4]);
	int rc = target ? mount(source, target, type, (unsigned long)arg_i64(env, a[3]), data) : -1;
	int error = target ? errno : EINVAL;

	free(source);
	free(target);
	free(type);
	free(data);
	return result(env, rc < 0 ? -error : rc);
}

/* umount(target, flags) */
static napi_value call_umount(napi_env env, napi_callback_info info)
{
	ARGS(2);
	char *target = arg_string(env, a[0]);
	int rc = target ? umount2(target, arg_i32(env, a[1])) : -1;
	int error = target ? errno : EINVAL;

	free(target);
	return result(env, rc < 0 ? -error : rc);
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

struct root_job {
	int namespace, rc;
};

static void *root_thread(void *arg)
{
	struct root_job *job = arg;

	/* a root and a working directory of its own, which setns moves; the thread ends with them */
	if (unshare(CLONE_FS) != 0 || setns(job->namespace, CLONE_NEWNS) != 0 ||
	    (job->rc = (int)syscall(SYS_open_tree, AT_FDCWD, "/", TREE_CLONE | O_CLOEXEC)) < 0)
		job->rc = -errno;
	return NULL;
}

/*
 * rootOf(namespace): a descriptor of what is mounted at the root of a mount namespace, on a mount of its own: nothing that
 * is mounted over parts of it is seen there
 */
static napi_value call_root_of(napi_env env, napi_callback_info info)
{
	ARGS(1);
	struct root_job job = {.namespace = arg_i32(env, a[0])};
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, root_thread, &job);

	if (rc != 0)
		return result(env, -rc);
	pthread_join(thread, NULL);
	return result(env, job.rc);
}

void register_mount(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"mount", call_mount},
		{"umount", call_umount},
		{"mountFrom", call_mount_from},
		{"rootOf", call_root_of},
	};

	DEFINE(env, exports, methods);
}
