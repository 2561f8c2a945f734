import type { DockerSeccomp, DockerSeccompRule } from './seccomp-profile.ts'

const EPERM = 1
const ENOSYS = 38

/** Every CLONE_NEW* flag but the time namespace's. @see clone(2) */
const NAMESPACE_FLAGS = 0x7e020000
const AF_VSOCK = 40

/** @see personality(2): Linux, 32-bit Linux, and both with UNAME26, and the question what it is */
const HARMLESS_PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]

/**
 * What a container may call when nothing else is said: Docker's policy (moby's default profile, which its documentation
 * describes), kept by subject. What is not listed answers EPERM.
 * @see https://docs.docker.com/engine/security/seccomp/
 */
export const DEFAULT_PROFILE: DockerSeccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  archMap: [
    // no x32: hardly any kernel has it, and its call numbers alias the 64-bit ones
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    // files: names, contents, attributes
    allow(`access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
      fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64
      fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync
      ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat ioctl lchown lchown32 lgetxattr
      link linkat listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat
      mknod mknodat name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev
      pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir
      sendfile sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 statx symlink symlinkat sync
      sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes
      vmsplice write writev`),
    // waiting for files and events
    allow(`epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
      eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
      io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit _newselect poll ppoll ppoll_time64 pselect6
      pselect6_time64 select signalfd signalfd4`),
    // memory
    allow(`brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap
      mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages`),
    // processes and threads
    allow(`execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake getcpu
      getpgid getpgrp getpid getppid getpriority get_robust_list getrusage getsid get_thread_area gettid ioprio_get
      ioprio_set kill pause pidfd_open pidfd_send_signal prctl process_mrelease restart_syscall rseq sched_getaffinity
      sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler
      sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
      sched_setscheduler sched_yield setpgid setpriority set_robust_list setsid set_thread_area set_tid_address tgkill
      tkill vfork wait4 waitid waitpid`),
    // credentials and limits; the capability set decides what they may change
    allow(`capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32
      getresuid getresuid32 getrlimit getuid getuid32 landlock_add_rule landlock_create_ruleset landlock_restrict_self
      lsm_get_self_attr lsm_list_modules lsm_set_self_attr prlimit64 seccomp setfsgid setfsgid32 setfsuid setfsuid32
      setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
      setreuid32 setrlimit setuid setuid32 ugetrlimit`),
    // signals
    allow(`rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
      rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn`),
    // time
    allow(`adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
      clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
      timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
      timerfd_gettime64 timerfd_settime timerfd_settime64 times`),
    // sockets and System V or POSIX IPC
    allow(`accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open
      mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd recv
      recvfrom recvmmsg recvmmsg_time64 recvmsg semctl semget semop semtimedop semtimedop_time64 send sendmmsg sendmsg
      sendto setsockopt shmat shmctl shmdt shmget shutdown socketcall socketpair`),
    // the system
    allow('getrandom sysinfo uname'),

    // before 4.8 a traced process could change its call after the filter had seen it
    allow('process_vm_readv process_vm_writev ptrace', { includes: { minKernel: '4.8' } }),
    // AF_VSOCK reaches the hypervisor past every network namespace
    allow('socket', { args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] }),
    ...HARMLESS_PERSONALITIES.map((value) =>
      allow('personality', { args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] }),
    ),
    allow('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls', {
      includes: { arches: ['arm', 'arm64'] },
    }),
    allow('arch_prctl', { includes: { arches: ['amd64'] } }),
    allow('modify_ldt', { includes: { arches: ['amd64', 'x86'] } }),

    withCapability('CAP_DAC_READ_SEARCH', 'open_by_handle_at'),
    withCapability(
      'CAP_SYS_ADMIN',
      `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie mount mount_setattr
      move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname setns statmount
      syslog umount umount2 unshare`,
    ),
    // without it: threads and processes, but no new namespaces
    allow('clone', {
      args: [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    }),
    // a filter cannot look into clone3's struct: told that it does not exist, C libraries take clone
    {
      names: ['clone3'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: ENOSYS,
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    },
    withCapability('CAP_SYS_BOOT', 'reboot'),
    withCapability('CAP_SYS_CHROOT', 'chroot'),
    withCapability('CAP_SYS_MODULE', 'delete_module finit_module init_module'),
    withCapability('CAP_SYS_PACCT', 'acct'),
    withCapability(
      'CAP_SYS_PTRACE',
      'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
    ),
    withCapability('CAP_SYS_RAWIO', 'ioperm iopl'),
    withCapability('CAP_SYS_TIME', 'clock_settime clock_settime64 settimeofday stime'),
    withCapability('CAP_SYS_TTY_CONFIG', 'vhangup'),
    withCapability('CAP_SYS_NICE', 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
    withCapability('CAP_SYSLOG', 'syslog'),
    withCapability('CAP_BPF', 'bpf'),
    withCapability('CAP_PERFMON', 'perf_event_open'),
  ],
}

function allow(names: string, conditions: Partial<DockerSeccompRule> = {}): DockerSeccompRule {
  return { names: names.trim().split(/\s+/), action: 'SCMP_ACT_ALLOW', ...conditions }
}

function withCapability(capability: string, names: string): DockerSeccompRule {
  return allow(names, { includes: { caps: [capability] } })
}
