/* The end of a process: it is collected, what it printed is read and passed on, and who asks or watches is told. */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* how long after a process's end its output is awaited from others that still hold the pipe */
#define DRAIN_MS 1000

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

	if (proc_held(p)) {
		p->drain_until = now + DRAIN_MS;
		return;
	}
	if (p->out[0].waiting || p->out[1].waiting) {
		clients_drop_stalled(p, now);
		p->drain_until = now + DRAIN_MS;
		return;
	}
	if (pipes_open(p) && p == shim.procs)
		leftovers_kill();
	if (pipes_open(p) && now < p->drain_until)
		return;
	pipes_close(p);
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
