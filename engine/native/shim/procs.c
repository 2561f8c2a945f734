/* The processes that the shim starts: the container's first one, and execs. */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <sched.h>
#include <string.h>

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

void proc_free(struct proc *p)
{
	pipes_free(p);
	fd_close(&p->sync);
	fd_close(&p->console);
	fd_close(&p->pidfd);
	p->state = PROC_FREE;
	while (shim.procs_top > 1 && shim.procs[shim.procs_top - 1].state == PROC_FREE)
		shim.procs_top--;
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
