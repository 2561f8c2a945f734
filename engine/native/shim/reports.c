/* What a child tells of its start, and who else is told then. */
#include "shim.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

void proc_terminal(struct proc *p, struct msghdr *m)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	int fd;

	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(h), sizeof fd);
	p->in = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (p->in < 0 || fd_nonblocking(fd) < 0)
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
