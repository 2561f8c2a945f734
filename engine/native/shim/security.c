/*
 * Everything that takes power away, in the one order that works:
 *
 *   limits -> bounding set -> (seccomp without no_new_privs: needs CAP_SYS_ADMIN) -> groups, gid, uid (capabilities kept)
 *   -> capability sets -> ambient -> working directory -> no_new_privs -> (seccomp with no_new_privs: last of all)
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static rlim_t higher(rlim_t a, rlim_t b)
{
	return a > b ? a : b;
}

/*
 * Of a child (0: our own). Raising one takes a power that is given away later, or that a user namespace does not give, so
 * that comes first; lowering one comes last, or what is still to be opened and mounted would be held to it.
 */
int rlimits_set(const struct plan *plan, pid_t pid, enum rlimits how)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;

	while (plan_next(plan, &offset, &r)) {
		struct rlimit limit;
		uint32_t resource;

		if (r.type != REC_RLIMIT)
			continue;
		resource = field_u32(&r.fields);
		limit.rlim_cur = field_u64(&r.fields);
		limit.rlim_max = field_u64(&r.fields);
		if (how == RLIMITS_RAISED) {
			struct rlimit now;

			if (prlimit(pid, (int)resource, NULL, &now) < 0)
				return -errno;
			limit.rlim_cur = higher(limit.rlim_cur, now.rlim_cur);
			limit.rlim_max = higher(limit.rlim_max, now.rlim_max);
		}
		if (prlimit(pid, (int)resource, &limit, NULL) < 0)
			return -errno;
	}
	return 0;
}

static int bounding(struct child *c)
{
	uint64_t keep = c->plan->process.bounding;
	unsigned long cap;

	c->step = "drop capabilities";
	c->path = NULL;
	for (cap = 0; cap < 64; cap++) {
		int have;

		if (keep >> cap & 1 || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			break; /* past the kernel's last capability */
		/* not ours to drop, which is fine when it is not there anyway */
		if (errno != EPERM)
			return -errno;
		have = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		/* the power to drop is asked for before the number is */
		if (have < 0)
			break;
		if (have)
			return -EPERM;
	}
	return 0;
}

/* What this process may have at all: an engine whose host withholds a capability cannot give it on. */
static uint64_t permitted_here(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof data);
	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

static int capabilities(struct child *c)
{
	const struct process_plan *p = &c->plan->process;
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	uint64_t here = permitted_here(), effective = p->effective & here, permitted = p->permitted & here,
		 inheritable = p->inheritable & here, ambient = p->ambient & permitted & inheritable;
	unsigned long cap;
	int i;

	c->step = "set capabilities";
	c->path = NULL;
	for (i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (cap = 0; cap < 64; cap++) {
		if ((ambient >> cap & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

static int filter(struct child *c)
{
	const struct process_plan *p = &c->plan->process;
	struct sock_filter *program;
	struct sock_fprog prog;

	c->step = "install seccomp filter";
	c->path = NULL;
	/* the plan's bytes have no alignment to rely on */
	program = pages(p->seccomp_size);
	if (!program)
		return -ENOMEM;
	memcpy(program, p->seccomp, p->seccomp_size);
	prog.len = (unsigned short)(p->seccomp_size / sizeof *program);
	prog.filter = program;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->seccomp_flags, &prog) < 0 ? -errno : 0;
}

static int credentials(struct child *c)
{
	const struct process_plan *p = &c->plan->process;
	gid_t *gids = pages(p->ngids ? p->ngids * sizeof *gids : sizeof *gids);

	c->step = "set user";
	c->path = NULL;
	if (!gids)
		return -ENOMEM;
	memcpy(gids, p->gids, p->ngids * sizeof *gids);
	if (setgroups(p->ngids, gids) < 0)
		return -errno;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
		return -errno;
	return 0;
}

/* What the exec of the container's program is to be confined by. */
int lsm_set(struct child *c)
{
	const struct process_plan *p = &c->plan->process;
	char text[300];
	size_t n;
	int rc;

	if (!p->apparmor)
		return 0;
	n = put_text(text, 5, "exec ");
	n += put_text(text + n, 290, p->apparmor);
	text[n] = 0;
	c->step = "set AppArmor profile";
	c->path = p->apparmor;
	rc = write_proc("/proc/self/attr/apparmor/exec", text);
	if (rc == -ENOENT)
		rc = write_proc("/proc/self/attr/exec", text);
	return rc;
}

/* With the host's powers still there. */
int security_early(struct child *c)
{
	int rc;

	c->step = "set rlimit";
	c->path = NULL;
	rc = rlimits_set(c->plan, 0, RLIMITS_RAISED);
	return rc < 0 ? rc : lsm_set(c);
}

/*
 * A working directory that leads out of the root, through a descriptor in /proc/self/fd for instance, is refused:
 * the kernel then says that it is "(unreachable)".
 */
static int enter_cwd(struct child *c)
{
	char at[4096];

	c->step = "chdir";
	c->path = c->plan->process.cwd;
	if (chdir(c->path) < 0)
		return -errno;
	if (syscall(SYS_getcwd, at, sizeof at) < 0)
		return -errno;
	return at[0] == '/' ? 0 : -EPERM;
}

int security_final(struct child *c)
{
	const struct process_plan *p = &c->plan->process;
	int rc, cwd;

	/* as root it may reach what the user may not; as the user, what only they may (root-squashed file systems) */
	cwd = enter_cwd(c);
	if (cwd == -EPERM)
		return cwd;
	c->step = "set rlimit";
	c->path = NULL;
	if ((rc = rlimits_set(c->plan, 0, RLIMITS_AS_ASKED)) < 0)
		return rc;
	if (p->has_caps && (rc = bounding(c)) < 0)
		return rc;
	if (p->seccomp && !p->no_new_privileges && (rc = filter(c)) < 0)
		return rc;
	if ((rc = credentials(c)) < 0)
		return rc;
	if (p->has_caps && (rc = capabilities(c)) < 0)
		return rc;
	if (cwd < 0 && (rc = enter_cwd(c)) < 0)
		return rc;
	umask(p->umask);
	/* when the shim is killed its container must not go on unseen; cleared by the kernel with each change of user */
	c->step = "prctl";
	c->path = NULL;
	/* a change of user resets this to fs.suid_dumpable; until the exec nobody inside may look at us */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_PDEATHSIG, 9 /* SIGKILL */, 0, 0, 0) < 0)
		return -errno;
	if (p->no_new_privileges) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		if (p->seccomp && (rc = filter(c)) < 0)
			return rc;
	}
	return 0;
}
