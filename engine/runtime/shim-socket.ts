import net from 'node:net'
import os from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { ConflictError, SystemError, UnavailableError } from '../errors.ts'
import { connectUnixStream } from '../native/send.ts'
import { Fields, HEADER_BYTES, type Message } from './shim-protocol.ts'

/** How long a crowd at a shim's door is looked at again, and how often. */
const CROWDED_MS = 10_000
const AGAIN_MS = 2

/** A connection for one request and the stream that may follow: either half ends by itself. */
export async function connect(socketPath: string): Promise<net.Socket> {
  const fd = await connectDescriptor(socketPath)
  return new net.Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
}

/** @throws SystemError, about which `isNobodyThere` can be asked; UNAVAILABLE when there is a crowd for ten seconds */
export async function connectDescriptor(socketPath: string): Promise<number> {
  const deadline = performance.now() + CROWDED_MS
  for (;;) {
    const fd = connectUnixStream(socketPath)
    if (fd !== undefined) return fd
    if (performance.now() > deadline)
      throw new UnavailableError(`${socketPath}: too many clients wait to be accepted`)
    await setTimeout(AGAIN_MS)
  }
}

const { EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM } = os.constants.errno
/** What keeps us from connecting for a while, whoever listens. */
const PASSING: ReadonlySet<number> = new Set([EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM])

/** Whether a connect failed for the reason that no shim listens (ENOENT, ECONNREFUSED): it is dead, or never was there. */
export function isNobodyThere(error: unknown): boolean {
  return error instanceof SystemError && !PASSING.has(error.errno)
}

/** One request, one answer. Nothing behind the answer is read: it belongs to whoever takes the stream over. */
export function ask(socket: net.Socket, request: Buffer): Promise<Message> {
  return new Promise((resolve, reject) => {
    let header: Buffer | undefined
    const finish = (): void => {
      socket.off('readable', onReadable)
      for (const event of ['error', 'close', 'end']) socket.off(event, onLost)
    }
    const onReadable = (): void => {
      header ??= (socket.read(HEADER_BYTES) as Buffer | null) ?? undefined
      if (!header) return
      const length = header.readUInt32LE(0)
      const payload = length === 0 ? Buffer.alloc(0) : (socket.read(length) as Buffer | null)
      if (!payload) return
      finish()
      resolve({ kind: header.readUInt16LE(4), payload: new Fields(payload) })
    }
    const onLost = (): void => {
      finish()
      reject(new ConflictError('the container is not running'))
    }
    socket.on('readable', onReadable)
    for (const event of ['error', 'close', 'end']) socket.on(event, onLost)
    socket.write(request)
  })
}
