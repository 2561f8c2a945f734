import fs from 'node:fs/promises'
import path from 'node:path'
import type { BuildRecord, BuildSummary } from '../../contract/builds.ts'
import { isMissing, readDocument, sweepTemporaryDocuments } from '../../store/documents.ts'
import { recordSchema, summaryOf } from './document.ts'
import { close, tell } from './fold.ts'
import { compressJournal, journalBytes, journalFile, readJournal } from './journal.ts'
import { recordFile, writeRecordAtOnce } from './recording.ts'

/** A build that is over, as it is remembered: the rest is on disk. */
export interface Kept {
  summary: BuildSummary
  /** Of its journal. */
  bytes: number
  /** All of it while the disk does not take it; what is there is none, or as it was when the build began. */
  unwritten?: BuildRecord
}

/** Read at the same time. */
const AT_ONCE = 16

/** Reads the records below a directory, settles those that were cut short, and clears away what is none. */
export async function loadRecords(
  root: string,
  options: {
    isRunning: (id: string) => boolean
    take: (kept: Kept) => void
    warn: (message: string, error?: unknown) => void
  },
): Promise<void> {
  const names = await namesIn(root)
  const one = async (id: string): Promise<void> => {
    if (options.isRunning(id)) return
    const directory = path.join(root, id)
    try {
      const record = await readRecord(directory)
      if (!record) {
        // a build that begins right now has none yet
        if (!options.isRunning(id)) await fs.rm(directory, { recursive: true, force: true })
        return
      }
      await sweepTemporaryDocuments(directory)
      if (record.state === 'running') await interrupt(directory, record)
      options.take({ summary: summaryOf(record), bytes: journalBytes(directory) })
    } catch (error) {
      options.warn(`the record of build ${id} is left aside`, error)
    }
  }
  for (let at = 0; at < names.length; at += AT_ONCE)
    await Promise.all(names.slice(at, at + AT_ONCE).map((id) => one(id)))
}

/** @returns undefined when there is none */
export async function readRecord(directory: string): Promise<BuildRecord | undefined> {
  return await readDocument(recordFile(directory), recordSchema)
}

/** Settles a build whose engine ended before it: what its journal tells is all there is to know. */
async function interrupt(directory: string, record: BuildRecord): Promise<void> {
  // the journal has all from the beginning, of which the document may have some
  const untold = { steps: [], completedSteps: 0, cachedSteps: 0, warnings: 0, messages: [] }
  Object.assign(record, untold satisfies Partial<BuildRecord>)
  for await (const event of readJournal(directory, undefined, undefined)) tell(record, event)
  close(record, 'interrupted', await lastSign(directory, record))
  record.error = 'the engine ended before the build did'
  writeRecordAtOnce(directory, record)
  await compressJournal(directory)
}

/** When it was last heard of. */
async function lastSign(directory: string, record: BuildRecord): Promise<string> {
  try {
    return (await fs.stat(journalFile(directory))).mtime.toISOString()
  } catch (error) {
    if (isMissing(error)) return record.startedAt
    throw error
  }
}

async function namesIn(root: string): Promise<string[]> {
  try {
    return await fs.readdir(root)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
