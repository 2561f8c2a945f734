import type { BigIntStats } from 'node:fs'
import { fstatSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { readCached } from '../native/reads.ts'
import type { LogFile } from './log-file.ts'
import { BEGUN_ANEW, logFileId } from './log-file.ts'
import { lineTime } from './format.ts'

const BACK_BYTES = 64 * 1024
/** Where to stop halving and read on instead. */
const NEAR_BYTES = 512 * 1024
const NEWLINE = 0x0a

/** A file of the log as the shim writes it. */
export class PlainLogFile implements LogFile {
  readonly id: string
  readonly ino: number
  readonly modifiedMs: number
  readonly #handle: FileHandle
  readonly #sizeAtOpen: number
  #position = 0
  #closed = false

  constructor(handle: FileHandle, stat: BigIntStats) {
    this.#handle = handle
    this.id = logFileId(stat)
    this.ino = Number(stat.ino)
    this.#sizeAtOpen = Number(stat.size)
    this.modifiedMs = Number(stat.mtimeMs)
  }

  async read(into: Buffer, offset: number, follow: boolean): Promise<number> {
    // an inode that is open is in memory: this takes a microsecond, a trip to a worker thread fifty
    const size = follow ? fstatSync(this.#handle.fd).size : this.#sizeAtOpen
    if (size < this.#position) {
      // with one file only, a full log is begun anew in place
      this.#position = 0
      return BEGUN_ANEW
    }
    const room = Math.min(into.length - offset, size - this.#position)
    if (room === 0) return 0
    // What was just written is in memory, and sooner copied than a thread is woken. Others have their turn before.
    await setImmediate()
    const count =
      readCached(this.#handle.fd, into, offset, room, this.#position) ??
      (await this.#handle.read(into, offset, room, this.#position)).bytesRead
    this.#position += count
    return count
  }

  /** Reads backwards only as far as the lines reach. A torn last line does not count. */
  async seekTail(count: number): Promise<number> {
    const buffer = Buffer.allocUnsafe(BACK_BYTES)
    let lines = 0
    for (let end = this.#sizeAtOpen; end > 0;) {
      const start = Math.max(0, end - BACK_BYTES)
      const { bytesRead } = await this.#handle.read(buffer, 0, end - start, start)
      for (let at = bytesRead; at > 0;) {
        at = buffer.lastIndexOf(NEWLINE, at - 1)
        if (at === -1 || at >= bytesRead) break
        // the newline before the first line wanted
        if (lines === count) {
          this.#position = start + at + 1
          return lines
        }
        lines++
      }
      end = start
    }
    this.#position = 0
    return lines
  }

  /** By halving. */
  async seekSince(key: string): Promise<void> {
    let low = this.#position
    let high = this.#sizeAtOpen
    while (high - low > NEAR_BYTES) {
      const middle = Math.floor((low + high) / 2)
      const found = await this.#firstLineFrom(middle)
      if (found !== undefined && found.time < key) low = found.start
      else high = middle
    }
    this.#position = low
  }

  skip(): void {
    this.#position = this.#sizeAtOpen
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#handle.close()
  }

  /** The first line that begins behind an offset, and its time. */
  async #firstLineFrom(offset: number): Promise<{ start: number; time: string } | undefined> {
    const buffer = Buffer.allocUnsafe(2 * BACK_BYTES)
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, offset)
    const bytes = buffer.subarray(0, bytesRead)
    const start = bytes.indexOf(NEWLINE) + 1
    const end = bytes.indexOf(NEWLINE, start)
    if (start === 0 || end === -1) return undefined
    const time = lineTime(bytes, start, end)
    return time === undefined ? undefined : { start: offset + start, time }
  }
}
