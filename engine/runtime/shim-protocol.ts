/** The TypeScript side of engine/native/shim/protocol.h, where the messages are drawn and every field is listed. */

export const Request = {
  attach: 1,
  exec: 2,
  attachExec: 3,
  resize: 4,
  signal: 5,
  watch: 6,
} as const

export const Saying = {
  ok: 64,
  error: 65,
  snapshot: 66,
  exited: 67,
  log: 69,
  started: 70,
} as const

/** The largest request a shim takes; arguments and environment of an exec have to fit. */
export const MAX_REQUEST_BYTES = 4 << 20

export const HEADER_BYTES = 8

const FEATURE_PASSED = 1

/** Beside AttachFlags: the stream is of the descriptor that comes with the request. */
export const ATTACH_PASSED = 8

export interface AttachFlags {
  stdin: boolean
  stdout: boolean
  stderr: boolean
}

export interface Message {
  kind: number
  payload: Fields
}

export interface LaunchFailure {
  /** What was being done: `find`, `stat`, `exec`, `chdir`, `mount` … */
  step: string
  errno: number
  path: string
  /** What another runtime said, when it was that which failed. */
  words?: string
}

export interface ExecState {
  id: string
  pid: number
  running: boolean
  code?: number
}

export interface Snapshot {
  pid: number
  shimPid: number
  exitPath: string
  execs: ExecState[]
  /** It takes a descriptor to serve a stream on; a shim of before an upgrade may not. */
  takesDescriptors: boolean
  /** Execs whose start is still to be told. */
  starting: string[]
}

export interface Exited {
  /** '' is the container. */
  id: string
  pid: number
  code: number
  at: Date
}

/** What a shim tells of the container's log. */
export interface LogNews {
  /** `rotated` is only told when rotated files are to be compressed, and when it may have been told to nobody. */
  what: 'rotated' | 'failing' | 'again'
  /** Why it is, or was, failing; 0: it is not. */
  errno: number
  /** Lines that were lost, once it is written again. */
  lost: number
}

const LOG_NEWS = ['rotated', 'failing', 'again'] as const

export function readLogNews(payload: Fields): LogNews | undefined {
  const what = LOG_NEWS[payload.u32() - 1]
  return what && { what, errno: payload.u32(), lost: Number(payload.u64()) }
}

export function encodeRequest(kind: number, flags = 0, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(payload.length, 0)
  header.writeUInt16LE(kind, 4)
  header.writeUInt16LE(flags, 6)
  return Buffer.concat([header, payload])
}

/** A `str`. */
export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`)
  return Buffer.concat([encodeNumbers(bytes.length - 1), bytes])
}

export function encodeNumbers(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number >>> 0, 4 * index)
  return bytes
}

export function attachFlags({ stderr, stdin, stdout }: AttachFlags): number {
  return (stdin ? 1 : 0) | (stdout ? 2 : 0) | (stderr ? 4 : 0)
}

/** Cuts a stream of bytes into messages; `rest` is what came behind the last whole one. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0)

  get rest(): Buffer {
    return this.#rest
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
  }

  next(): Message | undefined {
    if (this.#rest.length < HEADER_BYTES) return undefined
    const end = HEADER_BYTES + this.#rest.readUInt32LE(0)
    if (this.#rest.length < end) return undefined
    const message = {
      kind: this.#rest.readUInt16LE(4),
      payload: new Fields(this.#rest.subarray(HEADER_BYTES, end)),
    }
    this.#rest = this.#rest.subarray(end)
    return message
  }
}

/** Reads the fields of a payload in their order. */
export class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Bytes that are still to be read. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  u32(): number {
    this.#at += 4
    return this.#bytes.readUInt32LE(this.#at - 4)
  }

  i32(): number {
    return this.u32() | 0
  }

  u64(): bigint {
    this.#at += 8
    return this.#bytes.readBigUInt64LE(this.#at - 8)
  }

  str(): string {
    const length = this.u32()
    const start = this.#at
    this.#at += length + 1
    return this.#bytes.toString('utf8', start, start + length)
  }
}

export function readFailure(payload: Fields): LaunchFailure {
  const errno = payload.i32()
  return { errno, step: payload.str(), path: payload.str() }
}

export function readSnapshot(payload: Fields): Snapshot {
  const snapshot: Snapshot = {
    pid: payload.u32(),
    shimPid: payload.u32(),
    exitPath: payload.str(),
    execs: [],
    takesDescriptors: false,
    starting: [],
  }
  for (let left = payload.u32(); left > 0; left--) {
    const exec = { id: payload.str(), pid: payload.u32(), running: payload.u32() === 1 }
    const code = payload.i32()
    snapshot.execs.push(exec.running ? exec : { ...exec, code })
  }
  // a shim of before an upgrade says less
  snapshot.takesDescriptors = payload.left >= 4 && (payload.u32() & FEATURE_PASSED) !== 0
  for (let left = payload.left >= 4 ? payload.u32() : 0; left > 0; left--)
    snapshot.starting.push(payload.str())
  return snapshot
}

/** How the start of an exec went whose stream was passed. */
export interface Started {
  id: string
  pid: number
  failure?: LaunchFailure
}

export function readStarted(payload: Fields): Started {
  const started = { id: payload.str(), pid: payload.u32() }
  const failure = readFailure(payload)
  return failure.errno === 0 ? started : { ...started, failure }
}

export function readExited(payload: Fields): Exited {
  const exited = { id: payload.str(), pid: payload.u32(), code: payload.i32() }
  return { ...exited, at: dateOf(payload.u64(), payload.u32()) }
}

/** Milliseconds are the finest that a Date holds. */
export function dateOf(seconds: bigint, nanos: number): Date {
  return new Date(Number(seconds) * 1000 + Math.floor(nanos / 1e6))
}
