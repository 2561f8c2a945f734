/*
 * Lines of the json-file log made into Docker's raw stream, a chunk to a call. It is no system call: a busy container
 * prints more than a megabyte within ten milliseconds, and JavaScript needs five times as long for each byte of it.
 *
 *   {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-21T08:00:00.123456789Z"}
 *
 * Only this form is taken, as the shim writes it. What looks otherwise in any respect is left to the caller.
 */
#include "addon.h"

#include <string.h>

#define TIME_LENGTH 30 /* with all nine digits, so that times compare as text */
#define HEAD_LENGTH 8  /* u8 stream, 0, 0, 0, u32be length */
#define LOG_HEAD "{\"log\":\""
#define STREAM_LENGTH 20
#define TIME_HEAD "\"time\":\""
#define LENGTH(literal) (sizeof(literal) - 1)

enum { WANT_STDOUT = 1, WANT_STDERR = 2, FRAMED = 4, TIMESTAMPS = 8, DETAILS = 16 };
/* what a call ended with */
enum { ALL_DONE, NO_ROOM, UNUSUAL, PAST_UNTIL };

struct bytes {
	const uint8_t *at;
	size_t length;
};

struct format {
	uint32_t flags;
	struct bytes since, until; /* TIME_LENGTH bytes, or empty */
	struct bytes attrs;	   /* of all lines, as in the file with its comma, or empty */
	struct bytes detail;	   /* what stands for them in the output */
};

/* What a line is made of. */
struct line {
	struct bytes text, time;
	uint32_t stream; /* WANT_STDOUT or WANT_STDERR */
};

static bool is(const uint8_t *at, const char *literal)
{
	return memcmp(at, literal, strlen(literal)) == 0;
}

/* Finds the parts of at[0..n), from the end: everything behind the text has one form. */
static bool take_apart(const struct format *f, const uint8_t *at, size_t n, struct line *line)
{
	size_t behind = STREAM_LENGTH + f->attrs.length + LENGTH(TIME_HEAD), time = n - 2;
	const uint8_t *tail;

	if (n < LENGTH(LOG_HEAD) + behind + 2 || !is(at, LOG_HEAD) || !is(at + n - 2, "\"}"))
		return false;
	while (time > 0 && n - 2 - time <= TIME_LENGTH && at[time - 1] != '"')
		time--;
	if (time < LENGTH(LOG_HEAD) + behind || at[time - 1] != '"')
		return false;
	line->time = (struct bytes){at + time, n - 2 - time};
	tail = at + time - behind;
	line->text = (struct bytes){at + LENGTH(LOG_HEAD), (size_t)(tail - at) - LENGTH(LOG_HEAD)};
	if (is(tail, "\",\"stream\":\"stdout\","))
		line->stream = WANT_STDOUT;
	else if (is(tail, "\",\"stream\":\"stderr\","))
		line->stream = WANT_STDERR;
	else
		return false;
	tail += STREAM_LENGTH;
	return memcmp(tail, f->attrs.at, f->attrs.length) == 0 && is(tail + f->attrs.length, TIME_HEAD);
}

/* A UTC time with its fraction filled up to nine digits. */
static bool fixed_time(struct bytes time, uint8_t out[TIME_LENGTH])
{
	if (time.length < 20 || time.length > TIME_LENGTH || time.at[time.length - 1] != 'Z')
		return false;
	memcpy(out, time.at, 19);
	memset(out + 19, '0', TIME_LENGTH - 20);
	out[19] = '.';
	if (time.length > 21)
		memcpy(out + 20, time.at + 20, time.length - 21);
	out[TIME_LENGTH - 1] = 'Z';
	return true;
}

static int hex4(const uint8_t *at)
{
	int value = 0, i;

	for (i = 0; i < 4; i++) {
		uint8_t c = at[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static uint8_t *put_utf8(uint8_t *o, uint32_t c)
{
	if (c < 0x80) {
		*o++ = (uint8_t)c;
	} else if (c < 0x800) {
		*o++ = (uint8_t)(0xc0 | c >> 6);
		*o++ = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*o++ = (uint8_t)(0xe0 | c >> 12);
		*o++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*o++ = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		*o++ = (uint8_t)(0xf0 | c >> 18);
		*o++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		*o++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*o++ = (uint8_t)(0x80 | (c & 0x3f));
	}
	return o;
}

/* The character of the escape \uXXXX at *at, or of two that are a pair; moves *at behind. -1 when there is none. */
static int32_t unicode(const uint8_t **at, const uint8_t *end)
{
	int unit = end - *at < 6 ? -1 : hex4(*at + 2), low;

	if (unit < 0)
		return -1;
	*at += 6;
	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	low = unit < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex4(*at + 2) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd; /* half a pair */
	*at += 6;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/* Unescapes a JSON string; the output is never longer. NULL when it is not one. */
static uint8_t *unescape(struct bytes text, uint8_t *o)
{
	static const char kinds[] = "nrtbf\"\\/", meant[] = "\n\r\t\b\f\"\\/";
	const uint8_t *at = text.at, *end = at + text.length;

	while (at < end) {
		const uint8_t *escape = memchr(at, '\\', (size_t)(end - at));
		size_t run = (size_t)((escape ? escape : end) - at);
		const char *kind;

		if (memchr(at, '"', run))
			return NULL;
		memcpy(o, at, run);
		o += run;
		at += run;
		if (!escape)
			break;
		if (end - at < 2)
			return NULL;
		if (at[1] == 'u') {
			int32_t character = unicode(&at, end);

			if (character < 0)
				return NULL;
			o = put_utf8(o, (uint32_t)character);
			continue;
		}
		kind = at[1] ? strchr(kinds, at[1]) : NULL;
		if (!kind)
			return NULL;
		*o++ = (uint8_t)meant[kind - kinds];
		at += 2;
	}
	return o;
}

static void put_head(uint8_t *o, uint32_t stream, size_t length)
{
	o[0] = stream == WANT_STDOUT ? 1 : 2;
	o[1] = o[2] = o[3] = 0;
	o[4] = (uint8_t)(length >> 24);
	o[5] = (uint8_t)(length >> 16);
	o[6] = (uint8_t)(length >> 8);
	o[7] = (uint8_t)length;
}

/* What one line comes to, behind *out; there is room for it. */
static int put_line(const struct format *f, const uint8_t *at, size_t n, uint8_t **out)
{
	uint8_t stamp[TIME_LENGTH], *start = *out + (f->flags & FRAMED ? HEAD_LENGTH : 0), *o = start;
	struct line line;

	if (!take_apart(f, at, n, &line))
		return UNUSUAL;
	if (f->since.length || f->until.length || f->flags & TIMESTAMPS) {
		if (!fixed_time(line.time, stamp))
			return UNUSUAL;
		if (f->until.length && memcmp(stamp, f->until.at, TIME_LENGTH) > 0)
			return PAST_UNTIL;
		if (f->since.length && memcmp(stamp, f->since.at, TIME_LENGTH) < 0)
			return ALL_DONE;
	}
	if (!(line.stream & f->flags))
		return ALL_DONE;
	if (f->flags & TIMESTAMPS) {
		memcpy(o, stamp, TIME_LENGTH);
		o[TIME_LENGTH] = ' ';
		o += TIME_LENGTH + 1;
	}
	if (f->flags & DETAILS) {
		memcpy(o, f->detail.at, f->detail.length);
		o[f->detail.length] = ' ';
		o += f->detail.length + 1;
	}
	o = unescape(line.text, o);
	if (!o)
		return UNUSUAL;
	if (f->flags & FRAMED)
		put_head(*out, line.stream, (size_t)(o - start));
	*out = o;
	return ALL_DONE;
}

static struct bytes arg_bytes(napi_env env, napi_value value)
{
	void *data;
	size_t length;

	/* an empty Buffer has no address, and memcmp wants one */
	if (!arg_buffer(env, value, &data, &length) || length == 0)
		return (struct bytes){(const uint8_t *)"", 0};
	return (struct bytes){data, length};
}

/*
 * formatLog(lines, out, position, flags, since, until, attrs, detail): whole lines to their output. `position` is an
 * Int32Array of where in `lines` to begin and how much of `out` is filled, and is moved on. Answers what it ended
 * with; the line at `position` is then the one that has no room, is unusual, or is later than `until`.
 */
static napi_value call_format_log(napi_env env, napi_callback_info info)
{
	ARGS(8);
	struct bytes lines = arg_bytes(env, a[0]), room = arg_bytes(env, a[1]);
	struct format f = {.flags = arg_u32(env, a[3]),
			   .since = arg_bytes(env, a[4]),
			   .until = arg_bytes(env, a[5]),
			   .attrs = arg_bytes(env, a[6]),
			   .detail = arg_bytes(env, a[7])};
	size_t more = HEAD_LENGTH + TIME_LENGTH + 1 + f.detail.length + 1, length = 0;
	const uint8_t *at, *end, *newline;
	napi_typedarray_type type = napi_uint8_array;
	uint8_t *out, *out_end;
	int32_t *position;
	int why = ALL_DONE;

	napi_get_typedarray_info(env, a[2], &type, &length, (void **)&position, NULL, NULL);
	if (type != napi_int32_array || length < 2 || position[0] < 0 || (size_t)position[0] > lines.length ||
	    position[1] < 0 || (size_t)position[1] > room.length || (f.since.length && f.since.length != TIME_LENGTH) ||
	    (f.until.length && f.until.length != TIME_LENGTH))
		return result(env, -EINVAL);
	at = lines.at + position[0];
	end = lines.at + lines.length;
	out = (uint8_t *)room.at + position[1];
	out_end = (uint8_t *)room.at + room.length;
	while (why == ALL_DONE && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		size_t n = (size_t)(newline - at);

		why = (size_t)(out_end - out) < n + more ? NO_ROOM : put_line(&f, at, n, &out);
		if (why == ALL_DONE)
			at = newline + 1;
	}
	position[0] = (int32_t)(at - lines.at);
	position[1] = (int32_t)(out - room.at);
	return result(env, why);
}

void register_logs(napi_env env, napi_value exports)
{
	static const struct method methods[] = {{"formatLog", call_format_log}};

	DEFINE(env, exports, methods);
}
