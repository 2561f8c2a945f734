import { listen } from './api/server.ts'
import { compileEarly } from './compile-early.ts'
import { errorMessage } from './errors.ts'
import { openLocalEngine } from './index.ts'
import { instanceFromEnv } from './instance.ts'
import { lockInstance } from './lock.ts'

/** `npm run engine`: the engine alone with its Docker API socket; no console, no database. */
async function main(): Promise<void> {
  const instance = instanceFromEnv(process.env)
  const unlock = await lockInstance(instance)
  const engine = await openLocalEngine(instance)
  compileEarly()
  const server = await listen(engine, instance)
  console.log(
    `gantry: engine ready in ${String(Math.round(process.uptime() * 1000))} ms on unix://${instance.socketPath}`,
  )

  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    void (async () => {
      await server.close()
      await engine.close()
      unlock()
      process.exit(0)
    })()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

main().catch((error: unknown) => {
  console.error(`gantry: ${errorMessage(error)}`)
  process.exit(1)
})
