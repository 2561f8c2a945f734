/*
 * The container's log in Docker's json-file format, one object a line:
 *
 *   {"log":"text\n","stream":"stdout","time":"2026-11-21T08:00:00.123456789Z"}
 *
 * Lines are collected in `out` and go to the file in one write for all that was read at once. The file only ever holds
 * whole lines: what a full disk cut short is taken back, what a killed shim left unfinished is cut off at the next start.
 * Rotation renames from the oldest to the newest, so a crash in between leaves a gap in the numbers and loses nothing.
 */
#include "shim.h"
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_OUT_SIZE (512u << 10)
/* the longest object: each byte as \u00xx, and the rest of the text */
#define OBJECT_MAX (LINE_MAX_BYTES * 6 + 160)

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

int log_open(struct log *l, const char *path, uint64_t max, uint32_t files)
{
	int rc;

	memset(l, 0, sizeof *l);
	l->fd = -1;
	l->path = path;
	l->max = max;
	l->files = files ? files : 1;
	l->second = -1;
	l->out = pages(LOG_OUT_SIZE);
	if (!l->out)
		return -ENOMEM;
	rc = file_open(l, 0);
	return rc < 0 ? rc : mend(l);
}

static bool numbered(const struct log *l, uint32_t number, char out[4200])
{
	size_t n = strlen(l->path);

	if (n + 12 > 4200)
		return false;
	memcpy(out, l->path, n);
	if (number) {
		out[n++] = '.';
		n += put_number(out + n, number);
	}
	out[n] = 0;
	return true;
}

static void failing(struct log *l, const char *what, int err)
{
	if (!l->failing)
		say(what, l->path, err);
	l->failing = true;
}

static void rotate(struct log *l)
{
	static char from[4200], to[4200];
	uint32_t i;
	int rc;

	for (i = l->files - 1; i > 0; i--) {
		if (!numbered(l, i - 1, from) || !numbered(l, i, to))
			return;
		if (rename(from, to) < 0 && errno != ENOENT)
			failing(l, "log cannot be rotated", errno);
	}
	fd_close(&l->fd);
	/* with one file only, the old text goes, as with Docker */
	rc = file_open(l, l->files == 1 ? O_TRUNC : 0);
	if (rc < 0)
		failing(l, "log cannot be opened", rc);
}

void log_flush(struct log *l)
{
	uint32_t n = l->out_len;
	ssize_t w = 0;

	l->out_len = 0;
	if (n == 0)
		return;
	if (l->fd < 0 && file_open(l, 0) < 0) {
		l->dropped += n;
		return;
	}
	w = RETRY(write(l->fd, l->out, n));
	if (w == (ssize_t)n) {
		l->size += n;
		if (l->failing)
			say("log is written again", l->path, 0);
		l->failing = false;
		return;
	}
	/* the container goes on without its log; half a line would spoil the next one */
	l->dropped += n;
	failing(l, "log cannot be written, output is dropped", w < 0 ? errno : ENOSPC);
	if (w > 0 && ftruncate(l->fd, (off_t)l->size) < 0)
		l->size += (uint64_t)w;
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

/* As moby's jsonlog: <, > and & and the two line separators too, so that the text may stand in a page. */
static uint8_t *escape(uint8_t *o, const uint8_t *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint8_t b = s[i];
		size_t k;

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

void log_line(struct log *l, int stream, const uint8_t *text, size_t n, bool newline, int64_t now_ns)
{
	uint8_t *o;

	if (l->max && l->size + l->out_len >= l->max) {
		log_flush(l);
		if (l->size >= l->max)
			rotate(l);
	}
	if (l->out_len > LOG_OUT_SIZE - OBJECT_MAX)
		log_flush(l);
	l->last_ns = now_ns > l->last_ns ? now_ns : l->last_ns + 1;
	o = l->out + l->out_len;
	memcpy(o, "{\"log\":\"", 8);
	o = escape(o + 8, text, n);
	if (newline) {
		memcpy(o, "\\n", 2);
		o += 2;
	}
	memcpy(o, "\",\"stream\":\"stdout\",\"time\":\"", 28);
	if (stream)
		memcpy(o + 15, "err", 3);
	o = timestamp(l, o + 28, l->last_ns);
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
