import fs from 'node:fs/promises'
import { detectCompression } from './decompress.ts'
import type { Unpacked } from './unpack.ts'

/** What was unpacked and nobody has asked for goes after so long. */
const KEPT_MS = 5 * 60_000
/** Of more, the one that waits longest goes. */
const MAX_WAITING = 32

/** An archive's tree, in a directory that is its taker's from now on. */
export interface Prepared {
  directory: string
  unpacked: Unpacked
}

interface Work {
  /** Undefined when it was given up, or the archive is at fault: who wants it unpacks it and is told why. */
  result: Promise<Prepared | undefined>
  isBegun: boolean
  readonly controller: AbortController
  timer: NodeJS.Timeout | undefined
}

export interface UnpackAheadOptions {
  makeDirectory: () => Promise<string>
  unpack: (directory: string, blob: string, signal: AbortSignal) => Promise<Unpacked>
  discard: (directory: string) => void
}

/**
 * Unpacks archives before it is known whether and as what they are wanted: of a push the layers come first, and last what
 * names them. One at a time, so that what nobody comes for has taken little from the others: layers for other machines,
 * caches, artefacts that are archives. Trees that wait are lost with the engine.
 */
export class UnpackAhead {
  readonly #options: UnpackAheadOptions
  /** By the archive's path; those that came first go first. */
  readonly #works = new Map<string, Work>()
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: UnpackAheadOptions) {
    this.#options = options
  }

  /** Has an archive unpacked in the background, once; what is no archive is passed over. */
  begin(blob: string): void {
    if (this.#closed || this.#works.has(blob)) return
    for (const oldest of this.#works.keys()) {
      if (this.#works.size < MAX_WAITING) break
      this.drop(oldest)
    }
    const controller = new AbortController()
    const work: Work = {
      result: this.#tail.then(() => this.#prepare(blob, work)),
      isBegun: false,
      controller,
      timer: undefined,
    }
    this.#works.set(blob, work)
    this.#tail = work.result
  }

  /**
   * Gives what an archive was unpacked to, when that has begun at least.
   *
   * @param signal gives it up
   */
  async take(blob: string, signal?: AbortSignal): Promise<Prepared | undefined> {
    const work = this.#works.get(blob)
    if (!work) return undefined
    if (!work.isBegun) {
      this.drop(blob)
      return undefined
    }
    this.#works.delete(blob)
    clearTimeout(work.timer)
    const giveUp = (): void => work.controller.abort()
    signal?.addEventListener('abort', giveUp, { once: true })
    if (signal?.aborted === true) giveUp()
    const prepared = await work.result
    signal?.removeEventListener('abort', giveUp)
    if (prepared && signal?.aborted === true) this.#options.discard(prepared.directory)
    signal?.throwIfAborted()
    return prepared
  }

  /** Nobody will come for it. */
  drop(blob: string): void {
    const work = this.#works.get(blob)
    if (!work) return
    this.#works.delete(blob)
    clearTimeout(work.timer)
    work.controller.abort()
    void work.result.then((prepared) => {
      if (prepared) this.#options.discard(prepared.directory)
    })
  }

  /** Resolves when nothing is written any more, and all is discarded. */
  async close(): Promise<void> {
    this.#closed = true
    for (const blob of this.#works.keys()) this.drop(blob)
    await this.#tail
  }

  /** Never throws. */
  async #prepare(blob: string, work: Work): Promise<Prepared | undefined> {
    const { discard, makeDirectory, unpack } = this.#options
    const { signal } = work.controller
    if (signal.aborted) return undefined
    work.isBegun = true
    let directory: string | undefined
    try {
      if (await isArchive(blob)) {
        directory = await makeDirectory()
        const unpacked = await unpack(directory, blob, signal)
        this.#keep(blob, work)
        return { directory, unpacked }
      }
    } catch {
      if (directory !== undefined) discard(directory)
    }
    if (this.#works.get(blob) === work) this.#works.delete(blob)
    return undefined
  }

  /** For a while, unless it was taken or dropped already. */
  #keep(blob: string, work: Work): void {
    if (this.#works.get(blob) !== work) return
    work.timer = setTimeout(() => this.drop(blob), KEPT_MS)
    work.timer.unref()
  }
}

/** By its first block. The rare archive that does not look like one is unpacked when it is wanted. */
async function isArchive(file: string): Promise<boolean> {
  const start = Buffer.alloc(512)
  const handle = await fs.open(file)
  try {
    await handle.read(start, 0, start.length, 0)
  } finally {
    await handle.close()
  }
  return start.toString('latin1', 257, 262) === 'ustar' || detectCompression(start) !== 'none'
}
