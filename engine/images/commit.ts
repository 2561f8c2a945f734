import path from 'node:path'
import { ConflictError } from '../errors.ts'
import type { Trees } from '../store/trees.ts'
import type { ImageConfig } from '../types/docker.ts'
import { makeLayer } from './make-layer.ts'
import { familiarReference } from './reference.ts'
import type { ImageStore } from './store.ts'
import { tagImage, taggedReference } from './tag.ts'

export interface ImageCommit {
  /** The image that the container was made from. */
  imageId: string
  containerId: string
  config: ImageConfig
  createdBy: string
  author: string
  comment: string
  repo?: string | undefined
  tag?: string | undefined
  trees: Trees
  /** The container's files have been read: it may go on. */
  onRead: () => Promise<void>
}

/**
 * Makes an image of a container's writable layer on the layers of its image.
 *
 * @throws CONFLICT when its image was removed by force meanwhile
 */
export async function commitImage(
  store: ImageStore,
  commit: ImageCommit,
): Promise<{ id: string; reference: string | undefined }> {
  const { author, comment, config, createdBy, imageId, repo, tag } = commit
  // all that can be refused is, before anything is read
  const reference = repo === undefined ? undefined : taggedReference(repo, tag)
  const parent = store.get(imageId)
  if (!parent) {
    throw new ConflictError(
      `the image ${imageId} that the container was made from was removed: pull or load it again to commit`,
    )
  }
  const image = await store.leased(async (lease) => {
    for (const { blob, chainId } of parent.document.layers) {
      lease.layers.add(chainId)
      lease.blobs.add(blob.digest)
    }
    const { layersRoot, lower, upper } = store.snapshots.overlay(commit.containerId)
    const layer = await makeLayer(store, parent.document.layers, lease, async (blob, directory) => {
      const packed = await commit.trees.pack({
        upper,
        lower: lower.map((name) => path.join(layersRoot, name)),
        blob,
        directory,
      })
      await commit.onRead()
      return packed
    })
    const layers = layer ? [...parent.document.layers, layer] : parent.document.layers
    const now = new Date().toISOString()
    const document = {
      ...parent.config,
      created: now,
      ...(author === '' ? { author: undefined } : { author }),
      ...(comment === '' ? { comment: undefined } : { comment }),
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: [
        ...parent.config.history,
        {
          created: now,
          ...(author === '' ? {} : { author }),
          created_by: createdBy,
          ...(comment === '' ? {} : { comment }),
          ...(layer ? {} : { empty_layer: true }),
        },
      ],
    }
    return await store.add(Buffer.from(JSON.stringify(document)), layers, null, lease)
  })
  store.events.emit('image', 'create', image.id, { ...config.Labels, name: image.id })
  if (repo !== undefined) await tagImage(store, image.id, repo, tag)
  return { id: image.id, reference: reference && familiarReference(reference) }
}
