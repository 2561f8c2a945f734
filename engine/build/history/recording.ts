import path from 'node:path'
import type { BuildEvent, BuildRecord } from '../../contract/builds.ts'
import { writeDocument } from '../../store/documents.ts'
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

  /** @param warn of a log that cannot be written; without it none is, as there is no directory for one */
  constructor(
    record: BuildRecord,
    directory: string,
    changed: () => void,
    warn: ((error: unknown) => void) | undefined,
  ) {
    this.record = record
    this.directory = directory
    this.journal = new JournalWriter(warn && { file: journalFile(directory), warn })
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

  /** Settles how it ended; the document is the caller's to write. */
  end(state: 'done' | 'cancelled' | 'interrupted' | { error: unknown }): void {
    const { record } = this
    if (typeof state === 'object') {
      record.failure = failureOf(state.error)
      record.error = record.failure.message.split('\n', 1)[0] ?? ''
    }
    close(record, typeof state === 'object' ? 'failed' : state, new Date().toISOString())
    this.journal.end()
    this.#end()
    this.#changed()
  }
}

/** Puts a record where it is kept. */
export async function writeRecord(
  directory: string,
  record: BuildRecord,
  options: { sync: boolean },
): Promise<void> {
  await writeDocument(recordFile(directory), record, options)
}

export function recordFile(directory: string): string {
  return path.join(directory, 'record.json')
}
