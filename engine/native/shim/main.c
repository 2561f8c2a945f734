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
#include <signal.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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
