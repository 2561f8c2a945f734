/*
 * Starting gantry-shim. Node's own spawn forks, which copies the page tables of a large process (some milliseconds) and
 * needs a path; this one borrows the memory (vfork) and executes a descriptor.
 */
#include "addon.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define AT_EMPTY 0x1000	   /* AT_EMPTY_PATH */
#define TREE_CLONE 1	   /* OPEN_TREE_CLONE */
#define ATTR_RDONLY 1	   /* MOUNT_ATTR_RDONLY */
#define STDIO_MAX 8
#define ARGV_MAX 8
#define ABOVE_STDIO 32	   /* descriptors are moved there first, so that none is overwritten before it is used */

/*
 * openReadOnly(path): a descriptor of the file on a detached, read-only clone of its mount, so that whoever gets at it
 * through /proc/PID/exe cannot write to it. Before Linux 5.12 -ENOSYS.
 */
static napi_value call_open_read_only(napi_env env, napi_callback_info info)
{
	ARGS(1);
	struct {
		uint64_t attr_set, attr_clr, propagation, userns_fd;
	} attributes = {.attr_set = ATTR_RDONLY};
	char *path = arg_string(env, a[0]);
	int64_t rc;
	int fd;

	if (!path)
		return result(env, -EINVAL);
	fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, TREE_CLONE | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return result(env, -errno);
	rc = syscall(SYS_mount_setattr, fd, "", AT_EMPTY, &attributes, sizeof(attributes));
	if (rc < 0) {
		rc = -errno;
		close(fd);
		return result(env, rc);
	}
	return result(env, fd);
}

/* socketPair(into): fills an 8-byte Buffer with two connected stream sockets, both O_CLOEXEC, the first not blocking */
static napi_value call_socket_pair(napi_env env, napi_callback_info info)
{
	ARGS(1);
	void *into;
	size_t length;
	int pair[2];

	if (!arg_buffer(env, a[0], &into, &length) || length < sizeof(pair))
		return result(env, -EINVAL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return result(env, -errno);
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		int64_t rc = -errno;

		close(pair[0]);
		close(pair[1]);
		return result(env, rc);
	}
	memcpy(into, pair, sizeof(pair));
	return result(env, 0);
}

struct start {
	int exe, count;
	int stdio[STDIO_MAX];
	char *argv[ARGV_MAX + 1];
	sigset_t mask;
	volatile int error;
};

/* In the child, on the parent's memory: system calls only, and nothing of the parent's is changed. */
_Noreturn static void become(struct start *start)
{
	static char *const no_environment[] = {NULL};
	int i;

	setsid();
	for (i = 0; i < start->count; i++) {
		start->stdio[i] = fcntl(start->stdio[i], F_DUPFD_CLOEXEC, ABOVE_STDIO);
		if (start->stdio[i] < 0)
			goto failed;
	}
	for (i = 0; i < start->count; i++) {
		if (dup2(start->stdio[i], i) < 0)
			goto failed;
	}
	sigprocmask(SIG_SETMASK, &start->mask, NULL);
	syscall(SYS_execveat, start->exe, "", start->argv, no_environment, AT_EMPTY);
failed:
	start->error = errno;
	_exit(127);
}

/*
 * spawn(exe, stdio, ...argv): runs the open executable in a session of its own, with an empty environment and the
 * descriptors of `stdio` (a Buffer of i32) as 0, 1, 2 … Answers its process ID; the caller reaps it.
 */
static napi_value call_spawn(napi_env env, napi_callback_info info)
{
	ARGS(2 + ARGV_MAX);
	struct start start = {.exe = arg_i32(env, a[0])};
	sigset_t all, before;
	size_t length, i;
	void *stdio;
	volatile pid_t pid = 0;

	if (!arg_buffer(env, a[1], &stdio, &length) || length / 4 > STDIO_MAX || argc < 3 || argc > 2 + ARGV_MAX)
		return result(env, -EINVAL);
	start.count = (int)(length / 4);
	memcpy(start.stdio, stdio, length);
	for (i = 0; i + 2 < argc; i++) {
		start.argv[i] = arg_string(env, a[i + 2]);
		if (!start.argv[i])
			start.error = EINVAL;
	}
	if (!start.error) {
		/* a handler of Node's must not run in the child: it would find the parent's memory */
		sigfillset(&all);
		sigemptyset(&start.mask);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		pid = vfork();
		if (pid == 0)
			become(&start);
		if (pid < 0)
			start.error = errno;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (pid > 0 && start.error)
			waitpid(pid, NULL, 0);
	}
	for (i = 0; i + 2 < argc; i++)
		free(start.argv[i]);
	return result(env, start.error ? -start.error : pid);
}

/* reap(pid): collects an ended child of spawn(); 0 when it has not ended yet */
static napi_value call_reap(napi_env env, napi_callback_info info)
{
	ARGS(1);
	return RESULT_OF(env, waitpid(arg_i32(env, a[0]), NULL, WNOHANG));
}

void register_spawn(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"openReadOnly", call_open_read_only},
		{"socketPair", call_socket_pair},
		{"spawn", call_spawn},
		{"reap", call_reap},
	};

	DEFINE(env, exports, methods);
}
