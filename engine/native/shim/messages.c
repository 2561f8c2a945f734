/* Builds messages towards the engine (protocol.h). */
#include "shim.h"
#include <string.h>

static void put(struct message *m, const void *data, uint32_t n)
{
	if (m->full || n > m->max - m->len) {
		m->full = true;
		return;
	}
	memcpy(m->buf + m->len, data, n);
	m->len += n;
}

void message_u32(struct message *m, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	put(m, b, 4);
}

void message_u64(struct message *m, uint64_t v)
{
	message_u32(m, (uint32_t)v);
	message_u32(m, (uint32_t)(v >> 32));
}

void message_str(struct message *m, const char *s)
{
	uint32_t n = (uint32_t)strlen(s);

	message_u32(m, n);
	put(m, s, n + 1);
}

void message_begin(struct message *m, uint8_t *buf, uint32_t max, uint16_t kind)
{
	m->buf = buf;
	m->len = 0;
	m->max = max;
	m->full = false;
	message_u32(m, 0);
	message_u32(m, kind);
}

void message_end(struct message *m)
{
	uint32_t n = m->len - 8, i;

	for (i = 0; i < 4; i++)
		m->buf[i] = (uint8_t)(n >> (8 * i));
}
