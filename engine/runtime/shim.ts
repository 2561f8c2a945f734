import fs from 'node:fs'
import type net from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { ClientConnection, TakenConnection } from '../contract/common.ts'
import { ConflictError, EngineError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { OciProcess } from '../types/oci-runtime.ts'
import { OciBundle } from './bundle.ts'
import { readExitRecord, type ExitRecord } from './exit-record.ts'
import { ContainerLaunchError } from './launch-error.ts'
import { encodeExecPlan } from './plan.ts'
import { withRuntimeWords } from './runtime-log.ts'
import { encodeRuntimeExecPlan } from './runtime-plan.ts'
import type {
  AttachFlags,
  ExecState,
  LaunchFailure,
  LogNews,
  Message,
  Snapshot,
} from './shim-protocol.ts'
import {
  attachFlags,
  encodeNumbers,
  encodeRequest,
  encodeText,
  MAX_REQUEST_BYTES,
  readFailure,
  Request,
  Saying,
} from './shim-protocol.ts'
import { ask, connect } from './shim-socket.ts'
import { WatchLink } from './watch-link.ts'

export interface ExecOptions extends AttachFlags {
  id: string
  process: OciProcess
  seccompFilter?: Buffer | undefined
  /** The container's cgroup; the shim knows it from the launch. */
  cgroup?: { procs: string[] }
  detach: boolean
  client?: ClientConnection | undefined
}

export interface StartedExec {
  pid: number
  /** Absent when detached, and when the client was taken. */
  stream?: Duplex
  clientTaken: boolean
  /** The exit code; rejects (UNAVAILABLE) when the shim dies first. */
  exited: Promise<number>
}

/**
 * Finds the shim of a running container again.
 *
 * @param giveUp ends the waiting for one that listens and does not answer; what is thrown then does not matter
 * @throws NOT_FOUND when there is none: the exit record then tells how the container ended
 */
export async function connectShim(runDir: string, giveUp?: AbortSignal): Promise<Shim> {
  const socketPath = path.join(runDir, 's')
  const bundle = OciBundle.open(runDir)
  const { link, snapshot } = await WatchLink.open(socketPath, giveUp)
  return new Shim(socketPath, link, snapshot, bundle)
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
  readonly #takesDescriptors: boolean

  /** Made by launchContainer and connectShim. */
  constructor(socketPath: string, link: WatchLink, snapshot: Snapshot, bundle?: OciBundle) {
    this.#socketPath = socketPath
    this.#link = link
    link.keep(socketPath, snapshot.shimPid)
    this.#bundle = bundle
    this.#takesDescriptors = snapshot.takesDescriptors
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

  /**
   * The execs of this container, also those that ended lately, as the shim knows them. One that is being started is
   * waited for, within reason.
   */
  async execs(): Promise<ExecState[]> {
    const deadline = performance.now() + STARTING_MS
    for (;;) {
      const { execs, starting } = await this.#link.watch()
      if (starting.length === 0 || performance.now() > deadline) return execs
      await setTimeout(LOOK_MS)
    }
  }

  /** The exit code of an exec that runs; rejects (UNAVAILABLE) when the shim dies first, or has forgotten it. */
  execExited(id: string): Promise<number> {
    const exited = this.#link.exited(id)
    this.#link.started(id)
    // it may have ended before we began to listen
    void this.#link.compare()
    return exited
  }

  /** Docker's raw stream of the container; ending the writable half ends its stdin as StdinOnce has it. */
  async attach(streams: AttachFlags): Promise<Duplex> {
    return this.#open(encodeRequest(Request.attach, attachFlags(streams)), 'attach')
  }

  /** The same on a client's own connection; false when that has to stay where it is. */
  async attachClient(
    streams: AttachFlags,
    client: ClientConnection,
    tty: boolean,
  ): Promise<boolean> {
    const answer = await this.#give(client, tty, 0, async (taken) => {
      const said = await this.#link.attach(attachFlags(streams), taken)
      if (said) checkAttached(said, 'attach')
      return said
    })
    return answer !== undefined
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
    const { client, process } = options
    let socket: net.Socket | undefined
    try {
      const started =
        client &&
        flags !== 0 &&
        (await this.#give(client, process.terminal ?? false, plan.length, async (taken) => {
          const said = await this.#link.exec(options.id, flags, plan, taken)
          if (said?.failure) throw errorOf(said.failure, options)
          return said
        }))
      if (started) {
        this.#link.started(options.id)
        return { pid: started.pid, exited, clientTaken: true }
      }
      socket = await this.#connect()
      const message = await ask(socket, encodeRequest(Request.exec, flags, plan))
      if (message.kind !== Saying.ok) throw errorOf(readFailure(message.payload), options)
      const pid = message.payload.u32()
      this.#link.started(options.id)
      if (flags === 0) {
        socket.destroy()
        return { pid, exited, clientTaken: false }
      }
      return { pid, stream: asStream(socket), exited, clientTaken: false }
    } catch (error) {
      socket?.destroy()
      this.#link.forget(options.id, error)
      throw error
    }
  }

  /**
   * Gives the client's connection to the shim by `send`, when the two can do with each other directly.
   *
   * @param length of what goes with it, in bytes
   * @param send resolves with undefined when nothing could be sent
   * @returns undefined when the client has to stay where it is, as it does after a failure
   */
  async #give<T>(
    client: ClientConnection,
    tty: boolean,
    length: number,
    send: (taken: TakenConnection) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (!this.#takesDescriptors || !this.#link.isClear || length > PASSED_MAX_BYTES)
      return undefined
    const taken = client.take(tty)
    if (!taken) return undefined
    let answer: T | undefined
    try {
      answer = await send(taken)
    } finally {
      if (answer === undefined) client.giveBack()
      else client.letGo()
    }
    return answer
  }

  /** Joins a running exec again; with a TTY its last 64 KiB of output come first. @throws NOT_FOUND when it is over */
  async attachExec(id: string): Promise<Duplex> {
    const flags = attachFlags({ stdin: true, stdout: true, stderr: true })
    return this.#open(encodeRequest(Request.attachExec, flags, encodeText(id)), `exec ${id}`)
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
      encodeRequest(kind, 0, Buffer.concat([fields, encodeText(execId)])),
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
      checkAttached(message, what)
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

/** How long an exec may take to start for somebody who wants to know of all, and how often that is looked at. */
const STARTING_MS = 2000
const LOOK_MS = 10

/** Requests that mostly find room in the socket's buffer; what is larger goes the other way. */
const PASSED_MAX_BYTES = 32 << 10

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

function checkAttached(answer: Message, what: string): void {
  if (answer.kind !== Saying.ok)
    throw tooMany(readFailure(answer.payload)) ?? new NotFoundError(`${what} is not running`)
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
