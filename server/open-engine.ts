import { createHash } from 'node:crypto'
import path from 'node:path'
import type { Engine } from '../engine/contract.ts'
import type { Env } from './env.ts'

/** The local engine; in development another Docker API endpoint when GANTRY_DEV_ENGINE names one. */
export async function openEngine(env: Env): Promise<Engine> {
  if (env.devEngine !== undefined) {
    const { openRemoteEngine } = await import('../engine/remote/remote-engine.ts')
    const name = createHash('sha256').update(env.devEngine).digest('hex').slice(0, 12)
    const records = path.join(env.instance.dataRoot, 'remote', name)
    return openRemoteEngine({ url: env.devEngine, records })
  }
  const { openLocalEngine } = await import('../engine/index.ts')
  return openLocalEngine(env.instance)
}
