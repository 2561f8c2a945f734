/*
 * Sockets that live in network namespaces. A thread that visits another namespace is back in its own before its call
 * returns; when the way back fails the process ends, for everything after would go to the wrong network.
 */
#include "addon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int socket_in(int nsfd, int domain, int type, int protocol)
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

void register_net(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"bindIn", call_bind_in},
		{"boundPort", call_bound_port},
	};

	DEFINE(env, exports, methods);
}
