/* Exchanges with the kernel's netlink sockets. */
#include "addon.h"

#include <linux/netlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The longest answer taken: a dump of some ten thousand links. */
#define ANSWER_MAX (32u << 20)
/* The kernel fills a dump's datagrams up to what the reader offers, at most 32 KiB. */
#define DATAGRAM_MAX (64u << 10)
#define ANSWER_TIMEOUT_S 20

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
	struct work work;
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
	work_end(env, &talk->work, answer);
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
	return work_begin(env, &talk->work, "gantry:netlink", talk_execute, talk_complete);
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

void register_netlink(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"netlinkOpen", call_netlink_open},
		{"netlinkTalk", call_netlink_talk},
		{"linkIndex", call_link_index},
	};

	DEFINE(env, exports, methods);
}
