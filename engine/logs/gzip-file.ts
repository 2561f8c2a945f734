import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { LogFile } from './log-file.ts'
import { logFileId } from './log-file.ts'

const CHUNK_BYTES = 256 * 1024
const READ_BYTES = 64 * 1024
const NEWLINE = 0x0a

/**
 * A rotated file that was compressed. It begins with an empty gzip member whose comment says as whom the lines were
 * written (logFileId), so that whoever was reading that file knows it again; gzip's own tools pass over it.
 *
 *   offset size field
 *   0      4    1f 8b 08 10: gzip, deflate, with a comment
 *   4      6    time 0, flags 0, system 255
 *   10     n    "id=<inode>-<birth>", NUL
 *   10+n   10   03 00, crc 0, length 0: nothing
 *
 * It can only be read from its start, so a tail is found by reading it twice.
 *
 * @see RFC 1952
 */
export class GzipLogFile implements LogFile {
  readonly id: string
  readonly ino = 0
  readonly modifiedMs: number
  readonly #handle: FileHandle
  #stream: Readable | undefined
  #rest: Buffer = Buffer.alloc(0)
  /** Lines left out at the start. */
  #skipLines = 0
  #ended = false
  #closed = false

  private constructor(handle: FileHandle, id: string, modifiedMs: number) {
    this.#handle = handle
    this.id = id
    this.modifiedMs = modifiedMs
  }

  static async open(handle: FileHandle, stat: BigIntStats): Promise<GzipLogFile> {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0)
    const comment = /^\x1f\x8b\x08\x10.{6}id=([\d-]+)\0/s.exec(
      buffer.toString('latin1', 0, bytesRead),
    )
    return new GzipLogFile(handle, comment?.[1] ?? logFileId(stat), Number(stat.mtimeMs))
  }

  async read(into: Buffer, offset: number): Promise<number> {
    while (!this.#ended) {
      if (this.#rest.length === 0) {
        const chunk = await this.#next()
        if (chunk === undefined) break
        this.#rest = this.#afterSkipped(chunk)
        continue
      }
      const count = this.#rest.copy(into, offset)
      this.#rest = this.#rest.subarray(count)
      return count
    }
    return 0
  }

  async seekTail(count: number): Promise<number> {
    let lines = 0
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next())
      lines += newlines(chunk)
    this.#skipLines = Math.max(0, lines - count)
    this.#rewind()
    return Math.min(lines, count)
  }

  /** Lines before it are left out by whoever formats them. */
  seekSince(): Promise<void> {
    return Promise.resolve()
  }

  skip(): void {
    this.#ended = true
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stream?.destroy()
    await this.#handle.close()
  }

  async #next(): Promise<Buffer | undefined> {
    const stream = (this.#stream ??= this.#unpacked())
    for (;;) {
      const chunk = stream.read() as Buffer | null
      if (chunk !== null) return chunk
      if (stream.errored) throw stream.errored
      if (stream.readableEnded || stream.destroyed) {
        this.#ended = true
        return undefined
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          for (const event of ['readable', 'end', 'close', 'error']) stream.off(event, done)
          resolve()
        }
        for (const event of ['readable', 'end', 'close', 'error']) stream.on(event, done)
      })
    }
  }

  #unpacked(): Readable {
    const stream = createGunzip({ chunkSize: CHUNK_BYTES })
    pipeline(bytesOf(this.#handle), stream, () => {
      // whoever reads the stream sees its failure
    })
    return stream
  }

  #rewind(): void {
    this.#stream?.destroy()
    this.#stream = undefined
    this.#ended = false
  }

  #afterSkipped(chunk: Buffer): Buffer {
    let from = 0
    while (this.#skipLines > 0) {
      const end = chunk.indexOf(NEWLINE, from)
      if (end === -1) return chunk.subarray(chunk.length)
      from = end + 1
      this.#skipLines--
    }
    return chunk.subarray(from)
  }
}

/** A file's bytes from its start; a stream made by the handle would close it, or keep it from being closed. */
export async function* bytesOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** The member of a compressed log that says whose lines follow. */
export function idMember(id: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 0x08, 0x10, 0, 0, 0, 0, 0, 0xff]),
    Buffer.from(`id=${id}\0`),
    Buffer.from([0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]),
  ])
}

function newlines(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) count++
  return count
}
