import { check, native } from './addon.ts'

interface ProcessCalls {
  pidfdOpen(pid: number): number
  pidfdSendSignal(pidfd: number, signal: number): number
  close(fd: number): number
  tryLock(fd: number): number
  peerCredentials(fd: number, into: Buffer): number
  asFileOwner(uid: number, gid: number): number
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

/** Locks a file or directory for oneself until the descriptor is closed; false when another has it. @see flock(2) */
export function tryLock(fd: number): boolean {
  const rc = native<ProcessCalls>().tryLock(fd)
  if (rc === -EAGAIN) return false
  check('flock', rc)
  return true
}

const EAGAIN = 11

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

/**
 * Has this thread make files as somebody else, with all of root's powers over files, until it is called again: mounts of a
 * user namespace have no id for the host's root, so nothing could be made there as root (EOVERFLOW).
 *
 * @throws SystemError
 * @see setfsuid(2)
 */
export function asFileOwner(uid: number, gid: number): void {
  check('setfsuid', native<ProcessCalls>().asFileOwner(uid, gid))
}
