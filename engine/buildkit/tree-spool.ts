import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { TarHeader } from '../tar/header.ts'
import { TarParser } from '../tar/read.ts'

export interface SpooledEntry {
  header: TarHeader
  /** Relative, without slashes at its ends; bytes in latin1. */
  name: string
  /** Of its content in the spool. */
  offset: number
}

/** A tree out of an archive, whose files can be read in any order. The spool file has no name and goes with `close`. */
export class TreeSpool {
  /** In the order in which fsutil wants them: by names, a directory before what is in it and all of that before others. */
  readonly entries: readonly SpooledEntry[]
  readonly #file: FileHandle

  private constructor(entries: readonly SpooledEntry[], file: FileHandle) {
    this.entries = entries
    this.#file = file
  }

  /** @param directory where the spool is for a moment; what a killed engine leaves there is swept at its start */
  static async from(tar: AsyncIterable<Buffer>, directory: string): Promise<TreeSpool> {
    const name = path.join(directory, `spool-${randomBytes(8).toString('hex')}`)
    const file = await fs.open(name, 'wx+', 0o600)
    try {
      await fs.rm(name)
      return new TreeSpool(inOrder(await spool(tar, file)), file)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The content of a regular file. */
  async *read({ header, offset }: SpooledEntry): AsyncGenerator<Buffer> {
    const end = offset + header.size
    for (let at = offset; at < end;) {
      const chunk = Buffer.allocUnsafe(Math.min(64 * 1024, end - at))
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, at)
      // a sparse file's end
      if (bytesRead === 0) chunk.fill(0)
      const length = bytesRead === 0 ? chunk.length : bytesRead
      yield chunk.subarray(0, length)
      at += length
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

async function spool(tar: AsyncIterable<Buffer>, file: FileHandle): Promise<SpooledEntry[]> {
  const entries: SpooledEntry[] = []
  let end = 0
  let writes: { data: Buffer; at: number }[] = []
  const parser = new TarParser({
    entry: (header) => {
      const name = header.name.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
      entries.push({ header, name: name === '.' ? '' : name, offset: end })
      if (header.type === 'file') end += header.size
    },
    data: (chunk, offset) => {
      writes.push({ data: Buffer.from(chunk), at: (entries.at(-1)?.offset ?? 0) + offset })
    },
    end: () => undefined,
  })
  for await (const chunk of tar) {
    parser.push(chunk)
    for (const { at, data } of writes)
      for (let done = 0; done < data.length;)
        done += (await file.write(data, done, data.length - done, at + done)).bytesWritten
    writes = []
  }
  parser.end()
  return entries.filter(({ name }) => name !== '')
}

/** Hard links come behind the first of their names. */
function inOrder(entries: readonly SpooledEntry[]): SpooledEntry[] {
  const sorted = [...entries].sort((a, b) => compare(a.name, b.name))
  const files = new Map(
    entries.filter(({ header }) => header.type === 'file').map((entry) => [entry.name, entry]),
  )
  const firsts = new Map<SpooledEntry, string>()
  return sorted.map((entry) => {
    const target = entry.header.type === 'link' ? targetOf(entry) : entry.name
    const file = files.get(target)
    if (!file) return entry
    const first = firsts.get(file)
    if (first !== undefined)
      return { ...entry, header: { ...file.header, type: 'link', linkName: first } }
    firsts.set(file, entry.name)
    return { ...file, name: entry.name }
  })
}

function targetOf({ header }: SpooledEntry): string {
  return header.linkName.replace(/^(\.?\/)+/, '')
}

/** As if a slash were less than any other character. */
function compare(a: string, b: string): number {
  const [left, right] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')]
  return left < right ? -1 : left > right ? 1 : 0
}
