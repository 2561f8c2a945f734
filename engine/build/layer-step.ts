import { errorMessage } from '../errors.ts'
import type { ImageLayer } from '../images/image.ts'
import { chainIds } from '../oci/digest.ts'
import { bringBlob } from './blob-source.ts'
import { cacheKey } from './cache.ts'
import { HISTORY_MARK, wordsThatMatter } from './image-history.ts'
import type { KnownLayer, KnownStep } from './known-steps.ts'
import { treesOf } from './stage.ts'
import type { Build, Stage } from './stage.ts'

/** What a step that may write files did. */
export interface Written {
  key: string
  cached: boolean
}

/** How a step is told of. */
export interface StepWords {
  createdBy: string
  description: string
  prefix?: string
}

/**
 * Finds what a step led to before, here or where the request takes cache from.
 *
 * @param key names all that it depends on
 * @param isTold whether the words for the history tell all of that, but for what the stage was before
 */
export async function fromCache(
  build: Build,
  stage: Stage,
  key: string,
  step: StepWords,
  isTold = false,
): Promise<boolean> {
  if (isWithoutCache(build, stage)) return false
  const { cache } = build.parts
  const record = cache.get(key)
  if (record && (!record.layer || isThere(build, record.layer))) {
    cache.touch(key)
    add(build, stage, key, record, step)
    return true
  }
  const known = build.known.step(key)
  if (known && (await fromElsewhere(build, stage, key, known, step))) return true
  if (!isTold) return false
  const words = wordsThatMatter(step.createdBy)
  const next = build.known.nextOf(stage).find((one) => one.words === words)
  return next !== undefined && (await fromElsewhere(build, stage, key, next.step, step))
}

/**
 * Looks whether an image that was made as the stage was until now has a layer of the same files as one that is made here.
 * With that layer the stage goes on as the image did, so that the steps that follow are found in it.
 *
 * @param kind `COPY`, `ADD`
 * @param made the archive of the layer that was made here
 */
export async function fromSameContent(
  build: Build,
  stage: Stage,
  key: string,
  kind: string,
  made: ImageLayer,
  step: StepWords,
): Promise<boolean> {
  if (isWithoutCache(build, stage)) return false
  for (const next of build.known.nextOf(stage)) {
    if (!next.words.startsWith(`${kind} `) || !next.step.layer) continue
    const theirs = await tried(build, () => bring(build, stage, next.step.layer))
    if (!theirs) continue
    const isSame = await build.parts.trees.haveSameContent(
      {
        archives: [made, theirs].map(({ blob }) => build.store.blobs.pathOf(blob.digest)) as [
          string,
          string,
        ],
        lower: treesOf(build.store, stage.layers),
      },
      build.signal,
    )
    if (isSame) return await fromElsewhere(build, stage, key, next.step, step)
  }
  return false
}

export function isWithoutCache(build: Build, stage: Stage): boolean {
  return build.request.noCache === true || stage.noCache
}

/** Takes in what a step made, and remembers it. */
export async function intoCache(
  build: Build,
  stage: Stage,
  key: string,
  layer: ImageLayer | undefined,
  step: StepWords,
): Promise<void> {
  const made = { layer: layer ?? null, createdAt: timeOf(build) }
  await remember(build, stage, key, made, step)
  add(build, stage, key, made, step)
}

/** Takes over what is known of a step elsewhere; false when it cannot be had. */
async function fromElsewhere(
  build: Build,
  stage: Stage,
  key: string,
  known: KnownStep,
  step: StepWords,
): Promise<boolean> {
  const layer = known.layer && (await tried(build, () => bring(build, stage, known.layer)))
  if (layer === undefined) return false
  // a registry may say anything; a time that is none would stay in images and records, which clients then cannot read
  const isTime = !Number.isNaN(Date.parse(known.createdAt))
  const made = { layer, createdAt: isTime ? known.createdAt : timeOf(build) }
  await remember(build, stage, key, made, step)
  add(build, stage, key, made, step)
  return true
}

/** A layer on top of the stage's; undefined when it is only known by name. */
async function bring(
  build: Build,
  stage: Stage,
  known: KnownLayer | null,
): Promise<ImageLayer | undefined> {
  if (!known) return undefined
  const { store } = build
  const { blob, diffId, source } = known
  const below = stage.layers.map((layer) => layer.chainId)
  const chainId = chainIds([...stage.layers.map((layer) => layer.diffId), diffId]).at(-1)
  if (chainId === undefined) return undefined
  build.lease.layers.add(chainId)
  build.lease.blobs.add(blob.digest)
  if (!store.blobs.has(blob.digest)) {
    if (!source) return undefined
    await bringBlob(store, source, blob, build.lease, build.signal)
  }
  const { sizeBytes } = await store.layers.add(
    {
      chainId,
      diffId,
      below: below.reverse(),
      belowReady: Promise.resolve(),
      blob: store.blobs.pathOf(blob.digest),
    },
    () => undefined,
    build.signal,
  )
  return { chainId, diffId: diffId as ImageLayer['diffId'], sizeBytes, blob }
}

/** A cache that does not hold what it promised only costs time. */
async function tried<T>(build: Build, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    build.signal.throwIfAborted()
    build.events.push({ kind: 'warning', message: `cache: ${errorMessage(error)}` })
    return undefined
  }
}

async function remember(
  build: Build,
  stage: Stage,
  key: string,
  { createdAt, layer }: { createdAt: string; layer: ImageLayer | null },
  { description, prefix }: StepWords,
): Promise<void> {
  // the layer is leased until the build ends: a collection that began before the record must have ended by then
  await build.store.keeping(() =>
    build.parts.cache.put({ key, parent: stage.record, layer, description, createdAt, prefix }),
  )
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
  { createdAt, layer }: { createdAt: string; layer: ImageLayer | null },
  { createdBy }: StepWords,
): void {
  build.hold(key)
  build.steps.set(key, { layer, createdAt, parent: stage.record })
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
  stage.madeAt = createdAt
  stage.history.push({
    created: createdAt,
    created_by: createdBy,
    comment: `${HISTORY_MARK}${key}`,
    ...(layer ? {} : { empty_layer: true }),
  })
}
