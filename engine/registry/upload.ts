import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConflictError, EngineError } from '../errors.ts'
import type { RegistryClient } from './client.ts'
import { MAX_TRIES, refusal, refusalOf, retryDelay } from './refusal.ts'

/** A blob that is to be at a registry, and how its bytes are had from an offset on. */
export interface UploadSource {
  digest: string
  size: number
  open: (offset: number) => Readable
}

export interface UploadOptions {
  /** Repositories of the same registry that may have the blob. */
  mountFrom: readonly string[]
  /** Told the bytes sent so far. */
  onSent: (bytes: number) => void
  onRetry: (seconds: number) => void
  signal: AbortSignal
}

export type Uploaded = { how: 'existed' | 'pushed' } | { how: 'mounted'; from: string }

/** Up to here a blob is the body of the one request that ends its upload. */
const SMALL_BYTES = 1 << 20

/** A registry may store what it was sent before it answers. */
const COMMIT_IDLE_MS = 15 * 60_000

/**
 * Brings a blob into a repository: not at all when it is there, by a mount when a neighbour has it, else by an upload
 * that goes on where it broke off as far as the registry lets it.
 *
 *     HEAD blobs/<digest>                                  200: it is there
 *     POST blobs/uploads/?mount=<digest>&from=<neighbour>  201: mounted; 202: an upload has begun instead
 *     POST blobs/uploads/                                  202: its place
 *     PATCH <place>, the bytes                             202: its next place
 *     GET <place>, after a failure                         204: Range says what has arrived
 *     PUT <place>?digest=<digest>                          201: stored
 *
 * @throws the registry's refusal, or what broke the connection at the last of several tries
 * @see distribution-spec, "Pushing blobs"
 */
export async function uploadBlob(
  client: RegistryClient,
  source: UploadSource,
  options: UploadOptions,
): Promise<Uploaded> {
  let place: Place | undefined
  // what of the bytes on their way has arrived is asked once the registry answers again
  let isSure = true
  for (let attempt = 1; ; attempt++) {
    try {
      if (place && !isSure) place = await whereItStopped(client, place, source, options)
      isSure = true
      if (!place) {
        if (await client.hasBlob(source.digest, options.signal)) return { how: 'existed' }
        const began = await mountOrBegin(client, source.digest, options)
        if ('how' in began) return began
        place = began
      }
      await send(client, source, place, options)
      return { how: 'pushed' }
    } catch (error) {
      options.signal.throwIfAborted()
      const isLost = attempt < MAX_TRIES && isLostUpload(error)
      const seconds = isLost ? 0 : retryDelay(error, attempt)
      if (seconds === undefined) throw error
      if (isLost) place = undefined
      isSure = false
      if (seconds > 0) {
        options.onRetry(seconds)
        await sleep(seconds * 1000, undefined, { signal: options.signal })
      }
    }
  }
}

/** Where the next bytes go, and how many are there. It changes with each answer. */
interface Place {
  url: URL
  offset: number
}

async function mountOrBegin(
  client: RegistryClient,
  digest: string,
  { mountFrom, signal }: UploadOptions,
): Promise<Place | Uploaded> {
  for (const from of mountFrom) {
    const query = new URLSearchParams({ mount: digest, from })
    const response = await client.send('POST', `blobs/uploads/?${query.toString()}`, { signal })
    response.resume()
    if (response.statusCode === 201) return { how: 'mounted', from }
    if (response.statusCode === 202) return placeOf(client, response, 0)
    // it does not do mounts, or not this one: an ordinary upload will tell what is wrong, if anything is
  }
  const response = await client.send('POST', 'blobs/uploads/', { signal })
  if (response.statusCode !== 202) throw await refusal(response)
  response.resume()
  return placeOf(client, response, 0)
}

async function send(
  client: RegistryClient,
  source: UploadSource,
  place: Place,
  { onSent, signal }: UploadOptions,
): Promise<void> {
  const { digest, size } = source
  const isSmall = place.offset === 0 && size <= SMALL_BYTES
  const body = (): Readable => {
    let sent = place.offset
    return source.open(place.offset).on('data', (chunk: Buffer) => onSent((sent += chunk.length)))
  }
  if (!isSmall && place.offset < size) {
    const response = await client.send('PATCH', place.url, {
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(size - place.offset),
        ...(place.offset > 0 ? { 'content-range': `${place.offset}-${size - 1}` } : {}),
      },
      body,
      signal,
      idleMs: COMMIT_IDLE_MS,
    })
    if (response.statusCode !== 202) throw await refusal(response)
    response.resume()
    Object.assign(place, placeOf(client, response, size))
  }
  const url = new URL(place.url)
  url.searchParams.set('digest', digest)
  const response = await client.send('PUT', url, {
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(isSmall ? size : 0),
    },
    ...(isSmall ? { body } : {}),
    signal,
    idleMs: COMMIT_IDLE_MS,
  })
  if (response.statusCode !== 201) throw await refusal(response)
  response.resume()
  const stored = response.headers['docker-content-digest']
  if (stored !== undefined && stored !== digest)
    throw new ConflictError(`the registry stored blob ${digest} as ${String(stored)}`)
}

/**
 * Asks what has arrived; undefined when that is nothing that can be gone on with.
 *
 * @throws what may pass: a registry that is being started again does not answer for a while
 */
async function whereItStopped(
  client: RegistryClient,
  place: Place,
  { size }: UploadSource,
  { signal }: UploadOptions,
): Promise<Place | undefined> {
  const response = await client.send('GET', place.url, { signal })
  const { statusCode = 0 } = response
  if (statusCode >= 500) throw await refusal(response)
  response.resume()
  if (statusCode !== 204) return undefined
  const end = Number(/^(?:bytes=)?0-(\d+)$/.exec(String(response.headers['range']))?.[1] ?? 0)
  // "0-0" is both of nothing and of one byte
  const offset = end === 0 ? 0 : end + 1
  return offset > size ? undefined : placeOf(client, response, offset, place.url)
}

function placeOf(
  client: RegistryClient,
  { headers }: IncomingMessage,
  offset: number,
  before?: URL,
): Place {
  const { location } = headers
  if (location === undefined && before) return { url: before, offset }
  if (location === undefined)
    throw new EngineError('SYSTEM', `${client.endpoint.url.host} names no place to upload to`)
  const url = new URL(location, before ?? client.endpoint.url)
  // a proxy that ends TLS, and a registry behind it that does not know
  if (url.host === client.endpoint.url.host) url.protocol = client.endpoint.url.protocol
  return { url, offset }
}

/** The registry has lost the upload, or disagrees about what has arrived: only a new one helps. */
function isLostUpload(error: unknown): boolean {
  const refused = refusalOf(error)
  if (!refused) return false
  return (
    refused.status === 416 ||
    ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'RANGE_INVALID', 'DIGEST_INVALID'].includes(
      refused.code,
    )
  )
}
