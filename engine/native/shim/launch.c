/*
 * Starts the container's init, and execs beside it.
 *
 *   shim                                   child
 *    | clone3(all namespaces at once)        |
 *    |                                       | enter cgroups, join namespaces, own cgroup namespace
 *    |                                       | mounts, pivot_root
 *    | <--- REPORT_TTY + master ------------ | (tty only)
 *    |                                       | credentials, capabilities, seccomp
 *    | <--- REPORT_EXEC -------------------- | about to exec
 *    | <--- end of file, or REPORT_ERROR --- | CLOEXEC closed it, or execve failed
 *
 * With a user namespace a go-between does, as root of the host, what only that may do:
 *
 *   shim                       go-between                                  child
 *    | clone3(own mounts)       |                                           |
 *    |                          | enter cgroups, prepare.c, join namespaces |
 *    |                          | clone3(CLONE_PARENT, other namespaces) -> |
 *    | <--- pid --------------- | exit                                      |
 *    | ---- limits, one byte ---------------------------------------------> | own cgroup namespace, and so on as above
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define SYNC_FD 3

static const int NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWCGROUP;

_Noreturn void child_fail(struct child *c, int rc)
{
	struct report report = {.kind = REPORT_ERROR, .err = -rc};
	size_t n;

	n = put_text(report.step, sizeof report.step - 1, c->step ? c->step : "start");
	report.step[n] = 0;
	n = put_text(report.path, sizeof report.path - 1, c->path ? c->path : "");
	report.path[n] = 0;
	/* when the shim is gone there is nobody to tell */
	while (write(c->sync, &report, sizeof report) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* By the host's /proc: the container's own may be anything. */
static int oom_score(struct child *c)
{
	char text[16];
	int32_t score = c->plan->process.oom_score;
	size_t n = 0;
	int rc;

	if (!c->plan->process.has_oom_score)
		return 0;
	c->step = "write";
	c->path = "/proc/self/oom_score_adj";
	if (score < 0)
		text[n++] = '-';
	n += put_number(text + n, (uint64_t)(score < 0 ? -(int64_t)score : score));
	text[n] = 0;
	rc = write_proc(c->path, text);
	if (rc == -EACCES || rc == -EPERM) {
		/* lowering it takes CAP_SYS_RESOURCE, which some hosts withhold */
		say("this host does not let oom_score_adj be lowered, left as it is", NULL, 0);
		return 0;
	}
	return rc;
}

/* A single v2 directory was entered by clone3 already. */
int cgroups_enter(struct child *c, const struct plan *cgroups)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;

	c->step = "enter cgroup";
	while (plan_next(cgroups, &offset, &r)) {
		uint32_t flags;
		int rc;

		if (r.type != REC_CGROUP)
			continue;
		flags = field_u32(&r.fields);
		if (flags & CGROUP_BY_RUNTIME)
			continue;
		c->path = field_str(&r.fields, NULL);
		rc = cgroup_enter(c->path, flags & CGROUP_V2);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int join_one(struct child *c, uint32_t type, const char *path)
{
	int fd, rc = 0;

	c->step = "join namespace";
	c->path = path;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (setns(fd, (int)type) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int namespaces_join(struct child *c)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;
	int rc = 0;

	while (rc == 0 && plan_next(c->plan, &offset, &r)) {
		uint32_t type;

		if (r.type != REC_JOIN)
			continue;
		type = field_u32(&r.fields);
		/* pid: the shim has joined before it made us, except for a go-between, whose children are born in it */
		if (type != CLONE_NEWPID || c->plan->userns)
			rc = join_one(c, type, field_str(&r.fields, NULL));
	}
	return rc;
}

/* Until here root of the host; from here on nobody there, and root inside. */
static int user_enter(struct child *c)
{
	int rc = join_one(c, CLONE_NEWUSER, c->plan->userns);

	if (rc < 0)
		return rc;
	c->step = "become root of the user namespace";
	return setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ? -errno : 0;
}

/* Waits until the shim, outside, has raised our limits: that takes a power that a user namespace does not give. */
static int limits_wait(struct child *c)
{
	char done;

	c->step = "set rlimit";
	c->path = NULL;
	return RETRY(read(c->sync, &done, 1)) == 1 ? 0 : -EPERM;
}

/* The same device, in the mounts that are ours now: what the go-between had open cannot be bound here. */
static int null_again(struct child *c)
{
	close(c->null);
	c->step = "open";
	c->path = "/dev/null";
	c->null = open(c->path, O_RDWR | O_CLOEXEC);
	return c->null < 0 ? -errno : 0;
}

static int unshare_rest(struct child *c, unsigned int cloned)
{
	/* the cgroup namespace's root is the cgroup we are in now */
	int flags = (int)(c->plan->ns_new & ~cloned);

	c->step = "make namespaces";
	c->path = NULL;
	return flags && unshare(flags) < 0 ? -errno : 0;
}

/* Anonymous, so that no key of the host's session is seen and none is shared between containers. */
static void keyring_new(void)
{
	/* refused by quota or an outer seccomp filter: the keys there are then those of an outer container */
	syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL, 0, 0, 0);
}

static int sysctls(struct child *c)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;

	c->step = "write sysctl";
	while (plan_next(c->plan, &offset, &r)) {
		int rc;

		if (r.type != REC_SYSCTL)
			continue;
		/* below /proc/sys one sees the namespaces of whoever looks, also through the host's mount */
		c->path = field_str(&r.fields, NULL);
		rc = write_proc(c->path, field_str(&r.fields, NULL));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int names(struct child *c)
{
	const struct plan *plan = c->plan;

	c->step = "set hostname";
	c->path = plan->hostname;
	if (plan->hostname && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
		return -errno;
	c->step = "set domainname";
	c->path = plan->domainname;
	if (plan->domainname && setdomainname(plan->domainname, strlen(plan->domainname)) < 0)
		return -errno;
	return 0;
}

/* /dev/stdout and friends can then be opened by name also by a user who is not root. */
static int stdio_own(struct child *c, int fd)
{
	if (fchown(fd, c->plan->process.uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL && errno != EROFS)
		return -errno;
	return 0;
}

/*
 * The standard three in place, the sync socket at 3, every other descriptor closed now instead of at the exec: a working
 * directory such as /proc/self/fd/8 must find nothing of the host.
 */
int stdio_take(struct child *c)
{
	int i, rc;

	c->step = "set up stdio";
	c->path = NULL;
	for (i = 0; i < 3; i++) {
		int fd = c->slave >= 0 ? c->slave : c->stdio[i] >= 0 ? c->stdio[i] : c->null;

		if (fd != c->null && (rc = stdio_own(c, fd)) < 0)
			return rc;
		if (dup2(fd, i) < 0)
			return -errno;
	}
	if (c->sync != SYNC_FD) {
		if (dup3(c->sync, SYNC_FD, O_CLOEXEC) < 0)
			return -errno;
		c->sync = SYNC_FD;
	}
	if (syscall(SYS_close_range, SYNC_FD + 1, ~0u, 0) < 0)
		return -errno;
	return 0;
}

_Noreturn static void become(struct child *c)
{
	int rc;

	c->step = "setsid";
	c->path = NULL;
	if (setsid() < 0)
		child_fail(c, -errno);
	keyring_new();
	if (c->slave >= 0 && (rc = tty_take(c)) < 0)
		child_fail(c, rc);
	if ((rc = stdio_take(c)) < 0 || (rc = security_final(c)) < 0 || (rc = exec_process(c)) < 0)
		child_fail(c, rc);
	_exit(127);
}

void child_begin(struct child *c, const struct plan *plan, const int stdio[3], int sync)
{
	signals_restore();
	memset(c, 0, sizeof *c);
	c->plan = plan;
	c->sync = sync;
	memcpy(c->stdio, stdio, sizeof c->stdio);
	c->slave = -1;
	c->root = -1;
	/* 0, 1 and 2 are to be overwritten: whatever is needed must lie above them */
	c->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (c->null < 0) {
		c->step = "open";
		c->path = "/dev/null";
		child_fail(c, -errno);
	}
}

static pid_t spawn(uint64_t flags, int exit_signal, int cgroup, int *pidfd)
{
	struct k_clone_args args = {.flags = flags, .exit_signal = (uint64_t)exit_signal};
	pid_t pid;

	if (pidfd) {
		args.flags |= K_CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)pidfd;
	}
	if (cgroup >= 0) {
		args.flags |= K_CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	return pid < 0 ? -errno : pid;
}

/* Born in the cgroup, or, when the kernel says that it cannot be, to enter it itself: `cgroup` is then closed. */
static pid_t spawn_entered(uint64_t flags, int *cgroup, int *pidfd)
{
	pid_t pid = spawn(flags, SIGCHLD, *cgroup, pidfd);

	if (pid != -EBUSY || *cgroup < 0)
		return pid;
	fd_close(cgroup);
	return spawn(flags, SIGCHLD, -1, pidfd);
}

_Noreturn static void container_build(struct child *c, unsigned int cloned)
{
	int rc;

	if ((rc = unshare_rest(c, cloned)) < 0 || (rc = names(c)) < 0 || (rc = mounts_build(c)) < 0 || (rc = sysctls(c)) < 0 ||
	    (rc = mounts_enter(c)) < 0)
		child_fail(c, rc);
	become(c);
}

_Noreturn static void container_child(const struct plan *plan, const int stdio[3], int sync, unsigned int cloned, bool entered)
{
	struct child c;
	int rc;

	child_begin(&c, plan, stdio, sync);
	if ((rc = oom_score(&c)) < 0 || (!entered && (rc = cgroups_enter(&c, plan)) < 0) || (rc = namespaces_join(&c)) < 0 ||
	    (rc = security_early(&c)) < 0)
		child_fail(&c, rc);
	container_build(&c, cloned);
}

/* Tells the container's pid, as the host counts, over `told`. */
_Noreturn static void go_between(const struct plan *plan, const int stdio[3], int sync, int told, unsigned int cloned, bool entered)
{
	struct child c;
	int32_t pid;
	int rc;

	child_begin(&c, plan, stdio, sync);
	if ((rc = oom_score(&c)) < 0 || (!entered && (rc = cgroups_enter(&c, plan)) < 0) || (rc = mounts_prepare(&c)) < 0 ||
	    (rc = namespaces_join(&c)) < 0 || (rc = lsm_set(&c)) < 0 || (rc = user_enter(&c)) < 0)
		child_fail(&c, rc);
	c.step = "make namespaces";
	c.path = NULL;
	pid = spawn(cloned | CLONE_PARENT, 0, -1, NULL);
	if (pid == 0) {
		close(told);
		if ((rc = limits_wait(&c)) < 0 || (rc = null_again(&c)) < 0)
			child_fail(&c, rc);
		container_build(&c, cloned);
	}
	if (pid < 0)
		child_fail(&c, pid);
	/* the child's alone from here on: its end is the shim's sign that the process runs, or never will */
	close(sync);
	_exit(RETRY(write(told, &pid, sizeof pid)) == sizeof pid ? 0 : 1);
}

_Noreturn static void exec_child(const struct plan *plan, int init_pidfd, uint32_t namespaces, const struct plan *cgroups,
				 const int stdio[3], int sync, bool entered)
{
	struct child c;
	int rc, root;

	child_begin(&c, plan, stdio, sync);
	if ((rc = oom_score(&c)) < 0 || (!entered && (rc = cgroups_enter(&c, cgroups)) < 0) || (rc = security_early(&c)) < 0)
		child_fail(&c, rc);
	c.step = "join namespaces of the container";
	c.path = NULL;
	if (setns(init_pidfd, (int)namespaces) < 0)
		child_fail(&c, -errno);
	if (namespaces & CLONE_NEWUSER && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		child_fail(&c, -errno);
	if (plan->flags & LAUNCH_TTY) {
		c.step = "open";
		c.path = "/";
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			child_fail(&c, -errno);
		if ((rc = tty_make(&c, root)) < 0)
			child_fail(&c, rc);
		close(root);
	}
	become(&c);
}

/* An fd of the cgroup v2 directory when that is the only one to enter, else -1. */
static int single_v2(const struct plan *plan)
{
	struct record_at r;
	size_t offset = PLAN_HEADER, n = 0;
	char dir[512] = "";

	while (plan_next(plan, &offset, &r)) {
		const char *path, *slash;

		if (r.type != REC_CGROUP)
			continue;
		if (++n > 1 || field_u32(&r.fields) != CGROUP_V2)
			return -1;
		path = field_str(&r.fields, NULL);
		slash = strrchr(path, '/');
		if (!slash || (size_t)(slash - path) >= sizeof dir)
			return -1;
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = 0;
	}
	return n ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* The id on the host of one in the container's user namespace; what is not mapped is nobody. */
uint32_t host_id(uint32_t first, uint32_t n, uint32_t id)
{
	return id < n ? first + id : 65534;
}

/* In a user namespace even root may only open /dev/stdout again when the pipe belongs to a user that is mapped there. */
static void stdio_give(const struct plan *plan, const int stdio[3])
{
	int i;

	for (i = 0; i < 3 && shim.plan.userns; i++) {
		if (stdio[i] >= 0 &&
		    fchown(stdio[i], host_id(shim.plan.host_uid, shim.plan.ids, plan->process.uid), (gid_t)-1) < 0)
			say("give stdio to the container's user", NULL, errno);
	}
}

/* Gives the container's init, a child of ours though we have not made it; on failure the go-between, which reports. */
static pid_t spawn_between(const struct plan *plan, const int stdio[3], int pair[2], unsigned int cloned, int *cgroup, int *pidfd)
{
	pid_t between;
	int told[2], rc;
	int32_t pid;
	ssize_t n;

	if (pipe2(told, O_CLOEXEC) < 0)
		return -errno;
	between = spawn_entered(CLONE_NEWNS, cgroup, pidfd);
	if (between == 0) {
		close(pair[0]);
		go_between(plan, stdio, pair[1], told[1], cloned, *cgroup >= 0);
	}
	close(told[1]);
	n = between > 0 ? RETRY(read(told[0], &pid, sizeof pid)) : 0;
	close(told[0]);
	if (n != sizeof pid)
		return between;
	fd_close(pidfd);
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	rc = *pidfd < 0 ? -errno : rlimits_set(plan, pid, RLIMITS_RAISED);
	if (rc == 0 && write(pair[0], "", 1) != 1)
		rc = -errno;
	if (rc < 0)
		kill(pid, SIGKILL);
	return rc < 0 ? rc : pid;
}

int spawn_container(const struct plan *plan, int stdio[3], int *sync, int *pidfd)
{
	unsigned int cloned = plan->ns_new & (unsigned int)NAMESPACES & ~(unsigned int)CLONE_NEWCGROUP;
	int pair[2], cgroup = single_v2(plan);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	stdio_give(plan, stdio);
	if (plan->userns)
		pid = spawn_between(plan, stdio, pair, cloned, &cgroup, pidfd);
	else
		pid = spawn_entered(cloned, &cgroup, pidfd);
	if (pid == 0) {
		close(pair[0]);
		container_child(plan, stdio, pair[1], cloned, cgroup >= 0);
	}
	close(pair[1]);
	fd_close(&cgroup);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	*sync = pair[0];
	return pid;
}

int spawn_exec(const struct plan *plan, int init_pidfd, uint32_t namespaces, const struct plan *cgroups, int stdio[3], int *sync,
	       int *pidfd)
{
	int pair[2], cgroup = single_v2(cgroups);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	stdio_give(plan, stdio);
	/* the shim's children are born in the container's pid namespace already */
	pid = spawn(0, SIGCHLD, cgroup, pidfd);
	/* its processes have moved below: the child finds its way there */
	if (pid == -EBUSY && cgroup >= 0) {
		fd_close(&cgroup);
		pid = spawn(0, SIGCHLD, -1, pidfd);
	}
	if (pid == 0) {
		close(pair[0]);
		exec_child(plan, init_pidfd, namespaces, cgroups, stdio, pair[1], cgroup >= 0);
	}
	close(pair[1]);
	fd_close(&cgroup);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	*sync = pair[0];
	return pid;
}
