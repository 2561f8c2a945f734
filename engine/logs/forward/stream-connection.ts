import net from 'node:net'
import tls from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../../errors.ts'
import { unsentBytes } from '../../native/send.ts'

export interface StreamTarget {
  to: { path: string } | { host: string; port: number }
  /** Undefined: no TLS. */
  tls?: tls.ConnectionOptions | undefined
  /** In what a failure is called. */
  about: string
}

const CONNECT_TIMEOUT_MS = 10_000
/** How long the other side may take none of what it is sent. */
const STALL_TIMEOUT_MS = 30_000
const LONGEST_LOOK_MS = 50

/**
 * A connection to a collector, made when it is first needed and anew after a failure.
 *
 * What is written counts as sent once the other side's kernel has acknowledged it: a collector that goes away takes
 * only with it what it had not read.
 */
export class StreamConnection {
  readonly #target: StreamTarget
  #open: { socket: net.Socket; raw: net.Socket; since: number } | undefined
  #received: Buffer[] = []
  #wake: () => void = () => undefined

  constructor(target: StreamTarget) {
    this.#target = target
  }

  /** How long the connection has been there; undefined without one. */
  get ageMs(): number | undefined {
    return this.#open && Date.now() - this.#open.since
  }

  /** @throws UNAVAILABLE when the other side cannot be reached, goes away, or takes nothing for too long */
  async send(
    bytes: Buffer,
    signal: AbortSignal,
    options: { timeoutMs?: number } = {},
  ): Promise<void> {
    try {
      const open = (this.#open ??= await this.#connect(signal))
      await this.#written(open.socket, bytes, signal)
      await this.#acknowledged(open, signal, options.timeoutMs ?? STALL_TIMEOUT_MS)
    } catch (cause) {
      this.close()
      throw this.#failure(cause)
    }
  }

  /** Everything received since the last call, once there is something. @throws UNAVAILABLE */
  async receive(signal: AbortSignal, timeoutMs: number): Promise<Buffer> {
    const deadline = Date.now() + timeoutMs
    while (this.#received.length === 0) {
      const left = deadline - Date.now()
      if (left <= 0 || signal.aborted || this.#open?.socket.destroyed !== false) {
        this.close()
        throw this.#failure(new Error(left <= 0 ? 'no answer came' : 'the connection was closed'))
      }
      const timer = new AbortController()
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        sleep(left, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).catch(
          () => undefined,
        ),
      ])
      timer.abort()
    }
    return Buffer.concat(this.#received.splice(0))
  }

  close(): void {
    this.#open?.socket.destroy()
    this.#open?.raw.destroy()
    this.#open = undefined
    this.#received = []
  }

  async #connect(
    signal: AbortSignal,
  ): Promise<{ socket: net.Socket; raw: net.Socket; since: number }> {
    const raw = net.connect(this.#target.to)
    const options = this.#target.tls
    const host = 'host' in this.#target.to ? this.#target.to.host : ''
    const socket =
      options === undefined
        ? raw
        : tls.connect({
            socket: raw,
            ...(net.isIP(host) === 0 ? { servername: host } : {}),
            ...options,
          })
    try {
      await new Promise<void>((resolve, reject) => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)])
        limit.addEventListener('abort', () =>
          reject(new Error('the connection was not made in time')),
        )
        raw.once('error', reject)
        socket.once('error', reject)
        socket.once('close', () => reject(new Error('the connection was closed')))
        socket.once(options === undefined ? 'connect' : 'secureConnect', resolve)
      })
    } catch (error) {
      socket.on('error', () => undefined)
      raw.on('error', () => undefined)
      socket.destroy()
      raw.destroy()
      throw error
    }
    raw.setKeepAlive(true, 30_000)
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk)
      // nobody waits for what a collector says unasked
      if (this.#received.length > 64) this.#received.splice(0, 32)
      this.#wake()
    })
    const lost = (): void => {
      if (this.#open?.socket === socket) this.close()
      this.#wake()
    }
    // whoever sends next hears of it
    raw.on('error', () => undefined)
    socket.on('error', () => undefined)
    socket.on('end', lost)
    socket.on('close', lost)
    socket.unref()
    return { socket, raw, since: Date.now() }
  }

  #written(socket: net.Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const closed = (): void => {
        reject(new Error('the connection was closed'))
      }
      const aborted = (): void => {
        reject(new Error('no longer wanted'))
      }
      const timer = setTimeout(() => {
        reject(new Error('it takes nothing'))
      }, STALL_TIMEOUT_MS)
      socket.once('close', closed)
      signal.addEventListener('abort', aborted)
      socket.write(bytes, (error) => {
        clearTimeout(timer)
        socket.off('close', closed)
        signal.removeEventListener('abort', aborted)
        if (error) reject(error)
        else resolve()
      })
    })
  }

  /** Looks, ever less often, until nothing is under way. */
  async #acknowledged(
    { raw }: { raw: net.Socket },
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<void> {
    let least = Infinity
    let deadline = Date.now() + timeoutMs
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, LONGEST_LOOK_MS)) {
      const fd = descriptorOf(raw)
      if (fd === undefined || raw.destroyed) throw new Error('the connection was closed')
      const unsent = unsentBytes(fd)
      if (unsent === 0) return
      if (unsent < least) {
        least = unsent
        deadline = Date.now() + timeoutMs
      } else if (Date.now() > deadline) {
        throw new Error('it takes nothing')
      }
      await sleep(waitMs, undefined, { signal, ref: false })
    }
  }

  #failure(cause: unknown): UnavailableError {
    const words = cause instanceof Error ? cause.message : String(cause)
    return new UnavailableError(`${this.#target.about}: ${words}`, { cause })
  }
}

/** Node has no public name for it; undefined once the socket is closed. */
function descriptorOf(socket: net.Socket): number | undefined {
  const handle = (socket as unknown as { _handle?: { fd?: number } | null })._handle
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}
