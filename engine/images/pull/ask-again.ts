import { setTimeout as sleep } from 'node:timers/promises'
import type { RegistryClient } from '../../registry/client.ts'
import { refusalOf, retryDelay } from '../../registry/refusal.ts'

/**
 * Asks again when that may help; an endpoint that cannot be reached at all is not waited for when there is another.
 *
 * @param client who is asked, of these
 * @throws what came last; the signal's reason when it fired
 */
export async function askAgain<T>(
  ask: () => Promise<T>,
  client: RegistryClient,
  clients: readonly RegistryClient[],
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      signal.throwIfAborted()
      const isAnswered = refusalOf(error) !== undefined
      const hasOthers = client !== clients.at(-1)
      const seconds = retryDelay(error, attempt)
      if (seconds === undefined || (!isAnswered && (hasOthers || attempt >= 2))) throw error
      await sleep(seconds * 1000, undefined, { signal })
    }
  }
}
