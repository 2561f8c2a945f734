import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError, errorMessage } from '../../errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { shortId } from '../../oci/digest.ts'
import type { RegistryClient } from '../../registry/client.ts'
import { MAX_TRIES, retryDelay } from '../../registry/refusal.ts'
import { retrying, type ProgressSink } from '../progress.ts'
import type { DownloadProgress, ImageStore } from '../store.ts'

/**
 * Gets a blob into the store, or joins another pull that does. What was begun before is gone on with; when it breaks off it
 * is tried again, and at the other endpoints.
 *
 * @param clients of the registry's endpoints
 * @throws SYSTEM when it is not what its descriptor says, or does not come; the signal's reason when it fired
 */
export async function downloadBlob(
  store: ImageStore,
  clients: readonly RegistryClient[],
  blob: Descriptor,
  sink: ProgressSink,
  signal: AbortSignal,
): Promise<void> {
  if (store.blobs.has(blob.digest)) return
  const id = shortId(blob.digest)
  let isVerifying = false
  const onProgress = ({ phase, current }: DownloadProgress): void => {
    if (phase === 'downloading') sink.count(id, 'Downloading', current, blob.size)
    else if (!isVerifying) {
      isVerifying = true
      sink.emit({ status: 'Verifying Checksum', progressDetail: {}, id })
    }
  }
  await store.downloads.run(
    blob.digest,
    (workSignal, report) => fetchBlob(store, clients, blob, sink, workSignal, report),
    onProgress,
    signal,
  )
}

async function fetchBlob(
  store: ImageStore,
  clients: readonly RegistryClient[],
  blob: Descriptor,
  sink: ProgressSink,
  signal: AbortSignal,
  report: (progress: DownloadProgress) => void,
): Promise<void> {
  const partial = await store.blobs.openPartial(blob.digest)
  try {
    if (partial.size > blob.size) await partial.reset()
    for (let attempt = 1; ; attempt++) {
      try {
        const client = clients[(attempt - 1) % clients.length]
        if (partial.size < blob.size || blob.size === 0)
          await receive(client, blob, partial, signal, report)
        report({ phase: 'verifying', current: partial.size })
        if (await partial.commit()) return
        throw new EngineError(
          'SYSTEM',
          `filesystem layer verification failed for digest ${blob.digest}`,
        )
      } catch (error) {
        signal.throwIfAborted()
        // another endpoint may have what this one has not
        const isOther = attempt < clients.length && attempt < MAX_TRIES
        const seconds = retryDelay(error, attempt) ?? (isOther ? 0.5 : undefined)
        if (seconds === undefined) throw error
        const id = shortId(blob.digest)
        sink.emit({ status: retrying(seconds), progressDetail: {}, id })
        await sleep(seconds * 1000, undefined, { signal })
      }
    }
  } finally {
    await partial.close()
  }
}

async function receive(
  client: RegistryClient | undefined,
  blob: Descriptor,
  partial: Awaited<ReturnType<ImageStore['blobs']['openPartial']>>,
  signal: AbortSignal,
  report: (progress: DownloadProgress) => void,
): Promise<void> {
  if (!client) throw new EngineError('SYSTEM', 'there is no endpoint')
  const { body, offset } = await client.blob(blob.digest, partial.size, signal)
  try {
    if (offset !== partial.size) await partial.reset()
    for await (const chunk of body) {
      if (partial.size + (chunk as Buffer).length > blob.size) {
        await partial.reset()
        throw new EngineError(
          'SYSTEM',
          `blob ${blob.digest} is longer than the ${blob.size} bytes it should have`,
        )
      }
      // made by the parser of the answer for us alone
      await partial.append(chunk as Buffer, true)
      report({ phase: 'downloading', current: partial.size })
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof EngineError) throw error
    throw new EngineError(
      'SYSTEM',
      `download of ${blob.digest} broke off: ${errorMessage(error)}`,
      { cause: error },
    )
  } finally {
    body.destroy()
  }
  if (partial.size < blob.size) {
    throw new EngineError(
      'SYSTEM',
      `download of ${blob.digest} ended after ${partial.size} of ${blob.size} bytes`,
    )
  }
}
