/*
 * Small changes of files, one after the other, on one of libuv's threads: a trip there and back costs more than any of
 * them, and on a disk that is busy each may wait.
 *
 * runSteps(buffer) takes them packed, in the order in which they are made:
 *   offset size field
 *   0      1    what: enum step
 *   1      3    0
 *   4      4    a: mode, or owner
 *   8      4    b: flags, or group
 *   12     4    length of the first text, its NUL included
 *   16     4    length of the second, likewise; or of what is written
 *   20     n    the first text: the path
 *   20+n   m    the second: where to, or what is written
 * Its promise resolves to 0, or to the index of the step that failed (from 1 on) times -4096, minus its errno; what was
 * done before it stays done.
 */
#include "addon.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum step { STEP_MKDIR = 1, STEP_WRITE, STEP_RENAME, STEP_CHOWN = 5, STEP_CHMOD, STEP_REMOVE };
enum flag { REPLACES = 1, SYNCS = 2 };
enum { HEADER = 20, FAILED = 4096 };

struct step_at {
	uint32_t what, a, b, length;
	const char *path, *data;
};

struct steps {
	struct work work;
	char *bytes;
	size_t size;
	int64_t result;
};

static uint32_t u32_at(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* The next step, of which nothing reaches beyond the bytes there are. */
static bool step_next(const struct steps *steps, size_t *offset, struct step_at *step)
{
	const char *at = steps->bytes + *offset;
	size_t left = steps->size - *offset, path;

	if (left < HEADER)
		return false;
	step->what = (unsigned char)at[0];
	step->a = u32_at(at + 4);
	step->b = u32_at(at + 8);
	path = u32_at(at + 12);
	step->length = u32_at(at + 16);
	if (path == 0 || path > left - HEADER || step->length > left - HEADER - path)
		return false;
	/* a NUL within would make it another path */
	if (memchr(at + HEADER, '\0', path) != at + HEADER + path - 1)
		return false;
	step->path = at + HEADER;
	step->data = step->path + path;
	*offset += HEADER + path + step->length;
	return true;
}

static int write_file(const struct step_at *step)
{
	int fd = open(step->path, O_WRONLY | O_CREAT | O_CLOEXEC | (step->b & REPLACES ? O_TRUNC : O_EXCL), step->a);
	uint32_t done = 0;
	int rc = fd < 0 ? -errno : 0;

	while (rc == 0 && done < step->length) {
		ssize_t n = write(fd, step->data + done, step->length - done);

		if (n < 0 && errno != EINTR)
			rc = -errno;
		else if (n > 0)
			done += (uint32_t)n;
	}
	if (rc == 0 && step->b & SYNCS && fdatasync(fd) < 0)
		rc = -errno;
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

static int open_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	int fd;

	if (!slash)
		return -EINVAL;
	if ((size_t)(slash - path) + 2 > sizeof directory)
		return -ENAMETOOLONG;
	snprintf(directory, sizeof directory, "%.*s/", (int)(slash - path), path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int rename_or_remove(const struct step_at *step)
{
	if (step->what == STEP_REMOVE)
		return remove_tree(step->path);
	return rename(step->path, step->data) < 0 ? -errno : 0;
}

/*
 * With SYNCS it survives a power cut. The directory is opened before: without a descriptor for it nothing is changed, for
 * who hears of a failure goes on as if nothing was.
 */
static int change_directory(const struct step_at *step)
{
	int fd, rc;

	if (!(step->b & SYNCS))
		return rename_or_remove(step);
	fd = open_directory_of(step->what == STEP_REMOVE ? step->path : step->data);
	if (fd < 0)
		return fd;
	rc = rename_or_remove(step);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int step_make(const struct step_at *step)
{
	switch ((enum step)step->what) {
	case STEP_MKDIR:
		return mkdir(step->path, step->a) < 0 ? -errno : 0;
	case STEP_WRITE:
		return write_file(step);
	case STEP_RENAME:
		if (step->length == 0 || memchr(step->data, '\0', step->length) != step->data + step->length - 1)
			return -EINVAL;
		return change_directory(step);
	case STEP_CHOWN:
		return chown(step->path, step->a, step->b) < 0 ? -errno : 0;
	case STEP_CHMOD:
		return chmod(step->path, step->a) < 0 ? -errno : 0;
	case STEP_REMOVE:
		return change_directory(step);
	}
	return -EINVAL;
}

static void steps_execute(napi_env env, void *data)
{
	struct steps *steps = data;
	struct step_at step;
	size_t offset = 0;
	int64_t index = 1;

	(void)env;
	for (; offset < steps->size; index++) {
		int rc = step_next(steps, &offset, &step) ? step_make(&step) : -EINVAL;

		if (rc < 0) {
			steps->result = -index * FAILED + rc;
			return;
		}
	}
}

static void steps_complete(napi_env env, napi_status status, void *data)
{
	struct steps *steps = data;

	work_end(env, &steps->work, result(env, status == napi_ok ? steps->result : -FAILED - ECANCELED));
	free(steps->bytes);
	free(steps);
}

static napi_value call_run_steps(napi_env env, napi_callback_info info)
{
	ARGS(1);
	struct steps *steps;
	void *bytes;
	size_t size;

	if (!arg_buffer(env, a[0], &bytes, &size))
		return result(env, -FAILED - EINVAL);
	steps = calloc(1, sizeof(*steps));
	if (!steps || !(steps->bytes = malloc(size + 1))) {
		free(steps);
		return result(env, -FAILED - ENOMEM);
	}
	memcpy(steps->bytes, bytes, size);
	steps->size = size;
	return work_begin(env, &steps->work, "gantry:steps", steps_execute, steps_complete);
}

void register_steps(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "runSteps", call_run_steps },
	};

	DEFINE(env, exports, methods);
}
