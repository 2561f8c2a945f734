/* The engine's connections: requests, watchers, and attached streams. A garbage client is closed, never trusted. */
#include "shim.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* how long a client may take nothing once the process it watches is over */
#define STALL_MS 3000
/* how long a client that got its last byte may take to close */
#define LINGER_MS 5000
#define SNAPSHOT_MAX 65536
/* bytes; the kernel counts some 700 for each small message */
#define WATCHER_ROOM (4 << 20)
/* slots in which those beyond the others are told that there are too many */
#define SPARE 8

static void tell_error(struct client *c, int err, const char *step, const char *path);

static int index_of(const struct client *c)
{
	return (int)(c - shim.clients);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Giving memory back right after a fork is dear: the tables are shared with the child, the other processors are asked. */
static void request_drop(struct client *c)
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

static void request_free(struct client *c)
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

static void chunk_done(struct client *c, int stream)
{
	struct stream *s = &shim.procs[c->proc].out[stream];

	if (--s->waiting == 0)
		stream_release(s);
}

/* It gets nothing more; its share of what the pipe waits for is given back. */
static void output_drop(struct client *c)
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

void client_close(struct client *c)
{
	int i;

	if (c->state == CLIENT_FREE)
		return;
	if (c->state == CLIENT_STREAM)
		output_drop(c);
	for (i = 0; i < shim.procs_top; i++) {
		if (shim.procs[i].starter == index_of(c))
			shim.procs[i].starter = -1;
	}
	request_free(c);
	fd_close(&c->passed);
	fd_close(&c->fd);
	c->state = CLIENT_FREE;
	while (shim.clients_top > 0 && shim.clients[shim.clients_top - 1].state == CLIENT_FREE)
		shim.clients_top--;
}

/*
 * The client has got its last byte. Closing now would make an error of what it may still be writing, and an error can
 * cost it bytes that it has not read: so it is told the end, and the socket closed when it closes.
 */
static void client_finish(struct client *c)
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

static struct client *client_new(int fd)
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

void clients_accept(void)
{
	int fd = accept4(shim.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	/* it went away again, or descriptors are short: the next poll tries anew */
	if (fd < 0)
		return;
	c = client_new(fd);
	if (!c)
		return;
	if (index_of(c) < CLIENTS_MAX - SPARE) {
		/* most ask with the same breath */
		client_readable(c);
		return;
	}
	tell_error(c, EUSERS, "connect", "");
	if (c->state != CLIENT_FREE)
		client_finish(c);
}

/* What is pushed waits here while the engine is busy: thousands of execs' ends, in place of some hundred. */
static void watch(struct client *c)
{
	int room = WATCHER_ROOM;

	/* without the power to go beyond the host's limit it has what that gives */
	if (!c->watching && setsockopt(c->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0)
		setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	c->watching = true;
}

/* The socket that came with the launch is the first watcher's. */
void clients_adopt(int fd)
{
	struct client *c = client_new(fd);

	if (c)
		watch(c);
}

/* ------------------------------------------------------------------ answers */

/* Small, towards a peer that reads; one who does not is let go, it can ask again. */
static void tell(struct client *c, struct message *m)
{
	message_end(m);
	if (m->full || send(c->fd, m->buf, m->len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)m->len)
		client_close(c);
}

static void tell_ok(struct client *c, pid_t pid)
{
	uint8_t buf[16];
	struct message m;

	message_begin(&m, buf, sizeof buf, SAY_OK);
	message_u32(&m, (uint32_t)pid);
	tell(c, &m);
}

static void error_message(struct message *m, uint8_t *buf, uint32_t max, int err, const char *step, const char *path)
{
	message_begin(m, buf, max, SAY_ERROR);
	message_u32(m, (uint32_t)(err < 0 ? -err : err));
	message_str(m, step);
	message_str(m, path);
}

static void tell_error(struct client *c, int err, const char *step, const char *path)
{
	uint8_t buf[600];
	struct message m;

	error_message(&m, buf, sizeof buf, err, step, path);
	tell(c, &m);
}

/* A connection on which nothing was sent yet takes so little at once. */
static void greet(struct client *c)
{
	if (c->greeting_length && send(c->fd, c->greeting, c->greeting_length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)c->greeting_length)
		c->hup = true;
}

static void stream_begin(struct client *c, struct proc *p, uint16_t flags)
{
	c->state = CLIENT_STREAM;
	c->proc = (int)(p - shim.procs);
	c->flags = (uint8_t)(flags & (ATTACH_STDIN | ATTACH_STDOUT | ATTACH_STDERR));
	/* a terminal has one stream, whichever was asked for */
	if (p->tty && c->flags & ATTACH_STDERR)
		c->flags |= ATTACH_STDOUT;
	request_drop(c);
}

/* The status pipe for the container, the asking client for an exec. */
void client_answer_start(int client, struct proc *p)
{
	uint8_t buf[600];
	struct message m;
	struct client *c;

	if (p == shim.procs) {
		if (p->failed) {
			error_message(&m, buf, sizeof buf, p->error.err, p->error.step, p->error.path);
		} else {
			message_begin(&m, buf, sizeof buf, SAY_OK);
			message_u32(&m, (uint32_t)p->pid);
		}
		message_end(&m);
		/* EPIPE: the engine died meanwhile; it will find us by our socket */
		if (write(shim.status, buf, m.len) < 0)
			say("engine is gone", NULL, errno);
		return;
	}
	if (p->announced && p->failed)
		clients_started(p->id, 0, p->error.err, p->error.step, p->error.path);
	else if (p->announced)
		clients_started(p->id, p->pid, 0, "", "");
	if (client < 0) {
		/* who was to write it has left meanwhile */
		if (p->announced)
			proc_stdin_end(p);
		return;
	}
	c = &shim.clients[client];
	if (p->announced) {
		/* the engine has the connection still, to say why */
		if (p->failed) {
			client_close(c);
			return;
		}
		greet(c);
		stream_begin(c, p, c->flags);
		return;
	}
	if (p->failed) {
		c->state = CLIENT_REQUEST;
		tell_error(c, p->error.err, p->error.step, p->error.path);
		return;
	}
	if (c->flags)
		stream_begin(c, p, c->flags);
	else
		c->state = CLIENT_REQUEST;
	tell_ok(c, p->pid);
}

/* An exec is running until its end is told; then it is among those that have ended. */
static bool listed(const struct proc *p)
{
	return (p->state == PROC_RUNNING || p->state == PROC_EXITED) && !p->told;
}

static void snapshot(struct client *c)
{
	uint8_t *buf = pages(SNAPSHOT_MAX);
	uint32_t n = 0, first, i;
	struct message m;
	int k;

	if (!buf) {
		client_close(c);
		return;
	}
	message_begin(&m, buf, SNAPSHOT_MAX, SAY_SNAPSHOT);
	message_u32(&m, (uint32_t)shim.procs[0].pid);
	message_u32(&m, (uint32_t)getpid());
	message_str(&m, shim.plan.exit_path);
	for (k = 1; k < shim.procs_top; k++)
		n += listed(&shim.procs[k]);
	first = shim.nended > ENDED_MAX ? shim.nended - ENDED_MAX : 0;
	message_u32(&m, n + shim.nended - first);
	for (i = first; i < shim.nended; i++) {
		const struct ended *e = &shim.ended[i % ENDED_MAX];

		message_str(&m, e->id);
		message_u32(&m, (uint32_t)e->pid);
		message_u32(&m, 0);
		message_u32(&m, (uint32_t)e->code);
	}
	for (k = 1; k < shim.procs_top; k++) {
		const struct proc *p = &shim.procs[k];

		if (!listed(p))
			continue;
		message_str(&m, p->id);
		message_u32(&m, (uint32_t)p->pid);
		message_u32(&m, 1);
		message_u32(&m, 0);
	}
	message_u32(&m, FEATURE_PASSED);
	watch(c);
	tell(c, &m);
	pages_free(buf, SNAPSHOT_MAX);
}

static void push(struct message *m)
{
	int i;

	message_end(m);
	for (i = 0; i < shim.clients_top; i++) {
		struct client *c = &shim.clients[i];

		if (c->state != CLIENT_FREE && c->watching)
			tell(c, m);
	}
}

void clients_log(uint32_t news, int err, uint64_t lost)
{
	uint8_t buf[32];
	struct message m;

	message_begin(&m, buf, sizeof buf, SAY_LOG);
	message_u32(&m, news);
	message_u32(&m, (uint32_t)(err < 0 ? -err : err));
	message_u64(&m, lost);
	push(&m);
}

void clients_exited(const char *id, pid_t pid, int code, const struct timespec *at)
{
	uint8_t buf[120];
	struct message m;

	message_begin(&m, buf, sizeof buf, SAY_EXITED);
	message_str(&m, id);
	message_u32(&m, (uint32_t)pid);
	message_u32(&m, (uint32_t)code);
	message_u64(&m, (uint64_t)at->tv_sec);
	message_u32(&m, (uint32_t)at->tv_nsec);
	push(&m);
}

void clients_started(const char *id, pid_t pid, int err, const char *step, const char *path)
{
	uint8_t buf[700];
	struct message m;

	message_begin(&m, buf, sizeof buf, SAY_STARTED);
	message_str(&m, id);
	message_u32(&m, (uint32_t)pid);
	message_u32(&m, (uint32_t)(err < 0 ? -err : err));
	message_str(&m, step);
	message_str(&m, path);
	push(&m);
}

/* ------------------------------------------------------------------ requests */

/* Who gets the stream: who asks, or a client of its own for the descriptor that came along. NULL: there are too many. */
static struct client *stream_client(struct client *c, uint16_t flags, struct fields *f)
{
	const char *greeting;
	uint32_t length;
	struct client *s;

	if (!(flags & ATTACH_PASSED))
		return c;
	greeting = field_str(f, &length);
	s = c->passed < 0 ? NULL : client_new(c->passed);
	c->passed = -1;
	if (!s)
		return NULL;
	if (index_of(s) >= CLIENTS_MAX - SPARE || length > GREETING_MAX) {
		client_close(s);
		return NULL;
	}
	memcpy(s->greeting, greeting, length);
	s->greeting_length = length;
	return s;
}

static void attach(struct client *asking, struct proc *p, uint16_t flags, struct fields *f)
{
	struct client *c;

	if (!p || p->state == PROC_FREE || p->state == PROC_STARTING) {
		fd_close(&asking->passed);
		tell_error(asking, ESRCH, "attach", "");
		return;
	}
	c = stream_client(asking, flags, f);
	if (!c) {
		tell_error(asking, EUSERS, "connect", "");
		return;
	}
	if (c != asking)
		greet(c);
	stream_begin(c, p, flags);
	if (p == shim.procs && shim.hold > 0)
		shim.hold--;
	if (p->ring && flags & (ATTACH_STDOUT | ATTACH_STDERR) && p->ring_at) {
		c->replay = p->ring_at > RING_SIZE ? p->ring_at - RING_SIZE : 0;
		c->replay_end = p->ring_at;
		c->replaying = true;
		p->out[0].waiting++; /* or new output would overwrite what is being replayed */
	}
	tell_ok(asking, p->pid);
}

static void exec_start(struct client *asking, uint16_t flags, struct fields *f)
{
	const char *step = "connect";
	struct client *c = stream_client(asking, flags, f);
	struct plan plan;
	int rc = plan_parse(&plan, f->at, (size_t)(f->end - f->at));

	if (rc < 0)
		step = "read plan";
	else
		rc = c ? proc_exec(&plan, index_of(c), flags, &step) : -EUSERS;
	if (rc >= 0) {
		c->state = CLIENT_STARTING;
		c->flags = (uint8_t)(flags & (ATTACH_STDIN | ATTACH_STDOUT | ATTACH_STDERR));
	} else if (c != asking) {
		if (c)
			client_close(c);
		clients_started(plan.id ? plan.id : "", 0, rc, step, "");
	}
	request_drop(asking);
	if (rc < 0 && c == asking)
		tell_error(asking, rc, step, "");
}

static int signal_send(struct proc *p, uint32_t signal)
{
	/* not reaped, so the number cannot have become another process's */
	if (!p || p->reaped || p->state == PROC_FREE || p->state == PROC_STARTING)
		return -ESRCH;
	return signal > 64 ? -EINVAL : kill(p->pid, (int)signal) < 0 ? -errno : 0;
}

static void request_serve(struct client *c)
{
	struct fields f = {c->request, c->request + c->request_size, false};
	uint16_t kind = (uint16_t)(c->head[4] | c->head[5] << 8), flags = (uint16_t)(c->head[6] | c->head[7] << 8);
	uint32_t a, b;
	struct proc *p;
	const char *id;
	int rc;

	switch (kind) {
	case REQ_ATTACH:
		attach(c, &shim.procs[0], flags, &f);
		break;
	case REQ_EXEC:
		exec_start(c, flags, &f);
		break;
	case REQ_ATTACH_EXEC:
		id = field_str(&f, NULL);
		attach(c, *id ? proc_find(id) : NULL, flags & ~ATTACH_PASSED, &f);
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
		snapshot(c);
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
static void request_read(struct client *c)
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

/* ------------------------------------------------------------------ streams */

static void stdin_read(struct client *c)
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

void client_writable(struct client *c)
{
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
