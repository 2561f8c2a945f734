import type { Engine } from '../engine/contract.ts'
import type { Env } from './env.ts'

/** The local engine; in development another Docker API endpoint when GANTRY_DEV_ENGINE names one. */
export async function openEngine(env: Env): Promise<Engine> {
  if (env.devEngine !== undefined) {
    const { openRemoteEngine } = await import('../engine/remote/remote-engine.ts')
    return openRemoteEngine({ url: env.devEngine })
  }
  const { openLocalEngine } = await import('../engine/index.ts')
  return openLocalEngine(env.instance)
}
