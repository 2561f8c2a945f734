/* gantry-shim: the parent of one container's init. See main.c for the order of things. */
#ifndef GANTRY_SHIM_H
#define GANTRY_SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include "protocol.h"

struct k_mount_attr;

#define ID_MAX 64
#define PROCS_MAX 256	/* the container's init and 255 running execs */
#define CLIENTS_MAX 256
#define GREETING_MAX 512
#define ENDED_MAX 128	/* execs whose code is remembered after their end */
#define LINE_MAX_BYTES 16384 /* Docker cuts longer lines */
#define CHUNK_MAX 65536
#define RING_SIZE 65536
#define STDIN_MAX 65536
#define PID_FILE_MAX 100

/* ---- plan.c: reads what the engine wrote, trusting nothing */
struct fields {
	const uint8_t *at, *end;
	bool bad;
};

struct record_at {
	uint16_t type;
	struct fields fields;
};

struct strings { /* n NUL-terminated strings, each behind its u32 length */
	uint32_t n;
	struct fields fields;
};

/* What overlayfs is told: options as mount(2) takes them, or one a line beside lower directories for more than a page. */
struct overlay {
	const char *layers_root, *data;
	struct strings lower;
};

struct mount_step { /* REC_MOUNT */
	uint32_t kind, opts;
	uint64_t flags, set, clear, propagation;
	const char *source, *target, *type, *data, *below;
	struct strings lower;
};

struct process_plan {
	struct strings args, env;
	const char *cwd;
	uint32_t uid, gid, umask, ngids;
	const uint8_t *gids; /* unaligned u32 */
	bool has_caps, no_new_privileges, has_oom_score;
	uint64_t bounding, effective, permitted, inheritable, ambient;
	int32_t oom_score;
	uint32_t seccomp_flags, seccomp_size;
	const uint8_t *seccomp;
	const char *apparmor;
};

struct plan {
	const uint8_t *base;
	size_t size;
	uint32_t engine_pid, flags, rows, cols, hold;
	const char *id, *exit_path;
	const char *log_path, *log_attrs;
	uint64_t log_max;
	uint32_t log_files, log_flags, log_buffer;
	uint32_t ns_new, ns_joined;
	const char *userns; /* of its own, or NULL: that of the host; its ids 0 to ids-1 begin at: */
	uint32_t host_uid, host_gid, ids;
	struct overlay overlay;
	const char *overlay_target, *bind_root;
	uint64_t tree_propagation, root_propagation;
	bool root_readonly;
	const char *hostname, *domainname;
	const char *pid_file, *console;
	struct strings runtime, runtime_start; /* commands of another OCI runtime */
	struct process_plan process;
};

int plan_parse(struct plan *plan, const uint8_t *base, size_t size);
bool plan_next(const struct plan *plan, size_t *offset, struct record_at *r);
uint32_t field_u32(struct fields *f);
uint64_t field_u64(struct fields *f);
const char *field_str(struct fields *f, uint32_t *length);
struct mount_step mount_read(struct fields *f);

/* ---- log.c, log-*.c: json-file, as Docker writes it */
struct log {
	int fd;
	const char *path;
	uint64_t max, size;
	uint32_t files;
	bool compressed;     /* rotated files may end in .gz */
	bool detached;	     /* fd leads to a writer, which has the file */
	bool is_writer;	     /* or this is the writer */
	int64_t last_ns;     /* the newest timestamp given out */
	bool failing;	     /* the disk refused the last write; said once */
	int failure;	     /* its errno */
	uint8_t *out;	     /* LOG_OUT_SIZE */
	uint32_t out_len;
	uint32_t object_max; /* the longest object */
	uint64_t lost;	     /* lines since it is failing */
	int64_t lost_ns;     /* the timestamp of the last of them */
	uint64_t lost_ever;
	uint64_t untold;     /* of them, those that watchers do not know of yet */
	int64_t told_ns;     /* last_ns when they were told of the others */
	char *tail[2];	     /* what stands between text and time: `","stream":"stdout",…"time":"` */
	uint32_t tail_len;
	int64_t second;	     /* whose text is in `prefix` */
	char prefix[24];     /* 2026-11-21T08:00:00 */
};

int log_open(struct log *l, const struct plan *plan);
/* One line or piece of a line; `newline` tells whether it ends here. */
void log_line(struct log *l, int stream, const uint8_t *text, size_t n, bool newline, int64_t now_ns);
void log_flush(struct log *l);
void log_relax(struct log *l);
void log_close(struct log *l);
/* Takes whole lines out of buf[0..n), cutting those longer than LINE_MAX_BYTES, and returns how much it took. */
size_t log_lines(struct log *l, int stream, const uint8_t *buf, size_t n, bool end);

/* ---- launch.c, cgroup.c, mounts.c, mount-step.c, devices.c, masks.c, overlay.c, sources.c, security.c, tty.c, exec.c: what happens in the child */
struct report { /* child -> shim, one datagram each */
	uint32_t kind; /* REPORT_* */
	int32_t err;
	char step[28];
	char path[476];
};
enum report_kind { REPORT_TTY = 1, REPORT_EXEC, REPORT_ERROR };

struct child {
	const struct plan *plan;
	int sync;	 /* to the shim; closed by a successful exec */
	int stdio[3];	 /* pipe ends for 0, 1, 2; -1 without (tty) */
	int slave;	 /* of the pty, or -1 */
	int null;	 /* /dev/null */
	int root;	 /* O_PATH of the new root while it is being built */
	int *prepared;	 /* with a user namespace: the mounts made outside, in the plan's order; see prepare.c */
	uint32_t nprepared, next;
	const char *step, *path; /* what is being tried, for the report */
};

uint32_t host_id(uint32_t first, uint32_t n, uint32_t id);
_Noreturn void child_fail(struct child *c, int rc);
void child_begin(struct child *c, const struct plan *plan, const int stdio[3], int sync);
int cgroups_enter(struct child *c, const struct plan *cgroups);
int stdio_take(struct child *c);
char **strings_vector(const struct strings *strings);
int spawn_container(const struct plan *plan, int stdio[3], int *sync, int *pidfd);
int spawn_exec(const struct plan *plan, int init_pidfd, uint32_t namespaces, const struct plan *cgroups, int stdio[3],
	       int *sync, int *pidfd);
int cgroup_enter(const char *procs, bool v2);
int mounts_prepare(struct child *c);
int prepared_take(struct child *c);
int tree_propagation(struct child *c);
int root_mount(struct child *c);
int overlay_mount(struct child *c, const struct overlay *overlay, const char *target);
bool is_bound(const struct mount_step *m);
bool source_is_path(const struct mount_step *m);
int source_open(struct child *c, const struct mount_step *m);
int sources_place(struct child *c);
int tree_clone(int dir, const char *path, bool recursive);
int mounts_build(struct child *c);
int mount_one(struct child *c, struct fields *f);
int mount_change(int fd, const char *path, unsigned int flags, const struct k_mount_attr *attr);
/* Changes what is mounted at fd, which must have been opened after the mount. */
int mount_flags(int fd, uint64_t set, uint64_t clear, bool recursive);
int mount_attach(int from, int fd);
int target_in_root(int root, const char *path, bool directory);
int device_make(struct child *c, struct fields *f);
int link_make(struct child *c, struct fields *f);
/* `empty`: what hides directories, -1 at first. */
int path_mask(struct child *c, const char *path, int *empty);
int path_readonly(struct child *c, const char *path);
int mounts_enter(struct child *c);
int tty_make(struct child *c, int root);
int tty_take(struct child *c);
enum rlimits { RLIMITS_RAISED, RLIMITS_AS_ASKED };
int rlimits_set(const struct plan *plan, pid_t pid, enum rlimits how);
int lsm_set(struct child *c);
int security_early(struct child *c);
int security_final(struct child *c);
int exec_process(struct child *c);

/* ---- paths.c: descriptors of what names mean inside a root, or -errno */
const char *fd_path(int fd, char out[32]);
int in_root(int root, const char *path, uint64_t flags);
int beneath(int dir, const char *path, uint64_t flags);
int make_in_root(int root, const char *path, bool directory);
int plain_in_root(int root, const char *path);
int parent_in_root(int root, const char *path, const char **name);

/* ---- main.c */
void signals_restore(void);

/* ---- loop.c */
void loop(void); /* until the container is over */
void turn(void); /* waits for what comes next and deals with it */

/* ---- view.c */
_Noreturn void view(int engine);

/* ---- procs.c: the processes and their streams */
struct stream {
	int fd; /* read end, or -1 at its end */
	uint8_t *buf; /* LINE_MAX_BYTES of unfinished line + CHUNK_MAX */
	uint32_t have, taken; /* bytes in buf; those at its start that the log is done with */
	uint32_t chunk, chunk_len; /* the part of buf that clients are still being sent */
	uint32_t waiting; /* clients that have not got it all */
	int64_t burst_ns; /* since when `burst` bytes have come, monotonic */
	uint32_t burst;
};

enum proc_state { PROC_FREE, PROC_STARTING, PROC_RUNNING, PROC_EXITED };

struct proc {
	enum proc_state state;
	char id[ID_MAX + 1];
	pid_t pid;
	int pidfd;
	bool tty, stdin_once, exec_seen, reaped, failed, told;
	int sync;
	pid_t command; /* of another runtime that is running for this process, or 0 */
	bool created; /* the container waits for the command that starts it */
	int console; /* listens for the terminal from another runtime, then the connection it comes over */
	bool console_connected;
	char pid_file[PID_FILE_MAX];
	int starter; /* client that waits for the answer, or -1 */
	bool announced; /* its start is told to the watchers */
	struct report error;
	struct stream out[2];
	int in;
	uint8_t *in_buf;
	uint32_t in_off, in_len;
	bool in_end; /* close it once in_buf is written */
	uint8_t *ring; /* the last RING_SIZE bytes of an exec's tty */
	uint64_t ring_at;
	uint32_t rows, cols;
	int code;
	struct timespec ended;
	int64_t drain_until; /* monotonic ms */
};

struct ended {
	char id[ID_MAX + 1];
	pid_t pid;
	int code;
};

enum client_state { CLIENT_FREE, CLIENT_REQUEST, CLIENT_STARTING, CLIENT_STREAM, CLIENT_LINGER };

struct client {
	enum client_state state;
	int fd;
	bool watching, ending; /* ending: close once nothing is pending */
	bool in_done, hup, replaying;
	uint8_t flags; /* ATTACH_* */
	uint8_t pending; /* bit per stream with a chunk under way */
	int8_t current; /* stream whose frame is begun, or -1 */
	int proc; /* index */
	uint32_t sent; /* of the frame of `current`, header included */
	uint64_t replay; /* next byte of the ring to send; replay_end when done */
	uint64_t replay_end;
	int64_t stalled_since; /* monotonic ms, 0: not */
	int64_t linger_until; /* monotonic ms */
	int64_t head_until; /* monotonic ms: so long output waits for the client to have read the answer's head; 0: it has */
	int passed; /* descriptor that came with the request, or -1 */
	uint8_t head[8];
	uint32_t have; /* bytes of head + request */
	uint8_t *request; /* kept for the next one until things are quiet */
	uint32_t request_size, request_room;
	char greeting[GREETING_MAX]; /* of a passed connection: sent before its stream */
	uint32_t greeting_length;
};

struct shim {
	struct plan plan;
	const char *run_dir;
	int listener, signals, status; /* status: -1 once it is a client */
	struct log log;
	struct proc procs[PROCS_MAX];
	struct client clients[CLIENTS_MAX];
	struct ended ended[ENDED_MAX];
	uint32_t nended;
	int procs_top, clients_top; /* one past the last slot in use */
	bool own_pidns, ending;
	uint32_t hold; /* clients that are awaited before the container's output is read */
	int64_t hold_until; /* monotonic ms */
	int64_t relax_at;
};

extern struct shim shim;

int proc_container(void);
int proc_exec(const struct plan *plan, int client, uint16_t flags, const char **step);
struct proc *proc_find(const char *id);
void proc_free(struct proc *p);

/* ---- reports.c */
void proc_sync(struct proc *p);
void proc_fail(struct proc *p, const char *step, int err);
void proc_started(struct proc *p);
struct msghdr;
void proc_terminal(struct proc *p, struct msghdr *m);

/* ---- pipes.c */
int pipes_make(struct proc *p, int child[3], bool input);
bool pipes_open(const struct proc *p);
void pipes_close(struct proc *p);
void pipes_free(struct proc *p);
void stream_release(struct stream *s);
bool proc_held(const struct proc *p);
void proc_read(struct proc *p, int stream);
void proc_write(struct proc *p);
void proc_stdin_end(struct proc *p);
int proc_resize(struct proc *p, uint32_t rows, uint32_t cols);

/* ---- reap.c */
void proc_reap(void);
void proc_over(struct proc *p);
void proc_settle(struct proc *p);
void execs_tell_ends(void);
bool execs_settle(void);

/* ---- runtime.c: containers that another OCI runtime makes */
int runtime_launch(struct proc *p, const struct plan *plan, const int stdio[3]);
void runtime_console(struct proc *p);
bool runtime_busy(void);
void runtime_reap(void);

/* ---- clients.c: who is connected */
int client_index(const struct client *c);
bool client_is_spare(const struct client *c);
struct client *client_new(int fd);
void client_close(struct client *c);
void client_finish(struct client *c);
void client_readable(struct client *c);
void clients_accept(void);
int clients_short(void);
bool clients_have_room(void);
bool clients_linger(int64_t now);
bool clients_heads(void);

/* ---- requests.c */
void request_read(struct client *c);
void request_drop(struct client *c);
void request_free(struct client *c);
void clients_relax(void);

/* ---- attach.c: requests that make a stream of a connection */
void request_attach(struct client *asking, struct proc *p, uint16_t flags, struct fields *f);
void request_exec(struct client *asking, uint16_t flags, struct fields *f);
void client_answer_start(int client, struct proc *p);

/* ---- streams.c: what attached clients get and give */
void output_drop(struct client *c);
void stdin_read(struct client *c);
void client_writable(struct client *c);
void clients_chunk(struct proc *p, int stream);
void clients_stream_ended(struct proc *p);
bool clients_pending(const struct proc *p);
void clients_drop_stalled(const struct proc *p, int64_t now);

/* ---- watchers.c: what is told unasked */
void request_watch(struct client *c);
void clients_adopt(int fd);
void clients_exited(const char *id, pid_t pid, int code, const struct timespec *at);
void clients_log(uint32_t news, int err, uint64_t lost);
void clients_started(const char *id, pid_t pid, int err, const char *step, const char *path);

/* ---- init.c */
int init_main(char **argv);

/* ---- messages.c */
struct message {
	uint8_t *buf;
	uint32_t len, max;
	bool full;
};
void message_begin(struct message *m, uint8_t *buf, uint32_t max, uint16_t kind);
void message_u32(struct message *m, uint32_t v);
void message_u64(struct message *m, uint64_t v);
void message_str(struct message *m, const char *s);
void message_end(struct message *m);
void error_message(struct message *m, uint8_t *buf, uint32_t max, int err, const char *step, const char *path);
void tell(struct client *c, struct message *m);
void tell_ok(struct client *c, pid_t pid);
void tell_error(struct client *c, int err, const char *step, const char *path);

/* ---- util.c */
void say(const char *what, const char *path, int err); /* one line to shim.log */
int64_t monotonic_ms(void);
void *pages(size_t size); /* zeroed, or NULL */
void pages_free(void *at, size_t size);
int write_all(int fd, const void *data, size_t n);
int write_file(const char *path, const char *text);
int write_proc(const char *path, const char *text);
size_t put_number(char *out, uint64_t v);
size_t put_text(char *out, size_t max, const char *text);
void fd_close(int *fd);
int fd_nonblocking(int fd);
int seal_self(char **argv, char **envp);

#define RETRY(call)                                                                                                      \
	({                                                                                                               \
		__typeof__(call) r_;                                                                                     \
		do                                                                                                       \
			r_ = (call);                                                                                     \
		while (r_ == -1 && errno == EINTR);                                                                      \
		r_;                                                                                                      \
	})

#endif
