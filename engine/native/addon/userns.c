/*
 * Network namespaces that a user namespace owns. Neither may be entered by a process of many threads, so a child is born
 * into them; both are kept by bind mounts, and the child, which shares our memory and does nothing but wait, is killed.
 */
#include "addon.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE (64u << 10)

struct owned {
	struct work work;
	char *net, *user;	/* files that are to hold them */
	char *join;		/* a user namespace that is there, or NULL: a new one with these maps */
	char *uid_map, *gid_map;
	char *sysctls;
	int error;
};

struct birth {
	int join, ready[2];
	int error;
};

/* Shares memory, and so errno, with a thread that waits for `ready`: nothing here but system calls. */
static int born(void *data)
{
	struct birth *birth = data;

	if (birth->join >= 0 && (syscall(SYS_setns, birth->join, CLONE_NEWUSER) < 0 || syscall(SYS_unshare, CLONE_NEWNET) < 0))
		birth->error = -errno;
	syscall(SYS_write, birth->ready[1], "", 1);
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	return 0;
}

static int write_map(pid_t pid, const char *which, const char *text)
{
	char path[64];
	int fd, rc;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, which);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int keep(pid_t pid, const char *which, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, which);
	return mount(path, file, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

/* On a thread of its own, which ends in the new namespace. */
static void *furnish_thread(void *data)
{
	struct owned *job = data;
	int fd = open(job->net, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		job->error = -errno;
	else
		job->error = netns_furnish(job->sysctls);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int keep_both(struct owned *job, pid_t pid)
{
	pthread_t thread;
	int rc = 0;

	if (!job->join && ((rc = write_map(pid, "uid_map", job->uid_map)) < 0 || (rc = write_map(pid, "gid_map", job->gid_map)) < 0))
		return rc;
	if ((rc = keep(pid, "user", job->user)) < 0 || (rc = keep(pid, "net", job->net)) < 0)
		return rc;
	rc = pthread_create(&thread, NULL, furnish_thread, job);
	if (rc)
		return -rc;
	pthread_join(thread, NULL);
	return job->error;
}

static int bear(struct owned *job, struct birth *birth, char *stack)
{
	sigset_t all, before;
	char ready;
	pid_t pid;
	int rc;

	/* no handler of ours may run in the child, which has our memory but not our threads */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = clone(born, stack + STACK_SIZE, CLONE_VM | (job->join ? 0 : CLONE_NEWUSER | CLONE_NEWNET), birth);
	rc = pid < 0 ? -errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc < 0)
		return rc;
	while ((rc = (int)read(birth->ready[0], &ready, 1)) < 0 && errno == EINTR)
		;
	rc = rc == 1 ? birth->error : -EPIPE;
	if (rc == 0)
		rc = keep_both(job, pid);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return rc;
}

static void owned_execute(napi_env env, void *data)
{
	struct owned *job = data;
	struct birth birth = {.join = -1};
	char *stack;

	(void)env;
	if (job->join) {
		birth.join = open(job->join, O_RDONLY | O_CLOEXEC);
		if (birth.join < 0) {
			job->error = -errno;
			return;
		}
	}
	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED) {
		job->error = -errno;
	} else if (pipe2(birth.ready, O_CLOEXEC) < 0) {
		job->error = -errno;
	} else {
		job->error = bear(job, &birth, stack);
		close(birth.ready[0]);
		close(birth.ready[1]);
	}
	if (stack != MAP_FAILED)
		munmap(stack, STACK_SIZE);
	if (birth.join >= 0)
		close(birth.join);
}

static void owned_free(struct owned *job)
{
	free(job->net);
	free(job->user);
	free(job->join);
	free(job->uid_map);
	free(job->gid_map);
	free(job->sysctls);
	free(job);
}

static void owned_complete(napi_env env, napi_status status, void *data)
{
	struct owned *job = data;

	work_end(env, &job->work, result(env, status == napi_ok ? job->error : -ECANCELED));
	owned_free(job);
}

/*
 * newOwnedNetns(net, user, join | null, uidMap, gidMap, sysctls): promises 0 once both namespaces are bind-mounted on
 * the files, lo up; or the negative errno, and then one of the files may be mounted on
 */
static napi_value call_new_owned_netns(napi_env env, napi_callback_info info)
{
	ARGS(6);
	struct owned *job = calloc(1, sizeof(*job));

	if (!job)
		return result(env, -ENOMEM);
	job->net = arg_string(env, a[0]);
	job->user = arg_string(env, a[1]);
	job->join = arg_string(env, a[2]);
	job->uid_map = arg_string(env, a[3]);
	job->gid_map = arg_string(env, a[4]);
	job->sysctls = arg_string(env, a[5]);
	if (!job->net || !job->user || !job->uid_map || !job->gid_map || !job->sysctls) {
		owned_free(job);
		return result(env, -EINVAL);
	}
	return work_begin(env, &job->work, "gantry:userns", owned_execute, owned_complete);
}

void register_userns(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"newOwnedNetns", call_new_owned_netns},
	};

	DEFINE(env, exports, methods);
}
