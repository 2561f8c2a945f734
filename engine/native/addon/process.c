/* pidfds, locks, who is at the other end of a unix socket, and as whom a thread makes files */
#include "addon.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/file.h>
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

/* tryLock(fd): flock(LOCK_EX) without waiting; closing the descriptor unlocks */
static napi_value call_try_lock(napi_env env, napi_callback_info info)
{
	ARGS(1);
	return RESULT_OF(env, flock(arg_i32(env, a[0]), LOCK_EX | LOCK_NB));
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

/* asFileOwner(uid, gid): of this thread alone */
static napi_value call_as_file_owner(napi_env env, napi_callback_info info)
{
	ARGS(2);
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	uid_t uid = arg_u32(env, a[0]);
	gid_t gid = arg_u32(env, a[1]);
	int i;

	setfsgid(gid);
	setfsuid(uid);
	/* they tell of no failure, but an invalid id tells which one holds */
	if ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid)
		return result(env, -EPERM);
	/* with the file system's root went its powers over files, which are permitted still */
	if (syscall(SYS_capget, &head, data) < 0)
		return result(env, -errno);
	for (i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	return RESULT_OF(env, syscall(SYS_capset, &head, data));
}

void register_process(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"pidfdOpen", call_pidfd_open},
		{"pidfdSendSignal", call_pidfd_send_signal},
		{"close", call_close},
		{"tryLock", call_try_lock},
		{"peerCredentials", call_peer_credentials},
		{"asFileOwner", call_as_file_owner},
	};

	DEFINE(env, exports, methods);
}
