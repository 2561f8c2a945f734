/* Reads that Node has not: what is in memory already, and many small files at once. */
#include "addon.h"

#include <sys/uio.h>
#include <unistd.h>

/*
 * readCached(fd, buffer, offset, length, position): what of it is in the page cache; -EAGAIN when the disk would have
 * to be waited for, -EOPNOTSUPP where the file system cannot tell. @see preadv2(2), RWF_NOWAIT
 */
static napi_value call_read_cached(napi_env env, napi_callback_info info)
{
	ARGS(5);
	void *data;
	size_t size;
	uint32_t offset = arg_u32(env, a[2]), length = arg_u32(env, a[3]);
	struct iovec into;

	if (!arg_buffer(env, a[1], &data, &size) || offset > size || length > size - offset)
		return result(env, -EINVAL);
	into = (struct iovec){(char *)data + offset, length};
	return RESULT_OF(env, preadv2(arg_i32(env, a[0]), &into, 1, arg_i64(env, a[4]), RWF_NOWAIT));
}

/*
 * readCounters(fds, buffer, at, ends): the files of some descriptors from their start, one behind the other. `ends`, an
 * Int32Array as `fds` is, takes where each ends, or the negative errno: -EFBIG for one that may not have fitted.
 */
static napi_value call_read_counters(napi_env env, napi_callback_info info)
{
	ARGS(4);
	napi_typedarray_type types[2] = {napi_uint8_array, napi_uint8_array};
	size_t count = 0, size, at = arg_u32(env, a[2]), i, ends_count = 0;
	int32_t *fds, *ends;
	void *data;

	napi_get_typedarray_info(env, a[0], &types[0], &count, (void **)&fds, NULL, NULL);
	napi_get_typedarray_info(env, a[3], &types[1], &ends_count, (void **)&ends, NULL, NULL);
	if (types[0] != napi_int32_array || types[1] != napi_int32_array || ends_count < count ||
	    !arg_buffer(env, a[1], &data, &size) || at > size || size > INT32_MAX)
		return result(env, -EINVAL);
	for (i = 0; i < count; i++) {
		size_t room = size - at;
		ssize_t n = pread(fds[i], (char *)data + at, room, 0);

		if (n < 0) {
			ends[i] = -errno;
		} else if ((size_t)n == room) {
			ends[i] = -EFBIG;
		} else {
			at += (size_t)n;
			ends[i] = (int32_t)at;
		}
	}
	return result(env, 0);
}

void register_reads(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "readCached", call_read_cached },
		{ "readCounters", call_read_counters },
	};

	DEFINE(env, exports, methods);
}
