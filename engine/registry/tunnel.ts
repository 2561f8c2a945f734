import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { hopTo, proxyRefusal } from './proxy.ts'

/** A proxy that says nothing is given up after so long, however long the server behind it may think. */
const CONNECT_MS = 45_000

/**
 * Connections by https through a proxy:
 *
 *     us → proxy   TCP, and TLS when the proxy's URL is https
 *     us → proxy   CONNECT host:port
 *     us ← proxy   200
 *     us → server  TLS, within what the proxy passes on
 *
 * A CONNECT ends with the request that it is for (`caller`), whose own signal Node keeps from its agents.
 *
 * @see RFC 9110, 9.3.6
 */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options)
    this.#proxy = proxy
  }

  override createConnection(
    options: https.RequestOptions & { caller?: AbortSignal },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { caller, host, port } = options
    // these come again when this connection has ended and another request waits for one
    delete options.caller
    const target = `${host?.includes(':') ? `[${host}]` : (host ?? '')}:${String(port ?? 443)}`
    const { headers, isSecure, ...hop } = hopTo(this.#proxy)
    const proxy = `proxy ${this.#proxy.host}`
    const request = (isSecure ? https : http).request({
      ...hop,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...headers },
      agent: false,
      ...(caller && { signal: caller }),
    })
    const waitMs = Math.min(options.timeout ?? CONNECT_MS, CONNECT_MS)
    // of the whole of it: a timeout of the socket would begin anew with each byte
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer to CONNECT for ${String(waitMs / 1000)} seconds`)),
      waitMs,
    )
    // of a failure the agent takes nothing but the error
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex)
    request.on('close', () => clearTimeout(timer))
    request.on('connect', ({ statusCode = 0 }, socket) => {
      clearTimeout(timer)
      if (statusCode === 200) {
        callback?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket }))
        return
      }
      socket.destroy()
      fail(
        new Error(
          statusCode === 407
            ? proxyRefusal(this.#proxy)
            : `${proxy} answered ${String(statusCode)} to CONNECT ${target}`,
        ),
      )
    })
    request.on('error', (cause) => fail(new Error(`${proxy}: ${cause.message}`, { cause })))
    request.end()
    return undefined
  }
}
