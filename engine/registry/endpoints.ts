import { readCertificates } from './access.ts'
import type { Access, Registries } from './access.ts'
import { isInNetwork, isLoopback, splitHost } from './hosts.ts'

/** One address at which a registry can be tried, and how. */
export interface Endpoint extends Access {
  url: URL
  /** Credentials are for the registry itself, not for those who copy it. */
  isMirror: boolean
}

/**
 * Where to try a registry, in order: for docker.io its mirrors and then itself; insecure ones, among them those on this
 * machine, by https and then by http.
 *
 * @param domain as in a reference, with port
 * @throws SYSTEM when its certificates cannot be read
 */
export async function endpointsOf(domain: string, registries: Registries): Promise<Endpoint[]> {
  const { certs, mirrors, proxies } = registries
  const accessTo = async (host: string, insecure: boolean): Promise<Access> => ({
    insecure,
    certificates: await readCertificates(certs, host),
    proxies,
  })
  if (domain === 'docker.io') {
    const url = new URL('https://registry-1.docker.io')
    return [
      ...(await Promise.all(
        mirrors.map(async (text) => {
          const mirror = new URL(text)
          const insecure = mirror.protocol === 'http:' || isInsecure(mirror.host, registries)
          return { url: mirror, isMirror: true, ...(await accessTo(mirror.host, insecure)) }
        }),
      )),
      { url, isMirror: false, ...(await accessTo('docker.io', false)) },
    ]
  }
  const insecure = isInsecure(domain, registries)
  const secure = {
    url: new URL(`https://${domain}`),
    isMirror: false,
    ...(await accessTo(domain, insecure)),
  }
  return insecure ? [secure, { ...secure, url: new URL(`http://${domain}`) }] : [secure]
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
