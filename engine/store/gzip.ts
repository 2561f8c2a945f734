import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream, read, readSync, write } from 'node:fs'
import fs from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { withPipes } from '../with-pipes.ts'
import { isMissing } from './documents.ts'
import { hashFile } from './hash-file.ts'

/** For less than this a program does not pay. */
const SMALL_BYTES = 256 << 10
/** Of zlib: what it makes is as large as igzip's, and takes five times as long. */
const LEVEL = 2
const INTERVAL_MS = 200

/**
 * Compresses a file. The same content gives the same bytes on hosts that have igzip, and on those that lack it. That, of
 * Intel's library ISA-L, is several times as quick as what Node has, and does it elsewhere than in this process.
 *
 * @param target must not exist; the caller removes it when this throws
 * @param onRead told the bytes of the source read so far
 * @throws the signal's reason when it fired
 */
export async function gzipFile(
  source: string,
  target: string,
  onRead: (bytes: number) => void,
  signal: AbortSignal,
): Promise<{ digest: string; size: number }> {
  const from = await fs.open(source)
  try {
    // opened once: a timer that finds no more files may be opened would end this process
    const told = await fs.open(`/proc/self/fdinfo/${from.fd}`)
    const to = await fs.open(target, 'wx+', 0o600).catch(async (error: unknown) => {
      await told.close()
      throw error
    })
    const telling = setInterval(() => onRead(positionTold(told)), INTERVAL_MS)
    try {
      await compress(from, to, signal)
      const read = positionTold(told)
      onRead(read)
      const { hash, size } = await hashFile(to, 'sha256')
      if ((await lengthTold(to, size)) !== read % 2 ** 32)
        throw new Error(`${target}: less was written than was to be; is the disk full?`)
      return { digest: `sha256:${hash.digest('hex')}`, size }
    } finally {
      clearInterval(telling)
      await told.close()
      await to.close()
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    await from.close()
  }
}

async function compress(
  from: fs.FileHandle,
  to: fs.FileHandle,
  signal: AbortSignal,
): Promise<void> {
  if ((await from.stat()).size > SMALL_BYTES) {
    try {
      await byIgzip(from, to, signal)
      return
    } catch (error) {
      // it is not installed
      if (!isMissing(error)) throw error
    }
  }
  await pipeline(
    createReadStream('', { fd: from.fd, fs: { read, close: keep }, highWaterMark: 1 << 20 }),
    createGzip({ level: LEVEL, chunkSize: 256 << 10 }),
    createWriteStream('', { fd: to.fd, fs: { write, close: keep } }),
    { signal },
  )
}

/**
 * In place of a close(2) at a stream's end: the handle does it. With both, the second would close what has the number by
 * then; `autoClose` alone does not keep a stream that fails from it.
 */
function keep(_fd: number, done: (error: Error | null) => void): void {
  done(null)
}

/** @throws Error ENOENT when it is not installed; what it said when it failed */
async function byIgzip(from: fs.FileHandle, to: fs.FileHandle, signal: AbortSignal): Promise<void> {
  const child = withPipes(
    // without -n its header tells the time
    spawn('igzip', ['-3', '-n', '-c'], { stdio: [from.fd, to.fd, 'pipe'], signal }),
  )
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, killedBy) => resolve(code ?? killedBy ?? ''))
  })
  const said = child.stderr ? text(child.stderr) : ''
  const code = await ended
  if (code === 0) return
  const words = (await said).trim()
  // it does not tell of errno
  const hint = /while writing/.test(words) ? '; is the disk full?' : ''
  throw new Error(`igzip failed: ${words || code}${hint}`)
}

/** The length of a member's content, modulo 2^32, which is the last of it. @see RFC 1952, 2.3.1, ISIZE */
async function lengthTold(handle: fs.FileHandle, size: number): Promise<number | undefined> {
  const end = Buffer.alloc(4)
  // igzip takes no notice of an error in its last write
  const { bytesRead } = await handle.read(end, 0, end.length, Math.max(0, size - end.length))
  return bytesRead === end.length ? end.readUInt32LE() : undefined
}

/** Where who reads a file has come to, by its fdinfo: a child shares its offset. @see proc(5), /proc/pid/fdinfo */
function positionTold({ fd }: fs.FileHandle): number {
  const text = Buffer.alloc(64)
  const length = readSync(fd, text, 0, text.length, 0)
  return Number(/^pos:\s*(\d+)/.exec(text.toString('latin1', 0, length))?.[1])
}
