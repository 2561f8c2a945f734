import { InvalidParameterError } from '../errors.ts'
import {
  checkTag,
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
} from './reference.ts'
import type { Reference } from './reference.ts'
import type { ImageStore } from './store.ts'

/**
 * Gives an image one more name; what had it before loses it.
 *
 * @throws INVALID_PARAMETER "invalid reference format", NOT_FOUND
 * @see POST /images/{name}/tag
 */
export async function tagImage(
  store: ImageStore,
  name: string,
  repo: string,
  tag?: string,
): Promise<void> {
  const reference = taggedReference(repo, tag)
  const image = store.find(name)
  const index = store.indexOf(store.nameOf(name, image), image)
  const target = formatReference(reference)
  await store.rename({
    set: new Map([[target, image.id]]),
    indexes: new Map(index && [[target, index]]),
  })
  store.events.emit('image', 'tag', image.id, {
    ...image.config.config.Labels,
    name: familiarReference(reference),
  })
}

/**
 * The name that a repository and a tag make.
 *
 * @throws INVALID_PARAMETER when they make none
 */
export function taggedReference(repo: string, tag?: string): Reference {
  const parsed = parseReference(repo)
  if (parsed.digest !== undefined)
    throw new InvalidParameterError('refusing to create a tag with a digest reference')
  // a digest would take the name where its prefix is meant
  if (familiarName(parsed) === 'sha256')
    throw new InvalidParameterError(
      `refusing to create an ambiguous tag using digest algorithm as name`,
    )
  return { ...parsed, tag: checkTag(tag || parsed.tag || 'latest') }
}
