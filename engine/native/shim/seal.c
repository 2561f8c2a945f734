/*
 * A container can make its runtime execute /proc/self/exe, keep that file open, and overwrite the host's binary once
 * the runtime is gone (CVE-2019-5736). So the shim runs from a read-only view of itself: a detached, read-only clone of
 * the mount that holds it, whose pages are still shared between all shims; before Linux 5.12 a sealed copy in memory.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#define SEALED "sealed"

static int view_readonly(void)
{
	struct k_mount_attr attr = {.attr_set = K_ATTR_RDONLY};
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int fd;

	if (n < 0)
		return -errno;
	self[n] = 0;
	fd = (int)syscall(SYS_open_tree, AT_FDCWD, self, K_OPEN_TREE_CLONE | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_mount_setattr, fd, "", 0x1000 /* AT_EMPTY_PATH */, &attr, sizeof attr) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int copy_sealed(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to, rc = 0;
	static char buf[16384];
	ssize_t n;

	if (from < 0)
		return -errno;
	to = memfd_create("gantry-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0)
		rc = -errno;
	while (rc == 0 && (n = RETRY(read(from, buf, sizeof buf))) != 0)
		rc = n < 0 ? -errno : write_all(to, buf, (size_t)n);
	if (rc == 0 && fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		rc = -errno;
	close(from);
	return rc < 0 ? rc : to;
}

/* Returns 0 in a process that runs from a read-only view; becomes one otherwise. argv is [name, run directory]. */
int seal_self(char **argv, char **envp)
{
	char *again[] = {argv[0], argv[1], (char *)SEALED, NULL};
	struct statvfs fs;
	int fd;

	if (argv[2] && !strcmp(argv[2], SEALED))
		return 0;
	if (statvfs("/proc/self/exe", &fs) == 0 && fs.f_flag & ST_RDONLY)
		return 0;
	fd = view_readonly();
	if (fd < 0)
		fd = copy_sealed();
	if (fd < 0)
		return fd;
	syscall(SYS_execveat, fd, "", again, envp, 0x1000 /* AT_EMPTY_PATH */);
	return -errno;
}
