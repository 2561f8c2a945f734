import { createHash } from 'node:crypto'
import { InvalidParameterError } from '../errors.ts'

/** `sha256:` and 64 hex digits. Other algorithms are not used by any registry and are refused. */
export type Digest = `sha256:${string}`

const DIGEST = /^sha256:[0-9a-f]{64}$/

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text)
}

/** @throws INVALID_PARAMETER when it is none */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new InvalidParameterError(`invalid digest: ${JSON.stringify(text.slice(0, 100))}`)
}

export function digestOf(content: Buffer): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** The 64 hex digits. */
export function hexOf(digest: string): string {
  return digest.slice('sha256:'.length)
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
export function chainIds(diffIds: readonly string[]): Digest[] {
  const chains: Digest[] = []
  for (const diffId of diffIds) {
    const below = chains.at(-1)
    chains.push(
      below === undefined ? parseDigest(diffId) : digestOf(Buffer.from(`${below} ${diffId}`)),
    )
  }
  return chains
}
