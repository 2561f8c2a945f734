import http from 'node:http'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { patient } from '../helpers/patience.ts'

const HEAD_END = '\r\n\r\n'

/** Asks the API for an answer in JSON (or none), as a client that is not the CLI does. */
export async function request(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const asked = http.request(
      {
        socketPath,
        method,
        path,
        agent: false,
        headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      },
      (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
        answer.on('end', () => {
          const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
          resolve({ status: answer.statusCode ?? 0, json })
        })
        answer.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** A connection taken over for a raw stream: by `Upgrade: tcp`, or the old way without. */
export class RawStream {
  readonly socket: net.Socket
  head = ''
  /** How many bytes behind the head came in the same read. */
  cameWithHead = 0
  /** How many bytes came after the head; with `keep: false` all that is known of them. */
  length = 0
  readonly #keep: boolean
  #chunks: Buffer[] = []
  readonly #ended: Promise<void>
  readonly #answered: Promise<void>

  private constructor(socketPath: string, keep: boolean) {
    this.#keep = keep
    this.socket = net.connect({ path: socketPath, allowHalfOpen: true })
    this.#ended = new Promise((resolve) => {
      this.socket.once('end', resolve)
      this.socket.once('close', () => resolve())
    })
    this.socket.on('error', () => undefined)
    this.#answered = new Promise((resolve, reject) => {
      let head: Buffer = Buffer.alloc(0)
      const take = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk])
        const end = head.indexOf(HEAD_END)
        if (end < 0) return
        this.head = head.subarray(0, end).toString('latin1')
        this.socket.off('data', take)
        const more = head.subarray(end + HEAD_END.length)
        this.cameWithHead = more.length
        this.#take(more)
        this.socket.on('data', (more: Buffer) => {
          this.#take(more)
        })
        resolve()
      }
      this.socket.on('data', take)
      void this.#ended.then(() => reject(new Error(`no answer; there was ${head.toString()}`)))
    })
  }

  /**
   * @param options.keep false for output that is too much to be kept
   * @param options.readAfterMs how long nothing is read of what comes
   */
  static async open(
    socketPath: string,
    path: string,
    options: { body?: unknown; upgrade?: boolean; keep?: boolean; readAfterMs?: number } = {},
  ): Promise<RawStream> {
    const raw = new RawStream(socketPath, options.keep ?? true)
    if (options.readAfterMs !== undefined) {
      raw.socket.pause()
      void sleep(options.readAfterMs).then(() => raw.socket.resume())
    }
    const body = options.body === undefined ? '' : JSON.stringify(options.body)
    const upgrade = (options.upgrade ?? true) ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : ''
    raw.socket.write(
      `POST ${path} HTTP/1.1\r\nHost: docker\r\n${upgrade}Content-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}${HEAD_END}${body}`,
    )
    await raw.#answered
    return raw
  }

  get status(): number {
    return Number(this.head.split(' ')[1])
  }

  get output(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Docker's frames taken apart. */
  get frames(): { stdout: Buffer; stderr: Buffer } {
    const parts: { 1: Buffer[]; 2: Buffer[] } = { 1: [], 2: [] }
    const bytes = this.output
    for (let at = 0; at + 8 <= bytes.length;) {
      const length = bytes.readUInt32BE(at + 4)
      parts[bytes[at] === 2 ? 2 : 1].push(bytes.subarray(at + 8, at + 8 + length))
      at += 8 + length
    }
    return { stdout: Buffer.concat(parts[1]), stderr: Buffer.concat(parts[2]) }
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes)
  }

  /** Closes our half alone: the end of standard input. */
  closeInput(): void {
    this.socket.end()
  }

  async ended(): Promise<this> {
    await this.#ended
    this.socket.destroy()
    return this
  }

  async until(words: string, timeoutMs = patient(20_000)): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!this.output.includes(words)) {
      if (Date.now() > deadline)
        throw new Error(`${words} never came; there was ${JSON.stringify(this.output.toString())}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Takes no more until `go`. */
  pause(): void {
    this.socket.pause()
  }

  go(): void {
    this.socket.resume()
  }

  destroy(): void {
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.length += chunk.length
    if (this.#keep && chunk.length > 0) this.#chunks.push(chunk)
  }
}
