import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { currentCaller, recordOf } from '../../caller.ts'
import type {
  BuildChange,
  BuildLogEvent,
  BuildRecord,
  BuildRequest,
  BuildSummary,
} from '../../contract/builds.ts'
import { ConflictError, InvalidParameterError, NotFoundError } from '../../errors.ts'
import { ChangeFeed } from './change-feed.ts'
import { newRecord, summaryOf } from './document.ts'
import { compressJournal, journalBytes, readJournal } from './journal.ts'
import { loadRecords, readRecord } from './load.ts'
import type { Kept } from './load.ts'
import {
  makeDirectory,
  Recording,
  recordFile,
  writeRecord,
  writeRecordAtOnce,
} from './recording.ts'

/** Records that are kept, the newest; pinned ones stay beside them. */
const MOST_RECORDS = 200
/** What their journals may take on disk together. */
const MOST_BYTES = 256 * 2 ** 20

/**
 * Builds on record.
 *
 *     <data>/build-history/<id>/record.json   the document: written soon after the build began, and when it has ended
 *                              /log           events, a line of JSON each, soon after they happened
 *                              /log.gz        the same instead, once it is over, unless it is small
 *
 * Nothing is read before somebody asks: an engine starts without. What says "running" then and does not run was cut
 * short with the engine that ran it.
 */
export class BuildHistory {
  readonly #root: string
  readonly #warn: (message: string, error?: unknown) => void
  readonly #running = new Map<string, Recording>()
  /** Over, and not yet where they are kept. */
  readonly #filing = new Map<string, Promise<void>>()
  readonly #kept = new Map<string, Kept>()
  readonly #feed = new ChangeFeed()
  #loaded: Promise<void> | undefined

  constructor(dataRoot: string, warn: (message: string, error?: unknown) => void) {
    this.#root = path.join(dataRoot, 'build-history')
    this.#warn = warn
  }

  /**
   * Puts a build on record that begins on behalf of who asks. A disk that has no place for it does not keep it from
   * being built: it is remembered without its log, and written once there is room.
   *
   * @throws INVALID_PARAMETER for an id that is none, CONFLICT for one that is taken
   */
  begin(request: BuildRequest): Recording {
    const id = request.id ?? randomBytes(16).toString('hex')
    if (!/^[0-9a-f]{32}$/.test(id)) throw new InvalidParameterError(`invalid build id ${id}`)
    const directory = this.#directory(id)
    if (this.#running.has(id) || this.#kept.has(id) || existsSync(directory))
      throw new ConflictError(`there is a build ${id} already`)
    const record = newRecord(id, request, currentCaller())
    const changed = (): void => {
      this.#feed.changed(id, summaryOf(record))
    }
    const recording = new Recording(record, directory, changed, (error) => {
      this.#warn(`build ${id} could not be put on record, and goes on without`, error)
    })
    this.#running.set(id, recording)
    changed()
    return recording
  }

  /** Puts away a recording that has ended; nobody need wait for it. */
  file(recording: Recording): void {
    const { id } = recording.record
    const filing = this.#file(recording).catch((error: unknown) => {
      this.#warn(`build ${id} could not be put on record`, error)
    })
    this.#filing.set(id, filing)
    void filing.finally(() => this.#filing.delete(id))
  }

  /** Waits for what is being put away. */
  async close(): Promise<void> {
    await Promise.all(this.#filing.values())
    this.#writeRest()
  }

  async list(): Promise<BuildSummary[]> {
    await this.#load()
    const running = [...this.#running.values()].map(({ record }) => summaryOf(record))
    const over = [...this.#kept.values()]
      .map(({ summary }) => summary)
      .filter(({ id }) => !this.#running.has(id))
    return [...running, ...over].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
  }

  async inspect(name: string): Promise<BuildRecord> {
    const id = await this.#find(name)
    const running = this.#running.get(id)
    if (running) return structuredClone(running.record)
    const unwritten = this.#kept.get(id)?.unwritten
    if (unwritten) return structuredClone(unwritten)
    const record = await readRecord(this.#directory(id))
    if (!record) throw notFound(name)
    return record
  }

  async *log(
    name: string,
    options: { follow?: boolean },
    signal?: AbortSignal,
  ): AsyncGenerator<BuildLogEvent> {
    const id = await this.#find(name)
    const running = this.#running.get(id)?.journal
    running?.flush()
    yield* readJournal(this.#directory(id), options.follow === true ? running : undefined, signal)
  }

  async cancel(name: string): Promise<void> {
    const id = await this.#find(name)
    const recording = this.#running.get(id)
    if (recording?.record.state !== 'running') throw new ConflictError(`build ${name} is over`)
    const { Name } = recordOf(currentCaller())
    recording.cancelled.abort(new ConflictError(`the build was cancelled by ${Name}`))
    await recording.ended
  }

  async pin(name: string, pinned: boolean): Promise<void> {
    const id = await this.#find(name)
    const running = this.#running.get(id)
    const record = running?.record ?? (await this.inspect(id))
    const before = record.pinned
    record.pinned = pinned
    try {
      // of these the disk may have refused the directory
      if (running || this.#kept.get(id)?.unwritten) makeDirectory(this.#directory(id))
      await writeRecord(this.#directory(id), record)
    } catch (error) {
      record.pinned = before
      throw error
    }
    const kept = this.#kept.get(id)
    if (kept) this.#kept.set(id, { summary: summaryOf(record), bytes: kept.bytes })
    this.#feed.changed(id, summaryOf(record))
  }

  async forget(name: string): Promise<void> {
    const id = await this.#find(name)
    if (this.#running.get(id)?.record.state === 'running')
      throw new ConflictError(`build ${name} is under way`)
    await this.#filing.get(id)
    await this.#remove(id)
  }

  watch(signal?: AbortSignal): AsyncGenerator<BuildChange> {
    return this.#feed.watch(signal)
  }

  /** By its ID, or by what its client calls it: of several builds of one name the newest. */
  async #find(name: string): Promise<string> {
    if (this.#running.has(name)) return name
    const builds = await this.list()
    const found = builds.find(({ client, id }) => id === name || client?.ref === name)
    if (!found) throw notFound(name)
    return found.id
  }

  async #load(): Promise<void> {
    this.#loaded ??= loadRecords(this.#root, {
      isRunning: (id) => this.#running.has(id) || this.#kept.has(id),
      take: (kept) => {
        this.#kept.set(kept.summary.id, kept)
      },
      warn: this.#warn,
    }).catch((error: unknown) => {
      // what the host was short of may be there the next time
      this.#loaded = undefined
      throw error
    })
    await this.#loaded
  }

  async #file({ directory, journal, record }: Recording): Promise<void> {
    // who waits for the build is told first
    await setImmediate()
    journal.end()
    const isWritten = this.#written(directory, record)
    await compressJournal(directory).catch((error: unknown) => {
      this.#warn(`the log of build ${record.id} could not be compressed`, error)
    })
    const bytes = journalBytes(directory)
    const unwritten = isWritten ? {} : { unwritten: record }
    this.#kept.set(record.id, { summary: summaryOf(record), bytes, ...unwritten })
    this.#running.delete(record.id)
    if (isWritten) this.#writeRest()
    await this.#load()
    await this.#forgetOld()
  }

  /** What the disk refused earlier: it may have room by now. */
  #writeRest(): void {
    for (const [id, kept] of this.#kept) {
      if (!kept.unwritten) continue
      if (!this.#written(this.#directory(id), kept.unwritten)) return
      delete kept.unwritten
    }
  }

  async #forgetOld(): Promise<void> {
    const oldest = [...this.#kept.values()]
      .filter(({ summary }) => !summary.pinned)
      .sort((a, b) => (a.summary.startedAt < b.summary.startedAt ? -1 : 1))
    let count = oldest.length
    let bytes = oldest.reduce((sum, one) => sum + one.bytes, 0)
    for (const one of oldest) {
      if (count <= MOST_RECORDS && bytes <= MOST_BYTES) return
      count--
      bytes -= one.bytes
      await this.#remove(one.summary.id)
    }
  }

  async #remove(id: string): Promise<void> {
    this.#kept.delete(id)
    const directory = this.#directory(id)
    // without its document the rest is swept should this be cut short
    await fs.rm(recordFile(directory), { force: true })
    await fs.rm(directory, { recursive: true, force: true })
    this.#feed.removed(id)
  }

  /**
   * A build is not to fail because its record cannot be written. Nor is the next one to wait for the disk: a host that
   * loses its power may lose the last records.
   */
  #written(directory: string, record: BuildRecord): boolean {
    try {
      makeDirectory(directory)
      writeRecordAtOnce(directory, record)
      return true
    } catch (error) {
      this.#warn(`build ${record.id} could not be put on record`, error)
      return false
    }
  }

  #directory(id: string): string {
    return path.join(this.#root, id)
  }
}

function notFound(name: string): NotFoundError {
  return new NotFoundError(`No such build: ${name}`)
}
