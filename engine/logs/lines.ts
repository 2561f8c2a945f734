import fs, { watch } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { newerFiles, openLogFiles } from './files.ts'
import type { LogFile } from './log-file.ts'
import { BEGUN_ANEW } from './log-file.ts'
import { seekSince, seekTail } from './seek.ts'

export interface LineSource {
  /** The json-file log; rotated ones stand beside it as `.1` (newest), `.2`, …, with .gz behind it when compressed. */
  path: string
  /** The number of lines from the end to begin with. */
  tail?: number | undefined
  /** Begin near the first line of that time or later, a key from timeKey. */
  since?: string | undefined
  /** Go on with what is written, over rotations, until `ended` settles: the writer has then written its last byte. */
  follow?: { ended: Promise<unknown>; until?: number | undefined } | undefined
  /** Files went away by rotation before they were read. */
  onOvertaken?: (() => void) | undefined
}

/** Read at once. Longer lines make the buffer grow; the shim's are at most 16 KiB of text. */
const CHUNK_BYTES = 256 * 1024

/** Between two looks at a log that is being written to without a pause: each costs some hundred microseconds. */
const PACE_MS = 2

/** A line that does not end within this is damage, and is skipped. */
const MAX_LINE_BYTES = 4 * 1024 * 1024
const NEWLINE = 0x0a

/**
 * The lines of a log as they stand in its files, several to a chunk, whole ones only. A chunk is the caller's until it
 * asks for the next: the buffer is used again.
 */
export async function* logLines(
  source: LineSource,
  signal: AbortSignal,
): AsyncGenerator<Buffer, undefined> {
  // The watch is there before the first look at the files, so that nothing written in between goes unseen.
  const changes = source.follow && watchLog(source.path, source.follow, signal)
  let files: LogFile[] = []
  try {
    files = await openLogFiles(source.path)
    if (source.tail !== undefined) await seekTail(files, source.tail)
    if (source.since !== undefined) await seekSince(files, source.since)
    const window = new Window()
    while (!isAborted(signal)) {
      const ended = changes === undefined || changes.ended
      changes?.clear()
      for (let file = files[0]; file !== undefined; file = files[0]) {
        // What is written while a log that is not followed is read, comes no more.
        for (;;) {
          const more = await window.fill(file, changes !== undefined)
          if (isAborted(signal)) return undefined
          if (!more) break
          const { full } = window
          const lines = window.lines()
          if (lines.length > 0) yield lines
          // All that was there is read. What has come since is better read with what comes next.
          if (changes !== undefined && files.length === 1 && !full) break
        }
        if (files.length === 1) break
        // A rotated file ends with a whole line; what is left of it will never be one.
        window.clear()
        files.shift()
        await file.close()
      }
      if (changes === undefined) return undefined
      if (isRotated(source.path, files[0])) {
        const newer = await newerFiles(source.path, files[0])
        if (newer.overtaken) source.onOvertaken?.()
        // Whatever came before the rotation is read to its end first: the loop goes on with the old file.
        files.push(...newer.files)
        if (newer.files.length > 0) continue
      }
      if (ended) return undefined
      const drainedAt = performance.now()
      await changes.wait()
      // who writes without a pause is read in larger pieces; a line after a silence is not kept waiting
      if (performance.now() - drainedAt < PACE_MS && !changes.ended) await sleep(PACE_MS)
    }
    return undefined
  } finally {
    changes?.close()
    await Promise.all(files.map((file) => file.close()))
  }
}

/** What was read of the files and not yet given out. */
class Window {
  #buffer: Buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  /** Given out before this. */
  #start = 0
  #end = 0

  /** Whether the last read had no room for more. */
  get full(): boolean {
    return this.#end === this.#buffer.length
  }

  /** Reads on behind what is left; false when nothing more is there. */
  async fill(file: LogFile, follow: boolean): Promise<boolean> {
    this.#makeRoom()
    const count = await file.read(this.#buffer, this.#end, follow)
    if (count === BEGUN_ANEW) {
      this.clear()
      return this.fill(file, follow)
    }
    this.#end += count
    return count > 0
  }

  /** The whole lines in it. */
  lines(): Buffer {
    const last = this.#end === this.#start ? -1 : this.#buffer.lastIndexOf(NEWLINE, this.#end - 1)
    const end = last < this.#start ? this.#start : last + 1
    const lines = this.#buffer.subarray(this.#start, end)
    this.#start = end
    return lines
  }

  clear(): void {
    this.#start = 0
    this.#end = 0
  }

  #makeRoom(): void {
    const left = this.#end - this.#start
    if (left > MAX_LINE_BYTES) {
      this.clear()
      return
    }
    const from = this.#buffer
    if (left > from.length / 2) this.#buffer = Buffer.allocUnsafe(from.length * 2)
    if (left > 0) from.copy(this.#buffer, 0, this.#start, this.#end)
    this.#start = 0
    this.#end = left
  }
}

/** Whether the log's name is another file's by now. A look at a name that was just used takes a few microseconds. */
function isRotated(logPath: string, current: LogFile | undefined): boolean {
  const stat = fs.statSync(logPath, { throwIfNoEntry: false })
  return stat !== undefined && stat.ino !== current?.ino
}

interface Changes {
  /** The writer is done. */
  ended: boolean
  clear(): void
  /** Resolves when something may have changed since clear(). */
  wait(): Promise<void>
  close(): void
}

/** Wakes at writes and rotations (inotify on the directory), at the writer's end, at `until` and at the signal. */
function watchLog(
  logPath: string,
  follow: NonNullable<LineSource['follow']>,
  signal: AbortSignal,
): Changes {
  let changed = false
  let wake = (): void => undefined
  const touch = (): void => {
    changed = true
    wake()
  }
  const base = path.basename(logPath)
  const watcher = watch(path.dirname(logPath), (_event, name) => {
    if (name === null || name.startsWith(base)) touch()
  })
  const end = (): void => {
    changes.ended = true
    touch()
  }
  const changes: Changes = {
    ended: false,
    clear: () => {
      changed = false
    },
    wait: async () => {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    close: () => {
      watcher.close()
      clearTimeout(timer)
      signal.removeEventListener('abort', touch)
    },
  }
  // The directory goes away with the container.
  watcher.on('error', end)
  follow.ended.then(end, end)
  signal.addEventListener('abort', touch)
  const { until } = follow
  const leftMs = until === undefined ? Infinity : until * 1000 - Date.now()
  // Timers hold 31 bits of milliseconds; who watches for longer than that is ended by the writer or the signal.
  const timer = leftMs < 2 ** 31 ? setTimeout(end, leftMs) : undefined
  timer?.unref()
  return changes
}

/** A function, because the compiler takes a property read once for settled. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}
