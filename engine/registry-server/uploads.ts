import { createHash, randomUUID } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import { IncomingMessage } from 'node:http'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { algorithmOf } from '../oci/digest.ts'
import type { Algorithm } from '../oci/digest.ts'
import { BatchWriter } from '../store/batch-writer.ts'
import { isMissing } from '../store/documents.ts'
import { directoryOf, nameOf } from './names.ts'
import { refuse } from './refusal.ts'

/** An upload that nothing was heard of for so long is over. */
const IDLE_MS = 24 * 3600 * 1000
/** One that nothing was heard of for so long goes when its room is wanted. */
const YIELD_MS = 10 * 60_000
/** Of more, the one that was idle longest goes. */
const MAX_UPLOADS = 1000

interface Upload {
  readonly id: string
  readonly repository: string
  readonly file: string
  /** Of what is in the file; absent for one of an engine before, until somebody comes back for it. */
  hash: Hash | undefined
  size: number
  touchedAt: number
  /** What is being received. */
  body: Readable | undefined
  /** Ends when what was begun before has. */
  tail: Promise<unknown>
}

export interface AppendOptions {
  range?: { start: number; end: number } | undefined
  accept?: (bytes: number) => void
}

/**
 * Blobs on their way into the registry, each a file that grows:
 *
 *     <data>/uploads/<id>+<repository, ~ for />
 *
 * They outlive the engine: what a killed one had written of an upload is gone on with, and reckoned anew when somebody
 * comes back for it. Whether all of that is right is told by the digest at the end.
 */
export class Uploads {
  readonly #root: string
  readonly #uploads = new Map<string, Upload>()
  /** All received, and on their way to where blobs are. */
  readonly #ending = new Set<Upload>()

  private constructor(root: string) {
    this.#root = root
  }

  /** Finds what engines before have left, younger than a day. */
  static async open(dataRoot: string): Promise<Uploads> {
    const uploads = new Uploads(path.join(dataRoot, 'uploads'))
    await fs.mkdir(uploads.#root, { recursive: true, mode: 0o700 })
    for (const name of await fs.readdir(uploads.#root)) await uploads.#find(name)
    await uploads.sweep()
    return uploads
  }

  async begin(repository: string): Promise<string> {
    await this.#makeRoom()
    const id = randomUUID()
    const upload: Upload = {
      id,
      repository,
      file: path.join(this.#root, `${id}+${directoryOf(repository)}`),
      hash: createHash('sha256'),
      size: 0,
      touchedAt: Date.now(),
      body: undefined,
      tail: Promise.resolve(),
    }
    await fs.writeFile(upload.file, '', { mode: 0o600, flag: 'wx' })
    this.#uploads.set(upload.id, upload)
    return upload.id
  }

  /** Bytes received. @throws BLOB_UPLOAD_UNKNOWN */
  sizeOf(repository: string, id: string): number {
    return this.#get(repository, id).size
  }

  /**
   * Receives the next bytes. What came before the client broke off is kept and can be gone on with. A newer request
   * takes an upload over: the older one's connection is dead, though this side may not know yet.
   *
   * @param options.range the bytes it says it has
   * @param options.accept told by how many bytes the upload is to grow; throws to refuse that
   * @returns bytes received in all
   * @throws BLOB_UPLOAD_INVALID when the range does not go on where the last ended; SIZE_INVALID when the body is another
   * than its range says
   */
  async append(
    repository: string,
    id: string,
    body: Readable,
    options: AppendOptions = {},
  ): Promise<number> {
    const upload = this.#get(repository, id)
    upload.body?.destroy()
    return await this.#inTurn(upload, () => this.#receive(upload, body, options))
  }

  /**
   * Ends an upload.
   *
   * @param take given its file, all on the disk, to move; what it leaves is removed. Until it has ended the bytes count
   * as under way
   * @throws DIGEST_INVALID when its content is another; it is over then, too
   */
  async finish(
    repository: string,
    id: string,
    digest: string,
    take: (file: string) => Promise<void>,
  ): Promise<void> {
    const upload = this.#get(repository, id)
    await this.#inTurn(upload, async () => {
      this.#uploads.delete(id)
      this.#ending.add(upload)
      try {
        const algorithm = algorithmOf(digest)
        const hash = await (algorithm === 'sha256' ? hashOf(upload) : hashFile(upload, algorithm))
        const found = `${algorithm}:${hash.digest('hex')}`
        if (found !== digest)
          throw refuse('DIGEST_INVALID', `the content that was uploaded has the digest ${found}`)
        await sync(upload)
        await take(upload.file)
      } finally {
        this.#ending.delete(upload)
        await discard(upload)
      }
    })
  }

  /** Bytes under way to the repositories meant. */
  bytesTo(isMeant: (repository: string) => boolean): number {
    let bytes = 0
    for (const uploads of [this.#uploads.values(), this.#ending])
      for (const { repository, size } of uploads) if (isMeant(repository)) bytes += size
    return bytes
  }

  /**
   * Ends uploads to the repositories meant that nothing was heard of for a while, until so many bytes are free or there
   * are no more. What they had counts no more when this returns; their files go soon.
   */
  giveWay(isMeant: (repository: string) => boolean, bytes: number, now = Date.now()): void {
    const idle = [...this.#uploads.values()]
      .filter(({ touchedAt }) => touchedAt < now - YIELD_MS)
      .filter(({ repository, size }) => size > 0 && isMeant(repository))
      .sort((a, b) => a.touchedAt - b.touchedAt)
    let freed = 0
    for (const upload of idle) {
      if (freed >= bytes) return
      freed += upload.size
      // a file that cannot be removed now is found and swept by the next engine
      this.#drop(upload).catch(() => undefined)
    }
  }

  /** @throws BLOB_UPLOAD_UNKNOWN */
  async cancel(repository: string, id: string): Promise<void> {
    await this.#drop(this.#get(repository, id))
  }

  /**
   * Ends what nobody came back for. A connection that is still open changes nothing: nobody is told of a client whose
   * machine has lost its power.
   */
  async sweep(now = Date.now()): Promise<void> {
    for (const upload of this.#uploads.values())
      if (upload.touchedAt < now - IDLE_MS) await this.#drop(upload)
  }

  /** Ends what is being received; what came of it stays for the next engine. */
  async close(): Promise<void> {
    for (const upload of [...this.#uploads.values(), ...this.#ending]) {
      upload.body?.destroy()
      await upload.tail
    }
  }

  async #receive(
    upload: Upload,
    body: Readable,
    { accept, range }: AppendOptions,
  ): Promise<number> {
    if (range && range.start !== upload.size) {
      throw refuse(
        'BLOB_UPLOAD_INVALID',
        `the next byte is ${upload.size}, the chunk begins at ${range.start}`,
      )
    }
    const expected = range ? range.end - range.start + 1 : undefined
    const handle = await open(upload)
    const writer = new BatchWriter(handle, upload.size)
    upload.body = body
    try {
      await take(upload, body, writer, expected, accept)
      return upload.size
    } finally {
      upload.body = undefined
      await this.#settle(upload, writer, handle)
    }
  }

  /** Brings the file to what was counted; an upload whose bytes the disk did not take is over. */
  async #settle(upload: Upload, writer: BatchWriter, handle: fs.FileHandle): Promise<void> {
    try {
      await writer.end()
      await handle.truncate(upload.size)
    } catch (error) {
      this.#uploads.delete(upload.id)
      await discard(upload)
      throw error
    } finally {
      await handle.close()
    }
  }

  #get(repository: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.repository === repository) return upload
    throw refuse('BLOB_UPLOAD_UNKNOWN', 'no such upload: it was finished, cancelled or idle long')
  }

  async #inTurn<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    const run = (): Promise<T> => {
      // cancelled or finished while this waited
      this.#get(upload.repository, upload.id)
      upload.touchedAt = Date.now()
      return work()
    }
    const turn = upload.tail.then(run, run)
    upload.tail = turn.catch(() => undefined)
    return await turn
  }

  async #drop(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id)
    upload.body?.destroy()
    await upload.tail
    await discard(upload)
  }

  async #find(name: string): Promise<void> {
    const file = path.join(this.#root, name)
    const [found, id = '', repository = ''] = /^([\da-f-]{36})\+(.+)$/.exec(name) ?? []
    if (found === undefined) {
      await fs.rm(file, { recursive: true, force: true })
      return
    }
    const { mtimeMs, size } = await fs.stat(file)
    this.#uploads.set(id, {
      id,
      repository: nameOf(repository),
      file,
      hash: undefined,
      size,
      touchedAt: mtimeMs,
      body: undefined,
      tail: Promise.resolve(),
    })
  }

  async #makeRoom(): Promise<void> {
    if (this.#uploads.size < MAX_UPLOADS) return
    let oldest: Upload | undefined
    for (const upload of this.#uploads.values())
      if (oldest === undefined || upload.touchedAt < oldest.touchedAt) oldest = upload
    if (oldest) await this.#drop(oldest)
  }
}

/** By somebody's hand its file may be gone. @throws BLOB_UPLOAD_UNKNOWN */
async function open({ file }: Upload): Promise<fs.FileHandle> {
  try {
    return await fs.open(file, 'r+')
  } catch (error) {
    if (!isMissing(error)) throw error
    throw refuse('BLOB_UPLOAD_UNKNOWN', 'no such upload: its file is gone')
  }
}

async function sync(upload: Upload): Promise<void> {
  const handle = await open(upload)
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

async function discard({ file }: Upload): Promise<void> {
  await fs.rm(file, { force: true })
}

/** The digest's state, reckoned from the file where an engine before has begun it. */
async function hashOf(upload: Upload): Promise<Hash> {
  upload.hash ??= await hashFile(upload, 'sha256')
  return upload.hash
}

/** By another algorithm than nearly all, which its client names at the end only. */
async function hashFile({ file, size }: Upload, algorithm: Algorithm): Promise<Hash> {
  const hash = createHash(algorithm)
  const options = { highWaterMark: 1 << 20, end: size - 1 }
  if (size > 0)
    for await (const chunk of createReadStream(file, options)) hash.update(chunk as Buffer)
  return hash
}

/** Reads a body to its end. One of another length than it says counts for nothing. */
async function take(
  upload: Upload,
  body: Readable,
  writer: BatchWriter,
  expected: number | undefined,
  accept: AppendOptions['accept'],
): Promise<void> {
  const hash = await hashOf(upload)
  const before = { hash: hash.copy(), size: upload.size }
  const wrongLength = (): Error => {
    upload.hash = before.hash
    upload.size = before.size
    return refuse('SIZE_INVALID', `the chunk has not the ${expected ?? 0} bytes of its range`)
  }
  // the parser makes each chunk of a request for whoever reads it
  const isOurs = body instanceof IncomingMessage
  // the connection still has to carry the answer when the rest of the body is not read
  for await (const each of body.iterator({ destroyOnReturn: false })) {
    const chunk = each as Buffer
    // before room is made for it: what it belongs to is not what nobody goes on with
    upload.touchedAt = Date.now()
    const size = upload.size + chunk.length
    if (expected !== undefined && size - before.size > expected) throw wrongLength()
    accept?.(chunk.length)
    // from here to where it counts nothing else runs
    const written = writer.add(chunk, isOurs)
    // meanwhile a thread writes
    hash.update(chunk)
    upload.size = size
    await written
  }
  if (expected !== undefined && upload.size - before.size !== expected) throw wrongLength()
}
