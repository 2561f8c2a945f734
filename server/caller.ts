import type { Caller, Engine } from '../engine/contract.ts'

/** The engine on behalf of somebody who is signed in to the console. */
export function engineOf(engine: Engine, user: { id: string; name: string }): Engine {
  const caller: Caller = { kind: 'console', name: user.name, userId: user.id }
  return engine.as(caller)
}
