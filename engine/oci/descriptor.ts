import { z } from 'zod'
import type { Digest, Sha256 } from './digest.ts'
import { isDigest, isSha256 } from './digest.ts'

export const digestSchema = z.custom<Digest>(
  (value) => typeof value === 'string' && isDigest(value),
  'is not a sha256 or sha512 digest',
)

export const sha256Schema = z.custom<Sha256>(
  (value) => typeof value === 'string' && isSha256(value),
  'is not a sha256 digest',
)

export const platformSchema = z.object({
  architecture: z.string().optional(),
  os: z.string().optional(),
  variant: z.string().nullish(),
  'os.version': z.string().nullish(),
})

/** What points at content. @see image-spec descriptor.md */
export const descriptorSchema = z.object({
  mediaType: z.string().default(''),
  digest: digestSchema,
  size: z.int().nonnegative(),
  urls: z.array(z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: platformSchema.nullish(),
  artifactType: z.string().nullish(),
})

export type Descriptor = z.infer<typeof descriptorSchema>
