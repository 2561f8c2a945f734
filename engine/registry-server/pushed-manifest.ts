import { z } from 'zod'
import { descriptorSchema } from '../oci/descriptor.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isIndex, isManifest } from '../oci/media-types.ts'
import { refuse } from './refusal.ts'

/** What a manifest names, and how many bytes it says that has. */
export type Part = Pick<Descriptor, 'digest' | 'size'>

/** What a manifest says that the registry has to know. */
export interface PushedManifest {
  mediaType: string
  /** Config and layers, each once. */
  blobs: Part[]
  /** Of an index, each once. */
  manifests: Part[]
  subject?: Digest
  artifactType?: string
  annotations?: Record<string, string>
}

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().nullish(),
  subject: descriptorSchema.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
}

/** Who reads it for the one would run something else than who reads it for the other (CVE-2021-41190). */
const notThere = z.null('what could be taken for a manifest and for an index is neither').optional()

const manifestSchema = z.object({
  ...common,
  config: descriptorSchema,
  layers: z.array(descriptorSchema).nullish(),
  manifests: notThere,
})

const indexSchema = z.object({
  ...common,
  manifests: z.array(descriptorSchema).nullish(),
  config: notThere,
  layers: notThere,
})

/**
 * Reads a manifest or an index of whatever they are about: images, or artifacts that nothing here can run.
 *
 * @param contentType of the request
 * @throws MANIFEST_INVALID; SIZE_INVALID when it names the same content with two sizes
 * @see image-spec manifest.md, image-index.md; distribution-spec, "Pushing Manifests"
 */
export function readPushedManifest(content: Buffer, contentType: string): PushedManifest {
  const mediaType = contentType.split(';')[0]?.trim() ?? ''
  if (!isManifest(mediaType) && !isIndex(mediaType)) {
    throw refuse(
      'MANIFEST_INVALID',
      `unsupported manifest type ${JSON.stringify(mediaType.slice(0, 100))}: OCI manifests and indexes and Docker's schema 2 are taken`,
    )
  }
  const value = parse(content)
  const own = (value as { mediaType?: unknown } | null)?.mediaType
  if (own !== undefined && own !== mediaType) {
    throw refuse(
      'MANIFEST_INVALID',
      `the manifest says it is ${JSON.stringify(own)}, the request ${JSON.stringify(mediaType)}`,
    )
  }
  if (isIndex(mediaType)) {
    const index = checked(indexSchema, value)
    return {
      ...described(index, index.artifactType),
      mediaType,
      blobs: [],
      manifests: unique(index.manifests ?? []),
    }
  }
  const manifest = checked(manifestSchema, value)
  // layers that are to be had elsewhere only are not uploaded
  const here = (manifest.layers ?? []).filter(({ urls }) => (urls ?? []).length === 0)
  return {
    // images have none: their config's type tells what they are
    ...described(manifest, manifest.artifactType || manifest.config.mediaType),
    mediaType,
    blobs: unique([manifest.config, ...here]),
    manifests: [],
  }
}

function described(
  { annotations, subject }: Pick<z.infer<typeof indexSchema>, 'annotations' | 'subject'>,
  artifactType: string | null | undefined,
): Pick<PushedManifest, 'subject' | 'artifactType' | 'annotations'> {
  return {
    ...(subject ? { subject: subject.digest } : {}),
    ...(artifactType ? { artifactType } : {}),
    ...(annotations ? { annotations } : {}),
  }
}

function unique(descriptors: Descriptor[]): Part[] {
  const parts = new Map<Digest, Part>()
  for (const { digest, size } of descriptors) {
    const said = parts.get(digest)?.size ?? size
    if (said !== size)
      throw refuse(
        'SIZE_INVALID',
        `the manifest says of ${digest} that it has ${said} bytes, and ${size}`,
      )
    parts.set(digest, { digest, size })
  }
  return [...parts.values()]
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    throw refuse('MANIFEST_INVALID', 'the manifest is not JSON')
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw refuse(
    'MANIFEST_INVALID',
    `invalid manifest: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown shape'}`,
  )
}
