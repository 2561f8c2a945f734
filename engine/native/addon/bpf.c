/* bpf(2): the device program of a v2 cgroup; and eventfds on Node's own event loop, which v1 cgroups notify */
#include "addon.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

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

void register_bpf(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "attachDeviceProgram", call_attach_device_program },
		{ "eventfd", call_eventfd },
	};

	DEFINE(env, exports, methods);
}
