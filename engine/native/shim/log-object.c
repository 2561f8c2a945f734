/* One object of the log: its text escaped, its time as Go prints it, and what stands between the two. */
#include "log.h"
#include <string.h>

static const char hex[] = "0123456789abcdef";

int object_tails(struct log *l, const char *attrs)
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
uint8_t *object_escape(uint8_t *o, const uint8_t *s, size_t n)
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
uint8_t *object_time(struct log *l, uint8_t *o, int64_t ns)
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

int64_t object_last_time(const char *tail, size_t n)
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
