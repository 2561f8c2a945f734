import fs from 'node:fs'
import { NotFoundError } from '../errors.ts'
import { isMissing } from './files.ts'

/** Larger than any counter file; memory.stat is the longest with some 2 KiB, cpuacct.usage_all has a line per CPU. */
const scratch = Buffer.alloc(64 << 10)

/**
 * A cgroup's counter files, each opened once and read again from its start: a sample then costs one pread per file.
 * The kernel keeps a removed cgroup's files readable as ENODEV, so `close` belongs to its removal. What is closed opens
 * again at the next reading.
 */
export class CounterFiles {
  readonly #fds = new Map<string, number | null>()

  /** @throws NOT_FOUND when there is no such file */
  read(file: string): string {
    const text = this.tryRead(file)
    if (text === undefined) throw new NotFoundError(`read ${file}: no such cgroup`)
    return text
  }

  /** undefined when there is no such file, now and later. */
  tryRead(file: string): string | undefined {
    let fd = this.#fds.get(file)
    if (fd === null) return undefined
    try {
      if (fd === undefined) {
        fd = fs.openSync(file, fs.constants.O_RDONLY)
        this.#fds.set(file, fd)
      }
      return scratch.toString('latin1', 0, fs.readSync(fd, scratch, 0, scratch.length, 0))
    } catch (error) {
      if (!isMissing(error)) throw error
      if (fd === undefined) this.#fds.set(file, null)
      return undefined
    }
  }

  close(): void {
    for (const fd of this.#fds.values()) if (typeof fd === 'number') fs.closeSync(fd)
    this.#fds.clear()
  }
}
