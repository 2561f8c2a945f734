import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { CacheExport, ClientContent } from '../contract/builds.ts'
import { errorMessage } from '../errors.ts'
import { compressLayer } from '../images/compress-layer.ts'
import { connectForPush } from '../images/push/connect.ts'
import { parseReference, withDefaultTag } from '../images/reference.ts'
import { registriesOf } from '../instance.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf, parseSha256 } from '../oci/digest.ts'
import { BUILDKIT_CACHE_CONFIG, OCI_LAYER } from '../oci/media-types.ts'
import { uploadBlob } from '../registry/upload.ts'
import { authFor, readDocumentBlob, registrySource } from './blob-source.ts'
import type { BlobSource } from './blob-source.ts'
import { cacheIn, cacheManifest, formatCache, parseCache } from './cache-config.ts'
import type { CachedStep } from './cache-config.ts'
import type { Build, Stage } from './stage.ts'

/**
 * Sends what the steps of a build led to somewhere else, in BuildKit's format, so that another engine takes it up.
 *
 * @param target the stage of the image
 * @throws what the registry or the client says, unless the export may fail
 */
export async function exportCache(build: Build, target: Stage, to: CacheExport): Promise<void> {
  const step = `cache-export-${String(Math.random())}`
  const where = 'registry' in to.to ? to.to.registry : 'client directory'
  const name = `exporting cache to ${where}`
  const at = (): string => new Date().toISOString()
  const { events } = build
  events.push({
    kind: 'started',
    step,
    name,
    number: build.total,
    total: build.total,
    instruction: name,
    at: at(),
  })
  try {
    const sink = await sinkOf(build, to)
    const there = await stepsBefore(build, to)
    const known = new Set(there.map(({ key }) => key))
    const steps = (await stepsToExport(build, target, to)).filter(({ key }) => !known.has(key))
    const { config, layers } = formatCache([...there, ...steps])
    const isThere = new Set(there.map(({ layer }) => layer?.blob.digest))
    for (const layer of layers) {
      if (isThere.has(layer.digest)) continue
      const file = build.store.blobs.pathOf(layer.digest)
      await sink.put(layer, (start) => createReadStream(file, { start, highWaterMark: 1 << 20 }))
    }
    const described = descriptorOf(config, BUILDKIT_CACHE_CONFIG)
    await sink.put(described, (start) => Readable.from([config.subarray(start)]))
    const { content, mediaType } = cacheManifest(described, layers, to.asIndex)
    const manifest = descriptorOf(content, mediaType)
    await sink.finish(manifest, content)
    to.done?.(manifest)
    events.push({ kind: 'finished', step, cached: false, result: manifest.digest, at: at() })
  } catch (error) {
    if (build.signal.aborted) throw error
    const message = `${name}: ${errorMessage(error)}`
    events.push({ kind: 'failed', step, message, at: at() })
    if (!to.ignoreErrors) throw error
    events.push({ kind: 'warning', message })
  }
}

/** Steps of the cache that is gone on with, whose layers are where they are to go. */
async function stepsBefore(build: Build, { after, to }: CacheExport): Promise<CachedStep[]> {
  if (after === undefined) return []
  const { parts, request, signal } = build
  let source: BlobSource
  let manifest: Buffer
  if ('content' in to) {
    source = to.content
    manifest = await readDocumentBlob(source, after, signal)
  } else {
    const reference = { ...parseReference(to.registry), digest: parseSha256(after) }
    const { auth = {} } = await authFor(request, reference.domain)
    const found = await registrySource(parts.instance, reference, auth, signal)
    source = found.source
    manifest = found.content
  }
  const cache = cacheIn(manifest)
  if (!cache) return []
  return parseCache(await readDocumentBlob(source, cache.config.digest, signal), cache.layers)
}

/** Each behind what it stands upon. */
async function stepsToExport(
  build: Build,
  target: Stage,
  { isCompressed, mode }: CacheExport,
): Promise<CachedStep[]> {
  const wanted = new Set<string>()
  for (let key = target.record; key !== undefined; key = build.steps.get(key)?.parent)
    wanted.add(key)
  const steps: CachedStep[] = []
  for (const [key, { createdAt, layer, parent }] of inOrder(build.steps)) {
    if (mode === 'min' && !wanted.has(key)) continue
    const blob =
      layer &&
      (isCompressed
        ? await compressLayer(build.store, layer, build.lease, () => undefined, build.signal)
        : layer.blob)
    steps.push({
      key,
      parent,
      createdAt,
      layer: layer && blob && { diffId: layer.diffId, blob: { ...blob, mediaType: ociType(blob) } },
    })
  }
  return steps
}

/** By what they stand upon: the same whichever stage was faster, so that the same steps are the same cache. */
function inOrder(
  steps: Build['steps'],
): [string, NonNullable<ReturnType<Build['steps']['get']>>][] {
  const depths = new Map<string, number>()
  for (const [key, { parent }] of steps)
    depths.set(key, parent === undefined ? 0 : (depths.get(parent) ?? 0) + 1)
  return [...steps].sort(
    ([a], [b]) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0) || (a < b ? -1 : 1),
  )
}

interface Sink {
  put(blob: Descriptor, open: (start: number) => Readable): Promise<void>
  finish(manifest: Descriptor, content: Buffer): Promise<void>
}

async function sinkOf(build: Build, { to }: CacheExport): Promise<Sink> {
  return 'content' in to
    ? clientSink(to.content, build.signal)
    : await registrySink(build, to.registry)
}

function clientSink(content: ClientContent, signal: AbortSignal): Sink {
  const put: Sink['put'] = (blob, open) =>
    content.write(blob, open(0) as AsyncIterable<Buffer>, signal)
  return { put, finish: (manifest, bytes) => put(manifest, () => Readable.from([bytes])) }
}

async function registrySink(build: Build, name: string): Promise<Sink> {
  const { parts, request, signal } = build
  const reference = withDefaultTag(parseReference(name))
  const auth = await authFor(request, reference.domain)
  const client = await connectForPush(registriesOf(parts.instance), reference, auth, [], signal)
  return {
    put: async ({ digest, size }, open) => {
      const quiet = { mountFrom: [], onSent: () => undefined, onRetry: () => undefined, signal }
      await uploadBlob(client, { digest, size, open }, quiet)
    },
    finish: (manifest, content) =>
      client.putManifest(reference.tag ?? 'latest', content, manifest, signal),
  }
}

function descriptorOf(content: Buffer, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(content), size: content.length }
}

function ociType({ mediaType }: Descriptor): string {
  const compression = /[.+](gzip|zstd)$/.exec(mediaType)?.[1]
  return compression === undefined ? OCI_LAYER : `${OCI_LAYER}+${compression}`
}
