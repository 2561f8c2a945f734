/*
 * What a disk refuses is lost, counted, and told: in the log itself as soon as it can be written again, and to who watches.
 */
#include "log.h"
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* how often at most it is told that the writer does not keep up */
#define LAG_NS 1000000000

void log_failing(struct log *l, const char *what, int err)
{
	l->failure = err < 0 ? -err : err;
	/* a writer that does not keep up comes and goes with each burst: told of by log_regained() */
	if (l->failing || l->failure == EAGAIN)
		return;
	say(what, l->path, err);
	l->failing = true;
	log_tell(l, LOG_FAILING, l->failure, 0);
}

static const char *reason(int err)
{
	switch (err) {
	case ENOSPC:
		return "no space left on device";
	case EDQUOT:
		return "disk quota exceeded";
	case EROFS:
		return "read-only file system";
	case EIO:
		return "input/output error";
	case EAGAIN:
		return "the disk did not keep up";
	}
	return "the log could not be written";
}

bool log_confess(struct log *l)
{
	static uint8_t text[256];
	uint8_t *o = text;
	struct iovec parts[3];
	size_t all;
	ssize_t w;

	o += put_text((char *)o, 16, "{\"log\":\"gantry: ");
	o += put_number((char *)o, l->lost);
	o += put_text((char *)o, 40, l->lost == 1 ? " line was lost here: " : " lines were lost here: ");
	o += put_text((char *)o, 60, reason(l->failure));
	o += put_text((char *)o, 2, "\\n");
	parts[0] = (struct iovec){text, (size_t)(o - text)};
	parts[1] = (struct iovec){l->tail[1], l->tail_len};
	parts[2].iov_base = o;
	o = object_time(l, o, l->lost_ns);
	o += put_text((char *)o, 3, "\"}\n");
	parts[2].iov_len = (size_t)(o - (uint8_t *)parts[2].iov_base);
	all = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
	w = RETRY(writev(l->fd, parts, 3));
	if (w == (ssize_t)all) {
		l->size += all;
		return true;
	}
	l->failure = w < 0 ? errno : ENOSPC;
	if (w > 0 && ftruncate(l->fd, (off_t)l->size) < 0)
		l->size += (uint64_t)w;
	return false;
}

void log_lose(struct log *l, uint32_t n, int err)
{
	const uint8_t *at = l->out, *end = l->out + n;
	size_t last = n < 64 ? n : 64;

	/* each object ends its line, and has no other newline in it */
	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at++;
		l->lost++;
		l->lost_ever++;
	}
	l->lost_ns = object_last_time((const char *)end - last, last);
	log_failing(l, "log cannot be written, lines are lost", err);
	/* the writer was killed: rather a log that may wait than none */
	if (l->detached && l->failure == EPIPE) {
		l->detached = false;
		fd_close(&l->fd);
	}
}

void log_regained(struct log *l, bool end)
{
	l->untold += l->lost;
	l->lost = 0;
	if (!l->untold || (l->failure == EAGAIN && !end && l->last_ns - l->told_ns < LAG_NS))
		return;
	log_tell(l, LOG_AGAIN, l->failure, l->untold);
	l->untold = 0;
	l->told_ns = l->last_ns;
}
