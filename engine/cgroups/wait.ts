import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again until the answer is yes, at first at once, then ever more slowly.
 *
 * @returns false when it still is no after `timeoutMs`
 */
export async function waitUntil(isSo: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  for (let delayMs = 0.5; !isSo(); delayMs = Math.min(delayMs * 1.5, 50)) {
    if (performance.now() > deadline) return false
    await sleep(delayMs)
  }
  return true
}
