import fs from 'node:fs/promises'
import path from 'node:path'
import { lineTime } from './format.ts'
import { GzipLogFile } from './gzip-file.ts'
import type { LogFile } from './log-file.ts'
import { logFileId } from './log-file.ts'
import { PlainLogFile } from './plain-file.ts'

/** Opens a log's files, oldest first, the one being written last; none when nothing was ever written. */
export async function openLogFiles(logPath: string): Promise<LogFile[]> {
  return (await openSet(logPath, undefined)).files
}

/** The time of the oldest line that is still there. */
export async function firstTime(logPath: string): Promise<string | undefined> {
  const files = await openLogFiles(logPath)
  try {
    for (const file of files) {
      // more than the shim's longest line
      const head = Buffer.allocUnsafe(256 * 1024)
      const count = await file.read(head, 0, false)
      const end = head.subarray(0, Math.max(0, count)).indexOf(0x0a)
      if (end !== -1) return lineTime(head, 0, end)
    }
    return undefined
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

/**
 * After a rotation: the files begun since `current` was the newest, oldest first.
 *
 * @returns `overtaken` when `current` is not there any more, and others may have gone unread with it
 */
export async function newerFiles(
  logPath: string,
  current: LogFile | undefined,
): Promise<{ files: LogFile[]; overtaken: boolean }> {
  const { files, met } = await openSet(logPath, current?.id)
  return { files, overtaken: current !== undefined && !met }
}

/**
 * Opens from the newest file back to the oldest, or to the one that is known already. A rotation meanwhile moves every
 * name by one, which shows by the newest name being another file than before, and a name that was listed may be gone:
 * then it is done again.
 */
async function openSet(
  logPath: string,
  known: string | undefined,
): Promise<{ files: LogFile[]; met: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const files: LogFile[] = []
    let met = false
    let moved = false
    for (const name of await namesNewestFirst(logPath)) {
      const file = await openLogFile(name)
      if (file === undefined) {
        moved ||= name !== logPath
        continue
      }
      met = file.id === known
      // a file and its compressed form stand side by side for a moment
      if (met || files.some(({ id }) => id === file.id)) await file.close()
      else files.unshift(file)
      if (met) break
    }
    const newest = await fs.stat(logPath, { bigint: true }).catch(missing)
    const settled =
      !moved && (newest === undefined || logFileId(newest) === (files.at(-1)?.id ?? known))
    if (settled || attempt === 10) return { files, met }
    await Promise.all(files.map((file) => file.close()))
  }
}

/** The log and its rotated files; a crash of the writer may leave gaps in the numbers. */
async function namesNewestFirst(logPath: string): Promise<string[]> {
  return [
    logPath,
    ...(await rotatedNames(logPath))
      .sort((one, other) => one.number - other.number)
      .map(({ name }) => name),
  ]
}

/** Full names of the rotated files, of which the compressed ones end in .gz; in no order. */
export async function rotatedNames(
  logPath: string,
): Promise<{ name: string; number: number; compressed: boolean }[]> {
  const base = path.basename(logPath)
  const dir = path.dirname(logPath)
  const names = (await fs.readdir(dir).catch(missing)) ?? []
  return names.flatMap((name) => {
    const match = name.startsWith(`${base}.`)
      ? /^([1-9]\d{0,5})(\.gz)?$/.exec(name.slice(base.length + 1))
      : null
    if (!match) return []
    return [
      { name: path.join(dir, name), number: Number(match[1]), compressed: match[2] !== undefined },
    ]
  })
}

async function openLogFile(name: string): Promise<LogFile | undefined> {
  const handle = await fs.open(name, 'r').catch(missing)
  if (handle === undefined) return undefined
  try {
    const stat = await handle.stat({ bigint: true })
    return name.endsWith('.gz')
      ? await GzipLogFile.open(handle, stat)
      : new PlainLogFile(handle, stat)
  } catch (error) {
    await handle.close()
    throw error
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
