import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../../engine/contract.ts'
import type { BuildLogEvent, BuildRecord } from '../../../engine/contract/builds.ts'
import { errorCode } from '../../../engine/errors.ts'
import { BuildLines } from '../../builds/build-lines.ts'
import type { BuildLine, BuildView, BuildViewChange } from '../protocol.ts'
import type { Change, Merge, Source } from '../topic.ts'

/** Of the newest lines so many are held, for who comes and for who is slow. */
const MAX_LINES = 3000
const MAX_CHARS = 1024 * 1024
const BATCH_MS = 100
/** A build whose job has just begun is on record a moment later. */
const BEGIN_MS = 5000
const LOOK_EVERY_MS = 50

/** One build: its record, and the lines that its steps print. */
export class BuildSource implements Source<'build'> {
  readonly #builds: Engine['builds']
  readonly #id: string
  readonly #abort = new AbortController()
  readonly #lines: BuildLines
  #held: BuildLine[] = []
  #heldChars = 0
  #batch: BuildLine[] = []
  #record: BuildRecord | undefined
  #isDirty = false
  #hasToldDockerfile = false
  #publish: ((change: Change<'build'>) => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Pick<Engine, 'builds'>, id: string) {
    this.#builds = engine.builds
    this.#id = id
    this.#lines = new BuildLines((line) => {
      this.#take(line)
    })
  }

  async open(publish: (change: Change<'build'>) => void): Promise<void> {
    this.#record = await this.#begun()
    if (this.#record.state === 'running') {
      this.#publish = publish
      void this.#follow()
    } else {
      for await (const event of this.#builds.log(this.#id, {}, this.#abort.signal))
        this.#lines.take(event)
      this.#lines.end()
      this.#batch = []
    }
    this.#hasToldDockerfile = this.#record.dockerfileText !== null
  }

  snapshot(): BuildView {
    if (!this.#record) throw new Error('the build is not open')
    // What waits in the batch will be published to everyone who joins now: not twice.
    const first = this.#batch[0]?.n ?? Infinity
    return {
      build: this.#record,
      lines: this.#held.filter(({ n }) => n < first),
      total: this.#lines.count - this.#batch.length,
    }
  }

  close(): void {
    this.#abort.abort()
    clearTimeout(this.#timer)
  }

  async #begun(): Promise<BuildRecord> {
    for (const until = Date.now() + BEGIN_MS; ;) {
      try {
        return await this.#builds.inspect(this.#id)
      } catch (error) {
        if (errorCode(error) !== 'NOT_FOUND' || Date.now() > until) throw error
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#abort.signal })
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#abort
    try {
      for await (const event of this.#builds.log(this.#id, { follow: true }, signal)) {
        this.#lines.take(event)
        if (changesRecord(event)) this.#isDirty = true
        this.#flushSoon()
      }
    } catch {
      // the record below tells how it ended
    }
    this.#lines.end()
    this.#isDirty = true
    this.#flushSoon()
  }

  #take(line: BuildLine): void {
    this.#batch.push(line)
    this.#held.push(line)
    this.#heldChars += line.text.length
    if (this.#held.length < 2 * MAX_LINES && this.#heldChars < 2 * MAX_CHARS) return
    this.#held = newest(this.#held)
    this.#heldChars = this.#held.reduce((sum, { text }) => sum + text.length, 0)
  }

  #flushSoon(): void {
    if (this.#abort.signal.aborted) return
    this.#timer ??= setTimeout(() => void this.#flush(), BATCH_MS)
  }

  async #flush(): Promise<void> {
    let build: BuildViewChange['build'] = null
    if (this.#isDirty) {
      this.#isDirty = false
      const record = await this.#recordNow()
      if (record) {
        this.#record = record
        const { dockerfileText, ...rest } = record
        build = this.#hasToldDockerfile ? rest : record
        this.#hasToldDockerfile ||= dockerfileText !== null
      }
    }
    const lines = newest(this.#batch)
    this.#batch = []
    this.#timer = undefined
    this.#publish?.({ build, lines, total: this.#lines.count })
    if (this.#isDirty) this.#flushSoon()
  }

  /** Undefined when it cannot be read: it is asked for anew then, unless it has been taken off the record. */
  async #recordNow(): Promise<BuildRecord | undefined> {
    try {
      return await this.#builds.inspect(this.#id)
    } catch (error) {
      this.#isDirty = errorCode(error) !== 'NOT_FOUND'
      return undefined
    }
  }
}

function changesRecord({ kind }: BuildLogEvent): boolean {
  return kind !== 'log' && kind !== 'progress' && kind !== 'clipped'
}

/** Within both bounds; which ones are missing their numbers tell. */
function newest(lines: BuildLine[]): BuildLine[] {
  let from = Math.max(0, lines.length - MAX_LINES)
  let chars = 0
  for (let i = lines.length - 1; i >= from; i--) {
    chars += lines[i]?.text.length ?? 0
    if (chars > MAX_CHARS && i < lines.length - 1) from = i + 1
  }
  return from === 0 ? lines : lines.slice(from)
}

export const mergeBuild: Merge<'build'> = (older, newer) => ({
  build: newer.build === null ? older.build : { ...older.build, ...newer.build },
  lines: newest([...older.lines, ...newer.lines]),
  total: newer.total,
})
