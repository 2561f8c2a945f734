/*
 * The container's log in Docker's json-file format, one object a line:
 *
 *   {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-21T08:00:00.123456789Z"}
 *
 * Lines are collected in `out` and go to the file, or to its writer, in one write for all that was read at once. A container
 * whose log cannot be written goes on.
 */
#include "log.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_OUT_SIZE (512u << 10)

int log_open(struct log *l, const struct plan *plan)
{
	int rc;

	memset(l, 0, sizeof *l);
	l->fd = -1;
	l->path = plan->log_path;
	l->max = plan->log_max;
	l->files = plan->log_files ? plan->log_files : 1;
	l->compressed = plan->log_flags & LOG_COMPRESSED;
	l->second = -1;
	l->out = pages(LOG_OUT_SIZE);
	if (!l->out)
		return -ENOMEM;
	rc = object_tails(l, plan->log_attrs);
	if (rc == 0)
		rc = log_file_open(l, 0);
	if (rc == 0)
		rc = log_file_mend(l);
	return rc == 0 && plan->log_buffer ? log_writer_start(l, plan->log_buffer) : rc;
}

void log_line(struct log *l, int stream, const uint8_t *text, size_t n, bool newline, int64_t now_ns)
{
	uint8_t *o;

	log_room(l);
	l->last_ns = now_ns > l->last_ns ? now_ns : l->last_ns + 1;
	o = l->out + l->out_len;
	memcpy(o, "{\"log\":\"", 8);
	o = object_escape(o + 8, text, n);
	if (newline) {
		memcpy(o, "\\n", 2);
		o += 2;
	}
	memcpy(o, l->tail[stream], l->tail_len);
	o = object_time(l, o + l->tail_len, l->last_ns);
	memcpy(o, "\"}\n", 3);
	l->out_len = (uint32_t)(o + 3 - l->out);
}

size_t log_lines(struct log *l, int stream, const uint8_t *buf, size_t n, bool end)
{
	struct timespec t;
	int64_t now;
	size_t at = 0;

	clock_gettime(CLOCK_REALTIME, &t);
	now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	for (;;) {
		size_t left = n - at, most = left < LINE_MAX_BYTES ? left : LINE_MAX_BYTES;
		const uint8_t *newline = memchr(buf + at, '\n', most);

		if (newline) {
			size_t length = (size_t)(newline - buf) - at;

			log_line(l, stream, buf + at, length, true, now);
			at += length + 1;
		} else if (most == LINE_MAX_BYTES) {
			log_line(l, stream, buf + at, most, false, now);
			at += most;
		} else if (end && most > 0) {
			log_line(l, stream, buf + at, most, false, now);
			at += most;
		} else {
			return at;
		}
	}
}

void log_room(struct log *l)
{
	if (l->max && !l->detached && l->size + l->out_len >= l->max) {
		log_flush(l);
		if (l->size >= l->max)
			log_rotate(l);
	}
	if (l->out_len > (l->detached ? MESSAGE_SIZE : LOG_OUT_SIZE - l->object_max))
		log_flush(l);
}

void log_flush(struct log *l)
{
	uint32_t n = l->out_len;
	ssize_t w = 0;
	int rc;

	l->out_len = 0;
	log_hear(l, false);
	if (n == 0)
		return;
	if (l->fd < 0) {
		rc = log_file_open(l, 0);
		if (rc < 0) {
			log_lose(l, n, rc);
			return;
		}
	}
	if (l->lost && !log_confess(l)) {
		log_lose(l, n, l->failure);
		return;
	}
	log_regained(l, false);
	w = RETRY(write(l->fd, l->out, n));
	if (w == (ssize_t)n) {
		l->size += n;
		if (l->failing)
			say("log is written again", l->path, 0);
		l->failing = false;
		return;
	}
	/* the container goes on without its log; half a line would spoil the next one */
	log_lose(l, n, w < 0 ? errno : ENOSPC);
	if (w > 0 && ftruncate(l->fd, (off_t)l->size) < 0)
		l->size += (uint64_t)w;
}

/* At the end: what was lost after the last line that could be written. */
void log_close(struct log *l)
{
	/* now it may wait: nobody is held up any more */
	if (l->detached)
		fcntl(l->fd, F_SETFL, 0);
	if (l->fd >= 0 && (!l->lost || log_confess(l)))
		log_regained(l, true);
	if (l->detached)
		shutdown(l->fd, SHUT_WR);
	log_hear(l, true);
}

/* Gives the memory of a burst back. */
void log_relax(struct log *l)
{
	if (l->out && l->out_len == 0)
		madvise(l->out, LOG_OUT_SIZE, MADV_DONTNEED);
}
