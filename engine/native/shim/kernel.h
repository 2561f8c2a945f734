/* Kernel interfaces newer than the C libraries we are built with. */
#ifndef GANTRY_KERNEL_H
#define GANTRY_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig 431
#endif
#ifndef SYS_fsmount
#define SYS_fsmount 432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

struct k_open_how {
	uint64_t flags, mode, resolve;
};
#define K_RESOLVE_NO_MAGICLINKS 0x02
#define K_RESOLVE_NO_SYMLINKS 0x04
#define K_RESOLVE_BENEATH 0x08
#define K_RESOLVE_IN_ROOT 0x10

struct k_mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#define K_ATTR_RDONLY 0x1
#define K_ATTR_NOSUID 0x2
#define K_ATTR_NODEV 0x4
#define K_ATTR_NOEXEC 0x8
#define K_ATTR_ATIME 0x70
#define K_ATTR_NOATIME 0x10
#define K_ATTR_STRICTATIME 0x20
#define K_ATTR_NODIRATIME 0x80
#define K_ATTR_NOSYMFOLLOW 0x200000
#define K_ATTR_IDMAP 0x100000

#define K_OPEN_TREE_CLONE 1
#define K_MOVE_MOUNT_F_EMPTY_PATH 4
#define K_MOVE_MOUNT_T_EMPTY_PATH 64
#define K_FSCONFIG_SET_STRING 1
#define K_FSCONFIG_CMD_CREATE 6

struct k_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define K_CLONE_PIDFD 0x1000
#define K_CLONE_INTO_CGROUP 0x200000000ULL
#define K_AT_RECURSIVE 0x8000

#endif
