/*
 * Requests, one after the other on a connection, and their answers. Those that make a stream of it are in attach.c.
 */
#include "shim.h"
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Giving memory back right after a fork is dear: the tables are shared with the child, the other processors are asked. */
void request_drop(struct client *c)
{
	c->request_size = c->have = 0;
}

static bool request_make_room(struct client *c, uint32_t size)
{
	if (size <= c->request_room)
		return true;
	pages_free(c->request, c->request_room);
	c->request = pages(size);
	c->request_room = c->request ? size : 0;
	return c->request;
}

void request_free(struct client *c)
{
	pages_free(c->request, c->request_room);
	c->request = NULL;
	c->request_room = 0;
	request_drop(c);
}

/* What requests took, once a burst of them is over. */
void clients_relax(void)
{
	int i;

	for (i = 0; i < shim.clients_top; i++) {
		if (shim.clients[i].have == 0 && shim.clients[i].request)
			request_free(&shim.clients[i]);
	}
}

static int signal_send(struct proc *p, uint32_t signal)
{
	/* not reaped, so the number cannot have become another process's */
	if (!p || p->reaped || p->state == PROC_FREE || p->state == PROC_STARTING)
		return -ESRCH;
	return signal > 64 ? -EINVAL : kill(p->pid, (int)signal) < 0 ? -errno : 0;
}

static uint16_t kind_of(const struct client *c)
{
	return (uint16_t)(c->head[4] | c->head[5] << 8);
}

static void request_serve(struct client *c)
{
	struct fields f = {c->request, c->request + c->request_size, false};
	uint16_t flags = (uint16_t)(c->head[6] | c->head[7] << 8);
	uint32_t a, b;
	struct proc *p;
	const char *id;
	int rc;

	switch (kind_of(c)) {
	case REQ_ATTACH:
		request_attach(c, &shim.procs[0], flags, &f);
		break;
	case REQ_EXEC:
		request_exec(c, flags, &f);
		break;
	case REQ_ATTACH_EXEC:
		id = field_str(&f, NULL);
		request_attach(c, *id ? proc_find(id) : NULL, flags & ~ATTACH_PASSED, &f);
		break;
	case REQ_RESIZE:
		a = field_u32(&f);
		b = field_u32(&f);
		p = proc_find(field_str(&f, NULL));
		rc = f.bad || a > 65535 || b > 65535 ? -EINVAL : !p ? -ESRCH : proc_resize(p, a, b);
		request_drop(c);
		if (rc < 0)
			tell_error(c, rc, "resize", "");
		else
			tell_ok(c, p->pid);
		break;
	case REQ_SIGNAL:
		a = field_u32(&f);
		p = proc_find(field_str(&f, NULL));
		rc = f.bad ? -EINVAL : signal_send(p, a);
		request_drop(c);
		if (rc < 0)
			tell_error(c, rc, "signal", "");
		else
			tell_ok(c, p->pid);
		break;
	case REQ_WATCH:
		request_drop(c);
		request_watch(c);
		break;
	default:
		client_close(c);
		return;
	}
	if (c->state == CLIENT_REQUEST)
		request_drop(c);
}

/* As recv(2), and keeps the descriptor that comes along, if any does. */
static ssize_t request_receive(struct client *c, void *at, size_t want)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {at, want};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf};
	ssize_t n = RETRY(recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
		fd_close(&c->passed);
		memcpy(&c->passed, CMSG_DATA(h), sizeof c->passed);
	}
	return n;
}

/* Reads one request: never past its end, what follows may be the stream's. */
void request_read(struct client *c)
{
	uint8_t *at;
	size_t want;
	ssize_t n;

	if (c->have < sizeof c->head) {
		at = c->head + c->have;
		want = sizeof c->head - c->have;
	} else {
		at = c->request + (c->have - sizeof c->head);
		want = c->request_size + sizeof c->head - c->have;
	}
	n = request_receive(c, at, want);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->have += (uint32_t)n;
	if (c->have < sizeof c->head)
		return;
	if (c->have == sizeof c->head) {
		if (client_is_spare(c) && !c->watching && kind_of(c) != REQ_WATCH) {
			tell_error(c, EUSERS, "connect", "");
			if (c->state != CLIENT_FREE)
				client_finish(c);
			return;
		}
		c->request_size = le32(c->head);
		if (c->request_size > MAX_REQUEST) {
			client_close(c);
			return;
		}
		if (c->request_size > 0) {
			if (!request_make_room(c, c->request_size))
				client_close(c);
			return;
		}
	}
	if (c->have == c->request_size + sizeof c->head)
		request_serve(c);
}
