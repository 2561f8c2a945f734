/*
 * With a buffer (mode=non-blocking) the file is written by another process of ours, so that a disk that is slow, or frozen,
 * holds nobody up:
 *
 *   shim    -> writer   objects, some to a message; one for which the socket has no room is lost, see log-loss.c
 *   shim    <- writer   struct told: what the shim tells its watchers; heard with the next output
 *   shim   end writer   at the end of all output; the writer ends when everything is in the file, and the shim then
 */
#include "log.h"
#include "kernel.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_MIN (256u << 10)

_Noreturn static void writer(struct log *l, int from_shim)
{
	static uint8_t message[MESSAGE_SIZE + OBJECT_MAX + ATTRS_MAX];
	ssize_t n;

	/* nothing else is held open: whoever talks to the shim is to see its end */
	if (dup2(from_shim, STDIN_FILENO) < 0 || dup2(l->fd, STDOUT_FILENO) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0) < 0)
		_exit(1);
	l->fd = STDOUT_FILENO;
	l->is_writer = true;
	while ((n = RETRY(read(STDIN_FILENO, message, sizeof message))) > 0) {
		const uint8_t *at = message, *end = message + n;

		while (at < end) {
			const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
			size_t object = newline ? (size_t)(newline + 1 - at) : (size_t)(end - at);

			log_room(l);
			memcpy(l->out + l->out_len, at, object);
			l->out_len += (uint32_t)object;
			at += object;
		}
		log_flush(l);
	}
	log_close(l);
	_exit(0);
}

int log_writer_start(struct log *l, uint32_t buffer)
{
	int pair[2], size = (int)(buffer > BUFFER_MIN ? buffer : BUFFER_MIN);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0 || fd_nonblocking(pair[0]) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		writer(l, pair[1]);
	close(pair[1]);
	close(l->fd);
	l->fd = pair[0];
	l->detached = true;
	return 0;
}

struct told {
	uint32_t news;
	int32_t err;
	uint64_t lost;
};

void log_tell(struct log *l, uint32_t news, int err, uint64_t lost)
{
	struct told t = {news, err, lost};

	if (!l->is_writer)
		clients_log(news, err, lost);
	else if (send(STDIN_FILENO, &t, sizeof t, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		say("news of the log are lost", l->path, errno);
}

void log_hear(struct log *l, bool end)
{
	struct told t;

	while (l->detached && RETRY(recv(l->fd, &t, sizeof t, end ? 0 : MSG_DONTWAIT)) == (ssize_t)sizeof t) {
		clients_log(t.news, t.err, t.lost);
		l->lost_ever += t.lost;
	}
}
