import fs from 'node:fs'
import { BLOCK, isTarHeader } from '../../tar/header.ts'
import { decompressWithin } from '../decompress-within.ts'
import type { UnpackLimits } from '../limits.ts'

const READ_BYTES = 256 * 1024

/** A file's content without its compression when it is an archive; undefined when it is none. */
export async function openArchive(
  fd: number,
  name: string,
  limits: UnpackLimits,
): Promise<AsyncIterable<Buffer> | undefined> {
  const chunks = decompressWithin(readFrom(fd), limits, { byPrograms: true })
  let start: Buffer = Buffer.alloc(0)
  try {
    while (start.length < BLOCK) {
      const next = await chunks.next()
      if (next.done) break
      start = Buffer.concat([start, next.value])
    }
  } catch (error) {
    // broken: told where an archive was meant, else it is just a file
    if (/\.(tar|tgz|tar\.\w+|txz|tbz2?)$/i.test(name)) throw error
    return undefined
  }
  if (!isTarHeader(start)) {
    await chunks.return(undefined)
    return undefined
  }
  return {
    async *[Symbol.asyncIterator]() {
      yield start
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
        yield next.value
    },
  }
}

/** Chunks that are good until the next one is asked for. */
async function* readFrom(fd: number): AsyncGenerator<Buffer> {
  const file = await fs.promises.open(`/proc/self/fd/${fd}`, 'r')
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
