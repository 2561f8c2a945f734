import { DOCKER_HUB } from './hosts.ts'

/** `URL` for docker.io, `host[:port]=URL` for another registry. */
export const MIRROR = /^(?:(?<registry>[\w.-]+(?::\d{1,5})?)=)?(?<url>https?:\/\/[^\s,]+)$/

/**
 * The mirrors of a registry, in the order in which they are tried before itself.
 *
 * @param domain as in a reference, with port
 * @param entries as `MIRROR` has them
 */
export function mirrorsOf(domain: string, entries: readonly string[]): string[] {
  return entries.flatMap((entry) => {
    const { registry = DOCKER_HUB, url } = MIRROR.exec(entry)?.groups ?? {}
    return registry === domain && url !== undefined ? [url] : []
  })
}
