import { errorCode } from '../errors.ts'
import type { ImageStore } from '../images/store.ts'
import type { Digest } from '../oci/digest.ts'
import { imageAt, namesOf, recordAt } from './records.ts'
import type { Repository, RepositoryState } from './repository.ts'
import { nameImage, takeIn, unnameImage } from './take-in.ts'

interface SettleParts {
  store: ImageStore
  /** Told why what looks like an image is none. */
  warn: (message: string, error?: unknown) => void
}

/**
 * Makes what a tag names an image of the engine, under the tag's names, which another image loses. What cannot be one
 * stays in the registry all the same: it holds whatever is pushed.
 *
 * @param before the image that the tag named
 */
export async function settleTag(
  parts: SettleParts,
  repository: Repository,
  tag: string,
  before?: Digest,
): Promise<void> {
  await repository.naming.run(tag, async () => {
    await settle(parts, repository, tag)
    // under this name there is nothing to run any more
    if (before && !imageAt(repository, tag))
      await unnameImage(parts.store, before, namesOf(repository, { tag }))
  })
}

async function settle(
  { store, warn }: SettleParts,
  repository: Repository,
  tag: string,
): Promise<void> {
  const record = recordAt(repository, tag)
  if (!record || record.image === null || namesOf(repository, { tag }).length === 0) return
  let image: Digest | null
  try {
    const isThere = record.image !== undefined && store.get(record.image) !== undefined
    image = isThere
      ? (record.image ?? null)
      : ((await takeIn(store, record.digest, record.mediaType)) ?? null)
  } catch (error) {
    const what = `${repository.name}:${tag} is in the registry, but is no image of the engine`
    warn(what, error)
    // what the host was short of may be there another time
    if (errorCode(error) !== 'INVALID_PARAMETER') return
    image = null
  }
  if (image !== record.image) {
    await repository.change((state) => {
      const now = state.manifests.get(record.digest)
      if (now) state.manifests.set(record.digest, { ...now, image })
    })
  }
  // another may have been pushed meanwhile, or this one have been deleted
  if (image === null || imageAt(repository, tag) !== image) return
  const { digest } = record
  const names = [...namesOf(repository, { tag }), ...namesOf(repository, { digest })]
  await nameImage(store, image, names, record)
  await repository.change(
    (state) => {
      const now = state.tags.get(tag)
      if (now?.digest !== digest) return
      const { unsettled: _, ...settled } = now
      state.tags.set(tag, settled)
    },
    { sync: false },
  )
}

/** Whether a killed engine may have left it to this one to make an image of what a tag names, or to name that. */
export function isUnsettled(repository: Repository, tag: string): boolean {
  const record = recordAt(repository, tag)
  return record?.image === undefined || repository.state.tags.get(tag)?.unsettled === true
}

/** A tag is what a push ends with: of what it names no more becomes a layer, as of images for other machines. */
export function dropUnpacked(
  store: ImageStore,
  { manifests }: Readonly<RepositoryState>,
  digest: string,
): void {
  const record = manifests.get(digest)
  for (const each of [digest, ...(record?.manifests ?? [])])
    for (const blob of manifests.get(each)?.blobs ?? [])
      store.layers.ahead.drop(store.blobs.pathOf(blob))
}
