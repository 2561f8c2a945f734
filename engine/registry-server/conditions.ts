import type { IncomingHttpHeaders } from 'node:http'
import type { RegistryCondition } from '../contract/registry.ts'

/**
 * What a request wants to be so of the content that it is about. The entity tag of content is its digest, and strong:
 * what has the same digest is the same byte for byte. There are no dates of modification, so that conditions by date are
 * to be ignored.
 *
 * @see RFC 9110, 8.8.3 and 13.1
 */
export function conditionOf(headers: IncomingHttpHeaders): RegistryCondition {
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  return {
    // compared strongly: a weak tag is none of ours
    ...(match === undefined ? {} : { match: tagsIn(match, false) }),
    ...(noneMatch === undefined ? {} : { noneMatch: tagsIn(noneMatch, true) }),
  }
}

/**
 * The part of a condition that does not hold; undefined when all of it does.
 *
 * @param digest of what is there; undefined for nothing
 * @see RFC 9110, 13.2.2
 */
export function failedPart(
  { match, noneMatch }: RegistryCondition,
  digest: string | undefined,
): 'match' | 'noneMatch' | undefined {
  const isAmong = (wanted: '*' | string[]): boolean =>
    digest !== undefined && (wanted === '*' || wanted.includes(digest))
  if (match !== undefined && !isAmong(match)) return 'match'
  if (noneMatch !== undefined && isAmong(noneMatch)) return 'noneMatch'
  return undefined
}

/** Whether a range may be sent of it: a client that has the rest of something else wants all. */
export function mayBePart(headers: IncomingHttpHeaders, digest: string): boolean {
  const wanted = headers['if-range']
  return wanted === undefined || wanted === entityTag(digest)
}

export function entityTag(digest: string): string {
  return `"${digest}"`
}

function tagsIn(header: string, isWeakEnough: boolean): '*' | string[] {
  if (header.trim() === '*') return '*'
  return [...header.matchAll(/(W\/)?"([^"]*)"/g)]
    .filter(([, weak]) => isWeakEnough || weak === undefined)
    .map(([, , tag = '']) => tag)
}
