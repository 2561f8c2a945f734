import http2 from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'
import { GrpcError } from './grpc-error.ts'
import { errorIn, messagesOf, send } from './grpc-frames.ts'
import { SETTINGS } from './grpc-server.ts'
import type { Codec } from './messages.ts'

export interface CallOptions {
  /** Several values go as several headers. */
  metadata?: Record<string, string | string[]>
  signal?: AbortSignal | undefined
}

/** Calls a gRPC server at the other end of a connection that is there already. */
export class GrpcClient {
  readonly #session: ClientHttp2Session
  readonly closed: Promise<void>

  constructor(connection: Duplex) {
    connection.on('error', () => undefined)
    this.#session = http2.connect('http://localhost', {
      createConnection: () => connection,
      settings: { ...SETTINGS, enablePush: false },
    })
    this.#session.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      connection.once('close', resolve)
      this.#session.once('close', resolve)
    })
  }

  /** @throws GrpcError as the server has it */
  async unary<Q, R>(
    path: string,
    request: Codec<Q>,
    response: Codec<R>,
    message: Partial<Q>,
    options: CallOptions = {},
  ): Promise<R> {
    const stream = this.stream(path, options)
    await stream.send(request.encode(message))
    stream.end()
    let answer: Buffer | undefined
    for await (const bytes of stream.messages()) answer ??= bytes
    if (!answer) throw new GrpcError('INTERNAL', `${path}: no answer`)
    return response.decode(answer)
  }

  stream(path: string, { metadata = {}, signal }: CallOptions = {}): GrpcStream {
    if (this.#session.destroyed || this.#session.closed)
      throw new GrpcError('UNAVAILABLE', 'the client that started the build is gone')
    const headers: OutgoingHttpHeaders = {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...metadata,
    }
    return new GrpcStream(path, this.#session.request(headers), signal)
  }

  close(): void {
    this.#session.destroy()
  }
}

/** A call under way, both directions. */
export class GrpcStream {
  readonly #path: string
  readonly #stream: ClientHttp2Stream
  #trailers: Record<string, string | string[] | undefined> | undefined
  #failure: Error | undefined

  constructor(path: string, stream: ClientHttp2Stream, signal: AbortSignal | undefined) {
    this.#path = path
    this.#stream = stream
    stream.on('error', (error: Error) => {
      this.#failure = error
    })
    stream.on('response', (headers: Record<string, string | string[] | undefined>) => {
      // a call that fails at once has its trailers here
      if (headers['grpc-status'] !== undefined) this.#trailers = headers
    })
    stream.on('trailers', (headers: Record<string, string | string[] | undefined>) => {
      this.#trailers = headers
    })
    const stop = (): void => {
      this.cancel()
    }
    signal?.addEventListener('abort', stop, { once: true })
    stream.on('close', () => {
      signal?.removeEventListener('abort', stop)
    })
    if (signal?.aborted === true) stop()
  }

  async send(message: Buffer): Promise<void> {
    await send(this.#stream, message)
  }

  /** Nothing more will be sent. */
  end(): void {
    this.#stream.end()
  }

  cancel(): void {
    this.#stream.close(http2.constants.NGHTTP2_CANCEL)
  }

  /** @throws GrpcError when the call ends badly */
  async *messages(): AsyncGenerator<Buffer> {
    try {
      yield* messagesOf(this.#stream)
    } catch (error) {
      if (error instanceof GrpcError) throw error
      this.#failure ??= error as Error
    }
    const failure = this.#trailers
      ? errorIn(this.#trailers)
      : new GrpcError('UNAVAILABLE', `${this.#path}: the client that started the build is gone`, {
          cause: this.#failure,
        })
    if (failure) throw failure
  }
}
