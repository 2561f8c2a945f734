import type { BuildRequest, ClientContent } from '../contract/builds.ts'
import type { RegistryCredentials } from '../contract/common.ts'
import { EngineError, InvalidParameterError } from '../errors.ts'
import type { Reference } from '../images/reference.ts'
import type { ImageStore } from '../images/store.ts'
import type { Lease } from '../images/leases.ts'
import { registriesOf } from '../instance.ts'
import type { Instance } from '../instance.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf, hasDigest } from '../oci/digest.ts'
import { isAttestation, MAX_DOCUMENT_BYTES, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { choosePlatform } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import { RegistryClient } from '../registry/client.ts'
import { endpointsOf } from '../registry/endpoints.ts'
import { firstAnswer } from '../registry/first-answer.ts'

/** Where blobs are read from, by digest. */
export interface BlobSource {
  read(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** A repository's manifest under a name, and where its blobs are. */
export async function registrySource(
  instance: Instance,
  { digest, domain, path, tag = 'latest' }: Reference,
  auth: RegistryCredentials,
  signal: AbortSignal,
): Promise<{ source: BlobSource; content: Buffer; mediaType: string; client: RegistryClient }> {
  const endpoints = await endpointsOf(domain, registriesOf(instance))
  const clients = endpoints.map(
    (endpoint) => new RegistryClient(endpoint, path, endpoint.isMirror ? {} : auth),
  )
  const { client, fetched } = await firstAnswer(
    clients,
    async (one) => ({ client: one, fetched: await one.manifest(digest ?? tag, signal) }),
    signal,
  )
  const source = {
    read: async function* (blob: string, stop: AbortSignal): AsyncGenerator<Uint8Array> {
      const { body } = await client.blob(blob, 0, stop)
      yield* body as AsyncIterable<Buffer>
    },
  }
  return { source, client, content: fetched.content, mediaType: fetched.mediaType }
}

/** What the client would sign in with. */
export async function authFor(
  request: Pick<BuildRequest, 'auth' | 'credentials'>,
  domain: string,
): Promise<{ auth?: RegistryCredentials }> {
  const names =
    domain === 'docker.io'
      ? ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io']
      : [domain, `https://${domain}`, `http://${domain}`, `https://${domain}/v1/`]
  for (const name of names) {
    const auth = request.auth?.[name]
    if (auth) return { auth }
  }
  const auth = await request.credentials?.(domain)
  return auth ? { auth } : {}
}

/**
 * A small blob: a config or a manifest.
 *
 * @throws SYSTEM when it is too large, or something else
 */
export async function readDocumentBlob(
  source: BlobSource | ClientContent,
  digest: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of source.read(digest, signal)) {
    bytes += chunk.length
    if (bytes > MAX_DOCUMENT_BYTES)
      throw new EngineError('SYSTEM', `${digest} has more than ${String(MAX_DOCUMENT_BYTES)} bytes`)
    chunks.push(chunk)
  }
  const content = Buffer.concat(chunks)
  if (!hasDigest(content, digest))
    throw new EngineError('SYSTEM', `verification failed for digest ${digest}`)
  return content
}

/**
 * The manifest of an image for a platform, which may stand in an index.
 *
 * @throws INVALID_PARAMETER when there is none
 */
export async function imageManifest(
  content: Buffer,
  mediaType: string,
  source: BlobSource,
  platform: Platform,
  signal: AbortSignal,
): Promise<{ manifest: Manifest; content: Buffer; descriptor: Descriptor }> {
  let found = { content, mediaType }
  for (let depth = 0; depth < MOST_NESTED; depth++) {
    const parsed = parseManifest(found.content, found.mediaType)
    if (parsed.kind === 'manifest') {
      const digest = digestOf(found.content)
      const descriptor = { mediaType: parsed.mediaType, digest, size: found.content.length }
      return { manifest: parsed, content: found.content, descriptor }
    }
    const entries = parsed.manifests.filter((entry) => !isAttestation(entry))
    const chosen = choosePlatform(entries, platform) ?? lone(entries)
    if (!chosen) throw new InvalidParameterError('there is nothing in it for this platform')
    found = {
      content: await readDocumentBlob(source, chosen.digest, signal),
      mediaType: chosen.mediaType,
    }
  }
  throw new InvalidParameterError('the image index is nested too deeply')
}

const MOST_NESTED = 4

/** A layout lists what it holds, often without saying for which platform. */
function lone(entries: readonly Descriptor[]): Descriptor | undefined {
  const [only, ...more] = entries
  return more.length === 0 && only?.platform == null ? only : undefined
}

/** Brings a blob into the store, verified, unless it is there. */
export async function bringBlob(
  store: ImageStore,
  source: BlobSource,
  { digest, size }: Descriptor,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  lease.blobs.add(digest)
  await store.downloads.run(
    digest,
    async (workSignal) => {
      if (store.blobs.has(digest)) return
      const partial = await store.blobs.openPartial(digest)
      try {
        if (partial.size > 0) await partial.reset()
        for await (const chunk of source.read(digest, workSignal)) {
          if (partial.size + chunk.length > size)
            throw new EngineError('SYSTEM', `blob ${digest} is longer than it should be`)
          await partial.append(Buffer.from(chunk))
        }
        if (!(await partial.commit()))
          throw new EngineError('SYSTEM', `verification failed for digest ${digest}`)
      } finally {
        await partial.close()
      }
    },
    () => undefined,
    signal,
  )
}
