import type { BigIntStats } from 'node:fs'

/** One file of a log, and where reading it has come to. */
export interface LogFile {
  /** As whom it was written, from logFileId; what replaced it compressed says it too. */
  readonly id: string
  /** Of the file that is open; 0 for a compressed one, which is never the one being written. */
  readonly ino: number
  readonly modifiedMs: number
  /**
   * Reads on into a buffer from an offset to its end.
   *
   * @param follow also what was written since it was opened
   * @returns the number of bytes; 0 when nothing more is there, BEGUN_ANEW when it was emptied and reading starts over
   */
  read(into: Buffer, offset: number, follow: boolean): Promise<number>
  /** Goes to where the last `count` whole lines begin. Answers how many there are, `count` at most. */
  seekTail(count: number): Promise<number>
  /** Goes near the first line of that time or later, never behind it; `key` is from timeKey. */
  seekSince(key: string): Promise<void>
  /** Goes to the end. */
  skip(): void
  close(): Promise<void>
}

/** An inode's number comes back with the next file once its own is gone, so the time of its birth goes with it. */
export function logFileId({ birthtimeNs, ino }: BigIntStats): string {
  return `${String(ino)}-${String(birthtimeNs)}`
}

export const BEGUN_ANEW = -1
