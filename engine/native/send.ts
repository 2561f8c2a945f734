import { check, native } from './addon.ts'

interface SendCalls {
  connectUnixDatagram(path: string): number
  connectUnixStream(path: string): number
  sendDescriptor(fd: number, bytes: Buffer, passed: number): number
  sendDatagrams(fd: number, bytes: Buffer, ends: Buffer): number
  unsentBytes(fd: number): number
}

const EAGAIN = 11

/**
 * Connects to a unix socket at once, which is what the kernel does with them: no turn of the event loop goes by.
 *
 * @returns the descriptor, which does not block; undefined when more clients wait there to be accepted than may
 * @throws SystemError, ENOENT and ECONNREFUSED when nobody listens
 */
export function connectUnixStream(path: string): number | undefined {
  const fd = native<SendCalls>().connectUnixStream(path)
  return fd === -EAGAIN ? undefined : check('connect', fd, path)
}

/**
 * Sends bytes over a unix stream socket at once, and with the first of them a descriptor, which stays the caller's own
 * as well.
 *
 * @returns how many bytes went
 * @throws SystemError, EAGAIN when none did
 * @see SCM_RIGHTS, unix(7)
 */
export function sendDescriptor(fd: number, bytes: Buffer, passed: number): number {
  return check('sendmsg', native<SendCalls>().sendDescriptor(fd, bytes, passed))
}

/** A non-blocking datagram socket connected to a unix socket. The caller closes it. @throws SystemError */
export function connectUnixDatagram(path: string): number {
  return check('connect', native<SendCalls>().connectUnixDatagram(path), path)
}

/**
 * Sends as many datagrams as go without waiting.
 *
 * @param ends where each of them ends in the buffer
 * @returns how many went; fewer than all when the receiver's queue is full
 * @throws SystemError
 */
export function sendDatagrams(fd: number, bytes: Buffer, ends: number[]): number {
  const offsets = Buffer.from(Uint32Array.from(ends).buffer)
  const sent = native<SendCalls>().sendDatagrams(fd, bytes, offsets)
  return sent === -EAGAIN ? 0 : check('send', sent)
}

/**
 * What was written to a stream socket and the other side does not have yet: its kernel with TCP, its program with a
 * unix socket.
 *
 * @see SIOCOUTQ, tcp(7) and unix(7)
 */
export function unsentBytes(fd: number): number {
  return check('ioctl SIOCOUTQ', native<SendCalls>().unsentBytes(fd))
}
