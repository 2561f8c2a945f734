/* Who gets a process's streams: by an attach, or by an exec, whose answer comes once it has started. */
#include "shim.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* how long output waits at most for a client to have read the head of its answer */
#define HEAD_MS 2000

/* A connection on which nothing was sent yet takes so little at once. */
static void greet(struct client *c)
{
	if (!c->greeting_length)
		return;
	if (send(c->fd, c->greeting, c->greeting_length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)c->greeting_length)
		c->hup = true;
	c->head_until = monotonic_ms() + HEAD_MS;
}

static void stream_begin(struct client *c, struct proc *p, uint16_t flags)
{
	c->state = CLIENT_STREAM;
	c->proc = (int)(p - shim.procs);
	/*
	 * A terminal's output is all stdout, as with Docker: who asks for stderr alone gets nothing, or clients that attach
	 * to each stream by a connection of its own (dockerpty) would show everything twice.
	 */
	c->flags = (uint8_t)(flags & (ATTACH_STDIN | ATTACH_STDOUT | ATTACH_STDERR));
	request_drop(c);
}

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
	if (client_is_spare(s) || length > GREETING_MAX) {
		client_close(s);
		return NULL;
	}
	memcpy(s->greeting, greeting, length);
	s->greeting_length = length;
	return s;
}

void request_attach(struct client *asking, struct proc *p, uint16_t flags, struct fields *f)
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
	if (c != asking) {
		/* an engine that does not hear this answers the client itself */
		tell_ok(asking, p->pid);
		if (asking->state == CLIENT_FREE) {
			client_close(c);
			return;
		}
		greet(c);
	}
	stream_begin(c, p, flags);
	if (p == shim.procs && shim.hold > 0)
		shim.hold--;
	if (p->ring && c->flags & ATTACH_STDOUT && p->ring_at) {
		c->replay = p->ring_at > RING_SIZE ? p->ring_at - RING_SIZE : 0;
		c->replay_end = p->ring_at;
		c->replaying = true;
		p->out[0].waiting++; /* or new output would overwrite what is being replayed */
	}
	if (c == asking)
		tell_ok(asking, p->pid);
}

void request_exec(struct client *asking, uint16_t flags, struct fields *f)
{
	const char *step = "connect";
	struct client *c = stream_client(asking, flags, f);
	struct plan plan;
	int rc = plan_parse(&plan, f->at, (size_t)(f->end - f->at));

	if (rc < 0)
		step = "read plan";
	else
		rc = c ? proc_exec(&plan, client_index(c), flags, &step) : -EUSERS;
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
	if (c->state == CLIENT_FREE)
		proc_stdin_end(p); /* it has left, unheard as yet */
}
