import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { sharedOfClients } from '../buildkit/solve.ts'
import type { Shared } from '../buildkit/solve.ts'
import type { Caller, Engine } from '../contract.ts'
import {
  EngineError,
  errorCode,
  errorMessage,
  InvalidParameterError,
  NotFoundError,
  STATUS_OF,
} from '../errors.ts'
import type { Instance } from '../instance.ts'
import { Call, MAX_BODY_BYTES } from './call.ts'
import { withForm } from './form.ts'
import { takeBody } from './hijack.ts'
import { peerOf } from './peer.ts'
import { createRouter } from './router.ts'
import { routesOf } from './routes.ts'
import { claimSocketPath } from './socket-path.ts'
import { API_VERSION, isOlder, MIN_API_VERSION } from './version.ts'

export interface ApiServer {
  /**
   * Answers one request. Below a prefix of another server, `request.url` has to come without the prefix. That server's
   * `requestTimeout` cuts long uploads (image load) off: set it to 0.
   */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** The same for Node's `upgrade` event: attach, exec and websockets take the connection over. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/**
 * The Docker Engine API over an engine. Cheap to make: one may be made per principal.
 *
 * @param dataRoot where builds of BuildKit's clients keep what they need for a while
 * @param buildkit what the connections of one client's builds find each other by
 */
export function createApiServer(
  engine: Engine,
  dataRoot: string,
  buildkit: Shared = sharedOfClients(dataRoot),
): ApiServer {
  const find = createRouter(routesOf(engine, buildkit))

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    readBody: () => Promise<Readable>,
    upgraded?: Socket,
  ): Promise<void> {
    response.setHeader('Api-Version', API_VERSION)
    response.setHeader('Docker-Experimental', 'true')
    response.setHeader('Ostype', 'linux')
    response.setHeader('Server', 'Gantry (linux)')
    try {
      const method = request.method ?? 'GET'
      const { namesVersion, path, search, version } = parseUrl(request.url ?? '/')
      if (method === 'OPTIONS') {
        response.writeHead(200, { 'Content-Length': 0 })
        response.end()
        return
      }
      const found = find(method, path)
      if (found === undefined) throw new NotFoundError('page not found')
      const given = await withForm(request, search, await readBody())
      const call = new Call({
        method,
        path,
        version,
        namesVersion,
        request,
        response,
        ...given,
        ...(upgraded === undefined ? {} : { upgraded }),
      })
      call.params = found.params
      await found.route.handle(call)
    } catch (error) {
      fail(response, error)
    } finally {
      // What a handler left unread would block the connection's next request.
      if (upgraded === undefined && !request.destroyed) request.resume()
    }
  }

  return {
    handle: (request, response) => {
      void serve(request, response, () => Promise.resolve(request))
    },
    upgrade: (request, duplex, head) => {
      const socket = duplex as Socket
      if (head.length > 0) socket.unshift(head)
      socket.on('error', () => {
        // Seen by whoever holds the connection as `close`.
      })
      socket.setTimeout(0)
      const response = new http.ServerResponse(request)
      response.shouldKeepAlive = false
      response.assignSocket(socket)
      response.once('finish', () => {
        response.detachSocket(socket)
        socket.end()
        socket.resume()
      })
      const readBody = async (): Promise<Readable> => {
        // by hand: Readable.from reads through an async generator
        const body = new Readable({ read: () => undefined })
        body.push(await takeBody(socket, request.headers, MAX_BODY_BYTES))
        body.push(null)
        return body
      }
      void serve(request, response, readBody, socket)
    },
  }
}

/**
 * Serves the API on a unix socket: mode 0660, group `docker` where there is one. A socket file that nobody listens on
 * is replaced; missing directories are made. Whoever connects is asked the kernel once, and all that comes over the
 * connection is done on its behalf.
 *
 * @throws CONFLICT when another process listens there
 */
export async function listen(
  engine: Engine,
  { dataRoot, socketPath }: Pick<Instance, 'dataRoot' | 'socketPath'>,
): Promise<{ close(): Promise<void> }> {
  const doors = new WeakMap<Duplex, ApiServer>()
  const buildkit = sharedOfClients(dataRoot)
  const doorFor = lastUsed(MOST_DOORS, (caller: Caller) =>
    createApiServer(engine.as(caller), dataRoot, buildkit),
  )
  const doorOf = (socket: Duplex): ApiServer => {
    const door = doors.get(socket)
    if (door === undefined) throw new EngineError('SYSTEM', 'a request came without a connection')
    return door
  }
  const server = http.createServer(
    { requestTimeout: 0, keepAliveTimeout: 60_000 },
    (request, response) => {
      doorOf(request.socket).handle(request, response)
    },
  )
  server.on('upgrade', (request, socket, head) => {
    doorOf(socket).upgrade(request, socket, head)
  })
  // All connections, because the server forgets those that were taken over.
  const connections = new Set<Socket>()
  server.on('connection', (socket) => {
    try {
      doors.set(socket, doorFor(peerOf(socket)))
    } catch {
      // gone before it was asked who it is
      socket.destroy()
      return
    }
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    socket.on('error', () => {
      // A client that vanished; its request's signal says so to whom it concerns.
    })
  })
  const release = await claimSocketPath(server, socketPath)
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of connections) connection.destroy()
      await closed
      await release()
    },
  }
}

/** Callers whose door is kept: a program opens one connection after the other. */
const MOST_DOORS = 64

/** Makes a thing for each key, and keeps the newest. */
function lastUsed<K extends object, T>(most: number, make: (key: K) => T): (key: K) => T {
  const kept = new Map<string, T>()
  return (key) => {
    const text = JSON.stringify(key)
    const thing = kept.get(text) ?? make(key)
    kept.delete(text)
    kept.set(text, thing)
    if (kept.size > most) kept.delete(kept.keys().next().value ?? '')
    return thing
  }
}

/** `/v1.43/containers/json?all=1`: the version asked for (else the newest), the path and the query. */
function parseUrl(url: string): {
  version: string
  namesVersion: boolean
  path: string
  search: URLSearchParams
} {
  const mark = url.indexOf('?')
  const whole = mark === -1 ? url : url.slice(0, mark)
  const search = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const match = /^\/v(\d{1,4}(?:\.\d{1,4}){0,2})(\/.*)$/.exec(whole)
  if (match?.[1] === undefined || match[2] === undefined)
    return { version: API_VERSION, namesVersion: false, path: whole, search }
  const version = match[1]
  if (isOlder(version, MIN_API_VERSION)) {
    throw new InvalidParameterError(
      `client version ${version} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    )
  }
  if (isOlder(API_VERSION, version)) {
    throw new InvalidParameterError(
      `client version ${version} is too new. Maximum supported API version is ${API_VERSION}`,
    )
  }
  return { version, namesVersion: true, path: match[2], search }
}

/** The one place where errors become answers. */
function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const status = STATUS_OF[errorCode(error)]
  if (status === 304) {
    response.writeHead(304)
    response.end()
    return
  }
  const text = Buffer.from(`${JSON.stringify({ message: errorMessage(error) })}\n`)
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length })
  response.end(text)
}
