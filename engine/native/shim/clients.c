/*
 * The table of connections to the shim: who comes, who has got its last byte, who goes. What one asks is in requests.c,
 * what it is told unasked in watchers.c, its streams in streams.c. A garbage client is closed, never trusted.
 */
#include "shim.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* how long a client that got its last byte may take to close */
#define LINGER_MS 5000
#define SPARE 8
/* how long nobody is accepted when descriptors or memory are short; poll would come back at once with who still waits */
#define SHORT_MS 100

static int64_t short_until;

int client_index(const struct client *c)
{
	return (int)(c - shim.clients);
}

/* In one of the slots in which those beyond the others are told that there are too many; the engine may watch there. */
bool client_is_spare(const struct client *c)
{
	return client_index(c) >= CLIENTS_MAX - SPARE;
}

struct client *client_new(int fd)
{
	int i;

	for (i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &shim.clients[i];

		if (c->state != CLIENT_FREE)
			continue;
		memset(c, 0, sizeof *c);
		c->state = CLIENT_REQUEST;
		c->fd = fd;
		c->passed = c->current = -1;
		c->proc = -1;
		if (i >= shim.clients_top)
			shim.clients_top = i + 1;
		return c;
	}
	close(fd);
	return NULL;
}

void client_close(struct client *c)
{
	int i;

	if (c->state == CLIENT_FREE)
		return;
	if (c->state == CLIENT_STREAM)
		output_drop(c);
	for (i = 0; i < shim.procs_top; i++) {
		if (shim.procs[i].starter == client_index(c))
			shim.procs[i].starter = -1;
	}
	request_free(c);
	fd_close(&c->passed);
	fd_close(&c->fd);
	c->state = CLIENT_FREE;
	while (shim.clients_top > 0 && shim.clients[shim.clients_top - 1].state == CLIENT_FREE)
		shim.clients_top--;
}

void clients_accept(void)
{
	int fd = accept4(shim.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			short_until = monotonic_ms() + SHORT_MS;
		return;
	}
	c = client_new(fd);
	/* most ask with the same breath */
	if (c)
		client_readable(c);
}

/* Milliseconds until the next may be accepted. */
int clients_short(void)
{
	int64_t left = short_until ? short_until - monotonic_ms() : 0;

	if (left > 0)
		return (int)left;
	short_until = 0;
	return 0;
}

/* Who comes while there is none waits in the backlog. */
bool clients_have_room(void)
{
	int i;

	if (clients_short())
		return false;
	for (i = 0; i < CLIENTS_MAX; i++) {
		if (shim.clients[i].state == CLIENT_FREE)
			return true;
	}
	return false;
}

/*
 * The client has got its last byte. Closing now would make an error of what it may still be writing, and an error can
 * cost it bytes that it has not read: so it is told the end, and the socket closed when it closes.
 */
void client_finish(struct client *c)
{
	output_drop(c);
	if (shutdown(c->fd, SHUT_WR) < 0) {
		client_close(c);
		return;
	}
	c->state = CLIENT_LINGER;
	c->linger_until = monotonic_ms() + LINGER_MS;
}

static void linger_read(struct client *c)
{
	static char sink[4096];
	ssize_t n;

	do
		n = RETRY(recv(c->fd, sink, sizeof sink, MSG_DONTWAIT));
	while (n > 0);
	if (n == 0 || errno != EAGAIN)
		client_close(c);
}

/* Closes those whose time is over; false when none is left. */
bool clients_linger(int64_t now)
{
	bool some = false;
	int i;

	for (i = 0; i < shim.clients_top; i++) {
		if (shim.clients[i].state != CLIENT_LINGER)
			continue;
		if (now > shim.clients[i].linger_until)
			client_close(&shim.clients[i]);
		else
			some = true;
	}
	return some;
}

void client_readable(struct client *c)
{
	if (c->state == CLIENT_REQUEST) {
		request_read(c);
		/* what belongs to the head has mostly come with it */
		if (c->state == CLIENT_REQUEST && c->request_size && c->have == sizeof c->head)
			request_read(c);
	} else if (c->state == CLIENT_LINGER)
		linger_read(c);
	else if (c->state == CLIENT_STREAM && c->flags & ATTACH_STDIN && !c->in_done)
		stdin_read(c);
}
