/*
 * The container's log in Docker's json-file format, one object a line:
 *
 *   {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-21T08:00:00.123456789Z"}
 *
 * Lines are collected in `out` and go to the file in one write for all that was read at once. The file only ever holds
 * whole lines: what a full disk cut short is taken back, what a killed shim left unfinished is cut off at the next start.
 * Rotation renames from the oldest to the newest, so a crash in between leaves a gap in the numbers and loses nothing.
 * The engine may replace a rotated file by `.N.gz`; both hold a lock on the directory while they rename.
 *
 * A container whose log cannot be written goes on. How many lines were lost is told in the log itself as soon as it can
 * be written again.
 *
 * With a buffer (mode=non-blocking) the file is written by another process of ours, so that a disk that is slow, or frozen,
 * holds nobody up:
 *
 *   shim    -> writer   objects, some to a message; one for which the socket has no room is lost, as above
 *   shim    <- writer   struct told: what the shim tells its watchers; heard with the next output
 *   shim   end writer   at the end of all output; the writer ends when everything is in the file, and the shim then
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOG_OUT_SIZE (512u << 10)
/* the longest object without attributes: each byte as \u00xx, and the rest of the text */
#define OBJECT_MAX (LINE_MAX_BYTES * 6 + 160)
#define ATTRS_MAX (64u << 10)
/* a message to the writer is sent when it is so long; the kernel keeps each in one piece of memory, mostly */
#define MESSAGE_SIZE (32u << 10)
#define BUFFER_MIN (256u << 10)
/* how often at most it is told that the writer does not keep up */
#define LAG_NS 1000000000

static const char hex[] = "0123456789abcdef";

/* ------------------------------------------------------------------ file */

/* The newest timestamp in the file's last line, 0 when there is none to be read. */
static int64_t last_timestamp(const char *tail, size_t n)
{
	static const char key[] = "\"time\":\"";
	struct tm tm;
	int64_t ns = 0, scale = 100000000;
	size_t i, at = 0;
	const char *p;

	for (i = 0; i + sizeof key - 1 + 20 <= n; i++) {
		if (!memcmp(tail + i, key, sizeof key - 1))
			at = i + sizeof key - 1;
	}
	if (!at)
		return 0;
	p = tail + at;
#define DIGITS(o, k) ({ int v_ = 0; for (i = (o); i < (o) + (k); i++) v_ = v_ * 10 + (p[i] - '0'); v_; })
	memset(&tm, 0, sizeof tm);
	tm.tm_year = DIGITS(0, 4) - 1900;
	tm.tm_mon = DIGITS(5, 2) - 1;
	tm.tm_mday = DIGITS(8, 2);
	tm.tm_hour = DIGITS(11, 2);
	tm.tm_min = DIGITS(14, 2);
	tm.tm_sec = DIGITS(17, 2);
#undef DIGITS
	if (p[19] == '.') {
		for (i = 20; at + i < n && p[i] >= '0' && p[i] <= '9' && scale; i++, scale /= 10)
			ns += (p[i] - '0') * scale;
	}
	return (int64_t)timegm(&tm) * 1000000000 + ns;
}

/* Cuts off an unfinished last line and learns the newest timestamp. */
static int mend(struct log *l)
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
			l->last_ns = last_timestamp(tail, i);
			break;
		}
		size -= n;
	}
	if (size != l->size && ftruncate(l->fd, (off_t)size) < 0)
		return -errno;
	l->size = size;
	return 0;
}

static int file_open(struct log *l, int flags)
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

static int tails_make(struct log *l, const char *attrs)
{
	size_t n = strlen(attrs);
	int i;

	if (n > ATTRS_MAX)
		return -E2BIG;
	for (i = 0; i < 2; i++) {
		char *at = pages(n + 64);

		if (!at)
			return -ENOMEM;
		l->tail[i] = at;
		memcpy(at, i ? "\",\"stream\":\"stderr\"," : "\",\"stream\":\"stdout\",", 20);
		memcpy(at + 20, attrs, n);
		memcpy(at + 20 + n, "\"time\":\"", 8);
	}
	l->tail_len = (uint32_t)n + 28;
	l->object_max = OBJECT_MAX + (uint32_t)n;
	return 0;
}

static int writer_start(struct log *l, uint32_t buffer);

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
	rc = tails_make(l, plan->log_attrs);
	if (rc == 0)
		rc = file_open(l, 0);
	if (rc == 0)
		rc = mend(l);
	return rc == 0 && plan->log_buffer ? writer_start(l, plan->log_buffer) : rc;
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

struct told {
	uint32_t news;
	int32_t err;
	uint64_t lost;
};

static void pass_on(struct log *l, uint32_t news, int err, uint64_t lost)
{
	struct told t = {news, err, lost};

	if (!l->is_writer)
		clients_log(news, err, lost);
	else if (send(STDIN_FILENO, &t, sizeof t, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		say("news of the log are lost", l->path, errno);
}

/* What the writer tells; `end`: until it has ended. */
static void hear(struct log *l, bool end)
{
	struct told t;

	while (l->detached && RETRY(recv(l->fd, &t, sizeof t, end ? 0 : MSG_DONTWAIT)) == (ssize_t)sizeof t) {
		clients_log(t.news, t.err, t.lost);
		l->lost_ever += t.lost;
	}
}

static void failing(struct log *l, const char *what, int err)
{
	l->failure = err < 0 ? -err : err;
	/* a writer that does not keep up comes and goes with each burst: told of by regained() */
	if (l->failing || l->failure == EAGAIN)
		return;
	say(what, l->path, err);
	l->failing = true;
	pass_on(l, LOG_FAILING, l->failure, 0);
}

static void shift(struct log *l, uint32_t number, const char *suffix)
{
	static char from[4200], to[4200];

	if (!numbered(l, number - 1, suffix, from) || !numbered(l, number, suffix, to))
		return;
	if (rename(from, to) < 0 && errno != ENOENT)
		failing(l, "log cannot be rotated", errno);
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

static void rotate(struct log *l)
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
	rc = file_open(l, l->files == 1 ? O_TRUNC : 0);
	if (rc < 0)
		failing(l, "log cannot be opened", rc);
	else if (l->compressed)
		pass_on(l, LOG_ROTATED, 0, 0);
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

static uint8_t *timestamp(struct log *l, uint8_t *o, int64_t ns);

/* Says in the log what it lacks, at the place where it does; false when that cannot be written either. */
static bool confess(struct log *l)
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
	o = timestamp(l, o, l->lost_ns);
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

static void lose(struct log *l, uint32_t n, int err)
{
	const uint8_t *at = l->out, *end = l->out + n;
	size_t last = n < 64 ? n : 64;

	/* each object ends its line, and has no other newline in it */
	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at++;
		l->lost++;
		l->lost_ever++;
	}
	l->lost_ns = last_timestamp((const char *)end - last, last);
	failing(l, "log cannot be written, lines are lost", err);
	/* the writer was killed: rather a log that may wait than none */
	if (l->detached && l->failure == EPIPE) {
		l->detached = false;
		fd_close(&l->fd);
	}
}

/* What was lost has been confessed. */
static void regained(struct log *l, bool end)
{
	l->untold += l->lost;
	l->lost = 0;
	if (!l->untold || (l->failure == EAGAIN && !end && l->last_ns - l->told_ns < LAG_NS))
		return;
	pass_on(l, LOG_AGAIN, l->failure, l->untold);
	l->untold = 0;
	l->told_ns = l->last_ns;
}

void log_flush(struct log *l)
{
	uint32_t n = l->out_len;
	ssize_t w = 0;
	int rc;

	l->out_len = 0;
	hear(l, false);
	if (n == 0)
		return;
	if (l->fd < 0) {
		rc = file_open(l, 0);
		if (rc < 0) {
			lose(l, n, rc);
			return;
		}
	}
	if (l->lost && !confess(l)) {
		lose(l, n, l->failure);
		return;
	}
	regained(l, false);
	w = RETRY(write(l->fd, l->out, n));
	if (w == (ssize_t)n) {
		l->size += n;
		if (l->failing)
			say("log is written again", l->path, 0);
		l->failing = false;
		return;
	}
	/* the container goes on without its log; half a line would spoil the next one */
	lose(l, n, w < 0 ? errno : ENOSPC);
	if (w > 0 && ftruncate(l->fd, (off_t)l->size) < 0)
		l->size += (uint64_t)w;
}

/* At the end: what was lost after the last line that could be written. */
void log_close(struct log *l)
{
	/* now it may wait: nobody is held up any more */
	if (l->detached)
		fcntl(l->fd, F_SETFL, 0);
	if (l->fd >= 0 && (!l->lost || confess(l)))
		regained(l, true);
	if (l->detached)
		shutdown(l->fd, SHUT_WR);
	hear(l, true);
}

/* Gives the memory of a burst back. */
void log_relax(struct log *l)
{
	if (l->out && l->out_len == 0)
		madvise(l->out, LOG_OUT_SIZE, MADV_DONTNEED);
}

/* ------------------------------------------------------------------ one object */

/* Bytes of the valid UTF-8 sequence at s, or 0. As Go: no surrogates, nothing overlong. */
static size_t utf8(const uint8_t *s, size_t n)
{
	uint8_t a = s[0], low = 0x80, high = 0xbf;
	size_t need, i;

	if (a >= 0xc2 && a <= 0xdf)
		need = 2;
	else if (a >= 0xe0 && a <= 0xef)
		need = 3;
	else if (a >= 0xf0 && a <= 0xf4)
		need = 4;
	else
		return 0;
	if (n < need)
		return 0;
	if (a == 0xe0)
		low = 0xa0;
	else if (a == 0xed)
		high = 0x9f;
	else if (a == 0xf0)
		low = 0x90;
	else if (a == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return need;
}

static bool plain(uint8_t b)
{
	return b >= 0x20 && b < 0x80 && b != '"' && b != '\\' && b != '<' && b != '>' && b != '&';
}

#define EACH(byte) (0x0101010101010101ull * (byte))
/* a zero byte in x, by its topmost bit; exact when none has it set */
#define ZERO_IN(x) (((x) - EACH(1)) & ~(x))

/* Whether all of eight bytes are plain. Of the five that are not, two pairs differ in one bit only: " &, < >. */
static bool plain8(const uint8_t *s)
{
	uint64_t v;

	memcpy(&v, s, 8);
	return !((v | (v - EACH(0x20)) | ZERO_IN((v ^ EACH('"')) & EACH(0xfb)) | ZERO_IN((v ^ EACH('<')) & EACH(0xfd)) |
		  ZERO_IN(v ^ EACH('\\'))) &
		 EACH(0x80));
}

/* As moby's jsonlog: <, > and & and the two line separators too, so that the text may stand in a page. */
static uint8_t *escape(uint8_t *o, const uint8_t *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint8_t b = s[i];
		size_t k;

		if (n - i >= 8 && plain8(s + i)) {
			memcpy(o, s + i, 8);
			o += 8;
			i += 8;
			continue;
		}
		if (plain(b)) {
			*o++ = b;
			i++;
			continue;
		}
		if (b < 0x80) {
			*o++ = '\\';
			if (b == '"' || b == '\\') {
				*o++ = b;
			} else if (b == '\n') {
				*o++ = 'n';
			} else if (b == '\r') {
				*o++ = 'r';
			} else {
				memcpy(o, "u00", 3);
				o[3] = (uint8_t)hex[b >> 4];
				o[4] = (uint8_t)hex[b & 15];
				o += 5;
			}
			i++;
			continue;
		}
		k = utf8(s + i, n - i);
		if (k == 0) {
			memcpy(o, "\\ufffd", 6);
			o += 6;
			i++;
		} else if (k == 3 && s[i] == 0xe2 && s[i + 1] == 0x80 && (s[i + 2] & 0xfe) == 0xa8) {
			memcpy(o, "\\u202", 5);
			o[5] = (uint8_t)hex[s[i + 2] & 15];
			o += 6;
			i += 3;
		} else {
			memcpy(o, s + i, k);
			o += k;
			i += k;
		}
	}
	return o;
}

static void two(char *o, int v)
{
	o[0] = (char)('0' + v / 10);
	o[1] = (char)('0' + v % 10);
}

/* RFC3339Nano as Go prints it: no zeros at the end of the fraction. */
static uint8_t *timestamp(struct log *l, uint8_t *o, int64_t ns)
{
	int64_t second = ns / 1000000000;
	uint32_t rest = (uint32_t)(ns % 1000000000);
	char digits[10];
	int i, n = 9;

	if (second != l->second) {
		time_t t = (time_t)second;
		struct tm tm;

		gmtime_r(&t, &tm);
		two(l->prefix, (tm.tm_year + 1900) / 100);
		two(l->prefix + 2, tm.tm_year % 100);
		l->prefix[4] = '-';
		two(l->prefix + 5, tm.tm_mon + 1);
		l->prefix[7] = '-';
		two(l->prefix + 8, tm.tm_mday);
		l->prefix[10] = 'T';
		two(l->prefix + 11, tm.tm_hour);
		l->prefix[13] = ':';
		two(l->prefix + 14, tm.tm_min);
		l->prefix[16] = ':';
		two(l->prefix + 17, tm.tm_sec);
		l->second = second;
	}
	memcpy(o, l->prefix, 19);
	o += 19;
	if (rest) {
		for (i = 8; i >= 0; i--, rest /= 10)
			digits[i] = (char)('0' + rest % 10);
		while (digits[n - 1] == '0')
			n--;
		*o++ = '.';
		memcpy(o, digits, (size_t)n);
		o += n;
	}
	*o++ = 'Z';
	return o;
}

/* For one object more, in the file too. */
static void room_make(struct log *l)
{
	if (l->max && !l->detached && l->size + l->out_len >= l->max) {
		log_flush(l);
		if (l->size >= l->max)
			rotate(l);
	}
	if (l->out_len > (l->detached ? MESSAGE_SIZE : LOG_OUT_SIZE - l->object_max))
		log_flush(l);
}

/* ------------------------------------------------------------------ the writer */

_Noreturn static void writer(struct log *l, int from_shim)
{
	static uint8_t message[MESSAGE_SIZE + OBJECT_MAX + ATTRS_MAX];
	ssize_t n;

	/* nothing else is held open: whoever talks to the shim is to see its end */
	if (dup2(from_shim, STDIN_FILENO) < 0 || dup2(l->fd, STDOUT_FILENO) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0) < 0)
		_exit(1);
	l->fd = STDOUT_FILENO;
	l->is_writer = true;
	while ((n = RETRY(read(STDIN_FILENO, message, sizeof message))) > 0) {
		const uint8_t *at = message, *end = message + n;

		while (at < end) {
			const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
			size_t object = newline ? (size_t)(newline + 1 - at) : (size_t)(end - at);

			room_make(l);
			memcpy(l->out + l->out_len, at, object);
			l->out_len += (uint32_t)object;
			at += object;
		}
		log_flush(l);
	}
	log_close(l);
	_exit(0);
}

static int writer_start(struct log *l, uint32_t buffer)
{
	int pair[2], size = (int)(buffer > BUFFER_MIN ? buffer : BUFFER_MIN);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		writer(l, pair[1]);
	close(pair[1]);
	close(l->fd);
	l->fd = pair[0];
	l->detached = true;
	return 0;
}

/* ------------------------------------------------------------------ lines */

void log_line(struct log *l, int stream, const uint8_t *text, size_t n, bool newline, int64_t now_ns)
{
	uint8_t *o;

	room_make(l);
	l->last_ns = now_ns > l->last_ns ? now_ns : l->last_ns + 1;
	o = l->out + l->out_len;
	memcpy(o, "{\"log\":\"", 8);
	o = escape(o + 8, text, n);
	if (newline) {
		memcpy(o, "\\n", 2);
		o += 2;
	}
	memcpy(o, l->tail[stream], l->tail_len);
	o = timestamp(l, o + l->tail_len, l->last_ns);
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
