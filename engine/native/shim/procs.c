/*
 * The processes the shim started and their streams.
 *
 * What is read from a pipe goes to the log at once and stays in the stream's buffer until every attached client has
 * got it; only then is the pipe read again. A slow client thus slows the container down, as Docker's does, and no memory
 * grows.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define BUF_SIZE (LINE_MAX_BYTES + CHUNK_MAX)
/* output counts as a burst from so many bytes within so long; then it is read so much later */
#define BURST_BYTES (16u << 10)
#define BURST_NS 1000000
#define BATCH_NS 200000
/* how long after a process's end its output is awaited from others that still hold the pipe */
#define DRAIN_MS 1000

static void stream_close(struct stream *s)
{
	fd_close(&s->fd);
}

static void stream_free(struct stream *s)
{
	stream_close(s);
	pages_free(s->buf, BUF_SIZE);
	memset(s, 0, sizeof *s);
	s->fd = -1;
}

static void proc_free(struct proc *p)
{
	stream_free(&p->out[0]);
	stream_free(&p->out[1]);
	fd_close(&p->in);
	fd_close(&p->sync);
	fd_close(&p->console);
	fd_close(&p->pidfd);
	pages_free(p->in_buf, STDIN_MAX);
	pages_free(p->ring, RING_SIZE);
	p->in_buf = p->ring = NULL;
	p->state = PROC_FREE;
	while (shim.procs_top > 1 && shim.procs[shim.procs_top - 1].state == PROC_FREE)
		shim.procs_top--;
}

static struct proc *proc_new(int from)
{
	int i;

	for (i = from; i < PROCS_MAX; i++) {
		struct proc *p = &shim.procs[i];

		if (p->state != PROC_FREE)
			continue;
		memset(p, 0, sizeof *p);
		p->pidfd = p->sync = p->console = p->in = p->out[0].fd = p->out[1].fd = p->starter = -1;
		if (i >= shim.procs_top)
			shim.procs_top = i + 1;
		return p;
	}
	return NULL;
}

struct proc *proc_find(const char *id)
{
	int i;

	for (i = 0; i < shim.procs_top; i++) {
		if (shim.procs[i].state != PROC_FREE && !strcmp(shim.procs[i].id, id))
			return &shim.procs[i];
	}
	return NULL;
}

static int nonblocking(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* Our ends go to the process's record, the child's into `child`. Only our ends do not block. */
static int pipes_make(struct proc *p, int child[3], bool input)
{
	int pair[2], i;

	for (i = 0; i < 2; i++) {
		p->out[i].buf = pages(BUF_SIZE);
		if (!p->out[i].buf)
			return -ENOMEM;
		if (p->tty)
			break; /* one stream, whose descriptor the child will send */
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -errno;
		p->out[i].fd = pair[0];
		child[i + 1] = pair[1];
		if (nonblocking(pair[0]) < 0)
			return -errno;
	}
	if (input || p->tty) {
		p->in_buf = pages(STDIN_MAX);
		if (!p->in_buf)
			return -ENOMEM;
	}
	if (input && !p->tty) {
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -errno;
		child[0] = pair[0];
		p->in = pair[1];
		return nonblocking(p->in);
	}
	return 0;
}

static void close_three(int fds[3])
{
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	fd_close(&fds[2]);
}

/* All later children are born in the container's pid namespace, so an exec takes one fork only. */
static int pidns_use(const struct plan *plan, int pidfd)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;

	if (pidfd >= 0)
		return plan->ns_new & CLONE_NEWPID && setns(pidfd, CLONE_NEWPID) < 0 ? -errno : 0;
	while (plan_next(plan, &offset, &r)) {
		int fd, rc = 0;

		if (r.type != REC_JOIN || field_u32(&r.fields) != CLONE_NEWPID)
			continue;
		fd = open(field_str(&r.fields, NULL), O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (setns(fd, CLONE_NEWPID) < 0)
			rc = -errno;
		close(fd);
		return rc;
	}
	return 0;
}

int proc_container(void)
{
	const struct plan *plan = &shim.plan;
	struct proc *p = proc_new(0);
	int child[3] = {-1, -1, -1}, rc;

	p->tty = plan->flags & LAUNCH_TTY;
	p->stdin_once = plan->flags & LAUNCH_STDIN_ONCE;
	p->rows = plan->rows;
	p->cols = plan->cols;
	shim.own_pidns = plan->ns_new & CLONE_NEWPID;
	/*
	 * A go-between is to count as the host does, so that the pid it tells is one, and so is another runtime, which would
	 * else be born inside
	 */
	rc = plan->userns || plan->runtime.n ? 0 : pidns_use(plan, -1);
	if (rc == 0)
		rc = pipes_make(p, child, plan->flags & LAUNCH_OPEN_STDIN);
	if (rc == 0)
		rc = plan->runtime.n ? runtime_launch(p, plan, child) : spawn_container(plan, child, &p->sync, &p->pidfd);
	close_three(child);
	if (rc < 0) {
		proc_free(p);
		return rc;
	}
	p->state = PROC_STARTING;
	if (plan->runtime.n)
		return 0;
	p->pid = rc;
	rc = pidns_use(plan, p->pidfd);
	if (rc == 0 && plan->userns)
		rc = pidns_use(plan, -1);
	/* gone already: what it reported is still to be read, and nothing will be executed beside it */
	return rc == -ESRCH ? 0 : rc;
}

int proc_exec(const struct plan *plan, int client, uint16_t flags, const char **step)
{
	const struct plan *all = &shim.plan;
	int child[3] = {-1, -1, -1}, rc;
	struct proc *p;

	*step = "read plan";
	if (!plan->id || !*plan->id || strlen(plan->id) > ID_MAX)
		return -EINVAL;
	*step = "exec in the container";
	if (shim.procs[0].state != PROC_RUNNING)
		return -ESRCH;
	if (proc_find(plan->id))
		return -EEXIST;
	p = proc_new(1);
	if (!p)
		return -EAGAIN;
	memcpy(p->id, plan->id, strlen(plan->id) + 1);
	p->tty = plan->flags & LAUNCH_TTY;
	p->stdin_once = !p->tty;
	p->rows = plan->rows;
	p->cols = plan->cols;
	*step = "start process";
	rc = pipes_make(p, child, flags & ATTACH_STDIN);
	if (rc == 0 && !all->runtime.n != !plan->runtime.n)
		rc = -EINVAL;
	if (rc == 0 && plan->runtime.n)
		rc = runtime_launch(p, plan, child);
	else if (rc == 0)
		rc = spawn_exec(plan, shim.procs[0].pidfd,
				((all->ns_new | all->ns_joined) & ~(uint32_t)CLONE_NEWPID) | CLONE_NEWNS |
					(all->userns ? CLONE_NEWUSER : 0),
				all, child, &p->sync, &p->pidfd);
	close_three(child);
	if (rc < 0) {
		proc_free(p);
		return rc;
	}
	p->pid = plan->runtime.n ? 0 : rc;
	p->state = PROC_STARTING;
	p->starter = client;
	p->announced = flags & ATTACH_PASSED;
	return (int)(p - shim.procs);
}

/* ------------------------------------------------------------------ start */

void proc_terminal(struct proc *p, struct msghdr *m)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	int fd;

	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(h), sizeof fd);
	p->in = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (p->in < 0 || nonblocking(fd) < 0)
		say("terminal", NULL, errno);
	p->out[0].fd = fd;
	if (p != shim.procs)
		p->ring = pages(RING_SIZE);
}

void proc_fail(struct proc *p, const char *step, int err)
{
	p->failed = true;
	p->error.err = err;
	p->error.step[put_text(p->error.step, sizeof p->error.step - 1, step)] = 0;
	p->error.path[0] = 0;
}

void proc_started(struct proc *p)
{
	fd_close(&p->sync);
	/* killed on the way: by the memory limit, say */
	if (!p->failed && !p->exec_seen)
		proc_fail(p, "start", EINTR);
	if (!p->failed) {
		p->state = PROC_RUNNING;
	} else if (p == shim.procs) {
		/* nobody will come to hear of what never ran */
		shim.hold = 0;
	}
	client_answer_start(p->starter, p);
	p->starter = -1;
}

/* Takes what the child has said so far. */
void proc_sync(struct proc *p)
{
	struct report report;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;

	while (p->sync >= 0) {
		struct iovec iov = {&report, sizeof report};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf};
		ssize_t n = RETRY(recvmsg(p->sync, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 && p->command) {
			fd_close(&p->sync); /* the runtime's own program now; its exit status tells the rest */
			return;
		}
		if (n <= 0) {
			proc_started(p);
			return;
		}
		switch (report.kind) {
		case REPORT_TTY:
			proc_terminal(p, &m);
			break;
		case REPORT_EXEC:
			p->exec_seen = true;
			break;
		case REPORT_ERROR:
			p->failed = true;
			p->error = report;
			p->error.step[sizeof p->error.step - 1] = 0;
			p->error.path[sizeof p->error.path - 1] = 0;
			break;
		}
	}
}

/* ------------------------------------------------------------------ output */

static void ring_put(struct proc *p, const uint8_t *data, size_t n)
{
	while (n > 0) {
		size_t at = p->ring_at % RING_SIZE, part = RING_SIZE - at < n ? RING_SIZE - at : n;

		memcpy(p->ring + at, data, part);
		p->ring_at += part;
		data += part;
		n -= part;
	}
}

/* Called when the last client has got the chunk: what the log still needs moves to the front. */
void stream_release(struct stream *s)
{
	s->have -= s->taken;
	if (s->have && s->taken)
		memmove(s->buf, s->buf + s->taken, s->have);
	s->taken = s->chunk = s->chunk_len = 0;
}

/* Output waits: for the start to be known, or for the clients that were announced with it. */
bool proc_held(const struct proc *p)
{
	return p->state == PROC_STARTING || (p == shim.procs && shim.hold > 0);
}

static bool logged(const struct proc *p)
{
	return p == shim.procs && shim.log.path;
}

/*
 * Who prints without a pause, in small writes, has it read in larger pieces: each costs a wake-up here, a write of the
 * log, and a wake-up of those who follow it. Half a pipe stays free for what comes meanwhile. A line after a silence,
 * and the echo of an input, are not kept waiting.
 */
static void batch(const struct proc *p, struct stream *s, size_t n)
{
	static const struct timespec pause = {0, BATCH_NS};
	struct timespec t;
	int64_t now;

	if (p->tty || p->in >= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	if (now - s->burst_ns > BURST_NS) {
		s->burst = now - s->burst_ns > 2 * BURST_NS ? 0 : s->burst / 2;
		s->burst_ns = now;
	}
	s->burst += (uint32_t)n;
	if (s->burst >= BURST_BYTES && n < CHUNK_MAX / 2)
		nanosleep(&pause, NULL);
}

void proc_read(struct proc *p, int stream)
{
	struct stream *s = &p->out[stream];
	ssize_t n;

	if (s->fd < 0 || s->waiting || proc_held(p))
		return;
	n = RETRY(read(s->fd, s->buf + s->have, CHUNK_MAX));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		/* EIO: the last one to hold the terminal has let go of it */
		stream_close(s);
		if (logged(p)) {
			log_lines(&shim.log, stream, s->buf, s->have, true);
			log_flush(&shim.log);
		}
		s->have = s->taken = 0;
		return;
	}
	s->chunk = s->have;
	s->chunk_len = (uint32_t)n;
	s->have += (uint32_t)n;
	if (logged(p)) {
		s->taken = (uint32_t)log_lines(&shim.log, stream, s->buf, s->have, false);
		log_flush(&shim.log);
	} else {
		s->taken = s->have;
	}
	if (p->ring)
		ring_put(p, s->buf + s->chunk, s->chunk_len);
	clients_chunk(p, stream);
	if (s->waiting == 0)
		stream_release(s);
	if (logged(p))
		batch(p, s, (size_t)n);
}

/* ------------------------------------------------------------------ input */

static void stdin_close(struct proc *p)
{
	fd_close(&p->in);
	p->in_len = p->in_off = 0;
}

void proc_write(struct proc *p)
{
	while (p->in >= 0 && p->in_off < p->in_len) {
		ssize_t n = RETRY(write(p->in, p->in_buf + p->in_off, p->in_len - p->in_off));

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			stdin_close(p); /* EPIPE, EIO: nobody reads any more */
			return;
		}
		p->in_off += (uint32_t)n;
	}
	p->in_off = p->in_len = 0;
	if (p->in_end)
		stdin_close(p);
}

/* No more input is coming. A terminal has no end of its own: its process would have to be told by a ^D. */
void proc_stdin_end(struct proc *p)
{
	if (p->tty)
		return;
	p->in_end = true;
	proc_write(p);
}

int proc_resize(struct proc *p, uint32_t rows, uint32_t cols)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

	if (!p->tty)
		return -ENOTTY;
	if (p->in < 0)
		return -ESRCH;
	return ioctl(p->in, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ end */

/*
 * Without a pid namespace of its own, what init leaves behind would live on: everything in the container's cgroup is
 * killed. Those who fork meanwhile are caught by the next call, from proc_settle.
 */
static void leftovers_kill(void)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;
	static char text[8192];

	if (shim.own_pidns)
		return;
	while (plan_next(&shim.plan, &offset, &r)) {
		ssize_t n, i;
		uint64_t pid = 0;
		int fd;

		if (r.type != REC_CGROUP)
			continue;
		field_u32(&r.fields);
		fd = open(field_str(&r.fields, NULL), O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		while ((n = RETRY(read(fd, text, sizeof text))) > 0) {
			for (i = 0; i < n; i++) {
				if (text[i] >= '0' && text[i] <= '9') {
					pid = pid * 10 + (uint64_t)(text[i] - '0');
					continue;
				}
				if (pid > 1 && (pid_t)pid != getpid())
					kill((pid_t)pid, SIGKILL);
				pid = 0;
			}
		}
		close(fd);
		return;
	}
}

static void ended_remember(const struct proc *p)
{
	struct ended *e = &shim.ended[shim.nended++ % ENDED_MAX];

	memcpy(e->id, p->id, sizeof e->id);
	e->pid = p->pid;
	e->code = p->code;
}

static void exec_tell_end(struct proc *p)
{
	if (p->told)
		return;
	p->told = true;
	ended_remember(p);
	clients_exited(p->id, p->pid, p->code, &p->ended);
}

static void proc_died(struct proc *p, int status)
{
	/* all it said is there now, also whether it ever started; what a killed go-between made may hold the socket still */
	proc_sync(p);
	if (p->sync >= 0 && p->state == PROC_STARTING && !p->command)
		proc_started(p);
	p->reaped = true;
	p->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	clock_gettime(CLOCK_REALTIME, &p->ended);
	/* a runtime's command that has started it is not over yet: what comes of the start is told first */
	if (!p->command)
		proc_over(p);
}

void proc_over(struct proc *p)
{
	p->drain_until = monotonic_ms() + DRAIN_MS;
	p->state = PROC_EXITED;
	/* what never ran has said nothing that a client could wait for */
	if (p->failed && p == shim.procs)
		shim.hold = 0;
	if (p == shim.procs)
		leftovers_kill();
	if (p->failed && p != shim.procs)
		proc_free(p);
}

static void reaped(pid_t pid, int status)
{
	int i;

	for (i = 0; i < shim.procs_top; i++) {
		struct proc *p = &shim.procs[i];

		if (p->state != PROC_FREE && !p->reaped && p->pid == pid)
			proc_died(p, status);
	}
}

void proc_reap(void)
{
	int status, i;
	pid_t pid;

	runtime_reap();
	/* a child that nobody knows may be what a command is making: it is kept until the command has told its number */
	if (runtime_busy()) {
		for (i = 0; i < shim.procs_top; i++) {
			pid = shim.procs[i].reaped ? 0 : shim.procs[i].pid;
			if (shim.procs[i].state != PROC_FREE && pid && waitpid(pid, &status, WNOHANG) > 0)
				reaped(pid, status);
		}
		return;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		reaped(pid, status);
}

/* Moves a process that has exited on to its end: all read, all passed on, all told. */
void proc_settle(struct proc *p)
{
	int64_t now = monotonic_ms();
	bool open = p->out[0].fd >= 0 || p->out[1].fd >= 0;

	if (proc_held(p)) {
		p->drain_until = now + DRAIN_MS;
		return;
	}
	if (p->out[0].waiting || p->out[1].waiting) {
		clients_drop_stalled(p, now);
		p->drain_until = now + DRAIN_MS;
		return;
	}
	if (open && p == shim.procs)
		leftovers_kill();
	if (open && now < p->drain_until)
		return;
	if (open && logged(p)) {
		int i;

		for (i = 0; i < 2; i++)
			log_lines(&shim.log, i, p->out[i].buf, p->out[i].have, true);
		log_flush(&shim.log);
	}
	stream_close(&p->out[0]);
	stream_close(&p->out[1]);
	stdin_close(p);
	/* told before its streams end: who sees those end asks for the exit code next */
	if (p != shim.procs)
		exec_tell_end(p);
	clients_stream_ended(p);
	if (clients_pending(p)) {
		clients_drop_stalled(p, now);
		return;
	}
	if (p == shim.procs)
		shim.ending = true;
	else
		proc_free(p);
}

/* The container is over: the ends of execs that went before it are told before its own. */
void execs_tell_ends(void)
{
	int i;

	for (i = 1; i < shim.procs_top; i++) {
		if (shim.procs[i].state == PROC_EXITED)
			exec_tell_end(&shim.procs[i]);
	}
}

/* Then what they printed last goes to who still reads it; false when all have it, or have had time enough. */
bool execs_settle(void)
{
	bool some = false;
	int i;

	for (i = shim.procs_top - 1; i > 0; i--) {
		if (shim.procs[i].state == PROC_EXITED)
			proc_settle(&shim.procs[i]);
		some |= shim.procs[i].state == PROC_EXITED;
	}
	return some;
}
