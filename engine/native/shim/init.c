/*
 * docker-init [--] PROGRAM [ARG...]: the first process of a container that asks for one (HostConfig.Init). It is this
 * same binary, bound read-only at /sbin/docker-init, and does what a program that does not know that it is PID 1 leaves
 * undone: it takes the signals meant for the container and hands them on, and collects what the program orphaned.
 *
 * It ends as the program does: with its code, or 128 and the number of the signal that ended it.
 */
#include "shim.h"
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Raised by what a process does itself: blocked they would be lost, or end it all the same. */
static const int own[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};

_Noreturn static void complain(const char *what, const char *path, int err)
{
	const char *words = strerror(err);
	char line[400];
	size_t n = put_text(line, 20, "docker-init: ");

	n += put_text(line + n, 40, what);
	line[n++] = ' ';
	n += put_text(line + n, 200, path);
	n += put_text(line + n, 2, ": ");
	n += put_text(line + n, 100, words);
	line[n++] = '\n';
	/* nobody is left to tell when this fails */
	if (write(2, line, n) < 0)
		_exit(err == ENOENT ? 127 : 126);
	_exit(err == ENOENT ? 127 : 126);
}

/* In a process group of its own, which has the terminal: what is typed there is for it, not for us. */
_Noreturn static void program_run(char **argv, const sigset_t *mask)
{
	setpgid(0, 0);
	/* without a terminal, or not in its session: there is nothing to take */
	tcsetpgrp(0, getpgrp());
	signal(SIGTTOU, SIG_DFL);
	signal(SIGTTIN, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	complain("exec", argv[0], errno);
}

static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The program's code once it has ended, else -1. */
static int collect(pid_t program)
{
	int status, code = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == program)
			code = code_of(status);
	}
	return code;
}

int init_main(char **argv)
{
	sigset_t taken, before;
	pid_t program;
	int code = -1;
	size_t i;

	argv++;
	if (*argv && !strcmp(*argv, "--"))
		argv++;
	if (!*argv)
		complain("run", "nothing", ENOENT);
	sigfillset(&taken);
	for (i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(&taken, own[i]);
	sigprocmask(SIG_SETMASK, &taken, &before);
	/* from the background the terminal may then be given away */
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	/* in a pid namespace that is joined orphans come to us, too */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	program = fork();
	if (program < 0)
		complain("fork for", argv[0], errno);
	if (program == 0)
		program_run(argv, &before);
	while (code < 0) {
		int signo = sigwaitinfo(&taken, NULL);

		if (signo == SIGCHLD)
			code = collect(program);
		else if (signo > 0)
			kill(program, signo);
	}
	return code;
}
