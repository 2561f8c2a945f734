import { pathPattern } from '../tree/path-pattern.ts'
import type { ManifestRecord, RepositoryState } from './repository.ts'
import type { SettingsDocument } from './settings.ts'

const DAY_MS = 24 * 3600 * 1000

type Settings = SettingsDocument['current']

export interface Removal {
  tags: string[]
  manifests: ManifestRecord[]
}

/**
 * What the rules want gone from a repository. A manifest stays while a tag, a container or an index that stays needs it,
 * or while it is about one that stays; one that loses its last tag by a rule goes with its parts and with what is about it.
 *
 * @param isUsed whether a container stands on an image of the engine
 * @param isAwaited whether an index that names a manifest may be on its way: for that one the rules wait
 */
export function planRemoval(
  name: string,
  state: Readonly<RepositoryState>,
  settings: Settings,
  isUsed: (image: string) => boolean,
  now: number,
  isAwaited: (digest: string) => boolean,
): Removal {
  const isImageUsed = usesOf(state, isUsed)
  const uses = (digest: string): boolean =>
    isImageUsed(digest) ||
    isAwaited(digest) ||
    (state.manifests.get(digest)?.manifests ?? []).some(isAwaited)
  const tags = tagsToGo(name, state, settings, uses, now)
  const { untaggedDays } = settings
  return removalOf(
    state,
    tags,
    untaggedDays === null ? -Infinity : now - untaggedDays * DAY_MS,
    uses,
  )
}

/** What goes with a tag that somebody deletes, by the same rules. */
export function planTagRemoval(
  state: Readonly<RepositoryState>,
  tag: string,
  isUsed: (image: string) => boolean,
): Removal {
  return removalOf(state, new Set([tag]), -Infinity, usesOf(state, isUsed))
}

function usesOf(
  { manifests }: Readonly<RepositoryState>,
  isUsed: (image: string) => boolean,
): (digest: string) => boolean {
  return (digest) => {
    const image = manifests.get(digest)?.image
    return image !== undefined && image !== null && isUsed(image)
  }
}

/** @param youngest of the manifests without a tag those that were pushed later stay */
function removalOf(
  { manifests, tags: all }: Readonly<RepositoryState>,
  tags: ReadonlySet<string>,
  youngest: number,
  uses: (digest: string) => boolean,
): Removal {
  const tagged = new Set<string>()
  for (const { digest, tag } of all.values()) if (!tags.has(tag)) tagged.add(digest)

  const lost = new Set<string>()
  for (const tag of tags) {
    const digest = all.get(tag)?.digest
    if (digest !== undefined && !tagged.has(digest)) lost.add(digest)
  }
  spread(lost, manifests, (digest) => !tagged.has(digest))

  const kept = new Set<string>()
  for (const { digest, pushedAt } of manifests.values()) {
    const isYoung = !lost.has(digest) && Date.parse(pushedAt) > youngest
    if (tagged.has(digest) || isYoung || uses(digest)) kept.add(digest)
  }
  spread(kept, manifests, () => true)
  return {
    tags: [...tags],
    manifests: [...manifests.values()].filter(({ digest }) => !kept.has(digest)),
  }
}

function tagsToGo(
  name: string,
  state: Readonly<RepositoryState>,
  { retention }: Settings,
  uses: (digest: string) => boolean,
  now: number,
): Set<string> {
  const gone = new Set<string>()
  for (const { except, keepLast = 0, olderThanDays, repositories, tags } of retention) {
    if (!pathPattern(repositories)(name)) continue
    const isMeant = pathPattern(tags)
    const isSpared = except.map(pathPattern)
    const newestFirst = [...state.tags.values()]
      .filter(({ tag }) => isMeant(tag) && !isSpared.some((spares) => spares(tag)))
      .sort((a, b) => Date.parse(b.pushedAt) - Date.parse(a.pushedAt))
    for (const { digest, pushedAt, tag } of newestFirst.slice(keepLast)) {
      const isOld =
        olderThanDays === undefined || Date.parse(pushedAt) <= now - olderThanDays * DAY_MS
      if (isOld && !uses(digest)) gone.add(tag)
    }
  }
  return gone
}

/** Adds the parts of what is in a set, and what is about it, and so on. */
function spread(
  set: Set<string>,
  manifests: ReadonlyMap<string, ManifestRecord>,
  isToFollow: (digest: string) => boolean,
): void {
  const about = new Map<string, string[]>()
  for (const { digest, subject } of manifests.values())
    if (subject !== undefined) about.set(subject, [...(about.get(subject) ?? []), digest])
  // a set that grows while it is walked is walked to its new end
  for (const digest of set) {
    const next = [...(manifests.get(digest)?.manifests ?? []), ...(about.get(digest) ?? [])]
    for (const each of next) if (manifests.has(each) && isToFollow(each)) set.add(each)
  }
}
