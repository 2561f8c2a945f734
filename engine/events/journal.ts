import { writeSync } from 'node:fs'
import fs from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { StampedEvent } from './events.ts'

const READ_BYTES = 64 * 1024

/**
 * Events on disk: `journal` grows by JSON lines, and full ones become `journal.1`, `journal.2`, … until too old.
 *
 * A batch is written as soon as the one before it is done, so a burst costs few writes. It is not synced: events tell
 * an operator what happened, and survive the death of the process; the state itself is in documents that are.
 */
export class Journal {
  /** Time of the newest event. */
  last: number
  /** Time of the newest event that is no longer kept. */
  droppedUntil = 0
  readonly #dir: string
  readonly #maxFileBytes: number
  readonly #maxOldFiles: number
  #file: FileHandle
  #size: number
  #pending: StampedEvent[] = []
  #scheduled = false
  /** Everything done to the files, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #closed = false

  private constructor(options: {
    dir: string
    maxFileBytes: number
    maxOldFiles: number
    file: FileHandle
    size: number
    last: number
  }) {
    this.#dir = options.dir
    this.#maxFileBytes = options.maxFileBytes
    this.#maxOldFiles = options.maxOldFiles
    this.#file = options.file
    this.#size = options.size
    this.last = options.last
  }

  static async open(options: {
    dir: string
    maxFileBytes: number
    maxOldFiles: number
  }): Promise<Journal> {
    await fs.mkdir(options.dir, { recursive: true, mode: 0o700 })
    const current = path.join(options.dir, 'journal')
    const file = await fs.open(current, 'a+', 0o600)
    const size = await cutTornLine(file)
    let last = 0
    for (const name of [current, `${current}.1`]) {
      last = await lastTime(name)
      if (last > 0) break
    }
    return new Journal({ ...options, file, size, last })
  }

  append(event: StampedEvent): void {
    this.last = event.timeNano
    this.#pending.push(event)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#flush()
    })
  }

  /** Events with `after < time <= upTo`, oldest first. */
  async *read(after: number, upTo: number): AsyncGenerator<StampedEvent> {
    if (upTo <= after) return
    const files = await this.#openAll()
    try {
      for (const [index, file] of files.entries()) {
        // A file is skipped whole when the next one begins no later than where reading begins.
        const next = files[index + 1]
        if (next !== undefined && (await firstTime(next)) <= after) continue
        for await (const event of readEvents(file)) {
          if (event.timeNano <= after) continue
          if (event.timeNano > upTo) return
          yield event
        }
      }
    } finally {
      await Promise.all(files.map((file) => file.close()))
    }
  }

  async close(): Promise<void> {
    await this.#flush()
    this.#closed = true
    await this.#file.close()
  }

  /** All files, oldest first, with everything appended so far in them; they stay readable while others rotate. */
  async #openAll(): Promise<FileHandle[]> {
    await this.#flush()
    let opened: FileHandle[] = []
    await this.#queue(async () => {
      const names = [this.#name(0)]
      for (let index = 1; index <= this.#maxOldFiles; index++) names.unshift(this.#name(index))
      const found = await Promise.all(names.map((name) => fs.open(name, 'r').catch(missing)))
      opened = found.filter((file) => file !== undefined)
    })
    return opened
  }

  #flush(): Promise<void> {
    return this.#queue(async () => {
      const batch = this.#pending
      if (batch.length === 0 || this.#closed) return
      this.#pending = []
      const bytes = Buffer.from(batch.map((event) => `${JSON.stringify(event)}\n`).join(''))
      try {
        if (this.#size >= this.#maxFileBytes) await this.#rotate()
        appendAtOnce(this.#file.fd, bytes)
        this.#size += bytes.length
      } catch {
        // A full disk must not stop the engine: the live streams have the events, the journal lacks them.
        this.#size = await cutTornLine(this.#file).catch(() => this.#size)
      }
    })
  }

  async #rotate(): Promise<void> {
    const oldest = this.#name(this.#maxOldFiles)
    const dropped = await lastTime(oldest)
    for (let index = this.#maxOldFiles; index >= 1; index--) {
      await fs.rename(this.#name(index - 1), this.#name(index)).catch(missing)
    }
    this.droppedUntil = Math.max(this.droppedUntil, dropped)
    const file = await fs.open(this.#name(0), 'a+', 0o600)
    await this.#file.close()
    this.#file = file
    this.#size = 0
  }

  #name(index: number): string {
    return path.join(this.#dir, index === 0 ? 'journal' : `journal.${String(index)}`)
  }

  #queue(task: () => Promise<void>): Promise<void> {
    const done = this.#work.then(task)
    this.#work = done.catch(() => {
      // Told to whoever asked for this piece of work; the next piece starts afresh.
    })
    return done
  }
}

/**
 * Into the page cache, which takes microseconds; a worker thread and back takes longer than that, most of all on a busy
 * machine.
 */
function appendAtOnce(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
}

/** Takes away a last line that a dying process left unfinished; gives the size that remains. */
async function cutTornLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat()
  const buffer = Buffer.alloc(READ_BYTES)
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - READ_BYTES)
    const { bytesRead } = await file.read(buffer, 0, end - start, start)
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(0x0a)
    if (newline !== -1) {
      const whole = start + newline + 1
      if (whole < size) await file.truncate(whole)
      return whole
    }
    end = start
  }
  if (size > 0) await file.truncate(0)
  return 0
}

/** Time of a file's last event; 0 when there is none. */
async function lastTime(name: string): Promise<number> {
  const file = await fs.open(name, 'r').catch(missing)
  if (file === undefined) return 0
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - READ_BYTES)
    const buffer = Buffer.alloc(size - start)
    await file.read(buffer, 0, buffer.length, start)
    const lines = buffer.toString().split('\n')
    for (const line of lines.reverse()) {
      const event = parse(line)
      if (event !== undefined) return event.timeNano
    }
    return 0
  } finally {
    await file.close()
  }
}

async function firstTime(file: FileHandle): Promise<number> {
  const buffer = Buffer.alloc(READ_BYTES)
  const { bytesRead } = await file.read(buffer, 0, READ_BYTES, 0)
  const line = buffer.subarray(0, bytesRead).toString().split('\n', 1)[0] ?? ''
  return parse(line)?.timeNano ?? Infinity
}

async function* readEvents(file: FileHandle): AsyncGenerator<StampedEvent> {
  const buffer = Buffer.alloc(READ_BYTES)
  let rest: Buffer = Buffer.alloc(0)
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, at)
    if (bytesRead === 0) return
    at += bytesRead
    let bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
    for (let newline = bytes.indexOf(0x0a); newline !== -1; newline = bytes.indexOf(0x0a)) {
      const event = parse(bytes.subarray(0, newline).toString())
      bytes = bytes.subarray(newline + 1)
      if (event !== undefined) yield event
    }
    rest = Buffer.from(bytes)
  }
}

/** A line of the journal; undefined when a crash or a hand damaged it. */
function parse(line: string): StampedEvent | undefined {
  try {
    const event = JSON.parse(line) as StampedEvent | null
    return typeof event?.timeNano === 'number' ? event : undefined
  } catch {
    return undefined
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
