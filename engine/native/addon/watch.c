/* Descriptors watched on Node's own event loop: pidfds, whose processes end once, and eventfds, which count. */
#include "addon.h"

#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/*
 * One watched descriptor. It belongs to the loop from uv_poll_init on and is freed in on_closed only; `external`, what
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
	bool counts; /* an eventfd: read, and called back for again and again */
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
	uint64_t count;

	(void)events;
	if (watch->counts && (status < 0 || read(watch->fd, &count, sizeof(count)) != sizeof(count)))
		return;
	napi_open_handle_scope(watch->env, &scope);
	napi_get_reference_value(watch->env, watch->callback, &callback);
	napi_get_global(watch->env, &global);
	if (!watch->counts)
		uv_poll_stop(poll);
	napi_make_callback(watch->env, watch->context, global, callback, 0, NULL, &ignored);
	napi_close_handle_scope(watch->env, scope);
	if (!watch->counts)
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
 * watch(fd, callback, counts): calls back when the descriptor is readable: once, or each time for an eventfd. Closes
 * it at the end of the watch. Answers a handle for cancelWatch and unrefWatch, or the negative errno (the descriptor
 * is then still the caller's).
 */
static napi_value call_watch(napi_env env, napi_callback_info info)
{
	ARGS(3);
	uv_loop_t *loop;
	napi_value name, handle;
	struct watch *watch = calloc(1, sizeof(*watch));
	struct watch **external = malloc(sizeof(*external));
	int rc = -ENOMEM;

	napi_get_uv_event_loop(env, &loop);
	if (watch && external)
		rc = uv_poll_init(loop, &watch->poll, arg_i32(env, a[0]));
	if (rc < 0) {
		free(watch);
		free(external);
		return result(env, rc);
	}
	watch->env = env;
	watch->fd = arg_i32(env, a[0]);
	watch->poll.data = watch;
	napi_get_value_bool(env, a[2], &watch->counts);
	napi_create_reference(env, a[1], 1, &watch->callback);
	napi_create_string_utf8(env, "gantry:watch", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, NULL, name, &watch->context);
	napi_add_async_cleanup_hook(env, on_teardown, watch, &watch->hook);
	uv_poll_start(&watch->poll, UV_READABLE, on_readable);
	*external = watch;
	watch->external = external;
	napi_create_external(env, external, free_external, NULL, &handle);
	return handle;
}

/* What a handle of watch() stands for; NULL when the watch is over or it is no handle. */
static struct watch *watch_of(napi_env env, napi_value handle)
{
	void *data = NULL;

	if (napi_get_value_external(env, handle, &data) != napi_ok)
		return NULL;
	return *(struct watch **)data;
}

/* cancelWatch(handle): no callback from now on; harmless when it is over */
static napi_value call_cancel_watch(napi_env env, napi_callback_info info)
{
	ARGS(1);
	struct watch *watch = watch_of(env, a[0]);

	if (watch)
		stop_watch(watch);
	return result(env, 0);
}

/* unrefWatch(handle): the watch alone does not keep the event loop alive any longer */
static napi_value call_unref_watch(napi_env env, napi_callback_info info)
{
	ARGS(1);
	struct watch *watch = watch_of(env, a[0]);

	if (watch)
		uv_unref((uv_handle_t *)&watch->poll);
	return result(env, 0);
}

void register_watch(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"watch", call_watch},
		{"cancelWatch", call_cancel_watch},
		{"unrefWatch", call_unref_watch},
	};

	DEFINE(env, exports, methods);
}
