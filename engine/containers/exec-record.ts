import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { callerSchema } from '../caller.ts'
import type { ExecConfig } from '../contract/execs.ts'
import { isMissing } from '../store/documents.ts'
import type { Exec } from './exec-table.ts'

/** With more than this in it, the file is written anew, without those that have ended. */
const MOST_BYTES = 256 * 1024

const recordSchema = z.object({
  id: z.string(),
  createdBy: callerSchema.optional(),
  config: z.custom<ExecConfig>((value) => typeof value === 'object' && value !== null),
})
type RecordedExec = z.output<typeof recordSchema>

/**
 * What an engine that comes back is to know of a container's running execs: a file, a line of JSON each, which dies with
 * the host as they do. Lines of ended ones stay for a while.
 *
 * It is written at once: the file lies in memory, and on the way of an exec each trip to a worker thread costs more than
 * all of it.
 */
export class ExecRecord {
  readonly #file: string
  /** 0: not known to end with a whole line. */
  #bytes = 0

  constructor(runDir: string) {
    this.#file = path.join(runDir, 'execs.jsonl')
  }

  /** @param others that run */
  add(exec: Exec, others: Exec[]): void {
    const line = lineOf(exec)
    // where it is on a disk all the same, emptying it costs the disk a transaction, and a line more costs nothing
    if (this.#bytes > 0 && this.#bytes + line.length <= MOST_BYTES)
      this.#write(this.#file, 'a', line)
    else if (others.length === 0) this.#write(this.#file, 'w', line)
    else {
      // beside it, for a kill between two steps is not to lose the others
      const anew = `${this.#file}.new`
      this.#write(anew, 'w', [...others.map(lineOf), line].join(''))
      fs.renameSync(anew, this.#file)
    }
  }

  /** By ID; whoever comes later stands for itself. */
  async read(): Promise<Map<string, RecordedExec>> {
    const texts = [...(await this.#before()), await textOf(this.#file)]
    const records = new Map<string, RecordedExec>()
    for (const line of texts.join('\n').split('\n')) {
      const record = recordSchema.safeParse(parseJson(line))
      if (record.success) records.set(record.data.id, record.data)
    }
    return records
  }

  /** As engines of before wrote it, a file for each: who is upgraded is not to lose what runs. */
  async #before(): Promise<string[]> {
    const directory = path.join(path.dirname(this.#file), 'execs')
    const names = await fs.promises.readdir(directory).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
    return Promise.all(names.map((name) => textOf(path.join(directory, name))))
  }

  #write(file: string, flag: 'a' | 'w', text: string): void {
    const options = { mode: 0o600, flag }
    const before = flag === 'a' ? this.#bytes : 0
    this.#bytes = 0
    try {
      fs.writeFileSync(file, text, options)
    } catch (error) {
      if (!isMissing(error)) throw error
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, text, options)
    }
    this.#bytes = before + text.length
  }
}

async function textOf(file: string): Promise<string> {
  return fs.promises.readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return ''
    throw error
  })
}

function lineOf({ config, createdBy, id }: Exec): string {
  return `${JSON.stringify({ id, createdBy, config })}\n`
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // torn by the crash that we recover from
    return undefined
  }
}
