import type { RegistryPlan, RegistryUsage } from '../contract/registry.ts'
import type { Quota } from './quota.ts'
import type { ManifestRecord, Repository } from './repository.ts'
import { planRemoval } from './retention.ts'
import type { Removal } from './retention.ts'
import type { SettingsDocument } from './settings.ts'

type Settings = SettingsDocument['current']

/**
 * What the registry holds.
 *
 * @param neededElsewhere digests that images or the build cache name
 */
export function usageOf(
  repositories: readonly Repository[],
  { quotas }: Settings,
  quota: Quota,
  neededElsewhere: ReadonlySet<string>,
): RegistryUsage {
  const all = new Set(repositories.flatMap((each) => [...contentOf(each)]))
  const onlyHere = new Set([...all].filter((digest) => !neededElsewhere.has(digest)))
  return {
    repositories: repositories
      .filter(({ state }) => state.manifests.size > 0)
      .map((each) => ({
        name: each.name,
        tags: each.state.tags.size,
        manifests: each.state.manifests.size,
        bytes: quota.bytesOf(contentOf(each)),
        pushedAt: lastPush(each),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    bytes: quota.bytesOf(all),
    onlyHere: { blobs: onlyHere.size, bytes: quota.bytesOf(onlyHere) },
    quotas: quotas.map((each) => ({ ...each, used: quota.takenOf(each.namespace) })),
  }
}

/**
 * What the rules would take from all repositories.
 *
 * @param isUsed whether a container stands on an image of the engine
 */
export function planOf(
  repositories: readonly Repository[],
  settings: Settings,
  quota: Quota,
  isUsed: (image: string) => boolean,
): RegistryPlan & { content: ReadonlySet<string> } {
  const plan: RegistryPlan = { tags: [], manifests: [], bytes: 0 }
  const before = new Set<string>()
  const after = new Set<string>()
  for (const each of repositories) {
    const { name: repository, state } = each
    const isAwaited = (digest: string): boolean => each.isAwaited(digest)
    const removal = planRemoval(repository, state, settings, isUsed, Date.now(), isAwaited)
    for (const tag of removal.tags) {
      const record = state.tags.get(tag)
      if (record)
        plan.tags.push({ repository, tag, digest: record.digest, pushedAt: record.pushedAt })
    }
    for (const { digest, pushedAt } of removal.manifests)
      plan.manifests.push({ repository, digest, pushedAt })
    for (const digest of contentOf(each)) before.add(digest)
    for (const digest of contentAfter(each, removal)) after.add(digest)
  }
  const content = new Set([...before].filter((digest) => !after.has(digest)))
  return { ...plan, bytes: quota.bytesOf(content), content }
}

function contentOf({ blobs, state }: Repository): Set<string> {
  return new Set([...blobs.keys(), ...state.manifests.keys()])
}

/** Without what only the manifests that go have needed. */
function contentAfter(repository: Repository, { manifests: gone }: Removal): Set<string> {
  const left = contentOf(repository)
  const going = new Set<string>(gone.map(({ digest }) => digest))
  const staying = [...repository.state.manifests.values()].filter(
    ({ digest }) => !going.has(digest),
  )
  const needed = new Set(staying.flatMap(({ blobs }: ManifestRecord): string[] => blobs))
  for (const { blobs, digest } of gone)
    for (const each of [digest, ...blobs]) if (!needed.has(each)) left.delete(each)
  return left
}

function lastPush({ state }: Repository): string {
  let last = ''
  for (const { pushedAt } of state.manifests.values()) if (pushedAt > last) last = pushedAt
  return last
}
