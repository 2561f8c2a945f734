import { createHash } from 'node:crypto'
import type http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Accounts } from '../../server/auth/accounts.ts'
import { Sessions } from '../../server/auth/sessions.ts'
import { AccessTokens } from '../../server/auth/tokens.ts'
import { openDatabase } from '../../server/db.ts'
import { ContextUploads } from '../../server/builds/context-uploads.ts'
import { createConsoleServer } from '../../server/http.ts'
import { Jobs } from '../../server/jobs/jobs.ts'
import { openRegistries } from '../../server/registries/registries.ts'
import { openTestEngine, type TestEngine } from './local-engine.ts'

export const USER = { name: 'ann', password: 'correct horse' }

/** An engine with the console's server before it, where its registry is; `ann` may come in. */
export class RegistryDoor {
  readonly test: TestEngine
  readonly tokens: AccessTokens
  /** Of `ann`. */
  readonly userId: string
  readonly #sessions: Sessions
  readonly #server: http.Server
  readonly #closeDatabase: () => Promise<void>
  /** `127.0.0.1:port` */
  readonly host: string

  private constructor(
    test: TestEngine,
    { sessions, tokens, userId }: { sessions: Sessions; tokens: AccessTokens; userId: string },
    server: http.Server,
    closeDatabase: () => Promise<void>,
  ) {
    this.test = test
    this.tokens = tokens
    this.userId = userId
    this.#sessions = sessions
    this.#server = server
    this.#closeDatabase = closeDatabase
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async open(): Promise<RegistryDoor> {
    const test = await openTestEngine({ image: false })
    const db = await openDatabase(test.instance.dataRoot)
    const sessions = new Sessions(db)
    const accounts = new Accounts(db, sessions)
    const { session } = await accounts.setup(USER, { ip: '127.0.0.1', userAgent: 'test' })
    const tokens = new AccessTokens(db)
    const env = {
      port: 3000,
      host: '127.0.0.1',
      dev: false,
      devEngine: undefined,
      credentialHelpers: undefined,
      instance: test.instance,
    }
    const context = {
      env,
      // asked for anew each time: a test may open the engine again
      get engine() {
        return test.engine
      },
      db,
      sessions,
      accounts,
      tokens,
      registries: openRegistries(env, db),
      jobs: new Jobs(),
      uploads: new ContextUploads(),
    }
    const server = createConsoleServer(context, {
      handle: (_request, response) => {
        response.end('page')
        return Promise.resolve()
      },
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const parts = { sessions, tokens, userId: session.user.id }
    return new RegistryDoor(test, parts, server, () => db.$disconnect())
  }

  get authorization(): string {
    return `Basic ${Buffer.from(`${USER.name}:${USER.password}`).toString('base64')}`
  }

  async fetch(
    path: string,
    options: {
      method?: string
      headers?: Record<string, string>
      body?: Buffer | string
      auth?: string
    } = {},
  ): Promise<Response> {
    const { auth = this.authorization, body, headers = {}, method = 'GET' } = options
    return await fetch(new URL(path, `http://${this.host}`), {
      method,
      headers: { ...headers, ...(auth === '' ? {} : { Authorization: auth }) },
      ...(body === undefined ? {} : { body: body as BodyInit }),
    })
  }

  /** Uploads a blob in one request. */
  async putBlob(name: string, content: Buffer): Promise<Response> {
    const path = `/v2/${name}/blobs/uploads/?digest=${sha256(content)}`
    return await this.fetch(path, { method: 'POST', body: content })
  }

  /** Puts a manifest, which says itself what it is. */
  async putManifest(name: string, reference: string, manifest: Buffer): Promise<Response> {
    const { mediaType } = JSON.parse(manifest.toString()) as { mediaType: string }
    const headers = { 'Content-Type': mediaType }
    const path = `/v2/${name}/manifests/${reference}`
    return await this.fetch(path, { method: 'PUT', headers, body: manifest })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    this.#sessions.close()
    await this.#closeDatabase()
    await this.test.close()
  }
}

export function sha256(content: Buffer | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
