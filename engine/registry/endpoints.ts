import { InvalidParameterError } from '../errors.ts'
import { readCertificates } from './access.ts'
import type { Access, Registries } from './access.ts'
import { DOCKER_HUB, isInNetwork, isLoopback, splitHost } from './hosts.ts'
import { mirrorsOf } from './mirrors.ts'

/** One address at which a registry can be tried, and how. */
export interface Endpoint extends Access {
  url: URL
  /** Credentials are for the registry itself, not for those who copy it. */
  isMirror: boolean
}

/**
 * Where to try a registry, in order: its mirrors and then itself; insecure ones, among them those on this machine, by https
 * and then by http.
 *
 * @param domain as in a reference, with port
 * @throws INVALID_PARAMETER when that is no address
 * @throws SYSTEM when its certificates cannot be read
 */
export async function endpointsOf(domain: string, registries: Registries): Promise<Endpoint[]> {
  if (!URL.canParse(`https://${domain}`))
    throw new InvalidParameterError(
      `"${domain}" is no address of a registry: use HOST or HOST:PORT`,
    )
  const { certs, proxies } = registries
  const accessTo = async (host: string, insecure: boolean): Promise<Access> => ({
    insecure,
    certificates: await readCertificates(certs, host),
    proxies,
  })
  const mirrors = mirrorsOf(domain, registries.mirrors).map(async (text) => {
    const url = new URL(text)
    const insecure = url.protocol === 'http:' || isInsecure(url.host, registries)
    return { url, isMirror: true, ...(await accessTo(url.host, insecure)) }
  })
  const insecure = domain !== DOCKER_HUB && isInsecure(domain, registries)
  const secure = {
    url: new URL(`https://${domain === DOCKER_HUB ? 'registry-1.docker.io' : domain}`),
    isMirror: false,
    ...(await accessTo(domain, insecure)),
  }
  const own = insecure ? [secure, { ...secure, url: new URL(`http://${domain}`) }] : [secure]
  return [...(await Promise.all(mirrors)), ...own]
}

/** Those on this machine always are, as Docker has it. */
function isInsecure(domain: string, { insecure }: Registries): boolean {
  const { host } = splitHost(domain)
  return (
    isLoopback(host) ||
    insecure.some((entry) =>
      entry.includes('/') ? isInNetwork(host, entry) : [host, domain].includes(entry.toLowerCase()),
    )
  )
}
