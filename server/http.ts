import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ApiServer, createApiServer } from '../engine/api/server.ts'
import { isSameOrigin } from './auth/same-origin.ts'
import { readCookie, sessionCookieName } from './auth/cookie.ts'
import type { Session } from './auth/sessions.ts'
import { engineOf } from './caller.ts'
import { answerRegistryFor } from './registry.ts'
import type { Context } from './context.ts'
import { errorMessage, errorStatus } from './errors.ts'
import { secureHeaders } from './secure-headers.ts'

const ENGINE_PREFIX = '/api/engine'
const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

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
 *     /api/engine/…    the Docker Engine API, for those signed in
 *     /v2/…            the registry, for those whose name and password come with the request
 *     the rest         Next
 */
export function createConsoleServer(context: Context, pages: Pages): http.Server {
  const doors = new WeakMap<Session, ApiServer>()
  /** Everything that comes by a session is done on its user's behalf. */
  const doorOf = (session: Session): ApiServer => {
    const known = doors.get(session)
    if (known !== undefined) return known
    const door = createApiServer(engineOf(context.engine, session.user))
    doors.set(session, door)
    return door
  }
  const server = http.createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else sendError(response, errorStatus(error), errorMessage(error))
    })
  })
  // Image uploads and log streams take as long as they take; headers still have to come soon.
  server.requestTimeout = 0
  server.headersTimeout = 30_000

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    // Ours to set: what a client says about its own address is not believed.
    request.headers['x-gantry-address'] = request.socket.remoteAddress ?? ''
    if (!READING.has(request.method ?? '') && !isSameOrigin(request.headers)) {
      sendError(response, 403, 'This request came from another site and was refused.')
      return
    }
    if (isBelow(path, '/api/health')) {
      sendJson(response, 200, { status: 'ok' })
      return
    }
    if (isBelow(path, ENGINE_PREFIX)) {
      const session = await signedIn(context, request)
      if (session === undefined) {
        sendError(response, 401, 'Sign in first.')
        return
      }
      // Nothing that a container printed or an archive holds may act as a page of ours.
      response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
      response.setHeader('X-Content-Type-Options', 'nosniff')
      request.url = path.slice(ENGINE_PREFIX.length) || '/'
      doorOf(session).handle(request, response)
      return
    }
    if (isBelow(path, '/v2')) {
      await answerRegistryFor(context, request, response)
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
        const session = isSameOrigin(request.headers) ? await signedIn(context, request) : undefined
        if (session === undefined) {
          socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
          return
        }
        request.url = path.slice(ENGINE_PREFIX.length) || '/'
        doorOf(session).upgrade(request, socket, head)
      })().catch(() => socket.destroy())
      return
    }
    if (pages.upgrade && path.startsWith('/_next/')) {
      pages.upgrade(request, socket, head).catch(() => socket.destroy())
      return
    }
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  return server
}

/** The session of a request's cookie. */
export function signedIn(context: Context, request: IncomingMessage): Promise<Session | undefined> {
  return context.sessions.find(
    readCookie(request.headers.cookie, sessionCookieName(context.env.port)),
  )
}

function isBelow(url: string, prefix: string): boolean {
  return url === prefix || url.startsWith(`${prefix}/`) || url.startsWith(`${prefix}?`)
}

function sendError(response: ServerResponse, status: number, message: string): void {
  // The body of a refused upload is not read: the connection cannot be used again.
  response.setHeader('Connection', 'close')
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
