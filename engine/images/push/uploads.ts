import { createReadStream } from 'node:fs'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { RegistryClient } from '../../registry/client.ts'
import { uploadBlob } from '../../registry/upload.ts'
import { retrying, type ProgressSink } from '../progress.ts'
import type { Reference } from '../reference.ts'
import { Slots } from '../slots.ts'
import type { ImageStore } from '../store.ts'

/** Blobs of one push that are uploaded at the same time. */
const MAX_UPLOADS = 5

/** The blobs of one push on their way into a repository: several at a time, each once. After a failure none is begun any more. */
export class Uploads {
  readonly #store: ImageStore
  readonly #client: RegistryClient
  readonly #reference: Reference
  readonly #sink: ProgressSink
  readonly #slots = new Slots(MAX_UPLOADS)
  readonly #begun = new Map<string, Promise<void>>()
  readonly #stop: AbortSignal
  readonly #failed = new AbortController()
  /** For the work on what is to follow: fires with the caller's, and when an upload failed, with what it threw. */
  readonly signal: AbortSignal

  constructor(
    store: ImageStore,
    client: RegistryClient,
    reference: Reference,
    sink: ProgressSink,
    stop: AbortSignal,
  ) {
    this.#store = store
    this.#client = client
    this.#reference = reference
    this.#sink = sink
    this.#stop = stop
    this.signal = AbortSignal.any([stop, this.#failed.signal])
  }

  /** @param id under which it is told of; without one it is not */
  begin(blob: Descriptor, id?: string): void {
    if (!this.#slots.isFree && id !== undefined)
      this.#sink.emit({ status: 'Waiting', progressDetail: {}, id })
    if (this.#begun.has(blob.digest)) return
    const upload = this.#slots.run(async () => {
      this.signal.throwIfAborted()
      await this.#upload(blob, id)
    })
    upload.catch((error: unknown) => this.#failed.abort(error))
    this.#begun.set(blob.digest, upload)
  }

  /**
   * Waits for all that was begun, also after a failure: nothing goes on behind the caller's back.
   *
   * @throws the first failure
   */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#begun.values())
    this.signal.throwIfAborted()
  }

  async #upload(blob: Descriptor, id: string | undefined): Promise<void> {
    const tell = (status: string): void => {
      if (id !== undefined) this.#sink.emit({ status, progressDetail: {}, id })
    }
    // licensed content that only its own address may hand out
    if ((blob.urls ?? []).length > 0 && /foreign|nondistributable/.test(blob.mediaType)) {
      tell('Skipped foreign layer')
      return
    }
    const path = this.#store.blobs.pathOf(blob.digest)
    const uploaded = await uploadBlob(
      this.#client,
      {
        digest: blob.digest,
        size: blob.size,
        open: (start) => createReadStream(path, { start, highWaterMark: 1 << 20 }),
      },
      {
        mountFrom: this.#neighboursWith(blob.digest),
        onSent: (bytes) => {
          if (id !== undefined) this.#sink.count(id, 'Pushing', bytes, blob.size)
        },
        onRetry: (seconds) => tell(retrying(seconds)),
        // one on its way comes to its end, so that the next push finds it there
        signal: this.#stop,
      },
    )
    switch (uploaded.how) {
      case 'existed':
        tell('Layer already exists')
        break
      case 'mounted':
        tell(`Mounted from ${uploaded.from}`)
        break
      case 'pushed':
        tell('Pushed')
        break
    }
  }

  /** Where the registry has images with this blob, as far as is known here. */
  #neighboursWith(digest: string): string[] {
    const { domain, path } = this.#reference
    for (const { document } of this.#store.all()) {
      if (document.id !== digest && !document.layers.some(({ blob }) => blob.digest === digest))
        continue
      for (const reference of this.#store.referencesOf(document.id)) {
        const isThere =
          reference.digest === document.manifest?.digest && reference.domain === domain
        if (isThere && reference.path !== path) return [reference.path]
      }
    }
    return []
  }
}
