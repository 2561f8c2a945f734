import fs from 'node:fs'
import os from 'node:os'
import { NotFoundError, SystemError } from '../errors.ts'
import { errnoName } from '../native/addon.ts'
import { readCounters } from '../native/reads.ts'
import { isMissing, parseFlatKeyed } from './files.ts'

/**
 * What was read last, of whichever cgroup: good until the next `refresh`. Larger than all counter files of one together
 * mostly: memory.stat is some 2 KiB. cpuacct.usage_all has a line per CPU and io.stat one per device, so it grows.
 */
let scratch = Buffer.alloc(256 << 10)
let used = 0
/** What no counter files have. */
const MOST_BYTES = 16 << 20

const { EFBIG, ENODEV, EOPNOTSUPP } = os.constants.errno

const SPACE = 0x20
const NEWLINE = 0x0a

interface CounterFile {
  fd: number
  /** Why it could not be read; 0 when it was. */
  errno: number
  /** Where it lies in `scratch`. */
  start: number
  end: number
  /** The keys of its lines, which stay the same, and an object that has them. */
  keys: string[]
  shape: Record<string, number>
}

/**
 * A cgroup's counter files, each opened once and read again from its start, all of them in one native call: `refresh`
 * begins a sample, `read` and the like then give what the files held. The kernel keeps a removed cgroup's files
 * readable as ENODEV, so `close` belongs to its removal. What is closed opens again at the next reading.
 *
 * What is asked for throws SYSTEM, naming the file, when that is there and could not be read.
 */
export class CounterFiles {
  readonly #pathOf: (name: string) => string | undefined
  /** null for those that are not there, now and later. */
  readonly #files = new Map<string, CounterFile | null>()
  #open: CounterFile[] = []
  #fds = new Int32Array(0)
  #ends = new Int32Array(0)

  /** @param pathOf where a file is, `memory.stat` say; undefined where its controller is not */
  constructor(pathOf: (name: string) => string | undefined) {
    this.#pathOf = pathOf
  }

  /** Reads all files that were ever asked for. */
  refresh(): void {
    used = 0
    this.#readInto(this.#open, this.#fds, this.#ends)
  }

  /** @throws NOT_FOUND when there is no such file */
  read(name: string): string {
    const text = this.tryRead(name)
    if (text === undefined) throw this.#missing(name)
    return text
  }

  /** undefined when there is no such file. */
  tryRead(name: string): string | undefined {
    const file = this.#file(name)
    return file && scratch.toString('latin1', file.start, file.end)
  }

  /** The number that a file holds alone, Infinity for `max`; undefined when there is no such file. */
  number(name: string): number | undefined {
    const file = this.#file(name)
    if (!file) return undefined
    let value = 0
    for (let at = file.start; at < file.end; at++) {
      const digit = (scratch[at] ?? 0) - 0x30
      if (digit < 0 || digit > 9) return at === file.start ? Infinity : value
      value = value * 10 + digit
    }
    return value
  }

  /**
   * Lines of `key value`, where values are whole numbers.
   *
   * @throws NOT_FOUND when there is no such file
   */
  flatKeyed(name: string): Record<string, number> {
    const values = this.tryFlatKeyed(name)
    if (values === undefined) throw this.#missing(name)
    return values
  }

  /** The same; undefined when there is no such file. */
  tryFlatKeyed(name: string): Record<string, number> | undefined {
    const file = this.#file(name)
    return file && (likeBefore(file) ?? anew(file))
  }

  close(): void {
    for (const { fd } of this.#open) fs.closeSync(fd)
    this.#files.clear()
    this.#keep([])
  }

  #file(name: string): CounterFile | undefined {
    let file = this.#files.get(name)
    if (file === undefined) this.#files.set(name, (file = this.#begin(name)))
    if (file === null || file.errno === ENODEV || file.errno === EOPNOTSUPP) return undefined
    if (file.errno === 0) return file
    throw new SystemError('read', file.errno, errnoName(file.errno), this.#pathOf(name) ?? name)
  }

  #begin(name: string): CounterFile | null {
    const path = this.#pathOf(name)
    if (path === undefined) return null
    let fd: number
    try {
      fd = fs.openSync(path, fs.constants.O_RDONLY)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
    const file: CounterFile = { fd, errno: ENODEV, start: 0, end: 0, keys: [], shape: {} }
    this.#keep([...this.#open, file])
    this.#readInto([file], Int32Array.of(fd), new Int32Array(1))
    return file
  }

  #keep(open: CounterFile[]): void {
    this.#open = open
    this.#fds = Int32Array.from(open, ({ fd }) => fd)
    this.#ends = new Int32Array(open.length)
  }

  #readInto(files: CounterFile[], fds: Int32Array, ends: Int32Array): void {
    if (files.length === 0) return
    readCounters(fds, scratch, used, ends)
    while (ends.includes(-EFBIG) && scratch.length < MOST_BYTES) {
      const larger = Buffer.alloc(2 * scratch.length)
      scratch.copy(larger, 0, 0, used)
      scratch = larger
      readCounters(fds, scratch, used, ends)
    }
    for (let index = 0; index < files.length; index++) {
      const file = files[index]
      const end = ends[index]
      if (file === undefined || end === undefined) continue
      file.errno = end < 0 ? -end : 0
      if (end < 0) continue
      file.start = used
      file.end = used = end
    }
  }

  #missing(name: string): NotFoundError {
    return new NotFoundError(`read ${this.#pathOf(name) ?? name}: no such cgroup`)
  }
}

/** Keys are passed over by their length: they cost more to make than numbers. undefined when the lines are other ones. */
function likeBefore(file: CounterFile): Record<string, number> | undefined {
  const values = { ...file.shape }
  let at = file.start
  for (const key of file.keys) {
    at += key.length
    if (scratch[at] !== SPACE) return undefined
    let value = 0
    for (at++; ; at++) {
      const byte = scratch[at] ?? 0
      if (byte === NEWLINE) break
      if (byte < 0x30 || byte > 0x39) return undefined
      value = value * 10 + byte - 0x30
    }
    values[key] = value
    at++
  }
  return at === file.end && file.keys.length > 0 ? values : undefined
}

function anew(file: CounterFile): Record<string, number> {
  const values = parseFlatKeyed(scratch.toString('latin1', file.start, file.end))
  file.keys = Object.keys(values)
  // an object that grew key by key is a dictionary, slow to copy and to stringify; one made of JSON is not
  file.shape = JSON.parse(JSON.stringify(values)) as Record<string, number>
  return values
}
