import { closeSync, writeSync } from 'node:fs'
import type { BuildEvent } from '../../contract/builds.ts'
import { JournalEncoder } from './journal-line.ts'

/** Of one step's output this much is kept from its beginning … */
const STEP_HEAD_BYTES = 4 * 2 ** 20
/** … as long as all of the build's have together no more than this, … */
const BUILD_BYTES = 32 * 2 ** 20
/** … and this much from its end, where what went wrong stands. */
const STEP_TAIL_BYTES = 2 ** 18

const FLUSH_MS = 50
const FLUSH_CHARS = 2 ** 16

type Log = Extract<BuildEvent, { kind: 'log' }>

/** Where a journal goes. */
export interface JournalPlace {
  /** Makes the file. @returns its descriptor, which is the writer's to close */
  open: () => number
  warn: (error: unknown) => void
}

/**
 * Writes what happens in one build to a file, within bounds: a moment after it happens, so that a build that is over by
 * then is written in one go. A disk that refuses ends it, not the build.
 */
export class JournalWriter {
  /** Whether more may come. */
  isOpen = true
  readonly #encoder = new JournalEncoder()
  readonly #steps = new Map<
    string,
    { headBytes: number; tail: Log[]; tailBytes: number; clipped: number }
  >()
  readonly #listeners = new Set<() => void>()
  /** Undefined: nothing is written, or no more. */
  #place: JournalPlace | undefined
  #fd: number | undefined
  #waiting = ''
  #timer: NodeJS.Timeout | undefined
  #headBytes = 0

  constructor(place: JournalPlace) {
    this.#place = place
    this.#flushSoon()
  }

  take(event: BuildEvent): void {
    if (event.kind === 'log' && !this.#isHead(event)) return
    if (event.kind === 'finished' || event.kind === 'failed') this.#endStep(event.step)
    this.#put(this.#encoder.encode(event))
  }

  /** Has `more` called after each writing, and at the end. @returns how to stop */
  onMore(more: () => void): () => void {
    this.#listeners.add(more)
    return () => this.#listeners.delete(more)
  }

  end(): void {
    for (const step of [...this.#steps.keys()]) this.#endStep(step)
    this.flush()
    this.isOpen = false
    this.#close()
    for (const more of this.#listeners) more()
  }

  /** At once: it goes to the kernel's memory, which is quicker than two trips to a thread. */
  readonly flush = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const data = Buffer.from(this.#waiting)
    this.#waiting = ''
    const place = this.#place
    if (place === undefined) return
    try {
      this.#fd ??= place.open()
      for (let at = 0; at < data.length;) at += writeSync(this.#fd, data, at)
    } catch (error) {
      this.#close()
      place.warn(error)
    }
    for (const more of this.#listeners) more()
  }

  #close(): void {
    this.#place = undefined
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** What comes after the head of its step's output waits for the step's end. */
  #isHead(event: Log): boolean {
    const bytes = event.data.length
    const step = this.#steps.get(event.step) ?? { headBytes: 0, tail: [], tailBytes: 0, clipped: 0 }
    this.#steps.set(event.step, step)
    const isFull = step.tail.length > 0 || step.headBytes + bytes > STEP_HEAD_BYTES
    if (!isFull && this.#headBytes + bytes <= BUILD_BYTES) {
      step.headBytes += bytes
      this.#headBytes += bytes
      return true
    }
    step.tail.push(event)
    step.tailBytes += bytes
    while (step.tailBytes > STEP_TAIL_BYTES && step.tail.length > 1) {
      const dropped = step.tail.shift()?.data.length ?? 0
      step.tailBytes -= dropped
      step.clipped += dropped
    }
    return false
  }

  #endStep(name: string): void {
    const step = this.#steps.get(name)
    this.#steps.delete(name)
    if (!step || step.tail.length === 0) return
    if (step.clipped > 0)
      this.#put(this.#encoder.encode({ kind: 'clipped', step: name, bytes: step.clipped }))
    for (const event of step.tail) this.#put(this.#encoder.encode(event))
  }

  #put(line: string | undefined): void {
    if (line === undefined || this.#place === undefined) return
    this.#waiting += line
    if (this.#waiting.length >= FLUSH_CHARS) this.flush()
    else this.#flushSoon()
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(this.flush, FLUSH_MS)
  }
}
