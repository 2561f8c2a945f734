import { check, native } from './addon.ts'

interface ReadCalls {
  readCached(fd: number, into: Buffer, offset: number, length: number, position: number): number
  readCounters(fds: Int32Array, into: Buffer, at: number, ends: Int32Array): number
}

const calls = (): ReadCalls => native<ReadCalls>()

/**
 * Reads what of a file is in memory, without waiting for a disk.
 *
 * @returns the number of bytes, maybe fewer than are there; undefined when nothing can be had that way
 * @see preadv2(2), RWF_NOWAIT
 */
export function readCached(
  fd: number,
  into: Buffer,
  offset: number,
  length: number,
  position: number,
): number | undefined {
  const rc = calls().readCached(fd, into, offset, length, position)
  return rc > 0 ? rc : undefined
}

/**
 * Reads small files of the kernel from their start, one behind the other into a buffer from `at` on.
 *
 * @param ends takes where each file ends, or the negative errno: -ENODEV when its cgroup is gone, -EFBIG when the file
 * fills the buffer, so that there may be more of it
 */
export function readCounters(fds: Int32Array, into: Buffer, at: number, ends: Int32Array): void {
  check('read counters', calls().readCounters(fds, into, at, ends))
}
