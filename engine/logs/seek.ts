import type { LogFile } from './files.ts'
import { lineTime, timeKey } from './format.ts'

const BACK_BYTES = 64 * 1024
/** Where to stop halving and read on instead. */
const NEAR_BYTES = 512 * 1024
const NEWLINE = 0x0a

/** Puts the files where the last `count` whole lines begin, reading backwards only as far as these reach. */
export async function seekTail(files: LogFile[], count: number): Promise<void> {
  let missing = count
  for (const file of [...files].reverse()) {
    if (missing < 0) {
      file.position = file.sizeAtOpen
      continue
    }
    const found = await linesFromEnd(file, missing)
    file.position = found.position
    // Everything before the first line wanted is left out, also whole files.
    missing = found.lines >= missing ? -1 : missing - found.lines
  }
}

/** Where the last `count` lines begin, or the file's start and how many it has. A torn last line does not count. */
async function linesFromEnd(
  file: LogFile,
  count: number,
): Promise<{ position: number; lines: number }> {
  const buffer = Buffer.allocUnsafe(BACK_BYTES)
  let lines = 0
  for (let end = file.sizeAtOpen; end > 0;) {
    const start = Math.max(0, end - BACK_BYTES)
    const { bytesRead } = await file.handle.read(buffer, 0, end - start, start)
    for (let at = bytesRead; at > 0;) {
      at = buffer.lastIndexOf(NEWLINE, at - 1)
      if (at === -1 || at >= bytesRead) break
      // The newline before the first line wanted.
      if (lines === count) return { position: start + at + 1, lines }
      lines++
    }
    end = start
  }
  return { position: 0, lines }
}

/**
 * Puts the files near the first line written since then, by when a file was last written and by halving within one.
 * Lines before it are still filtered by the reader.
 */
export async function seekSince(files: LogFile[], since: number): Promise<void> {
  const key = timeKey(since)
  for (const file of files) {
    if (file.modifiedMs / 1000 < since - 1 && file !== files.at(-1)) {
      file.position = file.sizeAtOpen
      continue
    }
    let low = file.position
    let high = file.sizeAtOpen
    while (high - low > NEAR_BYTES) {
      const middle = Math.floor((low + high) / 2)
      const found = await firstLineFrom(file, middle)
      if (found !== undefined && found.time < key) low = found.start
      else high = middle
    }
    file.position = low
  }
}

/** The first line that begins behind an offset, and its time. */
async function firstLineFrom(
  file: LogFile,
  offset: number,
): Promise<{ start: number; time: string } | undefined> {
  const buffer = Buffer.allocUnsafe(2 * BACK_BYTES)
  const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, offset)
  const bytes = buffer.subarray(0, bytesRead)
  const start = bytes.indexOf(NEWLINE) + 1
  const end = bytes.indexOf(NEWLINE, start)
  if (start === 0 || end === -1) return undefined
  const time = lineTime(bytes, start, end)
  return time === undefined ? undefined : { start: offset + start, time }
}
