/* What attached clients get and give: chunks of output, the replay of a terminal, input. */
#include "shim.h"
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* how long a client may take nothing once the process it watches is over */
#define STALL_MS 3000

static void chunk_done(struct client *c, int stream)
{
	struct stream *s = &shim.procs[c->proc].out[stream];

	if (--s->waiting == 0)
		stream_release(s);
}

/* It gets nothing more; its share of what the pipe waits for is given back. */
void output_drop(struct client *c)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (c->pending & (1 << i))
			chunk_done(c, i);
	}
	if (c->replaying)
		chunk_done(c, 0);
	c->replaying = false;
	c->pending = 0;
	c->current = -1;
	c->flags &= ATTACH_STDIN;
}

void stdin_read(struct client *c)
{
	struct proc *p = &shim.procs[c->proc];
	ssize_t n;

	if (p->in < 0 || p->in_end) {
		/* nobody reads it: Docker, too, takes and drops it */
		static char sink[512];

		n = RETRY(recv(c->fd, sink, sizeof sink, MSG_DONTWAIT));
	} else {
		if (p->in_len)
			return;
		n = RETRY(recv(c->fd, p->in_buf, STDIN_MAX, MSG_DONTWAIT));
		if (n > 0) {
			p->in_off = 0;
			p->in_len = (uint32_t)n;
			proc_write(p);
		}
	}
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	c->in_done = true;
	/*
	 * As Docker: the end of an attach's input closes the process's when it was asked to live by one client's input
	 * (StdinOnce, and every exec); else the client is simply through.
	 */
	if (p->stdin_once && !p->tty) {
		proc_stdin_end(p);
	} else if (!(c->flags & (ATTACH_STDOUT | ATTACH_STDERR)) || !(c->pending || c->replaying)) {
		client_close(c);
		return;
	} else {
		c->ending = true;
	}
	if (n < 0 || c->hup)
		client_close(c);
}

static ssize_t replay_send(struct client *c, struct proc *p)
{
	size_t at = c->replay % RING_SIZE, n = RING_SIZE - at;

	if (n > c->replay_end - c->replay)
		n = (size_t)(c->replay_end - c->replay);
	return send(c->fd, p->ring + at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One send of what remains of the frame: `[u8 1 or 2, 0, 0, 0, u32be length]` and the chunk; with a tty the chunk. */
static ssize_t frame_send(struct client *c, struct proc *p, uint32_t *total)
{
	struct stream *s = &p->out[c->current];
	uint32_t n = s->chunk_len, head = p->tty ? 0 : 8, skip;
	uint8_t header[8] = {(uint8_t)(c->current + 1), 0, 0, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
	struct iovec iov[2];
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 0};

	*total = head + n;
	if (c->sent < head)
		iov[m.msg_iovlen++] = (struct iovec){header + c->sent, head - c->sent};
	skip = c->sent > head ? c->sent - head : 0;
	iov[m.msg_iovlen++] = (struct iovec){s->buf + s->chunk + skip, n - skip};
	return sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * Whether output has to wait. There are clients (Python's docker among them) that read the head of their answer with all
 * that has come behind it, and then go on with what comes next: what was sent too early would be lost on them.
 */
static bool head_unread(struct client *c)
{
	int unread = 0;

	if (!c->head_until)
		return false;
	/* over TCP: what the other host has not got */
	if (ioctl(c->fd, SIOCOUTQ, &unread) == 0 && unread > 0 && monotonic_ms() < c->head_until)
		return true;
	c->head_until = 0;
	return false;
}

/* Nothing tells that a client has read: those with output that waits for it are looked at. True while there are any. */
bool clients_heads(void)
{
	bool some = false;
	int i;

	for (i = 0; i < shim.clients_top; i++) {
		struct client *c = &shim.clients[i];

		if (c->state != CLIENT_STREAM || !c->head_until || !(c->pending || c->replaying))
			continue;
		client_writable(c);
		some |= c->state == CLIENT_STREAM && c->head_until;
	}
	return some;
}

void client_writable(struct client *c)
{
	if (head_unread(c))
		return;
	while (c->state == CLIENT_STREAM && (c->replaying || c->pending)) {
		struct proc *p = &shim.procs[c->proc];
		uint32_t total = 0;
		ssize_t n;

		if (c->replaying) {
			n = replay_send(c, p);
		} else {
			if (c->current < 0) {
				c->current = c->pending & 1 ? 0 : 1;
				c->sent = 0;
			}
			n = frame_send(c, p, &total);
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (!c->stalled_since)
				c->stalled_since = monotonic_ms();
			return;
		}
		if (n < 0) {
			/* it may have left its input behind */
			c->hup = true;
			output_drop(c);
			break;
		}
		c->stalled_since = 0;
		if (c->replaying) {
			c->replay += (uint64_t)n;
			if (c->replay == c->replay_end) {
				c->replaying = false;
				chunk_done(c, 0);
			}
			continue;
		}
		c->sent += (uint32_t)n;
		if (c->sent == total) {
			int stream = c->current;

			c->pending &= (uint8_t)~(1 << stream);
			c->current = -1;
			chunk_done(c, stream);
		}
	}
	if (c->state == CLIENT_STREAM && !c->pending && !c->replaying && c->ending)
		client_finish(c);
}

/* A chunk has been read: everyone who wants it is sent it, those who cannot take it all now keep the pipe waiting. */
void clients_chunk(struct proc *p, int stream)
{
	int index = (int)(p - shim.procs), i;

	/* counted before anything is sent: the first to be done must not release it */
	p->out[stream].waiting++;
	for (i = 0; i < shim.clients_top; i++) {
		struct client *c = &shim.clients[i];

		if (c->state != CLIENT_STREAM || c->proc != index || c->ending || c->hup || !(c->flags & (ATTACH_STDOUT << stream)))
			continue;
		c->pending |= (uint8_t)(1 << stream);
		p->out[stream].waiting++;
		client_writable(c);
	}
	p->out[stream].waiting--;
}

void clients_stream_ended(struct proc *p)
{
	int index = (int)(p - shim.procs), i;

	for (i = 0; i < shim.clients_top; i++) {
		struct client *c = &shim.clients[i];

		if (c->state != CLIENT_STREAM || c->proc != index)
			continue;
		c->ending = true;
		if (!c->pending && !c->replaying)
			client_finish(c);
	}
}

bool clients_pending(const struct proc *p)
{
	int index = (int)(p - shim.procs), i;

	for (i = 0; i < shim.clients_top; i++) {
		if (shim.clients[i].state == CLIENT_STREAM && shim.clients[i].proc == index)
			return true;
	}
	return false;
}

void clients_drop_stalled(const struct proc *p, int64_t now)
{
	int index = (int)(p - shim.procs), i;

	for (i = 0; i < shim.clients_top; i++) {
		struct client *c = &shim.clients[i];

		if (c->state == CLIENT_STREAM && c->proc == index && c->stalled_since && now - c->stalled_since > STALL_MS)
			client_close(c);
	}
}
