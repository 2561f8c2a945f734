import { errorCode } from '../errors.ts'
import type { RegistryClient } from './client.ts'
import { refusalOf } from './refusal.ts'

/**
 * Asks the endpoints of a registry in their order until one has what is wanted. A mirror's refusal is passed over, that
 * of the registry itself counts.
 *
 * @throws what tells most: an answer rather than that somebody could not be reached, since https and http are both tried at one
 *   local address
 */
export async function firstAnswer<T>(
  clients: readonly RegistryClient[],
  ask: (client: RegistryClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let failure: unknown
  let hasAnswer = false
  for (const client of clients) {
    try {
      return await ask(client)
    } catch (error) {
      signal?.throwIfAborted()
      const isUnreachable = refusalOf(error) === undefined && errorCode(error) === 'UNAVAILABLE'
      if (!isUnreachable || !hasAnswer) failure = error
      hasAnswer ||= !isUnreachable
      if (!client.endpoint.isMirror && !isUnreachable) break
    }
  }
  throw failure
}
