/*
 * Containers that another OCI runtime (runc, crun, runsc) makes. Its commands run as our children, and what they leave
 * running becomes our child when they end, because the shim is the subreaper: from there on streams, log and exit are
 * ours as with a container that we made.
 *
 *   shim                               child
 *    | fork                              |
 *    |                                   | own mount namespace, the root mounted in it: gone when the last one in it is
 *    | <--- end of file, REPORT_ERROR -- | exec `runtime create`
 *    | <--- connection + master -------- | (tty only)
 *    | <--- pid file, exit status 0 ---- | the container's init waits, adopted by us
 *    | fork, exec `runtime start` -----> |
 *    | <--- exit status 0 -------------- | the container's process runs
 *
 * An exec is one such command. What a command has to say on failure it writes to its log, which the engine reads.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ------------------------------------------------------------------ commands */

static int files_hide(struct child *c)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;

	c->step = "hide";
	while (plan_next(c->plan, &offset, &r)) {
		if (r.type != REC_RUNTIME_HIDE)
			continue;
		c->path = field_str(&r.fields, NULL);
		if (mount("/dev/null", c->path, NULL, MS_BIND, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* The host never sees the root: it is mounted for the runtime and for the container it makes. */
static int root_make(struct child *c)
{
	int rc;

	c->step = "make namespaces";
	c->path = NULL;
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	if ((rc = tree_propagation(c)) < 0 || (rc = root_mount(c)) < 0)
		return rc;
	fd_close(&c->root);
	if ((rc = sources_place(c)) < 0 || (rc = files_hide(c)) < 0)
		return rc;
	c->step = "chdir";
	c->path = "/";
	return chdir("/") < 0 ? -errno : 0;
}

_Noreturn static void command_child(const struct plan *plan, const struct strings *command, const int stdio[3], int sync, bool root)
{
	char **args = strings_vector(command);
	struct child c;
	int rc;

	child_begin(&c, plan, stdio, sync);
	/* a command that outlived the shim would leave a container that nobody holds */
	if (!args || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		child_fail(&c, -errno);
	if ((rc = cgroups_enter(&c, &shim.plan)) < 0 || (root && (rc = root_make(&c)) < 0) || (rc = stdio_take(&c)) < 0)
		child_fail(&c, rc);
	c.step = "run runtime";
	c.path = args[0];
	execve(args[0], args, environ);
	child_fail(&c, -errno);
}

static int command_run(struct proc *p, const struct plan *plan, const struct strings *command, const int stdio[3], bool root)
{
	int pair[2], rc = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		command_child(plan, command, stdio, pair[1], root);
	}
	if (pid < 0) {
		rc = -errno;
		close(pair[0]);
	} else {
		p->command = pid;
		p->sync = pair[0];
	}
	close(pair[1]);
	return rc;
}

/* The name is relative, as the run directory is where we are; the runtime gets the whole path in its command. */
static int console_listen(struct proc *p, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(name) >= sizeof address.sun_path || strchr(name, '/'))
		return -EINVAL;
	memcpy(address.sun_path, name, strlen(name) + 1);
	unlink(name);
	p->console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->console < 0 || bind(p->console, (struct sockaddr *)&address, sizeof address) < 0 || listen(p->console, 1) < 0)
		return -errno;
	return 0;
}

/* Has the runtime of the plan make this process; with its stdio, unless that is a terminal. */
int runtime_launch(struct proc *p, const struct plan *plan, const int stdio[3])
{
	/* of a terminal's runtime only complaints are left, and its other two are /dev/null */
	int own[3] = {stdio[0], stdio[1], p->tty ? STDERR_FILENO : stdio[2]};
	int rc = p->tty ? console_listen(p, plan->console) : 0;

	if (rc < 0)
		return rc;
	if (strlen(plan->pid_file) >= sizeof p->pid_file)
		return -ENAMETOOLONG;
	memcpy(p->pid_file, plan->pid_file, strlen(plan->pid_file) + 1);
	unlink(p->pid_file);
	return command_run(p, plan, &plan->runtime, own, p == shim.procs);
}

/* ------------------------------------------------------------------ the terminal */

/* Takes the connection, then the one message with the master in it. */
void runtime_console(struct proc *p)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	char name[4096];
	struct iovec iov = {name, sizeof name};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf};
	ssize_t n;

	if (p->console >= 0 && !p->console_connected) {
		int fd = accept4(p->console, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		fd_close(&p->console);
		p->console = fd;
		p->console_connected = true;
	}
	if (p->console < 0)
		return;
	n = RETRY(recvmsg(p->console, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		proc_terminal(p, &m);
	fd_close(&p->console);
	if (p->rows && p->cols && p->in >= 0)
		proc_resize(p, p->rows, p->cols);
}

/* ------------------------------------------------------------------ what comes of it */

static pid_t pid_read(const struct proc *p)
{
	char text[16];
	ssize_t n, i;
	pid_t pid = 0;
	int fd = open(p->pid_file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = RETRY(read(fd, text, sizeof text));
	close(fd);
	for (i = 0; i < n && text[i] >= '0' && text[i] <= '9' && pid < 100000000; i++)
		pid = pid * 10 + (text[i] - '0');
	return pid;
}

/* What it names has become our child: of another's child the end would never be heard. */
static void pid_take(struct proc *p)
{
	siginfo_t info;

	p->pid = pid_read(p);
	if (!p->pid)
		proc_fail(p, "read the runtime's pid file", ENOENT);
	else if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		return;
	else
		proc_fail(p, "adopt the runtime's process", errno);
	p->pid = 0;
}

/* The container's init waits: it is told to go on. */
static void start(struct proc *p)
{
	static const int none[3] = {-1, -1, STDERR_FILENO};
	int rc;

	p->created = true;
	rc = command_run(p, &shim.plan, &shim.plan.runtime_start, none, false);
	if (rc < 0)
		proc_fail(p, "run runtime", -rc);
}

static void command_over(struct proc *p, int status)
{
	proc_sync(p);
	fd_close(&p->sync);
	p->command = 0;
	if (!p->failed && status)
		proc_fail(p, "runtime", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	if (!p->failed && !p->pid)
		pid_take(p);
	unlink(p->pid_file);
	runtime_console(p);
	if (!p->failed && p->tty && p->out[0].fd < 0)
		proc_fail(p, "get the terminal from the runtime", ENXIO);
	if (!p->failed && p == shim.procs && !p->created)
		start(p);
	if (p->command)
		return;
	if (p->failed && p->pid && !p->reaped)
		kill(p->pid, SIGKILL);
	p->exec_seen = true;
	proc_started(p);
	if (p->failed || p->reaped)
		proc_over(p);
}

bool runtime_busy(void)
{
	int i;

	for (i = 0; i < shim.procs_top; i++) {
		if (shim.procs[i].state == PROC_STARTING && shim.procs[i].command)
			return true;
	}
	return false;
}

void runtime_reap(void)
{
	int i, status;

	for (i = 0; i < shim.procs_top; i++) {
		struct proc *p = &shim.procs[i];

		if (p->state == PROC_STARTING && p->command && waitpid(p->command, &status, WNOHANG) > 0)
			command_over(p, status);
	}
}
