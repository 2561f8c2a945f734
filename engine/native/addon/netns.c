/* New network namespaces, held by a file that they are mounted on. */
#include "addon.h"

#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

struct newns {
	struct work work;
	char *path;
	char *sysctls;
	int error;
};

/* Writes "net/ipv4/x=1\n" lines below /proc/sys; those files speak of the namespace of the thread that opens them. */
static int write_sysctls(char *lines)
{
	char *rest = lines;

	for (char *line; (line = strsep(&rest, "\n"));) {
		char path[256] = "/proc/sys/";
		char *value = strchr(line, '=');
		int fd, rc;

		if (!value)
			continue;
		*value++ = '\0';
		strncat(path, line, sizeof(path) - strlen(path) - 1);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0) {
			if (errno == ENOENT) /* a kernel without it */
				continue;
			return -errno;
		}
		rc = write(fd, value, strlen(value)) < 0 ? -errno : 0;
		close(fd);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	rc = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int netns_furnish(char *sysctls)
{
	int rc = loopback_up();

	return rc < 0 ? rc : write_sysctls(sysctls);
}

/* On a thread of its own, which ends in the new namespace; the bind mount keeps it. */
static void *newns_thread(void *data)
{
	struct newns *job = data;

	if (unshare(CLONE_NEWNET) < 0) {
		job->error = -errno;
		return NULL;
	}
	job->error = netns_furnish(job->sysctls);
	if (job->error == 0 && mount("/proc/thread-self/ns/net", job->path, NULL, MS_BIND, NULL) < 0)
		job->error = -errno;
	return NULL;
}

static void newns_execute(napi_env env, void *data)
{
	struct newns *job = data;
	pthread_t thread;
	int error;

	(void)env;
	error = pthread_create(&thread, NULL, newns_thread, job);
	if (error)
		job->error = -error;
	else
		pthread_join(thread, NULL);
}

static void newns_complete(napi_env env, napi_status status, void *data)
{
	struct newns *job = data;

	work_end(env, &job->work, result(env, status == napi_ok ? job->error : -ECANCELED));
	free(job->path);
	free(job->sysctls);
	free(job);
}

/* newNetns(path, sysctls): promises 0 once a new namespace, lo up, is bind-mounted on the file; or the negative errno */
static napi_value call_new_netns(napi_env env, napi_callback_info info)
{
	ARGS(2);
	struct newns *job = calloc(1, sizeof(*job));

	if (!job)
		return result(env, -ENOMEM);
	job->path = arg_string(env, a[0]);
	job->sysctls = arg_string(env, a[1]);
	if (!job->path || !job->sysctls) {
		free(job->path);
		free(job->sysctls);
		free(job);
		return result(env, -EINVAL);
	}
	return work_begin(env, &job->work, "gantry:netns", newns_execute, newns_complete);
}

void register_netns(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"newNetns", call_new_netns},
	};

	DEFINE(env, exports, methods);
}
