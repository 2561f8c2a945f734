import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../engine/contract.ts'
import { errorCode } from '../../engine/errors.ts'
import type { LiveSocket, Outbox } from './outbox.ts'
import type { Size } from './protocol.ts'

/** Output kept for who joins. */
const RING_BYTES = 1024 * 1024
/** Output waiting for one slow browser; beyond it the browser gets the ring anew instead. */
const MAX_WAITING_BYTES = 512 * 1024
/** Input waiting for a container that does not read. */
const MAX_INPUT_BYTES = 1024 * 1024
/** Output goes out in chunks of at most this: an Engine.IO packet each. */
const CHUNK_BYTES = 64 * 1024
const HANGUP_WAIT_MS = 2000
/** Resets the terminal (RIS), so that a replay does not begin in the middle of what was there. */
const RESET = Buffer.from('\x1bc')

export interface TerminalOptions {
  id: string
  kind: 'exec' | 'attach'
  title: string
  stream: Duplex
  /** The stream is in Docker's frames (attach without TTY). */
  framed?: boolean
  userId: string
  /** The sign-in it belongs to. */
  loginId: string
  graceMs: number
  resize: (size: Size) => Promise<void>
  exitCode: () => Promise<number | null>
  /** Ends what runs. */
  kill: () => Promise<void>
  onEnd: () => void
}

interface Member {
  socket: LiveSocket
  outbox: Outbox
  waiting: Buffer[]
  waitingBytes: number
  /** Too much was waiting: it gets the whole ring next. */
  behind: boolean
  size: Size | undefined
}

/**
 * One terminal on the server: its stream, its last output, and the browsers that show it.
 * A browser that is slow alone is brought up to date from the ring; when all are slow, the program has to wait.
 */
export class TerminalSession {
  readonly id: string
  readonly kind: 'exec' | 'attach'
  readonly title: string
  readonly userId: string
  readonly loginId: string
  readonly #options: TerminalOptions
  readonly #stream: Duplex
  readonly #ring: Buffer[] = []
  #ringBytes = 0
  readonly #members = new Map<string, Member>()
  #grace: NodeJS.Timeout | undefined
  #inputBytes = 0
  #detached = false
  #message: string | undefined
  #frames: Buffer = Buffer.alloc(0)
  ended = false

  constructor(options: TerminalOptions) {
    this.id = options.id
    this.kind = options.kind
    this.title = options.title
    this.userId = options.userId
    this.loginId = options.loginId
    this.#options = options
    this.#stream = options.stream
    this.#stream.on('data', (chunk: Buffer) => {
      this.#output(options.framed === true ? this.#unframe(chunk) : chunk)
    })
    this.#stream.on('error', () => undefined) // 'close' follows
    this.#stream.once('end', () => void this.#end())
    this.#stream.once('close', () => void this.#end())
    this.#armGrace()
  }

  /** From now on the browser gets the output, beginning with the last of it. */
  join(socket: LiveSocket, outbox: Outbox): void {
    clearTimeout(this.#grace)
    const member: Member = {
      socket,
      outbox,
      waiting: [],
      waitingBytes: 0,
      behind: this.#ringBytes > 0,
      size: undefined,
    }
    this.#members.set(socket.id, member)
    // After the acknowledgement, which names the session.
    setImmediate(() => {
      this.#flush(member)
    })
  }

  leave(socketId: string): void {
    if (!this.#members.delete(socketId)) return
    if (this.#members.size === 0) this.#armGrace()
    this.#resumeWhenTaken()
  }

  /** Passes input on; `taken` tells when the container has it. */
  write(data: string | Uint8Array, taken: (ok: boolean) => void): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (this.ended || this.#inputBytes + bytes.length > MAX_INPUT_BYTES || !this.#stream.writable) {
      taken(false)
      return
    }
    this.#inputBytes += bytes.length
    this.#stream.write(bytes, (error) => {
      this.#inputBytes -= bytes.length
      taken(!error)
    })
  }

  async resize(size: Size): Promise<void> {
    if (!this.ended) await this.#options.resize(size)
  }

  /** Ends it for good; `message` tells the browsers why. */
  async kill(message?: string): Promise<void> {
    if (this.ended) return
    this.#message ??= message
    await this.#options.kill().catch(() => undefined)
    // The stream normally ends by itself then; an attach's does not.
    this.#stream.destroy()
  }

  /** Lets go without ending what runs: the server stops. */
  detach(): void {
    this.#detached = true
    clearTimeout(this.#grace)
    this.#stream.destroy()
  }

  #output(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#ring.push(chunk)
    this.#ringBytes += chunk.length
    while (this.#ringBytes - (this.#ring[0]?.length ?? 0) >= RING_BYTES) {
      this.#ringBytes -= this.#ring.shift()?.length ?? 0
    }
    for (const member of this.#members.values()) {
      if (!member.behind) {
        member.waiting.push(chunk)
        member.waitingBytes += chunk.length
        if (member.waitingBytes > MAX_WAITING_BYTES) {
          member.behind = true
          member.waiting = []
          member.waitingBytes = 0
        }
      }
      this.#flush(member)
    }
    // With someone there and nobody able to take more the program waits; with nobody there it goes on.
    if (this.#members.size > 0 && [...this.#members.values()].every(isFull)) this.#stream.pause()
  }

  #flush(member: Member): void {
    member.outbox.whenFree(`terminal ${this.id}`, () => {
      if (this.#members.get(member.socket.id) !== member) return
      const bytes = member.behind
        ? Buffer.concat([RESET, withoutQueries(Buffer.concat(this.#ring))])
        : Buffer.concat(member.waiting)
      member.behind = false
      member.waiting = []
      member.waitingBytes = 0
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        member.socket.emit('terminal:output', this.id, bytes.subarray(at, at + CHUNK_BYTES))
      }
      this.#resumeWhenTaken()
    })
  }

  #resumeWhenTaken(): void {
    if (!this.#stream.isPaused()) return
    if (this.#members.size === 0 || ![...this.#members.values()].every(isFull))
      this.#stream.resume()
  }

  #armGrace(): void {
    clearTimeout(this.#grace)
    this.#grace = setTimeout(() => void this.kill(), this.#options.graceMs)
    this.#grace.unref()
  }

  async #end(): Promise<void> {
    if (this.ended) return
    this.ended = true
    clearTimeout(this.#grace)
    // The next server finds the exec by its record.
    if (this.#detached) return
    this.#options.onEnd()
    const exitCode = await settledExitCode(this.#options.exitCode)
    for (const member of this.#members.values()) {
      this.#flush(member)
      member.socket.emit('terminal:end', this.id, {
        exitCode,
        ...(this.#message === undefined ? {} : { message: this.#message }),
      })
    }
    this.#members.clear()
  }

  /** Takes Docker's frames apart; stdout and stderr look alike in a terminal, and lines need a carriage return. */
  #unframe(chunk: Buffer): Buffer {
    let data = Buffer.concat([this.#frames, chunk])
    const payloads: Buffer[] = []
    while (data.length >= 8) {
      const end = 8 + data.readUInt32BE(4)
      if (data.length < end) break
      payloads.push(data.subarray(8, end))
      data = data.subarray(end)
    }
    this.#frames = data
    return Buffer.from(
      Buffer.concat(payloads).toString('latin1').replaceAll(/\r?\n/g, '\r\n'),
      'latin1',
    )
  }
}

/**
 * Takes out what a terminal would answer (reports of status, device and mode, colours): the program asked once and has
 * its answer; another one would look like typed text.
 *
 * @see console_codes(4), "ECMA-48 Status Report Commands"; XTerm Control Sequences, DA, DECRQM, DECRQSS, OSC 4 and 10-19
 */
function withoutQueries(output: Buffer): Buffer {
  const text = output.toString('latin1')
  return Buffer.from(text.replaceAll(QUERIES, ''), 'latin1')
}

const QUERIES =
  /\x1b\[[>=?]?[\d;]*[cn]|\x1b\[\??[\d;]*\$p|\x1bP[$+]q[^\x1b]*\x1b\\|\x1b\](?:1\d|4;\d+);\?(?:\x07|\x1b\\)/g

function isFull(member: Member): boolean {
  return member.behind || member.waitingBytes > MAX_WAITING_BYTES / 2
}

/** The exit is known a moment after the stream's end. */
async function settledExitCode(exitCode: () => Promise<number | null>): Promise<number | null> {
  for (let i = 0; i < 20; i++) {
    const code = await exitCode().catch(() => null)
    if (code !== null) return code
    await sleep(i < 5 ? 5 : 25)
  }
  return null
}

/**
 * Ends an exec as a closed terminal window does: SIGHUP to the session's leader, then SIGKILL. The contract has no such
 * verb, but its process is on this host.
 */
export async function killExec(engine: Pick<Engine, 'execs'>, execId: string): Promise<void> {
  const first = await look(engine, execId)
  if (first === undefined || !signal(first, 'SIGHUP')) return
  for (let waited = 0; waited < HANGUP_WAIT_MS; waited += 50) {
    await sleep(50)
    if ((await look(engine, execId)) === undefined) return
  }
  const last = await look(engine, execId)
  if (last !== undefined) signal(last, 'SIGKILL')
}

/** The PID of a running exec. */
async function look(engine: Pick<Engine, 'execs'>, execId: string): Promise<number | undefined> {
  try {
    const { Running, Pid } = await engine.execs.inspect(execId)
    // 0 and 1 would be our own group and the host's init.
    return Running && Pid > 1 ? Pid : undefined
  } catch (error) {
    if (errorCode(error) === 'NOT_FOUND') return undefined
    throw error
  }
}

function signal(pid: number, name: 'SIGHUP' | 'SIGKILL'): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false // gone
  }
}
