import { z } from 'zod'
import type { RegistryEngine } from '../../engine/contract/registry.ts'
import { engineOf } from '../caller.ts'
import type { Identity } from '../auth/identify.ts'
import { context } from '../context.ts'
import { forSession, readBody } from './handler.ts'

/** GET /api/registry/settings: rules of retention and quotas. */
export const getRegistrySettings = forSession((session) => registryOf(session).settings())

/** PUT the same: all of it; the engine says what is wrong. */
export const putRegistrySettings = forSession(async (session, request) => {
  const registry = registryOf(session)
  await registry.setSettings(await readBody(request, z.looseObject({})))
  return await registry.settings()
})

/** POST /api/registry/collect: applies the rules now; answers with what went. */
export const collectRegistryGarbage = forSession((session) => registryOf(session).collectGarbage())

/** GET /api/registry/usage */
export const getRegistryUsage = forSession((session) => registryOf(session).usage())

/** POST /api/registry/plan: what these settings would take now; nothing is changed. */
export const planRegistryCollection = forSession(async (session, request) =>
  registryOf(session).planCollection(await readBody(request, z.looseObject({}))),
)

function registryOf({ user }: Identity): RegistryEngine {
  return engineOf(context().engine, user).registry
}
