import type { RegistryCredentials } from '../contract.ts'
import { errorCode, errorMessage, EngineError, UnauthorizedError } from '../errors.ts'
import type { Registries } from './access.ts'
import { Authorizer } from './auth.ts'
import { endpointsOf } from './endpoints.ts'
import type { Endpoint } from './endpoints.ts'
import { request } from './http.ts'
import { refusal } from './refusal.ts'

/**
 * Tries credentials at their registry, never at a mirror of it.
 *
 * @returns an identity token that stands for the password from now on; empty when the registry gives none
 * @throws UNAUTHORIZED with the registry's words, UNAVAILABLE when it cannot be reached, SYSTEM for other answers
 * @see POST /auth
 */
export async function logIn(
  registries: Registries,
  credentials: RegistryCredentials,
  signal?: AbortSignal,
): Promise<string> {
  let failure: unknown
  const host = hostOf(credentials.serveraddress ?? '')
  for (const endpoint of await endpointsOf(host, { ...registries, mirrors: [] })) {
    try {
      return await logInAt(endpoint, credentials, signal)
    } catch (error) {
      // A password that was refused over https is not sent again in the clear.
      if (errorCode(error) === 'UNAUTHORIZED' || signal?.aborted === true) throw error
      failure ??= error
    }
  }
  throw failure
}

async function logInAt(
  endpoint: Endpoint,
  credentials: RegistryCredentials,
  signal: AbortSignal | undefined,
): Promise<string> {
  const url = new URL('/v2/', endpoint.url)
  const asked = (error: unknown): string => `Get "${url.href}": ${errorMessage(error)}`
  const authorizer = new Authorizer(credentials, '', endpoint, { offline: true })
  try {
    for (let tries = 0; ; tries++) {
      const authorization = await authorizer.header(signal)
      const response = await request(url, {
        headers: authorization === undefined ? {} : { authorization },
        signal,
        access: endpoint,
      })
      if (response.statusCode === 200) {
        response.resume()
        return authorizer.identityToken ?? ''
      }
      const canAnswer =
        response.statusCode === 401 &&
        tries === 0 &&
        (await authorizer.answer(response.headers['www-authenticate'], signal))
      if (!canAnswer) throw await refusal(response)
      response.resume()
    }
  } catch (error) {
    const code = errorCode(error)
    if (code === 'UNAUTHORIZED') throw new UnauthorizedError(asked(error), { cause: error })
    throw new EngineError(code, asked(error), { cause: error })
  }
}

/** `https://index.docker.io/v1/`, which stands for docker.io, `https://host:port/…` or `host:port`. */
function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return ['', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host
}
