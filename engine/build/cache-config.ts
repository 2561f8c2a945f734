import { z } from 'zod'
import { descriptorSchema, digestSchema, sha256Schema } from '../oci/descriptor.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { checked, parseJson } from '../oci/manifest.ts'
import { BUILDKIT_CACHE_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../oci/media-types.ts'
import { hexOf } from '../oci/digest.ts'
import type { Sha256 } from '../oci/digest.ts'

/** A step that is in a cache elsewhere. */
export interface CachedStep {
  /** As in our cache. */
  key: string
  /** null: it wrote nothing. */
  layer: { diffId: string; blob: Descriptor } | null
  createdAt: string
  /** Key of the step that it stands upon. */
  parent: string | undefined
}

const indexed = z.int().default(0)

const configSchema = z.object({
  layers: z
    .array(
      z.object({
        blob: digestSchema,
        parent: indexed,
        annotations: z
          .object({
            mediaType: z.string().optional(),
            diffID: sha256Schema.optional(),
            size: z.int().optional(),
            createdAt: z.string().optional(),
          })
          .optional(),
      }),
    )
    .nullish(),
  records: z
    .array(
      z.object({
        digest: sha256Schema,
        layers: z.array(z.object({ layer: indexed, createdAt: z.string().optional() })).nullish(),
        inputs: z.array(z.array(z.object({ link: indexed }))).nullish(),
        /** Of ours alone: BuildKit has nothing to say of steps that wrote nothing. */
        createdAt: z.string().optional(),
      }),
    )
    .nullish(),
})

const holderSchema = z.object({
  mediaType: z.string().optional(),
  config: descriptorSchema.nullish(),
  layers: z.array(descriptorSchema).nullish(),
  manifests: z.array(descriptorSchema).nullish(),
})

/**
 * Where a manifest or index holds a cache in BuildKit's format.
 *
 * @returns undefined for what holds none: an image, say
 */
export function cacheIn(content: Buffer): { config: Descriptor; layers: Descriptor[] } | undefined {
  const { config, layers, manifests } = checked(holderSchema, parseJson(content, 'cache'), 'cache')
  if (config?.mediaType === BUILDKIT_CACHE_CONFIG) return { config, layers: layers ?? [] }
  const listed = manifests?.find(({ mediaType }) => mediaType === BUILDKIT_CACHE_CONFIG)
  if (!manifests || !listed) return undefined
  return { config: listed, layers: manifests.filter((one) => one !== listed) }
}

/**
 * The steps in a cache. Those of BuildKit itself are told by digests of its own that no step here has: they are read and
 * never found.
 *
 * @throws INVALID_PARAMETER when it is no cache
 * @see moby/buildkit cache/remotecache/v1/spec.go
 */
export function parseCache(content: Buffer, blobs: readonly Descriptor[]): CachedStep[] {
  const { layers, records } = checked(configSchema, parseJson(content, 'cache'), 'cache')
  // what is said first of a blob counts
  const blobOf = new Map(blobs.toReversed().map((blob) => [blob.digest, blob]))
  return (records ?? []).flatMap((record): CachedStep[] => {
    const [result] = record.layers ?? []
    const parentRecord = records?.[record.inputs?.[0]?.[0]?.link ?? -1]
    const common = {
      key: hexOf(record.digest),
      parent: parentRecord && hexOf(parentRecord.digest),
    }
    if (!result)
      return record.createdAt === undefined
        ? []
        : [{ ...common, layer: null, createdAt: record.createdAt }]
    const layer = layers?.[result.layer]
    const blob = layer && blobOf.get(layer.blob)
    const diffId = layer?.annotations?.diffID
    if (!blob || diffId === undefined) return []
    const createdAt = result.createdAt ?? layer?.annotations?.createdAt ?? ''
    return [{ ...common, layer: { diffId, blob }, createdAt }]
  })
}

/** Steps, each behind what it stands upon, in BuildKit's format. */
export function formatCache(steps: readonly CachedStep[]): {
  config: Buffer
  layers: Descriptor[]
} {
  const layers: Descriptor[] = []
  const listed: z.input<typeof configSchema>['layers'] = []
  const places = new Map(steps.map(({ key }, index) => [key, index]))
  const topOf = new Map<string, number>()
  const records = steps.map(({ createdAt, key, layer, parent }) => {
    const below = parent === undefined ? undefined : topOf.get(parent)
    const link = parent === undefined ? undefined : places.get(parent)
    if (layer) {
      const { blob, diffId } = layer
      const index = listed.push({
        blob: blob.digest,
        parent: below ?? -1,
        annotations: {
          mediaType: blob.mediaType,
          diffID: diffId as Sha256,
          size: blob.size,
          createdAt,
        },
      })
      topOf.set(key, index - 1)
      if (!layers.some(({ digest }) => digest === blob.digest))
        layers.push({
          mediaType: blob.mediaType,
          digest: blob.digest,
          size: blob.size,
          annotations: { 'buildkit/createdat': createdAt, 'containerd.io/uncompressed': diffId },
        })
    } else if (below !== undefined) topOf.set(key, below)
    return {
      digest: `sha256:${key}`,
      ...(layer ? { layers: [{ layer: topOf.get(key), createdAt }] } : { createdAt }),
      ...(link === undefined ? {} : { inputs: [[{ link }]] }),
    }
  })
  return { config: Buffer.from(JSON.stringify({ layers: listed, records })), layers }
}

/** What names a cache's parts: a manifest, as BuildKit writes it now, or an index, as it did before. */
export function cacheManifest(
  config: Descriptor,
  layers: readonly Descriptor[],
  asIndex: boolean,
): { mediaType: string; content: Buffer } {
  const mediaType = asIndex ? OCI_INDEX : OCI_MANIFEST
  const body = asIndex ? { manifests: [...layers, config] } : { config, layers }
  return {
    mediaType,
    content: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body })),
  }
}
