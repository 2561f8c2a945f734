import dgram from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../../errors.ts'
import { closeFd } from '../../native/process.ts'
import { connectUnixDatagram, sendDatagrams } from '../../native/send.ts'

/** Sends datagrams in their order; what is accepted by the kernel counts as sent. */
export interface DatagramConnection {
  /** @throws UNAVAILABLE when nobody takes them */
  send(datagrams: Buffer[], signal: AbortSignal): Promise<void>
  close(): void
}

const LONGEST_WAIT_MS = 50

/** To a unix socket. Its receiver's queue holds some hundred; while it is full we come again, ever less often. */
export class UnixDatagrams implements DatagramConnection {
  readonly #path: string
  #fd: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  async send(datagrams: Buffer[], signal: AbortSignal): Promise<void> {
    const bytes = Buffer.concat(datagrams)
    const ends: number[] = []
    for (const { length } of datagrams) ends.push((ends.at(-1) ?? 0) + length)
    let from = 0
    let waitMs = 1
    try {
      while (ends.length > 0) {
        this.#fd ??= connectUnixDatagram(this.#path)
        const part = bytes.subarray(from)
        const sent = sendDatagrams(
          this.#fd,
          part,
          ends.map((end) => end - from),
        )
        from = ends.splice(0, sent).at(-1) ?? from
        waitMs = sent > 0 ? 1 : Math.min(waitMs * 2, LONGEST_WAIT_MS)
        if (ends.length > 0) await sleep(waitMs, undefined, { signal, ref: false })
      }
    } catch (cause) {
      this.close()
      throw new UnavailableError(`${this.#path}: ${words(cause)}`, { cause })
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeFd(this.#fd)
    this.#fd = undefined
  }
}

/** To an address of the network, which nobody may be listening at: UDP hardly ever tells. */
export class UdpDatagrams implements DatagramConnection {
  readonly #to: { host: string; port: number }
  #socket: Promise<dgram.Socket> | undefined

  constructor(to: { host: string; port: number }) {
    this.#to = to
  }

  async send(datagrams: Buffer[], _signal: AbortSignal): Promise<void> {
    const { host, port } = this.#to
    try {
      const socket = await (this.#socket ??= connectUdp(host, port))
      // some at a time: the kernel drops what its queue has no room for
      for (let at = 0; at < datagrams.length; at += UDP_AT_ONCE) {
        await Promise.all(
          datagrams.slice(at, at + UDP_AT_ONCE).map((datagram) => sendOne(socket, datagram)),
        )
      }
    } catch (cause) {
      this.close()
      throw new UnavailableError(`${host}:${String(port)}/udp: ${words(cause)}`, { cause })
    }
  }

  close(): void {
    this.#socket?.then(
      (socket) => socket.close(),
      () => undefined,
    )
    this.#socket = undefined
  }
}

const UDP_AT_ONCE = 64

async function connectUdp(host: string, port: number): Promise<dgram.Socket> {
  const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.unref()
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(port, host, resolve)
    })
  } catch (error) {
    socket.close()
    throw error
  }
  // ECONNREFUSED comes back from hosts where nobody listens; the datagrams are lost like any that UDP loses
  socket.on('error', () => undefined)
  return socket
}

function sendOne(socket: dgram.Socket, datagram: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(datagram, (error) => {
      if (error && (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') reject(error)
      else resolve()
    })
  })
}

function words(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
