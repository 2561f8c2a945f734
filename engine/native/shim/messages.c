/* Builds messages towards the engine (protocol.h) and sends them. */
#include "shim.h"
#include <string.h>
#include <sys/socket.h>

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

/* Small, towards a peer that reads; one who does not is let go, it can ask again. */
void tell(struct client *c, struct message *m)
{
	message_end(m);
	if (m->full || send(c->fd, m->buf, m->len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)m->len)
		client_close(c);
}

void tell_ok(struct client *c, pid_t pid)
{
	uint8_t buf[16];
	struct message m;

	message_begin(&m, buf, sizeof buf, SAY_OK);
	message_u32(&m, (uint32_t)pid);
	tell(c, &m);
}

void error_message(struct message *m, uint8_t *buf, uint32_t max, int err, const char *step, const char *path)
{
	message_begin(m, buf, max, SAY_ERROR);
	message_u32(m, (uint32_t)(err < 0 ? -err : err));
	message_str(m, step);
	message_str(m, path);
}

void tell_error(struct client *c, int err, const char *step, const char *path)
{
	uint8_t buf[600];
	struct message m;

	error_message(&m, buf, sizeof buf, err, step, path);
	tell(c, &m);
}
