/* pidfds, and who is at the other end of a unix socket */
#include "addon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* pidfdOpen(pid); the kernel sets O_CLOEXEC */
static napi_value call_pidfd_open(napi_env env, napi_callback_info info)
{
	ARGS(1);
	return RESULT_OF(env, syscall(SYS_pidfd_open, arg_i32(env, a[0]), 0));
}

/* pidfdSendSignal(pidfd, signal) */
static napi_value call_pidfd_send_signal(napi_env env, napi_callback_info info)
{
	ARGS(2);
	return RESULT_OF(env, syscall(SYS_pidfd_send_signal, arg_i32(env, a[0]), arg_i32(env, a[1]), NULL, 0));
}

/* close(fd) */
static napi_value call_close(napi_env env, napi_callback_info info)
{
	ARGS(1);
	return RESULT_OF(env, close(arg_i32(env, a[0])));
}

/* peerCredentials(fd, into): fills a 12-byte Buffer with pid, uid, gid (SO_PEERCRED, unix(7)) */
static napi_value call_peer_credentials(napi_env env, napi_callback_info info)
{
	ARGS(2);
	void *into;
	size_t length;
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!arg_buffer(env, a[1], &into, &length) || length < sizeof(peer))
		return result(env, -EINVAL);
	if (getsockopt(arg_i32(env, a[0]), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return result(env, -errno);
	memcpy(into, &peer, sizeof(peer));
	return result(env, 0);
}

void register_process(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"pidfdOpen", call_pidfd_open},
		{"pidfdSendSignal", call_pidfd_send_signal},
		{"close", call_close},
		{"peerCredentials", call_peer_credentials},
	};

	DEFINE(env, exports, methods);
}
