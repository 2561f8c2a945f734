import type { Part } from './pushed-manifest.ts'
import { refuse } from './refusal.ts'
import type { Repository, RepositoryState } from './repository.ts'

/**
 * Holds a manifest to what the repository has of what it names.
 *
 * @param sizeOf bytes of a blob of the store; undefined when it is not there
 * @throws MANIFEST_BLOB_UNKNOWN for what is not here, SIZE_INVALID for what has not the size that the manifest says
 */
export function checkParts(
  { blobs, keptBack, name }: Repository,
  { manifests }: RepositoryState,
  wanted: { blobs: readonly Part[]; manifests: readonly Part[] },
  sizeOf: (digest: string) => number | undefined,
): void {
  for (const part of wanted.blobs) {
    const isNamed = blobs.has(part.digest) || keptBack.has(part.digest)
    check(name, part, isNamed ? sizeOf(part.digest) : undefined)
  }
  for (const part of wanted.manifests) check(name, part, manifests.get(part.digest)?.size)
}

function check(name: string, { digest, size: said }: Part, size: number | undefined): void {
  if (size === undefined) {
    const message = `${name} has not what the manifest names: ${digest}`
    throw refuse('MANIFEST_BLOB_UNKNOWN', message, { detail: { digest } })
  }
  if (size !== said) {
    const message = `the manifest says of ${digest} that it has ${said} bytes, it has ${size}`
    throw refuse('SIZE_INVALID', message, { detail: { digest, said, size } })
  }
}
