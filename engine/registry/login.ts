import type { IncomingMessage } from 'node:http'
import type { RegistryCredentials } from '../contract/common.ts'
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
      // an answer says more than that there was none
      if (failure === undefined || errorCode(error) !== 'UNAVAILABLE') failure = error
    }
  }
  throw failure
}

async function logInAt(
  endpoint: Endpoint,
  credentials: RegistryCredentials,
  signal: AbortSignal | undefined,
): Promise<string> {
  const authorizer = new Authorizer(credentials, '', endpoint, { offline: true })
  const { href } = baseOf(endpoint)
  const response = await answerTo(endpoint, authorizer, signal).catch((error: unknown) => {
    throw named(error, `Get "${href}"`)
  })
  if (response.statusCode !== 200) {
    const status = `${String(response.statusCode)} ${response.statusMessage ?? ''}`
    const words = `login attempt to ${href} failed with status: ${status}`
    throw named(await refusal(response, { isAnonymous: authorizer.isAnonymous }), words)
  }
  response.resume()
  return authorizer.identityToken ?? ''
}

/** The error behind Docker's words of what was tried. */
function named(error: unknown, tried: string): EngineError {
  const code = errorCode(error)
  const words = `${tried}: ${errorMessage(error)}`
  if (code === 'UNAUTHORIZED') return new UnauthorizedError(words, { cause: error })
  return new EngineError(code, words, { cause: error })
}

/**
 * Asks a registry whether it is one and lets us in.
 *
 * @returns its answer, which is 200
 * @throws UNAUTHORIZED with the registry's words, UNAVAILABLE when it cannot be reached, its refusal for other answers
 * @see distribution-spec, "Determining Support" (end-1)
 */
export async function enter(
  endpoint: Endpoint,
  authorizer: Authorizer,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const response = await answerTo(endpoint, authorizer, signal)
  if (response.statusCode === 200) return response
  throw await refusal(response, { isAnonymous: authorizer.isAnonymous })
}

/** The answer, whatever it is, when all has been done that it asks for. */
async function answerTo(
  endpoint: Endpoint,
  authorizer: Authorizer,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  for (let tries = 0; ; tries++) {
    const authorization = await authorizer.header(signal)
    const response = await request(baseOf(endpoint), {
      headers: authorization === undefined ? {} : { authorization },
      signal,
      access: endpoint,
    })
    const canAnswer =
      response.statusCode === 401 &&
      tries === 0 &&
      (await authorizer.answer(response.headers['www-authenticate'], signal))
    if (!canAnswer) return response
    response.resume()
  }
}

export function baseOf(endpoint: Endpoint): URL {
  return new URL('/v2/', endpoint.url)
}

/** `https://index.docker.io/v1/`, which stands for docker.io, `https://host:port/…` or `host:port`. */
function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return ['', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host
}
