import { createHash, randomUUID } from 'node:crypto'
import type { Hash } from 'node:crypto'
import fs from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { BlobStore } from '../store/blobs.ts'
import { refuse } from './refusal.ts'

/** An upload that nothing was heard of for so long is over. */
const IDLE_MS = 24 * 3600 * 1000
/** Of more, the one that was idle longest goes. */
const MAX_UPLOADS = 1000

interface Upload {
  readonly id: string
  readonly repository: string
  readonly file: string
  hash: Hash
  size: number
  touchedAt: number
  /** What is being received. */
  body: Readable | undefined
  /** Ends when what was begun before has. */
  tail: Promise<unknown>
}

export interface AppendOptions {
  range?: { start: number; end: number } | undefined
  accept?: (size: number) => void
}

/**
 * Blobs on their way into the registry, each a file that grows. They are not resumed by another process: what a killed
 * engine leaves is swept with the store's other temporary files.
 */
export class Uploads {
  readonly #blobs: BlobStore
  readonly #uploads = new Map<string, Upload>()

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  async begin(repository: string): Promise<string> {
    await this.#makeRoom()
    const upload: Upload = {
      id: randomUUID(),
      repository,
      file: this.#blobs.temporary(),
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
    return this.#find(repository, id).size
  }

  /**
   * Receives the next bytes. What came before the client broke off is kept and can be gone on with. A newer request
   * takes an upload over: the older one's connection is dead, though this side may not know yet.
   *
   * @param options.range the bytes it says it has
   * @param options.accept told what the upload would grow to; throws to refuse that
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
    const upload = this.#find(repository, id)
    upload.body?.destroy()
    return await this.#inTurn(upload, () => this.#receive(upload, body, options))
  }

  /**
   * Ends an upload; its file is the caller's then, all on the disk.
   *
   * @throws DIGEST_INVALID when its content is another; it is over then, too
   */
  async finish(repository: string, id: string, digest: string): Promise<string> {
    const upload = this.#find(repository, id)
    return await this.#inTurn(upload, async () => {
      this.#uploads.delete(id)
      const found = `sha256:${upload.hash.digest('hex')}`
      if (found !== digest) {
        await this.#blobs.discard(upload.file)
        throw refuse('DIGEST_INVALID', `the content that was uploaded has the digest ${found}`)
      }
      const handle = await fs.open(upload.file, 'r+')
      try {
        await handle.datasync()
      } finally {
        await handle.close()
      }
      return upload.file
    })
  }

  /** @throws BLOB_UPLOAD_UNKNOWN */
  async cancel(repository: string, id: string): Promise<void> {
    await this.#drop(this.#find(repository, id))
  }

  /** Ends what nobody came back for. */
  async sweep(now = Date.now()): Promise<void> {
    for (const upload of this.#uploads.values())
      if (upload.body === undefined && upload.touchedAt < now - IDLE_MS) await this.#drop(upload)
  }

  async close(): Promise<void> {
    for (const upload of this.#uploads.values()) await this.#drop(upload)
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
    const before = { hash: upload.hash.copy(), size: upload.size }
    const expected = range ? range.end - range.start + 1 : undefined
    const handle = await fs.open(upload.file, 'r+')
    upload.body = body
    try {
      // the connection still has to carry the answer when the rest of the body is not read
      for await (const each of body.iterator({ destroyOnReturn: false })) {
        const chunk = each as Buffer
        if (expected !== undefined && upload.size - before.size + chunk.length > expected)
          throw refuse('SIZE_INVALID', `the chunk is longer than its ${expected} bytes`)
        accept?.(upload.size + chunk.length)
        for (let at = 0; at < chunk.length;) {
          at += (await handle.write(chunk, at, chunk.length - at, upload.size + at)).bytesWritten
        }
        upload.hash.update(chunk)
        upload.size += chunk.length
        upload.touchedAt = Date.now()
      }
      if (expected !== undefined && upload.size - before.size !== expected) {
        throw refuse(
          'SIZE_INVALID',
          `the chunk has ${upload.size - before.size} bytes, its range ${expected}`,
        )
      }
      return upload.size
    } catch (error) {
      if ((error as { reason?: unknown }).reason === 'SIZE_INVALID') {
        await handle.truncate(before.size)
        upload.hash = before.hash
        upload.size = before.size
      }
      throw error
    } finally {
      upload.body = undefined
      await handle.close()
    }
  }

  #find(repository: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.repository === repository) return upload
    throw refuse('BLOB_UPLOAD_UNKNOWN', 'no such upload: it was finished, cancelled or idle long')
  }

  async #inTurn<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    const run = (): Promise<T> => {
      // cancelled or finished while this waited
      this.#find(upload.repository, upload.id)
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
    await this.#blobs.discard(upload.file)
  }

  async #makeRoom(): Promise<void> {
    if (this.#uploads.size < MAX_UPLOADS) return
    let oldest: Upload | undefined
    for (const upload of this.#uploads.values())
      if (oldest === undefined || upload.touchedAt < oldest.touchedAt) oldest = upload
    if (oldest) await this.#drop(oldest)
  }
}
