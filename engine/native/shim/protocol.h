/*
 * What the engine and gantry-shim say to each other. All numbers are little-endian; the TypeScript side of this table is
 * engine/runtime/shim-protocol.ts.
 *
 * Message, in both directions
 *   offset size field
 *   0      4    length of the payload (at most MAX_REQUEST towards the shim)
 *   4      2    kind
 *   6      2    flags
 *   8      n    payload; `str` is u32 length, bytes, one NUL (not counted)
 *
 * To the shim                flags             payload
 *   REQ_ATTACH               ATTACH_*          -                          then a raw stream
 *   REQ_EXEC                 ATTACH_*          plan of a process          then a raw stream, unless detached (flags 0)
 *   REQ_ATTACH_EXEC          ATTACH_*          str exec id                then a raw stream
 *   REQ_ATTACH, REQ_EXEC     ATTACH_PASSED     str greeting, as above     the greeting and the raw stream are for the descriptor
 *                                                                         that came along (SCM_RIGHTS)
 *   REQ_RESIZE               -                 u32 rows, u32 cols, str exec id ('' is the container)
 *   REQ_SIGNAL               -                 u32 signal, str exec id ('' is the container)
 *   REQ_WATCH                -                 -                          snapshot now, then SAY_EXITED
 *
 * From the shim
 *   SAY_OK                   -                 u32 pid
 *   SAY_ERROR                -                 i32 errno, str step, str path
 *   SAY_SNAPSHOT             -                 u32 init pid, u32 shim pid, str exitPath, u32 n, n * (str id, u32 pid,
 *                                              u32 running, i32 code), u32 FEATURE_*, u32 n, n * str id of an exec
 *                                              whose start is still to be told
 *   SAY_EXITED               -                 str exec id, u32 pid, i32 code, u64 seconds, u32 nanoseconds
 *   SAY_LOG                  -                 u32 LOG_*, u32 errno, u64 lines lost; to watchers, of the container's log
 *   SAY_STARTED              -                 str exec id, u32 pid, i32 errno, str step, str path; to watchers, of an exec
 *                                              whose stream was passed
 *
 *   engine                        shim
 *     | ---- REQ_EXEC + plan -----> |  fork, join, exec
 *     | <--- SAY_OK | SAY_ERROR --- |
 *     | <--- 01 00 00 00 len ... -- |  Docker's raw stream from here on (plain bytes with a TTY)
 *     | ---- stdin bytes ---------> |
 *     | ---- shutdown(SHUT_WR) ---> |  stdin is at its end
 *     | <--- close ---------------- |  the last byte has been sent
 *
 * Whoever asks the engine for a stream is mostly given the shim itself to talk to: nothing is copied on the way, and the
 * stream outlives the engine.
 *
 *   client                 engine                        shim
 *     | -- HTTP request --> |                             |
 *     |                     | -- REQ_EXEC + plan + fd --> |  fork, join, exec
 *     |                     | <--- SAY_STARTED ---------- |
 *     | <--- HTTP 101, 01 00 00 00 len ... -------------> |
 *
 * A connection takes one request after the other until one of them turns it into a raw stream. A watcher may go on
 * asking; answers come in the order of the questions, what is pushed comes between them.
 */
#ifndef GANTRY_PROTOCOL_H
#define GANTRY_PROTOCOL_H

#define MAX_REQUEST (4u << 20)

enum request { REQ_ATTACH = 1, REQ_EXEC, REQ_ATTACH_EXEC, REQ_RESIZE, REQ_SIGNAL, REQ_WATCH };
/* 68 is what shims before this one say to watchers of an exec that has started: the engine passes over it */
enum saying { SAY_OK = 64, SAY_ERROR, SAY_SNAPSHOT, SAY_EXITED, SAY_LOG = 69, SAY_STARTED };
/* rotated: only told when rotated files are to be compressed; failing: lines are being lost; again: it is written again */
enum log_news { LOG_ROTATED = 1, LOG_FAILING, LOG_AGAIN };
enum attach { ATTACH_STDIN = 1, ATTACH_STDOUT = 2, ATTACH_STDERR = 4, ATTACH_PASSED = 8 };
/* what not every shim that may still run can do */
enum feature { FEATURE_PASSED = 1 };

/*
 * The launch plan: "GPLN", u32 version, u32 size of the whole, u32 0, then records. A record is u16 type, u16 0,
 * u32 length of its fields, the fields, padding to a multiple of 4. The plan of an exec has the same form and holds the
 * records of a process only. Repeated records stand in the order in which they take effect.
 */
#define PLAN_MAGIC 0x4e4c5047u /* "GPLN" */
#define PLAN_VERSION 1u
#define PLAN_HEADER 16u

enum record {
	REC_LAUNCH = 1,	   /* u32 engine pid, u32 LAUNCH_*, u32 rows, u32 cols, u32 hold, str exitPath. Output is
				read once `hold` clients have attached, or HOLD_MS later */
	REC_LOG,	   /* u64 max bytes of a file (0: one file without limit), u32 max files, str path, u32 LOG_*,
				str what stands in each line before its time: "attrs":{...}, or nothing,
				u32 bytes that may wait for the disk before lines are lost (0: output waits) */
	REC_CGROUP,	   /* u32 CGROUP_*, str cgroup.procs file to enter; repeated */
	REC_NEW,	   /* u32 CLONE_NEW* to create */
	REC_JOIN,	   /* u32 CLONE_NEW*, str path of the namespace to join; repeated */
	REC_USERNS,	   /* u32 first host uid, u32 first host gid, u32 how many, str path of the user namespace to join */
	REC_ROOT_OVERLAY,  /* str layersRoot, str data, u32 n, n * str lower directories for more than a page, str mount point */
	REC_ROOT_BIND,	   /* str path */
	REC_PROPAGATION,   /* u64 MS_* of the whole tree before anything is mounted, u64 MS_* of the new root (0: leave) */
	REC_PRIVATE,	   /* str mount point made private first, for a shared tree; repeated */
	REC_MOUNT,	   /* u32 MOUNT_KIND_*, u32 MOUNT_OPT_*, u64 MS_*, u64 attr_set, u64 attr_clr, u64 propagation,
				str source, str target, str type, str data, str the part of the source that is mounted ('': all),
				u32 n, n * str lower directories of an image for more than a page; repeated */
	REC_DEVICE,	   /* u32 mode, u32 major, u32 minor, u32 uid, u32 gid, str path; repeated */
	REC_SYMLINK,	   /* str target, str path; repeated */
	REC_MASK,	   /* str path; repeated */
	REC_READONLY,	   /* str path; repeated */
	REC_ROOT_READONLY, /* - */
	REC_SYSCTL,	   /* str file, str value; repeated */
	REC_HOSTNAME,	   /* str */
	REC_DOMAINNAME,	   /* str */
	REC_RUNTIME,	   /* str pid file, str console socket, both in the run directory ('' without a terminal), u32 n,
				n * str: the command that has another OCI runtime create the container, or start an exec.
				Beside it stand LAUNCH, LOG, CGROUP, NEW, ROOT_*, PROPAGATION, PRIVATE and MOUNT, or EXEC, only;
				a MOUNT is then a source put where the runtime finds it, its target a path of the host */
	REC_RUNTIME_START, /* u32 n, n * str: the command that has it start the container */
	REC_RUNTIME_HIDE,  /* str file that is empty to the runtime when it creates the container; repeated */

	REC_EXEC = 64, /* u32 LAUNCH_*, u32 rows, u32 cols, str id */
	REC_ARGS,      /* u32 n, n * str */
	REC_ENV,       /* u32 n, n * str */
	REC_CWD,       /* str */
	REC_USER,      /* u32 uid, u32 gid, u32 umask, u32 n, n * u32 further gids */
	REC_CAPS,      /* u64 bounding, effective, permitted, inheritable, ambient */
	REC_RLIMIT,    /* u32 resource, u64 soft, u64 hard; repeated */
	REC_NO_NEW_PRIVILEGES,
	REC_OOM_SCORE, /* i32 */
	REC_SECCOMP,   /* u32 flags, struct sock_filter[] */
	REC_APPARMOR,  /* str profile */
};

enum log_flag { LOG_COMPRESSED = 1 /* rotated files may have been replaced by ones with .gz behind their name */ };
enum launch_flag { LAUNCH_TTY = 1, LAUNCH_OPEN_STDIN = 2, LAUNCH_STDIN_ONCE = 4 };
enum cgroup_flag { CGROUP_V2 = 1, CGROUP_BY_RUNTIME = 2 /* entered by the other runtime, not by us */ };
/* image: source says which, for messages; data and lower are as of REC_ROOT_OVERLAY, whose layersRoot it shares */
enum mount_kind { MOUNT_KIND_FS, MOUNT_KIND_BIND, MOUNT_KIND_CHANGE, MOUNT_KIND_IMAGE };
enum mount_opt {
	MOUNT_OPT_RECURSIVE = 1, /* attributes go down the tree */
	MOUNT_OPT_IDMAP = 2,	 /* of a bind: its owners are ids of the container */
	MOUNT_OPT_OPTIONAL = 4,	 /* of a bind: left out when its source is not there */
};

#endif
