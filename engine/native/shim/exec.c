/* Finds the program in the container's PATH and becomes it. */
#include "shim.h"
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char **strings_vector(const struct strings *strings)
{
	struct fields f = strings->fields;
	char **v = pages(((size_t)strings->n + 1) * sizeof *v);
	uint32_t i;

	/* execve(2) takes them as they lie in the plan */
	for (i = 0; v && i < strings->n; i++)
		v[i] = (char *)(uintptr_t)field_str(&f, NULL);
	return v;
}

static const char *search_path(char **env)
{
	const char *path = NULL;

	for (; *env; env++) {
		if (!strncmp(*env, "PATH=", 5))
			path = *env + 5;
	}
	return path ? path : "";
}

/* As Go's exec.LookPath, whose words Docker's clients know: a regular file with some x bit. */
static bool executable(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

static int find(const char *name, const char *path, char out[PATH_MAX])
{
	size_t length = strlen(name);

	for (;;) {
		size_t n = strcspn(path, ":");

		if (n + length + 3 <= PATH_MAX) {
			memcpy(out, path, n);
			if (n == 0)
				out[n++] = '.';
			out[n] = '/';
			memcpy(out + n + 1, name, length + 1);
			if (executable(out))
				return 0;
		}
		path += strcspn(path, ":");
		if (!*path++)
			return -ENOENT;
	}
}

/* Returns only with an error. Step "find" is a name that PATH does not have, "exec" a file that does not run. */
int exec_process(struct child *c)
{
	struct report report = {.kind = REPORT_EXEC};
	char **args = strings_vector(&c->plan->process.args), **env = strings_vector(&c->plan->process.env);
	static char file[PATH_MAX];
	struct stat st;

	c->step = "exec";
	c->path = NULL;
	if (!args || !env)
		return -ENOMEM;
	c->path = args[0];
	if (!strchr(args[0], '/')) {
		c->step = "find";
		if (!*args[0] || find(args[0], search_path(env), file) < 0)
			return -ENOENT;
	} else if (strlen(args[0]) >= sizeof file) {
		return -ENAMETOOLONG;
	} else {
		memcpy(file, args[0], strlen(args[0]) + 1);
		c->step = "stat";
		if (stat(file, &st) < 0)
			return -errno;
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
	}
	c->step = "exec";
	if (RETRY(write(c->sync, &report, sizeof report)) < 0)
		return -errno;
	execve(file, args, env);
	return -errno;
}
