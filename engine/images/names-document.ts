import fs from 'node:fs/promises'
import { z } from 'zod'
import { callerSchema } from '../caller.ts'
import { descriptorSchema, digestSchema } from '../oci/descriptor.ts'
import { readDocument } from '../store/documents.ts'

/** An index that images came by, and what of it is kept beside those images. */
export const imageIndexSchema = z.object({
  descriptor: descriptorSchema.pick({ mediaType: true, digest: true, size: true }),
  /** Everything in it when all of it is here: manifests, configs and layers of other platforms, attestations. */
  blobs: z.array(digestSchema),
})

export type ImageIndex = z.infer<typeof imageIndexSchema>

const namesSchema = z.object({
  version: z.literal(1),
  /** Full references, tagged or by digest, to image IDs. */
  references: z.record(z.string(), z.string()),
  /** Full references to who pointed them to where they point. */
  namedBy: z.record(z.string(), callerSchema).optional(),
  /** Full references, and IDs of images that came without a name, to the index that they stand for. */
  roots: z.record(z.string(), digestSchema).optional(),
  indexes: z.array(imageIndexSchema).optional(),
})

export type Names = z.infer<typeof namesSchema>

/** Names that cannot be read are put aside: the next name given would write over them. */
export async function readNames(
  file: string,
  warn: (message: string, error?: unknown) => void,
): Promise<Names | undefined> {
  try {
    return await readDocument(file, namesSchema)
  } catch (error) {
    const aside = `${file}.damaged`
    await fs.rename(file, aside)
    warn(
      `the names of all images are lost: mend ${aside}, put it back in place and start the engine again, or pull them again`,
      error,
    )
    return undefined
  }
}

/** The document of an index, and every blob that is here by it. */
export function blobsOfIndex({ blobs, descriptor }: ImageIndex): string[] {
  return [descriptor.digest, ...blobs]
}
