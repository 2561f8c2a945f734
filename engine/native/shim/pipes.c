/*
 * A process's output and input, by pipes or a terminal.
 *
 * What is read from a pipe goes to the log at once and stays in the stream's buffer until every attached client has
 * got it; only then is the pipe read again. A slow client thus slows the container down, as Docker's does, and no memory
 * grows.
 */
#include "shim.h"
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BUF_SIZE (LINE_MAX_BYTES + CHUNK_MAX)
/* output counts as a burst from so many bytes within so long; then it is read so much later */
#define BURST_BYTES (16u << 10)
#define BURST_NS 1000000
#define BATCH_NS 200000

/* Our ends go to the process's record, the child's into `child`. Only our ends do not block. */
int pipes_make(struct proc *p, int child[3], bool input)
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
		if (fd_nonblocking(pair[0]) < 0)
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
		return fd_nonblocking(p->in);
	}
	return 0;
}

static void stream_free(struct stream *s)
{
	fd_close(&s->fd);
	pages_free(s->buf, BUF_SIZE);
	memset(s, 0, sizeof *s);
	s->fd = -1;
}

void pipes_free(struct proc *p)
{
	stream_free(&p->out[0]);
	stream_free(&p->out[1]);
	fd_close(&p->in);
	pages_free(p->in_buf, STDIN_MAX);
	pages_free(p->ring, RING_SIZE);
	p->in_buf = p->ring = NULL;
}

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
		fd_close(&s->fd);
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

/* Nothing more is read, written or awaited: what is left of a line is one. */
void pipes_close(struct proc *p)
{
	int i;

	if (pipes_open(p) && logged(p)) {
		for (i = 0; i < 2; i++)
			log_lines(&shim.log, i, p->out[i].buf, p->out[i].have, true);
		log_flush(&shim.log);
	}
	fd_close(&p->out[0].fd);
	fd_close(&p->out[1].fd);
	stdin_close(p);
}

bool pipes_open(const struct proc *p)
{
	return p->out[0].fd >= 0 || p->out[1].fd >= 0;
}
