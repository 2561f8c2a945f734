import { createHash } from 'node:crypto'
import { InvalidParameterError } from '../errors.ts'

/** What IDs of images, diff IDs and chain IDs are: `sha256:` and 64 hex digits. */
export type Sha256 = `sha256:${string}`

/** Of content, by either of the registered algorithms: also `sha512:` and 128 hex digits. @see image-spec descriptor.md */
export type Digest = Sha256 | `sha512:${string}`

export type Algorithm = 'sha256' | 'sha512'

const SHA256 = /^sha256:[0-9a-f]{64}$/
const SHA512 = /^sha512:[0-9a-f]{128}$/

export function isDigest(text: string): text is Digest {
  return SHA256.test(text) || SHA512.test(text)
}

export function isSha256(text: string): text is Sha256 {
  return SHA256.test(text)
}

/** By which algorithm a digest is. */
export function algorithmOf(digest: string): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** @throws INVALID_PARAMETER when it is none */
export function parseSha256(text: string): Sha256 {
  if (isSha256(text)) return text
  throw new InvalidParameterError(`invalid digest: ${JSON.stringify(text.slice(0, 100))}`)
}

export function digestOf(content: Buffer): Sha256
export function digestOf(content: Buffer, algorithm: Algorithm): Digest
export function digestOf(content: Buffer, algorithm: Algorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`
}

/** Whether content has a digest, by whichever algorithm that is. */
export function hasDigest(content: Buffer, digest: string): boolean {
  return digestOf(content, algorithmOf(digest)) === digest
}

/** The hex digits, of which the algorithms have different numbers. */
export function hexOf(digest: string): string {
  return digest.slice('sha256:'.length)
}

/** The digest with these hex digits; undefined when they are none's. */
export function digestOfHex(hex: string): Digest | undefined {
  return [`sha256:${hex}`, `sha512:${hex}`].find(isDigest)
}

/** As OCI layouts have it: `sha256/<hex>`. */
export function pathOfDigest(digest: string): string {
  return `${algorithmOf(digest)}/${hexOf(digest)}`
}

/** As Docker shows it: the first twelve digits. */
export function shortId(digest: string): string {
  return hexOf(digest).slice(0, 12)
}

/**
 * Identifies a layer together with all below it.
 *
 * @param diffIds bottom first, not empty
 * @see image-spec config.md, "Layer ChainID"
 */
export function chainIds(diffIds: readonly string[]): Sha256[] {
  const chains: Sha256[] = []
  for (const diffId of diffIds) {
    const below = chains.at(-1)
    chains.push(
      below === undefined ? parseSha256(diffId) : digestOf(Buffer.from(`${below} ${diffId}`)),
    )
  }
  return chains
}
