import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '../../errors.ts'
import { firstTime } from '../files.ts'
import { logLines } from '../lines.ts'
import { EntryParser } from './entries.ts'
import { Position } from './position.ts'
import type { LogEntry, LogSink, RetryPolicy } from './sink.ts'

export interface ForwarderOptions {
  logPath: string
  positionPath: string
  /** Whose log it is and where it goes, for warnings. */
  about: string
  open: () => LogSink
  retry: RetryPolicy
  warn: (message: string) => void
}

/** Entries of one batch: what is sent again when it fails, and all that is kept in memory. */
const BATCH_ENTRIES = 1000
const LONGEST_DELAY_MS = 30_000

/**
 * Sends a container's log to a collector, from the file that the shim writes, and remembers how far it has come: each
 * line at least once, in order, over restarts of the engine and of the collector. While the collector is away the files
 * are its queue; what they rotate away meanwhile is lost, and told.
 */
export class Forwarder {
  /** Tries are failing. */
  failing = false
  readonly #options: ForwarderOptions
  readonly #stop = new AbortController()
  readonly #position: Position
  readonly #sink: LogSink
  #ended: Promise<unknown>
  #over = false
  /** Resolves when all there was has been sent, or it was stopped. */
  done: Promise<void>

  /** @param ended settles when the writer has written its last byte */
  constructor(options: ForwarderOptions, ended: Promise<unknown>) {
    this.#options = options
    this.#ended = ended
    this.#position = new Position(options.positionPath)
    this.#sink = options.open()
    this.done = this.#work()
  }

  /** The container was started again while lines of the run before were still being sent. False: they are all sent. */
  goOn(ended: Promise<unknown>): boolean {
    this.#ended = ended
    return !this.#over
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.done
  }

  async #work(): Promise<void> {
    try {
      await this.#lookForGap()
      for (let ended: Promise<unknown> | undefined; ended !== this.#ended;) {
        ended = this.#ended
        await this.#sendUntil(ended)
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.#options.warn(`${this.#options.about} is no longer sent: ${errorMessage(error)}`)
      }
    } finally {
      this.#over = true
      this.#sink.close()
      this.#position.close()
    }
  }

  async #sendUntil(ended: Promise<unknown>): Promise<void> {
    const { signal } = this.#stop
    const parser = new EntryParser()
    const lines = logLines(
      {
        path: this.#options.logPath,
        since: this.#position.time === '' ? undefined : this.#position.time,
        follow: { ended },
        onOvertaken: () => {
          this.#tellGap()
        },
      },
      signal,
    )
    for await (const chunk of lines) {
      const entries = parser.parse(chunk, this.#position.time)
      for (let at = 0; at < entries.length; at += BATCH_ENTRIES) {
        await this.#deliver(entries.slice(at, at + BATCH_ENTRIES))
        if (signal.aborted) return
      }
    }
  }

  /** Sends a batch until it is taken, given up by the driver's options, or nobody wants it any more. */
  async #deliver(entries: LogEntry[]): Promise<void> {
    const { about, retry, warn } = this.#options
    const { signal } = this.#stop
    let delayMs = retry.firstDelayMs
    for (let tries = 1; ; tries++) {
      try {
        await this.#sink.send(entries, signal)
        if (this.failing) warn(`${about} is sent again`)
        this.failing = false
        break
      } catch (error) {
        if (isAborted(signal)) return
        if (!this.failing) warn(`${about} cannot be sent, tried again: ${errorMessage(error)}`)
        this.failing = true
        if (tries >= retry.maxTries) {
          warn(
            `${about}: ${String(entries.length)} lines were given up after ${String(tries)} tries`,
          )
          break
        }
        await sleep(delayMs, undefined, { signal, ref: false }).catch(() => undefined)
        if (isAborted(signal)) return
        delayMs = Math.min(Math.max(delayMs, 1) * 2, LONGEST_DELAY_MS)
      }
    }
    this.#position.advance(entries.at(-1)?.time ?? this.#position.time)
  }

  /** Whether files with lines that were never sent went away while no engine looked. */
  async #lookForGap(): Promise<void> {
    if (this.#position.time === '') return
    const oldest = await firstTime(this.#options.logPath)
    if (oldest !== undefined && oldest > this.#position.time) this.#tellGap()
  }

  #tellGap(): void {
    this.#options.warn(
      `${this.#options.about}: lines were rotated away before they could be sent; a larger cache-max-size keeps more`,
    )
  }
}

/** A function, because the compiler takes a property read once for settled. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
