import http2 from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { GrpcError, grpcErrorOf } from './grpc-error.ts'
import { messagesOf, send, trailersOf } from './grpc-frames.ts'
import type { Codec } from './messages.ts'

/** What a method gets beside its request. */
export interface GrpcCall {
  headers: IncomingHttpHeaders
  /** Fires when the caller gives up or is gone. */
  signal: AbortSignal
}

export interface GrpcMethod {
  answer(request: Buffer, call: GrpcCall): AsyncIterable<Buffer>
}

/** By path: `/moby.buildkit.v1.Control/Solve`. */
export type GrpcMethods = Readonly<Record<string, GrpcMethod>>

export function unary<Q, R>(
  request: Codec<Q>,
  response: Codec<R>,
  handle: (request: Q, call: GrpcCall) => Promise<Partial<R>> | Partial<R>,
): GrpcMethod {
  return {
    answer: async function* (bytes, call) {
      yield response.encode(await handle(request.decode(bytes), call))
    },
  }
}

export function streaming<Q, R>(
  request: Codec<Q>,
  response: Codec<R>,
  handle: (request: Q, call: GrpcCall) => AsyncIterable<Partial<R>>,
): GrpcMethod {
  return {
    answer: async function* (bytes, call) {
      for await (const message of handle(request.decode(bytes), call))
        yield response.encode(message)
    },
  }
}

/** Windows for many small messages one after the other. */
export const SETTINGS = { initialWindowSize: 2 ** 20, maxConcurrentStreams: 128 }

/**
 * Serves gRPC on one connection that is there already. Calls are of one request each.
 *
 * grpc-js cannot be a client on a connection that is already there, and the same framing serves both sides, so that
 * node:http2 is used as it is.
 *
 * @returns when the connection is over
 */
export async function serveGrpc(connection: Duplex, methods: GrpcMethods): Promise<void> {
  const server = http2.createServer({ settings: SETTINGS, maxSendHeaderBlockLength: 2 ** 18 })
  server.on('sessionError', () => {
    // the connection's end says it
  })
  server.on('stream', (stream, headers) => {
    void answer(stream, headers, methods)
  })
  const closed = new Promise<void>((resolve) => {
    connection.once('close', resolve)
  })
  connection.on('error', () => undefined)
  server.emit('connection', connection)
  await closed
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  methods: GrpcMethods,
): Promise<void> {
  const gone = new AbortController()
  let trailers = trailersOf(undefined)
  stream.on('error', () => undefined)
  stream.on('close', () => {
    gone.abort()
  })
  stream.on('wantTrailers', () => {
    stream.sendTrailers(trailers)
  })
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  try {
    const path = headers[':path']
    const method = Object.hasOwn(methods, path ?? '') ? methods[path ?? ''] : undefined
    if (!method) throw new GrpcError('UNIMPLEMENTED', `unknown method ${path ?? ''}`)
    const request = await messagesOf(stream).next()
    if (request.done === true) throw new GrpcError('INTERNAL', 'a call without a request')
    for await (const message of method.answer(request.value, { headers, signal: gone.signal })) {
      if (gone.signal.aborted) break
      await send(stream, message)
    }
  } catch (error) {
    trailers = trailersOf(grpcErrorOf(error))
  }
  if (!stream.destroyed) stream.end()
  // what is left of the request is not looked at
  stream.resume()
}
