import { Decompress } from 'fzstd'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { Transform, Writable } from 'node:stream'
import zlib, { createGunzip } from 'node:zlib'
import { InvalidParameterError } from '../errors.ts'
import { withPipes } from '../with-pipes.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

/**
 * How a stream that begins so is compressed. Told by its first bytes, not its name: registries are full of layers whose
 * media type is wrong.
 *
 * @throws INVALID_PARAMETER for a compression that is not handled
 */
export function detectCompression(start: Buffer): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip'
  const magic = start.length >= 4 ? start.readUInt32LE(0) : 0
  // the second: a skippable frame, which may go first
  if (magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd'
  const program = programFor(start)
  if (program !== undefined)
    throw new InvalidParameterError(`${program} archives are not supported: use gzip or zstd`)
  return 'none'
}

/** Whether a stream that begins so is compressed in a way that `decompress` reads, with `byPrograms`. */
export function isCompressed(start: Buffer): boolean {
  return programFor(start) !== undefined || detectCompression(start) !== 'none'
}

/** The program of the host that reads what Node does not; undefined for all else. */
export function programFor(start: Buffer): 'bzip2' | 'xz' | undefined {
  if (start.toString('latin1', 0, 3) === 'BZh') return 'bzip2'
  return start.toString('latin1', 0, 6) === '\xfd7zXZ\0' ? 'xz' : undefined
}

/** Bytes of detectCompression's `start` that make it sure. */
export const MAGIC_LENGTH = 6

/**
 * The content of a stream, decompressed by what it is. Chunks, also those of the source, are good until the next one is asked
 * for.
 *
 * @param options.byPrograms bzip2 and xz too, by the host's programs: for archives that are only unpacked
 * @throws INVALID_PARAMETER when the compressed data is broken or cut short
 */
export async function* decompress(
  source: AsyncIterable<Buffer>,
  options: { byPrograms?: boolean } = {},
): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]()
  try {
    let start: Buffer = Buffer.alloc(0)
    while (start.length < MAGIC_LENGTH) {
      const next = await chunks.next()
      if (next.done) break
      const isEnough = start.length === 0 && next.value.length >= MAGIC_LENGTH
      start = isEnough ? next.value : Buffer.concat([start, next.value])
    }
    const whole = prepend(start, chunks)
    const program = options.byPrograms === true ? programFor(start) : undefined
    if (program !== undefined) {
      yield* throughProgram(program, whole)
      return
    }
    switch (detectCompression(start)) {
      case 'none':
        yield* whole
        return
      case 'gzip':
        yield* gunzip(whole)
        return
      case 'zstd':
        yield* unzstd(whole)
        return
    }
  } finally {
    await chunks.return?.()
  }
}

async function* prepend(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  for (;;) {
    const next = await rest.next()
    if (next.done) return
    yield next.value
  }
}

async function* throughProgram(
  program: 'bzip2' | 'xz',
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const child = withPipes(spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] }))
  const said = text(child.stderr)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  // awaited below
  ended.catch(() => undefined)
  // it stops reading when it fails, and says why
  child.stdin.on('error', () => undefined)
  let failure: Error | undefined
  const feeding = (async () => {
    try {
      for await (const chunk of source) {
        if (child.stdin.destroyed) return
        if (!child.stdin.write(Buffer.from(chunk))) await drained(child.stdin)
      }
      child.stdin.end()
    } catch (error) {
      failure = error as Error
      child.kill()
    }
  })()
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer
    const code = await ended.catch((error: unknown) => {
      throw new InvalidParameterError(
        `${program} archives are read by the program ${program}, which is not installed on this host`,
        { cause: error },
      )
    })
    if (failure !== undefined) throw failure
    if (code !== 0)
      throw new InvalidParameterError(`broken ${program} data: ${(await said).trim()}`)
  } finally {
    child.kill()
    child.stdin.destroy()
    await feeding
  }
}

async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* through(createGunzip({ chunkSize: 256 * 1024 }), source, 'gzip')
}

async function* through(
  transform: Transform,
  source: AsyncIterable<Buffer>,
  format: string,
): AsyncGenerator<Buffer> {
  let failure: Error | undefined
  const feeding = (async () => {
    try {
      for await (const chunk of source) {
        if (transform.destroyed) return
        // it keeps what it has not yet come to, and the chunk is only lent
        if (!transform.write(Buffer.from(chunk))) await drained(transform)
      }
      transform.end()
    } catch (error) {
      failure = error as Error
      transform.destroy()
    }
  })()
  try {
    for await (const chunk of transform) yield chunk as Buffer
  } catch (error) {
    failure ??= new InvalidParameterError(`broken ${format} data: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    transform.destroy()
    await feeding
  }
  if (failure !== undefined) throw failure
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle)
      stream.off('close', settle)
      resolve()
    }
    stream.on('drain', settle)
    stream.on('close', settle)
  })
}

/** Node has it from 22.15 on. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform }

/** Largest piece fed to the JavaScript decoder at once: its output is held in memory. */
const ZSTD_STEP = 16 * 1024

async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (createZstdDecompress) {
    yield* through(createZstdDecompress(), source, 'zstd')
    return
  }
  let out: Buffer[] = []
  const decoder = new Decompress((chunk) => {
    if (chunk.length > 0) out.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
  })
  const feed = (piece: Buffer, isLast: boolean): Buffer[] => {
    out = []
    try {
      decoder.push(piece, isLast)
    } catch (error) {
      throw new InvalidParameterError(`broken zstd data: ${(error as Error).message}`, {
        cause: error,
      })
    }
    return out
  }
  for await (const chunk of source) {
    // it keeps pieces of its input, and the chunk is only lent
    const own = Buffer.from(chunk)
    for (let at = 0; at < own.length; at += ZSTD_STEP)
      yield* feed(own.subarray(at, at + ZSTD_STEP), false)
  }
  yield* feed(Buffer.alloc(0), true)
}
