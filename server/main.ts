import type http from 'node:http'
import type { AddressInfo } from 'node:net'
import next from 'next'
import { listen } from '../engine/api/server.ts'
import { compileEarly } from '../engine/compile-early.ts'
import { errorMessage } from '../engine/errors.ts'
import { lockInstance } from '../engine/lock.ts'
import { Accounts } from './auth/accounts.ts'
import { Sessions } from './auth/sessions.ts'
import { AccessTokens } from './auth/tokens.ts'
import { type Context, setContext } from './context.ts'
import { openDatabase } from './db.ts'
import { type Env, readEnv } from './env.ts'
import { ContextUploads } from './builds/context-uploads.ts'
import { createConsoleServer } from './http.ts'
import { Jobs } from './jobs/jobs.ts'
import { createLive } from './live/io.ts'
import { openEngine } from './open-engine.ts'
import { openRegistries } from './registries/registries.ts'
import { PROJECT_ROOT } from './root.ts'
import { loadSampleLater } from './sample.ts'

/** `npm start`: console and engine in one process. */
async function main(): Promise<void> {
  const env = readEnv(process.env)
  // Another endpoint's engine (development only) works on none of our roots but the database.
  const unlock = await lockInstance(env.instance)
  // Pages load while the engine looks for its containers.
  const pages = next({ dev: env.dev, dir: PROJECT_ROOT, hostname: env.host, port: env.port })
  const [engine, db] = await Promise.all([
    openEngine(env),
    openDatabase(env.instance.dataRoot),
    pages.prepare(),
  ])
  const sessions = new Sessions(db)
  const context: Context = {
    env,
    engine,
    db,
    sessions,
    accounts: new Accounts(db, sessions),
    tokens: new AccessTokens(db),
    registries: openRegistries(env, db),
    jobs: new Jobs(),
    uploads: new ContextUploads(),
  }
  setContext(context)
  compileEarly()

  const socket = env.devEngine === undefined ? await listen(engine, env.instance) : undefined
  const handle = pages.getRequestHandler()
  const server = createConsoleServer(context, {
    handle: (request, response) => handle(request, response),
    ...(env.dev ? { upgrade: pages.getUpgradeHandler() } : {}),
  })
  const live = await createLive(context)
  live.io.attach(server)
  await listenOn(server, env)
  announce(env, server)
  loadSampleLater(engine.as({ kind: 'system', reason: 'sample image' }))

  let stopping = false
  const stop = (): void => {
    // A second signal does not wait.
    if (stopping) process.exit(1)
    stopping = true
    void (async () => {
      // Whatever hangs, the containers do not need us.
      setTimeout(() => process.exit(1), 10_000).unref()
      await live.close()
      server.close()
      server.closeAllConnections()
      await context.jobs.close()
      await socket?.close()
      await engine.close()
      sessions.close()
      await db.$disconnect()
      unlock()
      process.exit(0)
    })()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function listenOn(server: http.Server, env: Env): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `port ${String(env.port)} is taken by another program: stop that, or set GANTRY_PORT`,
            )
          : error,
      )
    })
    server.listen({ port: env.port, host: env.host, backlog: 511 }, resolve)
  })
}

function announce(env: Env, server: http.Server): void {
  const { port, address } = server.address() as AddressInfo
  const host = address === '0.0.0.0' || address === '::' ? 'localhost' : address
  console.log(
    `gantry: console on http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`,
  )
  console.log(`gantry: Docker API on ${env.devEngine ?? `unix://${env.instance.socketPath}`}`)
  console.log(`gantry: ready in ${(process.uptime() * 1000).toFixed(0)} ms`)
}

main().catch((error: unknown) => {
  console.error(`gantry: ${errorMessage(error)}`)
  if (process.env.GANTRY_DEBUG) console.error(error)
  process.exit(1)
})
