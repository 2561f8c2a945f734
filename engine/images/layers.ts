import type {
  ImageLayers,
  LayerDirectoryListing,
  LayerPage,
  WastedFile,
} from '../contract/image-layers.ts'
import { InvalidParameterError, NotFoundError } from '../errors.ts'
import type { LayerChanges } from '../store/layer-changes.ts'
import type { LayerExplorer } from '../store/layer-explorer.ts'
import { nameOf } from '../tar/header.ts'
import type { Image } from './image.ts'
import type { ImageStore } from './store.ts'

/** Wasted files told by name. */
const MOST_WASTED = 50
const MOST_FILES = 1000

/** What each layer of an image changes, and what of it later layers made useless. */
export async function imageLayers(
  store: ImageStore,
  explorer: LayerExplorer,
  name: string,
): Promise<ImageLayers> {
  const image = store.find(name)
  const { layers } = image.document
  const changes = await readingLayers(store, image, (trees) =>
    Promise.all(
      layers.map(({ chainId }, index) => explorer.changes(chainId, trees.slice(0, index + 1))),
    ),
  )
  const steps = image.config.history.filter((step) => step.empty_layer !== true)
  const waste = wasteOf(changes)
  return {
    id: image.id,
    sizeBytes: image.size,
    wastedBytes: waste.bytes.reduce((sum, bytes) => sum + bytes, 0),
    wasted: waste.worst,
    layers: layers.map(({ blob, chainId, diffId, sizeBytes }, index) => {
      const total = changes[index]?.directories.get('')
      return {
        chainId,
        diffId,
        sizeBytes,
        archiveBytes: blob.size,
        instruction: steps[index]?.created_by ?? '',
        created: steps[index]?.created ?? '',
        added: total?.added ?? 0,
        modified: total?.modified ?? 0,
        removed: total?.removed ?? 0,
        wastedBytes: waste.bytes[index] ?? 0,
      }
    }),
  }
}

/** What one layer of an image changes in a directory. */
export async function imageLayerFiles(
  store: ImageStore,
  explorer: LayerExplorer,
  name: string,
  index: number,
  path: string,
  { offset = 0, limit = MOST_FILES }: LayerPage,
): Promise<LayerDirectoryListing> {
  const image = store.find(name)
  const layer = image.document.layers[index]
  if (layer === undefined)
    throw new NotFoundError(`the image has ${String(image.document.layers.length)} layers`)
  const names = path.split('/').filter((each) => each !== '')
  if (names.some((each) => each === '.' || each === '..') || path.includes('\0'))
    throw new InvalidParameterError(`invalid path in a layer: ${path}`)
  const page = { offset, limit: Math.min(limit, MOST_FILES) }
  return await readingLayers(store, image, async (all) => {
    const trees = all.slice(0, index + 1)
    const { files, total } = await explorer.list(trees, nameOf(names.join('/')), page)
    const { directories } = await explorer.changes(layer.chainId, trees)
    const prefix = names.length === 0 ? '' : `${names.join('/')}/`
    return {
      total,
      files: files.map((file) => {
        const below = file.kind === 'directory' ? directories.get(prefix + file.name) : undefined
        return below === undefined ? file : { ...file, within: below }
      }),
    }
  })
}

/**
 * With the layers' directories, bottom first. They stay while they are read, also when the image is removed, and go
 * afterwards then.
 */
export async function readingLayers<T>(
  store: ImageStore,
  image: Image,
  read: (trees: string[]) => Promise<T>,
): Promise<T> {
  try {
    return await store.leased(async (lease) => {
      store.layers.requireTrees(image.id, image.document.layers)
      for (const { chainId } of image.document.layers) lease.layers.add(chainId)
      return await read(
        image.document.layers.map(
          ({ chainId }) => `${store.layers.root}/${store.layers.nameOf(chainId)}`,
        ),
      )
    })
  } finally {
    if (!store.get(image.id)) await store.collect()
  }
}

function wasteOf(changes: readonly LayerChanges[]): { bytes: number[]; worst: WastedFile[] } {
  const bytes = changes.map(() => 0)
  const worst: WastedFile[] = []
  const namesLeft = new Map<string, number>()
  for (const [hiddenBy, { hiddenBytes, hiddenLinks, worst: files }] of changes.entries()) {
    for (const [layer, hidden] of hiddenBytes.entries()) bytes[layer] = (bytes[layer] ?? 0) + hidden
    for (const file of files) worst.push({ ...file, hiddenBy })
    for (const { ino, nlink, path, sizeBytes, layer } of hiddenLinks) {
      const key = `${String(layer)}:${String(ino)}`
      const left = (namesLeft.get(key) ?? nlink) - 1
      namesLeft.set(key, left)
      if (left !== 0) continue
      bytes[layer] = (bytes[layer] ?? 0) + sizeBytes
      worst.push({ path, sizeBytes, layer, hiddenBy })
    }
  }
  worst.sort((a, b) => b.sizeBytes - a.sizeBytes)
  return { bytes, worst: worst.slice(0, MOST_WASTED) }
}
