/*
 * The log's file and those it was rotated to.
 *
 * The file only ever holds whole lines: what a killed shim left unfinished is cut off at the next start. Rotation renames
 * from the oldest to the newest, so a crash in between leaves a gap in the numbers and loses nothing. The engine may replace
 * a rotated file by `.N.gz`; both hold a lock on the directory while they rename.
 */
#include "log.h"
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int log_file_open(struct log *l, int flags)
{
	struct stat st;

	l->fd = open(l->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0640);
	if (l->fd < 0)
		return -errno;
	if (fstat(l->fd, &st) < 0)
		return -errno;
	l->size = (uint64_t)st.st_size;
	return 0;
}

int log_file_mend(struct log *l)
{
	char tail[4096];
	uint64_t size = l->size;

	while (size > 0) {
		size_t n = size < sizeof tail ? (size_t)size : sizeof tail, i;

		if (pread(l->fd, tail, n, (off_t)(size - n)) != (ssize_t)n)
			return -EIO;
		for (i = n; i > 0 && tail[i - 1] != '\n'; i--)
			;
		if (i > 0) {
			size -= n - i;
			l->last_ns = object_last_time(tail, i);
			break;
		}
		size -= n;
	}
	if (size != l->size && ftruncate(l->fd, (off_t)size) < 0)
		return -errno;
	l->size = size;
	return 0;
}

static bool numbered(const struct log *l, uint32_t number, const char *suffix, char out[4200])
{
	size_t n = strlen(l->path);

	if (n + 16 > 4200)
		return false;
	memcpy(out, l->path, n);
	if (number) {
		out[n++] = '.';
		n += put_number(out + n, number);
	}
	n += put_text(out + n, 3, suffix);
	out[n] = 0;
	return true;
}

static void shift(struct log *l, uint32_t number, const char *suffix)
{
	static char from[4200], to[4200];

	if (!numbered(l, number - 1, suffix, from) || !numbered(l, number, suffix, to))
		return;
	if (rename(from, to) < 0 && errno != ENOENT)
		log_failing(l, "log cannot be rotated", errno);
}

/* The directory, locked; -1 while the engine is at it: the next line tries again. */
static int directory_lock(const struct log *l)
{
	static char name[4200];
	const char *slash = strrchr(l->path, '/');
	int fd;

	if (!slash || slash - l->path >= (ptrdiff_t)sizeof name)
		return -1;
	name[put_text(name, (size_t)(slash - l->path), l->path)] = 0;
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		fd_close(&fd);
	return fd;
}

void log_rotate(struct log *l)
{
	static char oldest[4200];
	int lock = -1, rc;
	uint32_t i;

	if (l->compressed) {
		lock = directory_lock(l);
		if (lock < 0)
			return;
		/* one of the two is renamed over, the other would stay */
		if (numbered(l, l->files - 1, "", oldest))
			unlink(oldest);
		if (numbered(l, l->files - 1, ".gz", oldest))
			unlink(oldest);
	}
	for (i = l->files - 1; i > 0; i--) {
		if (l->compressed && i > 1)
			shift(l, i, ".gz");
		shift(l, i, "");
	}
	fd_close(&lock);
	fd_close(&l->fd);
	/* with one file only, the old text goes, as with Docker */
	rc = log_file_open(l, l->files == 1 ? O_TRUNC : 0);
	if (rc < 0)
		log_failing(l, "log cannot be opened", rc);
	else if (l->compressed)
		log_tell(l, LOG_ROTATED, 0, 0);
}
