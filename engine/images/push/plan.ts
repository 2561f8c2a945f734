import type { PushOptions } from '../../contract/images.ts'
import { NotFoundError } from '../../errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { formatPlatform, parsePlatform, platformMatches } from '../../oci/platform.ts'
import type { Image } from '../image.ts'
import { presentImage, type IndexEntry, type IndexTree } from '../index-tree.ts'
import { indexTree } from '../portable.ts'
import { familiarName, familiarReference, type Reference } from '../reference.ts'
import type { ImageStore } from '../store.ts'

/** What is pushed under a name. */
export interface PushPlan {
  reference: Reference
  image: Image
  /** All of the index that the name stands for. */
  index?: IndexTree
  /** The image for another platform within it. */
  entry?: IndexEntry
  /** The index that the name stands for, when only its image for one platform can be pushed. */
  instead?: Descriptor
}

/** @throws NOT_FOUND in Docker's words when there is none of them */
export function tagsToPush(store: ImageStore, asked: Reference): PushPlan[] {
  const all = store.tagsOf(asked)
  if (all.length === 0) {
    throw new NotFoundError(`An image does not exist locally with the tag: ${familiarName(asked)}`)
  }
  const tags = all.filter(({ reference }) => asked.tag === undefined || reference.tag === asked.tag)
  if (tags.length === 0) throw new NotFoundError(`tag does not exist: ${familiarReference(asked)}`)
  return tags
}

/** Whether a name is pushed as the index that it stands for, or as an image. @throws NOT_FOUND for a platform that is not here */
export async function planPush(
  store: ImageStore,
  plan: PushPlan,
  { platform }: PushOptions,
): Promise<PushPlan> {
  const { image, reference } = plan
  const tree = await indexTree(store, reference, image)
  if (platform === undefined) {
    if (!tree) return plan
    return tree.isWhole ? { ...plan, index: tree } : { ...plan, instead: tree.descriptor }
  }
  const wanted = parsePlatform(platform)
  if (platformMatches(image.config, wanted)) return plan
  const entry = tree && presentImage(tree, wanted)
  if (entry) return { ...plan, entry }
  throw new NotFoundError(
    `image with reference ${familiarReference(reference)} was found but its platform (${formatPlatform(image.config)}) does not match the specified platform (${formatPlatform(wanted)})`,
  )
}
