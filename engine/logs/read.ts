import { watch } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import type { LogsOptions } from '../contract.ts'
import { LogFormatter } from './format.ts'
import { newerFiles, openLogFiles } from './files.ts'
import type { LogFile } from './files.ts'
import { seekSince, seekTail } from './seek.ts'

export interface LogSource {
  /** The json-file log; rotated ones stand beside it as `.1` (newest), `.2`, … */
  path: string
  /** With a TTY the output is plain, else framed. */
  tty: boolean
  options: LogsOptions
  /** Whether a writer is still at work; only then is there anything to follow. */
  running: boolean
  /** Settles when the writer has written its last byte. */
  ended: Promise<unknown>
}

/** Read at once. Longer lines make the buffer grow; the shim's are at most 16 KiB of text. */
const CHUNK_BYTES = 256 * 1024

/** A line that does not end within this is damage, and is skipped. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

/**
 * Reads a container's log as Docker's raw stream: history from where `tail` or `since` says, then with `follow` what is
 * written, over rotations, until `ended`. Reads no faster than it is read from.
 */
export function readLogs(source: LogSource, signal?: AbortSignal): Readable {
  const stop = new AbortController()
  const chunks = logChunks(source, stop.signal)
  const end = (): void => {
    stream.destroy()
  }
  const stream = new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      chunks.next().then(
        ({ done, value }) => {
          stream.push(done === true ? null : value)
        },
        (error: unknown) => stream.destroy(error as Error),
      )
    },
    destroy(error, done) {
      signal?.removeEventListener('abort', end)
      stop.abort()
      // The generator closes its files as soon as the read or the wait under way is over.
      chunks.return(undefined).then(
        () => done(error),
        () => done(error),
      )
    },
  })
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted === true) end()
  return stream
}

async function* logChunks(
  source: LogSource,
  signal: AbortSignal,
): AsyncGenerator<Buffer, undefined> {
  const { options, running } = source
  const follow = options.follow === true && running
  const formatter = new LogFormatter(source.tty, options)
  // The watch is there before the first look at the files, so that nothing written in between goes unseen.
  const changes = follow ? watchLog(source, signal) : undefined
  let files: LogFile[] = []
  try {
    files = await openLogFiles(source.path)
    if (options.tail !== undefined) await seekTail(files, options.tail)
    if (options.since !== undefined) await seekSince(files, options.since)
    let carry: Buffer = Buffer.alloc(0)
    while (!isAborted(signal)) {
      const ended = changes === undefined || changes.ended
      changes?.clear()
      for (let file = files[0]; file !== undefined; file = files[0]) {
        // What is written while a log that is not followed is read, comes no more.
        const limit = follow ? Infinity : file.sizeAtOpen
        for (;;) {
          if (isAborted(signal)) return undefined
          const chunk = await file.read(carry, CHUNK_BYTES, limit)
          if (chunk === undefined) break
          const used = yield* formatter.format(chunk)
          carry = chunk.subarray(used)
          if (formatter.past) return undefined
          if (carry.length > MAX_LINE_BYTES) carry = Buffer.alloc(0)
        }
        if (files.length === 1) break
        // A rotated file ends with a whole line; what is left of it will never be one.
        carry = Buffer.alloc(0)
        files.shift()
        await file.close()
      }
      if (changes === undefined) return undefined
      const rotated = await newerFiles(source.path, files[0])
      if (rotated.length > 0) {
        // Whatever came before the rotation is read to its end first: the loop goes on with the old file.
        files.push(...rotated)
        continue
      }
      if (ended) return undefined
      await changes.wait()
    }
    return undefined
  } finally {
    changes?.close()
    await Promise.all(files.map((file) => file.close()))
  }
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
function watchLog(source: LogSource, signal: AbortSignal): Changes {
  let changed = false
  let wake = (): void => undefined
  const touch = (): void => {
    changed = true
    wake()
  }
  const base = path.basename(source.path)
  const watcher = watch(path.dirname(source.path), (_event, name) => {
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
  source.ended.then(end, end)
  signal.addEventListener('abort', touch)
  const { until } = source.options
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
