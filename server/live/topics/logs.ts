import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../../engine/contract.ts'
import { errorCode } from '../../../engine/errors.ts'
import type { EventFeed } from '../event-feed.ts'
import { LogLines } from '../log-lines.ts'
import type { LogBatch, LogLine } from '../protocol.ts'
import type { Change, Merge, Source } from '../topic.ts'

/** Both bounds hold for the ring and for what waits for one browser. */
const MAX_LINES = 2000
const MAX_CHARS = 1024 * 1024
const BATCH_MS = 100
/** Lines taken per batch; a container that prints more waits in its log file, not in our memory or on our processor. */
const MAX_BATCH_LINES = 5000
/** The first reading counts as whole after this silence. */
const SETTLE_MS = 60
const LONGEST_SETTLE_MS = 2000
const RETRY_MS = 1000

/** A container's log: its last lines, then what it prints, on over stops and starts. */
export class LogsSource implements Source<'logs'> {
  readonly #engine: Engine
  readonly #feed: EventFeed
  readonly #id: string
  readonly #abort = new AbortController()
  readonly #ring = new Ring()
  #batch: LogLine[] = []
  /** Lines that came and went within one batch. */
  #skipped = 0
  #ended = false
  #timer: NodeJS.Timeout | undefined
  #publish: ((change: Change<'logs'>) => void) | undefined
  #stream: Readable | undefined
  #last = ''
  #arrived = 0
  #wake: (() => void) | undefined
  #stopListening: (() => void) | undefined

  constructor(engine: Engine, feed: EventFeed, id: string) {
    this.#engine = engine
    this.#feed = feed
    this.#id = id
  }

  async open(publish: (change: Change<'logs'>) => void): Promise<void> {
    this.#stopListening = this.#feed.listen({
      event: (event) => {
        if (event.Type !== 'container' || event.Actor?.ID !== this.#id) return
        if (event.Action === 'start' || event.Action === 'destroy') this.#wake?.()
      },
      resync: () => this.#wake?.(),
    })
    await this.#connect()
    await this.#settle()
    this.#publish = publish
    this.#batch = []
    this.#skipped = 0
    void this.#goOn()
  }

  snapshot(): LogBatch {
    // What waits in the batch will be published to everyone who joins now: not twice.
    const lines = this.#ring.lines()
    const waiting = this.#batch.length
    return {
      lines: waiting === 0 ? lines : lines.slice(0, Math.max(0, lines.length - waiting)),
      skipped: 0,
      ...(this.#ended ? { ended: true } : {}),
    }
  }

  close(): void {
    this.#abort.abort()
    this.#stopListening?.()
    clearTimeout(this.#timer)
    this.#stream?.destroy()
    this.#wake?.()
  }

  /** Opens the stream, from the last line on; resolves when it is open, lines then arrive by themselves. */
  async #connect(): Promise<void> {
    const { stream, tty } = await this.#engine.containers.logs(
      this.#id,
      {
        stdout: true,
        stderr: true,
        follow: true,
        timestamps: true,
        // A number of seconds has no room for nanoseconds: from a little earlier, and what is known is dropped.
        ...(this.#last === ''
          ? { tail: MAX_LINES }
          : { since: Date.parse(this.#last) / 1000 - 0.002 }),
      },
      this.#abort.signal,
    )
    const known = this.#last
    const lines = new LogLines({
      tty,
      emit: (line) => {
        if (known !== '' && line.time !== '' && !isLater(line.time, known)) return
        this.#take(line)
      },
    })
    this.#stream = stream
    this.#ended = false
    stream.on('data', (chunk: Buffer) => {
      this.#arrived = Date.now()
      lines.push(chunk)
      if (this.#batch.length > MAX_BATCH_LINES) stream.pause()
    })
    stream.on('end', () => {
      lines.end()
    })
    // Its end is waited for in #goOn; an error there is an end too.
    stream.on('error', () => undefined)
  }

  /** History comes in one go: it is whole when nothing more came for a moment. */
  async #settle(): Promise<void> {
    const began = Date.now()
    this.#arrived = began
    const { signal } = this.#abort
    while (
      !signal.aborted &&
      this.#stream?.readable === true &&
      Date.now() - began < LONGEST_SETTLE_MS
    ) {
      const quiet = Date.now() - this.#arrived
      if (quiet >= SETTLE_MS) return
      await sleep(SETTLE_MS - quiet, undefined, { signal }).catch(() => undefined)
      if (this.#stream.isPaused()) {
        this.#batch = []
        this.#stream.resume()
      }
    }
  }

  /** Waits for the stream's end, then for the container's next start, and so on. */
  async #goOn(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      const stream = this.#stream
      // Asked for before the end: a start right after it must not be missed.
      const started = new Promise<void>((resolve) => (this.#wake = resolve))
      if (stream && !stream.closed && !stream.readableEnded) {
        await new Promise<void>((resolve) => {
          stream.once('close', resolve)
          stream.once('end', resolve)
        })
      }
      if (signal.aborted) return
      this.#ended = true
      this.#flushSoon()
      const { running, gone } = await this.#look()
      if (gone) return
      if (running) await sleep(RETRY_MS / 10, undefined, { signal }).catch(() => undefined)
      else await started
      for (;;) {
        if (signal.aborted) return
        try {
          await this.#connect()
          break
        } catch (error) {
          if (errorCode(error) === 'NOT_FOUND') return
          await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
        }
      }
    }
  }

  async #look(): Promise<{ running: boolean; gone: boolean }> {
    try {
      const { State } = await this.#engine.containers.inspect(this.#id)
      return { running: State?.Running === true, gone: false }
    } catch (error) {
      return { running: false, gone: errorCode(error) === 'NOT_FOUND' }
    }
  }

  #take(line: LogLine): void {
    if (line.time !== '') this.#last = line.time
    this.#ring.push(line)
    this.#batch.push(line)
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (!this.#publish) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const lines = this.#batch
      this.#batch = []
      const skipped = this.#skipped
      this.#skipped = 0
      this.#publish?.(bounded({ lines, skipped, ...(this.#ended ? { ended: true } : {}) }))
      if (this.#stream?.isPaused() === true) this.#stream.resume()
    }, BATCH_MS)
  }
}

/** The last lines, both bounds held. */
class Ring {
  #lines: LogLine[] = []
  #from = 0
  #chars = 0

  push(line: LogLine): void {
    this.#lines.push(line)
    this.#chars += line.text.length
    while (
      this.#lines.length - this.#from > MAX_LINES ||
      (this.#chars > MAX_CHARS && this.#lines.length - this.#from > 1)
    ) {
      this.#chars -= this.#lines[this.#from]?.text.length ?? 0
      this.#from++
    }
    if (this.#from > MAX_LINES) {
      this.#lines = this.#lines.slice(this.#from)
      this.#from = 0
    }
  }

  lines(): LogLine[] {
    return this.#lines.slice(this.#from)
  }
}

/** Nanosecond stamps of one zone compare as text when equally long; of the engine they are. */
function isLater(time: string, than: string): boolean {
  if (time.length === than.length) return time > than
  const difference = Date.parse(time) - Date.parse(than)
  return difference === 0 ? time.replace(/Z$/, '') > than.replace(/Z$/, '') : difference > 0
}

/** Keeps the newest lines within the bounds and counts the others. */
function bounded(batch: LogBatch): LogBatch {
  let from = Math.max(0, batch.lines.length - MAX_LINES)
  let chars = 0
  for (let i = batch.lines.length - 1; i >= from; i--) {
    chars += batch.lines[i]?.text.length ?? 0
    if (chars > MAX_CHARS && i < batch.lines.length - 1) {
      from = i + 1
      break
    }
  }
  return from === 0
    ? batch
    : { ...batch, lines: batch.lines.slice(from), skipped: batch.skipped + from }
}

export const mergeLogs: Merge<'logs'> = (older, newer) =>
  bounded({
    lines: [...older.lines, ...newer.lines],
    skipped: older.skipped + newer.skipped,
    ...(newer.ended === true ? { ended: true } : {}),
  })
