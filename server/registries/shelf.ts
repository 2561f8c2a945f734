import type { Engine } from '../../engine/contract.ts'
import type { RegistryImage } from '../../engine/contract/registry.ts'
import type { Registries } from './registries.ts'

/** The registry that this engine is, in the place of a host: no host is named so. */
export const OWN = 'own'

const PAGE = 100

/** What can be looked at in a registry, ours or another, with what is stored for it. */
export interface Shelf {
  /** @param after `next` of the page before */
  catalog: (after: string | undefined) => Promise<{ names: string[]; next?: string }>
  tags: (repository: string) => Promise<string[]>
  describe: (repository: string, reference: string) => Promise<RegistryImage>
  /** By tag the tag alone, and in our own registry what nothing else needs with it; by digest with all its tags. */
  remove: (repository: string, reference: string) => Promise<unknown>
}

/** @throws as Registries.credentialsOf; what is asked of it throws as the contract's `registry` and `distribution` */
export async function openShelf(
  host: string,
  { distribution, registry }: Pick<Engine, 'distribution' | 'registry'>,
  registries: Registries,
  signal: AbortSignal,
): Promise<Shelf> {
  if (host === OWN) {
    return {
      catalog: async (after) => {
        const page = { count: PAGE, ...(after === undefined ? {} : { after }) }
        const { hasMore, names } = await registry.repositories(page)
        const next = names.at(-1)
        return { names, ...(hasMore && next !== undefined ? { next } : {}) }
      },
      tags: async (repository) => (await registry.tags(repository)).names,
      describe: (repository, reference) => registry.describe(repository, reference),
      remove: (repository, reference) =>
        reference.includes(':')
          ? registry.deleteManifest(repository, reference)
          : registry.removeTag(repository, reference),
    }
  }
  const credentials = await registries.credentialsOf(host)
  const auth = credentials ? { auth: credentials } : {}
  return {
    catalog: (after) =>
      distribution.catalog(
        host,
        { ...auth, count: PAGE, ...(after === undefined ? {} : { after }) },
        signal,
      ),
    tags: (name) => distribution.tags({ host, name }, auth, signal),
    describe: (name, reference) => distribution.describe({ host, name }, reference, auth, signal),
    remove: (name, reference) =>
      distribution.deleteManifest({ host, name }, reference, auth, signal),
  }
}
