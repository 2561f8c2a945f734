import { z } from 'zod'
import { InvalidParameterError } from '../errors.ts'
import { descriptorSchema } from './descriptor.ts'
import type { Descriptor } from './descriptor.ts'
import { isIndex, isManifest, isSchema1, OCI_INDEX, OCI_MANIFEST } from './media-types.ts'

/** Manifests, indexes and configs larger than this are not read. @see distribution-spec: registries should accept 4 MiB */
export const MAX_DOCUMENT_BYTES = 4 * 2 ** 20
const MAX_LAYERS = 128

/** Left out, or Go's zero, by tools that leave it to the media type to tell the format; so Docker and containerd read it. */
const schemaVersion = z.union([z.literal(2), z.literal(0)]).optional()

const manifestSchema = z.object({
  schemaVersion,
  mediaType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).default([]),
  annotations: z.record(z.string(), z.string()).nullish(),
})

const indexSchema = z.object({
  schemaVersion,
  mediaType: z.string().optional(),
  manifests: z.array(descriptorSchema).default([]),
  annotations: z.record(z.string(), z.string()).nullish(),
})

export type Manifest = z.infer<typeof manifestSchema> & { kind: 'manifest'; mediaType: string }
export type Index = z.infer<typeof indexSchema> & { kind: 'index'; mediaType: string }

/**
 * Reads a manifest or an index, in OCI's or Docker's format.
 *
 * @param mediaType as its descriptor or the registry told it; the document's own wins
 * @throws INVALID_PARAMETER when it is neither
 * @see image-spec manifest.md, image-index.md
 */
export function parseManifest(content: Buffer, mediaType: string): Manifest | Index {
  const value = parseJson(content, 'manifest')
  const own = (value as { mediaType?: unknown } | null)?.mediaType
  const type = typeof own === 'string' && own !== '' ? own : mediaType
  if (isSchema1(type) || (value as { schemaVersion?: unknown } | null)?.schemaVersion === 1) {
    throw new InvalidParameterError(
      'the image is in the manifest format v2, schema 1, which is not supported any more: push it again with a current client',
    )
  }
  const looksLikeIndex =
    isIndex(type) ||
    (!isManifest(type) && Array.isArray((value as { manifests?: unknown }).manifests))
  if (looksLikeIndex) {
    const index = checked(indexSchema, value, 'index')
    return { ...index, kind: 'index', mediaType: isIndex(type) ? type : OCI_INDEX }
  }
  const manifest = checked(manifestSchema, value, 'manifest')
  if (manifest.layers.length > MAX_LAYERS) {
    throw new InvalidParameterError(
      `max depth exceeded: the image has ${manifest.layers.length} layers, of ${MAX_LAYERS}`,
    )
  }
  return { ...manifest, kind: 'manifest', mediaType: isManifest(type) ? type : OCI_MANIFEST }
}

/** BuildKit's provenance and the like, which an index lists beside the images. */
export function isAttestation(descriptor: Descriptor): boolean {
  return descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
}

export function parseJson(content: Buffer, what: string): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch (cause) {
    throw new InvalidParameterError(`invalid ${what}: it is not JSON`, { cause })
  }
}

export function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new InvalidParameterError(
    `invalid ${what}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown shape'}`,
  )
}
