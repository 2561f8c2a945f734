/* mount(2) and umount2(2) */
#include "addon.h"

#include <stdlib.h>
#include <sys/mount.h>

/* mount(source | null, target, type | null, flags, data | null) */
static napi_value call_mount(napi_env env, napi_callback_info info)
{
	ARGS(5);
	char *source = arg_string(env, a[0]);
	char *target = arg_string(env, a[1]);
	char *type = arg_string(env, a[2]);
	char *data = arg_string(env, a[4]);
	int rc = target ? mount(source, target, type, (unsigned long)arg_i64(env, a[3]), data) : -1;
	int error = target ? errno : EINVAL;

	free(source);
	free(target);
	free(type);
	free(data);
	return result(env, rc < 0 ? -error : rc);
}

/* umount(target, flags) */
static napi_value call_umount(napi_env env, napi_callback_info info)
{
	ARGS(2);
	char *target = arg_string(env, a[0]);
	int rc = target ? umount2(target, arg_i32(env, a[1])) : -1;
	int error = target ? errno : EINVAL;

	free(target);
	return result(env, rc < 0 ? -error : rc);
}

void register_mount(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{"mount", call_mount},
		{"umount", call_umount},
	};

	DEFINE(env, exports, methods);
}
