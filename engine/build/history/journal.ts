import { createReadStream, createWriteStream, statSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import stream from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { createGunzip, createGzip } from 'node:zlib'
import type { BuildLogEvent } from '../../contract/builds.ts'
import { isMissing } from '../../store/documents.ts'
import { decodeLine } from './journal-line.ts'
import type { JournalWriter } from './journal-writer.ts'

const CHUNK_BYTES = 2 ** 16

/** Where the journal of a build is while it is written. */
export function journalFile(directory: string): string {
  return path.join(directory, 'log')
}

/** Where it is when the build is over. */
function compressedFile(directory: string): string {
  return path.join(directory, 'log.gz')
}

/** All records that are kept have some megabytes of such together: not worth a thread's time at the end of each build. */
const SMALL_BYTES = 32 * 1024

/** Compresses the journal of a build that is over, unless it is small or there is none. */
export async function compressJournal(directory: string): Promise<void> {
  const file = journalFile(directory)
  if ((sizeOf(file) ?? 0) <= SMALL_BYTES) return
  const partial = path.join(directory, 'log.partial')
  await fs.rm(partial, { force: true })
  try {
    const to = createWriteStream(partial, { mode: 0o600 })
    await pipeline(createReadStream(file), createGzip(), to)
    await fs.rename(partial, compressedFile(directory))
  } catch (error) {
    // a full disk is not to hold half of it as well
    await fs.rm(partial, { force: true })
    throw error
  }
  await fs.rm(file)
}

/** Bytes that the journal of a build takes on disk. */
export function journalBytes(directory: string): number {
  return sizeOf(compressedFile(directory)) ?? sizeOf(journalFile(directory)) ?? 0
}

/** Undefined when it is not there. */
function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size
}

/**
 * The events of a journal from its beginning.
 *
 * @param writer of a build that is under way: what it still writes is told too
 */
export async function* readJournal(
  directory: string,
  writer: JournalWriter | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<BuildLogEvent> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of chunksOf(directory, writer, signal)) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = decodeLine(line)
      if (event) yield event
    }
    if (signal?.aborted === true) return
  }
}

async function* chunksOf(
  directory: string,
  writer: JournalWriter | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  // compressed between two looks, it is at its other place
  const plain = (await opened(journalFile(directory))) ?? 'compressed'
  if (plain === 'compressed') {
    const file = await opened(compressedFile(directory))
    if (!file) return
    // whichever ends first, the other goes with it: a reader that leaves does not leave the file open
    const content = createGunzip()
    stream.pipeline(file.createReadStream(), content, () => undefined)
    yield* content as AsyncIterable<Buffer>
    return
  }
  try {
    for (;;) {
      // asked before reading: what is written between reading and asking is not missed
      const wasOpen = writer?.isOpen === true
      const more = wasOpen ? nextWriting(writer, signal) : undefined
      const { buffer, bytesRead } = await plain.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES)
      if (bytesRead > 0) {
        more?.forget()
        yield buffer.subarray(0, bytesRead)
      } else if (!more || signal?.aborted === true) {
        return
      } else {
        await more.came
      }
    }
  } finally {
    await plain.close()
  }
}

async function opened(file: string): Promise<fs.FileHandle | undefined> {
  try {
    return await fs.open(file)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function nextWriting(
  writer: JournalWriter,
  signal: AbortSignal | undefined,
): { came: Promise<void>; forget: () => void } {
  let forget = (): void => undefined
  const came = new Promise<void>((resolve) => {
    const wake = (): void => {
      resolve()
    }
    const stop = writer.onMore(wake)
    signal?.addEventListener('abort', wake)
    forget = () => {
      stop()
      signal?.removeEventListener('abort', wake)
    }
  })
  return {
    came: came.finally(() => {
      forget()
    }),
    forget: () => {
      forget()
    },
  }
}
