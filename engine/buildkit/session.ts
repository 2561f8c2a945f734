import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { GrpcError } from './grpc-error.ts'
import { GrpcClient } from './grpc-client.ts'

/** A client's half of its builds: over one connection it serves files, secrets and credentials, as long as that is open. */
export class Session {
  readonly id: string
  /** What its client calls the directories that it offers, in each of its builds of them; empty: nothing. */
  readonly sharedKey: string
  readonly #client: GrpcClient | undefined
  readonly #methods: ReadonlySet<string>

  /** @param client undefined: the build has none, and nothing is supported */
  constructor(
    id: string,
    methods: ReadonlySet<string>,
    client: GrpcClient | undefined,
    sharedKey = '',
  ) {
    this.id = id
    this.sharedKey = sharedKey
    this.#client = client
    this.#methods = methods
  }

  /** @throws UNAVAILABLE when there is no session */
  get client(): GrpcClient {
    if (!this.#client) throw new GrpcError('UNAVAILABLE', 'the build has no session')
    return this.#client
  }

  /** @param method `/moby.filesync.v1.FileSync/DiffCopy` */
  supports(method: string): boolean {
    return this.#methods.has(method.toLowerCase())
  }
}

/** What a build has that names no session. */
const NO_SESSION = new Session('', new Set(), undefined)

/** How long a build waits for the session that it names. */
const WAIT_MS = 10_000
const MOST_SESSIONS = 256

/**
 * The sessions of all clients. An ID is a secret of its client, who chose it at random.
 *
 * @see POST /session
 */
export class Sessions {
  readonly #open = new Map<string, Session>()
  readonly #waiting = new Set<() => void>()

  /**
   * The session that a request opens.
   *
   * @throws FAILED_PRECONDITION, before the connection is taken over
   */
  check(headers: IncomingHttpHeaders): string {
    const id = headerOf(headers, 'x-docker-expose-session-uuid')
    if (!/^[\w.:-]{1,128}$/.test(id))
      throw new GrpcError('FAILED_PRECONDITION', 'a session needs an ID')
    if (this.#open.has(id))
      throw new GrpcError('FAILED_PRECONDITION', `session ${id} already exists`)
    if (this.#open.size >= MOST_SESSIONS)
      throw new GrpcError('FAILED_PRECONDITION', 'too many sessions are open')
    return id
  }

  /** Keeps a session until its connection ends. */
  async serve(id: string, headers: IncomingHttpHeaders, connection: Duplex): Promise<void> {
    const methods = headerOf(headers, 'x-docker-expose-session-grpc-method')
      .split(',')
      .map((method) => method.trim().toLowerCase())
    const client = new GrpcClient(connection)
    const sharedKey = headerOf(headers, 'x-docker-expose-session-sharedkey')
    this.#open.set(id, new Session(id, new Set(methods), client, sharedKey))
    for (const wake of this.#waiting) wake()
    await client.closed
    this.#open.delete(id)
    client.close()
    connection.destroy()
  }

  /**
   * Waits a little for a session: its connection and that of the build are opened at the same time.
   *
   * @param id empty: none, which supports nothing
   */
  async get(id: string, signal: AbortSignal): Promise<Session> {
    if (id === '') return NO_SESSION
    const until = Date.now() + WAIT_MS
    for (;;) {
      const session = this.#open.get(id)
      if (session) return session
      signal.throwIfAborted()
      const left = until - Date.now()
      if (left <= 0) throw new GrpcError('UNKNOWN', `no active session for ${id}`)
      await this.#changed(left, signal)
    }
  }

  async #changed(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      this.#waiting.add(done)
    })
  }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}
