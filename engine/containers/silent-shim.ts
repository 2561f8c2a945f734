import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { ConflictError, UnavailableError } from '../errors.ts'
import { connectUnixStream } from '../native/send.ts'
import { closeFd, peerCredentials } from '../native/process.ts'
import { isNobodyThere } from '../runtime/shim-socket.ts'
import { connectShim, type Shim } from '../runtime/shim.ts'
import type { Container } from './container.ts'

/** How long a shim may take to answer before the engine goes on without it. */
const SILENT_MS = 5000

/**
 * A shim that listens but has not answered since the engine started: its disk hangs, or somebody has stopped it. Its
 * container runs, or hangs as well; all that can be done with it is to wait, to signal its init, and to kill the shim.
 */
export class SilentShim {
  /** Settled when it has answered; rejects when it is dead. */
  readonly answered: Promise<Shim>
  readonly #socketPath: string
  readonly #giveUp: AbortController

  /** Made by joinShim. */
  constructor(answered: Promise<Shim>, socketPath: string, giveUp: AbortController) {
    this.answered = answered
    this.#socketPath = socketPath
    this.#giveUp = giveUp
  }

  /** What to tell who wants something of it. */
  get refusal(): UnavailableError {
    return new UnavailableError(
      `the container's shim, which listens at ${this.#socketPath}, has not answered since the engine started: wait for it, or kill the container`,
    )
  }

  /**
   * Ends it, and with it all of the container.
   *
   * @throws CONFLICT when it is gone
   * @throws UNAVAILABLE when so many wait for it that the kernel does not say which process it is
   */
  kill(): void {
    const fd = this.#connect()
    try {
      // of a connected socket: who listens
      process.kill(peerCredentials(fd).pid, 'SIGKILL')
    } finally {
      closeFd(fd)
    }
  }

  /** It is somebody else's to wait for. */
  letGo(): void {
    this.#giveUp.abort()
  }

  #connect(): number {
    let fd: number | undefined
    try {
      fd = connectUnixStream(this.#socketPath)
    } catch (cause) {
      if (isNobodyThere(cause)) throw new ConflictError('the container is not running', { cause })
      throw cause
    }
    if (fd === undefined) throw this.refusal
    return fd
  }
}

/**
 * Finds the shim of a container that an engine before us started.
 *
 * @returns a SilentShim when it listens and has not answered in five seconds
 * @throws NOT_FOUND when there is none
 */
export async function joinShim({ runDir }: Container): Promise<Shim | SilentShim> {
  const giveUp = new AbortController()
  const answered = connectShim(runDir, giveUp.signal)
  const patience = new AbortController()
  try {
    const late = setTimeout(SILENT_MS, undefined, { signal: patience.signal })
    late.catch(() => undefined)
    const shim = await Promise.race([answered, late])
    return shim ?? new SilentShim(answered, path.join(runDir, 's'), giveUp)
  } finally {
    patience.abort()
  }
}

/** Sends a signal to the init of a container whose shim cannot. @throws CONFLICT when it is gone */
export function signalInit({ cgroup, id, state }: Container, signal: number): void {
  // its number may be another process's by now
  if (cgroup?.pids().includes(state.pid) !== true)
    throw new ConflictError(`container ${id} is not running`)
  process.kill(state.pid, signal)
}
