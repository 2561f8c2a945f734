import http from 'node:http'
import https from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { fingerprintOf, secureContextOf } from '../secure-context.ts'
import type { OwnCertificates } from '../secure-context.ts'
import type { Access, Certificates } from './access.ts'
import { hopTo, proxyFor } from './proxy.ts'
import { TunnelAgent } from './tunnel.ts'

const KEPT: https.AgentOptions = { keepAlive: true, maxSockets: 16 }

const plain = new http.Agent(KEPT)

/** To proxies that speak TLS themselves, which are verified whatever is insecure behind them. */
const secureProxies = new https.Agent(KEPT)

/** Connections are kept apart by all that they were made with. */
const secure = new Map<string, https.Agent>()
const MAX_AGENTS = 64

/** Where a request is sent and over which connections. */
export interface Route {
  /** Which of the two makes requests over the agent's connections. */
  maker: typeof http | typeof https
  agent: http.Agent
  target: https.RequestOptions
  headers: Record<string, string>
  /** Who is asked in the server's place. */
  proxy?: URL
}

export function routeOf(url: URL, access: Access): Route {
  const proxy = proxyFor(url, access.proxies)
  const target = urlToHttpOptions(url)
  if (url.protocol === 'https:')
    return { maker: https, agent: secureAgent(access, proxy), target, headers: {} }
  if (!proxy) return { maker: http, agent: plain, target, headers: {} }
  const { headers, isSecure, ...hop } = hopTo(proxy)
  return {
    maker: isSecure ? https : http,
    agent: isSecure ? secureProxies : plain,
    // a proxy is asked for the whole address
    target: { ...hop, path: addressOf(url) },
    headers: { host: url.host, ...headers },
    proxy,
  }
}

/** Without what may be before its host or behind its path. @see RFC 9112, 3.2.2 */
function addressOf(url: URL): string {
  return `${url.origin}${url.pathname}${url.search}`
}

function secureAgent({ certificates, insecure }: Access, proxy: URL | undefined): https.Agent {
  const own = certificates && pemsOf(certificates)
  const key = JSON.stringify([insecure, proxy?.href, own && fingerprintOf(own)])
  const known = secure.get(key)
  if (known) return known
  const options: https.AgentOptions = {
    ...KEPT,
    rejectUnauthorized: !insecure,
    ...(own && { secureContext: secureContextOf(own) }),
  }
  const agent = proxy ? new TunnelAgent(proxy, options) : new https.Agent(options)
  // certificates are renewed: the oldest goes
  const [oldest] = secure.keys()
  if (secure.size >= MAX_AGENTS && oldest !== undefined) secure.delete(oldest)
  secure.set(key, agent)
  return agent
}

function pemsOf({ authorities, client }: Certificates): OwnCertificates {
  return {
    ca: authorities,
    cert: client.map(({ certificate }) => certificate),
    key: client.map((pair) => pair.key),
  }
}
