import fs from 'node:fs'
import type http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { io, type Socket } from 'socket.io-client'
import { instanceAt } from '../../engine/instance.ts'
import { Accounts } from '../../server/auth/accounts.ts'
import { sessionCookieName } from '../../server/auth/cookie.ts'
import { Sessions } from '../../server/auth/sessions.ts'
import { AccessTokens } from '../../server/auth/tokens.ts'
import { ContextUploads } from '../../server/builds/context-uploads.ts'
import type { Context } from '../../server/context.ts'
import { openDatabase } from '../../server/db.ts'
import { createConsoleServer } from '../../server/http.ts'
import { Jobs } from '../../server/jobs/jobs.ts'
import { openRegistries } from '../../server/registries/registries.ts'
import { createLive, type Live } from '../../server/live/io.ts'
import type { ClientToServer, ServerToClient } from '../../server/live/protocol.ts'
import { MockEngine } from './mock-engine.ts'

export type TestSocket = Socket<ServerToClient, ClientToServer>

export interface TestConsole {
  mock: MockEngine
  context: Context
  server: http.Server
  live: Live
  url: string
  /** Makes or signs in the account and gives its cookie header. */
  signIn: () => Promise<string>
  connect: (cookie?: string, headers?: Record<string, string>) => TestSocket
}

export const ACCOUNT = { name: 'admin', password: 'correct horse' }
const FROM = { ip: '127.0.0.1', userAgent: 'test' }

/** A database in a temporary directory, closed and removed after the test. */
export async function openTestContext(t: TestContext, mock = new MockEngine()): Promise<Context> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const db = await openDatabase(root)
  const sessions = new Sessions(db)
  t.after(async () => {
    sessions.close()
    await db.$disconnect()
    fs.rmSync(root, { recursive: true, force: true })
  })
  const env = {
    port: 3000,
    host: '127.0.0.1',
    dev: false,
    devEngine: undefined,
    credentialHelpers: undefined,
    instance: instanceAt({
      dataRoot: root,
      runRoot: path.join(root, 'run'),
      bridgeSubnet: '10.9.0.0/16',
    }),
  }
  return {
    env,
    engine: mock.engine,
    db,
    sessions,
    accounts: new Accounts(db, sessions),
    tokens: new AccessTokens(db),
    registries: openRegistries(env, db),
    jobs: new Jobs(),
    uploads: new ContextUploads(),
  }
}

/** The whole console but for its pages, over a mock engine. */
export async function openTestConsole(t: TestContext): Promise<TestConsole> {
  const mock = new MockEngine()
  const context = await openTestContext(t, mock)
  const server = createConsoleServer(context, {
    handle: (_request, response) => {
      response.end('page')
      return Promise.resolve()
    },
  })
  const live = await createLive(context)
  live.io.attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sockets: TestSocket[] = []
  t.after(async () => {
    for (const socket of sockets) socket.close()
    await live.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    mock,
    context,
    server,
    live,
    url,
    signIn: async () => {
      const { token } = (await context.accounts.needsSetup())
        ? await context.accounts.setup(ACCOUNT, FROM)
        : await context.accounts.signIn(ACCOUNT, FROM)
      return `${sessionCookieName(3000)}=${token}`
    },
    connect: (cookie, headers = {}) => {
      const socket: TestSocket = io(url, {
        path: '/live',
        transports: ['websocket'],
        forceNew: true,
        reconnection: false,
        extraHeaders: { ...(cookie === undefined ? {} : { cookie }), ...headers },
      })
      sockets.push(socket)
      return socket
    },
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  for (const began = Date.now(); !holds();) {
    if (Date.now() - began > timeoutMs) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
