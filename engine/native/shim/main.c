/*
 * gantry-shim RUNDIR: starts the container that RUNDIR/plan describes and stays as its parent.
 *
 *   stdin, stdout  /dev/null
 *   stderr         RUNDIR/shim.log
 *   3              a socket to the engine: SAY_OK or SAY_ERROR once the container runs or does not; then it goes on as a
 *                  watcher's connection, so that even a container that ends at once does not end unseen
 *
 * It outlives the engine at any moment:
 *   - Before RUNDIR/s listens nothing has been started. Once it listens, an engine that starts anew finds us, though it
 *     may have to wait for the answer until the container is up. That our engine still lives is checked between the two,
 *     so no container is started by a shim that nobody knew of.
 *   - The exit record is on disk before the socket is gone and before anyone is told.
 * When the shim itself is killed, the container's processes die with it (PR_SET_PDEATHSIG).
 *
 * gantry-shim --view is another thing: view.c.
 */
#include "shim.h"
#include "kernel.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define RELAX_MS 500
#define HOLD_MS 3000
#define STATUS_FD 3

struct shim shim;

/* ------------------------------------------------------------------ begin */

_Noreturn static void give_up(const char *step, const char *path, int rc)
{
	uint8_t buf[600];
	struct message m;

	message_begin(&m, buf, sizeof buf, SAY_ERROR);
	message_u32(&m, (uint32_t)-rc);
	message_str(&m, step);
	message_str(&m, path ? path : "");
	message_end(&m);
	say(step, path, rc);
	if (shim.listener > 0)
		unlink("s");
	_exit(write_all(STATUS_FD, buf, m.len) < 0 ? 2 : 1);
}

static void plan_load(void)
{
	struct stat st;
	void *at;
	int fd = open("plan", O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		give_up("open", "plan", -errno);
	at = st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	if (at == MAP_FAILED)
		give_up("map", "plan", -ENODATA);
	close(fd);
	rc = plan_parse(&shim.plan, at, (size_t)st.st_size);
	if (rc == 0 && !shim.plan.exit_path)
		rc = -EBADMSG;
	if (rc < 0)
		give_up("read", "plan", rc);
}

static void engine_check(void)
{
	if ((uint32_t)getppid() != shim.plan.engine_pid)
		give_up("engine is gone", NULL, -ESRCH);
}

static void socket_listen(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};

	/* as late as this the directory may be that of another shim, which the next engine started */
	engine_check();
	/* the working directory is RUNDIR: its own name may be longer than a socket's can be */
	unlink("s");
	shim.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	umask(0177);
	if (shim.listener < 0 || bind(shim.listener, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(shim.listener, 64) < 0)
		give_up("listen on", "s", -errno);
	umask(077);
	engine_check();
}

static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGTTOU, SIGTTIN, SIGTSTP};

static void handle(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigaction(signo, &action, NULL);
}

static void handle_ignored(void (*handler)(int))
{
	size_t i;

	for (i = 0; i < sizeof ignored / sizeof *ignored; i++)
		handle(ignored[i], handler);
}

/* In a child: what the shim ignores would be ignored beyond an exec. */
void signals_restore(void)
{
	sigset_t none;

	handle_ignored(SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What Node ignores comes along with the exec, and is put back here, once for all children. */
static void signals_begin(void)
{
	sigset_t set;
	int i;

	for (i = 1; i < 65; i++)
		handle(i, SIG_DFL);
	handle_ignored(SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	shim.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (shim.signals < 0)
		give_up("signalfd", NULL, -errno);
}

static void begin(const char *run_dir)
{
	int rc;

	/* fails when spawned as the leader of a session already */
	setsid();
	if (syscall(SYS_close_range, STATUS_FD + 1, ~0u, 0) < 0)
		give_up("close_range", NULL, -errno);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		give_up("prctl", NULL, -errno);
	prctl(PR_SET_NAME, "gantry-shim", 0, 0, 0);
	if (chdir(run_dir) < 0)
		give_up("chdir", run_dir, -errno);
	shim.status = STATUS_FD;
	if (fcntl(STATUS_FD, F_SETFD, FD_CLOEXEC) < 0)
		give_up("status socket", NULL, -errno);
	plan_load();
	signals_begin();
	socket_listen();
	if (shim.plan.log_path) {
		rc = log_open(&shim.log, &shim.plan);
		if (rc < 0)
			give_up("open log", shim.plan.log_path, rc);
	}
	shim.hold = shim.plan.hold;
	rc = proc_container();
	if (rc < 0)
		give_up("start", NULL, rc);
}

/* ------------------------------------------------------------------ end */

static void exit_record(const struct proc *p)
{
	static char text[64], temporary[4200];
	size_t n = put_number(text, (uint64_t)p->code), length = strlen(shim.plan.exit_path);
	uint32_t rest = (uint32_t)p->ended.tv_nsec;
	int i, fd, rc;

	text[n++] = ' ';
	n += put_number(text + n, (uint64_t)p->ended.tv_sec);
	text[n++] = '.';
	for (i = 8; i >= 0; i--, rest /= 10)
		text[n + (size_t)i] = (char)('0' + rest % 10);
	n += 9;
	text[n++] = '\n';
	if (length > sizeof temporary - 5) {
		say("exit record's name is too long", NULL, ENAMETOOLONG);
		return;
	}
	memcpy(temporary, shim.plan.exit_path, length);
	memcpy(temporary + length, ".tmp", 5);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	rc = fd < 0 ? -errno : write_all(fd, text, n);
	fd_close(&fd);
	if (rc == 0 && rename(temporary, shim.plan.exit_path) < 0)
		rc = -errno;
	/* watchers are told all the same */
	if (rc < 0)
		say("exit record cannot be written", shim.plan.exit_path, rc);
}

/* ------------------------------------------------------------------ the loop */

enum watched { ON_LISTENER, ON_SIGNALS, ON_SYNC, ON_CONSOLE, ON_OUT, ON_ERR, ON_IN, ON_CLIENT };

static struct pollfd polled[2 + PROCS_MAX * 5 + CLIENTS_MAX];
static struct {
	uint8_t what;
	uint16_t index;
} about[2 + PROCS_MAX * 5 + CLIENTS_MAX];

static nfds_t want(nfds_t n, int fd, short events, enum watched what, int index)
{
	polled[n].fd = fd;
	polled[n].events = events;
	polled[n].revents = 0;
	about[n].what = (uint8_t)what;
	about[n].index = (uint16_t)index;
	return n + 1;
}

static nfds_t want_proc(nfds_t n, int index)
{
	struct proc *p = &shim.procs[index];
	int i;

	/* its end, by the exec or by a death, comes right behind what it says: a child of ours is heard once, then */
	if (p->sync >= 0)
		n = want(n, p->sync, shim.plan.runtime.n ? POLLIN : 0, ON_SYNC, index);
	if (p->console >= 0)
		n = want(n, p->console, POLLIN, ON_CONSOLE, index);
	for (i = 0; i < 2; i++) {
		if (p->out[i].fd >= 0 && !p->out[i].waiting && !proc_held(p))
			n = want(n, p->out[i].fd, POLLIN, i ? ON_ERR : ON_OUT, index);
	}
	if (p->in >= 0 && p->in_len)
		n = want(n, p->in, POLLOUT, ON_IN, index);
	return n;
}

static nfds_t want_client(nfds_t n, int index)
{
	struct client *c = &shim.clients[index];
	short events = 0;

	if (c->state == CLIENT_REQUEST || c->state == CLIENT_LINGER)
		events = POLLIN;
	if (c->state == CLIENT_STREAM) {
		struct proc *p = &shim.procs[c->proc];

		if (c->flags & ATTACH_STDIN && !c->in_done && (p->in < 0 || p->in_end || !p->in_len))
			events |= POLLIN;
		if ((c->pending || c->replaying) && !c->head_until)
			events |= POLLOUT;
		/* hung up, with input that the process is not ready for: POLLHUP would come for ever */
		if (c->hup && !events && c->flags & ATTACH_STDIN && !c->in_done)
			return n;
	}
	return want(n, c->fd, events, ON_CLIENT, index);
}

static void client_event(struct client *c, short revents)
{
	if (c->state == CLIENT_FREE)
		return;
	if (revents & POLLOUT)
		client_writable(c);
	if (revents & POLLIN)
		client_readable(c);
	if (c->state == CLIENT_FREE || !(revents & (POLLHUP | POLLERR)))
		return;
	if (c->state == CLIENT_STREAM && c->flags & ATTACH_STDIN && !c->in_done && shim.procs[c->proc].in >= 0) {
		c->hup = true; /* what it wrote before it left is still to be read */
		return;
	}
	if (!(revents & POLLIN))
		client_close(c);
}

static void event(nfds_t i)
{
	int index = about[i].index;
	struct proc *p = &shim.procs[index < PROCS_MAX ? index : 0];

	switch ((enum watched)about[i].what) {
	case ON_LISTENER:
		clients_accept();
		break;
	case ON_SIGNALS: {
		struct signalfd_siginfo info;

		while (read(shim.signals, &info, sizeof info) > 0)
			;
		break;
	}
	case ON_SYNC:
		proc_sync(p);
		break;
	case ON_CONSOLE:
		runtime_console(p);
		break;
	case ON_OUT:
	case ON_ERR:
		if (p->state != PROC_FREE)
			proc_read(p, about[i].what == ON_ERR);
		break;
	case ON_IN:
		if (p->state != PROC_FREE)
			proc_write(p);
		break;
	case ON_CLIENT:
		client_event(&shim.clients[index], polled[i].revents);
		break;
	}
}

/* Gives back what a burst has touched, once it is over. */
static void relax(void)
{
	int i, k;

	log_relax(&shim.log);
	clients_relax();
	for (i = 0; i < shim.procs_top; i++) {
		struct proc *p = &shim.procs[i];

		for (k = 0; k < 2; k++) {
			if (p->out[k].buf && !p->out[k].have)
				madvise(p->out[k].buf, LINE_MAX_BYTES + CHUNK_MAX, MADV_DONTNEED);
		}
		if (p->in_buf && !p->in_len)
			madvise(p->in_buf, STDIN_MAX, MADV_DONTNEED);
	}
}

static int timeout(bool busy, bool heads)
{
	int i;

	if (heads)
		return 1;

	for (i = 0; i < shim.procs_top; i++) {
		if (shim.procs[i].state == PROC_EXITED)
			return 20;
	}
	if (shim.hold > 0)
		return 100;
	if (clients_short())
		return clients_short();
	if (clients_linger(monotonic_ms()))
		return 200;
	return busy ? RELAX_MS : -1;
}

/* Waits for what comes next and deals with it. */
static void turn(void)
{
	static bool busy = true;
	bool heads = clients_heads();
	nfds_t n = 0, i;
	int k, ready;

	/* who comes early waits in the backlog, and is turned away if nothing is started */
	if (shim.listener >= 0 && shim.procs[0].state != PROC_STARTING && !shim.procs[0].failed && clients_have_room())
		n = want(n, shim.listener, POLLIN, ON_LISTENER, 0);
	n = want(n, shim.signals, POLLIN, ON_SIGNALS, 0);
	for (k = 0; k < shim.procs_top; k++) {
		if (shim.procs[k].state != PROC_FREE)
			n = want_proc(n, k);
	}
	for (k = 0; k < shim.clients_top; k++) {
		if (shim.clients[k].state != CLIENT_FREE)
			n = want_client(n, k);
	}
	ready = poll(polled, n, timeout(busy, heads));
	if (ready < 0 && errno != EINTR)
		say("poll", NULL, errno);
	if (ready == 0 && busy && !heads) {
		relax();
		busy = false;
	} else if (ready > 0) {
		busy = true;
	}
	for (i = 0; i < n && ready > 0; i++) {
		if (polled[i].revents)
			event(i);
	}
}

static void loop(void)
{
	int k;

	while (!shim.ending) {
		turn();
		/* after what was there to read: an exec's answer goes out before its end does */
		proc_reap();
		if (shim.status >= 0 && shim.procs[0].state != PROC_STARTING) {
			clients_adopt(shim.status);
			shim.status = -1;
			shim.hold_until = monotonic_ms() + HOLD_MS;
		}
		if (shim.hold > 0 && shim.hold_until && monotonic_ms() > shim.hold_until)
			shim.hold = 0; /* they, or the engine, have gone away */
		for (k = shim.procs_top - 1; k >= 0; k--) {
			if (shim.procs[k].state == PROC_EXITED)
				proc_settle(&shim.procs[k]);
		}
	}
}

_Noreturn static void end(void)
{
	struct proc *p = &shim.procs[0];

	if (p->failed) {
		unlink("s");
		_exit(1);
	}
	log_close(&shim.log);
	if (shim.log.lost_ever)
		say("lines of the log were lost", shim.plan.log_path, shim.log.failure);
	exit_record(p);
	unlink("s");
	execs_tell_ends();
	clients_exited("", p->pid, p->code, &p->ended);
	fd_close(&shim.listener);
	while (execs_settle() | clients_linger(monotonic_ms()))
		turn();
	_exit(0);
}

int main(int argc, char **argv, char **envp)
{
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	int rc;

	if (name && !strcmp(name, "/docker-init"))
		return init_main(argv);
	if (argc < 2)
		give_up("usage: gantry-shim RUNDIR", NULL, -EINVAL);
	rc = seal_self(argv, envp);
	if (rc < 0)
		give_up("seal", "/proc/self/exe", rc);
	if (!strcmp(argv[1], "--view"))
		view(STATUS_FD);
	begin(argv[1]);
	loop();
	end();
}
