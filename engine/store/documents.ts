import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import type { z } from 'zod'
import { EngineError } from '../errors.ts'
import { runSteps, type Step } from '../native/steps.ts'

export interface WriteDocumentOptions {
  /** Make it survive a power cut before resolving. Without it, it survives the death of this process only. */
  sync?: boolean
  mode?: number
}

/**
 * Reads a JSON document.
 *
 * @returns undefined when there is none
 * @throws SYSTEM when it is not JSON or not what the schema says, naming the file
 */
export async function readDocument<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return parseDocument(file, await fs.readFile(file, 'utf8'), schema)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** As readDocument, at once: for the many that are read at the engine's start, when there is nothing else to do. */
export function readDocumentSync<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return parseDocument(file, readFileSync(file, 'utf8'), schema)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function parseDocument<T>(file: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new EngineError('SYSTEM', `${file} is not valid JSON`, { cause })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new EngineError(
    'SYSTEM',
    `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
  )
}

/**
 * Puts a JSON document in place of what was there, whole or not at all: written beside it, synced, renamed over it, and
 * the directory synced. The directory must exist.
 */
export async function writeDocument(
  file: string,
  value: unknown,
  options: WriteDocumentOptions = {},
): Promise<void> {
  if (options.sync === false) {
    replaceDocument(file, value, options.mode)
    return
  }
  const temporary = temporaryNameOf(file)
  try {
    await runSteps(documentSteps(file, value, { temporary, ...options }))
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
}

/** What puts a synced document in place, to be made together with what belongs to it. */
export function documentSteps(
  file: string,
  value: unknown,
  options: Pick<WriteDocumentOptions, 'mode'> & { temporary?: string } = {},
): Step[] {
  const { mode = 0o600, temporary = temporaryNameOf(file) } = options
  return [
    { do: 'write', path: temporary, data: `${JSON.stringify(value)}\n`, mode, syncs: true },
    { do: 'rename', path: temporary, to: file, syncs: true },
  ]
}

/** Without waiting for the disk it takes some 50 µs, less than four trips to a worker thread and back. */
export function replaceDocument(file: string, value: unknown, mode = 0o600): void {
  const temporary = temporaryNameOf(file)
  try {
    writeFileSync(temporary, `${JSON.stringify(value)}\n`, { mode, flag: 'wx' })
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Removes a document; fine when there is none. */
export async function removeDocument(file: string): Promise<void> {
  await runSteps([{ do: 'remove', path: file, syncs: true }])
}

/**
 * Removes what a killed writeDocument left in the directory. Nobody may be writing there. Directories are let alone: their
 * names may be users'.
 */
export async function sweepTemporaryDocuments(directory: string): Promise<void> {
  for (const entry of await fs.readdir(directory, { withFileTypes: true })) {
    if (entry.isFile() && TEMPORARY.test(entry.name))
      await fs.rm(path.join(directory, entry.name), { force: true })
  }
}

/** A name beside the file that no other writer, and no document, has: those of one process, or thread, are counted. */
function temporaryNameOf(file: string): string {
  temporaries = (temporaries + 1) % 2 ** 24
  return `${file}.${WRITER}${temporaries.toString(16).padStart(6, '0')}.tmp`
}

const WRITER = randomBytes(3).toString('hex')
let temporaries = 0

const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/

/** True for "no such file or directory". */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}
