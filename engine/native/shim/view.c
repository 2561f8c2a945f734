/*
 * gantry-shim --view RUNDIR: the tree of a container that does not run, mounted as at its start, for the engine to copy from and
 * to. Nothing is executed in it, and nothing of it is seen on the host.
 *
 *   engine                            gantry-shim --view (RUNDIR is only there to be seen in ps)
 *     | ---- plan (descriptor 3) ------> |  own mount namespace, mounts, pivot_root
 *     | <--- SAY_OK | SAY_ERROR -------- |
 *     | open /proc/PID/root, ns/mnt      |
 *     | ---- close --------------------> |  ends
 *
 * The namespace lives as long as the engine's descriptors of it do, so it is gone with the engine, however that ends.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int read_all(int fd, uint8_t *into, size_t n)
{
	while (n > 0) {
		ssize_t got = RETRY(read(fd, into, n));

		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		into += got;
		n -= (size_t)got;
	}
	return 0;
}

/* The plan's header tells its size. */
static int plan_receive(int engine, struct plan *plan)
{
	uint8_t head[PLAN_HEADER], *whole;
	uint32_t size;
	int rc = read_all(engine, head, sizeof head);

	if (rc < 0)
		return rc;
	size = (uint32_t)head[8] | (uint32_t)head[9] << 8 | (uint32_t)head[10] << 16 | (uint32_t)head[11] << 24;
	if (size < PLAN_HEADER || size > MAX_REQUEST)
		return -EBADMSG;
	whole = pages(size);
	if (!whole)
		return -ENOMEM;
	memcpy(whole, head, sizeof head);
	rc = read_all(engine, whole + sizeof head, size - sizeof head);
	return rc < 0 ? rc : plan_parse(plan, whole, size);
}

static int build(int engine, struct plan *plan, struct child *c)
{
	int rc;

	c->step = "read plan";
	rc = plan_receive(engine, plan);
	if (rc < 0)
		return rc;
	c->step = "make namespaces";
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	c->step = "open";
	c->path = "/dev/null";
	c->null = open(c->path, O_RDWR | O_CLOEXEC);
	if (c->null < 0)
		return -errno;
	rc = mounts_build(c);
	return rc < 0 ? rc : mounts_enter(c);
}

void view(int engine)
{
	static struct plan plan;
	struct child c = {.plan = &plan, .sync = -1, .stdio = {-1, -1, -1}, .slave = -1, .null = -1, .root = -1};
	uint8_t buf[600];
	struct message m;
	int rc = build(engine, &plan, &c);

	if (rc < 0) {
		message_begin(&m, buf, sizeof buf, SAY_ERROR);
		message_u32(&m, (uint32_t)-rc);
		message_str(&m, c.step);
		message_str(&m, c.path ? c.path : "");
	} else {
		message_begin(&m, buf, sizeof buf, SAY_OK);
		message_u32(&m, (uint32_t)getpid());
	}
	message_end(&m);
	/* an engine that is gone needs no answer */
	if (write_all(engine, buf, m.len) == 0 && rc == 0) {
		while (RETRY(read(engine, buf, sizeof buf)) > 0)
			;
	}
	_exit(rc < 0);
}
