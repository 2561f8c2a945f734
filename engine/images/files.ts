import { addAbortSignal } from 'node:stream'
import type { Readable } from 'node:stream'
import type { Trees } from '../store/trees.ts'
import { readingLayers } from './layers.ts'
import type { ImageStore } from './store.ts'

/**
 * The files of an image, its layers merged, as an archive: what a container of it would have at first. Nothing is made for
 * that, and its layers stay while they are read, also when the image is removed meanwhile.
 *
 * @throws NOT_FOUND without such an image, SYSTEM when one of its layers has gone from the disk
 */
export async function imageFiles(
  store: ImageStore,
  trees: Trees,
  name: string,
  signal?: AbortSignal,
): Promise<Readable> {
  const image = store.find(name)
  return await new Promise((resolve, reject) => {
    readingLayers(store, image, async (layers) => {
      await new Promise<void>((ended) => {
        const tar = trees.readMerged(layers.reverse(), ended)
        resolve(signal ? addAbortSignal(signal, tar) : tar)
      })
    }).catch(reject)
  })
}
