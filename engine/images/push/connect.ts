import { setTimeout as sleep } from 'node:timers/promises'
import type { PushOptions } from '../../contract/images.ts'
import { errorCode } from '../../errors.ts'
import type { Registries } from '../../registry/access.ts'
import { RegistryClient } from '../../registry/client.ts'
import { endpointsOf } from '../../registry/endpoints.ts'
import { refusalOf, retryDelay } from '../../registry/refusal.ts'
import type { Reference } from '../reference.ts'

/** The first address of the registry that answers. Mirrors are not pushed to. */
export async function connectForPush(
  registries: Registries,
  { domain, path }: Reference,
  { auth = {} }: PushOptions,
  neighbours: string[],
  signal: AbortSignal,
): Promise<RegistryClient> {
  let failure: unknown
  for (const endpoint of await endpointsOf(domain, { ...registries, mirrors: [] })) {
    const client = new RegistryClient(endpoint, path, auth, { push: true, neighbours })
    for (let attempt = 1; ; attempt++) {
      try {
        await client.ping(signal)
        return client
      } catch (error) {
        signal.throwIfAborted()
        const isAnswered = refusalOf(error) !== undefined || errorCode(error) !== 'UNAVAILABLE'
        const seconds = isAnswered ? retryDelay(error, attempt) : undefined
        if (seconds !== undefined) {
          await sleep(seconds * 1000, undefined, { signal })
          continue
        }
        if (isAnswered) throw error
        failure ??= error
        break
      }
    }
  }
  throw failure
}
