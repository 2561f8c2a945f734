import { mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import type { BuildEvent, BuildRecord } from '../../contract/builds.ts'
import { replaceDocument, writeDocument } from '../../store/documents.ts'
import type { OpenedContext } from '../context.ts'
import { close, failureOf, tell } from './fold.ts'
import { journalFile } from './journal.ts'
import { JournalWriter } from './journal-writer.ts'

/** Longer Dockerfiles are not kept. */
const MOST_DOCKERFILE_CHARS = 2 ** 18

/** A build under way, as it is put on record. */
export class Recording {
  readonly record: BuildRecord
  readonly directory: string
  readonly journal: JournalWriter
  /** Fires when somebody has it cancelled. */
  readonly cancelled = new AbortController()
  readonly ended: Promise<void>
  readonly #changed: () => void
  #end: () => void = () => undefined

  /**
   * Puts it on the disk with the first of its journal.
   *
   * @param directory that is still to be made
   * @param warn of what the disk refuses
   */
  constructor(
    record: BuildRecord,
    directory: string,
    changed: () => void,
    warn: (error: unknown) => void,
  ) {
    this.record = record
    this.directory = directory
    const open = (): number => {
      makeDirectory(directory)
      writeRecordAtOnce(directory, record)
      return openSync(journalFile(directory), 'ax', 0o600)
    }
    this.journal = new JournalWriter({ open, warn })
    this.#changed = changed
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  readonly take = (event: BuildEvent): void => {
    this.journal.take(event)
    if (tell(this.record, event)) this.#changed()
  }

  /** The context is here. */
  readonly opened = ({ commit, dockerfile, name }: OpenedContext): void => {
    const { record } = this
    record.dockerfile = name
    if (dockerfile.length <= MOST_DOCKERFILE_CHARS) record.dockerfileText = dockerfile
    if (commit !== undefined && record.source.kind === 'git') record.source.commit = commit
    this.#changed()
  }

  /** Settles how it ended; the end of its journal and the document are the caller's to write. */
  end(state: 'done' | 'cancelled' | 'interrupted' | { error: unknown }): void {
    const { record } = this
    if (typeof state === 'object') {
      record.failure = failureOf(state.error)
      record.error = record.failure.message.split('\n', 1)[0] ?? ''
    }
    close(record, typeof state === 'object' ? 'failed' : state, new Date().toISOString())
    this.#end()
    this.#changed()
  }
}

/** Puts a record where it is kept, whatever happens. */
export async function writeRecord(directory: string, record: BuildRecord): Promise<void> {
  await writeDocument(recordFile(directory), record)
}

/** The same at once, for what nobody is to wait for: a host that loses its power may lose it. */
export function writeRecordAtOnce(directory: string, record: BuildRecord): void {
  replaceDocument(recordFile(directory), record)
}

/** Fine when it is there. */
export function makeDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
}

export function recordFile(directory: string): string {
  return path.join(directory, 'record.json')
}
