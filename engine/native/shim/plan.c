/* Reads a launch plan. Everything is length-checked: an exec's plan comes over a socket. */
#include "shim.h"
#include <string.h>

uint32_t field_u32(struct fields *f)
{
	const uint8_t *p = f->at;

	if (f->bad || f->end - p < 4) {
		f->bad = true;
		return 0;
	}
	f->at += 4;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t field_u64(struct fields *f)
{
	uint64_t low = field_u32(f);

	return low | (uint64_t)field_u32(f) << 32;
}

/* Never NULL: an empty string stands for what could not be read, and `bad` tells. */
const char *field_str(struct fields *f, uint32_t *length)
{
	uint32_t n = field_u32(f);
	const char *s = (const char *)f->at;

	if (length)
		*length = 0;
	if (f->bad || (size_t)(f->end - f->at) < (size_t)n + 1 || s[n] != 0 || memchr(s, 0, n)) {
		f->bad = true;
		return "";
	}
	f->at += (size_t)n + 1;
	if (length)
		*length = n;
	return s;
}

bool plan_next(const struct plan *plan, size_t *offset, struct record_at *r)
{
	const uint8_t *p = plan->base + *offset;
	struct fields head;
	uint32_t n;

	if (*offset > plan->size || plan->size - *offset < 8)
		return false;
	head = (struct fields){p, p + 8, false};
	r->type = (uint16_t)field_u32(&head);
	n = field_u32(&head);
	if (n > plan->size - *offset - 8)
		return false;
	r->fields = (struct fields){p + 8, p + 8 + n, false};
	*offset += 8 + (((size_t)n + 3) & ~(size_t)3);
	return true;
}

static struct strings read_strings(struct fields *f)
{
	struct strings s = {.n = field_u32(f)};
	uint32_t i;

	s.fields = *f;
	for (i = 0; i < s.n && !f->bad; i++)
		field_str(f, NULL);
	return s;
}

static void read_user(struct process_plan *p, struct fields *f)
{
	p->uid = field_u32(f);
	p->gid = field_u32(f);
	p->umask = field_u32(f);
	p->ngids = field_u32(f);
	p->gids = f->at;
	if (p->ngids > 65536 || (size_t)(f->end - f->at) < (size_t)p->ngids * 4)
		f->bad = true;
	else
		f->at += (size_t)p->ngids * 4;
}

static bool read_process(struct process_plan *p, uint16_t type, struct fields *f)
{
	switch (type) {
	case REC_ARGS:
		p->args = read_strings(f);
		return true;
	case REC_ENV:
		p->env = read_strings(f);
		return true;
	case REC_CWD:
		p->cwd = field_str(f, NULL);
		return true;
	case REC_USER:
		read_user(p, f);
		return true;
	case REC_CAPS:
		p->has_caps = true;
		p->bounding = field_u64(f);
		p->effective = field_u64(f);
		p->permitted = field_u64(f);
		p->inheritable = field_u64(f);
		p->ambient = field_u64(f);
		return true;
	case REC_RLIMIT:
		field_u32(f);
		field_u64(f);
		field_u64(f);
		return true;
	case REC_NO_NEW_PRIVILEGES:
		p->no_new_privileges = true;
		return true;
	case REC_OOM_SCORE:
		p->has_oom_score = true;
		p->oom_score = (int32_t)field_u32(f);
		return true;
	case REC_SECCOMP:
		p->seccomp_flags = field_u32(f);
		p->seccomp = f->at;
		p->seccomp_size = (uint32_t)(f->end - f->at);
		if (p->seccomp_size % 8 || p->seccomp_size == 0 || p->seccomp_size / 8 > 4096)
			f->bad = true;
		f->at = f->end;
		return true;
	case REC_APPARMOR:
		p->apparmor = field_str(f, NULL);
		return true;
	}
	return false;
}

struct mount_step mount_read(struct fields *f)
{
	struct mount_step m = {.kind = field_u32(f)};

	m.opts = field_u32(f);
	m.flags = field_u64(f);
	m.set = field_u64(f);
	m.clear = field_u64(f);
	m.propagation = field_u64(f);
	m.source = field_str(f, NULL);
	m.target = field_str(f, NULL);
	m.type = field_str(f, NULL);
	m.data = field_str(f, NULL);
	m.below = field_str(f, NULL);
	m.lower = read_strings(f);
	if (m.kind > MOUNT_KIND_IMAGE)
		f->bad = true;
	return m;
}

static bool read_container(struct plan *plan, uint16_t type, struct fields *f)
{
	int i;

	switch (type) {
	case REC_LAUNCH:
		plan->engine_pid = field_u32(f);
		plan->flags = field_u32(f);
		plan->rows = field_u32(f);
		plan->cols = field_u32(f);
		plan->hold = field_u32(f);
		plan->exit_path = field_str(f, NULL);
		return true;
	case REC_EXEC:
		plan->flags = field_u32(f);
		plan->rows = field_u32(f);
		plan->cols = field_u32(f);
		plan->id = field_str(f, NULL);
		return true;
	case REC_LOG:
		plan->log_max = field_u64(f);
		plan->log_files = field_u32(f);
		plan->log_path = field_str(f, NULL);
		plan->log_flags = field_u32(f);
		plan->log_attrs = field_str(f, NULL);
		plan->log_buffer = field_u32(f);
		return true;
	case REC_CGROUP:
		field_u32(f);
		field_str(f, NULL);
		return true;
	case REC_NEW:
		plan->ns_new = field_u32(f);
		return true;
	case REC_JOIN:
		plan->ns_joined |= field_u32(f);
		field_str(f, NULL);
		return true;
	case REC_USERNS:
		plan->host_uid = field_u32(f);
		plan->host_gid = field_u32(f);
		plan->ids = field_u32(f);
		plan->userns = field_str(f, NULL);
		return true;
	case REC_ROOT_OVERLAY:
		plan->overlay.layers_root = field_str(f, NULL);
		plan->overlay.data = field_str(f, NULL);
		plan->overlay.lower = read_strings(f);
		plan->overlay_target = field_str(f, NULL);
		return true;
	case REC_ROOT_BIND:
		plan->bind_root = field_str(f, NULL);
		return true;
	case REC_PROPAGATION:
		plan->tree_propagation = field_u64(f);
		plan->root_propagation = field_u64(f);
		return true;
	case REC_MOUNT:
		mount_read(f);
		return true;
	case REC_DEVICE:
		for (i = 0; i < 5; i++)
			field_u32(f);
		field_str(f, NULL);
		return true;
	case REC_SYMLINK:
	case REC_SYSCTL:
		field_str(f, NULL);
		field_str(f, NULL);
		return true;
	case REC_PRIVATE:
	case REC_MASK:
	case REC_RUNTIME_HIDE:
	case REC_READONLY:
		field_str(f, NULL);
		return true;
	case REC_ROOT_READONLY:
		plan->root_readonly = true;
		return true;
	case REC_HOSTNAME:
		plan->hostname = field_str(f, NULL);
		return true;
	case REC_DOMAINNAME:
		plan->domainname = field_str(f, NULL);
		return true;
	case REC_RUNTIME:
		plan->pid_file = field_str(f, NULL);
		plan->console = field_str(f, NULL);
		plan->runtime = read_strings(f);
		return true;
	case REC_RUNTIME_START:
		plan->runtime_start = read_strings(f);
		return true;
	}
	return false;
}

/*
 * Checks every record and keeps what is single; lists (mounts, devices …) are walked again by plan_next.
 * -EBADMSG for anything but a whole, well-formed plan.
 */
int plan_parse(struct plan *plan, const uint8_t *base, size_t size)
{
	struct fields head = {base, base + size, false};
	struct record_at r;
	size_t offset = PLAN_HEADER;

	memset(plan, 0, sizeof *plan);
	if (field_u32(&head) != PLAN_MAGIC || field_u32(&head) != PLAN_VERSION || field_u32(&head) != size ||
	    size < PLAN_HEADER)
		return -EBADMSG;
	plan->base = base;
	plan->size = size;
	plan->process.umask = 022;
	plan->process.cwd = "/";
	while (plan_next(plan, &offset, &r)) {
		if (!read_process(&plan->process, r.type, &r.fields) && !read_container(plan, r.type, &r.fields))
			return -EBADMSG;
		if (r.fields.bad)
			return -EBADMSG;
	}
	if (offset != plan->size || (plan->process.args.n == 0 && plan->runtime.n == 0))
		return -EBADMSG;
	return 0;
}
