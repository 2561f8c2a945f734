/* What is told unasked, and to whom: the state when one begins to watch, then ends, starts and news of the log. */
#include "shim.h"
#include <sys/socket.h>
#include <unistd.h>

#define SNAPSHOT_MAX 65536
/* bytes; the kernel counts some 700 for each small message */
#define WATCHER_ROOM (4 << 20)

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

/* An exec is running until its end is told; then it is among those that have ended. */
static bool listed(const struct proc *p)
{
	return (p->state == PROC_RUNNING || p->state == PROC_EXITED) && !p->told;
}

static void starting_list(struct message *m)
{
	uint32_t n = 0;
	int k;

	for (k = 1; k < shim.procs_top; k++)
		n += shim.procs[k].state == PROC_STARTING;
	message_u32(m, n);
	for (k = 1; k < shim.procs_top; k++) {
		if (shim.procs[k].state == PROC_STARTING)
			message_str(m, shim.procs[k].id);
	}
}

void request_watch(struct client *c)
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
	starting_list(&m);
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
