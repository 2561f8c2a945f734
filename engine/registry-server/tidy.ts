import type { ImageStore } from '../images/store.ts'
import { imageAt, namesOf, userOf } from './records.ts'
import type { ManifestRecord, Repository, RepositoryState } from './repository.ts'
import { refuse } from './refusal.ts'
import { planRemoval, planTagRemoval } from './retention.ts'
import type { Removal } from './retention.ts'
import type { SettingsDocument } from './settings.ts'
import { unnameImage } from './take-in.ts'

/** What a push has put in before its manifest may wait for that so long. */
const LOOSE_MS = 24 * 3600 * 1000

/**
 * Applies the rules to one repository, and lets go of what no manifest came for.
 *
 * @returns what went of tags and manifests, `name:tag` and `name@digest`
 */
export async function tidyRepository(
  store: ImageStore,
  settings: SettingsDocument,
  repository: Repository,
): Promise<string[]> {
  const isAwaited = (digest: string): boolean => repository.isAwaited(digest)
  const plan = (state: Readonly<RepositoryState>): Removal =>
    planRemoval(repository.name, state, settings.current, isUsedIn(store), Date.now(), isAwaited)
  const wanted = plan(repository.state)
  const isAny = wanted.tags.length + wanted.manifests.length > 0
  const removed = isAny ? await carryOut(store, repository, plan) : []
  await letGoOlder(repository, repository.blobs.keys(), Date.now() - LOOSE_MS)
  await repository.forgetKeptBack()
  return removed
}

/**
 * Takes a tag away with all that nothing else needs.
 *
 * @returns as tidyRepository
 * @throws MANIFEST_UNKNOWN
 */
export async function removeTag(
  store: ImageStore,
  repository: Repository,
  tag: string,
): Promise<string[]> {
  return await carryOut(store, repository, (state) => {
    if (!state.tags.has(tag)) throw refuse('MANIFEST_UNKNOWN', `no such tag in ${repository.name}`)
    return planTagRemoval(state, tag, isUsedIn(store))
  })
}

/** @param plan asked of the repository as it is once nothing else changes it */
async function carryOut(
  store: ImageStore,
  repository: Repository,
  plan: (state: Readonly<RepositoryState>) => Removal,
): Promise<string[]> {
  const { name } = repository
  const gone = await repository.change((state) => {
    const { manifests, tags } = plan(state)
    const dropped = tags.flatMap((tag) => {
      const record = state.manifests.get(state.tags.get(tag)?.digest ?? '')
      state.tags.delete(tag)
      return record ? [[tag, record] as const] : []
    })
    for (const { digest } of manifests) state.manifests.delete(digest)
    return { tags: dropped, manifests }
  })
  await letGo(store, repository, gone)
  return [
    ...gone.tags.map(([tag]) => `${name}:${tag}`),
    ...gone.manifests.map(({ digest }) => `${name}@${digest}`),
  ]
}

/** Whether a container stands on an image of the engine. */
function isUsedIn({ users }: ImageStore): (image: string) => boolean {
  return (image) => users.of(image).length > 0
}

/** Takes names from the engine's images, and blobs out of the repository, that went with tags and manifests. */
export async function letGo(
  store: ImageStore,
  from: Repository,
  gone: { tags: readonly (readonly [string, ManifestRecord])[]; manifests: ManifestRecord[] },
): Promise<void> {
  for (const [tag, { image }] of gone.tags)
    await from.naming.run(tag, async () => {
      // it may have been pushed again meanwhile
      if (image && imageAt(from, tag) !== image)
        await unnameImage(store, image, namesOf(from, { tag }))
    })
  for (const { blobs, digest, image, pushedAt } of gone.manifests) {
    if (image) await unnameImage(store, image, namesOf(from, { digest }))
    // what was put since may be part of a push that is under way
    await letGoOlder(from, blobs, Date.parse(pushedAt))
  }
}

/** Lets go of blobs that no manifest needs and nobody has put since. */
async function letGoOlder(from: Repository, blobs: Iterable<string>, time: number): Promise<void> {
  const needed = new Set<string>()
  for (const manifest of from.state.manifests.values())
    for (const blob of manifest.blobs) needed.add(blob)
  for (const blob of blobs) {
    const isFree = (): boolean => (from.blobs.get(blob)?.putAt ?? Infinity) <= time
    if (!needed.has(blob) && isFree())
      await from.letGo(blob, () => isFree() && userOf(from.state, blob) === undefined)
  }
}
