import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'

/** What log drivers send to, with what came. */
export interface Collector {
  port: number
  /** Datagrams, or the bytes of each connection. */
  received: Buffer[]
  text(): string
  /** Resolves when it holds of what came. */
  until(holds: (collector: Collector) => boolean, timeoutMs?: number): Promise<void>
  close(): Promise<void>
}

export const COLLECTOR_TLS = path.resolve(import.meta.dirname, '../fixtures/collector-tls')

export async function collectUdp(): Promise<Collector> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.setRecvBufferSize(4 << 20)
  const received: Buffer[] = []
  socket.on('message', (message) => received.push(message))
  return collector(socket.address().port, received, async () => {
    socket.close()
    await once(socket, 'close')
  })
}

export interface StreamCollector extends Collector {
  /** Every connection there was. */
  connections: net.Socket[]
}

/** @param answer what is said to each piece that comes, if anything */
export async function collectStream(
  options: {
    port?: number
    path?: string
    tls?: boolean
    answer?: (chunk: Buffer, socket: net.Socket) => void
  } = {},
): Promise<StreamCollector> {
  const received: Buffer[] = []
  const connections: net.Socket[] = []
  const serve = (socket: net.Socket): void => {
    const index = connections.push(socket) - 1
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      received[index] = Buffer.concat([received[index] ?? Buffer.alloc(0), chunk])
      options.answer?.(chunk, socket)
    })
  }
  const server =
    options.tls === true
      ? tls.createServer(
          {
            key: fs.readFileSync(path.join(COLLECTOR_TLS, 'key.pem')),
            cert: fs.readFileSync(path.join(COLLECTOR_TLS, 'cert.pem')),
          },
          serve,
        )
      : net.createServer(serve)
  if (options.path === undefined) server.listen(options.port ?? 0, '127.0.0.1')
  else server.listen(options.path)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    ...collector(port, received, async () => {
      for (const socket of connections) socket.destroy()
      server.close()
      await once(server, 'close')
    }),
    connections,
  }
}

/** A unix socket for datagrams, which Node has no call for: perl, which every Debian has, puts a length before each. */
export async function collectUnixDatagrams(socketPath: string): Promise<Collector> {
  const program = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0) or die; bind(S, sockaddr_un($ARGV[0])) or die;
    $| = 1; syswrite(STDOUT, pack("N", 0)); while (defined(recv(S, $m, 1 << 20, 0))) { syswrite(STDOUT, pack("N", length $m) . $m) }`
  const child = spawn('perl', ['-e', program, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] })
  const received: Buffer[] = []
  let rest: Buffer = Buffer.alloc(0)
  let ready = (): void => undefined
  const listening = new Promise<void>((resolve) => (ready = resolve))
  child.stdout.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const length = rest.readUInt32BE(0)
      if (length === 0) ready()
      else received.push(rest.subarray(4, 4 + length))
      rest = rest.subarray(4 + length)
    }
  })
  await listening
  return collector(0, received, async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    fs.rmSync(socketPath, { force: true })
  })
}

function collector(port: number, received: Buffer[], close: () => Promise<void>): Collector {
  const self: Collector = {
    port,
    received,
    text: () => Buffer.concat(received.filter(Buffer.isBuffer)).toString(),
    until: async (holds, timeoutMs = 20_000) => {
      const deadline = Date.now() + timeoutMs
      while (!holds(self)) {
        if (Date.now() > deadline)
          throw new Error(`it never came; there was ${JSON.stringify(self.text().slice(-2000))}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    close,
  }
  return self
}

export type Unpacked = string | number | Buffer | Unpacked[] | { [key: string]: Unpacked }

/** The whole MessagePack values at the start of the bytes. */
export function unpackAll(bytes: Buffer): Unpacked[] {
  const values: Unpacked[] = []
  let at = 0
  const need = (count: number): number => {
    if (at + count > bytes.length) throw new RangeError('more is to come')
    at += count
    return at - count
  }
  const many = (count: number): Unpacked[] => Array.from({ length: count }, () => one())
  const map = (count: number): Unpacked =>
    Object.fromEntries(Array.from({ length: count }, () => [key(), one()]))
  const key = (): string => {
    const found = one()
    if (typeof found !== 'string') throw new TypeError('a key is no text')
    return found
  }
  const text = (length: number): string => {
    const from = need(length)
    return bytes.toString('utf8', from, from + length)
  }
  const one = (): Unpacked => {
    const kind = bytes.readUInt8(need(1))
    if (kind < 0x80) return kind
    if (kind < 0x90) return map(kind & 0x0f)
    if (kind < 0xa0) return many(kind & 0x0f)
    if (kind < 0xc0) return text(kind & 0x1f)
    switch (kind) {
      case 0xcc:
        return bytes.readUInt8(need(1))
      case 0xcd:
        return bytes.readUInt16BE(need(2))
      case 0xce:
        return bytes.readUInt32BE(need(4))
      case 0xd2:
        return bytes.readInt32BE(need(4))
      case 0xd3:
        return Number(bytes.readBigInt64BE(need(8)))
      case 0xd7: {
        const from = need(9)
        return bytes.subarray(from, from + 9)
      }
      case 0xd9:
        return text(bytes.readUInt8(need(1)))
      case 0xda:
        return text(bytes.readUInt16BE(need(2)))
      case 0xdc:
        return many(bytes.readUInt16BE(need(2)))
      case 0xde:
        return map(bytes.readUInt16BE(need(2)))
      default:
        throw new Error(`MessagePack kind ${kind.toString(16)} is not expected`)
    }
  }
  for (let whole = 0; whole < bytes.length; whole = at) {
    try {
      values.push(one())
    } catch (error) {
      if (error instanceof RangeError) break
      throw error
    }
  }
  return values
}
