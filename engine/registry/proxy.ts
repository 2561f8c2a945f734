import https from 'node:https'
import http from 'node:http'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { Proxies } from './access.ts'
import { isInNetwork, isLoopback, splitHost } from './hosts.ts'

/**
 * The proxy by which a URL is asked for; undefined when it is asked directly. This machine itself always is.
 *
 * @see Go's net/http, ProxyFromEnvironment, which Docker uses
 */
export function proxyFor(url: URL, proxies: Proxies | undefined): URL | undefined {
  const text = url.protocol === 'https:' ? proxies?.https : proxies?.http
  if (!proxies || text === undefined) return undefined
  const { host } = splitHost(url.host)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  if (isLoopback(host) || proxies.except.some((entry) => isExcept(entry, host, port)))
    return undefined
  return new URL(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`)
}

/** Who we are to the proxy, when its URL says so. */
export function proxyAuthorization({ password, username }: URL): Record<string, string> {
  if (username === '') return {}
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` }
}

/** Connections by https through a proxy: `CONNECT host:port`, then TLS with the server itself. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options)
    this.#proxy = proxy
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    // of a failure the agent takes nothing but the error
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex)
    const target = `${options.host ?? ''}:${String(options.port ?? 443)}`
    const { hostname, port, protocol } = this.#proxy
    const isSecure = protocol === 'https:'
    const request = (isSecure ? https : http).request({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || (isSecure ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(this.#proxy) },
      agent: false,
    })
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) {
        callback?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket }))
        return
      }
      socket.destroy()
      fail(
        new Error(
          `proxy ${this.#proxy.host} answered ${String(response.statusCode)} to CONNECT ${target}`,
        ),
      )
    })
    request.on('error', (cause) =>
      fail(new Error(`proxy ${this.#proxy.host}: ${cause.message}`, { cause })),
    )
    request.end()
    return undefined
  }
}

function isExcept(entry: string, host: string, port: string): boolean {
  const text = entry.trim().toLowerCase()
  if (text === '*') return true
  if (text.includes('/')) return isInNetwork(host, text)
  const wanted = splitHost(text)
  if (wanted.port !== undefined && wanted.port !== port) return false
  const name = wanted.host.replace(/^\*(?=\.)/, '')
  if (name === '') return false
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`)
}
