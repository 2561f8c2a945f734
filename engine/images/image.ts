import { z } from 'zod'
import { callerSchema } from '../caller.ts'
import { descriptorSchema, sha256Schema } from '../oci/descriptor.ts'
import type { OciImageConfig } from '../oci/image-config.ts'

/**
 * What an image is, beside its config (a blob, whose digest is the image's ID). Kept in <data>/images/<hex>.json; while
 * it is there, every blob and layer that it names is there, whole and verified.
 */
export const imageDocumentSchema = z.object({
  version: z.literal(1),
  id: sha256Schema,
  /** As pulled or loaded; null when the archive had none. */
  manifest: descriptorSchema.nullable(),
  /** Bottom first. */
  layers: z.array(
    z.object({
      chainId: sha256Schema,
      diffId: sha256Schema,
      sizeBytes: z.number(),
      /** The archive as it came, compressed or not: what a push or save sends. */
      blob: descriptorSchema,
    }),
  ),
  /** RFC 3339; empty when it was never tagged here. */
  tagged: z.string(),
  /** Who first brought it here. */
  createdBy: callerSchema.optional(),
})

export type ImageDocument = z.infer<typeof imageDocumentSchema>
export type ImageLayer = ImageDocument['layers'][number]

/** Every blob that a document names. */
export function blobsOf(document: ImageDocument): string[] {
  const named = [document.id as string, ...document.layers.map(({ blob }) => blob.digest as string)]
  if (document.manifest) named.push(document.manifest.digest)
  return named
}

export interface Image {
  readonly id: string
  readonly document: ImageDocument
  readonly config: OciImageConfig
  /** Bytes of all layers unpacked. */
  readonly size: number
}

export function imageOf(document: ImageDocument, config: OciImageConfig): Image {
  const size = document.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0)
  return { id: document.id, document, config, size }
}

/** Seconds since the epoch at which its maker made it; 0 when unknown. */
export function createdSeconds(config: OciImageConfig): number {
  const time = Date.parse(config.created ?? '')
  return Number.isNaN(time) ? 0 : Math.floor(time / 1000)
}

/** The same with its fraction, as far as a number holds it: for telling which of two was made first. */
export function createdMoment(config: OciImageConfig): number {
  const fraction = /\.\d+/.exec(config.created ?? '')?.[0] ?? ''
  return createdSeconds(config) + Number(`0${fraction}`)
}
