import type { ImageLayer } from '../images/image.ts'
import { cacheKey } from './cache.ts'
import type { Build, Stage } from './stage.ts'

/** What marks in an image's history which step a layer came from, for `cacheFrom`. */
export const HISTORY_MARK = 'gantry.build '

/** What a step that may write files did. */
export interface Written {
  key: string
  cached: boolean
}

/**
 * Finds what a step led to before.
 *
 * @param key names all that it depends on
 */
export async function fromCache(
  build: Build,
  stage: Stage,
  key: string,
  step: { createdBy: string; description: string; prefix?: string },
): Promise<boolean> {
  if (build.request.noCache === true) return false
  const { cache } = build.parts
  const record = cache.get(key)
  const found = record ?? build.known.get(key)
  if (!found || (found.layer && !isThere(build, found.layer))) return false
  if (record) cache.touch(key)
  else {
    const { createdAt, layer } = found
    const { description, prefix } = step
    await build.store.keeping(() =>
      cache.put({ key, parent: stage.record, layer, description, createdAt, prefix }),
    )
  }
  add(build, stage, key, found.layer, found.createdAt, step.createdBy)
  return true
}

/** Takes in what a step made, and remembers it. */
export async function intoCache(
  build: Build,
  stage: Stage,
  key: string,
  layer: ImageLayer | undefined,
  step: { createdBy: string; description: string; prefix?: string },
): Promise<void> {
  const createdAt = timeOf(build)
  const { description, prefix } = step
  // the layer is leased until the build ends: a collection that began before the record must have ended by then
  await build.store.keeping(() =>
    build.parts.cache.put({
      key,
      parent: stage.record,
      layer: layer ?? null,
      description,
      createdAt,
      prefix,
    }),
  )
  add(build, stage, key, layer ?? null, createdAt, step.createdBy)
}

/** When something is said to have been made. */
export function timeOf(build: Build): string {
  const { epochSeconds } = build
  return (epochSeconds === undefined ? new Date() : new Date(epochSeconds * 1000)).toISOString()
}

function isThere(build: Build, layer: ImageLayer): boolean {
  return (
    build.store.layers.get(layer.chainId) !== undefined && build.store.blobs.has(layer.blob.digest)
  )
}

function add(
  build: Build,
  stage: Stage,
  key: string,
  layer: ImageLayer | null,
  created: string,
  createdBy: string,
): void {
  build.hold(key)
  if (layer) {
    build.lease.layers.add(layer.chainId)
    build.lease.blobs.add(layer.blob.digest)
    stage.layers = [...stage.layers, layer]
    stage.identity = layer.chainId
  } else {
    // it changed nothing that is seen, but what follows follows from it
    stage.identity = cacheKey('after', stage.identity, key)
  }
  stage.record = key
  stage.madeAt = created
  stage.history.push({
    created,
    created_by: createdBy,
    comment: `${HISTORY_MARK}${key}`,
    ...(layer ? {} : { empty_layer: true }),
  })
}
