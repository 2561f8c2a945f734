import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import {
  ConflictError,
  EngineError,
  InvalidParameterError,
  NotFoundError,
  UnavailableError,
} from '../errors.ts'
import { shimPath } from '../native/addon.ts'
import { connectUnixStream } from '../native/net.ts'
import { closeFd } from '../native/process.ts'
import { openExecutable, socketPair, spawnDetached } from '../native/spawn.ts'
import type { OciProcess, OciSpec } from '../types/oci-runtime.ts'
import { OciBundle } from './bundle.ts'
import { ContainerLaunchError } from './launch-error.ts'
import type { OciRuntime } from './oci-runtimes.ts'
import { encodeExecPlan, encodePlan } from './plan.ts'
import { withRuntimeWords } from './runtime-log.ts'
import { encodeRuntimeExecPlan, encodeRuntimePlan } from './runtime-plan.ts'
import type {
  AttachFlags,
  Exited,
  ExecState,
  LaunchFailure,
  LogNews,
  Message,
  Snapshot,
} from './shim-protocol.ts'
import {
  attachFlags,
  dateOf,
  encodeRequest,
  Fields,
  HEADER_BYTES,
  MAX_REQUEST_BYTES,
  MessageReader,
  readExited,
  readFailure,
  readLogNews,
  readSnapshot,
  Request,
  Saying,
} from './shim-protocol.ts'

export { ContainerLaunchError } from './launch-error.ts'

/** How the shim writes the log; rotated files are `.1` (newest), `.2`, … */
export interface LogTarget {
  path: string
  /** 0: it is never rotated. */
  maxSizeBytes: number
  maxFiles: number
  /** Rotated files may be replaced by `.N.gz`; the shim then tells of each rotation. */
  compress?: boolean
  /** `"attrs":{…},` as it stands in every line, or nothing. */
  attributes?: string
}

export interface LaunchOptions {
  id: string
  /** `<run>/c/<id>`; exists. The plan, the socket and shim.log are kept there. */
  runDir: string
  spec: OciSpec
  /** The program that makes the container in place of the shim itself. */
  runtime?: OciRuntime | undefined
  /** struct sock_filter[], from compileSeccomp. */
  seccompFilter?: Buffer | undefined
  rootfs:
    | {
        kind: 'overlay'
        layersRoot: string
        /** Names relative to layersRoot, topmost first. */
        lower: string[]
        upper: string
        work: string
      }
    | { kind: 'bind'; path: string }
  /** The cgroup.procs files that the container enters: one for each v1 hierarchy, or one of v2. */
  cgroup: { procs: string[] }
  /** null: nothing is logged. */
  log: LogTarget | null
  exitPath: string
  tty: boolean
  openStdin: boolean
  stdinOnce: boolean
  size?: { rows: number; cols: number }
  /** Attached clients to await (three seconds at most) before the container's first output is read. */
  holdFor?: number
}

export interface ExecOptions extends AttachFlags {
  id: string
  process: OciProcess
  seccompFilter?: Buffer | undefined
  /** The container's cgroup; the shim knows it from the launch. */
  cgroup?: { procs: string[] }
  detach: boolean
}

export interface StartedExec {
  pid: number
  /** Absent when detached. */
  stream?: Duplex
  /** The exit code; rejects (UNAVAILABLE) when the shim dies first. */
  exited: Promise<number>
}

export interface ExitRecord {
  code: number
  at: Date
}

/**
 * Starts a container: writes its launch plan and runs gantry-shim with it, which outlives this process.
 *
 * @throws ContainerLaunchError when its process could not be started; nothing of it is left then
 */
export async function launchContainer(options: LaunchOptions): Promise<Shim> {
  const { runtime } = options
  const bundle = runtime && OciBundle.create({ ...options, runtime })
  const plan = bundle ? encodeRuntimePlan(options, bundle) : encodePlan(options)
  fs.rmSync(options.exitPath, { force: true })
  // it holds the environment, and so, often, secrets
  fs.writeFileSync(path.join(options.runDir, 'plan'), plan, { mode: 0o600 })
  const { answer, link, shimPid } = await runShim(options.runDir)
  if (answer.kind === Saying.error) {
    const failure = readFailure(answer.payload)
    throw new ContainerLaunchError(
      'container',
      bundle ? withRuntimeWords(failure, bundle.log) : failure,
      options.spec.process.args[0] ?? '',
    )
  }
  const snapshot = { pid: answer.payload.u32(), shimPid, exitPath: options.exitPath, execs: [] }
  return new Shim(path.join(options.runDir, 's'), link, snapshot, bundle)
}

/**
 * Finds the shim of a running container again.
 *
 * @throws NOT_FOUND when there is none: the exit record then tells how the container ended
 */
export async function connectShim(runDir: string): Promise<Shim> {
  const socketPath = path.join(runDir, 's')
  let socket: net.Socket | undefined
  try {
    socket = await connect(socketPath)
    const link = new WatchLink(socket)
    const snapshot = await link.watch()
    return new Shim(socketPath, link, snapshot, OciBundle.open(runDir))
  } catch (cause) {
    socket?.destroy()
    throw new NotFoundError(`no shim listens at ${socketPath}`, { cause })
  }
}

/** What the shim wrote when the container ended; null when it has not, or the shim was killed. */
export async function readExitRecord(exitPath: string): Promise<ExitRecord | null> {
  const text = await fs.promises.readFile(exitPath, 'utf8').catch(() => '')
  const match = /^(\d+) (\d+)\.(\d{9})\n$/.exec(text)
  if (!match) return null
  const [, code = '', seconds = '', nanos = ''] = match
  return { code: Number(code), at: dateOf(BigInt(seconds), Number(nanos)) }
}

/** The engine's side of one running gantry-shim. */
export class Shim {
  /** The container's init, as the host counts. */
  readonly pid: number
  readonly shimPid: number
  /** Resolves when the container has ended and its last output is on its way; null when the shim died without a word. */
  readonly ended: Promise<ExitRecord | null>
  readonly #socketPath: string
  readonly #link: WatchLink
  readonly #bundle: OciBundle | undefined

  /** Made by launchContainer and connectShim. */
  constructor(socketPath: string, link: WatchLink, snapshot: Snapshot, bundle?: OciBundle) {
    this.#socketPath = socketPath
    this.#link = link
    this.#bundle = bundle
    this.pid = snapshot.pid
    this.shimPid = snapshot.shimPid
    this.ended = link.ended.then((exit) => exit ?? readExitRecord(snapshot.exitPath))
  }

  /** The host only sees the sandbox that the container is in: nothing of it by way of its pid. */
  get sandboxed(): boolean {
    return this.#bundle?.hostProcesses === false
  }

  /** Hears what the shim has to tell of the container's log, also what it told before anyone listened. */
  onLogNews(listener: (news: LogNews) => void): void {
    this.#link.onLogNews(listener)
  }

  /** The execs of this container, also those that ended lately, as the shim knows them. */
  async execs(): Promise<ExecState[]> {
    return (await this.#link.watch()).execs
  }

  /** The exit code of an exec that runs; rejects (UNAVAILABLE) when the shim dies first. */
  async execExited(id: string): Promise<number> {
    const exited = this.#link.exited(id)
    // it may have ended before we began to listen
    const known = (await this.execs()).find((exec) => exec.id === id)
    if (known?.code !== undefined) this.#link.settle(id, known.code)
    else if (!known) this.#link.forget(id, new NotFoundError(`No such exec instance: ${id}`))
    return exited
  }

  /** Docker's raw stream of the container; ending the writable half ends its stdin as StdinOnce has it. */
  async attach(streams: AttachFlags): Promise<Duplex> {
    return this.#open(encodeRequest(Request.attach, attachFlags(streams)), 'attach')
  }

  /**
   * Runs a process beside the container's own.
   *
   * @throws ContainerLaunchError when it could not be started, CONFLICT when the container does not run
   */
  async exec(options: ExecOptions): Promise<StartedExec> {
    const bundle = this.#bundle
    if (!bundle) return this.#exec(options, encodeExecPlan(options), execFailure)
    const command = bundle.execCommand(options.id, options.process)
    try {
      const plan = encodeRuntimeExecPlan(options.id, options.process, command)
      return await this.#exec(options, plan, (failure, asked) =>
        execFailure(withRuntimeWords(failure, bundle.execLog(asked.id)), asked),
      )
    } finally {
      bundle.forgetExec(options.id, command)
    }
  }

  async #exec(
    options: ExecOptions,
    plan: Buffer,
    errorOf: (failure: LaunchFailure, asked: ExecOptions) => Error,
  ): Promise<StartedExec> {
    if (plan.length > MAX_REQUEST_BYTES) throw new InvalidParameterError('argument list too long')
    const flags = options.detach ? 0 : attachFlags(options)
    const exited = this.#link.exited(options.id)
    // nobody may be waiting for it
    exited.catch(() => undefined)
    const socket = await this.#connect()
    try {
      const message = await ask(socket, encodeRequest(Request.exec, flags, plan))
      if (message.kind !== Saying.ok) throw errorOf(readFailure(message.payload), options)
      const pid = message.payload.u32()
      if (flags === 0) {
        socket.destroy()
        return { pid, exited }
      }
      return { pid, stream: asStream(socket), exited }
    } catch (error) {
      socket.destroy()
      this.#link.forget(options.id, error)
      throw error
    }
  }

  /** Joins a running exec again; with a TTY its last 64 KiB of output come first. @throws NOT_FOUND when it is over */
  async attachExec(id: string): Promise<Duplex> {
    const flags = attachFlags({ stdin: true, stdout: true, stderr: true })
    return this.#open(encodeRequest(Request.attachExec, flags, encodeId(id)), `exec ${id}`)
  }

  /** Sets the size of the terminal of the container, or of an exec. @throws CONFLICT when it has none */
  async resize(size: { rows: number; cols: number }, execId = ''): Promise<void> {
    await this.#command(Request.resize, encodeNumbers(size.rows, size.cols), execId, 'resize')
  }

  /** Sends a signal to the container's init, or to an exec's process. @throws CONFLICT when it is over */
  async signal(signo: number, execId = ''): Promise<void> {
    if (execId === '' && this.#bundle && this.sandboxed) {
      await this.#bundle.kill(signo)
      return
    }
    await this.#command(Request.signal, encodeNumbers(signo), execId, `signal ${signo}`)
  }

  /** Drops the connections; the container and its shim live on, and `ended` is never settled. */
  close(): void {
    this.#link.close()
  }

  async #command(kind: number, fields: Buffer, execId: string, what: string): Promise<void> {
    const answer = await this.#link.ask(
      encodeRequest(kind, 0, Buffer.concat([fields, encodeId(execId)])),
    )
    if (answer.kind === Saying.ok) return
    const { errno } = readFailure(answer.payload)
    const whom = execId === '' ? 'the container' : `exec ${execId}`
    throw new ConflictError(
      `cannot ${what} ${whom}: ${errno === ESRCH ? 'it is not running' : `errno ${errno}`}`,
    )
  }

  async #open(request: Buffer, what: string): Promise<Duplex> {
    const socket = await this.#connect()
    try {
      const message = await ask(socket, request)
      if (message.kind !== Saying.ok) {
        throw tooMany(readFailure(message.payload)) ?? new NotFoundError(`${what} is not running`)
      }
      return asStream(socket)
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  async #connect(): Promise<net.Socket> {
    try {
      return await connect(this.#socketPath)
    } catch (cause) {
      if (this.#link.runs && !fs.existsSync(this.#socketPath)) {
        throw new EngineError(
          'SYSTEM',
          `somebody has removed the container's runtime directory ${path.dirname(this.#socketPath)}: restart the container`,
          { cause },
        )
      }
      throw new ConflictError('the container is not running', { cause })
    }
  }
}

const ESRCH = 3
const EAGAIN = 11
const ERROR_EXISTS = 17
const EUSERS = 87

/** What a shim says whose tables are full: a fixed number of each, so that its memory is bounded. */
function tooMany({ errno, step }: LaunchFailure): Error | undefined {
  if (step === 'connect' && errno === EUSERS)
    return new ConflictError(
      'too many clients are connected to the container (247 is the most): close some of them first',
    )
  if (step === 'exec in the container' && errno === EAGAIN)
    return new ConflictError(
      'too many execs run in the container (255 is the most): let some of them end first',
    )
  return undefined
}

function execFailure(failure: LaunchFailure, { id, process }: ExecOptions): Error {
  const full = tooMany(failure)
  if (full) return full
  if (failure.step === 'exec in the container' && failure.errno === ESRCH) {
    return new ConflictError('the container is not running')
  }
  if (failure.step === 'exec in the container' && failure.errno === ERROR_EXISTS) {
    return new ConflictError(`exec ${id} has already run`)
  }
  return new ContainerLaunchError('exec', failure, process.args[0] ?? '')
}

/** What a shim says only when it is asked. */
const ANSWERS: ReadonlySet<number> = new Set([Saying.ok, Saying.error, Saying.snapshot])

/** The connection that stays: exits are pushed over it, and commands go the other way. */
class WatchLink {
  /** null: the shim has gone without telling. Stays pending when we let go ourselves. */
  readonly ended: Promise<ExitRecord | null>
  readonly #socket: net.Socket
  readonly #reader = new MessageReader()
  readonly #answers: { resolve: (message: Message) => void; reject: (error: unknown) => void }[] =
    []
  readonly #execs = new Map<
    string,
    { promise: Promise<number>; resolve: (code: number) => void; reject: (error: unknown) => void }
  >()
  #end: (exit: ExitRecord | null) => void = () => undefined
  #closing = false
  #over = false
  readonly #logNews: LogNews[] = []
  #tellLogNews = (news: LogNews): void => {
    this.#logNews.push(news)
  }

  /** As far as anybody has told. */
  get runs(): boolean {
    return !this.#socket.destroyed && !this.#over
  }

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    socket.on('data', (bytes: Buffer) => {
      this.#reader.push(bytes)
      for (let message = this.#reader.next(); message; message = this.#reader.next())
        this.#take(message)
    })
    socket.on('error', () => {
      // 'close' follows and says all there is to say
    })
    socket.on('close', () => {
      this.#lost()
    })
  }

  /** The state now; from then on exits are pushed. */
  async watch(): Promise<Snapshot> {
    const { payload } = await this.ask(encodeRequest(Request.watch))
    return readSnapshot(payload)
  }

  ask(request: Buffer): Promise<Message> {
    if (!this.#socket.destroyed) this.#socket.write(request)
    return this.answer()
  }

  /** The next answer; they come in the order of the questions. */
  answer(): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new ConflictError('the container is not running'))
      else this.#answers.push({ resolve, reject })
    })
  }

  onLogNews(listener: (news: LogNews) => void): void {
    this.#tellLogNews = listener
    for (const news of this.#logNews.splice(0)) listener(news)
  }

  /** The end of an exec; ask before it is started. */
  exited(id: string): Promise<number> {
    const known = this.#execs.get(id)
    if (known) return known.promise
    let resolve: (code: number) => void = () => undefined
    let reject: (error: unknown) => void = () => undefined
    const promise = new Promise<number>((yes, no) => {
      resolve = yes
      reject = no
    })
    this.#execs.set(id, { promise, resolve, reject })
    return promise
  }

  settle(id: string, code: number): void {
    this.#execs.get(id)?.resolve(code)
    this.#execs.delete(id)
  }

  forget(id: string, reason: unknown): void {
    this.#execs.get(id)?.reject(reason)
    this.#execs.delete(id)
  }

  close(): void {
    this.#closing = true
    this.#socket.destroy()
  }

  #take(message: Message): void {
    if (message.kind === Saying.log) {
      const news = readLogNews(message.payload)
      if (news) this.#tellLogNews(news)
      return
    }
    if (ANSWERS.has(message.kind)) {
      this.#answers.shift()?.resolve(message)
      return
    }
    // a shim of before an upgrade also tells of execs that have started
    if (message.kind !== Saying.exited) return
    const exited: Exited = readExited(message.payload)
    if (exited.id !== '') {
      this.settle(exited.id, exited.code)
      return
    }
    this.#over = true
    this.#end({ code: exited.code, at: exited.at })
  }

  #lost(): void {
    for (const { reject } of this.#answers.splice(0))
      reject(new ConflictError('the container is not running'))
    if (!this.#closing) this.#end(null)
    for (const id of [...this.#execs.keys()])
      this.forget(id, new UnavailableError('the shim of the container is gone'))
  }
}

/**
 * Spawns the shim and awaits its first word: SAY_OK or SAY_ERROR. The pipe over which it comes goes on as the watch
 * connection, so that not even a container that ends at once can end unseen. After an error the shim is gone, and with
 * it all it had made.
 */
async function runShim(
  runDir: string,
): Promise<{ answer: Message; link: WatchLink; shimPid: number }> {
  const log = fs.openSync(path.join(runDir, 'shim.log'), 'a', 0o600)
  const [ours, theirs] = socketPair()
  // from here on the link owns our end
  const link = new WatchLink(new net.Socket({ fd: ours, readable: true, writable: true }))
  let isSpawned = false
  try {
    let gone: () => void = () => undefined
    const ended = new Promise<void>((resolve) => (gone = resolve))
    let child: ReturnType<typeof spawnDetached>
    try {
      child = spawnDetached(
        shimExecutable(),
        [shimPath(), runDir],
        [nullDevice(), nullDevice(), log, theirs],
        gone,
      )
      isSpawned = true
    } finally {
      // the shim has its own; as long as we hold it, its death does not end the link
      closeFd(theirs)
    }
    const answer = await link.answer()
    if (answer.kind === Saying.error) {
      link.close()
      await ended
    }
    // collected when it ends while we run, but not what keeps us running
    child.unref()
    return { answer, link, shimPid: child.pid }
  } catch (cause) {
    link.close()
    // the host's own words, when it could not even be spawned
    if (!isSpawned) throw cause
    throw new UnavailableError('gantry-shim died before the container was started', { cause })
  } finally {
    fs.closeSync(log)
  }
}

let executable: number | undefined
let nothing: number | undefined

/** Opened once: a shim that is replaced on disk by an upgrade is the next engine's. */
export function shimExecutable(): number {
  return (executable ??= openExecutable(shimPath()))
}

export function nullDevice(): number {
  return (nothing ??= fs.openSync('/dev/null', 'r+'))
}

/** How long a crowd at a shim's door is looked at again, and how often. */
const CROWDED_MS = 10_000
const AGAIN_MS = 2

async function connect(socketPath: string): Promise<net.Socket> {
  const deadline = performance.now() + CROWDED_MS
  for (;;) {
    const fd = connectUnixStream(socketPath)
    if (fd !== undefined)
      return new net.Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
    if (performance.now() > deadline)
      throw new UnavailableError(`${socketPath}: too many clients wait to be accepted`)
    await setTimeout(AGAIN_MS)
  }
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

/** The socket as a plain duplex: it ends when the shim has sent its last byte. */
function asStream(socket: net.Socket): Duplex {
  socket.on('error', () => {
    // EPIPE when the process closes its stdin or ends while we still write: 'close' tells
  })
  // the shim closes both ways at once; our half would else wait for an end() that may never come
  socket.on('end', () => {
    socket.end()
  })
  return socket
}

function encodeId(id: string): Buffer {
  const bytes = Buffer.from(`${id}\0`)
  return Buffer.concat([encodeNumbers(bytes.length - 1), bytes])
}

function encodeNumbers(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number >>> 0, 4 * index)
  return bytes
}
