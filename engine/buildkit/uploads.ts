import type { Readable } from 'node:stream'
import { ConflictError, InvalidParameterError } from '../errors.ts'

/** How long a context waits for its build, and a build for its context. */
const WAIT_MS = 10_000

/**
 * Contexts that clients send by a request of their own beside the one for the build, as the docker CLI before 23 does with
 * its standard input:
 *
 *     → POST /build?version=2&buildid=upload-request:ID   (the context)      … ← 200, when the build is over
 *     → POST /build?version=2&buildid=ID&remote=upload-request               … ← what happens in the build
 *
 * @see moby: daemon/internal/builder-next/builder.go, SetUpload and WaitUpload
 */
export class Uploads {
  readonly #meetings = new Map<string, Meeting>()

  /**
   * Hands a context over, and resolves when the build that took it is over.
   *
   * @throws CONFLICT when there is one of that name, INVALID_PARAMETER when no build takes it
   */
  async offer(id: string, tar: Readable, signal: AbortSignal): Promise<void> {
    const meeting = this.#meet(id)
    if (meeting.tar) throw new ConflictError(`a context for build ${id} is here already`)
    meeting.tar = tar
    meeting.changed()
    try {
      await until(() => meeting.isTaken || meeting.isOver, meeting, signal, WAIT_MS)
      if (!meeting.isTaken)
        throw new InvalidParameterError(`no build ${id} takes the context that was sent`)
      await until(() => meeting.isOver, meeting, signal)
    } finally {
      this.#meetings.delete(id)
    }
  }

  /** The context for a build. @throws INVALID_PARAMETER when none comes */
  async take(id: string, signal: AbortSignal): Promise<Readable> {
    const meeting = this.#meet(id)
    await until(() => meeting.tar !== undefined, meeting, signal, WAIT_MS)
    const { tar } = meeting
    if (!tar || meeting.isTaken) {
      // one that another build took is still to hear of that build's end
      if (!tar && this.#meetings.get(id) === meeting) this.#meetings.delete(id)
      throw new InvalidParameterError(`no context was sent for build ${id}`)
    }
    meeting.isTaken = true
    meeting.changed()
    return tar
  }

  /** A build is over. */
  end(id: string): void {
    const meeting = this.#meetings.get(id)
    if (!meeting) return
    meeting.isOver = true
    meeting.changed()
  }

  #meet(id: string): Meeting {
    const meeting = this.#meetings.get(id) ?? new Meeting()
    this.#meetings.set(id, meeting)
    return meeting
  }
}

class Meeting {
  tar: Readable | undefined
  isTaken = false
  isOver = false
  readonly #waiting = new Set<() => void>()

  changed(): void {
    for (const wake of this.#waiting) wake()
  }

  onChange(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }
}

/** Resolves once it holds, and also when the client goes or the time is over. */
async function until(
  holds: () => boolean,
  meeting: Meeting,
  signal: AbortSignal,
  timeoutMs?: number,
): Promise<void> {
  if (holds() || signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      stop()
      resolve()
    }
    const stop = meeting.onChange(() => {
      if (holds()) done()
    })
    const timer = timeoutMs === undefined ? undefined : setTimeout(done, timeoutMs)
    signal.addEventListener('abort', done)
  })
}
