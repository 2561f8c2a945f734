import { setMaxListeners } from 'node:events'
import type { ImageProgress } from '../contract/common.ts'

/** Progress of one layer is told this often at most. */
const INTERVAL_MS = 200

export interface ProgressSink {
  emit(line: ImageProgress): void
  /** A layer's counter. What comes too fast after the last of the same status is left out, unless it is complete. */
  count(id: string, status: string, current: number, total: number): void
}

/**
 * Runs work that reports as it goes, and yields what it reports. Counters that the reader was too slow for are replaced
 * by newer ones. Who stops reading cancels the work.
 *
 * @throws what the work throws, after all that it reported; the signal's reason when it fired
 */
export async function* reportProgress(
  work: (sink: ProgressSink, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageProgress> {
  const stop = new AbortController()
  const combined = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  // each layer's work listens
  setMaxListeners(0, combined)
  const queue = new ProgressQueue()
  let ended = false
  const running = work(queue, combined).finally(() => {
    ended = true
    queue.wake()
  })
  // awaited below; a reader that went away must not make it an unhandled rejection
  running.catch(() => undefined)
  try {
    for (;;) {
      const line = queue.take()
      if (line) yield line
      else if (ended) break
      else await queue.more()
    }
    await running
  } finally {
    stop.abort()
    await running.catch(() => undefined)
  }
}

class ProgressQueue implements ProgressSink {
  readonly #lines: ImageProgress[] = []
  readonly #told = new Map<string, { status: string; at: number }>()
  #wake: (() => void) | undefined

  emit(line: ImageProgress): void {
    this.#lines.push(line)
    this.wake()
  }

  count(id: string, status: string, current: number, total: number): void {
    const now = performance.now()
    const last = this.#told.get(id)
    const isComplete = total > 0 && current >= total
    if (!isComplete && last?.status === status && now - last.at < INTERVAL_MS) return
    this.#told.set(id, { status, at: now })
    const line: ImageProgress = {
      status,
      progressDetail: total > 0 ? { current, total } : { current },
      progress: progressBar(current, total),
      id,
    }
    const waiting = this.#lines.findIndex((queued) => queued.id === id && queued.status === status)
    if (waiting >= 0) this.#lines[waiting] = line
    else this.emit(line)
  }

  take(): ImageProgress | undefined {
    return this.#lines.shift()
  }

  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}

/** A pause before the next try, as Docker tells of it. */
export function retrying(seconds: number): string {
  const whole = Math.ceil(seconds)
  return `Retrying in ${whole} ${whole === 1 ? 'second' : 'seconds'}`
}

/** The text that docker's terminals show behind a layer's state, without the time left. */
export function progressBar(current: number, total: number): string {
  if (total <= 0) return humanSize(current).padStart(8)
  const percent = Math.min(50, Math.floor((current / total) * 50))
  const bar = `${'='.repeat(percent)}>${' '.repeat(Math.max(0, 50 - percent))}`
  return `[${bar}]  ${humanSize(current).padStart(8)}/${humanSize(total)}`.replace(/=>\]/, '>]')
}

/** Four digits with units of a thousand, as Docker shows sizes: `1.234MB`. */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let unit = 0
  let value = bytes
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${Number(value.toPrecision(4))}${units[unit] ?? ''}`
}
