import fs from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'

/** One file of a log, with where reading has come to. */
export class LogFile {
  readonly ino: number
  readonly sizeAtOpen: number
  readonly modifiedMs: number
  readonly handle: FileHandle
  position = 0
  #closed = false

  constructor(handle: FileHandle, stat: { ino: number; size: number; mtimeMs: number }) {
    this.handle = handle
    this.ino = stat.ino
    this.sizeAtOpen = stat.size
    this.modifiedMs = stat.mtimeMs
  }

  /**
   * Reads on, behind what was left over.
   *
   * @returns `carry` and at least one byte more, or undefined when nothing more is there
   */
  async read(carry: Buffer, wanted: number, limit: number): Promise<Buffer | undefined> {
    const room = Math.min(wanted, limit - this.position)
    if (room <= 0) return undefined
    const buffer = Buffer.allocUnsafe(carry.length + room)
    const { bytesRead } = await this.handle.read(buffer, carry.length, room, this.position)
    if (bytesRead === 0) {
      // With one file only, a full log is begun anew in place.
      const { size } = await this.handle.stat()
      if (size < this.position) this.position = 0
      if (size === 0 || this.position > 0) return undefined
      return this.read(Buffer.alloc(0), wanted, limit)
    }
    carry.copy(buffer)
    this.position += bytesRead
    return buffer.subarray(0, carry.length + bytesRead)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.handle.close()
  }
}

/** Opens a log's files, oldest first, the one being written last; none when nothing was ever written. */
export async function openLogFiles(logPath: string): Promise<LogFile[]> {
  return openSet(logPath, () => false)
}

/** After a rotation: the files begun since `current` was the newest, oldest first. */
export async function newerFiles(
  logPath: string,
  current: LogFile | undefined,
): Promise<LogFile[]> {
  const stat = await fs.stat(logPath).catch(missing)
  if (stat === undefined || stat.ino === current?.ino) return []
  return openSet(logPath, (ino) => ino === current?.ino)
}

/**
 * Opens from the newest file back to the oldest, or to the one where `stop` says so. A rotation meanwhile moves every
 * name by one, which shows by the newest name being another file than before: then it is done again.
 */
async function openSet(logPath: string, stop: (ino: number) => boolean): Promise<LogFile[]> {
  for (let attempt = 1; ; attempt++) {
    const files: LogFile[] = []
    const seen = new Set<number>()
    for (const name of await namesNewestFirst(logPath)) {
      const file = await open(name)
      if (file === undefined) continue
      if (stop(file.ino)) {
        await file.close()
        break
      }
      if (seen.has(file.ino)) {
        await file.close()
        continue
      }
      seen.add(file.ino)
      files.unshift(file)
    }
    const newest = await fs.stat(logPath).catch(missing)
    if (newest === undefined || newest.ino === files.at(-1)?.ino || attempt === 5) return files
    await Promise.all(files.map((file) => file.close()))
  }
}

/** The log and its rotated files; a crash of the writer may leave gaps in the numbers. */
async function namesNewestFirst(logPath: string): Promise<string[]> {
  const base = path.basename(logPath)
  const names = (await fs.readdir(path.dirname(logPath)).catch(missing)) ?? []
  const numbers = names
    .filter(
      (name) => name.startsWith(`${base}.`) && /^[1-9]\d{0,5}$/.test(name.slice(base.length + 1)),
    )
    .map((name) => Number(name.slice(base.length + 1)))
    .sort((one, other) => one - other)
  return [logPath, ...numbers.map((number) => `${logPath}.${String(number)}`)]
}

async function open(name: string): Promise<LogFile | undefined> {
  const handle = await fs.open(name, 'r').catch(missing)
  if (handle === undefined) return undefined
  try {
    return new LogFile(handle, await handle.stat())
  } catch (error) {
    await handle.close()
    throw error
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
