/* Connections to unix sockets, and what goes out without waiting: datagrams, descriptors, what is still unsent. */
#include "addon.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

static napi_value connected(napi_env env, napi_callback_info info, int type)
{
	ARGS(1);
	char *path = arg_string(env, a[0]);
	int fd = unix_connect(path, type);

	free(path);
	return result(env, fd);
}

/* connectUnixDatagram(path): a datagram socket connected to a unix socket */
static napi_value call_connect_unix_datagram(napi_env env, napi_callback_info info)
{
	return connected(env, info, SOCK_DGRAM);
}

/* connectUnixStream(path): a stream connected to a unix socket at once; -EAGAIN when nobody accepts and its queue is full */
static napi_value call_connect_unix_stream(napi_env env, napi_callback_info info)
{
	return connected(env, info, SOCK_STREAM);
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

void register_send(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"connectUnixDatagram", call_connect_unix_datagram},
		{"connectUnixStream", call_connect_unix_stream},
		{"sendDescriptor", call_send_descriptor},
		{"sendDatagrams", call_send_datagrams},
		{"unsentBytes", call_unsent_bytes},
	};

	DEFINE(env, exports, methods);
}
