import type { ServerResponse } from 'node:http'
import type { RegistryPage, RegistryReferrer } from '../contract/registry.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/manifest.ts'
import { refuse } from './refusal.ts'

/** Names of one page where the client does not say how many. */
const PAGE = 1000
/** Of one page of referrers, which is an index, and so to be no larger than one; with room for what is around them. */
const MAX_REFERRERS_BYTES = MAX_DOCUMENT_BYTES - 1024

/** @throws SIZE_INVALID */
export function pageIn(query: URLSearchParams): RegistryPage & { count: number } {
  const n = query.get('n')
  const last = query.get('last')
  if (n !== null && !/^\d{1,9}$/.test(n))
    throw refuse('SIZE_INVALID', `n is to be a number of names: ${JSON.stringify(n.slice(0, 20))}`)
  return { count: n === null ? PAGE : Number(n), ...(last === null ? {} : { after: last }) }
}

/**
 * As many as an index may name that clients take; descriptors have the annotations of what they describe, so a few may be
 * much already.
 *
 * @param after those that sort behind this digest
 * @returns `last` when there are others behind it
 * @see distribution-spec, "Listing Referrers"
 */
export function pageOfReferrers(
  all: RegistryReferrer[],
  after: string,
): { manifests: RegistryReferrer[]; last?: string } {
  const manifests: RegistryReferrer[] = []
  let bytes = 0
  for (const each of all.sort((a, b) => (a.digest < b.digest ? -1 : 1))) {
    if (each.digest <= after) continue
    bytes += Buffer.byteLength(JSON.stringify(each)) + 1
    const last = manifests.at(-1)?.digest
    if (last !== undefined && bytes > MAX_REFERRERS_BYTES) return { manifests, last }
    manifests.push(each)
  }
  return { manifests }
}

/** @param names of this page */
export function linkToNext(
  response: ServerResponse,
  path: string,
  { count }: { count: number },
  names: string[],
  hasMore: boolean,
): void {
  const last = names.at(-1)
  if (!hasMore || last === undefined) return
  const query = new URLSearchParams({ n: String(count), last })
  linkTo(response, `${path}?${query.toString()}`)
}

/** @see RFC 5988 */
export function linkTo(response: ServerResponse, next: string): void {
  response.setHeader('Link', `<${next}>; rel="next"`)
}
