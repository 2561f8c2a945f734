import { InvalidParameterError } from '../../engine/errors.ts'
import { parseReference } from '../../engine/images/reference.ts'

export const DOCKER_HUB = 'docker.io'
const HUB_ALIASES = ['index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']

/**
 * A registry's address as references name it, whatever way it is written: `https://index.docker.io/v1/` is `docker.io`,
 * `https://ghcr.io` is `ghcr.io`.
 *
 * @throws INVALID_PARAMETER when no reference could name it
 */
export function registryHost(address: string): string {
  const host = address
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/.*$/, '')
    .toLowerCase()
  if (HUB_ALIASES.includes(host)) return DOCKER_HUB
  let domain: string | undefined
  try {
    domain = parseReference(`${host}/repository`).domain
  } catch {
    // told below, in words about an address
  }
  if (domain === host) return host
  throw new InvalidParameterError(
    `${JSON.stringify(address.slice(0, 100))} is no address of a registry: it has to be a host with a dot in its name or with a port, like registry.example.com or box:5000.`,
  )
}

/** The registry that a reference is to be found at. @throws INVALID_PARAMETER */
export function registryOf(reference: string): string {
  return parseReference(reference).domain
}

/** The name by which `docker login` keeps what it is told: a URL for Docker Hub, for historical reasons. */
export function dockerServerOf(host: string): string {
  return host === DOCKER_HUB ? 'https://index.docker.io/v1/' : host
}
