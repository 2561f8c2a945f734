import { context } from '../context.ts'
import type { KnownRegistry } from '../registries/registries.ts'
import { forSession, readBody } from './handler.ts'
import {
  changedRegistrySchema,
  importRegistriesSchema,
  newRegistrySchema,
} from './schemas/registry.ts'

export type { ImportedRegistries, KnownRegistry } from '../registries/registries.ts'

/** What GET /api/registries tells; no secret is in it. */
export interface RegistriesAnswer {
  registries: KnownRegistry[]
  /** Names of the credential helpers on this host. */
  helpers: string[]
}

export interface HostRoute {
  params: Promise<{ host: string }>
}

export const getRegistries = forSession(async (): Promise<RegistriesAnswer> => {
  const { registries } = context()
  return { registries: await registries.list(), helpers: registries.helpers() }
})

export const postRegistry = forSession(async ({ user }, request) =>
  context().registries.add(await readBody(request, newRegistrySchema), user.name),
)

export const patchRegistry = forSession(async (_identity, request: Request, route: HostRoute) => {
  const change = await readBody(request, changedRegistrySchema)
  return await context().registries.change(await hostOf(route), change)
})

export const deleteRegistry = forSession(async (_identity, _request: Request, route: HostRoute) =>
  context().registries.remove(await hostOf(route)),
)

export const importRegistries = forSession(async ({ user }, request) => {
  const { apply, config } = await readBody(request, importRegistriesSchema)
  return await context().registries.import(config, { apply, by: user.name })
})

/** Next leaves the colon of `host:port` encoded in some of its versions. */
export async function hostOf(route: HostRoute): Promise<string> {
  return decodeURIComponent((await route.params).host)
}
