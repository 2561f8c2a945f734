import { isDeepStrictEqual } from 'node:util'
import type { Image } from './image.ts'

/**
 * Whether an image is another or was made from it: its layers and its history begin with all of the other's. This
 * holds of built, committed, pulled and loaded images alike; a squashed one has given its layers up and comes from none.
 *
 * @see "ancestor", docker ps --filter: "containers based on its image or a descendant of it"
 */
export function descendsFrom(image: Image, ancestor: Image): boolean {
  if (image.id === ancestor.id) return true
  const layers = ancestor.config.rootfs.diff_ids
  const steps = ancestor.config.history
  // without either, everything would begin with it
  if (layers.length === 0 && steps.length === 0) return false
  const isLonger =
    image.config.rootfs.diff_ids.length > layers.length ||
    image.config.history.length > steps.length
  return (
    isLonger &&
    layers.every((diffId, index) => image.config.rootfs.diff_ids[index] === diffId) &&
    steps.every((step, index) => isDeepStrictEqual(image.config.history[index], step))
  )
}
