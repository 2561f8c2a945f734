import { InvalidParameterError, NotFoundError } from '../../errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { isAttestation, parseManifest, type Manifest } from '../../oci/manifest.ts'
import { choosePlatform, formatPlatform, type Platform } from '../../oci/platform.ts'
import type { FetchedManifest, RegistryClient } from '../../registry/client.ts'
import { firstAnswer } from '../../registry/first-answer.ts'
import type { Reference } from '../reference.ts'
import { explainRefusal } from '../refused.ts'
import { askAgain } from './ask-again.ts'

/** A manifest for the wanted platform, and what the reference itself meant: the same, or an index around it. */
export interface Resolved {
  client: RegistryClient
  manifest: Manifest
  content: Buffer
  digest: Digest
  rootDigest: Digest
  /** The index that the reference means, when it means one. */
  index: FetchedManifest | undefined
}

/**
 * Finds what a reference means at its registry, for one platform.
 *
 * @param clients of the registry's endpoints, in the order in which they are asked
 * @throws NOT_FOUND, UNAUTHORIZED and others in Docker's words
 */
export async function resolveManifest(
  clients: readonly RegistryClient[],
  reference: Reference,
  wanted: Platform,
  signal: AbortSignal,
): Promise<Resolved> {
  const ask = (client: RegistryClient): Promise<Resolved> =>
    resolveAt(client, clients, reference, wanted, signal)
  try {
    return await firstAnswer(clients, ask, signal)
  } catch (error) {
    throw explainRefusal(error, reference)
  }
}

async function resolveAt(
  client: RegistryClient,
  clients: readonly RegistryClient[],
  { digest, tag = 'latest' }: Reference,
  wanted: Platform,
  signal: AbortSignal,
): Promise<Resolved> {
  const get = (name: string): Promise<FetchedManifest> =>
    askAgain(() => client.manifest(name, signal), client, clients, signal)
  let fetched = await get(digest ?? tag)
  const root = fetched
  for (let depth = 0; depth < 4; depth++) {
    const parsed = parseManifest(fetched.content, fetched.mediaType)
    if (parsed.kind === 'manifest') {
      return {
        client,
        manifest: parsed,
        content: fetched.content,
        digest: fetched.digest,
        rootDigest: root.digest,
        index: root === fetched ? undefined : root,
      }
    }
    const chosen = choosePlatform(
      parsed.manifests.filter((entry) => !isAttestation(entry)),
      wanted,
    )
    if (!chosen) {
      throw new NotFoundError(
        `no matching manifest for ${formatPlatform(wanted)} in the manifest list entries`,
      )
    }
    fetched = await get(chosen.digest)
  }
  throw new InvalidParameterError('the image index is nested too deeply')
}
