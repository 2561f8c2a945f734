import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import fs from 'node:fs/promises'
import { InvalidParameterError } from '../errors.ts'
import type { Algorithm, Digest } from '../oci/digest.ts'
import { BatchWriter } from '../store/batch-writer.ts'
import type { BlobStore } from '../store/blobs.ts'
import { decompressWithin } from '../store/decompress-within.ts'
import { tooManyBytes } from '../store/limits.ts'
import type { UnpackLimits } from '../store/limits.ts'
import { textOf } from '../tar/header.ts'
import type { TarHeader } from '../tar/header.ts'
import { TarParser } from '../tar/read.ts'

/** An archive of images has some blobs for each; one of many small files is something else. */
const MAX_MEMBERS = 65_536

/** A file out of an archive, in a temporary place of the blob store. */
export interface SpooledFile {
  path: string
  size: number
  digest: Digest
}

/**
 * Writes a stream to a temporary file, digesting it on the way.
 *
 * @throws INVALID_PARAMETER when it is longer than an archive may be, the signal's reason when it fired; then and on any
 *   failure the file is gone
 */
export async function spoolStream(
  source: AsyncIterable<Buffer | string>,
  blobs: BlobStore,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<SpooledFile> {
  const writer = await SpoolWriter.create(blobs)
  try {
    for await (const chunk of source) {
      signal.throwIfAborted()
      await writer.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
      if (writer.size > limits.maxBytes) throw tooManyBytes(limits)
    }
    return await writer.finish()
  } catch (error) {
    await writer.discard()
    throw error
  }
}

/** The members of an archive, spooled. What is not taken out of it by `keep` goes with `close`. */
export class Spool {
  readonly #files = new Map<string, SpooledFile>()
  readonly #links = new Map<string, string>()
  readonly #blobs: BlobStore
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /**
   * Reads an archive, compressed or not, to its end.
   *
   * @throws INVALID_PARAMETER when it is no archive, or larger than the limits; the signal's reason when it fired
   */
  static async read(
    source: AsyncIterable<Buffer | string>,
    blobs: BlobStore,
    limits: UnpackLimits,
    signal: AbortSignal,
  ): Promise<Spool> {
    const spool = new Spool(blobs)
    try {
      await spool.#read(source, limits, signal)
      return spool
    } catch (error) {
      await spool.close()
      throw error
    }
  }

  names(): string[] {
    return [...this.#files.keys(), ...this.#links.keys()]
  }

  /** A member by its name, links followed within the archive: Docker's old archives have links between layers. */
  get(name: string): SpooledFile | undefined {
    let at = clean(name)
    for (let links = 0; links < 16; links++) {
      const file = this.#files.get(at)
      if (file) return file
      const target = this.#links.get(at)
      if (target === undefined) return undefined
      at = target
    }
    return undefined
  }

  /**
   * A small member's content.
   *
   * @throws INVALID_PARAMETER when it is missing or too large
   */
  async content(name: string, maxBytes: number): Promise<Buffer> {
    const file = this.get(name)
    if (!file) throw new InvalidParameterError(`invalid archive: ${name} is missing`)
    if (file.size > maxBytes)
      throw new InvalidParameterError(
        `invalid archive: ${name} has ${file.size} bytes, of ${maxBytes} that such a document may have`,
      )
    return await fs.readFile(file.path)
  }

  /** Makes a member a blob; fine when it is one already. */
  async keep(file: SpooledFile): Promise<void> {
    // an image may have the same layer twice: one at a time
    const turn = this.#tail.then(async () => {
      if (this.#blobs.has(file.digest)) return
      await this.#blobs.adopt(file.path, file.digest)
      file.path = this.#blobs.pathOf(file.digest)
    })
    this.#tail = turn.catch(() => undefined)
    await turn
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) {
      if (file.path !== this.#blobs.pathOf(file.digest)) await fs.rm(file.path, { force: true })
    }
    this.#files.clear()
  }

  async #read(
    source: AsyncIterable<Buffer | string>,
    limits: UnpackLimits,
    signal: AbortSignal,
  ): Promise<void> {
    // the parser is synchronous; what it finds in a chunk is worked off before the next chunk is asked for
    type Step =
      { kind: 'entry'; header: TarHeader } | { kind: 'data'; chunk: Buffer } | { kind: 'end' }
    let steps: Step[] = []
    const parser = new TarParser({
      entry: (header) => steps.push({ kind: 'entry', header }),
      data: (chunk) => steps.push({ kind: 'data', chunk }),
      end: () => steps.push({ kind: 'end' }),
    })
    let name = ''
    let writer: SpoolWriter | undefined
    let total = 0
    let members = 0
    try {
      for await (const chunk of decompressWithin(buffers(source, signal), limits, {
        byPrograms: true,
      })) {
        total += chunk.length
        if (total > limits.maxBytes) throw tooManyBytes(limits)
        steps = []
        parser.push(chunk)
        for (const step of steps) {
          switch (step.kind) {
            case 'entry':
              name = clean(textOf(step.header.name))
              if (++members > MAX_MEMBERS)
                throw new InvalidParameterError(
                  `invalid archive: it has more than ${MAX_MEMBERS} members, which no archive of images has; a root file system is imported, not loaded`,
                )
              if (step.header.sparse)
                throw new InvalidParameterError(`invalid archive: ${name} is a sparse file`)
              if (step.header.type === 'file')
                writer = await SpoolWriter.create(this.#blobs, algorithmAt(name))
              else this.#noteLink(name, step.header)
              break
            case 'data':
              await writer?.write(step.chunk)
              break
            case 'end':
              if (writer) {
                const before = this.#files.get(name)
                if (before) await fs.rm(before.path, { force: true })
                this.#files.set(name, await writer.finish())
              }
              writer = undefined
              break
          }
        }
      }
      if (total === 0) throw new InvalidParameterError('invalid archive: it is empty')
      parser.end()
    } finally {
      await writer?.discard()
    }
  }

  #noteLink(name: string, { type, linkName }: TarHeader): void {
    const target = textOf(linkName)
    const slash = name.lastIndexOf('/')
    if (type === 'symlink')
      this.#links.set(
        name,
        clean(target.startsWith('/') || slash < 0 ? target : `${name.slice(0, slash)}/${target}`),
      )
    else if (type === 'link') this.#links.set(name, clean(target))
  }
}

/** The names of an OCI layout's blobs tell it. @see image-spec image-layout.md, "Blobs" */
function algorithmAt(name: string): Algorithm {
  return name.startsWith('blobs/sha512/') ? 'sha512' : 'sha256'
}

class SpoolWriter {
  readonly #path: string
  readonly #handle: fs.FileHandle
  readonly #algorithm: Algorithm
  readonly #hash: Hash
  readonly #writer: BatchWriter
  size = 0

  private constructor(path: string, handle: fs.FileHandle, algorithm: Algorithm) {
    this.#path = path
    this.#algorithm = algorithm
    this.#hash = createHash(algorithm)
    this.#handle = handle
    this.#writer = new BatchWriter(handle, 0)
  }

  static async create(blobs: BlobStore, algorithm: Algorithm = 'sha256'): Promise<SpoolWriter> {
    const path = blobs.temporary()
    return new SpoolWriter(path, await fs.open(path, 'wx', 0o600), algorithm)
  }

  async write(chunk: Buffer): Promise<void> {
    const written = this.#writer.add(chunk)
    // meanwhile a thread writes
    this.#hash.update(chunk)
    this.size += chunk.length
    await written
  }

  async finish(): Promise<SpooledFile> {
    await this.#writer.end()
    await this.#handle.close()
    return {
      path: this.#path,
      size: this.size,
      digest: `${this.#algorithm}:${this.#hash.digest('hex')}`,
    }
  }

  async discard(): Promise<void> {
    await this.#writer.end().catch(() => {
      // it goes all the same
    })
    await this.#handle.close().catch(() => {
      // it may be closed already
    })
    await fs.rm(this.#path, { force: true })
  }
}

async function* buffers(
  source: AsyncIterable<Buffer | string>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    signal.throwIfAborted()
    yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
  }
}

/** A member's name without `./`, doubled slashes and what `..` takes back. */
function clean(name: string): string {
  const kept: string[] = []
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue
    if (component === '..') kept.pop()
    else kept.push(component)
  }
  return kept.join('/')
}
