import type { IncomingMessage, ServerResponse } from 'node:http'

/** A client has read its answer by then, or never will. */
const LINGER_MS = 30_000

/**
 * Takes and throws away what a client still sends of a body that its answer did not wait for, so that the client comes to
 * read that. Were the connection closed at once, the kernel would reset it, and the client be told of a broken pipe. One
 * that goes on sending regardless is broken off after half a minute; one that ends uses the connection further.
 *
 * @see RFC 9112, 9.6
 */
export function takeRest(request: IncomingMessage, response: ServerResponse): void {
  if (request.destroyed || request.complete) return
  request.resume()
  // Node would close behind the answer where the client has asked for no further one; such a client closes by itself
  response.shouldKeepAlive = true
  response.once('finish', () => {
    const timer = setTimeout(() => request.destroy(), LINGER_MS)
    for (const over of ['end', 'close']) request.once(over, () => clearTimeout(timer))
  })
}
