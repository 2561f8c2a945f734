import type { RegistryCredentials } from '../contract/common.ts'
import type { RegistryCheck } from '../contract/distribution.ts'
import { errorCode, errorMessage } from '../errors.ts'
import type { Registries } from './access.ts'
import { Authorizer } from './auth.ts'
import { endpointsOf } from './endpoints.ts'
import type { Endpoint } from './endpoints.ts'
import { readBody } from './http.ts'
import { baseOf, enter } from './login.ts'
import { refusalOf } from './refusal.ts'

type Outcome = RegistryCheck['outcome']

/** An answer says more than that there was none, since https and http are both tried at one insecure address. */
const LEAST_TELLING: Outcome[] = ['unreachable', 'plain-http', 'certificate']

/**
 * Tries a registry as it would be tried for a pull, and tells what came of it.
 *
 * @throws only when the signal fires, or its certificates on this host cannot be read
 */
export async function checkRegistry(
  registries: Registries,
  host: string,
  credentials: RegistryCredentials,
  signal?: AbortSignal,
): Promise<RegistryCheck> {
  let worst: RegistryCheck | undefined
  for (const endpoint of await endpointsOf(host, { ...registries, mirrors: [] })) {
    const found = await checkAt(endpoint, credentials, signal)
    if (found.outcome === 'ok') return found
    if (worst === undefined || LEAST_TELLING.includes(worst.outcome)) worst = found
    // a password that was refused over https is not sent again in the clear
    if (!LEAST_TELLING.includes(found.outcome)) break
  }
  return worst ?? { outcome: 'failed', message: `there is no address for ${host}`, url: '' }
}

async function checkAt(
  endpoint: Endpoint,
  credentials: RegistryCredentials,
  signal: AbortSignal | undefined,
): Promise<RegistryCheck> {
  const { href: url } = baseOf(endpoint)
  try {
    const response = await enter(endpoint, new Authorizer(credentials, '', endpoint), signal)
    const isTold = response.headers['docker-distribution-api-version'] !== undefined
    const body = await readBody(response, 1 << 16)
    // a web site answers 200 to anything
    const isPage = /html/i.test(response.headers['content-type'] ?? '')
    if (isTold || (!isPage && (body.length === 0 || isJson(body))))
      return { outcome: 'ok', message: '', url }
    return { outcome: 'no-registry', message: 'it answers with a page of something else', url }
  } catch (error) {
    signal?.throwIfAborted()
    return { outcome: outcomeOf(error), message: errorMessage(error), url }
  }
}

function outcomeOf(error: unknown): Outcome {
  const refused = refusalOf(error)
  if (refused !== undefined) {
    if (refused.status === 429) return 'rate-limit'
    if (refused.status === 401 || refused.status === 403) return 'unauthorized'
    // 405: some servers know the path from elsewhere
    return refused.status === 404 || refused.status === 405 ? 'no-registry' : 'failed'
  }
  if (errorCode(error) === 'UNAUTHORIZED') return 'unauthorized'
  const { code = '', message = '' } = (error as { cause?: NodeJS.ErrnoException }).cause ?? {}
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'unknown-host'
  if (/wrong.version.number|packet length too long/i.test(`${code} ${message}`)) return 'plain-http'
  if (/CERT|SELF_SIGNED|^UNABLE_TO|^ERR_TLS|^ERR_SSL|^EPROTO$/.test(code)) return 'certificate'
  if (code.startsWith('HPE_')) return 'no-registry'
  return errorCode(error) === 'UNAVAILABLE' ? 'unreachable' : 'failed'
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'))
    return true
  } catch {
    return false
  }
}
