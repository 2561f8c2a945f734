import type { IncomingMessage, ServerResponse } from 'node:http'
import { finished } from 'node:stream'

/** A client has read its answer by then, or never will. */
const LINGER_MS = 30_000

/**
 * Takes and throws away what a client still sends of a body that its answer did not wait for, so that the client comes to
 * read that. Were the connection closed at once, the kernel would reset it, and the client be told of a broken pipe. One
 * that goes on sending regardless is broken off after half a minute. To be called before the answer's head is written.
 *
 * @see RFC 9112, 9.6
 */
export function takeRest(request: IncomingMessage, response: ServerResponse): void {
  if (request.destroyed || request.complete || !hasBody(request)) return
  request.resume()
  // where the client has asked for no further answer Node would close behind this one
  const isLast = !response.shouldKeepAlive
  response.shouldKeepAlive = true
  response.once('finish', () => {
    const timer = setTimeout(() => request.destroy(), LINGER_MS)
    finished(request, () => {
      clearTimeout(timer)
      if (isLast) request.socket.end()
    })
  })
}

/** @see RFC 9112, 6.3 */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
