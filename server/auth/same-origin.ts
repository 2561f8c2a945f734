import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { ForbiddenError } from '../../engine/errors.ts'

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Lets through what changes nothing, and what our own pages or programs ask for.
 *
 * @throws FORBIDDEN
 */
export function checkOrigin({ headers, method = '' }: IncomingMessage): void {
  if (READING.has(method) || isSameOrigin(headers)) return
  throw new ForbiddenError('This request came from another site and was refused.')
}

/**
 * Whether a request that carries the session's cookie was made by our own pages (or by no browser at all).
 * Browsers send Sec-Fetch-Site where they trust the connection, and Origin with everything that can change something
 * and with every WebSocket; neither can be forged by a page.
 */
export function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const origin = headers.origin
  if (origin === undefined) return true
  // A proxy may put its own name into Host; a foreign page cannot set X-Forwarded-Host without our consent (CORS).
  const forwarded = headers['x-forwarded-host']
  const hosts = [headers.host, ...(typeof forwarded === 'string' ? forwarded.split(',') : [])]
  let originHost: string
  try {
    originHost = new URL(origin).host
  } catch {
    return false
  }
  return hosts.some((host) => host !== undefined && normalHost(host) === originHost)
}

/** Lower case, without the default port, as URL.host gives it. */
function normalHost(host: string): string {
  try {
    const url = new URL(`http://${host.trim()}`)
    return url.port === '443' ? url.hostname : url.host
  } catch {
    return ''
  }
}
