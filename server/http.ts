import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ApiServer, createApiServer } from '../engine/api/server.ts'
import { takeRest } from '../engine/take-rest.ts'
import { checkOrigin, isSameOrigin } from './auth/same-origin.ts'
import { checkScope, identify, signedIn } from './auth/identify.ts'
import type { SessionUser } from './auth/sessions.ts'
import { engineOf } from './caller.ts'
import { answerRegistryFor } from './registry.ts'
import type { Context } from './context.ts'
import { errorMessage, errorStatus } from './errors.ts'
import { secureHeaders } from './secure-headers.ts'

const ENGINE_PREFIX = '/api/engine'

/** What Next gives to answer the rest with. */
export interface Pages {
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  /** Development only: hot reload. */
  upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>
}

/**
 * The console's one HTTP server.
 *
 *     /live            Socket.IO (attached by live/io.ts)
 *     /api/health      200 while it runs, for everyone
 *     /api/engine/…    the Docker Engine API, for those signed in or with an access token
 *     /v2/…            the registry, for those whose name and password, or token, come with the request
 *     the rest         Next
 */
export function createConsoleServer(context: Context, pages: Pages): http.Server {
  const doors = new Map<string, ApiServer>()
  /** Everything that comes in a user's name is done on that user's behalf. */
  const doorOf = ({ id, name }: SessionUser): ApiServer => {
    const key = JSON.stringify([id, name])
    const door =
      doors.get(key) ??
      createApiServer(engineOf(context.engine, { id, name }), context.env.instance.dataRoot)
    doors.set(key, door)
    return door
  }
  /** @throws UNAUTHORIZED, FORBIDDEN */
  const doorFor = async (request: IncomingMessage, isUpgrade: boolean): Promise<ApiServer> => {
    const { authorization, cookie } = request.headers
    const identity = signedIn(await identify(context, { authorization, cookie }))
    checkScope(identity, { method: request.method, isUpgrade })
    return doorOf(identity.user)
  }
  const server = http.createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else sendError(request, response, errorStatus(error), errorMessage(error))
    })
  })
  // Image uploads and log streams take as long as they take; headers still have to come soon.
  server.requestTimeout = 0
  server.headersTimeout = 30_000

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    // Ours to set: what a client says about its own address is not believed.
    request.headers['x-gantry-address'] = request.socket.remoteAddress ?? ''
    if (isBelow(path, '/v2')) {
      await answerRegistryFor(context, request, response)
      return
    }
    checkOrigin(request)
    if (isBelow(path, '/api/health')) {
      sendJson(response, 200, { status: 'ok' })
      return
    }
    if (isBelow(path, ENGINE_PREFIX)) {
      const door = await doorFor(request, false)
      // Nothing that a container printed or an archive holds may act as a page of ours.
      response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
      response.setHeader('X-Content-Type-Options', 'nosniff')
      request.url = path.slice(ENGINE_PREFIX.length) || '/'
      door.handle(request, response)
      return
    }
    secureHeaders(request, response, { dev: context.env.dev })
    await pages.handle(request, response)
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = request.url ?? '/'
    if (isBelow(path, '/live')) return // Socket.IO's
    socket.on('error', () => socket.destroy())
    if (isBelow(path, ENGINE_PREFIX)) {
      void (async () => {
        // Asked for before anything is read: data that comes early waits in the socket.
        if (!isSameOrigin(request.headers)) {
          refuseUpgrade(socket, 403, 'This request came from another site and was refused.')
          return
        }
        const door = await doorFor(request, true)
        request.url = path.slice(ENGINE_PREFIX.length) || '/'
        door.upgrade(request, socket, head)
      })().catch((error: unknown) => {
        refuseUpgrade(socket, errorStatus(error), errorMessage(error))
      })
      return
    }
    if (pages.upgrade && path.startsWith('/_next/')) {
      pages.upgrade(request, socket, head).catch(() => socket.destroy())
      return
    }
    refuseUpgrade(socket, 404, 'There is nothing at this path.')
  })
  return server
}

function isBelow(url: string, prefix: string): boolean {
  return url === prefix || url.startsWith(`${prefix}/`) || url.startsWith(`${prefix}?`)
}

function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ message })
  socket.end(
    [
      `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}

function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  message: string,
): void {
  takeRest(request, response)
  sendJson(response, status, { message })
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(JSON.stringify(body))
}
