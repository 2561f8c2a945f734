import { domainToASCII } from 'node:url'
import { InvalidParameterError } from '../errors.ts'
import type { Proxies } from './access.ts'
import { isInNetwork, isLoopback, splitHost } from './hosts.ts'

/**
 * The proxy by which a URL is asked for; undefined when it is asked directly. This machine itself always is.
 *
 * @see Go's golang.org/x/net/http/httpproxy, which Docker uses
 */
export function proxyFor(url: URL, proxies: Proxies | undefined): URL | undefined {
  const text = url.protocol === 'https:' ? proxies?.https : proxies?.http
  if (!proxies || text === undefined) return undefined
  const { host } = splitHost(url.host)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  if (isLoopback(host) || proxies.except.some((entry) => isExcept(entry, host, port)))
    return undefined
  return parseProxy(text)
}

/**
 * `[http[s]://][user:password@]host[:port]`
 *
 * @throws INVALID_PARAMETER without a word of the text, which may hold a password
 */
export function parseProxy(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url && /^https?:$/.test(url.protocol) && decoded(url)) return url
  throw new InvalidParameterError('must be the URL of a proxy, by http or https')
}

/** What of a proxy's address may be told: never who we are to it. */
export function withoutCredentials(proxy: URL): string {
  const url = new URL(proxy)
  url.username = url.password = ''
  return url.href
}

/** The proxy as the server that a connection is made to, whose own name its certificate must hold. */
export function hopTo(proxy: URL): {
  host: string
  port: string | number
  isSecure: boolean
  servername: string
  headers: Record<string, string>
} {
  const { host } = splitHost(proxy.host)
  const isSecure = proxy.protocol === 'https:'
  return {
    host,
    port: proxy.port || (isSecure ? 443 : 80),
    isSecure,
    // else it would be the name of the Host header, which is the registry's; addresses are not sent (RFC 6066, 3)
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
    headers: proxyAuthorization(proxy),
  }
}

/** What a proxy's 407 means, in words. */
export function proxyRefusal(proxy: URL): string {
  return proxy.username === ''
    ? `proxy ${proxy.host} asks for a user name and password, which its address may hold: user:password@${proxy.host}`
    : `proxy ${proxy.host} refuses the user name and password of its address`
}

/** Who we are to the proxy, when its URL says so. */
function proxyAuthorization(proxy: URL): Record<string, string> {
  const { password = '', username = '' } = decoded(proxy) ?? {}
  if (username === '' && password === '') return {}
  return {
    'proxy-authorization': `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  }
}

/** undefined when what is percent-encoded is not. */
function decoded({ password, username }: URL): { username: string; password: string } | undefined {
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    return undefined
  }
}

/** `*`, an address, a network in CIDR form, a domain with those below it, `.domain` or `*.domain` for those alone; the first and the domains with `:port`. */
function isExcept(entry: string, host: string, port: string): boolean {
  const text = entry.trim().toLowerCase()
  if (text === '*') return true
  if (text.includes('/')) return isInNetwork(host, text)
  const wanted = splitHost(text)
  if (wanted.port !== undefined && wanted.port !== port) return false
  // one address is written in many ways, of which a URL has one
  if (wanted.host.includes(':')) return isInNetwork(host, `${wanted.host}/128`)
  const name = wanted.host.replace(/^\*(?=\.)/, '')
  const domain = name.startsWith('.') ? `.${domainToASCII(name.slice(1))}` : domainToASCII(name)
  if (domain === '' || domain === '.') return false
  return domain.startsWith('.')
    ? host.endsWith(domain)
    : host === domain || host.endsWith(`.${domain}`)
}
