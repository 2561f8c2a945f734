import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { refuse } from './refusal.ts'

/** With the registry's host before it a name has to stay below 255, which is as much as clients take. */
const MAX_NAME = 200

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const TAG = /^\w[\w.-]{0,127}$/

/**
 * A repository's name as the specification has it.
 *
 * @throws NAME_INVALID
 * @see distribution-spec, "Pulling manifests"
 */
export function checkName(name: string): string {
  if (name.length <= MAX_NAME && NAME.test(name)) return name
  throw refuse('NAME_INVALID', `invalid repository name: ${JSON.stringify(name.slice(0, 100))}`)
}

/** @throws DIGEST_INVALID for what is none, or of another algorithm than sha256 and sha512 */
export function checkDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw refuse(
    'DIGEST_INVALID',
    `not a sha256 or sha512 digest: ${JSON.stringify(text.slice(0, 100))}`,
  )
}

/**
 * A manifest is asked for by a tag or by its digest.
 *
 * @throws DIGEST_INVALID, MANIFEST_INVALID for what is neither
 */
export function parseTarget(text: string): { tag: string } | { digest: Digest } {
  if (text.includes(':')) return { digest: checkDigest(text) }
  return { tag: checkTag(text) }
}

/** @throws MANIFEST_INVALID */
export function checkTag(text: string): string {
  if (TAG.test(text)) return text
  throw refuse('MANIFEST_INVALID', `invalid tag: ${JSON.stringify(text.slice(0, 150))}`)
}

/** The directory of a repository: `~` is in no name. */
export function directoryOf(name: string): string {
  return name.replaceAll('/', '~')
}

/** The repository that a directory is for. */
export function nameOf(directory: string): string {
  return directory.replaceAll('~', '/')
}
