/** One address at which a registry can be tried. */
export interface Endpoint {
  url: URL
  /** http, or https with any certificate. */
  insecure: boolean
  /** Credentials are for the registry itself, not for those who copy it. */
  isMirror: boolean
}

/**
 * Where to try a registry, in order: for docker.io its mirrors and then itself; registries on this machine may speak http.
 *
 * @param domain as in a reference, with port
 * @param mirrors URLs, for docker.io only
 */
export function endpointsOf(domain: string, mirrors: readonly string[]): Endpoint[] {
  if (domain === 'docker.io') {
    return [
      ...mirrors.map((text) => {
        const url = new URL(text)
        return { url, insecure: url.protocol === 'http:', isMirror: true }
      }),
      { url: new URL('https://registry-1.docker.io'), insecure: false, isMirror: false },
    ]
  }
  const secure = { url: new URL(`https://${domain}`), insecure: isLocal(domain), isMirror: false }
  if (!secure.insecure) return [secure]
  return [secure, { ...secure, url: new URL(`http://${domain}`) }]
}

/** localhost, 127.0.0.0/8 and ::1, as Docker has it. */
function isLocal(domain: string): boolean {
  const host = domain.replace(/:\d+$/, '')
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
