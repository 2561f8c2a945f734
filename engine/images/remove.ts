import { ConflictError, NotFoundError } from '../errors.ts'
import { hexOf, shortId } from '../oci/digest.ts'
import type { ImageDeleteResponseItem } from '../types/docker.ts'
import type { Image } from './image.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from './reference.ts'
import type { Reference } from './reference.ts'
import type { ImageStore } from './store.ts'

/**
 * Takes a name from an image and, when it was its last, removes the image; by ID, removes the image with its names.
 *
 * @throws CONFLICT in Docker's words when it is in use or has several names; `force` overrides all but a running container
 * @see DELETE /images/{name}
 */
export async function removeImage(
  store: ImageStore,
  name: string,
  options: { force?: boolean } = {},
): Promise<ImageDeleteResponseItem[]> {
  const force = options.force ?? false
  const image = store.find(name)
  if (isIdPrefix(image.id, name)) {
    return await removeWhole(store, image, () =>
      conflictOf(store, image, force, isSingle(store.referencesOf(image.id))),
    )
  }

  const reference = withDefaultTag(parseReference(name))
  const dropped = (): Reference[] => namesToDrop(store.referencesOf(image.id), reference)
  const refuseIfUsed = (): void => {
    const [user] = store.users.of(image.id)
    if (force || !user || !isSingle(store.referencesOf(image.id))) return
    throw new ConflictError(
      `conflict: unable to remove repository reference "${name}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${shortId(image.id)}`,
    )
  }
  refuseIfUsed()
  // with its last names the image goes in the same turn: nobody makes a container of it in between
  const gone = await deleteImage(
    store,
    image,
    () =>
      dropped().length === store.referencesOf(image.id).length &&
      !conflictOf(store, image, force, true),
  )
  if (gone) return gone.items
  refuseIfUsed()
  // the name goes as asked; that another or a container still needs the image is no failure
  return await untag(store, image, dropped())
}

async function removeWhole(
  store: ImageStore,
  image: Image,
  conflictNow: () => ConflictError | undefined,
): Promise<ImageDeleteResponseItem[]> {
  let conflict: ConflictError | undefined
  const gone = await deleteImage(store, image, () => {
    conflict = conflictNow()
    return conflict === undefined
  })
  if (gone) return gone.items
  throw conflict ?? new NotFoundError(`No such image: ${image.id}`)
}

/**
 * Removes an image with its names and layers, and tells so.
 *
 * @param isAllowed asked when nothing else changes images and names
 * @returns undefined when it stays, or had gone
 */
export async function deleteImage(
  store: ImageStore,
  image: Image,
  isAllowed: () => boolean,
): Promise<{ items: ImageDeleteResponseItem[]; bytes: number } | undefined> {
  const gone = await store.delete(image.id, isAllowed)
  if (!gone) return undefined
  const untagged = tellUntagged(store, image, gone.names)
  store.events.emit('image', 'delete', image.id, { ...image.config.config.Labels, name: image.id })
  return {
    items: [
      ...untagged,
      { Deleted: image.id },
      ...gone.layers.map((chainId) => ({ Deleted: chainId })),
    ],
    bytes: gone.bytes,
  }
}

/** Takes names from an image, and tells so. */
async function untag(
  store: ImageStore,
  image: Image,
  references: readonly Reference[],
): Promise<ImageDeleteResponseItem[]> {
  await store.rename({ remove: references.map(formatReference) })
  return tellUntagged(store, image, references)
}

function tellUntagged(
  store: ImageStore,
  image: Image,
  references: readonly Reference[],
): ImageDeleteResponseItem[] {
  return references.map((reference) => {
    store.events.emit('image', 'untag', image.id, { ...image.config.config.Labels, name: image.id })
    return { Untagged: familiarReference(reference) }
  })
}

/** With a repository's last tag its digests go, too. */
function namesToDrop(references: readonly Reference[], dropped: Reference): Reference[] {
  const exact = references.filter(
    (reference) => formatReference(reference) === formatReference(dropped),
  )
  if (dropped.digest !== undefined) return exact
  const siblings = references.filter(
    ({ domain, path, tag }) =>
      domain === dropped.domain && path === dropped.path && tag !== dropped.tag,
  )
  return siblings.some(({ digest }) => digest === undefined) ? exact : [...exact, ...siblings]
}

/** True when it is called by one name only; that name's digest does not count. */
function isSingle(references: readonly Reference[]): boolean {
  const tags = references.filter(({ digest }) => digest === undefined)
  const repositories = new Set(references.map(({ domain, path }) => `${domain}/${path}`))
  return tags.length <= 1 && repositories.size <= 1 && references.length <= 2
}

function conflictOf(
  store: ImageStore,
  image: Image,
  force: boolean,
  ignoreNames: boolean,
): ConflictError | undefined {
  const users = store.users.of(image.id)
  const conflict = (kind: string, reason: string): ConflictError =>
    new ConflictError(`conflict: unable to delete ${shortId(image.id)} (${kind}) - ${reason}`)
  const running = users.find((user) => user.running)
  if (running) {
    return conflict(
      'cannot be forced',
      `image is being used by running container ${running.id.slice(0, 12)}`,
    )
  }
  if (force) return undefined
  if (!ignoreNames && store.referencesOf(image.id).length > 0) {
    return conflict('must be forced', 'image is referenced in multiple repositories')
  }
  const [stopped] = users
  if (stopped)
    return conflict(
      'must be forced',
      `image is being used by stopped container ${stopped.id.slice(0, 12)}`,
    )
  return undefined
}

function isIdPrefix(id: string, name: string): boolean {
  return id.startsWith(name) || hexOf(id).startsWith(name)
}
