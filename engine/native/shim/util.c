/* Small things without stdio or malloc: their arenas alone would double the shim's memory. */
#include "shim.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

size_t put_text(char *out, size_t max, const char *text)
{
	size_t n = strlen(text);

	if (n > max)
		n = max;
	memcpy(out, text, n);
	return n;
}

size_t put_number(char *out, uint64_t v)
{
	char digits[20];
	size_t n = 0, i;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}

void say(const char *what, const char *path, int err)
{
	char line[700];
	size_t n = 0;

	n += put_number(line, (uint64_t)time(NULL));
	line[n++] = ' ';
	n += put_text(line + n, 120, what);
	if (path) {
		line[n++] = ' ';
		n += put_text(line + n, 500, path);
	}
	if (err) {
		n += put_text(line + n, 8, ": errno ");
		n += put_number(line + n, (uint64_t)(err < 0 ? -err : err));
	}
	line[n++] = '\n';
	/* nobody is left to tell when this fails */
	if (write(2, line, n) < 0)
		return;
}

int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void *pages(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void pages_free(void *at, size_t size)
{
	if (at)
		munmap(at, size);
}

int write_all(int fd, const void *data, size_t n)
{
	const uint8_t *at = data;

	while (n > 0) {
		ssize_t w = RETRY(write(fd, at, n));

		if (w < 0)
			return -errno;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	/* kernel files take a value in one write or not at all */
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/*
 * The same, when it is a file of /proc: something mounted there by a mistake, or by whoever raced with us
 * (CVE-2025-52881), must neither swallow what confines a container nor be written to.
 */
int write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0)
		rc = -errno;
	else if (fs.f_type != 0x9fa0 /* PROC_SUPER_MAGIC */)
		rc = -ENODEV;
	else if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_nonblocking(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}
