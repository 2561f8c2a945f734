/* What the shim waits for, and what is then done: its processes, their streams, and who is connected. */
#include "shim.h"
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RELAX_MS 500
#define HOLD_MS 3000

enum watched { ON_LISTENER, ON_SIGNALS, ON_SYNC, ON_CONSOLE, ON_OUT, ON_ERR, ON_IN, ON_CLIENT };

static struct pollfd polled[2 + PROCS_MAX * 5 + CLIENTS_MAX];
static struct {
	uint8_t what;
	uint16_t index;
} about[2 + PROCS_MAX * 5 + CLIENTS_MAX];

static nfds_t want(nfds_t n, int fd, short events, enum watched what, int index)
{
	polled[n].fd = fd;
	polled[n].events = events;
	polled[n].revents = 0;
	about[n].what = (uint8_t)what;
	about[n].index = (uint16_t)index;
	return n + 1;
}

static nfds_t want_proc(nfds_t n, int index)
{
	struct proc *p = &shim.procs[index];
	int i;

	/* its end, by the exec or by a death, comes right behind what it says: a child of ours is heard once, then */
	if (p->sync >= 0)
		n = want(n, p->sync, shim.plan.runtime.n ? POLLIN : 0, ON_SYNC, index);
	if (p->console >= 0)
		n = want(n, p->console, POLLIN, ON_CONSOLE, index);
	for (i = 0; i < 2; i++) {
		if (p->out[i].fd >= 0 && !p->out[i].waiting && !proc_held(p))
			n = want(n, p->out[i].fd, POLLIN, i ? ON_ERR : ON_OUT, index);
	}
	if (p->in >= 0 && p->in_len)
		n = want(n, p->in, POLLOUT, ON_IN, index);
	return n;
}

static nfds_t want_client(nfds_t n, int index)
{
	struct client *c = &shim.clients[index];
	short events = 0;

	if (c->state == CLIENT_REQUEST || c->state == CLIENT_LINGER)
		events = POLLIN;
	if (c->state == CLIENT_STREAM) {
		struct proc *p = &shim.procs[c->proc];

		if (c->flags & ATTACH_STDIN && !c->in_done && (p->in < 0 || p->in_end || !p->in_len))
			events |= POLLIN;
		if ((c->pending || c->replaying) && !c->head_until)
			events |= POLLOUT;
		/* hung up, with input that the process is not ready for: POLLHUP would come for ever */
		if (c->hup && !events && c->flags & ATTACH_STDIN && !c->in_done)
			return n;
	}
	return want(n, c->fd, events, ON_CLIENT, index);
}

static void client_event(struct client *c, short revents)
{
	if (c->state == CLIENT_FREE)
		return;
	if (revents & POLLOUT)
		client_writable(c);
	if (revents & POLLIN)
		client_readable(c);
	if (c->state == CLIENT_FREE || !(revents & (POLLHUP | POLLERR)))
		return;
	if (c->state == CLIENT_STREAM && c->flags & ATTACH_STDIN && !c->in_done && shim.procs[c->proc].in >= 0) {
		c->hup = true; /* what it wrote before it left is still to be read */
		return;
	}
	if (!(revents & POLLIN))
		client_close(c);
}

static void event(nfds_t i)
{
	int index = about[i].index;
	struct proc *p = &shim.procs[index < PROCS_MAX ? index : 0];

	switch ((enum watched)about[i].what) {
	case ON_LISTENER:
		clients_accept();
		break;
	case ON_SIGNALS: {
		struct signalfd_siginfo info;

		while (read(shim.signals, &info, sizeof info) > 0)
			;
		break;
	}
	case ON_SYNC:
		proc_sync(p);
		break;
	case ON_CONSOLE:
		runtime_console(p);
		break;
	case ON_OUT:
	case ON_ERR:
		if (p->state != PROC_FREE)
			proc_read(p, about[i].what == ON_ERR);
		break;
	case ON_IN:
		if (p->state != PROC_FREE)
			proc_write(p);
		break;
	case ON_CLIENT:
		client_event(&shim.clients[index], polled[i].revents);
		break;
	}
}

/* Gives back what a burst has touched, once it is over. */
static void relax(void)
{
	int i, k;

	log_relax(&shim.log);
	clients_relax();
	for (i = 0; i < shim.procs_top; i++) {
		struct proc *p = &shim.procs[i];

		for (k = 0; k < 2; k++) {
			if (p->out[k].buf && !p->out[k].have)
				madvise(p->out[k].buf, LINE_MAX_BYTES + CHUNK_MAX, MADV_DONTNEED);
		}
		if (p->in_buf && !p->in_len)
			madvise(p->in_buf, STDIN_MAX, MADV_DONTNEED);
	}
}

static int timeout(bool busy, bool heads)
{
	int i;

	if (heads)
		return 1;

	for (i = 0; i < shim.procs_top; i++) {
		if (shim.procs[i].state == PROC_EXITED)
			return 20;
	}
	if (shim.hold > 0)
		return 100;
	if (clients_short())
		return clients_short();
	if (clients_linger(monotonic_ms()))
		return 200;
	return busy ? RELAX_MS : -1;
}

void turn(void)
{
	static bool busy = true;
	bool heads = clients_heads();
	nfds_t n = 0, i;
	int k, ready;

	/* who comes early waits in the backlog, and is turned away if nothing is started */
	if (shim.listener >= 0 && shim.procs[0].state != PROC_STARTING && !shim.procs[0].failed && clients_have_room())
		n = want(n, shim.listener, POLLIN, ON_LISTENER, 0);
	n = want(n, shim.signals, POLLIN, ON_SIGNALS, 0);
	for (k = 0; k < shim.procs_top; k++) {
		if (shim.procs[k].state != PROC_FREE)
			n = want_proc(n, k);
	}
	for (k = 0; k < shim.clients_top; k++) {
		if (shim.clients[k].state != CLIENT_FREE)
			n = want_client(n, k);
	}
	ready = poll(polled, n, timeout(busy, heads));
	if (ready < 0 && errno != EINTR)
		say("poll", NULL, errno);
	if (ready == 0 && busy && !heads) {
		relax();
		busy = false;
	} else if (ready > 0) {
		busy = true;
	}
	for (i = 0; i < n && ready > 0; i++) {
		if (polled[i].revents)
			event(i);
	}
}

void loop(void)
{
	int k;

	while (!shim.ending) {
		turn();
		/* after what was there to read: an exec's answer goes out before its end does */
		proc_reap();
		if (shim.status >= 0 && shim.procs[0].state != PROC_STARTING) {
			clients_adopt(shim.status);
			shim.status = -1;
			shim.hold_until = monotonic_ms() + HOLD_MS;
		}
		if (shim.hold > 0 && shim.hold_until && monotonic_ms() > shim.hold_until)
			shim.hold = 0; /* they, or the engine, have gone away */
		for (k = shim.procs_top - 1; k >= 0; k--) {
			if (shim.procs[k].state == PROC_EXITED)
				proc_settle(&shim.procs[k]);
		}
	}
}
