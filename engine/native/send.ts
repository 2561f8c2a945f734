import { check, native } from './addon.ts'

interface SendCalls {
  connectUnixDatagram(path: string): number
  sendDatagrams(fd: number, bytes: Buffer, ends: Buffer): number
  unsentBytes(fd: number): number
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

const EAGAIN = 11

/**
 * What was written to a stream socket and the other side does not have yet: its kernel with TCP, its program with a
 * unix socket.
 *
 * @see SIOCOUTQ, tcp(7) and unix(7)
 */
export function unsentBytes(fd: number): number {
  return check('ioctl SIOCOUTQ', native<SendCalls>().unsentBytes(fd))
}
