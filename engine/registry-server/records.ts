import type { Reference } from '../images/reference.ts'
import type { Digest } from '../oci/digest.ts'
import type { ManifestRecord, Repository, RepositoryState } from './repository.ts'
import { nameAt } from './take-in.ts'

/** What a tag names. */
export function recordAt({ state }: Repository, tag: string): ManifestRecord | undefined {
  return state.manifests.get(state.tags.get(tag)?.digest ?? '')
}

/** The engine's image that a tag names. */
export function imageAt(repository: Repository, tag: string): Digest | undefined {
  return recordAt(repository, tag)?.image ?? undefined
}

/** Names of the engine for a tag or a digest: one by each host that the repository was pushed to. */
export function namesOf(
  { name, state }: Repository,
  target: { tag: string } | { digest: Digest },
): Reference[] {
  return [...state.domains].flatMap((domain) => nameAt(domain, name, target) ?? [])
}

/**
 * The time of a push, RFC 3339: later than every one before, also when the clock was set back, or what was just pushed
 * would be the first to go by a rule that keeps the last.
 */
export function timeOfPush({ manifests }: Readonly<RepositoryState>, now = Date.now()): string {
  let last = 0
  for (const { pushedAt } of manifests.values()) last = Math.max(last, Date.parse(pushedAt))
  return new Date(Math.max(now, last + 1)).toISOString()
}

/** The manifest that keeps a blob or another manifest from being deleted. */
export function userOf(
  { manifests }: Readonly<RepositoryState>,
  digest: string,
): string | undefined {
  for (const manifest of manifests.values()) {
    const parts: string[] = [...manifest.blobs, ...manifest.manifests]
    if (parts.includes(digest)) return manifest.digest
  }
  return undefined
}
