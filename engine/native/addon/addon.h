/* What the addon's families of system calls share. */
#ifndef GANTRY_ADDON_H
#define GANTRY_ADDON_H

#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads the call's arguments into `a`; those not given are undefined. */
#define ARGS(n)                                                                \
	napi_value a[n];                                                       \
	size_t argc = n;                                                       \
	napi_get_cb_info(env, info, &argc, a, NULL, NULL)

/* A string argument as malloc'ed UTF-8, NULL when it is not a string. */
char *arg_string(napi_env env, napi_value value);
/* A path given as a Buffer (any bytes but NUL) or as a string, malloc'ed; NULL with errno set when it is neither. */
char *arg_path(napi_env env, napi_value value);
int32_t arg_i32(napi_env env, napi_value value);
uint32_t arg_u32(napi_env env, napi_value value);
int64_t arg_i64(napi_env env, napi_value value);
/* A Buffer argument; false when it is not one. */
bool arg_buffer(napi_env env, napi_value value, void **data, size_t *length);

/* Every call answers a number: its result, or the negative errno. */
napi_value result(napi_env env, int64_t value);
/* The answer of a system call made as the argument, which is evaluated once. */
#define RESULT_OF(env, call)                                                   \
	({                                                                     \
		int64_t outcome_ = (call);                                     \
		result((env), outcome_ < 0 ? -(int64_t)errno : outcome_);      \
	})

/* The same, when arguments are to be freed first: errno is kept over that. */
napi_value result_freeing(napi_env env, long rc, char *first, char *second);
/* A new Buffer, or the negative errno as a number when rc is negative. */
napi_value bytes_or_errno(napi_env env, ssize_t rc, const void *data);

/* Work on one of libuv's threads, with the promise that it keeps: the first field of what the work is about. */
struct work {
	napi_async_work work;
	napi_deferred deferred;
};
/* Begins it and gives the promise; both functions get a pointer to the work. */
napi_value work_begin(napi_env env, struct work *work, const char *name, napi_async_execute_callback execute,
		      napi_async_complete_callback complete);
/* Keeps the promise, from `complete`. */
void work_end(napi_env env, struct work *work, napi_value answer);

struct method {
	const char *name;
	napi_callback call;
};
void define_methods(napi_env env, napi_value exports, const struct method *methods, size_t count);
#define DEFINE(env, exports, table) define_methods(env, exports, table, sizeof(table) / sizeof((table)[0]))

/* One per family, called by binding.c */
void register_fs(napi_env env, napi_value exports);
void register_xattr(napi_env env, napi_value exports);
void register_reads(napi_env env, napi_value exports);
void register_trees(napi_env env, napi_value exports);
void register_steps(napi_env env, napi_value exports);
void register_net(napi_env env, napi_value exports);
void register_netlink(napi_env env, napi_value exports);
void register_netns(napi_env env, napi_value exports);
void register_send(napi_env env, napi_value exports);
void register_mount(napi_env env, napi_value exports);
void register_process(napi_env env, napi_value exports);
void register_spawn(napi_env env, napi_value exports);
void register_watch(napi_env env, napi_value exports);
void register_bpf(napi_env env, napi_value exports);
void register_userns(napi_env env, napi_value exports);
void register_logs(napi_env env, napi_value exports);

/* remove.c: a file or a whole tree; follows no link, enters no other file system; fine when there is none. 0 or -errno */
int remove_tree(const char *path);
/* The same of one that may be in use: -EBUSY when something is mounted there or below. */
int remove_tree_at(int parent, const char *name);

/* net.c: a new socket in the namespace of nsfd, or in our own when that is negative; -errno when it fails. */
int socket_in(int nsfd, int domain, int type, int protocol);

/* netns.c: lo up, and these sysctls written, in the network namespace of the calling thread. */
int netns_furnish(char *sysctls);

#endif
