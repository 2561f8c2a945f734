/*
 * Network namespaces, and sockets that live in them. A thread that visits another namespace is back in its own before
 * its call returns; when the way back fails the process ends, for everything after would go to the wrong network.
 */
#include "addon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* The longest answer taken: a dump of some ten thousand links. */
#define ANSWER_MAX (32u << 20)
/* The kernel fills a dump's datagrams up to what the reader offers, at most 32 KiB. */
#define DATAGRAM_MAX (64u << 10)
#define ANSWER_TIMEOUT_S 20

/* A new socket in the namespace of nsfd, or in our own when it is negative. Answers -errno when it fails. */
static int socket_in(int nsfd, int domain, int type, int protocol)
{
	int self, fd;

	if (nsfd < 0) {
		fd = socket(domain, type | SOCK_CLOEXEC, protocol);
		return fd < 0 ? -errno : fd;
	}
	self = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (self < 0)
		return -errno;
	if (setns(nsfd, CLONE_NEWNET) < 0) {
		fd = -errno;
	} else {
		fd = socket(domain, type | SOCK_CLOEXEC, protocol);
		if (fd < 0)
			fd = -errno;
		if (setns(self, CLONE_NEWNET) < 0)
			abort();
	}
	close(self);
	return fd;
}

/* netlinkOpen(nsfd | -1, protocol): a bound socket that gives up waiting after ANSWER_TIMEOUT_S */
static napi_value call_netlink_open(napi_env env, napi_callback_info info)
{
	ARGS(2);
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int one = 1;
	int fd = socket_in(arg_i32(env, a[0]), AF_NETLINK, SOCK_RAW, arg_i32(env, a[1]));

	if (fd < 0)
		return result(env, fd);
	/* the words of a refusal; kernels before 4.12 have none, which does no harm */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		int error = errno;

		close(fd);
		return result(env, -error);
	}
	return result(env, fd);
}

/* One exchange with the kernel, off the main thread: rtnetlink makes callers wait while a namespace is taken down. */
struct talk {
	napi_async_work work;
	napi_deferred deferred;
	int fd;
	int expected;
	int error;
	char *request;
	size_t request_length;
	char *answer;
	size_t answer_length;
};

/* Counts the messages that end an answer: an error or acknowledgement, or the end of a dump. */
static int count_ends(const char *data, size_t length)
{
	int ends = 0;

	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= length;) {
		struct nlmsghdr header;

		memcpy(&header, data + at, sizeof(header));
		if (header.nlmsg_len < sizeof(header))
			break;
		if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE)
			ends++;
		at += NLMSG_ALIGN(header.nlmsg_len);
	}
	return ends;
}

static int talk_to_kernel(struct talk *talk)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	size_t room = 0;

	if (sendto(talk->fd, talk->request, talk->request_length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	while (talk->expected > 0) {
		struct sockaddr_nl from;
		struct iovec into;
		struct msghdr message = {
			.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &into, .msg_iovlen = 1};
		ssize_t got;

		if (room - talk->answer_length < DATAGRAM_MAX) {
			char *larger;

			if (talk->answer_length + DATAGRAM_MAX > ANSWER_MAX)
				return -EMSGSIZE;
			room = talk->answer_length * 2 + DATAGRAM_MAX;
			larger = realloc(talk->answer, room);
			if (!larger)
				return -ENOMEM;
			talk->answer = larger;
		}
		into.iov_base = talk->answer + talk->answer_length;
		into.iov_len = DATAGRAM_MAX;
		got = recvmsg(talk->fd, &message, 0);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		if (from.nl_pid != 0) /* not from the kernel */
			continue;
		if (message.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		talk->expected -= count_ends(into.iov_base, (size_t)got);
		talk->answer_length += (size_t)got;
	}
	return 0;
}

static void talk_execute(napi_env env, void *data)
{
	struct talk *talk = data;

	(void)env;
	talk->error = talk_to_kernel(talk);
}

static void talk_complete(napi_env env, napi_status status, void *data)
{
	struct talk *talk = data;
	napi_value answer;

	if (status != napi_ok)
		talk->error = -ECANCELED;
	if (talk->error < 0)
		answer = result(env, talk->error);
	else
		napi_create_buffer_copy(env, talk->answer_length, talk->answer, NULL, &answer);
	napi_resolve_deferred(env, talk->deferred, answer);
	napi_delete_async_work(env, talk->work);
	free(talk->request);
	free(talk->answer);
	free(talk);
}

/*
 * netlinkTalk(fd, request, ends): sends the messages in the request and promises everything the kernel answers until
 * `ends` acknowledgements, errors or ends of dumps have come, as one Buffer; or the negative errno.
 */
static napi_value call_netlink_talk(napi_env env, napi_callback_info info)
{
	ARGS(3);
	void *request;
	size_t length;
	napi_value promise, name;
	struct talk *talk;

	if (!arg_buffer(env, a[1], &request, &length))
		return result(env, -EINVAL);
	talk = calloc(1, sizeof(*talk));
	if (talk)
		talk->request = malloc(length + 1);
	if (!talk || !talk->request) {
		free(talk);
		return result(env, -ENOMEM);
	}
	memcpy(talk->request, request, length);
	talk->request_length = length;
	talk->fd = arg_i32(env, a[0]);
	talk->expected = arg_i32(env, a[2]);
	napi_create_promise(env, &talk->deferred, &promise);
	napi_create_string_utf8(env, "gantry:netlink", NAPI_AUTO_LENGTH, &name);
	napi_create_async_work(env, NULL, name, talk_execute, talk_complete, talk, &talk->work);
	napi_queue_async_work(env, talk->work);
	return promise;
}

/*
 * Two sockets that both had SO_REUSEADDR at their bind may share a port until one of them listens, whatever became of
 * the flag: on Linux 6.1 the port itself remembers it, 6.18 asks the sockets. It forgets when one of them listens, and this one does for
 * a moment; shutdown() makes it deaf again and leaves it the port.
 */
static int keep_port(int fd, in_port_t port)
{
	int zero = 0;

	if (!port) /* the kernel's choice, and bound without the flag */
		return 0;
	if (listen(fd, 0) < 0 || shutdown(fd, SHUT_RD) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &zero, sizeof(zero));
}

/*
 * bindIn(nsfd | -1, SOCK_STREAM | SOCK_DGRAM, address, port, backlog): a non-blocking IPv4 socket bound there, listening
 * when it is a stream and the backlog is not negative.
 */
static napi_value call_bind_in(napi_env env, napi_callback_info info)
{
	ARGS(5);
	int type = arg_i32(env, a[1]);
	int backlog = arg_i32(env, a[4]);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)arg_u32(env, a[3]))};
	char *text = arg_string(env, a[2]);
	int valid = text && inet_pton(AF_INET, text, &address.sin_addr) == 1;
	int one = 1;
	int fd;

	free(text);
	if (!valid)
		return result(env, -EINVAL);
	fd = socket_in(arg_i32(env, a[0]), AF_INET, type | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return result(env, fd);
	/* Connections in TIME_WAIT must not stand in the way of a port one names. */
	if (type == SOCK_STREAM && address.sin_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (type == SOCK_STREAM && (backlog >= 0 ? listen(fd, backlog) : keep_port(fd, address.sin_port)) < 0)) {
		int error = errno;

		close(fd);
		return result(env, -error);
	}
	return result(env, fd);
}

/* boundPort(fd): the port a socket was bound to */
static napi_value call_bound_port(napi_env env, napi_callback_info info)
{
	ARGS(1);
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	if (getsockname(arg_i32(env, a[0]), (struct sockaddr *)&address, &size) < 0)
		return result(env, -errno);
	return result(env, ntohs(address.sin_port));
}

/* A datagram of this size passes at once: a line of a log with all that may be said about it. */
#define SEND_BUFFER (8 << 20)

/* A non-blocking socket connected to the unix socket of that name, or the negative errno. */
static int unix_connect(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int size = SEND_BUFFER;
	int fd, error;

	if (!path || strlen(path) >= sizeof(address.sun_path))
		return path ? -ENAMETOOLONG : -EINVAL;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* the forced one needs CAP_NET_ADMIN; the kernel's default takes some 200 KiB */
	if (type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* connectUnixDatagram(path): a datagram socket connected to a unix socket */
static napi_value call_connect_unix_datagram(napi_env env, napi_callback_info info)
{
	ARGS(1);
	char *path = arg_string(env, a[0]);
	int fd = unix_connect(path, SOCK_DGRAM);

	free(path);
	return result(env, fd);
}

/* connectUnixStream(path): a stream connected to a unix socket at once; -EAGAIN when nobody accepts and its queue is full */
static napi_value call_connect_unix_stream(napi_env env, napi_callback_info info)
{
	ARGS(1);
	char *path = arg_string(env, a[0]);
	int fd = unix_connect(path, SOCK_STREAM);

	free(path);
	return result(env, fd);
}

/*
 * sendDescriptor(fd, bytes, passed): sends bytes over a unix stream socket without waiting, and with the first of them a
 * descriptor. Answers how many went.
 */
static napi_value call_send_descriptor(napi_env env, napi_callback_info info)
{
	ARGS(3);
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int32_t passed = arg_i32(env, a[2]);
	ssize_t n;

	if (!arg_buffer(env, a[1], &iov.iov_base, &iov.iov_len))
		return result(env, -EINVAL);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(passed));
	memcpy(CMSG_DATA(h), &passed, sizeof(passed));
	do
		n = sendmsg(arg_i32(env, a[0]), &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return result(env, n < 0 ? -errno : (int)n);
}

/*
 * sendDatagrams(fd, bytes, ends): sends the parts of `bytes` that end at the offsets in `ends` (u32 each), a datagram
 * each, as many as go without waiting. Answers how many, or the negative errno when not even the first did.
 */
static napi_value call_send_datagrams(napi_env env, napi_callback_info info)
{
	ARGS(3);
	void *bytes, *ends;
	size_t length, size, i;
	uint32_t from = 0;
	int fd = arg_i32(env, a[0]);

	if (!arg_buffer(env, a[1], &bytes, &length) || !arg_buffer(env, a[2], &ends, &size))
		return result(env, -EINVAL);
	for (i = 0; i < size / sizeof(uint32_t); i++) {
		uint32_t to;

		memcpy(&to, (char *)ends + i * sizeof(to), sizeof(to));
		if (to < from || to > length)
			return result(env, -EINVAL);
		if (send(fd, (char *)bytes + from, to - from, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return result(env, i > 0 ? (int)i : -errno);
		from = to;
	}
	return result(env, (int)i);
}

/* unsentBytes(fd): what was written to a stream socket and the other side's kernel does not have yet */
static napi_value call_unsent_bytes(napi_env env, napi_callback_info info)
{
	ARGS(1);
	int unsent;

	if (ioctl(arg_i32(env, a[0]), SIOCOUTQ, &unsent) < 0)
		return result(env, -errno);
	return result(env, unsent);
}

/* linkIndex(fd, name): of an interface in the namespace of a socket of any kind; the kernel looks it up without a lock */
static napi_value call_link_index(napi_env env, napi_callback_info info)
{
	ARGS(2);
	struct ifreq request = {0};
	size_t length;

	if (napi_get_value_string_utf8(env, a[1], request.ifr_name, sizeof(request.ifr_name), &length) != napi_ok)
		return result(env, -EINVAL);
	if (ioctl(arg_i32(env, a[0]), SIOCGIFINDEX, &request) < 0)
		return result(env, -errno);
	return result(env, request.ifr_ifindex);
}

struct newns {
	napi_async_work work;
	napi_deferred deferred;
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

	napi_resolve_deferred(env, job->deferred, result(env, status == napi_ok ? job->error : -ECANCELED));
	napi_delete_async_work(env, job->work);
	free(job->path);
	free(job->sysctls);
	free(job);
}

/* newNetns(path, sysctls): promises 0 once a new namespace, lo up, is bind-mounted on the file; or the negative errno */
static napi_value call_new_netns(napi_env env, napi_callback_info info)
{
	ARGS(2);
	napi_value promise, name;
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
	napi_create_promise(env, &job->deferred, &promise);
	napi_create_string_utf8(env, "gantry:netns", NAPI_AUTO_LENGTH, &name);
	napi_create_async_work(env, NULL, name, newns_execute, newns_complete, job, &job->work);
	napi_queue_async_work(env, job->work);
	return promise;
}

void register_net(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"netlinkOpen", call_netlink_open},
		{"netlinkTalk", call_netlink_talk},
		{"linkIndex", call_link_index},
		{"bindIn", call_bind_in},
		{"boundPort", call_bound_port},
		{"newNetns", call_new_netns},
		{"connectUnixDatagram", call_connect_unix_datagram},
		{"connectUnixStream", call_connect_unix_stream},
		{"sendDescriptor", call_send_descriptor},
		{"sendDatagrams", call_send_datagrams},
		{"unsentBytes", call_unsent_bytes},
	};

	DEFINE(env, exports, methods);
}
