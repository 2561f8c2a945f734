import { z } from 'zod'
import type { ImageEngine } from '../../engine/contract/images.ts'
import type { Identity } from '../auth/identify.ts'
import { engineOf } from '../caller.ts'
import { context } from '../context.ts'
import { forSession, readQuery } from './handler.ts'
import { imageReferenceSchema } from './schemas/deploy.ts'

const layersQuery = z.object({ image: imageReferenceSchema })

const layerFilesQuery = z.object({
  image: imageReferenceSchema,
  layer: z.coerce.number().int().min(0).max(100_000),
  path: z.string().max(16_384).default('/'),
  offset: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
})

const prunableQuery = z.object({
  filters: z
    .string()
    .max(65_536)
    .transform((text, issues): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        issues.addIssue({ code: 'custom', message: 'not JSON' })
        return z.NEVER
      }
    })
    .pipe(z.record(z.string(), z.array(z.string())))
    .default({}),
})

/** GET /api/images/layers?image= : what each layer changes, and what is wasted. */
export const getImageLayers = forSession(async (session, request) => {
  const { image } = readQuery(request, layersQuery)
  return await imagesOf(session).layers(image)
})

/** GET /api/images/layer-files?image=&layer=&path=&offset= : one directory of one layer. */
export const getLayerFiles = forSession(async (session, request) => {
  const { image, layer, offset, path } = readQuery(request, layerFilesQuery)
  return await imagesOf(session).layerFiles(image, layer, path, { offset })
})

/** GET /api/images/prunable?filters= : what a prune with these filters would remove now. */
export const getPrunable = forSession(async (session, request) => {
  const { filters } = readQuery(request, prunableQuery)
  return await imagesOf(session).prunable(filters)
})

function imagesOf({ user }: Identity): ImageEngine {
  return engineOf(context().engine, user).images
}
