import { attributed, recordOf } from '../caller.ts'
import type {
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
  OCIDescriptor,
} from '../types/docker.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Attributed, WithPlatform } from '../types/gantry.ts'
import { createdSeconds } from './image.ts'
import type { Image } from './image.ts'
import { familiarReference } from './reference.ts'
import type { Reference } from './reference.ts'
import type { ImageStore } from './store.ts'

const NEVER = '0001-01-01T00:00:00Z'

/**
 * @param uses how many images have each layer, by chain ID; without it sharing is not told
 * @see GET /images/json
 */
export function summaryOf(
  store: ImageStore,
  image: Image,
  uses?: ReadonlyMap<string, number>,
): ImageSummary & WithPlatform {
  return {
    Id: image.id,
    ParentId: '',
    ...namesOf(store, image),
    Created: createdSeconds(image.config),
    Size: image.size,
    SharedSize: uses ? sharedSize(image, uses) : -1,
    Labels: image.config.config.Labels ?? {},
    Containers: uses ? store.users.of(image.id).length : -1,
    Gantry: { Platform: formatPlatform(image.config) },
  }
}

/** Familiar names: tags, and `name@digest`. */
export function namesOf(
  store: ImageStore,
  image: Image,
): { RepoTags: string[]; RepoDigests: string[] } {
  const references = store.referencesOf(image.id)
  return {
    RepoTags: references.filter(({ digest }) => digest === undefined).map(familiarReference),
    RepoDigests: references.filter(({ digest }) => digest !== undefined).map(familiarReference),
  }
}

/** How many images have each layer, by chain ID. */
export function layerUses(images: Iterable<Image>): Map<string, number> {
  const uses = new Map<string, number>()
  for (const { document } of images)
    for (const chainId of new Set(document.layers.map((layer) => layer.chainId)))
      uses.set(chainId, (uses.get(chainId) ?? 0) + 1)
  return uses
}

/** Bytes of layers that other images have, too. */
function sharedSize(image: Image, uses: ReadonlyMap<string, number>): number {
  return image.document.layers.reduce(
    (sum, layer) => sum + ((uses.get(layer.chainId) ?? 0) > 1 ? layer.sizeBytes : 0),
    0,
  )
}

/**
 * An image as a name of it has it.
 *
 * @see GET /images/{name}/json
 */
export function inspectImage(
  store: ImageStore,
  image: Image,
  name: Reference | undefined,
): ImageInspect & Attributed {
  const { config, document } = image
  const descriptor = targetOf(store, image, name)
  const trees = document.layers
    .map(({ chainId }) => `${store.layers.root}/${store.layers.nameOf(chainId)}`)
    .reverse()
  const [upper, ...lower] = trees
  return {
    Id: image.id,
    ...(descriptor ? { Descriptor: descriptor } : {}),
    ...namesOf(store, image),
    Comment: config.comment ?? config.history.at(-1)?.comment ?? '',
    Created: config.created ?? NEVER,
    Author: config.author ?? '',
    Config: config.config,
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    ...(config['os.version'] ? { OsVersion: config['os.version'] } : {}),
    Size: image.size,
    GraphDriver: {
      Name: 'overlay2',
      Data: {
        ...(lower.length > 0 ? { LowerDir: lower.join(':') } : {}),
        ...(upper === undefined ? {} : { UpperDir: upper }),
      },
    },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: document.tagged === '' ? NEVER : document.tagged },
    ...whoBrought(store, image),
  }
}

/** What a name of an image stands for at a registry: the index that it came by, else its manifest. */
export function targetOf(
  store: ImageStore,
  image: Image,
  name: Reference | undefined,
): OCIDescriptor | undefined {
  const descriptor = store.indexOf(name, image)?.descriptor ?? image.document.manifest
  if (!descriptor) return undefined
  const { digest, mediaType, size } = descriptor
  return { mediaType, digest, size }
}

/** Who first brought the image here, and who gave it its names. */
function whoBrought(store: ImageStore, image: Image): Attributed {
  const { Gantry } = attributed(image.document.createdBy)
  const names = store.referencesOf(image.id).flatMap((reference) => {
    const by = store.namedBy(reference)
    return by === undefined ? [] : [[familiarReference(reference), recordOf(by)] as const]
  })
  return Gantry === undefined ? {} : { Gantry: { ...Gantry, NamedBy: Object.fromEntries(names) } }
}

/** Newest step first. @see GET /images/{name}/history */
export function imageHistory(store: ImageStore, image: Image): ImageHistoryResponseItem[] {
  const sizes = image.document.layers.map((layer) => layer.sizeBytes)
  const steps = image.config.history.map((step) => ({
    Id: '<missing>',
    Created: secondsOf(step.created),
    CreatedBy: step.created_by ?? '',
    Tags: [] as string[],
    Size: step.empty_layer ? 0 : (sizes.shift() ?? 0),
    Comment: step.comment ?? '',
  }))
  // layers that the history does not tell of
  for (const size of sizes) {
    steps.push({
      Id: '<missing>',
      Created: createdSeconds(image.config),
      CreatedBy: '',
      Tags: [],
      Size: size,
      Comment: '',
    })
  }
  const newest = steps.reverse()
  if (newest[0]) newest[0] = { ...newest[0], Id: image.id, Tags: namesOf(store, image).RepoTags }
  return newest
}

function secondsOf(time: string | undefined): number {
  const parsed = Date.parse(time ?? '')
  return Number.isNaN(parsed) ? 0 : Math.floor(parsed / 1000)
}
