/* The pty lives in the container's own devpts, so that ttyname(3) and /dev/pts agree inside. */
#include "shim.h"
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#define DEVPTS_MAGIC 0x1cd1

static int send_fd(int sync, int fd)
{
	struct report report = {.kind = REPORT_TTY};
	struct iovec iov = {&report, sizeof report};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof control.buf};
	struct cmsghdr *h;

	memset(&control, 0, sizeof control);
	h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof fd);
	return RETRY(sendmsg(sync, &m, MSG_NOSIGNAL)) < 0 ? -errno : 0;
}

/* Opens a new pty below `root`; its master goes to the shim, its slave stays here. */
int tty_make(struct child *c, int root)
{
	struct winsize size = {.ws_row = (unsigned short)c->plan->rows, .ws_col = (unsigned short)c->plan->cols};
	struct statfs fs;
	struct stat st;
	int master, unlock = 0, rc;

	c->step = "open a terminal";
	c->path = "/dev/pts/ptmx";
	master = in_root(root, c->path, O_RDWR | O_NOCTTY);
	if (master < 0)
		return master;
	/* a running container may have put anything there */
	if (fstatfs(master, &fs) < 0 || fstat(master, &st) < 0)
		return -errno;
	if (fs.f_type != DEVPTS_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return -ENODEV;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return -errno;
	c->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->slave < 0)
		return -errno;
	if (size.ws_row && size.ws_col && ioctl(master, TIOCSWINSZ, &size) < 0)
		return -errno;
	/* EPERM, EINVAL: the user is not mapped into the user namespace of this devpts */
	if (fchown(c->slave, c->plan->process.uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL)
		return -errno;
	rc = send_fd(c->sync, master);
	close(master);
	return rc;
}

/* The slave becomes the controlling terminal of our new session. */
int tty_take(struct child *c)
{
	c->step = "take the terminal";
	c->path = NULL;
	return ioctl(c->slave, TIOCSCTTY, 0) < 0 ? -errno : 0;
}
