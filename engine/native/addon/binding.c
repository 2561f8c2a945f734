/* The addon's entry: argument helpers and the registration of each family of system calls. */
#include "addon.h"

#include <stdlib.h>
#include <string.h>

char *arg_string(napi_env env, napi_value value)
{
	size_t length;
	char *text;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
		return NULL;
	text = malloc(length + 1);
	if (text)
		napi_get_value_string_utf8(env, value, text, length + 1, &length);
	return text;
}

char *arg_path(napi_env env, napi_value value)
{
	void *data;
	size_t length;
	char *text;

	if (!arg_buffer(env, value, &data, &length)) {
		text = arg_string(env, value);
		if (!text)
			errno = EINVAL;
		return text;
	}
	if (memchr(data, 0, length)) {
		errno = EINVAL;
		return NULL;
	}
	text = malloc(length + 1);
	if (!text) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(text, data, length);
	text[length] = 0;
	return text;
}

int32_t arg_i32(napi_env env, napi_value value)
{
	int32_t number = 0;

	napi_get_value_int32(env, value, &number);
	return number;
}

uint32_t arg_u32(napi_env env, napi_value value)
{
	uint32_t number = 0;

	napi_get_value_uint32(env, value, &number);
	return number;
}

int64_t arg_i64(napi_env env, napi_value value)
{
	int64_t number = 0;

	napi_get_value_int64(env, value, &number);
	return number;
}

bool arg_buffer(napi_env env, napi_value value, void **data, size_t *length)
{
	bool is_buffer = false;

	napi_is_buffer(env, value, &is_buffer);
	return is_buffer && napi_get_buffer_info(env, value, data, length) == napi_ok;
}

napi_value result(napi_env env, int64_t value)
{
	napi_value number;

	napi_create_int64(env, value, &number);
	return number;
}

napi_value result_freeing(napi_env env, long rc, char *first, char *second)
{
	int saved = errno;

	free(first);
	free(second);
	errno = saved;
	return RESULT_OF(env, rc);
}

napi_value bytes_or_errno(napi_env env, ssize_t rc, const void *data)
{
	napi_value buffer;

	if (rc < 0)
		return RESULT_OF(env, rc);
	if (napi_create_buffer_copy(env, (size_t)rc, data, NULL, &buffer) != napi_ok)
		return result(env, -ENOMEM);
	return buffer;
}

napi_value work_begin(napi_env env, struct work *work, const char *name, napi_async_execute_callback execute,
		      napi_async_complete_callback complete)
{
	napi_value promise, label;

	napi_create_promise(env, &work->deferred, &promise);
	napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &label);
	napi_create_async_work(env, NULL, label, execute, complete, work, &work->work);
	napi_queue_async_work(env, work->work);
	return promise;
}

void work_end(napi_env env, struct work *work, napi_value answer)
{
	napi_resolve_deferred(env, work->deferred, answer);
	napi_delete_async_work(env, work->work);
}

void define_methods(napi_env env, napi_value exports, const struct method *methods, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		napi_value function;

		napi_create_function(env, methods[i].name, NAPI_AUTO_LENGTH, methods[i].call, NULL, &function);
		napi_set_named_property(env, exports, methods[i].name, function);
	}
}

NAPI_MODULE_INIT()
{
	register_fs(env, exports);
	register_xattr(env, exports);
	register_reads(env, exports);
	register_trees(env, exports);
	register_steps(env, exports);
	register_net(env, exports);
	register_netlink(env, exports);
	register_netns(env, exports);
	register_send(env, exports);
	register_mount(env, exports);
	register_process(env, exports);
	register_spawn(env, exports);
	register_watch(env, exports);
	register_bpf(env, exports);
	register_userns(env, exports);
	register_logs(env, exports);
	return exports;
}
