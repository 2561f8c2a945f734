/* pidfds, the wait for their end on Node's own event loop, and who is at the other end of a unix socket */
#include "addon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

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

/*
 * One watched pidfd. It belongs to the loop from uv_poll_init on and is freed in on_closed only; `external`, what
 * JavaScript holds, is cut loose by then or frees nothing but itself.
 */
struct watch {
	uv_poll_t poll;
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	napi_async_cleanup_hook_handle hook;
	struct watch **external;
	int fd;
};

static void on_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;

	if (watch->external)
		*watch->external = NULL;
	close(watch->fd);
	/* during the environment's teardown it waits for this */
	napi_remove_async_cleanup_hook(watch->hook);
	free(watch);
}

static void stop_watch(struct watch *watch)
{
	if (uv_is_closing((uv_handle_t *)&watch->poll))
		return;
	uv_poll_stop(&watch->poll);
	napi_delete_reference(watch->env, watch->callback);
	napi_async_destroy(watch->env, watch->context);
	uv_close((uv_handle_t *)&watch->poll, on_closed);
}

static void on_teardown(napi_async_cleanup_hook_handle hook, void *arg)
{
	(void)hook;
	stop_watch(arg);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	napi_handle_scope scope;
	napi_value callback, global, ignored;

	(void)status;
	(void)events;
	napi_open_handle_scope(watch->env, &scope);
	napi_get_reference_value(watch->env, watch->callback, &callback);
	napi_get_global(watch->env, &global);
	uv_poll_stop(poll);
	napi_make_callback(watch->env, watch->context, global, callback, 0, NULL, &ignored);
	napi_close_handle_scope(watch->env, scope);
	stop_watch(watch);
}

static void free_external(napi_env env, void *data, void *hint)
{
	struct watch **external = data;

	(void)env;
	(void)hint;
	if (*external)
		(*external)->external = NULL;
	free(external);
}

/*
 * watchPidfd(fd, callback): calls back once when the process is gone and closes the pidfd then, or when cancelled.
 * Answers a handle for cancelWatch, or the negative errno (the pidfd is then still the caller's).
 */
static napi_value call_watch_pidfd(napi_env env, napi_callback_info info)
{
	ARGS(2);
	uv_loop_t *loop;
	napi_value name, handle;
	struct watch *watch = calloc(1, sizeof(*watch));
	struct watch **external = malloc(sizeof(*external));
	int rc;

	if (!watch || !external) {
		free(watch);
		free(external);
		return result(env, -ENOMEM);
	}
	watch->env = env;
	watch->fd = arg_i32(env, a[0]);
	watch->poll.data = watch;
	napi_get_uv_event_loop(env, &loop);
	rc = uv_poll_init(loop, &watch->poll, watch->fd);
	if (rc < 0) {
		free(watch);
		free(external);
		return result(env, rc);
	}
	napi_create_reference(env, a[1], 1, &watch->callback);
	napi_create_string_utf8(env, "gantry:pidfd", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, NULL, name, &watch->context);
	napi_add_async_cleanup_hook(env, on_teardown, watch, &watch->hook);
	uv_poll_start(&watch->poll, UV_READABLE, on_readable);
	*external = watch;
	watch->external = external;
	napi_create_external(env, external, free_external, NULL, &handle);
	return handle;
}

/* cancelWatch(handle): no callback from now on; harmless when it is over */
static napi_value call_cancel_watch(napi_env env, napi_callback_info info)
{
	ARGS(1);
	void *data = NULL;

	if (napi_get_value_external(env, a[0], &data) != napi_ok)
		return result(env, -EINVAL);
	if (*(struct watch **)data)
		stop_watch(*(struct watch **)data);
	return result(env, 0);
}

/* unrefWatch(handle): the watch alone does not keep the event loop alive any longer */
static napi_value call_unref_watch(napi_env env, napi_callback_info info)
{
	ARGS(1);
	void *data = NULL;

	if (napi_get_value_external(env, a[0], &data) != napi_ok)
		return result(env, -EINVAL);
	if (*(struct watch **)data)
		uv_unref((uv_handle_t *)&(*(struct watch **)data)->poll);
	return result(env, 0);
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
		{"watchPidfd", call_watch_pidfd},
		{"cancelWatch", call_cancel_watch},
		{"unrefWatch", call_unref_watch},
		{"peerCredentials", call_peer_credentials},
	};

	DEFINE(env, exports, methods);
}
