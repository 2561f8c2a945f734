import type { LogFile } from './log-file.ts'

/** Puts the files where the last `count` whole lines begin, looking only into those that these reach. */
export async function seekTail(files: LogFile[], count: number): Promise<void> {
  let missing = count
  for (const [index, file] of [...files].reverse().entries()) {
    // everything before the first line wanted is left out, also whole files
    if (missing === 0 && index > 0) file.skip()
    else missing -= await file.seekTail(missing)
  }
}

/**
 * Puts the files near the first line of that time or later, by when each was last written and then within it. Lines
 * before it are still to be left out by the reader.
 *
 * @param key from timeKey
 */
export async function seekSince(files: LogFile[], key: string): Promise<void> {
  const sinceMs = Date.parse(`${key.slice(0, 23)}Z`)
  for (const file of files) {
    if (file.modifiedMs < sinceMs - 1000 && file !== files.at(-1)) file.skip()
    else await file.seekSince(key)
  }
}
