/* bpf(2): the device program of a v2 cgroup; and eventfds on Node's own event loop, which v1 cgroups notify */
#include "addon.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* The flags that the kernel's headers of today name; older ones than ours lack neither value. */
#ifndef BPF_F_ALLOW_MULTI
#define BPF_F_ALLOW_MULTI (1U << 1)
#endif

static int load_device_program(const void *insns, size_t length)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = length / sizeof(struct bpf_insn);
	attr.license = (uint64_t)(uintptr_t) "GPL";
	strcpy(attr.prog_name, "gantry_devices");
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int attach_device_program(int cgroup, int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = cgroup;
	attr.attach_bpf_fd = program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	/* beside what a cgroup above has: all have to allow */
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr));
}

/* attachDeviceProgram(cgroupFd, insns); the cgroup then holds the program */
static napi_value call_attach_device_program(napi_env env, napi_callback_info info)
{
	ARGS(2);
	void *insns;
	size_t length;
	int program, rc;

	if (!arg_buffer(env, a[1], &insns, &length))
		return result(env, -EINVAL);
	program = load_device_program(insns, length);
	if (program < 0)
		return result(env, -errno);
	rc = attach_device_program(arg_i32(env, a[0]), program) < 0 ? -errno : 0;
	close(program);
	return result(env, rc);
}

/* eventfd() */
static napi_value call_eventfd(napi_env env, napi_callback_info info)
{
	(void)info;
	return RESULT_OF(env, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/*
 * One watched eventfd. It belongs to the loop from uv_poll_init on and is freed in on_closed only. JavaScript holds
 * `external`, which points to it until then.
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

static void on_added(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	napi_handle_scope scope;
	napi_value callback, global, ignored;
	uint64_t count;

	(void)events;
	if (status < 0 || read(watch->fd, &count, sizeof(count)) != sizeof(count))
		return;
	napi_open_handle_scope(watch->env, &scope);
	napi_get_reference_value(watch->env, watch->callback, &callback);
	napi_get_global(watch->env, &global);
	napi_make_callback(watch->env, watch->context, global, callback, 0, NULL, &ignored);
	napi_close_handle_scope(watch->env, scope);
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

/* watchEventfd(fd, callback): a handle for cancelEventfd, or the negative errno; the fd is closed in either case */
static napi_value call_watch_eventfd(napi_env env, napi_callback_info info)
{
	ARGS(2);
	uv_loop_t *loop;
	napi_value name, handle;
	struct watch *watch = calloc(1, sizeof(*watch));
	struct watch **external = malloc(sizeof(*external));
	int rc = -ENOMEM;

	napi_get_uv_event_loop(env, &loop);
	if (watch && external)
		rc = uv_poll_init(loop, &watch->poll, arg_i32(env, a[0]));
	if (rc < 0) {
		close(arg_i32(env, a[0]));
		free(watch);
		free(external);
		return result(env, rc);
	}
	watch->env = env;
	watch->fd = arg_i32(env, a[0]);
	watch->poll.data = watch;
	napi_create_reference(env, a[1], 1, &watch->callback);
	napi_create_string_utf8(env, "gantry:eventfd", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, NULL, name, &watch->context);
	napi_add_async_cleanup_hook(env, on_teardown, watch, &watch->hook);
	uv_poll_start(&watch->poll, UV_READABLE, on_added);
	uv_unref((uv_handle_t *)&watch->poll);
	*external = watch;
	watch->external = external;
	napi_create_external(env, external, free_external, NULL, &handle);
	return handle;
}

/* cancelEventfd(handle): no callback from now on; harmless when it is over */
static napi_value call_cancel_eventfd(napi_env env, napi_callback_info info)
{
	ARGS(1);
	void *data = NULL;

	if (napi_get_value_external(env, a[0], &data) != napi_ok)
		return result(env, -EINVAL);
	if (*(struct watch **)data)
		stop_watch(*(struct watch **)data);
	return result(env, 0);
}

void register_bpf(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "attachDeviceProgram", call_attach_device_program },
		{ "eventfd", call_eventfd },
		{ "watchEventfd", call_watch_eventfd },
		{ "cancelEventfd", call_cancel_eventfd },
	};

	DEFINE(env, exports, methods);
}
