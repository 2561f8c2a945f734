import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import { tryLock } from '../native/process.ts'
import { rotatedNames } from './files.ts'
import { bytesOf, idMember } from './gzip-file.ts'
import { logFileId } from './log-file.ts'

/**
 * Replaces the rotated files of a log by compressed ones, oldest first, on worker threads. What a kill leaves is a
 * temporary file, or a file beside its compressed form; both are put right by the next call.
 *
 * One call at a time for a log.
 */
export async function compressRotated(logPath: string, signal: AbortSignal): Promise<void> {
  const temporary = `${logPath}.compressing`
  try {
    for (;;) {
      const plain = (await rotatedNames(logPath)).filter(({ compressed }) => !compressed)
      const oldest = plain.sort((one, other) => other.number - one.number)[0]
      if (oldest === undefined || signal.aborted) return
      const source = await open(oldest.name, 'r').catch(missing)
      // rotated meanwhile
      if (source === undefined) continue
      try {
        const id = await writeCompressed(source, temporary, signal)
        await install(logPath, temporary, id, signal)
      } finally {
        await source.close()
      }
    }
  } finally {
    await rm(temporary, { force: true })
  }
}

async function writeCompressed(
  source: FileHandle,
  temporary: string,
  signal: AbortSignal,
): Promise<string> {
  const stat = await source.stat({ bigint: true })
  const target = await open(temporary, 'w', 0o600)
  try {
    await target.writeFile(idMember(logFileId(stat)))
    await pipeline(
      bytesOf(source),
      createGzip(),
      async (packed: AsyncIterable<Buffer>) => {
        for await (const chunk of packed) await target.writeFile(chunk)
      },
      { signal },
    )
    // whoever looks for lines since a moment goes by it
    await target.utimes(stat.atime, stat.mtime)
    await target.sync()
  } finally {
    await target.close()
  }
  return logFileId(stat)
}

/**
 * Puts the compressed file in place of its original, which may have another number by now, or have gone. The shim takes
 * the same lock to rename, and never waits for it; so it is held for a few system calls only, without giving up the
 * thread.
 */
async function install(
  logPath: string,
  temporary: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const directory = fs.openSync(path.dirname(logPath), 'r')
  try {
    while (!tryLock(directory)) await sleep(1, undefined, { signal })
    const base = `${path.basename(logPath)}.`
    for (const name of fs.readdirSync(path.dirname(logPath))) {
      if (!name.startsWith(base) || !/^[1-9]\d{0,5}$/.test(name.slice(base.length))) continue
      const full = path.join(path.dirname(logPath), name)
      if (logFileId(fs.statSync(full, { bigint: true })) !== id) continue
      fs.renameSync(temporary, `${full}.gz`)
      fs.unlinkSync(full)
      return
    }
  } finally {
    fs.closeSync(directory)
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
