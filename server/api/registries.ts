import type { RegistryAccess, RegistryCheck } from '../../engine/contract/distribution.ts'
import { engineOf } from '../caller.ts'
import { context } from '../context.ts'
import { registryHost } from '../registries/address.ts'
import type { KnownRegistry } from '../registries/registries.ts'
import { forSession, readBody } from './handler.ts'
import {
  authoritiesSchema,
  changedRegistrySchema,
  checkRegistrySchema,
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

/** POST /api/registries/check: with the credentials of a form, or those that are stored. */
export const checkRegistry = forSession(async ({ user }, request): Promise<RegistryCheck> => {
  const { address, login } = await readBody(request, checkRegistrySchema)
  const host = registryHost(address)
  const { engine, registries } = context()
  const auth =
    login === undefined
      ? await registries.credentialsOf(host)
      : await registries.credentialsBy(host, login)
  return await engineOf(engine, user).distribution.check(host, auth ? { auth } : {}, request.signal)
})

/** GET /api/registries/{host}/access: by which certificates and proxies it is reached. */
export const getRegistryAccess = forSession(
  async ({ user }, _request: Request, route: HostRoute): Promise<RegistryAccess> =>
    engineOf(context().engine, user).distribution.access(registryHost(await hostOf(route))),
)

/** PUT /api/registries/{host}/access: trusts these authorities for it, or none of its own any more. */
export const putRegistryAccess = forSession(
  async ({ user }, request: Request, route: HostRoute): Promise<RegistryAccess> => {
    const { authorities } = await readBody(request, authoritiesSchema)
    const { distribution } = engineOf(context().engine, user)
    const host = registryHost(await hostOf(route))
    await distribution.setAuthorities(host, authorities)
    return await distribution.access(host)
  },
)

/** Next leaves the colon of `host:port` encoded in some of its versions. */
export async function hostOf(route: HostRoute): Promise<string> {
  return decodeURIComponent((await route.params).host)
}
