import { check, native } from './addon.ts'

interface ProcessCalls {
  pidfdOpen(pid: number): number
  pidfdSendSignal(pidfd: number, signal: number): number
  close(fd: number): number
  watchPidfd(fd: number, callback: () => void): unknown
  cancelWatch(handle: unknown): number
  unrefWatch(handle: unknown): number
  peerCredentials(fd: number, into: Buffer): number
}

export interface PeerCredentials {
  pid: number
  uid: number
  gid: number
}

/**
 * A descriptor of that very process, never of a later one with the same number. The caller closes it.
 *
 * @throws SystemError, ESRCH when there is no such process
 * @see pidfd_open(2)
 */
export function pidfdOpen(pid: number): number {
  return check('pidfd_open', native<ProcessCalls>().pidfdOpen(pid), `pid ${pid}`)
}

/** @throws SystemError, ESRCH when the process is gone */
export function pidfdSendSignal(pidfd: number, signal: number): void {
  check('pidfd_send_signal', native<ProcessCalls>().pidfdSendSignal(pidfd, signal))
}

/** Closes a descriptor that some native call has given. */
export function closeFd(fd: number): void {
  check('close', native<ProcessCalls>().close(fd))
}

/**
 * Calls back once when the process has exited, also when it is no child of ours (its exit status stays with its parent).
 * Keeps the event loop alive until then, unless `unref` is called.
 *
 * @throws SystemError, ESRCH when there is no such process
 */
export function watchExit(
  pid: number,
  callback: () => void,
): { cancel: () => void; unref: () => void } {
  const calls = native<ProcessCalls>()
  const pidfd = pidfdOpen(pid)
  const handle = calls.watchPidfd(pidfd, callback)
  if (typeof handle === 'number') {
    calls.close(pidfd)
    check('uv_poll_init', handle, `pidfd of ${pid}`)
  }
  return {
    cancel: () => {
      calls.cancelWatch(handle)
    },
    unref: () => {
      calls.unrefWatch(handle)
    },
  }
}

/**
 * Who opened the other end of a connected unix socket, as the kernel saw it then.
 *
 * @see SO_PEERCRED, unix(7)
 */
export function peerCredentials(socketFd: number): PeerCredentials {
  const into = Buffer.alloc(12)
  check('getsockopt SO_PEERCRED', native<ProcessCalls>().peerCredentials(socketFd, into))
  return { pid: into.readInt32LE(0), uid: into.readUInt32LE(4), gid: into.readUInt32LE(8) }
}
